/* SPDX-License-Identifier: MIT */
/*
 * Text on a terminal: how wide it is, whether it has colours, and the pager. Machine output (--json) has none of
 * these, and neither have pipes and files, unless --color always asks for colours.
 */
#ifndef CLI_TERMINAL_H
#define CLI_TERMINAL_H

#include <argp.h>
#include <stdbool.h>
#include <stdio.h>

enum terminal_when { TERMINAL_AUTO, TERMINAL_ALWAYS, TERMINAL_NEVER };
enum terminal_colour {
	TERMINAL_PLAIN,
	TERMINAL_BOLD,
	TERMINAL_DIM,
	TERMINAL_USER,
	TERMINAL_KERNEL,
	TERMINAL_DANGER
};

/* Options and, after terminal_start(), what they lead to. All zero: text for a file. */
struct terminal {
	enum terminal_when when;
	bool no_pager;
	unsigned width; /* columns; 0: lines may be as long as they are */
	bool colour;
};

/* --color and --no-pager, for struct argp's children; their input is a struct terminal. */
extern const struct argp terminal_argp;

/* Width alone, for text that has neither colours nor a pager. @machine: the output is for programs, as below. */
struct terminal terminal_plain(bool machine);
/* Decides width and colours. @machine: the output is for programs, so it gets neither. */
void terminal_look(struct terminal *terminal, bool machine);
/*
 * Starts the pager if standard output is a terminal: PAGER, or less. From here on, standard output and messages go
 * to it, and the process waits for its end. Comes after tool_catch_interrupts().
 */
void terminal_page(const struct terminal *terminal);

/* Changes the colour of what follows, if there are colours. */
void terminal_colour(const struct terminal *terminal, enum terminal_colour colour);
/*
 * Prints the words of @text from @column on. A word that would pass the last column begins another line, at
 * @indent. Returns the column after the last word; does not end the line.
 */
unsigned terminal_words(const struct terminal *terminal, const char *text, unsigned column,
			unsigned indent);
/* The same to any stream, for @width columns; 0: no limit. */
unsigned terminal_words_to(FILE *stream, unsigned width, const char *text, unsigned column,
			   unsigned indent);
/* Columns of the terminal that @file is; 0: it is none. */
unsigned terminal_width(int file);
/*
 * Prints a line and its end. If it is wider than the terminal, it goes on below at word borders, two columns in, and
 * blanks between columns shrink to one.
 */
void terminal_line(const struct terminal *terminal, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* The same for each line of @text, which is changed. */
void terminal_lines(const struct terminal *terminal, char *text);
/* Makes the help of argp(3) as narrow as a narrow terminal, unless ARGP_HELP_FMT of the environment says how wide it is. */
void terminal_fit_help(void);

#endif
