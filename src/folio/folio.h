/* SPDX-License-Identifier: MIT */
/*
 * Taking folios and giving them back, as try_grab_folio_fast in mm/gup.c and include/linux/page_ref.h do.
 * Beside this file, only arena.c and buddy.c (new folios) and folio.c (splits) change counts.
 *
 * A reference keeps the folio from being freed. A pin says that somebody may be reading or writing its
 * memory. In a small folio a pin is PW_PIN_BIAS references; in a large one it is a reference and a pin.
 * Both counts are in one word, so that a pin is a reference at any moment, and costs one operation.
 *
 * Taking is speculative: by now the frame may belong to another folio, or to none.
 *
 *     taker                                   splitter, or the last owner
 *     -----                                   ---------------------------
 *     load frame.link: head h, order o        counts of h to zero (freeze)
 *     counts of h: fail at zero, else add     links of all frames to the new heads
 *     load frame.link again: still h, o?      new counts
 *     no: give back what was taken, again
 *
 * A thread that only looks at the counts also loads the link a second time. A thread that changes a head's
 * dirty flag or mapping holds the folio meanwhile, so the folio is not split.
 */
#ifndef PW_FOLIO_H
#define PW_FOLIO_H

#include "base/mutant.h"
#include "folio/arena.h"

static const uint32_t PW_PIN_BIAS = 1024; /* GUP_PIN_COUNTING_BIAS */
static const uint32_t PW_COUNT_LIMIT = UINT32_C(1) << 30; /* far below where 32 bits wrap */
/* The most pages that one call can pin: more than a folio has; times PW_PIN_BIAS they still fit 32 bits. */
static const uint32_t PW_PINS_AT_ONCE = UINT32_C(1) << 20;
/*
 * Set in the counts of a folio that is being split, and of its parts. The low half of these counts is zero:
 * nobody can take a folio without references. In place of the pins they hold the number of references that
 * each page has. So a reader of the counts sees that the folio is neither free nor pinned.
 */
static const uint64_t PW_COUNTS_SPLITTING = UINT64_C(1) << 63;
/*
 * Set in the counts of a folio that is frozen: pw_folio_freeze. The low half is zero, as during a split. In
 * place of the pins they hold the number of references that the whole folio has.
 */
static const uint64_t PW_COUNTS_FROZEN = UINT64_C(1) << 62;

/*
 * Turns a link into the form in which its frame stores it, and back. That form is relative to the frame: a
 * frame that is all zero names itself, so that an arena need not write its frames before they are used.
 */
PW_INLINE uint64_t pw_link_stored(uint32_t frame, uint64_t link)
{
	return link ^ (uint64_t)frame << 8;
}

/* In that form, the link of a frame that is a folio of its own. */
static const uint64_t PW_STORED_SMALL = 0;

PW_INLINE uint64_t pw_frame_stored(const struct pw_arena *arena, uint32_t frame)
{
	return __atomic_load_n(&arena->frame[frame].link, __ATOMIC_ACQUIRE);
}

PW_INLINE uint64_t pw_frame_link(const struct pw_arena *arena, uint32_t frame)
{
	return pw_link_stored(frame, pw_frame_stored(arena, frame));
}

PW_INLINE uint32_t pw_link_head(uint64_t link)
{
	return (uint32_t)(link >> 8);
}

PW_INLINE unsigned pw_link_order(uint64_t link)
{
	return (unsigned)link & 0xff;
}

/* How many frames the folio has. */
PW_INLINE uint32_t pw_link_pages(uint64_t link)
{
	return UINT32_C(1) << pw_link_order(link);
}

PW_INLINE uint64_t pw_link_to(uint32_t head, unsigned order)
{
	return (uint64_t)head << 8 | order;
}

PW_INLINE uint32_t pw_folio_head(const struct pw_arena *arena, uint32_t frame)
{
	return pw_link_head(pw_frame_link(arena, frame));
}

/* Returns the number of frames of the folio that @frame belongs to. The folio may be changing. */
PW_INLINE uint32_t pw_folio_pages(const struct pw_arena *arena, uint32_t frame)
{
	return pw_link_pages(pw_frame_link(arena, frame));
}

/* Has the folio that @frame belongs to more than one frame? It may be changing. */
PW_INLINE bool pw_folio_is_large(const struct pw_arena *arena, uint32_t frame)
{
	return pw_link_order(pw_frame_link(arena, frame)) > 0;
}

/* Returns the number of frames from @frame to the end of its folio, at least 1. The folio may be changing. */
PW_INLINE uint32_t pw_folio_rest(const struct pw_arena *arena, uint32_t frame)
{
	uint64_t link = pw_frame_link(arena, frame);
	uint32_t gone = frame - pw_link_head(link), frames = pw_link_pages(link);

	return gone < frames ? frames - gone : 1;
}

PW_INLINE bool pw_folio_is_zero(const struct pw_arena *arena, uint32_t frame)
{
	return frame == arena->zero && !pw_mutant(PW_MUTANT_COUNT_ZERO_PAGE);
}

/*
 * Returns the amount that @pages references, or pins, add to the counts of a folio of this order. There may
 * be up to PW_PINS_AT_ONCE pins.
 */
PW_INLINE uint64_t pw_counts_of(unsigned order, uint32_t pages, bool pin)
{
	if (!pin)
		return pages;
	return order == 0 ? (uint64_t)pages * PW_PIN_BIAS : (uint64_t)pages << 32 | pages;
}

/*
 * Compares and swaps counts. Sequentially consistent: a full barrier between taking a folio and the looks at
 * the entry and at the exclusive bit that follow. Partners: the editor's stores before it drops its
 * reference, and pw_folio_try_share.
 */
PW_INLINE bool pw_counts_swap(uint64_t *counts, uint64_t *old, uint64_t value)
{
	return __atomic_compare_exchange_n(counts, old, value, true, __ATOMIC_SEQ_CST,
					   __ATOMIC_RELAXED);
}

/* As pw_counts_add, also for counts that are zero, near the limit, or just changed. */
bool pw_counts_add_any(uint64_t *counts, uint64_t add);

/*
 * Adds @add, neither half of which is above PW_COUNT_LIMIT. Returns false and adds nothing if there are no
 * references, or if one of the two counts would exceed the limit.
 */
PW_INLINE bool pw_counts_add(uint64_t *counts, uint64_t add)
{
	/* Numbers below the limit have none of these bits. Two numbers up to the limit do not carry. */
	const uint64_t high = ~(((uint64_t)PW_COUNT_LIMIT - 1) << 32 | (PW_COUNT_LIMIT - 1));
	uint64_t old = __atomic_load_n(counts, __ATOMIC_RELAXED);

	/* Only the common case is inlined. */
	if (PW_LIKELY((uint32_t)old != 0 && !((old + add) & high)) &&
	    PW_LIKELY(pw_counts_swap(counts, &old, old + add)))
		return true;
	return pw_counts_add_any(counts, add);
}

/* Can @sub be taken from these counts? Every pin that stays needs a reference that stays. */
PW_INLINE bool pw_counts_has(uint64_t counts, uint64_t sub)
{
	return (uint32_t)counts >= (uint32_t)sub && counts >> 32 >= sub >> 32 &&
	       (uint32_t)(counts - sub) >= (counts - sub) >> 32;
}

/* Takes @sub away and returns the counts that are left. If there is less, takes nothing and returns ~0. */
PW_INLINE uint64_t pw_counts_sub(uint64_t *counts, uint64_t sub)
{
	uint64_t old = __atomic_load_n(counts, __ATOMIC_RELAXED);

	do {
		if (PW_UNLIKELY(!pw_counts_has(old, sub)) && !pw_mutant(PW_MUTANT_UNDERFLOW))
			return ~UINT64_C(0);
		/* Releases this thread's uses of the page; acquires those of others, before it is freed. */
	} while (!__atomic_compare_exchange_n(counts, &old, old - sub, true, __ATOMIC_ACQ_REL,
					      __ATOMIC_RELAXED));
	return old - sub;
}

/* Frees the folio of @head, whose counts have become zero. */
void pw_folio_free(struct pw_arena *arena, uint32_t head, unsigned order);
/* Records that more was given back than was taken. The counts stay as they are. */
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

/* As pw_folio_drop. Not inlined: in a rare case it costs the caller no registers. */
void pw_folio_give_back(struct pw_arena *arena, uint32_t frame, uint32_t pages, bool pin);
/* Undoes a take that met another folio: takes @add, the counts that were added, from @head again. */
void pw_folio_untake(struct pw_arena *arena, uint32_t head, uint64_t add);

/* What came of one try to take a folio. */
enum pw_take {
	PW_TAKE_DONE,
	PW_TAKE_NOTHING, /* it cannot be taken: it is free, being freed or split, or its count is full */
	PW_TAKE_AGAIN, /* the frame belongs to another folio by now; nothing was taken */
};

/* Takes @add, counts of the folio of @head, which @frame belonged to when its link was loaded as @stored. */
PW_INLINE enum pw_take pw_folio_take_once(struct pw_arena *arena, uint32_t frame, uint64_t stored,
					  uint32_t head, uint64_t add)
{
	if (PW_UNLIKELY(pw_folio_is_zero(arena, frame)))
		return PW_TAKE_DONE;
	pw_moment(PW_MOMENT_FOLIO_FOUND);
	if (PW_UNLIKELY(!pw_counts_add(&arena->frame[head].counts, add)))
		return PW_TAKE_NOTHING;
	pw_moment(PW_MOMENT_FOLIO_TAKEN);
	if (PW_LIKELY(pw_frame_stored(arena, frame) == stored) ||
	    pw_mutant(PW_MUTANT_NO_HEAD_RECHECK))
		return PW_TAKE_DONE;
	pw_folio_untake(arena, head, add);
	return PW_TAKE_AGAIN;
}

/*
 * Takes @pages references, or pins, on the folio that @frame belongs to; *head_ret is its head. False if the
 * folio cannot be taken.
 */
PW_INLINE bool pw_folio_take(struct pw_arena *arena, uint32_t frame, uint32_t pages, bool pin,
			     uint32_t *head_ret)
{
	enum pw_take take;

	do {
		uint64_t stored = pw_frame_stored(arena, frame);
		uint64_t link = pw_link_stored(frame, stored);

		*head_ret = pw_link_head(link);
		take = pw_folio_take_once(arena, frame, stored, *head_ret,
					  pw_counts_of(pw_link_order(link), pages, pin));
	} while (PW_UNLIKELY(take == PW_TAKE_AGAIN));
	return take == PW_TAKE_DONE;
}

PW_INLINE bool pw_folio_try_get(struct pw_arena *arena, uint32_t frame, uint32_t refs)
{
	uint32_t head;

	return pw_folio_take(arena, frame, refs, false, &head);
}

PW_INLINE bool pw_folio_try_pin(struct pw_arena *arena, uint32_t frame, uint32_t pages)
{
	uint32_t head;

	return pw_folio_take(arena, frame, pages, true, &head);
}

/*
 * Freezes the folio of @frame, if it has exactly @references and no pin: nobody can take it, and it stays as it
 * is, until pw_folio_thaw. False if it has others. All references are the caller's, in the sense that it knows
 * where each of them is. Others wait for the end of a freeze, so it is short and waits for nothing.
 * As folio_ref_freeze of the kernel (include/linux/page_ref.h).
 */
bool pw_folio_freeze(struct pw_arena *arena, uint32_t frame, uint32_t references);
/* Ends it: the folio of @head has @references now. Zero frees it. */
void pw_folio_thaw(struct pw_arena *arena, uint32_t head, uint32_t references);

/* Marks the folio of @frame as dirty. The caller holds the folio, so it is not split meanwhile. */
PW_INLINE void pw_folio_dirty_held(struct pw_arena *arena, uint32_t frame)
{
	__atomic_fetch_or(&arena->frame[pw_folio_head(arena, frame)].flags, PW_FRAME_DIRTY,
			  __ATOMIC_RELAXED);
}

/* The kind of the folio of @head, by one load; PW_FOLIO_NONE if it lost its mapping. The caller holds it. */
PW_INLINE enum pw_folio_kind pw_head_kind(const struct pw_arena *arena, uint32_t head)
{
	return (enum pw_folio_kind)(__atomic_load_n(&arena->frame[head].mapping, __ATOMIC_ACQUIRE) &
				    7);
}

PW_INLINE enum pw_folio_kind pw_folio_kind_of(const struct pw_arena *arena, uint32_t frame)
{
	return pw_head_kind(arena, pw_folio_head(arena, frame));
}

/* Is this page exclusive? The page itself knows: parts of its folio may be shared (commit 5805192c7b72). */
PW_INLINE bool pw_folio_is_exclusive(const struct pw_arena *arena, uint32_t frame)
{
	if (pw_mutant(PW_MUTANT_HEAD_EXCLUSIVE))
		frame = pw_folio_head(arena, frame);
	return __atomic_load_n(&arena->frame[frame].flags, __ATOMIC_SEQ_CST) & PW_FRAME_EXCLUSIVE;
}

#endif
