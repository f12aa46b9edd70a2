/* SPDX-License-Identifier: MIT */
/*
 * What people are told about a format: the bits of its entries, and reasons, in the words of its
 * architecture: "P RW US A D NX", "TT=R3 TL=3".
 *
 * Bits in capitals are the architecture's, bits in small letters are Linux's own use of bits that the
 * hardware ignores.
 *
 * To describe a format: write FOO_words.c beside FOO.h, with a `const struct pw_words pw_words_FOO`
 * for each of its constants, which point to it by .words. A member that may be NULL has a default, which
 * its comment says; all others must be filled. The test `words` names what is missing. The test
 * `view_flags` checks that all bits that the format's builders use have a name.
 *
 * No walker includes this file: words cost a walk nothing.
 */
#ifndef PW_FORMAT_WORDS_H
#define PW_FORMAT_WORDS_H

#include "format/fold_style.h"
#include "format/format.h"

/* ---- the bits of an entry ---- */

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
	/* In the last line, which has no mask: the list goes on there. */
	const struct pw_bits *more;
	/*
	 * Why an entry with any of these bits set is malformed: a clause. NULL: these bits do not make it
	 * malformed, or their name begins with "reserved" and says enough.
	 */
	const char *malformed;
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
struct pw_bits_of {
	uint8_t levels; /* bit n: entries of level n */
	uint8_t kinds; /* enum pw_bits_kind */
	const struct pw_bits *bits; /* ended by a line without a mask */
	/*
	 * The list describes entries whose bits @where are @is; 0: all entries. A malformed entry that
	 * matches the list of a leaf in this way is described as a leaf.
	 */
	uint64_t where, is;
	uint8_t views; /* bit n: enum pw_view n; 0: all */
};

/* ---- the format ---- */

/* The address bits above all indices. */
struct pw_above_words {
	const char *name; /* "quadrant" */
	const char *meaning; /* a clause */
};

/* A table that has no entry for an address, because the entry above says so. */
struct pw_short_table {
	const char *table; /* its name: "segment table" */
	uint32_t index; /* the entry that it does not have */
	unsigned above_level;
	uint64_t above; /* the entry above */
};

/*
 * Functions write a clause without a full stop to the @bytes of @text, and end it with a NUL. They look
 * at their parameters and at nothing else.
 */
struct pw_words {
	/*
	 * Names of the machines that walk these tables, as ELF cores have them, separated by blanks:
	 * "riscv64 riscv32". NULL: the memory of any machine can have such tables.
	 */
	const char *machines;
	/* enum pw_register: which of them decide something in this format. */
	uint32_t registers;
	/* Machines have these tables in either byte order; the format reads little-endian ones. */
	bool either_order;
	/* Lists for entries of each level and kind; ended by a line without bits. */
	const struct pw_bits_of *entries;
	/*
	 * How kernels fold levels of this format, the usual way first; ended by NULL. An empty list
	 * where Linux's five levels have no part in these tables.
	 */
	const struct fold_style *const *folds;
	/* NULL: the bits are a sign, or choose the root, or have to be zero, as the spans say. */
	const struct pw_above_words *above;
	/*
	 * By level: what Linux's loops do if a walk of a range iterates at that level. An element may be
	 * NULL: nothing is said. NULL: a folded level's loop runs once for each turn of the one above.
	 */
	const char *const *loops;
	/* Why there are no more levels than there are. NULL: "FORMAT walks through N tables". */
	void (*folded)(const struct pw_regime *regime, char *text, size_t bytes);
	/* Where the root says that walks start. NULL: "this root starts at LEVEL". */
	void (*starts)(const struct pw_regime *regime, char *text, size_t bytes);
	/*
	 * What else the root says of @span's table; follows "the walk starts at the TABLE". NULL:
	 * nothing.
	 */
	void (*top_table)(const struct pw_regime *regime, const struct pw_span *span, char *text,
			  size_t bytes);
	/* Why the table is too short. NULL: "the ENTRY above says that the TABLE has no entry N". */
	void (*too_short)(const struct pw_format *format, const struct pw_short_table *at,
			  char *text, size_t bytes);
	/*
	 * Why @entry, which is spoken of as @name ("the pmd entry"), is malformed, as a sentence of its
	 * own; false: nothing but what struct pw_bits says. NULL: never more than that.
	 */
	bool (*malformed)(unsigned level, uint64_t entry, const char *name, char *text,
			  size_t bytes);
	/*
	 * What all answers depend on and the regime was not told, as a sentence; false: nothing. NULL:
	 * never anything.
	 */
	bool (*remark)(const struct pw_regime *regime, char *text, size_t bytes);
	/* The same of answers about @va alone. */
	bool (*remark_at)(const struct pw_regime *regime, pw_va va, char *text, size_t bytes);
};

#endif
