/* SPDX-License-Identifier: MIT */
/*
 * Access to memory that is copied, a piece of a table at a time. There is one buffer per level, so that a
 * walk of a whole table costs one fetch for each 4 KiB of it, and needs no allocation.
 */
#ifndef PW_ACCESS_FETCHED_H
#define PW_ACCESS_FETCHED_H

#include <string.h>

#include "access/access.h"

enum { PW_FETCH_BYTES = 4096 };

/* The context of one walk; about 24 KiB, meant for the stack. */
struct pw_fetched {
	pw_fetch_fn *fetch;
	void *context;
	unsigned char buffer[PW_MAX_LEVELS][PW_FETCH_BYTES] __attribute__((aligned(8)));
};

static inline bool pw_fetched_open(void *context, unsigned level, pw_pa pa, size_t unit,
				   size_t *bytes, const unsigned char **host)
{
	struct pw_fetched *fetched = context;
	/* Up to the next multiple of the buffer's size, because sources have whole pages. */
	size_t piece = PW_FETCH_BYTES - (size_t)(pa % PW_FETCH_BYTES);

	if (piece > *bytes)
		piece = *bytes;
	*host = fetched->buffer[level];
	*bytes = piece;
	if (fetched->fetch(fetched->context, pa, fetched->buffer[level], piece) == 0)
		return true;
	*bytes = unit;
	return piece > unit &&
	       fetched->fetch(fetched->context, pa, fetched->buffer[level], unit) == 0;
}

static inline uint64_t pw_fetched_load(void *context, const unsigned char *host, pw_pa pa,
				       unsigned entry_lg2)
{
	uint64_t raw = 0;
	uint32_t raw32;

	(void)context;
	(void)pa;
	if (entry_lg2 == 2) {
		memcpy(&raw32, host, sizeof(raw32));
		return raw32;
	}
	memcpy(&raw, host, sizeof(raw));
	return raw;
}

static const struct pw_access pw_fetched_access = {
	.open = pw_fetched_open,
	.load = pw_fetched_load,
	.run = pw_run_length,
};

#endif
