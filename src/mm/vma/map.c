/* SPDX-License-Identifier: MIT */
/* mmap and munmap, the growth of stacks, and promises of memory. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/mman.h>

#include "format/format.h"
#include "mm/file/file.h"
#include "mm/vma/vma.h"

enum { STACK_LIMIT = 8 << 20 }; /* RLIMIT_STACK, as distributions set it */

/* ---- promises ---- */

int pw_commit(struct pw_machine *machine, uint64_t pages)
{
	const uint64_t all = (machine->options.bytes + machine->options.swap_bytes) >>
			     machine->page_lg2;
	uint64_t before;

	/* The heuristic refuses only what can never be. */
	if (pages > all)
		return -ENOMEM;
	before = __atomic_fetch_add(&machine->committed, pages, __ATOMIC_RELAXED);
	if (!machine->options.overcommit_never || before + pages <= all)
		return 0;
	pw_uncommit(machine, pages);
	return -ENOMEM;
}

void pw_uncommit(struct pw_machine *machine, uint64_t pages)
{
	__atomic_fetch_sub(&machine->committed, pages, __ATOMIC_RELAXED);
}

/* ---- munmap ---- */

/* Frees the tables that nobody needs once nothing is mapped in first..last, up to the neighbours' pages. */
static void free_tables(struct pw_mm *mm, pw_va first, pw_va last)
{
	const struct pw_span *span = pw_span_find(pw_space_now(mm->space), first);
	/* Tables that do not cover any of first..last stay as they are. */
	const pw_va top = pw_mask(mm->machine->format->shift[span ? span->top : 0]);
	struct pw_vma *next = pw_vma_at_or_above(mm, first);
	struct pw_vma *before = next ? pw_vma_before(next) : pw_vma_last(mm);
	pw_va low = first & ~top, high = last | top;

	if (before && before->last >= low)
		low = before->last + 1;
	if (next && next->first <= high)
		high = next->first - 1;
	if (high > mm->user_last)
		high = mm->user_last;
	pw_slot_free_tables(mm->space, low, high);
}

/* Makes VMAs begin at @first and end at @last, where one lies across. */
static int split_at_ends(struct pw_mm *mm, pw_va first, pw_va last)
{
	struct pw_vma *vma = pw_vma_find(mm, first);
	int error = 0;

	if (vma && vma->first < first) {
		/* For a moment there may be one too many; the hole that stays must not make it so. */
		if (last < vma->last && mm->vma_count >= PW_VMA_LIMIT)
			return -ENOMEM;
		error = pw_vma_split_unlimited(vma, first);
	}
	if (error)
		return error;
	vma = pw_vma_find(mm, last);
	return vma && last < vma->last ? pw_vma_split_unlimited(vma, last + 1) : 0;
}

static int unmap(struct pw_mm *mm, pw_va first, pw_va last, bool moved)
{
	struct pw_vma *vma = pw_vma_at_or_above(mm, first), *next;
	const unsigned lg2 = mm->machine->page_lg2;
	int error;

	if (!vma || vma->first > last)
		return 0;
	error = split_at_ends(mm, first, last);
	if (error)
		return error;
	for (vma = pw_vma_at_or_above(mm, first); vma && vma->first <= last; vma = next) {
		next = pw_vma_next(vma);
		pw_vma_write(vma);
		pw_zap_range(vma, vma->first, vma->last, PW_ZAP_ALL);
		if (vma->flags & PW_VM_HUGETLB && !moved)
			pw_hugetlb_unreserve(vma, vma->first, vma->last);
		if (vma->flags & PW_VM_ACCOUNT && !moved)
			pw_uncommit(mm->machine, ((vma->last - vma->first) >> lg2) + 1);
		pw_vma_remove(vma);
		pw_vma_free(vma);
	}
	free_tables(mm, first, last);
	return 0;
}

int pw_mm_unmap(struct pw_mm *mm, pw_va first, pw_va last)
{
	return unmap(mm, first, last, false);
}

int pw_mm_unmap_moved(struct pw_mm *mm, pw_va first, pw_va last)
{
	return unmap(mm, first, last, true);
}

int pw_munmap(struct pw_mm *mm, pw_va va, uint64_t bytes)
{
	int error;

	if (!mm || va & (pw_page_bytes(mm->machine) - 1) || bytes == 0 || bytes > mm->user_last ||
	    !pw_mm_holds(mm, va, bytes))
		return -EINVAL;
	pw_mm_write_lock(mm);
	error = pw_mm_unmap(mm, va, va + pw_pages_up(mm->machine, bytes) - 1);
	pw_mm_write_unlock(mm);
	return error;
}

/* ---- mmap ---- */

struct request {
	pw_va va;
	uint64_t bytes; /* whole pages */
	uint64_t offset;
	int prot, map;
	uint32_t flags; /* PW_VM_ of the VMA to be */
	bool populate;
	struct pw_file *file; /* the caller's reference, or one of our own */
	struct pw_device *device;
};

static const int LEGACY_FLAGS = MAP_SHARED | MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS |
				MAP_DENYWRITE | MAP_EXECUTABLE | MAP_UNINITIALIZED | MAP_GROWSDOWN |
				MAP_LOCKED | MAP_NORESERVE | MAP_POPULATE | MAP_NONBLOCK |
				MAP_STACK | MAP_HUGETLB | PW_MAP_32BIT |
				MAP_HUGE_MASK << MAP_HUGE_SHIFT;

uint32_t pw_vma_prot_flags(int prot)
{
	return (prot & PROT_READ ? PW_VM_READ : 0u) | (prot & PROT_WRITE ? PW_VM_WRITE : 0u) |
	       (prot & PROT_EXEC ? PW_VM_EXEC : 0u);
}

static uint32_t first_flags(const struct pw_mm *mm, int prot, int map)
{
	return pw_vma_prot_flags(prot) | mm->default_flags | PW_VM_MAYREAD | PW_VM_MAYWRITE |
	       PW_VM_MAYEXEC | (map & MAP_GROWSDOWN ? PW_VM_GROWSDOWN : 0u) |
	       (map & MAP_LOCKED ? PW_VM_LOCKED : 0u) | (map & MAP_STACK ? PW_VM_NOHUGEPAGE : 0u);
}

static int check_file(struct request *r)
{
	const struct pw_file *file = r->file;

	if (r->offset > (uint64_t)INT64_MAX || r->bytes > (uint64_t)INT64_MAX - r->offset)
		return -EOVERFLOW;
	switch (r->map & MAP_TYPE) {
	case MAP_SHARED_VALIDATE:
		/* Also MAP_SYNC: no file here is memory that keeps its content. */
		if (r->map & ~(LEGACY_FLAGS | MAP_SHARED_VALIDATE))
			return -EOPNOTSUPP;
		/* fallthrough */
	case MAP_SHARED:
		if (r->prot & PROT_WRITE && !file->writable)
			return -EACCES;
		r->flags |= PW_VM_SHARED | PW_VM_MAYSHARE;
		if (!file->writable)
			r->flags &= ~(uint32_t)(PW_VM_MAYWRITE | PW_VM_SHARED);
		/* fallthrough */
	case MAP_PRIVATE:
		if (!file->readable)
			return -EACCES;
		return r->flags & PW_VM_GROWSDOWN ? -EINVAL : 0;
	default:
		return -EINVAL;
	}
}

static int check_anonymous(struct request *r)
{
	switch (r->map & MAP_TYPE) {
	case MAP_SHARED:
		if (r->flags & PW_VM_GROWSDOWN)
			return -EINVAL;
		r->offset = 0;
		r->flags |= PW_VM_SHARED | PW_VM_MAYSHARE;
		return 0;
	case MAP_PRIVATE:
		r->offset = r->va;
		return 0;
	case 0x08: /* MAP_DROPPABLE */
		return -EOPNOTSUPP;
	default:
		return -EINVAL;
	}
}

/* Finds the address: the caller's, or a free one. */
static int place(struct pw_mm *mm, struct request *r)
{
	const pw_va page = pw_page_bytes(mm->machine);
	pw_sva va = (pw_sva)r->va;

	if (r->bytes - 1 > mm->user_last)
		return -ENOMEM;
	if (r->file && r->file->kind == PW_FOLIO_HUGETLB && r->map & MAP_FIXED &&
	    r->va & ((page << r->file->order) - 1))
		return -EINVAL;
	if (!(r->map & MAP_FIXED))
		va = pw_mm_place_file(mm, r->va, r->bytes, r->file, r->offset, r->map);
	/* Also a fixed address: Linux does not tell it from the error that it looks like. */
	if (pw_is_error(va))
		return (int)va;
	if (!pw_mm_holds(mm, (pw_va)va, r->bytes))
		return -ENOMEM;
	if ((pw_va)va & (page - 1))
		return -EINVAL;
	if ((pw_va)va < pw_mm_min(mm))
		return -EPERM;
	r->va = (pw_va)va;
	return 0;
}

/* Everything that is decided before anything changes (do_mmap). */
static int check(struct pw_mm *mm, struct request *r)
{
	const struct pw_vma *vma;
	int error;

	if (r->map & MAP_FIXED_NOREPLACE)
		r->map |= MAP_FIXED;
	if (!(r->map & MAP_FIXED)) {
		r->va &= ~(pw_page_bytes(mm->machine) - 1);
		if (r->va && r->va < pw_mm_min(mm))
			r->va = pw_mm_min(mm);
	}
	r->bytes = pw_pages_up(mm->machine, r->bytes);
	if (r->bytes == 0)
		return -ENOMEM;
	if (mm->vma_count > PW_VMA_LIMIT)
		return -ENOMEM;
	r->flags |= first_flags(mm, r->prot, r->map) | PW_VM_SOFTDIRTY;
	error = place(mm, r);
	if (error)
		return error;
	vma = pw_vma_at_or_above(mm, r->va);
	if (r->map & MAP_FIXED_NOREPLACE && vma && vma->first <= r->va + r->bytes - 1)
		return -EEXIST;
	if (r->map & MAP_LOCKED && !pw_lock_allowed(mm->machine))
		return -EPERM;
	if (!pw_lock_fits(mm, r->flags, r->bytes))
		return -EAGAIN;
	if (!r->device)
		error = r->file ? check_file(r) : check_anonymous(r);
	if (error)
		return error;
	if (r->map & MAP_NORESERVE && (!mm->machine->options.overcommit_never ||
				       (r->file && r->file->kind == PW_FOLIO_HUGETLB)))
		r->flags |= PW_VM_NORESERVE;
	r->populate = r->flags & PW_VM_LOCKED ||
		      (r->map & (MAP_POPULATE | MAP_NONBLOCK)) == MAP_POPULATE;
	return 0;
}

/* What the kind of file says about its mappings (its mmap operation). */
static int check_kind(struct pw_mm *mm, struct request *r)
{
	uint64_t end = r->offset + r->bytes;

	if (r->device || !r->file)
		return 0;
	if (r->file->kind == PW_FOLIO_SECRET) {
		if (!(r->flags & PW_VM_MAYSHARE))
			return -EINVAL;
		r->flags |= PW_VM_LOCKED | PW_VM_DONTDUMP | PW_VM_SECRET;
		if (!pw_lock_fits(mm, r->flags, r->bytes))
			return -EAGAIN;
	}
	if (r->file->kind != PW_FOLIO_HUGETLB)
		return 0;
	if (r->offset & ((pw_page_bytes(mm->machine) << r->file->order) - 1))
		return -EINVAL;
	r->flags |= PW_VM_HUGETLB | PW_VM_DONTEXPAND;
	if (r->flags & PW_VM_WRITE && pw_file_size(r->file) < end)
		return pw_file_truncate(r->file, end);
	return 0;
}

/* The pages that unmapping first..last will stop to promise. */
static uint64_t promised(struct pw_mm *mm, pw_va first, pw_va last)
{
	struct pw_vma *vma = pw_vma_at_or_above(mm, first);
	uint64_t pages = 0;

	for (; vma && vma->first <= last; vma = pw_vma_next(vma)) {
		pw_va from = vma->first > first ? vma->first : first;
		pw_va to = vma->last < last ? vma->last : last;

		if (vma->flags & PW_VM_ACCOUNT)
			pages += ((to - from) >> mm->machine->page_lg2) + 1;
	}
	return pages;
}

/* Private writable memory is promised; what is replaced was promised already. *@charged_ret: in all. */
static int promise(struct pw_mm *mm, struct request *r, uint64_t *charged_ret)
{
	const uint32_t all = PW_VM_NORESERVE | PW_VM_SHARED | PW_VM_WRITE;
	uint64_t pages = r->bytes >> mm->machine->page_lg2;
	uint64_t old = promised(mm, r->va, r->va + r->bytes - 1);

	*charged_ret = 0;
	if ((r->flags & (all | PW_VM_HUGETLB)) != PW_VM_WRITE || r->device)
		return 0;
	if (pages > old && pw_commit(mm->machine, pages - old) != 0)
		return -ENOMEM;
	/* The unmap gives back the old pages; so they are added here, without a question. */
	__atomic_fetch_add(&mm->machine->committed, pages > old ? old : pages, __ATOMIC_RELAXED);
	r->flags |= PW_VM_ACCOUNT;
	*charged_ret = pages;
	return 0;
}

static struct pw_vma *new_vma(struct pw_mm *mm, struct request *r)
{
	struct pw_vma *vma = pw_vma_create(mm, r->va, r->va + r->bytes - 1, r->flags);

	if (!vma)
		return NULL;
	vma->offset = r->offset >> mm->machine->page_lg2;
	vma->file = r->file;
	if (vma->file)
		pw_file_get(vma->file);
	vma->device = r->device;
	if (vma->device)
		pw_device_get(vma->device);
	return vma;
}

/* The file behind shared anonymous memory, with the name that Linux gives it. */
static int shared_anonymous(struct pw_mm *mm, struct request *r)
{
	char *name;
	int error;

	if (r->file || r->device || !(r->flags & PW_VM_SHARED))
		return 0;
	error = pw_shmem_create(mm->machine, r->bytes, &r->file, NULL);
	if (error)
		return error;
	name = strdup("/dev/zero (deleted)");
	if (!name)
		return -ENOMEM;
	free(r->file->name);
	r->file->name = name;
	return 0;
}

static int insert_new(struct pw_mm *mm, struct request *r)
{
	struct pw_vma *vma = new_vma(mm, r);
	int error = 0;

	if (!vma)
		return -ENOMEM;
	if (vma->flags & PW_VM_HUGETLB) {
		/* Hugetlb pages cannot be locked: they never go. */
		vma->flags &= ~(uint32_t)(PW_VM_LOCKED | PW_VM_LOCKONFAULT);
		error = pw_hugetlb_reserve(vma);
	}
	if (vma->flags & PW_VM_SPECIAL_MASK)
		vma->flags &= ~(uint32_t)(PW_VM_LOCKED | PW_VM_LOCKONFAULT);
	if (error) {
		pw_vma_free(vma);
		return error;
	}
	pw_vma_insert(vma);
	return 0;
}

/* Replaces what is there (mmap_region). mm->lock, write. */
static int map_region(struct pw_mm *mm, struct request *r)
{
	struct pw_file *given = r->file;
	struct pw_vma_like like;
	uint64_t charged;
	int error = promise(mm, r, &charged);

	if (error)
		return error;
	error = pw_mm_unmap(mm, r->va, r->va + r->bytes - 1);
	if (!error)
		error = check_kind(mm, r);
	if (error)
		goto fail;
	like = (struct pw_vma_like){
		.mm = mm,
		.first = r->va,
		.last = r->va + r->bytes - 1,
		.offset = r->offset >> mm->machine->page_lg2,
		.flags = r->flags,
		.file = r->file,
		.device = r->device,
	};
	if (pw_vma_merge_new(&like))
		return 0;
	error = shared_anonymous(mm, r);
	if (!error)
		error = insert_new(mm, r);
	if (r->file && !given)
		pw_file_put(r->file);
	r->file = given;
fail:
	if (error)
		pw_uncommit(mm->machine, charged);
	return error;
}

static pw_sva map(struct pw_mm *mm, struct request *r)
{
	int error;

	pw_mm_write_lock(mm);
	error = check(mm, r);
	if (!error)
		error = map_region(mm, r);
	pw_mm_write_unlock(mm);
	if (error)
		return error;
	if (r->populate)
		pw_mm_populate(mm, r->va, r->va + r->bytes - 1, PW_POPULATE_IGNORE);
	return (pw_sva)r->va;
}

/* Linux's mmap makes a file for MAP_HUGETLB | MAP_ANONYMOUS before it looks at anything else. */
static pw_sva map_hugetlb(struct pw_mm *mm, struct request *r)
{
	unsigned lg2 = (unsigned)r->map >> MAP_HUGE_SHIFT & MAP_HUGE_MASK;
	pw_sva va;
	int error = pw_hugetlb_anonymous(mm->machine, r->bytes, lg2, &r->file);

	if (error)
		return error;
	r->bytes = pw_file_size(r->file);
	va = r->bytes ? map(mm, r) : -EINVAL;
	pw_file_put(r->file);
	return va;
}

pw_sva pw_mmap(struct pw_mm *mm, pw_va va, uint64_t bytes, int prot, int flags,
	       struct pw_file *file, uint64_t offset)
{
	struct request r = {
		.va = va, .bytes = bytes, .offset = offset, .prot = prot, .map = flags
	};

	if (!mm || offset & (pw_page_bytes(mm->machine) - 1))
		return -EINVAL;
	if (flags & MAP_ANONYMOUS && flags & MAP_HUGETLB)
		return map_hugetlb(mm, &r);
	if (!(flags & MAP_ANONYMOUS)) {
		if (!file)
			return -EBADF;
		r.file = file;
		if (file->kind == PW_FOLIO_HUGETLB) {
			uint64_t huge = pw_page_bytes(mm->machine) << file->order;

			r.bytes = (bytes + huge - 1) & ~(huge - 1);
		} else if (flags & MAP_HUGETLB) {
			return -EINVAL;
		}
	}
	return r.bytes ? map(mm, &r) : -EINVAL;
}

pw_sva pw_mmap_device(struct pw_mm *mm, pw_va va, uint64_t bytes, int prot, int flags,
		      struct pw_device *device, uint64_t offset)
{
	struct request r = {
		.va = va,
		.bytes = bytes,
		.offset = offset,
		.prot = prot,
		.map = flags & ~(MAP_LOCKED | MAP_HUGETLB | MAP_GROWSDOWN | MAP_POPULATE),
		.flags = PW_VM_IO | PW_VM_PFNMAP | PW_VM_DONTEXPAND | PW_VM_DONTDUMP |
			 PW_VM_SOFTDIRTY,
		.device = device,
	};
	int error;

	if (!mm || !device || offset & (pw_page_bytes(mm->machine) - 1) || bytes == 0)
		return -EINVAL;
	error = pw_device_check(mm, device, bytes, flags, offset);
	if (error)
		return error;
	if ((flags & MAP_TYPE) == MAP_SHARED)
		r.flags |= PW_VM_SHARED | PW_VM_MAYSHARE;
	else if ((flags & MAP_TYPE) != MAP_PRIVATE)
		return -EINVAL;
	return map(mm, &r);
}

/* ---- stacks ---- */

/* May a stack that begins at @va have @below as its neighbour? Nearer than the gap only another stack may be. */
static bool gap_kept(const struct pw_vma *below, pw_va va)
{
	const uint32_t access = PW_VM_READ | PW_VM_WRITE | PW_VM_EXEC;
	uint64_t gap = 256 * pw_page_bytes(below->mm->machine);

	if (below->flags & PW_VM_GROWSDOWN || !(below->flags & access))
		return true;
	return va - (below->last + 1) >= gap;
}

struct pw_vma *pw_vma_expand(struct pw_mm *mm, pw_va va)
{
	struct pw_vma *vma = pw_vma_at_or_above(mm, va), *below;
	uint64_t pages;

	va &= ~(pw_page_bytes(mm->machine) - 1);
	if (!vma || vma->first <= va)
		return vma;
	below = pw_vma_before(vma);
	if (!(vma->flags & PW_VM_GROWSDOWN) || va < pw_mm_min(mm) ||
	    (below && !gap_kept(below, va)) || pw_anon_prepare(vma) != 0)
		return NULL;
	pages = (vma->first - va) >> mm->machine->page_lg2;
	if (pages > vma->offset || vma->last - va >= STACK_LIMIT ||
	    !pw_lock_fits(mm, vma->flags, vma->first - va) || pw_commit(mm->machine, pages) != 0)
		return NULL;
	if (!(vma->flags & PW_VM_ACCOUNT))
		pw_uncommit(mm->machine, pages);
	pw_vma_resize(vma, va, vma->last);
	return vma;
}
