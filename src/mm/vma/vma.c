/* SPDX-License-Identifier: MIT */
/*
 * VMAs: the tree, their lists, split and resize.
 *
 * A VMA is in up to three collections: the tree of its mm, the list of its file, and the list of its anon. The
 * tree is changed under mm->lock, and mm->tree_lock below it: a fault that holds nothing but its VMA looks at
 * the neighbours under tree_lock (anon_vma.c).
 */
#include <errno.h>
#include <stdlib.h>

#include "mm/file/file.h"
#include "mm/huge/huge.h"
#include "mm/vma/vma.h"

static int compare(const struct pw_vma *a, const struct pw_vma *b)
{
	return a->first < b->first ? -1 : a->first > b->first;
}

/* As RB_GENERATE_STATIC, which needs a macro that glibc does not have. */
RB_GENERATE_INTERNAL(pw_vma_tree, pw_vma, node, compare, static __attribute__((unused)))

struct pw_vma *pw_vma_at_or_above(struct pw_mm *mm, pw_va va)
{
	struct pw_vma *at = RB_ROOT(&mm->vmas), *found = NULL;

	while (at) {
		if (at->last < va) {
			at = RB_RIGHT(at, node);
			continue;
		}
		found = at;
		at = RB_LEFT(at, node);
	}
	return found;
}

struct pw_vma *pw_vma_find(struct pw_mm *mm, pw_va va)
{
	struct pw_vma *vma = pw_vma_at_or_above(mm, va);

	return vma && vma->first <= va ? vma : NULL;
}

struct pw_vma *pw_vma_next(struct pw_vma *vma)
{
	return pw_vma_tree_RB_NEXT(vma);
}

struct pw_vma *pw_vma_before(struct pw_vma *vma)
{
	return pw_vma_tree_RB_PREV(vma);
}

struct pw_vma *pw_vma_last(struct pw_mm *mm)
{
	return pw_vma_tree_RB_MINMAX(&mm->vmas, 1);
}

/* ---- life ---- */

struct pw_vma *pw_vma_create(struct pw_mm *mm, pw_va first, pw_va last, uint32_t flags)
{
	struct pw_vma *vma = calloc(1, sizeof(*vma));

	if (!vma)
		return NULL;
	vma->mm = mm;
	vma->first = first;
	vma->last = last;
	vma->offset = first >> mm->machine->page_lg2;
	vma->flags = flags;
	return vma;
}

struct pw_vma *pw_vma_copy(const struct pw_vma *vma, struct pw_mm *mm)
{
	struct pw_vma *copy = pw_vma_create(mm, vma->first, vma->last, vma->flags);

	if (!copy)
		return NULL;
	copy->offset = vma->offset;
	copy->user = vma->user;
	copy->user_context = vma->user_context;
	copy->file = vma->file;
	if (copy->file)
		pw_file_get(copy->file);
	copy->device = vma->device;
	if (copy->device)
		pw_device_get(copy->device);
	pw_vma_take_anon(copy, vma);
	return copy;
}

static void free_later(struct pw_later *item)
{
	free((char *)item - offsetof(struct pw_vma, later));
}

void pw_vma_free(struct pw_vma *vma)
{
	struct pw_sync *sync = &vma->mm->space->sync;

	if (vma->file)
		pw_file_put(vma->file);
	if (vma->device)
		pw_device_put(vma->device);
	if (vma->anon)
		pw_anon_put(vma->anon);
	/* A thread in a section may have found it before it left the tree. */
	sync->ops->later(sync, &vma->later, free_later);
}

/* ---- the three collections ---- */

/* A thread that remembers a VMA looks for it again. Partner: the loads around pw_vma_try_read (fault.c). */
static void changed(struct pw_mm *mm)
{
	__atomic_fetch_add(&mm->sequence, 1, __ATOMIC_SEQ_CST);
}

/* Lock 4 of both lists, then the tree's lock: for a change of borders. */
static void lists_lock(struct pw_vma *vma, struct pw_anon *anon)
{
	pw_file_map_lock(vma);
	if (anon)
		pthread_mutex_lock(&anon->lock);
	pthread_mutex_lock(&vma->mm->tree_lock);
}

static void lists_unlock(struct pw_vma *vma, struct pw_anon *anon)
{
	pthread_mutex_unlock(&vma->mm->tree_lock);
	changed(vma->mm);
	if (anon)
		pthread_mutex_unlock(&anon->lock);
	pw_file_map_unlock(vma);
}

static uint64_t pages_of(const struct pw_vma *vma)
{
	return ((vma->last - vma->first) >> vma->mm->machine->page_lg2) + 1;
}

static void count_in(struct pw_vma *vma)
{
	vma->mm->total_pages += pages_of(vma);
	if (vma->flags & PW_VM_LOCKED)
		vma->mm->locked_pages += pages_of(vma);
}

static void count_out(struct pw_vma *vma)
{
	vma->mm->total_pages -= pages_of(vma);
	if (vma->flags & PW_VM_LOCKED)
		vma->mm->locked_pages -= pages_of(vma);
}

/* Moves the borders. The order of the tree stays the same, so the node stays where it is. */
static void set_range(struct pw_vma *vma, pw_va first, pw_va last)
{
	unsigned lg2 = vma->mm->machine->page_lg2;

	count_out(vma);
	if (first < vma->first)
		vma->offset -= (vma->first - first) >> lg2;
	else
		vma->offset += (first - vma->first) >> lg2;
	vma->first = first;
	vma->last = last;
	count_in(vma);
}

static void enter_tree(struct pw_vma *vma)
{
	pw_vma_tree_RB_INSERT(&vma->mm->vmas, vma);
	vma->mm->vma_count++;
	count_in(vma);
}

static void leave_tree(struct pw_vma *vma)
{
	count_out(vma);
	vma->mm->vma_count--;
	pw_vma_tree_RB_REMOVE(&vma->mm->vmas, vma);
}

void pw_vma_insert(struct pw_vma *vma)
{
	struct pw_mm *mm = vma->mm;

	pw_file_link(vma);
	pw_anon_link(vma);
	pthread_mutex_lock(&mm->tree_lock);
	enter_tree(vma);
	pthread_mutex_unlock(&mm->tree_lock);
	changed(mm);
}

void pw_vma_remove(struct pw_vma *vma)
{
	struct pw_mm *mm = vma->mm;

	pw_vma_write(vma);
	pw_anon_unlink(vma);
	pw_file_unlink(vma);
	pthread_mutex_lock(&mm->tree_lock);
	leave_tree(vma);
	pthread_mutex_unlock(&mm->tree_lock);
	changed(mm);
}

void pw_vma_resize(struct pw_vma *vma, pw_va first, pw_va last)
{
	pw_vma_write(vma);
	lists_lock(vma, vma->anon);
	set_range(vma, first, last);
	lists_unlock(vma, vma->anon);
}

void pw_vma_set_flags(struct pw_vma *vma, uint32_t flags)
{
	pthread_mutex_lock(&vma->mm->tree_lock);
	count_out(vma);
	/* Partner: pw_vma_flags. */
	__atomic_store_n(&vma->flags, flags | (vma->flags & PW_VM_GUARD), __ATOMIC_RELAXED);
	count_in(vma);
	pthread_mutex_unlock(&vma->mm->tree_lock);
}

void pw_vma_move_border(struct pw_vma *low, struct pw_vma *high, pw_va va)
{
	struct pw_anon *anon = low->anon ? low->anon : high->anon;

	pw_vma_write(low);
	pw_vma_write(high);
	/* Under one hold of the locks: an rmap walk between the two would miss pages of both. */
	lists_lock(low, anon);
	set_range(low, low->first, va - 1);
	set_range(high, va, high->last);
	lists_unlock(low, anon);
}

void pw_vma_absorb(struct pw_vma *vma, struct pw_vma *gone)
{
	pw_va first = gone->first < vma->first ? gone->first : vma->first;
	pw_va last = gone->last > vma->last ? gone->last : vma->last;

	pw_vma_write(vma);
	pw_vma_write(gone);
	/* First it grows, then the other goes: an rmap walk between them sees an address twice, and misses none. */
	lists_lock(vma, vma->anon);
	leave_tree(gone);
	set_range(vma, first, last);
	lists_unlock(vma, vma->anon);
	pw_anon_unlink(gone);
	pw_file_unlink(gone);
	pw_vma_free(gone);
}

/* ---- split ---- */

struct border {
	struct pw_mm *mm;
	pw_va va;
	bool split;
};

static void lock_border(void *context, unsigned level, pw_va va)
{
	pw_table_lock(((struct border *)context)->mm, level, va);
}

static void unlock_border(void *context, unsigned level, pw_va va)
{
	pw_table_unlock(((struct border *)context)->mm, level, va);
}

static int split_border(void *context, pw_va va, struct pw_slot *slot, uint64_t *value)
{
	struct border *border = context;

	(void)va;
	(void)value;
	if (!(border->va & pw_mask(slot->lg2)) || (slot->kind == PW_SLOT_SOFT && slot->level == 0))
		return PW_VISIT_KEEP;
	border->split = true;
	return PW_VISIT_SPLIT;
}

int pw_vma_split_leaf(struct pw_vma *vma, pw_va va)
{
	struct pw_mm *mm = vma->mm;
	struct border border = { .mm = mm, .va = va };
	struct pw_visitor visitor = {
		.lock = lock_border,
		.unlock = unlock_border,
		.entry = split_border,
		.context = &border,
	};
	pw_va last = va + pw_page_bytes(mm->machine) - 1;
	struct pw_slot slot;
	int error = 0;

	pw_slot_find(mm->space, va, &slot);
	if (va & pw_mask(mm->machine->format->shift[slot.level]) && pw_is_file_leaf(mm, &slot))
		error = pw_split_leaf(vma, va);
	if (!error)
		error = pw_slot_visit(mm->space, va, last, &visitor);

	/* The parts say what the whole said, but a TLB must not have both. */
	if (border.split)
		pw_tlb_flush(mm, va, last);
	return error;
}

int pw_vma_split_unlimited(struct pw_vma *vma, pw_va va)
{
	struct pw_mm *mm = vma->mm;
	bool huge = vma->flags & PW_VM_HUGETLB;
	struct pw_vma *high;
	int error;

	if (huge && va & ((pw_page_bytes(mm->machine) << vma->file->order) - 1))
		return -EINVAL;
	/* First: a fault after the copy could give the lower part alone an anon, and map a page in the upper one. */
	if (!pw_mutant(PW_MUTANT_SPLIT_UNMARKED))
		pw_vma_write(vma);
	high = pw_vma_copy(vma, mm);
	if (!high)
		return -ENOMEM;
	if (pw_mutant(PW_MUTANT_SPLIT_UNMARKED))
		pw_vma_write(vma);
	/* A leaf lies in one VMA. */
	error = huge ? 0 : pw_vma_split_leaf(vma, va);
	if (error) {
		pw_vma_free(high);
		return error;
	}
	high->offset += (va - vma->first) >> mm->machine->page_lg2;
	high->first = va;
	pw_vma_write(high);
	/* An rmap walk between the two sees an address twice, and misses none. */
	pw_file_link(high);
	pw_anon_link(high);
	lists_lock(vma, vma->anon);
	set_range(vma, vma->first, va - 1);
	enter_tree(high);
	lists_unlock(vma, vma->anon);
	return 0;
}

int pw_vma_split(struct pw_vma *vma, pw_va va)
{
	if (vma->mm->vma_count >= PW_VMA_LIMIT)
		return -ENOMEM;
	return pw_vma_split_unlimited(vma, va);
}

/* ---- what a VMA permits ---- */

uint32_t pw_vma_attr(const struct pw_vma *vma)
{
	const uint32_t flags = pw_vma_flags(vma);
	uint32_t attr = PW_USER;

	if (flags & (PW_VM_READ | PW_VM_WRITE | PW_VM_EXEC))
		attr |= PW_READ;
	if (flags & PW_VM_EXEC)
		attr |= PW_EXEC;
	/* A private page is copied first; a page of a file that is written back is made dirty first. */
	if (flags & PW_VM_WRITE && flags & PW_VM_SHARED && !pw_file_tracks(vma->file) &&
	    flags & PW_VM_SOFTDIRTY)
		attr |= PW_WRITE;
	return attr;
}
