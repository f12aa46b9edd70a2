/* SPDX-License-Identifier: MIT */
/*
 * Words for s390x and powerpc64 radix.
 * z/Architecture Principles of Operation (SA22-7832) chapter 3, where bits are counted from the
 * other end; Linux arch/s390/include/asm/pgtable.h. Power ISA 3.0B Book III 5.7.10; Linux
 * arch/powerpc/include/asm/book3s/64/pgtable.h.
 */
#include "view/flags.h"

/* Most fields have a mask, a name and a meaning; the rest is zero, and not worth a column. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

#define BIT(n) (UINT64_C(1) << (n))

enum {
	ANY = 0xff,
	/* s390: large pages got a present bit, and read and write moved. */
	PRESENT_BIT = 0x060d,
};

static const char *const type_names[] = { "segment", "R3", "R2", "R1", NULL };

/* Regions: level 2 and above. */
static const struct pw_bits region_bits[] = {
	{ 0x20, "I", "invalid" },
	{ 0x0c, "TT", "table type: what table this is an entry of", type_names, PW_SHOW_ALWAYS },
	{ 0xc0, "TF", "first quarter of the next table that exists", NULL, PW_SHOW_ALWAYS },
	{ 0x03, "TL", "last quarter of the next table that exists", NULL, PW_SHOW_ALWAYS },
	{ 0x10, "CR", "common region" },
	{ 0x100, "IEP", "execution is refused (of a leaf)" },
	{ 0x200, "P", "protected: nothing below may be written" },
	{ 0x400, "FC", "format control: a leaf of 2 GiB" },
	{ 0x800, "sw", "for software" },
	{ UINT64_C(0xfffffffffffff000), "origin", "of the next table", NULL, PW_SHOW_ADDRESS },
	{ 0 },
};

static const struct pw_bits segment_bits[] = {
	{ 0x20, "I", "invalid" },
	{ 0x0c, "TT", "table type: what table this is an entry of", type_names, PW_SHOW_ALWAYS },
	{ 0x10, "CS", "common segment" },
	{ 0x01, "sw0", "for software", NULL, 0, 0, PRESENT_BIT },
	{ 0x01, "present", "Linux: present", NULL, 0, PRESENT_BIT },
	{ 0x02, "sw1", "for software" },
	{ 0xc0, "sw", "for software" },
	{ 0x100, "IEP", "execution is refused (of a leaf)" },
	{ 0x200, "P", "protected: nothing below may be written" },
	{ 0x400, "FC", "format control: a leaf of 1 MiB" },
	{ UINT64_C(0xfffffffffffff800), "origin", "of the page table", NULL, PW_SHOW_ADDRESS },
	{ 0 },
};

static const struct pw_bits segment_leaf_bits[] = {
	{ 0x20, "I", "invalid: empty, or old if Linux has a page here" },
	{ 0x0c, "TT", "table type: what table this is an entry of", type_names, PW_SHOW_ALWAYS },
	{ 0x10, "CS", "common segment" },
	{ 0x400, "FC", "format control: a leaf of 1 MiB" },
	{ 0x200, "P", "protected: may not be written" },
	{ 0x100, "IEP", "may not be executed" },
	{ 0x800, "F", "fetch protection" },
	{ 0x10000, "AV", "ACC and F are valid" },
	{ 0x01, "read", "Linux: may be read", NULL, 0, 0, PRESENT_BIT },
	{ 0x02, "write", "Linux: may be written", NULL, 0, 0, PRESENT_BIT },
	{ 0x4000, "soft-dirty", "Linux: written to since clear_refs", NULL, 0, 0, PRESENT_BIT },
	{ 0x8000, "sw15", "for software", NULL, 0, 0, PRESENT_BIT },
	{ 0x01, "present", "Linux: present", NULL, 0, PRESENT_BIT },
	{ 0x02, "soft-dirty", "Linux: written to since clear_refs", NULL, 0, PRESENT_BIT },
	{ 0x4000, "read", "Linux: may be read", NULL, 0, PRESENT_BIT },
	{ 0x8000, "write", "Linux: may be written", NULL, 0, PRESENT_BIT },
	{ 0x2000, "dirty", "Linux: written to" },
	{ 0x1000, "young", "Linux: accessed" },
	{ 0xc0, "sw", "for software" },
	{ 0xe0000, "sw-high", "ignored" },
	{ UINT64_C(0xfffffffffff00000), "address", "of the page", NULL, PW_SHOW_ADDRESS },
	{ 0 },
};

static const struct pw_bits region_leaf_bits[] = {
	{ 0x20, "I", "invalid: empty, or old if Linux has a page here" },
	{ 0x0c, "TT", "table type: what table this is an entry of", type_names, PW_SHOW_ALWAYS },
	{ 0x10, "CR", "common region" },
	{ 0x400, "FC", "format control: a leaf of 2 GiB" },
	{ 0x200, "P", "protected: may not be written" },
	{ 0x100, "IEP", "may not be executed" },
	{ 0x800, "F", "fetch protection" },
	{ 0x10000, "AV", "ACC and F are valid" },
	{ 0x01, "write", "Linux: may be written", NULL, 0, 0, PRESENT_BIT },
	{ 0x02, "read", "Linux: may be read", NULL, 0, 0, PRESENT_BIT },
	{ 0x4000, "soft-dirty", "Linux: written to since clear_refs", NULL, 0, 0, PRESENT_BIT },
	{ 0x8000, "sw15", "for software", NULL, 0, 0, PRESENT_BIT },
	{ 0x01, "present", "Linux: present", NULL, 0, PRESENT_BIT },
	{ 0x02, "soft-dirty", "Linux: written to since clear_refs", NULL, 0, PRESENT_BIT },
	{ 0x4000, "read", "Linux: may be read", NULL, 0, PRESENT_BIT },
	{ 0x8000, "write", "Linux: may be written", NULL, 0, PRESENT_BIT },
	{ 0x2000, "dirty", "Linux: written to" },
	{ 0x1000, "young", "Linux: accessed" },
	{ 0xc0, "sw", "for software" },
	{ 0x7ffe0000, "sw-high", "ignored" },
	{ UINT64_C(0xffffffff80000000), "address", "of the page", NULL, PW_SHOW_ADDRESS },
	{ 0 },
};

/* An old page has I set, too; Linux clears it when the page is next accessed. */
static const struct pw_bits page_bits[] = {
	{ 0x400, "I", "invalid: empty, or old if Linux has a page here" },
	{ 0x200, "P", "protected: may not be written" },
	{ 0x100, "IEP", "may not be executed" },
	{ 0x800, "Z", "has to be zero" },
	{ 0x01, "present", "Linux: present" },
	{ 0x10, "read", "Linux: may be read" },
	{ 0x20, "write", "Linux: may be written" },
	{ 0x08, "dirty", "Linux: written to" },
	{ 0x04, "young", "Linux: accessed" },
	{ 0x02, "soft-dirty", "Linux: written to since clear_refs" },
	{ 0x40, "special", "Linux: no struct page behind it" },
	{ 0x80, "unused", "Linux, KVM: the guest does not use the page" },
	{ UINT64_C(0xfffffffffffff000), "address", "of the page", NULL, PW_SHOW_ADDRESS },
	{ 0 },
};

static const struct pw_bits swap_bits[] = {
	{ 0x400, "I", "invalid" },
	{ 0x200, "P", "protected: with I and not present, a swap entry" },
	{ 0x100, "IEP", "may not be executed" },
	{ 0x7c, "type", "which swap file, or what else", NULL, PW_SHOW_ALWAYS },
	{ 0x800, "exclusive", "Linux: the page is this process's alone" },
	{ 0x3, "sw", "for software" },
	{ 0x80, "sw7", "for software" },
	{ UINT64_C(0xfffffffffffff000), "offset", "in the swap file", NULL, PW_SHOW_ALWAYS },
	{ 0 },
};

static const struct pw_bits large_swap_bits[] = {
	{ 0x20, "I", "invalid" },
	{ 0x0c, "TT", "table type: what table this is an entry of", type_names, PW_SHOW_ALWAYS },
	{ 0x10, "common", "with I and not present, a swap entry" },
	{ 0x7c0, "type", "which swap file, or what else", NULL, PW_SHOW_ALWAYS },
	{ 0x3, "sw", "for software" },
	{ 0x800, "sw11", "for software" },
	{ UINT64_C(0xfffffffffffff000), "offset", "in the swap file", NULL, PW_SHOW_ALWAYS },
	{ 0 },
};

static const struct pw_bits empty_bits[] = {
	{ 0x400, "I", "invalid" },
	{ 0 },
};

static const struct pw_bits upper_empty_bits[] = {
	{ 0x20, "I", "invalid" },
	{ 0x0c, "TT", "table type: what table this is an entry of", type_names, PW_SHOW_ALWAYS },
	{ 0 },
};

/* ---- powerpc64 ---- */

static const char *const att_names[] = { "normal", "SAO", "non-idempotent", "tolerant", NULL };

static const struct pw_bits radix_table_bits[] = {
	{ BIT(63), "V", "valid", NULL, PW_SHOW_ALWAYS },
	{ BIT(62), "L", "leaf" },
	{ BIT(61), "invalid", "Linux: valid for Linux while V is clear" },
	{ BIT(60), "reserved", "ignored" },
	{ 0x1f, "NLS", "log2 of the entries of the next table", NULL, PW_SHOW_ALWAYS },
	{ 0xe0, "reserved-low", "ignored" },
	{ UINT64_C(0x0fffffffffffff00), "NLB", "address of the next table", NULL, PW_SHOW_ADDRESS },
	{ 0 },
};

static const struct pw_bits radix_page_bits[] = {
	{ BIT(63), "V", "valid", NULL, PW_SHOW_ALWAYS },
	{ BIT(62), "L", "leaf" },
	{ BIT(61), "invalid", "Linux: valid for Linux while V is clear" },
	{ BIT(8), "R", "referenced" },
	{ BIT(7), "C", "changed" },
	{ 0x30, "ATT", "how the memory is accessed", att_names },
	{ BIT(3), "PRIV", "privileged: not for user mode" },
	{ BIT(2), "READ", "may be read" },
	{ BIT(1), "WRITE", "may be written, and read" },
	{ BIT(0), "EXEC", "may be executed" },
	{ BIT(6), "reserved", "ignored" },
	{ BIT(9), "soft-dirty", "Linux: written to since clear_refs" },
	{ BIT(10), "special", "Linux: no struct page behind it" },
	{ BIT(11), "sw11", "for software" },
	{ UINT64_C(0x01fffffffffff000), "RPN", "address of the page", NULL, PW_SHOW_ADDRESS },
	{ UINT64_C(0x0e00000000000000), "reserved-high", "ignored" },
	{ BIT(60), "sw60", "for software" },
	{ 0 },
};

static const struct pw_bits radix_swap_bits[] = {
	{ BIT(63), "V", "valid", NULL, PW_SHOW_ALWAYS },
	{ BIT(62), "L", "with V clear, a swap entry" },
	{ BIT(61), "sw61", "for software" },
	{ 0x1f, "type", "which swap file, or what else", NULL, PW_SHOW_ALWAYS },
	{ 0x20, "exclusive", "Linux: the page is this process's alone" },
	{ 0x200, "soft-dirty", "Linux: written to since clear_refs" },
	{ 0x1c0, "sw", "for software" },
	{ 0xc00, "sw10", "for software" },
	{ UINT64_C(0x01fffffffffff000), "offset", "in the swap file", NULL, PW_SHOW_ALWAYS },
	{ UINT64_C(0x1e00000000000000), "sw-high", "for software" },
	{ 0 },
};

static const struct pw_bits radix_empty_bits[] = {
	{ BIT(63), "V", "valid", NULL, PW_SHOW_ALWAYS },
	{ BIT(8), "R", "referenced" },
	{ BIT(7), "C", "changed" },
	{ 0 },
};

const struct pw_bits_of pw_bits_ibm[] = {
	{ "s390x", 1 << 0, PW_BITS_LEAF | PW_BITS_PROT_NONE, page_bits },
	{ "s390x", 1 << 0, PW_BITS_SWAP, swap_bits },
	{ "s390x", 1 << 0, PW_BITS_EMPTY, empty_bits },
	{ "s390x", 1 << 1, PW_BITS_LEAF | PW_BITS_PROT_NONE, segment_leaf_bits, 0x400, 0x400 },
	{ "s390x", 1 << 2, PW_BITS_LEAF | PW_BITS_PROT_NONE, region_leaf_bits, 0x400, 0x400 },
	{ "s390x", 1 << 1, PW_BITS_TABLE, segment_bits },
	{ "s390x", 0xfc, PW_BITS_TABLE, region_bits },
	{ "s390x", 0x6, PW_BITS_SWAP, large_swap_bits },
	{ "s390x", 0xfe, PW_BITS_EMPTY, upper_empty_bits },
	{ "ppc64_radix*", ANY, PW_BITS_TABLE, radix_table_bits },
	{ "ppc64_radix*", 1 << 0, PW_BITS_LEAF | PW_BITS_PROT_NONE, radix_page_bits },
	{ "ppc64_radix*", 0xfe, PW_BITS_LEAF | PW_BITS_PROT_NONE, radix_page_bits, BIT(62),
	  BIT(62) },
	{ "ppc64_radix*", ANY, PW_BITS_SWAP, radix_swap_bits },
	{ "ppc64_radix*", ANY, PW_BITS_EMPTY, radix_empty_bits },
	{ 0 },
};
