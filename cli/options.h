/* SPDX-License-Identifier: MIT */
/* Options that subcommands have in common, and the source and regime that they lead to. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <argp.h>

#include "tool.h"

/* Values of tool_options.cpu that are not a line of `info`. */
enum { TOOL_CPU_ANY = -1, TOOL_CPU_KERNEL = -2 };
/* tool_options.pid: not given. */
enum { TOOL_PID_ANY = -1 };

struct tool_options {
	const char *format;
	uint64_t root[PW_MAX_ROOTS];
	unsigned roots;
	const char
		*name; /* --root as `pagewalk roots' names it: "kernel", "3", a program; or NULL */
	long pid; /* the process whose root is wanted, or TOOL_PID_ANY */
	bool all; /* every root that `pagewalk roots' finds */
	long cpu; /* line of `info`, or one of the above */
	bool json;
	bool stop; /* the machine, meanwhile */
	unsigned jobs; /* threads, at most PW_THREADS_MAX */
	unsigned tries; /* walks of an address whose entries change; 0: no second look */
	struct pw_regime_options regime;
};

/*
 * For struct argp's children: --json alone, the common ones, those of a search, --all, --jobs, --tries. Their input is a
 * struct tool_options.
 */
extern const struct argp tool_json_argp, tool_walk_argp, tool_search_argp, tool_all_argp,
	tool_jobs_argp, tool_tries_argp;

/* The input of a subcommand. */
struct tool_input {
	const char *source;
	struct pw_memory *memory;
	const struct pw_format *format;
	const struct pw_format *loaded; /* by pw_format_load, or NULL */
	const char *description; /* the file that it was loaded from, or NULL */
	/* The options' values; the source's facts about its kernel fill in the rest. */
	struct pw_regime_options regime_options;
	struct pw_regime regime;
	unsigned tries; /* of the options */
	pw_va limit; /* with --all: the last address of what this space has for itself */
	char chosen[240]; /* which root is used, and whose it is; empty if it was given */
};

/* Bytes of memory that are searched for Linux's banner: a second or two of reading. */
#define TOOL_KERNEL_SEARCH (1ull << 30)

/* Finds the Linux version by VMCOREINFO, or with @search by its banner in memory. False: not known. */
bool tool_find_kernel(const struct pw_memory *memory, bool search, struct pw_kernel *kernel_ret);

/*
 * Decides input->regime_options; the memory must be open. In the Linux view without --kernel, it searches
 * the memory, and a message states the result.
 */
void tool_decide_kernel(const struct tool_options *options, struct tool_input *input);

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
 * Opens the source and decides the regime, by the options or by the source's description of its CPUs
 * (and says which on stderr). Without @need_root, decides only the format. 0, or TOOL_FAILED after a
 * message; then there is nothing to close.
 */
int tool_open(const struct tool_options *options, const char *source, bool need_root,
	      struct tool_input *input);
/* Opens the source for a search: decides the format only if the options name it. Else as tool_open. */
int tool_open_search(const struct tool_options *options, const char *source,
		     struct tool_input *input);
void tool_close(struct tool_input *input);

/*
 * Opens the source, calls @one for the root that the options lead to, and closes it. With --all, calls it for
 * every root that is found, after a heading; for those of processes, input->limit then leaves out the kernel's
 * half where all share it. Returns the exit status: with @any, the best of all calls, else the worst.
 */
typedef int tool_one_fn(void *context, const struct tool_input *input);
int tool_each(const struct tool_options *options, const char *source, bool any, tool_one_fn *one,
	      void *context);

/* After reading: did the source stay unchanged? 0, or TOOL_FAILED after a message. */
int tool_check_memory(const struct tool_input *input);

/*
 * Decodes a root; several subcommands share this. The registers of @cpu, which may be NULL, apply where
 * none were given. 0, or TOOL_FAILED after a message.
 */
int tool_regime(const struct pw_regime_options *options, const struct pw_format *format,
		const uint64_t *root, unsigned count, const struct pw_cpu *cpu,
		struct pw_regime *regime);

#endif
