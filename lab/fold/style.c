/* SPDX-License-Identifier: MIT */
/* The styles in which kernels fold levels; each format has its own (format/words.h). */
#include "lab/fold/fold.h"

#include <string.h>

#include "format/words.h"

static const struct fold_style *const *styles_of(const struct pw_format *format)
{
	static const struct fold_style *const none[] = { NULL };

	return format->words && format->words->folds ? format->words->folds : none;
}

const struct fold_style *fold_style_at(size_t index)
{
	const struct pw_format *format;

	for (size_t i = 0; (format = pw_format_at(i)); i++)
		for (const struct fold_style *const *at = styles_of(format); *at; at++)
			if (index-- == 0)
				return *at;
	return NULL;
}

const struct fold_style *fold_style_find(const struct pw_format *format, const char *name)
{
	for (const struct fold_style *const *at = styles_of(format); *at; at++)
		if (!name || !strcmp((*at)->name, name))
			return *at;
	return NULL;
}
