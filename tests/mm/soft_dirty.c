/* SPDX-License-Identifier: MIT */
/* Soft-dirty bits: what sets them, what keeps them, and formats that have none. */
#include "huge_test.h"
#include "mm/file/file.h"
#include "mm/marks.h"
#include "mutants/choose.h"

/* Is the page at @va soft-dirty? */
static bool dirty_in(struct pw_mm *mm, pw_va va)
{
	uint64_t word;

	assert_int_equal(pw_mm_pagemap(mm, va, 1, &word), 0);
	return word >> 55 & 1;
}

static bool dirty(const struct mm_world *world, pw_va va)
{
	return dirty_in(world->mm, va);
}

/* Clears the bits of all pages; false: the format has none. */
static bool clear(struct mm_world *world)
{
	struct pw_error error;
	int code = pw_mm_clear_soft_dirty(world->mm, &error);

	if (pw_soft_dirty_known(world->machine)) {
		assert_int_equal(code, 0);
		return true;
	}
	assert_int_equal(code, -EOPNOTSUPP);
	assert_non_null(strstr(error.text, world->format->name));
	return false;
}

static void basic(struct mm_world *world)
{
	const uint64_t page = world->page;
	const pw_va va = map_anon(world, 8, RW);
	pw_va other;

	for (unsigned i = 0; i < 4; i++)
		put(world, va + i * page, 1);
	if (!clear(world)) {
		assert_false(dirty(world, va));
		assert_int_equal(pw_munmap(world->mm, va, 8 * page), 0);
		return;
	}
	for (unsigned i = 0; i < 8; i++)
		assert_false(dirty(world, va + i * page));
	assert_int_equal(get(world, va), 1);
	assert_int_equal(get(world, va + 5 * page), 0);
	assert_false(dirty(world, va));
	assert_false(dirty(world, va + 5 * page));
	put(world, va + page, 2);
	put(world, va + 5 * page, 3);
	put(world, va + 6 * page, 4);
	for (unsigned i = 0; i < 8; i++)
		assert_true(dirty(world, va + i * page) == (i == 1 || i == 5 || i == 6));
	/* What is dropped is clean; what is new is not. */
	assert_int_equal(pw_madvise(world->mm, va + page, page, MADV_DONTNEED), 0);
	assert_false(dirty(world, va + page));
	assert_int_equal(get(world, va + page), 0);
	assert_false(dirty(world, va + page));
	other = map_anon(world, 2, RW);
	assert_true(dirty(world, other));
	assert_true(clear(world));
	assert_false(dirty(world, other));
	assert_false(dirty(world, va + 5 * page));
	/* Permissions that go and come again let no write pass. */
	put(world, va + 2 * page, 5);
	assert_true(clear(world));
	assert_int_equal(pw_mprotect(world->mm, va, 8 * page, PROT_READ), 0);
	assert_int_equal(pw_mprotect(world->mm, va, 8 * page, RW), 0);
	assert_false(dirty(world, va + 2 * page));
	put(world, va + 2 * page, 6);
	assert_true(dirty(world, va + 2 * page));
	assert_int_equal(pw_munmap(world->mm, va, 8 * page), 0);
	assert_int_equal(pw_munmap(world->mm, other, 2 * page), 0);
}

static void test_basic(void **state)
{
	(void)state;
	for_each_mm(basic);
}

/* fork: both know what was written before, and each what it writes itself. */
static void forked(struct mm_world *world)
{
	const uint64_t page = world->page;
	const pw_va va = map_anon(world, 3, RW);
	struct pw_mm *child;
	struct pw_vcpu *cpu;

	for (unsigned i = 0; i < 3; i++)
		put(world, va + i * page, 1);
	if (clear(world)) {
		put(world, va, 2);
		assert_int_equal(pw_mm_fork(world->mm, &child, NULL), 0);
		assert_int_equal(pw_cpu_create(child, &cpu), 0);
		assert_true(dirty_in(child, va));
		assert_false(dirty_in(child, va + page));
		assert_true(pw_store_u8(cpu, va + page, 3));
		assert_true(dirty_in(child, va + page));
		assert_false(dirty(world, va + page));
		put(world, va + 2 * page, 4);
		assert_true(dirty(world, va + 2 * page));
		assert_false(dirty_in(child, va + 2 * page));
		pw_cpu_destroy(cpu);
		pw_mm_destroy(child);
	}
	assert_int_equal(pw_munmap(world->mm, va, 3 * page), 0);
}

static void test_fork(void **state)
{
	(void)state;
	for_each_mm(forked);
}

/* Pages that mremap moved are soft-dirty, and can be written to. */
static void moved(struct mm_world *world)
{
	const uint64_t page = world->page;
	const pw_va va = map_anon(world, 2, RW), room = map_anon(world, 4, RW);

	put(world, va, 1);
	if (clear(world)) {
		assert_int_equal(pw_mremap(world->mm, va, 2 * page, 2 * page,
					   MREMAP_MAYMOVE | MREMAP_FIXED, room + page),
				 room + page);
		assert_true(dirty(world, room + page));
		assert_false(dirty(world, room + 2 * page));
		put(world, room + page, 2);
		assert_int_equal(get(world, room + page), 2);
	}
	assert_int_equal(pw_munmap(world->mm, va, 2 * page), 0);
	assert_int_equal(pw_munmap(world->mm, room, 4 * page), 0);
}

static void test_moved(void **state)
{
	(void)state;
	for_each_mm(moved);
}

/* Shared memory: each mapping has bits of its own. A page that is pinned stays dirty: its holder writes unseen. */
static void shared(struct mm_world *world)
{
	const uint64_t page = world->page;
	struct pw_file *file;
	pw_va one, two, mine = map_anon(world, 2, RW);
	pw_pa pa;

	assert_int_equal(pw_shmem_create(world->machine, 2 * page, &file, NULL), 0);
	one = map_file(world, file, 2, RW, MAP_SHARED);
	two = map_file(world, file, 2, RW, MAP_SHARED);
	put(world, one, 1);
	put(world, two, 2);
	put(world, mine, 3);
	put(world, mine + page, 3);
	assert_int_equal(pw_pin(world->cpu, mine, 1, PW_PIN_WRITE, &pa, NULL), 1);
	if (clear(world)) {
		assert_false(dirty(world, one));
		put(world, one, 3);
		assert_true(dirty(world, one));
		assert_false(dirty(world, two));
		assert_int_equal(get(world, two + page), 0);
		assert_false(dirty(world, two + page));
		put(world, two + page, 4);
		assert_true(dirty(world, two + page));
		assert_false(dirty(world, one + page));
		assert_true(dirty(world, mine));
		assert_false(dirty(world, mine + page));
	}
	pw_unpin_pages(pw_cpu_reader(world->cpu), &pa, 1, PW_PIN_WRITE, true);
	assert_int_equal(pw_munmap(world->mm, one, 2 * page), 0);
	assert_int_equal(pw_munmap(world->mm, two, 2 * page), 0);
	assert_int_equal(pw_munmap(world->mm, mine, 2 * page), 0);
	pw_file_put(file);
}

static void test_shared(void **state)
{
	(void)state;
	for_each_mm(shared);
}

/* A leaf has one bit: a write to one of its pages makes all of them dirty. */
static void check_huge(struct mm_world *world)
{
	const pw_va va = map_huge(world, 3), last = va + huge_bytes(world) - world->page;
	const pw_va new = va + huge_bytes(world), file_va = new + huge_bytes(world);
	struct pw_file *file;

	assert_int_equal(pw_shmem_create(world->machine, huge_bytes(world), &file, NULL), 0);
	assert_int_equal(
		pw_mmap(world->mm, file_va, huge_bytes(world), RW, MAP_SHARED | MAP_FIXED, file, 0),
		file_va);
	put(world, va, 1);
	put(world, file_va, 1);
	assert_int_equal(slot_at(world->mm, va).level, 1);
	if (clear(world)) {
		assert_false(dirty(world, va));
		assert_false(dirty(world, last));
		assert_int_equal(get(world, last), 0);
		assert_false(dirty(world, last));
		put(world, va + world->page, 2);
		assert_int_equal(slot_at(world->mm, va).level, 1);
		assert_true(dirty(world, va));
		assert_true(dirty(world, last));
		put(world, new, 3);
		assert_int_equal(slot_at(world->mm, new).level, 1);
		assert_true(dirty(world, new + huge_bytes(world) - world->page));
		put(world, file_va + world->page, 4);
		assert_true(dirty(world, file_va + huge_bytes(world) - world->page));
	}
	unmap_huge(world, va, 3);
	pw_file_put(file);
}

static void test_huge(void **state)
{
	const struct pw_machine_options options = { .huge = PW_HUGE_ALWAYS,
						    .shmem_huge = PW_SHMEM_ALWAYS };

	(void)state;
	for_each_huge(&options, check_huge);
}

/* A page keeps its bit in swap, and while it is moved. */
static void swapped(struct mm_world *world)
{
	const uint64_t page = world->page;
	const pw_va va = map_anon(world, 4, RW);

	for (unsigned i = 0; i < 4; i++)
		put(world, va + i * page, 1);
	if (clear(world)) {
		put(world, va, 2);
		assert_int_equal(pw_migrate(world->machine, slot_at(world->mm, va).pa), 0);
		assert_int_equal(pw_migrate(world->machine, slot_at(world->mm, va + page).pa), 0);
		assert_true(dirty(world, va));
		assert_false(dirty(world, va + page));
		pw_reclaim(world->machine, UINT64_MAX);
		assert_int_equal(slot_at(world->mm, va).kind, PW_SLOT_SOFT);
		assert_true(dirty(world, va));
		assert_false(dirty(world, va + page));
		assert_int_equal(get(world, va), 2);
		assert_int_equal(get(world, va + page), 1);
		assert_true(dirty(world, va));
		assert_false(dirty(world, va + page));
		put(world, va + page, 3);
		assert_true(dirty(world, va + page));
	}
	assert_int_equal(pw_munmap(world->mm, va, 4 * page), 0);
}

static void test_swap(void **state)
{
	(void)state;
	for_each_swap_mm(0, 64, swapped);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_basic), cmocka_unit_test(test_fork),
		cmocka_unit_test(test_moved), cmocka_unit_test(test_shared),
		cmocka_unit_test(test_huge),  cmocka_unit_test(test_swap),
	};

	mutant_choose(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
