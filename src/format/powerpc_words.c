/* SPDX-License-Identifier: MIT */
/*
 * Words for powerpc64 radix.
 * Power ISA 3.0B Book III 5.7.10; Linux arch/powerpc/include/asm/book3s/64/pgtable.h.
 */
#include "format/powerpc.h"

#include <inttypes.h>
#include <stdio.h>

#include "format/powerpc_folds.h"
#include "format/words.h"

/* Most fields have a mask, a name and a meaning; the rest is zero, and not worth a column. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

enum { ANY = 0xff, LEAF_OR_PROT_NONE = PW_BITS_LEAF | PW_BITS_PROT_NONE };

static const char *const att_names[] = { "normal", "SAO", "non-idempotent", "tolerant", NULL };

static const struct pw_bits table_bits[] = {
	{ PW_BIT(63), "V", "valid", NULL, PW_SHOW_ALWAYS },
	{ PW_BIT(62), "L", "leaf" },
	{ PW_BIT(61), "invalid", "Linux: valid for Linux while V is clear" },
	{ PW_BIT(60), "reserved", "ignored" },
	{ 0x1f, "NLS", "log2 of the entries of the next table", NULL, PW_SHOW_ALWAYS },
	{ 0xe0, "reserved-low", "ignored" },
	{ UINT64_C(0x0fffffffffffff00), "NLB", "address of the next table", NULL, PW_SHOW_ADDRESS },
	{ 0 },
};

static const struct pw_bits page_bits[] = {
	{ PW_BIT(63), "V", "valid", NULL, PW_SHOW_ALWAYS },
	{ PW_BIT(62), "L", "leaf" },
	{ PW_BIT(61), "invalid", "Linux: valid for Linux while V is clear" },
	{ PW_BIT(8), "R", "referenced" },
	{ PW_BIT(7), "C", "changed" },
	{ 0x30, "ATT", "how the memory is accessed", att_names },
	{ PW_BIT(3), "PRIV", "privileged: not for user mode" },
	{ PW_BIT(2), "READ", "may be read" },
	{ PW_BIT(1), "WRITE", "may be written, and read" },
	{ PW_BIT(0), "EXEC", "may be executed" },
	{ PW_BIT(6), "reserved", "ignored" },
	{ PW_BIT(9), "soft-dirty", "Linux: written to since clear_refs" },
	{ PW_BIT(10), "special", "Linux: no struct page behind it" },
	{ PW_BIT(11), "sw11", "for software" },
	{ UINT64_C(0x01fffffffffff000), "RPN", "address of the page", NULL, PW_SHOW_ADDRESS },
	{ UINT64_C(0x0e00000000000000), "reserved-high", "ignored" },
	{ PW_BIT(60), "sw60", "for software" },
	{ 0 },
};

static const struct pw_bits swap_bits[] = {
	{ PW_BIT(63), "V", "valid", NULL, PW_SHOW_ALWAYS },
	{ PW_BIT(62), "L", "with V clear, a swap entry" },
	{ PW_BIT(61), "sw61", "for software" },
	{ 0x1f, "type", "swap file, or another kind of entry", NULL, PW_SHOW_ALWAYS },
	{ 0x20, "exclusive", "Linux: the page is this process's alone" },
	{ 0x200, "soft-dirty", "Linux: written to since clear_refs" },
	{ 0x1c0, "sw", "for software" },
	{ 0xc00, "sw10", "for software" },
	{ UINT64_C(0x01fffffffffff000), "offset", "in the swap file", NULL, PW_SHOW_ALWAYS },
	{ UINT64_C(0x1e00000000000000), "sw-high", "for software" },
	{ 0 },
};

static const struct pw_bits empty_bits[] = {
	{ PW_BIT(63), "V", "valid", NULL, PW_SHOW_ALWAYS },
	{ PW_BIT(8), "R", "referenced" },
	{ PW_BIT(7), "C", "changed" },
	{ 0 },
};

static const struct pw_bits_of entries[] = {
	{ ANY, PW_BITS_TABLE, table_bits },
	{ 1 << 0, LEAF_OR_PROT_NONE, page_bits },
	{ 0xfe, LEAF_OR_PROT_NONE, page_bits, PW_BIT(62), PW_BIT(62) },
	{ ANY, PW_BITS_SWAP, swap_bits },
	{ ANY, PW_BITS_EMPTY, empty_bits },
	{ 0 },
};

static const struct fold_style *const folds_4k[] = { &fold_ppc64_radix_4k, NULL };

static const struct fold_style *const folds_64k[] = { &fold_ppc64_radix_64k, NULL };

static const struct pw_above_words quadrant = {
	.name = "quadrant",
	.meaning = "bits 63:62 are the quadrant",
};

/* Power ISA 3.1 Book III 6.7.3: the tree of PID 0 translates quadrant 3. */
static bool kernel_of_process(const struct pw_regime *regime, pw_va va, char *text, size_t bytes)
{
	const struct pw_span *span = &regime->span[1];

	if (regime->roots > 1 || regime->spans < 2 || va < span->first || va > span->last)
		return false;
	snprintf(
		text, bytes,
		"0x%" PRIx64
		" is the kernel's (quadrant 3), which the hardware translates by the tree of PID 0; the one root that is used is taken for it. If it is a process's, the answer is wrong: give the root of PID 0 as a second root",
		va);
	return true;
}

/* Power ISA 3.0B Book III 6.5: where LPCR.AIL is 3, interrupts go here, and not to real address 0. */
static const struct pw_vectors interrupts = { .name = "vectors",
					      .kind = PW_VECTORS_FIXED,
					      .at = UINT64_C(0xc000000000004000) };

const struct pw_words pw_words_ppc64_radix_4k = {
	.machines = "ppc64",
	.vectors = &interrupts,
	.kernel_apart = true,
	.memory_types = 1 << PW_MEM_NORMAL,
	.entries = entries,
	.folds = folds_4k,
	.above = &quadrant,
	.remark_at = kernel_of_process,
};

const struct pw_words pw_words_ppc64_radix_64k = {
	.machines = "ppc64",
	.vectors = &interrupts,
	.kernel_apart = true,
	.memory_types = 1 << PW_MEM_NORMAL,
	.entries = entries,
	.folds = folds_64k,
	.above = &quadrant,
	.remark_at = kernel_of_process,
};
