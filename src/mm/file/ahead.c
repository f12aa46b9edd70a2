/* SPDX-License-Identifier: MIT */
/*
 * Reading ahead, for MADV_WILLNEED: what a fault would have to read is read now. Nothing is mapped. It is a help: what
 * cannot be read, and what memory has no room for, is left to faults.
 */
#include "mm/file/file.h"
#include "mm/soft.h"
#include "mm/swap/reclaim.h"
#include "mm/swap/swap.h"
#include "mm/vma/vma.h"

/* Reading ahead leaves this share of the memory to others. */
enum { SHARE_LG2 = 4 };

static bool is_short(const struct pw_machine *machine)
{
	return pw_arena_free_bytes(machine->arena) < machine->options.bytes >> SHARE_LG2;
}

/* The slot of the swap entry at @va, with a count. False: there is none. */
static bool take_slot(struct pw_mm *mm, pw_va va, uint32_t *slot_ret)
{
	struct pw_slot slot;
	bool taken;

	pw_table_look(mm, va, &slot);
	taken = pw_slot_is_soft(mm->space, &slot, PW_SOFT_SWAP);
	if (taken) {
		*slot_ret = (uint32_t)slot.soft.offset;
		pw_swap_get(mm->machine, *slot_ret);
	}
	pw_table_unlock(mm, 1, va);
	return taken;
}

void pw_ahead_swap(struct pw_vma *vma, pw_va first, pw_va last)
{
	struct pw_mm *mm = vma->mm;
	const uint64_t page = pw_page_bytes(mm->machine);
	uint32_t slot, frame;

	for (pw_va va = first; !is_short(mm->machine); va += page) {
		if (take_slot(mm, va, &slot)) {
			/* The page stays in the swap cache while an entry names its slot. */
			const bool read = pw_swap_in(mm->machine, slot, false, &frame) == 0;

			pw_swap_put(mm->machine, slot, 1);
			if (read) {
				pw_swap_tidy(mm->machine, frame);
				pw_page_put(mm->machine, frame, 1);
			}
		}
		if (last - va < page)
			break;
	}
}

void pw_ahead_file(struct pw_file *file, uint64_t first, uint64_t last)
{
	const uint64_t pages = (pw_file_size(file) + (file->page_bytes - 1)) / file->page_bytes;
	struct pw_machine *machine = file->machine;
	uint32_t frame;
	bool major;

	if (file->kind != PW_FOLIO_FILE && file->kind != PW_FOLIO_SHARED)
		return;
	for (uint64_t index = first; index <= last && index < pages && !is_short(machine);
	     index++) {
		int error;

		if (pw_cache_has(file, index))
			continue;
		/* A hole of shared memory stays one. */
		error = pw_cache_page(file, index, PW_CACHE_NO_HOLE, &frame, &major);
		if (!error) {
			pw_folio_unlock(machine, frame);
			pw_page_put(machine, frame, 1);
		} else if (file->kind == PW_FOLIO_FILE) {
			break;
		}
	}
}
