/* SPDX-License-Identifier: MIT */
/* Sentences that say which level took which permission away. */
#include <stdio.h>
#include <string.h>

#include "view/picture.h"

/* Appends "NAME, " for a level that refuses. */
static void add_name(char *text, size_t bytes, const char *name)
{
	size_t length = strlen(text);

	snprintf(text + length, bytes - length, "%s%s", length ? ", " : "", name);
}

/* For a format from a file, which has no functions: the level after which the permission was gone. */
static void first_refusal(const struct pw_picture *picture, uint32_t bit, uint32_t shown,
			  char *text, size_t bytes)
{
	text[0] = '\0';
	for (unsigned i = 0; i < picture->steps; i++) {
		const struct picture_step *step = &picture->step[i];

		if (step->attr & (step->kind == PW_LEAF ? shown : bit))
			continue;
		add_name(text, bytes, pw_level_name(picture->regime.format, step->level));
		return;
	}
}

/*
 * Names the levels that refuse @bit, which a leaf must have and tables must keep; an empty string if
 * none does.
 */
static void refusals(const struct pw_picture *picture, uint32_t bit, char *text, size_t bytes)
{
	const struct pw_regime *regime = &picture->regime;
	const struct pw_format *f = regime->format;

	text[0] = '\0';
	for (unsigned i = 0; i < picture->steps; i++) {
		const struct picture_step *step = &picture->step[i];
		uint32_t left = PW_KEEP_ALL;

		if (step->kind == PW_LEAF)
			left = f->attr(f, regime, step->level, step->entry);
		else if (f->keep)
			left = f->keep(f, regime, step->level, step->entry);
		if (!(left & bit))
			add_name(text, bytes, f->level_name[step->level]);
	}
}

void pw_picture_permissions(struct pw_picture *picture)
{
	static const char *const names[] = { "read", "write", "execute", "user mode" };
	uint32_t attr = picture->result.attr;
	uint32_t bits[] = { PW_READ, PW_WRITE, attr & PW_USER ? PW_EXEC : PW_KEXEC, PW_USER };
	static const uint32_t shown[] = { PW_READ, PW_WRITE, PW_EXEC, PW_USER };
	const struct pw_format *f = picture->regime.format;

	if (picture->result.status != PW_OK)
		return;
	picture->permissions = 4;
	for (unsigned i = 0; i < 4; i++) {
		struct picture_permission *permission = &picture->permission[i];
		char who[200];

		permission->name = names[i];
		permission->allowed = attr & shown[i];
		if (f->attr)
			refusals(picture, bits[i], who, sizeof(who));
		else
			first_refusal(picture, bits[i], shown[i], who, sizeof(who));
		if (permission->allowed)
			snprintf(permission->why, sizeof(permission->why), "%s",
				 f->attr && !f->keep ? "the leaf alone decides"
						     : "refused at no level");
		else if (who[0])
			snprintf(permission->why, sizeof(permission->why), "refused by %s", who);
		else
			snprintf(permission->why, sizeof(permission->why),
				 "the format or its root refuses it; no entry does");
	}
}
