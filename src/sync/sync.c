/* SPDX-License-Identifier: MIT */
/* Reclaim: the choice of a back end, and the list of readers, which is the same for all of them. */
#include "sync/sync.h"

#include <assert.h>
#include <errno.h>

#include "sync/parts.h"
#include "sync/section.h"

static const struct pw_sync_ops *ops_of(enum pw_sync_kind kind)
{
	switch (kind) {
	case PW_SYNC_RCU:
		return &pw_sync_rcu;
	case PW_SYNC_IPI:
		return &pw_sync_ipi;
	case PW_SYNC_RCU_WAIT:
		return &pw_sync_rcu_wait;
	case PW_SYNC_IMMEDIATE:
		return &pw_sync_immediate;
	}
	return NULL;
}

/* The variant of a back end for hosts without membarrier(2), or NULL. */
static const struct pw_sync_ops *without_membarrier(const struct pw_sync_ops *ops)
{
	if (ops == &pw_sync_ipi)
		return &pw_sync_ipi_fence;
	if (ops == &pw_sync_rcu_wait)
		return &pw_sync_rcu_wait_fence;
	return NULL;
}

int pw_sync_init_ops(struct pw_sync *sync, const struct pw_sync_ops *ops)
{
	int code;

	*sync = (struct pw_sync){ .ops = ops };
	code = ops->init(sync);
	if (code)
		return code;
	pthread_mutex_init(&sync->freeing, NULL);
	pthread_mutex_init(&sync->waiting, NULL);
	pthread_mutex_init(&sync->lock, NULL);
	return 0;
}

int pw_sync_init(struct pw_sync *sync, enum pw_sync_kind kind)
{
	const struct pw_sync_ops *ops = ops_of(kind);
	int code;

	if (!ops)
		return -EINVAL;
	code = pw_sync_init_ops(sync, ops);
	if (code == -ENOSYS && without_membarrier(ops))
		code = pw_sync_init_ops(sync, without_membarrier(ops));
	return code;
}

void pw_sync_deinit(struct pw_sync *sync)
{
	assert(!sync->readers);
	sync->ops->drain(sync);
	sync->ops->deinit(sync);
	pthread_mutex_destroy(&sync->lock);
	pthread_mutex_destroy(&sync->waiting);
	pthread_mutex_destroy(&sync->freeing);
}

int pw_sync_join(struct pw_sync_reader *reader, struct pw_sync *sync)
{
	int code;

	*reader = (struct pw_sync_reader){
		.ops = sync->ops,
		.sync = sync,
		.thread = pthread_self(),
		.word = &reader->elsewhere,
		.elsewhere = PW_SECTION_ELSEWHERE,
	};
	code = sync->ops->join(reader);
	if (code)
		return code;
	pthread_mutex_lock(&sync->lock);
	reader->next = sync->readers;
	reader->back = &sync->readers;
	if (reader->next)
		reader->next->back = &reader->next;
	sync->readers = reader;
	pthread_mutex_unlock(&sync->lock);
	return 0;
}

void pw_sync_quit(struct pw_sync_reader *reader)
{
	struct pw_sync *sync = reader->sync;

	assert(reader->depth == 0);
	assert(pthread_equal(reader->thread, pthread_self()));
	/* Waiters look at readers with the lock held only, so none looks at this one once it is out. */
	pthread_mutex_lock(&sync->lock);
	*reader->back = reader->next;
	if (reader->next)
		reader->next->back = reader->back;
	pthread_mutex_unlock(&sync->lock);
	sync->ops->quit(reader);
}

void pw_section_enter_other(struct pw_sync_reader *reader)
{
	pw_sync_enter(reader);
}

void pw_section_leave_other(struct pw_sync_reader *reader)
{
	pw_sync_leave(reader);
}

int pw_sync_no_init(struct pw_sync *sync)
{
	(void)sync;
	return 0;
}

void pw_sync_no_deinit(struct pw_sync *sync)
{
	(void)sync;
}

int pw_sync_no_join(struct pw_sync_reader *reader)
{
	(void)reader;
	return 0;
}

void pw_sync_no_quit(struct pw_sync_reader *reader)
{
	(void)reader;
}
