/* SPDX-License-Identifier: MIT */
/*
 * What every public function does with NULL, with a count of 0, and with ranges that are none: the rule
 * that stands at the top of pagewalk.h, function by function. src/pagewalk.map says which there are.
 */
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pagewalk/pagewalk.h>

static uint64_t words[8 * 512];
static struct pw_memory *memory;
static struct pw_regime regime;
static const struct pw_format *format;
static struct pw_arena *arena;
static struct pw_table *table;
static struct pw_reader *reader;
static pw_pa folio;

static const pw_va VA = 0x10000;

/* A failing call says so in a sentence, and with no room for one fails as well. */
#define REFUSED(call)                                          \
	do {                                                   \
		struct pw_error told = { "" }, *error = &told; \
		assert_int_equal(call, -EINVAL);               \
		assert_true(told.text[0]);                     \
		error = NULL;                                  \
		assert_int_equal(call, -EINVAL);               \
		(void)error;                                   \
	} while (0)

/* The same of functions that have no room for a sentence. */
#define REFUSED_SILENTLY(call) assert_int_equal(call, -EINVAL)

/* ---- formats ---- */

static void regime_init(void)
{
	const uint64_t root[2] = { 0 };
	struct pw_regime r;

	REFUSED(pw_regime_init(NULL, format, root, 1, NULL, error));
	REFUSED(pw_regime_init(&r, NULL, root, 1, NULL, error));
	REFUSED(pw_regime_init(&r, format, NULL, 1, NULL, error));
	REFUSED(pw_regime_init(&r, format, root, 0, NULL, error));
	REFUSED(pw_regime_init(&r, format, root, 2, NULL, error));
}

static void format_find(void)
{
	assert_null(pw_format_find(NULL));
	assert_null(pw_format_find(""));
}

static void format_load(void)
{
	const struct pw_format *loaded;

	REFUSED(pw_format_load(NULL, &loaded, error));
	REFUSED(pw_format_load("/dev/null", NULL, error));
}

static void format_unload(void)
{
	pw_format_unload(NULL);
	pw_format_unload(format);
}

static void format_at(void)
{
	assert_null(pw_format_at(SIZE_MAX));
}

static void names(void)
{
	assert_string_equal(pw_level_name(format, UINT_MAX), "?");
	assert_string_equal(pw_status_name((enum pw_status) - 1), "?");
	assert_string_equal(pw_stop_name((enum pw_stop) - 1), "?");
	assert_string_equal(pw_finding_name((enum pw_finding_kind) - 1), "?");
}

/* ---- memory ---- */

static int fetch(void *context, pw_pa pa, void *buffer, size_t bytes)
{
	(void)context;
	(void)pa;
	memset(buffer, 0, bytes);
	return 0;
}

static void memory_open(void)
{
	struct pw_memory *m;

	REFUSED(pw_memory_open(NULL, &m, error));
	REFUSED(pw_memory_open("sample:s390x", NULL, error));
}

static void memory_wrap(void)
{
	const struct pw_segment good = { 0, 4095, words }, back = { 4096, 0, words };
	struct pw_memory *m;

	REFUSED(pw_memory_wrap(NULL, 1, &m, error));
	REFUSED(pw_memory_wrap(&good, 1, NULL, error));
	REFUSED(pw_memory_wrap(&good, 0, &m, error));
	REFUSED(pw_memory_wrap(NULL, 0, &m, error));
	REFUSED(pw_memory_wrap(&back, 1, &m, error));
}

static void memory_create(void)
{
	const struct pw_segment good = { 0, 4095, NULL }, back = { 4096, 0, NULL };
	struct pw_memory *m;

	REFUSED(pw_memory_create(NULL, NULL, &good, 1, &m, error));
	REFUSED(pw_memory_create(fetch, NULL, NULL, 1, &m, error));
	REFUSED(pw_memory_create(fetch, NULL, &good, 1, NULL, error));
	REFUSED(pw_memory_create(fetch, NULL, NULL, 0, &m, error));
	REFUSED(pw_memory_create(fetch, NULL, &back, 1, &m, error));
}

static void memory_read(void)
{
	char byte;

	REFUSED_SILENTLY(pw_memory_read(NULL, 0, &byte, 1));
	REFUSED_SILENTLY(pw_memory_read(memory, 0, NULL, 1));
	assert_int_equal(pw_memory_read(memory, 0, NULL, 0), 0);
	/* Where there is no memory, nothing of it can be asked for, too. */
	assert_int_equal(pw_memory_read(memory, UINT64_MAX, NULL, 0), 0);
}

static void memory_kernel(void)
{
	struct pw_kernel kernel;

	REFUSED_SILENTLY(pw_memory_kernel(NULL, 0, &kernel));
	REFUSED_SILENTLY(pw_memory_kernel(memory, 0, NULL));
	assert_int_equal(pw_memory_kernel(memory, 0, &kernel), -ENODATA);
}

static void memory_check(void)
{
	REFUSED(pw_memory_check(NULL, error));
}

static void memory_close(void)
{
	pw_memory_close(NULL);
}

static void memory_remark(void)
{
	assert_null(pw_memory_remark(memory, SIZE_MAX));
}

static void memory_has_file(void)
{
	assert_false(pw_memory_has_file(memory, "/dev/null"));
	assert_false(pw_memory_has_file(memory, ""));
}

/* ---- walks ---- */

static void translate_many(void)
{
	assert_int_equal(pw_translate_many(memory, &regime, NULL, 0, NULL), 0);
}

static void walk_range(void)
{
	const struct pw_walk_ops ops = { 0 };

	REFUSED_SILENTLY(pw_walk_range(NULL, &regime, 0, 1, &ops, NULL));
	REFUSED_SILENTLY(pw_walk_range(memory, NULL, 0, 1, &ops, NULL));
	REFUSED_SILENTLY(pw_walk_range(memory, &regime, 0, 1, NULL, NULL));
	REFUSED_SILENTLY(pw_walk_range(memory, &regime, 1, 0, &ops, NULL));
	assert_int_equal(pw_walk_range(memory, &regime, 0, 1, &ops, NULL), 0);
}

static void scan_create(void)
{
	struct pw_scan *scan;

	REFUSED(pw_scan_create(NULL, &regime, 0, 1, NULL, &scan, error));
	REFUSED(pw_scan_create(memory, NULL, 0, 1, NULL, &scan, error));
	REFUSED(pw_scan_create(memory, &regime, 0, 1, NULL, NULL, error));
	REFUSED(pw_scan_create(memory, &regime, 1, 0, NULL, &scan, error));
}

static void scan_next(void)
{
	struct pw_range range;
	struct pw_scan *scan;

	assert_int_equal(pw_scan_create(memory, &regime, 0, UINT64_MAX, NULL, &scan, NULL), 0);
	pw_scan_holes(scan, true);
	assert_int_equal(pw_scan_next(scan, NULL, 0), 0);
	/* Asking for nothing was not the end. */
	assert_int_equal(pw_scan_next(scan, &range, 1), 1);
	assert_int_equal(range.first, 0);
	pw_scan_destroy(scan);
}

static void scan_destroy(void)
{
	pw_scan_destroy(NULL);
}

/* ---- surveys ---- */

static int alias(void *context, const struct pw_alias *run)
{
	(void)context;
	(void)run;
	return 0;
}

static int found(void *context, size_t which, const struct pw_range *range)
{
	(void)context;
	(void)which;
	(void)range;
	return 0;
}

static void find(void)
{
	static const pw_pa good[1][2] = { { 0, 1 } }, back[1][2] = { { 1, 0 } };
	struct pw_scan *scan;

	assert_int_equal(pw_scan_create(memory, &regime, 0, UINT64_MAX, NULL, &scan, NULL), 0);
	REFUSED(pw_find(NULL, good, 1, found, NULL, error));
	REFUSED(pw_find(scan, NULL, 1, found, NULL, error));
	REFUSED(pw_find(scan, good, 1, NULL, NULL, error));
	REFUSED(pw_find(scan, back, 1, found, NULL, error));
	assert_int_equal(pw_find(scan, NULL, 0, found, NULL, NULL), 0);
	pw_scan_destroy(scan);
}

static struct pw_index *new_index(void)
{
	struct pw_index *index;
	struct pw_scan *scan;

	assert_int_equal(pw_scan_create(memory, &regime, 0, UINT64_MAX, NULL, &scan, NULL), 0);
	REFUSED(pw_index_create(scan, NULL, error));
	assert_int_equal(pw_index_create(scan, &index, NULL), 0);
	pw_scan_destroy(scan);
	return index;
}

static void index_create(void)
{
	struct pw_index *index = new_index();

	pw_index_destroy(index);
	REFUSED(pw_index_create(NULL, &index, error));
}

static void index_find(void)
{
	struct pw_index *index = new_index();
	struct pw_range *ranges;
	size_t count;

	REFUSED_SILENTLY(pw_index_find(NULL, 0, 1, &ranges, &count));
	REFUSED_SILENTLY(pw_index_find(index, 0, 1, NULL, &count));
	REFUSED_SILENTLY(pw_index_find(index, 0, 1, &ranges, NULL));
	REFUSED_SILENTLY(pw_index_find(index, 1, 0, &ranges, &count));
	pw_index_destroy(index);
}

static void index_aliases(void)
{
	const struct pw_alias_options some = { .wanted_count = 1 };
	struct pw_index *index = new_index();

	REFUSED_SILENTLY(pw_index_aliases(NULL, NULL, alias, NULL));
	REFUSED_SILENTLY(pw_index_aliases(index, NULL, NULL, NULL));
	REFUSED_SILENTLY(pw_index_aliases(index, &some, alias, NULL));
	pw_index_destroy(index);
}

static void index_destroy(void)
{
	pw_index_destroy(NULL);
}

static int finding(void *context, const struct pw_finding *found)
{
	(void)context;
	(void)found;
	return 0;
}

static void check(void)
{
	REFUSED(pw_check(NULL, &regime, 0, 1, NULL, finding, NULL, error));
	REFUSED(pw_check(memory, NULL, 0, 1, NULL, finding, NULL, error));
	REFUSED(pw_check(memory, &regime, 0, 1, NULL, NULL, NULL, error));
	REFUSED(pw_check(memory, &regime, 1, 0, NULL, finding, NULL, error));
}

static void cut_write(void)
{
	static const pw_va back[1][2] = { { 1, 0 } };
	const struct pw_cut good = { .memory = memory, .regimes = &regime, .regime_count = 1 };
	struct pw_cut cut = good;

	REFUSED(pw_cut_write(NULL, "/nowhere/x", NULL, error));
	REFUSED(pw_cut_write(&good, NULL, NULL, error));
	cut.memory = NULL;
	REFUSED(pw_cut_write(&cut, "/nowhere/x", NULL, error));
	cut = good;
	cut.regimes = NULL;
	REFUSED(pw_cut_write(&cut, "/nowhere/x", NULL, error));
	cut.regime_count = 0;
	REFUSED(pw_cut_write(&cut, "/nowhere/x", NULL, error));
	cut = good;
	cut.range_count = 1;
	REFUSED(pw_cut_write(&cut, "/nowhere/x", NULL, error));
	cut.ranges = back;
	REFUSED(pw_cut_write(&cut, "/nowhere/x", NULL, error));
}

/* ---- pictures ---- */

static void picture_create(void)
{
	struct pw_picture *picture;

	REFUSED(pw_picture_create(NULL, &regime, 0, 1, NULL, &picture, error));
	REFUSED(pw_picture_create(memory, NULL, 0, 1, NULL, &picture, error));
	REFUSED(pw_picture_create(memory, &regime, 0, 1, NULL, NULL, error));
	REFUSED(pw_picture_create(memory, &regime, 1, 0, NULL, &picture, error));
}

static void picture_draw(void)
{
	struct pw_picture *picture;
	FILE *stream = tmpfile();

	assert_non_null(stream);
	assert_int_equal(pw_picture_create(memory, &regime, 0, 0, NULL, &picture, NULL), 0);
	REFUSED_SILENTLY(pw_picture_text(NULL, NULL, stream));
	REFUSED_SILENTLY(pw_picture_text(picture, NULL, NULL));
	REFUSED_SILENTLY(pw_picture_svg(NULL, stream));
	REFUSED_SILENTLY(pw_picture_svg(picture, NULL));
	REFUSED_SILENTLY(pw_picture_html(NULL, stream));
	REFUSED_SILENTLY(pw_picture_html(picture, NULL));
	REFUSED_SILENTLY(pw_picture_json(NULL, stream));
	REFUSED_SILENTLY(pw_picture_json(picture, NULL));
	assert_int_equal(pw_picture_text(picture, NULL, stream), 0);
	pw_picture_destroy(picture);
	fclose(stream);
}

static void picture_destroy(void)
{
	pw_picture_destroy(NULL);
}

/* ---- arenas and folios ---- */

static void arena_create(void)
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

static void arena_destroy(void)
{
	pw_arena_destroy(NULL);
}

static void arena_host(void)
{
	assert_non_null(pw_arena_host(arena, 0, 0));
	assert_null(pw_arena_host(arena, UINT64_MAX, 0));
	assert_null(pw_arena_host(arena, 0, UINT64_MAX));
}

static void folio_alloc(void)
{
	pw_pa pa;

	REFUSED_SILENTLY(pw_folio_alloc(NULL, 0, PW_FOLIO_ANONYMOUS, 0, 0, &pa));
	REFUSED_SILENTLY(pw_folio_alloc(arena, 0, PW_FOLIO_ANONYMOUS, 0, 0, NULL));
	REFUSED_SILENTLY(pw_folio_alloc(arena, 19, PW_FOLIO_ANONYMOUS, 0, 0, &pa));
	REFUSED_SILENTLY(pw_folio_alloc(arena, 0, (enum pw_folio_kind)99, 0, 0, &pa));
	REFUSED_SILENTLY(pw_folio_alloc(arena, 0, PW_FOLIO_FILE, UINT64_C(1) << 61, 0, &pa));
}

/* None of these counts can be 0, and there is nothing outside the arena. */
static void folio_counts(void)
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

/* ---- tables ---- */

static void table_create(void)
{
	struct pw_table *made;

	REFUSED(pw_table_create(NULL, format, NULL, &made, error));
	REFUSED(pw_table_create(arena, NULL, NULL, &made, error));
	REFUSED(pw_table_create(arena, format, NULL, NULL, error));
}

static void table_destroy(void)
{
	pw_table_destroy(NULL);
}

/* Bounds that are no whole pages, and that are none. */
static const pw_va bad_range[][2] = {
	{ 0x1000, 0x1ffe }, { 0x1001, 0x1fff }, { 0x2000, 0x1fff }, { 0x1fff, 0x1000 }, { 1, 0 },
};

enum { BAD_RANGES = sizeof(bad_range) / sizeof(bad_range[0]) };

static void table_map(void)
{
	const uint32_t attr = PW_READ | PW_ACCESSED;

	REFUSED(pw_table_map(NULL, 0, 0xfff, 0, attr, error));
	REFUSED(pw_table_map(table, 0, 0xfff, 1, attr, error));
	for (size_t i = 0; i < BAD_RANGES; i++)
		REFUSED(pw_table_map(table, bad_range[i][0], bad_range[i][1], 0, attr, error));
}

static void table_unmap(void)
{
	REFUSED(pw_table_unmap(NULL, 0, 0xfff, NULL, NULL, error));
	for (size_t i = 0; i < BAD_RANGES; i++)
		REFUSED(pw_table_unmap(table, bad_range[i][0], bad_range[i][1], NULL, NULL, error));
}

static void table_protect(void)
{
	REFUSED(pw_table_protect(NULL, 0, 0xfff, PW_READ, error));
	for (size_t i = 0; i < BAD_RANGES; i++)
		REFUSED(pw_table_protect(table, bad_range[i][0], bad_range[i][1], PW_READ, error));
}

static void table_split(void)
{
	REFUSED(pw_table_split(NULL, 0, 0xfff, 12, error));
	for (size_t i = 0; i < BAD_RANGES; i++)
		REFUSED(pw_table_split(table, bad_range[i][0], bad_range[i][1], 12, error));
}

static void table_collapse(void)
{
	uint64_t bytes;

	REFUSED(pw_table_collapse(NULL, 0, 0xfff, 21, &bytes, error));
	for (size_t i = 0; i < BAD_RANGES; i++)
		REFUSED(pw_table_collapse(table, bad_range[i][0], bad_range[i][1], 21, NULL,
					  error));
}

/* ---- readers and pins ---- */

static void reader_create(void)
{
	struct pw_reader *made;

	REFUSED_SILENTLY(pw_reader_create(NULL, &made));
	REFUSED_SILENTLY(pw_reader_create(table, NULL));
}

static void reader_destroy(void)
{
	pw_reader_destroy(NULL);
}

static void pin_pages(void)
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

static void pin_ranges(void)
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
	/* Something to pin, and no room for it. */
	assert_int_equal(pw_pin_fast_ranges(reader, VA, 4096, 0, NULL, 0, &bytes, &stop), 0);
	assert_int_equal(stop, PW_STOP_ROOM);
	assert_int_equal(bytes, 0);
}

static void pin_iovec(void)
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

static void unpin(void)
{
	struct pw_arena_faults before, after;

	pw_arena_faults(arena, &before);
	pw_unpin_pages(reader, NULL, 0, 0, false);
	pw_unpin_ranges(reader, NULL, 0, 0, false);
	pw_unpin_iovec(reader, NULL, 0, 0, false);
	pw_arena_faults(arena, &after);
	assert_int_equal(after.underflows, before.underflows);
}

static void look(void)
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

/* ---- all of them ---- */

/* Takes no pointer that it looks at, no count and no range. */
static void nothing_to_ask(void)
{
}

static const struct {
	const char *name;
	void (*check)(void);
} functions[] = {
	{ "pw_arena_bytes", nothing_to_ask },
	{ "pw_arena_create", arena_create },
	{ "pw_arena_destroy", arena_destroy },
	{ "pw_arena_drain", nothing_to_ask },
	{ "pw_arena_faults", nothing_to_ask },
	{ "pw_arena_fd", nothing_to_ask },
	{ "pw_arena_free_bytes", nothing_to_ask },
	{ "pw_arena_host", arena_host },
	{ "pw_arena_is_huge", nothing_to_ask },
	{ "pw_arena_memory", nothing_to_ask },
	{ "pw_arena_zero_page", nothing_to_ask },
	{ "pw_check", check },
	{ "pw_cut_write", cut_write },
	{ "pw_find", find },
	{ "pw_finding_is_note", nothing_to_ask },
	{ "pw_finding_name", names },
	{ "pw_folio_alloc", folio_alloc },
	{ "pw_folio_clean", folio_counts },
	{ "pw_folio_dirty", folio_counts },
	{ "pw_folio_get", folio_counts },
	{ "pw_folio_info", folio_counts },
	{ "pw_folio_own", folio_counts },
	{ "pw_folio_pin", folio_counts },
	{ "pw_folio_put", folio_counts },
	{ "pw_folio_split", folio_counts },
	{ "pw_folio_truncate", folio_counts },
	{ "pw_folio_try_share", folio_counts },
	{ "pw_folio_unpin", folio_counts },
	{ "pw_format_at", format_at },
	{ "pw_format_can_edit", nothing_to_ask },
	{ "pw_format_find", format_find },
	{ "pw_format_geometry", nothing_to_ask },
	{ "pw_format_load", format_load },
	{ "pw_format_unload", format_unload },
	{ "pw_get_fast", pin_pages },
	{ "pw_index_aliases", index_aliases },
	{ "pw_index_create", index_create },
	{ "pw_index_destroy", index_destroy },
	{ "pw_index_find", index_find },
	{ "pw_level_name", names },
	{ "pw_look_fast", look },
	{ "pw_memory_check", memory_check },
	{ "pw_memory_close", memory_close },
	{ "pw_memory_cpus", nothing_to_ask },
	{ "pw_memory_create", memory_create },
	{ "pw_memory_has_file", memory_has_file },
	{ "pw_memory_kernel", memory_kernel },
	{ "pw_memory_open", memory_open },
	{ "pw_memory_read", memory_read },
	{ "pw_memory_remark", memory_remark },
	{ "pw_memory_segments", nothing_to_ask },
	{ "pw_memory_title", nothing_to_ask },
	{ "pw_memory_wrap", memory_wrap },
	{ "pw_picture_create", picture_create },
	{ "pw_picture_destroy", picture_destroy },
	{ "pw_picture_found", nothing_to_ask },
	{ "pw_picture_html", picture_draw },
	{ "pw_picture_json", picture_draw },
	{ "pw_picture_svg", picture_draw },
	{ "pw_picture_text", picture_draw },
	{ "pw_pin_fast", pin_pages },
	{ "pw_pin_fast_iovec", pin_iovec },
	{ "pw_pin_fast_ranges", pin_ranges },
	{ "pw_prot_string", nothing_to_ask },
	{ "pw_reader_create", reader_create },
	{ "pw_reader_destroy", reader_destroy },
	{ "pw_reader_enter", nothing_to_ask },
	{ "pw_reader_leave", nothing_to_ask },
	{ "pw_reader_stops", nothing_to_ask },
	{ "pw_regime_init", regime_init },
	{ "pw_scan_create", scan_create },
	{ "pw_scan_destroy", scan_destroy },
	{ "pw_scan_holes", nothing_to_ask },
	{ "pw_scan_next", scan_next },
	{ "pw_scan_state", nothing_to_ask },
	{ "pw_status_name", names },
	{ "pw_stop_name", names },
	{ "pw_table_bytes", nothing_to_ask },
	{ "pw_table_collapse", table_collapse },
	{ "pw_table_copy_begin", nothing_to_ask },
	{ "pw_table_copy_end", nothing_to_ask },
	{ "pw_table_create", table_create },
	{ "pw_table_destroy", table_destroy },
	{ "pw_table_map", table_map },
	{ "pw_table_protect", table_protect },
	{ "pw_table_root", nothing_to_ask },
	{ "pw_table_split", table_split },
	{ "pw_table_translate", nothing_to_ask },
	{ "pw_table_unmap", table_unmap },
	{ "pw_table_wait", nothing_to_ask },
	{ "pw_translate", nothing_to_ask },
	{ "pw_translate_many", translate_many },
	{ "pw_translate_trace", nothing_to_ask },
	{ "pw_unpin_iovec", unpin },
	{ "pw_unpin_pages", unpin },
	{ "pw_unpin_ranges", unpin },
	{ "pw_walk_range", walk_range },
};

enum { FUNCTIONS = sizeof(functions) / sizeof(functions[0]) };

static void setup(void)
{
	static const struct pw_arena_options bytes = { .bytes = 1 << 20 };
	const struct pw_segment segment = { 0, sizeof(words) - 1, words };
	const uint64_t root = 0;

	format = pw_format_find("x86_64");
	assert_non_null(format);
	assert_int_equal(pw_memory_wrap(&segment, 1, &memory, NULL), 0);
	assert_int_equal(pw_regime_init(&regime, format, &root, 1, NULL, NULL), 0);
	assert_int_equal(pw_arena_create(&bytes, &arena, NULL), 0);
	assert_int_equal(pw_table_create(arena, format, NULL, &table, NULL), 0);
	assert_int_equal(pw_folio_alloc(arena, 0, PW_FOLIO_ANONYMOUS, 0, 0, &folio), 0);
	assert_int_equal(pw_table_map(table, VA, VA + 0xfff, folio,
				      PW_READ | PW_WRITE | PW_USER | PW_ACCESSED | PW_DIRTY, NULL),
			 0);
	assert_int_equal(pw_reader_create(table, &reader), 0);
}

static void every_function(void **state)
{
	(void)state;
	setup();
	for (size_t i = 0; i < FUNCTIONS; i++)
		functions[i].check();
	pw_reader_destroy(reader);
	pw_table_destroy(table);
	pw_arena_destroy(arena);
	pw_memory_close(memory);
}

static const char *map_path;

/* The table above names the functions that the library has, and no others. */
static void none_is_forgotten(void **state)
{
	FILE *map = fopen(map_path, "r");
	size_t found = 0;
	char line[100], name[100];

	(void)state;
	assert_non_null(map);
	while (fgets(line, sizeof(line), map)) {
		size_t i = 0;

		if (sscanf(line, " %99[a-z0-9_];", name) != 1 || strncmp(name, "pw_", 3) != 0)
			continue;
		while (i < FUNCTIONS && strcmp(functions[i].name, name) != 0)
			i++;
		if (i == FUNCTIONS)
			fail_msg("%s is not in the table", name);
		found++;
	}
	fclose(map);
	assert_int_equal(found, FUNCTIONS);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_function),
		cmocka_unit_test(none_is_forgotten),
	};

	if (argc < 2)
		return 2;
	map_path = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
