/* SPDX-License-Identifier: MIT */
/*
 * The pagewalk interface: a walk reports every entry of a range once and in order. Callbacks can skip, look
 * again, and stop. A walk does not descend further than the callbacks need.
 */
#include "machine.h"

/* The record of the callbacks of one walk. */
struct log {
	struct machine *machine;
	enum way way;
	pw_va next, last; /* where the walk must continue */
	uint64_t leaves, holes, entries[PW_MAX_LEVELS];
	bool done;
	/* Orders: skip tables of a level, look again, stop. */
	unsigned skip_level;
	unsigned again; /* how often to look again */
	uint64_t stop_after; /* leaves */
	int stop;
	/* The entry that was looked at again. */
	struct pw_entry before;
	bool repeated;
};

static struct log *log_of(struct pw_walk *walk)
{
	return walk->private_data;
}

/* Moves to the next address that the walk must report, over gaps that no root translates. */
static void advance(struct log *log, pw_va last)
{
	const struct pw_regime *r = &log->machine->regime;

	if (last == log->last) {
		log->done = true;
		return;
	}
	log->next = last + 1;
	if (pw_span_find(r, log->next))
		return;
	for (unsigned i = 0; i < r->spans; i++) {
		if (r->span[i].first > log->next && r->span[i].first <= log->last &&
		    !r->span[i].alias) {
			log->next = r->span[i].first;
			return;
		}
	}
	log->done = true;
}

/* The arguments of leaf() and hole() must agree with a translation of the first address. */
static void check_entry(struct log *log, const struct pw_entry *entry)
{
	struct machine *machine = log->machine;
	struct pw_result expected;

	assert_false(log->done);
	assert_true(entry->first == log->next);
	assert_true(entry->last >= entry->first && entry->last <= log->last);
	machine_expect(machine, entry->first, &expected);
	assert_int_equal(entry->status, expected.status);
	assert_int_equal(entry->level, expected.level);
	assert_int_equal(entry->size_lg2, expected.size_lg2);
	assert_true(entry->value == expected.entry);
	assert_int_equal(entry->attr, expected.attr);
	if (expected.status == PW_OK || expected.status == PW_PROT_NONE)
		assert_true(entry->pa == expected.pa);
	assert_true(machine_load(machine, entry->at) == entry->value);
	if (log->way == IN_PLACE)
		assert_ptr_equal(entry->host, machine_host(machine, entry->at));
	else
		assert_null(entry->host);
	advance(log, entry->last);
}

static int see_leaf(struct pw_walk *walk, const struct pw_entry *entry)
{
	struct log *log = log_of(walk);

	assert_int_equal(walk->action, PW_SUBTREE);
	assert_int_equal(entry->kind, PW_LEAF);
	assert_int_equal(entry->status, PW_OK);
	if (log->again > 0 && !log->repeated) {
		log->before = *entry;
		log->repeated = true;
		log->again--;
		walk->action = PW_AGAIN;
		return 0;
	}
	if (log->repeated) {
		/* The same turn from the start: the same entry, loaded again. */
		assert_true(entry->at == log->before.at && entry->first == log->before.first);
		log->repeated = false;
	}
	check_entry(log, entry);
	log->leaves++;
	return log->leaves == log->stop_after ? log->stop : 0;
}

static int see_hole(struct pw_walk *walk, const struct pw_entry *entry)
{
	struct log *log = log_of(walk);

	assert_int_equal(walk->action, PW_SUBTREE);
	assert_int_equal(entry->kind, PW_HOLE);
	check_entry(log, entry);
	log->holes++;
	return 0;
}

static int see_entry(struct pw_walk *walk, const struct pw_entry *entry)
{
	struct log *log = log_of(walk);

	assert_int_equal(walk->action, PW_SUBTREE);
	assert_true(entry->kind == PW_TABLE || entry->kind == PW_LEAF);
	log->entries[entry->level]++;
	if (entry->kind != PW_TABLE)
		return 0;
	assert_true(entry->first == log->next || log->skip_level < PW_MAX_LEVELS);
	if (entry->level == log->skip_level) {
		walk->action = PW_CONTINUE;
		log->next = entry->first;
		advance(log, entry->last);
	}
	return 0;
}

static const struct pw_walk_ops all = {
	.entry = { see_entry, see_entry, see_entry, see_entry, see_entry, see_entry },
	.leaf = see_leaf,
	.hole = see_hole,
};

/* The first address that a walk from @first on reports; sets *none if there is none. */
static pw_va first_listed(const struct machine *machine, pw_va first, pw_va last, bool *none)
{
	const struct pw_regime *r = &machine->regime;

	*none = false;
	for (unsigned i = 0; i < r->spans; i++) {
		const struct pw_span *span = &r->span[i];

		if (span->alias && first <= r->span[0].last)
			continue;
		if (first <= span->last && last >= span->first)
			return first > span->first ? first : span->first;
	}
	*none = true;
	return first;
}

static struct log start(struct machine *machine, enum way way, pw_va first, pw_va last)
{
	struct log log = {
		.machine = machine, .way = way, .last = last, .skip_level = PW_MAX_LEVELS
	};
	bool none;

	log.next = first_listed(machine, first, last, &none);
	log.done = none;
	return log;
}

/* The items that lie in first..last, wholly or partly. */
static uint64_t items_in(const struct machine *machine, pw_va first, pw_va last)
{
	uint64_t count = 0;

	for (size_t i = 0; i < machine->count; i++)
		count += machine->items[i].status == PW_OK && machine->items[i].first <= last &&
			 machine->items[i].last >= first;
	return count;
}

static void check_range(struct machine *machine, pw_va first, pw_va last)
{
	for (enum way way = IN_PLACE; way < WAYS; way++) {
		struct log log = start(machine, way, first, last);

		log.again = 2;
		assert_int_equal(machine_walk(machine, way, first, last, &all, &log), 0);
		assert_true(log.done);
		assert_false(log.repeated);
		if (first <= machine->regime.span[0].last)
			assert_true(log.leaves == items_in(machine, first, last));
	}
}

static void check_walks(struct machine *machine)
{
	machine_populate(machine, 8);
	machine_seal(machine);
	check_range(machine, 0, UINT64_MAX);
	for (unsigned i = 0; i < 10; i++) {
		pw_va a = machine_interesting(machine), b = machine_interesting(machine);

		check_range(machine, a < b ? a : b, a < b ? b : a);
		check_range(machine, a, a);
	}
}

static void test_walks(void **state)
{
	(void)state;
	for_all_machines(check_walks, test_amount(2, 1));
}

static void check_actions(struct machine *machine)
{
	static const int stops[] = { 7, -EIO, 1 };
	unsigned top;

	machine_populate(machine, 6);
	machine_seal(machine);
	top = machine->regime.span[0].top;
	for (enum way way = IN_PLACE; way < WAYS; way++) {
		struct log log;

		/* The walk stops at that leaf, with that value. */
		for (unsigned i = 0; i < 3; i++) {
			log = start(machine, way, 0, UINT64_MAX);
			log.stop_after = 1 + random_below(&machine->seed, machine->count / 2 + 1);
			if (log.stop_after > items_in(machine, 0, UINT64_MAX))
				log.stop_after = 1;
			log.stop = stops[i];
			assert_int_equal(machine_walk(machine, way, 0, UINT64_MAX, &all, &log),
					 stops[i]);
			assert_true(log.leaves == log.stop_after);
		}
		/* The walk does not descend, and sees nothing below. */
		for (unsigned level = 1; level <= top; level++) {
			log = start(machine, way, 0, UINT64_MAX);
			log.skip_level = level;
			assert_int_equal(machine_walk(machine, way, 0, UINT64_MAX, &all, &log), 0);
			assert_true(log.done);
			for (unsigned below = 0; below < level; below++)
				assert_true(log.entries[below] == 0);
		}
	}
}

static void test_actions(void **state)
{
	(void)state;
	for_all_machines(check_actions, 1);
}

static int count_entries(struct pw_walk *walk, const struct pw_entry *entry)
{
	log_of(walk)->entries[entry->level]++;
	return 0;
}

/* The walk is no deeper than the callbacks need; the loads show it. */
static void check_depth(struct machine *machine)
{
	unsigned top = machine->regime.span[0].top;
	struct log log;

	machine_populate(machine, 6);
	machine_seal(machine);
	for (unsigned level = 0; level <= top; level++) {
		struct pw_walk_ops ops = { .hole = NULL };
		uint64_t tables = 0;

		ops.entry[level] = count_entries;
		log = start(machine, HOOKED, 0, UINT64_MAX);
		for (size_t i = 0; i < machine->touched_count; i++)
			machine->loaded[machine->touched[i]] = 0;
		machine->touched_count = 0;
		assert_int_equal(machine_walk(machine, HOOKED, 0, UINT64_MAX, &ops, &log), 0);
		/* Every table of that level or above was read, and none below. */
		for (size_t i = 0; i < machine->count; i++) {
			const struct node *node = machine_node(machine, machine->items[i].first);
			size_t word = (size_t)(node->table - MACHINE_BASE) >> 2;

			if (node->level < level)
				assert_int_equal(machine->loaded[word], 0);
			else
				tables += machine->loaded[word];
		}
		if (level <= machine->items[0].level)
			assert_true(tables > 0);
		for (unsigned other = 0; other <= top; other++)
			if (other != level)
				assert_true(log.entries[other] == 0);
	}
}

static void test_depth(void **state)
{
	(void)state;
	for_all_machines(check_depth, 1);
}

/* ---- test_walk ---- */

struct spans {
	unsigned called, skip; /* bit n: skip span n */
	int stop;
	pw_va first[4], last[4];
	uint64_t leaves;
};

static int test_span(struct pw_walk *walk, pw_va first, pw_va last)
{
	struct spans *spans = walk->private_data;

	assert_true(spans->called < 4);
	spans->first[spans->called] = first;
	spans->last[spans->called] = last;
	spans->called++;
	if (spans->stop)
		return spans->stop;
	return spans->skip >> (spans->called - 1) & 1;
}

static int count_leaf(struct pw_walk *walk, const struct pw_entry *entry)
{
	struct spans *spans = walk->private_data;

	(void)entry;
	spans->leaves++;
	return 0;
}

static void check_spans(struct machine *machine)
{
	const struct pw_walk_ops ops = { .leaf = count_leaf, .test_walk = test_span };
	const struct pw_regime *r = &machine->regime;
	unsigned listed = r->spans > 1 && !r->span[1].alias ? 2 : 1;

	machine_populate(machine, 6);
	machine_seal(machine);
	for (enum way way = IN_PLACE; way < WAYS; way++) {
		for (unsigned skip = 0; skip < 1u << listed; skip++) {
			struct spans spans = { .skip = skip };
			uint64_t leaves = 0;

			assert_int_equal(machine_walk(machine, way, 0, UINT64_MAX, &ops, &spans),
					 0);
			assert_int_equal(spans.called, listed);
			for (unsigned i = 0; i < listed; i++) {
				assert_true(spans.first[i] == r->span[i].first);
				assert_true(spans.last[i] == r->span[i].last);
				if (!(skip >> i & 1))
					leaves += items_in(machine, r->span[i].first,
							   r->span[i].last);
			}
			assert_true(spans.leaves == leaves);
		}
		for (unsigned i = 0; i < listed; i++) {
			struct spans spans = { .stop = -EPERM };
			pw_va first = r->span[i].first, last = r->span[i].last;

			assert_int_equal(
				machine_walk(machine, way, first + 1, last - 1, &ops, &spans),
				-EPERM);
			assert_int_equal(spans.called, 1);
			assert_true(spans.first[0] == first + 1 && spans.last[0] == last - 1);
			assert_true(spans.leaves == 0);
		}
	}
}

static void test_spans(void **state)
{
	(void)state;
	for_all_machines(check_spans, 1);
}

static void check_refused(struct machine *machine)
{
	struct log log = start(machine, IN_PLACE, 0, 0);

	assert_int_equal(pw_walk_range(machine->direct, &machine->regime, 2, 1, &all, &log),
			 -EINVAL);
}

static void test_refused(void **state)
{
	(void)state;
	for_all_machines(check_refused, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_walks),   cmocka_unit_test(test_actions),
		cmocka_unit_test(test_depth),   cmocka_unit_test(test_spans),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
