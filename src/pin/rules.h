/* SPDX-License-Identifier: MIT */
/*
 * Who may be pinned, and for how long: what the kernel decides in gup_fast_folio_allowed,
 * folio_is_longterm_pinnable and gup_must_unshare (mm/gup.c, include/linux/mm.h), without a VMA.
 */
#ifndef PW_PIN_RULES_H
#define PW_PIN_RULES_H

#include "pin/pin.h"

/* What a leaf permits. */
struct pw_looked {
	uint32_t attr;
	uint32_t doubts; /* see pw_pin_doubts */
};

/*
 * Does a leaf with @attr permit what is asked? Bit by bit, so that the compiler leaves out of a format's
 * attr() whatever nobody asks for.
 */
PW_INLINE bool pw_pin_permits(const struct pw_pin *pin, uint32_t attr)
{
	return attr & PW_READ && attr & PW_USER &&
	       (attr & PW_WRITE || !(pin->flags & PW_PIN_WRITE));
}

/* Takes @pages references, or pins, on the folio of @frame, in *head_ret. False: it was going away. */
PW_INLINE bool pw_pin_grab(struct pw_pin *pin, uint32_t frame, uint32_t pages, uint32_t *head_ret)
{
	return pw_folio_take(pin->arena, frame, pages, !(pin->flags & PW_PIN_GET), head_ret);
}

PW_INLINE bool pw_pin_writes_long(unsigned flags)
{
	return (flags & (PW_PIN_LONGTERM | PW_PIN_WRITE)) == (PW_PIN_LONGTERM | PW_PIN_WRITE);
}

/*
 * Kinds of folio, as bits, that a leaf with @attr does not permit to pin without a closer look. Where
 * the page may be written to, no copy is to be feared; all others go to pw_pin_allowed.
 */
PW_INLINE uint32_t pw_pin_doubts(const struct pw_pin *pin, uint32_t attr)
{
	if (!(attr & PW_WRITE))
		return ~UINT32_C(0);
	return 1u << PW_FOLIO_SECRET |
	       (pw_pin_writes_long(pin->flags) ? 1u << PW_FOLIO_NONE | 1u << PW_FOLIO_FILE : 0u);
}

/*
 * May the @pages pages from @frame on, of a folio of @kind that was just taken, be kept? @attr is what
 * the leaf permits.
 *
 * A file system with dirty tracking write-protects a page before it writes it back; a long pin would
 * go on writing without a fault, behind its back (commit a6e79df92e4a). Shared memory and hugetlb
 * have no such tracking. Of a page without a mapping it is not known whether it was a file's, which was
 * truncated, or never had one: a long pin for writing is refused, and nothing else is, since a fault would
 * find the same page again. Secret memory is nobody's business but its owner's, whatever the flags
 * (65291dcfcf89); it stays secret when it is truncated (pw_folio_truncate).
 *
 * A copy-on-write page that is read through a pin must belong to this space alone, or its owner's next
 * write would go to a copy, and the pin would not see it: so an anonymous one has to be exclusive.
 * The load of that bit comes after the grab's full barrier, whose partner is in pw_folio_try_share:
 * clear the bit, barrier, look at the pins.
 */
enum pw_stop pw_pin_allowed(const struct pw_arena *arena, unsigned flags, enum pw_folio_kind kind,
			    uint32_t frame, uint32_t pages, uint32_t attr);

/* The same of the folio of @head, asked only where @looked leaves doubts. */
PW_INLINE enum pw_stop pw_pin_may_keep(const struct pw_pin *pin, const struct pw_looked *looked,
				       uint32_t head, uint32_t frame, uint32_t pages)
{
	/* One load: the mapping may go at any moment. */
	enum pw_folio_kind kind = pw_head_kind(pin->arena, head);

	if (PW_LIKELY(!(looked->doubts >> kind & 1)))
		return PW_STOP_DONE;
	return pw_pin_allowed(pin->arena, pin->flags, kind, frame, pages, looked->attr);
}

#endif
