/* SPDX-License-Identifier: MIT */
/* Hosts without vectors that walks can use. */
#include "walk/wide.h"

struct pw_wide_kind pw_wide_kind(unsigned number)
{
	(void)number;
	return (struct pw_wide_kind){ 0 };
}
