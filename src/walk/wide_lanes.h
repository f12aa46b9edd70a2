/* SPDX-License-Identifier: MIT */
/*
 * The walk in vectors. A file for a kind of vectors includes its functions (src/access/vector_*.h), and then this.
 *
 * Blocks of lanes follow one another. The entries of level 0 of a block are prefetched while the block before ends; those of
 * higher levels are few, and in the cache after a few walks. Lanes of a group do not wait for each other. A lane is live until its walk has ended, or is left to the scalar walker. Lanes
 * that are not live are still computed with, as that costs nothing; their places are in the memory, too.
 */
#ifndef PW_WALK_WIDE_LANES_H
#define PW_WALK_WIDE_LANES_H

#include "walk/wide.h"

enum { PW_GROUPS = PW_WIDE_LANES / PW_VEC_LANES, PW_GROUP_ALL = (1 << PW_VEC_LANES) - 1 };

struct pw_wide_block {
	uint64_t at[PW_WIDE_LANES]; /* offset of the next entry in the main segment */
	uint64_t keep[PW_WIDE_LANES]; /* what the tables above leave */
	uint64_t live, ended;
	/* Of lanes that have ended. */
	uint64_t pa[PW_WIDE_LANES], entry[PW_WIDE_LANES], tail[PW_WIDE_LANES];
};

/* The lanes of group @first / PW_VEC_LANES. */
PW_VEC_INLINE unsigned pw_group_bits(uint64_t lanes, unsigned first)
{
	return (unsigned)(lanes >> first) & PW_GROUP_ALL;
}

PW_VEC_INLINE uint64_t pw_group_lanes(unsigned bits, unsigned first)
{
	return (uint64_t)bits << first;
}

/* ---- entries ---- */

/* Loads the entries of a group, each by one load, and makes numbers of them. */
PW_VEC_INLINE pw_vec pw_group_load(const struct pw_wide *wide, const uint64_t *at)
{
	const struct pw_format *f = wide->regime->format;
	const unsigned char *host = wide->memory.host;
	uint64_t raw[PW_VEC_LANES];
	pw_vec entry;

	if (PW_UNLIKELY(f->entry_lg2 == 2)) {
		PW_UNROLL
		for (unsigned i = 0; i < PW_VEC_LANES; i++)
			raw[i] = pw_direct_load(NULL, host + at[i], 0, 2);
		return pw_vec_set(raw);
	}
	PW_UNROLL
	for (unsigned i = 0; i < PW_VEC_LANES; i++)
		raw[i] = pw_direct_load(NULL, host + at[i], 0, 3);
	entry = pw_vec_set(raw);
	return f->big_endian ? pw_vec_swap_eight(entry) : entry;
}

PW_VEC_INLINE void pw_block_prefetch(const struct pw_wide *wide, const struct pw_wide_block *block)
{
	const unsigned char *host = wide->memory.host;

	_Pragma("GCC unroll 8") for (unsigned i = 0; i < PW_WIDE_LANES; i++)
		__builtin_prefetch(host + block->at[i]);
}

/* How addresses select entries of a table. */
struct pw_wide_index {
	pw_vec mask; /* of the offset in the table */
	unsigned shift;
};

PW_VEC_INLINE struct pw_wide_index pw_wide_index(const struct pw_wide *wide, unsigned level,
						 unsigned bits)
{
	const struct pw_format *f = wide->regime->format;

	return (struct pw_wide_index){
		.mask = pw_vec_all(pw_mask(bits) << f->entry_lg2),
		.shift = (unsigned)f->shift[level] - f->entry_lg2,
	};
}

PW_VEC_INLINE pw_vec pw_wide_offset(struct pw_wide_index index, pw_vec va)
{
	return pw_vec_and(pw_vec_right(va, index.shift), index.mask);
}

/* Aims a group at @at; the lanes that are outside the main segment are left to the scalar walker. */
PW_VEC_INLINE void pw_group_aim(const struct pw_wide *wide, struct pw_wide_block *block,
				unsigned first, pw_vec at)
{
	const pw_sel inside = pw_vec_at_most(at, pw_vec_all(wide->memory.room));

	pw_vec_store(&block->at[first], pw_vec_pick(inside, at, pw_vec_all(0)));
	block->live &= ~pw_group_lanes(~pw_sel_bits(inside) & PW_GROUP_ALL, first);
}

/* ---- ways ---- */

/* A way in all lanes. */
struct pw_wide_way {
	pw_vec mask, like, base, move, offset, keep, tail;
};

PW_VEC_INLINE struct pw_wide_way pw_wide_way(const struct pw_way *way)
{
	return (struct pw_wide_way){
		.mask = pw_vec_all(way->mask),
		.like = pw_vec_all(way->like),
		.base = pw_vec_all(way->base),
		.move = pw_vec_all(way->move),
		.offset = pw_vec_all(way->offset),
		.keep = pw_vec_all(way->keep),
		.tail = pw_vec_all(way->tail),
	};
}

PW_VEC_INLINE pw_sel pw_way_is(struct pw_wide_way way, pw_vec entry)
{
	return pw_vec_equal(pw_vec_and(entry, way.mask), way.like);
}

PW_VEC_INLINE pw_vec pw_way_address(const struct pw_wide *wide, struct pw_wide_way way,
				    pw_vec entry)
{
	return pw_vec_add(way.base, pw_vec_left(pw_vec_and(entry, way.move), wide->move_shift));
}

/* Ends the walks of the lanes in @ended. */
PW_VEC_INLINE void pw_group_end(struct pw_wide_block *block, unsigned first, pw_sel ended,
				pw_vec entry, pw_vec pa, pw_vec tail)
{
	const uint64_t lanes = pw_group_lanes(pw_sel_bits(ended), first);

	pw_vec_store(&block->pa[first], pw_vec_pick(ended, pa, pw_vec_load(&block->pa[first])));
	pw_vec_store(&block->tail[first],
		     pw_vec_pick(ended, tail, pw_vec_load(&block->tail[first])));
	pw_vec_store(&block->entry[first],
		     pw_vec_pick(ended, entry, pw_vec_load(&block->entry[first])));
	block->ended |= lanes;
	block->live &= ~lanes;
}

/*
 * The turn of a group whose entries are not all of the first way: way by way, and learns those that are new. Returns
 * the next tables, of the lanes that are still live.
 */
static __attribute__((noinline)) PW_VEC_TARGET void pw_group_mixed(
	struct pw_wide *wide, unsigned level, struct pw_wide_block *block, unsigned first,
	const pw_vec *va, const pw_vec *entries, pw_vec *next, size_t *found)
{
	const pw_vec entry = *entries, keep = pw_vec_load(&block->keep[first]);
	unsigned rest = pw_group_bits(block->live, first);
	uint64_t number[PW_VEC_LANES];
	pw_vec left = keep;

	*next = pw_vec_all(0);
	pw_vec_store(number, entry);
	for (unsigned i = 0; rest; i++) {
		const struct pw_way *known = &wide->way[level][i];
		struct pw_wide_way way;
		pw_sel same;

		while (rest && i == wide->ways[level]) {
			unsigned lane = (unsigned)__builtin_ctz(rest);

			if (pw_wide_learn(wide, level, number[lane],
					  (uint32_t)block->keep[first + lane]))
				break;
			block->live &= ~(UINT64_C(1) << (first + lane));
			rest &= rest - 1;
		}
		if (!rest)
			break;
		way = pw_wide_way(known);
		same = pw_sel_and(pw_way_is(way, entry), pw_sel_of(rest));
		if (known->end && !pw_mutant(PW_MUTANT_WIDE_KEEP))
			same = pw_sel_and(same, pw_vec_equal(keep, way.keep));
		rest &= ~pw_sel_bits(same);
		if (!known->end) {
			*next = pw_vec_pick(same, pw_way_address(wide, way, entry), *next);
			left = pw_vec_pick(same, pw_vec_and(keep, way.keep), left);
		} else if (pw_sel_bits(same)) {
			pw_group_end(block, first, same, entry,
				     pw_vec_add(pw_way_address(wide, way, entry),
						pw_vec_and(*va, way.offset)),
				     way.tail);
			*found += known->leaf ? (unsigned)__builtin_popcount(pw_sel_bits(same)) : 0;
		}
	}
	pw_vec_store(&block->keep[first], left);
}

/* The words of @table that @index selects. */
PW_VEC_INLINE pw_vec pw_wide_look_up(const uint64_t *table, const uint64_t *index)
{
	uint64_t word[PW_VEC_LANES];

	PW_UNROLL
	for (unsigned i = 0; i < PW_VEC_LANES; i++)
		word[i] = table[index[i]];
	return pw_vec_set(word);
}

/* Ends the walks at leaves of level 0 that have a slot, whichever their attributes are. */
PW_VEC_INLINE void pw_group_slots(const struct pw_wide *wide, struct pw_wide_block *block,
				  unsigned first, pw_vec va, pw_vec entry, size_t *found)
{
	const struct pw_format *f = wide->regime->format;
	const pw_vec field = pw_vec_all(wide->leaf_field);
	const pw_vec like = pw_vec_and(entry, pw_vec_all(~wide->leaf_field));
	const pw_vec hash = pw_vec_mul32(pw_vec_xor(like, pw_vec_right(like, 32)),
					 pw_vec_all(PW_WIDE_FACTOR));
	uint64_t slot[PW_VEC_LANES];
	pw_sel same;
	pw_vec pa;

	pw_vec_store(slot, pw_vec_and(pw_vec_right(hash, PW_WIDE_SLOT_SHIFT),
				      pw_vec_all(PW_WIDE_SLOTS - 1)));
	same = pw_vec_equal(pw_wide_look_up(wide->leaf_like, slot), like);

	same = pw_sel_and(
		same, pw_vec_equal(pw_vec_load(&block->keep[first]), pw_vec_all(wide->leaf_keep)));
	same = pw_sel_and(same, pw_sel_of(pw_group_bits(block->live, first)));
	pa = pw_vec_add(pw_wide_look_up(wide->leaf_base, slot),
			pw_vec_left(pw_vec_and(entry, field), wide->move_shift));
	pa = pw_vec_add(pa, pw_vec_and(va, pw_vec_all(pw_mask(f->shift[0]))));
	pw_group_end(block, first, same, entry, pa, pw_wide_look_up(wide->leaf_tail, slot));
	*found += (unsigned)__builtin_popcount(pw_sel_bits(same));
}

/* ---- stages ---- */

/* From the root to the top table. */
PW_VEC_INLINE void pw_stage_root(const struct pw_wide *wide, struct pw_wide_block *block,
				 const pw_va *va)
{
	const struct pw_regime *r = wide->regime;
	const struct pw_wide_index index = pw_wide_index(wide, wide->top, r->span[0].top_bits);

	block->live = ~UINT64_C(0);
	block->ended = 0;
	for (unsigned first = 0; first < PW_WIDE_LANES; first += PW_VEC_LANES) {
		const pw_vec v = pw_vec_load(&va[first]);
		pw_vec table = pw_vec_all(0);
		unsigned inside = 0;

		for (unsigned i = 0; i < r->spans && inside != PW_GROUP_ALL; i++) {
			const struct pw_span *span = &r->span[i];
			pw_sel in = pw_sel_and(pw_vec_at_most(pw_vec_all(span->first), v),
					       pw_vec_at_most(v, pw_vec_all(span->last)));

			in = pw_sel_and(in, pw_sel_of(~inside & PW_GROUP_ALL));
			table = pw_vec_pick(in, pw_vec_all(span->table), table);
			inside |= pw_sel_bits(in);
		}
		block->live &= ~pw_group_lanes(~inside & PW_GROUP_ALL, first);
		pw_vec_store(&block->keep[first], pw_vec_all(PW_KEEP_ALL));
		pw_group_aim(wide, block, first,
			     pw_vec_sub(pw_vec_add(table, pw_wide_offset(index, v)),
					pw_vec_all(wide->memory.first)));
	}
}

/* Entries of @level, above 0, from one table to the next. */
PW_VEC_INLINE void pw_stage_table(struct pw_wide *wide, unsigned level, struct pw_wide_block *block,
				  const pw_va *va, size_t *found)
{
	const struct pw_way *known = &wide->way[level][0];
	const struct pw_wide_index index = pw_wide_index(wide, level - 1,
							 wide->regime->format->bits[level - 1]);
	const pw_vec start = pw_vec_all(wide->memory.first), room = pw_vec_all(wide->memory.room);
	struct pw_wide_way way = pw_wide_way(known);
	bool plain = !known->end && known->keep == PW_KEEP_ALL;

	for (unsigned first = 0; first < PW_WIDE_LANES; first += PW_VEC_LANES) {
		const pw_vec entry = pw_group_load(wide, &block->at[first]);
		const pw_vec v = pw_vec_load(&va[first]), offset = pw_wide_offset(index, v);
		pw_vec next = pw_way_address(wide, way, entry);
		pw_vec at = pw_vec_add(pw_vec_sub(next, start), offset);
		const pw_sel same = pw_sel_and(pw_way_is(way, entry), pw_vec_at_most(at, room));

		pw_vec_store(&block->at[first], at);
		if (PW_LIKELY(plain && pw_sel_bits(same) == PW_GROUP_ALL))
			continue;
		pw_group_mixed(wide, level, block, first, &v, &entry, &next, found);
		pw_group_aim(wide, block, first, pw_vec_add(pw_vec_sub(next, start), offset));
		way = pw_wide_way(known);
		plain = !known->end && known->keep == PW_KEEP_ALL;
	}
}

/* Entries of level 0, and the results of the block. Lanes that are not ended afterwards have none yet. */
PW_VEC_INLINE void pw_stage_last(struct pw_wide *wide, struct pw_wide_block *block, const pw_va *va,
				 struct pw_result *result, size_t *found)
{
	const struct pw_way *known = &wide->way[0][0];
	struct pw_wide_way way = pw_wide_way(known);

	for (unsigned first = 0; first < PW_WIDE_LANES; first += PW_VEC_LANES) {
		const pw_vec entry = pw_group_load(wide, &block->at[first]);
		const pw_vec v = pw_vec_load(&va[first]);
		const pw_vec pa = pw_vec_add(pw_way_address(wide, way, entry),
					     pw_vec_and(v, way.offset));
		const pw_vec keep = pw_vec_load(&block->keep[first]);
		const pw_sel same = pw_sel_and(pw_way_is(way, entry), pw_vec_equal(keep, way.keep));
		pw_vec none;

		if (PW_LIKELY((pw_sel_bits(same) & pw_group_bits(block->live, first)) ==
			      PW_GROUP_ALL)) {
			pw_vec_rows(&result[first], sizeof(*result), PW_VEC_LANES, v, pa, entry,
				    way.tail);
			block->ended |= pw_group_lanes(PW_GROUP_ALL, first);
			*found += known->leaf ? PW_VEC_LANES : 0;
			continue;
		}
		pw_group_slots(wide, block, first, v, entry, found);
		if (pw_group_bits(block->live, first))
			pw_group_mixed(wide, 0, block, first, &v, &entry, &none, found);
		pw_vec_rows(&result[first], sizeof(*result), PW_VEC_LANES, v,
			    pw_vec_load(&block->pa[first]), pw_vec_load(&block->entry[first]),
			    pw_vec_load(&block->tail[first]));
		way = pw_wide_way(known);
	}
}

/* The lanes without a result, by the scalar walker. Returns how many they are. */
static __attribute__((noinline)) unsigned pw_block_rest(const struct pw_wide *wide,
							const struct pw_wide_block *block,
							const pw_va *va, struct pw_result *result,
							size_t *found)
{
	unsigned count = 0;

	for (uint64_t rest = ~block->ended; rest; rest &= rest - 1) {
		unsigned lane = (unsigned)__builtin_ctzll(rest);

		*found += wide->scalar->translate((void *)&wide->memory, wide->regime, va[lane],
						  &result[lane]) == PW_OK;
		count++;
	}
	return count;
}

PW_VEC_INLINE size_t pw_wide_blocks(struct pw_wide *wide, const pw_va *va, size_t count,
				    struct pw_result *result, size_t *found)
{
	struct pw_wide_block pair[2];
	size_t blocks = count / PW_WIDE_LANES;

	for (size_t n = 0; n < blocks + 1; n++) {
		struct pw_wide_block *begins = &pair[n % 2], *ends = &pair[(n + 1) % 2];

		if (n < blocks) {
			pw_stage_root(wide, begins, &va[n * PW_WIDE_LANES]);
			for (unsigned level = wide->top; level > 0; level--)
				pw_stage_table(wide, level, begins, &va[n * PW_WIDE_LANES], found);
			pw_block_prefetch(wide, begins);
		}
		if (n >= 1) {
			size_t at = (n - 1) * PW_WIDE_LANES;

			pw_stage_last(wide, ends, &va[at], &result[at], found);
			/* No block begins after one that is not ordinary; the one under way ends. */
			if (PW_UNLIKELY(~ends->ended) &&
			    pw_block_rest(wide, ends, &va[at], &result[at], found) >
				    PW_WIDE_LANES / 2 &&
			    n + 1 < blocks)
				blocks = n + 1;
		}
	}
	return blocks * PW_WIDE_LANES;
}

#endif
