/* SPDX-License-Identifier: MIT */
/* The findings of a check on tables written by hand; and a check of any tables ends. */
#include "survey_build.h"

enum { FINDINGS = 64 };

/* x86-64 tables: table n is at page n of a memory that begins at 0. */
struct machine {
	uint64_t *words;
	struct pw_memory *memory;
	struct pw_regime regime;
	struct pw_finding found[FINDINGS];
	unsigned count, stop_after;
};

enum { PAGES = 16, TABLE = 0x67, LEAF = 0x67 };
static const uint64_t NX = UINT64_C(1) << 63;

static void set(struct machine *machine, unsigned page, unsigned index, uint64_t entry)
{
	machine->words[page * 512 + index] = htole64(entry);
}

static void machine_init(struct machine *machine)
{
	struct pw_segment segment = { .first = 0, .last = PAGES * 4096 - 1 };
	uint64_t root = 0;

	*machine = (struct machine){ .count = 0 };
	machine->words = aligned_alloc(4096, PAGES * 4096);
	assert_non_null(machine->words);
	memset(machine->words, 0, PAGES * 4096);
	segment.host = machine->words;
	assert_int_equal(pw_memory_wrap(&segment, 1, &machine->memory, NULL), 0);
	assert_int_equal(
		pw_regime_init(&machine->regime, pw_format_find("x86_64"), &root, 1, NULL, NULL),
		0);
	/* pgd 0 -> pud 1 -> pmd 2 -> pte 3, with one page without a fault. */
	set(machine, 0, 0, 0x1000 | TABLE);
	set(machine, 1, 0, 0x2000 | TABLE);
	set(machine, 2, 0, 0x3000 | TABLE);
	set(machine, 3, 1, 0x8000 | LEAF | NX);
}

static void machine_deinit(struct machine *machine)
{
	pw_memory_close(machine->memory);
	free(machine->words);
}

static int take(void *context, const struct pw_finding *finding)
{
	struct machine *machine = context;

	assert_true(machine->count < FINDINGS);
	machine->found[machine->count++] = *finding;
	return machine->count == machine->stop_after ? 42 : 0;
}

static int check(struct machine *machine)
{
	machine->count = 0;
	return pw_check(machine->memory, &machine->regime, 0, UINT64_MAX, NULL, take, machine,
			NULL);
}

static void test_nothing(void **state)
{
	struct machine machine;

	(void)state;
	machine_init(&machine);
	assert_int_equal(check(&machine), 0);
	assert_int_equal(machine.count, 0);
	machine_deinit(&machine);
}

static void test_leaves(void **state)
{
	struct machine machine;

	(void)state;
	machine_init(&machine);
	set(&machine, 3, 5, 0x9000 | LEAF);
	set(&machine, 3, 6, 0xa000 | LEAF);
	set(&machine, 3, 8, 0xb000 | (LEAF & ~2)); /* executable, but read-only */
	set(&machine, 2, 7, 0x201000 | LEAF | 0x80 | 0x2000); /* a reserved address bit */
	assert_int_equal(check(&machine), 0);
	assert_int_equal(machine.count, 2);
	assert_int_equal(machine.found[0].kind, PW_FINDING_WRITABLE_EXECUTABLE);
	assert_int_equal(machine.found[0].range.first, 0x5000);
	assert_int_equal(machine.found[0].range.last, 0x6fff);
	assert_int_equal(machine.found[0].range.pa, 0x9000);
	assert_int_equal(machine.found[1].kind, PW_FINDING_MALFORMED);
	assert_int_equal(machine.found[1].range.first, 7 << 21);
	assert_int_equal(machine.found[1].range.last, (8 << 21) - 1);
	assert_int_equal(machine.found[1].range.level, 1);
	machine_deinit(&machine);
}

static void test_tables(void **state)
{
	struct machine machine;

	(void)state;
	machine_init(&machine);
	/* The pte table is used three more times, twice in a row; one table is not there. */
	set(&machine, 2, 4, 0x3000 | TABLE);
	set(&machine, 2, 5, 0x3000 | TABLE);
	set(&machine, 2, 9, 0x3000 | TABLE);
	set(&machine, 2, 10, 0x12345000 | TABLE);
	/* The pte table is used as a pmd, whose entry 1 leads out of the memory. */
	set(&machine, 1, 1, 0x3000 | TABLE | NX);
	set(&machine, 3, 1, 0x77000 | LEAF | NX);
	/* The pgd is used again, below itself. */
	set(&machine, 0, 511, 0 | TABLE | NX);
	assert_int_equal(check(&machine), 0);
	assert_int_equal(machine.count, 6);
	assert_int_equal(machine.found[0].kind, PW_FINDING_SHARED);
	for (unsigned i = 0; i < machine.count; i++)
		assert_int_equal(pw_finding_is_note(machine.found[i].kind),
				 machine.found[i].kind == PW_FINDING_SHARED);
	assert_int_equal(machine.found[0].table, 0x3000);
	assert_int_equal(machine.found[0].range.first, 4 << 21);
	assert_int_equal(machine.found[0].range.last, (6 << 21) - 1);
	assert_int_equal(machine.found[0].other, 0);
	assert_int_equal(machine.found[0].level, 0);
	assert_int_equal(machine.found[1].kind, PW_FINDING_SHARED);
	assert_int_equal(machine.found[1].range.first, 9 << 21);
	assert_int_equal(machine.found[2].kind, PW_FINDING_OUTSIDE);
	assert_int_equal(machine.found[2].table, 0x12345000);
	assert_int_equal(machine.found[2].entry, 0x12345000 | TABLE);
	assert_int_equal(machine.found[3].kind, PW_FINDING_LEVELS);
	assert_int_equal(machine.found[3].table, 0x3000);
	assert_int_equal(machine.found[3].level, 1);
	assert_int_equal(machine.found[3].other_level, 0);
	assert_int_equal(machine.found[4].kind, PW_FINDING_OUTSIDE);
	assert_int_equal(machine.found[4].table, 0x77000);
	assert_int_equal(machine.found[5].kind, PW_FINDING_CYCLIC);
	assert_int_equal(machine.found[5].table, 0);
	assert_int_equal(machine.found[5].level, 2);
	assert_int_equal(machine.found[5].other_level, 3);
	machine_deinit(&machine);
}

static void test_stops(void **state)
{
	static const bool stopped = true;
	struct pw_scan_limits limits = { .cancel = &stopped };
	struct pw_error error = { "" };
	struct machine machine;

	(void)state;
	machine_init(&machine);
	set(&machine, 3, 5, 0x9000 | LEAF);
	set(&machine, 2, 10, 0x12345000 | TABLE);
	set(&machine, 2, 12, 0x12346000 | TABLE);
	machine.stop_after = 1;
	assert_int_equal(check(&machine), 42);
	assert_int_equal(machine.count, 1);
	machine.stop_after = 3;
	assert_int_equal(check(&machine), 42);
	assert_int_equal(machine.count, 3);
	assert_int_equal(pw_check(machine.memory, &machine.regime, 0, UINT64_MAX, &limits, take,
				  &machine, &error),
			 -ECANCELED);
	assert_true(error.text[0] != '\0');
	assert_int_equal(
		pw_check(machine.memory, &machine.regime, 2, 1, NULL, take, &machine, &error),
		-EINVAL);
	machine_deinit(&machine);
}

static int count_kinds(void *context, const struct pw_finding *finding)
{
	uint64_t *counts = context;

	assert_true(finding->range.first <= finding->range.last);
	counts[finding->kind]++;
	return 0;
}

/* Every entry in the 4 MiB is a table: four levels of these are 2^36 pages, and 1024 tables. */
static void test_maze(void **state)
{
	enum { MAZE_PAGES = 256 };
	static uint64_t words[MAZE_PAGES * 512] __attribute__((aligned(4096)));
	struct pw_segment segment = { .first = 0, .last = sizeof(words) - 1, .host = words };
	uint64_t random = 7, counts[PW_FINDING_KINDS] = { 0 }, root = 0;
	struct pw_memory *memory;
	struct pw_regime regime;

	(void)state;
	for (size_t i = 0; i < MAZE_PAGES * 512; i++)
		words[i] = htole64(random_below(&random, MAZE_PAGES) << 12 | TABLE);
	assert_int_equal(pw_memory_wrap(&segment, 1, &memory, NULL), 0);
	assert_int_equal(pw_regime_init(&regime, pw_format_find("x86_64"), &root, 1, NULL, NULL),
			 0);
	assert_int_equal(pw_check(memory, &regime, 0, UINT64_MAX, NULL, count_kinds, counts, NULL),
			 0);
	assert_true(counts[PW_FINDING_SHARED] > 0);
	assert_true(counts[PW_FINDING_LEVELS] > 0);
	assert_true(counts[PW_FINDING_CYCLIC] > 0);
	assert_int_equal(counts[PW_FINDING_OUTSIDE], 0);
	pw_memory_close(memory);
}

/* Random tables of every format: the check ends, and finds the tables outside the memory. */
static void test_random(void **state)
{
	uint64_t counts[PW_FINDING_KINDS] = { 0 };

	(void)state;
	for (unsigned turn = 0; pw_format_at(turn / 8); turn++) {
		const struct pw_format *format = pw_format_at(turn / 8);
		struct space space;

		space_init(&space, format, random_seed(format->name, turn % 8), true);
		assert_int_equal(pw_check(space.memory, &space.regime, 0, UINT64_MAX, NULL,
					  count_kinds, counts, NULL),
				 0);
		space_deinit(&space);
	}
	assert_true(counts[PW_FINDING_OUTSIDE] > 0);
	assert_true(counts[PW_FINDING_SHARED] > 0);
	assert_true(counts[PW_FINDING_WRITABLE_EXECUTABLE] > 0);
	assert_true(counts[PW_FINDING_MALFORMED] > 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing), cmocka_unit_test(test_leaves),
		cmocka_unit_test(test_tables),  cmocka_unit_test(test_stops),
		cmocka_unit_test(test_maze),    cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
