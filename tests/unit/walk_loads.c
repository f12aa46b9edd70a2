/* SPDX-License-Identifier: MIT */
/*
 * One load per entry and visit. The hook counts the loads. Other tests have an entry with another value at
 * every second load; every answer must come from one of the values, and not from both.
 */
/* One copy of the lean walk serves all formats here. */
#define PW_NO_CONSTANT_GUARD

#include "machine.h"

enum { RANGES = 1 << 14 };

static void forget_loads(struct machine *machine)
{
	for (size_t i = 0; i < machine->touched_count; i++)
		machine->loaded[machine->touched[i]] = 0;
	machine->touched_count = 0;
	machine->loads = 0;
}

static unsigned loads_of(const struct machine *machine, pw_pa at)
{
	return machine->loaded[(at - MACHINE_BASE) >> 2];
}

/* No word was loaded more than once. */
static void assert_loaded_once(const struct machine *machine, const char *what)
{
	for (size_t i = 0; i < machine->touched_count; i++) {
		uint32_t word = machine->touched[i];

		if (machine->loaded[word] > 1)
			fail_msg("%s: %s loads the entry at 0x%llx %u times", machine->format->name,
				 what, (unsigned long long)MACHINE_BASE + word * 4ULL,
				 machine->loaded[word]);
	}
}

static void check_translate(struct machine *machine)
{
	machine_populate(machine, 8);
	machine_seal(machine);
	for (unsigned i = 0; i < 200; i++) {
		pw_va va = machine_interesting(machine);
		struct pw_result result;
		struct pw_trace trace;

		forget_loads(machine);
		machine_translate(machine, HOOKED, va, &result, &trace);
		assert_loaded_once(machine, "a trace");
		assert_int_equal(machine->loads, trace.steps);
		for (unsigned n = 0; n < trace.steps; n++)
			assert_int_equal(loads_of(machine, trace.step[n].at), 1);
		forget_loads(machine);
		machine_translate(machine, HOOKED, va, &result, NULL);
		assert_loaded_once(machine, "a translation");
		assert_int_equal(machine->loads, trace.steps);
	}
}

static void test_translate(void **state)
{
	(void)state;
	for_all_machines(check_translate, 1);
}

/* The lean walk, compiled for the hook. The format is data here. */
static void check_lean(struct machine *machine)
{
	struct pw_called hooked = pw_called_hooked(&machine->hook);

	machine_populate(machine, 8);
	machine_seal(machine);
	for (unsigned i = 0; i < 200; i++) {
		pw_va va = machine_interesting(machine);
		struct pw_result result;
		struct pw_lean lean;
		uint64_t loads;

		forget_loads(machine);
		machine_translate(machine, HOOKED, va, &result, NULL);
		loads = machine->loads;
		forget_loads(machine);
		lean = pw_walk_lean(machine->format, &pw_called_access, &hooked, &machine->regime,
				    va);
		assert_loaded_once(machine, "a lean walk");
		assert_int_equal(machine->loads, loads);
		assert_int_equal(lean.status == PW_OK, result.status == PW_OK);
	}
}

static void test_lean(void **state)
{
	(void)state;
	for_all_machines(check_lean, 1);
}

static enum pw_visit enter(struct pw_scan_position *position, const struct pw_scan_table *table,
			   pw_va first, uint64_t entries, pw_va *twin)
{
	(void)position;
	(void)table;
	(void)first;
	(void)entries;
	(void)twin;
	return PW_VISIT_WALK;
}

static void leave(struct pw_scan_position *position, const struct pw_scan_table *table, bool empty)
{
	(void)position;
	(void)table;
	(void)empty;
}

static size_t scan(struct machine *machine, pw_va first, pw_va last, bool holes,
		   struct pw_range *range)
{
	struct pw_scan_position position = {
		.next = first, .last = last, .holes = holes, .enter = enter, .leave = leave
	};
	struct pw_called hooked = pw_called_hooked(&machine->hook);
	size_t count = machine->regime.format->instance->called.scan(&hooked, &machine->regime,
								     &position, range, RANGES);

	assert_true(position.done);
	assert_true(count < RANGES);
	assert_true(position.entries == machine->loads);
	return count;
}

/* All entries of a table and of the tables below it. */
static uint64_t entries_of(const struct machine *machine, const struct node *node)
{
	uint64_t entries = (uint64_t)1 << node->bits;

	for (size_t i = 0; i < (size_t)1 << node->bits; i++) {
		const struct node *child = node->slot[i];

		if (child && child->bits)
			entries += entries_of(machine, child);
	}
	return entries;
}

/* Of a root's table, the entries for addresses that it does not translate: no walk reads them. */
static uint64_t entries_beyond(const struct machine *machine, unsigned root)
{
	const struct pw_regime *r = &machine->regime;
	uint64_t entries = (uint64_t)1 << machine->root[root]->bits, covered = 0;

	for (unsigned i = 0; i < r->spans; i++) {
		const struct pw_span *span = &r->span[i];

		if (span->table == machine->root[root]->table)
			covered += ((span->last - span->first) >> r->format->shift[span->top]) + 1;
	}
	return covered < entries ? entries - covered : 0;
}

static void check_scan(struct machine *machine)
{
	static struct pw_range range[RANGES];
	const struct pw_regime *r = &machine->regime;
	bool all = true;
	uint64_t entries = 0;

	machine_populate(machine, 8);
	machine_seal(machine);
	for (unsigned i = 0; i < 6; i++) {
		pw_va a = machine_interesting(machine), b = machine_interesting(machine);
		pw_va first = i == 0 || a > b ? 0 : a, last = i == 0 ? UINT64_MAX : a > b ? a : b;

		forget_loads(machine);
		scan(machine, first, last, i % 2, range);
		assert_loaded_once(machine, "a scan");
		if (i > 0)
			continue;
		/* A walk of the whole address space loads each entry that there is. */
		for (unsigned n = 0; n < PW_MAX_ROOTS && machine->root[n]; n++) {
			entries += entries_of(machine, machine->root[n]) -
				   entries_beyond(machine, n);
			all = all && (r->spans == 1 || machine->root[1]);
		}
		if (all || r->span[1].table == r->span[0].table)
			assert_true(machine->loads == entries);
	}
}

static void test_scan(void **state)
{
	(void)state;
	for_all_machines(check_scan, 1);
}

static int count_leaf(struct pw_walk *walk, const struct pw_entry *entry)
{
	unsigned *count = walk->private_data;

	(void)entry;
	++*count;
	return 0;
}

/* The walk looks at the first leaf or hole of each kind a second time. */
static int again_once(struct pw_walk *walk, const struct pw_entry *entry)
{
	pw_pa *at = walk->private_data;

	if (*at == 0) {
		*at = entry->at;
		walk->action = PW_AGAIN;
	}
	return 0;
}

static void check_walk(struct machine *machine)
{
	const struct pw_walk_ops count = { .leaf = count_leaf };
	const struct pw_walk_ops again = { .leaf = again_once };
	unsigned leaves = 0;
	pw_pa at = 0;

	machine_populate(machine, 8);
	machine_seal(machine);
	forget_loads(machine);
	assert_int_equal(machine_walk(machine, HOOKED, 0, UINT64_MAX, &count, &leaves), 0);
	assert_loaded_once(machine, "a walk");
	assert_true(leaves > 0);
	forget_loads(machine);
	assert_int_equal(machine_walk(machine, HOOKED, 0, UINT64_MAX, &again, &at), 0);
	assert_int_equal(loads_of(machine, at), 2);
	machine->loaded[(at - MACHINE_BASE) >> 2] = 1;
	assert_loaded_once(machine, "a walk with a retry");
}

static void test_walk(void **state)
{
	(void)state;
	for_all_machines(check_walk, 1);
}

/* ---- entries that change ---- */

/* The other value of a step's entry, for the next load. */
static uint64_t other_value(struct machine *machine, const struct pw_step *step, uint64_t entry,
			    pw_pa spare)
{
	const struct pw_format *f = machine->format;
	const struct pw_regime *r = &machine->regime;
	const uint32_t attr = PW_READ | PW_ACCESSED |
			      (random_one_in(&machine->seed, 2) ? PW_USER : 0);

	switch (random_below(&machine->seed, 5)) {
	case 0:
		return f->make_empty(f, r, step->level);
	case 1:
		if (step->level > 0)
			return f->make_table(f, r, step->level, spare);
		return entry ^ UINT64_C(1) << random_below(&machine->seed, 32);
	case 2:
	case 3:
		if (f->leaf_levels >> step->level & 1)
			return f->make_leaf(f, r, step->level,
					    UINT64_C(3) << step->shift & 0x7fffffff, attr);
		return entry ^ UINT64_C(1) << random_below(&machine->seed, 32);
	default:
		return entry ^ UINT64_C(1) << random_below(&machine->seed, 8u << f->entry_lg2);
	}
}

static bool same_result(const struct pw_result *a, const struct pw_result *b)
{
	return a->pa == b->pa && a->entry == b->entry && a->attr == b->attr &&
	       a->status == b->status && a->level == b->level && a->size_lg2 == b->size_lg2 &&
	       a->memtype == b->memtype;
}

/* The range that has @va, as a result; status UINT8_MAX if there is none. */
static void result_of(const struct pw_range *range, size_t count, pw_va va,
		      struct pw_result *result)
{
	*result = (struct pw_result){ .status = UINT8_MAX };
	for (size_t i = 0; i < count; i++) {
		if (va < range[i].first || va > range[i].last)
			continue;
		result->status = range[i].status;
		if (range[i].status != PW_OK && range[i].status != PW_PROT_NONE)
			return;
		result->pa = range[i].pa + (va - range[i].first);
		result->attr = range[i].attr & PW_PROT_MASK;
		result->size_lg2 = range[i].size_lg2;
		result->memtype = range[i].memtype;
	}
}

struct seen {
	pw_va va;
	struct pw_entry entry;
};

static int see(struct pw_walk *walk, const struct pw_entry *entry)
{
	struct seen *seen = walk->private_data;

	if (seen->va >= entry->first && seen->va <= entry->last)
		seen->entry = *entry;
	return 0;
}

/* Asks for @va in three ways. */
static void ask(struct machine *machine, pw_va va, struct pw_result answer[3])
{
	static const struct pw_walk_ops ops = { .leaf = see, .hole = see };
	struct pw_range range[16];
	struct seen seen = { .va = va };
	struct pw_scan_position position = {
		.next = va, .last = va, .holes = true, .enter = enter, .leave = leave
	};
	struct pw_called hooked = pw_called_hooked(&machine->hook);
	size_t count;

	memset(answer, 0, 3 * sizeof(*answer));
	machine_translate(machine, HOOKED, va, &answer[0], NULL);
	count = machine->regime.format->instance->called.scan(&hooked, &machine->regime, &position,
							      range, 16);
	result_of(range, count, va, &answer[1]);
	machine_walk(machine, HOOKED, va, va, &ops, &seen);
	answer[2].status = seen.entry.status;
	answer[2].pa = seen.entry.pa;
	answer[2].entry = seen.entry.value;
	answer[2].attr = seen.entry.attr;
	answer[2].level = seen.entry.level;
}

static void check_flips(struct machine *machine)
{
	const struct pw_format *f = machine->format;

	/* A table whose entries all mean the same at every level. */
	pw_pa spare = machine_alloc(machine, 64 << 10);

	machine_populate(machine, 6);
	machine_seal(machine);
	for (unsigned i = 0; i < 150; i++) {
		const struct item *item =
			&machine->items[random_below(&machine->seed, machine->count)];
		pw_va va = item->first + (random_next(&machine->seed) & pw_mask(item->lg2));
		struct pw_result before[3], after[3], flipping[3];
		struct pw_trace trace;
		pw_pa at;
		uint64_t old;
		unsigned step;
		bool itself;

		/* An entry on the way to va: the leaf, or an entry above it. */
		machine_translate(machine, HOOKED, va, &before[0], &trace);
		step = (unsigned)random_below(&machine->seed, trace.steps);
		at = trace.step[step].at;
		old = machine_load(machine, at);
		machine->flip_value = other_value(machine, &trace.step[step], old, spare);
		if (f->entry_lg2 == 2)
			machine->flip_value = (uint32_t)machine->flip_value;
		ask(machine, va, before);
		machine_store(machine, at, machine->flip_value);
		forget_loads(machine);
		machine_translate(machine, HOOKED, va, &after[0], NULL);
		itself = loads_of(machine, at) > 1;
		ask(machine, va, after);
		machine_store(machine, at, old);
		/* A table that leads to itself is visited twice, and the visits may differ. */
		if (itself)
			continue;
		machine->flip_at = at;
		for (unsigned phase = 0; phase < 2; phase++) {
			machine->flips = phase;
			ask(machine, va, flipping);
			for (unsigned n = 0; n < 3; n++)
				if (!same_result(&flipping[n], &before[n]) &&
				    !same_result(&flipping[n], &after[n]))
					fail_msg("%s: 0x%llx, entry at 0x%llx is 0x%llx or 0x%llx: "
						 "question %u has an answer of neither (%s, pa "
						 "0x%llx)",
						 f->name, (unsigned long long)va,
						 (unsigned long long)at, (unsigned long long)old,
						 (unsigned long long)machine->flip_value, n,
						 pw_status_name((enum pw_status)flipping[n].status),
						 (unsigned long long)flipping[n].pa);
		}
		machine->flip_at = 0;
	}
}

static void test_flips(void **state)
{
	(void)state;
	for_all_machines(check_flips, test_amount(2, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_translate), cmocka_unit_test(test_lean),
		cmocka_unit_test(test_scan),      cmocka_unit_test(test_walk),
		cmocka_unit_test(test_flips),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
