/* SPDX-License-Identifier: MIT */
/* Sentences in struct pw_error. */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/escape.h"

int pw_fail(struct pw_error *error, int code, const char *format, ...)
{
	va_list arguments;
	/* Four times the room: pw_escape_text does the cutting, because it cuts between characters only. */
	char text[4 * sizeof(struct pw_error)];

	if (error) {
		va_start(arguments, format);
		vsnprintf(text, sizeof(text), format, arguments);
		va_end(arguments);
		pw_escape_text(text, error->text, sizeof(error->text));
	}
	return -code;
}

int pw_fail_null(struct pw_error *error, const char *name)
{
	return pw_fail(error, EINVAL, "the caller gave NULL for %s, which is required", name);
}
