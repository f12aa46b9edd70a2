/* SPDX-License-Identifier: MIT */
/*
 * Base pages whose frames are in no order, several at a time: each, or each few of them, becomes a range of its own. The
 * loads are as run.h says, and so is the choice of vectors; the results are those of one page after the other.
 *
 * Vectors know no format. They know kinds of leaves, which differ in nothing but the page. A kind was learnt from one of its
 * leaves by the format's own functions; a comparison and an addition tell the rest:
 *
 *      (entry & ~page) == rest                 the entry is of this kind
 *      base + ((entry & page) << move)         its page
 */
#ifndef PW_ACCESS_SCATTER_H
#define PW_ACCESS_SCATTER_H

#include "base/words.h"

enum {
	PW_SCATTER_KINDS = 8,
	/* Entries to take one by one, where vectors stopped, before they are tried again; and where they did nothing. */
	PW_SCATTER_LEAST = 8,
	PW_SCATTER_PAUSE = 64,
};

/* What a range says behind its twin; all of it in one word. */
struct pw_scatter_tail {
	uint32_t attr;
	uint8_t status, level, size_lg2, memtype;
};

struct pw_scatter {
	uint64_t page; /* the bits of a leaf that hold the address of its page */
	uint8_t move, shift, entry_lg2; /* log2 of the size of a page; and of an entry */
	bool big_endian;
	bool any_hole;
	uint8_t kinds;
	uint64_t
		hole; /* once there is any_hole, an entry with this value is a hole, which is not wanted */
	uint64_t like; /* the bits of a tail that pages of one run share */
	struct pw_scatter_kind {
		uint64_t rest, base, tail;
	} kind[PW_SCATTER_KINDS];
};

/* Where the next page is, and where its range goes. */
struct pw_scatter_at {
	pw_va va;
	struct pw_range *run; /* the last range, at least one page of this size */
	struct pw_range *end; /* the last place for one */
	bool open; /* the range ends before va, so it may grow */
};

/*
 * Reads on from the entry at @host, at most @count of them, and goes on with @at. Returns how many: those were loaded once
 * each, and are in ranges. Ends before an entry that is of no kind and no hole, and where there is little room; and behind
 * many entries that are holes, or pages in order.
 */
size_t pw_scatter(const struct pw_scatter *scatter, const unsigned char *host, size_t count,
		  struct pw_scatter_at *at);

typedef size_t pw_scatter_fn(const struct pw_scatter *scatter, const unsigned char *host,
			     size_t count, struct pw_scatter_at *at);

#endif
