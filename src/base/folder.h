/* SPDX-License-Identifier: MIT */
/* The folder of the program: what comes with it is beside it, in an installation or in a build folder. */
#ifndef PW_BASE_FOLDER_H
#define PW_BASE_FOLDER_H

#include <stdbool.h>
#include <stddef.h>

enum { PW_FOLDER_PATH = 4096 };

/* Writes the folder's path to @folder, of @size bytes; false if the system does not say, or if there is no room. */
bool pw_own_folder(char *folder, size_t size);

#endif
