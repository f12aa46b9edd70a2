/* SPDX-License-Identifier: MIT */
/* The pages of a file around the one that faults: which of them are mapped. On every format. */
#include "file_test.h"
#include "mutants/choose.h"

/* As many as a fault maps: at least its page, and not beyond its table. */
static uint64_t around_bytes(const struct mm_world *world)
{
	const struct pw_format *f = world->format;
	const uint64_t table = UINT64_C(1) << (f->shift[0] + f->bits[0]);
	const uint64_t window = UINT64_C(1) << PW_AROUND_LG2;

	if (window < world->page)
		return world->page;
	return window < table ? window : table;
}

/* A fault maps the pages around that are in the cache, and reads none. */
static void around(struct mm_world *world)
{
	const uint64_t page = world->page, bytes = around_bytes(world);
	unsigned char *all = malloc((size_t)bytes);
	int fd = host_file(2 * bytes);
	struct pw_file *file = open_file(world, fd);
	pw_va va = map_file(world, file, 2 * bytes / page, PROT_READ, PRIVATE);
	struct pw_result result;
	pw_va first = (va + bytes - 1) & ~(bytes - 1);

	assert_int_equal(pw_file_read(file, first - va, all, (size_t)bytes), bytes);
	assert_int_equal(get(world, first), pattern(first - va));
	for (pw_va at = first; at < first + bytes; at += page)
		assert_int_equal(mapped(world, at, &result), PW_OK);
	/* The next window is not in the cache, or not of this window. */
	assert_int_not_equal(mapped(world, first + bytes, &result), PW_OK);
	unmap(world, va, 2 * bytes);
	pw_file_put(file);
	close(fd);
	free(all);
}

static void test_around(void **state)
{
	(void)state;
	for_each_mm(around);
}

/* Where the VMA begins within a window, as many pages are mapped from there on. */
static void around_begin(struct mm_world *world)
{
	const struct pw_format *f = world->format;
	const uint64_t page = world->page, bytes = around_bytes(world);
	const uint64_t table = UINT64_C(1) << (f->shift[0] + f->bits[0]);
	struct pw_result result;
	struct pw_file *file;
	unsigned char *all;
	pw_va va, first;

	if (table < 2 * bytes || bytes == page)
		return;
	assert_int_equal(pw_shmem_create(world->machine, table + 2 * bytes, &file, NULL), 0);
	all = calloc(1, (size_t)(2 * bytes));
	va = map_file(world, file, (table + 2 * bytes) / page, PROT_READ, PRIVATE);
	first = ((va + table - 1) & ~(table - 1)) + page;
	assert_int_equal(pw_file_write(file, first - va, all, (size_t)(2 * bytes - page)),
			 2 * bytes - page);
	if (first > va)
		unmap(world, va, first - va);
	get(world, first + page);
	for (pw_va at = first; at < first + bytes; at += page)
		assert_int_equal(mapped(world, at, &result), PW_OK);
	assert_int_not_equal(mapped(world, first + bytes, &result), PW_OK);
	unmap(world, first, va + table + 2 * bytes - first);
	pw_file_put(file);
	free(all);
}

static void test_around_begin(void **state)
{
	(void)state;
	for_each_mm(around_begin);
}

/* A read beyond the end of the file fails, and maps the pages before it all the same. */
static void around_end(struct mm_world *world)
{
	const uint64_t page = world->page, bytes = around_bytes(world);
	struct pw_result result;
	struct pw_file *file;
	uint64_t value = 0;
	pw_va va, first;

	if (bytes < 2 * page)
		return;
	assert_int_equal(pw_shmem_create(world->machine, 2 * bytes - page, &file, NULL), 0);
	va = map_file(world, file, 2 * bytes / page, PROT_READ, PRIVATE);
	first = (va + bytes - 1) & ~(bytes - 1);
	assert_int_equal(pw_file_truncate(file, first - va + bytes - page), 0);
	assert_int_equal(pw_file_write(file, first - va, &value, sizeof value), sizeof value);
	assert_false(pw_load_u64(world->cpu, first + bytes - page, &value));
	assert_int_equal(pw_cpu_fault(world->cpu)->kind, PW_FAULT_ADRERR);
	assert_int_equal(mapped(world, first, &result), PW_OK);
	assert_int_not_equal(mapped(world, first + bytes - page, &result), PW_OK);
	unmap(world, va, 2 * bytes);
	pw_file_put(file);
}

static void test_around_end(void **state)
{
	(void)state;
	for_each_mm(around_end);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_around),
		cmocka_unit_test(test_around_begin),
		cmocka_unit_test(test_around_end),
	};

	mutant_choose(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
