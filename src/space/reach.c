/* SPDX-License-Identifier: MIT */
/* Finds out which physical addresses the entries and roots of a format can name. */
#include "space/reach.h"

#include "base/error.h"
#include "format/format.h"

/* An entry as it comes back from a table: a 4-byte entry loses its upper half. */
static uint64_t stored(const struct pw_format *f, uint64_t entry)
{
	return f->entry_lg2 == 2 ? (uint32_t)entry : entry;
}

/* Does an entry of @level lead to the table at @pa? */
static bool entry_names(const struct pw_format *f, const struct pw_regime *r, unsigned level,
			pw_pa pa)
{
	uint64_t e = stored(f, f->make_table(f, r, level, pa));

	return f->kind(f, r, level, e) == PW_TABLE && f->table(f, r, level, e) == pa;
}

/* Can roots lead to top tables of level @top at @pa? Then *r is the decoded regime. */
static bool root_names(const struct pw_space *space, unsigned top, pw_pa pa, struct pw_regime *r)
{
	pw_pa all[PW_MAX_ROOTS];

	for (unsigned i = 0; i < PW_MAX_ROOTS; i++)
		all[i] = pa;
	return pw_space_regime(space, top, all, r, NULL) == 0 && r->span[0].table == pa &&
	       r->span[0].top == top;
}

/*
 * log2 of the memory that a table of @level gets: its size, or more if an entry can name only addresses of
 * a coarser alignment (the mock format has tables of 64 bytes, at addresses of whole pages). A root may
 * need a coarser one still; so a top table gets at least a frame, which is enough for all formats.
 */
static unsigned piece_lg2(const struct pw_space *space, unsigned level)
{
	const struct pw_format *f = space->format;
	const struct pw_regime r = { .format = f, .address_mask = ~pw_mask(12) & pw_mask(52) };
	unsigned lg2 = f->bits[level] + f->entry_lg2, page_lg2 = space->arena->page_lg2;

	if (level + 1u == f->levels)
		return lg2 > page_lg2 ? lg2 : page_lg2;
	while (lg2 < page_lg2 && !entry_names(f, &r, level + 1, UINT64_C(1) << lg2))
		lg2++;
	return lg2;
}

/* log2 of the address where top tables of this level have to end; 0 if the format has none. */
static unsigned root_limit(const struct pw_space *space, unsigned top)
{
	struct pw_regime r;
	unsigned lg2 = space->piece_lg2[top];

	if (lg2 < space->arena->page_lg2)
		lg2 = space->arena->page_lg2;
	if (!root_names(space, top, UINT64_C(1) << lg2, &r))
		return 0;
	while (lg2 < 64 && root_names(space, top, UINT64_C(1) << lg2, &r))
		lg2++;
	return lg2;
}

static unsigned entry_limit(const struct pw_space *space, const struct pw_regime *r, unsigned level)
{
	unsigned lg2 = space->piece_lg2[level];

	while (lg2 < 64 && entry_names(space->format, r, level + 1, UINT64_C(1) << lg2))
		lg2++;
	return lg2;
}

/* Can an entry of @level hold the address of the page at @pa without losing any bits? */
static bool leaf_names(const struct pw_format *f, const struct pw_regime *r, unsigned level,
		       pw_pa pa)
{
	const pw_pa page = pa & ~pw_mask(f->shift[level]);
	uint64_t e = stored(f, f->make_leaf(f, r, level, page, PW_READ | PW_ACCESSED));

	return f->kind(f, r, level, e) == PW_LEAF && f->page(f, r, level, e) == page;
}

/*
 * The highest of the addresses 2^n - 1 for which leaves of every level can hold all addresses up to there: they hold
 * each bit below n by itself, and all together. (Test: space/reach; each format has a bit of the entry for each of the
 * address.) 0: there are leaves that hold none.
 */
static pw_pa pages_last(const struct pw_format *f, const struct pw_regime *r)
{
	unsigned lg2 = 64;

	for (unsigned level = 0; level < f->levels; level++) {
		if (!(f->leaf_levels >> level & 1))
			continue;
		for (unsigned bit = f->shift[level]; bit < lg2; bit++)
			if (!leaf_names(f, r, level, UINT64_C(1) << bit) ||
			    !leaf_names(f, r, level, pw_mask(bit + 1)))
				lg2 = bit;
	}
	return pw_mask(lg2);
}

int pw_reach_tables(struct pw_space *space, unsigned levels, struct pw_error *error)
{
	const struct pw_format *f = space->format;
	const struct pw_arena *arena = space->arena;
	const unsigned highest = f->levels - 1u;
	struct pw_regime r;

	for (unsigned level = 0; level <= highest; level++)
		space->piece_lg2[level] = (uint8_t)piece_lg2(space, level);
	if (root_limit(space, levels - 1) == 0)
		return pw_fail(error, EINVAL, "%s has no tables of %u level%s", f->name, levels,
			       levels == 1 ? "" : "s");
	root_names(space, highest, UINT64_C(1) << space->piece_lg2[highest], &r);
	space->pages_last = pages_last(f, &r);
	for (unsigned level = 0; level <= highest; level++) {
		unsigned below = level < highest ? entry_limit(space, &r, level) : 64;
		unsigned top = level == highest || f->dynamic_top ? root_limit(space, level) : 0;
		unsigned limit_lg2 = top && top < below ? top : below;

		space->limit_lg2[level] = (uint8_t)limit_lg2;
		if (arena->base > pw_mask(limit_lg2))
			return pw_fail(error, ERANGE,
				       "the arena begins at 0x%llx, but tables of %s have to be "
				       "below 0x%llx, where its %s can point: give the arena "
				       "a lower base",
				       (unsigned long long)arena->base, f->name, 1ULL << limit_lg2,
				       top ? f->root_name : "entries");
	}
	return 0;
}

unsigned pw_reach_lowest_lg2(const struct pw_space *space)
{
	unsigned lowest = 64;

	for (unsigned level = 0; level < space->format->levels; level++)
		if (space->limit_lg2[level] < lowest)
			lowest = space->limit_lg2[level];
	return lowest;
}

unsigned pw_reach_pages(const struct pw_format *f, const struct pw_regime *r, pw_pa pa, pw_pa last)
{
	for (unsigned level = 0; level < f->levels; level++) {
		if (!(f->leaf_levels >> level & 1))
			continue;
		/* A page of this size does not fit. */
		if (level > 0 && last - pa < pw_mask(f->shift[level]))
			return f->shift[level] - 1u;
		if (!leaf_names(f, r, level, pa) ||
		    ((pa ^ last) >> f->shift[level] && !leaf_names(f, r, level, last)))
			return level == 0 ? 0 : f->shift[level] - 1u;
	}
	return 64;
}
