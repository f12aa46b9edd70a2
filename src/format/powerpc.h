/* SPDX-License-Identifier: MIT */
/*
 * powerpc64 radix (Book3S), with 4K and with 64K base pages.
 * Power ISA 3.0B Book III 5.7.10 "Radix Tree Translation"; Linux
 * arch/powerpc/include/asm/book3s/64/pgtable.h, radix.h and, for the entries that the hardware refuses,
 * arch/powerpc/kvm/book3s_64_mmu_radix.c kvmppc_mmu_walk_radix_tree().
 *
 *  level 3   level 2   level 1   level 0
 *  pgd       pud       pmd       pte
 *  13 bits   9 bits    9 bits    9 bits (4K pages) or 5 bits (64K pages), all 8 bytes, big-endian
 *
 * Each table entry holds the size of the table below it (NLS, log2 of its entries). Only the size of the
 * lowest table can vary. So the base page's size is a property of the entry above it, not of the regime.
 *
 *         63 62  61 60  57 56                     12 11  10  9  8  7  6  5  4  3  2  1  0
 *        +--+---+---+-----+-------------------------+---+---+---+--+--+--+-----+---+--+--+--+
 * leaf   | V|L=1|SW0|     |     real page number    |   |spc|   | R| C|  | ATT | P |rd|wr|ex|
 *        +--+---+---+-----+-------------------------+---+---+---+--+--+--+-----+---+--+--+--+
 * table  | V|L=0|      next table, 59:8                         |        |        NLS       |
 *        +--+---+-----------------------------------------------+--------+------------------+
 *
 * Quadrants: addresses 0x0... belong to the process, and 0xc... to PID 0. Each has its own tree. Linux does
 * not copy its kernel half to processes. If only one root is given, its tree is shown in both places.
 */
#ifndef PW_FORMAT_POWERPC_H
#define PW_FORMAT_POWERPC_H

#include "format/linux.h"

enum {
	PPC_EXEC = 0x1,
	PPC_WRITE = 0x2,
	PPC_READ = 0x4,
	PPC_RWX = 0x7,
	PPC_PRIVILEGED = 0x8,
	PPC_ATT = 0x30,
	PPC_ATT_SAO = 0x10, /* strong access order: cached */
	PPC_ATT_NON_IDEMPOTENT = 0x20,
	PPC_ATT_TOLERANT = 0x30, /* not cached */
	PPC_CHANGED = 0x80,
	PPC_REFERENCED = 0x100,
	PPC_SPECIAL = 0x400, /* Linux, SW2 */
	PPC_NLS = 0x1f,
	PPC_VA_BITS = 52,
};
static const uint64_t PPC_VALID = UINT64_C(1) << 63;
static const uint64_t PPC_LEAF = UINT64_C(1) << 62;
/* Linux, SW0: the entry is valid for Linux while V is clear for the short time of a change. */
static const uint64_t PPC_INVALID = UINT64_C(1) << 61;
static const uint64_t PPC_RPN = UINT64_C(0x01fffffffffff000);
static const uint64_t PPC_TABLE = UINT64_C(0x0fffffffffffff00);
/* Linux calls a directory entry with these bits bad (RADIX_PMD_BAD_BITS); the hardware ignores them. */
static const uint64_t PPC_TABLE_BAD = UINT64_C(0x20000000000000e0);
/* RTS, in two parts: log2 of the tree's size, minus 31. The only size is 52 bits. */
static const uint64_t PPC_ROOT_RTS = UINT64_C(0x60000000000000e0);
static const uint64_t PPC_ROOT_RTS_52 = UINT64_C(0x40000000000000a0);
static const pw_va PPC_QUADRANT_3 = UINT64_C(0xc000000000000000);

/* Does the hardware follow this directory entry? */
static inline bool ppc_table_valid(const struct pw_regime *r, unsigned level, uint64_t e)
{
	unsigned nls = e & PPC_NLS;

	if (nls != 9 && !(nls == 5 && level == 1))
		return false;
	if (r->view == PW_VIEW_LINUX && (e & PPC_TABLE_BAD))
		return false;
	return !(e & PPC_TABLE & pw_mask(nls + 3));
}

/* May a leaf be at this level, and is its address aligned to its size? See ppc_page(). */
static inline bool ppc_leaf_valid(unsigned level, uint64_t e)
{
	return level < 3 && (level == 0 || !(e & PPC_RPN & pw_mask(12 + 9 * level)));
}

static inline enum pw_kind ppc_kind(const struct pw_format *f, const struct pw_regime *r,
				    unsigned level, uint64_t e)
{
	if (PW_LIKELY(e >> 62 == 3))
		return (e & PPC_RWX) && ppc_leaf_valid(level, e) ? PW_LEAF : PW_HOLE;
	if (level > 0 && e >> 62 == 2)
		return ppc_table_valid(r, level, e) ? PW_TABLE : PW_HOLE;
	/* pte_present(). A pmd with these bits is being split, and its page may not be taken. */
	if (r->view == PW_VIEW_LINUX && level == 0 && e >> 61 == 3 && (e & PPC_RWX))
		return PW_LEAF;
	return PW_HOLE;
}

static inline pw_pa ppc_table(const struct pw_format *f, const struct pw_regime *r, unsigned level,
			      uint64_t e)
{
	return e & PPC_TABLE;
}

/*
 * At level 0 the entry above decides the size, and the walker aligns the address to that size. Bits 15:12
 * of a 64K page come from the offset; the entry's own bits 15:12 are ignored, as in microwatt (mmu.vhdl)
 * and QEMU (ppc_radix64_walk_tree). KVM refuses entries with such bits. It also refuses larger pages that
 * are not aligned. This file does so, too, because such an entry was hardly meant as a large page.
 */
static inline pw_pa ppc_page(const struct pw_format *f, const struct pw_regime *r, unsigned level,
			     uint64_t e)
{
	return e & PPC_RPN & ~pw_mask(level == 0 ? 12 : 12 + 9 * level);
}

static inline unsigned ppc_next_bits(const struct pw_format *f, const struct pw_regime *r,
				     uint64_t e)
{
	return e & PPC_NLS;
}

static inline uint32_t ppc_attr(const struct pw_format *f, const struct pw_regime *r,
				unsigned level, uint64_t e)
{
	enum pw_memtype type = PW_MEM_NORMAL;
	uint32_t attr = 0;

	/* The write bit grants reads and writes: ISA 5.7.12, "Read/Write". */
	attr |= e & PPC_WRITE ? PW_READ | PW_WRITE : 0;
	attr |= e & PPC_READ ? PW_READ : 0;
	attr |= e & PPC_EXEC ? PW_EXEC_BOTH : 0;
	attr |= e & PPC_PRIVILEGED ? 0 : PW_USER;
	attr |= e & PPC_REFERENCED ? PW_ACCESSED : 0;
	attr |= e & PPC_CHANGED ? PW_DIRTY : 0;
	if (r->view == PW_VIEW_LINUX && (e & PPC_SPECIAL))
		attr |= PW_SPECIAL;
	if ((e & PPC_ATT) == PPC_ATT_TOLERANT)
		type = PW_MEM_UNCACHED;
	else if ((e & PPC_ATT) == PPC_ATT_NON_IDEMPOTENT)
		type = PW_MEM_DEVICE;
	return attr | pw_memtype_attr(type);
}

static inline enum pw_status ppc_hole(const struct pw_format *f, const struct pw_regime *r,
				      unsigned level, uint64_t e, pw_pa *pa)
{
	bool is_linux = r->view == PW_VIEW_LINUX;

	if ((e & PPC_VALID) && !((e & PPC_LEAF) && ppc_leaf_valid(level, e)))
		return PW_MALFORMED;
	if (!is_linux)
		return PW_NONE;
	/* The hardware may write R and C back to an empty entry: radix__pte_none(). */
	if (!(e & PPC_LEAF) || (level == 0 && !(e & ~(uint64_t)(PPC_REFERENCED | PPC_CHANGED))))
		return PW_NONE;
	/* A leaf without permissions, or a pmd that is being split: Linux has a page here. */
	if ((e & PPC_VALID) || ((e & PPC_INVALID) && level < 2)) {
		*pa = ppc_page(f, r, level, e);
		return PW_PROT_NONE;
	}
	return level < 3 ? pw_linux_swap(r, level, e & 31) : PW_NONE;
}

static inline uint64_t ppc_make_empty(const struct pw_format *f, const struct pw_regime *r,
				      unsigned level)
{
	return 0;
}

/* The bits of a leaf that depend on @attr. Without read, write and exec, the leaf is PROT_NONE. */
static inline uint64_t ppc_attr_bits(uint32_t attr)
{
	uint64_t e = PPC_VALID | PPC_LEAF;

	e |= attr & PW_WRITE ? PPC_WRITE | PPC_READ : 0;
	e |= attr & PW_READ ? PPC_READ : 0;
	e |= attr & PW_EXEC ? PPC_EXEC : 0;
	e |= attr & PW_USER ? 0 : PPC_PRIVILEGED;
	e |= attr & PW_ACCESSED ? PPC_REFERENCED : 0;
	e |= attr & PW_DIRTY ? PPC_CHANGED : 0;
	e |= attr & PW_SPECIAL ? PPC_SPECIAL : 0;
	return e;
}

static inline uint64_t ppc_make_leaf(const struct pw_format *f, const struct pw_regime *r,
				     unsigned level, pw_pa pa, uint32_t attr)
{
	return pa | ppc_attr_bits(attr);
}

static inline uint64_t ppc_make_table(const struct pw_format *f, const struct pw_regime *r,
				      unsigned level, pw_pa pa)
{
	return PPC_VALID | pa | r->format->bits[level - 1];
}

/* PAGE_NONE: present, accessed, and privileged, without any permission. */
static inline uint64_t ppc_make_prot_none(const struct pw_format *f, const struct pw_regime *r,
					  unsigned level, pw_pa pa)
{
	return ppc_make_leaf(f, r, level, pa, PW_ACCESSED);
}

/* __swp_entry: L is set, V is clear; the offset is where the page number is. _PAGE_SWP_EXCLUSIVE. */
static inline struct pw_soft_layout ppc_soft(const struct pw_format *f, const struct pw_regime *r,
					     unsigned level)
{
	if (level > 2)
		return (struct pw_soft_layout){ 0 };
	return (struct pw_soft_layout){
		.type_shift = 0,
		.offset_shift = f->shift[0],
		.offset_bits = 57u - f->shift[0],
		.exclusive = PPC_ATT_NON_IDEMPOTENT,
		.fixed = PPC_LEAF,
	};
}

static inline uint64_t ppc_change_attr(const struct pw_format *f, const struct pw_regime *r,
				       unsigned level, uint64_t e, uint32_t attr)
{
	uint64_t decided = PPC_INVALID | PPC_RWX | PPC_PRIVILEGED | PPC_REFERENCED | PPC_CHANGED |
			   PPC_SPECIAL;

	return (e & ~decided) | ppc_attr_bits(attr);
}

static inline uint64_t ppc_make_root(const struct pw_format *f, const struct pw_regime *r, pw_pa pa,
				     unsigned top)
{
	return PPC_ROOT_RTS_52 | pa | r->format->bits[top];
}

/* Checks one root word, in the order of kvmppc_mmu_walk_radix_tree(). */
static inline int ppc_root_check(const struct pw_regime *r, uint64_t word, struct pw_error *error)
{
	const unsigned bits = r->format->bits[3];

	if ((word & PPC_ROOT_RTS) != PPC_ROOT_RTS_52)
		return pw_fail(error, EINVAL,
			       "process-table entry 0x%llx says that its tree covers %u address "
			       "bits (RTS); radix trees cover 52. The root word is the first "
			       "doubleword of the entry, read as big-endian",
			       (unsigned long long)word,
			       31 + (unsigned)((word >> 61 & 3) << 3 | (word >> 5 & 7)));
	if ((word & PPC_NLS) != bits)
		return pw_fail(error, EINVAL,
			       "process-table entry 0x%llx says that its root table has 2^%u "
			       "entries (RPDS); it must be 2^%u",
			       (unsigned long long)word, (unsigned)(word & PPC_NLS), bits);
	if (word & PPC_TABLE & pw_mask(bits + 3))
		return pw_fail(error, EINVAL,
			       "the root table in process-table entry 0x%llx is not aligned to "
			       "its size of 64 KiB",
			       (unsigned long long)word);
	return 0;
}

/* Takes one root, or two: the process's and PID 0's. The process's may be absent. */
static inline int ppc_root(struct pw_regime *r, const uint64_t *word, unsigned count,
			   struct pw_error *error)
{
	const bool absent = count == 2 && word[0] == PW_ROOT_ABSENT;
	struct pw_span kernel;

	for (unsigned i = absent ? 1 : 0; i < count; i++) {
		int code = ppc_root_check(r, word[i], error);

		if (code)
			return code;
	}
	r->spans = 0;
	if (!absent)
		pw_span_low(&r->span[r->spans++], r->format, 3, word[0] & PPC_TABLE);
	pw_span_low(&kernel, r->format, 3, word[count - 1] & PPC_TABLE);
	kernel.root = (uint8_t)(count - 1);
	kernel.first = PPC_QUADRANT_3;
	kernel.last = PPC_QUADRANT_3 | pw_mask(PPC_VA_BITS);
	kernel.alias = count == 1;
	r->span[r->spans++] = kernel;
	return 0;
}

extern const struct pw_instance pw_instance_ppc64_radix_4k, pw_instance_ppc64_radix_64k;
extern const struct pw_words pw_words_ppc64_radix_4k, pw_words_ppc64_radix_64k;

static const struct pw_format pw_format_ppc64_radix_4k = {
	.name = "ppc64_radix_4k",
	.title = "powerpc64 radix, 4K pages",
	.config = PW_CONFIG_MEMORY_FAILURE | PW_CONFIG_DEVICE_PRIVATE,
	.root_name = "process-table entry",
	.level_name = { "pte", "pmd", "pud", "pgd" },
	.levels = 4,
	.shift = { 12, 21, 30, 39 },
	.bits = { 9, 9, 9, 13 },
	.entry_lg2 = 3,
	.leaf_levels = 0x7,
	.page_field = { 56, 12 },
	.max_roots = 2,
	.big_endian = true,
	.root = ppc_root,
	.kind = ppc_kind,
	.table = ppc_table,
	.page = ppc_page,
	.attr = ppc_attr,
	.hole = ppc_hole,
	.next_bits = ppc_next_bits,
	.make_empty = ppc_make_empty,
	.make_leaf = ppc_make_leaf,
	.make_table = ppc_make_table,
	.make_prot_none = ppc_make_prot_none,
	.change_attr = ppc_change_attr,
	.soft = ppc_soft,
	.make_root = ppc_make_root,
	.words = &pw_words_ppc64_radix_4k,
	.instance = &pw_instance_ppc64_radix_4k,
};

static const struct pw_format pw_format_ppc64_radix_64k = {
	.name = "ppc64_radix_64k",
	.title = "powerpc64 radix, 64K pages",
	.config = PW_CONFIG_MEMORY_FAILURE | PW_CONFIG_DEVICE_PRIVATE,
	.root_name = "process-table entry",
	.level_name = { "pte", "pmd", "pud", "pgd" },
	.levels = 4,
	.shift = { 16, 21, 30, 39 },
	.bits = { 5, 9, 9, 13 },
	.entry_lg2 = 3,
	.leaf_levels = 0x7,
	.page_field = { 56, 16 },
	.max_roots = 2,
	.big_endian = true,
	.root = ppc_root,
	.kind = ppc_kind,
	.table = ppc_table,
	.page = ppc_page,
	.attr = ppc_attr,
	.hole = ppc_hole,
	.next_bits = ppc_next_bits,
	.make_empty = ppc_make_empty,
	.make_leaf = ppc_make_leaf,
	.make_table = ppc_make_table,
	.make_prot_none = ppc_make_prot_none,
	.change_attr = ppc_change_attr,
	.soft = ppc_soft,
	.make_root = ppc_make_root,
	.words = &pw_words_ppc64_radix_64k,
	.instance = &pw_instance_ppc64_radix_64k,
};

#endif
