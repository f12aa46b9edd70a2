/* SPDX-License-Identifier: MIT */
/*
 * Words that describe a format to people: the bits of its entries, and reasons. They are the words of its
 * architecture: "P RW US A D NX", "TT=R3 TL=3".
 *
 * Names in capitals are the architecture's. Names in small letters are Linux's own uses of bits that the
 * hardware ignores.
 *
 * To describe a family of formats, write FOO_words.c beside FOO.h. Define a `const struct pw_words
 * pw_words_NAME` for each pw_format_NAME, whose .words points to it. If a member may be NULL, its comment
 * gives the default; all others must be filled. The test `words` names the missing ones. The test
 * `view_flags` checks that all bits that the format's builders use have a name.
 *
 * No walker includes this file, so words do not slow down a walk.
 */
#ifndef PW_FORMAT_WORDS_H
#define PW_FORMAT_WORDS_H

#include "format/fold_style.h"
#include "format/format.h"

/* ---- the bits of an entry ---- */

/* A mask of one bit; a macro, because masks stand in initializers. */
#define PW_BIT(n) (UINT64_C(1) << (n))

enum pw_bits_show {
	PW_SHOW_SET, /* shown as a word if it is not zero */
	PW_SHOW_ALWAYS, /* always shown as a word: "TL=0", "P=0" */
	PW_SHOW_ADDRESS, /* part of an address: drawn as a field, never shown as a word */
};

/* One field of an entry. */
struct pw_bits {
	uint64_t mask;
	const char *name;
	const char *meaning; /* of the bit when set; of the field if it has more than one bit */
	const char *const *values; /* names of its values, ended by NULL; NULL: a number */
	uint8_t show; /* enum pw_bits_show */
	uint16_t since, before; /* kernels with this use, as regime->kernel; 0: no bound */
	bool inverted; /* stored inverted: the number shown is its complement */
	/* Only in the last line, which has no mask: the list continues there. */
	const struct pw_bits *more;
	/*
	 * A clause: why an entry with any of these bits set is malformed. NULL: these bits do not make it
	 * malformed, or their name begins with "reserved", which is explanation enough.
	 */
	const char *malformed;
};

/* The kinds of entries that a list can describe. */
enum pw_bits_kind {
	PW_BITS_TABLE = 1 << 0,
	PW_BITS_LEAF = 1 << 1,
	PW_BITS_SWAP = 1 << 2,
	PW_BITS_PROT_NONE = 1 << 3,
	PW_BITS_EMPTY = 1 << 4, /* has only the bits that make it a hole */
	PW_BITS_MALFORMED = 1 << 5, /* described by the list of the kind that it resembles */
};

/* A list, and the entries that it describes. The first one that applies to an entry is used. */
struct pw_bits_of {
	uint8_t levels; /* bit n: entries of level n */
	uint8_t kinds; /* enum pw_bits_kind */
	const struct pw_bits *bits; /* ended by a line without a mask */
	/*
	 * The list describes the entries whose bits in @where equal @is; 0: all entries. A malformed entry
	 * that matches the list of a leaf in this way is described as a leaf.
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

/* What is at the address of a CPU's exception vectors. */
enum pw_vectors_kind {
	PW_VECTORS_CODE, /* instructions */
	PW_VECTORS_GATES_32, /* i386: gates of 8 bytes, which hold the addresses of instructions */
	PW_VECTORS_GATES_64, /* x86-64: the same, of 16 bytes */
	PW_VECTORS_PSWS, /* s390x: new PSWs, at real addresses that the architecture fixes */
	PW_VECTORS_FIXED, /* powerpc: instructions, at an address that the architecture fixes */
};

/* Where CPUs with this format go at an exception. Their kernel's root has to map it. */
struct pw_vectors {
	const char *name; /* of the register, or of what is there */
	uint8_t kind; /* enum pw_vectors_kind */
	bool user; /* user mode may have access, too */
	pw_va at; /* PW_VECTORS_FIXED */
};

/* A table that has no entry for an address, because the entry above excludes it. */
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
	 * Names of the machines that walk these tables, as machine_name() of memory/elf.c spells them,
	 * separated by blanks: "riscv64 riscv32". NULL: the memory of any machine can have such tables.
	 */
	const char *machines;
	/* enum pw_register: the registers that affect this format. */
	uint32_t registers;
	/* NULL: it is not known where exceptions lead, or not to memory that tables map. */
	const struct pw_vectors *vectors;
	/*
	 * Bit n: what is mapped with enum pw_memtype n is memory, which can be read without harm to a device.
	 * 0: entries do not tell memory from devices' registers. Then a source that does not know either, such
	 * as a gdb stub, is not searched for roots.
	 */
	uint16_t memory_types;
	/* Linux's kernel has the second root for itself, and maps nothing of itself by a process's. */
	bool kernel_apart;
	/* Machines have these tables in either byte order; the format reads little-endian ones. */
	bool either_order;
	/* Lists for entries of each level and kind; ended by a line without bits. */
	const struct pw_bits_of *entries;
	/*
	 * The ways in which kernels fold levels of this format, the usual way first; ended by NULL. The
	 * list is empty if these tables have no relation to Linux's five levels.
	 */
	const struct fold_style *const *folds;
	/* NULL: the bits are a sign, or choose the root, or must be zero; the spans decide. */
	const struct pw_above_words *above;
	/*
	 * By level: the behaviour of Linux's loops if a walk of a range iterates at that level. An element
	 * may be NULL: then there is no remark. The array may be NULL: then a folded level's loop runs once
	 * for each turn of the loop above.
	 */
	const char *const *loops;
	/* The reason for the number of levels. NULL: "FORMAT walks through N tables". */
	void (*folded)(const struct pw_regime *regime, char *text, size_t bytes);
	/* The level at which walks start, by the root. NULL: "this root starts at LEVEL". */
	void (*starts)(const struct pw_regime *regime, char *text, size_t bytes);
	/*
	 * Further facts from the root about @span's table. The text follows "the walk starts at the
	 * TABLE". NULL: nothing.
	 */
	void (*top_table)(const struct pw_regime *regime, const struct pw_span *span, char *text,
			  size_t bytes);
	/* Why the table is too short. NULL: "the ENTRY above says that the TABLE has no entry N". */
	void (*too_short)(const struct pw_format *format, const struct pw_short_table *at,
			  char *text, size_t bytes);
	/*
	 * A sentence of its own: why @entry is malformed. The text calls it @name ("the pmd entry").
	 * False: there is no reason beyond those in struct pw_bits. NULL: there never is.
	 */
	bool (*malformed)(unsigned level, uint64_t entry, const char *name, char *text,
			  size_t bytes);
	/*
	 * A sentence about a fact that affects all answers and that the regime does not have. False:
	 * there is none. NULL: there never is one.
	 */
	bool (*remark)(const struct pw_regime *regime, char *text, size_t bytes);
	/* The same for answers about @va alone. */
	bool (*remark_at)(const struct pw_regime *regime, pw_va va, char *text, size_t bytes);
};

#endif
