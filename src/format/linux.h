/* SPDX-License-Identifier: MIT */
/* What the Linux kernels do alike on all architectures with entries that are not present. */
#ifndef PW_FORMAT_LINUX_H
#define PW_FORMAT_LINUX_H

#include "format/format.h"

static const uint16_t PW_KERNEL_6_1 = 0x0601;

/*
 * A swap type: the highest of the 32 are no swap files (include/linux/swap.h). With memory failure,
 * migration and device-private memory configured, as distribution kernels have it: 23 hwpoison,
 * 24..26 migration, 27..30 device memory, 31 markers. Other configurations move these up by at most
 * four; a swap file of that number does not exist in practice.
 */
static inline enum pw_status pw_linux_swap(unsigned type)
{
	return type >= 24 && type <= 26 ? PW_MIGRATION : PW_SWAP;
}

#endif
