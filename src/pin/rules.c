/* SPDX-License-Identifier: MIT */
/* The rules that the fast walk seldom needs; so they are not inlined. */
#include "pin/rules.h"

/* Do all of these pages of an anonymous folio belong to this space alone? */
static bool exclusive(const struct pw_arena *arena, uint32_t frame, uint32_t pages)
{
	for (uint32_t i = 0; i < pages; i++)
		if (!pw_folio_is_exclusive(arena, frame + i))
			return false;
	return true;
}

enum pw_stop pw_pin_allowed(const struct pw_arena *arena, unsigned flags, enum pw_folio_kind kind,
			    uint32_t frame, uint32_t pages, bool writable)
{
	switch (kind) {
	case PW_FOLIO_NONE:
		/* The zero page has no mapping, and needs none. */
		if (pw_pin_writes_long(flags) && !pw_folio_is_zero(arena, frame) &&
		    !pw_mutant(PW_MUTANT_NULL_MAPPING))
			return PW_STOP_TRUNCATED;
		break;
	case PW_FOLIO_SECRET:
		if (!pw_mutant(PW_MUTANT_NO_SECRET))
			return PW_STOP_SECRET;
		break;
	case PW_FOLIO_FILE:
		if (pw_pin_writes_long(flags) && !pw_mutant(PW_MUTANT_NO_LONGTERM))
			return PW_STOP_LONGTERM;
		break;
	case PW_FOLIO_ANONYMOUS:
		if (!writable && !(flags & (PW_PIN_WRITE | PW_PIN_GET)) &&
		    !exclusive(arena, frame, pages) && !pw_mutant(PW_MUTANT_NO_UNSHARE))
			return PW_STOP_UNSHARE;
		return PW_STOP_DONE;
	case PW_FOLIO_SHARED:
	case PW_FOLIO_HUGETLB:
		break;
	}
	/*
	 * Not anonymous, read-only, and a long pin for reading it: only a VMA says whether the page is copied
	 * on write.
	 */
	if (!writable && flags & PW_PIN_LONGTERM && !(flags & PW_PIN_WRITE) &&
	    !pw_mutant(PW_MUTANT_NO_UNSHARE))
		return PW_STOP_UNSHARE;
	return PW_STOP_DONE;
}
