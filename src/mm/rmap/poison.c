/* SPDX-License-Identifier: MIT */
/*
 * Memory that breaks: hard offline (memory_failure of the kernel).
 *
 *     free frame                     nobody gets it again
 *     anonymous                      its entries become hwpoison entries: an access gives PW_FAULT_POISON
 *     in the swap cache              clean: as above, and other entries read the slot again. Dirty: it stays in the
 *                                    cache, and whoever comes by a swap entry gets PW_FAULT_POISON
 *     of a file, clean               dropped: the next access reads it again
 *     of a file, dirty               hwpoison entries; the file reports -EIO once; the next one who maps it reads it
 *     shared memory                  hwpoison entries; it stays in the cache, where others meet it
 *     hugetlb                        as shared memory
 *     table, unknown                 -EBUSY
 *
 * The frame is marked first: when its last reference goes, it does not become free. So a page that somebody has
 * pinned stays with its holder (-EBUSY), and goes with it.
 *
 * Soft offline (soft_offline_page): the memory is still good, so the page moves; then the frame is nobody's.
 */
#include <errno.h>

#include "mm/file/file.h"
#include "mm/huge/huge.h"
#include "mm/rmap/rmap.h"
#include "mm/swap/reclaim.h"
#include "mm/swap/swap.h"

static void mark(struct pw_machine *machine, uint32_t frame)
{
	__atomic_fetch_or(&machine->arena->frame[frame].flags, PW_FRAME_BROKEN, __ATOMIC_RELAXED);
}

static bool is_dirty(const struct pw_machine *machine, uint32_t head)
{
	return __atomic_load_n(&machine->arena->frame[head].flags, __ATOMIC_SEQ_CST) &
	       PW_FRAME_DIRTY;
}

/* Has the folio exactly @references beside the caller's one? */
static int result(const struct pw_machine *machine, uint32_t head, uint32_t references)
{
	return pw_page_references(machine, head) == references + 1 ? 0 : -EBUSY;
}

static int poison_anonymous(struct pw_machine *machine, uint32_t frame)
{
	struct pw_page *page = pw_page_of(machine, frame);
	int code = pw_rmap_take(machine, frame, PW_UNMAP_POISON);

	if (code)
		return code;
	if (page->swap != 0 && !is_dirty(machine, frame))
		pw_swap_forget(machine, frame);
	else
		pw_swap_remove(machine, frame);
	return result(machine, frame, page->swap != 0);
}

static int poison_file(struct pw_machine *machine, struct pw_file *file, uint32_t frame)
{
	bool dirty = pw_rmap_clean(machine, frame);
	int code;

	dirty |= is_dirty(machine, frame);
	if (pw_mutant(PW_MUTANT_POISON_DIRTY))
		dirty = false;
	code = pw_rmap_take(machine, frame, dirty ? PW_UNMAP_POISON : PW_UNMAP_EMPTY);
	if (code)
		return code;
	if (dirty) {
		pw_folio_clean(machine->arena, pw_arena_pa(machine->arena, frame));
		__atomic_store_n(&file->error, -EIO, __ATOMIC_RELAXED);
	}
	pw_cache_remove(file, frame);
	return result(machine, frame, 0);
}

/* The page stays where the file finds it, and refuses it. */
static int poison_kept(struct pw_machine *machine, uint32_t head)
{
	uint32_t pages = pw_folio_pages(machine->arena, head);
	int code = pw_rmap_take(machine, head, PW_UNMAP_POISON);

	return code ? code : result(machine, head, pages);
}

/* The folio of @frame is locked, and the caller has a reference by @frame. */
static int poison_locked(struct pw_machine *machine, uint32_t frame)
{
	uint32_t head = pw_folio_head(machine->arena, frame);
	enum pw_folio_kind kind;
	void *owner = pw_page_owner(machine, head, &kind);

	if (kind == PW_FOLIO_HUGETLB)
		return poison_kept(machine, head);
	/* Read from swap, and not mapped: it can be read again. */
	if (kind == PW_FOLIO_NONE && pw_page_of(machine, frame)->swap != 0) {
		pw_swap_forget(machine, frame);
		return result(machine, frame, 0);
	}
	if (!owner || kind == PW_FOLIO_NONE)
		return -EBUSY;
	/* The rest of a large folio is good memory. If somebody holds it, all of it is lost to who maps it. */
	if (pw_split_locked(machine, frame)) {
		pw_rmap_take(machine, pw_folio_head(machine->arena, frame), PW_UNMAP_POISON);
		return -EBUSY;
	}
	switch (kind) {
	case PW_FOLIO_ANONYMOUS:
		return poison_anonymous(machine, frame);
	case PW_FOLIO_FILE:
		return poison_file(machine, owner, frame);
	default:
		return poison_kept(machine, frame);
	}
}

/* Breaks a frame of which the caller has a reference, which it gives up. */
static int break_held(struct pw_machine *machine, uint32_t frame)
{
	int code;

	mark(machine, frame);
	pw_folio_lock(machine, frame);
	code = poison_locked(machine, frame);
	pw_folio_unlock(machine, frame);
	pw_page_put(machine, frame, 1);
	return code;
}

/* Says that the frame is broken. False: that was known. */
static bool set_poisoned(struct pw_machine *machine, uint32_t frame)
{
	if (__atomic_fetch_or(&pw_page_of(machine, frame)->flags, PW_PAGE_POISON,
			      __ATOMIC_SEQ_CST) &
	    PW_PAGE_POISON)
		return false;
	pw_count(&machine->info.poisoned, 1);
	return true;
}

int pw_poison(struct pw_machine *machine, pw_pa pa)
{
	uint32_t frame;

	if (!machine || !pw_arena_has(machine->arena, pa))
		return -EINVAL;
	frame = pw_arena_frame(machine->arena, pa);
	if (pw_folio_is_zero(machine->arena, frame) || pw_huge_is_zero(machine, frame))
		return -EBUSY;
	if (!set_poisoned(machine, frame))
		return -EHWPOISON;
	if (pw_buddy_retire(machine->arena, frame))
		return 0;
	/* It is on its way, from somebody or to somebody: who gets it next is not known. */
	if (!pw_folio_try_get(machine->arena, frame, 1)) {
		mark(machine, frame);
		return -EBUSY;
	}
	return break_held(machine, frame);
}

/* ---- madvise ---- */

/* Nothing has moved the page away from the frame: it may be free again one day, unless it is broken by now. */
static void unmark(struct pw_machine *machine, uint32_t frame)
{
	/* Somebody else's reference is gone: then the frame is, too. */
	if (!pw_folio_try_get(machine->arena, frame, 1))
		return;
	__atomic_fetch_and(&machine->arena->frame[frame].flags, ~(uint32_t)PW_FRAME_BROKEN,
			   __ATOMIC_RELAXED);
	if (pw_page_flags(machine, frame) & PW_PAGE_POISON)
		mark(machine, frame);
	pw_page_put(machine, frame, 1);
}

/* Moves the page of a frame elsewhere, and retires the frame. The caller has a reference, which it gives up. */
static int move_held(struct pw_machine *machine, uint32_t frame)
{
	const pw_pa pa = pw_arena_pa(machine->arena, frame);
	int code;

	/* When its last reference goes, it is not free again. */
	mark(machine, frame);
	pw_page_put(machine, frame, 1);
	code = pw_split_folio(machine, pa);
	if (code == 0 || code == -EINVAL)
		code = pw_migrate(machine, pa);
	if (code)
		unmark(machine, frame);
	else
		(void)set_poisoned(machine, frame);
	return code;
}

/* Brings the page of @va, and takes a reference of it. 0, -EFAULT, -ENOMEM; -EBUSY: a page that nobody can take away. */
static int bring(struct pw_mm *mm, pw_va va, uint32_t *frame_ret)
{
	enum pw_fault_kind kind;
	const struct pw_vma *vma;
	bool device;

	pw_mm_read_lock(mm);
	vma = pw_vma_find(mm, va);
	device = vma && vma->device;
	pw_mm_read_unlock(mm);
	if (device)
		return -EFAULT;
	kind = pw_fault_at(mm, NULL, va, 0, NULL);
	if (kind == PW_FAULT_POISON)
		return -EFAULT;
	if (kind != PW_FAULT_DONE)
		return pw_fault_errno(kind);
	*frame_ret = pw_frame_at(mm, va);
	return *frame_ret == PW_NO_FRAME ? -EBUSY : 0;
}

int pw_poison_range(struct pw_mm *mm, pw_va first, pw_va last, bool soft)
{
	struct pw_machine *machine = mm->machine;

	for (pw_va va = first;;) {
		uint32_t frame = PW_NO_FRAME;
		uint64_t bytes;
		int code = bring(mm, va, &frame);

		if (code)
			return code;
		bytes = (uint64_t)pw_folio_pages(machine->arena, frame) << machine->page_lg2;
		if (soft)
			code = move_held(machine, frame);
		else if (set_poisoned(machine, frame))
			code = break_held(machine, frame);
		else
			pw_page_put(machine, frame, 1);
		if (code || last - va < bytes)
			return code;
		va += bytes;
	}
}
