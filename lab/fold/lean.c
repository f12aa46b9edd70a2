/* SPDX-License-Identifier: MIT */
/* The lean cases, strategy by strategy. */
#include "lab/fold/lean.h"

#include <string.h>

const struct fold_lean_case *fold_lean_at(size_t index)
{
	static const struct fold_lean_case *const lists[] = {
		fold_lean_b,
		fold_lean_c,
		fold_lean_d,
		fold_lean_e,
	};

	for (size_t list = 0; list < sizeof(lists) / sizeof(lists[0]); list++)
		for (const struct fold_lean_case *at = lists[list]; at->style; at++)
			if (index-- == 0)
				return at;
	return NULL;
}

const struct fold_lean_case *fold_lean_find(const char *format, const char *style,
					    enum fold_strategy strategy)
{
	const struct fold_lean_case *at;

	for (size_t i = 0; (at = fold_lean_at(i)); i++)
		if (at->strategy == strategy && !strcmp(at->style->format, format) &&
		    !strcmp(at->style->name, style))
			return at;
	return NULL;
}
