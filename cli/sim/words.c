/* SPDX-License-Identifier: MIT */
/* The words of a script, with line and column; numbers and sizes. */
#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli/number.h"
#include "cli/sim/sim.h"
#include "cli/tool.h"

uint64_t sim_page_bytes(const struct pw_format *format)
{
	struct pw_geometry geometry;

	pw_format_geometry(format, &geometry);
	return UINT64_C(1) << geometry.shift[0];
}

bool sim_at_end(struct sim_line *line)
{
	while (isspace((unsigned char)*line->at))
		line->at++;
	return *line->at == '\0';
}

bool sim_wrong(struct sim_line *line, const char *format, ...)
{
	char text[SIM_TEXT];
	va_list list;

	if (line->reported)
		return false;
	line->reported = true;
	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	tool_message("%s: line %u, column %u: %s", line->path, line->number,
		     (unsigned)(line->word - line->text) + 1, text);
	return false;
}

/* A text in quotes; the quotes stay, so that it is not taken for a word. */
static bool quoted(struct sim_line *line, char *word, size_t size)
{
	const char *end = strchr(line->at + 1, '"');
	size_t length;

	if (!end)
		return sim_wrong(line, "a text begins here, and its second \" is missing");
	length = (size_t)(end + 1 - line->at);
	if (length >= size)
		return sim_wrong(line, "a text of more than %zu characters", size - 3);
	memcpy(word, line->at, length);
	word[length] = '\0';
	line->at = end + 1;
	return true;
}

bool sim_word(struct sim_line *line, char *word, size_t size)
{
	size_t length;

	word[0] = '\0';
	if (sim_at_end(line)) {
		line->word = line->at;
		return false;
	}
	line->word = line->at;
	if (*line->at == '"')
		return quoted(line, word, size);
	length = strcspn(line->at, " \t\"");
	if (length >= size)
		return sim_wrong(line, "a word of more than %zu characters", size - 1);
	memcpy(word, line->at, length);
	word[length] = '\0';
	line->at += length;
	return true;
}

bool sim_number(const struct sim_line *line, const char *word, uint64_t *number_ret)
{
	size_t length = strlen(word);
	char digits[SIM_NAME];
	uint64_t unit = 1;

	if (length == 0 || length >= sizeof(digits) || !isdigit((unsigned char)word[0]))
		return false;
	memcpy(digits, word, length + 1);
	if (word[length - 1] == 'p' && length > 1) {
		unit = line->page;
		digits[length - 1] = '\0';
	}
	if (number_parse(digits, number_ret))
		return false;
	if (unit > 1 && *number_ret > UINT64_MAX / unit)
		return false;
	*number_ret *= unit;
	return true;
}

bool sim_bytes(struct sim_line *line, const char *what, uint64_t *bytes_ret)
{
	char word[SIM_NAME];

	if (!sim_word(line, word, sizeof(word)))
		return sim_wrong(
			line, "%s is missing here: for example 0x10000, 64K, or 3p for three pages",
			what);
	if (!sim_number(line, word, bytes_ret))
		return sim_wrong(
			line,
			"'%s' is not %s: write for example 0x10000, 64K, or 3p for three pages",
			word, what);
	return true;
}

bool sim_name(struct sim_line *line, const char *what, char name[SIM_NAME])
{
	if (!sim_word(line, name, SIM_NAME))
		return sim_wrong(line, "the name of %s is missing here", what);
	if (!isalpha((unsigned char)name[0]))
		return sim_wrong(line, "'%s' is not a name: names begin with a letter", name);
	for (const char *c = name; *c; c++)
		if (!isalnum((unsigned char)*c) && *c != '_' && *c != '-')
			return sim_wrong(line, "'%s' is not a name: only letters, digits, - and _",
					 name);
	return true;
}
