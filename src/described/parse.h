/* SPDX-License-Identifier: MIT */
/* Taking a line of a format's description apart, from left to right. */
#ifndef PW_DESCRIBED_PARSE_H
#define PW_DESCRIBED_PARSE_H

#include "described/described.h"

/* The most bytes that a description may have; the longest in this tree has some thousands. */
enum { PW_DESCRIPTION_MAX = 1 << 20 };

/*
 * Reads the file @path, which may be a pipe, into memory that the caller frees; a NUL follows the
 * *bytes_ret bytes. Stops after PW_DESCRIPTION_MAX bytes, and refuses a file that is larger or never ends.
 */
int pw_parse_read(const char *path, char **text_ret, size_t *bytes_ret, struct pw_error *error);

struct pw_parser {
	struct pw_description *d;
	const char *path;
	unsigned line;
	char *rest; /* the rest of the line */
	unsigned selected; /* bit n: `entries` names level n */
	struct pw_error *error;
};

/* Writes the error sentence, with the file and the line before it; returns -EINVAL. */
int pw_parse_fail(struct pw_parser *p, const char *text, ...) __attribute__((format(printf, 2, 3)));

/* The next word of the line, or NULL. */
const char *pw_parse_word(struct pw_parser *p);
/* Takes the next word if it is @wanted. */
bool pw_parse_take(struct pw_parser *p, const char *wanted);
/* The rest of the line, without blanks at its ends. */
const char *pw_parse_text(struct pw_parser *p);

/* The bit of enum pw_kernel_config that @word ("device-private") names; 0 if it names none. */
unsigned pw_parse_config(const char *word);

/* Each of these reads the next words, and returns 0 or as pw_parse_fail. @what is for the message. */
int pw_parse_number(struct pw_parser *p, const char *what, uint64_t last, uint64_t *number);
int pw_parse_field(struct pw_parser *p, const char *what, struct pw_field *field);
/* "at FIELD... [minus NUMBER]"; the word "at" was taken before. */
int pw_parse_address(struct pw_parser *p, struct pw_address *address);
/* The words after "memory": "device", or "mair at 4:2@0". Conditions may follow. */
int pw_parse_memory(struct pw_parser *p, struct pw_trait *trait);
/* The end of a statement: nothing, or "if" and conditions, up to "because". */
int pw_parse_when(struct pw_parser *p, struct pw_conditions *when);

#endif
