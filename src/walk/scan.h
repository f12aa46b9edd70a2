/* SPDX-License-Identifier: MIT */
/*
 * Ranges: every entry of first..last once, in address order, merged into runs of alike pages.
 *
 * The walk keeps one struct pw_table_at per level and no recursion. Tables of base pages, where
 * nearly all of the time goes, are read by a loop of their own with the level as a constant.
 */
#ifndef PW_WALK_SCAN_H
#define PW_WALK_SCAN_H

#include "walk/translate.h"

/* What a scan's owner says about a table that is about to be entered. */
enum pw_visit {
	PW_VISIT_WALK,
	PW_VISIT_EMPTY, /* known to hold no page */
	PW_VISIT_SHARED, /* met before; not again */
	PW_VISIT_BEYOND, /* the table is smaller than the entry that leads to it (amdv1) */
	PW_VISIT_STOP,
};

/* A table being read. */
struct pw_scan_table {
	struct pw_table_at at;
	uint32_t first_index, last_index; /* entries that exist; the first beyond the last: none */
	pw_va last; /* last address that it covers */
	uint64_t pages; /* pages met before it was entered */
	uint8_t parent; /* level of the table above */
	bool whole; /* entered at its first address, and last is inside the scan */
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
};

/* One call of the scanner for this memory and regime; what pw_scan_next is made of. */
size_t pw_scan_ranges(const struct pw_memory *memory, const struct pw_regime *regime,
		      struct pw_scan_position *position, struct pw_range *range, size_t count);

/*
 * The entry at @at, for @va, is not in the memory: the last address, up to @stop, that this one or one of
 * the @more entries behind it is for, as far as these are not in the memory, either. Tables of hostile
 * images can all be outside; each is then one step.
 */
pw_va pw_scan_missing(const struct pw_scan_position *position, pw_pa at, unsigned entry_lg2,
		      uint32_t more, pw_va va, unsigned shift, pw_va stop);

/* Ranges on their way out. The run that may still grow stands where it will be delivered. */
struct pw_scan_output {
	struct pw_range *range;
	size_t count, used;
	uint64_t pages;
	struct pw_range *run; /* &range[used], or NULL */
	pw_pa ahead; /* by how much the run's pages are ahead of their addresses */
	uint32_t like; /* pw_run_like of the run */
};

enum pw_scan_turn { PW_TURN_NEXT, PW_TURN_DOWN, PW_TURN_FULL, PW_TURN_SPAN_DONE };

/*
 * Ends the open run. Returns whether there is room to open another: a run is only ever opened when
 * there is, so one that is open fits.
 */
PW_INLINE bool pw_output_flush(struct pw_scan_output *out)
{
	if (out->run) {
		out->run = NULL;
		out->used++;
	}
	return out->used < out->count;
}

/* All that pages of one run have in common, as one number. */
PW_INLINE uint32_t pw_run_like(enum pw_status status, unsigned lg2, uint32_t attr)
{
	return (attr & (PW_RUN_MASK | PW_MEMTYPE_MASK)) | (uint32_t)status << 20 |
	       (uint32_t)lg2 << 24;
}

/* Adds a page, or the part of a page that lies in va..last. */
PW_INLINE bool pw_output_page(struct pw_scan_output *out, enum pw_status status, pw_va va,
			      pw_va last, pw_pa pa, unsigned lg2, unsigned level, uint32_t attr,
			      uint64_t entry)
{
	uint32_t like = pw_run_like(status, lg2, attr);

	out->pages++;
	if (PW_LIKELY(out->run && pa - va == out->ahead && like == out->like)) {
		out->run->last = last;
		return true;
	}
	if (!pw_output_flush(out))
		return false;
	out->run = &out->range[out->used];
	*out->run = (struct pw_range){
		.first = va,
		.last = last,
		.pa = pa,
		.entry = entry,
		.attr = attr & ~(uint32_t)PW_MEMTYPE_MASK,
		.status = (uint8_t)status,
		.level = (uint8_t)level,
		.size_lg2 = (uint8_t)lg2,
		.memtype = (uint8_t)(attr >> PW_MEMTYPE_SHIFT),
	};
	out->ahead = pa - va;
	out->like = like;
	return true;
}

/* Adds a hole. One that is not wanted still ends a run, because the addresses have a gap there. */
static inline bool pw_output_hole(struct pw_scan_output *out, bool wanted, enum pw_status status,
				  pw_va va, pw_va last, unsigned level, unsigned shift,
				  uint64_t entry, pw_va twin)
{
	/* There may be pages behind it: a table of nothing else is not empty. */
	out->pages += status == PW_SHARED;
	if (!wanted && status != PW_SHARED) {
		pw_output_flush(out);
		return true;
	}
	if (out->run && out->run->status == status && out->run->twin == twin) {
		out->run->last = last;
		return true;
	}
	if (!pw_output_flush(out))
		return false;
	out->run = &out->range[out->used];
	*out->run = (struct pw_range){
		.first = va,
		.last = last,
		.entry = entry,
		.twin = twin,
		.status = (uint8_t)status,
		.level = (uint8_t)level,
		.size_lg2 = (uint8_t)shift,
	};
	out->like = pw_run_like(status, shift, 0);
	return true;
}

/* What a scan's loop over entries works on. */
struct pw_scan_state_at {
	pw_va va; /* everything before it is reported */
	pw_va span_last; /* last address to report in this span */
	struct pw_scan_table *table;
	uint64_t entry; /* PW_TURN_DOWN: the value that leads down */
};

/* What a scan found out by reading on. */
struct pw_scan_ahead {
	size_t alike; /* entries that say the same as the one before them */
	uint64_t entry; /* the first that does not, if one was loaded: it is yet to be decided on */
	bool loaded;
};

/* How many of the @count entries from @index on the table has; it has the first of them. */
PW_INLINE size_t pw_scan_admitted(const struct pw_format *f, const struct pw_scan_table *table,
				  uint32_t index, size_t count)
{
	size_t rest = (size_t)(table->last_index - index) + 1;

	return f->admits && rest < count ? rest : count;
}

/*
 * What to add to a base page's entry to get the one that maps the next frame in the same way. Follows
 * from how the format writes leaves; 0 if it does not write any.
 */
PW_INLINE uint64_t pw_leaf_stride(const struct pw_format *f, const struct pw_regime *r,
				  unsigned shift)
{
	if (!f->make_leaf)
		return 0;
	/* Accessed: of a page that is not, the hardware's table of arm has no entry. */
	return f->make_leaf(f, r, 0, UINT64_C(1) << shift, PW_ACCESSED) -
	       f->make_leaf(f, r, 0, 0, PW_ACCESSED);
}

/*
 * Reads on from @entry, which was decided to be a base page or a hole, while the entries that follow
 * it can be told to be more of the same from their value alone: another word for word the same hole,
 * or the same leaf of the next frame. This is where a scan of a well-filled address space spends its
 * time: one load, one comparison and one addition for each page.
 */
PW_INLINE struct pw_scan_ahead pw_scan_alike(const struct pw_format *f, const struct pw_access *a,
					     void *context, const struct pw_regime *r,
					     unsigned level, enum pw_kind kind, uint64_t entry,
					     unsigned shift, const unsigned char *host, pw_pa at,
					     size_t most)
{
	uint64_t stride = kind == PW_LEAF ? pw_leaf_stride(f, r, shift) : 0;
	struct pw_scan_ahead ahead = { 0 };

	if (kind == PW_LEAF) {
		/*
		 * Adding strides must not carry out of the frame number, into bits that mean
		 * something else; if the farthest entry has the frame that it should have, none did.
		 */
		uint64_t farthest = entry + most * stride;

		if (!stride || f->page(f, r, level, farthest) !=
				       f->page(f, r, level, entry) + ((pw_pa)most << shift))
			return ahead;
	}
	PW_UNROLL
	while (ahead.alike < most) {
		size_t next = ahead.alike + 1;

		entry += stride;
		ahead.entry = pw_entry_load(f, a, context, host + (next << f->entry_lg2),
					    at + (next << f->entry_lg2));
		if (ahead.entry != entry) {
			ahead.loaded = true;
			break;
		}
		ahead.alike = next;
	}
	return ahead;
}

/* Reasons that follow from an entry's value and say nothing of a page behind it. */
PW_INLINE bool pw_hole_is_plain(enum pw_status status)
{
	return status == PW_NONE || status == PW_MALFORMED;
}

/*
 * Reads the entries of one table from s->va on, until its end, a table below it, or a full buffer.
 * @level is s->table->at.level, as a constant where the caller has one.
 */
PW_INLINE enum pw_scan_turn pw_scan_entries(const struct pw_format *f, const struct pw_access *a,
					    void *context, const struct pw_regime *r,
					    unsigned level, struct pw_scan_position *position,
					    struct pw_scan_state_at *s, struct pw_scan_output *out)
{
	const struct pw_table_at *here = &s->table->at;
	const unsigned shift = f->next_bits ? here->shift : f->shift[level];
	const pw_va stop = pw_min(s->span_last, s->table->last);
	const uint32_t keep = here->keep;
	const bool holes = position->holes;
	pw_va va = s->va;
	enum pw_scan_turn turn = PW_TURN_NEXT;

	for (;;) {
		/* Step invariant: va lies in this table, and `index` is what it selects there. */
		uint32_t index = pw_index(va, shift, here->bits);
		size_t wanted = (size_t)(((stop >> shift) - (va >> shift) + 1) << f->entry_lg2);
		pw_pa at = pw_entry_address(f, here->table, index);
		const unsigned char *host;
		size_t bytes = wanted, n;
		struct pw_scan_ahead ahead = { 0 };

		if (PW_UNLIKELY(!a->open(context, level, at, pw_entry_bytes(f), &bytes, &host))) {
			pw_va last = pw_min(va | pw_mask(shift), stop);
			enum pw_status status = pw_index_admitted(f, r, level, here, index)
							? PW_OUTSIDE
							: PW_LENGTH;

			/* Trying counts as well. */
			position->entries++;
			if (status == PW_OUTSIDE)
				last = pw_scan_missing(position, at, f->entry_lg2,
						       s->table->last_index - index, va, shift,
						       stop);
			if (!pw_output_hole(out, holes, status, va, last, level, shift, here->above,
					    0)) {
				turn = PW_TURN_FULL;
				break;
			}
			if (last >= stop)
				goto table_done;
			va = last + 1;
			continue;
		}
		n = bytes >> f->entry_lg2;
		while (n > 0) {
			pw_va last = pw_min(va | pw_mask(shift), stop);
			enum pw_kind kind = PW_HOLE;
			enum pw_status status = PW_OK;
			uint64_t entry = ahead.entry;
			unsigned lg2 = shift;
			pw_pa page = 0;
			bool room;

			if (!ahead.loaded) {
				if (pw_index_admitted(f, r, level, here, index)) {
					entry = pw_entry_load(f, a, context, host, at);
				} else {
					entry = here->above;
					status = PW_LENGTH;
				}
			}
			position->entries++;
			if (status == PW_OK)
				kind = f->kind(f, r, level, entry);
			if (level > 0 && kind == PW_TABLE) {
				s->entry = entry;
				s->va = va;
				return PW_TURN_DOWN;
			}
			if (PW_LIKELY(kind == PW_LEAF)) {
				lg2 = pw_leaf_lg2(f, r, level, shift, entry);
				page = pw_leaf_page(f, r, level, lg2, entry) | (va & pw_mask(lg2));
				room = pw_output_page(
					out, PW_OK, va, last, page, lg2, level,
					pw_attr_settle(f->attr(f, r, level, entry), keep), entry);
			} else {
				if (status == PW_OK)
					status = pw_hole_status(f, r, level, shift, entry, &page,
								&lg2);
				if (status == PW_PROT_NONE)
					room = pw_output_page(out, status, va, last,
							      page | (va & pw_mask(lg2)), lg2,
							      level, 0, entry);
				else
					room = pw_output_hole(out, holes, status, va, last, level,
							      shift, entry, 0);
			}
			if (PW_UNLIKELY(!room)) {
				turn = PW_TURN_FULL;
				goto out;
			}
			ahead = (struct pw_scan_ahead){ 0 };
			/* Where a page has just been added to a run, more of it may follow. */
			if (kind == PW_LEAF ? level == 0 && lg2 == shift && out->run->first != va
					    : pw_hole_is_plain(status))
				ahead = pw_scan_alike(f, a, context, r, level, kind, entry, shift,
						      host, at,
						      pw_scan_admitted(f, s->table, index, n) - 1);
			if (ahead.alike > 0) {
				last = pw_min(last + ((pw_va)ahead.alike << shift), stop);
				position->entries += ahead.alike;
				out->pages += kind == PW_LEAF ? ahead.alike : 0;
				if (out->run)
					out->run->last = last;
			}
			if (last >= stop)
				goto table_done;
			va = last + 1;
			n -= 1 + ahead.alike;
			index += 1 + (uint32_t)ahead.alike;
			host += (1 + ahead.alike) << f->entry_lg2;
			at += (1 + ahead.alike) << f->entry_lg2;
		}
	}
out:
	s->va = va;
	return turn;

table_done:
	s->va = stop;
	return stop == s->span_last ? PW_TURN_SPAN_DONE : PW_TURN_NEXT;
}

/* Which entries the table behind @entry has: s390 says so in the entry above. */
PW_INLINE void pw_scan_extent(const struct pw_format *f, const struct pw_regime *r, uint64_t entry,
			      struct pw_scan_table *below)
{
	/* As pw_index_admitted(): the level above that of the table, wherever the entry stands. */
	const unsigned level = below->at.level + 1u;

	below->first_index = 0;
	below->last_index = (uint32_t)pw_mask(below->at.bits);
	if (!f->admits)
		return;
	while (below->first_index <= below->last_index &&
	       !f->admits(f, r, level, entry, below->first_index))
		below->first_index++;
	while (below->first_index < below->last_index &&
	       !f->admits(f, r, level, entry, below->last_index))
		below->last_index--;
}

/* The table behind s->entry becomes the current one, unless its owner says otherwise. */
PW_INLINE enum pw_visit pw_scan_down(const struct pw_format *f, const struct pw_regime *r,
				     struct pw_scan_position *position, struct pw_scan_table *table,
				     struct pw_scan_state_at *s, struct pw_scan_output *out,
				     pw_va *twin)
{
	unsigned level = s->table->at.level;
	struct pw_table_at below = pw_table_below(f, r, level, &s->table->at, s->entry);
	pw_va covered = pw_mask(s->table->at.shift);
	pw_va first = s->va & ~covered;
	pw_va last = pw_min(s->va | covered, s->table->last);
	uint64_t entries;
	struct pw_scan_table next = {
		.at = below,
		.pages = out->pages,
		.parent = (uint8_t)level,
	};
	enum pw_visit visit;

	if (f->next_level) {
		last = pw_min(last, first | pw_mask(below.shift + below.bits));
		if (s->va > last)
			return PW_VISIT_BEYOND;
	}
	entries = ((pw_min(last, s->span_last) - s->va) >> below.shift) + 1;
	next.last = last;
	next.whole = s->va == first && last <= s->span_last;
	pw_scan_extent(f, r, s->entry, &next);
	visit = position->enter(position, &next, first, entries, twin);
	if (visit != PW_VISIT_WALK)
		return visit;
	table[below.level] = next;
	s->table = &table[below.level];
	return PW_VISIT_WALK;
}

/* As what the addresses behind a table are reported that is not entered. */
PW_INLINE enum pw_status pw_visit_status(enum pw_visit visit)
{
	if (visit == PW_VISIT_SHARED)
		return PW_SHARED;
	return visit == PW_VISIT_BEYOND ? PW_LENGTH : PW_NONE;
}

/* Scans one span. Returns true when the buffer is full or the owner said stop. */
PW_INLINE bool pw_scan_span(const struct pw_format *f, const struct pw_access *a, void *context,
			    const struct pw_regime *r, const struct pw_span *span, pw_va last,
			    struct pw_scan_position *position, struct pw_scan_output *out)
{
	struct pw_scan_table table[PW_MAX_LEVELS];
	const unsigned top = pw_top(f, span);
	struct pw_scan_state_at s = {
		.va = position->next,
		.span_last = last,
		.table = &table[top],
	};

	table[top] = (struct pw_scan_table){
		.at = pw_table_top(f, span),
		.last_index = span->top_last,
		.last = span->last,
		.parent = (uint8_t)top,
	};
	for (;;) {
		enum pw_scan_turn turn;
		enum pw_visit visit;
		pw_va twin = 0;
		pw_va entry_last;

		if (s.table->at.level == 0)
			turn = pw_scan_entries(f, a, context, r, 0, position, &s, out);
		else
			turn = pw_scan_entries(f, a, context, r, s.table->at.level, position, &s,
					       out);
		if (turn == PW_TURN_FULL) {
			position->next = s.va;
			return true;
		}
		if (turn == PW_TURN_DOWN) {
			visit = pw_scan_down(f, r, position, table, &s, out, &twin);
			if (visit == PW_VISIT_WALK)
				continue;
			entry_last = pw_min(s.va | pw_mask(s.table->at.shift),
					    pw_min(s.table->last, last));
			if (visit == PW_VISIT_STOP ||
			    !pw_output_hole(out, position->holes, pw_visit_status(visit), s.va,
					    entry_last, s.table->at.level, s.table->at.shift,
					    s.entry, twin)) {
				position->next = s.va;
				return true;
			}
			s.va = entry_last;
			if (entry_last == last)
				turn = PW_TURN_SPAN_DONE;
		}
		/* Here s.va is the last address that was reported. Up, as far as tables end there. */
		while (s.table != &table[top] &&
		       (turn == PW_TURN_SPAN_DONE ? s.table->last <= s.va
						  : s.va == s.table->last)) {
			if (s.table->whole)
				position->leave(position, s.table, s.table->pages == out->pages);
			s.table = &table[s.table->parent];
		}
		if (turn == PW_TURN_SPAN_DONE)
			return false;
		s.va++;
	}
}

/* Fills @range from position->next on. Returns how many, 0 at the end. */
PW_INLINE size_t pw_walk_scan(const struct pw_format *f, const struct pw_access *a, void *context,
			      const struct pw_regime *r, struct pw_scan_position *position,
			      struct pw_range *range, size_t count)
{
	struct pw_scan_output out = { .range = range, .count = count };

	PW_MUST_BE_CONSTANT(f->shift[0]);
	for (unsigned i = 0; i < r->spans && !position->done; i++) {
		const struct pw_span *span = &r->span[i];
		pw_va last = pw_min(position->last, span->last);

		if (span->last < position->next || (span->alias && !position->aliases))
			continue;
		if (position->next < span->first) {
			pw_va gap = pw_min(position->last, span->first - 1);

			if (!pw_output_hole(&out, position->holes, PW_NOT_CANONICAL, position->next,
					    gap, f->levels - 1u, 64, 0, 0))
				return out.used;
			if (gap == position->last) {
				position->done = true;
				break;
			}
			position->next = span->first;
		}
		if (pw_scan_span(f, a, context, r, span, last, position, &out))
			goto stopped;
		if (last == position->last)
			position->done = true;
		else
			position->next = last + 1;
	}
	if (!position->done) {
		if (!pw_output_hole(&out, position->holes, PW_NOT_CANONICAL, position->next,
				    position->last, f->levels - 1u, 64, 0, 0))
			return out.used;
		position->done = true;
	}
stopped:
	pw_output_flush(&out);
	return out.used;
}

#endif
