/* SPDX-License-Identifier: MIT */
/*
 * The actions of another thread while an operation lacks memory, a waiter looks for readers, or a copy is
 * made: each happens at one chosen moment. Only built with the moments (src/base/mutant.h).
 */
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "mutants/choose.h"
#include "pin/space_test.h"
#include "sync/sync.h"

enum { FRAMES = 64 };

/* The actions, by moment. Each happens once. */
static void (*at[PW_MOMENTS])(void);
static unsigned happened;

static void on_moment(enum pw_moment moment)
{
	void (*happen)(void) = at[moment];

	at[moment] = NULL;
	if (!happen)
		return;
	happened++;
	happen();
}

static void prepare(void)
{
	memset(at, 0, sizeof(at));
	happened = 0;
	pw_moment_hook = on_moment;
}

static void over(unsigned times)
{
	pw_moment_hook = NULL;
	assert_int_equal(happened, times);
}

/* ---- memory ---- */

static struct world world;

static void drain(void)
{
	pw_arena_drain(world.arena);
	assert_true(pw_arena_free_bytes(world.arena) > 0);
}

/* There was no memory for a table. Just after that there is some, and nothing is leaving any more. */
static void test_freed_meanwhile(void **state)
{
	const pw_va reach = (pw_va)1 << 21;
	pw_pa pa[FRAMES];
	unsigned taken = 0;

	(void)state;
	world = open_world(pw_format_find("x86_64"), 0, FRAMES);
	map_pages(&world, 0, 1, pw_arena_zero_page(world.arena), RO);
	map_pages(&world, reach, 1, pw_arena_zero_page(world.arena), RO);
	while (pw_folio_alloc(world.arena, 0, PW_FOLIO_SHARED, 0, 0, &pa[taken]) == 0)
		taken++;
	prepare();
	/* Inside a section, so that no grace period ends before the moment has come. */
	pw_reader_enter(world.reader);
	assert_int_equal(pw_space_unmap(world.space, 0, reach - 1, NULL, NULL, NULL), 0);
	at[PW_MOMENT_NO_MEMORY] = drain;
	pw_reader_leave(world.reader);
	map_pages(&world, 2 * reach, 1, pw_arena_zero_page(world.arena), RO);
	/* The moment does not come if the grace period was over at once. */
	over(at[PW_MOMENT_NO_MEMORY] ? 0 : 1);
	while (taken-- > 0)
		pw_folio_put(world.arena, pa[taken], 1);
	assert_int_equal(pw_space_unmap(world.space, 0, ~UINT64_C(0), NULL, NULL, NULL), 0);
	close_world(&world);
}

static struct pw_space *other;
static pw_pa last_free;

/* Takes a table out and uses the last free frame: as many frames are free or leaving as before. */
static void move(void)
{
	assert_int_equal(pw_space_unmap(other, 0, ~UINT64_C(0), NULL, NULL, NULL), 0);
	assert_int_equal(pw_folio_alloc(world.arena, 0, PW_FOLIO_SHARED, 0, 0, &last_free), 0);
}

/*
 * A thread sees a free frame, and none that is leaving. When it tries to allocate, that frame is used, and
 * another one is leaving. There was memory at every moment, so the table and the folio must be allocated.
 */
static void test_moved_meanwhile(void **state)
{
	const struct pw_space_options lazy = { .sync = PW_SYNC_IPI };
	pw_pa pa[FRAMES];

	(void)state;
	for (unsigned folio = 0; folio < 2; folio++) {
		unsigned taken = 0;

		world = open_world(pw_format_find("x86_64"), 0, FRAMES);
		assert_int_equal(pw_space_create(world.arena, world.format, &lazy, &other, NULL),
				 0);
		map_pages(&world, 0, 1, pw_arena_zero_page(world.arena), RO);
		assert_int_equal(pw_space_map(other, 0, world.page - 1,
					      pw_arena_zero_page(world.arena), RO, NULL),
				 0);
		while (pw_folio_alloc(world.arena, 0, PW_FOLIO_SHARED, 0, 0, &pa[taken]) == 0)
			taken++;
		pw_folio_put(world.arena, pa[--taken], 1);
		prepare();
		at[PW_MOMENT_TRY] = move;
		if (folio)
			assert_int_equal(
				pw_folio_alloc(world.arena, 0, PW_FOLIO_SHARED, 0, 0, &pa[taken++]),
				0);
		else
			map_pages(&world, (pw_va)1 << 21, 1, pw_arena_zero_page(world.arena), RO);
		over(1);
		pw_folio_put(world.arena, last_free, 1);
		while (taken-- > 0)
			pw_folio_put(world.arena, pa[taken], 1);
		pw_space_destroy(other);
		assert_int_equal(pw_space_unmap(world.space, 0, ~UINT64_C(0), NULL, NULL, NULL), 0);
		close_world(&world);
	}
}

static void *drain_meanwhile(void *unused)
{
	drain();
	return unused;
}

static void drain_by_another(void)
{
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, drain_meanwhile, NULL), 0);
	pthread_join(thread, NULL);
}

/* A thread inside a section must not wait; if another thread frees what was leaving, there is no need to. */
static void test_freed_while_inside(void **state)
{
	const struct pw_space_options lazy = { .sync = PW_SYNC_IPI };
	pw_pa pa[FRAMES];
	unsigned taken = 0;

	(void)state;
	world = open_world(pw_format_find("x86_64"), 0, FRAMES);
	map_pages(&world, 0, 1, pw_arena_zero_page(world.arena), RO);
	assert_int_equal(pw_space_create(world.arena, world.format, &lazy, &other, NULL), 0);
	assert_int_equal(
		pw_space_map(other, 0, world.page - 1, pw_arena_zero_page(world.arena), RO, NULL),
		0);
	while (pw_folio_alloc(world.arena, 0, PW_FOLIO_SHARED, 0, 0, &pa[taken]) == 0)
		taken++;
	assert_int_equal(pw_space_unmap(other, 0, ~UINT64_C(0), NULL, NULL, NULL), 0);
	prepare();
	at[PW_MOMENT_NO_MEMORY] = drain_by_another;
	pw_reader_enter(world.reader);
	map_pages(&world, (pw_va)1 << 21, 1, pw_arena_zero_page(world.arena), RO);
	pw_reader_leave(world.reader);
	over(1);
	while (taken-- > 0)
		pw_folio_put(world.arena, pa[taken], 1);
	pw_space_destroy(other);
	assert_int_equal(pw_space_unmap(world.space, 0, ~UINT64_C(0), NULL, NULL, NULL), 0);
	close_world(&world);
}

/* ---- the look at the marks ---- */

/*
 * A reader whose mark comes late: it is inside, but its mark becomes visible only by the barrier. The waiter
 * has to wait for it.
 */
static struct visit {
	struct pw_sync sync;
	bool enter, entered, leaving, stop; /* atomic */
	pthread_t thread;
} visit;

static void until(const bool *flag)
{
	while (!__atomic_load_n(flag, __ATOMIC_ACQUIRE))
		usleep(100);
}

static void *visitor(void *unused)
{
	struct pw_sync_reader reader;

	(void)unused;
	if (pw_sync_join(&reader, &visit.sync) != 0)
		return &visit;
	until(&visit.enter);
	pw_sync_enter(&reader);
	__atomic_store_n(&visit.entered, true, __ATOMIC_RELEASE);
	usleep(30000);
	__atomic_store_n(&visit.leaving, true, __ATOMIC_RELEASE);
	pw_sync_leave(&reader);
	until(&visit.stop);
	pw_sync_quit(&reader);
	return NULL;
}

static void let_enter(void)
{
	__atomic_store_n(&visit.enter, true, __ATOMIC_RELEASE);
	until(&visit.entered);
}

static void test_late_mark(void **state)
{
	static const struct pw_sync_ops *const back_ends[] = { &pw_sync_ipi, &pw_sync_rcu_wait };

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		void *failed;

		memset(&visit, 0, sizeof(visit));
		if (pw_sync_init_ops(&visit.sync, back_ends[i]) != 0)
			continue;
		assert_int_equal(pthread_create(&visit.thread, NULL, visitor, NULL), 0);
		prepare();
		at[PW_MOMENT_MARKS_SETTLED] = let_enter;
		visit.sync.ops->wait(&visit.sync);
		assert_true(__atomic_load_n(&visit.leaving, __ATOMIC_ACQUIRE));
		over(1);
		__atomic_store_n(&visit.stop, true, __ATOMIC_RELEASE);
		pthread_join(visit.thread, &failed);
		assert_null(failed);
		pw_sync_deinit(&visit.sync);
	}
}

/* ---- a copy ---- */

static const pw_va VA = 0x10000;
static pw_pa page;

static void copy_ends(void)
{
	assert_int_equal(
		pw_space_protect(world.space, VA, VA + (world.page - 1), PW_READ | PW_USER, NULL),
		0);
	pw_space_copy_end(world.space);
}

static void copy_begins(void)
{
	pw_space_copy_begin(world.space);
	assert_true(pw_folio_try_share(world.arena, page));
	/* When the pin has reached the next page. */
	at[PW_MOMENT_LEAF_LOADED] = copy_ends;
}

/* The page is shared before it is pinned, and write-protected after that, both before the pin is done. */
static void test_copy_within(void **state)
{
	enum pw_stop why;
	pw_pa got[2], next;

	(void)state;
	world = open_world(pw_format_find("x86_64"), 0, FRAMES);
	page = map_new(&world, VA, PW_FOLIO_ANONYMOUS, RW);
	next = map_new(&world, VA + world.page, PW_FOLIO_ANONYMOUS, RW);
	prepare();
	at[PW_MOMENT_FOLIO_FOUND] = copy_begins;
	assert_int_equal(pw_pin_fast(world.reader, VA, 2, PW_PIN_WRITE, got, &why), 0);
	assert_int_equal(why, PW_STOP_FORK);
	over(2);
	assert_int_equal(references(&world, page), 1);
	assert_int_equal(references(&world, next), 1);
	unmap_pages(&world, VA, 2);
	pw_folio_put(world.arena, page, 1);
	pw_folio_put(world.arena, next, 1);
	close_world(&world);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_freed_meanwhile),    cmocka_unit_test(test_moved_meanwhile),
		cmocka_unit_test(test_freed_while_inside), cmocka_unit_test(test_late_mark),
		cmocka_unit_test(test_copy_within),
	};

	mutant_choose(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
