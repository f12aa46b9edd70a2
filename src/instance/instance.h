/* SPDX-License-Identifier: MIT */
/*
 * All code that is compiled once for each format. Only this file combines a format with all algorithms.
 * PW_INSTANCE(x86_64) defines pw_instance_x86_64 from the constant pw_format_x86_64.
 */
#ifndef PW_INSTANCE_INSTANCE_H
#define PW_INSTANCE_INSTANCE_H

#include "pin/instance.h"
#include "space/instance.h"
#include "walk/instance.h"

#ifndef PW_INSTANCE_EDITS_ONLY
#define PW_INSTANCE(name)                               \
	PW_WALKER(name)                                 \
	PW_EDITOR(name);                                \
	PW_PINNER(name);                                \
	const struct pw_instance pw_instance_##name = { \
		PW_WALKER_MEMBERS(name),                \
		.editor = &pw_editor_##name,            \
		.pinner = &pw_pinner_##name,            \
	}
#else
/* For the laboratory (lab/race/scene), which does nothing else with tables, and is compiled in a third of the time. */
#define PW_INSTANCE(name)                                                                       \
	PW_TRANSLATE(name, direct, name##_direct_translate)                                     \
	PW_WALK_RANGE(name, direct)                                                             \
	PW_EDITOR(name);                                                                        \
	PW_PINNER(name);                                                                        \
	const struct pw_instance pw_instance_##name = {                                         \
		.format = &pw_format_##name,                                                    \
		.direct = { .translate = name##_direct_translate, .walk = name##_direct_walk }, \
		.editor = &pw_editor_##name,                                                    \
		.pinner = &pw_pinner_##name,                                                    \
	}
#endif

#endif
