/* SPDX-License-Identifier: MIT */
/* Small pages that become a huge one. */
#include <fcntl.h>
#include <unistd.h>

#include "huge_test.h"
#include "mutants/choose.h"

enum { ADVICE_COLLAPSE = 25 };

static const struct pw_machine_options MADVISE = { .huge = PW_HUGE_MADVISE };

static unsigned tables(const struct mm_world *world)
{
	struct pw_mm_info info;

	pw_mm_info(world->mm, &info);
	return (unsigned)info.tables;
}

static void check_full(struct mm_world *world)
{
	const pw_va va = map_huge(world, 2);
	struct pw_machine_info info;
	struct pw_mm_info mm;
	unsigned before;

	fill(world, va, 1);
	fill(world, va + huge_bytes(world), 2);
	before = tables(world);
	assert_int_equal(pw_collapse_all(world->mm), 0);
	advise_huge(world, va);
	assert_int_equal(pw_collapse_all(world->mm), 2);
	for (unsigned i = 0; i < 2; i++) {
		struct pw_slot slot = slot_at(world->mm, va + i * huge_bytes(world));

		assert_int_equal(slot.level, 1);
		assert_true(slot.attr & PW_WRITE);
		check_counts(world, va + i * huge_bytes(world), huge_pages(world));
		assert_true(pw_folio_is_exclusive(
			world->machine->arena,
			frame_at(world, va + (i * huge_pages(world) + 3) * world->page)));
	}
	check_fill(world, va, 1);
	check_fill(world, va + huge_bytes(world), 2);
	pw_arena_drain(world->machine->arena);
	assert_true(tables(world) < before);
	pw_machine_info(world->machine, &info);
	assert_int_equal(info.huge_collapses, 2);
	pw_mm_info(world->mm, &mm);
	assert_int_equal(mm.anonymous, 2 * huge_bytes(world));
	assert_int_equal(pw_collapse_all(world->mm), 0);
	put(world, va, 3);
	assert_int_equal(get(world, va), 3);
	unmap_huge(world, va, 2);
}

static void test_full(void **state)
{
	(void)state;
	for_each_huge(&MADVISE, check_full);
}

/* A page that somebody holds stays where it is, and so does everything else. */
static void check_held(struct mm_world *world)
{
	struct pw_arena *arena = world->machine->arena;
	const pw_va va = map_huge(world, 1);

	fill(world, va, 1);
	advise_huge(world, va);
	for (unsigned pin = 0; pin < 2; pin++) {
		const pw_va held = va + (huge_pages(world) - 2) * world->page;
		pw_pa page = slot_at(world->mm, held).pa;

		assert_true(pin ? pw_folio_pin(arena, page, 1) : pw_folio_get(arena, page, 1));
		assert_int_equal(pw_collapse_all(world->mm), 0);
		assert_int_equal(pw_collapse_range(pw_vma_find(world->mm, va), va,
						   va + huge_bytes(world) - 1),
				 -EAGAIN);
		assert_int_equal(slot_at(world->mm, held).pa, page);
		check_fill(world, va, 1);
		if (pin)
			pw_folio_unpin(arena, page, 1);
		else
			pw_folio_put(arena, page, 1);
	}
	/* None of them is locked. */
	assert_int_equal(pw_collapse_all(world->mm), 1);
	check_fill(world, va, 1);
	unmap_huge(world, va, 1);
}

static void test_held(void **state)
{
	(void)state;
	for_each_huge(&MADVISE, check_held);
}

/* What MADV_COLLAPSE says of ranges that cannot be one page, or are one. */
static void check_range(struct mm_world *world)
{
	const uint64_t huge = huge_bytes(world);
	const pw_va va = map_huge(world, 1);
	struct pw_vma *vma = pw_vma_find(world->mm, va);

	assert_int_equal(pw_collapse_range(vma, va, va + huge - 1), -EINVAL);
	put(world, va + world->page, 1);
	assert_int_equal(pw_collapse_range(vma, va + world->page, va + huge - 1), 0);
	assert_int_equal(pw_collapse_range(vma, va + world->page, va + huge - world->page - 1),
			 -EINVAL);
	world->machine->options.kernel = 0x702;
	assert_int_equal(pw_collapse_range(vma, va + world->page, va + huge - world->page - 1), 0);
	world->machine->options.kernel = 0;
	assert_int_equal(slot_at(world->mm, va).level, 0);
	pw_mm_write_lock(world->mm);
	assert_int_equal(pw_collapse_range(vma, va, va + huge - 1), 0);
	assert_int_equal(pw_collapse_range(vma, va, va + huge - 1), 0);
	pw_mm_write_unlock(world->mm);
	assert_int_equal(slot_at(world->mm, va).level, 1);
	assert_int_equal(get(world, va + world->page), 1);
	assert_int_equal(get(world, va + 2 * world->page), 0);
	unmap_huge(world, va, 1);
}

static void test_range(void **state)
{
	(void)state;
	for_each_huge(&(struct pw_machine_options){ .huge = PW_HUGE_NEVER }, check_range);
}

/* A page that a child shares is copied; the child keeps the old one. */
static void check_shared(struct mm_world *world)
{
	const pw_va va = map_huge(world, 1);
	struct pw_mm *child;
	struct pw_vcpu *cpu;
	uint8_t value;

	put(world, va, 1);
	put(world, va + world->page, 2);
	assert_int_equal(pw_mm_fork(world->mm, &child, NULL), 0);
	advise_huge(world, va);
	assert_int_equal(pw_collapse_all(world->mm), 1);
	put(world, va, 7);
	assert_int_equal(pw_cpu_create(child, &cpu), 0);
	assert_true(pw_load_u8(cpu, va, &value));
	assert_int_equal(value, 1);
	assert_true(pw_store_u8(cpu, va + world->page, 9));
	assert_int_equal(get(world, va + world->page), 2);
	pw_cpu_destroy(cpu);
	pw_mm_destroy(child);
	unmap_huge(world, va, 1);
}

static void test_shared(void **state)
{
	(void)state;
	for_each_huge(&MADVISE, check_shared);
}

/* ---- groups ---- */

/* A block that has a hole: folios of 16 pages, in the same table. */
static void check_groups(struct mm_world *world)
{
	const uint64_t large = 16 * world->page;
	const pw_va va = map_huge(world, 1);
	const unsigned before = tables(world);

	assert_int_equal(pw_munmap(world->mm, va + huge_bytes(world) - world->page, world->page),
			 0);
	for (uint32_t i = 0; i < 32; i++)
		put(world, va + i * world->page, value_of(i));
	advise_huge(world, va);
	assert_true(pw_folio_pin(world->machine->arena, slot_at(world->mm, va + large).pa, 1));
	assert_int_equal(pw_collapse_all(world->mm), 1);
	assert_int_equal(order_at(world, va), 4);
	assert_int_equal(order_at(world, va + large), 0);
	check_counts(world, va, 16);
	pw_folio_unpin(world->machine->arena, slot_at(world->mm, va + large).pa, 1);
	if (pw_slot_groups(world->mm->space) & large)
		assert_int_equal(slot_at(world->mm, va).lg2, world->format->shift[0] + 4);
	assert_int_equal(pw_collapse_all(world->mm), 1);
	for (uint32_t i = 0; i < 32; i++)
		assert_int_equal(get(world, va + i * world->page), value_of(i));
	put(world, va, 3);
	assert_int_equal(get(world, va), 3);
	assert_true(before <= tables(world));
	unmap_huge(world, va, 1);
}

static void test_groups(void **state)
{
	const struct pw_format *format;

	(void)state;
	for (size_t i = 0; (format = pw_format_at(i)); i++) {
		struct pw_machine_options options = { .huge = PW_HUGE_MADVISE };
		struct mm_world world;

		if (!pw_format_can_edit(format) || format->levels < 2 ||
		    format->shift[1] > LARGEST_LG2 + 4 || format->bits[0] < 6)
			continue;
		options.bytes = UINT64_C(4) << format->shift[1];
		options.group_sizes = UINT64_C(16) << format->shift[0];
		world = open_mm(format, &options);
		check_groups(&world);
		close_mm(&world);
	}
}

/* ---- shared memory ---- */

/* The pages of a file become one, for all who map them; a part that is cut off is split off. */
static void check_file(struct mm_world *world)
{
	const uint64_t huge = huge_bytes(world);
	const pw_va va = map_huge(world, 2);
	struct pw_vma *vma;
	struct pw_file *file;
	uint8_t byte = 0;

	assert_int_equal(pw_shmem_create(world->machine, 2 * huge, &file, NULL), 0);
	for (unsigned i = 0; i < 2; i++) {
		pw_sva at = pw_mmap(world->mm, va + i * huge, huge, RW, MAP_SHARED | MAP_FIXED,
				    file, 0);

		assert_int_equal(at, va + i * huge);
	}
	fill(world, va, 1);
	check_fill(world, va + huge, 1);
	vma = pw_vma_find(world->mm, va);
	pw_mm_write_lock(world->mm);
	assert_int_equal(pw_collapse_range(vma, va, va + huge - 1), 0);
	pw_mm_write_unlock(world->mm);
	assert_int_equal(slot_at(world->mm, va).level, 1);
	check_fill(world, va + huge, 1);
	check_fill(world, va, 1);
	put(world, va + huge, 55);
	assert_int_equal(get(world, va), 55);
	assert_int_equal(pw_file_read(file, world->page + 1, &byte, 1), 1);
	assert_int_equal(byte, value_of(1));
	/* The second half goes. */
	assert_int_equal(pw_file_truncate(file, huge / 2), 0);
	assert_int_equal(get(world, va), 55);
	assert_int_equal(get(world, va + world->page + 1), value_of(1));
	assert_int_equal(order_at(world, va), 0);
	assert_false(pw_load_u8(world->cpu, va + huge / 2, &byte));
	unmap_huge(world, va, 2);
	pw_file_put(file);
}

static void test_file(void **state)
{
	(void)state;
	for_each_huge(&MADVISE, check_file);
}

/* A huge page of a file that moves keeps the content of all its pages. */
static void check_moved_file(struct mm_world *world)
{
	const uint64_t huge = huge_bytes(world);
	const pw_va va = map_huge(world, 1);
	struct pw_file *file;
	uint8_t byte = 0;
	pw_pa pa;

	assert_int_equal(pw_shmem_create(world->machine, huge, &file, NULL), 0);
	assert_int_equal(pw_mmap(world->mm, va, huge, RW, MAP_SHARED | MAP_FIXED, file, 0), va);
	fill(world, va, 1);
	pw_mm_write_lock(world->mm);
	assert_int_equal(pw_collapse_range(pw_vma_find(world->mm, va), va, va + huge - 1), 0);
	pw_mm_write_unlock(world->mm);
	pa = pw_arena_pa(world->machine->arena, frame_at(world, va));
	assert_int_equal(pw_migrate(world->machine, pa), 0);
	/* A format without migration entries above level 0 has lost the leaf: a fault brings it back. */
	assert_int_equal(get(world, va + world->page + 1), value_of(1));
	assert_int_not_equal(pw_arena_pa(world->machine->arena, frame_at(world, va)), pa);
	assert_int_equal(pw_file_read(file, world->page + 1, &byte, 1), 1);
	assert_int_equal(byte, value_of(1));
	check_fill(world, va, 1);
	unmap_huge(world, va, 1);
	pw_file_put(file);
}

static void test_moved_file(void **state)
{
	(void)state;
	for_each_huge(&MADVISE, check_moved_file);
}

/* Locked pages of a file become one, too, and that one is split again: who has locked them finds them by faults. */
static void check_locked_file(struct mm_world *world)
{
	const uint64_t huge = huge_bytes(world), page = world->page;
	const pw_va va = map_huge(world, 2);
	struct pw_file *file;

	assert_int_equal(pw_shmem_create(world->machine, huge, &file, NULL), 0);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(pw_mmap(world->mm, va + i * huge, huge, RW, MAP_SHARED | MAP_FIXED,
					 file, 0),
				 va + i * huge);
	fill(world, va, 1);
	assert_int_equal(pw_mlock(world->mm, va, 2 * huge, 0), 0);
	assert_int_equal(pw_madvise(world->mm, va, huge, ADVICE_COLLAPSE), 0);
	assert_int_equal(slot_at(world->mm, va).level, 1);
	check_fill(world, va + huge, 1);
	check_fill(world, va, 1);
	assert_int_equal(pw_file_punch(file, huge / 2, page), 0);
	assert_int_equal(get(world, va + huge / 2), 0);
	assert_int_equal(order_at(world, va + huge / 2), 0);
	assert_int_equal(get(world, va + huge + page + 1), value_of(1));
	assert_int_equal(order_at(world, va + huge + page), 0);
	unmap_huge(world, va, 2);
	pw_file_put(file);
}

static void test_locked_file(void **state)
{
	(void)state;
	for_each_huge(&MADVISE, check_locked_file);
}

/* ---- files of the host ---- */

/* A file of the host of two huge pages: each page begins with its value. @flags: how it is open. */
static struct pw_file *open_host(struct mm_world *world, int flags)
{
	char path[] = "/tmp/pagewalk-collapse-XXXXXX";
	struct pw_file *file;
	int fd = mkstemp(path), again;

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)(2 * huge_bytes(world))), 0);
	for (uint32_t i = 0; i < huge_pages(world); i++) {
		const uint8_t value = value_of(i);

		assert_int_equal(pwrite(fd, &value, 1, (off_t)(i * world->page + i % 64)), 1);
	}
	again = open(path, flags);
	assert_true(again >= 0);
	assert_int_equal(pw_file_open(world->machine, again, &file, NULL), 0);
	close(again);
	close(fd);
	unlink(path);
	return file;
}

/* A file that is only read: its pages become one, for all who map them. Private copies stay what they are. */
static void check_read_only(struct mm_world *world)
{
	const uint64_t huge = huge_bytes(world);
	const pw_va va = map_huge(world, 3);
	struct pw_file *file = open_host(world, O_RDONLY);
	struct pw_machine_info info;

	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(pw_mmap(world->mm, va + i * huge, huge, i ? RW : PROT_READ,
					 MAP_PRIVATE | MAP_FIXED, file, 0),
				 va + i * huge);
	check_fill(world, va, 1);
	put(world, va + huge, 99);
	assert_int_equal(pw_madvise(world->mm, va, huge, ADVICE_COLLAPSE), 0);
	assert_int_equal(slot_at(world->mm, va).level, 1);
	assert_false(slot_at(world->mm, va).attr & PW_WRITE);
	check_fill(world, va, 1);
	assert_int_equal(get(world, va + huge), 99);
	assert_int_equal(get(world, va + huge + world->page + 1), value_of(1));
	/* Others map the whole by one fault, and a write of theirs takes that apart again. */
	assert_int_equal(
		pw_mmap(world->mm, va + 2 * huge, huge, RW, MAP_PRIVATE | MAP_FIXED, file, 0),
		va + 2 * huge);
	assert_int_equal(get(world, va + 2 * huge), value_of(0));
	assert_int_equal(slot_at(world->mm, va + 2 * huge).level, 1);
	put(world, va + 2 * huge, 98);
	assert_int_equal(get(world, va + 2 * huge), 98);
	check_fill(world, va, 1);
	/* Clean as it is, it can be dropped whole; not in part. */
	unmap_huge(world, va, 3);
	pw_file_drop(file, 0, huge / 2);
	pw_machine_info(world->machine, &info);
	assert_true(info.file >= huge);
	pw_file_drop(file, 0, huge);
	pw_machine_info(world->machine, &info);
	assert_true(info.file < huge);
	pw_file_put(file);
}

/* As Linux: not if the file is open for writing. */
static void check_writable(struct mm_world *world)
{
	const uint64_t huge = huge_bytes(world);
	const pw_va va = map_huge(world, 1);
	struct pw_file *file = open_host(world, O_RDWR);

	assert_int_equal(pw_mmap(world->mm, va, huge, PROT_READ, MAP_PRIVATE | MAP_FIXED, file, 0),
			 va);
	assert_int_equal(get(world, va), value_of(0));
	assert_int_equal(pw_madvise(world->mm, va, huge, ADVICE_COLLAPSE), -EINVAL);
	assert_int_equal(slot_at(world->mm, va).level, 0);
	unmap_huge(world, va, 1);
	pw_file_put(file);
}

static void test_host(void **state)
{
	(void)state;
	for_each_huge(&MADVISE, check_read_only);
	for_each_huge(&MADVISE, check_writable);
}

/* Another page lies between those of a folio that a child shares: they become one page of their own again. */
static void check_neighbours(struct mm_world *world)
{
	const pw_va va = map_huge(world, 1);
	struct pw_mm *child;
	struct pw_vcpu *cpu;
	uint8_t value = 0;

	fill(world, va, 1);
	assert_int_equal(pw_mm_fork(world->mm, &child, NULL), 0);
	put(world, va + 3 * world->page, 99);
	put(world, va + 5 * world->page, 98);
	assert_int_equal(slot_at(world->mm, va).level, 0);
	assert_int_equal(pw_madvise(world->mm, va, huge_bytes(world), ADVICE_COLLAPSE), 0);
	assert_int_equal(slot_at(world->mm, va).level, 1);
	assert_int_equal(get(world, va + 3 * world->page), 99);
	assert_int_equal(get(world, va + 4 * world->page + 4), value_of(4));
	assert_int_equal(pw_cpu_create(child, &cpu), 0);
	assert_true(pw_load_u8(cpu, va + 4 * world->page + 4, &value));
	assert_int_equal(value, value_of(4));
	/* No lock of the old folio is left. */
	assert_int_equal(pw_split_folio(world->machine, slot_at(child, va).pa), 0);
	pw_cpu_destroy(cpu);
	pw_mm_destroy(child);
	unmap_huge(world, va, 1);
}

static void test_neighbours(void **state)
{
	(void)state;
	for_each_huge(&(struct pw_machine_options){ .huge = PW_HUGE_ALWAYS }, check_neighbours);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_full),       cmocka_unit_test(test_held),
		cmocka_unit_test(test_range),      cmocka_unit_test(test_shared),
		cmocka_unit_test(test_groups),     cmocka_unit_test(test_file),
		cmocka_unit_test(test_moved_file), cmocka_unit_test(test_neighbours),
		cmocka_unit_test(test_host),       cmocka_unit_test(test_locked_file),
	};

	mutant_choose(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
