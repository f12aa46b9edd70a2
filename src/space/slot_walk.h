/* SPDX-License-Identifier: MIT */
/*
 * Single entries (slot.h): the parts that are compiled per format. They go down to an entry and decode it, go
 * on to the next entry that is worth a visit, and go along a table of level 0. They only read. All else is in
 * slot.c, slot_visit.c and slot_tables.c, compiled once.
 */
#ifndef PW_SPACE_SLOT_WALK_H
#define PW_SPACE_SLOT_WALK_H

#include "space/edit.h"
#include "space/slot_visit.h"

/* The entry of @va in the table of @level at @table. */
PW_INLINE unsigned char *pw_slot_at(const struct pw_format *f, unsigned char *table, unsigned level,
				    pw_va va)
{
	return table + ((size_t)pw_index(va, f->shift[level], f->bits[level]) << f->entry_lg2);
}

/* Fills in what follows from slot->entry and slot->level; @va is an address that the entry covers. */
PW_INLINE void pw_slot_decode(const struct pw_format *f, const struct pw_regime *r, pw_va va,
			      struct pw_slot *slot)
{
	const unsigned level = slot->level, shift = f->shift[level];
	const uint64_t e = slot->entry;
	enum pw_kind kind;
	enum pw_status status;
	unsigned lg2 = shift;

	slot->pa = 0;
	slot->attr = 0;
	slot->soft = (struct pw_soft){ 0 };
	slot->kind = PW_SLOT_EMPTY;
	slot->lg2 = (uint8_t)shift;
	if (e == f->make_empty(f, r, level))
		return;
	kind = f->kind(f, r, level, e);
	if (kind == PW_TABLE) {
		slot->kind = PW_SLOT_TABLE;
		return;
	}
	if (PW_LIKELY(kind == PW_LEAF)) {
		slot->kind = PW_SLOT_PAGE;
		lg2 = pw_leaf_lg2(f, r, level, shift, e);
		slot->pa = pw_leaf_page(f, r, level, lg2, e);
		slot->attr = pw_attr_settle(f->attr(f, r, level, e), PW_KEEP_ALL) &
			     ~(uint32_t)(PW_MEMTYPE_MASK | PW_CONTIGUOUS);
		/* Without Linux's own bits: a page that is there was accessed, a writable one is dirty. */
		if (f->linux_twin)
			slot->attr |= PW_ACCESSED | (slot->attr & PW_WRITE ? PW_DIRTY : 0u);
	} else {
		status = pw_hole_status(f, r, level, shift, e, &slot->pa, &lg2);
		if (status == PW_PROT_NONE) {
			slot->kind = PW_SLOT_PROT_NONE;
		} else if (pw_soft_is(f, r, level, e, status)) {
			const struct pw_soft_layout layout = f->soft(f, r, level);

			slot->kind = PW_SLOT_SOFT;
			pw_soft_read(&layout, e, &slot->soft);
			return;
		} else {
			return;
		}
	}
	slot->lg2 = (uint8_t)lg2;
	slot->pa += va & pw_mask(lg2) & ~pw_mask(shift);
}

/* As pw_slot_find; but stops at @lowest, whatever is there. */
PW_INLINE void pw_slot_descend(const struct pw_format *f, const struct pw_regime *r,
			       const struct pw_space *space, pw_va va, unsigned lowest,
			       struct pw_slot *slot)
{
	const struct pw_span *span = pw_span_find(r, va);
	unsigned char *table;
	unsigned level;

	PW_MUST_BE_CONSTANT(f->shift[0]);
	if (PW_UNLIKELY(!span)) {
		*slot = (struct pw_slot){ .kind = PW_SLOT_EMPTY, .lg2 = f->shift[0] };
		return;
	}
	level = pw_top(f, span);
	table = pw_table_host(space, span->table);
	for (;;) {
		/*
		 * Step invariant: @table is a table of @level and covers @va. Its address came from the span, or
		 * from a value that was loaded once. The entry that is read is the table's entry for @va.
		 */
		slot->at = pw_slot_at(f, table, level, va);
		slot->entry = pw_edit_load(f, slot->at);
		if (level <= lowest || f->kind(f, r, level, slot->entry) != PW_TABLE)
			break;
		table = pw_table_host(space, f->table(f, r, level, slot->entry));
		level--;
	}
	slot->level = (uint8_t)level;
}

/*
 * Finds the first place from *va to @last, which lie in @span, with anything to visit: a table of level 0, or an
 * entry of a higher level that is neither empty nor a table. *va becomes an address there, not before what it
 * was. False if there is none.
 */
PW_INLINE bool pw_slot_next_in(const struct pw_format *f, const struct pw_regime *r,
			       const struct pw_space *space, const struct pw_span *span, pw_va *va,
			       pw_va last, struct pw_slot_place *place)
{
	unsigned char *const root = pw_table_host(space, span->table);
	unsigned char *table = root;
	unsigned level = pw_top(f, span);

	*place = (struct pw_slot_place){ .level = 0, .table = root };
	for (;;) {
		unsigned char *at;
		enum pw_kind kind;
		pw_va end;
		uint64_t e;

		/*
		 * Step invariant: @table is a table of @level and covers *va. It is the root, or its address came
		 * from a value that was loaded once. All from the first *va up to here is empty.
		 */
		if (level == 0) {
			place->table = table;
			return true;
		}
		at = pw_slot_at(f, table, level, *va);
		e = pw_edit_load(f, at);
		kind = f->kind(f, r, level, e);
		if (kind == PW_TABLE) {
			*place = (struct pw_slot_place){ .level = 0, .at = at, .entry = e };
			table = pw_table_host(space, f->table(f, r, level, e));
			level--;
			continue;
		}
		if (kind == PW_LEAF || !pw_edit_empty(f, r, level, e)) {
			*place = (struct pw_slot_place){ .level = level, .at = at, .entry = e };
			return true;
		}
		end = *va | pw_mask(f->shift[level]);
		if (end >= last)
			return false;
		*va = end + 1;
		/* The table ends here. What covers *va now may not be its neighbour's parent: from the top again. */
		if (!(*va & pw_mask(f->shift[level] + f->bits[level]))) {
			table = root;
			level = pw_top(f, span);
		}
	}
}

PW_INLINE bool pw_slot_next(const struct pw_format *f, const struct pw_space *space, pw_va *va,
			    pw_va last, struct pw_slot_place *place)
{
	const struct pw_regime *r = pw_space_now(space);

	PW_MUST_BE_CONSTANT(f->shift[0]);
	for (unsigned i = 0; i < r->spans; i++) {
		const struct pw_span *span = &r->span[i];

		if (*va > span->last)
			continue;
		if (last < span->first)
			return false;
		if (*va < span->first)
			*va = span->first;
		if (pw_slot_next_in(f, r, space, span, va, pw_min(last, span->last), place))
			return true;
		if (last <= span->last)
			return false;
		*va = span->last + 1;
	}
	return false;
}

/* Visits the entries from @va to @last of the level-0 table at @table. Returns 0, or what a visit returned. */
PW_INLINE int pw_slot_base(const struct pw_format *f, struct pw_slot_visit *visit,
			   unsigned char *table, pw_va va, pw_va last,
			   void (*decode)(const struct pw_regime *r, pw_va va,
					  struct pw_slot *slot))
{
	const struct pw_regime *r = pw_space_now(visit->space);
	const uint64_t empty = f->make_empty(f, r, 0);
	const pw_va covered = pw_mask(f->shift[0]);
	unsigned char *at = pw_slot_at(f, table, 0, va);

	PW_MUST_BE_CONSTANT(f->shift[0]);
	va &= ~covered;
	for (;; at += pw_entry_bytes(f)) {
		/* Step invariant: @at is the table's entry for @va; all entries before it are done. */
		struct pw_slot slot = { .at = at, .entry = pw_edit_load(f, at), .level = 0 };

		if (slot.entry != empty) {
			int code;

			decode(r, va, &slot);
			code = pw_slot_visit_entry(visit, va, &slot);
			if (code)
				return code;
		}
		if ((va | covered) >= last)
			return 0;
		va += covered + 1;
	}
}

#endif
