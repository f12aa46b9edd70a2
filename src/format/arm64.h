/* SPDX-License-Identifier: MIT */
/*
 * arm64 (AArch64, EL1&0, stage 1): the part that all granules share. The formats are in arm64_4k.h,
 * arm64_16k.h and arm64_64k.h.
 * Arm ARM DDI0487 chapter D8; Linux arch/arm64/include/asm/pgtable-hwdef.h, pgtable-prot.h, pgtable.h.
 *
 * Levels count from the leaf; the manual's lookup level is 3 minus the level here. With a granule of 2^g
 * bytes a table has 2^(g-3) entries. The top table can have fewer: the size of the address space decides.
 *
 *       63   62 61   60    59   58 55  54   53   52   51   50  49     g  11  10  9 8  7 6 5 4     2 1 0
 *      +--+---------+-----+-----+----+----+----+----+-----+--+---------+---+---+----+----+--+-------+---+
 * table|NS| APTable |UXN  |PXN  |    |         |    |     |  | address |   |   |    |    |  |       |1 1|
 *      +--+---------+-----+-----+----+----+----+----+-----+--+---------+---+---+----+----+--+-------+---+
 * block|            |     |     | sw |UXN |PXN |cont|DBM  |GP| address |nG |AF | SH | AP |NS|AttrIdx|0 1|
 * page |            |     |     | sw |UXN |PXN |cont|DBM  |GP| address |nG |AF | SH | AP |NS|AttrIdx|1 1|
 *      +------------+-----+-----+----+----+----+----+-----+--+---------+---+---+----+----+--+-------+---+
 *
 * enum arm64_wide says where an entry keeps the address bits from 48 on. They depend on TCR_EL1 (IPS, DS),
 * so the same value can be another address in another format, or with another TCR_EL1.
 *
 * Two roots: TTBR0 translates the lower addresses, TTBR1 the addresses whose upper bits are all 1. Tags (TBI,
 * MTE, pointer authentication) are not part of an address; clear them first. With FEAT_S1PIE the permission
 * bits are an index. Linux programs the indices to mean the same, except that tables take nothing away.
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
static const uint64_t ARM64_PROT_NONE_6_1 = UINT64_C(1) << 58; /* in invalid entries, until 6.9 */
static const uint64_t ARM64_PMD_INVALID_6_1 = UINT64_C(1) << 59; /* the same, only at level 1 */
/* "arm64/mm: Remove PTE_PROT_NONE bit": nG in an invalid entry means present. Swap types moved. */
static const uint16_t ARM64_KERNEL_NG = 0x060a;

/* The variants of the format. They differ in the place of the address bits above 47. */
enum arm64_wide {
	/*
	 * 4K and 16K: there are none. Bits 49:48 have to be zero; an entry with one of them set is not
	 * understood. If TCR_EL1 is known and has DS set, as with ARM64_LPA2: arm64_root_tcr().
	 */
	ARM64_PA_48,
	/* 64K: 51:48 are in bits 15:12. With 48-bit physical addresses these have to be zero. */
	ARM64_LPA,
	ARM64_LPA2, /* 4K and 16K with TCR.DS: 49:48 are in place, 51:50 replace SH in bits 9:8 */
};
static const uint64_t ARM64_HIGH_48 = UINT64_C(3) << 48;
static const uint64_t ARM64_HIGH_50 = UINT64_C(3) << 8;

static inline enum pw_kind arm64_kind(const struct pw_format *f, const struct pw_regime *r,
				      unsigned level, uint64_t e)
{
	unsigned type = e & (ARM64_VALID | ARM64_TABLE);

	/* A walk must not drop these bits: the rest would be another address. */
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

/* Where bits 49:48 of an address may be set, such a table does not pass. */
static inline bool arm64_passes(const struct pw_format *f, const struct pw_regime *r,
				unsigned level, uint64_t e)
{
	const uint64_t high = f->variant == ARM64_PA_48 ? ARM64_HIGH_48 : 0;

	/* Only here, so that a compiler knows in arm64_table() that the address is all in one field. */
	if (f->variant == ARM64_PA_48 && PW_UNLIKELY(r->high_field))
		return false;
	return (e & (ARM64_VALID | ARM64_TABLE | high)) == (ARM64_VALID | ARM64_TABLE);
}

/* A table that takes nothing away. */
static inline bool arm64_plain(const struct pw_format *f, const struct pw_regime *r, unsigned level,
			       uint64_t e)
{
	return arm64_passes(f, r, level, e) && !(e >> ARM64_TABLE_BITS_SHIFT & 15);
}

/* This is also the address of a page, and of a block once its lower bits are cleared. */
static inline pw_pa arm64_table(const struct pw_format *f, const struct pw_regime *r,
				unsigned level, uint64_t e)
{
	uint64_t page = ~pw_mask(f->shift[0]);

	if (f->variant == ARM64_LPA)
		return (e & pw_mask(48) & page) | (e & 0xf000) << 36;
	if (f->variant == ARM64_LPA2)
		return (e & pw_mask(50) & page) | (e & 0x300) << 42;
	/* Bits 9:8, shifted by 40, are the mask of bits 49:48. */
	return (e & (pw_mask(48) | r->high_field << 40) & page) | (e & r->high_field) << 42;
}

/* The inverse of arm64_table(). */
static inline uint64_t arm64_field(const struct pw_format *f, pw_pa pa)
{
	if (f->variant == ARM64_LPA)
		return (pa & pw_mask(48)) | (pa >> 48) << 12;
	if (f->variant == ARM64_LPA2)
		return (pa & pw_mask(50)) | (pa >> 50) << 8;
	return pa;
}

/*
 * log2 of the number of entries that the contiguous bit joins: DDI0487 D8.7.1. Sixteen blocks of 1 GiB can
 * be joined, but Linux does not join them, and so groups[] does not have them. The block sizes that came
 * with 52-bit addresses (512 GiB, 64 GiB, 4 TiB) are not joined here.
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
 * agree. If they do not, the hardware may use any of them, or fault.
 */
static inline pw_pa arm64_page(const struct pw_format *f, const struct pw_regime *r, unsigned level,
			       uint64_t e)
{
	return arm64_table(f, r, level, e) & ~pw_mask(arm64_page_lg2(f, r, level, e));
}

/* AttrIndx is an index into MAIR_EL1. Linux fills that register as memory.h (MT_*) says. */
static const uint8_t arm64_linux_types[8] = {
	PW_MEM_NORMAL, PW_MEM_NORMAL,      PW_MEM_WRITE_COMBINING, PW_MEM_DEVICE,
	PW_MEM_DEVICE, PW_MEM_INDEX_0 + 5, PW_MEM_INDEX_0 + 6,     PW_MEM_INDEX_0 + 7,
};

/*
 * Permissions by UXN, PXN, "may not write" and AP[1], from bit 3 to bit 0: DDI0487 D8.4.1. EL0 needs
 * AP[1] to read or write, but only a clear UXN to execute.
 *
 * If AP[1] is clear, the flags describe the kernel's access. There is one exception: a page that EL0 and
 * nobody else may execute is an execute-only user page (PAGE_EXECONLY). A kernel's data page without UXN
 * would look the same, but Linux has no such pages. EL1 cannot execute a page that EL0 can write; no flag
 * depends on that.
 */
static const uint16_t arm64_prot[16] = {
	PW_READ | PW_WRITE | PW_EXEC | PW_KEXEC, PW_READ | PW_WRITE | PW_EXEC | PW_KEXEC | PW_USER,
	PW_READ | PW_EXEC | PW_KEXEC, PW_READ | PW_EXEC | PW_KEXEC | PW_USER,
	/* PXN */
	PW_EXEC | PW_USER, PW_READ | PW_WRITE | PW_EXEC | PW_USER, PW_EXEC | PW_USER,
	PW_READ | PW_EXEC | PW_USER,
	/* UXN */
	PW_READ | PW_WRITE | PW_KEXEC, PW_READ | PW_WRITE | PW_KEXEC | PW_USER, PW_READ | PW_KEXEC,
	PW_READ | PW_KEXEC | PW_USER,
	/* UXN and PXN */
	PW_READ | PW_WRITE, PW_READ | PW_WRITE | PW_USER, PW_READ, PW_READ | PW_USER
};

/* Is @e read-only, as the view sees it: bit 0 of the result. */
static inline uint64_t arm64_read_only(const struct pw_regime *r, uint64_t e)
{
	const uint64_t clean = ARM64_WRITE | ARM64_RDONLY;

	/* A page that is both writable and read-only is clean. A fault or the MMU makes it dirty. */
	if (r->view == PW_VIEW_LINUX)
		return ~e >> 51;
	/* If the MMU manages the dirty state, a write makes a clean page writable: DDI0487 D8.5.2. */
	if ((e & clean) == clean && (r->registers.known & PW_REGISTER_TCR) &&
	    (r->registers.tcr & ARM64_TCR_HD))
		return 0;
	return e >> 7;
}

static inline uint32_t arm64_rights(const struct pw_format *f, const struct pw_regime *r,
				    unsigned level, uint64_t e)
{
	return arm64_prot[(e >> 6 & 1) | (arm64_read_only(r, e) & 1) << 1 | (e >> 53 & 3) << 2];
}

/* arm64_prot[] with PW_KEXEC settled: PW_EXEC is that of user mode where there is PW_USER, else the kernel's. */
static const uint8_t arm64_settled[16] = {
	PW_READ | PW_WRITE | PW_EXEC, PW_READ | PW_WRITE | PW_EXEC | PW_USER, PW_READ | PW_EXEC,
	PW_READ | PW_EXEC | PW_USER,
	/* PXN */
	PW_EXEC | PW_USER, PW_READ | PW_WRITE | PW_EXEC | PW_USER, PW_EXEC | PW_USER,
	PW_READ | PW_EXEC | PW_USER,
	/* UXN */
	PW_READ | PW_WRITE | PW_EXEC, PW_READ | PW_WRITE | PW_USER, PW_READ | PW_EXEC,
	PW_READ | PW_USER,
	/* UXN and PXN */
	PW_READ | PW_WRITE, PW_READ | PW_WRITE | PW_USER, PW_READ, PW_READ | PW_USER
};

static inline uint32_t arm64_settled_rights(const struct pw_format *f, const struct pw_regime *r,
					    unsigned level, uint64_t e)
{
	/* AP[2:1] and UXN, PXN are side by side; only a page with DBM, or Linux's view, asks for more. */
	if (r->view == PW_VIEW_HARDWARE && PW_LIKELY(!(e & ARM64_WRITE) || !(e & ARM64_RDONLY)))
		return arm64_settled[(e >> 6 & 3) | (e >> 51 & 12)];
	return arm64_settled[(e >> 6 & 1) | (arm64_read_only(r, e) & 1) << 1 | (e >> 51 & 12)];
}

static inline uint32_t arm64_facts(const struct pw_format *f, const struct pw_regime *r,
				   unsigned level, uint64_t e)
{
	const uint64_t clean = ARM64_WRITE | ARM64_RDONLY;
	uint32_t attr = (e & clean) == ARM64_WRITE ? PW_DIRTY : 0;

	if (r->view == PW_VIEW_HARDWARE && PW_UNLIKELY((e & clean) == clean) &&
	    !(r->registers.known & PW_REGISTER_TCR))
		attr |= PW_DBM;
	if (r->view == PW_VIEW_LINUX) {
		attr |= e & ARM64_DIRTY ? PW_DIRTY : 0;
		attr |= e & ARM64_SPECIAL ? PW_SPECIAL : 0;
	}
	attr |= e & ARM64_AF ? PW_ACCESSED : 0;
	attr |= e & ARM64_NG ? 0 : PW_GLOBAL;
	attr |= e & ARM64_CONTIGUOUS ? PW_CONTIGUOUS : 0;
	return attr | pw_memtype_attr((enum pw_memtype)r->memtype[e >> ARM64_ATTRINDX_SHIFT & 7]);
}

static inline uint32_t arm64_attr(const struct pw_format *f, const struct pw_regime *r,
				  unsigned level, uint64_t e)
{
	return arm64_rights(f, r, level, e) | arm64_facts(f, r, level, e);
}

/*
 * The permissions that a table takes away from all leaves below it, by APTable, UXNTable and PXNTable (bits
 * 62 to 59): DDI0487 D8.4.2, hierarchical control (TCR.HPD is 0 in Linux).
 */
static const uint16_t arm64_lost[16] = { 0,
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
					 PW_WRITE | PW_USER | PW_EXEC | PW_KEXEC };

static inline uint32_t arm64_keep(const struct pw_format *f, const struct pw_regime *r,
				  unsigned level, uint64_t e)
{
	return ~(uint32_t)arm64_lost[e >> ARM64_TABLE_BITS_SHIFT & 15];
}

/*
 * Does Linux have a page behind this invalid entry? It is PROT_NONE, or a huge page that is being changed
 * (pmd_mkinvalid). Nobody can access either.
 */
static inline bool arm64_present_invalid(const struct pw_regime *r, unsigned level, uint64_t e)
{
	if (level > 0 && (e & ARM64_TABLE))
		return false;
	if (r->kernel >= ARM64_KERNEL_NG)
		return e & ARM64_NG;
	return (e & ARM64_PROT_NONE_6_1) || (level == 1 && (e & ARM64_PMD_INVALID_6_1));
}

/* A valid hole has 01 in bits 1:0 at level 0 (reserved), or is a block at a level without blocks. */
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
	/* __SWP_TYPE_SHIFT: the type is in 10:6 since nG has a meaning, in 7:3 before. */
	type = (unsigned)(e >> (r->kernel >= ARM64_KERNEL_NG ? 6 : 3)) & 31;
	return pw_linux_swap(r, level, type);
}

static inline uint64_t arm64_make_empty(const struct pw_format *f, const struct pw_regime *r,
					unsigned level)
{
	return 0;
}

/* The bits of a leaf that depend on @attr. Linux sets PXN in all user pages, and UXN in the kernel's. */
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

/* __SWP_TYPE_SHIFT, __SWP_OFFSET_SHIFT, PTE_SWP_EXCLUSIVE. Blocks have the same fields. */
static inline struct pw_soft_layout arm64_soft(const struct pw_format *f, const struct pw_regime *r,
					       unsigned level)
{
	const bool moved = r->kernel >= ARM64_KERNEL_NG;

	if (!(f->leaf_levels >> level & 1))
		return (struct pw_soft_layout){ 0 };
	return (struct pw_soft_layout){
		.type_shift = moved ? 6 : 3,
		.offset_shift = moved ? 12 : 8,
		.offset_bits = 50,
		.exclusive = 1 << 2,
	};
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
