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

/* Prints ,"flags":["accessed","dirty"] for the attributes in @attr. */
void pw_names_json_flags(FILE *stream, unsigned attr);

#endif
