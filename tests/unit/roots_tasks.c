/* SPDX-License-Identifier: MIT */
/*
 * The number and name of the process that uses a root: a small machine (x86_64) with a kernel's list of
 * processes, with BTF and without, whole and hostile.
 */
#include "btf_build.h"

#include <elf.h>
#include <stdlib.h>

#include <pagewalk/pagewalk.h>

#include "base/needle.h"
#include "memory/memory.h"
#include "mutants/choose.h"
#include "random.h"

enum {
	MEMORY = 2 << 20,
	BANNER = 0x10000,
	BTF = 0x14000,
	TASK = 0x20000, /* the processes, 4 KiB apart */
	SPACE = 0x30000, /* their mm_structs, likewise */
	KERNEL = 0x40000,
	TOP = 0x50000, /* process 1, and behind it its root for user mode */
	OTHER_TOP = 0x60000,
	FREE = 0x70000, /* tables below the top */
	PAGES = 0x100000, /* of processes */
	TASKS = 5,
};

static const pw_va LINEAR = 0xffff888000000000;
static unsigned char memory[MEMORY] __attribute__((aligned(4096)));
static uint64_t next_free;

static void put(uint64_t at, uint64_t word)
{
	for (unsigned i = 0; i < 8; i++)
		memory[at + i] = (unsigned char)(word >> 8 * i);
}

static void put_number(uint64_t at, uint32_t number)
{
	for (unsigned i = 0; i < 4; i++)
		memory[at + i] = (unsigned char)(number >> 8 * i);
}

/* Maps @count pages from @pa on, below the top table @top. */
static void map(uint64_t top, pw_va va, pw_pa pa, unsigned count, unsigned flags)
{
	uint64_t at = top;

	for (unsigned shift = 39; shift > 12; shift -= 9) {
		put(at + (va >> shift & 511) * 8, next_free | 0x67);
		at = next_free;
		next_free += 4096;
	}
	for (unsigned i = 0; i < count; i++)
		put(at + ((va >> 12) + i) % 512 * 8, (pa + (uint64_t)i * 4096) | flags);
}

/* In memory: 0, 2, 57, 1, 58. A page before its own place, each seems to have an mm as it should. */
static uint64_t task(unsigned number)
{
	static const unsigned place[TASKS] = { 0, 5, 2, 4, 6 };

	return TASK + (uint64_t)place[number] * 4096;
}

static void put_task(unsigned number, uint32_t pid, const char *name, uint64_t top)
{
	const unsigned next = (number + 1) % TASKS, previous = (number + TASKS - 1) % TASKS;
	const uint64_t at = task(number), space = SPACE + (uint64_t)number * 4096;

	put(at + BUILT_TASKS, LINEAR + task(next) + BUILT_TASKS);
	put(at + BUILT_TASKS + 8, LINEAR + task(previous) + BUILT_TASKS);
	put_number(at + BUILT_PID, pid);
	put_number(at + BUILT_TGID, pid);
	memcpy(memory + at + BUILT_COMM, name, strlen(name));
	if (top) {
		put(at + BUILT_MM, LINEAR + space);
		put(at + BUILT_MM + 8, LINEAR + space);
		put(space + BUILT_PGD, LINEAR + top);
	}
}

/* A kernel that maps all memory, its threads 2 and 58, and the processes 1 and 57. */
static void build(bool types)
{
	memset(memory, 0, sizeof(memory));
	next_free = FREE;
	map(KERNEL, LINEAR, 0, 512, 0x63);
	for (unsigned i = 0; i < 2; i++) {
		const uint64_t top = i ? OTHER_TOP : TOP;

		memcpy(memory + top + 2048, memory + KERNEL + 2048, 2048);
		map(top, 0x18080201000, PAGES + i * 0x10000, 8, 0x67);
	}
	put_task(0, 0, "swapper/0", 0);
	put_task(1, 1, "init", TOP);
	put_task(2, 2, "kthreadd", 0);
	put_task(3, 57, "a shell", OTHER_TOP);
	put_task(4, 58, "kworker", 0);
	strcpy((char *)memory + BANNER, "Linux version 6.1.0-1-amd64 (debian@example.org)\n");
	if (types) {
		struct built b;
		size_t length;

		built_kernel(&b, false);
		length = built_finish(&b);
		/* Linkers do not align it. */
		memcpy(memory + BTF + 1, b.bytes, length);
	}
}

/* Searches, and compares the processes of both roots; -1: not known. Returns how many roots there are. */
static size_t expect(long first, const char *first_name, long second, const char *second_name)
{
	const struct pw_segment segment = { 0, MEMORY - 1, memory };
	const struct pw_format *format = pw_format_find("x86_64");
	const struct pw_roots_options options = { .formats = &format,
						  .format_count = 1,
						  .threads = 1 };
	struct pw_memory *source;
	struct pw_root *roots;
	size_t count;

	assert_int_equal(pw_memory_wrap(&segment, 1, &source, NULL), 0);
	assert_int_equal(pw_roots_find(source, &options, &roots, &count, NULL, NULL), 0);
	assert_true(count >= 3);
	assert_int_equal(roots[0].table, KERNEL);
	assert_int_equal(roots[0].owner, PW_ROOT_KERNEL);
	assert_int_equal(roots[0].pid, -1);
	assert_int_equal(roots[1].table, TOP);
	assert_int_equal(roots[1].pid, first);
	assert_string_equal(roots[1].command, first_name);
	assert_int_equal(roots[count - 1].table, OTHER_TOP);
	assert_int_equal(roots[count - 1].pid, second);
	assert_string_equal(roots[count - 1].command, second_name);
	if (count == 4) {
		assert_int_equal(roots[2].owner, PW_ROOT_USER_HALF);
		assert_int_equal(roots[2].pid, first);
	}
	free(roots);
	pw_memory_close(source);
	return count;
}

static void test_found(void **state)
{
	(void)state;
	for (unsigned types = 0; types < 2; types++) {
		build(types);
		expect(1, "init", 57, "a shell");
		/* With one CPU the first process has another name. */
		memcpy(memory + task(0) + BUILT_COMM, "swapper\0\0", 9);
		expect(1, "init", 57, "a shell");
	}
}

/* Members where nothing but BTF can tell what they are; and members of another kernel's BTF. */
static void test_types(void **state)
{
	(void)state;
	build(true);
	put_number(task(3) + BUILT_PID, 60);
	expect(1, "init", 57, "a shell");
	build(false);
	put_number(task(3) + BUILT_PID, 60);
	expect(-1, "", -1, "");
	build(true);
	/* "comm", the last member, is said to be elsewhere: what is true of the list decides. */
	for (size_t i = BTF; i < BTF + 4096; i++)
		if (memory[i] == (8 * BUILT_COMM & 0xff) && memory[i + 1] == 8 * BUILT_COMM >> 8)
			memory[i] ^= 0x40;
	expect(1, "init", 57, "a shell");
}

/* The list has to go round, through processes with names, and lead to roots that were found. */
static void test_hostile(void **state)
{
	(void)state;
	build(false);
	put(task(3) + BUILT_TASKS, LINEAR + task(2) + BUILT_TASKS);
	expect(-1, "", -1, "");
	build(false);
	put(task(2) + BUILT_TASKS, UINT64_C(0x123456789000));
	expect(-1, "", -1, "");
	build(false);
	put(task(0) + BUILT_TASKS, LINEAR + task(0) + BUILT_TASKS);
	put(task(0) + BUILT_TASKS + 8, LINEAR + task(0) + BUILT_TASKS);
	expect(-1, "", -1, "");
	build(false);
	memset(memory + task(3) + BUILT_COMM, 'x', 16);
	expect(-1, "", -1, "");
	build(false);
	put_number(task(3) + BUILT_PID, 1);
	put_number(task(3) + BUILT_TGID, 1);
	expect(-1, "", -1, "");
	build(false);
	put(SPACE + 4096 + BUILT_PGD, LINEAR + PAGES);
	put(SPACE + UINT64_C(3) * 4096 + BUILT_PGD, LINEAR + PAGES);
	expect(-1, "", -1, "");
	/* A cycle without the first process: with BTF, what is before it counts. */
	build(true);
	put(task(3) + BUILT_TASKS, LINEAR + task(2) + BUILT_TASKS);
	expect(1, "init", 57, "a shell");
	/* A number that is none, and a process 1 that is not the second on the list. */
	build(true);
	put_number(task(3) + BUILT_TGID, UINT32_MAX);
	expect(-1, "", -1, "");
	build(true);
	put_number(task(1) + BUILT_TGID, 9);
	expect(-1, "", -1, "");
}

/* Records that have the name of the first process, as Linux 7.2 keeps them, before it: all are tried. */
static void test_many_names(void **state)
{
	enum { RECORDS = 0x1000, RECORD = 0x70 };

	(void)state;
	for (unsigned types = 0; types < 2; types++) {
		build(types);
		for (uint64_t at = RECORDS; at + RECORD <= BANNER; at += RECORD)
			strcpy((char *)memory + at, "swapper/0");
		expect(1, "init", 57, "a shell");
	}
	/* And with another kernel's BTF, which leads nowhere. */
	for (size_t i = BTF; i < BTF + 4096; i++)
		if (memory[i] == (8 * BUILT_COMM & 0xff) && memory[i + 1] == 8 * BUILT_COMM >> 8)
			memory[i] ^= 0x40;
	expect(1, "init", 57, "a shell");
}

/* Page-table isolation: the root for user mode is behind the other one, and belongs to the same process. */
static void test_halves(void **state)
{
	(void)state;
	build(true);
	memcpy(memory + TOP + 4096, memory + TOP, 2048);
	map(TOP + 4096, LINEAR + (UINT64_C(1) << 39), BANNER, 4, 0x63);
	assert_int_equal(expect(1, "init", 57, "a shell"), 4);
}

/*
 * A PV guest of Xen: users may use the kernel's pages, so the kernel's root must be named; a process's root for user mode is
 * anywhere.
 */
static void test_pv(void **state)
{
	enum { USER_TOP = 0x68000 };
	const struct pw_segment segment = { 0, MEMORY - 1, memory };
	struct pw_memory *source;
	struct pw_root *roots;
	struct pw_cpu *cpu;
	size_t count;

	(void)state;
	build(true);
	map(KERNEL, LINEAR, 0, 512, 0x67);
	memcpy(memory + TOP + 2048, memory + KERNEL + 2048, 2048);
	memcpy(memory + OTHER_TOP + 2048, memory + KERNEL + 2048, 2048);
	memcpy(memory + USER_TOP, memory + TOP, 2048);
	assert_int_equal(pw_memory_wrap(&segment, 1, &source, NULL), 0);
	source->machine = EM_X86_64;
	source->xen_frames = memory;
	cpu = pw_memory_add_cpu(source);
	assert_non_null(cpu);
	cpu->kernel = true;
	cpu->format = "x86_64";
	cpu->roots = 1;
	cpu->root[0] = KERNEL;
	assert_int_equal(pw_roots_find(source, NULL, &roots, &count, NULL, NULL), 0);
	assert_int_equal(count, 4);
	assert_int_equal(roots[0].owner, PW_ROOT_KERNEL);
	assert_int_equal(roots[0].kernel, MEMORY);
	assert_int_equal(roots[0].user, 0);
	assert_int_equal(roots[1].table, TOP);
	assert_int_equal(roots[1].owner, PW_ROOT_USER);
	assert_int_equal(roots[1].pid, 1);
	assert_int_equal(roots[1].kernel, MEMORY);
	assert_int_equal(roots[1].user, 8 * 4096);
	assert_int_equal(roots[2].table, OTHER_TOP);
	assert_int_equal(roots[2].pid, 57);
	assert_int_equal(roots[3].table, USER_TOP);
	assert_int_equal(roots[3].owner, PW_ROOT_USER_HALF);
	assert_int_equal(roots[3].pid, 1);
	assert_int_equal(roots[3].kernel, 0);
	free(roots);
	pw_memory_close(source);
}

/*
 * Words anywhere in the structures, changed to what leads astray: numbers are those of processes or not known.
 */
static void test_changed(void **state)
{
	const struct pw_segment segment = { 0, MEMORY - 1, memory };
	const struct pw_format *format = pw_format_find("x86_64");
	const struct pw_roots_options options = { .formats = &format,
						  .format_count = 1,
						  .threads = 1 };
	uint64_t random = 1;
	unsigned named = 0;

	(void)state;
	for (unsigned run = 0; run < 200; run++) {
		struct pw_memory *source;
		struct pw_root *roots;
		size_t count;

		build(run % 2);
		for (unsigned i = 0; i < 4; i++) {
			const uint64_t page = task((unsigned)random_below(&random, TASKS));
			const uint64_t at = random_below(&random, BUILT_TASK / 8) * 8;
			const uint64_t words[] = { 0, UINT64_C(0x123456789abcdef0),
						   LINEAR + page + BUILT_TASKS, LINEAR + page,
						   LINEAR + MEMORY - 8 };
			const uint64_t word = words[random_below(&random, 5)];

			put((random_one_in(&random, 2) ? page : page - TASK + SPACE) + at, word);
		}
		assert_int_equal(pw_memory_wrap(&segment, 1, &source, NULL), 0);
		assert_int_equal(pw_roots_find(source, &options, &roots, &count, NULL, NULL), 0);
		for (size_t i = 0; i < count; i++) {
			assert_true(roots[i].pid >= -1 && roots[i].pid <= 1 << 22);
			assert_int_equal(roots[i].pid < 0, roots[i].command[0] == '\0');
			named += roots[i].pid >= 0;
		}
		free(roots);
		pw_memory_close(source);
	}
	assert_true(named > 50 && named < 400);
}

/* Bytes are found at both ends, after what looks like them, and nowhere beyond. */
static void test_needle(void **state)
{
	static const char text[] = "swswapperswappeswapper";
	const size_t length = sizeof(text) - 1;

	(void)state;
	for (size_t rare = 0; rare < 7; rare++) {
		const struct pw_needle needle = { "swapper", 7, rare };

		assert_ptr_equal(pw_needle_find(&needle, text, length), text + 2);
		assert_ptr_equal(pw_needle_find(&needle, text + 2, 7), text + 2);
		assert_ptr_equal(pw_needle_find(&needle, text + 3, length - 3), text + 15);
		assert_null(pw_needle_find(&needle, text + 3, length - 4));
		assert_null(pw_needle_find(&needle, text + 2, 6));
		assert_null(pw_needle_find(&needle, text, 0));
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_found),      cmocka_unit_test(test_types),
		cmocka_unit_test(test_hostile),    cmocka_unit_test(test_halves),
		cmocka_unit_test(test_changed),    cmocka_unit_test(test_needle),
		cmocka_unit_test(test_many_names), cmocka_unit_test(test_pv),
	};

	mutant_choose(argc, argv);

	return cmocka_run_group_tests(tests, NULL, NULL);
}
