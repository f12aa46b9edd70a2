/* SPDX-License-Identifier: MIT */
/* Whether a format can be the right one for a source. */
#ifndef CLI_MACHINE_H
#define CLI_MACHINE_H

#include <stddef.h>

/*
 * The machine that a source's @title names, into @text, if a format that is for @machines (of struct
 * pw_geometry) cannot be that of its CPUs' tables; NULL if it can, or if nobody knows.
 */
const char *machine_other(const char *title, const char *machines, char *text, size_t room);

#endif
