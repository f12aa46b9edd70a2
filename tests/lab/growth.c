/* SPDX-License-Identifier: MIT */
/*
 * Tables that grow at the top during a walk, as in s390's crst_table_upgrade(): entry 0 of a new
 * table leads to the old top, and one store publishes the new table's address and depth.
 * Also pages larger than the base page, and the oracle of an image.
 */
#include "fold.h"

#include <stdlib.h>
#include <string.h>

enum { NEVER = 1000 };

/* A process on s390x: its tables, room for two more, and the word with the address of the top. */
struct process {
	const struct pw_format *format;
	struct fold_tables *made;
	struct pw_memory *memory;
	struct pw_segment segment;
	unsigned char *ram;
	struct pw_regime regime; /* for make_*() */
	uint64_t root; /* the ASCE */
	pw_pa top;
	unsigned levels;
	uint64_t grow_at[2]; /* the hook lets the tables grow before these loads */
};

static void store(struct process *process, pw_pa at, uint64_t value)
{
	uint64_t word = htobe64(value);

	memcpy(process->ram + (at - process->segment.first), &word, sizeof(word));
}

static void grow(struct process *process)
{
	const struct pw_format *f = process->format;
	unsigned level = process->levels;
	size_t bytes = (size_t)8 << f->bits[level];
	pw_pa table = process->segment.last + 1 - (process->levels - 2) * bytes;

	for (uint32_t i = 0; i < 1u << f->bits[level]; i++)
		store(process, table + 8 * i, f->make_empty(f, &process->regime, level));
	store(process, table, f->make_table(f, &process->regime, level, process->top));
	/* Address and depth, in one store. */
	process->root = f->make_root(f, &process->regime, table, level);
	process->top = table;
	process->levels++;
}

/* Three tables, like a new process on s390x. */
static void start(struct process *process, struct fold_input *input, pw_va first, pw_va last)
{
	const struct pw_segment *segment;
	struct pw_error error = { "" };
	size_t bytes;

	*process = (struct process){
		.format = pw_format_find("s390x"),
		.levels = 3,
		.grow_at = { NEVER, NEVER },
	};
	if (fold_tables_create(process->format, fold_style_find(process->format, NULL), 3, NULL,
			       first, last, &process->made, &error))
		fail_msg("%s", error.text);
	*input = (struct fold_input){ 0 };
	fold_tables_input(process->made, input);
	assert_int_equal(pw_memory_segments(input->memory, &segment), 1);
	bytes = (size_t)(segment->last - segment->first) + 1;
	/* The two new tables have 16 KiB each. */
	process->ram = calloc(1, bytes + 0x8000);
	assert_non_null(process->ram);
	memcpy(process->ram, segment->host, bytes);
	process->segment = (struct pw_segment){
		.first = segment->first,
		.last = segment->last + 0x8000,
		.host = process->ram,
	};
	assert_int_equal(pw_memory_wrap(&process->segment, 1, &process->memory, &error), 0);
	process->root = input->root[0];
	assert_int_equal(
		pw_regime_init(&process->regime, process->format, &process->root, 1, NULL, &error),
		0);
	process->top = process->regime.span[0].table;
	input->memory = process->memory;
	input->root = &process->root;
}

static void end(struct process *process)
{
	pw_memory_close(process->memory);
	fold_tables_destroy(process->made);
	free(process->ram);
}

static struct fold_result *walk(const struct fold_input *input, enum fold_strategy strategy)
{
	struct fold_result *result = NULL;
	struct pw_error error = { "" };

	if (fold_run(input, strategy, &result, &error))
		fail_msg("%s", error.text);
	return result;
}

static void test_between_calls(void **state)
{
	struct process process;
	struct fold_input input;

	(void)state;
	start(&process, &input, 0x1007ffff000, 0x10080000fff);
	for (unsigned levels = 3; levels <= 5; levels++) {
		for (unsigned i = 0; i < FOLD_STRATEGIES; i++) {
			struct fold_result *result = walk(&input, (enum fold_strategy)i);

			assert_int_equal(result->top, levels - 1);
			assert_int_equal(result->pages, 2);
			/* Once there is a table above, 2 GB is no longer a boundary of the top. */
			assert_int_equal(result->right, i != FOLD_A || levels > 3);
			fold_result_destroy(result);
		}
		if (levels < 5)
			grow(&process);
	}
	end(&process);
}

static void grow_when_told(void *context, uint64_t loads)
{
	struct process *process = context;

	for (unsigned i = 0; i < 2; i++)
		if (loads == process->grow_at[i])
			grow(process);
}

/*
 * Every strategy, with tables that grow by one level or by two before any of its loads. Strategy a is as wrong
 * as without growth, because it reads beside the same copy.
 */
static void test_in_the_middle_of_a_walk(void **state)
{
	uint64_t grown = 0;

	(void)state;
	for (unsigned i = FOLD_A; i < FOLD_STRATEGIES; i++)
		for (unsigned kind = FOLD_FAST; kind <= FOLD_PAGEWALK; kind++)
			for (uint64_t once = 0; once < 20; once++)
				for (uint64_t twice = once + 1; twice < 21; twice++) {
					struct process process;
					struct fold_input input;
					struct fold_result *result;
					bool wrong = i == FOLD_A && kind == FOLD_FAST;

					start(&process, &input, 0x1007ffff000, 0x10080000fff);
					process.grow_at[0] = once;
					process.grow_at[1] = twice;
					input.walk = (enum fold_walk_kind)kind;
					input.before_load = grow_when_told;
					input.hook_context = &process;
					result = walk(&input, (enum fold_strategy)i);
					assert_int_equal(result->pages, 2);
					assert_int_equal(result->right, !wrong);
					assert_int_equal(result->departures, wrong);
					if (wrong)
						assert_int_equal(result->page[1].mapped_at,
								 0x10000000000);
					/* The walk kept to the tables with which it began. */
					assert_int_equal(result->top, 2);
					grown += process.levels - 3;
					fold_result_destroy(result);
					/* The next call begins with the new top. */
					process.grow_at[0] = NEVER;
					process.grow_at[1] = NEVER;
					result = walk(&input, (enum fold_strategy)i);
					/* With a new top, 2 GB is no longer a boundary. */
					assert_int_equal(result->right,
							 !wrong || process.levels > 3);
					assert_int_equal(result->top, process.levels - 1);
					fold_result_destroy(result);
					end(&process);
				}
	/* The hook did its work: not all of those loads exist, but most do. */
	assert_true(grown > 1000);
}

/* A reader that reads address and depth as two words is wrong; so they are one word. */
static void test_torn_root(void **state)
{
	struct process process;
	struct fold_input input;
	struct pw_regime regime;
	struct pw_result result;
	uint64_t before, torn;
	pw_pa pa;

	(void)state;
	start(&process, &input, 0x1007ffff000, 0x10080000fff);
	before = process.root;
	assert_true(input.oracle->page(input.oracle, 0x10080000000, &pa));
	grow(&process);
	/* The new table's address with the old depth, and the old address with the new depth. */
	torn = (process.root & ~UINT64_C(0xfff)) | (before & 0xfff);
	assert_int_equal(pw_regime_init(&regime, process.format, &torn, 1, NULL, NULL), 0);
	assert_int_not_equal(pw_translate(process.memory, &regime, 0x10080000000, &result), PW_OK);
	torn = (before & ~UINT64_C(0xfff)) | (process.root & 0xfff);
	assert_int_equal(pw_regime_init(&regime, process.format, &torn, 1, NULL, NULL), 0);
	assert_int_not_equal(pw_translate(process.memory, &regime, 0x10080000000, &result), PW_OK);
	/* Read as one word, both are right. */
	assert_int_equal(pw_regime_init(&regime, process.format, &process.root, 1, NULL, NULL), 0);
	assert_int_equal(pw_translate(process.memory, &regime, 0x10080000000, &result), PW_OK);
	assert_int_equal(result.pa, pa);
	end(&process);
}

/* A segment of one megabyte with a hole behind it is found as one piece; the image's oracle agrees. */
static void test_large_page_and_image(void **state)
{
	struct process process;
	struct fold_input input;
	struct fold_image image;
	struct pw_trace trace;
	struct pw_result translated;

	(void)state;
	start(&process, &input, 0x10080000000, 0x100802fffff);
	assert_int_equal(pw_translate_trace(process.memory, &process.regime, 0x10080100000,
					    &translated, &trace),
			 PW_OK);
	store(&process, trace.step[1].at,
	      process.format->make_leaf(process.format, &process.regime, 1, 0x7700000,
					PW_READ | PW_ACCESSED));
	store(&process, trace.step[1].at + 8,
	      process.format->make_empty(process.format, &process.regime, 1));
	fold_image_init(&image, process.memory, &process.regime);
	input.oracle = &image.oracle;
	input.first = 0x100800ff000;
	input.last = 0x10080200fff;
	for (unsigned i = 0; i < FOLD_STRATEGIES; i++)
		for (unsigned kind = FOLD_FAST; kind <= FOLD_PAGEWALK; kind++) {
			struct fold_result *result;

			input.walk = (enum fold_walk_kind)kind;
			result = walk(&input, (enum fold_strategy)i);
			assert_int_equal(result->pages, 2);
			assert_int_equal(result->page[1].va, 0x10080100000);
			assert_int_equal(result->page[1].pa, 0x7700000);
			assert_int_equal(result->page[1].length, 0x100000);
			assert_true(result->right);
			assert_int_equal(result->missing, 0);
			assert_int_equal(result->stopped, kind == FOLD_FAST);
			if (result->stopped)
				assert_int_equal(result->stopped_at, 0x10080200000);
			fold_result_destroy(result);
		}
	end(&process);
}

/* If a strategy takes a wrong page on an image, the oracle names the address of that page. */
static void test_wrong_page_in_an_image(void **state)
{
	struct process process;
	struct fold_input input;
	struct fold_image image;
	struct fold_result *result;

	(void)state;
	start(&process, &input, 0x1007ffff000, 0x10080000fff);
	fold_image_init(&image, process.memory, &process.regime);
	input.oracle = &image.oracle;
	result = walk(&input, FOLD_A);
	assert_false(result->right);
	assert_int_equal(result->page[1].va, 0x10080000000);
	assert_int_equal(result->page[1].mapped_at, 0x10000000000);
	fold_result_destroy(result);
	end(&process);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_between_calls),
		cmocka_unit_test(test_in_the_middle_of_a_walk),
		cmocka_unit_test(test_torn_root),
		cmocka_unit_test(test_large_page_and_image),
		cmocka_unit_test(test_wrong_page_in_an_image),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
