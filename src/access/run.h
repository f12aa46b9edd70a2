/* SPDX-License-Identifier: MIT */
/*
 * Runs of entries in mapped memory, compared several at a time: what a scan of a well-filled address space does
 * most. Which instructions do that is chosen at run time; the results are the same.
 *
 * A vector is loaded as a whole, by one instruction. Each aligned word in it is one copy of what is in memory: so do
 * processors of x86-64 and arm64 load vectors, though x86's manuals promise it of words alone. Nothing is loaded through
 * a value that was compared, so these loads need no order.
 */
#ifndef PW_ACCESS_RUN_H
#define PW_ACCESS_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "access/scatter.h"

/* Runs that are shorter are not worth a call. */
enum { PW_RUN_LEAST = 16 };

/*
 * How many entries from @host on are first, first + stride, and so on? Returns a number of them, at most @count: those
 * were loaded once each, and are these values. What is behind them has to be loaded and compared by the caller; it may
 * be more of the same, and nothing has been decided about it. Entries are aligned, have 2^entry_lg2 bytes, 4 or 8, and
 * are stored big end first if @big_endian.
 */
size_t pw_run_length(const unsigned char *host, size_t count, unsigned entry_lg2, bool big_endian,
		     uint64_t first, uint64_t stride);

/* A way to do that, and what scatter.h says. @swapped: the bytes of entries are in the other order than the host's. */
typedef size_t pw_run_fn(const unsigned char *host, size_t count, bool swapped, uint64_t first,
			 uint64_t stride);
struct pw_run_way {
	const char *name;
	bool (*is_here)(void); /* does this processor have it? */
	pw_run_fn *four, *eight; /* for entries of so many bytes */
	pw_scatter_fn *scatter; /* or NULL */
};

extern const struct pw_run_way pw_run_avx512, pw_run_avx2, pw_run_neon;

/* The ways that are compiled in, the best one first; NULL behind the last. */
const struct pw_run_way *pw_run_way_at(size_t number);

#endif
