/* SPDX-License-Identifier: MIT */
/*
 * What a handler of user faults puts in place (mfill_atomic of the kernel). mm->lock is held for reading. A page
 * that is there already stays: -EEXIST, and the pages before it have come.
 */
#include <errno.h>
#include <string.h>

#include "format/format.h"
#include "mm/fault/user.h"
#include "mm/file/file.h"
#include "mm/marks.h"
#include "mm/soft.h"

/* One call. */
struct fill {
	struct pw_vma *vma;
	const unsigned char *from; /* NULL: zeros */
	bool protect; /* the handler wants to know of the first write */
};

/* What a place may hold beside nothing. */
enum over { OVER_NOTHING, OVER_MARKER };

/* Stores @value where nothing is. The table lock is held. 0, -EEXIST, -ENOMEM. */
static int put(const struct fill *fill, pw_va va, uint64_t value, enum over over)
{
	struct pw_mm *mm = fill->vma->mm;
	struct pw_slot slot;
	int error = pw_slot_reach(mm->space, va, 0, &slot);
	bool free;

	if (error)
		return error;
	free = slot.kind == PW_SLOT_EMPTY || pw_mutant(PW_MUTANT_FILL_STORES_OVER) ||
	       (over == OVER_MARKER && pw_slot_is_soft(mm->space, &slot, PW_SOFT_MARKER));
	if (slot.level > 0 || !free || !pw_slot_swap(mm->space, va, &slot, value))
		return -EEXIST;
	if (fill->protect && !pw_mutant(PW_MUTANT_FILL_UNPROTECTED))
		pw_mark_set(mm, va, PW_MARK_PROTECTED);
	else
		pw_marks_clear(mm, va, va, PW_MARK_PROTECTED);
	return 0;
}

/* Maps a page, whose reference the entry takes over. 0 or a negative errno. */
static int map(const struct fill *fill, pw_va va, uint32_t frame, uint32_t extra)
{
	struct pw_vma *vma = fill->vma;
	struct pw_mm *mm = vma->mm;
	const pw_pa pa = pw_arena_pa(mm->machine->arena, frame);
	int error;

	pw_table_lock(mm, 1, va);
	error = put(fill, va, pw_vma_leaf(vma, 0, pa, extra), OVER_MARKER);
	if (!error)
		pw_entry_came(vma, frame, 1);
	pw_table_unlock(mm, 1, va);
	return error;
}

/* What the leaf of a page gets that the handler has filled. */
static uint32_t filled_extra(const struct fill *fill)
{
	const bool writable = fill->vma->flags & PW_VM_WRITE && !fill->protect;

	return PW_ACCESSED | PW_DIRTY | (writable ? (uint32_t)PW_WRITE : 0u);
}

static void fill_page(const struct fill *fill, uint32_t frame)
{
	const struct pw_machine *machine = fill->vma->mm->machine;
	const size_t bytes = (size_t)pw_page_bytes(machine);

	if (fill->from)
		memcpy(pw_page_host(machine, frame), fill->from, bytes);
	else
		memset(pw_page_host(machine, frame), 0, bytes);
}

static int copy_private(struct fill *fill, pw_va va)
{
	struct pw_vma *vma = fill->vma;
	struct pw_machine *machine = vma->mm->machine;
	uint32_t frame;
	int error = pw_anon_prepare(vma);

	if (!error)
		error = pw_page_alloc(machine, 0, PW_FOLIO_ANONYMOUS, vma->anon,
				      pw_vma_index(vma, va), false, &frame);
	if (error)
		return error;
	fill_page(fill, frame);
	error = map(fill, va, frame, filled_extra(fill));
	if (error)
		pw_page_put(machine, frame, 1);
	return error;
}

/* A new page of shared memory: into the cache first, then mapped, under its lock. */
static int copy_shared(struct fill *fill, pw_va va)
{
	struct pw_vma *vma = fill->vma;
	struct pw_machine *machine = vma->mm->machine;
	const uint64_t index = pw_vma_index(vma, va);
	uint32_t frame;
	int error;

	if (index >= (pw_file_size(vma->file) + (pw_page_bytes(machine) - 1)) >> machine->page_lg2)
		return -EFAULT;
	error = pw_page_alloc(machine, 0, PW_FOLIO_SHARED, NULL, index, false, &frame);
	if (error)
		return error;
	pw_folio_lock(machine, frame);
	fill_page(fill, frame);
	pw_folio_dirty_held(machine->arena, frame);
	__atomic_fetch_or(&pw_page_of(machine, frame)->flags, PW_PAGE_VALID, __ATOMIC_RELEASE);
	error = pw_cache_add(vma->file, index, frame, 0);
	if (!error) {
		error = map(fill, va, frame, filled_extra(fill));
		if (error)
			pw_cache_remove(vma->file, frame);
	}
	pw_folio_unlock(machine, frame);
	if (error)
		pw_page_put(machine, frame, 1);
	return error;
}

static int copy_one(struct fill *fill, pw_va va)
{
	return fill->vma->flags & PW_VM_SHARED ? copy_shared(fill, va) : copy_private(fill, va);
}

static int zero_one(struct fill *fill, pw_va va)
{
	struct pw_mm *mm = fill->vma->mm;
	const pw_pa zero = pw_arena_zero_page(mm->machine->arena);
	int error;

	if (fill->vma->flags & PW_VM_SHARED)
		return copy_shared(fill, va);
	pw_table_lock(mm, 1, va);
	error = put(fill, va, pw_vma_leaf(fill->vma, 0, zero, PW_ACCESSED), OVER_NOTHING);
	pw_table_unlock(mm, 1, va);
	return error;
}

static int continue_one(struct fill *fill, pw_va va)
{
	struct pw_vma *vma = fill->vma;
	struct pw_machine *machine = vma->mm->machine;
	uint32_t frame, extra = PW_ACCESSED;
	bool major = false;
	int error;

	if (!vma->file || vma->file->kind != PW_FOLIO_SHARED)
		return -EINVAL;
	error = pw_cache_page(vma->file, pw_vma_index(vma, va), PW_CACHE_NO_HOLE, &frame, &major);
	if (error)
		return error == -ENOMEM ? error : -EFAULT;
	if (vma->flags & PW_VM_SHARED)
		extra = filled_extra(fill);
	if (pw_mutant(PW_MUTANT_CONTINUE_UNLOCKED))
		pw_folio_unlock(machine, frame);
	error = map(fill, va, frame, extra);
	if (!pw_mutant(PW_MUTANT_CONTINUE_UNLOCKED))
		pw_folio_unlock(machine, frame);
	if (error)
		pw_page_put(machine, frame, 1);
	return error;
}

static int poison_one(struct fill *fill, pw_va va)
{
	struct pw_mm *mm = fill->vma->mm;
	const struct pw_soft marker = pw_soft_marker(mm->space, PW_MARKER_POISON);
	int error;

	pw_table_lock(mm, 1, va);
	error = put(fill, va, pw_slot_soft(mm->space, 0, &marker), OVER_NOTHING);
	pw_table_unlock(mm, 1, va);
	return error;
}

/* The VMA that holds the whole range, if a handler is registered there. mm->lock is held. */
static struct pw_vma *find_registered(struct pw_mm *mm, pw_va va, uint64_t bytes)
{
	struct pw_vma *vma = pw_vma_find(mm, va);

	return vma && vma->user && va + (bytes - 1) <= vma->last ? vma : NULL;
}

/* Fills one page, of the VMA's own size. */
static int fill_one(struct fill *fill, pw_va va, enum pw_user_fill what)
{
	if (fill->vma->flags & PW_VM_HUGETLB)
		return pw_user_hugetlb_fill(fill->vma, va, what, fill->from, fill->protect);
	switch (what) {
	case PW_FILL_COPY:
		return copy_one(fill, va);
	case PW_FILL_ZERO:
		return zero_one(fill, va);
	case PW_FILL_CONTINUE:
		return continue_one(fill, va);
	default:
		return poison_one(fill, va);
	}
}

/* Fills all pages of the range, until one fails. */
static int fill_range(struct pw_mm *mm, pw_va va, uint64_t bytes, struct fill *fill,
		      enum pw_user_fill what)
{
	uint64_t page;
	int error = 0;

	if (!pw_user_is_range(mm, va, bytes))
		return -EINVAL;
	page = pw_page_bytes(mm->machine);
	if (!pw_mutant(PW_MUTANT_FILL_UNLOCKED))
		pw_mm_read_lock(mm);
	fill->vma = find_registered(mm, va, bytes);
	if (!fill->vma)
		error = -ENOENT;
	else if (fill->protect && !(fill->vma->flags & PW_VM_USER_PROTECT))
		error = -EINVAL;
	else if (fill->protect)
		error = pw_marks_reserve(mm, va, va + (bytes - 1));
	if (!error)
		error = pw_soft_dirty_moved(fill->vma, va, va + (bytes - 1), true);
	if (!error && fill->vma->flags & PW_VM_HUGETLB) {
		page <<= fill->vma->file->order;
		error = pw_user_hugetlb_fits(fill->vma, va, bytes) ? 0 : -EINVAL;
	}
	for (uint64_t at = 0; !error && at < bytes; at += page) {
		error = fill_one(fill, va + at, what);
		if (fill->from)
			fill->from += page;
	}
	if (!pw_mutant(PW_MUTANT_FILL_UNLOCKED))
		pw_mm_read_unlock(mm);
	return error;
}

int pw_user_copy(struct pw_mm *mm, pw_va va, const void *from, uint64_t bytes, bool write_protect)
{
	struct fill fill = { .from = from, .protect = write_protect };

	return from ? fill_range(mm, va, bytes, &fill, PW_FILL_COPY) : -EFAULT;
}

int pw_user_zero(struct pw_mm *mm, pw_va va, uint64_t bytes)
{
	struct fill fill = { 0 };

	return fill_range(mm, va, bytes, &fill, PW_FILL_ZERO);
}

int pw_user_continue(struct pw_mm *mm, pw_va va, uint64_t bytes)
{
	struct fill fill = { 0 };

	return fill_range(mm, va, bytes, &fill, PW_FILL_CONTINUE);
}

int pw_user_poison(struct pw_mm *mm, pw_va va, uint64_t bytes)
{
	struct fill fill = { 0 };

	return fill_range(mm, va, bytes, &fill, PW_FILL_POISON);
}
