/* SPDX-License-Identifier: MIT */
/*
 * Words for AMD's IOMMU.
 * AMD I/O Virtualization Technology specification 2.2.3.
 */
#include "format/amdv1.h"

#include <stdio.h>

#include "format/words.h"

/* Most fields have a mask, a name and a meaning; the rest is zero, and not worth a column. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

enum { ANY = 0xff };

static const char *const next_names[] = { "page", NULL };

static const struct pw_bits table_bits[] = {
	{ PW_BIT(0), "PR", "present", NULL, PW_SHOW_ALWAYS },
	{ 0x1e, "ignored1", "ignored" },
	{ PW_BIT(5), "A", "accessed" },
	{ 0x1c0, "ignored6", "ignored" },
	{ 0xe00, "NextLevel", "level of the next table; 0: a page; 7: a page of another size",
	  next_names, PW_SHOW_ALWAYS },
	{ UINT64_C(0x000ffffffffff000), "address", "of the next table", NULL, PW_SHOW_ADDRESS },
	{ UINT64_C(0x07f0000000000000), "reserved", "has to be zero" },
	{ UINT64_C(3) << 59, "ignored59", "ignored" },
	{ PW_BIT(61), "IR", "reads are allowed below" },
	{ PW_BIT(62), "IW", "writes are allowed below" },
	{ PW_BIT(63), "ignored63", "ignored" },
	{ 0 },
};

static const struct pw_bits page_bits[] = {
	{ PW_BIT(0), "PR", "present", NULL, PW_SHOW_ALWAYS },
	{ 0x1e, "ignored1", "ignored" },
	{ PW_BIT(5), "A", "accessed" },
	{ PW_BIT(6), "D", "dirty" },
	{ 0x180, "ignored7", "ignored" },
	{ 0xe00, "NextLevel", "0: a page of this level's size; 7: the address holds the size",
	  next_names, PW_SHOW_ALWAYS },
	{ UINT64_C(0x000ffffffffff000), "address", "of the page; with NextLevel 7 its size, too",
	  NULL, PW_SHOW_ADDRESS },
	{ UINT64_C(0x07f0000000000000), "reserved", "has to be zero" },
	{ PW_BIT(59), "U", "untranslated access" },
	{ PW_BIT(60), "FC", "force coherency" },
	{ PW_BIT(61), "IR", "may be read" },
	{ PW_BIT(62), "IW", "may be written" },
	{ PW_BIT(63), "ignored63", "ignored" },
	{ 0 },
};

static const struct pw_bits empty_bits[] = {
	{ PW_BIT(0), "PR", "present", NULL, PW_SHOW_ALWAYS },
	{ 0 },
};

static const struct pw_bits soft_bits[] = {
	{ PW_BIT(0), "PR", "present", NULL, PW_SHOW_ALWAYS },
	{ 0x7c, "type", "swap file, or another kind of entry", NULL, PW_SHOW_ALWAYS },
	{ 0x80, "exclusive", "the page is this space's alone" },
	{ UINT64_C(0x000ffffffffff000), "offset", "in the swap file", NULL, PW_SHOW_ALWAYS },
	{ PW_BIT(63), "soft", "not empty: pagewalk's own record" },
	{ 0 },
};

static const struct pw_bits_of entries[] = {
	{ ANY, PW_BITS_TABLE, table_bits },
	{ ANY, PW_BITS_LEAF, page_bits },
	{ ANY, PW_BITS_SWAP, soft_bits },
	{ ANY, PW_BITS_EMPTY, empty_bits },
	{ 0 },
};

/* Linux walks these tables with separate code, which does not have the five levels. */
static const struct fold_style *const folds[] = { NULL };

static void starts(const struct pw_regime *regime, char *text, size_t bytes)
{
	unsigned top = regime->span[0].top;

	snprintf(text, bytes, "this device-table entry has mode %u: it starts at %s", top + 1,
		 regime->format->level_name[top]);
}

const struct pw_words pw_words_amdv1 = {
	.entries = entries,
	.folds = folds,
	.starts = starts,
};
