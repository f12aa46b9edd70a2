/* SPDX-License-Identifier: MIT */
/* The memory for measuring pins: folios, tables that map them in order, and the same for the host kernel. */
#ifndef BENCH_PIN_H
#define BENCH_PIN_H

#include <pagewalk/pin.h>

#include "bench.h"
#include "folio/folio.h"

struct bench_pins {
	struct pw_arena *arena;
	struct pw_space *space;
	struct pw_reader *reader; /* the reader of the thread that made this */
	uint64_t root; /* the root word of x86-64 */
	pthread_rwlock_t lock;
	unsigned order; /* order of the folios: 0 or 9 */
	size_t pages, folios; /* the number of pages in all */
	size_t call; /* the number of pages in one call */
	uint32_t *frame; /* the first page of each folio */
	pw_pa *page; /* the pages that came */
	struct pw_pinned *range; /* or the folios */
	struct bench_uring *uring;
};

static const pw_va BENCH_PIN_VA = UINT64_C(0x400000000000);

/* Makes folios of @order, mapped by leaves of that size. Exits if it cannot. */
void bench_pins_create(struct bench_pins *pins, unsigned order, size_t pages, size_t call,
		       enum pw_sync_kind sync);
void bench_pins_destroy(struct bench_pins *pins);

/* The amount that one pin of all pages of a folio adds to its counts. */
static inline uint64_t bench_pin_counts(const struct bench_pins *pins)
{
	return pw_counts_of(pins->order, UINT32_C(1) << pins->order, true);
}

/*
 * Written by hand, for x86-64 only: a lock for readers, a walk without checks of its pages, and an atomic
 * add for each folio. Returns the number of pages; they go to @page or @range, and the other is NULL.
 */
size_t bench_locked_pin(struct bench_pins *pins, pw_va va, size_t count, pw_pa *page,
			struct pw_pinned *range);

/* The host kernel's pins: buffers of @call pages each, registered with io_uring. */
struct bench_uring;

/* If the kernel refuses, returns NULL, and the name of the error in *absent_ret. */
struct bench_uring *bench_uring_create(size_t pages, size_t call, bool huge,
				       const char **absent_ret);
void bench_uring_destroy(struct bench_uring *uring);
/* Pins each buffer by its own system call. Returns the number of pages of the successful calls. */
size_t bench_uring_pin(struct bench_uring *uring);
size_t bench_uring_unpin(struct bench_uring *uring);

#endif
