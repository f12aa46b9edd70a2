/* SPDX-License-Identifier: MIT */
/*
 * Aliases of some physical memory: as pw_index_aliases(), but of a scan's runs only those are kept that touch the
 * memory that is asked for.
 *
 * What is reported are runs of memory between two cuts: places where any run begins or ends. A run that is not kept
 * can make such a cut, too:
 *
 *   runs        |---------------------------|
 *               |---------|                        not kept
 *                         |------------------------------|
 *   asked for                      #####
 *   reported              |-----------------|
 *
 * So the nearest cuts below and above each wanted range are remembered, and what is kept is cropped to these.
 *
 * Bounds: 100 bytes for each run that touches a wanted range, and 32 bytes for each of these.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/join.h"
#include "base/mutant.h"
#include "survey/index.h"
#include "survey/tables.h"

/* A wanted range. They are sorted, and neither overlap nor adjoin. */
struct sought {
	pw_pa first, last;
	pw_pa low; /* the highest cut that is not above first */
	pw_pa high; /* the address before the lowest cut above last */
};

struct seeker {
	struct sought *sought;
	size_t count;
	struct pw_ranges kept;
};

/* Joins the wanted ranges. Returns 0 or -ENOMEM. */
static int begin(struct seeker *seeker, const struct pw_alias_options *options)
{
	uint64_t(*range)[2] = calloc(options->wanted_count, sizeof(*range));
	struct sought *sought = calloc(options->wanted_count, sizeof(*sought));
	size_t count = 0;

	if (range && sought) {
		memcpy(range, options->wanted, options->wanted_count * sizeof(*range));
		count = pw_join(range, options->wanted_count);
	}
	for (size_t i = 0; i < count; i++)
		sought[i] = (struct sought){
			.first = range[i][0],
			.last = range[i][1],
			.high = UINT64_MAX,
		};
	free(range);
	seeker->sought = sought;
	seeker->count = count;
	return count > 0 ? 0 : -ENOMEM;
}

/* The first wanted range that ends at @pa or above it; seeker->count if there is none. */
static size_t find(const struct seeker *seeker, pw_pa pa)
{
	size_t low = 0, end = seeker->count;

	while (low < end) {
		size_t middle = low + (end - low) / 2;

		if (seeker->sought[middle].last < pa)
			low = middle + 1;
		else
			end = middle;
	}
	return low;
}

/* Notes a cut between @pa - 1 and @pa. @at is find(pa). */
static void cut(struct seeker *seeker, pw_pa pa, size_t at)
{
	struct sought *sought = seeker->sought;

	/* Those before `at` end below the cut. If it is within `at`, the run is kept. */
	if (at > 0 && pa - 1 < sought[at - 1].high)
		sought[at - 1].high = pa - 1;
	if (at < seeker->count && pa > sought[at].first)
		at++;
	if (at < seeker->count && pa > sought[at].low)
		sought[at].low = pa;
}

static bool take(struct seeker *seeker, const struct pw_range *range)
{
	const pw_pa last = pw_range_pa_last(range);
	size_t at;

	/* Nearly all runs, if a single range is wanted: there are nearer cuts already. */
	if (seeker->count == 1 && (last < seeker->sought->low || range->pa > seeker->sought->high))
		return true;
	at = find(seeker, range->pa);
	if (!pw_mutant(PW_MUTANT_CUT_UNSEEN)) {
		cut(seeker, range->pa, at);
		if (last != UINT64_MAX)
			cut(seeker, last + 1, find(seeker, last + 1));
	}
	return at == seeker->count || seeker->sought[at].first > last ||
	       pw_ranges_add(&seeker->kept, range);
}

static int take_all(struct seeker *seeker, struct pw_scan *scan)
{
	struct pw_range range[256];

	for (size_t n; (n = pw_scan_next(scan, range, sizeof(range) / sizeof(range[0]))) > 0;)
		for (size_t i = 0; i < n; i++)
			if ((range[i].status == PW_OK || range[i].status == PW_PROT_NONE) &&
			    !take(seeker, &range[i]))
				return -ENOMEM;
	return pw_cancelled(pw_scan_cancel(scan)) ? -ECANCELED : 0;
}

/* Makes hulls of the wanted ranges: from cut to cut, and joined where they overlap. */
static void widen(struct seeker *seeker)
{
	struct sought *sought = seeker->sought;
	size_t count = 0;

	/* A cut was noted at the nearest range only; it counts for all those beyond. */
	for (size_t i = 1; i < seeker->count; i++)
		if (sought[i].low < sought[i - 1].low)
			sought[i].low = sought[i - 1].low;
	for (size_t i = seeker->count; i-- > 1;)
		if (sought[i - 1].high > sought[i].high)
			sought[i - 1].high = sought[i].high;
	for (size_t i = 0; i < seeker->count; i++) {
		if (count > 0 && sought[i].low <= sought[count - 1].last) {
			sought[count - 1].last = sought[i].high;
			continue;
		}
		sought[count++] = (struct sought){ .first = sought[i].low, .last = sought[i].high };
	}
	seeker->count = count;
}

/* Crops what was kept to the hulls; a run can be in several, if there are several. Returns 0 or -ENOMEM. */
static int crop(struct seeker *seeker, struct pw_ranges *parts)
{
	if (seeker->count == 1) {
		for (size_t i = 0; i < seeker->kept.count; i++)
			seeker->kept.range[i] = pw_range_crop(&seeker->kept.range[i],
							      seeker->sought[0].first,
							      seeker->sought[0].last);
		*parts = seeker->kept;
		seeker->kept = (struct pw_ranges){ 0 };
		return 0;
	}
	for (size_t i = 0; i < seeker->kept.count; i++) {
		const struct pw_range *range = &seeker->kept.range[i];
		const pw_pa last = pw_range_pa_last(range);

		for (size_t at = find(seeker, range->pa);
		     at < seeker->count && seeker->sought[at].first <= last; at++) {
			struct pw_range part = pw_range_crop(range, seeker->sought[at].first,
							     seeker->sought[at].last);

			if (!pw_ranges_add(parts, &part))
				return -ENOMEM;
		}
	}
	return 0;
}

int pw_aliases_keep(struct pw_scan *scan, const struct pw_alias_options *options,
		    struct pw_index *index)
{
	struct seeker seeker = { .count = 0 };
	int status = begin(&seeker, options);

	if (status == 0)
		status = take_all(&seeker, scan);
	if (status == 0) {
		widen(&seeker);
		status = crop(&seeker, &index->mapped);
	}
	free(seeker.sought);
	free(seeker.kept.range);
	return status ? status : pw_index_build(index);
}

int pw_aliases_sought(struct pw_scan *scan, const struct pw_alias_options *options,
		      pw_alias_fn *alias, void *context)
{
	struct pw_index index = { .cancel = pw_scan_cancel(scan) };
	int status = pw_aliases_keep(scan, options, &index);

	if (status == 0)
		status = pw_index_aliases(&index, options, alias, context);
	pw_index_clear(&index);
	return status;
}
