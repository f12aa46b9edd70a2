/* SPDX-License-Identifier: MIT */
/*
 * Faults that copy: a write to a read-only page of a private mapping, and unshare, which makes the page exclusive
 * so that it can be pinned for reading (do_wp_page, FAULT_FLAG_UNSHARE).
 *
 *     page behind the entry                          what is done
 *     anonymous, exclusive                           it is made writable
 *     anonymous, shared, but nobody else has it now  it becomes exclusive again, and writable
 *     anonymous, shared                              a copy
 *     a file's, or zeros                             a copy
 *
 * "Nobody else has it" means that all references are those of this entry and of the swap cache; of a page of a large
 * folio, that all the folio's references are those of entries of this table. So a page that the parent of a fork has
 * pinned is copied by the child, and stays the parent's.
 */
#include <string.h>

#include "mm/cpu/cpu_inside.h"
#include "mm/mm.h"
#include "mm/swap/swap.h"

/* Is @frame, a small anonymous page that is shared, now this entry's alone? Then it becomes exclusive. */
static bool take_alone(struct pw_machine *machine, uint32_t frame)
{
	bool alone;

	if (pw_page_references(machine, frame) > 2 || !pw_folio_trylock(machine, frame))
		return false;
	/* The swap cache's reference goes, unless another entry still needs the slot. */
	if (pw_page_of(machine, frame)->swap &&
	    pw_swap_count(machine, pw_page_of(machine, frame)->swap - 1) == 0)
		pw_swap_remove(machine, frame);
	alone = pw_page_references(machine, frame) == 1 || pw_mutant(PW_MUTANT_COW_REUSE);
	if (alone)
		pw_folio_own(machine->arena, pw_arena_pa(machine->arena, frame));
	pw_folio_unlock(machine, frame);
	return alone;
}

/* How many entries of the table of @va, which maps page @frame of the folio of @head, map a page of it there? Its lock is held. */
static uint32_t mapped_beside(const struct pw_mm *mm, pw_va va, uint32_t frame, uint32_t head)
{
	const struct pw_machine *machine = mm->machine;
	const struct pw_format *f = machine->format;
	const uint32_t pages = pw_folio_pages(machine->arena, head);
	uint32_t count = 0;

	for (uint32_t i = 0; i < pages; i++) {
		const pw_va at = va + (((pw_va)head + i - frame) << machine->page_lg2);
		struct pw_slot slot;

		if ((at ^ va) & ~pw_mask(f->shift[0] + f->bits[0]))
			continue;
		pw_slot_find(mm->space, at, &slot);
		count += slot.kind == PW_SLOT_PAGE && slot.level == 0 &&
			 pw_entry_maps(mm, &slot, head + i);
	}
	return count;
}

/*
 * The same for @frame of a large folio: does this table alone map it? (__wp_can_reuse_large_anon_folio) Then the page
 * becomes exclusive. If it is the last page of its folio that is mapped, a copy is better, as the folio becomes free.
 */
static bool take_part(const struct pw_fault_work *work, uint32_t frame)
{
	const struct pw_mm *mm = work->vma->mm;
	struct pw_machine *machine = mm->machine;
	const uint32_t head = pw_folio_head(machine->arena, frame);
	const uint32_t mapped = __atomic_load_n(&pw_page_of(machine, head)->mapped,
						__ATOMIC_RELAXED);
	bool alone;

	/* An address space maps each page once: if more are mapped, another one maps some, and nothing need be looked at. */
	if (mapped <= 1 || mapped > pw_folio_pages(machine->arena, head) ||
	    pw_page_references(machine, head) != mapped || pw_mutant(PW_MUTANT_COW_PARTS_COPIED) ||
	    !pw_folio_trylock(machine, head))
		return false;
	/* With the folio lock, nobody is moving it, whose entries would come back. */
	alone = pw_page_references(machine, head) == mapped_beside(mm, work->va, frame, head) ||
		pw_mutant(PW_MUTANT_COW_PARTS_TAKEN);
	if (alone)
		pw_folio_own(machine->arena, pw_arena_pa(machine->arena, frame));
	pw_folio_unlock(machine, head);
	return alone;
}

static bool take(const struct pw_fault_work *work, uint32_t frame)
{
	struct pw_machine *machine = work->vma->mm->machine;

	return pw_folio_is_large(machine->arena, frame) ? take_part(work, frame)
							: take_alone(machine, frame);
}

/* Makes the entry writable, if the fault is a write. The table lock is held. */
static void reuse(struct pw_fault_work *work)
{
	struct pw_mm *mm = work->vma->mm;
	struct pw_slot *slot = &work->slot;
	uint32_t attr = slot->attr | PW_ACCESSED;

	if (work->flags & PW_FAULT_WRITE)
		attr |= PW_DIRTY | (work->vma->flags & PW_VM_WRITE ? PW_WRITE : 0u);
	/* A CPU may set bits meanwhile. */
	while (slot->kind == PW_SLOT_PAGE &&
	       !pw_slot_swap(mm->space, work->va, slot,
			     pw_slot_change(mm->space, slot, attr | slot->attr)))
		;
	pw_count(&mm->machine->info.cow_reuses, 1);
}

/*
 * Looks at the entry under the table lock, which is held on return if the answer is to copy (true). Otherwise the
 * fault is done. A reference on the old page, if it is counted, is the caller's then.
 */
static bool must_copy(struct pw_fault_work *work)
{
	struct pw_mm *mm = work->vma->mm;
	struct pw_machine *machine = mm->machine;
	struct pw_slot *slot = &work->slot;
	uint32_t frame;

	pw_table_look(mm, work->va, slot);
	if (slot->kind != PW_SLOT_PAGE || slot->level > 0 ||
	    ((work->flags & PW_FAULT_WRITE) && (slot->attr & PW_WRITE))) {
		pw_table_unlock(mm, 1, work->va);
		return false;
	}
	if (!pw_entry_is_counted(mm, slot))
		return true;
	frame = pw_arena_frame(machine->arena, slot->pa);
	if (pw_folio_kind_of(machine->arena, frame) == PW_FOLIO_ANONYMOUS &&
	    (pw_folio_is_exclusive(machine->arena, frame) || take(work, frame))) {
		reuse(work);
		pw_table_unlock(mm, 1, work->va);
		return false;
	}
	/* The entry's own reference keeps the folio until then. */
	pw_folio_get(machine->arena, slot->pa, 1);
	return true;
}

/*
 * Puts the copy in the place of the old page, if the entry is still the same. The old entry goes first, and every
 * CPU forgets it, before the new one can be seen: otherwise one CPU could write to the copy while another still
 * reads the old page (ptep_clear_flush). The table lock is held.
 */
static bool replace(struct pw_fault_work *work, const struct pw_slot *old, uint32_t frame)
{
	struct pw_vma *vma = work->vma;
	struct pw_mm *mm = vma->mm;
	struct pw_machine *machine = mm->machine;
	struct pw_slot *slot = &work->slot, was;

	pw_slot_find(mm->space, work->va, slot);
	if (!pw_mutant(PW_MUTANT_COW_NO_RECHECK) &&
	    (slot->kind != PW_SLOT_PAGE || slot->level > 0 || slot->pa != old->pa ||
	     (slot->attr & PW_WRITE)))
		return false;
	do {
		was = *slot;
		if (!pw_mutant(PW_MUTANT_COW_NO_RECHECK) &&
		    (was.kind != PW_SLOT_PAGE || was.pa != old->pa))
			return false;
	} while (!pw_slot_swap(mm->space, work->va, slot, pw_slot_empty(mm->space, 0)));
	pw_tlb_flush(mm, work->va, work->va + (pw_page_bytes(machine) - 1));
	was = pw_entry_unneeded(mm, &was);
	pw_entry_gone(vma, &was);
	/* Nobody else fills it: this thread has the table lock. */
	pw_slot_swap(mm->space, work->va, slot,
		     pw_vma_leaf(vma, 0, pw_arena_pa(machine->arena, frame), pw_anon_extra(work)));
	pw_entry_came(vma, frame, 1);
	pw_tlb_came(work);
	return true;
}

enum pw_fault_kind pw_fault_copy(struct pw_fault_work *work)
{
	struct pw_vma *vma = work->vma;
	struct pw_mm *mm = vma->mm;
	struct pw_machine *machine = mm->machine;
	const size_t bytes = (size_t)pw_page_bytes(machine);
	struct pw_slot old;
	uint32_t frame;
	bool counted, done;

	if (pw_anon_prepare(vma))
		return PW_FAULT_OOM;
	if (!must_copy(work))
		return PW_FAULT_DONE;
	pw_table_unlock(mm, 1, work->va);
	old = work->slot;
	counted = pw_entry_is_counted(mm, &old);
	if (pw_page_alloc_fault(machine, work, &frame)) {
		if (counted)
			pw_folio_put(machine->arena, old.pa, 1);
		return PW_FAULT_OOM;
	}
	memcpy(pw_page_host(machine, frame), pw_arena_at(machine->arena, old.pa), bytes);
	/* Otherwise the entry says it: see others_agree in reclaim.c. */
	if (!(work->flags & PW_FAULT_WRITE) && !pw_mutant(PW_MUTANT_UNSHARE_CLEAN))
		pw_folio_dirty_held(machine->arena, frame);
	pw_notify_begin(mm, work->va, work->va + (bytes - 1));
	pw_table_lock(mm, 1, work->va);
	done = replace(work, &old, frame);
	pw_table_unlock(mm, 1, work->va);
	pw_notify_end(mm, work->va, work->va + (bytes - 1));
	if (done)
		pw_count(&machine->info.cow_copies, 1);
	else
		pw_page_put(machine, frame, 1);
	/* This call's own reference; and the entry's, if it is gone. */
	if (counted) {
		pw_swap_tidy(machine, pw_arena_frame(machine->arena, old.pa));
		pw_folio_put(machine->arena, old.pa, done ? 2 : 1);
	}
	return PW_FAULT_DONE;
}
