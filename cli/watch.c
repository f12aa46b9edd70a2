/* SPDX-License-Identifier: MIT */
/* pagewalk watch: what changed in the map of a machine that runs, since the last look. */
#include "again.h"
#include "base/escape.h"
#include "change.h"
#include "usage.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

enum { OPTION_INTERVAL = 0x200, OPTION_COUNT, OPTION_WAIT };

static const struct argp_option options[] = {
	{ NULL, 0, NULL, 0, "When to look:", 3 },
	{ "interval", OPTION_INTERVAL, "SECONDS", 0, "Time between two looks (default 1)", 3 },
	{ "count", OPTION_COUNT, "N", 0, "End after N looks; default: at Ctrl-C", 3 },
	{ "wait", OPTION_WAIT, "SECONDS", 0,
	  "When the machine is reset or has ended: how long to wait for a system to run there again "
	  "(default 120; 0: end)",
	  3 },
	{ 0 },
};

struct arguments {
	struct tool_options options;
	const char *source;
	pw_va first, last;
	double interval, wait;
	uint64_t count;
};

static double parse_seconds(const struct argp_state *state, const char *option, const char *text,
			    double least, double most)
{
	char *end;
	double seconds = strtod(text, &end);

	if (end == text || *end || !(seconds >= least) || !(seconds <= most))
		usage_error(state, "--%s %s: give seconds, from %g to %g", option, text, least,
			    most);
	return seconds;
}

static error_t parse(int key, char *text, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &arguments->options;
		return 0;
	case OPTION_INTERVAL:
		arguments->interval = parse_seconds(state, "interval", text, 0.001, 86400);
		return 0;
	case OPTION_WAIT:
		arguments->wait = parse_seconds(state, "wait", text, 0, 86400);
		return 0;
	case OPTION_COUNT:
		arguments->count = tool_number(state, text);
		if (arguments->count == 0)
			usage_error(state, "--count 0 leaves nothing to do; give at least 1");
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num == 0)
			arguments->source = text;
		else if (state->arg_num == 1)
			tool_range(state, text, false, &arguments->first, &arguments->last);
		else
			usage_error(state, "'%s' is one argument too many", text);
		return 0;
	case ARGP_KEY_END:
		if (!arguments->source)
			usage_error(state, "give a SOURCE");
		if (arguments->options.stop)
			usage_error(state,
				    "a machine that --stop has stopped changes nothing; leave "
				    "out --stop");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* Sleeps, but not longer than until a signal. */
static void wait_until(const struct timespec *when)
{
	while (!tool_stopped() &&
	       clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, when, NULL) == EINTR)
		;
}

static void add_time(struct timespec *time, double seconds)
{
	const long second = 1000000000;
	long nanoseconds = (long)((seconds - (double)(time_t)seconds) * (double)second);

	time->tv_sec += (time_t)seconds + (time->tv_nsec + nanoseconds) / second;
	time->tv_nsec = (time->tv_nsec + nanoseconds) % second;
}

/* What a line of this look begins with. */
struct look {
	const struct pw_regime *regime;
	bool json;
	struct terminal terminal;
	char time[40];
};

static void print(void *context, const struct change *change)
{
	const struct look *look = context;
	char before[sizeof(look->time) + 2];

	if (look->json) {
		printf("{\"time\":\"%s\",", look->time);
		change_print_json(change);
		printf("}\n");
	} else {
		snprintf(before, sizeof(before), "%s  ", look->time);
		change_print(&look->terminal, before, look->regime, change);
	}
}

static void set_time(struct look *look)
{
	struct timespec time;
	struct tm parts;
	size_t used;

	clock_gettime(CLOCK_REALTIME, &time);
	gmtime_r(&time.tv_sec, &parts);
	used = strftime(look->time, sizeof(look->time),
			look->json ? "%Y-%m-%dT%H:%M:%S" : "%H:%M:%S", &parts);
	snprintf(look->time + used, sizeof(look->time) - used, ".%03ld%s", time.tv_nsec / 1000000,
		 look->json ? "Z" : "");
}

/* ---- when the machine is gone ---- */

/* A line about the machine itself: @event and what it says; with the rest of an object for JSON, or "". */
static void print_event(struct look *look, const char *event, const char *says, const char *more)
{
	set_time(look);
	if (look->json) {
		printf("{\"time\":\"%s\",\"event\":\"%s\"", look->time, event);
		pw_json_text(stdout, "says", says);
		printf("%s}\n", more);
	} else {
		terminal_line(&look->terminal, "%s  %-9s  %s", look->time, event, says);
	}
	tool_flush();
}

/* What became of the machine, and what is done about it. */
static void print_gone(struct look *look, const struct arguments *arguments,
		       const struct change_gone *gone)
{
	char says[sizeof(gone->error.text) + 100];

	snprintf(says, sizeof(says),
		 "%s. Waiting for a system to run there, for %g seconds at most", gone->error.text,
		 arguments->wait);
	print_event(look,
		    gone->kernel              ? "kernel"
		    : gone->status == -ESTALE ? "reset"
					      : "lost",
		    says, "");
}

static void print_found(struct look *look, const struct tool_input *input, size_t ranges)
{
	char says[sizeof(input->chosen) + 60], more[80];

	snprintf(says, sizeof(says), "%s; %zu range%s", input->chosen, ranges,
		 ranges == 1 ? " is mapped" : "s are mapped");
	snprintf(more, sizeof(more), ",\"root\":\"0x%llx\",\"ranges\":%zu",
		 (unsigned long long)input->regime.root[input->regime.root[0] == PW_ROOT_ABSENT],
		 ranges);
	print_event(look, "found", says, more);
}

/* What goes on from look to look. */
struct watched {
	const struct arguments *arguments;
	struct tool_input *input;
	enum again_kernel kernel;
	struct look look;
	struct map_list before;
};

/* The machine is gone: waits for one, and reads its map. 0, TOOL_NOTHING after a signal, or TOOL_FAILED. */
static int go_on(struct watched *watched, struct change_gone *gone)
{
	const struct arguments *arguments = watched->arguments;
	int status;

	do {
		if (!pw_memory_is_live(watched->input->memory) || arguments->wait == 0)
			return tool_fail("%s", gone->error.text);
		if (!again_has_root(&arguments->options))
			return tool_fail("%s. The root was given as a word, which belonged to the "
					 "machine as it was: give --pid, or --root with a name, to "
					 "go on by itself",
					 gone->error.text);
		print_gone(&watched->look, arguments, gone);
		free(watched->before.range);
		watched->before = (struct map_list){ .count = 0 };
		status = again_open(&arguments->options, watched->kernel, arguments->wait,
				    watched->input);
		if (status)
			return status;
		watched->kernel = again_learn_kernel(watched->input);
		watched->look.regime = &watched->input->regime;
		status = change_read(watched->input, arguments->first, arguments->last,
				     &watched->before, gone);
	} while (gone->status < 0);
	if (status == TOOL_DONE)
		print_found(&watched->look, watched->input, watched->before.count);
	return status;
}

/* Looks once, and tells what has changed. */
static int look_again(struct watched *watched)
{
	const struct arguments *arguments = watched->arguments;
	struct change_gone gone = { .status = 0 };
	struct map_list after;
	int status = change_read(watched->input, arguments->first, arguments->last, &after, &gone);

	set_time(&watched->look);
	if (status == TOOL_DONE) {
		change_find(&watched->before, &after, print, &watched->look);
		free(watched->before.range);
		watched->before = after;
		return TOOL_DONE;
	}
	free(after.range);
	return gone.status < 0 ? go_on(watched, &gone) : status;
}

static int watch(const struct arguments *arguments, struct tool_input *input)
{
	struct watched watched = {
		.arguments = arguments,
		.input = input,
		.look = { .regime = &input->regime,
			  .json = arguments->options.json,
			  .terminal = terminal_plain(arguments->options.json) },
	};
	struct change_gone gone = { .status = 0 };
	struct timespec when;
	int status;

	if (pw_memory_is_live(input->memory))
		watched.kernel = again_learn_kernel(input);
	else
		tool_message(
			"%s is not a machine that runs: nothing changes unless something writes "
			"to it; Ctrl-C ends this",
			input->source);
	status = change_read(input, arguments->first, arguments->last, &watched.before, &gone);
	if (gone.status < 0)
		status = go_on(&watched, &gone);
	clock_gettime(CLOCK_MONOTONIC, &when);
	for (uint64_t n = 0; status == TOOL_DONE && (!arguments->count || n < arguments->count);
	     n++) {
		add_time(&when, arguments->interval);
		wait_until(&when);
		if (tool_stopped())
			break;
		status = look_again(&watched);
		if (!tool_flush())
			status = TOOL_FAILED;
	}
	free(watched.before.range);
	/* A signal is how this ends. */
	return status == TOOL_NOTHING && tool_stopped() ? TOOL_DONE : status;
}

static const char description[] =
	"Look at the map of a machine that runs again and again, and print what has changed since "
	"the last look: mapped, unmapped, moved, protected, resized."
	"\v"
	"FIRST-LAST is inclusive. Each line begins with the time (UTC). The root is the one that was "
	"chosen at the start. When the machine is reset, runs another kernel or has ended, a line says "
	"so, and the root is chosen again as soon as a system runs there. Exit status: 0 ended by "
	"Ctrl-C or --count, 2 wrong usage or input, or the machine did not come back.";

int tool_watch(int argc, char **argv)
{
	static const struct argp_child children[] = { { &tool_walk_argp, 0, NULL, 0 }, { 0 } };
	static const struct argp argp = { options,     parse,    "SOURCE [FIRST-LAST]",
					  description, children, NULL,
					  NULL };
	struct arguments arguments = { .last = UINT64_MAX, .interval = 1, .wait = 120 };
	struct tool_input input;
	int status;

	tool_parse(&argp, "watch", argc, argv, &arguments.options, &arguments);
	if (tool_open(&arguments.options, arguments.source, true, &input))
		return TOOL_FAILED;
	tool_catch_interrupts();
	status = watch(&arguments, &input);
	tool_close(&input);
	return tool_finish(status);
}
