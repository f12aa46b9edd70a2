/* SPDX-License-Identifier: MIT */
/*
 * Tables, as a scan enters them. It is never let into those of base pages, so that only the levels
 * above are read.
 */
#include "survey/tables.h"

#include <errno.h>

struct tables_walk {
	struct pw_scan_position position; /* must be first: callbacks are given this */
	pw_table_fn *visitor;
	void *context;
	uint64_t limit; /* of entries to read */
	pw_va first; /* asked for */
	bool resumed; /* the scan is on its way back to position.next */
	int status;
	struct pw_table_visit path[PW_MAX_LEVELS]; /* by level, where the walk stands */
};

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
	if (position->entries > walk->limit) {
		walk->status = -E2BIG;
		return PW_VISIT_STOP;
	}
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
	struct tables_walk walk = {
		.visitor = visitor,
		.context = context,
		.limit = pw_scan_most(memory, regime),
	};
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
