/* SPDX-License-Identifier: MIT */
/*
 * The laboratory for races: it runs compiled code under every order of its steps.
 *
 *   code under test --- compiled with -fsanitize=thread, so that each access calls out
 *        |
 *     callouts.c   loads, stores, read-modify-writes, fences: address, size, memory order
 *     wrap.c       locks, memory, threads of the C library
 *        |
 *     words.c      is the word shared? only then the access is a step that others may come before
 *     undo.c       what a run has written, to be put back before the next run
 *     heap.c       memory that a run allocates and frees
 *        |
 *     search.c     who goes on: depth first, with source sets and sleep sets
 *     races.c      which other lanes are to be tried, and where; classes.c: what was visited; pick.c: samples
 *     buffer.c     store buffers, for total store order
 *     order.c      which steps depend on each other; data races
 *     fiber.c      one stack for each thread, all on one processor
 *        |
 *     result       shorten.c, schedule.c, trace.c: the shortest schedule that fails, and how it reads
 *
 * A run executes the scenario once. An event is one step of a run: an access to a shared word, or a free.
 * Two events depend on each other if their bytes overlap and one of them writes. Runs that order all
 * dependent events alike behave alike: they are one class, and the search wants one run of each.
 *
 * The laboratory is a program of its own, with one search at a time: its state is in static objects.
 */
#ifndef RACE_RACE_H
#define RACE_RACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pagewalk/lab.h>

#include "lab/race/mutant.h"

enum {
	RACE_THREADS = PW_LAB_THREADS,
	/* A lane does steps: a thread, or the processor that empties the thread's store buffer. */
	RACE_LANES = 2 * RACE_THREADS,
	RACE_EVENTS = 1 << 13, /* the most that a run may have */
};

enum race_kind {
	RACE_LOAD,
	RACE_STORE,
	RACE_RMW,
	RACE_FENCE, /* nothing but draining the thread's store buffer */
	RACE_LOCK, /* waits until the word is 0, then takes it */
	RACE_UNLOCK,
	RACE_WAIT, /* waits until the word is not `value` */
	RACE_YIELD, /* waits until another thread has changed anything since the last yield */
	RACE_ENTER, /* a reader enters its section */
	RACE_LEAVE, /* a reader leaves it */
	RACE_FREE, /* a write to the whole object: it is gone */
	RACE_FLUSH, /* a store leaves the store buffer of its thread */
	RACE_KINDS,
};

/* A step, as its thread is about to do it. */
struct race_op {
	uintptr_t at;
	uint64_t value; /* RACE_WAIT: go on when the word is not this */
	uint32_t bytes;
	uint8_t kind; /* enum race_kind */
	uint8_t order; /* __ATOMIC_RELAXED and so on */
	bool atomic; /* not a plain access of the language */
	bool writes;
	bool drains; /* waits until the thread's own store buffer is empty */
	const void *pc; /* in the code under test */
};

/* How many events of each lane come before: a vector clock. */
struct race_clock {
	int16_t at[RACE_LANES];
};

struct race_event {
	struct race_op op;
	uint64_t before, after; /* the word's value, if it has one */
	uint64_t hash; /* of the class, up to this event */
	struct race_clock clock; /* by dependence: this event and all that must come before it */
	struct race_clock hb; /* by the language: what happens before the end of this event */
	struct race_clock sync; /* a write: what a thread acquires that reads it */
	int16_t index; /* in its lane, from 1 */
	int16_t plain; /* how many events up to this one are plain accesses */
	int16_t from; /* a load: the event that wrote the value, or -1 */
	uint8_t lane;
	uint8_t preemptions; /* before this event */
	bool forwarded; /* a load: its value came from the thread's own store buffer */
	uint8_t older; /* a load of a weak processor: how many stores older than the newest its value is */
	/* ---- the search's: the state before this event; bits are lanes ---- */
	uint16_t live, enabled; /* has a next step; can do it now */
	uint16_t backtrack, done; /* is to be tried here; was tried */
	uint16_t sleep; /* would only repeat a class that is known */
};

/* ---- state that all parts share ---- */

struct race_state {
	const struct pw_lab_scenario *scenario;
	enum pw_lab_model model;
	unsigned threads, lanes; /* lanes is twice as many when there are store buffers */
	/* This run. */
	unsigned depth; /* events so far */
	unsigned fixed; /* how many of them no search changes */
	int thread; /* runs now; -1 in between */
	struct race_op pending[RACE_LANES]; /* the next step of each live lane */
	struct race_clock clock[RACE_LANES], hb[RACE_LANES];
	struct race_clock released[RACE_THREADS]; /* at its last release fence */
	struct race_clock acquirable[RACE_THREADS]; /* of relaxed loads, for an acquire fence */
	/* Weak processors: what sequentially consistent operations and fences have ordered. */
	struct race_clock consistent;
	unsigned stored
		[RACE_THREADS]; /* stores that it has buffered since it last drained its buffer */
	bool checking; /* the scenario's check runs */
	bool trusted[RACE_THREADS]; /* it may touch freed memory: it is in an allocator */
	uint32_t run; /* its number; never 0 */
	const char *failure; /* a sentence, or NULL */
	enum pw_lab_finding finding;
};
extern struct race_state race;
extern struct race_event race_event[RACE_EVENTS + 1];
/* The code under test runs. False while the laboratory's own code does. */
extern bool race_on;

/* Ends the run with a finding. Does not return to the code under test. */
void race_fail(enum pw_lab_finding finding, const char *format, ...)
	__attribute__((format(printf, 2, 3), noreturn));
/* The same for the laboratory's own code, between steps. */
void race_note(enum pw_lab_finding finding, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The thread is about to do @op. Returns when it is its turn. */
void race_step(const struct race_op *op);

/* Does it wait for a condition? */
static inline bool race_blocks(const struct race_op *op)
{
	return op->kind == RACE_LOCK || op->kind == RACE_WAIT || op->kind == RACE_YIELD;
}

static inline bool race_overlap(const struct race_op *a, const struct race_op *b)
{
	if (race_mutant(RACE_MUTANT_SAME_ADDRESS))
		return a->at == b->at && a->bytes > 0 && b->bytes > 0;
	return a->at < b->at + b->bytes && b->at < a->at + a->bytes;
}

static inline bool race_dependent(const struct race_op *a, const struct race_op *b)
{
	if (!a->writes && !b->writes && !race_mutant(RACE_MUTANT_LOADS_DEPEND))
		return false;
	/* A thread that yields looks at the whole memory. */
	if (a->kind == RACE_YIELD || b->kind == RACE_YIELD)
		return !race_mutant(RACE_MUTANT_YIELD_ALONE);
	return race_overlap(a, b);
}

/*
 * Does @a write all bytes of @b? Then everything that came before @a and depends on @b depends on @a too, so it comes
 * before @b already because of @a.
 */
static inline bool race_covers(const struct race_op *a, const struct race_op *b)
{
	if (race_mutant(RACE_MUTANT_COVER_PART))
		return a->writes && b->kind != RACE_YIELD;
	return a->writes && b->kind != RACE_YIELD && a->at <= b->at &&
	       a->at + a->bytes >= b->at + b->bytes;
}

/* The value of a word of 1, 2, 4 or 8 bytes; 0 for anything else. */
static inline uint64_t race_value(const struct race_op *op)
{
	switch (op->bytes) {
	case 1:
		return *(const uint8_t *)op->at;
	case 2:
		return *(const uint16_t *)op->at;
	case 4:
		return *(const uint32_t *)op->at;
	case 8:
		return *(const uint64_t *)op->at;
	default:
		return 0;
	}
}

static inline void race_put(uintptr_t at, uint64_t value, unsigned bytes)
{
	switch (bytes) {
	case 1:
		*(uint8_t *)at = (uint8_t)value;
		break;
	case 2:
		*(uint16_t *)at = (uint16_t)value;
		break;
	case 4:
		*(uint32_t *)at = (uint32_t)value;
		break;
	default:
		*(uint64_t *)at = value;
		break;
	}
}

/* ---- words.c ---- */

/* What is known of 8 bytes of memory. */
struct race_word {
	uint8_t readers, writers; /* threads, over all runs of the search */
	bool shared; /* two threads touch it, one of them writes */
	bool ignored; /* never a step: a counter that nobody decides by */
	uint32_t saved; /* the run in which its old value was saved */
	bool freed_before; /* it was freed before all runs */
	uint32_t freed; /* the run in which it was freed */
	uint32_t used_again; /* the run in which it was allocated */
};

enum {
	RACE_PAGE_LG2 = 12,
	RACE_PAGE_WORDS = 1 << (RACE_PAGE_LG2 - 3),
	RACE_PAGES_CACHED = 1024, /* pages that are found at the first look */
};

struct race_page {
	uintptr_t number; /* the address >> RACE_PAGE_LG2 */
	struct race_page *next;
	struct race_word word[RACE_PAGE_WORDS];
};

extern struct race_page *race_page_cache[RACE_PAGES_CACHED];
struct race_page *race_find_page(uintptr_t number);

static inline struct race_word *race_word(uintptr_t at)
{
	uintptr_t number = at >> RACE_PAGE_LG2;
	struct race_page *page = race_page_cache[number % RACE_PAGES_CACHED];

	if (__builtin_expect(!page || page->number != number, 0))
		page = race_find_page(number);
	return &page->word[(at >> 3) & (RACE_PAGE_WORDS - 1)];
}

/* The thread touches the word for the first time, reading or writing. Is the word shared now? */
bool race_touch_new(struct race_word *word, uint8_t me, bool write);

/* Notes that the running thread touches the word. Is it shared? */
static inline bool race_touch_word(struct race_word *word, bool write)
{
	uint8_t me = (uint8_t)(1u << race.thread);

	if (word->shared || (write ? word->writers : word->readers) & me)
		return word->shared;
	return race_touch_new(word, me, write);
}

static inline bool race_word_freed(const struct race_word *word)
{
	return word->freed == race.run || (word->freed_before && word->used_again != race.run);
}

/* Notes that the thread touches these bytes. Is any of them shared? */
bool race_touch(uintptr_t at, size_t bytes, bool write);
/* Has the thread touched freed memory? */
bool race_is_freed(uintptr_t at, size_t bytes);
void race_mark_freed(uintptr_t at, size_t bytes, bool freed);
/* Were there new shared words since the last call? Then earlier runs have missed steps. */
bool race_words_grew(void);
unsigned race_words_shared(void);
/* Accesses to these words are no steps, whoever touches them. For the setup. */
void race_words_ignore(const void *at, size_t bytes);
void race_words_forget(void);

/* ---- undo.c ---- */

/* Saves what is there before the code under test writes. */
void race_will_write(uintptr_t at, size_t bytes);
/*
 * From now on writes are saved: what is there now is how each run begins. @frame is the caller's: the stack below it
 * is the laboratory's own.
 */
void race_baseline(const void *frame);
/* Puts everything back. */
void race_restore(void);
/* Writes, for the laboratory: saves first. */
void race_write(uintptr_t at, uint64_t value, unsigned bytes);

/* ---- heap.c ---- */

void *race_alloc(size_t alignment, size_t bytes);
void race_free(void *object);
bool race_heap_has(const void *object);
size_t race_heap_size(const void *object);
void race_heap_baseline(void);
void race_heap_restore(void);
/* Bytes that this run has allocated and not freed. */
size_t race_heap_leaked(void);

/* ---- buffer.c: total store order ---- */

struct race_buffered {
	struct race_op op; /* kind RACE_FLUSH */
	uint64_t value;
	struct race_clock clock, hb, sync;
};

void race_buffers_clear(void);
/* Puts a store of the running thread into its buffer. False if there may be no room. */
bool race_buffer_store(const struct race_op *op, uint64_t value);
bool race_buffer_any(unsigned thread);
const struct race_buffered *race_buffer_oldest(unsigned thread);
void race_buffer_flush(unsigned thread);
enum race_forward { RACE_FORWARD_NONE, RACE_FORWARD_ALL, RACE_FORWARD_PART };
/* How many of the bytes does the thread load from its own buffer? */
enum race_forward race_buffer_forward(unsigned thread, const struct race_op *op);
/* What the thread would load now: each byte from its newest store, or from memory. Of 1, 2, 4 or 8 bytes. */
uint64_t race_buffer_view(unsigned thread, const struct race_op *op);

/* ---- weak.c: weaker processors ---- */

/*
 * The stores whose value a load may return, the newest first: indices of events, or -1 for the value before the
 * run. Fills from[], which has room for 16, and returns how many there are; 0: only the memory's value.
 */
unsigned race_weak_candidates(const struct race_op *op, const struct race_clock *hb, int16_t *from);
uint64_t race_weak_value(const struct race_op *op, int16_t from);
/* Which of @count candidates this load returns: by chance, or as the schedule says. search.c */
unsigned race_weak_choose(unsigned count);

/* ---- order.c ---- */

void race_join(struct race_clock *into, const struct race_clock *from);
/* The lane is about to do @op: what of its own thread comes before that, in every run. */
void race_order_program(unsigned lane, const struct race_op *op, struct race_clock *clock);
/* What it depends on. */
void race_order_dependence(const struct race_op *op, struct race_clock *clock);
/* Fills the clocks of the event at race.depth, after race_order_program(). */
void race_order_event(struct race_event *event);
/* The event has been done before, in the same way: the clocks that it gave its lane. */
void race_order_replay(const struct race_event *event);
void race_order_reset(void);
/* A fence of the language, without a store buffer to empty. */
void race_order_fence(unsigned thread, int order);

/* ---- search.c ---- */

enum race_mode {
	RACE_ALL, /* every interleaving: to check the others against */
	RACE_SLEEP, /* sleep sets alone */
	RACE_SOURCE, /* source sets and sleep sets */
	RACE_BOUNDED, /* every interleaving of at most `bound` preemptions */
	RACE_RANDOM, /* a random walk */
	RACE_PCT, /* random priorities, which change at `bound` random events */
	RACE_REPLAY, /* one given schedule */
};

struct race_search {
	enum race_mode mode;
	unsigned bound;
	uint64_t limit; /* runs; 0 for no limit */
	double seconds; /* 0 for no limit */
	uint64_t seed;
	bool stop_at_finding;
	bool stop_at_success; /* at the first run that ends without a finding */
	/*
	 * For RACE_REPLAY, or a beginning that is fixed: a step's lane, and in the high four bits how many stores
	 * older than the newest its load's value is.
	 */
	const uint8_t *schedule;
	unsigned scheduled;
	struct race_resume
		*resume; /* a search to go on with, whose last run is the schedule; or NULL */
	unsigned words; /* end the search when so many words are known to be shared; 0: don't */
	unsigned
		jobs; /* processes; 0 or 1: this one alone, and the same number of runs each time */
	/* Called every few thousand runs; false ends the search. May be NULL. */
	bool (*progress)(void *context, const struct pw_lab_result *result);
	void *context;
	/*
	 * Called at each finding, and at the end of a replay, before the search goes on, while the events stand.
	 * May be NULL.
	 */
	void (*found)(void *context);
};

void race_explore(const struct pw_lab_scenario *scenario, enum pw_lab_model model,
		  const struct race_search *search, struct pw_lab_result *result);

/* The threads that have not ended in this run, as bits. */
unsigned race_alive(void);

/* ---- fiber.c ---- */

/* Starts @main on the stack of @thread when it is switched to for the first time. */
void race_fiber_start(unsigned thread, void (*main)(void));
/* Goes on with @thread, or with the search for -1. */
void race_fiber_switch(int from, int to);
bool race_on_stack(uintptr_t at);

/* ---- schedule.c ---- */

/*
 * A schedule as text: "9a13b4A1.5e1f". How many words are shared, for they make the steps; then a letter for each
 * lane and how many steps it does, capitals for what empties a store buffer; then a check of the steps' kinds.
 * After "a3~2" the last of the three steps has loaded a value that is two stores older than the newest.
 */
struct race_schedule {
	unsigned words;
	unsigned count;
	uint16_t check; /* 0: none was given */
	uint8_t lane[RACE_EVENTS]; /* as in struct race_search */
};
enum { RACE_LANE_BITS = 4 };

/* Writes the run that stands in race_event[]. Leaves *text empty if there is no room. */
void race_schedule_write(char *text, size_t size);
/* False if the text is not a schedule: then *wrong_ret is where. */
bool race_schedule_read(const char *text, struct race_schedule *schedule, const char **wrong_ret);
/* Of the kinds and sizes of the first @count steps of the run: never 0. */
uint16_t race_steps_hash(unsigned count);

/* ---- shorten.c ---- */

/*
 * Fills @order with the events of the run in an order of the same class that has the fewest switches of
 * thread. Returns how many switches it has, or -1 if there are too many orders: then it is the run's own.
 */
int race_shorten(uint8_t *order);

#endif
