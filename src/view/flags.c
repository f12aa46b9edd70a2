/* SPDX-License-Identifier: MIT */
/* Finds the description of an entry's bits and puts it into words. */
#include "view/flags.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum pw_status pw_linux_meaning(const struct pw_regime *regime, unsigned level, uint64_t entry,
				enum pw_kind *kind_ret, pw_pa *page_ret)
{
	const struct pw_format *f = regime->format;
	struct pw_regime as_linux = *regime;
	enum pw_status status = PW_OK;

	as_linux.view = PW_VIEW_LINUX;
	*page_ret = 0;
	*kind_ret = PW_HOLE;
	/* A format from a file is data: it does not have functions to ask. */
	if (!f->kind || !f->hole)
		return PW_NONE;
	/* Linux's PTEs and the hardware's are in different tables. */
	if (level == 0 && regime->view == PW_VIEW_HARDWARE && f->linux_twin)
		return PW_NONE;
	*kind_ret = f->kind(f, &as_linux, level, entry);
	if (*kind_ret == PW_HOLE)
		status = f->hole(f, &as_linux, level, entry, page_ret);
	else if (*kind_ret == PW_LEAF)
		*page_ret = f->page(f, &as_linux, level, entry);
	return status;
}

/* A hole gets Linux's meaning in the hardware view too, because this explains the value. */
static unsigned kind_of(const struct pw_regime *regime, unsigned level, enum pw_kind kind,
			enum pw_status status, uint64_t entry)
{
	pw_pa page;

	if (kind == PW_HOLE && status == PW_NONE)
		status = pw_linux_meaning(regime, level, entry, &kind, &page);
	if (kind == PW_TABLE)
		return PW_BITS_TABLE;
	if (kind == PW_LEAF)
		return PW_BITS_LEAF;
	if (status == PW_PROT_NONE)
		return PW_BITS_PROT_NONE;
	if (status >= PW_SWAP && status <= PW_MARKER)
		return PW_BITS_SWAP;
	if (status == PW_MALFORMED)
		return PW_BITS_MALFORMED;
	return PW_BITS_EMPTY;
}

static bool applies(const struct pw_bits_of *of, const struct pw_regime *regime, unsigned level,
		    uint64_t entry)
{
	return (of->levels >> level & 1) && (entry & of->where) == of->is &&
	       (!of->views || (of->views >> regime->view & 1));
}

/* The first line for entries of these kinds; of @selective lines, those that look at bits. */
static const struct pw_bits_of *find(const struct pw_regime *regime, unsigned level, unsigned kinds,
				     bool selective, uint64_t entry)
{
	for (const struct pw_bits_of *of = regime->format->words->entries; of->bits; of++)
		if (applies(of, regime, level, entry) && (of->kinds & kinds) &&
		    (!selective || of->where))
			return of;
	return NULL;
}

const struct pw_bits *pw_bits_find(const struct pw_regime *regime, unsigned level,
				   enum pw_kind kind, enum pw_status status, uint64_t entry)
{
	const struct pw_bits_of *of = NULL;
	unsigned wanted;

	/* A format from a file does not have words. */
	if (!regime->format->words || !regime->format->words->entries)
		return NULL;
	wanted = kind_of(regime, level, kind, status, entry);
	if (wanted == PW_BITS_MALFORMED) {
		of = find(regime, level, PW_BITS_LEAF, true, entry);
		wanted = level > 0 ? PW_BITS_TABLE : PW_BITS_LEAF;
	}
	if (!of)
		of = find(regime, level, wanted, false, entry);
	return of ? of->bits : NULL;
}

const struct pw_bits *pw_bits_next(const struct pw_bits *bits)
{
	bits++;
	return bits->mask ? bits : bits->more;
}

bool pw_bits_apply(const struct pw_bits *bits, const struct pw_regime *regime)
{
	return regime->kernel >= bits->since && (!bits->before || regime->kernel < bits->before);
}

uint64_t pw_bits_value(const struct pw_bits *bits, uint64_t entry)
{
	return ((bits->inverted ? ~entry : entry) & bits->mask) >> __builtin_ctzll(bits->mask);
}

static bool is_single(uint64_t mask)
{
	return (mask & (mask - 1)) == 0;
}

bool pw_bits_word(const struct pw_bits *bits, uint64_t entry, char *text, size_t bytes)
{
	uint64_t value = pw_bits_value(bits, entry);

	if (bits->show == PW_SHOW_ADDRESS || (bits->show == PW_SHOW_SET && value == 0))
		return false;
	if (is_single(bits->mask)) {
		snprintf(text, bytes, value ? "%s" : "%s=0", bits->name);
		return true;
	}
	for (unsigned i = 0; bits->values && bits->values[i]; i++)
		if (i == value) {
			snprintf(text, bytes, "%s=%s", bits->name, bits->values[i]);
			return true;
		}
	snprintf(text, bytes, value < 10 ? "%s=%" PRIu64 : "%s=0x%" PRIx64, bits->name, value);
	return true;
}

static void add_word(char *text, size_t bytes, const char *word)
{
	size_t length = strlen(text);

	snprintf(text + length, bytes - length, "%s%s", length ? " " : "", word);
}

char *pw_bits_words(const struct pw_regime *regime, unsigned level, enum pw_kind kind,
		    enum pw_status status, uint64_t entry, char *text, size_t bytes)
{
	const struct pw_bits *bits = pw_bits_find(regime, level, kind, status, entry);
	/* On x86, the bit that says "encrypted" lies inside the address field. */
	uint64_t encrypted = entry & UINT64_C(0x000ffffffffff000) & ~regime->address_mask;
	uint64_t rest = entry;
	char word[64];

	text[0] = '\0';
	if (!bits)
		return text;
	for (; bits; bits = pw_bits_next(bits)) {
		if (!pw_bits_apply(bits, regime))
			continue;
		rest &= ~bits->mask;
		if (pw_bits_word(bits, entry, word, sizeof(word)))
			add_word(text, bytes, word);
	}
	if (encrypted)
		add_word(text, bytes, "C");
	if (rest) {
		snprintf(word, sizeof(word), "+0x%" PRIx64, rest);
		add_word(text, bytes, word);
	}
	return text;
}
