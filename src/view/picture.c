/* SPDX-License-Identifier: MIT */
/* Makes and releases pictures; small words that all drawings use. */
#include "view/picture.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

int pw_picture_create(const struct pw_memory *memory, const struct pw_regime *regime, pw_va first,
		      pw_va last, const struct pw_picture_options *options,
		      struct pw_picture **picture_ret, struct pw_error *error)
{
	static const struct pw_picture_options defaults;
	struct pw_picture *picture;
	int code;

	if (!options)
		options = &defaults;
	if (first > last)
		return pw_fail(error, EINVAL,
			       "the range 0x%" PRIx64 "-0x%" PRIx64 " ends before it begins", first,
			       last);
	if (!memory || !regime || !picture_ret)
		return pw_fail_null(error, !memory ? "memory" : !regime ? "regime" : "picture_ret");
	picture = calloc(1, sizeof(*picture));
	if (!picture)
		return pw_fail(error, ENOMEM, "no memory for a picture");
	picture->regime = *regime;
	picture->first = first;
	picture->last = last;
	picture->is_range = first != last;
	picture->label = options->label ? strdup(options->label) : NULL;
	code = picture->is_range ? pw_picture_range(picture, memory, options, error)
				 : pw_picture_address(picture, memory, error);
	if (code) {
		pw_picture_destroy(picture);
		return code;
	}
	*picture_ret = picture;
	return 0;
}

void pw_picture_destroy(struct pw_picture *picture)
{
	if (!picture)
		return;
	free(picture->label);
	free(picture->step);
	free(picture);
}

bool pw_picture_found(const struct pw_picture *picture)
{
	return picture->is_range ? picture->leaves > 0 : picture->result.status == PW_OK;
}

struct picture_step *pw_picture_add(struct pw_picture *picture)
{
	if (picture->steps == picture->room) {
		unsigned room = picture->room ? 2 * picture->room : 16;
		struct picture_step *step = realloc(picture->step, room * sizeof(*step));

		if (!step)
			return NULL;
		picture->step = step;
		picture->room = room;
	}
	picture->step[picture->steps] = (struct picture_step){ .parent = -1, .count = 1 };
	return &picture->step[picture->steps++];
}

char *pw_table_name(const struct pw_format *format, unsigned level, char *text, size_t size)
{
	const char *name = pw_level_name(format, level);

	/* The common name, which the manuals use too. */
	snprintf(text, size, "%s table", strcmp(name, "pte") == 0 ? "page" : name);
	return text;
}

char *pw_step_words(const struct pw_picture *picture, const struct picture_step *step, char *text,
		    size_t size)
{
	text[0] = '\0';
	if (!step->read)
		return text;
	return pw_bits_words(&picture->regime, step->level, (enum pw_kind)step->kind,
			     (enum pw_status)step->status, step->entry, text, size);
}

const char *pw_view_text(enum pw_view view)
{
	return view == PW_VIEW_LINUX ? "Linux view" : "hardware view";
}

const char *pw_kind_text(enum pw_kind kind)
{
	return kind == PW_TABLE ? "table" : kind == PW_LEAF ? "leaf" : "hole";
}
