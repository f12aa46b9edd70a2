/* SPDX-License-Identifier: MIT */
/*
 * One step of a walk: the place of an entry, its one load, and the meaning of the value. Every
 * algorithm is made of these turns; they differ in where they go on.
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
#include "base/mutant.h"
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
	uint64_t above; /* the value of the entry that led to it; 0 for the top */
	const struct pw_span *span; /* that it translates for */
	uint32_t keep; /* permissions that the tables above leave */
	uint8_t level, shift, bits;
};

PW_INLINE struct pw_table_at pw_table_top(const struct pw_format *f, const struct pw_span *span)
{
	unsigned top = pw_top(f, span);

	return (struct pw_table_at){
		.table = span->table,
		.span = span,
		.keep = PW_KEEP_ALL,
		.level = (uint8_t)top,
		.shift = f->shift[top],
		.bits = f->dynamic_top ? span->top_bits : f->bits[top],
	};
}

/* Is @entry, of @level, a table as most are? Only a short cut: what is not plain may be a table, too. */
PW_INLINE bool pw_entry_plain(const struct pw_format *f, const struct pw_regime *r, unsigned level,
			      uint64_t entry)
{
	return level > 0 && f->plain && PW_LIKELY(f->plain(f, r, level, entry));
}

/*
 * The table that @entry of @level, an entry of @here, leads to. The pointer comes from the value, and
 * from nowhere else. @plain: pw_entry_plain said so.
 */
PW_INLINE struct pw_table_at pw_table_below_of(const struct pw_format *f, const struct pw_regime *r,
					       unsigned level, const struct pw_table_at *here,
					       uint64_t entry, bool plain)
{
	unsigned next = f->next_level ? f->next_level(f, r, level, entry) : level - 1;
	struct pw_table_at below = {
		.table = f->table(f, r, level, entry),
		.above = entry,
		.span = here->span,
		.keep = f->keep && !plain ? here->keep & f->keep(f, r, level, entry) : here->keep,
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

PW_INLINE struct pw_table_at pw_table_below(const struct pw_format *f, const struct pw_regime *r,
					    unsigned level, const struct pw_table_at *here,
					    uint64_t entry)
{
	return pw_table_below_of(f, r, level, here, entry, false);
}

/*
 * log2 of what an entry of the table covers. @level is the table's: as a constant it makes one of
 * this, unless the entry above decides it.
 */
PW_INLINE unsigned pw_table_shift(const struct pw_format *f, const struct pw_table_at *here,
				  unsigned level)
{
	return f->next_bits && level == 0 ? here->shift : f->shift[level];
}

/* Returns the last address that a table of this size covers, counted from its first. */
PW_INLINE pw_va pw_table_covers(const struct pw_table_at *table)
{
	return pw_mask(table->shift + table->bits);
}

/*
 * Does the table have an entry @index at all? The root gives the length of the top table, and
 * the entry above gives that of any other table. Hardware checks this before it reads.
 */
PW_INLINE bool pw_index_admitted(const struct pw_format *f, const struct pw_regime *r,
				 unsigned level, const struct pw_table_at *here, uint32_t index)
{
	if (!f->admits)
		return true;
	if (level == pw_top(f, here->span))
		return index <= here->span->top_last;
	return f->admits(f, r, level + 1, here->above, index);
}

/*
 * Where an entry may lead more than one level down (amdv1), the table below covers less than the
 * entry does: is @va, which the entry of @level covers, beyond it?
 */
PW_INLINE bool pw_table_beyond(const struct pw_format *f, unsigned level,
			       const struct pw_table_at *below, pw_va va)
{
	return f->next_level && (va & pw_mask(f->shift[level])) > pw_table_covers(below);
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
 * The bits of a leaf of @level that hold the address of its page and nothing else: those of a leaf of level
 * 0, without the bits below the larger page. 0 if the format does not name them.
 */
PW_INLINE uint64_t pw_leaf_field(const struct pw_format *f, unsigned level)
{
	const unsigned lowest = f->page_field[1] + (unsigned)f->shift[level] - f->shift[0];

	return f->page_field[0] ? pw_mask(f->page_field[0] + 1u) & ~pw_mask(lowest) : 0;
}

/* By how many bits the address in an entry has to be moved up. */
PW_INLINE unsigned pw_leaf_move(const struct pw_format *f)
{
	return (unsigned)f->shift[0] - f->page_field[1];
}

/*
 * Those of the field that are an address. One for memory encryption is not among them; only formats without a move
 * have one.
 */
PW_INLINE uint64_t pw_leaf_address(const struct pw_format *f, const struct pw_regime *r,
				   unsigned level)
{
	const uint64_t field = pw_leaf_field(f, level);

	return pw_leaf_move(f) ? field : field & r->address_mask;
}

/*
 * A leaf of @level without the page it maps. What was found of a leaf outside groups holds for all leaves
 * of the level for which this is the same, too: their attributes and their size. (In a group, some bits of
 * the address may say how large it is.)
 */
PW_INLINE uint64_t pw_leaf_rest(const struct pw_format *f, unsigned level, uint64_t entry)
{
	return entry & ~pw_leaf_field(f, level);
}

/* Is @entry, of @level, a leaf like @other, which is not part of a group, but for the page it maps? */
PW_INLINE bool pw_leaf_alike(const struct pw_format *f, unsigned level, uint64_t entry,
			     uint64_t other)
{
	return pw_leaf_rest(f, level, entry) == pw_leaf_rest(f, level, other);
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

/*
 * ---- a turn: admitted, open, load; kind, then below or beyond, leaf, hole ----
 *
 * pw_turn_open() is the first half of a turn, pw_turn_read() the second. If the first fails,
 * pw_turn_refused() is the second. There are halves because algorithms do something in between: bulk
 * translation prefetches, and a scan opens once for many entries.
 */

/* The entry that an address selects, and those behind it. */
struct pw_slots {
	pw_pa at;
	const unsigned char *host; /* as open() gave it */
	size_t entries; /* that can be had from there on */
	uint32_t index;
};

/* Moves on by @count entries. @slots has more entries than that. */
PW_INLINE void pw_slots_move(const struct pw_format *f, struct pw_slots *slots, size_t count)
{
	slots->at += (pw_pa)count << f->entry_lg2;
	slots->host += count << f->entry_lg2;
	slots->entries -= count;
	slots->index += (uint32_t)count;
}

/* Ends the slots at the table's @last_index, which is not before the first of them. */
PW_INLINE void pw_slots_limit(const struct pw_format *f, struct pw_slots *slots,
			      uint32_t last_index)
{
	size_t rest = (size_t)(last_index - slots->index) + 1;

	if (f->admits && rest < slots->entries)
		slots->entries = rest;
}

/* The outcome of a turn. */
struct pw_turn {
	uint64_t entry; /* the value that decided: the one above if none was loaded */
	bool loaded;
	enum pw_kind kind;
	enum pw_status status; /* PW_OK: a leaf, or a table to go on in */
	unsigned level;
	unsigned lg2; /* log2 of the page's size, or of what the entry covers */
	uint32_t attr; /* effective ones of a leaf, with its memory type; else 0 */
	pw_pa pa; /* of the address itself, for a leaf or PW_PROT_NONE; else 0 */
	struct pw_table_at below; /* set if kind is PW_TABLE, and only then */
};

PW_INLINE bool pw_turn_descends(const struct pw_turn *turn)
{
	return turn->level > 0 && turn->kind == PW_TABLE && turn->status == PW_OK;
}

/* The turn of an entry that could not be loaded, because of @status. */
PW_INLINE struct pw_turn pw_turn_refused(const struct pw_format *f, unsigned level,
					 const struct pw_table_at *here, enum pw_status status)
{
	return (struct pw_turn){
		.entry = here->above,
		.kind = PW_HOLE,
		.status = status,
		.level = level,
		.lg2 = pw_table_shift(f, here, level),
	};
}

/* The turn of addresses that no root translates. */
PW_INLINE struct pw_turn pw_turn_nowhere(const struct pw_format *f)
{
	return (struct pw_turn){
		.kind = PW_HOLE,
		.status = PW_NOT_CANONICAL,
		.level = f->levels - 1u,
		.lg2 = 64,
	};
}

/*
 * First half: finds the entry of @here that @va selects, and makes it loadable. The caller sets
 * slots->entries to the number of entries that it wants from there on; afterwards it is the number of
 * those that can be loaded, at least 1. Returns PW_OK, or the reason why there is none.
 */
PW_INLINE enum pw_status pw_turn_open(const struct pw_format *f, const struct pw_access *a,
				      void *context, const struct pw_regime *r, unsigned level,
				      const struct pw_table_at *here, pw_va va,
				      struct pw_slots *slots)
{
	size_t bytes = slots->entries << f->entry_lg2;

	slots->index = pw_index(va, pw_table_shift(f, here, level), here->bits);
	slots->at = pw_entry_address(f, here->table, slots->index);
	if (PW_UNLIKELY(!pw_index_admitted(f, r, level, here, slots->index)))
		return PW_LENGTH;
	if (PW_UNLIKELY(
		    !a->open(context, level, slots->at, pw_entry_bytes(f), &bytes, &slots->host)))
		return PW_OUTSIDE;
	slots->entries = bytes >> f->entry_lg2;
	return PW_OK;
}

/* Attributes of a leaf, by itself. @prot_only: those of PW_PROT_MASK and PW_KEXEC; others may be missing. */
PW_INLINE uint32_t pw_attr_of_leaf(const struct pw_format *f, const struct pw_regime *r,
				   unsigned level, uint64_t entry, bool prot_only)
{
	return prot_only && f->prot ? f->prot(f, r, level, entry) : f->attr(f, r, level, entry);
}

/*
 * Second half: decides on @entry, the value of the entry of @here that @va selects. @level is that of
 * @here, as a constant where the caller has one. @prot_only: of a leaf's attributes, only permissions.
 */
PW_INLINE struct pw_turn pw_turn_decide_of(const struct pw_format *f, const struct pw_regime *r,
					   unsigned level, const struct pw_table_at *here, pw_va va,
					   uint64_t entry, bool prot_only)
{
	const unsigned shift = pw_table_shift(f, here, level);
	const bool plain = pw_entry_plain(f, r, level, entry);
	struct pw_turn turn; /* not set as a whole: `below` is large, and most turns have none */
	pw_pa page = 0;

	turn.entry = entry;
	turn.loaded = true;
	turn.kind = plain ? PW_TABLE : f->kind(f, r, level, entry);
	turn.status = PW_OK;
	turn.level = level;
	turn.lg2 = shift;
	turn.attr = 0;
	turn.pa = 0;
	if (level > 0 && turn.kind == PW_TABLE) {
		turn.below = pw_table_below_of(f, r, level, here, entry, plain);
		if (pw_table_beyond(f, level, &turn.below, va))
			turn.status = PW_LENGTH;
	} else if (PW_LIKELY(turn.kind == PW_LEAF)) {
		turn.lg2 = pw_leaf_lg2(f, r, level, shift, entry);
		turn.pa = pw_leaf_page(f, r, level, turn.lg2, entry) | (va & pw_mask(turn.lg2));
		turn.attr = pw_attr_of_leaf(f, r, level, entry, prot_only);
		/* Most tables leave all, and then there is little to settle. */
		if (PW_LIKELY(here->keep == PW_KEEP_ALL))
			turn.attr = pw_attr_settle(turn.attr, PW_KEEP_ALL);
		else
			turn.attr = pw_attr_settle(turn.attr, here->keep);
	} else {
		turn.status = pw_hole_status(f, r, level, shift, entry, &page, &turn.lg2);
		if (turn.status == PW_PROT_NONE)
			turn.pa = page | (va & pw_mask(turn.lg2));
	}
	/* cppcheck-suppress uninitvar */
	return turn;
}

PW_INLINE struct pw_turn pw_turn_decide(const struct pw_format *f, const struct pw_regime *r,
					unsigned level, const struct pw_table_at *here, pw_va va,
					uint64_t entry)
{
	return pw_turn_decide_of(f, r, level, here, va, entry, false);
}

/* Second half with the load of the entry, for which pw_turn_open() filled @slots. */
PW_INLINE struct pw_turn pw_turn_read(const struct pw_format *f, const struct pw_access *a,
				      void *context, const struct pw_regime *r, unsigned level,
				      const struct pw_table_at *here, pw_va va,
				      const struct pw_slots *slots)
{
	struct pw_turn turn = pw_turn_decide(f, r, level, here, va,
					     pw_entry_load(f, a, context, slots->host, slots->at));

	if (pw_mutant(PW_MUTANT_LEAF_LOADED_AGAIN) && turn.kind == PW_LEAF)
		turn.pa = pw_leaf_page(f, r, level, turn.lg2,
				       pw_entry_load(f, a, context, slots->host, slots->at)) |
			  (va & pw_mask(turn.lg2));
	return turn;
}

#endif
