/* SPDX-License-Identifier: MIT */
/* Runs and scattered pages in vectors of AVX2. */
#include "access/processor.h"
#include "access/run.h"
#include "access/vector_avx2.h"

#include "access/scatter_lanes.h"

#define RUN_NAME  run_four
#define RUN_ENTRY uint32_t
#define RUN_SWAP  pw_vec_swap_four
#include "access/run_vectors.h"
#define RUN_NAME  run_eight
#define RUN_ENTRY uint64_t
#define RUN_SWAP  pw_vec_swap_eight
#include "access/run_vectors.h"

const struct pw_run_way pw_run_avx2 = { "AVX2", pw_has_avx2, run_four, run_eight,
					pw_scatter_blocks };
