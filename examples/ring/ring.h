/* SPDX-License-Identifier: MIT */
/*
 * A ring for one producer and one consumer, without a lock. The numbers count what was ever put in and taken out, so
 * each is written by one thread alone.
 */
#ifndef RING_H
#define RING_H

#include <stdbool.h>

/* What publishes a slot; lab.c shows what happens with less. */
#ifndef RING_RELEASE
#define RING_RELEASE __ATOMIC_RELEASE
#endif

enum { RING_SIZE = 2 };

struct ring {
	unsigned put, taken;
	int slot[RING_SIZE];
};

/* For the producer. False if the ring is full. */
static inline bool ring_put(struct ring *ring, int value)
{
	unsigned at = __atomic_load_n(&ring->put, __ATOMIC_RELAXED);

	if (at - __atomic_load_n(&ring->taken, __ATOMIC_ACQUIRE) == RING_SIZE)
		return false;
	ring->slot[at % RING_SIZE] = value;
	__atomic_store_n(&ring->put, at + 1, RING_RELEASE);
	return true;
}

/* For the consumer. False if the ring is empty. */
static inline bool ring_take(struct ring *ring, int *value_ret)
{
	unsigned at = __atomic_load_n(&ring->taken, __ATOMIC_RELAXED);

	if (at == __atomic_load_n(&ring->put, __ATOMIC_ACQUIRE))
		return false;
	*value_ret = ring->slot[at % RING_SIZE];
	__atomic_store_n(&ring->taken, at + 1, __ATOMIC_RELEASE);
	return true;
}

#endif
