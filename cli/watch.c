/* SPDX-License-Identifier: MIT */
/* pagewalk watch: what changed in the map of a machine that runs, since the last look. */
#include "change.h"
#include "usage.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

enum { OPTION_INTERVAL = 0x200, OPTION_COUNT };

static const struct argp_option options[] = {
	{ NULL, 0, NULL, 0, "When to look:", 3 },
	{ "interval", OPTION_INTERVAL, "SECONDS", 0, "Time between two looks (default 1)", 3 },
	{ "count", OPTION_COUNT, "N", 0, "End after N looks; default: at Ctrl-C", 3 },
	{ 0 },
};

struct arguments {
	struct tool_options options;
	const char *source;
	pw_va first, last;
	double interval;
	uint64_t count;
};

static error_t parse(int key, char *text, struct argp_state *state)
{
	struct arguments *arguments = state->input;
	char *end;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &arguments->options;
		return 0;
	case OPTION_INTERVAL:
		arguments->interval = strtod(text, &end);
		if (end == text || *end || !(arguments->interval >= 0.001) ||
		    !(arguments->interval <= 86400))
			usage_error(state, "--interval %s: give seconds, from 0.001 to 86400",
				    text);
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

static int watch(const struct arguments *arguments, const struct tool_input *input)
{
	struct look look = { .regime = &input->regime,
			     .json = arguments->options.json,
			     .terminal = terminal_plain(arguments->options.json) };
	struct map_list before, after;
	struct timespec when;
	int status = change_read(input, arguments->first, arguments->last, &before);

	if (!pw_memory_is_live(input->memory))
		tool_message(
			"%s is not a machine that runs: nothing changes unless something writes "
			"to it; Ctrl-C ends this",
			input->source);
	clock_gettime(CLOCK_MONOTONIC, &when);
	for (uint64_t n = 0; status == TOOL_DONE && (!arguments->count || n < arguments->count);
	     n++) {
		add_time(&when, arguments->interval);
		wait_until(&when);
		if (tool_stopped())
			break;
		status = change_read(input, arguments->first, arguments->last, &after);
		set_time(&look);
		if (status == TOOL_DONE) {
			change_find(&before, &after, print, &look);
			free(before.range);
			before = after;
		} else {
			free(after.range);
		}
		if (!tool_flush())
			status = TOOL_FAILED;
	}
	free(before.range);
	/* A signal is how this ends. */
	return status == TOOL_NOTHING && tool_stopped() ? TOOL_DONE : status;
}

static const char description[] =
	"Look at the map of a machine that runs again and again, and print what has changed since "
	"the last look: mapped, unmapped, moved, protected, resized."
	"\v"
	"FIRST-LAST is inclusive. Each line begins with the time (UTC). The root is the one that was "
	"chosen at the start. Exit status: 0 ended by Ctrl-C or --count, 2 wrong usage or input, or "
	"the machine was reset or has ended.";

int tool_watch(int argc, char **argv)
{
	static const struct argp_child children[] = { { &tool_walk_argp, 0, NULL, 0 }, { 0 } };
	static const struct argp argp = { options,     parse,    "SOURCE [FIRST-LAST]",
					  description, children, NULL,
					  NULL };
	struct arguments arguments = { .last = UINT64_MAX, .interval = 1 };
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
