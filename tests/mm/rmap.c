/* SPDX-License-Identifier: MIT */
/* From pages to entries: all of them are found, and what is done with them, on every format. */
#include "swap_test.h"

enum { PAGES = 4, MAPPINGS = 3 };

struct visit {
	pw_va va[8];
	unsigned count;
};

static int remember(void *context, struct pw_vma *vma, pw_va va)
{
	struct visit *visit = context;

	assert_true(va >= vma->first && va <= vma->last);
	visit->va[visit->count++] = va;
	return 0;
}

static int stop_at_once(void *context, struct pw_vma *vma, pw_va va)
{
	(void)vma;
	(void)va;
	++*(unsigned *)context;
	return 7;
}

/* The folio that is mapped at @va, locked. */
static uint32_t lock_at(const struct mm_world *world, pw_va va)
{
	uint32_t frame = frame_at(world, va);

	assert_true(pw_folio_get(pw_machine_arena(world->machine),
				 pw_arena_pa(pw_machine_arena(world->machine), frame), 1));
	pw_folio_lock(world->machine, frame);
	return frame;
}

static void unlock(const struct mm_world *world, uint32_t frame)
{
	pw_folio_unlock(world->machine, frame);
	pw_page_put(world->machine, frame, 1);
}

/* ---- shared memory that is mapped several times ---- */

static struct pw_file *map_often(struct mm_world *world, pw_va *va)
{
	struct pw_file *file;

	assert_int_equal(pw_shmem_create(world->machine, PAGES * world->page, &file, NULL), 0);
	for (unsigned i = 0; i < MAPPINGS; i++) {
		va[i] = map_file(world, file, PAGES, RW_PROT, MAP_SHARED);
		store_pattern(world, va[i], PAGES);
	}
	return file;
}

static void unmap_often(struct mm_world *world, struct pw_file *file, const pw_va *va)
{
	for (unsigned i = 0; i < MAPPINGS; i++)
		unmap_all(world, va[i], PAGES);
	pw_file_put(file);
}

static void check_each(struct mm_world *world)
{
	pw_va va[MAPPINGS], anon = map_anon(world, PAGES, RW_PROT);
	struct pw_file *file = map_often(world, va);
	uint32_t frame = lock_at(world, va[0] + world->page);
	struct visit visit = { .count = 0 };
	unsigned stops = 0;

	assert_int_equal(pw_page_of(world->machine, frame)->mapped, MAPPINGS);
	assert_int_equal(pw_rmap_each(world->machine, frame, remember, &visit), 0);
	assert_int_equal(visit.count, MAPPINGS);
	for (unsigned i = 0; i < MAPPINGS; i++) {
		bool found = false;

		for (unsigned k = 0; k < MAPPINGS; k++)
			found |= visit.va[k] == va[i] + world->page;
		assert_true(found);
	}
	assert_int_equal(pw_rmap_each(world->machine, frame, stop_at_once, &stops), 7);
	assert_int_equal(stops, 1);
	unlock(world, frame);
	/* Anonymous memory: by its index, also in the middle of a VMA. */
	store_pattern(world, anon, PAGES);
	frame = lock_at(world, anon + 2 * world->page);
	visit.count = 0;
	assert_int_equal(pw_rmap_each(world->machine, frame, remember, &visit), 0);
	assert_int_equal(visit.count, 1);
	assert_int_equal(visit.va[0], anon + 2 * world->page);
	unlock(world, frame);
	unmap_all(world, anon, PAGES);
	unmap_often(world, file, va);
}

static void test_each(void **state)
{
	(void)state;
	for_each_swap_mm(256, 16, check_each);
}

static void check_empty(struct mm_world *world)
{
	pw_va va[MAPPINGS];
	struct pw_file *file = map_often(world, va);
	uint32_t frame = lock_at(world, va[0]);

	assert_int_equal(pw_rmap_unmap(world->machine, frame, PW_UNMAP_EMPTY), 0);
	assert_int_equal(pw_page_of(world->machine, frame)->mapped, 0);
	/* The cache's, and this test's. */
	assert_int_equal(pw_page_references(world->machine, frame), 2);
	for (unsigned i = 0; i < MAPPINGS; i++) {
		assert_int_equal(slot_at(world, world->mm, va[i]).kind, PW_SLOT_EMPTY);
		assert_int_equal(slot_at(world, world->mm, va[i] + world->page).kind, PW_SLOT_PAGE);
	}
	unlock(world, frame);
	for (unsigned i = 0; i < MAPPINGS; i++)
		check_pattern(world, va[i], PAGES);
	unmap_often(world, file, va);
}

static void test_empty(void **state)
{
	(void)state;
	for_each_swap_mm(256, 16, check_empty);
}

/* Migration entries, and back: the same leaves, writable and exclusive as before. */
static void check_restore(struct mm_world *world)
{
	struct pw_arena *arena = pw_machine_arena(world->machine);
	pw_va va = map_anon(world, PAGES, RW_PROT);
	struct pw_space *space = pw_mm_space(world->mm);
	struct pw_slot slot;
	uint32_t frame;

	store_pattern(world, va, PAGES);
	frame = lock_at(world, va);
	assert_int_equal(pw_rmap_unmap(world->machine, frame, PW_UNMAP_MIGRATION), 0);
	slot = slot_at(world, world->mm, va);
	assert_true(pw_slot_is_soft(space, &slot, PW_SOFT_MIGRATION));
	assert_int_equal(slot.soft.offset, frame);
	assert_int_equal(pw_soft_migration_what(space, &slot.soft), PW_MIGRATION_WRITE);
	assert_int_equal(pw_page_references(world->machine, frame), 1);
	assert_false(pw_folio_is_exclusive(arena, frame));
	pw_rmap_restore(world->machine, frame, frame);
	slot = slot_at(world, world->mm, va);
	assert_int_equal(slot.kind, PW_SLOT_PAGE);
	assert_true(slot.attr & PW_WRITE);
	assert_true(pw_folio_is_exclusive(arena, frame));
	assert_int_equal(pw_page_references(world->machine, frame), 2);
	assert_int_equal(pw_page_of(world->machine, frame)->mapped, 1);
	unlock(world, frame);
	check_pattern(world, va, PAGES);
	unmap_all(world, va, PAGES);
}

static void test_restore(void **state)
{
	(void)state;
	for_each_swap_mm(256, 16, check_restore);
}

/* The CPU's own copy of the entry goes with it. */
static void check_flush(struct mm_world *world)
{
	pw_va va = map_anon(world, 1, RW_PROT);
	uint32_t frame, to;

	store_at(world, va, 1);
	frame = lock_at(world, va);
	to = frame;
	assert_int_equal(pw_rmap_unmap(world->machine, frame, PW_UNMAP_MIGRATION), 0);
	/* A load by a stale TLB would not fault: there is no page for it now. */
	assert_null(pw_cpu_try(world->cpu, va, 8, PW_ACCESS_READ));
	assert_null(pw_cpu_try(world->cpu, va, 8, PW_ACCESS_WRITE));
	pw_rmap_restore(world->machine, frame, to);
	unlock(world, frame);
	assert_int_equal(load_at(world, va), 1);
	unmap_all(world, va, 1);
}

static void test_flush(void **state)
{
	(void)state;
	for_each_swap_mm(256, 16, check_flush);
}

static void check_pinned(struct mm_world *world)
{
	static const enum pw_unmap_to to[] = { PW_UNMAP_MIGRATION, PW_UNMAP_EMPTY };
	pw_va va = map_anon(world, 1, RW_PROT);
	uint32_t frame;
	pw_pa page;

	store_at(world, va, 1);
	assert_int_equal(pw_pin(world->cpu, va, 1, PW_PIN_WRITE, &page, NULL), 1);
	frame = lock_at(world, va);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(pw_rmap_unmap(world->machine, frame, to[i]), -EBUSY);
		assert_true(is_present(world, va));
		assert_true(pw_folio_is_exclusive(pw_machine_arena(world->machine), frame));
	}
	unlock(world, frame);
	pw_unpin_pages(pw_cpu_reader(world->cpu), &page, 1, PW_PIN_WRITE, false);
	unmap_all(world, va, 1);
}

static void test_pinned(void **state)
{
	(void)state;
	for_each_swap_mm(256, 16, check_pinned);
}

/* ---- dirty and accessed bits ---- */

static void check_clean(struct mm_world *world)
{
	struct temporary host = make_temporary();
	struct pw_file *file;
	uint32_t frame;
	pw_va va;

	assert_int_equal(ftruncate(host.fd, (off_t)world->page), 0);
	assert_int_equal(pw_file_open(world->machine, host.fd, &file, NULL), 0);
	va = map_file(world, file, 1, RW_PROT, MAP_SHARED);
	assert_int_equal(load_at(world, va), 0);
	frame = lock_at(world, va);
	assert_false(pw_rmap_clean(world->machine, frame));
	unlock(world, frame);
	store_at(world, va, 1);
	frame = lock_at(world, va);
	assert_true(pw_rmap_clean(world->machine, frame));
	assert_false(slot_at(world, world->mm, va).attr & PW_WRITE);
	assert_true(pw_folio_clean(pw_machine_arena(world->machine),
				   pw_arena_pa(pw_machine_arena(world->machine), frame)));
	assert_false(pw_rmap_clean(world->machine, frame));
	unlock(world, frame);
	/* The next store faults, and the page is dirty again. */
	store_at(world, va, 2);
	frame = lock_at(world, va);
	assert_true(pw_rmap_clean(world->machine, frame));
	unlock(world, frame);
	unmap_all(world, va, 1);
	pw_file_put(file);
	drop_temporary(&host);
}

static void test_clean(void **state)
{
	(void)state;
	for_each_swap_mm(256, 16, check_clean);
}

static void check_used(struct mm_world *world)
{
	struct pw_space *space = pw_mm_space(world->mm);
	pw_va va = map_anon(world, 1, RW_PROT);
	struct pw_slot slot;
	uint32_t frame;
	bool known;

	store_at(world, va, 1);
	slot = slot_at(world, world->mm, va);
	known = pw_slot_change(space, &slot, slot.attr & ~(uint32_t)PW_ACCESSED) != slot.entry;
	frame = lock_at(world, va);
	assert_int_equal(pw_rmap_used(world->machine, frame), known);
	assert_false(pw_rmap_used(world->machine, frame));
	unlock(world, frame);
	assert_int_equal(load_at(world, va), 1);
	frame = lock_at(world, va);
	assert_int_equal(pw_rmap_used(world->machine, frame), known);
	assert_false(pw_rmap_is_locked(world->machine, frame));
	unlock(world, frame);
	assert_int_equal(pw_mlock(world->mm, va, world->page, 0), 0);
	frame = lock_at(world, va);
	assert_true(pw_rmap_is_locked(world->machine, frame));
	unlock(world, frame);
	unmap_all(world, va, 1);
}

static void test_used(void **state)
{
	(void)state;
	for_each_swap_mm(256, 16, check_used);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each),    cmocka_unit_test(test_empty),
		cmocka_unit_test(test_restore), cmocka_unit_test(test_flush),
		cmocka_unit_test(test_pinned),  cmocka_unit_test(test_clean),
		cmocka_unit_test(test_used),
	};

	mutant_choose(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
