/* SPDX-License-Identifier: MIT */
/* Messages, and the end of the results. */
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/escape.h"
#include "terminal.h"
#include "tool.h"

enum { MESSAGE_INDENT = 2 };

/* Writes a message that is longer than a line of the terminal: it goes on below, two columns in. */
static void put_lines(const char *text, unsigned width)
{
	static const char name[] = "pagewalk: ";
	char *lines = NULL;
	size_t bytes;
	FILE *stream = open_memstream(&lines, &bytes);

	if (stream) {
		fputs(name, stream);
		terminal_words_to(stream, width, text, sizeof(name) - 1, MESSAGE_INDENT);
		fclose(stream);
	}
	fprintf(stderr, "%s\n", lines ? lines : text);
	free(lines);
}

static bool hushed;
static char kept[4096]; /* the last sentence of a failure that was not written */

/* Writes the message in one piece, after all earlier output. */
static void message(const char *format, va_list arguments)
{
	char text[4096], safe[4 * sizeof(text)];
	const unsigned width = terminal_width(STDERR_FILENO);

	vsnprintf(text, sizeof(text), format, arguments);
	pw_escape_text(text, safe, sizeof(safe));
	fflush(stdout);
	if (width > 0)
		put_lines(safe, width);
	else
		fprintf(stderr, "pagewalk: %s\n", safe);
}

void tool_message(const char *format, ...)
{
	va_list arguments;

	if (hushed)
		return;
	va_start(arguments, format);
	message(format, arguments);
	va_end(arguments);
}

void tool_hush(bool hush)
{
	if (hush && !hushed)
		kept[0] = '\0';
	hushed = hush;
}

const char *tool_hushed(void)
{
	return kept;
}

int tool_fail(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	if (hushed)
		vsnprintf(kept, sizeof(kept), format, arguments);
	else
		message(format, arguments);
	va_end(arguments);
	return TOOL_FAILED;
}

/* Has the reader closed the pipe? */
static bool pipe_closed(void)
{
	struct pollfd output = { .fd = STDOUT_FILENO, .events = POLLOUT };

	return poll(&output, 1, 0) == 1 && (output.revents & POLLERR);
}

bool tool_flush(void)
{
	static bool failed;

	errno = 0;
	if (failed || (fflush(stdout) == 0 && !ferror(stdout)))
		return !failed;
	failed = true;
	if (errno != EPIPE && !pipe_closed())
		fprintf(stderr, "pagewalk: the results cannot be written: %s\n",
			errno ? strerror(errno) : "an earlier write failed");
	return false;
}

int tool_finish(int status)
{
	return tool_flush() ? status : TOOL_FAILED;
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* How many letters to insert, delete or replace (Levenshtein). */
static size_t distance(const char *a, const char *b)
{
	enum { LONGEST = 64 };
	size_t row[LONGEST + 1], length = strlen(b);

	if (length > LONGEST || strlen(a) > LONGEST)
		return LONGEST;
	for (size_t i = 0; i <= length; i++)
		row[i] = i;
	for (size_t i = 0; a[i]; i++) {
		size_t diagonal = row[0];

		row[0] = i + 1;
		for (size_t j = 0; j < length; j++) {
			size_t replaced = diagonal + (a[i] != b[j]);

			diagonal = row[j + 1];
			row[j + 1] = least(replaced, least(row[j], row[j + 1]) + 1);
		}
	}
	return row[length];
}

const char *tool_nearest(const char *wrong, const char *const *names, size_t count)
{
	const char *nearest = NULL;
	/* A name that differs in more than a third of its letters is not a likely candidate. */
	size_t best = strlen(wrong) / 3 + 1;

	for (size_t i = 0; i < count; i++) {
		size_t far = distance(wrong, names[i]);

		if (far <= best && (!nearest || far < best)) {
			best = far;
			nearest = names[i];
		}
	}
	return nearest;
}
