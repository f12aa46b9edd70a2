/* SPDX-License-Identifier: MIT */
/*
 * Drawings in SVG, used alone and inside the HTML page, which highlights one step after the other.
 * Everything that belongs to step N has the class "step" and data-step="N". Steps count from 1, as
 * in the JSON; 0 is the root, and the last one is the result.
 */
#ifndef PW_VIEW_SVG_H
#define PW_VIEW_SVG_H

#include "base/escape.h"
#include "view/picture.h"

struct svg {
	FILE *stream;
	const struct pw_picture *picture; /* of a walk; other drawings have none */
	bool embedded; /* in a page that has the title already */
};

/* svg_address.c: the ruler and the tables below it, from left to right. */
void pw_svg_address(FILE *stream, const struct pw_picture *picture, bool embedded);
/* svg_range.c: one bar per level, and the tree of entries. */
void pw_svg_range(FILE *stream, const struct pw_picture *picture, bool embedded);

/* ---- svg.c ---- */

/* The <style> of all drawings. */
void pw_svg_style(FILE *stream);
/* The opening tag with title, description and style, for the part below @top; and the background. */
void pw_svg_open(struct svg *svg, double top, double width, double height, const char *title,
		 const char *desc);
/*
 * For a walk: the opening tag with its title and style, the background, and the head: the title,
 * unless the picture is embedded, and where the walk starts.
 */
void pw_svg_begin(struct svg *svg, double width, double height);
void pw_svg_end(struct svg *svg);
/* Text of a class at a place; @anchor is start, middle or end. */
void pw_svg_text(struct svg *svg, const char *class, const char *anchor, double x, double y,
		 const char *format, ...) __attribute__((format(printf, 6, 7)));
void pw_svg_rect(struct svg *svg, const char *class, double x, double y, double width,
		 double height);
void pw_svg_line(struct svg *svg, const char *class, double x1, double y1, double x2, double y2);
/* The group of a step. */
void pw_svg_step_begin(struct svg *svg, unsigned step, const char *class);
void pw_svg_group_end(struct svg *svg);
/*
 * Text in lines of at most @columns characters, @leading apart; returns the y behind the last.
 */
double pw_svg_paragraph(struct svg *svg, const char *class, double x, double y, double leading,
			unsigned columns, const char *text);
/* The number of lines that pw_svg_paragraph() writes. */
unsigned pw_svg_lines(unsigned columns, const char *text);
/* The title of a picture in one line. */
void pw_svg_title_text(const struct pw_picture *picture, char *text, size_t bytes);

#endif
