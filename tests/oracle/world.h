/* SPDX-License-Identifier: MIT */
/*
 * Memory that nobody built, read as the tables of one format: a world for garbage.c.
 *
 *   random     random words
 *   guided     entries of the format's builders, leading anywhere, with flipped bits
 *   ladder     all entries of a table lead to one other table: 2^50 pages in six tables
 *   ones       every bit set
 *
 * Memory ends in the middle of tables.
 */
#ifndef TESTS_ORACLE_WORLD_H
#define TESTS_ORACLE_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "access/hooked.h"
#include "described/described.h"
#include "memory/memory.h"
#include "random.h"

enum {
	SEGMENT = 256 << 10,
	BASE = 64 << 10,
	/* The second begins where the first ends, so that tables lie across the border, and ends unevenly. */
	TAIL = 128 << 10,
	LAST = BASE + SEGMENT + TAIL - 1 - 0x358,
};

enum mess { RANDOM, GUIDED, LADDER, ONES, MESSES };

/* One built-in format and its description, on the same bytes. */
struct world {
	struct pw_hook hook; /* must be first */
	const struct pw_format *format, *description;
	uint64_t seed;
	unsigned char *bytes;
	struct pw_memory *direct, *fetched;
	struct pw_regime built_in, described;
	/* Counts of what occurred in this format's worlds. */
	uint64_t statuses[PW_SHARED + 1], stopped;
};

void world_init(struct world *world, const struct pw_format *format,
		const struct pw_format *description);
void world_deinit(struct world *world);

/* Fills the memory. */
void world_make_mess(struct world *world, enum mess mess);
/* Roots that both accept, for a table in memory. @round chooses the view and the number of roots. */
void world_choose_root(struct world *world, enum mess mess, unsigned round);
/* An address in a span, or any address. */
pw_va world_random_va(struct world *world);

#endif
