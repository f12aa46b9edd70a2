/* SPDX-License-Identifier: MIT */
/* Groups of leaves that stay groups, or become groups again. */
#ifndef PW_SPACE_SLOT_GROUP_H
#define PW_SPACE_SLOT_GROUP_H

#include "space/slot.h"

/*
 * Stores the same leaf with @attr, which differs in accessed and dirty bits alone. As pw_slot_swap, but a member of a
 * group stays one: each has bits of its own. True also if the format cannot tell the two apart.
 */
bool pw_slot_mark(struct pw_space *space, pw_va va, struct pw_slot *slot, uint32_t attr);

/*
 * Makes the single leaves of level 0 in the 2^@lg2 bytes around @va, a size that pw_slot_groups lists, a group: if they
 * map neighbouring pages with the same permissions, aligned to the group. Returns whether it did. The caller holds the
 * lock of all of these entries; a CPU may set accessed and dirty bits meanwhile.
 */
bool pw_slot_join(struct pw_space *space, pw_va va, unsigned lg2);

#endif
