/* SPDX-License-Identifier: MIT */
/* Numbers that look random and are the same on every host: splitmix64 (Steele, Lea, Flood 2014). */
#ifndef TESTS_UNIT_RANDOM_H
#define TESTS_UNIT_RANDOM_H

#include <stdint.h>
#include <stdlib.h>

static inline uint64_t random_next(uint64_t *state)
{
	uint64_t x = *state += UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

/* Below @end, which is not 0. */
static inline uint64_t random_below(uint64_t *state, uint64_t end)
{
	return random_next(state) % end;
}

/* True one time in @n. */
static inline int random_one_in(uint64_t *state, uint64_t n)
{
	return random_below(state, n) == 0;
}

/*
 * A seed for the @round-th case of a format. It depends only on the format's name, so that its cases stay
 * the same when other formats come, go or move.
 */
static inline uint64_t random_seed(const char *name, uint64_t round)
{
	uint64_t state = round;

	for (; *name; name++)
		state = random_next(&state) ^ (unsigned char)*name;
	return random_next(&state);
}

/* How much of a long test to run: all, or less if the host is slow (an emulator). */
static inline unsigned test_amount(unsigned full, unsigned quick)
{
	return getenv("PW_TEST_QUICK") ? quick : full;
}

#endif
