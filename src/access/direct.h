/* SPDX-License-Identifier: MIT */
/*
 * Access to mapped memory: an entry is loaded where it stands, while others may be storing to it.
 */
#ifndef PW_ACCESS_DIRECT_H
#define PW_ACCESS_DIRECT_H

#include "access/access.h"

/* Context. Segments are sorted, disjoint, mapped, and aligned to 8 bytes like their address. */
struct pw_direct {
	const struct pw_segment *segments;
	size_t count; /* at least 1 */
};

PW_INLINE bool pw_direct_open(void *context, unsigned level, pw_pa pa, size_t unit, size_t *bytes,
			      const unsigned char **host)
{
	const struct pw_direct *direct = context;
	const struct pw_segment *segment = direct->segments;
	uint64_t rest;

	(void)level;
	/* Most memories are one segment, or have their tables in the first. */
	if (PW_UNLIKELY(pa - segment->first > segment->last - segment->first)) {
		segment = pw_segment_find(segment, direct->count, pa);
		if (!segment)
			return false;
	}
	rest = segment->last - pa;
	if (PW_UNLIKELY(rest < unit - 1))
		return false;
	if (rest < *bytes - 1)
		*bytes = (size_t)rest + 1;
	*host = (const unsigned char *)segment->host + (size_t)(pa - segment->first);
	return true;
}

PW_INLINE uint64_t pw_direct_load(void *context, const unsigned char *host, pw_pa pa,
				  unsigned entry_lg2)
{
	(void)context;
	(void)pa;
	if (entry_lg2 == 2)
		return __atomic_load_n((const uint32_t *)(const void *)host, __ATOMIC_RELAXED);
	/* 64-bit even on 32-bit hosts (i586: fild or movq; armv7: ldrd/ldrexd): never in halves. */
	return __atomic_load_n((const uint64_t *)(const void *)host, __ATOMIC_RELAXED);
}

static const struct pw_access pw_direct_access = {
	.open = pw_direct_open,
	.load = pw_direct_load,
};

#endif
