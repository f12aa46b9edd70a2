/* SPDX-License-Identifier: MIT */
/*
 * Scans of random address spaces. The ranges must be the flat truth, merged, wherever a scan begins,
 * ends, or pauses because its buffer is full.
 */
#include "machine.h"
#include "mutants/choose.h"

#include <stdio.h>

enum { RANGES = 64, COLLECTED = 1 << 16 };

/* The ranges of a scan. */
struct list {
	struct pw_range *range;
	size_t count;
};

static enum pw_visit enter_always(struct pw_scan_position *position,
				  const struct pw_scan_table *table, pw_va first, uint64_t entries,
				  pw_va *twin)
{
	(void)position;
	(void)table;
	(void)first;
	(void)twin;
	assert_true(entries > 0);
	return PW_VISIT_WALK;
}

static void leave_always(struct pw_scan_position *position, const struct pw_scan_table *table,
			 bool empty)
{
	(void)position;
	(void)table;
	(void)empty;
}

static void add(struct list *list, const struct pw_range *range, size_t count)
{
	assert_true(list->count + count <= COLLECTED);
	memcpy(list->range + list->count, range, count * sizeof(*range));
	list->count += count;
}

/* Scans first..last, @batch ranges at a time. */
static void scan(struct machine *machine, enum way way, pw_va first, pw_va last, size_t batch,
		 bool holes, struct list *list)
{
	const struct pw_algorithms *called = &machine->regime.format->instance->called;
	struct pw_called hooked = pw_called_hooked(&machine->hook);
	struct pw_scan_position position = {
		.next = first,
		.last = last,
		.holes = holes,
		.aliases = first > machine->regime.span[0].last,
		.enter = enter_always,
		.leave = leave_always,
	};
	struct pw_range range[RANGES + 1];
	struct pw_scan_state state;
	struct pw_scan *public = NULL;
	size_t n;

	list->count = 0;
	if (way != HOOKED) {
		assert_int_equal(
			pw_scan_create(way == IN_PLACE ? machine->direct : machine->fetched,
				       &machine->regime, first, last, NULL, &public, NULL),
			0);
		pw_scan_holes(public, holes);
	}
	memset(range, 0xa5, sizeof(range));
	do {
		n = public ? pw_scan_next(public, range, batch)
			   : called->scan(&hooked, &machine->regime, &position, range, batch);
		assert_true(n <= batch);
		assert_int_equal(range[batch].status, 0xa5);
		add(list, range, n);
	} while (n > 0);
	if (!public) {
		assert_true(position.done);
		return;
	}
	pw_scan_state(public, &state);
	assert_int_equal(state.stopped, 0);
	pw_scan_destroy(public);
}

/* Does page @b continue the run @a? */
static bool goes_on(const struct pw_range *a, const struct pw_range *b)
{
	if (a->last + 1 != b->first || a->status != b->status)
		return false;
	if (a->status != PW_OK && a->status != PW_PROT_NONE)
		return true;
	return a->size_lg2 == b->size_lg2 && a->memtype == b->memtype &&
	       (a->attr & PW_PROT_MASK) == (b->attr & PW_PROT_MASK) &&
	       b->pa - a->pa == b->first - a->first;
}

static void add_merged(struct list *list, const struct pw_range *range)
{
	if (list->count > 0 && goes_on(&list->range[list->count - 1], range))
		list->range[list->count - 1].last = range->last;
	else
		add(list, range, 1);
}

/* Does a scan from @first on list @va, or skip it as a repetition? */
static bool listed(const struct machine *machine, pw_va first, pw_va va)
{
	const struct pw_regime *r = &machine->regime;

	for (unsigned i = 0; i < r->spans; i++)
		if (r->span[i].alias && va >= r->span[i].first && va <= r->span[i].last)
			return first > r->span[0].last;
	return true;
}

/* The last address, at most @last, in the same item, or in the same gap between items, as @va. */
static pw_va same_until(const struct machine *machine, pw_va va, pw_va last)
{
	const struct item *item = machine_item(machine, va);
	const struct pw_regime *r = &machine->regime;
	pw_va shift = 0, until = last;
	size_t low = 0, end = machine->count;

	for (unsigned i = 0; i < r->spans; i++) {
		const struct pw_span *span = &r->span[i];

		if (va < span->first && span->first - 1 < until)
			until = span->first - 1;
		if (va < span->first || va > span->last)
			continue;
		if (span->last < until)
			until = span->last;
		if (span->alias)
			shift = span->first - r->span[0].first;
	}
	if (item)
		return item->last + shift < until ? item->last + shift : until;
	/* The first item above @va. */
	while (low < end) {
		size_t middle = low + (end - low) / 2;

		if (machine->items[middle].first + shift > va)
			end = middle;
		else
			low = middle + 1;
	}
	if (low < machine->count && machine->items[low].first + shift - 1 < until)
		until = machine->items[low].first + shift - 1;
	return until;
}

/* The ranges that a scan must give, from the items alone. */
static void expect(const struct machine *machine, pw_va first, pw_va last, bool holes,
		   struct list *list)
{
	pw_va va = first;

	list->count = 0;
	for (;;) {
		struct pw_result result;
		struct pw_range range;

		machine_expect(machine, va, &result);
		range = (struct pw_range){
			.first = va,
			.last = same_until(machine, va, last),
			.pa = result.pa,
			.entry = result.entry,
			.attr = result.attr,
			.status = result.status,
			.level = result.level,
			.size_lg2 = result.size_lg2,
			.memtype = result.memtype,
		};
		if (!listed(machine, first, va)) {
			range.status = PW_NOT_CANONICAL;
			range.pa = range.entry = range.attr = range.memtype = 0;
			range.level = (uint8_t)(machine->format->levels - 1);
			range.size_lg2 = 64;
		}
		if (holes || range.status == PW_OK || range.status == PW_PROT_NONE)
			add_merged(list, &range);
		if (range.last == last)
			return;
		va = range.last + 1;
	}
}

static void assert_lists(const struct machine *machine, const char *what, const struct list *list,
			 const struct list *expected)
{
	for (size_t i = 0; i < list->count && i < expected->count; i++) {
		const struct pw_range *a = &list->range[i], *b = &expected->range[i];

		if (a->first == b->first && a->last == b->last && a->pa == b->pa &&
		    a->entry == b->entry && a->attr == b->attr && a->status == b->status &&
		    a->level == b->level && a->size_lg2 == b->size_lg2 && a->memtype == b->memtype)
			continue;
		fail_msg("%s, %s view, top %u, %s: range %zu is 0x%llx-0x%llx pa 0x%llx entry "
			 "0x%llx attr 0x%x %s level %u size 2^%u, expected 0x%llx-0x%llx pa "
			 "0x%llx entry 0x%llx attr 0x%x %s level %u size 2^%u",
			 machine->format->name, machine->regime.view ? "Linux" : "hardware",
			 machine->regime.span[0].top, what, i, (unsigned long long)a->first,
			 (unsigned long long)a->last, (unsigned long long)a->pa,
			 (unsigned long long)a->entry, a->attr,
			 pw_status_name((enum pw_status)a->status), a->level, a->size_lg2,
			 (unsigned long long)b->first, (unsigned long long)b->last,
			 (unsigned long long)b->pa, (unsigned long long)b->entry, b->attr,
			 pw_status_name((enum pw_status)b->status), b->level, b->size_lg2);
	}
	if (list->count != expected->count)
		fail_msg("%s, %s: %zu ranges, expected %zu", machine->format->name, what,
			 list->count, expected->count);
}

static void check_scan(struct machine *machine, pw_va first, pw_va last)
{
	static const size_t batches[] = { 1, 2, 3, RANGES };
	static struct pw_range buffer[2][COLLECTED];
	struct list got = { .range = buffer[0] }, wanted = { .range = buffer[1] };

	for (unsigned holes = 0; holes < 2; holes++) {
		expect(machine, first, last, holes, &wanted);
		for (enum way way = IN_PLACE; way < WAYS; way++) {
			size_t batch = batches[random_below(&machine->seed, 4)];
			char what[120];

			snprintf(what, sizeof(what), "scan %u of 0x%llx-0x%llx by %zu %s", way,
				 (unsigned long long)first, (unsigned long long)last, batch,
				 holes ? "with holes" : "of pages");
			scan(machine, way, first, last, batch, holes, &got);
			assert_lists(machine, what, &got, &wanted);
		}
	}
}

static void check_scans(struct machine *machine)
{
	machine_populate(machine, 10);
	machine_seal(machine);
	check_scan(machine, 0, UINT64_MAX);
	for (unsigned i = 0; i < 12; i++) {
		pw_va a = machine_interesting(machine), b = machine_interesting(machine);

		check_scan(machine, a < b ? a : b, a < b ? b : a);
	}
	/* A single address. */
	for (unsigned i = 0; i < 6; i++) {
		pw_va va = machine_interesting(machine);

		check_scan(machine, va, va);
	}
	for (unsigned i = 0; i < machine->regime.spans; i++) {
		const struct pw_span *span = &machine->regime.span[i];

		check_scan(machine, span->first, span->last);
		check_scan(machine, span->first, span->first + 0x2345);
		check_scan(machine, span->last - 0x2345, span->last);
	}
}

static void test_scans(void **state)
{
	(void)state;
	for_all_machines(check_scans, test_amount(2, 1));
}

/* A table of pages in order, with different breaks of the order in the middle. */
static void check_dense(struct machine *machine)
{
	const struct pw_format *f = machine->format;
	const pw_va page = pw_mask(f->shift[0]) + 1;
	const uint32_t entries = 1u << f->bits[0];
	pw_va va = machine->regime.span[0].first;
	pw_va last = va + 2 * entries * page - 1;
	uint32_t odd = (uint32_t)random_below(&machine->seed, entries);

	if (last > machine->regime.span[0].last)
		last = machine->regime.span[0].last;
	for (uint32_t i = 0; i < 2 * entries && va + i * page <= last; i++) {
		uint32_t attr = PW_READ | PW_USER | (i % entries == odd ? PW_WRITE : 0);

		machine_map(machine, va + i * page, 0, 0x200000 + i * page, attr, false);
	}
	machine_seal(machine);
	check_scan(machine, va, last);
	check_scan(machine, va + page / 2, last - page / 2);
	check_scan(machine, 0, UINT64_MAX);
	/* Frames up to the end of the format's addresses, so that one more would overflow. */
	for (unsigned lg2 = 31; lg2 < 60; lg2++) {
		struct pw_result result;
		pw_pa top = pw_mask(lg2) & ~pw_mask(f->shift[0]);
		uint64_t entry = f->make_leaf(f, &machine->regime, 0, top, PW_READ | PW_ACCESSED);

		if ((f->entry_lg2 == 2 && entry >> 32) ||
		    f->kind(f, &machine->regime, 0, entry) != PW_LEAF ||
		    f->page(f, &machine->regime, 0, entry) != top)
			continue;
		machine_translate(machine, IN_PLACE, va, &result, NULL);
		assert_int_equal(result.status, PW_OK);
		machine_store(machine, machine_node(machine, va)->table, entry);
		machine->items[0].entry = entry;
		machine->items[0].pa = top;
		machine->items[0].attr = f->attr(f, &machine->regime, 0, entry);
		check_scan(machine, va, last);
	}
}

static void test_dense(void **state)
{
	(void)state;
	for_all_machines(check_dense, 1);
}

/* Pages of which hardly two are alike: in order and not, with three kinds of attributes, and holes between them. */
static void check_scattered(struct machine *machine)
{
	const struct pw_format *f = machine->format;
	const pw_va page = pw_mask(f->shift[0]) + 1;
	const uint32_t entries = 1u << f->bits[0];
	static const uint32_t attrs[] = { 0, PW_WRITE, PW_EXEC };
	pw_va va = machine->regime.span[0].first;
	pw_va last = va + 2 * entries * page - 1;
	uint64_t *random = &machine->seed;
	unsigned holes = 0;

	if (last > machine->regime.span[0].last)
		last = machine->regime.span[0].last;
	for (uint32_t i = 0; i < 2 * entries && va + i * page <= last; i++) {
		/* Behind some holes, pages go on as if there were none. */
		uint32_t frame = random_below(random, 3) ? i : (uint32_t)random_below(random, 64);

		if (holes == 0 && random_one_in(random, 5))
			holes = 1 +
				(unsigned)random_below(random, random_below(random, 4) ? 2 : 20);
		if (holes > 0 && holes--)
			continue;
		machine_map(machine, va + i * page, 0, 0x200000 + frame * page,
			    PW_READ | PW_USER |
				    attrs[random_one_in(random, 4) ? random_below(random, 3) : 0],
			    false);
	}
	machine_seal(machine);
	for (unsigned i = 0; i < 4; i++)
		check_scan(machine, va, last);
	check_scan(machine, va + page / 2, last - page / 2);
}

static void test_scattered(void **state)
{
	(void)state;
	for_all_machines(check_scattered, 2);
}

static void test_refused(void **state)
{
	struct pw_regime regime;
	const uint64_t root = 0;
	struct pw_scan *none;
	struct pw_error error;
	struct machine machine;
	const struct pw_regime_options options = { .view = PW_VIEW_HARDWARE };

	(void)state;
	assert_int_equal(pw_regime_init(&regime, pw_format_find("x86_64"), &root, 1, NULL, NULL),
			 0);
	assert_true(machine_init(&machine, pw_format_find("x86_64"), &options, 3, 1, 1));
	assert_int_equal(pw_scan_create(machine.direct, &regime, 2, 1, NULL, &none, &error),
			 -EINVAL);
	assert_non_null(strstr(error.text, "0x2"));
	machine_deinit(&machine);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scans),
		cmocka_unit_test(test_dense),
		cmocka_unit_test(test_scattered),
		cmocka_unit_test(test_refused),
	};

	mutant_choose(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
