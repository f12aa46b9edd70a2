/* SPDX-License-Identifier: MIT */
/*
 * MADV_FREE: memory that is given up, and dropped when memory is short, unless it is written to before
 * (madvise_free_pte_range, folio_mark_lazyfree). reclaim.c drops it.
 */
#include <errno.h>

#include "mm/marks.h"
#include "mm/rmap/rmap.h"
#include "mm/soft.h"
#include "mm/swap/reclaim.h"
#include "mm/swap/swap.h"

struct free_range {
	struct pw_vma *vma;
	pw_va first, last;
	pw_va next; /* where to go on after -EAGAIN */
	uint32_t whole; /* head of the folio that is all in the range: pw_folio_fills */
	uint32_t part; /* of a folio to be split first, with a reference; PW_NO_FRAME: none */
	uint32_t
		shared; /* the same of a folio that others map, too: is it locked in memory there? */
	uint32_t asked; /* head of the last one of which that is known */
	bool locked; /* that it is */
	struct pw_zap zap;
};

static void lock_table(void *context, unsigned level, pw_va va)
{
	const struct free_range *range = context;

	pw_table_lock(range->vma->mm, level, va);
}

static void unlock_table(void *context, unsigned level, pw_va va)
{
	const struct free_range *range = context;

	pw_table_unlock(range->vma->mm, level, va);
}

/* Can an entry that must not be written to say that its page was? That of arm's hardware cannot. */
static bool says_dirty(const struct pw_space *space)
{
	const uint32_t attr = PW_READ | PW_USER | PW_ACCESSED;

	return pw_slot_leaf(space, 0, 0, attr) != pw_slot_leaf(space, 0, 0, attr | PW_DIRTY);
}

/*
 * May the folio of @head be dropped, as far as the others who map it are concerned? The entries of a base page say
 * themselves who has written to it, unless the page does. This depends on a rule that all who give a page its content
 * keep: unless it is all zeros, given up (PW_PAGE_LAZY), or the same in its swap slot, the page is dirty, or the entry
 * is through which it got the content, or a copy of that entry. A page that was copied for somebody has content, too.
 */
static bool others_agree(const struct pw_mm *mm, uint32_t head)
{
	const struct pw_machine *machine = mm->machine;
	const struct pw_page *page = pw_page_of(machine, head);
	const uint32_t pages = pw_folio_pages(machine->arena, head);

	if (__atomic_load_n(&page->mapped, __ATOMIC_RELAXED) == pages ||
	    pw_mutant(PW_MUTANT_FREE_SHARED))
		return true;
	return pages == 1 && __atomic_load_n(&page->swap, __ATOMIC_RELAXED) == 0 &&
	       !pw_page_is_dirty(machine, head) && says_dirty(mm->space);
}

/* Do other entries than one for each page map the folio of @head? */
static bool others_map(const struct pw_machine *machine, uint32_t head)
{
	const uint32_t *mapped = &pw_page_of(machine, head)->mapped;

	return __atomic_load_n(mapped, __ATOMIC_RELAXED) > pw_folio_pages(machine->arena, head);
}

/* Makes the folio of @head one that may be dropped. Under the table lock. */
static bool make_lazy(struct pw_mm *mm, uint32_t head)
{
	struct pw_machine *machine = mm->machine;
	struct pw_page *page = pw_page_of(machine, head);
	bool lazy;

	if (!others_agree(mm, head) || !pw_folio_trylock(machine, head))
		return false;
	pw_swap_remove(machine, head);
	lazy = others_agree(mm, head) && page->swap == 0;
	if (lazy) {
		pw_folio_clean(machine->arena, pw_arena_pa(machine->arena, head));
		__atomic_fetch_and(&page->flags, ~(uint32_t)PW_PAGE_USED, __ATOMIC_RELAXED);
		__atomic_fetch_or(&page->flags, PW_PAGE_LAZY, __ATOMIC_RELAXED);
	}
	pw_folio_unlock(machine, head);
	return lazy;
}

/*
 * May the folio of @head be given up as a whole with the entry at @va, or with those beside it? Its dirty flag says
 * for all of its pages whether they are to be kept.
 */
static bool all_of_it(struct free_range *range, pw_va va, const struct pw_slot *slot, uint32_t head)
{
	const struct pw_machine *machine = range->vma->mm->machine;
	const unsigned lg2 = pw_link_order(pw_frame_link(machine->arena, head)) + machine->page_lg2;

	if (lg2 <= machine->format->shift[slot->level] || pw_mutant(PW_MUTANT_FREE_WHOLE))
		return true;
	if (slot->level == 0 && pw_arena_frame(machine->arena, slot->pa) == head &&
	    pw_folio_fills(range->vma->mm, va, range->last, head))
		range->whole = head;
	return range->whole == head;
}

static int free_entry(void *context, pw_va va, struct pw_slot *slot, uint64_t *value)
{
	struct free_range *range = context;
	struct pw_mm *mm = range->vma->mm;
	struct pw_machine *machine = mm->machine;
	uint64_t bytes = UINT64_C(1) << machine->format->shift[slot->level];
	uint32_t head;

	if (pw_slot_is_soft(mm->space, slot, PW_SOFT_SWAP) || pw_slot_is_poison(mm->space, slot))
		return PW_VISIT_DROP;
	if (slot->kind != PW_SLOT_PAGE || !pw_entry_is_counted(mm, slot))
		return PW_VISIT_KEEP;
	head = pw_folio_head(machine->arena, pw_arena_frame(machine->arena, slot->pa));
	if (pw_head_kind(machine->arena, head) != PW_FOLIO_ANONYMOUS)
		return PW_VISIT_KEEP;
	/* A part. If others map the folio, too, nothing of it can be given up, and the leaf stays. */
	if (va < range->first || bytes - 1 > range->last - va)
		return others_agree(mm, head) || pw_mutant(PW_MUTANT_SPLIT_SHARED) ? PW_VISIT_SPLIT
										   : PW_VISIT_KEEP;
	if (!all_of_it(range, va, slot, head)) {
		range->next = va;
		range->part = head;
		/* The entry has a reference, so there is one more unless the count is full. */
		return pw_folio_try_get(machine->arena, head, 1) ? -EAGAIN : PW_VISIT_KEEP;
	}
	if (range->asked != head && others_map(machine, head) && others_agree(mm, head)) {
		range->next = va;
		range->shared = head;
		return pw_folio_try_get(machine->arena, head, 1) ? -EAGAIN : PW_VISIT_KEEP;
	}
	if ((range->asked == head && range->locked) || !make_lazy(mm, head))
		return PW_VISIT_KEEP;
	*value = pw_slot_change(mm->space, slot, slot->attr & ~(uint32_t)(PW_DIRTY | PW_ACCESSED));
	return *value == slot->entry ? PW_VISIT_KEEP : PW_VISIT_STORE;
}

static void freed_entry(void *context, pw_va va, const struct pw_slot *was)
{
	struct free_range *range = context;
	struct pw_machine *machine = range->vma->mm->machine;

	pw_zap_flush(&range->zap, va, UINT64_C(1) << machine->format->shift[was->level]);
	if (was->kind != PW_SLOT_SOFT)
		return;
	if (!pw_mutant(PW_MUTANT_SOFT_DIRTY_FREED))
		pw_marks_clear(range->vma->mm, va, va, PW_MARK_SOFT_DIRTY);
	pw_entry_gone(range->vma, was);
	if (pw_slot_is_soft(range->vma->mm->space, was, PW_SOFT_SWAP))
		pw_swap_put(machine, (uint32_t)was->soft.offset, 1);
}

/* Splits the folio that the last pass met. Where that cannot be, the page stays as it is. */
static void split_part(struct free_range *range)
{
	struct pw_machine *machine = range->vma->mm->machine;
	const uint32_t frame = range->part;
	bool done;

	range->part = PW_NO_FRAME;
	done = pw_split_ours(range->vma, frame, false);
	pw_page_put(machine, frame, 1);
	if (!done)
		range->next += pw_page_bytes(machine);
}

/*
 * Is the folio that the last pass met locked in memory by another address space? Such a page is not given up
 * (folio_mark_lazyfree). What cannot be asked stays as it is, too.
 */
static void ask_others(struct free_range *range)
{
	struct pw_machine *machine = range->vma->mm->machine;
	const uint32_t head = range->shared;

	range->shared = PW_NO_FRAME;
	range->asked = head;
	range->locked = true;
	if (pw_folio_trylock(machine, head)) {
		range->locked = pw_rmap_is_locked(machine, head) &&
				!pw_mutant(PW_MUTANT_FREE_LOCKED);
		pw_folio_unlock(machine, head);
	}
	pw_page_put(machine, head, 1);
}

static int free_from(struct free_range *range, pw_va first)
{
	const struct pw_visitor visitor = {
		.lock = lock_table,
		.unlock = unlock_table,
		.entry = free_entry,
		.stored = freed_entry,
		.context = range,
	};
	struct pw_mm *mm = range->vma->mm;
	int code;

	range->whole = PW_NO_FRAME;
	pw_notify_begin(mm, first, range->last);
	pw_zap_begin(&range->zap, mm);
	code = pw_slot_visit(mm->space, first, range->last, &visitor);
	pw_zap_end(&range->zap);
	pw_notify_end(mm, first, range->last);
	return code;
}

int pw_vma_free_lazily(struct pw_vma *vma, pw_va first, pw_va last)
{
	struct free_range range = {
		.vma = vma,
		.first = first,
		.last = last,
		.next = first,
		.part = PW_NO_FRAME,
		.shared = PW_NO_FRAME,
		.asked = PW_NO_FRAME,
	};
	int code;

	/* No entry is at the end of all addresses, so `next` does not wrap. */
	do {
		code = free_from(&range, range.next);
		if (code == -EAGAIN && range.shared != PW_NO_FRAME)
			ask_others(&range);
		else if (code == -EAGAIN)
			split_part(&range);
	} while (code == -EAGAIN && range.next <= last);
	return code == -EAGAIN ? 0 : code;
}
