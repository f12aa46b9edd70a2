/* SPDX-License-Identifier: MIT */
/*
 * Editing, compared with an array of expected mappings: random operations for every format that can be
 * built, in units of every level, at the bottom, across the middle and at the very end of its space.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "space/edit.h"
#include "walk/instance.h"

/* The expected state of one unit of the window. */
struct expected {
	enum pw_status status;
	pw_pa pa;
	uint32_t attr;
};

/* One run: a format, a level whose entries are the units, a window of a few tables of that level. */
struct run {
	const struct pw_format *format;
	struct pw_arena *arena;
	struct pw_space *space;
	struct pw_reader *reader;
	unsigned unit_lg2;
	pw_va base;
	uint32_t units;
	pw_pa limit; /* end of the physical addresses that entries can hold */
	struct expected *unit;
	uint64_t state;
};

static uint32_t below(struct run *run, uint32_t limit)
{
	run->state = run->state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)((run->state >> 33) % limit);
}

static pw_va unit_va(const struct run *run, uint32_t unit)
{
	return run->base + ((pw_va)unit << run->unit_lg2);
}

/* The permissions that a leaf of that level has if it is made with @attr. */
static uint32_t as_made(const struct run *run, const struct pw_regime *r, unsigned level,
			uint32_t attr)
{
	const struct pw_format *f = run->format;

	return pw_attr_settle(f->attr(f, r, level, f->make_leaf(f, r, level, 0, attr)),
			      PW_KEEP_ALL) &
	       PW_PROT_MASK;
}

static void check_unit(struct run *run, uint32_t n)
{
	const struct expected *want = &run->unit[n];
	const struct pw_regime *r = pw_reader_enter(run->reader);
	const pw_va offset[] = { 0, pw_mask(run->unit_lg2), 0x1238 & pw_mask(run->unit_lg2) };

	for (unsigned i = 0; i < 3; i++) {
		struct pw_result result;

		pw_translate(pw_arena_memory(run->arena), r, unit_va(run, n) + offset[i], &result);
		if (result.status != want->status ||
		    (want->status != PW_NONE && result.pa != want->pa + offset[i]) ||
		    (want->status == PW_OK &&
		     (result.attr & PW_PROT_MASK) != as_made(run, r, result.level, want->attr))) {
			print_error("%s, unit 2^%u: 0x%llx is %s 0x%llx (entry 0x%llx, attributes "
				    "0x%x), should be %s 0x%llx (0x%x)\n",
				    run->format->name, run->unit_lg2, (unsigned long long)result.va,
				    pw_status_name(result.status), (unsigned long long)result.pa,
				    (unsigned long long)result.entry, result.attr,
				    pw_status_name(want->status),
				    (unsigned long long)(want->pa + offset[i]), want->attr);
			fail();
		}
	}
	pw_reader_leave(run->reader);
}

static void check_all(struct run *run)
{
	for (uint32_t n = 0; n < run->units; n++)
		check_unit(run, n);
}

/* Can an entry hold this physical address? */
static bool can_hold(const struct run *run, pw_pa pa)
{
	const struct pw_format *f = run->format;
	const struct pw_regime *r = run->space->now;

	pa &= ~pw_mask(f->shift[0]);
	return f->page(f, r, 0, f->make_leaf(f, r, 0, pa, PW_READ | PW_ACCESSED)) == pa;
}

/* Chooses a physical range for @units units, now and then aligned so that large pages fit. */
static pw_pa choose_pa(struct run *run, uint32_t first, uint32_t units)
{
	pw_pa bytes = (pw_pa)units << run->unit_lg2, pa;

	if (below(run, 2)) /* congruent to the virtual address */
		pa = unit_va(run, first) & (run->limit - 1);
	else
		pa = ((pw_pa)below(run, 1u << 30) << run->unit_lg2) & (run->limit - 1);
	return pa > run->limit - bytes ? run->limit - bytes : pa;
}

/* The runs that unmap reports are compared with the array. */
struct gone {
	struct run *run;
	uint32_t next;
	bool right;
};

static void note_gone(void *context, pw_va first, pw_va last, pw_pa pa)
{
	struct gone *gone = context;
	struct run *run = gone->run;

	for (pw_va va = first; gone->right; va += (pw_va)1 << run->unit_lg2) {
		uint32_t n = (uint32_t)((va - run->base) >> run->unit_lg2);

		gone->right = n >= gone->next && n < run->units && run->unit[n].status != PW_NONE &&
			      run->unit[n].pa == pa + (va - first);
		gone->next = n + 1;
		if ((va | pw_mask(run->unit_lg2)) == last)
			break;
	}
}

static const uint32_t PROTS[] = {
	PW_READ | PW_USER,           PW_READ | PW_WRITE | PW_USER,
	PW_READ | PW_EXEC | PW_USER, PW_READ | PW_WRITE | PW_EXEC | PW_USER,
	PW_READ | PW_WRITE,
};

static void one_operation(struct run *run)
{
	uint32_t first = below(run, run->units), units = 1 + below(run, 1u << below(run, 17));
	uint32_t attr = PROTS[below(run, 5)] | PW_ACCESSED | PW_DIRTY;
	uint32_t what = below(run, 10);
	struct gone gone = { .run = run, .next = 0, .right = true };
	bool has_none = run->format->make_prot_none && !run->format->linux_twin, taken = false;
	struct pw_error error = { "" };
	pw_va va, last;
	pw_pa pa;
	int code;

	units = units > run->units - first ? run->units - first : units;
	va = unit_va(run, first);
	last = va + ((pw_va)units << run->unit_lg2) - 1;
	switch (what) {
	case 0 ... 3:
		pa = choose_pa(run, first, units);
		for (uint32_t n = first; n < first + units; n++)
			taken |= run->unit[n].status != PW_NONE;
		code = pw_space_map(run->space, va, last, pa, attr, &error);
		if (code != (taken ? -EEXIST : 0))
			fail_msg("%s: map 0x%llx-0x%llx: %d %s", run->format->name,
				 (unsigned long long)va, (unsigned long long)last, code,
				 error.text);
		for (uint32_t n = first; n < first + units && !taken; n++)
			run->unit[n] = (struct expected){
				PW_OK, pa + ((pw_pa)(n - first) << run->unit_lg2), attr
			};
		break;
	case 4 ... 5:
		code = pw_space_unmap(run->space, va, last, what == 4 ? note_gone : NULL, &gone,
				      &error);
		if (code || !gone.right)
			fail_msg("%s: unmap 0x%llx-0x%llx: %d %s", run->format->name,
				 (unsigned long long)va, (unsigned long long)last, code,
				 error.text);
		for (uint32_t n = first; n < first + units; n++)
			run->unit[n] = (struct expected){ PW_NONE, 0, 0 };
		break;
	case 6 ... 7:
		if (has_none && below(run, 4) == 0)
			attr = 0;
		assert_int_equal(pw_space_protect(run->space, va, last, attr, &error), 0);
		for (uint32_t n = first; n < first + units; n++) {
			if (run->unit[n].status == PW_NONE)
				continue;
			run->unit[n].status = attr ? PW_OK : PW_PROT_NONE;
			run->unit[n].attr = attr;
		}
		break;
	case 8:
		assert_int_equal(pw_space_split(run->space, va, last, run->unit_lg2, &error), 0);
		break;
	default:
		assert_int_equal(pw_space_collapse(run->space, va, last, 64, NULL, &error), 0);
		break;
	}
}

/* Runs random operations in a window at the start (@where 0), the middle (1) or the end (2) of the space. */
static void run_window(const struct pw_format *format, unsigned level, unsigned where,
		       unsigned operations)
{
	const struct pw_arena_options options = {
		.bytes = UINT64_C(16384) << format->shift[0],
		.page_lg2 = format->shift[0],
	};
	/* As deep as possible, so that the window can be anywhere. Other tests let the top grow. */
	const struct pw_space_options deep = { .levels = format->levels, .sync = PW_SYNC_RCU };
	struct run run = { .format = format,
			   .unit_lg2 = format->shift[level],
			   .state = 88172645463325252u };
	const struct pw_span *span;
	pw_va end;

	run.units = 3u << format->bits[level];
	assert_int_equal(pw_arena_create(&options, &run.arena, NULL), 0);
	assert_int_equal(pw_space_create(run.arena, format, &deep, &run.space, NULL), 0);
	assert_int_equal(pw_reader_create(run.space, &run.reader), 0);
	run.unit = calloc(run.units, sizeof(*run.unit));
	assert_non_null(run.unit);
	for (uint32_t n = 0; n < run.units; n++)
		run.unit[n].status = PW_NONE;
	span = &run.space->now->span[where == 2 ? run.space->now->spans - 1 : 0];
	end = (pw_va)run.units << run.unit_lg2;
	run.limit = UINT64_C(1) << (format->shift[0] + 19);
	while (run.limit < end)
		run.limit <<= 1;
	while (!can_hold(&run, run.limit - 1))
		run.limit >>= 1;
	while (end > run.limit) {
		run.units /= 2;
		end = (pw_va)run.units << run.unit_lg2;
	}
	if (end - 1 > span->last - span->first) /* the whole of a small space */
		run.units = (uint32_t)((span->last - span->first) >> run.unit_lg2) + 1;
	end = (pw_va)run.units << run.unit_lg2;
	run.base = where == 0 ? span->first : span->last - (end - 1);
	if (where == 1) {
		run.base = span->first + (span->last - span->first) / 2 + 1 - end / 2;
		run.base &= ~pw_mask(run.unit_lg2);
	}
	for (unsigned i = 0; i < operations; i++) {
		one_operation(&run);
		for (unsigned n = 0; n < 16; n++)
			check_unit(&run, below(&run, run.units));
		if (i % 32 == 31)
			check_all(&run);
	}
	check_all(&run);
	assert_int_equal(
		pw_space_unmap(run.space, run.base, run.base + (end - 1), NULL, NULL, NULL), 0);
	for (uint32_t n = 0; n < run.units; n++)
		run.unit[n] = (struct expected){ PW_NONE, 0, 0 };
	check_all(&run);
	free(run.unit);
	pw_reader_destroy(run.reader);
	pw_space_destroy(run.space);
	assert_int_equal(pw_arena_free_bytes(run.arena), pw_arena_bytes(run.arena));
	pw_arena_destroy(run.arena);
}

static void test_random(void **state)
{
	const struct pw_format *format;
	unsigned operations = getenv("PW_TEST_QUICK") ? 40 : 160;

	(void)state;
	for (size_t i = 0; (format = pw_format_at(i)); i++) {
		if (!format->instance->editor)
			continue;
		/* Only units that one entry can map; others would need millions of entries. */
		for (unsigned level = 0;
		     level + 1 < format->levels && format->leaf_levels >> level & 1; level++)
			for (unsigned where = 0; where < 3; where++)
				run_window(format, level, where, operations);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
