/* SPDX-License-Identifier: MIT */
/* A slow source that does not say where memory is: what its CPUs map is copied and searched, and nothing else is read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "memory/memory.h"
#include "mutants/choose.h"

#include <pagewalk/pagewalk.h>

enum { MEMORY = 64 * 4096 };

static const uint64_t DEVICE = 0xfee00000, NOTHING = 0x40000000;

struct machine {
	struct pw_memory *memory;
	unsigned char bytes[MEMORY];
	unsigned refused; /* questions about addresses without memory */
	bool device; /* one about a device */
};

static int fetch(void *context, pw_pa pa, void *buffer, size_t bytes)
{
	struct machine *machine = context;

	machine->device |= pa >= DEVICE && pa < DEVICE + 4096;
	if (pa >= MEMORY || bytes > MEMORY - pa) {
		machine->refused++;
		return -ENODATA;
	}
	memcpy(buffer, machine->bytes + pa, bytes);
	return 0;
}

static void put(struct machine *machine, uint64_t at, uint64_t entry)
{
	for (unsigned i = 0; i < 8; i++)
		machine->bytes[at + i] = (unsigned char)(entry >> 8 * i);
}

/* x86-64 tables at 0x1000 that map all of memory, a device, and a GiB that is not there. */
static struct machine *build(const char *format)
{
	struct machine *machine = calloc(1, sizeof(*machine));
	struct pw_cpu *cpu;

	assert_non_null(machine);
	machine->memory = pw_memory_new(NULL);
	assert_non_null(machine->memory);
	machine->memory->source = fetch;
	machine->memory->source_context = machine;
	machine->memory->slow = true;
	assert_int_equal(
		pw_memory_add_segment(machine->memory, 0, (UINT64_C(1) << 52) - 1, NULL, NULL), 0);
	assert_int_equal(pw_memory_seal(machine->memory, NULL), 0);
	put(machine, 0x1000 + 511 * 8, 0x2063);
	put(machine, 0x2000 + 510 * 8, 0x3063);
	put(machine, 0x2000 + 509 * 8, NOTHING | 0x1e3);
	put(machine, 0x3000, 0x4063);
	for (unsigned i = 0; i < 64; i++)
		put(machine, 0x4000 + i * 8, i << 12 | 0x163);
	put(machine, 0x4000 + 511 * 8, DEVICE | 0x17b);
	cpu = pw_memory_add_cpu(machine->memory);
	assert_non_null(cpu);
	cpu->format = format;
	cpu->roots = 1;
	cpu->root[0] = 0x1000;
	return machine;
}

static void end(struct machine *machine)
{
	pw_memory_close(machine->memory);
	free(machine);
}

static void test_finds(void **state)
{
	struct machine *machine = build("x86_64");
	struct pw_root *roots;
	struct pw_error error;
	bool found = false;
	size_t count;

	(void)state;
	assert_int_equal(pw_roots_find(machine->memory, NULL, &roots, &count, NULL, &error), 0);
	for (size_t i = 0; i < count; i++) {
		found |= strcmp(roots[i].format, "x86_64") == 0 && roots[i].root[0] == 0x1000;
		assert_true(roots[i].cpu <= 0);
	}
	assert_true(found);
	free(roots);
	/* Memory that is not there costs one question. */
	assert_int_equal(machine->refused, 1);
	end(machine);
}

static void test_devices(void **state)
{
	struct machine *machine = build("x86_64");
	struct pw_root *roots;
	size_t count;

	(void)state;
	assert_int_equal(pw_roots_find(machine->memory, NULL, &roots, &count, NULL, NULL), 0);
	free(roots);
	assert_false(machine->device);
	end(machine);
}

static void refused(struct machine *machine, const struct pw_roots_options *options, int status,
		    const char *says)
{
	struct pw_root *roots;
	struct pw_error error;
	size_t count;

	assert_int_equal(pw_roots_find(machine->memory, options, &roots, &count, NULL, &error),
			 status);
	if (!strstr(error.text, says))
		fail_msg("%s", error.text);
	end(machine);
}

static void test_refuses(void **state)
{
	static const bool yes = true;
	const struct pw_roots_options cancelled = { .cancel = &yes };
	struct machine *machine = build("x86_64");

	(void)state;
	machine->memory->cpus[0].roots = 0;
	refused(machine, NULL, -ENOTSUP, "no CPU has tables that do");
	refused(build("riscv_sv48"), NULL, -ENOTSUP, "no CPU has tables that do");
	refused(build("x86_64"), &cancelled, -ECANCELED, "cancelled");
	/* 512 GiB of huge pages. */
	machine = build("x86_64");
	for (unsigned i = 0; i < 512; i++)
		put(machine, 0x2000 + i * 8, (uint64_t)i << 30 | 0x1e3);
	refused(machine, NULL, -ENOTSUP, "too slow to be searched");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_finds),
		cmocka_unit_test(test_devices),
		cmocka_unit_test(test_refuses),
	};

	mutant_choose(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
