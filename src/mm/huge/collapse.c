/* SPDX-License-Identifier: MIT */
/*
 * Small pages become a huge one: khugepaged, as a call, and MADV_COLLAPSE.
 *
 *     mm->lock, write; the VMA      no fault is in it, nobody maps anything there
 *     anon->lock                    nobody comes by rmap
 *     table lock                    the level-0 table is taken out: its entry of level 1 is EMPTY
 *     TLBs, then pw_space_wait      no CPU stores by an old leaf, no fast pin walks in the table any more
 *     look at every page            its references are those of entries and of the swap cache, and no others
 *     copy
 *     put the huge leaf             and give the table away; or, for a group of leaves, put the same table back
 *
 * Any doubt ends with the table put back as it was.
 *
 * The wait is what makes the look at the references final. A fast pin looks at the entry of level 1 again after
 * it took a page; but for a group the entry of level 1 has its old value again at the end (A, empty, A), and that
 * look alone does not see that the page was copied in between.
 */
#include <errno.h>
#include <string.h>

#include "format/format.h"
#include "mm/file/file.h"
#include "mm/huge/huge.h"
#include "mm/lock_order.h"
#include "mm/marks.h"
#include "mm/soft.h"
#include "mm/swap/swap.h"
#include "mm/vma/vma.h"

struct collapse {
	struct pw_vma *vma;
	struct pw_mm *mm;
	struct pw_machine *machine;
	pw_va start;
	unsigned lg2; /* of the new page */
	uint32_t pages;
	bool group; /* level 0 maps the new page */
	bool advised; /* MADV_COLLAPSE: no limits */
	pw_pa table; /* of level 0, taken out */
	uint32_t frame; /* of the new folio */
};

static pw_va va_of(const struct collapse *c, uint32_t i)
{
	return c->start + ((pw_va)i << c->machine->page_lg2);
}

/* ---- before: swap ---- */

/* Do the entries of the group map one folio already, from one page to the next? */
static bool is_one_folio(const struct collapse *c)
{
	const struct pw_arena *arena = c->machine->arena;
	uint32_t first = PW_NO_FRAME;

	for (uint32_t i = 0; i < c->pages; i++) {
		struct pw_slot slot;

		pw_slot_find(c->mm->space, va_of(c, i), &slot);
		if (!pw_entry_is_counted(c->mm, &slot))
			return false;
		if (i == 0)
			first = pw_arena_frame(arena, slot.pa);
		if (pw_arena_frame(arena, slot.pa) != first + i ||
		    pw_folio_head(arena, first + i) != pw_folio_head(arena, first))
			return false;
	}
	return true;
}

/* Is it worth trying? Reads what is in swap. 0; -EEXIST: it is one page already; -EINVAL, -EBUSY. */
static int prepare(struct collapse *c)
{
	const uint32_t limit = c->advised ? c->pages : c->group ? 0 : c->pages / 8;
	uint32_t swapped = 0, present = 0;

	if (c->group && is_one_folio(c))
		return -EEXIST;
	for (uint32_t i = 0; i < c->pages; i++) {
		struct pw_fault_work work = { .vma = c->vma, .va = va_of(c, i) };
		struct pw_slot slot;

		pw_slot_find(c->mm->space, work.va, &slot);
		if (slot.level > 0)
			return slot.kind == PW_SLOT_PAGE ? -EEXIST : -EINVAL;
		present += slot.kind == PW_SLOT_PAGE;
		if (!pw_slot_is_soft(c->mm->space, &slot, PW_SOFT_SWAP))
			continue;
		if (++swapped > limit)
			return -EBUSY;
		if (pw_fault_handle(&work) != PW_FAULT_DONE)
			return -EAGAIN;
		present++;
	}
	/* MADV_COLLAPSE makes a table of empty entries a page of zeros. */
	return present > 0 || c->advised ? 0 : -EINVAL;
}

/* ---- the pages ---- */

/* What is found among the entries. */
struct found {
	uint32_t none, shared;
	uint32_t head; /* of the folio that was locked last */
};

static bool is_zero(const struct collapse *c, const struct pw_slot *slot)
{
	const struct pw_arena *arena = c->machine->arena;

	return slot->kind == PW_SLOT_PAGE && pw_arena_has(arena, slot->pa) &&
	       (pw_folio_is_zero(arena, pw_arena_frame(arena, slot->pa)) ||
		pw_huge_is_zero(c->machine, pw_arena_frame(arena, slot->pa)));
}

/* Are all references of this locked folio those of entries and of the swap cache? */
static bool nobody_holds(const struct collapse *c, uint32_t head)
{
	const struct pw_page *page = pw_page_of(c->machine, head);
	const uint32_t mapped = __atomic_load_n(&page->mapped, __ATOMIC_ACQUIRE);

	return pw_page_references(c->machine, head) == mapped + (page->swap != 0) ||
	       pw_mutant(PW_MUTANT_COLLAPSE_PINNED);
}

/* The head of the counted folio that the entry maps, or PW_NO_FRAME. */
static uint32_t head_of(const struct collapse *c, const struct pw_slot *slot)
{
	if (!pw_entry_is_counted(c->mm, slot))
		return PW_NO_FRAME;
	return pw_folio_head(c->machine->arena, pw_arena_frame(c->machine->arena, slot->pa));
}

/* Do entries @first to @end - 1 map this folio, too? Only pages of a large one lie apart, with others between. */
static bool has_others(const struct collapse *c, uint32_t first, uint32_t end, uint32_t head)
{
	struct pw_slot slot;

	if (!pw_folio_is_large(c->machine->arena, head) || pw_mutant(PW_MUTANT_COLLAPSE_NEIGHBOURS))
		return false;
	for (uint32_t i = first; i < end; i++) {
		pw_slot_in(c->mm->space, va_of(c, i), c->table, &slot);
		if (head_of(c, &slot) == head)
			return true;
	}
	return false;
}

/* Looks at entry @i, and locks its folio. 0, or why the page cannot be moved. */
static int take_page(const struct collapse *c, uint32_t i, const struct pw_slot *slot,
		     struct found *found)
{
	const struct pw_arena *arena = c->machine->arena;
	uint32_t frame, head, flags;
	enum pw_folio_kind kind;

	if (slot->kind == PW_SLOT_EMPTY || is_zero(c, slot)) {
		found->none++;
		return found->none < c->pages || c->advised ? 0 : -EINVAL;
	}
	if (slot->kind != PW_SLOT_PAGE || !pw_entry_is_counted(c->mm, slot))
		return -EINVAL;
	frame = pw_arena_frame(arena, slot->pa);
	head = pw_folio_head(arena, frame);
	if (pw_page_owner(c->machine, head, &kind) != c->vma->anon || kind != PW_FOLIO_ANONYMOUS)
		return -EINVAL;
	if (!pw_folio_is_exclusive(arena, frame) && ++found->shared > c->pages / 2 && !c->advised)
		return -EBUSY;
	if (head == found->head || has_others(c, 0, i, head)) {
		found->head = head;
		return 0;
	}
	if (!pw_folio_trylock(c->machine, head))
		return -EAGAIN;
	flags = pw_page_flags(c->machine, frame) | pw_page_flags(c->machine, head);
	if (!nobody_holds(c, head) || (flags & (PW_PAGE_POISON | PW_PAGE_WRITEBACK))) {
		pw_folio_unlock(c->machine, head);
		return -EAGAIN;
	}
	found->head = head;
	return 0;
}

/* Unlocks the folios of the first @count entries. */
static void unlock_pages(const struct collapse *c, uint32_t count)
{
	uint32_t last = PW_NO_FRAME;

	for (uint32_t i = 0; i < count; i++) {
		struct pw_slot slot;
		uint32_t head;

		pw_slot_in(c->mm->space, va_of(c, i), c->table, &slot);
		head = head_of(c, &slot);
		if (head != PW_NO_FRAME && head != last && !has_others(c, 0, i, head))
			pw_folio_unlock(c->machine, head);
		last = head != PW_NO_FRAME ? head : last;
	}
}

/* Locks the folios of all entries. After an error, none is locked. */
static int take_pages(const struct collapse *c)
{
	struct found found = { .head = PW_NO_FRAME };

	for (uint32_t i = 0; i < c->pages; i++) {
		struct pw_slot slot;
		int code;

		pw_slot_in(c->mm->space, va_of(c, i), c->table, &slot);
		code = take_page(c, i, &slot, &found);
		if (code) {
			unlock_pages(c, i);
			return code;
		}
	}
	return 0;
}

static void copy_pages(const struct collapse *c)
{
	const size_t bytes = (size_t)pw_page_bytes(c->machine);
	char *to = pw_page_host(c->machine, c->frame);

	for (uint32_t i = 0; i < c->pages; i++, to += bytes) {
		struct pw_slot slot;

		pw_slot_in(c->mm->space, va_of(c, i), c->table, &slot);
		if (head_of(c, &slot) == PW_NO_FRAME)
			memset(to, 0, bytes);
		else
			memcpy(to, pw_arena_at(c->machine->arena, slot.pa), bytes);
	}
}

/* A page that no entry maps any more, and whose slot nobody needs, leaves the swap cache. */
static void forget_swap(const struct collapse *c, uint32_t head)
{
	const uint32_t swap = pw_page_of(c->machine, head)->swap;

	if (swap != 0 && pw_swap_count(c->machine, swap - 1) == 0)
		pw_swap_remove(c->machine, head);
}

/*
 * Takes the old entries out of the table, and unlocks their folios. A full batch gives folios back only after their
 * unlock: what is free may be a part of somebody else's folio at once, and its lock that one's.
 */
static void drop_pages(const struct collapse *c, struct pw_zap *zap)
{
	const uint64_t bytes = pw_page_bytes(c->machine);
	uint32_t last = PW_NO_FRAME;
	bool full = false;

	for (uint32_t i = 0; i < c->pages; i++) {
		struct pw_slot slot, was;
		uint32_t head;

		pw_slot_in(c->mm->space, va_of(c, i), c->table, &slot);
		was = slot;
		/* Nobody else can find the table. */
		(void)pw_slot_swap(c->mm->space, va_of(c, i), &slot,
				   pw_slot_empty(c->mm->space, 0));
		head = head_of(c, &was);
		if (head == PW_NO_FRAME)
			continue;
		if (head != last && last != PW_NO_FRAME && !has_others(c, i, c->pages, last))
			pw_folio_unlock(c->machine, last);
		/* Under the table lock, which the TLBs' flush may be called with. */
		if (head != last && full)
			pw_zap_some(zap);
		last = head;
		pw_entry_gone(c->vma, &was);
		forget_swap(c, head);
		full = pw_zap_page(zap, va_of(c, i), bytes, head, 1);
		if (full && pw_mutant(PW_MUTANT_COLLAPSE_FREES_LOCKED))
			pw_zap_some(zap);
	}
	if (last != PW_NO_FRAME)
		pw_folio_unlock(c->machine, last);
}

/* ---- the new page ---- */

static uint32_t new_extra(const struct collapse *c)
{
	return PW_ACCESSED | PW_DIRTY | (c->vma->flags & PW_VM_WRITE ? PW_WRITE : 0u);
}

/* Puts the huge leaf where the table was. */
static bool put_huge(const struct collapse *c)
{
	struct pw_slot slot;

	pw_slot_find(c->mm->space, c->start, &slot);
	return slot.level == 1 && slot.kind == PW_SLOT_EMPTY &&
	       pw_slot_swap(c->mm->space, c->start, &slot,
			    pw_vma_leaf(c->vma, 1, pw_arena_pa(c->machine->arena, c->frame),
					new_extra(c)));
}

/* Fills the empty entries of the group in the table. */
static void put_group(const struct collapse *c)
{
	const uint32_t attr = (pw_vma_attr(c->vma) & ~(uint32_t)PW_WRITE) | PW_READ | new_extra(c);
	const pw_pa pa = pw_arena_pa(c->machine->arena, c->frame);
	struct pw_slot slot;

	pw_slot_in(c->mm->space, c->start, c->table, &slot);
	if ((pw_slot_groups(c->mm->space) >> c->lg2 & 1) &&
	    pw_slot_fill_group(c->mm->space, c->start, &slot, c->lg2, pa, attr))
		return;
	for (uint32_t i = 0; i < c->pages; i++) {
		const pw_va va = va_of(c, i);

		pw_slot_in(c->mm->space, va, c->table, &slot);
		(void)pw_slot_swap(c->mm->space, va, &slot,
				   pw_vma_leaf(c->vma, 0, pa + (va - c->start), new_extra(c)));
	}
}

/* With the table taken out and all folios locked. False: nothing has changed. */
static bool replace(const struct collapse *c, struct pw_zap *zap)
{
	if (!pw_mutant(PW_MUTANT_COLLAPSE_COPY_LATE))
		copy_pages(c);
	if (!c->group && !put_huge(c))
		return false;
	if (pw_mutant(PW_MUTANT_COLLAPSE_COPY_LATE))
		copy_pages(c);
	drop_pages(c, zap);
	if (c->group)
		put_group(c);
	(void)pw_folio_try_get(c->machine->arena, c->frame, c->pages - 1);
	pw_entry_came(c->vma, c->frame, c->pages);
	return true;
}

/* The table comes out, and goes back, or away. The caller holds its lock. */
static int exchange(struct collapse *c, struct pw_zap *zap)
{
	const pw_va block = c->start & ~pw_mask(c->machine->format->shift[1]);
	int code;

	if (!pw_slot_detach(c->mm->space, c->start, &c->table))
		return -EAGAIN;
	if (!pw_mutant(PW_MUTANT_COLLAPSE_NO_FLUSH))
		pw_tlb_flush(c->mm, block, block | pw_mask(c->machine->format->shift[1]));
	/* For good: nobody can find the table any more. Partner: the sections of fast pins. */
	pw_space_wait(c->mm->space);
	code = take_pages(c);
	if (!code && !replace(c, zap)) {
		unlock_pages(c, c->pages);
		code = -EAGAIN;
	}
	if (code || c->group)
		pw_slot_attach(c->mm->space, c->start, c->table);
	else
		pw_slot_discard(c->mm->space, c->table);
	return code;
}

static void lock_anon(struct pw_anon *anon)
{
	pw_lock_wanted(PW_RANK_LIST);
	pthread_mutex_lock(&anon->lock);
	pw_lock_taken(PW_RANK_LIST);
}

static void unlock_anon(struct pw_anon *anon)
{
	pw_lock_left(PW_RANK_LIST);
	pthread_mutex_unlock(&anon->lock);
}

/* mm->lock is held for writing. 0, -EEXIST: it is one page already; or why not. */
static int collapse(struct collapse *c)
{
	struct pw_vma *vma = c->vma;
	const pw_va last = c->start + pw_mask(c->lg2);
	struct pw_zap zap;
	int code = prepare(c);

	if (!code && vma->flags & PW_VM_WRITE && pw_soft_dirty_room(vma, c->start))
		code = -ENOMEM;
	if (code)
		return code;
	/* The new page is writable as a whole, and has been written. */
	(void)pw_soft_dirty_set(vma, c->start, c->lg2);
	if (pw_page_alloc(c->machine, c->lg2 - c->machine->page_lg2, PW_FOLIO_ANONYMOUS, vma->anon,
			  pw_vma_index(vma, c->start), false, &c->frame))
		return -ENOMEM;
	__atomic_fetch_or(&pw_page_of(c->machine, c->frame)->flags, PW_PAGE_VALID,
			  __ATOMIC_RELAXED);
	pw_vma_write(vma);
	pw_notify_begin(c->mm, c->start, last);
	pw_zap_begin(&zap, c->mm);
	lock_anon(vma->anon);
	pw_table_lock(c->mm, 1, c->start);
	code = exchange(c, &zap);
	pw_table_unlock(c->mm, 1, c->start);
	unlock_anon(vma->anon);
	pw_zap_end(&zap);
	pw_notify_end(c->mm, c->start, last);
	if (code)
		pw_page_put(c->machine, c->frame, 1);
	else
		pw_count(&c->machine->info.huge_collapses, 1);
	return code;
}

/* ---- ranges ---- */

static struct collapse begin(struct pw_vma *vma, pw_va start, unsigned lg2, bool advised)
{
	struct pw_machine *machine = vma->mm->machine;

	return (struct collapse){
		.vma = vma,
		.mm = vma->mm,
		.machine = machine,
		.start = start,
		.lg2 = lg2,
		.pages = UINT32_C(1) << (lg2 - machine->page_lg2),
		.group = lg2 < machine->format->shift[1],
		.advised = advised,
	};
}

/* Are the file's blocks where the VMA has blocks of huge pages? */
static bool is_aligned(const struct pw_vma *vma)
{
	const struct pw_machine *machine = vma->mm->machine;
	const unsigned order = machine->format->shift[1] - machine->page_lg2;

	return (((vma->first >> machine->page_lg2) - vma->offset) & pw_mask(order)) == 0;
}

/* Can pages of this VMA be put together? */
static bool suitable(const struct pw_vma *vma, bool advised)
{
	if (!pw_huge_allowed(vma, advised) ||
	    !(vma->flags & (PW_VM_READ | PW_VM_WRITE | PW_VM_EXEC)) ||
	    (vma->flags & (PW_VM_USER_MISSING | PW_VM_USER_PROTECT | PW_VM_USER_MINOR)))
		return false;
	return vma->file ? pw_collapse_suits(vma->file) && is_aligned(vma)
			 : __atomic_load_n(&vma->anon, __ATOMIC_ACQUIRE) != NULL;
}

/* Makes the block at @va one page. -EEXIST: it is one already. */
static int collapse_block(struct pw_vma *vma, pw_va va, bool advised)
{
	struct collapse c = begin(vma, va, vma->mm->machine->format->shift[1], advised);

	if (!vma->file)
		return collapse(&c);
	pw_vma_write(vma);
	return pw_collapse_file(vma, va);
}

/* Does the level-0 table at @start belong to this VMA alone? Others may change theirs while it is out. */
static bool alone(struct pw_vma *vma, pw_va start)
{
	const pw_va covered = pw_mask(vma->mm->machine->format->shift[1]);
	const struct pw_vma *before = pw_vma_before(vma), *next = pw_vma_next(vma);

	return (!before || before->last < (start & ~covered)) &&
	       (!next || next->first > (start | covered));
}

/* The pages of a block that did not become one: groups of the sizes that the options name, the largest first. */
static unsigned collapse_groups(struct pw_vma *vma, pw_va first, pw_va last)
{
	const struct pw_machine *machine = vma->mm->machine;
	const unsigned top = machine->format->shift[1] - 1u;
	unsigned made = 0;

	for (pw_va va = first; va <= last && last - va >= pw_mask(machine->page_lg2);) {
		pw_va next = va + pw_page_bytes(machine);

		for (unsigned lg2 = top; lg2 > machine->page_lg2; lg2--) {
			struct collapse c = begin(vma, va, lg2, false);
			int code;

			if (!(machine->options.group_sizes >> lg2 & 1) || (va & pw_mask(lg2)) ||
			    last - va < pw_mask(lg2) || !alone(vma, va))
				continue;
			code = collapse(&c);
			made += code == 0;
			if (code == 0 || code == -EEXIST)
				next = va + pw_mask(lg2) + 1;
			if (code == 0 || code == -EEXIST)
				break;
		}
		if (next < va)
			break;
		va = next;
	}
	return made;
}

/* The first multiple of 2^@lg2 in the VMA, if a whole page of that size is there. */
static bool first_block(pw_va first, pw_va last, unsigned lg2, pw_va *va_ret)
{
	const pw_va va = (first + pw_mask(lg2)) & ~pw_mask(lg2);

	*va_ret = va;
	return va >= first && va <= last && last - va >= pw_mask(lg2);
}

/* One VMA. Blocks of huge pages, then groups in what is left. */
static unsigned collapse_vma(struct pw_vma *vma)
{
	const struct pw_machine *machine = vma->mm->machine;
	const unsigned lg2 = machine->format->shift[1];
	unsigned made = 0;
	pw_va va;

	if (!suitable(vma, false))
		return 0;
	if (pw_huge_lowest(vma->mm) == 1 && first_block(vma->first, vma->last, lg2, &va)) {
		for (; va <= vma->last && vma->last - va >= pw_mask(lg2); va += pw_mask(lg2) + 1) {
			made += collapse_block(vma, va, false) == 0;
			if (va + pw_mask(lg2) == ~(pw_va)0)
				break;
		}
	}
	if (machine->options.group_sizes && !vma->file)
		made += collapse_groups(vma, vma->first, vma->last);
	return made;
}

unsigned pw_collapse_all(struct pw_mm *mm)
{
	unsigned made = 0;

	pw_mm_write_lock(mm);
	for (struct pw_vma *vma = pw_vma_at_or_above(mm, 0); vma; vma = pw_vma_next(vma))
		made += collapse_vma(vma);
	pw_mm_write_unlock(mm);
	return made;
}

int pw_collapse_range(struct pw_vma *vma, pw_va first, pw_va last)
{
	const unsigned lg2 = vma->mm->machine->format->shift[1];
	int code = 0, failed = 0;
	pw_va va;

	if (!suitable(vma, true) || pw_huge_lowest(vma->mm) != 1)
		return -EINVAL;
	/* Linux refuses a VMA that no block fits into, before it looks at the range. */
	if (!first_block(vma->first, vma->last, lg2, &va))
		return -EINVAL;
	/* Not a whole block: Linux says 0; before Linux 7, only if the rounded ends meet. */
	if (!first_block(first, last, lg2, &va))
		return va == ((last + 1) & ~pw_mask(lg2)) || pw_is_linux_7(vma->mm->machine)
			       ? 0
			       : -EINVAL;
	for (; va <= last && last - va >= pw_mask(lg2); va += pw_mask(lg2) + 1) {
		code = collapse_block(vma, va, true);
		if (code && code != -EEXIST)
			failed = code;
		if (code == -ENOMEM || va + pw_mask(lg2) == ~(pw_va)0)
			break;
	}
	return failed;
}
