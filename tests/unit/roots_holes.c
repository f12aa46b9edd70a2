/* SPDX-License-Identifier: MIT */
/*
 * Memory that is not there, in two ways. Holes of sparse files read as zeros, so they are passed over and no page of
 * them is touched. What an image does not have is not known, so tables there are no empty ones.
 */
#include <errno.h>
#include <sys/stat.h>

#include "memory_build.h"

#include <pagewalk/pagewalk.h>

#include "format/format.h"
#include "memory/memory.h"
#include "mutants/choose.h"

enum {
	PAGE = 4096,
	TABLES = 64 << 20, /* where the tables are: behind a hole, and before one */
	BYTES = 256 << 20,
	LEAVES = 5 * PAGE, /* of the pages that the tables map, from TABLES */
	WITHIN = TABLES + (32 << 20), /* a page of data in the second hole */
};

static const struct pw_format *x86(void)
{
	return pw_format_find("x86_64");
}

/* Stores an entry of a table as x86 has it in memory. */
static void store_entry(unsigned char *to, uint64_t entry)
{
	for (unsigned i = 0; i < 8; i++)
		to[i] = (unsigned char)(entry >> 8 * i);
}

/* Tables of all four levels, one page behind the other, and the pages that the last one maps. */
static void build(unsigned char *tables, struct pw_regime *r)
{
	const struct pw_format *f = x86();
	const uint64_t cr3 = TABLES;

	assert_int_equal(pw_regime_init(r, f, &cr3, 1, NULL, NULL), 0);
	for (unsigned level = 3; level > 0; level--)
		store_entry(tables + (3 - level) * PAGE + 8,
			    f->make_table(f, r, level, TABLES + (4 - level) * PAGE));
	for (unsigned i = 0; i < 8; i++)
		store_entry(tables + 3 * PAGE + 8 * i,
			    f->make_leaf(f, r, 0, TABLES + LEAVES + i * PAGE,
					 PW_READ | PW_WRITE | PW_USER | PW_ACCESSED));
}

static bool finds(const struct pw_memory *memory, unsigned threads)
{
	const struct pw_format *f = x86();
	const struct pw_roots_options options = { .formats = &f,
						  .format_count = 1,
						  .threads = threads };
	struct pw_root *roots;
	bool found = false;
	size_t count;

	assert_int_equal(pw_roots_find(memory, &options, &roots, &count, NULL, NULL), 0);
	for (size_t i = 0; i < count; i++)
		found |= roots[i].table == TABLES && roots[i].levels == 4;
	free(roots);
	return found;
}

static void test_holes(void **state)
{
	static unsigned char tables[16 * PAGE];
	struct pw_memory *memory;
	struct pw_kernel kernel;
	struct pw_error error;
	struct pw_regime r;
	struct stat before, after;
	char path[64], source[80];
	int file = file_of("", 1, path);

	(void)state;
	build(tables, &r);
	assert_int_equal(ftruncate(file, BYTES), 0);
	assert_int_equal(pwrite(file, tables, sizeof(tables), TABLES), (ssize_t)sizeof(tables));
	snprintf(source, sizeof(source), "raw:%s@0", path);
	assert_int_equal(pw_memory_open(source, &memory, &error), 0);
	assert_int_equal(fstat(file, &before), 0);
	assert_int_equal(pw_memory_kernel(memory, BYTES, &kernel), -ENODATA);
	assert_int_equal(pwrite(file, "Linux version 6.1.0-0 (x", 24, WITHIN), 24);
	for (unsigned threads = 1; threads <= 3; threads++)
		assert_true(finds(memory, threads));
	assert_int_equal(pw_memory_kernel(memory, BYTES, &kernel), 0);
	assert_string_equal(kernel.release, "6.1.0-0");
	/* A load from a hole of such a file gives it a page; but only the banner was given one. */
	assert_int_equal(fstat(file, &after), 0);
	assert_int_equal(after.st_blocks, before.st_blocks + PAGE / 512);
	pw_memory_close(memory);
	close(file);
}

/* No format gives a page to a hole: also where tables are larger than a page, and where an entry of zeros is none of a hole. */
static void test_every_format(void **state)
{
	static unsigned char noise[16 * PAGE];
	const struct pw_format *f;
	struct pw_memory *memory;
	struct pw_error error;
	struct stat before, after;
	char path[64], source[80];
	int file = file_of("", 1, path);

	(void)state;
	for (size_t i = 0; i < sizeof(noise); i++)
		noise[i] = (unsigned char)(i * 2654435761u >> 13);
	assert_int_equal(ftruncate(file, BYTES), 0);
	assert_int_equal(pwrite(file, noise, sizeof(noise), TABLES + PAGE), (ssize_t)sizeof(noise));
	snprintf(source, sizeof(source), "raw:%s@0", path);
	assert_int_equal(pw_memory_open(source, &memory, &error), 0);
	assert_int_equal(fstat(file, &before), 0);
	for (size_t i = 0; (f = pw_format_at(i)); i++) {
		const struct pw_roots_options options = { .formats = &f, .format_count = 1 };
		struct pw_root *roots;
		size_t count;

		assert_int_equal(pw_roots_find(memory, &options, &roots, &count, NULL, NULL), 0);
		free(roots);
		assert_int_equal(fstat(file, &after), 0);
		if (after.st_blocks != before.st_blocks)
			fail_msg("%s: %lld blocks more", f->name,
				 (long long)(after.st_blocks - before.st_blocks));
	}
	pw_memory_close(memory);
	close(file);
}

/* What a run says of each page is what the file says. */
static void test_runs(void **state)
{
	static const size_t data[] = { 0, 1, 7, 300, 301, 511 };
	const struct pw_segment *segments;
	const unsigned char *host;
	struct pw_memory *memory;
	struct pw_error error;
	struct pw_run run = { .host = NULL };
	char path[64], source[80];
	int file = file_of("", 1, path);

	(void)state;
	assert_int_equal(ftruncate(file, 600 * PAGE), 0);
	for (size_t i = 0; i < sizeof(data) / sizeof(data[0]); i++)
		assert_int_equal(pwrite(file, "x", 1, (off_t)data[i] * PAGE), 1);
	snprintf(source, sizeof(source), "raw:%s@0", path);
	assert_int_equal(pw_memory_open(source, &memory, &error), 0);
	pw_memory_segments(memory, &segments);
	host = segments[0].host;
	/* Forwards, and then backwards. */
	for (size_t turn = 0; turn < 1200; turn++) {
		const size_t page = turn < 600 ? turn : 1199 - turn;
		bool hole = true;

		for (size_t i = 0; i < sizeof(data) / sizeof(data[0]); i++)
			hole &= data[i] != page;
		assert_int_equal(pw_run_is_hole(memory, &run, host + page * PAGE, PAGE), hole);
	}
	run.host = NULL;
	assert_false(pw_run_is_hole(memory, &run, host + 2 * PAGE, 6 * PAGE));
	assert_true(pw_run_is_hole(memory, &run, host + 2 * PAGE, 5 * PAGE));
	/* Memory of no file. */
	assert_false(pw_run_is_hole(memory, &run, (const unsigned char *)data, sizeof(data)));
	pw_memory_close(memory);
	close(file);
}

/* The tables, and nothing of the memory before them, or behind them. */
static int fetch(void *context, pw_pa pa, void *buffer, size_t bytes)
{
	if (pa < TABLES || pa + bytes > TABLES + 16 * PAGE)
		return -ENODATA;
	memcpy(buffer, (const unsigned char *)context + (pa - TABLES), bytes);
	return 0;
}

static void test_missing(void **state)
{
	static unsigned char tables[16 * PAGE];
	const struct pw_segment segment = { 0, BYTES - 1, NULL };
	const struct pw_format *f = x86();
	struct pw_memory *memory;
	struct pw_regime r;

	(void)state;
	build(tables, &r);
	assert_int_equal(pw_memory_create(fetch, tables, &segment, 1, &memory, NULL), 0);
	assert_true(finds(memory, 1));
	for (size_t i = 8; i < 16; i++)
		store_entry(tables + 2 * PAGE + 8 * i, f->make_table(f, &r, 1, WITHIN + i * PAGE));
	assert_false(finds(memory, 1));
	pw_memory_close(memory);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_holes),
		cmocka_unit_test(test_every_format),
		cmocka_unit_test(test_runs),
		cmocka_unit_test(test_missing),
	};

	mutant_choose(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
