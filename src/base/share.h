/* SPDX-License-Identifier: MIT */
/* Work in numbered parts, shared out among threads. */
#ifndef PW_BASE_SHARE_H
#define PW_BASE_SHARE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/processors.h"

/*
 * Calls @part for each number below @count, the lower ones first, on up to @threads threads; PW_THREADS_MAX is the most.
 * Once one has failed, no other is begun. Returns 0, or what the lowest number that failed returned.
 */
typedef int pw_part_fn(void *context, size_t number);
int pw_share(unsigned threads, size_t count, pw_part_fn *part, void *context);

/* Turns of the parts, for what is to be done in their order, by one thread at a time. */
struct pw_turns {
	pthread_mutex_t lock; /* protects the rest */
	pthread_cond_t ended;
	size_t next; /* the lowest part whose turn has not ended */
	int status; /* of that which failed; then no other has a turn */
};

void pw_turns_init(struct pw_turns *turns);
void pw_turns_clear(struct pw_turns *turns);

/* Waits for the turn of part @number. False: an earlier one failed. Otherwise the caller ends its turn. */
bool pw_turns_wait(struct pw_turns *turns, size_t number);
void pw_turns_end(struct pw_turns *turns, int status);

#endif
