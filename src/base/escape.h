/* SPDX-License-Identifier: MIT */
/*
 * Text for terminals, markup and JSON. What comes from the name of a file, an argument, a label or a
 * description of a format is never trusted: control characters (C0, DEL, C1), what turns the
 * direction of text or ends its line, invisible characters, and bytes that are no UTF-8 reach nobody
 * as they are.
 */
#ifndef PW_BASE_ESCAPE_H
#define PW_BASE_ESCAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/*
 * Copies @text to @to, which has @room bytes (at least one); what is cut off is cut between
 * characters. Characters that are not shown become \u202e or \U000e0041, ASCII controls and bytes
 * that are no UTF-8 become \x1b. What was copied so stays as it is when it is copied again.
 * Returns @to.
 */
char *pw_escape_text(const char *text, char *to, size_t room);
/* The same to a stream, whole. */
void pw_escape_print(FILE *stream, const char *text);

/* As XML or HTML text, or an attribute's value. What is not shown becomes U+FFFD. */
void pw_escape_xml(FILE *stream, const char *text);
/* printf, then pw_escape_xml. */
void pw_escape_xml_printf(FILE *stream, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* As a JSON string, with its quotes. What is not shown becomes \u202e; what is no UTF-8, U+FFFD. */
void pw_escape_json(FILE *stream, const char *text);

/*
 * A number in JSON. Above 2^53, where programs that read numbers as floating point lose the last
 * digits, it is a string of decimal digits.
 */
void pw_escape_json_number(FILE *stream, uint64_t number);
/* The same of @last_index + 1, which can be 2^64. */
void pw_escape_json_count(FILE *stream, uint64_t last_index);

/*
 * Length of the UTF-8 character at @text, and whether it is shown as it is. A byte that is no UTF-8 is
 * a character of its own.
 */
size_t pw_escape_character(const char *text, bool *shown_ret);

#endif
