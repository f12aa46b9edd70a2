/* SPDX-License-Identifier: MIT */
/* Memory that breaks: who notices, what is lost, and that nobody gets the frame again; on every format. */
#include "swap_test.h"

enum { PAGES = 4 };

/* Runs @test on each format. @test breaks @broken frames. */
static void for_each_broken(uint64_t broken, void (*test)(struct mm_world *world))
{
	const struct pw_format *format;

	for (size_t i = 0; (format = pw_format_at(i)); i++) {
		struct pw_machine_options options = { .huge = PW_HUGE_NEVER };
		struct temporary file;
		struct mm_world world;

		if (!pw_format_can_edit(format))
			continue;
		file = make_temporary();
		options.bytes = UINT64_C(256) << format->shift[0];
		options.swap = file.path;
		options.swap_bytes = UINT64_C(64) << format->shift[0];
		world = open_mm(format, &options);
		test(&world);
		close_broken(&world, broken);
		drop_temporary(&file);
	}
}

static pw_pa pa_at(const struct mm_world *world, pw_va va)
{
	return pw_arena_pa(pw_machine_arena(world->machine), frame_at(world, va));
}

static void check_faults(struct mm_world *world, pw_va va)
{
	uint64_t value;

	assert_false(pw_load_u64(world->cpu, va, &value));
	assert_int_equal(pw_cpu_fault(world->cpu)->kind, PW_FAULT_POISON);
	assert_false(pw_store_u64(world->cpu, va, 1));
	assert_int_equal(pw_cpu_fault(world->cpu)->kind, PW_FAULT_POISON);
}

/* Nobody gets @frame, however much is allocated. */
static void check_never(struct mm_world *world, uint32_t frame)
{
	struct pw_arena *arena = pw_machine_arena(world->machine);
	uint32_t first = PW_NO_FRAME;
	pw_pa pa;

	while (pw_folio_alloc(arena, 0, PW_FOLIO_SHARED, 0, 0, &pa) == 0) {
		uint32_t found = pw_arena_frame(arena, pa);

		assert_int_not_equal(found, frame);
		pw_page_of(world->machine, found)->spare = first;
		first = found;
	}
	while (first != PW_NO_FRAME) {
		uint32_t next = (uint32_t)pw_page_of(world->machine, first)->spare;

		pw_page_put(world->machine, first, 1);
		first = next;
	}
}

enum { ADVICE_HWPOISON = 100, ADVICE_SOFT_OFFLINE = 101 };

/* madvise: page by page, as with pw_poison. */
static void check_advice(struct mm_world *world)
{
	const pw_va va = map_anon(world, PAGES, RW_PROT);
	uint32_t frame;

	store_pattern(world, va, PAGES);
	frame = frame_at(world, va + world->page);
	assert_int_equal(pw_madvise(world->mm, va + world->page, world->page, ADVICE_HWPOISON), 0);
	check_faults(world, va + world->page);
	assert_int_equal(load_at(world, va), pattern(0));
	assert_int_equal(load_at(world, va + 2 * world->page), pattern(2));
	assert_int_equal(pw_madvise(world->mm, va, 2 * world->page, ADVICE_SOFT_OFFLINE), -EFAULT);
	check_never(world, frame);
	unmap_all(world, va, PAGES);
	assert_int_equal(pw_madvise(world->mm, va, world->page, ADVICE_HWPOISON), -EFAULT);
}

static void test_advice(void **state)
{
	(void)state;
	for_each_broken(2, check_advice);
}

/* Soft: the page moves, and nothing is lost. A page that is pinned stays, and so does its frame. */
static void check_soft(struct mm_world *world)
{
	const pw_va va = map_anon(world, PAGES, RW_PROT);
	struct pw_reader *reader = pw_cpu_reader(world->cpu);
	uint32_t frame[2];
	pw_pa pa;

	store_pattern(world, va, PAGES);
	frame[0] = frame_at(world, va);
	frame[1] = frame_at(world, va + world->page);
	assert_int_equal(pw_madvise(world->mm, va, 2 * world->page, ADVICE_SOFT_OFFLINE), 0);
	check_pattern(world, va, PAGES);
	assert_int_not_equal(frame_at(world, va), frame[0]);
	check_never(world, frame[0]);
	check_never(world, frame[1]);
	assert_int_equal(pw_poison(world->machine, pw_arena_pa(world->machine->arena, frame[0])),
			 -EHWPOISON);
	assert_int_equal(pw_pin(world->cpu, va, 1, PW_PIN_WRITE, &pa, NULL), 1);
	assert_int_equal(pw_madvise(world->mm, va, world->page, ADVICE_SOFT_OFFLINE), -EBUSY);
	check_pattern(world, va, PAGES);
	pw_unpin_pages(reader, &pa, 1, PW_PIN_WRITE, true);
	unmap_all(world, va, PAGES);
}

static void test_soft(void **state)
{
	(void)state;
	for_each_broken(2, check_soft);
}

static void check_anonymous(struct mm_world *world)
{
	pw_va va = map_anon(world, PAGES, RW_PROT);
	pw_pa page, pa;

	store_pattern(world, va, PAGES);
	pa = pa_at(world, va + world->page);
	assert_int_equal(pw_poison(world->machine, pa), 0);
	assert_int_equal(pw_poison(world->machine, pa), -EHWPOISON);
	check_faults(world, va + world->page);
	/* Its neighbours are as before, and a pin says why it fails. */
	check_pattern(world, va, 1);
	check_pattern(world, va + 0, 1);
	assert_int_equal(load_at(world, va + 2 * world->page), pattern(2));
	assert_int_equal(pw_pin(world->cpu, va + world->page, 1, PW_PIN_HWPOISON, &page, NULL),
			 -EHWPOISON);
	assert_int_equal(info_of(world).poisoned, 1);
	unmap_all(world, va, PAGES);
	check_never(world, pw_arena_frame(pw_machine_arena(world->machine), pa));
	/* A new page at the same place is good. */
	va = map_anon(world, PAGES, RW_PROT);
	store_pattern(world, va, PAGES);
	check_pattern(world, va, PAGES);
	unmap_all(world, va, PAGES);
}

static void test_anonymous(void **state)
{
	(void)state;
	for_each_broken(1, check_anonymous);
}

static void check_free_frame(struct mm_world *world)
{
	struct pw_arena *arena = pw_machine_arena(world->machine);
	uint32_t frame = arena->frames - 1;

	assert_int_equal(pw_page_references(world->machine, frame), 0);
	assert_int_equal(pw_poison(world->machine, pw_arena_pa(arena, frame)), 0);
	assert_int_equal(pw_poison(world->machine, pw_arena_pa(arena, frame)), -EHWPOISON);
	assert_int_equal(pw_poison(world->machine, pw_arena_zero_page(arena)), -EBUSY);
	assert_int_equal(pw_poison(world->machine, arena->base + arena->bytes), -EINVAL);
	check_never(world, frame);
}

static void test_free_frame(void **state)
{
	(void)state;
	for_each_broken(1, check_free_frame);
}

static void check_pinned(struct mm_world *world)
{
	pw_va va = map_anon(world, PAGES, RW_PROT);
	pw_pa page;

	store_pattern(world, va, PAGES);
	assert_int_equal(pw_pin(world->cpu, va, 1, PW_PIN_WRITE, &page, NULL), 1);
	/* It is taken from everybody but the holder of the pin. */
	assert_int_equal(pw_poison(world->machine, page), -EBUSY);
	check_faults(world, va);
	assert_int_equal(*(uint64_t *)(void *)byte_at(world, page), pattern(0));
	pw_unpin_pages(pw_cpu_reader(world->cpu), &page, 1, PW_PIN_WRITE, false);
	check_never(world, pw_arena_frame(pw_machine_arena(world->machine), page));
	unmap_all(world, va, PAGES);
}

static void test_pinned(void **state)
{
	(void)state;
	for_each_broken(1, check_pinned);
}

/* In the swap cache, and the same as its slot: mapped it is lost, by a swap entry it is read again. */
static void check_swap_cache(struct mm_world *world)
{
	pw_va va = map_anon(world, 1, RW_PROT);
	uint32_t frame, slot;

	store_pattern(world, va, 1);
	reclaim_all(world);
	slot = (uint32_t)slot_at(world, world->mm, va).soft.offset;
	assert_int_equal(pw_swap_in(world->machine, slot, false, &frame), 0);
	pw_page_put(world->machine, frame, 1);
	assert_int_equal(
		pw_poison(world->machine, pw_arena_pa(pw_machine_arena(world->machine), frame)), 0);
	check_pattern(world, va, 1);
	assert_int_not_equal(frame_at(world, va), frame);
	unmap_all(world, va, 1);
	check_never(world, frame);
	check_slots(world);
}

static void test_swap_cache(void **state)
{
	(void)state;
	for_each_broken(1, check_swap_cache);
}

static void check_shared(struct mm_world *world)
{
	struct pw_file *file;
	pw_va va, other;

	assert_int_equal(pw_shmem_create(world->machine, PAGES * world->page, &file, NULL), 0);
	va = map_file(world, file, PAGES, RW_PROT, MAP_SHARED);
	other = map_file(world, file, PAGES, RW_PROT, MAP_SHARED);
	store_pattern(world, va, PAGES);
	check_pattern(world, other, 1);
	assert_int_equal(pw_poison(world->machine, pa_at(world, va)), 0);
	check_faults(world, va);
	check_faults(world, other);
	/* A mapping that never touched it meets it in the cache. */
	unmap_all(world, other, PAGES);
	other = map_file(world, file, PAGES, RW_PROT, MAP_SHARED);
	check_faults(world, other);
	assert_int_equal(load_at(world, other + world->page), pattern(1));
	unmap_all(world, va, PAGES);
	unmap_all(world, other, PAGES);
	pw_file_put(file);
}

static void test_shared(void **state)
{
	(void)state;
	for_each_broken(1, check_shared);
}

static void check_file(struct mm_world *world)
{
	struct temporary host = make_temporary();
	struct pw_file *file;
	pw_va va;
	pw_pa pa;

	assert_int_equal(ftruncate(host.fd, (off_t)(PAGES * world->page)), 0);
	assert_int_equal(pw_file_open(world->machine, host.fd, &file, NULL), 0);
	va = map_file(world, file, PAGES, RW_PROT, MAP_SHARED);
	store_pattern(world, va, PAGES);
	assert_int_equal(pw_file_sync(file), 0);
	/* Clean: the file has the content still. */
	assert_int_equal(pw_poison(world->machine, pa_at(world, va)), 0);
	check_pattern(world, va, PAGES);
	/* Dirty: what was written is lost, and the file says so once. */
	store_at(world, va + world->page, 1);
	pa = pa_at(world, va + world->page);
	assert_int_equal(pw_poison(world->machine, pa), 0);
	check_faults(world, va + world->page);
	assert_int_equal(pw_file_sync(file), -EIO);
	assert_int_equal(pw_file_sync(file), 0);
	check_pattern(world, va, 1);
	unmap_all(world, va, PAGES);
	check_never(world, pw_arena_frame(pw_machine_arena(world->machine), pa));
	pw_file_put(file);
	drop_temporary(&host);
}

static void test_file(void **state)
{
	(void)state;
	for_each_broken(2, check_file);
}

/* A table breaks: nothing can be done, and nothing else is harmed. */
static void check_table(struct mm_world *world)
{
	pw_va va = map_anon(world, 1, RW_PROT);
	struct pw_arena *arena = pw_machine_arena(world->machine);
	uint64_t root[PW_MAX_ROOTS];
	unsigned tables = 0;

	store_at(world, va, 4);
	(void)root;
	for (uint32_t frame = 0; frame < arena->frames; frame++) {
		if (pw_page_references(world->machine, frame) == 0 ||
		    pw_folio_kind_of(arena, frame) != PW_FOLIO_NONE)
			continue;
		tables += pw_poison(world->machine, pw_arena_pa(arena, frame)) == -EBUSY;
		break;
	}
	assert_int_equal(tables, 1);
	assert_int_equal(load_at(world, va), 4);
	unmap_all(world, va, 1);
}

static void test_table(void **state)
{
	(void)state;
	/* The zero page comes first: it is refused, and stays what it is. */
	for_each_broken(0, check_table);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_advice),    cmocka_unit_test(test_soft),
		cmocka_unit_test(test_anonymous), cmocka_unit_test(test_free_frame),
		cmocka_unit_test(test_pinned),    cmocka_unit_test(test_swap_cache),
		cmocka_unit_test(test_shared),    cmocka_unit_test(test_file),
		cmocka_unit_test(test_table),
	};

	mutant_choose(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
