/* SPDX-License-Identifier: MIT */
/* The cases of the folding benchmark: every style and depth; short and long ranges, across and inside. */
#ifndef BENCH_FOLD_CASES_H
#define BENCH_FOLD_CASES_H

#include "lab/fold/fold.h"
#include "lab/fold/strategy.h"

/* The place of a range among the entries of the real top table. */
enum cell_where {
	CELL_INSIDE, /* in the middle of one entry */
	CELL_ACROSS, /* centred where two entries meet */
	CELL_EMPTY, /* over empty entries; only for pagewalk */
};

struct cell_range {
	enum cell_where where;
	uint64_t count; /* number of pages; for an empty range, of top entries */
	pw_va first, last;
};

enum { CELL_RANGES = 16 };

/* A style, a depth, and tables that map the pages of the ranges, and nothing else. */
struct cell_case {
	const struct fold_style *style;
	const struct pw_format *format;
	unsigned levels;
	struct cell_range range[CELL_RANGES];
	unsigned ranges;
	struct fold_tables *tables;
	struct fold_input input;
	struct pw_regime regime;
	const unsigned char *ram; /* the place of physical address 0 */
};

/* Makes case @index, which cell_case_end releases; false if there is none. */
bool cell_case_at(size_t index, struct cell_case *c);
void cell_case_end(struct cell_case *c);

/* "inside", "across", "empty". */
const char *cell_where_name(enum cell_where where);

/*
 * The library's own calls on the same range, as a program would make them: they also work out
 * permissions and memory types. They return the same as fold_lean_fn.
 */
size_t fold_lean_library_walk(const struct cell_case *c, pw_va first, pw_va last, bool stop_at_hole,
			      pw_pa *page);
size_t fold_lean_library_scan(const struct cell_case *c, pw_va first, pw_va last, pw_pa *page);

#endif
