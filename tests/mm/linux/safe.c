/* SPDX-License-Identifier: MIT */
/*
 * Which calls can do no harm outside the window: those that stay in it, and those that the kernel refuses before
 * it looks at any VMA. The children would lose their own code to others.
 */
#include <sys/mman.h>

#include "check.h"

enum { SOFT_OFFLINE = 101 };

static uint64_t align_up(uint64_t bytes, uint64_t page)
{
	return (bytes + page - 1) & ~(page - 1);
}

/* The range is in the window. An empty one is, anywhere. */
static bool inside(uint64_t va, uint64_t bytes, const struct abilities *can)
{
	const uint64_t rounded = align_up(bytes, can->page);

	if (bytes == 0)
		return true;
	return rounded >= bytes && va >= WINDOW && va < WINDOW_END && rounded <= WINDOW_END - va;
}

/* The rounded length wraps to 0 or the end wraps around. */
static bool wraps(uint64_t va, uint64_t bytes, const struct abilities *can)
{
	const uint64_t rounded = align_up(bytes, can->page);

	return rounded == 0 || va + rounded <= va;
}

static bool beyond(uint64_t va, uint64_t bytes, const struct abilities *can)
{
	return bytes > can->task || va > can->task - bytes;
}

static bool map_is_safe(const uint64_t *arg, const struct abilities *can)
{
	if (!(arg[3] & (MAP_FIXED | MAP_FIXED_NOREPLACE)))
		return true;
	return inside(arg[0], arg[1], can) || beyond(arg[0], arg[1], can);
}

static bool remap_is_safe(const uint64_t *arg, const struct abilities *can)
{
	const uint64_t more = arg[1] > arg[2] ? arg[1] : arg[2];

	if ((arg[3] & MREMAP_FIXED) && !inside(arg[4], arg[2], can) && !beyond(arg[4], arg[2], can))
		return false;
	return inside(arg[0], arg[1] ? more : 1, can) || beyond(arg[0], arg[1], can) ||
	       (inside(arg[0], arg[1], can) && arg[2] > arg[1]);
}

static bool touch_is_safe(const uint64_t *arg, uint64_t pages, const struct abilities *can)
{
	return arg[0] % 8 == 0 && arg[0] >= WINDOW && pages <= MAX_PAGES &&
	       arg[0] + pages * can->page <= WINDOW_END;
}

bool call_is_safe(const struct call *call, const struct abilities *can)
{
	const uint64_t *arg = call->arg;

	switch (call->kind) {
	case CALL_MMAP:
		return map_is_safe(arg, can);
	case CALL_MUNMAP:
		return inside(arg[0], arg[1], can) || beyond(arg[0], arg[1], can);
	case CALL_MREMAP:
		return remap_is_safe(arg, can);
	case CALL_MADVISE:
		/* Not: breaking the host's memory, or giving it to a daemon. */
		if (arg[2] == MADV_HWPOISON || arg[2] == SOFT_OFFLINE || arg[2] == MADV_MERGEABLE)
			return false;
		return inside(arg[0], arg[1], can) || wraps(arg[0], arg[1], can);
	case CALL_MPROTECT:
	case CALL_MLOCK:
	case CALL_MLOCK2:
	case CALL_MUNLOCK:
	case CALL_MSYNC:
		return inside(arg[0], arg[1], can) || wraps(arg[0], arg[1], can);
	case CALL_MINCORE:
		return (inside(arg[0], arg[1], can) && arg[1] <= MAX_PAGES * can->page) ||
		       arg[1] > can->task;
	case CALL_READ:
	case CALL_WRITE:
		return touch_is_safe(arg, 1, can);
	case CALL_SCAN:
	case CALL_FILL:
		return touch_is_safe(arg, arg[1], can);
	default:
		return true;
	}
}
