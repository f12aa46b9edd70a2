/* SPDX-License-Identifier: MIT */
/*
 * powerpc: the kernel's addresses are in quadrant 3, and its root translates no other. So its list of processes,
 * whose pointers lead there, is found; in either byte order, which entries do not have a part in.
 */
#include "btf_build.h"

#include <stdlib.h>

#include <pagewalk/pagewalk.h>

enum {
	MEMORY = 1 << 20,
	PROCESS_TABLE = 0x8000,
	TASK = 0x10000, /* the processes, 4 KiB apart */
	SPACE = 0x18000, /* the mm_struct of process 1 */
	KERNEL = 0x20000, /* the tables: four of the kernel, four of process 1 */
	TOP = 0x60000,
	PAGES = 0x90000, /* of process 1 */
	BANNER = 0xa0000,
	TASKS = 3,
};

static const pw_va LINEAR = 0xc000000000000000;
static unsigned char memory[MEMORY] __attribute__((aligned(65536)));

static void put(uint64_t at, uint64_t word, unsigned width, bool big_endian)
{
	for (unsigned i = 0; i < width; i++)
		memory[at + i] = (unsigned char)(word >> 8 * (big_endian ? width - 1 - i : i));
}

static void put_entry(uint64_t at, uint64_t entry)
{
	put(at, entry, 8, true);
}

/* Maps @count pages at @va from @pa on. The tables below the top are behind it. */
static void map(uint64_t top, pw_va va, pw_pa pa, unsigned count, uint64_t flags)
{
	const uint64_t below = UINT64_C(1) << 63 | 9;
	uint64_t at = top, next = top + 0x10000;

	put_entry(at + (va >> 39 & 8191) * 8, next | below);
	for (unsigned shift = 30; shift > 12; shift -= 9) {
		at = next;
		next += 4096;
		put_entry(at + (va >> shift & 511) * 8, next | below);
	}
	for (unsigned i = 0; i < count; i++)
		put_entry(next + ((va >> 12) + i) % 512 * 8,
			  (pa + UINT64_C(4096) * i) | flags | UINT64_C(3) << 62);
}

static void put_task(unsigned number, const char *name, bool big_endian)
{
	const unsigned next = (number + 1) % TASKS, previous = (number + TASKS - 1) % TASKS;
	const uint64_t at = TASK + number * UINT64_C(4096);

	put(at + BUILT_TASKS, LINEAR + TASK + next * UINT64_C(4096) + BUILT_TASKS, 8, big_endian);
	put(at + BUILT_TASKS + 8, LINEAR + TASK + previous * UINT64_C(4096) + BUILT_TASKS, 8,
	    big_endian);
	put(at + BUILT_PID, number, 4, big_endian);
	put(at + BUILT_TGID, number, 4, big_endian);
	memcpy(memory + at + BUILT_COMM, name, strlen(name));
	if (number != 1)
		return;
	put(at + BUILT_MM, LINEAR + SPACE, 8, big_endian);
	put(at + BUILT_MM + 8, LINEAR + SPACE, 8, big_endian);
	put(SPACE + BUILT_PGD, LINEAR + TOP, 8, big_endian);
}

static uint64_t root_word(pw_pa table)
{
	return UINT64_C(0x40000000000000ad) | table;
}

static void build(bool big_endian)
{
	memset(memory, 0, sizeof(memory));
	map(KERNEL, 0, 0, MEMORY / 4096, 0x18e);
	map(TOP, 0x10000000, PAGES, 8, 0x186);
	put_entry(PROCESS_TABLE, root_word(KERNEL));
	put_entry(PROCESS_TABLE + 16, root_word(TOP));
	put_task(0, "swapper/0", big_endian);
	put_task(1, "init", big_endian);
	put_task(2, "kthreadd", big_endian);
	strcpy((char *)memory + BANNER, "Linux version 6.1.0-1-powerpc64 (debian@example.org)\n");
}

static void find(struct pw_memory *source, struct pw_root **roots_ret)
{
	const struct pw_format *format = pw_format_find("ppc64_radix_4k");
	const struct pw_roots_options options = { .formats = &format,
						  .format_count = 1,
						  .threads = 1 };
	size_t count;

	assert_int_equal(pw_roots_find(source, &options, roots_ret, &count, NULL, NULL), 0);
	assert_int_equal(count, 2);
}

static void test_list(void **state)
{
	const struct pw_segment segment = { 0, MEMORY - 1, memory };

	(void)state;
	for (unsigned big_endian = 0; big_endian < 2; big_endian++) {
		struct pw_memory *source;
		struct pw_root *roots;

		build(big_endian);
		assert_int_equal(pw_memory_wrap(&segment, 1, &source, NULL), 0);
		find(source, &roots);
		assert_int_equal(roots[0].owner, PW_ROOT_KERNEL);
		assert_int_equal(roots[1].table, TOP);
		assert_int_equal(roots[1].pid, 1);
		assert_string_equal(roots[1].command, "init");
		free(roots);
		pw_memory_close(source);
	}
}

/* The words of the result translate where the CPU does. */
static void test_words(void **state)
{
	const struct pw_segment segment = { 0, MEMORY - 1, memory };
	const struct pw_format *format = pw_format_find("ppc64_radix_4k");
	struct pw_memory *source;
	struct pw_regime regime;
	struct pw_result result;
	struct pw_root *roots;

	(void)state;
	build(false);
	assert_int_equal(pw_memory_wrap(&segment, 1, &source, NULL), 0);
	find(source, &roots);
	assert_int_equal(roots[0].roots, 2);
	assert_true(roots[0].root[0] == PW_ROOT_ABSENT && roots[0].root[1] == root_word(KERNEL));
	assert_int_equal(pw_regime_init(&regime, format, roots[0].root, roots[0].roots, NULL, NULL),
			 0);
	assert_int_equal(pw_translate(source, &regime, LINEAR + BANNER, &result), PW_OK);
	assert_int_equal(result.pa, BANNER);
	assert_int_equal(pw_translate(source, &regime, BANNER, &result), PW_NOT_CANONICAL);
	assert_int_equal(roots[1].roots, 2);
	assert_true(roots[1].root[0] == root_word(TOP) && roots[1].root[1] == root_word(KERNEL));
	free(roots);
	pw_memory_close(source);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
