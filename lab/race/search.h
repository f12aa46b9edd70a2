/* SPDX-License-Identifier: MIT */
/* Parts of the search (search.c): races, classes, samples. */
#ifndef RACE_SEARCH_H
#define RACE_SEARCH_H

#include "lab/race/race.h"

/* ---- races.c ---- */

/*
 * Finds the events that are in a race with @op, the next step of @lane at @depth. All earlier ones count that
 * are not ordered before the lane's last event, not only the last one: a write may be in a race with reads of
 * several threads. @clock is the lane's before the step, so that a lock is not taken for ordered by itself.
 */
void race_find_races(unsigned depth, unsigned lane, const struct race_op *op,
		     const struct race_clock *clock);

/*
 * Steps that were never done are in races, too: for lack of what they wait for, or because the run has failed.
 * Of a run that was given up, those that wait: two threads that wait for each other may be in no other run with
 * these events. Of the lanes in @lanes; @alive: threads that have not ended.
 */
void race_find_pending(unsigned lanes, unsigned alive);

/* How many runs there are in all, if each state has as many branches as those on the current path (Knuth). */
double race_estimate(void);

/* ---- classes.c ---- */

uint64_t race_mix(uint64_t hash, uint64_t value);
/* Independent of the order in which a class was run: its hash is the sum over its events. */
uint64_t race_event_hash(const struct race_event *event);
void race_classes_clear(void);
void race_classes_add(uint64_t hash);
size_t race_classes_count(void);
/* The next of them, from *at on, which is 0 for the first. False after the last. */
bool race_classes_next(size_t *at, uint64_t *hash_ret);
/* Equal sets have equal hashes. */
uint64_t race_classes_hash(void);

/* ---- split.c ---- */

/*
 * Finds the state where the next run differs, and the lane that is tried there: the run repeats *prefix events. False if
 * all is done. With several jobs it may give a part of the rest to another process, and take the counts of one over.
 */
bool race_backtrack(const struct race_search *how, struct pw_lab_result *result, unsigned *prefix);
/* Ends the other processes, whose parts do not count. @everything: a new search. */
void race_split_clear(bool everything);
/* Has another process found something that makes the search begin anew? */
bool race_split_again(void);
bool race_split_is_other(void);
/* In another process, at its end: reports, and exits. */
void race_split_report(const struct pw_lab_result *result) __attribute__((noreturn));
/* The classes of other processes, and the hash of their set. */
uint64_t race_split_classes(uint64_t *hash_ret);
/* Is a part of the search missing, because its process has not finished? */
bool race_split_incomplete(void);

/* ---- pick.c ---- */

void race_seed(uint64_t seed);
/* Which of @count values a load of a weak processor returns: 0, the newest, for half of all loads. */
unsigned race_pick_value(unsigned count);
/* Before each run: the longest one so far had @deepest events. */
void race_pick_prepare(unsigned deepest);
unsigned race_pick_random(unsigned enabled);
/* Priorities change at @bound events. */
unsigned race_pick_priority(unsigned enabled, unsigned bound);

#endif
