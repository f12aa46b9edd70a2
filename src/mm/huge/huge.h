/* SPDX-License-Identifier: MIT */
/*
 * Huge pages of anonymous and shared memory: made by faults (huge.c), by putting small pages together
 * (collapse.c), and taken apart again (split.c).
 *
 * A huge folio may be mapped by one leaf of a higher level, by a group of leaves, or by single leaves; of each
 * page, the entry that maps it says which. The counts of a folio are the same in all three cases (mm.h).
 */
#ifndef PW_MM_HUGE_H
#define PW_MM_HUGE_H

#include "mm/mm.h"

/* ---- huge.c ---- */

/*
 * The highest level at which anonymous faults make leaves: an arena can give such a folio, and one is not too
 * large a share of @bytes of memory. 0: none.
 */
unsigned pw_huge_top(const struct pw_format *format, uint64_t bytes);

/* Is @frame of the huge zero page? Its entries have no references, and count for nobody's rss. */
bool pw_huge_is_zero(const struct pw_machine *machine, uint32_t frame);

/* May this VMA get huge pages by itself? @advised: somebody asks for it (MADV_COLLAPSE), whatever the options. */
bool pw_huge_allowed(const struct pw_vma *vma, bool advised);
/* Is there memory for a folio of 2^@lg2 bytes without taking it from others? */
bool pw_huge_plenty(const struct pw_machine *machine, unsigned lg2);
/*
 * Maps 2^@lg2 bytes of a folio, from @frame on, by level 0 at @start: by groups of leaves where the format has them.
 * @start is aligned to 2^@lg2. Returns how many pages it mapped: none, if something is there. Table lock.
 */
uint32_t pw_huge_map_small(const struct pw_vma *vma, pw_va start, unsigned lg2, uint32_t frame,
			   uint32_t extra);
/* The lowest level above 0 that has leaves of one size in this mm's format; 0: none. */
unsigned pw_huge_lowest(const struct pw_mm *mm);

/* ---- split.c ---- */

/*
 * Makes leaves that are larger than a base page, and that cover @va, tables of their parts, down to level 0
 * (split_huge_pmd). Pages, counts, exclusive bits and permissions stay as they are. A leaf of a file's folio is taken
 * out instead, as Linux does: faults bring its pages back. The caller holds mm->lock, the VMA, or lock 4 of one of
 * its lists; no table lock. Returns 0, -ENOMEM.
 */
int pw_split_leaf(struct pw_vma *vma, pw_va va);
/* The same, but the parts of a file's leaf stay mapped: where a fault would bring the whole leaf back. */
int pw_split_leaf_parts(struct pw_vma *vma, pw_va va);
/* Is this a leaf above level 0 of a file's folio, in the file's cache? */
bool pw_is_file_leaf(const struct pw_mm *mm, const struct pw_slot *slot);
/*
 * Splits a folio into base pages. The caller holds its lock and one reference, by @frame; then it holds both of
 * that page alone. Returns 0; -EBUSY: somebody else holds it, as by a pin; -EINVAL: such a folio cannot be
 * split; -ENOMEM. After an error the folio is as before, though its leaves may be split. Pages of an anonymous folio that
 * have only zeros become the page of zeros, but in locked memory.
 */
int pw_split_locked(struct pw_machine *machine, uint32_t frame);
/* The same, if all parts are about to go to swap: pages of zeros go there, too, as far as there is room. */
int pw_split_for_swap(struct pw_machine *machine, uint32_t frame);
/*
 * Splits folios of which some pages are not mapped any more, so that these become free, until @bytes are
 * (deferred_split_scan). For reclaim, with no lock held. Returns the number of bytes.
 */
uint64_t pw_split_unused(struct pw_machine *machine, uint64_t bytes);

/* ---- file_huge.c ---- */

/*
 * A new large folio of shared memory around @index, if the machine's options allow it: in the cache, locked, of zeros.
 * *frame_ret is its page at @index, with a reference. @flags as in pw_cache_page. False: a base page has to do.
 */
bool pw_cache_new_large(struct pw_file *file, uint64_t index, unsigned flags, uint32_t *frame_ret);
/*
 * Maps the locked folio of @frame, the file's page at work->va, by one huge leaf, or by level 0, as far as a fault
 * does that at once. @extra is for all of its pages. True: the caller's reference is the entries'. False: nothing has
 * changed, and the page has to be mapped alone.
 */
bool pw_file_map_large(const struct pw_fault_work *work, uint32_t frame, uint32_t extra);

/* ---- collapse.c ---- */

/* MADV_COLLAPSE of first..last, which one VMA holds. mm->lock, write. 0; -EINVAL, -EAGAIN, -EBUSY, -ENOMEM. */
int pw_collapse_range(struct pw_vma *vma, pw_va first, pw_va last);

/* ---- collapse_file.c ---- */

/* Can pages of this file become huge ones? */
bool pw_collapse_suits(const struct pw_file *file);
/* Makes the pages of a file at @start a huge one, and maps it. Locks and errors as pw_collapse_range, or -EEXIST. */
int pw_collapse_file(struct pw_vma *vma, pw_va start);

#endif
