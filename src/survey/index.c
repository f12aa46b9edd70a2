/* SPDX-License-Identifier: MIT */
/*
 * The index from physical to virtual addresses.
 *
 * The runs of a scan, in the order of their physical addresses, are a balanced tree without pointers: the
 * root of low..end is its middle. Each root knows the highest physical address in its tree, so that a search
 * skips trees that end too early. That matters: a kernel maps all of its memory in a few runs of gigabytes,
 * which begin before nearly everything else.
 *
 *	        3               by_pa  0     1     2     3     4     5     6
 *	    1       5           pa     ###   ########    ##    ####  #     ##
 *	  0   2   4   6         max    0.last  ^ the largest last of 0, 1 and 2
 *
 * Bounds: 70 bytes for each run. There is at most one run for each entry that a scan reads.
 */
#include "survey/index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/sort.h"
#include "survey/tables.h"

bool pw_ranges_add(struct pw_ranges *ranges, const struct pw_range *range)
{
	if (ranges->count == ranges->room) {
		size_t room = ranges->room ? 2 * ranges->room : 64;
		struct pw_range *grown = reallocarray(ranges->range, room, sizeof(*ranges->range));

		if (!grown)
			return false;
		ranges->range = grown;
		ranges->room = room;
	}
	ranges->range[ranges->count++] = *range;
	return true;
}

/* ---- building ---- */

static const struct pw_range *run_at(const struct pw_index *index, size_t place)
{
	return &index->mapped.range[index->by_pa[place]];
}

/* Fills max[] of low..end, which is not empty; *max_ret is its highest address. False: cancelled. */
static bool fill_max(struct pw_index *index, size_t low, size_t end, pw_pa *max_ret)
{
	size_t middle = low + (end - low) / 2;
	pw_pa max = pw_range_pa_last(run_at(index, middle)), below;

	if (end - low > 1 << 12 && pw_cancelled(index->cancel))
		return false;
	if (low < middle) {
		if (!fill_max(index, low, middle, &below))
			return false;
		max = below > max ? below : max;
	}
	if (middle + 1 < end) {
		if (!fill_max(index, middle + 1, end, &below))
			return false;
		max = below > max ? below : max;
	}
	index->max[middle] = max;
	*max_ret = max;
	return true;
}

int pw_index_build(struct pw_index *index)
{
	size_t count = index->mapped.count;
	pw_pa max;
	int status;

	if (count == 0)
		return 0;
	if (count > UINT32_MAX)
		return -ENOMEM;
	index->max = reallocarray(NULL, count, sizeof(*index->max));
	if (!index->max)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		index->max[i] = index->mapped.range[i].pa;
	status = pw_sort(index->max, count, index->cancel, &index->by_pa);
	if (status)
		return status;
	return fill_max(index, 0, count, &max) ? 0 : -ECANCELED;
}

/* Keeps all ranges that the scan finds. Returns 0 at its end, or -ENOMEM. */
static int take_all(struct pw_index *index, struct pw_scan *scan)
{
	struct pw_range range[256];

	for (size_t n; (n = pw_scan_next(scan, range, sizeof(range) / sizeof(range[0]))) > 0;)
		for (size_t i = 0; i < n; i++) {
			bool page = range[i].status == PW_OK || range[i].status == PW_PROT_NONE;

			if (page && !pw_ranges_add(&index->mapped, &range[i]))
				return -ENOMEM;
			if (range[i].status == PW_SHARED &&
			    !pw_ranges_add(&index->shared, &range[i]))
				return -ENOMEM;
		}
	return 0;
}

int pw_index_create(struct pw_scan *scan, struct pw_index **index_ret, struct pw_error *error)
{
	struct pw_index *index;
	int status;

	if (!scan || !index_ret)
		return pw_fail_null(error, scan ? "index_ret" : "scan");
	index = calloc(1, sizeof(*index));
	if (!index)
		return pw_fail(error, ENOMEM, "out of memory");
	index->cancel = pw_scan_cancel(scan);
	status = take_all(index, scan);
	if (status == 0 && pw_cancelled(index->cancel))
		status = -ECANCELED;
	if (status == 0)
		status = pw_index_build(index);
	if (status == 0) {
		*index_ret = index;
		return 0;
	}
	pw_index_destroy(index);
	if (status == -ECANCELED)
		return pw_fail(error, ECANCELED, "stopped before the index was complete");
	return pw_fail(error, ENOMEM,
		       "out of memory for the index; an index of a smaller range of addresses "
		       "needs less");
}

void pw_index_clear(struct pw_index *index)
{
	free(index->mapped.range);
	free(index->shared.range);
	free(index->by_pa);
	free(index->max);
	*index = (struct pw_index){ .cancel = index->cancel };
}

void pw_index_destroy(struct pw_index *index)
{
	if (!index)
		return;
	pw_index_clear(index);
	free(index);
}

/* ---- searching ---- */

static int search(const struct pw_index *index, size_t low, size_t end, pw_pa first, pw_pa last,
		  struct pw_ranges *found)
{
	while (low < end) {
		size_t middle = low + (end - low) / 2;
		const struct pw_range *range;
		int status;

		if (index->max[middle] < first)
			return 0;
		if (end - low > 1 << 12 && pw_cancelled(index->cancel))
			return -ECANCELED;
		status = search(index, low, middle, first, last, found);
		if (status)
			return status;
		range = run_at(index, middle);
		if (range->pa > last)
			return 0;
		if (pw_range_pa_last(range) >= first && !pw_ranges_add(found, range))
			return -ENOMEM;
		low = middle + 1;
	}
	return 0;
}

int pw_index_search(const struct pw_index *index, pw_pa first, pw_pa last, struct pw_ranges *found)
{
	return search(index, 0, index->mapped.count, first, last, found);
}

/* Does any of the ranges, which are sorted and disjoint, overlap the virtual first..last? */
static bool overlaps(const struct pw_ranges *ranges, pw_va first, pw_va last)
{
	size_t low = 0, end = ranges->count;

	/* Ranges before `low` end below first; ranges from `end` on do not. */
	while (low < end) {
		size_t middle = low + (end - low) / 2;

		if (ranges->range[middle].last < first)
			low = middle + 1;
		else
			end = middle;
	}
	return low < ranges->count && ranges->range[low].first <= last;
}

/*
 * Adds the shared ranges that show any of @found, directly or through other shared ranges. A twin is always
 * at a lower address than the range that refers to it, so one pass in address order finds all of them.
 */
static int search_shared(const struct pw_index *index, struct pw_ranges *found)
{
	struct pw_ranges more = { 0 };
	int status = 0;

	for (size_t i = 0; i < index->shared.count && found->count > 0 && status == 0; i++) {
		const struct pw_range *range = &index->shared.range[i];
		pw_va last = range->twin | pw_mask(range->size_lg2);

		if (i % 1024 == 0 && pw_cancelled(index->cancel))
			status = -ECANCELED;
		else if ((overlaps(found, range->twin, last) ||
			  overlaps(&more, range->twin, last)) &&
			 !pw_ranges_add(&more, range))
			status = -ENOMEM;
	}
	for (size_t i = 0; i < more.count && status == 0; i++)
		status = pw_ranges_add(found, &more.range[i]) ? 0 : -ENOMEM;
	free(more.range);
	return status;
}

/* Sorts by virtual address. Returns 0, -ENOMEM or -ECANCELED. */
static int sort(struct pw_ranges *ranges, const bool *cancel)
{
	size_t count = ranges->count;
	struct pw_ranges sorted = { 0 };
	uint32_t *order = NULL;
	int status = -ENOMEM;
	uint64_t *key;

	if (count < 2)
		return 0;
	sorted.range = reallocarray(NULL, count, sizeof(*sorted.range));
	key = reallocarray(NULL, count, sizeof(*key));
	if (key && sorted.range) {
		for (size_t i = 0; i < count; i++)
			key[i] = ranges->range[i].first;
		status = pw_sort(key, count, cancel, &order);
	}
	free(key);
	if (status) {
		free(sorted.range);
		return status;
	}
	for (size_t i = 0; i < count; i++)
		sorted.range[i] = ranges->range[order[i]];
	sorted.count = count;
	sorted.room = count;
	free(order);
	free(ranges->range);
	*ranges = sorted;
	return 0;
}

int pw_index_find(const struct pw_index *index, pw_pa first, pw_pa last,
		  struct pw_range **ranges_ret, size_t *count_ret)
{
	struct pw_ranges found = { 0 };
	int status;

	if (!index || !ranges_ret || !count_ret || first > last)
		return -EINVAL;
	status = pw_index_search(index, first, last, &found);
	for (size_t i = 0; i < found.count && status == 0; i++)
		found.range[i] = pw_range_crop(&found.range[i], first, last);
	if (status == 0)
		status = sort(&found, index->cancel);
	if (status == 0)
		status = search_shared(index, &found);
	if (status == 0)
		status = sort(&found, index->cancel);
	if (status) {
		free(found.range);
		return status;
	}
	*ranges_ret = found.range;
	*count_ret = found.count;
	return 0;
}
