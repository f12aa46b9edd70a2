/* SPDX-License-Identifier: MIT */
/* Long scans: how far they are, and how they are left. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tool.h"

/* The one thing that a signal handler can reach. */
static bool stopped;

static void stop(int number)
{
	(void)number;
	__atomic_store_n(&stopped, true, __ATOMIC_RELAXED);
}

void tool_catch_interrupts(void)
{
	struct sigaction action = { .sa_handler = stop, .sa_flags = (int)SA_RESETHAND };

	sigemptyset(&action.sa_mask);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

const bool *tool_stopped(void)
{
	return &stopped;
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void show(void *context, const struct pw_scan_state *state)
{
	struct tool_progress *progress = context;
	double time = now();

	if (time - progress->last < 0.2 || time - progress->started < 1)
		return;
	progress->last = time;
	progress->shown = true;
	fprintf(stderr, "\r\033[Kpagewalk: at 0x%016llx, %.1f million entries read in %.0f s",
		(unsigned long long)state->next, (double)state->entries / 1e6,
		time - progress->started);
	fflush(stderr);
}

void tool_progress_start(struct tool_progress *progress, bool results_scroll,
			 struct pw_scan_limits *limits)
{
	/* Results that run over the same terminal show well enough where the scan is. */
	*progress = (struct tool_progress){
		.enabled = isatty(STDERR_FILENO) && !(results_scroll && isatty(STDOUT_FILENO)),
		.started = now(),
	};
	limits->cancel = tool_stopped();
	if (!progress->enabled)
		return;
	limits->progress = show;
	limits->progress_context = progress;
}

void tool_progress_end(struct tool_progress *progress)
{
	if (progress->shown)
		fputs("\r\033[K", stderr);
	progress->shown = false;
}

bool tool_scan_stopped(int code, pw_va next, const char *what)
{
	unsigned long long at = next;

	switch (code) {
	case 0:
		return false;
	case -ECANCELED:
		tool_message("stopped at 0x%llx; %s is not complete", at, what);
		return true;
	case -E2BIG:
		tool_message("stopped at 0x%llx: so many tables are hardly page tables, so %s is "
			     "not complete. Are the format and the root right? A range of "
			     "addresses (FIRST-LAST) limits what is looked at",
			     at, what);
		return true;
	default:
		tool_message("stopped at 0x%llx: %s; %s is not complete", at, strerror(-code),
			     what);
		return true;
	}
}
