/* SPDX-License-Identifier: MIT */
/* Runs of entries, compared by the best vectors that the processor has. */
#include "access/run.h"

#include <endian.h>

#include "base/mutant.h"
#include "base/tsan.h"

static const bool HOST_IS_BIG = __BYTE_ORDER == __BIG_ENDIAN;

/* ThreadSanitizer would take a load of several words for a race with a store of one. */
#if defined(__x86_64__) && !defined(PW_TSAN)
#include <immintrin.h>

/* ---- AVX-512 ---- */

#define RUN_TARGET __attribute__((target("avx512f,avx512bw")))

RUN_TARGET static inline __m512i swap_four_512(__m512i words)
{
	return _mm512_shuffle_epi8(words,
				   _mm512_broadcast_i32x4(_mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11,
								       4, 5, 6, 7, 0, 1, 2, 3)));
}

RUN_TARGET static inline __m512i swap_eight_512(__m512i words)
{
	return _mm512_shuffle_epi8(words,
				   _mm512_broadcast_i32x4(_mm_set_epi8(8, 9, 10, 11, 12, 13, 14, 15,
								       0, 1, 2, 3, 4, 5, 6, 7)));
}

RUN_TARGET static inline bool any_512(__m512i words)
{
	return _mm512_test_epi64_mask(words, words) != 0;
}

#define RUN_VECTOR __m512i
#define RUN_BYTES  64
#define RUN_ANY    any_512
#define RUN_NAME   four_512
#define RUN_ENTRY  uint32_t
#define RUN_SWAP   swap_four_512
#include "access/run_vectors.h"
#define RUN_NAME  eight_512
#define RUN_ENTRY uint64_t
#define RUN_SWAP  swap_eight_512
#include "access/run_vectors.h"
#undef RUN_TARGET
#undef RUN_VECTOR
#undef RUN_BYTES
#undef RUN_ANY

static bool is_here_512(void)
{
	return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw");
}

/* ---- AVX2 ---- */

#define RUN_TARGET __attribute__((target("avx2")))

RUN_TARGET static inline __m256i swap_four_256(__m256i words)
{
	return _mm256_shuffle_epi8(
		words, _mm256_broadcastsi128_si256(
			       _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3)));
}

RUN_TARGET static inline __m256i swap_eight_256(__m256i words)
{
	return _mm256_shuffle_epi8(
		words, _mm256_broadcastsi128_si256(
			       _mm_set_epi8(8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7)));
}

RUN_TARGET static inline bool any_256(__m256i words)
{
	return !_mm256_testz_si256(words, words);
}

#define RUN_VECTOR __m256i
#define RUN_BYTES  32
#define RUN_ANY    any_256
#define RUN_NAME   four_256
#define RUN_ENTRY  uint32_t
#define RUN_SWAP   swap_four_256
#include "access/run_vectors.h"
#define RUN_NAME  eight_256
#define RUN_ENTRY uint64_t
#define RUN_SWAP  swap_eight_256
#include "access/run_vectors.h"
#undef RUN_TARGET
#undef RUN_VECTOR
#undef RUN_BYTES
#undef RUN_ANY

static bool is_here_256(void)
{
	return __builtin_cpu_supports("avx2");
}

static const struct pw_run_way ways[] = {
	{ "AVX-512", is_here_512, four_512, eight_512 },
	{ "AVX2", is_here_256, four_256, eight_256 },
	{ 0 },
};
#elif defined(__aarch64__) && __BYTE_ORDER == __LITTLE_ENDIAN && !defined(PW_TSAN)
#include <arm_neon.h>

/* ---- NEON, which every arm64 processor has ---- */

static inline uint8x16_t swap_four_128(uint8x16_t words)
{
	return vrev32q_u8(words);
}

static inline uint8x16_t swap_eight_128(uint8x16_t words)
{
	return vrev64q_u8(words);
}

static inline bool any_128(uint8x16_t words)
{
	return vmaxvq_u8(words) != 0;
}

#define RUN_TARGET
#define RUN_VECTOR uint8x16_t
#define RUN_BYTES  16
#define RUN_ANY    any_128
#define RUN_NAME   four_128
#define RUN_ENTRY  uint32_t
#define RUN_SWAP   swap_four_128
#include "access/run_vectors.h"
#define RUN_NAME  eight_128
#define RUN_ENTRY uint64_t
#define RUN_SWAP  swap_eight_128
#include "access/run_vectors.h"
#undef RUN_TARGET
#undef RUN_VECTOR
#undef RUN_BYTES
#undef RUN_ANY

static bool is_here_128(void)
{
	return true;
}

static const struct pw_run_way ways[] = {
	{ "NEON", is_here_128, four_128, eight_128 },
	{ 0 },
};
#else
static const struct pw_run_way ways[] = { { 0 } };
#endif

const struct pw_run_way *pw_run_way_at(size_t number)
{
	return number < sizeof(ways) / sizeof(ways[0]) && ways[number].name ? &ways[number] : NULL;
}

size_t pw_run_length(const unsigned char *host, size_t count, unsigned entry_lg2, bool big_endian,
		     uint64_t first, uint64_t stride)
{
	const struct pw_run_way *way = ways;

	if (pw_mutant(PW_MUTANT_RUN_BELIEVED))
		return count;
	while (way->name && !way->is_here())
		way++;
	if (!way->name)
		return 0;
	return (entry_lg2 == 2 ? way->four : way->eight)(host, count, big_endian != HOST_IS_BIG,
							 first, stride);
}
