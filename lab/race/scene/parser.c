/* SPDX-License-Identifier: MIT */
/* Words, numbers and names of a scenario, and what is wrong with them. */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "lab/race/scene/parser.h"

void parse_fail(struct parser *p, const char *format, ...)
{
	va_list arguments;
	char text[160];

	if (p->failed)
		return;
	p->failed = true;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	pw_fail(p->error, EINVAL, "%s:%u:%u: %s", p->name, p->number,
		(unsigned)(p->word_at - p->line) + 1, text);
}

/* ---- words ---- */

bool parse_ends(char c)
{
	return c == '\0' || c == '\n' || c == '#' || c == ';';
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

void parse_blanks(struct parser *p)
{
	while (is_blank(*p->at))
		p->at++;
}

/* Reads the next word of the statement. False at its end. */
bool parse_word(struct parser *p)
{
	size_t length = 0;

	parse_blanks(p);
	p->word_at = p->at;
	if (p->failed || parse_ends(*p->at))
		return false;
	while (!parse_ends(*p->at) && !is_blank(*p->at)) {
		if (length + 1 >= sizeof(p->word)) {
			parse_fail(p, "this word is too long");
			return false;
		}
		if (iscntrl((unsigned char)*p->at)) {
			p->word_at = p->at;
			parse_fail(p, "a control character cannot be here");
			return false;
		}
		p->word[length++] = *p->at++;
	}
	p->word[length] = '\0';
	return true;
}

bool parse_is(const struct parser *p, const char *word)
{
	return strcmp(p->word, word) == 0;
}

/* The next word, which must be there. */
bool parse_want(struct parser *p, const char *what)
{
	if (parse_word(p))
		return true;
	parse_fail(p, "%s is missing", what);
	return false;
}

uint64_t parse_value(struct parser *p, const char *what)
{
	char *end;
	unsigned long long value;

	errno = 0;
	value = strtoull(p->word, &end, 0);
	if (errno == ERANGE)
		parse_fail(p, "'%s' is too large: 64 bits are all", p->word);
	else if (end == p->word || !isdigit((unsigned char)*p->word) || *end)
		parse_fail(p, "'%s' is not a number: %s is wanted, in decimal or as 0x...", p->word,
			   what);
	return value;
}

uint64_t parse_number(struct parser *p, const char *what)
{
	return parse_want(p, what) ? parse_value(p, what) : 0;
}

uint64_t parse_small(struct parser *p, const char *what, uint64_t least, uint64_t most)
{
	uint64_t value = parse_number(p, what);

	if (!p->failed && (value < least || value > most))
		parse_fail(p, "%s is %llu to %llu", what, (unsigned long long)least,
			   (unsigned long long)most);
	return value;
}

void parse_rest(struct parser *p, char *text, size_t size)
{
	size_t length;

	parse_blanks(p);
	p->word_at = p->at;
	length = strcspn(p->at, "\n");
	while (length && is_blank(p->at[length - 1]))
		length--;
	for (size_t i = 0; i < length; i++)
		if (iscntrl((unsigned char)p->at[i]) && p->at[i] != '\t') {
			p->word_at = p->at + i;
			parse_fail(p, "a control character cannot be here");
			return;
		}
	if (length >= size)
		parse_fail(p, "this text is too long: at most %zu characters", size - 1);
	else
		snprintf(text, size, "%.*s", (int)length, p->at);
	p->at += strcspn(p->at, "\n");
}

bool parse_name(struct parser *p, char name[SCENE_NAME])
{
	if (strlen(p->word) >= SCENE_NAME) {
		parse_fail(p, "this name is too long: at most %d characters", SCENE_NAME - 1);
		return false;
	}
	strcpy(name, p->word);
	return true;
}

/* ---- folios and flags ---- */

int parse_find_folio(struct parser *p)
{
	for (unsigned i = 0; i < p->scene->folios; i++)
		if (parse_is(p, p->scene->folio[i].name)) {
			int owner = p->scene->folio[i].thread;

			if (owner != SCENE_SETUP && owner != p->thread)
				parse_fail(
					p,
					"folio %s is allocated by thread %s, so no other can name it",
					p->word, p->scene->thread[owner].name);
			return (int)i;
		}
	return SCENE_NONE;
}

int parse_folio(struct parser *p)
{
	int folio;

	if (!parse_want(p, "a folio's name"))
		return 0;
	folio = parse_find_folio(p);
	if (folio == SCENE_NONE)
		parse_fail(p, "there is no folio '%s' yet: allocate it before, as in 'folio %s'",
			   p->word, p->word);
	return folio;
}

int parse_new_folio(struct parser *p)
{
	/* What can stand where a folio's name can. */
	static const char *const taken[] = {
		"zero", "at",    "frames", "faults", "empty",   "low",    "high", "before",
		"like", "level", "pages",  "from",   "page",    "as",     "must", "if",
		"read", "write", "exec",   "none",   "special", "global", "in",   "pinned",
	};
	struct scene_folio *folio = &p->scene->folio[p->scene->folios];

	if (!parse_want(p, "a name for the folio"))
		return 0;
	for (unsigned i = 0; i < p->scene->folios; i++)
		if (parse_is(p, p->scene->folio[i].name))
			parse_fail(p, "there is a folio '%s' already", p->word);
	for (size_t i = 0; i < sizeof(taken) / sizeof(*taken); i++)
		if (parse_is(p, taken[i]))
			parse_fail(p, "'%s' is a word of the language: choose another name",
				   p->word);
	if (!isalpha((unsigned char)*p->word))
		parse_fail(p, "a folio's name begins with a letter");
	if (p->scene->folios == SCENE_FOLIOS)
		parse_fail(p, "too many folios: at most %d", SCENE_FOLIOS);
	if (p->failed || !parse_name(p, folio->name))
		return 0;
	folio->thread = p->thread;
	folio->owner = p->scene->folios + 1u;
	return (int)p->scene->folios++;
}

int parse_flag(struct parser *p, bool may_be_new)
{
	struct scene *scene = p->scene;

	if (!parse_want(p, "a name"))
		return 0;
	for (unsigned i = 0; i < scene->flags; i++)
		if (parse_is(p, scene->flag[i]))
			return (int)i;
	if (!may_be_new)
		parse_fail(p, "no operation says 'as %s'", p->word);
	else if (scene->flags == SCENE_FLAGS)
		parse_fail(p, "too many names: at most %d", SCENE_FLAGS);
	if (p->failed || !parse_name(p, scene->flag[scene->flags]))
		return 0;
	return (int)scene->flags++;
}
