/* SPDX-License-Identifier: MIT */
/*
 * Which pages may be pinned, and for how long: the decisions of gup_fast_folio_allowed,
 * folio_is_longterm_pinnable and gup_must_unshare in the kernel (mm/gup.c, include/linux/mm.h), without a
 * VMA.
 */
#ifndef PW_PIN_RULES_H
#define PW_PIN_RULES_H

#include "pin/pin.h"

/* The doubts about a leaf that permits no write: every kind of folio behind it needs a closer look. */
static const uint32_t PW_DOUBT_ALL = ~UINT32_C(0);

/*
 * Does a leaf with @attr permit the access that @pin needs? The bits are tested one by one, so that the
 * compiler drops the parts of a format's attr() that nobody uses.
 */
PW_INLINE bool pw_pin_permits(const struct pw_pin *pin, uint32_t attr)
{
	return attr & PW_READ && attr & PW_USER &&
	       (attr & PW_WRITE || !(pin->flags & PW_PIN_WRITE));
}

/* Takes @pages references, or pins, on the folio of @frame: as pw_folio_take. */
PW_INLINE bool pw_pin_grab(struct pw_pin *pin, uint32_t frame, uint32_t pages, uint32_t *head_ret)
{
	return pw_folio_take(pin->arena, frame, pages, !(pin->flags & PW_PIN_GET), head_ret);
}

PW_INLINE bool pw_pin_writes_long(unsigned flags)
{
	return (flags & (PW_PIN_LONGTERM | PW_PIN_WRITE)) == (PW_PIN_LONGTERM | PW_PIN_WRITE);
}

/*
 * The kinds of folio, as bits, that need a closer look before a page behind a leaf with @attr is pinned:
 * pw_pin_allowed. A page that may be written to is not going to be copied on write; so few kinds of it do.
 */
PW_INLINE uint32_t pw_pin_doubts(const struct pw_pin *pin, uint32_t attr)
{
	if (!(attr & PW_WRITE))
		return PW_DOUBT_ALL;
	return 1u << PW_FOLIO_SECRET |
	       (pw_pin_writes_long(pin->flags) ? 1u << PW_FOLIO_NONE | 1u << PW_FOLIO_FILE : 0u);
}

/*
 * May the @pages pages from @frame on be kept? They belong to a folio of @kind that was just taken; @writable: the
 * leaf permits writes. Returns PW_STOP_DONE, or the reason why not.
 *
 * Files: a file system with dirty tracking write-protects a page before it writes it back. A long pin would
 * go on writing without a fault, behind its back (commit a6e79df92e4a). Shared memory and hugetlb have no
 * such tracking.
 * No mapping: the page may have been a file's that was truncated, or may never have had a mapping; nobody
 * knows which. Only a long pin for writing is refused: a fault would find the same page again.
 * Secret memory is for its owner alone, whatever the flags (commit 65291dcfcf89). It stays secret when it is
 * truncated (pw_folio_truncate).
 * Copy on write: a page that is read through a pin must belong to this space alone. Otherwise its owner's
 * next write would go to a copy, and the pin would not see it; so an anonymous page has to be exclusive.
 * That bit is loaded after the grab's full barrier. Partner: pw_folio_try_share, which clears the bit,
 * executes a barrier, and looks at the pins.
 */
enum pw_stop pw_pin_allowed(const struct pw_arena *arena, unsigned flags, enum pw_folio_kind kind,
			    uint32_t frame, uint32_t pages, bool writable);

/* As pw_pin_allowed, for pages of the folio of @head. Asks it only if the leaf left @doubts. */
PW_INLINE enum pw_stop pw_pin_may_keep(const struct pw_pin *pin, uint32_t doubts, uint32_t head,
				       uint32_t frame, uint32_t pages)
{
	/* One load: the mapping may go at any moment. */
	enum pw_folio_kind kind = pw_head_kind(pin->arena, head);

	if (PW_LIKELY(!(doubts >> kind & 1)))
		return PW_STOP_DONE;
	return pw_pin_allowed(pin->arena, pin->flags, kind, frame, pages, doubts != PW_DOUBT_ALL);
}

#endif
