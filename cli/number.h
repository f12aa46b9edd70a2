/* SPDX-License-Identifier: MIT */
/* Numbers and ranges as people type them. */
#ifndef CLI_NUMBER_H
#define CLI_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

/* pw_number_parse() of the whole of @text. */
const char *number_parse(const char *text, uint64_t *number_ret);

/* FIRST-LAST (both inclusive) or FIRST+LENGTH; a lone number only if @single, as FIRST-FIRST. */
const char *number_parse_range(const char *text, bool single, uint64_t *first_ret,
			       uint64_t *last_ret);

/* Does a range of decimal numbers begin like the address of a page, 1000000-2000000? */
bool number_looks_hexadecimal(const char *text);

#endif
