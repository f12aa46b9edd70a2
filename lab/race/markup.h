/* SPDX-License-Identifier: MIT */
/* Pieces of SVG and HTML, and lines of text: the laboratory for races draws without the library. */
#ifndef RACE_MARKUP_H
#define RACE_MARKUP_H

#include <stdio.h>

/* As text of an element, or as the value of an attribute in double quotes. */
void race_escape(FILE *file, const char *text);
/*
 * Returns how many bytes of @text make a line of at most @width. It breaks at a blank; a longer word breaks at the
 * end of the line. *skip_ret bytes lie before the next line.
 */
size_t race_line_break(const char *text, unsigned width, size_t *skip_ret);
unsigned race_lines(const char *text, unsigned width);

void race_svg_rect(FILE *file, const char *class, double x, double y, double width, double height);
void race_svg_line(FILE *file, const char *class, double x1, double y1, double x2, double y2);
void race_svg_text(FILE *file, const char *class, double x, double y, const char *format, ...)
	__attribute__((format(printf, 5, 6)));
/* Lines of at most @columns characters; returns the y behind the last. */
double race_svg_paragraph(FILE *file, const char *class, double x, double y, double leading,
			  unsigned columns, const char *text);

#endif
