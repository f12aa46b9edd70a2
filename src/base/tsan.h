/* SPDX-License-Identifier: MIT */
/*
 * What ThreadSanitizer cannot see: order that comes from a library which is not instrumented. Where
 * such a library promises that what stands before A in one thread happens before what stands after B
 * in another, A says pw_tsan_before(key) and B pw_tsan_after(key), with the same key. Nothing of it is
 * left in other builds.
 */
#ifndef PW_BASE_TSAN_H
#define PW_BASE_TSAN_H

#if defined(__SANITIZE_THREAD__)
#define PW_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define PW_TSAN 1
#endif
#endif

#ifdef PW_TSAN
#include <stdint.h>

#include <sanitizer/tsan_interface.h>

/* See below. */
enum { PW_ORDER_DEPENDENT = __ATOMIC_ACQUIRE };

static inline void pw_order_dependent_done(void)
{
}

static inline void pw_tsan_before(const void *key)
{
	__tsan_release((void *)(uintptr_t)key);
}

static inline void pw_tsan_after(const void *key)
{
	__tsan_acquire((void *)(uintptr_t)key);
}
#else
/*
 * Of a load whose value is an address, or leads to one, where the next load is: what was stored there
 * before that address was published is found there. Processors and compilers keep this order by the
 * dependency alone (READ_ONCE in the kernel); ThreadSanitizer knows nothing of it, and is told that it
 * is an acquire.
 */
enum { PW_ORDER_DEPENDENT = __ATOMIC_RELAXED };

/* From here on all loads come after those, not only the ones that depend on them. */
static inline void pw_order_dependent_done(void)
{
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
}

static inline void pw_tsan_before(const void *key)
{
	(void)key;
}

static inline void pw_tsan_after(const void *key)
{
	(void)key;
}
#endif

#endif
