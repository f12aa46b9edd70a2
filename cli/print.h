/* SPDX-License-Identifier: MIT */
/* Results as text and as JSON, the same in every subcommand. */
#ifndef CLI_PRINT_H
#define CLI_PRINT_H

#include "base/names.h"
#include "options.h"

enum {
	PRINT_TEXT = 480, /* room for any of the texts below */
	PRINT_LINE = 4 * PRINT_TEXT, /* room for any line of a range */
	/* Flags that are the same throughout a range. */
	PRINT_RANGE_FLAGS = PW_SPECIAL | PW_CONTIGUOUS | PW_SHADOW_STACK | PW_DBM,
};

/* "pte", "pmd entry", "segment entry": the common name of an entry of that level. */
char *print_entry_name(const struct pw_format *format, unsigned level, char text[PRINT_TEXT]);

/* " accessed dirty ..." and the memory type, where it is not the ordinary one; each after a space. */
char *print_flags(unsigned attr, unsigned memtype, char text[PRINT_TEXT]);

/* Hexadecimal digits that the regime's addresses need: 8 or 16. */
int print_va_digits(const struct pw_regime *regime);

/* The columns of a range, and a range in them. Holes show their status instead of an address. */
void print_range_head(const struct pw_regime *regime);
void print_range(const struct pw_regime *regime, const struct pw_range *range);
/* A range, or hole, as a JSON object on a line. @region: of Linux's address space, or NULL. */
void print_range_json(const struct pw_regime *regime, const struct pw_range *range,
		      const char *region);
/* The same lines into PRINT_LINE bytes at @at, for any thread. Both return the place behind the line. */
char *print_range_put(char *at, const struct pw_regime *regime, const struct pw_range *range);
char *print_range_json_put(char *at, const struct pw_regime *regime, const struct pw_range *range,
			   const char *region);

/* Writes a foreign name into @safe, without characters that steer a terminal. Returns @safe. */
char *print_safe(const char *text, char safe[PRINT_TEXT]);

/* @text as a JSON string with its quotes (base/escape.h). */
void print_json_string(const char *text);
/* ,"length":N for first..last, and ,"size":N of a page. */
void print_json_length(uint64_t first, uint64_t last);
void print_json_page_size(unsigned lg2);
/* A page: ,"size":N,"prot":"rw-u","flags":[...],"memtype":"normal"; lists those of @flags that are set. */
void print_json_page(unsigned lg2, unsigned attr, unsigned memtype, unsigned flags);

#endif
