/* SPDX-License-Identifier: MIT */
/*
 * Pages that move: migrate_folio of the kernel.
 *
 *     from: locked, migration entries in place of its leaves     faults wait for its lock
 *     to:   new, locked
 *     are there references that nobody knows of?                 then it stays: entries as before
 *     copy
 *     caches: to in place of from, at frozen counts
 *     leaves of to in place of migration entries
 *     unlock both; from is free
 *
 * The content cannot change between the look at the references and the copy: no entry leads to it, and the caches
 * give it out to nobody who writes without its lock.
 */
#include <errno.h>
#include <string.h>

#include "mm/file/file.h"
#include "mm/huge/hugetlb.h"
#include "mm/rmap/rmap.h"
#include "mm/soft.h"
#include "mm/swap/swap.h"

/* References of the caches. */
static uint32_t cached_references(const struct pw_machine *machine, uint32_t head,
				  enum pw_folio_kind kind)
{
	uint32_t pages = pw_folio_pages(machine->arena, head);

	/* The pool's, and one of the cache for all of a hugetlb page. */
	if (pw_page_is_hugetlb(machine, head))
		return kind == PW_FOLIO_HUGETLB ? 2 : 1;
	if (kind == PW_FOLIO_ANONYMOUS)
		return pw_page_of(machine, head)->swap != 0;
	return pages;
}

/* May such a folio be moved at all? */
static bool is_movable(const struct pw_machine *machine, uint32_t head)
{
	enum pw_folio_kind kind;
	const void *owner = pw_page_owner(machine, head, &kind);
	uint32_t flags = pw_page_flags(machine, head);

	if (!owner || flags & (PW_PAGE_POISON | PW_PAGE_WRITEBACK))
		return false;
	return kind == PW_FOLIO_ANONYMOUS || kind == PW_FOLIO_SHARED || kind == PW_FOLIO_FILE ||
	       kind == PW_FOLIO_HUGETLB;
}

static void copy_content(struct pw_machine *machine, uint32_t from, uint32_t to)
{
	const unsigned order = pw_link_order(pw_frame_link(machine->arena, from));

	memcpy(pw_page_host(machine, to), pw_page_host(machine, from),
	       (size_t)1 << (order + machine->page_lg2));
}

/* What the new folio is, before anybody finds it. */
static void copy_folio(struct pw_machine *machine, uint32_t from, uint32_t to)
{
	const uint32_t copied = PW_PAGE_VALID | PW_PAGE_USED | PW_PAGE_MLOCKED | PW_PAGE_LAZY;
	unsigned order = pw_link_order(pw_frame_link(machine->arena, from));
	struct pw_page *old = pw_page_of(machine, from), *page = pw_page_of(machine, to);
	struct pw_frame *frame = machine->arena->frame;
	enum pw_folio_kind kind;
	void *owner = pw_page_owner(machine, from, &kind);

	if (!pw_mutant(PW_MUTANT_MIGRATE_COPY_LATE))
		copy_content(machine, from, to);
	for (uint32_t i = 0; i < UINT32_C(1) << order; i++) {
		page[i].index = old->index + i;
		/* A page cache asks each page. */
		__atomic_fetch_or(&page[i].flags,
				  __atomic_load_n(&old[i].flags, __ATOMIC_RELAXED) & PW_PAGE_VALID,
				  __ATOMIC_RELAXED);
		/* Who is exclusive, each migration entry says. */
		__atomic_fetch_and(&frame[to + i].flags, ~(uint32_t)PW_FRAME_EXCLUSIVE,
				   __ATOMIC_RELAXED);
	}
	page->spare = old->spare;
	__atomic_store_n(&page->lru, old->lru, __ATOMIC_RELAXED);
	__atomic_fetch_or(&page->flags, __atomic_load_n(&old->flags, __ATOMIC_RELAXED) & copied,
			  __ATOMIC_RELAXED);
	if (pw_page_is_dirty(machine, from) && !pw_mutant(PW_MUTANT_MIGRATE_CLEAN))
		pw_folio_dirty_held(machine->arena, to);
	pw_page_set_owner(machine, to, kind, owner);
}

/* The caches forget @from, and know @to. The caller has one reference of each. */
static bool replace_in_caches(struct pw_machine *machine, uint32_t from, uint32_t to)
{
	/* Those that no cache has: the caller's, and a pool's. */
	const uint32_t held = pw_page_is_hugetlb(machine, from) ? 2 : 1;
	enum pw_folio_kind kind;
	void *owner = pw_page_owner(machine, from, &kind);

	if (kind != PW_FOLIO_ANONYMOUS)
		return pw_cache_replace(owner, from, to, held);
	if (!pw_folio_is_large(machine->arena, from))
		return pw_swap_replace(machine, from, to, 1);
	if (!pw_folio_freeze(machine->arena, from, held))
		return false;
	pw_folio_thaw(machine->arena, from, held);
	return true;
}

/* Moves the locked folio @from to the locked folio @to of the same size. */
static bool move(struct pw_machine *machine, uint32_t from, uint32_t to)
{
	enum pw_folio_kind kind;
	uint32_t known;

	if (!is_movable(machine, from) || pw_rmap_unmap(machine, from, PW_UNMAP_MIGRATION))
		return false;
	pw_page_owner(machine, from, &kind);
	known = 1 + cached_references(machine, from, kind);
	if (pw_page_references(machine, from) != known && !pw_mutant(PW_MUTANT_MIGRATE_REFERENCED))
		return false;
	copy_folio(machine, from, to);
	if (replace_in_caches(machine, from, to) || pw_mutant(PW_MUTANT_MIGRATE_REFERENCED))
		return true;
	pw_page_set_owner(machine, to, PW_FOLIO_NONE, NULL);
	return false;
}

static int migrate_held(struct pw_machine *machine, uint32_t from, bool longterm)
{
	unsigned order = pw_link_order(pw_frame_link(machine->arena, from));
	const bool hugetlb = pw_page_is_hugetlb(machine, from);
	bool moved;
	uint32_t to;

	if (!is_movable(machine, from) || pw_page_maybe_pinned(machine, from))
		return -EBUSY;
	/* Before any lock: this may reclaim. */
	if (hugetlb ? pw_hugetlb_spare(machine, order, longterm, &to)
		    : pw_page_alloc(machine, order, PW_FOLIO_NONE, NULL, 0, longterm, &to))
		return -ENOMEM;
	pw_folio_lock(machine, from);
	/* Nobody waits for a lock while it holds that of a new folio. */
	pw_folio_lock(machine, to);
	moved = pw_folio_head(machine->arena, from) == from &&
		pw_link_order(pw_frame_link(machine->arena, from)) == order &&
		move(machine, from, to);
	pw_rmap_restore(machine, from, moved ? to : from);
	if (moved && pw_mutant(PW_MUTANT_MIGRATE_COPY_LATE))
		copy_content(machine, from, to);
	if (moved)
		pw_page_set_owner(machine, from, PW_FOLIO_NONE, NULL);
	if (moved && hugetlb)
		pw_hugetlb_moved(machine, from, to);
	pw_folio_unlock(machine, to);
	pw_folio_unlock(machine, from);
	pw_swap_tidy(machine, moved ? to : from);
	pw_page_put(machine, to, 1);
	return moved ? 0 : -EBUSY;
}

int pw_migrate_folio(struct pw_machine *machine, uint32_t head, bool longterm)
{
	int code = -EBUSY;

	if (!pw_folio_is_zero(machine->arena, head) && pw_folio_try_get(machine->arena, head, 1)) {
		head = pw_folio_head(machine->arena, head);
		code = migrate_held(machine, head, longterm);
		pw_page_put(machine, head, 1);
	}
	pw_count(code == 0 ? &machine->info.migrated : &machine->info.migrate_failed, 1);
	return code;
}

int pw_migrate(struct pw_machine *machine, pw_pa pa)
{
	if (!machine || !pw_arena_has(machine->arena, pa))
		return -EINVAL;
	return pw_migrate_folio(machine, pw_arena_frame(machine->arena, pa), false);
}

/* ---- faults ---- */

/*
 * Waits until the page of a migration entry has moved (migration_entry_wait). This takes no reference, because it
 * would keep the page where it is. The page may be free before the wait begins: so the entry is looked at under
 * the table lock, and the wait is for the lock of a frame, whatever is in the frame by then. Afterwards the access
 * is tried again.
 */
enum pw_fault_kind pw_fault_migration(struct pw_fault_work *work)
{
	struct pw_mm *mm = work->vma->mm;
	struct pw_slot slot;
	bool same;

	pw_table_lock(mm, 1, work->va);
	pw_slot_find(mm->space, work->va, &slot);
	same = slot.kind == PW_SLOT_SOFT && slot.level == work->slot.level &&
	       slot.entry == work->slot.entry;
	pw_table_unlock(mm, 1, work->va);
	if (!same)
		return PW_FAULT_DONE;
	if (work->flags & PW_FAULT_NOWAIT)
		return PW_FAULT_RETRY;
	pw_folio_wait(mm->machine, (uint32_t)work->slot.soft.offset);
	return PW_FAULT_DONE;
}
