/* SPDX-License-Identifier: MIT */
/*
 * Mappings of hugetlb pages: faults, copies on write, fork. Pages of a file are in its cache; private copies are
 * anonymous folios that come from the same pool.
 */
#include "mm/huge/hugetlb.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "mm/file/file.h"
#include "mm/lock_order.h"
#include "mm/marks.h"
#include "mm/soft.h"

static uint32_t pages_of(const struct pw_file *file)
{
	return UINT32_C(1) << file->order;
}

static size_t bytes_of(const struct pw_file *file)
{
	return (size_t)file->page_bytes << file->order;
}

static int create(struct pw_machine *machine, uint64_t bytes, unsigned size_lg2, const char *name,
		  struct pw_file **file_ret, struct pw_error *error)
{
	struct pw_file *file;
	unsigned level;
	int code;

	code = pw_hugetlb_size(machine, &size_lg2, &level, error);
	if (code)
		return code;
	if (bytes & pw_mask(size_lg2))
		return pw_fail(error, EINVAL,
			       "0x%llx bytes are not whole hugetlb pages of 0x%llx bytes",
			       (unsigned long long)bytes, 1ULL << size_lg2);
	if (pw_hugetlb_pool(machine, size_lg2 - machine->page_lg2))
		return pw_fail(error, ENOMEM, "no memory for a pool of hugetlb pages");
	code = pw_file_create(machine, PW_FOLIO_HUGETLB, bytes, name, &file, error);
	if (code)
		return code;
	file->order = size_lg2 - machine->page_lg2;
	file->level = level;
	*file_ret = file;
	return 0;
}

int pw_hugetlb_create(struct pw_machine *machine, uint64_t bytes, unsigned size_lg2,
		      struct pw_file **file_ret, struct pw_error *error)
{
	if (!machine || !file_ret)
		return pw_fail_null(error, machine ? "file_ret" : "machine");
	return create(machine, bytes, size_lg2, "/memfd: (deleted)", file_ret, error);
}

int pw_hugetlb_anonymous(struct pw_machine *machine, uint64_t bytes, unsigned size_lg2,
			 struct pw_file **file_ret)
{
	unsigned level;
	int code = pw_hugetlb_size(machine, &size_lg2, &level, NULL);

	if (code)
		return code;
	if (!pw_mutant(PW_MUTANT_HUGETLB_EXACT))
		bytes = (bytes + pw_mask(size_lg2)) & ~pw_mask(size_lg2);
	return create(machine, bytes, size_lg2, "/anon_hugepage (deleted)", file_ret, NULL);
}

/* ---- pages of the file ---- */

static bool beyond(const struct pw_file *file, uint64_t index)
{
	return index >= pw_file_size(file) / file->page_bytes;
}

/* The content of a new page: a copy, or zeros. */
static void fill_page(const struct pw_file *file, uint32_t head, const void *from)
{
	if (from)
		memcpy(pw_page_host(file->machine, head), from, bytes_of(file));
	else
		memset(pw_page_host(file->machine, head), 0, bytes_of(file));
	__atomic_fetch_or(&pw_page_of(file->machine, head)->flags, PW_PAGE_VALID, __ATOMIC_RELEASE);
}

int pw_hugetlb_add(struct pw_file *file, uint64_t index, const void *from, uint32_t *head_ret)
{
	struct pw_machine *machine = file->machine;
	int error = pw_hugetlb_alloc(file, NULL, index, PW_FOLIO_HUGETLB, NULL, head_ret);

	if (error)
		return error;
	pw_folio_lock(machine, *head_ret);
	fill_page(file, *head_ret, from);
	error = pw_cache_add(file, index, *head_ret, 0);
	if (error) {
		pw_page_set_owner(machine, *head_ret, PW_FOLIO_NONE, NULL);
	} else if (beyond(file, index)) {
		/* Truncate passed before the page could be found. */
		pw_cache_remove(file, *head_ret);
		error = -ENXIO;
	}
	if (error) {
		pw_folio_unlock(machine, *head_ret);
		pw_page_put(machine, *head_ret, 1);
	}
	return error;
}

int pw_hugetlb_page(struct pw_file *file, uint64_t index, bool create, uint32_t *frame_ret)
{
	struct pw_machine *machine = file->machine;

	for (;;) {
		enum pw_folio_kind kind;
		int error;

		if (pw_cache_find(file, index, frame_ret) == PW_CACHED_PAGE) {
			pw_folio_lock(machine, *frame_ret);
			if (pw_page_owner(machine, *frame_ret, &kind) == file &&
			    pw_page_of(machine, *frame_ret)->index == index)
				return 0;
			pw_folio_unlock(machine, *frame_ret);
			pw_page_put(machine, *frame_ret, 1);
			continue;
		}
		if (!create)
			return -ENOENT;
		error = pw_hugetlb_add(file, index, NULL, frame_ret);
		if (error != -EEXIST)
			return error;
	}
}

/* ---- entries ---- */

static unsigned lock_level(const struct pw_file *file)
{
	return file->level > 1 ? file->level : 1;
}

int pw_hugetlb_map(struct pw_vma *vma, pw_va va, uint32_t head, uint32_t extra)
{
	const struct pw_file *file = vma->file;
	struct pw_mm *mm = vma->mm;
	const pw_pa pa = pw_arena_pa(mm->machine->arena, head);
	struct pw_slot slot;
	bool stored = false;
	int error = pw_slot_reach(mm->space, va, file->level, &slot);

	/* A table is left from what was here before, and all its entries are empty. */
	if (!error && slot.kind == PW_SLOT_TABLE) {
		error = pw_slot_free_tables(mm->space, va, va + (bytes_of(file) - 1));
		if (!error)
			error = pw_slot_reach(mm->space, va, file->level, &slot);
	}
	if (error)
		return -ENOMEM;
	if (!pw_folio_try_get(mm->machine->arena, head, pages_of(file)))
		return -ENOMEM;
	if (pw_is_protected(vma, va))
		extra &= ~(uint32_t)PW_WRITE;
	pw_table_lock(mm, lock_level(file), va);
	pw_slot_find(mm->space, va, &slot);
	if (slot.kind == PW_SLOT_EMPTY && slot.level == file->level)
		stored = pw_slot_swap(mm->space, va, &slot,
				      pw_vma_leaf(vma, file->level, pa, extra));
	if (stored)
		pw_entry_came(vma, head, pages_of(file));
	pw_table_unlock(mm, lock_level(file), va);
	if (!stored)
		pw_page_put(mm->machine, head, pages_of(file));
	return stored;
}

uint32_t pw_hugetlb_extra(const struct pw_vma *vma, bool write)
{
	uint32_t extra = PW_ACCESSED;

	if (!(vma->flags & PW_VM_WRITE))
		return extra | (write ? PW_DIRTY : 0);
	/* A shared page has nothing to be told before it is written. */
	return write || vma->flags & PW_VM_SHARED ? extra | PW_WRITE | PW_DIRTY : extra;
}

static enum pw_fault_kind fault_of(int error)
{
	/* An empty pool is SIGBUS, not the machine's memory. */
	return error == -EHWPOISON ? PW_FAULT_POISON : PW_FAULT_ADRERR;
}

/* ---- nothing is there ---- */

int pw_hugetlb_private(struct pw_vma *vma, uint64_t index, const void *from, uint32_t *head_ret)
{
	int error = pw_anon_prepare(vma);

	if (!error)
		error = pw_hugetlb_alloc(vma->file, vma->mm, index, PW_FOLIO_ANONYMOUS, vma->anon,
					 head_ret);
	if (!error)
		fill_page(vma->file, *head_ret, from);
	return error;
}

static enum pw_fault_kind map_private(struct pw_vma *vma, pw_va va, uint64_t index,
				      const void *from, bool write)
{
	uint32_t head;
	int error = pw_hugetlb_private(vma, index, from, &head);

	if (error)
		return fault_of(error);
	error = pw_hugetlb_map(vma, va, head, pw_hugetlb_extra(vma, write));
	pw_page_put(vma->mm->machine, head, 1);
	return error < 0 ? PW_FAULT_OOM : PW_FAULT_DONE;
}

/* Did the owner take a page of this VMA back? Then all that it lost is lost to it. */
static bool was_robbed(const struct pw_vma *vma)
{
	return __atomic_load_n(&vma->hugetlb_robbed, __ATOMIC_ACQUIRE) &&
	       !pw_mutant(PW_MUTANT_HUGETLB_ROBBED_ZERO);
}

static enum pw_fault_kind missing(struct pw_fault_work *work, pw_va va, uint64_t index)
{
	struct pw_vma *vma = work->vma;
	struct pw_file *file = vma->file;
	struct pw_machine *machine = file->machine;
	const bool shared = vma->flags & PW_VM_SHARED, write = work->flags & PW_FAULT_WRITE;
	enum pw_fault_kind kind = PW_FAULT_DONE;
	uint32_t head;
	int error;

	if (beyond(file, index) || was_robbed(vma))
		return PW_FAULT_ADRERR;
	work->va = va;
	if (pw_user_wants_file(work))
		return PW_FAULT_RETRY;
	error = pw_hugetlb_page(file, index, shared, &head);
	if (error == -ENOENT)
		return map_private(vma, va, index, NULL, write);
	if (error)
		return fault_of(error);
	/* Behind the lock: truncate sets the size first. */
	if (beyond(file, index))
		kind = PW_FAULT_ADRERR;
	else if (pw_page_flags(machine, head) & PW_PAGE_POISON)
		kind = PW_FAULT_POISON;
	else if (write && !shared)
		kind = map_private(vma, va, index, pw_page_host(machine, head), true);
	else if (pw_hugetlb_map(vma, va, head, pw_hugetlb_extra(vma, write)) < 0)
		kind = PW_FAULT_OOM;
	pw_folio_unlock(machine, head);
	pw_page_put(machine, head, 1);
	return kind;
}

/* ---- a write to a page that is mapped read-only ---- */

/* Puts @copy in the place of the page in @slot. The table lock is not held. */
static void replace(struct pw_vma *vma, pw_va va, const struct pw_slot *was, uint32_t old,
		    uint32_t copy, bool write)
{
	struct pw_mm *mm = vma->mm;
	const pw_va last = va + (bytes_of(vma->file) - 1);
	struct pw_slot slot;
	const uint32_t extra = pw_hugetlb_extra(vma, write);
	bool taken = false;

	pw_notify_begin(mm, va, last);
	pw_table_lock(mm, lock_level(vma->file), va);
	pw_slot_find(mm->space, va, &slot);
	while (slot.kind == PW_SLOT_PAGE && slot.pa == was->pa && !taken) {
		struct pw_slot gone = slot;

		taken = pw_slot_swap(mm->space, va, &slot,
				     pw_slot_empty(mm->space, vma->file->level));
		if (taken)
			pw_entry_gone(vma, &gone);
	}
	pw_table_unlock(mm, lock_level(vma->file), va);
	if (taken) {
		/* Nobody reads the old page by this entry any more, before somebody writes the new one. */
		pw_tlb_flush(mm, va, last);
		pw_page_put(mm->machine, old, pages_of(vma->file));
		if (pw_hugetlb_map(vma, va, copy, extra) > 0)
			pw_count(&mm->machine->info.cow_copies, 1);
	}
	pw_notify_end(mm, va, last);
	pw_page_put(mm->machine, copy, 1);
}

/* Does the mm have the page alone: this entry's references, the pool's, and the caller's? */
static bool alone(const struct pw_vma *vma, uint32_t head)
{
	const struct pw_machine *machine = vma->mm->machine;

	return pw_folio_is_exclusive(machine->arena, head) ||
	       pw_page_references(machine, head) == pages_of(vma->file) + 2;
}

static void own(struct pw_machine *machine, uint32_t head, uint32_t pages)
{
	for (uint32_t i = 0; i < pages; i++)
		pw_folio_own(machine->arena, pw_arena_pa(machine->arena, head + i));
}

/*
 * The pool is empty, and the VMA was promised its pages: takes the page at @va away from all private mappings that
 * were not, as from a child of fork (unmap_ref_private). These get SIGBUS where they lost something.
 */
static void rob_others(const struct pw_vma *vma, pw_va va)
{
	struct pw_file *file = vma->file;
	const uint64_t index = pw_vma_index(vma, va);

	pw_list_lock(&file->map_lock);
	for (struct pw_vma *other = file->vmas; other; other = other->file_next) {
		pw_va first;

		if (other == vma || other->hugetlb_owner || pw_vma_flags(other) & PW_VM_SHARED ||
		    index < other->offset || index > pw_vma_index(other, other->last))
			continue;
		first = other->first + ((index - other->offset) << file->machine->page_lg2);
		(void)pw_zap_range(other, first, first + (bytes_of(file) - 1), PW_ZAP_ALL);
		/* Partner: was_robbed. */
		__atomic_store_n(&other->hugetlb_robbed, true, __ATOMIC_RELEASE);
	}
	pw_list_unlock(&file->map_lock);
}

/* The page of @head, which others have, too: *copy_ret is a copy, or PW_NO_FRAME: it is this VMA's alone now. */
static int copy_or_rob(struct pw_vma *vma, pw_va va, uint32_t head, bool anonymous,
		       uint32_t *copy_ret)
{
	int error = pw_hugetlb_private(vma, pw_vma_index(vma, va),
				       pw_page_host(vma->mm->machine, head), copy_ret);

	if (error != -ENOMEM || !anonymous || !vma->hugetlb_owner ||
	    pw_mutant(PW_MUTANT_HUGETLB_NO_STEAL))
		return error;
	rob_others(vma, va);
	*copy_ret = PW_NO_FRAME;
	return alone(vma, head) ? 0 : error;
}

static enum pw_fault_kind copy_private(struct pw_fault_work *work, pw_va va,
				       const struct pw_slot *slot)
{
	struct pw_vma *vma = work->vma;
	struct pw_machine *machine = vma->mm->machine;
	const bool write = work->flags & PW_FAULT_WRITE;
	const uint32_t head = pw_arena_frame(machine->arena, slot->pa);
	uint32_t copy = PW_NO_FRAME;
	bool anonymous;
	int error = 0;

	pw_folio_lock(machine, head);
	anonymous = pw_head_kind(machine->arena, head) == PW_FOLIO_ANONYMOUS;
	if (!anonymous || !alone(vma, head))
		error = copy_or_rob(vma, va, head, anonymous, &copy);
	if (!error && copy != PW_NO_FRAME) {
		replace(vma, va, slot, head, copy, write);
	} else if (!error) {
		own(machine, head, pages_of(vma->file));
		if (write && vma->flags & PW_VM_WRITE)
			pw_leaf_add(vma, va, slot->pa, PW_WRITE | PW_DIRTY | PW_ACCESSED);
		pw_count(&machine->info.cow_reuses, 1);
	}
	pw_folio_unlock(machine, head);
	return error ? fault_of(error) : PW_FAULT_DONE;
}

/* Something is there: takes a reference on it, and lets go of it afterwards. */
static enum pw_fault_kind present(struct pw_fault_work *work, pw_va va)
{
	struct pw_vma *vma = work->vma;
	struct pw_mm *mm = vma->mm;
	enum pw_fault_kind result = PW_FAULT_DONE;
	struct pw_slot slot;
	uint32_t head;
	bool taken;

	pw_table_lock(mm, lock_level(vma->file), va);
	pw_slot_find(mm->space, va, &slot);
	taken = slot.kind == PW_SLOT_PAGE && slot.level == vma->file->level &&
		!(slot.attr & PW_WRITE);
	head = taken ? pw_arena_frame(mm->machine->arena, slot.pa) : PW_NO_FRAME;
	if (taken)
		taken = pw_folio_try_get(mm->machine->arena, head, 1);
	pw_table_unlock(mm, lock_level(vma->file), va);
	if (!taken)
		return PW_FAULT_DONE;
	if (!(vma->flags & PW_VM_SHARED))
		result = copy_private(work, va, &slot);
	else if (work->flags & PW_FAULT_WRITE)
		pw_leaf_add(vma, va, slot.pa, PW_WRITE | PW_DIRTY | PW_ACCESSED);
	pw_page_put(mm->machine, head, 1);
	return result;
}

/* The entry permits the access: marks what the hardware does not. */
static void touch(struct pw_fault_work *work, pw_va va)
{
	bool write = work->flags & PW_FAULT_WRITE;

	pw_leaf_add(work->vma, va, work->slot.pa, PW_ACCESSED | (write ? PW_DIRTY : 0u));
}

static enum pw_fault_kind fault_locked(struct pw_fault_work *work, pw_va va, uint64_t index)
{
	const struct pw_vma *vma = work->vma;
	const struct pw_slot *slot = &work->slot;

	pw_slot_find(vma->mm->space, va, &work->slot);
	if (slot->kind == PW_SLOT_EMPTY || slot->level < vma->file->level)
		return missing(work, va, index);
	if (slot->kind != PW_SLOT_PAGE)
		return PW_FAULT_RETRY;
	if (!(work->flags & (PW_FAULT_WRITE | PW_FAULT_UNSHARE)) || slot->attr & PW_WRITE) {
		touch(work, va);
		return PW_FAULT_DONE;
	}
	work->va = va;
	if (work->flags & PW_FAULT_WRITE && !pw_mutant(PW_MUTANT_HUGETLB_UNPROTECTED) &&
	    pw_user_wants(work, PW_USER_WRITE_PROTECT))
		return PW_FAULT_RETRY;
	return present(work, va);
}

enum pw_fault_kind pw_fault_hugetlb(struct pw_fault_work *work)
{
	struct pw_vma *vma = work->vma;
	const struct pw_space *space = vma->mm->space;
	const pw_va va = work->va & ~(pw_va)(bytes_of(vma->file) - 1);
	const uint64_t index = pw_vma_index(vma, va);
	pthread_mutex_t *lock = pw_hugetlb_fault_lock(vma->file, index);
	enum pw_fault_kind result;

	pw_ranked_lock(lock, PW_RANK_HUGETLB);
	result = fault_locked(work, va, index);
	pw_ranked_unlock(lock, PW_RANK_HUGETLB);
	if (result != PW_FAULT_RETRY || work->user)
		return result;
	/* Not present, and not empty either. */
	if (pw_slot_is_poison(space, &work->slot))
		return PW_FAULT_POISON;
	if (pw_slot_is_soft(space, &work->slot, PW_SOFT_MIGRATION))
		return pw_fault_migration(work);
	return PW_FAULT_DONE;
}

/* ---- fork ---- */

/* Makes an anonymous page shared. False: it may be pinned, and stays its owner's. */
static bool share(struct pw_machine *machine, uint32_t head, uint32_t pages)
{
	for (uint32_t i = 0; i < pages; i++) {
		if (pw_folio_try_share(machine->arena, pw_arena_pa(machine->arena, head + i)))
			continue;
		own(machine, head, i);
		return false;
	}
	return true;
}

/* Takes the right to write from the parent's leaf. */
static void protect(struct pw_vma *vma, pw_va va)
{
	struct pw_mm *mm = vma->mm;
	struct pw_slot slot;

	pw_table_lock(mm, lock_level(vma->file), va);
	pw_slot_find(mm->space, va, &slot);
	while (slot.kind == PW_SLOT_PAGE && slot.attr & PW_WRITE) {
		uint32_t attr = slot.attr & ~(uint32_t)PW_WRITE;

		if (pw_slot_swap(mm->space, va, &slot, pw_slot_change(mm->space, &slot, attr)))
			break;
	}
	pw_table_unlock(mm, lock_level(vma->file), va);
}

/* Copies the entry at @va to the child. 0, -ENOMEM. */
static int fork_entry(struct pw_vma *from, struct pw_vma *to, pw_va va, uint32_t head)
{
	struct pw_machine *machine = from->mm->machine;
	int error;

	if (pw_head_kind(machine->arena, head) != PW_FOLIO_ANONYMOUS ||
	    share(machine, head, pages_of(from->file))) {
		protect(from, va);
		error = pw_hugetlb_map(to, va, head, PW_ACCESSED);
	} else {
		uint32_t copy;

		/* A device may write to the parent's page at any moment: the child gets what is in it now. */
		error = pw_hugetlb_private(to, pw_vma_index(to, va), pw_page_host(machine, head),
					   &copy);
		if (error)
			return error;
		error = pw_hugetlb_map(to, va, copy, pw_hugetlb_extra(to, true));
		pw_page_put(machine, copy, 1);
	}
	return error < 0 ? error : 0;
}

/*
 * The folio that is mapped at @va, locked, with a reference; PW_NO_FRAME: none. While it is locked it does not move;
 * one that is moving is waited for.
 */
static uint32_t lock_mapped(struct pw_vma *vma, pw_va va)
{
	struct pw_mm *mm = vma->mm;
	struct pw_machine *machine = mm->machine;

	for (;;) {
		uint32_t head = PW_NO_FRAME, moving = PW_NO_FRAME;
		struct pw_slot slot;

		pw_table_lock(mm, lock_level(vma->file), va);
		pw_slot_find(mm->space, va, &slot);
		if (pw_slot_is_soft(mm->space, &slot, PW_SOFT_MIGRATION))
			moving = (uint32_t)slot.soft.offset;
		else if (pw_entry_is_counted(mm, &slot))
			head = pw_arena_frame(machine->arena, slot.pa);
		if (head != PW_NO_FRAME && !pw_folio_try_get(machine->arena, head, 1))
			head = PW_NO_FRAME;
		pw_table_unlock(mm, lock_level(vma->file), va);
		if (moving != PW_NO_FRAME) {
			pw_folio_wait(machine, moving);
			continue;
		}
		if (head == PW_NO_FRAME)
			return head;
		pw_folio_lock(machine, head);
		pw_slot_find(mm->space, va, &slot);
		if (pw_entry_maps(mm, &slot, head))
			return head;
		pw_folio_unlock(machine, head);
		pw_page_put(machine, head, 1);
	}
}

int pw_hugetlb_fork(struct pw_vma *from, struct pw_vma *to)
{
	struct pw_machine *machine = from->mm->machine;
	const size_t step = bytes_of(from->file);
	int error = 0;

	/* Faults find the pages of a shared mapping again. */
	if (from->flags & PW_VM_SHARED)
		return 0;
	for (pw_va va = from->first; !error; va += step) {
		const uint32_t head = lock_mapped(from, va);

		if (head != PW_NO_FRAME) {
			error = fork_entry(from, to, va, head);
			pw_folio_unlock(machine, head);
			pw_page_put(machine, head, 1);
		}
		if (from->last - va < step)
			break;
	}
	pw_tlb_flush(from->mm, from->first, from->last);
	return error;
}
