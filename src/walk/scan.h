/* SPDX-License-Identifier: MIT */
/*
 * Ranges: every entry of first..last once, in address order, merged into runs of alike pages.
 *
 * There is no recursion. A cursor keeps the tables on the way from the root to va, the address whose
 * entry is read next, as a stack:
 *
 *        path[0]             path[1]             path[2] = here
 *       +-------+      ,--->+-------+      ,--->+-------+
 *       | ##### |      |    | ##### |      |    | ##### |     ##### reported
 *       | ##### |      |    | ##### |      |    | ##### |
 *       |   *---+------'    | ##### |      |    |  va   | <-- read next
 *       |       |           |   *---+------'    |       |  a
 *       |       | c         |       | b         |       |  |
 *       +-------+           +-------+           +-------+  v
 *        last                last                last
 *
 * Going down pushes the table behind an entry, going up pops those that end. Tables of base pages,
 * where nearly all of the time goes, are read with the level as a constant.
 */
#ifndef PW_WALK_SCAN_H
#define PW_WALK_SCAN_H

#include "walk/ahead.h"

/* The answer of a scan's owner about a table that is about to be entered. */
enum pw_visit {
	PW_VISIT_WALK,
	PW_VISIT_EMPTY, /* known to hold no page */
	PW_VISIT_SHARED, /* met before; not again */
	PW_VISIT_STOP,
};

/* A table being read. */
struct pw_scan_table {
	struct pw_table_at at;
	uint32_t first_index, last_index; /* entries that exist; the first beyond the last: none */
	pw_va last; /* last of the scan's addresses that it covers */
	uint64_t pages; /* pages met before it was entered */
	uint8_t parent; /* level of the table above */
	bool whole; /* all that it covers is scanned: it was entered at its first address */
};

/* Where a scan stands; everything else is rebuilt from the root when it goes on. */
struct pw_scan_position {
	pw_va next, last;
	uint64_t entries;
	bool holes, done;
	bool aliases; /* list spans that show the same mappings as another, too */
	const struct pw_memory *memory; /* set by pw_scan_ranges; may be NULL */
	/*
	 * Called once per table, never per entry. @first is the first address that the table
	 * covers, @entries how many entries of it lie in the scanned range. For PW_VISIT_SHARED,
	 * *twin says where it was met before.
	 */
	enum pw_visit (*enter)(struct pw_scan_position *position, const struct pw_scan_table *table,
			       pw_va first, uint64_t entries, pw_va *twin);
	/* Called after a table was read from its first to its last entry; had it any page? */
	void (*leave)(struct pw_scan_position *position, const struct pw_scan_table *table,
		      bool empty);
	struct pw_scan_met met;
};

/* Calls the scanner once for this memory and regime. pw_scan_next consists of such calls. */
size_t pw_scan_ranges(const struct pw_memory *memory, const struct pw_regime *regime,
		      struct pw_scan_position *position, struct pw_range *range, size_t count);

/*
 * The entry at @at, for @va, is not in the memory: the last address, up to @stop, that this one or one of
 * the @more entries behind it is for, as far as these are not in the memory, either. Tables of hostile
 * images can all be outside; each is then one step.
 */
pw_va pw_scan_missing(const struct pw_scan_position *position, pw_pa at, unsigned entry_lg2,
		      uint32_t more, pw_va va, unsigned shift, pw_va stop);

/* Where a scan reads. */
struct pw_cursor {
	struct pw_scan_position *position;
	struct pw_runs *runs;
	struct pw_scan_table *path, *here; /* bottom and top of the stack */
	pw_va va;
};

/* What a scan does next. */
enum pw_scan_next {
	PW_NEXT_OPEN, /* all entries that could be loaded at once are read: open the rest */
	PW_NEXT_READ, /* a table below was entered: read that */
	PW_NEXT_UP, /* the table is reported up to its last address */
	PW_NEXT_RETURN, /* no room, or the owner said stop: everything before va is reported */
};

/* Finds the entries that the table behind an entry has. On s390 the entry says so. */
PW_INLINE void pw_scan_extent(const struct pw_format *f, const struct pw_regime *r,
			      struct pw_scan_table *below)
{
	const unsigned level = below->at.level;

	below->first_index = 0;
	below->last_index = (uint32_t)pw_mask(below->at.bits);
	if (!f->admits)
		return;
	while (below->first_index <= below->last_index &&
	       !pw_index_admitted(f, r, level, &below->at, below->first_index))
		below->first_index++;
	while (below->first_index < below->last_index &&
	       !pw_index_admitted(f, r, level, &below->at, below->last_index))
		below->last_index--;
}

/* Down into the table that @turn found, unless its owner says otherwise. */
PW_INLINE enum pw_visit pw_cursor_down(const struct pw_format *f, const struct pw_regime *r,
				       struct pw_cursor *cursor, const struct pw_turn *turn,
				       pw_va *twin)
{
	struct pw_scan_position *position = cursor->position;
	const pw_va va = cursor->va, covers = pw_table_covers(&turn->below);
	/* The table may cover less than the entry does, from the first address on. */
	const pw_va first = va & ~pw_mask(turn->lg2), end = first | covers;
	struct pw_scan_table below = {
		.at = turn->below,
		.last = pw_min(end, cursor->here->last),
		.pages = cursor->runs->pages,
		.parent = (uint8_t)turn->level,
		.whole = va == first && end <= cursor->here->last,
	};
	uint64_t entries = ((below.last - va) >> below.at.shift) + 1;
	enum pw_visit visit;

	pw_scan_extent(f, r, &below);
	visit = position->enter(position, &below, first, entries, twin);
	if (visit == PW_VISIT_WALK)
		*++cursor->here = below;
	return visit;
}

/* Up from a table that is read, past all those above that end with it. False: all of them do. */
PW_INLINE bool pw_cursor_up(struct pw_cursor *cursor)
{
	const pw_va last = cursor->here->last;

	while (cursor->here > cursor->path && cursor->here->last == last) {
		struct pw_scan_table *here = cursor->here--;

		if (here->whole)
			cursor->position->leave(cursor->position, here,
						here->pages == cursor->runs->pages);
	}
	cursor->va = last + 1;
	return cursor->here->last != last;
}

/* The reason that is reported for addresses behind a table that is not entered. */
PW_INLINE enum pw_status pw_visit_status(enum pw_visit visit)
{
	return visit == PW_VISIT_SHARED ? PW_SHARED : PW_NONE;
}

/* Is it worth reading on from @turn, at @va in a table of this shift? */
PW_INLINE bool pw_scan_may_repeat(const struct pw_runs *runs, const struct pw_turn *turn, pw_va va,
				  unsigned shift)
{
	/* Where a page has just been added to a run, more of it may follow. */
	if (turn->kind == PW_LEAF)
		return turn->level == 0 && turn->lg2 == shift && runs->run->first != va;
	/* Reasons that follow from an entry's value and say nothing of a page behind it. */
	return turn->kind == PW_HOLE && (turn->status == PW_NONE || turn->status == PW_MALFORMED);
}

/*
 * Reads the entries of @slots, of which the first is that of va. @level is that of the table, as a
 * constant where the caller has one.
 */
PW_INLINE enum pw_scan_next pw_scan_slots(const struct pw_format *f, const struct pw_access *a,
					  void *context, const struct pw_regime *r, unsigned level,
					  struct pw_cursor *cursor, struct pw_slots slots)
{
	const struct pw_table_at here = cursor->here->at;
	const unsigned shift = pw_table_shift(f, &here, level);
	const pw_va stop = cursor->here->last;
	uint64_t entry = pw_entry_load(f, a, context, slots.host, slots.at);
	struct pw_scan_met *met = &cursor->position->met;

	for (;;) {
		/* Step invariant: `entry` was loaded once, from the entry of `here` that va selects. */
		pw_va last = pw_min(cursor->va | pw_mask(shift), stop), twin = 0;
		struct pw_scan_ahead ahead = { 0 };
		struct pw_turn turn;

		cursor->position->entries++;
		turn = pw_turn_decide(f, r, level, &here, cursor->va, entry);
		if (pw_turn_descends(&turn)) {
			enum pw_visit visit = pw_cursor_down(f, r, cursor, &turn, &twin);

			if (visit == PW_VISIT_WALK)
				return PW_NEXT_READ;
			if (visit == PW_VISIT_STOP)
				return PW_NEXT_RETURN;
			turn.status = pw_visit_status(visit);
		}
		if (PW_UNLIKELY(!pw_runs_add(cursor->runs, &turn, cursor->va, last, twin)))
			return PW_NEXT_RETURN;
		if (pw_scan_may_repeat(cursor->runs, &turn, cursor->va, shift))
			ahead = pw_scan_alike(f, a, context, r, &turn, &slots);
		else if (pw_scan_may_scatter(f, r, &turn, shift, here.keep, met))
			ahead = pw_scan_pages(f, a, context, r, shift, cursor->va, &slots, met,
					      cursor->runs);
		if (ahead.alike > 0) {
			last = pw_min(last + ((pw_va)ahead.alike << shift), stop);
			cursor->position->entries += ahead.alike;
			pw_runs_grow(cursor->runs, last, turn.kind == PW_LEAF ? ahead.alike : 0);
		}
		if (last == stop)
			return PW_NEXT_UP;
		cursor->va = last + 1;
		if (slots.entries == 1 + ahead.alike)
			return PW_NEXT_OPEN;
		pw_slots_move(f, &slots, 1 + ahead.alike);
		entry = ahead.loaded ? ahead.entry
				     : pw_entry_load(f, a, context, slots.host, slots.at);
	}
}

/* Reports that the entry of va cannot be loaded, and those behind it that cannot either. */
PW_INLINE enum pw_scan_next pw_scan_refused(const struct pw_format *f, unsigned level,
					    struct pw_cursor *cursor, const struct pw_slots *slots,
					    enum pw_status status)
{
	const struct pw_scan_table *here = cursor->here;
	struct pw_turn turn = pw_turn_refused(f, level, &here->at, status);
	pw_va last = pw_min(cursor->va | pw_mask(turn.lg2), here->last);

	/* Trying counts as well. */
	cursor->position->entries++;
	if (status == PW_OUTSIDE)
		last = pw_scan_missing(cursor->position, slots->at, f->entry_lg2,
				       here->last_index - slots->index, cursor->va, turn.lg2,
				       here->last);
	if (!pw_runs_hole(cursor->runs, &turn, cursor->va, last, 0))
		return PW_NEXT_RETURN;
	if (last == here->last)
		return PW_NEXT_UP;
	cursor->va = last + 1;
	return PW_NEXT_OPEN;
}

/* Reads the table that the cursor stands in, of @level, from va on. */
PW_INLINE enum pw_scan_next pw_scan_read(const struct pw_format *f, const struct pw_access *a,
					 void *context, const struct pw_regime *r, unsigned level,
					 struct pw_cursor *cursor)
{
	const struct pw_scan_table *here = cursor->here;
	const unsigned shift = pw_table_shift(f, &here->at, level);
	enum pw_scan_next next;

	do {
		struct pw_slots slots = {
			.entries = (size_t)((here->last >> shift) - (cursor->va >> shift)) + 1,
		};
		enum pw_status status = pw_turn_open(f, a, context, r, level, &here->at, cursor->va,
						     &slots);

		if (PW_LIKELY(status == PW_OK)) {
			pw_slots_limit(f, &slots, here->last_index);
			next = pw_scan_slots(f, a, context, r, level, cursor, slots);
		} else {
			next = pw_scan_refused(f, level, cursor, &slots, status);
		}
	} while (next == PW_NEXT_OPEN);
	return next;
}

/*
 * Scans position->next..@last, which @span translates. False: there is no room, or the owner said
 * stop.
 */
PW_INLINE bool pw_scan_span(const struct pw_format *f, const struct pw_access *a, void *context,
			    const struct pw_regime *r, const struct pw_span *span, pw_va last,
			    struct pw_scan_position *position, struct pw_runs *runs)
{
	struct pw_scan_table path[PW_MAX_LEVELS];
	struct pw_cursor cursor = {
		.position = position,
		.runs = runs,
		.path = path,
		.here = path,
		.va = position->next,
	};

	path[0] = (struct pw_scan_table){
		.at = pw_table_top(f, span),
		.last_index = span->top_last,
		.last = last,
		.parent = (uint8_t)pw_top(f, span),
	};
	for (;;) {
		const unsigned level = cursor.here->at.level;
		enum pw_scan_next next;

		/*
		 * Invariant, with path[n] = here:
		 *
		 *   first..last = first..va - 1                               reported
		 *               + va..path[n].last                            a: rest of this table
		 *               + path[n].last + 1..path[n - 1].last          b: rest of the one above
		 *               + ... + path[1].last + 1..path[0].last        c: and so on
		 *
		 *   path[i + 1] = the table behind entry(path[i], index(va)), which was loaded once
		 */
		assert(cursor.va <= cursor.here->last);
		if (level == 0)
			next = pw_scan_read(f, a, context, r, 0, &cursor);
		else
			next = pw_scan_read(f, a, context, r, level, &cursor);
		if (next == PW_NEXT_RETURN) {
			position->next = cursor.va;
			return false;
		}
		if (next == PW_NEXT_UP && !pw_cursor_up(&cursor))
			return true;
	}
}

/* Everything up to @last is reported. Returns whether that is not all. */
PW_INLINE bool pw_scan_advance(struct pw_scan_position *position, pw_va last)
{
	position->done = last == position->last;
	if (!position->done)
		position->next = last + 1;
	return !position->done;
}

/* Reports position->next..@last, which no span translates. Returns whether to go on. */
PW_INLINE bool pw_scan_gap(const struct pw_format *f, struct pw_scan_position *position,
			   struct pw_runs *runs, pw_va last)
{
	struct pw_turn nowhere = pw_turn_nowhere(f);

	return pw_runs_hole(runs, &nowhere, position->next, last, 0) &&
	       pw_scan_advance(position, last);
}

/* Fills @range from position->next on. Returns how many, 0 at the end. */
PW_INLINE size_t pw_walk_scan(const struct pw_format *f, const struct pw_access *a, void *context,
			      const struct pw_regime *r, struct pw_scan_position *position,
			      struct pw_range *range, size_t count)
{
	struct pw_runs runs = { .range = range, .count = count, .holes = position->holes };
	bool more = !position->done;

	PW_MUST_BE_CONSTANT(f->shift[0]);
	for (unsigned i = 0; i < r->spans && more; i++) {
		const struct pw_span *span = &r->span[i];
		pw_va last = pw_min(position->last, span->last);

		if (span->last < position->next || (span->alias && !position->aliases))
			continue;
		if (position->next < span->first)
			more = pw_scan_gap(f, position, &runs,
					   pw_min(position->last, span->first - 1));
		if (more)
			more = pw_scan_span(f, a, context, r, span, last, position, &runs) &&
			       pw_scan_advance(position, last);
	}
	if (more)
		pw_scan_gap(f, position, &runs, position->last);
	pw_runs_end(&runs);
	return runs.used;
}

#endif
