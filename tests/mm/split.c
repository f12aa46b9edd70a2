/* SPDX-License-Identifier: MIT */
/* Huge leaves and folios that become small ones. */
#include "huge_test.h"
#include "mutants/choose.h"

enum { ADVICE_FREE = 8, ADVICE_COLD = 20, ADVICE_PAGEOUT = 21 };

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

static bool is_zero_page(const struct mm_world *world, pw_va va)
{
	return pw_folio_is_zero(world->machine->arena, frame_at(world, va));
}

/* What a split leaves of pages of which fill() wrote to every third: of the others, the page of zeros. */
static void check_thirds(const struct mm_world *world, pw_va va)
{
	for (uint32_t i = 0; i < huge_pages(world); i++) {
		const pw_va page = va + i * world->page;

		assert_int_equal(slot_at(world->mm, page).level, 0);
		assert_int_equal(is_zero_page(world, page), i % 3 != 0);
		if (!is_zero_page(world, page)) {
			assert_int_equal(order_at(world, page), 0);
			check_counts(world, page, 1);
		}
	}
}

static void check_folio(struct mm_world *world)
{
	const pw_va va = map_huge(world, 1);
	struct pw_machine_info info;

	fill(world, va, 3);
	assert_int_equal(pw_split_folio(world->machine, pa_at(world, va + 5 * world->page)), 0);
	check_thirds(world, va);
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
	check_thirds(world, va);
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

/*
 * Pages of zeros of a folio that is split go back to the free memory, in all who map them: but not where the VMA is locked.
 */
static void check_zeros(struct mm_world *world)
{
	struct pw_arena *arena = world->machine->arena;
	const uint32_t pages = huge_pages(world);
	const pw_va va = map_huge(world, 1);
	struct pw_mm *child;
	struct pw_vcpu *cpu;
	uint64_t before;
	uint8_t value = 1;

	put(world, va, 5);
	assert_int_equal(pw_mm_fork(world->mm, &child, NULL), 0);
	assert_int_equal(pw_cpu_create(child, &cpu), 0);
	pw_arena_drain(arena);
	before = pw_arena_free_bytes(arena);
	assert_int_equal(pw_split_folio(world->machine, pa_at(world, va)), 0);
	pw_arena_drain(arena);
	assert_true(pw_arena_free_bytes(arena) >= before + (pages - 8) * world->page);
	for (uint32_t i = 1; i < pages; i++) {
		assert_true(is_zero_page(world, va + i * world->page));
		assert_int_equal(slot_at(child, va + i * world->page).pa,
				 pw_arena_zero_page(arena));
	}
	assert_int_equal(get(world, va), 5);
	put(world, va + world->page, 6);
	assert_true(pw_load_u8(cpu, va + world->page, &value));
	assert_int_equal(value, 0);
	assert_int_equal(get(world, va + world->page), 6);
	pw_cpu_destroy(cpu);
	pw_mm_destroy(child);
	unmap_huge(world, va, 1);
}

static void check_locked_zeros(struct mm_world *world)
{
	const pw_va va = map_huge(world, 1);
	uint32_t frame;

	put(world, va, 5);
	assert_int_equal(pw_mlock(world->mm, va + world->page, world->page, 0), 0);
	frame = frame_at(world, va + world->page);
	assert_int_equal(pw_split_folio(world->machine, pa_at(world, va)), 0);
	assert_int_equal(order_at(world, va), 0);
	assert_int_equal(frame_at(world, va + world->page), frame);
	assert_true(is_zero_page(world, va + 2 * world->page));
	assert_int_equal(pw_munlock(world->mm, va + world->page, world->page), 0);
	unmap_huge(world, va, 1);
}

static void test_zeros(void **state)
{
	(void)state;
	for_each_huge(&ALWAYS, check_zeros);
	for_each_huge(&ALWAYS, check_locked_zeros);
}

/* The first @pages pages are as fill() has written them; the second may be empty. */
static void check_fill_of(struct mm_world *world, pw_va va, uint32_t pages,
			  bool second_may_be_empty)
{
	for (uint32_t i = 0; i < pages; i++) {
		const uint8_t value = get(world, va + i * world->page + i % 64);

		if (i != 1 || !second_may_be_empty || value != 0)
			assert_int_equal(value, value_of(i));
	}
}

/* Advice about a part splits the folio, for who maps it alone. */
static void check_advice(struct mm_world *world)
{
	static const int ADVICE[] = { ADVICE_COLD, ADVICE_PAGEOUT, ADVICE_FREE };
	struct pw_mm *child;

	for (size_t i = 0; i < sizeof ADVICE / sizeof *ADVICE; i++) {
		const pw_va va = map_huge(world, 1);

		fill(world, va, 1);
		assert_int_equal(pw_mm_fork(world->mm, &child, NULL), 0);
		/* As many entries as the folio has pages, but in two address spaces. */
		assert_int_equal(pw_munmap(child, va, huge_bytes(world) / 2), 0);
		assert_int_equal(
			pw_munmap(world->mm, va + huge_bytes(world) / 2, huge_bytes(world) / 2), 0);
		assert_int_equal(pw_madvise(world->mm, va, world->page, ADVICE[i]), 0);
		assert_int_not_equal(order_at(world, va), 0);
		pw_mm_destroy(child);
		assert_int_equal(pw_madvise(world->mm, va + world->page, world->page, ADVICE[i]),
				 0);
		assert_int_equal(order_at(world, va), 0);
		check_fill_of(world, va, huge_pages(world) / 2, ADVICE[i] == ADVICE_FREE);
		unmap_huge(world, va, 1);
	}
}

/* A leaf that a child has, too, stays one: what is given up of it could not go. */
static void check_free_shared(struct mm_world *world)
{
	const pw_va va = map_huge(world, 1);
	struct pw_mm *child;

	fill(world, va, 1);
	assert_int_equal(slot_at(world->mm, va).level, 1);
	assert_int_equal(pw_mm_fork(world->mm, &child, NULL), 0);
	if (slot_at(world->mm, va).level == 1) {
		assert_int_equal(pw_madvise(child, va + world->page, world->page, ADVICE_FREE), 0);
		assert_int_equal(slot_at(child, va).level, 1);
	}
	pw_mm_destroy(child);
	assert_int_equal(pw_madvise(world->mm, va + world->page, world->page, ADVICE_FREE), 0);
	assert_int_equal(order_at(world, va), 0);
	check_fill_of(world, va, huge_pages(world), true);
	unmap_huge(world, va, 1);
}

static void test_advice(void **state)
{
	(void)state;
	for_each_huge(&ALWAYS, check_advice);
	for_each_huge(&ALWAYS, check_free_shared);
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
		cmocka_unit_test(test_two),          cmocka_unit_test(test_zeros),
		cmocka_unit_test(test_advice),       cmocka_unit_test(test_taken_late),
		cmocka_unit_test(test_shared_taken),
	};

	mutant_choose(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
