/* SPDX-License-Identifier: MIT */
/*
 * The operations on page tables: map, unmap, protect, split, collapse. The functions here do one entry, or
 * the entries of one table; editor.h walks from entry to entry.
 *
 * To add one: write its functions here, a case for each in editor.h, a line in instance.h and in struct
 * pw_editor, and the public function in space.c.
 */
#ifndef PW_SPACE_OPERATIONS_H
#define PW_SPACE_OPERATIONS_H

#include "space/parts.h"

/* ---- map ---- */

/*
 * log2 of the number of entries of the largest group that can begin at this entry and does not reach beyond
 * @last; 0 if there is none.
 */
PW_INLINE unsigned pw_map_group(const struct pw_format *f, const struct pw_edit *edit,
				unsigned level, pw_va va, pw_pa pa, pw_va last)
{
	uint32_t sizes = f->groups[level];

	while (sizes) {
		unsigned group_lg2 = 31u - (unsigned)__builtin_clz(sizes);
		pw_va reach = pw_mask(f->shift[level] + group_lg2);

		if (!((va | pa) & reach) && last - va >= reach &&
		    f->shift[level] + group_lg2 <= edit->size_lg2)
			return group_lg2;
		sizes &= ~(UINT32_C(1) << group_lg2);
	}
	return 0;
}

/* Are these 2^group_lg2 entries empty? */
PW_INLINE bool pw_map_room(const struct pw_format *f, const struct pw_regime *r, unsigned level,
			   const unsigned char *entry, unsigned group_lg2)
{
	for (uint32_t i = 0; i <= pw_mask(group_lg2); i++)
		if (!pw_edit_empty(f, r, level, pw_edit_load(f, entry + i * pw_entry_bytes(f))))
			return false;
	return true;
}

/*
 * Stores leaves from edit->va on, in one table, as groups where they fit, up to the last one that lies in the
 * table and in the range as a whole. Stops at an entry that is not empty. Returns how many entries it stored;
 * edit->va and edit->pa are then behind them.
 */
PW_INLINE uint64_t pw_map_leaves(const struct pw_format *f, struct pw_edit *edit, unsigned level,
				 struct pw_place *place)
{
	const struct pw_regime *r = edit->regime;
	const unsigned shift = f->shift[level];
	const size_t bytes = pw_entry_bytes(f);
	unsigned char *entry = pw_edit_entry(f, place, level, edit->va);
	const uint64_t all = ((place->last - edit->va) >> shift) +
			     ((place->last & pw_mask(shift)) == pw_mask(shift));
	const uint32_t attr = edit->attr;
	uint64_t left = all;
	pw_va va = edit->va;
	pw_pa pa = edit->pa;

	while (left > 0) {
		unsigned group_lg2 = f->groups[level]
					     ? pw_map_group(f, edit, level, va, pa, place->last)
					     : 0;
		uint32_t members;

		if (PW_UNLIKELY(group_lg2 > 0 && !pw_map_room(f, r, level, entry, group_lg2)))
			group_lg2 = 0;
		if (PW_UNLIKELY(group_lg2 == 0 && !pw_map_room(f, r, level, entry, 0)))
			break;
		members = UINT32_C(1) << group_lg2;
		if (group_lg2 == 0)
			pw_edit_store(f, entry, f->make_leaf(f, r, level, pa, attr));
		else
			for (uint32_t i = 0; i < members; i++)
				pw_edit_store(f, entry + i * bytes,
					      f->join(f, r, level,
						      f->make_leaf(f, r, level,
								   pa + ((pw_pa)i << shift), attr),
						      group_lg2));
		entry += members * bytes;
		va += (pw_va)members << shift;
		pa += (pw_pa)members << shift;
		left -= members;
	}
	edit->va = va;
	edit->pa = pa;
	return all - left;
}

/* Maps all entries of a level-0 table that the range covers. Returns PW_EDIT_NEXT, or -EEXIST. */
PW_INLINE int pw_map_base(const struct pw_format *f, struct pw_edit *edit, struct pw_place *place)
{
	const uint64_t all = ((place->last - edit->va) >> f->shift[0]) + 1;

	return PW_LIKELY(pw_map_leaves(f, edit, 0, place) == all) ? PW_EDIT_NEXT : -EEXIST;
}

PW_INLINE int pw_map_upper(const struct pw_format *f, struct pw_edit *edit, unsigned level,
			   struct pw_place *place, uint64_t e, pw_pa *below)
{
	const struct pw_regime *r = edit->regime;
	const pw_va reach = pw_mask(f->shift[level]);
	unsigned char *entry = pw_edit_entry(f, place, level, edit->va);

	if ((f->leaf_levels >> level & 1) && f->shift[level] <= edit->size_lg2 &&
	    !((edit->va | edit->pa) & reach) && place->last - edit->va >= reach) {
		/* Most large leaves are of level 1. Its loop has a constant level, as that of level 0. */
		if (pw_edit_empty(f, r, level, e) &&
		    (level == 1 ? pw_map_leaves(f, edit, 1, place)
				: pw_map_leaves(f, edit, level, place))) {
			edit->va--; /* in the last entry that is done */
			return PW_EDIT_NEXT;
		}
		if (f->kind(f, r, level, e) == PW_TABLE &&
		    pw_table_unused(edit->space, r, level - 1, f->table(f, r, level, e))) {
			pw_edit_store(f, entry, f->make_leaf(f, r, level, edit->pa, edit->attr));
			pw_gather_tree(edit->space, r, level - 1, f->table(f, r, level, e));
			edit->pa += reach + 1;
			return PW_EDIT_NEXT;
		}
	}
	if (pw_edit_empty(f, r, level, e) && pw_edit_install(f, edit, level, entry, &e, NULL))
		return -ENOMEM;
	if (f->kind(f, r, level, e) != PW_TABLE)
		return -EEXIST;
	*below = f->table(f, r, level, e);
	return PW_EDIT_DOWN;
}

/* ---- unmap ---- */

/* Records that the page at first..last is gone. The caller is told of neighbouring pages in one call. */
PW_INLINE void pw_unmap_note(struct pw_edit *edit, pw_va first, pw_va last, pw_pa pa)
{
	if (!edit->unmapped)
		return;
	if (edit->run.open && edit->run.last + 1 == first &&
	    edit->run.pa + (first - edit->run.first) == pa) {
		edit->run.last = last;
		return;
	}
	pw_edit_flush(edit);
	edit->run.first = first;
	edit->run.last = last;
	edit->run.pa = pa;
	edit->run.open = true;
}

/*
 * Empties an entry of @place, even if that table was taken out: a pin under way loads the leaf and the
 * entry above it again, and nothing higher.
 */
PW_INLINE void pw_unmap_empty(const struct pw_format *f, const struct pw_regime *r, unsigned level,
			      const struct pw_place *place, unsigned char *entry)
{
	if (!place->retired || !pw_mutant(PW_MUTANT_KEEP_ENTRIES))
		pw_edit_store(f, entry, f->make_empty(f, r, level));
}

/* Empties an entry of @place that is neither empty nor a table; @page is the page behind it, if any. */
PW_INLINE void pw_unmap_entry(const struct pw_format *f, struct pw_edit *edit, unsigned level,
			      const struct pw_place *place, unsigned char *entry,
			      const struct pw_edit_page *page)
{
	pw_va covered = pw_mask(f->shift[level]);

	pw_unmap_empty(f, edit->regime, level, place, entry);
	if (page->present)
		pw_unmap_note(edit, edit->va & ~covered, edit->va | covered,
			      page->pa + (edit->va & ~covered & pw_mask(page->lg2)));
}

/* Breaks up the group of the entry for @va, if the group reaches beyond the range. */
PW_INLINE void pw_unmap_end(const struct pw_format *f, struct pw_edit *edit, struct pw_place *place,
			    pw_va va)
{
	uint64_t e = pw_edit_load(f, pw_edit_entry(f, place, 0, va));
	struct pw_edit_page page = pw_edit_page(f, edit->regime, 0, e);

	edit->va = va;
	if (page.present && page.lg2 > f->shift[0])
		pw_edit_whole(f, edit, 0, place, &e, &page);
}

/*
 * Empties the leaves from @entry on that are like @leaf, which is not part of a group: at most @all. Returns
 * how many it emptied.
 */
PW_INLINE size_t pw_unmap_alike(const struct pw_format *f, const struct pw_regime *r,
				unsigned level, const struct pw_place *place, unsigned char *entry,
				size_t all, uint64_t leaf)
{
	size_t n = 0;

	for (; n < all; n++, entry += pw_entry_bytes(f)) {
		if (!pw_leaf_alike(f, level, pw_edit_load(f, entry), leaf))
			break;
		pw_unmap_empty(f, r, level, place, entry);
	}
	return n;
}

/*
 * Empties leaves of one table, from @entry, which is edit->va's, up to the last one that lies in the table and
 * in the range as a whole. Stops at a table, a hole, and a group that reaches beyond the range, unless @any of
 * them may be emptied. edit->va is then that entry's, or behind the last one. It is the first address of an
 * entry.
 */
PW_INLINE void pw_unmap_leaves(const struct pw_format *f, struct pw_edit *edit, unsigned level,
			       const struct pw_place *place, unsigned char *entry, bool any)
{
	const struct pw_regime *r = edit->regime;
	const unsigned shift = f->shift[level];
	const size_t bytes = pw_entry_bytes(f);
	const uint64_t empty = f->make_empty(f, r, level);
	const size_t all = (size_t)((place->last - edit->va + 1) >> shift);
	const pw_va from = edit->va;
	size_t n = 0;

	while (n < all) {
		uint64_t e = pw_edit_load(f, entry + n * bytes);
		pw_va va = from + ((pw_va)n << shift);
		unsigned lg2 = shift;

		/* An empty entry is not written: its cache line stays clean, and shared. */
		if (e == empty) {
			n++;
			continue;
		}
		if (!any) {
			if (f->kind(f, r, level, e) != PW_LEAF)
				break;
			lg2 = pw_leaf_lg2(f, r, level, shift, e);
			if (lg2 != shift && ((va & ~pw_mask(lg2)) < edit->first ||
					     (va | pw_mask(lg2)) > edit->last))
				break;
		}
		pw_unmap_empty(f, r, level, place, entry + n++ * bytes);
		if (!any && edit->unmapped)
			pw_unmap_note(edit, va, va | pw_mask(shift),
				      pw_leaf_page(f, r, level, lg2, e) + (va & pw_mask(lg2)));
		else if (!any && lg2 == shift)
			n += pw_unmap_alike(f, r, level, place, entry + n * bytes, all - n, e);
	}
	edit->va = from + ((pw_va)n << shift);
}

/*
 * Empties the entries of a level-0 table when the caller wants no report. Then entries need not be decoded:
 * only groups at the ends of the range matter.
 */
PW_INLINE int pw_unmap_silent(const struct pw_format *f, struct pw_edit *edit,
			      struct pw_place *place)
{
	const pw_va first = edit->va;

	if (f->groups[0]) {
		pw_unmap_end(f, edit, place, first);
		if (!pw_mutant(PW_MUTANT_BREAK_LEFT_END))
			pw_unmap_end(f, edit, place, place->last);
		edit->va = first;
	}
	pw_unmap_leaves(f, edit, 0, place, pw_edit_entry(f, place, 0, first), true);
	return PW_EDIT_NEXT;
}

PW_INLINE int pw_unmap_base(const struct pw_format *f, struct pw_edit *edit, struct pw_place *place)
{
	const struct pw_regime *r = edit->regime;
	unsigned char *entry = pw_edit_entry(f, place, 0, edit->va);
	const pw_va covered = pw_mask(f->shift[0]);

	if (!edit->unmapped)
		return pw_unmap_silent(f, edit, place);
	for (;; entry += pw_entry_bytes(f)) {
		uint64_t e = pw_edit_load(f, entry);

		if (!pw_edit_empty(f, r, 0, e)) {
			struct pw_edit_page page = pw_edit_page(f, r, 0, e);

			if (page.present && page.lg2 > f->shift[0])
				pw_edit_whole(f, edit, 0, place, &e, &page);
			pw_unmap_entry(f, edit, 0, place, entry, &page);
		}
		if ((edit->va | covered) == place->last)
			return PW_EDIT_NEXT;
		edit->va = (edit->va | covered) + 1;
	}
}

/*
 * Looks at an entry of a higher level that is not empty. Returns PW_EDIT_DOWN if it is a table, or a page
 * that does not lie in the range as a whole and was split into a table. Returns PW_EDIT_NEXT, with *whole
 * set, if it is a page that lies in the range, or no page at all: then there is nothing to go down into.
 * Or -ENOMEM.
 */
PW_INLINE int pw_edit_open(const struct pw_format *f, struct pw_edit *edit, unsigned level,
			   struct pw_place *place, unsigned char *entry, uint64_t *e,
			   struct pw_edit_page *page, bool *whole)
{
	const struct pw_regime *r = edit->regime;

	*whole = false;
	while (f->kind(f, r, level, *e) != PW_TABLE) {
		*page = pw_edit_page_of(f, r, level, *e);
		if (!page->present) {
			*whole = true;
			return PW_EDIT_NEXT;
		}
		if (pw_edit_whole(f, edit, level, place, e, page)) {
			*whole = true;
			return PW_EDIT_NEXT;
		}
		if (f->kind(f, r, level, *e) == PW_TABLE || pw_edit_empty(f, r, level, *e))
			continue;
		if (pw_edit_install(f, edit, level, entry, e, page))
			return -ENOMEM;
	}
	return PW_EDIT_DOWN;
}

PW_INLINE int pw_unmap_upper(const struct pw_format *f, struct pw_edit *edit, unsigned level,
			     struct pw_place *place, uint64_t e, pw_pa *below, bool *retired)
{
	const struct pw_regime *r = edit->regime;
	const pw_va covered = pw_mask(f->shift[level]);
	unsigned char *entry = pw_edit_entry(f, place, level, edit->va);
	struct pw_edit_page page;
	bool whole;
	int what;

	if (pw_edit_empty(f, r, level, e))
		return PW_EDIT_NEXT;
	what = pw_edit_open(f, edit, level, place, entry, &e, &page, &whole);
	if (what == PW_EDIT_DOWN) {
		*below = f->table(f, r, level, e);
		/*
		 * A table that the range covers is first taken out, then emptied: from here on no reader
		 * comes in. Readers that are in it see its entries disappear.
		 */
		*retired = (edit->va & ~covered) >= edit->first &&
			   (edit->va | covered) <= edit->last;
		if (*retired)
			pw_unmap_empty(f, r, level, place, entry);
	} else if (what == PW_EDIT_NEXT && whole) {
		pw_unmap_entry(f, edit, level, place, entry, &page);
		edit->va = (edit->va | covered) + 1; /* wraps behind the last entry of all */
		if (level == 1)
			pw_unmap_leaves(f, edit, 1, place, entry + pw_entry_bytes(f), false);
		else
			pw_unmap_leaves(f, edit, level, place, entry + pw_entry_bytes(f), false);
		edit->va--; /* in the last entry that is done */
	}
	return what;
}

/* ---- protect ---- */

/* Gives the page behind one entry its new permissions. Returns the new value of the entry. */
PW_INLINE uint64_t pw_protect_entry(const struct pw_format *f, struct pw_edit *edit, unsigned level,
				    unsigned char *entry, uint64_t e,
				    const struct pw_edit_page *page)
{
	const struct pw_regime *r = edit->regime;
	pw_pa pa = page->pa + (edit->va & ~pw_mask(f->shift[level]) & pw_mask(page->lg2));
	uint32_t attr = edit->attr | (page->attr & ~(uint32_t)PW_PROT_MASK);

	if (edit->prot_none)
		e = f->make_prot_none(f, r, level, pa);
	else if (page->prot_none)
		e = f->make_leaf(f, r, level, pa, attr);
	else
		e = f->change_attr(f, r, level, e, attr);
	pw_edit_store(f, entry, e);
	return e;
}

/*
 * Gives the page behind edit->va's entry its new permissions, and then the leaves behind it in the table, as
 * long as they are alike and in the range as a whole. edit->va moves to the last of them. Leaves that are
 * alike change alike, because change_attr() does not touch the page's address; so the changed bits of the
 * first one are reused for the others. Returns the place of the last entry that is done.
 */
PW_INLINE unsigned char *pw_protect_leaves(const struct pw_format *f, struct pw_edit *edit,
					   unsigned level, const struct pw_place *place,
					   unsigned char *entry, uint64_t was,
					   const struct pw_edit_page *page)
{
	const struct pw_regime *r = edit->regime;
	const unsigned shift = f->shift[level];
	const size_t bytes = pw_entry_bytes(f);
	const uint64_t became = pw_protect_entry(f, edit, level, entry, was, page);
	const unsigned char *const first = entry;
	const unsigned char *last = first;

	if (page->lg2 == shift && f->kind(f, r, level, was) == PW_LEAF &&
	    f->kind(f, r, level, became) == PW_LEAF)
		last += (size_t)((place->last - (edit->va | pw_mask(shift))) >> shift) * bytes;
	while (entry != last) {
		uint64_t e = pw_edit_load(f, entry + bytes);

		if (!pw_leaf_alike(f, level, e, was))
			break;
		entry += bytes;
		pw_edit_store(f, entry, e ^ was ^ became);
	}
	edit->va += (pw_va)((size_t)(entry - first) >> f->entry_lg2) << shift;
	return entry;
}

PW_INLINE int pw_protect_base(const struct pw_format *f, struct pw_edit *edit,
			      struct pw_place *place)
{
	unsigned char *entry = pw_edit_entry(f, place, 0, edit->va);
	const pw_va covered = pw_mask(f->shift[0]);

	for (;; entry += pw_entry_bytes(f)) {
		uint64_t e = pw_edit_load(f, entry);
		struct pw_edit_page page = pw_edit_page(f, edit->regime, 0, e);

		if (page.present && page.lg2 > f->shift[0])
			pw_edit_whole(f, edit, 0, place, &e, &page);
		if (page.present)
			entry = pw_protect_leaves(f, edit, 0, place, entry, e, &page);
		if ((edit->va | covered) == place->last)
			return PW_EDIT_NEXT;
		edit->va = (edit->va | covered) + 1;
	}
}

/*
 * Splits a page on a level of the format that does not know PROT_NONE, as Linux does. Returns 0, or -ENOMEM;
 * *e becomes the new value of the entry.
 */
PW_INLINE int pw_protect_make_fit(const struct pw_format *f, struct pw_edit *edit, unsigned level,
				  struct pw_place *place, unsigned char *entry, uint64_t *e)
{
	const struct pw_regime *r = edit->regime;
	struct pw_edit_page page = pw_edit_page_of(f, r, level, *e);
	pw_pa pa = 0;

	if (!page.present || page.prot_none ||
	    f->hole(f, r, level, f->make_prot_none(f, r, level, page.pa), &pa) == PW_PROT_NONE)
		return 0;
	if (page.lg2 > f->shift[level]) {
		pw_edit_break(f, edit, level, place, &page);
		*e = pw_edit_load(f, entry);
		page = pw_edit_page_of(f, r, level, *e);
	}
	return page.present ? pw_edit_install(f, edit, level, entry, e, &page) : 0;
}

PW_INLINE int pw_protect_upper(const struct pw_format *f, struct pw_edit *edit, unsigned level,
			       struct pw_place *place, uint64_t e, pw_pa *below)
{
	unsigned char *entry = pw_edit_entry(f, place, level, edit->va);
	struct pw_edit_page page;
	bool whole;
	int what;

	if (pw_edit_empty(f, edit->regime, level, e))
		return PW_EDIT_NEXT;
	if (edit->prot_none && pw_protect_make_fit(f, edit, level, place, entry, &e))
		return -ENOMEM;
	what = pw_edit_open(f, edit, level, place, entry, &e, &page, &whole);
	if (what == PW_EDIT_DOWN)
		*below = f->table(f, edit->regime, level, e);
	else if (what == PW_EDIT_NEXT && whole && page.present)
		pw_protect_leaves(f, edit, level, place, entry, e, &page);
	return what;
}

/* ---- split ---- */

/* Breaks up the group of @page if it is larger than edit->size_lg2. */
PW_INLINE void pw_split_group(const struct pw_format *f, struct pw_edit *edit, unsigned level,
			      struct pw_place *place, const struct pw_edit_page *page)
{
	if (page->present && page->lg2 > f->shift[level] && page->lg2 > edit->size_lg2)
		pw_edit_break(f, edit, level, place, page);
}

PW_INLINE int pw_split_base(const struct pw_format *f, struct pw_edit *edit, struct pw_place *place)
{
	const pw_va covered = pw_mask(f->shift[0]);
	unsigned char *entry = pw_edit_entry(f, place, 0, edit->va);

	for (; f->groups[0]; entry += pw_entry_bytes(f)) {
		struct pw_edit_page page = pw_edit_page(f, edit->regime, 0, pw_edit_load(f, entry));

		pw_split_group(f, edit, 0, place, &page);
		if ((edit->va | covered) == place->last)
			break;
		edit->va = (edit->va | covered) + 1;
	}
	return PW_EDIT_NEXT;
}

PW_INLINE int pw_split_upper(const struct pw_format *f, struct pw_edit *edit, unsigned level,
			     struct pw_place *place, uint64_t e, pw_pa *below)
{
	const struct pw_regime *r = edit->regime;
	unsigned char *entry = pw_edit_entry(f, place, level, edit->va);

	while (f->kind(f, r, level, e) != PW_TABLE) {
		struct pw_edit_page page = pw_edit_page_of(f, r, level, e);

		if (!page.present || page.lg2 <= edit->size_lg2)
			return PW_EDIT_NEXT;
		if (page.lg2 > f->shift[level]) {
			pw_edit_break(f, edit, level, place, &page);
			e = pw_edit_load(f, entry);
		} else if (pw_edit_install(f, edit, level, entry, &e, &page)) {
			return -ENOMEM;
		}
	}
	*below = f->table(f, r, level, e);
	return PW_EDIT_DOWN;
}

/* ---- collapse ---- */

PW_INLINE int pw_collapse_upper(const struct pw_format *f, struct pw_edit *edit, unsigned level,
				uint64_t e, pw_pa *below)
{
	if (f->kind(f, edit->regime, level, e) != PW_TABLE)
		return PW_EDIT_NEXT;
	*below = f->table(f, edit->regime, level, e);
	return PW_EDIT_DOWN;
}

/*
 * To be called when the table @below is done: if its entries are the parts of one page, a leaf takes its
 * place. Readers that are in the table still find these parts, and then see that the entry above has
 * changed. Leaves of this level may lack a bit for special pages: special pages then stay as they are.
 */
PW_INLINE void pw_collapse_leave(const struct pw_format *f, struct pw_edit *edit, unsigned level,
				 unsigned char *entry, const struct pw_place *below)
{
	const struct pw_regime *r = edit->regime;
	const pw_va covered = pw_mask(f->shift[level]);
	const uint32_t history = PW_ACCESSED | PW_DIRTY;
	struct pw_edit_page all = { 0 };
	uint64_t leaf;

	if (!(f->leaf_levels >> level & 1) || f->shift[level] > edit->size_lg2 ||
	    (below->last & ~covered) < edit->first || (below->last | covered) != below->last)
		return;
	for (uint32_t i = 0; i <= pw_mask(f->bits[level - 1]); i++) {
		uint64_t e = pw_edit_load(f, below->host + i * pw_entry_bytes(f));
		struct pw_edit_page page = pw_edit_page(f, r, level - 1, e);
		pw_pa offset = (pw_pa)i << f->shift[level - 1];

		page.pa += offset & pw_mask(page.lg2);
		if (i == 0)
			all = page;
		if (!page.present || page.prot_none || page.pa != all.pa + offset ||
		    ((page.attr ^ all.attr) & ~history))
			return;
		all.attr |= page.attr & history;
	}
	if (all.pa & covered)
		return;
	leaf = f->make_leaf(f, r, level, all.pa, all.attr);
	if ((f->attr(f, r, level, leaf) ^ all.attr) & PW_SPECIAL)
		return;
	pw_edit_store(f, entry, leaf);
	pw_gather_add(edit->space, level - 1, below->table);
	/* Counts these bytes once, even if tables further below were collapsed just before. */
	edit->bytes = below->bytes + covered + 1;
}

#endif
