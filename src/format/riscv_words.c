/* SPDX-License-Identifier: MIT */
/*
 * Words for riscv.
 * RISC-V Privileged Specification, "Supervisor-Level ISA"; Linux arch/riscv/include/asm/pgtable*.h.
 */
#include "format/riscv.h"

#include <stdio.h>
#include <string.h>

#include "format/riscv32.h"
#include "format/riscv_folds.h"
#include "format/words.h"

/* Most fields have a mask, a name and a meaning; the rest is zero, and not worth a column. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

enum {
	ANY = 0xff,
	EXCLUSIVE = 0x0603, /* swap entries gained a bit */
};

static const char *const pbmt_names[] = { "PMA", "NC", "IO", "reserved", NULL };

static const struct pw_bits page_or_table_bits[] = {
	{ PW_BIT(0), "V", "valid", NULL, PW_SHOW_ALWAYS },
	{ PW_BIT(1), "R", "may be read" },
	{ PW_BIT(2), "W", "may be written" },
	{ PW_BIT(3), "X", "may be executed" },
	{ PW_BIT(4), "U", "user mode may access it" },
	{ PW_BIT(5), "G", "global: in all address spaces" },
	{ PW_BIT(6), "A", "accessed" },
	{ PW_BIT(7), "D", "dirty: written to" },
	{ PW_BIT(8), "special", "Linux: no struct page behind it" },
	{ PW_BIT(9), "sw9", "for software" },
	{ UINT64_C(0x003ffffffffffc00), "PPN", "number of the page or table", NULL,
	  PW_SHOW_ADDRESS },
	{ UINT64_C(0x1f) << 54, "reserved", "has to be zero" },
	{ PW_BIT(59), "sw59", "Svrsw60t59b: for software, else reserved" },
	{ PW_BIT(60), "sw60", "Svrsw60t59b: for software, else reserved" },
	{ UINT64_C(3) << 61, "PBMT", "memory type (Svpbmt)", pbmt_names },
	{ PW_BIT(63), "N", "one of a naturally aligned group (Svnapot)" },
	{ 0 },
};

/* If V is clear, G marks PROT_NONE. */
static const struct pw_bits prot_none_bits[] = {
	{ PW_BIT(0), "V", "valid", NULL, PW_SHOW_ALWAYS },
	{ PW_BIT(1), "R", "was readable" },
	{ PW_BIT(2), "W", "was writable" },
	{ PW_BIT(3), "X", "was executable" },
	{ PW_BIT(4), "U", "was for user mode" },
	{ PW_BIT(5), "prot-none", "Linux: present, nobody may use it" },
	{ PW_BIT(6), "A", "accessed" },
	{ PW_BIT(7), "D", "dirty" },
	{ PW_BIT(8), "special", "Linux: no struct page behind it" },
	{ PW_BIT(9), "sw9", "for software" },
	{ UINT64_C(0x003ffffffffffc00), "PPN", "number of the page", NULL, PW_SHOW_ADDRESS },
	{ UINT64_C(0x3ff) << 54, "sw-high", "kept" },
	{ 0 },
};

static const struct pw_bits swap_bits[] = {
	{ PW_BIT(0), "V", "valid", NULL, PW_SHOW_ALWAYS },
	{ 0x1e, "sw", "for software" },
	{ PW_BIT(5), "prot-none", "clear in swap entries" },
	{ 0x7c0, "type", "swap file, or another kind of entry", NULL, PW_SHOW_ALWAYS, 0,
	  EXCLUSIVE },
	{ UINT64_C(0xfffffffffffff800), "offset", "in the swap file", NULL, PW_SHOW_ALWAYS, 0,
	  EXCLUSIVE },
	{ PW_BIT(6), "exclusive", "Linux: the page is this process's alone", NULL, 0, EXCLUSIVE },
	{ 0xf80, "type", "swap file, or another kind of entry", NULL, PW_SHOW_ALWAYS, EXCLUSIVE },
	{ UINT64_C(0xfffffffffffff000), "offset", "in the swap file", NULL, PW_SHOW_ALWAYS,
	  EXCLUSIVE },
	{ 0 },
};

static const struct pw_bits empty_bits[] = {
	{ PW_BIT(0), "V", "valid", NULL, PW_SHOW_ALWAYS },
	{ 0 },
};

static const struct pw_bits_of entries[] = {
	{ ANY, PW_BITS_TABLE | PW_BITS_LEAF, page_or_table_bits },
	{ ANY, PW_BITS_PROT_NONE, prot_none_bits },
	{ ANY, PW_BITS_SWAP, swap_bits },
	{ ANY, PW_BITS_EMPTY, empty_bits },
	{ 0 },
};

static const struct fold_style *const folds_sv32[] = { &fold_riscv_sv32, NULL };

static const struct fold_style *const folds_sv39[] = { &fold_riscv_sv39, NULL };

static const struct fold_style *const folds_sv48[] = { &fold_riscv_sv48, NULL };

static const struct fold_style *const folds_sv57[] = { &fold_riscv_sv57, NULL };

static void mode(const struct pw_regime *regime, char *text, size_t bytes)
{
	const struct pw_format *f = regime->format;

	snprintf(text, bytes, "satp.MODE says %s, which has %u tables", f->name + strlen("riscv_"),
		 f->levels);
}

/* Privileged specification, 12.1.2. */
static const struct pw_vectors stvec = { .name = "stvec", .kind = PW_VECTORS_CODE };

/*
 * No .memory_types: physical memory attributes, which are not in the tables, tell memory from devices (privileged
 * specification, 3.6). An entry says more only with Svpbmt.
 */
const struct pw_words pw_words_riscv_sv32 = {
	.machines = "riscv64 riscv32",
	.vectors = &stvec,
	.entries = entries,
	.folds = folds_sv32,
	.folded = mode,
};

const struct pw_words pw_words_riscv_sv39 = {
	.machines = "riscv64 riscv32",
	.vectors = &stvec,
	.entries = entries,
	.folds = folds_sv39,
	.folded = mode,
};

const struct pw_words pw_words_riscv_sv48 = {
	.machines = "riscv64 riscv32",
	.vectors = &stvec,
	.entries = entries,
	.folds = folds_sv48,
	.folded = mode,
};

const struct pw_words pw_words_riscv_sv57 = {
	.machines = "riscv64 riscv32",
	.vectors = &stvec,
	.entries = entries,
	.folds = folds_sv57,
	.folded = mode,
};
