/* SPDX-License-Identifier: MIT */
/* Changes while a pin or an edit is under way: of leaves, folios, copies, tables, groups. */
#include "race_test.h"

static bool has_groups(const struct pw_format *f)
{
	return f->groups[0];
}

static bool has_three(const struct pw_format *f)
{
	return f->levels >= 3;
}

/* Frees a folio that nobody else holds, and allocates until it is used again. */
static void reuse(pw_pa pa, unsigned order)
{
	enum { TRIES = 2 * FRAMES };
	pw_pa got[TRIES];
	unsigned count = 0;

	pw_folio_put(race.world->arena, pa, 1);
	do {
		assert_true(count < TRIES);
		got[count] = alloc_folio(race.world, order, PW_FOLIO_SHARED);
	} while (got[count++] != pa);
	for (unsigned i = 0; i + 1 < count; i++)
		pw_folio_put(race.world->arena, got[i], 1);
}

/* ---- the leaf, and the entry above it ---- */

static void unmap_and_reuse(void)
{
	unmap_pages(race.world, race.va, 1);
	reuse(race.pa, 0);
}

/* The page is unmapped, freed and allocated for something else before it is taken. */
static void page_reused(struct world *world)
{
	const pw_va va = 5 * world->page;
	pw_pa pa = map_new(world, va, PW_FOLIO_SHARED, RW);

	prepare(world, va, pa);
	race.at[PW_MOMENT_FOLIO_FOUND] = unmap_and_reuse;
	assert_int_equal(pin_one(world, va, PW_PIN_WRITE, 0), PW_STOP_CHANGED);
	over(1);
	assert_int_equal(references(world, pa), 1);
	pw_folio_put(world->arena, pa, 1);
}

static void test_page_reused(void **state)
{
	(void)state;
	for_each(any, page_reused);
}

static void collapse_and_reuse(void)
{
	uint64_t bytes = race.world->page << race.order, collapsed;

	assert_int_equal(pw_space_collapse(race.world->space, race.va, race.va + (bytes - 1), 64,
					   &collapsed, NULL),
			 0);
	assert_int_equal(collapsed, bytes);
	unmap_pages(race.world, race.va, UINT64_C(1) << race.order);
	reuse(race.pa, race.order);
}

/*
 * A collapse takes the table out with its leaves in it; then the large leaf is unmapped. The leaf that the
 * pin has loaded stays as it was.
 */
static void table_collapsed(struct world *world)
{
	const unsigned order = (unsigned)world->format->shift[1] - world->format->shift[0];
	const uint64_t bytes = world->page << order;
	const pw_va va = (pw_va)1 << world->format->shift[1];
	pw_pa pa = alloc_folio(world, order, PW_FOLIO_SHARED);

	map_pages(world, va, UINT64_C(1) << order, pa, RW);
	assert_int_equal(
		pw_space_split(world->space, va, va + (bytes - 1), world->format->shift[0], NULL),
		0);
	prepare(world, va, pa);
	race.order = order;
	race.at[PW_MOMENT_FOLIO_FOUND] = collapse_and_reuse;
	assert_int_equal(pin_one(world, va + 3 * world->page, PW_PIN_WRITE, 0), PW_STOP_CHANGED);
	over(1);
	assert_int_equal(references(world, pa), 1);
	pw_folio_put(world->arena, pa, 1);
}

static void test_table_collapsed(void **state)
{
	(void)state;
	for_each(has_huge, table_collapsed);
}

static bool has_large(const struct pw_format *f)
{
	return f->leaf_levels & 4;
}

static void collapse_all_and_reuse(void)
{
	const pw_va last = race.va | pw_mask(race.world->format->shift[2]);

	assert_int_equal(pw_space_collapse(race.world->space, race.va, last, 64, NULL, NULL), 0);
	assert_int_equal(pw_space_unmap(race.world->space, race.va, last, NULL, NULL, NULL), 0);
	reuse(race.pa, 0);
}

/* The same one level higher: the table that is taken out has large leaves, and a pin is at one of them. */
static void upper_collapsed(struct world *world)
{
	const pw_va reach = pw_mask(world->format->shift[2]), va = reach + 1;
	pw_pa pa = alloc_folio(world, 0, PW_FOLIO_SHARED);

	assert_int_equal(pw_space_map(world->space, va, va + reach, pa & ~reach, RW, NULL), 0);
	assert_int_equal(
		pw_space_split(world->space, va, va + reach, world->format->shift[1], NULL), 0);
	prepare(world, va, pa);
	race.at[PW_MOMENT_FOLIO_FOUND] = collapse_all_and_reuse;
	assert_int_equal(pin_one(world, va + (pa & reach), PW_PIN_WRITE, 0), PW_STOP_CHANGED);
	over(1);
	assert_int_equal(references(world, pa), 1);
	pw_folio_put(world->arena, pa, 1);
}

static void test_upper_collapsed(void **state)
{
	(void)state;
	for_each(has_large, upper_collapsed);
}

static void unmap_all_and_reuse(void)
{
	pw_va reach = pw_mask(race.world->format->shift[2]);

	assert_int_equal(pw_space_unmap(race.world->space, 0, reach, NULL, NULL, NULL), 0);
	reuse(race.pa, 0);
}

/*
 * The table above the leaf's table is taken out, too. The pin compares the leaf and the entry above it; so an
 * unmap must also empty entries in tables that it takes out.
 */
static void tables_retired(struct world *world)
{
	const pw_va va = 5 * world->page;
	pw_pa pa = map_new(world, va, PW_FOLIO_SHARED, RW);

	prepare(world, va, pa);
	race.at[PW_MOMENT_FOLIO_FOUND] = unmap_all_and_reuse;
	assert_int_equal(pin_one(world, va, PW_PIN_WRITE, 0), PW_STOP_CHANGED);
	over(1);
	assert_int_equal(references(world, pa), 1);
	pw_folio_put(world->arena, pa, 1);
}

static void test_tables_retired(void **state)
{
	(void)state;
	for_each(has_three, tables_retired);
}

/* ---- the folio ---- */

static void split_folio(void)
{
	assert_true(pw_folio_split(race.world->arena, race.pa, 1));
}

/* A folio is split while it is taken, under the same leaf: then each page must have its own pin. */
static void folio_split(struct world *world)
{
	enum { PAGES = 4 };
	const unsigned order = (unsigned)world->format->shift[1] - world->format->shift[0];
	const pw_va va = (pw_va)1 << world->format->shift[1];
	pw_pa pa = alloc_folio(world, order, PW_FOLIO_SHARED), page[PAGES];
	enum pw_stop why;
	long came;

	map_pages(world, va, UINT64_C(1) << order, pa, RW);
	assert_true(pw_folio_get(world->arena, pa, (UINT32_C(1) << order) - 1));
	prepare(world, va, pa);
	race.at[PW_MOMENT_FOLIO_FOUND] = split_folio;
	came = pw_pin_fast(world->reader, va, PAGES, PW_PIN_WRITE, page, &why);
	over(1);
	for (long i = 0; i < PAGES; i++)
		assert_int_equal(pins(world, pa + (pw_pa)i * world->page), i < came);
	pw_unpin_pages(world->reader, page, (size_t)came, PW_PIN_WRITE, false);
	unmap_pages(world, va, UINT64_C(1) << order);
	for (pw_pa i = 0; i >> order == 0; i++)
		pw_folio_put(world->arena, pa + i * world->page, 1);
}

static void test_folio_split(void **state)
{
	(void)state;
	for_each(has_huge, folio_split);
}

/* ---- one load ---- */

static void map_other(void)
{
	unmap_pages(race.world, race.va, 1);
	map_pages(race.world, race.va, 1, race.other, RW);
}

static void map_back(void)
{
	unmap_pages(race.world, race.va, 1);
	map_pages(race.world, race.va, 1, race.pa, RW);
}

/* Another page is mapped for a moment, and then the first one again. Nobody can tell, and nobody must. */
static void there_and_back(struct world *world)
{
	const pw_va va = 5 * world->page;
	pw_pa pa = map_new(world, va, PW_FOLIO_SHARED, RW);

	prepare(world, va, pa);
	race.other = alloc_folio(world, 0, PW_FOLIO_SHARED);
	race.at[PW_MOMENT_LEAF_LOADED] = map_other;
	race.at[PW_MOMENT_FOLIO_FOUND] = map_back;
	assert_int_equal(pin_one(world, va, PW_PIN_WRITE, pa), PW_STOP_DONE);
	over(2);
	unmap_pages(world, va, 1);
	pw_folio_put(world->arena, pa, 1);
	pw_folio_put(world->arena, race.other, 1);
}

static void test_there_and_back(void **state)
{
	(void)state;
	for_each(any, there_and_back);
}

/* ---- copies ---- */

static void share(void)
{
	pw_space_copy_begin(race.world->space);
	assert_true(pw_folio_try_share(race.world->arena, race.pa));
}

/* A fork finds the page not pinned, and has not write-protected it yet when the pin is done. */
static void copy_began(struct world *world)
{
	const pw_va va = 5 * world->page;
	pw_pa pa = map_new(world, va, PW_FOLIO_ANONYMOUS, RW);

	prepare(world, va, pa);
	race.at[PW_MOMENT_FOLIO_FOUND] = share;
	assert_int_equal(pin_one(world, va, PW_PIN_WRITE, 0), PW_STOP_FORK);
	over(1);
	assert_int_equal(references(world, pa), 1);
	pw_space_copy_end(world->space);
	unmap_pages(world, va, 1);
	pw_folio_put(world->arena, pa, 1);
}

static void test_copy_began(void **state)
{
	(void)state;
	for_each(any, copy_began);
}

/* ---- tables ---- */

static void map_beside(void)
{
	map_pages(race.world, race.va + race.world->page, 1, race.other, RW);
}

/* Two editors of different pages need the same new table. */
static void table_made_twice(struct world *world)
{
	const pw_va va = 4 * world->page;
	pw_pa pa = alloc_folio(world, 0, PW_FOLIO_SHARED);

	prepare(world, va, pa);
	race.other = alloc_folio(world, 0, PW_FOLIO_SHARED);
	race.at[PW_MOMENT_TABLE_NEW] = map_beside;
	map_pages(world, va, 1, pa, RW);
	over(1);
	assert_int_equal(pin_one(world, va, PW_PIN_WRITE, pa), PW_STOP_DONE);
	assert_int_equal(pin_one(world, va + world->page, PW_PIN_WRITE, race.other), PW_STOP_DONE);
	unmap_pages(world, va, 2);
	pw_folio_put(world->arena, pa, 1);
	pw_folio_put(world->arena, race.other, 1);
}

static void test_table_made_twice(void **state)
{
	(void)state;
	for_each(any, table_made_twice);
}

static void pin_behind(void)
{
	pw_va offset = 3 * race.world->page;

	assert_int_equal(pin_one(race.world, race.va + offset, PW_PIN_WRITE, race.pa + offset),
			 PW_STOP_DONE);
}

/* While a leaf is split, its other pages stay mapped. */
static void split_is_whole(struct world *world)
{
	const unsigned order = (unsigned)world->format->shift[1] - world->format->shift[0];
	const pw_va va = (pw_va)1 << world->format->shift[1];
	pw_pa pa = alloc_folio(world, order, PW_FOLIO_SHARED);

	map_pages(world, va, UINT64_C(1) << order, pa, RW);
	prepare(world, va, pa);
	race.at[PW_MOMENT_TABLE_NEW] = pin_behind;
	unmap_pages(world, va, 1);
	over(1);
	unmap_pages(world, va, UINT64_C(1) << order);
	pw_folio_put(world->arena, pa, 1);
}

static void test_split_is_whole(void **state)
{
	(void)state;
	for_each(has_huge, split_is_whole);
}

/* After one page of a contiguous group is unmapped, the rest are single pages. */
static void group_broken(struct world *world)
{
	const unsigned order = (unsigned)__builtin_ctz(world->format->groups[0]);
	const pw_va va = world->page << order;
	pw_pa pa = alloc_folio(world, order, PW_FOLIO_SHARED);
	struct pw_result result;

	map_pages(world, va, UINT64_C(1) << order, pa, RW);
	pw_space_translate(world->reader, va + world->page, &result);
	assert_int_equal(result.size_lg2, world->format->shift[0] + order);
	unmap_pages(world, va, 1);
	assert_int_equal(pw_space_translate(world->reader, va + world->page, &result), PW_OK);
	assert_int_equal(result.size_lg2, world->format->shift[0]);
	assert_int_equal(result.pa, pa + world->page);
	unmap_pages(world, va, UINT64_C(1) << order);
	pw_folio_put(world->arena, pa, 1);
}

static void test_group_broken(void **state)
{
	(void)state;
	for_each(has_groups, group_broken);
}

static bool has_groups_of_sizes(const struct pw_format *f)
{
	return f->groups[0] & (f->groups[0] - 1u);
}

/* Unmaps the second half of the group, and maps smaller groups in its place. */
static void map_smaller(void)
{
	const uint64_t pages = UINT64_C(1) << (race.order - 1);
	const pw_va va = race.va + pages * race.world->page;

	unmap_pages(race.world, va, pages);
	map_pages(race.world, va, pages, race.other, RW);
}

/* Two editors break up one group. The other one has finished, and has mapped new groups in its range. */
static void group_broken_twice(struct world *world)
{
	const unsigned order = 31u - (unsigned)__builtin_clz(world->format->groups[0]);
	const unsigned small = (unsigned)__builtin_ctz(world->format->groups[0]);
	const uint64_t bytes = world->page << order;
	const pw_va va = bytes;

	map_pages(world, va, UINT64_C(1) << order, 2 * bytes, RW);
	prepare(world, va, 0);
	race.order = order;
	race.other = 4 * bytes + (world->page << small);
	race.at[PW_MOMENT_GROUP_FOUND] = map_smaller;
	unmap_pages(world, va, 1);
	over(1);
	for (pw_va i = 1; i >> order == 0; i++) {
		pw_pa wanted = i >> (order - 1) ? race.other - bytes / 2 : 2 * bytes;
		struct pw_result result;

		pw_space_translate(world->reader, va + i * world->page, &result);
		assert_int_equal(result.status, PW_OK);
		assert_int_equal(result.pa, wanted + i * world->page);
		assert_int_equal(result.size_lg2 > world->format->shift[0], i >> (order - 1));
	}
	unmap_pages(world, va, UINT64_C(1) << order);
}

static void test_group_broken_twice(void **state)
{
	(void)state;
	for_each(has_groups_of_sizes, group_broken_twice);
}

static bool has_large_groups(const struct pw_format *f)
{
	return f->groups[1];
}

static void unmap_first(void)
{
	unmap_pages(race.world, race.va, 1);
}

static void count_bytes(void *context, pw_va first, pw_va last, pw_pa pa)
{
	uint64_t *bytes = context;

	(void)pa;
	*bytes += last - first + 1;
}

/* One editor unmaps the first page of a group of large pages, another one the rest: both split it. */
static void group_split_twice(struct world *world)
{
	const unsigned group_lg2 = (unsigned)__builtin_ctz(world->format->groups[1]);
	const uint64_t bytes = UINT64_C(1) << (world->format->shift[1] + group_lg2);
	const pw_va va = bytes;
	uint64_t unmapped = 0;

	map_pages(world, va, bytes / world->page, 2 * bytes, RW);
	prepare(world, va, 0);
	race.at[PW_MOMENT_GROUP_FOUND] = unmap_first;
	assert_int_equal(pw_space_unmap(world->space, va + world->page, va + (bytes - 1),
					count_bytes, &unmapped, NULL),
			 0);
	over(1);
	assert_int_equal(unmapped, bytes - world->page);
}

static void test_group_split_twice(void **state)
{
	(void)state;
	for_each(has_large_groups, group_split_twice);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_page_reused),       cmocka_unit_test(test_table_collapsed),
		cmocka_unit_test(test_tables_retired),    cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_copy_began),        cmocka_unit_test(test_table_made_twice),
		cmocka_unit_test(test_split_is_whole),    cmocka_unit_test(test_group_broken),
		cmocka_unit_test(test_group_split_twice), cmocka_unit_test(test_upper_collapsed),
		cmocka_unit_test(test_folio_split),       cmocka_unit_test(test_group_broken_twice),
	};

	mutant_choose(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
