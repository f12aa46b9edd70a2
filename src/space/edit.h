/* SPDX-License-Identifier: MIT */
/*
 * Editing page tables: what all operations share. parts.h has their common parts, operations.h the operations
 * themselves; editor.h has the walk that brings them from entry to entry.
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

#endif
