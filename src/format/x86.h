/* SPDX-License-Identifier: MIT */
/*
 * x86: 64-bit with four and five levels. What PAE and i386 share with these is here, too.
 * Intel SDM volume 3 chapter 4 "Paging"; Linux arch/x86/include/asm/pgtable_types.h, pgtable.h,
 * pgtable-invert.h.
 *
 *          level 4   level 3   level 2   level 1   level 0
 * x86_64   (PML5E)   PML4E     PDPTE     PDE       PTE      9 bits each, 8 bytes
 *
 *   63  62      52 51                      12 11  9  8   7   6   5   4   3   2   1   0
 *  +--+-----------+--------------------------+-----+---+---+---+---+---+---+---+---+---+
 *  |NX|  software |         address          | sw  | G |PS | D | A |PCD|PWT|U/S|R/W| P |
 *  +--+-----------+--------------------------+-----+---+---+---+---+---+---+---+---+---+
 */
#ifndef PW_FORMAT_X86_H
#define PW_FORMAT_X86_H

#include "format/linux.h"

enum {
	X86_P = 1 << 0,
	X86_RW = 1 << 1,
	X86_US = 1 << 2,
	X86_PWT = 1 << 3,
	X86_PCD = 1 << 4,
	X86_A = 1 << 5,
	X86_D = 1 << 6,
	X86_PS = 1 << 7, /* level > 0: a leaf; level 0: PAT */
	X86_G = 1 << 8,
	X86_PROTNONE = 1 << 8, /* Linux, if P is clear */
	X86_SPECIAL = 1 << 9, /* Linux, software bit 1 */
	X86_PAT_LARGE = 1 << 12,
};
static const uint64_t X86_NX = UINT64_C(1) << 63;
static const uint64_t X86_ADDRESS = UINT64_C(0x000ffffffffff000);

/* ---- shared by all formats, i386 too ---- */

static inline uint32_t x86_prot(const struct pw_format *f, const struct pw_regime *r,
				unsigned level, uint64_t e)
{
	return PW_READ | (e & X86_RW ? PW_WRITE : 0) | (e & X86_US ? PW_USER : 0) |
	       (e & X86_NX ? 0 : PW_EXEC_BOTH);
}

/* Bits 1 and 2 of an entry are PW_WRITE and, one place higher, PW_USER; execution is what bit 63 forbids. */
static inline uint32_t x86_rights(const struct pw_format *f, const struct pw_regime *r,
				  unsigned level, uint64_t e)
{
	return (((uint32_t)e & X86_RW) | ((uint32_t)e << 1 & PW_USER) |
		((uint32_t)(e >> 61) & PW_EXEC)) ^
	       (PW_READ | PW_EXEC);
}

/* Bits 5, 6 and 8 are, one and two places lower, PW_ACCESSED, PW_DIRTY and PW_GLOBAL. */
static inline uint32_t x86_facts(const struct pw_format *f, const struct pw_regime *r,
				 unsigned level, uint64_t e)
{
	const unsigned pat = level > 0 ? 12 : 7;
	uint32_t attr = ((uint32_t)e >> 1 & (PW_ACCESSED | PW_DIRTY)) |
			((uint32_t)e >> 2 & PW_GLOBAL);
	unsigned type = 0;

	/* First, so that a compiler drops the rest for who asks only for this one, as pins do. */
	if (level == 0 && PW_UNLIKELY(e & X86_SPECIAL) && r->view == PW_VIEW_LINUX)
		attr |= PW_SPECIAL;
	/* Nearly all memory has the first type. */
	if (PW_UNLIKELY(e & (X86_PWT | X86_PCD | UINT64_C(1) << pat)))
		type = (unsigned)((e >> 3 & 3) | (e >> (pat - 2) & 4));
	return attr | pw_memtype_attr((enum pw_memtype)r->memtype[type]);
}
_Static_assert((int)PW_WRITE == (int)X86_RW && (int)PW_USER == X86_US << 1 &&
		       (int)PW_ACCESSED == X86_A >> 1 && (int)PW_DIRTY == X86_D >> 1 &&
		       (int)PW_GLOBAL == X86_G >> 2 && PW_EXEC == 4,
	       "x86_rights and x86_facts shift entries");

static inline uint32_t x86_attr(const struct pw_format *f, const struct pw_regime *r,
				unsigned level, uint64_t e)
{
	return x86_prot(f, r, level, e) | x86_facts(f, r, level, e);
}

/*
 * The memory types that PAT, PCD and PWT select, SDM 12.12. If the PAT is not known, index 0 is write-back
 * and PCD alone is uncached: the reset value and Linux's value agree on these.
 */
static inline void x86_memtypes(struct pw_regime *r)
{
	static const uint8_t known[8] = {
		PW_MEM_UNCACHED,      PW_MEM_WRITE_COMBINING, PW_MEM_INDEXED, PW_MEM_INDEXED,
		PW_MEM_WRITE_THROUGH, PW_MEM_WRITE_PROTECTED, PW_MEM_NORMAL,  PW_MEM_UNCACHED,
	};

	r->memtype[0] = PW_MEM_NORMAL;
	r->memtype[2] = r->memtype[3] = PW_MEM_UNCACHED;
	for (unsigned i = 0; i < 8 && (r->registers.known & PW_REGISTER_PAT); i++)
		r->memtype[i] = known[r->registers.pat >> 8 * i & 7];
}

/* Permissions are the AND over all levels, execute-disable the OR: SDM 4.6.1. */
static inline uint32_t x86_keep(const struct pw_format *f, const struct pw_regime *r,
				unsigned level, uint64_t e)
{
	if ((e & (X86_RW | X86_US | X86_NX)) == (X86_RW | X86_US))
		return PW_KEEP_ALL;
	return PW_READ | PW_GLOBAL | (e & X86_RW ? PW_WRITE : 0) | (e & X86_US ? PW_USER : 0) |
	       (e & X86_NX ? 0 : PW_EXEC_BOTH);
}

/* The bits of a leaf that depend on @attr. */
static inline uint64_t x86_attr_bits(const struct pw_format *f, unsigned level, uint32_t attr)
{
	const bool has_nx = f->entry_lg2 == 3;
	uint64_t e = X86_P;

	e |= attr & PW_WRITE ? X86_RW : 0;
	e |= attr & PW_USER ? X86_US : 0;
	e |= attr & PW_ACCESSED ? X86_A : 0;
	e |= attr & PW_DIRTY ? X86_D : 0;
	e |= attr & PW_GLOBAL ? X86_G : 0;
	e |= level == 0 && (attr & PW_SPECIAL) ? X86_SPECIAL : 0;
	e |= has_nx && !(attr & PW_EXEC) ? X86_NX : 0;
	return e;
}

static inline uint64_t x86_change_attr(const struct pw_format *f, const struct pw_regime *r,
				       unsigned level, uint64_t e, uint32_t attr)
{
	uint64_t decided = X86_P | X86_RW | X86_US | X86_A | X86_D | X86_G | X86_NX |
			   (level == 0 ? X86_SPECIAL : 0);

	return (e & ~decided) | x86_attr_bits(f, level, attr);
}

static inline uint64_t x86_make_empty(const struct pw_format *f, const struct pw_regime *r,
				      unsigned level)
{
	return 0;
}

static inline uint64_t x86_make_root(const struct pw_format *f, const struct pw_regime *r, pw_pa pa,
				     unsigned top)
{
	return pa;
}

/* ---- 64-bit and PAE ---- */

static inline enum pw_kind x86_long_kind(const struct pw_format *f, const struct pw_regime *r,
					 unsigned level, uint64_t e)
{
	if (PW_UNLIKELY(!(e & X86_P)))
		return PW_HOLE;
	if (level == 0)
		return PW_LEAF;
	if (!(e & X86_PS))
		return PW_TABLE;
	/* PS is reserved above 1 GiB; address bits below the page's size are, too (bit 12 is PAT). */
	if (level > 2 || (e & pw_mask(f->shift[level]) & ~pw_mask(13)))
		return PW_HOLE;
	return PW_LEAF;
}

/* Linux writes the tables of user memory in this way. */
static inline bool x86_long_plain(const struct pw_format *f, const struct pw_regime *r,
				  unsigned level, uint64_t e)
{
	const uint64_t takes = pw_mutant(PW_MUTANT_PLAIN_TAKES) ? 0 : X86_NX;

	return (e & (X86_P | X86_RW | X86_US | X86_PS | takes)) == (X86_P | X86_RW | X86_US);
}

static inline bool x86_long_passes(const struct pw_format *f, const struct pw_regime *r,
				   unsigned level, uint64_t e)
{
	return (e & (X86_P | X86_PS | X86_NX)) == X86_P;
}

static inline pw_pa x86_long_table(const struct pw_format *f, const struct pw_regime *r,
				   unsigned level, uint64_t e)
{
	return e & r->address_mask;
}

static inline pw_pa x86_long_page(const struct pw_format *f, const struct pw_regime *r,
				  unsigned level, uint64_t e)
{
	return e & r->address_mask & ~pw_mask(f->shift[level]);
}

/*
 * Non-present entries hold the inverted frame number (the L1TF defence, pgtable-invert.h), so their
 * address field is not an address. Swap entries have the type in 63:59: __swp_entry of pgtable_64.h.
 */
static inline enum pw_status x86_long_hole(const struct pw_format *f, const struct pw_regime *r,
					   unsigned level, uint64_t e, pw_pa *pa)
{
	if (PW_UNLIKELY(e & X86_P))
		return PW_MALFORMED;
	/* Knights Landing may set A and D in an empty entry: pte_none(). */
	if (r->view == PW_VIEW_HARDWARE || !(e & ~(uint64_t)(X86_A | X86_D)) || level > 2)
		return PW_NONE;
	/* A pmd with PS alone is a huge page being split. It may not be used meanwhile: pmd_present(). */
	if (level == 0 ? e & X86_PROTNONE : e & X86_PS && (level == 1 || e & X86_PROTNONE)) {
		*pa = ~e & r->address_mask & ~pw_mask(f->shift[level]);
		return PW_PROT_NONE;
	}
	return e & X86_PS && level > 0 ? PW_NONE : pw_linux_swap(r, level, (unsigned)(e >> 59));
}

/* pgtable_64.h. The offset is inverted, as the frame numbers are. */
static inline struct pw_soft_layout x86_long_soft(const struct pw_format *f,
						  const struct pw_regime *r, unsigned level)
{
	if (level > 2)
		return (struct pw_soft_layout){ 0 };
	return (struct pw_soft_layout){
		.type_shift = 59,
		.offset_shift = 9,
		.offset_bits = 50,
		.inverted = true,
		.exclusive = X86_PWT,
	};
}

static inline uint64_t x86_long_make_leaf(const struct pw_format *f, const struct pw_regime *r,
					  unsigned level, pw_pa pa, uint32_t attr)
{
	return pa | x86_attr_bits(f, level, attr) | (level > 0 ? X86_PS : 0);
}

static inline uint64_t x86_long_make_table(const struct pw_format *f, const struct pw_regime *r,
					   unsigned level, pw_pa pa)
{
	return pa | X86_P | X86_RW | X86_US | X86_A | X86_D;
}

static inline uint64_t x86_long_make_prot_none(const struct pw_format *f, const struct pw_regime *r,
					       unsigned level, pw_pa pa)
{
	return (~pa & X86_ADDRESS & ~pw_mask(f->shift[level])) | X86_PROTNONE | X86_A |
	       (level > 0 ? X86_PS : 0);
}

/* CR3: the address is in 51:12. PCID, LAM and the no-flush bit are not part of it. */
static inline int x86_64_root(struct pw_regime *r, const uint64_t *word, unsigned count,
			      struct pw_error *error)
{
	(void)error;
	x86_memtypes(r);
	pw_span_signed(r, word[0] & r->address_mask);
	return 0;
}

/* ---- the formats ---- */

extern const struct pw_instance pw_instance_x86_64, pw_instance_x86_64_la57;
extern const struct pw_words pw_words_x86_64, pw_words_x86_64_la57;

static const struct pw_format pw_format_x86_64 = {
	.name = "x86_64",
	.title = "x86-64, 4 levels",
	.config = PW_CONFIG_MEMORY_FAILURE | PW_CONFIG_DEVICE_PRIVATE | PW_CONFIG_PTE_MARKER,
	.root_name = "CR3",
	.level_name = { "pte", "pmd", "pud", "pgd" },
	.levels = 4,
	.shift = { 12, 21, 30, 39 },
	.bits = { 9, 9, 9, 9 },
	.entry_lg2 = 3,
	.leaf_levels = 0x7,
	.page_field = { 51, 12 },
	.max_roots = 1,
	.root = x86_64_root,
	.kind = x86_long_kind,
	.plain = x86_long_plain,
	.table = x86_long_table,
	.page = x86_long_page,
	.attr = x86_attr,
	.prot = x86_prot,
	.rights = x86_rights,
	.facts = x86_facts,
	.keep = x86_keep,
	.passes = x86_long_passes,
	.gives = X86_RW | X86_US,
	.hole = x86_long_hole,
	.make_empty = x86_make_empty,
	.make_leaf = x86_long_make_leaf,
	.make_table = x86_long_make_table,
	.make_prot_none = x86_long_make_prot_none,
	.change_attr = x86_change_attr,
	.soft = x86_long_soft,
	.make_root = x86_make_root,
	.words = &pw_words_x86_64,
	.instance = &pw_instance_x86_64,
};

static const struct pw_format pw_format_x86_64_la57 = {
	.name = "x86_64_la57",
	.title = "x86-64, 5 levels (CR4.LA57)",
	.config = PW_CONFIG_MEMORY_FAILURE | PW_CONFIG_DEVICE_PRIVATE | PW_CONFIG_PTE_MARKER,
	.root_name = "CR3",
	.level_name = { "pte", "pmd", "pud", "p4d", "pgd" },
	.levels = 5,
	.shift = { 12, 21, 30, 39, 48 },
	.bits = { 9, 9, 9, 9, 9 },
	.entry_lg2 = 3,
	.leaf_levels = 0x7,
	.page_field = { 51, 12 },
	.max_roots = 1,
	.root = x86_64_root,
	.kind = x86_long_kind,
	.plain = x86_long_plain,
	.table = x86_long_table,
	.page = x86_long_page,
	.attr = x86_attr,
	.prot = x86_prot,
	.rights = x86_rights,
	.facts = x86_facts,
	.keep = x86_keep,
	.passes = x86_long_passes,
	.gives = X86_RW | X86_US,
	.hole = x86_long_hole,
	.make_empty = x86_make_empty,
	.make_leaf = x86_long_make_leaf,
	.make_table = x86_long_make_table,
	.make_prot_none = x86_long_make_prot_none,
	.change_attr = x86_change_attr,
	.soft = x86_long_soft,
	.make_root = x86_make_root,
	.words = &pw_words_x86_64_la57,
	.instance = &pw_instance_x86_64_la57,
};

#endif
