/* SPDX-License-Identifier: MIT */
/*
 * arm64 with a 4K granule, for 39-, 48- and 52-bit virtual addresses.
 *
 *           level 4   level 3   level 2   level 1   level 0
 * 4k_39                         pgd       pmd       pte      9 bits each
 * 4k_48               pgd       pud       pmd       pte      9 bits each
 * 4k_52     pgd (4)   p4d       pud       pmd       pte      9 bits each but the top
 */
#ifndef PW_FORMAT_ARM64_4K_H
#define PW_FORMAT_ARM64_4K_H

#include "format/arm64_root.h"

extern const struct pw_instance pw_instance_arm64_4k_39, pw_instance_arm64_4k_48,
	pw_instance_arm64_4k_52;
extern const struct pw_words pw_words_arm64_4k_39, pw_words_arm64_4k_48, pw_words_arm64_4k_52;

static const struct pw_format pw_format_arm64_4k_39 = {
	.name = "arm64_4k_39",
	.title = "arm64, 4K granule, 39-bit addresses, 3 levels",
	.variant = ARM64_PA_48,
	.config = PW_CONFIG_MEMORY_FAILURE | PW_CONFIG_DEVICE_PRIVATE,
	.root_name = "TTBR0 [TTBR1]",
	.level_name = { "pte", "pmd", "pgd" },
	.levels = 3,
	.shift = { 12, 21, 30 },
	.bits = { 9, 9, 9 },
	.entry_lg2 = 3,
	.leaf_levels = 0x7,
	.page_field = { 47, 12 },
	.groups = { 1 << 4, 1 << 4 },
	.max_roots = 2,
	.root = arm64_root,
	.kind = arm64_kind,
	.plain = arm64_plain,
	.table = arm64_table,
	.page = arm64_page,
	.page_lg2 = arm64_page_lg2,
	.attr = arm64_attr,
	.prot = arm64_rights,
	.keep = arm64_keep,
	.hole = arm64_hole,
	.make_empty = arm64_make_empty,
	.make_leaf = arm64_make_leaf,
	.make_table = arm64_make_table,
	.make_prot_none = arm64_make_prot_none,
	.change_attr = arm64_change_attr,
	.join = arm64_join,
	.soft = arm64_soft,
	.make_root = arm64_make_root,
	.words = &pw_words_arm64_4k_39,
	.instance = &pw_instance_arm64_4k_39,
};

static const struct pw_format pw_format_arm64_4k_48 = {
	.name = "arm64_4k_48",
	.title = "arm64, 4K granule, 48-bit addresses, 4 levels",
	.variant = ARM64_PA_48,
	.config = PW_CONFIG_MEMORY_FAILURE | PW_CONFIG_DEVICE_PRIVATE,
	.root_name = "TTBR0 [TTBR1]",
	.level_name = { "pte", "pmd", "pud", "pgd" },
	.levels = 4,
	.shift = { 12, 21, 30, 39 },
	.bits = { 9, 9, 9, 9 },
	.entry_lg2 = 3,
	.leaf_levels = 0x7,
	.page_field = { 47, 12 },
	.groups = { 1 << 4, 1 << 4 },
	.max_roots = 2,
	.root = arm64_root,
	.kind = arm64_kind,
	.plain = arm64_plain,
	.table = arm64_table,
	.page = arm64_page,
	.page_lg2 = arm64_page_lg2,
	.attr = arm64_attr,
	.prot = arm64_rights,
	.keep = arm64_keep,
	.hole = arm64_hole,
	.make_empty = arm64_make_empty,
	.make_leaf = arm64_make_leaf,
	.make_table = arm64_make_table,
	.make_prot_none = arm64_make_prot_none,
	.change_attr = arm64_change_attr,
	.join = arm64_join,
	.soft = arm64_soft,
	.make_root = arm64_make_root,
	.words = &pw_words_arm64_4k_48,
	.instance = &pw_instance_arm64_4k_48,
};

static const struct pw_format pw_format_arm64_4k_52 = {
	.name = "arm64_4k_52",
	.title = "arm64, 4K granule, 52-bit addresses (LPA2), 5 levels",
	.variant = ARM64_LPA2,
	.config = PW_CONFIG_MEMORY_FAILURE | PW_CONFIG_DEVICE_PRIVATE,
	.root_name = "TTBR0 [TTBR1]",
	.level_name = { "pte", "pmd", "pud", "p4d", "pgd" },
	.levels = 5,
	.shift = { 12, 21, 30, 39, 48 },
	.bits = { 9, 9, 9, 9, 4 },
	.entry_lg2 = 3,
	.leaf_levels = 0xf,
	.page_field = { 49, 12 },
	.groups = { 1 << 4, 1 << 4 },
	.max_roots = 2,
	.root = arm64_root,
	.kind = arm64_kind,
	.plain = arm64_plain,
	.table = arm64_table,
	.page = arm64_page,
	.page_lg2 = arm64_page_lg2,
	.attr = arm64_attr,
	.prot = arm64_rights,
	.keep = arm64_keep,
	.hole = arm64_hole,
	.make_empty = arm64_make_empty,
	.make_leaf = arm64_make_leaf,
	.make_table = arm64_make_table,
	.make_prot_none = arm64_make_prot_none,
	.change_attr = arm64_change_attr,
	.join = arm64_join,
	.soft = arm64_soft,
	.make_root = arm64_make_root,
	.words = &pw_words_arm64_4k_52,
	.instance = &pw_instance_arm64_4k_52,
};

#endif
