/* SPDX-License-Identifier: MIT */
/* Short tables by libsmartcols: kept whole in memory, with columns as wide as their content. */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include <stdbool.h>

#include <libsmartcols.h>

/*
 * Makes a table with these columns (ended by NULL); '>' before a name aligns to the right. Returns NULL
 * if memory runs out; every other function here accepts NULL.
 */
struct libscols_table *table_new(const char *const *columns);

/* Adds a row: printf-like fields, separated by tabs. */
void table_row(struct libscols_table *table, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Is no line of the table wider than @width columns? 0: there is no limit. */
bool table_fits(struct libscols_table *table, unsigned width);

/* Prints the table to stdout and releases it. False if memory ran out. */
bool table_print(struct libscols_table *table);

#endif
