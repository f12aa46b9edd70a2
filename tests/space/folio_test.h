/* SPDX-License-Identifier: MIT */
/* The parts that the tests of folios share. */
#ifndef TESTS_SPACE_FOLIO_TEST_H
#define TESTS_SPACE_FOLIO_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "folio/folio.h"

enum { PAGE = 4096 };

static inline struct pw_arena *open_arena(uint64_t frames)
{
	struct pw_arena_options options = { .bytes = frames * PAGE,
					    .base = 0x40000000,
					    .poison = true };
	struct pw_arena *arena;

	assert_int_equal(pw_arena_create(&options, &arena, NULL), 0);
	return arena;
}

static inline pw_pa alloc(struct pw_arena *arena, unsigned order, enum pw_folio_kind kind)
{
	pw_pa pa;

	assert_int_equal(pw_folio_alloc(arena, order, kind, 5, 100, &pa), 0);
	return pa;
}

static inline void assert_counts(const struct pw_arena *arena, pw_pa pa, uint32_t references,
				 uint32_t pins)
{
	struct pw_folio_info info = { 0 };

	assert_int_equal(pw_folio_info(arena, pa, &info), references > 0);
	assert_int_equal(info.references, references);
	assert_int_equal(info.pins, pins);
}

static inline uint64_t underflows(const struct pw_arena *arena)
{
	struct pw_arena_faults faults;

	pw_arena_faults(arena, &faults);
	return faults.underflows;
}

/* Destroys the arena. Everything must have been given back once, and no free page written to. */
static inline void close_clean(struct pw_arena *arena)
{
	struct pw_arena_faults faults;
	pw_pa pa;

	assert_int_equal(pw_arena_free_bytes(arena), pw_arena_bytes(arena));
	while (pw_folio_alloc(arena, 0, PW_FOLIO_SHARED, 0, 0, &pa) == 0)
		;
	pw_arena_faults(arena, &faults);
	assert_int_equal(faults.underflows, 0);
	assert_int_equal(faults.written_after_free, 0);
	pw_arena_destroy(arena);
}

#endif
