/* SPDX-License-Identifier: MIT */
/* Shared by the tests of folding: tables of every style and depth, and the results that walks must have. */
#ifndef TESTS_LAB_FOLD_H
#define TESTS_LAB_FOLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lab/fold/fold.h"
#include "lab/fold/kernel.h"

/* A style and a depth; s390x has four depths. */
struct fold_case {
	const struct fold_style *style;
	const struct pw_format *format;
	unsigned levels;
};

/* Case number @index; false if there is none. */
bool fold_case_at(size_t index, struct fold_case *at);

/* The level of the top table. */
static inline unsigned fold_case_top(const struct fold_case *at)
{
	return at->levels - 1;
}

static inline uint64_t fold_case_page(const struct fold_case *at)
{
	return UINT64_C(1) << at->format->shift[0];
}

/* The mapped pages, by address: @pages of them, of 2^shift bytes each. */
struct fold_known {
	const pw_va *page;
	size_t pages;
	unsigned shift;
};

/* The index of @va in the list, which is the page's number; SIZE_MAX: not mapped. */
size_t fold_known_index(const struct fold_known *known, pw_va va);

/* Makes tables of exactly these pages, and the input for walks of them. */
struct fold_tables *fold_case_tables(const struct fold_case *at, const struct fold_known *known,
				     struct fold_input *input);

/*
 * The model of the bug, without loops: the address whose page strategy a takes for @va if its walk began at
 * @first. In that address, the index into the real top table is that of the copied entry.
 */
pw_va fold_stale_address(const struct fold_case *at, pw_va first, pw_va va);

/* Does the strategy, in this range, make a pointer from a copy and step it or index from it? */
bool fold_uses_stale(const struct fold_case *at, enum fold_strategy strategy, pw_va first,
		     pw_va last);

/*
 * Walks by every strategy, and compares each page with the list: it must be the right page, or
 * exactly the wrong page that the model predicts. Also checks the counters and the step invariant.
 */
void fold_check_all(const struct fold_case *at, const struct fold_known *known,
		    struct fold_input *input);

#endif
