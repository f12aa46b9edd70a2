/* SPDX-License-Identifier: MIT */
/* madvise: which advice a VMA may get, in Linux's order of questions, and who follows it. */
#include <errno.h>

#include "mm/fault/guard.h"
#include "mm/file/file.h"
#include "mm/huge/huge.h"
#include "mm/swap/reclaim.h"
#include "mm/vma/vma.h"

/* Linux's numbers. Headers of older systems lack the last ones. */
enum {
	ADVICE_FREE = 8,
	ADVICE_REMOVE = 9,
	ADVICE_DONTFORK = 10,
	ADVICE_DOFORK = 11,
	ADVICE_HUGEPAGE = 14,
	ADVICE_NOHUGEPAGE = 15,
	ADVICE_DONTDUMP = 16,
	ADVICE_DODUMP = 17,
	ADVICE_WIPEONFORK = 18,
	ADVICE_KEEPONFORK = 19,
	ADVICE_COLD = 20,
	ADVICE_PAGEOUT = 21,
	ADVICE_POPULATE_READ = 22,
	ADVICE_POPULATE_WRITE = 23,
	ADVICE_DONTNEED_LOCKED = 24,
	ADVICE_COLLAPSE = 25,
	ADVICE_HWPOISON = 100,
	ADVICE_SOFT_OFFLINE = 101,
	ADVICE_GUARD_INSTALL = 102,
	ADVICE_GUARD_REMOVE = 103,
};

struct advice {
	struct pw_mm *mm;
	int what;
	pw_va first, last; /* the part of the VMA */
	struct pw_vma *vma;
	bool write; /* how mm->lock is held */
};

static bool is_known(const struct pw_mm *mm, int what)
{
	switch (what) {
	case MADV_NORMAL:
	case MADV_RANDOM:
	case MADV_SEQUENTIAL:
	case MADV_WILLNEED:
	case MADV_DONTNEED:
	case ADVICE_FREE:
	case ADVICE_REMOVE:
	case ADVICE_DONTFORK:
	case ADVICE_DOFORK:
	case ADVICE_DONTDUMP:
	case ADVICE_DODUMP:
	case ADVICE_WIPEONFORK:
	case ADVICE_KEEPONFORK:
	case ADVICE_COLD:
	case ADVICE_PAGEOUT:
	case ADVICE_POPULATE_READ:
	case ADVICE_POPULATE_WRITE:
	case ADVICE_DONTNEED_LOCKED:
	case ADVICE_HWPOISON:
	case ADVICE_SOFT_OFFLINE:
	case ADVICE_GUARD_INSTALL:
	case ADVICE_GUARD_REMOVE:
		return true;
	case ADVICE_HUGEPAGE:
	case ADVICE_NOHUGEPAGE:
	case ADVICE_COLLAPSE:
		return mm->machine->huge_level > 0;
	default:
		return false;
	}
}

/* These leave VMAs as they are. */
static bool only_reads(int what)
{
	switch (what) {
	case ADVICE_REMOVE:
	case MADV_WILLNEED:
	case MADV_DONTNEED:
	case ADVICE_DONTNEED_LOCKED:
	case ADVICE_COLD:
	case ADVICE_PAGEOUT:
	case ADVICE_FREE:
	case ADVICE_GUARD_REMOVE:
		return true;
	default:
		return false;
	}
}

static void lock(struct advice *a)
{
	if (a->write)
		pw_mm_write_lock(a->mm);
	else
		pw_mm_read_lock(a->mm);
}

static void unlock(struct advice *a)
{
	if (a->write)
		pw_mm_write_unlock(a->mm);
	else
		pw_mm_read_unlock(a->mm);
}

/* ---- flags ---- */

/* The flags that the VMA has with the advice. 0 or -EINVAL. */
static int flags_with(const struct advice *a, uint32_t *flags)
{
	const uint32_t special = a->vma->flags & PW_VM_SPECIAL_MASK;

	switch (a->what) {
	case MADV_NORMAL:
		*flags &= ~(uint32_t)(PW_VM_RANDOM | PW_VM_SEQUENTIAL);
		return 0;
	case MADV_SEQUENTIAL:
		*flags = (*flags & ~(uint32_t)PW_VM_RANDOM) | PW_VM_SEQUENTIAL;
		return 0;
	case MADV_RANDOM:
		*flags = (*flags & ~(uint32_t)PW_VM_SEQUENTIAL) | PW_VM_RANDOM;
		return 0;
	case ADVICE_DONTFORK:
		*flags |= PW_VM_DONTCOPY;
		return 0;
	case ADVICE_DOFORK:
		*flags &= ~(uint32_t)PW_VM_DONTCOPY;
		return special ? -EINVAL : 0;
	case ADVICE_WIPEONFORK:
		*flags |= PW_VM_WIPEONFORK;
		return a->vma->file || a->vma->device || *flags & PW_VM_SHARED ? -EINVAL : 0;
	case ADVICE_KEEPONFORK:
		*flags &= ~(uint32_t)PW_VM_WIPEONFORK;
		return 0;
	case ADVICE_DONTDUMP:
		*flags |= PW_VM_DONTDUMP;
		return 0;
	case ADVICE_DODUMP:
		*flags &= ~(uint32_t)PW_VM_DONTDUMP;
		return special && !(*flags & PW_VM_HUGETLB) ? -EINVAL : 0;
	case ADVICE_HUGEPAGE:
		*flags = (*flags & ~(uint32_t)PW_VM_NOHUGEPAGE) | PW_VM_HUGEPAGE;
		return 0;
	default: /* ADVICE_NOHUGEPAGE */
		*flags = (*flags & ~(uint32_t)PW_VM_HUGEPAGE) | PW_VM_NOHUGEPAGE;
		return 0;
	}
}

static int change_flags(struct advice *a)
{
	uint32_t flags = a->vma->flags;
	struct pw_vma *vma = a->vma;
	int error = flags_with(a, &flags);

	if (error || flags == vma->flags)
		return error;
	error = pw_vma_modify(vma, a->first, a->last, flags, vma->user, vma->user_context, &a->vma);
	if (error)
		return error == -ENOMEM ? -EAGAIN : error;
	pw_vma_write(a->vma);
	pw_vma_set_flags(a->vma, flags | pw_vma_sticky(a->vma));
	return 0;
}

/* ---- pages ---- */

/* DONTNEED and FREE: may they be given here? A hugetlb VMA loses whole huge pages; *last is cut to them. */
static bool may_drop(const struct advice *a, pw_va *last)
{
	const struct pw_vma *vma = a->vma;
	const uint32_t never = PW_VM_PFNMAP |
			       (a->what == ADVICE_DONTNEED_LOCKED ? 0u : PW_VM_LOCKED);
	uint64_t mask;

	if (!(vma->flags & PW_VM_HUGETLB))
		return !(vma->flags & never);
	mask = (pw_page_bytes(a->mm->machine) << vma->file->order) - 1;
	*last = ((a->last + 1) & ~mask) - 1;
	return a->what != ADVICE_FREE && !(a->first & mask);
}

static int drop(struct advice *a)
{
	pw_va last = a->last;
	unsigned rounds = 0;
	int error;

	if (!may_drop(a, &last))
		return -EINVAL;
	if (a->what == ADVICE_FREE && (a->vma->file || a->vma->device))
		return -EINVAL;
	if (last + 1 == a->first)
		return 0;
	if (a->what == ADVICE_FREE)
		return pw_vma_free_lazily(a->vma, a->first, last);
	/* Without memory for the table of a leaf that is cut, a part is out already: the rest has to follow. */
	do
		error = pw_zap_range(a->vma, a->first, last, PW_ZAP_DONTNEED);
	while (error == -ENOMEM && pw_reclaim_for_tables(a->mm->machine, &rounds));
	return error;
}

/* The file loses its pages, so everybody does. mm->lock is dropped meanwhile. */
static int remove_pages(struct advice *a)
{
	const uint32_t shared = PW_VM_SHARED | PW_VM_MAYWRITE;
	struct pw_file *file = a->vma->file;
	uint64_t offset;
	int error;

	if (a->vma->flags & PW_VM_LOCKED || !file)
		return -EINVAL;
	if ((a->vma->flags & shared) != shared)
		return -EACCES;
	offset = pw_vma_index(a->vma, a->first) << a->mm->machine->page_lg2;
	pw_file_get(file);
	unlock(a);
	error = pw_file_punch(file, offset, a->last - a->first + 1);
	pw_file_put(file);
	lock(a);
	a->vma = NULL;
	return error;
}

/* Files are read with mm->lock dropped meanwhile, as Linux does. */
static int will_need(struct advice *a)
{
	struct pw_file *file = a->vma->file;
	uint64_t first, last;

	if (!file) {
		if (!a->vma->device)
			pw_ahead_swap(a->vma, a->first, a->last);
		return 0;
	}
	first = pw_vma_index(a->vma, a->first);
	last = pw_vma_index(a->vma, a->last);
	pw_file_get(file);
	unlock(a);
	pw_ahead_file(file, first, last);
	pw_file_put(file);
	lock(a);
	a->vma = NULL;
	return 0;
}

static int age(struct advice *a)
{
	if (a->vma->flags & (PW_VM_LOCKED | PW_VM_PFNMAP | PW_VM_HUGETLB))
		return -EINVAL;
	if (a->what == ADVICE_COLD)
		pw_vma_cool(a->vma, a->first, a->last);
	else
		pw_vma_page_out(a->vma, a->first, a->last);
	return 0;
}

static int guard(struct advice *a)
{
	const uint32_t never = PW_VM_SPECIAL_MASK | PW_VM_HUGETLB;

	if (a->vma->flags & never)
		return -EINVAL;
	if (a->what == ADVICE_GUARD_REMOVE)
		return pw_guard_remove(a->vma, a->first, a->last);
	if (a->vma->flags & PW_VM_LOCKED)
		return -EINVAL;
	return pw_guard_install(a->vma, a->first, a->last);
}

/* Gives the advice to a part of one VMA. */
static int give(struct advice *a)
{
	switch (a->what) {
	case ADVICE_REMOVE:
		return remove_pages(a);
	case MADV_WILLNEED:
		return will_need(a);
	case ADVICE_COLD:
	case ADVICE_PAGEOUT:
		return age(a);
	case ADVICE_FREE:
	case MADV_DONTNEED:
	case ADVICE_DONTNEED_LOCKED:
		return drop(a);
	case ADVICE_COLLAPSE:
		return pw_collapse_range(a->vma, a->first, a->last);
	case ADVICE_GUARD_INSTALL:
	case ADVICE_GUARD_REMOVE:
		return guard(a);
	default:
		return change_flags(a);
	}
}

/* Goes through the VMAs of a range. A hole is an error at the end; any other error ends it at once. */
static int walk(struct advice *a, pw_va first, pw_va last)
{
	int hole = 0, error;
	pw_va va = first;

	for (;;) {
		a->vma = pw_vma_at_or_above(a->mm, va);
		if (!a->vma)
			return -ENOMEM;
		if (a->vma->first > va) {
			hole = -ENOMEM;
			va = a->vma->first;
			if (va > last)
				return hole;
		}
		a->first = va;
		a->last = a->vma->last < last ? a->vma->last : last;
		error = give(a);
		if (error)
			return error;
		if (a->last == last)
			return hole;
		va = a->last + 1;
	}
}

/* ---- populate ---- */

/* May pages of this VMA be faulted in for the advice? */
static bool may_populate(const struct pw_vma *vma, bool write)
{
	if (vma->flags & (PW_VM_IO | PW_VM_PFNMAP | PW_VM_SECRET))
		return false;
	return vma->flags & (write ? PW_VM_WRITE : PW_VM_READ);
}

static int populate(struct pw_mm *mm, pw_va first, pw_va last, bool write)
{
	const uint64_t page = pw_page_bytes(mm->machine);
	struct pw_vma *vma;
	pw_va va = first, end = first;
	int error = 0;

	for (;;) {
		pw_mm_read_lock(mm);
		vma = pw_vma_find(mm, va);
		if (!vma)
			error = -ENOMEM;
		else if (!may_populate(vma, write))
			error = -EINVAL;
		else
			end = vma->last < last ? vma->last : last;
		pw_mm_read_unlock(mm);
		for (; !error && va <= end; va += page) {
			error = pw_fault_errno(
				pw_fault_at(mm, NULL, va, write ? PW_FAULT_WRITE : 0, NULL));
			if (va > end - page)
				break;
		}
		if (error || end == last)
			return error;
		va = end + 1;
	}
}

int pw_madvise(struct pw_mm *mm, pw_va va, uint64_t bytes, int what)
{
	struct advice a = { .mm = mm, .what = what, .write = !only_reads(what) };
	uint64_t whole;
	int error;

	if (!mm)
		return -EINVAL;
	whole = pw_pages_up(mm->machine, bytes);
	if (!is_known(mm, what) || va & (pw_page_bytes(mm->machine) - 1) || (bytes && !whole) ||
	    va + whole < va)
		return -EINVAL;
	if (whole == 0)
		return 0;
	if (what == ADVICE_POPULATE_READ || what == ADVICE_POPULATE_WRITE)
		return populate(mm, va, va + whole - 1, what == ADVICE_POPULATE_WRITE);
	if (what == ADVICE_HWPOISON || what == ADVICE_SOFT_OFFLINE)
		return pw_poison_range(mm, va, va + whole - 1, what == ADVICE_SOFT_OFFLINE);
	lock(&a);
	error = walk(&a, va, va + whole - 1);
	unlock(&a);
	return error;
}
