/* SPDX-License-Identifier: MIT */
/*
 * Mutants: each breaks one rule that the code depends on, and a named test must then fail
 * (tests/mutants). A rule whose mutant survives is not tested.
 *
 * To add a mutant, add a line to the list (base/mutants.h), an `if (pw_mutant(...))` where the rule
 * stands, and a line in tests/mutants/meson.build that names the test. `make mutants` reports mutants
 * without a test.
 */
#ifndef PW_BASE_MUTANT_H
#define PW_BASE_MUTANT_H

#include <stdbool.h>
#include <stdint.h>

/* Moments at which a rule decides between a right and a wrong outcome. */
enum pw_moment {
	PW_MOMENT_FOLIO_FOUND, /* a frame's folio was looked up, and is not taken yet */
	PW_MOMENT_FOLIO_TAKEN, /* it was taken, and not looked at again yet */
	PW_MOMENT_FOLIO_LOOK, /* a frame's folio was looked up, and its counts are not read yet */
	PW_MOMENT_FOLIO_NEW, /* frames are no longer free, and not yet a folio */
	PW_MOMENT_SPLIT, /* one part of a folio can be taken, and the next one cannot yet */
	PW_MOMENT_SPLITTING, /* nobody can take the folio, and its pages still belong to it */
	PW_MOMENT_SHARE, /* a page is going to be shared, and is still exclusive */
	PW_MOMENT_TABLE_FOUND, /* an entry led to a table, and nothing was loaded from it yet */
	PW_MOMENT_LEAF_LOADED, /* a leaf was loaded, and its page is not computed yet */
	PW_MOMENT_MARKS_SETTLED, /* every earlier mark is visible, and the waiter has not looked yet */
	PW_MOMENT_TRY, /* memory is going to be allocated */
	PW_MOMENT_NO_MEMORY, /* there was no memory for a table */
	PW_MOMENT_TABLE_NEW, /* a table was allocated, and nothing leads to it yet */
	PW_MOMENT_GROUP_FOUND, /* a contiguous group is going to be broken up, and is still whole */
	PW_MOMENT_SETTLE, /* a full barrier: all earlier stores are visible from here on */
	PW_MOMENT_TOP_NEW, /* a higher top is complete, and nothing leads to it yet */
	PW_MOMENTS, /* how many there are */
};

#ifdef PW_MUTANTS_BUILD
#include "base/mutants.h"

/* The mutant that is on. Tests set it before they start any thread. */
extern enum pw_mutant pw_mutant_chosen;
/* Called at each moment, if set. A test does there what another thread might do. */
extern void (*pw_moment_hook)(enum pw_moment moment);
/*
 * Called in place of each store to an entry, if set. It keeps the store back, as a processor's store
 * buffer does, until PW_MOMENT_SETTLE at the latest. @raw is in the byte order of the memory. The symbol
 * is weak, so that programs without such a test need not define it.
 */
__attribute__((weak)) void (*pw_store_hook)(void *host, uint64_t raw, unsigned entry_lg2);

static inline bool pw_mutant(enum pw_mutant mutant)
{
	return pw_mutant_chosen == mutant;
}

static inline void pw_moment(enum pw_moment moment)
{
	if (pw_moment_hook)
		pw_moment_hook(moment);
}

/* Did the hook take the store over? */
static inline bool pw_store_kept(void *host, uint64_t raw, unsigned entry_lg2)
{
	if (!pw_store_hook)
		return false;
	pw_store_hook(host, raw, entry_lg2);
	return true;
}
#else
/* A macro, so that normal builds need not see the list: a new mutant then compiles nothing again in them. */
#define pw_mutant(mutant) false

static inline void pw_moment(enum pw_moment moment)
{
	(void)moment;
}

static inline bool pw_store_kept(void *host, uint64_t raw, unsigned entry_lg2)
{
	(void)host;
	(void)raw;
	(void)entry_lg2;
	return false;
}
#endif

#endif
