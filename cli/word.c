/* SPDX-License-Identifier: MIT */
/* Words in arguments: labels, names of spaces, the nearest word to a wrong one. */
#include "word.h"

#include <ctype.h>
#include <string.h>

#include "base/number.h"
#include "number.h"

const char *word_check_label(const char *text, size_t length)
{
	if (length > WORD_LABEL_LENGTH)
		return "is too long; use up to 39 characters";
	for (size_t i = 0; i < length; i++)
		if (text[i] < ' ' || text[i] > '~')
			return "has characters that are not printable ASCII; leave them out";
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
	wrong = pw_number_parse(text, comma, &space.root[0]);
	if (wrong)
		return wrong;
	if (comma < end) {
		space.roots = 2;
		wrong = pw_number_parse(comma + 1, end, &space.root[1]);
		if (wrong)
			return wrong;
	}
	*space_ret = space;
	return NULL;
}

/* Reads up to three digits at *text and moves it behind them; -1 if there are none, or more. */
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

static unsigned config_named(const char *word, size_t length)
{
	static const struct {
		const char *name;
		unsigned bit;
	} names[] = {
		{ "migration", PW_CONFIG_MIGRATION },
		{ "memory-failure", PW_CONFIG_MEMORY_FAILURE },
		{ "device-private", PW_CONFIG_DEVICE_PRIVATE },
		{ "pte-marker", PW_CONFIG_PTE_MARKER },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strlen(names[i].name) == length && memcmp(names[i].name, word, length) == 0)
			return names[i].bit;
	return 0;
}

const char *word_parse_kernel_options(const char *text, struct pw_regime_options *options)
{
	const char *at = strchrnul(text, ','), *wrong;
	char version[16] = "";
	unsigned config = 0, told = 0;
	uint16_t kernel;

	if ((size_t)(at - text) < sizeof(version))
		memcpy(version, text, (size_t)(at - text));
	wrong = word_parse_kernel(version, &kernel);
	while (!wrong && *at == ',') {
		const char *word = at + 1, *end = strchrnul(word, ',');
		bool no = strncmp(word, "no-", 3) == 0;
		unsigned bit = config_named(no ? word + 3 : word,
					    (size_t)(end - word) - (no ? 3 : 0));

		if (!bit || (told & bit))
			return "is not a version of Linux with words after it, each once: "
			       "device-private, memory-failure, migration or pte-marker, or no- "
			       "before one of these";
		told |= bit;
		config |= no ? 0 : bit;
		at = end;
	}
	if (wrong)
		return wrong;
	options->kernel = kernel;
	options->config = (uint8_t)config;
	options->config_told = (uint8_t)told;
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
	return end > text ? pw_number_parse(text, end, number_ret) : NULL;
}
