/* SPDX-License-Identifier: MIT */
/*
 * Reclaim: a clock over all frames, and what it does with a page (shrink_folio_list, pageout).
 *
 *     used since the last round     another chance: its accessed bits are cleared
 *     locked, maybe pinned, hugetlb, secret, broken, huge zero page   stays
 *     MADV_FREE and clean           dropped
 *     anonymous, shared memory      swap: cache, entries, write, free
 *     of a file                     entries, write if dirty, forget
 *
 * Reclaim runs in threads that hold locks: it only tries folio locks, so it never waits for one that its own thread
 * holds. Each page is freed only if its counts are exactly those that are known: a pin, or any other reference, keeps
 * it, with its content, where it is.
 */
#include <errno.h>

#include "mm/file/file.h"
#include "mm/huge/huge.h"
#include "mm/rmap/rmap.h"
#include "mm/swap/reclaim.h"
#include "mm/swap/swap.h"

enum {
	/* Rounds in which a used page gets another chance; after them any page goes, one of MADV_FREE with the second. */
	GENTLE_ROUNDS = 2,
	ROUNDS = 4,
};

static bool is_mapped(const struct pw_machine *machine, uint32_t head)
{
	return __atomic_load_n(&pw_page_of(machine, head)->mapped, __ATOMIC_SEQ_CST) > 0;
}

/* ---- one page, locked, with a reference of the caller's; true: it is free, and was unlocked ---- */

/* Gives up a page that nobody else holds, which is in no cache. */
static bool free_alone(struct pw_machine *machine, uint32_t head)
{
	if (!pw_folio_freeze(machine->arena, head, 1))
		return false;
	pw_folio_unlock(machine, head);
	pw_folio_thaw(machine->arena, head, 0);
	return true;
}

/* MADV_FREE: the content need not be kept, unless it was written to since. */
static bool drop_lazy(struct pw_machine *machine, uint32_t head)
{
	struct pw_page *page = pw_page_of(machine, head);

	if (!pw_page_is_dirty(machine, head) && pw_rmap_unmap(machine, head, PW_UNMAP_EMPTY) == 0 &&
	    !pw_page_is_dirty(machine, head))
		return free_alone(machine, head);
	/* It is a page like any other again. */
	__atomic_fetch_and(&page->flags, ~(uint32_t)PW_PAGE_LAZY, __ATOMIC_RELAXED);
	pw_folio_dirty_held(machine->arena, head);
	return false;
}

/* Writes a page of the swap cache to its slot, if the slot has something else. */
static bool write_to_slot(struct pw_machine *machine, uint32_t head)
{
	return !pw_page_is_dirty(machine, head) || pw_mutant(PW_MUTANT_SWAP_NOT_WRITTEN) ||
	       pw_swap_write(machine, head) == 0;
}

static bool reclaim_anonymous(struct pw_machine *machine, uint32_t head)
{
	bool was_cached = pw_page_of(machine, head)->swap != 0;

	/* One that has to be kept after all goes to swap in a later round. */
	if (pw_page_flags(machine, head) & PW_PAGE_LAZY && !was_cached)
		return drop_lazy(machine, head);
	if (!was_cached && (!is_mapped(machine, head) || pw_swap_add(machine, head)))
		return false;
	if (pw_rmap_unmap(machine, head, PW_UNMAP_SWAP) == 0 && write_to_slot(machine, head) &&
	    pw_swap_evict(machine, head)) {
		pw_count(&machine->info.swapped_out, 1);
		return true;
	}
	/* It stays in the swap cache, where entries that were taken out find it; else its slot is free again. */
	if (was_cached)
		pw_swap_tidy_locked(machine, head);
	else
		pw_swap_remove(machine, head);
	return false;
}

static bool reclaim_shared(struct pw_machine *machine, struct pw_file *file, uint32_t head)
{
	uint32_t slot;

	if (pw_rmap_unmap(machine, head, PW_UNMAP_EMPTY))
		return false;
	/* Zeros that nobody has written to: a hole has the same, and needs no slot. */
	if (!pw_page_is_dirty(machine, head))
		return pw_cache_forget(file, head, 1) && free_alone(machine, head);
	if (pw_swap_add(machine, head))
		return false;
	slot = pw_page_of(machine, head)->swap - 1;
	/* The count is the file's, as soon as its cache names the slot. */
	pw_swap_get(machine, slot);
	if (pw_swap_write(machine, head) || !pw_cache_swap(file, head, slot, 1)) {
		pw_swap_put(machine, slot, 1);
		pw_swap_remove(machine, head);
		return false;
	}
	pw_count(&machine->info.swapped_out, 1);
	return pw_swap_evict(machine, head);
}

static bool reclaim_file(struct pw_machine *machine, struct pw_file *file, uint32_t head)
{
	if (pw_rmap_unmap(machine, head, PW_UNMAP_EMPTY) ||
	    (pw_page_is_dirty(machine, head) && pw_file_write_page(file, head)) ||
	    !pw_cache_forget(file, head, 1))
		return false;
	/* The cache has let go; so the last reference is this thread's, or soon somebody else's. */
	return free_alone(machine, head);
}

static bool reclaim_locked(struct pw_machine *machine, uint32_t head)
{
	enum pw_folio_kind kind;
	void *owner = pw_page_owner(machine, head, &kind);

	if (kind == PW_FOLIO_ANONYMOUS)
		return reclaim_anonymous(machine, head);
	if (kind == PW_FOLIO_SHARED && owner)
		return reclaim_shared(machine, owner, head);
	if (kind == PW_FOLIO_FILE && owner)
		return reclaim_file(machine, owner, head);
	if (kind != PW_FOLIO_NONE || pw_page_of(machine, head)->swap == 0)
		return false;
	/* Read from swap, and not mapped. */
	pw_swap_tidy_locked(machine, head);
	return pw_page_of(machine, head)->swap != 0 ? pw_swap_evict(machine, head)
						    : free_alone(machine, head);
}

/* May the locked folio go, and was it not used? @force: also if it was. */
static bool should_go(struct pw_machine *machine, uint32_t head, bool force)
{
	const uint32_t stay = PW_PAGE_POISON | PW_PAGE_MLOCKED | PW_PAGE_WRITEBACK;
	enum pw_folio_kind kind;
	void *owner = pw_page_owner(machine, head, &kind);
	bool used;

	if (pw_page_flags(machine, head) & stay || pw_page_maybe_pinned(machine, head))
		return false;
	if (kind == PW_FOLIO_NONE)
		return true;
	/* It was allocated this moment, and has no index yet. */
	if (!owner)
		return false;
	used = pw_rmap_used(machine, head);
	return (!used || force || pw_mutant(PW_MUTANT_RECLAIM_USED)) &&
	       !pw_rmap_is_locked(machine, head);
}

/*
 * Splits a locked folio, of which the caller has a reference by @frame, into pages. Pages of it that nobody maps
 * are free then: *bytes grows by them. False: it cannot be split.
 */
static bool split(struct pw_machine *machine, uint32_t frame, uint64_t *bytes)
{
	uint64_t link = pw_frame_link(machine->arena, frame);
	uint32_t pages = pw_link_pages(link);
	uint32_t mapped = __atomic_load_n(&pw_page_of(machine, pw_link_head(link))->mapped,
					  __ATOMIC_RELAXED);

	if (pw_split_for_swap(machine, frame))
		return false;
	if (pw_folio_kind_of(machine->arena, frame) == PW_FOLIO_ANONYMOUS && mapped < pages - 1)
		*bytes += (uint64_t)(pages - 1 - mapped) << machine->page_lg2;
	return true;
}

/* ---- any frame ---- */

/* Is it worth a closer look? The page may be anything the next moment. */
static bool may_reclaim(const struct pw_machine *machine, uint32_t frame)
{
	switch (pw_folio_kind_of(machine->arena, frame)) {
	case PW_FOLIO_ANONYMOUS:
	case PW_FOLIO_SHARED:
	case PW_FOLIO_FILE:
		return pw_page_references(machine, frame) > 0;
	case PW_FOLIO_NONE:
		return __atomic_load_n(&pw_page_of(machine, frame)->swap, __ATOMIC_RELAXED) != 0;
	case PW_FOLIO_HUGETLB:
	case PW_FOLIO_SECRET:
		break;
	}
	return false;
}

uint64_t pw_reclaim_page(struct pw_machine *machine, uint32_t frame, bool force)
{
	uint64_t bytes = 0;

	if (!may_reclaim(machine, frame) || pw_folio_is_zero(machine->arena, frame) ||
	    !pw_folio_try_get(machine->arena, frame, 1))
		return 0;
	if (!pw_folio_trylock(machine, frame)) {
		pw_page_put(machine, frame, 1);
		return 0;
	}
	/* Each part of a large folio is a page of its own then. The others come later. */
	if (should_go(machine, pw_folio_head(machine->arena, frame), force) &&
	    split(machine, frame, &bytes) && reclaim_locked(machine, frame))
		return bytes + pw_page_bytes(machine);
	pw_folio_unlock(machine, frame);
	pw_swap_tidy(machine, frame);
	pw_page_put(machine, frame, 1);
	return bytes;
}

static uint32_t next_frame(struct pw_machine *machine)
{
	return __atomic_fetch_add(&machine->clock, 1, __ATOMIC_RELAXED) % machine->arena->frames;
}

uint64_t pw_reclaim(struct pw_machine *machine, uint64_t bytes)
{
	const uint32_t frames = machine->arena->frames;
	uint64_t freed = 0;

	for (unsigned round = 0; round < ROUNDS; round++)
		for (uint32_t i = 0; i < frames && freed < bytes; i++)
			freed += pw_reclaim_page(machine, next_frame(machine),
						 round >= GENTLE_ROUNDS);
	return freed;
}

/* ---- ranges of a VMA: madvise ---- */

uint32_t pw_frame_at(struct pw_mm *mm, pw_va va)
{
	uint32_t frame = PW_NO_FRAME;
	struct pw_slot slot;

	pw_table_lock(mm, 1, va);
	pw_slot_find(mm->space, va, &slot);
	if (pw_entry_is_counted(mm, &slot)) {
		/* The page itself, also inside of a leaf of several pages. */
		frame = pw_arena_frame(mm->machine->arena, slot.pa) +
			(uint32_t)((va & pw_mask(mm->machine->format->shift[slot.level])) >>
				   mm->machine->page_lg2);
		if (!pw_folio_try_get(mm->machine->arena, frame, 1))
			frame = PW_NO_FRAME;
	}
	pw_table_unlock(mm, 1, va);
	return frame;
}

bool pw_folio_fills(const struct pw_mm *mm, pw_va va, pw_va last, uint32_t head)
{
	const struct pw_machine *machine = mm->machine;
	const struct pw_format *f = machine->format;
	const uint32_t pages = pw_folio_pages(machine->arena, head);
	const pw_va bytes = (pw_va)pages << machine->page_lg2;

	if (bytes - 1 > last - va || (va ^ (va + (bytes - 1))) >> (f->shift[0] + f->bits[0]))
		return false;
	for (uint32_t i = 0; i < pages; i++) {
		struct pw_slot slot;

		pw_slot_find(mm->space, va + ((pw_va)i << machine->page_lg2), &slot);
		if (slot.kind != PW_SLOT_PAGE || slot.level > 0 ||
		    !pw_entry_maps(mm, &slot, head + i))
			return false;
	}
	return true;
}

/* Do entries from @va on map the folio of @frame as a whole, inside of va..last? They may change the next moment. */
static bool maps_whole(struct pw_vma *vma, pw_va va, pw_va last, uint32_t frame)
{
	const struct pw_machine *machine = vma->mm->machine;
	const unsigned order = pw_link_order(pw_frame_link(machine->arena, frame));
	struct pw_slot slot;
	bool whole;

	if (frame != pw_folio_head(machine->arena, frame))
		return false;
	pw_table_look(vma->mm, va, &slot);
	whole = slot.level == 0 && pw_folio_fills(vma->mm, va, last, frame);
	pw_table_unlock(vma->mm, 1, va);
	if (slot.level == 0)
		return whole;
	return order + machine->page_lg2 == machine->format->shift[slot.level] &&
	       pw_mask(machine->format->shift[slot.level]) <= last - va;
}

bool pw_split_ours(struct pw_vma *vma, uint32_t frame, bool whole)
{
	struct pw_machine *machine = vma->mm->machine;
	bool done;

	if (!pw_folio_trylock(machine, frame))
		return false;
	done = (!pw_rmap_others_map(machine, frame, vma->mm) ||
		pw_mutant(PW_MUTANT_SPLIT_SHARED)) &&
	       (whole ? pw_split_for_swap(machine, frame) : pw_split_locked(machine, frame)) == 0;
	pw_folio_unlock(machine, frame);
	/* As in pw_fault_swap. */
	pw_swap_tidy(machine, frame);
	return done;
}

/* Is the page of a base folio mapped once, so that nobody else is concerned? */
static bool mapped_once(const struct pw_machine *machine, uint32_t frame)
{
	return __atomic_load_n(&pw_page_of(machine, frame)->mapped, __ATOMIC_RELAXED) <= 1;
}

uint64_t pw_vma_page_out(struct pw_vma *vma, pw_va first, pw_va last)
{
	struct pw_machine *machine = vma->mm->machine;
	const uint64_t page = pw_page_bytes(machine);
	uint64_t freed = 0;

	for (pw_va va = first;; va += page) {
		uint32_t frame = pw_frame_at(vma->mm, va);

		if (frame != PW_NO_FRAME) {
			/* A part goes alone, and parts that go become pages. */
			bool ours = pw_folio_is_large(machine->arena, frame)
					    ? pw_split_ours(vma, frame,
							    maps_whole(vma, va, last, frame))
					    : mapped_once(machine, frame);

			pw_page_put(machine, frame, 1);
			if (ours)
				freed += pw_reclaim_page(machine, frame, true);
		}
		if (last - va < page)
			return freed;
	}
}

/* Forgets that the folio was used. */
static void cool(struct pw_machine *machine, uint32_t frame)
{
	if (!pw_folio_trylock(machine, frame))
		return;
	pw_rmap_used(machine, pw_folio_head(machine->arena, frame));
	pw_folio_unlock(machine, frame);
	/* As in pw_fault_swap. */
	pw_swap_tidy(machine, frame);
}

void pw_vma_cool(struct pw_vma *vma, pw_va first, pw_va last)
{
	struct pw_machine *machine = vma->mm->machine;

	for (pw_va va = first;;) {
		uint32_t frame = pw_frame_at(vma->mm, va);
		uint64_t bytes = pw_page_bytes(machine);

		if (frame != PW_NO_FRAME) {
			if (maps_whole(vma, va, last, frame)) {
				bytes <<= pw_link_order(pw_frame_link(machine->arena, frame));
				if (pw_folio_is_large(machine->arena, frame) ||
				    mapped_once(machine, frame))
					cool(machine, frame);
			} else if (pw_folio_is_large(machine->arena, frame) &&
				   pw_split_ours(vma, frame, false)) {
				cool(machine, frame);
			}
			pw_page_put(machine, frame, 1);
		}
		if (last - va < bytes)
			return;
		va += bytes;
	}
}
