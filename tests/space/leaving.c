/* SPDX-License-Identifier: MIT */
/*
 * Tables that were taken out and are not free yet count as memory: a thread that needs some gets it, and in
 * the end every frame is free again. On every format that can be edited, with every back end that waits.
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

static struct pw_space *new_space(struct world *world, enum pw_sync_kind kind)
{
	const struct pw_space_options options = { .sync = kind };
	struct pw_space *space;

	assert_int_equal(pw_space_create(world->arena, world->format, &options, &space, NULL), 0);
	return space;
}

static struct world open_kind(const struct pw_format *format, enum pw_sync_kind kind)
{
	const struct pw_arena_options options = {
		.bytes = (uint64_t)FRAMES << format->shift[0],
		.base = 0x10000000,
		.page_lg2 = format->shift[0],
		.poison = true,
	};
	struct world world = { .format = format, .page = UINT64_C(1) << format->shift[0] };

	assert_int_equal(pw_arena_create(&options, &world.arena, NULL), 0);
	world.space = new_space(&world, kind);
	assert_int_equal(pw_reader_create(world.space, &world.reader), 0);
	world.free = pw_arena_free_bytes(world.arena);
	return world;
}

static void for_each(void (*test)(struct world *world))
{
	const struct pw_format *format;

	/* A wait that never ends is a failure: the alarm ends it. */
	alarm(LONGEST_S);
	for (size_t i = 0; (format = pw_format_at(i)); i++) {
		if (!pw_format_can_edit(format))
			continue;
		for (unsigned kind = 0; kind < KINDS; kind++) {
			struct world world;

			/* Grace periods take long, so these run on some formats only. */
			if (kinds[kind] != PW_SYNC_IPI && i % 6 != 0)
				continue;
			world = open_kind(format, kinds[kind]);
			test(&world);
			close_world(&world);
		}
	}
	alarm(0);
}

static pw_va reach_of(const struct world *world)
{
	return (pw_va)1 << world->format->shift[1];
}

/* Maps one page in each of TABLES tables, or in as many as there are addresses for. Returns how many. */
static unsigned map_sparse(struct world *world)
{
	const pw_va last = pw_space_now(world->space)->span[0].last, reach = reach_of(world);
	unsigned mapped = 0;

	for (pw_va va = 0; mapped < TABLES && last - va >= reach; va += reach, mapped++)
		map_pages(world, va, 1, pw_arena_zero_page(world->arena), RO);
	assert_true(pw_arena_free_bytes(world->arena) < world->free);
	return mapped;
}

static void unmap_all(struct world *world)
{
	assert_int_equal(pw_space_unmap(world->space, 0, ~UINT64_C(0), NULL, NULL, NULL), 0);
}

/* Allocates all free memory, in single pages; pa[] are their addresses. Returns how many there are. */
static unsigned fill(struct world *world, pw_pa pa[FRAMES])
{
	unsigned taken = 0;

	while (pw_folio_alloc(world->arena, 0, PW_FOLIO_SHARED, 0, 0, &pa[taken]) == 0)
		taken++;
	return taken;
}

static void put_all(struct world *world, const pw_pa pa[FRAMES], unsigned taken)
{
	while (taken-- > 0)
		pw_folio_put(world->arena, pa[taken], 1);
}

/* ---- every frame is free again ---- */

static void drained(struct world *world)
{
	const uint64_t bytes = pw_space_bytes(world->space);

	map_sparse(world);
	unmap_all(world);
	pw_arena_drain(world->arena);
	assert_int_equal(pw_arena_free_bytes(world->arena), world->free);
	assert_int_equal(pw_space_bytes(world->space), bytes);
}

static void test_drained(void **state)
{
	(void)state;
	for_each(drained);
}

/* If the back end frees no tables by itself, waiting frees them. */
static void waited(struct world *world)
{
	if (!world->space->sync.ops->lazy)
		return;
	map_sparse(world);
	unmap_all(world);
	pw_space_wait(world->space);
	assert_int_equal(pw_arena_free_bytes(world->arena), world->free);
}

static void test_waited(void **state)
{
	(void)state;
	for_each(waited);
}

/* ---- memory is short ---- */

static void folios(struct world *world)
{
	pw_pa pa[FRAMES];
	unsigned taken;

	map_sparse(world);
	unmap_all(world);
	taken = fill(world, pa);
	assert_int_equal(taken, world->free / world->page);
	assert_int_equal(pw_arena_free_bytes(world->arena), 0);
	put_all(world, pa, taken);
}

static void test_folios(void **state)
{
	(void)state;
	for_each(folios);
}

/*
 * One operation takes tables out and then needs one, for a part of a large page: the tables that it took out
 * itself are enough for that.
 */
static void own_gather(struct world *world)
{
	const struct pw_format *f = world->format;
	pw_va large = map_sparse(world) * reach_of(world), last = large + (reach_of(world) - 1);
	pw_pa pa[FRAMES];
	unsigned taken;

	if ((f->leaf_levels & 2) && last <= pw_space_now(world->space)->span[0].last) {
		assert_int_equal(pw_space_map(world->space, large, last, reach_of(world), RO, NULL),
				 0);
		taken = fill(world, pa);
		assert_int_equal(pw_space_unmap(world->space, 0, large + (world->page - 1), NULL,
						NULL, NULL),
				 0);
		put_all(world, pa, taken);
	}
	unmap_all(world);
}

static void test_own_gather(void **state)
{
	(void)state;
	for_each(own_gather);
}

/* Tables that one space has taken out are memory for the other spaces of its arena. */
static void other_space(struct world *world)
{
	struct world other = *world;
	pw_pa pa[FRAMES];
	unsigned taken;

	for (unsigned kind = 0; kind < KINDS; kind++) {
		map_sparse(world);
		other.space = new_space(world, kinds[kind]);
		taken = fill(world, pa);
		unmap_all(world);
		map_pages(&other, 0, 1, pw_arena_zero_page(world->arena), RO);
		put_all(world, pa, taken);
		pw_space_destroy(other.space);
	}
}

static void test_other_space(void **state)
{
	(void)state;
	for_each(other_space);
}

/* A thread inside a section cannot wait for readers, being one: it gets no memory, and goes on. */
static void inside(struct world *world)
{
	pw_pa pa[FRAMES], more;
	unsigned taken;

	map_sparse(world);
	taken = fill(world, pa);
	pw_reader_enter(world->reader);
	unmap_all(world);
	assert_int_equal(pw_folio_alloc(world->arena, 0, PW_FOLIO_SHARED, 0, 0, &more), -ENOMEM);
	pw_reader_leave(world->reader);
	assert_int_equal(pw_folio_alloc(world->arena, 0, PW_FOLIO_SHARED, 0, 0, &more), 0);
	pw_folio_put(world->arena, more, 1);
	put_all(world, pa, taken);
}

static void test_inside(void **state)
{
	(void)state;
	for_each(inside);
}

/* ---- two at once ---- */

struct half {
	struct world *world;
	pw_va va;
	bool stop; /* atomic */
	uint64_t maps, failed;
};

static void *map_and_unmap(void *context)
{
	struct half *half = context;
	struct pw_space *space = half->world->space;
	const pw_va covered = pw_mask(half->world->format->shift[2]);

	while (!__atomic_load_n(&half->stop, __ATOMIC_RELAXED)) {
		half->failed += pw_space_map(space, half->va, half->va + (half->world->page - 1),
					     pw_arena_zero_page(half->world->arena), RO, NULL) != 0;
		pw_space_unmap(space, half->va, half->va + covered, NULL, NULL, NULL);
		half->maps++;
	}
	return NULL;
}

/* Two editors need at most two tables each, and there is room for four: each always gets its two. */
static void test_two_editors(void **state)
{
	struct world world = open_kind(pw_format_find("x86_64"), PW_SYNC_IPI);
	struct half half[2] = { { .world = &world, .va = (pw_va)1 << 30 },
				{ .world = &world, .va = (pw_va)2 << 30 } };
	pw_pa pa[FRAMES];
	pthread_t thread[2];
	unsigned taken;

	(void)state;
	alarm(LONGEST_S);
	map_pages(&world, 0, 1, pw_arena_zero_page(world.arena), RO);
	taken = fill(&world, pa);
	for (unsigned i = 0; i < 4; i++)
		pw_folio_put(world.arena, pa[--taken], 1);
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
	put_all(&world, pa, taken);
	unmap_all(&world);
	close_world(&world);
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
