/* SPDX-License-Identifier: MIT */
/* Which vectors this x86-64 processor has. The compiler's run-time support has asked it before main(). */
#include "walk/wide.h"

struct pw_wide_kind pw_wide_kind(unsigned number)
{
	if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	    __builtin_cpu_supports("avx512dq") && number-- == 0)
		return (struct pw_wide_kind){ "avx512", pw_wide_avx512 };
	if (__builtin_cpu_supports("avx2") && number == 0)
		return (struct pw_wide_kind){ "avx2", pw_wide_avx2 };
	return (struct pw_wide_kind){ 0 };
}
