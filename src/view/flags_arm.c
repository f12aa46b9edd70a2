/* SPDX-License-Identifier: MIT */
/*
 * Words for arm, in short and in long descriptors, and arm64.
 * Arm ARM DDI0406C B3.5, B3.6; DDI0487 D8.3; Linux arch/arm/include/asm/pgtable-2level.h,
 * pgtable-3level.h, arch/arm64/include/asm/pgtable-hwdef.h, pgtable-prot.h, pgtable.h.
 */
#include "view/flags.h"

/* Most fields have a mask, a name and a meaning; the rest is zero, and not worth a column. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

#define BIT(n) (UINT64_C(1) << (n))

enum {
	ANY = 0xff,
	HARDWARE = 1 << PW_VIEW_HARDWARE,
	LINUX = 1 << PW_VIEW_LINUX,
	NG_KERNEL = 0x060a, /* "arm64/mm: Remove PTE_PROT_NONE bit" */
	UFFD_KERNEL = 0x060a, /* "arm64/mm: Add uffd write-protect support" */
	NO_DEVMAP = 0x0611,
};

static const char *const upper_type_names[] = { "invalid", "block", "invalid", "table", NULL };
static const char *const page_type_names[] = { "invalid", "reserved", "invalid", "page", NULL };
static const char *const share_names[] = { "none", "reserved", "outer", "inner", NULL };
/* AP[2:1] of long descriptors: DDI0487 table D8-42. */
static const char *const ap_names[] = { "kernel-rw", "rw", "kernel-ro", "ro", NULL };
static const char *const ap_table_names[] = { "all", "no-user", "no-write", "no-user,no-write",
					      NULL };

/* ---- arm64 ---- */

static const struct pw_bits any_table_bits[] = {
	{ 0x3, "type", "of the entry", upper_type_names, PW_SHOW_ALWAYS },
	{ BIT(10), "AF", "accessed (FEAT_HAFT), else ignored" },
	{ UINT64_C(3) << 61, "APTable", "what is refused below", ap_table_names },
	{ BIT(60), "UXNTable", "user mode may execute nothing below" },
	{ BIT(59), "PXNTable", "the kernel may execute nothing below" },
	{ BIT(63), "NSTable", "non-secure below" },
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

/* 4K and 16K with 52-bit addresses: address bits 51:50 stand in 9:8. */
static const struct pw_bits table_lpa2_bits[] = {
	{ 0xfc, "ignored", "ignored" },
	{ 0x800, "ignored11", "ignored" },
	{ 0x300, "address-high", "bits 51:50", NULL, PW_SHOW_ADDRESS },
	{ UINT64_C(0x0003fffffffff000), "address", "of the next table", NULL, PW_SHOW_ADDRESS },
	{ UINT64_C(0x07fc000000000000), "ignored-high", "ignored" },
	{ .more = any_table_bits },
};

/* What pages and blocks have in all shapes. */
static const struct pw_bits leaf_bits[] = {
	{ 0x1c, "AttrIndx", "index into MAIR_EL1: memory type", NULL, PW_SHOW_ALWAYS },
	{ BIT(5), "NS", "non-secure" },
	{ 0xc0, "AP", "who may access it", ap_names, PW_SHOW_ALWAYS },
	{ BIT(10), "AF", "accessed" },
	{ BIT(11), "nG", "not global: of one ASID; Linux, where invalid: present all the same" },
	{ BIT(50), "GP", "guarded: branches must land on a BTI" },
	{ BIT(51), "DBM", "dirty bit modifier; Linux: may be written" },
	{ BIT(52), "Cont", "contiguous: one of a group that maps one larger page" },
	{ BIT(53), "PXN", "the kernel may not execute it" },
	{ BIT(54), "UXN", "user mode may not execute it" },
	{ BIT(55), "dirty", "Linux: written to" },
	{ BIT(56), "special", "Linux: no struct page behind it" },
	{ BIT(57), "devmap", "Linux: device memory", NULL, 0, 0, NO_DEVMAP },
	{ BIT(57), "sw57", "for software", NULL, 0, NO_DEVMAP },
	{ BIT(58), "prot-none", "Linux: nobody may use it", NULL, 0, 0, NG_KERNEL },
	{ BIT(58), "uffd-wp", "Linux: userfaultfd watches writes", NULL, 0, UFFD_KERNEL },
	{ BIT(59), "present-invalid", "Linux: present while it is changed", NULL, 0, 0, NG_KERNEL },
	{ BIT(59), "sw59", "ignored", NULL, 0, NG_KERNEL },
	{ UINT64_C(7) << 60, "POIndex", "permission overlay" },
	{ BIT(63), "sw63", "for software" },
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

/* 64K with 52-bit addresses: address bits 51:48 stand in 15:12. */
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

/* __swp_entry of pgtable.h; the type moved when nG was taken. */
static const struct pw_bits swap_bits[] = {
	{ 0x3, "type", "of the entry", page_type_names, PW_SHOW_ALWAYS },
	{ BIT(2), "exclusive", "Linux: the page is this process's alone" },
	{ 0xf8, "swap-type", "which swap file, or what else", NULL, PW_SHOW_ALWAYS, 0, NG_KERNEL },
	{ UINT64_C(0x03ffffffffffff00), "offset", "in the swap file", NULL, PW_SHOW_ALWAYS, 0,
	  NG_KERNEL },
	{ UINT64_C(0xfc00000000000000), "sw-high", "for software", NULL, 0, 0, NG_KERNEL },
	{ BIT(3), "uffd-wp", "Linux: userfaultfd watches writes", NULL, 0, NG_KERNEL },
	{ 0x30, "sw", "for software", NULL, 0, NG_KERNEL },
	{ 0x7c0, "swap-type", "which swap file, or what else", NULL, PW_SHOW_ALWAYS, NG_KERNEL },
	{ BIT(11), "nG", "clear in swap entries", NULL, 0, NG_KERNEL },
	{ UINT64_C(0x3ffffffffffff000), "offset", "in the swap file", NULL, PW_SHOW_ALWAYS,
	  NG_KERNEL },
	{ UINT64_C(0xc000000000000000), "sw-high", "for software", NULL, 0, NG_KERNEL },
	{ 0 },
};

static const struct pw_bits empty_bits[] = {
	{ 0x3, "type", "of the entry", upper_type_names, PW_SHOW_ALWAYS },
	{ 0 },
};

/* ---- arm LPAE ---- */

static const struct pw_bits lpae_leaf_bits[] = {
	{ 0x1c, "AttrIndx", "index into MAIR: memory type", NULL, PW_SHOW_ALWAYS },
	{ BIT(5), "NS", "non-secure" },
	{ 0xc0, "AP", "who may access it", ap_names, PW_SHOW_ALWAYS },
	{ 0x300, "SH", "shareability", share_names },
	{ BIT(10), "AF", "accessed" },
	{ BIT(11), "nG", "not global: belongs to one ASID" },
	{ UINT64_C(0x000000fffffff000), "address", "of the page", NULL, PW_SHOW_ADDRESS },
	{ UINT64_C(0x000fff0000000000), "reserved", "has to be zero" },
	{ BIT(52), "Cont", "contiguous: one of 16 that map one larger page" },
	{ BIT(53), "PXN", "the kernel may not execute it" },
	{ BIT(54), "XN", "may not be executed" },
	{ BIT(55), "dirty", "Linux: written to" },
	{ BIT(56), "special", "Linux: no struct page behind it" },
	{ BIT(57), "none", "Linux: nobody may use it" },
	{ BIT(58), "rdonly", "Linux: may not be written" },
	{ UINT64_C(0xf8) << 56, "ignored-high", "ignored" },
	{ 0 },
};

static const struct pw_bits lpae_page_bits[] = {
	{ 0x3, "type", "of the entry", page_type_names, PW_SHOW_ALWAYS },
	{ .more = lpae_leaf_bits },
};

static const struct pw_bits lpae_block_bits[] = {
	{ 0x3, "type", "of the entry", upper_type_names, PW_SHOW_ALWAYS },
	{ .more = lpae_leaf_bits },
};

static const struct pw_bits lpae_table_bits[] = {
	{ 0x3, "type", "of the entry", upper_type_names, PW_SHOW_ALWAYS },
	{ UINT64_C(3) << 61, "APTable", "what is refused below", ap_table_names },
	{ BIT(60), "XNTable", "nothing below may be executed" },
	{ BIT(59), "PXNTable", "the kernel may execute nothing below" },
	{ BIT(63), "NSTable", "non-secure below" },
	{ 0xffc, "ignored", "ignored" },
	{ UINT64_C(0x000000fffffff000), "address", "of the next table", NULL, PW_SHOW_ADDRESS },
	{ UINT64_C(0x07ffff0000000000), "ignored-high", "ignored" },
	{ 0 },
};

static const struct pw_bits lpae_swap_bits[] = {
	{ 0x3, "type", "of the entry", page_type_names, PW_SHOW_ALWAYS },
	{ 0x7c, "swap-type", "which swap file, or what else", NULL, PW_SHOW_ALWAYS },
	{ BIT(7), "exclusive", "Linux: the page is this process's alone" },
	{ UINT64_C(0xffffff00), "offset", "in the swap file", NULL, PW_SHOW_ALWAYS },
	{ UINT64_C(0xffffffff00000000), "sw-high", "for software" },
	{ 0 },
};

/* ---- arm, short descriptors ---- */

/* AP[1:0]; APX, which takes writing away, is a word of its own. */
static const char *const short_ap_names[] = { "none", "kernel-rw", "user-ro", "rw", NULL };
static const char *const short_type_names[] = { "fault", "table", "section", "section-PXN", NULL };
static const char *const short_page_names[] = { "fault", "large", "small", "small-XN", NULL };
/* L_PTE_MT_*: pgtable-2level.h. */
static const char *const mt_names[] = { "uncached",      "bufferable", "writethrough",
					"writeback",     "dev-shared", "5",
					"minicache",     "writealloc", "8",
					"dev-wc",        "10",         "dev-cached",
					"dev-nonshared", "13",         "14",
					"vectors",       NULL };

static const struct pw_bits short_table_bits[] = {
	{ 0x3, "type", "of the entry", short_type_names, PW_SHOW_ALWAYS },
	{ BIT(2), "PXN", "the kernel may execute nothing below" },
	{ BIT(3), "NS", "non-secure" },
	{ BIT(4), "bit4", "ignored" },
	{ 0x1e0, "domain", "index into DACR", NULL, PW_SHOW_ALWAYS },
	{ BIT(9), "imp", "implementation defined" },
	{ 0xfffffc00, "address", "of the page table", NULL, PW_SHOW_ADDRESS },
	{ 0 },
};

static const struct pw_bits section_bits[] = {
	{ 0x3, "type", "of the entry", short_type_names, PW_SHOW_ALWAYS },
	{ BIT(2), "B", "with C and TEX: memory type" },
	{ BIT(3), "C", "with B and TEX: memory type" },
	{ BIT(4), "XN", "may not be executed" },
	{ 0x1e0, "domain", "index into DACR", NULL, PW_SHOW_ALWAYS },
	{ BIT(9), "imp", "implementation defined" },
	{ 0xc00, "AP", "who may access it", short_ap_names, PW_SHOW_ALWAYS },
	{ 0x7000, "TEX", "with C and B: memory type" },
	{ BIT(15), "APX", "may not be written" },
	{ BIT(16), "S", "shareable" },
	{ BIT(17), "nG", "not global: belongs to one ASID" },
	{ BIT(18), "super", "a supersection" },
	{ BIT(19), "NS", "non-secure" },
	{ 0xfff00000, "address", "of the section", NULL, PW_SHOW_ADDRESS },
	{ 0 },
};

static const struct pw_bits super_bits[] = {
	{ 0x3, "type", "of the entry", short_type_names, PW_SHOW_ALWAYS },
	{ BIT(2), "B", "with C and TEX: memory type" },
	{ BIT(3), "C", "with B and TEX: memory type" },
	{ BIT(4), "XN", "may not be executed" },
	{ 0x1e0, "address-top", "bits 39:36", NULL, PW_SHOW_ADDRESS },
	{ BIT(9), "imp", "implementation defined" },
	{ 0xc00, "AP", "who may access it", short_ap_names, PW_SHOW_ALWAYS },
	{ 0x7000, "TEX", "with C and B: memory type" },
	{ BIT(15), "APX", "may not be written" },
	{ BIT(16), "S", "shareable" },
	{ BIT(17), "nG", "not global: belongs to one ASID" },
	{ BIT(18), "super", "a supersection: 16 entries map 16 MiB" },
	{ BIT(19), "NS", "non-secure" },
	{ 0xf00000, "address-high", "bits 35:32", NULL, PW_SHOW_ADDRESS },
	{ 0xff000000, "address", "of the supersection", NULL, PW_SHOW_ADDRESS },
	{ 0 },
};

static const struct pw_bits small_bits[] = {
	{ 0x3, "type", "of the entry", short_page_names, PW_SHOW_ALWAYS },
	{ BIT(2), "B", "with C and TEX: memory type" },
	{ BIT(3), "C", "with B and TEX: memory type" },
	{ 0x30, "AP", "who may access it", short_ap_names, PW_SHOW_ALWAYS },
	{ 0x1c0, "TEX", "with C and B: memory type" },
	{ BIT(9), "APX", "may not be written" },
	{ BIT(10), "S", "shareable" },
	{ BIT(11), "nG", "not global: belongs to one ASID" },
	{ 0xfffff000, "address", "of the page", NULL, PW_SHOW_ADDRESS },
	{ 0 },
};

static const struct pw_bits large_bits[] = {
	{ 0x3, "type", "of the entry", short_page_names, PW_SHOW_ALWAYS },
	{ BIT(2), "B", "with C and TEX: memory type" },
	{ BIT(3), "C", "with B and TEX: memory type" },
	{ 0x30, "AP", "who may access it", short_ap_names, PW_SHOW_ALWAYS },
	{ 0x1c0, "reserved", "has to be zero" },
	{ BIT(9), "APX", "may not be written" },
	{ BIT(10), "S", "shareable" },
	{ BIT(11), "nG", "not global: belongs to one ASID" },
	{ 0x7000, "TEX", "with C and B: memory type" },
	{ BIT(15), "XN", "may not be executed" },
	{ 0xffff0000, "address", "of the page; 16 entries map 64 KiB", NULL, PW_SHOW_ADDRESS },
	{ 0 },
};

/* Linux's own PTE, which the hardware never sees. */
static const struct pw_bits linux_page_bits[] = {
	{ BIT(0), "present", "present" },
	{ BIT(1), "young", "accessed; else the hardware's PTE is 0" },
	{ 0x3c, "mt", "memory type", mt_names, PW_SHOW_ALWAYS },
	{ BIT(6), "dirty", "written to; else the hardware's PTE is read-only" },
	{ BIT(7), "rdonly", "may not be written" },
	{ BIT(8), "user", "user mode may access it" },
	{ BIT(9), "xn", "may not be executed" },
	{ BIT(10), "shared", "shareable" },
	{ BIT(11), "none", "nobody may use it" },
	{ 0xfffff000, "address", "of the page", NULL, PW_SHOW_ADDRESS },
	{ 0 },
};

static const struct pw_bits linux_swap_bits[] = {
	{ 0x3, "present", "clear in swap entries", NULL, PW_SHOW_ALWAYS },
	{ 0x7c, "type", "which swap file, or what else", NULL, PW_SHOW_ALWAYS },
	{ BIT(7), "exclusive", "the page is this process's alone" },
	{ 0xffffff00, "offset", "in the swap file", NULL, PW_SHOW_ALWAYS },
	{ 0 },
};

static const struct pw_bits linux_empty_bits[] = {
	{ BIT(0), "present", "present", NULL, PW_SHOW_ALWAYS },
	{ 0 },
};

static const struct pw_bits short_empty_bits[] = {
	{ 0x3, "type", "of the entry", short_page_names, PW_SHOW_ALWAYS },
	{ 0 },
};

enum { LEAF_OR_PROT_NONE = PW_BITS_LEAF | PW_BITS_PROT_NONE };

const struct pw_bits_of pw_bits_arm[] = {
	{ "arm64_4k_52", ANY, PW_BITS_TABLE, table_lpa2_bits },
	{ "arm64_16k_52", ANY, PW_BITS_TABLE, table_lpa2_bits },
	{ "arm64_64k_52", ANY, PW_BITS_TABLE, table_lpa_bits },
	{ "arm64*", ANY, PW_BITS_TABLE, table_bits },
	{ "arm64_4k_52", 1 << 0, LEAF_OR_PROT_NONE, page_lpa2_bits },
	{ "arm64_16k_52", 1 << 0, LEAF_OR_PROT_NONE, page_lpa2_bits },
	{ "arm64_64k_52", 1 << 0, LEAF_OR_PROT_NONE, page_lpa_bits },
	{ "arm64*", 1 << 0, LEAF_OR_PROT_NONE, page_bits },
	{ "arm64_4k_52", 0xfe, LEAF_OR_PROT_NONE, block_lpa2_bits },
	{ "arm64_16k_52", 0xfe, LEAF_OR_PROT_NONE, block_lpa2_bits },
	{ "arm64_64k_52", 0xfe, LEAF_OR_PROT_NONE, block_lpa_bits },
	{ "arm64*", 0xfe, LEAF_OR_PROT_NONE, block_bits },
	{ "arm64*", ANY, PW_BITS_SWAP, swap_bits },
	{ "arm64*", ANY, PW_BITS_EMPTY, empty_bits },
	{ "arm_lpae", ANY, PW_BITS_TABLE, lpae_table_bits },
	{ "arm_lpae", 1 << 0, LEAF_OR_PROT_NONE, lpae_page_bits },
	{ "arm_lpae", 0xfe, LEAF_OR_PROT_NONE, lpae_block_bits },
	{ "arm_lpae", ANY, PW_BITS_SWAP, lpae_swap_bits },
	{ "arm_lpae", ANY, PW_BITS_EMPTY, empty_bits },
	{ "arm", 1 << 1, PW_BITS_TABLE, short_table_bits, 0x3, 0x1 },
	{ "arm", 1 << 1, ANY, super_bits, 0x40002, 0x40002 },
	{ "arm", 1 << 1, ANY, section_bits, 0x2, 0x2 },
	{ "arm", 1 << 0, LEAF_OR_PROT_NONE, linux_page_bits, .views = LINUX },
	{ "arm", 1 << 0, PW_BITS_SWAP, linux_swap_bits, .views = LINUX },
	{ "arm", 1 << 0, PW_BITS_EMPTY, linux_empty_bits, .views = LINUX },
	{ "arm", 1 << 0, ANY, small_bits, 0x2, 0x2, HARDWARE },
	{ "arm", 1 << 0, ANY, large_bits, 0x3, 0x1, HARDWARE },
	{ "arm", ANY, ANY, short_empty_bits },
	{ 0 },
};
