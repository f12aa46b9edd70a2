/* SPDX-License-Identifier: MIT */
/*
 * Reading on in a table behind an entry that was decided: many entries say the same as the one before them, or differ from it
 * in the page alone. Here a scan spends its time.
 */
#ifndef PW_WALK_AHEAD_H
#define PW_WALK_AHEAD_H

#include <stddef.h>
#include <string.h>

#include "access/scatter.h"
#include "walk/runs.h"

/*
 * What to add to a base page's entry to get the one that maps the next frame in the same way. Follows
 * from how the format writes leaves; 0 if it does not write any.
 */
PW_INLINE uint64_t pw_leaf_stride(const struct pw_format *f, const struct pw_regime *r,
				  unsigned shift)
{
	if (!f->make_leaf)
		return 0;
	/* Accessed, because arm's hardware table has no entry for a page that is not accessed. */
	return f->make_leaf(f, r, 0, UINT64_C(1) << shift, PW_ACCESSED) -
	       f->make_leaf(f, r, 0, 0, PW_ACCESSED);
}

/* The outcome of reading on. */
struct pw_scan_ahead {
	size_t alike; /* entries that say the same as the one before them */
	uint64_t entry; /* the first that does not, if one was loaded: it is yet to be decided on */
	bool loaded;
};

/*
 * Reads on behind @slots, where @turn found a base page or a hole, while the entries that follow can
 * be told to be more of the same from their value alone: another word for word the same hole, or the
 * same leaf of the next frame. This is where a scan of a well-filled address space spends its time:
 * one load, one comparison and one addition for each page, or for several pages at a time.
 */
PW_INLINE struct pw_scan_ahead pw_scan_alike(const struct pw_format *f, const struct pw_access *a,
					     void *context, const struct pw_regime *r,
					     const struct pw_turn *turn,
					     const struct pw_slots *slots)
{
	const bool leaf = turn->kind == PW_LEAF;
	const uint64_t stride = leaf ? pw_leaf_stride(f, r, turn->lg2) : 0;
	const size_t most = slots->entries - 1;
	uint64_t entry = turn->entry;
	struct pw_scan_ahead ahead = { 0 };

	if (leaf) {
		/*
		 * Adding strides must not carry out of the frame number, into bits that mean
		 * something else; if the farthest entry has the frame that it should have, none did.
		 */
		uint64_t farthest = entry + most * stride;

		if (!stride ||
		    f->page(f, r, turn->level, farthest) !=
			    f->page(f, r, turn->level, entry) + ((pw_pa)most << turn->lg2))
			return ahead;
	}
	if (a->run && most >= PW_RUN_LEAST) {
		ahead.alike = a->run(context, slots->host + pw_entry_bytes(f), most, f->entry_lg2,
				     f->big_endian, entry + stride, stride);
		entry += ahead.alike * stride;
	}
	PW_UNROLL
	while (ahead.alike < most) {
		size_t next = ahead.alike + 1;

		entry += stride;
		ahead.entry = pw_entry_load(f, a, context, slots->host + (next << f->entry_lg2),
					    slots->at + (next << f->entry_lg2));
		if (ahead.entry != entry) {
			ahead.loaded = true;
			break;
		}
		ahead.alike = next;
	}
	return ahead;
}

/* A leaf outside groups that was met in a table of base pages. */
struct pw_scan_known {
	uint64_t rest; /* pw_leaf_rest() of it */
	struct pw_scatter_tail tail;
	uint32_t like; /* as in struct pw_runs */
	uint32_t unused; /* so that it is found by a shift */
};

/* Fills @range from its attributes on, by one word. */
PW_INLINE void pw_scan_put_tail(struct pw_range *range, const struct pw_scatter_tail *tail)
{
	_Static_assert(offsetof(struct pw_range, attr) + sizeof(*tail) == sizeof(*range) &&
			       offsetof(struct pw_range, status) ==
				       offsetof(struct pw_range, attr) +
					       offsetof(struct pw_scatter_tail, status) &&
			       offsetof(struct pw_range, level) ==
				       offsetof(struct pw_range, attr) +
					       offsetof(struct pw_scatter_tail, level) &&
			       offsetof(struct pw_range, size_lg2) ==
				       offsetof(struct pw_range, attr) +
					       offsetof(struct pw_scatter_tail, size_lg2) &&
			       offsetof(struct pw_range, memtype) ==
				       offsetof(struct pw_range, attr) +
					       offsetof(struct pw_scatter_tail, memtype),
		       "a tail is the end of a range");
	memcpy((char *)range + offsetof(struct pw_range, attr), tail, sizeof(*tail));
}

/*
 * Such leaves by the bits beside the page. Places are chosen by a hash: the processor then guesses right
 * that a leaf is known, even if it cannot guess what it says.
 */
enum { PW_SCAN_KNOWN_LG2 = 3, PW_SCAN_KNOWN = 1 << PW_SCAN_KNOWN_LG2 };

enum { PW_SCAN_HOLES = 8 }; /* one behind the other, before pw_scan_alike is worth its start */

/*
 * What was met in tables of base pages that lie below tables which leave @keep: leaves, once there is @any, and the last of
 * the holes for which their value is the only reason.
 */
struct pw_scan_met {
	struct pw_scan_known leaf[PW_SCAN_KNOWN];
	struct pw_scatter scatter; /* the same for vectors, which have no use for a hash */
	uint32_t keep;
	uint8_t shift,
		next; /* log2 of the size of a page; the kind that makes room for the next one */
	bool any;
};

PW_INLINE struct pw_scan_known *pw_scan_place(struct pw_scan_met *met, uint64_t rest)
{
	return &met->leaf[(size_t)(rest * UINT64_C(0x9e3779b97f4a7c15) >>
				   (64 - PW_SCAN_KNOWN_LG2))];
}

PW_INLINE uint64_t pw_scan_tail_word(struct pw_scatter_tail tail)
{
	uint64_t word;

	memcpy(&word, &tail, sizeof(word));
	return word;
}

/* Begins to meet leaves below tables that leave @keep. */
PW_INLINE void pw_scan_met_begin(const struct pw_format *f, const struct pw_regime *r,
				 unsigned shift, uint32_t keep, struct pw_scan_met *met)
{
	struct pw_scatter *scatter = &met->scatter;

	met->keep = keep;
	met->shift = (uint8_t)shift;
	met->next = 0;
	scatter->page = pw_leaf_address(f, r, 0);
	scatter->move = (uint8_t)pw_leaf_move(f);
	scatter->shift = (uint8_t)shift;
	scatter->entry_lg2 = f->entry_lg2;
	scatter->big_endian = f->big_endian;
	scatter->any_hole = false;
	scatter->kinds = 0;
	scatter->like = pw_scan_tail_word((struct pw_scatter_tail){
		.attr = PW_RUN_MASK,
		.status = UINT8_MAX,
		.size_lg2 = UINT8_MAX,
		.memtype = UINT8_MAX,
	});
}

/* Learns a leaf of level 0. False: it is not a leaf outside groups. */
PW_INLINE bool pw_scan_learn(const struct pw_format *f, const struct pw_regime *r, uint64_t entry,
			     struct pw_scan_met *met)
{
	const uint64_t rest = pw_leaf_rest(f, 0, entry);
	const unsigned lg2 = met->shift;
	struct pw_scatter *scatter = &met->scatter;
	struct pw_scatter_tail tail = { .status = PW_OK, .size_lg2 = (uint8_t)lg2 };
	struct pw_scatter_kind kind;
	uint32_t attr;
	unsigned i = 0;

	if (f->kind(f, r, 0, entry) != PW_LEAF || pw_leaf_lg2(f, r, 0, lg2, entry) != lg2)
		return false;
	attr = pw_attr_settle(f->attr(f, r, 0, entry), met->keep);
	tail.attr = attr & ~(uint32_t)PW_MEMTYPE_MASK;
	tail.memtype = (uint8_t)(attr >> PW_MEMTYPE_SHIFT);
	*pw_scan_place(met, rest) = (struct pw_scan_known){
		.rest = rest,
		.tail = tail,
		.like = pw_run_like(attr, PW_OK, lg2),
	};
	/* A leaf that had to leave its place for another may still be among the kinds. */
	kind.rest = entry & ~scatter->page;
	kind.base = pw_leaf_page(f, r, 0, lg2, entry) - ((entry & scatter->page) << scatter->move);
	kind.tail = pw_scan_tail_word(tail);
	while (i < scatter->kinds && scatter->kind[i].rest != kind.rest)
		i++;
	if (i == PW_SCATTER_KINDS)
		i = met->next++ % PW_SCATTER_KINDS;
	else if (i == scatter->kinds)
		scatter->kinds++;
	scatter->kind[i] = kind;
	return true;
}

/* Is an entry with this value a hole for no other reason than the value? Learns it if it is. */
PW_INLINE bool pw_scan_is_hole(const struct pw_format *f, const struct pw_regime *r, uint64_t entry,
			       struct pw_scan_met *met)
{
	enum pw_status status;
	unsigned covered;
	pw_pa page;

	if (met->scatter.any_hole && met->scatter.hole == entry)
		return true;
	if (f->kind(f, r, 0, entry) != PW_HOLE)
		return false;
	status = pw_hole_status(f, r, 0, met->shift, entry, &page, &covered);
	if (status != PW_NONE && status != PW_MALFORMED)
		return false;
	met->scatter.hole = entry;
	met->scatter.any_hole = true;
	return true;
}

/* Where reading on of scattered pages stands. */
struct pw_scan_pages {
	struct pw_scan_ahead ahead;
	struct pw_scatter_at at;
	size_t holes; /* behind the last page */
};

/* Takes as many entries as vectors can. Returns how many. */
PW_INLINE size_t pw_scan_vectors(const struct pw_format *f, const struct pw_access *a,
				 void *context, const struct pw_slots *slots,
				 const struct pw_scan_met *met, struct pw_runs *runs,
				 struct pw_scan_pages *pages)
{
	const size_t next = pages->ahead.alike + 1;
	/* A copy, so that the places of the others can stay in registers. */
	struct pw_scatter_at at = pages->at;
	size_t taken;

	at.open = pages->holes == 0;
	taken = a->scatter(context, &met->scatter, slots->host + (next << f->entry_lg2),
			   slots->entries - next, &at);
	if (taken == 0)
		return 0;
	pages->ahead.alike += taken;
	/* If many holes ended it, the next one leads to pw_scan_alike. */
	pages->holes = at.open ? 0 : PW_SCAN_HOLES;
	pages->at = at;
	runs->ahead = at.run->pa - at.run->first;
	runs->like = pw_run_like(at.run->attr | pw_memtype_attr(at.run->memtype), at.run->status,
				 at.run->size_lg2);
	return taken;
}

/* Takes one entry after the other, until @until are taken. False: it ended before. */
PW_INLINE bool pw_scan_singles(const struct pw_format *f, const struct pw_access *a, void *context,
			       const struct pw_regime *r, unsigned shift,
			       const struct pw_slots *slots, struct pw_scan_met *met,
			       struct pw_runs *runs, size_t until, struct pw_scan_pages *pages)
{
	const pw_va bytes = pw_mask(shift) + 1, is_long = 16 * bytes;
	struct pw_scan_ahead *ahead = &pages->ahead;
	struct pw_scatter_at *at = &pages->at;

	for (; ahead->alike < until; ahead->alike++, at->va += bytes) {
		const size_t next = ahead->alike + 1;
		const struct pw_scan_known *leaf;
		pw_pa pa;

		ahead->entry = pw_entry_load(f, a, context, slots->host + (next << f->entry_lg2),
					     slots->at + (next << f->entry_lg2));
		leaf = pw_scan_place(met, pw_leaf_rest(f, 0, ahead->entry));
		ahead->loaded = true;
		if (PW_UNLIKELY(leaf->rest != pw_leaf_rest(f, 0, ahead->entry)) &&
		    !pw_scan_learn(f, r, ahead->entry, met)) {
			/* pw_scan_alike is faster where there are many. */
			if (runs->holes || pages->holes >= PW_SCAN_HOLES ||
			    !pw_scan_is_hole(f, r, ahead->entry, met))
				return false;
			pages->holes += !pw_mutant(PW_MUTANT_HOLE_BRIDGED);
			ahead->loaded = false;
			continue;
		}
		pa = pw_leaf_page(f, r, 0, shift, ahead->entry);
		if (pa - at->va == runs->ahead && leaf->like == runs->like && pages->holes == 0) {
			/* pw_scan_alike is faster there. */
			if (at->va - at->run->first > is_long)
				return false;
		} else {
			if (PW_UNLIKELY(at->run == at->end))
				return false;
			at->run++;
			at->run->first = at->va;
			at->run->pa = pa;
			at->run->entry = ahead->entry;
			at->run->twin = 0;
			pw_scan_put_tail(at->run, &leaf->tail);
			runs->ahead = pa - at->va;
			runs->like = leaf->like;
			pages->holes = 0;
		}
		at->run->last = at->va + (bytes - 1);
		ahead->loaded = false;
	}
	return true;
}

/*
 * As pw_scan_alike, for the base pages behind that at @va: whichever frames and attributes they have.
 * This is where a scan of scattered pages spends its time: each goes straight to the place of its range.
 * Returns before a group, a page for which there is no room, a hole that is wanted or may have a page behind it, and
 * where a run is long or holes are many.
 */
PW_INLINE struct pw_scan_ahead pw_scan_pages(const struct pw_format *f, const struct pw_access *a,
					     void *context, const struct pw_regime *r,
					     unsigned shift, pw_va va, const struct pw_slots *slots,
					     struct pw_scan_met *met, struct pw_runs *runs)
{
	const bool vectors = a->scatter && pw_leaf_field(f, 0);
	const size_t most = slots->entries - 1;
	struct pw_scan_pages pages = {
		.at.va = (va | pw_mask(shift)) + 1,
		.at.run = runs->run,
		.at.end = runs->range + runs->count - 1,
	};
	size_t until;

	do {
		until = most;
		/* Where vectors stop, single entries go on. If they did nothing, they are tried again later. */
		if (vectors) {
			const size_t taken = pw_scan_vectors(f, a, context, slots, met, runs,
							     &pages);

			until = pages.ahead.alike + (taken ? PW_SCATTER_LEAST : PW_SCATTER_PAUSE);
			until = until < most ? until : most;
		}
	} while (pw_scan_singles(f, a, context, r, shift, slots, met, runs, until, &pages) &&
		 until < most);
	/* A hole ends the run before it. */
	runs->used = (size_t)(pages.at.run - runs->range) + (pages.holes > 0);
	runs->run = pages.holes > 0 ? NULL : pages.at.run;
	return pages.ahead;
}

/* Is this base page, which did not continue a run, worth reading on from? Learns it if it is the first. */
PW_INLINE bool pw_scan_may_scatter(const struct pw_format *f, const struct pw_regime *r,
				   const struct pw_turn *turn, unsigned shift, uint32_t keep,
				   struct pw_scan_met *met)
{
	if (turn->level > 0 || turn->kind != PW_LEAF || turn->lg2 != shift)
		return false;
	if (met->any && met->keep == keep && met->shift == shift)
		return true;
	pw_scan_met_begin(f, r, shift, keep, met);
	met->any = pw_scan_learn(f, r, turn->entry, met);
	if (!met->any)
		return false;
	/* It goes into every place: a leaf can have any value, so none could mean that a place is empty. */
	met->leaf[0] = *pw_scan_place(met, pw_leaf_rest(f, 0, turn->entry));
	for (size_t i = 1; i < PW_SCAN_KNOWN; i++)
		met->leaf[i] = met->leaf[0];
	return true;
}

#endif
