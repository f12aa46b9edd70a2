/* SPDX-License-Identifier: MIT */
/* MADV_FREE of parts of folios, on every format: what was given up may go, and all else stays. */
#include "swap_test.h"

enum { PAGES = 4, FRAMES = 256, SLOTS = 64 };

/* Runs @test on each format, in a world where anonymous memory comes in folios of PAGES pages. */
static void for_each_folio_mm(void (*test)(struct mm_world *world, pw_va va))
{
	const struct pw_format *format;

	for (size_t i = 0; (format = pw_format_at(i)); i++) {
		struct pw_machine_options options = { .huge = PW_HUGE_ALWAYS };
		struct temporary file;
		struct mm_world world;
		uint64_t bytes;
		pw_va all, va;

		if (!pw_format_can_edit(format) || skips_format(i))
			continue;
		file = make_temporary();
		options.bytes = (uint64_t)FRAMES << format->shift[0];
		options.group_sizes = (uint64_t)PAGES << format->shift[0];
		options.swap = file.path;
		options.swap_bytes = (uint64_t)SLOTS << format->shift[0];
		world = open_mm(format, &options);
		bytes = PAGES * world.page;
		all = map_anon(&world, 3 * PAGES, RW_PROT);
		va = (all + bytes - 1) & ~(bytes - 1);
		if (world.machine->huge_level == 0) {
			test(&world, va);
			check_slots(&world);
		}
		unmap_all(&world, all, 3 * PAGES);
		close_mm(&world);
		drop_temporary(&file);
	}
}

static unsigned order_at(const struct mm_world *world, pw_va va)
{
	return pw_link_order(pw_frame_link(pw_machine_arena(world->machine), frame_at(world, va)));
}

/* A folio of all pages, which are not zeros. Entries are clean and read-only: the folio alone says that it is dirty. */
static void make_folio(struct mm_world *world, pw_va va)
{
	store_pattern(world, va, PAGES);
	assert_int_equal(order_at(world, va), 2);
	assert_int_equal(pw_mprotect(world->mm, va, PAGES * world->page, PROT_NONE), 0);
	assert_int_equal(pw_mprotect(world->mm, va, PAGES * world->page, PROT_READ), 0);
	check_pattern(world, va, PAGES);
	for (unsigned i = 0; i < PAGES; i++)
		assert_false(slot_at(world, world->mm, va + i * world->page).attr & PW_DIRTY);
	assert_true(pw_page_is_dirty(world->machine, frame_at(world, va)));
}

static void check_page(struct mm_world *world, pw_va va, unsigned i)
{
	assert_int_equal(load_at(world, va), pattern(i));
	assert_int_equal(load_at(world, va + world->page - 8), ~pattern(i));
}

/* One page of the folio: the others keep what they hold. */
static void check_part(struct mm_world *world, pw_va va)
{
	make_folio(world, va);
	assert_int_equal(pw_madvise(world->mm, va + world->page, world->page, MADV_FREE), 0);
	reclaim_all(world);
	assert_int_equal(load_at(world, va + world->page), 0);
	for (unsigned i = 0; i < PAGES; i++)
		if (i != 1)
			check_page(world, va + i * world->page, i);
	unmap_all(world, va, PAGES);
}

static void test_part(void **state)
{
	(void)state;
	for_each_folio_mm(check_part);
}

/* All of it: it is not split for that, and goes. */
static void check_whole(struct mm_world *world, pw_va va)
{
	make_folio(world, va);
	assert_int_equal(pw_madvise(world->mm, va, PAGES * world->page, MADV_FREE), 0);
	assert_int_equal(order_at(world, va), 2);
	assert_false(pw_page_is_dirty(world->machine, frame_at(world, va)));
	/* A page that is written to after that stays. */
	assert_int_equal(pw_mprotect(world->mm, va, PAGES * world->page, RW_PROT), 0);
	store_at(world, va + 2 * world->page, 7);
	reclaim_all(world);
	assert_int_equal(load_at(world, va + 2 * world->page), 7);
	unmap_all(world, va, PAGES);
}

static void test_whole(void **state)
{
	(void)state;
	for_each_folio_mm(check_whole);
}

/*
 * Pages that were given up, and are still writable, are split or moved: that does not make them dirty, so they go; one that
 * was written to since keeps all of the folio. @move: they move as a whole first.
 */
static void check_restored(struct mm_world *world, pw_va va, bool move, bool written)
{
	const pw_pa pa = pw_arena_pa(pw_machine_arena(world->machine), frame_at(world, va));

	assert_int_equal(pw_madvise(world->mm, va, PAGES * world->page, MADV_FREE), 0);
	if (written)
		store_at(world, va + 2 * world->page, 7);
	assert_int_equal(move ? pw_migrate(world->machine, pa) : pw_split_folio(world->machine, pa),
			 0);
	assert_int_equal(order_at(world, va), move ? 2 : 0);
	for (unsigned i = 0; i < PAGES; i++) {
		const pw_va page = va + i * world->page;

		assert_int_equal(pw_page_is_dirty(world->machine,
						  pw_folio_head(pw_machine_arena(world->machine),
								frame_at(world, page))),
				 written);
		if (!written)
			assert_false(slot_at(world, world->mm, page).attr & PW_DIRTY);
	}
	reclaim_all(world);
	for (unsigned i = 0; i < PAGES; i++)
		assert_int_equal(load_at(world, va + i * world->page), !written ? 0
								       : i == 2 ? 7
										: pattern(i));
}

static void check_restored_all(struct mm_world *world, pw_va va)
{
	for (unsigned i = 0; i < 4; i++) {
		store_pattern(world, va, PAGES);
		assert_int_equal(order_at(world, va), 2);
		check_restored(world, va, i & 1, i & 2);
		assert_int_equal(pw_madvise(world->mm, va, PAGES * world->page, MADV_DONTNEED), 0);
	}
	unmap_all(world, va, PAGES);
}

static void test_restored(void **state)
{
	(void)state;
	for_each_folio_mm(check_restored_all);
}

/* A page of the folio is elsewhere: as many entries map it as it has pages, and not all of them are in the range. */
static void check_moved(struct mm_world *world, pw_va va)
{
	const pw_va away = va + (PAGES + 1) * world->page;

	make_folio(world, va);
	assert_int_equal(pw_mremap(world->mm, va + 2 * world->page, world->page, world->page,
				   MREMAP_MAYMOVE | MREMAP_FIXED, away),
			 away);
	assert_int_equal(pw_madvise(world->mm, va, 2 * world->page, MADV_FREE), 0);
	assert_int_equal(pw_madvise(world->mm, va + 3 * world->page, world->page, MADV_FREE), 0);
	reclaim_all(world);
	check_page(world, away, 2);
	assert_int_equal(load_at(world, va), 0);
	unmap_all(world, va, 2 * PAGES);
}

static void test_moved(void **state)
{
	(void)state;
	for_each_folio_mm(check_moved);
}

/* ---- pages that others map, too ---- */

enum { SHARED = 2 };

/* A parent gives its pages up: its child keeps them. @clean: the entries are clean, and the page itself is dirty. */
static void check_child_keeps(struct mm_world *world, bool clean)
{
	const uint64_t bytes = SHARED * world->page;
	const pw_va va = map_anon(world, SHARED, RW_PROT);
	struct pw_mm *child;
	struct pw_vcpu *cpu;
	uint64_t value = 0;

	store_pattern(world, va, SHARED);
	if (clean) {
		assert_int_equal(pw_mprotect(world->mm, va, bytes, PROT_NONE), 0);
		assert_int_equal(pw_mprotect(world->mm, va, bytes, PROT_READ), 0);
		check_pattern(world, va, SHARED);
	}
	assert_int_equal(pw_mm_fork(world->mm, &child, NULL), 0);
	assert_int_equal(pw_cpu_create(child, &cpu), 0);
	assert_int_equal(pw_madvise(world->mm, va, bytes, MADV_FREE), 0);
	reclaim_all(world);
	for (unsigned i = 0; i < SHARED; i++) {
		assert_true(pw_load_u64(cpu, va + i * world->page, &value));
		assert_int_equal(value, pattern(i));
	}
	pw_cpu_destroy(cpu);
	pw_mm_destroy(child);
	unmap_all(world, va, SHARED);
}

static bool says_dirty(const struct mm_world *world)
{
	return strcmp(world->format->name, "arm") != 0;
}

/* The child has copied the page since: then nobody needs it. */
static void check_child_copies(struct mm_world *world)
{
	const pw_va va = map_anon(world, 1, RW_PROT);
	struct pw_mm *child;
	struct pw_vcpu *cpu;
	uint64_t value = 0;

	store_pattern(world, va, 1);
	assert_int_equal(pw_mm_fork(world->mm, &child, NULL), 0);
	assert_int_equal(pw_cpu_create(child, &cpu), 0);
	assert_int_equal(pw_madvise(world->mm, va, world->page, MADV_FREE), 0);
	assert_true(pw_store_u64(cpu, va, 9));
	reclaim_all(world);
	/* Where entries cannot say whether the child needs it, it stays. */
	assert_int_equal(load_at(world, va), says_dirty(world) ? 0 : pattern(0));
	assert_true(pw_load_u64(cpu, va, &value));
	assert_int_equal(value, 9);
	pw_cpu_destroy(cpu);
	pw_mm_destroy(child);
	unmap_all(world, va, 1);
}

/*
 * The child of @world has a page that was copied for it, and that nothing has written to since. It gives the page up:
 * its own child keeps it.
 */
static void check_grandchild_keeps(struct mm_world *world, struct pw_mm *child, pw_va va)
{
	struct pw_mm *grandchild;
	struct pw_vcpu *cpu;
	uint64_t value = 0;

	assert_int_equal(pw_mm_fork(child, &grandchild, NULL), 0);
	assert_int_equal(pw_cpu_create(grandchild, &cpu), 0);
	assert_int_equal(pw_madvise(child, va, world->page, MADV_FREE), 0);
	reclaim_all(world);
	assert_true(pw_load_u64(cpu, va, &value));
	assert_int_equal(value, pattern(0));
	pw_cpu_destroy(cpu);
	pw_mm_destroy(grandchild);
}

static void pin_once(struct pw_vcpu *cpu, pw_va va, pw_pa *pa_ret)
{
	assert_int_equal(pw_pin(cpu, va, 1, PW_PIN_LONGTERM, pa_ret, NULL), 1);
}

/* A page that was read from swap, and is pinned: fork copies it at once. */
static void check_fork_copies(struct mm_world *world)
{
	const pw_va va = map_anon(world, 1, RW_PROT);
	struct pw_mm *child;
	pw_pa pa;

	store_pattern(world, va, 1);
	reclaim_all(world);
	check_page(world, va, 0);
	pin_once(world->cpu, va, &pa);
	assert_int_equal(pw_mm_fork(world->mm, &child, NULL), 0);
	assert_int_not_equal(slot_at(world, child, va).pa, pa);
	pw_unpin_pages(pw_cpu_reader(world->cpu), &pa, 1, PW_PIN_LONGTERM, false);
	check_grandchild_keeps(world, child, va);
	pw_mm_destroy(child);
	unmap_all(world, va, 1);
}

/* A page that a pin for reading has made the child's own. */
static void check_unshare_copies(struct mm_world *world)
{
	const pw_va va = map_anon(world, 1, RW_PROT);
	struct pw_mm *child;
	struct pw_vcpu *cpu;
	pw_pa pa;

	store_pattern(world, va, 1);
	assert_int_equal(pw_mm_fork(world->mm, &child, NULL), 0);
	assert_int_equal(pw_cpu_create(child, &cpu), 0);
	pin_once(cpu, va, &pa);
	assert_int_not_equal(slot_at(world, world->mm, va).pa, pa);
	pw_unpin_pages(pw_cpu_reader(cpu), &pa, 1, PW_PIN_LONGTERM, false);
	check_grandchild_keeps(world, child, va);
	pw_cpu_destroy(cpu);
	pw_mm_destroy(child);
	unmap_all(world, va, 1);
}

static void test_fork_copies(void **state)
{
	(void)state;
	for_each_swap_mm(FRAMES, SLOTS, check_fork_copies);
}

static void test_unshare_copies(void **state)
{
	(void)state;
	for_each_swap_mm(FRAMES, SLOTS, check_unshare_copies);
}

static void check_shared(struct mm_world *world)
{
	check_child_keeps(world, false);
	check_child_keeps(world, true);
	check_child_copies(world);
}

static void test_shared(void **state)
{
	(void)state;
	for_each_swap_mm(FRAMES, SLOTS, check_shared);
}

/* What another process has locked in memory is not given up: it stays also when that process has gone. */
static void check_locked(struct mm_world *world)
{
	const pw_va va = map_anon(world, SHARED, RW_PROT);
	struct pw_mm *child;
	struct pw_vcpu *cpu;
	uint64_t value = 0;

	store_pattern(world, va, SHARED);
	assert_int_equal(pw_mlock(world->mm, va, world->page, 0), 0);
	assert_int_equal(pw_mm_fork(world->mm, &child, NULL), 0);
	assert_int_equal(pw_cpu_create(child, &cpu), 0);
	assert_int_equal(pw_madvise(child, va, SHARED * world->page, MADV_FREE), 0);
	unmap_all(world, va, SHARED);
	reclaim_all(world);
	reclaim_all(world);
	assert_true(pw_load_u64(cpu, va, &value));
	assert_int_equal(value, pattern(0));
	assert_true(pw_load_u64(cpu, va + world->page, &value));
	assert_int_equal(value, says_dirty(world) ? 0 : pattern(1));
	pw_cpu_destroy(cpu);
	pw_mm_destroy(child);
}

static void test_locked(void **state)
{
	(void)state;
	for_each_swap_mm(FRAMES, SLOTS, check_locked);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_part),        cmocka_unit_test(test_whole),
		cmocka_unit_test(test_moved),       cmocka_unit_test(test_shared),
		cmocka_unit_test(test_fork_copies), cmocka_unit_test(test_unshare_copies),
		cmocka_unit_test(test_restored),    cmocka_unit_test(test_locked),
	};

	mutant_choose(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
