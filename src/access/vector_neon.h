/* SPDX-License-Identifier: MIT */
/* Vectors of NEON, which every arm64 processor has: as much of them as runs need. */
#ifndef PW_ACCESS_VECTOR_NEON_H
#define PW_ACCESS_VECTOR_NEON_H

#include <arm_neon.h>
#include <stdbool.h>

#define PW_VEC_TARGET
#define PW_VEC_INLINE static inline __attribute__((always_inline))

typedef uint8x16_t pw_vec;

PW_VEC_INLINE pw_vec pw_vec_swap_four(pw_vec a)
{
	return vrev32q_u8(a);
}

PW_VEC_INLINE pw_vec pw_vec_swap_eight(pw_vec a)
{
	return vrev64q_u8(a);
}

PW_VEC_INLINE bool pw_vec_any(pw_vec a)
{
	return vmaxvq_u8(a) != 0;
}

#endif
