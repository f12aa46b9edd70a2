/* SPDX-License-Identifier: MIT */
/*
 * The editor compiled for one format: PW_EDITOR(x86_64) defines pw_editor_x86_64 from the constant
 * pw_format_x86_64. There is one indirect call per operation and none per entry; the only other calls are
 * for tables that come and go, and to the caller's callback.
 */
#ifndef PW_SPACE_INSTANCE_H
#define PW_SPACE_INSTANCE_H

#include "space/editor.h"

#define PW_EDITOR_OPERATION(name, operation, what)                 \
	static int name##_##operation(struct pw_edit *edit)        \
	{                                                          \
		return pw_edit_all(&pw_format_##name, what, edit); \
	}

#define PW_EDITOR(name)                                    \
	PW_EDITOR_OPERATION(name, map, PW_MAP)             \
	PW_EDITOR_OPERATION(name, unmap, PW_UNMAP)         \
	PW_EDITOR_OPERATION(name, protect, PW_PROTECT)     \
	PW_EDITOR_OPERATION(name, split, PW_SPLIT)         \
	PW_EDITOR_OPERATION(name, collapse, PW_COLLAPSE)   \
	static const struct pw_editor pw_editor_##name = { \
		.map = name##_map,                         \
		.unmap = name##_unmap,                     \
		.protect = name##_protect,                 \
		.split = name##_split,                     \
		.collapse = name##_collapse,               \
	}

#endif
