/* SPDX-License-Identifier: MIT */
/* Frames and counts that cpus have at hand: they are counted when somebody asks, and memory is short only without them. */
#include "folio/stock.h"

#include <pthread.h>

#include "mm/cpu/cpu_inside.h"
#include "mm_test.h"
#include "mutants/choose.h"

enum { CPUS = 3, PAGES = 40, ROUNDS = 50, PAGE_FRAMES = 4096 / sizeof(struct pw_frame) };

/*
 * A world with stocks. Formats with base pages of 4 KiB need the least memory for one; and memory is not poisoned, so
 * that the host gives only what is written.
 */
static struct mm_world open_large(const char *name)
{
	const struct pw_format *format = pw_format_find(name);
	const struct pw_machine_options options = {
		.format = format,
		.huge = PW_HUGE_NEVER,
		.bytes = (uint64_t)PW_STOCK_ARENA << format->shift[0],
	};
	struct mm_world world = { .format = format, .page = UINT64_C(1) << format->shift[0] };

	assert_int_equal(pw_machine_create(&options, &world.machine, NULL), 0);
	world.free = pw_arena_free_bytes(pw_machine_arena(world.machine));
	assert_int_equal(pw_mm_create(world.machine, &world.mm, NULL), 0);
	assert_int_equal(pw_cpu_create(world.mm, &world.cpu), 0);
	return world;
}

static void for_each_large(void (*test)(struct mm_world *world))
{
	static const char *const names[] = { "x86_64", "arm64_4k_48", "riscv_sv39" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct mm_world world = open_large(names[i]);

		test(&world);
		close_mm(&world);
	}
}

static void touch(struct mm_world *world, struct pw_vcpu *cpu, pw_va va, uint64_t pages)
{
	for (uint64_t i = 0; i < pages; i++)
		assert_true(pw_store_u8(cpu, va + i * world->page, (uint8_t)i));
}

/* PAGES pages for each cpu. One more page comes first, so that all tables are there. */
static pw_va touch_all(struct mm_world *world, struct pw_vcpu *cpu[CPUS])
{
	pw_va va = map_anon(world, 1 + CPUS * PAGES, PROT_READ | PROT_WRITE);

	touch(world, world->cpu, va, 1);
	for (unsigned i = 0; i < CPUS; i++) {
		assert_int_equal(pw_cpu_create(world->mm, &cpu[i]), 0);
		touch(world, cpu[i], va + (1 + i * PAGES) * world->page, PAGES);
	}
	return va;
}

static void drop_all(struct mm_world *world, struct pw_vcpu *cpu[CPUS], pw_va va)
{
	assert_int_equal(pw_munmap(world->mm, va, (1 + CPUS * PAGES) * world->page), 0);
	for (unsigned i = 0; i < CPUS; i++)
		pw_cpu_destroy(cpu[i]);
}

static uint32_t in_stocks(const struct mm_world *world)
{
	const struct pw_stock *stock = pw_machine_arena(world->machine)->stock;
	uint32_t frames = 0;

	for (unsigned i = 0; i < PW_STOCKS; i++)
		frames += stock[i].count;
	return frames;
}

static void exact(struct mm_world *world)
{
	struct pw_arena *arena = pw_machine_arena(world->machine);
	struct pw_machine_info before, after;
	struct pw_vcpu *cpu[CPUS];
	struct pw_mm_info info;
	pw_va va;

	pw_machine_info(world->machine, &before);
	va = touch_all(world, cpu);
	pw_machine_info(world->machine, &after);
	assert_int_equal(after.faults - before.faults, 1 + CPUS * PAGES);
	pw_mm_info(world->mm, &info);
	assert_int_equal(info.anonymous, (1 + CPUS * PAGES) * world->page);
	assert_int_equal(after.free_bytes, pw_arena_free_bytes(arena));
	assert_int_equal(before.free_bytes - after.free_bytes,
			 info.anonymous + (after.tables - before.tables));
	/* The test would say nothing if faults took their frames elsewhere. */
	assert_true(in_stocks(world) > PW_STOCK_FRAMES);
	drop_all(world, cpu, va);
	pw_mm_info(world->mm, &info);
	assert_int_equal(info.anonymous, 0);
}

/* Takes all memory; returns how many frames that were. They are in a list through `spare`, which begins at *first_ret. */
static uint64_t take_all(struct mm_world *world, uint32_t *first_ret)
{
	uint64_t frames = 0;
	pw_pa pa;

	*first_ret = PW_NO_FRAME;
	while (pw_folio_alloc(pw_machine_arena(world->machine), 0, PW_FOLIO_NONE, 0, 0, &pa) == 0) {
		uint32_t frame = pw_arena_frame(pw_machine_arena(world->machine), pa);

		pw_page_of(world->machine, frame)->spare = *first_ret;
		*first_ret = frame;
		frames++;
	}
	return frames;
}

static void give_all(struct mm_world *world, uint32_t first)
{
	while (first != PW_NO_FRAME) {
		uint32_t next = (uint32_t)pw_page_of(world->machine, first)->spare;

		pw_page_put(world->machine, first, 1);
		first = next;
	}
}

static void last_frame(struct mm_world *world)
{
	struct pw_arena *arena = pw_machine_arena(world->machine);
	struct pw_vcpu *cpu[CPUS];
	pw_va va = touch_all(world, cpu), other = map_anon(world, 1, PROT_READ | PROT_WRITE);
	uint64_t free = pw_arena_free_bytes(arena);
	uint32_t first;

	assert_true(in_stocks(world) > 0);
	assert_int_equal(take_all(world, &first) * world->page, free);
	assert_int_equal(pw_arena_free_bytes(arena), 0);
	assert_false(pw_store_u8(world->cpu, other, 1));
	assert_int_equal(pw_cpu_fault(world->cpu)->kind, PW_FAULT_OOM);
	give_all(world, first);
	assert_true(pw_store_u8(world->cpu, other, 1));
	assert_int_equal(pw_munmap(world->mm, other, world->page), 0);
	drop_all(world, cpu, va);
}

/* A frame in a stock is free: if its memory breaks, nobody gets it. */
static void broken(struct mm_world *world)
{
	struct pw_arena *arena = pw_machine_arena(world->machine);
	struct pw_vcpu *cpu[CPUS];
	pw_va va = touch_all(world, cpu);
	const uint32_t frame = arena->stock[cpu[0]->near % PW_STOCKS].frame[0];
	const uint64_t free = pw_arena_free_bytes(arena);
	uint32_t first;

	assert_int_equal(pw_poison(world->machine, pw_arena_pa(arena, frame)), 0);
	assert_int_equal(pw_arena_free_bytes(arena), free - world->page);
	take_all(world, &first);
	for (uint32_t i = first; i != PW_NO_FRAME;
	     i = (uint32_t)pw_page_of(world->machine, i)->spare)
		assert_int_not_equal(i, frame);
	give_all(world, first);
	drop_all(world, cpu, va);
	world->free -= world->page;
}

/* The frame of the page at @va. */
static uint32_t frame_at(struct mm_world *world, pw_va va)
{
	struct pw_slot slot;

	pw_slot_find(world->mm->space, va, &slot);
	assert_int_equal(slot.kind, PW_SLOT_PAGE);
	return pw_arena_frame(pw_machine_arena(world->machine), slot.pa);
}

/*
 * Of the frames of two ranges of @pages pages: how many have their description in a page of 4 KiB that is rather the
 * other range's.
 */
static uint64_t astray(struct mm_world *world, pw_va a, pw_va b, uint64_t pages)
{
	static uint64_t count[PW_STOCK_ARENA / PAGE_FRAMES][2];
	const size_t groups = sizeof(count) / sizeof(count[0]);
	uint64_t sum = 0;

	memset(count, 0, sizeof(count));
	for (uint64_t i = 0; i < pages; i++) {
		count[frame_at(world, a + i * world->page) / PAGE_FRAMES][0]++;
		count[frame_at(world, b + i * world->page) / PAGE_FRAMES][1]++;
	}
	for (size_t i = 0; i < groups; i++)
		sum += count[i][0] < count[i][1] ? count[i][0] : count[i][1];
	return sum;
}

/* Cpus that fault in turns write to descriptions in different pages, but for the small blocks that they begin with. */
static void apart(struct mm_world *world)
{
	const uint64_t fills = 8, pages = fills * PAGE_FRAMES;
	pw_va va = map_anon(world, 2 * pages, PROT_READ | PROT_WRITE), other;
	struct pw_vcpu *cpu;

	other = va + pages * world->page;
	assert_int_equal(pw_cpu_create(world->mm, &cpu), 0);
	for (uint64_t i = 0; i < pages; i++) {
		touch(world, world->cpu, va + i * world->page, 1);
		touch(world, cpu, other + i * world->page, 1);
	}
	assert_in_range(astray(world, va, other, pages), 0, 2 * PAGE_FRAMES);
	assert_int_equal(pw_munmap(world->mm, va, 2 * pages * world->page), 0);
	pw_cpu_destroy(cpu);
}

/* A fill takes the smallest blocks first, so that large ones stay, and leaves as many frames free as it must. */
static void smallest_first(struct mm_world *world)
{
	struct pw_arena *arena = pw_machine_arena(world->machine);
	uint32_t frame[8], held[256], first, count = 0;
	pw_pa pa;

	/* The first frame of a large block: behind it, blocks of 1, 2, 4, ... frames are free. */
	do {
		assert_in_range(count, 0, 255);
		assert_int_equal(pw_folio_alloc(arena, 0, PW_FOLIO_NONE, 0, 0, &pa), 0);
		first = pw_arena_frame(arena, pa);
		held[count++] = first;
	} while (first % 64 != 0);
	assert_int_equal(pw_buddy_take(arena, frame, 8, arena->free_frames + 1), 0);
	/* The block of four would be split, and so would that of two in the second call. */
	assert_int_equal(pw_buddy_take(arena, frame, 8, arena->free_frames - 4), 3);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(frame[i], first + 3 - i);
	pw_buddy_give(arena, frame, 3);
	assert_int_equal(pw_buddy_take(arena, frame, 8, arena->free_frames - 1), 1);
	assert_int_equal(frame[0], first + 1);
	/* Nothing is there that need not be split. */
	assert_int_equal(pw_buddy_take(arena, frame + 1, 1, 1), 1);
	assert_int_equal(frame[1], first + 2);
	pw_buddy_give(arena, frame, 2);
	while (count > 0)
		pw_page_put(world->machine, held[--count], 1);
}

static void *faults(void *context)
{
	struct mm_world *world = context;
	struct pw_vcpu *cpu;

	assert_int_equal(pw_cpu_create(world->mm, &cpu), 0);
	for (unsigned i = 0; i < ROUNDS; i++) {
		pw_va va = map_anon(world, PAGES, PROT_READ | PROT_WRITE);

		touch(world, cpu, va, PAGES);
		assert_int_equal(pw_munmap(world->mm, va, PAGES * world->page), 0);
	}
	pw_cpu_destroy(cpu);
	return NULL;
}

/* Threads that fault, while memory is short now and then. */
static void threads(struct mm_world *world)
{
	struct pw_arena *arena = pw_machine_arena(world->machine);
	pthread_t thread[CPUS];

	for (unsigned i = 0; i < CPUS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, faults, world), 0);
	for (unsigned i = 0; i < ROUNDS; i++) {
		assert_true(pw_arena_free_bytes(arena) <= world->free);
		pw_stock_drain(arena);
	}
	for (unsigned i = 0; i < CPUS; i++)
		assert_int_equal(pthread_join(thread[i], NULL), 0);
}

static void test_exact(void **state)
{
	(void)state;
	for_each_large(exact);
}

static void test_last_frame(void **state)
{
	(void)state;
	for_each_large(last_frame);
}

static void test_broken(void **state)
{
	(void)state;
	for_each_large(broken);
}

static void test_apart(void **state)
{
	(void)state;
	for_each_large(apart);
}

static void test_smallest_first(void **state)
{
	(void)state;
	for_each_large(smallest_first);
}

static void test_threads(void **state)
{
	(void)state;
	for_each_large(threads);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exact),          cmocka_unit_test(test_last_frame),
		cmocka_unit_test(test_broken),         cmocka_unit_test(test_apart),
		cmocka_unit_test(test_smallest_first), cmocka_unit_test(test_threads),
	};

	mutant_choose(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
