/* SPDX-License-Identifier: MIT */
/* Walks in vectors of AVX-512: eight lanes each. */
#include <immintrin.h>

#include "walk/wide.h"

#define PW_WIDE_TARGET __attribute__((target("avx512f,avx512bw,avx512dq")))
#define PW_WIDE_INLINE static inline __attribute__((always_inline)) PW_WIDE_TARGET

enum { PW_WIDTH = 8 };
typedef __m512i pw_vec;
typedef __mmask8 pw_sel; /* lanes that are selected */

PW_WIDE_INLINE pw_vec pw_vec_load(const uint64_t *from)
{
	return _mm512_loadu_si512(from);
}

PW_WIDE_INLINE void pw_vec_store(uint64_t *to, pw_vec a)
{
	_mm512_storeu_si512(to, a);
}

PW_WIDE_INLINE pw_vec pw_vec_all(uint64_t number)
{
	return _mm512_set1_epi64((long long)number);
}

PW_WIDE_INLINE pw_vec pw_vec_set(const uint64_t *n)
{
	return _mm512_set_epi64((long long)n[7], (long long)n[6], (long long)n[5], (long long)n[4],
				(long long)n[3], (long long)n[2], (long long)n[1], (long long)n[0]);
}

PW_WIDE_INLINE pw_vec pw_vec_and(pw_vec a, pw_vec b)
{
	return _mm512_and_si512(a, b);
}

PW_WIDE_INLINE pw_vec pw_vec_xor(pw_vec a, pw_vec b)
{
	return _mm512_xor_si512(a, b);
}

PW_WIDE_INLINE pw_vec pw_vec_add(pw_vec a, pw_vec b)
{
	return _mm512_add_epi64(a, b);
}

PW_WIDE_INLINE pw_vec pw_vec_sub(pw_vec a, pw_vec b)
{
	return _mm512_sub_epi64(a, b);
}

/* The product of the low halves. */
PW_WIDE_INLINE pw_vec pw_vec_mul32(pw_vec a, pw_vec b)
{
	return _mm512_mul_epu32(a, b);
}

PW_WIDE_INLINE pw_vec pw_vec_right(pw_vec a, unsigned bits)
{
	return _mm512_srl_epi64(a, _mm_cvtsi32_si128((int)bits));
}

PW_WIDE_INLINE pw_vec pw_vec_left(pw_vec a, unsigned bits)
{
	return _mm512_sll_epi64(a, _mm_cvtsi32_si128((int)bits));
}

PW_WIDE_INLINE pw_vec pw_vec_swap_bytes(pw_vec a)
{
	const __m128i order = _mm_set_epi8(8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7);

	return _mm512_shuffle_epi8(a, _mm512_broadcast_i32x4(order));
}

PW_WIDE_INLINE pw_sel pw_vec_equal(pw_vec a, pw_vec b)
{
	return _mm512_cmpeq_epu64_mask(a, b);
}

/* Of numbers without a sign. */
PW_WIDE_INLINE pw_sel pw_vec_at_most(pw_vec a, pw_vec b)
{
	return _mm512_cmple_epu64_mask(a, b);
}

PW_WIDE_INLINE pw_sel pw_sel_and(pw_sel a, pw_sel b)
{
	return (pw_sel)(a & b);
}

/* A bit for each lane. */
PW_WIDE_INLINE unsigned pw_sel_bits(pw_sel a)
{
	return a;
}

PW_WIDE_INLINE pw_sel pw_sel_of(unsigned bits)
{
	return (pw_sel)bits;
}

/* @a where selected, else @b. */
PW_WIDE_INLINE pw_vec pw_vec_pick(pw_sel selected, pw_vec a, pw_vec b)
{
	return _mm512_mask_mov_epi64(b, selected, a);
}

/* Stores two results: the halves of @two. */
PW_WIDE_INLINE void pw_vec_two(struct pw_result *first, struct pw_result *second, pw_vec two)
{
	_mm256_storeu_si256((__m256i *)(void *)first, _mm512_castsi512_si256(two));
	_mm256_storeu_si256((__m256i *)(void *)second, _mm512_extracti64x4_epi64(two, 1));
}

/* Stores a result for each lane. */
PW_WIDE_INLINE void pw_vec_results(struct pw_result *result, pw_vec va, pw_vec pa, pw_vec entry,
				   pw_vec tail)
{
	const pw_vec low = _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11);
	const pw_vec high = _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15);
	/* Of even lanes, and of odd ones. */
	const pw_vec even = _mm512_unpacklo_epi64(va, pa), odd = _mm512_unpackhi_epi64(va, pa);
	const pw_vec even2 = _mm512_unpacklo_epi64(entry, tail);
	const pw_vec odd2 = _mm512_unpackhi_epi64(entry, tail);

	pw_vec_two(&result[0], &result[2], _mm512_permutex2var_epi64(even, low, even2));
	pw_vec_two(&result[1], &result[3], _mm512_permutex2var_epi64(odd, low, odd2));
	pw_vec_two(&result[4], &result[6], _mm512_permutex2var_epi64(even, high, even2));
	pw_vec_two(&result[5], &result[7], _mm512_permutex2var_epi64(odd, high, odd2));
}

#include "walk/wide_lanes.h"

PW_WIDE_TARGET size_t pw_wide_avx512(struct pw_wide *wide, const pw_va *va, size_t count,
				     struct pw_result *result, size_t *found)
{
	return pw_wide_blocks(wide, va, count, result, found);
}
