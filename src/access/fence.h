/* SPDX-License-Identifier: MIT */
/* The order of loads of memory that others write. */
#ifndef PW_ACCESS_FENCE_H
#define PW_ACCESS_FENCE_H

/*
 * Loads before this are done before loads after it, as in the reader of a sequence lock: first the entries,
 * then the bytes, then the entries again.
 */
static inline void pw_fence_loads(void)
{
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
}

#endif
