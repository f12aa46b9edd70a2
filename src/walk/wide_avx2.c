/* SPDX-License-Identifier: MIT */
/* Walks in vectors of AVX2: four lanes each. What the functions do, says wide_avx512.c. */
#include <immintrin.h>

#include "walk/wide.h"

#define PW_WIDE_TARGET __attribute__((target("avx2")))
#define PW_WIDE_INLINE static inline __attribute__((always_inline)) PW_WIDE_TARGET

enum { PW_WIDTH = 4 };
typedef __m256i pw_vec;
typedef __m256i pw_sel; /* all bits of the lanes that are selected */

PW_WIDE_INLINE pw_vec pw_vec_load(const uint64_t *from)
{
	return _mm256_loadu_si256((const __m256i *)(const void *)from);
}

PW_WIDE_INLINE void pw_vec_store(uint64_t *to, pw_vec a)
{
	_mm256_storeu_si256((__m256i *)(void *)to, a);
}

PW_WIDE_INLINE pw_vec pw_vec_all(uint64_t number)
{
	return _mm256_set1_epi64x((long long)number);
}

PW_WIDE_INLINE pw_vec pw_vec_set(const uint64_t *n)
{
	return _mm256_set_epi64x((long long)n[3], (long long)n[2], (long long)n[1],
				 (long long)n[0]);
}

PW_WIDE_INLINE pw_vec pw_vec_and(pw_vec a, pw_vec b)
{
	return _mm256_and_si256(a, b);
}

PW_WIDE_INLINE pw_vec pw_vec_xor(pw_vec a, pw_vec b)
{
	return _mm256_xor_si256(a, b);
}

PW_WIDE_INLINE pw_vec pw_vec_add(pw_vec a, pw_vec b)
{
	return _mm256_add_epi64(a, b);
}

PW_WIDE_INLINE pw_vec pw_vec_sub(pw_vec a, pw_vec b)
{
	return _mm256_sub_epi64(a, b);
}

PW_WIDE_INLINE pw_vec pw_vec_mul32(pw_vec a, pw_vec b)
{
	return _mm256_mul_epu32(a, b);
}

PW_WIDE_INLINE pw_vec pw_vec_right(pw_vec a, unsigned bits)
{
	return _mm256_srl_epi64(a, _mm_cvtsi32_si128((int)bits));
}

PW_WIDE_INLINE pw_vec pw_vec_left(pw_vec a, unsigned bits)
{
	return _mm256_sll_epi64(a, _mm_cvtsi32_si128((int)bits));
}

PW_WIDE_INLINE pw_vec pw_vec_swap_bytes(pw_vec a)
{
	const __m128i order = _mm_set_epi8(8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7);

	return _mm256_shuffle_epi8(a, _mm256_broadcastsi128_si256(order));
}

PW_WIDE_INLINE pw_sel pw_vec_equal(pw_vec a, pw_vec b)
{
	return _mm256_cmpeq_epi64(a, b);
}

/* The processor compares numbers with a sign, so each gets the other sign before; and it knows no "at most". */
PW_WIDE_INLINE pw_sel pw_vec_at_most(pw_vec a, pw_vec b)
{
	const pw_vec sign = pw_vec_all(UINT64_C(1) << 63), ones = pw_vec_all(~UINT64_C(0));

	return _mm256_xor_si256(
		_mm256_cmpgt_epi64(_mm256_xor_si256(a, sign), _mm256_xor_si256(b, sign)), ones);
}

PW_WIDE_INLINE pw_sel pw_sel_and(pw_sel a, pw_sel b)
{
	return _mm256_and_si256(a, b);
}

PW_WIDE_INLINE unsigned pw_sel_bits(pw_sel a)
{
	return (unsigned)_mm256_movemask_pd(_mm256_castsi256_pd(a));
}

PW_WIDE_INLINE pw_sel pw_sel_of(unsigned bits)
{
	const pw_vec lane = _mm256_setr_epi64x(1, 2, 4, 8);

	return _mm256_cmpeq_epi64(_mm256_and_si256(pw_vec_all(bits), lane), lane);
}

PW_WIDE_INLINE pw_vec pw_vec_pick(pw_sel selected, pw_vec a, pw_vec b)
{
	return _mm256_blendv_epi8(b, a, selected);
}

PW_WIDE_INLINE void pw_vec_results(struct pw_result *result, pw_vec va, pw_vec pa, pw_vec entry,
				   pw_vec tail)
{
	/* Of lanes 0 and 2, and of lanes 1 and 3. */
	const pw_vec even = _mm256_unpacklo_epi64(va, pa), odd = _mm256_unpackhi_epi64(va, pa);
	const pw_vec even2 = _mm256_unpacklo_epi64(entry, tail);
	const pw_vec odd2 = _mm256_unpackhi_epi64(entry, tail);

	_mm256_storeu_si256((__m256i *)(void *)&result[0],
			    _mm256_permute2x128_si256(even, even2, 0x20));
	_mm256_storeu_si256((__m256i *)(void *)&result[1],
			    _mm256_permute2x128_si256(odd, odd2, 0x20));
	_mm256_storeu_si256((__m256i *)(void *)&result[2],
			    _mm256_permute2x128_si256(even, even2, 0x31));
	_mm256_storeu_si256((__m256i *)(void *)&result[3],
			    _mm256_permute2x128_si256(odd, odd2, 0x31));
}

#include "walk/wide_lanes.h"

PW_WIDE_TARGET size_t pw_wide_avx2(struct pw_wide *wide, const pw_va *va, size_t count,
				   struct pw_result *result, size_t *found)
{
	return pw_wide_blocks(wide, va, count, result, found);
}
