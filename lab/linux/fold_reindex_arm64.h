/* SPDX-License-Identifier: MIT */
/* Folding with another index, by arm64's own functions, which are in gup.inc: this is what they use. */
#include "fold_reindex.h"
#undef pud_offset_lockless
typedef uint64_t u64;
#define PTRS_PER_P4D                   TABLE_ENTRIES
#define pgtable_l4_enabled()           false
#define PTR_ALIGN_DOWN(pointer, bytes) ((uintptr_t)(pointer) & ~(uintptr_t)(TABLE_BYTES - 1))
#define p4d_page_paddr(p4d)            (p4d).value
#define __va(address)                  table_of(address)
#define pud_index(address)             index_of(address, PUD_SHIFT)
