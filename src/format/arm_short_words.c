/* SPDX-License-Identifier: MIT */
/*
 * Words for arm with short descriptors.
 * Arm ARM DDI0406C B3.5; Linux arch/arm/include/asm/pgtable-2level.h.
 */
#include "format/arm_short.h"

#include "format/arm_folds.h"
#include "format/words.h"

/* Most fields have a mask, a name and a meaning; the rest is zero, and not worth a column. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

enum {
	ANY = 0xff,
	HARDWARE = 1 << PW_VIEW_HARDWARE,
	LINUX = 1 << PW_VIEW_LINUX,
	LEAF_OR_PROT_NONE = PW_BITS_LEAF | PW_BITS_PROT_NONE,
};

/* AP[1:0]. APX, which takes the right to write away, is a separate word. */
static const char *const ap_names[] = { "none", "kernel-rw", "user-ro", "rw", NULL };
static const char *const type_names[] = { "fault", "table", "section", "section-PXN", NULL };
static const char *const page_names[] = { "fault", "large", "small", "small-XN", NULL };
/* L_PTE_MT_*: pgtable-2level.h. */
static const char *const mt_names[] = { "uncached",      "bufferable", "writethrough",
					"writeback",     "dev-shared", "5",
					"minicache",     "writealloc", "8",
					"dev-wc",        "10",         "dev-cached",
					"dev-nonshared", "13",         "14",
					"vectors",       NULL };

static const struct pw_bits table_bits[] = {
	{ 0x3, "type", "of the entry", type_names, PW_SHOW_ALWAYS },
	{ PW_BIT(2), "PXN", "the kernel may execute nothing below" },
	{ PW_BIT(3), "NS", "non-secure" },
	{ PW_BIT(4), "bit4", "ignored" },
	{ 0x1e0, "domain", "index into DACR", NULL, PW_SHOW_ALWAYS },
	{ PW_BIT(9), "imp", "implementation defined" },
	{ 0xfffffc00, "address", "of the page table", NULL, PW_SHOW_ADDRESS },
	{ 0 },
};

static const struct pw_bits section_bits[] = {
	{ 0x3, "type", "of the entry", type_names, PW_SHOW_ALWAYS },
	{ PW_BIT(2), "B", "with C and TEX: memory type" },
	{ PW_BIT(3), "C", "with B and TEX: memory type" },
	{ PW_BIT(4), "XN", "may not be executed" },
	{ 0x1e0, "domain", "index into DACR", NULL, PW_SHOW_ALWAYS },
	{ PW_BIT(9), "imp", "implementation defined" },
	{ 0xc00, "AP", "who may access it", ap_names, PW_SHOW_ALWAYS },
	{ 0x7000, "TEX", "with C and B: memory type" },
	{ PW_BIT(15), "APX", "may not be written" },
	{ PW_BIT(16), "S", "shareable" },
	{ PW_BIT(17), "nG", "not global: belongs to one ASID" },
	{ PW_BIT(18), "super", "a supersection" },
	{ PW_BIT(19), "NS", "non-secure" },
	{ 0xfff00000, "address", "of the section", NULL, PW_SHOW_ADDRESS },
	{ 0 },
};

static const struct pw_bits super_bits[] = {
	{ 0x3, "type", "of the entry", type_names, PW_SHOW_ALWAYS },
	{ PW_BIT(2), "B", "with C and TEX: memory type" },
	{ PW_BIT(3), "C", "with B and TEX: memory type" },
	{ PW_BIT(4), "XN", "may not be executed" },
	{ 0x1e0, "address-top", "bits 39:36", NULL, PW_SHOW_ADDRESS },
	{ PW_BIT(9), "imp", "implementation defined" },
	{ 0xc00, "AP", "who may access it", ap_names, PW_SHOW_ALWAYS },
	{ 0x7000, "TEX", "with C and B: memory type" },
	{ PW_BIT(15), "APX", "may not be written" },
	{ PW_BIT(16), "S", "shareable" },
	{ PW_BIT(17), "nG", "not global: belongs to one ASID" },
	{ PW_BIT(18), "super", "a supersection: 16 entries map 16 MiB" },
	{ PW_BIT(19), "NS", "non-secure" },
	{ 0xf00000, "address-high", "bits 35:32", NULL, PW_SHOW_ADDRESS },
	{ 0xff000000, "address", "of the supersection", NULL, PW_SHOW_ADDRESS },
	{ 0 },
};

static const struct pw_bits small_bits[] = {
	{ 0x3, "type", "of the entry", page_names, PW_SHOW_ALWAYS },
	{ PW_BIT(2), "B", "with C and TEX: memory type" },
	{ PW_BIT(3), "C", "with B and TEX: memory type" },
	{ 0x30, "AP", "who may access it", ap_names, PW_SHOW_ALWAYS },
	{ 0x1c0, "TEX", "with C and B: memory type" },
	{ PW_BIT(9), "APX", "may not be written" },
	{ PW_BIT(10), "S", "shareable" },
	{ PW_BIT(11), "nG", "not global: belongs to one ASID" },
	{ 0xfffff000, "address", "of the page", NULL, PW_SHOW_ADDRESS },
	{ 0 },
};

static const struct pw_bits large_bits[] = {
	{ 0x3, "type", "of the entry", page_names, PW_SHOW_ALWAYS },
	{ PW_BIT(2), "B", "with C and TEX: memory type" },
	{ PW_BIT(3), "C", "with B and TEX: memory type" },
	{ 0x30, "AP", "who may access it", ap_names, PW_SHOW_ALWAYS },
	{ 0x1c0, "reserved", "has to be zero" },
	{ PW_BIT(9), "APX", "may not be written" },
	{ PW_BIT(10), "S", "shareable" },
	{ PW_BIT(11), "nG", "not global: belongs to one ASID" },
	{ 0x7000, "TEX", "with C and B: memory type" },
	{ PW_BIT(15), "XN", "may not be executed" },
	{ 0xffff0000, "address", "of the page; 16 entries map 64 KiB", NULL, PW_SHOW_ADDRESS },
	{ 0 },
};

/* Linux's own PTE, which the hardware never sees. */
static const struct pw_bits linux_page_bits[] = {
	{ PW_BIT(0), "present", "present" },
	{ PW_BIT(1), "young", "accessed; else the hardware's PTE is 0" },
	{ 0x3c, "mt", "memory type", mt_names, PW_SHOW_ALWAYS },
	{ PW_BIT(6), "dirty", "written to; else the hardware's PTE is read-only" },
	{ PW_BIT(7), "rdonly", "may not be written" },
	{ PW_BIT(8), "user", "user mode may access it" },
	{ PW_BIT(9), "xn", "may not be executed" },
	{ PW_BIT(10), "shared", "shareable" },
	{ PW_BIT(11), "none", "nobody may use it" },
	{ 0xfffff000, "address", "of the page", NULL, PW_SHOW_ADDRESS },
	{ 0 },
};

static const struct pw_bits linux_swap_bits[] = {
	{ 0x3, "present", "clear in swap entries", NULL, PW_SHOW_ALWAYS },
	{ 0x7c, "type", "swap file, or another kind of entry", NULL, PW_SHOW_ALWAYS },
	{ PW_BIT(7), "exclusive", "the page is this process's alone" },
	{ 0xffffff00, "offset", "in the swap file", NULL, PW_SHOW_ALWAYS },
	{ 0 },
};

static const struct pw_bits linux_empty_bits[] = {
	{ PW_BIT(0), "present", "present", NULL, PW_SHOW_ALWAYS },
	{ 0 },
};

static const struct pw_bits empty_bits[] = {
	{ 0x3, "type", "of the entry", page_names, PW_SHOW_ALWAYS },
	{ 0 },
};

static const struct pw_bits_of entries[] = {
	{ 1 << 1, PW_BITS_TABLE, table_bits, 0x3, 0x1 },
	{ 1 << 1, ANY, super_bits, 0x40002, 0x40002 },
	{ 1 << 1, ANY, section_bits, 0x2, 0x2 },
	{ 1 << 0, LEAF_OR_PROT_NONE, linux_page_bits, .views = LINUX },
	{ 1 << 0, PW_BITS_SWAP, linux_swap_bits, .views = LINUX },
	{ 1 << 0, PW_BITS_EMPTY, linux_empty_bits, .views = LINUX },
	{ 1 << 0, ANY, small_bits, 0x2, 0x2, HARDWARE },
	{ 1 << 0, ANY, large_bits, 0x3, 0x1, HARDWARE },
	{ ANY, ANY, empty_bits },
	{ 0 },
};

static const struct fold_style *const folds[] = { &fold_arm, NULL };

/* DDI 0406C B1.8.1. Linux lets user mode read the page, and call what it has there. */
static const struct pw_vectors vbar = { .name = "VBAR", .kind = PW_VECTORS_CODE, .user = true };

const struct pw_words pw_words_arm = {
	.machines = "arm",
	.vectors = &vbar,
	.memory_types = 1 << PW_MEM_NORMAL,
	.registers = PW_REGISTER_TCR,
	.either_order = true,
	.entries = entries,
	.folds = folds,
};
