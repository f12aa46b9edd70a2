/* SPDX-License-Identifier: MIT */
/*
 * arm with the large physical address extension: 64-bit entries, 40-bit physical addresses.
 * ARM ARM DDI0406C B3.6; Linux arch/arm/include/asm/pgtable-3level.h, pgtable-3level-hwdef.h,
 * arch/arm/mm/proc-v7-3level.S (cpu_v7_set_pte_ext, v7_ttb_setup).
 *
 *          level 2    level 1   level 0
 *          pgd (4)    pmd       pte        2, 9 and 9 bits, 8 bytes; all can be leaves
 *
 *       63   62 61   60   59   58 55   54   53   52   39        12  11  10  9 8  7 6 5 4     2 1 0
 *      +--+---------+----+----+------+----+----+----+-------------+---+---+----+----+--+-------+---+
 * table|NS| APTable | XN |PXN |      |    |    |    |   address   |   |   |    |    |  |       |1 1|
 *      +--+---------+----+----+------+----+----+----+-------------+---+---+----+----+--+-------+---+
 * block|                      | sw   | XN |PXN |cont|   address   |nG |AF | SH | AP |NS|AttrIdx|0 1|
 * page |                      | sw   | XN |PXN |cont|   address   |nG |AF | SH | AP |NS|AttrIdx|1 1|
 *      +----------------------+------+----+----+----+-------------+---+---+----+----+--+-------+---+
 *
 * TTBCR says which addresses each of two roots translates. If TTBCR is not known, a single root translates
 * 4 GiB. Of two roots, TTBR1 then translates the kernel's gigabytes, as in Linux without
 * CONFIG_CPU_TTBR0_PAN. The second root word tells how many these are:
 *  - 3G/1G split (TTBCR.T1SZ = 2): a walk starts at a table of level 1, which is aligned to a page.
 *  - 2G/2G split (T1SZ = 1): it starts at the last two entries of a pgd, 16 bytes into it (TTBR1_OFFSET).
 *
 * With CONFIG_CPU_TTBR0_PAN (from 6.9 on), TTBR1 is a whole pgd, aligned like a table of level 1. It is in
 * use from 0 or from 32 MiB on. The root words do not say so, only TTBCR does.
 */
#ifndef PW_FORMAT_ARM_LPAE_H
#define PW_FORMAT_ARM_LPAE_H

#include "format/arm_mair.h"
#include "format/arm_ttbcr.h"
#include "format/linux.h"

enum {
	LPAE_VALID = 1 << 0,
	LPAE_TABLE = 1 << 1, /* in a page, too */
	LPAE_ATTRINDX_SHIFT = 2,
	LPAE_USER = 1 << 6, /* AP[1] */
	LPAE_AP2 = 1 << 7, /* read-only for the hardware */
	LPAE_SH_INNER = 3 << 8,
	LPAE_AF = 1 << 10,
	LPAE_NG = 1 << 11,
	LPAE_TABLE_BITS_SHIFT = 59,

	LPAE_MT_WRITEALLOC = 7,
	LPAE_CONTIGUOUS_LG2 = 4, /* 16 entries: DDI0406C B3.6.1 */
};
static const uint64_t LPAE_CONTIGUOUS = UINT64_C(1) << 52;
static const uint64_t LPAE_PXN = UINT64_C(1) << 53;
static const uint64_t LPAE_XN = UINT64_C(1) << 54;
/* Linux's software bits: L_PTE_*, and L_PMD_SECT_* in the same places. */
static const uint64_t LPAE_L_DIRTY = UINT64_C(1) << 55;
static const uint64_t LPAE_L_SPECIAL = UINT64_C(1) << 56;
static const uint64_t LPAE_L_NONE = UINT64_C(1) << 57;
static const uint64_t LPAE_L_RDONLY = UINT64_C(1) << 58;
static const uint64_t LPAE_ADDRESS = UINT64_C(0xfffffff000);

static inline enum pw_kind lpae_kind(const struct pw_format *f, const struct pw_regime *r,
				     unsigned level, uint64_t e)
{
	unsigned type = e & (LPAE_VALID | LPAE_TABLE);

	if (level == 0)
		return PW_LIKELY(type == (LPAE_VALID | LPAE_TABLE)) ? PW_LEAF : PW_HOLE;
	if (PW_UNLIKELY(!(type & LPAE_VALID)))
		return PW_HOLE;
	return type & LPAE_TABLE ? PW_TABLE : PW_LEAF;
}

static inline pw_pa lpae_table(const struct pw_format *f, const struct pw_regime *r, unsigned level,
			       uint64_t e)
{
	return e & LPAE_ADDRESS;
}

/* 1 GiB blocks cannot be joined: a group would need sixteen, and there are only four. */
static inline unsigned lpae_page_lg2(const struct pw_format *f, const struct pw_regime *r,
				     unsigned level, uint64_t e)
{
	return f->shift[level] +
	       (level < 2 && (e & LPAE_CONTIGUOUS) ? (unsigned)LPAE_CONTIGUOUS_LG2 : 0);
}

/*
 * Address bits below a block's size are ignored, not reserved. Entries of a contiguous group have to
 * agree. If they do not, the hardware may use any of them.
 */
static inline pw_pa lpae_page(const struct pw_format *f, const struct pw_regime *r, unsigned level,
			      uint64_t e)
{
	return e & LPAE_ADDRESS & ~pw_mask(lpae_page_lg2(f, r, level, e));
}

/* AttrIndx is an index into MAIR0 and MAIR1. Linux fills these registers as proc-v7-3level.S says. */
static const uint8_t lpae_linux_types[8] = {
	PW_MEM_DEVICE, PW_MEM_WRITE_COMBINING, PW_MEM_WRITE_THROUGH, PW_MEM_NORMAL,
	PW_MEM_DEVICE, PW_MEM_INDEX_0 + 5,     PW_MEM_INDEX_0 + 6,   PW_MEM_NORMAL,
};

static inline uint32_t lpae_attr(const struct pw_format *f, const struct pw_regime *r,
				 unsigned level, uint64_t e)
{
	uint32_t attr = PW_READ;

	attr |= e & LPAE_USER ? PW_USER : 0;
	attr |= e & LPAE_XN ? 0 : PW_EXEC_BOTH;
	if (e & LPAE_PXN)
		attr &= ~(uint32_t)PW_KEXEC;
	attr |= e & LPAE_AF ? PW_ACCESSED : 0;
	attr |= e & LPAE_NG ? 0 : PW_GLOBAL;
	attr |= level < 2 && (e & LPAE_CONTIGUOUS) ? PW_CONTIGUOUS : 0;
	if (r->view == PW_VIEW_HARDWARE) {
		attr |= e & LPAE_AP2 ? 0 : PW_WRITE;
	} else {
		/* A clean page has AP2 even if it may be written to. */
		attr |= e & LPAE_L_RDONLY ? 0 : PW_WRITE;
		attr |= e & LPAE_L_DIRTY ? PW_DIRTY : 0;
		attr |= level == 0 && (e & LPAE_L_SPECIAL) ? PW_SPECIAL : 0;
	}
	return attr | pw_memtype_attr((enum pw_memtype)r->memtype[e >> LPAE_ATTRINDX_SHIFT & 7]);
}

/*
 * The permissions that a table takes away from all leaves below it, by APTable, XNTable and PXNTable (bits
 * 62 to 59): DDI0406C B3.7.1 and B3.7.2.
 */
static const uint16_t lpae_lost[16] = {
	0,
	PW_KEXEC,
	PW_EXEC_BOTH,
	PW_EXEC_BOTH,
	PW_USER,
	PW_USER | PW_KEXEC,
	PW_USER | PW_EXEC_BOTH,
	PW_USER | PW_EXEC_BOTH,
	PW_WRITE,
	PW_WRITE | PW_KEXEC,
	PW_WRITE | PW_EXEC_BOTH,
	PW_WRITE | PW_EXEC_BOTH,
	PW_WRITE | PW_USER,
	PW_WRITE | PW_USER | PW_KEXEC,
	PW_WRITE | PW_USER | PW_EXEC_BOTH,
	PW_WRITE | PW_USER | PW_EXEC_BOTH,
};

static inline uint32_t lpae_keep(const struct pw_format *f, const struct pw_regime *r,
				 unsigned level, uint64_t e)
{
	return ~(uint32_t)lpae_lost[e >> LPAE_TABLE_BITS_SHIFT & 15];
}

/*
 * A PROT_NONE entry has NONE set and the valid bit clear. A PTE keeps bit 1; in a huge page bit 1 is clear.
 * In Linux 6.1, pmd_present() overlooks such huge pages, but they exist.
 */
static inline enum pw_status lpae_hole(const struct pw_format *f, const struct pw_regime *r,
				       unsigned level, uint64_t e, pw_pa *pa)
{
	if (e & LPAE_VALID)
		return PW_MALFORMED;
	if (r->view == PW_VIEW_HARDWARE || e == 0 || level > 1)
		return PW_NONE;
	if ((e & LPAE_L_NONE) && !(e & LPAE_TABLE) == (level > 0)) {
		*pa = lpae_page(f, r, level, e);
		return PW_PROT_NONE;
	}
	/* Only PTEs can be swap entries. The type is in 6:2. */
	return level > 0 || (e & LPAE_TABLE) ? PW_NONE
					     : pw_linux_swap(r, level, (unsigned)(e >> 2) & 31);
}

static inline uint64_t lpae_make_empty(const struct pw_format *f, const struct pw_regime *r,
				       unsigned level)
{
	return 0;
}

/* The bits of a leaf that depend on @attr. PXN of the table keeps the kernel from executing a user page. */
static inline uint64_t lpae_attr_bits(unsigned level, uint32_t attr)
{
	uint64_t e = 0;

	e |= attr & PW_USER ? LPAE_USER : 0;
	e |= (attr & PW_WRITE) && (attr & PW_DIRTY) ? 0 : LPAE_AP2;
	e |= attr & PW_WRITE ? 0 : LPAE_L_RDONLY;
	e |= attr & PW_EXEC ? 0 : LPAE_XN;
	e |= attr & PW_ACCESSED ? LPAE_AF : 0;
	e |= attr & PW_DIRTY ? LPAE_L_DIRTY : 0;
	e |= level == 0 && (attr & PW_SPECIAL) ? LPAE_L_SPECIAL : 0;
	e |= attr & PW_GLOBAL ? 0 : LPAE_NG;
	return e;
}

static inline uint64_t lpae_make_leaf(const struct pw_format *f, const struct pw_regime *r,
				      unsigned level, pw_pa pa, uint32_t attr)
{
	return pa | LPAE_VALID | (level == 0 ? LPAE_TABLE : 0) | LPAE_SH_INNER |
	       LPAE_MT_WRITEALLOC << LPAE_ATTRINDX_SHIFT | lpae_attr_bits(level, attr);
}

static inline uint64_t lpae_make_table(const struct pw_format *f, const struct pw_regime *r,
				       unsigned level, pw_pa pa)
{
	return pa | LPAE_VALID | LPAE_TABLE;
}

static inline uint64_t lpae_make_prot_none(const struct pw_format *f, const struct pw_regime *r,
					   unsigned level, pw_pa pa)
{
	uint64_t e = lpae_make_leaf(f, r, level, pa, PW_ACCESSED) | LPAE_L_NONE;

	return e & ~(uint64_t)LPAE_VALID;
}

/* The fields are those of short descriptors: swap entries have 32 bits in Linux. PTEs alone have them. */
static inline struct pw_soft_layout lpae_soft(const struct pw_format *f, const struct pw_regime *r,
					      unsigned level)
{
	if (level > 0)
		return (struct pw_soft_layout){ 0 };
	return (struct pw_soft_layout){
		.type_shift = 2,
		.offset_shift = 8,
		.offset_bits = 24,
		.exclusive = 1 << 7,
	};
}

static inline uint64_t lpae_change_attr(const struct pw_format *f, const struct pw_regime *r,
					unsigned level, uint64_t e, uint32_t attr)
{
	uint64_t decided = LPAE_USER | LPAE_AP2 | LPAE_AF | LPAE_NG | LPAE_XN | LPAE_PXN |
			   LPAE_L_DIRTY | LPAE_L_RDONLY | (level == 0 ? LPAE_L_SPECIAL : 0);

	return (e & ~decided) | lpae_attr_bits(level, attr);
}

static inline uint64_t lpae_join(const struct pw_format *f, const struct pw_regime *r,
				 unsigned level, uint64_t leaf, unsigned group_lg2)
{
	return leaf | LPAE_CONTIGUOUS;
}

static inline uint64_t lpae_make_root(const struct pw_format *f, const struct pw_regime *r,
				      pw_pa pa, unsigned top)
{
	return pa;
}

/* TTBR: 55:48 are the ASID, bit 0 is CnP. 39:5 are the address, in TTBR1 39:12 or 39:4. */
static inline int lpae_root(struct pw_regime *r, const uint64_t *word, unsigned count,
			    struct pw_error *error)
{
	const pw_va end_2g = UINT64_C(0x80000000), end_3g = UINT64_C(0xc0000000);
	unsigned first_gib = 3; /* of TTBR1 */
	uint64_t low;

	arm_mair_fill(r, lpae_linux_types);
	if (r->registers.known & PW_REGISTER_TCR)
		return lpae_root_ttbcr(r, word, count, error);
	if (word[0] & 0x1e)
		return pw_fail(error, EINVAL,
			       "TTBR0 0x%llx cannot be a root of LPAE: its table of 4 entries is "
			       "aligned to 32 bytes. Is this a root of short descriptors (arm)?",
			       (unsigned long long)word[0]);
	pw_span_low(&r->span[0], r->format, 2, word[0] & pw_mask(40) & ~pw_mask(5));
	if (count < 2)
		return 0;
	low = word[1] & 0xffe;
	if (low != 0 && low != 0x10)
		return pw_fail(error, EINVAL,
			       "TTBR1 0x%llx fits neither a 3G/1G split (a table aligned to 4096 "
			       "bytes) nor a 2G/2G split (16 bytes into such a table). Give "
			       "TTBR0 alone: Linux keeps the kernel's entries in every pgd",
			       (unsigned long long)word[1]);
	if (low)
		first_gib = 2;
	r->span[0].last = (first_gib == 2 ? end_2g : end_3g) - 1;
	r->span[0].top_last = first_gib - 1;
	pw_span_low(&r->span[1], r->format, low ? 2 : 1, word[1] & pw_mask(40) & ~pw_mask(4));
	r->span[1].root = 1;
	r->span[1].first = r->span[0].last + 1;
	r->span[1].last = pw_mask(32);
	if (low) {
		r->span[1].top_bits = 1;
		r->span[1].top_last = 1;
	}
	r->spans = 2;
	return 0;
}

extern const struct pw_instance pw_instance_arm_lpae;
extern const struct pw_words pw_words_arm_lpae;

static const struct pw_format pw_format_arm_lpae = {
	.name = "arm_lpae",
	.title = "arm LPAE, 3 levels",
	.root_name = "TTBR0 [TTBR1]",
	.level_name = { "pte", "pmd", "pgd" },
	.levels = 3,
	.shift = { 12, 21, 30 },
	.bits = { 9, 9, 2 },
	.entry_lg2 = 3,
	.leaf_levels = 0x7,
	.page_field = { 39, 12 },
	.groups = { 1 << 4, 1 << 4 },
	.max_roots = 2,
	.dynamic_top = true,
	.root = lpae_root,
	.kind = lpae_kind,
	.table = lpae_table,
	.page = lpae_page,
	.page_lg2 = lpae_page_lg2,
	.attr = lpae_attr,
	.keep = lpae_keep,
	.hole = lpae_hole,
	.make_empty = lpae_make_empty,
	.make_leaf = lpae_make_leaf,
	.make_table = lpae_make_table,
	.make_prot_none = lpae_make_prot_none,
	.change_attr = lpae_change_attr,
	.join = lpae_join,
	.soft = lpae_soft,
	.make_root = lpae_make_root,
	.words = &pw_words_arm_lpae,
	.instance = &pw_instance_arm_lpae,
};

#endif
