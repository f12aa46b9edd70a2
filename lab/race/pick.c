/* SPDX-License-Identifier: MIT */
/*
 * Which lane goes on in a sample: any, or by priorities that change at random events, which finds faults that need few
 * changes of thread (Burckhardt and others: A randomized scheduler with probabilistic guarantees, ASPLOS 2010).
 */
#include "lab/race/search.h"

static uint64_t random_state;

void race_seed(uint64_t seed)
{
	random_state = seed * 2 + 1;
}

static uint64_t random_number(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

unsigned race_pick_value(unsigned count)
{
	/* Otherwise little goes on as it should. */
	if (random_number() & 1)
		return 0;
	return (unsigned)(random_number() % count);
}

static unsigned priority[RACE_LANES], changes[16];

unsigned race_pick_random(unsigned enabled)
{
	unsigned skip = (unsigned)(random_number() % (unsigned)__builtin_popcount(enabled));

	while (skip--)
		enabled &= enabled - 1;
	return (unsigned)__builtin_ctz(enabled);
}

unsigned race_pick_priority(unsigned enabled, unsigned bound)
{
	unsigned best = 0;
	bool any = false;

	for (unsigned left = enabled; left; left &= left - 1) {
		unsigned lane = (unsigned)__builtin_ctz(left);

		if (!any || priority[lane] > priority[best])
			best = lane;
		any = true;
	}
	for (unsigned i = 0; i < bound && i < 16; i++)
		if (changes[i] == race.depth)
			priority[best] = i;
	return best;
}

void race_pick_prepare(unsigned deepest)
{
	for (unsigned i = 0; i < RACE_LANES; i++)
		priority[i] = 16 + (unsigned)(random_number() % 100000);
	for (unsigned i = 0; i < 16; i++)
		changes[i] = deepest ? (unsigned)(random_number() % deepest) : 0;
}
