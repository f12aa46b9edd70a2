/* SPDX-License-Identifier: MIT */
/* Huge pages by faults: leaves, zeros, groups, copies on write. */
#include "huge_test.h"
#include "mutants/choose.h"

static void check_write(struct mm_world *world)
{
	const pw_va va = map_huge(world, 2);
	struct pw_machine_info info;
	struct pw_mm_info mm;
	struct pw_slot slot;

	put(world, va + 3 * world->page, 5);
	slot = slot_at(world->mm, va);
	assert_int_equal(slot.kind, PW_SLOT_PAGE);
	assert_int_equal(slot.level, 1);
	assert_true(slot.attr & PW_WRITE);
	check_counts(world, va, huge_pages(world));
	for (uint32_t i = 0; i < huge_pages(world); i++)
		assert_int_equal(get(world, va + i * world->page), i == 3 ? 5 : 0);
	assert_int_equal(slot_at(world->mm, va + huge_bytes(world)).kind, PW_SLOT_EMPTY);
	pw_machine_info(world->machine, &info);
	assert_int_equal(info.huge_faults, 1);
	pw_mm_info(world->mm, &mm);
	assert_int_equal(mm.anonymous, huge_bytes(world));
	unmap_huge(world, va, 2);
}

static void test_write(void **state)
{
	(void)state;
	for_each_huge(&(struct pw_machine_options){ .huge = PW_HUGE_ALWAYS }, check_write);
}

/* Reads share one page of zeros, which costs no memory of the mm; a write gets a folio of its own. */
static void check_zero(struct mm_world *world)
{
	const uint64_t huge = huge_bytes(world);
	const pw_va va = map_huge(world, 2);
	struct pw_mm_info mm;

	assert_int_equal(get(world, va + 5), 0);
	assert_int_equal(get(world, va + huge + world->page), 0);
	assert_int_equal(slot_at(world->mm, va).level, 1);
	assert_false(slot_at(world->mm, va).attr & PW_WRITE);
	assert_int_equal(frame_at(world, va), frame_at(world, va + huge));
	assert_true(pw_huge_is_zero(world->machine, frame_at(world, va)));
	pw_mm_info(world->mm, &mm);
	assert_int_equal(mm.anonymous + mm.file + mm.shared, 0);
	put(world, va + 2 * world->page, 9);
	assert_int_equal(slot_at(world->mm, va).level, 1);
	assert_false(pw_huge_is_zero(world->machine, frame_at(world, va)));
	check_counts(world, va, huge_pages(world));
	assert_int_equal(get(world, va + 2 * world->page), 9);
	assert_int_equal(get(world, va + huge + 2 * world->page), 0);
	/* A hole in the zeros: the rest still reads as zeros. */
	assert_int_equal(pw_munmap(world->mm, va + huge, world->page), 0);
	assert_int_equal(slot_at(world->mm, va + huge + world->page).level, 0);
	assert_int_equal(get(world, va + huge + world->page), 0);
	put(world, va + huge + world->page, 4);
	assert_int_equal(get(world, va + huge + world->page), 4);
	assert_int_equal(get(world, va + huge + 2 * world->page), 0);
	unmap_huge(world, va, 2);
	pw_page_put(world->machine, world->machine->huge_zero - 1, 1);
	world->machine->huge_zero = 0;
}

static void test_zero(void **state)
{
	(void)state;
	for_each_huge(&(struct pw_machine_options){ .huge = PW_HUGE_ALWAYS }, check_zero);
}

/* Who gets huge pages: by the options, the advice, and the borders of the VMA. */
static void check_who(struct mm_world *world)
{
	const uint64_t huge = huge_bytes(world);
	pw_va va = map_huge(world, 1);

	put(world, va, 1);
	assert_int_equal(slot_at(world->mm, va).level, 0);
	unmap_huge(world, va, 1);
	va = map_huge(world, 2);
	advise_huge(world, va);
	put(world, va, 1);
	assert_int_equal(slot_at(world->mm, va).level, 1);
	/* A VMA that ends in the middle of the second one. */
	assert_int_equal(pw_munmap(world->mm, va + 2 * huge - world->page, world->page), 0);
	put(world, va + huge, 1);
	assert_int_equal(slot_at(world->mm, va + huge).level, 0);
	assert_int_equal(slot_at(world->mm, va).level, 1);
	/* Something small is there already. */
	unmap_huge(world, va, 2);
}

static void test_who(void **state)
{
	(void)state;
	for_each_huge(&(struct pw_machine_options){ .huge = PW_HUGE_MADVISE }, check_who);
}

static void check_never(struct mm_world *world)
{
	const pw_va va = map_huge(world, 1);

	advise_huge(world, va);
	put(world, va, 1);
	assert_int_equal(slot_at(world->mm, va).level, 0);
	unmap_huge(world, va, 1);
}

static void test_never(void **state)
{
	(void)state;
	for_each_huge(&(struct pw_machine_options){ .huge = PW_HUGE_NEVER }, check_never);
}

/* ---- folios smaller than a leaf ---- */

static void check_groups(struct mm_world *world)
{
	const unsigned page_lg2 = world->format->shift[0];
	const uint64_t small = UINT64_C(4) << page_lg2, large = UINT64_C(16) << page_lg2;
	const pw_va va = map_huge(world, 1);
	struct pw_slot slot;

	/* A hole keeps the whole from being one page. */
	assert_int_equal(pw_munmap(world->mm, va + huge_bytes(world) - world->page, world->page),
			 0);
	put(world, va + world->page, 3);
	slot = slot_at(world->mm, va);
	assert_int_equal(slot.level, 0);
	assert_int_equal(order_at(world, va), 4);
	check_counts(world, va, 16);
	if (pw_slot_groups(world->mm->space) & large)
		assert_int_equal(slot.lg2, page_lg2 + 4);
	assert_int_equal(get(world, va + world->page), 3);
	assert_int_equal(get(world, va + 15 * world->page), 0);
	assert_int_equal(frame_at(world, va + 15 * world->page), frame_at(world, va) + 15);
	/* A page that is there leaves room for a smaller folio only. */
	assert_int_equal(get(world, va + large), 0);
	put(world, va + large + small, 2);
	assert_int_equal(order_at(world, va + large + small), 2);
	check_counts(world, va + large + small, 4);
	/* One page of a group goes: the others stay. */
	assert_int_equal(pw_munmap(world->mm, va, world->page), 0);
	check_counts(world, va + world->page, 15);
	assert_int_equal(get(world, va + world->page), 3);
	unmap_huge(world, va, 1);
}

static void test_groups(void **state)
{
	const struct pw_format *format;

	(void)state;
	for (size_t i = 0; (format = pw_format_at(i)); i++) {
		struct pw_machine_options options = { .huge = PW_HUGE_ALWAYS };
		struct mm_world world;

		if (!pw_format_can_edit(format) || format->levels < 2 ||
		    format->shift[1] > LARGEST_LG2 + 4 || format->bits[0] < 5)
			continue;
		options.bytes = UINT64_C(4) << format->shift[1];
		options.group_sizes = UINT64_C(4) << format->shift[0] | UINT64_C(16)
										<< format->shift[0];
		world = open_mm(format, &options);
		check_groups(&world);
		close_mm(&world);
	}
}

/* ---- copy on write ---- */

/* A child writes: it gets one page, and its parent keeps the rest whole; alone again, it uses it as it is. */
static void check_copy(struct mm_world *world)
{
	const pw_va va = map_huge(world, 1);
	struct pw_mm *child;
	struct pw_vcpu *cpu;
	uint8_t value;

	put(world, va + world->page, 1);
	put(world, va + 2 * world->page, 2);
	assert_int_equal(pw_mm_fork(world->mm, &child, NULL), 0);
	assert_int_equal(slot_at(child, va).level, 1);
	assert_int_equal(slot_at(world->mm, va).level, 1);
	assert_false(slot_at(world->mm, va).attr & PW_WRITE);
	check_counts(world, va, 2 * huge_pages(world));
	assert_int_equal(pw_cpu_create(child, &cpu), 0);
	assert_true(pw_store_u8(cpu, va + world->page, 7));
	assert_int_equal(slot_at(child, va + world->page).level, 0);
	assert_int_equal(slot_at(world->mm, va).level, 1);
	assert_true(pw_load_u8(cpu, va + world->page, &value));
	assert_int_equal(value, 7);
	assert_true(pw_load_u8(cpu, va + 2 * world->page, &value));
	assert_int_equal(value, 2);
	assert_int_equal(get(world, va + world->page), 1);
	check_counts(world, va, 2 * huge_pages(world) - 1);
	pw_cpu_destroy(cpu);
	pw_mm_destroy(child);
	check_counts(world, va, huge_pages(world));
	put(world, va + 3 * world->page, 3);
	assert_int_equal(slot_at(world->mm, va).level, 1);
	assert_true(slot_at(world->mm, va).attr & PW_WRITE);
	assert_true(pw_folio_is_exclusive(world->machine->arena, frame_at(world, va)));
	assert_int_equal(get(world, va + 2 * world->page), 2);
	unmap_huge(world, va, 1);
}

static void test_copy(void **state)
{
	(void)state;
	for_each_huge(&(struct pw_machine_options){ .huge = PW_HUGE_ALWAYS }, check_copy);
}

/* After a fork, and after the child has ended: pages of the folio are written to where they are. */
static void check_parts(struct mm_world *world)
{
	const pw_va va = map_huge(world, 1);
	const pw_va page = va + world->page;
	struct pw_machine_info before, after;
	struct pw_mm *child;
	uint32_t frame;

	fill(world, va, 1);
	frame = frame_at(world, page);
	assert_int_equal(pw_mm_fork(world->mm, &child, NULL), 0);
	assert_int_equal(pw_split_leaf(pw_vma_find(world->mm, va), va), 0);
	assert_false(pw_folio_is_exclusive(world->machine->arena, frame));
	pw_mm_destroy(child);
	pw_machine_info(world->machine, &before);
	put(world, page, 99);
	pw_machine_info(world->machine, &after);
	assert_int_equal(after.cow_copies, before.cow_copies);
	assert_int_equal(frame_at(world, page), frame);
	assert_true(pw_folio_is_exclusive(world->machine->arena, frame));
	assert_false(pw_folio_is_exclusive(world->machine->arena, frame + 1));
	/* The last one that is mapped is copied, and its folio is free. */
	assert_int_equal(pw_munmap(world->mm, va, 2 * world->page), 0);
	assert_int_equal(
		pw_munmap(world->mm, page + 2 * world->page, huge_bytes(world) - 3 * world->page),
		0);
	put(world, page + world->page, 98);
	assert_int_not_equal(frame_at(world, page + world->page), frame + 1);
	unmap_huge(world, va, 1);
}

/* Two mms map parts of a folio, fewer pages than it has: the one that both have is copied. */
static void check_two_parts(struct mm_world *world)
{
	const pw_va va = map_huge(world, 1);
	const pw_va both = va + 2 * world->page, half = va + huge_bytes(world) / 2;
	struct pw_vcpu *cpu;
	struct pw_mm *child;
	uint8_t value;

	fill(world, va, 1);
	assert_int_equal(pw_mm_fork(world->mm, &child, NULL), 0);
	assert_int_equal(pw_munmap(world->mm, half, huge_bytes(world) / 2), 0);
	assert_int_equal(pw_munmap(child, va, 2 * world->page), 0);
	assert_int_equal(pw_munmap(child, both + world->page, half - both - world->page), 0);
	assert_int_equal(pw_munmap(child, half, huge_bytes(world) / 2), 0);
	put(world, both, 99);
	assert_int_equal(pw_cpu_create(child, &cpu), 0);
	assert_true(pw_load_u8(cpu, both + 2, &value));
	assert_int_equal(value, value_of(2));
	assert_int_not_equal(slot_at(child, both).pa, slot_at(world->mm, both).pa);
	pw_cpu_destroy(cpu);
	pw_mm_destroy(child);
	unmap_huge(world, va, 1);
}

static void test_parts(void **state)
{
	const struct pw_machine_options always = { .huge = PW_HUGE_ALWAYS };

	(void)state;
	for_each_huge(&always, check_parts);
	for_each_huge(&always, check_two_parts);
}

/* A pinned page stays the parent's; the child gets a copy at once. */
static void check_pinned_fork(struct mm_world *world)
{
	const pw_va va = map_huge(world, 1);
	struct pw_mm *child;
	pw_pa page;

	put(world, va + world->page, 1);
	assert_int_equal(pw_pin(world->cpu, va + world->page, 1, PW_PIN_WRITE, &page, NULL), 1);
	assert_int_equal(pw_mm_fork(world->mm, &child, NULL), 0);
	put(world, va + world->page, 6);
	assert_int_equal(*byte_at(world, page), 6);
	pw_unpin_pages(pw_cpu_reader(world->cpu), &page, 1, PW_PIN_WRITE, true);
	pw_mm_destroy(child);
	unmap_huge(world, va, 1);
}

static void test_pinned_fork(void **state)
{
	(void)state;
	for_each_huge(&(struct pw_machine_options){ .huge = PW_HUGE_ALWAYS }, check_pinned_fork);
}

enum { ADVICE_COLLAPSE = 25 };

static const uint64_t EXCLUSIVE = UINT64_C(1) << 56, OF_FILE = UINT64_C(1) << 61;

static uint64_t pagemap_at(struct pw_mm *mm, pw_va va)
{
	uint64_t word = 0;

	assert_int_equal(pw_mm_pagemap(mm, va, 1, &word), 0);
	return word;
}

/* pagemap says of each page whether it is mapped once, and of the huge page of zeros that it is not anonymous. */
static void check_pagemap(struct mm_world *world)
{
	const uint64_t huge = huge_bytes(world);
	const pw_va va = map_huge(world, 2);
	struct pw_mm *child;

	put(world, va, 1);
	assert_int_equal(get(world, va + huge), 0);
	assert_true(pagemap_at(world->mm, va) & EXCLUSIVE);
	assert_int_equal(pw_mm_fork(world->mm, &child, NULL), 0);
	assert_false(pagemap_at(world->mm, va) & EXCLUSIVE);
	assert_int_equal(pw_munmap(child, va, world->page), 0);
	assert_true(pagemap_at(world->mm, va) & EXCLUSIVE);
	assert_false(pagemap_at(world->mm, va + world->page) & EXCLUSIVE);
	assert_false(pagemap_at(child, va + world->page) & EXCLUSIVE);
	assert_false(pagemap_at(child, va + world->page) & OF_FILE);
	/* The child has got the entry, as that of any memory that was written to. */
	for (unsigned i = 0; i < 2; i++) {
		struct pw_mm *mm = i ? child : world->mm;

		assert_int_equal(slot_at(mm, va + huge).kind, PW_SLOT_PAGE);
		assert_true(pagemap_at(mm, va + huge) & OF_FILE);
		assert_false(pagemap_at(mm, va + huge) & EXCLUSIVE);
	}
	pw_mm_destroy(child);
	unmap_huge(world, va, 2);
	pw_page_put(world->machine, world->machine->huge_zero - 1, 1);
	world->machine->huge_zero = 0;
}

static void test_pagemap(void **state)
{
	(void)state;
	for_each_huge(&(struct pw_machine_options){ .huge = PW_HUGE_ALWAYS }, check_pagemap);
}

/* A file's blocks that are not where huge leaves can be are not put together. */
static void check_unaligned(struct mm_world *world)
{
	const uint64_t huge = huge_bytes(world);
	const pw_va va = map_huge(world, 2);
	struct pw_file *file;

	assert_int_equal(pw_shmem_create(world->machine, 2 * huge, &file, NULL), 0);
	assert_int_equal(pw_mmap(world->mm, va, 2 * huge, PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_FIXED, file, world->page),
			 va);
	assert_int_equal(pw_madvise(world->mm, va, world->page, ADVICE_COLLAPSE), -EINVAL);
	/* Nor is a hole. */
	assert_int_equal(pw_mmap(world->mm, va, 2 * huge, PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_FIXED, file, 0),
			 va);
	assert_int_equal(pw_madvise(world->mm, va, huge, ADVICE_COLLAPSE), -EINVAL);
	put(world, va + world->page, 1);
	assert_int_equal(pw_madvise(world->mm, va, huge, ADVICE_COLLAPSE), 0);
	unmap_huge(world, va, 2);
	pw_file_put(file);
}

static void test_unaligned(void **state)
{
	(void)state;
	for_each_huge(&(struct pw_machine_options){ .huge = PW_HUGE_ALWAYS }, check_unaligned);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_write),   cmocka_unit_test(test_zero),
		cmocka_unit_test(test_who),     cmocka_unit_test(test_never),
		cmocka_unit_test(test_groups),  cmocka_unit_test(test_copy),
		cmocka_unit_test(test_parts),   cmocka_unit_test(test_pinned_fork),
		cmocka_unit_test(test_pagemap), cmocka_unit_test(test_unaligned),
	};

	mutant_choose(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
