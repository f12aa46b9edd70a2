/* SPDX-License-Identifier: MIT */
/* The index from physical to virtual: the internal side. index.c builds it; aliases.c and find.c use it. */
#ifndef PW_SURVEY_INDEX_H
#define PW_SURVEY_INDEX_H

#include "base/cancel.h"
#include "base/words.h"
#include "format/format.h"

#include <pagewalk/survey.h>

/* An array of ranges that grows by doubling. */
struct pw_ranges {
	struct pw_range *range;
	size_t count, room;
};

struct pw_index {
	struct pw_ranges mapped; /* runs that have pages, by virtual address */
	struct pw_ranges shared; /* PW_SHARED, by virtual address */
	uint32_t *by_pa; /* numbers of mapped runs, by physical, then virtual address */
	pw_pa *max; /* for each of by_pa: the highest address in the tree of which it is the root */
	const bool *cancel; /* the scan's flag */
};

/* The last physical address of a range that has pages. */
static inline pw_pa pw_range_pa_last(const struct pw_range *range)
{
	pw_pa last = range->pa + (range->last - range->first);

	return last < range->pa ? UINT64_MAX : last;
}

/*
 * May the entries of this run be parts of a group that maps one page? groups[] names the groups that the
 * library builds; entries may claim others (arm64's level 2).
 */
static inline bool pw_range_may_be_group(const struct pw_format *f, const struct pw_range *range)
{
	return f->groups[range->level] || f->page_lg2;
}

/* Returns @range, whose pages overlap first..last, without the part outside. */
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

/* Appends @range. False if memory is short. */
bool pw_ranges_add(struct pw_ranges *ranges, const struct pw_range *range);

/* Builds the tree over index->mapped. Returns 0, -ENOMEM, or -ECANCELED. */
int pw_index_build(struct pw_index *index);

/*
 * Appends to @found the runs in the tree that overlap first..last, uncropped, by physical address. Returns 0,
 * -ENOMEM, or -ECANCELED.
 */
int pw_index_search(const struct pw_index *index, pw_pa first, pw_pa last, struct pw_ranges *found);

/* Frees the content of the index, not the index itself: it is empty then. */
void pw_index_clear(struct pw_index *index);

/* pw_scan_aliases() for options that name wanted ranges, all of them valid. */
int pw_aliases_sought(struct pw_scan *scan, const struct pw_alias_options *options,
		      pw_alias_fn *alias, void *context);

/* The first half of it: builds the index of the runs that are needed. Returns 0, -ENOMEM, or -ECANCELED. */
int pw_aliases_keep(struct pw_scan *scan, const struct pw_alias_options *options,
		    struct pw_index *index);

/* The same for all memory: in parts if there are more than @few runs. */
int pw_aliases_parts(struct pw_scan *scan, size_t few, size_t most, pw_alias_fn *alias,
		     void *context);

/* Has nothing been read by the scan yet, and is its memory mapped, so that it is cheap to read again? */
bool pw_scan_is_fresh(const struct pw_scan *scan);

/* A new scan that begins where @scan began. NULL if memory is short. */
struct pw_scan *pw_scan_again(const struct pw_scan *scan, const struct pw_scan_limits *limits);

#endif
