/* SPDX-License-Identifier: MIT */
/*
 * What a call does around its walk: the sequence against fork, the reader's section, the count of reasons. All of it is
 * inlined into the calls that are compiled for one format (instance.h), where no struct pw_pin is in memory.
 */
#ifndef PW_PIN_CALL_H
#define PW_PIN_CALL_H

#include "base/tsan.h"
#include "pin/pin.h"
#include "sync/section.h"

/*
 * Begins a call. Member by member: a whole that is zero but for some members would be cleared by an instruction for
 * long blocks, which takes longer than the rest of the call.
 */
PW_INLINE void pw_pin_begin(struct pw_pin *pin, struct pw_reader *reader, pw_va va, pw_va last,
			    unsigned flags)
{
	pin->reader = reader;
	pin->space = reader->space;
	pin->arena = reader->space->arena;
	pin->va = va;
	pin->last = last;
	pin->flags = flags;
	pin->count = 0;
	pin->head = 0;
}

/* Single pages go to @page, which has room for all of them. */
PW_INLINE void pw_pin_to_pages(struct pw_pin *pin, pw_pa *page)
{
	pin->pages = true;
	pin->page = page;
	pin->range = NULL;
	pin->room = 0;
}

/* Ranges go to @range, which has @room elements. */
PW_INLINE void pw_pin_to_ranges(struct pw_pin *pin, struct pw_pinned *range, size_t room)
{
	pin->pages = false;
	pin->page = NULL;
	pin->range = range;
	pin->room = room;
}

/*
 * Gives the @count elements of @page, or if that is NULL, of @range back, which a call with @flags took. Without @pin, so
 * that its members can stay in registers.
 */
void pw_pin_undo(const struct pw_space *space, unsigned flags, const pw_pa *page,
		 const struct pw_pinned *range, size_t count);

/*
 * The walk within a reader's section, and around it the sequence against fork. If the sequence is odd before
 * the walk, or differs after it, a copy may have looked at a page's pins before this call took one, and may
 * then share the page. Partner: pw_space_copy_begin and _end (commit 57efa1fe5957).
 */
PW_INLINE enum pw_stop pw_pin_inside(struct pw_reader *reader, struct pw_pin *pin,
				     pw_pin_walk_fn *walk)
{
	uint64_t sequence = pw_space_copies(pin->space);
	enum pw_stop stop;

	/* References do not mind a copy. They load the sequence all the same, so that the common case tests no flags. */
	if (PW_UNLIKELY(sequence & 1) && !(pin->flags & PW_PIN_GET) &&
	    !pw_mutant(PW_MUTANT_ODD_SEQUENCE))
		return PW_STOP_FORK;
	/* The caller saw that this is not a child of fork. */
	pw_section_enter(&reader->sync);
	pin->regime = pw_space_now(pin->space);
	stop = walk(pin);
	if (pw_mutant(PW_MUTANT_LATE_SEQUENCE))
		sequence = pw_space_copies(pin->space);
	/*
	 * Between the two loads of an entry, its page may have been freed, written anew and mapped again by
	 * the same entry. The page's address depends on the first load only; the caller's loads from the page
	 * must come after the second.
	 */
	pw_order_dependent_done();
	pw_section_leave(&reader->sync);
	if (PW_UNLIKELY(pw_space_copies(pin->space) != sequence) && !(pin->flags & PW_PIN_GET) &&
	    !pw_mutant(PW_MUTANT_NO_SEQUENCE)) {
		pw_pin_undo(pin->space, pin->flags, pin->page, pin->range, pin->count);
		pin->count = 0;
		return PW_STOP_FORK;
	}
	return stop;
}

/* Ends a call that stopped because of @stop. */
PW_INLINE void pw_pin_end(struct pw_reader *reader, enum pw_stop stop, enum pw_stop *why_ret)
{
	reader->stops[stop]++;
	if (why_ret)
		*why_ret = stop;
}

/* A whole call of pw_pin_fast for the pages from @va to @last, at least one. Its arguments are valid. */
PW_INLINE long pw_pin_pages_call(struct pw_reader *reader, pw_va va, pw_va last, unsigned flags,
				 pw_pa *page, enum pw_stop *why_ret, pw_pin_walk_fn *near)
{
	enum pw_stop stop;
	struct pw_pin pin;

	pw_pin_begin(&pin, reader, va, last, flags);
	pw_pin_to_pages(&pin, page);
	stop = pw_pin_inside(reader, &pin, near);
	pw_pin_end(reader, stop, why_ret);
	return (long)pin.count;
}

#endif
