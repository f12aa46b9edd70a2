/* SPDX-License-Identifier: MIT */
/*
 * Copies between the program and an address space (process_vm_readv). Pages of the mm are pinned by the slow path, a few
 * at a time; so a copy ends at the first page that cannot be had, and what was copied before it counts.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "mm/pin/pin.h"

enum {
	BATCH = 16, /* pages that are pinned at once */
	MOST_IOVECS = 1024, /* UIO_MAXIOV */
};

static const size_t MOST_BYTES = 0x7ffff000; /* that one call transfers (MAX_RW_COUNT) */

/* A place in an array of iovecs. */
struct cursor {
	const struct iovec *iovec;
	size_t count; /* iovecs from here on */
	size_t offset; /* in the first */
};

/* How many bytes follow in the iovec where the cursor is, behind empty ones; 0: none at all. */
static size_t ahead(struct cursor *cursor)
{
	while (cursor->count > 0 && cursor->iovec->iov_len == cursor->offset) {
		cursor->iovec++;
		cursor->count--;
		cursor->offset = 0;
	}
	return cursor->count > 0 ? cursor->iovec->iov_len - cursor->offset : 0;
}

/* Copies @bytes between the cursor's iovecs and @page. There is room for them. */
static void copy(struct cursor *own, unsigned char *page, size_t bytes, bool write)
{
	while (bytes > 0) {
		const size_t room = ahead(own), some = bytes < room ? bytes : room;
		unsigned char *mine = (unsigned char *)own->iovec->iov_base + own->offset;

		if (write)
			memcpy(page, mine, some);
		else
			memcpy(mine, page, some);
		own->offset += some;
		page += some;
		bytes -= some;
	}
}

/* One transfer under way. */
struct transfer {
	struct pw_mm *mm;
	struct cursor own;
	size_t left; /* bytes that the caller's iovecs have room for */
	unsigned flags;
};

/* Transfers from @va on what one batch of pages holds. Returns the bytes, up to @bytes, or a negative errno. */
static long batch(struct transfer *transfer, pw_va va, size_t bytes)
{
	struct pw_machine *machine = transfer->mm->machine;
	const size_t page = (size_t)pw_page_bytes(machine), offset = (size_t)va & (page - 1);
	const bool write = transfer->flags & PW_PIN_WRITE;
	struct pw_pin_result result;
	pw_pa pa[BATCH];
	size_t done = 0, pages = (offset + bytes - 1) / page + 1;
	long count = pw_pin_mm(transfer->mm, NULL, va, pages < BATCH ? pages : BATCH,
			       transfer->flags, pa, &result);

	for (long i = 0; i < count; i++) {
		const size_t begin = i == 0 ? offset : 0;
		const size_t some = page - begin < bytes - done ? page - begin : bytes - done;

		copy(&transfer->own, pw_arena_at(machine->arena, pa[i]) + begin, some, write);
		done += some;
	}
	if (count <= 0)
		return -EFAULT;
	pw_pin_drop(machine, pa, (size_t)count, transfer->flags, write);
	return (long)done;
}

/* What one more piece of @bytes makes of a sum that stops at MOST_BYTES. */
static size_t add(size_t sum, uint64_t bytes)
{
	return bytes > MOST_BYTES - sum ? MOST_BYTES : sum + (size_t)bytes;
}

/* The bytes of all iovecs, but at most MOST_BYTES; or a negative errno. */
static long own_bytes(const struct iovec *iovec, size_t count)
{
	size_t sum = 0;

	if (count > MOST_IOVECS)
		return -EINVAL;
	if (!iovec && count > 0)
		return -EFAULT;
	for (size_t i = 0; i < count; i++) {
		if (iovec[i].iov_len > SSIZE_MAX)
			return -EINVAL;
		sum = add(sum, iovec[i].iov_len);
	}
	return (long)sum;
}

/* 0 if the extents are as own_bytes() wants iovecs; or a negative errno. */
static int check_extents(const struct pw_extent *extent, size_t count)
{
	if (count > MOST_IOVECS)
		return -EINVAL;
	if (!extent && count > 0)
		return -EFAULT;
	for (size_t i = 0; i < count; i++)
		if (extent[i].bytes > INT64_MAX)
			return -EINVAL;
	return 0;
}

static long run(struct pw_mm *mm, const struct iovec *own, size_t own_count,
		const struct pw_extent *theirs, size_t their_count, unsigned flags)
{
	struct transfer transfer = { .mm = mm, .own = { own, own_count, 0 }, .flags = flags };
	const long left = own_bytes(own, own_count);
	const int error = check_extents(theirs, their_count);
	long sum = 0;

	if (!mm || left < 0)
		return mm ? left : -EINVAL;
	if (error)
		return error;
	transfer.left = (size_t)left;
	for (size_t i = 0; i < their_count && transfer.left > 0; i++) {
		for (uint64_t at = 0; at < theirs[i].bytes && transfer.left > 0;) {
			const uint64_t there = theirs[i].bytes - at;
			long some = batch(&transfer, theirs[i].va + at,
					  there < transfer.left ? (size_t)there : transfer.left);

			if (some < 0)
				return sum > 0 ? sum : flags & PW_PIN_FORCE ? -EIO : some;
			sum += some;
			transfer.left -= (size_t)some;
			at += (uint64_t)some;
		}
	}
	return sum;
}

long pw_mm_read(struct pw_mm *mm, const struct iovec *to, size_t to_count,
		const struct pw_extent *from, size_t from_count, bool force)
{
	return run(mm, to, to_count, from, from_count, force ? PW_PIN_FORCE : 0u);
}

long pw_mm_write(struct pw_mm *mm, const struct pw_extent *to, size_t to_count,
		 const struct iovec *from, size_t from_count, bool force)
{
	return run(mm, from, from_count, to, to_count, PW_PIN_WRITE | (force ? PW_PIN_FORCE : 0u));
}
