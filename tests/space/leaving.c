/* SPDX-License-Identifier: MIT */
/*
 * Tables that were taken out and are not free yet are memory that there is: whoever needs some gets it, and
 * in the end every frame is counted back. On every format that can be edited, with every way of waiting.
 */
#include <errno.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include "mutants/choose.h"
#include "pin/space_test.h"
#include "walk/instance.h"

enum { FRAMES = 128, TABLES = 8, LONGEST_S = 30 };

static const enum pw_sync_kind kinds[] = { PW_SYNC_RCU, PW_SYNC_IPI, PW_SYNC_RCU_WAIT };
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

static struct pw_table *new_table(struct space *space, enum pw_sync_kind kind)
{
	const struct pw_table_options options = { .sync = kind };
	struct pw_table *table;

	assert_int_equal(pw_table_create(space->arena, space->format, &options, &table, NULL), 0);
	return table;
}

static struct space open_kind(const struct pw_format *format, enum pw_sync_kind kind)
{
	const struct pw_arena_options options = {
		.bytes = (uint64_t)FRAMES << format->shift[0],
		.base = 0x10000000,
		.page_lg2 = format->shift[0],
		.poison = true,
	};
	struct space space = { .format = format, .page = UINT64_C(1) << format->shift[0] };

	assert_int_equal(pw_arena_create(&options, &space.arena, NULL), 0);
	space.table = new_table(&space, kind);
	assert_int_equal(pw_reader_create(space.table, &space.reader), 0);
	space.free = pw_arena_free_bytes(space.arena);
	return space;
}

static void for_each(void (*test)(struct space *space))
{
	const struct pw_format *format;

	/* Who waits for what never comes is a failure, and no reason to wait. */
	alarm(LONGEST_S);
	for (size_t i = 0; (format = pw_format_at(i)); i++) {
		if (!pw_format_can_edit(format))
			continue;
		for (unsigned kind = 0; kind < KINDS; kind++) {
			struct space space;

			/* Grace periods take their time: on some formats only. */
			if (kinds[kind] != PW_SYNC_IPI && i % 6 != 0)
				continue;
			space = open_kind(format, kinds[kind]);
			test(&space);
			close_space(&space);
		}
	}
	alarm(0);
}

static pw_va reach_of(const struct space *space)
{
	return (pw_va)1 << space->format->shift[1];
}

/* A page each under as many tables, or as many as the addresses have room for. */
static unsigned map_sparse(struct space *space)
{
	const pw_va last = pw_table_now(space->table)->span[0].last, reach = reach_of(space);
	unsigned mapped = 0;

	for (pw_va va = 0; mapped < TABLES && last - va >= reach; va += reach, mapped++)
		map_pages(space, va, 1, pw_arena_zero_page(space->arena), RO);
	assert_true(pw_arena_free_bytes(space->arena) < space->free);
	return mapped;
}

static void unmap_all(struct space *space)
{
	assert_int_equal(pw_table_unmap(space->table, 0, ~UINT64_C(0), NULL, NULL, NULL), 0);
}

/* Takes all that is to be had, in single pages; says where the last is, and how many there are. */
static unsigned fill(struct space *space, pw_pa pa[FRAMES])
{
	unsigned taken = 0;

	while (pw_folio_alloc(space->arena, 0, PW_FOLIO_SHARED, 0, 0, &pa[taken]) == 0)
		taken++;
	return taken;
}

static void put_all(struct space *space, const pw_pa pa[FRAMES], unsigned taken)
{
	while (taken-- > 0)
		pw_folio_put(space->arena, pa[taken], 1);
}

/* ---- counted back ---- */

static void drained(struct space *space)
{
	const uint64_t bytes = pw_table_bytes(space->table);

	map_sparse(space);
	unmap_all(space);
	pw_arena_drain(space->arena);
	assert_int_equal(pw_arena_free_bytes(space->arena), space->free);
	assert_int_equal(pw_table_bytes(space->table), bytes);
}

static void test_drained(void **state)
{
	(void)state;
	for_each(drained);
}

/* Where nothing frees tables by itself, waiting does. */
static void waited(struct space *space)
{
	if (!space->table->sync.ops->lazy)
		return;
	map_sparse(space);
	unmap_all(space);
	pw_table_wait(space->table);
	assert_int_equal(pw_arena_free_bytes(space->arena), space->free);
}

static void test_waited(void **state)
{
	(void)state;
	for_each(waited);
}

/* ---- who needs memory ---- */

static void folios(struct space *space)
{
	pw_pa pa[FRAMES];
	unsigned taken;

	map_sparse(space);
	unmap_all(space);
	taken = fill(space, pa);
	assert_int_equal(taken, space->free / space->page);
	assert_int_equal(pw_arena_free_bytes(space->arena), 0);
	put_all(space, pa, taken);
}

static void test_folios(void **state)
{
	(void)state;
	for_each(folios);
}

/*
 * One operation takes tables out and then needs one, for a part of a large page: what it took out itself
 * is enough for that.
 */
static void own_gather(struct space *space)
{
	const struct pw_format *f = space->format;
	pw_va large = map_sparse(space) * reach_of(space), last = large + (reach_of(space) - 1);
	pw_pa pa[FRAMES];
	unsigned taken;

	if ((f->leaf_levels & 2) && last <= pw_table_now(space->table)->span[0].last) {
		assert_int_equal(pw_table_map(space->table, large, last, reach_of(space), RO, NULL),
				 0);
		taken = fill(space, pa);
		assert_int_equal(pw_table_unmap(space->table, 0, large + (space->page - 1), NULL,
						NULL, NULL),
				 0);
		put_all(space, pa, taken);
	}
	unmap_all(space);
}

static void test_own_gather(void **state)
{
	(void)state;
	for_each(own_gather);
}

/* What one space has taken out is memory for the others of its arena. */
static void other_space(struct space *space)
{
	struct space other = *space;
	pw_pa pa[FRAMES];
	unsigned taken;

	for (unsigned kind = 0; kind < KINDS; kind++) {
		map_sparse(space);
		other.table = new_table(space, kinds[kind]);
		taken = fill(space, pa);
		unmap_all(space);
		map_pages(&other, 0, 1, pw_arena_zero_page(space->arena), RO);
		put_all(space, pa, taken);
		pw_table_destroy(other.table);
	}
}

static void test_other_space(void **state)
{
	(void)state;
	for_each(other_space);
}

/* Who is inside a section cannot wait for those that are: it gets no memory, and goes on. */
static void inside(struct space *space)
{
	pw_pa pa[FRAMES], more;
	unsigned taken;

	map_sparse(space);
	taken = fill(space, pa);
	pw_reader_enter(space->reader);
	unmap_all(space);
	assert_int_equal(pw_folio_alloc(space->arena, 0, PW_FOLIO_SHARED, 0, 0, &more), -ENOMEM);
	pw_reader_leave(space->reader);
	assert_int_equal(pw_folio_alloc(space->arena, 0, PW_FOLIO_SHARED, 0, 0, &more), 0);
	pw_folio_put(space->arena, more, 1);
	put_all(space, pa, taken);
}

static void test_inside(void **state)
{
	(void)state;
	for_each(inside);
}

/* ---- two at once ---- */

struct half {
	struct space *space;
	pw_va va;
	bool stop; /* atomic */
	uint64_t maps, failed;
};

static void *map_and_unmap(void *context)
{
	struct half *half = context;
	struct pw_table *table = half->space->table;
	const pw_va covered = pw_mask(half->space->format->shift[2]);

	while (!__atomic_load_n(&half->stop, __ATOMIC_RELAXED)) {
		half->failed += pw_table_map(table, half->va, half->va + (half->space->page - 1),
					     pw_arena_zero_page(half->space->arena), RO, NULL) != 0;
		pw_table_unmap(table, half->va, half->va + covered, NULL, NULL, NULL);
		half->maps++;
	}
	return NULL;
}

/* Two editors with two tables each at most, and room for four: each gets its two, always. */
static void test_two_editors(void **state)
{
	struct space space = open_kind(pw_format_find("x86_64"), PW_SYNC_IPI);
	struct half half[2] = { { .space = &space, .va = (pw_va)1 << 30 },
				{ .space = &space, .va = (pw_va)2 << 30 } };
	pw_pa pa[FRAMES];
	pthread_t thread[2];
	unsigned taken;

	(void)state;
	alarm(LONGEST_S);
	map_pages(&space, 0, 1, pw_arena_zero_page(space.arena), RO);
	taken = fill(&space, pa);
	for (unsigned i = 0; i < 4; i++)
		pw_folio_put(space.arena, pa[--taken], 1);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, map_and_unmap, &half[i]), 0);
	usleep(200000);
	for (unsigned i = 0; i < 2; i++)
		__atomic_store_n(&half[i].stop, true, __ATOMIC_RELAXED);
	for (unsigned i = 0; i < 2; i++) {
		pthread_join(thread[i], NULL);
		assert_int_equal(half[i].failed, 0);
		assert_true(half[i].maps > 0);
	}
	put_all(&space, pa, taken);
	unmap_all(&space);
	close_space(&space);
	alarm(0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_drained),     cmocka_unit_test(test_waited),
		cmocka_unit_test(test_folios),      cmocka_unit_test(test_own_gather),
		cmocka_unit_test(test_other_space), cmocka_unit_test(test_inside),
		cmocka_unit_test(test_two_editors),
	};

	mutant_choose(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
