/* SPDX-License-Identifier: MIT */
/*
 * What the entries say that are not present, as Linux's types have it (format/linux.h has their numbers):
 *
 *     swap        type 0; the offset is a slot of the machine's swap file
 *     migration   the page of this frame is being moved: wait for its folio lock, then look again
 *     hwpoison    the memory of this frame is broken
 *     marker      nothing is there, but something is to be known about the place: a mask of PW_MARKER_
 *
 * A format that has no hwpoison type uses a marker with PW_MARKER_POISON.
 * A swap entry holds a count of its slot. A migration entry holds nothing, neither a reference nor page.mapped.
 * A hwpoison entry holds nothing either: the broken frame is never allocated again.
 */
#ifndef PW_MM_SOFT_H
#define PW_MM_SOFT_H

#include "format/linux.h"
#include "space/slot.h"

enum pw_soft_kind {
	PW_SOFT_SWAP,
	PW_SOFT_HWPOISON,
	PW_SOFT_MIGRATION,
	PW_SOFT_DEVICE,
	PW_SOFT_MARKER,
};

/* The offset of a marker: Linux's bits. */
enum {
	PW_MARKER_USER_PROTECT = 1 << 0, /* write-protected by a user fault handler */
	PW_MARKER_POISON = 1 << 1, /* an access gives PW_FAULT_POISON */
	PW_MARKER_GUARD = 1 << 2, /* an access gives PW_FAULT_MAPERR */
};

/* What the mapping could do with a page that is being moved. */
enum pw_migration { PW_MIGRATION_READ, PW_MIGRATION_READ_EXCLUSIVE, PW_MIGRATION_WRITE };

/* The first type of PW_FIRST_HWPOISON, ...; types below the first of all are swap files. */
PW_INLINE unsigned pw_soft_begins(const struct pw_space *space, unsigned which)
{
	return pw_space_now(space)->swap_first[which];
}

PW_INLINE enum pw_soft_kind pw_soft_kind(const struct pw_space *space, const struct pw_soft *soft)
{
	const struct pw_regime *r = pw_space_now(space);

	if (soft->type < r->swap_first[PW_FIRST_HWPOISON])
		return PW_SOFT_SWAP;
	if (soft->type < r->swap_first[PW_FIRST_MIGRATION])
		return PW_SOFT_HWPOISON;
	if (soft->type < r->swap_first[PW_FIRST_DEVICE])
		return PW_SOFT_MIGRATION;
	return soft->type < r->swap_first[PW_FIRST_MARKER] ? PW_SOFT_DEVICE : PW_SOFT_MARKER;
}

PW_INLINE bool pw_slot_is_soft(const struct pw_space *space, const struct pw_slot *slot,
			       enum pw_soft_kind kind)
{
	return slot->kind == PW_SLOT_SOFT && pw_soft_kind(space, &slot->soft) == kind;
}

/* Is this a marker with any of these bits? */
PW_INLINE bool pw_slot_is_marker(const struct pw_space *space, const struct pw_slot *slot,
				 unsigned bits)
{
	return pw_slot_is_soft(space, slot, PW_SOFT_MARKER) && slot->soft.offset & bits;
}

/* Does an access to it give PW_FAULT_POISON? */
PW_INLINE bool pw_slot_is_poison(const struct pw_space *space, const struct pw_slot *slot)
{
	return pw_slot_is_soft(space, slot, PW_SOFT_HWPOISON) ||
	       pw_slot_is_marker(space, slot, PW_MARKER_POISON);
}

PW_INLINE struct pw_soft pw_soft_swap(uint32_t swap_slot, bool exclusive)
{
	return (struct pw_soft){ .type = 0, .exclusive = exclusive, .offset = swap_slot };
}

/* Bits that no marker of this format can hold are dropped. */
PW_INLINE struct pw_soft pw_soft_marker(const struct pw_space *space, unsigned bits)
{
	return (struct pw_soft){ .type = (uint8_t)pw_soft_begins(space, PW_FIRST_MARKER),
				 .offset = bits };
}

PW_INLINE struct pw_soft pw_soft_poison(const struct pw_space *space, uint32_t frame)
{
	unsigned type = pw_soft_begins(space, PW_FIRST_HWPOISON);

	if (type == pw_soft_begins(space, PW_FIRST_MIGRATION))
		return pw_soft_marker(space, PW_MARKER_POISON);
	return (struct pw_soft){ .type = (uint8_t)type, .offset = frame };
}

/*
 * A migration entry. Kernels before 5.19 have no type for read-exclusive: there such a page becomes one that
 * is only read, and its next write fault finds out that nobody else has it.
 */
PW_INLINE struct pw_soft pw_soft_migration(const struct pw_space *space, enum pw_migration what,
					   uint32_t frame)
{
	unsigned first = pw_soft_begins(space, PW_FIRST_MIGRATION);
	unsigned types = pw_soft_begins(space, PW_FIRST_DEVICE) - first;
	unsigned type = what;

	if (types == 2)
		type = what == PW_MIGRATION_WRITE;
	return (struct pw_soft){ .type = (uint8_t)(first + type), .offset = frame };
}

PW_INLINE enum pw_migration pw_soft_migration_what(const struct pw_space *space,
						   const struct pw_soft *soft)
{
	unsigned first = pw_soft_begins(space, PW_FIRST_MIGRATION);
	unsigned types = pw_soft_begins(space, PW_FIRST_DEVICE) - first;
	unsigned type = soft->type - first;

	if (types == 2)
		return type ? PW_MIGRATION_WRITE : PW_MIGRATION_READ;
	return (enum pw_migration)type;
}

#endif
