/* SPDX-License-Identifier: MIT */
/* Numbers as people type them. */
#ifndef PW_BASE_NUMBER_H
#define PW_BASE_NUMBER_H

#include <stdint.h>

/*
 * Reads the number from @text to before @end: decimal, or hexadecimal with 0x; K, M, G or T after it multiply
 * it by 2^10 to 2^40. 16 digits, as kernels print addresses, are hexadecimal without 0x too; if they could as well
 * be decimal, they are refused. Returns NULL, and *number_ret is the number; or the mistake in it, as the end of a
 * sentence that begins with the text: "is not a number ...".
 */
const char *pw_number_parse(const char *text, const char *end, uint64_t *number_ret);

#endif
