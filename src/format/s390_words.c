/* SPDX-License-Identifier: MIT */
/*
 * Words for s390x.
 * z/Architecture Principles of Operation (SA22-7832) chapter 3, which counts bits from the other end;
 * Linux arch/s390/include/asm/pgtable.h.
 */
#include "format/s390.h"

#include <inttypes.h>
#include <stdio.h>

#include "format/s390_folds.h"
#include "format/words.h"

/* Most fields have a mask, a name and a meaning; the rest is zero, and not worth a column. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

enum {
	/* Large pages got a present bit, and read and write moved. */
	PRESENT_BIT = 0x060d,
	LEAF_OR_PROT_NONE = PW_BITS_LEAF | PW_BITS_PROT_NONE,
};

static const char *const type_names[] = { "segment", "R3", "R2", "R1", NULL };

/* Regions: level 2 and above. */
static const struct pw_bits region_bits[] = {
	{ 0x20, "I", "invalid" },
	{ 0x0c, "TT", "table type: the kind of table that holds this entry", type_names,
	  PW_SHOW_ALWAYS },
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
	{ 0x0c, "TT", "table type: the kind of table that holds this entry", type_names,
	  PW_SHOW_ALWAYS },
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
	{ 0x0c, "TT", "table type: the kind of table that holds this entry", type_names,
	  PW_SHOW_ALWAYS },
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
	{ 0x0c, "TT", "table type: the kind of table that holds this entry", type_names,
	  PW_SHOW_ALWAYS },
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

/* An old page has I set, too. Linux clears I at the next access. */
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
	{ 0x7c, "type", "swap file, or another kind of entry", NULL, PW_SHOW_ALWAYS },
	{ 0x800, "exclusive", "Linux: the page is this process's alone" },
	{ 0x3, "sw", "for software" },
	{ 0x80, "sw7", "for software" },
	{ UINT64_C(0xfffffffffffff000), "offset", "in the swap file", NULL, PW_SHOW_ALWAYS },
	{ 0 },
};

static const struct pw_bits large_swap_bits[] = {
	{ 0x20, "I", "invalid" },
	{ 0x0c, "TT", "table type: the kind of table that holds this entry", type_names,
	  PW_SHOW_ALWAYS },
	{ 0x10, "common", "with I and not present, a swap entry" },
	{ 0x7c0, "type", "swap file, or another kind of entry", NULL, PW_SHOW_ALWAYS },
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
	{ 0x0c, "TT", "table type: the kind of table that holds this entry", type_names,
	  PW_SHOW_ALWAYS },
	{ 0 },
};

static const struct pw_bits_of entries[] = {
	{ 1 << 0, LEAF_OR_PROT_NONE, page_bits },
	{ 1 << 0, PW_BITS_SWAP, swap_bits },
	{ 1 << 0, PW_BITS_EMPTY, empty_bits },
	{ 1 << 1, LEAF_OR_PROT_NONE, segment_leaf_bits, 0x400, 0x400 },
	{ 1 << 2, LEAF_OR_PROT_NONE, region_leaf_bits, 0x400, 0x400 },
	{ 1 << 1, PW_BITS_TABLE, segment_bits },
	{ 0xfc, PW_BITS_TABLE, region_bits },
	{ 0x6, PW_BITS_SWAP, large_swap_bits },
	{ 0xfe, PW_BITS_EMPTY, upper_empty_bits },
	{ 0 },
};

static const struct fold_style *const folds[] = { &fold_s390x, NULL };

/*
 * Linux crops at sizes that are the same for every depth. So the loop at the table's real level iterates
 * (middle-level iteration). There is no level above level 4. If segments iterate, tables of pages may, too.
 */
static const char *const loops[PW_MAX_LEVELS] = {
	NULL,
	"the pgd, p4d and pud loops run once, and the pmd loop turns",
	"the pgd and p4d loops run once, and the pud loop turns",
	"the pgd loop runs once, and the p4d loop turns",
};

/* ---- facts about tables, from the root and from entries ---- */

/* DT of an ASCE: the type of the top table. */
static unsigned designation_type(uint64_t asce)
{
	return (unsigned)(asce >> 2) & 3;
}

static void starts(const struct pw_regime *regime, char *text, size_t bytes)
{
	snprintf(text, bytes, "this ASCE starts at %s (DT=%u)",
		 regime->format->level_name[regime->span[0].top],
		 designation_type(regime->root[0]));
}

static void top_table(const struct pw_regime *regime, const struct pw_span *span, char *text,
		      size_t bytes)
{
	const uint64_t asce = regime->root[span->root];
	char length[64] = "the whole table";

	if (span->top_last < pw_mask(span->top_bits))
		snprintf(length, sizeof(length), "entries 0 to %" PRIu32, span->top_last);
	snprintf(text, bytes, " (DT=%u), %s (TL=%u)", designation_type(asce), length,
		 (unsigned)asce & 3);
}

/* TF and TL: the quarters of the next table that exist. */
static void too_short(const struct pw_format *format, const struct pw_short_table *at, char *text,
		      size_t bytes)
{
	snprintf(text, bytes,
		 "index %" PRIu32 " is in quarter %" PRIu32
		 " of the %s, and the %s above says that quarters %u (TF) to %u (TL) exist",
		 at->index, at->index >> 9, at->table, format->level_name[at->above_level],
		 (unsigned)(at->above >> 6) & 3, (unsigned)at->above & 3);
}

static bool wrong_type(unsigned level, uint64_t entry, const char *name, char *text, size_t bytes)
{
	unsigned type = (unsigned)(entry >> 2) & 3;

	if (level == 0 || type == level - 1)
		return false;
	snprintf(text, bytes,
		 "%s is malformed: it has TT=%s, and in this table entries have TT=%s; "
		 "the hardware raises a translation-specification exception",
		 name, type_names[type], type_names[level - 1]);
	return true;
}

/* PoP SA22-7832 chapter 3, "Assigned Storage Locations". Entries do not tell whose a page is. */
static const struct pw_vectors new_psws = { .name = "new PSWs",
					    .kind = PW_VECTORS_PSWS,
					    .user = true };

const struct pw_words pw_words_s390x = {
	.machines = "s390x",
	.vectors = &new_psws,
	.memory_types = 1 << PW_MEM_NORMAL,
	.registers = PW_REGISTER_PREFIX,
	.entries = entries,
	.folds = folds,
	.loops = loops,
	.starts = starts,
	.top_table = top_table,
	.too_short = too_short,
	.malformed = wrong_type,
};
