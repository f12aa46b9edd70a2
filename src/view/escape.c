/* SPDX-License-Identifier: MIT */
/* Text into markup and JSON. */
#include "view/escape.h"

#include <stdarg.h>
#include <stdint.h>

size_t escape_character(const char *text)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned char c = (unsigned char)text[0];
	size_t bytes = c < 0x80    ? 1
		       : c >= 0xf8 ? 0
		       : c >= 0xf0 ? 4
		       : c >= 0xe0 ? 3
		       : c >= 0xc0 ? 2
				   : 0;
	uint32_t code;

	if (bytes == 0)
		return 0;
	if (bytes == 1)
		return c >= 0x20 && c != 0x7f ? 1 : 0;
	code = c & (0x7fu >> bytes);
	for (size_t i = 1; i < bytes; i++) {
		if (((unsigned char)text[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | ((unsigned char)text[i] & 0x3f);
	}
	/* Overlong; C1 controls; surrogates; noncharacters that XML forbids. */
	if (code < least[bytes] || code < 0xa0 || (code >= 0xd800 && code < 0xe000) ||
	    (code & 0xfffe) == 0xfffe || code > 0x10ffff)
		return 0;
	return bytes;
}

void escape_xml(FILE *stream, const char *text)
{
	while (*text) {
		size_t bytes = escape_character(text);

		if (bytes == 0)
			fputs("\xef\xbf\xbd", stream);
		else if (*text == '&')
			fputs("&amp;", stream);
		else if (*text == '<')
			fputs("&lt;", stream);
		else if (*text == '>')
			fputs("&gt;", stream);
		else if (*text == '"')
			fputs("&quot;", stream);
		else if (*text == '\'')
			fputs("&#39;", stream);
		else
			fwrite(text, 1, bytes, stream);
		text += bytes ? bytes : 1;
	}
}

void escape_xml_printf(FILE *stream, const char *format, ...)
{
	char text[1024];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	escape_xml(stream, text);
}

void escape_json(FILE *stream, const char *text)
{
	fputc('"', stream);
	while (*text) {
		size_t bytes = escape_character(text);
		unsigned char c = (unsigned char)*text;

		if (*text == '"' || *text == '\\')
			fprintf(stream, "\\%c", *text);
		else if (bytes)
			fwrite(text, 1, bytes, stream);
		else if (c < 0x20 || c == 0x7f)
			fprintf(stream, "\\u%04x", c);
		else
			fputs("\xef\xbf\xbd", stream);
		text += bytes ? bytes : 1;
	}
	fputc('"', stream);
}
