/* SPDX-License-Identifier: MIT */
/* Where tables and pages can be: every format, in arenas up to its limits and across them. */
#include "space/reach.h"
#include "space/edit.h"
#include <string.h>

#include "mutants/choose.h"
#include "pin/space_test.h"
#include "unit/random.h"

enum { FRAMES = 192, FEW = 3 };

static struct pw_arena *open_at(const struct pw_format *format, pw_pa base, uint64_t frames)
{
	const struct pw_arena_options options = {
		.bytes = frames << format->shift[0],
		.base = base,
		.page_lg2 = format->shift[0],
	};
	struct pw_arena *arena;

	assert_int_equal(pw_arena_create(&options, &arena, NULL), 0);
	return arena;
}

/* Entries can name every table address below the limit: each single bit, and random addresses. */
static void entries_name_tables(struct pw_space *space)
{
	const struct pw_format *f = space->format;
	const struct pw_regime *r = pw_space_now(space);

	for (unsigned level = 0; level + 1u < f->levels; level++) {
		const unsigned lg2 = space->piece_lg2[level], limit = space->limit_lg2[level];
		uint64_t random = level + 1u;

		assert_true(limit > lg2);
		for (unsigned i = 0; i < 1000; i++) {
			pw_pa pa = i < limit - lg2 ? UINT64_C(1) << (lg2 + i)
						   : random_next(&random) & pw_mask(limit);
			uint64_t e;

			pa &= ~pw_mask(lg2);
			/* No table is ever at 0. */
			if (pa == 0)
				continue;
			e = f->make_table(f, r, level + 1, pa);
			e = f->entry_lg2 == 2 ? (uint32_t)e : e;
			if (f->kind(f, r, level + 1, e) != PW_TABLE ||
			    f->table(f, r, level + 1, e) != pa ||
			    e == f->make_empty(f, r, level + 1))
				fail_msg("%s: level %u, table at 0x%llx: entry 0x%llx", f->name,
					 level, (unsigned long long)pa, (unsigned long long)e);
		}
	}
}

static bool is_zone_border(unsigned limit_lg2)
{
	unsigned zones = pw_zones_below(limit_lg2);

	return zones > 0 && PW_ZONE_LG2[zones - 1] == limit_lg2;
}

/* The limit of each level is a border of zones, so that memory up to it can be used. */
static void test_limits(void **state)
{
	const struct pw_format *format;

	(void)state;
	for (size_t i = 0; (format = pw_format_at(i)); i++) {
		struct pw_space *space;
		struct pw_arena *arena;

		if (!pw_format_can_edit(format))
			continue;
		arena = open_at(format, 0, FRAMES);
		assert_int_equal(pw_space_create(arena, format, NULL, &space, NULL), 0);
		entries_name_tables(space);
		for (unsigned level = 0; level < format->levels; level++)
			if (!is_zone_border(space->limit_lg2[level]))
				fail_msg("%s: tables of level %u end below 2^%u: PW_ZONE_LG2 has "
					 "no such zone",
					 format->name, level, space->limit_lg2[level]);
		pw_space_destroy(space);
		pw_arena_destroy(arena);
	}
}

/* A leaf of @level holds the address of the page around @pa. */
static void assert_holds(struct pw_space *space, unsigned level, pw_pa pa)
{
	const struct pw_format *f = space->format;
	const struct pw_regime *r = pw_space_now(space);
	uint64_t e;

	pa &= ~pw_mask(f->shift[level]);
	e = f->make_leaf(f, r, level, pa, PW_READ | PW_ACCESSED);
	e = f->entry_lg2 == 2 ? (uint32_t)e : e;
	if (f->kind(f, r, level, e) != PW_LEAF || f->page(f, r, level, e) != pa)
		fail_msg("%s: level %u, page at 0x%llx: entry 0x%llx", f->name, level,
			 (unsigned long long)pa, (unsigned long long)e);
}

/* Up to pages_last, leaves hold every address: so pw_space_map does not try each. */
static void test_pages_last(void **state)
{
	const struct pw_format *f;

	(void)state;
	for (size_t i = 0; (f = pw_format_at(i)); i++) {
		uint64_t random = i + 1;
		struct pw_space *space;
		struct pw_arena *arena;
		pw_pa last;

		if (!pw_format_can_edit(f))
			continue;
		arena = open_at(f, 0, FRAMES);
		assert_int_equal(pw_space_create(arena, f, NULL, &space, NULL), 0);
		last = space->pages_last;
		/* Also beyond 4 GiB in 64-bit entries, so that the short way is the common one. */
		assert_true(last >= pw_mask(f->entry_lg2 == 2 ? 32 : 40));
		assert_true(last == UINT64_MAX ||
			    pw_reach_pages(f, pw_space_now(space), last + 1,
					   last + UINT64_C(0x8000000000)) < 64);
		for (unsigned n = 0; n < 1000; n++) {
			pw_pa pa = random_next(&random) & last & ~pw_mask(f->shift[0]);

			for (unsigned level = 0; level < f->levels; level++)
				if (f->leaf_levels >> level & 1)
					assert_holds(space, level, pa);
		}
		pw_space_destroy(space);
		pw_arena_destroy(arena);
	}
}

/* Maps pages, each in tables of its own, until there are @room or an error comes. Returns how many. */
static unsigned map_apart(struct pw_space *space, struct pw_reader *reader, pw_pa pa, unsigned room,
			  int *code_ret)
{
	const struct pw_format *f = space->format;
	const pw_va page = UINT64_C(1) << f->shift[0];
	unsigned count = 0;

	for (; count < room; count++) {
		pw_va va = (pw_va)count << f->shift[1];
		struct pw_result result;

		*code_ret = pw_space_map(space, va, va + (page - 1), pa, RO, NULL);
		if (*code_ret)
			break;
		assert_int_equal(pw_space_translate(reader, va, &result), PW_OK);
		assert_int_equal(result.pa, pa);
	}
	return count;
}

/* No table from this one down is at 0, or beyond the limit of its level. */
static void assert_below(struct pw_space *space, const struct pw_regime *r, unsigned level,
			 pw_pa pa)
{
	const struct pw_format *f = space->format;
	uint64_t entries = pw_mask(f->bits[level]);

	assert_true(pa + pw_mask(space->piece_lg2[level]) <= pw_mask(space->limit_lg2[level]));
	assert_true(pa != 0);
	for (uint64_t i = 0; level > 0 && i <= entries; i++) {
		uint64_t e = pw_edit_load(f, pw_table_host(space, pa) + (i << f->entry_lg2));

		if (f->kind(f, r, level, e) == PW_TABLE)
			assert_below(space, r, level - 1, f->table(f, r, level, e));
	}
}

/* An arena that begins FRAMES frames below 2^@limit and ends as far above. */
static void across(const struct pw_format *format, unsigned limit)
{
	const pw_pa end = UINT64_C(1) << limit;
	struct pw_arena *arena = open_at(format, end - ((pw_pa)FRAMES << format->shift[0]),
					 2 * FRAMES);
	struct pw_reader *reader;
	struct pw_space *space;
	/* Any page: only the addresses of tables matter. */
	const pw_pa pa = UINT64_C(1) << 20;
	int code = 0;

	assert_int_equal(pw_space_create(arena, format, NULL, &space, NULL), 0);
	assert_int_equal(pw_reader_create(space, &reader), 0);
	if (map_apart(space, reader, pa, FEW, &code) != FEW)
		fail_msg("%s below 2^%u: page 0x%llx is not mapped: %d", format->name, limit,
			 (unsigned long long)pa, code);
	/* Until no memory is left where tables can be: then it fails with an errno. */
	map_apart(space, reader, pa, 1u << 16, &code);
	assert_below(space, pw_space_now(space), pw_space_now(space)->span[0].top,
		     pw_space_now(space)->span[0].table);
	if (code && code != -ENOMEM && code != -EEXIST && code != -ERANGE)
		fail_msg("%s: %d", format->name, code);
	pw_reader_destroy(reader);
	pw_space_destroy(space);
	pw_arena_destroy(arena);
}

static void beyond(const struct pw_format *format, unsigned limit)
{
	struct pw_arena *arena = open_at(format, UINT64_C(1) << limit, FRAMES);
	struct pw_error error = { 0 };
	struct pw_space *space;

	assert_int_equal(pw_space_create(arena, format, NULL, &space, &error), -ERANGE);
	assert_non_null(strstr(error.text, "the arena begins at"));
	pw_arena_destroy(arena);
}

static void test_tables(void **state)
{
	const struct pw_format *format;

	(void)state;
	for (size_t i = 0; (format = pw_format_at(i)); i++) {
		struct pw_arena *arena;
		struct pw_space *space;
		unsigned limit;

		if (!pw_format_can_edit(format))
			continue;
		arena = open_at(format, 0, FRAMES);
		assert_int_equal(pw_space_create(arena, format, NULL, &space, NULL), 0);
		limit = pw_reach_lowest_lg2(space);
		pw_space_destroy(space);
		pw_arena_destroy(arena);
		if (limit == 64)
			continue;
		across(format, limit);
		beyond(format, limit);
	}
}

/* A page that entries cannot name is refused, at every level. */
static void test_pages(void **state)
{
	const struct pw_format *format;

	(void)state;
	for (size_t i = 0; (format = pw_format_at(i)); i++) {
		struct world world;

		if (!pw_format_can_edit(format))
			continue;
		world = open_world(format, 0, FRAMES);
		for (unsigned lg2 = format->shift[0]; lg2 < 64; lg2++) {
			const pw_va va = (pw_va)1 << format->shift[1];
			const pw_pa pa = UINT64_C(1) << lg2;
			struct pw_result result;
			int code = pw_space_map(world.space, va, va + (va - 1), pa, RW, NULL);

			if (code) {
				assert_int_equal(code, -ERANGE);
				continue;
			}
			assert_int_equal(pw_space_translate(world.reader, va, &result), PW_OK);
			assert_int_equal(result.pa, pa);
			assert_int_equal(pw_space_translate(world.reader, va + (va - 1), &result),
					 PW_OK);
			assert_int_equal(result.pa, pa + (va - 1));
			unmap_pages(&world, va, va >> format->shift[0]);
		}
		close_world(&world);
	}
}

/* At base 0, which is the default: no table is at 0, even when all other memory is used up. */
static void test_base_0(void **state)
{
	const struct pw_format *format;

	(void)state;
	for (size_t i = 0; (format = pw_format_at(i)); i++) {
		struct pw_reader *reader;
		struct pw_space *space;
		struct pw_arena *arena;
		int code = 0;
		pw_pa pa;

		if (!pw_format_can_edit(format))
			continue;
		arena = open_at(format, 0, FRAMES);
		assert_int_equal(pw_space_create(arena, format, NULL, &space, NULL), 0);
		assert_int_equal(pw_reader_create(space, &reader), 0);
		assert_int_equal(pw_folio_alloc(arena, 0, PW_FOLIO_SHARED, 1, 0, &pa), 0);
		map_apart(space, reader, pa, 1u << 16, &code);
		assert_int_equal(code == 0 || code == -ENOMEM || code == -ERANGE, true);
		assert_below(space, pw_space_now(space), pw_space_now(space)->span[0].top,
			     pw_space_now(space)->span[0].table);
		pw_reader_destroy(reader);
		pw_space_destroy(space);
		pw_arena_destroy(arena);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_limits), cmocka_unit_test(test_pages_last),
		cmocka_unit_test(test_tables), cmocka_unit_test(test_pages),
		cmocka_unit_test(test_base_0),
	};

	mutant_choose(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
