/* SPDX-License-Identifier: MIT */
/* Tables by the pagewalk interface: its callbacks see the entries of all levels but the lowest. */
#include "survey/tables.h"

#include <errno.h>
#include <stdlib.h>

enum {
	PW_TABLES_START = 1024,
	/* As many as a scan remembers: 8 TiB in 4 KiB pages. */
	PW_TABLES_MAX = 1 << 22,
};

struct tables_walk {
	const struct pw_regime *regime;
	pw_table_fn *visitor;
	void *context;
	struct pw_table_visit path[PW_MAX_LEVELS]; /* by level, where the walk stands */
};

static size_t hash(pw_pa table)
{
	return (size_t)((table * UINT64_C(0x9e3779b97f4a7c15)) >> 29);
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
	for (size_t i = 0; set->seen && i <= set->mask; i++) {
		size_t place = hash(set->seen[i].table) & mask;

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
	place = hash(visit->at.table) & set->mask;
	while (set->seen[place].used && !same(&set->seen[place], visit))
		place = (place + 1) & set->mask;
	*seen_ret = &set->seen[place];
	*fresh_ret = !set->seen[place].used;
	if (!*fresh_ret)
		return 0;
	set->count++;
	set->seen[place] = (struct pw_table_seen){
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
	size_t place = hash(seen->table) & set->mask;

	for (; set->seen[place].used; place = (place + 1) & set->mask)
		if (set->seen[place].table == seen->table && &set->seen[place] != seen)
			return &set->seen[place];
	return NULL;
}

void pw_table_set_clear(struct pw_table_set *set)
{
	free(set->seen);
	*set = (struct pw_table_set){ 0 };
}

/* A root's table. Spans of one table are visited as one table each time. */
static int visit_top(struct pw_walk *walk, pw_va first, pw_va last)
{
	struct tables_walk *tables = walk->private_data;
	const struct pw_span *span = pw_span_find(tables->regime, first);
	struct pw_table_visit top = {
		.at = pw_table_top(tables->regime->format, span),
		.last = span->top_last,
		.va = first,
		.va_last = last,
	};

	tables->path[top.at.level] = top;
	return tables->visitor(tables->context, &tables->path[top.at.level]);
}

/* Which entries of the table below exist. False: none. */
static bool admitted(const struct pw_regime *regime, const struct pw_entry *entry,
		     struct pw_table_visit *visit)
{
	const struct pw_format *format = regime->format;

	visit->last = (uint32_t)pw_mask(visit->at.bits);
	if (!format->admits)
		return true;
	while (visit->first < visit->last &&
	       !format->admits(regime, entry->level, entry->value, visit->first))
		visit->first++;
	while (visit->last > visit->first &&
	       !format->admits(regime, entry->level, entry->value, visit->last))
		visit->last--;
	return format->admits(regime, entry->level, entry->value, visit->first);
}

static int visit_entry(struct pw_walk *walk, const struct pw_entry *entry)
{
	struct tables_walk *tables = walk->private_data;
	const struct pw_table_visit *above = &tables->path[entry->level];
	struct pw_table_visit visit = {
		.va = entry->first,
		.va_last = entry->last,
		.entry = entry->value,
		.above = above,
		.whole = entry->last - entry->first == pw_mask(above->at.shift),
	};
	int status;

	if (entry->kind != PW_TABLE)
		return 0;
	visit.at = pw_table_below(tables->regime->format, tables->regime, entry->level,
				  entry->value, above->at.keep);
	if (pw_table_beyond(tables->regime->format, entry->level, &visit.at, entry->first) ||
	    !admitted(tables->regime, entry, &visit)) {
		walk->action = PW_CONTINUE;
		return 0;
	}
	tables->path[visit.at.level] = visit;
	status = tables->visitor(tables->context, &tables->path[visit.at.level]);
	if (status < 0)
		return status;
	if (status == PW_TABLES_SKIP)
		walk->action = PW_CONTINUE;
	return 0;
}

int pw_tables_walk(const struct pw_memory *memory, const struct pw_regime *regime, pw_va first,
		   pw_va last, pw_table_fn *visitor, void *context)
{
	struct tables_walk tables = {
		.regime = regime,
		.visitor = visitor,
		.context = context,
	};
	struct pw_walk_ops ops = { .test_walk = visit_top };

	for (unsigned level = 1; level < PW_MAX_LEVELS; level++)
		ops.entry[level] = visit_entry;
	return pw_walk_range(memory, regime, first, last, &ops, &tables);
}
