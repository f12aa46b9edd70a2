/* SPDX-License-Identifier: MIT */
/* Words for the mock format. */
#include "format/mock.h"

#include "format/words.h"

/* Most fields have a mask, a name and a meaning; the rest is zero, and not worth a column. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

enum {
	ANY = 0xff,
	SPECIAL_MOVED = 0x0700,
	LEAF_OR_PROT_NONE = PW_BITS_LEAF | PW_BITS_PROT_NONE,
};

static const char *const type_names[] = { "normal", "write-combining", "device", "reserved", NULL };

static const struct pw_bits table_bits[] = {
	{ 0x1, "P", "present", NULL, PW_SHOW_ALWAYS },
	{ 0x2, "L", "a leaf" },
	{ 0x4, "R", "reads are allowed below" },
	{ 0x8, "W", "writes are allowed below" },
	{ 0x10, "U", "user mode is allowed below" },
	{ 0xfe0, "reserved", "has to be zero" },
	{ UINT64_C(0x0000fffffffff000), "address", "of the next table", NULL, PW_SHOW_ADDRESS },
	{ UINT64_C(3) << 48, "first", "first quarter of the next table that exists", NULL,
	  PW_SHOW_ALWAYS },
	{ UINT64_C(3) << 50, "last", "last quarter of the next table that exists", NULL,
	  PW_SHOW_ALWAYS },
	{ UINT64_C(3) << 52, "next", "level of the next table", NULL, PW_SHOW_ALWAYS },
	{ PW_BIT(54), "8K", "the next table has four entries of 8K" },
	{ UINT64_C(0x7f) << 55, "reserved-high", "has to be zero" },
	{ PW_BIT(62), "UX", "user mode may execute below" },
	{ PW_BIT(63), "KX", "the kernel may execute below" },
	{ 0 },
};

static const struct pw_bits page_bits[] = {
	{ 0x1, "P", "present", NULL, PW_SHOW_ALWAYS },
	{ 0x2, "L", "a leaf" },
	{ 0x4, "R", "may be read" },
	{ 0x8, "W", "may be written" },
	{ 0x10, "U", "user mode may access it" },
	{ 0x20, "A", "accessed; the hardware traps while it is clear" },
	{ 0x40, "D", "dirty: written to" },
	{ 0x80, "G", "global" },
	{ 0x100, "special", "no page behind it that one may take", NULL, 0, 0, SPECIAL_MOVED },
	{ 0x100, "reserved8", "has to be zero", NULL, 0, SPECIAL_MOVED },
	{ 0x200, "group", "one of a group of alike leaves" },
	{ 0xc00, "type", "of memory", type_names },
	{ UINT64_C(0x0000fffffffff000), "address", "of the page", NULL, PW_SHOW_ADDRESS },
	{ UINT64_C(0x7ff) << 48, "reserved", "has to be zero" },
	{ PW_BIT(59), "special", "no page behind it that one may take", NULL, 0, SPECIAL_MOVED },
	{ PW_BIT(59), "reserved59", "has to be zero", NULL, 0, 0, SPECIAL_MOVED },
	{ PW_BIT(60), "prot-none", "a page that nobody may use" },
	{ PW_BIT(61), "swap", "a swap entry" },
	{ PW_BIT(62), "UX", "user mode may execute it" },
	{ PW_BIT(63), "KX", "the kernel may execute it" },
	{ 0 },
};

static const struct pw_bits swap_bits[] = {
	{ 0x1, "P", "present", NULL, PW_SHOW_ALWAYS },
	{ 0x7c, "type", "swap file, or another kind of entry", NULL, PW_SHOW_ALWAYS },
	{ 0x80, "exclusive", "the page is this process's alone" },
	{ UINT64_C(0x0000fffffffff000), "offset", "in the swap file" },
	{ PW_BIT(61), "swap", "a swap entry" },
	{ 0 },
};

static const struct pw_bits empty_bits[] = {
	{ 0x1, "P", "present", NULL, PW_SHOW_ALWAYS },
	{ 0x300, "level", "of this entry" },
	{ 0 },
};

static const struct pw_bits_of entries[] = {
	{ ANY, PW_BITS_TABLE, table_bits },
	{ 1 << 0, LEAF_OR_PROT_NONE, page_bits },
	{ 0xfe, LEAF_OR_PROT_NONE, page_bits, 0x2, 0x2 },
	{ ANY, PW_BITS_SWAP, swap_bits },
	{ ANY, PW_BITS_EMPTY, empty_bits },
	{ 0 },
};

/* No Linux kernel has these tables. */
static const struct fold_style *const folds[] = { NULL };

const struct pw_words pw_words_mock = {
	.memory_types = 1 << PW_MEM_NORMAL,
	.kernel_apart = true,
	.entries = entries,
	.folds = folds,
};
