/* SPDX-License-Identifier: MIT */
/*
 * riscv Sv32: the riscv format with 4-byte entries and 34-bit physical addresses.
 * RISC-V Privileged Specification, "Sv32: Page-Based 32-bit Virtual-Memory Systems"; Linux
 * arch/riscv/include/asm/pgtable-32.h.
 *
 *  level 1   level 0
 *  pgd       pte
 *  10 bits   10 bits
 *
 *  31                                      10 9  8  7   6   5   4   3   2   1   0
 * +------------------------------------------+-----+---+---+---+---+---+---+---+---+
 * |           physical page number           | sw  | D | A | G | U | X | W | R | V |
 * +------------------------------------------+-----+---+---+---+---+---+---+---+---+
 */
#ifndef PW_FORMAT_RISCV32_H
#define PW_FORMAT_RISCV32_H

#include "format/riscv.h"

static const uint64_t RISCV32_SATP_MODE = 0x80000000;
static const uint64_t RISCV32_SATP_PPN = 0x003fffff;

static inline uint64_t riscv32_make_root(const struct pw_format *f, const struct pw_regime *r,
					 pw_pa pa, unsigned top)
{
	return RISCV32_SATP_MODE | pa >> 12;
}

static inline int riscv32_root(struct pw_regime *r, const uint64_t *word, unsigned count,
			       struct pw_error *error)
{
	if (word[0] >> 32)
		return pw_fail(error, EINVAL,
			       "satp 0x%llx is wider than 32 bits. Is this a riscv_sv39 root?",
			       (unsigned long long)word[0]);
	if (!(word[0] & RISCV32_SATP_MODE))
		return pw_fail(error, EINVAL,
			       "satp 0x%llx has mode 0 (no translation); riscv_sv32 needs bit 31",
			       (unsigned long long)word[0]);
	pw_span_low(&r->span[0], r->format, 1, (word[0] & RISCV32_SATP_PPN) << 12);
	return 0;
}

extern const struct pw_instance pw_instance_riscv_sv32;
extern const struct pw_words pw_words_riscv_sv32;

static const struct pw_format pw_format_riscv_sv32 = {
	.name = "riscv_sv32",
	.title = "riscv Sv32, 2 levels",
	.root_name = "satp",
	.level_name = { "pte", "pgd" },
	.levels = 2,
	.shift = { 12, 22 },
	.bits = { 10, 10 },
	.entry_lg2 = 2,
	.leaf_levels = 0x3,
	.page_field = { 31, 10 },
	.max_roots = 1,
	.root = riscv32_root,
	.kind = riscv_kind,
	.table = riscv_table,
	.page = riscv_page,
	.attr = riscv_attr,
	.keep = riscv_keep,
	.hole = riscv_hole,
	.make_empty = riscv_make_empty,
	.make_leaf = riscv_make_leaf,
	.make_table = riscv_make_table,
	.make_prot_none = riscv_make_prot_none,
	.change_attr = riscv_change_attr,
	.soft = riscv_soft,
	.make_root = riscv32_make_root,
	.words = &pw_words_riscv_sv32,
	.instance = &pw_instance_riscv_sv32,
};

#endif
