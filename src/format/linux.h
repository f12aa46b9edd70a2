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

/* Sets regime->config and regime->swap_first for regime->kernel. @options can hold some build options. */
void pw_linux_init(struct pw_regime *regime, const struct pw_regime_options *options);

#endif
