/* SPDX-License-Identifier: MIT */
/*
 * How table words are loaded. An access is a constant with two functions. The walker is compiled once
 * for each pair of a format and an access, so that both are inlined into it.
 *
 *   direct   memory that is mapped: entries are loaded in place, each by one atomic load
 *   called   any other: functions that are known at run time make entries loadable, so that one walker serves
 *            memory that is copied piece by piece (fetched.h: dumps, remote guests) and loads that call a function
 *            (hooked.h: tests, the laboratory)
 *
 * Only this folder touches table words that others may be writing.
 *
 * To add an access: fill a struct pw_access in a header of its own, give its context a type, and
 * instantiate it in walk/instance.h.
 */
#ifndef PW_ACCESS_ACCESS_H
#define PW_ACCESS_ACCESS_H

#include <endian.h>

#include "access/run.h"
#include "base/words.h"

struct pw_access {
	/*
	 * Makes entries loadable: as many of the *bytes bytes at @pa as possible at once, but at least
	 * @unit. Sets *bytes to that number, and *host to the place of the first for load(). False if
	 * the memory has no @unit bytes at @pa. Ends the validity of what an earlier open() of the same
	 * @level returned.
	 */
	bool (*open)(void *context, unsigned level, pw_pa pa, size_t unit, size_t *bytes,
		     const unsigned char **host);

	/*
	 * Loads an entry of 2^entry_lg2 bytes once, not torn, in the byte order of the memory. The
	 * load orders nothing else: the loads of a walk are ordered by address dependency, because
	 * each table's address is computed from a loaded value (as by READ_ONCE in the kernel).
	 * Partner: pw_publish_store, which stores the entry for a table with release order.
	 */
	uint64_t (*load)(void *context, const unsigned char *host, pw_pa pa, unsigned entry_lg2);

	/* As pw_run_length, which loads the entries; or NULL. It may return 0 because they may not be loaded in that way. */
	size_t (*run)(void *context, const unsigned char *host, size_t count, unsigned entry_lg2,
		      bool big_endian, uint64_t first, uint64_t stride);

	/* As pw_scatter, with the same exceptions. */
	size_t (*scatter)(void *context, const struct pw_scatter *scatter,
			  const unsigned char *host, size_t count, struct pw_scatter_at *at);
};

/* Turns an entry in the memory's byte order into a number. The host may have either byte order. */
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

	/* Segments before `low` lie below pa; segments from `end` on lie above it. */
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

/* The index of the first segment that ends at @pa or above it; @count if there is none. */
static inline size_t pw_segment_from(const struct pw_segment *segments, size_t count, pw_pa pa)
{
	size_t low = 0, end = count;

	/* Segments before `low` end below pa; segments from `end` on do not. */
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
