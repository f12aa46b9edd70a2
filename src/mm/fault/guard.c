/* SPDX-License-Identifier: MIT */
/* Guards: markers in the place of pages. They stay through MADV_DONTNEED, and fork copies them. */
#include "mm/fault/guard.h"

#include <errno.h>

#include "mm/marks.h"
#include "mm/soft.h"
#include "mm/vma/vma.h"

/* Puts a guard at @va. 0; -EAGAIN: something is mapped there; -ENOMEM. */
static int install(struct pw_mm *mm, pw_va va, uint64_t guard)
{
	struct pw_slot slot;
	int error = pw_slot_reach(mm->space, va, 0, &slot);

	if (error)
		return error;
	pw_table_look(mm, va, &slot);
	if (slot.kind != PW_SLOT_EMPTY || slot.level != 0)
		error = pw_slot_is_marker(mm->space, &slot, PW_MARKER_GUARD) ? 0 : -EAGAIN;
	else if (!pw_slot_swap(mm->space, va, &slot, guard))
		error = -EAGAIN;
	pw_table_unlock(mm, 1, va);
	return error;
}

int pw_guard_install(struct pw_vma *vma, pw_va first, pw_va last)
{
	struct pw_mm *mm = vma->mm;
	const struct pw_soft soft = pw_soft_marker(mm->space, PW_MARKER_GUARD);
	const uint64_t guard = pw_slot_soft(mm->space, 0, &soft), page = pw_page_bytes(mm->machine);
	/* As Linux: this decides with which VMAs it may merge. Fork copies the guards in any case. */
	int error = vma->file || vma->device ? 0 : pw_anon_prepare(vma);

	if (error)
		return error;
	if (guard == pw_slot_empty(mm->space, 0))
		return -EINVAL;
	pw_vma_write(vma);
	pw_vma_set_flags(vma, vma->flags | PW_VM_GUARD);
	error = pw_zap_range(vma, first, last, PW_ZAP_KEEP_MARKERS);
	for (pw_va va = first; !error; va += page) {
		while ((error = install(mm, va, guard)) == -EAGAIN) {
			error = pw_zap_range(vma, va, va + page - 1, PW_ZAP_ALL);
			if (error)
				break;
		}
		if (va > last - page)
			break;
	}
	return error;
}

static void lock(void *context, unsigned level, pw_va va)
{
	pw_table_lock(((struct pw_vma *)context)->mm, level, va);
}

static void unlock(void *context, unsigned level, pw_va va)
{
	pw_table_unlock(((struct pw_vma *)context)->mm, level, va);
}

static int drop_guard(void *context, pw_va va, struct pw_slot *slot, uint64_t *value)
{
	const struct pw_vma *vma = context;

	(void)value;
	if (!pw_slot_is_marker(vma->mm->space, slot, PW_MARKER_GUARD))
		return PW_VISIT_KEEP;
	if (!pw_mutant(PW_MUTANT_SOFT_DIRTY_UNGUARDED))
		pw_marks_clear(vma->mm, va, va, PW_MARK_SOFT_DIRTY);
	return PW_VISIT_DROP;
}

int pw_guard_remove(struct pw_vma *vma, pw_va first, pw_va last)
{
	const struct pw_visitor visitor = {
		.lock = lock,
		.unlock = unlock,
		.entry = drop_guard,
		.context = vma,
	};

	return pw_slot_visit(vma->mm->space, first, last, &visitor);
}
