/* SPDX-License-Identifier: MIT */
/* Remarks about an address or an entry that are worth making beside the answer. */
#ifndef CLI_REMARK_H
#define CLI_REMARK_H

#include "options.h"
#include "print.h"

/*
 * Says on stderr, once (*@told_ret), that @va belongs to a space of which the root that was given is
 * probably not the root: the kernel's quadrant of powerpc.
 */
void remark_address(const struct tool_input *input, pw_va va, bool *told_ret);

/*
 * What the word @entry, which is a hole with no page, is when it is not simply empty: a clause that
 * follows "pte 0x... ", into @text. Returns @text.
 */
char *remark_hole(const struct tool_input *input, const struct pw_result *result,
		  char text[PRINT_TEXT]);

#endif
