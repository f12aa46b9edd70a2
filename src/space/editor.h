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

/*
 * Does the entries of a level-0 table, which is at @host, from edit->va to @last. @retired: the table was taken out.
 * A function of its own in each instance, for the walk from the top and the straight way alike.
 */
typedef int pw_edit_base_fn(struct pw_edit *edit, unsigned char *host, pw_va last, bool retired);

/* That function. @what is a constant. */
PW_INLINE int pw_editor_base(const struct pw_format *f, enum pw_operation what,
			     struct pw_edit *edit, unsigned char *host, pw_va last, bool retired)
{
	struct pw_place place = { .host = host, .last = last, .retired = retired };

	switch (what) {
	case PW_MAP:
		return pw_map_base(f, edit, &place);
	case PW_UNMAP:
		return pw_unmap_base(f, edit, &place);
	case PW_PROTECT:
		return pw_protect_base(f, edit, &place);
	case PW_SPLIT:
		return pw_split_base(f, edit, &place);
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
 * The level-0 table in which all of the range lies, if the range is only a part of it. Then no operation changes
 * any entry above. NULL: the range is larger, or a table is missing on the way; pw_edit_all begins at the top then.
 */
PW_INLINE unsigned char *pw_edit_table(const struct pw_format *f, const struct pw_edit *edit)
{
	const pw_va covered = pw_mask(f->shift[0] + f->bits[0]);
	const struct pw_regime *r = edit->regime;
	struct pw_place place;

	if (!edit->span || ((edit->first ^ edit->last) & ~covered) ||
	    !((edit->first | ~edit->last) & covered))
		return NULL;
	place.host = pw_table_host(edit->space, edit->span->table);
	PW_UNROLL
	for (unsigned level = f->levels - 1u; level > 0; level--) {
		uint64_t e;

		if (f->dynamic_top && level > edit->span->top)
			continue;
		e = pw_edit_load(f, pw_edit_entry(f, &place, level, edit->first));
		if (PW_UNLIKELY(!pw_entry_plain(f, r, level, e) &&
				f->kind(f, r, level, e) != PW_TABLE))
			return NULL;
		place.host = pw_table_host(edit->space, f->table(f, r, level, e));
	}
	return place.host;
}

PW_INLINE int pw_edit_span(const struct pw_format *f, enum pw_operation what, struct pw_edit *edit,
			   const struct pw_span *span, const pw_va last, pw_edit_base_fn *base)
{
	/* A place is filled before it is read; compilers do not see that for every format. */
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
			next = base(edit, path[0].host, path[0].last, path[0].retired);
			done = path[0].last;
		} else {
			struct pw_place below = { 0 };
			uint64_t e = pw_edit_load(f,
						  pw_edit_entry(f, &path[level], level, edit->va));

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
PW_INLINE int pw_edit_all(const struct pw_format *f, enum pw_operation what, struct pw_edit *edit,
			  pw_edit_base_fn *base)
{
	const struct pw_regime *r = edit->regime;

	PW_MUST_BE_CONSTANT(f->shift[0]);
	for (unsigned i = 0; i < r->spans; i++) {
		const struct pw_span *span = &r->span[i];
		int error;

		if (edit->last < span->first || edit->first > span->last)
			continue;
		edit->va = edit->first > span->first ? edit->first : span->first;
		error = pw_edit_span(f, what, edit, span, pw_min(edit->last, span->last), base);
		if (error)
			return error;
	}
	return 0;
}

#endif
