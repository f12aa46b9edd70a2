/* SPDX-License-Identifier: MIT */
/*
 * i386_pae: 32-bit x86 with PAE. Entries are those of format/x86.h, but for the four of the top table.
 * Intel SDM volume 3 section 4.4 "PAE Paging"; Linux arch/x86/include/asm/pgtable-3level.h.
 *
 *  level 2    level 1   level 0
 *  PDPTE      PDE       PTE
 *  2 bits     9 bits    9 bits    8 bytes each
 */
#ifndef PW_FORMAT_I386_PAE_H
#define PW_FORMAT_I386_PAE_H

#include "format/x86.h"

/* PAE has no bits between the address and NX. A PDPTE has no NX, R/W, U/S, D and PS either: SDM tables 4-8
 * to 4-11. A is reserved in a PDPTE as well, but QEMU sets it in guests. */
static const uint64_t X86_PAE_RESERVED = UINT64_C(0x7ff) << 52;
static const uint64_t X86_PDPTE_RESERVED = UINT64_C(0xfff00000000001c6);

static inline enum pw_kind x86_pae_kind(const struct pw_format *f, const struct pw_regime *r,
					unsigned level, uint64_t e)
{
	if (level == 2)
		return (e & (X86_PDPTE_RESERVED | X86_P)) == X86_P ? PW_TABLE : PW_HOLE;
	return e & X86_PAE_RESERVED ? PW_HOLE : x86_long_kind(f, r, level, e);
}

static inline uint32_t x86_pae_keep(const struct pw_format *f, const struct pw_regime *r,
				    unsigned level, uint64_t e)
{
	return level == 2 ? PW_KEEP_ALL : x86_keep(f, r, level, e);
}

/* Linux keeps nothing of its own in a PDPTE. */
static inline enum pw_status x86_pae_hole(const struct pw_format *f, const struct pw_regime *r,
					  unsigned level, uint64_t e, pw_pa *pa)
{
	if (level == 2)
		return e & X86_P ? PW_MALFORMED : PW_NONE;
	return x86_long_hole(f, r, level, e, pa);
}

/* In a PMD, which is never in swap and so has no marker in Linux, bit 7 is PS. */
static inline struct pw_soft_layout x86_pae_soft(const struct pw_format *f,
						 const struct pw_regime *r, unsigned level)
{
	struct pw_soft_layout layout = x86_long_soft(f, r, level);

	if (level > 1)
		return (struct pw_soft_layout){ 0 };
	layout.exclusive = level == 0 ? X86_PS : X86_PWT;
	return layout;
}

static inline uint64_t x86_pae_make_table(const struct pw_format *f, const struct pw_regime *r,
					  unsigned level, pw_pa pa)
{
	return level == 2 ? pa | X86_P : x86_long_make_table(f, r, level, pa);
}

/* CR3 in PAE mode: 31:5 are the address of a 32-byte table. */
static inline int x86_pae_root(struct pw_regime *r, const uint64_t *word, unsigned count,
			       struct pw_error *error)
{
	if (word[0] >> 32)
		return pw_fail(
			error, EINVAL,
			"CR3 0x%llx is wider than 32 bits: PAE keeps its page-directory-pointer "
			"table below 4 GiB. Is this an x86_64 root?",
			(unsigned long long)word[0]);
	x86_memtypes(r);
	pw_span_low(&r->span[0], r->format, 2, word[0] & 0xffffffe0);
	return 0;
}

extern const struct pw_instance pw_instance_i386_pae;
extern const struct pw_words pw_words_i386_pae;

static const struct pw_format pw_format_i386_pae = {
	.name = "i386_pae",
	.title = "x86 32-bit PAE, 3 levels",
	.config = PW_CONFIG_MEMORY_FAILURE,
	.root_name = "CR3",
	.level_name = { "pte", "pmd", "pgd" },
	.levels = 3,
	.shift = { 12, 21, 30 },
	.bits = { 9, 9, 2 },
	.entry_lg2 = 3,
	.leaf_levels = 0x3,
	.page_field = { 51, 12 },
	.max_roots = 1,
	.root = x86_pae_root,
	.kind = x86_pae_kind,
	.table = x86_long_table,
	.page = x86_long_page,
	.attr = x86_attr,
	.prot = x86_prot,
	.keep = x86_pae_keep,
	.hole = x86_pae_hole,
	.make_empty = x86_make_empty,
	.make_leaf = x86_long_make_leaf,
	.make_table = x86_pae_make_table,
	.make_prot_none = x86_long_make_prot_none,
	.change_attr = x86_change_attr,
	.soft = x86_pae_soft,
	.make_root = x86_make_root,
	.words = &pw_words_i386_pae,
	.instance = &pw_instance_i386_pae,
};

#endif
