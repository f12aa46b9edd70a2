/* SPDX-License-Identifier: MIT */
/* Tops that grow, and the last look at the pins: at chosen moments, as in moments.c. */
#include "race_test.h"

static void pin_same(void)
{
	assert_int_equal(pin_one(race.world, race.va, PW_PIN_WRITE, race.pa), PW_STOP_DONE);
}

/*
 * Opens a world whose memory is too large for poison, and is not checked at the end. Its space is NULL if the
 * format has no tables of so few levels.
 */
static struct world open_large_space(const struct pw_format *format, unsigned levels,
				     uint64_t bytes)
{
	const struct pw_arena_options options = {
		.bytes = bytes,
		.base = UINT64_C(1) << 31,
		.page_lg2 = format->shift[0],
	};
	const struct pw_space_options space_options = { .levels = levels };
	struct world world = { .format = format, .page = UINT64_C(1) << format->shift[0] };

	assert_int_equal(pw_arena_create(&options, &world.arena, NULL), 0);
	if (pw_space_create(world.arena, format, &space_options, &world.space, NULL) == 0)
		assert_int_equal(pw_reader_create(world.space, &world.reader), 0);
	else
		pw_arena_destroy(world.arena);
	return world;
}

/* The fewest levels that this format's tables can have. */
static unsigned lowest(const struct pw_format *format)
{
	struct world world = open_world(format, 0, FRAMES);
	struct pw_space_options options = { .levels = 0 };
	struct pw_space *space = NULL;

	while (!space && options.levels++ < format->levels)
		pw_space_create(world.arena, format, &options, &space, NULL);
	assert_non_null(space);
	pw_space_destroy(space);
	close_world(&world);
	return options.levels;
}

/* While the top grows, one level at a time up to the highest, pages below it are found. */
static void top_grows(const struct pw_format *format)
{
	struct world world = open_world(format, lowest(format), FRAMES);
	const pw_va va = 5 * world.page;
	pw_pa pa = map_new(&world, va, PW_FOLIO_SHARED, RW);
	unsigned top = pw_space_now(world.space)->span[0].top;

	while (++top < format->levels) {
		pw_va far = (pw_va)1 << format->shift[top];

		prepare(&world, va, pa);
		race.at[PW_MOMENT_TOP_NEW] = pin_same;
		map_pages(&world, far, 1, pa, RW);
		over(1);
		assert_int_equal(pin_one(&world, va, 0, pa), PW_STOP_DONE);
		assert_int_equal(pin_one(&world, far, 0, pa), PW_STOP_DONE);
		unmap_pages(&world, far, 1);
	}
	unmap_pages(&world, va, 1);
	pw_folio_put(world.arena, pa, 1);
	close_world(&world);
}

static void test_top_grows(void **state)
{
	const struct pw_format *format;
	unsigned ran = 0;

	(void)state;
	for (size_t i = 0; (format = pw_format_at(i)); i++) {
		if (!pw_format_can_edit(format) || !format->dynamic_top)
			continue;
		top_grows(format);
		ran++;
	}
	assert_true(ran > 0);
}

/* ---- the last look at the pins ---- */

/* A store buffer with the stores of one operation. */
static struct {
	unsigned count;
	struct {
		void *host;
		uint64_t raw;
		unsigned entry_lg2;
	} store[64];
} buffer;

static void keep_store(void *host, uint64_t raw, unsigned entry_lg2)
{
	assert_true(buffer.count < sizeof(buffer.store) / sizeof(buffer.store[0]));
	buffer.store[buffer.count].host = host;
	buffer.store[buffer.count].raw = raw;
	buffer.store[buffer.count++].entry_lg2 = entry_lg2;
}

static void drain_stores(void)
{
	for (unsigned i = 0; i < buffer.count; i++) {
		if (buffer.store[i].entry_lg2 == 2) {
			uint32_t raw = (uint32_t)buffer.store[i].raw;

			memcpy(buffer.store[i].host, &raw, sizeof(raw));
		} else {
			memcpy(buffer.store[i].host, &buffer.store[i].raw, sizeof(uint64_t));
		}
	}
	buffer.count = 0;
}

/* The look sees no pin; so a pin that comes now must fail: the stores must have reached the memory. */
static void look_then_pin(void)
{
	struct pw_folio_info info;
	enum pw_stop why;

	assert_true(pw_folio_info(race.world->arena, race.pa, &info));
	assert_false(info.maybe_pinned);
	why = pin_one(race.world, race.va, PW_PIN_WRITE, race.pa);
	if (why == PW_STOP_DONE)
		fail_msg("%s: a pin was kept that the last look did not see",
			 race.world->format->name);
}

static void look_when_told(void *context, pw_va first, pw_va end, pw_pa pa)
{
	(void)context;
	(void)first;
	(void)end;
	(void)pa;
	look_then_pin();
}

static void stores_late(struct world *world)
{
	const pw_va va = 5 * world->page, last = va + (world->page - 1);
	pw_pa pa = alloc_folio(world, 0, PW_FOLIO_SHARED);

	for (unsigned take = 0; take < 3; take++) {
		map_pages(world, va, 1, pa, RW);
		prepare(world, va, pa);
		race.at[PW_MOMENT_SETTLE] = drain_stores;
		pw_store_hook = keep_store;
		if (take == 2)
			assert_int_equal(pw_space_protect(world->space, va, last, RO, NULL), 0);
		else
			assert_int_equal(pw_space_unmap(world->space, va, last,
							take ? look_when_told : NULL, NULL, NULL),
					 0);
		pw_store_hook = NULL;
		look_then_pin();
		drain_stores();
		over(1);
		unmap_pages(world, va, 1);
	}
	pw_folio_put(world->arena, pa, 1);
}

static void test_last_look(void **state)
{
	(void)state;
	for_each(any, stores_late);
}

/* Allocates adjacent folios of 2^order frames that together have 2^lg2 bytes, aligned. False: no room. */
static bool alloc_run(struct world *world, unsigned lg2, unsigned *order_ret, pw_pa *pa_ret)
{
	enum { FOLIOS = 64, MAX_ORDER = 18 };
	const unsigned frames_lg2 = lg2 - world->format->shift[0];
	const unsigned order = frames_lg2 < MAX_ORDER ? frames_lg2 : MAX_ORDER;
	const uint64_t bytes = world->page << order, whole = UINT64_C(1) << lg2;
	pw_pa got[FOLIOS], highest = 0;
	unsigned count = 0;

	while (count < FOLIOS &&
	       pw_folio_alloc(world->arena, order, PW_FOLIO_SHARED, 1, 0, &got[count]) == 0) {
		highest = got[count] > highest ? got[count] : highest;
		count++;
	}
	*order_ret = order;
	*pa_ret = highest & ~(whole - 1);
	for (unsigned i = 0; i < count; i++) {
		bool used = got[i] - *pa_ret < whole;

		if (!used)
			pw_folio_put(world->arena, got[i], 1);
		else
			highest -= bytes;
	}
	return count > 0 && highest == *pa_ret - bytes;
}

/*
 * The top grows, the old top is collapsed to one leaf of the new one, and that leaf is unmapped. The leaf
 * that the pin has loaded is in the old top, in which nothing has changed.
 */
static void grow_collapse_and_reuse(void)
{
	struct world *world = race.world;
	const uint64_t bytes = race.va + 1, folio = world->page << race.order;
	uint64_t collapsed;

	map_pages(world, race.va + 1, 1, pw_arena_zero_page(world->arena), RO);
	assert_int_equal(pw_space_collapse(world->space, 0, race.va, 64, &collapsed, NULL), 0);
	assert_int_equal(collapsed, bytes);
	assert_int_equal(pw_space_unmap(world->space, 0, race.va, NULL, NULL, NULL), 0);
	for (pw_pa pa = race.pa; pa < race.pa + bytes; pa += folio)
		pw_folio_put(world->arena, pa, 1);
	do {
		race.other = alloc_folio(world, race.order, PW_FOLIO_SHARED);
	} while (race.other != race.pa);
}

/* @top is the level of the first top. False if the format has no leaves of it and of the level above. */
static bool top_collapsed(const struct pw_format *format, unsigned top)
{
	const unsigned lg2 = format->shift[top] + format->bits[top];
	struct world world;
	pw_pa pa;

	if (!(format->leaf_levels >> top & 1) || !(format->leaf_levels >> (top + 1) & 1) ||
	    lg2 > 31)
		return false;
	/* Up to 2 GiB that are never written to: so without poison. */
	world = open_large_space(format, top + 1,
				 (UINT64_C(3) << lg2) + ((uint64_t)FRAMES << format->shift[0]));
	if (!world.space)
		return false;
	prepare(&world, pw_mask(lg2), 0);
	assert_true(alloc_run(&world, lg2, &race.order, &race.pa));
	pa = race.pa;
	/* All pages are as large as those of the old top. */
	assert_int_equal(pw_space_map(world.space, 0, race.va, pa, RW, NULL), 0);
	race.at[PW_MOMENT_LEAF_LOADED] = grow_collapse_and_reuse;
	assert_int_equal(pin_one(&world, 3 * world.page, PW_PIN_WRITE, 0), PW_STOP_CHANGED);
	over(1);
	assert_int_equal(references(&world, pa), 1);
	pw_reader_destroy(world.reader);
	pw_space_destroy(world.space);
	pw_arena_destroy(world.arena);
	return true;
}

static void test_top_collapsed(void **state)
{
	const struct pw_format *format;
	unsigned ran = 0;

	(void)state;
	for (size_t i = 0; (format = pw_format_at(i)); i++) {
		if (!pw_format_can_edit(format) || !format->dynamic_top)
			continue;
		for (unsigned top = 0; top + 1u < format->levels; top++)
			ran += top_collapsed(format, top);
	}
	/* At least mock, AMD's IOMMU and s390x. */
	assert_true(ran >= 3);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_top_grows),
		cmocka_unit_test(test_top_collapsed),
		cmocka_unit_test(test_last_look),
	};

	mutant_choose(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
