/* SPDX-License-Identifier: MIT */
/* What the sources about single entries share: slot.c, slot_visit.c, slot_tables.c. */
#ifndef PW_SPACE_SLOT_PARTS_H
#define PW_SPACE_SLOT_PARTS_H

#include "space/edit.h"
#include "space/slot.h"
#include "walk/instance.h"

PW_INLINE const struct pw_editor *pw_slot_editor(const struct pw_space *space)
{
	return space->format->instance->editor;
}

/* Fills in what follows from slot->entry. */
PW_INLINE void pw_slot_settle(const struct pw_space *space, pw_va va, struct pw_slot *slot)
{
	pw_slot_editor(space)->slot_decode(pw_space_now(space), va, slot);
}

/* Is the slot a member of a group of leaves? */
PW_INLINE bool pw_slot_grouped(const struct pw_space *space, const struct pw_slot *slot)
{
	return slot->kind == PW_SLOT_PAGE && slot->lg2 > space->format->shift[slot->level];
}

/*
 * Stores @value if the entry is slot->entry. Otherwise returns false, and slot->entry is what it is now. All
 * else in the slot stays.
 */
PW_INLINE bool pw_slot_try(const struct pw_space *space, struct pw_slot *slot, uint64_t value)
{
	if (pw_mutant(PW_MUTANT_SWAP_IN_TWO) &&
	    pw_edit_swap(space->format, slot->at, &slot->entry, pw_slot_empty(space, slot->level)))
		slot->entry = pw_edit_load(space->format, slot->at);
	return pw_edit_swap(space->format, slot->at, &slot->entry, value);
}

/*
 * Breaks up the group of the slot, all whose entries become single leaves. Those of other groups, and what is no
 * leaf any more, stay. The slot is as it is now.
 */
void pw_slot_break(const struct pw_space *space, pw_va va, struct pw_slot *slot);

/*
 * Fills the table of the level below the slot's, at @table, which nobody can find yet: with the parts of the
 * slot's page or soft entry, or with empty entries.
 */
void pw_slot_fill_table(const struct pw_space *space, const struct pw_slot *slot, pw_pa table);

/* An entry that leads to the table at @table, for the level and the place of @slot. */
uint64_t pw_slot_table(const struct pw_space *space, const struct pw_slot *slot, pw_pa table);

#endif
