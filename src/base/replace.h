/* SPDX-License-Identifier: MIT */
/*
 * A file that is written beside its place and gets its name when it is whole. Until then, nothing
 * under that name changes; and the new file has no name at all where the file system can do that
 * (O_TMPFILE), so that whatever ends the process leaves nothing behind.
 */
#ifndef PW_BASE_REPLACE_H
#define PW_BASE_REPLACE_H

#include <stdbool.h>
#include <stdio.h>

#include "base/error.h"

struct pw_replace {
	FILE *stream; /* to write to */
	const char *path; /* as it was given, for messages */
	char *target; /* the name that it gets: where symbolic links lead */
	char *name; /* of the new file until then; NULL: it has none */
	bool exists; /* there was a file when the writing began */
};

/*
 * Begins a file that is to stand at @path. A symbolic link stays, and what it leads to is replaced. A
 * file that is replaced hands on its permissions and, where the system allows it, its owner; a new
 * one has those that the process's umask leaves. @named: under a name from the beginning, as on file
 * systems without O_TMPFILE. Returns 0; -EEXIST if @path is something else than a file; or another
 * negative errno (-EACCES: the file may not be written).
 */
int pw_replace_open(struct pw_replace *replace, const char *path, bool named,
		    struct pw_error *error);

/*
 * Ends it. With @status 0 the file gets its name, unless something could not be written; otherwise
 * nothing is left of it. Returns @status, or a negative errno and a sentence.
 */
int pw_replace_close(struct pw_replace *replace, int status, struct pw_error *error);

/*
 * Writes out what is in the buffer. 0 or a positive errno; if a write failed some time ago, what the
 * system says to another one.
 */
int pw_stream_flush(FILE *stream);

#endif
