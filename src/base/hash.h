/* SPDX-License-Identifier: MIT */
/*
 * Hashes of numbers that others chose: table addresses come from images that nobody vouches for. Each
 * set has its own random key, so that nobody can choose numbers that collide in it.
 *
 * The hash is a sum of products of 64 bits, of which the upper half is taken: with words m of the key and the halves s of
 * the numbers, m0 + (m1 + s1) * (m2 + s2) + (m3 + s3) * (m4 + s4) + ... Whatever two different lists of as many numbers
 * are, they get the same 32 bits for one key of 2^32 (Lemire, Kaser: "Strongly universal string hashing is fast", 2014).
 * Who sees hashes could find out the key; nobody does.
 */
#ifndef PW_BASE_HASH_H
#define PW_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

enum { PW_HASH_WORDS = 3 }; /* the most that are hashed at once */

struct pw_hash_key {
	uint64_t word[1 + 2 * PW_HASH_WORDS];
};

/* A new key. */
struct pw_hash_key pw_hash_key(void);

/* Of @count words, at most PW_HASH_WORDS. Lists of different lengths may collide. */
static inline uint32_t pw_hash(const struct pw_hash_key *key, const uint64_t *words, size_t count)
{
	uint64_t sum = key->word[0];
	uint32_t hash;

	for (size_t i = 0; i < count; i++)
		sum += (key->word[2 * i + 1] + (uint32_t)words[i]) *
		       (key->word[2 * i + 2] + (words[i] >> 32));
	/* Sets take the lowest bits. Addresses that are multiples of something must not lose these by that. */
	hash = (uint32_t)(sum >> 32);
	hash = (hash ^ hash >> 16) * 0x9e3779b1;
	return hash ^ hash >> 15;
}

#endif
