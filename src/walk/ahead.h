/* SPDX-License-Identifier: MIT */
/*
 * Reading on in a table behind an entry that was decided: many entries say the same as the one before them, or differ from it
 * in the page alone. Here a scan spends its time.
 */
#ifndef PW_WALK_AHEAD_H
#define PW_WALK_AHEAD_H

#include <stddef.h>
#include <string.h>

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
	/* As struct pw_range has it, from its attributes on. */
	struct pw_scan_tail {
		uint32_t attr;
		uint8_t status, level, size_lg2, memtype;
	} tail;
	uint32_t like; /* as in struct pw_runs */
	uint32_t unused; /* so that it is found by a shift */
};

/* Fills @range from its attributes on, by one word. */
PW_INLINE void pw_scan_put_tail(struct pw_range *range, const struct pw_scan_tail *tail)
{
	_Static_assert(offsetof(struct pw_range, attr) + sizeof(*tail) == sizeof(*range) &&
			       offsetof(struct pw_range, status) ==
				       offsetof(struct pw_range, attr) +
					       offsetof(struct pw_scan_tail, status) &&
			       offsetof(struct pw_range, level) ==
				       offsetof(struct pw_range, attr) +
					       offsetof(struct pw_scan_tail, level) &&
			       offsetof(struct pw_range, size_lg2) ==
				       offsetof(struct pw_range, attr) +
					       offsetof(struct pw_scan_tail, size_lg2) &&
			       offsetof(struct pw_range, memtype) ==
				       offsetof(struct pw_range, attr) +
					       offsetof(struct pw_scan_tail, memtype),
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
 * What was met in a table of base pages: leaves, once there is @any, and the last of the holes for which their value is
 * the only reason.
 */
struct pw_scan_met {
	struct pw_scan_known leaf[PW_SCAN_KNOWN];
	uint64_t hole;
	bool any, any_hole;
};

PW_INLINE struct pw_scan_known *pw_scan_place(struct pw_scan_met *met, uint64_t rest)
{
	return &met->leaf[(size_t)(rest * UINT64_C(0x9e3779b97f4a7c15) >>
				   (64 - PW_SCAN_KNOWN_LG2))];
}

/* Learns the attributes of a leaf of level 0, of @lg2. False: it is not such a leaf. */
PW_INLINE bool pw_scan_learn(const struct pw_format *f, const struct pw_regime *r, uint32_t keep,
			     unsigned lg2, uint64_t entry, struct pw_scan_known *known)
{
	uint32_t attr;

	if (f->kind(f, r, 0, entry) != PW_LEAF || pw_leaf_lg2(f, r, 0, lg2, entry) != lg2)
		return false;
	attr = pw_attr_settle(f->attr(f, r, 0, entry), keep);
	*known = (struct pw_scan_known){
		.rest = pw_leaf_rest(f, 0, entry),
		.tail.attr = attr & ~(uint32_t)PW_MEMTYPE_MASK,
		.tail.status = PW_OK,
		.tail.size_lg2 = (uint8_t)lg2,
		.tail.memtype = (uint8_t)(attr >> PW_MEMTYPE_SHIFT),
		.like = pw_run_like(attr, PW_OK, lg2),
	};
	return true;
}

/* Is an entry with this value a hole for no other reason than the value? Learns it if it is. */
PW_INLINE bool pw_scan_is_hole(const struct pw_format *f, const struct pw_regime *r, unsigned lg2,
			       uint64_t entry, struct pw_scan_met *met)
{
	enum pw_status status;
	unsigned covered;
	pw_pa page;

	if (met->any_hole && met->hole == entry)
		return true;
	if (f->kind(f, r, 0, entry) != PW_HOLE)
		return false;
	status = pw_hole_status(f, r, 0, lg2, entry, &page, &covered);
	if (status != PW_NONE && status != PW_MALFORMED)
		return false;
	met->hole = entry;
	met->any_hole = true;
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
					     unsigned shift, uint32_t keep, pw_va va,
					     const struct pw_slots *slots, struct pw_scan_met *met,
					     struct pw_runs *runs)
{
	const pw_va bytes = pw_mask(shift) + 1, is_long = 16 * bytes;
	const size_t most = slots->entries - 1;
	struct pw_range *run = runs->run, *const end = runs->range + runs->count - 1;
	struct pw_scan_ahead ahead = { 0 };
	size_t holes = 0; /* behind the last page */

	va &= ~(bytes - 1);
	for (; ahead.alike < most; ahead.alike++) {
		const size_t next = ahead.alike + 1;
		const struct pw_scan_known *leaf;
		pw_pa pa;

		ahead.entry = pw_entry_load(f, a, context, slots->host + (next << f->entry_lg2),
					    slots->at + (next << f->entry_lg2));
		leaf = pw_scan_place(met, pw_leaf_rest(f, 0, ahead.entry));
		ahead.loaded = true;
		if (PW_UNLIKELY(leaf->rest != pw_leaf_rest(f, 0, ahead.entry)) &&
		    !pw_scan_learn(f, r, keep, shift, ahead.entry,
				   pw_scan_place(met, pw_leaf_rest(f, 0, ahead.entry)))) {
			/* pw_scan_alike is faster where there are many. */
			if (runs->holes || holes == PW_SCAN_HOLES ||
			    !pw_scan_is_hole(f, r, shift, ahead.entry, met))
				break;
			va += bytes;
			holes += !pw_mutant(PW_MUTANT_HOLE_BRIDGED);
			ahead.loaded = false;
			continue;
		}
		pa = pw_leaf_page(f, r, 0, shift, ahead.entry);
		va += bytes;
		if (pa - va == runs->ahead && leaf->like == runs->like && holes == 0) {
			/* pw_scan_alike is faster there. */
			if (va - run->first > is_long)
				break;
			run->last = va + (bytes - 1);
		} else {
			if (PW_UNLIKELY(run == end))
				break;
			run++;
			run->first = va;
			run->last = va + (bytes - 1);
			run->pa = pa;
			run->entry = ahead.entry;
			run->twin = 0;
			pw_scan_put_tail(run, &leaf->tail);
			runs->ahead = pa - va;
			runs->like = leaf->like;
			holes = 0;
		}
		ahead.loaded = false;
	}
	/* A hole ends the run before it. */
	runs->used = (size_t)(run - runs->range) + (holes > 0);
	runs->run = holes > 0 ? NULL : run;
	return ahead;
}

/* Is this base page, which did not continue a run, worth reading on from? Learns it if it is the first. */
PW_INLINE bool pw_scan_may_scatter(const struct pw_format *f, const struct pw_regime *r,
				   const struct pw_turn *turn, unsigned shift, uint32_t keep,
				   struct pw_scan_met *met)
{
	if (turn->level > 0 || turn->kind != PW_LEAF || turn->lg2 != shift)
		return false;
	if (met->any)
		return true;
	if (!pw_scan_learn(f, r, keep, shift, turn->entry, &met->leaf[0]))
		return false;
	met->any = true;
	/* It goes into every place: a leaf can have any value, so none could mean that a place is empty. */
	for (size_t i = 1; i < PW_SCAN_KNOWN; i++)
		met->leaf[i] = met->leaf[0];
	return true;
}

#endif
