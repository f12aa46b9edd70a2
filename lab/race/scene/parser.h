/* SPDX-License-Identifier: MIT */
/*
 * Inside the reader of scenarios.
 *
 *   parser.c     words, numbers, names; what is wrong, with line and column
 *   operation.c  what threads and the setup do
 *   final.c      what must hold at the end
 *   mm_parse.c   all of address spaces
 *   parse.c      the other statements, and lines
 */
#ifndef RACE_SCENE_PARSER_H
#define RACE_SCENE_PARSER_H

#include "lab/race/scene/scene.h"

struct parser {
	struct scene *scene;
	const char *name;
	const char *line; /* its begin */
	const char *at; /* the next character */
	const char *word_at; /* where the last word begins */
	char word[SCENE_TEXT];
	unsigned number; /* of the line, from 1 */
	int thread; /* whose operations come */
	struct pw_error *error;
	bool failed;
};

/* ---- parser.c ---- */

/* Says what is wrong at the last word. Only the first sentence counts. */
void parse_fail(struct parser *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool parse_ends(char c);
void parse_blanks(struct parser *p);
/* Reads the next word of the statement. False at its end. */
bool parse_word(struct parser *p);
bool parse_is(const struct parser *p, const char *word);
/* The next word, which must be there: @what. */
bool parse_want(struct parser *p, const char *what);
/* Must the last word be a number? */
uint64_t parse_value(struct parser *p, const char *what);
uint64_t parse_number(struct parser *p, const char *what);
uint64_t parse_small(struct parser *p, const char *what, uint64_t least, uint64_t most);
/* The rest of the line, as it is. */
void parse_rest(struct parser *p, char *text, size_t size);
bool parse_name(struct parser *p, char name[SCENE_NAME]);

/* The folio of this name, or SCENE_NONE. Folios of other threads cannot be named in a thread. */
int parse_find_folio(struct parser *p);
int parse_folio(struct parser *p);
int parse_new_folio(struct parser *p);
/* What an operation says `as`. */
int parse_flag(struct parser *p, bool may_be_new);

/* ---- operation.c ---- */

/* The last word begins an operation. */
void parse_operation(struct parser *p);

/* ---- mm_parse.c ---- */

/* The last word begins a statement of machines and address spaces, which is read: true. */
bool parse_mm_statement(struct parser *p);
void parse_mm_operands(struct parser *p, struct scene_op *op);
bool parse_mm_option(struct parser *p, struct scene_op *op);
void parse_mm_defaults(struct parser *p, const struct scene_op *op);
void parse_final_in(struct parser *p, struct scene_final *final);
void parse_final_pinned(struct parser *p, struct scene_final *final);

/* ---- final.c ---- */

/* The last word is `final`. */
void parse_final(struct parser *p);

#endif
