/* SPDX-License-Identifier: MIT */
/*
 * What code that is compiled with -fsanitize=thread calls at each access, in place of the sanitizer's runtime. The
 * names and shapes are the compilers' (gcc: gcc/sanitizer.def; LLVM: ThreadSanitizer.cpp).
 *
 * A plain access calls out before it happens. An atomic one is done here.
 */
#include "lab/race/race.h"
#include "lab/race/record.h"
#include "lab/race/wrap.h"

#define CALLER __builtin_return_address(0)

enum { NULL_PAGE = 4096 };

static bool buffers(void)
{
	return race.lanes > race.threads;
}

static void touched_freed(const struct race_op *op)
{
	if (race.trusted[race.thread] || race_mutant(RACE_MUTANT_FREED_UNSEEN))
		return;
	race_fail(PW_LAB_USE_AFTER_FREE, "thread %s %s memory that is freed",
		  race.scenario->thread[race.thread].name, op->writes ? "writes" : "reads");
}

static void check_freed(const struct race_op *op)
{
	if (race_is_freed(op->at, op->bytes))
		touched_freed(op);
}

/* A fence: a step, if the thread's buffer may hold anything. */
void race_drain(const void *pc)
{
	const struct race_op fence = { .kind = RACE_FENCE,
				       .atomic = true,
				       .drains = true,
				       .order = __ATOMIC_RELAXED,
				       .pc = pc };

	if (race.stored[race.thread] > 0 && !race_mutant(RACE_MUTANT_FENCE_NOTHING))
		race_step(&fence);
}

/* No object is there: the pointer is null, or the address of a member of an object that is not there. */
static void touched_null(const struct race_op *op)
{
	race_fail(PW_LAB_CHECK, "thread %s %s through a null pointer",
		  race.scenario->thread[race.thread].name, op->writes ? "writes" : "reads");
}

/*
 * Offers the step, if it is one. Returns whether it is one. A locked operation is a fence even on a word of the
 * thread's own.
 */
static inline bool step(const struct race_op *op)
{
	struct race_word *word;
	bool shared, freed;

	if (__builtin_expect(op->at < NULL_PAGE, 0))
		touched_null(op);
	if ((op->at & 7) + op->bytes > 8) {
		shared = race_touch(op->at, op->bytes, op->writes);
		word = NULL;
	} else {
		word = race_word(op->at);
		shared = race_touch_word(word, op->writes);
	}
	if (shared)
		race_step(op);
	else if (op->drains && op->atomic && !race_mutant(RACE_MUTANT_OWN_WORD_NOTHING))
		race_drain(op->pc);
	freed = word ? race_word_freed(word) : race_is_freed(op->at, op->bytes);
	if (__builtin_expect(freed, 0))
		touched_freed(op);
	return shared;
}

/* ---- plain accesses ---- */

static void plain(void *p, size_t bytes, bool writes, const void *pc)
{
	struct race_op op = { .at = (uintptr_t)p,
			      .bytes = (uint32_t)bytes,
			      .writes = writes,
			      .pc = pc,
			      .kind = writes ? RACE_STORE : RACE_LOAD };

	if (!race_on || bytes == 0) {
		if (writes && race.checking && !race_mutant(RACE_MUTANT_CHECK_STAYS))
			race_will_write(op.at, bytes);
		return;
	}
	op.drains = writes && (race.scenario->racy || race_mutant(RACE_MUTANT_PLAIN_DRAINS));
	step(&op);
	if (writes)
		race_will_write(op.at, bytes);
}

void race_read(const void *p, size_t bytes, const void *pc)
{
	plain((void *)(uintptr_t)p, bytes, false, pc);
}

void race_written(void *p, size_t bytes, const void *pc)
{
	plain(p, bytes, true, pc);
}

#define PLAIN(n)                                      \
	void __tsan_read##n(void *p);                 \
	void __tsan_write##n(void *p);                \
	void __tsan_unaligned_read##n(void *p);       \
	void __tsan_unaligned_write##n(void *p);      \
	void __tsan_volatile_read##n(void *p);        \
	void __tsan_volatile_write##n(void *p);       \
	void __tsan_read_write##n(void *p);           \
	void __tsan_unaligned_read_write##n(void *p); \
	void __tsan_read##n(void *p)                  \
	{                                             \
		plain(p, n, false, CALLER);           \
	}                                             \
	void __tsan_write##n(void *p)                 \
	{                                             \
		plain(p, n, true, CALLER);            \
	}                                             \
	void __tsan_unaligned_read##n(void *p)        \
	{                                             \
		plain(p, n, false, CALLER);           \
	}                                             \
	void __tsan_unaligned_write##n(void *p)       \
	{                                             \
		plain(p, n, true, CALLER);            \
	}                                             \
	void __tsan_volatile_read##n(void *p)         \
	{                                             \
		plain(p, n, false, CALLER);           \
	}                                             \
	void __tsan_volatile_write##n(void *p)        \
	{                                             \
		plain(p, n, true, CALLER);            \
	}                                             \
	void __tsan_read_write##n(void *p)            \
	{                                             \
		plain(p, n, false, CALLER);           \
		plain(p, n, true, CALLER);            \
	}                                             \
	void __tsan_unaligned_read_write##n(void *p)  \
	{                                             \
		plain(p, n, false, CALLER);           \
		plain(p, n, true, CALLER);            \
	}
PLAIN(1)
PLAIN(2)
PLAIN(4)
PLAIN(8)
PLAIN(16)

void __tsan_read_range(void *p, unsigned long bytes);
void __tsan_write_range(void *p, unsigned long bytes);
void __tsan_read_range(void *p, unsigned long bytes)
{
	plain(p, bytes, false, CALLER);
}

void __tsan_write_range(void *p, unsigned long bytes)
{
	plain(p, bytes, true, CALLER);
}

/* ---- atomic accesses ---- */

/* An operation on the word at @p: the caller fills in what it does. */
static struct race_op atomic_op(const volatile void *p, unsigned bytes, enum race_kind kind,
				int order, const void *pc)
{
	return (struct race_op){ .at = (uintptr_t)p,
				 .bytes = bytes,
				 .kind = (uint8_t)kind,
				 .order = (uint8_t)order,
				 .atomic = true,
				 .writes = kind != RACE_LOAD,
				 .drains = kind == RACE_RMW && !race_mutant(RACE_MUTANT_RMW_LATE),
				 .pc = pc };
}

static uint64_t atomic_load(const volatile void *p, unsigned bytes, int order, const void *pc)
{
	struct race_op op = atomic_op(p, bytes, RACE_LOAD, order, pc);

	if (!race_on)
		return race_value(&op);
	if (step(&op) && race.model == PW_LAB_WEAK)
		return race_event[race.depth - 1].after;
	return race_buffer_view((unsigned)race.thread, &op);
}

static void atomic_store(volatile void *p, uint64_t value, unsigned bytes, int order,
			 const void *pc)
{
	struct race_op op = atomic_op(p, bytes, RACE_STORE, order, pc);

	if (!race_on) {
		race_write(op.at, value, bytes);
		return;
	}
	/* Sequentially consistent: xchg, or mov and mfence. */
	op.drains = order == __ATOMIC_SEQ_CST ||
		    (race_mutant(RACE_MUTANT_RELEASE_DRAINS) && order == __ATOMIC_RELEASE);
	if (buffers() && !op.drains && race_touch(op.at, bytes, true)) {
		check_freed(&op);
		if (race_buffer_store(&op, value))
			return;
		op.drains = true;
	}
	step(&op);
	race_write(op.at, value, bytes);
}

uint64_t race_load_half(const void *at)
{
	return atomic_load(at, 4, __ATOMIC_ACQUIRE, CALLER);
}

void race_store(void *at, uint64_t value, unsigned bytes)
{
	atomic_store(at, value, bytes, __ATOMIC_RELEASE, CALLER);
}

/* The first half of a read-modify-write: its turn has come. Returns the old value. */
static uint64_t begin_rmw(const struct race_op *op)
{
	if (race_on)
		step(op);
	return race_value(op);
}

enum change { EXCHANGE, ADD, SUB, AND, OR, XOR, NAND };

static uint64_t changed(uint64_t old, uint64_t by, enum change how)
{
	switch (how) {
	case ADD:
		return old + by;
	case SUB:
		return old - by;
	case AND:
		return old & by;
	case OR:
		return old | by;
	case XOR:
		return old ^ by;
	case NAND:
		return ~(old & by);
	default:
		return by;
	}
}

static uint64_t atomic_change(volatile void *p, uint64_t by, unsigned bytes, enum change how,
			      int order, const void *pc)
{
	struct race_op op = atomic_op(p, bytes, RACE_RMW, order, pc);
	uint64_t old = begin_rmw(&op);

	race_write(op.at, changed(old, by, how), bytes);
	return old;
}

/*
 * Compare and exchange. A weak one does not fail without a reason: what its caller does then, it also does
 * when another thread was faster. A failed one is a step that writes, which is safe, and costs some runs.
 */
static bool atomic_swap(volatile void *p, uint64_t *expected, uint64_t value, unsigned bytes,
			int order, const void *pc)
{
	struct race_op op = atomic_op(p, bytes, RACE_RMW, order, pc);
	uint64_t old = begin_rmw(&op);
	bool same = old == *expected;

	*expected = old;
	if (same)
		race_write(op.at, value, bytes);
	return same;
}

#define CHANGE(bits, type, name, how)                                                   \
	type __tsan_atomic##bits##_##name(volatile type *p, type value, int order);     \
	type __tsan_atomic##bits##_##name(volatile type *p, type value, int order)      \
	{                                                                               \
		return (type)atomic_change(p, value, sizeof(type), how, order, CALLER); \
	}

#define SWAP(bits, type, name)                                                                    \
	int __tsan_atomic##bits##_##name(volatile type *p, type *expected, type value, int order, \
					 int failed);                                             \
	int __tsan_atomic##bits##_##name(volatile type *p, type *expected, type value, int order, \
					 int failed)                                              \
	{                                                                                         \
		uint64_t old = *expected;                                                         \
		bool done = atomic_swap(p, &old, value, sizeof(type),                             \
					order > failed ? order : failed, CALLER);                 \
                                                                                                  \
		if (!done)                                                                        \
			*expected = (type)old;                                                    \
		return done;                                                                      \
	}

#define ATOMIC(bits, type)                                                                  \
	type __tsan_atomic##bits##_load(const volatile type *p, int order);                 \
	void __tsan_atomic##bits##_store(volatile type *p, type value, int order);          \
	type __tsan_atomic##bits##_load(const volatile type *p, int order)                  \
	{                                                                                   \
		return (type)atomic_load(p, sizeof(type), order, CALLER);                   \
	}                                                                                   \
	void __tsan_atomic##bits##_store(volatile type *p, type value, int order)           \
	{                                                                                   \
		atomic_store(p, value, sizeof(type), order, CALLER);                        \
	}                                                                                   \
	CHANGE(bits, type, exchange, EXCHANGE)                                              \
	CHANGE(bits, type, fetch_add, ADD)                                                  \
	CHANGE(bits, type, fetch_sub, SUB)                                                  \
	CHANGE(bits, type, fetch_and, AND)                                                  \
	CHANGE(bits, type, fetch_or, OR)                                                    \
	CHANGE(bits, type, fetch_xor, XOR)                                                  \
	CHANGE(bits, type, fetch_nand, NAND)                                                \
	SWAP(bits, type, compare_exchange_strong)                                           \
	SWAP(bits, type, compare_exchange_weak)                                             \
	type __tsan_atomic##bits##_compare_exchange_val(volatile type *p, type expected,    \
							type value, int order, int failed); \
	type __tsan_atomic##bits##_compare_exchange_val(volatile type *p, type expected,    \
							type value, int order, int failed)  \
	{                                                                                   \
		uint64_t old = expected;                                                    \
                                                                                            \
		atomic_swap(p, &old, value, sizeof(type), order > failed ? order : failed,  \
			    CALLER);                                                        \
		return (type)old;                                                           \
	}
ATOMIC(8, uint8_t)
ATOMIC(16, uint16_t)
ATOMIC(32, uint32_t)
ATOMIC(64, uint64_t)

void __tsan_atomic_thread_fence(int order);
void __tsan_atomic_signal_fence(int order);
void __tsan_atomic_thread_fence(int order)
{
	if (!race_on)
		return;
	if (order == __ATOMIC_SEQ_CST && buffers())
		race_drain(CALLER);
	race_order_fence((unsigned)race.thread, order);
}

void __tsan_atomic_signal_fence(int order)
{
	(void)order;
}

/* ---- what else the compilers call ---- */

void __tsan_init(void);
void __tsan_func_entry(void *pc);
void __tsan_func_exit(void);
void __tsan_acquire(void *p);
void __tsan_release(void *p);
void __tsan_ignore_thread_begin(void);
void __tsan_ignore_thread_end(void);
void __tsan_vptr_update(void **p, void *value);
void __tsan_vptr_read(void **p);

bool race_instrumented;

void __tsan_init(void)
{
	race_instrumented = true;
}

void __tsan_func_entry(void *pc)
{
	if (__builtin_expect(race_recording, 0))
		race_record_enter(pc);
}

void __tsan_func_exit(void)
{
	if (__builtin_expect(race_recording, 0))
		race_record_leave();
}

void __tsan_acquire(void *p)
{
	(void)p;
}

void __tsan_release(void *p)
{
	(void)p;
}

void __tsan_ignore_thread_begin(void)
{
}

void __tsan_ignore_thread_end(void)
{
}

void __tsan_vptr_update(void **p, void *value)
{
	(void)value;
	plain(p, sizeof(*p), true, CALLER);
}

void __tsan_vptr_read(void **p)
{
	plain(p, sizeof(*p), false, CALLER);
}
