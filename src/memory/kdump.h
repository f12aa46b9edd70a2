/* SPDX-License-Identifier: MIT */
/* What the reader of kdumps and the check of their headers share. */
#ifndef PW_MEMORY_KDUMP_H
#define PW_MEMORY_KDUMP_H

#include "base/mutant.h"
#include "memory/elf.h"

/*
 * Whether a kdump can be what its header says. @file has its width and byte order, and holds at least
 * the header, @sub_blocks blocks of @block bytes, and two bitmaps of @bitmap_bytes. Returns 0 or -EINVAL.
 */
int pw_kdump_check(const struct pw_elf *file, uint64_t block, uint64_t sub_blocks,
		   uint64_t bitmap_bytes, struct pw_error *error);

#endif
