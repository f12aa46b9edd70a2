/* SPDX-License-Identifier: MIT */
/*
 * fork: a copy of an address space (dup_mmap, copy_page_range).
 *
 * Private pages are shared read-only, and copied by the first write of either side. A page that may be pinned is
 * copied at once: its holder and the parent must go on seeing the same page. Fast pins of the parent meanwhile are
 * excluded by the copy sequence (pw_space_copy_begin): a pin that saw a writable entry, and came after the look at
 * the pins, is given back.
 *
 * An entry of the parent is read, and the child's is written, under both table locks. An rmap walk meets the
 * parent's VMA first (pw_vma_forked): if it has changed the parent's entry, the changed one is copied, and if not,
 * it finds the copy when it comes to the child.
 */
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "mm/file/file.h"
#include "mm/huge/huge.h"
#include "mm/marks.h"
#include "mm/mm.h"
#include "mm/soft.h"
#include "mm/swap/swap.h"

/* A copy of the entries of one VMA under way. */
struct copy {
	struct pw_vma *from, *to;
	pw_va next; /* where to go on after -EAGAIN */
	uint32_t fresh; /* a page for the next copy, or PW_NO_FRAME */
	bool wanted; /* -EAGAIN because there was none */
	struct pw_slot
		place; /* the child's last slot, at place_va: the next one is often beside it */
	pw_va place_va;
	/* Some entries of this table, from grouped_first on, are members of groups in the parent. */
	bool grouped;
	pw_va grouped_first;
	uint64_t anonymous; /* pages that are not in the child's count yet */
};

static void lock(void *context, unsigned level, pw_va va)
{
	struct copy *copy = context;

	pw_table_lock(copy->from->mm, level, va);
	pw_table_lock(copy->to->mm, level, va);
	copy->place.at = NULL;
}

static void unlock(void *context, unsigned level, pw_va va)
{
	struct copy *copy = context;

	pw_table_unlock(copy->to->mm, level, va);
	pw_table_unlock(copy->from->mm, level, va);
}

/* The child's slot at @va of @level: in the same table as the last one, or found from the top. */
static int place_at(struct copy *copy, pw_va va, unsigned level)
{
	struct pw_mm *mm = copy->to->mm;
	const struct pw_format *f = mm->machine->format;
	pw_va page = UINT64_C(1) << f->shift[0];

	/* Between lock and unlock all entries of level 0 are in one table. */
	if (level == 0 && copy->place.at && copy->place.level == 0) {
		copy->place.at += (va - copy->place_va) / page << f->entry_lg2;
		copy->place_va = va;
		pw_slot_again(mm->space, va, &copy->place);
		return 0;
	}
	copy->place_va = va;
	return pw_slot_reach(mm->space, va, level, &copy->place);
}

/* Stores @value at the child's slot that place_at found. */
static void fill(struct copy *copy, pw_va va, uint64_t value)
{
	const struct pw_space *space = copy->to->mm->space;

	if (copy->place.kind != PW_SLOT_EMPTY || !pw_slot_fill(space, &copy->place, value))
		pw_slot_swap(copy->to->mm->space, va, &copy->place, value);
	else
		copy->place.kind = PW_SLOT_PAGE;
}

/* Stores @value in the child's table. 0, -ENOMEM. */
static int put(struct copy *copy, pw_va va, unsigned level, uint64_t value)
{
	struct pw_mm *mm = copy->to->mm;
	int code = place_at(copy, va, level);

	if (code)
		return code;
	pw_slot_swap(mm->space, va, &copy->place, value);
	return 0;
}

/* The entry of the child for a page of the parent's @slot, with @attr. */
static uint64_t value_of(const struct copy *copy, const struct pw_slot *slot, pw_pa pa,
			 uint32_t attr)
{
	struct pw_space *space = copy->to->mm->space;

	if (slot->kind == PW_SLOT_PROT_NONE)
		return pw_slot_prot_none(space, slot->level, pa);
	return pw_slot_leaf(space, slot->level, pa, attr);
}

/*
 * A copy of a pinned page, made at once; the parent's entry stays as it is. The copy is dirty: see others_agree in
 * reclaim.c.
 */
static int copy_page(struct copy *copy, pw_va va, const struct pw_slot *slot)
{
	struct pw_machine *machine = copy->to->mm->machine;
	const uint32_t attr = slot->attr | PW_ACCESSED |
			      (pw_mutant(PW_MUTANT_COPY_CLEAN) ? 0u : PW_DIRTY);
	uint32_t frame = copy->fresh;
	int code;

	if (frame == PW_NO_FRAME) {
		copy->wanted = true;
		copy->next = va;
		return -EAGAIN;
	}
	memcpy(pw_page_host(machine, frame), pw_arena_at(machine->arena, slot->pa),
	       (size_t)pw_page_bytes(machine));
	pw_page_of(machine, frame)->index = pw_vma_index(copy->to, va);
	/* Only now: reclaim that finds an owner finds the index, too. */
	pw_page_set_owner(machine, frame, PW_FOLIO_ANONYMOUS, copy->to->anon);
	code = put(copy, va, 0, value_of(copy, slot, pw_arena_pa(machine->arena, frame), attr));
	if (code)
		return code;
	if (slot->kind == PW_SLOT_PROT_NONE)
		pw_folio_dirty_held(machine->arena, frame);
	copy->fresh = PW_NO_FRAME;
	pw_entry_came(copy->to, frame, 1);
	return PW_VISIT_KEEP;
}

/* Makes all pages of an anonymous leaf shared. False: one may be pinned, and all are as before. */
static bool share(struct pw_machine *machine, const struct pw_slot *slot)
{
	const pw_pa page = pw_page_bytes(machine);
	const pw_pa end = slot->pa +
			  (page << (machine->format->shift[slot->level] - machine->page_lg2));

	for (pw_pa pa = slot->pa; pa < end; pa += page) {
		bool was = pw_folio_is_exclusive(machine->arena,
						 pw_arena_frame(machine->arena, pa));

		if (was && !pw_folio_try_share(machine->arena, pa)) {
			while (pa > slot->pa) {
				pa -= page;
				pw_folio_own(machine->arena, pa);
			}
			return false;
		}
	}
	return true;
}

static int copy_counted(struct copy *copy, pw_va va, struct pw_slot *slot, uint64_t *value)
{
	struct pw_machine *machine = copy->to->mm->machine;
	const uint32_t pages = UINT32_C(1)
			       << (machine->format->shift[slot->level] - machine->page_lg2);
	uint32_t frame = pw_arena_frame(machine->arena, slot->pa);
	bool copies = pw_vma_copies(copy->from);
	bool anonymous = pw_folio_kind_of(machine->arena, frame) == PW_FOLIO_ANONYMOUS;
	uint32_t attr = slot->attr;
	int code;

	if (anonymous && !share(machine, slot) && !pw_mutant(PW_MUTANT_FORK_PINNED))
		return slot->level > 0 ? PW_VISIT_SPLIT : copy_page(copy, va, slot);
	if (copies)
		attr &= ~(uint32_t)PW_WRITE;
	else
		attr &= ~(uint32_t)PW_DIRTY;
	code = place_at(copy, va, slot->level);
	if (code)
		return code;
	/* The parent's entry holds the folio, so this cannot fail but for its limit. */
	if (!pw_folio_try_get(machine->arena, frame, pages))
		return -ENOMEM;
	fill(copy, va, value_of(copy, slot, slot->pa, attr | PW_ACCESSED));
	if (anonymous) {
		pw_folio_mapped(machine, frame, pages);
		copy->anonymous += pages;
	} else {
		pw_entry_came(copy->to, frame, pages);
	}
	if (!copies || !(slot->attr & PW_WRITE) || slot->kind != PW_SLOT_PAGE)
		return PW_VISIT_KEEP;
	*value = pw_slot_change(copy->from->mm->space, slot, slot->attr & ~(uint32_t)PW_WRITE);
	return PW_VISIT_STORE;
}

static int copy_soft(struct copy *copy, pw_va va, struct pw_slot *slot, uint64_t *value)
{
	struct pw_mm *mm = copy->to->mm;
	struct pw_space *space = mm->space;
	struct pw_soft soft = slot->soft;
	int code;

	switch (pw_soft_kind(space, &soft)) {
	case PW_SOFT_SWAP:
		soft.exclusive = false;
		break;
	case PW_SOFT_MIGRATION:
		soft = pw_soft_migration(space, PW_MIGRATION_READ, (uint32_t)soft.offset);
		break;
	case PW_SOFT_MARKER:
		/* The child's says nothing else. (copy_pte_marker) */
		if (!pw_mutant(PW_MUTANT_FORK_MARKS_ALL))
			pw_marks_clear(mm, va, va, PW_MARK_SOFT_DIRTY);
		return (code = put(copy, va, slot->level, slot->entry)) ? code : PW_VISIT_KEEP;
	case PW_SOFT_HWPOISON:
	case PW_SOFT_DEVICE:
		return (code = put(copy, va, slot->level, slot->entry)) ? code : PW_VISIT_KEEP;
	}
	if (!pw_vma_copies(copy->from))
		soft = slot->soft;
	*value = pw_slot_soft(space, slot->level, &soft);
	code = put(copy, va, slot->level, *value);
	if (code)
		return code;
	if (pw_soft_kind(space, &soft) == PW_SOFT_SWAP) {
		pw_swap_get(mm->machine, (uint32_t)soft.offset);
		pw_count(&mm->swapped, 1);
	}
	return *value == slot->entry ? PW_VISIT_KEEP : PW_VISIT_STORE;
}

static int copy_entry(void *context, pw_va va, struct pw_slot *slot, uint64_t *value)
{
	struct copy *copy = context;
	struct pw_mm *to = copy->to->mm;
	uint32_t attr;
	int code;

	/* After a store that failed, the entry comes again; its copy is there already. */
	if (va == copy->place_va && copy->place.at && copy->place.level == slot->level &&
	    copy->place.kind != PW_SLOT_EMPTY && copy->place.kind != PW_SLOT_TABLE &&
	    slot->kind == PW_SLOT_PAGE) {
		*value = pw_slot_change(copy->from->mm->space, slot,
					slot->attr & ~(uint32_t)PW_WRITE);
		return PW_VISIT_STORE;
	}
	if (va < copy->from->first ||
	    va + pw_mask(to->machine->format->shift[slot->level]) > copy->from->last)
		return PW_VISIT_SPLIT;
	if (slot->lg2 > to->machine->format->shift[slot->level] && !copy->grouped) {
		copy->grouped = true;
		copy->grouped_first = va;
	}
	if (slot->kind == PW_SLOT_SOFT)
		return copy_soft(copy, va, slot, value);
	/* The child's faults find the page in the file's cache. */
	if (pw_is_file_leaf(to, slot)) {
		pw_marks_clear(to, va, va + pw_mask(to->machine->format->shift[slot->level]),
			       PW_MARK_SOFT_DIRTY);
		return PW_VISIT_KEEP;
	}
	if (pw_entry_is_counted(to, slot))
		return copy_counted(copy, va, slot, value);
	/* Devices and zeros: zeros are never writable. */
	attr = pw_vma_copies(copy->from) ? slot->attr & ~(uint32_t)PW_WRITE : slot->attr;
	code = put(copy, va, slot->level, value_of(copy, slot, slot->pa, attr));
	return code ? code : PW_VISIT_KEEP;
}

/*
 * Entries are copied one by one, and so lose their groups on both sides. Where all of a group changed alike, both sides have
 * it again (wrprotect_ptes and set_ptes of whole batches).
 */
static void join(struct copy *copy, pw_va last)
{
	if (copy->grouped && !pw_mutant(PW_MUTANT_FORK_BREAKS)) {
		pw_table_join(copy->from->mm, copy->grouped_first, last);
		pw_table_join(copy->to->mm, copy->grouped_first, last);
	}
	copy->grouped = false;
}

/* The child gets a table also where the parent's is empty (copy_pte_range): both map small pages there. 0, -ENOMEM. */
static int copied_table(void *context, pw_va first, pw_va last)
{
	struct copy *copy = context;
	struct pw_slot slot;
	int code = 0;

	lock(copy, 1, first);
	if (!pw_mutant(PW_MUTANT_FORK_NO_TABLES))
		code = pw_slot_reach(copy->to->mm->space, first, 0, &slot);
	join(copy, last);
	unlock(copy, 1, first);
	return code;
}

/* Must entries be copied, or will faults bring the pages back? (vma_needs_copy) */
static bool needs_copy(const struct pw_vma *vma)
{
	return vma->anon || vma->device || vma->flags & (PW_VM_USER_PROTECT | PW_VM_GUARD);
}

static int copy_entries(struct pw_vma *from, struct pw_vma *to)
{
	struct copy copy = { .from = from, .to = to, .next = from->first, .fresh = PW_NO_FRAME };
	const struct pw_visitor visitor = {
		.lock = lock,
		.unlock = unlock,
		.entry = copy_entry,
		.done = copied_table,
		.context = &copy,
	};
	int code;

	do {
		if (copy.wanted && pw_page_alloc(from->mm->machine, 0, PW_FOLIO_ANONYMOUS, NULL, 0,
						 false, &copy.fresh))
			return -ENOMEM;
		copy.wanted = false;
		code = pw_slot_visit(from->mm->space, copy.next, from->last, &visitor);
	} while (code == -EAGAIN);
	pw_count(&to->mm->anonymous, (int64_t)copy.anonymous);
	if (copy.fresh != PW_NO_FRAME)
		pw_page_put(from->mm->machine, copy.fresh, 1);
	return code;
}

/* A VMA that begins anew has no pages, and so no anon. */
static void drop_anon(struct pw_vma *vma)
{
	if (vma->anon)
		pw_anon_put(vma->anon);
	vma->anon = NULL;
	vma->anon_id = vma->anon_chain = 0;
}

/* Gives the child its VMA and its entries. */
static int copy_vma(struct pw_vma *vma, struct pw_mm *child)
{
	struct pw_machine *machine = child->machine;
	const uint64_t pages = ((vma->last - vma->first) >> machine->page_lg2) + 1;
	struct pw_vma *to;

	if ((vma->flags & PW_VM_ACCOUNT) && pw_commit(machine, pages))
		return -ENOMEM;
	to = pw_vma_copy(vma, child);
	if (!to) {
		if (vma->flags & PW_VM_ACCOUNT)
			pw_uncommit(machine, pages);
		return -ENOMEM;
	}
	/* Locked memory does not stay locked in a child; nor do handlers of user faults come along. */
	to->flags &= ~(uint32_t)(PW_VM_LOCKED | PW_VM_LOCKONFAULT | PW_VM_USER_MISSING |
				 PW_VM_USER_PROTECT | PW_VM_USER_MINOR);
	to->user = NULL;
	/* Its pages of hugetlb are promised to the parent. */
	to->hugetlb_owner = to->hugetlb_robbed = false;
	if (vma->flags & PW_VM_WIPEONFORK)
		drop_anon(to);
	pw_vma_insert(to);
	pw_vma_forked(vma, to);
	if (vma->flags & PW_VM_WIPEONFORK)
		return 0;
	if (vma->flags & PW_VM_HUGETLB)
		return pw_hugetlb_fork(vma, to);
	if (!needs_copy(vma) && !pw_mutant(PW_MUTANT_FORK_MARKS_ALL))
		return 0;
	/* A mark belongs to its entry: the child has it if it gets the entry. */
	if (!(vma->flags & PW_VM_SOFTDIRTY) &&
	    pw_marks_copy(vma->mm, child, vma->first, vma->last, PW_MARK_SOFT_DIRTY))
		return -ENOMEM;
	return copy_entries(vma, to);
}

int pw_mm_fork(struct pw_mm *parent, struct pw_mm **child_ret, struct pw_error *error)
{
	struct pw_mm *child;
	int code;

	if (!parent || !child_ret)
		return pw_fail_null(error, !parent ? "parent" : "child_ret");
	code = pw_mm_create(parent->machine, &child, error);
	if (code)
		return code;
	pw_mm_write_lock(parent);
	child->range_first = parent->range_first;
	child->range_last = parent->range_last;
	pw_notify_begin(parent, 0, parent->user_last);
	pw_space_copy_begin(parent->space);
	for (struct pw_vma *vma = pw_vma_at_or_above(parent, 0); vma && !code;
	     vma = pw_vma_next(vma)) {
		/* No fault of the parent is in it: else an entry could become writable again behind the copy. */
		pw_vma_write(vma);
		if (!(vma->flags & PW_VM_DONTCOPY))
			code = copy_vma(vma, child);
	}
	/* Before the parent's threads go on: they must not write to pages that are shared now. */
	if (!pw_mutant(PW_MUTANT_FORK_NO_FLUSH))
		pw_tlb_flush(parent, 0, parent->user_last);
	pw_space_copy_end(parent->space);
	pw_notify_end(parent, 0, parent->user_last);
	pw_mm_write_unlock(parent);
	if (code) {
		pw_mm_destroy(child);
		return pw_fail(error, ENOMEM, "no memory to copy an address space");
	}
	*child_ret = child;
	return 0;
}
