/* SPDX-License-Identifier: MIT */
/*
 * Walks over a format described by data: every algorithm in its plainest form. Each is a recursion over
 * tables, one entry at a time, without regard to speed. Tests compare src/walk with it.
 */
#include "described/interp.h"

#include <string.h>

static uint32_t index_of(const struct table *table, pw_va va)
{
	return (uint32_t)(va >> table->at.shift & ones(table->at.bits));
}

pw_pa pw_interp_place(const struct interp *in, const struct table *table, pw_va va)
{
	return table->at.table + (pw_pa)index_of(table, va) * (1u << in->d->format.entry_lg2);
}

uint32_t pw_interp_effective(uint32_t attr, uint32_t keep)
{
	uint32_t exec;

	for (unsigned bit = 0; bit < 32; bit++) {
		uint32_t one = UINT32_C(1) << bit;

		if ((one & (PW_READ | PW_WRITE | PW_EXEC | PW_USER | PW_KEXEC)) && !(keep & one))
			attr &= ~one;
	}
	/* A global table makes everything below it global. Nobody writes where a table forbids it. */
	if (!(keep & PW_GLOBAL))
		attr |= PW_GLOBAL;
	if (!(keep & PW_WRITE))
		attr &= ~(uint32_t)(PW_DBM | PW_SHADOW_STACK);
	/* The execute bit that counts is that of user mode or that of the kernel, as PW_USER says. */
	exec = attr & PW_USER ? PW_EXEC : PW_KEXEC;
	exec = attr & exec ? PW_EXEC : 0;
	return (attr & ~(uint32_t)(PW_EXEC | PW_KEXEC)) | exec;
}

struct table pw_interp_top(const struct interp *in)
{
	const struct pw_span *span = in->span;

	return (struct table){
		.at = { .table = span->table,
			.span = span,
			.keep = PW_KEEP_ALL,
			.level = span->top,
			.shift = in->d->format.shift[span->top],
			.bits = span->top_bits },
		.limited = span->top_last < ones(span->top_bits),
		.upto = span->top_last,
	};
}

struct table pw_interp_below(const struct interp *in, const struct table *table, uint64_t entry,
			     const struct pw_meaning *meaning)
{
	unsigned above = in->d->format.shift[meaning->next] + in->d->format.bits[meaning->next];
	struct table below = {
		.at = { .table = meaning->address,
			.above = entry,
			.span = table->at.span,
			.keep = table->at.keep & ~meaning->denied,
			.level = (uint8_t)meaning->next,
			.shift = in->d->format.shift[meaning->next],
			.bits = (uint8_t)meaning->next_bits },
	};

	/* A table with an unusual number of entries covers the usual range, each entry more or less of it. */
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

enum pw_status pw_interp_read(const struct interp *in, const struct table *table, pw_va va,
			      uint64_t *value, const unsigned char **host)
{
	unsigned lg2 = in->d->format.entry_lg2;
	size_t unit = (size_t)1 << lg2, bytes = unit;
	uint32_t index = index_of(table, va);
	pw_pa at = pw_interp_place(in, table, va);
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
	table = pw_interp_top(in);
	for (;;) {
		const unsigned char *host;
		struct pw_meaning meaning;
		struct pw_step step = {
			.table = table.at.table,
			.at = pw_interp_place(in, &table, va),
			.index = index_of(&table, va),
			.attr = table.at.keep,
			.level = table.at.level,
			.bits = table.at.bits,
			.shift = table.at.shift,
		};
		enum pw_status status = pw_interp_read(in, &table, va, &step.entry, &host);
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
			struct table below = pw_interp_below(in, &table, step.entry, &meaning);
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
			hole(result, status, table.at.level, table.at.shift, table.at.above);
		} else if (status != PW_OK && status != PW_PROT_NONE) {
			hole(result, status, table.at.level, table.at.shift, step.entry);
		} else {
			uint32_t attr = status == PW_OK
						? pw_interp_effective(meaning.attr, table.at.keep)
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
	static size_t access##_scan(void *context, const struct pw_regime *regime,              \
				    struct pw_scan_position *position, struct pw_range *range,  \
				    size_t count)                                               \
	{                                                                                       \
		PW_CONTEXT_##access(context);                                                   \
		struct interp in = start(&pw_##access##_access, context, regime);               \
                                                                                                \
		return pw_interp_scan(&in, position, range, count);                             \
	}                                                                                       \
	static int access##_walk(void *context, struct pw_walk *walk, pw_va first, pw_va last)  \
	{                                                                                       \
		PW_CONTEXT_##access(context);                                                   \
		struct interp in = start(&pw_##access##_access, context, walk->regime);         \
                                                                                                \
		return pw_interp_walk(&in, walk, first, last);                                  \
	}

INTERP(direct)
INTERP(called)

static enum pw_status trace_called(const struct pw_called *called, const struct pw_regime *regime,
				   pw_va va, struct pw_result *result, struct pw_trace *trace)
{
	struct pw_called own = *called;
	struct interp in = start(&pw_called_access, &own, regime);

	return walk_one(&in, va, result, trace);
}

const struct pw_instance pw_described_instance = {
	.direct = { .translate = direct_translate, .scan = direct_scan, .walk = direct_walk },
	.called = { .translate = called_translate, .scan = called_scan, .walk = called_walk },
	.trace = trace_called,
	.lean = pw_lean_of_all,
};
