/* SPDX-License-Identifier: MIT */
/*
 * Compares every strategy, on every style and depth, with a list of pages: small cases exhaustively, larger
 * cases at random. Also the ranges of the mails of 2020, by address.
 */
#include "fold.h"

#include <stdlib.h>
#include <string.h>

/* ---- the mails, by address ---- */

static struct fold_result *walk(const struct fold_input *input, enum fold_strategy strategy)
{
	struct fold_result *result = NULL;
	struct pw_error error = { "" };

	if (fold_run(input, strategy, &result, &error))
		fail_msg("%s", error.text);
	return result;
}

static struct fold_tables *made(const char *name, const char *style_name, unsigned levels,
				pw_va first, pw_va last, struct fold_input *input)
{
	const struct fold_style *style = fold_style_find(pw_format_find(name), style_name);
	struct fold_tables *tables = NULL;
	struct pw_error error = { "" };

	assert_non_null(style);
	if (fold_tables_create(pw_format_find(name), style, levels, NULL, first, last, &tables,
			       &error))
		fail_msg("%s", error.text);
	*input = (struct fold_input){ 0 };
	fold_tables_input(tables, input);
	return tables;
}

/* The address to which the strategy's page for the last address of the range really belongs. */
static pw_va last_page(const struct fold_input *input, enum fold_strategy strategy)
{
	struct fold_result *result = walk(input, strategy);
	const struct fold_page *page = &result->page[result->pages - 1];
	pw_va at = page->mapped_at;

	assert_true(result->pages > 0);
	assert_true(page->mapped);
	assert_int_equal(page->va, input->last & ~pw_mask(input->format->shift[0]));
	fold_result_destroy(result);
	return at;
}

static void expect_last_page(const struct fold_input *input, pw_va a)
{
	pw_va right = input->last & ~pw_mask(input->format->shift[0]);

	assert_int_equal(last_page(input, FOLD_A), a);
	assert_int_equal(last_page(input, FOLD_B), right);
	assert_int_equal(last_page(input, FOLD_C), right);
	assert_int_equal(last_page(input, FOLD_D), right);
	assert_int_equal(last_page(input, FOLD_E), right);
}

/*
 * d reads one live word once for each folded level, and no more often. pagewalk's invariant of one load per
 * entry forbids this.
 */
static void test_loads_per_entry(void **state)
{
	struct fold_input input;

	(void)state;
	for (unsigned levels = 2; levels <= 5; levels++) {
		unsigned shift = 20 + 11 * (levels - 2);
		pw_va boundary = UINT64_C(5) << shift;
		struct fold_tables *tables = made("s390x", NULL, levels, boundary - 0x1000,
						  boundary + 0xfff, &input);
		struct fold_result *result = walk(&input, FOLD_D);

		assert_int_equal(result->most_loads, 6 - levels);
		/* One entry for the depth, and one at each level for each page. */
		assert_int_equal(result->entries, 1 + 2 * levels);
		fold_result_destroy(result);
		result = walk(&input, FOLD_E);
		assert_int_equal(result->most_loads, 1);
		assert_int_equal(result->entries, 2 * levels);
		fold_result_destroy(result);
		fold_tables_destroy(tables);
	}
}

/* d3f7b1bb2040, and the mails before it: with 3 levels, crossing 2 GB. */
static void test_mail_three_levels(void **state)
{
	struct fold_input input;
	struct fold_tables *tables = made("s390x", NULL, 3, 0x1007ffff000, 0x10080000fff, &input);

	(void)state;
	expect_last_page(&input, 0x10000000000);
	fold_tables_destroy(tables);
}

/* The turns that break the step invariant, and the entry that each should have read. */
static void test_step_invariant(void **state)
{
	static const uint32_t expected[] = { 513, 0, 0 };
	struct fold_input input;
	struct fold_tables *tables = made("s390x", NULL, 3, 0x1007ffff000, 0x10080000fff, &input);
	struct fold_result *result = walk(&input, FOLD_A);

	(void)state;
	assert_int_equal(result->turns, 8);
	assert_int_equal(result->broken, 3);
	assert_int_equal(result->departures, 1);
	for (size_t i = 0; i < result->turns; i++) {
		const struct fold_turn *turn = &result->turn[i];

		assert_int_equal(turn->broken, i >= 5);
		assert_int_equal(turn->departed, i == 5);
		if (!turn->broken)
			continue;
		assert_int_equal(turn->expected.index, expected[i - 5]);
		assert_int_equal(turn->expected.where, FOLD_IN_TABLE);
		/* Below the departure the index is right, but the table is wrong. */
		if (!turn->departed) {
			assert_int_equal(turn->place.index, turn->expected.index);
			assert_int_not_equal(turn->place.table, turn->expected.table);
		}
	}
	fold_result_destroy(result);
	fold_tables_destroy(tables);
}

/* One megabyte, which a segment covers; and four terabytes, which a region-third table covers. */
static void test_two_and_four_levels(void **state)
{
	struct fold_input input;
	struct fold_tables *tables = made("s390x", NULL, 2, 0x70ff000, 0x7100fff, &input);

	(void)state;
	expect_last_page(&input, 0x7000000);
	fold_tables_destroy(tables);
	tables = made("s390x", NULL, 4, 0x13ffffffffff, 0x140000000000, &input);
	expect_last_page(&input, 0x100000000000);
	fold_tables_destroy(tables);
}

/* With five tables nothing is folded, so no boundary does harm. */
static void test_five_levels_are_safe(void **state)
{
	struct fold_input input;

	(void)state;
	for (unsigned shift = 20; shift <= 53; shift += 11) {
		pw_va boundary = UINT64_C(5) << shift;
		struct fold_tables *tables = made("s390x", NULL, 5, boundary - 1, boundary, &input);

		expect_last_page(&input, boundary);
		fold_tables_destroy(tables);
	}
}

/* 36639013b346: one address is enough for the bug, and values do not help. */
static void test_arm64_single_address(void **state)
{
	static const enum fold_strategy wrong[] = { FOLD_A, FOLD_B, FOLD_C, FOLD_D2020 };
	struct fold_input input;
	struct fold_tables *tables = made("arm64_16k_47", "reindex", 0, 0x123456788000,
					  0x123456788000, &input);

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(last_page(&input, wrong[i]), 0x456788000);
	assert_int_equal(last_page(&input, FOLD_D), 0x123456788000);
	assert_int_equal(last_page(&input, FOLD_E), 0x123456788000);
	fold_tables_destroy(tables);
	/* The same CPU with a kernel that was built for it. */
	tables = made("arm64_16k_47", "static", 0, 0x123456788000, 0x123456788000, &input);
	expect_last_page(&input, 0x123456788000);
	fold_tables_destroy(tables);
}

/* Four of five levels, folded by mode: the walk reads copies, which does no harm. */
static void test_x86_copies_do_no_harm(void **state)
{
	struct fold_input input;
	struct fold_tables *tables = made("x86_64", NULL, 0, 0x7fffffffff, 0x8000000000, &input);
	struct fold_result *result = walk(&input, FOLD_A);

	(void)state;
	assert_true(result->right);
	assert_int_equal(result->stack_loads, 2);
	assert_int_equal(result->departures, 0);
	assert_int_equal(result->turns_of[FOLD_PGD], 2);
	fold_result_destroy(result);
	expect_last_page(&input, 0x8000000000);
	fold_tables_destroy(tables);
}

/* The last pages of 2^64, where `end` is 0: addr_end must not overflow. */
static void test_end_of_the_address_space(void **state)
{
	static const char *const formats[] = { "x86_64",     "x86_64_la57", "riscv_sv39",
					       "riscv_sv57", "s390x",       "arm64_4k_52" };

	(void)state;
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		for (unsigned strategy = 0; strategy < FOLD_STRATEGIES; strategy++)
			for (unsigned kind = FOLD_FAST; kind <= FOLD_PAGEWALK; kind++) {
				struct fold_input input;
				struct fold_tables *tables = made(formats[i], NULL, 0,
								  UINT64_MAX - 0x200fff, UINT64_MAX,
								  &input);
				struct fold_result *result;

				input.walk = (enum fold_walk_kind)kind;
				result = walk(&input, (enum fold_strategy)strategy);
				assert_int_equal(result->pages, 0x201);
				assert_true(result->right);
				assert_false(result->stopped);
				assert_int_equal(result->missing, 0);
				assert_int_equal(result->departures, 0);
				fold_result_destroy(result);
				fold_tables_destroy(tables);
			}
}

/*
 * pagewalk before and after value-aware ends, as in the mail of 10 September 2020. It iterates in the middle
 * before and at the top after, and is right both times.
 */
static void test_pagewalk_before_and_after(void **state)
{
	struct fold_input input;
	struct fold_tables *tables = made("s390x", NULL, 3, 0x1007ffff000, 0x10080000fff, &input);
	struct fold_result *before, *after;

	(void)state;
	input.walk = FOLD_PAGEWALK;
	before = walk(&input, FOLD_A);
	after = walk(&input, FOLD_C);
	assert_true(before->right && after->right);
	assert_int_equal(before->turns_of[FOLD_PGD], 1);
	assert_int_equal(before->turns_of[FOLD_P4D], 1);
	assert_int_equal(before->turns_of[FOLD_PUD], 2);
	assert_int_equal(after->turns_of[FOLD_PGD], 2);
	assert_int_equal(after->turns_of[FOLD_P4D], 2);
	assert_int_equal(after->turns_of[FOLD_PUD], 2);
	/* "not cropped" at 2^53 and 2^42, then 2^31; against 2^31 at once. */
	assert_int_equal(fold_turn_crop(&input, before, &before->turn[0]), 53);
	assert_int_equal(fold_turn_crop(&input, before, &before->turn[1]), 42);
	assert_int_equal(fold_turn_crop(&input, before, &before->turn[2]), 31);
	assert_int_equal(fold_turn_crop(&input, after, &after->turn[0]), 31);
	/* "the same pointer for iteration as in the Before case, but not on the same level" */
	assert_int_equal(before->turn[2].place.index, 512);
	assert_int_equal(after->turn[0].place.index, 512);
	assert_true(before->loads < after->loads);
	fold_result_destroy(before);
	fold_result_destroy(after);
	fold_tables_destroy(tables);
}

/* ---- styles ---- */

/* Each style agrees with its format's geometry; every format with folding has a style. */
static void test_styles(void **state)
{
	const struct fold_style *style;
	const struct pw_format *f;

	(void)state;
	for (size_t i = 0; (style = fold_style_at(i)); i++) {
		f = pw_format_find(style->format);
		assert_non_null(f);
		assert_int_equal(style->top, f->levels - 1);
		for (unsigned level = 0; level < style->top; level++)
			assert_int_equal(style->crop[level], f->shift[level]);
		if (style->how == FOLD_REINDEX && style->top < FOLD_PGD) {
			/* The pgd of the larger address space, in the same table. */
			assert_int_equal(style->crop[style->top], f->shift[style->top]);
			assert_int_equal(style->pgd_shift,
					 f->shift[style->top] + f->bits[style->top]);
		} else {
			assert_int_equal(style->pgd_shift, f->shift[style->top]);
			assert_int_equal(style->pgd_bits, f->bits[style->top]);
		}
		assert_int_equal(style->crop[FOLD_PGD], style->pgd_shift);
	}
	for (size_t i = 0; (f = pw_format_at(i)); i++)
		if (!fold_style_find(f, NULL))
			assert_true(!strcmp(f->name, "amdv1") || !strcmp(f->name, "mock"));
}

/* ---- lists of pages ---- */

enum { MOST_PAGES = 4096 };

struct list {
	pw_va page[MOST_PAGES];
	size_t pages;
};

static int compare(const void *left, const void *right)
{
	pw_va a = *(const pw_va *)left, b = *(const pw_va *)right;

	return a < b ? -1 : a > b;
}

static void sort(struct list *list)
{
	size_t kept = 0;

	qsort(list->page, list->pages, sizeof(list->page[0]), compare);
	for (size_t i = 0; i < list->pages; i++)
		if (i == 0 || list->page[i] != list->page[kept - 1])
			list->page[kept++] = list->page[i];
	list->pages = kept;
}

static void add(struct list *list, pw_va va)
{
	assert_true(list->pages < MOST_PAGES);
	list->page[list->pages++] = va;
}

/* ---- small cases, all of them ---- */

/* An address at which two entries of @level meet, in the lower half, beyond the very first entry. */
static pw_va boundary_of(const struct fold_case *at, unsigned level, uint64_t random)
{
	const struct pw_format *f = at->format;
	unsigned top = fold_case_top(at);
	unsigned indices = f->bits[top] > 2 ? 1u << (f->bits[top] - 2) : 1;
	pw_va base = (1 + random % indices) << f->shift[top];

	if (level == top)
		return base;
	/* Inside the entry below `base`, or above it if the lower half has one more. */
	return base -
	       (f->shift[top] > f->shift[level]
			? (1 +
			   random / 7 % ((UINT64_C(1) << (f->shift[top] - f->shift[level])) - 1))
				  << f->shift[level]
			: 0);
}

/*
 * Four pages around a boundary, each mapped or not; the pages to which a stale copy would lead, all or
 * none; all ranges of these pages; every strategy.
 */
static void exhaust(const struct fold_case *at, unsigned level)
{
	pw_va boundary = boundary_of(at, level, 1);
	uint64_t size = fold_case_page(at);
	struct list list;

	for (unsigned mask = 0; mask < 32; mask++) {
		struct fold_known known;
		struct fold_tables *tables;
		struct fold_input input;

		list.pages = 0;
		for (unsigned i = 0; i < 4; i++) {
			pw_va va = boundary + i * size - 2 * size;

			if (mask & 1u << i)
				add(&list, va);
			if (mask & 16) {
				add(&list, fold_stale_address(at, boundary - 1, va));
				if (at->style->how != FOLD_REINDEX)
					continue;
				add(&list, va);
			}
		}
		/* The table itself has to exist. */
		add(&list, boundary - 8 * size);
		sort(&list);
		known = (struct fold_known){ list.page, list.pages, at->format->shift[0] };
		tables = fold_case_tables(at, &known, &input);
		for (unsigned from = 0; from < 4; from++)
			for (unsigned to = from; to < 4; to++) {
				input.first = boundary + from * size - 2 * size;
				input.last = boundary + to * size - size - 1;
				fold_check_all(at, &known, &input);
			}
		fold_tables_destroy(tables);
	}
}

static void test_exhaustive(void **state)
{
	struct fold_case at;

	(void)state;
	for (size_t i = 0; fold_case_at(i, &at); i++)
		for (unsigned level = 1; level <= fold_case_top(&at); level++)
			exhaust(&at, level);
}

/* ---- larger cases, at random ---- */

static uint64_t next_random(uint64_t *seed)
{
	/* Marsaglia's xorshift64; the same numbers on every run. */
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed >> 11;
}

/* A seed from a case's name and depth; its place among the other cases does not matter. */
static uint64_t case_seed(const struct fold_case *at)
{
	uint64_t seed = 0x9e3779b97f4a7c15 + at->levels;

	for (const char *c = at->style->format; *c; c++)
		seed = (seed ^ (unsigned char)*c) * UINT64_C(0x100000001b3);
	for (const char *c = at->style->name; *c; c++)
		seed = (seed ^ (unsigned char)*c) * UINT64_C(0x100000001b3);
	return seed;
}

static void random_list(const struct fold_case *at, pw_va boundary, uint64_t window, uint64_t *seed,
			struct list *list)
{
	uint64_t size = fold_case_page(at);
	/* Between none and a quarter of the pages are missing; sparse lists would stop the fast walk at once. */
	uint64_t holes = next_random(seed) % 4;

	list->pages = 0;
	for (uint64_t i = 0; i < 2 * window; i++) {
		pw_va va = boundary + i * size - window * size;

		if (next_random(seed) % 64 >= holes * holes)
			add(list, va);
		if (next_random(seed) % 8)
			add(list, fold_stale_address(at, boundary - 1, va));
	}
	sort(list);
}

static void random_walks(const struct fold_case *at, uint64_t *seed)
{
	static struct list list;
	/* The largest number of pages below the boundary: 300 pages span three segments of s390. */
	uint64_t window = 1 + next_random(seed) % (next_random(seed) % 4 ? 12 : 300);
	unsigned level = 1 + (unsigned)next_random(seed) % fold_case_top(at);
	pw_va boundary = boundary_of(at, level, next_random(seed));
	uint64_t size = fold_case_page(at);
	struct fold_known known;
	struct fold_tables *tables;
	struct fold_input input;

	if (boundary < window * size)
		window = boundary / size;
	random_list(at, boundary, window, seed, &list);
	if (list.pages == 0)
		return;
	known = (struct fold_known){ list.page, list.pages, at->format->shift[0] };
	tables = fold_case_tables(at, &known, &input);
	for (unsigned i = 0; i < 4; i++) {
		uint64_t a = next_random(seed) % (2 * window), b = next_random(seed) % (2 * window);

		input.first = boundary + (a < b ? a : b) * size - window * size;
		input.last = boundary + (a < b ? b : a) * size - window * size + size - 1;
		fold_check_all(at, &known, &input);
	}
	fold_tables_destroy(tables);
}

static void test_random(void **state)
{
	struct fold_case at;

	(void)state;
	for (size_t i = 0; fold_case_at(i, &at); i++) {
		uint64_t seed = case_seed(&at);

		for (unsigned round = 0; round < 24; round++)
			random_walks(&at, &seed);
	}
}

/* ---- inputs that are refused ---- */

static void expect_refused(const struct fold_input *input, const char *words)
{
	struct fold_result *result;
	struct pw_error error = { "" };

	assert_int_equal(fold_run(input, FOLD_D, &result, &error), -EINVAL);
	assert_non_null(strstr(error.text, words));
}

static void test_refusals(void **state)
{
	struct fold_input input, wrong;
	struct fold_tables *tables = made("s390x", NULL, 3, 0x1000, 0x1fff, &input), *none;
	const struct fold_style *style = fold_style_find(pw_format_find("s390x"), NULL);
	struct pw_error error = { "" };

	(void)state;
	wrong = input;
	wrong.style = NULL;
	expect_refused(&wrong, "no levels that Linux folds");
	wrong = input;
	wrong.first++;
	expect_refused(&wrong, "whole pages");
	wrong = input;
	wrong.last = 0x40000000fff;
	wrong.first = 0x40000000000;
	expect_refused(&wrong, "no single root covers");
	wrong = input;
	wrong.last = 0x1fffffffff;
	wrong.first = 0;
	expect_refused(&wrong, "too many");
	assert_int_equal(fold_tables_create(input.format, style, 6, NULL, 0, 0, &none, &error),
			 -EINVAL);
	assert_non_null(strstr(error.text, "2 to 5"));
	assert_int_equal(fold_tables_create(input.format, style, 2, NULL, UINT64_C(1) << 31,
					    UINT64_C(1) << 31, &none, &error),
			 -EINVAL);
	assert_non_null(strstr(error.text, "cannot map"));
	assert_int_equal(
		fold_tables_create(input.format, style, 3, NULL, 0, 0x7fffffff, &none, &error),
		-EINVAL);
	assert_non_null(strstr(error.text, "a shorter range"));
	fold_tables_destroy(tables);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mail_three_levels),
		cmocka_unit_test(test_loads_per_entry),
		cmocka_unit_test(test_step_invariant),
		cmocka_unit_test(test_two_and_four_levels),
		cmocka_unit_test(test_five_levels_are_safe),
		cmocka_unit_test(test_arm64_single_address),
		cmocka_unit_test(test_x86_copies_do_no_harm),
		cmocka_unit_test(test_end_of_the_address_space),
		cmocka_unit_test(test_pagewalk_before_and_after),
		cmocka_unit_test(test_styles),
		cmocka_unit_test(test_exhaustive),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
