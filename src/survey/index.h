/* SPDX-License-Identifier: MIT */
/* An index from physical to virtual, from the inside; index.c makes it, aliases.c and find.c use it. */
#ifndef PW_SURVEY_INDEX_H
#define PW_SURVEY_INDEX_H

#include "base/cancel.h"
#include "base/words.h"
#include "format/format.h"

#include <pagewalk/survey.h>

/* Ranges that grow by doubling. */
struct pw_ranges {
	struct pw_range *range;
	size_t count, room;
};

struct pw_index {
	struct pw_ranges mapped; /* runs that have pages, by virtual address */
	struct pw_ranges shared; /* PW_SHARED, by virtual address */
	uint32_t *by_pa; /* numbers of mapped, by physical, then virtual address */
	pw_pa *max; /* one for each of by_pa: the highest address of the tree of which it is root */
	const bool *cancel; /* the scan's */
};

/* The last physical address of a range that has pages. */
static inline pw_pa pw_range_pa_last(const struct pw_range *range)
{
	pw_pa last = range->pa + (range->last - range->first);

	return last < range->pa ? UINT64_MAX : last;
}

/*
 * May the entry of a run be one of several that make up a page? groups[] has the groups that are built;
 * entries may claim others (arm64's level 2).
 */
static inline bool pw_range_may_be_group(const struct pw_format *f, const struct pw_range *range)
{
	return f->groups[range->level] || f->page_lg2;
}

/* @range, whose pages overlap first..last, without those that are outside. */
static inline struct pw_range pw_range_crop(const struct pw_range *range, pw_pa first, pw_pa last)
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

/* False for want of memory. */
bool pw_ranges_add(struct pw_ranges *ranges, const struct pw_range *range);

/* Fills in the tree over index->mapped. Returns 0, -ENOMEM, or -ECANCELED. */
int pw_index_build(struct pw_index *index);

/* Adds to @found what of the tree overlaps first..last, uncropped, by physical address. 0 or -ENOMEM. */
int pw_index_search(const struct pw_index *index, pw_pa first, pw_pa last, struct pw_ranges *found);

/* Releases what the index has, not the index. */
void pw_index_clear(struct pw_index *index);

#endif
