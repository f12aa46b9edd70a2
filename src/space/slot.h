/* SPDX-License-Identifier: MIT */
/*
 * Single entries of a space's tables, for an owner that decides about each entry by itself: address spaces
 * with faults (src/mm). edit.h has the operations on ranges that need no such owner.
 *
 * A slot is the place of one entry, and the value that was loaded from it. Everything else in it comes from
 * that value.
 *
 *     EMPTY      nothing, and never was
 *     TABLE      leads to a table of the next lower level
 *     PAGE       a leaf
 *     PROT_NONE  a page that is present and that nobody may access
 *     SOFT       not present, and not empty: Linux's own record of what became of the page (swap, migration,
 *                hwpoison, marker). The hardware does not read it.
 *
 * Who may change an entry: its owner's lock decides (src/mm: the table locks). A CPU may set the accessed and
 * dirty bits of a leaf at any moment without that lock. So nothing here stores over a leaf: it compares and
 * swaps, or exchanges, and the caller decides anew after a failure.
 * Tables are freed as in space.h: a caller that may meet a table which another thread takes out is inside a
 * section, or holds a lock that the other thread needs.
 */
#ifndef PW_SPACE_SLOT_H
#define PW_SPACE_SLOT_H

#include "format/linux.h"
#include "space/space.h"

enum pw_slot_kind { PW_SLOT_EMPTY, PW_SLOT_TABLE, PW_SLOT_PAGE, PW_SLOT_PROT_NONE, PW_SLOT_SOFT };

struct pw_slot {
	unsigned char
		*at; /* of the entry, in the host's memory; NULL: no table covers the address */
	uint64_t entry; /* its value */
	pw_pa pa; /* PAGE, PROT_NONE: of the page at the slot's own address, not of its group */
	uint32_t
		attr; /* PAGE: enum pw_attr of the leaf itself, without memory type and PW_CONTIGUOUS */
	struct pw_soft soft; /* SOFT */
	uint8_t kind; /* enum pw_slot_kind */
	uint8_t level;
	uint8_t lg2; /* log2 of what the entry covers; in a group of leaves, of the group */
};

/* ---- one entry ---- */

/* Finds the entry that decides about @va: the first one on the way down that is not a TABLE. Never fails. */
void pw_slot_find(const struct pw_space *space, pw_va va, struct pw_slot *slot);

/*
 * As pw_slot_find, but goes down to @level, and puts new tables behind EMPTY entries above it. It ends higher
 * at an entry that is neither EMPTY nor TABLE; and at @level, also with a TABLE.
 * Returns 0, -ENOMEM, or -ERANGE if the format does not translate @va. May wait for readers if memory is short.
 */
int pw_slot_reach(struct pw_space *space, pw_va va, unsigned level, struct pw_slot *slot);

/* The same slot as it is now. */
void pw_slot_again(const struct pw_space *space, pw_va va, struct pw_slot *slot);

/*
 * Stores @value if the slot still holds slot->entry. Otherwise returns false, and the slot is as it is now.
 * On success slot->entry and all that follows from it are new. @va is the slot's address. A slot that is in
 * a group of leaves is taken out of it first: the group is broken up into single leaves.
 */
bool pw_slot_swap(struct pw_space *space, pw_va va, struct pw_slot *slot, uint64_t value);

/*
 * As pw_slot_swap, for a slot that is EMPTY, and of which the caller needs nothing afterwards but `entry`: after a
 * success all else in it is as before.
 */
bool pw_slot_fill(const struct pw_space *space, struct pw_slot *slot, uint64_t value);

/*
 * Stores the leaves of a group of 2^@lg2 bytes (a size that pw_slot_groups lists) from the slot at @va on, if
 * all entries of the group are EMPTY; @pa and @va are aligned to the group. Returns whether it did. The caller
 * holds the lock of all of these entries.
 */
bool pw_slot_fill_group(struct pw_space *space, pw_va va, struct pw_slot *slot, unsigned lg2,
			pw_pa pa, uint32_t attr);

/* ---- values of entries ---- */

uint64_t pw_slot_empty(const struct pw_space *space, unsigned level);
/* @pa is aligned to the level's size; @attr as in pw_space_map. On arm PW_ACCESSED is always set. */
uint64_t pw_slot_leaf(const struct pw_space *space, unsigned level, pw_pa pa, uint32_t attr);
/*
 * The entry of a page that nobody may access; where the format has no such entry, a leaf that permits
 * nothing; where it has neither (arm), an empty entry.
 */
uint64_t pw_slot_prot_none(const struct pw_space *space, unsigned level, pw_pa pa);
/* The same leaf with other attributes. */
uint64_t pw_slot_change(const struct pw_space *space, const struct pw_slot *slot, uint32_t attr);
/* @level is one of pw_soft_levels. Levels above 0 know only types that are not swap. */
uint64_t pw_slot_soft(const struct pw_space *space, unsigned level, const struct pw_soft *soft);

/* log2 of the end of the offsets that every SOFT entry of this format can hold. */
unsigned pw_soft_lg2(const struct pw_space *space);
/* Bit n: entries of level n can be SOFT. Bit 0 is always set. */
unsigned pw_soft_levels(const struct pw_space *space);
/* Bit n: there are leaves of 2^n bytes, as single entries; as groups. */
uint64_t pw_slot_leaves(const struct pw_space *space);
uint64_t pw_slot_groups(const struct pw_space *space);

/* ---- all entries of a range ---- */

/*
 * Visits the entries of first..last from left to right that are neither EMPTY nor TABLE. Around the entries of
 * one table of level 0, and around each entry of a higher level that is visited, it calls lock and unlock
 * (may be NULL) with the level (1 for a level-0 table: the entry that leads to it) and an address there. After
 * lock it looks again: the entry may have become something else. lock may not block for ever on a reader.
 *
 * entry() gets a slot that was loaded once, and decides:
 *     PW_VISIT_KEEP      leave it
 *     PW_VISIT_STORE     store *value; if the entry changed meanwhile, entry() is called again with what it is now
 *     PW_VISIT_SPLIT     it is a page larger than a base page: put a table of its parts in its place, and
 *                        visit these (a group: break it up). If there is no memory, -ENOMEM
 *     PW_VISIT_DROP      as STORE of an empty entry; the slot holds what was taken out, all bits set until then
 *     a negative errno   stop
 * Of a page that reaches beyond the range, entry() is asked like of any other: @va may lie before first, and
 * the page may end after last. So it answers with SPLIT, if parts must go.
 * done() (may be NULL) is called after unlock of each table that was visited.
 */
enum pw_visit_what { PW_VISIT_KEEP, PW_VISIT_STORE, PW_VISIT_SPLIT, PW_VISIT_DROP };

struct pw_visitor {
	void (*lock)(void *context, unsigned level, pw_va va);
	void (*unlock)(void *context, unsigned level, pw_va va);
	int (*entry)(void *context, pw_va va, struct pw_slot *slot, uint64_t *value);
	/* After a STORE or DROP succeeded: the slot as it was. May be NULL. */
	void (*stored)(void *context, pw_va va, const struct pw_slot *was);
	int (*done)(void *context, pw_va first, pw_va last); /* 0, or a negative errno to stop */
	void *context;
};

/* Returns 0, -ENOMEM, or what entry() or done() returned. The range is of whole base pages. */
int pw_slot_visit(struct pw_space *space, pw_va first, pw_va last,
		  const struct pw_visitor *visitor);

/*
 * Takes out all tables that lie in first..last as a whole. Their entries must be EMPTY, and nobody may be about
 * to fill one. Readers may be inside. Returns 0 or a negative errno, as pw_space_unmap.
 */
int pw_slot_free_tables(struct pw_space *space, pw_va first, pw_va last);

/*
 * Takes out the level-0 table behind the entry of level 1 that covers @va, if all its entries are EMPTY: then
 * returns true. The caller holds the lock of that entry. (Linux: PT_RECLAIM.)
 */
bool pw_slot_reclaim_table(struct pw_space *space, pw_va va);

/*
 * Takes the level-0 table that covers @va out, and leaves an EMPTY entry of level 1 in its place; *table_ret is
 * the table, with all that is in it. Returns false if there is none. Readers may still be inside:
 * pw_space_wait returns when they have left. The caller holds the lock of the entry of level 1 until it puts the
 * table back with pw_slot_attach, or gives it away with pw_slot_discard, which frees it after its readers.
 * pw_slot_in finds the slot of @va in a table that was taken out.
 */
bool pw_slot_detach(struct pw_space *space, pw_va va, pw_pa *table_ret);
void pw_slot_attach(struct pw_space *space, pw_va va, pw_pa table);
void pw_slot_discard(struct pw_space *space, pw_pa table);
void pw_slot_in(const struct pw_space *space, pw_va va, pw_pa table, struct pw_slot *slot);

#endif
