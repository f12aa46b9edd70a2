/* SPDX-License-Identifier: MIT */
/* Giving memory back: for madvise and poison. page.c calls pw_reclaim. */
#ifndef PW_MM_RECLAIM_H
#define PW_MM_RECLAIM_H

#include "mm/mm.h"

/*
 * Reclaims the page of @frame, if that can be done at once. @force: also if it was used a moment ago. Returns the
 * number of bytes that are free now. With no lock of 4 to 6 held; a folio whose lock is taken stays.
 */
uint64_t pw_reclaim_page(struct pw_machine *machine, uint32_t frame, bool force);

/* The frame that is mapped at @va, with a reference; PW_NO_FRAME if there is none that counts. With no lock of 4 to 6. */
uint32_t pw_frame_at(struct pw_mm *mm, pw_va va);
/*
 * MADV_HWPOISON, or @soft: MADV_SOFT_OFFLINE, of first..last, as with CAP_SYS_ADMIN. Pages are faulted in; of each folio it
 * takes the page that comes first. With no lock held. 0, or why a page could not go; those before it are gone.
 */
int pw_poison_range(struct pw_mm *mm, pw_va first, pw_va last, bool soft);
/*
 * MADV_PAGEOUT, MADV_COLD and MADV_FREE of first..last, whole pages of @vma. The caller has checked that the VMA
 * permits it, and holds mm->lock for reading. Pages that are mapped more than once stay as they are, as in Linux.
 * page_out returns the number of bytes that are free now. free_lazily is for anonymous memory; 0, -ENOMEM.
 */
uint64_t pw_vma_page_out(struct pw_vma *vma, pw_va first, pw_va last);
void pw_vma_cool(struct pw_vma *vma, pw_va first, pw_va last);
int pw_vma_free_lazily(struct pw_vma *vma, pw_va first, pw_va last);

/*
 * Is the folio of @head in va..last as a whole? @va is where its first page is: the entries from there on are in one
 * table, and map the pages in their order. Under the table lock.
 */
bool pw_folio_fills(const struct pw_mm *mm, pw_va va, pw_va last, uint32_t head);
/*
 * Splits the folio of @frame, to which the caller has a reference, unless other address spaces map it, too. @whole: all of
 * it is about to go to swap. With no lock of 4 to 6 held.
 */
bool pw_split_ours(struct pw_vma *vma, uint32_t frame, bool whole);

/* ---- ahead.c: reading ahead, for MADV_WILLNEED ---- */

/* Reads what is in swap of first..last into the swap cache. The caller holds mm->lock for reading. */
void pw_ahead_swap(struct pw_vma *vma, pw_va first, pw_va last);
/* Reads pages first..last (indices) of a file into its cache: from the host, or from swap. With no lock of 3 to 6. */
void pw_ahead_file(struct pw_file *file, uint64_t first, uint64_t last);

#endif
