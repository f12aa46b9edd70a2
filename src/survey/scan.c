/* SPDX-License-Identifier: MIT */
/*
 * The owner of a scan: it remembers the tables that were entered, and decides what happens to a table that
 * is met again. Without it, four tables that point to each other would be 2^36 pages.
 */
#include <stdlib.h>

#include "base/error.h"
#include "memory/memory.h"
#include "survey/index.h"
#include "survey/met.h"
#include "survey/tables.h"

/* Runs that are fetched at a time if they are split into pieces: each pause costs a walk from the root. */
enum { PW_SCAN_RAW = 1024 };

struct pw_scan {
	struct pw_scan_position position; /* must be first: callbacks get its address */
	const struct pw_memory *memory;
	const struct pw_regime *regime;
	struct pw_scan_limits limits;
	struct pw_scan_state state;
	pw_va first; /* the address where it began */
	bool in_pieces; /* runs may have to be split into pieces */
	/*
	 * If so: runs as the walker gives them, with real addresses, and with groups as each entry claims
	 * them. raw[raw_next] is without the pieces that were already returned.
	 */
	struct pw_range *raw;
	size_t raw_next, raw_count;
	struct pw_met_tables tables;
	/* By level: the table that was entered last, and where. Most that are entered again are these. */
	struct {
		struct pw_met met;
		bool any;
	} recent[PW_MAX_LEVELS];
};

enum {
	/* Entries to read in all: 2^25, and each entry of the memory as often as PW_SCAN_USES. */
	PW_SCAN_ENTRIES_LG2 = 25,
	PW_SCAN_USES = 8,
	PW_SCAN_ENTRIES_MAX_LG2 = 36,
	PW_SCAN_REPEATS_LG2 = 24,
	/* Tables between two calls of progress(): less than a millisecond. */
	PW_SCAN_PROGRESS = 256,
};

static struct pw_scan *owner(struct pw_scan_position *position)
{
	return (struct pw_scan *)position;
}

/* @table as one that is met first at @first. */
static struct pw_met met_at(const struct pw_scan_table *table, pw_va first)
{
	return (struct pw_met){
		.table = table->at.table,
		.first = first,
		.again = first,
		.keep = table->at.keep,
		.first_index = table->first_index,
		.last_index = table->last_index,
		.uses = 1,
		.level = table->at.level & 0xfu,
	};
}

/* Was this table, there, the last of its level to be entered? Then that was decided before. */
static bool is_recent(const struct pw_scan *scan, const struct pw_met *wanted)
{
	const struct pw_met *met = &scan->recent[wanted->level].met;

	return scan->recent[wanted->level].any && met->first == wanted->first &&
	       pw_met_same(met, wanted);
}

static enum pw_visit walk(struct pw_scan *scan, const struct pw_met *wanted)
{
	scan->recent[wanted->level].met = *wanted;
	scan->recent[wanted->level].any = true;
	return PW_VISIT_WALK;
}

static enum pw_visit stop(struct pw_scan *scan, int code)
{
	scan->state.stopped = code;
	return PW_VISIT_STOP;
}

static void show_progress(const struct pw_scan *scan, pw_va first)
{
	struct pw_scan_state state;

	pw_scan_state(scan, &state);
	/* Tables are entered again on the way back to state.next: report no address below that. */
	if (first > state.next)
		state.next = first;
	scan->limits.progress(scan->limits.progress_context, &state);
}

static enum pw_visit enter(struct pw_scan_position *position, const struct pw_scan_table *table,
			   pw_va first, uint64_t entries, pw_va *twin)
{
	struct pw_scan *scan = owner(position);
	const struct pw_met wanted = met_at(table, first);
	struct pw_met *met;
	bool fresh;

	if (pw_cancelled(scan->limits.cancel))
		return stop(scan, -ECANCELED);
	if (scan->limits.progress && scan->state.tables % PW_SCAN_PROGRESS == 0)
		show_progress(scan, first);
	if (position->entries >= scan->limits.entries || scan->tables.count >= PW_MET_MAX)
		return stop(scan, -E2BIG);
	if (is_recent(scan, &wanted))
		return PW_VISIT_WALK;
	met = pw_met_find(&scan->tables, &wanted, &fresh);
	if (!met)
		return stop(scan, -ENOMEM);
	if (fresh) {
		scan->state.tables++;
		return walk(scan, &wanted);
	}
	/* On the way back to where the last call of pw_scan_next stopped: this was decided before. */
	if (met->first == first || met->again == first || first < position->next)
		return walk(scan, &wanted);
	scan->state.tables++;
	if (met->empty && !position->holes)
		return PW_VISIT_EMPTY;
	if (scan->state.repeated + entries > scan->limits.repeats ||
	    (scan->limits.uses && met->uses >= scan->limits.uses)) {
		*twin = met->first;
		return PW_VISIT_SHARED;
	}
	met->again = first;
	if (met->uses < PW_MET_USES_MAX)
		met->uses++;
	scan->state.repeated += entries;
	return walk(scan, &wanted);
}

static void leave(struct pw_scan_position *position, const struct pw_scan_table *table, bool empty)
{
	const struct pw_met wanted = met_at(table, 0);
	struct pw_met *met;
	bool fresh;

	if (!empty)
		return;
	met = pw_met_find(&owner(position)->tables, &wanted, &fresh);
	if (met)
		met->empty = true;
}

uint64_t pw_scan_most(const struct pw_memory *memory, const struct pw_regime *regime)
{
	const uint64_t most = UINT64_C(1) << PW_SCAN_ENTRIES_MAX_LG2;
	const struct pw_segment *segments;
	size_t count = pw_memory_segments(memory, &segments);
	uint64_t entries = 0;

	for (size_t i = 0; i < count && entries < most; i++)
		entries += ((segments[i].last - segments[i].first) >> regime->format->entry_lg2) +
			   1;
	return pw_min(most, (UINT64_C(1) << PW_SCAN_ENTRIES_LG2) + PW_SCAN_USES * entries);
}

static bool has_groups(const struct pw_format *format)
{
	if (format->page_lg2)
		return true;
	for (unsigned level = 0; level < format->levels; level++)
		if (format->groups[level])
			return true;
	return false;
}

int pw_scan_create(const struct pw_memory *memory, const struct pw_regime *regime, pw_va first,
		   pw_va last, const struct pw_scan_limits *limits, struct pw_scan **scan_ret,
		   struct pw_error *error)
{
	const bool in_pieces = memory && regime &&
			       (regime->registers.prefix || has_groups(regime->format));
	struct pw_scan *scan;

	if (!memory || !regime || !scan_ret)
		return pw_fail_null(error, !memory ? "memory" : !regime ? "regime" : "scan_ret");
	if (first > last)
		return pw_fail(error, EINVAL, "the range 0x%llx-0x%llx ends before it begins",
			       (unsigned long long)first, (unsigned long long)last);
	scan = calloc(1, sizeof(*scan));
	if (scan && in_pieces)
		scan->raw = calloc(PW_SCAN_RAW, sizeof(*scan->raw));
	if (!scan || (in_pieces && !scan->raw)) {
		free(scan);
		return pw_fail(error, ENOMEM, "out of memory");
	}
	scan->memory = memory;
	scan->regime = regime;
	scan->first = first;
	scan->in_pieces = in_pieces;
	if (limits)
		scan->limits = *limits;
	if (!scan->limits.entries)
		scan->limits.entries = pw_scan_most(memory, regime);
	if (!scan->limits.repeats)
		scan->limits.repeats = UINT64_C(1) << PW_SCAN_REPEATS_LG2;
	if (!scan->limits.threads)
		scan->limits.threads = 1;
	scan->position = (struct pw_scan_position){
		.next = first,
		.last = last,
		.aliases = first > regime->span[0].last,
		.enter = enter,
		.leave = leave,
	};
	*scan_ret = scan;
	return 0;
}

bool pw_scan_is_fresh(const struct pw_scan *scan)
{
	return scan->tables.count == 0 && scan->position.entries == 0 && !scan->position.done &&
	       scan->memory->direct;
}

struct pw_scan *pw_scan_again(const struct pw_scan *scan, const struct pw_scan_limits *limits)
{
	struct pw_scan *again;

	return pw_scan_create(scan->memory, scan->regime, scan->first, scan->position.last, limits,
			      &again, NULL)
		       ? NULL
		       : again;
}

void pw_scan_destroy(struct pw_scan *scan)
{
	if (!scan)
		return;
	pw_met_clear(&scan->tables);
	free(scan->raw);
	free(scan);
}

void pw_scan_holes(struct pw_scan *scan, bool holes)
{
	scan->position.holes = holes;
}

/* Fills up to @count ranges. Returns 0 only at the end, or if the owner stopped the scan. */
static size_t fill(struct pw_scan *scan, struct pw_range *range, size_t count)
{
	if (count == 0 || scan->position.done || scan->state.stopped)
		return 0;
	return pw_scan_ranges(scan->memory, scan->regime, &scan->position, range, count);
}

static bool has_page(const struct pw_range *range)
{
	return range->status == PW_OK || range->status == PW_PROT_NONE;
}

/*
 * Shortens @piece, the beginning of a run of groups, to its whole groups, or to the part of a group whose
 * other entries disagree. A group that the asked range cuts counts as whole: its other entries are not known.
 */
static void split_groups(const struct pw_scan *scan, struct pw_range *piece)
{
	const struct pw_format *f = scan->regime->format;
	const pw_va within = pw_mask(piece->size_lg2);
	const bool cut = piece->last == scan->position.last;
	pw_va group_last = piece->first | within;

	if (!pw_range_may_be_group(f, piece) || piece->size_lg2 <= f->shift[piece->level] ||
	    pw_mutant(PW_MUTANT_GROUP_BELIEVED))
		return;
	if (((piece->first & within) && piece->first != scan->first) ||
	    (piece->last < group_last && !cut)) {
		piece->last = pw_min(piece->last, group_last);
		piece->size_lg2 = f->shift[piece->level];
		piece->attr |= PW_CONTIGUOUS;
	} else if (!cut) {
		/* Up to the last whole group: a part of a group after it is a piece of its own. */
		piece->last = ((piece->last + 1) & ~within) - 1;
	}
}

/* Gives the next piece: the beginning of the next run. False if there is no run left. */
static bool next_piece(struct pw_scan *scan, struct pw_range *piece)
{
	pw_pa last;

	/* Once the scan is cancelled, runs that are already here are not returned either. */
	if (scan->raw_next < scan->raw_count && pw_cancelled(scan->limits.cancel)) {
		scan->state.stopped = -ECANCELED;
		return false;
	}
	if (scan->raw_next == scan->raw_count) {
		scan->raw_next = 0;
		scan->raw_count = fill(scan, scan->raw, PW_SCAN_RAW);
		if (scan->raw_count == 0)
			return false;
	}
	*piece = scan->raw[scan->raw_next];
	if (!has_page(piece))
		return true;
	split_groups(scan, piece);
	last = pw_absolute_last(scan->regime, piece->pa, pw_range_pa_last(piece));
	piece->last = piece->first + (last - piece->pa);
	piece->pa = pw_absolute(scan->regime, piece->pa);
	return true;
}

/* Goes on after a piece that was returned. */
static void skip_piece(struct pw_scan *scan, const struct pw_range *piece)
{
	struct pw_range *raw = &scan->raw[scan->raw_next];

	if (piece->last == raw->last) {
		scan->raw_next++;
		return;
	}
	raw->pa += piece->last - raw->first + 1;
	raw->first = piece->last + 1;
}

/* Do the two form one run? Pieces of two runs can adjoin where the runs did not. */
static bool joins(const struct pw_range *a, const struct pw_range *b)
{
	return has_page(a) && a->status == b->status && a->last + 1 == b->first &&
	       a->pa + (a->last - a->first) + 1 == b->pa && a->size_lg2 == b->size_lg2 &&
	       a->memtype == b->memtype &&
	       ((a->attr ^ b->attr) & (PW_RUN_MASK | PW_CONTIGUOUS)) == 0;
}

/* As fill(), but a run ends also where prefixing begins or ends, and where entries of a group disagree. */
static size_t fill_in_pieces(struct pw_scan *scan, struct pw_range *range, size_t count)
{
	struct pw_range piece;
	size_t n = 0;

	while (count > 0 && next_piece(scan, &piece)) {
		if (n > 0 && joins(&range[n - 1], &piece))
			range[n - 1].last = piece.last;
		else if (n == count)
			break;
		else
			range[n++] = piece;
		skip_piece(scan, &piece);
	}
	return n;
}

size_t pw_scan_next(struct pw_scan *scan, struct pw_range *range, size_t count)
{
	size_t n = scan->in_pieces ? fill_in_pieces(scan, range, count) : fill(scan, range, count);

	if (!scan->state.stopped && pw_memory_check(scan->memory, NULL))
		scan->state.stopped = -EIO;
	return n;
}

const bool *pw_scan_cancel(const struct pw_scan *scan)
{
	return scan->limits.cancel;
}

const struct pw_scan_limits *pw_scan_limits(const struct pw_scan *scan)
{
	return &scan->limits;
}

void pw_scan_state(const struct pw_scan *scan, struct pw_scan_state *state_ret)
{
	*state_ret = scan->state;
	state_ret->entries = scan->position.entries;
	state_ret->next = scan->raw_next < scan->raw_count ? scan->raw[scan->raw_next].first
							   : scan->position.next;
}
