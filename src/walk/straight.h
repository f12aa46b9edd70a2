/* SPDX-License-Identifier: MIT */
/*
 * The straight way: a walk through ordinary tables alone (passes() in format/format.h) to a leaf, all of them in the
 * main segment of mapped memory. Most walks are such. Such tables have all their entries. They may take permissions
 * away: then one word gathers which.
 *
 *     root --> table --> table --> ... --> leaf           the answer
 *                |                           |
 *                v                           v
 *          anything else: not found; the caller walks anew from the root, loads
 *          every entry again, and decides by those values alone
 */
#ifndef PW_WALK_STRAIGHT_H
#define PW_WALK_STRAIGHT_H

#include <stddef.h>
#include <string.h>

#include "access/direct.h"
#include "walk/step.h"

/* A walk under way. */
struct pw_straight {
	const struct pw_direct *near;
	const struct pw_regime *regime; /* the caller's */
	struct pw_regime own; /* a copy: of it, a compiler keeps what entries need in registers */
	pw_va va;
	pw_pa table;
	uint64_t gathered; /* of the tables above: pw_straight_gather */
};

/* Where the walk ended. Only `found` is set if that is no leaf. */
struct pw_straight_leaf {
	uint64_t entry;
	pw_pa pa; /* of the address itself */
	uint32_t attr; /* effective; only permissions if no more was asked */
	uint8_t level, lg2;
	bool found;
};

/* The level of most tops, 0 if there is none. Other tops take the general walk. */
PW_INLINE unsigned pw_straight_top(const struct pw_format *f)
{
	return f->dynamic_top ? f->usual_top : f->levels - 1u;
}

/* Begins at the root. Returns whether the way may be straight. */
PW_INLINE bool pw_straight_begin(const struct pw_format *f, struct pw_straight *straight)
{
	const unsigned top = pw_straight_top(f);
	/* cppcheck-suppress ctuuninitvar */
	const struct pw_regime *r = straight->regime;
	const struct pw_span *span = pw_span_find(r, straight->va);

	if (PW_UNLIKELY(!span || (f->prefixed && r->registers.prefix)))
		return false;
	if (f->dynamic_top && PW_UNLIKELY(span->top != top || span->top_bits != f->bits[top]))
		return false;
	if (f->admits && PW_UNLIKELY(span->top_last != pw_mask(f->bits[top])))
		return false;
	straight->table = span->table;
	straight->gathered = f->gives ? ~UINT64_C(0) : 0;
	return true;
}

/* Adds to @gathered what the table of @e takes away. */
PW_INLINE uint64_t pw_straight_gather(const struct pw_format *f, uint64_t gathered, uint64_t e)
{
	if (pw_mutant(PW_MUTANT_TAKEN_FORGOTTEN))
		return gathered;
	if (f->gives)
		return gathered & e;
	return f->takes ? gathered | e : 0;
}

/* The permissions that are left. For keep(), @gathered is like the entry of one table that takes all that. */
PW_INLINE uint32_t pw_straight_keep(const struct pw_format *f, const struct pw_regime *r,
				    uint64_t gathered)
{
	if (PW_LIKELY((gathered & f->gives) == f->gives && !(gathered & f->takes)))
		return PW_KEEP_ALL;
	return f->keep(f, r, 1, gathered);
}

/* The attributes of a leaf below tables that leave @keep. */
PW_INLINE uint32_t pw_straight_attr(const struct pw_format *f, const struct pw_regime *r,
				    unsigned level, uint64_t e, uint32_t keep, bool prot_only)
{
	uint32_t attr;

	if (f->rights && PW_LIKELY(keep == PW_KEEP_ALL))
		return f->rights(f, r, level, e) | (prot_only ? 0 : f->facts(f, r, level, e));
	attr = pw_attr_settle(pw_attr_of_leaf(f, r, level, e, prot_only), keep);
	return prot_only ? attr & PW_PROT_MASK : attr;
}

/* Fills the answer from a leaf @e of @level, whose page has 2^@lg2 bytes. */
PW_INLINE void pw_straight_fill(const struct pw_format *f, unsigned level, bool prot_only,
				const struct pw_straight *straight, uint64_t e, unsigned lg2,
				struct pw_straight_leaf *leaf)
{
	const uint32_t keep = pw_straight_keep(f, straight->regime, straight->gathered);

	leaf->pa = f->page(f, &straight->own, level, e) | (straight->va & pw_mask(lg2));
	leaf->lg2 = (uint8_t)lg2;
	leaf->attr = pw_straight_attr(f, straight->regime, level, e, keep, prot_only);
	leaf->entry = e;
	leaf->level = (uint8_t)level;
	leaf->found = true;
}

/* The turn of one level. Returns whether the walk ended there; @leaf says whether at a leaf. */
PW_INLINE bool pw_straight_level(const struct pw_format *f, unsigned level, bool prot_only,
				 struct pw_straight *straight, struct pw_straight_leaf *leaf)
{
	const uint32_t index = pw_index(straight->va, f->shift[level], f->bits[level]);
	const pw_pa at = pw_entry_address(f, straight->table, index);
	const uint64_t offset = at - straight->near->first;
	const struct pw_regime *own = &straight->own;
	unsigned lg2;
	uint64_t e;

	/* As pw_near_open, but the pointer is formed last: as part of the load. */
	if (PW_UNLIKELY(offset > straight->near->room))
		return true;
	e = pw_entry_load(f, &pw_near_access, NULL, straight->near->host + (size_t)offset, at);
	if (level > 0 && PW_LIKELY(f->passes(f, own, level, e))) {
		straight->gathered = pw_straight_gather(f, straight->gathered, e);
		straight->table = f->table(f, own, level, e);
		return false;
	}
	/* Larger leaves are near the root, where to begin again takes little; and code counts. */
	if (level > 1 || !(f->leaf_levels >> level & 1) || f->kind(f, own, level, e) != PW_LEAF)
		return true;
	lg2 = f->page_lg2 ? f->page_lg2(f, own, level, e) : f->shift[level];
	/* Base pages that are not in groups have code of their own: their size is a constant there. */
	if (level == 0 && PW_LIKELY(lg2 == f->shift[0]))
		pw_straight_fill(f, 0, prot_only, straight, e, f->shift[0], leaf);
	else
		pw_straight_fill(f, level, prot_only, straight, e, lg2, leaf);
	return true;
}

PW_INLINE struct pw_straight_leaf pw_straight_walk(const struct pw_format *f,
						   const struct pw_direct *near,
						   const struct pw_regime *r, pw_va va,
						   bool prot_only)
{
	const unsigned top = pw_straight_top(f);
	struct pw_straight_leaf leaf = { 0 };
	struct pw_straight straight;

	PW_MUST_BE_CONSTANT(f->shift[0]);
	straight.near = near;
	straight.regime = r;
	straight.va = va;
	if (!f->passes || !top || !pw_straight_begin(f, &straight))
		return leaf;
	straight.own = *r;
	/* Turn by turn, as in pw_walk_one. */
	if ((top >= 5 && pw_straight_level(f, 5, prot_only, &straight, &leaf)) ||
	    (top >= 4 && pw_straight_level(f, 4, prot_only, &straight, &leaf)) ||
	    (top >= 3 && pw_straight_level(f, 3, prot_only, &straight, &leaf)) ||
	    (top >= 2 && pw_straight_level(f, 2, prot_only, &straight, &leaf)) ||
	    (top >= 1 && pw_straight_level(f, 1, prot_only, &straight, &leaf)))
		return leaf;
	pw_straight_level(f, 0, prot_only, &straight, &leaf);
	return leaf;
}

/* The last members of an answer, status to memtype, as one word: so that one store writes them. */
PW_INLINE uint32_t pw_straight_last(const struct pw_straight_leaf *leaf)
{
	const uint32_t level = leaf->level, lg2 = leaf->lg2;
	const uint32_t type = leaf->attr >> PW_MEMTYPE_SHIFT;

	if (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
		return (uint32_t)PW_OK | level << 8 | lg2 << 16 | type << 24;
	return (uint32_t)PW_OK << 24 | level << 16 | lg2 << 8 | type;
}
_Static_assert(offsetof(struct pw_result, level) == offsetof(struct pw_result, status) + 1 &&
		       offsetof(struct pw_result, size_lg2) ==
			       offsetof(struct pw_result, status) + 2 &&
		       offsetof(struct pw_result, memtype) ==
			       offsetof(struct pw_result, status) + 3 &&
		       sizeof(struct pw_result) == offsetof(struct pw_result, status) + 4,
	       "pw_straight_last: the order of the members");

/* The complete answer of a straight walk. False: the way is not straight, and *result is not set. */
PW_INLINE bool pw_straight_one(const struct pw_format *f, const struct pw_direct *near,
			       const struct pw_regime *r, pw_va va, struct pw_result *result)
{
	const struct pw_straight_leaf leaf = pw_straight_walk(f, near, r, va, false);
	const uint32_t last = pw_straight_last(&leaf);

	if (PW_UNLIKELY(!leaf.found))
		return false;
	/* Member by member: each goes from its register to its place. */
	result->va = va;
	result->pa = leaf.pa;
	result->entry = leaf.entry;
	result->attr = leaf.attr & (uint32_t)~PW_MEMTYPE_MASK;
	memcpy((unsigned char *)result + offsetof(struct pw_result, status), &last, sizeof(last));
	return true;
}

/* As pw_straight_one, for the lean answer. */
PW_INLINE bool pw_straight_lean(const struct pw_format *f, const struct pw_direct *near,
				const struct pw_regime *r, pw_va va, struct pw_lean *lean)
{
	const struct pw_straight_leaf leaf = pw_straight_walk(f, near, r, va, true);

	*lean = (struct pw_lean){
		.pa = leaf.pa,
		.attr = leaf.attr,
		.status = PW_OK,
		.size_lg2 = leaf.lg2,
	};
	return leaf.found;
}

_Static_assert(PW_MAX_LEVELS == 6, "pw_straight_walk has a turn for each level");

#endif
