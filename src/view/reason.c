/* SPDX-License-Identifier: MIT */
/* Why a walk ended where it did, and which level took which permission away: sentences. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "view/picture.h"

/* "pte", "pmd entry": the e of pte is the entry. */
static char *entry_name(const struct pw_picture *picture, unsigned level, char *text, size_t bytes)
{
	const char *name = pw_level_name(picture->regime.format, level);

	snprintf(text, bytes, "%s%s", name, strcmp(name, "pte") == 0 ? "" : " entry");
	return text;
}

/* What an entry without a page for the hardware is to Linux, to be put behind a reason. */
static void linux_reason(const struct pw_picture *picture, const struct picture_step *step,
			 char *text, size_t bytes)
{
	const struct pw_format *f = picture->regime.format;
	struct pw_regime as_linux = picture->regime;
	bool old;

	as_linux.view = PW_VIEW_LINUX;
	text[0] = '\0';
	if (!step->on_linux)
		return;
	if (step->linux_kind == PW_LEAF) {
		old = !(f->attr(f, &as_linux, step->level, step->entry) & PW_ACCESSED);
		snprintf(text, bytes,
			 "; for Linux the page at 0x%" PRIx64
			 " is present here%s: see the Linux view",
			 step->linux_page,
			 old ? ", but old, and the next access faults to make it young" : "");
	} else if (step->linux_status == PW_PROT_NONE) {
		snprintf(text, bytes,
			 "; for Linux it is PROT_NONE: the page at 0x%" PRIx64
			 " is kept here, and nobody may access it",
			 step->linux_page);
	} else {
		snprintf(text, bytes, "; for Linux it is a %s entry: see the Linux view",
			 pw_status_name((enum pw_status)step->linux_status));
	}
}

/* What Linux keeps in the place of a page. */
static const char *absent_reason(enum pw_status status)
{
	switch (status) {
	case PW_MIGRATION:
		return ": the page is being moved, a migration entry";
	case PW_HWPOISON:
		return ": the page's memory failed, a hwpoison entry";
	case PW_DEVICE:
		return ": the page is in a device's own memory, or a device has it for itself";
	case PW_MARKER:
		return ", and no page: a marker of userfaultfd, of a page that was lost, or of a "
		       "guard region";
	default:
		return ": the page is in swap";
	}
}

/* A table without an entry for the address, because the root or the entry above says so. */
static void length_reason(const struct pw_picture *picture, const struct picture_step *step,
			  char *text, size_t bytes)
{
	const struct pw_format *f = picture->regime.format;
	const struct pw_span *span = pw_span_find(&picture->regime, step->first);
	const struct picture_step *above = step->parent < 0 ? NULL : &picture->step[step->parent];
	char table[64], name[64];

	pw_table_name(f, step->level, table, sizeof(table));
	if (!above) {
		snprintf(text, bytes,
			 "the %s ends before index %" PRIu32
			 ": the root says that its last entry is %" PRIu32,
			 table, step->index, span ? span->top_last : 0);
		return;
	}
	if (f->words && f->words->too_short) {
		const struct pw_short_table at = { table, step->index, above->level, above->entry };

		f->words->too_short(f, &at, text, bytes);
		return;
	}
	snprintf(text, bytes, "the %s above says that the %s has no entry %" PRIu32,
		 entry_name(picture, above->level, name, sizeof(name)), table, step->index);
}

/* Why these bits, which are set, make an entry malformed, into @text, if they do. */
static void bits_reason(const struct pw_bits *bits, uint64_t entry, char *text, size_t bytes)
{
	if (bits->malformed)
		snprintf(text, bytes, "%s", bits->malformed);
	else if (strncmp(bits->name, "reserved", 8) == 0)
		snprintf(text, bytes, "reserved bits are set, 0x%" PRIx64, entry & bits->mask);
}

static void malformed_reason(const struct pw_picture *picture, const struct picture_step *step,
			     char *text, size_t bytes)
{
	const struct pw_regime *regime = &picture->regime;
	const struct pw_words *words = regime->format->words;
	const struct pw_bits *bits = pw_bits_find(regime, step->level, PW_HOLE, PW_MALFORMED,
						  step->entry);
	char name[64], why[160] = "this value has no meaning here";

	entry_name(picture, step->level, name, sizeof(name));
	if (words && words->malformed &&
	    words->malformed(step->level, step->entry, name, text, bytes))
		return;
	for (; bits; bits = pw_bits_next(bits))
		if ((step->entry & bits->mask) && pw_bits_apply(bits, regime))
			bits_reason(bits, step->entry, why, sizeof(why));
	snprintf(text, bytes, "the %s 0x%" PRIx64 " is malformed: %s; the hardware would fault",
		 name, step->entry, why);
}

static void leaf_reason(const struct pw_picture *picture, char *text, size_t bytes)
{
	const struct pw_result *result = &picture->result;
	const struct picture_step *leaf = &picture->step[picture->steps - 1];
	char size[32], each[32], prot[5];
	/* What the entry says; with a prefix (s390x) the result is another address. */
	pw_pa real = leaf->next | (result->va & pw_mask(result->size_lg2));

	snprintf(text, bytes,
		 "mapped: physical 0x%" PRIx64 ", in a page of %s at 0x%" PRIx64 ", %s", result->pa,
		 pw_size_lg2_text(result->size_lg2, size, sizeof(size)), leaf->next,
		 pw_prot_string(result->attr, prot));
	if (real != result->pa) {
		size_t length = strlen(text);

		snprintf(text + length, bytes - length,
			 "; that is the absolute address: the entry leads to real 0x%" PRIx64
			 ", and the prefix of the CPU is 0x%" PRIx64,
			 real, picture->regime.registers.prefix);
	}
	if (result->size_lg2 > leaf->shift) {
		size_t length = strlen(text);

		snprintf(text + length, bytes - length,
			 "; one of %" PRIu64 " entries of %s that map it together",
			 UINT64_C(1) << (result->size_lg2 - leaf->shift),
			 pw_size_lg2_text(leaf->shift, each, sizeof(each)));
	}
}

static bool is_empty(const struct pw_picture *picture, const struct picture_step *step)
{
	const struct pw_format *f = picture->regime.format;

	return step->entry == 0 ||
	       (f->make_empty && step->entry == f->make_empty(f, &picture->regime, step->level));
}

void pw_step_reason(const struct pw_picture *picture, const struct picture_step *step, char *text,
		    size_t bytes)
{
	char name[64], size[32], table[64], more[200];

	entry_name(picture, step->level, name, sizeof(name));
	pw_size_lg2_text(step->shift, size, sizeof(size));
	pw_table_name(picture->regime.format, step->level, table, sizeof(table));
	switch ((enum pw_status)step->status) {
	case PW_OK:
		if (step->kind == PW_LEAF && !picture->is_range)
			leaf_reason(picture, text, bytes);
		else if (step->kind == PW_TABLE && !picture->is_range)
			/* The last step is a table only where that one is too short for the address. */
			snprintf(text, bytes,
				 "the table that the %s leads to covers only the lowest part "
				 "of what the entry does, and the address lies above it",
				 name);
		else
			text[0] = '\0';
		return;
	case PW_NONE:
		linux_reason(picture, step, more, sizeof(more));
		if (picture->regime.view == PW_VIEW_HARDWARE)
			snprintf(text, bytes, "not mapped: the %s is %s (%s)%s", name,
				 is_empty(picture, step) ? "empty" : "not valid", size, more);
		else
			snprintf(text, bytes, "not mapped: the %s is %s (%s)", name,
				 is_empty(picture, step) ? "empty"
							 : "not valid, and nothing to Linux",
				 size);
		return;
	case PW_SWAP:
	case PW_MIGRATION:
	case PW_HWPOISON:
	case PW_DEVICE:
	case PW_MARKER:
		snprintf(text, bytes, "not present%s (%s)",
			 absent_reason((enum pw_status)step->status), size);
		return;
	case PW_PROT_NONE:
		snprintf(text, bytes,
			 "PROT_NONE: Linux keeps the page at 0x%" PRIx64
			 " here (%s), and nobody may access it; a hole for the hardware",
			 step->next, size);
		return;
	case PW_OUTSIDE:
		snprintf(text, bytes,
			 "the %s at 0x%" PRIx64
			 " is not in the memory that we have, so its entry at 0x%" PRIx64
			 " cannot be read",
			 table, step->table, step->at);
		return;
	case PW_MALFORMED:
		malformed_reason(picture, step, text, bytes);
		return;
	case PW_LENGTH:
		length_reason(picture, step, text, bytes);
		return;
	case PW_UNSTABLE:
		snprintf(text, bytes, "the entry changed each time it was read");
		return;
	case PW_NOT_CANONICAL:
	case PW_SHARED:
		break;
	}
	snprintf(text, bytes, "%s", pw_status_name((enum pw_status)step->status));
}

void pw_not_canonical_reason(const struct pw_picture *picture, char *text, size_t bytes)
{
	const struct pw_regime *regime = &picture->regime;
	const struct pw_span *span = regime->span;

	if (regime->spans > 1)
		snprintf(text, bytes,
			 "not canonical: the roots cover 0x%" PRIx64 "-0x%" PRIx64 " and 0x%" PRIx64
			 "-0x%" PRIx64 ", and nothing between",
			 span[0].first, span[0].last, span[1].first, span[1].last);
	else
		snprintf(text, bytes,
			 "out of reach: the tables that the root names cover 0x%" PRIx64
			 "-0x%" PRIx64 ", no more",
			 span->first, span->last);
	for (unsigned i = 0; i < picture->fields; i++) {
		const struct picture_field *field = &picture->field[i];
		size_t length = strlen(text);

		if (field->role != PICTURE_FOLDED || field->value == 0)
			continue;
		snprintf(text + length, bytes - length,
			 "; %s is folded, so its bits have to be zero, and are 0x%" PRIx64,
			 field->name, field->value);
		return;
	}
}

/* Appends "NAME, " for a level that refuses. */
static void add_name(char *text, size_t bytes, const char *name)
{
	size_t length = strlen(text);

	snprintf(text + length, bytes - length, "%s%s", length ? ", " : "", name);
}

/* A format from a file has no functions to ask: the level after which the permission was gone. */
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
 * @bit is what a leaf must have and tables must keep. Which levels refuse it, by name; an empty
 * string if none does.
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
				 "not by any entry: the format or its root refuses it");
	}
}
