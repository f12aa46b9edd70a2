/* SPDX-License-Identifier: MIT */
/*
 * Compares translations of random address spaces with the flat truth: one address, with its steps, its lean
 * answer, and many at once; in place, copied and hooked. Lean answers also for tables of any bytes.
 */
#include "machine.h"

enum { MANY = 1000 };

/* A trace's steps lead from the root to the result, and reading each entry again gives the same. */
static void check_trace(const struct machine *machine, const struct pw_result *result,
			const struct pw_trace *trace)
{
	const struct pw_regime *r = &machine->regime;
	const struct pw_span *span = pw_span_find(r, result->va);
	pw_pa table;
	unsigned level;

	if (!span) {
		assert_int_equal(trace->steps, 0);
		return;
	}
	table = span->table;
	level = span->top;
	assert_true(trace->steps > 0 && trace->steps <= PW_MAX_LEVELS);
	for (unsigned i = 0; i < trace->steps; i++) {
		const struct pw_step *step = &trace->step[i];
		pw_va index = result->va >> step->shift & pw_mask(step->bits);
		bool is_last = i + 1 == trace->steps;

		assert_int_equal(step->level, level);
		assert_true(step->table == table);
		assert_true(step->index == index);
		assert_true(step->at == table + index * (1u << machine->format->entry_lg2));
		assert_true(step->entry == machine_load(machine, step->at));
		assert_int_equal(step->kind == PW_TABLE, !is_last);
		assert_int_equal(step->status, is_last ? result->status : PW_OK);
		table = step->next;
		level--;
	}
	table = trace->step[trace->steps - 1].next;
	if (result->status == PW_OK || result->status == PW_PROT_NONE)
		assert_true(table == (result->pa & ~pw_mask(result->size_lg2)));
	assert_int_equal(trace->step[trace->steps - 1].level, result->level);
	assert_true(trace->step[trace->steps - 1].entry == result->entry);
	if (result->status == PW_OK)
		assert_int_equal(trace->step[trace->steps - 1].attr & PW_PROT_MASK,
				 result->attr & PW_PROT_MASK);
}

/* The lean answer is a part of the complete one. */
static void check_lean(const struct machine *machine, const struct pw_memory *memory,
		       const struct pw_result *expected)
{
	struct pw_lean lean = pw_translate_lean(memory, &machine->regime, expected->va);

	if (lean.pa != expected->pa || lean.attr != (expected->attr & PW_PROT_MASK) ||
	    lean.status != expected->status || lean.size_lg2 != expected->size_lg2)
		fail_msg("%s, %s view: lean answer for 0x%llx: pa 0x%llx attr 0x%x %s size 2^%u, "
			 "expected pa 0x%llx attr 0x%x %s size 2^%u",
			 machine->format->name, machine->regime.view ? "Linux" : "hardware",
			 (unsigned long long)expected->va, (unsigned long long)lean.pa, lean.attr,
			 pw_status_name((enum pw_status)lean.status), lean.size_lg2,
			 (unsigned long long)expected->pa, expected->attr & PW_PROT_MASK,
			 pw_status_name((enum pw_status)expected->status), expected->size_lg2);
}

static void check_address(struct machine *machine, pw_va va)
{
	static const char *const name[] = { "translation", "translation of copies",
					    "hooked translation" };
	struct pw_result expected;

	machine_expect(machine, va, &expected);
	check_lean(machine, machine->direct, &expected);
	check_lean(machine, machine->fetched, &expected);
	for (enum way way = IN_PLACE; way < WAYS; way++) {
		struct pw_result result;
		struct pw_trace trace;

		memset(&result, 0xa5, sizeof(result));
		assert_int_equal(machine_translate(machine, way, va, &result, NULL),
				 expected.status);
		assert_result(machine, name[way], &result, &expected);
		memset(&result, 0xa5, sizeof(result));
		memset(&trace, 0xa5, sizeof(trace));
		machine_translate(machine, way, va, &result, &trace);
		assert_result(machine, "trace", &result, &expected);
		check_trace(machine, &result, &trace);
	}
}

static void check_one(struct machine *machine)
{
	machine_populate(machine, 12);
	machine_seal(machine);
	for (size_t i = 0; i < machine->count; i += 1 + i / 64) {
		check_address(machine, machine->items[i].first);
		check_address(machine, machine->items[i].first - 1);
		check_address(machine, machine->items[i].last);
		check_address(machine, machine->items[i].last + 1);
	}
	for (unsigned i = 0; i < 300; i++)
		check_address(machine, machine_interesting(machine));
	for (unsigned i = 0; i < machine->regime.spans; i++) {
		check_address(machine, machine->regime.span[i].first);
		check_address(machine, machine->regime.span[i].first - 1);
		check_address(machine, machine->regime.span[i].last);
		check_address(machine, machine->regime.span[i].last + 1);
	}
	check_address(machine, 0);
	check_address(machine, UINT64_MAX);
}

static void test_one(void **state)
{
	(void)state;
	for_all_machines(check_one, test_amount(2, 1));
}

/*
 * Any bytes: then there is no flat truth, and the complete answer is what the lean one must be. Half of the
 * bytes are entries of real tables, so that walks go deep.
 */
static void check_garbage(struct machine *machine)
{
	unsigned leaves = 0;

	machine_populate(machine, 8);
	machine_seal(machine);
	for (unsigned round = 0; round < 40; round++) {
		for (unsigned i = 0; i < 40; i++) {
			unsigned segment = (unsigned)random_below(&machine->seed, 2);
			size_t used = machine->used[segment] >> 3;
			uint64_t change = random_next(&machine->seed);
			uint64_t *word = (uint64_t *)(void *)machine->bytes[segment];

			if (used > 0)
				word[random_below(&machine->seed, used)] ^=
					change & random_next(&machine->seed);
		}
		for (unsigned i = 0; i < 60; i++) {
			pw_va va = machine_interesting(machine);
			struct pw_result result;

			leaves += pw_translate(machine->direct, &machine->regime, va, &result) ==
				  PW_OK;
			check_lean(machine, machine->direct, &result);
			check_lean(machine, machine->fetched, &result);
		}
	}
	assert_true(leaves > 0);
}

static void test_garbage(void **state)
{
	(void)state;
	for_all_machines(check_garbage, test_amount(2, 1));
}

/* Addresses in any order, duplicates, and counts around the size of a group. */
static void check_many(struct machine *machine)
{
	static const size_t counts[] = { 0, 1, 2, 31, 32, 33, 64, MANY };
	static pw_va va[MANY];
	static struct pw_result result[MANY + 1];

	machine_populate(machine, 10);
	machine_seal(machine);
	for (size_t c = 0; c < sizeof(counts) / sizeof(counts[0]); c++) {
		size_t found[2] = { 0, 0 };

		for (size_t i = 0; i < counts[c]; i++)
			va[i] = i > 0 && random_one_in(&machine->seed, 10)
					? va[random_below(&machine->seed, i)]
					: machine_interesting(machine);
		for (unsigned copied = 0; copied < 2; copied++) {
			size_t said;

			memset(result, 0xa5, sizeof(result));
			said = pw_translate_many(copied ? machine->fetched : machine->direct,
						 &machine->regime, va, counts[c], result);
			for (size_t i = 0; i < counts[c]; i++) {
				struct pw_result expected;

				machine_expect(machine, va[i], &expected);
				assert_result(machine, "bulk translation", &result[i], &expected);
				found[copied] += expected.status == PW_OK;
			}
			assert_int_equal(said, found[copied]);
			/* The call does not touch the array behind the last result. */
			assert_int_equal(result[counts[c]].status, 0xa5);
		}
	}
}

static void test_many(void **state)
{
	(void)state;
	for_all_machines(check_many, test_amount(2, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one),
		cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
