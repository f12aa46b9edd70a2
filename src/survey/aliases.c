/* SPDX-License-Identifier: MIT */
/*
 * Finds physical memory that is mapped more than once. It sweeps over the memory, from each place where a run
 * begins or ends to the next such place. Runs enter the sweep in the order of their starts, and leave it in
 * the order of their ends. Runs are numbered by virtual address, and a set holds the numbers of the runs in
 * the sweep. So the cost of a step does not depend on the number of runs, and the first few runs are found
 * without a look at the others.
 *
 * Bounds: 13 bytes for each run of the index, and the ranges that are reported at once.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/mutant.h"
#include "base/sort.h"
#include "survey/index.h"

/* ---- a set of numbers ---- */

enum { SET_LEVELS = 6 /* there are fewer than 64^6 runs */ };

/* Bit n of the lowest level: number n is a member. Bit n of another: word n of the level below is not 0. */
struct set {
	uint64_t *word[SET_LEVELS];
	size_t words[SET_LEVELS];
	unsigned levels;
};

static void set_clear(struct set *set)
{
	for (unsigned i = 0; i < set->levels; i++)
		free(set->word[i]);
}

/* Makes an empty set of numbers below @count, which is not 0. Returns 0 or -ENOMEM. Clear it in any case. */
static int set_init(struct set *set, size_t count)
{
	do {
		count = (count + 63) / 64;
		set->words[set->levels] = count;
		set->word[set->levels] = calloc(count, sizeof(uint64_t));
		if (!set->word[set->levels])
			return -ENOMEM;
		set->levels++;
	} while (count > 1);
	return 0;
}

static void set_add(struct set *set, size_t number)
{
	for (unsigned i = 0; i < set->levels; i++, number /= 64)
		set->word[i][number / 64] |= UINT64_C(1) << number % 64;
}

static void set_remove(struct set *set, size_t number)
{
	for (unsigned i = 0; i < set->levels; i++, number /= 64) {
		set->word[i][number / 64] &= ~(UINT64_C(1) << number % 64);
		if (set->word[i][number / 64])
			return;
	}
}

/* Finds the lowest member that is not below *number. False if there is none. */
static bool set_next(const struct set *set, size_t *number)
{
	size_t at = *number;
	unsigned level = 0;
	uint64_t rest = 0;

	/* Go up until a word has a bit at `at` or above. */
	for (; level < set->levels && at / 64 < set->words[level]; level++) {
		rest = set->word[level][at / 64] >> at % 64;
		if (rest)
			break;
		at = at / 64 + 1;
	}
	if (!rest)
		return false;
	at += (unsigned)__builtin_ctzll(rest);
	/* Go down to the lowest member below that bit. */
	while (level-- > 0)
		at = at * 64 + (unsigned)__builtin_ctzll(set->word[level][at]);
	*number = at;
	return true;
}

/* ---- the sweep ---- */

struct sweep {
	const struct pw_index *index;
	const struct pw_alias_options *options;
	pw_alias_fn *alias;
	void *context;
	uint32_t *by_end; /* numbers of runs, by their last physical address */
	struct set in; /* runs that map the place where the sweep is */
	size_t in_count;
	struct pw_ranges parts; /* parts of these runs, to be reported */
};

static bool is_wanted(const struct pw_alias_options *options, pw_pa first, pw_pa last)
{
	for (size_t i = 0; i < options->wanted_count; i++)
		if (first <= options->wanted[i][1] && last >= options->wanted[i][0])
			return true;
	return options->wanted_count == 0;
}

static bool is_stopped(const struct sweep *sweep)
{
	return pw_cancelled(sweep->index->cancel) && !pw_mutant(PW_MUTANT_SURVEY_GOES_ON);
}

/* Reports first..last, which all runs in the sweep map. Returns as the callback, or an error. */
static int tell(struct sweep *sweep, pw_pa first, pw_pa last)
{
	size_t most = sweep->options->most ? sweep->options->most : SIZE_MAX;
	struct pw_alias what = { .first = first, .last = last, .count = sweep->in_count };

	sweep->parts.count = 0;
	for (size_t at = 0; sweep->parts.count < most && set_next(&sweep->in, &at); at++) {
		struct pw_range part = pw_range_crop(&sweep->index->mapped.range[at], first, last);

		if (sweep->parts.count % 1024 == 0 && is_stopped(sweep))
			return -ECANCELED;
		if (!pw_ranges_add(&sweep->parts, &part))
			return -ENOMEM;
	}
	what.ranges = sweep->parts.range;
	what.told = sweep->parts.count;
	return sweep->alias(sweep->context, &what);
}

static const struct pw_range *run_at(const struct sweep *sweep, const uint32_t *order, size_t place)
{
	return &sweep->index->mapped.range[order[place]];
}

static int run(struct sweep *sweep)
{
	const uint32_t *by_pa = sweep->index->by_pa, *by_end = sweep->by_end;
	size_t count = sweep->index->mapped.count, begun = 0, ended = 0;
	int status = 0;

	/* Invariant: everything below `at` was reported; runs in by_pa before `begun` start below `at`. */
	for (pw_pa at = 0; ended < count && status == 0;) {
		pw_pa last;

		if ((begun + ended) % 1024 == 0 && is_stopped(sweep))
			return -ECANCELED;
		if (sweep->in_count == 0)
			at = run_at(sweep, by_pa, begun)->pa;
		for (; begun < count && run_at(sweep, by_pa, begun)->pa == at; begun++) {
			set_add(&sweep->in, by_pa[begun]);
			sweep->in_count++;
		}
		last = pw_range_pa_last(run_at(sweep, by_end, ended));
		if (begun < count)
			last = pw_min(last, run_at(sweep, by_pa, begun)->pa - 1);
		if (sweep->in_count > 1 && is_wanted(sweep->options, at, last))
			status = tell(sweep, at, last);
		if (last == UINT64_MAX)
			return status;
		at = last + 1;
		for (; ended < count && pw_range_pa_last(run_at(sweep, by_end, ended)) < at;
		     ended++) {
			set_remove(&sweep->in, by_end[ended]);
			sweep->in_count--;
		}
	}
	return status;
}

static int sort_by_end(struct sweep *sweep)
{
	const struct pw_ranges *mapped = &sweep->index->mapped;
	uint64_t *key = reallocarray(NULL, mapped->count, sizeof(*key));
	int status;

	if (!key)
		return -ENOMEM;
	for (size_t i = 0; i < mapped->count; i++)
		key[i] = pw_range_pa_last(&mapped->range[i]);
	status = pw_sort(key, mapped->count, sweep->index->cancel, &sweep->by_end);
	free(key);
	return status;
}

int pw_index_aliases(const struct pw_index *index, const struct pw_alias_options *options,
		     pw_alias_fn *alias, void *context)
{
	static const struct pw_alias_options all = { .most = 0 };
	struct sweep sweep = {
		.index = index,
		.options = options ? options : &all,
		.alias = alias,
		.context = context,
	};
	int status;

	if (!index || !alias || (!sweep.options->wanted && sweep.options->wanted_count > 0))
		return -EINVAL;
	if (index->mapped.count == 0)
		return 0;
	status = sort_by_end(&sweep);
	if (status == 0)
		status = set_init(&sweep.in, index->mapped.count);
	if (status == 0)
		status = run(&sweep);
	set_clear(&sweep.in);
	free(sweep.by_end);
	free(sweep.parts.range);
	return status;
}
