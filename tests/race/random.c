/* SPDX-License-Identifier: MIT */
/* Random programs, and sets of outcomes. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "random.h"

/* ---- sets ---- */

/* Not symmetric: hashes are mixed into hashes. */
uint64_t mix_in(uint64_t hash, uint64_t value)
{
	hash = (hash * UINT64_C(0xd1342543de82ef95) + value + 1) * UINT64_C(0x9e3779b97f4a7c15);
	hash ^= hash >> 29;
	hash *= UINT64_C(0xbf58476d1ce4e5b9);
	return hash ^ hash >> 32;
}

static bool put(struct outcomes *set, uint64_t hash)
{
	size_t i = hash & (set->room - 1);

	while (set->slot[i]) {
		if (set->slot[i] == hash)
			return false;
		i = (i + 1) & (set->room - 1);
	}
	set->slot[i] = hash;
	return true;
}

bool outcomes_add(struct outcomes *set, uint64_t hash)
{
	hash += !hash;
	if (2 * set->count >= set->room) {
		struct outcomes larger = { .room = set->room ? 2 * set->room : 64 };

		larger.slot = calloc(larger.room, sizeof(*larger.slot));
		if (!larger.slot)
			abort();
		for (size_t i = 0; i < set->room; i++)
			if (set->slot[i])
				put(&larger, set->slot[i]);
		free(set->slot);
		set->slot = larger.slot;
		set->room = larger.room;
	}
	if (!put(set, hash))
		return false;
	set->count++;
	set->sum += mix_in(hash, 1);
	return true;
}

void outcomes_add_outcome(struct outcomes *set, const struct outcome *outcome)
{
	uint64_t hash = 1;

	for (unsigned i = 0; i < WORDS; i++)
		hash = mix_in(hash, outcome->memory[i]);
	for (unsigned i = 0; i < THREADS; i++)
		hash = mix_in(mix_in(hash, outcome->read[i]), outcome->step[i]);
	outcomes_add(set, hash);
}

void outcomes_clear(struct outcomes *set)
{
	free(set->slot);
	memset(set, 0, sizeof(*set));
}

/* ---- programs ---- */

static uint64_t state;

static unsigned below(unsigned limit)
{
	state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)(state >> 33) % limit;
}

/* What the programs of one seed may do. */
struct taste {
	unsigned words;
	bool halves, locks, waits, yields, fails, fences, plain;
};

static struct instruction *append(struct program *program, unsigned thread, enum operation what)
{
	struct instruction *step = &program->step[thread][program->count[thread]++];

	*step = (struct instruction){ .operation = what, .bytes = 8, .order = __ATOMIC_RELAXED };
	return step;
}

static void place(struct instruction *step, const struct taste *taste)
{
	step->at = 8 * below(taste->words);
	step->value = below(3);
	step->expected = below(2);
	if (taste->halves && below(2)) {
		step->at += 4 * below(2);
		step->bytes = 4;
	} else if (taste->halves && below(2)) {
		step->value |= step->value << 32;
	}
}

static void add_access(struct program *program, unsigned thread, const struct taste *taste)
{
	static const enum operation choice[] = { LOAD,  LOAD,       LOAD, STORE,    STORE,
						 STORE, STORE_LAST, ADD,  EXCHANGE, SWAP };
	static const int load_order[] = { __ATOMIC_RELAXED, __ATOMIC_ACQUIRE, __ATOMIC_SEQ_CST };
	static const int store_order[] = { __ATOMIC_RELAXED, __ATOMIC_RELEASE, __ATOMIC_RELEASE,
					   __ATOMIC_SEQ_CST };
	struct instruction *step = append(program, thread,
					  choice[below(sizeof(choice) / sizeof(*choice))]);

	place(step, taste);
	if (step->operation == LOAD)
		step->order = load_order[below(3)];
	else if (step->operation == STORE || step->operation == STORE_LAST)
		step->order = store_order[below(4)];
	else
		step->order = __ATOMIC_SEQ_CST;
	/* What a failed exchange leaves out. */
	if (step->operation == SWAP) {
		step = append(program, thread, below(2) ? STORE : LOAD);
		place(step, taste);
	}
}

/* Of a word that few other accesses reach: most programs shall have no data race. */
static void add_plain(struct program *program, unsigned thread)
{
	struct instruction *step = append(program, thread, below(2) ? PLAIN_LOAD : PLAIN_STORE);

	step->at = 8 * (WORDS - 1) + (below(4) ? 0 : 4);
	step->bytes = step->at % 8 || below(4) == 0 ? 4 : 8;
	step->value = below(3);
}

/* A section with one mutex, or with one inside the other, in either order. */
static void add_section(struct program *program, unsigned thread, const struct taste *taste)
{
	const bool two = below(2) && !taste->plain;
	const unsigned outer = below(MUTEXES), inner = 1 - outer;

	append(program, thread, LOCK)->at = outer;
	if (two)
		append(program, thread, LOCK)->at = inner;
	else if (taste->plain)
		for (unsigned i = 0; i < 3; i++)
			if (below(2))
				add_plain(program, thread);
			else
				place(append(program, thread, below(2) ? LOAD : STORE), taste);
	else
		place(append(program, thread, below(2) ? LOAD : STORE_LAST), taste);
	if (two)
		append(program, thread, UNLOCK)->at = inner;
	append(program, thread, UNLOCK)->at = outer;
}

static void add_step(struct program *program, unsigned thread, const struct taste *taste)
{
	const unsigned dice = below(20);

	if (taste->locks && dice < 5) {
		add_section(program, thread, taste);
	} else if (taste->waits && dice < 7) {
		place(append(program, thread, WAIT), taste);
	} else if (taste->yields && dice < 9) {
		append(program, thread, YIELD);
		program->yields = true;
	} else if (taste->fences && dice < 12) {
		append(program, thread, FENCE)->order = __ATOMIC_SEQ_CST;
	} else if (taste->fails && dice < 14) {
		append(program, thread, FAIL_IF)->value = 1 + below(3);
		program->fails = true;
	} else if (taste->plain && below(12) == 0) {
		add_plain(program, thread);
	} else if (dice < 15) {
		append(program, thread, SKIP_ODD);
		place(append(program, thread, below(2) ? STORE : ADD), taste);
	} else {
		add_access(program, thread, taste);
	}
}

void random_program(struct program *program, uint64_t seed)
{
	struct taste taste;

	state = mix_in(seed, 12345);
	memset(program, 0, sizeof(*program));
	taste = (struct taste){
		.words = 1 + below(WORDS),
		.halves = below(3) == 0,
		.locks = below(3) == 0,
		.waits = below(3) == 0,
		.yields = below(5) == 0,
		.fails = below(8) == 0,
		.fences = below(4) == 0,
		.plain = below(5) == 0,
	};
	/* The laboratory wakes a thread that yields at once when there was a plain store. */
	taste.plain &= !taste.yields;
	taste.locks |= taste.plain;
	if (taste.plain && below(4))
		taste.words = 2;
	program->plain = taste.plain;
	program->threads = 2 + below(2);
	for (unsigned i = 0; i < program->threads; i++) {
		unsigned steps = program->threads == 2 ? 2 + below(5) : 1 + below(3);

		while (steps-- > 0)
			add_step(program, i, &taste);
	}
}

/* ---- for people ---- */

static void print_step(const struct instruction *step)
{
	static const char *const names[] = { "load",       "store",       "store last+", "add",
					     "exchange",   "swap",        "skip",        "fence",
					     "lock",       "unlock",      "wait",        "yield",
					     "plain load", "plain store", "fail if" };

	printf("%s", names[step->operation]);
	switch (step->operation) {
	case SKIP_ODD:
	case FENCE:
	case YIELD:
		return;
	case LOCK:
	case UNLOCK:
		printf(" m%u", step->at);
		return;
	case FAIL_IF:
		printf(" %" PRIu64, step->value);
		return;
	default:
		printf(" [%u]/%u", step->at, step->bytes);
	}
	if (step->operation == SWAP)
		printf(" %" PRIu64 " ->", step->expected);
	if (step->operation != LOAD && step->operation != PLAIN_LOAD)
		printf(" %#" PRIx64, step->value);
	if (step->order == __ATOMIC_SEQ_CST)
		printf(" sc");
}

void print_program(const struct program *program)
{
	for (unsigned i = 0; i < program->threads; i++) {
		printf("  %c:", 'a' + i);
		for (unsigned k = 0; k < program->count[i]; k++) {
			printf(k ? "; " : " ");
			print_step(&program->step[i][k]);
		}
		printf("\n");
	}
}
