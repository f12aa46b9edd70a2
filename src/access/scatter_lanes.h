/* SPDX-License-Identifier: MIT */
/*
 * Scattered pages in vectors. A file for a kind of vectors includes its functions (vector_*.h), and then this.
 *
 * Nothing here depends on whether a page is a hole, goes on with a run or begins one, but for counts: a processor could not
 * guess that. The ranges of a block are packed by lanes that begin one; all places of a block are written, whether
 * they are needed or not.
 */
#ifndef PW_ACCESS_SCATTER_LANES_H
#define PW_ACCESS_SCATTER_LANES_H

#include <stddef.h>
#include <string.h>

#include "access/access.h"
#include "access/scatter.h"
#include "base/mutant.h"

enum { PW_SCATTER_ALL = (1 << PW_VEC_LANES) - 1, PW_SCATTER_LONG = 16 };

/* What pw_scatter says, in all lanes; of the kinds only the first, which most pages are of. */
struct pw_scatter_consts {
	pw_vec beside, page, hole, like, rest, base, tail;
	pw_vec bytes; /* of a page, less one */
};

/* A block of entries, a bit for each lane. */
struct pw_scatter_block {
	pw_vec entry, first, pa, tail;
	unsigned holes, pages; /* what is in neither is of no kind */
};

PW_VEC_INLINE struct pw_scatter_consts pw_scatter_consts(const struct pw_scatter *s)
{
	return (struct pw_scatter_consts){
		.beside = pw_vec_all(~s->page),
		.page = pw_vec_all(s->page),
		.hole = pw_vec_all(s->hole),
		.like = pw_vec_all(s->like),
		.rest = pw_vec_all(s->kind[0].rest),
		.base = pw_vec_all(s->kind[0].base),
		.tail = pw_vec_all(s->kind[0].tail),
		.bytes = pw_vec_all(pw_mask(s->shift)),
	};
}

PW_VEC_INLINE pw_vec pw_scatter_load(const struct pw_scatter *s, const unsigned char *host)
{
	const pw_vec entry = s->entry_lg2 == 2 ? pw_vec_load_four(host) : pw_vec_load_eight(host);

	if (PW_LIKELY(!s->big_endian))
		return entry;
	return s->entry_lg2 == 2 ? pw_vec_swap_four(entry) : pw_vec_swap_eight(entry);
}

/* Decides on the entries of a block. */
PW_VEC_INLINE void pw_scatter_decide(const struct pw_scatter *s, struct pw_scatter_consts c,
				     struct pw_scatter_block *block)
{
	const pw_vec rest = pw_vec_and(block->entry, c.beside);
	const pw_vec page = pw_vec_left(pw_vec_and(block->entry, c.page), s->move);
	pw_vec base = c.base;

	block->tail = c.tail;
	block->holes = 0;
	block->pages = pw_sel_bits(pw_vec_equal(rest, c.rest));
	if (block->pages != PW_SCATTER_ALL) {
		for (unsigned i = 1; i < s->kinds; i++) {
			const pw_sel same = pw_vec_equal(rest, pw_vec_all(s->kind[i].rest));

			base = pw_vec_pick(same, pw_vec_all(s->kind[i].base), base);
			block->tail = pw_vec_pick(same, pw_vec_all(s->kind[i].tail), block->tail);
			block->pages |= pw_sel_bits(same);
		}
		if (s->any_hole)
			block->holes = pw_sel_bits(pw_vec_equal(block->entry, c.hole));
	}
	if (pw_mutant(PW_MUTANT_SCATTER_BELIEVED))
		block->pages = PW_SCATTER_ALL & ~block->holes;
	block->pa = pw_vec_add(base, page);
}

/* The pages that go on with the run before them. @ahead and @tail are those of the block before. */
PW_VEC_INLINE unsigned pw_scatter_go_on(struct pw_scatter_consts c,
					const struct pw_scatter_block *block, pw_vec *ahead,
					pw_vec *tail, bool open)
{
	const pw_vec these = pw_vec_sub(block->pa, block->first);
	const pw_sel follow = pw_vec_equal(pw_vec_push(*ahead, these), these);
	const pw_vec differ = pw_vec_xor(pw_vec_push(*tail, block->tail), block->tail);
	const pw_sel alike = pw_vec_equal(pw_vec_and(differ, c.like), pw_vec_all(0));
	unsigned before; /* lanes behind a page */

	*ahead = these;
	*tail = block->tail;
	before = block->pages << 1 | open;
	if (pw_mutant(PW_MUTANT_HOLE_BRIDGED))
		before = PW_SCATTER_ALL;
	return pw_sel_bits(pw_sel_and(follow, alike)) & block->pages & before;
}

/* Writes ranges for the first @lanes. */
PW_VEC_INLINE void pw_scatter_write(struct pw_range *range, unsigned lanes, pw_vec first,
				    pw_vec last, pw_vec pa, pw_vec entry, pw_vec tail)
{
	pw_vec_rows(range, sizeof(*range), lanes, first, last, pa, entry);
	pw_vec_pairs(&range->twin, sizeof(*range), lanes, pw_vec_all(0), tail);
}

/* Writes the ranges of a block. Returns how many began in it. */
PW_VEC_INLINE unsigned pw_scatter_put(const struct pw_scatter *s, struct pw_scatter_consts c,
				      const struct pw_scatter_block *block, unsigned go_on,
				      struct pw_range *run)
{
	const unsigned starts = block->pages & ~go_on;
	const unsigned ranges = (unsigned)__builtin_popcount(starts);
	/* Pages at the beginning that go on with the run before the block. */
	const unsigned lead = (unsigned)__builtin_ctz(~go_on);
	const unsigned ends = block->pages & ~(go_on >> 1) & ~0u << lead;
	const pw_vec last = pw_vec_add(block->first, c.bytes);
	pw_vec start, end;

	if (starts == PW_SCATTER_ALL) {
		pw_scatter_write(run + 1, PW_VEC_LANES, block->first, last, block->pa, block->entry,
				 block->tail);
		return PW_VEC_LANES;
	}
	start = pw_vec_order(starts);
	end = pw_vec_order(ends);
	run->last += (pw_va)lead << s->shift;
	pw_scatter_write(run + 1, ranges, pw_vec_pack(start, block->first), pw_vec_pack(end, last),
			 pw_vec_pack(start, block->pa), pw_vec_pack(start, block->entry),
			 pw_vec_pack(start, block->tail));
	return ranges;
}

PW_VEC_TARGET static size_t pw_scatter_blocks(const struct pw_scatter *s, const unsigned char *host,
					      size_t count, struct pw_scatter_at *at)
{
	static const uint64_t number[8] = { 0, 1, 2, 3, 4, 5, 6, 7 };
	const struct pw_scatter_consts c = pw_scatter_consts(s);
	const pw_vec step = pw_vec_all((uint64_t)PW_VEC_LANES << s->shift);
	struct pw_scatter_block block;
	pw_vec ahead = pw_vec_all(at->run->pa - at->run->first), tail;
	struct pw_range *run = at->run;
	bool open = at->open;
	uint64_t word;
	size_t done = 0;

	_Static_assert(offsetof(struct pw_range, entry) == 3 * sizeof(word) &&
			       offsetof(struct pw_range, twin) == 4 * sizeof(word) &&
			       sizeof(*run) == 6 * sizeof(word),
		       "a range is six words: first, last, pa, entry, twin, and the tail");
	memcpy(&word, &run->attr, sizeof(word));
	tail = pw_vec_all(word);
	block.first = pw_vec_add(pw_vec_all(at->va), pw_vec_left(pw_vec_load(number), s->shift));
	while (count - done >= PW_VEC_LANES && at->end - run >= PW_VEC_LANES) {
		unsigned go_on, taken;

		block.entry = pw_scatter_load(s, host + (done << s->entry_lg2));
		pw_scatter_decide(s, c, &block);
		taken = (unsigned)__builtin_ctz(~(block.pages | block.holes));
		block.pages &= (1u << taken) - 1;
		go_on = pw_scatter_go_on(c, &block, &ahead, &tail, open);
		run += pw_scatter_put(s, c, &block, go_on, run);
		done += taken;
		if (taken < PW_VEC_LANES) {
			open = taken > 0 ? block.pages >> (taken - 1) & 1 : open;
			break;
		}
		/* Other loops are faster where a block has nothing but holes, or pages in order. */
		if (PW_UNLIKELY((block.pages == 0 && !open) ||
				(go_on == PW_SCATTER_ALL &&
				 (run->last - run->first) >> s->shift >= PW_SCATTER_LONG)))
			break;
		open = block.pages >> (PW_VEC_LANES - 1) & 1;
		block.first = pw_vec_add(block.first, step);
	}
	at->va += (pw_va)done << s->shift;
	at->run = run;
	at->open = open;
	return done;
}

#endif
