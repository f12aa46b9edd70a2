/* SPDX-License-Identifier: MIT */
/*
 * Tables that change under their readers, on every format, for a given time: see stress.h.
 *
 *   stress [SECONDS [FORMAT [MUTANT]]]      SECONDS in all [10]; only FORMAT, or every format in turn
 *
 * The time of a format is spent in rounds, each with a new space: with another kind of reclaim, other
 * addresses, and mostly with the fewest levels that the format can begin with. After each round everything is
 * unmapped; then every byte of the arena must be free again but those of the top tables; and after the space
 * is destroyed, those, too.
 *
 * Part of the time is spent in an arena that begins at physical address 0 and is so small that memory is
 * always short; and part, if the format can grow from leaves, in rounds that only let the top grow (grow.c).
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "mutants/choose.h"
#include "stress.h"

static const char *const TALLY[TALLIES] = {
	[OP_MAP] = "map",
	[OP_MAP_LARGE] = "map-large",
	[OP_UNMAP] = "unmap",
	[OP_PROTECT] = "protect",
	[OP_PROT_NONE] = "prot-none",
	[OP_SPLIT] = "split",
	[OP_COLLAPSE] = "collapse",
	[OP_MOVE] = "move",
	[OP_SPLIT_FOLIO] = "split-folio",
	[OP_TRUNCATE] = "truncate",
	[OP_COPY] = "copy",
	[OP_GROW] = "far",
	[OP_PIN] = "pin",
	[OP_PIN_RANGES] = "pin-ranges",
	[OP_PIN_IOVEC] = "pin-iovec",
	[OP_GET] = "get",
	[OP_TRANSLATE] = "translate",
	[TALLY_PAGES] = "pages",
	[TALLY_GROWN] = "grown",
};

struct total {
	uint64_t done[TALLIES], stops[PW_STOP_REASONS];
	uint64_t operations, wrong, faults, leaks;
};

void wrong(struct stress *s, const char *what, pw_va va, pw_pa pa, uint64_t found)
{
	if (__atomic_fetch_add(&s->wrong, 1, __ATOMIC_RELAXED) < 8)
		fprintf(stderr,
			"stress: %s: %s: at 0x%" PRIx64 ", page 0x%" PRIx64 ", found 0x%" PRIx64
			", identity 0x%" PRIx64 "\n",
			s->geometry.name, what, va, pa, found, identity(s, va));
}

static uint64_t microseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* ---- one round ---- */

/* Places the slots from the first address on or, with @high, up to the last one. */
static void lay_out(struct stress *s, bool high)
{
	const struct pw_regime *regime;
	struct pw_reader *reader;
	pw_va base = 0;

	if (high && pw_reader_create(s->space, &reader) == 0) {
		regime = pw_reader_enter(reader);
		base = regime->span[regime->spans - 1].last - (SLOTS * slot_bytes(s) - 1);
		pw_reader_leave(reader);
		pw_reader_destroy(reader);
	}
	for (unsigned i = 0; i < SLOTS; i++)
		s->slot[i].first = base + i * slot_bytes(s);
	for (unsigned level = 0; level < PW_MAX_LEVELS; level++) {
		struct far *far = &s->far[level];

		far->use = level >= 2 && level < s->geometry.levels;
		if (!far->use)
			continue;
		far->va = (pw_va)1 << s->geometry.shift[level];
		/* Only outside the slots. */
		far->use = far->va - base >= SLOTS * slot_bytes(s);
	}
}

/* Checks, when nothing is mapped, that all tables are free except those at the top. */
static void check_tables(struct stress *s)
{
	const uint64_t tables = pw_space_bytes(s->space), page = page_bytes(s);
	uint64_t root[PW_MAX_ROOTS], used, most;

	pw_arena_drain(s->arena);
	used = pw_arena_bytes(s->arena) - pw_arena_free_bytes(s->arena);
	most = pw_space_bytes(s->space) > page ? pw_space_bytes(s->space) : page;
	if (used > most * pw_space_root(s->space, root))
		wrong(s, "tables are left although nothing is mapped", 0, 0, tables);
}

static int run_round(struct stress *s, unsigned number, uint64_t usec, struct total *total)
{
	static const enum pw_sync_kind sync[] = { PW_SYNC_RCU, PW_SYNC_IPI, PW_SYNC_RCU_WAIT };
	/* High addresses need all levels, and then the top cannot grow: so not often. */
	const bool high = number % 4 == 3;
	const struct pw_space_options options = {
		.sync = sync[number % 3],
		.levels = high ? s->geometry.levels : s->fewest,
	};
	struct worker worker[WORKERS] = { 0 };
	struct pw_error error;

	if (pw_space_create(s->arena, s->format, &options, &s->space, &error)) {
		fprintf(stderr, "stress: %s\n", error.text);
		return -1;
	}
	lay_out(s, high);
	__atomic_store_n(&s->stop, false, __ATOMIC_RELAXED);
	for (unsigned i = 0; i < WORKERS; i++) {
		worker[i].stress = s;
		worker[i].number = i;
		worker[i].random = (number * WORKERS + i) * UINT64_C(0x9e3779b97f4a7c15);
		if (pthread_create(&worker[i].thread, NULL,
				   i < EDITORS             ? edit
				   : i < EDITORS + PINNERS ? pin
							   : translate,
				   &worker[i]))
			abort();
	}
	usleep((useconds_t)usec);
	__atomic_store_n(&s->stop, true, __ATOMIC_RELAXED);
	for (unsigned i = 0; i < WORKERS; i++) {
		pthread_join(worker[i].thread, NULL);
		for (unsigned op = 0; op < TALLIES; op++)
			total->done[op] += worker[i].done[op];
		for (unsigned why = 0; why < PW_STOP_REASONS; why++)
			total->stops[why] += worker[i].stops[why];
	}
	unmap(s, s->slot[0].first, s->slot[SLOTS - 1].first + (slot_bytes(s) - 1));
	for (unsigned level = 0; level < PW_MAX_LEVELS; level++)
		if (s->far[level].use)
			unmap(s, s->far[level].va, s->far[level].va + (page_bytes(s) - 1));
	/* Empty tables stay until the range of an unmap covers them. */
	unmap(s, 0, ~UINT64_C(0));
	check_tables(s);
	pw_space_destroy(s->space);
	return 0;
}

/* ---- one format ---- */

static void init_zones(struct stress *s)
{
	const uint32_t half = s->window / 2, middle = s->pages / 2;
	/* Odd numbers: no table, no group and no large page ends there. */
	const uint32_t cut[ZONES + 1] = { 0, middle - half / 4 - 1, middle + half / 8 + 1,
					  middle + half / 2 + 5, s->pages };

	for (unsigned i = 0; i < SLOTS; i++) {
		for (unsigned z = 0; z < ZONES; z++) {
			struct zone *zone = &s->slot[i].zone[z];

			pthread_mutex_init(&zone->lock, NULL);
			zone->first = cut[z];
			zone->last = cut[z + 1] - 1;
		}
	}
	for (unsigned level = 0; level < PW_MAX_LEVELS; level++)
		pthread_mutex_init(&s->far[level].lock, NULL);
	pthread_mutex_init(&s->copying, NULL);
}

/* Frames of an arena in which memory is short: enough for the top tables, but not for much more. */
enum { TINY = 192 };

static int init(struct stress *s, const struct pw_format *format, bool tiny)
{
	struct pw_arena_options options = { .poison = true };
	unsigned large_lg2, table_lg2;
	struct pw_error error;

	memset(s, 0, sizeof(*s));
	s->format = format;
	/* Half a gigabyte to poison, and its shadow memory, are too much under sanitizers. */
	s->largest_lg2 = getenv("PW_TEST_QUICK") ? 25 : 29;
	pw_format_geometry(format, &s->geometry);
	large_lg2 = s->geometry.shift[1];
	table_lg2 = s->geometry.bits[0];
	s->large_order = large_lg2 - s->geometry.shift[0];
	s->large = (s->geometry.leaf_levels & 2) && large_lg2 <= s->largest_lg2 && !tiny;
	s->pages = table_lg2 < 5 ? 64 : 2u << table_lg2;
	s->window = s->pages < WINDOW ? s->pages : WINDOW;
	options.page_lg2 = s->geometry.shift[0];
	/* Aligned for the largest folio; not from 0 on, except in the tiny arena. */
	options.base = s->base = tiny ? 0 : (pw_pa)1 << s->largest_lg2;
	/* For the windows, some tables and few large folios: so allocations fail, too. */
	options.bytes = (uint64_t)(tiny ? TINY : SLOTS * s->window + 1024) << options.page_lg2;
	if (s->large)
		options.bytes += (uint64_t)(large_lg2 > 24 ? 2 : 4) << large_lg2;
	if (pw_arena_create(&options, &s->arena, &error)) {
		fprintf(stderr, "stress: %s\n", error.text);
		return -1;
	}
	for (s->fewest = 1; s->fewest < s->geometry.levels; s->fewest++) {
		const struct pw_space_options shallow = { .levels = s->fewest };

		if (pw_space_create(s->arena, format, &shallow, &s->space, &error) == 0) {
			pw_space_destroy(s->space);
			break;
		}
	}
	init_zones(s);
	return 0;
}

static void deinit(struct stress *s)
{
	for (unsigned i = 0; i < SLOTS; i++)
		for (unsigned z = 0; z < ZONES; z++)
			pthread_mutex_destroy(&s->slot[i].zone[z].lock);
	for (unsigned level = 0; level < PW_MAX_LEVELS; level++)
		pthread_mutex_destroy(&s->far[level].lock);
	pthread_mutex_destroy(&s->copying);
	pw_arena_destroy(s->arena);
}

static void print(const char *name, const struct total *total)
{
	printf("%-18s", name);
	for (unsigned i = 0; i < TALLIES; i++)
		printf(" %s %" PRIu64, TALLY[i], total->done[i]);
	printf("; stops:");
	for (unsigned why = 0; why < PW_STOP_REASONS; why++)
		if (total->stops[why])
			printf(" %s %" PRIu64, pw_stop_name(why), total->stops[why]);
	printf("; wrong %" PRIu64 ", faults %" PRIu64 ", leaked %" PRIu64 " bytes\n", total->wrong,
	       total->faults, total->leaks);
	fflush(stdout);
}

/* Prints pages that are not free and should be. */
static void print_leaks(const struct stress *s, unsigned number, uint64_t leaks)
{
	struct pw_folio_info info;
	pw_pa pa = s->base;

	fprintf(stderr, "stress: %s: round %u: 0x%" PRIx64 " bytes are not free\n",
		s->geometry.name, number, leaks);
	for (unsigned printed = 0; printed < 20 && words(s, pa); pa += page_bytes(s)) {
		if (!pw_folio_info(s->arena, pa, &info) || pa == pw_arena_zero_page(s->arena))
			continue;
		fprintf(stderr,
			"  page 0x%" PRIx64 ": order %u, %u references, %u pins, kind %u, holds "
			"0x%" PRIx64 "\n",
			pa, info.order, info.references, info.pins, (unsigned)info.kind,
			*words(s, pa));
		printed++;
	}
}

static uint64_t leaks_of(struct stress *s)
{
	return pw_arena_bytes(s->arena) - pw_arena_free_bytes(s->arena);
}

/* Runs rounds in one arena, for @usec. */
static int stress_arena(const struct pw_format *format, bool tiny, uint64_t usec,
			struct total *total)
{
	enum { ROUND_USEC = 200000, GROWING_USEC = 50000, FEWEST_ROUNDS = 3 };
	const uint64_t start = microseconds();
	struct pw_arena_faults faults;
	struct stress s;
	uint64_t each;
	int result;

	result = init(&s, format, tiny);
	if (result)
		return result;
	/* Growing takes a fifth of the time. */
	for (unsigned number = 0; grows_from_leaves(&s) && microseconds() - start < usec / 5;
	     number++) {
		total->done[TALLY_PAGES] += grow_once(&s, number);
		total->done[TALLY_GROWN]++;
	}
	/* Rounds are short if the top can grow, because it does so once per level and round. */
	each = s.fewest < s.geometry.levels ? GROWING_USEC : ROUND_USEC;
	each = usec / FEWEST_ROUNDS < each ? usec / FEWEST_ROUNDS : each;
	for (unsigned number = 0;
	     !result && (number < FEWEST_ROUNDS || microseconds() - start < usec); number++) {
		result = run_round(&s, number, each, total);
		if (leaks_of(&s) == total->leaks)
			continue;
		total->leaks = leaks_of(&s);
		print_leaks(&s, number, total->leaks);
	}
	pw_arena_faults(s.arena, &faults);
	total->faults += faults.underflows + faults.written_after_free;
	total->wrong += s.wrong;
	deinit(&s);
	return result;
}

static int stress_format(const struct pw_format *format, uint64_t usec, struct total *all)
{
	struct total total = { 0 }, tiny = { 0 };
	struct pw_geometry geometry;
	int result = stress_arena(format, false, usec / 4 * 3, &total);

	if (!result)
		result = stress_arena(format, true, usec / 4, &tiny);
	for (unsigned i = 0; i < TALLIES; i++)
		total.done[i] += tiny.done[i];
	for (unsigned why = 0; why < PW_STOP_REASONS; why++)
		total.stops[why] += tiny.stops[why];
	total.faults += tiny.faults;
	total.wrong += tiny.wrong;
	total.leaks += tiny.leaks;
	pw_format_geometry(format, &geometry);
	print(geometry.name, &total);
	for (unsigned i = 0; i < OPERATIONS; i++)
		all->operations += total.done[i];
	all->wrong += total.wrong;
	all->faults += total.faults;
	all->leaks += total.leaks;
	return result;
}

int main(int argc, char **argv)
{
	double seconds = argc > 1 ? strtod(argv[1], NULL) : 10;
	const struct pw_format *format, *only = NULL;
	struct total all = { 0 };
	size_t formats = 0;
	bool failed = false;

	mutant_choose(argc - 2, argv + 2);
	delay_moments();
	if (argc > 2 && *argv[2]) {
		only = pw_format_find(argv[2]);
		if (!only || !pw_format_can_edit(only)) {
			fprintf(stderr,
				"stress: there is no format %s whose tables can be edited\n",
				argv[2]);
			return 2;
		}
	}
	if (!(seconds > 0 && seconds < 1e6)) {
		fprintf(stderr,
			"stress: the number of seconds must be above 0 and below 1000000\n");
		return 2;
	}
	for (size_t i = 0; (format = pw_format_at(i)); i++)
		formats += only ? format == only : pw_format_can_edit(format);
	/* Ends a hang. */
	alarm((unsigned)seconds * 2 + 300);
	for (size_t i = 0; (format = pw_format_at(i)); i++)
		if (only ? format == only : pw_format_can_edit(format))
			failed |= stress_format(format, (uint64_t)(seconds * 1e6 / (double)formats),
						&all) != 0;
	printf("operations: %" PRIu64 " on %zu formats\nfaults: %" PRIu64 "\n", all.operations,
	       formats, all.faults);
	printf("wrong pages: %" PRIu64 "\nleaks: %" PRIu64 "\n", all.wrong, all.leaks);
	return failed || all.wrong || all.faults || all.leaks;
}
