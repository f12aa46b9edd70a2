/* SPDX-License-Identifier: MIT */
/*
 * Access that calls a function at every load. Tests use it to count the loads of an entry, and to change
 * tables between two loads; the laboratory schedules its threads there.
 */
#ifndef PW_ACCESS_HOOKED_H
#define PW_ACCESS_HOOKED_H

#include "access/called.h"

/* For one walk. */
struct pw_hook {
	/* Does this memory have @bytes bytes at @pa? */
	bool (*has)(struct pw_hook *hook, pw_pa pa, size_t bytes);
	/* Loads the entry, in the memory's byte order. */
	uint64_t (*load)(struct pw_hook *hook, pw_pa pa, unsigned entry_lg2);
};

static inline bool pw_hooked_open(void *context, unsigned level, pw_pa pa, size_t unit,
				  size_t *bytes, const unsigned char **host)
{
	struct pw_hook *hook = context;

	(void)level;
	*host = NULL;
	if (hook->has(hook, pa, *bytes))
		return true;
	*bytes = unit;
	return hook->has(hook, pa, unit);
}

static inline uint64_t pw_hooked_load(void *context, const unsigned char *host, pw_pa pa,
				      unsigned entry_lg2)
{
	struct pw_hook *hook = context;

	(void)host;
	return hook->load(hook, pa, entry_lg2);
}

static inline struct pw_called pw_called_hooked(struct pw_hook *hook)
{
	return (struct pw_called){
		.context = hook,
		.open = pw_hooked_open,
		.load = pw_hooked_load,
	};
}

#endif
