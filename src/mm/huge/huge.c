/* SPDX-License-Identifier: MIT */
/* Huge anonymous pages: when a fault makes one, and when a write copies one. */
#include <errno.h>
#include <string.h>

#include "format/format.h"
#include "mm/huge/huge.h"
#include "mm/marks.h"

/* A huge leaf takes at most this share of the memory: the lowest level, and those above it. */
enum { SHARE_LOWEST = 4, SHARE_ABOVE = 16 };

/* A fault needs a smaller page; in this file only. */
static const enum pw_fault_kind FALL_BACK = (enum pw_fault_kind)64;
static const uint32_t ACCESSIBLE = PW_VM_READ | PW_VM_WRITE | PW_VM_EXEC;

unsigned pw_huge_top(const struct pw_format *format, uint64_t bytes)
{
	unsigned top = 0;

	for (unsigned level = 1; level < format->levels; level++) {
		const unsigned lg2 = format->shift[level];

		if (!(format->leaf_levels >> level & 1) || lg2 - format->shift[0] >= PW_ORDERS)
			continue;
		if (bytes >> lg2 >= (top == 0 ? SHARE_LOWEST : SHARE_ABOVE))
			top = level;
	}
	return top;
}

/* Are there leaves of this level, all of the level's own size? */
static bool has_leaves(const struct pw_mm *mm, unsigned level)
{
	return pw_slot_leaves(mm->space) >> mm->machine->format->shift[level] & 1;
}

unsigned pw_huge_lowest(const struct pw_mm *mm)
{
	for (unsigned level = 1; level <= mm->machine->huge_level; level++)
		if (has_leaves(mm, level))
			return level;
	return 0;
}

bool pw_huge_allowed(const struct pw_vma *vma, bool advised)
{
	const uint32_t never = PW_VM_NOHUGEPAGE | PW_VM_PFNMAP | PW_VM_IO | PW_VM_HUGETLB |
			       PW_VM_SECRET;
	const enum pw_huge_policy policy = vma->mm->machine->options.huge;

	if ((vma->flags & never) || vma->device)
		return false;
	if (advised)
		return true;
	return policy == PW_HUGE_ALWAYS ||
	       (policy == PW_HUGE_MADVISE && (vma->flags & PW_VM_HUGEPAGE));
}

/* Does the VMA hold the whole page of 2^@lg2 bytes around @va? */
static bool holds(const struct pw_vma *vma, pw_va va, unsigned lg2)
{
	return (va & ~pw_mask(lg2)) >= vma->first && (va | pw_mask(lg2)) <= vma->last;
}

/* A base page is cheaper than reclaim. */
bool pw_huge_plenty(const struct pw_machine *machine, unsigned lg2)
{
	return pw_arena_free_bytes(machine->arena) >> lg2 >= 2;
}

/*
 * Allocates a folio of zeros for the 2^@lg2 bytes at @start, with a reference for each page. False: a smaller
 * one has to do.
 */
static bool new_folio(struct pw_fault_work *work, pw_va start, unsigned lg2, uint32_t *frame_ret)
{
	struct pw_vma *vma = work->vma;
	struct pw_machine *machine = vma->mm->machine;
	const unsigned order = lg2 - machine->page_lg2;

	if (!pw_huge_plenty(machine, lg2) ||
	    pw_page_alloc(machine, order, PW_FOLIO_ANONYMOUS, vma->anon, pw_vma_index(vma, start),
			  work->flags & PW_FAULT_LONGTERM, frame_ret))
		return false;
	/* The leaf is writable as a whole. */
	if (pw_anon_extra(work) & PW_WRITE && !pw_soft_dirty_set(vma, start, lg2)) {
		pw_page_put(machine, *frame_ret, 1);
		return false;
	}
	memset(pw_page_host(machine, *frame_ret), 0, (size_t)1 << lg2);
	__atomic_fetch_or(&pw_page_of(machine, *frame_ret)->flags, PW_PAGE_VALID, __ATOMIC_RELAXED);
	/* The folio is new: its count cannot be full. */
	(void)pw_folio_try_get(machine->arena, *frame_ret, (UINT32_C(1) << order) - 1);
	return true;
}

/* Stores @leaf at @start if nothing came there meanwhile; it maps @pages pages of the folio of @frame, or zeros. */
static bool store_leaf(struct pw_vma *vma, pw_va start, struct pw_slot *slot, uint64_t leaf,
		       uint32_t frame, uint32_t pages)
{
	struct pw_mm *mm = vma->mm;
	const unsigned level = slot->level;
	bool done;

	pw_table_lock(mm, level, start);
	pw_slot_again(mm->space, start, slot);
	done = slot->kind == PW_SLOT_EMPTY && pw_slot_swap(mm->space, start, slot, leaf);
	if (done && !pw_huge_is_zero(mm->machine, frame))
		pw_entry_came(vma, frame, pages);
	pw_table_unlock(mm, level, start);
	if (done)
		pw_count(&mm->machine->info.huge_faults, 1);
	return done;
}

/* The pages of a leaf of this level. */
static uint32_t pages_of(const struct pw_machine *machine, unsigned level)
{
	return UINT32_C(1) << (machine->format->shift[level] - machine->page_lg2);
}

/* Maps the new folio of @frame at @start with a leaf of the slot's level, or drops it. */
static void put_leaf(struct pw_fault_work *work, pw_va start, struct pw_slot *slot, uint32_t frame)
{
	struct pw_machine *machine = work->vma->mm->machine;
	const unsigned level = slot->level;
	const uint64_t leaf = pw_vma_leaf(work->vma, level, pw_arena_pa(machine->arena, frame),
					  pw_anon_extra(work));

	if (!store_leaf(work->vma, start, slot, leaf, frame, pages_of(machine, level)))
		pw_page_put(machine, frame, pages_of(machine, level));
}

/* Finds the entry of @level for the page of its size around the fault. Is it empty, and may it become a leaf? */
static bool reach_empty(struct pw_fault_work *work, unsigned level, struct pw_slot *slot)
{
	struct pw_mm *mm = work->vma->mm;
	const unsigned lg2 = mm->machine->format->shift[level];

	return holds(work->vma, work->va, lg2) && has_leaves(mm, level) &&
	       pw_slot_reach(mm->space, work->va & ~pw_mask(lg2), level, slot) == 0 &&
	       slot->level == level && slot->kind == PW_SLOT_EMPTY;
}

/* A leaf of @level. */
static bool fault_leaf(struct pw_fault_work *work, unsigned level)
{
	struct pw_machine *machine = work->vma->mm->machine;
	const unsigned lg2 = machine->format->shift[level];
	const pw_va start = work->va & ~pw_mask(lg2);
	struct pw_slot slot;
	uint32_t frame;

	if (!reach_empty(work, level, &slot) || !new_folio(work, start, lg2, &frame))
		return false;
	put_leaf(work, start, &slot, frame);
	return true;
}

/* ---- the huge zero page ---- */

bool pw_huge_is_zero(const struct pw_machine *machine, uint32_t frame)
{
	const uint32_t zero = __atomic_load_n(&machine->huge_zero, __ATOMIC_ACQUIRE);

	return zero != 0 && pw_folio_head(machine->arena, frame) == zero - 1;
}

/*
 * The huge zero page, of 2^@lg2 bytes. It is made by the first fault that wants it, stays as long as the machine,
 * and has no counts. PW_NO_FRAME: there is no memory for it.
 */
static uint32_t zero_frame(struct pw_machine *machine, unsigned lg2)
{
	const unsigned order = lg2 - machine->page_lg2;
	uint32_t zero = __atomic_load_n(&machine->huge_zero, __ATOMIC_ACQUIRE), frame;

	if (zero != 0)
		return zero - 1;
	if (machine->options.bytes >> lg2 < SHARE_ABOVE || !pw_huge_plenty(machine, lg2) ||
	    pw_page_alloc(machine, order, PW_FOLIO_NONE, NULL, 0, true, &frame))
		return PW_NO_FRAME;
	memset(pw_page_host(machine, frame), 0, (size_t)1 << lg2);
	/* Releases the zeros. Partner: the loads of huge_zero. The loser of a race uses the winner's. */
	if (__atomic_compare_exchange_n(&machine->huge_zero, &zero, frame + 1, false,
					__ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return frame;
	pw_page_put(machine, frame, 1);
	return zero - 1;
}

static bool fault_zero(struct pw_fault_work *work)
{
	struct pw_mm *mm = work->vma->mm;
	struct pw_machine *machine = mm->machine;
	const unsigned level = pw_huge_lowest(mm);
	struct pw_slot slot;
	uint32_t frame;

	if (level == 0 || !reach_empty(work, level, &slot))
		return false;
	/* As for pages that are written to: so fork copies the entry, and neighbours merge or do not. */
	if (pw_anon_prepare(work->vma))
		return false;
	frame = zero_frame(machine, machine->format->shift[level]);
	if (frame == PW_NO_FRAME)
		return false;
	store_leaf(work->vma, work->va & ~pw_mask(machine->format->shift[level]), &slot,
		   pw_vma_leaf(work->vma, level, pw_arena_pa(machine->arena, frame), PW_ACCESSED),
		   frame, 0);
	return true;
}

/* ---- folios that level 0 maps ---- */

/* Are all entries of the 2^@lg2 bytes at @start empty, and in one table of level 0? */
static bool all_empty(const struct pw_mm *mm, pw_va start, unsigned lg2)
{
	for (pw_va va = start; va - start <= pw_mask(lg2); va += pw_page_bytes(mm->machine)) {
		struct pw_slot slot;

		pw_slot_find(mm->space, va, &slot);
		if (slot.kind != PW_SLOT_EMPTY || slot.level != 0)
			return false;
	}
	return true;
}

/* log2 of the largest group of level 0 that is at most 2^@lg2 bytes; of a base page, if there is none. */
static unsigned group_lg2(const struct pw_mm *mm, unsigned lg2)
{
	while (lg2 > mm->machine->page_lg2 && !(pw_slot_groups(mm->space) >> lg2 & 1))
		lg2--;
	return lg2;
}

uint32_t pw_huge_map_small(const struct pw_vma *vma, pw_va start, unsigned lg2, uint32_t frame,
			   uint32_t extra)
{
	const struct pw_mm *mm = vma->mm;
	const struct pw_machine *machine = mm->machine;
	const uint32_t attr = (pw_vma_attr(vma) & ~(uint32_t)PW_WRITE) | PW_READ | extra;
	const pw_pa pa = pw_arena_pa(machine->arena, frame);
	unsigned group = group_lg2(mm, lg2);
	pw_va done = 0;

	if (!all_empty(mm, start, lg2))
		return 0;
	if (pa & pw_mask(group))
		group = machine->page_lg2;
	while (done <= pw_mask(lg2)) {
		struct pw_slot slot;
		bool stored;

		pw_slot_find(mm->space, start + done, &slot);
		stored = group > machine->page_lg2
				 ? pw_slot_fill_group(mm->space, start + done, &slot, group,
						      pa + done, attr)
				 : pw_slot_swap(mm->space, start + done, &slot,
						pw_vma_leaf(vma, 0, pa + done, extra));
		if (!stored)
			break;
		done += pw_mask(group) + 1;
	}
	return (uint32_t)(done >> machine->page_lg2);
}

/* A folio of 2^@lg2 bytes, smaller than a leaf of level 1. */
static bool fault_small(struct pw_fault_work *work, unsigned lg2)
{
	struct pw_vma *vma = work->vma;
	struct pw_mm *mm = vma->mm;
	const uint32_t pages = UINT32_C(1) << (lg2 - mm->machine->page_lg2);
	const pw_va start = work->va & ~pw_mask(lg2);
	struct pw_slot slot;
	uint32_t frame, done;

	if (!holds(vma, work->va, lg2))
		return false;
	/* Under the lock: collapse may have taken the table out for a while. */
	pw_table_lock(mm, 1, start);
	done = pw_slot_reach(mm->space, start, 0, &slot) == 0 && all_empty(mm, start, lg2);
	pw_table_unlock(mm, 1, start);
	if (!done || !new_folio(work, start, lg2, &frame))
		return false;
	pw_table_lock(mm, 1, start);
	done = pw_huge_map_small(vma, start, lg2, frame, pw_anon_extra(work));
	if (done > 0)
		pw_entry_came(vma, frame, done);
	pw_table_unlock(mm, 1, start);
	if (done < pages)
		pw_page_put(mm->machine, frame, pages - done);
	return true;
}

bool pw_huge_fault_anon(struct pw_fault_work *work, enum pw_fault_kind *kind_ret)
{
	struct pw_vma *vma = work->vma;
	const struct pw_machine *machine = vma->mm->machine;
	const unsigned page_lg2 = machine->page_lg2, top = machine->format->shift[1];

	*kind_ret = PW_FAULT_DONE;
	/* User faults are answered page by page. */
	if (vma->file || !pw_huge_allowed(vma, false) || !(vma->flags & ACCESSIBLE) ||
	    (vma->flags & (PW_VM_USER_MISSING | PW_VM_USER_PROTECT)))
		return false;
	if (!(work->flags & PW_FAULT_WRITE) && !machine->options.no_zero_page)
		return fault_zero(work);
	if (pw_anon_prepare(vma)) {
		*kind_ret = PW_FAULT_OOM;
		return true;
	}
	for (unsigned level = machine->huge_level; level > 0; level--)
		if (fault_leaf(work, level))
			return true;
	for (unsigned lg2 = top - 1; lg2 > page_lg2; lg2--)
		if ((machine->options.group_sizes >> lg2 & 1) && fault_small(work, lg2))
			return true;
	return false;
}

/* ---- copy on write ---- */

static bool all_exclusive(const struct pw_machine *machine, uint32_t frame, uint32_t pages)
{
	for (uint32_t i = 0; i < pages; i++)
		if (!pw_folio_is_exclusive(machine->arena, frame + i))
			return false;
	return true;
}

/* Locks the entry of work->slot, and says whether it still maps the same page. */
static bool lock_same(struct pw_fault_work *work, pw_va start)
{
	struct pw_mm *mm = work->vma->mm;
	const struct pw_slot was = work->slot;

	pw_table_lock(mm, was.level, start);
	pw_slot_again(mm->space, start, &work->slot);
	if (work->slot.kind == PW_SLOT_PAGE && work->slot.level == was.level &&
	    work->slot.pa == was.pa)
		return true;
	pw_table_unlock(mm, was.level, start);
	return false;
}

/* Makes the leaf writable where the VMA is. A CPU may set its accessed bit meanwhile. Table lock. */
static void make_writable(struct pw_fault_work *work, pw_va start)
{
	struct pw_space *space = work->vma->mm->space;
	const uint32_t more = pw_anon_extra(work);

	pw_count(&work->vma->mm->machine->info.cow_reuses, 1);
	if (work->flags & PW_FAULT_UNSHARE)
		return;
	/* There is room: pw_fault_handle has made it. */
	if (work->vma->flags & PW_VM_WRITE)
		(void)pw_soft_dirty_set(work->vma, start,
					work->vma->mm->machine->format->shift[work->slot.level]);
	while (work->slot.kind == PW_SLOT_PAGE &&
	       !pw_slot_swap(space, start, &work->slot,
			     pw_slot_change(space, &work->slot, work->slot.attr | more)))
		;
}

/*
 * Does nobody but this leaf hold the folio? The caller holds its lock, one reference, and the table lock. So no
 * new entry can come: fork would need the leaf, and swap the folio lock.
 */
static bool alone(const struct pw_machine *machine, uint32_t frame, uint32_t pages)
{
	const uint64_t link = pw_frame_link(machine->arena, frame);

	return pw_link_head(link) == frame && pw_link_pages(link) == pages &&
	       pw_page_references(machine, frame) == pages + 1;
}

/* Uses the folio of work->slot again if it is this mm's alone. */
static enum pw_fault_kind reuse(struct pw_fault_work *work, pw_va start)
{
	struct pw_mm *mm = work->vma->mm;
	struct pw_machine *machine = mm->machine;
	const unsigned level = work->slot.level;
	const uint32_t frame = pw_arena_frame(machine->arena, work->slot.pa);
	const uint32_t pages = pages_of(machine, work->slot.level);
	bool mine, held;

	if (!lock_same(work, start))
		return PW_FAULT_DONE;
	mine = all_exclusive(machine, frame, pages);
	held = !mine && pw_folio_try_get(machine->arena, frame, 1);
	if (mine)
		make_writable(work, start);
	pw_table_unlock(mm, level, start);
	if (mine || !held)
		return PW_FAULT_DONE;

	pw_folio_lock(machine, frame);
	if (!lock_same(work, start)) {
		pw_folio_unlock(machine, frame);
		pw_page_put(machine, frame, 1);
		return PW_FAULT_DONE;
	}
	mine = alone(machine, frame, pages);
	for (uint32_t i = 0; mine && i < pages; i++)
		pw_folio_own(machine->arena, pw_arena_pa(machine->arena, frame + i));
	if (mine)
		make_writable(work, start);
	pw_table_unlock(mm, level, start);
	pw_folio_unlock(machine, frame);
	pw_page_put(machine, frame, 1);
	return mine ? PW_FAULT_DONE : FALL_BACK;
}

/*
 * Puts a folio in the place of the huge zero page. Between the two the entry is empty, so that no CPU reads
 * zeros there after another has written. If a table comes meanwhile, the next fault finds it.
 */
static enum pw_fault_kind copy_zero(struct pw_fault_work *work, pw_va start)
{
	struct pw_vma *vma = work->vma;
	struct pw_mm *mm = vma->mm;
	struct pw_slot *slot = &work->slot;
	const unsigned level = slot->level, lg2 = mm->machine->format->shift[level];
	bool gone = false;
	uint32_t frame;

	if (pw_anon_prepare(vma))
		return PW_FAULT_OOM;
	if (!new_folio(work, start, lg2, &frame))
		return FALL_BACK;
	pw_notify_begin(mm, start, start + pw_mask(lg2));
	if (lock_same(work, start)) {
		do {
			gone = pw_slot_swap(mm->space, start, slot,
					    pw_slot_empty(mm->space, level));
		} while (!gone && slot->kind == PW_SLOT_PAGE);
		if (gone)
			pw_tlb_flush(mm, start, start + pw_mask(lg2));
		pw_table_unlock(mm, level, start);
	}
	if (gone)
		put_leaf(work, start, slot, frame);
	else
		pw_page_put(mm->machine, frame, pages_of(mm->machine, level));
	pw_notify_end(mm, start, start + pw_mask(lg2));
	return PW_FAULT_DONE;
}

/* Uses the folio again, or puts one in the place of zeros. FALL_BACK: the leaf must be split. */
static enum pw_fault_kind copy_whole(struct pw_fault_work *work)
{
	const struct pw_machine *machine = work->vma->mm->machine;
	const pw_va start = work->va & ~pw_mask(machine->format->shift[work->slot.level]);
	uint32_t frame;

	if (!pw_arena_has(machine->arena, work->slot.pa) || (work->slot.attr & PW_SPECIAL))
		return FALL_BACK;
	frame = pw_arena_frame(machine->arena, work->slot.pa);
	if (pw_huge_is_zero(machine, frame))
		return copy_zero(work, start);
	if (pw_folio_kind_of(machine->arena, frame) == PW_FOLIO_ANONYMOUS)
		return reuse(work, start);
	return FALL_BACK;
}

bool pw_huge_fault_copy(struct pw_fault_work *work, enum pw_fault_kind *kind_ret)
{
	*kind_ret = copy_whole(work);
	if (*kind_ret != FALL_BACK)
		return true;
	*kind_ret = PW_FAULT_OOM;
	/* A fault that reads would bring the whole leaf of a file back, and not get on. */
	if (work->flags & PW_FAULT_WRITE ? pw_split_leaf(work->vma, work->va)
					 : pw_split_leaf_parts(work->vma, work->va))
		return true;
	*kind_ret = PW_FAULT_DONE;
	pw_table_peek(work->vma->mm, work->va, &work->slot);
	return work->slot.kind != PW_SLOT_PAGE || work->slot.level != 0;
}
