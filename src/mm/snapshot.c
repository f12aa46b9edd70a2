/* SPDX-License-Identifier: MIT */
/*
 * What is mapped in a range, for a device that mirrors it (hmm_range_fault). It holds mm->lock for reading while
 * it looks, and no lock while it faults.
 */
#include <errno.h>

#include "format/format.h"
#include "mm/mm.h"

struct look {
	struct pw_mm *mm;
	struct pw_vma *vma; /* of the page before; mm->lock */
	pw_va va;
	size_t count; /* pages from va on */
	bool fault, write;
	struct pw_snapshot *page;
};

static void advance(struct look *look, size_t pages)
{
	look->va += pages << look->mm->machine->page_lg2;
	look->page += pages;
	look->count -= pages;
}

/* Without a fault, a page that is not there is a page that is not valid. With one, the call fails. */
static int missing(struct look *look, int code)
{
	if (look->fault)
		return code;
	*look->page = (struct pw_snapshot){ 0 };
	advance(look, 1);
	return 0;
}

/* Fills the pages that the leaf of @slot maps from look->va on. */
static void fill(struct look *look, const struct pw_slot *slot)
{
	const unsigned lg2 = look->mm->machine->page_lg2;
	const uint64_t bytes = UINT64_C(1) << look->mm->space->format->shift[slot->level];
	const uint64_t offset = look->va & (bytes - 1);
	size_t pages = (size_t)((bytes - offset) >> lg2), rest;

	rest = (size_t)((look->vma->last - look->va) >> lg2) + 1;
	pages = pages < rest ? pages : rest;
	pages = pages < look->count ? pages : look->count;
	for (size_t i = 0; i < pages; i++)
		look->page[i] = (struct pw_snapshot){
			.pa = slot->pa + offset + ((pw_pa)i << lg2),
			.valid = true,
			.writable = slot->attr & PW_WRITE,
		};
	advance(look, pages);
}

/* Looks at one entry. Returns 0, -EAGAIN if the page has to be brought by a fault, or why it cannot be. */
static int look_once(struct look *look)
{
	const uint32_t needed = PW_READ | PW_USER;
	struct pw_vma *vma = look->vma;
	struct pw_slot slot;

	if (!vma || look->va < vma->first || look->va > vma->last)
		vma = pw_vma_find(look->mm, look->va);
	look->vma = vma;
	if (!vma || vma->flags & (PW_VM_IO | PW_VM_PFNMAP) || !(vma->flags & PW_VM_READ))
		return missing(look, -EFAULT);
	if (look->fault && look->write && !(vma->flags & PW_VM_WRITE))
		return -EPERM;
	pw_table_look(look->mm, look->va, &slot);
	pw_table_unlock(look->mm, 1, look->va);
	if (slot.kind != PW_SLOT_PAGE || (slot.attr & needed) != needed)
		return missing(look, -EAGAIN);
	if (look->fault && look->write && !(slot.attr & PW_WRITE))
		return -EAGAIN;
	fill(look, &slot);
	return 0;
}

static int look_at_all(struct look *look)
{
	int code = 0;

	look->vma = NULL;
	pw_mm_read_lock(look->mm);
	while (look->count > 0 && code == 0)
		code = look_once(look);
	pw_mm_read_unlock(look->mm);
	return code;
}

static int bring(struct look *look)
{
	unsigned flags = PW_FAULT_REMOTE | (look->write ? PW_FAULT_WRITE : 0);

	switch (pw_fault_at(look->mm, NULL, look->va, flags, NULL)) {
	case PW_FAULT_DONE:
		return 0;
	case PW_FAULT_OOM:
		return -ENOMEM;
	default:
		return -EFAULT;
	}
}

int pw_mm_snapshot(struct pw_mm *mm, pw_va va, size_t count, bool fault, bool write,
		   struct pw_snapshot *page)
{
	struct look look = {
		.mm = mm, .va = va, .count = count, .fault = fault, .write = write, .page = page
	};
	int code;

	if (!mm)
		return -EINVAL;
	if (count == 0)
		return 0;
	/* An array of that many pages cannot be. The address space alone allows them on a host of 32 bits. */
	if (count > PTRDIFF_MAX / sizeof(*page))
		return -EINVAL;
	if (!page || va & (pw_page_bytes(mm->machine) - 1) ||
	    count - 1 > (~UINT64_C(0) - va) >> mm->machine->page_lg2)
		return -EINVAL;
	while ((code = look_at_all(&look)) == -EAGAIN) {
		code = bring(&look);
		if (code)
			return code;
	}
	return code;
}
