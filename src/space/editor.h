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
 * Does the entry of a higher level at edit->va, whose value is @e, or several from there on; edit->va is then in
 * the last of them. With PW_EDIT_DOWN, *below is the table; *retired: it was taken out.
 */
PW_INLINE int pw_editor_upper(const struct pw_format *f, enum pw_operation what,
			      struct pw_edit *edit, unsigned level, struct pw_place *place,
			      uint64_t e, pw_pa *below, bool *retired)
{
	switch (what) {
	case PW_MAP:
		return pw_map_upper(f, edit, level, place, e, below);
	case PW_UNMAP:
		return pw_unmap_upper(f, edit, level, place, e, below, retired);
	case PW_PROTECT:
		return pw_protect_upper(f, edit, level, place, e, below);
	case PW_SPLIT:
		return pw_split_upper(f, edit, level, place, e, below);
	case PW_COLLAPSE:
		break;
	}
	return pw_collapse_upper(f, edit, level, e, below);
}

/*
 * One turn straight down: if the entry of @level at edit->va leads to a table, and does not lie in the range as
 * a whole, then every operation goes into that table, and leaves the entry as it is. Fills the place below, or
 * returns false. *e is the entry's value.
 */
PW_INLINE bool pw_edit_down(const struct pw_format *f, const struct pw_edit *edit, unsigned level,
			    struct pw_place *path, uint64_t *e)
{
	const struct pw_regime *r = edit->regime;
	const pw_va covered = pw_mask(f->shift[level]);
	const pw_va first = edit->va & ~covered, last = edit->va | covered;
	pw_pa table;

	*e = pw_edit_load(f, pw_edit_entry(f, &path[level], level, edit->va));
	if ((first >= edit->first && last <= edit->last) || f->kind(f, r, level, *e) != PW_TABLE)
		return false;
	table = f->table(f, r, level, *e);
	path[level - 1] = (struct pw_place){
		.host = pw_table_host(edit->space, table),
		.table = table,
		.last = pw_min(last, path[level].last),
		.bytes = edit->bytes,
	};
	return true;
}

/*
 * From the top straight down, with a constant level in each turn: small ranges have most of their turns here.
 * Returns the level of the last place that was filled. If that is not level 0, *e is the value of its entry at
 * edit->va.
 */
PW_INLINE unsigned pw_edit_descend(const struct pw_format *f, const struct pw_edit *edit,
				   unsigned top, struct pw_place *path, uint64_t *e)
{
	unsigned reached = top;

	PW_UNROLL
	for (unsigned level = f->levels - 1u; level > 0; level--) {
		if (f->dynamic_top && level > top)
			continue;
		if (!pw_edit_down(f, edit, level, path, e))
			break;
		reached = level - 1;
	}
	return reached;
}

PW_INLINE int pw_edit_span(const struct pw_format *f, enum pw_operation what, struct pw_edit *edit,
			   const struct pw_span *span, const pw_va last)
{
	/* A place is filled before it is read; compilers do not see that for every format. */
	struct pw_place path[PW_MAX_LEVELS] = { 0 };
	const unsigned top = pw_top(f, span);
	unsigned level, reached;
	uint64_t e = 0; /* if @loaded, the value of path[level]'s entry at edit->va */
	bool loaded;

	path[top] = (struct pw_place){
		.host = pw_table_host(edit->space, span->table),
		.table = span->table,
		.last = last,
	};
	level = reached = pw_edit_descend(f, edit, top, path, &e);
	loaded = level > 0;
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

			if (!loaded)
				e = pw_edit_load(f,
						 pw_edit_entry(f, &path[level], level, edit->va));
			loaded = false;
			next = pw_editor_upper(f, what, edit, level, &path[level], e, &below.table,
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
		/* Of the entries that led straight down, none lies in the range: at its end they stay. */
		while (level < (done == last ? reached : top) && done == path[level].last) {
			const struct pw_place *left = &path[level++];

			if (what == PW_COLLAPSE)
				pw_collapse_leave(f, edit, level,
						  pw_edit_entry(f, &path[level], level, done),
						  left);
			if (left->retired)
				pw_gather_add(edit->space, level - 1, left->table);
		}
		reached = level > reached ? level : reached;
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
