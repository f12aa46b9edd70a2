/* SPDX-License-Identifier: MIT */
/*
 * Taking folios and giving them back: mm/gup.c try_grab_folio_fast, include/linux/page_ref.h. The only
 * file that touches counts.
 *
 * A reference keeps the folio from being freed. A pin says that somebody may be reading or writing its
 * memory meanwhile: in a small folio it is PW_PIN_BIAS references, in a large one a reference and a pin.
 * Both counts are one word, so that a pin is a reference at any moment, and costs one operation.
 *
 * Taking is speculative: the frame may belong to another folio by now, or to none.
 *
 *     taker                                   splitter, or the last owner
 *     -----                                   ---------------------------
 *     load frame.link: head h, order o        counts of h to zero (freeze)
 *     counts of h: fail at zero, else add     links of all frames to the new heads
 *     load frame.link again: still h, o?      new counts
 *     no: give back what was taken, again
 */
#ifndef PW_SPACE_FOLIO_H
#define PW_SPACE_FOLIO_H

#include "base/mutant.h"
#include "space/arena.h"

static const uint32_t PW_PIN_BIAS = 1024; /* GUP_PIN_COUNTING_BIAS */
static const uint32_t PW_COUNT_LIMIT = UINT32_C(1) << 30; /* far from where 32 bits wrap */
/* Pages that one call can pin; more than a folio has, and times the bias they still fit 32 bits. */
static const uint32_t PW_PINS_AT_ONCE = UINT32_C(1) << 20;

PW_INLINE uint64_t pw_frame_link(const struct pw_arena *arena, uint32_t frame)
{
	return __atomic_load_n(&arena->frame[frame].link, __ATOMIC_ACQUIRE);
}

PW_INLINE uint32_t pw_link_head(uint64_t link)
{
	return (uint32_t)(link >> 8);
}

PW_INLINE unsigned pw_link_order(uint64_t link)
{
	return (unsigned)link & 0xff;
}

PW_INLINE uint64_t pw_link_to(uint32_t head, unsigned order)
{
	return (uint64_t)head << 8 | order;
}

PW_INLINE uint32_t pw_folio_head(const struct pw_arena *arena, uint32_t frame)
{
	return pw_link_head(pw_frame_link(arena, frame));
}

/* Frames from this one to the end of its folio, as that is now. */
PW_INLINE uint32_t pw_folio_rest(const struct pw_arena *arena, uint32_t frame)
{
	uint64_t link = pw_frame_link(arena, frame);
	uint32_t gone = frame - pw_link_head(link), frames = UINT32_C(1) << pw_link_order(link);

	return gone < frames ? frames - gone : 1;
}

PW_INLINE bool pw_folio_is_zero(const struct pw_arena *arena, uint32_t frame)
{
	return frame == arena->zero && !pw_mutant(PW_MUTANT_COUNT_ZERO_PAGE);
}

/* What @pages pins, or references, are in counts of a folio of this order. Up to PW_PINS_AT_ONCE. */
PW_INLINE uint64_t pw_counts_of(unsigned order, uint32_t pages, bool pin)
{
	if (!pin)
		return pages;
	return order == 0 ? (uint64_t)pages * PW_PIN_BIAS : (uint64_t)pages << 32 | pages;
}

PW_INLINE bool pw_counts_add(uint64_t *counts, uint64_t add)
{
	uint64_t old = __atomic_load_n(counts, __ATOMIC_RELAXED);

	do {
		if (PW_UNLIKELY((uint32_t)old == 0) && !pw_mutant(PW_MUTANT_GRAB_ZERO))
			return false;
		if (PW_UNLIKELY((uint32_t)old + (uint64_t)(uint32_t)add > PW_COUNT_LIMIT ||
				(old >> 32) + (add >> 32) > PW_COUNT_LIMIT) &&
		    !pw_mutant(PW_MUTANT_OVERFLOW))
			return false;
		/*
		 * Sequentially consistent, a full barrier: between taking, and looking again at the
		 * entry and at the exclusive bit. Partners: the editor's stores before it drops its
		 * reference, and pw_folio_try_share.
		 */
	} while (!__atomic_compare_exchange_n(counts, &old, old + add, true, __ATOMIC_SEQ_CST,
					      __ATOMIC_RELAXED));
	return true;
}

/* Are these counts of @sub and more? For every pin that stays, a reference has to stay. */
PW_INLINE bool pw_counts_has(uint64_t counts, uint64_t sub)
{
	return (uint32_t)counts >= (uint32_t)sub && counts >> 32 >= sub >> 32 &&
	       (uint32_t)(counts - sub) >= (counts - sub) >> 32;
}

/* Takes @sub away. Returns the counts that are left, or ~0 if they were not that many: then none. */
PW_INLINE uint64_t pw_counts_sub(uint64_t *counts, uint64_t sub)
{
	uint64_t old = __atomic_load_n(counts, __ATOMIC_RELAXED);

	do {
		if (PW_UNLIKELY(!pw_counts_has(old, sub)) && !pw_mutant(PW_MUTANT_UNDERFLOW))
			return ~UINT64_C(0);
		/* Release what was done with the page; acquire what others did, for who frees it. */
	} while (!__atomic_compare_exchange_n(counts, &old, old - sub, true, __ATOMIC_ACQ_REL,
					      __ATOMIC_RELAXED));
	return old - sub;
}

/* Frees the folio of @head, whose counts have become zero. */
void pw_folio_free(struct pw_arena *arena, uint32_t head, unsigned order);
/* Notes that more was given back than was taken; the counts are as they were. */
void pw_folio_fault(struct pw_arena *arena);

PW_INLINE void pw_folio_drop(struct pw_arena *arena, uint32_t frame, uint32_t pages, bool pin)
{
	uint64_t link = pw_frame_link(arena, frame), left;
	struct pw_frame *head = &arena->frame[pw_link_head(link)];

	if (PW_UNLIKELY(pw_folio_is_zero(arena, frame)))
		return;
	left = pw_counts_sub(&head->counts, pw_counts_of(pw_link_order(link), pages, pin));
	if (PW_UNLIKELY(left == ~UINT64_C(0)))
		pw_folio_fault(arena);
	else if (PW_UNLIKELY(left == 0))
		pw_folio_free(arena, pw_link_head(link), pw_link_order(link));
}

/*
 * Takes @pages references, or pins, on the folio that @frame belongs to. False if it is not to be had: it is
 * being freed or split, or its count is full.
 */
PW_INLINE bool pw_folio_try(struct pw_arena *arena, uint32_t frame, uint32_t pages, bool pin)
{
	for (;;) {
		uint64_t link = pw_frame_link(arena, frame);
		struct pw_frame *head = &arena->frame[pw_link_head(link)];
		uint64_t add = pw_counts_of(pw_link_order(link), pages, pin);

		if (PW_UNLIKELY(pw_folio_is_zero(arena, frame)))
			return true;
		pw_moment(PW_MOMENT_FOLIO_FOUND);
		if (PW_UNLIKELY(!pw_counts_add(&head->counts, add)))
			return false;
		pw_moment(PW_MOMENT_FOLIO_TAKEN);
		if (PW_LIKELY(pw_frame_link(arena, frame) == link) ||
		    pw_mutant(PW_MUTANT_NO_HEAD_RECHECK))
			return true;
		/* That was another folio: what it was taken as is what it is given back as. */
		if (pw_counts_sub(&head->counts, add) == 0)
			pw_folio_free(arena, pw_link_head(link),
				      pw_link_order(pw_frame_link(arena, pw_link_head(link))));
	}
}

PW_INLINE bool pw_folio_try_get(struct pw_arena *arena, uint32_t frame, uint32_t refs)
{
	return pw_folio_try(arena, frame, refs, false);
}

PW_INLINE bool pw_folio_try_pin(struct pw_arena *arena, uint32_t frame, uint32_t pages)
{
	return pw_folio_try(arena, frame, pages, true);
}

/* Kind of the folio, by one load; PW_FOLIO_NONE when it has lost its mapping. For who holds it. */
PW_INLINE enum pw_folio_kind pw_folio_kind_of(const struct pw_arena *arena, uint32_t frame)
{
	return (enum pw_folio_kind)(
		__atomic_load_n(&arena->frame[pw_folio_head(arena, frame)].mapping,
				__ATOMIC_ACQUIRE) &
		7);
}

/* Of this page, not of its folio: a part of a large one may have been shared (commit 5805192c7b72). */
PW_INLINE bool pw_folio_is_exclusive(const struct pw_arena *arena, uint32_t frame)
{
	if (pw_mutant(PW_MUTANT_HEAD_EXCLUSIVE))
		frame = pw_folio_head(arena, frame);
	return __atomic_load_n(&arena->frame[frame].flags, __ATOMIC_SEQ_CST) & PW_FRAME_EXCLUSIVE;
}

#endif
