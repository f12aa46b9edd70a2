/* SPDX-License-Identifier: MIT */
/* The memory of a scan: which tables it has met. */
#include "survey/met.h"

#include <stdlib.h>

enum { START = 128, GROW = 4 };

/* The place of the member with the key of @wanted, or a free place for it. */
static uint32_t *place_of(const struct pw_met_tables *tables, const struct pw_met *wanted)
{
	const uint64_t words[] = { wanted->table, (uint64_t)wanted->keep << 8 | wanted->level,
				   (uint64_t)wanted->first_index << 32 | wanted->last_index };
	size_t at = (size_t)pw_hash(&tables->key, words, sizeof(words) / sizeof(words[0])) &
		    tables->mask;

	while (tables->place[at] && !pw_met_same(&tables->met[tables->place[at] - 1], wanted))
		at = (at + 1) & tables->mask;
	return &tables->place[at];
}

/* Makes room for more members. The places are twice as many. It grows by much: each time, all are placed again. */
static bool grow(struct pw_met_tables *tables)
{
	size_t room = tables->room ? GROW * tables->room : START;
	struct pw_met *met = reallocarray(tables->met, room, sizeof(*met));
	uint32_t *place = calloc(2 * room, sizeof(*place));

	if (met)
		tables->met = met;
	if (!met || !place) {
		free(place);
		return false;
	}
	if (!tables->room)
		tables->key = pw_hash_key();
	free(tables->place);
	tables->place = place;
	tables->room = room;
	tables->mask = 2 * room - 1;
	for (size_t i = 0; i < tables->count; i++)
		*place_of(tables, &tables->met[i]) = (uint32_t)i + 1;
	return true;
}

struct pw_met *pw_met_find(struct pw_met_tables *tables, const struct pw_met *wanted,
			   bool *fresh_ret)
{
	uint32_t *place;

	if (tables->count == tables->room && !grow(tables))
		return NULL;
	place = place_of(tables, wanted);
	*fresh_ret = !*place;
	if (!*place) {
		tables->met[tables->count++] = *wanted;
		*place = (uint32_t)tables->count;
	}
	return &tables->met[*place - 1];
}

void pw_met_clear(struct pw_met_tables *tables)
{
	free(tables->met);
	free(tables->place);
	*tables = (struct pw_met_tables){ 0 };
}
