/* SPDX-License-Identifier: MIT */
/*
 * The top grows; the old top is collapsed into one page of the new one, unmapped, and its folio is used again
 * at once. Meanwhile other threads pin pages that they found from the old top. In stress.c a top grows once
 * per level and round; here a round does nothing else, and there are thousands of rounds.
 */
#include <stdlib.h>

#include "stress.h"

/* A round: a space of one level at first, in which all entries map one folio. */
struct growth {
	struct stress *s;
	struct pw_space *space;
	pw_va span; /* bytes that the first top translates */
	bool stop; /* atomic */
};

struct pinner {
	struct growth *growth;
	pthread_t thread;
	uint64_t random, pins;
};

bool grows_from_leaves(const struct stress *s)
{
	return s->fewest == 1 && s->geometry.levels > 1 && s->large;
}

/* Writes to each page the address at which it is mapped; with @salt it is no page's identity. */
static void sign(const struct stress *s, pw_pa pa, pw_va span, uint64_t salt)
{
	for (pw_va va = 0; va < span; va += page_bytes(s))
		__atomic_store_n(words(s, pa + va), identity(s, va) ^ salt, __ATOMIC_RELAXED);
}

static void *pin_from_old_top(void *context)
{
	struct pinner *pinner = context;
	struct growth *growth = pinner->growth;
	struct stress *s = growth->s;
	const uint32_t pages = (uint32_t)(growth->span / page_bytes(s));
	struct pw_reader *reader;

	if (pw_reader_create(growth->space, &reader)) {
		wrong(s, "a thread cannot read", 0, 0, 0);
		return NULL;
	}
	while (!__atomic_load_n(&growth->stop, __ATOMIC_RELAXED)) {
		pw_va va = (pw_va)(pinner->random >> 33) % pages * page_bytes(s);
		enum pw_stop why;
		pw_pa pa;

		pinner->random = pinner->random * UINT64_C(6364136223846793005) + 1;
		if (pw_pin_fast(reader, va, 1, PW_PIN_WRITE, &pa, &why) != 1)
			continue;
		pinner->pins++;
		if (__atomic_load_n(words(s, pa), __ATOMIC_RELAXED) != identity(s, va))
			wrong(s, "wrong page, from an old top", va, pa, *words(s, pa));
		pw_unpin_pages(reader, &pa, 1, PW_PIN_WRITE, false);
	}
	pw_reader_destroy(reader);
	return NULL;
}

/* Grows the top, collapses and unmaps the old one, and reuses the folio for something that is not mapped. */
static void grow_and_reuse(struct growth *growth, pw_pa folio)
{
	const uint32_t attr = PW_READ | PW_USER | PW_ACCESSED;
	struct stress *s = growth->s;
	const pw_va span = growth->span;
	uint64_t collapsed = 0;
	pw_pa other;

	if (pw_space_map(growth->space, span, span + (page_bytes(s) - 1),
			 pw_arena_zero_page(s->arena), attr, NULL))
		wrong(s, "the top does not grow", span, 0, 0);
	pw_space_collapse(growth->space, 0, span - 1, 64, &collapsed, NULL);
	if (collapsed != span)
		wrong(s, "the old top is not collapsed", 0, 0, collapsed);
	pw_space_unmap(growth->space, 0, span - 1, NULL, NULL, NULL);
	pw_folio_put(s->arena, folio, 1);
	if (pw_folio_alloc(s->arena, s->large_order, PW_FOLIO_ANONYMOUS, 2, 0, &other) == 0) {
		sign(s, other, span, ~UINT64_C(0));
		sched_yield();
		pw_folio_put(s->arena, other, 1);
	}
}

uint64_t grow_once(struct stress *s, unsigned number)
{
	/* Mostly without RCU: a grace period at the end of each round would take longer than the round. */
	const enum pw_sync_kind sync = number % 16 ? PW_SYNC_IPI : PW_SYNC_RCU_WAIT;
	const uint32_t attr = PW_READ | PW_WRITE | PW_USER | PW_ACCESSED | PW_DIRTY;
	const struct pw_space_options options = { .levels = 1, .sync = sync };
	struct growth growth = { .s = s, .span = page_bytes(s) << s->large_order };
	struct pinner pinner[PINNERS] = { 0 };
	uint64_t pins = 0;
	pw_pa folio;

	if (pw_space_create(s->arena, s->format, &options, &growth.space, NULL) ||
	    pw_folio_alloc(s->arena, s->large_order, PW_FOLIO_ANONYMOUS, 1, 0, &folio))
		abort();
	sign(s, folio, growth.span, 0);
	if (pw_space_map(growth.space, 0, growth.span - 1, folio, attr, NULL))
		wrong(s, "a folio cannot be mapped", 0, folio, 0);
	for (unsigned i = 0; i < PINNERS; i++) {
		pinner[i].growth = &growth;
		pinner[i].random = (number * PINNERS + i) * UINT64_C(0x9e3779b97f4a7c15);
		if (pthread_create(&pinner[i].thread, NULL, pin_from_old_top, &pinner[i]))
			abort();
	}
	/* Some rounds begin before the pinners, some while they pin. */
	for (unsigned yields = number % 8; yields > 0; yields--)
		sched_yield();
	grow_and_reuse(&growth, folio);
	__atomic_store_n(&growth.stop, true, __ATOMIC_RELAXED);
	for (unsigned i = 0; i < PINNERS; i++) {
		pthread_join(pinner[i].thread, NULL);
		pins += pinner[i].pins;
	}
	pw_space_destroy(growth.space);
	return pins;
}
