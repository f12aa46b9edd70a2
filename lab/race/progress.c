/* SPDX-License-Identifier: MIT */
/*
 * How far a search is, as one line on a terminal that is written anew each second; and its end by Ctrl-C, which is an
 * end like that of --seconds: the search is not finished, and its counts are printed.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lab/race/picture.h"
#include "lab/race/progress.h"

static volatile sig_atomic_t interrupts;
static bool shown;
static double next_time; /* when the line is due again */

static void interrupted(int signal)
{
	(void)signal;
	/* The terminal and the parent may each tell the process of a first Ctrl-C. A second one ends it at once. */
	if (++interrupts > 2)
		_exit(RACE_NOT_FINISHED);
}

void race_watch_interrupts(void)
{
	struct sigaction action = { .sa_handler = interrupted };

	sigaction(SIGINT, &action, NULL);
}

bool race_interrupted(void)
{
	return interrupts > 0;
}

pid_t race_fork(void)
{
	const pid_t parent = getpid();
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(RACE_NOT_FINISHED);
	}
	return child;
}

bool race_wait(pid_t child, int *status_ret)
{
	while (waitpid(child, status_ret, 0) < 0) {
		if (errno != EINTR)
			return false;
		if (race_interrupted())
			kill(child, SIGINT);
	}
	return true;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

void race_progress_begin(void)
{
	shown = false;
	next_time = isatty(STDERR_FILENO) ? now() + 1 : 0;
}

static void show(const struct pw_lab_result *result)
{
	/* One column less than the narrowest terminal, so that the line is one line. */
	char text[80];
	int length = snprintf(text, sizeof(text), "%.24s %s: %" PRIu64 " runs, %" PRIu64 " classes",
			      race.scenario->name, race_model_name(race.model), result->runs,
			      result->classes);

	if (length > 0 && (size_t)length < sizeof(text) && result->estimate > (double)result->runs)
		snprintf(text + length, sizeof(text) - (size_t)length, ", of about %.2g runs",
			 result->estimate);
	fprintf(stderr, "\r\033[K%s", text);
	shown = true;
}

bool race_progress(void *context, const struct pw_lab_result *result)
{
	(void)context;
	if (next_time > 0 && now() >= next_time) {
		show(result);
		next_time = now() + 1;
	}
	return !race_interrupted();
}

void race_progress_end(void)
{
	if (shown)
		fprintf(stderr, "\r\033[K");
	shown = false;
}
