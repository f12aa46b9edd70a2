/* SPDX-License-Identifier: MIT */
/* Swap, and reclaim: what goes, what stays, and that it comes back, on every format. */
#include "swap_test.h"

enum { PAGES = 24 };

/* ---- out and in ---- */

static void check_out_and_in(struct mm_world *world)
{
	pw_va va = map_anon(world, PAGES, RW_PROT);
	struct pw_machine_info before, after;
	struct pw_mm_info mm;

	store_pattern(world, va, PAGES);
	before = info_of(world);
	assert_true(reclaim_all(world) >= PAGES * world->page);
	after = info_of(world);
	assert_int_equal(after.swapped_out - before.swapped_out, PAGES);
	assert_int_equal(after.swap_bytes - after.swap_free_bytes, PAGES * world->page);
	pw_mm_info(world->mm, &mm);
	assert_int_equal(mm.swapped, PAGES * world->page);
	assert_int_equal(mm.anonymous, 0);
	for (unsigned i = 0; i < PAGES; i++)
		assert_true(is_swapped(world, va + i * world->page));
	check_pattern(world, va, PAGES);
	assert_int_equal(info_of(world).swapped_in - after.swapped_in, PAGES);
	assert_int_equal(info_of(world).major_faults - after.major_faults, PAGES);
	/* They are this space's alone, as before: nothing is copied. */
	store_pattern(world, va, PAGES);
	assert_int_equal(info_of(world).cow_copies, before.cow_copies);
	pw_mm_info(world->mm, &mm);
	assert_int_equal(mm.swapped, 0);
	assert_int_equal(mm.anonymous, PAGES * world->page);
	check_pattern(world, va, PAGES);
	unmap_all(world, va, PAGES);
	check_slots(world);
}

static void test_out_and_in(void **state)
{
	(void)state;
	for_each_swap_mm(256, 64, check_out_and_in);
}

/* Pages that were read in stay in the swap cache: they go again without being written. */
static void check_cache(struct mm_world *world)
{
	pw_va va = map_anon(world, 2, RW_PROT);
	uint32_t frame;

	store_pattern(world, va, 2);
	reclaim_all(world);
	check_pattern(world, va, 2);
	frame = frame_at(world, va);
	assert_int_not_equal(pw_page_of(world->machine, frame)->swap, 0);
	/* What a store changes is written again; nothing is copied, because the page is this space's alone. */
	store_at(world, va, 5);
	assert_int_equal(frame_at(world, va), frame);
	reclaim_all(world);
	assert_true(is_swapped(world, va));
	assert_int_equal(load_at(world, va), 5);
	assert_int_equal(load_at(world, va + world->page), pattern(1));
	/* Unmapped while it is in the cache. */
	unmap_all(world, va, 2);
	check_slots(world);
}

static void test_cache(void **state)
{
	(void)state;
	for_each_swap_mm(256, 64, check_cache);
}

/* An entry that is unmapped while its page is in swap. */
static void check_unmapped(struct mm_world *world)
{
	pw_va va = map_anon(world, PAGES, RW_PROT);

	store_pattern(world, va, PAGES);
	reclaim_all(world);
	unmap_all(world, va, PAGES);
	check_slots(world);
}

static void test_unmapped(void **state)
{
	(void)state;
	for_each_swap_mm(256, 64, check_unmapped);
}

/* More pages than memory: faults reclaim what they need. */
static void check_short(struct mm_world *world)
{
	enum { MANY = 200 };
	pw_va va = map_anon(world, MANY, RW_PROT);

	store_pattern(world, va, MANY);
	assert_true(info_of(world).swapped_out > 0);
	check_pattern(world, va, MANY);
	store_pattern(world, va, MANY);
	check_pattern(world, va, MANY);
	unmap_all(world, va, MANY);
	check_slots(world);
}

static void test_short(void **state)
{
	(void)state;
	for_each_swap_mm(128, 256, check_short);
}

static void check_full(struct mm_world *world)
{
	pw_va va = map_anon(world, PAGES, RW_PROT);
	unsigned swapped = 0;

	store_pattern(world, va, PAGES);
	reclaim_all(world);
	for (unsigned i = 0; i < PAGES; i++)
		swapped += is_swapped(world, va + i * world->page);
	assert_int_equal(swapped, 4);
	assert_int_equal(info_of(world).swap_free_bytes, 0);
	check_pattern(world, va, PAGES);
	/* The slots of pages that are mapped again serve others. */
	reclaim_all(world);
	check_pattern(world, va, PAGES);
	unmap_all(world, va, PAGES);
	check_slots(world);
}

static void test_full(void **state)
{
	(void)state;
	for_each_swap_mm(256, 4, check_full);
}

/* Without swap anonymous pages stay. */
static void check_none(struct mm_world *world)
{
	pw_va va = map_anon(world, PAGES, RW_PROT);

	store_pattern(world, va, PAGES);
	assert_int_equal(reclaim_all(world), 0);
	check_pattern(world, va, PAGES);
	unmap_all(world, va, PAGES);
}

static void test_none(void **state)
{
	(void)state;
	for_each_mm(check_none);
}

/* ---- what stays ---- */

static void check_pinned(struct mm_world *world)
{
	pw_va va = map_anon(world, PAGES, RW_PROT);
	pw_pa page;

	store_pattern(world, va, PAGES);
	assert_int_equal(pw_pin(world->cpu, va + world->page, 1, PW_PIN_WRITE, &page, NULL), 1);
	reclaim_all(world);
	assert_true(is_swapped(world, va));
	assert_true(is_present(world, va + world->page));
	*(uint64_t *)(void *)byte_at(world, page) = 77;
	assert_int_equal(load_at(world, va + world->page), 77);
	pw_unpin_pages(pw_cpu_reader(world->cpu), &page, 1, PW_PIN_WRITE, true);
	/* It is exclusive still. */
	assert_int_equal(pw_pin_fast(pw_cpu_reader(world->cpu), va + world->page, 1, PW_PIN_WRITE,
				     &page, NULL),
			 1);
	pw_unpin_pages(pw_cpu_reader(world->cpu), &page, 1, PW_PIN_WRITE, true);
	reclaim_all(world);
	assert_true(is_swapped(world, va + world->page));
	assert_int_equal(load_at(world, va + world->page), 77);
	unmap_all(world, va, PAGES);
	check_slots(world);
}

static void test_pinned(void **state)
{
	(void)state;
	for_each_swap_mm(256, 64, check_pinned);
}

/* A plain reference keeps the page in memory, in the swap cache; its entry finds it there again. */
static void check_referenced(struct mm_world *world)
{
	pw_va va = map_anon(world, 1, RW_PROT);
	uint32_t frame;
	pw_pa page;

	store_pattern(world, va, 1);
	assert_int_equal(pw_get(world->cpu, va, 1, 0, &page, NULL), 1);
	frame = pw_arena_frame(pw_machine_arena(world->machine), page);
	reclaim_all(world);
	check_pattern(world, va, 1);
	assert_int_equal(frame_at(world, va), frame);
	pw_folio_put(pw_machine_arena(world->machine), page, 1);
	unmap_all(world, va, 1);
	check_slots(world);
}

static void test_referenced(void **state)
{
	(void)state;
	for_each_swap_mm(256, 64, check_referenced);
}

static void check_locked(struct mm_world *world)
{
	pw_va va = map_anon(world, PAGES, RW_PROT);

	store_pattern(world, va, PAGES);
	assert_int_equal(pw_mlock(world->mm, va, world->page, 0), 0);
	reclaim_all(world);
	assert_true(is_present(world, va));
	assert_true(is_swapped(world, va + world->page));
	assert_int_equal(pw_munlock(world->mm, va, world->page), 0);
	reclaim_all(world);
	assert_true(is_swapped(world, va));
	check_pattern(world, va, PAGES);
	unmap_all(world, va, PAGES);
}

static void test_locked(void **state)
{
	(void)state;
	for_each_swap_mm(256, 64, check_locked);
}

static void check_used(struct mm_world *world)
{
	pw_va va = map_anon(world, 1, RW_PROT);
	struct pw_space *space = pw_mm_space(world->mm);
	struct pw_slot slot;
	uint32_t frame;

	store_pattern(world, va, 1);
	frame = frame_at(world, va);
	slot = slot_at(world, world->mm, va);
	/* Does this format know whether a page was used? */
	if (pw_slot_change(space, &slot, slot.attr & ~(uint32_t)PW_ACCESSED) != slot.entry) {
		assert_int_equal(pw_reclaim_page(world->machine, frame, false), 0);
		check_pattern(world, va, 1);
		assert_int_equal(pw_reclaim_page(world->machine, frame, false), 0);
	}
	assert_int_equal(pw_reclaim_page(world->machine, frame, false), world->page);
	assert_true(is_swapped(world, va));
	check_pattern(world, va, 1);
	unmap_all(world, va, 1);
}

static void test_used(void **state)
{
	(void)state;
	for_each_swap_mm(256, 64, check_used);
}

/* ---- MADV_FREE, MADV_PAGEOUT, MADV_COLD ---- */

static void check_lazy(struct mm_world *world)
{
	pw_va va = map_anon(world, PAGES, RW_PROT);
	struct pw_vma *vma = pw_vma_find(world->mm, va);

	store_pattern(world, va, PAGES);
	reclaim_all(world);
	store_at(world, va, 3);
	assert_int_equal(load_at(world, va + world->page), pattern(1));
	/* One is in memory and dirty, one in the swap cache, the others are in swap. */
	assert_int_equal(pw_vma_free_lazily(vma, va, va + PAGES * world->page - 1), 0);
	check_slots(world);
	store_at(world, va + world->page, 4);
	reclaim_all(world);
	assert_int_equal(load_at(world, va + world->page), 4);
	assert_int_equal(load_at(world, va), 0);
	assert_int_equal(load_at(world, va + 2 * world->page), 0);
	unmap_all(world, va, PAGES);
	check_slots(world);
}

static void test_lazy(void **state)
{
	(void)state;
	for_each_swap_mm(256, 64, check_lazy);
}

static void check_page_out(struct mm_world *world)
{
	pw_va va = map_anon(world, PAGES, RW_PROT);
	struct pw_vma *vma = pw_vma_find(world->mm, va);

	store_pattern(world, va, PAGES);
	assert_int_equal(pw_vma_page_out(vma, va + world->page, va + 3 * world->page - 1),
			 2 * world->page);
	assert_true(is_present(world, va));
	assert_true(is_swapped(world, va + world->page));
	assert_true(is_swapped(world, va + 2 * world->page));
	assert_true(is_present(world, va + 3 * world->page));
	/* A page that is cold goes at the first look. */
	pw_vma_cool(vma, va, va + world->page - 1);
	assert_int_equal(pw_reclaim_page(world->machine, frame_at(world, va), false), world->page);
	check_pattern(world, va, PAGES);
	unmap_all(world, va, PAGES);
}

static void test_page_out(void **state)
{
	(void)state;
	for_each_swap_mm(256, 64, check_page_out);
}

/* ---- files ---- */

static void check_shared(struct mm_world *world)
{
	struct pw_file *file;
	uint64_t word = 0;
	pw_va va, other;

	assert_int_equal(pw_shmem_create(world->machine, PAGES * world->page, &file, NULL), 0);
	va = map_file(world, file, PAGES, RW_PROT, MAP_SHARED);
	other = map_file(world, file, PAGES, RW_PROT, MAP_SHARED);
	store_pattern(world, va, PAGES);
	check_pattern(world, other, PAGES);
	reclaim_all(world);
	assert_int_equal(info_of(world).swapped_out, PAGES);
	assert_false(is_present(world, va));
	assert_false(is_present(world, other));
	assert_int_equal(pw_file_read(file, world->page, &word, 8), 8);
	assert_int_equal(word, pattern(1));
	check_pattern(world, other, PAGES);
	check_pattern(world, va, PAGES);
	assert_int_equal(frame_at(world, va), frame_at(world, other));
	reclaim_all(world);
	unmap_all(world, va, PAGES);
	unmap_all(world, other, PAGES);
	pw_file_put(file);
	check_slots(world);
}

static void test_shared(void **state)
{
	(void)state;
	for_each_swap_mm(256, 64, check_shared);
}

static void check_secret(struct mm_world *world)
{
	struct pw_file *file;
	pw_va va;

	assert_int_equal(pw_secret_create(world->machine, 2 * world->page, &file, NULL), 0);
	va = map_file(world, file, 2, RW_PROT, MAP_SHARED);
	store_pattern(world, va, 2);
	assert_int_equal(reclaim_all(world), 0);
	assert_true(is_present(world, va));
	check_pattern(world, va, 2);
	unmap_all(world, va, 2);
	pw_file_put(file);
}

static void test_secret(void **state)
{
	(void)state;
	for_each_swap_mm(256, 64, check_secret);
}

static void check_file(struct mm_world *world)
{
	struct temporary host = make_temporary();
	struct pw_file *file;
	uint64_t word = 0;
	pw_va va;

	assert_int_equal(ftruncate(host.fd, (off_t)(4 * world->page)), 0);
	assert_int_equal(pw_file_open(world->machine, host.fd, &file, NULL), 0);
	va = map_file(world, file, 4, RW_PROT, MAP_SHARED);
	store_pattern(world, va, 4);
	reclaim_all(world);
	assert_false(is_present(world, va));
	/* A dirty page was written back before it went. */
	assert_int_equal(pread(host.fd, &word, 8, (off_t)(3 * world->page)), 8);
	assert_int_equal(word, pattern(3));
	check_pattern(world, va, 4);
	/* Clean pages just go; and come from the host's file. */
	reclaim_all(world);
	word = 9;
	assert_int_equal(pwrite(host.fd, &word, 8, 0), 8);
	assert_int_equal(load_at(world, va), 9);
	unmap_all(world, va, 4);
	pw_file_put(file);
	drop_temporary(&host);
}

static void test_file(void **state)
{
	(void)state;
	for_each_swap_mm(256, 64, check_file);
}

/* ---- fork ---- */

static uint64_t load_by(struct pw_vcpu *cpu, pw_va va)
{
	uint64_t value = 0;

	assert_true(pw_load_u64(cpu, va, &value));
	return value;
}

/* Both have the page by swap entries, and get one page again; who writes gets a copy. */
static void check_fork(struct mm_world *world)
{
	pw_va va = map_anon(world, 2, RW_PROT), second = va + world->page;
	struct pw_vcpu *cpu;
	struct pw_mm *child;
	uint32_t slot;

	store_pattern(world, va, 2);
	reclaim_all(world);
	slot = (uint32_t)slot_at(world, world->mm, va).soft.offset;
	assert_int_equal(pw_mm_fork(world->mm, &child, NULL), 0);
	assert_int_equal(pw_cpu_create(child, &cpu), 0);
	assert_int_equal(pw_swap_count(world->machine, slot), 2);
	assert_false(slot_at(world, world->mm, va).soft.exclusive);
	assert_false(slot_at(world, child, va).soft.exclusive);
	assert_int_equal(load_by(cpu, va), pattern(0));
	assert_int_equal(load_at(world, va), pattern(0));
	assert_int_equal(slot_at(world, child, va).pa, slot_at(world, world->mm, va).pa);
	assert_true(pw_store_u64(cpu, va, 1));
	store_at(world, second, 2);
	assert_int_equal(load_at(world, va), pattern(0));
	assert_int_equal(load_by(cpu, second), pattern(1));
	/* Mapped by both when they go. */
	reclaim_all(world);
	assert_int_equal(load_by(cpu, va), 1);
	assert_int_equal(load_at(world, second), 2);
	assert_int_equal(load_at(world, va), pattern(0));
	assert_int_equal(load_by(cpu, second), pattern(1));
	reclaim_all(world);
	pw_cpu_destroy(cpu);
	pw_mm_destroy(child);
	/* What the parent alone has now, it keeps without a copy. */
	store_at(world, va, 3);
	assert_int_equal(load_at(world, va), 3);
	unmap_all(world, va, 2);
	check_slots(world);
}

static void test_fork(void **state)
{
	(void)state;
	for_each_swap_mm(256, 64, check_fork);
}

/* Pages that two spaces share go out once, and come back as one page. */
static void check_fork_out(struct mm_world *world)
{
	pw_va va = map_anon(world, PAGES, RW_PROT);
	struct pw_machine_info before;
	struct pw_vcpu *cpu;
	struct pw_mm *child;

	store_pattern(world, va, PAGES);
	assert_int_equal(pw_mm_fork(world->mm, &child, NULL), 0);
	assert_int_equal(pw_cpu_create(child, &cpu), 0);
	before = info_of(world);
	reclaim_all(world);
	assert_int_equal(info_of(world).swapped_out - before.swapped_out, PAGES);
	assert_true(is_swapped(world, va));
	assert_int_equal(slot_at(world, child, va).entry, slot_at(world, world->mm, va).entry);
	store_at(world, va, 7);
	assert_int_equal(load_by(cpu, va), pattern(0));
	for (unsigned i = 1; i < PAGES; i++) {
		assert_int_equal(load_by(cpu, va + i * world->page), pattern(i));
		assert_int_equal(load_at(world, va + i * world->page), pattern(i));
		assert_int_equal(slot_at(world, child, va + i * world->page).pa,
				 slot_at(world, world->mm, va + i * world->page).pa);
	}
	unmap_all(world, va, PAGES);
	pw_cpu_destroy(cpu);
	pw_mm_destroy(child);
	check_slots(world);
}

static void test_fork_out(void **state)
{
	(void)state;
	for_each_swap_mm(256, 64, check_fork_out);
}

/* ---- a swap file that cannot be read ---- */

static void test_error(void **state)
{
	struct pw_machine_options options = { .swap_bytes = 64 << 12, .bytes = 256 << 12 };
	struct temporary file = make_temporary();
	struct mm_world world;
	uint64_t value;
	pw_va va;

	(void)state;
	options.swap = file.path;
	world = open_mm(pw_format_find("x86_64"), &options);
	va = map_anon(&world, 2, RW_PROT);
	store_pattern(&world, va, 2);
	reclaim_all(&world);
	assert_int_equal(ftruncate(file.fd, 0), 0);
	assert_false(pw_load_u64(world.cpu, va, &value));
	assert_int_equal(pw_cpu_fault(world.cpu)->kind, PW_FAULT_ADRERR);
	assert_true(is_swapped(&world, va));
	unmap_all(&world, va, 2);
	check_slots(&world);
	/* It cannot be written either: the page stays. */
	va = map_anon(&world, 2, RW_PROT);
	store_pattern(&world, va, 2);
	close(world.machine->swap->fd);
	world.machine->swap->fd = open("/dev/full", O_RDWR);
	reclaim_all(&world);
	check_pattern(&world, va, 2);
	unmap_all(&world, va, 2);
	check_slots(&world);
	close_mm(&world);
	drop_temporary(&file);
}

static void test_options(void **state)
{
	struct pw_machine_options options = { .format = pw_format_find("x86_64"),
					      .bytes = 256 << 12,
					      .swap = "/nowhere/at/all",
					      .swap_bytes = 64 << 12 };
	struct pw_machine *machine;
	struct pw_error error;

	(void)state;
	assert_int_equal(pw_machine_create(&options, &machine, &error), -ENOENT);
	assert_non_null(strstr(error.text, "/nowhere/at/all"));
	options.swap = "/dev/null";
	assert_int_equal(pw_machine_create(&options, &machine, &error), -EINVAL);
	assert_non_null(strstr(error.text, strerror(EINVAL)));
}

/* MADV_WILLNEED reads what is in swap, and maps nothing. */
static void check_ahead(struct mm_world *world)
{
	const pw_va va = map_anon(world, 8, RW_PROT);
	unsigned char present[8];

	store_pattern(world, va, 8);
	reclaim_all(world);
	reclaim_all(world);
	assert_true(is_swapped(world, va + 3 * world->page));
	assert_int_equal(pw_mincore(world->mm, va + 3 * world->page, world->page, present), 0);
	assert_int_equal(present[0], 0);
	assert_int_equal(pw_madvise(world->mm, va, 4 * world->page, MADV_WILLNEED), 0);
	assert_int_equal(pw_mincore(world->mm, va, 8 * world->page, present), 0);
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(present[i], i < 4);
	assert_true(is_swapped(world, va + 3 * world->page));
	check_pattern(world, va, 8);
	unmap_all(world, va, 8);
	check_slots(world);
}

static void test_ahead(void **state)
{
	(void)state;
	for_each_swap_mm(64, 64, check_ahead);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_out_and_in), cmocka_unit_test(test_ahead),
		cmocka_unit_test(test_cache),      cmocka_unit_test(test_unmapped),
		cmocka_unit_test(test_short),      cmocka_unit_test(test_full),
		cmocka_unit_test(test_none),       cmocka_unit_test(test_pinned),
		cmocka_unit_test(test_referenced), cmocka_unit_test(test_locked),
		cmocka_unit_test(test_used),       cmocka_unit_test(test_lazy),
		cmocka_unit_test(test_page_out),   cmocka_unit_test(test_shared),
		cmocka_unit_test(test_secret),     cmocka_unit_test(test_file),
		cmocka_unit_test(test_error),      cmocka_unit_test(test_fork),
		cmocka_unit_test(test_fork_out),   cmocka_unit_test(test_options),
	};

	mutant_choose(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
