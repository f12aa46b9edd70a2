/* SPDX-License-Identifier: MIT */
/* The arguments of calls as text: flags by their names, addresses as places in the window. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "advice.h"
#include "check.h"

struct word {
	const char *name;
	uint64_t value;
};

static const struct word MAP_WORDS[] = {
	{ "shared", MAP_SHARED },
	{ "private", MAP_PRIVATE },
	{ "anon", MAP_ANONYMOUS },
	{ "fixed", MAP_FIXED },
	{ "noreplace", MAP_FIXED_NOREPLACE },
	{ "populate", MAP_POPULATE },
	{ "nonblock", MAP_NONBLOCK },
	{ "locked", MAP_LOCKED },
	{ "noreserve", MAP_NORESERVE },
	{ "growsdown", MAP_GROWSDOWN },
	{ "stack", MAP_STACK },
	{ "hugetlb", MAP_HUGETLB },
	{ NULL, 0 },
};
static const struct word REMAP_WORDS[] = {
	{ "maymove", MREMAP_MAYMOVE },
	{ "fixed", MREMAP_FIXED },
	{ "dontunmap", MREMAP_DONTUNMAP },
	{ NULL, 0 },
};
static const struct word SYNC_WORDS[] = {
	{ "async", MS_ASYNC },
	{ "invalidate", MS_INVALIDATE },
	{ "sync", MS_SYNC },
	{ NULL, 0 },
};
static const struct word LOCK2_WORDS[] = {
	{ "onfault", 1 },
	{ NULL, 0 },
};
static const struct word LOCKALL_WORDS[] = {
	{ "current", MCL_CURRENT },
	{ "future", MCL_FUTURE },
	{ "onfault", MCL_ONFAULT },
	{ NULL, 0 },
};
static const struct word PROT_WORDS[] = {
	{ "read", PROT_READ },           { "write", PROT_WRITE },     { "exec", PROT_EXEC },
	{ "growsdown", PROT_GROWSDOWN }, { "growsup", PROT_GROWSUP }, { NULL, 0 },
};
static const struct word ADVICE_WORDS[] = {
	{ "normal", MADV_NORMAL },
	{ "random", MADV_RANDOM },
	{ "sequential", MADV_SEQUENTIAL },
	{ "willneed", MADV_WILLNEED },
	{ "dontneed", MADV_DONTNEED },
	{ "free", MADV_FREE },
	{ "remove", MADV_REMOVE },
	{ "dontfork", MADV_DONTFORK },
	{ "dofork", MADV_DOFORK },
	{ "hugepage", MADV_HUGEPAGE },
	{ "nohugepage", MADV_NOHUGEPAGE },
	{ "dontdump", MADV_DONTDUMP },
	{ "dodump", MADV_DODUMP },
	{ "wipeonfork", MADV_WIPEONFORK },
	{ "keeponfork", MADV_KEEPONFORK },
	{ "cold", MADV_COLD },
	{ "pageout", MADV_PAGEOUT },
	{ "populate_read", ADVICE_POPULATE_READ },
	{ "populate_write", ADVICE_POPULATE_WRITE },
	{ "dontneed_locked", ADVICE_DONTNEED_LOCKED },
	{ "collapse", ADVICE_COLLAPSE },
	{ "guard_install", ADVICE_GUARD_INSTALL },
	{ "guard_remove", ADVICE_GUARD_REMOVE },
	{ NULL, 0 },
};

static const struct word *words_of(enum argument kind)
{
	switch (kind) {
	case ARG_MAP:
		return MAP_WORDS;
	case ARG_REMAP:
		return REMAP_WORDS;
	case ARG_SYNC:
		return SYNC_WORDS;
	case ARG_LOCK2:
		return LOCK2_WORDS;
	case ARG_LOCKALL:
		return LOCKALL_WORDS;
	case ARG_PROT:
		return PROT_WORDS;
	case ARG_ADVICE:
		return ADVICE_WORDS;
	default:
		return NULL;
	}
}

static void flags_print(const struct word *word, uint64_t value, FILE *out)
{
	const char *between = "";

	for (; word->name; word++) {
		if (!(value & word->value))
			continue;
		fprintf(out, "%s%s", between, word->name);
		between = ",";
		value &= ~word->value;
	}
	if (value || !*between)
		fprintf(out, "%s0x%" PRIx64, between, value);
}

void words_print(enum argument kind, uint64_t value, FILE *out)
{
	const struct word *word = words_of(kind);

	if (kind == ARG_ADVICE) {
		while (word->name && word->value != value)
			word++;
		if (word->name)
			fputs(word->name, out);
		else
			fprintf(out, "%" PRIu64, value);
	} else if (word) {
		flags_print(word, value, out);
	} else if (kind == ARG_VA && value >= WINDOW && value <= WINDOW_END) {
		fprintf(out, "w+0x%" PRIx64, value - WINDOW);
	} else if (kind == ARG_FILE && value == NO_FILE) {
		fputs("-", out);
	} else if (kind == ARG_VA || kind == ARG_BYTES || kind == ARG_OFFSET) {
		fprintf(out, "0x%" PRIx64, value);
	} else {
		fprintf(out, "%" PRIu64, value);
	}
}

static bool number_parse(const char *text, uint64_t *value_ret)
{
	char *rest;

	*value_ret = strtoull(text, &rest, 0);
	return rest != text && !*rest;
}

static bool flag_parse(const struct word *word, const char *text, size_t length, uint64_t *value)
{
	char copy[32];
	uint64_t number;

	if (length >= sizeof copy)
		return false;
	memcpy(copy, text, length);
	copy[length] = '\0';
	for (; word->name; word++) {
		if (strcmp(word->name, copy) == 0) {
			*value |= word->value;
			return true;
		}
	}
	if (!number_parse(copy, &number))
		return false;
	*value |= number;
	return true;
}

bool words_parse(enum argument kind, const char *text, uint64_t *value_ret)
{
	const struct word *word = words_of(kind);

	*value_ret = 0;
	if (kind == ARG_FILE && strcmp(text, "-") == 0) {
		*value_ret = NO_FILE;
		return true;
	}
	if (strncmp(text, "w+", 2) == 0) {
		if (!number_parse(text + 2, value_ret))
			return false;
		*value_ret += WINDOW;
		return true;
	}
	if (!word)
		return number_parse(text, value_ret);
	for (;;) {
		size_t length = strcspn(text, ",");

		if (!flag_parse(word, text, length, value_ret))
			return false;
		if (!text[length])
			return true;
		text += length + 1;
	}
}
