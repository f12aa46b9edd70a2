/* SPDX-License-Identifier: MIT */
/*
 * The walk of src/walk/ as plain nested loops, for comparison with the kernel's. It starts at the level
 * that the root gives. A missing level costs a comparison if the format has several depths (s390), else
 * nothing. Lean only. The library's own pw_walk_range() takes the same turns; it also works out
 * permissions and calls back, and the kernel's fast walk does neither.
 */
#ifndef LAB_OWN_H
#define LAB_OWN_H

#include "lab/fold/kernel.h"

/* One walk; `top` is a constant where the format has one depth. */
struct fold_own {
	unsigned top;
	bool stop_at_hole;
};

/* The outcome of one turn of a table's loop. */
struct fold_own_turn {
	enum pw_kind kind;
	pw_pa below; /* PW_TABLE */
	pw_va next;
};

PW_INLINE struct fold_entry fold_own_load(const struct fold_config *c, const struct fold_walk *w,
					  unsigned level, pw_pa table, pw_va addr)
{
	uint32_t index = fold_index(c, level, addr);

	return fold_word(c, w->ram + pw_entry_address(c->format, table, index));
}

/*
 * A turn at @level. The address alone selects the entry, so the turn cannot break the step invariant.
 */
PW_INLINE struct fold_own_turn fold_own_turn(const struct fold_config *c, struct fold_walk *w,
					     const struct fold_own *own, unsigned level,
					     pw_pa table, pw_va addr, pw_va end)
{
	const struct pw_format *f = c->format;
	struct fold_own_turn turn = { .kind = PW_TABLE, .below = table, .next = end };
	uint64_t value;

	if (level > own->top)
		return turn;
	value = fold_value(c, fold_own_load(c, w, level, table, addr));
	turn.next = fold_crop(f->shift[level], addr, end);
	turn.kind = f->kind(f, w->regime, level, value);
	if (turn.kind == PW_TABLE)
		turn.below = f->table(f, w->regime, level, value);
	else if (turn.kind == PW_LEAF)
		fold_found(c, w, level, value, addr, turn.next);
	return turn;
}

PW_INLINE bool fold_own_0(const struct fold_config *c, struct fold_walk *w,
			  const struct fold_own *own, pw_pa table, pw_va addr, pw_va end)
{
	const struct pw_format *f = c->format;
	uint32_t index = fold_index(c, 0, addr);
	const unsigned char *host = w->ram + pw_entry_address(f, table, index);

	do {
		uint64_t value = fold_value(c, fold_word(c, host));
		pw_va next = addr + (UINT64_C(1) << f->shift[0]);

		if (PW_LIKELY(f->kind(f, w->regime, 0, value) == PW_LEAF))
			fold_found(c, w, 0, value, addr, next);
		else if (own->stop_at_hole)
			return false;
		host += pw_entry_bytes(f);
		addr = next;
	} while (addr != end);
	return true;
}

PW_INLINE bool fold_own_1(const struct fold_config *c, struct fold_walk *w,
			  const struct fold_own *own, pw_pa table, pw_va addr, pw_va end)
{
	do {
		struct fold_own_turn turn = fold_own_turn(c, w, own, 1, table, addr, end);

		if (turn.kind == PW_TABLE ? !fold_own_0(c, w, own, turn.below, addr, turn.next)
					  : turn.kind == PW_HOLE && own->stop_at_hole)
			return false;
		addr = turn.next;
	} while (addr != end);
	return true;
}

PW_INLINE bool fold_own_2(const struct fold_config *c, struct fold_walk *w,
			  const struct fold_own *own, pw_pa table, pw_va addr, pw_va end)
{
	do {
		struct fold_own_turn turn = fold_own_turn(c, w, own, 2, table, addr, end);

		if (turn.kind == PW_TABLE ? !fold_own_1(c, w, own, turn.below, addr, turn.next)
					  : turn.kind == PW_HOLE && own->stop_at_hole)
			return false;
		addr = turn.next;
	} while (addr != end);
	return true;
}

PW_INLINE bool fold_own_3(const struct fold_config *c, struct fold_walk *w,
			  const struct fold_own *own, pw_pa table, pw_va addr, pw_va end)
{
	do {
		struct fold_own_turn turn = fold_own_turn(c, w, own, 3, table, addr, end);

		if (turn.kind == PW_TABLE ? !fold_own_2(c, w, own, turn.below, addr, turn.next)
					  : turn.kind == PW_HOLE && own->stop_at_hole)
			return false;
		addr = turn.next;
	} while (addr != end);
	return true;
}

PW_INLINE bool fold_own_4(const struct fold_config *c, struct fold_walk *w,
			  const struct fold_own *own, pw_pa table, pw_va addr, pw_va end)
{
	do {
		struct fold_own_turn turn = fold_own_turn(c, w, own, 4, table, addr, end);

		if (turn.kind == PW_TABLE ? !fold_own_3(c, w, own, turn.below, addr, turn.next)
					  : turn.kind == PW_HOLE && own->stop_at_hole)
			return false;
		addr = turn.next;
	} while (addr != end);
	return true;
}

#endif
