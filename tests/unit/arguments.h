/* SPDX-License-Identifier: MIT */
/* Shared by the tests of arguments: one object of each kind that functions take, and the expectations. */
#ifndef TESTS_UNIT_ARGUMENTS_H
#define TESTS_UNIT_ARGUMENTS_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pagewalk/pagewalk.h>

/* Made by setup() in arguments.c; @folio is mapped at VA. */
extern struct pw_memory *memory;
extern struct pw_regime regime;
extern const struct pw_format *format;
extern struct pw_arena *arena;
extern struct pw_space *space;
extern struct pw_reader *reader;
extern pw_pa folio;

static const pw_va VA = 0x10000;

/* A failing call writes a sentence; it also fails if there is no room for one. */
#define REFUSED(call)                                          \
	do {                                                   \
		struct pw_error told = { "" }, *error = &told; \
		assert_int_equal(call, -EINVAL);               \
		assert_true(told.text[0]);                     \
		error = NULL;                                  \
		assert_int_equal(call, -EINVAL);               \
		(void)error;                                   \
	} while (0)

/* The same for functions that take no struct pw_error. */
#define REFUSED_SILENTLY(call) assert_int_equal(call, -EINVAL)

/* A function of the library, and what checks its arguments. */
struct arguments_of {
	const char *name;
	void (*check)(void);
};

/* arguments_memory.c: a table that ends with a NULL name. */
extern const struct arguments_of arguments_memory[];

/* arguments_mm.c: a table that ends with a NULL name. The setup needs @format. */
extern const struct arguments_of arguments_mm[];
void arguments_mm_setup(void);
void arguments_mm_teardown(void);

/* arguments_spaces.c */
void arguments_arena_create(void);
void arguments_arena_destroy(void);
void arguments_arena_host(void);
void arguments_folio_alloc(void);
void arguments_folio_counts(void);
void arguments_table_create(void);
void arguments_table_destroy(void);
void arguments_table_map(void);
void arguments_table_unmap(void);
void arguments_table_protect(void);
void arguments_table_split(void);
void arguments_table_collapse(void);
void arguments_reader_create(void);
void arguments_reader_destroy(void);
void arguments_pin_pages(void);
void arguments_pin_ranges(void);
void arguments_pin_iovec(void);
void arguments_unpin(void);
void arguments_look(void);

#endif
