/* SPDX-License-Identifier: MIT */
/* Vectors of AVX-512: eight lanes of 64 bits each. */
#ifndef PW_ACCESS_VECTOR_AVX512_H
#define PW_ACCESS_VECTOR_AVX512_H

#include <immintrin.h>
#include <stdbool.h>
#include <stdint.h>

#include "access/vector_rows.h"

#define PW_VEC_TARGET __attribute__((target("avx512f,avx512bw,avx512dq,bmi2")))
#define PW_VEC_INLINE static inline __attribute__((always_inline)) PW_VEC_TARGET

enum { PW_VEC_LANES = 8 };
typedef __m512i pw_vec;
typedef __mmask8 pw_sel; /* lanes that are selected */

PW_VEC_INLINE pw_vec pw_vec_load(const uint64_t *from)
{
	return _mm512_loadu_si512(from);
}

PW_VEC_INLINE void pw_vec_store(uint64_t *to, pw_vec a)
{
	_mm512_storeu_si512(to, a);
}

PW_VEC_INLINE pw_vec pw_vec_all(uint64_t number)
{
	return _mm512_set1_epi64((long long)number);
}

PW_VEC_INLINE pw_vec pw_vec_set(const uint64_t *n)
{
	return _mm512_set_epi64((long long)n[7], (long long)n[6], (long long)n[5], (long long)n[4],
				(long long)n[3], (long long)n[2], (long long)n[1], (long long)n[0]);
}

PW_VEC_INLINE pw_vec pw_vec_and(pw_vec a, pw_vec b)
{
	return _mm512_and_si512(a, b);
}

PW_VEC_INLINE pw_vec pw_vec_xor(pw_vec a, pw_vec b)
{
	return _mm512_xor_si512(a, b);
}

PW_VEC_INLINE pw_vec pw_vec_add(pw_vec a, pw_vec b)
{
	return _mm512_add_epi64(a, b);
}

PW_VEC_INLINE pw_vec pw_vec_sub(pw_vec a, pw_vec b)
{
	return _mm512_sub_epi64(a, b);
}

/* The product of the low halves. */
PW_VEC_INLINE pw_vec pw_vec_mul32(pw_vec a, pw_vec b)
{
	return _mm512_mul_epu32(a, b);
}

PW_VEC_INLINE pw_vec pw_vec_right(pw_vec a, unsigned bits)
{
	return _mm512_srl_epi64(a, _mm_cvtsi32_si128((int)bits));
}

PW_VEC_INLINE pw_vec pw_vec_left(pw_vec a, unsigned bits)
{
	return _mm512_sll_epi64(a, _mm_cvtsi32_si128((int)bits));
}

/* Turns the bytes of each word of eight, or of four, around. */
PW_VEC_INLINE pw_vec pw_vec_swap_eight(pw_vec a)
{
	const __m128i order = _mm_set_epi8(8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7);

	return _mm512_shuffle_epi8(a, _mm512_broadcast_i32x4(order));
}

PW_VEC_INLINE pw_vec pw_vec_swap_four(pw_vec a)
{
	const __m128i order = _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3);

	return _mm512_shuffle_epi8(a, _mm512_broadcast_i32x4(order));
}

PW_VEC_INLINE pw_sel pw_vec_equal(pw_vec a, pw_vec b)
{
	return _mm512_cmpeq_epu64_mask(a, b);
}

/* Of numbers without a sign. */
PW_VEC_INLINE pw_sel pw_vec_at_most(pw_vec a, pw_vec b)
{
	return _mm512_cmple_epu64_mask(a, b);
}

PW_VEC_INLINE pw_sel pw_sel_and(pw_sel a, pw_sel b)
{
	return (pw_sel)(a & b);
}

/* A bit for each lane. */
PW_VEC_INLINE unsigned pw_sel_bits(pw_sel a)
{
	return a;
}

PW_VEC_INLINE pw_sel pw_sel_of(unsigned bits)
{
	return (pw_sel)bits;
}

/* @a where selected, else @b. */
PW_VEC_INLINE pw_vec pw_vec_pick(pw_sel selected, pw_vec a, pw_vec b)
{
	return _mm512_mask_mov_epi64(b, selected, a);
}

/* Is any bit set? */
PW_VEC_INLINE bool pw_vec_any(pw_vec a)
{
	return _mm512_test_epi64_mask(a, a) != 0;
}

/* The lanes of @a, one lane up; below them the last one of @before. */
PW_VEC_INLINE pw_vec pw_vec_push(pw_vec before, pw_vec a)
{
	return _mm512_alignr_epi64(a, before, PW_VEC_LANES - 1);
}

/* How to put the lanes for which a bit is set side by side, from the first lane on. (A compression takes longer.) */
PW_VEC_INLINE pw_vec pw_vec_order(unsigned bits)
{
	const uint64_t bytes = _pdep_u64(bits, UINT64_C(0x0101010101010101)) * 0xff;
	const uint64_t order = _pext_u64(UINT64_C(0x0706050403020100), bytes);

	return _mm512_cvtepu8_epi64(_mm_cvtsi64_si128((long long)order));
}

/* The lanes of @a in this order; what follows them is not said. */
PW_VEC_INLINE pw_vec pw_vec_pack(pw_vec order, pw_vec a)
{
	return _mm512_permutexvar_epi64(order, a);
}

/* Loads eight entries of four bytes, and makes words of eight bytes of them. */
PW_VEC_INLINE pw_vec pw_vec_load_four(const void *from)
{
	return _mm512_cvtepu32_epi64(*(const volatile __m256i_u *)from);
}

PW_VEC_INLINE pw_vec pw_vec_load_eight(const void *from)
{
	return *(const volatile __m512i_u *)from;
}

PW_VEC_INLINE __m256i pw_vec_low(pw_vec a)
{
	return _mm512_castsi512_si256(a);
}

PW_VEC_INLINE __m256i pw_vec_high(pw_vec a)
{
	return _mm512_extracti64x4_epi64(a, 1);
}

/* Stores four words of each lane side by side: the first @lanes of them at @to, @stride bytes apart, or more. */
PW_VEC_INLINE void pw_vec_rows(void *to, size_t stride, unsigned lanes, pw_vec a, pw_vec b,
			       pw_vec c, pw_vec d)
{
	unsigned char *row = to;

	pw_rows_of_four(row, stride, pw_vec_low(a), pw_vec_low(b), pw_vec_low(c), pw_vec_low(d));
	if (lanes > 4)
		pw_rows_of_four(row + 4 * stride, stride, pw_vec_high(a), pw_vec_high(b),
				pw_vec_high(c), pw_vec_high(d));
}

/* The same with two words of each lane. */
PW_VEC_INLINE void pw_vec_pairs(void *to, size_t stride, unsigned lanes, pw_vec a, pw_vec b)
{
	unsigned char *row = to;

	pw_rows_of_two(row, stride, pw_vec_low(a), pw_vec_low(b));
	if (lanes > 4)
		pw_rows_of_two(row + 4 * stride, stride, pw_vec_high(a), pw_vec_high(b));
}

#endif
