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
	uint32_t attr = pw_attr_settle(f->attr(f, r, level, entry), keep);

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

/* A walk under way. */
struct pw_walk_at {
	pw_va va;
	const struct pw_span *span;
	struct pw_table_at here;
	uint64_t entry; /* the last one that was loaded */
	enum pw_status status; /* how it ended */
	struct pw_result *result;
	struct pw_trace *trace; /* or NULL; so as a constant in the plain instance */
};

/* The turn of one level. Returns whether the walk ended there. */
PW_INLINE bool pw_walk_level(const struct pw_format *f, const struct pw_access *a, void *context,
			     const struct pw_regime *r, unsigned level, struct pw_walk_at *walk)
{
	/* What the format says of the level is a constant; what led here may not be. */
	unsigned shift = f->next_bits && level == 0 ? walk->here.shift : f->shift[level];
	uint32_t index = pw_index(walk->va, shift, walk->here.bits);
	pw_pa at = pw_entry_address(f, walk->here.table, index), page = 0;
	size_t bytes = pw_entry_bytes(f);
	struct pw_trace *trace = walk->trace;
	struct pw_step *step = NULL;
	const unsigned char *host;
	enum pw_kind kind;
	unsigned lg2;

	if (f->dynamic_top && level > walk->here.level)
		return false;
	/*
	 * Step invariant: `here` is the table of this level that covers va, reached from the root
	 * by values that were each loaded once; the entry to read is the one that va selects in it.
	 */
	if (PW_UNLIKELY(!pw_index_admitted(f, r, walk->span, level, walk->entry, index)))
		walk->status = PW_LENGTH;
	else if (PW_UNLIKELY(!a->open(context, level, at, bytes, &bytes, &host)))
		walk->status = PW_OUTSIDE;
	if (PW_UNLIKELY(walk->status != PW_OK)) {
		pw_result_hole(walk->status, level, shift, walk->entry, 0, walk->va, walk->result);
		if (trace)
			pw_trace_step(trace, &walk->here, index, at, 0, PW_HOLE)->status =
				(uint8_t)walk->status;
		return true;
	}
	walk->entry = pw_entry_load(f, a, context, host, at);
	kind = f->kind(f, r, level, walk->entry);
	if (trace)
		step = pw_trace_step(trace, &walk->here, index, at, walk->entry, kind);
	if (kind == PW_TABLE) {
		walk->here = pw_table_below(f, r, level, walk->entry, walk->here.keep);
		if (trace) {
			step->next = walk->here.table;
			step->attr = walk->here.keep;
		}
		if (!pw_table_beyond(f, level, &walk->here, walk->va))
			return false;
		walk->status = PW_LENGTH;
		pw_result_hole(PW_LENGTH, level, shift, walk->entry, 0, walk->va, walk->result);
	} else if (PW_LIKELY(kind == PW_LEAF)) {
		pw_result_leaf(f, r, level, shift, walk->entry, walk->here.keep, walk->va,
			       walk->result);
		if (trace) {
			step->next = walk->result->pa & ~pw_mask(walk->result->size_lg2);
			step->attr = walk->result->attr;
		}
	} else {
		walk->status = pw_hole_status(f, r, level, shift, walk->entry, &page, &lg2);
		pw_result_hole(walk->status, level, lg2, walk->entry, page, walk->va, walk->result);
		if (trace)
			step->next = page;
	}
	if (trace)
		step->status = (uint8_t)walk->status;
	return true;
}

/*
 * The walk. @trace may be NULL.
 *
 * A result's level is where the walk ended and its entry the last value loaded: when a table is
 * outside the memory or too short, the level is that table's and the entry the one that led there.
 */
PW_INLINE enum pw_status pw_walk_one(const struct pw_format *f, const struct pw_access *a,
				     void *context, const struct pw_regime *r, pw_va va,
				     struct pw_result *result, struct pw_trace *trace)
{
	struct pw_walk_at walk = {
		.va = va,
		.span = pw_span_find(r, va),
		.status = PW_OK,
		.result = result,
		.trace = trace,
	};

	PW_MUST_BE_CONSTANT(f->shift[0]);
	if (PW_UNLIKELY(!walk.span)) {
		pw_result_hole(PW_NOT_CANONICAL, f->levels - 1u, 64, 0, 0, va, result);
		return PW_NOT_CANONICAL;
	}
	walk.here = pw_table_top(f, walk.span);
	/*
	 * Turn by turn rather than in a loop: what ends a loop is not unrolled with it, and the ends
	 * of all levels would share code in which the level is not a constant.
	 */
	if ((f->levels > 5 && pw_walk_level(f, a, context, r, 5, &walk)) ||
	    (f->levels > 4 && pw_walk_level(f, a, context, r, 4, &walk)) ||
	    (f->levels > 3 && pw_walk_level(f, a, context, r, 3, &walk)) ||
	    (f->levels > 2 && pw_walk_level(f, a, context, r, 2, &walk)) ||
	    (f->levels > 1 && pw_walk_level(f, a, context, r, 1, &walk)) ||
	    pw_walk_level(f, a, context, r, 0, &walk))
		return walk.status;
	__builtin_unreachable();
}

_Static_assert(PW_MAX_LEVELS == 6, "pw_walk_one has a turn for each level");

#endif
