/* SPDX-License-Identifier: MIT */
/* Long pins: files with dirty tracking, memory that must stay movable. */
#include "mm_test.h"

#include "mutants/choose.h"

#include <stdio.h>
#include <unistd.h>

static const int RW_PROT = PROT_READ | PROT_WRITE;
static const unsigned LONG_WRITE = PW_PIN_LONGTERM | PW_PIN_WRITE;

static long try_pin(struct mm_world *world, pw_va va, unsigned flags)
{
	pw_pa page;
	long count = pw_pin(world->cpu, va, 1, flags, &page, NULL);

	if (count > 0)
		pw_unpin_pages(pw_cpu_reader(world->cpu), &page, 1, flags, false);
	return count;
}

static bool is_movable(const struct mm_world *world, pw_pa pa)
{
	return pw_arena_frame(world->machine->arena, pa) >= world->machine->movable_first;
}

/* ---- files ---- */

static struct pw_file *open_file(struct mm_world *world, uint64_t pages)
{
	FILE *host = tmpfile();
	struct pw_error error;
	struct pw_file *file;

	assert_non_null(host);
	assert_int_equal(ftruncate(fileno(host), (off_t)(pages * world->page)), 0);
	if (pw_file_open(world->machine, fileno(host), &file, &error))
		fail_msg("%s", error.text);
	fclose(host);
	return file;
}

/*
 * A file's page may be written to by a pin for a short while, and read for long. Not both: write-back would
 * protect it, and the holder would write all the same. In a private mapping the holder gets a copy.
 */
static void check_file(struct mm_world *world)
{
	struct pw_file *file = open_file(world, 2);
	const pw_va shared = map_file(world, file, 2, RW_PROT, MAP_SHARED);
	const pw_va private = map_file(world, file, 2, RW_PROT, MAP_PRIVATE);

	assert_int_equal(try_pin(world, shared, LONG_WRITE), -EFAULT);
	assert_int_equal(try_pin(world, shared, PW_PIN_WRITE), 1);
	/* Now the fast path finds a writable entry. */
	assert_int_equal(try_pin(world, shared, LONG_WRITE), -EFAULT);
	assert_int_equal(try_pin(world, shared, PW_PIN_LONGTERM), 1);
	assert_int_equal(try_pin(world, private, LONG_WRITE), 1);
	assert_int_equal(pw_munmap(world->mm, shared, 2 * world->page), 0);
	assert_int_equal(pw_munmap(world->mm, private, 2 * world->page), 0);
	pw_file_put(file);
}

static void test_file(void **state)
{
	for_each_mm(check_file);
}

static void check_shmem(struct mm_world *world)
{
	struct pw_file *file;
	pw_va va;

	assert_int_equal(pw_shmem_create(world->machine, 2 * world->page, &file, NULL), 0);
	va = map_file(world, file, 2, RW_PROT, MAP_SHARED);
	assert_int_equal(try_pin(world, va, LONG_WRITE), 1);
	/* Beyond the end. */
	assert_int_equal(pw_file_truncate(file, world->page), 0);
	assert_int_equal(try_pin(world, va + world->page, LONG_WRITE), -EFAULT);
	assert_int_equal(pw_munmap(world->mm, va, 2 * world->page), 0);
	pw_file_put(file);
}

static void test_shmem(void **state)
{
	for_each_mm(check_shmem);
}

/* The holder of a page keeps it when the file is truncated; a new pin gets the new page. */
static void check_truncated(struct mm_world *world)
{
	struct pw_file *file;
	pw_pa old, new;
	pw_va va;

	assert_int_equal(pw_shmem_create(world->machine, world->page, &file, NULL), 0);
	va = map_file(world, file, 1, RW_PROT, MAP_SHARED);
	assert_int_equal(pw_pin(world->cpu, va, 1, LONG_WRITE, &old, NULL), 1);
	*byte_at(world, old) = 1;
	assert_int_equal(pw_file_punch(file, 0, world->page), 0);
	assert_int_equal(pw_pin(world->cpu, va, 1, LONG_WRITE, &new, NULL), 1);
	assert_int_not_equal(old, new);
	assert_int_equal(*byte_at(world, old), 1);
	assert_int_equal(*byte_at(world, new), 0);
	pw_unpin_pages(pw_cpu_reader(world->cpu), &old, 1, LONG_WRITE, true);
	pw_unpin_pages(pw_cpu_reader(world->cpu), &new, 1, LONG_WRITE, true);
	assert_int_equal(pw_munmap(world->mm, va, world->page), 0);
	pw_file_put(file);
}

static void test_truncated(void **state)
{
	for_each_mm(check_truncated);
}

static void check_secret(struct mm_world *world)
{
	struct pw_file *file;
	pw_va va;

	assert_int_equal(pw_secret_create(world->machine, world->page, &file, NULL), 0);
	va = map_file(world, file, 1, RW_PROT, MAP_SHARED);
	assert_true(pw_store_u8(world->cpu, va, 1));
	assert_int_equal(try_pin(world, va, 0), -EFAULT);
	assert_int_equal(try_pin(world, va, PW_PIN_WRITE), -EFAULT);
	assert_int_equal(try_pin(world, va, PW_PIN_FORCE), -EFAULT);
	assert_int_equal(pw_munmap(world->mm, va, world->page), 0);
	pw_file_put(file);
}

static void test_secret(void **state)
{
	for_each_mm(check_secret);
}

/* ---- movable memory ---- */

/* Runs @test in a world of every format, half of whose memory is movable. */
static void for_each_movable(void (*test)(struct mm_world *world))
{
	const struct pw_format *format;

	for (size_t i = 0; (format = pw_format_at(i)); i++) {
		struct pw_machine_options options = { 0 };
		struct mm_world world;

		if (!pw_format_can_edit(format))
			continue;
		options.bytes = (uint64_t)MM_FRAMES << format->shift[0];
		options.movable_bytes = options.bytes / 2;
		world = open_mm(format, &options);
		test(&world);
		close_mm(&world);
	}
}

enum { MANY = MM_FRAMES * 5 / 8 }; /* pages: more than the memory that is not movable has */

/* Maps MANY pages, so that no memory but movable is left; *movable_ret is one in it. */
static pw_va map_movable(struct mm_world *world, pw_va *movable_ret)
{
	const pw_va va = map_anon(world, MANY, RW_PROT);

	*movable_ret = 0;
	for (uint64_t i = 0; i < MANY; i++) {
		const pw_va at = va + i * world->page;
		pw_pa page;

		assert_true(pw_store_u8(world->cpu, at, (uint8_t)i));
		assert_int_equal(pw_pin(world->cpu, at, 1, 0, &page, NULL), 1);
		if (is_movable(world, page))
			*movable_ret = at;
		pw_unpin_pages(pw_cpu_reader(world->cpu), &page, 1, 0, false);
	}
	assert_true(*movable_ret);
	return va;
}

/* Gives a quarter of the pages back, but not the last one: now there is room that long pins may hold. */
static void make_room(struct mm_world *world, pw_va va)
{
	assert_int_equal(pw_munmap(world->mm, va, MANY / 4 * world->page), 0);
}

/*
 * A page in movable memory goes elsewhere before it is held for long. It keeps its content. Without memory to go
 * to, nothing is held.
 */
static void check_migrated(struct mm_world *world)
{
	struct pw_pin_result result;
	uint8_t value, after;
	pw_va movable, va = map_movable(world, &movable);
	pw_pa page;

	assert_int_equal(pw_pin(world->cpu, movable, 1, LONG_WRITE, &page, &result), -ENOMEM);
	assert_int_equal(result.error, -ENOMEM);
	make_room(world, va);
	assert_true(pw_load_u8(world->cpu, movable, &value));
	assert_int_equal(pw_pin(world->cpu, movable, 1, LONG_WRITE, &page, &result), 1);
	assert_false(is_movable(world, page));
	assert_int_equal(result.migrated, 1);
	assert_int_equal(*byte_at(world, page), value);
	assert_true(pw_store_u8(world->cpu, movable, (uint8_t)(value + 1)));
	assert_int_equal(*byte_at(world, page), (uint8_t)(value + 1));
	pw_unpin_pages(pw_cpu_reader(world->cpu), &page, 1, LONG_WRITE, true);
	assert_true(pw_load_u8(world->cpu, movable, &after));
	assert_int_equal(after, (uint8_t)(value + 1));
	assert_int_equal(pw_munmap(world->mm, va, MANY * world->page), 0);
}

static void test_migrated(void **state)
{
	for_each_movable(check_migrated);
}

/* A page that somebody else holds does not move. The call ends, and holds nothing. */
static void check_held(struct mm_world *world)
{
	struct pw_pin_result result;
	pw_va movable, va = map_movable(world, &movable);
	struct pw_folio_info before, after;
	pw_pa held, page;

	make_room(world, va);
	assert_int_equal(pw_pin(world->cpu, movable, 1, 0, &held, NULL), 1);
	assert_true(pw_folio_info(world->machine->arena, held, &before));
	assert_int_equal(pw_pin(world->cpu, movable, 1, LONG_WRITE, &page, &result), -EBUSY);
	assert_int_equal(result.error, -EBUSY);
	assert_true(pw_folio_info(world->machine->arena, held, &after));
	assert_int_equal(after.references, before.references);
	pw_unpin_pages(pw_cpu_reader(world->cpu), &held, 1, 0, false);
	assert_int_equal(try_pin(world, movable, LONG_WRITE), 1);
	assert_int_equal(pw_munmap(world->mm, va, MANY * world->page), 0);
}

static void test_held(void **state)
{
	for_each_movable(check_held);
}

/* Of two pages, the first one can stay: the fast path keeps it while the second one moves. */
static void check_both(struct mm_world *world)
{
	struct pw_pin_result result;
	pw_va movable, va = map_movable(world, &movable);
	pw_pa page[2];

	make_room(world, va);
	assert_int_equal(try_pin(world, movable - world->page, LONG_WRITE), 1);
	assert_int_equal(pw_pin(world->cpu, movable - world->page, 2, LONG_WRITE, page, &result),
			 2);
	assert_int_equal(result.migrated, 1);
	/* The fast path got what could stay. */
	assert_int_equal(result.fast_pages, 1);
	assert_false(is_movable(world, page[0]) || is_movable(world, page[1]));
	pw_unpin_pages(pw_cpu_reader(world->cpu), page, 2, LONG_WRITE, true);
	assert_int_equal(pw_munmap(world->mm, va, MANY * world->page), 0);
}

static void test_both(void **state)
{
	for_each_movable(check_both);
}

/* New pages for a long pin come from memory that it may hold. */
static void check_new_pages(struct mm_world *world)
{
	const uint64_t pages = MM_FRAMES / 4;
	const pw_va va = map_anon(world, pages, RW_PROT);
	struct pw_pin_result result;
	static pw_pa page[MM_FRAMES / 4];

	assert_int_equal(pw_pin(world->cpu, va, pages, LONG_WRITE, page, &result), (long)pages);
	assert_int_equal(result.migrated, 0);
	for (uint64_t i = 0; i < pages; i++)
		assert_false(is_movable(world, page[i]));
	pw_unpin_pages(pw_cpu_reader(world->cpu), page, pages, LONG_WRITE, false);
	assert_int_equal(pw_munmap(world->mm, va, pages * world->page), 0);
}

static void test_new_pages(void **state)
{
	for_each_movable(check_new_pages);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_file),      cmocka_unit_test(test_shmem),
		cmocka_unit_test(test_truncated), cmocka_unit_test(test_secret),
		cmocka_unit_test(test_migrated),  cmocka_unit_test(test_held),
		cmocka_unit_test(test_new_pages), cmocka_unit_test(test_both),
	};

	mutant_choose(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
