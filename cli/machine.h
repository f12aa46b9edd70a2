/* SPDX-License-Identifier: MIT */
/* Whether a format can be the right one for a source. */
#ifndef CLI_MACHINE_H
#define CLI_MACHINE_H

#include <stdbool.h>
#include <stddef.h>

#include <pagewalk/pagewalk.h>

/*
 * Writes the name of the machine that a source is from into @text: by the source's title, else by the format of its
 * first CPU. Returns @text, or NULL if neither tells.
 */
const char *machine_of(const struct pw_memory *memory, char *text, size_t room);

/* Do all CPUs that the source tells of run without page tables, as firmware does, or a machine that has not started? */
bool machine_is_unpaged(const struct pw_memory *memory);

/*
 * False if @machine's CPUs cannot use a format for the machines @other. Each is a name, or names as struct
 * pw_geometry has them; NULL or a machine of no known family fits all.
 */
bool machine_fits(const char *machine, const char *other);

#endif
