/* SPDX-License-Identifier: MIT */
/* The tables of a run: which there are, and which are gone. Whoever touches one that is gone has failed. */
#include "lab/race/scene/scene.h"
#include "lab/race/wrap.h"
#include "space/edit.h"
#include "space/space.h"

enum { TABLES = 256 };
static struct {
	pw_pa pa;
	uint64_t bytes;
	unsigned level;
} tables[TABLES];
static unsigned table_count;

int scene_table_level(pw_pa pa, pw_pa *table_ret)
{
	for (unsigned i = table_count; i-- > 0;)
		if (pa - tables[i].pa < tables[i].bytes) {
			*table_ret = tables[i].pa;
			return (int)tables[i].level;
		}
	return -1;
}

bool scene_tables_in(pw_pa pa, uint64_t bytes)
{
	for (unsigned i = 0; i < table_count; i++)
		if (tables[i].pa < pa + bytes && pa < tables[i].pa + tables[i].bytes)
			return true;
	return false;
}

static void remember_table(unsigned level, pw_pa pa, uint64_t bytes)
{
	for (unsigned i = 0; i < table_count; i++)
		if (tables[i].pa == pa && tables[i].level == level)
			return;
	if (table_count == TABLES)
		return;
	tables[table_count].pa = pa;
	tables[table_count].bytes = bytes;
	tables[table_count++].level = level;
}

static uint64_t table_bytes(const struct pw_space *space, unsigned level)
{
	return UINT64_C(1) << (space->format->bits[level] + space->format->entry_lg2);
}

int __real_pw_table_alloc(struct pw_space *space, unsigned level, pw_pa *pa_ret);
int __wrap_pw_table_alloc(struct pw_space *space, unsigned level, pw_pa *pa_ret);
void __real_pw_table_free(struct pw_space *space, unsigned level, pw_pa pa);
void __wrap_pw_table_free(struct pw_space *space, unsigned level, pw_pa pa);

int __wrap_pw_table_alloc(struct pw_space *space, unsigned level, pw_pa *pa_ret)
{
	const bool trusted = race_trust(true);
	int code = __real_pw_table_alloc(space, level, pa_ret);

	race_trust(trusted);
	if (code)
		return code;
	remember_table(level, *pa_ret, table_bytes(space, level));
	race_mark_freed((uintptr_t)pw_table_host(space, *pa_ret), table_bytes(space, level), false);
	return 0;
}

void __wrap_pw_table_free(struct pw_space *space, unsigned level, pw_pa pa)
{
	bool trusted;

	race_gone(pw_table_host(space, pa), table_bytes(space, level));
	trusted = race_trust(true);
	__real_pw_table_free(space, level, pa);
	race_trust(trusted);
}

unsigned char *scene_entry(pw_va va, unsigned level)
{
	const struct pw_format *f = world.format;
	const struct pw_regime *r = pw_space_now(world.space);
	unsigned at = r->span[0].top;
	pw_pa table = r->span[0].table;

	for (;;) {
		unsigned char *entry = pw_table_host(world.space, table) +
				       ((size_t)pw_index(va, f->shift[at], f->bits[at])
					<< f->entry_lg2);
		uint64_t e = pw_edit_load(f, entry);

		if (at == level)
			return entry;
		if (f->kind(f, r, at, e) != PW_TABLE)
			return NULL;
		table = f->table(f, r, at--, e);
	}
}
