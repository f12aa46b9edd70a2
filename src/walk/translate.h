/* SPDX-License-Identifier: MIT */
/*
 * One address, from the root to a leaf or a hole. Compiled once for each format and access; a
 * constant format leaves of it what one would write by hand.
 */
#ifndef PW_WALK_TRANSLATE_H
#define PW_WALK_TRANSLATE_H

#include "walk/step.h"

/* The outcome of the last turn is the result of the walk. */
PW_INLINE void pw_result_fill(const struct pw_turn *turn, pw_va va, struct pw_result *result)
{
	*result = (struct pw_result){
		.va = va,
		.pa = turn->pa,
		.entry = turn->entry,
		.attr = turn->attr & (uint32_t)~PW_MEMTYPE_MASK,
		.status = (uint8_t)turn->status,
		.level = (uint8_t)turn->level,
		.size_lg2 = (uint8_t)turn->lg2,
		.memtype = (uint8_t)(turn->attr >> PW_MEMTYPE_SHIFT),
	};
}

/* Writes down a turn in @here, which read at @slots. */
PW_INLINE void pw_trace_turn(struct pw_trace *trace, const struct pw_table_at *here,
			     const struct pw_slots *slots, const struct pw_turn *turn)
{
	struct pw_step *step = &trace->step[trace->steps++];

	*step = (struct pw_step){
		.table = here->table,
		.at = slots->at,
		.entry = turn->loaded ? turn->entry : 0,
		.next = turn->pa & ~pw_mask(turn->lg2),
		.index = slots->index,
		.attr = here->keep,
		.level = here->level,
		.bits = here->bits,
		.shift = here->shift,
		.kind = (uint8_t)turn->kind,
		.status = (uint8_t)turn->status,
	};
	if (turn->kind == PW_TABLE) {
		step->next = turn->below.table;
		step->attr = turn->below.keep;
	} else if (turn->kind == PW_LEAF) {
		step->attr = turn->attr & (uint32_t)~PW_MEMTYPE_MASK;
	}
}

/* A walk under way. */
struct pw_descent {
	pw_va va;
	struct pw_table_at here;
	struct pw_result *result;
	struct pw_trace *trace; /* or NULL; so as a constant in the plain instance */
};

/* The turn of one level. Returns whether the walk ended there. */
PW_INLINE bool pw_walk_level(const struct pw_format *f, const struct pw_access *a, void *context,
			     const struct pw_regime *r, unsigned level, struct pw_descent *descent)
{
	struct pw_slots slots = { .entries = 1 };
	enum pw_status status;
	struct pw_turn turn;

	if (f->dynamic_top && level > descent->here.level)
		return false;
	/*
	 * Step invariant: `here` is the table of this level that covers va, reached from the root
	 * by values that were each loaded once; the entry to read is the one that va selects in it.
	 */
	status = pw_turn_open(f, a, context, r, level, &descent->here, descent->va, &slots);
	if (PW_LIKELY(status == PW_OK))
		turn = pw_turn_read(f, a, context, r, level, &descent->here, descent->va, &slots);
	else
		turn = pw_turn_refused(f, level, &descent->here, status);
	if (descent->trace)
		pw_trace_turn(descent->trace, &descent->here, &slots, &turn);
	if (pw_turn_descends(&turn)) {
		descent->here = turn.below;
		return false;
	}
	pw_result_fill(&turn, descent->va, descent->result);
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
	const struct pw_span *span = pw_span_find(r, va);
	struct pw_descent descent = { .va = va, .result = result, .trace = trace };

	PW_MUST_BE_CONSTANT(f->shift[0]);
	if (PW_UNLIKELY(!span)) {
		struct pw_turn nowhere = pw_turn_nowhere(f);

		pw_result_fill(&nowhere, va, result);
		return PW_NOT_CANONICAL;
	}
	descent.here = pw_table_top(f, span);
	/*
	 * Turn by turn rather than in a loop: the code that ends a loop is not unrolled with it, and the ends
	 * of all levels would share code in which the level is not a constant.
	 */
	if ((f->levels > 5 && pw_walk_level(f, a, context, r, 5, &descent)) ||
	    (f->levels > 4 && pw_walk_level(f, a, context, r, 4, &descent)) ||
	    (f->levels > 3 && pw_walk_level(f, a, context, r, 3, &descent)) ||
	    (f->levels > 2 && pw_walk_level(f, a, context, r, 2, &descent)) ||
	    (f->levels > 1 && pw_walk_level(f, a, context, r, 1, &descent)) ||
	    pw_walk_level(f, a, context, r, 0, &descent))
		return (enum pw_status)result->status;
	__builtin_unreachable();
}

/* ---- the lean answer ---- */

/* The turn of one level of a lean walk. Returns whether the walk ended there; at a leaf, *lean is set. */
PW_INLINE bool pw_lean_level(const struct pw_format *f, const struct pw_access *a, void *context,
			     const struct pw_regime *r, unsigned level, pw_va va,
			     struct pw_table_at *here, struct pw_lean *lean)
{
	struct pw_slots slots = { .entries = 1 };
	struct pw_turn turn;

	if (f->dynamic_top && level > here->level)
		return false;
	if (PW_UNLIKELY(pw_turn_open(f, a, context, r, level, here, va, &slots) != PW_OK))
		return true;
	turn = pw_turn_decide_of(f, r, level, here, va,
				 pw_entry_load(f, a, context, slots.host, slots.at), true);
	if (pw_turn_descends(&turn)) {
		*here = turn.below;
		return false;
	}
	if (PW_LIKELY(turn.kind == PW_LEAF)) {
		lean->pa = f->prefixed ? pw_absolute(r, turn.pa) : turn.pa;
		lean->attr = turn.attr & PW_PROT_MASK;
		lean->size_lg2 = (uint8_t)turn.lg2;
		lean->status = PW_OK;
	}
	return true;
}

/*
 * The walk of pw_walk_one, for leaves only: of each turn it keeps what a lean answer has, and the compiler
 * drops the rest. Anything but a leaf has the status PW_NONE; the caller then asks pw_walk_one, which loads
 * every entry anew, and decides by those values alone.
 */
PW_INLINE struct pw_lean pw_walk_lean(const struct pw_format *f, const struct pw_access *a,
				      void *context, const struct pw_regime *r, pw_va va)
{
	const struct pw_span *span = pw_span_find(r, va);
	struct pw_lean lean = { .status = PW_NONE };
	struct pw_table_at here;

	PW_MUST_BE_CONSTANT(f->shift[0]);
	if (PW_UNLIKELY(!span))
		return lean;
	here = pw_table_top(f, span);
	if ((f->levels > 5 && pw_lean_level(f, a, context, r, 5, va, &here, &lean)) ||
	    (f->levels > 4 && pw_lean_level(f, a, context, r, 4, va, &here, &lean)) ||
	    (f->levels > 3 && pw_lean_level(f, a, context, r, 3, va, &here, &lean)) ||
	    (f->levels > 2 && pw_lean_level(f, a, context, r, 2, va, &here, &lean)) ||
	    (f->levels > 1 && pw_lean_level(f, a, context, r, 1, va, &here, &lean)))
		return lean;
	pw_lean_level(f, a, context, r, 0, va, &here, &lean);
	return lean;
}

_Static_assert(PW_MAX_LEVELS == 6, "pw_walk_one and pw_walk_lean have a turn for each level");

#endif
