/* SPDX-License-Identifier: MIT */
/* How an x86 CPU walks its tables, by its registers: Intel SDM volume 3, 4.1.1. */
#ifndef PW_MEMORY_X86_MODE_H
#define PW_MEMORY_X86_MODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static const uint64_t PW_X86_CR0_PG = UINT64_C(1) << 31;
static const uint64_t PW_X86_CR4_PAE = UINT64_C(1) << 5;
static const uint64_t PW_X86_CR4_LA57 = UINT64_C(1) << 12;
static const uint64_t PW_X86_EFER_LMA = UINT64_C(1) << 10;

/* The name of the format, or NULL: paging was off. @long_mode: EFER.LMA. */
static inline const char *pw_x86_mode(uint64_t cr0, uint64_t cr4, bool long_mode)
{
	if (!(cr0 & PW_X86_CR0_PG))
		return NULL;
	if (long_mode)
		return cr4 & PW_X86_CR4_LA57 ? "x86_64_la57" : "x86_64";
	return cr4 & PW_X86_CR4_PAE ? "i386_pae" : "i386";
}

#endif
