/* SPDX-License-Identifier: MIT */
/* hugetlb pages that move, and pages that an owner takes back from its child. On every format that has huge pages. */
#include "hugetlb_test.h"
#include "mm/soft.h"
#include "mutants/choose.h"

static pw_pa pa_of(struct huge_world *world, pw_va va)
{
	struct pw_result result;

	assert_int_equal(mapped(&world->mm, va, &result), PW_OK);
	return result.pa;
}

/* Can entries of the level of the huge leaves say that a page moves? */
static bool moves(const struct huge_world *world)
{
	return pw_soft_levels(world->mm.mm->space) >> world->level & 1;
}

/* Everybody finds the page at its new place. The pool has as many pages as before. */
static void migrate(struct huge_world *world)
{
	struct pw_file *file = new_file(world, 1), *all = new_file(world, 3);
	pw_va one = map_all(world, file, 1, SHARED), two = map_all(world, file, 1, SHARED), rest,
	      lazy;
	pw_pa old;

	put(&world->mm, one + 5, 0x71);
	put(&world->mm, two + world->size - 1, 0x72);
	old = pa_of(world, one);
	if (!moves(world)) {
		assert_int_equal(pw_migrate(world->mm.machine, old), -EBUSY);
		assert_int_equal(pa_of(world, one), old);
	} else {
		assert_int_equal(pw_migrate(world->mm.machine, old), 0);
		assert_int_not_equal(pa_of(world, one), old);
		assert_int_equal(pa_of(world, one), pa_of(world, two));
	}
	assert_int_equal(get(&world->mm, one + 5), 0x71);
	assert_int_equal(get(&world->mm, one + world->size - 1), 0x72);
	put(&world->mm, one + 6, 0x73);
	assert_int_equal(get(&world->mm, two + 6), 0x73);
	assert_int_equal(file_byte(file, 6), 0x73);
	/* Two pages are left in the pool; so it is the arena's turn, and the old page goes there. */
	rest = map_all(world, all, 2, SHARED);
	put(&world->mm, rest, 1);
	put(&world->mm, rest + world->size, 2);
	old = pa_of(world, one);
	if (moves(world))
		assert_int_equal(pw_migrate(world->mm.machine, old), 0);
	assert_int_equal(get(&world->mm, two + 6), 0x73);
	/* The old page is not in the pool any more: that is as empty as before. */
	lazy = map_all(world, all, 3, SHARED | MAP_NORESERVE);
	refused(&world->mm, lazy + 2 * world->size, PW_ACCESS_WRITE, PW_FAULT_ADRERR);
	unmap(&world->mm, lazy, 3 * world->size);
	unmap(&world->mm, rest, 2 * world->size);
	unmap(&world->mm, one, world->size);
	unmap(&world->mm, two, world->size);
	pw_file_put(file);
	pw_file_put(all);
	/* All three are there for others. */
	all = new_file(world, 3);
	rest = map_all(world, all, 3, SHARED);
	for (unsigned i = 0; i < 3; i++)
		put(&world->mm, rest + i * world->size, 3);
	unmap(&world->mm, rest, 3 * world->size);
	pw_file_put(all);
}

/* A private page is the mm's alone before and after. A page that is pinned stays. */
static void migrate_private(struct huge_world *world)
{
	struct pw_file *file = new_file(world, 1);
	pw_va va = map_all(world, file, 1, PRIVATE);
	struct pw_reader *reader = pw_cpu_reader(world->mm.cpu);
	struct mm_world child = world->mm;
	enum pw_stop why;
	pw_pa old, pin;

	put(&world->mm, va + 5, 0x71);
	old = pa_of(world, va);
	assert_int_equal(pw_pin_fast(reader, va, 1, PW_PIN_WRITE, &pin, &why), 1);
	assert_int_equal(pw_migrate(world->mm.machine, old), -EBUSY);
	assert_int_equal(pa_of(world, va), old);
	pw_unpin_pages(reader, &pin, 1, PW_PIN_WRITE, true);
	assert_int_equal(pw_migrate(world->mm.machine, old), moves(world) ? 0 : -EBUSY);
	assert_int_equal(get(&world->mm, va + 5), 0x71);
	assert_true(folio_at(&world->mm, va).exclusive);
	assert_int_equal(pa_of(world, va) != old, moves(world));
	/* What two share moves for both. */
	assert_int_equal(pw_mm_fork(world->mm.mm, &child.mm, NULL), 0);
	assert_int_equal(pw_cpu_create(child.mm, &child.cpu), 0);
	old = pa_of(world, va);
	assert_int_equal(pw_migrate(world->mm.machine, old), moves(world) ? 0 : -EBUSY);
	assert_int_equal(get(&child, va + 5), 0x71);
	put(&world->mm, va + 5, 0x72);
	assert_int_equal(get(&child, va + 5), 0x71);
	assert_int_equal(get(&world->mm, va + 5), 0x72);
	pw_cpu_destroy(child.cpu);
	pw_mm_destroy(child.mm);
	unmap(&world->mm, va, world->size);
	pw_file_put(file);
}

static void test_migrate(void **state)
{
	(void)state;
	for_each_huge(migrate);
	for_each_huge(migrate_private);
}

/* The pool is empty: the mapping that was promised the page takes it from the child, which loses it. */
static void steal(struct huge_world *world)
{
	struct pw_file *file = new_file(world, 3);
	pw_va va = map_all(world, file, 3, PRIVATE);
	struct mm_world child = world->mm;

	for (unsigned i = 0; i < 3; i++)
		put(&world->mm, va + i * world->size + 7, (unsigned char)(0x71 + i));
	assert_int_equal(pw_mm_fork(world->mm.mm, &child.mm, NULL), 0);
	assert_int_equal(pw_cpu_create(child.mm, &child.cpu), 0);
	assert_int_equal(get(&child, va + 7), 0x71);
	/* The child was promised nothing. */
	refused(&child, va + 7, PW_ACCESS_WRITE, PW_FAULT_ADRERR);
	assert_int_equal(get(&child, va + 7), 0x71);
	put(&world->mm, va + 7, 0x7f);
	assert_int_equal(get(&world->mm, va + 7), 0x7f);
	refused(&child, va + 7, PW_ACCESS_READ, PW_FAULT_ADRERR);
	/* What was not taken is still there. */
	assert_int_equal(get(&child, va + world->size + 7), 0x72);
	assert_int_equal(get(&world->mm, va + world->size + 7), 0x72);
	/* Also when the pool has a page again. */
	assert_int_equal(pw_munmap(child.mm, va + 2 * world->size, world->size), 0);
	unmap(&world->mm, va + 2 * world->size, world->size);
	refused(&child, va + 7, PW_ACCESS_READ, PW_FAULT_ADRERR);
	pw_cpu_destroy(child.cpu);
	pw_mm_destroy(child.mm);
	unmap(&world->mm, va, 2 * world->size);
	pw_file_put(file);
}

static void test_steal(void **state)
{
	(void)state;
	for_each_huge(steal);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_migrate),
		cmocka_unit_test(test_steal),
	};

	mutant_choose(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
