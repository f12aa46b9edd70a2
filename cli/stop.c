/* SPDX-License-Identifier: MIT */
/* Long work: its progress, and how a signal stops it. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tool.h"

/*
 * State of the signal handlers. After the first signal, the subcommand has PATIENCE_NS to report its
 * progress and to end. Then the signal ends the process, whatever it is doing: sorting, or waiting for
 * the reader of its results.
 */
static bool stopped;
static int first_signal;
static timer_t patience;
static bool has_patience;
static bool held; /* the process ends by itself */

enum { PATIENCE_NS = 60 * 1000 * 1000 };

static void stop(int number)
{
	const struct itimerspec soon = { .it_value = { .tv_nsec = PATIENCE_NS } };

	first_signal = number;
	__atomic_store_n(&stopped, true, __ATOMIC_RELAXED);
	if (has_patience && !held)
		timer_settime(patience, 0, &soon, NULL);
}

static void give_up(int number)
{
	static const char text[] = "pagewalk: stopped; the output is not complete\n";
	struct sigaction standard = { .sa_handler = SIG_DFL };
	struct pollfd messages = { .fd = STDERR_FILENO, .events = POLLOUT };

	(void)number;
	/* The reader of the messages may be stuck, so write only if it does not block. */
	if (poll(&messages, 1, 0) == 1 && write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
		messages.fd = -1;
	sigaction(first_signal, &standard, NULL);
	raise(first_signal);
}

static void catch_all(int flags)
{
	/* SA_RESTART: a write of results continues, so that they do not end in the middle. */
	struct sigaction action = { .sa_handler = stop, .sa_flags = flags | (int)SA_RESTART };
	struct sigaction before;

	sigemptyset(&action.sa_mask);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	/* Under nohup(1) we go on. */
	if (sigaction(SIGHUP, NULL, &before) == 0 && before.sa_handler != SIG_IGN)
		sigaction(SIGHUP, &action, NULL);
}

void tool_catch_interrupts(void)
{
	struct sigaction late = { .sa_handler = give_up };
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM };

	sigemptyset(&late.sa_mask);
	sigaction(SIGALRM, &late, NULL);
	has_patience = timer_create(CLOCK_MONOTONIC, &event, &patience) == 0;
	catch_all((int)SA_RESETHAND);
}

void tool_hold_interrupts(bool hold)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };

	held = hold;
	if (hold || has_patience) {
		catch_all(hold ? 0 : (int)SA_RESETHAND);
		return;
	}
	/* Signals were not caught before, so restore their default. */
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		struct sigaction now;

		if (sigaction(numbers[i], NULL, &now) == 0 && now.sa_handler == stop)
			signal(numbers[i], SIG_DFL);
	}
}

bool tool_stopped(void)
{
	return __atomic_load_n(&stopped, __ATOMIC_RELAXED);
}

const bool *tool_stop_flag(void)
{
	return &stopped;
}

double tool_now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

bool tool_progress_due(struct tool_progress *progress, double *seconds_ret)
{
	double time = tool_now();

	if (time - progress->last < 0.2 || time - progress->started < 1)
		return false;
	progress->last = time;
	progress->shown = true;
	*seconds_ret = time - progress->started;
	return true;
}

static void show(void *context, const struct pw_scan_state *state)
{
	double seconds;

	if (!tool_progress_due(context, &seconds))
		return;
	fprintf(stderr, "\r\033[Kpagewalk: at 0x%016llx, %.1f million entries read in %.0f s",
		(unsigned long long)state->next, (double)state->entries / 1e6, seconds);
	fflush(stderr);
}

void tool_progress_start(struct tool_progress *progress, bool results_scroll,
			 struct pw_scan_limits *limits)
{
	/* Results that scroll over the same terminal already show the progress. */
	*progress = (struct tool_progress){
		.enabled = isatty(STDERR_FILENO) && !(results_scroll && isatty(STDOUT_FILENO)),
		.started = tool_now(),
	};
	limits->cancel = tool_stop_flag();
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

bool tool_scan_stopped(int code, pw_va next, const char *what, const char *advice)
{
	unsigned long long at = next;

	switch (code) {
	case 0:
		return false;
	case -ECANCELED:
		tool_message("stopped at 0x%llx; %s is not complete", at, what);
		return true;
	case -E2BIG:
		tool_message(
			"stopped at 0x%llx: so many tables are probably not page tables, so %s "
			"is not complete. Are the format and the root right?%s%s",
			at, what, advice ? " " : "", advice ? advice : "");
		return true;
	default:
		tool_message("stopped at 0x%llx: %s; %s is not complete", at, strerror(-code),
			     what);
		return true;
	}
}
