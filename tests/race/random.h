/* SPDX-License-Identifier: MIT */
/*
 * Small random programs, for two judges: the laboratory runs them through its call-outs (programs.c), and an
 * abstract machine goes through all of its states (machine.c). Both must come to the same outcomes.
 */
#ifndef RACE_RANDOM_H
#define RACE_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { THREADS = 3, STEPS = 40, WORDS = 3, MUTEXES = 2 };

enum operation {
	LOAD,
	STORE,
	STORE_LAST, /* the value that was read last, plus `value` */
	ADD,
	EXCHANGE,
	SWAP, /* compare and exchange; if it fails, the next step is left out */
	SKIP_ODD, /* leaves out the next step if the value that was read last is odd */
	FENCE,
	LOCK,
	UNLOCK,
	WAIT, /* until the word is not `value` */
	YIELD,
	PLAIN_LOAD, /* a plain access of the language */
	PLAIN_STORE,
	FAIL_IF, /* if the value that was read last is `value` */
};

struct instruction {
	enum operation operation;
	unsigned at, bytes; /* in the memory; or the number of a mutex */
	int order;
	uint64_t value, expected;
};

struct program {
	unsigned threads, count[THREADS];
	struct instruction step[THREADS][STEPS];
	bool yields, fails, plain; /* has such steps */
};

/* The same seed makes the same program. */
void random_program(struct program *program, uint64_t seed);
void print_program(const struct program *program);

/* ---- outcomes ---- */

/* Where a run has ended: memory, what each thread has read, and how far it has come. */
struct outcome {
	uint64_t memory[WORDS];
	uint64_t read[THREADS]; /* a hash of all that it read */
	unsigned step[THREADS];
};

struct outcomes {
	uint64_t *slot;
	size_t room, count;
	uint64_t sum; /* equal sets have equal sums */
	bool failed; /* a FAIL_IF came true */
};

uint64_t mix_in(uint64_t hash, uint64_t value);
/* Returns whether it is new. */
bool outcomes_add(struct outcomes *set, uint64_t hash);
void outcomes_add_outcome(struct outcomes *set, const struct outcome *outcome);
void outcomes_clear(struct outcomes *set);

/* ---- machine.c ---- */

/* All outcomes, by going through all states. False if there are too many states. */
bool machine_outcomes(const struct program *program, bool tso, struct outcomes *set);

#endif
