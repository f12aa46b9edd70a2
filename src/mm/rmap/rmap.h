/* SPDX-License-Identifier: MIT */
/* From folios to the entries that map them: what only reclaim and its friends need beside mm.h. */
#ifndef PW_MM_RMAP_H
#define PW_MM_RMAP_H

#include "mm/mm.h"

/*
 * As pw_rmap_unmap, and leaves migration entries of base pages only, whatever the leaves were (TTU_SPLIT_HUGE_PMD): the
 * folio is about to be split. Later pw_rmap_restore finds the entry of a part only if the entry is for that part alone.
 * May also return -ENOMEM.
 */
int pw_rmap_unmap_parts(struct pw_machine *machine, uint32_t head);
/*
 * As pw_rmap_restore with one locked base page, which has only zeros: entries lead to the page of zeros that all share,
 * but where the VMA is locked in memory.
 */
void pw_rmap_restore_zeros(struct pw_machine *machine, uint32_t frame);
/* Is this page of a folio, large or not, mapped once (folio_precise_page_mapcount)? As pw_rmap_each. */
bool pw_rmap_mapped_once(struct pw_machine *machine, uint32_t frame);
/* Is the folio of @frame mapped in an address space other than @mm (folio_maybe_mapped_shared)? As pw_rmap_each. */
bool pw_rmap_others_map(struct pw_machine *machine, uint32_t frame, const struct pw_mm *mm);
/*
 * As pw_rmap_unmap with PW_UNMAP_EMPTY for a folio of a file, also if a VMA is locked (TTU_IGNORE_MLOCK): the file keeps the
 * pages, or others with their content, and faults find them.
 */
int pw_rmap_unmap_file(struct pw_machine *machine, uint32_t head);
/* As pw_rmap_unmap, also if the folio may be pinned, or a VMA is locked: its memory is broken. */
int pw_rmap_take(struct pw_machine *machine, uint32_t head, enum pw_unmap_to to);
/* Is the folio mapped in a VMA that is locked in memory (mlock)? As pw_rmap_each. */
bool pw_rmap_is_locked(struct pw_machine *machine, uint32_t head);

#endif
