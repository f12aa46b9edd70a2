/* SPDX-License-Identifier: MIT */
/*
 * NUMA hints: entries that nobody may access, in VMAs that permit it. The next access faults, which tells who uses
 * the page; then the entry is as before. A pin goes through a hint unless it asks for the fault (PW_PIN_NUMA).
 */
#include <errno.h>

#include "format/format.h"
#include "mm/file/file.h"
#include "mm/marks.h"

struct hint {
	struct pw_vma *vma;
	pw_va first, last;
	struct pw_zap zap; /* for the TLBs alone: pages stay where they are */
	uint64_t bytes;
};

static void lock(void *context, unsigned level, pw_va va)
{
	struct hint *hint = context;

	pw_table_lock(hint->vma->mm, level, va);
}

static void unlock(void *context, unsigned level, pw_va va)
{
	struct hint *hint = context;

	pw_table_unlock(hint->vma->mm, level, va);
}

/* Would a hint about this page serve anybody? Not for pages that stay where they are. */
static bool may_move(const struct hint *hint, const struct pw_slot *slot)
{
	const struct pw_machine *machine = hint->vma->mm->machine;

	return slot->kind == PW_SLOT_PAGE && !pw_slot_is_hidden(slot) &&
	       pw_entry_is_counted(hint->vma->mm, slot) &&
	       !pw_page_maybe_pinned(machine, pw_arena_frame(machine->arena, slot->pa));
}

static int entry(void *context, pw_va va, struct pw_slot *slot, uint64_t *value)
{
	struct hint *hint = context;
	struct pw_mm *mm = hint->vma->mm;
	const pw_va last = va + (((pw_va)1 << mm->machine->format->shift[slot->level]) - 1);

	if (!may_move(hint, slot))
		return PW_VISIT_KEEP;
	if (va < hint->first || last > hint->last)
		return PW_VISIT_SPLIT;
	*value = pw_slot_prot_none(mm->space, slot->level, slot->pa);
	/* This format has no entry that keeps a page and permits nothing. */
	return *value == pw_slot_empty(mm->space, slot->level) ? PW_VISIT_KEEP : PW_VISIT_STORE;
}

static void stored(void *context, pw_va va, const struct pw_slot *was)
{
	struct hint *hint = context;
	struct pw_machine *machine = hint->vma->mm->machine;
	const uint64_t bytes = UINT64_C(1) << machine->format->shift[was->level];

	/* The new entry has no room for it. */
	if (was->attr & PW_DIRTY)
		pw_folio_dirty_held(machine->arena, pw_arena_frame(machine->arena, was->pa));
	pw_zap_flush(&hint->zap, va, bytes);
	hint->bytes += bytes;
}

static uint64_t hint_vma(struct pw_vma *vma, pw_va first, pw_va last)
{
	struct hint hint = { .vma = vma, .first = first, .last = last };
	const struct pw_visitor visitor = {
		.lock = lock, .unlock = unlock, .entry = entry, .stored = stored, .context = &hint
	};

	pw_zap_begin(&hint.zap, vma->mm);
	pw_notify_begin(vma->mm, first, last);
	/* Without memory to split a page, fewer pages get a hint. */
	(void)pw_slot_visit(vma->mm->space, first, last, &visitor);
	pw_zap_end(&hint.zap);
	pw_notify_end(vma->mm, first, last);
	return hint.bytes;
}

/* Read-only pages of files are many processes'; hugetlb and devices do not move (task_numa_work). */
static bool wants_hints(const struct pw_vma *vma)
{
	const uint32_t access = PW_VM_READ | PW_VM_WRITE;

	if (vma->flags & (PW_VM_HUGETLB | PW_VM_PFNMAP | PW_VM_IO | PW_VM_SECRET))
		return false;
	if (vma->file && (vma->flags & access) == PW_VM_READ)
		return false;
	return vma->flags & (access | PW_VM_EXEC);
}

uint64_t pw_numa_hint(struct pw_mm *mm, pw_va va, uint64_t bytes)
{
	const pw_va page = pw_mask(mm->machine->page_lg2), first = va & ~page;
	const pw_va last = (va + (bytes - 1)) | page;
	uint64_t sum = 0;

	if (bytes == 0 || last < first || !pw_arena_mine(mm->machine->arena))
		return 0;
	pw_mm_read_lock(mm);
	for (struct pw_vma *vma = pw_vma_at_or_above(mm, first); vma && vma->first <= last;
	     vma = pw_vma_next(vma))
		if (wants_hints(vma))
			sum += hint_vma(vma, vma->first > first ? vma->first : first,
					vma->last < last ? vma->last : last);
	pw_mm_read_unlock(mm);
	return sum;
}

/*
 * What a leaf gets back beyond pw_vma_attr (can_change_pte_writable). A page that is written without a fault must
 * be this mm's alone, and nobody may wait for the write.
 */
static uint32_t extra(const struct pw_fault_work *work)
{
	const struct pw_vma *vma = work->vma;
	const struct pw_arena *arena = vma->mm->machine->arena;
	const uint32_t frame = pw_arena_frame(arena, work->slot.pa);

	if (!(vma->flags & PW_VM_WRITE) || pw_is_protected(vma, work->va))
		return PW_ACCESSED;
	if (vma->flags & PW_VM_SHARED)
		return pw_file_tracks(vma->file) ? PW_ACCESSED : PW_ACCESSED | PW_WRITE;
	if (work->slot.level > 0 || pw_folio_kind_of(arena, frame) != PW_FOLIO_ANONYMOUS ||
	    !pw_folio_is_exclusive(arena, frame))
		return PW_ACCESSED;
	return PW_ACCESSED | PW_WRITE;
}

enum pw_fault_kind pw_fault_numa(struct pw_fault_work *work)
{
	const uint32_t access = PW_VM_READ | PW_VM_WRITE | PW_VM_EXEC;
	struct pw_mm *mm = work->vma->mm;
	struct pw_slot *slot = &work->slot;
	const unsigned level = slot->level;
	const pw_va at = work->va & ~(pw_va)pw_mask(mm->machine->format->shift[level]);

	/* Not a hint: the VMA itself permits nothing. */
	if (!(work->vma->flags & access))
		return PW_FAULT_ACCERR;
	pw_table_lock(mm, level, work->va);
	pw_slot_find(mm->space, work->va, slot);
	if (pw_slot_is_hidden(slot) && slot->level == level) {
		const uint64_t leaf = pw_vma_leaf(work->vma, level, slot->pa, extra(work));

		pw_slot_swap(mm->space, at, slot, leaf);
	}
	pw_table_unlock(mm, level, work->va);
	return PW_FAULT_DONE;
}
