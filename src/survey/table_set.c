/* SPDX-License-Identifier: MIT */
/*
 * A set of tables: an array of members in the order in which they were met, and two hash tables of their
 * numbers (open addressing, at most half full). One is keyed by everything that makes a member; the other by
 * the table's address alone, with the first member of each. So a search never passes over other members of
 * the same table. An image can make many of those if entries above say how much of the table there is.
 */
#include <errno.h>
#include <stdlib.h>

#include "survey/tables.h"

enum {
	PW_TABLES_START = 512,
	/* As many as a scan remembers: enough for 8 TiB in 4 KiB pages. */
	PW_TABLES_MAX = 1 << 22,
};

static bool same(const struct pw_table_seen *a, const struct pw_table_seen *b)
{
	return a->table == b->table && a->level == b->level && a->bits == b->bits &&
	       a->first == b->first && a->last == b->last;
}

/* The place of the member like @seen, or a free place for it. A place holds the number plus 1; 0 is free. */
static uint32_t *place_of(const struct pw_table_set *set, const struct pw_table_seen *seen)
{
	const uint64_t words[] = { seen->table, (uint64_t)seen->level << 8 | seen->bits,
				   (uint64_t)seen->first << 32 | seen->last };
	size_t at = (size_t)pw_hash(&set->key, words, sizeof(words) / sizeof(words[0])) & set->mask;

	while (set->by_all[at] && !same(&set->seen[set->by_all[at] - 1], seen))
		at = (at + 1) & set->mask;
	return &set->by_all[at];
}

/* As place_of, for the first member with this table's address. */
static uint32_t *first_of(const struct pw_table_set *set, pw_pa table)
{
	size_t at = (size_t)pw_hash(&set->key, &table, 1) & set->mask;

	while (set->by_table[at] && set->seen[set->by_table[at] - 1].table != table)
		at = (at + 1) & set->mask;
	return &set->by_table[at];
}

static void put(struct pw_table_set *set, uint32_t number)
{
	const struct pw_table_seen *seen = &set->seen[number];
	uint32_t *first = first_of(set, seen->table);

	*place_of(set, seen) = number + 1;
	if (!*first)
		*first = number + 1;
}

static int grow(struct pw_table_set *set)
{
	size_t room = set->room ? 2 * set->room : PW_TABLES_START;
	struct pw_table_seen *seen = reallocarray(set->seen, room, sizeof(*seen));
	uint32_t *by_all = calloc(2 * room, sizeof(*by_all));
	uint32_t *by_table = calloc(2 * room, sizeof(*by_table));

	if (seen)
		set->seen = seen;
	if (!seen || !by_all || !by_table) {
		free(by_all);
		free(by_table);
		return -ENOMEM;
	}
	if (!set->room)
		set->key = pw_hash_key();
	free(set->by_all);
	free(set->by_table);
	set->by_all = by_all;
	set->by_table = by_table;
	set->room = room;
	set->mask = 2 * room - 1;
	for (size_t i = 0; i < set->count; i++)
		put(set, (uint32_t)i);
	return 0;
}

int pw_table_set_add(struct pw_table_set *set, const struct pw_table_visit *visit,
		     struct pw_table_seen **seen_ret, bool *fresh_ret)
{
	const struct pw_table_seen seen = {
		.table = visit->at.table,
		.va = visit->va,
		.va_last = visit->va_last,
		.first = visit->first,
		.last = visit->last,
		.level = visit->at.level,
		.bits = visit->at.bits,
	};
	uint32_t known;

	if (set->count >= PW_TABLES_MAX)
		return -E2BIG;
	if (set->count == set->room && grow(set))
		return -ENOMEM;
	known = *place_of(set, &seen);
	*fresh_ret = !known;
	if (known) {
		*seen_ret = &set->seen[known - 1];
		return 0;
	}
	set->seen[set->count] = seen;
	put(set, (uint32_t)set->count);
	*seen_ret = &set->seen[set->count++];
	return 0;
}

const struct pw_table_seen *pw_table_set_other(const struct pw_table_set *set,
					       const struct pw_table_seen *seen)
{
	const struct pw_table_seen *first = &set->seen[*first_of(set, seen->table) - 1];

	return first != seen ? first : NULL;
}

void pw_table_set_clear(struct pw_table_set *set)
{
	free(set->seen);
	free(set->by_all);
	free(set->by_table);
	*set = (struct pw_table_set){ 0 };
}
