/* SPDX-License-Identifier: MIT */
/*
 * The parts that back ends share: registering with liburcu and freeing by it (rcu.c), and readers that
 * mark themselves (marks.c).
 */
#ifndef PW_SYNC_PARTS_H
#define PW_SYNC_PARTS_H

#include "base/mutant.h"
#include "sync/sync.h"

int pw_rcu_join(struct pw_sync_reader *reader);
void pw_rcu_quit(struct pw_sync_reader *reader);
void pw_rcu_enter(struct pw_sync_reader *reader);
void pw_rcu_leave(struct pw_sync_reader *reader);
void pw_rcu_later(struct pw_sync *sync, struct pw_later *item, pw_later_fn *free);
void pw_rcu_drain(struct pw_sync *sync);
bool pw_rcu_inside(struct pw_sync *sync);

/* The items of a batch of the ipi back end. One membarrier costs about as much as freeing so many. */
enum { PW_IPI_BATCH = 64 };

/* Makes membarrier(2) usable for this process. Returns 0, or -ENOSYS. @sync is not looked at. */
int pw_membarrier_init(struct pw_sync *sync);
/* A full barrier in every thread of the process, after pw_membarrier_init returned 0. */
void pw_barrier_everywhere(void);
/* Waits until the readers that are marked as inside have left. By membarrier, or with a fence. */
void pw_marks_wait(struct pw_sync *sync);
void pw_marks_wait_fence(struct pw_sync *sync);
/* Is one of this thread's readers marked as inside? */
bool pw_marks_inside(struct pw_sync *sync);

/* Operations that do nothing, for back ends without a state of their own. */
int pw_sync_no_init(struct pw_sync *sync);
void pw_sync_no_deinit(struct pw_sync *sync);
int pw_sync_no_join(struct pw_sync_reader *reader);
void pw_sync_no_quit(struct pw_sync_reader *reader);

/*
 * Marks the reader as inside. Returns false if it was inside already. The store is a release: a waiter
 * that meets the mark of a later section is then ordered after the sections before it.
 */
PW_INLINE bool pw_marks_store_enter(struct pw_sync_reader *reader)
{
	if (PW_UNLIKELY(reader->depth++ != 0))
		return false;
	__atomic_store_n(&reader->mark, reader->mark + 1, __ATOMIC_RELEASE);
	return true;
}

/* Orders the mark before the loads inside, for the compiler alone. The waiter's membarrier does the rest. */
PW_INLINE void pw_marks_enter(struct pw_sync_reader *reader)
{
	pw_marks_store_enter(reader);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

/* Orders the mark before the loads inside. Partner: the fence in pw_marks_wait_fence. */
PW_INLINE void pw_marks_enter_fence(struct pw_sync_reader *reader)
{
	if (PW_LIKELY(pw_marks_store_enter(reader) && !pw_mutant(PW_MUTANT_NO_BARRIER)))
		__sync_synchronize();
}

/* Orders all that was done inside before the mark. Partner: the waiter's load of the mark, an acquire. */
PW_INLINE void pw_marks_leave(struct pw_sync_reader *reader)
{
	if (pw_mutant(PW_MUTANT_LEAVE_ALL))
		reader->depth = 1;
	if (PW_UNLIKELY(--reader->depth != 0))
		return;
	if (pw_mutant(PW_MUTANT_LEAVE_RELAXED))
		__atomic_store_n(&reader->mark, reader->mark + 1, __ATOMIC_RELAXED);
	else
		__atomic_store_n(&reader->mark, reader->mark + 1, __ATOMIC_RELEASE);
}

#endif
