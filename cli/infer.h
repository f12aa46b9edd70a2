/* SPDX-License-Identifier: MIT */
/* The format of roots that were given as words, for a source that names its machine. */
#ifndef CLI_INFER_H
#define CLI_INFER_H

#include "options.h"

/* Names of formats that fit a source: "x86_64, x86_64_la57". */
struct infer_names {
	const struct pw_format *format; /* the first of them */
	size_t count;
	char text[300];
};

/*
 * Lists the formats of the machine that the title of @memory names. With @options, only those of which its words can
 * be roots: satp has the format in it, an ASCE the number of levels, and other words may have bits that a format
 * refuses.
 */
void infer_names(const struct pw_memory *memory, const struct tool_options *options,
		 struct infer_names *names_ret);

/* The source does not say its format, and no word does: says which could fit. Returns TOOL_FAILED. */
int infer_refuse(const struct tool_input *input);

/*
 * Decides input->format from the words of the options, if one format alone takes them. @known (or NULL) is the format of
 * the source's CPUs, and is taken if it takes the words. 0, or TOOL_FAILED after a message that says what is
 * missing.
 */
int infer_format(const struct tool_options *options, const char *known, struct tool_input *input);

#endif
