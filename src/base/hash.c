/* SPDX-License-Identifier: MIT */
/* Random keys for SipHash-1-3, so that nobody can choose numbers that collide. */
#include "base/hash.h"

#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "base/mutant.h"

struct pw_hash_key pw_hash_key(void)
{
	struct pw_hash_key key = { { 0, 0 } };
	struct timespec now;

	if (pw_mutant(PW_MUTANT_HASH_KNOWN) ||
	    getrandom(&key, sizeof(key), GRND_NONBLOCK) == (ssize_t)sizeof(key))
		return key;
	/* No entropy yet, or no such call: use values of this process that an image's author cannot know. */
	clock_gettime(CLOCK_MONOTONIC, &now);
	key.word[0] ^= (uint64_t)now.tv_nsec << 32 ^ (uint64_t)now.tv_sec ^ (uintptr_t)&key;
	key.word[1] ^= (uint64_t)getpid() << 32 ^ (uintptr_t)&pw_hash_key;
	return key;
}
