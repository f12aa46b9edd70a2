/* SPDX-License-Identifier: MIT */
/*
 * Mutants of the laboratory: each breaks one rule that its proofs depend on. The random programs of tests/race must
 * then come to different classes or outcomes; mutants.py there names those that only cost time. In normal builds
 * race_mutant() is a constant false, and the compiler removes it.
 */
#ifndef RACE_MUTANT_H
#define RACE_MUTANT_H

#include <stdbool.h>

enum race_mutant {
	RACE_MUTANT_NONE,
	/* Races. */
	RACE_MUTANT_LAST_ONLY, /* only the last event that depends on a step is in a race with it */
	RACE_MUTANT_LOCK_ORDERED, /* a lock counts as ordered after the unlock before it */
	RACE_MUTANT_LOADS_FORGOTTEN, /* a store is in no race with loads before it */
	RACE_MUTANT_STORES_FORGOTTEN, /* a load is in no race with stores before it */
	RACE_MUTANT_BLOCKED_IGNORED, /* steps that wait at the end of a run are in no race */
	RACE_MUTANT_GIVEN_UP_IGNORED, /* the same at the end of a run that was given up */
	RACE_MUTANT_ANY_INITIAL, /* any lane of the reversed order may begin it */
	RACE_MUTANT_WRONG_INITIAL, /* the reversed order begins with any lane that can go on */
	RACE_MUTANT_COVER_PART, /* a write to a part of the bytes orders what came before */
	RACE_MUTANT_COVER_LOCK, /* a lock looks no further than the unlock before it */
	RACE_MUTANT_WAIT_OWN, /* a wait is taken to see the memory although it saw the own buffer */
	RACE_MUTANT_NO_FALLBACK, /* nothing is tried if no lane of the reversed order can go on */
	RACE_MUTANT_ALL_WAITS_RACE, /* a step that waited is in a race with what it waited for */
	/* Sleep sets. */
	RACE_MUTANT_SLEEP_KEEPS, /* a lane sleeps on although a step depends on its own */
	RACE_MUTANT_SLEEP_OWN, /* the lane that did the step goes to sleep */
	RACE_MUTANT_SLEEP_BUFFERS, /* what a store buffer gives up next does not wake it up */
	RACE_MUTANT_SLEEP_NEVER, /* no lane sleeps */
	/* Dependence. */
	RACE_MUTANT_SAME_ADDRESS, /* bytes overlap only if they begin at the same address */
	RACE_MUTANT_LOADS_DEPEND, /* two loads depend on each other */
	RACE_MUTANT_YIELD_ALONE, /* a yield depends on no write */
	RACE_MUTANT_YIELD_ANY, /* a write that changes nothing ends a yield */
	RACE_MUTANT_FLUSH_UNORDERED, /* a flush does not come after what its thread had done */
	RACE_MUTANT_DRAIN_UNORDERED, /* a step that empties the buffer does not come after the flushes */
	/* Store buffers. */
	RACE_MUTANT_NO_FORWARD, /* a load does not see the thread's own buffer */
	RACE_MUTANT_FORWARD_OLDEST, /* it sees the oldest store in it */
	RACE_MUTANT_FORWARD_WHOLE, /* it sees only stores of just its bytes */
	RACE_MUTANT_RMW_LATE, /* a read-modify-write does not empty the buffer */
	RACE_MUTANT_FENCE_NOTHING, /* a fence does not, either */
	RACE_MUTANT_OWN_WORD_NOTHING, /* a locked operation on a word of the thread's own does not */
	RACE_MUTANT_WAIT_DRAINS, /* waiting empties the buffer */
	RACE_MUTANT_RELEASE_DRAINS, /* a release store does */
	RACE_MUTANT_PLAIN_DRAINS, /* a plain store does */
	RACE_MUTANT_PLAIN_AT_ONCE, /* a plain access does not wait for the thread's own store there */
	/* Data races. */
	RACE_MUTANT_ACQUIRE_NOTHING, /* an acquire load orders nothing */
	RACE_MUTANT_ACQUIRE_RELAXED, /* a relaxed load acquires */
	RACE_MUTANT_RELEASE_RELAXED, /* a relaxed store releases */
	RACE_MUTANT_FENCE_ACQUIRES_NOTHING, /* an acquire fence orders nothing */
	RACE_MUTANT_FENCE_RELEASES_NOTHING, /* a release fence orders nothing */
	RACE_MUTANT_SEQUENCE_ENDS, /* a read-modify-write does not pass on what the store before it released */
	RACE_MUTANT_RACES_UNSEEN, /* nobody looks for data races */
	RACE_MUTANT_FREED_UNSEEN, /* freed memory may be used */
	RACE_MUTANT_LEAKS_UNSEEN, /* memory may be lost */
	/* Runs. */
	RACE_MUTANT_NO_RESTART, /* a new shared word does not begin the search anew */
	RACE_MUTANT_NO_RESTORE, /* a run begins with what the one before it has written */
	RACE_MUTANT_CHECK_STAYS, /* what the scenario's check writes stays */
	RACE_MUTANT_OTHER_STEPS, /* a step that differs from the run before is not noticed */
	RACE_MUTANT_SHORTEN_ANY, /* the shortest order takes no care of what depends on what */
	RACE_MUTANT_FIXED_CHANGED, /* the beginning that was given is changed */
	RACE_MUTANTS_END,
};

#ifdef RACE_MUTANTS
extern enum race_mutant race_mutant_chosen;

static inline bool race_mutant(enum race_mutant mutant)
{
	return race_mutant_chosen == mutant;
}
#else
static inline bool race_mutant(enum race_mutant mutant)
{
	(void)mutant;
	return false;
}
#endif

#endif
