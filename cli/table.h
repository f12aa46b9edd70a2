/* SPDX-License-Identifier: MIT */
/* Short tables by libsmartcols: whole in memory, columns as wide as what is in them. */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include <stdbool.h>

#include <libsmartcols.h>

/*
 * A table with these columns (ended by NULL); '>' before a name aligns to the right. NULL for want of
 * memory, which every other function here takes.
 */
struct libscols_table *table_new(const char *const *columns);

/* A row: printf-like fields, divided by tabs. */
void table_row(struct libscols_table *table, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Prints it to stdout and releases it. False for want of memory. */
bool table_print(struct libscols_table *table);

#endif
