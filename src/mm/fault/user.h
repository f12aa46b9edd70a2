/* SPDX-License-Identifier: MIT */
/*
 * Handlers of user faults.
 *
 *   user.c       registering, faults, write protection
 *   user_fill.c  what a handler puts where nothing is: copies, zeros, a file's pages, poison
 *   user_hugetlb.c  both, in hugetlb
 */
#ifndef PW_MM_USER_H
#define PW_MM_USER_H

#include "mm/mm.h"

static const uint32_t PW_VM_USER_MASK = PW_VM_USER_MISSING | PW_VM_USER_PROTECT | PW_VM_USER_MINOR;

/* Whole pages, at least one, that a program can have. */
bool pw_user_is_range(const struct pw_mm *mm, pw_va va, uint64_t bytes);

/* ---- user_hugetlb.c ---- */

enum pw_user_fill { PW_FILL_COPY, PW_FILL_ZERO, PW_FILL_CONTINUE, PW_FILL_POISON };

/* Are @va and @bytes whole hugetlb pages of the VMA? */
bool pw_user_hugetlb_fits(const struct pw_vma *vma, pw_va va, uint64_t bytes);
/*
 * Fills the hugetlb page at @va. mm->lock, read; with @protect, there is room for marks. 0, -EEXIST, -ENOMEM, -EFAULT,
 * -EINVAL (zeros; poison where no entry can say that).
 */
int pw_user_hugetlb_fill(struct pw_vma *vma, pw_va va, enum pw_user_fill what, const void *from,
			 bool protect);
/* Write-protects whole hugetlb pages. mm->lock, read. 0, -EINVAL, -ENOMEM. */
int pw_user_hugetlb_protect(struct pw_vma *vma, pw_va first, pw_va last);

#endif
