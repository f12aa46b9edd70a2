/* SPDX-License-Identifier: MIT */
/* Whether a format can be the right one for a source. */
#ifndef CLI_MACHINE_H
#define CLI_MACHINE_H

#include <stddef.h>

/*
 * Writes the machine that a source's @title names into @text, if its CPUs cannot use a format for
 * @machines (of struct pw_geometry). Returns NULL if they can, or if this is not known.
 */
const char *machine_other(const char *title, const char *machines, char *text, size_t room);

#endif
