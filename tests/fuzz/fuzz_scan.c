/* SPDX-License-Identifier: MIT */
/*
 * Scans of random memory, with limits, in batches of odd sizes. The layout of the input is that of
 * fuzz_walk.c; the two addresses are the range.
 */
#include <stdlib.h>

#include "input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What a scan says of an address must be what a walk says. */
static void check(const struct fuzz_input *input, const struct pw_range *range)
{
	struct pw_result result;

	if (range->first > range->last)
		abort();
	if (range->status == PW_SHARED)
		return;
	pw_translate(input->memory, &input->regime, range->first, &result);
	if (result.status != range->status)
		abort();
	if (range->status != PW_OK)
		return;
	if (result.pa != range->pa || ((result.attr ^ range->attr) & PW_PROT_MASK) != 0)
		abort();
	pw_translate(input->memory, &input->regime, range->last, &result);
	if (result.status != PW_OK || result.pa != range->pa + (range->last - range->first))
		abort();
}

static void scan(const struct fuzz_input *input, pw_va first, pw_va last, size_t batch, bool holes)
{
	const struct pw_scan_limits limits = { .entries = 1 << 13, .repeats = 1 << 10 };
	struct pw_range range[16];
	struct pw_scan *scan;
	pw_va next = first;
	size_t n, calls = 0;

	if (pw_scan_create(input->memory, &input->regime, first, last, &limits, &scan, NULL))
		abort();
	pw_scan_holes(scan, holes);
	while ((n = pw_scan_next(scan, range, batch)) > 0 && ++calls < 500) {
		for (size_t i = 0; i < n; i++) {
			if (range[i].first < next || range[i].last > last)
				abort();
			check(input, &range[i]);
			next = range[i].last + 1;
			if (next == 0 && i + 1 < n)
				abort();
		}
	}
	pw_scan_destroy(scan);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input;
	pw_va first, last;

	if (!fuzz_input_init(&input, data, size))
		return 0;
	first = input.va[0] < input.va[1] ? input.va[0] : input.va[1];
	last = input.va[0] < input.va[1] ? input.va[1] : input.va[0];
	scan(&input, first, last, 1 + data[2] % 16, data[3] & 4);
	fuzz_input_deinit(&input);
	return 0;
}
