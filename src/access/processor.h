/* SPDX-License-Identifier: MIT */
/* Which vectors this processor has. The compiler's run-time support has asked it before main(). */
#ifndef PW_ACCESS_PROCESSOR_H
#define PW_ACCESS_PROCESSOR_H

#include <stdbool.h>

#if defined(__x86_64__)
static inline bool pw_has_avx512(void)
{
	return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	       __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("bmi2");
}

static inline bool pw_has_avx2(void)
{
	return __builtin_cpu_supports("avx2");
}
#endif

#endif
