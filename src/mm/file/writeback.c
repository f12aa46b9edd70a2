/* SPDX-License-Identifier: MIT */
/* Writing dirty pages of the host's files back: fsync, msync, and for reclaim. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "mm/file/file.h"

static int write_host(struct pw_file *file, uint64_t offset, const unsigned char *from,
		      size_t bytes)
{
	size_t done = 0;

	while (done < bytes) {
		ssize_t count = pwrite(file->fd, from + done, bytes - done, (off_t)(offset + done));

		if (count < 0 && errno == EINTR)
			continue;
		if (count <= 0)
			return count < 0 && errno == ENOSPC ? -ENOSPC : -EIO;
		done += (size_t)count;
	}
	return 0;
}

/* Keeps the first error until somebody asks for it. */
static void keep_error(struct pw_file *file, int error)
{
	int none = 0;

	__atomic_compare_exchange_n(&file->error, &none, error, false, __ATOMIC_RELAXED,
				    __ATOMIC_RELAXED);
}

int pw_file_write_page(struct pw_file *file, uint32_t head)
{
	struct pw_machine *machine = file->machine;
	const pw_pa pa = pw_arena_pa(machine->arena, head);
	const uint64_t offset = pw_page_of(machine, head)->index * file->page_bytes;
	unsigned char *host = pw_page_host(machine, head);
	uint64_t size;
	const size_t whole = (size_t)file->page_bytes
			     << pw_link_order(pw_frame_link(machine->arena, head));
	size_t bytes = whole;
	int error;

	/*
	 * Entries first: from then on a store faults, and sets the flag again. Then the flag, and then the
	 * content, so that it has all stores that set the flag before.
	 */
	if (!pw_mutant(PW_MUTANT_WRITE_BACK_WRITABLE))
		(void)pw_rmap_clean(machine, head);
	if (!pw_folio_clean(machine->arena, pa))
		return 0;
	size = pw_file_size(file);
	if (offset >= size)
		return 0;
	if (size - offset < bytes) {
		bytes = (size_t)(size - offset);
		/* What lies behind the end is not the file's. */
		memset(host + bytes, 0, whole - bytes);
	}
	error = write_host(file, offset, host, bytes);
	if (error)
		keep_error(file, error);
	return error;
}

int pw_file_write_back(struct pw_file *file, uint64_t first, uint64_t last)
{
	struct pw_machine *machine = file->machine;
	uint32_t frame;
	int result = 0;

	if (file->kind != PW_FOLIO_FILE)
		return 0;
	for (uint64_t index = first; index <= last; index++) {
		enum pw_folio_kind kind;
		int error = 0;

		if (pw_cache_next(file, &index, last, &frame) != PW_CACHED_PAGE)
			break;
		pw_folio_lock(machine, frame);
		if (pw_page_owner(machine, frame, &kind) == file)
			error = pw_file_write_page(file, pw_folio_head(machine->arena, frame));
		pw_folio_unlock(machine, frame);
		pw_page_put(machine, frame, 1);
		if (error && !result)
			result = error;
		if (index == last)
			break;
	}
	return result;
}

/* The error of a write back that nobody was told of; from now on somebody was. */
static int take_error(struct pw_file *file)
{
	return __atomic_exchange_n(&file->error, 0, __ATOMIC_RELAXED);
}

int pw_file_sync(struct pw_file *file)
{
	if (!file)
		return -EINVAL;
	(void)pw_file_write_back(file, 0, UINT64_MAX);
	return take_error(file);
}

/* ---- msync ---- */

/* Writes the part of first..last that a VMA maps back. mm->lock is held for reading. */
static int sync_vma(const struct pw_vma *vma, pw_va first, pw_va last)
{
	pw_va from = vma->first > first ? vma->first : first;
	pw_va to = pw_min(vma->last, last);

	if (!vma->file || !(vma->flags & PW_VM_SHARED))
		return 0;
	(void)pw_file_write_back(vma->file, pw_vma_index(vma, from), pw_vma_index(vma, to));
	return take_error(vma->file);
}

int pw_msync(struct pw_mm *mm, pw_va va, uint64_t bytes, int flags)
{
	bool unmapped = false;
	uint64_t mask;
	pw_va last;
	int error = 0;

	if (!mm)
		return -EINVAL;
	mask = pw_page_bytes(mm->machine) - 1;
	if (flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC) || va & mask ||
	    (flags & MS_ASYNC && flags & MS_SYNC))
		return -EINVAL;
	bytes = (bytes + mask) & ~mask;
	last = va + (bytes - 1);
	if (bytes == 0)
		return 0;
	/* Linux has the exclusive end, which wraps first. */
	if (last < va || last == ~(pw_va)0)
		return -ENOMEM;
	pw_mm_read_lock(mm);
	for (struct pw_vma *vma = pw_vma_at_or_above(mm, va);; vma = pw_vma_next(vma)) {
		if (!vma || vma->first > last) {
			unmapped = true;
			break;
		}
		/* Linux goes on behind a hole, and reports it at the end. */
		unmapped |= vma->first > va;
		if (flags & MS_INVALIDATE && vma->flags & PW_VM_LOCKED)
			error = -EBUSY;
		else if (flags & MS_SYNC)
			error = sync_vma(vma, va, last);
		if (error || vma->last >= last)
			break;
		va = vma->last + 1;
	}
	pw_mm_read_unlock(mm);
	if (error)
		return error;
	return unmapped ? -ENOMEM : 0;
}
