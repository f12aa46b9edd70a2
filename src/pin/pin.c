/* SPDX-License-Identifier: MIT */
/* The public side of pinning: arguments, where the pages go, releasing them, the sequence against fork. */
#include <limits.h>

#include "pin/instance.h"
#include "walk/instance.h"

static const unsigned KNOWN = PW_PIN_WRITE | PW_PIN_LONGTERM | PW_PIN_GET;

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

/* Gives everything back that a call took. */
static void undo(struct pw_pin *pin)
{
	const uint64_t page = UINT64_C(1) << pin->arena->page_lg2;

	for (size_t i = 0; i < pin->count; i++)
		release(pin->arena, pin->page ? pin->page[i] : pin->range[i].pa,
			pin->page ? page : pin->range[i].bytes, pin->flags, false);
	pin->count = 0;
}

/*
 * Begins a call; its result is for the caller to add. Member by member: a whole that is zero but for some members
 * would be cleared by an instruction for long blocks, which takes longer than the rest of the call.
 */
static inline void pin_init(struct pw_pin *pin, const struct pw_reader *reader, pw_va va,
			    unsigned flags, size_t room)
{
	pin->arena = reader->space->arena;
	pin->space = reader->space;
	pin->va = pin->last = va;
	pin->flags = flags;
	pin->page = NULL;
	pin->range = NULL;
	pin->count = 0;
	pin->room = room;
	pin->head = 0;
}

/*
 * The walk within a reader's section, and around it the sequence against fork. If the sequence is odd before
 * the walk, or differs after it, a copy may have looked at a page's pins before this call took one, and may
 * then share the page. Partner: pw_space_copy_begin and _end (commit 57efa1fe5957).
 */
static inline enum pw_stop pin_fast(struct pw_reader *reader, struct pw_pin *pin)
{
	struct pw_space *space = reader->space;
	const pw_va first = pin->va;
	uint64_t sequence = 0;
	enum pw_stop stop;

	if (!(pin->flags & PW_PIN_GET)) {
		sequence = pw_space_copies(space);
		if ((sequence & 1) && !pw_mutant(PW_MUTANT_ODD_SEQUENCE))
			return PW_STOP_FORK;
	}
	/* The caller saw that this is not a child of fork. */
	pw_sync_enter(&reader->sync);
	pin->regime = pw_space_now(space);
	stop = space->format->instance->pinner->pin(pin);
	if (pw_mutant(PW_MUTANT_LATE_SEQUENCE))
		sequence = pw_space_copies(space);
	/*
	 * Between the two loads of an entry, its page may have been freed, written anew and mapped again by
	 * the same entry. The page's address depends on the first load only; the caller's loads from the page
	 * must come after the second.
	 */
	pw_order_dependent_done();
	pw_sync_leave(&reader->sync);
	if (!(pin->flags & PW_PIN_GET) && pw_space_copies(space) != sequence &&
	    !pw_mutant(PW_MUTANT_NO_SEQUENCE)) {
		undo(pin);
		pin->va = first;
		return PW_STOP_FORK;
	}
	return stop;
}

/* A call that asked for pages @beyond the end of the 2^64 space, and got all pages up to it, stops there. */
static enum pw_stop stop_at_end(enum pw_stop stop, bool beyond)
{
	return stop == PW_STOP_DONE && beyond ? PW_STOP_RANGE : stop;
}

/* Are these arguments valid? @to has room for @room elements, and may be NULL if there is nothing to do. */
static bool valid(const struct pw_reader *reader, pw_va va, uint64_t bytes, unsigned flags,
		  const void *to, size_t room)
{
	pw_va page;

	if (!reader || (!to && room > 0 && bytes > 0))
		return false;
	page = pw_mask(reader->space->format->shift[0]);
	return !(flags & ~KNOWN) &&
	       (flags & (PW_PIN_GET | PW_PIN_LONGTERM)) != (PW_PIN_GET | PW_PIN_LONGTERM) &&
	       !(va & page) && !(bytes & page);
}

long pw_pin_fast(struct pw_reader *reader, pw_va va, size_t count, unsigned flags, pw_pa *page,
		 enum pw_stop *why_ret)
{
	struct pw_pin pin;
	enum pw_stop stop = PW_STOP_DONE;

	if (reader && !pw_arena_mine(reader->space->arena))
		return -EPERM;
	if (!valid(reader, va, 0, flags, NULL, 0) || (!page && count > 0) || count > LONG_MAX)
		return -EINVAL;
	pin_init(&pin, reader, va, flags, count);
	pin.page = page;
	if (count > 0) {
		const unsigned shift = reader->space->format->shift[0];
		const bool beyond = count - 1 > (~va >> shift);

		pin.last = beyond ? ~(pw_va)0 : va + ((pw_va)(count - 1) << shift | pw_mask(shift));
		stop = stop_at_end(pin_fast(reader, &pin), beyond);
	}
	reader->stops[stop]++;
	if (why_ret)
		*why_ret = stop;
	return (long)pin.count;
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
	pin_init(&pin, reader, va, flags, room);
	pin.range = range;
	if (bytes > 0) {
		const bool beyond = bytes - 1 > ~va;

		pin.last = beyond ? ~(pw_va)0 : va + (bytes - 1);
		stop = stop_at_end(pin_fast(reader, &pin), beyond);
	}
	reader->stops[stop]++;
	if (why_ret)
		*why_ret = stop;
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
