/* SPDX-License-Identifier: MIT */
/*
 * A file that is written beside its place, and gets its name when it is complete. Until then nothing
 * changes under that name. Where the file system has O_TMPFILE, the new file has no name at all until
 * then, so that nothing is left behind if the process is ended.
 */
#ifndef PW_BASE_REPLACE_H
#define PW_BASE_REPLACE_H

#include <stdbool.h>
#include <stdio.h>

#include "base/error.h"

struct pw_replace {
	FILE *stream; /* to write to */
	const char *path; /* as it was given, for messages */
	char *target; /* the name that it gets: the end of the symbolic links */
	char *name; /* temporary name of the new file; NULL: it has none */
	bool exists; /* there was a file when the writing began */
};

/*
 * Begins a file that is going to replace @path. A symbolic link stays, and the file at its end is
 * replaced. The new file takes over the permissions of the old one and, where the system allows it, its
 * owner; without an old one, the umask decides. @named gives it a temporary name from the beginning, as
 * on file systems without O_TMPFILE. Returns 0; -EEXIST if @path is not a regular file; or another
 * negative errno (-EACCES: the old file may not be written).
 */
int pw_replace_open(struct pw_replace *replace, const char *path, bool named,
		    struct pw_error *error);

/*
 * Ends the writing. With @status 0 the file gets its name, unless a write failed; otherwise nothing of it
 * is left. Returns @status, or a negative errno and a sentence in @error.
 */
int pw_replace_close(struct pw_replace *replace, int status, struct pw_error *error);

/*
 * Writes the buffer out. Returns 0 or a positive errno. If an earlier write failed and left no errno, it
 * writes once more to learn the reason.
 */
int pw_stream_flush(FILE *stream);

#endif
