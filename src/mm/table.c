/* SPDX-License-Identifier: MIT */
/* Table locks, entries of VMAs, and taking pages out of tables. */
#include <errno.h>

#include "mm/file/file.h"
#include "mm/huge/huge.h"
#include "mm/lock_order.h"
#include "mm/marks.h"
#include "mm/mm.h"
#include "mm/soft.h"
#include "mm/swap/swap.h"
#include "space/slot_group.h"

/* ---- locks ---- */

/*
 * The lock of level 1 and of the level-0 table below goes by the address. All entries of higher levels share the
 * last lock: they change seldom.
 */
static pthread_mutex_t *lock_of(struct pw_mm *mm, unsigned level, pw_va va)
{
	const struct pw_format *f = mm->machine->format;
	uint64_t table = va >> (f->shift[0] + f->bits[0]);

	if (level > 1)
		return &mm->table_lock[PW_TABLE_LOCKS].mutex;
	/* VMAs often lie a large power of two apart: all bits of the address count. */
	table *= UINT64_C(0x9e3779b97f4a7c15);
	return &mm->table_lock[table >> (64 - PW_TABLE_LOCKS_LG2)].mutex;
}

void pw_table_lock(struct pw_mm *mm, unsigned level, pw_va va)
{
	pw_lock_wanted(PW_RANK_TABLE);
	pthread_mutex_lock(lock_of(mm, level, va));
	pw_lock_taken(PW_RANK_TABLE);
}

void pw_table_unlock(struct pw_mm *mm, unsigned level, pw_va va)
{
	pw_lock_left(PW_RANK_TABLE);
	pthread_mutex_unlock(lock_of(mm, level, va));
}

void pw_table_look(struct pw_mm *mm, pw_va va, struct pw_slot *slot)
{
	pw_table_lock(mm, 1, va);
	pw_slot_find(mm->space, va, slot);
}

/* ---- entries ---- */

uint64_t pw_entry_hidden(const struct pw_space *space, unsigned level, pw_pa pa)
{
	const uint64_t entry = pw_slot_prot_none(space, level, pa);

	if (entry != pw_slot_empty(space, level) || pw_mutant(PW_MUTANT_HIDDEN_LOST))
		return entry;
	return pw_slot_leaf(space, level, pa, PW_READ | PW_ACCESSED);
}

uint64_t pw_vma_leaf(const struct pw_vma *vma, unsigned level, pw_pa pa, uint32_t extra)
{
	const uint32_t access = PW_READ | PW_WRITE | PW_EXEC;
	uint32_t attr = (pw_vma_attr(vma) & ~(uint32_t)PW_WRITE) | extra;

	if (!(attr & access) && !(pw_vma_flags(vma) & (PW_VM_READ | PW_VM_WRITE | PW_VM_EXEC)))
		return pw_entry_hidden(vma->mm->space, level, pa);
	/* No format that Linux uses has memory that can be written or executed and not read. */
	return pw_slot_leaf(vma->mm->space, level, pa, attr | PW_READ);
}

/* The counter of base pages that pages of this kind belong to; NULL: none. */
static uint64_t *rss(struct pw_mm *mm, enum pw_folio_kind kind)
{
	switch (kind) {
	case PW_FOLIO_ANONYMOUS:
		return &mm->anonymous;
	case PW_FOLIO_SHARED:
		return &mm->shared;
	case PW_FOLIO_FILE:
	case PW_FOLIO_SECRET:
	case PW_FOLIO_NONE:
		return &mm->files;
	case PW_FOLIO_HUGETLB:
		break;
	}
	return NULL;
}

/* Is there a folio behind this entry that is counted? Not for devices, and not for the zero pages. */
bool pw_entry_is_counted(const struct pw_mm *mm, const struct pw_slot *slot)
{
	const struct pw_arena *arena = mm->machine->arena;
	uint32_t frame, huge_zero;

	if ((slot->kind != PW_SLOT_PAGE && slot->kind != PW_SLOT_PROT_NONE) ||
	    (slot->attr & PW_SPECIAL) || !pw_arena_has(arena, slot->pa))
		return false;
	frame = pw_arena_frame(arena, slot->pa);
	huge_zero = __atomic_load_n(&mm->machine->huge_zero, __ATOMIC_ACQUIRE);
	return !pw_folio_is_zero(arena, frame) &&
	       (huge_zero == 0 || pw_folio_head(arena, frame) != huge_zero - 1);
}

void pw_entry_came(struct pw_vma *vma, uint32_t frame, uint32_t pages)
{
	struct pw_machine *machine = vma->mm->machine;
	uint32_t head = pw_folio_head(machine->arena, frame);
	uint64_t *counter = rss(vma->mm, pw_head_kind(machine->arena, head));

	__atomic_fetch_add(&pw_page_of(machine, head)->mapped, pages, __ATOMIC_RELAXED);
	if (counter)
		pw_count(counter, pages);
}

void pw_entry_came_near(struct pw_vma *vma, uint32_t frame, unsigned near)
{
	struct pw_mm *mm = vma->mm;
	uint32_t head = pw_folio_head(mm->machine->arena, frame);
	uint64_t *counter = rss(mm, pw_head_kind(mm->machine->arena, head));

	__atomic_fetch_add(&pw_page_of(mm->machine, head)->mapped, 1, __ATOMIC_RELAXED);
	if (counter == &mm->anonymous)
		pw_count_near(mm->anonymous_part, near, 1);
	else if (counter)
		pw_count(counter, 1);
}

/* As pw_entry_gone, for an entry that is counted; the counter of its kind in the mm is the caller's. */
static uint64_t *page_gone(const struct pw_vma *vma, const struct pw_slot *was, uint32_t pages)
{
	struct pw_machine *machine = vma->mm->machine;
	uint32_t frame = pw_arena_frame(machine->arena, was->pa);
	uint32_t head = pw_folio_head(machine->arena, frame);
	struct pw_page *page = pw_page_of(machine, head);
	uint64_t *counter = rss(vma->mm, pw_head_kind(machine->arena, head));

	if (was->attr & PW_DIRTY)
		pw_folio_dirty_held(machine->arena, frame);
	/* For reclaim, which may miss one: so an access to a line that others read is saved. */
	if (was->attr & PW_ACCESSED &&
	    !(__atomic_load_n(&page->flags, __ATOMIC_RELAXED) & PW_PAGE_USED))
		__atomic_fetch_or(&page->flags, PW_PAGE_USED, __ATOMIC_RELAXED);
	/* Release: a thread that finds `mapped` zero sees the dirty flag. */
	__atomic_fetch_sub(&page->mapped, pages, __ATOMIC_RELEASE);
	return counter;
}

/*
 * An entry as it counts when its content is not needed any more. A page that others gave up (MADV_FREE) need not be kept
 * because this entry wrote to it.
 */
struct pw_slot pw_entry_unneeded(const struct pw_mm *mm, const struct pw_slot *was)
{
	const struct pw_arena *arena = mm->machine->arena;
	struct pw_slot slot = *was;

	if (slot.attr & PW_DIRTY && pw_entry_is_counted(mm, was) &&
	    pw_page_flags(mm->machine, pw_folio_head(arena, pw_arena_frame(arena, was->pa))) &
		    PW_PAGE_LAZY)
		slot.attr &= ~(uint32_t)PW_DIRTY;
	return slot;
}

static uint32_t pages_of(const struct pw_machine *machine, const struct pw_slot *slot)
{
	return UINT32_C(1) << (machine->format->shift[slot->level] - machine->page_lg2);
}

void pw_entry_gone(struct pw_vma *vma, const struct pw_slot *was)
{
	const uint32_t pages = pages_of(vma->mm->machine, was);
	uint64_t *counter;

	if (pw_slot_is_soft(vma->mm->space, was, PW_SOFT_SWAP))
		pw_count(&vma->mm->swapped, -1);
	if (!pw_entry_is_counted(vma->mm, was))
		return;
	counter = page_gone(vma, was, pages);
	if (counter)
		pw_count(counter, -(int64_t)pages);
}

/* Do the 2^@lg2 bytes at @start begin with pages of one folio? Leaves of several folios are never a group. */
static bool in_one_folio(const struct pw_mm *mm, pw_va start, unsigned lg2)
{
	const struct pw_arena *arena = mm->machine->arena;
	const uint32_t more = (uint32_t)pw_mask(lg2 - mm->machine->page_lg2);
	struct pw_slot slot;
	uint32_t frame;

	pw_slot_find(mm->space, start, &slot);
	if (slot.level > 0 || slot.kind != PW_SLOT_PAGE || slot.pa & pw_mask(lg2) ||
	    !pw_entry_is_counted(mm, &slot))
		return false;
	frame = pw_arena_frame(arena, slot.pa);
	return pw_folio_rest(arena, frame) > more;
}

void pw_table_join(struct pw_mm *mm, pw_va first, pw_va last)
{
	const unsigned top = mm->machine->format->levels > 1 ? mm->machine->format->shift[1] : 0;
	const uint64_t groups = pw_slot_groups(mm->space);

	for (unsigned lg2 = top - (top > 0); lg2 > mm->machine->page_lg2; lg2--) {
		if (!(groups >> lg2 & 1))
			continue;
		for (pw_va va = first & ~pw_mask(lg2);; va += pw_mask(lg2) + 1) {
			if (in_one_folio(mm, va, lg2))
				(void)pw_slot_join(mm->space, va, lg2);
			if ((va | pw_mask(lg2)) >= last)
				break;
		}
	}
}

/* ---- gathering ---- */

void pw_zap_begin(struct pw_zap *zap, struct pw_mm *mm)
{
	zap->mm = mm;
	zap->first = ~(pw_va)0;
	zap->last = 0;
	zap->flush = false;
	zap->count = 0;
}

void pw_zap_flush(struct pw_zap *zap, pw_va va, uint64_t bytes)
{
	zap->first = pw_min(zap->first, va);
	if (zap->last < va + (bytes - 1))
		zap->last = va + (bytes - 1);
	zap->flush = true;
}

bool pw_zap_page(struct pw_zap *zap, pw_va va, uint64_t bytes, uint32_t frame, uint32_t references)
{
	const unsigned room = sizeof(zap->item) / sizeof(zap->item[0]);
	uint32_t head = pw_folio_head(zap->mm->machine->arena, frame);

	pw_zap_flush(zap, va, bytes);
	/* Pages of one folio usually come together. */
	if (zap->count > 0 && zap->item[zap->count - 1] >> 32 == head)
		zap->item[zap->count - 1] += references;
	else
		zap->item[zap->count++] = (uint64_t)head << 32 | references;
	return zap->count == room;
}

void pw_zap_some(struct pw_zap *zap)
{
	if (zap->flush && !pw_mutant(PW_MUTANT_ZAP_NO_FLUSH))
		pw_tlb_flush(zap->mm, zap->first, zap->last);
	for (unsigned i = 0; i < zap->count; i++) {
		pw_swap_tidy(zap->mm->machine, (uint32_t)(zap->item[i] >> 32));
		pw_page_put(zap->mm->machine, (uint32_t)(zap->item[i] >> 32),
			    (uint32_t)zap->item[i]);
	}
	pw_zap_begin(zap, zap->mm);
}

void pw_zap_end(struct pw_zap *zap)
{
	pw_zap_some(zap);
}

/* ---- taking a range out ---- */

struct zap_range {
	struct pw_vma *vma;
	pw_va first, last;
	pw_va next; /* where to go on after a full batch */
	enum pw_zap_what which;
	struct pw_zap zap;
	bool full;
	/* Pages that were counted there, and are not any more. */
	uint64_t *counter;
	int64_t gone;
};

static void lock(void *context, unsigned level, pw_va va)
{
	const struct zap_range *range = context;

	pw_table_lock(range->vma->mm, level, va);
}

static void unlock(void *context, unsigned level, pw_va va)
{
	const struct zap_range *range = context;

	pw_table_unlock(range->vma->mm, level, va);
}

/* Is this an entry of a page that truncation takes: the file's own, not a private copy? */
static bool of_file(const struct zap_range *range, const struct pw_slot *slot)
{
	const struct pw_arena *arena = range->vma->mm->machine->arena;

	if (slot->kind == PW_SLOT_SOFT)
		return false;
	return !pw_entry_is_counted(range->vma->mm, slot) ||
	       pw_folio_kind_of(arena, pw_arena_frame(arena, slot->pa)) != PW_FOLIO_ANONYMOUS;
}

static int zap_entry(void *context, pw_va va, struct pw_slot *slot, uint64_t *value)
{
	struct zap_range *range = context;
	const struct pw_mm *mm = range->vma->mm;
	const uint64_t bytes = UINT64_C(1) << mm->machine->format->shift[slot->level];

	/* The batch is full: give up the table lock, empty it, and come back. */
	if (range->full) {
		range->next = va;
		return -EAGAIN;
	}
	if (range->which == PW_ZAP_FILE_PAGES && !of_file(range, slot))
		return PW_VISIT_KEEP;
	/* A split may fail, and truncate may not. */
	if ((va < range->first || va + (bytes - 1) > range->last) && !pw_is_file_leaf(mm, slot))
		return PW_VISIT_SPLIT;
	if (range->which >= PW_ZAP_KEEP_MARKERS && pw_slot_is_soft(mm->space, slot, PW_SOFT_MARKER))
		return PW_VISIT_KEEP;
	return PW_VISIT_DROP;
}

/* The counters of an mm are shared by its threads: so they are changed once for many pages. */
static void count_gone(struct zap_range *range)
{
	if (range->counter)
		pw_count(range->counter, -range->gone);
	range->gone = 0;
}

static void zapped(void *context, pw_va va, const struct pw_slot *was)
{
	struct zap_range *range = context;
	struct pw_mm *mm = range->vma->mm;
	struct pw_machine *machine = mm->machine;
	const uint64_t bytes = UINT64_C(1) << machine->format->shift[was->level];
	const uint32_t pages = pages_of(machine, was);
	struct pw_slot unneeded;
	uint64_t *counter;

	if (range->which == PW_ZAP_FILE_PAGES && !pw_mutant(PW_MUTANT_SOFT_DIRTY_CUT))
		pw_marks_clear(mm, va, va + (bytes - 1), PW_MARK_SOFT_DIRTY);
	if (pw_slot_is_soft(mm->space, was, PW_SOFT_SWAP)) {
		pw_count(&mm->swapped, -1);
		pw_swap_put(machine, (uint32_t)was->soft.offset, 1);
	}
	if (was->kind == PW_SLOT_SOFT)
		return;
	if (!pw_entry_is_counted(mm, was)) {
		pw_zap_flush(&range->zap, va, bytes);
		return;
	}
	unneeded = pw_entry_unneeded(mm, was);
	counter = page_gone(range->vma, &unneeded, pages);
	if (counter != range->counter) {
		count_gone(range);
		range->counter = counter;
	}
	range->gone += pages;
	range->full = pw_zap_page(&range->zap, va, bytes, pw_arena_frame(machine->arena, was->pa),
				  pages);
}

/*
 * Frees the table, if all of it is in the range, and empty. Faults may be in the VMA: who stores an entry looks for its
 * table under the table lock.
 */
static int zapped_table(void *context, pw_va first, pw_va last)
{
	const struct zap_range *range = context;
	struct pw_mm *mm = range->vma->mm;
	const struct pw_format *f = mm->machine->format;
	const pw_va table = pw_mask(f->shift[0] + f->bits[0]);

	if (range->which != PW_ZAP_DONTNEED || (first & ~table) < range->first ||
	    (last | table) > range->last || pw_mutant(PW_MUTANT_DONTNEED_KEEPS))
		return 0;
	if (!pw_mutant(PW_MUTANT_RECLAIM_UNLOCKED))
		pw_table_lock(mm, 1, first);
	(void)pw_slot_reclaim_table(mm->space, first);
	if (!pw_mutant(PW_MUTANT_RECLAIM_UNLOCKED))
		pw_table_unlock(mm, 1, first);
	return 0;
}

int pw_zap_range(struct pw_vma *vma, pw_va first, pw_va last, enum pw_zap_what which)
{
	struct zap_range range = {
		.vma = vma, .first = first, .last = last, .next = first, .which = which
	};
	const struct pw_visitor visitor = {
		.lock = lock,
		.unlock = unlock,
		.entry = zap_entry,
		.stored = zapped,
		.done = zapped_table,
		.context = &range,
	};
	/* A leaf that reaches beyond the range may go as a whole. */
	const struct pw_machine *machine = vma->mm->machine;
	const bool may = machine->huge_level && vma->file;
	const pw_va huge = may ? pw_mask(machine->huge_lg2) : 0;
	const pw_va from = (first & ~huge) > vma->first ? first & ~huge : vma->first;
	const pw_va to = pw_min(last | huge, vma->last);
	int code;

	/*
	 * First: a page that a fault brings meanwhile keeps its mark. Also where the VMA is soft-dirty as a whole: the next one
	 * here may not be.
	 */
	if (which != PW_ZAP_FILE_PAGES &&
	    !(pw_vma_flags(vma) & PW_VM_SOFTDIRTY && pw_mutant(PW_MUTANT_SOFT_DIRTY_STALE)))
		pw_marks_clear(vma->mm, first, last, PW_MARK_SOFT_DIRTY);
	pw_notify_begin(vma->mm, from, to);
	pw_zap_begin(&range.zap, vma->mm);
	do {
		range.full = false;
		code = pw_slot_visit(vma->mm->space, range.next < first ? first : range.next, last,
				     &visitor);
		count_gone(&range);
		pw_zap_some(&range.zap);
	} while (code == -EAGAIN);
	/* Of a file the protection stays: its page can come back. */
	if (pw_vma_flags(vma) & PW_VM_USER_PROTECT && !vma->file)
		pw_marks_clear(vma->mm, first, last, PW_MARK_PROTECTED);
	pw_notify_end(vma->mm, from, to);
	return code;
}
