/* SPDX-License-Identifier: MIT */
/* What the tests of folding share: tables of every style and depth, and what a walk must find. */
#ifndef TESTS_LAB_FOLD_H
#define TESTS_LAB_FOLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lab/fold.h"
#include "lab/kernel.h"

/* A style and a depth; s390x comes with each of its four. */
struct fold_case {
	const struct fold_style *style;
	const struct pw_format *format;
	unsigned levels;
};

/* The cases by number; false from @index = their number on. */
bool fold_case_at(size_t index, struct fold_case *at);

/* Level of the top table. */
static inline unsigned fold_case_top(const struct fold_case *at)
{
	return at->levels - 1;
}

static inline uint64_t fold_case_page(const struct fold_case *at)
{
	return UINT64_C(1) << at->format->shift[0];
}

/* A page of the list, and where the oracle has it; 0: it has none. */
struct fold_known {
	const pw_va *page;
	size_t pages;
	unsigned shift;
};

/* Index of @va in the list, which is the page's number; SIZE_MAX: not mapped. */
size_t fold_known_index(const struct fold_known *known, pw_va va);

/* Tables of exactly these pages, and the input for walks of them. */
struct fold_tables *fold_case_tables(const struct fold_case *at, const struct fold_known *known,
				     struct fold_input *input);

/*
 * What strategy a takes for @va when it began at @first: the page of the address in which the index
 * of the real top is that of the entry that was copied. The model of the bug, which knows no loops.
 */
pw_va fold_stale_address(const struct fold_case *at, pw_va first, pw_va va);

/* Does the strategy make a pointer from a copy and move on from it, or index from it, in this range? */
bool fold_uses_stale(const struct fold_case *at, enum fold_strategy strategy, pw_va first,
		     pw_va last);

/*
 * Walks by every strategy and checks each page, one by one, against the list: the right one, or
 * exactly the wrong one that the model predicts. Also the counters, and the step invariant.
 */
void fold_check_all(const struct fold_case *at, const struct fold_known *known,
		    struct fold_input *input);

#endif
