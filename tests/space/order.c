/* SPDX-License-Identifier: MIT */
/*
 * One thread writes plain memory and then makes it reachable by one store; the other reaches it and reads it.
 * Nothing but the order of that store makes this right. The threads take turns by flags that order nothing,
 * so ThreadSanitizer sees in every run if the order is missing. It is built for tests/mutants, with
 * ThreadSanitizer.
 */
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "mutants/choose.h"
#include "pin/space_test.h"

enum { FRAMES = 64, STAMP = 0x57a3b };

static const pw_va VA = 0x10000;

static struct turns {
	struct world world;
	unsigned turn; /* atomic, relaxed */
	pw_pa pa;
	unsigned found;
} turns;

static void wait_for(unsigned turn)
{
	while (__atomic_load_n(&turns.turn, __ATOMIC_RELAXED) < turn)
		usleep(100);
}

static void next_turn(void)
{
	__atomic_fetch_add(&turns.turn, 1, __ATOMIC_RELAXED);
}

static unsigned *stamp(pw_pa pa)
{
	return pw_arena_host(turns.world.arena, pa, sizeof(unsigned));
}

static void begin(void)
{
	const struct pw_arena_options options = { .bytes = FRAMES * 4096, .poison = true };
	const struct pw_space_options space_options = { .sync = PW_SYNC_IPI };
	struct world *world = &turns.world;

	memset(&turns, 0, sizeof(turns));
	world->format = pw_format_find("x86_64");
	world->page = 4096;
	assert_int_equal(pw_arena_create(&options, &world->arena, NULL), 0);
	assert_int_equal(
		pw_space_create(world->arena, world->format, &space_options, &world->space, NULL),
		0);
	assert_int_equal(pw_reader_create(world->space, &world->reader), 0);
}

static void end(void)
{
	assert_int_equal(pw_space_unmap(turns.world.space, 0, ~UINT64_C(0), NULL, NULL, NULL), 0);
	close_world(&turns.world);
}

static pthread_t start(void *(*function)(void *))
{
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, function, NULL), 0);
	wait_for(1);
	return thread;
}

/* ---- an entry is stored after its page was written ---- */

static void *pin_and_read(void *unused)
{
	struct pw_reader *reader;
	enum pw_stop why;
	pw_pa pa;

	(void)unused;
	if (pw_reader_create(turns.world.space, &reader))
		return NULL;
	next_turn();
	wait_for(2);
	if (pw_pin_fast(reader, VA, 1, 0, &pa, &why) == 1) {
		turns.found = *stamp(pa);
		pw_unpin_pages(reader, &pa, 1, 0, false);
	}
	pw_reader_destroy(reader);
	return NULL;
}

static void test_store(void **state)
{
	struct world *world = &turns.world;
	pthread_t thread;
	pw_pa beside;

	(void)state;
	begin();
	/* The table exists before, so that only the leaf is stored. */
	beside = map_new(world, VA + 4096, PW_FOLIO_SHARED, RW);
	turns.pa = alloc_folio(world, 0, PW_FOLIO_SHARED);
	thread = start(pin_and_read);
	*stamp(turns.pa) = STAMP;
	map_pages(world, VA, 1, turns.pa, RW);
	next_turn();
	pthread_join(thread, NULL);
	assert_int_equal(turns.found, STAMP);
	pw_folio_put(world->arena, beside, 1);
	pw_folio_put(world->arena, turns.pa, 1);
	end();
}

/* ---- a table is installed after its entries were written ---- */

/* Translates an address next to the mapped page: its entry was not stored to since the table came. */
static void *translate_beside(void *unused)
{
	struct pw_reader *reader;
	struct pw_result result;

	(void)unused;
	if (pw_reader_create(turns.world.space, &reader))
		return NULL;
	next_turn();
	wait_for(2);
	turns.found = pw_space_translate(reader, VA + 7 * 4096, &result) == PW_NONE ? STAMP : 0;
	pw_reader_destroy(reader);
	return NULL;
}

static void test_swap(void **state)
{
	const pw_va reach = (pw_va)1 << 21;
	struct world *world = &turns.world;
	pthread_t thread;
	pw_pa pa[FRAMES];
	unsigned taken = 0;

	(void)state;
	begin();
	/* The tables above exist before. */
	turns.pa = map_new(world, reach, PW_FOLIO_SHARED, RW);
	thread = start(translate_beside);
	/* This thread writes to every free frame, so the new table's frame was written to before. */
	while (pw_folio_alloc(world->arena, 0, PW_FOLIO_SHARED, 0, 0, &pa[taken]) == 0)
		memset(pw_arena_host(world->arena, pa[taken++], 4096), 0x5a, 4096);
	while (taken > 0)
		pw_folio_put(world->arena, pa[--taken], 1);
	map_pages(world, VA, 1, turns.pa, RW);
	next_turn();
	pthread_join(thread, NULL);
	assert_int_equal(turns.found, STAMP);
	unmap_pages(world, VA, 1);
	pw_folio_put(world->arena, turns.pa, 1);
	end();
}

/* ---- a reader leaves after it has read ---- */

static void *visit(void *unused)
{
	struct pw_reader *reader;
	struct pw_result result;

	(void)unused;
	if (pw_reader_create(turns.world.space, &reader))
		return NULL;
	next_turn();
	wait_for(2);
	if (pw_translate(pw_arena_memory(turns.world.arena), pw_reader_enter(reader), VA,
			 &result) == PW_OK)
		turns.found = *stamp(result.pa);
	pw_reader_leave(reader);
	next_turn();
	wait_for(4);
	pw_reader_destroy(reader);
	return NULL;
}

static void test_leave(void **state)
{
	struct world *world = &turns.world;
	pthread_t thread;
	pw_pa pa;

	(void)state;
	begin();
	pa = map_new(world, VA, PW_FOLIO_SHARED, RW);
	*stamp(pa) = STAMP;
	thread = start(visit);
	next_turn();
	wait_for(3);
	unmap_pages(world, VA, 1);
	pw_space_wait(world->space);
	/* No reader is there any more: the page may be written to. */
	*stamp(pa) = ~(unsigned)STAMP;
	next_turn();
	pthread_join(thread, NULL);
	assert_int_equal(turns.found, STAMP);
	pw_folio_put(world->arena, pa, 1);
	end();
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_store),
		cmocka_unit_test(test_swap),
		cmocka_unit_test(test_leave),
	};

	mutant_choose(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
