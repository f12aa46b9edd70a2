/* SPDX-License-Identifier: MIT */
/*
 * What back ends share: the registration with liburcu and freeing by it (sync_rcu.c), and readers that
 * mark themselves (sync_marks.c).
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

/* Makes membarrier(2) usable for this process. Returns 0, or -ENOSYS. */
int pw_membarrier_init(struct pw_sync *sync);
/* Until the readers that are marked as inside have left. By membarrier, or with a fence. */
void pw_marks_wait(struct pw_sync *sync);
void pw_marks_wait_fence(struct pw_sync *sync);
/* Is one of this thread's readers marked as inside? */
bool pw_marks_inside(struct pw_sync *sync);

/*
 * Nothing to prepare or undo: for back ends without a state of their own.
 */
int pw_sync_no_init(struct pw_sync *sync);
void pw_sync_no_deinit(struct pw_sync *sync);
int pw_sync_no_join(struct pw_sync_reader *reader);
void pw_sync_no_quit(struct pw_sync_reader *reader);

/*
 * Release, so that a waiter who meets this mark of a later section has what the sections before it
 * did behind it. Returns false if the reader was inside already.
 */
PW_INLINE bool pw_marks_store_enter(struct pw_sync_reader *reader)
{
	if (PW_UNLIKELY(reader->depth++ != 0))
		return false;
	__atomic_store_n(&reader->mark, reader->mark + 1, __ATOMIC_RELEASE);
	return true;
}

/* The mark before the loads inside. For the compiler only: the processor's part is the waiter's membarrier. */
PW_INLINE void pw_marks_enter(struct pw_sync_reader *reader)
{
	pw_marks_store_enter(reader);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

/* The mark before the loads inside. Partner: the fence in pw_marks_wait_fence. */
PW_INLINE void pw_marks_enter_fence(struct pw_sync_reader *reader)
{
	if (PW_LIKELY(pw_marks_store_enter(reader) && !pw_mutant(PW_MUTANT_NO_BARRIER)))
		__sync_synchronize();
}

/* All that was done inside, before the mark. Partner: the acquire of the mark by who waits. */
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
