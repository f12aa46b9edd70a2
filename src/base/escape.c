/* SPDX-License-Identifier: MIT */
/* Makes text of any origin safe for a terminal, JSON and XML. */
#include "base/escape.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include "base/mutant.h"

/* Length of the well-formed UTF-8 sequence at @text, 0 if there is none. Unicode 15, table 3-7. */
static size_t decode(const char *text, uint32_t *code_ret)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned char c = (unsigned char)text[0];
	size_t bytes = c < 0x80    ? 1
		       : c >= 0xf8 ? 0
		       : c >= 0xf0 ? 4
		       : c >= 0xe0 ? 3
		       : c >= 0xc0 ? 2
				   : 0;

	*code_ret = bytes > 1 ? c & (0x7fu >> bytes) : c;
	for (size_t i = 1; i < bytes; i++) {
		if (((unsigned char)text[i] & 0xc0) != 0x80)
			return 0;
		*code_ret = *code_ret << 6 | ((unsigned char)text[i] & 0x3f);
	}
	/* Refuses overlong forms, surrogates, and numbers beyond Unicode. */
	if (*code_ret < least[bytes] || (*code_ret >= 0xd800 && *code_ret < 0xe000) ||
	    *code_ret > 0x10ffff)
		return 0;
	return bytes;
}

/* Is the character visible, and without effect on the text around it? */
static bool is_shown(uint32_t code)
{
	static const struct {
		uint32_t first, last;
	} hidden[] = {
		{ 0x00, 0x1f },     { 0x7f, 0x9f }, /* controls */
		{ 0xad, 0xad }, /* a hyphen that may be invisible */
		{ 0x61c, 0x61c }, /* Arabic letter mark */
		{ 0x200b, 0x200f }, /* zero-width characters; direction marks */
		{ 0x2028, 0x202e }, /* line separators; direction embeddings and overrides */
		{ 0x2060, 0x206f }, /* invisible operators; direction isolates */
		{ 0xfeff, 0xfeff }, { 0xfff9, 0xfffb }, { 0xe0000, 0xe0fff }, /* tags */
	};

	if (pw_mutant(PW_MUTANT_TEXT_RAW))
		return true;
	/* Noncharacters, which XML forbids. */
	if ((code & 0xfffe) == 0xfffe)
		return false;
	for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++)
		if (code >= hidden[i].first && code <= hidden[i].last)
			return false;
	return true;
}

size_t pw_escape_character(const char *text, bool *shown_ret)
{
	uint32_t code;
	size_t bytes = decode(text, &code);

	*shown_ret = bytes && is_shown(code);
	return bytes ? bytes : 1;
}

enum { PIECE = 16 }; /* room for an escaped character */

/* Writes the character at @text to @piece, escaped if needed. Returns how many bytes of @text it takes. */
static size_t escape_one(const char *text, char piece[PIECE])
{
	uint32_t code;
	size_t bytes = decode(text, &code);

	if (bytes && is_shown(code))
		snprintf(piece, PIECE, "%.*s", (int)bytes, text);
	else if (bytes <= 1)
		snprintf(piece, PIECE, "\\x%02x", (unsigned char)*text);
	else
		snprintf(piece, PIECE, code > 0xffff ? "\\U%08x" : "\\u%04x", code);
	return bytes ? bytes : 1;
}

char *pw_escape_text(const char *text, char *to, size_t room)
{
	size_t used = 0;

	while (*text) {
		char piece[PIECE];
		size_t bytes = escape_one(text, piece), length = strlen(piece);

		if (used + length >= room)
			break;
		memcpy(to + used, piece, length);
		used += length;
		text += bytes;
	}
	to[used] = '\0';
	return to;
}

void pw_escape_print(FILE *stream, const char *text)
{
	while (*text) {
		char piece[PIECE];

		text += escape_one(text, piece);
		fputs(piece, stream);
	}
}

void pw_escape_xml(FILE *stream, const char *text)
{
	while (*text) {
		bool shown;
		size_t bytes = pw_escape_character(text, &shown);

		if (!shown)
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
		text += bytes;
	}
}

void pw_escape_xml_printf(FILE *stream, const char *format, ...)
{
	char text[1024];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	pw_escape_xml(stream, text);
}

void pw_escape_json(FILE *stream, const char *text)
{
	fputc('"', stream);
	while (*text) {
		uint32_t code;
		size_t bytes = decode(text, &code);

		if (bytes == 0)
			fputs("\xef\xbf\xbd", stream);
		else if (*text == '"' || *text == '\\')
			fprintf(stream, "\\%c", *text);
		else if (is_shown(code))
			fwrite(text, 1, bytes, stream);
		else if (code > 0xffff)
			fprintf(stream, "\\u%04x\\u%04x", 0xd7c0 + (code >> 10),
				0xdc00 + (code & 0x3ff));
		else
			fprintf(stream, "\\u%04x", code);
		text += bytes ? bytes : 1;
	}
	fputc('"', stream);
}

void pw_escape_json_number(FILE *stream, uint64_t number)
{
	fprintf(stream, number > UINT64_C(1) << 53 ? "\"%" PRIu64 "\"" : "%" PRIu64, number);
}

void pw_escape_json_count(FILE *stream, uint64_t last_index)
{
	if (last_index == UINT64_MAX)
		fputs("\"18446744073709551616\"", stream);
	else
		pw_escape_json_number(stream, last_index + 1);
}

/* ---- members of an object ---- */

static void name_member(FILE *stream, const char *name)
{
	fprintf(stream, ",\"%s\":", name);
}

void pw_json_text(FILE *stream, const char *name, const char *text)
{
	name_member(stream, name);
	pw_escape_json(stream, text);
}

void pw_json_number(FILE *stream, const char *name, uint64_t number)
{
	name_member(stream, name);
	pw_escape_json_number(stream, number);
}

void pw_json_count(FILE *stream, const char *name, uint64_t last_index)
{
	name_member(stream, name);
	pw_escape_json_count(stream, last_index);
}

void pw_json_hex(FILE *stream, const char *name, uint64_t number)
{
	name_member(stream, name);
	fprintf(stream, "\"0x%llx\"", (unsigned long long)number);
}

void pw_json_bool(FILE *stream, const char *name, bool value)
{
	name_member(stream, name);
	fputs(value ? "true" : "false", stream);
}
