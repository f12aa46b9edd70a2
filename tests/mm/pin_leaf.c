/* SPDX-License-Identifier: MIT */
/* Pins of large leaves: many pages by one look, splits, hugetlb. */
#include "pin_test.h"

static unsigned leaf_lg2(struct mm_world *world, pw_va va)
{
	struct pw_slot slot;

	pw_slot_find(world->mm->space, va, &slot);
	return slot.kind == PW_SLOT_PAGE ? slot.lg2 : 0;
}

static void check_huge(struct mm_world *world)
{
	const uint64_t huge = UINT64_C(1) << world->machine->huge_lg2, page = world->page;
	const size_t pages = (size_t)(huge / page);
	pw_sva map = pw_mmap(world->mm, 0, 2 * huge, RW_PROT, MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0);
	struct pw_pin_result result;
	pw_pa *pa = calloc(pages, sizeof(*pa));
	pw_va va;

	assert_non_null(pa);
	assert_false(pw_is_error(map));
	va = ((pw_va)map + (huge - 1)) & ~(huge - 1);
	store(world, va, 1);
	if (leaf_lg2(world, va) != world->machine->huge_lg2)
		fail_msg("%s: no huge leaf", world->format->name);
	/* All pages of the leaf by one look. */
	assert_int_equal(pw_pin_remote(world->cpu, world->mm, va + page, pages - 1, PW_PIN_WRITE,
				       pa, &result),
			 (long)pages - 1);
	for (uint64_t i = 1; i < pages - 1; i++)
		assert_int_equal(pa[i], pa[0] + i * page);
	assert_int_equal(result.faults, 0);
	unpin(world, pa, (long)pages - 1, PW_PIN_WRITE);
	assert_int_equal(pw_pin(world->cpu, va + page, 1, PW_PIN_SPLIT, pa, &result), 1);
	assert_int_equal(leaf_lg2(world, va), world->format->shift[0]);
	assert_int_equal(pw_pin(world->cpu, va, 1, 0, pa + 1, NULL), 1);
	assert_int_equal(pa[0], pa[1] + page);
	unpin(world, pa, 2, 0);
	free(pa);
	assert_int_equal(pw_munmap(world->mm, (pw_va)map, 2 * huge), 0);
}

/* Where an arena of this size can give huge folios. */
static void test_huge(void **state)
{
	unsigned formats = 0;

	for (size_t i = 0; pw_format_at(i); i++) {
		struct pw_machine_options options = { .huge = PW_HUGE_ALWAYS, .bytes = 64 << 20 };
		struct mm_world world;

		if (!pw_format_can_edit(pw_format_at(i)))
			continue;
		world = open_mm(pw_format_at(i), &options);
		if (world.machine->huge_level && world.machine->huge_lg2 <= 23) {
			check_huge(&world);
			formats++;
		}
		close_mm(&world);
	}
	assert_true(formats >= 5);
}

/* hugetlb pages are pinned by the base page, are not split, and have holes that a dump does not fill. */
static void check_hugetlb(struct mm_world *world, struct pw_file *file)
{
	const uint64_t huge = pw_file_bytes(file), page = world->page;
	pw_sva map = pw_mmap(world->mm, 0, huge, RW_PROT, MAP_SHARED, file, 0);
	pw_pa pa[2];
	pw_va va;

	assert_false(pw_is_error(map));
	va = (pw_va)map;
	assert_int_equal(try_pin(world, va, PW_PIN_SPLIT), -EOPNOTSUPP);
	assert_int_equal(try_pin(world, va, PW_PIN_ANON), -EFAULT);
	assert_int_equal(try_pin(world, va, PW_PIN_DUMP), -EFAULT);
	assert_int_equal(pw_pin(world->cpu, va + huge - 2 * page, 2, PW_PIN_WRITE | PW_PIN_LONGTERM,
				pa, NULL),
			 2);
	assert_int_equal(pa[1], pa[0] + page);
	*byte_at(world, pa[1]) = 5;
	unpin(world, pa, 2, PW_PIN_WRITE);
	assert_int_equal(try_pin(world, va, PW_PIN_DUMP), 1);
	assert_int_equal(pw_pin(world->cpu, va + huge - page, 1, 0, pa, NULL), 1);
	assert_int_equal(*byte_at(world, pa[0]), 5);
	unpin(world, pa, 1, 0);
	assert_int_equal(pw_munmap(world->mm, va, huge), 0);
}

static void test_hugetlb(void **state)
{
	unsigned formats = 0;

	for (size_t i = 0; pw_format_at(i); i++) {
		struct pw_machine_options options = { .bytes = 64 << 20,
						      .hugetlb_bytes = 16 << 20 };
		struct pw_machine *machine;
		struct mm_world world;
		struct pw_error error;
		struct pw_file *file = NULL;

		if (!pw_format_can_edit(pw_format_at(i)))
			continue;
		options.format = pw_format_at(i);
		/* Formats whose smallest huge page is larger than the pool are refused. */
		if (pw_machine_create(&options, &machine, &error))
			continue;
		pw_machine_destroy(machine);
		world = open_mm(pw_format_at(i), &options);
		/* One page, whatever its size is. */
		for (unsigned lg2 = world.format->shift[0]; lg2 <= 24 && !file; lg2++)
			pw_hugetlb_create(world.machine, UINT64_C(1) << lg2, 0, &file, &error);
		if (file) {
			check_hugetlb(&world, file);
			pw_file_put(file);
			formats++;
		}
		close_mm(&world);
	}
	assert_true(formats >= 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_huge),
		cmocka_unit_test(test_hugetlb),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
