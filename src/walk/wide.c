/* SPDX-License-Identifier: MIT */
/* Walks in vectors: what needs no vectors. */
#include <stddef.h>
#include <string.h>

#include "walk/wide.h"

/* Where lanes are not ordinary, the scalar walker takes this many addresses before vectors try again. */
enum { PW_WIDE_PAUSE = 1024 };

bool pw_wide_init(struct pw_wide *wide, const struct pw_regime *regime,
		  const struct pw_direct *memory)
{
	const struct pw_format *f = regime->format;
	const struct pw_span *span = regime->span;

	if (!memory->host || !f->page_field[0])
		return false;
	/* All lanes start at one level, in a whole table. */
	for (unsigned i = 0; i < regime->spans; i++)
		if (span[i].top != span[0].top || span[i].top_bits != span[0].top_bits ||
		    span[i].top_last != (uint32_t)pw_mask(span[i].top_bits))
			return false;
	wide->regime = regime;
	wide->scalar = &f->instance->direct;
	wide->memory = *memory;
	wide->top = pw_top(f, span);
	wide->move_shift = pw_leaf_move(f);
	wide->leaf_field = pw_leaf_address(f, regime, 0);
	for (unsigned level = 0; level < PW_MAX_LEVELS; level++) {
		wide->ways[level] = 0;
		wide->way[level][0] = (struct pw_way){ .like = 1 }; /* no entry is of it */
	}
	/* Nor is a leaf like this, because without its page it has zeros; and no tables leave so many bits. */
	wide->leaf_keep = ~UINT64_C(0);
	for (unsigned slot = 0; slot < PW_WIDE_SLOTS; slot++)
		wide->leaf_like[slot] = ~UINT64_C(0);
	return true;
}

/* Is the table as long as the format's numbers say, and one level down? Then a lane needs only its address. */
static bool is_whole(const struct pw_format *f, const struct pw_regime *r, unsigned level,
		     uint64_t entry, const struct pw_table_at *below)
{
	if (pw_mutant(PW_MUTANT_WIDE_PARTS))
		return true;
	if (below->level != level - 1 || below->bits != f->bits[level - 1])
		return false;
	return !f->admits || (f->admits(f, r, level, entry, 0) &&
			      f->admits(f, r, level, entry, (uint32_t)pw_mask(below->bits)));
}

/* What follows the entry in the result of a walk that ends with @turn; vectors store it as one word. */
static uint64_t tail_of(const struct pw_turn *turn)
{
	struct pw_result result;
	uint64_t tail;

	pw_result_fill(turn, 0, &result);
	_Static_assert(offsetof(struct pw_result, attr) == 3 * sizeof(uint64_t) &&
			       sizeof(result) == 4 * sizeof(uint64_t),
		       "a result is four words: va, pa, entry, and the rest");
	memcpy(&tail, &result.attr, sizeof(tail));
	return tail;
}

/* A leaf of level 0 can be found by its hash, too; one that was there before makes room. */
static void keep_leaf(struct pw_wide *wide, const struct pw_way *way, uint32_t keep)
{
	uint32_t hash = (uint32_t)(way->like ^ way->like >> 32) * PW_WIDE_FACTOR;
	unsigned slot = hash >> PW_WIDE_SLOT_SHIFT;

	if (wide->leaf_keep == ~UINT64_C(0))
		wide->leaf_keep = keep;
	if (wide->leaf_keep != keep || way->mask != ~wide->leaf_field)
		return;
	wide->leaf_like[slot] = way->like;
	wide->leaf_base[slot] = way->base;
	wide->leaf_tail[slot] = way->tail;
}

bool pw_wide_learn(struct pw_wide *wide, unsigned level, uint64_t entry, uint32_t keep)
{
	const struct pw_regime *r = wide->regime;
	const struct pw_format *f = r->format;
	const struct pw_table_at here = {
		.keep = keep,
		.level = (uint8_t)level,
		.shift = f->shift[level],
		.bits = f->bits[level],
	};
	const struct pw_turn turn = pw_turn_decide(f, r, level, &here, 0, entry);
	const bool table = pw_turn_descends(&turn), leaf = turn.kind == PW_LEAF;
	uint64_t field = table || leaf ? pw_leaf_address(f, r, table ? 0 : level) : 0;
	struct pw_way way = { .end = !table, .leaf = leaf, .keep = keep };

	if (table  ? !is_whole(f, r, level, entry, &turn.below)
	    : leaf ? turn.lg2 != f->shift[level] && !pw_mutant(PW_MUTANT_WIDE_GROUPS)
		   : turn.kind != PW_HOLE || turn.status == PW_PROT_NONE)
		return false;
	way.mask = ~field;
	way.like = entry & ~field;
	way.move = field;
	way.base = (table ? turn.below.table : turn.pa) - ((entry & field) << wide->move_shift);
	way.offset = leaf ? pw_mask(turn.lg2) : 0;
	/* What the tables above leave, each lane knows by itself. */
	if (table)
		way.keep = f->keep ? f->keep(f, r, level, entry) : PW_KEEP_ALL;
	else
		way.tail = tail_of(&turn);
	if (leaf && level == 0)
		keep_leaf(wide, &way, keep);
	if (wide->ways[level] == PW_WIDE_WAYS)
		return false;
	wide->way[level][wide->ways[level]++] = way;
	return true;
}

size_t pw_wide_many(pw_wide_fn *walk, const struct pw_direct *memory,
		    const struct pw_regime *regime, const pw_va *va, size_t count,
		    struct pw_result *result)
{
	const struct pw_algorithms *scalar = &regime->format->instance->direct;
	void *context = (void *)memory; /* which is only read */
	struct pw_wide wide;
	size_t found = 0;

	if (count < PW_WIDE_LEAST || !pw_wide_init(&wide, regime, memory))
		return scalar->many(context, regime, va, count, result);
	while (count > 0) {
		size_t done = walk(&wide, va, count, result, &found);
		size_t more = done + PW_WIDE_PAUSE < count ? PW_WIDE_PAUSE : count - done;

		found += scalar->many(context, regime, va + done, more, result + done);
		va += done + more;
		result += done + more;
		count -= done + more;
	}
	return found;
}
