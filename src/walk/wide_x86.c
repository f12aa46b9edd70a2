/* SPDX-License-Identifier: MIT */
/* Which vectors this x86-64 processor has for walks. */
#include "access/processor.h"
#include "walk/wide.h"

struct pw_wide_kind pw_wide_kind(unsigned number)
{
	if (pw_has_avx512() && number-- == 0)
		return (struct pw_wide_kind){ "avx512", pw_wide_avx512 };
	if (pw_has_avx2() && number == 0)
		return (struct pw_wide_kind){ "avx2", pw_wide_avx2 };
	return (struct pw_wide_kind){ 0 };
}
