/* SPDX-License-Identifier: MIT */
/*
 * Hashes of numbers that others chose: table addresses come from images that nobody vouches for. Each
 * set has its own random key, so that nobody can choose numbers that collide in it.
 *
 * The hash is SipHash-1-3 (Aumasson, Bernstein 2012, in its usual short form) over whole words.
 */
#ifndef PW_BASE_HASH_H
#define PW_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

struct pw_hash_key {
	uint64_t word[2];
};

/* A new key. */
struct pw_hash_key pw_hash_key(void);

static inline uint64_t pw_hash_turn(uint64_t word, unsigned bits)
{
	return word << bits | word >> (64 - bits);
}

static inline void pw_hash_round(uint64_t v[4])
{
	v[0] += v[1];
	v[2] += v[3];
	v[1] = pw_hash_turn(v[1], 13) ^ v[0];
	v[3] = pw_hash_turn(v[3], 16) ^ v[2];
	v[0] = pw_hash_turn(v[0], 32) + v[3];
	v[2] += v[1];
	v[3] = pw_hash_turn(v[3], 21) ^ v[0];
	v[1] = pw_hash_turn(v[1], 17) ^ v[2];
	v[2] = pw_hash_turn(v[2], 32);
}

static inline uint64_t pw_hash(const struct pw_hash_key *key, const uint64_t *words, size_t count)
{
	uint64_t v[4] = {
		key->word[0] ^ UINT64_C(0x736f6d6570736575),
		key->word[1] ^ UINT64_C(0x646f72616e646f6d),
		key->word[0] ^ UINT64_C(0x6c7967656e657261),
		key->word[1] ^ UINT64_C(0x7465646279746573),
	};

	for (size_t i = 0; i <= count; i++) {
		/* The last word holds the length and nothing else. */
		uint64_t word = i < count ? words[i] : (uint64_t)count << 59;

		v[3] ^= word;
		pw_hash_round(v);
		v[0] ^= word;
	}
	v[2] ^= 0xff;
	for (unsigned i = 0; i < 3; i++)
		pw_hash_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

#endif
