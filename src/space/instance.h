/* SPDX-License-Identifier: MIT */
/*
 * The editor compiled for one format: PW_EDITOR(x86_64) defines pw_editor_x86_64 from the constant
 * pw_format_x86_64. There is one indirect call per operation and none per entry; the only other calls are
 * for tables that come and go, for groups, and to the caller's callback. The same holds for single entries
 * (PW_SLOTS): their only calls for each entry are direct ones, and one to the visitor.
 */
#ifndef PW_SPACE_INSTANCE_H
#define PW_SPACE_INSTANCE_H

#include "space/editor.h"
#include "space/slot_walk.h"

/*
 * An operation: NAME_map begins straight at the level-0 table if all of the range is there, NAME_map_all at the top.
 * They are apart, so that the straight way saves no registers for the other.
 */
#define PW_EDITOR_ALL(name, operation, what)                                                  \
	__attribute__((noinline)) static int name##_##operation##_base(                       \
		struct pw_edit *edit, unsigned char *host, pw_va last, bool retired)          \
	{                                                                                     \
		return pw_editor_base(&pw_format_##name, what, edit, host, last, retired);    \
	}                                                                                     \
	__attribute__((noinline)) static int name##_##operation##_all(struct pw_edit *edit)   \
	{                                                                                     \
		return pw_edit_all(&pw_format_##name, what, edit, name##_##operation##_base); \
	}

#define PW_EDITOR_OPERATION(name, operation, what)                                         \
	PW_EDITOR_ALL(name, operation, what)                                               \
	static int name##_##operation(struct pw_edit *edit)                                \
	{                                                                                  \
		unsigned char *table = pw_edit_table(&pw_format_##name, edit);             \
                                                                                           \
		return PW_LIKELY(table)                                                    \
			       ? name##_##operation##_base(edit, table, edit->last, false) \
			       : name##_##operation##_all(edit);                           \
	}

/* What operations have in common: parts.h. */
#define PW_EDITOR_PARTS(name)                                                                     \
	PW_FLATTEN __attribute__((noinline)) static void name##_edit_page(                        \
		const struct pw_regime *r, unsigned level, uint64_t e, struct pw_edit_page *page) \
	{                                                                                         \
		*page = pw_edit_page(&pw_format_##name, r, level, e);                             \
	}                                                                                         \
	PW_FLATTEN __attribute__((noinline)) static int name##_edit_install(                      \
		struct pw_edit *edit, unsigned level, unsigned char *entry, uint64_t *e,          \
		const struct pw_edit_page *page)                                                  \
	{                                                                                         \
		return pw_part_install(&pw_format_##name, edit, level, entry, e, page);           \
	}                                                                                         \
	PW_FLATTEN __attribute__((noinline)) static void name##_edit_ungroup(                     \
		struct pw_edit *edit, unsigned level, struct pw_place *place, pw_pa pa,           \
		unsigned lg2)                                                                     \
	{                                                                                         \
		pw_part_break(&pw_format_##name, edit, level, place, pa, lg2);                    \
	}

/* Decoding is a function of its own, because the others share it, and compile time counts. */
#define PW_SLOTS(name)                                                                           \
	PW_FLATTEN __attribute__((noinline)) static void name##_slot_decode(                     \
		const struct pw_regime *r, pw_va va, struct pw_slot *slot)                       \
	{                                                                                        \
		pw_slot_decode(&pw_format_##name, r, va, slot);                                  \
	}                                                                                        \
	PW_FLATTEN static void name##_slot_find(const struct pw_space *space, pw_va va,          \
						unsigned lowest, struct pw_slot *slot)           \
	{                                                                                        \
		const struct pw_regime *r = pw_space_now(space);                                 \
                                                                                                 \
		pw_slot_descend(&pw_format_##name, r, space, va, lowest, slot);                  \
		if (PW_LIKELY(slot->at))                                                         \
			name##_slot_decode(r, va, slot);                                         \
	}                                                                                        \
	PW_FLATTEN static bool name##_slot_next(const struct pw_space *space, pw_va *va,         \
						pw_va last, struct pw_slot_place *place)         \
	{                                                                                        \
		return pw_slot_next(&pw_format_##name, space, va, last, place);                  \
	}                                                                                        \
	static int name##_slot_base(struct pw_slot_visit *visit, unsigned char *table, pw_va va, \
				    pw_va last)                                                  \
	{                                                                                        \
		return pw_slot_base(&pw_format_##name, visit, table, va, last,                   \
				    name##_slot_decode);                                         \
	}

#define PW_EDITOR(name)                                    \
	PW_EDITOR_PARTS(name)                              \
	PW_EDITOR_OPERATION(name, map, PW_MAP)             \
	PW_EDITOR_OPERATION(name, unmap, PW_UNMAP)         \
	PW_EDITOR_OPERATION(name, protect, PW_PROTECT)     \
	PW_EDITOR_ALL(name, split, PW_SPLIT)               \
	PW_EDITOR_ALL(name, collapse, PW_COLLAPSE)         \
	PW_SLOTS(name)                                     \
	static const struct pw_editor pw_editor_##name = { \
		.map = name##_map,                         \
		.unmap = name##_unmap,                     \
		.protect = name##_protect,                 \
		.split = name##_split_all,                 \
		.collapse = name##_collapse_all,           \
		.page = name##_edit_page,                  \
		.install = name##_edit_install,            \
		.ungroup = name##_edit_ungroup,            \
		.slot_decode = name##_slot_decode,         \
		.slot_find = name##_slot_find,             \
		.slot_next = name##_slot_next,             \
		.slot_base = name##_slot_base,             \
	}

#endif
