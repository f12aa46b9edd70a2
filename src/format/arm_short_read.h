/* SPDX-License-Identifier: MIT */
/*
 * arm, short descriptors: the 32-bit page tables of ARMv6 and ARMv7.
 * ARM ARM DDI0406C B3.5; Linux arch/arm/include/asm/pgtable-2level.h, pgtable-2level-hwdef.h,
 * pgalloc.h, arch/arm/mm/proc-v7-2level.S (cpu_v7_set_pte_ext).
 *
 *          level 1   level 0
 *          pgd       pte        12 and 8 bits, 4 bytes; both can be leaves
 *
 *               31     24 23   20 19 18 17 16 15  14 12  11 10  9 8    5  4   3  2  1   0
 *              +---------------------------------------------+---+------+---+--+--+-------+
 * table        |                  address 31:10              |   |domain|   |NS|P |0    1 |
 *              +-----------------+--+--+--+--+---+------+-----+--+------+---+--+--+-------+
 * section      |      address    |NS| 0|nG| S|APX| TEX  | AP  |  |domain|XN |C |B |1  PXN |
 *              +--------+--------+--+--+--+--+---+------+-----+--+------+---+--+--+-------+
 * supersection | 31:24  | 35:32  |NS| 1|nG| S|APX| TEX  | AP  |  |39:36 |XN |C |B |1  PXN |
 *              +--------+--------+--+--+--+--+---+------+-----+--+------+---+--+--+-------+
 *               31           16  15  14  12   11 10   9   8  6  5  4   3  2  1   0
 *              +----------------+---+--------+--+--+---+-------+------+--+--+-------+
 * large page   |    address     |XN |  TEX   |nG| S|APX|       |  AP  |C |B |0    1 |
 *              +----------------+---+--------+--+--+---+-------+------+--+--+-------+
 * small page   |    address 31:12            |nG| S|APX|  TEX  |  AP  |C |B |1   XN |
 *              +-----------------------------+--+--+---+-------+------+--+--+-------+
 *
 * The hardware has no dirty bit, and Linux does not use the hardware's accessed bit. So Linux keeps a second
 * table of PTEs, half a page below the hardware's. Each view reads its own table:
 *
 *      pgd entry        page of the PTEs
 *      +-------+       +0    +----------+
 *      |       | - - - - - ->|  Linux   |  of the lower MiB (level 1 entries come in pairs)
 *      |       |       +400  |  Linux   |  of the upper MiB
 *      |       |       +800  +----------+
 *      |       |------------>| hardware |  of the lower MiB
 *      +-------+       +c00  | hardware |  of the upper MiB
 *                            +----------+
 *
 * The hardware's PTE is 0 if the page is old or PROT_NONE, and read-only if the page is clean. An editor that
 * writes for both readers stores two values, one built in each view.
 *
 * If TTBCR is not known, TTBCR.N is 0, as in Linux: TTBR0 translates all addresses. All domains count as
 * "client", because their register (DACR) is not part of the tables. SCTLR.AFE is 0.
 */
#ifndef PW_FORMAT_ARM_SHORT_READ_H
#define PW_FORMAT_ARM_SHORT_READ_H

#include "format/linux.h"

enum {
	/* Level 1. */
	ARM_L1_TABLE = 1, /* bits 1:0 */
	ARM_L1_SECTION = 2, /* bit 1; bit 0 is PXN */
	ARM_L1_SECTION_PXN = 1 << 0,
	ARM_L1_TABLE_PXN = 1 << 2,
	ARM_SECTION_XN = 1 << 4,
	ARM_SECTION_SHIFT = 6,
	ARM_SECTION_AP_SHIFT = 10,
	ARM_SECTION_TEX_SHIFT = 12,
	ARM_SECTION_APX = 1 << 15,
	ARM_SECTION_S = 1 << 16,
	ARM_SECTION_NG = 1 << 17,
	ARM_SECTION_SUPER = 1 << 18,

	/* Level 0: the hardware's PTE. */
	ARM_PTE_SMALL = 2, /* bit 1; bit 0 is XN */
	ARM_PTE_SMALL_XN = 1 << 0,
	ARM_PTE_LARGE = 1, /* bits 1:0 */
	ARM_PTE_LARGE_XN = 1 << 15,
	ARM_PTE_AP_SHIFT = 4,
	ARM_PTE_SMALL_TEX_SHIFT = 6,
	ARM_PTE_LARGE_TEX_SHIFT = 12,
	ARM_PTE_APX = 1 << 9,
	ARM_PTE_S = 1 << 10,
	ARM_PTE_NG = 1 << 11,

	/* AP[1:0]. 0 gives nobody access; APX takes the right to write away. */
	ARM_AP_WRITE = 1,
	ARM_AP_USER = 2,
	/* Bits 3:2, in all leaves. */
	ARM_CB_SHIFT = 2,

	/* Level 0: Linux's PTE (L_PTE_*). */
	ARM_L_PRESENT = 1 << 0,
	ARM_L_YOUNG = 1 << 1,
	ARM_L_MT_SHIFT = 2,
	ARM_L_DIRTY = 1 << 6,
	ARM_L_RDONLY = 1 << 7,
	ARM_L_USER = 1 << 8,
	ARM_L_XN = 1 << 9,
	ARM_L_SHARED = 1 << 10,
	ARM_L_NONE = 1 << 11,

	/* Normal memory, write-allocate: Linux's type on multiprocessors, as L_PTE_MT and as TEX:C:B. */
	ARM_MT_WRITEALLOC = 7,
	/* Distance of the hardware's PTE from Linux's PTE: PTE_HWTABLE_OFF. */
	ARM_HARDWARE_OFFSET = 2048,
};
static const uint32_t ARM_L1_TABLE_ADDRESS = 0xfffffc00;
static const uint32_t ARM_SECTION_ADDRESS = 0xfff00000;
static const uint32_t ARM_PAGE_ADDRESS = 0xfffff000;
static const uint32_t ARM_TTBR_ADDRESS = 0xffffc000;
/* Bits 13:7 are 0 if TTBCR.N is 0. Bits 6:0 are the cacheability of the walk. */
static const uint32_t ARM_TTBR_RESERVED = 0x3f80;

static inline bool arm_linux_pte(const struct pw_regime *r, unsigned level)
{
	return level == 0 && r->view == PW_VIEW_LINUX;
}

static inline bool arm_small(uint64_t e)
{
	return e & ARM_PTE_SMALL;
}

/* AP[1:0] of a leaf in the hardware's tables, at either level. */
static inline unsigned arm_ap(unsigned level, uint64_t e)
{
	return (unsigned)(e >> (level == 0 ? ARM_PTE_AP_SHIFT : ARM_SECTION_AP_SHIFT)) & 3;
}

/* A leaf that grants no access faults on every access, as an empty entry does. */
static inline enum pw_kind arm_kind(const struct pw_format *f, const struct pw_regime *r,
				    unsigned level, uint64_t e)
{
	if (arm_linux_pte(r, level))
		return PW_LIKELY((e & (ARM_L_PRESENT | ARM_L_NONE)) == ARM_L_PRESENT) ? PW_LEAF
										      : PW_HOLE;
	if (level == 0)
		return PW_LIKELY((e & 3) && arm_ap(0, e)) ? PW_LEAF : PW_HOLE;
	if ((e & 3) == ARM_L1_TABLE)
		return PW_TABLE;
	return (e & ARM_L1_SECTION) && arm_ap(level, e) ? PW_LEAF : PW_HOLE;
}

static inline pw_pa arm_table(const struct pw_format *f, const struct pw_regime *r, unsigned level,
			      uint64_t e)
{
	uint32_t hardware = (uint32_t)e & ARM_L1_TABLE_ADDRESS;

	return r->view == PW_VIEW_LINUX ? hardware - (uint32_t)ARM_HARDWARE_OFFSET : hardware;
}

static inline pw_pa arm_page(const struct pw_format *f, const struct pw_regime *r, unsigned level,
			     uint64_t e)
{
	if (level == 0)
		return e &
		       (arm_linux_pte(r, level) || arm_small(e) ? ARM_PAGE_ADDRESS : 0xffff0000);
	if (PW_UNLIKELY(e & ARM_SECTION_SUPER))
		return (e & 0xff000000) | (e >> 20 & 0xf) << 32 | (e >> 5 & 0xf) << 36;
	return e & ARM_SECTION_ADDRESS;
}

static inline unsigned arm_page_lg2(const struct pw_format *f, const struct pw_regime *r,
				    unsigned level, uint64_t e)
{
	if (level == 0)
		return arm_linux_pte(r, level) || arm_small(e) ? 12 : 16;
	return e & ARM_SECTION_SUPER ? 24 : 20;
}

/*
 * The memory type by TEX[0]:C:B. These bits are an index into PRRR and NMRR, because SCTLR.TRE is 1. Linux
 * fills the two registers as proc-v7-2level.S says. Their values in other systems are not known.
 */
PW_INLINE uint32_t arm_memtype(const struct pw_regime *r, unsigned index)
{
	static const uint8_t type[8] = {
		PW_MEM_DEVICE, PW_MEM_WRITE_COMBINING, PW_MEM_WRITE_THROUGH, PW_MEM_NORMAL,
		PW_MEM_DEVICE, PW_MEM_INDEX_0 + 5,     PW_MEM_INDEX_0 + 6,   PW_MEM_NORMAL,
	};

	if (r->view == PW_VIEW_HARDWARE)
		return pw_memtype_attr((enum pw_memtype)(PW_MEM_INDEX_0 + index));
	return pw_memtype_attr((enum pw_memtype)type[index]);
}

/* Permissions by APX and AP[1:0]: the user's, or the kernel's if users have none. DDI0406C table B3-8. */
static const uint8_t arm_prot[8] = {
	0,
	PW_READ | PW_WRITE,
	PW_READ | PW_USER,
	PW_READ | PW_WRITE | PW_USER,
	/* APX */
	0,
	PW_READ,
	PW_READ | PW_USER,
	PW_READ | PW_USER,
};

static inline uint32_t arm_attr(const struct pw_format *f, const struct pw_regime *r,
				unsigned level, uint64_t e)
{
	/* In a section, AP, TEX, APX and nG are six bits higher than in a small page. */
	uint32_t fields = (uint32_t)e >> (level > 0 ? ARM_SECTION_SHIFT : 0);
	uint32_t tex = fields >> ARM_PTE_SMALL_TEX_SHIFT;
	uint32_t xn = level > 0 ? ARM_SECTION_XN : ARM_PTE_SMALL_XN;
	uint32_t attr = PW_READ;

	if (arm_linux_pte(r, level)) {
		attr |= e & ARM_L_RDONLY ? 0 : PW_WRITE;
		/* set_pte_at() makes the hardware's PTE global outside of user space. */
		attr |= e & ARM_L_USER ? PW_USER : PW_GLOBAL;
		attr |= e & ARM_L_YOUNG ? PW_ACCESSED : 0;
		attr |= e & ARM_L_DIRTY ? PW_DIRTY : 0;
		xn = ARM_L_XN;
		tex = (uint32_t)e >> 4; /* TEX[0]:C:B for the hardware are L_PTE_MT's low bits */
	} else {
		if (level == 0 && !arm_small(e)) {
			tex = (uint32_t)e >> ARM_PTE_LARGE_TEX_SHIFT;
			xn = ARM_PTE_LARGE_XN;
		}
		attr = arm_prot[(fields >> ARM_PTE_AP_SHIFT & 3) | (fields >> 7 & 4)];
		attr |= fields & ARM_PTE_NG ? 0 : PW_GLOBAL;
	}
	if (!(e & xn))
		attr |= level > 0 && (e & ARM_L1_SECTION_PXN) ? PW_EXEC : PW_EXEC_BOTH;
	return attr | arm_memtype(r, (tex & 1) << 2 | ((uint32_t)e >> ARM_CB_SHIFT & 3));
}

/* PXN in a table entry applies to all leaves below it. Linux sets it in user tables. */
static inline uint32_t arm_keep(const struct pw_format *f, const struct pw_regime *r,
				unsigned level, uint64_t e)
{
	return e & ARM_L1_TABLE_PXN ? ~(uint32_t)PW_KEXEC : PW_KEEP_ALL;
}

static inline enum pw_status arm_hole(const struct pw_format *f, const struct pw_regime *r,
				      unsigned level, uint64_t e, pw_pa *pa)
{
	if (arm_linux_pte(r, level)) {
		if (e & ARM_L_PRESENT) {
			*pa = e & ARM_PAGE_ADDRESS;
			return PW_PROT_NONE;
		}
		/* Swap entries have the type in 6:2. */
		return e == 0 || (e & 3) ? PW_NONE
					 : pw_linux_swap(r, level, (unsigned)(e >> 2) & 31);
	}
	if (!(e & 3))
		return PW_NONE;
	/* AP is 0 here. AP 0 with APX is reserved: DDI0406C table B3-8. */
	if (e & (level == 0 ? (unsigned)ARM_PTE_APX : (unsigned)ARM_SECTION_APX))
		return PW_MALFORMED;
	if (r->view == PW_VIEW_HARDWARE || (e & ARM_SECTION_SUPER))
		return PW_NONE;
	*pa = e & ARM_SECTION_ADDRESS;
	return PW_PROT_NONE;
}

#endif
