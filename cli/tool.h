/* SPDX-License-Identifier: MIT */
/*
 * What the subcommands share. Results go to stdout, messages to stderr; the exit status is 0 done,
 * 1 found nothing or something not mapped, 2 usage or input error.
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
int tool_explain(int argc, char **argv);
int tool_find(int argc, char **argv);
int tool_formats(int argc, char **argv);
int tool_info(int argc, char **argv);
int tool_lab(int argc, char **argv);
int tool_map(int argc, char **argv);
int tool_read(int argc, char **argv);
int tool_translate(int argc, char **argv);

/* ---- message.c ---- */

/* "pagewalk: " and the sentence, as a line on stderr; what could steer a terminal is escaped. */
void tool_message(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same; returns TOOL_FAILED. */
int tool_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * Ends a subcommand: writes out what is still in stdout's buffer, and returns @status, or TOOL_FAILED
 * if the results could not be written. A closed pipe is no reason for a message.
 */
int tool_finish(int status);
/* Writes out what is in stdout's buffer. False once that has failed: then there is no point in going on. */
bool tool_flush(void);

/* The one of @count names that @wrong is most likely meant for, or NULL. */
const char *tool_nearest(const char *wrong, const char *const *names, size_t count);

/* ---- stop.c ---- */

/*
 * From here on, Ctrl-C, SIGTERM and SIGHUP make tool_stopped() true instead of ending the process. It is then to end
 * by itself: after 0.06 s, or a second signal, it is ended.
 */
void tool_catch_interrupts(void);
/* While a file is written that would stay behind, the process is to end by itself, however long. */
void tool_hold_interrupts(bool hold);
bool tool_stopped(void);
/* The flag itself, for the library to look at. */
const bool *tool_stop_flag(void);

/*
 * Progress on stderr, where that is a terminal and a scan takes more than a second. Also sets the
 * limit's cancel flag.
 */
struct tool_progress {
	bool enabled, shown;
	double started, last;
};
void tool_progress_start(struct tool_progress *progress, bool results_scroll,
			 struct pw_scan_limits *limits);
/* Removes the line, so that a message can follow. */
void tool_progress_end(struct tool_progress *progress);

/*
 * Says why a scan stopped early, if it did; then returns true. @what: "the map", "the answer". @advice (or
 * NULL): a sentence about what this subcommand can do against too many tables.
 */
bool tool_scan_stopped(int stopped, pw_va next, const char *what, const char *advice);

#endif
