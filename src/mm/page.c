/* SPDX-License-Identifier: MIT */
/* Folios of a machine: allocation with reclaim, owners, counts. */
#include <errno.h>

#include "folio/stock.h"
#include "mm/huge/huge.h"
#include "mm/mm.h"

/*
 * Reclaim runs in rounds: other threads may take what one round gave. A thread gives up after a round that gave
 * nothing, and after so many.
 */
enum { RECLAIM_ROUNDS = 16 };

/* Huge folios that are mapped only in part come first: their other pages are of no use to anybody. */
static bool make_room(struct pw_machine *machine, uint64_t bytes)
{
	return pw_split_unused(machine, bytes) > 0 || pw_reclaim(machine, bytes) > 0;
}

/* The folio has a kind, but no owner yet. */
static int alloc_reclaiming(struct pw_machine *machine, unsigned order, enum pw_folio_kind kind,
			    uint32_t *frame_ret)
{
	/* More than is asked for: the next allocations need not reclaim again. */
	const uint64_t bytes = UINT64_C(4) << (order + machine->page_lg2);
	pw_pa pa;

	for (unsigned round = 0;; round++) {
		int code = pw_folio_alloc(machine->arena, order, kind, 0, 0, &pa);

		if (code == 0) {
			*frame_ret = pw_arena_frame(machine->arena, pa);
			return 0;
		}
		if (code != -ENOMEM || round == RECLAIM_ROUNDS || !make_room(machine, bytes))
			return code;
	}
}

/*
 * Allocates memory that is not movable: takes folios until one lies below the movable ones, and then gives the
 * others back. They are in a list through `spare`.
 */
static int alloc_fixed(struct pw_machine *machine, unsigned order, enum pw_folio_kind kind,
		       uint32_t *frame_ret)
{
	uint32_t first = PW_NO_FRAME, frame;
	int code;

	for (;;) {
		code = alloc_reclaiming(machine, order, kind, &frame);
		if (code || frame < machine->movable_first)
			break;
		pw_page_of(machine, frame)->spare = first;
		first = frame;
	}
	while (first != PW_NO_FRAME) {
		uint32_t next = (uint32_t)pw_page_of(machine, first)->spare;

		pw_page_put(machine, first, 1);
		first = next;
	}
	*frame_ret = frame;
	return code;
}

/*
 * Forgets what earlier owners of the frames left. Reclaim may have found the new folio already, and hold its lock
 * for a moment: so that stays, and it goes on. Returns false if the memory of one of them is broken.
 */
static bool clear_pages(struct pw_machine *machine, uint32_t head, unsigned order, uint64_t index)
{
	const uint32_t kept = PW_PAGE_LOCKED | PW_PAGE_WAITERS | PW_PAGE_POISON;
	uint32_t seen = 0;

	for (uint32_t i = 0; i < UINT32_C(1) << order; i++) {
		struct pw_page *page = pw_page_of(machine, head + i);

		seen |= __atomic_fetch_and(&page->flags, kept, __ATOMIC_RELAXED);
		page->index = index + i;
		page->spare = 0;
		__atomic_store_n(&page->mapped, 0, __ATOMIC_RELAXED);
		__atomic_store_n(&page->swap, 0, __ATOMIC_RELAXED);
		__atomic_store_n(&page->lru, 0, __ATOMIC_RELAXED);
	}
	return !(seen & PW_PAGE_POISON);
}

/* Gives a folio back of which broken frames do not become free. */
static void retire(struct pw_machine *machine, uint32_t head, unsigned order)
{
	for (uint32_t i = 0; i < UINT32_C(1) << order; i++)
		if (pw_page_flags(machine, head + i) & PW_PAGE_POISON)
			__atomic_fetch_or(&machine->arena->frame[head + i].flags, PW_FRAME_BROKEN,
					  __ATOMIC_RELAXED);
	pw_page_put(machine, head, 1);
}

/* A base page from a stock: no reclaim, and anywhere. */
static bool alloc_near(struct pw_machine *machine, const struct pw_fault_work *work,
		       const struct pw_vma *vma, uint32_t *frame_ret)
{
	if (work->flags & PW_FAULT_LONGTERM ||
	    !pw_folio_alloc_near(machine->arena, work->near, PW_FOLIO_ANONYMOUS, frame_ret))
		return false;
	if (!clear_pages(machine, *frame_ret, 0, pw_vma_index(vma, work->va))) {
		retire(machine, *frame_ret, 0);
		return false;
	}
	pw_page_set_owner(machine, *frame_ret, PW_FOLIO_ANONYMOUS, vma->anon);
	return true;
}

int pw_page_alloc_fault(struct pw_machine *machine, const struct pw_fault_work *work,
			uint32_t *frame_ret)
{
	const struct pw_vma *vma = work->vma;

	if (alloc_near(machine, work, vma, frame_ret))
		return 0;
	return pw_page_alloc(machine, 0, PW_FOLIO_ANONYMOUS, vma->anon, pw_vma_index(vma, work->va),
			     work->flags & PW_FAULT_LONGTERM, frame_ret);
}

int pw_page_alloc(struct pw_machine *machine, unsigned order, enum pw_folio_kind kind,
		  const void *owner, uint64_t index, bool longterm, uint32_t *frame_ret)
{
	for (;;) {
		int code = longterm && machine->movable_first != PW_NO_FRAME
				   ? alloc_fixed(machine, order, kind, frame_ret)
				   : alloc_reclaiming(machine, order, kind, frame_ret);

		if (code)
			return code;
		if (clear_pages(machine, *frame_ret, order, index)) {
			/* Only now: whoever finds an owner finds the index, too (the acquire in pw_page_owner). */
			if (owner)
				pw_page_set_owner(machine, *frame_ret, kind, owner);
			return 0;
		}
		retire(machine, *frame_ret, order);
	}
}

void pw_page_put(struct pw_machine *machine, uint32_t frame, uint32_t references)
{
	pw_folio_drop(machine->arena, frame, references, false);
}

void *pw_page_host(const struct pw_machine *machine, uint32_t frame)
{
	return pw_arena_at(machine->arena, pw_arena_pa(machine->arena, frame));
}

void *pw_page_owner(const struct pw_machine *machine, uint32_t frame, enum pw_folio_kind *kind_ret)
{
	uint32_t head = pw_folio_head(machine->arena, frame);
	/* One load: kind and owner belong together. */
	uint64_t mapping = __atomic_load_n(&machine->arena->frame[head].mapping, __ATOMIC_ACQUIRE);

	*kind_ret = (enum pw_folio_kind)(mapping & 7);
	return (void *)(uintptr_t)(mapping & ~UINT64_C(7));
}

void pw_page_set_owner(struct pw_machine *machine, uint32_t frame, enum pw_folio_kind kind,
		       const void *owner)
{
	uint32_t head = pw_folio_head(machine->arena, frame);

	/* Partner: the load in pw_page_owner and in pw_head_kind. */
	__atomic_store_n(&machine->arena->frame[head].mapping,
			 (uint64_t)kind | (uint64_t)(uintptr_t)owner, __ATOMIC_RELEASE);
}

bool pw_page_maybe_pinned(const struct pw_machine *machine, uint32_t frame)
{
	struct pw_folio_info info;

	return pw_folio_info(machine->arena, pw_arena_pa(machine->arena, frame), &info) &&
	       info.maybe_pinned;
}

uint32_t pw_page_references(const struct pw_machine *machine, uint32_t frame)
{
	uint32_t head = pw_folio_head(machine->arena, frame);

	return (uint32_t)__atomic_load_n(&machine->arena->frame[head].counts, __ATOMIC_SEQ_CST);
}
