/* SPDX-License-Identifier: MIT */
/*
 * The differences between the strategies. Each has a file: strategy_a.c ... strategy_e.c.
 *
 * Each exists twice. Observed: for any format and style at run time. Lean: compiled for constant formats
 * and styles, without provenance, log or checks, to measure the code that a kernel would run.
 */
#ifndef LAB_STRATEGY_H
#define LAB_STRATEGY_H

#include "lab/fold/kernel.h"

/* The argument that one level's loop passes to the next in the fast walk. */
enum fold_pass {
	FOLD_PASS_COPY, /* the value; the pointer is made from the copy */
	FOLD_PASS_BOTH, /* pointer and value */
	FOLD_PASS_BOTH_2020, /* likewise, but copies at every level that is folded statically */
};

struct fold_plan {
	enum fold_pass pass;
	bool fast_value_ends; /* pXd_addr_end looks at the entry: in the fast walk */
	bool walk_value_ends; /* in pagewalk */
};

static const struct fold_plan fold_plan_a = { .pass = FOLD_PASS_COPY };
static const struct fold_plan fold_plan_b = { .pass = FOLD_PASS_COPY, .fast_value_ends = true };
static const struct fold_plan fold_plan_c = {
	.pass = FOLD_PASS_COPY,
	.fast_value_ends = true,
	.walk_value_ends = true,
};
static const struct fold_plan fold_plan_d = { .pass = FOLD_PASS_BOTH };
static const struct fold_plan fold_plan_d2020 = { .pass = FOLD_PASS_BOTH_2020 };

/* ---- observed ---- */

/* Walks addr..end-1; everything goes to w->observer. Fast: false if it stopped. */
typedef bool fold_observed_fn(const struct fold_config *config, struct fold_walk *walk,
			      enum fold_walk_kind kind, pw_va addr, pw_va end);

fold_observed_fn fold_observed_a, fold_observed_b, fold_observed_c, fold_observed_d,
	fold_observed_d2020, fold_observed_e;

/* ---- lean: a library of its own, for tests and benchmarks ---- */

/*
 * Walks addr..end-1 (end 0: 2^64), of whole base pages; writes the address of each page found to
 * lean->page[] and returns their number. The fast walk stops at the first hole, pagewalk skips holes.
 */
struct fold_lean {
	const struct pw_regime *regime; /* of the case's format */
	/* The host address of physical address 0; a multiple of the page size. */
	const unsigned char *ram;
	pw_pa *page; /* room for one per base page of the range */
};
typedef size_t fold_lean_fn(const struct fold_lean *lean, pw_va addr, pw_va end);

/* A strategy compiled for one format and style. */
struct fold_lean_case {
	const struct fold_style *style; /* names the format as well */
	enum fold_strategy strategy;
	fold_lean_fn *fast, *pagewalk;
};

/*
 * Returns case @index, in the order of the strategies b, c, d, e, or NULL if there are no more. There is
 * no case for a, which reads memory that is not a table, nor for b and c where they would (FOLD_REINDEX).
 */
const struct fold_lean_case *fold_lean_at(size_t index);
const struct fold_lean_case *fold_lean_find(const char *format, const char *style,
					    enum fold_strategy strategy);

#endif
