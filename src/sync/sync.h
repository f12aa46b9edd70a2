/* SPDX-License-Identifier: MIT */
/*
 * Reclaim: when may memory be freed that readers could reach? Readers say when they are inside a section.
 * A writer retracts an item, so that nothing leads to it, and waits for the readers that may still see it.
 *
 *     reader                                     writer
 *     ------                                     ------
 *     enter ---------+  |                        retract: nothing leads to X any more
 *       load  ... X  |  | inside                 |
 *       use X        |  |                        | wait, or later(X)
 *     leave ---------+--|----------------------> |
 *     enter ---------+                           free X: every reader that saw it has left
 *       load  ... -  |  does not see X, and      |
 *     leave ---------+  is not waited for        v
 *
 * Two orders make it work. First: enter before the loads, and retract before the look at the readers.
 * Either the writer sees that the reader is inside, or the reader sees that X is gone. It takes a full
 * barrier on both sides, which each back end has to provide. Second: the uses before leave, and leave
 * before the free. It takes a release and an acquire.
 *
 *   back end    readers are known by           wait                    later
 *   rcu         liburcu, all of the process    synchronize_rcu         call_rcu
 *   ipi         marks, those of the space      membarrier, the marks   in batches, after one wait each
 *   rcu-wait    both                           membarrier, the marks   call_rcu
 *   immediate   nothing                        does not                frees at once: for tests only
 *
 * ipi is the kernel without MMU_GATHER_RCU_TABLE_FREE: an interrupt that readers hold off. rcu-wait is
 * the kernel with it. There a table that is taken out to be used elsewhere, without being freed, needs
 * tlb_remove_table_sync_one (mm/mmu_gather.c): in collapse, and in the release of shared tables.
 *
 * Nesting: a reader may enter again while it is inside. It is outside when it has left as often as it
 * entered. A thread may be inside several spaces. Signal handlers must not enter.
 *
 * A back end is a constant of operations. To add one: fill a struct pw_sync_ops in a file of its own,
 * give it a line in ops_of() (sync.c), and run tests/space/sync.c on it.
 */
#ifndef PW_SYNC_H
#define PW_SYNC_H

#include <pthread.h>
#include <stdint.h>

#include <pagewalk/space.h>

#include "base/words.h"

struct pw_sync;
struct pw_sync_reader;

/* A member of every item that is freed later. The back end owns it from later() until free is called. */
struct pw_later {
	union {
		struct pw_later *next;
		uintptr_t library[2]; /* liburcu's struct rcu_head */
	};
	void (*free)(struct pw_later *item);
};

typedef void pw_later_fn(struct pw_later *item);

struct pw_sync_ops {
	const char *name;

	int (*init)(struct pw_sync *sync); /* 0 or a negative errno */
	void (*deinit)(struct pw_sync *sync);

	/* On the reader's own thread, not inside. A thread may join several times, with a reader each. */
	int (*join)(struct pw_sync_reader *reader); /* 0 or a negative errno */
	void (*quit)(struct pw_sync_reader *reader);

	/* On the reader's own thread. They never block, and write no cache line that others write. */
	void (*enter)(struct pw_sync_reader *reader);
	void (*leave)(struct pw_sync_reader *reader);

	/*
	 * Waits until every reader that was inside has left. wait, later and drain must not be called
	 * from inside a section, nor with a lock that a reader takes while inside, or that a free
	 * function takes.
	 */
	void (*wait)(struct pw_sync *sync);

	/*
	 * Calls free(item) when every reader that was inside has left: at any time from now on, on any
	 * thread. May wait. A free function must not call wait, later or drain.
	 */
	void (*later)(struct pw_sync *sync, struct pw_later *item, pw_later_fn *free);

	/* Waits until free was called for every item that any thread has given to later() before. */
	void (*drain)(struct pw_sync *sync);

	/* Is the calling thread inside, so that it must not wait? */
	bool (*inside)(struct pw_sync *sync);
	/* Items stay unfreed until more come, or until somebody drains. */
	bool lazy;
};

/* Two cache lines: some processors fetch them in pairs, and on POWER one line has 128 bytes. */
enum { PW_SYNC_LINE = 128 };

/* One thread that reads one space. Its memory is the caller's, from join to quit. */
struct pw_sync_reader {
	/* ---- written by the reader's thread alone ---- */
	const struct pw_sync_ops *ops;
	struct pw_sync *sync;
	unsigned long depth; /* how often it entered without leaving yet */
	/*
	 * Odd while the reader is inside. It counts, so that a waiter that saw 5 can go on at 6, and
	 * also at 7: that is a later section, which it need not wait for. Atomic; waiters load it.
	 */
	unsigned long mark;
	/* For section.h: in liburcu, this thread's word; where its value comes from; whether somebody sleeps. */
	unsigned long *word; /* without them, `elsewhere` */
	const unsigned long *period;
	const int32_t *sleeper;
	unsigned long elsewhere; /* a word that sends section.h to `ops` */

	/* ---- written by others, when readers join and quit, and by waiters ---- */
	_Alignas(PW_SYNC_LINE) struct pw_sync_reader *next;
	struct pw_sync_reader **back; /* the pointer that leads here; sync->lock */
	unsigned long seen; /* the mark that a waiter waits for, or 0; sync->lock */
	pthread_t thread;
} __attribute__((aligned(PW_SYNC_LINE)));

/* The state of reclaim in one space. */
struct pw_sync {
	const struct pw_sync_ops *ops;

	/*
	 * Taken in this order. During waits for readers and calls of free functions, none is held that
	 * `join` and `quit` need.
	 *   freeing   held while a batch is freed, from taking it to its end: its next holder knows that
	 *             all earlier batches are done
	 *   waiting   held while marks are waited for: its holder owns the `seen` of all readers
	 *   lock      protects the list of readers, their `seen`, and the batch
	 */
	pthread_mutex_t freeing, waiting, lock;
	struct pw_sync_reader *readers;
	struct pw_later *batch; /* items that were retracted, and not waited for yet */
	unsigned batched;
};

/*
 * The two with "fence" are ipi and rcu-wait without membarrier(2), for kernels before 4.14 and emulators.
 * Their readers execute the full barrier themselves. pw_sync_init chooses them where they are needed.
 */
extern const struct pw_sync_ops pw_sync_rcu, pw_sync_ipi, pw_sync_ipi_fence, pw_sync_rcu_wait,
	pw_sync_rcu_wait_fence, pw_sync_immediate;

/* Returns 0, -EINVAL for an unknown kind, or another negative errno. */
int pw_sync_init(struct pw_sync *sync, enum pw_sync_kind kind);
/* As pw_sync_init, for a back end that has no kind. */
int pw_sync_init_ops(struct pw_sync *sync, const struct pw_sync_ops *ops);
/* Frees what is left. All readers must have quit. */
void pw_sync_deinit(struct pw_sync *sync);

/*
 * To be called on the thread that is going to read, and to be undone by pw_sync_quit before that thread
 * ends. Returns 0 or a negative errno.
 */
int pw_sync_join(struct pw_sync_reader *reader, struct pw_sync *sync);
void pw_sync_quit(struct pw_sync_reader *reader);

PW_INLINE void pw_sync_enter(struct pw_sync_reader *reader)
{
	reader->ops->enter(reader);
}

PW_INLINE void pw_sync_leave(struct pw_sync_reader *reader)
{
	reader->ops->leave(reader);
}

#endif
