/* SPDX-License-Identifier: MIT */
/* Text on a terminal: width, colours and the pager. */
#include "terminal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tool.h"
#include "usage.h"

enum {
	OPTION_COLOUR = 0x400,
	OPTION_NO_PAGER,
	WIDTH_UNKNOWN = 80,
	LINE_INDENT = 2,
	HELP_LEAST = 30,
	HELP_BESIDE = 56
};

static const struct argp_option options[] = {
	{ NULL, 0, NULL, 0, "Terminals:", 9 },
	{ "color", OPTION_COLOUR, "auto|always|never", 0,
	  "Colours: on a terminal (the default), always, or never", 9 },
	{ "no-pager", OPTION_NO_PAGER, NULL, 0,
	  "On a terminal, do not show the text by PAGER or less", 9 },
	{ 0 },
};

static error_t parse(int key, char *text, struct argp_state *state)
{
	static const char *const names[] = { "auto", "always", "never" };
	struct terminal *terminal = state->input;

	switch (key) {
	case OPTION_COLOUR:
		for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			if (strcmp(text, names[i]) == 0) {
				terminal->when = (enum terminal_when)i;
				return 0;
			}
		usage_error(state, "--color is auto, always or never, not '%s'", text);
		return 0;
	case OPTION_NO_PAGER:
		terminal->no_pager = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

const struct argp terminal_argp = { options, parse, NULL, NULL, NULL, NULL, NULL };

static bool is_dumb(void)
{
	const char *term = getenv("TERM");

	return !term || !*term || strcmp(term, "dumb") == 0;
}

unsigned terminal_width(int file)
{
	struct winsize size;

	if (!isatty(file))
		return 0;
	return ioctl(file, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : WIDTH_UNKNOWN;
}

void terminal_look(struct terminal *terminal, bool machine)
{
	const char *no_colour = getenv("NO_COLOR");

	if (machine)
		return;
	terminal->width = terminal_width(STDOUT_FILENO);
	/* no-color.org: set to anything but nothing. */
	terminal->colour = terminal->when == TERMINAL_ALWAYS ||
			   (terminal->when == TERMINAL_AUTO && terminal->width > 0 && !is_dumb() &&
			    !(no_colour && *no_colour));
}

struct terminal terminal_plain(bool machine)
{
	struct terminal terminal = { .when = TERMINAL_NEVER };

	terminal_look(&terminal, machine);
	return terminal;
}

/* ---- the pager ---- */

static pid_t pager;

static void end_pager(void)
{
	fflush(stdout);
	close(STDOUT_FILENO);
	close(STDERR_FILENO);
	while (waitpid(pager, NULL, 0) < 0 && errno == EINTR)
		continue;
}

/* Is there such a program in PATH? */
static bool is_program(const char *name)
{
	const char *path = getenv("PATH");
	char file[4096];

	while (path && *path) {
		int length = (int)strcspn(path, ":");

		if (length > 0 && length < 4000) {
			snprintf(file, sizeof(file), "%.*s/%s", length, path, name);
			if (access(file, X_OK) == 0)
				return true;
		}
		path += length;
		path += *path == ':';
	}
	return false;
}

/* The command of the pager; NULL: there is none. */
static const char *pager_command(void)
{
	const char *set = getenv("PAGER");

	if (set)
		return *set && strcmp(set, "cat") != 0 ? set : NULL;
	return is_program("less") ? "less" : NULL;
}

static void run_pager(const char *command, const int ends[2])
{
	dup2(ends[0], STDIN_FILENO);
	close(ends[0]);
	close(ends[1]);
	/* As git has it: leave if one screen is enough, pass colours on, leave the text on the screen. */
	setenv("LESS", "FRX", 0);
	setenv("LV", "-c", 0);
	execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	_exit(127);
}

void terminal_page(const struct terminal *terminal)
{
	const char *command = pager_command();
	int ends[2];

	if (terminal->no_pager || terminal->width == 0 || pager > 0 || is_dumb() || !command ||
	    !isatty(STDOUT_FILENO))
		return;
	fflush(stdout);
	if (pipe(ends))
		return;
	pager = fork();
	if (pager == 0)
		run_pager(command, ends);
	close(ends[0]);
	if (pager > 0) {
		dup2(ends[1], STDOUT_FILENO);
		if (isatty(STDERR_FILENO))
			dup2(ends[1], STDERR_FILENO);
		/* Ctrl-C is for the pager as well, and the terminal is its own until it ends. */
		tool_hold_interrupts(true);
		atexit(end_pager);
	}
	close(ends[1]);
}

/* ---- text ---- */

void terminal_colour(const struct terminal *terminal, enum terminal_colour colour)
{
	static const char *const sequence[] = {
		[TERMINAL_PLAIN] = "\033[0m",   [TERMINAL_BOLD] = "\033[1m",
		[TERMINAL_DIM] = "\033[2m",     [TERMINAL_USER] = "\033[32m",
		[TERMINAL_KERNEL] = "\033[36m", [TERMINAL_DANGER] = "\033[1;31m",
	};

	if (terminal->colour)
		fputs(sequence[colour], stdout);
}

unsigned terminal_words_to(FILE *stream, unsigned width, const char *text, unsigned column,
			   unsigned indent)
{
	while (*text) {
		unsigned blanks = (unsigned)strspn(text, " ");
		unsigned length = (unsigned)strcspn(text + blanks, " ");

		if (width && column > indent && column + blanks + length > width) {
			fprintf(stream, "\n%*s", (int)indent, "");
			column = indent;
		} else {
			fprintf(stream, "%*s", (int)blanks, "");
			column += blanks;
		}
		text += blanks;
		fprintf(stream, "%.*s", (int)length, text);
		column += length;
		text += length;
	}
	return column;
}

unsigned terminal_words(const struct terminal *terminal, const char *text, unsigned column,
			unsigned indent)
{
	return terminal_words_to(stdout, terminal->width, text, column, indent);
}

/* Shrinks blanks between words to one; those at the start stay. */
static void squeeze(char *text)
{
	char *to = text + strspn(text, " ");

	for (const char *from = to; *from; from++)
		if (*from != ' ' || (from[1] && from[1] != ' '))
			*to++ = *from;
	*to = '\0';
}

void terminal_lines(const struct terminal *terminal, char *text)
{
	for (char *end; (end = strchr(text, '\n')); text = end + 1) {
		*end = '\0';
		terminal_line(terminal, "%s", text);
	}
}

void terminal_fit_help(void)
{
	const unsigned width = terminal_width(STDOUT_FILENO);
	char format[64];

	if (width < HELP_LEAST || width >= WIDTH_UNKNOWN)
		return;
	/* A description stands beside its option, or below it where that would be a narrow column. */
	snprintf(format, sizeof(format), "rmargin=%u%s", width - 1,
		 width < HELP_BESIDE ? ",opt-doc-col=10,usage-indent=6" : "");
	setenv("ARGP_HELP_FMT", format, 0);
}

void terminal_line(const struct terminal *terminal, const char *format, ...)
{
	va_list arguments;
	char *text = NULL;
	int length;

	va_start(arguments, format);
	if (terminal->width == 0) {
		vprintf(format, arguments);
	} else {
		length = vasprintf(&text, format, arguments);
		if (length > 0 && (unsigned)length > terminal->width)
			squeeze(text);
		if (length > 0)
			terminal_words(terminal, text, 0, LINE_INDENT);
		free(text);
	}
	va_end(arguments);
	putchar('\n');
}
