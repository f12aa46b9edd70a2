/* SPDX-License-Identifier: MIT */
/*
 * What the code under test calls in the C library: locks, condition variables, memory. A mutex is one word: 0
 * when it is free, otherwise its owner's number and one. A condition variable is one word that every signal
 * changes; a signal wakes all that wait, which POSIX allows. Outside of runs the C library's own functions serve,
 * but for memory, which belongs to the laboratory from the setup on.
 */
#include <errno.h>
#include <pthread.h>

#include "lab/race/race.h"
#include "lab/race/real.h"
#include "lab/race/wrap.h"

#define CALLER __builtin_return_address(0)

bool race_setting_up;

static struct race_op word_op(const void *at, enum race_kind kind, const void *pc)
{
	return (struct race_op){ .at = (uintptr_t)at,
				 .bytes = 8,
				 .kind = (uint8_t)kind,
				 .order = __ATOMIC_ACQ_REL,
				 .atomic = true,
				 .writes = kind != RACE_LOAD && kind != RACE_WAIT,
				 .drains = kind != RACE_LOAD,
				 .pc = pc };
}

static void step(const struct race_op *op)
{
	if (race_touch(op->at, op->bytes, op->writes))
		race_step(op);
	else if (op->drains && op->atomic && !race_mutant(RACE_MUTANT_OWN_WORD_NOTHING))
		race_drain(op->pc);
}

/* ---- locks ---- */

int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_trylock(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_unlock(pthread_mutex_t *mutex);
int __wrap_pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex);
int __wrap_pthread_cond_signal(pthread_cond_t *condition);
int __wrap_pthread_cond_broadcast(pthread_cond_t *condition);
int __wrap_sched_yield(void);

static uint64_t me(void)
{
	return (uint64_t)race.thread + 1;
}

static int lock(pthread_mutex_t *mutex, const void *pc)
{
	struct race_op op = word_op(mutex, RACE_LOCK, pc);

	if (race_value(&op) == me())
		race_fail(PW_LAB_DEADLOCK, "deadlock: thread %s locks a mutex that it has locked",
			  race.scenario->thread[race.thread].name);
	step(&op);
	race_write(op.at, me(), 8);
	return 0;
}

static int unlock(pthread_mutex_t *mutex, const void *pc)
{
	struct race_op op = word_op(mutex, RACE_UNLOCK, pc);

	if (race_value(&op) != me())
		race_fail(PW_LAB_CHECK, "thread %s unlocks a mutex that it has not locked",
			  race.scenario->thread[race.thread].name);
	step(&op);
	race_write(op.at, 0, 8);
	return 0;
}

/* In the check of a scenario no thread is left that could unlock it. */
static int lock_at_end(pthread_mutex_t *mutex)
{
	struct race_op op = word_op(mutex, RACE_LOCK, NULL);

	if (race_value(&op) != 0)
		race_note(PW_LAB_DEADLOCK,
			  "deadlock: the check locks a mutex that thread %s has left locked",
			  race.scenario->thread[(race_value(&op) - 1) % RACE_THREADS].name);
	return 0;
}

int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex)
{
	if (race.checking)
		return lock_at_end(mutex);
	return race_on ? lock(mutex, CALLER) : __real_pthread_mutex_lock(mutex);
}

int __wrap_pthread_mutex_trylock(pthread_mutex_t *mutex)
{
	struct race_op op = word_op(mutex, RACE_RMW, CALLER);

	if (!race_on)
		return __real_pthread_mutex_trylock(mutex);
	step(&op);
	if (race_value(&op) != 0)
		return EBUSY;
	race_write(op.at, me(), 8);
	return 0;
}

int __wrap_pthread_mutex_unlock(pthread_mutex_t *mutex)
{
	if (race.checking)
		return 0;
	return race_on ? unlock(mutex, CALLER) : __real_pthread_mutex_unlock(mutex);
}

int __wrap_pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex)
{
	struct race_op look = word_op(condition, RACE_LOAD, CALLER);
	struct race_op wait = word_op(condition, RACE_WAIT, CALLER);

	if (!race_on)
		return __real_pthread_cond_wait(condition, mutex);
	step(&look);
	wait.value = race_value(&look);
	unlock(mutex, CALLER);
	/* Another thread has to come for this to end: so the word is shared. */
	race_touch(wait.at, wait.bytes, false);
	race_step(&wait);
	return lock(mutex, CALLER);
}

/* Adds one to a word, as one step of a run. */
static void count_up(const void *word, const void *pc)
{
	struct race_op op = word_op(word, RACE_RMW, pc);

	if (race_on)
		step(&op);
	race_write(op.at, race_value(&op) + 1, 8);
}

static int signal_all(pthread_cond_t *condition, const void *pc)
{
	count_up(condition, pc);
	return 0;
}

int __wrap_pthread_cond_signal(pthread_cond_t *condition)
{
	return race_on ? signal_all(condition, CALLER) : __real_pthread_cond_signal(condition);
}

int __wrap_pthread_cond_broadcast(pthread_cond_t *condition)
{
	return race_on ? signal_all(condition, CALLER) : __real_pthread_cond_broadcast(condition);
}

/* ---- waiting ---- */

void pw_lab_pause(void)
{
	struct race_op op = { .kind = RACE_YIELD,
			      .atomic = true,
			      .order = __ATOMIC_RELAXED,
			      .drains = race_mutant(RACE_MUTANT_WAIT_DRAINS),
			      .pc = CALLER };

	if (race_on)
		race_step(&op);
}

int __wrap_sched_yield(void)
{
	if (!race_on)
		return __real_sched_yield();
	pw_lab_pause();
	return 0;
}

void pw_lab_wait(const void *at, unsigned bytes, uint64_t seen)
{
	struct race_op op = { .at = (uintptr_t)at,
			      .bytes = bytes,
			      .kind = RACE_WAIT,
			      .value = seen,
			      .atomic = true,
			      .order = __ATOMIC_ACQUIRE,
			      .drains = race_mutant(RACE_MUTANT_WAIT_DRAINS),
			      .pc = CALLER };

	if (!race_on)
		return;
	if (!race_touch(op.at, bytes, false) && race_value(&op) != seen)
		return;
	race_step(&op);
}

/* ---- sections of readers ---- */

void race_section(void *mark, uint64_t value, bool enter)
{
	struct race_op op = word_op(mark, enter ? RACE_ENTER : RACE_LEAVE, CALLER);

	if (race_on)
		step(&op);
	race_write(op.at, value, 8);
}

/* ---- memory ---- */

static bool ours(void)
{
	return race_on || race_setting_up;
}

void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_realloc(void *object, size_t bytes);
void *__wrap_aligned_alloc(size_t alignment, size_t bytes);
int __wrap_posix_memalign(void **object, size_t alignment, size_t bytes);
void __wrap_free(void *object);
void *__wrap_memset(void *to, int byte, size_t bytes);
void *__wrap_memcpy(void *to, const void *from, size_t bytes);
void *__wrap_memmove(void *to, const void *from, size_t bytes);
int __wrap_memcmp(const void *a, const void *b, size_t bytes);

void *__wrap_malloc(size_t bytes)
{
	return ours() ? race_alloc(0, bytes) : __real_malloc(bytes);
}

void *__wrap_calloc(size_t count, size_t bytes)
{
	void *object;
	size_t all;

	if (!ours())
		return __real_calloc(count, bytes);
	if (__builtin_mul_overflow(count, bytes, &all)) {
		errno = ENOMEM;
		return NULL;
	}
	object = race_alloc(0, all);
	if (object)
		__real_memset(object, 0, all);
	return object;
}

void __wrap_free(void *object)
{
	struct race_op op = {
		.at = (uintptr_t)object, .kind = RACE_FREE, .writes = true, .pc = CALLER
	};

	if (!object)
		return;
	if (!race_heap_has(object)) {
		__real_free(object);
		return;
	}
	op.bytes = (uint32_t)race_heap_size(object);
	op.drains = race_on && race.scenario->racy;
	if (race_on && op.bytes > 0)
		step(&op);
	race_free(object);
}

void *__wrap_realloc(void *object, size_t bytes)
{
	void *larger;
	size_t old;

	if (!ours() && !race_heap_has(object))
		return __real_realloc(object, bytes);
	if (!object)
		return race_alloc(0, bytes);
	old = race_heap_size(object);
	larger = race_alloc(0, bytes);
	if (!larger)
		return NULL;
	__wrap_memcpy(larger, object, old < bytes ? old : bytes);
	__wrap_free(object);
	return larger;
}

void *__wrap_aligned_alloc(size_t alignment, size_t bytes)
{
	return ours() ? race_alloc(alignment, bytes) : __real_aligned_alloc(alignment, bytes);
}

int __wrap_posix_memalign(void **object, size_t alignment, size_t bytes)
{
	if (!ours())
		return __real_posix_memalign(object, alignment, bytes);
	*object = race_alloc(alignment, bytes);
	return *object ? 0 : ENOMEM;
}

void *__wrap_memset(void *to, int byte, size_t bytes)
{
	race_written(to, bytes, CALLER);
	return __real_memset(to, byte, bytes);
}

void *__wrap_memcpy(void *to, const void *from, size_t bytes)
{
	race_read(from, bytes, CALLER);
	race_written(to, bytes, CALLER);
	return __real_memcpy(to, from, bytes);
}

void *__wrap_memmove(void *to, const void *from, size_t bytes)
{
	race_read(from, bytes, CALLER);
	race_written(to, bytes, CALLER);
	return __real_memmove(to, from, bytes);
}

int __wrap_memcmp(const void *a, const void *b, size_t bytes)
{
	race_read(a, bytes, CALLER);
	race_read(b, bytes, CALLER);
	return __real_memcmp(a, b, bytes);
}

/* clang 15 and later call these, where older compilers call the functions above. */
void *__tsan_memset(void *to, int byte, size_t bytes) __attribute__((alias("__wrap_memset")));
void *__tsan_memcpy(void *to, const void *from, size_t bytes)
	__attribute__((alias("__wrap_memcpy")));
void *__tsan_memmove(void *to, const void *from, size_t bytes)
	__attribute__((alias("__wrap_memmove")));

/* ---- for scenarios that stand in for a library ---- */

bool race_running(void)
{
	return race_on;
}

uint64_t race_look(const uint64_t *word)
{
	struct race_op op = word_op(word, RACE_LOAD, CALLER);

	/* A look follows a full barrier. */
	op.drains = true;
	if (race_on)
		step(&op);
	return race_value(&op);
}

void race_count(uint64_t *word)
{
	count_up(word, CALLER);
}

void race_pause_steps(bool pause)
{
	race_on = !pause && race.thread >= 0;
}

void race_gone(void *at, size_t bytes)
{
	struct race_op op = { .at = (uintptr_t)at,
			      .bytes = (uint32_t)bytes,
			      .kind = RACE_FREE,
			      .writes = true,
			      .drains = true,
			      .pc = CALLER };

	if (race_on)
		step(&op);
	race_mark_freed(op.at, bytes, true);
}

bool race_trust(bool trusted)
{
	bool before;

	if (race.thread < 0)
		return false;
	before = race.trusted[race.thread];
	race.trusted[race.thread] = trusted;
	return before;
}
