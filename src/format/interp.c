/* SPDX-License-Identifier: MIT */
/*
 * Walks of a format described by data: the slow and plain reading of every algorithm. Each is a
 * recursion over tables, one entry at a time, without a thought for speed; src/walk is checked
 * against it.
 */
#include "format/described.h"

#include <string.h>

/* What every step of a walk needs. */
struct interp {
	const struct pw_description *d;
	const struct pw_regime *regime;
	const struct pw_access *access;
	void *context;
	const struct pw_span *span;
};

/* A table, and what the entry that led to it said about it. */
struct table {
	struct pw_table_at at;
	uint64_t above; /* that entry's value; 0 for the top table */
	bool limited;
	uint32_t from, upto; /* first and last index that exist, if limited */
};

static uint64_t ones(unsigned count)
{
	return count < 64 ? (UINT64_C(1) << count) - 1 : ~UINT64_C(0);
}

static pw_va smaller(pw_va a, pw_va b)
{
	return a < b ? a : b;
}

static uint32_t index_of(const struct table *table, pw_va va)
{
	return (uint32_t)(va >> table->at.shift & ones(table->at.bits));
}

static pw_pa place_of(const struct interp *in, const struct table *table, pw_va va)
{
	return table->at.table + (pw_pa)index_of(table, va) * (1u << in->d->format.entry_lg2);
}

/* Permissions of a page that tables above left only @keep of. */
static uint32_t effective(uint32_t attr, uint32_t keep)
{
	uint32_t exec;

	for (unsigned bit = 0; bit < 32; bit++) {
		uint32_t one = UINT32_C(1) << bit;

		if ((one & (PW_READ | PW_WRITE | PW_EXEC | PW_USER | PW_KEXEC)) && !(keep & one))
			attr &= ~one;
	}
	/* Who may execute is who may access. */
	exec = attr & PW_USER ? PW_EXEC : PW_KEXEC;
	exec = attr & exec ? PW_EXEC : 0;
	return (attr & ~(uint32_t)(PW_EXEC | PW_KEXEC)) | exec;
}

static struct table top_table(const struct interp *in)
{
	const struct pw_span *span = in->span;

	return (struct table){
		.at = { .table = span->table,
			.keep = PW_KEEP_ALL,
			.level = span->top,
			.shift = in->d->format.shift[span->top],
			.bits = span->top_bits },
		.limited = span->top_last < ones(span->top_bits),
		.upto = span->top_last,
	};
}

static struct table table_below(const struct interp *in, const struct table *table, uint64_t entry,
				const struct pw_meaning *meaning)
{
	unsigned above = in->d->format.shift[meaning->next] + in->d->format.bits[meaning->next];
	struct table below = {
		.at = { .table = meaning->address,
			.keep = table->at.keep & ~meaning->denied,
			.level = (uint8_t)meaning->next,
			.shift = in->d->format.shift[meaning->next],
			.bits = (uint8_t)meaning->next_bits },
		.above = entry,
	};

	/* Other than usual, many entries share the same range: each covers more or less of it. */
	if (meaning->next_bits != in->d->format.bits[meaning->next])
		below.at.shift = (uint8_t)(above - meaning->next_bits);
	if (meaning->limited) {
		unsigned rest = meaning->next_bits > meaning->parts_lg2
					? meaning->next_bits - meaning->parts_lg2
					: 0;

		below.limited = true;
		below.from = meaning->from << rest;
		below.upto = ((meaning->upto + 1) << rest) - 1;
	}
	return below;
}

/* Addresses that a table covers, from its first on. */
static pw_va covered(const struct table *table)
{
	return ones(table->at.shift + table->at.bits);
}

/*
 * Reads the entry of @table for @va: PW_OK with *value, or why there is none. Hardware checks a
 * table's length before it reads.
 */
static enum pw_status read_entry(const struct interp *in, const struct table *table, pw_va va,
				 uint64_t *value, const unsigned char **host)
{
	unsigned lg2 = in->d->format.entry_lg2;
	size_t unit = (size_t)1 << lg2, bytes = unit;
	uint32_t index = index_of(table, va);
	pw_pa at = place_of(in, table, va);
	unsigned char byte[8];
	uint64_t raw;
	uint32_t raw32;

	if (table->limited && (index < table->from || index > table->upto))
		return PW_LENGTH;
	if (!in->access->open(in->context, table->at.level, at, unit, &bytes, host))
		return PW_OUTSIDE;
	raw = in->access->load(in->context, *host, at, lg2);
	raw32 = (uint32_t)raw;
	if (unit == 4)
		memcpy(byte, &raw32, 4);
	else
		memcpy(byte, &raw, 8);
	*value = 0;
	for (size_t i = 0; i < unit; i++)
		*value = *value << 8 | byte[in->d->format.big_endian ? i : unit - 1 - i];
	return PW_OK;
}

static const struct pw_span *span_of(const struct pw_regime *regime, pw_va va)
{
	for (unsigned i = 0; i < regime->spans; i++)
		if (va >= regime->span[i].first && va <= regime->span[i].last)
			return &regime->span[i];
	return NULL;
}

/* ---- one address ---- */

static enum pw_status hole(struct pw_result *result, enum pw_status status, unsigned level,
			   unsigned shift, uint64_t entry)
{
	result->status = (uint8_t)status;
	result->level = (uint8_t)level;
	result->size_lg2 = (uint8_t)shift;
	result->entry = entry;
	return status;
}

static enum pw_status walk_one(struct interp *in, pw_va va, struct pw_result *result,
			       struct pw_trace *trace)
{
	struct table table;

	memset(result, 0, sizeof(*result));
	result->va = va;
	in->span = span_of(in->regime, va);
	if (!in->span)
		return hole(result, PW_NOT_CANONICAL, in->d->format.levels - 1u, 64, 0);
	table = top_table(in);
	for (;;) {
		const unsigned char *host;
		struct pw_meaning meaning;
		struct pw_step step = {
			.table = table.at.table,
			.at = place_of(in, &table, va),
			.index = index_of(&table, va),
			.attr = table.at.keep,
			.level = table.at.level,
			.bits = table.at.bits,
			.shift = table.at.shift,
		};
		enum pw_status status = read_entry(in, &table, va, &step.entry, &host);
		unsigned lg2 = table.at.shift;

		if (status == PW_OK) {
			pw_described_decode(in->d, in->regime, table.at.level, table.at.shift,
					    step.entry, &meaning);
			step.kind = (uint8_t)meaning.kind;
			if (meaning.kind == PW_HOLE)
				status = meaning.status;
			lg2 = meaning.size_lg2;
		}
		step.status = (uint8_t)status;
		if (status == PW_OK && meaning.kind == PW_TABLE) {
			struct table below = table_below(in, &table, step.entry, &meaning);
			bool beyond = (va & ones(table.at.shift)) > covered(&below);

			step.next = below.at.table;
			step.attr = below.at.keep;
			step.status = beyond ? PW_LENGTH : PW_OK;
			if (trace)
				trace->step[trace->steps++] = step;
			if (beyond)
				return hole(result, PW_LENGTH, table.at.level, table.at.shift,
					    step.entry);
			table = below;
			continue;
		}
		if (status == PW_OUTSIDE || status == PW_LENGTH) {
			hole(result, status, table.at.level, table.at.shift, table.above);
		} else if (status != PW_OK && status != PW_PROT_NONE) {
			hole(result, status, table.at.level, table.at.shift, step.entry);
		} else {
			uint32_t attr = status == PW_OK ? effective(meaning.attr, table.at.keep)
							: 0;

			hole(result, status, table.at.level, lg2, step.entry);
			result->pa = meaning.address + (va & ones(lg2));
			result->attr = attr & 0xffff;
			result->memtype = (uint8_t)(attr >> PW_MEMTYPE_SHIFT);
			step.next = meaning.address;
			if (status == PW_OK)
				step.attr = result->attr;
		}
		if (trace)
			trace->step[trace->steps++] = step;
		return status;
	}
}

/* ---- ranges ---- */

struct scan {
	struct interp in;
	struct pw_scan_position *position;
	struct pw_range *range;
	size_t count, used;
	uint64_t pages;
	bool growing; /* range[used - 1] may still grow */
};

/* Adds @range, or what of it is new. False: there is no room for it. */
static bool report(struct scan *scan, const struct pw_range *range)
{
	struct pw_range *run = scan->growing ? &scan->range[scan->used - 1] : NULL;
	bool page = range->status == PW_OK || range->status == PW_PROT_NONE;
	bool alike = run && run->status == range->status;

	if (page) {
		scan->pages++;
		alike = alike && run->size_lg2 == range->size_lg2 &&
			run->memtype == range->memtype &&
			(run->attr & PW_PROT_MASK) == (range->attr & PW_PROT_MASK) &&
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
 * The table behind an entry, of which va..last are asked for. False: stop, position->next is set.
 * @va and @last lie in what the entry covers.
 */
static bool scan_below(struct scan *scan, const struct table *table, pw_va va, pw_va last,
		       uint64_t entry, const struct pw_meaning *meaning)
{
	struct table below = table_below(&scan->in, table, entry, meaning);
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
			.entry = entry,
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
			.entry = table->above,
		};
		uint64_t entry = 0;
		enum pw_status status = read_entry(in, table, va, &entry, &host);

		/* Entries that cannot be read count as well. */
		scan->position->entries++;
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
				uint32_t attr = effective(meaning.attr, table->at.keep);

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

/* Addresses that no root translates. False: no room. */
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

/* From position->next on; true at the end of the addresses. */
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
		top = top_table(&scan->in);
		if (!scan_table(scan, &top, position->next, last))
			return false;
		if (last == position->last)
			return true;
		position->next = last + 1;
	}
	return scan_gap(scan, position->last);
}

static size_t scan_ranges(const struct interp *in, struct pw_scan_position *position,
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

/* Reads the entry for @va as callbacks shall see it. */
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
		.at = place_of(in, table, va),
		.level = table->at.level,
		.size_lg2 = table->at.shift,
	};
	status = read_entry(in, table, va, &seen->value, &host);
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
		struct table below = table_below(in, table, seen->value, meaning);

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
			seen->attr = effective(meaning->attr, table->at.keep) & 0xffff;
	}
	seen->status = (uint8_t)status;
}

/* One turn's callbacks; walk->action says how it goes on. */
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
			struct table below = table_below(in, table, seen.value, &meaning);
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

static int walk_all(struct interp *in, struct pw_walk *walk, pw_va first, pw_va last)
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
		top = top_table(in);
		stop = walk_table(in, walk, &top, from, to);
		if (stop)
			return stop;
	}
	return 0;
}

/* ---- the instance ---- */

static struct interp start(const struct pw_access *access, void *context,
			   const struct pw_regime *regime)
{
	return (struct interp){
		.d = pw_described(regime->format),
		.regime = regime,
		.access = access,
		.context = context,
	};
}

#define INTERP(access)                                                                          \
	static enum pw_status access##_translate(void *context, const struct pw_regime *regime, \
						 pw_va va, struct pw_result *result)            \
	{                                                                                       \
		PW_CONTEXT_##access(context);                                                   \
		struct interp in = start(&pw_##access##_access, context, regime);               \
                                                                                                \
		return walk_one(&in, va, result, NULL);                                         \
	}                                                                                       \
	static enum pw_status access##_trace(void *context, const struct pw_regime *regime,     \
					     pw_va va, struct pw_result *result,                \
					     struct pw_trace *trace)                            \
	{                                                                                       \
		PW_CONTEXT_##access(context);                                                   \
		struct interp in = start(&pw_##access##_access, context, regime);               \
                                                                                                \
		return walk_one(&in, va, result, trace);                                        \
	}                                                                                       \
	static size_t access##_scan(void *context, const struct pw_regime *regime,              \
				    struct pw_scan_position *position, struct pw_range *range,  \
				    size_t count)                                               \
	{                                                                                       \
		PW_CONTEXT_##access(context);                                                   \
		struct interp in = start(&pw_##access##_access, context, regime);               \
                                                                                                \
		return scan_ranges(&in, position, range, count);                                \
	}                                                                                       \
	static int access##_walk(void *context, struct pw_walk *walk, pw_va first, pw_va last)  \
	{                                                                                       \
		PW_CONTEXT_##access(context);                                                   \
		struct interp in = start(&pw_##access##_access, context, walk->regime);         \
                                                                                                \
		return walk_all(&in, walk, first, last);                                        \
	}

INTERP(direct)
INTERP(fetched)
INTERP(hooked)

const struct pw_instance pw_described_instance = {
	.direct = { .translate = direct_translate,
		    .trace = direct_trace,
		    .scan = direct_scan,
		    .walk = direct_walk },
	.fetched = { .translate = fetched_translate,
		     .trace = fetched_trace,
		     .scan = fetched_scan,
		     .walk = fetched_walk },
	.hooked = { .translate = hooked_translate,
		    .trace = hooked_trace,
		    .scan = hooked_scan,
		    .walk = hooked_walk },
};
