/* SPDX-License-Identifier: MIT */
/* What pins are measured on: folios, tables that map them in order, and the same for the host kernel. */
#ifndef BENCH_PIN_H
#define BENCH_PIN_H

#include <pagewalk/pin.h>

#include "bench.h"
#include "folio/folio.h"

struct bench_pins {
	struct pw_arena *arena;
	struct pw_space *space;
	struct pw_reader *reader; /* of the thread that made this */
	uint64_t root; /* of x86-64 */
	pthread_rwlock_t lock;
	unsigned order; /* of the folios: 0 or 9 */
	size_t pages, folios; /* in all */
	size_t call; /* pages in one call */
	uint32_t *frame; /* the first of each folio */
	pw_pa *page; /* what came, by page */
	struct pw_pinned *range; /* or by folio */
	struct bench_uring *uring;
};

static const pw_va BENCH_PIN_VA = UINT64_C(0x400000000000);

/* Exits when it cannot. Pages of one folio of @order each, mapped by leaves of that size. */
void bench_pins_create(struct bench_pins *pins, unsigned order, size_t pages, size_t call,
		       enum pw_sync_kind sync);
void bench_pins_destroy(struct bench_pins *pins);

/* What one pin of all pages of a folio adds to its counts. */
static inline uint64_t bench_pin_counts(const struct bench_pins *pins)
{
	return pw_counts_of(pins->order, UINT32_C(1) << pins->order, true);
}

/*
 * By hand, for x86-64 alone: a lock for readers, a walk without any look at what it takes, and an atomic
 * add for each folio. Returns how many pages came; @page or @range says which, the other is NULL.
 */
size_t bench_locked_pin(struct bench_pins *pins, pw_va va, size_t count, pw_pa *page,
			struct pw_pinned *range);

/* The host kernel's pins: buffers of @call pages each, registered with io_uring. */
struct bench_uring;

/* Returns NULL, and in *absent_ret the name of the error, if the kernel does not want to. */
struct bench_uring *bench_uring_create(size_t pages, size_t call, bool huge,
				       const char **absent_ret);
void bench_uring_destroy(struct bench_uring *uring);
/* Each buffer by a system call of its own. Returns the pages of those for which it succeeded. */
size_t bench_uring_pin(struct bench_uring *uring);
size_t bench_uring_unpin(struct bench_uring *uring);

#endif
