/* SPDX-License-Identifier: MIT */
/* A world for tests of pinning: an arena, a space of one format, and this thread as its reader. */
#ifndef TESTS_PIN_SPACE_TEST_H
#define TESTS_PIN_SPACE_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "format/format.h"
#include "pin/pin.h"

struct world {
	const struct pw_format *format;
	struct pw_arena *arena;
	struct pw_space *space;
	struct pw_reader *reader;
	uint64_t page; /* bytes of a base page */
	uint64_t free; /* free bytes of the arena before anything was mapped */
};

static const uint32_t RW = PW_READ | PW_WRITE | PW_USER | PW_ACCESSED | PW_DIRTY;
static const uint32_t RO = PW_READ | PW_USER | PW_ACCESSED;

/* Opens a world whose space has @levels levels; 0: as many as the format's CPUs usually start with. */
static inline struct world open_world(const struct pw_format *format, unsigned levels,
				      uint64_t frames)
{
	const struct pw_arena_options options = {
		.bytes = frames << format->shift[0],
		.base = 0x10000000,
		.page_lg2 = format->shift[0],
		.poison = true,
	};
	const struct pw_space_options space_options = { .levels = levels };
	struct world world = { .format = format, .page = UINT64_C(1) << format->shift[0] };

	assert_int_equal(pw_arena_create(&options, &world.arena, NULL), 0);
	assert_int_equal(pw_space_create(world.arena, format, &space_options, &world.space, NULL),
			 0);
	assert_int_equal(pw_reader_create(world.space, &world.reader), 0);
	world.free = pw_arena_free_bytes(world.arena);
	return world;
}

/* Closes the world. No page may be left, given back twice, or written to after it was freed. */
static inline void close_world(struct world *world)
{
	struct pw_arena_faults faults;
	pw_pa pa;

	pw_reader_destroy(world->reader);
	pw_space_destroy(world->space);
	assert_int_equal(pw_arena_free_bytes(world->arena), pw_arena_bytes(world->arena));
	while (pw_folio_alloc(world->arena, 0, PW_FOLIO_SHARED, 0, 0, &pa) == 0)
		;
	pw_arena_faults(world->arena, &faults);
	assert_int_equal(faults.underflows, 0);
	assert_int_equal(faults.written_after_free, 0);
	pw_arena_destroy(world->arena);
}

static inline pw_pa alloc_folio(struct world *world, unsigned order, enum pw_folio_kind kind)
{
	pw_pa pa;

	assert_int_equal(pw_folio_alloc(world->arena, order, kind, 1, 0, &pa), 0);
	return pa;
}

static inline void map_pages(struct world *world, pw_va va, uint64_t pages, pw_pa pa, uint32_t attr)
{
	struct pw_error error;

	if (pw_space_map(world->space, va, va + (pages * world->page - 1), pa, attr, &error))
		fail_msg("%s: %s", world->format->name, error.text);
}

static inline void unmap_pages(struct world *world, pw_va va, uint64_t pages)
{
	assert_int_equal(
		pw_space_unmap(world->space, va, va + (pages * world->page - 1), NULL, NULL, NULL),
		0);
}

/* A new folio of one page, mapped at @va. */
static inline pw_pa map_new(struct world *world, pw_va va, enum pw_folio_kind kind, uint32_t attr)
{
	pw_pa pa = alloc_folio(world, 0, kind);

	map_pages(world, va, 1, pa, attr);
	return pa;
}

static inline uint32_t references(struct world *world, pw_pa pa)
{
	struct pw_folio_info info = { 0 };

	return pw_folio_info(world->arena, pa, &info) ? info.references : 0;
}

static inline uint32_t pins(struct world *world, pw_pa pa)
{
	struct pw_folio_info info = { 0 };

	if (!pw_folio_info(world->arena, pa, &info))
		return 0;
	return info.order ? info.pins : info.references / 1024;
}

/* Pins one page, which must be @expected, and gives it back. Returns the reason why the pin stopped. */
static inline enum pw_stop pin_one(struct world *world, pw_va va, unsigned flags, pw_pa expected)
{
	enum pw_stop why;
	pw_pa pa = 0;
	long came = pw_pin_fast(world->reader, va, 1, flags, &pa, &why);

	assert_int_equal(came, why == PW_STOP_DONE);
	if (came == 1) {
		assert_int_equal(pa, expected);
		pw_unpin_pages(world->reader, &pa, 1, flags, false);
	}
	return why;
}

#endif
