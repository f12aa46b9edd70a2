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
 */
#include <errno.h>

#include "mm/file.h"
#include "mm/huge.h"
#include "mm/rmap.h"
#include "mm/swap.h"

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

int pw_poison(struct pw_machine *machine, pw_pa pa)
{
	uint32_t frame;
	int code;

	if (!machine || !pw_arena_has(machine->arena, pa))
		return -EINVAL;
	frame = pw_arena_frame(machine->arena, pa);
	if (pw_folio_is_zero(machine->arena, frame) || pw_huge_is_zero(machine, frame))
		return -EBUSY;
	if (__atomic_fetch_or(&pw_page_of(machine, frame)->flags, PW_PAGE_POISON,
			      __ATOMIC_SEQ_CST) &
	    PW_PAGE_POISON)
		return -EHWPOISON;
	pw_count(&machine->info.poisoned, 1);
	if (pw_buddy_retire(machine->arena, frame))
		return 0;
	/* It is on its way, from somebody or to somebody: who gets it next is not known. */
	if (!pw_folio_try_get(machine->arena, frame, 1)) {
		mark(machine, frame);
		return -EBUSY;
	}
	mark(machine, frame);
	pw_folio_lock(machine, frame);
	code = poison_locked(machine, frame);
	pw_folio_unlock(machine, frame);
	pw_page_put(machine, frame, 1);
	return code;
}
