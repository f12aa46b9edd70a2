/* SPDX-License-Identifier: MIT */
/*
 * Taking a folio while it is split, freed or reused: the action of another thread happens at one chosen
 * moment, on the same thread. Only built with the moments (src/base/mutant.h).
 */
#include <pthread.h>
#include <unistd.h>

#include "folio_test.h"
#include "mutants/choose.h"

/* The action that happens, once, when the moment comes. */
static struct {
	struct pw_arena *arena;
	pw_pa pa;
	void (*at[PW_MOMENTS])(void); /* by moment */
	bool happened;
} race;

static void on_moment(enum pw_moment moment)
{
	void (*happen)(void) = race.at[moment];

	race.at[moment] = NULL;
	if (!happen)
		return;
	race.happened = true;
	happen();
}

static void prepare(struct pw_arena *arena, pw_pa pa, void (*found)(void), void (*taken)(void))
{
	race.arena = arena;
	race.pa = pa;
	race.at[PW_MOMENT_FOLIO_FOUND] = found;
	race.at[PW_MOMENT_FOLIO_TAKEN] = taken;
	race.happened = false;
	pw_moment_hook = on_moment;
}

static void over(void)
{
	pw_moment_hook = NULL;
	assert_true(race.happened);
}

static void split(void)
{
	assert_true(pw_folio_split(race.arena, race.pa, 1));
}

static void put(void)
{
	pw_folio_put(race.arena, race.pa, 1);
}

/* The page is freed, and at once it is the first of a larger folio. */
static void reuse(void)
{
	pw_folio_put(race.arena, race.pa, 1);
	pw_folio_put(race.arena, race.pa + PAGE, 1);
	assert_int_equal(alloc(race.arena, 1, PW_FOLIO_SHARED), race.pa);
}

static void test_split(void **state)
{
	(void)state;
	for (unsigned pin = 0; pin < 2; pin++) {
		struct pw_arena *arena = open_arena(64);
		pw_pa pa = alloc(arena, 1, PW_FOLIO_SHARED);

		/* The second page's reference must not go to the first page, which was its head before. */
		assert_true(pw_folio_get(arena, pa, 1));
		prepare(arena, pa, split, NULL);
		assert_true(pin ? pw_folio_pin(arena, pa + PAGE, 1)
				: pw_folio_get(arena, pa + PAGE, 1));
		over();
		assert_counts(arena, pa, 1, 0);
		assert_counts(arena, pa + PAGE, pin ? 1 + PW_PIN_BIAS : 2, 0);
		if (pin)
			pw_folio_unpin(arena, pa + PAGE, 1);
		else
			pw_folio_put(arena, pa + PAGE, 1);
		pw_folio_put(arena, pa, 1);
		pw_folio_put(arena, pa + PAGE, 1);
		close_clean(arena);
	}
}

static void test_head_of_split(void **state)
{
	struct pw_arena *arena = open_arena(64);
	pw_pa pa = alloc(arena, 1, PW_FOLIO_SHARED);

	(void)state;
	/* The first page is its own head before and after, but a pin of a small folio counts differently. */
	assert_true(pw_folio_get(arena, pa, 1));
	prepare(arena, pa, split, NULL);
	assert_true(pw_folio_pin(arena, pa, 1));
	over();
	assert_counts(arena, pa, 1 + PW_PIN_BIAS, 0);
	pw_folio_unpin(arena, pa, 1);
	pw_folio_put(arena, pa, 1);
	pw_folio_put(arena, pa + PAGE, 1);
	close_clean(arena);
}

static void test_last_reference(void **state)
{
	struct pw_arena *arena = open_arena(64);
	pw_pa pa = alloc(arena, 1, PW_FOLIO_SHARED);

	(void)state;
	/* Taken in vain; meanwhile the owner has given its reference back. So the undo frees the page. */
	assert_true(pw_folio_get(arena, pa, 1));
	prepare(arena, pa, split, put);
	assert_true(pw_folio_get(arena, pa + PAGE, 1));
	over();
	assert_counts(arena, pa, 0, 0);
	assert_counts(arena, pa + PAGE, 2, 0);
	pw_folio_put(arena, pa + PAGE, 2);
	close_clean(arena);
}

static void test_freed(void **state)
{
	struct pw_arena *arena = open_arena(64);
	pw_pa pa = alloc(arena, 0, PW_FOLIO_SHARED);

	(void)state;
	prepare(arena, pa, put, NULL);
	assert_false(pw_folio_pin(arena, pa, 1));
	over();
	assert_counts(arena, pa, 0, 0);
	close_clean(arena);
}

static void test_taken_first(void **state)
{
	struct pw_arena *arena = open_arena(64);
	pw_pa pa = alloc(arena, 0, PW_FOLIO_SHARED);

	(void)state;
	/* Taken before the last reference went: so it stays. */
	prepare(arena, pa, NULL, put);
	assert_true(pw_folio_pin(arena, pa, 1));
	over();
	assert_counts(arena, pa, PW_PIN_BIAS, 0);
	pw_folio_unpin(arena, pa, 1);
	close_clean(arena);
}

static void test_reused(void **state)
{
	struct pw_arena *arena = open_arena(4);
	pw_pa pa = alloc(arena, 1, PW_FOLIO_SHARED);

	(void)state;
	assert_true(pw_folio_get(arena, pa, 1));
	assert_true(pw_folio_split(arena, pa, 1));
	prepare(arena, pa, reuse, NULL);
	/* The pin must now be one of the large folio. */
	assert_true(pw_folio_pin(arena, pa, 1));
	over();
	assert_counts(arena, pa, 2, 1);
	pw_folio_unpin(arena, pa, 1);
	pw_folio_put(arena, pa, 1);
	close_clean(arena);
}

/* ---- sharing and pinning at once: one of the two notices the other ---- */

static bool shared;

static void share(void)
{
	shared = pw_folio_try_share(race.arena, race.pa);
}

static void check_share(bool first)
{
	struct pw_arena *arena = open_arena(64);
	pw_pa pa = alloc(arena, 1, PW_FOLIO_ANONYMOUS);

	prepare(arena, pa + PAGE, first ? share : NULL, first ? NULL : share);
	assert_true(pw_folio_pin(arena, pa + PAGE, 1));
	over();
	assert_int_equal(shared, first);
	assert_int_equal(pw_folio_is_exclusive(arena, pw_arena_frame(arena, pa + PAGE)), !first);
	pw_folio_unpin(arena, pa + PAGE, 1);
	pw_folio_put(arena, pa, 1);
	close_clean(arena);
}

static void test_shared_first(void **state)
{
	(void)state;
	check_share(true);
}

static void test_pinned_first(void **state)
{
	(void)state;
	check_share(false);
}

/* A pin comes meanwhile. It keeps the page only if that is exclusive; then the page must not be shared. */
static bool kept;

static void pin_exclusive(void)
{
	assert_true(pw_folio_pin(race.arena, race.pa, 1));
	kept = pw_folio_is_exclusive(race.arena, pw_arena_frame(race.arena, race.pa));
	if (!kept)
		pw_folio_unpin(race.arena, race.pa, 1);
}

static void test_pinned_meanwhile(void **state)
{
	struct pw_arena *arena = open_arena(64);
	pw_pa pa = alloc(arena, 0, PW_FOLIO_ANONYMOUS);

	(void)state;
	prepare(arena, pa, NULL, NULL);
	race.at[PW_MOMENT_SHARE] = pin_exclusive;
	shared = pw_folio_try_share(arena, pa);
	over();
	assert_false(shared && kept);
	if (kept)
		pw_folio_unpin(arena, pa, 1);
	pw_folio_put(arena, pa, 1);
	close_clean(arena);
}

/* ---- looking at a folio, or changing it, while it is split ---- */

/* A folio of 4 pages that is split with 1 reference each. */
enum { PARTS = 4 };

static struct pw_arena *open_parts(pw_pa *pa_ret)
{
	struct pw_arena *arena = open_arena(64);

	*pa_ret = alloc(arena, 2, PW_FOLIO_ANONYMOUS);
	assert_true(pw_folio_get(arena, *pa_ret, PARTS - 1));
	prepare(arena, *pa_ret, NULL, NULL);
	return arena;
}

static void close_parts(struct pw_arena *arena, pw_pa pa)
{
	for (unsigned i = 0; i < PARTS; i++)
		pw_folio_put(arena, pa + i * PAGE, 1);
	close_clean(arena);
}

static void split_and_pin(void)
{
	split();
	pin_exclusive();
}

static struct pw_folio_info info_of(struct pw_arena *arena, pw_pa pa)
{
	struct pw_folio_info info;

	assert_true(pw_folio_info(arena, pa, &info));
	return info;
}

/* Split and pinned before it is shared: the pin counts in another folio than before. */
static void test_split_then_shared(void **state)
{
	(void)state;
	for (unsigned i = 0; i < PARTS; i++) {
		pw_pa pa;
		struct pw_arena *arena = open_parts(&pa);

		race.pa = pa + i * PAGE;
		race.at[PW_MOMENT_SHARE] = split_and_pin;
		assert_false(pw_folio_try_share(arena, race.pa));
		over();
		assert_true(kept);
		assert_true(info_of(arena, race.pa).exclusive);
		pw_folio_unpin(arena, race.pa, 1);
		close_parts(arena, pa);
	}
}

static void test_split_while_looked_at(void **state)
{
	(void)state;
	for (unsigned i = 0; i < PARTS; i++) {
		struct pw_folio_info info;
		pw_pa pa;
		struct pw_arena *arena = open_parts(&pa);

		race.pa = pa + i * PAGE;
		race.at[PW_MOMENT_FOLIO_LOOK] = split_and_pin;
		info = info_of(arena, race.pa);
		over();
		assert_true(info.maybe_pinned);
		assert_int_equal(info.pa, race.pa);
		assert_int_equal(info.order, 0);
		assert_int_equal(info.references, 1 + PW_PIN_BIAS);
		pw_folio_unpin(arena, race.pa, 1);
		close_parts(arena, pa);
	}
}

/* Other threads see a folio that is being split as it was before, but they cannot take it. */
static void look_at_splitting(void)
{
	struct pw_folio_info info = info_of(race.arena, race.pa + PAGE);

	assert_int_equal(info.pa, race.pa);
	assert_int_equal(info.order, 2);
	assert_int_equal(info.references, PARTS);
	assert_int_equal(info.pins, 0);
	assert_false(info.maybe_pinned);
	assert_true(pw_folio_try_share(race.arena, race.pa + PAGE));
}

static void take_from_splitting(void)
{
	for (unsigned i = 0; i < PARTS; i++) {
		assert_false(pw_folio_pin(race.arena, race.pa + i * PAGE, 1));
		assert_false(pw_folio_get(race.arena, race.pa + i * PAGE, 1));
	}
	assert_false(pw_folio_split(race.arena, race.pa, 1));
}

static void split_with(void (*meanwhile)(void))
{
	pw_pa pa;
	struct pw_arena *arena = open_parts(&pa);

	race.at[PW_MOMENT_SPLITTING] = meanwhile;
	split();
	over();
	close_parts(arena, pa);
}

static void test_splitting_looked_at(void **state)
{
	(void)state;
	split_with(look_at_splitting);
}

/* When the first part can be taken, the other parts are folios of their own, too, and not free. */
static void look_at_parts(void)
{
	for (unsigned i = 0; i < PARTS; i++) {
		struct pw_folio_info info = info_of(race.arena, race.pa + i * PAGE);

		assert_int_equal(info.pa, race.pa + i * PAGE);
		assert_int_equal(info.order, 0);
		assert_int_equal(info.references, 1);
		assert_int_equal(pw_folio_get(race.arena, race.pa + i * PAGE, 1), i == 0);
	}
	pw_folio_put(race.arena, race.pa, 1);
}

static void test_parts_looked_at(void **state)
{
	pw_pa pa;
	struct pw_arena *arena = open_parts(&pa);

	(void)state;
	race.at[PW_MOMENT_SPLIT] = look_at_parts;
	split();
	over();
	close_parts(arena, pa);
}

static void test_splitting_taken(void **state)
{
	(void)state;
	split_with(take_from_splitting);
}

/* Two threads split it. After the first, the head has exactly the counts that the second expects. */
static void split_by_four(void)
{
	assert_true(pw_folio_split(race.arena, race.pa, PARTS));
}

static void test_split_twice(void **state)
{
	pw_pa pa;
	struct pw_arena *arena = open_parts(&pa);

	(void)state;
	assert_true(pw_folio_get(arena, pa, PARTS * PARTS - PARTS));
	race.at[PW_MOMENT_FOLIO_FOUND] = split_by_four;
	assert_false(pw_folio_split(arena, pa + PAGE, 1));
	over();
	for (unsigned i = 0; i < PARTS; i++)
		pw_folio_put(arena, pa + i * PAGE, PARTS - 1);
	close_parts(arena, pa);
}

static void cannot_split(void)
{
	assert_false(pw_folio_split(race.arena, race.pa, 1));
}

static void make_dirty(struct pw_arena *arena, pw_pa pa)
{
	pw_folio_dirty(arena, pa);
	assert_true(info_of(arena, pa).dirty);
}

static void make_clean(struct pw_arena *arena, pw_pa pa)
{
	assert_false(pw_folio_clean(arena, pa));
}

static void truncate_it(struct pw_arena *arena, pw_pa pa)
{
	pw_folio_truncate(arena, pa);
	assert_int_equal(info_of(arena, pa).kind, PW_FOLIO_NONE);
}

/* A thread that changes a head holds the folio, so it is not split before that is done. */
static void test_split_while_changed(void **state)
{
	static void (*const change[])(struct pw_arena *, pw_pa) = { make_dirty, make_clean,
								    truncate_it };

	(void)state;
	for (unsigned i = 0; i < sizeof(change) / sizeof(change[0]); i++) {
		pw_pa pa;
		struct pw_arena *arena = open_parts(&pa);

		race.at[PW_MOMENT_FOLIO_TAKEN] = cannot_split;
		change[i](arena, pa + 2 * PAGE);
		over();
		split();
		close_parts(arena, pa);
	}
}

static void *make_third_dirty(void *unused)
{
	(void)unused;
	pw_folio_dirty(race.arena, race.pa + 2 * PAGE);
	return NULL;
}

static pthread_t dirtier;

/* Waits long enough for the thread to find the folio being split, if the scheduler lets it run. */
static void start_dirtier(void)
{
	assert_int_equal(pthread_create(&dirtier, NULL, make_third_dirty, NULL), 0);
	usleep(20000);
}

static void test_dirty_while_split(void **state)
{
	pw_pa pa;
	struct pw_arena *arena = open_parts(&pa);

	(void)state;
	race.at[PW_MOMENT_SPLITTING] = start_dirtier;
	split();
	over();
	pthread_join(dirtier, NULL);
	for (unsigned i = 0; i < PARTS; i++)
		assert_int_equal(info_of(arena, pa + i * PAGE).dirty, i == 2);
	close_parts(arena, pa);
}

/* The first frame of a new folio is not a folio before all of its frames belong to it. */
static void pin_new(void)
{
	assert_false(pw_folio_pin(race.arena, race.pa, 1));
	assert_false(pw_folio_get(race.arena, race.pa + PAGE, 1));
}

static void test_new(void **state)
{
	struct pw_arena *arena = open_arena(4);
	pw_pa pa = alloc(arena, 1, PW_FOLIO_SHARED);

	(void)state;
	pw_folio_put(arena, pa, 1);
	prepare(arena, pa, NULL, NULL);
	race.at[PW_MOMENT_FOLIO_NEW] = pin_new;
	assert_int_equal(alloc(arena, 1, PW_FOLIO_SHARED), pa);
	over();
	assert_counts(arena, pa, 1, 0);
	pw_folio_put(arena, pa, 1);
	close_clean(arena);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_split),
		cmocka_unit_test(test_head_of_split),
		cmocka_unit_test(test_last_reference),
		cmocka_unit_test(test_freed),
		cmocka_unit_test(test_taken_first),
		cmocka_unit_test(test_reused),
		cmocka_unit_test(test_shared_first),
		cmocka_unit_test(test_pinned_first),
		cmocka_unit_test(test_pinned_meanwhile),
		cmocka_unit_test(test_split_then_shared),
		cmocka_unit_test(test_split_while_looked_at),
		cmocka_unit_test(test_splitting_looked_at),
		cmocka_unit_test(test_splitting_taken),
		cmocka_unit_test(test_parts_looked_at),
		cmocka_unit_test(test_split_twice),
		cmocka_unit_test(test_split_while_changed),
		cmocka_unit_test(test_dirty_while_split),
		cmocka_unit_test(test_new),
	};

	mutant_choose(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
