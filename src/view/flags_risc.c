/* SPDX-License-Identifier: MIT */
/*
 * Words for riscv, sparc64, user-mode Linux, and the mock format.
 * RISC-V Privileged Specification, "Supervisor-Level ISA"; Linux arch/riscv/include/asm/pgtable*.h,
 * arch/sparc/include/asm/pgtable_64.h, arch/um/include/asm/pgtable.h.
 */
#include "view/flags.h"

/* Most fields have a mask, a name and a meaning; the rest is zero, and not worth a column. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

#define BIT(n) (UINT64_C(1) << (n))

enum {
	ANY = 0xff,
	EXCLUSIVE = 0x0603, /* riscv: swap entries gained a bit */
	NEEDSYNC = 0x060d, /* um: one bit in the place of two */
	MOCK_SPECIAL_MOVED = 0x0700,
};

static const char *const pbmt_names[] = { "PMA", "NC", "IO", "reserved", NULL };

static const struct pw_bits riscv_bits[] = {
	{ BIT(0), "V", "valid", NULL, PW_SHOW_ALWAYS },
	{ BIT(1), "R", "may be read" },
	{ BIT(2), "W", "may be written" },
	{ BIT(3), "X", "may be executed" },
	{ BIT(4), "U", "user mode may access it" },
	{ BIT(5), "G", "global: in all address spaces" },
	{ BIT(6), "A", "accessed" },
	{ BIT(7), "D", "dirty: written to" },
	{ BIT(8), "special", "Linux: no struct page behind it" },
	{ BIT(9), "sw9", "for software" },
	{ UINT64_C(0x003ffffffffffc00), "PPN", "number of the page or table", NULL,
	  PW_SHOW_ADDRESS },
	{ UINT64_C(0x1f) << 54, "reserved", "has to be zero" },
	{ BIT(59), "sw59", "Svrsw60t59b: for software, else reserved" },
	{ BIT(60), "sw60", "Svrsw60t59b: for software, else reserved" },
	{ UINT64_C(3) << 61, "PBMT", "memory type (Svpbmt)", pbmt_names },
	{ BIT(63), "N", "one of a naturally aligned group (Svnapot)" },
	{ 0 },
};

/* V is clear: G says PROT_NONE. */
static const struct pw_bits riscv_prot_none_bits[] = {
	{ BIT(0), "V", "valid", NULL, PW_SHOW_ALWAYS },
	{ BIT(1), "R", "was readable" },
	{ BIT(2), "W", "was writable" },
	{ BIT(3), "X", "was executable" },
	{ BIT(4), "U", "was for user mode" },
	{ BIT(5), "prot-none", "Linux: present, nobody may use it" },
	{ BIT(6), "A", "accessed" },
	{ BIT(7), "D", "dirty" },
	{ BIT(8), "special", "Linux: no struct page behind it" },
	{ BIT(9), "sw9", "for software" },
	{ UINT64_C(0x003ffffffffffc00), "PPN", "number of the page", NULL, PW_SHOW_ADDRESS },
	{ UINT64_C(0x3ff) << 54, "sw-high", "kept" },
	{ 0 },
};

static const struct pw_bits riscv_swap_bits[] = {
	{ BIT(0), "V", "valid", NULL, PW_SHOW_ALWAYS },
	{ 0x1e, "sw", "for software" },
	{ BIT(5), "prot-none", "clear in swap entries" },
	{ 0x7c0, "type", "which swap file, or what else", NULL, PW_SHOW_ALWAYS, 0, EXCLUSIVE },
	{ UINT64_C(0xfffffffffffff800), "offset", "in the swap file", NULL, PW_SHOW_ALWAYS, 0,
	  EXCLUSIVE },
	{ BIT(6), "exclusive", "Linux: the page is this process's alone", NULL, 0, EXCLUSIVE },
	{ 0xf80, "type", "which swap file, or what else", NULL, PW_SHOW_ALWAYS, EXCLUSIVE },
	{ UINT64_C(0xfffffffffffff000), "offset", "in the swap file", NULL, PW_SHOW_ALWAYS,
	  EXCLUSIVE },
	{ 0 },
};

static const struct pw_bits riscv_empty_bits[] = {
	{ BIT(0), "V", "valid", NULL, PW_SHOW_ALWAYS },
	{ 0 },
};

/* ---- sparc64 ---- */

static const char *const tte_size_names[] = { "8K",   "64K", "512K", "4M", "32M",
					      "256M", "2G",  "16G",  NULL };

static const struct pw_bits sparc_table_bits[] = {
	{ UINT64_C(0x00ffffffffffe000), "address", "of the next table, and nothing else", NULL,
	  PW_SHOW_ADDRESS },
	{ 0x1fff, "bad", "has to be zero" },
	{ UINT64_C(0xff) << 56, "bad-high", "has to be zero" },
	{ 0 },
};

static const struct pw_bits sun4u_bits[] = {
	{ BIT(63), "V", "valid; Linux: and not old", NULL, PW_SHOW_ALWAYS },
	{ UINT64_C(3) << 61, "size", "of the TTE", tte_size_names, PW_SHOW_ALWAYS },
	{ BIT(60), "NFO", "no fault, for non-faulting loads only" },
	{ BIT(59), "IE", "invert endianness" },
	{ BIT(58), "sw58", "for software" },
	{ BIT(57), "special", "Linux: no struct page behind it" },
	{ BIT(56), "huge", "Linux: a leaf at this level" },
	{ UINT64_C(0xfe) << 48, "sw-high", "for software" },
	{ BIT(48), "size2", "third bit of the size (Panther)" },
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
	{ BIT(63), "V", "valid; Linux: and not old", NULL, PW_SHOW_ALWAYS },
	{ BIT(62), "NFO", "no fault, for non-faulting loads only" },
	{ BIT(61), "modified", "Linux: written to" },
	{ BIT(60), "accessed", "Linux: accessed" },
	{ BIT(59), "read", "Linux: may be read" },
	{ BIT(58), "write", "Linux: may be written" },
	{ BIT(57), "special", "Linux: no struct page behind it" },
	{ BIT(56), "huge", "Linux: a leaf at this level" },
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

static const struct pw_bits sparc_swap_bits[] = {
	{ UINT64_C(0x1fff), "sw", "clear in swap entries" },
	{ UINT64_C(0xfe000), "type", "which swap file, or what else", NULL, PW_SHOW_ALWAYS },
	{ BIT(20), "exclusive", "Linux: the page is this process's alone" },
	{ UINT64_C(0xffffffffffe00000), "offset", "in the swap file", NULL, PW_SHOW_ALWAYS },
	{ 0 },
};

static const struct pw_bits sparc_empty_bits[] = {
	{ BIT(63), "V", "valid", NULL, PW_SHOW_ALWAYS },
	{ 0 },
};

/* ---- user-mode Linux: all words are Linux's ---- */

static const struct pw_bits um_bits[] = {
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

static const struct pw_bits um_swap_bits[] = {
	{ 0x1, "present", "present", NULL, PW_SHOW_ALWAYS },
	{ 0x2, "newpage", "set in swap entries" },
	{ 0x1c, "sw", "unused" },
	{ 0x3e0, "type", "which swap file, or what else", NULL, PW_SHOW_ALWAYS },
	{ 0x400, "exclusive", "the page is this process's alone" },
	{ UINT64_C(0xfffffffffffff800), "offset", "in the swap file", NULL, PW_SHOW_ALWAYS },
	{ 0 },
};

/* ---- mock ---- */

static const char *const mock_type_names[] = { "normal", "write-combining", "device", "reserved",
					       NULL };

static const struct pw_bits mock_table_bits[] = {
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
	{ BIT(54), "8K", "the next table has four entries of 8K" },
	{ UINT64_C(0x7f) << 55, "reserved-high", "has to be zero" },
	{ BIT(62), "UX", "user mode may execute below" },
	{ BIT(63), "KX", "the kernel may execute below" },
	{ 0 },
};

static const struct pw_bits mock_page_bits[] = {
	{ 0x1, "P", "present", NULL, PW_SHOW_ALWAYS },
	{ 0x2, "L", "a leaf" },
	{ 0x4, "R", "may be read" },
	{ 0x8, "W", "may be written" },
	{ 0x10, "U", "user mode may access it" },
	{ 0x20, "A", "accessed; the hardware traps while it is clear" },
	{ 0x40, "D", "dirty: written to" },
	{ 0x80, "G", "global" },
	{ 0x100, "special", "no page behind it that one may take", NULL, 0, 0, MOCK_SPECIAL_MOVED },
	{ 0x100, "reserved8", "has to be zero", NULL, 0, MOCK_SPECIAL_MOVED },
	{ 0x200, "group", "one of a group of alike leaves" },
	{ 0xc00, "type", "of memory", mock_type_names },
	{ UINT64_C(0x0000fffffffff000), "address", "of the page", NULL, PW_SHOW_ADDRESS },
	{ UINT64_C(0x7ff) << 48, "reserved", "has to be zero" },
	{ BIT(59), "special", "no page behind it that one may take", NULL, 0, MOCK_SPECIAL_MOVED },
	{ BIT(59), "reserved59", "has to be zero", NULL, 0, 0, MOCK_SPECIAL_MOVED },
	{ BIT(60), "prot-none", "a page that nobody may use" },
	{ BIT(61), "swap", "a swap entry" },
	{ BIT(62), "UX", "user mode may execute it" },
	{ BIT(63), "KX", "the kernel may execute it" },
	{ 0 },
};

static const struct pw_bits mock_swap_bits[] = {
	{ 0x1, "P", "present", NULL, PW_SHOW_ALWAYS },
	{ 0x7c, "type", "which swap file, or what else", NULL, PW_SHOW_ALWAYS },
	{ BIT(61), "swap", "a swap entry" },
	{ 0 },
};

static const struct pw_bits mock_empty_bits[] = {
	{ 0x1, "P", "present", NULL, PW_SHOW_ALWAYS },
	{ 0x300, "level", "of this entry" },
	{ 0 },
};

enum { LEAF_OR_PROT_NONE = PW_BITS_LEAF | PW_BITS_PROT_NONE };

const struct pw_bits_of pw_bits_risc[] = {
	{ "riscv*", ANY, PW_BITS_TABLE | PW_BITS_LEAF, riscv_bits },
	{ "riscv*", ANY, PW_BITS_PROT_NONE, riscv_prot_none_bits },
	{ "riscv*", ANY, PW_BITS_SWAP, riscv_swap_bits },
	{ "riscv*", ANY, PW_BITS_EMPTY, riscv_empty_bits },
	{ "sparc64_sun4u", 1 << 0, LEAF_OR_PROT_NONE, sun4u_bits },
	{ "sparc64_sun4v", 1 << 0, LEAF_OR_PROT_NONE, sun4v_bits },
	{ "sparc64_sun4u", 0x6, LEAF_OR_PROT_NONE, sun4u_bits, BIT(56), BIT(56) },
	{ "sparc64_sun4v", 0x6, LEAF_OR_PROT_NONE, sun4v_bits, BIT(56), BIT(56) },
	{ "sparc64*", ANY, PW_BITS_TABLE, sparc_table_bits },
	{ "sparc64*", ANY, PW_BITS_SWAP, sparc_swap_bits },
	{ "sparc64*", ANY, PW_BITS_EMPTY, sparc_empty_bits },
	{ "um_*", ANY, PW_BITS_TABLE | LEAF_OR_PROT_NONE | PW_BITS_EMPTY, um_bits },
	{ "um_*", ANY, PW_BITS_SWAP, um_swap_bits },
	{ "mock", ANY, PW_BITS_TABLE, mock_table_bits },
	{ "mock", 1 << 0, LEAF_OR_PROT_NONE, mock_page_bits },
	{ "mock", 0xfe, LEAF_OR_PROT_NONE, mock_page_bits, 0x2, 0x2 },
	{ "mock", ANY, PW_BITS_SWAP, mock_swap_bits },
	{ "mock", ANY, PW_BITS_EMPTY, mock_empty_bits },
	{ 0 },
};
