/* SPDX-License-Identifier: MIT */
/*
 * The walk of an editor, the same for every operation. It is compiled per format and operation
 * (instance.h), like the readers' walks.
 *
 * The walk goes over va..last from left to right and stays in a table as long as it can, instead of
 * starting from the top for each page. Leaves that stand side by side are done in one go, on every level. At
 * each entry the operation decides:
 *
 *     entry     table of level n             what an operation may do there
 *     +----+    +----+----+----+--
 *     |  --+--->|    |    |    |             do the entry as a whole (PW_EDIT_NEXT), or
 *     +----+    +----+----+----+--           make sure that a table is behind it, and go
 *                 ^                          down there (PW_EDIT_DOWN)
 *                 va
 */
#ifndef PW_SPACE_EDITOR_H
#define PW_SPACE_EDITOR_H

#include "space/operations.h"

enum pw_operation { PW_MAP, PW_UNMAP, PW_PROTECT, PW_SPLIT, PW_COLLAPSE };

/* Does all entries of a level-0 table that the range covers. @what is a constant. */
PW_INLINE int pw_editor_base(const struct pw_format *f, enum pw_operation what,
			     struct pw_edit *edit, struct pw_place *place)
{
	switch (what) {
	case PW_MAP:
		return pw_map_base(f, edit, place);
	case PW_UNMAP:
		return pw_unmap_base(f, edit, place);
	case PW_PROTECT:
		return pw_protect_base(f, edit, place);
	case PW_SPLIT:
		return pw_split_base(f, edit, place);
	case PW_COLLAPSE:
		break;
	}
	return PW_EDIT_NEXT;
}

/*
 * Does the entry of a higher level at edit->va, or several from there on; edit->va is then in the last of
 * them. With PW_EDIT_DOWN, *below is the table; *retired: it was taken out.
 */
PW_INLINE int pw_editor_upper(const struct pw_format *f, enum pw_operation what,
			      struct pw_edit *edit, unsigned level, struct pw_place *place,
			      pw_pa *below, bool *retired)
{
	switch (what) {
	case PW_MAP:
		return pw_map_upper(f, edit, level, place, below);
	case PW_UNMAP:
		return pw_unmap_upper(f, edit, level, place, below, retired);
	case PW_PROTECT:
		return pw_protect_upper(f, edit, level, place, below);
	case PW_SPLIT:
		return pw_split_upper(f, edit, level, place, below);
	case PW_COLLAPSE:
		break;
	}
	return pw_collapse_upper(f, edit, level, place, below);
}

PW_INLINE int pw_edit_span(const struct pw_format *f, enum pw_operation what, struct pw_edit *edit,
			   const struct pw_span *span, const pw_va last)
{
	struct pw_place path[PW_MAX_LEVELS] = { 0 };
	const unsigned top = pw_top(f, span);
	unsigned level = top;

	path[top] = (struct pw_place){
		.host = pw_table_host(edit->space, span->table),
		.table = span->table,
		.last = last,
	};
	for (;;) {
		pw_va done;
		int next;

		/*
		 * Step invariant: path[level] is the table of this level that covers edit->va. Each was
		 * reached by a value that was loaded (or stored) once.
		 */
		if (level == 0) {
			next = pw_editor_base(f, what, edit, &path[0]);
			done = path[0].last;
		} else {
			struct pw_place below = { 0 };

			next = pw_editor_upper(f, what, edit, level, &path[level], &below.table,
					       &below.retired);
			done = pw_min(edit->va | pw_mask(f->shift[level]), path[level].last);
			if (next == PW_EDIT_DOWN) {
				below.host = pw_table_host(edit->space, below.table);
				below.last = done;
				if (what == PW_COLLAPSE)
					below.bytes = edit->bytes;
				path[--level] = below;
				continue;
			}
		}
		if (next < 0)
			return next;
		while (level < top && done == path[level].last) {
			const struct pw_place *left = &path[level++];

			if (what == PW_COLLAPSE)
				pw_collapse_leave(f, edit, level,
						  pw_edit_entry(f, &path[level], level, done),
						  left);
			if (left->retired)
				pw_gather_add(edit->space, level - 1, left->table);
		}
		edit->va = done + 1;
		if (done == last)
			return 0;
	}
}

/*
 * Runs an operation over the part of edit->first..edit->last that the regime's spans cover. On an error,
 * edit->va is where it stopped: everything before that is done.
 */
PW_INLINE int pw_edit_all(const struct pw_format *f, enum pw_operation what, struct pw_edit *edit)
{
	const struct pw_regime *r = edit->regime;

	PW_MUST_BE_CONSTANT(f->shift[0]);
	for (unsigned i = 0; i < r->spans; i++) {
		const struct pw_span *span = &r->span[i];
		int error;

		if (edit->last < span->first || edit->first > span->last)
			continue;
		edit->va = edit->first > span->first ? edit->first : span->first;
		error = pw_edit_span(f, what, edit, span, pw_min(edit->last, span->last));
		if (error)
			return error;
	}
	return 0;
}

#endif
