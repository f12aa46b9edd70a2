/* SPDX-License-Identifier: MIT */
/*
 * Devices: memory that is mapped by frame numbers. Its leaves are special: no count says who uses a page, so
 * nobody pins them. They appear by faults, at the highest level that fits, and go when the device revokes them,
 * while others walk the tables.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/error.h"
#include "format/format.h"
#include "mm/file/file.h"

int pw_device_create(struct pw_machine *machine, pw_pa pa, uint64_t bytes, unsigned size_lg2,
		     struct pw_device **device_ret, struct pw_error *error)
{
	struct pw_device *device;
	uint64_t mask;

	if (!machine || !device_ret)
		return pw_fail_null(error, machine ? "device_ret" : "machine");
	mask = pw_page_bytes(machine) - 1;
	if (bytes == 0 || (bytes | pa) & mask || pa + (bytes - 1) < pa)
		return pw_fail(error, EINVAL,
			       "a device of 0x%llx bytes at 0x%llx is not possible: it needs whole "
			       "pages of 0x%llx bytes",
			       (unsigned long long)bytes, (unsigned long long)pa,
			       (unsigned long long)mask + 1);
	if (size_lg2 > 63)
		return pw_fail(error, EINVAL, "leaves of 2^%u bytes are not possible: give 0 to 63",
			       size_lg2);
	device = calloc(1, sizeof(*device));
	if (!device)
		return pw_fail(error, ENOMEM, "no memory for a device");
	*device = (struct pw_device){
		.machine = machine, .references = 1, .pa = pa, .bytes = bytes, .size_lg2 = size_lg2
	};
	pthread_mutex_init(&device->map_lock, NULL);
	*device_ret = device;
	return 0;
}

void pw_device_get(struct pw_device *device)
{
	__atomic_fetch_add(&device->references, 1, __ATOMIC_RELAXED);
}

void pw_device_put(struct pw_device *device)
{
	/* Releases this holder's uses; the last one acquires those of all others. */
	if (!device || __atomic_fetch_sub(&device->references, 1, __ATOMIC_ACQ_REL) != 1)
		return;
	pthread_mutex_destroy(&device->map_lock);
	free(device);
}

/*
 * Can leaves of @level say that they are special? Some formats have the bit in base pages alone, some have none.
 * Memory outside the arena has no counts anyhow.
 */
static bool may_be_special(const struct pw_space *space, unsigned level, pw_pa pa, uint64_t bytes)
{
	const struct pw_arena *arena = space->arena;
	const uint32_t attr = PW_READ | PW_USER | PW_ACCESSED | PW_SPECIAL;
	uint64_t entry;

	if (pa > arena->base + (arena->bytes - 1) || pa + (bytes - 1) < arena->base)
		return true;
	entry = pw_slot_leaf(space, level, pa & ~pw_mask(space->format->shift[level]), attr);
	return space->format->attr(space->format, pw_space_now(space), level, entry) & PW_SPECIAL;
}

int pw_device_check(const struct pw_mm *mm, const struct pw_device *device, uint64_t bytes,
		    int flags, uint64_t offset)
{
	const uint64_t mask = pw_page_bytes(device->machine) - 1;

	bytes = (bytes + mask) & ~mask;
	if (offset & mask || bytes == 0 || offset > device->bytes || bytes > device->bytes - offset)
		return -EINVAL;
	/* Private mappings can become writable, and there is no page to copy from. */
	if ((flags & MAP_TYPE) == MAP_PRIVATE)
		return -EINVAL;
	return may_be_special(mm->space, 0, device->pa + offset, bytes) ? 0 : -EOPNOTSUPP;
}

void pw_device_revoke(struct pw_device *device, uint64_t offset, uint64_t bytes)
{
	const unsigned lg2 = device->machine->page_lg2;
	uint64_t first, last;

	if (bytes == 0 || offset >= device->bytes)
		return;
	if (bytes > device->bytes - offset)
		bytes = device->bytes - offset;
	first = offset >> lg2;
	last = (offset + (bytes - 1)) >> lg2;
	pw_list_lock(&device->map_lock);
	for (struct pw_vma *vma = device->vmas; vma; vma = vma->file_next) {
		uint64_t vma_last = pw_vma_index(vma, vma->last);
		uint64_t from = vma->offset > first ? vma->offset : first;
		uint64_t to = vma_last < last ? vma_last : last;

		if (from <= to)
			(void)pw_zap_range(vma, vma->first + ((from - vma->offset) << lg2),
					   vma->first + ((to - vma->offset) << lg2) +
						   (pw_page_bytes(device->machine) - 1),
					   PW_ZAP_ALL);
	}
	pw_list_unlock(&device->map_lock);
}

/* ---- faults ---- */

/* The part of a device that one leaf could map. */
struct leaf {
	unsigned level;
	pw_va va;
	pw_pa pa;
};

/* Does the leaf of @level around @va lie in the VMA and in the device, with both addresses aligned? */
static bool fits(const struct pw_vma *vma, pw_va va, unsigned level, struct leaf *leaf)
{
	const struct pw_device *device = vma->device;
	const struct pw_machine *machine = device->machine;
	const unsigned shift = machine->format->shift[level];
	const uint64_t size = UINT64_C(1) << shift;
	const uint64_t offset = vma->offset << machine->page_lg2;
	uint64_t at;

	if (level > 0 &&
	    (shift > device->size_lg2 || !(pw_slot_leaves(vma->mm->space) >> shift & 1)))
		return false;
	leaf->level = level;
	leaf->va = va & ~(size - 1);
	if (leaf->va < vma->first || leaf->va + (size - 1) > vma->last)
		return false;
	at = offset + (leaf->va - vma->first);
	leaf->pa = device->pa + at;
	return !(leaf->pa & (size - 1)) && at < device->bytes && size <= device->bytes - at &&
	       may_be_special(vma->mm->space, level, leaf->pa, size);
}

/* Stores a leaf where nothing is. 1: it is there, or something else is; 0: a table is there; or -ENOMEM. */
static int map_leaf(const struct pw_vma *vma, const struct leaf *leaf)
{
	struct pw_mm *mm = vma->mm;
	const unsigned lock = leaf->level > 1 ? leaf->level : 1;
	const uint32_t may_write = vma->flags & PW_VM_WRITE ? PW_WRITE | PW_DIRTY : 0;
	struct pw_slot slot;
	int error, done = 1;

	for (;;) {
		error = pw_slot_reach(mm->space, leaf->va, leaf->level, &slot);
		if (error)
			return error;
		pw_table_lock(mm, lock, leaf->va);
		pw_slot_find(mm->space, leaf->va, &slot);
		if (slot.kind != PW_SLOT_EMPTY || slot.level <= leaf->level)
			break;
		/* The table that was reached was empty, and somebody took it. */
		pw_table_unlock(mm, lock, leaf->va);
	}
	if (slot.level < leaf->level)
		done = 0;
	else if (slot.kind == PW_SLOT_EMPTY)
		done = pw_slot_swap(mm->space, leaf->va, &slot,
				    pw_vma_leaf(vma, leaf->level, leaf->pa,
						PW_SPECIAL | PW_ACCESSED | may_write));
	pw_table_unlock(mm, lock, leaf->va);
	return done;
}

enum pw_fault_kind pw_fault_device(struct pw_fault_work *work)
{
	const struct pw_vma *vma = work->vma;
	unsigned level = vma->mm->machine->format->levels;

	/* mmap refuses such mappings: a special page cannot be copied. */
	if (pw_vma_copies(vma))
		return PW_FAULT_ADRERR;
	/* It is there, but the VMA was read-only then. */
	if (work->slot.kind == PW_SLOT_PAGE) {
		if (vma->flags & PW_VM_WRITE)
			pw_leaf_add(work->vma, work->va, work->slot.pa,
				    PW_WRITE | PW_DIRTY | PW_ACCESSED);
		return PW_FAULT_DONE;
	}
	while (level-- > 0) {
		struct leaf leaf;
		int done;

		if (!fits(vma, work->va, level, &leaf))
			continue;
		done = map_leaf(vma, &leaf);
		if (done < 0)
			return PW_FAULT_OOM;
		if (done)
			return PW_FAULT_DONE;
	}
	return PW_FAULT_ADRERR;
}
