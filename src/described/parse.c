/* SPDX-License-Identifier: MIT */
/* Reads the words of a format's description: numbers, bits, addresses, conditions; see describe.c. */
#include "described/parse.h"

#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mutant.h"

/* ---- the file ---- */

/* Reads more of a file, and waits for it if it is a pipe. Returns 0 at the end, -1 and errno on an error. */
static ssize_t read_some(int file, char *text, size_t room)
{
	struct pollfd more = { .fd = file, .events = POLLIN };
	ssize_t bytes;

	for (;;) {
		bytes = read(file, text, room);
		if (bytes >= 0 || (errno != EAGAIN && errno != EINTR))
			return bytes;
		if (errno == EAGAIN)
			poll(&more, 1, -1);
	}
}

static int read_all(int file, const char *path, char **text, size_t *bytes, struct pw_error *error)
{
	size_t room = 0;

	for (;;) {
		ssize_t more;

		if (*bytes + 1 >= room) {
			char *grown = realloc(*text, room ? 2 * room : 16 << 10);

			if (!grown)
				return pw_fail(error, ENOMEM, "out of memory");
			*text = grown;
			room = room ? 2 * room : 16 << 10;
		}
		more = read_some(file, *text + *bytes, room - 1 - *bytes);
		if (more < 0)
			return pw_fail(error, errno, "%.200s cannot be read: %s", path,
				       strerror(errno));
		if (more == 0)
			break;
		*bytes += (size_t)more;
		if (*bytes > PW_DESCRIPTION_MAX && !pw_mutant(PW_MUTANT_FORMAT_ENDLESS))
			return pw_fail(error, EFBIG,
				       "%.200s is not a description of a format: it does not end "
				       "within 1 MiB",
				       path);
	}
	(*text)[*bytes] = '\0';
	return 0;
}

int pw_parse_read(const char *path, char **text_ret, size_t *bytes_ret, struct pw_error *error)
{
	/* O_NONBLOCK: a pipe that nobody writes to is empty, and must not block this call. */
	int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	char *text = NULL;
	size_t bytes = 0;
	int status;

	if (file < 0)
		return pw_fail(error, errno, "%.200s cannot be opened: %s", path, strerror(errno));
	status = read_all(file, path, &text, &bytes, error);
	close(file);
	if (status) {
		free(text);
		return status;
	}
	*text_ret = text;
	*bytes_ret = bytes;
	return 0;
}

/* ---- mistakes ---- */

int pw_parse_fail(struct pw_parser *p, const char *text, ...)
{
	va_list arguments;
	char sentence[300];

	va_start(arguments, text);
	vsnprintf(sentence, sizeof(sentence), text, arguments);
	va_end(arguments);
	return pw_fail(p->error, EINVAL, "%.80s:%u: %s", p->path, p->line, sentence);
}

/* ---- words, numbers, fields ---- */

const char *pw_parse_word(struct pw_parser *p)
{
	char *word = p->rest + strspn(p->rest, " \t\r\n");

	if (*word == '\0')
		return NULL;
	p->rest = word + strcspn(word, " \t\r\n");
	if (*p->rest)
		*p->rest++ = '\0';
	return word;
}

bool pw_parse_take(struct pw_parser *p, const char *wanted)
{
	const char *word = p->rest + strspn(p->rest, " \t\r\n");
	size_t length = strcspn(word, " \t\r\n");

	if (strlen(wanted) != length || memcmp(word, wanted, length) != 0)
		return false;
	pw_parse_word(p);
	return true;
}

const char *pw_parse_text(struct pw_parser *p)
{
	char *text = p->rest + strspn(p->rest, " \t\r\n");
	size_t length = strlen(text);

	while (length > 0 && strchr(" \t\r\n", text[length - 1]))
		text[--length] = '\0';
	p->rest = text + length;
	return text;
}

/* Reads a number at *text, and moves *text to its end. A leading 0 does not make it octal. */
static bool read_number(const char **text, uint64_t *number)
{
	bool hexadecimal = strncmp(*text, "0x", 2) == 0 || strncmp(*text, "0X", 2) == 0;
	char *end;

	if (**text < '0' || **text > '9')
		return false;
	errno = 0;
	*number = strtoull(*text, &end, hexadecimal ? 16 : 10);
	*text = end;
	return errno == 0;
}

int pw_parse_number(struct pw_parser *p, const char *what, uint64_t last, uint64_t *number)
{
	const char *word = pw_parse_word(p), *text = word;

	if (!word || !read_number(&text, number) || *text)
		return pw_parse_fail(
			p, "%s is missing: a decimal number, or a hexadecimal one with 0x", what);
	if (*number > last)
		return pw_parse_fail(p, "%s 0x%llx is too large; it can be at most 0x%llx", what,
				     (unsigned long long)*number, (unsigned long long)last);
	return 0;
}

/* Reads "HIGH:LOW" or "BIT" at *text. */
static bool read_bits(const char **text, uint8_t *high, uint8_t *low)
{
	uint64_t first, second;

	if (!read_number(text, &first))
		return false;
	second = first;
	if (**text == ':') {
		(*text)++;
		if (!read_number(text, &second))
			return false;
	}
	*high = (uint8_t)first;
	*low = (uint8_t)second;
	return first < 64 && second <= first;
}

/* Reads "[~]HIGH:LOW[@AT]". */
static bool read_field(const char *word, struct pw_field *field)
{
	uint64_t at;

	*field = (struct pw_field){ .inverted = *word == '~' };
	if (field->inverted)
		word++;
	if (!read_bits(&word, &field->high, &field->low))
		return false;
	field->at = field->low;
	if (*word == '@') {
		word++;
		if (!read_number(&word, &at) || at > 63u - (field->high - field->low))
			return false;
		field->at = (uint8_t)at;
	}
	return *word == '\0';
}

int pw_parse_field(struct pw_parser *p, const char *what, struct pw_field *field)
{
	const char *word = pw_parse_word(p);

	if (!word || !read_field(word, field))
		return pw_parse_fail(
			p,
			"%s needs bits like 11:8, the higher number first and below 64, "
			"not '%s'",
			what, word ? word : "");
	return 0;
}

int pw_parse_address(struct pw_parser *p, struct pw_address *address)
{
	const char *word;

	for (;;) {
		char *before = p->rest + strspn(p->rest, " \t\r\n");

		if (!strchr("~0123456789", *before) || *before == '\0')
			break;
		word = pw_parse_word(p);
		if (address->count == PW_DESCRIBED_FIELDS)
			return pw_parse_fail(p, "the address has more than %u fields",
					     PW_DESCRIBED_FIELDS);
		if (!read_field(word, &address->field[address->count++]))
			return pw_parse_fail(
				p,
				"'%s' is not a field of an address; write bits like 51:12, or "
				"53:10@12 for bits 53:10 that go to bit 12 of the address",
				word);
	}
	if (address->count == 0)
		return pw_parse_fail(p, "'at' needs the bits that hold the address, like 51:12");
	if (pw_parse_take(p, "minus"))
		return pw_parse_number(p, "the number after 'minus'", UINT64_MAX, &address->minus);
	return 0;
}

/* ---- conditions ---- */

static const char *after(const char *text, const char *prefix)
{
	size_t length = strlen(prefix);

	return strncmp(text, prefix, length) == 0 ? text + length : NULL;
}

/* Reads "6.13" as 0x060d. */
static bool read_kernel(const char *text, uint64_t *kernel)
{
	uint64_t major, minor;

	if (!read_number(&text, &major) || *text++ != '.' || !read_number(&text, &minor) || *text)
		return false;
	*kernel = major << 8 | minor;
	return major < 256 && minor < 256;
}

unsigned pw_parse_config(const char *word)
{
	static const struct {
		const char *name;
		unsigned bit;
	} names[] = {
		{ "memory-failure", PW_CONFIG_MEMORY_FAILURE },
		{ "device-private", PW_CONFIG_DEVICE_PRIVATE },
		{ "pte-marker", PW_CONFIG_PTE_MARKER },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(word, names[i].name) == 0)
			return names[i].bit;
	return 0;
}

/* The number of the bit of TCR in enum pw_register. */
enum { PW_REGISTER_TCR_BIT = 4 };
_Static_assert(PW_REGISTER_TCR == 1 << PW_REGISTER_TCR_BIT, "as the enum has it");

/* Reads a condition that is a word. False if it is not one of those; *ret says whether it is well-formed. */
static bool read_named(const char *text, struct pw_condition *condition, bool *ret)
{
	const char *version;

	const unsigned config = pw_parse_config(*text == '!' ? text + 1 : text);

	*condition = (struct pw_condition){ .high = 63 };
	*ret = true;
	if (config) {
		condition->subject = PW_SUBJECT_CONFIG;
		condition->high = condition->low = (uint8_t)__builtin_ctz(config);
		condition->first = condition->last = *text != '!';
		return true;
	}
	if (strcmp(text, "linux") == 0 || strcmp(text, "hardware") == 0) {
		condition->subject = PW_SUBJECT_VIEW;
		condition->first = *text == 'l' ? PW_VIEW_LINUX : PW_VIEW_HARDWARE;
		condition->last = condition->first;
		return true;
	}
	if ((version = after(text, "kernel>=")) || (version = after(text, "kernel<"))) {
		condition->subject = PW_SUBJECT_KERNEL;
		condition->negated = version[-1] == '<';
		condition->last = UINT64_MAX;
		*ret = read_kernel(version, &condition->first);
		return true;
	}
	if (strcmp(text, "tcr") == 0 || strcmp(text, "!tcr") == 0) {
		condition->subject = PW_SUBJECT_KNOWN;
		condition->high = condition->low = PW_REGISTER_TCR_BIT;
		condition->first = condition->last = *text == 't';
		return true;
	}
	if ((version = after(text, "roots="))) {
		condition->subject = PW_SUBJECT_ROOTS;
		*ret = read_number(&version, &condition->first) && *version == '\0';
		condition->last = condition->first;
		return true;
	}
	return false;
}

/*
 * Reads a condition: a word of read_named, or "[!]BIT", "BITS=V", "BITS!=V", "BITS=V..W", each with or
 * without "root.", "root1.", "cr4." or "tcr.". False if it is malformed.
 */
static bool read_condition(const char *text, struct pw_condition *condition)
{
	const char *bits;
	bool right, clear;

	if (read_named(text, condition, &right))
		return right;
	*condition = (struct pw_condition){ .subject = PW_SUBJECT_ENTRY };
	clear = *text == '!';
	if (clear)
		text++;
	if ((bits = after(text, "root."))) {
		condition->subject = PW_SUBJECT_ROOT0;
		text = bits;
	} else if ((bits = after(text, "root1."))) {
		condition->subject = PW_SUBJECT_ROOT1;
		text = bits;
	} else if ((bits = after(text, "cr4."))) {
		condition->subject = PW_SUBJECT_CR4;
		text = bits;
	} else if ((bits = after(text, "tcr."))) {
		condition->subject = PW_SUBJECT_TCR;
		text = bits;
	}
	if (!read_bits(&text, &condition->high, &condition->low))
		return false;
	if (*text == '\0') {
		condition->first = condition->last = !clear;
		return condition->high == condition->low;
	}
	condition->negated = *text == '!';
	if (condition->negated)
		text++;
	if (clear || *text++ != '=' || !read_number(&text, &condition->first))
		return false;
	condition->last = condition->first;
	if (text[0] == '.' && text[1] == '.') {
		text += 2;
		if (!read_number(&text, &condition->last) || condition->last < condition->first)
			return false;
	}
	/* A condition that no value can meet is a mistake. */
	return *text == '\0' && (condition->high - condition->low == 63 ||
				 condition->last >> (condition->high - condition->low + 1) == 0);
}

int pw_parse_when(struct pw_parser *p, struct pw_conditions *when)
{
	const char *word;

	if (pw_parse_take(p, "if")) {
		while (!pw_parse_take(p, "because") && (word = pw_parse_word(p))) {
			if (when->count == PW_DESCRIBED_CONDITIONS)
				return pw_parse_fail(
					p, "the line has more than %u conditions; split it in two",
					PW_DESCRIBED_CONDITIONS);
			if (!read_condition(word, &when->condition[when->count++]))
				return pw_parse_fail(
					p,
					"'%s' is not a condition; write 7, !7, 11:9=3, 11:9!=0, "
					"63:59=24..26, root.8, cr4.4, tcr, tcr.59, linux, "
					"hardware, kernel>=6.13, kernel<6.13 or roots=1",
					word);
		}
		if (when->count == 0)
			return pw_parse_fail(p,
					     "'if' has no condition; write one, like 7 or 11:9=3");
		return 0;
	}
	word = pw_parse_word(p);
	if (word)
		return pw_parse_fail(
			p, "'%s' is not expected here; conditions follow the word 'if'", word);
	return 0;
}

/* ---- memory types ---- */

int pw_parse_memory(struct pw_parser *p, struct pw_trait *trait)
{
	static const struct {
		const char *name;
		uint8_t use, type;
	} words[] = {
		{ "normal", PW_TRAIT_MEMORY, PW_MEM_NORMAL },
		{ "write-through", PW_TRAIT_MEMORY, PW_MEM_WRITE_THROUGH },
		{ "write-combining", PW_TRAIT_MEMORY, PW_MEM_WRITE_COMBINING },
		{ "uncached", PW_TRAIT_MEMORY, PW_MEM_UNCACHED },
		{ "device", PW_TRAIT_MEMORY, PW_MEM_DEVICE },
		{ "indexed", PW_TRAIT_MEMORY, PW_MEM_INDEXED },
		{ "mair", PW_TRAIT_MAIR, 0 },
		{ "pat", PW_TRAIT_PAT, 0 },
		{ "index", PW_TRAIT_INDEX, 0 },
	};
	const char *name = pw_parse_word(p);

	for (size_t i = 0; name && i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(name, words[i].name) != 0)
			continue;
		trait->use = words[i].use;
		trait->value = words[i].type;
		if (trait->use == PW_TRAIT_MEMORY)
			return 0;
		if (pw_parse_take(p, "at"))
			return pw_parse_address(p, &trait->index);
	}
	return pw_parse_fail(p, "'memory' needs normal, write-through, write-combining, uncached, "
				"device or indexed; or mair, pat or index, then 'at' and the bits "
				"of the index");
}
