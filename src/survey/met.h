/* SPDX-License-Identifier: MIT */
/*
 * The tables that a scan has met: an array in the order in which they were met, and a hash table of their
 * numbers (open addressing, at most half full). So the hash table, which is mostly empty, has 4 bytes for a
 * place, and a short scan touches few pages of memory: those that come fresh from the kernel cost more than
 * the tables that they are for.
 */
#ifndef PW_SURVEY_MET_H
#define PW_SURVEY_MET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/hash.h"
#include "base/words.h"

/*
 * A table that was met. Permissions and extent belong to the key: under other permissions the same table
 * maps other pages, and an entry above can give it more or fewer entries.
 */
struct pw_met {
	pw_pa table;
	pw_va first, again; /* the addresses where it was met first, and last walked again */
	uint32_t keep;
	/* Not side by side: compilers would load both at once from where each has just been stored, and the load would wait. */
	uint32_t first_index;
	uint32_t uses : 27; /* walks of it so far; stops counting at the most it can hold */
	uint32_t level : 4;
	uint32_t empty : 1;
	uint32_t last_index;
};

/* Do they have the same key? */
static inline bool pw_met_same(const struct pw_met *a, const struct pw_met *b)
{
	return a->table == b->table && a->keep == b->keep && a->level == b->level &&
	       a->first_index == b->first_index && a->last_index == b->last_index;
}

enum {
	/* The most tables to remember: enough for 8 TiB in 4 KiB pages. */
	PW_MET_MAX = 1 << 22,
	PW_MET_USES_MAX = (1 << 27) - 1,
};

/* All zero: nothing was met. */
struct pw_met_tables {
	struct pw_hash_key key;
	struct pw_met *met;
	size_t count, room;
	uint32_t *place; /* a member's number plus 1; 0 is free */
	size_t mask;
};

/*
 * Finds the member with the key of @wanted, or adds @wanted; *fresh_ret says which. NULL if memory is short. The
 * result is valid until the next call. The caller sees to it that there are never more than PW_MET_MAX.
 */
struct pw_met *pw_met_find(struct pw_met_tables *tables, const struct pw_met *wanted,
			   bool *fresh_ret);

void pw_met_clear(struct pw_met_tables *tables);

#endif
