/* SPDX-License-Identifier: MIT */
/* A space for tests of pinning: an arena, a table of one format, this thread as its reader. */
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

struct space {
	const struct pw_format *format;
	struct pw_arena *arena;
	struct pw_table *table;
	struct pw_reader *reader;
	uint64_t page; /* bytes of a base page */
	uint64_t free; /* of the arena, before anything was mapped */
};

static const uint32_t RW = PW_READ | PW_WRITE | PW_USER | PW_ACCESSED | PW_DIRTY;
static const uint32_t RO = PW_READ | PW_USER | PW_ACCESSED;

/* As deep as the format is; @levels 0: as deep as its CPUs usually start. */
static inline struct space open_space(const struct pw_format *format, unsigned levels,
				      uint64_t frames)
{
	const struct pw_arena_options options = {
		.bytes = frames << format->shift[0],
		.base = 0x10000000,
		.page_lg2 = format->shift[0],
		.poison = true,
	};
	const struct pw_table_options table_options = { .levels = levels };
	struct space space = { .format = format, .page = UINT64_C(1) << format->shift[0] };

	assert_int_equal(pw_arena_create(&options, &space.arena, NULL), 0);
	assert_int_equal(pw_table_create(space.arena, format, &table_options, &space.table, NULL),
			 0);
	assert_int_equal(pw_reader_create(space.table, &space.reader), 0);
	space.free = pw_arena_free_bytes(space.arena);
	return space;
}

/* Nothing may be left, taken twice, or written to after it was freed. */
static inline void close_space(struct space *space)
{
	struct pw_arena_faults faults;
	pw_pa pa;

	pw_reader_destroy(space->reader);
	pw_table_destroy(space->table);
	assert_int_equal(pw_arena_free_bytes(space->arena), pw_arena_bytes(space->arena));
	while (pw_folio_alloc(space->arena, 0, PW_FOLIO_SHARED, 0, 0, &pa) == 0)
		;
	pw_arena_faults(space->arena, &faults);
	assert_int_equal(faults.underflows, 0);
	assert_int_equal(faults.written_after_free, 0);
	pw_arena_destroy(space->arena);
}

static inline pw_pa alloc_folio(struct space *space, unsigned order, enum pw_folio_kind kind)
{
	pw_pa pa;

	assert_int_equal(pw_folio_alloc(space->arena, order, kind, 1, 0, &pa), 0);
	return pa;
}

static inline void map_pages(struct space *space, pw_va va, uint64_t pages, pw_pa pa, uint32_t attr)
{
	struct pw_error error;

	if (pw_table_map(space->table, va, va + (pages * space->page - 1), pa, attr, &error))
		fail_msg("%s: %s", space->format->name, error.text);
}

static inline void unmap_pages(struct space *space, pw_va va, uint64_t pages)
{
	assert_int_equal(
		pw_table_unmap(space->table, va, va + (pages * space->page - 1), NULL, NULL, NULL),
		0);
}

/* A new folio of one page, mapped at @va. */
static inline pw_pa map_new(struct space *space, pw_va va, enum pw_folio_kind kind, uint32_t attr)
{
	pw_pa pa = alloc_folio(space, 0, kind);

	map_pages(space, va, 1, pa, attr);
	return pa;
}

static inline uint32_t references(struct space *space, pw_pa pa)
{
	struct pw_folio_info info = { 0 };

	return pw_folio_info(space->arena, pa, &info) ? info.references : 0;
}

static inline uint32_t pins(struct space *space, pw_pa pa)
{
	struct pw_folio_info info = { 0 };

	if (!pw_folio_info(space->arena, pa, &info))
		return 0;
	return info.order ? info.pins : info.references / 1024;
}

/* One page; the reason it stopped. What came is given back, and must have been @expected. */
static inline enum pw_stop pin_one(struct space *space, pw_va va, unsigned flags, pw_pa expected)
{
	enum pw_stop why;
	pw_pa pa = 0;
	long came = pw_pin_fast(space->reader, va, 1, flags, &pa, &why);

	assert_int_equal(came, why == PW_STOP_DONE);
	if (came == 1) {
		assert_int_equal(pa, expected);
		pw_unpin_pages(space->reader, &pa, 1, flags, false);
	}
	return why;
}

#endif
