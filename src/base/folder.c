/* SPDX-License-Identifier: MIT */
/* The folder of the program. */
#include "base/folder.h"

#include <string.h>
#include <unistd.h>

bool pw_own_folder(char *folder, size_t size)
{
	ssize_t length = readlink("/proc/self/exe", folder, size);
	char *slash;

	if (length <= 0 || (size_t)length >= size)
		return false;
	folder[length] = '\0';
	slash = strrchr(folder, '/');
	if (!slash)
		return false;
	*slash = '\0';
	return true;
}
