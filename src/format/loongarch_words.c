/* SPDX-License-Identifier: MIT */
/*
 * Words for LoongArch64.
 * LoongArch Reference Manual volume 1, 5.4; Linux arch/loongarch/include/asm/pgtable-bits.h, pgtable.h.
 */
#include "format/loongarch.h"

#include <inttypes.h>
#include <stdio.h>

#include "format/loongarch_folds.h"
#include "format/words.h"

/* Most fields have a mask, a name and a meaning; the rest is zero, and not worth a column. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

enum {
	ANY = 0xff,
	DIRECTORY = 0xfe,
	PAGE = PW_BITS_LEAF | PW_BITS_PROT_NONE,
	EXCLUSIVE = 0x0603, /* swap entries gained a bit */
};

static const char *const mat_names[] = { "SUC", "CC", "WUC", "reserved", NULL };

static const struct pw_bits table_4k_bits[] = {
	{ 0xfff, "reserved", "has to be zero" },
	{ UINT64_C(0x0000fffffffff000), "address", "of the next table", NULL, PW_SHOW_ADDRESS },
	{ UINT64_C(0xffff) << 48, "window", "ignored; Linux reads the table through it" },
	{ 0 },
};

static const struct pw_bits table_16k_bits[] = {
	{ 0x3fff, "reserved", "has to be zero" },
	{ UINT64_C(0x0000ffffffffc000), "address", "of the next table", NULL, PW_SHOW_ADDRESS },
	{ UINT64_C(0xffff) << 48, "window", "ignored; Linux reads the table through it" },
	{ 0 },
};

/* The high bits, which base pages and huge pages share. */
static const struct pw_bits upper_bits[] = {
	{ UINT64_C(0xfff) << 48, "ignored48", "ignored" },
	{ PW_BIT(60), "splitting", "Linux: a huge page that is being split" },
	{ PW_BIT(61), "NR", "may not be read" },
	{ PW_BIT(62), "NX", "may not be executed" },
	{ PW_BIT(63), "RPLV", "for this PLV alone, not for more privilege" },
	{ 0 },
};

static const struct pw_bits page_bits[] = {
	{ PW_BIT(0), "V", "valid; Linux: accessed", NULL, PW_SHOW_ALWAYS },
	{ PW_BIT(1), "D", "dirty: a write does not trap" },
	{ 0xc, "PLV", "privilege level that may access it; 3: user mode", NULL, PW_SHOW_ALWAYS },
	{ 0x30, "MAT", "memory type", mat_names, PW_SHOW_ALWAYS },
	{ PW_BIT(6), "G", "global: in all address spaces" },
	{ PW_BIT(7), "P", "present: a walk may set V" },
	{ PW_BIT(8), "W", "may be written: a walk may set D" },
	{ PW_BIT(9), "modified", "Linux: written to" },
	{ PW_BIT(10), "prot-none", "Linux: present, nobody may use it" },
	{ PW_BIT(11), "special", "Linux: no struct page behind it" },
	{ UINT64_C(0x0000fffffffff000), "address", "of the page", NULL, PW_SHOW_ADDRESS },
	{ .more = upper_bits },
};

static const struct pw_bits huge_bits[] = {
	{ PW_BIT(0), "V", "valid; Linux: accessed", NULL, PW_SHOW_ALWAYS },
	{ PW_BIT(1), "D", "dirty: a write does not trap" },
	{ 0xc, "PLV", "privilege level that may access it; 3: user mode", NULL, PW_SHOW_ALWAYS },
	{ 0x30, "MAT", "memory type", mat_names, PW_SHOW_ALWAYS },
	{ PW_BIT(6), "H", "huge: a page of this level" },
	{ PW_BIT(7), "P", "present: a walk may set V" },
	{ PW_BIT(8), "W", "may be written: a walk may set D" },
	{ PW_BIT(9), "modified", "Linux: written to" },
	{ PW_BIT(10), "prot-none", "Linux: present, nobody may use it" },
	{ PW_BIT(11), "special", "Linux: no struct page behind it" },
	{ PW_BIT(12), "G", "global: in all address spaces" },
	{ .mask = 0x6000,
	  .name = "level",
	  .meaning = "LDDIR sets it in a register; zero in memory",
	  .malformed = "LDDIR would take it for a page of another level" },
	{ UINT64_C(0x0000ffffffff8000), "address", "of the page", NULL, PW_SHOW_ADDRESS },
	{ .more = upper_bits },
};

static const struct pw_bits swap_bits[] = {
	{ PW_BIT(0), "V", "valid", NULL, PW_SHOW_ALWAYS },
	{ 0x3e, "sw", "clear in swap entries" },
	{ PW_BIT(6), "H", "the entry of a huge page" },
	{ PW_BIT(7), "P", "present: clear in swap entries" },
	{ 0xff00, "sw8", "clear in swap entries" },
	{ 0xff0000, "type", "swap file, or another kind of entry", NULL, PW_SHOW_ALWAYS, 0,
	  EXCLUSIVE },
	{ 0x7f0000, "type", "swap file, or another kind of entry", NULL, PW_SHOW_ALWAYS,
	  EXCLUSIVE },
	{ PW_BIT(23), "exclusive", "Linux: the page is this process's alone", NULL, 0, EXCLUSIVE },
	{ UINT64_C(0xffffffffff000000), "offset", "in the swap file", NULL, PW_SHOW_ALWAYS },
	{ 0 },
};

static const struct pw_bits empty_bits[] = {
	{ PW_BIT(0), "V", "valid", NULL, PW_SHOW_ALWAYS },
	{ PW_BIT(6), "G", "Linux: the page beside this one is global" },
	{ 0 },
};

static const struct pw_bits_of entries_4k[] = {
	{ 1 << 0, PAGE, page_bits },           { DIRECTORY, PAGE, huge_bits, PW_BIT(6), PW_BIT(6) },
	{ ANY, PW_BITS_TABLE, table_4k_bits }, { ANY, PW_BITS_SWAP, swap_bits },
	{ ANY, PW_BITS_EMPTY, empty_bits },    { 0 },
};

static const struct pw_bits_of entries_16k[] = {
	{ 1 << 0, PAGE, page_bits },
	{ DIRECTORY, PAGE, huge_bits, PW_BIT(6), PW_BIT(6) },
	{ ANY, PW_BITS_TABLE, table_16k_bits },
	{ ANY, PW_BITS_SWAP, swap_bits },
	{ ANY, PW_BITS_EMPTY, empty_bits },
	{ 0 },
};

static const struct fold_style *const folds_4k[] = { &fold_loongarch64_4k, NULL };

static const struct fold_style *const folds_16k[] = { &fold_loongarch64_16k, NULL };

static void built(const struct pw_regime *regime, char *text, size_t bytes)
{
	const struct pw_format *f = regime->format;

	snprintf(text, bytes, "Linux built for %uK pages walks through %u tables here (PWCL, PWCH)",
		 1u << (f->shift[0] - 10), f->levels);
}

/* Linux's windows, by bits 63:60: 8 uncached, 9 cached, a write-combining. DMW0 to DMW3 say which exist. */
static bool in_window(const struct pw_regime *regime, pw_va va, char *text, size_t bytes)
{
	if (va >> 60 < 8 || va >> 60 > 10)
		return false;
	snprintf(
		text, bytes,
		"0x%" PRIx64
		" is in a direct-mapped window of Linux (DMW0 to DMW3), which needs no tables: its lower 48 bits are the physical address",
		va);
	return true;
}

const struct pw_words pw_words_loongarch64_4k = {
	.machines = "loongarch64",
	.memory_types = 1 << PW_MEM_NORMAL,
	.kernel_apart = true,
	.entries = entries_4k,
	.folds = folds_4k,
	.folded = built,
	.remark_at = in_window,
};

const struct pw_words pw_words_loongarch64_16k = {
	.machines = "loongarch64",
	.memory_types = 1 << PW_MEM_NORMAL,
	.kernel_apart = true,
	.entries = entries_16k,
	.folds = folds_16k,
	.folded = built,
	.remark_at = in_window,
};
