/* SPDX-License-Identifier: MIT */
/* Groups of leaves (arm64's contiguous bit, riscv's Svnapot): what keeps them, and what does not. */
#include "huge_test.h"
#include "mutants/choose.h"

enum { PAGES = 16 };

/* Runs @test for each format that has groups of 16 pages. */
static void for_each_group(void (*test)(struct mm_world *world))
{
	const struct pw_format *format;
	unsigned count = 0;

	for (size_t i = 0; (format = pw_format_at(i)); i++) {
		struct pw_machine_options options = { .huge = PW_HUGE_ALWAYS };
		struct mm_world world;

		if (!pw_format_can_edit(format) || format->levels < 2 ||
		    !(format->groups[0] >> 4 & 1))
			continue;
		options.group_sizes = (uint64_t)PAGES << format->shift[0];
		world = open_mm(format, &options);
		if (world.machine->huge_level == 0) {
			test(&world);
			count++;
		}
		close_mm(&world);
	}
	assert_true(count > 0);
}

static bool grouped(const struct mm_world *world, pw_va va)
{
	for (unsigned i = 0; i < PAGES; i++)
		if (slot_at(world->mm, va + i * world->page).lg2 != world->format->shift[0] + 4)
			return false;
	return true;
}

/* Aligned memory of 3 groups; the first is mapped as one. */
static pw_va new_group(struct mm_world *world, pw_va *all_ret)
{
	const uint64_t bytes = PAGES * world->page;
	pw_va va;

	*all_ret = map_anon(world, 4 * PAGES, RW);
	va = (*all_ret + bytes - 1) & ~(bytes - 1);
	for (unsigned i = 0; i < PAGES; i++)
		put(world, va + i * world->page, value_of(i));
	assert_true(grouped(world, va));
	return va;
}

static void check_values(struct mm_world *world, pw_va va)
{
	for (unsigned i = 0; i < PAGES; i++)
		assert_int_equal(get(world, va + i * world->page), value_of(i));
}

static void release(struct mm_world *world, pw_va all)
{
	assert_int_equal(pw_munmap(world->mm, all, 4 * PAGES * world->page), 0);
}

/* Accessed bits are each page's own, and the group stays. */
static void used(struct mm_world *world)
{
	pw_va all, va = new_group(world, &all);
	uint32_t frame = frame_at(world, va);

	pw_folio_lock(world->machine, frame);
	assert_true(pw_rmap_used(world->machine, frame));
	pw_folio_unlock(world->machine, frame);
	assert_true(grouped(world, va));
	if (!(slot_at(world->mm, va).attr & PW_ACCESSED)) {
		assert_int_equal(get(world, va + world->page), value_of(1));
		assert_true(slot_at(world->mm, va + world->page).attr & PW_ACCESSED);
		assert_false(slot_at(world->mm, va).attr & PW_ACCESSED);
	}
	assert_int_equal(pw_mm_fault(world->mm, va, PW_ACCESS_WRITE, NULL), PW_FAULT_DONE);
	assert_true(slot_at(world->mm, va).attr & PW_DIRTY);
	assert_true(grouped(world, va));
	check_values(world, va);
	release(world, all);
}

static void test_used(void **state)
{
	(void)state;
	for_each_group(used);
}

/* A part of one group, and all of the next, which stays a group. */
static void mixed(struct mm_world *world)
{
	const uint64_t page = world->page, bytes = PAGES * page;
	pw_va all, va = new_group(world, &all);

	for (unsigned i = 0; i < PAGES; i++)
		put(world, va + bytes + i * page, value_of(i));
	assert_true(grouped(world, va + bytes));
	assert_int_equal(pw_mprotect(world->mm, va + 3 * page, 2 * bytes - 3 * page, PROT_READ), 0);
	assert_true(grouped(world, va + bytes));
	/* A format may have smaller groups, and these are alike. */
	for (unsigned i = 0; i < PAGES; i++)
		assert_true(slot_at(world->mm, va + i * page).lg2 < world->format->shift[0] + 4);
	put(world, va + 2 * page, value_of(2));
	assert_false(pw_store_u8(world->cpu, va + 3 * page, 1));
	check_values(world, va);
	check_values(world, va + bytes);
	release(world, all);
}

/* All of it: the group stays. A part: it does not, until all are alike again. */
static void protect(struct mm_world *world)
{
	const uint64_t page = world->page;
	pw_va all, va = new_group(world, &all);

	assert_int_equal(pw_mprotect(world->mm, va, PAGES * page, PROT_READ), 0);
	assert_true(grouped(world, va));
	assert_false(pw_store_u8(world->cpu, va, 1));
	assert_int_equal(pw_mprotect(world->mm, va, PAGES * page, RW), 0);
	assert_true(grouped(world, va));
	check_values(world, va);
	assert_int_equal(pw_mprotect(world->mm, va + 3 * page, page, PROT_READ), 0);
	for (unsigned i = 0; i < PAGES; i++)
		assert_int_equal(slot_at(world->mm, va + i * page).lg2, world->format->shift[0]);
	assert_false(pw_store_u8(world->cpu, va + 3 * page, 1));
	put(world, va + 4 * page, value_of(4));
	check_values(world, va);
	release(world, all);
	mixed(world);
}

static void test_protect(void **state)
{
	(void)state;
	for_each_group(protect);
}

/* To an aligned place: a group again. To another one: single leaves. */
static void moved(struct mm_world *world)
{
	const uint64_t page = world->page, bytes = PAGES * page;
	pw_va all, va = new_group(world, &all);

	assert_int_equal(
		pw_mremap(world->mm, va, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, va + bytes),
		va + bytes);
	assert_true(grouped(world, va + bytes));
	check_values(world, va + bytes);
	assert_int_equal(pw_mremap(world->mm, va + bytes, bytes, bytes,
				   MREMAP_MAYMOVE | MREMAP_FIXED, va + 2 * bytes - page),
			 -EINVAL);
	assert_int_equal(pw_mremap(world->mm, va + bytes, bytes, bytes,
				   MREMAP_MAYMOVE | MREMAP_FIXED, va + 2 * bytes + page),
			 va + 2 * bytes + page);
	assert_false(grouped(world, va + 2 * bytes + page));
	check_values(world, va + 2 * bytes + page);
	release(world, all);
}

static void test_moved(void **state)
{
	(void)state;
	for_each_group(moved);
}

static unsigned char read_in(struct pw_mm *mm, pw_va va)
{
	unsigned char value = 0;
	struct iovec to = { &value, 1 };
	struct pw_extent from = { va, 1 };

	assert_int_equal(pw_mm_read(mm, &to, 1, &from, 1, false), 1);
	return value;
}

static bool grouped_in(struct mm_world *world, struct pw_mm *mm, pw_va va)
{
	const struct mm_world other = { .mm = mm, .format = world->format, .page = world->page };

	return grouped(&other, va);
}

/* Both sides have a group of read-only leaves, and the first write of either breaks up its own. */
static void forked(struct mm_world *world)
{
	pw_va all, va = new_group(world, &all);
	struct pw_mm *child, *second;

	assert_int_equal(pw_mm_fork(world->mm, &child, NULL), 0);
	assert_true(grouped(world, va));
	assert_true(grouped_in(world, child, va));
	assert_false(slot_at(world->mm, va).attr & PW_WRITE);
	assert_false(slot_at(child, va).attr & PW_WRITE);
	assert_int_equal(pw_mm_fork(child, &second, NULL), 0);
	assert_true(grouped_in(world, child, va));
	assert_true(grouped_in(world, second, va));
	pw_mm_destroy(second);
	put(world, va + 5 * world->page, 0x51);
	assert_false(grouped(world, va));
	assert_true(grouped_in(world, child, va));
	assert_int_equal(get(world, va + 5 * world->page), 0x51);
	for (unsigned i = 0; i < PAGES; i++)
		assert_int_equal(read_in(child, va + i * world->page), value_of(i));
	pw_mm_destroy(child);
	release(world, all);
}

/* A folio that is pinned stays the parent's, a group, and writable; the child has copies, page by page. */
static void forked_pinned(struct mm_world *world)
{
	const uint64_t bytes = PAGES * world->page;
	pw_va all, va = new_group(world, &all), pinned = va + bytes + 3 * world->page;
	struct pw_reader *reader = pw_cpu_reader(world->cpu);
	struct pw_mm *child;
	pw_pa pa;

	for (unsigned i = 0; i < PAGES; i++)
		put(world, va + bytes + i * world->page, value_of(i));
	assert_int_equal(pw_pin(world->cpu, pinned, 1, PW_PIN_WRITE, &pa, NULL), 1);
	assert_int_equal(pw_mm_fork(world->mm, &child, NULL), 0);
	assert_true(grouped(world, va));
	assert_true(grouped_in(world, child, va));
	assert_true(grouped(world, va + bytes));
	assert_true(slot_at(world->mm, va + bytes).attr & PW_WRITE);
	assert_false(grouped_in(world, child, va + bytes));
	put(world, pinned, 0x52);
	assert_int_equal(*byte_at(world, pa), 0x52);
	for (unsigned i = 0; i < PAGES; i++)
		assert_int_equal(read_in(child, va + bytes + i * world->page), value_of(i));
	pw_unpin_pages(reader, &pa, 1, PW_PIN_WRITE, true);
	pw_mm_destroy(child);
	release(world, all);
}

static void test_forked(void **state)
{
	(void)state;
	for_each_group(forked);
	for_each_group(forked_pinned);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_used),
		cmocka_unit_test(test_protect),
		cmocka_unit_test(test_moved),
		cmocka_unit_test(test_forked),
	};

	mutant_choose(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
