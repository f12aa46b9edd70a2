/* SPDX-License-Identifier: MIT */
/*
 * Visits of all entries of a range: what is done under whose lock, and what the visitor's answers do. The search
 * for the next entry is compiled per format: slot_walk.h.
 *
 * Each table of level 0, and each entry of a higher level, is looked for from the top. So no address of a table is
 * kept while the visitor's lock is not held, but for that of the place that the lock is for; and that is looked
 * at again.
 */
#include "space/slot_visit.h"
#include "space/slot_parts.h"

static void lock(const struct pw_slot_visit *visit, unsigned level, pw_va va)
{
	if (visit->visitor->lock)
		visit->visitor->lock(visit->visitor->context, level, va);
}

static void unlock(struct pw_slot_visit *visit, unsigned level, pw_va va)
{
	if (visit->taken)
		pw_edit_settle();
	visit->taken = false;
	if (visit->visitor->unlock)
		visit->visitor->unlock(visit->visitor->context, level, va);
}

/* The entry of @was holds something else now. */
static void report(struct pw_slot_visit *visit, pw_va va, const struct pw_slot *was)
{
	visit->taken |= was->kind == PW_SLOT_PAGE;
	if (!visit->visitor->stored)
		return;
	if (visit->taken)
		pw_edit_settle();
	visit->taken = false;
	visit->visitor->stored(visit->visitor->context, va, was);
}

/* Empties the entry. The slot becomes what was taken out, with all bits that were set until then. */
static void drop(const struct pw_slot_visit *visit, pw_va va, struct pw_slot *slot)
{
	const uint64_t empty = pw_slot_empty(visit->space, slot->level);
	const uint8_t lg2 = slot->lg2;
	bool grouped = pw_slot_grouped(visit->space, slot);

	if (grouped)
		pw_slot_break(visit->space, va, slot);
	if (grouped || !pw_slot_try(visit->space, slot, empty)) {
		while (!pw_slot_try(visit->space, slot, empty))
			;
		pw_slot_settle(visit->space, va, slot);
	}
	if (grouped)
		slot->lg2 = lg2;
}

/*
 * As pw_slot_swap, but a full barrier after it is left to report and unlock: one for all entries of a table is
 * enough. After a success in a table of level 0, the slot is void.
 */
static bool store(const struct pw_slot_visit *visit, pw_va va, struct pw_slot *slot, uint64_t value)
{
	if (slot->level > 0 || pw_slot_grouped(visit->space, slot))
		return pw_slot_swap(visit->space, va, slot, value);
	if (pw_slot_try(visit->space, slot, value))
		return true;
	pw_slot_settle(visit->space, va, slot);
	return false;
}

/* Is there still something to ask about? */
static bool occupied(const struct pw_slot *slot)
{
	return slot->kind != PW_SLOT_EMPTY && slot->kind != PW_SLOT_TABLE;
}

int pw_slot_visit_entry(struct pw_slot_visit *visit, pw_va va, struct pw_slot *slot)
{
	const struct pw_visitor *visitor = visit->visitor;

	while (occupied(slot)) {
		const struct pw_slot was = *slot;
		uint64_t value = 0;
		int what = visitor->entry(visitor->context, va, slot, &value);

		switch (what) {
		case PW_VISIT_KEEP:
			return 0;
		case PW_VISIT_STORE:
			/* The visitor may have changed its slot; what it saw decides. */
			*slot = was;
			if (store(visit, va, slot, value)) {
				report(visit, va, &was);
				return 0;
			}
			break;
		case PW_VISIT_DROP:
			*slot = was;
			drop(visit, va, slot);
			report(visit, va, slot);
			return 0;
		case PW_VISIT_SPLIT:
			*slot = was;
			if (pw_slot_grouped(visit->space, slot))
				pw_slot_break(visit->space, va, slot);
			else
				return slot->level > 0 ? PW_VISIT_SPLIT : -EINVAL;
			break;
		default:
			return what < 0 ? what : -EINVAL;
		}
	}
	return 0;
}

/* Visits the entries from va to @last of the table of level 0 at @place, if it is still there. */
static int visit_table(struct pw_slot_visit *visit, const struct pw_slot_place *place, pw_va *va,
		       pw_va last)
{
	const struct pw_space *space = visit->space;
	const struct pw_format *f = space->format;
	const struct pw_regime *r = pw_space_now(space);
	const struct pw_visitor *visitor = visit->visitor;
	const pw_va first = *va;
	int code = 0;
	bool same;

	last = pw_min(last, first | pw_mask(f->shift[0] + f->bits[0]));
	lock(visit, 1, first);
	same = !place->at;
	if (place->at) {
		uint64_t e = pw_edit_load(f, place->at);

		same = f->kind(f, r, 1, e) == PW_TABLE &&
		       f->table(f, r, 1, e) == f->table(f, r, 1, place->entry);
	}
	if (same)
		code = pw_slot_editor(space)->slot_base(visit, place->table, first, last);
	unlock(visit, 1, first);
	if (!same)
		return 0;
	if (!code && visitor->done)
		code = visitor->done(visitor->context, first, last);
	*va = last + 1;
	return code;
}

/*
 * Puts a table of its parts in the place of an entry, unless it became something else. The memory is taken without
 * the visitor's lock, because this may wait for readers. Returns 0, or -ENOMEM.
 */
static int split(struct pw_slot_visit *visit, pw_va va, struct pw_slot *slot)
{
	struct pw_space *space = visit->space;
	const struct pw_format *f = space->format;
	const unsigned level = slot->level;
	bool done = false;
	pw_pa table;

	if (pw_table_alloc(space, level - 1, &table))
		return -ENOMEM;
	lock(visit, level, va);
	pw_slot_again(space, va, slot);
	while (!done && occupied(slot) && slot->lg2 == f->shift[level]) {
		if (!pw_mutant(PW_MUTANT_PUBLISH_EMPTY))
			pw_slot_fill_table(space, slot, table);
		pw_moment(PW_MOMENT_TABLE_NEW);
		done = pw_slot_try(space, slot, pw_slot_table(space, slot, table));
		if (pw_mutant(PW_MUTANT_PUBLISH_EMPTY))
			pw_slot_fill_table(space, slot, table);
		if (!done)
			pw_slot_settle(space, va, slot);
	}
	unlock(visit, level, va);
	if (!done)
		pw_table_free(space, level - 1, table); /* no reader has seen it */
	return 0;
}

/* Visits the entry of a higher level at @place. *va goes on behind it, if nothing is left to visit in it. */
static int visit_upper(struct pw_slot_visit *visit, const struct pw_slot_place *place, pw_va *va)
{
	const pw_va covered = pw_mask(visit->space->format->shift[place->level]);
	const pw_va first = *va & ~covered;
	struct pw_slot slot = { .at = place->at, .level = (uint8_t)place->level };
	int code;

	lock(visit, place->level, first);
	pw_slot_again(visit->space, first, &slot);
	code = pw_slot_visit_entry(visit, first, &slot);
	unlock(visit, place->level, first);
	if (code == PW_VISIT_SPLIT)
		return split(visit, first, &slot);
	if (slot.kind != PW_SLOT_TABLE)
		*va = (first | covered) + 1;
	return code;
}

int pw_slot_visit(struct pw_space *space, pw_va first, pw_va last, const struct pw_visitor *visitor)
{
	struct pw_slot_visit visit = { .space = space, .visitor = visitor };
	const pw_va page = pw_mask(space->format->shift[0]);
	struct pw_slot_place place;
	pw_va va = first;
	int code = 0;

	if (!pw_arena_mine(space->arena))
		return -EPERM;
	if (first > last || (first & page) || (~last & page))
		return -EINVAL;
	/* Step invariant: all from first up to va has been visited, or was empty. va is 0 behind the last address. */
	while (!code && va >= first && va <= last &&
	       pw_slot_editor(space)->slot_next(space, &va, last, &place)) {
		const pw_va before = va;

		code = place.level == 0 ? visit_table(&visit, &place, &va, last)
					: visit_upper(&visit, &place, &va);
		if (va < before)
			break;
	}
	pw_gather_finish(space);
	return code;
}
