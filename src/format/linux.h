/* SPDX-License-Identifier: MIT */
/*
 * Entries that are not present: the part that Linux does alike on all architectures.
 *
 * Such an entry has a type of 5 bits. The types from 0 on stand for swap files. The types at the upper end
 * have other uses (include/linux/swap.h):
 *
 *     0          first[HWPOISON]  [MIGRATION]            [DEVICE]            [MARKER]            31
 *     +------------+---------------+---------------------+-------------------+-------------------+
 *     | swap files | hwpoison 0..1 | migration 0, 2 or 3 | device 0, 2..4    | marker 0..2       |
 *     +------------+---------------+---------------------+-------------------+-------------------+
 *
 *     hwpoison   1 with CONFIG_MEMORY_FAILURE
 *     migration  with CONFIG_MIGRATION 2 (read, write); 3 from 5.19 on (read-exclusive)
 *     device     with CONFIG_DEVICE_PRIVATE 2 (write, read); 4 from 5.14 on (exclusive write, read); 3
 *                from 6.15 on (one exclusive type)
 *     marker     none before 5.19; one from then on, but until 6.1 only with CONFIG_PTE_MARKER. From 5.19
 *                to 6.1 there is one more type, for pages that could not be read from swap. Later kernels
 *                use a marker for these.
 */
#ifndef PW_FORMAT_LINUX_H
#define PW_FORMAT_LINUX_H

#include "format/format.h"

static const uint16_t PW_KERNEL_6_1 = 0x0601;

enum {
	PW_FIRST_HWPOISON,
	PW_FIRST_MIGRATION,
	PW_FIRST_DEVICE,
	PW_FIRST_MARKER,
	PW_SWAP_TYPES = 32
};

/*
 * The status of an entry of this swap type. Above level 0 the entry stands for a huge page, and such a page
 * is never in swap. There, hwpoison and markers belong to hugetlb (huge_pte); migration and device entries
 * can belong to any huge page.
 */
static inline enum pw_status pw_linux_swap(const struct pw_regime *r, unsigned level, unsigned type)
{
	if (PW_LIKELY(type < r->swap_first[PW_FIRST_HWPOISON]))
		return level == 0 ? PW_SWAP : PW_MALFORMED;
	if (type < r->swap_first[PW_FIRST_MIGRATION])
		return PW_HWPOISON;
	if (type < r->swap_first[PW_FIRST_DEVICE])
		return PW_MIGRATION;
	return type < r->swap_first[PW_FIRST_MARKER] ? PW_DEVICE : PW_MARKER;
}

/* What a soft entry says. */
struct pw_soft {
	uint8_t type; /* 0 to 31: regime->swap_first says which stand for what */
	bool exclusive; /* the page belonged to this space alone when it left */
	/*
	 * The place in the swap file, or the number of the page's frame; below 2^pw_soft_offset_lg2. Place 0
	 * of a swap file is not for pages: in some formats, its entry would look empty.
	 */
	uint64_t offset;
};

/* log2 of the end of the offsets. The highest half of inverted ones could make an entry look empty. */
static inline unsigned pw_soft_offset_lg2(const struct pw_soft_layout *layout)
{
	return layout->offset_bits - (layout->inverted ? 1u : 0u);
}

static inline uint64_t pw_soft_make(const struct pw_soft_layout *layout, const struct pw_soft *soft)
{
	uint64_t offset = layout->inverted ? ~soft->offset : soft->offset;

	return layout->fixed | (uint64_t)(soft->type & (PW_SWAP_TYPES - 1)) << layout->type_shift |
	       (offset & pw_mask(layout->offset_bits)) << layout->offset_shift |
	       (soft->exclusive ? layout->exclusive : 0);
}

static inline void pw_soft_read(const struct pw_soft_layout *layout, uint64_t entry,
				struct pw_soft *soft)
{
	uint64_t offset = entry >> layout->offset_shift;

	soft->type = (uint8_t)(entry >> layout->type_shift & (PW_SWAP_TYPES - 1));
	soft->exclusive = entry & layout->exclusive;
	soft->offset = (layout->inverted ? ~offset : offset) & pw_mask(layout->offset_bits);
}

/*
 * Is the hole @entry, of which hole() says @status, a soft entry? In the tables of a linux_twin format, hole()
 * does not know soft entries: the hardware does not, and Linux does not look there.
 */
static inline bool pw_soft_is(const struct pw_format *f, const struct pw_regime *r, unsigned level,
			      uint64_t entry, enum pw_status status)
{
	switch (status) {
	case PW_SWAP:
	case PW_MIGRATION:
	case PW_HWPOISON:
	case PW_DEVICE:
	case PW_MARKER:
		return true;
	case PW_NONE:
		return f->linux_twin && entry != f->make_empty(f, r, level) &&
		       f->soft(f, r, level).offset_bits > 0;
	default:
		return false;
	}
}

/* Sets regime->config and regime->swap_first for regime->kernel. @options can hold some build options. */
void pw_linux_init(struct pw_regime *regime, const struct pw_regime_options *options);

#endif
