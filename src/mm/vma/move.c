/* SPDX-License-Identifier: MIT */
/*
 * Entries that move to other addresses, for mremap.
 *
 *     old table   [ a b . c ]  --->  taken out, remembered  --->  [ . a b . ]  new table(s)
 *
 * Between the two steps no entry maps the pages. So the locks of the VMA's lists (4) are held over both: an rmap
 * walk meets each page at one of the two addresses. Faults are kept out of both VMAs by mm->lock and their own.
 * TLBs forget the old addresses before the locks are dropped: from then on a page may be taken away from its
 * new address, and nobody would look at the old one.
 */
#include <errno.h>
#include <stdlib.h>

#include "format/format.h"
#include "mm/file/file.h"
#include "mm/huge/huge.h"
#include "mm/marks.h"
#include "mm/soft.h"
#include "mm/vma/vma.h"

/* An entry that was taken out. */
struct taken {
	pw_va va;
	struct pw_slot was;
};

struct mover {
	struct pw_vma *vma; /* of the old addresses */
	struct pw_vma *to;
	pw_va from_first, to_first;
	struct taken *taken;
	size_t count;
	bool grouped; /* some of them were in groups */
};

/* ---- lists ---- */

static void lists_lock(struct pw_vma *vma)
{
	pw_file_map_lock(vma);
	if (vma->anon)
		pthread_mutex_lock(&vma->anon->lock);
}

static void lists_unlock(struct pw_vma *vma)
{
	if (vma->anon)
		pthread_mutex_unlock(&vma->anon->lock);
	pw_file_map_unlock(vma);
}

/* ---- one table ---- */

static void lock(void *context, unsigned level, pw_va va)
{
	pw_table_lock(((struct mover *)context)->vma->mm, level, va);
}

static void unlock(void *context, unsigned level, pw_va va)
{
	pw_table_unlock(((struct mover *)context)->vma->mm, level, va);
}

static int take(void *context, pw_va va, struct pw_slot *slot, uint64_t *value)
{
	(void)context;
	(void)va;
	(void)value;
	/* An entry above level 0 moves as a whole before this, or not at all. */
	return slot->level > 0 ? PW_VISIT_SPLIT : PW_VISIT_DROP;
}

static void took(void *context, pw_va va, const struct pw_slot *was)
{
	struct mover *mover = context;

	mover->grouped |= was->lg2 > mover->vma->mm->machine->format->shift[was->level];
	mover->taken[mover->count++] = (struct taken){ .va = va, .was = *was };
}

/* What the entry says at its new address. Empty: nothing is left of it there. */
static uint64_t new_value(const struct mover *mover, const struct pw_slot *was)
{
	struct pw_space *space = mover->vma->mm->space;

	/* The new VMA has no handler of user faults. */
	if (pw_slot_is_marker(space, was, PW_MARKER_USER_PROTECT) &&
	    !pw_slot_is_marker(space, was, PW_MARKER_GUARD | PW_MARKER_POISON))
		return pw_slot_empty(space, was->level);
	return was->kind == PW_SLOT_PAGE ? pw_slot_change(space, was, was->attr) : was->entry;
}

/* Puts an entry at its new address, where the tables are and nothing is mapped. */
static void put(const struct mover *mover, pw_va va, const struct pw_slot *was)
{
	struct pw_mm *mm = mover->vma->mm;
	const unsigned level = was->level > 0 ? was->level : 1;
	struct pw_slot slot;

	pw_table_lock(mm, level, va);
	pw_slot_reach(mm->space, va, was->level, &slot);
	while (!pw_slot_swap(mm->space, va, &slot, new_value(mover, was)))
		;
	pw_table_unlock(mm, level, va);
}

/* What came to first..last, in one or two tables, becomes groups again. */
static void join(struct pw_mm *mm, pw_va first, pw_va last)
{
	const struct pw_format *f = mm->machine->format;
	const pw_va end = pw_min(first | pw_mask(f->shift[0] + f->bits[0]), last);

	pw_table_lock(mm, 1, first);
	pw_table_join(mm, first, end);
	pw_table_unlock(mm, 1, first);
	if (end < last) {
		pw_table_lock(mm, 1, last);
		pw_table_join(mm, end + 1, last);
		pw_table_unlock(mm, 1, last);
	}
}

/* Makes the tables for new addresses first..last. */
static int reach(struct pw_mm *mm, pw_va first, pw_va last)
{
	struct pw_slot slot;
	int error = pw_slot_reach(mm->space, first, 0, &slot);

	return error ? error : pw_slot_reach(mm->space, last, 0, &slot);
}

/* Moves what is in first..last, old addresses of one level-0 table. */
static int move_table(struct mover *mover, pw_va first, pw_va last)
{
	const pw_va shift = mover->to_first - mover->from_first;
	struct pw_mm *mm = mover->vma->mm;
	const struct pw_visitor visitor = {
		.lock = lock,
		.unlock = unlock,
		.entry = take,
		.stored = took,
		.context = mover,
	};
	int error = reach(mm, first + shift, last + shift);

	if (error)
		return error;
	mover->count = 0;
	mover->grouped = false;
	lists_lock(mover->vma);
	error = pw_slot_visit(mm->space, first, last, &visitor);
	for (size_t i = 0; i < mover->count; i++)
		put(mover, mover->taken[i].va + shift, &mover->taken[i].was);
	if (mover->grouped)
		join(mm, first + shift, last + shift);
	if (mover->count > 0)
		pw_tlb_flush(mm, first, last);
	lists_unlock(mover->vma);
	return error;
}

/*
 * Does a VMA begin at @va, where @va is in a table that begins at @start, and has the VMA all of the table to itself up to
 * there? (can_align_down)
 */
static bool begins_table(struct pw_vma *vma, pw_va va, pw_va start)
{
	return va == start || (vma->first == va && pw_vma_at_or_above(vma->mm, start) == vma);
}

/*
 * Does Linux move the table itself that the entries of @va to @last are in (move_normal_pmd)? It does so if nothing else is
 * in it, it has the same place in the new block, and no table is there. (try_realign_addr: the first one may begin in the
 * middle.) Then the old addresses have no table afterwards, and a huge page may come there.
 */
static bool moves_table(const struct mover *mover, pw_va va, pw_va last)
{
	const struct pw_mm *mm = mover->vma->mm;
	const struct pw_format *f = mm->machine->format;
	const pw_va table = pw_mask(f->shift[0] + f->bits[0]);
	const pw_va to = va + (mover->to_first - mover->from_first);
	struct pw_slot there;

	if (last != (va | table) || (va ^ to) & table ||
	    !begins_table(mover->vma, va, va & ~table) || !begins_table(mover->to, to, to & ~table))
		return false;
	pw_slot_find(mm->space, to, &there);
	return there.level > 0 && there.kind == PW_SLOT_EMPTY &&
	       !pw_mutant(PW_MUTANT_MOVE_LEAVES_TABLE);
}

/* Moves all entries of a table, or a part of them, and the table with them, if Linux would. */
static int move_or_empty(struct mover *mover, pw_va va, pw_va last)
{
	struct pw_mm *mm = mover->vma->mm;
	const bool whole = moves_table(mover, va, last);
	int error = move_table(mover, va, last);

	if (error || !whole)
		return error;
	pw_table_lock(mm, 1, va);
	(void)pw_slot_reclaim_table(mm->space, va);
	pw_table_unlock(mm, 1, va);
	return 0;
}

/* ---- entries of higher levels ---- */

/* Takes a whole entry of a level above 0 to its new address. False: it cannot be there; its parts move. */
static bool move_whole(struct mover *mover, pw_va va, struct pw_slot *slot)
{
	const pw_va to = va + (mover->to_first - mover->from_first);
	struct pw_mm *mm = mover->vma->mm;
	struct pw_slot there, was;
	bool free;

	if (pw_slot_reach(mm->space, to, slot->level, &there) != 0)
		return false;
	lists_lock(mover->vma);
	pw_table_lock(mm, slot->level, to);
	if (there.kind == PW_SLOT_TABLE && slot->level == 1)
		pw_slot_reclaim_table(mm->space, to);
	pw_slot_reach(mm->space, to, slot->level, &there);
	free = there.kind == PW_SLOT_EMPTY && there.level == slot->level;
	pw_table_unlock(mm, slot->level, to);
	if (free) {
		pw_table_lock(mm, slot->level, va);
		do
			was = *slot;
		while (!pw_slot_swap(mm->space, va, slot, pw_slot_empty(mm->space, slot->level)));
		pw_table_unlock(mm, slot->level, va);
		put(mover, to, &was);
		pw_tlb_flush(mm, va, va + pw_mask(was.lg2));
	}
	lists_unlock(mover->vma);
	return free;
}

/*
 * Moves what begins at @va, up to @last: a whole entry, a table's part, or nothing. *@end_ret is the last address
 * that is done with.
 */
static int move_some(struct mover *mover, pw_va va, pw_va last, pw_va *end_ret)
{
	struct pw_mm *mm = mover->vma->mm;
	const struct pw_format *f = mm->machine->format;
	const pw_va table = pw_mask(f->shift[0] + f->bits[0]);
	const pw_va shift = mover->to_first - mover->from_first;
	struct pw_slot slot;
	pw_va size;

	pw_slot_find(mm->space, va, &slot);
	*end_ret = (va | table) < last ? va | table : last;
	if (slot.level == 0)
		return move_or_empty(mover, va, *end_ret);
	size = pw_mask(f->shift[slot.level]);
	if (slot.kind == PW_SLOT_EMPTY) {
		*end_ret = (va | size) < last ? va | size : last;
		return 0;
	}
	if (slot.lg2 == f->shift[slot.level] && !((va | (va + shift)) & size) &&
	    last - va >= size && !pw_mutant(PW_MUTANT_MOVE_PARTS) && move_whole(mover, va, &slot)) {
		*end_ret = va + size;
		return 0;
	}
	/* It does not fit there: its pages are found again by faults. */
	if (pw_is_file_leaf(mm, &slot) && pw_split_leaf(mover->vma, va))
		return -ENOMEM;
	return move_table(mover, va, *end_ret);
}

/* ---- a range ---- */

static size_t most_entries(const struct pw_mm *mm, uint64_t bytes)
{
	const uint64_t table = UINT64_C(1) << mm->machine->format->bits[0];
	const uint64_t pages = bytes >> mm->machine->page_lg2;

	return (size_t)(pages < table ? pages : table);
}

int pw_vma_move_entries(struct pw_vma *vma, pw_va from, struct pw_vma *to, pw_va to_va,
			uint64_t bytes)
{
	struct mover mover = { .vma = vma, .to = to, .from_first = from, .to_first = to_va };
	pw_va end = from, last = from + bytes - 1;
	int error = 0;

	if (bytes == 0)
		return 0;
	mover.taken = calloc(most_entries(vma->mm, bytes), sizeof(*mover.taken));
	if (!mover.taken)
		return -ENOMEM;
	if (pw_marks_any(vma->mm, from, last, PW_MARK_SOFT_DIRTY) &&
	    pw_marks_reserve(vma->mm, to_va, to_va + bytes - 1) != 0) {
		free(mover.taken);
		return -ENOMEM;
	}
	pw_notify_begin(vma->mm, from, last);
	for (pw_va va = from; !error; va = end + 1) {
		error = move_some(&mover, va, last, &end);
		if (end == last)
			break;
	}
	/* Soft-dirty marks follow the pages; protection by a handler of user faults ends here. */
	pw_marks_clear(vma->mm, from, last, PW_MARK_PROTECTED);
	pw_marks_move(vma->mm, from, to_va, bytes);
	if (!error)
		error = pw_soft_dirty_moved(to, to_va, to_va + bytes - 1, false);
	pw_notify_end(vma->mm, from, last);
	free(mover.taken);
	return error;
}
