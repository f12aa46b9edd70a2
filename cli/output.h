/* SPDX-License-Identifier: MIT */
/*
 * Files that subcommands write. A file gets its name when it is complete, and is never one that the
 * command reads (base/replace.h). Anything but a regular file, such as a pipe or /dev/null, is written
 * in place. "-" and other names of standard output lead there.
 */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include "base/replace.h"
#include "options.h"

enum { OUTPUT_NAME = 4096 };

struct output {
	FILE *stream; /* to write to */
	const char *path;
	bool standard; /* it is stdout */
	struct pw_replace file; /* if file.stream is set */
};

/* Does @path name standard output? Then nothing else should be printed. NULL: no. */
bool output_is_standard(const char *path);

/* Do two names lead to the same place? A name that is NULL leads nowhere. */
bool output_is_same(const char *one, const char *other);

/* Is @path read by this command? 0, or TOOL_FAILED after a message. @input may be NULL. */
int output_check(const char *path, const struct tool_input *input);

/* Begins a file. 0, or TOOL_FAILED after a message. */
int output_open(struct output *output, const char *path, const struct tool_input *input);

/*
 * Ends it: with @status TOOL_DONE the file gets its name, otherwise nothing is left of it. Returns
 * @status, or TOOL_FAILED after a message.
 */
int output_close(struct output *output, int status);

/*
 * Makes an empty file in the folder $TMPDIR, or in /tmp, and writes its name to @name. Returns a file
 * descriptor, or a negative error number after a message that says what the file was for. The caller
 * removes the file, and holds interrupts until then.
 */
int output_temporary(const char *purpose, char name[OUTPUT_NAME]);

#endif
