/* SPDX-License-Identifier: MIT */
/*
 * Text for terminals, markup and JSON. Text from file names, arguments, labels and descriptions of
 * formats is not trusted. These never appear as they are in any output: control characters (C0, DEL,
 * C1), characters that turn the direction of text or end its line, invisible characters, and bytes that
 * are not UTF-8.
 */
#ifndef PW_BASE_ESCAPE_H
#define PW_BASE_ESCAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/*
 * Copies @text to @to, which has @room bytes (at least one). A text that is too long is cut between
 * characters. A character that is not shown becomes \u202e or \U000e0041; an ASCII control or a byte
 * that is not UTF-8 becomes \x1b. Copying the copy again changes nothing.
 * Returns @to.
 */
char *pw_escape_text(const char *text, char *to, size_t room);
/* As pw_escape_text, to a stream. Cuts nothing off. */
void pw_escape_print(FILE *stream, const char *text);

/* Prints @text as XML or HTML text, or as an attribute's value. What is not shown becomes U+FFFD. */
void pw_escape_xml(FILE *stream, const char *text);
/* printf, then pw_escape_xml. */
void pw_escape_xml_printf(FILE *stream, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Prints @text as a JSON string, with its quotes. A character that is not shown becomes \u202e; a byte
 * that is not UTF-8 becomes U+FFFD.
 */
void pw_escape_json(FILE *stream, const char *text);

/*
 * Prints a number in JSON. Above 2^53 it is a string of decimal digits, because programs that read
 * numbers as floating point would lose the last digits.
 */
void pw_escape_json_number(FILE *stream, uint64_t number);
/* As pw_escape_json_number, for @last_index + 1, which can be 2^64. */
void pw_escape_json_count(FILE *stream, uint64_t last_index);

/* ---- members of an object, each behind a comma: ,"name":VALUE ---- */

void pw_json_text(FILE *stream, const char *name, const char *text);
void pw_json_number(FILE *stream, const char *name, uint64_t number);
void pw_json_count(FILE *stream, const char *name, uint64_t last_index);
/* "0x1000": addresses and entries. */
void pw_json_hex(FILE *stream, const char *name, uint64_t number);
void pw_json_bool(FILE *stream, const char *name, bool value);

/*
 * Returns the length of the UTF-8 character at @text; *shown_ret says whether it is shown as it is. A
 * byte that is not UTF-8 counts as a character.
 */
size_t pw_escape_character(const char *text, bool *shown_ret);

#endif
