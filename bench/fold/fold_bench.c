/* SPDX-License-Identifier: MIT */
/*
 * Counts the costs of the folding strategies, in numbers that are the same on every run. report.py combines
 * the two halves:
 *
 *   fold_bench count   walks every cell observed, prints turns and loads as JSON, one cell a line;
 *                      and compares every page that the lean forms find with the oracle
 *   fold_bench run     walks every cell by the lean forms, under callgrind, which counts only
 *                      inside fold_lean_* and dumps after each walk
 *
 * A cell is a style and depth, a range, a kind of walk and a strategy; its name is a path of these.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <valgrind/callgrind.h>

#include "cases.h"

enum { MOST_PAGES = 65536 };
/* fold_run() asks the oracle for every page of a range, mapped or not. */
static const uint64_t MOST_OBSERVED = UINT64_C(1) << 19;

enum walker { WALKER_B, WALKER_C, WALKER_D, WALKER_E, WALKER_WALK, WALKER_SCAN, WALKERS };

struct cell {
	const struct cell_case *c;
	const struct cell_range *range;
	enum fold_walk_kind kind;
	enum walker walker;
	const struct fold_lean_case *lean;
};

static const char *walker_name(enum walker walker)
{
	static const char *const name[] = { "b", "c", "d", "e", "pw_walk_range", "pw_scan" };

	return name[walker];
}

static void cell_name(const struct cell *cell, char name[160])
{
	snprintf(name, 160, "%s/%s/%u/%s/%s/%" PRIu64 "/%s", cell->c->style->format,
		 cell->c->style->name, cell->c->levels,
		 cell->kind == FOLD_FAST ? "fast" : "pagewalk", cell_where_name(cell->range->where),
		 cell->range->count, walker_name(cell->walker));
}

static size_t walk(const struct cell *cell, pw_pa *page)
{
	const struct cell_range *range = cell->range;
	const struct fold_lean lean = { &cell->c->regime, cell->c->ram, page };

	switch (cell->walker) {
	case WALKER_WALK:
		return fold_lean_library_walk(cell->c, range->first, range->last,
					      cell->kind == FOLD_FAST, page);
	case WALKER_SCAN:
		return fold_lean_library_scan(cell->c, range->first, range->last, page);
	default:
		return (cell->kind == FOLD_FAST ? cell->lean->fast : cell->lean->pagewalk)(
			&lean, range->first, range->last + 1);
	}
}

/* The right pages, in order, and no others. */
static void check(const struct cell *cell, const pw_pa *page, size_t found)
{
	const struct fold_oracle *oracle = cell->c->input.oracle;
	uint64_t expected = cell->range->where == CELL_EMPTY ? 0 : cell->range->count;
	unsigned shift = cell->c->format->shift[0];
	char name[160];
	pw_pa right;

	cell_name(cell, name);
	if (found != expected) {
		fprintf(stderr, "fold_bench: %s found %zu pages, not %" PRIu64 "\n", name, found,
			expected);
		exit(1);
	}
	for (size_t i = 0; i < found; i++) {
		pw_va va = cell->range->first + ((pw_va)i << shift);

		if (oracle->page(oracle, va, &right) && right == page[i])
			continue;
		fprintf(stderr, "fold_bench: %s took the wrong page for 0x%" PRIx64 "\n", name, va);
		exit(1);
	}
}

static void print_turns(const struct fold_result *result)
{
	printf(",\"turns\":{");
	for (unsigned level = FOLD_LEVELS; level-- > 0;)
		printf("\"%s\":%" PRIu64 "%s", fold_level_name(level), result->turns_of[level],
		       level > 0 ? "," : "}");
	printf(",\"loads\":%" PRIu64 ",\"stack_loads\":%" PRIu64, result->loads,
	       result->stack_loads);
}

static void count(const struct cell *cell, pw_pa *page)
{
	static const enum fold_strategy strategy[] = { FOLD_B, FOLD_C, FOLD_D, FOLD_E };
	const struct cell_range *range = cell->range;
	struct fold_input input = cell->c->input;
	struct fold_result *result;
	struct pw_error error;
	char name[160];

	check(cell, page, walk(cell, page));
	cell_name(cell, name);
	printf("{\"cell\":\"%s\",\"first\":\"0x%" PRIx64 "\",\"last\":\"0x%" PRIx64 "\"", name,
	       range->first, range->last);
	input.first = range->first;
	input.last = range->last;
	input.walk = cell->kind;
	if (cell->walker <= WALKER_E &&
	    (range->last - range->first) >> cell->c->format->shift[0] < MOST_OBSERVED) {
		if (fold_run(&input, strategy[cell->walker], &result, &error)) {
			fprintf(stderr, "fold_bench: %s: %s\n", name, error.text);
			exit(1);
		}
		print_turns(result);
		fold_result_destroy(result);
	}
	printf("}\n");
}

static void run(const struct cell *cell, pw_pa *page)
{
	char name[160];

	cell_name(cell, name);
	CALLGRIND_ZERO_STATS;
	(void)walk(cell, page);
	CALLGRIND_DUMP_STATS_AT(name);
}

/* An empty range stops a fast walk at once; a scan has no fast form. */
static bool applies(const struct cell *cell)
{
	if (cell->kind == FOLD_FAST && cell->range->where == CELL_EMPTY)
		return false;
	if (cell->walker == WALKER_SCAN)
		return cell->kind == FOLD_PAGEWALK;
	return cell->walker == WALKER_WALK || cell->lean;
}

static void each_cell(const struct cell_case *c, void (*call)(const struct cell *cell, pw_pa *page))
{
	static const enum fold_strategy strategy[] = { FOLD_B, FOLD_C, FOLD_D, FOLD_E };
	static pw_pa page[MOST_PAGES];

	for (unsigned i = 0; i < c->ranges; i++)
		for (unsigned kind = FOLD_FAST; kind <= FOLD_PAGEWALK; kind++)
			for (unsigned walker = 0; walker < WALKERS; walker++) {
				struct cell cell = { c, &c->range[i], (enum fold_walk_kind)kind,
						     (enum walker)walker, NULL };

				if (walker <= WALKER_E)
					cell.lean = fold_lean_find(c->style->format, c->style->name,
								   strategy[walker]);
				if (applies(&cell))
					call(&cell, page);
			}
}

int main(int argc, char **argv)
{
	bool counting = argc == 2 && strcmp(argv[1], "count") == 0;
	struct cell_case c;

	if (!counting && !(argc == 2 && strcmp(argv[1], "run") == 0)) {
		fprintf(stderr, "usage: fold_bench count|run; `make bench-fold' does both\n");
		return 2;
	}
	if (!counting && !RUNNING_ON_VALGRIND) {
		fprintf(stderr,
			"fold_bench: `run' counts under callgrind; try `make bench-fold'\n");
		return 2;
	}
	for (size_t i = 0; cell_case_at(i, &c); i++) {
		/* Tables are built at full speed, without counting. */
		if (!counting)
			CALLGRIND_START_INSTRUMENTATION;
		each_cell(&c, counting ? count : run);
		if (!counting)
			CALLGRIND_STOP_INSTRUMENTATION;
		cell_case_end(&c);
	}
	return 0;
}
