/* SPDX-License-Identifier: MIT */
/*
 * Access, by calls, to memory that is copied, a piece of a table at a time. There is one buffer per level, so that a
 * walk of a whole table costs one fetch for each 4 KiB of it, and needs no allocation.
 */
#ifndef PW_ACCESS_FETCHED_H
#define PW_ACCESS_FETCHED_H

#include "access/called.h"

enum { PW_FETCH_BYTES = 4096 };

/* For one walk; about 24 KiB, meant for the stack. */
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

static inline struct pw_called pw_called_fetched(struct pw_fetched *fetched)
{
	return (struct pw_called){ .context = fetched, .open = pw_fetched_open };
}

#endif
