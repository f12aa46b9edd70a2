/* SPDX-License-Identifier: MIT */
/*
 * Order between threads that ThreadSanitizer cannot see.
 *
 * The order of dependent loads: an entry in mapped memory is loaded with PW_ORDER_DEPENDENT.
 *
 * The order that a library makes which is not instrumented. Where such a library promises that everything
 * before A in one thread happens before everything after B in another, A calls pw_tsan_before(key) and B
 * calls pw_tsan_after(key), with the same key. Other builds contain nothing of it.
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

/* As below. */
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
 * The order of a load whose value gives the address of the next load. The next load sees everything that
 * was stored there before the address was published. Processors and compilers keep this order by the
 * address dependency alone (READ_ONCE in the kernel). ThreadSanitizer does not know dependencies, so its
 * builds use an acquire instead.
 */
enum { PW_ORDER_DEPENDENT = __ATOMIC_RELAXED };

/* All loads from here on come after those loads, not only the ones that depend on them. */
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
