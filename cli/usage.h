/* SPDX-License-Identifier: MIT */
/* Errors in a command line, and help. Arguments are shown so that they cannot steer a terminal. */
#ifndef CLI_USAGE_H
#define CLI_USAGE_H

#include <argp.h>

/* Reports an error and ends the process, as argp_error does. */
void usage_error(const struct argp_state *state, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Reports options that do not exist or lack their value, and prints the texts for --help and --usage.
 * In each of these cases it ends the process. @name: "pagewalk map".
 */
void usage_check(const struct argp *argp, const char *name, int argc, char **argv);

#endif
