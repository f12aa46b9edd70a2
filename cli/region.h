/* SPDX-License-Identifier: MIT */
/*
 * The regions of Linux's address space: which part of the kernel's layout an address belongs to, as the kernel's
 * own documentation has it. Formats whose layout is not documented have no regions.
 */
#ifndef CLI_REGION_H
#define CLI_REGION_H

#include <pagewalk/pagewalk.h>

enum { REGIONS = 32 };

struct region {
	pw_va first; /* it ends where the next one begins */
	const char *name;
};

struct regions {
	struct region region[REGIONS];
	unsigned count;
	bool identity; /* s390x: pages at their own addresses are the identity map */
};

/* Finds out which regions there are. Reads a few entries: some kernels choose places at random. */
void regions_init(struct regions *regions, const struct pw_memory *memory,
		  const struct pw_regime *regime);
/* The name of the region where @range begins; NULL: no region is known there. */
const char *regions_name(const struct regions *regions, const struct pw_range *range);

#endif
