/* SPDX-License-Identifier: MIT */
/* Pages that move: what follows, what stays where it is, and faults meanwhile, on every format. */
#include <pthread.h>

#include "swap_test.h"

enum { PAGES = 8 };

static pw_pa pa_at(const struct mm_world *world, pw_va va)
{
	return pw_arena_pa(pw_machine_arena(world->machine), frame_at(world, va));
}

static void check_moves(struct mm_world *world)
{
	pw_va va = map_anon(world, PAGES, RW_PROT);
	struct pw_machine_info before;

	store_pattern(world, va, PAGES);
	before = info_of(world);
	for (unsigned i = 0; i < PAGES; i++) {
		pw_pa pa = pa_at(world, va + i * world->page);

		assert_int_equal(pw_migrate(world->machine, pa), 0);
		assert_int_not_equal(pa_at(world, va + i * world->page), pa);
	}
	assert_int_equal(info_of(world).migrated - before.migrated, PAGES);
	assert_int_equal(info_of(world).free_bytes, before.free_bytes);
	check_pattern(world, va, PAGES);
	/* Writable as before: neither a fault nor a copy. */
	for (unsigned i = 0; i < PAGES; i++)
		store_at(world, va + i * world->page, i);
	assert_int_equal(info_of(world).cow_copies, before.cow_copies);
	for (unsigned i = 0; i < PAGES; i++) {
		assert_int_equal(load_at(world, va + i * world->page), i);
		assert_int_equal(
			*(uint64_t *)(void *)byte_at(world, pa_at(world, va + i * world->page)), i);
	}
	unmap_all(world, va, PAGES);
}

static void test_moves(void **state)
{
	(void)state;
	for_each_swap_mm(256, 64, check_moves);
}

/* Read-only and exclusive, before and after. */
static void check_protected(struct mm_world *world)
{
	pw_va va = map_anon(world, 1, RW_PROT);
	uint32_t frame;

	store_pattern(world, va, 1);
	assert_int_equal(pw_mprotect(world->mm, va, world->page, PROT_READ), 0);
	assert_int_equal(pw_migrate(world->machine, pa_at(world, va)), 0);
	assert_false(pw_store_u64(world->cpu, va, 1));
	assert_int_equal(pw_cpu_fault(world->cpu)->kind, PW_FAULT_ACCERR);
	check_pattern(world, va, 1);
	frame = frame_at(world, va);
	assert_int_equal(pw_mprotect(world->mm, va, world->page, RW_PROT), 0);
	store_at(world, va, 1);
	/* Kernels that have no type for it forget the exclusive bit; the page is still nobody else's. */
	assert_int_equal(frame_at(world, va), frame);
	unmap_all(world, va, 1);
}

static void test_protected(void **state)
{
	(void)state;
	for_each_swap_mm(256, 64, check_protected);
}

static void check_held(struct mm_world *world)
{
	struct pw_arena *arena = pw_machine_arena(world->machine);
	pw_va va = map_anon(world, 2, RW_PROT);
	pw_pa page, pa;

	store_pattern(world, va, 2);
	pa = pa_at(world, va);
	assert_int_equal(pw_pin(world->cpu, va, 1, PW_PIN_WRITE, &page, NULL), 1);
	assert_int_equal(pw_migrate(world->machine, pa), -EBUSY);
	assert_int_equal(pa_at(world, va), pa);
	assert_true(pw_folio_is_exclusive(arena, frame_at(world, va)));
	pw_unpin_pages(pw_cpu_reader(world->cpu), &page, 1, PW_PIN_WRITE, true);
	/* A reference is enough. The entry is as before, too. */
	assert_true(pw_folio_get(arena, pa, 1));
	assert_int_equal(pw_migrate(world->machine, pa), -EBUSY);
	assert_int_equal(pa_at(world, va), pa);
	assert_true(slot_at(world, world->mm, va).attr & PW_WRITE);
	assert_true(pw_folio_is_exclusive(arena, frame_at(world, va)));
	pw_folio_put(arena, pa, 1);
	check_pattern(world, va, 2);
	assert_int_equal(pw_migrate(world->machine, pa), 0);
	check_pattern(world, va, 2);
	assert_int_equal(info_of(world).migrate_failed, 2);
	unmap_all(world, va, 2);
}

static void test_held(void **state)
{
	(void)state;
	for_each_swap_mm(256, 64, check_held);
}

static void check_refused(struct mm_world *world)
{
	struct pw_arena *arena = pw_machine_arena(world->machine);
	pw_va va = map_anon(world, 1, RW_PROT);
	struct pw_file *file;
	pw_va secret;

	assert_int_equal(pw_migrate(world->machine, pw_arena_zero_page(arena)), -EBUSY);
	assert_int_equal(pw_migrate(world->machine, arena->base + arena->bytes), -EINVAL);
	assert_int_equal(pw_migrate(NULL, 0), -EINVAL);
	store_at(world, va, 1);
	/* All frames: tables, free ones, and what can be moved. */
	for (uint32_t frame = 0; frame < arena->frames; frame++)
		pw_migrate(world->machine, pw_arena_pa(arena, frame));
	assert_int_equal(load_at(world, va), 1);
	assert_int_equal(pw_secret_create(world->machine, world->page, &file, NULL), 0);
	secret = map_file(world, file, 1, RW_PROT, MAP_SHARED);
	store_at(world, secret, 2);
	assert_int_equal(pw_migrate(world->machine, pa_at(world, secret)), -EBUSY);
	assert_int_equal(load_at(world, secret), 2);
	unmap_all(world, secret, 1);
	pw_file_put(file);
	unmap_all(world, va, 1);
}

static void test_refused(void **state)
{
	(void)state;
	for_each_swap_mm(256, 64, check_refused);
}

/* Both spaces follow, and still share. */
static void check_fork(struct mm_world *world)
{
	pw_va va = map_anon(world, 2, RW_PROT);
	struct pw_vcpu *cpu;
	struct pw_mm *child;
	uint64_t value = 0;
	pw_pa pa;

	store_pattern(world, va, 2);
	assert_int_equal(pw_mm_fork(world->mm, &child, NULL), 0);
	assert_int_equal(pw_cpu_create(child, &cpu), 0);
	pa = pa_at(world, va);
	assert_int_equal(pw_migrate(world->machine, pa), 0);
	assert_int_not_equal(pa_at(world, va), pa);
	assert_int_equal(slot_at(world, child, va).pa, pa_at(world, va));
	assert_false(pw_folio_is_exclusive(pw_machine_arena(world->machine), frame_at(world, va)));
	assert_true(pw_store_u64(cpu, va, 1));
	check_pattern(world, va, 2);
	assert_true(pw_load_u64(cpu, va, &value));
	assert_int_equal(value, 1);
	pw_cpu_destroy(cpu);
	pw_mm_destroy(child);
	unmap_all(world, va, 2);
}

static void test_fork(void **state)
{
	(void)state;
	for_each_swap_mm(256, 64, check_fork);
}

/* ---- caches ---- */

static void check_shared(struct mm_world *world)
{
	struct pw_file *file;
	uint64_t word = 0;
	pw_va va, other;

	assert_int_equal(pw_shmem_create(world->machine, PAGES * world->page, &file, NULL), 0);
	va = map_file(world, file, PAGES, RW_PROT, MAP_SHARED);
	other = map_file(world, file, PAGES, PROT_READ, MAP_SHARED);
	store_pattern(world, va, PAGES);
	check_pattern(world, other, PAGES);
	for (unsigned i = 0; i < PAGES; i++)
		assert_int_equal(pw_migrate(world->machine, pa_at(world, va + i * world->page)), 0);
	assert_int_equal(frame_at(world, va), frame_at(world, other));
	check_pattern(world, other, PAGES);
	store_at(world, va, 6);
	assert_int_equal(load_at(world, other), 6);
	assert_int_equal(pw_file_read(file, 0, &word, 8), 8);
	assert_int_equal(word, 6);
	assert_false(pw_store_u64(world->cpu, other, 1));
	unmap_all(world, va, PAGES);
	unmap_all(world, other, PAGES);
	/* A page that nobody maps moves as well. */
	assert_int_equal(pw_file_read(file, world->page, &word, 8), 8);
	assert_int_equal(word, pattern(1));
	pw_file_put(file);
}

static void test_shared(void **state)
{
	(void)state;
	for_each_swap_mm(256, 64, check_shared);
}

static void check_file(struct mm_world *world)
{
	struct temporary host = make_temporary();
	struct pw_file *file;
	uint64_t word = 0;
	pw_va va;

	assert_int_equal(ftruncate(host.fd, (off_t)(2 * world->page)), 0);
	assert_int_equal(pw_file_open(world->machine, host.fd, &file, NULL), 0);
	va = map_file(world, file, 2, RW_PROT, MAP_SHARED);
	store_pattern(world, va, 2);
	/* It is dirty, and stays so. */
	assert_int_equal(pw_migrate(world->machine, pa_at(world, va)), 0);
	check_pattern(world, va, 2);
	assert_int_equal(pw_file_sync(file), 0);
	assert_int_equal(pread(host.fd, &word, 8, 0), 8);
	assert_int_equal(word, pattern(0));
	unmap_all(world, va, 2);
	pw_file_put(file);
	drop_temporary(&host);
}

static void test_file(void **state)
{
	(void)state;
	for_each_swap_mm(256, 64, check_file);
}

static void check_swap_cache(struct mm_world *world)
{
	pw_va va = map_anon(world, 2, RW_PROT);
	uint32_t frame;

	store_pattern(world, va, 2);
	reclaim_all(world);
	check_pattern(world, va, 2);
	assert_int_not_equal(pw_page_of(world->machine, frame_at(world, va))->swap, 0);
	assert_int_equal(pw_migrate(world->machine, pa_at(world, va)), 0);
	frame = frame_at(world, va);
	assert_int_not_equal(pw_page_of(world->machine, frame)->swap, 0);
	check_pattern(world, va, 2);
	store_at(world, va, 8);
	assert_int_equal(frame_at(world, va), frame);
	reclaim_all(world);
	assert_int_equal(load_at(world, va), 8);
	unmap_all(world, va, 2);
	check_slots(world);
}

static void test_swap_cache(void **state)
{
	(void)state;
	for_each_swap_mm(256, 64, check_swap_cache);
}

/* ---- while others use the page ---- */

enum { ROUNDS = 400 };

struct daemon {
	struct mm_world *world;
	pw_va va;
	bool stop; /* atomic */
};

/* Moves and swaps the page until it is told to stop. */
static void *move_always(void *argument)
{
	struct daemon *daemon = argument;
	struct mm_world *world = daemon->world;

	while (!__atomic_load_n(&daemon->stop, __ATOMIC_ACQUIRE)) {
		struct pw_slot slot = slot_at(world, world->mm, daemon->va);

		if (slot.kind == PW_SLOT_PAGE)
			pw_migrate(world->machine, slot.pa);
		pw_reclaim(world->machine, world->page);
	}
	return NULL;
}

static void check_busy(struct mm_world *world)
{
	struct daemon daemon = { .world = world, .va = map_anon(world, 1, RW_PROT) };
	pthread_t thread;
	uint64_t old;

	store_at(world, daemon.va, 0);
	assert_int_equal(pthread_create(&thread, NULL, move_always, &daemon), 0);
	for (unsigned i = 0; i < ROUNDS; i++) {
		assert_true(pw_atomic(world->cpu, daemon.va, 8, PW_ATOMIC_ADD, 1, &old));
		assert_int_equal(old, i);
	}
	__atomic_store_n(&daemon.stop, true, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	assert_int_equal(load_at(world, daemon.va), ROUNDS);
	unmap_all(world, daemon.va, 1);
	reclaim_all(world);
	check_slots(world);
}

static void test_busy(void **state)
{
	(void)state;
	for_each_swap_mm(256, 64, check_busy);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_moves),   cmocka_unit_test(test_protected),
		cmocka_unit_test(test_fork),    cmocka_unit_test(test_held),
		cmocka_unit_test(test_refused), cmocka_unit_test(test_shared),
		cmocka_unit_test(test_file),    cmocka_unit_test(test_swap_cache),
		cmocka_unit_test(test_busy),
	};

	mutant_choose(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
