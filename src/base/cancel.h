/* SPDX-License-Identifier: MIT */
/* How long-running work is stopped: by a flag that a signal handler or another thread sets. */
#ifndef PW_BASE_CANCEL_H
#define PW_BASE_CANCEL_H

#include <stdbool.h>
#include <stddef.h>

/* Is the flag set? @cancel may be NULL. */
static inline bool pw_cancelled(const bool *cancel)
{
	return cancel && __atomic_load_n(cancel, __ATOMIC_RELAXED);
}

#endif
