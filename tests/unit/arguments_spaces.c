/* SPDX-License-Identifier: MIT */
/* The arguments of functions on arenas, folios, spaces, readers and pins; see arguments.c. */
#include "arguments.h"

#include <limits.h>

/* ---- arenas and folios ---- */

void arguments_arena_create(void)
{
	const struct pw_arena_options good = { .bytes = 1 << 20 };
	const struct pw_arena_options bad[] = {
		{ .bytes = 0 },
		{ .bytes = 4096 },
		{ .bytes = (1 << 20) + 1 },
		{ .bytes = 1 << 20, .base = 1 },
		{ .bytes = 1 << 20, .page_lg2 = 11 },
		{ .bytes = 1 << 20, .base = UINT64_MAX & ~UINT64_C(4095) },
	};
	struct pw_arena *made;

	REFUSED(pw_arena_create(NULL, &made, error));
	REFUSED(pw_arena_create(&good, NULL, error));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		REFUSED(pw_arena_create(&bad[i], &made, error));
}

void arguments_arena_destroy(void)
{
	pw_arena_destroy(NULL);
}

void arguments_arena_host(void)
{
	assert_non_null(pw_arena_host(arena, 0, 0));
	assert_null(pw_arena_host(arena, UINT64_MAX, 0));
	assert_null(pw_arena_host(arena, 0, UINT64_MAX));
}

void arguments_folio_alloc(void)
{
	pw_pa pa;

	REFUSED_SILENTLY(pw_folio_alloc(NULL, 0, PW_FOLIO_ANONYMOUS, 0, 0, &pa));
	REFUSED_SILENTLY(pw_folio_alloc(arena, 0, PW_FOLIO_ANONYMOUS, 0, 0, NULL));
	REFUSED_SILENTLY(pw_folio_alloc(arena, 19, PW_FOLIO_ANONYMOUS, 0, 0, &pa));
	REFUSED_SILENTLY(pw_folio_alloc(arena, 0, (enum pw_folio_kind)99, 0, 0, &pa));
	REFUSED_SILENTLY(pw_folio_alloc(arena, 0, PW_FOLIO_FILE, UINT64_C(1) << 61, 0, &pa));
}

/* None of these counts can be 0, and no folio is outside the arena. */
void arguments_folio_counts(void)
{
	struct pw_folio_info before, after;

	assert_true(pw_folio_info(arena, folio, &before));
	assert_false(pw_folio_get(arena, folio, 0));
	assert_false(pw_folio_pin(arena, folio, 0));
	assert_false(pw_folio_split(arena, folio, 0));
	pw_folio_put(arena, folio, 0);
	pw_folio_unpin(arena, folio, 0);
	assert_true(pw_folio_info(arena, folio, &after));
	assert_int_equal(after.references, before.references);
	assert_int_equal(after.pins, before.pins);
	assert_false(pw_folio_get(arena, UINT64_MAX, 1));
	assert_false(pw_folio_pin(arena, UINT64_MAX, 1));
	assert_false(pw_folio_info(arena, UINT64_MAX, &after));
	assert_false(pw_folio_clean(arena, UINT64_MAX));
	assert_false(pw_folio_try_share(arena, UINT64_MAX));
	assert_false(pw_folio_split(arena, UINT64_MAX, 1));
	pw_folio_truncate(arena, UINT64_MAX);
	pw_folio_dirty(arena, UINT64_MAX);
	pw_folio_own(arena, UINT64_MAX);
}

/* ---- spaces ---- */

void arguments_table_create(void)
{
	struct pw_space *made;

	REFUSED(pw_space_create(NULL, format, NULL, &made, error));
	REFUSED(pw_space_create(arena, NULL, NULL, &made, error));
	REFUSED(pw_space_create(arena, format, NULL, NULL, error));
}

void arguments_table_destroy(void)
{
	pw_space_destroy(NULL);
}

/* Ranges that are not whole pages, and ranges that end before they begin. */
static const pw_va bad_range[][2] = {
	{ 0x1000, 0x1ffe }, { 0x1001, 0x1fff }, { 0x2000, 0x1fff }, { 0x1fff, 0x1000 }, { 1, 0 },
};

enum { BAD_RANGES = sizeof(bad_range) / sizeof(bad_range[0]) };

void arguments_table_map(void)
{
	const uint32_t attr = PW_READ | PW_ACCESSED;

	REFUSED(pw_space_map(NULL, 0, 0xfff, 0, attr, error));
	REFUSED(pw_space_map(space, 0, 0xfff, 1, attr, error));
	for (size_t i = 0; i < BAD_RANGES; i++)
		REFUSED(pw_space_map(space, bad_range[i][0], bad_range[i][1], 0, attr, error));
}

void arguments_table_unmap(void)
{
	REFUSED(pw_space_unmap(NULL, 0, 0xfff, NULL, NULL, error));
	for (size_t i = 0; i < BAD_RANGES; i++)
		REFUSED(pw_space_unmap(space, bad_range[i][0], bad_range[i][1], NULL, NULL, error));
}

void arguments_table_protect(void)
{
	REFUSED(pw_space_protect(NULL, 0, 0xfff, PW_READ, error));
	for (size_t i = 0; i < BAD_RANGES; i++)
		REFUSED(pw_space_protect(space, bad_range[i][0], bad_range[i][1], PW_READ, error));
}

void arguments_table_split(void)
{
	REFUSED(pw_space_split(NULL, 0, 0xfff, 12, error));
	for (size_t i = 0; i < BAD_RANGES; i++)
		REFUSED(pw_space_split(space, bad_range[i][0], bad_range[i][1], 12, error));
}

void arguments_table_collapse(void)
{
	uint64_t bytes;

	REFUSED(pw_space_collapse(NULL, 0, 0xfff, 21, &bytes, error));
	for (size_t i = 0; i < BAD_RANGES; i++)
		REFUSED(pw_space_collapse(space, bad_range[i][0], bad_range[i][1], 21, NULL,
					  error));
}

/* ---- readers and pins ---- */

void arguments_reader_create(void)
{
	struct pw_reader *made;

	REFUSED_SILENTLY(pw_reader_create(NULL, &made));
	REFUSED_SILENTLY(pw_reader_create(space, NULL));
}

void arguments_reader_destroy(void)
{
	pw_reader_destroy(NULL);
}

void arguments_pin_pages(void)
{
	long (*const pin[])(struct pw_reader *, pw_va, size_t, unsigned, pw_pa *,
			    enum pw_stop *) = { pw_pin_fast, pw_get_fast };

	for (int i = 0; i < 2; i++) {
		enum pw_stop stop = PW_STOP_ROOM;
		pw_pa page;

		REFUSED_SILENTLY(pin[i](NULL, VA, 1, 0, &page, NULL));
		REFUSED_SILENTLY(pin[i](reader, VA, 1, 0, NULL, NULL));
		REFUSED_SILENTLY(pin[i](reader, VA + 1, 1, 0, &page, NULL));
		REFUSED_SILENTLY(pin[i](reader, VA + 1, 0, 0, &page, NULL));
		assert_int_equal(pin[i](reader, VA, 0, 0, NULL, &stop), 0);
		assert_int_equal(stop, PW_STOP_DONE);
		assert_int_equal(pin[i](reader, 0x900000, 0, 0, NULL, NULL), 0);
	}
}

void arguments_pin_ranges(void)
{
	enum pw_stop stop = PW_STOP_GONE;
	struct pw_pinned range;
	uint64_t bytes = 1;

	REFUSED_SILENTLY(pw_pin_fast_ranges(NULL, VA, 4096, 0, &range, 1, &bytes, NULL));
	REFUSED_SILENTLY(pw_pin_fast_ranges(reader, VA, 4096, 0, NULL, 1, &bytes, NULL));
	REFUSED_SILENTLY(pw_pin_fast_ranges(reader, VA + 1, 4096, 0, &range, 1, &bytes, NULL));
	REFUSED_SILENTLY(pw_pin_fast_ranges(reader, VA, 4095, 0, &range, 1, &bytes, NULL));
	assert_int_equal(pw_pin_fast_ranges(reader, VA, 0, 0, NULL, 0, &bytes, &stop), 0);
	assert_int_equal(stop, PW_STOP_DONE);
	assert_int_equal(bytes, 0);
	/* There is a page to pin, but no room for it. */
	assert_int_equal(pw_pin_fast_ranges(reader, VA, 4096, 0, NULL, 0, &bytes, &stop), 0);
	assert_int_equal(stop, PW_STOP_ROOM);
	assert_int_equal(bytes, 0);
}

void arguments_pin_iovec(void)
{
	enum pw_stop stop = PW_STOP_GONE;
	struct iovec iovec;
	uint64_t bytes = 1;

	REFUSED_SILENTLY(pw_pin_fast_iovec(NULL, VA, 4096, 0, &iovec, 1, &bytes, NULL));
	REFUSED_SILENTLY(pw_pin_fast_iovec(reader, VA, 4096, 0, NULL, 1, &bytes, NULL));
	REFUSED_SILENTLY(pw_pin_fast_iovec(reader, VA + 1, 4096, 0, &iovec, 1, &bytes, NULL));
	REFUSED_SILENTLY(pw_pin_fast_iovec(reader, VA, 4095, 0, &iovec, 1, &bytes, NULL));
	assert_int_equal(pw_pin_fast_iovec(reader, VA, 0, 0, NULL, 0, &bytes, &stop), 0);
	assert_int_equal(stop, PW_STOP_DONE);
	assert_int_equal(bytes, 0);
	assert_int_equal(pw_pin_fast_iovec(reader, VA, 4096, 0, NULL, 0, &bytes, &stop), 0);
	assert_int_equal(stop, PW_STOP_ROOM);
	assert_int_equal(bytes, 0);
}

void arguments_unpin(void)
{
	struct pw_arena_faults before, after;

	pw_arena_faults(arena, &before);
	pw_unpin_pages(reader, NULL, 0, 0, false);
	pw_unpin_ranges(reader, NULL, 0, 0, false);
	pw_unpin_iovec(reader, NULL, 0, 0, false);
	pw_arena_faults(arena, &after);
	assert_int_equal(after.underflows, before.underflows);
}

void arguments_look(void)
{
	enum pw_stop stop = PW_STOP_GONE;
	pw_pa page;

	REFUSED_SILENTLY(pw_look_fast(NULL, &regime, VA, 1, 0, &page, NULL));
	REFUSED_SILENTLY(pw_look_fast(memory, NULL, VA, 1, 0, &page, NULL));
	REFUSED_SILENTLY(pw_look_fast(memory, &regime, VA, 1, 0, NULL, NULL));
	REFUSED_SILENTLY(pw_look_fast(memory, &regime, VA + 1, 1, 0, &page, NULL));
	REFUSED_SILENTLY(pw_look_fast(memory, &regime, VA, 1, PW_PIN_LONGTERM, &page, NULL));
	assert_int_equal(pw_look_fast(memory, &regime, VA, 0, 0, NULL, &stop), 0);
	assert_int_equal(stop, PW_STOP_DONE);
}
