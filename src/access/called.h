/* SPDX-License-Identifier: MIT */
/*
 * Access by functions that are known at run time. A walker for it is compiled once for each format, whatever the memory:
 * compile time counts, and copying a piece of a table or calling a hook takes longer than the call.
 */
#ifndef PW_ACCESS_CALLED_H
#define PW_ACCESS_CALLED_H

#include "access/direct.h"

/* The context of one walk: the functions of a struct pw_access, and theirs. */
struct pw_called {
	void *context;
	bool (*open)(void *context, unsigned level, pw_pa pa, size_t unit, size_t *bytes,
		     const unsigned char **host);
	/* NULL: entries are loaded from where open() says. */
	uint64_t (*load)(void *context, const unsigned char *host, pw_pa pa, unsigned entry_lg2);
};

static inline bool pw_called_open(void *context, unsigned level, pw_pa pa, size_t unit,
				  size_t *bytes, const unsigned char **host)
{
	const struct pw_called *called = context;

	return called->open(called->context, level, pa, unit, bytes, host);
}

static inline uint64_t pw_called_load(void *context, const unsigned char *host, pw_pa pa,
				      unsigned entry_lg2)
{
	const struct pw_called *called = context;

	if (PW_UNLIKELY(called->load))
		return called->load(called->context, host, pa, entry_lg2);
	return pw_direct_load(NULL, host, pa, entry_lg2);
}

static inline size_t pw_called_run(void *context, const unsigned char *host, size_t count,
				   unsigned entry_lg2, bool big_endian, uint64_t first,
				   uint64_t stride)
{
	const struct pw_called *called = context;

	return called->load ? 0 : pw_run_length(host, count, entry_lg2, big_endian, first, stride);
}

static inline size_t pw_called_scatter(void *context, const struct pw_scatter *scatter,
				       const unsigned char *host, size_t count,
				       struct pw_scatter_at *at)
{
	const struct pw_called *called = context;

	return called->load ? 0 : pw_scatter(scatter, host, count, at);
}

static const struct pw_access pw_called_access = {
	.open = pw_called_open,
	.load = pw_called_load,
	.run = pw_called_run,
	.scatter = pw_called_scatter,
};

/* Mapped memory by calls: for what is asked too rarely to be compiled for direct access as well. */
static inline struct pw_called pw_called_direct(const struct pw_direct *direct)
{
	return (struct pw_called){
		.context = (void *)(uintptr_t)direct, /* which is only read */
		.open = pw_direct_open,
	};
}

#endif
