/* SPDX-License-Identifier: MIT */
/* Names of attributes and memory types, the same in every text and in JSON. */
#ifndef PW_BASE_NAMES_H
#define PW_BASE_NAMES_H

#include <stdio.h>

#include <pagewalk/format.h>

/* An attribute that is not a permission, with its name: "accessed". */
struct pw_attr_name {
	unsigned bit; /* of enum pw_attr */
	const char *name;
};
enum { PW_ATTR_NAMES = 7 };
extern const struct pw_attr_name pw_attr_names[PW_ATTR_NAMES];

/* "normal", "uncached", ...; "?" for a value out of range. */
const char *pw_memtype_name(unsigned memtype);

/* Prints ,"NAME":["accessed","dirty"] for the attributes in @attr. */
void pw_names_json_flags(FILE *stream, const char *name, unsigned attr);

/* " entry", to be put behind the name of a level; "" behind "pte", whose e is the entry. */
const char *pw_entry_suffix(const char *level);

/* ---- sizes: @last is the offset of the last byte, so that 2^64 can be expressed ---- */

enum { PW_SIZE_TEXT = 32 };

/* "4 KiB", "1.1 GiB", "1 byte". Returns @text. */
char *pw_size_text(uint64_t last, char text[PW_SIZE_TEXT]);
/* As pw_size_text, but without a fraction if at most four digits express the size exactly: "4104 KiB". */
char *pw_size_exact_text(uint64_t last, char text[PW_SIZE_TEXT]);
/* As pw_size_text, for 2^@lg2 bytes; @lg2 may be 64. */
char *pw_size_lg2_text(unsigned lg2, char text[PW_SIZE_TEXT]);

#endif
