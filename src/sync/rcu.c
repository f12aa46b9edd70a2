/* SPDX-License-Identifier: MIT */
/*
 * Reclaim by liburcu, in its memb flavour. The library does everything: readers store to a word of their
 * thread, and writers use membarrier(2); where that is missing, readers execute a fence. A grace period
 * is the whole process's: a reader of one space holds up the writers of all others.
 *
 * Entering and leaving are inlined; everything else calls the library. A call into it looks its
 * thread-local word up three times, which takes ten times as long as the rest. Its header offers these two
 * to users under other licences (urcu/static/urcu-memb.h: "less than 10 lines", section 5 of the LGPL
 * 2.1), and so the layout of the word, which also says whether a thread is registered. Where section.h enters and leaves
 * by itself, the word's address comes from the reader.
 */
#include <stddef.h>

#include <urcu/static/urcu-memb.h>
#include <urcu/urcu-memb.h>

#include "base/mutant.h"
#include "base/tsan.h"
#include "sync/parts.h"
#include "sync/section.h"

_Static_assert(1UL << PW_SECTION_BITS == URCU_GP_CTR_PHASE && URCU_GP_COUNT == 1,
	       "section.h counts as liburcu does");
_Static_assert(sizeof(struct rcu_head) <= sizeof(((struct pw_later *)0)->library) &&
		       _Alignof(struct rcu_head) <= _Alignof(struct pw_later),
	       "struct pw_later has room for liburcu's head");

/*
 * How often this thread has joined; it is registered with the library once, however many spaces it reads.
 * The count stays zero for a thread that its application registered: that is not ours to undo. The
 * application must keep such a thread registered while it reads, and must not register a thread that
 * already reads. The count is thread-local because the registration is.
 */
static _Thread_local unsigned long registered;

/* Keys for ThreadSanitizer: the grace periods of the process, and the ends of free functions. */
static const char grace, freed;

static void thread_register(void)
{
	if (registered == 0) {
		if (URCU_TLS(urcu_memb_reader).registered && !pw_mutant(PW_MUTANT_JOIN_AGAIN))
			return;
		urcu_memb_register_thread();
	}
	registered++;
}

static void thread_unregister(void)
{
	if (registered == 0)
		return;
	registered = pw_mutant(PW_MUTANT_QUIT_ALL) ? 0 : registered - 1;
	if (registered == 0)
		urcu_memb_unregister_thread();
}

int pw_rcu_join(struct pw_sync_reader *reader)
{
	(void)reader;
	thread_register();
	return 0;
}

void pw_rcu_quit(struct pw_sync_reader *reader)
{
	(void)reader;
	thread_unregister();
}

/* Nests by itself. It is a full barrier towards synchronize_rcu and call_rcu. */
void pw_rcu_enter(struct pw_sync_reader *reader)
{
	(void)reader;
	_urcu_memb_read_lock();
}

void pw_rcu_leave(struct pw_sync_reader *reader)
{
	(void)reader;
	pw_tsan_before(&grace);
	_urcu_memb_read_unlock();
}

static void wait_grace(struct pw_sync *sync)
{
	(void)sync;
	urcu_memb_synchronize_rcu();
	pw_tsan_after(&grace);
}

/* Frees one item, on the library's thread. */
static void run(struct rcu_head *head)
{
	struct pw_later *item = (struct pw_later *)((char *)head -
						    offsetof(struct pw_later, library));
	pw_later_fn *free_item;

	pw_tsan_after(&grace);
	/* Acquire: the item is as it was when pw_rcu_later got it. */
	free_item = __atomic_load_n(&item->free, __ATOMIC_ACQUIRE);
	free_item(item);
	pw_tsan_before(&freed);
}

void pw_rcu_later(struct pw_sync *sync, struct pw_later *item, pw_later_fn *free)
{
	(void)sync;
	if (pw_mutant(PW_MUTANT_NO_WAIT)) {
		free(item);
		return;
	}
	/* Partner: the acquire in run(). The library orders the two as well, unseen by ThreadSanitizer. */
	__atomic_store_n(&item->free, free, __ATOMIC_RELEASE);
	/* A thread must be registered to call call_rcu: the library may free the queue of its processor. */
	thread_register();
	urcu_memb_call_rcu((struct rcu_head *)(void *)item->library, run);
	thread_unregister();
}

void pw_rcu_drain(struct pw_sync *sync)
{
	(void)sync;
	urcu_memb_barrier();
	pw_tsan_after(&grace);
	pw_tsan_after(&freed);
}

bool pw_rcu_inside(struct pw_sync *sync)
{
	(void)sync;
	return _urcu_memb_read_ongoing();
}

void pw_section_wake(void)
{
	urcu_common_wake_up_gp(&urcu_memb_gp);
}

/* ThreadSanitizer has to be told when a section ends, so its builds prepare nothing for section.h. */
#ifdef PW_TSAN
enum { PREPARES = false };
#else
enum { PREPARES = true };
#endif

static int rcu_join(struct pw_sync_reader *reader)
{
	thread_register();
	if (!urcu_memb_has_sys_membarrier || !PREPARES)
		return 0;
	reader->word = &URCU_TLS(urcu_memb_reader).ctr;
	reader->period = &urcu_memb_gp.ctr;
	reader->sleeper = &urcu_memb_gp.futex;
	return 0;
}

const struct pw_sync_ops pw_sync_rcu = {
	.name = "rcu",
	.init = pw_sync_no_init,
	.deinit = pw_sync_no_deinit,
	.join = rcu_join,
	.quit = pw_rcu_quit,
	.enter = pw_rcu_enter,
	.leave = pw_rcu_leave,
	.wait = wait_grace,
	.later = pw_rcu_later,
	.drain = pw_rcu_drain,
	.inside = pw_rcu_inside,
};
