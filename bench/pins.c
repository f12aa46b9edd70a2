/* SPDX-License-Identifier: MIT */
/* The memory for measuring pins, and a pin as one would write it by hand, with a lock. */
#include "pin.h"

#include <stdio.h>
#include <stdlib.h>

static void stop(const char *what)
{
	fprintf(stderr, "bench: %s\n", what);
	exit(2);
}

/*
 * Room for the folios, and for tables beside them. A power of two is one block, whose frames come in order.
 * Otherwise the blocks of the remainder would put distant folios beside each other.
 */
static uint64_t arena_bytes(size_t pages)
{
	uint64_t bytes = UINT64_C(32) << 20;

	while (bytes < ((uint64_t)pages << 12) + (UINT64_C(16) << 20))
		bytes *= 2;
	return bytes;
}

void bench_pins_create(struct bench_pins *pins, unsigned order, size_t pages, size_t call,
		       enum pw_sync_kind sync)
{
	const struct pw_arena_options options = { .bytes = arena_bytes(pages), .huge = true };
	const struct pw_space_options how = { .sync = sync };
	const uint32_t attr = PW_READ | PW_WRITE | PW_USER | PW_ACCESSED | PW_DIRTY;
	const pw_va step = UINT64_C(4096) << order;
	struct pw_error error = { 0 };
	uint64_t root[PW_MAX_ROOTS];

	*pins = (struct bench_pins){
		.order = order,
		.pages = pages,
		.folios = pages >> order,
		.call = call,
	};
	pins->frame = malloc(pins->folios * sizeof(*pins->frame));
	pins->page = calloc(pages, sizeof(*pins->page));
	pins->range = calloc(pins->folios, sizeof(*pins->range));
	if (!pins->frame || !pins->page || !pins->range)
		stop("out of memory");
	pthread_rwlock_init(&pins->lock, NULL);
	if (pw_arena_create(&options, &pins->arena, &error) ||
	    pw_space_create(pins->arena, pw_format_find("x86_64"), &how, &pins->space, &error) ||
	    pw_reader_create(pins->space, &pins->reader))
		stop(error.text);
	for (size_t i = 0; i < pins->folios; i++) {
		pw_va va = BENCH_PIN_VA + i * step;
		pw_pa pa;

		if (pw_folio_alloc(pins->arena, order, PW_FOLIO_ANONYMOUS, 1, 0, &pa) ||
		    pw_space_map(pins->space, va, va + step - 1, pa, attr, &error))
			stop("no folios to be pinned");
		pins->frame[i] = pw_arena_frame(pins->arena, pa);
	}
	pw_space_root(pins->space, root);
	pins->root = root[0];
}

void bench_pins_destroy(struct bench_pins *pins)
{
	pw_reader_destroy(pins->reader);
	pw_space_destroy(pins->space);
	pw_arena_destroy(pins->arena);
	pthread_rwlock_destroy(&pins->lock);
	free(pins->frame);
	free(pins->page);
	free(pins->range);
}

static const uint64_t X86_FRAME = 0x000ffffffffff000;

static uint64_t load(const struct bench_pins *pins, uint64_t space, uint64_t index)
{
	const uint64_t *entry = (const void *)pw_arena_at(pins->arena, (space & X86_FRAME));

	return __atomic_load_n(entry + (index & 511), __ATOMIC_RELAXED);
}

static void take(struct bench_pins *pins, pw_pa pa)
{
	__atomic_fetch_add(&pins->arena->frame[pw_arena_frame(pins->arena, pa)].counts,
			   bench_pin_counts(pins), __ATOMIC_SEQ_CST);
}

size_t bench_locked_pin(struct bench_pins *pins, pw_va va, size_t count, pw_pa *page,
			struct pw_pinned *range)
{
	const uint64_t need = 7; /* present, writable, user */
	size_t done = 0;

	pthread_rwlock_rdlock(&pins->lock);
	while (done < count) {
		uint64_t e = load(pins, pins->root, va >> 39);

		e = load(pins, e, va >> 30);
		e = load(pins, e, va >> 21);
		if ((e & need) != need)
			break;
		if (e & 0x80) {
			take(pins, e & X86_FRAME);
			*range++ = (struct pw_pinned){ e & X86_FRAME, UINT64_C(1) << 21 };
			done += 512;
			va += UINT64_C(1) << 21;
			continue;
		}
		do {
			uint64_t leaf = load(pins, e, va >> 12);

			if ((leaf & need) != need)
				goto out;
			take(pins, leaf & X86_FRAME);
			page[done++] = leaf & X86_FRAME;
			va += 4096;
		} while (done < count && va & 0x1fffff);
	}
out:
	pthread_rwlock_unlock(&pins->lock);
	return done;
}
