/* SPDX-License-Identifier: MIT */
/*
 * Access to mapped memory: an entry is loaded in place, while others may be storing to it.
 */
#ifndef PW_ACCESS_DIRECT_H
#define PW_ACCESS_DIRECT_H

#include "access/access.h"
#include "base/tsan.h"

/*
 * The memory. Segments are sorted, disjoint and mapped; host and physical addresses are aligned to 8 bytes.
 *
 * Most memories are one segment, or have nearly all tables in one. So a load tries one segment, the main one,
 * before any search.
 */
struct pw_direct {
	pw_pa first; /* of the main segment */
	uint64_t room; /* offset of the last 8 bytes in it */
	const unsigned char *host;
	const struct pw_segment *segments;
	size_t count;
};

/* The main segment is the largest one. Without segments, all loads fail. */
static inline struct pw_direct pw_direct_of(const struct pw_segment *segments, size_t count)
{
	/* An address that no entry can have: also if no segment has room for an entry. */
	struct pw_direct direct = { .first = ~UINT64_C(0), .segments = segments, .count = count };

	for (size_t i = 0; i < count; i++) {
		uint64_t reach = segments[i].last - segments[i].first;

		if (reach < 7 || (direct.host && reach - 7 <= direct.room))
			continue;
		direct.first = segments[i].first;
		direct.room = reach - 7;
		direct.host = segments[i].host;
	}
	return direct;
}

static inline bool pw_direct_open(void *context, unsigned level, pw_pa pa, size_t unit,
				  size_t *bytes, const unsigned char **host)
{
	const struct pw_direct *direct = context;
	uint64_t offset = pa - direct->first, rest = direct->room + 7 - offset;

	(void)level;
	/* Computed as a number: outside the segment the result is not a valid pointer, and is not used. */
	*host = (const unsigned char *)((uintptr_t)direct->host + (size_t)offset);
	if (PW_UNLIKELY(offset > direct->room)) {
		const struct pw_segment *segment = pw_segment_find(direct->segments, direct->count,
								   pa);

		if (!segment)
			return false;
		rest = segment->last - pa;
		if (rest < unit - 1)
			return false;
		*host = (const unsigned char *)segment->host + (size_t)(pa - segment->first);
	}
	if (rest < *bytes - 1)
		*bytes = (size_t)rest + 1;
	return true;
}

static inline uint64_t pw_direct_load(void *context, const unsigned char *host, pw_pa pa,
				      unsigned entry_lg2)
{
	(void)context;
	(void)pa;
	if (entry_lg2 == 2)
		return __atomic_load_n((const uint32_t *)(const void *)host, PW_ORDER_DEPENDENT);
	/* One 64-bit load even on 32-bit hosts (i586: fild or movq; armv7: ldrd/ldrexd), never two halves. */
	return __atomic_load_n((const uint64_t *)(const void *)host, PW_ORDER_DEPENDENT);
}

static inline size_t pw_direct_run(void *context, const unsigned char *host, size_t count,
				   unsigned entry_lg2, bool big_endian, uint64_t first,
				   uint64_t stride)
{
	(void)context;
	return pw_run_length(host, count, entry_lg2, big_endian, first, stride);
}

static inline size_t pw_direct_scatter(void *context, const struct pw_scatter *scatter,
				       const unsigned char *host, size_t count,
				       struct pw_scatter_at *at)
{
	(void)context;
	return pw_scatter(scatter, host, count, at);
}

static const struct pw_access pw_direct_access = {
	.open = pw_direct_open,
	.load = pw_direct_load,
	.run = pw_direct_run,
	.scatter = pw_direct_scatter,
};

/*
 * Near access: as direct, in the main segment alone; whatever is elsewhere is not there. For walks that begin
 * again with direct access then. Nothing here calls or searches, so such a walk is short.
 */
static inline bool pw_near_open(void *context, unsigned level, pw_pa pa, size_t unit, size_t *bytes,
				const unsigned char **host)
{
	const struct pw_direct *near = context;
	uint64_t offset = pa - near->first;

	(void)level;
	*bytes = unit;
	/* Computed as a number: outside the segment the result is not a valid pointer, and is not used. */
	*host = (const unsigned char *)((uintptr_t)near->host + (size_t)offset);
	return PW_LIKELY(offset <= near->room);
}

static const struct pw_access pw_near_access = {
	.open = pw_near_open,
	.load = pw_direct_load,
};

#endif
