/* SPDX-License-Identifier: MIT */
/*
 * Files become shorter, or get holes, while they are mapped and pinned. A page is taken out of the cache under
 * its lock; faults look at the mapping under the same lock, so none maps a page that is out.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "mm/file/file.h"
#include "mm/huge/huge.h"
#include "mm/lock_order.h"

void pw_file_unmap(struct pw_file *file, uint64_t first, uint64_t last, bool copies)
{
	const unsigned page_lg2 = file->machine->page_lg2;

	pw_list_lock(&file->map_lock);
	for (struct pw_vma *vma = file->vmas; vma; vma = vma->file_next) {
		uint64_t vma_last = pw_vma_index(vma, vma->last);
		uint64_t from = vma->offset > first ? vma->offset : first;
		uint64_t to = vma_last < last ? vma_last : last;

		if (from > to)
			continue;
		(void)pw_zap_range(vma, vma->first + ((from - vma->offset) << page_lg2),
				   vma->first + ((to - vma->offset) << page_lg2) +
					   (file->page_bytes - 1),
				   copies ? PW_ZAP_KEEP_MARKERS : PW_ZAP_FILE_PAGES);
	}
	pw_list_unlock(&file->map_lock);
}

/*
 * A locked folio of shared memory that reaches beyond first..last: it is split, and @frame is a page by itself
 * then. If somebody holds it, the part becomes zeros, and stays (truncate_inode_partial_folio). Is there still a
 * page to take out?
 */
static bool split_part(struct pw_file *file, uint32_t frame, uint64_t first, uint64_t last)
{
	struct pw_machine *machine = file->machine;
	const uint32_t head = pw_folio_head(machine->arena, frame);
	const uint64_t index = pw_page_of(machine, head)->index, own = index + (frame - head);
	const unsigned order = pw_link_order(pw_frame_link(machine->arena, head));

	if (order == 0 || file->order || (index >= first && index + pw_mask(order) <= last) ||
	    pw_split_locked(machine, frame) == 0)
		return true;
	pw_file_unmap(file, own, own, false);
	memset(pw_page_host(machine, frame), 0, (size_t)file->page_bytes);
	return false;
}

/*
 * Takes one page of first..last out: it is unmapped under its lock, then it is nobody's. A pin of it stays. False:
 * it was out already; something else may be in its place.
 */
static bool take_out(struct pw_file *file, uint32_t frame, uint64_t first, uint64_t last)
{
	struct pw_machine *machine = file->machine;
	enum pw_folio_kind kind;
	uint32_t head;
	bool ours;

	pw_folio_lock(machine, frame);
	head = pw_folio_head(machine->arena, frame);
	ours = pw_page_owner(machine, head, &kind) == file;
	if (ours && split_part(file, frame, first, last)) {
		uint64_t index;
		unsigned order;

		head = pw_folio_head(machine->arena, frame);
		index = pw_page_of(machine, head)->index;
		order = pw_link_order(pw_frame_link(machine->arena, head));

		if (__atomic_load_n(&pw_page_of(machine, head)->mapped, __ATOMIC_ACQUIRE))
			pw_file_unmap(file, index, index + (UINT64_C(1) << order) - 1, false);
		pw_cache_remove(file, head);
	}
	pw_folio_unlock(machine, frame);
	pw_page_put(machine, frame, 1);
	return ours;
}

/* Takes all pages of first..last out. */
static void take_out_all(struct pw_file *file, uint64_t first, uint64_t last)
{
	uint64_t index = first;

	while (index <= last) {
		uint32_t value;
		enum pw_cached what = pw_cache_next(file, &index, last, &value);
		bool out;

		if (what == PW_CACHED_NOTHING)
			break;
		out = what == PW_CACHED_PAGE ? take_out(file, value, first, last)
					     : pw_cache_drop_swap(file, index, value);
		/* Migration, or swap, may have put another one there: look again. */
		if (!out)
			continue;
		if (index++ == UINT64_MAX)
			break;
	}
}

void pw_file_drop_all(struct pw_file *file)
{
	take_out_all(file, 0, UINT64_MAX);
	if (file->kind == PW_FOLIO_HUGETLB)
		pw_hugetlb_forget(file, 0, UINT64_MAX);
}

/* Zeroes bytes of one page, if there is anything of it in memory or in swap. */
static int zero_part(struct pw_file *file, uint64_t offset, uint64_t bytes)
{
	struct pw_machine *machine = file->machine;
	const uint64_t page = file->page_bytes << file->order;
	const uint64_t index = offset / page << file->order;
	uint32_t frame;
	bool major;
	int error;

	if (file->order)
		error = pw_hugetlb_page(file, index, false, &frame);
	else if (file->kind == PW_FOLIO_FILE && !pw_cache_has(file, index))
		error = -ENOENT;
	else
		error = pw_cache_page(file, index, PW_CACHE_NO_HOLE | PW_CACHE_BEYOND, &frame,
				      &major);
	if (error)
		return error == -ENOENT ? 0 : error;
	memset((unsigned char *)pw_page_host(machine, frame) + offset % page, 0, (size_t)bytes);
	pw_folio_dirty_held(machine->arena, frame);
	pw_folio_unlock(machine, frame);
	pw_page_put(machine, frame, 1);
	return 0;
}

int pw_file_zero_tail(struct pw_file *file)
{
	const uint64_t size = pw_file_size(file);
	const uint64_t within = size & (file->page_bytes - 1);

	if (within == 0 || file->kind == PW_FOLIO_SHARED)
		return 0;
	return zero_part(file, size, file->page_bytes - within);
}

static int host_size(const struct pw_file *file, uint64_t bytes)
{
	if (file->fd < 0 || ftruncate(file->fd, (off_t)bytes) == 0)
		return 0;
	return -errno;
}

/* size_lock is held. */
static int shorten(struct pw_file *file, uint64_t bytes)
{
	const uint64_t page = file->page_bytes << file->order;
	const uint64_t first = (bytes + (page - 1)) / page << file->order;
	int error, host;

	__atomic_store_n(&file->bytes, bytes, __ATOMIC_SEQ_CST);
	error = bytes % page ? zero_part(file, bytes, page - bytes % page) : 0;
	/* Most entries go here, many at a time; those that faults bring meanwhile go with their pages. */
	pw_file_unmap(file, first, UINT64_MAX, true);
	take_out_all(file, first, UINT64_MAX);
	/* Private copies that were made of the last pages before these went. */
	pw_file_unmap(file, first, UINT64_MAX, true);
	host = host_size(file, bytes);
	take_out_all(file, first, UINT64_MAX);
	if (file->kind == PW_FOLIO_HUGETLB)
		pw_hugetlb_forget(file, first, UINT64_MAX);
	return host ? host : error;
}

/* size_lock is held. */
static int lengthen(struct pw_file *file, uint64_t bytes)
{
	int error = pw_file_zero_tail(file);

	if (!error)
		error = host_size(file, bytes);
	if (!error)
		__atomic_store_n(&file->bytes, bytes, __ATOMIC_SEQ_CST);
	return error;
}

int pw_file_truncate(struct pw_file *file, uint64_t bytes)
{
	uint64_t size;
	int error = 0;

	if (!file || !file->writable)
		return -EINVAL;
	if (bytes > INT64_MAX)
		return -EINVAL;
	if (bytes & ((file->page_bytes << file->order) - 1) && file->order)
		return -EINVAL;
	pw_ranked_lock(&file->size_lock, PW_RANK_SIZE);
	size = pw_file_size(file);
	/* As Linux: secret memory gets its size once. */
	if (file->kind == PW_FOLIO_SECRET && size)
		error = -EINVAL;
	else if (bytes < size)
		error = shorten(file, bytes);
	else if (bytes > size)
		error = lengthen(file, bytes);
	pw_ranked_unlock(&file->size_lock, PW_RANK_SIZE);
	return error;
}

/* ---- holes ---- */

/* Zeroes the parts of pages at both ends of a hole. */
static int zero_ends(struct pw_file *file, uint64_t offset, uint64_t end)
{
	const uint64_t page = file->page_bytes << file->order;
	uint64_t first_end = (offset / page + 1) * page;
	int error = 0;

	if (offset / page == (end - 1) / page) {
		if (offset % page || end % page)
			error = zero_part(file, offset, end - offset);
		return error;
	}
	if (offset % page)
		error = zero_part(file, offset, first_end - offset);
	if (!error && end % page)
		error = zero_part(file, end - end % page, end % page);
	return error;
}

static int punch_host(const struct pw_file *file, uint64_t offset, uint64_t bytes)
{
	if (file->fd < 0 || fallocate(file->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				      (off_t)offset, (off_t)bytes) == 0)
		return 0;
	return -errno;
}

/* size_lock is held. @end is exclusive. */
static int punch(struct pw_file *file, uint64_t offset, uint64_t end)
{
	const uint64_t page = file->page_bytes << file->order;
	const uint64_t first = (offset + (page - 1)) / page << file->order;
	const uint64_t beyond = end / page << file->order;
	int error = zero_ends(file, offset, end);

	/* If the host makes no holes, nothing may be lost. */
	if (!error)
		error = pw_file_write_back(file, offset / file->page_bytes,
					   (end - 1) / file->page_bytes);
	if (error)
		return error;
	if (first < beyond) {
		pw_file_unmap(file, first, beyond - 1, false);
		take_out_all(file, first, beyond - 1);
	} else if (file->kind == PW_FOLIO_SHARED && end < page) {
		/* As Linux does for a hole in the first page: its range wraps. Faults bring all of these back. */
		pw_file_unmap(file, first, UINT64_MAX, false);
	}
	error = punch_host(file, offset, end - offset);
	/* What was read before the host's file had its hole. */
	if (first < beyond)
		take_out_all(file, first, beyond - 1);
	return error;
}

int pw_file_punch(struct pw_file *file, uint64_t offset, uint64_t bytes)
{
	int error;

	if (!file || bytes == 0 || offset > INT64_MAX || bytes > INT64_MAX)
		return -EINVAL;
	if (!file->writable)
		return -EBADF;
	if (file->kind == PW_FOLIO_SECRET)
		return -EOPNOTSUPP;
	if (bytes > (uint64_t)INT64_MAX - offset)
		return -EFBIG;
	pw_ranked_lock(&file->size_lock, PW_RANK_SIZE);
	error = punch(file, offset, offset + bytes);
	pw_ranked_unlock(&file->size_lock, PW_RANK_SIZE);
	return error;
}

/* Does all of the folio lie in pages first..last of its file? */
static bool is_within(const struct pw_machine *machine, uint32_t head, uint64_t first,
		      uint64_t last)
{
	const unsigned order = pw_link_order(pw_frame_link(machine->arena, head));
	const uint64_t index = pw_page_of(machine, head)->index;

	return index >= first && index + pw_mask(order) <= last;
}

void pw_file_drop(struct pw_file *file, uint64_t offset, uint64_t bytes)
{
	struct pw_machine *machine;
	uint64_t first, last, end;
	uint32_t frame;

	if (!file || file->kind != PW_FOLIO_FILE)
		return;
	machine = file->machine;
	end = bytes == 0 || offset + bytes < offset ? UINT64_MAX : offset + bytes;
	first = (offset + (file->page_bytes - 1)) / file->page_bytes;
	/* A part of a page stays, unless the file ends there. */
	if (end >= pw_file_size(file))
		end = UINT64_MAX;
	if (end / file->page_bytes <= first)
		return;
	last = end / file->page_bytes - 1;
	for (uint64_t index = first; index <= last; index++) {
		enum pw_folio_kind kind;

		if (pw_cache_next(file, &index, last, &frame) != PW_CACHED_PAGE)
			break;
		if (pw_folio_trylock(machine, frame)) {
			uint32_t head = pw_folio_head(machine->arena, frame);

			/* A part of a large folio stays, too. */
			if (pw_page_owner(machine, head, &kind) == file &&
			    is_within(machine, head, first, last))
				(void)pw_cache_forget(file, head, 1);
			pw_folio_unlock(machine, frame);
		}
		pw_page_put(machine, frame, 1);
	}
}
