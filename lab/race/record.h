/* SPDX-License-Identifier: MIT */
/*
 * What a picture needs to know of a run beside its events: call stacks, stores that went into a buffer, and the
 * memory after each event. It is recorded in one replay. In all other runs a flag is tested, and nothing else is done.
 */
#ifndef RACE_RECORD_H
#define RACE_RECORD_H

#include "lab/race/race.h"

enum { RACE_FRAMES = 32 }; /* the most that is kept of a stack */

/* Return addresses, the innermost call first. */
struct race_stack {
	uint8_t count;
	const void *pc[RACE_FRAMES];
};

/* A store that its thread has executed, and that is not in the memory yet. */
struct race_stored {
	struct race_op op;
	uint64_t value;
	unsigned thread;
	unsigned depth; /* how many events of the run came before it */
	struct race_stack stack;
};

/* What a scenario says of its state at one moment. */
struct race_fact {
	char name[64], value[96];
};

struct race_facts {
	struct race_fact *fact;
	unsigned count, room;
};

/* The memory after as many events as the moment's number says. */
struct race_moment {
	bool taken;
	uint64_t *value; /* of each word that is watched */
	struct race_facts facts;
};

struct race_record {
	const struct race_op *watched; /* words; the caller's */
	unsigned watched_count;
	struct race_moment *moment;
	unsigned moments;
	struct race_stored *store;
	unsigned stores, store_room;
	struct race_stack *stack[RACE_THREADS]; /* of each step of the thread, in its order */
	unsigned steps[RACE_THREADS], step_room[RACE_THREADS];
};

extern bool race_recording;

/* From now on, one run of at most @events events is recorded. False if there is no memory for that. */
bool race_record_begin(struct race_record *record, const struct race_op *watched, unsigned count,
		       unsigned events);
void race_record_end(void);
void race_record_free(struct race_record *record);

/* ---- while race_recording ---- */

/* The running thread enters a function that was called from @pc; it leaves one. */
void race_record_enter(const void *pc);
void race_record_leave(void);
/* It is about to do a step, or has put a store into its buffer. */
void race_record_step(void);
void race_record_store(const struct race_op *op, uint64_t value);
/* All events so far have been done. */
void race_record_moment(void);

#endif
