/* SPDX-License-Identifier: MIT */
/* Tables on the terminal, by libsmartcols. */
#include "table.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct libscols_table *table_new(const char *const *columns)
{
	struct libscols_table *table;

	scols_init_debug(0);
	table = scols_new_table();
	if (!table)
		return NULL;
	scols_table_set_stream(table, stdout);
	/* Do not cut columns to fit a terminal: a number without its end is worse than a long line. */
	scols_table_set_termforce(table, SCOLS_TERMFORCE_NEVER);
	for (; *columns; columns++) {
		bool right = **columns == '>';

		if (!scols_table_new_column(table, *columns + right, 0,
					    right ? SCOLS_FL_RIGHT : 0)) {
			scols_unref_table(table);
			return NULL;
		}
	}
	return table;
}

void table_row(struct libscols_table *table, const char *format, ...)
{
	struct libscols_line *line = table ? scols_table_new_line(table, NULL) : NULL;
	char *text = NULL, *rest, *field;
	va_list arguments;

	if (!line)
		return;
	va_start(arguments, format);
	if (vasprintf(&text, format, arguments) < 0)
		text = NULL;
	va_end(arguments);
	rest = text;
	for (size_t i = 0; i < scols_table_get_ncols(table) && (field = strsep(&rest, "\t")); i++)
		scols_line_set_data(line, i, field);
	free(text);
}

bool table_fits(struct libscols_table *table, unsigned width)
{
	char *text = NULL;
	bool fits = true;

	if (!table || width == 0 || scols_print_table_to_string(table, &text))
		return true;
	for (const char *line = text; *line && fits; line += line[0] == '\n') {
		size_t length = strcspn(line, "\n");

		fits = length <= width;
		line += length;
	}
	free(text);
	return fits;
}

bool table_print(struct libscols_table *table)
{
	bool done = table && scols_print_table(table) == 0;

	scols_unref_table(table);
	return done;
}
