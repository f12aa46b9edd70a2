/* SPDX-License-Identifier: MIT */
/* Single entries: tables that are taken out, as a whole range, one by one, or for a while. */
#include "space/slot_parts.h"

/* ---- a range ---- */

/* A range of whole tables to be freed. */
struct freed {
	struct pw_space *space;
	const struct pw_regime *r;
	pw_va first, last;
};

/* Takes out all tables below the table at @pa of @level, which covers @start, that lie in the range as a whole. */
static void free_below(const struct freed *freed, unsigned level, pw_pa pa, pw_va start)
{
	const struct pw_format *f = freed->space->format;
	const struct pw_regime *r = freed->r;
	const pw_va covered = pw_mask(f->shift[level]);
	const pw_va end = start | pw_mask(f->shift[level] + f->bits[level]);
	unsigned char *const table = pw_table_host(freed->space, pa);
	pw_va va = start > freed->first ? start : freed->first & ~covered;

	for (;; va += covered + 1) {
		unsigned char *entry = table +
				       ((size_t)pw_index(va, f->shift[level], f->bits[level])
					<< f->entry_lg2);
		uint64_t e = pw_edit_load(f, entry);

		if (f->kind(f, r, level, e) == PW_TABLE) {
			pw_pa below = f->table(f, r, level, e);

			if (va >= freed->first && (va | covered) <= freed->last) {
				pw_edit_store(f, entry, f->make_empty(f, r, level));
				pw_gather_tree(freed->space, r, level - 1, below);
			} else if (level > 1) {
				free_below(freed, level - 1, below, va);
			}
		}
		if ((va | covered) >= pw_min(end, freed->last))
			return;
	}
}

int pw_slot_free_tables(struct pw_space *space, pw_va first, pw_va last)
{
	const struct pw_regime *r = pw_space_now(space);
	const pw_va page = pw_mask(space->format->shift[0]);

	if (!pw_arena_mine(space->arena))
		return -EPERM;
	if (first > last || (first & page) || (~last & page))
		return -EINVAL;
	for (unsigned i = 0; i < r->spans; i++) {
		const struct pw_span *span = &r->span[i];
		const struct freed freed = {
			.space = space,
			.r = r,
			.first = first > span->first ? first : span->first,
			.last = pw_min(last, span->last),
		};
		const unsigned top = span->top;
		const unsigned lg2 = space->format->shift[top] + space->format->bits[top];

		if (freed.first <= freed.last && top > 0)
			free_below(&freed, top, span->table, freed.first & ~pw_mask(lg2));
	}
	pw_gather_finish(space);
	return 0;
}

/* ---- one table of level 0 ---- */

/* Finds the entry of level 1 for @va. Does it lead to a table? */
static bool find_table(const struct pw_space *space, pw_va va, struct pw_slot *slot,
		       pw_pa *table_ret)
{
	const struct pw_format *f = space->format;

	pw_slot_editor(space)->slot_find(space, va, 1, slot);
	if (!slot->at || slot->level != 1 || slot->kind != PW_SLOT_TABLE)
		return false;
	*table_ret = f->table(f, pw_space_now(space), 1, slot->entry);
	return true;
}

static bool all_empty(const struct pw_space *space, pw_pa table)
{
	const struct pw_format *f = space->format;
	const uint64_t empty = pw_slot_empty(space, 0);
	struct pw_slot slot = { .at = pw_table_host(space, table), .level = 0 };

	for (uint32_t i = 0; i <= pw_mask(f->bits[0]); i++, slot.at += pw_entry_bytes(f)) {
		slot.entry = pw_edit_load(f, slot.at);
		if (slot.entry == empty)
			continue;
		pw_slot_settle(space, 0, &slot);
		if (slot.kind != PW_SLOT_EMPTY)
			return false;
	}
	return true;
}

bool pw_slot_reclaim_table(struct pw_space *space, pw_va va)
{
	struct pw_slot slot;
	pw_pa table;

	if (!find_table(space, va, &slot, &table) || !all_empty(space, table) ||
	    !pw_slot_try(space, &slot, pw_slot_empty(space, 1)))
		return false;
	pw_gather_add(space, 0, table);
	return true;
}

bool pw_slot_detach(struct pw_space *space, pw_va va, pw_pa *table_ret)
{
	struct pw_slot slot;

	if (!find_table(space, va, &slot, table_ret) ||
	    !pw_slot_try(space, &slot, pw_slot_empty(space, 1)))
		return false;
	pw_edit_settle();
	return true;
}

void pw_slot_attach(struct pw_space *space, pw_va va, pw_pa table)
{
	struct pw_slot slot;

	pw_slot_editor(space)->slot_find(space, va, 1, &slot);
	pw_edit_store(space->format, slot.at, pw_slot_table(space, &slot, table));
}

void pw_slot_discard(struct pw_space *space, pw_pa table)
{
	pw_gather_add(space, 0, table);
	pw_gather_finish(space);
}

void pw_slot_in(const struct pw_space *space, pw_va va, pw_pa table, struct pw_slot *slot)
{
	const struct pw_format *f = space->format;
	size_t index = pw_index(va, f->shift[0], f->bits[0]);

	slot->at = pw_table_host(space, table) + (index << f->entry_lg2);
	slot->level = 0;
	pw_slot_again(space, va, slot);
}
