/* SPDX-License-Identifier: MIT */
/*
 * Reclaim by handshake, as in struct mmu_gather with an interrupt. Readers mark themselves. Retracted items
 * gather in a batch. The thread that fills the batch waits for the readers, then frees the whole batch. If
 * another thread fills the next batch meanwhile, it waits for its turn. So at most one batch per thread, and
 * one more, is waiting at any time.
 */
#include "base/mutant.h"
#include "sync/parts.h"

static void ipi_enter(struct pw_sync_reader *reader)
{
	pw_marks_enter(reader);
}

static void ipi_enter_fence(struct pw_sync_reader *reader)
{
	pw_marks_enter_fence(reader);
}

static void ipi_leave(struct pw_sync_reader *reader)
{
	pw_marks_leave(reader);
}

static void free_all(struct pw_later *item)
{
	while (item) {
		struct pw_later *next = item->next;

		item->free(item);
		item = next;
	}
}

static void ipi_drain(struct pw_sync *sync)
{
	const bool alone = !pw_mutant(PW_MUTANT_DRAIN_OWN);
	struct pw_later *batch;

	/* While this thread holds the lock, no other thread is freeing a batch. */
	if (alone)
		pthread_mutex_lock(&sync->freeing);
	pthread_mutex_lock(&sync->lock);
	batch = sync->batch;
	sync->batch = NULL;
	sync->batched = 0;
	pthread_mutex_unlock(&sync->lock);
	if (batch) {
		if (!pw_mutant(PW_MUTANT_NO_WAIT))
			sync->ops->wait(sync);
		free_all(batch);
	}
	if (alone)
		pthread_mutex_unlock(&sync->freeing);
}

static void ipi_later(struct pw_sync *sync, struct pw_later *item, pw_later_fn *free)
{
	bool full;

	item->free = free;
	pthread_mutex_lock(&sync->lock);
	item->next = sync->batch;
	sync->batch = item;
	full = ++sync->batched >= PW_IPI_BATCH;
	pthread_mutex_unlock(&sync->lock);
	if (full)
		ipi_drain(sync);
}

const struct pw_sync_ops pw_sync_ipi = {
	.name = "ipi",
	.init = pw_membarrier_init,
	.deinit = pw_sync_no_deinit,
	.join = pw_sync_no_join,
	.quit = pw_sync_no_quit,
	.enter = ipi_enter,
	.leave = ipi_leave,
	.wait = pw_marks_wait,
	.later = ipi_later,
	.drain = ipi_drain,
	.inside = pw_marks_inside,
	.lazy = true,
};

const struct pw_sync_ops pw_sync_ipi_fence = {
	.name = "ipi, with fences",
	.init = pw_sync_no_init,
	.deinit = pw_sync_no_deinit,
	.join = pw_sync_no_join,
	.quit = pw_sync_no_quit,
	.enter = ipi_enter_fence,
	.leave = ipi_leave,
	.wait = pw_marks_wait_fence,
	.later = ipi_later,
	.drain = ipi_drain,
	.inside = pw_marks_inside,
	.lazy = true,
};
