/* SPDX-License-Identifier: MIT */
/* Single entries, on every format: found, swapped, grouped, visited, and their tables taken out. */
#include "slot_test.h"

/* ---- one entry ---- */

/* An entry of level 0 goes through all kinds that the format has. */
static void test_kinds(struct world *world)
{
	struct pw_space *space = world->space;
	const pw_va va = 5 * world->page;
	const pw_pa pa = world->pa + 3 * world->page;
	const struct pw_soft soft = { .type = 1, .exclusive = true, .offset = 77 };
	struct pw_slot slot, old;

	pw_slot_find(space, va, &slot);
	assert_int_equal(slot.kind, PW_SLOT_EMPTY);
	assert_int_equal(pw_slot_reach(space, va, 0, &slot), 0);
	check_slot(world, &slot, 0, PW_SLOT_EMPTY);
	old = slot;

	assert_true(pw_slot_swap(space, va, &slot, pw_slot_leaf(space, 0, pa, RW)));
	check_slot(world, &slot, 0, PW_SLOT_PAGE);
	assert_int_equal(slot.pa, pa);
	assert_int_equal(slot.attr, as_made(world, 0, RW));
	assert_false(pw_slot_swap(space, va, &old, pw_slot_leaf(space, 0, pa, RO)));
	check_same(world, va, &old);
	assert_int_equal(old.pa, pa);

	assert_true(pw_slot_swap(space, va, &slot, pw_slot_change(space, &slot, RO)));
	assert_int_equal(slot.pa, pa);
	assert_int_equal(slot.attr, as_made(world, 0, RO));
	check_same(world, va, &slot);

	if (has_prot_none(world)) {
		assert_true(pw_slot_swap(space, va, &slot, pw_slot_prot_none(space, 0, pa)));
		check_slot(world, &slot, 0, PW_SLOT_PROT_NONE);
		assert_int_equal(slot.pa, pa);
	}

	assert_true(pw_slot_swap(space, va, &slot, pw_slot_soft(space, 0, &soft)));
	check_slot(world, &slot, 0, PW_SLOT_SOFT);
	assert_int_equal(slot.soft.type, 1);
	assert_true(slot.soft.exclusive);
	assert_int_equal(slot.soft.offset, 77);
	check_same(world, va, &slot);

	assert_true(pw_slot_swap(space, va, &slot, pw_slot_empty(space, 0)));
	check_slot(world, &slot, 0, PW_SLOT_EMPTY);
}

/* Leaves of every level, found from their middle, and the table above them. */
static void test_levels(struct world *world)
{
	struct pw_space *space = world->space;
	const struct pw_format *f = world->format;
	struct pw_slot slot;

	for (unsigned level = 0; level < f->levels; level++) {
		const pw_va start = (pw_va)1 << f->shift[level],
			    va = start + world->page * (level > 0);

		if (!is_leaf_level(world, level))
			continue;
		assert_int_equal(pw_slot_reach(space, start, level, &slot), 0);
		check_slot(world, &slot, level, PW_SLOT_EMPTY);
		assert_true(pw_slot_swap(space, start, &slot, pw_slot_leaf(space, level, 0, RW)));
		pw_slot_find(space, va, &slot);
		check_slot(world, &slot, level, PW_SLOT_PAGE);
		assert_int_equal(slot.lg2, f->shift[level]);
		/* It does not go on behind a leaf. */
		assert_int_equal(pw_slot_reach(space, va, 0, &slot), 0);
		check_slot(world, &slot, level, PW_SLOT_PAGE);
		assert_true(pw_slot_swap(space, start, &slot, pw_slot_empty(space, level)));
		/* It stops at the level that was asked for. */
		assert_int_equal(pw_slot_reach(space, va, 0, &slot), 0);
		check_slot(world, &slot, 0, PW_SLOT_EMPTY);
		assert_int_equal(pw_slot_reach(space, va, level, &slot), 0);
		check_slot(world, &slot, level, level > 0 ? PW_SLOT_TABLE : PW_SLOT_EMPTY);
	}
	assert_int_equal(pw_slot_leaves(space) & pw_mask(f->shift[0] + 1u), UINT64_C(1)
										    << f->shift[0]);
}

/* Tables do not reach to the end of the space; then they grow, or the address is not translated at all. */
static void test_outside(struct world *world)
{
	struct pw_space *space = world->space;
	const struct pw_format *f = world->format;
	const unsigned top = f->levels - 1u, lg2 = f->shift[top] + f->bits[top];
	const struct pw_span *span = &pw_space_now(space)->span[0];
	pw_va va = span->last - (world->page - 1);
	struct pw_slot slot;

	assert_int_equal(pw_slot_reach(space, va, 0, &slot), 0);
	check_slot(world, &slot, 0, PW_SLOT_EMPTY);
	va = pw_mask(lg2) & ~(world->page - 1);
	if (f->dynamic_top && va > span->last) {
		pw_slot_find(space, va, &slot);
		assert_null(slot.at);
		assert_int_equal(slot.kind, PW_SLOT_EMPTY);
		assert_false(pw_slot_swap(space, va, &slot, pw_slot_empty(space, 0)));
		assert_int_equal(pw_slot_reach(space, va, 0, &slot), 0);
		check_slot(world, &slot, 0, PW_SLOT_EMPTY);
	}
	if (lg2 < 63) {
		va = (pw_va)1 << 62;
		assert_int_equal(pw_slot_reach(space, va, 0, &slot), -ERANGE);
		pw_slot_find(space, va, &slot);
		assert_null(slot.at);
	}
}

static void test_no_memory(struct world *world)
{
	struct pw_slot slot;
	pw_pa pa;

	/* The pieces of frames that are left may be enough for some tables. */
	while (pw_folio_alloc(world->arena, 0, PW_FOLIO_SHARED, 0, 0, &pa) == 0)
		;
	for (pw_va va = 0;; va += (pw_va)1 << world->format->shift[1]) {
		int code = pw_slot_reach(world->space, va, 0, &slot);

		if (code) {
			assert_int_equal(code, -ENOMEM);
			break;
		}
	}
	for (pa = world->pa; pa < world->pa + SLOT_FRAMES * world->page; pa += world->page) {
		struct pw_folio_info info;

		if (pw_folio_info(world->arena, pa, &info) && info.kind == PW_FOLIO_SHARED)
			pw_folio_put(world->arena, pa, 1);
	}
}

/* ---- groups ---- */

/* A group of every size: filled, refused if something is in the way, and broken up when a member changes. */
static void check_group(struct world *world, unsigned level, unsigned lg2)
{
	struct pw_space *space = world->space;
	const unsigned shift = world->format->shift[level];
	const pw_va start = (pw_va)1 << lg2, step = (pw_va)1 << shift;
	const uint64_t count = UINT64_C(1) << (lg2 - shift);
	struct pw_slot slot;

	assert_int_equal(pw_slot_reach(space, start + step, level, &slot), 0);
	assert_true(pw_slot_swap(space, start + step, &slot, pw_slot_leaf(space, level, 0, RW)));
	assert_int_equal(pw_slot_reach(space, start, level, &slot), 0);
	assert_false(pw_slot_fill_group(space, start, &slot, lg2, 0, RW));
	check_same(world, start, &slot);
	store(world, start + step, level, pw_slot_empty(space, level));
	assert_false(pw_slot_fill_group(space, start, &slot, lg2, step, RW));
	assert_true(pw_slot_fill_group(space, start, &slot, lg2, 0, RW));
	for (uint64_t i = 0; i < count; i++) {
		pw_slot_find(space, start + i * step, &slot);
		check_slot(world, &slot, level, PW_SLOT_PAGE);
		assert_int_equal(slot.lg2, lg2);
		assert_int_equal(slot.pa, i * step);
	}
	/* The last member becomes read-only, and all are single leaves. */
	assert_true(pw_slot_swap(space, start + (count - 1) * step, &slot,
				 pw_slot_change(space, &slot, RO)));
	for (uint64_t i = 0; i < count; i++) {
		pw_slot_find(space, start + i * step, &slot);
		check_slot(world, &slot, level, PW_SLOT_PAGE);
		assert_int_equal(slot.lg2, shift);
		assert_int_equal(slot.pa, i * step);
		assert_int_equal(slot.attr, as_made(world, level, i + 1 < count ? RW : RO));
		store(world, start + i * step, level, pw_slot_empty(space, level));
	}
}

static void test_groups(struct world *world)
{
	const struct pw_format *f = world->format;
	uint64_t sizes = 0;

	for (unsigned level = 0; level < f->levels; level++)
		for (unsigned n = 1; n < 16; n++)
			if (is_leaf_level(world, level) && (f->groups[level] >> n & 1)) {
				check_group(world, level, f->shift[level] + n);
				sizes |= UINT64_C(1) << (f->shift[level] + n);
			}
	assert_int_equal(pw_slot_groups(world->space) & sizes, sizes);
}

/* ---- tables ---- */

static void test_tables(struct world *world)
{
	struct pw_space *space = world->space;
	const pw_va table_last = pw_mask(world->format->shift[1]);
	const uint64_t bytes = pw_space_bytes(space);
	struct pw_slot slot;
	pw_pa table;

	assert_false(pw_slot_reclaim_table(space, 0));
	assert_false(pw_slot_detach(space, 0, &table));
	store(world, 0, 0, pw_slot_leaf(space, 0, world->pa, RW));
	store(world, table_last + 1, 0, pw_slot_leaf(space, 0, world->pa, RW));
	assert_false(pw_slot_reclaim_table(space, 0));

	/* A table goes and comes back, with what is in it. */
	assert_true(pw_slot_detach(space, 0, &table));
	pw_slot_find(space, 0, &slot);
	check_slot(world, &slot, 1, PW_SLOT_EMPTY);
	pw_space_wait(space);
	pw_slot_in(space, 0, table, &slot);
	check_slot(world, &slot, 0, PW_SLOT_PAGE);
	assert_int_equal(slot.pa, world->pa);
	pw_slot_attach(space, 0, table);
	pw_slot_find(space, 0, &slot);
	check_slot(world, &slot, 0, PW_SLOT_PAGE);

	/* One goes for ever. */
	assert_true(pw_slot_detach(space, 0, &table));
	pw_slot_discard(space, table);

	/* A soft entry keeps its table, an empty table goes. */
	store(world, table_last + 1, 0, pw_slot_soft(space, 0, &(struct pw_soft){ .offset = 1 }));
	assert_false(pw_slot_reclaim_table(space, table_last + 1));
	store(world, table_last + 1, 0, pw_slot_empty(space, 0));
	assert_true(pw_slot_reclaim_table(space, table_last + 1));

	/* Of a range, the tables that lie in it as a whole. */
	for (pw_va va = 0; va < 4 * (table_last + 1); va += table_last + 1)
		assert_int_equal(pw_slot_reach(space, va, 0, &slot), 0);
	assert_int_equal(pw_slot_free_tables(space, world->page, 3 * (table_last + 1) - 1), 0);
	for (unsigned i = 0; i < 4; i++) {
		pw_slot_find(space, i * (table_last + 1), &slot);
		assert_int_equal(slot.level == 0, i == 0 || i == 3);
	}
	assert_int_equal(pw_slot_free_tables(space, 0, ~UINT64_C(0)), 0);
	assert_int_equal(pw_slot_free_tables(space, 0, world->page), -EINVAL);
	pw_arena_drain(world->arena);
	assert_int_equal(pw_space_bytes(space), bytes);
}

ON_EVERY_FORMAT(test_kinds)
ON_EVERY_FORMAT(test_levels)
ON_EVERY_FORMAT(test_outside)
ON_EVERY_FORMAT(test_no_memory)
ON_EVERY_FORMAT(test_groups)
ON_EVERY_FORMAT(test_tables)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_test_kinds),   cmocka_unit_test(every_test_levels),
		cmocka_unit_test(every_test_outside), cmocka_unit_test(every_test_no_memory),
		cmocka_unit_test(every_test_groups),  cmocka_unit_test(every_test_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
