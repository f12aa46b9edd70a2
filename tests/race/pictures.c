/* SPDX-License-Identifier: MIT */
/* Scenarios that fail, each in its own way, for their pictures. */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include <pagewalk/lab.h>

#include "lab/race/trace.h"

/* ---- store buffering: two stores, each before a load of the other's word ---- */

static long x, y, seen_x, seen_y;

static void left(void)
{
	__atomic_store_n(&x, 1, __ATOMIC_RELEASE);
	seen_y = __atomic_load_n(&y, __ATOMIC_ACQUIRE);
}

static void right(void)
{
	__atomic_store_n(&y, 1, __ATOMIC_RELEASE);
	seen_x = __atomic_load_n(&x, __ATOMIC_ACQUIRE);
}

static void check_seen(void)
{
	pw_lab_check(seen_x || seen_y, "both missed the other's store");
}

/* ---- a lost update: a load and a store where one step was wanted ---- */

static long count, last_round[2];

static long get(const long *word)
{
	return __atomic_load_n(word, __ATOMIC_RELAXED);
}

static void set(long *word, long value)
{
	__atomic_store_n(word, value, __ATOMIC_RELAXED);
}

static __attribute__((noinline)) void add_one(long *mine, const long *others)
{
	long seen;

	/* Nobody looks at these two, if both threads see a count of 0. */
	set(mine, 1);
	set(mine, 2);
	seen = get(&count);
	if (seen > 0)
		seen = get(others) > 0;
	set(&count, seen + 1);
}

static void ann(void)
{
	add_one(&last_round[0], &last_round[1]);
}

static void ben(void)
{
	add_one(&last_round[1], &last_round[0]);
}

static void check_count(void)
{
	pw_lab_check(count == 2, "two threads have counted, and the count is %ld", count);
}

/* ---- a deadlock: two locks in both orders ---- */

static pthread_mutex_t table = PTHREAD_MUTEX_INITIALIZER, folio = PTHREAD_MUTEX_INITIALIZER;

static void both(pthread_mutex_t *outer, pthread_mutex_t *inner)
{
	pthread_mutex_lock(outer);
	pthread_mutex_lock(inner);
	pthread_mutex_unlock(inner);
	pthread_mutex_unlock(outer);
}

static void fault(void)
{
	both(&table, &folio);
}

static void reclaim(void)
{
	both(&folio, &table);
}

static pthread_mutex_t zone = PTHREAD_MUTEX_INITIALIZER;

static void fault3(void)
{
	both(&table, &folio);
}

static void reclaim3(void)
{
	both(&folio, &zone);
}

static void compaction3(void)
{
	both(&zone, &table);
}

/* ---- memory that is freed beside its reader ---- */

static long *object;

static void make(void)
{
	object = malloc(sizeof(*object));
	*object = 7;
}

static void reader(void)
{
	long *mine = __atomic_load_n(&object, __ATOMIC_ACQUIRE);

	if (mine)
		(void)__atomic_load_n(mine, __ATOMIC_RELAXED);
}

static void writer(void)
{
	long *old = __atomic_exchange_n(&object, NULL, __ATOMIC_ACQ_REL);

	__atomic_store_n(old, 0, __ATOMIC_RELAXED);
	free(old);
}

/* ---- a data race ---- */

static long plain;

static void stores(void)
{
	plain = 1;
}

static void loads(void)
{
	if (plain)
		set(&count, 1);
}

/* ---- a page that is taken from a stale entry: names, values and state in words of the field ---- */

static uint64_t entry = 0x8001, references = 1;
static bool taken_when_free;

static void pin(void)
{
	if (!(__atomic_load_n(&entry, __ATOMIC_ACQUIRE) & 1))
		return;
	if (__atomic_fetch_add(&references, 1, __ATOMIC_ACQ_REL) == 0)
		taken_when_free = true;
}

static void unmap(void)
{
	__atomic_store_n(&entry, 0, __ATOMIC_RELEASE);
	__atomic_fetch_sub(&references, 1, __ATOMIC_ACQ_REL);
}

static void check_taken(void)
{
	pw_lab_check(!taken_when_free, "pin has taken folio 8, which was free already");
}

static bool name_word(uintptr_t at, size_t bytes, char *text, size_t size)
{
	(void)bytes;
	if (at == (uintptr_t)&entry)
		return snprintf(text, size, "pte[3]") > 0;
	return at == (uintptr_t)&references && snprintf(text, size, "count of folio 8") > 0;
}

static bool word_value(uintptr_t at, size_t bytes, uint64_t value, char *text, size_t size)
{
	(void)bytes;
	if (at != (uintptr_t)&entry)
		return false;
	if (value & 1)
		return snprintf(text, size, "frame %" PRIu64, value >> 12) > 0;
	return snprintf(text, size, "empty") > 0;
}

static void tell_state(struct race_facts *facts)
{
	if (entry & 1)
		race_fact(facts, "pte[3] of the table at 0x5000", "leaf of frame %" PRIu64,
			  entry >> 12);
	else
		race_fact(facts, "pte[3] of the table at 0x5000", "empty");
	race_fact(facts, "folio 8", "count %" PRIu64 "%s", references, references ? "" : ": free");
}

static void use_words(void)
{
	race_words = (struct race_words){ name_word, word_value, tell_state };
}

/* ---- a run that fails in every order, with too many orders to try ---- */

static long steps;

static void count_up(void)
{
	for (int i = 0; i < 9; i++)
		__atomic_fetch_add(&steps, 1, __ATOMIC_RELAXED);
}

static void check_steps(void)
{
	pw_lab_check(steps < 18, "all have counted");
}

static const struct pw_lab_scenario scenarios[] = {
	{ .name = "SB",
	  .about = "store buffering",
	  .thread = { { "left", left, false }, { "right", right, false } },
	  .check = check_seen },
	{ .name = "lost-update",
	  .about = "a counter without a lock",
	  .thread = { { "ann", ann, false }, { "ben", ben, false } },
	  .check = check_count },
	{ .name = "deadlock",
	  .about = "two locks in both orders",
	  .thread = { { "fault", fault, false }, { "reclaim", reclaim, false } } },
	{ .name = "stale-entry",
	  .about = "a page is taken from an entry that has been cleared since",
	  .setup = use_words,
	  .thread = { { "pin", pin, false }, { "unmap", unmap, false } },
	  .check = check_taken },
	{ .name = "three-locks",
	  .about = "three locks, each thread holds one and wants the next",
	  .thread = { { "fault", fault3, false },
		      { "reclaim", reclaim3, false },
		      { "compaction", compaction3, false } } },
	{ .name = "hopeless",
	  .about = "it fails in every order",
	  .thread = { { "one", count_up, false }, { "two", count_up, false } },
	  .check = check_steps },
	{ .name = "use-after-free",
	  .about = "memory that is freed beside its reader",
	  .setup = make,
	  .thread = { { "reader", reader, false }, { "writer", writer, false } } },
	{ .name = "data-race",
	  .about = "a plain word",
	  .thread = { { "stores", stores, false }, { "loads", loads, false } } },
};

int main(int argc, char **argv)
{
	return pw_lab_main(argc, argv, scenarios, sizeof(scenarios) / sizeof(*scenarios));
}
