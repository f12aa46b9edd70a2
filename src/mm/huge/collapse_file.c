/* SPDX-License-Identifier: MIT */
/*
 * Pages of shared memory, or of a file that can only be read, become a huge one (collapse_file).
 *
 *     every page there       holes are filled, swap is read; each page gets a reference
 *     every page locked      and unmapped everywhere: nobody stores to it, and no fault finds it
 *     copy
 *     the cache              all pages are frozen, so that nobody holds one; then the huge one takes their place
 *     the leaf               where the call was made. Other mms fault their pages in again
 *
 * Any doubt before the last but one step leaves the cache as it was. What was unmapped comes back by faults.
 * As on Linux, a file that is open for writing stays small: its pages may become dirty at any moment.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "format/format.h"
#include "mm/file/file.h"
#include "mm/huge/huge.h"
#include "mm/rmap/rmap.h"

struct block {
	struct pw_vma *vma;
	struct pw_machine *machine;
	struct pw_file *file;
	pw_va start;
	uint64_t index; /* of its first page in the file */
	uint32_t pages;
	uint32_t *frame; /* of the small pages, each with a reference */
	uint32_t head; /* of the huge one, locked, with a reference */
};

static unsigned order_of(const struct block *b, uint32_t frame)
{
	return pw_link_order(pw_frame_link(b->machine->arena, frame));
}

static void put_pages(const struct block *b, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		pw_page_put(b->machine, b->frame[i], 1);
}

/* Takes a reference on every page of the block. -EEXIST: it is one page, to which b->head has a reference, locked. */
static int get_pages(struct block *b)
{
	bool major = false;

	for (uint32_t i = 0; i < b->pages; i++) {
		int error = pw_cache_page(b->file, b->index + i, 0, &b->frame[i], &major);
		unsigned order;

		if (error) {
			put_pages(b, i);
			return error == -ENOMEM ? error : -EINVAL;
		}
		order = order_of(b, b->frame[i]);
		if (i == 0 && UINT32_C(1) << order == b->pages) {
			b->head = b->frame[0];
			return -EEXIST;
		}
		pw_folio_unlock(b->machine, b->frame[i]);
		if (order > 0) {
			put_pages(b, i + 1);
			return -EINVAL;
		}
	}
	return 0;
}

/*
 * Locks and unmaps one page, also where memory is locked: its process gets the new page. Is it the block's, and does nobody
 * but the cache and this call hold it?
 */
static bool isolate(const struct block *b, uint32_t i)
{
	const uint32_t frame = b->frame[i];
	const struct pw_page *page = pw_page_of(b->machine, frame);
	const uint32_t bad = PW_PAGE_POISON | PW_PAGE_WRITEBACK;
	enum pw_folio_kind kind;

	if (!pw_folio_trylock(b->machine, frame))
		return false;
	if (pw_page_owner(b->machine, frame, &kind) == b->file && order_of(b, frame) == 0 &&
	    !(kind == PW_FOLIO_FILE && pw_page_is_dirty(b->machine, frame)) &&
	    page->index == b->index + i && page->swap == 0 &&
	    !(__atomic_load_n(&page->flags, __ATOMIC_RELAXED) & bad) &&
	    pw_rmap_unmap_file(b->machine, frame) == 0 &&
	    (pw_page_references(b->machine, frame) == 2 || pw_mutant(PW_MUTANT_COLLAPSE_PINNED)))
		return true;
	pw_folio_unlock(b->machine, frame);
	return false;
}

static void unlock_pages(const struct block *b, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		pw_folio_unlock(b->machine, b->frame[i]);
}

/* Copies the small pages to the huge one, and gives it their place. 0, -EAGAIN. */
static int replace(const struct block *b)
{
	const size_t bytes = (size_t)pw_page_bytes(b->machine);
	char *to = pw_page_host(b->machine, b->head);
	uint32_t done = 0;
	bool merged;

	while (done < b->pages && isolate(b, done))
		done++;
	if (done < b->pages) {
		unlock_pages(b, done);
		return -EAGAIN;
	}
	for (uint32_t i = 0; i < b->pages; i++, to += bytes) {
		memcpy(to, pw_page_host(b->machine, b->frame[i]), bytes);
		__atomic_fetch_or(&pw_page_of(b->machine, b->head + i)->flags, PW_PAGE_VALID,
				  __ATOMIC_RELAXED);
	}
	/* Shared memory has no other copy. */
	if (b->file->kind == PW_FOLIO_SHARED)
		pw_folio_dirty_held(b->machine->arena, b->head);
	merged = pw_cache_merge(b->file, b->index, b->frame, b->pages, b->head);
	unlock_pages(b, b->pages);
	return merged ? 0 : -EAGAIN;
}

/* ---- tables ---- */

/* Takes out the empty tables of all VMAs that map the block as a whole (retract_page_tables). */
static void retract_tables(const struct block *b)
{
	const unsigned lg2 = b->machine->format->shift[1];

	pthread_mutex_lock(&b->file->map_lock);
	for (struct pw_vma *vma = b->file->vmas; vma; vma = vma->file_next) {
		const pw_va va = vma->first + ((b->index - vma->offset) << b->machine->page_lg2);

		if (b->index < vma->offset || va < vma->first || va > vma->last ||
		    (va & pw_mask(lg2)) || vma->last - va < pw_mask(lg2))
			continue;
		pw_table_lock(vma->mm, 1, va);
		(void)pw_slot_reclaim_table(vma->mm->space, va);
		pw_table_unlock(vma->mm, 1, va);
	}
	pthread_mutex_unlock(&b->file->map_lock);
}

/* Puts the leaf, unless a page of the block is a private copy. The folio is locked: it is the file's. */
static int map_leaf(const struct block *b)
{
	struct pw_vma *vma = b->vma;
	struct pw_space *space = vma->mm->space;
	const uint32_t write = PW_VM_SHARED | PW_VM_WRITE;
	uint32_t extra = PW_ACCESSED;
	struct pw_slot slot;
	bool done;

	if ((vma->flags & write) == write && pw_vma_attr(vma) & PW_WRITE)
		extra |= PW_WRITE | PW_DIRTY;
	if (pw_slot_reach(space, b->start, 1, &slot))
		return -ENOMEM;
	if (!pw_folio_try_get(b->machine->arena, b->head, b->pages))
		return -EAGAIN;
	pw_table_lock(vma->mm, 1, b->start);
	pw_slot_find(space, b->start, &slot);
	done = slot.level == 1 && slot.kind == PW_SLOT_EMPTY &&
	       pw_slot_swap(space, b->start, &slot,
			    pw_vma_leaf(vma, 1, pw_arena_pa(b->machine->arena, b->head), extra));
	if (done)
		pw_entry_came(vma, b->head, b->pages);
	pw_table_unlock(vma->mm, 1, b->start);
	if (!done)
		pw_page_put(b->machine, b->head, b->pages);
	return done ? 0 : -EINVAL;
}

/* The new page is ready: makes it the file's and maps it. */
static int merge(struct block *b)
{
	int code;

	if (pw_page_alloc(b->machine, b->machine->format->shift[1] - b->machine->page_lg2,
			  PW_FOLIO_NONE, NULL, b->index, false, &b->head))
		return -ENOMEM;
	pw_folio_lock(b->machine, b->head);
	code = replace(b);
	if (!code)
		pw_count(&b->machine->info.huge_collapses, 1);
	return code;
}

bool pw_collapse_suits(const struct pw_file *file)
{
	return file->kind == PW_FOLIO_SHARED ||
	       (file->kind == PW_FOLIO_FILE &&
		(!file->writable || pw_mutant(PW_MUTANT_COLLAPSE_WRITABLE)));
}

/* Has shared memory nothing at all in the block? Then nothing is put together. */
static bool is_hole(const struct block *b)
{
	enum pw_cached found = PW_CACHED_NOTHING;
	uint32_t value;

	if (b->file->kind != PW_FOLIO_SHARED)
		return false;
	for (uint32_t i = 0; i < b->pages && found == PW_CACHED_NOTHING; i++)
		found = pw_cache_find(b->file, b->index + i, &value);
	if (found == PW_CACHED_PAGE)
		pw_page_put(b->machine, value, 1);
	return found == PW_CACHED_NOTHING;
}

int pw_collapse_file(struct pw_vma *vma, pw_va start)
{
	struct pw_machine *machine = vma->mm->machine;
	struct block b = {
		.vma = vma,
		.machine = machine,
		.file = vma->file,
		.start = start,
		.index = pw_vma_index(vma, start),
		.pages = UINT32_C(1) << (machine->format->shift[1] - machine->page_lg2),
		.head = PW_NO_FRAME,
	};
	struct pw_slot slot;
	int code;

	pw_slot_find(vma->mm->space, start, &slot);
	if (slot.level == 1 && slot.kind == PW_SLOT_PAGE)
		return -EEXIST;
	if (b.index & (b.pages - 1) || is_hole(&b))
		return -EINVAL;
	b.frame = calloc(b.pages, sizeof(*b.frame));
	if (!b.frame)
		return -ENOMEM;
	code = get_pages(&b);
	if (code == 0) {
		code = merge(&b);
		put_pages(&b, b.pages);
	}
	if (code == 0 || code == -EEXIST) {
		retract_tables(&b);
		code = map_leaf(&b);
	}
	if (b.head != PW_NO_FRAME) {
		pw_folio_unlock(machine, b.head);
		pw_page_put(machine, b.head, 1);
	}
	free(b.frame);
	return code;
}
