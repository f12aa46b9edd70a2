/* SPDX-License-Identifier: MIT */
/*
 * The order of locks, checked while the program runs, in builds with -Dcheck_locks=true: a thread that takes a
 * lock of a lower rank than one that it holds stops the program. Two locks of one rank are in order: each rank
 * has a rule of its own for them (mm.h). A try is always in order, because it does not wait.
 */
#ifndef PW_MM_LOCK_ORDER_H
#define PW_MM_LOCK_ORDER_H

#include <pthread.h>

#include "base/words.h"

enum pw_lock_rank {
	PW_RANK_MM = 1,
	PW_RANK_VMA,
	PW_RANK_SIZE,
	PW_RANK_HUGETLB, /* of a fault in a hugetlb file */
	PW_RANK_FOLIO,
	PW_RANK_LIST, /* of a file or an anon */
	PW_RANK_TABLE,
	PW_RANK_SHORT,
	PW_RANKS
};

#ifdef PW_CHECK_LOCKS
/* To be called before a thread waits for a lock of @rank. */
void pw_lock_wanted(enum pw_lock_rank rank);
void pw_lock_taken(enum pw_lock_rank rank);
void pw_lock_left(enum pw_lock_rank rank);
#else
PW_INLINE void pw_lock_wanted(enum pw_lock_rank rank)
{
	(void)rank;
}

PW_INLINE void pw_lock_taken(enum pw_lock_rank rank)
{
	(void)rank;
}

PW_INLINE void pw_lock_left(enum pw_lock_rank rank)
{
	(void)rank;
}
#endif

/* Locks and unlocks a mutex of this rank. */
PW_INLINE void pw_ranked_lock(pthread_mutex_t *mutex, enum pw_lock_rank rank)
{
	pw_lock_wanted(rank);
	pthread_mutex_lock(mutex);
	pw_lock_taken(rank);
}

PW_INLINE void pw_ranked_unlock(pthread_mutex_t *mutex, enum pw_lock_rank rank)
{
	pw_lock_left(rank);
	pthread_mutex_unlock(mutex);
}

#endif
