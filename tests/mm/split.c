/* SPDX-License-Identifier: MIT */
/* Huge leaves and folios that become small ones. */
#include "huge_test.h"
#include "mutants/choose.h"

static const struct pw_machine_options ALWAYS = { .huge = PW_HUGE_ALWAYS };

static pw_pa pa_at(const struct mm_world *world, pw_va va)
{
	return pw_arena_pa(world->machine->arena, frame_at(world, va));
}

/* A leaf becomes a table of its parts: the same pages, the same counts, exclusive as before. */
static void check_leaf(struct mm_world *world)
{
	const pw_va va = map_huge(world, 1);
	struct pw_slot slot;
	uint32_t frame;

	fill(world, va, 1);
	frame = frame_at(world, va);
	assert_int_equal(pw_split_leaf(pw_vma_find(world->mm, va), va + world->page), 0);
	for (uint32_t i = 0; i < huge_pages(world); i++) {
		slot = slot_at(world->mm, va + i * world->page);
		assert_int_equal(slot.level, 0);
		assert_true(slot.attr & PW_WRITE);
		assert_int_equal(frame_at(world, va + i * world->page), frame + i);
		assert_true(pw_folio_is_exclusive(world->machine->arena, frame + i));
	}
	check_counts(world, va, huge_pages(world));
	check_fill(world, va, 1);
	unmap_huge(world, va, 1);
}

static void test_leaf(void **state)
{
	(void)state;
	for_each_huge(&ALWAYS, check_leaf);
}

static void check_folio(struct mm_world *world)
{
	const pw_va va = map_huge(world, 1);
	struct pw_machine_info info;

	fill(world, va, 3);
	assert_int_equal(pw_split_folio(world->machine, pa_at(world, va + 5 * world->page)), 0);
	for (uint32_t i = 0; i < huge_pages(world); i++) {
		assert_int_equal(order_at(world, va + i * world->page), 0);
		check_counts(world, va + i * world->page, 1);
	}
	check_fill(world, va, 3);
	put(world, va, 77);
	assert_int_equal(get(world, va), 77);
	pw_machine_info(world->machine, &info);
	assert_int_equal(info.huge_splits, 1);
	assert_int_equal(pw_split_folio(world->machine, pa_at(world, va)), -EINVAL);
	unmap_huge(world, va, 1);
}

static void test_folio(void **state)
{
	(void)state;
	for_each_huge(&ALWAYS, check_folio);
}

/* A leaf that nobody may access has parts like any other. */
static void check_none(struct mm_world *world)
{
	const pw_va va = map_huge(world, 1);
	pw_pa pa;

	fill(world, va, 3);
	pa = pa_at(world, va);
	assert_int_equal(pw_mprotect(world->mm, va, huge_bytes(world), PROT_NONE), 0);
	assert_int_equal(slot_at(world->mm, va).level, 1);
	assert_int_equal(pw_split_folio(world->machine, pa), 0);
	assert_int_equal(slot_at(world->mm, va).level, 0);
	assert_int_equal(pw_mprotect(world->mm, va, huge_bytes(world), RW), 0);
	check_fill(world, va, 3);
	for (uint32_t i = 0; i < huge_pages(world); i++)
		check_counts(world, va + i * world->page, 1);
	unmap_huge(world, va, 1);
}

static void test_none(void **state)
{
	(void)state;
	for_each_huge(&ALWAYS, check_none);
}

/* A leaf of level 2 becomes leaves of level 0: no part of it is a leaf of level 1. */
static void check_large(struct mm_world *world)
{
	const uint64_t bytes = UINT64_C(1) << world->format->shift[2];
	const uint32_t pages = (uint32_t)(bytes / world->page);
	const pw_va va = map_huge(world, (unsigned)(2 * bytes / huge_bytes(world)));
	const pw_va large = (va + bytes - 1) & ~(bytes - 1);

	for (uint32_t i = 0; i < pages; i++)
		put(world, large + i * world->page, value_of(i));
	assert_int_equal(slot_at(world->mm, large).level, 2);
	assert_int_equal(pw_split_folio(world->machine, pa_at(world, large + bytes / 2)), 0);
	for (uint32_t i = 0; i < pages; i++) {
		assert_int_equal(slot_at(world->mm, large + i * world->page).level, 0);
		assert_int_equal(get(world, large + i * world->page), value_of(i));
		check_counts(world, large + i * world->page, 1);
	}
	unmap_huge(world, va, (unsigned)(2 * bytes / huge_bytes(world)));
}

static void test_large(void **state)
{
	const struct pw_format *format;
	unsigned formats = 0;

	(void)state;
	for (size_t i = 0; (format = pw_format_at(i)); i++) {
		struct pw_machine_options options = ALWAYS;
		struct mm_world world;

		if (!pw_format_can_edit(format) || huge_lg2_of(format) == 0 ||
		    !(format->leaf_levels & 4) || format->shift[2] > LARGEST_LG2)
			continue;
		options.bytes = (uint64_t)HUGE_PAGES << format->shift[2];
		world = open_mm(format, &options);
		check_large(&world);
		close_mm(&world);
		formats++;
	}
	assert_true(formats > 0);
}

/* A pin, or a reference, of any page keeps the folio whole; and the entries are as before. */
static void check_held(struct mm_world *world)
{
	const pw_va va = map_huge(world, 1);
	pw_pa page = 0;

	fill(world, va, 1);
	for (unsigned flags = 0; flags <= PW_PIN_GET; flags += PW_PIN_GET) {
		page = pa_at(world, va + 2 * world->page);
		if (flags)
			assert_true(pw_folio_get(world->machine->arena, page, 1));
		else
			assert_true(pw_folio_pin(world->machine->arena, page, 1));
		assert_int_equal(pw_split_folio(world->machine, pa_at(world, va)), -EBUSY);
		check_fill(world, va, 1);
		put(world, va + 2 * world->page, 9);
		assert_int_equal(*byte_at(world, page), 9);
		put(world, va + 2 * world->page, 0);
		put(world, va + 2 * world->page + 2, value_of(2));
		if (flags)
			pw_folio_put(world->machine->arena, page, 1);
		else
			pw_folio_unpin(world->machine->arena, page, 1);
		if (!PW_PIN_GET)
			break;
	}
	assert_int_equal(pw_split_folio(world->machine, page), 0);
	check_fill(world, va, 1);
	unmap_huge(world, va, 1);
}

static void test_held(void **state)
{
	(void)state;
	for_each_huge(&ALWAYS, check_held);
}

/* Parts that nobody maps any more become free when memory is wanted. */
static void check_unused(struct mm_world *world)
{
	struct pw_arena *arena = world->machine->arena;
	const uint64_t huge = huge_bytes(world);
	const pw_va va = map_huge(world, 1);
	uint64_t before;

	fill(world, va, 1);
	assert_int_equal(pw_munmap(world->mm, va + huge / 2, huge / 2), 0);
	pw_arena_drain(arena);
	before = pw_arena_free_bytes(arena);
	assert_int_equal(pw_split_unused(world->machine, world->page), huge / 2);
	assert_int_equal(pw_arena_free_bytes(arena), before + huge / 2);
	for (uint32_t i = 0; i < huge_pages(world) / 2; i++)
		assert_int_equal(get(world, va + i * world->page + i % 64), value_of(i));
	assert_int_equal(pw_split_unused(world->machine, world->page), 0);
	unmap_huge(world, va, 1);
}

static void test_unused(void **state)
{
	(void)state;
	for_each_huge(&ALWAYS, check_unused);
}

/* A folio that two mms map by leaves is split in both; it stays shared. */
static void check_two(struct mm_world *world)
{
	const pw_va va = map_huge(world, 1);
	struct pw_mm *child;
	struct pw_vcpu *cpu;
	uint8_t value;

	fill(world, va, 1);
	assert_int_equal(pw_mm_fork(world->mm, &child, NULL), 0);
	assert_int_equal(pw_split_folio(world->machine, pa_at(world, va)), 0);
	assert_int_equal(slot_at(world->mm, va).level, 0);
	assert_int_equal(slot_at(child, va).level, 0);
	assert_int_equal(slot_at(child, va).pa, slot_at(world->mm, va).pa);
	check_counts(world, va + world->page, 2);
	assert_int_equal(pw_cpu_create(child, &cpu), 0);
	assert_true(pw_store_u8(cpu, va, 99));
	assert_true(pw_load_u8(cpu, va + world->page + 1, &value));
	assert_int_equal(value, value_of(1));
	check_fill(world, va, 1);
	pw_cpu_destroy(cpu);
	pw_mm_destroy(child);
	unmap_huge(world, va, 1);
}

static void test_two(void **state)
{
	(void)state;
	for_each_huge(&ALWAYS, check_two);
}

/* Takes a reference of its page when the first entry is about to go. */
struct taker {
	struct pw_notifier notifier;
	struct pw_arena *arena;
	pw_pa page;
	bool taken;
};

static void take(struct pw_notifier *notifier, pw_va first, pw_va last)
{
	struct taker *taker = (struct taker *)notifier;

	(void)first;
	(void)last;
	if (!taker->taken)
		taker->taken = pw_folio_get(taker->arena, taker->page, 1);
}

static void ignore(struct pw_notifier *notifier, pw_va first, pw_va last)
{
	(void)notifier;
	(void)first;
	(void)last;
}

/* A reference that comes while entries go keeps the folio whole, and no page of it stays locked. */
static void check_taken_late(struct mm_world *world)
{
	const pw_va va = map_huge(world, 1);
	struct taker taker = { .notifier = { .begin = take, .end = ignore },
			       .arena = world->machine->arena };

	fill(world, va, 1);
	taker.page = pa_at(world, va);
	assert_int_equal(pw_notifier_add(world->mm, &taker.notifier), 0);
	assert_int_equal(pw_split_folio(world->machine, taker.page), -EBUSY);
	assert_true(taker.taken);
	pw_notifier_remove(&taker.notifier);
	pw_folio_put(taker.arena, taker.page, 1);
	check_fill(world, va, 1);
	for (uint32_t i = 0; i < huge_pages(world); i++)
		assert_false(pw_page_of(world->machine, frame_at(world, va) + i)->flags &
			     PW_PAGE_LOCKED);
	unmap_huge(world, va, 1);
}

static void test_taken_late(void **state)
{
	(void)state;
	for_each_huge(&ALWAYS, check_taken_late);
}

/* So it does in shared memory; there each page still knows that it has its content. */
static void check_shared_taken(struct mm_world *world)
{
	const uint64_t huge = huge_bytes(world);
	struct taker taker = { .notifier = { .begin = take, .end = ignore },
			       .arena = world->machine->arena };
	const pw_va va = map_huge(world, 1);
	struct pw_file *file;

	assert_int_equal(pw_shmem_create(world->machine, huge, &file, NULL), 0);
	assert_int_equal(pw_mmap(world->mm, va, huge, RW, MAP_SHARED | MAP_FIXED, file, 0), va);
	fill(world, va, 1);
	pw_mm_write_lock(world->mm);
	assert_int_equal(pw_collapse_range(pw_vma_find(world->mm, va), va, va + huge - 1), 0);
	pw_mm_write_unlock(world->mm);
	taker.page = pa_at(world, va);
	assert_int_equal(pw_notifier_add(world->mm, &taker.notifier), 0);
	assert_int_equal(pw_split_folio(world->machine, taker.page), -EBUSY);
	assert_true(taker.taken);
	pw_notifier_remove(&taker.notifier);
	pw_folio_put(taker.arena, taker.page, 1);
	for (uint32_t i = 0; i < huge_pages(world); i++) {
		uint8_t byte = 0;

		assert_int_equal(pw_file_read(file, i * world->page + i % 64, &byte, 1), 1);
		assert_int_equal(byte, value_of(i));
	}
	check_fill(world, va, 1);
	unmap_huge(world, va, 1);
	pw_file_put(file);
}

static void test_shared_taken(void **state)
{
	(void)state;
	for_each_huge(&ALWAYS, check_shared_taken);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_leaf),         cmocka_unit_test(test_folio),
		cmocka_unit_test(test_none),         cmocka_unit_test(test_large),
		cmocka_unit_test(test_held),         cmocka_unit_test(test_unused),
		cmocka_unit_test(test_two),          cmocka_unit_test(test_taken_late),
		cmocka_unit_test(test_shared_taken),
	};

	mutant_choose(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
