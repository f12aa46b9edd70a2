/* SPDX-License-Identifier: MIT */
/*
 * Every format's walk over random memory. The input is a head and the memory:
 *
 *   0      1      2      3      4        12       20      28      36
 *   +------+------+------+------+--------+--------+-------+-------+---------
 *   |format| view |kernel|access| root 0 | root 1 |  va   |  va   | memory...
 *   +------+------+------+------+--------+--------+-------+-------+---------
 */
#include <stdlib.h>
#include <string.h>

#include "input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* All kinds of walk must give the same answers. */
static void ask(const struct pw_memory *memory, const struct pw_regime *regime, pw_va va)
{
	struct pw_result one, traced, many[2];
	struct pw_trace trace;
	const pw_va twice[2] = { va, va };

	pw_translate(memory, regime, va, &one);
	pw_translate_trace(memory, regime, va, &traced, &trace);
	pw_translate_many(memory, regime, twice, 2, many);
	if (memcmp(&one, &traced, sizeof(one)) || memcmp(&one, &many[0], sizeof(one)) ||
	    memcmp(&one, &many[1], sizeof(one)))
		abort();
	if (trace.steps > PW_MAX_LEVELS || one.status >= PW_SHARED)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input;

	if (!fuzz_input_init(&input, data, size))
		return 0;
	for (unsigned i = 0; i < 8; i++) {
		ask(input.memory, &input.regime, input.va[0] + ((pw_va)i << 12));
		ask(input.memory, &input.regime, input.va[1] ^ ((pw_va)1 << (7 * i + 12)));
	}
	fuzz_input_deinit(&input);
	return 0;
}
