/* SPDX-License-Identifier: MIT */
/* The order of locks, checked: only in builds with -Dcheck_locks=true. */
#include <stdio.h>
#include <stdlib.h>

#include "mm/lock_order.h"

#ifdef PW_CHECK_LOCKS

static _Thread_local unsigned held[PW_RANKS];

static const char *const name[PW_RANKS] = {
	[PW_RANK_MM] = "the lock of an mm",
	[PW_RANK_VMA] = "the lock of a VMA",
	[PW_RANK_SIZE] = "the lock of a file's size",
	[PW_RANK_HUGETLB] = "the lock of faults in a hugetlb file",
	[PW_RANK_FOLIO] = "the lock of a folio",
	[PW_RANK_LIST] = "the lock of a file's or an anon's VMAs",
	[PW_RANK_TABLE] = "a table lock",
	[PW_RANK_SHORT] = "a short lock",
};

void pw_lock_wanted(enum pw_lock_rank rank)
{
	for (unsigned higher = rank + 1u; higher < PW_RANKS; higher++) {
		if (!held[higher])
			continue;
		fprintf(stderr,
			"pagewalk: a thread waits for %s and holds %s: src/mm/mm.h has the order\n",
			name[rank], name[higher]);
		abort();
	}
}

void pw_lock_taken(enum pw_lock_rank rank)
{
	held[rank]++;
}

void pw_lock_left(enum pw_lock_rank rank)
{
	held[rank]--;
}

#endif
