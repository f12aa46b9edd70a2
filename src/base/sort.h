/* SPDX-License-Identifier: MIT */
/* Sorting that can be cancelled. Its time does not depend on the order of the input. */
#ifndef PW_BASE_SORT_H
#define PW_BASE_SORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Orders the numbers 0..@count-1 by their keys; equal keys keep the order of their numbers. @count must
 * be below 2^32. Looks at @cancel (which may be NULL) every few thousand keys. Returns 0, -ENOMEM, or
 * -ECANCELED. The caller frees *order_ret.
 */
int pw_sort(const uint64_t *key, size_t count, const bool *cancel, uint32_t **order_ret);

#endif
