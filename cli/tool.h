/* SPDX-License-Identifier: MIT */
/*
 * Functions that the subcommands share. Results go to stdout, messages to stderr. The exit status is
 * 0 done, 1 found nothing or something not mapped, 2 usage or input error.
 *
 * To add a subcommand: write cli/NAME.c with `int tool_NAME(int argc, char **argv)`, which returns
 * the exit status; declare it here, add it to the table in main.c, to meson.build, to man/pagewalk.1
 * and to completion/pagewalk.bash, and test it in tests/cli/.
 */
#ifndef CLI_TOOL_H
#define CLI_TOOL_H

#include <stdbool.h>
#include <stdio.h>

#include <pagewalk/pagewalk.h>

enum {
	TOOL_DONE = 0,
	TOOL_NOTHING = 1, /* found nothing, or something was not mapped */
	TOOL_FAILED = 2, /* usage or input error */
};

/* ---- subcommands ---- */

int tool_check(int argc, char **argv);
int tool_cut(int argc, char **argv);
int tool_diff(int argc, char **argv);
int tool_explain(int argc, char **argv);
int tool_find(int argc, char **argv);
int tool_formats(int argc, char **argv);
int tool_info(int argc, char **argv);
int tool_lab(int argc, char **argv);
int tool_map(int argc, char **argv);
int tool_read(int argc, char **argv);
int tool_roots(int argc, char **argv);
int tool_sim(int argc, char **argv);
int tool_translate(int argc, char **argv);
int tool_watch(int argc, char **argv);

/* ---- message.c ---- */

/* Writes "pagewalk: " and the sentence as a line to stderr; escapes a terminal's control characters. */
void tool_message(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same; returns TOOL_FAILED. */
int tool_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * From here on, messages are not written; the last that tool_fail got is kept. Or writes them again. For what is
 * tried again and again.
 */
void tool_hush(bool hush);
/* The last sentence of tool_fail() that was not written; "" if there was none. */
const char *tool_hushed(void);

/*
 * Ends a subcommand: writes out stdout's buffer and returns @status, or TOOL_FAILED if the results could
 * not be written. A closed pipe does not cause a message.
 */
int tool_finish(int status);
/* Writes out stdout's buffer. Returns false once that has failed: then the caller should stop. */
bool tool_flush(void);

/* Returns the one of @count names that the user most likely meant by @wrong, or NULL. */
const char *tool_nearest(const char *wrong, const char *const *names, size_t count);

/* ---- stop.c ---- */

/*
 * From here on, Ctrl-C, SIGTERM and SIGHUP make tool_stopped() true instead of ending the process. The
 * process must then end by itself: after 0.06 s, or at a second signal, it is ended.
 */
void tool_catch_interrupts(void);
/* While it writes a file that would stay behind, the process ends by itself, however long that takes. */
void tool_hold_interrupts(bool hold);
bool tool_stopped(void);
/* The flag itself, for the library to look at. */
const bool *tool_stop_flag(void);

/* Seconds, by a clock that is never set. */
double tool_now(void);

/*
 * Shows progress on stderr if that is a terminal and a scan takes more than a second. Also sets the
 * limit's cancel flag.
 */
struct tool_progress {
	bool enabled, shown;
	double started, last;
};
void tool_progress_start(struct tool_progress *progress, bool results_scroll,
			 struct pw_scan_limits *limits);
/* Is it time for another line? Then the caller writes it: of *seconds_ret since the start. */
bool tool_progress_due(struct tool_progress *progress, double *seconds_ret);
/* Removes the line, so that a message can follow. */
void tool_progress_end(struct tool_progress *progress);

/*
 * If a scan stopped early, says why and returns true. @what: "the map", "the answer". @advice (or NULL):
 * a sentence that says how this subcommand can avoid too many tables.
 */
bool tool_scan_stopped(int stopped, pw_va next, const char *what, const char *advice);

#endif
