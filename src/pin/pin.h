/* SPDX-License-Identifier: MIT */
/*
 * Pinning, from the inside.
 *
 *   fast.h      the walk that takes pages without a lock, per format
 *   rules.h .c  who may be taken, and for how long
 *   instance.h  the walk compiled for one format
 *   look.c      the same for memory without folios: nothing is taken
 *   pin.c       the public functions: what is asked, where the pages go, the sequence against fork
 *
 * A format without its own rule of access has the generic one: user mode may read, and write if that
 * is asked for. Permissions of the entries above a leaf are not looked at, as in the kernel; the
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
	struct pw_arena *arena;
	const struct pw_space *space;
	const struct pw_regime *regime; /* the table's, when the walk began */
	pw_va va, last; /* what is left of what was asked, inclusive */
	unsigned flags; /* enum pw_pin_flags */

	/* Where the pages go: pages one by one, or ranges of one folio each. One of them is NULL. */
	pw_pa *page;
	struct pw_pinned *range;
	size_t count, room;
	uint32_t head; /* of the last range */
};

struct pw_pinner {
	enum pw_stop (*pin)(struct pw_pin *pin);
};

/* Keeps what was taken, pages of 2^page_lg2 of the folio of @head; PW_STOP_ROOM if there is no room. */
PW_INLINE enum pw_stop pw_pin_keep(struct pw_pin *pin, uint32_t head, pw_pa pa, uint64_t bytes,
				   unsigned page_lg2)
{
	struct pw_pinned *before;

	if (pin->page) {
		for (pw_pa end = pa + bytes; pa != end; pa += (pw_pa)1 << page_lg2)
			pin->page[pin->count++] = pa;
		return PW_STOP_DONE;
	}
	/* The next part of the folio before? */
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
