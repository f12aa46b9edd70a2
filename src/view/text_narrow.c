/* SPDX-License-Identifier: MIT */
/*
 * A picture as text for fewer columns than boxes and bars need: the same facts as a list, one paragraph for each
 * entry of the walk.
 */
#include <inttypes.h>

#include "view/text.h"

enum { INDENT = 2 };

/* A paragraph in a colour. */
static void put(struct line *line, unsigned indent, enum line_colour colour, const char *text)
{
	pw_line_to(line, indent);
	pw_line_colour(line, colour);
	pw_line_paragraph(line, indent + INDENT, text);
	pw_line_colour(line, LINE_PLAIN);
}

static void put_title(struct line *line, const struct pw_picture *picture)
{
	char text[1024], range[64];

	if (picture->is_range)
		snprintf(range, sizeof(range), "0x%" PRIx64 "-0x%" PRIx64, picture->first,
			 picture->last);
	else
		snprintf(range, sizeof(range), "virtual address 0x%" PRIx64, picture->first);
	snprintf(text, sizeof(text), "%s: %s (%s)%s%s", picture->regime.format->name, range,
		 pw_view_text(picture->regime.view), picture->label ? ", " : "",
		 picture->label ? picture->label : "");
	put(line, 0, LINE_BOLD, text);
}

static void put_missing(struct line *line, const struct pw_picture *picture)
{
	char text[2 * PW_PICTURE_TEXT];

	for (unsigned i = 0; i < picture->fields; i++) {
		const struct picture_field *field = &picture->field[i];

		if (field->role != PICTURE_FOLDED && field->role != PICTURE_SIGN)
			continue;
		snprintf(text, sizeof(text), "%s%s%s", field->name,
			 field->role == PICTURE_FOLDED ? " folded, not visited: " : ": ",
			 field->why);
		put(line, 0, LINE_DIM, text);
	}
}

/* The steps from the root to this one. */
static unsigned depth_of(const struct pw_picture *picture, const struct picture_step *step)
{
	unsigned depth = 0;

	for (int i = step->parent; i >= 0; i = picture->step[i].parent)
		depth++;
	return depth;
}

static void put_entry(struct line *line, const struct pw_picture *picture,
		      const struct picture_step *step, unsigned indent)
{
	char text[PW_PICTURE_TEXT];

	if (!step->read) {
		put(line, indent, LINE_PLAIN, "not read");
		return;
	}
	snprintf(text, sizeof(text), "0x%0*" PRIx64, 2 << picture->regime.format->entry_lg2,
		 step->entry);
	put(line, indent, LINE_VALUE, text);
	pw_step_words(picture, step, text, sizeof(text));
	if (text[0])
		put(line, indent, LINE_DIM, text);
}

static void put_address_step(struct line *line, const struct pw_picture *picture,
			     const struct picture_step *step)
{
	char text[PW_PICTURE_TEXT], table[64];

	snprintf(text, sizeof(text), "%s at 0x%" PRIx64 ", entry %" PRIu32 " of %" PRIu64,
		 pw_table_name(picture->regime.format, step->level, table, sizeof(table)),
		 step->table, step->index, UINT64_C(1) << step->bits);
	put(line, 0, LINE_HIT, text);
	put_entry(line, picture, step, INDENT);
}

static void put_range_step(struct line *line, const struct pw_picture *picture,
			   const struct picture_step *step)
{
	/* Deep walks must leave room for an entry. */
	unsigned depth = depth_of(picture, step), indent = depth < 4 ? depth : 4;
	char text[2 * PW_PICTURE_TEXT], target[PW_PICTURE_TEXT];

	pw_text_target(picture, step, target, sizeof(target));
	snprintf(text, sizeof(text), "%" PRIu32 ": %s", step->index, target);
	put(line, indent, step->kind == PW_LEAF ? LINE_GOOD : LINE_HIT, text);
	put_entry(line, picture, step, indent + INDENT);
	if (step->kind != PW_TABLE) {
		snprintf(text, sizeof(text), "va 0x%" PRIx64, step->first);
		put(line, indent + INDENT, LINE_PLAIN, text);
	}
	if (step->count == 1)
		return;
	snprintf(text, sizeof(text), "to %" PRIu32 ": %" PRIu32 " more alike, to va 0x%" PRIx64,
		 step->index + step->count - 1, step->count - 1, step->last);
	put(line, indent, LINE_PLAIN, text);
}

static void put_part(struct line *line, const struct pw_picture *picture, unsigned number)
{
	const struct picture_part *part = &picture->part[number];
	char text[2 * PW_PICTURE_TEXT];

	if (picture->parts > 1) {
		snprintf(text, sizeof(text), "part %u of %u: 0x%" PRIx64 "-0x%" PRIx64, number + 1,
			 picture->parts, part->first, part->last);
		put(line, 0, LINE_BOLD, text);
	}
	for (unsigned i = 0; i < part->lanes; i++) {
		const struct picture_lane *lane = &part->lane[i];

		snprintf(text, sizeof(text), "%s: %s%s", lane->name,
			 lane->folded ? "folded, not visited: " : "", lane->note);
		put(line, 0,
		    lane->folded     ? LINE_DIM
		    : lane->iterates ? LINE_GOOD
				     : LINE_PLAIN,
		    text);
	}
	put(line, 0, LINE_PLAIN, part->why);
	pw_line_end(line);
	for (unsigned i = 0; i < picture->steps; i++)
		if (picture->step[i].part == number)
			put_range_step(line, picture, &picture->step[i]);
	pw_line_end(line);
}

static void put_page(struct line *line, const struct pw_picture *picture)
{
	const struct pw_result *result = &picture->result;
	char text[PW_PICTURE_TEXT], size[32], prot[5];

	snprintf(text, sizeof(text), "page of %s, physical 0x%" PRIx64 " %s",
		 pw_size_lg2_text(result->size_lg2, size), result->pa,
		 pw_prot_string(result->attr, prot));
	put(line, 0, LINE_GOOD, text);
}

static void put_permissions(struct line *line, const struct pw_picture *picture)
{
	char text[2 * PW_PICTURE_TEXT];

	for (unsigned i = 0; i < picture->permissions; i++) {
		const struct picture_permission *permission = &picture->permission[i];

		snprintf(text, sizeof(text), "%s: %s, %s", permission->name,
			 permission->allowed ? "yes" : "no", permission->why);
		put(line, 0, permission->allowed ? LINE_GOOD : LINE_BAD, text);
	}
}

void pw_text_narrow(struct line *line, const struct pw_picture *picture)
{
	bool found = picture->is_range ? picture->leaves > 0 : picture->result.status == PW_OK;

	put_title(line, picture);
	put(line, 0, LINE_PLAIN, picture->root_text);
	if (picture->is_range) {
		pw_line_end(line);
		for (unsigned i = 0; i < picture->parts; i++)
			put_part(line, picture, i);
	} else {
		put_missing(line, picture);
		pw_line_end(line);
		for (unsigned i = 0; i < picture->steps; i++)
			put_address_step(line, picture, &picture->step[i]);
		if (found)
			put_page(line, picture);
		pw_line_end(line);
	}
	put(line, 0, found ? LINE_GOOD : LINE_BAD, picture->reason);
	if (!picture->is_range)
		put_permissions(line, picture);
}
