/* SPDX-License-Identifier: MIT */
/* Files that the tool writes: whole, never over its own input, also to pipes and open descriptors. */
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool same_file(const struct stat *one, const struct stat *other)
{
	return one->st_dev == other->st_dev && one->st_ino == other->st_ino;
}

bool output_is_standard(const char *path)
{
	struct stat named, standard;

	if (!path)
		return false;
	return strcmp(path, "-") == 0 ||
	       (stat(path, &named) == 0 && fstat(STDOUT_FILENO, &standard) == 0 &&
		same_file(&named, &standard));
}

/* Finds the folder for @path, which does not exist yet. Returns the rest of the name. */
static const char *folder_of(const char *path, struct stat *folder)
{
	const char *slash = strrchr(path, '/');
	char *name = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");

	if (!name || stat(name, folder))
		*folder = (struct stat){ 0 };
	free(name);
	return slash ? slash + 1 : path;
}

bool output_is_same(const char *one, const char *other)
{
	struct stat a, b;
	const char *rest;

	if (!one || !other)
		return false;
	if (strcmp(one, other) == 0 || (output_is_standard(one) && output_is_standard(other)))
		return true;
	if (stat(one, &a) == 0)
		return stat(other, &b) == 0 && S_ISREG(a.st_mode) && same_file(&a, &b);
	rest = folder_of(one, &a);
	return strcmp(rest, folder_of(other, &b)) == 0 && a.st_ino != 0 && same_file(&a, &b);
}

int output_check(const char *path, const struct tool_input *input)
{
	if (!input || strcmp(path, "-") == 0)
		return 0;
	if (pw_memory_has_file(input->memory, path))
		return tool_fail("%s is the source, or a part of it, and is not overwritten: name "
				 "another file to write",
				 path);
	if (input->description && output_is_same(input->description, path))
		return tool_fail(
			"%s describes the format, and is not overwritten: name another file "
			"to write",
			path);
	return 0;
}

/* Other files than regular ones are written in place: they have no old content to lose. */
static bool is_special(const char *path)
{
	struct stat state;

	return stat(path, &state) == 0 && !S_ISREG(state.st_mode) && !S_ISDIR(state.st_mode);
}

/* The number in /dev/fd/N and the like: a file that the caller opened for us. -1: not such a name. */
static int own_descriptor(const char *path)
{
	const char *slash = strrchr(path, '/');
	char own[32], *end, *folder = NULL, *real = NULL;
	long number = slash ? strtol(slash + 1, &end, 10) : -1;
	bool is_own = false;

	if (number < 0 || number > INT_MAX || end == slash + 1 || *end)
		return -1;
	snprintf(own, sizeof(own), "/proc/%ld/fd", (long)getpid());
	folder = strndup(path, (size_t)(slash - path));
	real = folder ? realpath(folder, NULL) : NULL;
	is_own = real && strcmp(real, own) == 0;
	free(folder);
	free(real);
	return is_own ? (int)number : -1;
}

static int open_special(struct output *output)
{
	int own = own_descriptor(output->path);
	int file = own >= 0 ? fcntl(own, F_DUPFD_CLOEXEC, 0)
			    : open(output->path, O_WRONLY | O_CLOEXEC | O_NOCTTY);

	output->stream = file < 0 ? NULL : fdopen(file, "w");
	return output->stream ? 0 : tool_fail("%s: %s", output->path, strerror(errno));
}

int output_open(struct output *output, const char *path, const struct tool_input *input)
{
	struct pw_error error;

	*output = (struct output){ .path = path };
	if (output_check(path, input))
		return TOOL_FAILED;
	output->standard = output_is_standard(path);
	if (output->standard) {
		output->stream = stdout;
		return 0;
	}
	if (is_special(path) || own_descriptor(path) >= 0)
		return open_special(output);
	if (pw_replace_open(&output->file, path, false, &error))
		return tool_fail("%s", error.text);
	/* A file without a name disappears with the process. */
	tool_hold_interrupts(output->file.name);
	output->stream = output->file.stream;
	return 0;
}

int output_close(struct output *output, int status)
{
	struct pw_error error;

	if (output->standard)
		return status;
	if (!output->file.stream) {
		int code = pw_stream_flush(output->stream);

		fclose(output->stream);
		if (code)
			status = tool_fail("%s: could not be written: %s", output->path,
					   strerror(code));
		return status;
	}
	if (status)
		pw_replace_close(&output->file, -ECANCELED, NULL);
	else if (pw_replace_close(&output->file, 0, &error))
		status = tool_fail("%s", error.text);
	tool_hold_interrupts(false);
	return status;
}

int output_temporary(const char *purpose, char name[OUTPUT_NAME])
{
	const char *folder = getenv("TMPDIR");
	int length, file, code;

	if (!folder || !folder[0])
		folder = "/tmp";
	length = snprintf(name, OUTPUT_NAME, "%s/pagewalk-XXXXXX", folder);
	file = length < OUTPUT_NAME ? mkostemp(name, O_CLOEXEC) : -1;
	if (file >= 0)
		return file;
	code = length < OUTPUT_NAME ? -errno : -ENAMETOOLONG;
	tool_message("cannot make a file for %s in %s: %s; TMPDIR=FOLDER names another folder",
		     purpose, folder, strerror(-code));
	return code;
}
