/* SPDX-License-Identifier: MIT */
/* What the slow path may take from a VMA, and how an entry is followed. */
#include <errno.h>

#include "mm/pin/pin.h"

#include "format/format.h"
#include "mm/file/file.h"
#include "mm/marks.h"

enum {
	FLAGS_FAST = PW_PIN_WRITE | PW_PIN_LONGTERM | PW_PIN_GET | PW_PIN_FORCE | PW_PIN_NOFAULT |
		     PW_PIN_NOWAIT | PW_PIN_HWPOISON | PW_PIN_NUMA | PW_PIN_FAST_ONLY |
		     PW_PIN_UNLOCKABLE,
	FLAGS_SLOW = PW_PIN_DUMP | PW_PIN_ANON | PW_PIN_SPLIT,
};

bool pw_pin_flags_valid(unsigned flags, bool *fast_ret)
{
	*fast_ret = !(flags & FLAGS_SLOW);
	if (flags & ~(unsigned)(FLAGS_FAST | FLAGS_SLOW))
		return false;
	/* Somebody who holds a page for long reads or writes it: that takes a pin. */
	if (flags & PW_PIN_GET && flags & PW_PIN_LONGTERM)
		return false;
	return !(flags & PW_PIN_FAST_ONLY) || *fast_ret;
}

static bool is_anonymous(const struct pw_vma *vma)
{
	return !vma->file && !vma->device;
}

/* Are writes through this VMA noticed by their faults, for write-back (vma_needs_dirty_tracking)? */
static bool tracks_dirty(const struct pw_vma *vma)
{
	const uint32_t shared = PW_VM_SHARED | PW_VM_WRITE;

	return (vma->flags & shared) == shared && pw_file_tracks(vma->file);
}

static int write_allowed(const struct pw_vma *vma, unsigned flags)
{
	/* A long pin would go on writing after the page was written back and write-protected. */
	if (flags & PW_PIN_LONGTERM && tracks_dirty(vma) && !pw_mutant(PW_MUTANT_LONGTERM_FILE))
		return -EFAULT;
	if (vma->flags & PW_VM_WRITE)
		return 0;
	/* A debugger may write a private copy, and never what others share. */
	return flags & PW_PIN_FORCE && pw_vma_copies(vma) ? 0 : -EFAULT;
}

int pw_pin_vma_allowed(const struct pw_vma *vma, unsigned flags)
{
	if (vma->flags & (PW_VM_IO | PW_VM_PFNMAP))
		return -EFAULT;
	if (flags & PW_PIN_ANON && !is_anonymous(vma))
		return -EFAULT;
	if (flags & PW_PIN_SPLIT && vma->flags & PW_VM_HUGETLB)
		return -EOPNOTSUPP;
	if (vma->flags & PW_VM_SECRET && !pw_mutant(PW_MUTANT_SLOW_SECRET))
		return -EFAULT;
	if (flags & PW_PIN_WRITE)
		return write_allowed(vma, flags);
	if (vma->flags & PW_VM_READ)
		return 0;
	return flags & PW_PIN_FORCE && vma->flags & PW_VM_MAYREAD ? 0 : -EFAULT;
}

/* The pages that a leaf has at work->va. */
struct leaf {
	uint32_t frame, pages;
	uint32_t attr; /* 0: nobody may access it */
	enum pw_folio_kind kind;
	bool zero;
};

/*
 * A write through an entry without write permission: only for a debugger, in a private mapping that is not
 * writable, to a page that is this mm's alone. Such a page is a copy already; the store does not reach what
 * the mapping was made of (commit 5535be309971).
 */
static bool may_write(const struct pw_pin_work *work, const struct pw_vma *vma,
		      const struct leaf *leaf)
{
	const struct pw_arena *arena = work->mm->machine->arena;

	if (leaf->attr & PW_WRITE)
		return true;
	if (!(work->flags & PW_PIN_FORCE) || !pw_vma_copies(vma) || vma->flags & PW_VM_WRITE)
		return false;
	if (leaf->zero || leaf->kind != PW_FOLIO_ANONYMOUS ||
	    (!pw_folio_is_exclusive(arena, leaf->frame) && !pw_mutant(PW_MUTANT_FORCE_SHARED)))
		return false;
	return !pw_is_protected(vma, work->va);
}

/*
 * Would a later write of the owner go to a copy that this pin does not see (gup_must_unshare)? For a page that
 * is not anonymous this matters to long pins only: others take what the file has now.
 */
static bool must_unshare(const struct pw_pin_work *work, const struct pw_vma *vma,
			 const struct leaf *leaf)
{
	if (leaf->attr & PW_WRITE || work->flags & (PW_PIN_WRITE | PW_PIN_GET) ||
	    pw_mutant(PW_MUTANT_SLOW_UNSHARE))
		return false;
	if (leaf->zero || leaf->kind != PW_FOLIO_ANONYMOUS)
		return work->flags & PW_PIN_LONGTERM && pw_vma_copies(vma);
	return !pw_folio_is_exclusive(work->mm->machine->arena, leaf->frame);
}

/* Is it a page that is all zero, and everybody's? */
static bool is_zero(const struct pw_machine *machine, uint32_t frame)
{
	const uint32_t huge = __atomic_load_n(&machine->huge_zero, __ATOMIC_ACQUIRE);

	return frame == machine->arena->zero ||
	       (huge > 0 && pw_folio_head(machine->arena, frame) == huge - 1);
}

/* Of @most pages, how many belong to the same folio as the first, and are as exclusive as it? */
static uint32_t alike(const struct pw_arena *arena, const struct leaf *leaf, uint32_t most)
{
	const bool exclusive = pw_folio_is_exclusive(arena, leaf->frame);
	uint32_t pages = 1;

	if (leaf->frame == arena->zero)
		return 1;
	most = (uint32_t)pw_min(most, pw_folio_rest(arena, leaf->frame));
	while (pages < most && pw_folio_is_exclusive(arena, leaf->frame + pages) == exclusive)
		pages++;
	return pages;
}

/* Fills *leaf from a present slot. False: the page has no reference count. */
static bool read_leaf(const struct pw_pin_work *work, const struct pw_slot *slot, struct leaf *leaf)
{
	const struct pw_machine *machine = work->mm->machine;
	const struct pw_arena *arena = machine->arena;
	const uint64_t size = UINT64_C(1) << machine->format->shift[slot->level];
	const uint64_t offset = work->va & (size - 1);
	const bool moving = slot->kind == PW_SLOT_SOFT && pw_mutant(PW_MUTANT_SOFT_LEAF);
	const pw_pa pa = (moving ? pw_arena_pa(arena, (uint32_t)slot->soft.offset) : slot->pa) +
			 offset;
	const uint64_t rest = (size - offset) >> machine->page_lg2;

	leaf->attr = slot->kind == PW_SLOT_PAGE ? slot->attr : 0;
	if (!pw_arena_has(arena, pa))
		return false;
	leaf->frame = pw_arena_frame(arena, pa);
	leaf->zero = is_zero(machine, leaf->frame);
	if (!leaf->zero && leaf->attr & PW_SPECIAL)
		return false;
	leaf->kind = pw_folio_kind_of(arena, leaf->frame);
	leaf->pages = alike(arena, leaf, (uint32_t)pw_min(rest, work->count - work->done));
	return true;
}

/* Nothing was mapped yet. A dump does not fill holes with memory that it would only find empty. */
static int follow_empty(const struct pw_pin_work *work, const struct pw_vma *vma)
{
	if (!(work->flags & PW_PIN_DUMP))
		return PW_FOLLOW_FAULT;
	if (is_anonymous(vma))
		return -EFAULT;
	if (vma->flags & PW_VM_HUGETLB && !pw_cache_has(vma->file, pw_vma_index(vma, work->va)))
		return -EFAULT;
	return PW_FOLLOW_FAULT;
}

/* May the page behind this entry be taken? If yes, fills *leaf. Under the entry's table lock. */
static int look(const struct pw_pin_work *work, const struct pw_vma *vma,
		const struct pw_slot *slot, struct leaf *leaf)
{
	const uint32_t accessible = PW_VM_READ | PW_VM_WRITE | PW_VM_EXEC;

	if (slot->kind == PW_SLOT_EMPTY || slot->kind == PW_SLOT_TABLE)
		return follow_empty(work, vma);
	if (slot->kind == PW_SLOT_SOFT && !pw_mutant(PW_MUTANT_SOFT_LEAF))
		return PW_FOLLOW_FAULT;
	/* A NUMA hint is only for those who ask; PROT_NONE of the VMA itself was checked before. */
	if (pw_slot_is_hidden(slot) && work->flags & PW_PIN_NUMA && vma->flags & accessible)
		return PW_FOLLOW_FAULT;
	if (!read_leaf(work, slot, leaf))
		return work->flags & PW_PIN_WRITE && !(leaf->attr & PW_WRITE) ? PW_FOLLOW_FAULT
									      : -EFAULT;
	if (work->flags & PW_PIN_SPLIT && slot->level > 0)
		return PW_FOLLOW_SPLIT;
	if (work->flags & PW_PIN_WRITE && !may_write(work, vma, leaf))
		return PW_FOLLOW_FAULT;
	if (leaf->zero && work->flags & PW_PIN_DUMP)
		return -EFAULT;
	return must_unshare(work, vma, leaf) ? PW_FOLLOW_UNSHARE : PW_FOLLOW_TAKEN;
}

/* Holds the pages of @leaf; the entry's reference keeps the folio from being freed meanwhile. */
static int take(const struct pw_pin_work *work, const struct leaf *leaf)
{
	struct pw_machine *machine = work->mm->machine;
	uint32_t head;

	if (!pw_folio_take(machine->arena, leaf->frame, leaf->pages, !(work->flags & PW_PIN_GET),
			   &head))
		return -ENOMEM;
	if (leaf->zero)
		return PW_FOLLOW_TAKEN;
	if (work->flags & PW_PIN_WRITE)
		pw_folio_dirty_held(machine->arena, leaf->frame);
	__atomic_fetch_or(&pw_page_of(machine, head)->flags, PW_PAGE_USED, __ATOMIC_RELAXED);
	return PW_FOLLOW_TAKEN;
}

/*
 * Finds the entry that decides about @va, and locks it. mm->lock keeps the tables of the levels above 0; the
 * lock of level 0 keeps the table of level 0.
 */
static unsigned lock_slot(struct pw_mm *mm, pw_va va, struct pw_slot *slot)
{
	unsigned level = 0;

	for (;;) {
		pw_table_lock(mm, level, va);
		pw_slot_find(mm->space, va, slot);
		if (slot->level == level || (slot->level <= 1 && level <= 1))
			return level;
		pw_table_unlock(mm, level, va);
		level = slot->level;
	}
}

/*
 * A page without a mapping was truncated, or is just being truncated. Without the folio lock nobody knows
 * which, and what the file has there by now. With the lock the truncation is over: if there is no mapping, it
 * has also unmapped the page, and a fault finds out what is there.
 */
static bool was_truncated(const struct pw_pin_work *work, const struct leaf *leaf)
{
	struct pw_machine *machine = work->mm->machine;
	bool gone;

	if (leaf->kind != PW_FOLIO_NONE || leaf->zero || !(work->flags & PW_PIN_LONGTERM) ||
	    !(work->flags & PW_PIN_WRITE))
		return false;
	pw_folio_lock(machine, leaf->frame);
	gone = pw_folio_kind_of(machine->arena, leaf->frame) == PW_FOLIO_NONE;
	pw_folio_unlock(machine, leaf->frame);
	return gone;
}

/* Records the pages of @leaf, which were taken. */
static void record(struct pw_pin_work *work, const struct leaf *leaf)
{
	const struct pw_machine *machine = work->mm->machine;

	for (uint32_t i = 0; i < leaf->pages; i++)
		work->page[work->done++] = pw_arena_pa(machine->arena, leaf->frame + i);
	work->va += (pw_va)leaf->pages << machine->page_lg2;
}

/*
 * Goes on with the entries behind @slot in the same table of level 0, whose lock is held, as long as they are
 * anonymous and can be taken as they are. Any other is left to the next look.
 */
static void follow_table(struct pw_pin_work *work, const struct pw_vma *vma, struct pw_slot *slot)
{
	const struct pw_machine *machine = work->mm->machine;
	const struct pw_format *f = machine->format;
	const pw_va table = pw_mask(f->shift[0] + f->bits[0]);
	struct leaf leaf;

	while (work->done < work->count && work->va & table && work->va <= vma->last) {
		slot->at += UINT64_C(1) << f->entry_lg2;
		pw_slot_again(work->mm->space, work->va, slot);
		if (look(work, vma, slot, &leaf) != PW_FOLLOW_TAKEN || leaf.zero ||
		    leaf.kind != PW_FOLIO_ANONYMOUS || leaf.pages != 1 ||
		    take(work, &leaf) != PW_FOLLOW_TAKEN)
			return;
		record(work, &leaf);
	}
}

int pw_pin_follow(struct pw_pin_work *work, struct pw_vma *vma)
{
	struct pw_machine *machine = work->mm->machine;
	const pw_va va = work->va;
	struct pw_slot slot;
	struct leaf leaf;
	const unsigned level = lock_slot(work->mm, va, &slot);
	int what = look(work, vma, &slot, &leaf);
	bool go_on;

	if (what == PW_FOLLOW_TAKEN && !pw_mutant(PW_MUTANT_SLOW_TAKES_LATE))
		what = take(work, &leaf);
	go_on = what == PW_FOLLOW_TAKEN && slot.level == 0 && leaf.pages == 1 && !leaf.zero &&
		leaf.kind == PW_FOLIO_ANONYMOUS;
	if (go_on) {
		record(work, &leaf);
		follow_table(work, vma, &slot);
	}
	pw_table_unlock(work->mm, level, va);
	if (what == PW_FOLLOW_TAKEN && pw_mutant(PW_MUTANT_SLOW_TAKES_LATE))
		what = take(work, &leaf);
	if (what != PW_FOLLOW_TAKEN || go_on)
		return what;
	if (was_truncated(work, &leaf)) {
		pw_folio_drop(machine->arena, leaf.frame, leaf.pages, !(work->flags & PW_PIN_GET));
		return PW_FOLLOW_FAULT;
	}
	record(work, &leaf);
	return PW_FOLLOW_TAKEN;
}
