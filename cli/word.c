/* SPDX-License-Identifier: MIT */
#include "word.h"

#include <ctype.h>
#include <string.h>

#include "number.h"

const char *word_check_label(const char *text, size_t length)
{
	if (length > WORD_LABEL_LENGTH)
		return "is too long; there is room for 39 characters";
	for (size_t i = 0; i < length; i++)
		if (text[i] < ' ' || text[i] > '~')
			return "has other characters than printable ASCII";
	return NULL;
}

const char *word_parse_space(const char *text, struct word_space *space_ret)
{
	const char *equals = strchr(text, '='), *end = text + strlen(text), *comma, *wrong;
	struct word_space space = { .roots = 1 };

	if (equals) {
		space.label = text;
		space.label_length = (size_t)(equals - text);
		wrong = word_check_label(text, space.label_length);
		if (wrong)
			return wrong;
		text = equals + 1;
	}
	comma = strchrnul(text, ',');
	wrong = number_parse_part(text, comma, &space.root[0]);
	if (wrong)
		return wrong;
	if (comma < end) {
		space.roots = 2;
		wrong = number_parse_part(comma + 1, end, &space.root[1]);
		if (wrong)
			return wrong;
	}
	*space_ret = space;
	return NULL;
}

/* Up to three digits at *text, which moves behind them; -1 if there are none, or more. */
static int small_number(const char **text)
{
	int number = 0;
	size_t digits = strspn(*text, "0123456789");

	if (digits == 0 || digits > 3)
		return -1;
	for (size_t i = 0; i < digits; i++)
		number = 10 * number + ((*text)[i] - '0');
	*text += digits;
	return number;
}

const char *word_parse_kernel(const char *text, uint16_t *kernel_ret)
{
	static const char wrong[] = "is not a version of Linux; write it like 6.1";
	int major = small_number(&text), minor;

	if (major < 0 || major > UINT8_MAX || *text != '.')
		return wrong;
	text++;
	minor = small_number(&text);
	if (minor < 0 || minor > UINT8_MAX || *text)
		return wrong;
	*kernel_ret = (uint16_t)(major << 8 | minor);
	return NULL;
}

const char *word_parse_line(const char *text, bool *any_ret, uint64_t *number_ret)
{
	static const char blanks[] = " \t\r";
	const char *end, *rest;

	text += strspn(text, blanks);
	end = text + strcspn(text, " \t\r#");
	rest = end + strspn(end, blanks);
	*any_ret = end > text;
	if (*rest != '\0' && *rest != '#')
		return "has more than one address; write each on a line of its own";
	return end > text ? number_parse_part(text, end, number_ret) : NULL;
}
