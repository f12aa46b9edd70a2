/* SPDX-License-Identifier: MIT */
/* Lines of text with a known width. */
#include "view/line.h"

#include <stdarg.h>
#include <string.h>

#include "base/escape.h"

void pw_line_init(struct line *line, FILE *stream, const struct pw_text_style *style)
{
	*line = (struct line){ .stream = stream, .style = *style };
	if (line->style.width == 0)
		line->style.width = 100;
	if (line->style.width < 30)
		line->style.width = 30;
	if (line->style.width > 400)
		line->style.width = 400;
}

static void flush_blanks(struct line *line)
{
	for (; line->blanks > 0; line->blanks--)
		fputc(' ', line->stream);
}

void pw_line_glyph(struct line *line, enum line_glyph glyph)
{
	static const char *const utf8[] = {
		[LINE_H] = "─",          [LINE_V] = "│",         [LINE_DOTS] = "┊",
		[LINE_DOWN_RIGHT] = "┌", [LINE_DOWN_LEFT] = "┐", [LINE_UP_RIGHT] = "└",
		[LINE_UP_LEFT] = "┘",    [LINE_V_RIGHT] = "├",   [LINE_V_LEFT] = "┤",
		[LINE_H_DOWN] = "┬",     [LINE_H_UP] = "┴",      [LINE_CROSS] = "┼",
		[LINE_ARROW] = "▶",      [LINE_ELLIPSIS] = "…",
	};
	static const char ascii[] = {
		[LINE_H] = '-',          [LINE_V] = '|',         [LINE_DOTS] = ':',
		[LINE_DOWN_RIGHT] = '+', [LINE_DOWN_LEFT] = '+', [LINE_UP_RIGHT] = '+',
		[LINE_UP_LEFT] = '+',    [LINE_V_RIGHT] = '+',   [LINE_V_LEFT] = '+',
		[LINE_H_DOWN] = '+',     [LINE_H_UP] = '+',      [LINE_CROSS] = '+',
		[LINE_ARROW] = '>',      [LINE_ELLIPSIS] = '~',
	};

	flush_blanks(line);
	if (line->style.utf8)
		fputs(utf8[glyph], line->stream);
	else
		fputc(ascii[glyph], line->stream);
	line->columns++;
}

void pw_line_repeat(struct line *line, enum line_glyph glyph, unsigned count)
{
	while (count-- > 0)
		pw_line_glyph(line, glyph);
}

void pw_line_blanks(struct line *line, unsigned count)
{
	line->blanks += count;
	line->columns += count;
}

void pw_line_to(struct line *line, unsigned column)
{
	if (line->columns < column)
		pw_line_blanks(line, column - line->columns);
}

void pw_line_colour(struct line *line, enum line_colour colour)
{
	static const char *const sequence[] = {
		[LINE_PLAIN] = "\033[0m",  [LINE_BOLD] = "\033[1m",    [LINE_DIM] = "\033[2m",
		[LINE_VALUE] = "\033[36m", [LINE_GOOD] = "\033[1;32m", [LINE_BAD] = "\033[1;31m",
		[LINE_HIT] = "\033[1;33m",
	};

	if (!line->style.colour)
		return;
	flush_blanks(line);
	fputs(sequence[colour], line->stream);
}

static void put_bytes(struct line *line, const char *text, size_t bytes)
{
	for (size_t i = 0; i < bytes;) {
		bool plain;
		size_t step = pw_escape_character(text + i, &plain);

		if (text[i] == ' ') {
			pw_line_blanks(line, 1);
		} else {
			flush_blanks(line);
			if (plain)
				fwrite(text + i, 1, step, line->stream);
			else
				fputc('?', line->stream);
			line->columns++;
		}
		i += step;
	}
}

void pw_line_put(struct line *line, const char *text)
{
	put_bytes(line, text, strlen(text));
}

void pw_line_printf(struct line *line, const char *format, ...)
{
	char text[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	pw_line_put(line, text);
}

void pw_line_end(struct line *line)
{
	fputc('\n', line->stream);
	line->columns = 0;
	line->blanks = 0;
}

unsigned pw_line_width(const char *text)
{
	unsigned width = 0;
	bool plain;

	for (; *text; text += pw_escape_character(text, &plain))
		width++;
	return width;
}

void pw_line_centre(struct line *line, const char *text, unsigned width)
{
	unsigned used = pw_line_width(text);
	unsigned before = used < width ? (width - used) / 2 : 0;

	pw_line_blanks(line, before);
	if (used > width) {
		size_t skip, bytes = pw_line_break(text, width, &skip);

		put_bytes(line, text, bytes);
		return;
	}
	pw_line_put(line, text);
	pw_line_blanks(line, width - used - before);
}

size_t pw_line_break(const char *text, unsigned width, size_t *skip_ret)
{
	size_t at = 0, blank = 0;
	unsigned columns = 0;
	bool plain;

	*skip_ret = 0;
	while (text[at] && columns < width) {
		if (text[at] == ' ')
			blank = at;
		at += pw_escape_character(text + at, &plain);
		columns++;
	}
	if (!text[at])
		return at;
	if (text[at] == ' ')
		blank = at;
	if (blank == 0)
		return at;
	*skip_ret = 1;
	return blank;
}

void pw_line_paragraph(struct line *line, unsigned indent, const char *text)
{
	while (*text) {
		unsigned room = line->style.width > line->columns
					? line->style.width - line->columns
					: 1;
		size_t skip, bytes = pw_line_break(text, room, &skip);

		put_bytes(line, text, bytes);
		pw_line_end(line);
		text += bytes + skip;
		if (*text)
			pw_line_to(line, indent);
	}
}
