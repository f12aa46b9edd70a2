/* SPDX-License-Identifier: MIT */
/* What the options mean that programs of scenarios have in common. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lab/race/options.h"

enum { SMALL = 1000000 };

unsigned long long race_option_number(const struct argp_state *state, const char *option,
				      const char *text)
{
	char *end;
	unsigned long long value;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (*end || end == text || *text == '-')
		argp_error(state, "--%s wants a number, not '%s'", option, text);
	if (errno)
		argp_error(state, "--%s %s is more than 64 bits can hold", option, text);
	return value;
}

unsigned race_option_small(const struct argp_state *state, const char *option, const char *text)
{
	const unsigned long long value = race_option_number(state, option, text);

	if (value > SMALL)
		argp_error(state, "--%s %s is too large; give at most %d", option, text, SMALL);
	return (unsigned)value;
}

/* Of ASCII, or of Latin-1 as UTF-8 has it. */
static bool has_control(const char *text)
{
	const unsigned char *at = (const unsigned char *)text;

	for (; *at; at++)
		if (*at < 0x20 || *at == 0x7f || (at[0] == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0))
			return true;
	return false;
}

bool race_can_show(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (has_control(argv[i])) {
			fprintf(stderr,
				"pagewalk lab: there is a control character in argument %d; if it is the "
				"name of a file, give the file another name\n",
				i);
			return false;
		}
	return true;
}

void race_hold_streams(void)
{
	for (int file = 0; file <= STDERR_FILENO; file++)
		if (fcntl(file, F_GETFD) < 0 &&
		    open("/dev/null", file == STDERR_FILENO ? O_WRONLY : O_RDONLY) < 0)
			return;
}

static void choose_models(const struct argp_state *state, const char *text,
			  bool wanted[RACE_MODELS])
{
	wanted[PW_LAB_WEAK] = strcmp(text, "weak") == 0;
	wanted[PW_LAB_SC] = strcmp(text, "tso") != 0 && !wanted[PW_LAB_WEAK];
	wanted[PW_LAB_TSO] = strcmp(text, "sc") != 0 && !wanted[PW_LAB_WEAK];
	if (wanted[PW_LAB_SC] && wanted[PW_LAB_TSO] && strcmp(text, "both") != 0)
		argp_error(state, "--model is sc, tso, both or weak, not '%s'", text);
}

error_t race_option(int key, const char *text, const struct argp_state *state, struct race_ask *ask,
		    bool wanted[RACE_MODELS])
{
	struct race_search *search = &ask->search;

	switch (key) {
	case RACE_OPTION_MODEL:
		choose_models(state, text, wanted);
		return 0;
	case RACE_OPTION_SECONDS:
		search->seconds = (double)race_option_number(state, "seconds", text);
		return 0;
	case RACE_OPTION_RUNS:
		search->limit = race_option_number(state, "runs", text);
		return 0;
	case RACE_OPTION_REPLAY:
		ask->replay = text;
		return 0;
	case RACE_OPTION_RESUME:
		ask->resume = text;
		return 0;
	case RACE_OPTION_SEED:
		search->seed = race_option_number(state, "seed", text);
		return 0;
	case RACE_OPTION_JOBS:
		search->jobs = race_option_small(state, "jobs", text);
		return 0;
	case RACE_OPTION_BOUND:
		search->mode = RACE_BOUNDED;
		search->bound = race_option_small(state, "bound", text);
		return 0;
	case RACE_OPTION_JSON:
		ask->json = true;
		return 0;
	case RACE_OPTION_STACKS:
		ask->stacks = true;
		return 0;
	case RACE_OPTION_SVG:
		ask->svg = text;
		return 0;
	case RACE_OPTION_HTML:
		ask->html = text;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}
