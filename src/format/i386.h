/* SPDX-License-Identifier: MIT */
/*
 * i386: x86 with entries of 4 bytes, two levels, PSE and PSE-36.
 * Intel SDM volume 3 section 4.3 "32-Bit Paging"; Linux arch/x86/include/asm/pgtable-2level.h.
 *
 *  level 1   level 0
 *  PDE       PTE
 *  10 bits   10 bits
 *
 *       31                22 21 20         13  12  11  9  8   7   6   5   4   3   2   1   0
 *      +--------------------+--+-------------+---+------+---+---+---+---+---+---+---+---+---+
 * 4M   |   address 31:22    | 0|address 39:32|PAT|  sw  | G | 1 | D | A |PCD|PWT|U/S|R/W| P |
 *      +--------------------+--+-------------+---+------+---+---+---+---+---+---+---+---+---+
 * else |             address 31:12               |  sw  | G | * | D | A |PCD|PWT|U/S|R/W| P |
 *      +-----------------------------------------+------+---+---+---+---+---+---+---+---+---+
 */
#ifndef PW_FORMAT_I386_H
#define PW_FORMAT_I386_H

#include "format/x86.h"

enum { X86_CR4_PSE = 1 << 4 };
static const uint32_t I386_ADDRESS = 0xfffff000;

static inline enum pw_kind i386_kind(const struct pw_format *f, const struct pw_regime *r,
				     unsigned level, uint64_t e)
{
	if (PW_UNLIKELY(!(e & X86_P)))
		return PW_HOLE;
	if (level == 0)
		return PW_LEAF;
	/* Without CR4.PSE, PS is ignored: SDM 4.3. */
	if (!(e & X86_PS) || !(r->registers.cr4 & X86_CR4_PSE))
		return PW_TABLE;
	/* Bit 21 is reserved. Bits 20:13 are address bits 39:32 (PSE-36): SDM table 4-4. */
	return e & (1u << 21) ? PW_HOLE : PW_LEAF;
}

static inline pw_pa i386_table(const struct pw_format *f, const struct pw_regime *r, unsigned level,
			       uint64_t e)
{
	return e & I386_ADDRESS;
}

static inline pw_pa i386_page(const struct pw_format *f, const struct pw_regime *r, unsigned level,
			      uint64_t e)
{
	if (level == 0)
		return e & I386_ADDRESS;
	return (e & 0xffc00000) | (((e >> 13) & 0xff) << 32);
}

/* There is no NX, and PROT_NONE entries are not inverted: pgtable-2level.h. Swap entries: type in 5:1. */
static inline enum pw_status i386_hole(const struct pw_format *f, const struct pw_regime *r,
				       unsigned level, uint64_t e, pw_pa *pa)
{
	if (e & X86_P)
		return PW_MALFORMED;
	if (r->view == PW_VIEW_HARDWARE || !(e & ~(uint64_t)(X86_A | X86_D)))
		return PW_NONE;
	if (e & (level == 0 ? X86_PROTNONE : X86_PS)) {
		*pa = i386_page(f, r, level, e);
		return PW_PROT_NONE;
	}
	return level > 0 ? PW_NONE : pw_linux_swap(r, level, (unsigned)(e >> 1) & 31);
}

/* pgtable-2level.h. There are no huge pages in migration. */
static inline struct pw_soft_layout i386_soft(const struct pw_format *f, const struct pw_regime *r,
					      unsigned level)
{
	if (level > 0)
		return (struct pw_soft_layout){ 0 };
	return (struct pw_soft_layout){
		.type_shift = 1,
		.offset_shift = 9,
		.offset_bits = 23,
		.exclusive = X86_PS,
	};
}

static inline uint64_t i386_make_leaf(const struct pw_format *f, const struct pw_regime *r,
				      unsigned level, pw_pa pa, uint32_t attr)
{
	uint64_t e = x86_attr_bits(f, level, attr);

	if (level == 0)
		return (pa & I386_ADDRESS) | e;
	return (pa & 0xffc00000) | ((pa >> 32 & 0xff) << 13) | X86_PS | e;
}

static inline uint64_t i386_make_prot_none(const struct pw_format *f, const struct pw_regime *r,
					   unsigned level, pw_pa pa)
{
	return (i386_make_leaf(f, r, level, pa, PW_ACCESSED) & ~(uint64_t)X86_P) | X86_PROTNONE;
}

static inline int i386_root(struct pw_regime *r, const uint64_t *word, unsigned count,
			    struct pw_error *error)
{
	if (word[0] >> 32)
		return pw_fail(error, EINVAL,
			       "CR3 0x%llx is wider than 32 bits. Is this an x86_64 root?",
			       (unsigned long long)word[0]);
	x86_memtypes(r);
	pw_span_low(&r->span[0], r->format, 1, word[0] & I386_ADDRESS);
	return 0;
}

extern const struct pw_instance pw_instance_i386;
extern const struct pw_words pw_words_i386;

static const struct pw_format pw_format_i386 = {
	.name = "i386",
	.title = "x86 32-bit, 2 levels, PSE and PSE-36",
	.config = PW_CONFIG_MEMORY_FAILURE,
	.root_name = "CR3",
	.level_name = { "pte", "pgd" },
	.levels = 2,
	.shift = { 12, 22 },
	.bits = { 10, 10 },
	.entry_lg2 = 2,
	.leaf_levels = 0x3,
	.page_field = { 31, 12 },
	.max_roots = 1,
	.root = i386_root,
	.kind = i386_kind,
	.table = i386_table,
	.page = i386_page,
	.attr = x86_attr,
	.prot = x86_prot,
	.keep = x86_keep,
	.hole = i386_hole,
	.make_empty = x86_make_empty,
	.make_leaf = i386_make_leaf,
	.make_table = x86_long_make_table,
	.make_prot_none = i386_make_prot_none,
	.change_attr = x86_change_attr,
	.soft = i386_soft,
	.make_root = x86_make_root,
	.words = &pw_words_i386,
	.instance = &pw_instance_i386,
};

#endif
