/* SPDX-License-Identifier: MIT */
/*
 * How table words are loaded. An access is a constant of two functions; the walker is compiled once
 * for each pair of a format and an access, so that both disappear into it.
 *
 *   direct   memory that is mapped: entries are loaded in place, each by one atomic load
 *   fetched  memory that is copied piece by piece (dumps, remote guests)
 *   hooked   calls out at every load (tests, the laboratory)
 *
 * This folder is the only one that touches table words which others may be writing.
 *
 * To add an access: fill a struct pw_access in a header of its own, give its context a type, and
 * instantiate it in walk/instance.h.
 */
#ifndef PW_ACCESS_ACCESS_H
#define PW_ACCESS_ACCESS_H

#include <endian.h>

#include "base/words.h"

struct pw_access {
	/*
	 * Makes entries loadable: of the *bytes bytes at @pa as many as can be had at once, but at
	 * least @unit. Sets *bytes to that number and *host to where load() shall look for the first.
	 * False if the memory has no @unit bytes at @pa. What an earlier open() of the same @level
	 * gave is void.
	 */
	bool (*open)(void *context, unsigned level, pw_pa pa, size_t unit, size_t *bytes,
		     const unsigned char **host);

	/*
	 * One load of an entry of 2^entry_lg2 bytes, not torn, in the byte order of the memory.
	 * Orders nothing but itself: the loads of a walk are ordered by their address dependency,
	 * each table's address being computed from the value that was loaded (as READ_ONCE in the
	 * kernel; the publishing side stores tables with release order).
	 */
	uint64_t (*load)(void *context, const unsigned char *host, pw_pa pa, unsigned entry_lg2);
};

/* From the image's byte order to a number. Relative to the host's order, which may be either. */
PW_INLINE uint64_t pw_entry_number(uint64_t raw, unsigned entry_lg2, bool big_endian)
{
	if (entry_lg2 == 2)
		return big_endian ? be32toh((uint32_t)raw) : le32toh((uint32_t)raw);
	return big_endian ? be64toh(raw) : le64toh(raw);
}

/* Finds the segment that holds @pa; NULL if none does. @segments are sorted and disjoint. */
PW_INLINE const struct pw_segment *pw_segment_find(const struct pw_segment *segments, size_t count,
						   pw_pa pa)
{
	size_t low = 0, end = count;

	/* Segments before `low` lie below pa, those from `end` on above it. */
	while (low < end) {
		size_t middle = low + (end - low) / 2;

		if (pa > segments[middle].last)
			low = middle + 1;
		else if (pa < segments[middle].first)
			end = middle;
		else
			return &segments[middle];
	}
	return NULL;
}

/* The number of the first segment that ends at @pa or behind it; @count if there is none. */
static inline size_t pw_segment_from(const struct pw_segment *segments, size_t count, pw_pa pa)
{
	size_t low = 0, end = count;

	/* Segments before `low` end before pa, those from `end` on do not. */
	while (low < end) {
		size_t middle = low + (end - low) / 2;

		if (segments[middle].last < pa)
			low = middle + 1;
		else
			end = middle;
	}
	return low;
}

#endif
