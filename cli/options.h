/* SPDX-License-Identifier: MIT */
/* Options that subcommands have in common, and the source and regime that they lead to. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <argp.h>

#include "tool.h"

struct tool_options {
	const char *format;
	uint64_t root[PW_MAX_ROOTS];
	unsigned roots;
	long cpu; /* line of `info`; -1: not given */
	bool json;
	struct pw_regime_options regime;
};

/* For struct argp's children: --json alone, and all of them. Their input is a struct tool_options. */
extern const struct argp tool_json_argp, tool_walk_argp;

/* What a subcommand works on. */
struct tool_input {
	const char *source;
	struct pw_memory *memory;
	const struct pw_format *format;
	const struct pw_format *loaded; /* by pw_format_load, or NULL */
	const char *description; /* the file that it was loaded from, or NULL */
	struct pw_regime regime;
};

/*
 * Parses the arguments of the subcommand @name with @argp; does not return on --help and on usage
 * errors. Sets the options' defaults first.
 */
void tool_parse(const struct argp *argp, const char *name, int argc, char **argv,
		struct tool_options *options, void *input);

/* For subcommands' parsers: the value of an option or argument, or a usage error. */
uint64_t tool_number(const struct argp_state *state, const char *text);
void tool_range(const struct argp_state *state, const char *text, bool single, uint64_t *first_ret,
		uint64_t *last_ret);

/* Opens @source; 0, or TOOL_FAILED after a message. Remarks about the source go to stderr. */
int tool_open_memory(const char *source, struct pw_memory **memory_ret);

/*
 * Opens the source and decides about the regime, by the options or by what the source says of its
 * CPUs (and says which on stderr). Without @need_root, only about the format. 0, or TOOL_FAILED after
 * a message; then there is nothing to close.
 */
int tool_open(const struct tool_options *options, const char *source, bool need_root,
	      struct tool_input *input);
void tool_close(struct tool_input *input);

/* After reading: has the source held still? 0, or TOOL_FAILED after a message. */
int tool_check_memory(const struct tool_input *input);

/* A root as more than one subcommand decodes it. 0, or TOOL_FAILED after a message. */
int tool_regime(const struct tool_options *options, const struct pw_format *format,
		const uint64_t *root, unsigned count, struct pw_regime *regime);

#endif
