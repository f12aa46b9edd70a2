/* SPDX-License-Identifier: MIT */
/* What advice takes out of memory, and what stays: on every format. */
#include "swap_test.h"

enum {
	PAGES = 4,
	FRAMES = 128,
	SLOTS = 64,
	ADVICE_FREE = 8,
	ADVICE_PAGEOUT = 21,
	ADVICE_POPULATE_WRITE = 23
};

static uint64_t free_swap(const struct mm_world *world)
{
	uint64_t bytes, free;

	pw_swap_room(world->machine, &bytes, &free);
	return free;
}

static void page_out(struct mm_world *world, struct pw_mm *mm, pw_va va)
{
	assert_int_equal(pw_madvise(mm, va, world->page, ADVICE_PAGEOUT), 0);
}

/* A page of shared memory that nobody has written to is given up: a hole has the same zeros. One that was is kept. */
static void check_clean(struct mm_world *world)
{
	struct pw_file *file;
	unsigned char present = 1;
	uint64_t before;
	pw_va va;

	assert_int_equal(pw_shmem_create(world->machine, PAGES * world->page, &file, NULL), 0);
	va = map_file(world, file, PAGES, RW_PROT, MAP_SHARED);
	before = free_swap(world);
	assert_int_equal(load_at(world, va), 0);
	page_out(world, world->mm, va);
	assert_int_equal(pw_mincore(world->mm, va, world->page, &present), 0);
	assert_int_equal(present, 0);
	assert_int_equal(free_swap(world), before);
	assert_int_equal(load_at(world, va), 0);
	store_at(world, va, 5);
	page_out(world, world->mm, va);
	assert_int_equal(free_swap(world), before - world->page);
	assert_int_equal(load_at(world, va), 5);
	unmap_all(world, va, PAGES);
	pw_file_put(file);
}

static void test_clean(void **state)
{
	(void)state;
	for_each_swap_mm(FRAMES, SLOTS, check_clean);
}

/* The parent's memory is locked, but it has copied the page since: so the child's page may go. */
static void check_other_locked(struct mm_world *world)
{
	const pw_va va = map_anon(world, 1, RW_PROT);
	struct pw_slot slot;
	struct pw_mm *child;

	store_pattern(world, va, 1);
	assert_int_equal(pw_mm_fork(world->mm, &child, NULL), 0);
	assert_int_equal(pw_mlock(world->mm, va, world->page, 0), 0);
	page_out(world, child, va);
	slot = slot_at(world, child, va);
	assert_true(pw_slot_is_soft(pw_mm_space(child), &slot, PW_SOFT_SWAP));
	check_pattern(world, va, 1);
	/* Locked memory itself stays. */
	reclaim_all(world);
	assert_true(is_present(world, va));
	pw_mm_destroy(child);
	unmap_all(world, va, 1);
	check_slots(world);
}

static void test_other_locked(void **state)
{
	(void)state;
	for_each_swap_mm(FRAMES, SLOTS, check_other_locked);
}

/* One fault makes a page from swap writable, also if others need it: advice faults once. */
static void check_populate(struct mm_world *world)
{
	const pw_va va = map_anon(world, 1, RW_PROT);
	struct pw_mm *child;
	struct pw_slot slot;

	store_pattern(world, va, 1);
	page_out(world, world->mm, va);
	assert_true(is_swapped(world, va));
	assert_int_equal(pw_mm_fork(world->mm, &child, NULL), 0);
	assert_int_equal(pw_madvise(world->mm, va, world->page, ADVICE_POPULATE_WRITE), 0);
	assert_true(slot_at(world, world->mm, va).attr & PW_WRITE);
	check_pattern(world, va, 1);
	slot = slot_at(world, child, va);
	assert_true(pw_slot_is_soft(pw_mm_space(child), &slot, PW_SOFT_SWAP));
	pw_mm_destroy(child);
	unmap_all(world, va, 1);
	check_slots(world);
}

static void test_populate(void **state)
{
	(void)state;
	for_each_swap_mm(FRAMES, SLOTS, check_populate);
}

/* A page that was given up, and written to since, is one like all others again: and goes with the next call. */
static void check_written_again(struct mm_world *world)
{
	const pw_va va = map_anon(world, 1, RW_PROT);

	store_pattern(world, va, 1);
	assert_int_equal(pw_madvise(world->mm, va, world->page, ADVICE_FREE), 0);
	store_pattern(world, va, 1);
	page_out(world, world->mm, va);
	assert_true(is_present(world, va));
	page_out(world, world->mm, va);
	assert_true(is_swapped(world, va));
	check_pattern(world, va, 1);
	unmap_all(world, va, 1);
	check_slots(world);
}

static void test_written_again(void **state)
{
	(void)state;
	for_each_swap_mm(FRAMES, SLOTS, check_written_again);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clean),
		cmocka_unit_test(test_other_locked),
		cmocka_unit_test(test_populate),
		cmocka_unit_test(test_written_again),
	};

	mutant_choose(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
