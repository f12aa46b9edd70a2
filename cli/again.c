/* SPDX-License-Identifier: MIT */
/* Opens a machine again that was reset, or another one at the same place. */
#include "again.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const double PAUSE = 0.2, PAUSE_MOST = 5;

static void pause_for(double seconds)
{
	struct timespec time = { .tv_sec = (time_t)seconds };

	time.tv_nsec = (long)((seconds - (double)time.tv_sec) * 1e9);
	/* A signal ends it early. */
	nanosleep(&time, NULL);
}

bool again_has_root(const struct tool_options *options)
{
	return options->roots == 0;
}

enum again_kernel again_learn_kernel(const struct tool_input *input)
{
	if (pw_memory_find_vmcoreinfo(input->memory, UINT64_MAX, NULL))
		return AGAIN_NOTHING;
	return pw_memory_check_kernel(input->memory, NULL, NULL) == 1 ? AGAIN_SHOWN : AGAIN_TELLS;
}

/* Does the source name a process, "qemu:123", and is there none of this number? Then it never comes back. */
static bool has_no_process(const char *source)
{
	const char *name = strchr(source, ':');

	if (!name || !name[1] || name[1 + strspn(name + 1, "0123456789")] || strlen(name) > 10)
		return false;
	return kill((pid_t)strtoul(name + 1, NULL, 10), 0) && errno == ESRCH;
}

/* Is what was opened the system that runs now? 0, or TOOL_FAILED after a message. */
static int refuse_unready(const struct tool_input *input, enum again_kernel kernel)
{
	struct pw_error error;

	if (again_learn_kernel(input) < kernel)
		return tool_fail("no kernel that says who it is runs there yet");
	if (pw_memory_check_kernel(input->memory, &input->regime, &error) < 0)
		return tool_fail("%s", error.text);
	return tool_check_memory(input);
}

/* Opens the source once. */
static bool try_once(const struct tool_options *options, enum again_kernel kernel,
		     struct tool_input *input)
{
	const char *source = input->source;
	bool ready = tool_open(options, source, true, input) == 0;

	if (ready && refuse_unready(input, kernel)) {
		tool_close(input);
		ready = false;
	}
	if (!ready)
		*input = (struct tool_input){ .source = source };
	return ready;
}

int again_open(const struct tool_options *options, enum again_kernel kernel, double seconds,
	       struct tool_input *input)
{
	const char *source = input->source;
	const double end = tool_now() + seconds;
	bool ready = false;

	tool_close(input);
	*input = (struct tool_input){ .source = source };
	tool_hush(true);
	while (!ready && tool_now() < end && !tool_stopped() && !has_no_process(source)) {
		double started = tool_now(), took;

		ready = try_once(options, kernel, input);
		took = tool_now() - started;
		if (!ready)
			pause_for(took < PAUSE ? PAUSE : took < PAUSE_MOST ? took : PAUSE_MOST);
	}
	tool_hush(false);
	if (ready)
		return TOOL_DONE;
	if (tool_stopped())
		return TOOL_NOTHING;
	if (has_no_process(source))
		return tool_fail("%s: this process has ended", source);
	return tool_fail("%s: no system that has the root was found in %g seconds (--wait)%s%s",
			 source, seconds, tool_hushed()[0] ? ". The last try said: " : "",
			 tool_hushed());
}
