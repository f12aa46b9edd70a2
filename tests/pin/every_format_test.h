/* SPDX-License-Identifier: MIT */
/* Tests of pinning that run on every format that can be edited. */
#ifndef TESTS_PIN_EVERY_FORMAT_TEST_H
#define TESTS_PIN_EVERY_FORMAT_TEST_H

#include "space_test.h"
#include "walk/instance.h"

enum { FRAMES = 256 };

/* Runs @test on a new space of every format. */
static inline void for_each_format(void (*test)(struct world *world))
{
	const struct pw_format *format;

	for (size_t i = 0; (format = pw_format_at(i)); i++) {
		struct world world;

		if (!pw_format_can_edit(format))
			continue;
		world = open_world(format, 0, FRAMES);
		test(&world);
		close_world(&world);
	}
}

/* An address from which @pages pages lie half in one table of level 0, half in the next. */
static inline pw_va across_tables(const struct world *world, uint64_t pages)
{
	return ((pw_va)1 << world->format->shift[1]) - pages / 2 * world->page;
}

#endif
