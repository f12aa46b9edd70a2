/* SPDX-License-Identifier: MIT */
/* Random keys for hashes, so that nobody can choose numbers that collide. */
#include "base/hash.h"

#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "base/mutant.h"

/* The next of numbers that look random: SplitMix64 (Steele, Lea, Flood 2014). */
static uint64_t next(uint64_t *state)
{
	uint64_t word = *state += UINT64_C(0x9e3779b97f4a7c15);

	word = (word ^ word >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	word = (word ^ word >> 27) * UINT64_C(0x94d049bb133111eb);
	return word ^ word >> 31;
}

struct pw_hash_key pw_hash_key(void)
{
	struct pw_hash_key key = { { 0 } };
	struct timespec now;
	uint64_t state;

	if (pw_mutant(PW_MUTANT_HASH_KNOWN) ||
	    getrandom(&key, sizeof(key), GRND_NONBLOCK) == (ssize_t)sizeof(key))
		return key;
	/* No entropy yet, or no such call: use values of this process that an image's author cannot know. */
	clock_gettime(CLOCK_MONOTONIC, &now);
	state = ((uint64_t)now.tv_nsec << 32 ^ (uint64_t)now.tv_sec ^ (uintptr_t)&key) +
		((uint64_t)getpid() << 32 ^ (uintptr_t)&pw_hash_key);
	for (size_t i = 0; i < sizeof(key.word) / sizeof(key.word[0]); i++)
		key.word[i] ^= next(&state);
	return key;
}
