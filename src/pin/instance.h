/* SPDX-License-Identifier: MIT */
/* The fast walk compiled for one format: PW_PINNER(x86_64) defines pw_pinner_x86_64. */
#ifndef PW_PIN_INSTANCE_H
#define PW_PIN_INSTANCE_H

#include "pin/fast.h"

#define PW_PINNER(name)                                                             \
	__attribute__((flatten)) static enum pw_stop name##_pin(struct pw_pin *pin) \
	{                                                                           \
		return pw_pin_walk(&pw_format_##name, pin);                         \
	}                                                                           \
	static const struct pw_pinner pw_pinner_##name = { .pin = name##_pin }

#endif
