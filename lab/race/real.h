/* SPDX-License-Identifier: MIT */
/*
 * The C library's own functions. Programs of the laboratory are linked with --wrap for these names, so that calls
 * of the code under test arrive in wrap.c; the laboratory itself calls the ones here.
 */
#ifndef RACE_REAL_H
#define RACE_REAL_H

#include <pthread.h>
#include <stddef.h>

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__real_realloc(void *object, size_t bytes);
void *__real_aligned_alloc(size_t alignment, size_t bytes);
int __real_posix_memalign(void **object, size_t alignment, size_t bytes);
void __real_free(void *object);
void *__real_memset(void *to, int byte, size_t bytes);
void *__real_memcpy(void *to, const void *from, size_t bytes);
void *__real_memmove(void *to, const void *from, size_t bytes);
int __real_memcmp(const void *a, const void *b, size_t bytes);
int __real_pthread_mutex_lock(pthread_mutex_t *mutex);
int __real_pthread_mutex_trylock(pthread_mutex_t *mutex);
int __real_pthread_mutex_unlock(pthread_mutex_t *mutex);
int __real_pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex);
int __real_pthread_cond_signal(pthread_cond_t *condition);
int __real_pthread_cond_broadcast(pthread_cond_t *condition);
int __real_sched_yield(void);

#endif
