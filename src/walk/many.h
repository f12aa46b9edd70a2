/* SPDX-License-Identifier: MIT */
/*
 * Many addresses at once. A single walk is a chain of dependent cache misses; here a group of walks
 * goes down together, level by level, and each entry is prefetched one round before it is loaded, so
 * that the misses of a whole group overlap. Nothing is kept from group to group.
 */
#ifndef PW_WALK_MANY_H
#define PW_WALK_MANY_H

#include "walk/translate.h"

enum { PW_GROUP = 32 };

/* One walk of a group, between two levels. */
struct pw_lane {
	const unsigned char *host; /* the next entry, NULL once the walk has ended */
	struct pw_table_at here;
	uint64_t entry;
};

/* Aims a lane at its entry of @level and starts the miss; or ends it, if there is no such entry. */
PW_INLINE void pw_lane_aim(const struct pw_format *f, const struct pw_access *a, void *context,
			   const struct pw_regime *r, unsigned level, const struct pw_span *span,
			   pw_va va, struct pw_lane *lane, struct pw_result *result)
{
	size_t bytes = pw_entry_bytes(f);
	uint32_t index = pw_index(va, lane->here.shift, lane->here.bits);
	enum pw_status status = PW_OK;

	if (!pw_index_admitted(f, r, span, level, lane->entry, index))
		status = PW_LENGTH;
	else if (!a->open(context, level, pw_entry_address(f, lane->here.table, index), bytes,
			  &bytes, &lane->host))
		status = PW_OUTSIDE;
	if (PW_UNLIKELY(status != PW_OK)) {
		lane->host = NULL;
		pw_result_hole(status, level, lane->here.shift, lane->entry, 0, va, result);
		return;
	}
	__builtin_prefetch(lane->host);
}

/* Loads and decides a lane's entry of @level; a lane that ended has host NULL afterwards. */
PW_INLINE void pw_lane_step(const struct pw_format *f, const struct pw_access *a, void *context,
			    const struct pw_regime *r, unsigned level, const struct pw_span *span,
			    pw_va va, struct pw_lane *lane, struct pw_result *result)
{
	uint64_t entry = pw_entry_load(f, a, context, lane->host, 0);
	enum pw_kind kind = f->kind(r, level, entry);
	enum pw_status status;
	unsigned lg2;
	pw_pa page = 0;

	if (kind == PW_TABLE) {
		lane->entry = entry;
		lane->here = pw_table_below(f, r, level, entry, lane->here.keep);
		if (pw_table_beyond(f, level, &lane->here, va)) {
			lane->host = NULL;
			pw_result_hole(PW_LENGTH, level, f->shift[level], entry, 0, va, result);
			return;
		}
		pw_lane_aim(f, a, context, r, lane->here.level, span, va, lane, result);
		return;
	}
	lane->host = NULL;
	if (PW_LIKELY(kind == PW_LEAF)) {
		pw_result_leaf(f, r, level, lane->here.shift, entry, lane->here.keep, va, result);
		return;
	}
	status = pw_hole_status(f, r, level, lane->here.shift, entry, &page, &lg2);
	pw_result_hole(status, level, lg2, entry, page, va, result);
}

/* Only for accesses whose open() leaves the host of other lanes valid: direct. */
PW_INLINE size_t pw_walk_many(const struct pw_format *f, const struct pw_access *a, void *context,
			      const struct pw_regime *r, const pw_va *va, size_t count,
			      struct pw_result *result)
{
	struct pw_lane lane[PW_GROUP];
	const struct pw_span *span[PW_GROUP];
	size_t found = 0;

	PW_MUST_BE_CONSTANT(f->shift[0]);
	for (size_t done = 0; done < count; done += PW_GROUP) {
		size_t n = count - done < PW_GROUP ? count - done : PW_GROUP;

		for (size_t i = 0; i < n; i++) {
			span[i] = pw_span_find(r, va[done + i]);
			lane[i].host = NULL;
			lane[i].entry = 0;
			if (PW_UNLIKELY(!span[i])) {
				pw_result_hole(PW_NOT_CANONICAL, f->levels - 1u, 64, 0, 0,
					       va[done + i], &result[done + i]);
				continue;
			}
			lane[i].here = pw_table_top(f, span[i]);
			pw_lane_aim(f, a, context, r, lane[i].here.level, span[i], va[done + i],
				    &lane[i], &result[done + i]);
		}
		PW_UNROLL
		for (unsigned level = f->levels; level-- > 0;) {
			/* Every lane with a host is aimed at an entry of this level or below. */
			for (size_t i = 0; i < n; i++) {
				if (!lane[i].host ||
				    (f->dynamic_top && lane[i].here.level != level))
					continue;
				pw_lane_step(f, a, context, r, level, span[i], va[done + i],
					     &lane[i], &result[done + i]);
			}
		}
		for (size_t i = 0; i < n; i++)
			found += result[done + i].status == PW_OK;
	}
	return found;
}

#endif
