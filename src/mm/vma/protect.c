/* SPDX-License-Identifier: MIT */
/* mprotect: the flags of VMAs, and then the entries below them. */
#include <errno.h>

#include "format/format.h"
#include "mm/file/file.h"
#include "mm/soft.h"
#include "mm/vma/vma.h"

static const uint32_t ACCESS = PW_VM_READ | PW_VM_WRITE | PW_VM_EXEC;

/* ---- entries ---- */

struct change {
	struct pw_vma *vma;
	bool changed;
	bool grouped; /* a group was broken up in this table */
};

static void lock(void *context, unsigned level, pw_va va)
{
	pw_table_lock(((struct change *)context)->vma->mm, level, va);
}

static void unlock(void *context, unsigned level, pw_va va)
{
	pw_table_unlock(((struct change *)context)->vma->mm, level, va);
}

/* Does somebody want to know of the first write to each page? */
static bool must_fault(const struct pw_vma *vma)
{
	return vma->flags & PW_VM_USER_PROTECT || !(vma->flags & (PW_VM_SOFTDIRTY | PW_VM_HUGETLB));
}

/* May the page become writable without a fault? (can_change_pte_writable) */
static bool may_write(const struct pw_vma *vma, const struct pw_slot *slot)
{
	const struct pw_arena *arena = vma->mm->machine->arena;
	uint32_t frame;

	if (!(vma->flags & PW_VM_WRITE) || must_fault(vma))
		return false;
	/* A dirty page of a file has told the file already. */
	if (vma->flags & PW_VM_SHARED)
		return slot->attr & PW_DIRTY;
	if (!pw_entry_is_counted(vma->mm, slot))
		return false;
	frame = pw_arena_frame(arena, slot->pa);
	return pw_folio_kind_of(arena, frame) == PW_FOLIO_ANONYMOUS &&
	       (pw_folio_is_exclusive(arena, frame) || pw_mutant(PW_MUTANT_PROTECT_SHARED));
}

/* A migration entry forgets that its page was writable: the next write finds out. */
static int change_soft(struct pw_vma *vma, struct pw_slot *slot, uint64_t *value)
{
	struct pw_space *space = vma->mm->space;
	uint32_t frame = (uint32_t)slot->soft.offset;
	struct pw_soft soft;
	bool anonymous;

	if (!pw_slot_is_soft(space, slot, PW_SOFT_MIGRATION) ||
	    pw_soft_migration_what(space, &slot->soft) != PW_MIGRATION_WRITE ||
	    pw_mutant(PW_MUTANT_RESTORE_OLD_RIGHTS))
		return PW_VISIT_KEEP;
	anonymous = pw_folio_kind_of(vma->mm->machine->arena, frame) == PW_FOLIO_ANONYMOUS;
	soft = pw_soft_migration(space, anonymous ? PW_MIGRATION_READ_EXCLUSIVE : PW_MIGRATION_READ,
				 frame);
	*value = pw_slot_soft(space, slot->level, &soft);
	return PW_VISIT_STORE;
}

static int change_entry(void *context, pw_va va, struct pw_slot *slot, uint64_t *value)
{
	const uint32_t kept = PW_ACCESSED | PW_DIRTY | PW_SPECIAL;
	struct change *change = context;
	struct pw_vma *vma = change->vma;
	struct pw_space *space = vma->mm->space;
	const pw_va size = pw_mask(vma->mm->machine->format->shift[slot->level]);
	uint32_t attr = pw_vma_attr(vma) | (slot->attr & kept);

	if (slot->kind == PW_SLOT_SOFT)
		return change_soft(vma, slot, value);
	if (slot->lg2 > vma->mm->machine->format->shift[slot->level])
		change->grouped = true;
	if (va < vma->first || va + size > vma->last)
		return PW_VISIT_SPLIT;
	if (slot->kind == PW_SLOT_PROT_NONE)
		attr |= PW_ACCESSED;
	if (may_write(vma, slot))
		attr |= PW_WRITE;
	else if (must_fault(vma))
		attr &= ~(uint32_t)PW_WRITE;
	if (!(vma->flags & ACCESS))
		*value = pw_entry_hidden(space, slot->level, slot->pa);
	else if (slot->kind == PW_SLOT_PROT_NONE)
		*value = pw_slot_leaf(space, slot->level, slot->pa, attr);
	else
		*value = pw_slot_change(space, slot, attr);
	return *value == slot->entry ? PW_VISIT_KEEP : PW_VISIT_STORE;
}

/* The entry cannot say any more that the page is dirty: the folio does. */
static void changed_entry(void *context, pw_va va, const struct pw_slot *was)
{
	struct change *change = context;
	struct pw_mm *mm = change->vma->mm;

	(void)va;
	change->changed = true;
	if (!(change->vma->flags & ACCESS) && was->attr & PW_DIRTY && pw_entry_is_counted(mm, was))
		pw_folio_dirty_held(mm->machine->arena,
				    pw_arena_frame(mm->machine->arena, was->pa));
}

/* What was a group may be one again, with its new permissions. */
static int changed_table(void *context, pw_va first, pw_va last)
{
	struct change *change = context;
	struct pw_mm *mm = change->vma->mm;

	if (!change->grouped)
		return 0;
	change->grouped = false;
	pw_table_lock(mm, 1, first);
	pw_table_join(mm, first, last);
	pw_table_unlock(mm, 1, first);
	return 0;
}

int pw_vma_change_entries(struct pw_vma *vma, pw_va first, pw_va last)
{
	struct change change = { .vma = vma };
	const struct pw_visitor visitor = {
		.lock = lock,
		.unlock = unlock,
		.entry = change_entry,
		.stored = changed_entry,
		.done = changed_table,
		.context = &change,
	};
	int error;

	pw_notify_begin(vma->mm, first, last);
	error = pw_slot_visit(vma->mm->space, first, last, &visitor);
	if (change.changed)
		pw_tlb_flush(vma->mm, first, last);
	pw_notify_end(vma->mm, first, last);
	return error;
}

/* ---- VMAs ---- */

/* What a change of permissions promises, or no longer does. *@flags gets or loses PW_VM_ACCOUNT. */
static int account(struct pw_vma *vma, uint64_t pages, uint32_t *flags)
{
	const uint32_t free = PW_VM_ACCOUNT | PW_VM_WRITE | PW_VM_HUGETLB | PW_VM_SHARED |
			      PW_VM_NORESERVE;

	if (*flags & PW_VM_WRITE) {
		if (vma->flags & free || vma->device)
			return 0;
		if (pw_commit(vma->mm->machine, pages) != 0)
			return -ENOMEM;
		*flags |= PW_VM_ACCOUNT;
	} else if (vma->flags & PW_VM_ACCOUNT && !vma->file && !vma->anon) {
		*flags &= ~(uint32_t)PW_VM_ACCOUNT;
	}
	return 0;
}

/* Gives a part of a VMA other flags (mprotect_fixup). *@vma_ret: what the part is in then. */
static int fix_up(struct pw_vma *vma, pw_va first, pw_va last, uint32_t flags,
		  struct pw_vma **vma_ret)
{
	struct pw_machine *machine = vma->mm->machine;
	const uint64_t pages = ((last - first) >> machine->page_lg2) + 1;
	const uint32_t old = vma->flags, copied = PW_VM_WRITE | PW_VM_SHARED | PW_VM_LOCKED;
	int error;

	*vma_ret = vma;
	if (flags == old)
		return 0;
	/* First: until then, a fault may give it an anon. */
	pw_vma_write(vma);
	error = account(vma, pages, &flags);
	if (error)
		return error;
	error = pw_vma_modify(vma, first, last, flags, vma->user, vma->user_context, &vma);
	if (error) {
		if (flags & ~old & PW_VM_ACCOUNT)
			pw_uncommit(machine, pages);
		return error;
	}
	pw_vma_write(vma);
	pw_vma_set_flags(vma, flags | pw_vma_sticky(vma));
	*vma_ret = vma;
	if (old & ~flags & PW_VM_ACCOUNT)
		pw_uncommit(machine, pages);
	error = pw_vma_change_entries(vma, first, last);
	/* A locked copy-on-write page is copied now, not at an access. */
	if (!error && flags & PW_VM_WRITE && (old & copied) == PW_VM_LOCKED)
		pw_vma_populate(vma, first, pw_mutant(PW_MUTANT_PROTECT_BRINGS) ? vma->last : last);
	return error;
}

/* Goes through the VMAs of first..last; stops at a hole, or at one that may not. What was done stays. */
static int protect(struct pw_vma *vma, pw_va first, pw_va last, int prot)
{
	pw_va va = first;
	uint32_t flags;
	int error;

	for (;;) {
		pw_va end = vma->last < last ? vma->last : last;

		flags = (vma->flags & ~ACCESS) | pw_vma_prot_flags(prot);
		if (flags & ACCESS & ~(flags / PW_VM_MAYREAD * PW_VM_READ))
			return -EACCES;
		error = fix_up(vma, va, end, flags, &vma);
		if (error || vma->last >= last)
			return error;
		/* It may have merged with the next one, whose flags were the same already. */
		va = vma->last + 1;
		vma = pw_vma_next(vma);
		if (!vma || vma->first != va)
			return -ENOMEM;
	}
}

static int protect_locked(struct pw_mm *mm, pw_va first, pw_va last, int prot, bool grows)
{
	struct pw_vma *vma = pw_vma_at_or_above(mm, first);

	if (!vma || vma->first > last)
		return -ENOMEM;
	if (grows) {
		first = vma->first;
		if (!(vma->flags & PW_VM_GROWSDOWN))
			return -EINVAL;
	} else if (vma->first > first) {
		return -ENOMEM;
	}
	return protect(vma, first, last, prot);
}

int pw_mprotect(struct pw_mm *mm, pw_va va, uint64_t bytes, int prot)
{
	enum { SEM = 8 };
	const int grows = prot & (PROT_GROWSDOWN | PROT_GROWSUP);
	pw_va last;
	int error;

	prot &= ~(PROT_GROWSDOWN | PROT_GROWSUP);
	if (!mm || grows == (PROT_GROWSDOWN | PROT_GROWSUP) ||
	    va & (pw_page_bytes(mm->machine) - 1))
		return -EINVAL;
	if (bytes == 0)
		return 0;
	last = va + pw_pages_up(mm->machine, bytes) - 1;
	if (last < va || last == ~(pw_va)0)
		return -ENOMEM;
	if (prot & ~(PROT_READ | PROT_WRITE | PROT_EXEC | SEM))
		return -EINVAL;
	pw_mm_write_lock(mm);
	/* No stack here grows up. */
	error = grows & PROT_GROWSUP && pw_vma_find(mm, va)
			? -EINVAL
			: protect_locked(mm, va, last, prot, grows & PROT_GROWSDOWN);
	pw_mm_write_unlock(mm);
	return error;
}
