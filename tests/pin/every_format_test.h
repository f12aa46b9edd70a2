/* SPDX-License-Identifier: MIT */
/* Tests of pinning that run on every format that can be edited. */
#ifndef TESTS_PIN_EVERY_FORMAT_TEST_H
#define TESTS_PIN_EVERY_FORMAT_TEST_H

#include "space_test.h"
#include "walk/instance.h"

enum { FRAMES = 256 };

/* Runs @test on a new space of every format. */
static inline void for_each_format(void (*test)(struct space *space))
{
	const struct pw_format *format;

	for (size_t i = 0; (format = pw_format_at(i)); i++) {
		struct space space;

		if (!pw_format_can_edit(format))
			continue;
		space = open_space(format, 0, FRAMES);
		test(&space);
		close_space(&space);
	}
}

/* Where two tables of level 0 meet: half of @pages before, half behind. */
static inline pw_va across_tables(const struct space *space, uint64_t pages)
{
	return ((pw_va)1 << space->format->shift[1]) - pages / 2 * space->page;
}

#endif
