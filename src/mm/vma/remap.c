/* SPDX-License-Identifier: MIT */
/*
 * mremap: a VMA, or a part of one, becomes shorter, or longer, or moves.
 *
 *     shrink      unmap the end
 *     grow        the gap above is free: the VMA takes it in; otherwise move
 *     move        a copy of the VMA at the new place, its entries follow, the old place is unmapped
 *     DONTUNMAP   the same, but the old VMA stays, and is empty
 *
 * A move with MREMAP_FIXED that does not change the size may be of several VMAs; the gaps between them move, too.
 */
#include <errno.h>

#include <linux/mman.h>

#include "mm/file/file.h"
#include "mm/vma/vma.h"

struct remap {
	struct pw_mm *mm;
	pw_va va, new_va;
	uint64_t bytes, new_bytes; /* whole pages */
	int flags;
	struct pw_vma *vma; /* that holds va */
	bool populate;
};

/* Does the caller name a new address? Without MREMAP_FIXED it is a hint. */
static bool names_address(const struct remap *r)
{
	return r->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP);
}

static uint64_t growth(const struct remap *r)
{
	return r->new_bytes > r->bytes ? r->new_bytes - r->bytes : 0;
}

/* ---- checks ---- */

static bool overlaps(const struct remap *r)
{
	return r->va + r->bytes > r->new_va && r->new_va + r->new_bytes > r->va;
}

static int check_arguments(const struct remap *r)
{
	const pw_va page = pw_page_bytes(r->mm->machine) - 1;

	if (r->flags & ~(MREMAP_FIXED | MREMAP_MAYMOVE | MREMAP_DONTUNMAP) || r->va & page ||
	    r->new_bytes == 0 || r->new_bytes - 1 > r->mm->user_last)
		return -EINVAL;
	if (!names_address(r))
		return 0;
	if (!pw_mm_holds(r->mm, r->new_va, r->new_bytes) || r->new_va & page ||
	    !(r->flags & MREMAP_MAYMOVE))
		return -EINVAL;
	if (r->flags & MREMAP_DONTUNMAP && r->bytes != r->new_bytes)
		return -EINVAL;
	return overlaps(r) ? -EINVAL : 0;
}

/* Hugetlb VMAs move and shrink by whole huge pages; they do not grow. */
static bool align_hugetlb(struct remap *r)
{
	const uint64_t mask = (pw_page_bytes(r->mm->machine) << r->vma->file->order) - 1;

	r->bytes = (r->bytes + mask) & ~mask;
	r->new_bytes = (r->new_bytes + mask) & ~mask;
	return !((r->va | r->new_va) & mask) && r->new_bytes <= r->bytes;
}

static int check_growth(struct remap *r)
{
	uint64_t pages = r->new_bytes >> r->mm->machine->page_lg2;
	uint64_t index = pw_vma_index(r->vma, r->va);

	if (r->vma->flags & PW_VM_LOCKED)
		r->populate = true;
	if (index + pages < index)
		return -EINVAL;
	if (r->vma->flags & (PW_VM_DONTEXPAND | PW_VM_PFNMAP))
		return -EFAULT;
	return pw_lock_fits(r->mm, r->vma->flags, growth(r)) ? 0 : -EAGAIN;
}

/* May this VMA be remapped like this? (check_prep_vma) */
static int check_vma(struct remap *r)
{
	const struct pw_vma *vma = r->vma;
	uint64_t bytes;

	if (!vma)
		return -EFAULT;
	if (vma->flags & PW_VM_HUGETLB && !align_hugetlb(r))
		return -EINVAL;
	if (!names_address(r))
		r->new_va = r->va;
	if (!names_address(r) && r->new_bytes <= r->bytes)
		return 0;
	/* A size of 0 asks for a second mapping of the same pages: private memory has none. */
	if (r->bytes == 0 && !(vma->flags & (PW_VM_SHARED | PW_VM_MAYSHARE)))
		return -EINVAL;
	if (r->flags & MREMAP_DONTUNMAP && vma->flags & (PW_VM_DONTEXPAND | PW_VM_PFNMAP))
		return -EINVAL;
	bytes = r->new_bytes < r->bytes ? r->new_bytes : r->bytes;
	if (bytes > vma->last - r->va + 1)
		return -EFAULT;
	return r->new_bytes > r->bytes ? check_growth(r) : 0;
}

/* ---- promises ---- */

static uint64_t charge_of(const struct remap *r)
{
	uint64_t bytes = r->flags & MREMAP_DONTUNMAP ? r->new_bytes : growth(r);

	return r->vma->flags & PW_VM_ACCOUNT ? bytes >> r->mm->machine->page_lg2 : 0;
}

/* ---- what stays behind ---- */

/* Linux 7 keeps a VMA that MREMAP_DONTUNMAP leaves behind apart from the one that has its pages. */
static bool keeps_apart(const struct remap *r)
{
	return r->flags & MREMAP_DONTUNMAP && pw_is_linux_7(r->mm->machine) &&
	       !pw_mutant(PW_MUTANT_REMAP_MERGES_KEPT);
}

/* The part that is going to be unlocked becomes a VMA of its own before it is copied. */
static int split_locked(struct remap *r)
{
	int error = 0;

	if (!keeps_apart(r) || !(r->vma->flags & PW_VM_LOCKED))
		return 0;
	if (r->vma->first < r->va)
		error = pw_vma_split(r->vma, r->va);
	r->vma = pw_vma_find(r->mm, r->va);
	if (!error && r->vma->last > r->va + r->bytes - 1)
		error = pw_vma_split(r->vma, r->va + r->bytes);
	r->vma = pw_vma_find(r->mm, r->va);
	return error;
}

/* ---- the copy ---- */

/* What the moved VMA is to be like: a neighbour at the new place may take it in. */
static struct pw_vma_like like_of(const struct remap *r)
{
	const struct pw_vma *vma = r->vma;
	const uint32_t user = PW_VM_USER_MISSING | PW_VM_USER_PROTECT | PW_VM_USER_MINOR;
	const bool untouched = !vma->file && !vma->device && !vma->anon;

	return (struct pw_vma_like){
		.mm = r->mm,
		.first = r->new_va,
		.last = r->new_va + r->new_bytes - 1,
		/* Pages that were never touched do not know their place yet. */
		.offset = untouched ? r->new_va >> r->mm->machine->page_lg2
				    : pw_vma_index(vma, r->va),
		.flags = vma->flags & ~user,
		.file = vma->file,
		.device = vma->device,
		.anon = vma->anon,
		.anon_id = vma->anon_id,
		.copied_from = vma,
		.apart_from = untouched && keeps_apart(r) ? vma : NULL,
	};
}

/* The VMA at the new place: a neighbour that took it in, or a new one. r->vma may have become another. */
static struct pw_vma *copy(struct remap *r)
{
	struct pw_vma_like like;
	struct pw_vma *vma;

	/* First: until then, a fault may give it an anon. */
	pw_vma_write(r->vma);
	like = like_of(r);
	vma = pw_vma_merge_new(&like);
	if (vma) {
		r->vma = pw_vma_find(r->mm, r->va);
		return vma;
	}
	vma = pw_vma_copy(r->vma, r->mm);
	if (!vma)
		return NULL;
	vma->first = like.first;
	vma->last = like.last;
	vma->offset = like.offset;
	vma->flags = like.flags;
	vma->user = NULL;
	vma->user_context = NULL;
	pw_vma_insert(vma);
	return vma;
}

/* The old VMA stays, without its pages. */
static void empty_source(struct remap *r, const struct pw_vma *moved)
{
	struct pw_vma *vma = r->vma;

	pw_vma_write(vma);
	pw_vma_set_flags(vma, vma->flags & ~(uint32_t)(PW_VM_LOCKED | PW_VM_LOCKONFAULT));
	if (vma == moved || vma->first != r->va || vma->last != r->va + r->bytes - 1)
		return;
	pw_vma_forget_anon(vma);
	/* Like any that was never touched: it does not say where its pages were. */
	if (keeps_apart(r) && !vma->file && !vma->device)
		vma->offset = vma->first >> r->mm->machine->page_lg2;
}

/* The borders of the part that moves, where a split must not fail later. */
static int prepare(struct remap *r)
{
	const uint64_t mask = r->vma->flags & PW_VM_HUGETLB
				      ? (pw_page_bytes(r->mm->machine) << r->vma->file->order) - 1
				      : 0;

	/* The copy is one VMA more, and the hole in the old one makes two of it. */
	if (r->mm->vma_count + 2 > PW_VMA_LIMIT)
		return -ENOMEM;
	if (r->bytes && ((r->va | (r->va + r->bytes)) & mask))
		return -EINVAL;
	return split_locked(r);
}

static pw_sva move(struct remap *r)
{
	struct pw_mm *mm = r->mm;
	struct pw_vma *moved;
	uint64_t charge;
	int error = prepare(r);

	if (error)
		return error;
	charge = charge_of(r);
	if (charge && pw_commit(mm->machine, charge) != 0)
		return -ENOMEM;
	pw_vma_write(r->vma);
	moved = copy(r);
	if (!moved) {
		pw_uncommit(mm->machine, charge);
		return -ENOMEM;
	}
	pw_vma_write(moved);
	error = pw_vma_move_entries(r->vma, r->va, moved, r->new_va, r->bytes);
	if (error) {
		/* The old tables are still there, so the way back needs no memory. */
		pw_vma_move_entries(moved, r->new_va, r->vma, r->va, r->bytes);
		pw_mm_unmap_moved(mm, r->new_va, r->new_va + r->new_bytes - 1);
		pw_uncommit(mm->machine, charge);
		return error;
	}
	if (r->flags & MREMAP_DONTUNMAP)
		empty_source(r, moved);
	else if (r->bytes)
		pw_mm_unmap_moved(mm, r->va, r->va + r->bytes - 1);
	return (pw_sva)r->new_va;
}

/* ---- the three kinds ---- */

/* Finds the address to move to: the caller's, or a free one. */
static int choose_address(struct remap *r)
{
	const struct pw_vma *vma = r->vma;
	pw_sva va;

	if (r->flags & MREMAP_FIXED)
		return r->new_va < pw_mm_min(r->mm) ? -EPERM : 0;
	va = pw_mm_place_file(r->mm, names_address(r) ? r->new_va : 0, r->new_bytes, vma->file,
			      pw_vma_index(vma, r->va) << r->mm->machine->page_lg2,
			      vma->flags & PW_VM_MAYSHARE ? MAP_SHARED : 0);
	if (pw_is_error(va))
		return (int)va;
	r->new_va = (pw_va)va;
	return 0;
}

static int shrink(struct remap *r)
{
	if (!pw_mm_holds(r->mm, r->va, r->bytes))
		return -EINVAL;
	return pw_mm_unmap(r->mm, r->va + r->new_bytes, r->va + r->bytes - 1);
}

static pw_sva remap_to(struct remap *r)
{
	int error;

	if (r->flags & MREMAP_FIXED) {
		error = pw_mm_unmap(r->mm, r->new_va, r->new_va + r->new_bytes - 1);
		if (error)
			return error;
	}
	if (r->new_bytes < r->bytes) {
		error = shrink(r);
		if (error)
			return error;
		r->bytes = r->new_bytes;
	}
	/* Either may have split or removed it. */
	r->vma = pw_vma_find(r->mm, r->va);
	if (!r->vma)
		return -EFAULT;
	error = choose_address(r);
	return error ? error : move(r);
}

/* Takes the gap above the VMA in, if it is wide enough. False: there is another VMA, or the end. */
static bool can_grow_here(const struct remap *r)
{
	const struct pw_vma *vma = r->vma, *next = pw_vma_next(r->vma);
	const uint64_t more = growth(r);

	if (vma->last - r->va + 1 != r->bytes || more > r->mm->user_last - vma->last)
		return false;
	return !next || next->first - vma->last - 1 >= more;
}

static pw_sva grow_here(struct remap *r)
{
	const struct pw_vma *vma = r->vma;
	const uint64_t charge = charge_of(r);
	struct pw_vma_like like;

	/* First: until then, a fault may give it an anon. */
	pw_vma_write(r->vma);
	like = (struct pw_vma_like){
		.mm = r->mm,
		.first = vma->last + 1,
		.last = vma->last + growth(r),
		.offset = pw_vma_index(vma, vma->last) + 1,
		.flags = vma->flags,
		.file = vma->file,
		.device = vma->device,
		.anon = vma->anon,
		.anon_id = vma->anon_id,
		.user = vma->user,
		.user_context = vma->user_context,
	};

	if (charge && pw_commit(r->mm->machine, charge) != 0)
		return -ENOMEM;
	if (pw_vma_merge_new(&like))
		return (pw_sva)r->va;
	pw_uncommit(r->mm->machine, charge);
	return -ENOMEM;
}

static pw_sva remap_here(struct remap *r)
{
	int error;

	if (r->new_bytes <= r->bytes) {
		error = r->new_bytes < r->bytes ? shrink(r) : 0;
		return error ? error : (pw_sva)r->va;
	}
	if (can_grow_here(r))
		return grow_here(r);
	if (!(r->flags & MREMAP_MAYMOVE))
		return -ENOMEM;
	error = choose_address(r);
	return error ? error : move(r);
}

/* Moves all VMAs of a range, and the gaps between them. What was moved before an error stays moved. */
static pw_sva move_all(struct remap *r)
{
	const pw_va first = r->va, last = r->va + r->bytes - 1, to = r->new_va;
	struct pw_vma *vma = pw_vma_at_or_above(r->mm, first);
	bool several = vma && vma->last < last;
	pw_sva moved = -EFAULT;
	int error;

	if (!vma || vma->first > first || first > last)
		return -EFAULT;
	for (; vma && vma->first <= last; vma = pw_vma_at_or_above(r->mm, r->va + r->bytes)) {
		pw_va end = vma->last < last ? vma->last : last;

		r->vma = vma;
		r->va = vma->first > first ? vma->first : first;
		r->new_va = to + (r->va - first);
		r->bytes = r->new_bytes = end - r->va + 1;
		/* A handler of user faults is told of one move at a time. */
		if (several && vma->user)
			return -EFAULT;
		error = check_vma(r);
		if (error)
			return error;
		moved = remap_to(r);
		if (pw_is_error(moved) || end >= last)
			break;
	}
	return pw_is_error(moved) ? moved : (pw_sva)to;
}

static pw_sva remap(struct remap *r)
{
	int error;

	/* Unmaps on the way may leave two holes, and a move needs two VMAs more. */
	if (r->mm->vma_count + 4 > PW_VMA_LIMIT)
		return -ENOMEM;
	if (r->flags & MREMAP_FIXED && r->bytes == r->new_bytes)
		return move_all(r);
	r->vma = pw_vma_find(r->mm, r->va);
	error = check_vma(r);
	if (error)
		return error;
	return names_address(r) ? remap_to(r) : remap_here(r);
}

pw_sva pw_mremap(struct pw_mm *mm, pw_va va, uint64_t bytes, uint64_t new_bytes, int flags,
		 pw_va new_va)
{
	struct remap r = { .mm = mm, .va = va, .new_va = new_va, .flags = flags };
	uint64_t old;
	pw_sva result;
	int error;

	if (!mm)
		return -EINVAL;
	r.bytes = pw_pages_up(mm->machine, bytes);
	r.new_bytes = pw_pages_up(mm->machine, new_bytes);
	error = check_arguments(&r);
	if (error)
		return error;
	pw_mm_write_lock(mm);
	old = r.bytes;
	result = remap(&r);
	pw_mm_write_unlock(mm);
	if (!pw_is_error(result) && r.populate)
		pw_mm_populate(mm, r.new_va + old, r.new_va + r.new_bytes - 1, PW_POPULATE_IGNORE);
	return result;
}
