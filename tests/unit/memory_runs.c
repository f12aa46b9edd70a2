/* SPDX-License-Identifier: MIT */
/* Which kernel runs: of two whose VMCOREINFO is in memory, and whether it is still the same one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pagewalk/pagewalk.h>

#include "memory/memory.h"
#include "mutants/choose.h"

enum { PAGES = 64, FIRST = 0x5000, SECOND = 0x9000, FIRST_NOTE = 0x21000, SECOND_NOTE = 0x20000 };

static void put64(unsigned char *at, uint64_t value)
{
	for (unsigned i = 0; i < 8; i++)
		at[i] = (unsigned char)(value >> 8 * i);
}

/* A kernel whose tables begin at @table, and map all memory from entry @slot of their level for 2 MiB pages on. */
static void put_kernel(unsigned char *bytes, unsigned table, unsigned slot, unsigned note,
		       const char *release)
{
	unsigned long long va = 0xffffffff80000000 + slot * 0x200000ull + table;
	char text[256];
	int length = snprintf(text, sizeof(text),
			      "OSRELEASE=%s\nSIZE(list_head)=16\nSYMBOL(init_top_pgt)=%llx\n"
			      "NUMBER(phys_base)=-%llu\n",
			      release, va, slot * 0x200000ull);

	put64(bytes + table + 511 * 8, table + 0x1063);
	put64(bytes + table + 0x1000 + 510 * 8, table + 0x2063);
	put64(bytes + table + 0x2000 + slot * 8, 0x1e3);
	memset(bytes + note, 0, 24);
	bytes[note] = 11;
	bytes[note + 4] = (unsigned char)length;
	memcpy(bytes + note + 12, "VMCOREINFO", 11);
	memcpy(bytes + note + 24, text, (size_t)length);
}

/* Registers: one CPU with this root; 0: its paging is off. */
static uint64_t cr3;

static int cpus_now(void *context, struct pw_memory *into, struct pw_error *error)
{
	struct pw_cpu *cpu = pw_memory_add_cpu(into);

	(void)context;
	if (cr3 == 1)
		return pw_fail(error, EPIPE, "nobody answers");
	assert_non_null(cpu);
	cpu->format = cr3 ? "x86_64" : NULL;
	cpu->roots = cr3 != 0;
	cpu->root[0] = cr3;
	return 0;
}

/* A machine that runs, with @bytes as its memory and @root in its CPU's register. */
static struct pw_memory *start(const unsigned char *bytes, uint64_t root)
{
	const struct pw_segment segment = { 0, PAGES * 4096 - 1, bytes };
	struct pw_memory *memory;

	assert_int_equal(pw_memory_wrap(&segment, 1, &memory, NULL), 0);
	memory->is_live = true;
	memory->live.cpus = cpus_now;
	cr3 = root;
	assert_int_equal(cpus_now(NULL, memory, NULL), 0);
	return memory;
}

static unsigned char *build(void)
{
	unsigned char *bytes = aligned_alloc(4096, PAGES * 4096);

	assert_non_null(bytes);
	memset(bytes, 0, PAGES * 4096);
	put_kernel(bytes, FIRST, 8, FIRST_NOTE, "6.1.0-first");
	put_kernel(bytes, SECOND, 9, SECOND_NOTE, "6.12.0-second");
	return bytes;
}

static void assert_kernel(const unsigned char *bytes, uint64_t root, const char *release)
{
	struct pw_memory *memory = start(bytes, root);
	struct pw_kernel kernel;

	assert_int_equal(pw_memory_find_vmcoreinfo(memory, UINT64_MAX, NULL), 0);
	assert_int_equal(pw_memory_kernel(memory, 0, &kernel), 0);
	assert_string_equal(kernel.release, release);
	pw_memory_close(memory);
}

static void test_two_kernels(void **state)
{
	unsigned char *bytes = build();

	(void)state;
	assert_kernel(bytes, FIRST, "6.1.0-first");
	assert_kernel(bytes, SECOND, "6.12.0-second");
	/* A CPU in user mode, with page-table isolation. */
	memset(bytes + 0x30000, 0, 4096);
	put_kernel(bytes, 0x10000, 10, 0x22000, "6.6.0-isolated");
	assert_kernel(bytes, 0x11000, "6.6.0-isolated");
	/* No CPU tells: the first in memory. */
	assert_kernel(bytes, 0, "6.12.0-second");
	assert_kernel(bytes, 0x30000, "6.12.0-second");
	free(bytes);
}

static void test_another(void **state)
{
	unsigned char *bytes = build();
	struct pw_memory *memory = start(bytes, FIRST);
	struct pw_regime first, second;
	const uint64_t roots[] = { FIRST, SECOND };
	struct pw_error error;

	(void)state;
	assert_int_equal(pw_regime_init(&first, pw_format_find("x86_64"), &roots[0], 1, NULL, NULL),
			 0);
	assert_int_equal(
		pw_regime_init(&second, pw_format_find("x86_64"), &roots[1], 1, NULL, NULL), 0);
	/* Nothing is known of it yet. */
	assert_int_equal(pw_memory_check_kernel(memory, NULL, NULL), 0);
	assert_int_equal(pw_memory_find_vmcoreinfo(memory, UINT64_MAX, NULL), 0);
	assert_int_equal(pw_memory_check_kernel(memory, NULL, NULL), 1);
	assert_int_equal(pw_memory_check_kernel(memory, &first, NULL), 1);
	/* The second kernel's tables do not have the place at all; then they say nothing. */
	assert_int_equal(pw_memory_check_kernel(memory, &second, NULL), 1);
	put64(bytes + SECOND + 0x2000 + 8 * 8, 0x2001e3);
	assert_int_equal(pw_memory_check_kernel(memory, &second, &error), -ESTALE);
	assert_non_null(strstr(error.text, "the root is not one of its"));
	cr3 = 1;
	assert_int_equal(pw_memory_check_kernel(memory, NULL, &error), -EPIPE);
	cr3 = SECOND;
	assert_int_equal(pw_memory_check_kernel(memory, NULL, &error), -ESTALE);
	assert_non_null(strstr(error.text, "Linux 6.1.0-first"));
	assert_non_null(strstr(error.text, "no CPU's tables map it"));
	cr3 = FIRST;
	assert_int_equal(pw_memory_check_kernel(memory, NULL, NULL), 1);
	bytes[FIRST_NOTE + 30]++;
	assert_int_equal(pw_memory_check_kernel(memory, NULL, &error), -ESTALE);
	assert_non_null(strstr(error.text, "has been written over"));
	bytes[FIRST_NOTE + 30]--;
	put64(bytes + FIRST + 511 * 8, 0);
	assert_int_equal(pw_memory_check_kernel(memory, NULL, NULL), -ESTALE);
	pw_memory_close(memory);
	free(bytes);
}

/* Registers that cannot be read while the machine runs, and CPUs that never showed the kernel. */
static void test_unasked(void **state)
{
	unsigned char *bytes = build();
	struct pw_memory *memory = start(bytes, FIRST);

	(void)state;
	assert_int_equal(pw_memory_find_vmcoreinfo(memory, UINT64_MAX, NULL), 0);
	memory->live.cpus = NULL;
	assert_int_equal(pw_memory_check_kernel(memory, NULL, NULL), 1);
	pw_memory_close(memory);
	memory = start(bytes, 0);
	assert_int_equal(pw_memory_find_vmcoreinfo(memory, UINT64_MAX, NULL), 0);
	cr3 = FIRST;
	assert_int_equal(pw_memory_check_kernel(memory, NULL, NULL), 0);
	pw_memory_close(memory);
	free(bytes);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_two_kernels),
		cmocka_unit_test(test_another),
		cmocka_unit_test(test_unasked),
	};

	mutant_choose(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
