/* SPDX-License-Identifier: MIT */
/* Atomic counts of address spaces and machines. */
#ifndef PW_MM_COUNT_H
#define PW_MM_COUNT_H

#include "base/words.h"

PW_INLINE uint64_t pw_counted(const uint64_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

/* Adds to a counter of pw_machine_info or of pw_mm. */
PW_INLINE void pw_count(uint64_t *counter, int64_t add)
{
	__atomic_fetch_add(counter, (uint64_t)add, __ATOMIC_RELAXED);
}

/*
 * A part of a count that faults add to: each in a cache line of its own, so that cpus do not wait for each other. The
 * count is the sum of all parts. It is exact whenever no fault is under way.
 */
struct pw_count_part {
	uint64_t value;
	uint64_t away[7];
};

enum { PW_COUNT_PARTS = 8 };

/* Adds to the part of @near, a cpu's number. */
PW_INLINE void pw_count_near(struct pw_count_part *part, unsigned near, int64_t add)
{
	pw_count(&part[near % PW_COUNT_PARTS].value, add);
}

PW_INLINE uint64_t pw_counted_parts(const struct pw_count_part *part)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < PW_COUNT_PARTS; i++)
		sum += pw_counted(&part[i].value);
	return sum;
}

#endif
