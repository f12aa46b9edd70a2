/* SPDX-License-Identifier: MIT */
/*
 * Faults on swap entries: do_swap_page.
 *
 *     1  the page, from the swap cache, or read into it           no lock
 *     2  its folio lock; is it still the page of this slot?
 *     3  the table lock; is the entry still the same?             from here on the entry's count keeps the slot
 *     4  the entry's count of the slot goes; the page may leave the swap cache
 *     5  is it this space's alone? the leaf
 *
 * A page whose entry says "exclusive", or that nobody else holds after 4, is exclusive again. Everybody else
 * gets it read-only; a write then faults once more, and copies.
 */
#include <errno.h>

#include "mm/marks.h"
#include "mm/rmap/rmap.h"
#include "mm/soft.h"
#include "mm/swap/swap.h"

static bool is_same(const struct pw_fault_work *work, const struct pw_slot *slot)
{
	return slot->kind == PW_SLOT_SOFT && slot->level == work->slot.level &&
	       slot->entry == work->slot.entry;
}

/* Is the entry that faulted still there? */
static bool still_there(const struct pw_fault_work *work)
{
	struct pw_mm *mm = work->vma->mm;
	struct pw_slot slot;

	pw_table_lock(mm, 1, work->va);
	pw_slot_find(mm->space, work->va, &slot);
	pw_table_unlock(mm, 1, work->va);
	return is_same(work, &slot);
}

/* Gets the page of the slot, with a reference, or PW_NO_FRAME: look again, or the kind of fault says why. */
static enum pw_fault_kind find_page(struct pw_fault_work *work, uint32_t slot, uint32_t *frame_ret)
{
	struct pw_machine *machine = work->vma->mm->machine;
	bool cached = pw_swap_is_cached(machine, slot);
	int code;

	if (!cached && work->flags & PW_FAULT_NOWAIT)
		return PW_FAULT_RETRY;
	code = pw_swap_in(machine, slot, work->flags & PW_FAULT_LONGTERM, frame_ret);
	if (!cached)
		work->major = true;
	if (code == 0)
		return PW_FAULT_DONE;
	*frame_ret = PW_NO_FRAME;
	/* An error only counts if it is about this entry. */
	if (code == -EAGAIN || !still_there(work))
		return PW_FAULT_DONE;
	return code == -ENOMEM ? PW_FAULT_OOM : PW_FAULT_ADRERR;
}

/* Locks the page. False: the fault may not wait. */
static bool lock_page(const struct pw_fault_work *work, uint32_t frame)
{
	struct pw_machine *machine = work->vma->mm->machine;

	if (work->flags & PW_FAULT_NOWAIT)
		return pw_folio_trylock(machine, frame);
	pw_folio_lock(machine, frame);
	return true;
}

/*
 * Should a page that was read in give its slot back? If swap is short; if it shall stay in memory; and if that
 * may show a writer that it is alone: the references are then the cache's and this thread's.
 * (should_try_to_free_swap)
 */
static bool should_free_slot(const struct pw_fault_work *work, uint32_t frame)
{
	const struct pw_machine *machine = work->vma->mm->machine;

	return pw_swap_is_full(machine) || work->vma->flags & PW_VM_LOCKED ||
	       (work->flags & PW_FAULT_WRITE && pw_page_references(machine, frame) == 2);
}

/* Maps the locked page. The table lock is held, and the entry is the one that faulted. */
static void map_page(struct pw_fault_work *work, uint32_t frame, struct pw_slot *slot)
{
	struct pw_vma *vma = work->vma;
	struct pw_machine *machine = vma->mm->machine;
	pw_pa pa = pw_arena_pa(machine->arena, frame);
	struct pw_page *page = pw_page_of(machine, frame);
	bool exclusive = slot->soft.exclusive, free_slot;
	uint32_t extra = PW_ACCESSED;

	if (__atomic_load_n(&page->mapped, __ATOMIC_RELAXED) == 0) {
		page->index = pw_vma_index(vma, work->va);
		pw_page_set_owner(machine, frame, PW_FOLIO_ANONYMOUS, vma->anon);
	}
	free_slot = should_free_slot(work, frame);
	pw_swap_put(machine, (uint32_t)slot->soft.offset, 1);
	if (free_slot)
		pw_swap_remove(machine, frame);
	__atomic_fetch_sub(&vma->mm->swapped, 1, __ATOMIC_RELAXED);
	if (!exclusive)
		exclusive = pw_page_references(machine, frame) == 1 ||
			    pw_mutant(PW_MUTANT_SWAP_ALL_EXCLUSIVE);
	if (exclusive) {
		pw_folio_own(machine->arena, pa);
		/* A page that a handler of user faults protects stays so: the next fault asks it. */
		if (vma->flags & PW_VM_WRITE && work->flags & PW_FAULT_WRITE &&
		    !pw_is_protected(vma, work->va))
			extra |= PW_WRITE | PW_DIRTY;
	}
	/* The reference of pw_swap_in becomes the entry's. */
	pw_entry_came(vma, frame, 1);
	pw_slot_swap(vma->mm->space, work->va, slot, pw_vma_leaf(vma, slot->level, pa, extra));
	__atomic_fetch_add(&machine->info.swapped_in, 1, __ATOMIC_RELAXED);
}

/* With the folio lock. True: the page is mapped. */
static bool try_map(struct pw_fault_work *work, uint32_t frame)
{
	struct pw_mm *mm = work->vma->mm;
	struct pw_slot slot;
	bool same;

	pw_table_lock(mm, 1, work->va);
	pw_slot_find(mm->space, work->va, &slot);
	same = is_same(work, &slot);
	if (same)
		map_page(work, frame, &slot);
	pw_table_unlock(mm, 1, work->va);
	return same;
}

enum pw_fault_kind pw_fault_swap(struct pw_fault_work *work)
{
	struct pw_machine *machine = work->vma->mm->machine;
	uint32_t slot = (uint32_t)work->slot.soft.offset, frame;
	enum pw_fault_kind kind;
	const struct pw_page *page;
	bool mapped = false;

	if (pw_anon_prepare(work->vma))
		return PW_FAULT_OOM;
	kind = find_page(work, slot, &frame);
	if (kind != PW_FAULT_DONE || frame == PW_NO_FRAME)
		return kind;
	if (!lock_page(work, frame)) {
		pw_page_put(machine, frame, 1);
		return PW_FAULT_RETRY;
	}
	page = pw_page_of(machine, frame);
	if (page->swap != slot + 1) {
		/* Another page has the slot by now, or none: look again. */
	} else if (__atomic_load_n(&page->flags, __ATOMIC_ACQUIRE) & PW_PAGE_POISON) {
		kind = still_there(work) ? PW_FAULT_POISON : PW_FAULT_DONE;
	} else {
		mapped = try_map(work, frame);
	}
	pw_swap_tidy_locked(machine, frame);
	pw_folio_unlock(machine, frame);
	/* Who has unmapped the page since then found it locked, and left it in the cache. */
	pw_swap_tidy(machine, frame);
	if (!mapped)
		pw_page_put(machine, frame, 1);
	return kind;
}
