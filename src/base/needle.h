/* SPDX-License-Identifier: MIT */
/*
 * Searches for a few bytes in much memory. Machines' memory is full of zeros and of text; so the search is for one
 * byte of the needle that is rare in both, which memchr() does at the speed of memory, and then for the rest.
 */
#ifndef PW_BASE_NEEDLE_H
#define PW_BASE_NEEDLE_H

#include <stddef.h>
#include <string.h>

struct pw_needle {
	const void *bytes;
	size_t length;
	size_t rare; /* position of the byte that is rare */
};

/* The first place of @needle in @length bytes at @bytes; NULL: there is none. */
static inline const void *pw_needle_find(const struct pw_needle *needle, const void *bytes,
					 size_t length)
{
	const unsigned char *const want = needle->bytes;
	const unsigned char *at, *end, *found;

	if (length < needle->length)
		return NULL;
	at = (const unsigned char *)bytes + needle->rare;
	end = at + (length - needle->length) + 1;
	for (; (found = memchr(at, want[needle->rare], (size_t)(end - at))); at = found + 1)
		if (memcmp(found - needle->rare, want, needle->length) == 0)
			return found - needle->rare;
	return NULL;
}

#endif
