/* SPDX-License-Identifier: MIT */
/*
 * Words for x86.
 * Intel SDM volume 3 tables 4-8 to 4-20; Linux arch/x86/include/asm/pgtable_types.h, pgtable_64.h,
 * pgtable-2level.h, pgtable-3level.h.
 */
#include "format/x86.h"

#include <stdio.h>

#include "format/i386.h"
#include "format/i386_pae.h"
#include "format/words.h"
#include "format/x86_folds.h"

/* Most fields have a mask, a name and a meaning; the rest is zero, and not worth a column. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

enum {
	ANY = 0xff,
	/* Shadow stacks moved Linux's bits above 56: "x86/mm: Introduce _PAGE_SAVED_DIRTY". */
	SHADOW_STACK = 0x0606,
	NO_DEVMAP = 0x0611,
};

static const struct pw_bits table_bits[] = {
	{ PW_BIT(0), "P", "present", NULL, PW_SHOW_ALWAYS },
	{ PW_BIT(1), "RW", "writes are allowed below" },
	{ PW_BIT(2), "US", "user mode is allowed below" },
	{ PW_BIT(3), "PWT", "the table is cached write-through" },
	{ PW_BIT(4), "PCD", "the table is not cached" },
	{ PW_BIT(5), "A", "accessed: used for a translation" },
	{ PW_BIT(6), "D", "ignored in a table entry; Linux sets it" },
	{ PW_BIT(7), "PS", "page size: a leaf, which is reserved at this level",
	  .malformed = "PS is set, and no page is that large" },
	{ PW_BIT(8), "ign8", "ignored" },
	{ UINT64_C(0xe00), "sw", "for software" },
	{ UINT64_C(0x000ffffffffff000), "address", "of the next table", NULL, PW_SHOW_ADDRESS },
	{ UINT64_C(0x7ff0000000000000), "sw-high", "for software" },
	{ PW_BIT(63), "NX", "nothing below may be executed" },
	{ 0 },
};

static const struct pw_bits pae_top_bits[] = {
	{ PW_BIT(0), "P", "present", NULL, PW_SHOW_ALWAYS },
	{ PW_BIT(3), "PWT", "the table is cached write-through" },
	{ PW_BIT(4), "PCD", "the table is not cached" },
	{ PW_BIT(5), "A", "reserved; QEMU sets it" },
	{ 0x6, "reserved", "has to be zero" },
	{ 0x1c0, "reserved6", "has to be zero" },
	{ UINT64_C(0xe00), "sw", "for software" },
	{ UINT64_C(0x000ffffffffff000), "address", "of the next table", NULL, PW_SHOW_ADDRESS },
	{ UINT64_C(0xfff0000000000000), "reserved-high", "has to be zero" },
	{ 0 },
};

static const struct pw_bits page_bits[] = {
	{ PW_BIT(0), "P", "present", NULL, PW_SHOW_ALWAYS },
	{ PW_BIT(1), "RW", "may be written" },
	{ PW_BIT(2), "US", "user mode may access it" },
	{ PW_BIT(3), "PWT", "low bit of the index into the PAT" },
	{ PW_BIT(4), "PCD", "middle bit of the index into the PAT" },
	{ PW_BIT(5), "A", "accessed" },
	{ PW_BIT(6), "D", "dirty: written to" },
	{ PW_BIT(7), "PAT", "high bit of the index into the PAT" },
	{ PW_BIT(8), "G", "global: stays in the TLB when CR3 changes" },
	{ PW_BIT(9), "special", "Linux: no struct page behind it" },
	{ PW_BIT(10), "uffd-wp", "Linux: userfaultfd watches writes" },
	{ PW_BIT(11), "soft-dirty", "Linux: written to since clear_refs" },
	{ UINT64_C(0x000ffffffffff000), "address", "of the page", NULL, PW_SHOW_ADDRESS },
	{ UINT64_C(0x01f0000000000000), "sw-high", "for software" },
	{ PW_BIT(57), "sw57", "for software", NULL, 0, 0, SHADOW_STACK },
	{ PW_BIT(57), "devmap", "Linux: device memory", NULL, 0, SHADOW_STACK, NO_DEVMAP },
	{ PW_BIT(57), "sw57", "for software", NULL, 0, NO_DEVMAP },
	{ PW_BIT(58), "devmap", "Linux: device memory", NULL, 0, 0, SHADOW_STACK },
	{ PW_BIT(58), "saved-dirty", "Linux: dirty, kept from the hardware", NULL, 0,
	  SHADOW_STACK },
	{ UINT64_C(0xf) << 59, "PKEY", "protection key" },
	{ PW_BIT(63), "NX", "may not be executed" },
	{ 0 },
};

/* Pages of 2M, 4M and 1G. Only the address differs. The bits between it and PAT are reserved. */
static const struct pw_bits large_bits[] = {
	{ PW_BIT(0), "P", "present", NULL, PW_SHOW_ALWAYS },
	{ PW_BIT(1), "RW", "may be written" },
	{ PW_BIT(2), "US", "user mode may access it" },
	{ PW_BIT(3), "PWT", "low bit of the index into the PAT" },
	{ PW_BIT(4), "PCD", "middle bit of the index into the PAT" },
	{ PW_BIT(5), "A", "accessed" },
	{ PW_BIT(6), "D", "dirty: written to" },
	{ PW_BIT(7), "PS", "page size: a leaf at this level" },
	{ PW_BIT(8), "G", "global: stays in the TLB when CR3 changes" },
	{ PW_BIT(9), "sw9", "for software" },
	{ PW_BIT(10), "uffd-wp", "Linux: userfaultfd watches writes" },
	{ PW_BIT(11), "soft-dirty", "Linux: written to since clear_refs" },
	{ PW_BIT(12), "PAT", "high bit of the index into the PAT" },
	{ UINT64_C(0x01f0000000000000), "sw-high", "for software" },
	{ PW_BIT(57), "sw57", "for software", NULL, 0, 0, SHADOW_STACK },
	{ PW_BIT(57), "devmap", "Linux: device memory", NULL, 0, SHADOW_STACK, NO_DEVMAP },
	{ PW_BIT(57), "sw57", "for software", NULL, 0, NO_DEVMAP },
	{ PW_BIT(58), "devmap", "Linux: device memory", NULL, 0, 0, SHADOW_STACK },
	{ PW_BIT(58), "saved-dirty", "Linux: dirty, kept from the hardware", NULL, 0,
	  SHADOW_STACK },
	{ UINT64_C(0xf) << 59, "PKEY", "protection key" },
	{ PW_BIT(63), "NX", "may not be executed" },
	{ 0 },
};

static const struct pw_bits large_2m_bits[] = {
	{ UINT64_C(0x1fe000), "reserved", "has to be zero" },
	{ UINT64_C(0x000fffffffe00000), "address", "of the page", NULL, PW_SHOW_ADDRESS },
	{ .more = large_bits },
};

static const struct pw_bits large_1g_bits[] = {
	{ UINT64_C(0x3fffe000), "reserved", "has to be zero" },
	{ UINT64_C(0x000fffffc0000000), "address", "of the page", NULL, PW_SHOW_ADDRESS },
	{ .more = large_bits },
};

static const struct pw_bits large_4m_bits[] = {
	{ UINT64_C(0x1fe000), "address-high", "bits 39:32 (PSE-36)", NULL, PW_SHOW_ADDRESS },
	{ UINT64_C(0x200000), "reserved", "has to be zero" },
	{ UINT64_C(0xffc00000), "address", "of the page", NULL, PW_SHOW_ADDRESS },
	{ .more = large_bits },
};

/* Linux, if P is clear: pgtable_64.h __swp_entry, and the L1TF defence. */
static const struct pw_bits swap_64_bits[] = {
	{ PW_BIT(0), "P", "present", NULL, PW_SHOW_ALWAYS },
	{ PW_BIT(1), "soft-dirty", "Linux: written to since clear_refs" },
	{ PW_BIT(2), "uffd-wp", "Linux: userfaultfd watches writes" },
	{ PW_BIT(3), "exclusive", "Linux: the page is this process's alone" },
	{ UINT64_C(0xf0), "sw", "unused" },
	{ PW_BIT(8), "protnone", "never set in swap entries" },
	{ UINT64_C(0xf8) << 56, "type", "swap file, or another kind of entry", NULL,
	  PW_SHOW_ALWAYS },
	{ UINT64_C(0x07fffffffffffe00), "offset", "in the swap file", NULL, PW_SHOW_ALWAYS, 0, 0,
	  true },
	{ 0 },
};

static const struct pw_bits swap_32_bits[] = {
	{ PW_BIT(0), "P", "present", NULL, PW_SHOW_ALWAYS },
	{ UINT64_C(0x3e), "type", "swap file, or another kind of entry", NULL, PW_SHOW_ALWAYS },
	{ PW_BIT(6), "sw6", "unused" },
	{ PW_BIT(7), "exclusive", "Linux: the page is this process's alone" },
	{ PW_BIT(8), "protnone", "never set in swap entries" },
	{ UINT64_C(0xfffffe00), "offset", "in the swap file", NULL, PW_SHOW_ALWAYS },
	{ 0 },
};

/* Linux: bit 8 marks PROT_NONE if P is clear. 64-bit entries store the address inverted. */
static const struct pw_bits prot_none_bits[] = {
	{ PW_BIT(0), "P", "present", NULL, PW_SHOW_ALWAYS },
	{ PW_BIT(1), "RW", "was writable" },
	{ PW_BIT(2), "US", "was for user mode" },
	{ PW_BIT(3), "PWT", "kept" },
	{ PW_BIT(4), "PCD", "kept" },
	{ PW_BIT(5), "A", "accessed" },
	{ PW_BIT(6), "D", "dirty" },
	{ PW_BIT(7), "PS", "PAT in a pte, page size above" },
	{ PW_BIT(8), "protnone", "Linux: present, nobody may use it" },
	{ PW_BIT(9), "special", "Linux: no struct page behind it" },
	{ PW_BIT(10), "uffd-wp", "Linux: userfaultfd watches writes" },
	{ PW_BIT(11), "soft-dirty", "Linux: written to since clear_refs" },
	{ 0 },
};

static const struct pw_bits prot_none_64_bits[] = {
	{ UINT64_C(0x000ffffffffff000), "address", "of the page, inverted (L1TF)", NULL,
	  PW_SHOW_ADDRESS, 0, 0, true },
	{ UINT64_C(0x07f0000000000000), "sw-high", "for software" },
	{ UINT64_C(0xf) << 59, "PKEY", "protection key" },
	{ PW_BIT(63), "NX", "may not be executed" },
	{ .more = prot_none_bits },
};

static const struct pw_bits prot_none_32_bits[] = {
	{ UINT64_C(0xfffff000), "address", "of the page", NULL, PW_SHOW_ADDRESS },
	{ .more = prot_none_bits },
};

static const struct pw_bits empty_bits[] = {
	{ PW_BIT(0), "P", "present", NULL, PW_SHOW_ALWAYS },
	{ PW_BIT(5), "A", "accessed: set by an erratum of Knights Landing" },
	{ PW_BIT(6), "D", "dirty: set by an erratum of Knights Landing" },
	{ 0 },
};

/* ---- by format ---- */

static const struct pw_bits_of entries_64[] = {
	{ ANY, PW_BITS_TABLE, table_bits },
	{ 1 << 0, PW_BITS_LEAF, page_bits },
	{ 1 << 1, PW_BITS_LEAF, large_2m_bits, PW_BIT(7), PW_BIT(7) },
	{ 1 << 2, PW_BITS_LEAF, large_1g_bits, PW_BIT(7), PW_BIT(7) },
	{ ANY, PW_BITS_SWAP, swap_64_bits },
	{ ANY, PW_BITS_PROT_NONE, prot_none_64_bits },
	{ ANY, PW_BITS_EMPTY, empty_bits },
	{ 0 },
};

static const struct pw_bits_of entries_pae[] = {
	{ 1 << 2, ANY, pae_top_bits },
	{ ANY, PW_BITS_TABLE, table_bits },
	{ 1 << 0, PW_BITS_LEAF, page_bits },
	{ 1 << 1, PW_BITS_LEAF, large_2m_bits, PW_BIT(7), PW_BIT(7) },
	{ ANY, PW_BITS_SWAP, swap_64_bits },
	{ ANY, PW_BITS_PROT_NONE, prot_none_64_bits },
	{ ANY, PW_BITS_EMPTY, empty_bits },
	{ 0 },
};

static const struct pw_bits_of entries_32[] = {
	{ ANY, PW_BITS_TABLE, table_bits },
	{ 1 << 0, PW_BITS_LEAF, page_bits },
	{ 1 << 1, PW_BITS_LEAF, large_4m_bits, PW_BIT(7), PW_BIT(7) },
	{ ANY, PW_BITS_SWAP, swap_32_bits },
	{ ANY, PW_BITS_PROT_NONE, prot_none_32_bits },
	{ ANY, PW_BITS_EMPTY, empty_bits },
	{ 0 },
};

static const struct fold_style *const folds_64[] = { &fold_x86_64, &fold_x86_64_static, NULL };

static const struct fold_style *const folds_la57[] = { &fold_x86_64_la57, NULL };

static const struct fold_style *const folds_pae[] = { &fold_i386_pae, NULL };

static const struct fold_style *const folds_32[] = { &fold_i386, NULL };

static void four_tables(const struct pw_regime *regime, char *text, size_t bytes)
{
	(void)regime;
	snprintf(text, bytes, "CR4.LA57 is clear, so there are four tables");
}

/* Intel SDM volume 3, 6.10 and 6.14. */
static const struct pw_vectors idt_64 = { .name = "IDT", .kind = PW_VECTORS_GATES_64 };
static const struct pw_vectors idt_32 = { .name = "IDT", .kind = PW_VECTORS_GATES_32 };

/* Without PAT, index 0 is memory: so it is after a reset (Intel SDM volume 3, 12.12.4), and so Linux and Windows leave it. */
enum { MEMORY_TYPES = 1 << PW_MEM_NORMAL | 1 << PW_MEM_INDEX_0 };

const struct pw_words pw_words_x86_64 = {
	.machines = "x86_64",
	.vectors = &idt_64,
	.memory_types = MEMORY_TYPES,
	.registers = PW_REGISTER_PAT,
	.entries = entries_64,
	.folds = folds_64,
	.folded = four_tables,
};

const struct pw_words pw_words_x86_64_la57 = {
	.machines = "x86_64",
	.vectors = &idt_64,
	.memory_types = MEMORY_TYPES,
	.registers = PW_REGISTER_PAT,
	.entries = entries_64,
	.folds = folds_la57,
};

const struct pw_words pw_words_i386_pae = {
	.machines = "i386",
	.vectors = &idt_32,
	.memory_types = MEMORY_TYPES,
	.registers = PW_REGISTER_PAT,
	.entries = entries_pae,
	.folds = folds_pae,
};

const struct pw_words pw_words_i386 = {
	.machines = "i386",
	.vectors = &idt_32,
	.memory_types = MEMORY_TYPES,
	.registers = PW_REGISTER_CR4 | PW_REGISTER_PAT,
	.entries = entries_32,
	.folds = folds_32,
};
