/* SPDX-License-Identifier: MIT */
/*
 * Many addresses at once. A single walk is a chain of dependent cache misses. Here walks follow one
 * another through three stages, and an entry is prefetched a stage before it is loaded, so that the
 * misses of many walks overlap with each other and with the work on the rest:
 *
 *   address i                 from the root to level 2; prefetch the entry of level 1
 *   address i - PW_AHEAD      on through level 1; prefetch the entry of level 0
 *   address i - 2 * PW_AHEAD  to the end
 *
 * Tables of level 2 and above are few, and in the cache after a few walks. Addresses come in blocks,
 * and a block's prefetches in a loop of their own: a prefetch does not wait for its line, but it does
 * wait until the host's MMU has translated its address, and only side by side do several of them fit
 * into the reorder buffer. Larger blocks are better for tables on small host pages, and smaller ones
 * where translating is cheap, because they spread the misses. Nothing is kept beyond the call.
 */
#ifndef PW_WALK_MANY_H
#define PW_WALK_MANY_H

#include "walk/translate.h"

enum { PW_BLOCK = 8, PW_AHEAD = 24, PW_LANES = 64 };
_Static_assert(PW_LANES % PW_BLOCK == 0 && PW_AHEAD % PW_BLOCK == 0 &&
		       2 * PW_AHEAD + PW_BLOCK <= PW_LANES,
	       "blocks do not straddle the ring's end, and stages have lanes of their own");

/* One walk, between two stages. */
struct pw_lane {
	const unsigned char *host; /* the next entry, NULL once the walk has ended */
	struct pw_table_at
		here; /* the table that it is in; set as a whole only if pw_lane_is_whole */
};

/*
 * Does the format need all of `here` at the next stage? Most need only the permissions: the entry is found, the
 * level is that of the stage, and its numbers are the format's.
 */
PW_INLINE bool pw_lane_is_whole(const struct pw_format *f)
{
	return f->dynamic_top || f->admits || f->next_bits || f->next_level;
}

/* A lane for the next stage: that of @host, an entry of @here. */
PW_INLINE void pw_lane_set(const struct pw_format *f, struct pw_lane *lane,
			   const unsigned char *host, const struct pw_table_at *here)
{
	lane->host = host;
	if (pw_lane_is_whole(f))
		lane->here = *here;
	else
		lane->here.keep = here->keep;
}

/* The table of a lane at the stage of @level. */
PW_INLINE struct pw_table_at pw_lane_table(const struct pw_format *f, const struct pw_lane *lane,
					   unsigned level)
{
	if (pw_lane_is_whole(f))
		return lane->here;
	return (struct pw_table_at){
		.keep = lane->here.keep,
		.level = (uint8_t)level,
		.shift = f->shift[level],
		.bits = f->bits[level],
	};
}

/* The place of the entry of @here that @va selects. NULL, with a result, if there is no such entry. */
PW_INLINE const unsigned char *pw_lane_aim(const struct pw_format *f, const struct pw_access *a,
					   void *context, const struct pw_regime *r, unsigned level,
					   pw_va va, const struct pw_table_at *here,
					   struct pw_result *result)
{
	struct pw_slots slots = { .entries = 1 };
	enum pw_status status = pw_turn_open(f, a, context, r, level, here, va, &slots);
	struct pw_turn turn;

	if (PW_LIKELY(status == PW_OK))
		return slots.host;
	turn = pw_turn_refused(f, level, here, status);
	pw_result_fill(&turn, va, result);
	return NULL;
}

/*
 * Loads and decides the entry of @level at @host, which stands in *here. Returns the place of the next entry, and
 * *here is then the table that it stands in; or NULL, with a result: the walk has ended.
 */
PW_INLINE const unsigned char *pw_lane_step(const struct pw_format *f, const struct pw_access *a,
					    void *context, const struct pw_regime *r,
					    unsigned level, pw_va va, const unsigned char *host,
					    struct pw_table_at *here, struct pw_result *result)
{
	struct pw_turn turn = pw_turn_decide(f, r, level, here, va,
					     pw_entry_load(f, a, context, host, 0));

	if (pw_turn_descends(&turn)) {
		*here = turn.below;
		return pw_lane_aim(f, a, context, r, turn.below.level, va, here, result);
	}
	pw_result_fill(&turn, va, result);
	return NULL;
}

/* Is a lane aimed at an entry of @level? It is at one of this level or below, or has ended. */
PW_INLINE bool pw_lane_is_at(const struct pw_format *f, const struct pw_lane *lane, unsigned level)
{
	return lane->host && (!f->dynamic_top || lane->here.level == level);
}

/* From the root to level 2. */
PW_INLINE void pw_lane_start(const struct pw_format *f, const struct pw_access *a, void *context,
			     const struct pw_regime *r, pw_va va, struct pw_lane *lane,
			     struct pw_result *result)
{
	const struct pw_span *span = pw_span_find(r, va);
	struct pw_turn nowhere = pw_turn_nowhere(f);
	const unsigned char *host;
	struct pw_table_at here;

	if (PW_UNLIKELY(!span)) {
		lane->host = NULL;
		pw_result_fill(&nowhere, va, result);
		return;
	}
	here = pw_table_top(f, span);
	host = pw_lane_aim(f, a, context, r, here.level, va, &here, result);
	PW_UNROLL
	for (unsigned level = f->levels - 1u; level > 1; level--)
		if (PW_LIKELY(host && (!f->dynamic_top || here.level == level)))
			host = pw_lane_step(f, a, context, r, level, va, host, &here, result);
	pw_lane_set(f, lane, host, &here);
}

/* The stage of @level, if the lane is there. */
PW_INLINE void pw_lane_stage(const struct pw_format *f, const struct pw_access *a, void *context,
			     const struct pw_regime *r, unsigned level, pw_va va,
			     struct pw_lane *lane, struct pw_result *result)
{
	struct pw_table_at here;
	const unsigned char *host;

	if (PW_UNLIKELY(!pw_lane_is_at(f, lane, level)))
		return;
	here = pw_lane_table(f, lane, level);
	host = pw_lane_step(f, a, context, r, level, va, lane->host, &here, result);
	if (level > 0)
		pw_lane_set(f, lane, host, &here);
}

/* Addresses of the block at @first, which may be beyond the end, or wrapped around below 0. */
PW_INLINE size_t pw_block(size_t first, size_t count)
{
	if (first >= count)
		return 0;
	return count - first < PW_BLOCK ? count - first : PW_BLOCK;
}

/* Only for accesses whose open() leaves the host of other lanes valid: direct. */
PW_INLINE size_t pw_walk_many(const struct pw_format *f, const struct pw_access *a, void *context,
			      const struct pw_regime *r, const pw_va *va, size_t count,
			      struct pw_result *result)
{
	struct pw_lane lanes[PW_LANES];
	size_t found = 0;

	PW_MUST_BE_CONSTANT(f->shift[0]);
	for (size_t first = 0; first < count + 2 * (size_t)PW_AHEAD; first += PW_BLOCK) {
		size_t middle = first - PW_AHEAD, last = middle - PW_AHEAD;
		struct pw_lane *lane = &lanes[last % PW_LANES];

		for (size_t i = 0, n = pw_block(last, count); i < n; i++) {
			pw_lane_stage(f, a, context, r, 0, va[last + i], &lane[i],
				      &result[last + i]);
			found += result[last + i].status == PW_OK;
		}
		lane = &lanes[middle % PW_LANES];
		for (size_t i = 0, n = pw_block(middle, count); i < n; i++)
			pw_lane_stage(f, a, context, r, 1, va[middle + i], &lane[i],
				      &result[middle + i]);
		for (size_t i = 0, n = pw_block(middle, count); i < n; i++)
			__builtin_prefetch(lane[i].host);
		lane = &lanes[first % PW_LANES];
		for (size_t i = 0, n = pw_block(first, count); i < n; i++)
			pw_lane_start(f, a, context, r, va[first + i], &lane[i],
				      &result[first + i]);
		for (size_t i = 0, n = pw_block(first, count); i < n; i++)
			__builtin_prefetch(lane[i].host);
	}
	return found;
}

#endif
