/* SPDX-License-Identifier: MIT */
/*
 * One step of a walk: where an entry stands, and its one load. Shared by every algorithm.
 *
 *      va  |  index at level 2  |  index at level 1  |  index at level 0  |  offset  |
 *          +----------+---------+----------+---------+----------+---------+----------+
 *                     v                    v                    v
 *      table +-----+  :    table +-----+   :    table +-----+   :    page +------+
 *            |     |  :          |     |   :          |     |   :         |      |
 *            |entry|<-'  ,------>|entry|<--'   ,----->|entry|<--'  ,----->|  pa  |
 *            +-----+-----'       +-----+-------'      +-----+------'      +------+
 */
#ifndef PW_WALK_STEP_H
#define PW_WALK_STEP_H

#include <assert.h>

#include "access/access.h"
#include "format/format.h"

PW_INLINE uint32_t pw_index(pw_va va, unsigned shift, unsigned bits)
{
	return (uint32_t)((va >> shift) & pw_mask(bits));
}

/* Where the entry stands. */
PW_INLINE pw_pa pw_entry_address(const struct pw_format *f, pw_pa table, uint32_t index)
{
	return table + ((pw_pa)index << f->entry_lg2);
}

PW_INLINE size_t pw_entry_bytes(const struct pw_format *f)
{
	return (size_t)1 << f->entry_lg2;
}

/*
 * The one load of an entry. Everything that a walk decides about the entry it decides on the value
 * that this returns; nothing else in the library reads table words.
 */
PW_INLINE uint64_t pw_entry_load(const struct pw_format *f, const struct pw_access *a,
				 void *context, const unsigned char *host, pw_pa at)
{
	return pw_entry_number(a->load(context, host, at, f->entry_lg2), f->entry_lg2,
			       f->big_endian);
}

/* Level at which a walk of this span starts: a constant where the format has only one. */
PW_INLINE unsigned pw_top(const struct pw_format *f, const struct pw_span *span)
{
	return f->dynamic_top ? span->top : f->levels - 1u;
}

/*
 * A table on the way down. `shift` and `bits` are the format's own but for a level 0 whose size the
 * entry above it decides (ppc).
 */
struct pw_table_at {
	pw_pa table;
	uint32_t keep; /* permissions that the tables above leave */
	uint8_t level, shift, bits;
};

PW_INLINE struct pw_table_at pw_table_top(const struct pw_format *f, const struct pw_span *span)
{
	unsigned top = pw_top(f, span);

	return (struct pw_table_at){
		.table = span->table,
		.keep = PW_KEEP_ALL,
		.level = (uint8_t)top,
		.shift = f->shift[top],
		.bits = f->dynamic_top ? span->top_bits : f->bits[top],
	};
}

/* The table that @entry of @level leads to. The pointer comes from the value, and from nowhere else. */
PW_INLINE struct pw_table_at pw_table_below(const struct pw_format *f, const struct pw_regime *r,
					    unsigned level, uint64_t entry, uint32_t keep)
{
	unsigned next = f->next_level ? f->next_level(f, r, level, entry) : level - 1;
	struct pw_table_at below = {
		.table = f->table(f, r, level, entry),
		.keep = f->keep ? keep & f->keep(f, r, level, entry) : keep,
		.level = (uint8_t)next,
		.shift = f->shift[next],
		.bits = f->bits[next],
	};

	assert(next < level);
	if (f->next_bits && level == 1) {
		below.bits = (uint8_t)f->next_bits(f, r, entry);
		below.shift = (uint8_t)(f->shift[1] - below.bits);
	}
	return below;
}

/*
 * Does the table have an entry @index at all? The top table's length is the root's to say, any
 * other's that of @above, the entry of the level above it. Hardware checks this before it reads.
 */
PW_INLINE bool pw_index_admitted(const struct pw_format *f, const struct pw_regime *r,
				 const struct pw_span *span, unsigned level, uint64_t above,
				 uint32_t index)
{
	if (!f->admits)
		return true;
	if (level == pw_top(f, span))
		return index <= span->top_last;
	return f->admits(f, r, level + 1, above, index);
}

/*
 * Where an entry may lead more than one level down (amdv1), the table below covers less than the
 * entry does: is @va, which the entry of @level covers, beyond it?
 */
PW_INLINE bool pw_table_beyond(const struct pw_format *f, unsigned level,
			       const struct pw_table_at *below, pw_va va)
{
	return f->next_level &&
	       (va & pw_mask(f->shift[level])) > pw_mask(below->shift + below->bits);
}

/* log2 of the size of the page behind a leaf; @shift is that of the table it stands in. */
PW_INLINE unsigned pw_leaf_lg2(const struct pw_format *f, const struct pw_regime *r, unsigned level,
			       unsigned shift, uint64_t entry)
{
	unsigned lg2 = f->page_lg2 ? f->page_lg2(f, r, level, entry) : shift;

	/* A format does not know how large base pages are where the entry above decides it. */
	return f->next_bits && lg2 < shift ? shift : lg2;
}

/* The page behind a leaf, aligned to its size: page() does that, but for the same exception. */
PW_INLINE pw_pa pw_leaf_page(const struct pw_format *f, const struct pw_regime *r, unsigned level,
			     unsigned lg2, uint64_t entry)
{
	pw_pa page = f->page(f, r, level, entry);

	return f->next_bits ? page & ~pw_mask(lg2) : page;
}

/*
 * Is @entry, of level 0, a leaf like @other but for the page it maps? Then what was found of that one
 * holds for this one, too: its attributes and its size. @other is no part of a group, where some bits of
 * the address may say how large that is.
 */
PW_INLINE bool pw_leaf_alike(const struct pw_format *f, uint64_t entry, uint64_t other)
{
	const uint64_t page = pw_mask(f->page_field[0] + 1u) & ~pw_mask(f->page_field[1]);

	return !((entry ^ other) & ~(f->page_field[0] ? page : 0));
}

/*
 * Why an entry is a hole, and log2 of what it covers. With PW_PROT_NONE, that is the page behind it:
 * one of a contiguous group stays that when its permissions go.
 */
PW_INLINE enum pw_status pw_hole_status(const struct pw_format *f, const struct pw_regime *r,
					unsigned level, unsigned shift, uint64_t entry, pw_pa *page,
					unsigned *lg2)
{
	enum pw_status status = f->hole(f, r, level, entry, page);

	*lg2 = shift;
	if (status == PW_PROT_NONE) {
		*lg2 = pw_leaf_lg2(f, r, level, shift, entry);
		*page = f->next_bits ? *page & ~pw_mask(*lg2) : *page;
	}
	return status;
}

#endif
