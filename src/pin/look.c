/* SPDX-License-Identifier: MIT */
/* The fast path without references: over any memory. It finds pages whose entries were stable meanwhile. */
#include <limits.h>

#include <pagewalk/pin.h>
#include <pagewalk/walk.h>

#include "format/format.h"

static enum pw_stop stop_of(enum pw_status status)
{
	switch (status) {
	case PW_OK:
		return PW_STOP_DONE;
	case PW_PROT_NONE:
		return PW_STOP_PROT_NONE;
	case PW_OUTSIDE:
		return PW_STOP_OUTSIDE;
	case PW_NOT_CANONICAL:
	case PW_LENGTH:
		return PW_STOP_RANGE;
	default:
		return PW_STOP_NONE;
	}
}

/* Did both walks find the same entries in the same places? */
static bool alike(const struct pw_trace *a, const struct pw_trace *b)
{
	if (a->steps != b->steps)
		return false;
	for (unsigned i = 0; i < a->steps; i++)
		if (a->step[i].at != b->step[i].at || a->step[i].entry != b->step[i].entry)
			return false;
	return true;
}

static enum pw_stop look(const struct pw_memory *memory, const struct pw_regime *regime, pw_va va,
			 unsigned flags, pw_pa *pa_ret)
{
	const uint32_t access = PW_READ | PW_USER |
				(flags & PW_PIN_WRITE ? (unsigned)PW_WRITE : 0u);
	struct pw_trace first, again;
	struct pw_result result, unused;

	pw_translate_trace(memory, regime, va, &result, &first);
	if (result.status != PW_OK)
		return stop_of(result.status);
	if ((result.attr & access) != access)
		return PW_STOP_ACCESS;
	if (result.attr & PW_SPECIAL)
		return PW_STOP_SPECIAL;
	pw_translate_trace(memory, regime, va, &unused, &again);
	if (!alike(&first, &again))
		return PW_STOP_CHANGED;
	*pa_ret = result.pa;
	return PW_STOP_DONE;
}

long pw_look_fast(const struct pw_memory *memory, const struct pw_regime *regime, pw_va va,
		  size_t count, unsigned flags, pw_pa *page, enum pw_stop *why_ret)
{
	enum pw_stop stop = PW_STOP_DONE;
	unsigned shift;
	size_t done = 0;

	if (!memory || !regime || (!page && count > 0))
		return -EINVAL;
	shift = regime->format->shift[0];
	if (flags & ~(unsigned)PW_PIN_WRITE || va & pw_mask(shift) || count > LONG_MAX)
		return -EINVAL;
	while (done < count && stop == PW_STOP_DONE) {
		pw_va at = va + ((pw_va)done << shift);

		/* The 2^64 space ends here; addresses do not wrap to its start. */
		stop = done > (~va >> shift) ? PW_STOP_RANGE
					     : look(memory, regime, at, flags, &page[done]);
		done += stop == PW_STOP_DONE;
	}
	if (why_ret)
		*why_ret = stop;
	return (long)done;
}
