/* SPDX-License-Identifier: MIT */
/* Huge pages that go, move and break: as one where that is possible, else in parts. */
#include "swap_test.h"

enum { HUGE_PAGES = 2, LARGEST_LG2 = 22, ADVICE_PAGEOUT = 21 };

static uint64_t huge_bytes(const struct mm_world *world)
{
	return UINT64_C(1) << world->machine->huge_lg2;
}

/* Runs @test on each format that has huge anonymous pages of a size that is quick to fill. */
static void for_each_huge(uint64_t broken, void (*test)(struct mm_world *world, pw_va va))
{
	const struct pw_format *format;
	unsigned formats = 0;

	for (size_t i = 0; (format = pw_format_at(i)); i++) {
		struct pw_machine_options options = { .huge = PW_HUGE_ALWAYS };
		struct temporary file;
		struct mm_world world;
		uint64_t bytes;
		pw_va va;

		if (!pw_format_can_edit(format) || format->levels < 2 ||
		    !(format->leaf_levels >> 1 & 1) || format->shift[1] > LARGEST_LG2)
			continue;
		file = make_temporary();
		options.bytes = UINT64_C(16) << format->shift[1];
		options.swap = file.path;
		options.swap_bytes = UINT64_C(8) << format->shift[1];
		world = open_mm(format, &options);
		if (world.machine->huge_level > 0) {
			formats++;
			bytes = huge_bytes(&world);
			/* One more, so that two are aligned. */
			va = map_anon(&world, (HUGE_PAGES + 1) * bytes / world.page, RW_PROT);
			test(&world, (va + bytes - 1) & ~(bytes - 1));
			assert_int_equal(pw_munmap(world.mm, va, (HUGE_PAGES + 1) * bytes), 0);
		}
		close_broken(&world, world.machine->huge_level > 0 ? broken : 0);
		drop_temporary(&file);
	}
	assert_true(formats > 0);
}

static pw_pa pa_at(const struct mm_world *world, pw_va va)
{
	struct pw_slot slot = slot_at(world, world->mm, va);

	assert_int_equal(slot.kind, PW_SLOT_PAGE);
	return slot.pa;
}

static void check_moves(struct mm_world *world, pw_va va)
{
	const uint64_t pages = huge_bytes(world) / world->page;
	pw_pa pa, page;

	store_pattern(world, va, pages);
	assert_int_equal(slot_at(world, world->mm, va).level, 1);
	pa = pa_at(world, va);
	assert_int_equal(pw_migrate(world->machine, pa + 3 * world->page), 0);
	/* Where the format has migration entries for it, it stays one leaf. It stays one folio in any case. */
	assert_int_equal(slot_at(world, world->mm, va).level,
			 pw_soft_levels(pw_mm_space(world->mm)) >> 1 & 1);
	assert_int_equal(pw_folio_rest(pw_machine_arena(world->machine), frame_at(world, va)),
			 pages);
	assert_int_not_equal(pa_at(world, va), pa);
	check_pattern(world, va, pages);
	store_pattern(world, va, pages);
	check_pattern(world, va, pages);
	/* One pinned page keeps all of it. */
	pa = pa_at(world, va);
	assert_int_equal(pw_pin(world->cpu, va + world->page, 1, PW_PIN_WRITE, &page, NULL), 1);
	assert_int_equal(pw_migrate(world->machine, pa), -EBUSY);
	reclaim_all(world);
	assert_int_equal(pa_at(world, va), pa);
	for (uint32_t i = 0; i < pages; i++)
		assert_true(pw_folio_is_exclusive(
			pw_machine_arena(world->machine),
			pw_arena_frame(pw_machine_arena(world->machine), pa) + i));
	pw_unpin_pages(pw_cpu_reader(world->cpu), &page, 1, PW_PIN_WRITE, true);
	check_pattern(world, va, pages);
}

static void test_moves(void **state)
{
	(void)state;
	for_each_huge(0, check_moves);
}

static void check_out(struct mm_world *world, pw_va va)
{
	const uint64_t pages = HUGE_PAGES * huge_bytes(world) / world->page;

	store_pattern(world, va, pages);
	reclaim_all(world);
	assert_true(is_swapped(world, va));
	assert_true(is_swapped(world, va + (pages - 1) * world->page));
	check_pattern(world, va, pages);
}

/*
 * All of a huge page goes to swap, pages of zeros too, and comes back in parts. Of a part, only that goes: then pages of
 * zeros of the rest become the page of zeros.
 */
static void check_parts_out(struct mm_world *world, pw_va va)
{
	const uint64_t huge = huge_bytes(world), pages = huge / world->page;
	const uint32_t zero = pw_arena_frame(pw_machine_arena(world->machine),
					     pw_arena_zero_page(pw_machine_arena(world->machine)));

	store_at(world, va, 7);
	assert_int_equal(pw_madvise(world->mm, va, huge, ADVICE_PAGEOUT), 0);
	for (uint64_t i = 0; i < pages; i++)
		assert_true(is_swapped(world, va + i * world->page));
	assert_int_equal(load_at(world, va), 7);
	assert_true(is_present(world, va));
	assert_true(is_swapped(world, va + world->page));
	assert_int_equal(load_at(world, va + world->page), 0);
	store_at(world, va + huge, 8);
	store_at(world, va + huge + world->page, 9);
	assert_int_equal(slot_at(world, world->mm, va + huge).level, 1);
	assert_int_equal(pw_madvise(world->mm, va + huge, world->page, ADVICE_PAGEOUT), 0);
	assert_true(is_swapped(world, va + huge));
	assert_int_not_equal(frame_at(world, va + huge + world->page), zero);
	for (uint64_t i = 2; i < pages; i++)
		assert_int_equal(frame_at(world, va + huge + i * world->page), zero);
	assert_int_equal(load_at(world, va + huge), 8);
	assert_int_equal(load_at(world, va + huge + world->page), 9);
}

static void test_parts_out(void **state)
{
	(void)state;
	for_each_huge(0, check_parts_out);
}

static void test_out(void **state)
{
	(void)state;
	for_each_huge(0, check_out);
}

/* Of a huge page, one page is lost. */
static void check_poison(struct mm_world *world, pw_va va)
{
	const uint64_t pages = huge_bytes(world) / world->page;
	uint64_t value;

	store_pattern(world, va, pages);
	assert_int_equal(pw_poison(world->machine, pa_at(world, va) + 2 * world->page), 0);
	assert_false(pw_load_u64(world->cpu, va + 2 * world->page, &value));
	assert_int_equal(pw_cpu_fault(world->cpu)->kind, PW_FAULT_POISON);
	check_pattern(world, va, 2);
	for (uint64_t i = 3; i < pages; i++)
		assert_int_equal(load_at(world, va + i * world->page), pattern(i));
}

static void test_poison(void **state)
{
	(void)state;
	for_each_huge(1, check_poison);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_moves),
		cmocka_unit_test(test_out),
		cmocka_unit_test(test_parts_out),
		cmocka_unit_test(test_poison),
	};

	mutant_choose(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
