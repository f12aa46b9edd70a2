/* SPDX-License-Identifier: MIT */
/* How the steps of a run read: the field's names for addresses and values, and the source line of each. */
#ifndef RACE_TRACE_H
#define RACE_TRACE_H

#include <stdio.h>

#include "lab/race/race.h"
#include "lab/race/record.h"

struct race_step_text {
	unsigned number; /* from 1 */
	unsigned thread; /* whose step it is; of a flush, whose store */
	const struct race_event *event;
	const char *verb; /* "load", "store", "free", ... */
	char name[64]; /* of what it touches; may be empty */
	char before[64], after[64]; /* the value, as the field writes it */
	bool changes; /* before and after differ */
	char file[128]; /* its last part; empty if it is not known */
	int line;
	char function[64];
	bool switched; /* another thread did the step before, and could have gone on */
};

/* Tells the @i-th event of the run that stands in race_event[]. */
void race_tell(unsigned i, struct race_step_text *text);

/*
 * A scenario's own words, before those that are built in. Each returns false if it has none. @at is an address, and
 * @value what its @bytes bytes hold.
 */
struct race_words {
	bool (*name)(uintptr_t at, size_t bytes, char *text, size_t size);
	bool (*value)(uintptr_t at, size_t bytes, uint64_t value, char *text, size_t size);
	/*
	 * Tells the state at this moment, a race_fact() for each part of it: "pte[3] of the table at 0x5000", "leaf of
	 * frame 8". The page of a finding shows them beside each step. It must not change anything.
	 */
	void (*state)(struct race_facts *facts);
};
extern struct race_words race_words;
/* Adds a row to what the state is. */
void race_fact(struct race_facts *facts, const char *name, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* What @op touches, as the field names it. */
void race_tell_name(const struct race_op *op, char *text, size_t size);
/* What its word means, if it holds @value. */
void race_tell_value(const struct race_op *op, uint64_t value, char *text, size_t size);

/* A call in the program. */
struct race_frame {
	char function[64];
	char file[64]; /* its last part; empty if it is not known */
	int line;
};

/*
 * The function at a return address, and after it those into which the compiler has copied it. Returns how many there
 * are; 0 if nothing is known.
 */
unsigned race_frames(const void *pc, struct race_frame *frame, unsigned room);
/* The source line of an address in the program. False if it is not known. */
bool race_line(const void *pc, char *file, size_t size, int *line_ret, char *function,
	       size_t function_size);
/* The text of that line. False if the file cannot be read. */
bool race_source(const void *pc, char *text, size_t size);

/* The name of a static object at an address. False if there is none. */
bool race_symbol(const void *at, char *text, size_t size);

#endif
