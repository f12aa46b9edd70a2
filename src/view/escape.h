/* SPDX-License-Identifier: MIT */
/* Text into markup and JSON. What comes from a file's name, or a format's, is never trusted. */
#ifndef PW_VIEW_ESCAPE_H
#define PW_VIEW_ESCAPE_H

#include <stdio.h>

/* As XML or HTML text, or an attribute's value. No UTF-8: U+FFFD, as for controls that XML lacks. */
void escape_xml(FILE *stream, const char *text);
/* printf, then escape_xml. */
void escape_xml_printf(FILE *stream, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* As a JSON string, with its quotes. */
void escape_json(FILE *stream, const char *text);

/*
 * Length of the UTF-8 character at @text; 0 if it is not one that both XML and a terminal can show:
 * malformed, a surrogate, or a control character.
 */
size_t escape_character(const char *text);

#endif
