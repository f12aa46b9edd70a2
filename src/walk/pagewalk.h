/* SPDX-License-Identifier: MIT */
/*
 * The pagewalk interface: every entry of first..last, with callbacks that see the value and the
 * place, and say whether to descend. The shape is that of the kernel's mm/pagewalk.c; what differs is
 * that an entry is loaded once per turn, and that a level that is not there is not visited.
 */
#ifndef PW_WALK_PAGEWALK_H
#define PW_WALK_PAGEWALK_H

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

/* One turn: the entry of @here that va selects, as callbacks shall see it. @above led to @here. */
PW_INLINE void pw_walk_load(const struct pw_format *f, const struct pw_access *a, void *context,
			    const struct pw_regime *r, const struct pw_span *span,
			    const struct pw_table_at *here, uint64_t above, pw_va va, pw_va last,
			    struct pw_entry *entry)
{
	unsigned level = here->level;
	uint32_t index = pw_index(va, here->shift, here->bits);
	size_t bytes = pw_entry_bytes(f);
	const unsigned char *host = NULL;
	pw_pa page = 0;

	*entry = (struct pw_entry){
		.first = va,
		.last = pw_min(va | pw_mask(here->shift), last),
		.at = pw_entry_address(f, here->table, index),
		.level = (uint8_t)level,
		.kind = PW_HOLE,
		.size_lg2 = here->shift,
	};
	if (!pw_index_admitted(f, r, span, level, above, index)) {
		entry->status = PW_LENGTH;
		return;
	}
	if (!a->open(context, level, entry->at, bytes, &bytes, &host)) {
		entry->status = PW_OUTSIDE;
		return;
	}
	entry->host = a == &pw_direct_access ? host : NULL;
	entry->value = pw_entry_load(f, a, context, host, entry->at);
	entry->kind = (uint8_t)f->kind(f, r, level, entry->value);
	if (entry->kind == PW_TABLE) {
		struct pw_table_at below = pw_table_below(f, r, level, entry->value, here->keep);

		/* The rest of an entry that leads more than one level down: nothing is behind it. */
		if (pw_table_beyond(f, level, &below, va)) {
			entry->kind = PW_HOLE;
			entry->status = PW_LENGTH;
			return;
		}
		entry->pa = below.table;
		entry->attr = below.keep & PW_PROT_MASK;
	} else if (entry->kind == PW_LEAF) {
		unsigned lg2 = pw_leaf_lg2(f, r, level, here->shift, entry->value);

		entry->size_lg2 = (uint8_t)lg2;
		entry->pa = pw_leaf_page(f, r, level, lg2, entry->value) | (va & pw_mask(lg2));
		entry->attr = pw_attr_settle(f->attr(f, r, level, entry->value), here->keep) &
			      (uint32_t)~PW_MEMTYPE_MASK;
	} else {
		unsigned lg2;

		entry->status = (uint8_t)pw_hole_status(f, r, level, here->shift, entry->value,
							&page, &lg2);
		entry->size_lg2 = (uint8_t)lg2;
		if (entry->status == PW_PROT_NONE)
			entry->pa = page | (va & pw_mask(lg2));
	}
	if (f->prefixed && (entry->kind == PW_LEAF || entry->status == PW_PROT_NONE))
		entry->pa = pw_absolute(r, entry->pa);
}

/* The callbacks of one turn. Returns what a callback did; walk->action says how to go on. */
static inline int pw_walk_turn(struct pw_walk *walk, const struct pw_entry *entry)
{
	const struct pw_walk_ops *ops = walk->ops;
	int stop = 0;

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
	struct {
		struct pw_table_at at;
		pw_va last; /* last address that the table covers */
		uint64_t entry; /* the value that led to it */
		uint8_t parent;
	} table[PW_MAX_LEVELS];
	const unsigned top = pw_top(f, span);
	unsigned level = top;

	table[top].at = pw_table_top(f, span);
	table[top].last = span->last;
	table[top].entry = 0;
	table[top].parent = (uint8_t)top;
	for (;;) {
		struct pw_entry entry;
		int stop;

		/*
		 * Step invariant: table[level] covers va, was reached by values loaded once each,
		 * and `entry` is what va selects in it. A retry (PW_AGAIN) comes back here, with
		 * nothing left of the turn before.
		 */
		pw_walk_load(f, a, context, r, span, &table[level].at, table[level].entry, va,
			     pw_min(last, table[level].last), &entry);
		stop = pw_walk_turn(walk, &entry);
		if (stop)
			return stop;
		if (walk->action == PW_AGAIN)
			continue;
		if (entry.kind == PW_TABLE && walk->action == PW_SUBTREE &&
		    pw_walk_descends(walk->ops, level)) {
			struct pw_table_at below = pw_table_below(f, r, level, entry.value,
								  table[level].at.keep);
			pw_va covered = pw_mask(f->next_level ? below.shift + below.bits
							      : table[level].at.shift);

			table[below.level].at = below;
			table[below.level].last = pw_min(va | covered, table[level].last);
			table[below.level].entry = entry.value;
			table[below.level].parent = (uint8_t)level;
			level = below.level;
			continue;
		}
		if (entry.last >= last)
			return 0;
		va = entry.last;
		while (level < top && va >= table[level].last)
			level = table[level].parent;
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
