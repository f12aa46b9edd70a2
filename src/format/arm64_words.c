/* SPDX-License-Identifier: MIT */
/*
 * Words for arm64.
 * Arm ARM DDI0487 D8.3; Linux arch/arm64/include/asm/pgtable-hwdef.h, pgtable-prot.h, pgtable.h.
 */
#include "format/arm64.h"

#include <stdio.h>

#include "format/arm64_16k.h"
#include "format/arm64_4k.h"
#include "format/arm64_64k.h"
#include "format/arm64_folds.h"
#include "format/arm_names.h"
#include "format/words.h"

/* Most fields have a mask, a name and a meaning; the rest is zero, and not worth a column. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

enum {
	ANY = 0xff,
	LEAF_OR_PROT_NONE = PW_BITS_LEAF | PW_BITS_PROT_NONE,
	NG_KERNEL = 0x060a, /* "arm64/mm: Remove PTE_PROT_NONE bit" */
	UFFD_KERNEL = 0x060a, /* "arm64/mm: Add uffd write-protect support" */
	NO_DEVMAP = 0x0611,
};

static const struct pw_bits any_table_bits[] = {
	{ 0x3, "type", "of the entry", upper_type_names, PW_SHOW_ALWAYS },
	{ PW_BIT(10), "AF", "accessed (FEAT_HAFT), else ignored" },
	{ UINT64_C(3) << 61, "APTable", "access that is allowed below", ap_table_names },
	{ PW_BIT(60), "UXNTable", "user mode may execute nothing below" },
	{ PW_BIT(59), "PXNTable", "the kernel may execute nothing below" },
	{ PW_BIT(63), "NSTable", "non-secure below" },
	{ 0 },
};

static const struct pw_bits table_bits[] = {
	{ 0x3fc, "ignored", "ignored" },
	{ 0x800, "ignored11", "ignored" },
	{ UINT64_C(0x0000fffffffff000), "address", "of the next table", NULL, PW_SHOW_ADDRESS },
	{ UINT64_C(0x07ff000000000000), "ignored-high", "ignored" },
	{ .more = any_table_bits },
};

static const struct pw_bits table_lpa_bits[] = {
	{ 0x3fc, "ignored", "ignored" },
	{ 0x800, "ignored11", "ignored" },
	{ 0xf000, "address-high", "bits 51:48", NULL, PW_SHOW_ADDRESS },
	{ UINT64_C(0x0000ffffffff0000), "address", "of the next table", NULL, PW_SHOW_ADDRESS },
	{ UINT64_C(0x07ff000000000000), "ignored-high", "ignored" },
	{ .more = any_table_bits },
};

/* 4K and 16K with 52-bit addresses: bits 9:8 are address bits 51:50. */
static const struct pw_bits table_lpa2_bits[] = {
	{ 0xfc, "ignored", "ignored" },
	{ 0x800, "ignored11", "ignored" },
	{ 0x300, "address-high", "bits 51:50", NULL, PW_SHOW_ADDRESS },
	{ UINT64_C(0x0003fffffffff000), "address", "of the next table", NULL, PW_SHOW_ADDRESS },
	{ UINT64_C(0x07fc000000000000), "ignored-high", "ignored" },
	{ .more = any_table_bits },
};

/* The bits that pages and blocks of all variants share. */
static const struct pw_bits leaf_bits[] = {
	{ 0x1c, "AttrIndx", "index into MAIR_EL1: memory type", NULL, PW_SHOW_ALWAYS },
	{ PW_BIT(5), "NS", "non-secure" },
	{ 0xc0, "AP", "who may access it", ap_names, PW_SHOW_ALWAYS },
	{ PW_BIT(10), "AF", "accessed" },
	{ PW_BIT(11), "nG",
	  "not global: belongs to one ASID; Linux, in an invalid entry: present" },
	{ PW_BIT(50), "GP", "guarded: branches must land on a BTI" },
	{ PW_BIT(51), "DBM", "dirty bit modifier; Linux: may be written" },
	{ PW_BIT(52), "Cont", "contiguous: one of a group that maps one larger page" },
	{ PW_BIT(53), "PXN", "the kernel may not execute it" },
	{ PW_BIT(54), "UXN", "user mode may not execute it" },
	{ PW_BIT(55), "dirty", "Linux: written to" },
	{ PW_BIT(56), "special", "Linux: no struct page behind it" },
	{ PW_BIT(57), "devmap", "Linux: device memory", NULL, 0, 0, NO_DEVMAP },
	{ PW_BIT(57), "sw57", "for software", NULL, 0, NO_DEVMAP },
	{ PW_BIT(58), "prot-none", "Linux: nobody may use it", NULL, 0, 0, NG_KERNEL },
	{ PW_BIT(58), "uffd-wp", "Linux: userfaultfd watches writes", NULL, 0, UFFD_KERNEL },
	{ PW_BIT(59), "present-invalid", "Linux: present, and being changed", NULL, 0, 0,
	  NG_KERNEL },
	{ PW_BIT(59), "sw59", "ignored", NULL, 0, NG_KERNEL },
	{ UINT64_C(7) << 60, "POIndex", "permission overlay" },
	{ PW_BIT(63), "sw63", "for software" },
	{ 0 },
};

static const struct pw_bits leaf_48_bits[] = {
	{ 0x300, "SH", "shareability", share_names },
	{ UINT64_C(0x0000fffffffff000), "address", "of the page", NULL, PW_SHOW_ADDRESS },
	{ UINT64_C(0x0003000000000000), "reserved", "has to be zero" },
	{ .more = leaf_bits },
};

static const struct pw_bits leaf_lpa2_bits[] = {
	{ 0x300, "address-high", "bits 51:50", NULL, PW_SHOW_ADDRESS },
	{ UINT64_C(0x0003fffffffff000), "address", "of the page", NULL, PW_SHOW_ADDRESS },
	{ .more = leaf_bits },
};

/* 64K with 52-bit addresses: bits 15:12 are address bits 51:48. */
static const struct pw_bits leaf_lpa_bits[] = {
	{ 0x300, "SH", "shareability", share_names },
	{ 0xf000, "address-high", "bits 51:48", NULL, PW_SHOW_ADDRESS },
	{ UINT64_C(0x0000ffffffff0000), "address", "of the page", NULL, PW_SHOW_ADDRESS },
	{ UINT64_C(0x0003000000000000), "reserved", "has to be zero" },
	{ .more = leaf_bits },
};

static const struct pw_bits page_bits[] = {
	{ 0x3, "type", "of the entry", page_type_names, PW_SHOW_ALWAYS },
	{ .more = leaf_48_bits },
};

static const struct pw_bits page_lpa2_bits[] = {
	{ 0x3, "type", "of the entry", page_type_names, PW_SHOW_ALWAYS },
	{ .more = leaf_lpa2_bits },
};

static const struct pw_bits page_lpa_bits[] = {
	{ 0x3, "type", "of the entry", page_type_names, PW_SHOW_ALWAYS },
	{ .more = leaf_lpa_bits },
};

static const struct pw_bits block_lpa_bits[] = {
	{ 0x3, "type", "of the entry", upper_type_names, PW_SHOW_ALWAYS },
	{ .more = leaf_lpa_bits },
};

static const struct pw_bits block_bits[] = {
	{ 0x3, "type", "of the entry", upper_type_names, PW_SHOW_ALWAYS },
	{ .more = leaf_48_bits },
};

static const struct pw_bits block_lpa2_bits[] = {
	{ 0x3, "type", "of the entry", upper_type_names, PW_SHOW_ALWAYS },
	{ .more = leaf_lpa2_bits },
};

/* __swp_entry of pgtable.h. The type moved when nG got a meaning in invalid entries. */
static const struct pw_bits swap_bits[] = {
	{ 0x3, "type", "of the entry", page_type_names, PW_SHOW_ALWAYS },
	{ PW_BIT(2), "exclusive", "Linux: the page is this process's alone" },
	{ 0xf8, "swap-type", "swap file, or another kind of entry", NULL, PW_SHOW_ALWAYS, 0,
	  NG_KERNEL },
	{ UINT64_C(0x03ffffffffffff00), "offset", "in the swap file", NULL, PW_SHOW_ALWAYS, 0,
	  NG_KERNEL },
	{ UINT64_C(0xfc00000000000000), "sw-high", "for software", NULL, 0, 0, NG_KERNEL },
	{ PW_BIT(3), "uffd-wp", "Linux: userfaultfd watches writes", NULL, 0, NG_KERNEL },
	{ 0x30, "sw", "for software", NULL, 0, NG_KERNEL },
	{ 0x7c0, "swap-type", "swap file, or another kind of entry", NULL, PW_SHOW_ALWAYS,
	  NG_KERNEL },
	{ PW_BIT(11), "nG", "clear in swap entries", NULL, 0, NG_KERNEL },
	{ UINT64_C(0x3ffffffffffff000), "offset", "in the swap file", NULL, PW_SHOW_ALWAYS,
	  NG_KERNEL },
	{ UINT64_C(0xc000000000000000), "sw-high", "for software", NULL, 0, NG_KERNEL },
	{ 0 },
};

/* ---- by format ---- */

static const struct pw_bits_of entries[] = {
	{ ANY, PW_BITS_TABLE, table_bits },      { 1 << 0, LEAF_OR_PROT_NONE, page_bits },
	{ 0xfe, LEAF_OR_PROT_NONE, block_bits }, { ANY, PW_BITS_SWAP, swap_bits },
	{ ANY, PW_BITS_EMPTY, empty_bits },      { 0 },
};

static const struct pw_bits_of entries_lpa[] = {
	{ ANY, PW_BITS_TABLE, table_lpa_bits },      { 1 << 0, LEAF_OR_PROT_NONE, page_lpa_bits },
	{ 0xfe, LEAF_OR_PROT_NONE, block_lpa_bits }, { ANY, PW_BITS_SWAP, swap_bits },
	{ ANY, PW_BITS_EMPTY, empty_bits },          { 0 },
};

static const struct pw_bits_of entries_lpa2[] = {
	{ ANY, PW_BITS_TABLE, table_lpa2_bits },      { 1 << 0, LEAF_OR_PROT_NONE, page_lpa2_bits },
	{ 0xfe, LEAF_OR_PROT_NONE, block_lpa2_bits }, { ANY, PW_BITS_SWAP, swap_bits },
	{ ANY, PW_BITS_EMPTY, empty_bits },           { 0 },
};

static const struct fold_style *const folds_4k_39[] = { &fold_arm64_4k_39, NULL };

static const struct fold_style *const folds_4k_48[] = { &fold_arm64_4k_48, &fold_arm64_4k_48_of_52,
							NULL };

static const struct fold_style *const folds_4k_52[] = { &fold_arm64_4k_52, NULL };

static const struct fold_style *const folds_16k_36[] = { &fold_arm64_16k_36, NULL };

static const struct fold_style *const folds_16k_47[] = { &fold_arm64_16k_47_of_52,
							 &fold_arm64_16k_47, NULL };

static const struct fold_style *const folds_16k_48[] = { &fold_arm64_16k_48, NULL };

static const struct fold_style *const folds_16k_52[] = { &fold_arm64_16k_52, NULL };

static const struct fold_style *const folds_64k_42[] = { &fold_arm64_64k_42, NULL };

static const struct fold_style *const folds_64k_48[] = { &fold_arm64_64k_48, NULL };

static const struct fold_style *const folds_64k_52[] = { &fold_arm64_64k_52, NULL };

static void granule(const struct pw_regime *regime, char *text, size_t bytes)
{
	snprintf(text, bytes, "a walk takes %u tables with this granule and address size",
		 regime->format->levels);
}

/* DDI0487 D1.3.1. */
static const struct pw_vectors vbar = { .name = "VBAR_EL1", .kind = PW_VECTORS_CODE };

const struct pw_words pw_words_arm64_4k_39 = {
	.machines = "arm64",
	.vectors = &vbar,
	.memory_types = 1 << PW_MEM_NORMAL,
	.kernel_apart = true,
	.registers = PW_REGISTER_MAIR | PW_REGISTER_TCR,
	.either_order = true,
	.entries = entries,
	.folds = folds_4k_39,
	.folded = granule,
};

const struct pw_words pw_words_arm64_4k_48 = {
	.machines = "arm64",
	.vectors = &vbar,
	.memory_types = 1 << PW_MEM_NORMAL,
	.kernel_apart = true,
	.registers = PW_REGISTER_MAIR | PW_REGISTER_TCR,
	.either_order = true,
	.entries = entries,
	.folds = folds_4k_48,
	.folded = granule,
};

const struct pw_words pw_words_arm64_4k_52 = {
	.machines = "arm64",
	.vectors = &vbar,
	.memory_types = 1 << PW_MEM_NORMAL,
	.kernel_apart = true,
	.registers = PW_REGISTER_MAIR | PW_REGISTER_TCR,
	.either_order = true,
	.entries = entries_lpa2,
	.folds = folds_4k_52,
	.folded = granule,
};

const struct pw_words pw_words_arm64_16k_36 = {
	.machines = "arm64",
	.vectors = &vbar,
	.memory_types = 1 << PW_MEM_NORMAL,
	.kernel_apart = true,
	.registers = PW_REGISTER_MAIR | PW_REGISTER_TCR,
	.either_order = true,
	.entries = entries,
	.folds = folds_16k_36,
	.folded = granule,
};

const struct pw_words pw_words_arm64_16k_47 = {
	.machines = "arm64",
	.vectors = &vbar,
	.memory_types = 1 << PW_MEM_NORMAL,
	.kernel_apart = true,
	.registers = PW_REGISTER_MAIR | PW_REGISTER_TCR,
	.either_order = true,
	.entries = entries,
	.folds = folds_16k_47,
	.folded = granule,
};

const struct pw_words pw_words_arm64_16k_48 = {
	.machines = "arm64",
	.vectors = &vbar,
	.memory_types = 1 << PW_MEM_NORMAL,
	.kernel_apart = true,
	.registers = PW_REGISTER_MAIR | PW_REGISTER_TCR,
	.either_order = true,
	.entries = entries,
	.folds = folds_16k_48,
	.folded = granule,
};

const struct pw_words pw_words_arm64_16k_52 = {
	.machines = "arm64",
	.vectors = &vbar,
	.memory_types = 1 << PW_MEM_NORMAL,
	.kernel_apart = true,
	.registers = PW_REGISTER_MAIR | PW_REGISTER_TCR,
	.either_order = true,
	.entries = entries_lpa2,
	.folds = folds_16k_52,
	.folded = granule,
};

const struct pw_words pw_words_arm64_64k_42 = {
	.machines = "arm64",
	.vectors = &vbar,
	.memory_types = 1 << PW_MEM_NORMAL,
	.kernel_apart = true,
	.registers = PW_REGISTER_MAIR | PW_REGISTER_TCR,
	.either_order = true,
	.entries = entries,
	.folds = folds_64k_42,
	.folded = granule,
};

const struct pw_words pw_words_arm64_64k_48 = {
	.machines = "arm64",
	.vectors = &vbar,
	.memory_types = 1 << PW_MEM_NORMAL,
	.kernel_apart = true,
	.registers = PW_REGISTER_MAIR | PW_REGISTER_TCR,
	.either_order = true,
	.entries = entries,
	.folds = folds_64k_48,
	.folded = granule,
};

const struct pw_words pw_words_arm64_64k_52 = {
	.machines = "arm64",
	.vectors = &vbar,
	.memory_types = 1 << PW_MEM_NORMAL,
	.kernel_apart = true,
	.registers = PW_REGISTER_MAIR | PW_REGISTER_TCR,
	.either_order = true,
	.entries = entries_lpa,
	.folds = folds_64k_52,
	.folded = granule,
};
