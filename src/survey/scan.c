/* SPDX-License-Identifier: MIT */
/*
 * A scan's owner: remembers the tables that were entered, and decides what happens to one that is
 * met again. Without it, four tables that point to each other are 2^36 pages.
 */
#include <stdlib.h>

#include "base/error.h"
#include "base/hash.h"
#include "memory/memory.h"
#include "survey/tables.h"

/*
 * A table met, as one key: the same table under other permissions maps other pages, and one of which
 * the entry above lets see more has more.
 */
struct visit {
	pw_pa table;
	pw_va first, again; /* where it was met first, and where it was last walked again */
	uint32_t keep;
	uint32_t first_index, last_index;
	uint32_t uses; /* walks of it so far */
	uint8_t level;
	bool used, empty;
};

struct pw_scan {
	struct pw_scan_position position; /* must be first: callbacks are given this */
	const struct pw_memory *memory;
	const struct pw_regime *regime;
	struct pw_scan_limits limits;
	struct pw_scan_state state;
	/* Open addressing, linear probing; at most half full. */
	struct pw_hash_key key;
	struct visit *visits;
	size_t mask, count;
};

enum {
	/* Entries to read in all: some, and as often as any table is used, in another way each time. */
	PW_SCAN_ENTRIES_LG2 = 25,
	PW_SCAN_USES = 8,
	PW_SCAN_ENTRIES_MAX_LG2 = 36,
	PW_SCAN_REPEATS_LG2 = 24,
	PW_SCAN_VISITS = 1024,
	/*
	 * Tables to remember: enough for 8 TiB in 4 KiB pages. They cost up to 240 bytes for each entry
	 * that leads to one, and never more than 700 MiB.
	 */
	PW_SCAN_VISITS_MAX = 1 << 22,
	/* Tables from one call of progress() to the next: less than a millisecond. */
	PW_SCAN_PROGRESS = 256,
};

static struct pw_scan *owner(struct pw_scan_position *position)
{
	return (struct pw_scan *)position;
}

static bool same(const struct visit *a, const struct visit *b)
{
	return a->table == b->table && a->keep == b->keep && a->level == b->level &&
	       a->first_index == b->first_index && a->last_index == b->last_index;
}

/* The place of @visit, or a free one. */
static struct visit *lookup(const struct pw_hash_key *key, struct visit *visits, size_t mask,
			    const struct visit *visit)
{
	const uint64_t words[] = { visit->table, (uint64_t)visit->keep << 8 | visit->level,
				   (uint64_t)visit->first_index << 32 | visit->last_index };
	size_t i = (size_t)pw_hash(key, words, sizeof(words) / sizeof(words[0])) & mask;

	while (visits[i].used && !same(&visits[i], visit))
		i = (i + 1) & mask;
	return &visits[i];
}

static struct visit visit_key(const struct pw_scan_table *table)
{
	return (struct visit){
		.table = table->at.table,
		.keep = table->at.keep,
		.level = table->at.level,
		.first_index = table->first_index,
		.last_index = table->last_index,
	};
}

static bool grow(struct pw_scan *scan)
{
	size_t mask = scan->mask * 2 + 1;
	struct visit *visits = calloc(mask + 1, sizeof(*visits));

	if (!visits)
		return false;
	for (size_t i = 0; i <= scan->mask; i++) {
		const struct visit *old = &scan->visits[i];

		if (old->used)
			*lookup(&scan->key, visits, mask, old) = *old;
	}
	free(scan->visits);
	scan->visits = visits;
	scan->mask = mask;
	return true;
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
	/* On the way back to where the last call stopped, that is where it is. */
	if (first > state.next)
		state.next = first;
	scan->limits.progress(scan->limits.progress_context, &state);
}

static enum pw_visit enter(struct pw_scan_position *position, const struct pw_scan_table *table,
			   pw_va first, uint64_t entries, pw_va *twin)
{
	struct pw_scan *scan = owner(position);
	struct visit key = visit_key(table);
	struct visit *visit;

	if (pw_cancelled(scan->limits.cancel))
		return stop(scan, -ECANCELED);
	if (scan->limits.progress && scan->state.tables % PW_SCAN_PROGRESS == 0)
		show_progress(scan, first);
	if (position->entries >= scan->limits.entries)
		return stop(scan, -E2BIG);
	if (scan->count >= PW_SCAN_VISITS_MAX)
		return stop(scan, -E2BIG);
	if (scan->count > scan->mask / 2 && !grow(scan))
		return stop(scan, -ENOMEM);
	visit = lookup(&scan->key, scan->visits, scan->mask, &key);
	if (!visit->used) {
		*visit = key;
		visit->used = true;
		visit->first = visit->again = first;
		visit->uses = 1;
		scan->count++;
		scan->state.tables++;
		return PW_VISIT_WALK;
	}
	/* The way back to where the last call of pw_scan_next stopped: decided before. */
	if (visit->first == first || visit->again == first || first < position->next)
		return PW_VISIT_WALK;
	scan->state.tables++;
	if (visit->empty && !position->holes)
		return PW_VISIT_EMPTY;
	if (scan->state.repeated + entries > scan->limits.repeats ||
	    (scan->limits.uses && visit->uses >= scan->limits.uses)) {
		*twin = visit->first;
		return PW_VISIT_SHARED;
	}
	visit->again = first;
	visit->uses++;
	scan->state.repeated += entries;
	return PW_VISIT_WALK;
}

static void leave(struct pw_scan_position *position, const struct pw_scan_table *table, bool empty)
{
	struct pw_scan *scan = owner(position);
	struct visit key = visit_key(table);

	if (empty)
		lookup(&scan->key, scan->visits, scan->mask, &key)->empty = true;
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

int pw_scan_create(const struct pw_memory *memory, const struct pw_regime *regime, pw_va first,
		   pw_va last, const struct pw_scan_limits *limits, struct pw_scan **scan_ret,
		   struct pw_error *error)
{
	struct pw_scan *scan;

	if (!memory || !regime || !scan_ret)
		return pw_fail_null(error, !memory ? "memory" : !regime ? "regime" : "scan_ret");
	if (first > last)
		return pw_fail(error, EINVAL, "the range 0x%llx-0x%llx ends before it begins",
			       (unsigned long long)first, (unsigned long long)last);
	scan = calloc(1, sizeof(*scan));
	if (scan)
		scan->visits = calloc(PW_SCAN_VISITS, sizeof(*scan->visits));
	if (!scan || !scan->visits) {
		free(scan);
		return pw_fail(error, ENOMEM, "out of memory");
	}
	scan->key = pw_hash_key();
	scan->mask = PW_SCAN_VISITS - 1;
	scan->memory = memory;
	scan->regime = regime;
	if (limits)
		scan->limits = *limits;
	if (!scan->limits.entries)
		scan->limits.entries = pw_scan_most(memory, regime);
	if (!scan->limits.repeats)
		scan->limits.repeats = UINT64_C(1) << PW_SCAN_REPEATS_LG2;
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

void pw_scan_destroy(struct pw_scan *scan)
{
	if (!scan)
		return;
	free(scan->visits);
	free(scan);
}

void pw_scan_holes(struct pw_scan *scan, bool holes)
{
	scan->position.holes = holes;
}

size_t pw_scan_next(struct pw_scan *scan, struct pw_range *range, size_t count)
{
	size_t n = 0;

	/* A call may fill nothing and yet not be at the end only when the owner stopped it. */
	if (count > 0 && !scan->position.done && !scan->state.stopped)
		n = pw_scan_ranges(scan->memory, scan->regime, &scan->position, range, count);
	if (!scan->state.stopped && pw_memory_check(scan->memory, NULL))
		scan->state.stopped = -EIO;
	return n;
}

const bool *pw_scan_cancel(const struct pw_scan *scan)
{
	return scan->limits.cancel;
}

void pw_scan_state(const struct pw_scan *scan, struct pw_scan_state *state_ret)
{
	*state_ret = scan->state;
	state_ret->entries = scan->position.entries;
	state_ret->next = scan->position.next;
}
