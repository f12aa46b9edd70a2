/* SPDX-License-Identifier: MIT */
/* The checks of fold.h. They use the list of pages and the model of the bug, but no walker. */
#include "fold.h"

#include <stdlib.h>

bool fold_case_at(size_t index, struct fold_case *at)
{
	const struct fold_style *style;

	for (size_t i = 0; (style = fold_style_at(i)); i++) {
		const struct pw_format *format = pw_format_find(style->format);
		unsigned shallowest;

		assert_non_null(format);
		shallowest = style->how == FOLD_VALUE ? 2 : format->levels;
		for (unsigned levels = shallowest; levels <= format->levels; levels++)
			if (index-- == 0) {
				*at = (struct fold_case){ style, format, levels };
				return true;
			}
	}
	return false;
}

size_t fold_known_index(const struct fold_known *known, pw_va va)
{
	size_t low = 0, end = known->pages;

	while (low < end) {
		size_t middle = low + (end - low) / 2;

		if (known->page[middle] == va)
			return middle;
		if (known->page[middle] < va)
			low = middle + 1;
		else
			end = middle;
	}
	return SIZE_MAX;
}

struct fold_tables *fold_case_tables(const struct fold_case *at, const struct fold_known *known,
				     struct fold_input *input)
{
	const struct pw_regime_options options = { .view = PW_VIEW_LINUX };
	struct fold_tables *tables = NULL;
	struct pw_error error = { "" };

	if (fold_tables_create_list(at->format, at->style, at->levels, &options, known->page,
				    known->pages, &tables, &error))
		fail_msg("%s: %s", at->style->format, error.text);
	*input = (struct fold_input){ 0 };
	fold_tables_input(tables, input);
	return tables;
}

pw_va fold_stale_address(const struct fold_case *at, pw_va first, pw_va va)
{
	const struct pw_format *f = at->format;
	unsigned top = fold_case_top(at);
	uint64_t field = pw_mask(f->bits[top]) << f->shift[top];
	uint64_t index = first >> f->shift[top] & pw_mask(f->bits[top]);

	/* arm64: the copy is of the entry at pgd_index(), not of the entry for the address. */
	if (at->style->how == FOLD_REINDEX)
		index = va >> at->style->pgd_shift & pw_mask(at->style->pgd_bits);
	return (va & ~field) | index << f->shift[top];
}

bool fold_uses_stale(const struct fold_case *at, enum fold_strategy strategy, pw_va first,
		     pw_va last)
{
	unsigned top = fold_case_top(at);

	if (top == FOLD_PGD)
		return false;
	switch (at->style->how) {
	case FOLD_VALUE:
		return strategy == FOLD_A && (first ^ last) >> at->format->shift[top];
	case FOLD_REINDEX:
		/* d of 2020 made a copy at the levels above the re-indexed one, if there are any. */
		return strategy == FOLD_A || strategy == FOLD_B || strategy == FOLD_C ||
		       (strategy == FOLD_D2020 && top < FOLD_P4D);
	default:
		return false;
	}
}

/* The number of the page that a walk with the style's bug takes for @va; SIZE_MAX: none. */
static size_t model(const struct fold_case *at, const struct fold_known *known,
		    const struct fold_input *input, bool stale, pw_va va)
{
	if (!stale)
		return fold_known_index(known, va);
	/* Before the first turn beside the copy, the walk reads the copy itself: the same address. */
	return fold_known_index(known, fold_stale_address(at, input->first, va));
}

static void check_page(const struct fold_case *at, const struct fold_known *known,
		       const struct fold_result *result, size_t i, pw_va va, size_t number)
{
	const struct fold_page *page = &result->page[i];

	if (i >= result->pages)
		fail_msg("%s %s, strategy %s: nothing found at 0x%llx", at->style->format,
			 at->style->name, fold_strategy_name(result->strategy),
			 (unsigned long long)va);
	assert_int_equal(page->va, va);
	assert_int_equal(page->length, fold_case_page(at));
	if (!page->mapped || page->mapped_at != known->page[number])
		fail_msg("%s %s, strategy %s: 0x%llx took the page of 0x%llx, not that of 0x%llx",
			 at->style->format, at->style->name, fold_strategy_name(result->strategy),
			 (unsigned long long)va, (unsigned long long)page->mapped_at,
			 (unsigned long long)known->page[number]);
	/* The step invariant holds at the turn that found the page, or the page is a wrong one. */
	assert_int_equal(result->turn[page->turn].broken, known->page[number] != va);
}

static void check_counters(const struct fold_case *at, const struct fold_result *result, bool stale)
{
	uint64_t turns = 0;

	for (unsigned level = 0; level < FOLD_LEVELS; level++)
		turns += result->turns_of[level];
	assert_int_equal(turns, result->turns);
	assert_true(result->entries <= result->loads);
	assert_true(result->most_loads <= result->loads - result->entries + 1);
	/* An entry outside of its table is never the entry that the address selects. */
	assert_true(result->broken >= result->departures);
	if (!stale) {
		assert_int_equal(result->departures, 0);
		assert_int_equal(result->broken, 0);
		assert_true(result->right);
		assert_int_equal(result->missing, 0);
	}
	if (result->strategy == FOLD_E) {
		/* One load for each entry and visit, and none at a folded level. */
		assert_true(result->most_loads == 1);
		assert_int_equal(result->loads, turns);
		assert_int_equal(result->stack_loads, 0);
		for (unsigned level = fold_case_top(at) + 1; level < FOLD_LEVELS; level++)
			assert_int_equal(result->turns_of[level], 0);
	} else if (result->walk == FOLD_FAST) {
		/* One read for each turn; on s390 one more, to learn the depth of the tables. */
		assert_int_equal(result->loads + result->stack_loads,
				 turns + (at->style->how == FOLD_VALUE));
	} else {
		assert_int_equal(result->stack_loads, 0);
	}
}

static void check(const struct fold_case *at, const struct fold_known *known,
		  const struct fold_input *input, enum fold_strategy strategy)
{
	bool stale = input->walk == FOLD_FAST &&
		     fold_uses_stale(at, strategy, input->first, input->last);
	bool all_right = true, stopped = false;
	struct fold_result *result = NULL;
	struct pw_error error = { "" };
	size_t found = 0;
	pw_va va = input->first;

	if (fold_run(input, strategy, &result, &error))
		fail_msg("%s: %s", at->style->format, error.text);
	for (;; va += fold_case_page(at)) {
		size_t number = model(at, known, input, stale, va);

		/* The lucky case: the word beside the copy is empty, and the walk gives up. */
		if (stale && input->neighbour == FOLD_NEIGHBOUR_NONE &&
		    (at->style->how == FOLD_REINDEX ||
		     (input->first ^ va) >> at->format->shift[fold_case_top(at)]))
			number = SIZE_MAX;
		if (number != SIZE_MAX) {
			check_page(at, known, result, found++, va, number);
			all_right &= known->page[number] == va;
		} else if (input->walk == FOLD_FAST) {
			stopped = true;
			break;
		}
		if ((va | (fold_case_page(at) - 1)) == input->last)
			break;
	}
	assert_int_equal(result->pages, found);
	assert_int_equal(result->stopped, stopped);
	assert_int_equal(result->right, all_right);
	check_counters(at, result, stale);
	fold_result_destroy(result);
}

void fold_check_all(const struct fold_case *at, const struct fold_known *known,
		    struct fold_input *input)
{
	for (unsigned i = 0; i < FOLD_STRATEGIES; i++) {
		input->walk = FOLD_PAGEWALK;
		check(at, known, input, (enum fold_strategy)i);
		input->walk = FOLD_FAST;
		input->neighbour = FOLD_NEIGHBOUR_ENTRY;
		check(at, known, input, (enum fold_strategy)i);
		input->neighbour = FOLD_NEIGHBOUR_NONE;
		check(at, known, input, (enum fold_strategy)i);
	}
}
