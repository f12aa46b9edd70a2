/* SPDX-License-Identifier: MIT */
/* A soft-dirty mark belongs to its entry: it comes only with one, and goes with it. */
#include "hugetlb_test.h"
#include "mm/marks.h"
#include "mutants/choose.h"

static const uint64_t SOFT_DIRTY = UINT64_C(1) << 55;
enum {
	GUARD_INSTALL = 102,
	GUARD_REMOVE = 103,
	PAGEOUT = 21,
	MOVE = MREMAP_MAYMOVE | MREMAP_FIXED
};

static bool dirty_in(struct pw_mm *mm, pw_va va)
{
	uint64_t word;

	assert_int_equal(pw_mm_pagemap(mm, va, 1, &word), 0);
	return word & SOFT_DIRTY;
}

static bool dirty(const struct mm_world *world, pw_va va)
{
	return dirty_in(world->mm, va);
}

/* False: the format has none. */
static bool clear(struct mm_world *world)
{
	return pw_mm_clear_soft_dirty(world->mm, NULL) == 0;
}

/* A write to a guard, or beyond the end of a file, fails: what is there later was not written to. */
static void failed(struct mm_world *world)
{
	const uint64_t page = world->page;
	const pw_va va = map_anon(world, 2, RW);
	struct pw_file *file = new_shmem(world, page);
	const pw_va shared = map_file(world, file, 2, RW, SHARED);

	put(world, shared, 1);
	if (clear(world)) {
		assert_int_equal(pw_madvise(world->mm, va, page, GUARD_INSTALL), 0);
		refused(world, va, PW_ACCESS_WRITE, PW_FAULT_MAPERR);
		assert_false(dirty(world, va));
		assert_int_equal(pw_madvise(world->mm, va, page, GUARD_REMOVE), 0);
		assert_int_equal(get(world, va), 0);
		assert_false(dirty(world, va));
		put(world, va, 1);
		assert_true(dirty(world, va));

		refused(world, shared + page, PW_ACCESS_WRITE, PW_FAULT_ADRERR);
		assert_int_equal(pw_file_truncate(file, 2 * page), 0);
		assert_int_equal(get(world, shared + page), 0);
		assert_false(dirty(world, shared + page));
		put(world, shared + page, 2);
		assert_true(dirty(world, shared + page));
	}
	unmap(world, va, 2 * page);
	unmap(world, shared, 2 * page);
	pw_file_put(file);
}

/* What a file loses takes its mark along; a private copy that goes, too, and one that stays does not. */
static void cut(struct mm_world *world)
{
	const uint64_t page = world->page;
	struct pw_file *file = new_shmem(world, 3 * page);
	const pw_va shared = map_file(world, file, 3, RW, SHARED),
		    private = map_file(world, file, 3, RW, PRIVATE);

	if (clear(world)) {
		for (unsigned i = 0; i < 3; i++) {
			put(world, shared + i * page, 1);
			put(world, private + i * page, 2);
		}
		assert_int_equal(pw_file_punch(file, page, page), 0);
		assert_int_equal(get(world, shared + page), 0);
		assert_false(dirty(world, shared + page));
		assert_true(dirty(world, private + page));
		assert_int_equal(pw_file_truncate(file, 2 * page), 0);
		assert_int_equal(pw_file_truncate(file, 3 * page), 0);
		assert_int_equal(get(world, shared + 2 * page), 0);
		assert_int_equal(get(world, private + 2 * page), 0);
		assert_false(dirty(world, shared + 2 * page));
		assert_false(dirty(world, private + 2 * page));
		assert_true(dirty(world, shared));
		assert_true(dirty(world, private));
	}
	unmap(world, shared, 3 * page);
	unmap(world, private, 3 * page);
	pw_file_put(file);
}

/* Reclaim takes a page of a file out of the tables: the next read of it is no write. */
static void reclaimed(struct mm_world *world)
{
	const uint64_t page = world->page;
	const int fd = host_file(2 * page);
	struct pw_file *file = open_file(world, fd);
	const pw_va va = map_file(world, file, 2, RW, SHARED);

	assert_int_equal(get(world, va), pattern(0));
	if (clear(world)) {
		put(world, va, 7);
		assert_true(dirty(world, va));
		assert_int_equal(pw_file_sync(file), 0);
		assert_true(dirty(world, va));
		assert_int_equal(pw_madvise(world->mm, va, page, PAGEOUT), 0);
		assert_false(dirty(world, va));
		assert_int_equal(get(world, va), 7);
		assert_false(dirty(world, va));
		put(world, va, 8);
		assert_true(dirty(world, va));
	}
	unmap(world, va, 2 * page);
	pw_file_put(file);
	close(fd);
}

/* A child has the marks of the entries that it gets. Those of shared memory, it does not. */
static void forked(struct mm_world *world)
{
	const uint64_t page = world->page;
	struct pw_file *file = new_shmem(world, 2 * page);
	const pw_va shared = map_file(world, file, 2, RW, SHARED), own = map_anon(world, 1, RW);
	const pw_va guard = map_anon(world, 2, RW);
	struct pw_vcpu *cpu;
	struct pw_mm *child;
	unsigned char byte;

	if (clear(world)) {
		put(world, shared, 1);
		put(world, own, 1);
		/* What was moved is soft-dirty, and so is a guard; its copy is not. */
		assert_int_equal(pw_madvise(world->mm, guard, page, GUARD_INSTALL), 0);
		assert_int_equal(pw_mremap(world->mm, guard, page, page, MOVE, guard + page),
				 guard + page);
		assert_true(dirty(world, guard + page));
		assert_int_equal(pw_mm_fork(world->mm, &child, NULL), 0);
		assert_int_equal(pw_cpu_create(child, &cpu), 0);
		assert_true(pw_load_u8(cpu, shared, &byte));
		assert_int_equal(byte, 1);
		assert_false(dirty_in(child, shared));
		assert_true(dirty_in(child, own));
		assert_false(dirty_in(child, guard + page));
		assert_true(dirty(world, guard + page));
		assert_int_equal(pw_madvise(world->mm, guard + page, page, GUARD_REMOVE), 0);
		assert_int_equal(get(world, guard + page), 0);
		assert_false(dirty(world, guard + page));
		assert_true(dirty(world, shared));
		assert_true(pw_store_u8(cpu, shared, 2));
		assert_true(dirty_in(child, shared));
		pw_cpu_destroy(cpu);
		pw_mm_destroy(child);
	}
	unmap(world, shared, 2 * page);
	unmap(world, own, page);
	unmap(world, guard, 2 * page);
	pw_file_put(file);
}

/*
 * Memory that was soft-dirty as a whole leaves no marks where it was: a VMA that is not grows over the place, and brings a
 * page there without a write.
 */
static void replaced(struct mm_world *world)
{
	const uint64_t page = world->page;
	const pw_va va = map_anon(world, 3, RW);

	if (clear(world)) {
		put(world, va + page, 1);
		/* Merges with what is new: all of it is soft-dirty. */
		unmap(world, va + 2 * page, page);
		assert_int_equal(pw_mmap(world->mm, va + 2 * page, page, RW,
					 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0),
				 va + 2 * page);
		assert_true(dirty(world, va));
		unmap(world, va + page, 2 * page);
		assert_true(clear(world));
		put(world, va, 1);
		assert_int_equal(pw_mremap(world->mm, va, page, 2 * page, 0, 0), va);
		assert_int_equal(get(world, va + page), 0);
		assert_false(dirty(world, va + page));
	}
	unmap(world, va, 3 * page);
}

/* A VMA that is soft-dirty as a whole takes in a part of one that is not, by each call that changes flags: all is soft-dirty. */
static void merged(struct mm_world *world)
{
	const uint64_t page = world->page;

	for (unsigned way = 0; way < 3; way++) {
		const pw_va va = map_anon(world, 4, RW);

		if (clear(world)) {
			assert_int_equal(pw_mmap(world->mm, va, 2 * page, PROT_READ,
						 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0),
					 va);
			assert_true(dirty(world, va));
			assert_false(dirty(world, va + 2 * page));
			if (way == 0)
				assert_int_equal(
					pw_mprotect(world->mm, va + page, 2 * page, PROT_NONE), 0);
			if (way == 1)
				assert_int_equal(
					pw_mprotect(world->mm, va + 2 * page, page, PROT_READ), 0);
			if (way == 2)
				assert_int_equal(pw_mprotect(world->mm, va, 2 * page, RW), 0);
			assert_true(dirty(world, va));
			assert_true(dirty(world, va + page));
			assert_true(dirty(world, va + 2 * page));
		}
		unmap(world, va, 4 * page);
	}
}

/* hugetlb: the VMA alone is soft-dirty, or not; writes are not seen. */
static void hugetlb(struct huge_world *huge)
{
	struct mm_world *world = &huge->mm;
	struct pw_file *file;
	pw_sva va;

	assert_int_equal(pw_hugetlb_create(world->machine, huge->size, 0, &file, NULL), 0);
	va = pw_mmap(world->mm, 0, huge->size, RW, SHARED, file, 0);
	assert_false(pw_is_error(va));
	put(world, (pw_va)va, 1);
	if (clear(world)) {
		assert_false(dirty(world, (pw_va)va));
		put(world, (pw_va)va, 2);
		assert_int_equal(get(world, (pw_va)va), 2);
		assert_false(dirty(world, (pw_va)va));
	}
	unmap(world, (pw_va)va, huge->size);
	pw_file_put(file);
}

/* MADV_FREE drops a page that is in swap: the next read of it finds zeros, and nothing was written. */
static void freed(struct mm_world *world)
{
	const uint64_t page = world->page;
	const pw_va va = map_anon(world, 2, RW);

	if (clear(world)) {
		put(world, va, 1);
		put(world, va + page, 1);
		assert_int_equal(pw_madvise(world->mm, va, 2 * page, PAGEOUT), 0);
		assert_true(dirty(world, va));
		assert_int_equal(pw_madvise(world->mm, va, page, MADV_FREE), 0);
		assert_int_equal(get(world, va), 0);
		assert_false(dirty(world, va));
		assert_int_equal(get(world, va + page), 1);
		assert_true(dirty(world, va + page));
	}
	unmap(world, va, 2 * page);
}

static void test_freed(void **state)
{
	(void)state;
	for_each_swap_mm(0, 64, freed);
}

static void test_failed(void **state)
{
	(void)state;
	for_each_mm(failed);
}

static void test_cut(void **state)
{
	(void)state;
	for_each_mm(cut);
}

static void test_reclaimed(void **state)
{
	(void)state;
	for_each_mm(reclaimed);
}

static void test_fork(void **state)
{
	(void)state;
	for_each_mm(forked);
}

static void test_replaced(void **state)
{
	(void)state;
	for_each_mm(replaced);
}

static void test_merged(void **state)
{
	(void)state;
	for_each_mm(merged);
}

static void test_hugetlb(void **state)
{
	(void)state;
	for_each_huge(hugetlb);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_failed),    cmocka_unit_test(test_cut),
		cmocka_unit_test(test_reclaimed), cmocka_unit_test(test_fork),
		cmocka_unit_test(test_replaced),  cmocka_unit_test(test_merged),
		cmocka_unit_test(test_freed),     cmocka_unit_test(test_hugetlb),
	};

	mutant_choose(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
