/* SPDX-License-Identifier: MIT */
/*
 * Soft-dirty: which pages were written to since somebody asked for it (clear_refs, pagemap).
 *
 *     VMA with PW_VM_SOFTDIRTY      all of it is soft-dirty: it is new, or merged with what is new
 *     without                       pages with PW_MARK_SOFT_DIRTY are
 *
 * In a VMA without the flag an entry is writable only where the page has its mark. So the first write to each page
 * faults, and pw_fault_handle sets the mark before it lets anybody make the entry writable.
 */
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "format/format.h"
#include "format/words.h"
#include "mm/marks.h"
#include "mm/soft.h"
#include "mm/vma/vma.h"

/* ---- marks ---- */

bool pw_soft_dirty_known(const struct pw_machine *machine)
{
	const struct pw_words *words = machine->format->words;

	for (const struct pw_bits_of *of = words ? words->entries : NULL; of && of->bits; of++)
		for (const struct pw_bits *bits = of->levels & 1 ? of->bits : NULL;
		     bits && bits->mask; bits++)
			if (strcmp(bits->name, "soft-dirty") == 0)
				return true;
	return false;
}

/* The part of the VMA in the 2^@lg2 bytes around @va. */
static pw_va part_of(const struct pw_vma *vma, pw_va va, unsigned lg2, pw_va *last_ret)
{
	*last_ret = pw_min(va | pw_mask(lg2), vma->last);
	return (va & ~pw_mask(lg2)) > vma->first ? va & ~pw_mask(lg2) : vma->first;
}

static bool set_marks(struct pw_mm *mm, pw_va first, pw_va last)
{
	const pw_va page = pw_page_bytes(mm->machine);

	for (pw_va va = first;; va += page) {
		if (!pw_mark_set(mm, va, PW_MARK_SOFT_DIRTY))
			return false;
		if (last - va < page)
			return true;
	}
}

bool pw_soft_dirty_set(const struct pw_vma *vma, pw_va va, unsigned lg2)
{
	pw_va first, last;

	if (vma->flags & PW_VM_SOFTDIRTY)
		return true;
	first = part_of(vma, va, lg2, &last);
	return set_marks(vma->mm, first, last);
}

void pw_soft_dirty_unset(const struct pw_vma *vma, pw_va va)
{
	struct pw_mm *mm = vma->mm;
	struct pw_slot slot;

	if (pw_mutant(PW_MUTANT_SOFT_DIRTY_FAILED))
		return;
	/* Another thread may have written to it meanwhile. Who is about to, finds no mark under this lock, and faults again. */
	pw_table_look(mm, va, &slot);
	if (slot.kind != PW_SLOT_PAGE || !(slot.attr & PW_WRITE))
		pw_marks_clear(mm, va, va, PW_MARK_SOFT_DIRTY);
	pw_table_unlock(mm, 1, va);
}

int pw_soft_dirty_room(const struct pw_vma *vma, pw_va va)
{
	const struct pw_machine *machine = vma->mm->machine;
	pw_va first, last;

	if (vma->flags & PW_VM_SOFTDIRTY)
		return 0;
	first = part_of(vma, va, machine->huge_level ? machine->huge_lg2 : machine->page_lg2,
			&last);
	return pw_marks_reserve(vma->mm, first, last);
}

bool pw_is_soft_dirty(const struct pw_vma *vma, pw_va va)
{
	return vma->flags & PW_VM_SOFTDIRTY || pw_mark_get(vma->mm, va) & PW_MARK_SOFT_DIRTY;
}

int pw_soft_dirty_moved(const struct pw_vma *vma, pw_va first, pw_va last, bool all)
{
	struct pw_mm *mm = vma->mm;
	const pw_va page = pw_page_bytes(mm->machine);

	if (vma->flags & PW_VM_SOFTDIRTY)
		return 0;
	if (pw_marks_reserve(mm, first, last))
		return -ENOMEM;
	for (pw_va va = first;; va += page) {
		struct pw_slot slot;

		pw_slot_find(mm->space, va, &slot);
		if ((all || slot.kind != PW_SLOT_EMPTY) && !pw_mutant(PW_MUTANT_SOFT_DIRTY_MOVED))
			(void)pw_mark_set(mm, va, PW_MARK_SOFT_DIRTY);
		if (last - va < page)
			return 0;
	}
}

/* ---- clearing ---- */

/* Entries of a VMA become read-only. */
struct clear {
	struct pw_vma *vma;
	pw_va next; /* after -EAGAIN: here marks need room */
	bool changed;
};

static void lock(void *context, unsigned level, pw_va va)
{
	pw_table_lock(((struct clear *)context)->vma->mm, level, va);
}

static void unlock(void *context, unsigned level, pw_va va)
{
	pw_table_unlock(((struct clear *)context)->vma->mm, level, va);
}

/* Who has pinned an anonymous page writes to it without an entry: it stays soft-dirty, as on Linux. */
static bool is_pinned(const struct pw_vma *vma, const struct pw_slot *slot)
{
	const struct pw_machine *machine = vma->mm->machine;

	return pw_vma_copies(vma) && pw_entry_is_counted(vma->mm, slot) &&
	       pw_page_maybe_pinned(machine, pw_arena_frame(machine->arena, slot->pa));
}

static int clear_soft(const struct pw_space *space, const struct pw_slot *slot, uint64_t *value)
{
	struct pw_soft soft;

	if (!pw_slot_is_soft(space, slot, PW_SOFT_MIGRATION) ||
	    pw_soft_migration_what(space, &slot->soft) != PW_MIGRATION_WRITE)
		return PW_VISIT_KEEP;
	/* Shared memory has no exclusive pages; there the type for these is as good as the other. */
	soft = pw_soft_migration(space, PW_MIGRATION_READ_EXCLUSIVE, (uint32_t)slot->soft.offset);
	*value = pw_slot_soft(space, slot->level, &soft);
	return PW_VISIT_STORE;
}

static int clear_entry(void *context, pw_va va, struct pw_slot *slot, uint64_t *value)
{
	struct clear *clear = context;
	const struct pw_vma *vma = clear->vma;
	const struct pw_mm *mm = vma->mm;

	if (slot->kind == PW_SLOT_SOFT)
		return clear_soft(mm->space, slot, value);
	if (slot->kind != PW_SLOT_PAGE || pw_mutant(PW_MUTANT_SOFT_DIRTY_WRITABLE))
		return PW_VISIT_KEEP;
	if (is_pinned(vma, slot)) {
		if (pw_soft_dirty_set(vma, va, mm->machine->format->shift[slot->level]))
			return PW_VISIT_KEEP;
		clear->next = va;
		return -EAGAIN;
	}
	if (!(slot->attr & PW_WRITE))
		return PW_VISIT_KEEP;
	*value = pw_slot_change(mm->space, slot, slot->attr & ~(uint32_t)PW_WRITE);
	clear->changed = true;
	return PW_VISIT_STORE;
}

static int clear_vma(struct pw_vma *vma, bool *changed)
{
	struct clear clear = { .vma = vma, .next = vma->first };
	const struct pw_visitor visitor = {
		.lock = lock, .unlock = unlock, .entry = clear_entry, .context = &clear
	};
	struct pw_mm *mm = vma->mm;
	int error;

	pw_vma_write(vma);
	pw_vma_set_flags(vma, vma->flags & ~(uint32_t)PW_VM_SOFTDIRTY);
	/* As on Linux: of hugetlb nobody is told what is written to. */
	if (vma->flags & PW_VM_HUGETLB)
		return 0;
	pw_marks_clear(mm, vma->first, vma->last, PW_MARK_SOFT_DIRTY);
	do {
		const pw_va first = clear.next > vma->first ? clear.next : vma->first;

		error = pw_slot_visit(mm->space, first, vma->last, &visitor);
	} while (error == -EAGAIN && (error = pw_soft_dirty_room(vma, clear.next)) == 0);
	*changed |= clear.changed;
	/* Entries may still be writable: all of it is dirty. */
	if (error)
		pw_vma_set_flags(vma, vma->flags | PW_VM_SOFTDIRTY);
	return error;
}

int pw_mm_clear_soft_dirty(struct pw_mm *mm, struct pw_error *error)
{
	bool changed = false;
	int code = 0;

	if (!mm)
		return pw_fail_null(error, "mm");
	if (!pw_soft_dirty_known(mm->machine))
		return pw_fail(error, EOPNOTSUPP,
			       "Linux has no soft-dirty bit in entries of %s: try x86_64",
			       mm->machine->format->name);
	pw_mm_write_lock(mm);
	pw_notify_begin(mm, 0, mm->user_last);
	for (struct pw_vma *vma = pw_vma_at_or_above(mm, 0); vma && !code; vma = pw_vma_next(vma))
		if (!vma->device)
			code = clear_vma(vma, &changed);
	if (changed)
		pw_tlb_flush(mm, 0, mm->user_last);
	pw_notify_end(mm, 0, mm->user_last);
	pw_mm_write_unlock(mm);
	return code ? pw_fail(error, ENOMEM, "no memory for the marks of pinned pages") : 0;
}
