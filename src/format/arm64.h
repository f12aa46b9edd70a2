/* SPDX-License-Identifier: MIT */
/*
 * arm64 (AArch64, EL1&0, stage 1): what all granules share. The formats are in arm64_4k.h,
 * arm64_16k.h and arm64_64k.h.
 * Arm ARM DDI0487 chapter D8; Linux arch/arm64/include/asm/pgtable-hwdef.h, pgtable-prot.h, pgtable.h.
 *
 * Levels count from the leaf; the manual's lookup level is 3 minus ours. With a granule of 2^g bytes
 * a table has 2^(g-3) entries, the top one as many as the size of the address space leaves it.
 *
 *       63   62 61   60    59   58 55  54   53   52   51   50  49     g  11  10  9 8  7 6 5 4     2 1 0
 *      +--+---------+-----+-----+----+----+----+----+-----+--+---------+---+---+----+----+--+-------+---+
 * table|NS| APTable |UXN  |PXN  |    |         |    |     |  | address |   |   |    |    |  |       |1 1|
 *      +--+---------+-----+-----+----+----+----+----+-----+--+---------+---+---+----+----+--+-------+---+
 * block|            |     |     | sw |UXN |PXN |cont|DBM  |GP| address |nG |AF | SH | AP |NS|AttrIdx|0 1|
 * page |            |     |     | sw |UXN |PXN |cont|DBM  |GP| address |nG |AF | SH | AP |NS|AttrIdx|1 1|
 *      +------------+-----+-----+----+----+----+----+-----+--+---------+---+---+----+----+--+-------+---+
 *
 * Address bits from 48 on: see enum arm64_wide. They are a matter of TCR_EL1 (IPS, DS), so the same
 * value is another address in another format, or with another TCR_EL1.
 *
 * Two roots: TTBR0 has the lower addresses, TTBR1 those whose upper bits are all 1. Tags (TBI, MTE,
 * pointer authentication) are not addresses; clear them first. With FEAT_S1PIE the permission bits
 * are an index, which Linux programs to mean the same, except that tables take nothing away.
 */
#ifndef PW_FORMAT_ARM64_H
#define PW_FORMAT_ARM64_H

#include "format/arm_mair.h"
#include "format/linux.h"

enum {
	ARM64_VALID = 1 << 0,
	ARM64_TABLE = 1 << 1, /* in a page, too */
	ARM64_ATTRINDX_SHIFT = 2,
	ARM64_USER = 1 << 6, /* AP[1] */
	ARM64_RDONLY = 1 << 7, /* AP[2] */
	ARM64_SH_INNER = 3 << 8,
	ARM64_AF = 1 << 10,
	ARM64_NG = 1 << 11,
	ARM64_TABLE_BITS_SHIFT = 59,
};
static const uint64_t ARM64_TCR_HD = UINT64_C(1) << 40;
static const uint64_t ARM64_WRITE = UINT64_C(1) << 51; /* Linux: PTE_WRITE; hardware: DBM */
static const uint64_t ARM64_CONTIGUOUS = UINT64_C(1) << 52;
static const uint64_t ARM64_PXN = UINT64_C(1) << 53;
static const uint64_t ARM64_UXN = UINT64_C(1) << 54;
/* Linux's software bits. */
static const uint64_t ARM64_DIRTY = UINT64_C(1) << 55;
static const uint64_t ARM64_SPECIAL = UINT64_C(1) << 56;
static const uint64_t ARM64_PROT_NONE_6_1 = UINT64_C(1) << 58; /* until 6.9, invalid entries */
static const uint64_t ARM64_PMD_INVALID_6_1 = UINT64_C(1) << 59; /* same, level 1 alone */
/* "arm64/mm: Remove PTE_PROT_NONE bit": nG in an invalid entry says present, swap types moved. */
static const uint16_t ARM64_KERNEL_NG = 0x060a;

/* The variants of the format: where an entry keeps the address bits above 47. */
enum arm64_wide {
	/*
	 * 4K and 16K: none, and 49:48 have to be zero; an entry with one of these is not understood.
	 * If TCR_EL1 is known and has DS set, as ARM64_LPA2: see arm64_root_tcr().
	 */
	ARM64_PA_48,
	/* 64K: 51:48 in 15:12. With 48-bit physical addresses these have to be zero. */
	ARM64_LPA,
	ARM64_LPA2, /* 4K and 16K with TCR.DS: 49:48 in place, 51:50 in 9:8, where SH was */
};
static const uint64_t ARM64_HIGH_48 = UINT64_C(3) << 48;
static const uint64_t ARM64_HIGH_50 = UINT64_C(3) << 8;

static inline enum pw_kind arm64_kind(const struct pw_format *f, const struct pw_regime *r,
				      unsigned level, uint64_t e)
{
	unsigned type = e & (ARM64_VALID | ARM64_TABLE);

	/* Not dropped: the address that is left without them is another one. */
	if (f->variant == ARM64_PA_48 && PW_UNLIKELY(e & ARM64_HIGH_48) && !r->high_field &&
	    !pw_mutant(PW_MUTANT_HIGH_BITS_DROPPED))
		return PW_HOLE;
	if (level == 0)
		return PW_LIKELY(type == (ARM64_VALID | ARM64_TABLE)) ? PW_LEAF : PW_HOLE;
	if (PW_UNLIKELY(!(type & ARM64_VALID)))
		return PW_HOLE;
	if (type & ARM64_TABLE)
		return PW_TABLE;
	/* Blocks: DDI0487 table D8-20 and its neighbours. */
	return f->leaf_levels >> level & 1 ? PW_LEAF : PW_HOLE;
}

/* Also the address of a page, or, with lower bits that do not count, of a block. */
static inline pw_pa arm64_table(const struct pw_format *f, const struct pw_regime *r,
				unsigned level, uint64_t e)
{
	uint64_t page = ~pw_mask(f->shift[0]);

	if (f->variant == ARM64_LPA)
		return (e & pw_mask(48) & page) | (e & 0xf000) << 36;
	if (f->variant == ARM64_LPA2)
		return (e & pw_mask(50) & page) | (e & 0x300) << 42;
	/* 9:8 moved by 40 are 49:48. */
	return (e & (pw_mask(48) | r->high_field << 40) & page) | (e & r->high_field) << 42;
}

/* The inverse. */
static inline uint64_t arm64_field(const struct pw_format *f, pw_pa pa)
{
	if (f->variant == ARM64_LPA)
		return (pa & pw_mask(48)) | (pa >> 48) << 12;
	if (f->variant == ARM64_LPA2)
		return (pa & pw_mask(50)) | (pa >> 50) << 8;
	return pa;
}

/*
 * log2 of the entries that the contiguous bit joins: DDI0487 D8.7.1. Linux, and so groups[], leaves
 * sixteen blocks of 1 GiB alone. Here the block sizes that came with 52-bit addresses (512 GiB, 64
 * GiB, 4 TiB) are left alone, too.
 */
PW_INLINE unsigned arm64_joined(const struct pw_format *f, unsigned level)
{
	if (f->shift[level] == 30)
		return 4;
	return f->groups[level] ? (unsigned)__builtin_ctz(f->groups[level]) : 0;
}

static inline unsigned arm64_page_lg2(const struct pw_format *f, const struct pw_regime *r,
				      unsigned level, uint64_t e)
{
	return f->shift[level] + (e & ARM64_CONTIGUOUS ? arm64_joined(f, level) : 0);
}

/*
 * Address bits below a block's size are ignored, not reserved. Entries of a contiguous group have to
 * agree; where they do not, hardware may answer with any of them, or fault.
 */
static inline pw_pa arm64_page(const struct pw_format *f, const struct pw_regime *r, unsigned level,
			       uint64_t e)
{
	return arm64_table(f, r, level, e) & ~pw_mask(arm64_page_lg2(f, r, level, e));
}

/* AttrIndx is an index into MAIR_EL1; Linux fills it as memory.h (MT_*) says. */
static const uint8_t arm64_linux_types[8] = {
	PW_MEM_NORMAL, PW_MEM_NORMAL,      PW_MEM_WRITE_COMBINING, PW_MEM_DEVICE,
	PW_MEM_DEVICE, PW_MEM_INDEX_0 + 5, PW_MEM_INDEX_0 + 6,     PW_MEM_INDEX_0 + 7,
};

/*
 * Who may what, by UXN, PXN, "may not write" and AP[1], from bit 3 to bit 0: DDI0487 D8.4.1. EL0
 * needs AP[1] to read or write, but only a clear UXN to execute. Where AP[1] is clear the letters
 * speak of the kernel, except for pages that EL0 and nobody else may execute: these are execute-only
 * user pages (PAGE_EXECONLY). A kernel's data page without UXN looks the same; Linux has none.
 * EL0's being able to write also keeps EL1 from executing, which no letter depends on.
 */
static const uint16_t arm64_prot[16] = {
	PW_READ | PW_WRITE | PW_EXEC | PW_KEXEC,
	PW_READ | PW_WRITE | PW_EXEC | PW_KEXEC | PW_USER,
	PW_READ | PW_EXEC | PW_KEXEC,
	PW_READ | PW_EXEC | PW_KEXEC | PW_USER,
	/* PXN */
	PW_EXEC | PW_USER,
	PW_READ | PW_WRITE | PW_EXEC | PW_USER,
	PW_EXEC | PW_USER,
	PW_READ | PW_EXEC | PW_USER,
	/* UXN */
	PW_READ | PW_WRITE | PW_KEXEC,
	PW_READ | PW_WRITE | PW_KEXEC | PW_USER,
	PW_READ | PW_KEXEC,
	PW_READ | PW_KEXEC | PW_USER,
	/* UXN and PXN */
	PW_READ | PW_WRITE,
	PW_READ | PW_WRITE | PW_USER,
	PW_READ,
	PW_READ | PW_USER,
};

static inline uint32_t arm64_attr(const struct pw_format *f, const struct pw_regime *r,
				  unsigned level, uint64_t e)
{
	const uint64_t clean = ARM64_WRITE | ARM64_RDONLY;
	uint64_t read_only = e >> 7;
	uint32_t attr = (e & clean) == ARM64_WRITE ? PW_DIRTY : 0;

	/* A write makes it writable, where the MMU manages the dirty state: DDI0487 D8.5.2. */
	if (r->view == PW_VIEW_HARDWARE && (e & clean) == clean) {
		if (!(r->registers.known & PW_REGISTER_TCR))
			attr |= PW_DBM;
		else if (r->registers.tcr & ARM64_TCR_HD)
			read_only = 0;
	}
	if (r->view == PW_VIEW_LINUX) {
		/* Writable and read-only at once is clean: a fault, or the hardware, makes it dirty. */
		read_only = ~e >> 51;
		attr |= e & ARM64_DIRTY ? PW_DIRTY : 0;
		attr |= e & ARM64_SPECIAL ? PW_SPECIAL : 0;
	}
	attr |= arm64_prot[(e >> 6 & 1) | (read_only & 1) << 1 | (e >> 53 & 3) << 2];
	attr |= e & ARM64_AF ? PW_ACCESSED : 0;
	attr |= e & ARM64_NG ? 0 : PW_GLOBAL;
	attr |= e & ARM64_CONTIGUOUS ? PW_CONTIGUOUS : 0;
	return attr | pw_memtype_attr((enum pw_memtype)r->memtype[e >> ARM64_ATTRINDX_SHIFT & 7]);
}

/*
 * What a table takes away from all that is below it, by APTable, UXNTable and PXNTable, bits 62 to
 * 59: DDI0487 D8.4.2, hierarchical control (TCR.HPD is 0 in Linux).
 */
static const uint16_t arm64_lost[16] = {
	0,
	PW_KEXEC,
	PW_EXEC,
	PW_EXEC | PW_KEXEC,
	PW_USER,
	PW_USER | PW_KEXEC,
	PW_USER | PW_EXEC,
	PW_USER | PW_EXEC | PW_KEXEC,
	PW_WRITE,
	PW_WRITE | PW_KEXEC,
	PW_WRITE | PW_EXEC,
	PW_WRITE | PW_EXEC | PW_KEXEC,
	PW_WRITE | PW_USER,
	PW_WRITE | PW_USER | PW_KEXEC,
	PW_WRITE | PW_USER | PW_EXEC,
	PW_WRITE | PW_USER | PW_EXEC | PW_KEXEC,
};

static inline uint32_t arm64_keep(const struct pw_format *f, const struct pw_regime *r,
				  unsigned level, uint64_t e)
{
	return ~(uint32_t)arm64_lost[e >> ARM64_TABLE_BITS_SHIFT & 15];
}

/*
 * An invalid entry behind which Linux has a page: PROT_NONE, or a huge page while it is changed
 * (pmd_mkinvalid). Nobody can get at either.
 */
static inline bool arm64_present_invalid(const struct pw_regime *r, unsigned level, uint64_t e)
{
	if (level > 0 && (e & ARM64_TABLE))
		return false;
	if (r->kernel >= ARM64_KERNEL_NG)
		return e & ARM64_NG;
	return (e & ARM64_PROT_NONE_6_1) || (level == 1 && (e & ARM64_PMD_INVALID_6_1));
}

/* Valid, but no page: bits 1:0 are 01 at level 0 (reserved), or a block where there may be none. */
static inline enum pw_status arm64_hole(const struct pw_format *f, const struct pw_regime *r,
					unsigned level, uint64_t e, pw_pa *pa)
{
	unsigned type;

	if (e & ARM64_VALID)
		return PW_MALFORMED;
	if (r->view == PW_VIEW_HARDWARE || e == 0 || !(f->leaf_levels >> level & 1))
		return PW_NONE;
	if (arm64_present_invalid(r, level, e)) {
		*pa = arm64_page(f, r, level, e);
		return PW_PROT_NONE;
	}
	if (e & ARM64_TABLE)
		return PW_NONE;
	/* __SWP_TYPE_SHIFT: 10:6 since the nG bit is taken, 7:3 before. */
	type = (unsigned)(e >> (r->kernel >= ARM64_KERNEL_NG ? 6 : 3)) & 31;
	return pw_linux_swap(r, level, type);
}

static inline uint64_t arm64_make_empty(const struct pw_format *f, const struct pw_regime *r,
					unsigned level)
{
	return 0;
}

/* The bits of a leaf that @attr decides. Linux sets PXN in every user page, UXN in its own. */
static inline uint64_t arm64_attr_bits(uint32_t attr)
{
	bool exec = attr & PW_EXEC, user = attr & PW_USER;
	bool execute_only = user && exec && !(attr & (PW_READ | PW_WRITE));
	uint64_t e = 0;

	e |= user && !execute_only ? ARM64_USER : 0;
	e |= user && exec ? 0 : ARM64_UXN;
	e |= !user && exec ? 0 : ARM64_PXN;
	e |= attr & PW_WRITE ? ARM64_WRITE : 0;
	e |= (attr & PW_WRITE) && (attr & PW_DIRTY) ? 0 : ARM64_RDONLY;
	e |= attr & PW_DIRTY ? ARM64_DIRTY : 0;
	e |= attr & PW_SPECIAL ? ARM64_SPECIAL : 0;
	e |= attr & PW_ACCESSED ? ARM64_AF : 0;
	e |= attr & PW_GLOBAL ? 0 : ARM64_NG;
	return e;
}

static inline uint64_t arm64_make_leaf(const struct pw_format *f, const struct pw_regime *r,
				       unsigned level, pw_pa pa, uint32_t attr)
{
	return arm64_field(f, pa) | ARM64_VALID | (level == 0 ? ARM64_TABLE : 0) |
	       (f->variant == ARM64_LPA2 ? 0 : ARM64_SH_INNER) | arm64_attr_bits(attr);
}

static inline uint64_t arm64_make_table(const struct pw_format *f, const struct pw_regime *r,
					unsigned level, pw_pa pa)
{
	return arm64_field(f, pa) | ARM64_VALID | ARM64_TABLE;
}

static inline uint64_t arm64_make_prot_none(const struct pw_format *f, const struct pw_regime *r,
					    unsigned level, pw_pa pa)
{
	uint64_t e = arm64_make_leaf(f, r, level, pa, PW_ACCESSED);

	return (e & ~(uint64_t)ARM64_VALID) |
	       (r->kernel < ARM64_KERNEL_NG ? ARM64_PROT_NONE_6_1 : 0);
}

static inline uint64_t arm64_change_attr(const struct pw_format *f, const struct pw_regime *r,
					 unsigned level, uint64_t e, uint32_t attr)
{
	const uint64_t decided = ARM64_USER | ARM64_RDONLY | ARM64_AF | ARM64_NG | ARM64_WRITE |
				 ARM64_PXN | ARM64_UXN | ARM64_DIRTY | ARM64_SPECIAL;

	return (e & ~decided) | arm64_attr_bits(attr);
}

static inline uint64_t arm64_join(const struct pw_format *f, const struct pw_regime *r,
				  unsigned level, uint64_t leaf, unsigned group_lg2)
{
	return leaf | ARM64_CONTIGUOUS;
}

#endif
