/* SPDX-License-Identifier: MIT */
/* A search that was stopped goes on from a file. */
#ifndef RACE_RESUME_H
#define RACE_RESUME_H

#include <stdio.h>

#include "lab/race/race.h"

struct race_resume {
	FILE *file; /* at the hashes of the classes */
	unsigned words,
		count; /* count: steps of the last run; 0: the search begins, with these words */
	uint16_t check;
	uint8_t lane[RACE_EVENTS]; /* the last run */
	uint16_t state[RACE_EVENTS][3]; /* backtrack, done, sleep */
	struct pw_lab_result result;
};

enum race_resume_status { RACE_RESUME_NEW, RACE_RESUME_READ, RACE_RESUME_WRONG };

/* After a search that has not finished and has found nothing: writes its state. False: errno says why not. */
bool race_resume_write(const char *path, const struct pw_lab_result *result);
/* Reads a state of the same scenario and model. NEW: there is no such file. */
enum race_resume_status race_resume_read(const char *path, const struct pw_lab_scenario *scenario,
					 enum pw_lab_model model, struct race_resume *resume);
/*
 * The last run was done again: makes its states and the counts those of the file. False if it is another run: the
 * result says so.
 */
bool race_resume_apply(struct race_resume *resume, struct pw_lab_result *result);

#endif
