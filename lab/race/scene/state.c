/* SPDX-License-Identifier: MIT */
/*
 * The tables and folios as they are at a step. It is called between steps, where nothing is a step: it looks at the
 * memory as it is, which under total store order is not yet what a thread with stores in its buffer sees.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "folio/folio.h"
#include "lab/race/scene/scene.h"
#include "lab/race/trace.h"
#include "space/edit.h"
#include "space/space.h"

enum { SHOWN = 3 }; /* entries of a table */

static uint64_t entry_at(pw_pa table, uint32_t index)
{
	const struct pw_format *f = world.format;

	return pw_edit_load(f, pw_table_host(world.space, table) + ((size_t)index << f->entry_lg2));
}

/* Writes the entries of a table that are not empty: the first ones, and how many more there are. */
static void entries_of(unsigned level, pw_pa table, char *text, size_t size)
{
	const struct pw_format *f = world.format;
	const uint64_t empty = f->make_empty(f, pw_space_now(world.space), level);
	unsigned found = 0;
	size_t used = 0;

	snprintf(text, size, "empty");
	for (uint32_t i = 0; i <= pw_mask(f->bits[level]); i++) {
		uint64_t e = entry_at(table, i);
		char words[80];

		if (e == empty || found++ >= SHOWN || used >= size)
			continue;
		scene_entry_words(level, e, words, sizeof(words));
		used += (size_t)snprintf(text + used, size - used, "%s[%" PRIu32 "] %s",
					 found > 1 ? "; " : "", i, words);
	}
	if (found > SHOWN && used < size)
		snprintf(text + used, size - used, "; %u more", found - SHOWN);
}

static void tell_tables(struct race_facts *facts, unsigned level, pw_pa table)
{
	const struct pw_format *f = world.format;
	const struct pw_regime *r = pw_space_now(world.space);
	char name[64], level_name[24], text[256];

	if (!pw_arena_has(world.arena, table))
		return;
	scene_level_words(level, level_name, sizeof(level_name));
	snprintf(name, sizeof(name), "%s table at 0x%" PRIx64, level_name, table);
	entries_of(level, table, text, sizeof(text));
	race_fact(facts, name, "%s", text);
	if (level == 0)
		return;
	for (uint32_t i = 0; i <= pw_mask(f->bits[level]); i++) {
		uint64_t e = entry_at(table, i);

		if (f->kind(f, r, level, e) == PW_TABLE)
			tell_tables(facts, level - 1, f->table(f, r, level, e));
	}
}

static void tell_folio(struct race_facts *facts, unsigned i)
{
	const struct scene_folio *folio = &world.scene->folio[i];
	struct pw_folio_info info;
	char name[64];

	if (world.folio[i] == ~UINT64_C(0))
		return;
	snprintf(name, sizeof(name), "memory of folio %s", folio->name);
	if (!pw_folio_info(world.arena, world.folio[i], &info))
		race_fact(facts, name, "free");
	else
		race_fact(facts, name, "%s; %" PRIu32 " references, %" PRIu32 " pins",
			  info.owner == folio->owner ? "its own" : "of somebody else",
			  info.references, info.pins);
}

void scene_state(struct race_facts *facts)
{
	const struct pw_span *span;

	if (!world.space)
		return;
	span = &pw_space_now(world.space)->span[0];
	tell_tables(facts, span->top, span->table);
	for (unsigned i = 0; i < world.scene->folios; i++)
		tell_folio(facts, i);
}
