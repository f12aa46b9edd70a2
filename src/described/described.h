/* SPDX-License-Identifier: MIT */
/*
 * Formats described by data alone, in files of pagewalk-format(5).
 *
 *   describe.c  parse.c           read the file: grammar, checks, messages
 *   decode.c                      decodes an entry or a root word, by trying rules in order
 *   interp.c  interp_ranges.c     every algorithm, entry by entry, over the decoded meaning
 *
 * Users bring formats of their own this way; and it is the oracle for the library's formats. So it is slow
 * and simple, and shares no code with src/walk or src/format.
 */
#ifndef PW_DESCRIBED_H
#define PW_DESCRIBED_H

#include "walk/instance.h"

enum {
	PW_DESCRIBED_CONDITIONS = 10, /* at most, in one statement */
	PW_DESCRIBED_FIELDS = 4, /* in one address */
	PW_DESCRIBED_RULES = 80, /* for one level */
	PW_DESCRIBED_TRAITS = 64, /* for one level */
	PW_DESCRIBED_SPANS = 40,
	PW_DESCRIBED_REFUSALS = 24,
};

/* The subject of a condition: the number whose bits it tests. */
enum pw_subject {
	PW_SUBJECT_ENTRY, /* in statements about the root: the root word that is being decoded */
	PW_SUBJECT_ROOT0,
	PW_SUBJECT_ROOT1,
	PW_SUBJECT_ROOTS, /* the number of root words */
	PW_SUBJECT_VIEW,
	PW_SUBJECT_KERNEL,
	PW_SUBJECT_CONFIG, /* the kernel's options: enum pw_kernel_config */
	PW_SUBJECT_CR4,
	PW_SUBJECT_TCR,
	PW_SUBJECT_KNOWN, /* the registers that are known: enum pw_register */
};

/* Bits high..low of the subject lie in first..last; if negated, they do not. */
struct pw_condition {
	uint8_t subject, high, low;
	bool negated;
	uint64_t first, last;
};

struct pw_conditions {
	unsigned count;
	struct pw_condition condition[PW_DESCRIBED_CONDITIONS];
};

/* Bits high..low of the entry, which go to bit `at` of the address. */
struct pw_field {
	uint8_t high, low, at;
	bool inverted;
};

struct pw_address {
	unsigned count;
	struct pw_field field[PW_DESCRIBED_FIELDS];
	uint64_t minus; /* subtracted at the end, modulo the end of the highest field */
};

/* A rule says what an entry is. The first one of its level whose conditions hold decides. */
struct pw_rule {
	uint8_t kind; /* enum pw_kind */
	uint8_t status; /* enum pw_status of a hole */
	uint8_t next; /* PW_TABLE: level of the table behind it */
	uint8_t next_bits; /* log2 of that table's entries; 0: as its level has */
	bool bits_from_entry, has_length;
	struct pw_field bits; /* if bits_from_entry: the field that holds next_bits */
	struct pw_field from, upto; /* if has_length: the parts of that table that exist */
	struct pw_address address;
	struct pw_conditions when;
	unsigned line;
};

enum pw_trait_use {
	PW_TRAIT_HAS, /* the leaf has these attributes */
	PW_TRAIT_DENY, /* a table takes these permissions away; PW_GLOBAL: what is below is global */
	PW_TRAIT_MEMORY, /* the leaf's memory type; the first one that holds decides */
	PW_TRAIT_MAIR, /* the memory type at an index into MAIR; holds if MAIR is known */
	PW_TRAIT_PAT, /* the memory type at an index into the PAT; holds if the PAT is known */
	PW_TRAIT_INDEX, /* an index into a register that is not known */
	PW_TRAIT_SIZE, /* the leaf's size; the first one that holds decides */
	PW_TRAIT_ONES, /* the leaf's size, written into the address as ones */
};

struct pw_trait {
	uint8_t use; /* enum pw_trait_use */
	uint32_t value; /* attributes, memory type, or log2 of the size */
	struct pw_field ones;
	struct pw_address index;
	struct pw_conditions when;
};

struct pw_described_level {
	unsigned rules, traits;
	struct pw_rule rule[PW_DESCRIBED_RULES];
	struct pw_trait trait[PW_DESCRIBED_TRAITS];
};

struct pw_described_span {
	pw_va first, last;
	uint8_t word, top, bits;
	bool alias, has_length;
	struct pw_field length;
	struct pw_address address;
	struct pw_conditions when;
};

struct pw_refusal {
	struct pw_conditions when;
	char reason[160];
};

struct pw_description {
	struct pw_format format; /* must be first: a regime points to it */
	struct pw_instance instance;
	bool encryption; /* the regime's address mask applies to entries */
	unsigned spans, refusals;
	struct pw_described_span span[PW_DESCRIBED_SPANS];
	struct pw_refusal refusal[PW_DESCRIBED_REFUSALS];
	struct pw_described_level level[PW_MAX_LEVELS];
	char name[48], title[96], root_name[48], level_name[PW_MAX_LEVELS][24];
};

/* Everything that an entry says. The kind decides which members are used. */
struct pw_meaning {
	enum pw_kind kind;
	enum pw_status status; /* of a hole */
	pw_pa address; /* table; page of a leaf or of PW_PROT_NONE, aligned to its size */
	unsigned size_lg2; /* log2 of that page's size */
	uint32_t attr; /* leaf: enum pw_attr, PW_KEXEC, memory type */
	uint32_t denied; /* table: permissions that it takes away */
	unsigned next; /* table: its level, and log2 of its entries */
	unsigned next_bits;
	bool limited; /* table: only parts from..upto of 2^parts_lg2 exist */
	unsigned parts_lg2, from, upto;
};

/* Decodes @entry of a table of @level, one entry of which covers 2^@shift bytes. */
void pw_described_decode(const struct pw_description *description, const struct pw_regime *regime,
			 unsigned level, unsigned shift, uint64_t entry,
			 struct pw_meaning *meaning);

/* The description behind a format of pw_format_load's. */
static inline const struct pw_description *pw_described(const struct pw_format *format)
{
	return (const struct pw_description *)format;
}

/* pw_format.root of every described format. */
int pw_described_root(struct pw_regime *regime, const uint64_t *word, unsigned count,
		      struct pw_error *error);

/* The algorithms over a described format. The loader sets `format`. */
extern const struct pw_instance pw_described_instance;

#endif
