/* SPDX-License-Identifier: MIT */
/*
 * Large folios of files: shared memory gets them by faults and writes, if the options say so, and collapse makes them
 * (collapse_file.c). A fault maps such a folio by one huge leaf, if the VMA and the tables have room for it; otherwise
 * by level 0, in groups where the format has them.
 *
 * Who maps a folio by a leaf holds its lock, and knows that it is the file's. So truncate meets the leaf.
 */
#include <errno.h>
#include <string.h>

#include "mm/file/file.h"
#include "mm/huge/huge.h"
#include "mm/marks.h"

/* ---- making them ---- */

/* May a folio of @pages pages from @index on be made for a caller with these flags? */
static bool allowed(const struct pw_file *file, uint64_t index, uint64_t pages, unsigned flags)
{
	const uint64_t size = pw_file_size(file) / file->page_bytes;
	const bool advised = flags & PW_CACHE_LARGE, refused = flags & PW_CACHE_SMALL;

	switch (file->machine->options.shmem_huge) {
	case PW_SHMEM_ALWAYS:
		return !refused;
	case PW_SHMEM_WITHIN_SIZE:
		return !refused && (advised || index + pages <= size);
	case PW_SHMEM_ADVISE:
		return advised && !refused;
	case PW_SHMEM_NEVER:
		break;
	}
	return false;
}

/* Makes the folio of 2^@lg2 bytes around @index. False: there is no memory, or something is there. */
static bool add_large(struct pw_file *file, uint64_t index, unsigned lg2, unsigned flags,
		      uint32_t *frame_ret)
{
	struct pw_machine *machine = file->machine;
	const unsigned order = lg2 - machine->page_lg2;
	const uint64_t first = index & ~pw_mask(order);
	uint32_t head;
	bool added;

	if (!allowed(file, first, UINT64_C(1) << order, flags) || !pw_huge_plenty(machine, lg2) ||
	    pw_page_alloc(machine, order, file->kind, NULL, first, flags & PW_FAULT_LONGTERM,
			  &head))
		return false;
	pw_folio_lock(machine, head);
	memset(pw_page_host(machine, head), 0, (size_t)1 << lg2);
	for (uint32_t i = 0; i <= pw_mask(order); i++)
		__atomic_fetch_or(&pw_page_of(machine, head + i)->flags, PW_PAGE_VALID,
				  __ATOMIC_RELEASE);
	added = pw_cache_add(file, first, head, 0) == 0;
	/* Behind the lock: truncate sets the size first. */
	if (added && !(flags & PW_CACHE_BEYOND) && index * file->page_bytes >= pw_file_size(file)) {
		pw_cache_remove(file, head);
		added = false;
	}
	*frame_ret = head + (uint32_t)(index - first);
	if (added)
		return true;
	pw_folio_unlock(machine, head);
	pw_page_put(machine, head, 1);
	return false;
}

/* The lowest level of huge leaves that a folio can have; 0: none. */
static unsigned leaf_level(const struct pw_machine *machine)
{
	for (unsigned level = 1; level <= machine->huge_level; level++)
		if (machine->format->leaf_levels >> level & 1)
			return level;
	return 0;
}

bool pw_cache_new_large(struct pw_file *file, uint64_t index, unsigned flags, uint32_t *frame_ret)
{
	const struct pw_machine *machine = file->machine;
	const unsigned level = leaf_level(machine), top = machine->format->shift[1];

	if (machine->options.shmem_huge == PW_SHMEM_NEVER || machine->format->levels < 2)
		return false;
	if (level > 0 && add_large(file, index, machine->format->shift[level], flags, frame_ret))
		return true;
	for (unsigned lg2 = top - 1; lg2 > machine->page_lg2; lg2--)
		if (machine->options.group_sizes >> lg2 & 1 &&
		    add_large(file, index, lg2, flags, frame_ret))
			return true;
	return false;
}

/* ---- mapping them ---- */

/* A part of a folio, and where it would be. */
struct part {
	pw_va start;
	uint32_t frame; /* its first */
	unsigned lg2;
};

/* The part of 2^@lg2 bytes that @frame lies in. False: its place is not aligned, or not all in the VMA. */
static bool part_of(const struct pw_fault_work *work, uint32_t frame, unsigned lg2,
		    struct part *part_ret)
{
	const struct pw_vma *vma = work->vma;
	const struct pw_machine *machine = vma->mm->machine;
	const uint32_t head = pw_folio_head(machine->arena, frame);
	const uint32_t within = (frame - head) & (uint32_t)pw_mask(lg2 - machine->page_lg2);
	const pw_va start = work->va - ((pw_va)within << machine->page_lg2);

	*part_ret = (struct part){ .start = start, .frame = frame - within, .lg2 = lg2 };
	if (start & pw_mask(lg2) || start > work->va)
		return false;
	return pw_mutant(PW_MUTANT_MAP_BEYOND) ||
	       (start >= vma->first && (start | pw_mask(lg2)) <= vma->last);
}

static bool is_broken(const struct pw_machine *machine, const struct part *part)
{
	for (uint32_t i = 0; i <= pw_mask(part->lg2 - machine->page_lg2); i++)
		if (pw_page_flags(machine, part->frame + i) & PW_PAGE_POISON)
			return true;
	return false;
}

/* Puts the leaf of the slot's level where nothing is; the references are taken. */
static bool put_leaf(struct pw_vma *vma, const struct part *part, struct pw_slot *slot,
		     uint32_t extra)
{
	struct pw_mm *mm = vma->mm;
	const unsigned level = slot->level;
	const pw_pa pa = pw_arena_pa(mm->machine->arena, part->frame);
	bool done;

	pw_table_lock(mm, level, part->start);
	pw_slot_again(mm->space, part->start, slot);
	done = (slot->kind == PW_SLOT_EMPTY || pw_mutant(PW_MUTANT_FAULT_STORES_OVER)) &&
	       slot->level == level &&
	       pw_slot_swap(mm->space, part->start, slot, pw_vma_leaf(vma, level, pa, extra));
	if (done)
		pw_entry_came(vma, part->frame, UINT32_C(1) << (part->lg2 - mm->machine->page_lg2));
	pw_table_unlock(mm, level, part->start);
	return done;
}

/* One huge leaf for the part. */
static bool map_leaf(const struct pw_fault_work *work, uint32_t frame, unsigned level,
		     uint32_t extra)
{
	struct pw_vma *vma = work->vma;
	struct pw_mm *mm = vma->mm;
	struct pw_machine *machine = mm->machine;
	const unsigned lg2 = machine->format->shift[level];
	const uint32_t more = (UINT32_C(1) << (lg2 - machine->page_lg2)) - 1;
	struct pw_slot slot;
	struct part part;

	if (!part_of(work, frame, lg2, &part) || is_broken(machine, &part) ||
	    pw_slot_reach(mm->space, part.start, level, &slot) || slot.level != level ||
	    (slot.kind != PW_SLOT_EMPTY && !pw_mutant(PW_MUTANT_FAULT_STORES_OVER)) ||
	    !pw_folio_try_get(machine->arena, frame, more))
		return false;
	if (put_leaf(vma, &part, &slot, extra)) {
		pw_count(&machine->info.huge_faults, 1);
		return true;
	}
	pw_page_put(machine, frame, more);
	return false;
}

/* Level 0 for all of the part, if nothing is mapped there. */
static bool map_small(const struct pw_fault_work *work, uint32_t frame, unsigned lg2,
		      uint32_t extra)
{
	struct pw_vma *vma = work->vma;
	struct pw_mm *mm = vma->mm;
	struct pw_machine *machine = mm->machine;
	const uint32_t more = (UINT32_C(1) << (lg2 - machine->page_lg2)) - 1;
	struct pw_slot slot;
	struct part part;
	uint32_t done = 0;

	if (!part_of(work, frame, lg2, &part) || is_broken(machine, &part) ||
	    !pw_folio_try_get(machine->arena, frame, more))
		return false;
	pw_table_lock(mm, 1, part.start);
	if (pw_slot_reach(mm->space, part.start, 0, &slot) == 0)
		done = pw_huge_map_small(vma, part.start, lg2, part.frame, extra);
	if (done > 0)
		pw_entry_came(vma, part.frame, done);
	pw_table_unlock(mm, 1, part.start);
	if (done <= more)
		pw_page_put(machine, frame, more + (done > 0) - done);
	return done > 0;
}

bool pw_file_map_large(const struct pw_fault_work *work, uint32_t frame, uint32_t extra)
{
	const uint32_t watched = PW_VM_USER_MISSING | PW_VM_USER_PROTECT | PW_VM_USER_MINOR;
	const struct pw_vma *vma = work->vma;
	const struct pw_mm *mm = vma->mm;
	const struct pw_machine *machine = mm->machine;
	const unsigned order = pw_link_order(pw_frame_link(machine->arena, frame));
	unsigned lg2 = order + machine->page_lg2;

	/* All that is mapped becomes writable, so all of it would be soft-dirty. */
	if (extra & PW_WRITE && !(vma->flags & PW_VM_SOFTDIRTY) && order > 0 &&
	    !pw_soft_dirty_set(vma, work->va, lg2))
		return false;

	/* Whoever watches pages wants to know of each; and so does a file that is written back page by page. */
	if (order == 0 || vma->flags & watched || (pw_file_tracks(vma->file) && extra & PW_WRITE))
		return false;
	for (unsigned level = machine->huge_level; level > 0 && !(vma->flags & PW_VM_NOHUGEPAGE);
	     level--)
		if (machine->format->shift[level] <= lg2 &&
		    pw_slot_leaves(mm->space) >> machine->format->shift[level] & 1 &&
		    map_leaf(work, frame, level, extra))
			return true;
	/* A table of level 0 at most; and of files no more than a fault maps around its page. */
	lg2 = lg2 < machine->format->shift[1] ? lg2 : machine->format->shift[1];
	if (vma->file->kind != PW_FOLIO_SHARED && lg2 > PW_AROUND_LG2)
		lg2 = PW_AROUND_LG2;
	return lg2 > machine->page_lg2 && map_small(work, frame, lg2, extra);
}
