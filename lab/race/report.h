/* SPDX-License-Identifier: MIT */
/* Searches a scenario and tells the result: to people, or as JSON. */
#ifndef RACE_REPORT_H
#define RACE_REPORT_H

#include "lab/race/race.h"
#include "lab/race/trace.h"

enum race_status { /* exit statuses */
		   RACE_PROVED,
		   RACE_FOUND,
		   RACE_NOT_FINISHED,
		   RACE_BROKEN,
};

/* What is wanted of a scenario. */
struct race_ask {
	struct race_search search;
	const char *replay; /* a schedule as text, instead of a search; or NULL */
	const char *resume; /* the file of a search that may go on, and be stopped; or NULL */
	bool json;
	bool brief; /* one line for each search, without the trace */
	bool stacks; /* the trace has the call stack of each step */
	const char *
		command; /* that runs the scenario: for the line that says how to replay; or NULL */
	const char *svg, *html; /* files for the picture of a finding, or NULL */
	unsigned width; /* of the trace; 0: as wide as the terminal, or 100 */
};

/* The worse of two exit statuses: broken, found, not finished, proved. */
int race_worse(int a, int b);
/* Writes out the results. Returns @status, or RACE_BROKEN if they could not be written. */
int race_flush(int status);
/*
 * The exit status of a process that searched; RACE_BROKEN after a message if a signal ended it. If nobody reads the
 * results any more (SIGPIPE), this process ends likewise.
 */
int race_child_status(int waited, const char *scenario);
/* Runs the scenario's setup. */
void race_prepare(const struct pw_lab_scenario *scenario);
/* Searches, and prints what came out. Returns the exit status. The setup has run. */
int race_run_scenario(const struct pw_lab_scenario *scenario, enum pw_lab_model model,
		      const struct race_ask *ask);
/*
 * Searches; at a finding looks for the shortest schedule, and replays it: result->schedule. While
 * *replayed (may be NULL) is called, the events of that run stand. Returns the exit status.
 */
int race_search_scenario(const struct pw_lab_scenario *scenario, enum pw_lab_model model,
			 const struct race_search *search, struct pw_lab_result *result,
			 void (*replayed)(void *context), void *context);

#endif
