/* SPDX-License-Identifier: MIT */
/* Ranges as pairs of numbers: sorted, and joined where they meet. */
#include <stdlib.h>

#include "base/join.h"

static int compare(const void *a, const void *b)
{
	const uint64_t *left = a, *right = b;

	return left[0] < right[0] ? -1 : left[0] > right[0];
}

size_t pw_join(uint64_t (*range)[2], size_t count)
{
	size_t joined = 0;

	if (count > 0)
		qsort(range, count, sizeof(*range), compare);
	for (size_t i = 0; i < count; i++) {
		uint64_t *before = joined > 0 ? range[joined - 1] : NULL;

		if (!before || (before[1] != UINT64_MAX && range[i][0] > before[1] + 1)) {
			range[joined][0] = range[i][0];
			range[joined++][1] = range[i][1];
		} else if (range[i][1] > before[1]) {
			before[1] = range[i][1];
		}
	}
	return joined;
}
