/* SPDX-License-Identifier: MIT */
/* The parts that the reader of kdumps and the check of their headers share. */
#ifndef PW_MEMORY_KDUMP_H
#define PW_MEMORY_KDUMP_H

#include "base/mutant.h"
#include "memory/elf.h"

/* A piece of the file: where the sub header has its offset and size, and since which version. */
struct pw_kdump_piece {
	const char *what;
	unsigned version, offset, bytes;
};

enum { PW_KDUMP_VMCOREINFO, PW_KDUMP_NOTES, PW_KDUMP_ERASED, PW_KDUMP_PIECES };

/* One of the three layouts of the sub header. */
struct pw_kdump_layout {
	struct pw_kdump_piece pieces[PW_KDUMP_PIECES];
	unsigned level, split; /* dump level (since version 1), number of the part (since 2) */
	unsigned pages; /* max_mapnr_64, since version 6 */
};

/* A header: the file with its width and byte order, and the header's main numbers. */
struct pw_kdump_header {
	const struct pw_elf *file;
	unsigned numbers; /* offset of the status word */
	uint64_t block, sub_blocks; /* bytes of a block; blocks of the sub header */
	uint64_t bitmap_bytes; /* of one of the two bitmaps */
};

/* Finds the layout of the sub header. The file must have one. */
const struct pw_kdump_layout *pw_kdump_layout(const struct pw_kdump_header *header);

/*
 * Checks the sizes in a kdump's header against the file, which holds at least the header, the blocks of the
 * sub header, and two bitmaps. Returns 0 or -EINVAL.
 */
int pw_kdump_check(const struct pw_kdump_header *header, struct pw_error *error);

#endif
