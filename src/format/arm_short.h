/* SPDX-License-Identifier: MIT */
/* arm, short descriptors: building entries, and the format. Layouts and reading: arm_short_read.h. */
#ifndef PW_FORMAT_ARM_SHORT_H
#define PW_FORMAT_ARM_SHORT_H

#include "format/arm_short_read.h"
#include "format/arm_ttbcr.h"

static inline uint64_t arm_make_empty(const struct pw_format *f, const struct pw_regime *r,
				      unsigned level)
{
	return 0;
}

/* Linux uses sections only for the kernel, which has no clean pages. So PW_DIRTY does not count. */
static inline uint64_t arm_make_section(pw_pa pa, uint32_t attr)
{
	uint64_t e = (pa & ARM_SECTION_ADDRESS) | ARM_L1_SECTION | ARM_SECTION_S |
		     1 << ARM_SECTION_TEX_SHIFT | 3 << ARM_CB_SHIFT |
		     ARM_AP_WRITE << ARM_SECTION_AP_SHIFT;

	e |= attr & PW_WRITE ? 0 : ARM_SECTION_APX;
	e |= attr & PW_USER ? ARM_AP_USER << ARM_SECTION_AP_SHIFT : 0;
	e |= attr & PW_EXEC ? 0 : ARM_SECTION_XN;
	e |= attr & PW_GLOBAL ? 0 : ARM_SECTION_NG;
	return e;
}

/* The hardware's PTE for a Linux PTE, as cpu_v7_set_pte_ext() makes it. It is 0 if the page is old. */
static inline uint64_t arm_make_small(pw_pa pa, uint32_t attr)
{
	uint64_t e = (pa & ARM_PAGE_ADDRESS) | ARM_PTE_SMALL | ARM_PTE_S |
		     1 << ARM_PTE_SMALL_TEX_SHIFT | 3 << ARM_CB_SHIFT |
		     ARM_AP_WRITE << ARM_PTE_AP_SHIFT;

	if (!(attr & PW_ACCESSED))
		return 0;
	e |= (attr & PW_WRITE) && (attr & PW_DIRTY) ? 0 : ARM_PTE_APX;
	e |= attr & PW_USER ? ARM_AP_USER << ARM_PTE_AP_SHIFT : 0;
	e |= attr & PW_EXEC ? 0 : ARM_PTE_SMALL_XN;
	e |= attr & PW_GLOBAL ? 0 : ARM_PTE_NG;
	return e;
}

static inline uint64_t arm_make_leaf(const struct pw_format *f, const struct pw_regime *r,
				     unsigned level, pw_pa pa, uint32_t attr)
{
	uint64_t e = (pa & ARM_PAGE_ADDRESS) | ARM_L_PRESENT | ARM_L_SHARED |
		     ARM_MT_WRITEALLOC << ARM_L_MT_SHIFT;

	if (level > 0)
		return arm_make_section(pa, attr);
	if (r->view == PW_VIEW_HARDWARE)
		return arm_make_small(pa, attr);
	e |= attr & PW_WRITE ? 0 : ARM_L_RDONLY;
	e |= attr & PW_USER ? ARM_L_USER : 0;
	e |= attr & PW_EXEC ? 0 : ARM_L_XN;
	e |= attr & PW_ACCESSED ? ARM_L_YOUNG : 0;
	e |= attr & PW_DIRTY ? ARM_L_DIRTY : 0;
	return e;
}

/* @pa is the table that this view reads. In both views the entry names the hardware's table. */
static inline uint64_t arm_make_table(const struct pw_format *f, const struct pw_regime *r,
				      unsigned level, pw_pa pa)
{
	uint32_t offset = r->view == PW_VIEW_LINUX ? ARM_HARDWARE_OFFSET : 0;

	return (((uint32_t)pa + offset) & ARM_L1_TABLE_ADDRESS) | ARM_L1_TABLE;
}

/* At level 1 this is a section that grants no access. Linux has none to copy: no huge pages here. */
static inline uint64_t arm_make_prot_none(const struct pw_format *f, const struct pw_regime *r,
					  unsigned level, pw_pa pa)
{
	if (level > 0)
		return (pa & ARM_SECTION_ADDRESS) | ARM_L1_SECTION | ARM_SECTION_XN;
	if (r->view == PW_VIEW_HARDWARE)
		return 0;
	return arm_make_leaf(f, r, 0, pa, PW_ACCESSED) | ARM_L_NONE;
}

/*
 * Linux's own PTEs have these fields, and the hardware's PTE is then 0. The tables built here are the hardware's
 * alone, so they keep the fields: the hardware ignores all but bits 1:0 of such an entry.
 */
static inline struct pw_soft_layout arm_soft(const struct pw_format *f, const struct pw_regime *r,
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

static inline uint64_t arm_change_attr(const struct pw_format *f, const struct pw_regime *r,
				       unsigned level, uint64_t e, uint32_t attr)
{
	/* All other bits stay, so a large page or supersection keeps its layout. */
	uint64_t decided = ARM_PTE_APX | ARM_PTE_NG | ARM_AP_USER << ARM_PTE_AP_SHIFT;

	if (level > 0)
		decided = ARM_SECTION_APX | ARM_SECTION_XN | ARM_SECTION_NG |
			  ARM_AP_USER << ARM_SECTION_AP_SHIFT;
	else if (r->view == PW_VIEW_LINUX)
		decided = ARM_L_RDONLY | ARM_L_USER | ARM_L_XN | ARM_L_YOUNG | ARM_L_DIRTY;
	else if (!(attr & PW_ACCESSED))
		return 0;
	else if (arm_small(e))
		decided |= ARM_PTE_SMALL_XN;
	else
		return (e & ~(decided | ARM_PTE_LARGE_XN)) | (arm_make_small(0, attr) & decided) |
		       (attr & PW_EXEC ? 0 : ARM_PTE_LARGE_XN);
	return (e & ~decided) | (arm_make_leaf(f, r, level, 0, attr) & decided);
}

/* Sixteen small pages make a large page, sixteen sections a supersection (here below 4 GiB). */
static inline uint64_t arm_join(const struct pw_format *f, const struct pw_regime *r,
				unsigned level, uint64_t leaf, unsigned group_lg2)
{
	uint64_t e = leaf & (UINT32_C(0xffff0000) | ARM_PTE_NG | ARM_PTE_S | ARM_PTE_APX |
			     3 << ARM_PTE_AP_SHIFT | 3 << ARM_CB_SHIFT);

	if (level > 0)
		return (leaf & ~(pw_mask(4) << 20)) | ARM_SECTION_SUPER;
	/* The entry of an old page is empty, so it cannot be part of a large page. */
	if (!(leaf & ARM_PTE_SMALL))
		return leaf;
	e |= leaf & ARM_PTE_SMALL_XN ? ARM_PTE_LARGE_XN : 0;
	return e | (leaf >> ARM_PTE_SMALL_TEX_SHIFT & 7) << ARM_PTE_LARGE_TEX_SHIFT | ARM_PTE_LARGE;
}

static inline uint64_t arm_make_root(const struct pw_format *f, const struct pw_regime *r, pw_pa pa,
				     unsigned top)
{
	return pa;
}

static inline int arm_root(struct pw_regime *r, const uint64_t *word, unsigned count,
			   struct pw_error *error)
{
	if (r->registers.known & PW_REGISTER_TCR)
		return arm_root_ttbcr(r, word, count, error);
	if (count > 1)
		return pw_fail(error, EINVAL,
			       "TTBR0 and TTBR1 of short descriptors: TTBCR says which addresses "
			       "each of them translates (TTBCR.N); give it (--tcr), or TTBR0 "
			       "alone: in Linux it has all");
	if (word[0] >> 32 || (word[0] & ARM_TTBR_RESERVED))
		return pw_fail(error, EINVAL,
			       "TTBR0 0x%llx cannot be a root of short descriptors: bits 63:32 and "
			       "13:7 are not zero. Is this an arm_lpae root?",
			       (unsigned long long)word[0]);
	pw_span_low(&r->span[0], r->format, 1, word[0] & ARM_TTBR_ADDRESS);
	return 0;
}

extern const struct pw_instance pw_instance_arm;
extern const struct pw_words pw_words_arm;

static const struct pw_format pw_format_arm = {
	.name = "arm",
	.title = "arm, short descriptors, 2 levels",
	.root_name = "TTBR0 [TTBR1]",
	.level_name = { "pte", "pgd" },
	.levels = 2,
	.shift = { 12, 20 },
	.bits = { 8, 12 },
	.entry_lg2 = 2,
	.leaf_levels = 0x3,
	.page_field = { 31, 12 },
	.needs_ttbcr = true,
	.linux_twin = true,
	.groups = { 1 << 4, 1 << 4 },
	.max_roots = 2,
	.root = arm_root,
	.kind = arm_kind,
	.table = arm_table,
	.page = arm_page,
	.page_lg2 = arm_page_lg2,
	.attr = arm_attr,
	.keep = arm_keep,
	.hole = arm_hole,
	.make_empty = arm_make_empty,
	.make_leaf = arm_make_leaf,
	.make_table = arm_make_table,
	.make_prot_none = arm_make_prot_none,
	.change_attr = arm_change_attr,
	.join = arm_join,
	.soft = arm_soft,
	.make_root = arm_make_root,
	.words = &pw_words_arm,
	.instance = &pw_instance_arm,
};

#endif
