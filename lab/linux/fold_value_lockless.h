/* SPDX-License-Identifier: MIT */
/* Folding by value, with the pointer and the value passed together: what Linux has had since 5.9. */
#include "fold_value.h"
#define p4d_offset_lockless value_p4d
#define pud_offset_lockless value_pud
#define pmd_offset_lockless value_pmd
