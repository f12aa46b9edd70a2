/* SPDX-License-Identifier: MIT */
/* The search for roots, with its progress on the terminal; `pagewalk roots` and other subcommands share it. */
#ifndef CLI_SEARCH_H
#define CLI_SEARCH_H

#include "options.h"

/* The roots that were found. */
struct search {
	struct pw_root *root;
	size_t count;
	size_t copies; /* tables of processes that have ended */
};

/*
 * Searches the memory. @format restricts the search; NULL: the formats of the source's machine. 0, or
 * TOOL_FAILED after a message. @jobs: threads. The caller frees search->root.
 */
int search_roots(const struct pw_memory *memory, const struct pw_format *format, bool every,
		 const struct pw_regime_options *options, unsigned jobs, struct search *search);

/* "kernel", "1", "2", ...: the name by which --root finds the root again. */
void search_name(const struct search *search, size_t number, char text[24]);

/* Words of a root as --root has them: "0x1000", "none, 0x2000". */
void search_words(const struct pw_root *root, char text[64]);

/* The root that @name names: "kernel", a number, a command, the path or the last part of a program's. NULL: none. */
const struct pw_root *search_find(const struct search *search, const char *name);

/* The root of process @pid. NULL: none is known. With two, the one that has the kernel as well. */
const struct pw_root *search_process(const struct search *search, long pid);
/* Is the process known of any root? */
bool search_knows_processes(const struct search *search);

/* "the kernel's", "of a process", "of the process /sbin/init", "of process 1 (init)". */
void search_owner(const struct pw_root *root, char text[120]);

#endif
