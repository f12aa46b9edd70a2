/* SPDX-License-Identifier: MIT */
/*
 * Scans of random memory, with limits, in batches of odd sizes, and searches through them. The input has the
 * layout of fuzz_walk.c; the two addresses are the range, virtual and physical.
 */
#include <stdlib.h>

#include "input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A scan and a walk must give the same answer about an address. */
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

static struct pw_scan *whole(const struct fuzz_input *input)
{
	const struct pw_scan_limits limits = { .entries = 1 << 13, .repeats = 1 << 6 };
	struct pw_scan *scan;

	if (pw_scan_create(input->memory, &input->regime, 0, UINT64_MAX, &limits, &scan, NULL))
		abort();
	return scan;
}

/* The answers of an index; a search without an index must find the same. */
struct answers {
	const pw_pa *wanted;
	struct pw_range *ranges;
	size_t count, next;
};

static int take_found(void *context, size_t which, const struct pw_range *range)
{
	struct answers *answers = context;
	const struct pw_range *expected = &answers->ranges[answers->next++];

	if (which != 0 || answers->next > answers->count || range->first != expected->first ||
	    range->last != expected->last || range->pa != expected->pa ||
	    range->status != expected->status)
		abort();
	if (range->status != PW_SHARED &&
	    (range->pa < answers->wanted[0] ||
	     range->pa + (range->last - range->first) > answers->wanted[1]))
		abort();
	return 0;
}

static int take_alias(void *context, const struct pw_alias *alias)
{
	pw_pa *next = context;

	if (alias->first < *next || alias->last < alias->first || alias->count < 2 ||
	    alias->told < 2 || alias->told > 3 || alias->told > alias->count)
		abort();
	for (size_t i = 0; i < alias->told; i++)
		if (alias->ranges[i].pa != alias->first ||
		    alias->ranges[i].last - alias->ranges[i].first != alias->last - alias->first)
			abort();
	*next = alias->last + 1;
	return 0;
}

static void find(const struct fuzz_input *input, pw_pa first, pw_pa last)
{
	const struct pw_alias_options options = { .most = 3 };
	const pw_pa wanted[1][2] = { { first, last } };
	struct answers answers = { .wanted = wanted[0] };
	struct pw_scan *scan = whole(input);
	struct pw_index *index;
	pw_pa next = 0;

	if (pw_index_create(scan, &index, NULL))
		abort();
	pw_scan_destroy(scan);
	if (pw_index_find(index, first, last, &answers.ranges, &answers.count) ||
	    pw_index_aliases(index, &options, take_alias, &next))
		abort();
	pw_index_destroy(index);
	scan = whole(input);
	if (pw_find(scan, wanted, 1, take_found, &answers, NULL) || answers.next != answers.count)
		abort();
	pw_scan_destroy(scan);
	free(answers.ranges);
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
	find(&input, first, last);
	fuzz_input_deinit(&input);
	return 0;
}
