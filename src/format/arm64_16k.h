/* SPDX-License-Identifier: MIT */
/*
 * arm64 with a 16K granule, for 36-, 47-, 48- and 52-bit virtual addresses.
 *
 *           level 3   level 2   level 1   level 0
 * 16k_36                        pgd       pte      11 bits each
 * 16k_47              pgd       pmd       pte      11 bits each
 * 16k_48    pgd (1)   pud       pmd       pte      11 bits each but the top, which has two entries
 * 16k_52    pgd (5)   pud       pmd       pte      11 bits each but the top
 */
#ifndef PW_FORMAT_ARM64_16K_H
#define PW_FORMAT_ARM64_16K_H

#include "format/arm64_root.h"

extern const struct pw_instance pw_instance_arm64_16k_36, pw_instance_arm64_16k_47,
	pw_instance_arm64_16k_48, pw_instance_arm64_16k_52;
extern const struct pw_words pw_words_arm64_16k_36, pw_words_arm64_16k_47, pw_words_arm64_16k_48,
	pw_words_arm64_16k_52;

static const struct pw_format pw_format_arm64_16k_36 = {
	.name = "arm64_16k_36",
	.title = "arm64, 16K granule, 36-bit addresses, 2 levels",
	.variant = ARM64_PA_48,
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
	.kind = arm64_kind,
	.table = arm64_table,
	.page = arm64_page,
	.page_lg2 = arm64_page_lg2,
	.attr = arm64_attr,
	.keep = arm64_keep,
	.hole = arm64_hole,
	.make_empty = arm64_make_empty,
	.make_leaf = arm64_make_leaf,
	.make_table = arm64_make_table,
	.make_prot_none = arm64_make_prot_none,
	.change_attr = arm64_change_attr,
	.join = arm64_join,
	.make_root = arm64_make_root,
	.words = &pw_words_arm64_16k_36,
	.instance = &pw_instance_arm64_16k_36,
};

static const struct pw_format pw_format_arm64_16k_47 = {
	.name = "arm64_16k_47",
	.title = "arm64, 16K granule, 47-bit addresses, 3 levels",
	.variant = ARM64_PA_48,
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
	.kind = arm64_kind,
	.table = arm64_table,
	.page = arm64_page,
	.page_lg2 = arm64_page_lg2,
	.attr = arm64_attr,
	.keep = arm64_keep,
	.hole = arm64_hole,
	.make_empty = arm64_make_empty,
	.make_leaf = arm64_make_leaf,
	.make_table = arm64_make_table,
	.make_prot_none = arm64_make_prot_none,
	.change_attr = arm64_change_attr,
	.join = arm64_join,
	.make_root = arm64_make_root,
	.words = &pw_words_arm64_16k_47,
	.instance = &pw_instance_arm64_16k_47,
};

static const struct pw_format pw_format_arm64_16k_48 = {
	.name = "arm64_16k_48",
	.title = "arm64, 16K granule, 48-bit addresses, 4 levels",
	.variant = ARM64_PA_48,
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
	.kind = arm64_kind,
	.table = arm64_table,
	.page = arm64_page,
	.page_lg2 = arm64_page_lg2,
	.attr = arm64_attr,
	.keep = arm64_keep,
	.hole = arm64_hole,
	.make_empty = arm64_make_empty,
	.make_leaf = arm64_make_leaf,
	.make_table = arm64_make_table,
	.make_prot_none = arm64_make_prot_none,
	.change_attr = arm64_change_attr,
	.join = arm64_join,
	.make_root = arm64_make_root,
	.words = &pw_words_arm64_16k_48,
	.instance = &pw_instance_arm64_16k_48,
};

static const struct pw_format pw_format_arm64_16k_52 = {
	.name = "arm64_16k_52",
	.title = "arm64, 16K granule, 52-bit addresses (LPA2), 4 levels",
	.variant = ARM64_LPA2,
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
	.kind = arm64_kind,
	.table = arm64_table,
	.page = arm64_page,
	.page_lg2 = arm64_page_lg2,
	.attr = arm64_attr,
	.keep = arm64_keep,
	.hole = arm64_hole,
	.make_empty = arm64_make_empty,
	.make_leaf = arm64_make_leaf,
	.make_table = arm64_make_table,
	.make_prot_none = arm64_make_prot_none,
	.change_attr = arm64_change_attr,
	.join = arm64_join,
	.make_root = arm64_make_root,
	.words = &pw_words_arm64_16k_52,
	.instance = &pw_instance_arm64_16k_52,
};

#endif
