/* SPDX-License-Identifier: MIT */
/*
 * The fast walk: get_user_pages_fast of the kernel (mm/gup.c, gup_fast_pgd_range and below), over
 * tables that others edit meanwhile. It runs inside a reader's section, so that no table that it meets is
 * freed; but the table's entries may be stale. Therefore a page is taken in this order:
 *
 *     reader                                          editor that unmaps, collapses, frees
 *     ------                                          ------------------------------------
 *  1  load the leaf, once; is the access permitted?
 *  2  take the folio, unless its count is zero
 *     (a full barrier: rules.h, folio.h)              clear the leaf, or the entry above it
 *  3  load the entry above again, then the leaf:      drop its own reference
 *     as they were? else put the folio back           free the page at zero, the tables after
 *                                                     the readers have left
 *
 * If at 3 the entries are as they were, the page was mapped while the reader already held it, so it cannot
 * have been freed in between. The entry above matters because a table can be taken out with its entries
 * still in it: khugepaged does that (commit 70cbc3cc78a9). In the kernel it is a table of base pages;
 * pw_space_collapse also replaces large pages by a larger one, so large leaves are treated alike.
 *
 * The entry above comes first. An owner may empty it, look at the pins, change leaves, and put the same table
 * back, as the kernel does where it collapses a part of a table. In the other order, a reader could find the
 * leaf before that change, and the entry above after it was put back.
 *
 * No entry leads to the top table; the word `now` of the space does (space/space.h). Where the top can
 * grow, step 3 loads that word again for a leaf of the top table. As soon as there is a higher top, one of
 * its entries leads here, and the old top can be taken out like any other table.
 *
 * The loads of step 3 are sequentially consistent, as the taking of the folio is. Partner: pw_edit_settle
 * (space/edit.h), a full barrier between an editor's stores and its caller's look at the pins. Either the
 * reader sees that the entry changed, or the caller sees the pin.
 *
 * At the first doubt the walk stops; it never skips a page.
 *
 * Nearly all pages are folios of their own, behind leaves of single pages. pw_pin_small takes one of these, and pw_pin_folio
 * any part of any folio. Both keep the order above by the same functions: pw_folio_take_once, pw_pin_held, pw_pin_settle.
 */
#ifndef PW_PIN_FAST_H
#define PW_PIN_FAST_H

#include "access/publish.h"
#include "pin/pin.h"
#include "pin/rules.h"
#include "walk/step.h"

/* An entry: where it is, and the value that was loaded. */
struct pw_seen {
	const unsigned char *entry;
	uint64_t value;
};

/* A table on the way down. */
struct pw_pin_place {
	const unsigned char *host;
	struct pw_seen above; /* the entry that led here; its `entry` is NULL for the top */
	pw_va last; /* the last address of the asked range that the table covers */
};

PW_INLINE uint64_t pw_pin_load(const struct pw_format *f, const unsigned char *entry)
{
	return pw_publish_load(entry, f->entry_lg2, f->big_endian);
}

/* Is the entry as it was? It is loaded with the same width as the first time: halves must not be compared. */
PW_INLINE bool pw_pin_same(const struct pw_format *f, const struct pw_seen *seen)
{
	return pw_publish_load_again(seen->entry, f->entry_lg2, f->big_endian) == seen->value;
}

/* The address of the next entry: next to the entry in its table, never next to a copy (doc/folding.md). */
PW_INLINE const unsigned char *pw_pin_next(const struct pw_format *f, const struct pw_seen *seen)
{
	if (pw_mutant(PW_MUTANT_STACK_COPY))
		return (const unsigned char *)&seen->value;
	return seen->entry + pw_entry_bytes(f);
}

/* Is the leaf's table, to which no entry led, still the top table? */
PW_INLINE bool pw_pin_still_top(const struct pw_format *f, const struct pw_pin *pin)
{
	return !f->dynamic_top || pw_space_now_again(pin->space) == pin->regime ||
	       pw_mutant(PW_MUTANT_NO_TOP_RECHECK);
}

/* Is the leaf as it was, and also the entry or the word that led to its table? @above is NULL for the top. */
PW_INLINE bool pw_pin_unchanged(const struct pw_format *f, const struct pw_pin *pin,
				const struct pw_seen *leaf, const struct pw_seen *above)
{
	const bool still = above ? pw_pin_same(f, above) || pw_mutant(PW_MUTANT_NO_UPPER_RECHECK)
				 : pw_pin_still_top(f, pin);

	return PW_LIKELY(still) &&
	       PW_LIKELY(pw_pin_same(f, leaf) || pw_mutant(PW_MUTANT_NO_LEAF_RECHECK));
}

/*
 * May the @pages pages from @frame on be kept? They were just taken from the folio of @head; @leaf maps them, and left
 * @doubts (pw_pin_doubts). Returns PW_STOP_DONE, or the reason why not.
 */
PW_INLINE enum pw_stop pw_pin_held(const struct pw_format *f, const struct pw_pin *pin,
				   const struct pw_seen *leaf, const struct pw_seen *above,
				   uint32_t doubts, uint32_t head, uint32_t frame, uint32_t pages)
{
	if (PW_UNLIKELY(!pw_pin_unchanged(f, pin, leaf, above)))
		return PW_STOP_CHANGED;
	return pw_pin_may_keep(pin, doubts, head, frame, pages);
}

/* Gives back what pw_pin_grab took, unless @stop says that it is kept. Returns @stop. */
PW_INLINE enum pw_stop pw_pin_settle(const struct pw_pin *pin, enum pw_stop stop, uint32_t frame,
				     uint32_t pages)
{
	if (PW_UNLIKELY(stop != PW_STOP_DONE) && !pw_mutant(PW_MUTANT_NO_UNDO))
		pw_folio_give_back(pin->arena, frame, pages, !(pin->flags & PW_PIN_GET));
	return stop;
}

/*
 * Takes the part of @pa..@pa + @bytes - 1 that lies in the folio of @pa; *taken is its size. @leaf maps it, and
 * left @doubts; @above led to the leaf's table, or is NULL for the top.
 */
PW_INLINE enum pw_stop pw_pin_folio(const struct pw_format *f, struct pw_pin *pin,
				    const struct pw_seen *leaf, const struct pw_seen *above,
				    uint32_t doubts, pw_pa pa, uint64_t bytes, uint64_t *taken)
{
	struct pw_arena *arena = pin->arena;
	const unsigned page_lg2 = f->shift[0]; /* the arena's as well: pw_space_create */
	uint64_t offset = pa - arena->base;
	uint32_t frame = (uint32_t)(offset >> page_lg2), pages = 1, head;
	enum pw_stop stop;

	if (PW_UNLIKELY(offset >= arena->bytes))
		return PW_STOP_OUTSIDE;
	if (bytes >> page_lg2 > 1) {
		uint32_t rest = pw_folio_rest(arena, frame);

		pages = bytes >> page_lg2 < rest ? (uint32_t)(bytes >> page_lg2) : rest;
	}
	*taken = (uint64_t)pages << page_lg2;
	if (PW_UNLIKELY(!pw_pin_grab(pin, frame, pages, &head)))
		return PW_STOP_GONE;
	/* If the folio was split between the look at its size and the grab, only a part of it is held. */
	if (PW_UNLIKELY(pages > 1 && pages > pw_folio_rest(arena, frame)) &&
	    !pw_mutant(PW_MUTANT_SIZE_BEFORE))
		stop = PW_STOP_CHANGED;
	else
		stop = pw_pin_held(f, pin, leaf, above, doubts, head, frame, pages);
	if (PW_LIKELY(stop == PW_STOP_DONE))
		stop = pw_pin_keep(pin, head, pa, *taken, page_lg2);
	return pw_pin_settle(pin, stop, frame, pages);
}

/*
 * Is this entry of @level a leaf, and does it permit pinning? Returns PW_STOP_DONE and fills *doubts, or
 * returns the reason why not.
 */
PW_INLINE enum pw_stop pw_pin_look(const struct pw_format *f, const struct pw_pin *pin,
				   unsigned level, uint64_t e, uint32_t *doubts)
{
	const struct pw_regime *r = pin->regime;
	uint32_t attr;

	if (PW_UNLIKELY(f->kind(f, r, level, e) != PW_LEAF)) {
		pw_pa page = 0;

		return f->hole(f, r, level, e, &page) == PW_PROT_NONE ? PW_STOP_PROT_NONE
								      : PW_STOP_NONE;
	}
	/* Pins need no more of the attributes, so a compiler decodes no more. */
	attr = pw_attr_of_leaf(f, r, level, e, true) & (PW_READ | PW_WRITE | PW_USER);
	attr |= f->attr(f, r, level, e) & PW_SPECIAL;
	if (PW_UNLIKELY(!pw_pin_permits(pin, attr)) && !pw_mutant(PW_MUTANT_NO_ACCESS))
		return PW_STOP_ACCESS;
	if (PW_UNLIKELY(attr & PW_SPECIAL) && !pw_mutant(PW_MUTANT_NO_SPECIAL))
		return PW_STOP_SPECIAL;
	*doubts = pw_pin_doubts(pin, attr);
	return PW_STOP_DONE;
}

/* Does the leaf @e of level 0 map one base page, rather than a part of a larger one? */
PW_INLINE bool pw_pin_single(const struct pw_format *f, const struct pw_pin *pin, uint64_t e)
{
	return pw_leaf_lg2(f, pin->regime, 0, f->shift[0], e) == f->shift[0];
}

/*
 * As pw_pin_look for @e of level 0. The reader remembers the kind of leaf that it met last: leaves of a space that differ
 * only in the page have the same rights (pw_leaf_rest), and most leaves of a space are alike.
 */
PW_INLINE enum pw_stop pw_pin_known(const struct pw_format *f, const struct pw_pin *pin, uint64_t e,
				    uint32_t *doubts)
{
	struct pw_reader *reader = pin->reader;
	enum pw_stop stop;

	if (PW_LIKELY(pw_leaf_rest(f, 0, e) == reader->known.leaf) &&
	    (PW_LIKELY(pin->flags == reader->known.flags) || pw_mutant(PW_MUTANT_KNOWN_FLAGS))) {
		*doubts = reader->known.doubts;
		return PW_STOP_DONE;
	}
	stop = pw_pin_look(f, pin, 0, e, doubts);
	if (stop == PW_STOP_DONE && pw_pin_single(f, pin, e)) {
		reader->known.leaf = pw_leaf_rest(f, 0, e);
		reader->known.flags = pin->flags;
		reader->known.doubts = *doubts;
	}
	return stop;
}

/* The page behind @leaf, of @level; *lg2 is log2 of its size. */
PW_INLINE pw_pa pw_pin_page(const struct pw_format *f, const struct pw_regime *r, unsigned level,
			    const struct pw_seen *leaf, unsigned *lg2)
{
	uint64_t e = leaf->value;

	pw_moment(PW_MOMENT_LEAF_LOADED);
	if (pw_mutant(PW_MUTANT_SECOND_LOAD))
		e = pw_pin_load(f, leaf->entry);
	*lg2 = pw_leaf_lg2(f, r, level, f->shift[level], e);
	return pw_leaf_page(f, r, level, *lg2, e);
}

/* Takes the pages from pin->va to @last, which one leaf of @level maps. It left @doubts. */
PW_INLINE enum pw_stop pw_pin_take(const struct pw_format *f, struct pw_pin *pin, unsigned level,
				   const struct pw_seen *leaf, const struct pw_seen *above,
				   uint32_t doubts, pw_va last)
{
	const pw_va page = pw_mask(f->shift[0]);
	unsigned lg2;
	pw_pa pa = pw_pin_page(f, pin->regime, level, leaf, &lg2);

	/* pin->va is the first address of a base page; in a leaf of that size the offset is 0. */
	pa |= pin->va & pw_mask(lg2) & ~page;
	for (;;) {
		/* At level 0 it is one page; written so that the compiler knows. */
		uint64_t taken, bytes = level == 0 ? page + 1 : last - pin->va + 1;
		enum pw_stop stop = pw_pin_folio(f, pin, leaf, above, doubts, pa, bytes, &taken);

		if (PW_UNLIKELY(stop != PW_STOP_DONE))
			return stop;
		pin->va += taken;
		if (taken == bytes)
			return PW_STOP_DONE;
		pa += taken;
	}
}

/* Is the leaf @e of level 0 like the leaf @first, of a single page, but for the page? Then it has the same rights. */
PW_INLINE bool pw_pin_alike(const struct pw_format *f, uint64_t e, uint64_t first)
{
	return pw_leaf_alike(f, 0, e, first) || pw_mutant(PW_MUTANT_ALL_ALIKE);
}

/* Moves *seen on to the next entry of its table, which is loaded. */
PW_INLINE void pw_pin_step(const struct pw_format *f, struct pw_seen *seen)
{
	seen->entry = pw_pin_next(f, seen);
	seen->value = pw_pin_load(f, seen->entry);
}

/*
 * Takes the page of pin->va, which @leaf, a leaf of a single base page, maps, if that page is a folio of its own. The leaf left
 * @doubts. Returns whether it is, and then in *stop why it was not taken. False: nothing was taken.
 */
PW_INLINE bool pw_pin_small(const struct pw_format *f, struct pw_pin *pin,
			    const struct pw_seen *leaf, const struct pw_seen *above,
			    uint32_t doubts, enum pw_stop *stop)
{
	const uint64_t page = UINT64_C(1) << f->shift[0];
	struct pw_arena *arena = pin->arena;
	unsigned lg2;
	const pw_pa pa = pw_pin_page(f, pin->regime, 0, leaf, &lg2);
	const uint64_t offset = pa - arena->base;
	const uint32_t frame = (uint32_t)(offset >> f->shift[0]);
	enum pw_take take;

	if (PW_UNLIKELY(offset >= arena->bytes) ||
	    PW_UNLIKELY(pw_frame_stored(arena, frame) != PW_STORED_SMALL))
		return false;
	take = pw_folio_take_once(arena, frame, PW_STORED_SMALL, frame,
				  pw_counts_of(0, 1, !(pin->flags & PW_PIN_GET)));
	if (PW_UNLIKELY(take == PW_TAKE_AGAIN))
		return false;
	*stop = PW_STOP_GONE;
	if (PW_UNLIKELY(take == PW_TAKE_NOTHING))
		return true;
	*stop = pw_pin_held(f, pin, leaf, above, doubts, frame, frame, 1);
	if (PW_LIKELY(*stop == PW_STOP_DONE))
		*stop = pw_pin_keep(pin, frame, pa, page, f->shift[0]);
	if (PW_LIKELY(pw_pin_settle(pin, *stop, frame, 1) == PW_STOP_DONE))
		pin->va += page;
	return true;
}

/*
 * Takes pages as for pw_pin_small from pin->va on, whose leaf is *seen. Leaves that are alike have the same rights, so only
 * the first of them is examined. @end: pw_pin_run. Returns whether the run is over, and why in *stop. False: *seen, the
 * leaf of pin->va now, or its folio is of another kind; the leaf is permitted, and left *doubts.
 */
PW_INLINE bool pw_pin_common(const struct pw_format *f, struct pw_pin *pin, struct pw_seen *seen,
			     const struct pw_seen *above, const pw_va end, uint32_t *doubts,
			     enum pw_stop *stop)
{
	for (;;) {
		const uint64_t first = seen->value;

		*stop = pw_pin_known(f, pin, first, doubts);
		if (PW_UNLIKELY(*stop != PW_STOP_DONE))
			return true;
		if (PW_UNLIKELY(!pw_pin_single(f, pin, first)))
			return false;
		do {
			if (PW_UNLIKELY(!pw_pin_small(f, pin, seen, above, *doubts, stop)))
				return false;
			if (PW_UNLIKELY(*stop != PW_STOP_DONE) || pin->va == end)
				return true;
			pw_pin_step(f, seen);
		} while (PW_LIKELY(pw_pin_alike(f, seen->value, first)));
	}
}

/* The leaf of pin->va in @place, a table of level 0; loaded once. */
PW_INLINE struct pw_seen pw_pin_leaf(const struct pw_format *f, const struct pw_pin *pin,
				     const struct pw_pin_place *place)
{
	struct pw_seen seen;

	seen.entry = place->host +
		     ((size_t)pw_index(pin->va, f->shift[0], f->bits[0]) << f->entry_lg2);
	seen.value = pw_pin_load(f, seen.entry);
	return seen;
}

/* The entry that led to @place; NULL if it may be the top. */
PW_INLINE const struct pw_seen *pw_pin_above(const struct pw_format *f,
					     const struct pw_pin_place *place)
{
	return f->dynamic_top && !place->above.entry ? NULL : &place->above;
}

/* Takes the asked pages of a level-0 table from pin->va on. Its entries are leaves or holes. */
PW_INLINE enum pw_stop pw_pin_run(const struct pw_format *f, struct pw_pin *pin,
				  const struct pw_pin_place *place)
{
	const struct pw_pin_place table = *place;
	const struct pw_seen *above = pw_pin_above(f, &table);
	const pw_va end = table.last + 1; /* 0, behind the last page of all */
	struct pw_seen seen = pw_pin_leaf(f, pin, &table);

	for (;;) {
		enum pw_stop stop;
		uint32_t doubts;
		uint64_t first;
		bool single;

		if (PW_LIKELY(pw_pin_common(f, pin, &seen, above, end, &doubts, &stop)))
			return stop;
		first = seen.value;
		single = pw_pin_single(f, pin, first);
		do {
			stop = pw_pin_take(f, pin, 0, &seen, above, doubts, table.last);
			if (PW_UNLIKELY(stop != PW_STOP_DONE) || pin->va == end)
				return stop;
			pw_pin_step(f, &seen);
		} while (single && pw_pin_alike(f, seen.value, first));
	}
}

/* pw_pin_run, compiled for one format. */
typedef enum pw_stop pw_pin_run_fn(struct pw_pin *pin, const struct pw_pin_place *place);

/*
 * Loads the entry of @place, a table of @level above 0, that covers pin->va into *seen. Returns whether it leads to
 * a table; then *below is that table, or *stop says why there is none. @covered: place->last of *below.
 */
PW_INLINE bool pw_pin_descend(const struct pw_format *f, const struct pw_pin *pin, unsigned level,
			      const struct pw_pin_place *place, pw_va covered, struct pw_seen *seen,
			      struct pw_pin_place *below, enum pw_stop *stop)
{
	const struct pw_regime *r = pin->regime;
	pw_pa table;

	seen->entry = place->host +
		      ((size_t)pw_index(pin->va, f->shift[level], f->bits[level]) << f->entry_lg2);
	seen->value = pw_pin_load(f, seen->entry);
	if (!pw_entry_plain(f, r, level, seen->value) &&
	    f->kind(f, r, level, seen->value) != PW_TABLE)
		return false;
	table = f->table(f, r, level, seen->value);
	pw_moment(PW_MOMENT_TABLE_FOUND);
	if (PW_UNLIKELY(!pw_arena_has(pin->arena, table)))
		*stop = PW_STOP_OUTSIDE;
	*below = (struct pw_pin_place){
		.host = pw_arena_at(pin->arena, table),
		.above = *seen,
		.last = covered,
	};
	return true;
}

/* Takes the pages from pin->va to @last, if @leaf, an entry of @level that leads to no table, maps and permits them. */
PW_INLINE enum pw_stop pw_pin_large(const struct pw_format *f, struct pw_pin *pin, unsigned level,
				    const struct pw_seen *leaf, const struct pw_seen *above,
				    pw_va last)
{
	uint32_t doubts;
	enum pw_stop stop = pw_pin_look(f, pin, level, leaf->value, &doubts);

	if (PW_UNLIKELY(stop != PW_STOP_DONE))
		return stop;
	return pw_pin_take(f, pin, level, leaf, above, doubts, last);
}

/*
 * Takes everything from pin->va to @last, which @span translates, from path[level] on, a table that covers pin->va.
 * Returns why it stopped; @pin has the pages that it took.
 */
PW_INLINE enum pw_stop pw_pin_path(const struct pw_format *f, struct pw_pin *pin, unsigned top,
				   unsigned level, struct pw_pin_place path[PW_MAX_LEVELS],
				   const pw_va last, pw_pin_run_fn *run)
{
	for (;;) {
		struct pw_seen seen;
		enum pw_stop stop = PW_STOP_DONE;
		pw_va covered;

		/*
		 * Step invariant: path[level] is the table of this level that covers pin->va. It was reached
		 * by values that were loaded once each, and never by the address of a copy.
		 */
		if (level == 0) {
			covered = path[0].last;
			stop = run(pin, &path[0]);
		} else {
			covered = pw_min(pin->va | pw_mask(f->shift[level]), path[level].last);
			if (pw_pin_descend(f, pin, level, &path[level], covered, &seen,
					   &path[level - 1], &stop)) {
				if (PW_UNLIKELY(stop != PW_STOP_DONE))
					return stop;
				level--;
				continue;
			}
			stop = pw_pin_large(f, pin, level, &seen,
					    level == top ? NULL : &path[level].above, covered);
		}
		if (PW_UNLIKELY(stop != PW_STOP_DONE))
			return stop;
		if (covered == last)
			return PW_STOP_DONE;
		while (level < top && covered == path[level].last)
			level++;
	}
}

/*
 * Takes everything from pin->va to pin->last, as far as it is translated. A range may reach beyond a span and
 * go on in the next one. Returns why it stopped; @pin has the pages that it took.
 */
PW_INLINE enum pw_stop pw_pin_walk(const struct pw_format *f, struct pw_pin *pin,
				   pw_pin_run_fn *run)
{
	struct pw_pin_place path[PW_MAX_LEVELS];

	PW_MUST_BE_CONSTANT(f->shift[0]);
	for (;;) {
		const struct pw_span *span = pw_span_find(pin->regime, pin->va);
		enum pw_stop stop;
		unsigned top;
		pw_va last;

		if (!span)
			return PW_STOP_RANGE;
		top = pw_top(f, span);
		last = pw_min(pin->last, span->last);
		path[top] = (struct pw_pin_place){
			.host = pw_arena_at(pin->arena, span->table),
			.last = last,
		};
		stop = pw_pin_path(f, pin, top, top, path, last, run);
		if (PW_UNLIKELY(stop != PW_STOP_DONE) || PW_LIKELY(pin->last <= span->last))
			return stop;
	}
}

#endif
