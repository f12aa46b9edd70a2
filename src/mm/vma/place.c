/* SPDX-License-Identifier: MIT */
/* Where mmap puts what nobody asked to have at a fixed address: top-down, as Linux does. */
#include <errno.h>

#include "mm/file/file.h"
#include "mm/vma/vma.h"

enum { GUARD_PAGES = 256 }; /* vm.stack_guard_gap */

pw_va pw_mm_min(const struct pw_mm *mm)
{
	const pw_va page = pw_page_bytes(mm->machine), least = (0x10000 + page - 1) & ~(page - 1);

	return mm->range_first < least ? mm->range_first : least;
}

pw_va pw_vma_gap_first(const struct pw_vma *vma)
{
	uint64_t gap = GUARD_PAGES * pw_page_bytes(vma->mm->machine);

	if (!(vma->flags & PW_VM_GROWSDOWN))
		return vma->first;
	return vma->first > gap ? vma->first - gap : 0;
}

static bool fits(struct pw_mm *mm, pw_va va, uint64_t bytes)
{
	struct pw_vma *next;

	if (va < pw_mm_min(mm) || !pw_mm_holds(mm, va, bytes))
		return false;
	next = pw_vma_at_or_above(mm, va);
	return !next || va + bytes - 1 < pw_vma_gap_first(next);
}

/* The highest place in low..high (inclusive) for @bytes that begin at @shift of an aligned piece. */
static pw_sva highest(struct pw_mm *mm, const struct pw_place *place, pw_va low, pw_va high)
{
	const uint64_t mask = place->align_lg2 ? pw_mask(place->align_lg2) : 0;
	/* Room for the worst case of alignment is looked for, also where less would do: Linux does. */
	const uint64_t bytes = place->bytes + (mask ? mask + 1 - pw_page_bytes(mm->machine) : 0);
	struct pw_vma *above = pw_vma_at_or_above(mm, high), *below;
	pw_va last, first, va;

	if (bytes < place->bytes)
		return -ENOMEM;
	for (;;) {
		below = above ? pw_vma_before(above) : pw_vma_last(mm);
		last = above && above->first - 1 < high ? above->first - 1 : high;
		first = below && below->last >= low ? below->last + 1 : low;
		if (last < first || last - first < bytes - 1) {
			if (!below || below->last < low)
				return -ENOMEM;
			above = below;
			continue;
		}
		va = last - place->bytes + 1;
		if (!above || pw_vma_gap_first(above) > last)
			return (pw_sva)(va - (va & mask));
		/* A stack is above. Linux looks no more at anything above the end of the stack's gap. */
		if (pw_vma_gap_first(above) <= low)
			return -ENOMEM;
		high = pw_vma_gap_first(above) - 1;
		above = pw_vma_at_or_above(mm, high);
	}
}

/* The lowest place: for PW_MAP_32BIT. */
static pw_sva lowest(struct pw_mm *mm, const struct pw_place *place, pw_va low, pw_va high)
{
	const uint64_t mask = place->align_lg2 ? pw_mask(place->align_lg2) : 0;
	struct pw_vma *next = pw_vma_at_or_above(mm, low);
	pw_va va = (low + mask) & ~mask;

	for (; va <= high && high - va >= place->bytes - 1; next = pw_vma_next(next)) {
		if (!next || va + place->bytes - 1 < pw_vma_gap_first(next))
			return (pw_sva)va;
		va = (next->last + 1 + mask) & ~mask;
	}
	return -ENOMEM;
}

pw_sva pw_mm_place(struct pw_mm *mm, pw_va hint, const struct pw_place *place)
{
	const pw_va page = pw_page_bytes(mm->machine);
	pw_va va = (hint + page - 1) & ~(page - 1);

	if (place->bytes > mm->user_last || place->bytes > mm->user_last - pw_mm_min(mm) + 1)
		return -ENOMEM;
	if (place->align_lg2)
		va = (hint + pw_mask(place->align_lg2)) & ~pw_mask(place->align_lg2);
	if (hint && fits(mm, va, place->bytes))
		return (pw_sva)va;
	if (place->low)
		return lowest(mm, place, 0x40000000, 0x7fffffff);
	return highest(mm, place, mm->range_first, mm->range_last);
}

/* A mapping that a huge page fits into begins where huge leaves can map it (thp_get_unmapped_area). */
static pw_sva place_for_huge(struct pw_mm *mm, pw_va hint, uint64_t bytes, uint64_t offset)
{
	const uint64_t huge = UINT64_C(1) << mm->machine->huge_lg2;
	const uint64_t aligned = (offset + huge - 1) & ~(huge - 1);
	struct pw_place place = { .bytes = bytes + huge };
	uint64_t shift;
	pw_sva va;

	if (mm->machine->huge_level == 0 || offset + bytes <= aligned ||
	    offset + bytes - aligned < huge || place.bytes < bytes)
		return -ENOMEM;
	va = pw_mm_place(mm, hint, &place);
	if (pw_is_error(va) || (pw_va)va == hint)
		return va;
	shift = (offset - (pw_va)va) & (huge - 1);
	return va + (pw_sva)(shift ? shift : huge);
}

pw_sva pw_mm_place_file(struct pw_mm *mm, pw_va hint, uint64_t bytes, struct pw_file *file,
			uint64_t offset, int flags)
{
	const struct pw_machine *machine = mm->machine;
	struct pw_place place = { .bytes = bytes };
	pw_sva va = -ENOMEM;

	place.low = flags & PW_MAP_32BIT;
	if (file && file->kind == PW_FOLIO_HUGETLB)
		place.align_lg2 = machine->page_lg2 + file->order;
	else if (file ? file->kind == PW_FOLIO_FILE
		      : !hint && !(flags & MAP_SHARED) && !(bytes & pw_mask(machine->huge_lg2)) &&
				 machine->huge_level)
		va = place.low ? -ENOMEM : place_for_huge(mm, hint, bytes, file ? offset : 0);
	return pw_is_error(va) ? pw_mm_place(mm, hint, &place) : va;
}
