/* SPDX-License-Identifier: MIT */
/*
 * The fast walk in the common case: a range within one table of base pages, so that one entry of level 1 covers it. The walk
 * goes straight down, with a constant level in each turn. It is made of the steps of fast.h, where the rules are. An
 * entry on the way that leads to no table is left to a pw_pin_large_fn, other ranges to a pw_pin_walk_fn.
 */
#ifndef PW_PIN_NEAR_H
#define PW_PIN_NEAR_H

#include "pin/fast.h"

/* pw_pin_large, compiled for one format. */
typedef enum pw_stop pw_pin_large_fn(struct pw_pin *pin, unsigned level, const struct pw_seen *leaf,
				     const struct pw_seen *above);

/*
 * Goes down to the table of base pages that covers the range of @pin, within @span. Returns whether there is one; then it is
 * *place. Otherwise an entry on the way led to no table, @large has taken what it maps, and *stop says why that was
 * not all. @large gets a copy of *pin, so that the compiler can keep the original in registers.
 */
PW_INLINE bool pw_pin_down(const struct pw_format *f, struct pw_pin *pin,
			   const struct pw_span *span, pw_pin_large_fn *large,
			   struct pw_pin_place *place, enum pw_stop *stop)
{
	const unsigned top = pw_top(f, span);

	*stop = PW_STOP_DONE;
	*place = (struct pw_pin_place){
		.host = pw_arena_at(pin->arena, span->table),
		.last = pin->last,
	};
	PW_UNROLL
	for (unsigned level = f->levels - 1u; level > 0; level--) {
		struct pw_pin_place below;
		struct pw_seen seen;

		if (f->dynamic_top && level > top)
			continue;
		if (PW_UNLIKELY(!pw_pin_descend(f, pin, level, place, pin->last, &seen, &below,
						stop))) {
			const struct pw_seen leaf = seen, above = place->above;
			struct pw_pin own = *pin;

			*stop = large(&own, level, &leaf, level == top ? NULL : &above);
			pin->count = own.count;
			return false;
		}
		if (PW_UNLIKELY(*stop != PW_STOP_DONE))
			return false;
		*place = below;
	}
	return true;
}

/* Is it such a range? @span: that of pin->va, or NULL. @one: the range is one base page. */
PW_INLINE bool pw_pin_in_table(const struct pw_format *f, const struct pw_pin *pin,
			       const struct pw_span *span, bool one)
{
	if (PW_UNLIKELY(!span) || f->levels < 2)
		return false;
	return one ||
	       PW_LIKELY(pin->last <= (pin->va | pw_mask(f->shift[1])) && pin->last <= span->last);
}

/* As pw_pin_walk. */
PW_INLINE enum pw_stop pw_pin_straight(const struct pw_format *f, struct pw_pin *pin,
				       pw_pin_run_fn *run, pw_pin_large_fn *large,
				       pw_pin_walk_fn *walk)
{
	const struct pw_span *span = pw_span_find(pin->regime, pin->va);
	struct pw_pin_place place;
	enum pw_stop stop;

	PW_MUST_BE_CONSTANT(f->shift[0]);
	if (!pw_pin_in_table(f, pin, span, false))
		return walk(pin);
	if (PW_UNLIKELY(!pw_pin_down(f, pin, span, large, &place, &stop)))
		return stop;
	return run(pin, &place);
}

/*
 * As pw_pin_straight, but pages of the common kind are taken here, and nobody else sees *pin: the compiler can keep it in
 * registers. @walk and @run get a copy, for the rest of the range: they load the leaf of pin->va anew, of which nothing was
 * taken. @one: the range is one base page.
 */
PW_INLINE enum pw_stop pw_pin_near(const struct pw_format *f, struct pw_pin *pin, const bool one,
				   pw_pin_run_fn *run, pw_pin_large_fn *large, pw_pin_walk_fn *walk)
{
	const struct pw_span *span = pw_span_find(pin->regime, pin->va);
	struct pw_pin_place place;
	struct pw_seen seen;
	struct pw_pin own;
	enum pw_stop stop;
	uint32_t doubts;

	PW_MUST_BE_CONSTANT(f->shift[0]);
	if (!pw_pin_in_table(f, pin, span, one)) {
		own = *pin;
		stop = walk(&own);
		pin->count = own.count;
		return stop;
	}
	if (PW_UNLIKELY(!pw_pin_down(f, pin, span, large, &place, &stop)))
		return stop;
	seen = pw_pin_leaf(f, pin, &place);
	if (PW_UNLIKELY(!pw_pin_common(f, pin, &seen, pw_pin_above(f, &place), pin->last + 1,
				       &doubts, &stop))) {
		const struct pw_pin_place table = place;

		own = *pin;
		stop = run(&own, &table);
		pin->count = own.count;
	}
	return stop;
}

#endif
