/* SPDX-License-Identifier: MIT */
/*
 * Words for arm with long descriptors.
 * Arm ARM DDI0406C B3.6; Linux arch/arm/include/asm/pgtable-3level.h.
 */
#include "format/arm_lpae.h"

#include <inttypes.h>
#include <stdio.h>

#include "format/arm_folds.h"
#include "format/arm_names.h"
#include "format/words.h"

/* Most fields have a mask, a name and a meaning; the rest is zero, and not worth a column. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

enum { ANY = 0xff, LEAF_OR_PROT_NONE = PW_BITS_LEAF | PW_BITS_PROT_NONE };

static const struct pw_bits leaf_bits[] = {
	{ 0x1c, "AttrIndx", "index into MAIR: memory type", NULL, PW_SHOW_ALWAYS },
	{ PW_BIT(5), "NS", "non-secure" },
	{ 0xc0, "AP", "who may access it", ap_names, PW_SHOW_ALWAYS },
	{ 0x300, "SH", "shareability", share_names },
	{ PW_BIT(10), "AF", "accessed" },
	{ PW_BIT(11), "nG", "not global: belongs to one ASID" },
	{ UINT64_C(0x000000fffffff000), "address", "of the page", NULL, PW_SHOW_ADDRESS },
	{ UINT64_C(0x000fff0000000000), "reserved", "has to be zero" },
	{ PW_BIT(52), "Cont", "contiguous: one of 16 that map one larger page" },
	{ PW_BIT(53), "PXN", "the kernel may not execute it" },
	{ PW_BIT(54), "XN", "may not be executed" },
	{ PW_BIT(55), "dirty", "Linux: written to" },
	{ PW_BIT(56), "special", "Linux: no struct page behind it" },
	{ PW_BIT(57), "none", "Linux: nobody may use it" },
	{ PW_BIT(58), "rdonly", "Linux: may not be written" },
	{ UINT64_C(0xf8) << 56, "ignored-high", "ignored" },
	{ 0 },
};

static const struct pw_bits page_bits[] = {
	{ 0x3, "type", "of the entry", page_type_names, PW_SHOW_ALWAYS },
	{ .more = leaf_bits },
};

static const struct pw_bits block_bits[] = {
	{ 0x3, "type", "of the entry", upper_type_names, PW_SHOW_ALWAYS },
	{ .more = leaf_bits },
};

static const struct pw_bits table_bits[] = {
	{ 0x3, "type", "of the entry", upper_type_names, PW_SHOW_ALWAYS },
	{ UINT64_C(3) << 61, "APTable", "access that is allowed below", ap_table_names },
	{ PW_BIT(60), "XNTable", "nothing below may be executed" },
	{ PW_BIT(59), "PXNTable", "the kernel may execute nothing below" },
	{ PW_BIT(63), "NSTable", "non-secure below" },
	{ 0xffc, "ignored", "ignored" },
	{ UINT64_C(0x000000fffffff000), "address", "of the next table", NULL, PW_SHOW_ADDRESS },
	{ UINT64_C(0x07ffff0000000000), "ignored-high", "ignored" },
	{ 0 },
};

static const struct pw_bits swap_bits[] = {
	{ 0x3, "type", "of the entry", page_type_names, PW_SHOW_ALWAYS },
	{ 0x7c, "swap-type", "swap file, or another kind of entry", NULL, PW_SHOW_ALWAYS },
	{ PW_BIT(7), "exclusive", "Linux: the page is this process's alone" },
	{ UINT64_C(0xffffff00), "offset", "in the swap file", NULL, PW_SHOW_ALWAYS },
	{ UINT64_C(0xffffffff00000000), "sw-high", "for software" },
	{ 0 },
};

static const struct pw_bits_of entries[] = {
	{ ANY, PW_BITS_TABLE, table_bits },      { 1 << 0, LEAF_OR_PROT_NONE, page_bits },
	{ 0xfe, LEAF_OR_PROT_NONE, block_bits }, { ANY, PW_BITS_SWAP, swap_bits },
	{ ANY, PW_BITS_EMPTY, empty_bits },      { 0 },
};

static const struct fold_style *const folds[] = { &fold_arm_lpae, NULL };

/* Kernels with CONFIG_CPU_TTBR0_PAN split the space in another way than kernels without it. */
static bool no_ttbcr(const struct pw_regime *regime, char *text, size_t bytes)
{
	if (regime->roots < 2 || (regime->registers.known & PW_REGISTER_TCR))
		return false;
	snprintf(
		text, bytes,
		"TTBCR, which says what TTBR0 and TTBR1 translate, is not known: TTBR1 is assumed to translate 0x%" PRIx64
		"-0x%" PRIx64
		". Kernels with CONFIG_CPU_TTBR0_PAN (from 6.9 on) split the addresses in another way: give TTBCR, or TTBR0 alone",
		regime->span[1].first, regime->span[1].last);
	return true;
}

/* DDI 0406C B1.8.1. Linux lets user mode read the page, and call what it has there. */
static const struct pw_vectors vbar = { .name = "VBAR", .kind = PW_VECTORS_CODE, .user = true };

const struct pw_words pw_words_arm_lpae = {
	.machines = "arm",
	.vectors = &vbar,
	.memory_types = 1 << PW_MEM_NORMAL,
	.registers = PW_REGISTER_MAIR | PW_REGISTER_TCR,
	.either_order = true,
	.entries = entries,
	.folds = folds,
	.remark = no_ttbcr,
};
