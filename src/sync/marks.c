/* SPDX-License-Identifier: MIT */
/*
 * Waiting for readers that mark themselves.
 *
 *     reader                              waiter
 *     ------                              ------
 *     mark = 5   (odd: inside)            retract X
 *     - - - - - - - - - - - - - - - - - - membarrier: a full barrier on both sides
 *     load ... X                          mark is 5: wait
 *     use X
 *     mark = 6   (release)                mark is not 5 (acquire)
 *     mark = 7   does not see X           free X
 *
 * The barrier may hit the reader anywhere. If the store of 5 comes before it, the waiter sees 5. If it comes
 * after it, so do the loads, which then do not find X. membarrier(2) interrupts the processors that run
 * threads of this process, as the kernel's own IPI does; a thread that does not run has been through the
 * scheduler's barrier. Where membarrier is missing, readers execute a fence between the mark and the loads.
 *
 * Readers do not wake the waiter: at every leave they would need a barrier, and a load from a shared cache
 * line. The waiter looks again, soon at first, then less often. It sleeps in between, so that a preempted
 * reader gets the processor.
 */
#include <assert.h>
#include <errno.h>
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/mutant.h"
#include "sync/parts.h"

enum {
	LOOKS_AWAKE = 64, /* looks without sleep; a section that pins a few pages is over by then */
	SLEEP_MIN_NS = 20 * 1000,
	SLEEP_MAX_NS = 1000 * 1000,
};

static int membarrier(int command)
{
	return (int)syscall(SYS_membarrier, command, 0, 0);
}

static void sleep_ns(long ns)
{
	nanosleep(&(struct timespec){ .tv_nsec = ns }, NULL);
}

int pw_membarrier_init(struct pw_sync *sync)
{
	int known = membarrier(MEMBARRIER_CMD_QUERY);

	(void)sync;
	if (known < 0 || !(known & MEMBARRIER_CMD_PRIVATE_EXPEDITED) ||
	    membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) != 0)
		return -ENOSYS;
	return 0;
}

/* Partner here: pw_marks_enter, between the mark and the loads. */
void pw_barrier_everywhere(void)
{
	if (pw_mutant(PW_MUTANT_NO_BARRIER))
		return;
	/* The first command may fail for lack of memory. The second needs none, but takes milliseconds. */
	while (membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED) != 0 &&
	       membarrier(MEMBARRIER_CMD_GLOBAL) != 0)
		sleep_ns(SLEEP_MAX_NS);
	pw_moment(PW_MOMENT_MARKS_SETTLED);
}

bool pw_marks_inside(struct pw_sync *sync)
{
	bool inside = false;

	pthread_mutex_lock(&sync->lock);
	for (struct pw_sync_reader *reader = sync->readers; reader; reader = reader->next)
		inside |= pthread_equal(reader->thread, pthread_self()) &&
			  (__atomic_load_n(&reader->mark, __ATOMIC_RELAXED) & 1);
	pthread_mutex_unlock(&sync->lock);
	return inside;
}

/* Notes in `seen` which readers are inside. */
static void look(struct pw_sync *sync)
{
	pthread_mutex_lock(&sync->lock);
	for (struct pw_sync_reader *reader = sync->readers; reader; reader = reader->next) {
		unsigned long mark = __atomic_load_n(&reader->mark, __ATOMIC_ACQUIRE);

		/* A thread that waits while it is inside would wait for itself, for ever. */
		assert(!(mark & 1) || !pthread_equal(reader->thread, pthread_self()));
		reader->seen = mark & 1 && !pw_mutant(PW_MUTANT_MARKS_UNREAD) ? mark : 0;
	}
	pthread_mutex_unlock(&sync->lock);
}

/*
 * Has every noted reader left? Readers that joined since then were not noted, and readers that quit are no
 * longer in the list. Acquire: the partner of the release in pw_marks_leave, or in the pw_marks_enter of a
 * later section.
 */
static bool all_left(struct pw_sync *sync)
{
	bool all = true;

	pthread_mutex_lock(&sync->lock);
	for (struct pw_sync_reader *reader = sync->readers; reader; reader = reader->next) {
		unsigned long mark = __atomic_load_n(&reader->mark, __ATOMIC_ACQUIRE);

		if (reader->seen == 0)
			continue;
		if (pw_mutant(PW_MUTANT_MARK_BIT) ? !(mark & 1) : mark != reader->seen)
			reader->seen = 0;
		else
			all = false;
	}
	pthread_mutex_unlock(&sync->lock);
	return all;
}

static void wait_noted(struct pw_sync *sync)
{
	long ns = SLEEP_MIN_NS;

	for (unsigned looks = 0; !all_left(sync); looks++) {
		if (looks < LOOKS_AWAKE)
			continue;
		sleep_ns(ns);
		ns = ns < SLEEP_MAX_NS / 2 ? ns * 2 : SLEEP_MAX_NS;
	}
}

void pw_marks_wait(struct pw_sync *sync)
{
	pthread_mutex_lock(&sync->waiting);
	if (pw_mutant(PW_MUTANT_LOOK_FIRST))
		look(sync);
	pw_barrier_everywhere();
	if (!pw_mutant(PW_MUTANT_LOOK_FIRST))
		look(sync);
	wait_noted(sync);
	pthread_mutex_unlock(&sync->waiting);
}

void pw_marks_wait_fence(struct pw_sync *sync)
{
	pthread_mutex_lock(&sync->waiting);
	/* Orders retracting before the look at the marks. Partner: the fence in pw_marks_enter_fence. */
	__sync_synchronize();
	look(sync);
	wait_noted(sync);
	pthread_mutex_unlock(&sync->waiting);
}
