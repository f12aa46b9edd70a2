/* SPDX-License-Identifier: MIT */
/*
 * Names for words.h that the long descriptors of arm and arm64 share.
 * Arm ARM DDI0406C B3.6; DDI0487 D8.3.
 */
#ifndef PW_FORMAT_ARM_NAMES_H
#define PW_FORMAT_ARM_NAMES_H

#include "format/words.h"

static const char *const upper_type_names[] = { "invalid", "block", "invalid", "table", NULL };
static const char *const page_type_names[] = { "invalid", "reserved", "invalid", "page", NULL };
static const char *const share_names[] = { "none", "reserved", "outer", "inner", NULL };
/* AP[2:1] of long descriptors: DDI0487 table D8-42. */
static const char *const ap_names[] = { "kernel-rw", "rw", "kernel-ro", "ro", NULL };
static const char *const ap_table_names[] = { "all", "no-user", "no-write", "no-user,no-write",
					      NULL };

/* An empty entry. */
static const struct pw_bits empty_bits[] = {
	{ .mask = 0x3,
	  .name = "type",
	  .meaning = "of the entry",
	  .values = upper_type_names,
	  .show = PW_SHOW_ALWAYS },
	{ 0 },
};

#endif
