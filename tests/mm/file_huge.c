/* SPDX-License-Identifier: MIT */
/* Huge leaves and groups of leaves of shared memory, by faults; and what takes them apart. */
#include <unistd.h>

#include "huge_test.h"
#include "mm/file/file.h"
#include "mutants/choose.h"

static const struct pw_machine_options ALWAYS = { .shmem_huge = PW_SHMEM_ALWAYS };
static const struct pw_machine_options ADVISE = { .shmem_huge = PW_SHMEM_ADVISE };
static const struct pw_machine_options WITHIN = { .shmem_huge = PW_SHMEM_WITHIN_SIZE };
static const struct pw_machine_options NEVER = { .huge = PW_HUGE_ALWAYS };

static struct pw_file *new_shmem(struct mm_world *world, uint64_t bytes)
{
	struct pw_file *file;

	assert_int_equal(pw_shmem_create(world->machine, bytes, &file, NULL), 0);
	return file;
}

/* Maps @bytes of the file at @offset, at @va. */
static void map_at(struct mm_world *world, pw_va va, uint64_t bytes, int flags,
		   struct pw_file *file, uint64_t offset)
{
	assert_int_equal(pw_mmap(world->mm, va, bytes, RW, flags | MAP_FIXED, file, offset), va);
}

static uint64_t faults(const struct mm_world *world)
{
	struct pw_machine_info info;

	pw_machine_info(world->machine, &info);
	return info.huge_faults;
}

static unsigned level_at(const struct mm_world *world, pw_va va)
{
	struct pw_slot slot = slot_at(world->mm, va);

	return slot.kind == PW_SLOT_PAGE ? slot.level : 100;
}

/* ---- when ---- */

static void check_shared(struct mm_world *world)
{
	const uint64_t huge = huge_bytes(world);
	const pw_va va = map_huge(world, 2);
	struct pw_file *file = new_shmem(world, huge);
	struct pw_mm_info info;
	uint8_t byte = 0;

	map_at(world, va, huge, MAP_SHARED, file, 0);
	map_at(world, va + huge, huge, MAP_SHARED, file, 0);
	put(world, va + 3 * world->page + 5, 9);
	assert_int_equal(level_at(world, va), 1);
	assert_true(slot_at(world->mm, va).attr & PW_WRITE);
	assert_int_equal(order_at(world, va), world->format->shift[1] - world->format->shift[0]);
	assert_int_equal(faults(world), 1);
	assert_int_equal(get(world, va + huge + 3 * world->page + 5), 9);
	assert_int_equal(level_at(world, va + huge), 1);
	assert_int_equal(frame_at(world, va), frame_at(world, va + huge));
	pw_mm_info(world->mm, &info);
	assert_int_equal(info.shared, 2 * huge);
	/* One for each entry, and one for each page in the cache. */
	assert_int_equal(pw_page_references(world->machine, frame_at(world, va)),
			 3 * huge_pages(world));
	fill(world, va, 1);
	check_fill(world, va + huge, 1);
	assert_int_equal(pw_file_read(file, world->page + 1, &byte, 1), 1);
	assert_int_equal(byte, value_of(1));
	unmap_huge(world, va, 2);
	pw_file_put(file);
}

static void test_shared(void **state)
{
	(void)state;
	for_each_huge(&ALWAYS, check_shared);
}

/* Maps one huge page of a new file, gives advice, and touches it: the level of its leaf. */
static unsigned touched(struct mm_world *world, uint64_t bytes, int advice)
{
	const pw_va va = map_huge(world, 1);
	struct pw_file *file = new_shmem(world, bytes);
	unsigned level;

	map_at(world, va, huge_bytes(world), MAP_SHARED, file, 0);
	if (advice)
		assert_int_equal(pw_madvise(world->mm, va, huge_bytes(world), advice), 0);
	put(world, va, 1);
	level = level_at(world, va);
	unmap_huge(world, va, 1);
	pw_file_put(file);
	return level;
}

static void check_always(struct mm_world *world)
{
	assert_int_equal(touched(world, huge_bytes(world), MADV_NOHUGEPAGE), 0);
	assert_int_equal(touched(world, world->page, 0), 1);
}

static void check_advise(struct mm_world *world)
{
	assert_int_equal(touched(world, huge_bytes(world), 0), 0);
	assert_int_equal(touched(world, huge_bytes(world), MADV_HUGEPAGE), 1);
}

static void check_within(struct mm_world *world)
{
	assert_int_equal(touched(world, huge_bytes(world), 0), 1);
	assert_int_equal(touched(world, huge_bytes(world) - world->page, 0), 0);
	assert_int_equal(touched(world, huge_bytes(world) - world->page, MADV_HUGEPAGE), 1);
}

static void check_never(struct mm_world *world)
{
	assert_int_equal(touched(world, huge_bytes(world), MADV_HUGEPAGE), 0);
}

static void test_policies(void **state)
{
	struct pw_machine_options bad = { .format = pw_format_at(0), .bytes = 64 << 20 };
	struct pw_machine *machine;
	struct pw_error error;

	(void)state;
	for_each_huge(&ALWAYS, check_always);
	for_each_huge(&ADVISE, check_advise);
	for_each_huge(&WITHIN, check_within);
	for_each_huge(&NEVER, check_never);
	bad.shmem_huge = (enum pw_shmem_huge)9;
	assert_int_equal(pw_machine_create(&bad, &machine, &error), -EINVAL);
	assert_non_null(strstr(error.text, "shared memory"));
}

/* A leaf lies in its VMA, and its place is aligned. Otherwise level 0 maps the folio, or a page of it. */
static void check_places(struct mm_world *world)
{
	const uint64_t huge = huge_bytes(world), page = world->page;
	const pw_va va = map_huge(world, 3);
	struct pw_file *file = new_shmem(world, 2 * huge);

	/* All but the last page. */
	map_at(world, va, huge - page, MAP_SHARED, file, 0);
	assert_int_equal(pw_munmap(world->mm, va + huge - page, page), 0);
	put(world, va, 1);
	assert_int_equal(level_at(world, va), 0);
	assert_int_equal(level_at(world, va + page), 100);
	assert_int_equal(order_at(world, va), world->format->shift[1] - world->format->shift[0]);
	assert_int_equal(slot_at(world->mm, va + huge - page).kind, PW_SLOT_EMPTY);
	/* Another place in the page than in the file. */
	map_at(world, va + huge, huge, MAP_SHARED, file, page);
	assert_int_equal(get(world, va + huge), 0);
	put(world, va + huge, 2);
	assert_int_equal(level_at(world, va + huge), 0);
	assert_int_equal(get(world, va + page), 2);
	/* A table is there already: all of the folio, by level 0. */
	map_at(world, va + 2 * huge, huge, MAP_SHARED, file, huge);
	map_at(world, va + 3 * huge - page, page, MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0);
	put(world, va + 3 * huge - page, 3);
	map_at(world, va + 2 * huge, huge, MAP_SHARED, file, huge);
	if (slot_at(world->mm, va + 2 * huge).level == 0) {
		put(world, va + 2 * huge, 4);
		assert_int_equal(level_at(world, va + 3 * huge - page), 0);
		assert_int_equal(order_at(world, va + 3 * huge - page),
				 world->format->shift[1] - world->format->shift[0]);
	}
	unmap_huge(world, va, 3);
	pw_file_put(file);
}

static void test_places(void **state)
{
	(void)state;
	for_each_huge(&ALWAYS, check_places);
}

/* ---- what takes a leaf apart ---- */

/* Pages first..last of the block at @va are not mapped, but come back with their content. */
static void gone(struct mm_world *world, pw_va va, uint32_t first, uint32_t last)
{
	for (uint32_t i = first; i <= last; i++)
		assert_int_equal(slot_at(world->mm, va + i * world->page).kind, PW_SLOT_EMPTY);
	for (uint32_t i = first; i <= last; i++)
		assert_int_equal(get(world, va + i * world->page + i % 64), value_of(i));
}

/* A write to a private mapping takes the leaf out; the page is copied, and the others come back by faults. */
static void check_private(struct mm_world *world)
{
	const uint64_t huge = huge_bytes(world);
	const pw_va va = map_huge(world, 2);
	struct pw_file *file = new_shmem(world, huge);
	const uint32_t last = huge_pages(world) - 1;
	struct pw_pin_result result;
	pw_pa pa;

	map_at(world, va, huge, MAP_SHARED, file, 0);
	map_at(world, va + huge, huge, MAP_PRIVATE, file, 0);
	fill(world, va, 1);
	check_fill(world, va + huge, 1);
	assert_int_equal(level_at(world, va + huge), 1);
	assert_false(slot_at(world->mm, va + huge).attr & PW_WRITE);
	put(world, va + huge, 77);
	assert_int_equal(level_at(world, va + huge), 0);
	assert_int_equal(get(world, va), value_of(0));
	gone(world, va + huge, 1, last);
	assert_int_equal(get(world, va + huge), 77);
	assert_int_equal(level_at(world, va), 1);
	/* A long pin for reading copies its page alone, and gets on. */
	map_at(world, va + huge, huge, MAP_PRIVATE, file, 0);
	pw_arena_drain(world->machine->arena);
	assert_int_equal(get(world, va + huge), value_of(0));
	assert_int_equal(pw_pin(world->cpu, va + huge, 1, PW_PIN_LONGTERM, &pa, &result), 1);
	put(world, va, 5);
	assert_int_equal(get(world, va + huge), value_of(0));
	assert_int_equal(*byte_at(world, pa), value_of(0));
	pw_unpin_pages(pw_cpu_reader(world->cpu), &pa, 1, PW_PIN_LONGTERM, false);
	unmap_huge(world, va, 2);
	pw_file_put(file);
}

static void test_private(void **state)
{
	(void)state;
	for_each_huge(&ALWAYS, check_private);
}

/* A part of what the leaf maps goes, or changes: then the leaf goes. */
static void check_cut(struct mm_world *world)
{
	const uint64_t huge = huge_bytes(world), page = world->page;
	const uint32_t half = huge_pages(world) / 2, last = huge_pages(world) - 1;
	uint8_t byte;

	for (unsigned what = 0; what < 5; what++) {
		const pw_va va = map_huge(world, 1);
		struct pw_file *file = new_shmem(world, huge);

		map_at(world, va, huge, MAP_SHARED, file, 0);
		fill(world, va, 1);
		assert_int_equal(level_at(world, va), 1);
		switch (what) {
		case 0:
			assert_int_equal(pw_file_punch(file, half * page, page), 0);
			gone(world, va, half + 1, last);
			assert_int_equal(get(world, va + half * page + half % 64), 0);
			break;
		case 1:
			assert_int_equal(pw_file_truncate(file, half * page), 0);
			gone(world, va, 0, half - 1);
			assert_int_equal(order_at(world, va), 0);
			assert_false(pw_load_u8(world->cpu, va + half * page, &byte));
			break;
		case 2:
			assert_int_equal(pw_madvise(world->mm, va, page, MADV_DONTNEED), 0);
			gone(world, va, 0, last);
			break;
		case 3:
			assert_int_equal(pw_mprotect(world->mm, va, half * page, PROT_READ), 0);
			gone(world, va, 0, last);
			break;
		default:
			assert_int_equal(pw_munmap(world->mm, va, page), 0);
			gone(world, va, 1, last);
			break;
		}
		assert_int_equal(pw_munmap(world->mm, va, huge), 0);
		pw_file_put(file);
	}
}

static void test_cut(void **state)
{
	(void)state;
	for_each_huge(&ALWAYS, check_cut);
}

/* mremap: to a place that a leaf can have, and to one that it cannot. fork: the child finds its pages by faults. */
static void check_moves(struct mm_world *world)
{
	const uint64_t huge = huge_bytes(world), page = world->page;
	const pw_va va = map_huge(world, 5), to = va + huge, odd = va + 3 * huge + page;
	struct pw_file *file = new_shmem(world, huge);
	struct pw_mm *child;
	struct pw_vcpu *cpu;
	uint8_t byte = 0;

	map_at(world, va, huge, MAP_PRIVATE, file, 0);
	put(world, va, value_of(0));
	assert_int_equal(get(world, va + page), 0);
	map_at(world, va, huge, MAP_SHARED, file, 0);
	pw_arena_drain(world->machine->arena);
	fill(world, va, 1);
	assert_int_equal(pw_mremap(world->mm, va, huge, huge, MREMAP_MAYMOVE | MREMAP_FIXED, to),
			 to);
	check_fill(world, to, 1);
	assert_int_equal(pw_mremap(world->mm, to, huge, huge, MREMAP_MAYMOVE | MREMAP_FIXED, odd),
			 odd);
	check_fill(world, odd, 1);
	assert_int_equal(level_at(world, odd), 0);
	assert_int_equal(pw_mm_fork(world->mm, &child, NULL), 0);
	assert_int_equal(pw_cpu_create(child, &cpu), 0);
	assert_true(pw_load_u8(cpu, odd + page + 1, &byte));
	assert_int_equal(byte, value_of(1));
	pw_cpu_destroy(cpu);
	pw_mm_destroy(child);
	unmap_huge(world, va, 5);
	pw_file_put(file);
}

static void test_moves(void **state)
{
	(void)state;
	for_each_huge(&ALWAYS, check_moves);
}

/* Reclaim splits the folio and swaps its pages; they come back small. */
static void check_swap(struct mm_world *world)
{
	const uint64_t huge = huge_bytes(world);
	const pw_va va = map_huge(world, 1);
	struct pw_file *file = new_shmem(world, huge);
	struct pw_machine_info info;

	map_at(world, va, huge, MAP_SHARED, file, 0);
	fill(world, va, 1);
	assert_int_equal(level_at(world, va), 1);
	assert_true(pw_reclaim(world->machine, huge) >= huge / 2);
	pw_machine_info(world->machine, &info);
	assert_true(info.swapped_out > 0);
	check_fill(world, va, 1);
	unmap_huge(world, va, 1);
	pw_file_put(file);
}

static void test_swap(void **state)
{
	char path[] = "/tmp/pagewalk-test-XXXXXX";
	const int fd = mkstemp(path);
	const struct pw_machine_options options = { .shmem_huge = PW_SHMEM_ALWAYS,
						    .swap = path,
						    .swap_bytes = 8 << 20 };

	(void)state;
	assert_true(fd >= 0);
	for_each_huge(&options, check_swap);
	close(fd);
	unlink(path);
}

/* ---- groups ---- */

static void check_groups(struct mm_world *world)
{
	const uint64_t large = 16 * world->page;
	struct pw_file *file = new_shmem(world, 3 * large);
	const pw_va all = map_anon(world, 80, RW), va = (all + large - 1) & ~(large - 1);

	map_at(world, va, 3 * large, MAP_SHARED, file, 0);
	put(world, va + 2 * world->page, 7);
	assert_int_equal(order_at(world, va), 4);
	assert_int_equal(slot_at(world->mm, va + 15 * world->page).kind, PW_SLOT_PAGE);
	assert_int_equal(slot_at(world->mm, va + large).kind, PW_SLOT_EMPTY);
	if (pw_slot_groups(world->mm->space) & large)
		assert_int_equal(slot_at(world->mm, va).lg2, world->format->shift[0] + 4);
	assert_int_equal(pw_page_references(world->machine, frame_at(world, va)), 32);
	assert_int_equal(pw_file_truncate(file, 8 * world->page), 0);
	assert_int_equal(get(world, va + 2 * world->page), 7);
	assert_int_equal(order_at(world, va + 2 * world->page), 0);
	assert_int_equal(pw_munmap(world->mm, all, 80 * world->page), 0);
	pw_file_put(file);
}

static void test_groups(void **state)
{
	const struct pw_format *format;

	(void)state;
	for (size_t i = 0; (format = pw_format_at(i)); i++) {
		struct pw_machine_options options = { .shmem_huge = PW_SHMEM_ALWAYS };
		struct mm_world world;

		if (!pw_format_can_edit(format) || format->levels < 2 || format->bits[0] < 6)
			continue;
		options.group_sizes = UINT64_C(16) << format->shift[0];
		world = open_mm(format, &options);
		/* Where the memory is large enough for a huge page, the file gets that. */
		if (world.machine->huge_level == 0)
			check_groups(&world);
		close_mm(&world);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shared), cmocka_unit_test(test_policies),
		cmocka_unit_test(test_places), cmocka_unit_test(test_private),
		cmocka_unit_test(test_cut),    cmocka_unit_test(test_moves),
		cmocka_unit_test(test_swap),   cmocka_unit_test(test_groups),
	};

	mutant_choose(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
