/* SPDX-License-Identifier: MIT */
/* Error sentences for people. A function that fails writes one, if the caller passed a place for it. */
#ifndef PW_BASE_ERROR_H
#define PW_BASE_ERROR_H

#include <errno.h>

#include <pagewalk/format.h>

/* Writes the sentence to @error (which may be NULL) and returns -@code, for `return pw_fail(...)`. */
int pw_fail(struct pw_error *error, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* As pw_fail, for a required pointer that is NULL: returns -EINVAL. @name is the parameter's. */
int pw_fail_null(struct pw_error *error, const char *name);

#endif
