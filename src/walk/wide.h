/* SPDX-License-Identifier: MIT */
/*
 * Many addresses at once, several in each vector: for memory in one piece and ordinary tables.
 *
 * Vectors know no format. They know ways: entries of a level that are alike, that is, equal but for the bits that
 * hold an address. A way says what its entries have in common, and was learnt from one of them by the format's
 * own functions. So of an entry of a known way, a comparison and an addition tell all:
 *
 *      (entry & mask) == like                    the entry is of this way
 *      base + ((entry & move) << move_shift)     where the next table is, or the page
 *
 * An entry of no way that can be learnt, or a table outside the main segment, leaves its lane to the scalar walker,
 * from the root on. So every result is what the scalar walker would say of values that were each loaded once.
 * (Test: unit/walk_wide, over all formats.)
 *
 * Entries are loaded one by one, as all walks load them. A gather does not promise that each of them is whole, and
 * was slower where it was measured.
 *
 *   wide.c         what needs no vectors: what can be walked so, and what is learnt
 *   wide_lanes.h   the walk; compiled once for each kind of vectors
 *   wide_avx2.c  wide_avx512.c       it, for the kinds of vectors (src/access/vector_*.h)
 *   wide_x86.c  wide_none.c          which of them the host's processor has
 */
#ifndef PW_WALK_WIDE_H
#define PW_WALK_WIDE_H

#include "walk/instance.h"

enum {
	PW_WIDE_LANES = 64, /* of a block; a bit of a uint64_t stands for each */
	PW_WIDE_WAYS = 12, /* that are compared one after the other, of each level */
	PW_WIDE_SLOTS = 64, /* of leaves of level 0 that are found by a hash */
	PW_WIDE_LEAST = 2 * PW_WIDE_LANES, /* fewer addresses are not worth it */
};

struct pw_way {
	uint64_t mask, like;
	uint64_t base, move;
	uint64_t offset; /* the bits of a virtual address that belong to the physical one */
	uint64_t
		keep; /* of a table: what it leaves. Of an end: what the tables above left, which must be the same */
	uint64_t tail; /* of an end: what follows the entry in struct pw_result */
	bool end; /* the walk ends here */
	bool leaf; /* at a leaf */
};

/* What one call knows. */
struct pw_wide {
	const struct pw_regime *regime;
	const struct pw_algorithms *scalar;
	struct pw_direct memory;
	unsigned top; /* level at which walks start */
	unsigned move_shift;
	/* Leaves of level 0, all below tables that leave @leaf_keep: by pw_wide_slot. */
	uint64_t leaf_field, leaf_keep;
	uint64_t leaf_like[PW_WIDE_SLOTS], leaf_base[PW_WIDE_SLOTS], leaf_tail[PW_WIDE_SLOTS];
	unsigned ways[PW_MAX_LEVELS];
	struct pw_way way[PW_MAX_LEVELS][PW_WIDE_WAYS];
};

/* In 32 bits, the hash of a leaf without its page is this times the exclusive or of its halves; its top bits are the slot. */
enum { PW_WIDE_SLOT_SHIFT = 26 };
static const uint32_t PW_WIDE_FACTOR = 0x9e3779b1;

/* Can lanes walk this regime? Then fills @wide. */
bool pw_wide_init(struct pw_wide *wide, const struct pw_regime *regime,
		  const struct pw_direct *memory);

/*
 * Learns the way of @entry of @level, below tables that leave @keep, and puts it behind those of the level. False:
 * it cannot be learnt, or there is no room; its lane is left to the scalar walker.
 */
bool pw_wide_learn(struct pw_wide *wide, unsigned level, uint64_t entry, uint32_t keep);

/*
 * Translates the addresses in @va in blocks, as pw_translate_many does, until less than a block is left, or until a
 * block has few ordinary lanes. Adds to *found those with PW_OK, and returns how many addresses it has translated.
 */
typedef size_t pw_wide_fn(struct pw_wide *wide, const pw_va *va, size_t count,
			  struct pw_result *result, size_t *found);

struct pw_wide_kind {
	const char *name;
	pw_wide_fn *walk;
};

/* The kinds of vectors that this processor has: the best is number 0. @walk is NULL if there is no such number. */
struct pw_wide_kind pw_wide_kind(unsigned number);

pw_wide_fn pw_wide_avx2, pw_wide_avx512;

/*
 * pw_translate_many over direct memory, by this kind of vectors where that is possible. The format has a walker for
 * many addresses.
 */
size_t pw_wide_many(pw_wide_fn *walk, const struct pw_direct *memory,
		    const struct pw_regime *regime, const pw_va *va, size_t count,
		    struct pw_result *result);

#endif
