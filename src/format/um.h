/* SPDX-License-Identifier: MIT */
/*
 * User-mode Linux: tables that no hardware reads. Linux arch/um/include/asm/pgtable.h,
 * pgtable-2level.h, pgtable-3level.h (6.1), pgtable-4level.h (6.13); arch/um/kernel/tlb.c.
 *
 *       level 3   level 2   level 1   level 0
 * um_2                      10 bits   10 bits, 4 bytes    32-bit guests
 * um_3            9 bits    9 bits    9 bits,  8 bytes    64-bit guests up to 6.12
 * um_4  9 bits    9 bits    9 bits    9 bits,  8 bytes    64-bit guests from 6.13 on
 *
 *                    12 11  10   9   8   7   6   5   4   3   2   1   0
 * +--------------------+---+---+---+---+---+---+---+---+---+---+---+---+
 * |     address        |   |   |   | D | A | U | RW| PN|   |NWP|NEW| P |
 * +--------------------+---+---+---+---+---+---+---+---+---+---+---+---+
 *
 * The kernel follows these entries when it maps guest pages into host processes with mmap. The hardware
 * view shows the permissions that update_pte_range() requests from the host. An old page may only be
 * executed, and a clean page may not be written, so that the kernel notices accesses and writes. NEW and
 * NWP (until 6.12), then NEEDSYNC in the place of NEW, mark changes that the host does not know yet; an
 * empty entry may have them. The byte order is the host's, which is assumed to be little-endian.
 */
#ifndef PW_FORMAT_UM_H
#define PW_FORMAT_UM_H

#include "format/linux.h"

enum {
	UM_PRESENT = 0x1,
	UM_NEWPAGE = 0x2, /* NEEDSYNC from 6.13 on */
	UM_NEWPROT = 0x4, /* until 6.12 */
	UM_PROTNONE = 0x10, /* if PRESENT is clear */
	UM_RW = 0x20,
	UM_USER = 0x40,
	UM_ACCESSED = 0x80,
	UM_DIRTY = 0x100,
	UM_TABLE = UM_PRESENT | UM_RW | UM_USER | UM_ACCESSED | UM_DIRTY,
	UM_FLAGS = 0xfff,
};
static const uint64_t UM_ADDRESS = ~UINT64_C(0xfff);
static const uint16_t UM_KERNEL_NEEDSYNC = 0x060d;

static inline enum pw_kind um_kind(const struct pw_format *f, const struct pw_regime *r,
				   unsigned level, uint64_t e)
{
	if (level == 0)
		return PW_LIKELY(e & UM_PRESENT) ? PW_LEAF : PW_HOLE;
	/* pmd_bad(): a table has all of these flags and no others; USER may be set or clear. */
	return (e & (UM_FLAGS & ~UM_USER)) == (UM_TABLE & ~UM_USER) ? PW_TABLE : PW_HOLE;
}

static inline pw_pa um_address(const struct pw_format *f, const struct pw_regime *r, unsigned level,
			       uint64_t e)
{
	return e & UM_ADDRESS;
}

static inline uint32_t um_attr(const struct pw_format *f, const struct pw_regime *r, unsigned level,
			       uint64_t e)
{
	bool is_user = e & UM_USER;
	uint32_t attr = PW_READ | PW_EXEC_BOTH;

	attr |= e & UM_RW ? PW_WRITE : 0;
	attr |= is_user ? PW_USER : 0;
	attr |= e & UM_ACCESSED ? PW_ACCESSED : 0;
	attr |= e & UM_DIRTY ? PW_DIRTY : 0;
	if (r->view == PW_VIEW_LINUX)
		return attr;
	/* The kernel's own pages are mapped with all permissions: update_kernel_pte(). */
	if (!is_user)
		return attr | PW_WRITE;
	if (!(e & UM_ACCESSED))
		return attr & ~(uint32_t)(PW_READ | PW_WRITE);
	return e & UM_DIRTY ? attr : attr & ~(uint32_t)PW_WRITE;
}

static inline enum pw_status um_hole(const struct pw_format *f, const struct pw_regime *r,
				     unsigned level, uint64_t e, pw_pa *pa)
{
	if (e & UM_PRESENT)
		return PW_MALFORMED;
	/* pte_none() and pmd_none(). */
	if (r->view == PW_VIEW_HARDWARE || !(e & ~(uint64_t)UM_NEWPAGE))
		return PW_NONE;
	if (level > 0)
		return PW_MALFORMED;
	if (e & UM_PROTNONE) {
		*pa = e & UM_ADDRESS;
		return PW_PROT_NONE;
	}
	return pw_linux_swap(r, level, (unsigned)(e >> 5) & 31);
}

/* set_pte() adds these bits, so that the kernel later informs the host. */
static inline uint64_t um_unsynced(const struct pw_regime *r)
{
	return r->kernel >= UM_KERNEL_NEEDSYNC ? UM_NEWPAGE : UM_NEWPAGE | UM_NEWPROT;
}

static inline uint64_t um_make_empty(const struct pw_format *f, const struct pw_regime *r,
				     unsigned level)
{
	return UM_NEWPAGE;
}

static inline uint64_t um_make_leaf(const struct pw_format *f, const struct pw_regime *r,
				    unsigned level, pw_pa pa, uint32_t attr)
{
	uint64_t e = pa | UM_PRESENT | um_unsynced(r);

	e |= attr & PW_WRITE ? UM_RW : 0;
	e |= attr & PW_USER ? UM_USER : 0;
	e |= attr & PW_ACCESSED ? UM_ACCESSED : 0;
	e |= attr & PW_DIRTY ? UM_DIRTY : 0;
	return e;
}

static inline uint64_t um_make_table(const struct pw_format *f, const struct pw_regime *r,
				     unsigned level, pw_pa pa)
{
	return pa | UM_TABLE;
}

static inline uint64_t um_make_prot_none(const struct pw_format *f, const struct pw_regime *r,
					 unsigned level, pw_pa pa)
{
	return pa | UM_PROTNONE | UM_ACCESSED | um_unsynced(r);
}

/* __swp_entry, _PAGE_SWP_EXCLUSIVE. */
static inline struct pw_soft_layout um_soft(const struct pw_format *f, const struct pw_regime *r,
					    unsigned level)
{
	if (level > 0)
		return (struct pw_soft_layout){ 0 };
	return (struct pw_soft_layout){
		.type_shift = 5,
		.offset_shift = 11,
		.offset_bits = (uint8_t)((8u << f->entry_lg2) - 11),
		.exclusive = 0x400,
		.fixed = UM_NEWPAGE,
	};
}

static inline uint64_t um_change_attr(const struct pw_format *f, const struct pw_regime *r,
				      unsigned level, uint64_t e, uint32_t attr)
{
	return um_make_leaf(f, r, level, e & UM_ADDRESS, attr);
}

static inline uint64_t um_make_root(const struct pw_format *f, const struct pw_regime *r, pw_pa pa,
				    unsigned top)
{
	return pa;
}

static inline int um_root(struct pw_regime *r, const uint64_t *word, unsigned count,
			  struct pw_error *error)
{
	if (word[0] & UM_FLAGS)
		return pw_fail(
			error, EINVAL,
			"0x%llx cannot be the physical address of a pgd, which is aligned "
			"to 4 KiB (mm->pgd is a virtual address; its physical one is wanted)",
			(unsigned long long)word[0]);
	pw_span_low(&r->span[0], r->format, r->format->levels - 1u, word[0]);
	return 0;
}

extern const struct pw_instance pw_instance_um_2, pw_instance_um_3, pw_instance_um_4;
extern const struct pw_words pw_words_um_2, pw_words_um_3, pw_words_um_4;

static const struct pw_format pw_format_um_2 = {
	.name = "um_2",
	.title = "user-mode Linux, 32-bit, 2 levels",
	.root_name = "physical address of the pgd",
	.level_name = { "pte", "pgd" },
	.levels = 2,
	.shift = { 12, 22 },
	.bits = { 10, 10 },
	.entry_lg2 = 2,
	.leaf_levels = 0x1,
	.page_field = { 31, 12 },
	.max_roots = 1,
	.root = um_root,
	.kind = um_kind,
	.table = um_address,
	.page = um_address,
	.attr = um_attr,
	.hole = um_hole,
	.make_empty = um_make_empty,
	.make_leaf = um_make_leaf,
	.make_table = um_make_table,
	.make_prot_none = um_make_prot_none,
	.change_attr = um_change_attr,
	.soft = um_soft,
	.make_root = um_make_root,
	.words = &pw_words_um_2,
	.instance = &pw_instance_um_2,
};

static const struct pw_format pw_format_um_3 = {
	.name = "um_3",
	.title = "user-mode Linux, 64-bit, 3 levels",
	.root_name = "physical address of the pgd",
	.level_name = { "pte", "pmd", "pgd" },
	.levels = 3,
	.shift = { 12, 21, 30 },
	.bits = { 9, 9, 9 },
	.entry_lg2 = 3,
	.leaf_levels = 0x1,
	.page_field = { 63, 12 },
	.max_roots = 1,
	.root = um_root,
	.kind = um_kind,
	.table = um_address,
	.page = um_address,
	.attr = um_attr,
	.hole = um_hole,
	.make_empty = um_make_empty,
	.make_leaf = um_make_leaf,
	.make_table = um_make_table,
	.make_prot_none = um_make_prot_none,
	.change_attr = um_change_attr,
	.soft = um_soft,
	.make_root = um_make_root,
	.words = &pw_words_um_3,
	.instance = &pw_instance_um_3,
};

static const struct pw_format pw_format_um_4 = {
	.name = "um_4",
	.title = "user-mode Linux, 64-bit, 4 levels",
	.root_name = "physical address of the pgd",
	.level_name = { "pte", "pmd", "pud", "pgd" },
	.levels = 4,
	.shift = { 12, 21, 30, 39 },
	.bits = { 9, 9, 9, 9 },
	.entry_lg2 = 3,
	.leaf_levels = 0x1,
	.page_field = { 63, 12 },
	.max_roots = 1,
	.root = um_root,
	.kind = um_kind,
	.table = um_address,
	.page = um_address,
	.attr = um_attr,
	.hole = um_hole,
	.make_empty = um_make_empty,
	.make_leaf = um_make_leaf,
	.make_table = um_make_table,
	.make_prot_none = um_make_prot_none,
	.change_attr = um_change_attr,
	.soft = um_soft,
	.make_root = um_make_root,
	.words = &pw_words_um_4,
	.instance = &pw_instance_um_4,
};

#endif
