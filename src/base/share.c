/* SPDX-License-Identifier: MIT */
/* Shares numbered parts of work out among threads. */
#include "base/share.h"

struct share {
	pw_part_fn *part;
	void *context;
	size_t count;
	pthread_mutex_t lock; /* protects the rest */
	size_t next; /* number of the next part */
	int status; /* of the lowest part that failed */
	size_t failed;
};

/* Takes the next part, after *number ended with @status. False: there is none, or one failed. */
static bool take(struct share *share, size_t *number, int status)
{
	bool more;

	pthread_mutex_lock(&share->lock);
	if (status && (!share->status || *number < share->failed)) {
		share->status = status;
		share->failed = *number;
	}
	more = share->next < share->count && share->status == 0;
	*number = share->next;
	share->next += more;
	pthread_mutex_unlock(&share->lock);
	return more;
}

static void *work(void *context)
{
	struct share *share = context;
	int status = 0;

	for (size_t number = 0; take(share, &number, status);)
		status = share->part(share->context, number);
	return NULL;
}

int pw_share(unsigned threads, size_t count, pw_part_fn *part, void *context)
{
	struct share share = { .part = part, .context = context, .count = count };
	pthread_t thread[PW_THREADS_MAX - 1];
	size_t running = 0;

	pthread_mutex_init(&share.lock, NULL);
	/* This thread works, too; so it does not matter if others cannot be made. */
	for (size_t i = 1; i < threads && i < count && running < PW_THREADS_MAX - 1; i++)
		if (pthread_create(&thread[running], NULL, work, &share) == 0)
			running++;
	work(&share);
	for (size_t i = 0; i < running; i++)
		pthread_join(thread[i], NULL);
	pthread_mutex_destroy(&share.lock);
	return share.status;
}

void pw_turns_init(struct pw_turns *turns)
{
	pthread_mutex_init(&turns->lock, NULL);
	pthread_cond_init(&turns->ended, NULL);
	turns->next = 0;
	turns->status = 0;
}

void pw_turns_clear(struct pw_turns *turns)
{
	pthread_cond_destroy(&turns->ended);
	pthread_mutex_destroy(&turns->lock);
}

bool pw_turns_wait(struct pw_turns *turns, size_t number)
{
	bool mine;

	pthread_mutex_lock(&turns->lock);
	while (turns->next != number && !turns->status)
		pthread_cond_wait(&turns->ended, &turns->lock);
	mine = !turns->status;
	pthread_mutex_unlock(&turns->lock);
	return mine;
}

void pw_turns_end(struct pw_turns *turns, int status)
{
	pthread_mutex_lock(&turns->lock);
	turns->next++;
	turns->status = status;
	pthread_cond_broadcast(&turns->ended);
	pthread_mutex_unlock(&turns->lock);
}
