/* SPDX-License-Identifier: MIT */
/* Folding by value, by s390's own functions, which are in gup.inc: this is what they use. */
#include "fold_value.h"
#define _REGION_ENTRY_TYPE_MASK ENTRY_TYPE
#define _REGION_ENTRY_TYPE_R1   ENTRY_TYPE_PGD
#define _REGION_ENTRY_TYPE_R2   ENTRY_TYPE_P4D
#define _REGION_ENTRY_TYPE_R3   ENTRY_TYPE_PUD
#define pgd_deref(pgd)          table_of((pgd).value)
#define p4d_deref(p4d)          table_of((p4d).value)
#define pud_deref(pud)          table_of((pud).value)
#define p4d_index(address)      index_of(address, P4D_SHIFT)
#define pud_index(address)      index_of(address, PUD_SHIFT)
#define pmd_index(address)      index_of(address, PMD_SHIFT)
