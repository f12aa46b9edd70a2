/* SPDX-License-Identifier: MIT */
/*
 * Editing page tables: the parts that all operations share. operations.h has the operations themselves;
 * editor.h has the walk that brings them from entry to entry.
 *
 * The rules for writing: operations on disjoint ranges run at the same time and take no lock. An entry that
 * belongs to one range alone is written by a plain store. An entry that covers more than one range may only
 * become a table (an empty entry gets one, or a leaf is split into one), and only by compare-and-swap; the
 * loser adopts the winner's table. A table is taken out only by an operation whose range covers all of it,
 * so no other editor is in it. Readers may be; so it goes to the gather (space.h), and not straight back
 * to the arena.
 *
 * The editor builds tables of the format's full geometry, each exactly one level below the entry that leads
 * to it. Other things that a format can express (table lengths, skipped levels) are for readers only.
 */
#ifndef PW_SPACE_EDIT_H
#define PW_SPACE_EDIT_H

#include "access/publish.h"
#include "base/mutant.h"
#include "space/space.h"
#include "walk/step.h"

/* A table on the way down. */
struct pw_place {
	unsigned char *host;
	pw_pa table;
	pw_va last; /* the last address of the asked range that the table covers */
	bool retired; /* taken out: gathered when the operation leaves it */
	uint64_t bytes; /* collapse: edit->bytes when the operation came here */
};

enum { PW_EDIT_NEXT = 0, PW_EDIT_DOWN = 1 }; /* or a negative errno */

/* ---- entries ---- */

PW_INLINE uint64_t pw_edit_load(const struct pw_format *f, const unsigned char *entry)
{
	return pw_publish_load(entry, f->entry_lg2, f->big_endian);
}

PW_INLINE void pw_edit_store(const struct pw_format *f, unsigned char *entry, uint64_t value)
{
	pw_publish_store(entry, value, f->entry_lg2, f->big_endian);
}

PW_INLINE void pw_edit_fill(const struct pw_format *f, unsigned char *entry, uint64_t value)
{
	pw_publish_fill(entry, value, f->entry_lg2, f->big_endian);
}

PW_INLINE bool pw_edit_swap(const struct pw_format *f, unsigned char *entry, uint64_t *expected,
			    uint64_t value)
{
	return pw_publish_swap(entry, expected, value, f->entry_lg2, f->big_endian);
}

PW_INLINE unsigned char *pw_edit_entry(const struct pw_format *f, const struct pw_place *place,
				       unsigned level, pw_va va)
{
	return place->host +
	       ((size_t)pw_index(va, f->shift[level], f->bits[level]) << f->entry_lg2);
}

PW_INLINE bool pw_edit_empty(const struct pw_format *f, const struct pw_regime *r, unsigned level,
			     uint64_t e)
{
	pw_pa page = 0;

	if (PW_LIKELY(e == f->make_empty(f, r, level)))
		return true;
	return f->kind(f, r, level, e) == PW_HOLE && f->hole(f, r, level, e, &page) == PW_NONE;
}

/* The page behind an entry: a leaf's, or that of a PROT_NONE entry. */
struct pw_edit_page {
	pw_pa pa;
	unsigned lg2; /* log2 of its size; in a group, of the group's */
	uint32_t attr; /* in the form that make_leaf() takes */
	bool present, prot_none;
};

PW_INLINE struct pw_edit_page pw_edit_page(const struct pw_format *f, const struct pw_regime *r,
					   unsigned level, uint64_t e)
{
	struct pw_edit_page page = { 0 };
	enum pw_kind kind = f->kind(f, r, level, e);

	if (kind == PW_LEAF) {
		page.present = true;
		page.lg2 = pw_leaf_lg2(f, r, level, f->shift[level], e);
		page.pa = pw_leaf_page(f, r, level, page.lg2, e);
		page.attr = pw_attr_settle(f->attr(f, r, level, e), PW_KEEP_ALL) &
			    ~(uint32_t)(PW_MEMTYPE_MASK | PW_CONTIGUOUS);
		/* Without Linux's own bits: a page that is there was accessed, a writable one is dirty. */
		if (f->linux_twin)
			page.attr |= PW_ACCESSED | (page.attr & PW_WRITE ? PW_DIRTY : 0u);
	} else if (kind == PW_HOLE && pw_hole_status(f, r, level, f->shift[level], e, &page.pa,
						     &page.lg2) == PW_PROT_NONE) {
		page.present = page.prot_none = true;
	}
	return page;
}

/* The entry for the part of @page that begins at @pa and has @level's size, not as part of a group. */
PW_INLINE uint64_t pw_edit_part(const struct pw_format *f, const struct pw_regime *r,
				unsigned level, const struct pw_edit_page *page, pw_pa pa)
{
	return page->prot_none ? f->make_prot_none(f, r, level, pa)
			       : f->make_leaf(f, r, level, pa, page->attr);
}

/*
 * To be called after stores that take pages or permissions away, and before the caller learns of them: from
 * here on, a look at the pins of such a page sees every pin that will be kept. Partner: the loads after the
 * grab in pin/fast.h.
 */
PW_INLINE void pw_edit_settle(void)
{
	if (!pw_mutant(PW_MUTANT_NO_SETTLE))
		pw_publish_settle();
}

/* ---- parts of operations ---- */

/*
 * Puts a new table behind an entry of @level whose value is *e. The table is empty or, with @page, its
 * entries are the parts of that page. Returns 0, or -ENOMEM. *e becomes the new value of the entry, which
 * may come from another editor that was faster.
 */
PW_INLINE int pw_edit_install(const struct pw_format *f, struct pw_edit *edit, unsigned level,
			      unsigned char *entry, uint64_t *e, const struct pw_edit_page *page)
{
	const struct pw_regime *r = edit->regime;
	unsigned below = level - 1;
	size_t bytes = pw_entry_bytes(f);
	uint64_t table_entry;
	unsigned char *host;
	pw_pa table;

	if (pw_table_alloc(edit->space, below, &table) != 0)
		return -ENOMEM;
	host = pw_table_host(edit->space, table);
	table_entry = f->make_table(f, r, level, table);
	if (pw_mutant(PW_MUTANT_PUBLISH_EMPTY)) {
		pw_edit_store(f, entry, table_entry);
		*e = table_entry;
	}
	pw_moment(PW_MOMENT_TABLE_NEW);
	for (uint32_t i = 0; i <= pw_mask(f->bits[below]); i++) {
		uint64_t part = f->make_empty(f, r, below);

		if (page)
			part = pw_edit_part(f, r, below, page,
					    page->pa + ((pw_pa)i << f->shift[below]));
		pw_edit_fill(f, host + i * bytes, part);
	}
	if (pw_mutant(PW_MUTANT_TABLE_STORE))
		*e = pw_edit_load(f, entry);
	if (pw_edit_swap(f, entry, e, table_entry))
		*e = table_entry;
	else
		pw_table_free(edit->space, below, table); /* no reader has seen it */
	return 0;
}

/*
 * Turns the entries of the contiguous group of @page into single ones, before some of them change. Another
 * editor may be doing the same, and may be further along: an entry that no longer belongs to this group was
 * broken up already. By now it may be in a smaller group, which lies in that editor's range.
 */
PW_INLINE void pw_edit_break(const struct pw_format *f, struct pw_edit *edit, unsigned level,
			     struct pw_place *place, const struct pw_edit_page *page)
{
	const struct pw_regime *r = edit->regime;
	size_t bytes = pw_entry_bytes(f);
	unsigned group_lg2 = page->lg2 - f->shift[level];
	uint32_t first = pw_index(edit->va, f->shift[level], f->bits[level]) &
			 ~(uint32_t)pw_mask(group_lg2);

	pw_moment(PW_MOMENT_GROUP_FOUND);
	for (uint32_t i = 0; i <= pw_mask(group_lg2); i++) {
		unsigned char *entry = place->host + (first + i) * bytes;
		uint64_t e = pw_edit_load(f, entry);
		struct pw_edit_page own = pw_edit_page(f, r, level, e);

		if (own.present && own.lg2 > f->shift[level] &&
		    ((own.lg2 == page->lg2 && own.pa == page->pa) ||
		     pw_mutant(PW_MUTANT_BREAK_OTHERS)))
			pw_edit_swap(f, entry, &e,
				     pw_edit_part(f, r, level, &own,
						  own.pa + ((pw_pa)i << f->shift[level])));
	}
}

/*
 * Is all of @page, which is behind an entry of @level, in the range? If it is a group that lies only partly
 * in the range, the group is broken up; *e and *page are then updated to what is here now: a page, or a
 * table.
 */
PW_INLINE bool pw_edit_whole(const struct pw_format *f, struct pw_edit *edit, unsigned level,
			     struct pw_place *place, uint64_t *e, struct pw_edit_page *page)
{
	pw_va first = edit->va & ~pw_mask(page->lg2), last = edit->va | pw_mask(page->lg2);

	if (page->lg2 > f->shift[level] && (first < edit->first || last > edit->last) &&
	    !pw_mutant(PW_MUTANT_BREAK_PART)) {
		pw_edit_break(f, edit, level, place, page);
		*e = pw_edit_load(f, pw_edit_entry(f, place, level, edit->va));
		*page = pw_edit_page(f, edit->regime, level, *e);
		/*
		 * Another editor may have broken the group up first, and put a table in place of the entry
		 * that both share. It is no longer a page then: the caller has to go down into the table.
		 */
		if (!page->present && !pw_mutant(PW_MUTANT_BREAK_TABLE))
			return false;
		first = edit->va & ~pw_mask(page->lg2);
		last = edit->va | pw_mask(page->lg2);
	}
	return first >= edit->first && last <= edit->last;
}

#endif
