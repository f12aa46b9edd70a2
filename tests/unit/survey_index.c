/* SPDX-License-Identifier: MIT */
/* Compares the index from physical to virtual addresses with a search through all ranges of a scan. */
#include <errno.h>

#include "mutants/choose.h"
#include "survey/index.h"
#include "survey_build.h"

enum { RANGES = 1 << 16 };

struct all {
	struct pw_range range[RANGES];
	size_t count;
};

static struct pw_scan *scan_until(const struct space *space, uint64_t repeats, const bool *cancel)
{
	struct pw_scan_limits limits = { .repeats = repeats, .cancel = cancel };
	struct pw_scan *made;

	assert_int_equal(
		pw_scan_create(space->memory, &space->regime, 0, UINT64_MAX, &limits, &made, NULL),
		0);
	return made;
}

static struct pw_scan *scan(const struct space *space, uint64_t repeats)
{
	return scan_until(space, repeats, NULL);
}

static struct all *read_all(const struct space *space)
{
	struct all *all = calloc(1, sizeof(*all));
	struct pw_scan *whole = scan(space, 0);

	assert_non_null(all);
	all->count = pw_scan_next(whole, all->range, RANGES);
	assert_true(all->count < RANGES);
	pw_scan_destroy(whole);
	return all;
}

static bool maps(const struct pw_range *range, pw_pa pa)
{
	return pa >= range->pa && pa - range->pa <= range->last - range->first;
}

/* The slow way: each range that has any of first..last, cropped. Scans give them in order. */
static size_t search(const struct all *all, pw_pa first, pw_pa last, struct pw_range *found)
{
	size_t count = 0;

	for (size_t i = 0; i < all->count; i++) {
		struct pw_range part = all->range[i];
		pw_pa end = part.pa + (part.last - part.first);

		if (part.pa > last || end < first)
			continue;
		if (end > last)
			part.last -= end - last;
		if (part.pa < first) {
			part.first += first - part.pa;
			part.pa = first;
		}
		found[count++] = part;
	}
	return count;
}

static void check_find(const struct pw_index *index, const struct all *all, pw_pa first, pw_pa last)
{
	static struct pw_range expected[RANGES];
	struct pw_range *ranges = NULL;
	size_t count, wanted = search(all, first, last, expected);

	assert_int_equal(pw_index_find(index, first, last, &ranges, &count), 0);
	assert_int_equal(count, wanted);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(ranges[i].first, expected[i].first);
		assert_int_equal(ranges[i].last, expected[i].last);
		assert_int_equal(ranges[i].pa, expected[i].pa);
		assert_int_equal(ranges[i].attr, expected[i].attr);
		assert_int_equal(ranges[i].status, expected[i].status);
	}
	free(ranges);
}

/* An address that is probably at the edge of a range. */
static pw_pa edge(const struct all *all, uint64_t *random)
{
	const struct pw_range *range = &all->range[random_below(random, all->count)];
	pw_pa pa = random_next(random) & 1 ? range->pa : range->pa + (range->last - range->first);

	return pa + random_below(random, 3) - 1;
}

static void test_find(void **state)
{
	unsigned found = 0;

	(void)state;
	for (unsigned turn = 0; pw_format_at(turn); turn++) {
		const struct pw_format *format = pw_format_at(turn);
		uint64_t random = random_seed(format->name, 1);
		struct pw_index *index;
		struct pw_scan *whole;
		struct space space;
		struct all *all;

		space_init(&space, format, random_seed(format->name, 0), true);
		all = read_all(&space);
		whole = scan(&space, 0);
		assert_int_equal(pw_index_create(whole, &index, NULL), 0);
		pw_scan_destroy(whole);
		for (unsigned i = 0; all->count > 0 && i < test_amount(400, 40); i++) {
			pw_pa one = edge(all, &random), other = edge(all, &random);

			check_find(index, all, one < other ? one : other,
				   one < other ? other : one);
			check_find(index, all, one, one);
			found++;
		}
		check_find(index, all, 0, UINT64_MAX);
		pw_index_destroy(index);
		space_deinit(&space);
		free(all);
	}
	assert_true(found > 0);
}

/*
 * Without a budget for tables that are met again, every address of a full scan is still among the answers:
 * either directly, or in a range that shows the same tables.
 */
static void test_shared(void **state)
{
	unsigned shared = 0;

	(void)state;
	for (unsigned turn = 0; turn < 60; turn++) {
		const struct pw_format *format = pw_format_find(turn & 1 ? "x86_64" : "s390x");
		struct pw_range *ranges = NULL;
		struct pw_index *index;
		struct pw_scan *whole;
		struct space space;
		struct all *all;
		size_t count;

		space_init(&space, format, turn + 100, false);
		all = read_all(&space);
		whole = scan(&space, 1);
		assert_int_equal(pw_index_create(whole, &index, NULL), 0);
		pw_scan_destroy(whole);
		for (pw_pa pa = 0; pa < SPACE_PAGES << 12; pa += 4096) {
			assert_int_equal(pw_index_find(index, pa, pa, &ranges, &count), 0);
			for (size_t i = 0; i < all->count; i++) {
				pw_va va = all->range[i].first + (pa - all->range[i].pa);
				bool known = false;

				if (!maps(&all->range[i], pa))
					continue;
				for (size_t n = 0; n < count; n++)
					known |= va >= ranges[n].first && va <= ranges[n].last;
				assert_true(known);
			}
			for (size_t n = 0; n < count; n++)
				shared += ranges[n].status == PW_SHARED;
			for (size_t n = 1; n < count; n++)
				assert_true(ranges[n - 1].last < ranges[n].first);
			free(ranges);
		}
		pw_index_destroy(index);
		space_deinit(&space);
		free(all);
	}
	assert_true(shared > 100);
}

enum { WANTED = 12 };

/* The answers that pw_find must give for each range, and how many it has given so far. */
struct finding {
	struct pw_range *expected[WANTED];
	size_t count[WANTED], next[WANTED];
	size_t stop_after;
};

static int take_found(void *context, size_t which, const struct pw_range *range)
{
	struct finding *finding = context;
	const struct pw_range *expected = &finding->expected[which][finding->next[which]];

	assert_true(which < WANTED && finding->next[which] < finding->count[which]);
	assert_int_equal(range->status, expected->status);
	assert_int_equal(range->first, expected->first);
	assert_int_equal(range->last, expected->last);
	assert_int_equal(range->pa, expected->pa);
	assert_int_equal(range->attr, expected->attr);
	finding->next[which]++;
	return finding->stop_after > 0 && --finding->stop_after == 0 ? -7 : 0;
}

/* pw_find gives the answers of an index of the same scan, for many ranges at once, in the same order. */
static void check_found(const struct space *space, const struct pw_index *index,
			const pw_pa (*wanted)[2], size_t count, uint64_t repeats)
{
	struct finding finding = { .stop_after = 0 };
	struct pw_scan *whole = scan(space, repeats);
	size_t total = 0;

	for (size_t i = 0; i < count; i++) {
		assert_int_equal(pw_index_find(index, wanted[i][0], wanted[i][1],
					       &finding.expected[i], &finding.count[i]),
				 0);
		total += finding.count[i];
	}
	assert_int_equal(pw_find(whole, wanted, count, take_found, &finding, NULL), 0);
	pw_scan_destroy(whole);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(finding.next[i], finding.count[i]);
	if (total > 0) {
		memset(finding.next, 0, sizeof(finding.next));
		finding.stop_after = (total + 1) / 2;
		whole = scan(space, repeats);
		assert_int_equal(pw_find(whole, wanted, count, take_found, &finding, NULL), -7);
		pw_scan_destroy(whole);
	}
	for (size_t i = 0; i < count; i++)
		free(finding.expected[i]);
}

static void test_found(void **state)
{
	uint64_t random = 77;

	(void)state;
	for (unsigned turn = 0; turn < 60; turn++) {
		static const char *const names[] = { "x86_64", "s390x", "i386", "amdv1" };
		uint64_t repeats = turn & 4 ? 1 : 0;
		struct pw_index *index;
		struct pw_scan *whole;
		struct space space;
		struct all *all;

		space_init(&space, pw_format_find(names[turn % 4]), turn + 300, turn & 8);
		all = read_all(&space);
		whole = scan(&space, repeats);
		assert_int_equal(pw_index_create(whole, &index, NULL), 0);
		pw_scan_destroy(whole);
		for (unsigned i = 0; i < 10; i++) {
			size_t count = (size_t)random_below(&random, WANTED + 1);
			pw_pa wanted[WANTED][2] = { { 0, UINT64_MAX } };

			for (size_t n = 0; all->count > 0 && n < count; n++) {
				pw_pa one = edge(all, &random), other = edge(all, &random);

				if (random_next(&random) & 1)
					other = one;
				wanted[n][0] = one < other ? one : other;
				wanted[n][1] = one < other ? other : one;
			}
			check_found(&space, index, (const pw_pa(*)[2])wanted, count, repeats);
		}
		pw_index_destroy(index);
		space_deinit(&space);
		free(all);
	}
}

/* The aliases that were reported so far. */
struct told {
	const struct all *all;
	struct pw_range expected[RANGES];
	pw_pa next; /* everything below was reported */
	unsigned count;
	uint64_t random;
};

static unsigned times_mapped(const struct all *all, pw_pa pa)
{
	unsigned times = 0;

	for (size_t i = 0; i < all->count; i++)
		times += maps(&all->range[i], pa);
	return times;
}

static int take_alias(void *context, const struct pw_alias *alias)
{
	struct told *told = context;
	const struct pw_range *ranges = alias->ranges;
	pw_pa first = alias->first, last = alias->last;
	pw_pa inside = first + random_below(&told->random, last - first + 1);
	size_t count = alias->count;

	assert_true(first >= told->next && last >= first);
	assert_int_equal(count, search(told->all, first, last, told->expected));
	assert_true(count > 1);
	assert_int_equal(alias->told, count);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(ranges[i].first, told->expected[i].first);
		assert_int_equal(ranges[i].pa, first);
		assert_int_equal(ranges[i].last - ranges[i].first, last - first);
	}
	/* The whole run has the same ranges, and addresses beyond it do not. */
	assert_int_equal(times_mapped(told->all, inside), count);
	/* Memory between two runs is mapped once at most. */
	if (first > told->next)
		assert_true(times_mapped(told->all, told->next + random_below(&told->random,
									      first - told->next)) <
			    2);
	told->next = last + 1;
	told->count++;
	return 0;
}

static int stop_at_once(void *context, const struct pw_alias *alias)
{
	(void)alias;
	++*(unsigned *)context;
	return 7;
}

/* A part of the answers of a whole sweep. */
struct part {
	const struct pw_alias_options *options;
	const struct all *all;
	struct pw_range expected[RANGES];
	unsigned count;
	pw_pa next; /* what was reported is below */
};

static bool is_wanted(const struct pw_alias_options *options, const struct pw_alias *alias)
{
	for (size_t i = 0; i < options->wanted_count; i++)
		if (alias->first <= options->wanted[i][1] && alias->last >= options->wanted[i][0])
			return true;
	return options->wanted_count == 0;
}

static int take_part(void *context, const struct pw_alias *alias)
{
	struct part *part = context;
	size_t most = part->options->most;

	assert_true(is_wanted(part->options, alias));
	assert_true(alias->first >= part->next);
	part->next = alias->last + 1;
	assert_int_equal(alias->count,
			 search(part->all, alias->first, alias->last, part->expected));
	assert_int_equal(alias->told, most && most < alias->count ? most : alias->count);
	for (size_t i = 0; i < alias->told; i++)
		assert_int_equal(alias->ranges[i].first, part->expected[i].first);
	part->count++;
	return 0;
}

/* A scan that takes the memory in parts, a few runs at a time, reports every alias once, in physical order. */
static void check_parts(const struct space *space, const struct all *all, unsigned expected,
			uint64_t *random)
{
	struct pw_scan *whole = scan(space, 0);
	static struct part part;
	const struct pw_alias_options options = { .most = (size_t)random_below(random, 4) };

	part.options = &options;
	part.all = all;
	part.count = 0;
	part.next = 0;
	assert_int_equal(pw_aliases_parts(whole, (size_t)random_below(random, 40), options.most,
					  take_part, &part),
			 0);
	assert_int_equal(part.count, expected);
	pw_scan_destroy(whole);
}

/* What was told, in order, as one number; and when to stop. */
struct heard {
	uint64_t sum;
	unsigned count, last;
	int depth; /* calls that have not returned yet */
	bool mixed; /* was there ever more than one? */
};

static int hear(void *context, const struct pw_alias *alias)
{
	struct heard *heard = context;
	const pw_va va = alias->told ? alias->ranges[0].first : 0;

	/* Other threads call this, too, so nothing is asserted here. */
	heard->mixed |= heard->depth++ > 0;
	heard->sum = heard->sum * UINT64_C(0x9e3779b97f4a7c15) + alias->first * 3 +
		     alias->last * 5 + alias->count * 7 + va * 9;
	heard->depth--;
	return ++heard->count == heard->last ? 7 : 0;
}

static void hear_parts(const struct space *space, unsigned threads, size_t few, unsigned last,
		       struct heard *heard)
{
	const struct pw_scan_limits limits = { .threads = threads };
	struct pw_scan *whole;

	*heard = (struct heard){ .last = last };
	assert_int_equal(
		pw_scan_create(space->memory, &space->regime, 0, UINT64_MAX, &limits, &whole, NULL),
		0);
	assert_int_equal(pw_aliases_parts(whole, few, 2, hear, heard), last ? 7 : 0);
	pw_scan_destroy(whole);
}

/* Several threads tell what one tells, in the same order, and stop where it stops. */
static void check_threads(const struct space *space, unsigned expected, uint64_t *random)
{
	const size_t few = (size_t)random_below(random, 40);
	struct heard one, several;

	for (unsigned i = 0; i < 2; i++) {
		const unsigned stop = i ? (unsigned)random_below(random, expected + 1) : 0;

		hear_parts(space, 1, few, stop, &one);
		hear_parts(space, 2 + i, few, stop, &several);
		assert_false(several.mixed);
		assert_int_equal(several.count, one.count);
		assert_int_equal(several.sum, one.sum);
	}
}

struct counted {
	const struct pw_alias_options *options;
	unsigned wanted, all;
};

static int count_wanted(void *context, const struct pw_alias *alias)
{
	struct counted *counted = context;

	counted->wanted += is_wanted(counted->options, alias);
	counted->all++;
	return 0;
}

/* There are as many runs, and as many ranges of each, as requested. */
static void check_part(const struct space *space, const struct pw_index *index,
		       const struct all *all, uint64_t *random)
{
	struct pw_scan *whole = scan(space, 0);
	static struct part part;
	pw_pa wanted[3][2];
	struct pw_alias_options options = {
		.wanted = (const pw_pa(*)[2])wanted,
		.wanted_count = (size_t)random_below(random, 4),
		.most = (size_t)random_below(random, 4),
	};
	struct counted counted = { .options = &options };

	for (size_t i = 0; i < 3; i++) {
		pw_pa one = edge(all, random), other = edge(all, random);

		wanted[i][0] = one < other ? one : other;
		wanted[i][1] = one < other ? other : one;
	}
	part.options = &options;
	part.all = all;
	part.count = 0;
	part.next = 0;
	assert_int_equal(pw_index_aliases(index, NULL, count_wanted, &counted), 0);
	assert_int_equal(pw_index_aliases(index, &options, take_part, &part), 0);
	assert_int_equal(part.count, counted.wanted);
	/* The same from a scan, of which only a part is kept. */
	part.count = 0;
	part.next = 0;
	assert_int_equal(pw_scan_aliases(whole, &options, take_part, &part), 0);
	assert_int_equal(part.count, counted.wanted);
	pw_scan_destroy(whole);
	check_parts(space, all, counted.all, random);
	check_threads(space, counted.all, random);
}

static void test_aliases(void **state)
{
	static const char *const names[] = { "x86_64", "s390x", "i386", "arm64_64k_42" };
	static struct told told;
	unsigned runs = 0;

	(void)state;
	for (unsigned turn = 0; turn < 40; turn++) {
		struct space space;
		struct pw_index *index;
		struct pw_scan *whole;
		struct all *all;
		unsigned calls = 0;

		space_init(&space, pw_format_find(names[turn % 4]), turn + 1000, false);
		all = read_all(&space);
		whole = scan(&space, 0);
		assert_int_equal(pw_index_create(whole, &index, NULL), 0);
		pw_scan_destroy(whole);
		told.all = all;
		told.next = 0;
		told.count = 0;
		told.random = turn;
		assert_int_equal(pw_index_aliases(index, NULL, take_alias, &told), 0);
		for (unsigned i = 0; i < 10 && all->count > 0; i++)
			check_part(&space, index, all, &told.random);
		/* Every page that is mapped twice was reported; this looks at each page. */
		for (pw_pa pa = told.next; pa < told.next + (SPACE_PAGES << 12); pa += 4096)
			assert_true(times_mapped(all, pa) < 2);
		if (told.count > 0) {
			assert_int_equal(pw_index_aliases(index, NULL, stop_at_once, &calls), 7);
			assert_int_equal(calls, 1);
		}
		runs += told.count;
		pw_index_destroy(index);
		space_deinit(&space);
		free(all);
	}
	assert_true(runs > 100);
}

static void test_empty(void **state)
{
	unsigned char *bytes = aligned_alloc(4096, 4096);
	struct pw_segment segment = { .first = 0, .last = 4095, .host = bytes };
	uint64_t root = 0;
	struct pw_range *ranges = NULL;
	struct pw_index *index;
	struct pw_memory *memory;
	struct pw_regime regime;
	struct pw_scan *whole;
	unsigned calls = 0;
	size_t count = 1;

	(void)state;
	assert_non_null(bytes);
	memset(bytes, 0, 4096);
	assert_int_equal(pw_memory_wrap(&segment, 1, &memory, NULL), 0);
	assert_int_equal(pw_regime_init(&regime, pw_format_find("x86_64"), &root, 1, NULL, NULL),
			 0);
	assert_int_equal(pw_scan_create(memory, &regime, 0, UINT64_MAX, NULL, &whole, NULL), 0);
	assert_int_equal(pw_index_create(whole, &index, NULL), 0);
	pw_scan_destroy(whole);
	assert_int_equal(pw_index_find(index, 0, UINT64_MAX, &ranges, &count), 0);
	assert_int_equal(count, 0);
	assert_int_equal(pw_index_find(index, 2, 1, &ranges, &count), -EINVAL);
	assert_int_equal(pw_index_aliases(index, NULL, stop_at_once, &calls), 0);
	assert_int_equal(calls, 0);
	pw_index_destroy(index);
	pw_index_destroy(NULL);
	pw_memory_close(memory);
	free(bytes);
}

/* Once the flag is set, there are no more answers. */
static void test_cancelled(void **state)
{
	struct pw_range *ranges = NULL;
	struct pw_index *index = NULL;
	bool cancel = false;
	struct pw_scan *whole;
	struct space space;
	unsigned calls = 0;
	size_t count;

	(void)state;
	space_init(&space, pw_format_find("x86_64"), 5, false);
	whole = scan_until(&space, 0, &cancel);
	assert_int_equal(pw_index_create(whole, &index, NULL), 0);
	pw_scan_destroy(whole);
	assert_int_equal(pw_index_aliases(index, NULL, stop_at_once, &calls), 7);
	cancel = true;
	assert_int_equal(pw_index_aliases(index, NULL, stop_at_once, &calls), -ECANCELED);
	assert_int_equal(calls, 1);
	assert_int_equal(pw_index_find(index, 0, UINT64_MAX, &ranges, &count), -ECANCELED);
	assert_null(ranges);
	pw_index_destroy(index);
	/* The part that was read before the flag was set does not make an index. */
	cancel = false;
	whole = scan_until(&space, 0, &cancel);
	assert_int_equal(pw_scan_next(whole, (struct pw_range[2]){ { 0 } }, 2), 2);
	cancel = true;
	index = NULL;
	assert_int_equal(pw_index_create(whole, &index, NULL), -ECANCELED);
	assert_null(index);
	pw_scan_destroy(whole);
	space_deinit(&space);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),  cmocka_unit_test(test_shared),
		cmocka_unit_test(test_found), cmocka_unit_test(test_aliases),
		cmocka_unit_test(test_empty), cmocka_unit_test(test_cancelled),
	};

	mutant_choose(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
