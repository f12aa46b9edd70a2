/* SPDX-License-Identifier: MIT */
/* The editors of the tables. Every function here holds the locks of the zones that it changes. */
#include <errno.h>

#include "stress.h"

/* Gives back the space's own reference on each page that was unmapped. */
static void drop(void *context, pw_va first, pw_va last, pw_pa pa)
{
	struct stress *s = context;
	const unsigned shift = s->geometry.shift[0];
	uint64_t left = (last - first + 1) >> shift;
	struct pw_folio_info info;

	if (!words(s, pa))
		return;
	while (left > 0) {
		uint64_t count, rest;

		if (!pw_folio_info(s->arena, pa, &info)) {
			wrong(s, "an unmapped page is free already", first, pa, 0);
			return;
		}
		rest = (UINT64_C(1) << info.order) - ((pa - info.pa) >> shift);
		count = left < rest ? left : rest;
		pw_folio_put(s->arena, pa, (uint32_t)count);
		left -= count;
		pa += count << shift;
	}
}

void unmap(struct stress *s, pw_va first, pw_va last)
{
	struct pw_error error;

	/* If memory is short, a large page may not be split: then it stays whole. */
	if (pw_space_unmap(s->space, first, last, drop, s, &error) == -EINVAL)
		wrong(s, error.text, first, 0, 0);
}

static uint32_t some_attr(struct worker *w)
{
	uint32_t attr = PW_READ | PW_USER;

	attr |= one_in(w, 4) ? 0u : (uint32_t)PW_WRITE;
	attr |= one_in(w, 4) ? (uint32_t)PW_EXEC : 0u;
	return attr | (one_in(w, 16) ? 0u : (uint32_t)(PW_ACCESSED | PW_DIRTY));
}

/*
 * Maps a new folio of 2^order pages, where nothing should be mapped. The space has a reference for each page,
 * so that each page can be unmapped alone.
 */
static bool map(struct worker *w, pw_va va, unsigned order)
{
	static const enum pw_folio_kind kinds[] = { PW_FOLIO_ANONYMOUS, PW_FOLIO_SHARED,
						    PW_FOLIO_FILE, PW_FOLIO_HUGETLB };
	struct stress *s = w->stress;
	const pw_va page = page_bytes(s), bytes = page << order;
	enum pw_folio_kind kind = one_in(w, 32) ? PW_FOLIO_SECRET : kinds[below(w, 4)];
	pw_pa pa;

	if (pw_folio_alloc(s->arena, order, kind, 1, 0, &pa))
		return false;
	for (pw_va at = 0; at < bytes; at += page)
		__atomic_store_n(words(s, pa + at), identity(s, va + at), __ATOMIC_RELAXED);
	if (order && !pw_folio_get(s->arena, pa, (1u << order) - 1))
		wrong(s, "a new folio cannot be referenced", va, pa, 0);
	if (pw_space_map(s->space, va, va + (bytes - 1), pa, some_attr(w), NULL)) {
		pw_folio_put(s->arena, pa, 1u << order);
		return false;
	}
	if (order && one_in(w, 4)) {
		/* All references are the space's; if another thread has taken one, the split fails. */
		if (one_in(w, 2))
			sched_yield();
		w->done[OP_SPLIT_FOLIO] += pw_folio_split(s->arena, pa, 1);
	}
	return true;
}

/* The order of the largest folio that can begin at page @n, ends by @last, and is at most 2^@order. */
static unsigned fit(uint32_t n, uint32_t last, unsigned order)
{
	while (order > 0 && ((n & ((1u << order) - 1)) || last - n < (1u << order) - 1))
		order--;
	return order;
}

/* Fills @n..@last, or as much of it as a few folios cover. */
static void map_some(struct worker *w, const struct slot *slot, uint32_t n, uint32_t last)
{
	struct stress *s = w->stress;
	unsigned order = one_in(w, 3) ? below(w, 8) : 0;
	const pw_va page = page_bytes(s);

	if (one_in(w, 2))
		unmap(s, slot->first + n * page, slot->first + last * page + (page - 1));
	for (unsigned folios = 1 + below(w, 64); folios > 0 && n <= last; folios--) {
		unsigned fitting = fit(n, last, order);

		map(w, slot->first + n * page, fitting);
		n += 1u << fitting;
	}
}

/* Maps the page of zeros, which has no counts; now and then as a special page. */
static void map_uncounted(struct worker *w, pw_va va)
{
	struct stress *s = w->stress;
	uint32_t special = one_in(w, 2) ? (uint32_t)PW_SPECIAL : 0;

	pw_space_map(s->space, va, va + (page_bytes(s) - 1), pw_arena_zero_page(s->arena),
		     PW_READ | PW_USER | PW_ACCESSED | special, NULL);
}

/* Is a folio's page mapped at @va? Then *pa_ret is the page. The zone is locked, so it stays mapped. */
static bool mapped(struct worker *w, pw_va va, pw_pa *pa_ret)
{
	struct pw_result result;
	enum pw_status status = pw_space_translate(w->reader, va, &result);

	*pa_ret = result.pa;
	return (status == PW_OK || status == PW_PROT_NONE) && words(w->stress, result.pa) &&
	       result.pa != pw_arena_zero_page(w->stress->arena);
}

/* Makes pages that were shared for a copy exclusive again. */
static void own(struct worker *w, pw_va first, pw_va last)
{
	pw_pa pa;

	for (pw_va at = first; at - first < last - first; at += page_bytes(w->stress))
		if (mapped(w, at, &pa))
			pw_folio_own(w->stress->arena, pa);
}

/* Makes pages writable, but not the page of zeros: writes would go to it. */
static void protect_writable(struct worker *w, pw_va first, pw_va last)
{
	const uint32_t attr = PW_READ | PW_WRITE | PW_USER | PW_ACCESSED | PW_DIRTY;
	struct stress *s = w->stress;
	pw_pa pa;

	own(w, first, last);
	for (pw_va at = first; at - first < last - first; at += page_bytes(s))
		if (mapped(w, at, &pa))
			pw_space_protect(s->space, at, at + (page_bytes(s) - 1), attr, NULL);
}

/* Shares the pages that nobody has pinned. */
static void share(struct worker *w, pw_va first, pw_va last)
{
	pw_pa pa;

	for (pw_va at = first; at - first < last - first; at += page_bytes(w->stress))
		if (mapped(w, at, &pa))
			pw_folio_try_share(w->stress->arena, pa);
}

/*
 * Write-protects pages and shares them. Either it shares first, as fork does: then only the sequence prevents
 * a pin in between. Or it write-protects first, as KSM does: that needs no sequence. If there is no memory
 * for write-protecting a part of a page, nothing is shared.
 */
static void copy(struct worker *w, pw_va first, pw_va last)
{
	const uint32_t attr = PW_READ | PW_USER | PW_ACCESSED;
	struct stress *s = w->stress;

	if (one_in(w, 2)) {
		if (pw_space_protect(s->space, first, last, attr, NULL) == 0)
			share(w, first, last);
		return;
	}
	pthread_mutex_lock(&s->copying);
	pw_space_copy_begin(s->space);
	share(w, first, last);
	if (pw_space_protect(s->space, first, last, attr, NULL))
		own(w, first, last);
	pw_space_copy_end(s->space);
	pthread_mutex_unlock(&s->copying);
}

/* One operation of an editor on a part of a zone, whose lock it holds. */
static void edit_zone(struct worker *w, const struct slot *slot, const struct zone *zone)
{
	struct stress *s = w->stress;
	const pw_va page = page_bytes(s);
	uint32_t n = some_page(w), count = 1 + below(w, 24), what = below(w, 100), last;
	enum operation op = OP_MAP;
	pw_va va, end;
	pw_pa pa;

	if (n < zone->first || n > zone->last)
		n = zone->first + n % (zone->last - zone->first + 1);
	last = count - 1 < zone->last - n ? n + count - 1 : zone->last;
	va = slot->first + n * page;
	end = slot->first + last * page + (page - 1);
	if (what < 40) {
		n &= ~(one_in(w, 2) ? 15u : 0u);
		map_some(w, slot, n < zone->first ? zone->first : n, zone->last);
	} else if (what < 43) {
		map_uncounted(w, va);
	} else if (what < 63) {
		op = OP_UNMAP;
		unmap(s, va, end);
		/* Maps elsewhere at once: pages that were freed last are allocated first. */
		if (one_in(w, 2))
			map(w,
			    slot->first +
				    (zone->first + below(w, zone->last - zone->first + 1)) * page,
			    0);
	} else if (what < 71) {
		op = OP_PROTECT;
		if (one_in(w, 2))
			protect_writable(w, va, end);
		else
			pw_space_protect(s->space, va, end, PW_READ | PW_USER | PW_ACCESSED, NULL);
	} else if (what < 76) {
		op = OP_PROT_NONE;
		pw_space_protect(s->space, va, end, 0, NULL);
	} else if (what < 82) {
		op = OP_SPLIT;
		pw_space_split(s->space, va, end, s->geometry.shift[0] + below(w, 4), NULL);
	} else if (what < 90) {
		op = OP_COLLAPSE;
		pw_space_collapse(s->space, slot->first + zone->first * page,
				  slot->first + zone->last * page + (page - 1), 64, NULL, NULL);
	} else if (what < 96) {
		op = OP_COPY;
		copy(w, va, end);
	} else {
		op = OP_TRUNCATE;
		if (mapped(w, va, &pa))
			pw_folio_truncate(s->arena, pa);
	}
	w->done[op]++;
}

/* The order of the largest folio that fits half a slot: on the mock format more than a table's pages. */
static unsigned half_order(const struct stress *s)
{
	unsigned order = 0;

	while ((2u << order) <= s->pages / 2)
		order++;
	return order;
}

/* One operation of an editor on whole tables. It holds the locks of all zones of the slot. */
static void edit_slot(struct worker *w, const struct slot *slot)
{
	struct stress *s = w->stress;
	const pw_va page = page_bytes(s), large = page << s->large_order;
	const pw_va last = slot->first + (slot_bytes(s) - 1);
	pw_va va = slot->first + below(w, 2) * (slot_bytes(s) / 2);
	enum operation op = OP_UNMAP;
	unsigned order;
	pw_va bytes;

	switch (below(w, s->large ? 6 : 3)) {
	case 0:
		unmap(s, slot->first, last);
		break;
	case 1:
		/* Across the zones, so that the zones' editors have to split it. */
		op = OP_MAP;
		unmap(s, slot->first, last);
		map_some(w, slot, (s->pages - s->window) / 2, s->pages - 1);
		break;
	case 2:
		op = OP_COLLAPSE;
		pw_space_collapse(s->space, slot->first, last, 64, NULL, NULL);
		break;
	case 3:
		op = OP_MAP_LARGE;
		unmap(s, va, va + (large - 1));
		map(w, va, s->large_order);
		break;
	case 4:
		/* Takes out a table whose entries stay, and at once also the page that replaced it. */
		op = OP_COLLAPSE;
		order = one_in(w, 2) ? s->large_order : half_order(s);
		bytes = page << order;
		unmap(s, va, va + (bytes - 1));
		if (!map(w, va, order))
			break;
		pw_space_split(s->space, va, va + (bytes - 1),
			       s->geometry.shift[one_in(w, 2) && order > s->large_order], NULL);
		sched_yield();
		pw_space_collapse(s->space, va, va + (bytes - 1), 64, NULL, NULL);
		if (one_in(w, 2))
			unmap(s, va, va + (bytes - 1));
		break;
	case 5:
		/* As khugepaged: moves to a new page when nobody can be in the old table any more. */
		op = OP_MOVE;
		unmap(s, va, va + (large - 1));
		pw_space_wait(s->space);
		map(w, va, s->large_order);
		break;
	}
	w->done[op]++;
}

/* Maps or unmaps a page far away. If the top is too low for it, it grows under the readers. */
static void edit_far(struct worker *w)
{
	struct stress *s = w->stress;
	struct far *far = &s->far[below(w, PW_MAX_LEVELS)];
	uint64_t root[PW_MAX_ROOTS], grown[PW_MAX_ROOTS];

	if (!far->use || pthread_mutex_trylock(&far->lock))
		return;
	pw_space_root(s->space, root);
	if (!map(w, far->va, 0))
		unmap(s, far->va, far->va + (page_bytes(s) - 1));
	pw_space_root(s->space, grown);
	w->done[TALLY_GROWN] += root[0] != grown[0];
	w->done[OP_GROW]++;
	pthread_mutex_unlock(&far->lock);
}

void *edit(void *worker)
{
	struct worker *w = worker;
	struct stress *s = w->stress;
	/* Very large folios take long, because they are filled with poison and checked for it. */
	const uint32_t seldom = s->large && s->large_order + s->geometry.shift[0] > 26 ? 4096 : 64;

	if (pw_reader_create(s->space, &w->reader)) {
		wrong(s, "a thread cannot read", 0, 0, 0);
		return NULL;
	}
	while (!stopped(s)) {
		struct slot *slot = &s->slot[below(w, SLOTS)];
		struct zone *zone = &slot->zone[below(w, ZONES)];

		if (one_in(w, s->fewest < s->geometry.levels ? 16 : 64)) {
			edit_far(w);
		} else if (one_in(w, seldom)) {
			for (unsigned i = 0; i < ZONES; i++)
				pthread_mutex_lock(&slot->zone[i].lock);
			edit_slot(w, slot);
			for (unsigned i = 0; i < ZONES; i++)
				pthread_mutex_unlock(&slot->zone[i].lock);
		} else if (pthread_mutex_trylock(&zone->lock) == 0) {
			edit_zone(w, slot, zone);
			pthread_mutex_unlock(&zone->lock);
		}
	}
	pw_reader_destroy(w->reader);
	return NULL;
}
