/* SPDX-License-Identifier: MIT */
/* Groups of leaves that stay groups, or become groups again. */
#include "space/slot_group.h"

#include "space/slot_parts.h"

static const uint32_t OWN_BITS = PW_ACCESSED | PW_DIRTY;

/* The leaf of @slot with @attr, as a member of a group of 2^@lg2 bytes. */
static uint64_t member_of(const struct pw_space *space, const struct pw_slot *slot, unsigned lg2,
			  uint32_t attr)
{
	const struct pw_format *f = space->format;
	const uint64_t leaf = pw_slot_leaf(space, slot->level, slot->pa, attr);
	const uint64_t member = f->join(f, pw_space_now(space), slot->level, leaf,
					lg2 - f->shift[slot->level]);

	return f->entry_lg2 == 2 ? (uint32_t)member : member;
}

bool pw_slot_mark(struct pw_space *space, pw_va va, struct pw_slot *slot, uint32_t attr)
{
	uint64_t value;

	if (!pw_slot_grouped(space, slot)) {
		value = pw_slot_change(space, slot, attr);
		return value == slot->entry || pw_slot_swap(space, va, slot, value);
	}
	value = member_of(space, slot, slot->lg2, attr);
	if (value == slot->entry)
		return true;
	if (!pw_slot_try(space, slot, value)) {
		pw_slot_settle(space, va, slot);
		return false;
	}
	slot->entry = value;
	pw_slot_settle(space, va, slot);
	return true;
}

/* May the leaf of @slot be member @i of the group that begins with @first? */
static bool fits(const struct pw_space *space, const struct pw_slot *first,
		 const struct pw_slot *slot, uint64_t i)
{
	const uint32_t differs = (first->attr ^ slot->attr) & ~OWN_BITS;

	return slot->kind == PW_SLOT_PAGE && !pw_slot_grouped(space, slot) &&
	       slot->pa == first->pa + (i << space->format->shift[0]) &&
	       (differs == 0 || pw_mutant(PW_MUTANT_JOIN_MIXED));
}

bool pw_slot_join(struct pw_space *space, pw_va va, unsigned lg2)
{
	const struct pw_format *f = space->format;
	const unsigned shift = f->shift[0];
	const pw_va start = va & ~pw_mask(lg2);
	struct pw_slot first;

	if (lg2 <= shift || lg2 - shift > 15 || !(f->groups[0] >> (lg2 - shift) & 1))
		return false;
	pw_slot_find(space, start, &first);
	if (first.level != 0 || first.pa & pw_mask(lg2) || !fits(space, &first, &first, 0))
		return false;
	for (uint64_t i = 1; i <= pw_mask(lg2 - shift); i++) {
		struct pw_slot slot = { .at = first.at + i * pw_entry_bytes(f) };

		pw_slot_again(space, start + (i << shift), &slot);
		if (!fits(space, &first, &slot, i))
			return false;
	}
	for (uint64_t i = 0; i <= pw_mask(lg2 - shift); i++) {
		struct pw_slot slot = { .at = first.at + i * pw_entry_bytes(f) };

		pw_slot_again(space, start + (i << shift), &slot);
		while (!pw_slot_try(space, &slot, member_of(space, &slot, lg2, slot.attr)))
			pw_slot_settle(space, start + (i << shift), &slot);
	}
	return true;
}
