/* SPDX-License-Identifier: MIT */
/* What the guest that stamps its pages and its reader agree on. */
#ifndef TESTS_STAMPS_H
#define TESTS_STAMPS_H

#include <stdint.h>

enum {
	SLOTS = 16384, /* addresses that are remapped */
	PAGES = SLOTS + 1,
	WORDS = 4, /* words of a stamp */
	FIRST_PA = 0x02000000,
	FIRST_VA = 0x40000000,
};

#endif
