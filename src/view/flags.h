/* SPDX-License-Identifier: MIT */
/*
 * The bits of an entry in the words of its architecture: "P RW US A D NX", "TT=R3 TL=3".
 *
 * Words in capitals are the architecture's, words in small letters are Linux's own use of bits that
 * the hardware ignores.
 *
 * To describe a format: add a list of struct pw_bits for each kind of entry that it has to the
 * flags_*.c of its family, and a line for each to the family's array of struct pw_bits_of. The test
 * view_flags holds every registered format to it: bits that its builders use must have a name.
 */
#ifndef PW_VIEW_FLAGS_H
#define PW_VIEW_FLAGS_H

#include "format/format.h"

enum pw_bits_show {
	PW_SHOW_SET, /* a word when not zero */
	PW_SHOW_ALWAYS, /* a word in any case: "TL=0", "P=0" */
	PW_SHOW_ADDRESS, /* part of an address: drawn as a field, never a word */
};

/* One field of an entry. */
struct pw_bits {
	uint64_t mask;
	const char *name;
	const char *meaning; /* when set; of the field where it has more than one bit */
	const char *const *values; /* names of its values, ended by NULL; NULL: a number */
	uint8_t show; /* enum pw_bits_show */
	uint16_t since, before; /* kernels that use it so, as regime->kernel; 0: no bound */
	bool inverted; /* stored inverted: the number shown is its complement */
	const struct pw_bits
		*more; /* in the last line, which has no mask: the list goes on there */
};

/* Which kind of entry a list describes. */
enum pw_bits_kind {
	PW_BITS_TABLE = 1 << 0,
	PW_BITS_LEAF = 1 << 1,
	PW_BITS_SWAP = 1 << 2,
	PW_BITS_PROT_NONE = 1 << 3,
	PW_BITS_EMPTY = 1 << 4, /* nothing but what makes it a hole */
	PW_BITS_MALFORMED = 1 << 5, /* described by the list of what it looks like */
};

/* A list, and where it holds; the order is that in which lines are read. */
/* NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding) */
struct pw_bits_of {
	const char *format; /* name, or its beginning if it ends in '*' */
	uint8_t levels; /* bit n: entries of level n */
	uint8_t kinds; /* enum pw_bits_kind */
	const struct pw_bits *bits; /* ended by a line without a mask */
	/*
	 * Only entries with these bits so; 0: all. By these bits of a leaf's list a malformed entry is
	 * known for one.
	 */
	uint64_t where, is;
	uint8_t views; /* bit n: enum pw_view n; 0: all */
};

/* The families, each ended by an empty line. */
extern const struct pw_bits_of pw_bits_x86[], pw_bits_arm[], pw_bits_ibm[], pw_bits_risc[];

/* The list for this entry, or NULL: the format is not described (it was loaded from a file). */
const struct pw_bits *pw_bits_find(const struct pw_regime *regime, unsigned level,
				   enum pw_kind kind, enum pw_status status, uint64_t entry);

/* The next field of a list, or NULL. */
const struct pw_bits *pw_bits_next(const struct pw_bits *bits);

/* Does this field exist in the kernel of @regime? */
bool pw_bits_apply(const struct pw_bits *bits, const struct pw_regime *regime);

/* The value of the field: shifted down, complemented if it is stored so. */
uint64_t pw_bits_value(const struct pw_bits *bits, uint64_t entry);

/* The field as a word into @text; false when it has none to show. */
bool pw_bits_word(const struct pw_bits *bits, uint64_t entry, char *text, size_t bytes);

/*
 * All words, separated by blanks, into @text; bits without a name come last, as "+0x...". An entry
 * of a format that is not described has no words at all. Returns @text.
 */
char *pw_bits_words(const struct pw_regime *regime, unsigned level, enum pw_kind kind,
		    enum pw_status status, uint64_t entry, char *text, size_t bytes);

/*
 * What Linux means by an entry that is a hole for the hardware: its kind, its page if it has one.
 * A hole, and PW_NONE, where Linux keeps entries of its own elsewhere (arm).
 */
enum pw_status pw_linux_meaning(const struct pw_regime *regime, unsigned level, uint64_t entry,
				enum pw_kind *kind_ret, pw_pa *page_ret);

#endif
