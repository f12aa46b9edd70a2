/* SPDX-License-Identifier: MIT */
/*
 * Other words that people type: versions, address spaces, lines of a list. As in number.h, each
 * function returns NULL, or what is wrong as the end of a sentence that begins with the text.
 */
#ifndef CLI_WORD_H
#define CLI_WORD_H

#include <pagewalk/format.h>

enum { WORD_LABEL_LENGTH = 39 }; /* the room in a note of a cut image */

/* An address space: [LABEL=]WORD[,WORD]. */
struct word_space {
	const char *label; /* label_length characters of the text, without a NUL; NULL: not given */
	size_t label_length;
	uint64_t root[PW_MAX_ROOTS];
	unsigned roots;
};

const char *word_parse_space(const char *text, struct word_space *space_ret);

/* Can this be a label? Printable ASCII, and not too long. */
const char *word_check_label(const char *text, size_t length);

/* A version of Linux, "6.1", as major << 8 | minor. */
const char *word_parse_kernel(const char *text, uint16_t *kernel_ret);

/*
 * A version and the options that this Linux was built with: "6.12,device-private,no-memory-failure".
 * Sets kernel, config and config_told of @options.
 */
const char *word_parse_kernel_options(const char *text, struct pw_regime_options *options);

/*
 * A line of a list of addresses: one number, or (*any_ret false) none. There may be blanks around it,
 * and a comment after #.
 */
const char *word_parse_line(const char *text, bool *any_ret, uint64_t *number_ret);

#endif
