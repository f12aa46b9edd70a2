/* SPDX-License-Identifier: MIT */
/* Pieces of SVG and HTML, and lines of text. */
#include <stdarg.h>
#include <string.h>

#include "lab/race/markup.h"

void race_escape(FILE *file, const char *text)
{
	for (; *text; text++) {
		const unsigned char c = (unsigned char)*text;

		if (c == '&')
			fputs("&amp;", file);
		else if (c == '<')
			fputs("&lt;", file);
		else if (c == '>')
			fputs("&gt;", file);
		else if (c == '"')
			fputs("&quot;", file);
		else if (c < 0x20 || c == 0x7f)
			fputc(' ', file);
		else
			fputc(c, file);
	}
}

size_t race_line_break(const char *text, unsigned width, size_t *skip_ret)
{
	size_t length = strlen(text);

	*skip_ret = 0;
	if (length <= width)
		return length;
	length = width ? width : 1;
	while (length > 0 && text[length] != ' ')
		length--;
	if (length == 0)
		return width ? width : 1;
	*skip_ret = strspn(text + length, " ");
	return length;
}

unsigned race_lines(const char *text, unsigned width)
{
	unsigned lines = 0;

	while (*text) {
		size_t skip, length = race_line_break(text, width, &skip);

		text += length + skip;
		lines++;
	}
	return lines;
}

void race_svg_rect(FILE *file, const char *class, double x, double y, double width, double height)
{
	fprintf(file,
		"<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"3\"/>\n",
		class, x, y, width, height);
}

void race_svg_line(FILE *file, const char *class, double x1, double y1, double x2, double y2)
{
	fprintf(file, "<line class=\"%s\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>\n",
		class, x1, y1, x2, y2);
}

void race_svg_text(FILE *file, const char *class, double x, double y, const char *format, ...)
{
	char text[1024];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	fprintf(file, "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\">", class, x, y);
	race_escape(file, text);
	fputs("</text>\n", file);
}

double race_svg_paragraph(FILE *file, const char *class, double x, double y, double leading,
			  unsigned columns, const char *text)
{
	while (*text) {
		size_t skip, length = race_line_break(text, columns, &skip);

		race_svg_text(file, class, x, y, "%.*s", (int)length, text);
		text += length + skip;
		y += leading;
	}
	return y;
}
