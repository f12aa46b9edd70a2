/* SPDX-License-Identifier: MIT */
/*
 * Taking a folio while it is split, freed or reused: what another thread might do happens at one chosen
 * moment, on the same thread. Built with the moments only (src/base/mutant.h).
 */
#include "folio_test.h"
#include "mutants/choose.h"

/* What happens, once, when the moment comes. */
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

/* Freed, and at once the first of a larger folio. */
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

		/* The second page's reference must not go to the first, its head until just now. */
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
	/* The first page is its own head before and after; a pin of a small folio is something else. */
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
	/* Taken in vain, and the owner has gone meanwhile: undoing it frees the page. */
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
	/* Taken while it was there: then it stays. */
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
	/* It is a pin of the large folio now, or none. */
	assert_true(pw_folio_pin(arena, pa, 1));
	over();
	assert_counts(arena, pa, 2, 1);
	pw_folio_unpin(arena, pa, 1);
	pw_folio_put(arena, pa, 1);
	close_clean(arena);
}

/* ---- sharing against pinning: one of the two notices the other ---- */

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

/* A pin meanwhile: it keeps the page only if that is exclusive, and then it is not shared. */
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
	};

	mutant_choose(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
