/* SPDX-License-Identifier: MIT */
/*
 * Tables, as a scan enters them. It is never let into those of base pages, so that only the levels
 * above are read.
 */
#include "survey/tables.h"

#include <errno.h>
#include <stdlib.h>

enum {
	PW_TABLES_START = 1024,
	/* As many as a scan remembers: 8 TiB in 4 KiB pages. */
	PW_TABLES_MAX = 1 << 22,
};

struct tables_walk {
	struct pw_scan_position position; /* must be first: callbacks are given this */
	pw_table_fn *visitor;
	void *context;
	pw_va first; /* asked for */
	bool resumed; /* the scan is on its way back to position.next */
	int status;
	struct pw_table_visit path[PW_MAX_LEVELS]; /* by level, where the walk stands */
};

/* By the address alone, so that all that one table is seen as stands together. */
static size_t hash(const struct pw_table_set *set, pw_pa table)
{
	return (size_t)pw_hash(&set->key, &table, 1);
}

static bool same(const struct pw_table_seen *seen, const struct pw_table_visit *visit)
{
	return seen->table == visit->at.table && seen->level == visit->at.level &&
	       seen->bits == visit->at.bits && seen->first == visit->first &&
	       seen->last == visit->last;
}

static int grow(struct pw_table_set *set)
{
	size_t mask = set->seen ? set->mask * 2 + 1 : PW_TABLES_START - 1;
	struct pw_table_seen *seen = calloc(mask + 1, sizeof(*seen));

	if (!seen)
		return -ENOMEM;
	if (!set->seen)
		set->key = pw_hash_key();
	for (size_t i = 0; set->seen && i <= set->mask; i++) {
		size_t place = hash(set, set->seen[i].table) & mask;

		if (!set->seen[i].used)
			continue;
		while (seen[place].used)
			place = (place + 1) & mask;
		seen[place] = set->seen[i];
	}
	free(set->seen);
	set->seen = seen;
	set->mask = mask;
	return 0;
}

int pw_table_set_add(struct pw_table_set *set, const struct pw_table_visit *visit,
		     struct pw_table_seen **seen_ret, bool *fresh_ret)
{
	size_t place;

	if (set->count >= PW_TABLES_MAX)
		return -E2BIG;
	if ((!set->seen || set->count > set->mask / 2) && grow(set))
		return -ENOMEM;
	place = hash(set, visit->at.table) & set->mask;
	while (set->seen[place].used && !same(&set->seen[place], visit))
		place = (place + 1) & set->mask;
	*seen_ret = &set->seen[place];
	*fresh_ret = !set->seen[place].used;
	if (!*fresh_ret)
		return 0;
	set->seen[place] = (struct pw_table_seen){
		.number = (uint32_t)set->count++,
		.table = visit->at.table,
		.va = visit->va,
		.va_last = visit->va_last,
		.first = visit->first,
		.last = visit->last,
		.level = visit->at.level,
		.bits = visit->at.bits,
		.used = true,
	};
	return 0;
}

const struct pw_table_seen *pw_table_set_other(const struct pw_table_set *set,
					       const struct pw_table_seen *seen)
{
	size_t place = hash(set, seen->table) & set->mask;
	const struct pw_table_seen *first = NULL;

	for (; set->seen[place].used; place = (place + 1) & set->mask) {
		const struct pw_table_seen *other = &set->seen[place];

		if (other->table == seen->table && other != seen &&
		    (!first || other->number < first->number))
			first = other;
	}
	return first;
}

void pw_table_set_clear(struct pw_table_set *set)
{
	free(set->seen);
	*set = (struct pw_table_set){ 0 };
}

/* Calls the visitor; false: it wants no more of this table, or of all. */
static bool tell(struct tables_walk *walk, const struct pw_table_visit *visit)
{
	struct pw_table_visit *here = &walk->path[visit->at.level];
	int status;

	*here = *visit;
	status = walk->visitor(walk->context, here);
	if (status < 0)
		walk->status = status;
	return status == PW_TABLES_DOWN;
}

static enum pw_visit enter(struct pw_scan_position *position, const struct pw_scan_table *table,
			   pw_va first, uint64_t entries, pw_va *twin)
{
	struct tables_walk *walk = (struct tables_walk *)position;
	struct pw_table_visit visit = {
		.at = table->at,
		.first = table->first_index,
		.last = table->last_index,
		.va = first > walk->first ? first : walk->first,
		.va_last = pw_min(table->last, position->last),
		.entry = table->entry,
		.above = &walk->path[table->parent],
		.whole = table->whole,
	};

	(void)entries;
	(void)twin;
	if (walk->resumed && first <= position->next)
		return PW_VISIT_WALK;
	if (table->first_index > table->last_index)
		return PW_VISIT_EMPTY;
	if (!tell(walk, &visit))
		return walk->status ? PW_VISIT_STOP : PW_VISIT_EMPTY;
	return table->at.level > 0 ? PW_VISIT_WALK : PW_VISIT_EMPTY;
}

static void leave(struct pw_scan_position *position, const struct pw_scan_table *table, bool empty)
{
	(void)position;
	(void)table;
	(void)empty;
}

/* The tables of one span, as far as it lies in first..last. */
static int walk_span(struct tables_walk *walk, const struct pw_memory *memory,
		     const struct pw_regime *regime, const struct pw_span *span, pw_va first,
		     pw_va last)
{
	struct pw_range range[64];
	struct pw_table_visit top = {
		.at = pw_table_top(regime->format, span),
		.last = span->top_last,
		.va = first,
		.va_last = last,
	};

	walk->first = first;
	walk->resumed = false;
	walk->position = (struct pw_scan_position){
		.next = first,
		.last = last,
		.aliases = true,
		.enter = enter,
		.leave = leave,
	};
	if (!tell(walk, &top) || top.at.level == 0)
		return walk->status;
	/* What it reports, large leaves, is of no interest here. */
	while (walk->status == 0 && !walk->position.done) {
		pw_scan_ranges(memory, regime, &walk->position, range,
			       sizeof(range) / sizeof(range[0]));
		walk->resumed = true;
	}
	return walk->status;
}

int pw_tables_walk(const struct pw_memory *memory, const struct pw_regime *regime, pw_va first,
		   pw_va last, pw_table_fn *visitor, void *context)
{
	struct tables_walk walk = { .visitor = visitor, .context = context };
	int status = 0;

	for (unsigned i = 0; i < regime->spans && status == 0; i++) {
		const struct pw_span *span = &regime->span[i];
		pw_va from = span->first > first ? span->first : first;
		pw_va to = pw_min(span->last, last);

		/* A span that shows what another does is of interest only if it alone is asked for. */
		if (from > to || (span->alias && first <= regime->span[0].last))
			continue;
		status = walk_span(&walk, memory, regime, span, from, to);
	}
	return status;
}
