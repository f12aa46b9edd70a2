/* SPDX-License-Identifier: MIT */
/* Vectors of AVX2: four lanes of 64 bits each. What the functions do, says vector_avx512.h. */
#ifndef PW_ACCESS_VECTOR_AVX2_H
#define PW_ACCESS_VECTOR_AVX2_H

#include <immintrin.h>
#include <stdbool.h>
#include <stdint.h>

#include "access/vector_rows.h"

#define PW_VEC_TARGET __attribute__((target("avx2")))
#define PW_VEC_INLINE static inline __attribute__((always_inline)) PW_VEC_TARGET

enum { PW_VEC_LANES = 4 };
typedef __m256i pw_vec;
typedef __m256i pw_sel; /* all bits of the lanes that are selected */

PW_VEC_INLINE pw_vec pw_vec_load(const uint64_t *from)
{
	return _mm256_loadu_si256((const __m256i *)(const void *)from);
}

PW_VEC_INLINE void pw_vec_store(uint64_t *to, pw_vec a)
{
	_mm256_storeu_si256((__m256i *)(void *)to, a);
}

PW_VEC_INLINE pw_vec pw_vec_all(uint64_t number)
{
	return _mm256_set1_epi64x((long long)number);
}

PW_VEC_INLINE pw_vec pw_vec_set(const uint64_t *n)
{
	return _mm256_set_epi64x((long long)n[3], (long long)n[2], (long long)n[1],
				 (long long)n[0]);
}

PW_VEC_INLINE pw_vec pw_vec_and(pw_vec a, pw_vec b)
{
	return _mm256_and_si256(a, b);
}

PW_VEC_INLINE pw_vec pw_vec_xor(pw_vec a, pw_vec b)
{
	return _mm256_xor_si256(a, b);
}

PW_VEC_INLINE pw_vec pw_vec_add(pw_vec a, pw_vec b)
{
	return _mm256_add_epi64(a, b);
}

PW_VEC_INLINE pw_vec pw_vec_sub(pw_vec a, pw_vec b)
{
	return _mm256_sub_epi64(a, b);
}

PW_VEC_INLINE pw_vec pw_vec_mul32(pw_vec a, pw_vec b)
{
	return _mm256_mul_epu32(a, b);
}

PW_VEC_INLINE pw_vec pw_vec_right(pw_vec a, unsigned bits)
{
	return _mm256_srl_epi64(a, _mm_cvtsi32_si128((int)bits));
}

PW_VEC_INLINE pw_vec pw_vec_left(pw_vec a, unsigned bits)
{
	return _mm256_sll_epi64(a, _mm_cvtsi32_si128((int)bits));
}

/* Turns the bytes of each word of eight, or of four, around. */
PW_VEC_INLINE pw_vec pw_vec_swap_eight(pw_vec a)
{
	const __m128i order = _mm_set_epi8(8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7);

	return _mm256_shuffle_epi8(a, _mm256_broadcastsi128_si256(order));
}

PW_VEC_INLINE pw_vec pw_vec_swap_four(pw_vec a)
{
	const __m128i order = _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3);

	return _mm256_shuffle_epi8(a, _mm256_broadcastsi128_si256(order));
}

PW_VEC_INLINE pw_sel pw_vec_equal(pw_vec a, pw_vec b)
{
	return _mm256_cmpeq_epi64(a, b);
}

/* The processor compares numbers with a sign, so each gets the other sign before; and it knows no "at most". */
PW_VEC_INLINE pw_sel pw_vec_at_most(pw_vec a, pw_vec b)
{
	const pw_vec sign = pw_vec_all(UINT64_C(1) << 63), ones = pw_vec_all(~UINT64_C(0));

	return _mm256_xor_si256(
		_mm256_cmpgt_epi64(_mm256_xor_si256(a, sign), _mm256_xor_si256(b, sign)), ones);
}

PW_VEC_INLINE pw_sel pw_sel_and(pw_sel a, pw_sel b)
{
	return _mm256_and_si256(a, b);
}

PW_VEC_INLINE unsigned pw_sel_bits(pw_sel a)
{
	return (unsigned)_mm256_movemask_pd(_mm256_castsi256_pd(a));
}

PW_VEC_INLINE pw_sel pw_sel_of(unsigned bits)
{
	const pw_vec lane = _mm256_setr_epi64x(1, 2, 4, 8);

	return _mm256_cmpeq_epi64(_mm256_and_si256(pw_vec_all(bits), lane), lane);
}

PW_VEC_INLINE pw_vec pw_vec_pick(pw_sel selected, pw_vec a, pw_vec b)
{
	return _mm256_blendv_epi8(b, a, selected);
}

PW_VEC_INLINE bool pw_vec_any(pw_vec a)
{
	return !_mm256_testz_si256(a, a);
}

PW_VEC_INLINE pw_vec pw_vec_push(pw_vec before, pw_vec a)
{
	return _mm256_blend_epi32(_mm256_permute4x64_epi64(a, 0x93),
				  _mm256_permute4x64_epi64(before, 0x93), 0x03);
}

/* Of the halves of lanes: four bits for each. */
PW_VEC_INLINE pw_vec pw_vec_order(unsigned bits)
{
	static const uint32_t order[16] = {
		0x00000000, 0x00000010, 0x00000032, 0x00003210, 0x00000054, 0x00005410,
		0x00005432, 0x00543210, 0x00000076, 0x00007610, 0x00007632, 0x00763210,
		0x00007654, 0x00765410, 0x00765432, 0x76543210,
	};
	const pw_vec shifts = _mm256_setr_epi32(0, 4, 8, 12, 16, 20, 24, 28);

	return _mm256_srlv_epi32(_mm256_set1_epi32((int)order[bits]), shifts);
}

PW_VEC_INLINE pw_vec pw_vec_pack(pw_vec order, pw_vec a)
{
	return _mm256_permutevar8x32_epi32(a, order);
}

PW_VEC_INLINE pw_vec pw_vec_load_four(const void *from)
{
	return _mm256_cvtepu32_epi64(*(const volatile __m128i_u *)from);
}

PW_VEC_INLINE pw_vec pw_vec_load_eight(const void *from)
{
	return *(const volatile __m256i_u *)from;
}

PW_VEC_INLINE void pw_vec_rows(void *to, size_t stride, unsigned lanes, pw_vec a, pw_vec b,
			       pw_vec c, pw_vec d)
{
	(void)lanes;
	pw_rows_of_four(to, stride, a, b, c, d);
}

PW_VEC_INLINE void pw_vec_pairs(void *to, size_t stride, unsigned lanes, pw_vec a, pw_vec b)
{
	(void)lanes;
	pw_rows_of_two(to, stride, a, b);
}

#endif
