/* SPDX-License-Identifier: MIT */
/*
 * The lines of a long map. Putting lines together takes ten times as long as finding what is in them, so several
 * threads do it, each for a block of ranges; the caller's thread scans, writes the blocks out in order, and helps.
 */
#ifndef CLI_LINES_H
#define CLI_LINES_H

#include "print.h"
#include "region.h"

enum { LINES_BLOCK = 256 }; /* ranges of a block: all blocks together should stay in a cache */

struct lines;

struct lines_options {
	const struct pw_regime *regime;
	const struct regions *regions; /* for JSON; NULL: none */
	bool json;
	unsigned jobs; /* threads, with the caller's */
};

/* Starts threads. NULL: memory or threads are short; the caller then prints by itself. */
struct lines *lines_start(const struct lines_options *options);

/*
 * The room for the next LINES_BLOCK ranges, which lines_add takes. Waits for one, and writes to stdout meanwhile what is
 * ready.
 */
struct pw_range *lines_room(struct lines *lines);
void lines_add(struct lines *lines, size_t count);

/* Writes out what is left, and ends the threads. */
void lines_end(struct lines *lines);

#endif
