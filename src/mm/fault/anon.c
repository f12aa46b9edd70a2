/* SPDX-License-Identifier: MIT */
/* Faults on anonymous memory: zero page, new pages. Larger folios are in huge.c. */
#include <errno.h>
#include <string.h>

#include "mm/cpu/cpu_inside.h"
#include "mm/marks.h"
#include "mm/mm.h"

/* The permissions beyond pw_vma_attr that a new private page gets: it belongs to this mm alone. */
uint32_t pw_anon_extra(const struct pw_fault_work *work)
{
	uint32_t extra = PW_ACCESSED;

	if (work->flags & PW_FAULT_WRITE)
		extra |= PW_DIRTY;
	if ((work->vma->flags & PW_VM_WRITE) && !(work->flags & PW_FAULT_UNSHARE) &&
	    !pw_is_protected(work->vma, work->va))
		extra |= PW_WRITE;
	return extra;
}

/*
 * Puts @value where nothing is. Returns 0, -ENOMEM (no table), -ERANGE, or -EAGAIN if something is there now.
 * The caller holds the table lock.
 */
int pw_table_put(struct pw_mm *mm, pw_va va, struct pw_slot *slot, uint64_t value)
{
	int code = pw_slot_reach(mm->space, va, 0, slot);

	if (code)
		return code;
	if ((slot->kind != PW_SLOT_EMPTY || slot->level > 0) &&
	    !pw_mutant(PW_MUTANT_FAULT_STORES_OVER))
		return -EAGAIN;
	if (slot->kind != PW_SLOT_EMPTY)
		return pw_slot_swap(mm->space, va, slot, value) ? 0 : -EAGAIN;
	return pw_slot_fill(mm->space, slot, value) ? 0 : -EAGAIN;
}

static enum pw_fault_kind answer(int code)
{
	/* Another thread was faster: the access is worth another try. */
	return code == 0 || code == -EAGAIN ? PW_FAULT_DONE : PW_FAULT_OOM;
}

static enum pw_fault_kind map_zero(struct pw_fault_work *work)
{
	struct pw_mm *mm = work->vma->mm;
	uint64_t leaf = pw_vma_leaf(work->vma, 0, pw_arena_zero_page(mm->machine->arena),
				    PW_ACCESSED);
	int code;

	pw_table_lock(mm, 1, work->va);
	code = pw_table_put(mm, work->va, &work->slot, leaf);
	if (code == 0)
		pw_tlb_came(work);
	pw_table_unlock(mm, 1, work->va);
	return answer(code);
}

enum pw_fault_kind pw_fault_anon(struct pw_fault_work *work)
{
	struct pw_vma *vma = work->vma;
	struct pw_mm *mm = vma->mm;
	struct pw_machine *machine = mm->machine;
	uint32_t frame;
	int code;

	if (!(work->flags & PW_FAULT_WRITE) && !machine->options.no_zero_page)
		return map_zero(work);
	if (pw_anon_prepare(vma) || pw_page_alloc_fault(machine, work, &frame))
		return PW_FAULT_OOM;
	if (!pw_mutant(PW_MUTANT_FAULT_ZERO_LATE))
		memset(pw_page_host(machine, frame), 0, (size_t)pw_page_bytes(machine));
	pw_table_lock(mm, 1, work->va);
	code = pw_table_put(
		mm, work->va, &work->slot,
		pw_vma_leaf(vma, 0, pw_arena_pa(machine->arena, frame), pw_anon_extra(work)));
	if (code == 0)
		pw_entry_came_near(vma, frame, work->near);
	if (code == 0 && !pw_mutant(PW_MUTANT_CPU_FILL_LATE))
		pw_tlb_came(work);
	pw_table_unlock(mm, 1, work->va);
	if (code == 0 && pw_mutant(PW_MUTANT_CPU_FILL_LATE))
		pw_tlb_came(work);
	if (pw_mutant(PW_MUTANT_FAULT_ZERO_LATE))
		memset(pw_page_host(machine, frame), 0, (size_t)pw_page_bytes(machine));
	if (code)
		pw_page_put(machine, frame, 1);
	return answer(code);
}
