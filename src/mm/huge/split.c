/* SPDX-License-Identifier: MIT */
/*
 * Huge leaves and huge folios become small ones.
 *
 * A leaf becomes a table of its parts: pages, counts and bits stay, so whoever holds a page still holds it. A fast
 * pin that loaded the leaf finds it changed when it looks again; one that finds the table loads leaves from it.
 *
 * A folio: all entries become migration entries of base pages (of a file: empty ones), so that nobody uses it without a
 * reference; then the references that are left must be those of the caller and of the page cache. Taking them to zero
 * at once says that nobody came meanwhile (pw_folio_split). At last the parts get entries again.
 */
#include <errno.h>
#include <string.h>

#include "format/format.h"
#include "mm/huge/huge.h"
#include "mm/lock_order.h"
#include "mm/rmap/rmap.h"
#include "mm/swap/swap.h"

/* ---- leaves ---- */

static void lock(void *context, unsigned level, pw_va va)
{
	pw_table_lock(context, level, va);
}

static void unlock(void *context, unsigned level, pw_va va)
{
	pw_table_unlock(context, level, va);
}

static int split_entry(void *context, pw_va va, struct pw_slot *slot, uint64_t *value)
{
	(void)context;
	(void)va;
	(void)value;
	return slot->level > 0 && slot->kind != PW_SLOT_SOFT ? PW_VISIT_SPLIT : PW_VISIT_KEEP;
}

int pw_split_leaf_parts(struct pw_vma *vma, pw_va va)
{
	struct pw_mm *mm = vma->mm;
	const struct pw_visitor visitor = {
		.lock = lock, .unlock = unlock, .entry = split_entry, .context = mm
	};
	const pw_va page = pw_mask(mm->machine->page_lg2);

	return pw_slot_visit(mm->space, va & ~page, va | page, &visitor);
}

bool pw_is_file_leaf(const struct pw_mm *mm, const struct pw_slot *slot)
{
	const struct pw_arena *arena = mm->machine->arena;
	enum pw_folio_kind kind;

	if (slot->level == 0 || !pw_entry_is_counted(mm, slot))
		return false;
	kind = pw_folio_kind_of(arena, pw_arena_frame(arena, slot->pa));
	return kind == PW_FOLIO_SHARED || kind == PW_FOLIO_FILE;
}

int pw_split_leaf(struct pw_vma *vma, pw_va va)
{
	struct pw_mm *mm = vma->mm;
	struct pw_slot slot;
	pw_va mask;

	pw_table_peek(mm, va, &slot);
	if (!pw_is_file_leaf(mm, &slot) || pw_mutant(PW_MUTANT_SPLIT_FILE_PARTS))
		return pw_split_leaf_parts(vma, va);
	mask = pw_mask(mm->machine->format->shift[slot.level]);
	return pw_zap_range(vma, va & ~mask, va | mask, PW_ZAP_FILE_PAGES);
}

/* ---- folios ---- */

/* Gives the parts what the head has, before anybody can find them as folios. They are locked, too. */
static void describe_parts(struct pw_machine *machine, uint32_t head, uint32_t pages)
{
	const struct pw_page *first = pw_page_of(machine, head);
	const uint32_t own = PW_PAGE_POISON, kept = ~(own | PW_PAGE_WAITERS);
	const uint32_t flags = __atomic_load_n(&first->flags, __ATOMIC_RELAXED) & kept;

	for (uint32_t i = 1; i < pages; i++) {
		struct pw_page *part = pw_page_of(machine, head + i);

		part->index = first->index + i;
		/* Who has just unmapped a part of the whole may look at these: pw_swap_tidy. */
		__atomic_store_n(&part->mapped, 0, __ATOMIC_RELAXED);
		__atomic_store_n(&part->swap, 0, __ATOMIC_RELAXED);
		part->lru = __atomic_load_n(&first->lru, __ATOMIC_RELAXED);
		__atomic_store_n(&part->flags,
				 (__atomic_load_n(&part->flags, __ATOMIC_RELAXED) & own) | flags,
				 __ATOMIC_RELAXED);
	}
}

/*
 * Takes the references of the caller and of the cache away from the whole, and gives each part its own. The caller
 * has one for the whole, and gets one for each part.
 */
static bool split_counts(struct pw_machine *machine, uint32_t head, uint32_t pages, bool cached)
{
	const uint32_t kept = PW_PAGE_POISON |
			      (pw_mutant(PW_MUTANT_SPLIT_FORGETS) ? 0u : PW_PAGE_VALID);
	const pw_pa pa = pw_arena_pa(machine->arena, head);

	if (!pw_folio_try_get(machine->arena, head, pages - 1))
		return false;
	describe_parts(machine, head, pages);
	if (pw_folio_split(machine->arena, pa, cached ? 2 : 1)) {
		for (uint32_t i = 1; i < pages; i++)
			pw_lock_taken(PW_RANK_FOLIO);
		return true;
	}
	/*
	 * Later these are folios of others, who would wait for the lock for ever. But each page still has its content: a
	 * page cache asks the page itself.
	 */
	for (uint32_t i = 1; i < pages && !pw_mutant(PW_MUTANT_SPLIT_LEAVES_LOCKS); i++)
		__atomic_fetch_and(&pw_page_of(machine, head + i)->flags, kept, __ATOMIC_RELAXED);
	pw_page_put(machine, head, pages - 1);
	return false;
}

/*
 * Has a part that nobody can write to now only zeros, and may it be given up for the page of zeros? A broken page is not
 * looked at.
 */
static bool is_zeros(const struct pw_machine *machine, uint32_t frame)
{
	const unsigned char *content = pw_page_host(machine, frame);
	const size_t bytes = (size_t)pw_page_bytes(machine);
	const uint32_t stay = PW_PAGE_POISON | PW_PAGE_MLOCKED;

	if (machine->options.no_zero_page || pw_page_flags(machine, frame) & stay)
		return false;
	return content[0] == 0 && memcmp(content, content + 1, bytes - 1) == 0;
}

/* Gives the parts entries, unless they are in a cache, and lets all go but the caller's. */
static void restore_parts(struct pw_machine *machine, uint32_t head, uint32_t pages, uint32_t frame,
			  bool cached, bool zeros)
{
	for (uint32_t i = 0; i < pages && !cached; i++) {
		if (zeros && is_zeros(machine, head + i))
			pw_rmap_restore_zeros(machine, head + i);
		else
			pw_rmap_restore(machine, head + i, head + i);
	}
	for (uint32_t i = 0; i < pages; i++) {
		if (head + i == frame)
			continue;
		pw_folio_unlock(machine, head + i);
		if (!pw_mutant(PW_MUTANT_SPLIT_KEEPS))
			pw_page_put(machine, head + i, 1);
	}
}

/* @zeros: pages of zeros are given up. */
static int split_locked(struct pw_machine *machine, uint32_t frame, bool zeros)
{
	const uint64_t link = pw_frame_link(machine->arena, frame);
	const uint32_t pages = pw_link_pages(link);
	uint32_t head = pw_link_head(link), held;
	enum pw_folio_kind kind;
	void *owner = pw_page_owner(machine, head, &kind);
	const struct pw_page *page = pw_page_of(machine, head);
	bool cached = kind == PW_FOLIO_FILE || kind == PW_FOLIO_SHARED;
	int code;

	if (pages == 1)
		return 0;
	if (!owner || !(cached || kind == PW_FOLIO_ANONYMOUS))
		return -EINVAL;
	/* Each entry has a reference, and so has each page in the cache. One more is the caller's. */
	held = __atomic_load_n(&page->mapped, __ATOMIC_RELAXED) + (cached ? pages : 0) + 1;
	if (page->swap != 0 || pw_page_references(machine, head) != held ||
	    (__atomic_load_n(&page->flags, __ATOMIC_RELAXED) & PW_PAGE_WRITEBACK))
		return -EBUSY;
	if (!cached)
		code = pw_rmap_unmap_parts(machine, head);
	else
		code = pw_rmap_unmap_file(machine, head);
	if (!code && !split_counts(machine, head, pages, cached))
		code = -EBUSY;
	if (code) {
		if (!cached)
			pw_rmap_restore(machine, head, head);
		return code;
	}
	restore_parts(machine, head, pages, frame, cached, zeros);
	pw_count(&machine->info.huge_splits, 1);
	return 0;
}

int pw_split_locked(struct pw_machine *machine, uint32_t frame)
{
	return split_locked(machine, frame, true);
}

int pw_split_for_swap(struct pw_machine *machine, uint32_t frame)
{
	uint64_t bytes, free;

	pw_swap_room(machine, &bytes, &free);
	bytes = pw_page_bytes(machine) << pw_link_order(pw_frame_link(machine->arena, frame));
	return split_locked(machine, frame, free < bytes);
}

int pw_split_folio(struct pw_machine *machine, pw_pa pa)
{
	uint32_t frame;
	int code;

	if (!machine || !pw_arena_has(machine->arena, pa))
		return -EINVAL;
	frame = pw_arena_frame(machine->arena, pa);
	if (pw_folio_is_zero(machine->arena, frame) || pw_huge_is_zero(machine, frame) ||
	    !pw_folio_is_large(machine->arena, frame))
		return -EINVAL;
	if (!pw_folio_try_get(machine->arena, frame, 1))
		return -EAGAIN;
	pw_folio_lock(machine, frame);
	code = pw_split_locked(machine, frame);
	pw_folio_unlock(machine, frame);
	pw_page_put(machine, frame, 1);
	return code;
}

/* ---- folios of which parts are not used ---- */

/* Has this head an anonymous folio that is mapped in part? It may be gone the next moment. */
static bool partly_mapped(const struct pw_machine *machine, uint32_t head)
{
	const uint64_t link = pw_frame_link(machine->arena, head);
	uint32_t mapped = __atomic_load_n(&pw_page_of(machine, head)->mapped, __ATOMIC_RELAXED);

	return pw_link_head(link) == head && pw_link_order(link) > 0 && mapped > 0 &&
	       mapped < pw_link_pages(link) &&
	       pw_head_kind(machine->arena, head) == PW_FOLIO_ANONYMOUS;
}

uint64_t pw_split_unused(struct pw_machine *machine, uint64_t bytes)
{
	const uint32_t frames = machine->arena->frames;
	uint64_t freed = 0;
	uint32_t next;

	for (uint32_t frame = 0; frame < frames && freed < bytes; frame = next) {
		const uint32_t pages = pw_folio_rest(machine->arena, frame);
		uint32_t mapped;

		next = frame + pages;
		if (!partly_mapped(machine, frame) || !pw_folio_try_get(machine->arena, frame, 1))
			continue;
		mapped = __atomic_load_n(&pw_page_of(machine, frame)->mapped, __ATOMIC_RELAXED);
		if (pw_folio_trylock(machine, frame)) {
			if (pw_split_locked(machine, frame) == 0 && mapped < pages)
				freed += (uint64_t)(pages - mapped) << machine->page_lg2;
			pw_folio_unlock(machine, frame);
		}
		pw_page_put(machine, frame, 1);
	}
	return freed;
}
