/* SPDX-License-Identifier: MIT */
/* The lean forms, which are measured, find the same pages as the observed ones, which are judged. */
#include "fold.h"
#include "lab/fold/strategy.h"

#include <stdlib.h>
#include <string.h>

enum { ROOM = 4096 };

static struct fold_case case_of(const struct fold_lean_case *lean, unsigned levels)
{
	const struct pw_format *format = pw_format_find(lean->style->format);

	return (struct fold_case){ lean->style, format, levels };
}

/* Both walks over first..last; the list holds the pages of that range. */
static void compare(const struct fold_lean_case *lean, const struct fold_case *at,
		    const struct fold_known *known)
{
	static pw_pa page[ROOM];
	struct fold_input input;
	struct fold_tables *tables = fold_case_tables(at, known, &input);
	const struct pw_segment *segment;
	struct pw_regime regime;
	struct fold_lean walk = { .regime = &regime, .page = page };

	assert_int_equal(
		pw_regime_init(&regime, at->format, input.root, input.roots, &input.options, NULL),
		0);
	assert_int_equal(pw_memory_segments(input.memory, &segment), 1);
	walk.ram = (const unsigned char *)((uintptr_t)segment->host - (uintptr_t)segment->first);
	for (unsigned kind = FOLD_FAST; kind <= FOLD_PAGEWALK; kind++) {
		struct fold_result *result = NULL;
		size_t found;

		input.walk = (enum fold_walk_kind)kind;
		assert_int_equal(fold_run(&input, lean->strategy, &result, NULL), 0);
		memset(page, 0, sizeof(page));
		found = (kind == FOLD_FAST ? lean->fast : lean->pagewalk)(&walk, input.first,
									  input.last + 1);
		assert_int_equal(found, result->pages);
		assert_true(found > 0);
		for (size_t i = 0; i < found; i++)
			assert_int_equal(page[i], result->page[i].pa);
		assert_true(result->right);
		fold_result_destroy(result);
	}
	fold_tables_destroy(tables);
}

/* Across a boundary of every level: once with all pages mapped, once with a hole behind it. */
static void compare_boundaries(const struct fold_lean_case *lean, unsigned levels)
{
	const struct fold_case at = case_of(lean, levels);
	pw_va page[ROOM];

	for (unsigned level = 1; level <= fold_case_top(&at); level++)
		for (unsigned hole = 0; hole < 2; hole++) {
			pw_va boundary = (pw_va)1 << at.format->shift[level];
			struct fold_known known = { page, 0, at.format->shift[0] };

			for (unsigned i = 0; i < 600; i++)
				if (!hole || i % 256 != 17)
					page[known.pages++] =
						boundary + i * fold_case_page(&at) -
						(at.format->shift[level] > at.format->shift[0] + 6
							 ? 40
							 : 8) *
							fold_case_page(&at);
			compare(lean, &at, &known);
		}
}

static void test_same_pages(void **state)
{
	const struct fold_lean_case *lean;
	size_t count = 0, styles = 0;

	(void)state;
	for (; (lean = fold_lean_at(count)); count++) {
		const struct pw_format *format = pw_format_find(lean->style->format);
		unsigned levels = lean->style->how == FOLD_VALUE ? 2 : format->levels;

		for (; levels <= format->levels; levels++)
			compare_boundaries(lean, levels);
		assert_ptr_equal(
			fold_lean_find(lean->style->format, lean->style->name, lean->strategy),
			lean);
	}
	/* Every style; there is no b and no c for the two styles with another index. */
	while (fold_style_at(styles))
		styles++;
	assert_int_equal(count, 4 * styles - 2 * 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_same_pages) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
