/* SPDX-License-Identifier: MIT */
/*
 * For objects.py: prints every format's name, log2 of its entries' bytes, and its shifts. If the entry above
 * can change the shift of a level, a ? is before it.
 */
#include <pagewalk/pagewalk.h>
#include <stdio.h>

#include "format/format.h"

int main(void)
{
	const struct pw_format *format;
	struct pw_geometry geometry;

	for (size_t i = 0; (format = pw_format_at(i)); i++) {
		pw_format_geometry(format, &geometry);
		printf("%s %d", geometry.name, geometry.entry_bytes == 8 ? 3 : 2);
		for (unsigned level = 0; level < geometry.levels; level++)
			printf(" %s%u", level == 0 && format->next_bits ? "?" : "",
			       geometry.shift[level]);
		putchar('\n');
	}
	return 0;
}
