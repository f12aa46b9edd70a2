/* SPDX-License-Identifier: MIT */
/*
 * arm64 with a 64K granule, for 42-, 48- and 52-bit virtual addresses.
 *
 *           level 2    level 1   level 0
 * 64k_42               pgd       pte      13 bits each
 * 64k_48    pgd (6)    pmd       pte      13 bits each but the top
 * 64k_52    pgd (10)   pmd       pte      13 bits each but the top
 */
#ifndef PW_FORMAT_ARM64_64K_H
#define PW_FORMAT_ARM64_64K_H

#include "format/arm64_root.h"

extern const struct pw_instance pw_instance_arm64_64k_42, pw_instance_arm64_64k_48,
	pw_instance_arm64_64k_52;
extern const struct pw_words pw_words_arm64_64k_42, pw_words_arm64_64k_48, pw_words_arm64_64k_52;

/* ---- 42- and 48-bit virtual addresses ---- */

/* Blocks of 512 MiB. */
static const struct arm64_shape arm64_64k_shape = {
	.granule = 16,
	.top_leaf = 1,
	.wide = ARM64_LPA,
};

static inline enum pw_kind arm64_64k_kind(const struct pw_format *f, const struct pw_regime *r,
					  unsigned level, uint64_t e)
{
	return arm64_kind(&arm64_64k_shape, r, level, e);
}

static inline pw_pa arm64_64k_table(const struct pw_format *f, const struct pw_regime *r,
				    unsigned level, uint64_t e)
{
	return arm64_address(&arm64_64k_shape, r, e);
}

static inline pw_pa arm64_64k_page(const struct pw_format *f, const struct pw_regime *r,
				   unsigned level, uint64_t e)
{
	return arm64_page(&arm64_64k_shape, r, level, e);
}

static inline unsigned arm64_64k_page_lg2(const struct pw_format *f, const struct pw_regime *r,
					  unsigned level, uint64_t e)
{
	return arm64_page_lg2(&arm64_64k_shape, level, e);
}

static inline enum pw_status arm64_64k_hole(const struct pw_format *f, const struct pw_regime *r,
					    unsigned level, uint64_t e, pw_pa *pa)
{
	return arm64_hole(&arm64_64k_shape, r, level, e, pa);
}

static inline uint64_t arm64_64k_make_leaf(const struct pw_format *f, const struct pw_regime *r,
					   unsigned level, pw_pa pa, uint32_t attr)
{
	return arm64_make_leaf(&arm64_64k_shape, level, pa, attr);
}

static inline uint64_t arm64_64k_make_table(const struct pw_format *f, const struct pw_regime *r,
					    unsigned level, pw_pa pa)
{
	return arm64_make_table(&arm64_64k_shape, pa);
}

static inline uint64_t arm64_64k_make_prot_none(const struct pw_format *f,
						const struct pw_regime *r, unsigned level, pw_pa pa)
{
	return arm64_make_prot_none(&arm64_64k_shape, r, level, pa);
}

/* ---- 52-bit virtual addresses ---- */

/* Blocks of 4 TiB as well. */
static const struct arm64_shape arm64_64k_lpa_shape = {
	.granule = 16,
	.top_leaf = 2,
	.wide = ARM64_LPA,
};

static inline enum pw_kind arm64_64k_lpa_kind(const struct pw_format *f, const struct pw_regime *r,
					      unsigned level, uint64_t e)
{
	return arm64_kind(&arm64_64k_lpa_shape, r, level, e);
}

static inline pw_pa arm64_64k_lpa_table(const struct pw_format *f, const struct pw_regime *r,
					unsigned level, uint64_t e)
{
	return arm64_address(&arm64_64k_lpa_shape, r, e);
}

static inline pw_pa arm64_64k_lpa_page(const struct pw_format *f, const struct pw_regime *r,
				       unsigned level, uint64_t e)
{
	return arm64_page(&arm64_64k_lpa_shape, r, level, e);
}

static inline unsigned arm64_64k_lpa_page_lg2(const struct pw_format *f, const struct pw_regime *r,
					      unsigned level, uint64_t e)
{
	return arm64_page_lg2(&arm64_64k_lpa_shape, level, e);
}

static inline enum pw_status arm64_64k_lpa_hole(const struct pw_format *f,
						const struct pw_regime *r, unsigned level,
						uint64_t e, pw_pa *pa)
{
	return arm64_hole(&arm64_64k_lpa_shape, r, level, e, pa);
}

static inline uint64_t arm64_64k_lpa_make_leaf(const struct pw_format *f, const struct pw_regime *r,
					       unsigned level, pw_pa pa, uint32_t attr)
{
	return arm64_make_leaf(&arm64_64k_lpa_shape, level, pa, attr);
}

static inline uint64_t arm64_64k_lpa_make_table(const struct pw_format *f,
						const struct pw_regime *r, unsigned level, pw_pa pa)
{
	return arm64_make_table(&arm64_64k_lpa_shape, pa);
}

static inline uint64_t arm64_64k_lpa_make_prot_none(const struct pw_format *f,
						    const struct pw_regime *r, unsigned level,
						    pw_pa pa)
{
	return arm64_make_prot_none(&arm64_64k_lpa_shape, r, level, pa);
}

/* ---- the formats ---- */

static const struct pw_format pw_format_arm64_64k_42 = {
	.name = "arm64_64k_42",
	.title = "arm64, 64K granule, 42-bit addresses, 2 levels",
	.config = PW_CONFIG_MEMORY_FAILURE | PW_CONFIG_DEVICE_PRIVATE,
	.root_name = "TTBR0 [TTBR1]",
	.level_name = { "pte", "pgd" },
	.levels = 2,
	.shift = { 16, 29 },
	.bits = { 13, 13 },
	.entry_lg2 = 3,
	.leaf_levels = 0x3,
	.page_field = { 47, 16 },
	.groups = { 1 << 5, 1 << 5 },
	.max_roots = 2,
	.root = arm64_root,
	.kind = arm64_64k_kind,
	.table = arm64_64k_table,
	.page = arm64_64k_page,
	.page_lg2 = arm64_64k_page_lg2,
	.attr = arm64_attr,
	.keep = arm64_keep,
	.hole = arm64_64k_hole,
	.make_empty = arm64_make_empty,
	.make_leaf = arm64_64k_make_leaf,
	.make_table = arm64_64k_make_table,
	.make_prot_none = arm64_64k_make_prot_none,
	.change_attr = arm64_change_attr,
	.join = arm64_join,
	.make_root = arm64_make_root,
	.words = &pw_words_arm64_64k_42,
	.instance = &pw_instance_arm64_64k_42,
};

static const struct pw_format pw_format_arm64_64k_48 = {
	.name = "arm64_64k_48",
	.title = "arm64, 64K granule, 48-bit addresses, 3 levels",
	.config = PW_CONFIG_MEMORY_FAILURE | PW_CONFIG_DEVICE_PRIVATE,
	.root_name = "TTBR0 [TTBR1]",
	.level_name = { "pte", "pmd", "pgd" },
	.levels = 3,
	.shift = { 16, 29, 42 },
	.bits = { 13, 13, 6 },
	.entry_lg2 = 3,
	.leaf_levels = 0x3,
	.page_field = { 47, 16 },
	.groups = { 1 << 5, 1 << 5 },
	.max_roots = 2,
	.root = arm64_root,
	.kind = arm64_64k_kind,
	.table = arm64_64k_table,
	.page = arm64_64k_page,
	.page_lg2 = arm64_64k_page_lg2,
	.attr = arm64_attr,
	.keep = arm64_keep,
	.hole = arm64_64k_hole,
	.make_empty = arm64_make_empty,
	.make_leaf = arm64_64k_make_leaf,
	.make_table = arm64_64k_make_table,
	.make_prot_none = arm64_64k_make_prot_none,
	.change_attr = arm64_change_attr,
	.join = arm64_join,
	.make_root = arm64_make_root,
	.words = &pw_words_arm64_64k_48,
	.instance = &pw_instance_arm64_64k_48,
};

static const struct pw_format pw_format_arm64_64k_52 = {
	.name = "arm64_64k_52",
	.title = "arm64, 64K granule, 52-bit addresses (LPA), 3 levels",
	.config = PW_CONFIG_MEMORY_FAILURE | PW_CONFIG_DEVICE_PRIVATE,
	.root_name = "TTBR0 [TTBR1]",
	.level_name = { "pte", "pmd", "pgd" },
	.levels = 3,
	.shift = { 16, 29, 42 },
	.bits = { 13, 13, 10 },
	.entry_lg2 = 3,
	.leaf_levels = 0x7,
	.page_field = { 47, 16 },
	.groups = { 1 << 5, 1 << 5 },
	.max_roots = 2,
	.root = arm64_root,
	.kind = arm64_64k_lpa_kind,
	.table = arm64_64k_lpa_table,
	.page = arm64_64k_lpa_page,
	.page_lg2 = arm64_64k_lpa_page_lg2,
	.attr = arm64_attr,
	.keep = arm64_keep,
	.hole = arm64_64k_lpa_hole,
	.make_empty = arm64_make_empty,
	.make_leaf = arm64_64k_lpa_make_leaf,
	.make_table = arm64_64k_lpa_make_table,
	.make_prot_none = arm64_64k_lpa_make_prot_none,
	.change_attr = arm64_change_attr,
	.join = arm64_join,
	.make_root = arm64_make_root,
	.words = &pw_words_arm64_64k_52,
	.instance = &pw_instance_arm64_64k_52,
};

#endif
