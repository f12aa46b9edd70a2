/* SPDX-License-Identifier: MIT */
/*
 * Faults on files and shared memory: reads, private copies, shared writes, and the first write to a page that
 * is mapped read-only so that its dirtying is noticed.
 *
 * An entry is stored while the page is locked and known to be the file's. So truncate, which takes pages out
 * under that lock, meets every entry.
 */
#include <errno.h>
#include <string.h>

#include "mm/file/file.h"
#include "mm/huge/huge.h"
#include "mm/marks.h"
#include "space/slot_group.h"

/* What an error of pw_cache_page means to a process. */
static enum pw_fault_kind fault_of(int error)
{
	switch (error) {
	case -EAGAIN:
		return PW_FAULT_RETRY;
	case -ENOMEM:
		return PW_FAULT_OOM;
	case -EHWPOISON:
		return PW_FAULT_POISON;
	default:
		return PW_FAULT_ADRERR;
	}
}

static bool writes_shared(const struct pw_vma *vma, bool write)
{
	if (!(vma->flags & PW_VM_SHARED) || !(vma->flags & PW_VM_WRITE))
		return false;
	/* Who tracks dirty pages, or watches writes, wants a fault before the first one. */
	return write || (!pw_file_tracks(vma->file) && pw_vma_attr(vma) & PW_WRITE);
}

static uint32_t extra_attr(const struct pw_vma *vma, bool write)
{
	uint32_t extra = PW_ACCESSED;

	if (writes_shared(vma, write))
		extra |= PW_WRITE;
	return write ? extra | PW_DIRTY : extra;
}

/*
 * Stores the leaf of a locked page where nothing is. The caller's reference becomes the entry's, if the entry is
 * stored. 1: it was; 0: something is there already; else a negative errno.
 */
static int map_page(struct pw_vma *vma, pw_va va, uint32_t frame, uint32_t extra)
{
	struct pw_mm *mm = vma->mm;
	const pw_pa pa = pw_arena_pa(mm->machine->arena, frame);

	if (pw_is_protected(vma, va))
		extra &= ~(uint32_t)PW_WRITE;
	for (;;) {
		struct pw_slot slot;
		int error = pw_slot_reach(mm->space, va, 0, &slot);
		bool stored = false, again;

		if (error)
			return error;
		pw_table_look(mm, va, &slot);
		/* The table was empty, and somebody took it. */
		again = slot.kind == PW_SLOT_EMPTY && slot.level > 0;
		if (slot.kind == PW_SLOT_EMPTY && slot.level == 0)
			stored = pw_slot_fill(mm->space, &slot, pw_vma_leaf(vma, 0, pa, extra));
		if (stored)
			pw_entry_came(vma, frame, 1);
		pw_table_unlock(mm, 1, va);
		if (!again)
			return stored;
	}
}

/* Maps a page, unlocks it, and drops the reference if no entry has it. */
static enum pw_fault_kind finish(struct pw_fault_work *work, uint32_t frame, uint32_t extra)
{
	struct pw_machine *machine = work->vma->mm->machine;
	int mapped;

	if (pw_mutant(PW_MUTANT_FILE_MAP_UNLOCKED))
		pw_folio_unlock(machine, frame);
	mapped = pw_file_map_large(work, frame, extra)
			 ? 1
			 : map_page(work->vma, work->va, frame, extra);
	if (!pw_mutant(PW_MUTANT_FILE_MAP_UNLOCKED))
		pw_folio_unlock(machine, frame);
	if (mapped <= 0)
		pw_page_put(machine, frame, 1);
	return mapped < 0 ? PW_FAULT_OOM : PW_FAULT_DONE;
}

/* ---- reads ---- */

/* Maps the page of the cache at @va, if it is there, has content, and nobody works on it. */
static void map_neighbour(struct pw_vma *vma, pw_va va)
{
	struct pw_machine *machine = vma->mm->machine;
	struct pw_file *file = vma->file;
	const uint64_t index = pw_vma_index(vma, va);
	enum pw_folio_kind kind;
	uint32_t frame;
	int mapped = 0;

	if (pw_cache_find(file, index, &frame) != PW_CACHED_PAGE)
		return;
	if (pw_folio_trylock(machine, frame)) {
		uint32_t head = pw_folio_head(machine->arena, frame);
		uint32_t flags = __atomic_load_n(&pw_page_of(machine, frame)->flags,
						 __ATOMIC_ACQUIRE);

		if (pw_page_owner(machine, head, &kind) == file &&
		    pw_page_of(machine, head)->index + (frame - head) == index &&
		    index * file->page_bytes < pw_file_size(file) &&
		    (flags & (PW_PAGE_VALID | PW_PAGE_POISON)) == PW_PAGE_VALID)
			mapped = map_page(vma, va, frame,
					  extra_attr(vma, false) & ~(uint32_t)PW_ACCESSED);
		pw_folio_unlock(machine, frame);
	}
	if (mapped <= 0)
		pw_page_put(machine, frame, 1);
}

/*
 * A window around a fault: from a multiple of its size, or where the VMA begins, and inside the VMA and one table
 * (do_fault_around). The page itself is left to the caller.
 */
static void map_around(struct pw_fault_work *work)
{
	struct pw_vma *vma = work->vma;
	const uint64_t page = pw_page_bytes(vma->mm->machine);
	const struct pw_format *f = vma->mm->machine->format;
	const pw_va mask = (pw_va)pw_mask(PW_AROUND_LG2);
	const pw_va table = (pw_va)pw_mask(f->shift[0] + f->bits[0]);
	pw_va first = work->va & ~(mask < table ? mask : table), last;

	if (first < vma->first)
		first = vma->first;
	last = pw_min(work->va | table, vma->last);
	if (last - first > mask)
		last = first + mask;
	/* Linux leaves it out, too, where a handler wants every fault. */
	if (vma->flags & (PW_VM_USER_MISSING | PW_VM_USER_PROTECT | PW_VM_USER_MINOR))
		return;
	for (pw_va va = first; va <= last; va += page) {
		if (va != work->va)
			map_neighbour(vma, va);
		if (last - va < page)
			break;
	}
}

static int get_page(struct pw_fault_work *work, uint32_t *frame_ret)
{
	const unsigned kept = PW_FAULT_NOWAIT | PW_FAULT_LONGTERM;
	const struct pw_vma *vma = work->vma;
	unsigned flags = work->flags & kept;

	if (vma->flags & PW_VM_HUGEPAGE)
		flags |= PW_CACHE_LARGE;
	if (vma->flags & PW_VM_NOHUGEPAGE)
		flags |= PW_CACHE_SMALL;
	return pw_cache_page(vma->file, pw_vma_index(vma, work->va), flags, frame_ret,
			     &work->major);
}

static enum pw_fault_kind read_page(struct pw_fault_work *work)
{
	uint32_t frame;
	int error = get_page(work, &frame);
	enum pw_fault_kind kind = error ? fault_of(error)
					: finish(work, frame, extra_attr(work->vma, false));

	/* Linux maps the others first: so also where this page is beyond the end of the file. */
	if (kind == PW_FAULT_DONE || (error && !pw_mutant(PW_MUTANT_AROUND_INSIDE)))
		map_around(work);
	return kind;
}

/* ---- private copies ---- */

/*
 * The copy is made while the page is locked and is the file's, and it is mapped before the page is unlocked: so
 * truncate, which takes copies away after it has taken the pages, does not miss it.
 */
static enum pw_fault_kind copy_page(struct pw_fault_work *work)
{
	struct pw_vma *vma = work->vma;
	struct pw_machine *machine = vma->mm->machine;
	const uint64_t index = pw_vma_index(vma, work->va);
	uint32_t frame, copy, extra = PW_ACCESSED | PW_DIRTY;
	int error, mapped;

	if (pw_anon_prepare(vma))
		return PW_FAULT_OOM;
	error = pw_page_alloc(machine, 0, PW_FOLIO_ANONYMOUS, vma->anon, index,
			      work->flags & PW_FAULT_LONGTERM, &copy);
	if (error)
		return PW_FAULT_OOM;
	error = get_page(work, &frame);
	if (error) {
		pw_page_put(machine, copy, 1);
		return fault_of(error);
	}
	memcpy(pw_page_host(machine, copy), pw_page_host(machine, frame),
	       (size_t)pw_page_bytes(machine));
	__atomic_fetch_or(&pw_page_of(machine, copy)->flags, PW_PAGE_VALID, __ATOMIC_RELEASE);
	pw_folio_dirty_held(machine->arena, copy);
	/* A debugger writes where the process may not: the page is its copy, and stays read-only. */
	if (vma->flags & PW_VM_WRITE)
		extra |= PW_WRITE;
	mapped = map_page(vma, work->va, copy, extra);
	pw_folio_unlock(machine, frame);
	pw_page_put(machine, frame, 1);
	if (mapped <= 0)
		pw_page_put(machine, copy, 1);
	else
		pw_count(&machine->info.cow_copies, 1);
	return mapped < 0 ? PW_FAULT_OOM : PW_FAULT_DONE;
}

/* ---- shared writes ---- */

static enum pw_fault_kind write_page(struct pw_fault_work *work)
{
	struct pw_machine *machine = work->vma->mm->machine;
	uint32_t frame;
	int error = get_page(work, &frame);

	if (error)
		return fault_of(error);
	/* The notification: before any store, under the lock that write back holds when it clears the flag. */
	pw_folio_dirty_held(machine->arena, frame);
	return finish(work, frame, extra_attr(work->vma, true));
}

enum pw_fault_kind pw_fault_file(struct pw_fault_work *work)
{
	if (pw_user_wants_file(work))
		return PW_FAULT_RETRY;
	if (!(work->flags & PW_FAULT_WRITE))
		return read_page(work);
	return work->vma->flags & PW_VM_SHARED ? write_page(work) : copy_page(work);
}

void pw_leaf_add(struct pw_vma *vma, pw_va va, pw_pa pa, uint32_t add)
{
	struct pw_mm *mm = vma->mm;
	struct pw_slot slot;
	unsigned level;

	pw_table_peek(mm, va, &slot);
	level = slot.level > 1 ? slot.level : 1;
	pw_table_lock(mm, level, va);
	pw_slot_find(mm->space, va, &slot);
	if (add & PW_WRITE && slot.kind == PW_SLOT_PAGE && !(vma->flags & PW_VM_HUGETLB))
		(void)pw_soft_dirty_set(vma, va, mm->machine->format->shift[slot.level]);
	/* A CPU may set bits of the leaf meanwhile: then it is tried again with what is there. */
	while (slot.kind == PW_SLOT_PAGE && slot.pa == pa && (slot.attr & add) != add) {
		/* A group stays one if its permissions do. */
		if (add & PW_WRITE ? pw_slot_swap(mm->space, va, &slot,
						  pw_slot_change(mm->space, &slot, slot.attr | add))
				   : pw_slot_mark(mm->space, va, &slot, slot.attr | add))
			break;
	}
	pw_table_unlock(mm, level, va);
}

/* Takes a reference on the page behind the entry, if it is still there. */
static bool take_mapped(struct pw_fault_work *work, uint32_t *frame_ret, pw_pa *pa_ret)
{
	struct pw_mm *mm = work->vma->mm;
	const unsigned level = work->slot.level > 1 ? work->slot.level : 1;
	struct pw_slot slot;
	bool taken = false;

	pw_table_lock(mm, level, work->va);
	pw_slot_find(mm->space, work->va, &slot);
	if (slot.kind == PW_SLOT_PAGE && pw_entry_is_counted(mm, &slot)) {
		*pa_ret = slot.pa;
		*frame_ret = pw_arena_frame(mm->machine->arena, slot.pa);
		taken = pw_folio_try_get(mm->machine->arena, *frame_ret, 1);
	}
	pw_table_unlock(mm, level, work->va);
	return taken;
}

enum pw_fault_kind pw_fault_dirty(struct pw_fault_work *work)
{
	struct pw_vma *vma = work->vma;
	struct pw_machine *machine = vma->mm->machine;
	enum pw_folio_kind kind;
	uint32_t frame;
	pw_pa pa;

	if (!(vma->flags & PW_VM_WRITE) || !take_mapped(work, &frame, &pa))
		return PW_FAULT_DONE;
	pw_folio_lock(machine, frame);
	/*
	 * Decided under the lock: a page that was truncated has no owner, and its entry goes. Then the access
	 * is tried again, and finds no entry.
	 */
	if (pw_page_owner(machine, frame, &kind) == vma->file ||
	    pw_mutant(PW_MUTANT_DIRTY_NO_MAPPING)) {
		if (!pw_mutant(PW_MUTANT_DIRTY_UNNOTICED))
			pw_folio_dirty_held(machine->arena, frame);
		pw_leaf_add(vma, work->va, pa, PW_WRITE | PW_DIRTY | PW_ACCESSED);
	}
	pw_folio_unlock(machine, frame);
	pw_page_put(machine, frame, 1);
	return PW_FAULT_DONE;
}
