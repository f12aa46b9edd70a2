/* SPDX-License-Identifier: MIT */
/* Numbers as people type them. */
#ifndef PW_BASE_NUMBER_H
#define PW_BASE_NUMBER_H

#include <stdint.h>

/*
 * The number from @text to before @end: decimal, or hexadecimal with 0x; K, M, G or T after it multiply
 * by 2^10 to 2^40. Returns NULL and the number, or what is wrong with it, as the end of a sentence that
 * begins with the text: "is not a number ...".
 */
const char *pw_number_parse(const char *text, const char *end, uint64_t *number_ret);

#endif
