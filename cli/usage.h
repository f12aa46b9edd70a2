/* SPDX-License-Identifier: MIT */
/* What is wrong with a command line, and help. Arguments are shown so that they cannot steer a terminal. */
#ifndef CLI_USAGE_H
#define CLI_USAGE_H

#include <argp.h>

/* As argp_error: says what is wrong, and ends the process. */
void usage_error(const struct argp_state *state, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Looks for options that do not exist, or lack their value, and says so; prints what --help and
 * --usage ask for. In each of these cases, ends the process. @name: "pagewalk map".
 */
void usage_check(const struct argp *argp, const char *name, int argc, char **argv);

#endif
