/* SPDX-License-Identifier: MIT */
/*
 * All aliases of a scan. A few runs are kept as an index, which answers at once. Where there are more, the memory is
 * taken in parts, from the lowest to the highest, and each part gets a scan of its own, which keeps the runs that touch
 * the part: reading all tables again is cheap, beside sorting all runs at once in ten times the memory.
 *
 *   runs that begin   |  12 | 907 |  31 |   0 | 544 |  18 | ...     counted, by physical address
 *   parts             |-----------|-----------------|------
 *
 * A run of memory that is reported belongs to the part in which it begins, wherever it ends.
 *
 * Several threads each have a part at the same time.
 *
 * Bounds: 2 MiB, and for each thread 140 bytes for each run that touches a part. At most PARTS_RUNS of these begin in it, or
 * those of a single counter.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/mutant.h"
#include "base/share.h"
#include "memory/memory.h"
#include "survey/index.h"
#include "survey/tables.h"

enum {
	PARTS_RUNS = 1 << 18,
	PARTS_RUNS_EACH = 5 << 15, /* with several threads, each of which has a part */
	COUNTERS = 1 << 18,
	COUNTER_LG2 =
		12, /* at first; twice as much whenever an address is beyond the last counter */
};

/* How many runs begin where. Counter n counts those from n << shift on. */
struct counters {
	uint64_t *begin;
	unsigned shift;
	uint64_t runs;
};

static void count(struct counters *counters, pw_pa pa)
{
	while (pa >> counters->shift >= COUNTERS) {
		for (size_t i = 0; i < COUNTERS / 2; i++)
			counters->begin[i] = counters->begin[2 * i] + counters->begin[2 * i + 1];
		for (size_t i = COUNTERS / 2; i < COUNTERS; i++)
			counters->begin[i] = 0;
		counters->shift++;
	}
	counters->begin[pa >> counters->shift]++;
	counters->runs++;
}

static bool has_page(const struct pw_range *range)
{
	return range->status == PW_OK || range->status == PW_PROT_NONE;
}

/*
 * Reads the scan to its end. While runs are few, keeps them in @index; then only counts, and *many becomes true. Returns 0,
 * -ENOMEM or -ECANCELED.
 */
static int take_all(struct pw_scan *scan, size_t few, struct pw_index *index,
		    struct counters *counters, bool *many)
{
	struct pw_range range[256];

	for (size_t n; (n = pw_scan_next(scan, range, sizeof(range) / sizeof(range[0]))) > 0;)
		for (size_t i = 0; i < n; i++) {
			if (!has_page(&range[i]))
				continue;
			count(counters, range[i].pa);
			*many = counters->runs > few;
			if (*many)
				pw_index_clear(index);
			else if (!pw_ranges_add(&index->mapped, &range[i]))
				return -ENOMEM;
		}
	return pw_cancelled(index->cancel) ? -ECANCELED : 0;
}

/* A part of the memory. */
struct part {
	pw_pa first, last;
};

/*
 * The parts, and whose turn it is. Threads read and sort several parts at once, but tell them one after the other, from
 * the lowest on. Of those that read, only the one whose turn is next shows its progress.
 */
struct parts {
	struct pw_scan *scan;
	size_t most;
	pw_alias_fn *alias;
	void *context;
	struct part *part;
	size_t count;
	struct pw_turns turns; /* to tell what was found */
};

/* One thread's work at a part. */
struct work {
	struct parts *parts;
	size_t number;
};

static void show_progress(void *context, const struct pw_scan_state *state)
{
	const struct work *work = context;
	struct parts *parts = work->parts;
	const struct pw_scan_limits *limits = pw_scan_limits(parts->scan);

	pthread_mutex_lock(&parts->turns.lock);
	if (work->number == parts->turns.next)
		limits->progress(limits->progress_context, state);
	pthread_mutex_unlock(&parts->turns.lock);
}

static int take_alias(void *context, const struct pw_alias *alias)
{
	const struct work *work = context;
	const struct parts *parts = work->parts;
	const struct part *part = &parts->part[work->number];

	if (alias->first < part->first && !pw_mutant(PW_MUTANT_PARTS_OVERLAP))
		return 0;
	return alias->first <= part->last ? parts->alias(parts->context, alias) : 0;
}

/* Keeps the runs that touch the part. Returns 0, -ENOMEM or -ECANCELED. */
static int read_part(struct work *work, const struct pw_alias_options *options,
		     struct pw_index *index)
{
	struct pw_scan_limits limits = *pw_scan_limits(work->parts->scan);
	struct pw_scan *again;
	int status;

	if (limits.progress)
		limits.progress = show_progress;
	limits.progress_context = work;
	again = pw_scan_again(work->parts->scan, &limits);
	if (!again)
		return -ENOMEM;
	status = pw_aliases_keep(again, options, index);
	pw_scan_destroy(again);
	return status;
}

/* Reports the aliases that begin in the part. */
static int do_part(void *context, size_t number)
{
	struct parts *parts = context;
	struct work work = { .parts = parts, .number = number };
	const pw_pa wanted[1][2] = { { parts->part[number].first, parts->part[number].last } };
	const struct pw_alias_options options = { .wanted = wanted,
						  .wanted_count = 1,
						  .most = parts->most };
	struct pw_index index = { .cancel = pw_scan_cancel(parts->scan) };
	int status = read_part(&work, &options, &index);

	if (pw_turns_wait(&parts->turns, number)) {
		if (status == 0)
			status = pw_index_aliases(&index, &options, take_alias, &work);
		pw_turns_end(&parts->turns, status);
	}
	pw_index_clear(&index);
	return status;
}

/* Cuts the memory into parts in which at most @few runs begin. Returns 0 or -ENOMEM. */
static int cut_parts(struct parts *parts, size_t few, const struct counters *counters)
{
	size_t last = COUNTERS - 1;
	uint64_t runs = 0;
	pw_pa first = 0;

	/* In two parts side by side begin more runs than @few. */
	parts->part = calloc((size_t)(2 * counters->runs / (few + 1)) + 2, sizeof(*parts->part));
	if (!parts->part)
		return -ENOMEM;
	/* Aliases begin above the last run's begin, too, where another one ends. */
	while (last > 0 && !counters->begin[last])
		last--;
	for (size_t i = 0; i <= last; i++) {
		bool is_last = i == last;
		struct part *part = &parts->part[parts->count];

		runs += counters->begin[i];
		if (!is_last && (runs == 0 || runs + counters->begin[i + 1] <= few))
			continue;
		part->first = first;
		part->last = is_last ? UINT64_MAX : ((pw_pa)(i + 1) << counters->shift) - 1;
		first = part->last + 1;
		parts->count++;
		runs = 0;
	}
	return 0;
}

static int do_parts(struct pw_scan *scan, size_t few, const struct counters *counters, size_t most,
		    pw_alias_fn *alias, void *context)
{
	struct parts parts = { .scan = scan, .most = most, .alias = alias, .context = context };
	int status = cut_parts(&parts, few, counters);

	pw_turns_init(&parts.turns);
	if (status == 0)
		status = pw_share(pw_scan_limits(scan)->threads, parts.count, do_part, &parts);
	pw_turns_clear(&parts.turns);
	free(parts.part);
	return status;
}

int pw_aliases_parts(struct pw_scan *scan, size_t few, size_t most, pw_alias_fn *alias,
		     void *context)
{
	const struct pw_alias_options options = { .most = most };
	struct pw_index index = { .cancel = pw_scan_cancel(scan) };
	struct counters counters = { .begin = calloc(COUNTERS, sizeof(*counters.begin)),
				     .shift = COUNTER_LG2 };
	const size_t each = pw_scan_limits(scan)->threads > 1 && few > PARTS_RUNS_EACH
				    ? PARTS_RUNS_EACH
				    : few;
	bool many = false;
	int status = counters.begin ? take_all(scan, few, &index, &counters, &many) : -ENOMEM;

	if (status == 0 && !many)
		status = pw_index_build(&index);
	if (status == 0)
		status = many ? do_parts(scan, each, &counters, most, alias, context)
			      : pw_index_aliases(&index, &options, alias, context);
	pw_index_clear(&index);
	free(counters.begin);
	return status;
}

int pw_scan_aliases(struct pw_scan *scan, const struct pw_alias_options *options,
		    pw_alias_fn *alias, void *context)
{
	size_t few = PARTS_RUNS, most = options ? options->most : 0;

	if (!scan || !alias || (options && !options->wanted && options->wanted_count > 0))
		return -EINVAL;
	for (size_t i = 0; options && i < options->wanted_count; i++)
		if (options->wanted[i][0] > options->wanted[i][1])
			return -EINVAL;
	if (options && options->wanted_count > 0)
		return pw_aliases_sought(scan, options, alias, context);
	/* Memory that is copied costs more to read again, and a scan that has begun cannot begin again. */
	if (!pw_scan_is_fresh(scan))
		few = SIZE_MAX;
	return pw_aliases_parts(scan, few, most, alias, context);
}
