/* SPDX-License-Identifier: MIT */
/*
 * Levels that are not there, and where a walk starts instead.
 *
 * Linux has names for five levels on every architecture, and an architecture may have more levels
 * than one of its address spaces uses. A walk does not visit the missing levels; only a picture names
 * them, because a reader compares it with code that names them.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "view/picture.h"

/* The description of a format without words: it was loaded from a file. */
static const struct pw_words *words_of(const struct pw_format *format)
{
	static const struct pw_words none;

	return format->words ? format->words : &none;
}

unsigned pw_folded_below(const struct pw_format *format, unsigned level, const char *names[3])
{
	static const char *const generic[] = { "pgd", "p4d", "pud", "pmd", "pte" };
	unsigned count = 0, i = 0;

	if (level == 0)
		return 0;
	while (i < 5 && strcmp(format->level_name[level], generic[i]) != 0)
		i++;
	for (i++; i < 5 && strcmp(format->level_name[level - 1], generic[i]) != 0; i++)
		names[count++] = generic[i];
	/* The names are not Linux's, so we do not know that a level is missing. */
	return i < 5 ? count : 0;
}

void pw_folded_why(const struct pw_regime *regime, unsigned level, char *text, size_t bytes)
{
	const struct pw_format *f = regime->format;
	const struct pw_words *words = words_of(f);
	unsigned top = regime->span[0].top;

	if (level > top && words->starts)
		words->starts(regime, text, bytes);
	else if (level > top)
		snprintf(text, bytes, "this root starts at %s", f->level_name[top]);
	else if (words->folded)
		words->folded(regime, text, bytes);
	else
		snprintf(text, bytes, "%s walks through %u tables", f->name, f->levels);
}

/* "TTBR0 [TTBR1]": the name of root @index. */
static void root_name(const struct pw_regime *regime, unsigned index, char *text, size_t bytes)
{
	const char *name = regime->format->root_name;
	const char *second = strstr(name, " [");
	int length = second ? (int)(second - name) : (int)strlen(name);

	if (index > 0 && second)
		snprintf(text, bytes, "%.*s", (int)strlen(second) - 3, second + 2);
	else
		snprintf(text, bytes, "%.*s", length, name);
}

void pw_root_why(const struct pw_regime *regime, const struct pw_span *span, char *text,
		 size_t bytes)
{
	const struct pw_format *f = regime->format;
	unsigned index = span->root;
	char name[64], table[64], more[80] = "";

	root_name(regime, index, name, sizeof(name));
	pw_table_name(f, span->top, table, sizeof(table));
	if (words_of(f)->top_table)
		words_of(f)->top_table(regime, span, more, sizeof(more));
	snprintf(text, bytes, "%s 0x%" PRIx64 ": the walk starts at the %s%s", name,
		 regime->root[index], table, more);
	if (regime->registers.prefix) {
		size_t used = strlen(text);

		snprintf(text + used, bytes - used,
			 "; with prefix 0x%" PRIx64 ", the pages have real addresses: real "
			 "0x0-0x1fff is absolute 0x%" PRIx64 "-0x%" PRIx64
			 ", and the other way round",
			 regime->registers.prefix, regime->registers.prefix,
			 regime->registers.prefix + 0x1fff);
	}
}

const char *pw_above_why(const struct pw_regime *regime, pw_va va, char *text, size_t bytes)
{
	const struct pw_span *span = pw_span_find(regime, va);
	bool is_signed = regime->spans > 1 && regime->roots == 1 &&
			 regime->span[0].table == regime->span[1].table;
	const struct pw_above_words *above = words_of(regime->format)->above;
	char name[64];

	if (!span)
		snprintf(text, bytes, "no root covers this value");
	else if (above)
		snprintf(text, bytes, "%s", above->meaning);
	else if (is_signed)
		snprintf(text, bytes, "repeats bit %u",
			 span->top_bits + regime->format->shift[span->top] - 1u);
	else if (regime->format->max_roots > 1) {
		root_name(regime, span->root, name, sizeof(name));
		snprintf(text, bytes, "selects %s", name);
	} else
		snprintf(text, bytes, "has to be zero");
	if (above)
		return above->name;
	return is_signed ? "sign" : regime->format->max_roots > 1 ? "root" : "zero";
}
