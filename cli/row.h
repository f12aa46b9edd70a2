/* SPDX-License-Identifier: MIT */
/* A range as a row of a map, in as many columns as there are: on narrow terminals, columns give way. */
#ifndef CLI_ROW_H
#define CLI_ROW_H

#include "print.h"
#include "terminal.h"

/*
 * The heads of the columns, and a range below them. Holes show their status instead of an address. @indent: blanks
 * before the row, where it belongs to a line above it.
 */
void row_head(const struct terminal *terminal, const struct pw_regime *regime);
void row_print(const struct terminal *terminal, const struct pw_regime *regime,
	       const struct pw_range *range, unsigned indent);

#endif
