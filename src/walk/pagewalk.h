/* SPDX-License-Identifier: MIT */
/*
 * The pagewalk interface: every entry of first..last, with callbacks that see the value and the
 * place, and say whether to descend. The shape is that of the kernel's mm/pagewalk.c; what differs is
 * that an entry is loaded once per turn, and that a level that is not there is not visited.
 */
#ifndef PW_WALK_PAGEWALK_H
#define PW_WALK_PAGEWALK_H

#include "base/mutant.h"
#include "walk/translate.h"

/* Does any callback want to know of entries below @level? */
static inline bool pw_walk_descends(const struct pw_walk_ops *ops, unsigned level)
{
	if (ops->leaf || ops->hole)
		return true;
	while (level-- > 0)
		if (ops->entry[level])
			return true;
	return false;
}

/* Fills @entry, which callbacks see, from the turn of va..@last. The entry stands in @here. */
PW_INLINE void pw_walk_entry(const struct pw_format *f, const struct pw_access *a, void *context,
			     const struct pw_regime *r, const struct pw_table_at *here, pw_va va,
			     pw_va last, struct pw_entry *entry)
{
	const unsigned level = here->level;
	struct pw_slots slots = { .entries = 1 };
	enum pw_status status = pw_turn_open(f, a, context, r, level, here, va, &slots);
	struct pw_turn turn;

	*entry = (struct pw_entry){
		.first = va,
		.last = last,
		.at = slots.at,
		.level = (uint8_t)level,
		.kind = PW_HOLE,
		.status = (uint8_t)status,
		.size_lg2 = (uint8_t)pw_table_shift(f, here, level),
	};
	if (PW_UNLIKELY(status != PW_OK))
		return;
	turn = pw_turn_read(f, a, context, r, level, here, va, &slots);
	entry->value = turn.entry;
	entry->host = a == &pw_direct_access ? slots.host : NULL;
	entry->status = (uint8_t)turn.status;
	/* The rest of an entry that leads more than one level down: nothing is behind it. */
	if (turn.kind == PW_TABLE && turn.status != PW_OK)
		return;
	entry->kind = (uint8_t)turn.kind;
	entry->size_lg2 = (uint8_t)turn.lg2;
	entry->attr = turn.attr & (uint32_t)~PW_MEMTYPE_MASK;
	entry->pa = turn.pa;
	if (turn.kind == PW_TABLE) {
		entry->pa = turn.below.table;
		entry->attr = turn.below.keep & PW_PROT_MASK;
	} else if (f->prefixed && (turn.kind == PW_LEAF || turn.status == PW_PROT_NONE)) {
		entry->pa = pw_absolute(r, turn.pa);
	}
}

/* The callbacks of one turn. Returns what a callback did; walk->action says how to go on. */
static inline int pw_walk_turn(struct pw_walk *walk, const struct pw_entry *entry)
{
	const struct pw_walk_ops *ops = walk->ops;
	int stop = 0;

	if (!pw_mutant(PW_MUTANT_STALE_ACTION) || entry->kind != PW_HOLE)
		walk->action = PW_SUBTREE;
	if (entry->kind == PW_HOLE)
		return ops->hole ? ops->hole(walk, entry) : 0;
	if (ops->entry[entry->level])
		stop = ops->entry[entry->level](walk, entry);
	if (stop || walk->action != PW_SUBTREE)
		return stop;
	if (entry->kind == PW_LEAF && ops->leaf)
		stop = ops->leaf(walk, entry);
	return stop;
}

/* Walks va..last, which lies in @span. */
PW_INLINE int pw_walk_span(const struct pw_format *f, const struct pw_access *a, void *context,
			   const struct pw_span *span, struct pw_walk *walk, pw_va va,
			   const pw_va last)
{
	const struct pw_regime *r = walk->regime;
	/* The tables from the top to the one that va is in, each with the last address to walk in it. */
	struct {
		struct pw_table_at at;
		pw_va last;
	} path[PW_MAX_LEVELS], *here = path;

	here->at = pw_table_top(f, span);
	here->last = last;
	for (;;) {
		const unsigned level = here->at.level;
		struct pw_entry entry;
		int stop;

		/*
		 * Step invariant: `here` covers va, was reached by values loaded once each, and the
		 * turn is that of the entry that va selects in it. A retry (PW_AGAIN) comes back
		 * here, with nothing left of the turn before.
		 */
		pw_walk_entry(f, a, context, r, &here->at, va,
			      pw_min(va | pw_mask(here->at.shift), here->last), &entry);
		stop = pw_walk_turn(walk, &entry);
		if (stop)
			return stop;
		if (walk->action == PW_AGAIN)
			continue;
		if (entry.kind == PW_TABLE && walk->action == PW_SUBTREE &&
		    pw_walk_descends(walk->ops, level)) {
			const uint64_t value = pw_mutant(PW_MUTANT_WALK_LOADS_AGAIN)
						       ? pw_entry_load(f, a, context, entry.host,
								       entry.at)
						       : entry.value;
			/* Computed again, not kept over the callbacks: few turns need it. */
			struct pw_table_at below = pw_table_below(f, r, level, &here->at, value);
			pw_va below_last = pw_min(va | pw_table_covers(&below), here->last);

			here++;
			here->at = below;
			here->last = below_last;
			continue;
		}
		va = entry.last;
		while (here > path && va == here->last)
			here--;
		if (va == here->last)
			return 0;
		va++;
	}
}

PW_INLINE int pw_walk_all(const struct pw_format *f, const struct pw_access *a, void *context,
			  struct pw_walk *walk, pw_va first, pw_va last)
{
	const struct pw_regime *r = walk->regime;

	PW_MUST_BE_CONSTANT(f->shift[0]);
	for (unsigned i = 0; i < r->spans; i++) {
		const struct pw_span *span = &r->span[i];
		pw_va from = span->first > first ? span->first : first;
		pw_va to = pw_min(span->last, last);
		int stop = 0;

		if (from > to || (span->alias && first <= r->span[0].last))
			continue;
		if (walk->ops->test_walk)
			stop = walk->ops->test_walk(walk, from, to);
		if (stop < 0)
			return stop;
		if (stop > 0)
			continue;
		stop = pw_walk_span(f, a, context, span, walk, from, to);
		if (stop)
			return stop;
	}
	return 0;
}

#endif
