/* SPDX-License-Identifier: MIT */
/* The laboratory's programs: where they are, and how they take the place of this process. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "laboratory.h"
#include "tool.h"

enum { PATH_SIZE = 4096 };

/* Is there such a program in the folder? Then its path is in @path. */
static bool there(char path[PATH_SIZE], const char *folder, const char *under, const char *name)
{
	int length = snprintf(path, PATH_SIZE, "%s/%s%s", folder, under, name);

	return length > 0 && length < PATH_SIZE && access(path, X_OK) == 0;
}

/* The folder of this program; false if the system does not say. */
static bool own_folder(char folder[PATH_SIZE])
{
	ssize_t length = readlink("/proc/self/exe", folder, PATH_SIZE - 1);
	char *slash;

	if (length <= 0)
		return false;
	folder[length] = '\0';
	slash = strrchr(folder, '/');
	if (!slash)
		return false;
	*slash = '\0';
	return true;
}

static bool find(char path[PATH_SIZE], const char *name)
{
	const char *set = getenv("PAGEWALK_LIBEXEC");
	char own[PATH_SIZE];

	if (set && *set)
		return there(path, set, "", name);
	/* A build folder; an installation that was moved as a whole; the installation. */
	if (own_folder(own) && (there(path, own, "../lab/race/scene/", name) ||
				there(path, own, "../libexec/pagewalk/", name)))
		return true;
	return there(path, PAGEWALK_LIBEXEC, "", name);
}

int tool_laboratory(const char *name, char **argv)
{
	char path[PATH_SIZE];

	if (!find(path, name))
		return tool_fail(
			"%s is not there: it is built where libdw is. Install libdw with its "
			"headers (libdw-dev), then `make clean' and `make'; or name its folder "
			"in PAGEWALK_LIBEXEC",
			name);
	execv(path, argv);
	return tool_fail("cannot run %s: %s", path, strerror(errno));
}
