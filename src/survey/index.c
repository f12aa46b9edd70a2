/* SPDX-License-Identifier: MIT */
/*
 * From physical to virtual.
 *
 * The runs of a scan, sorted by physical address, are a balanced tree without pointers: the root of
 * low..end is its middle. Each root knows the highest physical address below it, so that a search
 * passes over what ends too early. That matters: a kernel maps all of its memory in a few runs of
 * gigabytes, which begin before nearly everything else.
 *
 *	        3               runs   0     1     2     3     4     5     6
 *	    1       5           pa     ###   ########    ##    ####  #     ##
 *	  0   2   4   6         max    0.last  ^ the largest last of 0, 1 and 2
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/words.h"

#include <pagewalk/survey.h>

/* Ranges that grow by doubling. */
struct ranges {
	struct pw_range *range;
	size_t count, room;
};

struct pw_index {
	struct ranges mapped; /* by physical, then virtual address */
	struct ranges shared; /* PW_SHARED, by virtual address */
	pw_pa *max; /* one for each of mapped: the highest address of the tree of which it is root */
};

static pw_pa pa_last(const struct pw_range *range)
{
	pw_pa last = range->pa + (range->last - range->first);

	return last < range->pa ? UINT64_MAX : last;
}

static bool add(struct ranges *ranges, const struct pw_range *range)
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

static int compare_va(const void *a, const void *b)
{
	const struct pw_range *left = a, *right = b;

	return left->first < right->first ? -1 : left->first > right->first;
}

static int compare_pa(const void *a, const void *b)
{
	const struct pw_range *left = a, *right = b;

	if (left->pa != right->pa)
		return left->pa < right->pa ? -1 : 1;
	return compare_va(a, b);
}

/* Not qsort itself, which must not be given NULL for an empty array. */
static void sort(struct ranges *ranges, int (*compare)(const void *a, const void *b))
{
	if (ranges->count > 1)
		qsort(ranges->range, ranges->count, sizeof(*ranges->range), compare);
}

static pw_pa fill_max(struct pw_index *index, size_t low, size_t end)
{
	size_t middle = low + (end - low) / 2;
	pw_pa max = pa_last(&index->mapped.range[middle]);

	if (low < middle) {
		pw_pa left = fill_max(index, low, middle);

		max = left > max ? left : max;
	}
	if (middle + 1 < end) {
		pw_pa right = fill_max(index, middle + 1, end);

		max = right > max ? right : max;
	}
	index->max[middle] = max;
	return max;
}

int pw_index_create(struct pw_scan *scan, struct pw_index **index_ret, struct pw_error *error)
{
	struct pw_index *index = calloc(1, sizeof(*index));
	struct pw_range range[256];

	if (!index)
		return pw_fail(error, ENOMEM, "out of memory");
	for (size_t n; (n = pw_scan_next(scan, range, sizeof(range) / sizeof(range[0]))) > 0;)
		for (size_t i = 0; i < n; i++) {
			bool page = range[i].status == PW_OK || range[i].status == PW_PROT_NONE;
			bool kept = true;

			if (page)
				kept = add(&index->mapped, &range[i]);
			else if (range[i].status == PW_SHARED)
				kept = add(&index->shared, &range[i]);
			if (!kept)
				goto no_memory;
		}
	sort(&index->mapped, compare_pa);
	if (index->mapped.count > 0) {
		index->max = calloc(index->mapped.count, sizeof(*index->max));
		if (!index->max)
			goto no_memory;
		fill_max(index, 0, index->mapped.count);
	}
	*index_ret = index;
	return 0;

no_memory:
	pw_index_destroy(index);
	return pw_fail(error, ENOMEM,
		       "out of memory for the index; a smaller range of addresses needs less");
}

void pw_index_destroy(struct pw_index *index)
{
	if (!index)
		return;
	free(index->mapped.range);
	free(index->shared.range);
	free(index->max);
	free(index);
}

/* @range, whose pages overlap first..last, without those that are outside. */
static struct pw_range crop(const struct pw_range *range, pw_pa first, pw_pa last)
{
	struct pw_range part = *range;

	if (part.pa < first) {
		part.first += first - part.pa;
		part.pa = first;
	}
	if (last - part.pa < part.last - part.first)
		part.last = part.first + (last - part.pa);
	return part;
}

/* Adds what of the tree low..end overlaps first..last. */
static bool search(const struct pw_index *index, size_t low, size_t end, pw_pa first, pw_pa last,
		   struct ranges *found)
{
	while (low < end) {
		size_t middle = low + (end - low) / 2;
		const struct pw_range *range = &index->mapped.range[middle];

		if (index->max[middle] < first)
			return true;
		if (!search(index, low, middle, first, last, found))
			return false;
		if (range->pa > last)
			return true;
		if (pa_last(range) >= first) {
			struct pw_range part = crop(range, first, last);

			if (!add(found, &part))
				return false;
		}
		low = middle + 1;
	}
	return true;
}

/* Whether one of the ranges, which are sorted and disjoint, overlaps the virtual first..last. */
static bool overlaps(const struct ranges *ranges, pw_va first, pw_va last)
{
	size_t low = 0, end = ranges->count;

	/* Those before `low` end below first, those from `end` on do not. */
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
 * Adds the shared ranges that show any of @found, directly or through others. A twin always lies
 * below what refers to it, so that one pass in address order sees all of them.
 */
static bool search_shared(const struct pw_index *index, struct ranges *found)
{
	struct ranges more = { 0 };
	bool done = true;

	for (size_t i = 0; i < index->shared.count && found->count > 0 && done; i++) {
		const struct pw_range *range = &index->shared.range[i];
		pw_va last = range->twin | pw_mask(range->size_lg2);

		if (overlaps(found, range->twin, last) || overlaps(&more, range->twin, last))
			done = add(&more, range);
	}
	for (size_t i = 0; i < more.count && done; i++)
		done = add(found, &more.range[i]);
	free(more.range);
	return done;
}

int pw_index_find(const struct pw_index *index, pw_pa first, pw_pa last,
		  struct pw_range **ranges_ret, size_t *count_ret)
{
	struct ranges found = { 0 };

	if (first > last)
		return -EINVAL;
	if (!search(index, 0, index->mapped.count, first, last, &found))
		goto no_memory;
	sort(&found, compare_va);
	if (!search_shared(index, &found))
		goto no_memory;
	sort(&found, compare_va);
	*ranges_ret = found.range;
	*count_ret = found.count;
	return 0;

no_memory:
	free(found.range);
	return -ENOMEM;
}

/* The runs that map the place where a sweep over physical memory stands. */
static void leave(struct ranges *active, pw_pa at)
{
	size_t kept = 0;

	for (size_t i = 0; i < active->count; i++)
		if (pa_last(&active->range[i]) >= at)
			active->range[kept++] = active->range[i];
	active->count = kept;
}

/* Tells of first..last, which all of @active map. @parts is room to crop them in. */
static int tell(const struct ranges *active, pw_pa first, pw_pa last, struct ranges *parts,
		pw_alias_fn *alias, void *context)
{
	parts->count = 0;
	for (size_t i = 0; i < active->count; i++) {
		struct pw_range part = crop(&active->range[i], first, last);

		if (!add(parts, &part))
			return -ENOMEM;
	}
	sort(parts, compare_va);
	return alias(context, first, last, parts->range, parts->count);
}

int pw_index_aliases(const struct pw_index *index, pw_alias_fn *alias, void *context)
{
	const struct ranges *mapped = &index->mapped;
	struct ranges active = { 0 }, parts = { 0 };
	size_t next = 0;
	int status = 0;

	/* Everything below `at` was told; `active` are the runs begun before it that reach it. */
	for (pw_pa at = 0; status == 0 && (next < mapped->count || active.count > 0);) {
		pw_pa last = UINT64_MAX;

		if (active.count == 0)
			at = mapped->range[next].pa;
		while (next < mapped->count && mapped->range[next].pa == at && status == 0)
			status = add(&active, &mapped->range[next++]) ? 0 : -ENOMEM;
		if (next < mapped->count)
			last = mapped->range[next].pa - 1;
		for (size_t i = 0; i < active.count; i++)
			last = pw_min(last, pa_last(&active.range[i]));
		if (active.count > 1 && status == 0)
			status = tell(&active, at, last, &parts, alias, context);
		if (last == UINT64_MAX)
			break;
		at = last + 1;
		leave(&active, at);
	}
	free(active.range);
	free(parts.range);
	return status;
}
