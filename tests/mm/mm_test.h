/* SPDX-License-Identifier: MIT */
/* A machine of a format with one mm and one cpu, for tests of address spaces. */
#ifndef TESTS_MM_MM_TEST_H
#define TESTS_MM_MM_TEST_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <pagewalk/cpu.h>

#include "format/format.h"
#include "mm/mm.h"

struct mm_world {
	const struct pw_format *format;
	struct pw_machine *machine;
	struct pw_mm *mm;
	struct pw_vcpu *cpu;
	uint64_t page; /* bytes of a base page */
	uint64_t free; /* bytes of memory before there was an mm: all but a hugetlb pool */
};

enum { MM_FRAMES = 1024 };

/* Opens a world; what @options leaves 0 is chosen: MM_FRAMES frames, the format, poison. */
static inline struct mm_world open_mm(const struct pw_format *format,
				      const struct pw_machine_options *options)
{
	struct pw_machine_options all = options ? *options : (struct pw_machine_options){ 0 };
	struct mm_world world = { .format = format, .page = UINT64_C(1) << format->shift[0] };
	struct pw_error error;

	all.format = format;
	if (!all.bytes)
		all.bytes = MM_FRAMES * world.page;
	all.poison = true;
	if (pw_machine_create(&all, &world.machine, &error))
		fail_msg("%s: %s", format->name, error.text);
	world.free = pw_arena_free_bytes(pw_machine_arena(world.machine));
	assert_int_equal(pw_mm_create(world.machine, &world.mm, NULL), 0);
	assert_int_equal(pw_cpu_create(world.mm, &world.cpu), 0);
	return world;
}

/* Closes it. No page may be left, given back twice, or written to after it was freed. */
static inline void close_mm(struct mm_world *world)
{
	struct pw_arena *arena = pw_machine_arena(world->machine);
	struct pw_arena_faults faults;

	pw_cpu_destroy(world->cpu);
	pw_mm_destroy(world->mm);
	pw_arena_faults(arena, &faults);
	assert_int_equal(faults.underflows, 0);
	assert_int_equal(faults.written_after_free, 0);
	assert_int_equal(pw_arena_free_bytes(arena), world->free);
	pw_machine_destroy(world->machine);
}

/* Emulated and sanitized code is slower: then every fourth format is enough. */
static inline bool skips_format(size_t number)
{
	return getenv("PW_TEST_QUICK") && number % 4 != 1;
}

/* Runs @test in a new world of every format that can be edited. */
static inline void for_each_mm(void (*test)(struct mm_world *world))
{
	const struct pw_format *format;

	for (size_t i = 0; (format = pw_format_at(i)); i++) {
		struct mm_world world;

		if (!pw_format_can_edit(format) || skips_format(i))
			continue;
		world = open_mm(format, NULL);
		test(&world);
		close_mm(&world);
	}
}

/* A file for swap, or to be mapped. */
struct temporary {
	char path[64];
	int fd;
};

static inline struct temporary make_temporary(void)
{
	struct temporary file = { .path = "/tmp/pagewalk-test-XXXXXX" };

	file.fd = mkstemp(file.path);
	assert_true(file.fd >= 0);
	return file;
}

static inline void drop_temporary(struct temporary *file)
{
	close(file->fd);
	unlink(file->path);
}

/* Runs @test on each format, in a world of @frames frames (0: as open_mm has them) with @slots slots of swap. */
static inline void for_each_swap_mm(uint64_t frames, uint64_t slots,
				    void (*test)(struct mm_world *world))
{
	const struct pw_format *format;

	for (size_t i = 0; (format = pw_format_at(i)); i++) {
		struct pw_machine_options options = { .huge = PW_HUGE_NEVER };
		struct temporary file;
		struct mm_world world;

		if (!pw_format_can_edit(format) || skips_format(i))
			continue;
		file = make_temporary();
		options.bytes = frames << format->shift[0];
		options.swap = file.path;
		options.swap_bytes = slots << format->shift[0];
		world = open_mm(format, &options);
		test(&world);
		close_mm(&world);
		drop_temporary(&file);
	}
}

static inline pw_va map_anon(struct mm_world *world, uint64_t pages, int prot)
{
	pw_sva va = pw_mmap(world->mm, 0, pages * world->page, prot, MAP_PRIVATE | MAP_ANONYMOUS,
			    NULL, 0);

	assert_false(pw_is_error(va));
	return (pw_va)va;
}

static inline pw_va map_file(struct mm_world *world, struct pw_file *file, uint64_t pages, int prot,
			     int flags)
{
	pw_sva va = pw_mmap(world->mm, 0, pages * world->page, prot, flags, file, 0);

	assert_false(pw_is_error(va));
	return (pw_va)va;
}

/* The byte at physical address @pa. */
static inline unsigned char *byte_at(const struct mm_world *world, pw_pa pa)
{
	return pw_arena_host(pw_machine_arena(world->machine), pa, 1);
}

#endif
