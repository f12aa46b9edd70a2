/* SPDX-License-Identifier: MIT */
/* The fast walk, and the call for one page, compiled for one format: PW_PINNER(x86_64) defines pw_pinner_x86_64. */
#ifndef PW_PIN_INSTANCE_H
#define PW_PIN_INSTANCE_H

#include "pin/call.h"
#include "pin/near.h"

/*
 * The calls for pages are compiled as a whole, down to the loop over leaves of the common kind. The general loop over
 * a table's leaves is a function of its own, called once per table, because it needs all registers and the walk around it
 * would take some. It works on a copy of *pin whose address nobody else has: the compiler can keep that in registers
 * while counts change. What the common cases leave to others is not inlined into them, so that they save few registers.
 */
#define PW_PINNER(name)                                                                            \
	PW_FLATTEN __attribute__((noinline)) static enum pw_stop name##_pin_run(                   \
		struct pw_pin *pin, const struct pw_pin_place *place)                              \
	{                                                                                          \
		struct pw_pin own = *pin;                                                          \
		enum pw_stop stop = pw_pin_run(&pw_format_##name, &own, place);                    \
                                                                                                   \
		*pin = own;                                                                        \
		return stop;                                                                       \
	}                                                                                          \
	PW_FLATTEN __attribute__((noinline)) static enum pw_stop name##_pin_large(                 \
		struct pw_pin *pin, unsigned level, const struct pw_seen *leaf,                    \
		const struct pw_seen *above)                                                       \
	{                                                                                          \
		return pw_pin_large(&pw_format_##name, pin, level, leaf, above, pin->last);        \
	}                                                                                          \
	PW_FLATTEN                                                                                 \
	__attribute__((noinline)) static enum pw_stop name##_pin_walk(struct pw_pin *pin)          \
	{                                                                                          \
		return pw_pin_walk(&pw_format_##name, pin, name##_pin_run);                        \
	}                                                                                          \
	PW_FLATTEN static enum pw_stop name##_pin(struct pw_pin *pin)                              \
	{                                                                                          \
		return pw_pin_straight(&pw_format_##name, pin, name##_pin_run, name##_pin_large,   \
				       name##_pin_walk);                                           \
	}                                                                                          \
	PW_INLINE enum pw_stop name##_pin_near_one(struct pw_pin *pin)                             \
	{                                                                                          \
		return pw_pin_near(&pw_format_##name, pin, true, name##_pin_run, name##_pin_large, \
				   name##_pin_walk);                                               \
	}                                                                                          \
	PW_INLINE enum pw_stop name##_pin_near(struct pw_pin *pin)                                 \
	{                                                                                          \
		return pw_pin_near(&pw_format_##name, pin, false, name##_pin_run,                  \
				   name##_pin_large, name##_pin_walk);                             \
	}                                                                                          \
	PW_FLATTEN static long name##_pin_one(struct pw_reader *reader, pw_va va, unsigned flags,  \
					      pw_pa *page, enum pw_stop *why_ret)                  \
	{                                                                                          \
		const pw_va last = va + pw_mask(pw_format_##name.shift[0]);                        \
                                                                                                   \
		return pw_pin_pages_call(reader, va, last, flags, page, why_ret,                   \
					 name##_pin_near_one);                                     \
	}                                                                                          \
	PW_FLATTEN static long name##_pin_pages(struct pw_reader *reader, pw_va va, pw_va last,    \
						unsigned flags, pw_pa *page,                       \
						enum pw_stop *why_ret)                             \
	{                                                                                          \
		return pw_pin_pages_call(reader, va, last, flags, page, why_ret, name##_pin_near); \
	}                                                                                          \
	static const struct pw_pinner pw_pinner_##name = {                                         \
		.walk = name##_pin,                                                                \
		.one = name##_pin_one,                                                             \
		.pages = name##_pin_pages,                                                         \
	}

#endif
