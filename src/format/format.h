/* SPDX-License-Identifier: MIT */
/*
 * The parts of a format, and the recipe for a new one.
 *
 * To add formats of a family FOO, each with a NAME, follow these steps. The test `recipe` checks them for
 * every format, and names the missing parts.
 *  1. src/format/FOO.h: copy the most similar one. Cite the manual, name the levels, draw and list the bits.
 *     Fill the numbers and the reading functions. Each function looks at its parameters and at nothing else.
 *     The title begins with the family's name, as the documents of step 9 spell it. Leave out .words, which
 *     would not link yet, and the writing functions.
 *  2. src/instance/FOO.c: one line for each NAME. Add it to src/meson.build, and each NAME to
 *     src/instance/registry.c. Walks work now.
 *  3. Fill the writing functions. Add a line to all_limits[] in tests/format/builders.c: the attributes that
 *     leaves of NAME cannot hold. The generic tests build their tables with these functions, so they run now.
 *  4. src/format/FOO_folds.h (fold_style.h): how Linux folds the levels. Add each style to lab/fold/lean.h.
 *     Tables that have no relation to Linux's five levels have no style, and need no such file.
 *  5. src/format/FOO_words.c (words.h): names of the bits, reasons, the list of the styles, and what a
 *     search for roots has to know of the machine. Add it to src/meson.build, and fill .words. Add a line to
 *     tests/unit/view_flags.c.
 *  6. tests/format/vectors_FOO.c: golden vectors from the manual. Add it to tests/format/meson.build.
 *  7. tests/format/tables/NAME.pwt and tests/format/tables/NAME-invalid.pwt: tables written by hand. README
 *     beside them describes their language.
 *  8. tests/oracle/formats/NAME.pwf: the description for the oracle, in the language of pagewalk-format(5).
 *     Add it to tests/oracle/meson.build. swap_types.py, in the same folder, writes the lines about swap types.
 *  9. README.md, CHANGELOG.md and doc/folding.md: name the family. CAVEATS.md: say of each NAME whether a
 *     real kernel confirmed it.
 *
 * Only if a walk shifts by a register: give the reason in tests/specialised/objects.py. Only if there are
 * dumps of the machine: name it in src/memory/elf.c (and in src/memory/kdump.c, which knows machines by their
 * uname). Only if they hold its roots: read them in src/memory/notes.c and src/memory/vmcoreinfo_root.c.
 *
 * Reading functions are plain `static inline`. The compiler inlines them, because it reaches them through a
 * constant struct pw_format. They are not always_inline: at -Og, gcc refuses that through a pointer.
 */
#ifndef PW_FORMAT_FORMAT_H
#define PW_FORMAT_FORMAT_H

#include "base/error.h"
#include "base/mutant.h"
#include "base/words.h"

struct pw_instance;
struct pw_words;

/*
 * Where the soft entries of a level have their fields. A soft entry is one that is not present, and in which
 * Linux keeps what became of the page: linux.h, which also writes and reads such entries. The type has 5 bits.
 */
struct pw_soft_layout {
	uint8_t type_shift;
	uint8_t offset_shift;
	uint8_t offset_bits; /* 0: entries of this level cannot be soft; all else is then 0, too */
	bool inverted; /* the entry has the complement of the offset */
	uint64_t exclusive; /* the bit of the marker "exclusive" */
	uint64_t fixed; /* bits that are set in every soft entry */
};

struct pw_format {
	const char *name;
	const char *title;
	const char *root_name;
	const char *level_name[PW_MAX_LEVELS];
	/*
	 * The encoding, if the family has several: a small number, which the family's header names. In
	 * the family's functions it is a constant, as every number here is.
	 */
	uint8_t variant;

	/* Geometry of the deepest regime; a table of level n covers 2^(shift[n] + bits[n]) bytes. */
	uint8_t levels;
	uint8_t shift[PW_MAX_LEVELS];
	uint8_t bits[PW_MAX_LEVELS];
	uint8_t entry_lg2; /* 2 or 3 */
	uint8_t leaf_levels; /* bit n: an entry of level n can be a leaf */
	/*
	 * Highest and lowest bit of a field in a leaf of level 0 that holds the page's address and nothing
	 * else. In leaves of the levels above, the address has the same bits, and nothing else is in those
	 * that it has there: see pw_leaf_field. Both 0: there is no such field, so each leaf is decoded by
	 * itself.
	 */
	uint8_t page_field[2];
	uint8_t max_roots;
	bool big_endian;
	bool dynamic_top; /* the root, or an entry, decides the level of the next table */
	uint8_t usual_top; /* with dynamic_top: where most walks start, or 0. They have a short cut */
	/* enum pw_kernel_config: options that this machine's kernels can have. Debian's do: linux.c. */
	uint8_t config;
	bool needs_ttbcr; /* only TTBCR says what a second root translates; built tables have one root */
	bool prefixed; /* pages have real addresses; a CPU's prefix makes them absolute */
	bool linux_twin; /* Linux keeps separate PTEs beside these; the Linux view reads those */
	/* By level. Bit n: 2^n neighbouring leaves can be joined to one page. */
	uint16_t groups[PW_MAX_LEVELS];

	/*
	 * Decodes the root words into regime->span[]. Returns 0, or -EINVAL with a sentence. All other
	 * members of the regime are set before.
	 */
	int (*root)(struct pw_regime *regime, const uint64_t *word, unsigned count,
		    struct pw_error *error);

	/* ---- reading: each function gets a value that was loaded once ---- */

	/* Never PW_TABLE at level 0. Every hole is a PW_HOLE, and hole() gives the reason. */
	enum pw_kind (*kind)(const struct pw_format *format, const struct pw_regime *regime,
			     unsigned level, uint64_t entry);
	/*
	 * An ordinary entry of a level above 0, as Linux writes most of them: true only if kind() is PW_TABLE,
	 * keep() leaves all, and admits() every index. One comparison instead of several; NULL: none. (Test:
	 * format/shortcuts.)
	 */
	bool (*plain)(const struct pw_format *format, const struct pw_regime *regime,
		      unsigned level, uint64_t entry);
	/* Address of the next table. */
	pw_pa (*table)(const struct pw_format *format, const struct pw_regime *regime,
		       unsigned level, uint64_t entry);
	/* Address of the page, aligned to its size. */
	pw_pa (*page)(const struct pw_format *format, const struct pw_regime *regime,
		      unsigned level, uint64_t entry);
	/* log2 of the page's size. NULL: it is always shift[level]. */
	unsigned (*page_lg2)(const struct pw_format *format, const struct pw_regime *regime,
			     unsigned level, uint64_t entry);
	/* Attributes of a leaf: enum pw_attr, PW_KEXEC, and pw_memtype_attr(). */
	uint32_t (*attr)(const struct pw_format *format, const struct pw_regime *regime,
			 unsigned level, uint64_t entry);
	/*
	 * Of attr(), the bits of PW_PROT_MASK and PW_KEXEC alone, for answers that need no others. NULL: attr()
	 * is masked; a compiler decodes more then. (Test: format/shortcuts.)
	 */
	uint32_t (*prot)(const struct pw_format *format, const struct pw_regime *regime,
			 unsigned level, uint64_t entry);
	/*
	 * attr() below tables that leave all, in two parts: rights() is the effective PW_PROT_MASK, facts() the
	 * rest. They say so in fewer instructions. NULL, both: attr() is settled. (Test: format/shortcuts.)
	 */
	uint32_t (*rights)(const struct pw_format *format, const struct pw_regime *regime,
			   unsigned level, uint64_t entry);
	uint32_t (*facts)(const struct pw_format *format, const struct pw_regime *regime,
			  unsigned level, uint64_t entry);
	/* The permissions that a table entry does not take away from the leaves below it. NULL: all. */
	uint32_t (*keep)(const struct pw_format *format, const struct pw_regime *regime,
			 unsigned level, uint64_t entry);
	/*
	 * As plain(), but the table may take permissions away: it does where a bit of gives is clear, or one of
	 * takes is set. A format has at most one of the two. keep() of the AND (gives) or the OR (takes) of
	 * entries is the AND of what each leaves. NULL: no one walk is straight. (Test: format/shortcuts.)
	 */
	bool (*passes)(const struct pw_format *format, const struct pw_regime *regime,
		       unsigned level, uint64_t entry);
	uint64_t gives, takes;
	/* The reason for a hole. With PW_PROT_NONE, *pa is the page's address, as from page(). */
	enum pw_status (*hole)(const struct pw_format *format, const struct pw_regime *regime,
			       unsigned level, uint64_t entry, pw_pa *pa);
	/* Does the table behind this entry of @level have an entry @index? NULL: always. */
	bool (*admits)(const struct pw_format *format, const struct pw_regime *regime,
		       unsigned level, uint64_t entry, uint32_t index);
	/* log2 of the number of entries in the level-0 table behind a level-1 entry. NULL: bits[0]. */
	unsigned (*next_bits)(const struct pw_format *format, const struct pw_regime *regime,
			      uint64_t entry);
	/* Level of the table behind this entry. NULL: level - 1. */
	unsigned (*next_level)(const struct pw_format *format, const struct pw_regime *regime,
			       unsigned level, uint64_t entry);

	/*
	 * ---- writing: values to be stored ----
	 *
	 * Described formats have none of these. A built-in format lacks make_prot_none only if it has no
	 * such entries, and join only if it has no groups. A format that Linux does not use, or whose tables
	 * Linux keeps beside its own, has soft entries of pagewalk's own.
	 */

	/* An empty entry. On s390 it still names its level. */
	uint64_t (*make_empty)(const struct pw_format *format, const struct pw_regime *regime,
			       unsigned level);
	/*
	 * A leaf for the page at @pa, as the Linux of this regime would write it. @pa is aligned to
	 * 2^shift[level]. Of @attr, PW_PROT_MASK and the accessed, dirty, special and global bits count.
	 */
	uint64_t (*make_leaf)(const struct pw_format *format, const struct pw_regime *regime,
			      unsigned level, pw_pa pa, uint32_t attr);
	/* An entry of @level that leads to the table at @pa. */
	uint64_t (*make_table)(const struct pw_format *format, const struct pw_regime *regime,
			       unsigned level, pw_pa pa);
	/* An entry for the page at @pa that is present and that nobody may access (PROT_NONE). */
	uint64_t (*make_prot_none)(const struct pw_format *format, const struct pw_regime *regime,
				   unsigned level, pw_pa pa);
	/* The leaf @entry with other attributes and the same page. @attr is as in make_leaf(). */
	uint64_t (*change_attr)(const struct pw_format *format, const struct pw_regime *regime,
				unsigned level, uint64_t entry, uint32_t attr);
	/*
	 * @leaf, a result of make_leaf(), as a member of a group of 2^@group_lg2 leaves. The group's first
	 * page is aligned to the group's size. NULL if groups[] is all zero.
	 */
	uint64_t (*join)(const struct pw_format *format, const struct pw_regime *regime,
			 unsigned level, uint64_t leaf, unsigned group_lg2);
	/*
	 * Where soft entries of @level have their fields. hole() finds the type in the same place; in the
	 * tables of a linux_twin format it finds an empty entry, as the hardware does.
	 */
	struct pw_soft_layout (*soft)(const struct pw_format *format,
				      const struct pw_regime *regime, unsigned level);
	/* The root word for a top table at @pa of level @top: the inverse of root(). */
	uint64_t (*make_root)(const struct pw_format *format, const struct pw_regime *regime,
			      pw_pa pa, unsigned top);

	const struct pw_words *words; /* for people: format/words.h. NULL: a described format */
	const struct pw_instance *instance;
};

/*
 * Refuses at compile time a walker whose format is not a constant. Such a walker would work, but at a
 * quarter of the speed, because it calls the format's functions; and nobody would notice.
 */
#if defined(__OPTIMIZE__) && !defined(PW_NO_CONSTANT_GUARD) && !defined(PW_COMPILED_ONCE)
void pw_format_is_not_constant(void)
	__attribute__((error("the format must be the address of a static const struct pw_format")));
#define PW_MUST_BE_CONSTANT(x)                       \
	do {                                         \
		if (!__builtin_constant_p(x))        \
			pw_format_is_not_constant(); \
	} while (0)
#else
#define PW_MUST_BE_CONSTANT(x) ((void)0)
#endif

/* ---- spans: helpers for root() ---- */

/* One span from 0 over all addresses that the top table covers. */
static inline void pw_span_low(struct pw_span *span, const struct pw_format *format, unsigned top,
			       pw_pa table)
{
	*span = (struct pw_span){
		.first = 0,
		.last = pw_mask(format->shift[top] + format->bits[top]),
		.table = table,
		.top_last = (uint32_t)pw_mask(format->bits[top]),
		.top = (uint8_t)top,
		.top_bits = format->bits[top],
	};
}

/* The two sign-extended halves of x86-64 and riscv: one table translates both. */
static inline void pw_span_signed(struct pw_regime *regime, pw_pa table)
{
	const struct pw_format *format = regime->format;
	unsigned top = format->levels - 1u;
	unsigned bits = format->shift[top] + format->bits[top];

	pw_span_low(&regime->span[0], format, top, table);
	regime->span[1] = regime->span[0];
	regime->span[0].last = pw_mask(bits - 1);
	regime->span[1].first = ~pw_mask(bits - 1);
	regime->span[1].last = ~UINT64_C(0);
	regime->spans = 2;
}

/* ---- prefixing: PoP SA22-7832 chapter 3, "Prefixing" ---- */

enum { PW_PREFIX_AREA = 0x2000 };

/* The absolute address of @real. A prefix of 0 changes nothing; all formats but s390x have that. */
PW_INLINE pw_pa pw_absolute(const struct pw_regime *regime, pw_pa real)
{
	const pw_pa prefix = regime->registers.prefix;

	if (pw_mutant(PW_MUTANT_NO_PREFIX))
		return real;
	if (real < PW_PREFIX_AREA)
		return real + prefix;
	return real - prefix < PW_PREFIX_AREA ? real - prefix : real;
}

/*
 * Returns the last address of the run that begins at @real, and at most @last. In a run, all real addresses
 * differ from their absolute ones by the same amount.
 */
static inline pw_pa pw_absolute_last(const struct pw_regime *regime, pw_pa real, pw_pa last)
{
	const pw_pa ends[3] = {
		PW_PREFIX_AREA,
		regime->registers.prefix,
		regime->registers.prefix + PW_PREFIX_AREA,
	};

	for (unsigned i = 0; i < 3; i++)
		if (ends[i] > real && ends[i] - 1 < last)
			last = ends[i] - 1;
	return last;
}

/* The span that covers @va. NULL: @va is not canonical. */
PW_INLINE const struct pw_span *pw_span_find(const struct pw_regime *regime, pw_va va)
{
	if (PW_LIKELY(va <= regime->span[0].last && va >= regime->span[0].first))
		return &regime->span[0];
	if (regime->spans > 1 && va >= regime->span[1].first && va <= regime->span[1].last)
		return &regime->span[1];
	return NULL;
}

#endif
