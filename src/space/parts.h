/* SPDX-License-Identifier: MIT */
/*
 * Parts of operations: a new table behind an entry, a group that is broken up, the page behind an entry of a higher
 * level. All operations need them, and none needs them for every page that it edits. So they are functions of their own in
 * each format's editor (instance.h), once instead of fifteen times: compile time counts.
 */
#ifndef PW_SPACE_PARTS_H
#define PW_SPACE_PARTS_H

#include "space/edit.h"
#include "walk/instance.h"

/* ---- what the editor's functions do ---- */

/*
 * Puts a new table behind an entry of @level whose value is *e. The table is empty or, with @page, its
 * entries are the parts of that page. Returns 0, or -ENOMEM. *e becomes the new value of the entry, which
 * may come from another editor that was faster.
 */
PW_INLINE int pw_part_install(const struct pw_format *f, struct pw_edit *edit, unsigned level,
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
	for (uint32_t i = 0; !page && i <= pw_mask(f->bits[below]); i++)
		pw_edit_fill(f, host + i * bytes, f->make_empty(f, r, below));
	for (uint32_t i = 0; page && i <= pw_mask(f->bits[below]); i++)
		pw_edit_fill(
			f, host + i * bytes,
			pw_edit_part(f, r, below, page, page->pa + ((pw_pa)i << f->shift[below])));
	if (pw_mutant(PW_MUTANT_TABLE_STORE))
		*e = pw_edit_load(f, entry);
	if (pw_edit_swap(f, entry, e, table_entry))
		*e = table_entry;
	else
		pw_table_free(edit->space, below, table); /* no reader has seen it */
	return 0;
}

/*
 * Turns the entries of the contiguous group of 2^@lg2 bytes at @pa into single ones, before some of them change. Another
 * editor may be doing the same, and may be further along: an entry that no longer belongs to this group was
 * broken up already. By now it may be in a smaller group, which lies in that editor's range.
 */
PW_INLINE void pw_part_break(const struct pw_format *f, struct pw_edit *edit, unsigned level,
			     struct pw_place *place, pw_pa pa, unsigned lg2)
{
	const struct pw_regime *r = edit->regime;
	size_t bytes = pw_entry_bytes(f);
	unsigned group_lg2 = lg2 - f->shift[level];
	uint32_t first = pw_index(edit->va, f->shift[level], f->bits[level]) &
			 ~(uint32_t)pw_mask(group_lg2);

	pw_moment(PW_MOMENT_GROUP_FOUND);
	for (uint32_t i = 0; i <= pw_mask(group_lg2); i++) {
		unsigned char *entry = place->host + (first + i) * bytes;
		uint64_t e = pw_edit_load(f, entry);
		struct pw_edit_page own = pw_edit_page(f, r, level, e);

		if (own.present && own.lg2 > f->shift[level] &&
		    ((own.lg2 == lg2 && own.pa == pa) || pw_mutant(PW_MUTANT_BREAK_OTHERS)))
			pw_edit_swap(f, entry, &e,
				     pw_edit_part(f, r, level, &own,
						  own.pa + ((pw_pa)i << f->shift[level])));
	}
}

/* ---- calls of them: what they point to are copies, so that the originals can stay in registers ---- */

/* As pw_edit_page. */
PW_INLINE struct pw_edit_page pw_edit_page_of(const struct pw_format *f, const struct pw_regime *r,
					      unsigned level, uint64_t e)
{
	struct pw_edit_page page;

	f->instance->editor->page(r, level, e, &page);
	return page;
}

/* As pw_part_install. */
PW_INLINE int pw_edit_install(const struct pw_format *f, struct pw_edit *edit, unsigned level,
			      unsigned char *entry, uint64_t *e, const struct pw_edit_page *page)
{
	const struct pw_edit_page copy = page ? *page : (struct pw_edit_page){ 0 };
	uint64_t value = *e;
	int error = f->instance->editor->install(edit, level, entry, &value, page ? &copy : NULL);

	*e = value;
	return error;
}

/* As pw_part_break, for the group of @page. */
PW_INLINE void pw_edit_break(const struct pw_format *f, struct pw_edit *edit, unsigned level,
			     struct pw_place *place, const struct pw_edit_page *page)
{
	f->instance->editor->ungroup(edit, level, place, page->pa, page->lg2);
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
		*page = pw_edit_page_of(f, edit->regime, level, *e);
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
