/* SPDX-License-Identifier: MIT */
/*
 * Who maps a folio, by its entries. A folio counts the entries of all its pages together; that says little about one
 * page, or about one address space.
 */
#include "format/format.h"
#include "mm/mm.h"
#include "mm/rmap/rmap.h"

struct count {
	const struct pw_machine *machine;
	const struct pw_mm *except; /* its entries do not count */
	bool locked; /* only those in locked memory count */
	uint32_t frame; /* the first page that is looked for */
	uint32_t pages;
	uint64_t index; /* of that page, as its VMAs have it */
	unsigned found, most; /* enough were found */
};

static bool is_ours(const struct count *count, struct pw_vma *vma, pw_va va, uint32_t frame,
		    uint64_t *rest_ret)
{
	const struct pw_machine *machine = count->machine;
	struct pw_slot slot;
	bool found;

	pw_table_look(vma->mm, va, &slot);
	*rest_ret = pw_mask(machine->format->shift[slot.level]);
	found = pw_entry_is_counted(vma->mm, &slot) &&
		pw_arena_frame(machine->arena, slot.pa + (va & *rest_ret)) == frame;
	pw_table_unlock(vma->mm, 1, va);
	return found;
}

static int count_vma(void *context, struct pw_vma *vma, pw_va first)
{
	struct count *count = context;
	const unsigned page_lg2 = count->machine->page_lg2;
	const uint64_t all = ((vma->last - vma->first) >> page_lg2) + 1;
	uint64_t index = count->index, end = count->index + count->pages;

	(void)first;
	if (vma->mm == count->except || (count->locked && !(pw_vma_flags(vma) & PW_VM_LOCKED)))
		return 0;
	if (index < vma->offset)
		index = vma->offset;
	if (end > vma->offset + all)
		end = vma->offset + all;
	while (index < end && count->found < count->most) {
		const pw_va va = vma->first + ((index - vma->offset) << page_lg2);
		uint64_t rest;

		count->found += is_ours(count, vma, va,
					count->frame + (uint32_t)(index - count->index), &rest);
		index += ((rest & ~va) >> page_lg2) + 1;
	}
	return count->found >= count->most;
}

static unsigned count_entries(struct pw_machine *machine, struct count *count)
{
	const uint32_t head = pw_folio_head(machine->arena, count->frame);

	count->machine = machine;
	count->index = pw_page_of(machine, head)->index + (count->frame - head);
	pw_rmap_each(machine, head, count_vma, count);
	return count->found;
}

bool pw_rmap_mapped_once(struct pw_machine *machine, uint32_t frame)
{
	struct count count = { .frame = frame, .pages = 1, .most = 2 };

	return count_entries(machine, &count) == 1;
}

/* Any entry of the folio of @frame. */
static struct count count_folio(const struct pw_machine *machine, uint32_t frame)
{
	const uint64_t link = pw_frame_link(machine->arena, frame);

	return (struct count){ .frame = pw_link_head(link),
			       .pages = pw_link_pages(link),
			       .most = 1 };
}

bool pw_rmap_others_map(struct pw_machine *machine, uint32_t frame, const struct pw_mm *mm)
{
	struct count count = count_folio(machine, frame);

	count.except = mm;
	return count_entries(machine, &count) > 0;
}

bool pw_rmap_is_locked(struct pw_machine *machine, uint32_t head)
{
	struct count count = count_folio(machine, head);

	count.locked = true;
	return count_entries(machine, &count) > 0;
}
