/* SPDX-License-Identifier: MIT */
/*
 * From a folio to the entries that map it.
 *
 *     folio --> owner --> VMAs in its list --> address: by index --> entry: is it this page, or its migration entry?
 *
 * The list is walked under lock 4, each entry is changed under its table lock. A page may be mapped somewhere
 * else meanwhile only by fork, which copies an entry from one VMA of the list to another one: a walk that must
 * find all entries is repeated until it finds none. mremap moves entries under lock 4.
 *
 * How an entry of an anonymous page goes (try_to_unmap_one, try_to_migrate_one):
 *
 *     1  the migration or swap entry takes its place: nobody finds the page there any more
 *     2  TLBs forget the old entry
 *     3  the page's exclusive bit is cleared, and then the pins are looked at. Maybe pinned: 1 is undone
 *
 * A pin by the fast path looks at the entry, and at the exclusive bit, after it took the page. So either it
 * finds them changed and gives the page back, or step 3 sees the pin.
 */
#include <errno.h>

#include "mm/file/file.h"
#include "mm/huge/huge.h"
#include "mm/marks.h"
#include "mm/mm.h"
#include "mm/rmap/rmap.h"
#include "mm/soft.h"
#include "mm/swap/swap.h"
#include "space/slot_group.h"

/* ---- entries ---- */

/* A walk over the entries of a folio. */
struct walk {
	struct pw_machine *machine;
	uint32_t head, frames; /* whose entries */
	uint64_t index;
	bool migration; /* its migration entries; else those that map it */
	bool notify; /* tell notifiers */
	bool shared_only; /* VM_SHARED */
	unsigned found;
	/* Called under the entry's table lock. */
	int (*entry)(struct walk *walk, struct pw_vma *vma, pw_va va, struct pw_slot *slot);

	enum pw_unmap_to to;
	bool force; /* also where a VMA is locked, or a pin may be */
	bool parts; /* leave entries of base pages only */
	uint32_t new_head; /* restore */
	bool zeros; /* restore: the page has only zeros, and need not be kept */
	bool result;
};

/* Finds the entry of @va with its lock held; returns the level to unlock by. */
static unsigned lock_entry(struct pw_mm *mm, pw_va va, struct pw_slot *slot)
{
	unsigned level = 1;

	for (;;) {
		pw_table_lock(mm, level, va);
		pw_slot_find(mm->space, va, slot);
		if ((slot->level > 1) == (level > 1) || slot->kind == PW_SLOT_EMPTY)
			return level;
		/* Entries of higher levels have another lock. */
		pw_table_unlock(mm, level, va);
		level = slot->level > 1 ? slot->level : 1;
	}
}

static uint64_t slot_bytes(const struct pw_machine *machine, const struct pw_slot *slot)
{
	return UINT64_C(1) << machine->format->shift[slot->level];
}

static uint32_t slot_pages(const struct pw_machine *machine, const struct pw_slot *slot)
{
	return (uint32_t)(slot_bytes(machine, slot) >> machine->page_lg2);
}

/* Is this the entry of the folio's page that belongs at @va? */
static bool is_ours(const struct walk *walk, const struct pw_vma *vma, pw_va va,
		    const struct pw_slot *slot)
{
	uint32_t frame = walk->head + (uint32_t)(pw_vma_index(vma, va) - walk->index);

	if (walk->migration)
		return pw_slot_is_soft(vma->mm->space, slot, PW_SOFT_MIGRATION) &&
		       slot->soft.offset == frame;
	return pw_entry_maps(vma->mm, slot, frame);
}

/* What entry() answers if a leaf of a higher level has to become a table of its parts first. */
enum { MUST_SPLIT = 1 };

static int walk_entries(struct walk *walk, struct pw_vma *vma, pw_va first, pw_va last)
{
	for (pw_va va = first;;) {
		struct pw_slot slot;
		unsigned level = lock_entry(vma->mm, va, &slot);
		uint64_t rest = slot_bytes(walk->machine, &slot) - 1;
		int code = 0;

		/* The folio may be mapped by a leaf only if all of the leaf is in the VMA, and is the folio's. */
		if ((va & rest) == 0 && rest <= last - va && is_ours(walk, vma, va, &slot)) {
			walk->found++;
			code = walk->entry(walk, vma, va, &slot);
		}
		pw_table_unlock(vma->mm, level, va);
		if (code == MUST_SPLIT) {
			if (pw_split_leaf(vma, va))
				return -ENOMEM;
			continue;
		}
		if (code || last - va <= (rest & ~va))
			return code;
		va = (va | rest) + 1;
	}
}

static int walk_vma(void *context, struct pw_vma *vma, pw_va first)
{
	struct walk *walk = context;
	uint64_t skipped = pw_vma_index(vma, first) - walk->index;
	pw_va last = first + ((walk->frames - skipped) << walk->machine->page_lg2) - 1;
	int code;

	if (walk->shared_only && !(pw_vma_flags(vma) & PW_VM_SHARED))
		return 0;
	/* Before the end of the space wraps, or of the VMA. */
	if (last > vma->last || last < first)
		last = vma->last;
	if (walk->notify)
		pw_notify_begin(vma->mm, first, last);
	code = walk_entries(walk, vma, first, last);
	if (walk->notify)
		pw_notify_end(vma->mm, first, last);
	return code;
}

static struct walk walk_begin(struct pw_machine *machine, uint32_t head)
{
	enum pw_folio_kind kind;
	/* Without an owner it has no index yet. */
	const bool owned = pw_page_owner(machine, head, &kind) != NULL;

	return (struct walk){
		.machine = machine,
		.head = head,
		.frames = pw_folio_pages(machine->arena, head),
		.index = owned ? pw_page_of(machine, head)->index : 0,
	};
}

/* ---- taking entries out ---- */

static bool is_anonymous(const struct walk *walk)
{
	return pw_head_kind(walk->machine->arena, walk->head) == PW_FOLIO_ANONYMOUS;
}

/* Is every page of the leaf exclusive? A leaf is written to only if that is so. */
static bool is_exclusive(const struct walk *walk, const struct pw_slot *slot)
{
	uint32_t frame = pw_arena_frame(walk->machine->arena, slot->pa);

	for (uint32_t i = 0; i < slot_pages(walk->machine, slot); i++)
		if (!pw_folio_is_exclusive(walk->machine->arena, frame + i))
			return false;
	return true;
}

static void own_pages(struct pw_machine *machine, pw_pa pa, uint32_t pages)
{
	for (uint32_t i = 0; i < pages; i++)
		pw_folio_own(machine->arena, pa + ((pw_pa)i << machine->page_lg2));
}

/* Makes all pages of a leaf shared; false, and nothing changed, if one may be pinned. */
static bool share_pages(struct pw_machine *machine, pw_pa pa, uint32_t pages)
{
	for (uint32_t i = 0; i < pages; i++) {
		if (pw_folio_try_share(machine->arena, pa + ((pw_pa)i << machine->page_lg2)))
			continue;
		own_pages(machine, pa, i);
		return false;
	}
	return true;
}

/* What takes the entry's place. */
static uint64_t replacement(const struct walk *walk, const struct pw_vma *vma,
			    const struct pw_slot *slot, bool exclusive)
{
	const struct pw_space *space = vma->mm->space;
	uint32_t frame = pw_arena_frame(walk->machine->arena, slot->pa);
	enum pw_migration what = PW_MIGRATION_READ;
	struct pw_soft soft;

	switch (walk->to) {
	case PW_UNMAP_EMPTY:
		return pw_slot_empty(space, slot->level);
	case PW_UNMAP_MIGRATION:
		if (slot->kind == PW_SLOT_PAGE && slot->attr & PW_WRITE)
			what = PW_MIGRATION_WRITE;
		else if (exclusive)
			what = PW_MIGRATION_READ_EXCLUSIVE;
		soft = pw_soft_migration(space, what, frame);
		break;
	case PW_UNMAP_SWAP:
		soft = pw_soft_swap(pw_page_of(walk->machine, walk->head)->swap - 1, exclusive);
		break;
	case PW_UNMAP_POISON:
		soft = pw_soft_poison(space, frame);
		break;
	}
	if (!(pw_soft_levels(space) >> slot->level & 1))
		return pw_slot_empty(space, slot->level);
	return pw_slot_soft(space, slot->level, &soft);
}

static bool is_dirty(const struct walk *walk)
{
	return __atomic_load_n(&walk->machine->arena->frame[walk->head].flags, __ATOMIC_SEQ_CST) &
	       PW_FRAME_DIRTY;
}

/* Do only its entries and the caller hold the page? */
static bool nobody_holds(const struct walk *walk)
{
	const struct pw_page *page = pw_page_of(walk->machine, walk->head);
	uint32_t mapped = __atomic_load_n(&page->mapped, __ATOMIC_SEQ_CST);

	return pw_page_references(walk->machine, walk->head) == mapped + 1;
}

/*
 * May the page be dropped without being written? (MADV_FREE) Who has written to it by a pin makes it dirty first, and
 * then gives the pin back. So the holders are looked at first: if the pin is gone, the dirty flag is there.
 */
static bool may_drop(const struct walk *walk, const struct pw_slot *was)
{
	if (was->attr & PW_DIRTY)
		return false;
	if (pw_mutant(PW_MUTANT_DROP_DIRTY_FIRST))
		return !is_dirty(walk) && nobody_holds(walk);
	return nobody_holds(walk) && !is_dirty(walk);
}

/*
 * The entry was replaced, and TLBs forgot it. May it stay so? This looks at the pins, after the page was made
 * shared: see the first comment.
 */
static bool may_go(const struct walk *walk, const struct pw_slot *was, bool exclusive)
{
	if (!is_anonymous(walk) || walk->force)
		return true;
	if (walk->to == PW_UNMAP_EMPTY && !may_drop(walk, was))
		return false;
	return !exclusive || share_pages(walk->machine, was->pa, slot_pages(walk->machine, was));
}

/* Some formats know no migration entries above level 0. Only a hugetlb leaf is never split: it becomes empty. */
static bool must_split(const struct walk *walk, const struct pw_space *space,
		       const struct pw_slot *slot)
{
	if (slot->level == 0 || walk->to == PW_UNMAP_EMPTY ||
	    pw_page_is_hugetlb(walk->machine, walk->head))
		return false;
	return (walk->parts && !pw_mutant(PW_MUTANT_SPLIT_WHOLE)) ||
	       !(pw_soft_levels(space) >> slot->level & 1);
}

static int unmap_entry(struct walk *walk, struct pw_vma *vma, pw_va va, struct pw_slot *slot)
{
	struct pw_machine *machine = walk->machine;
	struct pw_mm *mm = vma->mm;
	struct pw_slot was;
	bool exclusive;

	if ((walk->to == PW_UNMAP_SWAP || walk->to == PW_UNMAP_EMPTY) && !walk->force &&
	    pw_vma_flags(vma) & PW_VM_LOCKED)
		return -EBUSY;
	if (must_split(walk, mm->space, slot))
		return MUST_SPLIT;
	/* Where no entry can say that it moves, it stays. */
	if (pw_page_is_hugetlb(walk->machine, walk->head) && walk->to == PW_UNMAP_MIGRATION &&
	    !(pw_soft_levels(mm->space) >> slot->level & 1))
		return -EBUSY;
	/* Hardware may set accessed and dirty until the entry is replaced. */
	do {
		if (!is_ours(walk, vma, va, slot))
			return 0;
		was = *slot;
		exclusive = is_anonymous(walk) && is_exclusive(walk, slot);
	} while (!pw_slot_swap(mm->space, va, slot, replacement(walk, vma, slot, exclusive)));
	if (!pw_mutant(PW_MUTANT_UNMAP_NO_FLUSH))
		pw_tlb_flush(mm, va, va + (slot_bytes(machine, &was) - 1));
	if (!may_go(walk, &was, exclusive) && !pw_mutant(PW_MUTANT_UNMAP_PINNED)) {
		pw_slot_swap(mm->space, va, slot, was.entry);
		return -EBUSY;
	}
	if (walk->to == PW_UNMAP_EMPTY && !pw_mutant(PW_MUTANT_SOFT_DIRTY_UNMAPPED))
		pw_marks_clear(mm, va, va + (slot_bytes(machine, &was) - 1), PW_MARK_SOFT_DIRTY);
	if (walk->to == PW_UNMAP_SWAP) {
		pw_swap_get(machine, pw_page_of(machine, walk->head)->swap - 1);
		__atomic_fetch_add(&mm->swapped, 1, __ATOMIC_RELAXED);
	}
	pw_entry_gone(vma, &was);
	/* The caller has a reference, so this does not free it. */
	pw_page_put(machine, walk->head, slot_pages(machine, &was));
	return 0;
}

static int unmap(struct walk *walk)
{
	const uint32_t *mapped = &pw_page_of(walk->machine, walk->head)->mapped;
	int code = 0;

	walk->entry = unmap_entry;
	walk->notify = true;
	do {
		if (__atomic_load_n(mapped, __ATOMIC_SEQ_CST) == 0)
			return 0;
		walk->found = 0;
		code = pw_rmap_each(walk->machine, walk->head, walk_vma, walk);
	} while (!code && walk->found > 0);
	if (!code && __atomic_load_n(mapped, __ATOMIC_SEQ_CST) != 0)
		code = -EBUSY;
	return code;
}

int pw_rmap_unmap(struct pw_machine *machine, uint32_t head, enum pw_unmap_to to)
{
	struct walk walk = walk_begin(machine, head);

	walk.to = to;
	walk.force = to == PW_UNMAP_POISON;
	if (!walk.force && pw_page_maybe_pinned(machine, head) &&
	    !pw_mutant(PW_MUTANT_UNMAP_PINNED))
		return -EBUSY;
	return unmap(&walk);
}

int pw_rmap_unmap_parts(struct pw_machine *machine, uint32_t head)
{
	struct walk walk = walk_begin(machine, head);

	walk.to = PW_UNMAP_MIGRATION;
	walk.parts = true;
	return pw_page_maybe_pinned(machine, head) ? -EBUSY : unmap(&walk);
}

int pw_rmap_unmap_file(struct pw_machine *machine, uint32_t head)
{
	struct walk walk = walk_begin(machine, head);

	walk.to = PW_UNMAP_EMPTY;
	walk.force = !pw_mutant(PW_MUTANT_FILE_KEEPS_LOCKED);
	return pw_page_maybe_pinned(machine, head) ? -EBUSY : unmap(&walk);
}

int pw_rmap_take(struct pw_machine *machine, uint32_t head, enum pw_unmap_to to)
{
	struct walk walk = walk_begin(machine, head);

	walk.to = to;
	walk.force = true;
	return unmap(&walk);
}

/* ---- migration entries become leaves ---- */

/*
 * Puts the page of zeros in the place of an entry's own page, which has only zeros (try_to_map_unused_to_zeropage).
 * Locked memory keeps its pages.
 */
static bool restore_zero(const struct walk *walk, struct pw_vma *vma, pw_va va,
			 struct pw_slot *slot)
{
	const struct pw_arena *arena = walk->machine->arena;

	if (!walk->zeros ||
	    (pw_vma_flags(vma) & PW_VM_LOCKED && !pw_mutant(PW_MUTANT_SPLIT_ZERO_LOCKED)))
		return false;
	pw_slot_swap(vma->mm->space, va, slot,
		     pw_vma_leaf(vma, 0, pw_arena_zero_page(arena), PW_ACCESSED));
	return true;
}

/*
 * What the entry of a page that has moved permits and says again. It made the page itself dirty, if it was dirty, when it
 * went: so one of a clean page, as MADV_FREE leaves it, comes back clean.
 */
static uint32_t restored_extra(const struct walk *walk, const struct pw_vma *vma, pw_va va,
			       const struct pw_slot *slot)
{
	const struct pw_machine *machine = walk->machine;
	const uint32_t flags = pw_vma_flags(vma);
	uint32_t extra = 0;

	if (pw_page_flags(machine, walk->new_head) & PW_PAGE_USED)
		extra |= PW_ACCESSED;
	if (pw_soft_migration_what(vma->mm->space, &slot->soft) != PW_MIGRATION_WRITE ||
	    !(flags & PW_VM_WRITE || pw_mutant(PW_MUTANT_RESTORE_OLD_RIGHTS)))
		return extra;
	if (flags & PW_VM_USER_PROTECT &&
	    pw_marks_any(vma->mm, va, va + (slot_bytes(machine, slot) - 1), PW_MARK_PROTECTED))
		return extra;
	if (pw_page_is_dirty(machine, walk->new_head) || pw_mutant(PW_MUTANT_RESTORE_DIRTY))
		extra |= PW_DIRTY;
	return extra | PW_WRITE;
}

static int restore_entry(struct walk *walk, struct pw_vma *vma, pw_va va, struct pw_slot *slot)
{
	struct pw_machine *machine = walk->machine;
	struct pw_arena *arena = machine->arena;
	enum pw_migration what = pw_soft_migration_what(vma->mm->space, &slot->soft);
	uint32_t frame = walk->new_head + (uint32_t)(slot->soft.offset - walk->head);
	uint32_t pages = slot_pages(machine, slot);
	bool anonymous = pw_folio_kind_of(arena, frame) == PW_FOLIO_ANONYMOUS;
	pw_pa pa = pw_arena_pa(arena, frame);
	uint32_t extra;

	if (restore_zero(walk, vma, va, slot))
		return 0;
	extra = restored_extra(walk, vma, va, slot);
	/* A count that is full: as if the place had never been mapped would lose the page. There is room by then. */
	if (!pw_folio_try_get(arena, frame, pages))
		return -EBUSY;
	if (anonymous && what != PW_MIGRATION_READ)
		own_pages(machine, pa, pages);
	pw_entry_came(vma, frame, pages);
	pw_slot_swap(vma->mm->space, va, slot, pw_vma_leaf(vma, slot->level, pa, extra));
	return 0;
}

static void restore(struct walk *walk, uint32_t from, uint32_t to)
{
	int code;

	walk->head = from;
	walk->new_head = to;
	walk->entry = restore_entry;
	walk->migration = true;
	do {
		walk->found = 0;
		code = pw_rmap_each(walk->machine, to, walk_vma, walk);
	} while (!code && walk->found > 0);
}

void pw_rmap_restore(struct pw_machine *machine, uint32_t from, uint32_t to)
{
	struct walk walk = walk_begin(machine, to);

	restore(&walk, from, to);
}

void pw_rmap_restore_zeros(struct pw_machine *machine, uint32_t frame)
{
	struct walk walk = walk_begin(machine, frame);

	walk.zeros = true;
	restore(&walk, frame, frame);
}

/* ---- dirty and accessed bits ---- */

static int clean_entry(struct walk *walk, struct pw_vma *vma, pw_va va, struct pw_slot *slot)
{
	struct pw_mm *mm = vma->mm;
	uint32_t attr;

	do {
		if (slot->kind != PW_SLOT_PAGE || !is_ours(walk, vma, va, slot))
			return 0;
		attr = slot->attr;
		if (!(attr & (PW_WRITE | PW_DIRTY)))
			return 0;
	} while (!pw_slot_swap(
		mm->space, va, slot,
		pw_slot_change(mm->space, slot, attr & ~(uint32_t)(PW_WRITE | PW_DIRTY))));
	pw_tlb_flush(mm, va, va + (slot_bytes(walk->machine, slot) - 1));
	if (attr & PW_DIRTY) {
		pw_folio_dirty_held(walk->machine->arena, walk->head);
		walk->result = true;
	}
	return 0;
}

bool pw_rmap_clean(struct pw_machine *machine, uint32_t head)
{
	struct walk walk = walk_begin(machine, head);

	if (__atomic_load_n(&pw_page_of(machine, head)->mapped, __ATOMIC_SEQ_CST) == 0)
		return false;
	walk.entry = clean_entry;
	walk.notify = true;
	/* Private mappings never write to the file's page. */
	walk.shared_only = true;
	pw_rmap_each(machine, head, walk_vma, &walk);
	return walk.result;
}

static int used_entry(struct walk *walk, struct pw_vma *vma, pw_va va, struct pw_slot *slot)
{
	struct pw_mm *mm = vma->mm;

	for (;;) {
		const uint64_t was = slot->entry;

		if (slot->kind != PW_SLOT_PAGE || !(slot->attr & PW_ACCESSED) ||
		    !is_ours(walk, vma, va, slot))
			return 0;
		if (!pw_slot_mark(mm->space, va, slot, slot->attr & ~(uint32_t)PW_ACCESSED))
			continue;
		/* This format does not know whether a page was accessed: nobody can tell. */
		if (slot->entry == was)
			return 0;
		break;
	}
	/* A TLB that keeps the old entry would not say that the page is used again. */
	pw_tlb_flush(mm, va, va + (slot_bytes(walk->machine, slot) - 1));
	walk->result = true;
	return 0;
}

bool pw_rmap_used(struct pw_machine *machine, uint32_t head)
{
	struct walk walk = walk_begin(machine, head);
	uint32_t flags = __atomic_fetch_and(&pw_page_of(machine, head)->flags,
					    ~(uint32_t)PW_PAGE_USED, __ATOMIC_RELAXED);

	walk.result = flags & PW_PAGE_USED;
	if (__atomic_load_n(&pw_page_of(machine, head)->mapped, __ATOMIC_SEQ_CST) == 0)
		return walk.result;
	walk.entry = used_entry;
	pw_rmap_each(machine, head, walk_vma, &walk);
	return walk.result;
}
