/* SPDX-License-Identifier: MIT */
/*
 * Handlers of user faults in hugetlb: what they put in place, and write protection. A page is a whole hugetlb page
 * here, and so are ranges. The marks of all its base pages say that it is protected.
 */
#include <errno.h>

#include "mm/fault/user.h"
#include "mm/file/file.h"
#include "mm/huge/hugetlb.h"
#include "mm/marks.h"
#include "mm/soft.h"

static uint64_t bytes_of(const struct pw_vma *vma)
{
	return pw_page_bytes(vma->mm->machine) << vma->file->order;
}

static unsigned lock_level(const struct pw_vma *vma)
{
	return vma->file->level > 1 ? vma->file->level : 1;
}

bool pw_user_hugetlb_fits(const struct pw_vma *vma, pw_va va, uint64_t bytes)
{
	return !((va | bytes) & (bytes_of(vma) - 1));
}

/* Is anything at @va? A fault lock keeps faults out. */
static bool occupied(const struct pw_vma *vma, pw_va va)
{
	struct pw_slot slot;

	pw_slot_find(vma->mm->space, va, &slot);
	return slot.kind != PW_SLOT_EMPTY && slot.level == vma->file->level;
}

static void set_marks(const struct pw_vma *vma, pw_va va, bool protect)
{
	const uint64_t page = pw_page_bytes(vma->mm->machine), bytes = bytes_of(vma);

	if (!protect) {
		pw_marks_clear(vma->mm, va, va + (bytes - 1), PW_MARK_PROTECTED);
		return;
	}
	for (uint64_t at = 0; at < bytes; at += page)
		pw_mark_set(vma->mm, va + at, PW_MARK_PROTECTED);
}

/* Maps the page of @head, and lets go of it. */
static int map(struct pw_vma *vma, pw_va va, uint32_t head, bool protect)
{
	int mapped;

	set_marks(vma, va, protect);
	mapped = pw_hugetlb_map(vma, va, head, pw_hugetlb_extra(vma, true));
	pw_page_put(vma->mm->machine, head, 1);
	if (mapped < 0)
		return mapped;
	return mapped ? 0 : -EEXIST;
}

static int copy(struct pw_vma *vma, pw_va va, const void *from, bool protect)
{
	const uint64_t index = pw_vma_index(vma, va);
	uint32_t head;
	int error;

	if (!(vma->flags & PW_VM_SHARED)) {
		error = pw_hugetlb_private(vma, index, from, &head);
		return error ? error : map(vma, va, head, protect);
	}
	error = pw_hugetlb_add(vma->file, index, from, &head);
	if (error)
		return error == -ENXIO ? -EFAULT : error;
	/* The caller's reference is gone then, and the cache's keeps the page. */
	error = map(vma, va, head, protect);
	pw_folio_unlock(vma->mm->machine, head);
	return error;
}

/* The page that the file's cache has (UFFDIO_CONTINUE). */
static int follow(struct pw_vma *vma, pw_va va)
{
	uint32_t head;
	int error = pw_hugetlb_page(vma->file, pw_vma_index(vma, va), false, &head);

	if (error)
		return error == -ENOENT ? -EFAULT : error;
	error = map(vma, va, head, false);
	pw_folio_unlock(vma->mm->machine, head);
	return error;
}

/* Where the format has such an entry at the level of the file's leaves. */
static int poison(struct pw_vma *vma, pw_va va)
{
	struct pw_mm *mm = vma->mm;
	const struct pw_soft marker = pw_soft_marker(mm->space, PW_MARKER_POISON);
	const unsigned level = vma->file->level;
	struct pw_slot slot;
	int error;

	if (!(pw_soft_levels(mm->space) >> level & 1))
		return -EINVAL;
	error = pw_slot_reach(mm->space, va, level, &slot);
	if (error)
		return -ENOMEM;
	pw_table_lock(mm, lock_level(vma), va);
	pw_slot_find(mm->space, va, &slot);
	if (slot.kind != PW_SLOT_EMPTY || slot.level != level ||
	    !pw_slot_swap(mm->space, va, &slot, pw_slot_soft(mm->space, level, &marker)))
		error = -EEXIST;
	pw_table_unlock(mm, lock_level(vma), va);
	return error;
}

int pw_user_hugetlb_fill(struct pw_vma *vma, pw_va va, enum pw_user_fill what, const void *from,
			 bool protect)
{
	pthread_mutex_t *lock = pw_hugetlb_fault_lock(vma->file, pw_vma_index(vma, va));
	int error = -EINVAL;

	pthread_mutex_lock(lock);
	if (occupied(vma, va))
		error = -EEXIST;
	else if (what == PW_FILL_COPY)
		error = copy(vma, va, from, protect);
	else if (what == PW_FILL_CONTINUE)
		error = follow(vma, va);
	else if (what == PW_FILL_POISON)
		error = poison(vma, va);
	pthread_mutex_unlock(lock);
	return error;
}

/* A leaf becomes read-only; one that is moving comes back so. Where nothing is, the marks are enough. */
static bool protect_entry(struct pw_vma *vma, pw_va va)
{
	struct pw_mm *mm = vma->mm;
	struct pw_slot slot;
	bool changed = false;

	pw_table_lock(mm, lock_level(vma), va);
	set_marks(vma, va, true);
	pw_slot_find(mm->space, va, &slot);
	/* A CPU may set bits meanwhile. */
	while (!changed && slot.kind == PW_SLOT_PAGE && slot.attr & PW_WRITE)
		changed = pw_slot_swap(
			mm->space, va, &slot,
			pw_slot_change(mm->space, &slot, slot.attr & ~(uint32_t)PW_WRITE));
	pw_table_unlock(mm, lock_level(vma), va);
	return changed;
}

int pw_user_hugetlb_protect(struct pw_vma *vma, pw_va first, pw_va last)
{
	const uint64_t step = bytes_of(vma);
	struct pw_mm *mm = vma->mm;
	bool changed = false;
	int error;

	if (!pw_user_hugetlb_fits(vma, first, last - first + 1))
		return -EINVAL;
	error = pw_marks_reserve(mm, first, last);
	if (error)
		return error;
	pw_notify_begin(mm, first, last);
	for (pw_va va = first;; va += step) {
		changed |= protect_entry(vma, va);
		if (last - va < step)
			break;
	}
	if (changed)
		pw_tlb_flush(mm, first, last);
	pw_notify_end(mm, first, last);
	return 0;
}
