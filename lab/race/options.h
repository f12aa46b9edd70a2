/* SPDX-License-Identifier: MIT */
/* The options that programs of scenarios have in common. What each says in --help is its own. */
#ifndef RACE_OPTIONS_H
#define RACE_OPTIONS_H

#include <argp.h>
#include <stdbool.h>

#include "lab/race/report.h"

enum {
	RACE_OPTION_MODEL = 0x100,
	RACE_OPTION_SECONDS,
	RACE_OPTION_RUNS,
	RACE_OPTION_REPLAY,
	RACE_OPTION_RESUME,
	RACE_OPTION_SEED,
	RACE_OPTION_JOBS,
	RACE_OPTION_BOUND,
	RACE_OPTION_JSON,
	RACE_OPTION_STACKS,
	RACE_OPTION_SVG,
	RACE_OPTION_HTML,
	RACE_OPTION_OWN, /* the first number for a program's own options */
};

enum { RACE_MODELS = PW_LAB_WEAK + 1 };

/* The number that an option is given. Ends the program with a sentence if @text is not one. */
unsigned long long race_option_number(const struct argp_state *state, const char *option,
				      const char *text);
/* The same for a number of processes, or of the like, up to a million. */
unsigned race_option_small(const struct argp_state *state, const char *option, const char *text);
/*
 * Takes the places of standard streams that are closed: else memory that searches share, which is a file, would be standard
 * output, and get the results. Writes to the place of standard output fail.
 */
void race_hold_streams(void);
/*
 * Has no argument a control character? Messages and commands show arguments as they are, and these would steer a terminal.
 * Otherwise says which one has.
 */
bool race_can_show(int argc, char **argv);
/* Takes one of the options above. @wanted is by enum pw_lab_model. Returns 0, or ARGP_ERR_UNKNOWN. */
error_t race_option(int key, const char *text, const struct argp_state *state, struct race_ask *ask,
		    bool wanted[RACE_MODELS]);

#endif
