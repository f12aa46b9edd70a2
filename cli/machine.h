/* SPDX-License-Identifier: MIT */
/* Whether a format can be the right one for a source. */
#ifndef CLI_MACHINE_H
#define CLI_MACHINE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Writes the machine that a source's @title names into @text. Returns NULL if it names none.
 */
const char *machine_of_title(const char *title, char *text, size_t room);

/* Do the CPUs of @machine walk the tables of @other, or is that not known? Each is a name, or a list of
 * names as struct pw_geometry has it, or NULL. */
bool machine_fits(const char *machine, const char *other);

#endif
