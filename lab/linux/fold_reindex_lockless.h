/* SPDX-License-Identifier: MIT */
/* Folding with another index, and the p4d's pointer made from the real one: what Linux has had since 6.11. */
#include "fold_reindex.h"

static inline p4d_t *reindex_p4d(pgd_t *pgdp, pgd_t pgd, unsigned long address)
{
	return p4d_offset(pgdp, address);
}
#define p4d_offset_lockless reindex_p4d
