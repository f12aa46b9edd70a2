/* SPDX-License-Identifier: MIT */
/* Ranges of addresses, bounds inclusive: sorted, and joined where they overlap or adjoin. */
#ifndef PW_BASE_JOIN_H
#define PW_BASE_JOIN_H

#include <stddef.h>
#include <stdint.h>

/*
 * Sorts @count ranges { first, last }, in which last is not below first, and joins them. Returns how many there are then:
 * they neither overlap nor adjoin.
 */
size_t pw_join(uint64_t (*range)[2], size_t count);

#endif
