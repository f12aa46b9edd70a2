/* SPDX-License-Identifier: MIT */
/*
 * Handlers of user faults: userfaultfd of the kernel, in process.
 *
 * A fault in a registered range asks pw_user_wants. If a handler wants it, the fault ends with PW_FAULT_RETRY, its
 * locks are dropped, the handler runs, and the access is tried again.
 *
 * Write protection is a mark of the page (marks.h), for which entries have no bit: a leaf is then without
 * PW_WRITE, and whoever makes leaves writable looks at the mark first. Where nothing is mapped, a marker says so,
 * too, so that pagemap can show it; the mark alone decides.
 */
#include <errno.h>
#include <string.h>

#include "format/format.h"
#include "mm/fault/user.h"
#include "mm/file/file.h"
#include "mm/marks.h"
#include "mm/soft.h"
#include "mm/vma/vma.h"

/* ---- faults ---- */

bool pw_user_wants(struct pw_fault_work *work, enum pw_user_fault what)
{
	const struct pw_vma *vma = work->vma;
	bool wants = false;

	if (!vma->user)
		return false;
	switch (what) {
	case PW_USER_MISSING:
		wants = vma->flags & PW_VM_USER_MISSING;
		break;
	case PW_USER_MINOR:
		wants = vma->flags & PW_VM_USER_MINOR;
		break;
	case PW_USER_WRITE_PROTECT:
		wants = pw_is_watched(vma, work->va);
		break;
	}
	if (wants)
		work->user = what;
	return wants;
}

bool pw_user_wants_file(struct pw_fault_work *work)
{
	struct pw_vma *vma = work->vma;
	struct pw_file *file = vma->file;
	const uint64_t index = pw_vma_index(vma, work->va);
	enum pw_cached cached;
	uint32_t value;

	if (!vma->user || (file->kind != PW_FOLIO_SHARED && file->kind != PW_FOLIO_HUGETLB) ||
	    index << vma->mm->machine->page_lg2 >= pw_file_size(file))
		return false;
	cached = pw_cache_find(file, index, &value);
	if (cached == PW_CACHED_PAGE)
		pw_page_put(vma->mm->machine, value, 1);
	return pw_user_wants(work, cached == PW_CACHED_NOTHING ? PW_USER_MISSING : PW_USER_MINOR);
}

/* A fault where a marker is. That of write protection goes, so that a page can come; the mark stays. */
enum pw_fault_kind pw_fault_marker(struct pw_fault_work *work)
{
	struct pw_mm *mm = work->vma->mm;
	struct pw_slot *slot = &work->slot;

	if (pw_slot_is_marker(mm->space, slot, PW_MARKER_GUARD))
		return PW_FAULT_MAPERR;
	if (pw_slot_is_marker(mm->space, slot, PW_MARKER_POISON))
		return PW_FAULT_POISON;
	pw_table_look(mm, work->va, slot);
	if (pw_slot_is_marker(mm->space, slot, PW_MARKER_USER_PROTECT) && slot->level == 0)
		pw_slot_swap(mm->space, work->va, slot, pw_slot_empty(mm->space, 0));
	pw_table_unlock(mm, 1, work->va);
	return PW_FAULT_DONE;
}

/* ---- registering ---- */

bool pw_user_is_range(const struct pw_mm *mm, pw_va va, uint64_t bytes)
{
	return mm && bytes > 0 && !((va | bytes) & pw_mask(mm->machine->page_lg2)) &&
	       bytes - 1 <= mm->user_last && va <= mm->user_last - (bytes - 1);
}

static bool is_shared_memory(const struct pw_vma *vma)
{
	return vma->file && vma->file->kind == PW_FOLIO_SHARED;
}

/* Is it a VMA whose faults a handler can resolve (vma_can_userfault)? */
static bool can_register(const struct pw_vma *vma, uint32_t flags)
{
	const bool cached = is_shared_memory(vma) || vma->flags & PW_VM_HUGETLB;

	if (vma->device || (vma->file && !cached))
		return false;
	return !(flags & PW_VM_USER_MINOR) || cached;
}

static uint32_t mode_flags(unsigned modes)
{
	return (modes & PW_USER_MISSING ? (uint32_t)PW_VM_USER_MISSING : 0u) |
	       (modes & PW_USER_WRITE_PROTECT ? (uint32_t)PW_VM_USER_PROTECT : 0u) |
	       (modes & PW_USER_MINOR ? (uint32_t)PW_VM_USER_MINOR : 0u);
}

/* Is the range, where it begins or ends in a hugetlb VMA, one of whole hugetlb pages? */
static bool ends_fit(const struct pw_vma *vma, pw_va first, pw_va last)
{
	const pw_va from = vma->first > first ? vma->first : first;

	return !(vma->flags & PW_VM_HUGETLB) ||
	       pw_user_hugetlb_fits(vma, from, pw_min(vma->last, last) - from + 1);
}

/* May all VMAs of the range be registered? In the kernel's order. */
static int register_allowed(struct pw_mm *mm, pw_va first, pw_va last, uint32_t flags,
			    pw_user_fn *handler, const void *context)
{
	struct pw_vma *vma = pw_vma_at_or_above(mm, first);

	if (!vma || vma->first > last)
		return -EINVAL;
	for (; vma && vma->first <= last; vma = pw_vma_next(vma)) {
		if (!can_register(vma, flags))
			return -EINVAL;
		if (!(vma->flags & PW_VM_MAYWRITE))
			return -EPERM;
		if (!ends_fit(vma, first, last))
			return -EINVAL;
		if (vma->user && (vma->user != handler || vma->user_context != context))
			return -EBUSY;
	}
	return 0;
}

/* Gives the part of the range that lies in @vma other flags. *vma_ret holds it afterwards. */
static int set_handler(struct pw_vma *vma, pw_va first, pw_va last, uint32_t flags,
		       pw_user_fn *handler, void *context, struct pw_vma **vma_ret)
{
	const pw_va from = vma->first > first ? vma->first : first;
	const pw_va to = vma->last < last ? vma->last : last;
	const uint32_t wanted = (vma->flags & ~PW_VM_USER_MASK) | flags;
	int error;

	/* What an earlier registration left. */
	if (flags & ~vma->flags & PW_VM_USER_PROTECT)
		pw_marks_clear(vma->mm, from, to, PW_MARK_PROTECTED);
	error = pw_vma_modify(vma, from, to, wanted, handler, context, vma_ret);
	if (error)
		return error;
	pw_vma_write(*vma_ret);
	/* Partner: pw_vma_flags. */
	__atomic_store_n(&(*vma_ret)->flags, wanted | pw_vma_sticky(*vma_ret), __ATOMIC_RELAXED);
	(*vma_ret)->user = handler;
	(*vma_ret)->user_context = context;
	return 0;
}

int pw_user_register(struct pw_mm *mm, pw_va va, uint64_t bytes, unsigned modes,
		     pw_user_fn *handler, void *context)
{
	const unsigned known = PW_USER_MISSING | PW_USER_WRITE_PROTECT | PW_USER_MINOR;
	const uint32_t flags = mode_flags(modes);
	int error;

	if (!modes || modes & ~known || !handler || !pw_user_is_range(mm, va, bytes))
		return -EINVAL;
	pw_mm_write_lock(mm);
	error = register_allowed(mm, va, va + (bytes - 1), flags, handler, context);
	for (struct pw_vma *vma = error ? NULL : pw_vma_at_or_above(mm, va);
	     !error && vma && vma->first <= va + (bytes - 1); vma = pw_vma_next(vma))
		error = set_handler(vma, va, va + (bytes - 1), flags, handler, context, &vma);
	pw_mm_write_unlock(mm);
	return error;
}

/* ---- write protection ---- */

/* What is done to all pages of a range of a VMA. */
struct protection {
	struct pw_vma *vma;
	pw_va first, last;
	struct pw_zap zap; /* for the TLBs alone */
};

static void lock(void *context, unsigned level, pw_va va)
{
	const struct protection *protection = context;

	pw_table_lock(protection->vma->mm, level, va);
}

static void unlock(void *context, unsigned level, pw_va va)
{
	const struct protection *protection = context;

	pw_table_unlock(protection->vma->mm, level, va);
}

static int split_entry(void *context, pw_va va, struct pw_slot *slot, uint64_t *value)
{
	return slot->level > 0 && slot->kind != PW_SLOT_SOFT ? PW_VISIT_SPLIT : PW_VISIT_KEEP;
}

/* Leaves of the range are base pages afterwards: marks are of single pages. 0, -ENOMEM. */
static int split(struct protection *protection)
{
	const struct pw_visitor visitor = {
		.lock = lock, .unlock = unlock, .entry = split_entry, .context = protection
	};

	return pw_slot_visit(protection->vma->mm->space, protection->first, protection->last,
			     &visitor);
}

/* A page that is being moved comes back read-only. */
static uint64_t protected_migration(const struct pw_space *space, struct pw_slot *slot)
{
	const struct pw_soft soft = pw_soft_migration(space, PW_MIGRATION_READ_EXCLUSIVE,
						      (uint32_t)slot->soft.offset);

	return pw_slot_soft(space, slot->level, &soft);
}

/* Puts a marker where nothing is, or makes the leaf read-only. The table lock is held. */
static int protect_entry(struct protection *protection, pw_va va)
{
	struct pw_mm *mm = protection->vma->mm;
	const struct pw_soft marker = pw_soft_marker(mm->space, PW_MARKER_USER_PROTECT);
	struct pw_slot slot;
	int error = pw_slot_reach(mm->space, va, 0, &slot);

	if (error)
		return error;
	if (!pw_mutant(PW_MUTANT_WATCH_MARK_LATE))
		pw_mark_set(mm, va, PW_MARK_PROTECTED);
	if (slot.kind == PW_SLOT_EMPTY && slot.level == 0)
		pw_slot_swap(mm->space, va, &slot, pw_slot_soft(mm->space, 0, &marker));
	/* Shared memory has no exclusive pages; there the type for these is as good as the other. */
	if (pw_slot_is_soft(mm->space, &slot, PW_SOFT_MIGRATION) && slot.level == 0 &&
	    pw_soft_migration_what(mm->space, &slot.soft) == PW_MIGRATION_WRITE)
		pw_slot_swap(mm->space, va, &slot, protected_migration(mm->space, &slot));
	/* A CPU may set bits meanwhile. */
	while (slot.kind == PW_SLOT_PAGE && slot.attr & PW_WRITE)
		if (pw_slot_swap(
			    mm->space, va, &slot,
			    pw_slot_change(mm->space, &slot, slot.attr & ~(uint32_t)PW_WRITE)) &&
		    !pw_mutant(PW_MUTANT_WATCH_NO_FLUSH))
			pw_zap_flush(&protection->zap, va, pw_page_bytes(mm->machine));
	return 0;
}

static int protect_vma(struct pw_vma *vma, pw_va first, pw_va last)
{
	struct protection protection = { .vma = vma, .first = first, .last = last };
	struct pw_mm *mm = vma->mm;
	const uint64_t page = pw_page_bytes(mm->machine);
	int error = pw_marks_reserve(mm, first, last);

	if (!error)
		error = split(&protection);
	if (error)
		return error;
	pw_zap_begin(&protection.zap, mm);
	pw_notify_begin(mm, first, last);
	for (pw_va va = first; !error && va >= first && va <= last; va += page) {
		pw_table_lock(mm, 1, va);
		error = protect_entry(&protection, va);
		pw_table_unlock(mm, 1, va);
		if (pw_mutant(PW_MUTANT_WATCH_MARK_LATE))
			pw_mark_set(mm, va, PW_MARK_PROTECTED);
	}
	pw_zap_end(&protection.zap);
	pw_notify_end(mm, first, last);
	return error;
}

static int drop_marker(void *context, pw_va va, struct pw_slot *slot, uint64_t *value)
{
	const struct protection *protection = context;
	const struct pw_space *space = protection->vma->mm->space;

	/* Only the bit goes: a page can be poisoned as well. */
	if (!pw_slot_is_marker(space, slot, PW_MARKER_USER_PROTECT) || slot->level > 0)
		return PW_VISIT_KEEP;
	if (slot->soft.offset == PW_MARKER_USER_PROTECT)
		return PW_VISIT_DROP;
	slot->soft.offset &= ~(uint64_t)PW_MARKER_USER_PROTECT;
	*value = pw_slot_soft(space, 0, &slot->soft);
	return PW_VISIT_STORE;
}

/* Leaves stay read-only; the next write finds no mark, and makes them writable. */
static int unprotect_vma(struct pw_vma *vma, pw_va first, pw_va last)
{
	struct protection protection = { .vma = vma, .first = first, .last = last };
	const struct pw_visitor visitor = {
		.lock = lock, .unlock = unlock, .entry = drop_marker, .context = &protection
	};

	pw_marks_clear(vma->mm, first, last, PW_MARK_PROTECTED);
	return pw_slot_visit(vma->mm->space, first, last, &visitor);
}

int pw_user_protect(struct pw_mm *mm, pw_va va, uint64_t bytes, bool protect)
{
	const pw_va last = va + (bytes - 1);
	struct pw_vma *vma;
	int error = 0;

	if (!pw_user_is_range(mm, va, bytes))
		return -EINVAL;
	if (!pw_mutant(PW_MUTANT_WATCH_UNLOCKED))
		pw_mm_read_lock(mm);
	vma = pw_vma_at_or_above(mm, va);
	if (!vma || vma->first > last)
		error = -ENOENT;
	for (; !error && vma && vma->first <= last; vma = pw_vma_next(vma)) {
		const pw_va from = vma->first > va ? vma->first : va;

		if (!(vma->flags & PW_VM_USER_PROTECT))
			error = -ENOENT;
		else if (!ends_fit(vma, va, last))
			error = -EINVAL;
		else if (protect && vma->flags & PW_VM_HUGETLB)
			error = pw_user_hugetlb_protect(vma, from, pw_min(vma->last, last));
		else if (protect)
			error = protect_vma(vma, from, pw_min(vma->last, last));
		else
			error = unprotect_vma(vma, from, pw_min(vma->last, last));
	}
	if (!pw_mutant(PW_MUTANT_WATCH_UNLOCKED))
		pw_mm_read_unlock(mm);
	return error;
}

int pw_user_unregister(struct pw_mm *mm, pw_va va, uint64_t bytes)
{
	const pw_va last = va + (bytes - 1);
	struct pw_vma *vma;
	int error = 0;

	if (!pw_user_is_range(mm, va, bytes))
		return -EINVAL;
	pw_mm_write_lock(mm);
	vma = pw_vma_at_or_above(mm, va);
	if (!vma || vma->first > last)
		error = -EINVAL;
	for (; !error && vma && vma->first <= last; vma = pw_vma_next(vma)) {
		const pw_va from = vma->first > va ? vma->first : va;

		if (!can_register(vma, 0) || !ends_fit(vma, va, last))
			error = -EINVAL;
		if (error || !vma->user)
			continue;
		if (vma->flags & PW_VM_USER_PROTECT)
			error = unprotect_vma(vma, from, pw_min(vma->last, last));
		if (!error)
			error = set_handler(vma, va, last, 0, NULL, NULL, &vma);
	}
	pw_mm_write_unlock(mm);
	return error;
}
