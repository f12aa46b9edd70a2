/* SPDX-License-Identifier: MIT */
/* The fast walk compiled for one format: PW_PINNER(x86_64) defines pw_pinner_x86_64. */
#ifndef PW_PIN_INSTANCE_H
#define PW_PIN_INSTANCE_H

#include "pin/fast.h"

/*
 * The loop over a table's leaves is a function of its own, called once per table, because it needs all
 * registers and the walk around it would take some. It works on a copy of *pin whose address nobody else has:
 * the compiler can keep that in registers while counts change. What pw_pin_straight leaves to others is not inlined
 * there either, so that the common case saves few registers.
 */
#define PW_PINNER(name)                                                                          \
	PW_FLATTEN __attribute__((noinline)) static enum pw_stop name##_pin_run(                 \
		struct pw_pin *pin, const struct pw_pin_place *place)                            \
	{                                                                                        \
		struct pw_pin own = *pin;                                                        \
		enum pw_stop stop = pw_pin_run(&pw_format_##name, &own, place);                  \
                                                                                                 \
		*pin = own;                                                                      \
		return stop;                                                                     \
	}                                                                                        \
	PW_FLATTEN __attribute__((noinline)) static enum pw_stop name##_pin_large(               \
		struct pw_pin *pin, unsigned level, const struct pw_seen *leaf,                  \
		const struct pw_seen *above)                                                     \
	{                                                                                        \
		return pw_pin_large(&pw_format_##name, pin, level, leaf, above, pin->last);      \
	}                                                                                        \
	PW_FLATTEN                                                                               \
	__attribute__((noinline)) static enum pw_stop name##_pin_walk(struct pw_pin *pin)        \
	{                                                                                        \
		return pw_pin_walk(&pw_format_##name, pin, name##_pin_run);                      \
	}                                                                                        \
	PW_FLATTEN static enum pw_stop name##_pin(struct pw_pin *pin)                            \
	{                                                                                        \
		return pw_pin_straight(&pw_format_##name, pin, name##_pin_run, name##_pin_large, \
				       name##_pin_walk);                                         \
	}                                                                                        \
	static const struct pw_pinner pw_pinner_##name = { .pin = name##_pin }

#endif
