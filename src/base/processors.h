/* SPDX-License-Identifier: MIT */
/* How many threads are worth their start. */
#ifndef PW_BASE_PROCESSORS_H
#define PW_BASE_PROCESSORS_H

#include <sched.h>
#include <unistd.h>

enum { PW_THREADS_MAX = 64 };

/* How many processors this process may use: at least 1, at most PW_THREADS_MAX. */
static inline unsigned pw_processors(void)
{
	cpu_set_t set;
	/* A machine with more processors than the set has room for refuses the first question. */
	long count = sched_getaffinity(0, sizeof(set), &set) ? sysconf(_SC_NPROCESSORS_ONLN)
							     : CPU_COUNT(&set);

	return count < 1 ? 1 : count > PW_THREADS_MAX ? PW_THREADS_MAX : (unsigned)count;
}

#endif
