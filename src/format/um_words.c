/* SPDX-License-Identifier: MIT */
/*
 * Words for user-mode Linux. All bits are Linux's.
 * Linux arch/um/include/asm/pgtable.h.
 */
#include "format/um.h"

#include "format/um_folds.h"
#include "format/words.h"

/* Most fields have a mask, a name and a meaning; the rest is zero, and not worth a column. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

enum {
	ANY = 0xff,
	NEEDSYNC = 0x060d, /* one bit in the place of two */
};

static const struct pw_bits page_or_table_bits[] = {
	{ 0x1, "present", "present", NULL, PW_SHOW_ALWAYS },
	{ 0x2, "newpage", "the host was not told of the page yet", NULL, 0, 0, NEEDSYNC },
	{ 0x4, "newprot", "the host was not told of the permissions yet", NULL, 0, 0, NEEDSYNC },
	{ 0x2, "needsync", "the host was not told yet", NULL, 0, NEEDSYNC },
	{ 0x4, "sw2", "unused", NULL, 0, NEEDSYNC },
	{ 0x8, "sw3", "unused" },
	{ 0x10, "protnone", "present, nobody may use it" },
	{ 0x20, "rw", "may be written" },
	{ 0x40, "user", "user mode may access it" },
	{ 0x80, "accessed", "accessed" },
	{ 0x100, "dirty", "written to" },
	{ 0xe00, "sw", "unused" },
	{ UINT64_C(0xfffffffffffff000), "address", "of the page or table", NULL, PW_SHOW_ADDRESS },
	{ 0 },
};

static const struct pw_bits swap_bits[] = {
	{ 0x1, "present", "present", NULL, PW_SHOW_ALWAYS },
	{ 0x2, "newpage", "set in swap entries" },
	{ 0x1c, "sw", "unused" },
	{ 0x3e0, "type", "swap file, or another kind of entry", NULL, PW_SHOW_ALWAYS },
	{ 0x400, "exclusive", "the page is this process's alone" },
	{ UINT64_C(0xfffffffffffff800), "offset", "in the swap file", NULL, PW_SHOW_ALWAYS },
	{ 0 },
};

static const struct pw_bits_of entries[] = {
	{ ANY, PW_BITS_TABLE | PW_BITS_LEAF | PW_BITS_PROT_NONE | PW_BITS_EMPTY,
	  page_or_table_bits },
	{ ANY, PW_BITS_SWAP, swap_bits },
	{ 0 },
};

static const struct fold_style *const folds_2[] = { &fold_um_2, NULL };

static const struct fold_style *const folds_3[] = { &fold_um_3, NULL };

static const struct fold_style *const folds_4[] = { &fold_um_4, NULL };

const struct pw_words pw_words_um_2 = {
	.entries = entries,
	.folds = folds_2,
	.machines = "uml",
};

const struct pw_words pw_words_um_3 = {
	.entries = entries,
	.folds = folds_3,
	.machines = "uml",
};

const struct pw_words pw_words_um_4 = {
	.entries = entries,
	.folds = folds_4,
	.machines = "uml",
};
