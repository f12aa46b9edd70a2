/* SPDX-License-Identifier: MIT */
/*
 * The memory type that MAIR_EL1, or MAIR0 and MAIR1, give an index: DDI0487 D17.2, MAIR_EL1;
 * DDI0406C B4.1.104.
 */
#ifndef PW_FORMAT_ARM_MAIR_H
#define PW_FORMAT_ARM_MAIR_H

#include "format/format.h"

/*
 * One attribute. The upper half is for the outer cache and is 0 for device memory. The lower half is
 * for the inner cache. Only memory that is write-back in both is reported as write-back.
 */
static inline enum pw_memtype arm_mair_type(unsigned attribute)
{
	unsigned outer = attribute >> 4, inner = attribute & 15;

	if (attribute == 0xf0)
		return PW_MEM_NORMAL; /* tagged: DDI0487, FEAT_MTE2 */
	if (outer == 0)
		return PW_MEM_DEVICE;
	if (outer == 4 || inner == 4)
		return PW_MEM_WRITE_COMBINING;
	/* Bit 2 of a half: write-back. */
	return outer & inner & 4 ? PW_MEM_NORMAL : PW_MEM_WRITE_THROUGH;
}

/* Fills regime->memtype: from the register, else, in the Linux view, from @linux_types. */
static inline void arm_mair_fill(struct pw_regime *r, const uint8_t *linux_types)
{
	for (unsigned i = 0; i < 8; i++)
		if (r->registers.known & PW_REGISTER_MAIR)
			r->memtype[i] = (uint8_t)arm_mair_type(r->registers.mair >> 8 * i & 255);
		else if (r->view == PW_VIEW_LINUX)
			r->memtype[i] = linux_types[i];
}

#endif
