/* SPDX-License-Identifier: MIT */
/* Walks in vectors of AVX-512. */
#include "access/vector_avx512.h"
#include "walk/wide.h"
#include "walk/wide_lanes.h"

PW_VEC_TARGET size_t pw_wide_avx512(struct pw_wide *wide, const pw_va *va, size_t count,
				    struct pw_result *result, size_t *found)
{
	return pw_wide_blocks(wide, va, count, result, found);
}
