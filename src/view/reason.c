/* SPDX-License-Identifier: MIT */
/* Sentences that say why a walk ended, below a picture or on their own. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "view/picture.h"

/* The subject of a reason: the last entry of a walk. */
struct reason {
	const struct pw_regime *regime;
	const struct picture_step *step;
	const struct picture_step *above; /* that led to its table; NULL: the root did */
	const struct pw_result *result; /* of one address; NULL: a range */
	/* There is no picture of the entries: the reason gives their values, and begins with the entry. */
	bool alone;
};

/* "the pte", "the pmd entry": the e of pte is the entry. Alone: "pte 0x18". Returns @text. */
static char *entry_text(const struct reason *reason, const struct picture_step *step, char *text,
			size_t bytes)
{
	const char *name = pw_level_name(reason->regime->format, step->level);
	const char *entry = pw_entry_suffix(name);

	if (reason->alone)
		snprintf(text, bytes, "%s%s 0x%" PRIx64, name, entry, step->entry);
	else
		snprintf(text, bytes, "the %s%s", name, entry);
	return text;
}

/* Linux's meaning of an entry without a page for the hardware; follows a reason. */
static void linux_reason(const struct reason *reason, char *text, size_t bytes)
{
	const struct pw_format *f = reason->regime->format;
	const struct picture_step *step = reason->step;
	struct pw_regime as_linux = *reason->regime;
	bool old;

	as_linux.view = PW_VIEW_LINUX;
	text[0] = '\0';
	if (!step->on_linux)
		return;
	if (step->linux_kind == PW_LEAF) {
		old = !(f->attr(f, &as_linux, step->level, step->entry) & PW_ACCESSED);
		snprintf(text, bytes,
			 "; for Linux the page at 0x%" PRIx64
			 " is present here%s; see the Linux view",
			 step->linux_page,
			 old ? ", but old: the next access faults, and makes it young" : "");
	} else if (step->linux_status == PW_PROT_NONE) {
		snprintf(text, bytes,
			 "; for Linux it is PROT_NONE: the page at 0x%" PRIx64
			 " is kept here, and nobody may access it",
			 step->linux_page);
	} else {
		snprintf(text, bytes, "; for Linux it is a %s entry; see the Linux view",
			 pw_status_name((enum pw_status)step->linux_status));
	}
}

static bool is_empty(const struct reason *reason)
{
	const struct pw_format *f = reason->regime->format;
	const struct picture_step *step = reason->step;

	return step->entry == 0 ||
	       (f->make_empty && step->entry == f->make_empty(f, reason->regime, step->level));
}

static void none_reason(const struct reason *reason, char *text, size_t bytes)
{
	const char *what = is_empty(reason) ? "empty"
			   : reason->regime->view == PW_VIEW_HARDWARE
				   ? "not valid"
				   : "not valid, and means nothing to Linux";
	char entry[80], size[32], more[200] = "";

	if (reason->regime->view == PW_VIEW_HARDWARE)
		linux_reason(reason, more, sizeof(more));
	snprintf(text, bytes, "%s%s is %s (%s)%s", reason->alone ? "" : "not mapped: ",
		 entry_text(reason, reason->step, entry, sizeof(entry)), what,
		 pw_size_lg2_text(reason->step->shift, size), more);
}

/* The thing that Linux keeps instead of a page. */
static const char *absent_text(enum pw_status status)
{
	switch (status) {
	case PW_MIGRATION:
		return ": the page is being moved, a migration entry";
	case PW_HWPOISON:
		return ": the page's memory failed, a hwpoison entry";
	case PW_DEVICE:
		return ": the page is in a device's own memory, or a device uses it exclusively";
	case PW_MARKER:
		return ": instead of a page there is a marker, of userfaultfd, of a lost page or of a guard region";
	default:
		return ": the page is in swap";
	}
}

static void absent_reason(const struct reason *reason, char *text, size_t bytes)
{
	char entry[80] = "", size[32];

	if (reason->alone)
		entry_text(reason, reason->step, entry, sizeof(entry));
	snprintf(text, bytes, "%s%snot present%s (%s)", entry, reason->alone ? " is " : "",
		 absent_text((enum pw_status)reason->step->status),
		 pw_size_lg2_text(reason->step->shift, size));
}

static void prot_none_reason(const struct reason *reason, char *text, size_t bytes)
{
	char entry[80] = "", size[32];

	if (reason->alone)
		entry_text(reason, reason->step, entry, sizeof(entry));
	snprintf(text, bytes,
		 "%s: Linux keeps the page at 0x%" PRIx64
		 " here (%s), and nobody may access it; for the hardware it is a hole",
		 reason->alone ? entry : "PROT_NONE", reason->step->next,
		 pw_size_lg2_text(reason->step->shift, size));
}

static void outside_reason(const struct reason *reason, char *text, size_t bytes)
{
	const struct picture_step *step = reason->step;
	char table[64], entry[80], more[120] = "";

	if (reason->alone)
		snprintf(more, sizeof(more), "; %s leads to it",
			 reason->above ? entry_text(reason, reason->above, entry, sizeof(entry))
				       : "the root");
	pw_table_name(reason->regime->format, step->level, table, sizeof(table));
	snprintf(text, bytes,
		 "the %s at 0x%" PRIx64
		 " is not in the memory that we have, so its entry at 0x%" PRIx64
		 " cannot be read%s",
		 table, step->table, step->at, more);
}

/* The table has no entry for the address: the root or the entry above limits its length. */
static void length_reason(const struct reason *reason, char *text, size_t bytes)
{
	const struct pw_format *f = reason->regime->format;
	const struct picture_step *step = reason->step, *above = reason->above;
	const struct pw_span *span = pw_span_find(reason->regime, step->first);
	char table[64], entry[80];

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
	snprintf(text, bytes, "%s above says that the %s has no entry %" PRIu32,
		 entry_text(reason, above, entry, sizeof(entry)), table, step->index);
}

/* Writes into @text why these bits, which are set, make an entry malformed, if they do. */
static void bits_reason(const struct pw_bits *bits, uint64_t entry, char *text, size_t bytes)
{
	if (bits->malformed)
		snprintf(text, bytes, "%s", bits->malformed);
	else if (strncmp(bits->name, "reserved", 8) == 0)
		snprintf(text, bytes, "reserved bits are set, 0x%" PRIx64, entry & bits->mask);
}

static void malformed_reason(const struct reason *reason, char *text, size_t bytes)
{
	const struct pw_regime *regime = reason->regime;
	const struct picture_step *step = reason->step;
	const struct pw_words *words = regime->format->words;
	const struct pw_bits *bits = pw_bits_find(regime, step->level, PW_HOLE, PW_MALFORMED,
						  step->entry);
	char entry[80], value[24] = "", why[160] = "this value has no meaning here";

	entry_text(reason, step, entry, sizeof(entry));
	if (words && words->malformed &&
	    words->malformed(step->level, step->entry, entry, text, bytes))
		return;
	for (; bits; bits = pw_bits_next(bits))
		if ((step->entry & bits->mask) && pw_bits_apply(bits, regime))
			bits_reason(bits, step->entry, why, sizeof(why));
	if (!reason->alone)
		snprintf(value, sizeof(value), " 0x%" PRIx64, step->entry);
	snprintf(text, bytes, "%s%s is malformed: %s; the hardware would fault", entry, value, why);
}

static void leaf_reason(const struct reason *reason, char *text, size_t bytes)
{
	const struct pw_result *result = reason->result;
	const struct picture_step *leaf = reason->step;
	char size[32], each[32], prot[5];
	/* The entry's own address; with a prefix (s390x) the result is another address. */
	pw_pa real = leaf->next | (result->va & pw_mask(result->size_lg2));

	snprintf(text, bytes,
		 "mapped: physical 0x%" PRIx64 ", in a page of %s at 0x%" PRIx64 ", %s", result->pa,
		 pw_size_lg2_text(result->size_lg2, size), leaf->next,
		 pw_prot_string(result->attr, prot));
	if (real != result->pa) {
		size_t length = strlen(text);

		snprintf(text + length, bytes - length,
			 "; that is the absolute address: the entry leads to real 0x%" PRIx64
			 ", and the CPU's prefix is 0x%" PRIx64,
			 real, reason->regime->registers.prefix);
	}
	if (result->size_lg2 > leaf->shift) {
		size_t length = strlen(text);

		snprintf(text + length, bytes - length,
			 "; %" PRIu64 " entries of %s map it together",
			 UINT64_C(1) << (result->size_lg2 - leaf->shift),
			 pw_size_lg2_text(leaf->shift, each));
	}
}

/* A mapped range needs no reason: its picture shows it. */
static void present_reason(const struct reason *reason, char *text, size_t bytes)
{
	char entry[80];

	text[0] = '\0';
	if (!reason->result)
		return;
	if (reason->step->kind == PW_LEAF)
		leaf_reason(reason, text, bytes);
	else if (reason->step->kind == PW_TABLE)
		/* The last step is a table only if this table is too short for the address. */
		snprintf(
			text, bytes,
			"the table that %s leads to covers only the lowest part of the entry's range, and the address lies above that part",
			entry_text(reason, reason->step, entry, sizeof(entry)));
}

static void tell(const struct reason *reason, char *text, size_t bytes)
{
	switch ((enum pw_status)reason->step->status) {
	case PW_OK:
		present_reason(reason, text, bytes);
		return;
	case PW_NONE:
		none_reason(reason, text, bytes);
		return;
	case PW_SWAP:
	case PW_MIGRATION:
	case PW_HWPOISON:
	case PW_DEVICE:
	case PW_MARKER:
		absent_reason(reason, text, bytes);
		return;
	case PW_PROT_NONE:
		prot_none_reason(reason, text, bytes);
		return;
	case PW_OUTSIDE:
		outside_reason(reason, text, bytes);
		return;
	case PW_MALFORMED:
		malformed_reason(reason, text, bytes);
		return;
	case PW_LENGTH:
		length_reason(reason, text, bytes);
		return;
	case PW_UNSTABLE:
		snprintf(text, bytes, "the entry changed each time that it was read");
		return;
	case PW_NOT_CANONICAL:
	case PW_SHARED:
		break;
	}
	snprintf(text, bytes, "%s", pw_status_name((enum pw_status)reason->step->status));
}

void pw_step_reason(const struct pw_picture *picture, const struct picture_step *step, char *text,
		    size_t bytes)
{
	const struct reason reason = {
		.regime = &picture->regime,
		.step = step,
		.above = step->parent < 0 ? NULL : &picture->step[step->parent],
		.result = picture->is_range ? NULL : &picture->result,
	};

	tell(&reason, text, bytes);
}

/* ---- no root covers the address ---- */

static void spans_text(const struct pw_regime *regime, char *text, size_t bytes)
{
	const struct pw_span *span = regime->span;

	if (regime->spans > 1)
		snprintf(text, bytes,
			 "the roots cover 0x%" PRIx64 "-0x%" PRIx64 " and 0x%" PRIx64 "-0x%" PRIx64
			 ", but nothing between",
			 span[0].first, span[0].last, span[1].first, span[1].last);
	else
		snprintf(text, bytes,
			 "the tables of this root cover 0x%" PRIx64 "-0x%" PRIx64 " only",
			 span->first, span->last);
}

void pw_not_canonical_reason(const struct pw_picture *picture, char *text, size_t bytes)
{
	char spans[200];

	spans_text(&picture->regime, spans, sizeof(spans));
	snprintf(text, bytes, "%s: %s",
		 picture->regime.spans > 1 ? "not canonical" : "out of reach", spans);
	for (unsigned i = 0; i < picture->fields; i++) {
		const struct picture_field *field = &picture->field[i];
		size_t length = strlen(text);

		if (field->role != PICTURE_FOLDED || field->value == 0)
			continue;
		snprintf(text + length, bytes - length,
			 "; %s is folded, so its bits must be zero, but they are 0x%" PRIx64,
			 field->name, field->value);
		return;
	}
}

/* ---- a result without a picture ---- */

static bool is_in_memory(const struct pw_memory *memory, pw_pa pa)
{
	const struct pw_segment *segments;
	size_t count = pw_memory_segments(memory, &segments);

	for (size_t i = 0; i < count; i++)
		if (pa >= segments[i].first && pa <= segments[i].last)
			return true;
	return false;
}

/*
 * For architectures with tables of either byte order: appends a hint to @text if the bytes in the other
 * order are a valid entry with an address that the memory has.
 */
static void add_other_order(const struct pw_memory *memory, const struct reason *reason, char *text,
			    size_t bytes)
{
	const struct pw_regime *regime = reason->regime;
	const struct pw_format *f = regime->format;
	const struct picture_step *step = reason->step;
	size_t length = strlen(text);
	enum pw_kind kind;
	uint64_t other;

	if (!f->words || !f->words->either_order || step->on_linux || is_empty(reason))
		return;
	other = f->entry_lg2 == 2 ? __builtin_bswap32((uint32_t)step->entry)
				  : __builtin_bswap64(step->entry);
	kind = f->kind(f, regime, step->level, other);
	if (kind == PW_HOLE ||
	    !is_in_memory(memory, kind == PW_TABLE ? f->table(f, regime, step->level, other)
						   : f->page(f, regime, step->level, other)))
		return;
	snprintf(
		text + length, bytes - length,
		"; in the other byte order it is 0x%" PRIx64
		", a valid entry with an address that the memory has. Are these big-endian tables? A description of the format with 'entry %u big' reads them (pagewalk-format(5))",
		other, 1u << f->entry_lg2);
}

/* Did the memory leave out the table's bytes, so that we took them as zeros? */
static bool is_left_out(const struct pw_memory *memory, const struct picture_step *step)
{
	char byte;

	return step->status == PW_NONE && step->entry == 0 &&
	       pw_memory_read(memory, step->at, &byte, 1) == -ENODATA;
}

char *pw_result_reason(const struct pw_memory *memory, const struct pw_regime *regime,
		       const struct pw_result *result, char *text, size_t size)
{
	struct picture_step last, above;
	struct reason reason = { .regime = regime, .step = &last, .alone = true };
	struct pw_result again;
	struct pw_trace trace;
	char table[64];

	pw_translate_trace(memory, regime, result->va, &again, &trace);
	if (again.status != result->status) {
		snprintf(text, size, "the tables changed while they were read; try again");
		return text;
	}
	if (trace.steps == 0) {
		spans_text(regime, text, size);
		return text;
	}
	reason.result = &again;
	pw_step_of_trace(regime, result->va, &trace, trace.steps - 1, &last);
	if (trace.steps > 1) {
		pw_step_of_trace(regime, result->va, &trace, trace.steps - 2, &above);
		reason.above = &above;
	}
	if (is_left_out(memory, &last)) {
		pw_table_name(regime->format, last.level, table, sizeof(table));
		snprintf(text, size,
			 "the dump left out the %s at 0x%" PRIx64
			 ", because it was all zero: it is empty",
			 table, last.table);
		return text;
	}
	tell(&reason, text, size);
	if (last.status == PW_NONE)
		add_other_order(memory, &reason, text, size);
	return text;
}
