/* SPDX-License-Identifier: MIT */
/* Tables of empty entries: what frees them, who gets them by fork, and what is mapped where they are. */
#include "huge_test.h"
#include "mutants/choose.h"

enum { ADVICE_COLLAPSE = 25, GUARD_INSTALL = 102, GUARD_REMOVE = 103 };

static const struct pw_machine_options MADVISE = { .huge = PW_HUGE_MADVISE };

/* A block whose first page is in memory, by a table; from now on it may be a huge page. */
static pw_va table_of_one(struct mm_world *world)
{
	const pw_va va = map_huge(world, 1);

	put(world, va, 0x31);
	assert_int_equal(slot_at(world->mm, va).level, 0);
	assert_int_equal(pw_madvise(world->mm, va, huge_bytes(world), MADV_HUGEPAGE), 0);
	return va;
}

/* Takes the page out; the table stays, because no call is about all that it covers. */
static pw_va empty_table(struct mm_world *world)
{
	const pw_va va = table_of_one(world);

	assert_int_equal(pw_madvise(world->mm, va, huge_bytes(world) - world->page, MADV_DONTNEED),
			 0);
	assert_int_equal(slot_at(world->mm, va).kind, PW_SLOT_EMPTY);
	assert_int_equal(slot_at(world->mm, va).level, 0);
	return va;
}

/* MADV_DONTNEED of all that a table covers frees it: a fault maps a huge page. */
static void dropped(struct mm_world *world)
{
	const uint64_t bytes = huge_bytes(world);
	pw_va va = table_of_one(world);

	assert_int_equal(pw_madvise(world->mm, va, bytes, MADV_DONTNEED), 0);
	assert_int_equal(slot_at(world->mm, va).level, 1);
	put(world, va + world->page, 0x32);
	assert_int_equal(slot_at(world->mm, va).level, 1);
	assert_int_equal(get(world, va), 0);
	unmap_huge(world, va, 1);

	/* Of a table that is empty already, too. */
	va = empty_table(world);
	assert_int_equal(pw_madvise(world->mm, va, bytes, MADV_DONTNEED), 0);
	assert_int_equal(slot_at(world->mm, va).level, 1);
	unmap_huge(world, va, 1);

	/* Of a part: small pages come there. */
	va = empty_table(world);
	put(world, va, 0x33);
	assert_int_equal(slot_at(world->mm, va).level, 0);
	unmap_huge(world, va, 1);
}

static void test_dropped(void **state)
{
	(void)state;
	for_each_huge(&MADVISE, dropped);
}

/* A guard stays, and so does its table. */
static void guarded(struct mm_world *world)
{
	const uint64_t bytes = huge_bytes(world);
	const pw_va va = table_of_one(world), guard = va + 2 * world->page;

	assert_int_equal(pw_madvise(world->mm, guard, world->page, GUARD_INSTALL), 0);
	assert_int_equal(pw_madvise(world->mm, va, bytes, MADV_DONTNEED), 0);
	assert_int_equal(slot_at(world->mm, va).level, 0);
	assert_int_equal(pw_mm_fault(world->mm, guard, PW_ACCESS_READ, NULL), PW_FAULT_MAPERR);
	assert_int_equal(pw_madvise(world->mm, va, bytes, GUARD_REMOVE), 0);
	put(world, va, 0x34);
	assert_int_equal(slot_at(world->mm, va).level, 0);
	unmap_huge(world, va, 1);
}

static void test_guarded(void **state)
{
	(void)state;
	for_each_huge(&MADVISE, guarded);
}

/* A child has a table where the parent has one. */
static void forked(struct mm_world *world)
{
	const pw_va small = empty_table(world), large = table_of_one(world);
	struct pw_mm *child;

	assert_int_equal(pw_madvise(world->mm, large, huge_bytes(world), MADV_DONTNEED), 0);
	assert_int_equal(pw_mm_fork(world->mm, &child, NULL), 0);
	assert_int_equal(pw_mm_fault(child, small, PW_ACCESS_WRITE, NULL), PW_FAULT_DONE);
	assert_int_equal(pw_mm_fault(child, large, PW_ACCESS_WRITE, NULL), PW_FAULT_DONE);
	assert_int_equal(slot_at(child, small).level, 0);
	assert_int_equal(slot_at(child, large).level, 1);
	pw_mm_destroy(child);
	unmap_huge(world, small, 1);
	unmap_huge(world, large, 1);
}

static void test_forked(void **state)
{
	(void)state;
	for_each_huge(&MADVISE, forked);
}

/* MADV_COLLAPSE fills a table of empty entries; where there is none, nothing is to be put together. */
static void collapsed(struct mm_world *world)
{
	const uint64_t bytes = huge_bytes(world);
	const pw_va va = empty_table(world);

	assert_int_equal(pw_collapse_all(world->mm), 0);
	assert_int_equal(pw_madvise(world->mm, va, bytes, ADVICE_COLLAPSE), 0);
	assert_int_equal(slot_at(world->mm, va).level, 1);
	assert_true(pw_folio_is_exclusive(world->machine->arena, frame_at(world, va)));
	assert_int_equal(get(world, va + bytes - 1), 0);
	put(world, va + bytes - 1, 0x35);
	assert_int_equal(slot_at(world->mm, va).level, 1);
	assert_int_equal(pw_madvise(world->mm, va, bytes, MADV_DONTNEED), 0);
	assert_int_equal(pw_madvise(world->mm, va, bytes, ADVICE_COLLAPSE), -EINVAL);
	unmap_huge(world, va, 1);
}

static void test_collapsed(void **state)
{
	(void)state;
	for_each_huge(&MADVISE, collapsed);
}

/* mremap takes a table along, if all of it moves to where none is: nothing is left at the old addresses. */
static void moved(struct mm_world *world)
{
	const int flags = MREMAP_MAYMOVE | MREMAP_DONTUNMAP | MREMAP_FIXED;
	const uint64_t bytes = huge_bytes(world);
	const pw_va to = map_huge(world, 2), from = table_of_one(world);

	put(world, to + bytes, 0x41);
	assert_int_equal(pw_mremap(world->mm, from, bytes, bytes, flags, to), to);
	assert_int_equal(get(world, to), 0x31);
	assert_int_equal(slot_at(world->mm, from).level, 1);
	put(world, from, 0x42);
	assert_int_equal(slot_at(world->mm, from).level, 1);
	unmap_huge(world, from, 1);
	unmap_huge(world, to, 2);
}

/* A part leaves the table where it is. */
static void moved_part(struct mm_world *world)
{
	const int flags = MREMAP_MAYMOVE | MREMAP_DONTUNMAP | MREMAP_FIXED;
	const uint64_t bytes = huge_bytes(world), part = bytes - world->page;
	const pw_va to = map_huge(world, 1), from = table_of_one(world);

	assert_int_equal(pw_mremap(world->mm, from, part, part, flags, to), to);
	assert_int_equal(get(world, to), 0x31);
	assert_int_equal(slot_at(world->mm, from).level, 0);
	unmap_huge(world, from, 1);
	unmap_huge(world, to, 1);
}

static void test_moved(void **state)
{
	(void)state;
	for_each_huge(&MADVISE, moved);
	for_each_huge(&MADVISE, moved_part);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dropped), cmocka_unit_test(test_guarded),
		cmocka_unit_test(test_forked),  cmocka_unit_test(test_collapsed),
		cmocka_unit_test(test_moved),
	};

	mutant_choose(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
