/* SPDX-License-Identifier: MIT */
/* The public side of pinning: arguments, where the pages go, releasing them. */
#include <errno.h>
#include <limits.h>

#include "pin/call.h"

const char *pw_stop_name(enum pw_stop stop)
{
	static const char *const name[PW_STOP_REASONS] = {
		[PW_STOP_DONE] = "done",           [PW_STOP_NONE] = "none",
		[PW_STOP_PROT_NONE] = "prot-none", [PW_STOP_ACCESS] = "access",
		[PW_STOP_SPECIAL] = "special",     [PW_STOP_OUTSIDE] = "outside",
		[PW_STOP_GONE] = "gone",           [PW_STOP_CHANGED] = "changed",
		[PW_STOP_TRUNCATED] = "truncated", [PW_STOP_LONGTERM] = "longterm",
		[PW_STOP_SECRET] = "secret",       [PW_STOP_UNSHARE] = "unshare",
		[PW_STOP_FORK] = "fork",           [PW_STOP_RANGE] = "range",
		[PW_STOP_ROOM] = "room",
	};

	return (unsigned)stop < PW_STOP_REASONS ? name[stop] : "?";
}

_Static_assert(PW_STOP_REASONS <= sizeof(((struct pw_reader *)0)->stops) / sizeof(uint64_t),
	       "a reader counts every reason");

/*
 * Releases @bytes bytes from @pa on, folio by folio. Refuses a range that is not of whole pages, because none
 * was given out: it may be the rest of a partial transfer, and it is not known who is done with the page.
 */
static void release(struct pw_arena *arena, pw_pa pa, uint64_t bytes, unsigned flags, bool dirty)
{
	uint32_t frame = (uint32_t)((pa - arena->base) >> arena->page_lg2);
	uint64_t left = bytes >> arena->page_lg2;

	if (PW_UNLIKELY(!pw_arena_has(arena, pa) || bytes > arena->bytes - (pa - arena->base) ||
			((pa | bytes) & pw_mask(arena->page_lg2)))) {
		pw_folio_fault(arena);
		return;
	}
	while (left > 0) {
		uint32_t rest = pw_folio_rest(arena, frame);
		uint32_t pages = left < rest ? (uint32_t)left : rest;

		if (dirty)
			pw_folio_dirty_held(arena, frame);
		pw_folio_drop(arena, frame, pages, !(flags & PW_PIN_GET));
		frame += pages;
		left -= pages;
	}
}

void pw_pin_undo(const struct pw_space *space, unsigned flags, const pw_pa *page,
		 const struct pw_pinned *range, size_t count)
{
	for (size_t i = 0; i < count; i++)
		release(space->arena, page ? page[i] : range[i].pa,
			page ? space->within + 1 : range[i].bytes, flags, false);
}

/* A call that asked for pages @beyond the end of the 2^64 space, and got all pages up to it, stops there. */
static enum pw_stop stop_at_end(enum pw_stop stop, bool beyond)
{
	return stop == PW_STOP_DONE && beyond ? PW_STOP_RANGE : stop;
}

/* Are these flags known, and go together? */
static bool valid_flags(unsigned flags)
{
	_Static_assert(PW_PIN_WRITE == 1 && PW_PIN_LONGTERM == 2 && PW_PIN_GET == 4,
		       "numbers from 6 on have both flags that exclude each other, or others");
	return flags < (PW_PIN_GET | PW_PIN_LONGTERM);
}

/* Are these arguments valid? @to has room for @room elements, and may be NULL if there is nothing to do. */
static bool valid(const struct pw_reader *reader, pw_va va, uint64_t bytes, unsigned flags,
		  const void *to, size_t room)
{
	return reader && (to || room == 0 || bytes == 0) && valid_flags(flags) &&
	       !((va | bytes) & reader->space->within);
}

/*
 * pw_pin_fast for other numbers of pages than one; @page and @count may be invalid. Not inlined: it would cost the call for
 * one page registers.
 */
static __attribute__((noinline)) long pin_pages(struct pw_reader *reader, pw_va va, size_t count,
						unsigned flags, pw_pa *page, enum pw_stop *why_ret)
{
	const struct pw_space *space = reader->space;
	const unsigned shift = space->arena->page_lg2;
	enum pw_stop stop = PW_STOP_DONE;
	struct pw_pin pin;

	if ((!page && count > 0) || count > LONG_MAX)
		return -EINVAL;
	if (PW_LIKELY(count > 0 && count - 1 <= ~va >> shift))
		return space->pinner->pages(reader, va, va + ((count << shift) - 1), flags, page,
					    why_ret);
	/* There are no pages to be pinned, or more than up to the end of the 2^64 space. */
	pw_pin_begin(&pin, reader, va, ~(pw_va)0, flags);
	pw_pin_to_pages(&pin, page);
	if (count > 0)
		stop = stop_at_end(pw_pin_inside(reader, &pin, space->pinner->walk), true);
	pw_pin_end(reader, stop, why_ret);
	return (long)pin.count;
}

long pw_pin_fast(struct pw_reader *reader, pw_va va, size_t count, unsigned flags, pw_pa *page,
		 enum pw_stop *why_ret)
{
	if (PW_UNLIKELY(!reader))
		return -EINVAL;
	if (PW_UNLIKELY(!pw_arena_mine(reader->space->arena)))
		return -EPERM;
	if (PW_UNLIKELY(!valid_flags(flags) || va & reader->space->within))
		return -EINVAL;
	if (PW_LIKELY(count == 1 && page))
		return reader->space->pinner->one(reader, va, flags, page, why_ret);
	return pin_pages(reader, va, count, flags, page, why_ret);
}

long pw_get_fast(struct pw_reader *reader, pw_va va, size_t count, unsigned flags, pw_pa *page,
		 enum pw_stop *why_ret)
{
	return pw_pin_fast(reader, va, count, flags | PW_PIN_GET, page, why_ret);
}

long pw_pin_fast_ranges(struct pw_reader *reader, pw_va va, uint64_t bytes, unsigned flags,
			struct pw_pinned *range, size_t room, uint64_t *bytes_ret,
			enum pw_stop *why_ret)
{
	struct pw_pin pin;
	enum pw_stop stop = PW_STOP_DONE;

	if (reader && !pw_arena_mine(reader->space->arena))
		return -EPERM;
	if (!valid(reader, va, bytes, flags, range, room))
		return -EINVAL;
	pw_pin_begin(&pin, reader, va, va, flags);
	pw_pin_to_ranges(&pin, range, room);
	if (bytes > 0) {
		const bool beyond = bytes - 1 > ~va;

		pin.last = beyond ? ~(pw_va)0 : va + (bytes - 1);
		stop = stop_at_end(pw_pin_inside(reader, &pin, reader->space->pinner->walk),
				   beyond);
	}
	pw_pin_end(reader, stop, why_ret);
	if (bytes_ret) {
		*bytes_ret = 0;
		for (size_t i = 0; i < pin.count; i++)
			*bytes_ret += range[i].bytes;
	}
	return (long)pin.count;
}

long pw_pin_fast_iovec(struct pw_reader *reader, pw_va va, uint64_t bytes, unsigned flags,
		       struct iovec *iovec, size_t room, uint64_t *bytes_ret, enum pw_stop *why_ret)
{
	enum { BATCH = 64 };
	struct pw_pinned range[BATCH];
	enum pw_stop stop = PW_STOP_DONE;
	uint64_t done = 0;
	size_t used = 0;

	if (reader && !pw_arena_mine(reader->space->arena))
		return -EPERM;
	if (!valid(reader, va, bytes, flags, iovec, room))
		return -EINVAL;
	while (done < bytes && stop == PW_STOP_DONE) {
		uint64_t came;
		/* Not more ranges than there is room for: each may need an iovec of its own. */
		size_t free = room - used < BATCH ? room - used : BATCH;
		long count = pw_pin_fast_ranges(reader, va + done, bytes - done, flags, range, free,
						&came, &stop);

		for (long i = 0; i < count; i++) {
			char *host = (char *)pw_arena_at(reader->space->arena, range[i].pa);

			if (used > 0 &&
			    (char *)iovec[used - 1].iov_base + iovec[used - 1].iov_len == host) {
				iovec[used - 1].iov_len += (size_t)range[i].bytes;
				continue;
			}
			iovec[used].iov_base = host;
			iovec[used++].iov_len = (size_t)range[i].bytes;
		}
		done += came;
		/* A full batch is not a reason to stop. */
		if (stop == PW_STOP_ROOM && used < room && came > 0)
			stop = PW_STOP_DONE;
	}
	if (bytes_ret)
		*bytes_ret = done;
	if (why_ret)
		*why_ret = stop;
	return (long)used;
}

void pw_unpin_pages(struct pw_reader *reader, const pw_pa *page, size_t count, unsigned flags,
		    bool dirty)
{
	struct pw_arena *arena = reader->space->arena;

	for (size_t i = 0; pw_arena_mine(arena) && i < count; i++) {
		if (PW_UNLIKELY(!pw_arena_has(arena, page[i]))) {
			pw_folio_fault(arena);
			continue;
		}
		if (dirty)
			pw_folio_dirty_held(arena, pw_arena_frame(arena, page[i]));
		pw_folio_drop(arena, pw_arena_frame(arena, page[i]), 1, !(flags & PW_PIN_GET));
	}
}

void pw_unpin_ranges(struct pw_reader *reader, const struct pw_pinned *range, size_t count,
		     unsigned flags, bool dirty)
{
	for (size_t i = 0; pw_arena_mine(reader->space->arena) && i < count; i++)
		release(reader->space->arena, range[i].pa, range[i].bytes, flags, dirty);
}

void pw_unpin_iovec(struct pw_reader *reader, const struct iovec *iovec, size_t count,
		    unsigned flags, bool dirty)
{
	struct pw_arena *arena = reader->space->arena;

	for (size_t i = 0; pw_arena_mine(arena) && i < count; i++)
		release(arena,
			arena->base + (pw_pa)((char *)iovec[i].iov_base - (char *)arena->host),
			iovec[i].iov_len, flags, dirty);
}

void pw_reader_stops(const struct pw_reader *reader, uint64_t count[PW_STOP_REASONS])
{
	for (unsigned i = 0; i < PW_STOP_REASONS; i++)
		count[i] = reader->stops[i];
}
