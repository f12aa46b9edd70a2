/* SPDX-License-Identifier: MIT */
/* Programs of the laboratory that are not linked into the tool. */
#ifndef PAGEWALK_LABORATORY_H
#define PAGEWALK_LABORATORY_H

/*
 * Runs the program @name in place of this process, with @argv and so with its exit status. It is looked for in
 * PAGEWALK_LIBEXEC of the environment; or else beside this program in a build folder, and in the installation.
 * Returns only if there is none, after a message.
 */
int tool_laboratory(const char *name, char **argv);

#endif
