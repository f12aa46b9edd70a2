/* SPDX-License-Identifier: MIT */
/*
 * A format described by data alone, as pagewalk-format(5) files say it.
 *
 *   describe.c  parse.c           read the file: grammar, checks, messages
 *   decode.c                      what an entry or a root word means, by trying rules in order
 *   interp.c  interp_ranges.c     every algorithm, entry by entry, over the decoded meaning
 *
 * This is the way for users to bring a format of their own, and the oracle for those of the library:
 * it is slow and simple, and shares no code with src/walk nor with the formats beside it.
 */
#ifndef PW_DESCRIBED_H
#define PW_DESCRIBED_H

#include "walk/instance.h"

enum {
	PW_DESCRIBED_CONDITIONS = 10, /* of one statement */
	PW_DESCRIBED_FIELDS = 4, /* of one address */
	PW_DESCRIBED_RULES = 80, /* of one level */
	PW_DESCRIBED_TRAITS = 64, /* of one level */
	PW_DESCRIBED_SPANS = 40,
	PW_DESCRIBED_REFUSALS = 24,
};

/* What a condition looks at. */
enum pw_subject {
	PW_SUBJECT_ENTRY, /* or, in statements about the root, the root word in question */
	PW_SUBJECT_ROOT0,
	PW_SUBJECT_ROOT1,
	PW_SUBJECT_ROOTS, /* how many were given */
	PW_SUBJECT_VIEW,
	PW_SUBJECT_KERNEL,
	PW_SUBJECT_CONFIG, /* what the kernel was built with: enum pw_kernel_config */
	PW_SUBJECT_CR4,
	PW_SUBJECT_TCR,
	PW_SUBJECT_KNOWN, /* which registers are: enum pw_register */
};

/* Bits high..low of the subject lie in first..last; or, if negated, do not. */
struct pw_condition {
	uint8_t subject, high, low;
	bool negated;
	uint64_t first, last;
};

struct pw_conditions {
	unsigned count;
	struct pw_condition condition[PW_DESCRIBED_CONDITIONS];
};

/* Bits high..low of the entry, to stand at `at` in the address. */
struct pw_field {
	uint8_t high, low, at;
	bool inverted;
};

struct pw_address {
	unsigned count;
	struct pw_field field[PW_DESCRIBED_FIELDS];
	uint64_t minus; /* subtracted in the end, modulo the size of the highest field */
};

/* The first rule of a level whose conditions hold says what the entry is. */
struct pw_rule {
	uint8_t kind; /* enum pw_kind */
	uint8_t status; /* enum pw_status of a hole */
	uint8_t next; /* PW_TABLE: level of the table behind it */
	uint8_t next_bits; /* log2 of its entries; 0: as its level has */
	bool bits_from_entry, has_length;
	struct pw_field bits; /* where the entry says next_bits itself */
	struct pw_field from, upto; /* which parts of that table exist */
	struct pw_address address;
	struct pw_conditions when;
	unsigned line;
};

enum pw_trait_use {
	PW_TRAIT_HAS, /* the leaf has these attributes */
	PW_TRAIT_DENY, /* a table takes these permissions away; PW_GLOBAL: makes what is below so */
	PW_TRAIT_MEMORY, /* the leaf's memory type; the first that holds */
	PW_TRAIT_MAIR, /* the same, by an index into MAIR; holds if that is known */
	PW_TRAIT_PAT, /* by an index into the PAT, if known */
	PW_TRAIT_INDEX, /* an index, into what is not known */
	PW_TRAIT_SIZE, /* the leaf's size; the first that holds */
	PW_TRAIT_ONES, /* the same, its size written into the address as ones */
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
	bool encryption; /* the regime's address mask holds for entries */
	unsigned spans, refusals;
	struct pw_described_span span[PW_DESCRIBED_SPANS];
	struct pw_refusal refusal[PW_DESCRIBED_REFUSALS];
	struct pw_described_level level[PW_MAX_LEVELS];
	char name[48], title[96], root_name[48], level_name[PW_MAX_LEVELS][24];
};

/* All that an entry says; which members count depends on the kind. */
struct pw_meaning {
	enum pw_kind kind;
	enum pw_status status; /* of a hole */
	pw_pa address; /* table; page of a leaf or of PW_PROT_NONE, aligned to its size */
	unsigned size_lg2; /* of that page */
	uint32_t attr; /* leaf: enum pw_attr, PW_KEXEC, memory type */
	uint32_t denied; /* table: permissions that it takes away */
	unsigned next; /* table: its level, and log2 of its entries */
	unsigned next_bits;
	bool limited; /* table: only parts from..upto of 2^parts_lg2 exist */
	unsigned parts_lg2, from, upto;
};

/* What @entry of a table of @level means; one of that table's entries covers 2^@shift bytes. */
void pw_described_decode(const struct pw_description *description, const struct pw_regime *regime,
			 unsigned level, unsigned shift, uint64_t entry,
			 struct pw_meaning *meaning);

/* The description behind a format of pw_format_load's. */
static inline const struct pw_description *pw_described(const struct pw_format *format)
{
	return (const struct pw_description *)format;
}

/* pw_format.root of every description. */
int pw_described_root(struct pw_regime *regime, const uint64_t *word, unsigned count,
		      struct pw_error *error);

/* The algorithms over a described format; `format` is for the loader to set. */
extern const struct pw_instance pw_described_instance;

#endif
