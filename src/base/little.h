/* SPDX-License-Identifier: MIT */
/* Numbers in bytes, the lowest first, at any address. */
#ifndef PW_BASE_LITTLE_H
#define PW_BASE_LITTLE_H

#include <stdint.h>

/* The number in @count bytes, at most 8. */
static inline uint64_t pw_little(const unsigned char *bytes, unsigned count)
{
	uint64_t value = 0;

	while (count-- > 0)
		value = value << 8 | bytes[count];
	return value;
}

#endif
