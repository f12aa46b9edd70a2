/* SPDX-License-Identifier: MIT */
/* A machine that was reset, or has ended: its source is opened again once a system runs there. */
#ifndef CLI_AGAIN_H
#define CLI_AGAIN_H

#include "options.h"

/*
 * Can the root that the options ask for be found again, after a reset? A word cannot: it belonged to the machine
 * as it was.
 */
bool again_has_root(const struct tool_options *options);

/* What is known of a machine's kernel. */
enum again_kernel {
	AGAIN_NOTHING,
	AGAIN_TELLS, /* VMCOREINFO in memory says who it is */
	AGAIN_SHOWN, /* and CPUs' tables map it */
};

/* Finds out, and makes pw_memory_check_kernel able to notice another one. */
enum again_kernel again_learn_kernel(const struct tool_input *input);

/*
 * Closes @input, and opens its source again, as often as needed, for @seconds at most. It counts as open when the
 * root that the options ask for is found, as much as @kernel is known of the kernel that runs, and the root is not
 * one that a kernel before it left in memory. Tries pause between each other, for as long as they take themselves and
 * for a fifth of a second at least. 0; TOOL_NOTHING after a signal, or TOOL_FAILED after a message. Then @input stays
 * closed, and tool_close() may be called once more.
 */
int again_open(const struct tool_options *options, enum again_kernel kernel, double seconds,
	       struct tool_input *input);

#endif
