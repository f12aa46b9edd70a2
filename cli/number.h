/* SPDX-License-Identifier: MIT */
/* Numbers and ranges as people type them. */
#ifndef CLI_NUMBER_H
#define CLI_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

/*
 * A number: decimal, or hexadecimal with 0x; K, M, G or T after it multiply by 2^10 to 2^40. Returns
 * NULL and the number, or what is wrong as the end of a sentence that begins with the text: "is not
 * a number ...".
 */
const char *number_parse(const char *text, uint64_t *number_ret);
/* The same, of the characters from @text to before @end. */
const char *number_parse_part(const char *text, const char *end, uint64_t *number_ret);

/* FIRST-LAST (both inclusive) or FIRST+LENGTH; a lone number only if @single, as FIRST-FIRST. */
const char *number_parse_range(const char *text, bool single, uint64_t *first_ret,
			       uint64_t *last_ret);

#endif
