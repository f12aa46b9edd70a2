/* SPDX-License-Identifier: MIT */
/* Machines with a pool of hugetlb pages, for every format that has huge pages. */
#ifndef TESTS_MM_HUGETLB_TEST_H
#define TESTS_MM_HUGETLB_TEST_H

#include "file_test.h"

enum { POOL = 3, LARGEST_LG2 = 22 };

struct huge_world {
	struct mm_world mm;
	uint64_t size; /* of a hugetlb page */
	unsigned level;
};

static inline void close_world(struct huge_world *world)
{
	struct pw_arena *arena = pw_machine_arena(world->mm.machine);
	struct pw_arena_faults faults;

	pw_cpu_destroy(world->mm.cpu);
	pw_mm_destroy(world->mm.mm);
	pw_arena_drain(arena);
	/* All pages of the pool, and nothing else. */
	assert_int_equal(pw_arena_bytes(arena) - pw_arena_free_bytes(arena), POOL * world->size);
	pw_arena_faults(arena, &faults);
	assert_int_equal(faults.underflows, 0);
	assert_int_equal(faults.written_after_free, 0);
	pw_machine_destroy(world->mm.machine);
}

/* Runs @test in a machine with a pool of three pages, for each format whose huge pages are not too large. */
static inline void for_each_huge(void (*test)(struct huge_world *world))
{
	const struct pw_format *format;
	unsigned count = 0;

	for (size_t i = 0; (format = pw_format_at(i)); i++) {
		struct pw_machine_options options = { .huge = PW_HUGE_NEVER };
		struct huge_world world = { .level = 0 };
		unsigned lg2 = 0;

		if (!pw_format_can_edit(format))
			continue;
		for (unsigned level = format->levels - 1; level > 0; level--) {
			if (format->leaf_levels >> level & 1) {
				lg2 = format->shift[level];
				world.level = level;
			}
		}
		if (lg2 == 0 || lg2 > LARGEST_LG2)
			continue;
		world.size = UINT64_C(1) << lg2;
		options.hugetlb_bytes = POOL * world.size;
		options.bytes = (POOL + 2) * world.size +
				MM_FRAMES * (UINT64_C(1) << format->shift[0]);
		options.bytes &= ~(world.size - 1);
		world.mm = open_mm(format, &options);
		test(&world);
		close_world(&world);
		count++;
	}
	assert_true(count > 3);
}

static inline struct pw_file *new_file(struct huge_world *world, unsigned pages)
{
	struct pw_file *file;

	assert_int_equal(pw_hugetlb_create(world->mm.machine, pages * world->size, 0, &file, NULL),
			 0);
	return file;
}

static inline pw_sva map(struct huge_world *world, struct pw_file *file, unsigned pages, int flags)
{
	return pw_mmap(world->mm.mm, 0, pages * world->size, RW, flags, file, 0);
}

static inline pw_va map_all(struct huge_world *world, struct pw_file *file, unsigned pages,
			    int flags)
{
	pw_sva va = map(world, file, pages, flags);

	assert_false(pw_is_error(va));
	return (pw_va)va;
}

#endif
