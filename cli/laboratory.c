/* SPDX-License-Identifier: MIT */
/* The laboratory's programs: where they are, and how they take the place of this process. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/folder.h"
#include "laboratory.h"
#include "places.h"
#include "tool.h"

/* Is there such a program in the folder? Then its path is in @path. */
static bool there(char path[PW_FOLDER_PATH], const char *folder, const char *under,
		  const char *name)
{
	int length = snprintf(path, PW_FOLDER_PATH, "%s/%s%s", folder, under, name);

	return length > 0 && length < PW_FOLDER_PATH && access(path, X_OK) == 0;
}

static bool find(char path[PW_FOLDER_PATH], const char *name)
{
	const char *set = getenv("PAGEWALK_LIBEXEC");
	char own[PW_FOLDER_PATH];

	if (set && *set)
		return there(path, set, "", name);
	/* A build folder; an installation that was moved as a whole; the installation. */
	if (pw_own_folder(own, sizeof(own)) && (there(path, own, "../lab/race/scene/", name) ||
						there(path, own, "../libexec/pagewalk/", name)))
		return true;
	return there(path, PAGEWALK_LIBEXEC, "", name);
}

int tool_laboratory(const char *name, char **argv)
{
	char path[PW_FOLDER_PATH];

	if (!find(path, name))
		return tool_fail(
			"%s is not there: `make' builds it where libdw and its headers are "
			"(libdw-dev; if they came later, `make clean' first). If it is elsewhere, "
			"name its folder in PAGEWALK_LIBEXEC",
			name);
	execv(path, argv);
	return tool_fail("cannot run %s: %s", path, strerror(errno));
}
