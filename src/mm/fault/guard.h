/* SPDX-License-Identifier: MIT */
/* Guards: pages of a VMA that nobody may access, whatever the VMA permits (MADV_GUARD_INSTALL). */
#ifndef PW_MM_GUARD_H
#define PW_MM_GUARD_H

#include "mm/mm.h"

/*
 * Puts guards in the place of all pages of first..last, whose content is lost. mm->lock, write.
 * 0, -ENOMEM; -EINVAL: the format has no such entry.
 */
int pw_guard_install(struct pw_vma *vma, pw_va first, pw_va last);
/* Takes the guards of first..last away; pages stay. mm->lock, read. 0 or a negative errno. */
int pw_guard_remove(struct pw_vma *vma, pw_va first, pw_va last);

#endif
