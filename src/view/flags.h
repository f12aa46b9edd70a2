/* SPDX-License-Identifier: MIT */
/* The lists of bits that formats have (format/words.h), found for an entry and put into words. */
#ifndef PW_VIEW_FLAGS_H
#define PW_VIEW_FLAGS_H

#include "format/words.h"

/* The list for this entry, or NULL: the format is not described (it was loaded from a file). */
const struct pw_bits *pw_bits_find(const struct pw_regime *regime, unsigned level,
				   enum pw_kind kind, enum pw_status status, uint64_t entry);

/* The next field of a list, or NULL. */
const struct pw_bits *pw_bits_next(const struct pw_bits *bits);

/* Does this field exist in the kernel of @regime? */
bool pw_bits_apply(const struct pw_bits *bits, const struct pw_regime *regime);

/* The value of the field: shifted down, complemented if it is stored so. */
uint64_t pw_bits_value(const struct pw_bits *bits, uint64_t entry);

/* Writes the field as a word into @text; false if there is no word to show. */
bool pw_bits_word(const struct pw_bits *bits, uint64_t entry, char *text, size_t bytes);

/*
 * Writes all words, separated by blanks, into @text; bits without a name come last, as "+0x...". An
 * entry of a format that is not described gets no words. Returns @text.
 */
char *pw_bits_words(const struct pw_regime *regime, unsigned level, enum pw_kind kind,
		    enum pw_status status, uint64_t entry, char *text, size_t bytes);

/*
 * Linux's meaning of an entry that is a hole for the hardware: its kind, and its page if it has one.
 * The result is a hole and PW_NONE where Linux keeps its own entries elsewhere (arm).
 */
enum pw_status pw_linux_meaning(const struct pw_regime *regime, unsigned level, uint64_t entry,
				enum pw_kind *kind_ret, pw_pa *page_ret);

#endif
