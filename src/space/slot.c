/* SPDX-License-Identifier: MIT */
/* Single entries: finding, changing and making them. The walk down is compiled per format: slot_walk.h. */
#include "space/slot.h"

#include "space/slot_parts.h"

/* ---- one entry ---- */

void pw_slot_find(const struct pw_space *space, pw_va va, struct pw_slot *slot)
{
	pw_slot_editor(space)->slot_find(space, va, 0, slot);
}

void pw_slot_again(const struct pw_space *space, pw_va va, struct pw_slot *slot)
{
	if (!slot->at)
		return;
	slot->entry = pw_edit_load(space->format, slot->at);
	pw_slot_settle(space, va, slot);
}

uint64_t pw_slot_table(const struct pw_space *space, const struct pw_slot *slot, pw_pa table)
{
	return space->format->make_table(space->format, pw_space_now(space), slot->level, table);
}

/* The entry of @level for the part of @slot, whose level is higher, that begins @offset bytes into it. */
static uint64_t part_of(const struct pw_space *space, const struct pw_slot *slot, unsigned level,
			uint64_t offset)
{
	const struct pw_regime *r = pw_space_now(space);
	struct pw_soft soft = slot->soft;

	switch (slot->kind) {
	case PW_SLOT_PAGE:
		return pw_slot_leaf(space, level, slot->pa + offset, slot->attr);
	case PW_SLOT_PROT_NONE:
		return pw_slot_prot_none(space, level, slot->pa + offset);
	case PW_SLOT_SOFT:
		/* Above level 0, offsets are numbers of frames; those of markers are not. */
		if (soft.type < r->swap_first[PW_FIRST_MARKER])
			soft.offset += offset >> space->format->shift[0];
		return pw_slot_soft(space, level, &soft);
	default:
		return pw_slot_empty(space, level);
	}
}

void pw_slot_fill_table(const struct pw_space *space, const struct pw_slot *slot, pw_pa table)
{
	const struct pw_format *f = space->format;
	const unsigned below = slot->level - 1u;
	const uint64_t empty = pw_slot_empty(space, below);
	unsigned char *entry = pw_table_host(space, table);

	for (uint64_t i = 0; i <= pw_mask(f->bits[below]); i++, entry += pw_entry_bytes(f))
		pw_edit_fill(f, entry,
			     slot->kind == PW_SLOT_EMPTY
				     ? empty
				     : part_of(space, slot, below, i << f->shift[below]));
}

/* Puts a table behind an empty entry, unless another thread was faster. Returns 0, or -ENOMEM. */
static int put_table(struct pw_space *space, struct pw_slot *slot)
{
	const unsigned below = slot->level - 1u;
	pw_pa table;

	if (pw_table_alloc(space, below, &table))
		return -ENOMEM;
	if (!pw_mutant(PW_MUTANT_PUBLISH_EMPTY))
		pw_slot_fill_table(space, slot, table);
	pw_moment(PW_MOMENT_TABLE_NEW);
	if (!pw_slot_try(space, slot, pw_slot_table(space, slot, table)))
		pw_table_free(space, below, table); /* no reader has seen it */
	else if (pw_mutant(PW_MUTANT_PUBLISH_EMPTY))
		pw_slot_fill_table(space, slot, table);
	return 0;
}

int pw_slot_reach(struct pw_space *space, pw_va va, unsigned level, struct pw_slot *slot)
{
	for (;;) {
		int code;

		pw_slot_editor(space)->slot_find(space, va, level, slot);
		if (PW_LIKELY(slot->at)) {
			if (PW_LIKELY(slot->level <= level || slot->kind != PW_SLOT_EMPTY))
				return 0;
			code = put_table(space, slot);
		} else {
			code = pw_space_cover(space, va, va, NULL);
		}
		if (code)
			return code;
	}
}

/* Of the slot's group or of no group: the same leaf by itself. */
static uint64_t alone(const struct pw_space *space, const struct pw_slot *slot)
{
	return pw_slot_leaf(space, slot->level, slot->pa, slot->attr);
}

void pw_slot_break(const struct pw_space *space, pw_va va, struct pw_slot *slot)
{
	const struct pw_format *f = space->format;
	const unsigned level = slot->level, shift = f->shift[level], lg2 = slot->lg2;
	const pw_pa group = slot->pa & ~pw_mask(lg2);
	const uint64_t own = va >> shift & pw_mask(lg2 - shift);
	unsigned char *first = slot->at - own * pw_entry_bytes(f);

	for (uint64_t i = 0; i <= pw_mask(lg2 - shift); i++) {
		const pw_va member_va = (va & ~pw_mask(lg2)) + (i << shift);
		struct pw_slot member = { .at = first + i * pw_entry_bytes(f),
					  .level = (uint8_t)level };

		/* A CPU may set bits of the leaf meanwhile: then the next turn takes them along. */
		pw_slot_again(space, member_va, &member);
		while (pw_slot_grouped(space, &member) && member.lg2 == lg2 &&
		       (member.pa & ~pw_mask(lg2)) == group &&
		       !pw_slot_try(space, &member, alone(space, &member)))
			pw_slot_settle(space, member_va, &member);
	}
	pw_slot_again(space, va, slot);
}

bool pw_slot_swap(struct pw_space *space, pw_va va, struct pw_slot *slot, uint64_t value)
{
	const bool takes = slot->kind == PW_SLOT_PAGE;
	bool done;

	if (!slot->at)
		return false;
	if (PW_UNLIKELY(pw_slot_grouped(space, slot))) {
		const uint64_t single = alone(space, slot);

		if (pw_edit_load(space->format, slot->at) != slot->entry) {
			pw_slot_again(space, va, slot);
			return false;
		}
		pw_slot_break(space, va, slot);
		if (slot->entry != (space->format->entry_lg2 == 2 ? (uint32_t)single : single))
			return false;
	}
	done = pw_slot_try(space, slot, value);
	if (done) {
		slot->entry = space->format->entry_lg2 == 2 ? (uint32_t)value : value;
		if (takes)
			pw_edit_settle();
	}
	pw_slot_settle(space, va, slot);
	return done;
}

bool pw_slot_fill(const struct pw_space *space, struct pw_slot *slot, uint64_t value)
{
	if (!slot->at || !pw_slot_try(space, slot, value))
		return false;
	slot->entry = space->format->entry_lg2 == 2 ? (uint32_t)value : value;
	return true;
}

bool pw_slot_fill_group(struct pw_space *space, pw_va va, struct pw_slot *slot, unsigned lg2,
			pw_pa pa, uint32_t attr)
{
	const struct pw_format *f = space->format;
	const struct pw_regime *r = pw_space_now(space);
	const unsigned level = slot->level, shift = f->shift[level];
	const unsigned group_lg2 = lg2 - shift;

	if (!slot->at || lg2 <= shift || group_lg2 > 15 || !(f->groups[level] >> group_lg2 & 1) ||
	    ((va | pa) & pw_mask(lg2)))
		return false;
	for (uint64_t i = 0; i <= pw_mask(group_lg2); i++) {
		struct pw_slot member = { .at = slot->at + i * pw_entry_bytes(f),
					  .level = (uint8_t)level };

		pw_slot_again(space, va + (i << shift), &member);
		if (member.kind != PW_SLOT_EMPTY)
			return false;
	}
	for (uint64_t i = 0; i <= pw_mask(group_lg2); i++) {
		uint64_t leaf = pw_slot_leaf(space, level, pa + (i << shift), attr);

		pw_edit_store(f, slot->at + i * pw_entry_bytes(f),
			      f->join(f, r, level, leaf, group_lg2));
	}
	pw_slot_again(space, va, slot);
	return true;
}

/* ---- values of entries ---- */

uint64_t pw_slot_empty(const struct pw_space *space, unsigned level)
{
	return space->format->make_empty(space->format, pw_space_now(space), level);
}

uint64_t pw_slot_leaf(const struct pw_space *space, unsigned level, pw_pa pa, uint32_t attr)
{
	const struct pw_format *f = space->format;

	/* On arm the entry of a page that was not accessed is empty: Linux has those in its own tables. */
	if (f->linux_twin)
		attr |= PW_ACCESSED;
	return f->make_leaf(f, pw_space_now(space), level, pa, attr);
}

uint64_t pw_slot_prot_none(const struct pw_space *space, unsigned level, pw_pa pa)
{
	const struct pw_format *f = space->format;
	const struct pw_regime *r = pw_space_now(space);
	uint64_t e;
	pw_pa page = 0;

	if (f->make_prot_none) {
		e = f->make_prot_none(f, r, level, pa);
		if (f->kind(f, r, level, e) == PW_HOLE &&
		    f->hole(f, r, level, e, &page) == PW_PROT_NONE)
			return e;
	}
	e = f->make_leaf(f, r, level, pa, PW_USER | PW_ACCESSED);
	if (f->kind(f, r, level, e) == PW_LEAF &&
	    !(f->attr(f, r, level, e) & (PW_READ | PW_WRITE | PW_EXEC_BOTH)))
		return e;
	return f->make_empty(f, r, level);
}

uint64_t pw_slot_change(const struct pw_space *space, const struct pw_slot *slot, uint32_t attr)
{
	const struct pw_format *f = space->format;

	if (f->linux_twin)
		attr |= PW_ACCESSED;
	/* A member of a group becomes a leaf by itself. */
	if (slot->kind != PW_SLOT_PAGE || pw_slot_grouped(space, slot))
		return pw_slot_leaf(space, slot->level, slot->pa, attr);
	return f->change_attr(f, pw_space_now(space), slot->level, slot->entry, attr);
}

uint64_t pw_slot_soft(const struct pw_space *space, unsigned level, const struct pw_soft *soft)
{
	const struct pw_format *f = space->format;
	const struct pw_soft_layout layout = f->soft(f, pw_space_now(space), level);

	return pw_soft_make(&layout, soft);
}

unsigned pw_soft_lg2(const struct pw_space *space)
{
	const struct pw_format *f = space->format;
	unsigned lowest = 64;

	for (unsigned level = 0; level < f->levels; level++) {
		const struct pw_soft_layout layout = f->soft(f, pw_space_now(space), level);
		unsigned lg2 = pw_soft_offset_lg2(&layout);

		if (layout.offset_bits > 0 && lg2 < lowest)
			lowest = lg2;
	}
	return lowest;
}

unsigned pw_soft_levels(const struct pw_space *space)
{
	const struct pw_format *f = space->format;
	unsigned levels = 0;

	for (unsigned level = 0; level < f->levels; level++)
		if (f->soft(f, pw_space_now(space), level).offset_bits > 0)
			levels |= 1u << level;
	return levels;
}

uint64_t pw_slot_leaves(const struct pw_space *space)
{
	const struct pw_format *f = space->format;
	uint64_t sizes = 0;

	for (unsigned level = 0; level < f->levels; level++)
		if (f->leaf_levels >> level & 1)
			sizes |= UINT64_C(1) << f->shift[level];
	return sizes;
}

uint64_t pw_slot_groups(const struct pw_space *space)
{
	const struct pw_format *f = space->format;
	uint64_t sizes = 0;

	for (unsigned level = 0; level < f->levels; level++)
		sizes |= (uint64_t)f->groups[level] << f->shift[level];
	return sizes;
}
