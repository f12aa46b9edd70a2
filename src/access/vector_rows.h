/* SPDX-License-Identifier: MIT */
/* Words of four lanes stored lane by lane: for vectors of AVX2, and for halves of those of AVX-512. */
#ifndef PW_ACCESS_VECTOR_ROWS_H
#define PW_ACCESS_VECTOR_ROWS_H

#include <immintrin.h>
#include <stddef.h>

#define PW_ROWS_INLINE static inline __attribute__((always_inline, target("avx2")))

/* Stores four words of each lane side by side, those of one lane @stride bytes behind those of the lane before. */
PW_ROWS_INLINE void pw_rows_of_four(unsigned char *to, size_t stride, __m256i a, __m256i b,
				    __m256i c, __m256i d)
{
	/* Of lanes 0 and 2, and of lanes 1 and 3. */
	const __m256i even = _mm256_unpacklo_epi64(a, b), odd = _mm256_unpackhi_epi64(a, b);
	const __m256i even2 = _mm256_unpacklo_epi64(c, d), odd2 = _mm256_unpackhi_epi64(c, d);

	_mm256_storeu_si256((__m256i *)(void *)to, _mm256_permute2x128_si256(even, even2, 0x20));
	_mm256_storeu_si256((__m256i *)(void *)(to + stride),
			    _mm256_permute2x128_si256(odd, odd2, 0x20));
	_mm256_storeu_si256((__m256i *)(void *)(to + 2 * stride),
			    _mm256_permute2x128_si256(even, even2, 0x31));
	_mm256_storeu_si256((__m256i *)(void *)(to + 3 * stride),
			    _mm256_permute2x128_si256(odd, odd2, 0x31));
}

/* The same with two words of each lane. */
PW_ROWS_INLINE void pw_rows_of_two(unsigned char *to, size_t stride, __m256i a, __m256i b)
{
	const __m256i even = _mm256_unpacklo_epi64(a, b), odd = _mm256_unpackhi_epi64(a, b);

	_mm_storeu_si128((__m128i *)(void *)to, _mm256_castsi256_si128(even));
	_mm_storeu_si128((__m128i *)(void *)(to + stride), _mm256_castsi256_si128(odd));
	_mm_storeu_si128((__m128i *)(void *)(to + 2 * stride), _mm256_extracti128_si256(even, 1));
	_mm_storeu_si128((__m128i *)(void *)(to + 3 * stride), _mm256_extracti128_si256(odd, 1));
}

#endif
