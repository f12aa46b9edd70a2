/* SPDX-License-Identifier: MIT */
/* Faults on anonymous memory, copy on write, and what a fault is answered where nothing helps. */
#include <signal.h>

#include "mm_test.h"

/* Loads and stores as a thread of @mm does. */
static unsigned char peek(struct pw_mm *mm, pw_va va)
{
	struct pw_vcpu *cpu;
	uint8_t byte = 0;

	assert_int_equal(pw_cpu_create(mm, &cpu), 0);
	assert_true(pw_load_u8(cpu, va, &byte));
	pw_cpu_destroy(cpu);
	return byte;
}

static void poke(struct pw_mm *mm, pw_va va, unsigned char byte)
{
	struct pw_vcpu *cpu;

	assert_int_equal(pw_cpu_create(mm, &cpu), 0);
	assert_true(pw_store_u8(cpu, va, byte));
	pw_cpu_destroy(cpu);
}

/* The physical page behind an address, without a fault; ~0 if there is none. */
static pw_pa page_at(struct pw_mm *mm, pw_va va)
{
	struct pw_slot slot;

	pw_table_look(mm, va, &slot);
	pw_table_unlock(mm, 1, va);
	return slot.kind == PW_SLOT_PAGE ? slot.pa : ~(pw_pa)0;
}

static void zero_page(struct mm_world *world)
{
	struct pw_arena *arena = pw_machine_arena(world->machine);
	pw_va va = map_anon(world, 2, PROT_READ | PROT_WRITE);
	uint64_t before = pw_arena_free_bytes(arena);
	pw_pa first;

	assert_int_equal(pw_mm_fault(world->mm, va, PW_ACCESS_READ, NULL), PW_FAULT_DONE);
	assert_int_equal(page_at(world->mm, va), pw_arena_zero_page(arena));
	/* A write takes a page of its own; its neighbour stays as it was. */
	assert_int_equal(pw_mm_fault(world->mm, va, PW_ACCESS_WRITE, NULL), PW_FAULT_DONE);
	first = page_at(world->mm, va);
	assert_true(first != pw_arena_zero_page(arena) && first != ~(pw_pa)0);
	for (uint64_t i = 0; i < world->page; i++)
		assert_int_equal(byte_at(world, first)[i], 0);
	assert_true(page_at(world->mm, va + world->page) == ~(pw_pa)0);
	assert_true(pw_arena_free_bytes(arena) < before);
	assert_int_equal(pw_munmap(world->mm, va, 2 * world->page), 0);
}

static void test_zero_page(void **state)
{
	(void)state;
	for_each_mm(zero_page);
}

static void expect_fault(struct pw_mm *mm, pw_va va, enum pw_access_kind access,
			 enum pw_fault_kind kind, int code)
{
	struct pw_fault fault;

	assert_int_equal(pw_mm_fault(mm, va, access, &fault), kind);
	assert_int_equal(fault.kind, kind);
	assert_int_equal(fault.va, va);
	assert_int_equal(fault.signal, SIGSEGV);
	assert_int_equal(fault.code, code);
}

static void refused(struct mm_world *world)
{
	pw_va va = map_anon(world, 3, PROT_READ);

	expect_fault(world->mm, va + 1, PW_ACCESS_WRITE, PW_FAULT_ACCERR, SEGV_ACCERR);
	expect_fault(world->mm, va, PW_ACCESS_EXEC, PW_FAULT_ACCERR, SEGV_ACCERR);
	assert_int_equal(pw_mprotect(world->mm, va, world->page, PROT_NONE), 0);
	expect_fault(world->mm, va, PW_ACCESS_READ, PW_FAULT_ACCERR, SEGV_ACCERR);
	assert_int_equal(pw_munmap(world->mm, va + world->page, world->page), 0);
	expect_fault(world->mm, va + world->page, PW_ACCESS_READ, PW_FAULT_MAPERR, SEGV_MAPERR);
	assert_int_equal(pw_munmap(world->mm, va, 3 * world->page), 0);
	expect_fault(world->mm, va, PW_ACCESS_READ, PW_FAULT_MAPERR, SEGV_MAPERR);
}

static void test_refused(void **state)
{
	(void)state;
	for_each_mm(refused);
}

/* Memory runs out, and that is said; what was there stays. */
static void out_of_memory(struct mm_world *world)
{
	enum { PAGES = 160 };
	struct pw_machine_info info;
	uint64_t done = 0;
	pw_sva place = pw_mmap(world->mm, 0, PAGES * world->page, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, NULL, 0);
	pw_va va = (pw_va)place;

	assert_false(pw_is_error(place));
	while (done < PAGES && pw_mm_fault(world->mm, va + done * world->page, PW_ACCESS_WRITE,
					   NULL) == PW_FAULT_DONE)
		done++;
	assert_true(done > PAGES / 4 && done < PAGES);
	pw_machine_info(world->machine, &info);
	assert_int_equal(info.oom, 1);
	poke(world->mm, va, 7);
	assert_int_equal(peek(world->mm, va), 7);
	assert_int_equal(pw_munmap(world->mm, va, PAGES * world->page), 0);
	va = map_anon(world, 1, PROT_READ | PROT_WRITE);
	poke(world->mm, va, 1);
}

static void test_out_of_memory(void **state)
{
	const struct pw_format *format;

	(void)state;
	for (size_t i = 0; (format = pw_format_at(i)); i++) {
		const struct pw_machine_options options = { .bytes = UINT64_C(128)
								     << format->shift[0] };
		struct mm_world world;

		if (!pw_format_can_edit(format))
			continue;
		world = open_mm(format, &options);
		out_of_memory(&world);
		close_mm(&world);
	}
}

/* ---- fork ---- */

static struct pw_mm *fork_of(struct pw_mm *mm)
{
	struct pw_mm *child;

	assert_int_equal(pw_mm_fork(mm, &child, NULL), 0);
	return child;
}

static void copies(struct mm_world *world)
{
	pw_va va = map_anon(world, 4, PROT_READ | PROT_WRITE);
	struct pw_machine_info info;
	struct pw_mm *child;

	for (unsigned i = 0; i < 3; i++)
		poke(world->mm, va + i * world->page, (unsigned char)(10 + i));
	child = fork_of(world->mm);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(peek(child, va + i * world->page), i < 3 ? 10 + i : 0);
	assert_int_equal(page_at(child, va), page_at(world->mm, va));
	poke(world->mm, va, 20);
	poke(child, va + world->page, 31);
	assert_int_equal(peek(world->mm, va), 20);
	assert_int_equal(peek(child, va), 10);
	assert_int_equal(peek(world->mm, va + world->page), 11);
	assert_int_equal(peek(child, va + world->page), 31);
	pw_machine_info(world->machine, &info);
	assert_int_equal(info.cow_copies, 2);
	pw_mm_destroy(child);
	/* The child is gone: the page is the parent's alone, so a write needs no copy. */
	poke(world->mm, va + 2 * world->page, 42);
	pw_machine_info(world->machine, &info);
	assert_int_equal(info.cow_copies, 2);
	assert_true(info.cow_reuses >= 1);
	assert_int_equal(peek(world->mm, va + 2 * world->page), 42);
}

static void test_copies(void **state)
{
	(void)state;
	for_each_mm(copies);
}

/* The parent has pinned a page: its holder goes on seeing what the parent sees. */
static void pinned(struct mm_world *world)
{
	pw_va va = map_anon(world, 2, PROT_READ | PROT_WRITE);
	struct pw_mm *child;
	pw_pa page[1];

	poke(world->mm, va, 1);
	poke(world->mm, va + world->page, 2);
	assert_int_equal(pw_pin(world->cpu, va, 1, PW_PIN_WRITE, page, NULL), 1);
	child = fork_of(world->mm);
	assert_int_equal(page_at(world->mm, va), page[0]);
	assert_true(page_at(child, va) != page[0]);
	assert_int_equal(page_at(child, va + world->page), page_at(world->mm, va + world->page));
	*byte_at(world, page[0]) = 99;
	assert_int_equal(peek(world->mm, va), 99);
	assert_int_equal(peek(child, va), 1);
	poke(world->mm, va, 100);
	assert_int_equal(*byte_at(world, page[0]), 100);
	pw_unpin_pages(pw_cpu_reader(world->cpu), page, 1, PW_PIN_WRITE, true);
	pw_mm_destroy(child);
}

static void test_pinned(void **state)
{
	(void)state;
	for_each_mm(pinned);
}

/* A tree of forks: everybody has what was there when they came into being, and their own writes. */
static void generations(struct mm_world *world)
{
	enum { DEPTH = 5 };
	pw_va va = map_anon(world, DEPTH, PROT_READ | PROT_WRITE);
	struct pw_mm *mm[DEPTH] = { world->mm };

	for (unsigned i = 0; i < DEPTH; i++) {
		poke(mm[i], va + i * world->page, (unsigned char)(i + 1));
		if (i + 1 < DEPTH)
			mm[i + 1] = fork_of(mm[i]);
	}
	for (unsigned i = 0; i < DEPTH; i++)
		for (unsigned p = 0; p < DEPTH; p++)
			assert_int_equal(peek(mm[i], va + p * world->page), p <= i ? p + 1 : 0);
	for (unsigned i = 0; i < DEPTH; i++)
		poke(mm[i], va, (unsigned char)(100 + i));
	for (unsigned i = 0; i < DEPTH; i++)
		assert_int_equal(peek(mm[i], va), 100 + i);
	/* Not in the order of birth. */
	for (unsigned i = 1; i < DEPTH; i += 2)
		pw_mm_destroy(mm[i]);
	for (unsigned i = 2; i < DEPTH; i += 2) {
		assert_int_equal(peek(mm[i], va + i * world->page), i + 1);
		pw_mm_destroy(mm[i]);
	}
}

static void test_generations(void **state)
{
	(void)state;
	for_each_mm(generations);
}

static void advised(struct mm_world *world)
{
	pw_va va = map_anon(world, 3, PROT_READ | PROT_WRITE);
	struct pw_fault fault;
	struct pw_mm *child;

	for (unsigned i = 0; i < 3; i++)
		poke(world->mm, va + i * world->page, 5);
	assert_int_equal(pw_madvise(world->mm, va, world->page, MADV_DONTFORK), 0);
	assert_int_equal(pw_madvise(world->mm, va + world->page, world->page, MADV_WIPEONFORK), 0);
	child = fork_of(world->mm);
	assert_int_equal(pw_mm_fault(child, va, PW_ACCESS_READ, &fault), PW_FAULT_MAPERR);
	assert_int_equal(peek(child, va + world->page), 0);
	assert_int_equal(peek(child, va + 2 * world->page), 5);
	assert_int_equal(peek(world->mm, va + world->page), 5);
	pw_mm_destroy(child);
}

static void test_advised(void **state)
{
	(void)state;
	for_each_mm(advised);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_zero_page),     cmocka_unit_test(test_refused),
		cmocka_unit_test(test_out_of_memory), cmocka_unit_test(test_copies),
		cmocka_unit_test(test_pinned),        cmocka_unit_test(test_generations),
		cmocka_unit_test(test_advised),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
