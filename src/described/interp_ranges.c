/* SPDX-License-Identifier: MIT */
/* Scans and the pagewalk interface over a format described by data: recursions over tables. */
#include <string.h>

#include "described/interp.h"

/* ---- ranges ---- */

struct scan {
	struct interp in;
	struct pw_scan_position *position;
	struct pw_range *range;
	size_t count, used;
	uint64_t pages;
	bool growing; /* range[used - 1] may still grow */
};

/* Adds @range to the results, or extends the last run by it. False: there is no room. */
static bool report(struct scan *scan, const struct pw_range *range)
{
	struct pw_range *run = scan->growing ? &scan->range[scan->used - 1] : NULL;
	bool page = range->status == PW_OK || range->status == PW_PROT_NONE;
	bool alike = run && run->status == range->status;

	/* There may be pages behind a shared range: a table with nothing else is not empty. */
	scan->pages += page || range->status == PW_SHARED;
	if (page) {
		alike = alike && run->size_lg2 == range->size_lg2 &&
			run->memtype == range->memtype &&
			(run->attr & PW_RUN_MASK) == (range->attr & PW_RUN_MASK) &&
			range->pa - run->pa == range->first - run->first;
	} else {
		if (!scan->position->holes && range->status != PW_SHARED) {
			scan->growing = false;
			return true;
		}
		alike = alike && run->twin == range->twin;
	}
	if (alike) {
		run->last = range->last;
		return true;
	}
	scan->growing = false;
	if (scan->used == scan->count)
		return false;
	scan->range[scan->used++] = *range;
	scan->growing = true;
	return true;
}

static bool scan_table(struct scan *scan, const struct table *table, pw_va va, pw_va last);

/*
 * Scans va..last, which lie in the range of one entry, in the table behind that entry. False: stop;
 * position->next is set.
 */
static bool scan_below(struct scan *scan, const struct table *table, pw_va va, pw_va last,
		       uint64_t entry, const struct pw_meaning *meaning)
{
	struct table below = pw_interp_below(&scan->in, table, entry, meaning);
	pw_va entry_last = va | ones(table->at.shift), first = va & ~ones(table->at.shift);
	pw_va table_last = smaller(first | covered(&below), entry_last);
	struct pw_range rest = {
		.first = va,
		.last = last,
		.entry = entry,
		.status = PW_LENGTH,
		.level = table->at.level,
		.size_lg2 = table->at.shift,
	};

	if (va <= table_last) {
		pw_va until = smaller(table_last, last);
		const struct pw_scan_table visited = {
			.at = below.at,
			.first_index = below.limited ? below.from : 0,
			.last_index = below.limited ? below.upto : (uint32_t)ones(below.at.bits),
			.last = table_last,
			.parent = table->at.level,
			.whole = va == first && until == table_last,
		};
		uint64_t entries = ((until - va) >> below.at.shift) + 1;
		uint64_t pages = scan->pages;
		enum pw_visit visit = scan->position->enter(scan->position, &visited, first,
							    entries, &rest.twin);

		if (visit == PW_VISIT_STOP) {
			scan->position->next = va;
			return false;
		}
		if (visit == PW_VISIT_WALK) {
			if (!scan_table(scan, &below, va, until))
				return false;
			if (visited.whole)
				scan->position->leave(scan->position, &visited,
						      pages == scan->pages);
			if (until == last)
				return true;
			rest.first = until + 1;
		} else {
			rest.status = visit == PW_VISIT_SHARED ? PW_SHARED : PW_NONE;
		}
	}
	if (report(scan, &rest))
		return true;
	scan->position->next = rest.first;
	return false;
}

/* How many entries exist after the entry of @table for @va. */
static uint32_t more_of(const struct table *table, pw_va va)
{
	uint64_t upto = table->limited ? table->upto : ones(table->at.bits);

	return (uint32_t)(upto - (va >> table->at.shift & ones(table->at.bits)));
}

static bool scan_table(struct scan *scan, const struct table *table, pw_va va, pw_va last)
{
	for (;; va++) {
		struct interp *in = &scan->in;
		const unsigned char *host;
		struct pw_meaning meaning = { 0 };
		pw_va entry_last = smaller(va | ones(table->at.shift), last);
		struct pw_range range = {
			.first = va,
			.last = entry_last,
			.level = table->at.level,
			.size_lg2 = table->at.shift,
			.entry = table->at.above,
		};
		uint64_t entry = 0;
		enum pw_status status = pw_interp_read(in, table, va, &entry, &host);

		/* An entry that cannot be read counts as well. */
		scan->position->entries++;
		if (status == PW_OUTSIDE)
			range.last = entry_last = pw_scan_missing(
				scan->position, pw_interp_place(in, table, va),
				in->d->format.entry_lg2, more_of(table, va), va, table->at.shift,
				last);
		if (status == PW_OK) {
			range.entry = entry;
			pw_described_decode(in->d, in->regime, table->at.level, table->at.shift,
					    entry, &meaning);
			if (meaning.kind == PW_HOLE)
				status = meaning.status;
		}
		if (status == PW_OK && meaning.kind == PW_TABLE) {
			if (!scan_below(scan, table, va, entry_last, entry, &meaning))
				return false;
		} else {
			range.status = (uint8_t)status;
			if (status == PW_OK || status == PW_PROT_NONE) {
				range.size_lg2 = (uint8_t)meaning.size_lg2;
				range.pa = meaning.address + (va & ones(meaning.size_lg2));
			}
			if (status == PW_OK) {
				uint32_t attr = pw_interp_effective(meaning.attr, table->at.keep);

				range.attr = attr & 0xffff;
				range.memtype = (uint8_t)(attr >> PW_MEMTYPE_SHIFT);
			}
			if (!report(scan, &range)) {
				scan->position->next = va;
				return false;
			}
		}
		if (entry_last == last)
			return true;
		va = entry_last;
	}
}

/* Reports the addresses up to @last, which no root translates. False: there is no room. */
static bool scan_gap(struct scan *scan, pw_va last)
{
	struct pw_range gap = {
		.first = scan->position->next,
		.last = last,
		.status = PW_NOT_CANONICAL,
		.level = (uint8_t)(scan->in.d->format.levels - 1),
		.size_lg2 = 64,
	};

	return report(scan, &gap);
}

/* Scans from position->next on. True at the end of the addresses. */
static bool scan_all(struct scan *scan)
{
	struct pw_scan_position *position = scan->position;

	for (unsigned i = 0; i < scan->in.regime->spans; i++) {
		const struct pw_span *span = &scan->in.regime->span[i];
		pw_va last = smaller(span->last, position->last);
		struct table top;

		if (span->last < position->next || (span->alias && !position->aliases))
			continue;
		if (span->first > position->next) {
			if (!scan_gap(scan, smaller(span->first - 1, position->last)))
				return false;
			if (span->first > position->last)
				return true;
			position->next = span->first;
		}
		scan->in.span = span;
		top = pw_interp_top(&scan->in);
		if (!scan_table(scan, &top, position->next, last))
			return false;
		if (last == position->last)
			return true;
		position->next = last + 1;
	}
	return scan_gap(scan, position->last);
}

size_t pw_interp_scan(const struct interp *in, struct pw_scan_position *position,
		      struct pw_range *range, size_t count)
{
	struct scan scan = { .in = *in, .position = position, .range = range, .count = count };

	if (!position->done)
		position->done = scan_all(&scan);
	return scan.used;
}

/* ---- the pagewalk interface ---- */

static bool wants_below(const struct pw_walk_ops *ops, unsigned level)
{
	bool wants = ops->leaf || ops->hole;

	for (unsigned i = 0; i < level; i++)
		wants = wants || ops->entry[i];
	return wants;
}

/* Reads the entry for @va, and describes it as callbacks see it. */
static void see(const struct interp *in, const struct table *table, pw_va va, pw_va last,
		struct pw_entry *seen, struct pw_meaning *meaning)
{
	const unsigned char *host = NULL;
	enum pw_status status;
	bool page;

	memset(meaning, 0, sizeof(*meaning));
	*seen = (struct pw_entry){
		.first = va,
		.last = smaller(va | ones(table->at.shift), last),
		.at = pw_interp_place(in, table, va),
		.level = table->at.level,
		.size_lg2 = table->at.shift,
	};
	status = pw_interp_read(in, table, va, &seen->value, &host);
	if (status == PW_OK) {
		if (in->access == &pw_direct_access)
			seen->host = host;
		pw_described_decode(in->d, in->regime, table->at.level, table->at.shift,
				    seen->value, meaning);
		if (meaning->kind == PW_HOLE)
			status = meaning->status;
	}
	page = status == PW_PROT_NONE || (status == PW_OK && meaning->kind == PW_LEAF);
	if (status == PW_OK && meaning->kind == PW_TABLE) {
		struct table below = pw_interp_below(in, table, seen->value, meaning);

		if ((va & ones(table->at.shift)) > covered(&below)) {
			status = PW_LENGTH;
		} else {
			seen->kind = PW_TABLE;
			seen->pa = below.at.table;
			seen->attr = below.at.keep & PW_PROT_MASK;
		}
	}
	if (page) {
		seen->kind = (uint8_t)meaning->kind;
		seen->size_lg2 = (uint8_t)meaning->size_lg2;
		seen->pa = meaning->address + (va & ones(meaning->size_lg2));
		if (status == PW_OK)
			seen->attr = pw_interp_effective(meaning->attr, table->at.keep) & 0xffff;
		if (in->d->format.prefixed)
			seen->pa = pw_absolute(in->regime, seen->pa);
	}
	seen->status = (uint8_t)status;
}

/* Calls the callbacks of one turn. walk->action says how to go on. */
static int call_back(struct pw_walk *walk, const struct pw_entry *seen)
{
	const struct pw_walk_ops *ops = walk->ops;
	int stop = 0;

	walk->action = PW_SUBTREE;
	if (seen->kind == PW_HOLE)
		return ops->hole ? ops->hole(walk, seen) : 0;
	if (ops->entry[seen->level])
		stop = ops->entry[seen->level](walk, seen);
	if (stop == 0 && walk->action == PW_SUBTREE && seen->kind == PW_LEAF && ops->leaf)
		stop = ops->leaf(walk, seen);
	return stop;
}

static int walk_table(const struct interp *in, struct pw_walk *walk, const struct table *table,
		      pw_va va, pw_va last)
{
	for (;;) {
		struct pw_entry seen;
		struct pw_meaning meaning;
		int stop;

		see(in, table, va, last, &seen, &meaning);
		stop = call_back(walk, &seen);
		if (stop)
			return stop;
		if (walk->action == PW_AGAIN)
			continue;
		if (seen.kind == PW_TABLE && walk->action == PW_SUBTREE &&
		    wants_below(walk->ops, table->at.level)) {
			struct table below = pw_interp_below(in, table, seen.value, &meaning);
			pw_va first = va & ~ones(table->at.shift);

			seen.last = smaller(seen.last, first | covered(&below));
			stop = walk_table(in, walk, &below, va, seen.last);
			if (stop)
				return stop;
		}
		if (seen.last == last)
			return 0;
		va = seen.last + 1;
	}
}

int pw_interp_walk(struct interp *in, struct pw_walk *walk, pw_va first, pw_va last)
{
	for (unsigned i = 0; i < in->regime->spans; i++) {
		const struct pw_span *span = &in->regime->span[i];
		pw_va from = first > span->first ? first : span->first;
		pw_va to = smaller(last, span->last);
		struct table top;
		int stop = 0;

		if (from > to || (span->alias && first <= in->regime->span[0].last))
			continue;
		if (walk->ops->test_walk)
			stop = walk->ops->test_walk(walk, from, to);
		if (stop < 0)
			return stop;
		if (stop > 0)
			continue;
		in->span = span;
		top = pw_interp_top(in);
		stop = walk_table(in, walk, &top, from, to);
		if (stop)
			return stop;
	}
	return 0;
}
