/* SPDX-License-Identifier: MIT */
/* mlock and its relatives, and how pages are faulted in for them. */
#include <errno.h>

#include "mm/vma/vma.h"

/* ---- populate ---- */

/* A part of one VMA that is to be faulted in. */
struct part {
	pw_va first, last;
	unsigned access; /* PW_FAULT_ */
	bool skip;
};

/* The access that faults pages of @vma in, as populate_vma_page_range has it. */
static void part_of(const struct pw_vma *vma, struct part *part)
{
	part->skip = vma->flags & (PW_VM_IO | PW_VM_PFNMAP | PW_VM_LOCKONFAULT);
	part->access = 0;
	/* A private page is copied now; a shared one need not become dirty. */
	if ((vma->flags & (PW_VM_WRITE | PW_VM_SHARED)) == PW_VM_WRITE)
		part->access = PW_FAULT_WRITE;
	else if (vma->flags & (PW_VM_READ | PW_VM_WRITE | PW_VM_EXEC))
		part->access = PW_FAULT_FORCE;
}

/* The next part in first..last. False: there is no VMA in it. */
static bool next_part(struct pw_mm *mm, pw_va first, pw_va last, struct part *part)
{
	const struct pw_vma *vma;
	bool found;

	pw_mm_read_lock(mm);
	vma = pw_vma_at_or_above(mm, first);
	found = vma && vma->first <= last;
	if (found) {
		part->first = vma->first > first ? vma->first : first;
		part->last = vma->last < last ? vma->last : last;
		part_of(vma, part);
	}
	pw_mm_read_unlock(mm);
	return found;
}

int pw_mm_populate(struct pw_mm *mm, pw_va first, pw_va last, enum pw_populate how)
{
	const uint64_t page = pw_page_bytes(mm->machine);
	const bool strict = how == PW_POPULATE_STRICT;
	struct part part;
	int error;

	for (pw_va va = first; next_part(mm, va, last, &part); va = part.last + 1) {
		error = 0;
		for (va = part.first; !part.skip && va <= part.last && !error; va += page)
			error = pw_fault_errno(pw_fault_at(mm, NULL, va, part.access, NULL));
		if (error && strict)
			return error;
		if (part.last == last)
			return 0;
	}
	return 0;
}

/* As pw_fault_at, where mm->lock is held: nobody grows the VMA, and no handler of user faults is asked. */
static enum pw_fault_kind fault_held(struct pw_vma *vma, pw_va va, unsigned access)
{
	struct pw_machine *machine = vma->mm->machine;
	enum pw_fault_kind kind;
	unsigned rounds = 0;

	do {
		struct pw_fault_work work = {
			.vma = vma, .va = va, .touched = va, .flags = access
		};

		kind = pw_fault_handle(&work);
		if (work.major)
			pw_count(&machine->info.major_faults, 1);
	} while (kind == PW_FAULT_OOM && pw_reclaim_for_tables(machine, &rounds));
	return kind;
}

void pw_vma_populate(struct pw_vma *vma, pw_va first, pw_va last)
{
	const uint64_t page = pw_page_bytes(vma->mm->machine);
	struct part part;

	part_of(vma, &part);
	for (pw_va va = first; !part.skip && va < last; va += page)
		if (fault_held(vma, va, part.access) != PW_FAULT_DONE)
			return;
}

/* ---- the limit ---- */

bool pw_lock_allowed(const struct pw_machine *machine)
{
	return !machine->options.lock_limited || machine->options.lock_bytes > 0;
}

/* Are so many pages within the limit? */
static bool is_within(const struct pw_machine *machine, uint64_t pages)
{
	return !machine->options.lock_limited ||
	       pages <= machine->options.lock_bytes >> machine->page_lg2 ||
	       pw_mutant(PW_MUTANT_LOCK_UNLIMITED);
}

bool pw_lock_fits(const struct pw_mm *mm, uint32_t flags, uint64_t bytes)
{
	return !(flags & PW_VM_LOCKED) ||
	       is_within(mm->machine, mm->locked_pages + (bytes >> mm->machine->page_lg2));
}

/* How many pages of a range are locked already (count_mm_mlocked_page_nr)? @end may have wrapped: then all above. */
static uint64_t locked_in(struct pw_mm *mm, pw_va first, pw_va end)
{
	const pw_va last = end < first ? ~(pw_va)0 : end - 1;
	struct pw_vma *vma = pw_vma_at_or_above(mm, first);
	uint64_t bytes = 0;

	for (; vma && vma->first <= last; vma = pw_vma_next(vma))
		if (vma->flags & PW_VM_LOCKED)
			bytes += (vma->last < last ? vma->last : last) -
				 (vma->first > first ? vma->first : first) + 1;
	return bytes >> mm->machine->page_lg2;
}

/* May all of the @bytes at @first be locked? What is locked there counts once. mm->lock is held. */
static bool may_lock(struct pw_mm *mm, pw_va first, uint64_t bytes)
{
	const uint64_t pages = mm->locked_pages + (bytes >> mm->machine->page_lg2);

	return is_within(mm->machine, pages) ||
	       is_within(mm->machine, pages - locked_in(mm, first, first + bytes));
}

/* ---- mlock ---- */

static const uint32_t LOCKED = PW_VM_LOCKED | PW_VM_LOCKONFAULT;

/* Sets the lock flags of a part of a VMA (mlock_fixup). *@vma_ret: what the part is in then. */
static int fix_up(struct pw_vma *vma, pw_va first, pw_va last, uint32_t flags,
		  struct pw_vma **vma_ret)
{
	const uint32_t never = PW_VM_SPECIAL_MASK | PW_VM_HUGETLB | PW_VM_SECRET;
	int error;

	*vma_ret = vma;
	if (flags == vma->flags || vma->flags & never)
		return 0;
	error = pw_vma_modify(vma, first, last, flags, vma->user, vma->user_context, &vma);
	if (error)
		return error;
	pw_vma_write(vma);
	pw_vma_set_flags(vma, flags | pw_vma_sticky(vma));
	*vma_ret = vma;
	return 0;
}

/* Sets the lock flags of first..last; -ENOMEM at a hole, after what is below it. mm->lock, write. */
static int apply(struct pw_mm *mm, pw_va first, pw_va last, uint32_t flags)
{
	struct pw_vma *vma = pw_vma_find(mm, first);
	pw_va va, end;
	int error;

	if (!vma)
		return -ENOMEM;
	for (va = first;; va = end + 1) {
		end = vma->last < last ? vma->last : last;
		error = fix_up(vma, va, end, (vma->flags & ~LOCKED) | flags, &vma);
		if (error || vma->last >= last)
			return error;
		/* It may have merged with the next one, whose flags were the same already. */
		end = vma->last;
		vma = pw_vma_next(vma);
		if (!vma || vma->first != end + 1)
			return -ENOMEM;
	}
}

/* The pages that @va and @bytes touch. False: none, or they wrap; then *@error says what to answer. */
static bool range_of(const struct pw_mm *mm, pw_va va, uint64_t bytes, pw_va *first, pw_va *last,
		     int *error)
{
	const uint64_t page = pw_page_bytes(mm->machine);
	uint64_t whole = pw_pages_up(mm->machine, bytes + (va & (page - 1)));

	*first = va & ~(page - 1);
	*last = *first + whole - 1;
	*error = *first + whole < *first ? -EINVAL : 0;
	return !*error && whole != 0;
}

int pw_mlock(struct pw_mm *mm, pw_va va, uint64_t bytes, unsigned flags)
{
	uint32_t vm = PW_VM_LOCKED | (flags & MLOCK_ONFAULT ? PW_VM_LOCKONFAULT : 0u);
	pw_va first, last;
	int error;
	bool some;

	if (!mm || flags & ~(unsigned)MLOCK_ONFAULT)
		return -EINVAL;
	if (!pw_lock_allowed(mm->machine))
		return -EPERM;
	some = range_of(mm, va, bytes, &first, &last, &error);
	pw_mm_write_lock(mm);
	/* The limit speaks first, also of a range that is none. */
	if (!may_lock(mm, first, last + 1 - first))
		error = -ENOMEM;
	else if (some)
		error = apply(mm, first, last, vm);
	pw_mm_write_unlock(mm);
	if (error || !some)
		return error;
	error = pw_mm_populate(mm, first, last, PW_POPULATE_STRICT);
	/* mlock(2) has its own words for what a fault says. */
	if (error == -ENOMEM)
		return -EAGAIN;
	return error ? -ENOMEM : 0;
}

int pw_munlock(struct pw_mm *mm, pw_va va, uint64_t bytes)
{
	pw_va first, last;
	int error;

	if (!mm)
		return -EINVAL;
	if (!range_of(mm, va, bytes, &first, &last, &error))
		return error;
	pw_mm_write_lock(mm);
	error = apply(mm, first, last, 0);
	pw_mm_write_unlock(mm);
	return error;
}

/* Sets the lock flags of all VMAs, and the flags of those to come. Failures leave VMAs as they are. */
static void apply_all(struct pw_mm *mm, int flags)
{
	uint32_t future = 0, now = 0;
	struct pw_vma *vma;

	if (flags & MCL_FUTURE)
		future = PW_VM_LOCKED | (flags & MCL_ONFAULT ? PW_VM_LOCKONFAULT : 0u);
	mm->default_flags = (mm->default_flags & ~LOCKED) | future;
	if (flags & MCL_FUTURE && !(flags & MCL_CURRENT))
		return;
	if (flags & MCL_CURRENT)
		now = PW_VM_LOCKED | (flags & MCL_ONFAULT ? PW_VM_LOCKONFAULT : 0u);
	for (vma = pw_vma_at_or_above(mm, 0); vma; vma = pw_vma_next(vma))
		fix_up(vma, vma->first, vma->last, (vma->flags & ~LOCKED) | now, &vma);
}

int pw_mlockall(struct pw_mm *mm, int flags)
{
	bool fits;

	if (!mm || !flags || flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) ||
	    flags == MCL_ONFAULT)
		return -EINVAL;
	if (!pw_lock_allowed(mm->machine))
		return -EPERM;
	pw_mm_write_lock(mm);
	fits = !(flags & MCL_CURRENT) || is_within(mm->machine, mm->total_pages);
	if (fits)
		apply_all(mm, flags);
	pw_mm_write_unlock(mm);
	if (fits && flags & MCL_CURRENT)
		pw_mm_populate(mm, 0, mm->user_last, PW_POPULATE_IGNORE);
	return fits ? 0 : -ENOMEM;
}

int pw_munlockall(struct pw_mm *mm)
{
	if (!mm)
		return -EINVAL;
	pw_mm_write_lock(mm);
	apply_all(mm, 0);
	pw_mm_write_unlock(mm);
	return 0;
}
