/* SPDX-License-Identifier: MIT */
/*
 * Reclaim: when may what readers could reach be freed? Readers say where they are, and whoever took
 * something out of their sight waits for those who may still see it.
 *
 *     reader                                     writer
 *     ------                                     ------
 *     enter ---------+  |                        retract: nothing leads to X any more
 *       load  ... X  |  | inside                 |
 *       use X        |  |                        | wait, or later(X)
 *     leave ---------+--|----------------------> |
 *     enter ---------+                           free X: whoever saw it has left
 *       load  ... -  |  does not see X, and      |
 *     leave ---------+  is not waited for        v
 *
 * Two orders make it work. Enter before the loads, retract before the look at the readers: either the
 * writer sees that the reader is inside, or the reader sees that X is gone. That is the full barrier
 * on either side that each back end has to provide. And the uses before leave, leave before the free:
 * a release and an acquire.
 *
 *   back end    readers are known by           wait                    later
 *   rcu         liburcu, all of the process    synchronize_rcu         call_rcu
 *   ipi         marks, those of the space      membarrier, the marks   in batches, after one wait each
 *   rcu-wait    both                           membarrier, the marks   call_rcu
 *   immediate   nothing                        does not                frees at once: for tests only
 *
 * ipi is the kernel without MMU_GATHER_RCU_TABLE_FREE: an interrupt that readers hold off. rcu-wait is
 * the kernel with it, where taking a table out in order to use it elsewhere, without freeing it, needs
 * tlb_remove_table_sync_one (mm/mmu_gather.c): collapse, and the release of shared tables.
 *
 * Nesting: a reader may enter again while it is inside; it has left when it has left as often as it
 * entered. A thread may be inside several spaces. Not for signal handlers.
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

/* In whatever shall be freed later; the back end's from later() on until free is called. */
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

	/* On the reader's own thread. Neither blocks, nor writes a cache line that others write. */
	void (*enter)(struct pw_sync_reader *reader);
	void (*leave)(struct pw_sync_reader *reader);

	/*
	 * Until every reader that was inside has left. For wait, later and drain: not from inside;
	 * and no lock is held that a reader takes while inside, or that a free function takes.
	 */
	void (*wait)(struct pw_sync *sync);

	/*
	 * Calls free(item) once every reader that was inside has left: at any time from now on, on
	 * any thread. A free function calls none of these three. May wait.
	 */
	void (*later)(struct pw_sync *sync, struct pw_later *item, pw_later_fn *free);

	/* Until free was called for every item of before, whichever thread brought it. */
	void (*drain)(struct pw_sync *sync);

	/* Is the calling thread inside, so that it must not wait? */
	bool (*inside)(struct pw_sync *sync);
	/* Nobody frees what was brought until there is more, or somebody drains. */
	bool lazy;
};

/*
 * Two cache lines, because some processors fetch them in pairs, and 128 bytes are one line for POWER.
 */
enum { PW_SYNC_LINE = 128 };

/* One thread that reads one space. Its memory is the caller's, from join to quit. */
struct pw_sync_reader {
	/* ---- written by the reader's thread alone ---- */
	const struct pw_sync_ops *ops;
	struct pw_sync *sync;
	unsigned long depth; /* entered so often, and not left */
	/*
	 * Odd: inside. Counts, so that a waiter who saw 5 can go on at 6, and at 7 as well: this is
	 * not the reader that it has to wait for any more. Atomic; loaded by those who wait.
	 */
	unsigned long mark;

	/* ---- written by others, when readers join and quit, and by waiters ---- */
	_Alignas(PW_SYNC_LINE) struct pw_sync_reader *next;
	struct pw_sync_reader **back; /* what points here; sync->lock */
	unsigned long seen; /* the mark that is waited for, or 0; sync->lock */
	pthread_t thread;
} __attribute__((aligned(PW_SYNC_LINE)));

/* What a space has of it. */
struct pw_sync {
	const struct pw_sync_ops *ops;

	/*
	 * In this order; none is held while readers are waited for, or free functions are called, that
	 * `join` and `quit` would need.
	 *   freeing   held by who frees a batch, from taking it to its end: who gets it knows that all
	 *             batches of before are done
	 *   waiting   held by who waits for marks: the `seen` of the readers are this one's
	 *   lock      protects the list of readers, their `seen`, and the batch
	 */
	pthread_mutex_t freeing, waiting, lock;
	struct pw_sync_reader *readers;
	struct pw_later *batch; /* retracted, and not waited for yet */
	unsigned batched;
};

/*
 * ipi and rcu-wait without membarrier(2): kernels before 4.14, and emulators. Their readers execute the
 * full barrier that it would have given them. pw_sync_init chooses them where they are needed.
 */
extern const struct pw_sync_ops pw_sync_rcu, pw_sync_ipi, pw_sync_ipi_fence, pw_sync_rcu_wait,
	pw_sync_rcu_wait_fence, pw_sync_immediate;

/* Returns 0, -EINVAL for an unknown kind, or another negative errno. */
int pw_sync_init(struct pw_sync *sync, enum pw_sync_kind kind);
/* The same for a back end that is not known by a kind. */
int pw_sync_init_ops(struct pw_sync *sync, const struct pw_sync_ops *ops);
/* Frees what is left. All readers have quit. */
void pw_sync_deinit(struct pw_sync *sync);

/* On the thread that is going to read, which quits before it ends. Returns 0 or a negative errno. */
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
