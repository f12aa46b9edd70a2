/* SPDX-License-Identifier: MIT */
/*
 * Pinning: the internal side.
 *
 *   fast.h      the walk that takes pages without a lock, per format
 *   near.h      the same where all pages are in one table
 *   rules.h .c  which pages may be taken, and for how long
 *   call.h      what a call does around the walk: the sequence against fork, the reader's section
 *   instance.h  the walk, and the call for one page, compiled for one format
 *   look.c      a walk over memory without folios: nothing is taken
 *   pin.c       the public functions: arguments, and giving pages back
 *
 * The rule of access is the same for every format: user mode may read the page, and write it if
 * PW_PIN_WRITE is given. Permissions of the entries above a leaf are not looked at, as in the kernel; the
 * editor's tables permit everything there.
 */
#ifndef PW_PIN_PIN_H
#define PW_PIN_PIN_H

#include <pagewalk/pin.h>

#include "base/words.h"
#include "folio/folio.h"
#include "space/space.h"

/* One call. On its caller's stack. */
struct pw_pin {
	struct pw_reader *reader;
	struct pw_arena *arena;
	const struct pw_space *space;
	const struct pw_regime *regime; /* the space's, when the walk began */
	pw_va va, last; /* the rest of the asked range, inclusive */
	unsigned flags; /* enum pw_pin_flags */

	/* Where the pages go: as single pages, or as ranges of one folio each. The other pointer is NULL. */
	bool pages;
	pw_pa *page;
	struct pw_pinned *range;
	size_t count, room;
	uint32_t head; /* of the last range */
};

/* A walk inside a reader's section. It returns why it stopped; @pin has the pages that it took. */
typedef enum pw_stop pw_pin_walk_fn(struct pw_pin *pin);

/* What is compiled for one format: instance.h. */
struct pw_pinner {
	pw_pin_walk_fn *walk;
	/* Whole calls of pw_pin_fast for one page, and for the pages from @va to @last. Their arguments are valid. */
	long (*one)(struct pw_reader *reader, pw_va va, unsigned flags, pw_pa *page,
		    enum pw_stop *why_ret);
	long (*pages)(struct pw_reader *reader, pw_va va, pw_va last, unsigned flags, pw_pa *page,
		      enum pw_stop *why_ret);
};

/*
 * Stores the pages of 2^page_lg2 bytes in @pa..@pa + @bytes - 1, which were taken from the folio of @head.
 * Returns PW_STOP_DONE, or PW_STOP_ROOM if there is no room.
 */
PW_INLINE enum pw_stop pw_pin_keep(struct pw_pin *pin, uint32_t head, pw_pa pa, uint64_t bytes,
				   unsigned page_lg2)
{
	struct pw_pinned *before;

	if (pin->pages) {
		for (pw_pa end = pa + bytes; pa != end; pa += (pw_pa)1 << page_lg2)
			pin->page[pin->count++] = pa;
		return PW_STOP_DONE;
	}
	/* Do they continue the last range, in the same folio? */
	before = pin->count > 0 ? &pin->range[pin->count - 1] : NULL;
	if (before && before->pa + before->bytes == pa &&
	    (pin->head == head || pw_mutant(PW_MUTANT_MERGE_FOLIOS))) {
		before->bytes += bytes;
		return PW_STOP_DONE;
	}
	if (pin->count == pin->room)
		return PW_STOP_ROOM;
	pin->head = head;
	pin->range[pin->count].pa = pa;
	pin->range[pin->count++].bytes = bytes;
	return PW_STOP_DONE;
}

#endif
