/* SPDX-License-Identifier: MIT */
/* A file that is replaced as a whole, or stays as it was. */
#include "base/replace.h"

#include "base/mutant.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	PROC_NAME = 32, /* room for "/proc/self/fd/" and a number */
	LINKS_MAX = 40,
	NAMES_MAX = 1000,
};

static char *proc_name(int file, char name[PROC_NAME])
{
	snprintf(name, PROC_NAME, "/proc/self/fd/%d", file);
	return name;
}

/* The path of @name in the folder of @path, to be freed; NULL if memory is short. */
static char *beside(const char *path, const char *name)
{
	const char *slash = strrchr(path, '/');
	char *joined;

	if (!slash || name[0] == '/')
		return strdup(name);
	if (asprintf(&joined, "%.*s/%s", (int)(slash - path), path, name) < 0)
		return NULL;
	return joined;
}

/* Follows symbolic links from @path; the file at the end need not exist. Returns 0 or a positive errno. */
static int follow(const char *path, char **target_ret)
{
	char *target = strdup(path);

	for (int links = 0; target; links++) {
		char place[PATH_MAX];
		ssize_t length = readlink(target, place, sizeof(place) - 1);
		char *next;

		if (length < 0 || pw_mutant(PW_MUTANT_LINK_REPLACED)) {
			*target_ret = target;
			return 0;
		}
		place[length] = '\0';
		next = beside(target, place);
		free(target);
		target = next;
		if (links == LINKS_MAX) {
			free(target);
			return ELOOP;
		}
	}
	return ENOMEM;
}

/* Creates a file without a name in the folder of @target. Returns its descriptor, or -1. */
static int open_nameless(const char *target)
{
	char name[PROC_NAME], *folder = beside(target, ".");
	int file = folder ? open(folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666) : -1;

	free(folder);
	/* Without /proc it could not get a name later. */
	if (file >= 0 && access(proc_name(file, name), F_OK)) {
		close(file);
		return -1;
	}
	return file;
}

/*
 * Finds a free name beside @target: calls @make with one name after the other, until it succeeds.
 * Returns 0 or a positive errno.
 */
static int take_name(const char *target, int (*make)(int file, const char *name), int file,
		     char **name_ret, int *made_ret)
{
	for (unsigned i = 0; i < NAMES_MAX; i++) {
		char text[64];

		snprintf(text, sizeof(text), ".pagewalk-%ld-%u", (long)getpid(), i);
		*name_ret = beside(target, text);
		if (!*name_ret)
			return ENOMEM;
		*made_ret = make(file, *name_ret);
		if (*made_ret >= 0)
			return 0;
		free(*name_ret);
		*name_ret = NULL;
		if (errno != EEXIST)
			return errno;
	}
	return EEXIST;
}

static int make_file(int file, const char *name)
{
	(void)file;
	return open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
}

static int make_link(int file, const char *name)
{
	char from[PROC_NAME];

	return linkat(AT_FDCWD, proc_name(file, from), AT_FDCWD, name, AT_SYMLINK_FOLLOW);
}

/* Gives the new file the old one's owner, group and permissions, as far as the system allows it. */
static void inherit(int file, const struct stat *old)
{
	struct stat new;

	if (fstat(file, &new))
		return;
	/* Only root can give a file away; others may give it to one of their groups. */
	if ((new.st_uid != old->st_uid || new.st_gid != old->st_gid) &&
	    fchown(file, old->st_uid, old->st_gid) && fchown(file, (uid_t)-1, old->st_gid))
		errno = 0;
	/* Without set-user-ID and set-group-ID: any write to a file clears them. */
	if (fchmod(file, old->st_mode & 0777))
		errno = 0;
}

/* As pw_replace_open, but returns 0 or a positive errno, and leaves cleaning up to forget(). */
static int begin(struct pw_replace *replace, const char *path, bool named)
{
	struct stat old;
	int file = -1, code;

	replace->exists = stat(path, &old) == 0;
	if (replace->exists && !S_ISREG(old.st_mode))
		return EEXIST;
	if (replace->exists && faccessat(AT_FDCWD, path, W_OK, AT_EACCESS))
		return errno;
	code = follow(path, &replace->target);
	if (code)
		return code;
	/* An empty name, or one that ends in a slash, cannot name a file. */
	if (!replace->exists && (path[0] == '\0' || path[strlen(path) - 1] == '/'))
		return path[0] ? EISDIR : ENOENT;
	if (pw_mutant(PW_MUTANT_UMASK_CHANGED))
		umask(0);
	if (!named)
		file = open_nameless(replace->target);
	if (file < 0)
		code = take_name(replace->target, make_file, -1, &replace->name, &file);
	if (code)
		return code;
	if (replace->exists)
		inherit(file, &old);
	replace->stream = fdopen(file, "w");
	if (replace->stream)
		return 0;
	code = errno;
	close(file);
	return code;
}

/* Removes the new file if it still has its temporary name, and frees the names. */
static void forget(struct pw_replace *replace)
{
	if (replace->name)
		unlink(replace->name);
	free(replace->name);
	free(replace->target);
	*replace = (struct pw_replace){ 0 };
}

int pw_replace_open(struct pw_replace *replace, const char *path, bool named,
		    struct pw_error *error)
{
	bool beside_it;
	int code;

	*replace = (struct pw_replace){ .path = path };
	code = begin(replace, path, named);
	if (!code)
		return 0;
	beside_it = replace->exists && replace->target;
	forget(replace);
	if (code == EEXIST)
		return pw_fail(error, code, "%s is not a regular file, and is not replaced", path);
	if (code == ENOENT && path[0])
		return pw_fail(error, code, "%s: there is no such folder; make it first (mkdir -p)",
			       path);
	return pw_fail(error, code, "%s: %s%s%s", path,
		       beside_it ? "no new file can be made beside it: " : "", strerror(code),
		       code == EACCES ? "; name a file that this user may write" : "");
}

/*
 * Gives the file its name. A file that replaces another first gets a temporary name, which rename() moves
 * over the old one, so that there is a file under that name at any time. Signals are blocked meanwhile:
 * none may end this thread and leave the temporary name behind. Returns 0 or a positive errno.
 */
static int give_name(struct pw_replace *replace)
{
	int file = replace->stream ? fileno(replace->stream) : -1, made, code = 0;
	sigset_t all, before;

	if (!replace->name && !replace->exists && make_link(file, replace->target) == 0)
		return 0;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	if (!replace->name)
		code = take_name(replace->target, make_link, file, &replace->name, &made);
	if (!code && rename(replace->name, replace->target))
		code = errno;
	if (!code) {
		free(replace->name);
		replace->name = NULL;
	} else if (replace->name) {
		unlink(replace->name);
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return code;
}

int pw_stream_flush(FILE *stream)
{
	errno = 0;
	if (fflush(stream) == 0 && !ferror(stream))
		return 0;
	if (errno == 0 && write(fileno(stream), "", 1) == 1)
		return EIO;
	return errno;
}

/* Closes the stream, if it is open. Returns @code, or, if that is 0, 0 or a positive errno. */
static int shut(struct pw_replace *replace, int code)
{
	if (replace->stream && fclose(replace->stream) && !code)
		code = errno;
	replace->stream = NULL;
	return code;
}

int pw_replace_close(struct pw_replace *replace, int status, struct pw_error *error)
{
	int code = pw_stream_flush(replace->stream);

	/* A network file system may say only now that it has no room. */
	if (replace->name)
		code = shut(replace, code);
	/* A file without a name stays open until it has one: closed, it would be gone. */
	if (!code && (!status || pw_mutant(PW_MUTANT_PART_KEPT)))
		code = give_name(replace);
	shut(replace, 0);
	if (code && !status)
		status = pw_fail(error, code, "%s: could not be written: %s; %s", replace->path,
				 strerror(code),
				 replace->exists ? "the file is left as it was"
						 : "nothing of it was kept");
	forget(replace);
	return status;
}
