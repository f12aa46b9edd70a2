/* SPDX-License-Identifier: MIT */
/*
 * The frame of a page that steps through walks: everything around the pictures and the steps. Write a
 * page in this order:
 *
 *   pw_page_head         the title; styles of drawings may follow
 *   pw_page_body         the page's own style, the heading, and the start of the line below it
 *   ...                  the rest of that line, </p>, pictures
 *   pw_page_controls     buttons, and the position; more controls may follow
 *   pw_page_controls_end keys, and the place where the script says the step
 *   ...                  steps
 *   pw_page_end          the last line, and the script
 *
 * The page does not fetch anything, and its own policy forbids that.
 */
#ifndef PW_VIEW_PAGE_H
#define PW_VIEW_PAGE_H

#include <stdint.h>
#include <stdio.h>

void pw_page_head(FILE *stream, const char *title);
/* @css is added to the style that all pages have. */
void pw_page_body(FILE *stream, const char *title, const char *css);
/* @label says what the buttons do, to those who cannot see them. */
void pw_page_controls(FILE *stream, const char *label);
void pw_page_controls_end(FILE *stream);
void pw_page_end(FILE *stream, const char *last_line, const char *script);

/* An attribute of an element for the script: data-NAME="...". */
void pw_page_data(FILE *stream, const char *name, const char *text);
void pw_page_data_hex(FILE *stream, const char *name, uint64_t value);

#endif
