/* SPDX-License-Identifier: MIT */
/*
 * Lines of text that count their columns, so that boxes line up however many bytes a character has;
 * and the characters of pictures, in UTF-8 and in ASCII.
 */
#ifndef PW_VIEW_LINE_H
#define PW_VIEW_LINE_H

#include <stdio.h>

#include <pagewalk/view.h>

enum line_glyph {
	LINE_H, /* horizontal */
	LINE_V,
	LINE_DOTS, /* vertical, something left out */
	LINE_DOWN_RIGHT, /* corners and crossings, by the directions of their arms */
	LINE_DOWN_LEFT,
	LINE_UP_RIGHT,
	LINE_UP_LEFT,
	LINE_V_RIGHT,
	LINE_V_LEFT,
	LINE_H_DOWN,
	LINE_H_UP,
	LINE_CROSS,
	LINE_ARROW, /* to the right */
	LINE_ELLIPSIS,
};

enum line_colour { LINE_PLAIN, LINE_BOLD, LINE_DIM, LINE_VALUE, LINE_GOOD, LINE_BAD, LINE_HIT };

struct line {
	FILE *stream;
	struct pw_text_style style;
	unsigned columns; /* taken so far in this line */
	unsigned blanks; /* wanted, but written only when something follows them */
};

void pw_line_init(struct line *line, FILE *stream, const struct pw_text_style *style);
void pw_line_glyph(struct line *line, enum line_glyph glyph);
void pw_line_repeat(struct line *line, enum line_glyph glyph, unsigned count);
void pw_line_blanks(struct line *line, unsigned count);
void pw_line_to(struct line *line, unsigned column);
void pw_line_colour(struct line *line, enum line_colour colour);
/* Text, with control characters replaced. */
void pw_line_put(struct line *line, const char *text);
void pw_line_printf(struct line *line, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void pw_line_end(struct line *line);
/* Centres the text in @width columns, or cuts it off if it is longer. */
void pw_line_centre(struct line *line, const char *text, unsigned width);

/* The number of columns that @text takes. */
unsigned pw_line_width(const char *text);
/*
 * Returns how many bytes of @text make a line of at most @width columns. The line breaks at a blank; a
 * longer word breaks at the end of the line. *skip_ret is the number of bytes to skip before the next line.
 */
size_t pw_line_break(const char *text, unsigned width, size_t *skip_ret);
/* A paragraph from the current column on; further lines begin at @indent. Ends the last line. */
void pw_line_paragraph(struct line *line, unsigned indent, const char *text);

#endif
