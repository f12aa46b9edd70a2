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

static const struct pw_format pw_format_arm64_64k_42 = {
	.name = "arm64_64k_42",
	.title = "arm64, 64K granule, 42-bit addresses, 2 levels",
	.variant = ARM64_LPA,
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
	.words = &pw_words_arm64_64k_42,
	.instance = &pw_instance_arm64_64k_42,
};

static const struct pw_format pw_format_arm64_64k_48 = {
	.name = "arm64_64k_48",
	.title = "arm64, 64K granule, 48-bit addresses, 3 levels",
	.variant = ARM64_LPA,
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
	.words = &pw_words_arm64_64k_48,
	.instance = &pw_instance_arm64_64k_48,
};

static const struct pw_format pw_format_arm64_64k_52 = {
	.name = "arm64_64k_52",
	.title = "arm64, 64K granule, 52-bit addresses (LPA), 3 levels",
	.variant = ARM64_LPA,
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
	.words = &pw_words_arm64_64k_52,
	.instance = &pw_instance_arm64_64k_52,
};

#endif
