/* SPDX-License-Identifier: MIT */
/*
 * Who maps this? The answers come while a scan runs, without an index of everything: the tree holds the
 * wanted ranges instead, and each run that the scan finds is looked up in it.
 *
 * Bounds: 16 bytes for each answer (to know what is behind tables that are met again), and 70 for each
 * wanted range.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "survey/index.h"
#include "survey/tables.h"

/* The virtual addresses of the answers for one wanted range: sorted, disjoint. */
struct answered {
	pw_va (*part)[2];
	size_t count, room;
};

struct finder {
	struct pw_index wanted; /* the wanted ranges: pa is the first byte, twin the number */
	struct answered *answered; /* one for each wanted range */
	struct pw_ranges hits;
	pw_found_fn *found;
	void *context;
};

static bool answered_add(struct answered *answered, pw_va first, pw_va last)
{
	if (answered->count > 0 && answered->part[answered->count - 1][1] + 1 == first) {
		answered->part[answered->count - 1][1] = last;
		return true;
	}
	if (answered->count == answered->room) {
		size_t room = answered->room ? 2 * answered->room : 16;
		pw_va(*grown)[2] = reallocarray(answered->part, room, sizeof(*grown));

		if (!grown)
			return false;
		answered->part = grown;
		answered->room = room;
	}
	answered->part[answered->count][0] = first;
	answered->part[answered->count++][1] = last;
	return true;
}

static bool answered_any(const struct answered *answered, pw_va first, pw_va last)
{
	size_t low = 0, end = answered->count;

	/* Parts before `low` end below first; parts from `end` on do not. */
	while (low < end) {
		size_t middle = low + (end - low) / 2;

		if (answered->part[middle][1] < first)
			low = middle + 1;
		else
			end = middle;
	}
	return low < answered->count && answered->part[low][0] <= last;
}

static int answer(struct finder *finder, size_t which, const struct pw_range *range)
{
	if (!answered_add(&finder->answered[which], range->first, range->last))
		return -ENOMEM;
	return finder->found(finder->context, which, range);
}

/* Reports the wanted parts of a run of pages. */
static int take_run(struct finder *finder, const struct pw_range *range)
{
	pw_pa last = pw_range_pa_last(range);
	int status;

	finder->hits.count = 0;
	status = pw_index_search(&finder->wanted, range->pa, last, &finder->hits);
	for (size_t i = 0; i < finder->hits.count && status == 0; i++) {
		const struct pw_range *wanted = &finder->hits.range[i];
		struct pw_range part = pw_range_crop(range, wanted->pa, pw_range_pa_last(wanted));

		status = answer(finder, (size_t)wanted->twin, &part);
	}
	return status;
}

/* Reports a PW_SHARED range for each wanted range that has an answer behind its twin. */
static int take_shared(struct finder *finder, const struct pw_range *range)
{
	pw_va last = range->twin | pw_mask(range->size_lg2);
	int status = 0;

	for (size_t i = 0; i < finder->wanted.mapped.count && status == 0; i++)
		if (answered_any(&finder->answered[i], range->twin, last))
			status = answer(finder, i, range);
	return status;
}

static int take_all(struct finder *finder, struct pw_scan *scan)
{
	struct pw_range range[256];
	int status = 0;

	for (size_t n;
	     status == 0 && (n = pw_scan_next(scan, range, sizeof(range) / sizeof(range[0]))) > 0;)
		for (size_t i = 0; i < n && status == 0; i++) {
			if (range[i].status == PW_OK || range[i].status == PW_PROT_NONE)
				status = take_run(finder, &range[i]);
			else if (range[i].status == PW_SHARED)
				status = take_shared(finder, &range[i]);
		}
	return status;
}

/* Builds the tree of the wanted ranges. */
static int plant(struct finder *finder, const pw_pa (*wanted)[2], size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct pw_range range = {
			.pa = wanted[i][0],
			.last = wanted[i][1] - wanted[i][0],
			.twin = i,
		};

		if (!pw_ranges_add(&finder->wanted.mapped, &range))
			return -ENOMEM;
	}
	return pw_index_build(&finder->wanted);
}

int pw_find(struct pw_scan *scan, const pw_pa (*wanted)[2], size_t count, pw_found_fn *found,
	    void *context, struct pw_error *error)
{
	struct finder finder = { .found = found, .context = context };
	int status;

	if (!scan || !found || (!wanted && count > 0))
		return pw_fail_null(error, !scan ? "scan" : !found ? "found" : "wanted");
	for (size_t i = 0; i < count; i++)
		if (wanted[i][0] > wanted[i][1])
			return pw_fail(
				error, EINVAL, "the range 0x%llx-0x%llx ends before it begins",
				(unsigned long long)wanted[i][0], (unsigned long long)wanted[i][1]);
	if (count == 0)
		return 0;
	finder.answered = calloc(count + 1, sizeof(*finder.answered));
	status = finder.answered ? plant(&finder, wanted, count) : -ENOMEM;
	if (status == 0)
		status = take_all(&finder, scan);
	for (size_t i = 0; finder.answered && i < count; i++)
		free(finder.answered[i].part);
	free(finder.answered);
	free(finder.hits.range);
	pw_index_clear(&finder.wanted);
	if (status == -ENOMEM)
		pw_fail(error, ENOMEM, "out of memory");
	return status;
}
