/* SPDX-License-Identifier: MIT */
/*
 * What the Linux kernels do alike on all architectures with entries that are not present.
 *
 * Such an entry has a type of 5 bits. Types from 0 on are swap files; those at the upper end are none
 * (include/linux/swap.h):
 *
 *     0          first[HWPOISON]  [MIGRATION]            [DEVICE]            [MARKER]            31
 *     +------------+---------------+---------------------+-------------------+-------------------+
 *     | swap files | hwpoison 0..1 | migration 0, 2 or 3 | device 0, 2..4    | marker 0..2       |
 *     +------------+---------------+---------------------+-------------------+-------------------+
 *
 *     hwpoison   1 with CONFIG_MEMORY_FAILURE
 *     migration  with CONFIG_MIGRATION 2 (read, write); 3 from 5.19 on (read-exclusive)
 *     device     with CONFIG_DEVICE_PRIVATE 2 (write, read); 4 from 5.14 on (exclusive write, read); 3
 *                from 6.15 on, where exclusive is one
 *     marker     none before 5.19; then one, until 6.1 only with CONFIG_PTE_MARKER; and until 6.1 one
 *                more, for pages that could not be read from swap, which is a marker later
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
 * What an entry of this swap type is. An entry above level 0 is of a huge page, which is never in swap;
 * hwpoison and markers are there in hugetlb's tables (huge_pte), migration and device of any.
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

/* Sets regime->config and regime->swap_first for its kernel, of which @options may tell something. */
void pw_linux_init(struct pw_regime *regime, const struct pw_regime_options *options);

#endif
