/* SPDX-License-Identifier: MIT */
/*
 * Visits tables, by a scan that is never let into tables of level 0: so only entries of the levels above are
 * read.
 */
#include "survey/tables.h"

#include <errno.h>

struct tables_walk {
	struct pw_scan_position position; /* must be first: callbacks get its address */
	pw_table_fn *visitor;
	void *context;
	uint64_t limit; /* of entries to read */
	pw_va first; /* the first asked address */
	bool resumed; /* the scan is on its way back to position.next */
	int status;
	struct pw_table_visit path[PW_MAX_LEVELS]; /* by level: the tables above the current one */
};

/* Calls the visitor. False: do not go into this table, or (walk->status) stop. */
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
		.entry = table->at.above,
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

/* Visits the tables of one span in first..last, which lies in the span. */
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
	/* The ranges that it reports, of large leaves, are not used. */
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

		/* A span that shows the same as another one counts only if it alone was asked for. */
		if (from > to || (span->alias && first <= regime->span[0].last))
			continue;
		status = walk_span(&walk, memory, regime, span, from, to);
	}
	return status;
}
