/* SPDX-License-Identifier: MIT */
/* Whether a format can be the right one for a source. */
#ifndef CLI_MACHINE_H
#define CLI_MACHINE_H

#include <stddef.h>

/*
 * The machine that a source's @title names, into @text, if tables of the library's @format cannot be
 * those of its CPUs; NULL if they can, or if nobody knows.
 */
const char *machine_other(const char *title, const char *format, char *text, size_t room);

#endif
