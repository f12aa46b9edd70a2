/* SPDX-License-Identifier: MIT */
/* Runs in vectors of NEON. */
#include "access/run.h"
#include "access/vector_neon.h"

#define RUN_NAME  run_four
#define RUN_ENTRY uint32_t
#define RUN_SWAP  pw_vec_swap_four
#include "access/run_vectors.h"
#define RUN_NAME  run_eight
#define RUN_ENTRY uint64_t
#define RUN_SWAP  pw_vec_swap_eight
#include "access/run_vectors.h"

static bool is_here(void)
{
	return true;
}

const struct pw_run_way pw_run_neon = { "NEON", is_here, run_four, run_eight, NULL };
