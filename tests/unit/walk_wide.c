/* SPDX-License-Identifier: MIT */
/*
 * Walks in vectors, of each kind that this processor has, beside the scalar walker: on random address spaces, and on
 * the same ones after random changes to the bytes of their tables. Lanes that vectors leave to the scalar walker are
 * counted, so that the test sees whether vectors did anything.
 */
#include "machine.h"
#include "mutants/choose.h"
#include "walk/wide.h"

enum { MANY = 16 * PW_WIDE_LANES };

static size_t left; /* to the scalar walker */
static const struct pw_algorithms *scalar;

static enum pw_status counted_translate(void *context, const struct pw_regime *regime, pw_va va,
					struct pw_result *result)
{
	left++;
	return scalar->translate(context, regime, va, result);
}

/* Walks @va in blocks until none is whole; where vectors stop, they begin again. Returns how many lanes they took. */
static size_t compare(const struct machine *machine, struct pw_wide_kind kind, const pw_va *va,
		      size_t count)
{
	static struct pw_result result[MANY];
	struct pw_algorithms counted;
	struct pw_wide wide;
	size_t said = 0, found = 0, done = 0, stopped = 0;

	if (!pw_wide_init(&wide, &machine->regime, &machine->direct->in_place))
		return 0;
	scalar = wide.scalar;
	counted = *scalar;
	counted.translate = counted_translate;
	wide.scalar = &counted;
	left = 0;
	memset(result, 0xa5, sizeof(result));
	while (count - done >= PW_WIDE_LANES) {
		size_t more = kind.walk(&wide, va + done, count - done, result + done, &said);

		assert_true(more > 0 && more % PW_WIDE_LANES == 0 && more <= count - done);
		done += more;
		stopped += done + PW_WIDE_LANES <= count;
	}
	for (size_t i = 0; i < done; i++) {
		struct pw_result expected;

		scalar->translate((void *)&machine->direct->in_place, &machine->regime, va[i],
				  &expected);
		assert_result(machine, kind.name, &result[i], &expected);
		found += expected.status == PW_OK;
	}
	assert_int_equal(said, found);
	/* Vectors do not stop where most lanes are ordinary. */
	assert_true(stopped * PW_WIDE_LANES / 2 <= left);
	return done - left;
}

/* Most addresses are near each other, as in a program that translates; some are anywhere. */
static void choose(struct machine *machine, pw_va *va, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct item *item =
			&machine->items[random_below(&machine->seed, machine->count)];

		va[i] = random_one_in(&machine->seed, 8)
				? machine_interesting(machine)
				: item->first + (random_next(&machine->seed) &
						 (item->last - item->first));
	}
}

static void compare_all(struct machine *machine, size_t *taken)
{
	static pw_va va[MANY];
	struct pw_wide_kind kind;

	choose(machine, va, MANY);
	for (unsigned i = 0; (kind = pw_wide_kind(i)).walk; i++)
		*taken += compare(machine, kind, va, MANY);
}

/* Of all machines of a format; vectors must take some lanes of each. */
static struct {
	const struct pw_format *format;
	size_t taken;
} seen[64];

static size_t *taken_of(const struct pw_format *format)
{
	unsigned i = 0;

	while (seen[i].format && seen[i].format != format)
		i++;
	assert_true(i < sizeof(seen) / sizeof(seen[0]));
	seen[i].format = format;
	return &seen[i].taken;
}

static void check_wide(struct machine *machine)
{
	machine_populate(machine, 10);
	machine_seal(machine);
	if (machine->count == 0)
		return;
	compare_all(machine, taken_of(machine->format));
}

static void test_wide(void **state)
{
	(void)state;
	if (!pw_wide_kind(0).walk)
		skip();
	/* In one round not every format has a machine whose walks all begin in a whole table. */
	for_all_machines(check_wide, 2);
	for (unsigned i = 0; seen[i].format; i++)
		if (seen[i].taken == 0)
			fail_msg("vectors took no address of %s", seen[i].format->name);
}

/* Changes a bit beside the address in an entry on the way to a page: often it still is a table, or a page, but another. */
static void change_way(struct machine *machine)
{
	const struct item *item = &machine->items[random_below(&machine->seed, machine->count)];
	unsigned bit = (unsigned)random_below(&machine->seed, 24);
	struct pw_result result;
	struct pw_trace trace;
	const struct pw_step *step;

	machine_translate(machine, IN_PLACE, item->first, &result, &trace);
	if (trace.steps == 0)
		return;
	step = &trace.step[random_below(&machine->seed, trace.steps)];
	if (!machine_host(machine, step->at))
		return;
	machine_store(machine, step->at,
		      machine_load(machine, step->at) ^ UINT64_C(1) << (bit < 12 ? bit : bit + 40));
}

static void change_anything(struct machine *machine)
{
	unsigned segment = (unsigned)random_below(&machine->seed, 2);
	size_t used = machine->used[segment] >> 3;
	uint64_t change = random_next(&machine->seed);
	uint64_t *word = (uint64_t *)(void *)machine->bytes[segment];

	if (used > 0)
		word[random_below(&machine->seed, used)] ^= change & random_next(&machine->seed);
}

static void check_garbage(struct machine *machine)
{
	size_t taken = 0;

	machine_populate(machine, 8);
	machine_seal(machine);
	for (unsigned round = 0; round < 6 && machine->count > 0; round++) {
		for (unsigned i = 0; i < 100; i++)
			change_anything(machine);
		for (unsigned i = 0; i < 10; i++)
			change_way(machine);
		compare_all(machine, &taken);
	}
}

static void test_garbage(void **state)
{
	(void)state;
	if (!pw_wide_kind(0).walk)
		skip();
	for_all_machines(check_garbage, test_amount(2, 1));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wide),
		cmocka_unit_test(test_garbage),
	};

	mutant_choose(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
