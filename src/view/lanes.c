/* SPDX-License-Identifier: MIT */
/*
 * The lanes of a range: at each level, where it is cropped, and at which level a walk iterates.
 *
 * All lanes share their boundaries, so that they can be drawn below each other: the boundaries are
 * those of the lowest level that has few enough entries in the range. Above it, one entry spans several
 * cells; below it, a cell stands for many entries.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "view/picture.h"

/* Entries of @shift that cover first..last. The number fits: shifts are at least 12. */
static uint64_t entries_of(pw_va first, pw_va last, unsigned shift)
{
	if (shift >= 64)
		return 1;
	return (last >> shift) - (first >> shift) + 1;
}

/* The shift of the boundaries that all lanes share. */
static unsigned shared_shift(const struct picture_part *part, const uint8_t *shift)
{
	for (unsigned level = 0; level < part->span->top; level++)
		if (entries_of(part->first, part->last, shift[level]) <= PW_PICTURE_CELLS)
			return shift[level];
	return shift[part->span->top];
}

static void add_cell(struct picture_lane *lane, pw_va first, pw_va last, unsigned bits)
{
	struct picture_cell *cell;

	if (lane->cells == PW_PICTURE_CELLS)
		return;
	cell = &lane->cell[lane->cells++];
	cell->first = first;
	cell->last = last;
	cell->index = (uint32_t)(first >> lane->shift & pw_mask(bits));
	cell->last_index = (uint32_t)(last >> lane->shift & pw_mask(bits));
	cell->entries = entries_of(first, last, lane->shift);
}

static void fill_cells(const struct picture_part *part, struct picture_lane *lane, unsigned bits,
		       unsigned shared)
{
	unsigned step = lane->shift > shared ? lane->shift : shared;
	pw_va first = part->first;

	/* Even the top table may have more entries in the range than cells: then one cell holds all. */
	if (step >= 64 || entries_of(part->first, part->last, step) > PW_PICTURE_CELLS) {
		add_cell(lane, part->first, part->last, bits);
		return;
	}
	for (;;) {
		pw_va last = first | pw_mask(step);

		last = pw_min(last, part->last);
		add_cell(lane, first, last, bits);
		if (last == part->last)
			return;
		first = last + 1;
	}
}

static struct picture_lane *add_lane(struct picture_part *part, const char *name)
{
	struct picture_lane *lane = &part->lane[part->lanes];

	if (part->lanes == PW_PICTURE_FIELDS)
		return lane - 1;
	part->lanes++;
	lane->name = name;
	return lane;
}

static void add_folded(struct pw_picture *picture, struct picture_part *part, const char *name,
		       unsigned level)
{
	struct picture_lane *lane = add_lane(part, name);

	lane->folded = true;
	lane->level = (uint8_t)level;
	pw_folded_why(&picture->regime, level, lane->note, sizeof(lane->note));
}

static void describe_lane(struct picture_lane *lane)
{
	char size[32];
	int length;

	pw_size_lg2_text(lane->shift, size);
	length = snprintf(lane->note, sizeof(lane->note), "%" PRIu64 " x %s", lane->entries, size);
	if (lane->read == 0)
		snprintf(lane->note + length, sizeof(lane->note) - (size_t)length, ", none read");
	else if (lane->read < lane->entries)
		snprintf(lane->note + length, sizeof(lane->note) - (size_t)length,
			 ", %" PRIu64 " read", lane->read);
	else if (lane->tables > 1)
		snprintf(lane->note + length, sizeof(lane->note) - (size_t)length,
			 " in %" PRIu64 " tables", lane->tables);
	if (lane->iterates)
		snprintf(lane->note + strlen(lane->note), sizeof(lane->note) - strlen(lane->note),
			 ": iterates here");
}

static void __attribute__((format(printf, 3, 4)))
append(char *text, size_t bytes, const char *format, ...)
{
	size_t length = strlen(text);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text + length, bytes - length, format, arguments);
	va_end(arguments);
}

/*
 * Describes Linux's own loops. Unless the format says otherwise, a folded level's loop runs once for each
 * turn of the loop above it (top-level folding).
 */
static void describe_linux(const struct pw_picture *picture, const struct picture_part *part,
			   const struct picture_lane *lane, char *text, size_t bytes)
{
	const struct pw_words *words = picture->regime.format->words;
	const struct picture_lane *below = lane + 1;
	char folded[80] = "";
	unsigned folds = 0;

	if (words && words->loops) {
		if (words->loops[lane->level])
			append(text, bytes, "; in Linux, %s", words->loops[lane->level]);
		return;
	}
	for (; below < part->lane + part->lanes && below->folded; below++)
		append(folded, sizeof(folded), "%s%s", folds++ ? ", " : "", below->name);
	if (folds)
		append(text, bytes,
		       "; in Linux, the loop%s over %s, folded, run%s once for each turn "
		       "over %s",
		       folds > 1 ? "s" : "", folded, folds > 1 ? "" : "s", lane->name);
}

/* Says at which level the walk iterates, and why. */
static void describe_part(struct pw_picture *picture, struct picture_part *part)
{
	const struct picture_lane *above = NULL, *lane = NULL;
	const size_t bytes = sizeof(part->why);
	char size[32], folded[160] = "";
	unsigned folds = 0;

	for (unsigned i = 0; i < part->lanes && !lane; i++) {
		if (part->lane[i].folded) {
			append(folded, sizeof(folded), "%s%s", folds++ ? ", " : "",
			       part->lane[i].name);
		} else if (part->lane[i].iterates) {
			lane = &part->lane[i];
		} else {
			above = &part->lane[i];
			folds = 0;
			folded[0] = '\0';
		}
	}
	part->why[0] = '\0';
	if (!lane) {
		append(part->why, bytes,
		       "at every level one entry covers the range, so no level iterates");
		return;
	}
	append(part->why, bytes,
	       "the walk iterates at %s: the range crosses 0x%" PRIx64
	       ", where an entry of %s ends, and is cropped there; ",
	       lane->name, (part->first | pw_mask(lane->shift)) + 1,
	       pw_size_lg2_text(lane->shift, size));
	if (above)
		append(part->why, bytes, "one %s entry above covers all of it", above->name);
	else if (folds == 0)
		append(part->why, bytes, "this is the top level");
	if (folds)
		append(part->why, bytes, "%s%s %s no table to iterate over", above ? ", and " : "",
		       folded, folds > 1 ? "are folded and have" : "is folded and has");
	describe_linux(picture, part, lane, part->why, bytes);
}

void pw_picture_lanes(struct pw_picture *picture, struct picture_part *part)
{
	const struct pw_format *f = picture->regime.format;
	const struct pw_span *span = part->span;
	uint8_t shift[PW_MAX_LEVELS];
	bool iterating = false;
	unsigned shared;

	memcpy(shift, f->shift, sizeof(shift));
	/* Where entries decide the size of a level 0 table, we take the first size that we saw. */
	for (unsigned i = picture->steps; i-- > 0;)
		if (picture->step[i].level == 0)
			shift[0] = picture->step[i].shift;
	shared = shared_shift(part, shift);
	for (unsigned level = f->levels - 1u; level > span->top; level--)
		if (f->shift[level] >= f->shift[span->top] + span->top_bits)
			add_folded(picture, part, f->level_name[level], level);
	for (unsigned level = span->top + 1u; level-- > 0;) {
		struct picture_lane *lane = add_lane(part, f->level_name[level]);
		unsigned bits = level == span->top ? span->top_bits : f->bits[level];
		const char *names[3];
		unsigned folds;

		if (level == 0)
			bits = f->levels > 1 ? f->shift[1] - (unsigned)shift[0] : bits;
		lane->level = (uint8_t)level;
		lane->shift = shift[level];
		lane->entries = entries_of(part->first, part->last, lane->shift);
		lane->tables = entries_of(part->first, part->last, lane->shift + bits);
		lane->read = part->read[level];
		lane->iterates = !iterating && lane->entries > 1;
		iterating = iterating || lane->iterates;
		fill_cells(part, lane, bits, shared);
		describe_lane(lane);
		folds = pw_folded_below(f, level, names);
		for (unsigned i = 0; i < folds; i++)
			add_folded(picture, part, names[i], level);
	}
	describe_part(picture, part);
}
