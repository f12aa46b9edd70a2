/* SPDX-License-Identifier: MIT */
/*
 * Words for sparc64.
 * Linux arch/sparc/include/asm/pgtable_64.h.
 */
#include "format/sparc.h"

#include "format/sparc_folds.h"
#include "format/words.h"

/* Most fields have a mask, a name and a meaning; the rest is zero, and not worth a column. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

enum { ANY = 0xff, LEAF_OR_PROT_NONE = PW_BITS_LEAF | PW_BITS_PROT_NONE };

static const char *const tte_size_names[] = { "8K",   "64K", "512K", "4M", "32M",
					      "256M", "2G",  "16G",  NULL };

static const struct pw_bits table_bits[] = {
	{ UINT64_C(0x00ffffffffffe000), "address", "of the next table, and nothing else", NULL,
	  PW_SHOW_ADDRESS },
	{ 0x1fff, "bad", "has to be zero" },
	{ UINT64_C(0xff) << 56, "bad-high", "has to be zero" },
	{ 0 },
};

static const struct pw_bits sun4u_bits[] = {
	{ PW_BIT(63), "V", "valid; Linux: and not old", NULL, PW_SHOW_ALWAYS },
	{ UINT64_C(3) << 61, "size", "of the TTE", tte_size_names, PW_SHOW_ALWAYS },
	{ PW_BIT(60), "NFO", "no fault, for non-faulting loads only" },
	{ PW_BIT(59), "IE", "invert endianness" },
	{ PW_BIT(58), "sw58", "for software" },
	{ PW_BIT(57), "special", "Linux: no struct page behind it" },
	{ PW_BIT(56), "huge", "Linux: a leaf at this level" },
	{ UINT64_C(0xfe) << 48, "sw-high", "for software" },
	{ PW_BIT(48), "size2", "third bit of the size (Panther)" },
	{ UINT64_C(0x0000f80000000000), "reserved", "has to be zero" },
	{ UINT64_C(0x000007ffffffe000), "address", "of the page", NULL, PW_SHOW_ADDRESS },
	{ 0x1000, "exec", "Linux: may be executed" },
	{ 0x800, "modified", "Linux: written to" },
	{ 0x400, "accessed", "Linux: accessed" },
	{ 0x200, "read", "Linux: may be read" },
	{ 0x100, "write", "Linux: may be written" },
	{ 0x80, "present", "Linux: present" },
	{ 0x40, "L", "locked into the TLB" },
	{ 0x20, "CP", "cacheable in physically indexed caches" },
	{ 0x10, "CV", "cacheable in virtually indexed caches" },
	{ 0x8, "E", "side effects" },
	{ 0x4, "P", "privileged: not for user mode" },
	{ 0x2, "W", "may be written" },
	{ 0x1, "G", "global" },
	{ 0 },
};

static const struct pw_bits sun4v_bits[] = {
	{ PW_BIT(63), "V", "valid; Linux: and not old", NULL, PW_SHOW_ALWAYS },
	{ PW_BIT(62), "NFO", "no fault, for non-faulting loads only" },
	{ PW_BIT(61), "modified", "Linux: written to" },
	{ PW_BIT(60), "accessed", "Linux: accessed" },
	{ PW_BIT(59), "read", "Linux: may be read" },
	{ PW_BIT(58), "write", "Linux: may be written" },
	{ PW_BIT(57), "special", "Linux: no struct page behind it" },
	{ PW_BIT(56), "huge", "Linux: a leaf at this level" },
	{ UINT64_C(0x00ffffffffffe000), "address", "of the page", NULL, PW_SHOW_ADDRESS },
	{ 0x1000, "IE", "invert endianness" },
	{ 0x800, "E", "side effects" },
	{ 0x400, "CP", "cacheable in physically indexed caches" },
	{ 0x200, "CV", "cacheable in virtually indexed caches" },
	{ 0x100, "P", "privileged: not for user mode" },
	{ 0x80, "X", "may be executed" },
	{ 0x40, "W", "may be written" },
	{ 0x20, "sw5", "for software" },
	{ 0x10, "present", "Linux: present" },
	{ 0x8, "sw3", "for software" },
	{ 0x7, "size", "of the TTE", tte_size_names, PW_SHOW_ALWAYS },
	{ 0 },
};

static const struct pw_bits swap_bits[] = {
	{ UINT64_C(0x1fff), "sw", "clear in swap entries" },
	{ UINT64_C(0xfe000), "type", "swap file, or another kind of entry", NULL, PW_SHOW_ALWAYS },
	{ PW_BIT(20), "exclusive", "Linux: the page is this process's alone" },
	{ UINT64_C(0xffffffffffe00000), "offset", "in the swap file", NULL, PW_SHOW_ALWAYS },
	{ 0 },
};

static const struct pw_bits empty_bits[] = {
	{ PW_BIT(63), "V", "valid", NULL, PW_SHOW_ALWAYS },
	{ 0 },
};

static const struct pw_bits_of sun4u_entries[] = {
	{ 1 << 0, LEAF_OR_PROT_NONE, sun4u_bits },
	{ 0x6, LEAF_OR_PROT_NONE, sun4u_bits, PW_BIT(56), PW_BIT(56) },
	{ ANY, PW_BITS_TABLE, table_bits },
	{ ANY, PW_BITS_SWAP, swap_bits },
	{ ANY, PW_BITS_EMPTY, empty_bits },
	{ 0 },
};

static const struct pw_bits_of sun4v_entries[] = {
	{ 1 << 0, LEAF_OR_PROT_NONE, sun4v_bits },
	{ 0x6, LEAF_OR_PROT_NONE, sun4v_bits, PW_BIT(56), PW_BIT(56) },
	{ ANY, PW_BITS_TABLE, table_bits },
	{ ANY, PW_BITS_SWAP, swap_bits },
	{ ANY, PW_BITS_EMPTY, empty_bits },
	{ 0 },
};

static const struct fold_style *const sun4u_folds[] = { &fold_sparc64_sun4u, NULL };

static const struct fold_style *const sun4v_folds[] = { &fold_sparc64_sun4v, NULL };

const struct pw_words pw_words_sparc64_sun4u = {
	.machines = "sparc64",
	.memory_types = 1 << PW_MEM_NORMAL,
	.entries = sun4u_entries,
	.folds = sun4u_folds,
};

const struct pw_words pw_words_sparc64_sun4v = {
	.machines = "sparc64",
	.memory_types = 1 << PW_MEM_NORMAL,
	.entries = sun4v_entries,
	.folds = sun4v_folds,
};
