/* SPDX-License-Identifier: MIT */
/*
 * One address, from the root to a leaf or a hole. Compiled once for each format and access; a
 * constant format leaves of it what one would write by hand.
 */
#ifndef PW_WALK_TRANSLATE_H
#define PW_WALK_TRANSLATE_H

#include "walk/step.h"

/* A leaf, as a result. */
PW_INLINE void pw_result_leaf(const struct pw_format *f, const struct pw_regime *r, unsigned level,
			      unsigned shift, uint64_t entry, uint32_t keep, pw_va va,
			      struct pw_result *result)
{
	unsigned lg2 = pw_leaf_lg2(f, r, level, shift, entry);
	uint32_t attr = pw_attr_settle(f->attr(r, level, entry), keep);

	*result = (struct pw_result){
		.va = va,
		.pa = pw_leaf_page(f, r, level, lg2, entry) | (va & pw_mask(lg2)),
		.entry = entry,
		.attr = attr & (uint32_t)~PW_MEMTYPE_MASK,
		.status = PW_OK,
		.level = (uint8_t)level,
		.size_lg2 = (uint8_t)lg2,
		.memtype = (uint8_t)(attr >> PW_MEMTYPE_SHIFT),
	};
}

/* A hole, as a result; @entry is the last value that was loaded. */
PW_INLINE void pw_result_hole(enum pw_status status, unsigned level, unsigned shift, uint64_t entry,
			      pw_pa page, pw_va va, struct pw_result *result)
{
	*result = (struct pw_result){
		.va = va,
		.pa = status == PW_PROT_NONE ? page | (va & pw_mask(shift)) : 0,
		.entry = entry,
		.status = (uint8_t)status,
		.level = (uint8_t)level,
		.size_lg2 = (uint8_t)shift,
	};
}

PW_INLINE struct pw_step *pw_trace_step(struct pw_trace *trace, const struct pw_table_at *here,
					uint32_t index, pw_pa at, uint64_t entry, enum pw_kind kind)
{
	struct pw_step *step = &trace->step[trace->steps++];

	*step = (struct pw_step){
		.table = here->table,
		.at = at,
		.entry = entry,
		.index = index,
		.attr = here->keep,
		.level = here->level,
		.bits = here->bits,
		.shift = here->shift,
		.kind = (uint8_t)kind,
	};
	return step;
}

/*
 * The walk. @trace may be NULL, and is so as a constant in the plain instance.
 *
 * A result's level is where the walk ended and its entry the last value loaded: when a table is
 * outside the memory or too short, the level is that table's and the entry the one that led there.
 */
PW_INLINE enum pw_status pw_walk_one(const struct pw_format *f, const struct pw_access *a,
				     void *context, const struct pw_regime *r, pw_va va,
				     struct pw_result *result, struct pw_trace *trace)
{
	const struct pw_span *span = pw_span_find(r, va);
	struct pw_table_at here;
	enum pw_status status = PW_OK;
	uint64_t entry = 0;
	pw_pa page = 0;
	bool walking = true;

	PW_MUST_BE_CONSTANT(f->shift[0]);
	if (PW_UNLIKELY(!span)) {
		pw_result_hole(PW_NOT_CANONICAL, f->levels - 1u, 64, 0, 0, va, result);
		return PW_NOT_CANONICAL;
	}
	here = pw_table_top(f, span);

	/*
	 * No return from within the loop: what leaves a loop is not unrolled with it, and the ends of
	 * all levels would share code in which the level is not a constant.
	 */
	PW_UNROLL
	for (unsigned level = f->levels; level-- > 0;) {
		size_t bytes = pw_entry_bytes(f);
		const unsigned char *host;
		struct pw_step *step = NULL;
		uint32_t index;
		enum pw_kind kind;
		unsigned lg2;
		pw_pa at;

		if (!walking || (f->dynamic_top && level > here.level))
			continue;
		/*
		 * Step invariant: `here` is the table of this level that covers va, reached from
		 * the root by values that were each loaded once; the entry to read is the one that
		 * va selects in it.
		 */
		index = pw_index(va, here.shift, here.bits);
		at = pw_entry_address(f, here.table, index);
		if (PW_UNLIKELY(!pw_index_admitted(f, r, span, level, entry, index)))
			status = PW_LENGTH;
		else if (PW_UNLIKELY(!a->open(context, level, at, bytes, &bytes, &host)))
			status = PW_OUTSIDE;
		if (PW_UNLIKELY(status != PW_OK)) {
			pw_result_hole(status, level, here.shift, entry, 0, va, result);
			if (trace)
				pw_trace_step(trace, &here, index, at, 0, PW_HOLE)->status =
					(uint8_t)status;
			walking = false;
			continue;
		}
		entry = pw_entry_load(f, a, context, host, at);
		kind = f->kind(r, level, entry);
		if (trace)
			step = pw_trace_step(trace, &here, index, at, entry, kind);
		if (kind == PW_TABLE) {
			here = pw_table_below(f, r, level, entry, here.keep);
			if (trace) {
				step->next = here.table;
				step->attr = here.keep;
			}
			if (pw_table_beyond(f, level, &here, va)) {
				status = PW_LENGTH;
				pw_result_hole(status, level, f->shift[level], entry, 0, va,
					       result);
				if (trace)
					step->status = (uint8_t)status;
				walking = false;
			}
			continue;
		}
		walking = false;
		if (PW_LIKELY(kind == PW_LEAF)) {
			pw_result_leaf(f, r, level, here.shift, entry, here.keep, va, result);
			if (trace) {
				step->next = result->pa & ~pw_mask(result->size_lg2);
				step->attr = result->attr;
			}
			continue;
		}
		status = pw_hole_status(f, r, level, here.shift, entry, &page, &lg2);
		pw_result_hole(status, level, lg2, entry, page, va, result);
		if (trace) {
			step->status = (uint8_t)status;
			step->next = page;
		}
	}
	return status;
}

#endif
