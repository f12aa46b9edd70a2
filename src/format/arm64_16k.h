/* SPDX-License-Identifier: MIT */
/*
 * arm64 with a 16K granule, for 36-, 47-, 48- and 52-bit virtual addresses.
 *
 *           level 3   level 2   level 1   level 0
 * 16k_36                        pgd       pte      11 bits each
 * 16k_47              pgd       pmd       pte      11 bits each
 * 16k_48    pgd (1)   pud       pmd       pte      11 bits each but the top, of two entries
 * 16k_52    pgd (5)   pud       pmd       pte      11 bits each but the top
 */
#ifndef PW_FORMAT_ARM64_16K_H
#define PW_FORMAT_ARM64_16K_H

#include "format/arm64_root.h"

extern const struct pw_instance pw_instance_arm64_16k_36, pw_instance_arm64_16k_47,
	pw_instance_arm64_16k_48, pw_instance_arm64_16k_52;
extern const struct pw_words pw_words_arm64_16k_36, pw_words_arm64_16k_47, pw_words_arm64_16k_48,
	pw_words_arm64_16k_52;

/* ---- 48-bit physical addresses ---- */

/* Blocks of 32 MiB. */
static const struct arm64_shape arm64_16k_shape = {
	.granule = 14,
	.top_leaf = 1,
	.wide = ARM64_PA_48,
};

static inline enum pw_kind arm64_16k_kind(const struct pw_format *f, const struct pw_regime *r,
					  unsigned level, uint64_t e)
{
	return arm64_kind(&arm64_16k_shape, r, level, e);
}

static inline pw_pa arm64_16k_table(const struct pw_format *f, const struct pw_regime *r,
				    unsigned level, uint64_t e)
{
	return arm64_address(&arm64_16k_shape, r, e);
}

static inline pw_pa arm64_16k_page(const struct pw_format *f, const struct pw_regime *r,
				   unsigned level, uint64_t e)
{
	return arm64_page(&arm64_16k_shape, r, level, e);
}

static inline unsigned arm64_16k_page_lg2(const struct pw_format *f, const struct pw_regime *r,
					  unsigned level, uint64_t e)
{
	return arm64_page_lg2(&arm64_16k_shape, level, e);
}

static inline enum pw_status arm64_16k_hole(const struct pw_format *f, const struct pw_regime *r,
					    unsigned level, uint64_t e, pw_pa *pa)
{
	return arm64_hole(&arm64_16k_shape, r, level, e, pa);
}

static inline uint64_t arm64_16k_make_leaf(const struct pw_format *f, const struct pw_regime *r,
					   unsigned level, pw_pa pa, uint32_t attr)
{
	return arm64_make_leaf(&arm64_16k_shape, level, pa, attr);
}

static inline uint64_t arm64_16k_make_table(const struct pw_format *f, const struct pw_regime *r,
					    unsigned level, pw_pa pa)
{
	return arm64_make_table(&arm64_16k_shape, pa);
}

static inline uint64_t arm64_16k_make_prot_none(const struct pw_format *f,
						const struct pw_regime *r, unsigned level, pw_pa pa)
{
	return arm64_make_prot_none(&arm64_16k_shape, r, level, pa);
}

/* ---- 52-bit physical addresses (LPA2) ---- */

/* Blocks of 64 GiB as well. */
static const struct arm64_shape arm64_16k_lpa2_shape = {
	.granule = 14,
	.top_leaf = 2,
	.wide = ARM64_LPA2,
};

static inline enum pw_kind arm64_16k_lpa2_kind(const struct pw_format *f, const struct pw_regime *r,
					       unsigned level, uint64_t e)
{
	return arm64_kind(&arm64_16k_lpa2_shape, r, level, e);
}

static inline pw_pa arm64_16k_lpa2_table(const struct pw_format *f, const struct pw_regime *r,
					 unsigned level, uint64_t e)
{
	return arm64_address(&arm64_16k_lpa2_shape, r, e);
}

static inline pw_pa arm64_16k_lpa2_page(const struct pw_format *f, const struct pw_regime *r,
					unsigned level, uint64_t e)
{
	return arm64_page(&arm64_16k_lpa2_shape, r, level, e);
}

static inline unsigned arm64_16k_lpa2_page_lg2(const struct pw_format *f, const struct pw_regime *r,
					       unsigned level, uint64_t e)
{
	return arm64_page_lg2(&arm64_16k_lpa2_shape, level, e);
}

static inline enum pw_status arm64_16k_lpa2_hole(const struct pw_format *f,
						 const struct pw_regime *r, unsigned level,
						 uint64_t e, pw_pa *pa)
{
	return arm64_hole(&arm64_16k_lpa2_shape, r, level, e, pa);
}

static inline uint64_t arm64_16k_lpa2_make_leaf(const struct pw_format *f,
						const struct pw_regime *r, unsigned level, pw_pa pa,
						uint32_t attr)
{
	return arm64_make_leaf(&arm64_16k_lpa2_shape, level, pa, attr);
}

static inline uint64_t arm64_16k_lpa2_make_table(const struct pw_format *f,
						 const struct pw_regime *r, unsigned level,
						 pw_pa pa)
{
	return arm64_make_table(&arm64_16k_lpa2_shape, pa);
}

static inline uint64_t arm64_16k_lpa2_make_prot_none(const struct pw_format *f,
						     const struct pw_regime *r, unsigned level,
						     pw_pa pa)
{
	return arm64_make_prot_none(&arm64_16k_lpa2_shape, r, level, pa);
}

/* ---- the formats ---- */

static const struct pw_format pw_format_arm64_16k_36 = {
	.name = "arm64_16k_36",
	.title = "arm64, 16K granule, 36-bit addresses, 2 levels",
	.config = PW_CONFIG_MEMORY_FAILURE | PW_CONFIG_DEVICE_PRIVATE,
	.root_name = "TTBR0 [TTBR1]",
	.level_name = { "pte", "pgd" },
	.levels = 2,
	.shift = { 14, 25 },
	.bits = { 11, 11 },
	.entry_lg2 = 3,
	.leaf_levels = 0x3,
	.page_field = { 47, 14 },
	.groups = { 1 << 7, 1 << 5 },
	.max_roots = 2,
	.root = arm64_root,
	.kind = arm64_16k_kind,
	.table = arm64_16k_table,
	.page = arm64_16k_page,
	.page_lg2 = arm64_16k_page_lg2,
	.attr = arm64_attr,
	.keep = arm64_keep,
	.hole = arm64_16k_hole,
	.make_empty = arm64_make_empty,
	.make_leaf = arm64_16k_make_leaf,
	.make_table = arm64_16k_make_table,
	.make_prot_none = arm64_16k_make_prot_none,
	.change_attr = arm64_change_attr,
	.join = arm64_join,
	.make_root = arm64_make_root,
	.words = &pw_words_arm64_16k_36,
	.instance = &pw_instance_arm64_16k_36,
};

static const struct pw_format pw_format_arm64_16k_47 = {
	.name = "arm64_16k_47",
	.title = "arm64, 16K granule, 47-bit addresses, 3 levels",
	.config = PW_CONFIG_MEMORY_FAILURE | PW_CONFIG_DEVICE_PRIVATE,
	.root_name = "TTBR0 [TTBR1]",
	.level_name = { "pte", "pmd", "pgd" },
	.levels = 3,
	.shift = { 14, 25, 36 },
	.bits = { 11, 11, 11 },
	.entry_lg2 = 3,
	.leaf_levels = 0x3,
	.page_field = { 47, 14 },
	.groups = { 1 << 7, 1 << 5 },
	.max_roots = 2,
	.root = arm64_root,
	.kind = arm64_16k_kind,
	.table = arm64_16k_table,
	.page = arm64_16k_page,
	.page_lg2 = arm64_16k_page_lg2,
	.attr = arm64_attr,
	.keep = arm64_keep,
	.hole = arm64_16k_hole,
	.make_empty = arm64_make_empty,
	.make_leaf = arm64_16k_make_leaf,
	.make_table = arm64_16k_make_table,
	.make_prot_none = arm64_16k_make_prot_none,
	.change_attr = arm64_change_attr,
	.join = arm64_join,
	.make_root = arm64_make_root,
	.words = &pw_words_arm64_16k_47,
	.instance = &pw_instance_arm64_16k_47,
};

static const struct pw_format pw_format_arm64_16k_48 = {
	.name = "arm64_16k_48",
	.title = "arm64, 16K granule, 48-bit addresses, 4 levels",
	.config = PW_CONFIG_MEMORY_FAILURE | PW_CONFIG_DEVICE_PRIVATE,
	.root_name = "TTBR0 [TTBR1]",
	.level_name = { "pte", "pmd", "pud", "pgd" },
	.levels = 4,
	.shift = { 14, 25, 36, 47 },
	.bits = { 11, 11, 11, 1 },
	.entry_lg2 = 3,
	.leaf_levels = 0x3,
	.page_field = { 47, 14 },
	.groups = { 1 << 7, 1 << 5 },
	.max_roots = 2,
	.root = arm64_root,
	.kind = arm64_16k_kind,
	.table = arm64_16k_table,
	.page = arm64_16k_page,
	.page_lg2 = arm64_16k_page_lg2,
	.attr = arm64_attr,
	.keep = arm64_keep,
	.hole = arm64_16k_hole,
	.make_empty = arm64_make_empty,
	.make_leaf = arm64_16k_make_leaf,
	.make_table = arm64_16k_make_table,
	.make_prot_none = arm64_16k_make_prot_none,
	.change_attr = arm64_change_attr,
	.join = arm64_join,
	.make_root = arm64_make_root,
	.words = &pw_words_arm64_16k_48,
	.instance = &pw_instance_arm64_16k_48,
};

static const struct pw_format pw_format_arm64_16k_52 = {
	.name = "arm64_16k_52",
	.title = "arm64, 16K granule, 52-bit addresses (LPA2), 4 levels",
	.config = PW_CONFIG_MEMORY_FAILURE | PW_CONFIG_DEVICE_PRIVATE,
	.root_name = "TTBR0 [TTBR1]",
	.level_name = { "pte", "pmd", "pud", "pgd" },
	.levels = 4,
	.shift = { 14, 25, 36, 47 },
	.bits = { 11, 11, 11, 5 },
	.entry_lg2 = 3,
	.leaf_levels = 0x7,
	.page_field = { 49, 14 },
	.groups = { 1 << 7, 1 << 5 },
	.max_roots = 2,
	.root = arm64_root,
	.kind = arm64_16k_lpa2_kind,
	.table = arm64_16k_lpa2_table,
	.page = arm64_16k_lpa2_page,
	.page_lg2 = arm64_16k_lpa2_page_lg2,
	.attr = arm64_attr,
	.keep = arm64_keep,
	.hole = arm64_16k_lpa2_hole,
	.make_empty = arm64_make_empty,
	.make_leaf = arm64_16k_lpa2_make_leaf,
	.make_table = arm64_16k_lpa2_make_table,
	.make_prot_none = arm64_16k_lpa2_make_prot_none,
	.change_attr = arm64_change_attr,
	.join = arm64_join,
	.make_root = arm64_make_root,
	.words = &pw_words_arm64_16k_52,
	.instance = &pw_instance_arm64_16k_52,
};

#endif
