/* SPDX-License-Identifier: MIT */
/*
 * Pins, and their release, beside an atomic add for each folio (the floor), a lock with a plain walk,
 * and the host kernel. After each run, its pages and all counts are checked.
 */
#include "pin.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cases.h"

static const struct bench_columns pin_columns = {
	.title = "pins, pages to a call",
	.floor = "atomic",
	.rival = { "rwlock", "io_uring" },
};

static struct bench_pins *pins_of(const struct bench_work *work)
{
	return work->own;
}

/* ---- what is right ---- */

static void wrong(const char *what, size_t at, uint64_t is, uint64_t should)
{
	fprintf(stderr, "bench: pins: %s %zu is %#" PRIx64 ", not %#" PRIx64 "\n", what, at, is,
		should);
	exit(1);
}

/* Has each folio the caller's own reference and @times pins? */
static void check_counts(const struct bench_pins *pins, uint64_t times)
{
	uint64_t expected = 1 + times * bench_pin_counts(pins);

	for (size_t i = 0; i < pins->folios; i++)
		if (pins->arena->frame[pins->frame[i]].counts != expected)
			wrong("count", i, pins->arena->frame[pins->frame[i]].counts, expected);
}

static void forget_pages(const struct bench_work *work)
{
	struct bench_pins *pins = pins_of(work);

	memset(pins->page, 0, pins->pages * sizeof(*pins->page));
	memset(pins->range, 0, pins->folios * sizeof(*pins->range));
}

static void check_pages(const struct bench_pins *pins)
{
	const uint64_t bytes = UINT64_C(4096) << pins->order;

	for (size_t i = 0; i < pins->folios; i++) {
		pw_pa pa = pw_arena_pa(pins->arena, pins->frame[i]);

		if (pins->order == 0 && pins->page[i] != pa)
			wrong("page", i, pins->page[i], pa);
		if (pins->order > 0 && (pins->range[i].pa != pa || pins->range[i].bytes != bytes))
			wrong("range", i, pins->range[i].pa, pa);
	}
}

static void add_all(struct bench_pins *pins, uint64_t add)
{
	for (size_t i = 0; i < pins->folios; i++)
		__atomic_fetch_add(&pins->arena->frame[pins->frame[i]].counts, add,
				   __ATOMIC_SEQ_CST);
}

static void check_pinned(const struct bench_work *work)
{
	struct bench_pins *pins = pins_of(work);

	check_counts(pins, work->passes);
	add_all(pins, -(work->passes * bench_pin_counts(pins)));
}

static void check_pinned_pages(const struct bench_work *work)
{
	check_pages(pins_of(work));
	check_pinned(work);
}

static void pin_all(const struct bench_work *work)
{
	struct bench_pins *pins = pins_of(work);

	add_all(pins, work->passes * bench_pin_counts(pins));
	for (size_t i = 0; i < pins->folios; i++) {
		pw_pa pa = pw_arena_pa(pins->arena, pins->frame[i]);

		if (pins->order == 0)
			pins->page[i] = pa;
		pins->range[i] = (struct pw_pinned){ pa, UINT64_C(4096) << pins->order };
	}
}

static void check_unpinned(const struct bench_work *work)
{
	struct pw_arena_faults faults;

	check_counts(pins_of(work), 0);
	pw_arena_faults(pins_of(work)->arena, &faults);
	if (faults.underflows)
		wrong("number of refused releases,", 0, faults.underflows, 0);
}

/* ---- contenders ---- */

static uint64_t ours_pin(const struct bench_work *work)
{
	struct bench_pins *pins = pins_of(work);
	uint64_t came = 0;

	for (unsigned pass = 0; pass < work->passes; pass++)
		for (size_t at = 0; at < pins->pages; at += pins->call)
			came += (uint64_t)pw_pin_fast(pins->reader, BENCH_PIN_VA + (at << 12),
						      pins->call, PW_PIN_WRITE, pins->page + at,
						      NULL);
	return came;
}

static uint64_t ours_pin_ranges(const struct bench_work *work)
{
	struct bench_pins *pins = pins_of(work);
	const size_t room = pins->call >> pins->order;
	uint64_t bytes = 0;

	for (unsigned pass = 0; pass < work->passes; pass++)
		for (size_t at = 0; at < pins->pages; at += pins->call) {
			uint64_t came;

			pw_pin_fast_ranges(pins->reader, BENCH_PIN_VA + (at << 12),
					   pins->call << 12, PW_PIN_WRITE,
					   pins->range + (at >> pins->order), room, &came, NULL);
			bytes += came;
		}
	return bytes >> 12;
}

static uint64_t ours_unpin(const struct bench_work *work)
{
	struct bench_pins *pins = pins_of(work);

	for (unsigned pass = 0; pass < work->passes; pass++)
		for (size_t at = 0; at < pins->pages; at += pins->call)
			pw_unpin_pages(pins->reader, pins->page + at, pins->call, PW_PIN_WRITE,
				       false);
	return pins->pages * work->passes;
}

static uint64_t ours_unpin_ranges(const struct bench_work *work)
{
	struct bench_pins *pins = pins_of(work);
	const size_t ranges = pins->call >> pins->order;

	for (unsigned pass = 0; pass < work->passes; pass++)
		for (size_t at = 0; at < pins->folios; at += ranges)
			pw_unpin_ranges(pins->reader, pins->range + at, ranges, PW_PIN_WRITE,
					false);
	return pins->pages * work->passes;
}

static uint64_t atomics(const struct bench_work *work, uint64_t add)
{
	struct bench_pins *pins = pins_of(work);

	for (unsigned pass = 0; pass < work->passes; pass++)
		add_all(pins, add);
	return pins->pages * work->passes;
}

static uint64_t floor_pin(const struct bench_work *work)
{
	return atomics(work, bench_pin_counts(pins_of(work)));
}

static uint64_t floor_unpin(const struct bench_work *work)
{
	return atomics(work, -bench_pin_counts(pins_of(work)));
}

static uint64_t locked_pin(const struct bench_work *work)
{
	struct bench_pins *pins = pins_of(work);
	uint64_t came = 0;

	for (unsigned pass = 0; pass < work->passes; pass++)
		for (size_t at = 0; at < pins->pages; at += pins->call)
			came += bench_locked_pin(pins, BENCH_PIN_VA + (at << 12), pins->call,
						 pins->page + at,
						 pins->range + (at >> pins->order));
	return came;
}

static uint64_t kernel_pin(const struct bench_work *work)
{
	return bench_uring_pin(pins_of(work)->uring);
}

static uint64_t kernel_unpin(const struct bench_work *work)
{
	return bench_uring_unpin(pins_of(work)->uring);
}

static void kernel_pin_untimed(const struct bench_work *work)
{
	bench_uring_pin(pins_of(work)->uring);
}

static void kernel_unpin_untimed(const struct bench_work *work)
{
	bench_uring_unpin(pins_of(work)->uring);
}

/* ---- cases ---- */

static void add(struct bench_case *c, const char *name, unsigned passes,
		uint64_t (*run)(const struct bench_work *),
		void (*before)(const struct bench_work *), void (*after)(const struct bench_work *))
{
	struct bench_contender *contender = bench_case_add(c, name, run, c->units);

	contender->passes = passes;
	contender->before = before;
	contender->after = after;
}

static void add_kernel(struct bench_case *c, const char *absent,
		       uint64_t (*run)(const struct bench_work *),
		       void (*before)(const struct bench_work *),
		       void (*after)(const struct bench_work *))
{
	add(c, "io_uring", 1, run, before, after);
	c->contender[c->contenders - 1].absent = absent;
}

/* The goal for pins of base pages, as a ratio to the floor. Entering and leaving are shared by the pages of a call. */
static double base_page_goal(size_t call)
{
	return call == 1 ? 3 : call < 512 ? 1.5 : 1.3;
}

static void pin_and_unpin(const char *pin_name, const char *unpin_name, unsigned order,
			  size_t pages, size_t call)
{
	/* Enough passes to hide the clock's own time; pages that are pinned can be pinned again. */
	const unsigned passes = order > 0 ? 128 : pages > 4096 ? 1 : 4;
	const char *absent = NULL;
	struct bench_pins pins;
	struct bench_case c = {
		.name = pin_name,
		.unit = "page",
		.columns = &pin_columns,
		.goal = order == 0 ? base_page_goal(call) : 0,
		.goal_ns = order > 0 ? 0.1 : 0,
		.units = pages,
		.work = { .own = &pins },
	};

	bench_pins_create(&pins, order, pages, call, PW_SYNC_RCU);
	pins.uring = bench_uring_create(pages, call, order > 0, &absent);
	add(&c, "pagewalk", passes, order > 0 ? ours_pin_ranges : ours_pin, forget_pages,
	    check_pinned_pages);
	add(&c, "floor", passes, floor_pin, NULL, check_pinned);
	add(&c, "rwlock", passes, locked_pin, forget_pages, check_pinned_pages);
	add_kernel(&c, absent, kernel_pin, NULL, kernel_unpin_untimed);
	bench_case_run(&c);

	c.name = unpin_name;
	c.goal = c.goal_ns = 0;
	c.contenders = 0;
	add(&c, "pagewalk", passes, order > 0 ? ours_unpin_ranges : ours_unpin, pin_all,
	    check_unpinned);
	add(&c, "floor", passes, floor_unpin, pin_all, check_unpinned);
	add_kernel(&c, absent, kernel_unpin, kernel_pin_untimed, NULL);
	bench_case_run(&c);

	bench_uring_destroy(pins.uring);
	bench_pins_destroy(&pins);
}

void bench_pin(void)
{
	pin_and_unpin("pin-4k-1", "unpin-4k-1", 0, 4096, 1);
	pin_and_unpin("pin-4k-16", "unpin-4k-16", 0, 4096, 16);
	pin_and_unpin("pin-4k-512", "unpin-4k-512", 0, 4096, 512);
	pin_and_unpin("pin-4k-65536", "unpin-4k-65536", 0, 65536, 65536);
	pin_and_unpin("pin-2m-512", "unpin-2m-512", 9, 65536, 512);
	pin_and_unpin("pin-2m-65536", "unpin-2m-65536", 9, 65536, 65536);
}
