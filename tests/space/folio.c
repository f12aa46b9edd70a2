/* SPDX-License-Identifier: MIT */
/* Folios: references, pins, sharing and splitting, one thread at a time. */
#include "folio_test.h"
#include "mutants/choose.h"

static void test_references(void **state)
{
	struct pw_arena *arena = open_arena(64);
	pw_pa pa = alloc(arena, 2, PW_FOLIO_SHARED);

	(void)state;
	assert_true(pw_folio_get(arena, pa + PAGE, 3));
	assert_counts(arena, pa, 4, 0);
	assert_counts(arena, pa + 3 * PAGE, 4, 0);
	pw_folio_put(arena, pa + 2 * PAGE, 2);
	pw_folio_put(arena, pa, 1);
	assert_int_equal(pw_arena_free_bytes(arena), pw_arena_bytes(arena) - 4 * PAGE);
	pw_folio_put(arena, pa + 3 * PAGE, 1);
	assert_counts(arena, pa, 0, 0);
	close_clean(arena);
}

static void test_pins_of_small(void **state)
{
	struct pw_arena *arena = open_arena(4);
	pw_pa pa = alloc(arena, 0, PW_FOLIO_SHARED);
	struct pw_folio_info info;

	(void)state;
	assert_true(pw_folio_get(arena, pa, PW_PIN_BIAS - 2));
	assert_true(pw_folio_info(arena, pa, &info));
	assert_false(info.maybe_pinned);
	/* This many references look like a pin: maybe_pinned may be true without a pin. */
	assert_true(pw_folio_get(arena, pa, 1));
	assert_true(pw_folio_info(arena, pa, &info));
	assert_true(info.maybe_pinned);
	pw_folio_put(arena, pa, PW_PIN_BIAS - 1);
	assert_true(pw_folio_pin(arena, pa, 1));
	assert_counts(arena, pa, 1 + PW_PIN_BIAS, 0);
	assert_true(pw_folio_info(arena, pa, &info));
	assert_true(info.maybe_pinned);
	/* The pin alone keeps the folio. */
	pw_folio_put(arena, pa, 1);
	assert_counts(arena, pa, PW_PIN_BIAS, 0);
	pw_folio_unpin(arena, pa, 1);
	assert_counts(arena, pa, 0, 0);
	close_clean(arena);
}

static void test_pins_of_large(void **state)
{
	struct pw_arena *arena = open_arena(8);
	pw_pa pa = alloc(arena, 1, PW_FOLIO_SHARED);
	struct pw_folio_info info;

	(void)state;
	assert_true(pw_folio_get(arena, pa, 5000));
	assert_true(pw_folio_info(arena, pa, &info));
	assert_false(info.maybe_pinned);
	pw_folio_put(arena, pa, 5000);
	assert_true(pw_folio_pin(arena, pa + PAGE, 2));
	assert_counts(arena, pa, 3, 2);
	pw_folio_put(arena, pa, 1);
	pw_folio_unpin(arena, pa, 1);
	assert_true(pw_folio_info(arena, pa, &info));
	assert_true(info.maybe_pinned);
	assert_counts(arena, pa, 1, 1);
	pw_folio_unpin(arena, pa, 1);
	assert_counts(arena, pa, 0, 0);
	close_clean(arena);
}

static void test_zero_count(void **state)
{
	struct pw_arena *arena = open_arena(8);
	pw_pa pa = alloc(arena, 0, PW_FOLIO_SHARED);

	(void)state;
	pw_folio_put(arena, pa, 1);
	assert_false(pw_folio_get(arena, pa, 1));
	assert_false(pw_folio_pin(arena, pa, 1));
	assert_counts(arena, pa, 0, 0);
	/* A frame behind the head of a free block cannot be taken either. */
	for (unsigned i = 0; i < 8; i++) {
		if (arena->base + i * PAGE != pw_arena_zero_page(arena))
			assert_false(pw_folio_get(arena, arena->base + i * PAGE, 1));
	}
	assert_false(pw_folio_get(arena, arena->base - 1, 1));
	assert_false(pw_folio_pin(arena, arena->base + arena->bytes, 1));
	close_clean(arena);
}

static void test_overflow(void **state)
{
	struct pw_arena *arena = open_arena(16);
	pw_pa small = alloc(arena, 0, PW_FOLIO_SHARED), large = alloc(arena, 1, PW_FOLIO_SHARED);

	(void)state;
	/* References up to the limit, and not one more. */
	assert_true(pw_folio_get(arena, small, PW_COUNT_LIMIT - 1));
	assert_false(pw_folio_get(arena, small, 1));
	assert_false(pw_folio_pin(arena, small, 1));
	assert_false(pw_folio_get(arena, small, UINT32_MAX));
	assert_counts(arena, small, PW_COUNT_LIMIT, 0);
	pw_folio_put(arena, small, PW_COUNT_LIMIT - 1);
	/* Numbers of pins that exceed 32 bits as references. */
	assert_false(pw_folio_pin(arena, small, UINT32_C(1) << 22));
	assert_false(pw_folio_pin(arena, small, UINT32_MAX));
	assert_false(pw_folio_pin(arena, small, PW_PINS_AT_ONCE));
	assert_true(pw_folio_pin(arena, small, PW_PINS_AT_ONCE - 1));
	assert_counts(arena, small, PW_COUNT_LIMIT - PW_PIN_BIAS + 1, 0);
	pw_folio_unpin(arena, small, PW_PINS_AT_ONCE - 1);
	assert_true(pw_folio_get(arena, large, PW_COUNT_LIMIT - 2));
	assert_true(pw_folio_pin(arena, large, 1));
	assert_false(pw_folio_pin(arena, large, 1));
	assert_counts(arena, large, PW_COUNT_LIMIT, 1);
	pw_folio_unpin(arena, large, 1);
	pw_folio_put(arena, large, PW_COUNT_LIMIT - 1);
	pw_folio_put(arena, small, 1);
	close_clean(arena);
}

static void test_underflow(void **state)
{
	struct pw_arena *arena = open_arena(16);
	pw_pa small = alloc(arena, 0, PW_FOLIO_SHARED), large = alloc(arena, 1, PW_FOLIO_SHARED);
	uint64_t noticed = 0;

	(void)state;
	pw_folio_put(arena, small, 2);
	assert_int_equal(underflows(arena), ++noticed);
	pw_folio_unpin(arena, small, 1);
	assert_int_equal(underflows(arena), ++noticed);
	assert_counts(arena, small, 1, 0);
	/* Enough references, but no pin. */
	assert_true(pw_folio_get(arena, large, 10));
	pw_folio_unpin(arena, large, 1);
	assert_int_equal(underflows(arena), ++noticed);
	assert_counts(arena, large, 11, 0);
	/* The references that belong to the pins. */
	assert_true(pw_folio_pin(arena, large, 2));
	pw_folio_put(arena, large, 12);
	assert_int_equal(underflows(arena), ++noticed);
	assert_counts(arena, large, 13, 2);
	/* A free folio, zero references, and pages outside the arena. */
	pw_folio_put(arena, small, 1);
	pw_folio_put(arena, small, 1);
	assert_int_equal(underflows(arena), ++noticed);
	pw_folio_put(arena, small, 0);
	assert_int_equal(underflows(arena), ++noticed);
	pw_folio_put(arena, arena->base - PAGE, 1);
	assert_int_equal(underflows(arena), ++noticed);
	pw_folio_unpin(arena, arena->base + arena->bytes, 1);
	assert_int_equal(underflows(arena), ++noticed);
	pw_folio_unpin(arena, large, UINT32_C(1) << 22);
	assert_int_equal(underflows(arena), ++noticed);
	pw_folio_unpin(arena, large, 2);
	pw_folio_put(arena, large, 11);
	assert_int_equal(underflows(arena), noticed);
	assert_int_equal(pw_arena_free_bytes(arena), pw_arena_bytes(arena));
	pw_arena_destroy(arena);
}

static void test_zero_page(void **state)
{
	struct pw_arena *arena = open_arena(4);
	pw_pa zero = pw_arena_zero_page(arena);
	struct pw_folio_info before, after;

	(void)state;
	assert_true(pw_folio_info(arena, zero, &before));
	assert_true(pw_folio_get(arena, zero, 3));
	assert_true(pw_folio_pin(arena, zero, 7));
	assert_true(pw_folio_info(arena, zero, &after));
	assert_int_equal(after.references, before.references);
	assert_int_equal(after.pins, before.pins);
	/* More than were taken: nobody can free the zero page. */
	pw_folio_put(arena, zero, 100);
	pw_folio_unpin(arena, zero, 100);
	assert_true(pw_folio_info(arena, zero, &after));
	assert_int_equal(after.references, before.references);
	close_clean(arena);
}

static void test_split(void **state)
{
	struct pw_arena *arena = open_arena(64);
	pw_pa pa = alloc(arena, 2, PW_FOLIO_ANONYMOUS);
	struct pw_folio_info info;

	(void)state;
	pw_folio_dirty(arena, pa + PAGE);
	assert_true(pw_folio_try_share(arena, pa + 2 * PAGE));
	assert_true(pw_folio_get(arena, pa, 7));
	assert_true(pw_folio_split(arena, pa + 3 * PAGE, 2));
	for (unsigned i = 0; i < 4; i++) {
		assert_true(pw_folio_info(arena, pa + i * PAGE, &info));
		assert_int_equal(info.pa, pa + i * PAGE);
		assert_int_equal(info.order, 0);
		assert_int_equal(info.references, 2);
		assert_int_equal(info.pins, 0);
		assert_int_equal(info.kind, PW_FOLIO_ANONYMOUS);
		assert_int_equal(info.owner, 5);
		assert_int_equal(info.index, 100 + i);
		assert_int_equal(info.exclusive, i != 2);
		assert_true(info.dirty);
	}
	/* From here on each part is a folio of its own. */
	pw_folio_truncate(arena, pa);
	assert_true(pw_folio_info(arena, pa + PAGE, &info));
	assert_int_equal(info.kind, PW_FOLIO_ANONYMOUS);
	for (unsigned i = 0; i < 4; i++) {
		assert_true(pw_folio_pin(arena, pa + i * PAGE, 1));
		assert_counts(arena, pa + i * PAGE, 2 + PW_PIN_BIAS, 0);
		pw_folio_unpin(arena, pa + i * PAGE, 1);
		pw_folio_put(arena, pa + i * PAGE, 2);
		assert_int_equal(pw_arena_free_bytes(arena),
				 pw_arena_bytes(arena) - (3 - i) * PAGE);
	}
	close_clean(arena);
}

static void test_split_of_others(void **state)
{
	struct pw_arena *arena = open_arena(64);
	pw_pa pa = alloc(arena, 1, PW_FOLIO_SHARED);

	(void)state;
	/* One reference for two pages; none; and one more than there should be. */
	assert_false(pw_folio_split(arena, pa, 1));
	assert_false(pw_folio_split(arena, pa, 0));
	assert_true(pw_folio_get(arena, pa, 2));
	assert_false(pw_folio_split(arena, pa, 1));
	pw_folio_put(arena, pa, 1);
	/* As many references as it should have, but one of them is a pin. */
	pw_folio_put(arena, pa, 1);
	assert_true(pw_folio_pin(arena, pa, 1));
	assert_false(pw_folio_split(arena, pa, 1));
	assert_counts(arena, pa, 2, 1);
	pw_folio_unpin(arena, pa, 1);
	pw_folio_put(arena, pa, 1);
	/* A free folio cannot be split. */
	assert_false(pw_folio_split(arena, pa, 1));
	assert_false(pw_folio_split(arena, arena->base - 1, 1));
	close_clean(arena);
}

static void test_split_beyond(void **state)
{
	struct pw_arena *arena = open_arena(1 << 17);
	pw_pa pa = alloc(arena, 16, PW_FOLIO_SHARED);

	(void)state;
	/* References for all pages together, whose number would reach into the pins. */
	assert_true(pw_folio_get(arena, pa, (1 << 16) - 2));
	assert_true(pw_folio_pin(arena, pa, 1));
	assert_false(pw_folio_split(arena, pa, (1 << 16) + 1));
	assert_counts(arena, pa, 1 << 16, 1);
	pw_folio_unpin(arena, pa, 1);
	pw_folio_put(arena, pa, (1 << 16) - 1);
	assert_int_equal(pw_arena_free_bytes(arena), pw_arena_bytes(arena));
	pw_arena_destroy(arena);
}

static void test_exclusive_page(void **state)
{
	struct pw_arena *arena = open_arena(64);
	pw_pa pa = alloc(arena, 2, PW_FOLIO_ANONYMOUS);
	uint32_t frame = pw_arena_frame(arena, pa);

	(void)state;
	assert_true(pw_folio_try_share(arena, pa + PAGE));
	assert_true(pw_folio_is_exclusive(arena, frame));
	assert_false(pw_folio_is_exclusive(arena, frame + 1));
	assert_true(pw_folio_is_exclusive(arena, frame + 2));
	pw_folio_own(arena, pa + PAGE);
	assert_true(pw_folio_is_exclusive(arena, frame + 1));
	assert_true(pw_folio_try_share(arena, pa));
	assert_false(pw_folio_is_exclusive(arena, frame));
	assert_true(pw_folio_is_exclusive(arena, frame + 1));
	pw_folio_put(arena, pa, 1);
	/* The next owner of the pages finds nothing of it. */
	pa = alloc(arena, 2, PW_FOLIO_FILE);
	for (uint32_t i = 0; i < 4; i++)
		assert_false(pw_folio_is_exclusive(arena, pw_arena_frame(arena, pa) + i));
	pw_folio_put(arena, pa, 1);
	close_clean(arena);
}

static void test_share_of_pinned(void **state)
{
	struct pw_arena *arena = open_arena(64);

	(void)state;
	for (unsigned order = 0; order < 3; order++) {
		pw_pa pa = alloc(arena, order, PW_FOLIO_ANONYMOUS), page = pa + order * PAGE;
		struct pw_folio_info info;

		assert_true(pw_folio_pin(arena, pa, 1));
		assert_false(pw_folio_try_share(arena, page));
		assert_true(pw_folio_info(arena, page, &info));
		assert_true(info.exclusive);
		pw_folio_unpin(arena, pa, 1);
		assert_true(pw_folio_try_share(arena, page));
		/* A shared page does not become exclusive by being pinned and shared again. */
		assert_true(pw_folio_pin(arena, pa, 1));
		assert_true(pw_folio_try_share(arena, page));
		assert_true(pw_folio_info(arena, page, &info));
		assert_false(info.exclusive);
		pw_folio_unpin(arena, pa, 1);
		pw_folio_put(arena, pa, 1);
	}
	assert_false(pw_folio_try_share(arena, arena->base + arena->bytes));
	close_clean(arena);
}

static void test_mapping(void **state)
{
	struct pw_arena *arena = open_arena(64);

	(void)state;
	for (enum pw_folio_kind kind = PW_FOLIO_NONE; kind <= PW_FOLIO_SECRET; kind++) {
		pw_pa pa = alloc(arena, 1, kind);
		uint32_t tail = pw_arena_frame(arena, pa) + 1;

		assert_int_equal(pw_folio_kind_of(arena, tail), kind);
		assert_false(pw_folio_clean(arena, pa));
		pw_folio_dirty(arena, pa + PAGE);
		assert_true(pw_folio_clean(arena, pa));
		assert_false(pw_folio_clean(arena, pa + PAGE));
		pw_folio_truncate(arena, pa + PAGE);
		/* Secret memory stays secret. */
		assert_int_equal(pw_folio_kind_of(arena, tail),
				 kind == PW_FOLIO_SECRET ? kind : PW_FOLIO_NONE);
		/* Its owner still has it. */
		assert_counts(arena, pa, 1, 0);
		pw_folio_put(arena, pa, 1);
	}
	pw_folio_dirty(arena, arena->base - 1);
	pw_folio_truncate(arena, arena->base - 1);
	pw_folio_own(arena, arena->base - 1);
	assert_false(pw_folio_clean(arena, arena->base - 1));
	close_clean(arena);
}

static void test_freeze(void **state)
{
	struct pw_arena *arena = open_arena(64);

	(void)state;
	for (unsigned order = 0; order <= 2; order++) {
		pw_pa pa = alloc(arena, order, PW_FOLIO_SHARED);
		uint32_t head = pw_arena_frame(arena, pa);
		struct pw_folio_info info;

		assert_true(pw_folio_get(arena, pa, 2));
		assert_false(pw_folio_freeze(arena, head, 2));
		assert_false(pw_folio_freeze(arena, head, 4));
		assert_true(pw_folio_pin(arena, pa, 1));
		assert_false(pw_folio_freeze(arena, head, 3));
		assert_false(pw_folio_freeze(arena, head, 4));
		pw_folio_unpin(arena, pa, 1);
		assert_true(pw_folio_freeze(arena, head + (1u << order) - 1, 3));
		/* It is neither free nor pinned, and nobody can take it. */
		assert_counts(arena, pa, 3, 0);
		assert_true(pw_folio_info(arena, pa, &info));
		assert_false(info.maybe_pinned);
		assert_int_equal(info.order, order);
		assert_false(pw_folio_get(arena, pa, 1));
		assert_false(pw_folio_pin(arena, pa, 1));
		assert_false(pw_folio_split(arena, pa, 3));
		assert_false(pw_folio_freeze(arena, head, 3));
		pw_folio_thaw(arena, head, 1);
		assert_counts(arena, pa, 1, 0);
		assert_true(pw_folio_get(arena, pa, 1));
		assert_true(pw_folio_freeze(arena, head, 2));
		pw_folio_thaw(arena, head, 0);
		assert_counts(arena, pa, 0, 0);
	}
	assert_false(pw_folio_freeze(arena, arena->zero, 1));
	close_clean(arena);
}

/* Allocates everything, and counts. *has_ret: is @frame among it? */
static unsigned take_all(struct pw_arena *arena, uint32_t frame, bool *has_ret)
{
	unsigned count = 0;
	pw_pa pa;

	*has_ret = false;
	while (pw_folio_alloc(arena, 0, PW_FOLIO_SHARED, 0, 0, &pa) == 0) {
		*has_ret |= pw_arena_frame(arena, pa) == frame;
		count++;
	}
	return count;
}

static void test_broken(void **state)
{
	struct pw_arena *arena = open_arena(64);
	pw_pa pa = alloc(arena, 3, PW_FOLIO_ANONYMOUS);
	uint32_t used = pw_arena_frame(arena, pa) + 5, spare = 40;
	bool has;

	(void)state;
	/* One that is free, and one that is in use. */
	assert_true(pw_buddy_retire(arena, spare));
	assert_false(pw_buddy_retire(arena, spare));
	assert_false(pw_buddy_retire(arena, used));
	assert_false(pw_buddy_retire(arena, arena->zero));
	__atomic_fetch_or(&arena->frame[used].flags, PW_FRAME_BROKEN, __ATOMIC_RELAXED);
	pw_folio_put(arena, pa, 1);
	assert_int_equal(pw_arena_free_bytes(arena), pw_arena_bytes(arena) - 2 * PAGE);
	assert_int_equal(take_all(arena, spare, &has), 64 - 1 - 2);
	assert_false(has);
	for (uint32_t frame = 0; frame < 64; frame++)
		if (frame != arena->zero && frame != spare && frame != used)
			pw_folio_put(arena, pw_arena_pa(arena, frame), 1);
	assert_int_equal(take_all(arena, used, &has), 64 - 1 - 2);
	assert_false(has);
	pw_arena_destroy(arena);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_references),      cmocka_unit_test(test_pins_of_small),
		cmocka_unit_test(test_pins_of_large),   cmocka_unit_test(test_zero_count),
		cmocka_unit_test(test_overflow),        cmocka_unit_test(test_underflow),
		cmocka_unit_test(test_zero_page),       cmocka_unit_test(test_split),
		cmocka_unit_test(test_split_of_others), cmocka_unit_test(test_split_beyond),
		cmocka_unit_test(test_exclusive_page),  cmocka_unit_test(test_share_of_pinned),
		cmocka_unit_test(test_mapping),         cmocka_unit_test(test_freeze),
		cmocka_unit_test(test_broken),
	};

	mutant_choose(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
