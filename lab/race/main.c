/* SPDX-License-Identifier: MIT */
/* pw_lab_main: a program with scenarios searches them, and reports. */
#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lab/race/options.h"
#include "lab/race/progress.h"
#include "lab/race/real.h"
#include "lab/race/report.h"
#include "lab/race/wrap.h"

enum {
	OPTION_SAMPLE = RACE_OPTION_OWN,
	OPTION_PCT,
	OPTION_ALL_ORDERS,
	OPTION_LIST,
	STATUS_BROKEN = 3,
};

static const struct argp_option options[] = {
	{ "model", RACE_OPTION_MODEL, "MODEL", 0,
	  "sc: no reordering; tso: stores may be late; both (default); weak: loads may also be "
	  "early, with --sample",
	  0 },
	{ "seconds", RACE_OPTION_SECONDS, "N", 0, "Stop each search after N seconds", 0 },
	{ "runs", RACE_OPTION_RUNS, "N", 0, "Stop each search after N runs", 0 },
	{ "replay", RACE_OPTION_REPLAY, "SCHEDULE", 0, "Run this one schedule, and show it", 0 },
	{ "resume", RACE_OPTION_RESUME, "FILE", 0,
	  "Go on with the search that was stopped and kept in FILE; keep it there if it is stopped",
	  0 },
	{ "sample", OPTION_SAMPLE, "N", 0, "N random runs in place of the search; proves nothing",
	  0 },
	{ "pct", OPTION_PCT, "N", 0,
	  "With --sample: random priorities that change N times in a run", 0 },
	{ "seed", RACE_OPTION_SEED, "N", 0, "With --sample: another N gives other runs", 0 },
	{ "jobs", RACE_OPTION_JOBS, "N", 0,
	  "Search with N processes; the number of runs may then differ", 0 },
	{ "bound", RACE_OPTION_BOUND, "N", 0,
	  "Every interleaving of at most N preemptions, without reduction; proves nothing", 0 },
	{ "all-orders", OPTION_ALL_ORDERS, NULL, 0,
	  "Every interleaving, without reduction: for small scenarios, to check the search", 0 },
	{ "json", RACE_OPTION_JSON, NULL, 0, "One JSON object for each search", 0 },
	{ "stacks", RACE_OPTION_STACKS, NULL, 0, "Show the call stack of each step of a finding",
	  0 },
	{ "svg", RACE_OPTION_SVG, "FILE", 0,
	  "Draw the first finding as SVG; - is the standard output", 0 },
	{ "html", RACE_OPTION_HTML, "FILE", 0,
	  "Write a page that steps through the first finding; - is the standard output", 0 },
	{ "list", OPTION_LIST, NULL, 0, "List the scenarios of this program", 0 },
	{ 0 },
};

struct arguments {
	struct race_ask ask;
	const char *name;
	bool list;
	bool wanted[RACE_MODELS];
	unsigned long long sample;
	bool pct;
};

static error_t parse(int key, char *text, struct argp_state *state)
{
	struct arguments *arguments = state->input;
	struct race_ask *ask = &arguments->ask;

	switch (key) {
	case OPTION_PCT:
		arguments->pct = true;
		ask->search.bound = race_option_small(state, "pct", text);
		return 0;
	case OPTION_SAMPLE:
		arguments->sample = race_option_number(state, "sample", text);
		return 0;
	case OPTION_ALL_ORDERS:
		ask->search.mode = RACE_ALL;
		return 0;
	case OPTION_LIST:
		arguments->list = true;
		return 0;
	case ARGP_KEY_ARG:
		if (arguments->name)
			argp_error(state, "give one scenario, or none for all");
		arguments->name = text;
		return 0;
	case ARGP_KEY_END:
		if (arguments->sample) {
			ask->search.mode = arguments->pct ? RACE_PCT : RACE_RANDOM;
			ask->search.limit = arguments->sample;
		}
		if (arguments->wanted[PW_LAB_WEAK] && !arguments->sample && !ask->replay)
			argp_error(state, "weak processors are sampled: give --sample N");
		return 0;
	default:
		return race_option(key, text, state, ask, arguments->wanted);
	}
}

static int list(const struct pw_lab_scenario *scenarios, size_t count)
{
	for (size_t i = 0; i < count; i++)
		printf("%-24s %s\n", scenarios[i].name,
		       scenarios[i].about ? scenarios[i].about : "");
	return race_flush(0);
}

static int run(const struct pw_lab_scenario *scenario, const struct arguments *arguments)
{
	struct race_ask ask = arguments->ask;
	const char *file = ask.svg ? ask.svg : ask.html;
	int worst = 0;

	for (int model = PW_LAB_SC; model <= PW_LAB_WEAK && !race_interrupted(); model++) {
		int status;

		if (!arguments->wanted[model])
			continue;
		status = race_run_scenario(scenario, (enum pw_lab_model)model, &ask);
		worst = race_worse(worst, status);
		/* One file has room for one finding. */
		if (status == RACE_FOUND)
			ask.svg = ask.html = NULL;
	}
	if (file && (ask.svg || ask.html))
		fprintf(stderr, "pagewalk-lab: nothing was found, so %s is not written\n", file);
	return worst;
}

/* One process for each scenario: what its setup leaves behind does not reach the next one. */
static int run_apart(const struct pw_lab_scenario *scenario, const struct arguments *arguments)
{
	int status;
	pid_t child;

	child = race_fork();
	if (child < 0) {
		perror("pagewalk-lab: no process for the scenario");
		return STATUS_BROKEN;
	}
	if (child == 0) {
		race_prepare(scenario);
		_exit(race_flush(run(scenario, arguments)));
	}
	if (!race_wait(child, &status))
		return STATUS_BROKEN;
	return race_child_status(status, scenario->name);
}

int pw_lab_main(int argc, char **argv, const struct pw_lab_scenario *scenarios, size_t count)
{
	static const struct argp argp = {
		options,
		parse,
		"[SCENARIO]",
		"Runs scenarios under every interleaving of their threads.\v"
		"Exit status: 0 nothing can go wrong, 1 something can, 2 the search did not finish, 3 the "
		"scenario or the arguments are at fault, or the results cannot be written.",
		NULL,
		NULL,
		NULL
	};
	struct arguments arguments = { .ask.search.mode = RACE_SOURCE,
				       .wanted = { [PW_LAB_SC] = true, [PW_LAB_TSO] = true } };
	int worst = 0;
	bool any = false;

	race_hold_streams();
	if (!race_can_show(argc, argv))
		return STATUS_BROKEN;
	argp_err_exit_status = STATUS_BROKEN;
	argp_parse(&argp, argc, argv, 0, NULL, &arguments);
	if (arguments.list)
		return list(scenarios, count);
	if (!race_instrumented) {
		fprintf(stderr,
			"%s: nothing of this program is compiled for the laboratory, so no thread "
			"does a step: compile it with the flags of `pkg-config --cflags "
			"pagewalk-lab', and link it without them\n",
			argv[0]);
		return STATUS_BROKEN;
	}
	if (arguments.ask.resume &&
	    (!arguments.name || arguments.wanted[PW_LAB_SC] == arguments.wanted[PW_LAB_TSO] ||
	     arguments.ask.search.mode != RACE_SOURCE || arguments.ask.replay)) {
		fprintf(stderr,
			"%s: --resume keeps one search: name the scenario, and give --model sc or "
			"--model tso\n",
			argv[0]);
		return STATUS_BROKEN;
	}
	if ((arguments.ask.svg || arguments.ask.html) && !arguments.name && count > 1) {
		fprintf(stderr,
			"%s: a picture shows one scenario: name it; --list shows those that "
			"there are\n",
			argv[0]);
		return STATUS_BROKEN;
	}
	race_watch_interrupts();
	for (size_t i = 0; i < count && !race_interrupted(); i++) {
		if (arguments.name && strcmp(arguments.name, scenarios[i].name) != 0)
			continue;
		any = true;
		worst = race_worse(worst, run_apart(&scenarios[i], &arguments));
	}
	if (!any) {
		fprintf(stderr,
			"%s: there is no scenario '%s'; --list shows those that there are\n",
			argv[0], arguments.name ? arguments.name : "");
		return STATUS_BROKEN;
	}
	return worst;
}
