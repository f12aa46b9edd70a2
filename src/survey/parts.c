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
 * Bounds: 2 MiB, and 140 bytes for each run that touches a part. At most PARTS_RUNS of these begin in it, or those of a
 * single counter.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/mutant.h"
#include "memory/memory.h"
#include "survey/index.h"
#include "survey/tables.h"

enum {
	PARTS_RUNS = 1 << 18,
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

/* A part of the memory, and where the aliases in it go. */
struct part {
	pw_pa first, last;
	pw_alias_fn *alias;
	void *context;
};

static int take_alias(void *context, const struct pw_alias *alias)
{
	const struct part *part = context;

	if (alias->first < part->first && !pw_mutant(PW_MUTANT_PARTS_OVERLAP))
		return 0;
	return alias->first <= part->last ? part->alias(part->context, alias) : 0;
}

/* Reports the aliases that begin in the part. */
static int do_part(struct pw_scan *scan, struct part *part, size_t most)
{
	const pw_pa wanted[1][2] = { { part->first, part->last } };
	const struct pw_alias_options options = { .wanted = wanted,
						  .wanted_count = 1,
						  .most = most };
	struct pw_scan *again = pw_scan_again(scan);
	int status;

	if (!again)
		return -ENOMEM;
	status = pw_aliases_sought(again, &options, take_alias, part);
	pw_scan_destroy(again);
	return status;
}

static int do_parts(struct pw_scan *scan, size_t few, const struct counters *counters, size_t most,
		    pw_alias_fn *alias, void *context)
{
	struct part part = { .alias = alias, .context = context };
	size_t last = COUNTERS - 1;
	uint64_t runs = 0;

	/* Aliases begin above the last run's begin, too, where another one ends. */
	while (last > 0 && !counters->begin[last])
		last--;
	for (size_t i = 0; i <= last; i++) {
		bool is_last = i == last;
		int status;

		runs += counters->begin[i];
		if (!is_last && (runs == 0 || runs + counters->begin[i + 1] <= few))
			continue;
		part.last = is_last ? UINT64_MAX : ((pw_pa)(i + 1) << counters->shift) - 1;
		status = do_part(scan, &part, most);
		if (status)
			return status;
		part.first = part.last + 1;
		runs = 0;
	}
	return 0;
}

int pw_aliases_parts(struct pw_scan *scan, size_t few, size_t most, pw_alias_fn *alias,
		     void *context)
{
	const struct pw_alias_options options = { .most = most };
	struct pw_index index = { .cancel = pw_scan_cancel(scan) };
	struct counters counters = { .begin = calloc(COUNTERS, sizeof(*counters.begin)),
				     .shift = COUNTER_LG2 };
	bool many = false;
	int status = counters.begin ? take_all(scan, few, &index, &counters, &many) : -ENOMEM;

	if (status == 0 && !many)
		status = pw_index_build(&index);
	if (status == 0)
		status = many ? do_parts(scan, few, &counters, most, alias, context)
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
