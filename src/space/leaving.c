/* SPDX-License-Identifier: MIT */
/*
 * Tables that are leaving: an operation has taken them out, and readers may still be in them.
 *
 *     taken out ---> gathered           a batch of the space, which operations fill together
 *                      |
 *                      | the batch is full, an operation ends, or somebody lacks memory
 *                      v
 *                    handed over        to the space's way of knowing that readers are gone (sync.h)
 *                      |
 *                      v
 *                    free
 *
 * All of them are counted in arena->leaving, from when they are taken out. Whoever lacks memory, for a
 * table or for a folio, does not know where the tables are that it could have; so everything that stands
 * above is hurried, of all spaces of the arena. What another operation under way has gathered is hurried
 * as well, for that is never touched again.
 */
#include <assert.h>
#include <sched.h>
#include <stdlib.h>

#include "space/edit.h"

/* Tables of one or more operations, of any level, that are freed together. */
enum { PW_GATHERED = 60 };
struct pw_gathered {
	struct pw_later later;
	struct pw_table *table;
	unsigned count;
	struct {
		pw_pa pa;
		unsigned level;
	} item[PW_GATHERED];
};

/* ---- the gather ---- */

/* Release: who finds that none is leaving finds them free. Partner: pw_arena_leaving. */
static void gone(struct pw_table *table, unsigned count)
{
	__atomic_fetch_sub(&table->arena->leaving, count, __ATOMIC_RELEASE);
}

static void free_gathered(struct pw_later *later)
{
	struct pw_gathered *batch = (struct pw_gathered *)((char *)later -
							   offsetof(struct pw_gathered, later));

	for (unsigned i = 0; i < batch->count; i++)
		pw_table_free(batch->table, batch->item[i].level, batch->item[i].pa);
	gone(batch->table, batch->count);
	free(batch);
}

/*
 * With gather_lock held until the batch is handed over: who takes the lock next, in order to drain, finds
 * it there.
 */
static void hand_over(struct pw_table *table)
{
	struct pw_gathered *batch = table->gathered;

	__atomic_store_n(&table->gathered, NULL, __ATOMIC_RELAXED);
	table->sync.ops->later(&table->sync, &batch->later, free_gathered);
}

/* Adds it to a batch. False if there is no memory for one. */
static bool gather(struct pw_table *table, unsigned level, pw_pa pa)
{
	struct pw_gathered *batch = table->gathered;

	if (!batch) {
		batch = malloc(sizeof(*batch));
		if (!batch)
			return false;
		batch->table = table;
		batch->count = 0;
		__atomic_store_n(&table->gathered, batch, __ATOMIC_RELAXED);
	}
	batch->item[batch->count].pa = pa;
	batch->item[batch->count].level = level;
	if (++batch->count == PW_GATHERED)
		hand_over(table);
	return true;
}

void pw_gather_add(struct pw_table *table, unsigned level, pw_pa pa)
{
	bool gathered;

	__atomic_fetch_add(&table->arena->leaving, PW_LEAVING_BEGAN | 1, __ATOMIC_RELAXED);
	pthread_mutex_lock(&table->gather_lock);
	gathered = gather(table, level, pa);
	pthread_mutex_unlock(&table->gather_lock);
	if (gathered)
		return;
	/* No memory to remember it with: then it is waited for here. */
	table->sync.ops->wait(&table->sync);
	pw_table_free(table, level, pa);
	gone(table, 1);
}

void pw_gather_finish(struct pw_table *table)
{
	/* What this thread gathered it finds, or somebody else has handed it over. */
	if (!__atomic_load_n(&table->gathered, __ATOMIC_RELAXED))
		return;
	pthread_mutex_lock(&table->gather_lock);
	if (table->gathered)
		hand_over(table);
	pthread_mutex_unlock(&table->gather_lock);
}

/* ---- whole tables, by a format behind a pointer: seldom enough ---- */

static void gather_below(struct pw_table *table, const struct pw_regime *r, unsigned level,
			 pw_pa pa)
{
	const struct pw_format *f = table->format;
	const unsigned char *entry = pw_table_host(table, pa);

	for (uint32_t i = 0; i <= pw_mask(f->bits[level]); i++, entry += pw_entry_bytes(f)) {
		uint64_t e = pw_edit_load(f, entry);

		if (f->kind(r, level, e) == PW_TABLE)
			pw_gather_tree(table, r, level - 1, f->table(r, level, e));
	}
}

void pw_gather_tree(struct pw_table *table, const struct pw_regime *r, unsigned level, pw_pa pa)
{
	/* Nothing is below level 0: those tables are the most, and need not be read. */
	if (level > 0)
		gather_below(table, r, level, pa);
	pw_gather_add(table, level, pa);
}

/* ---- all spaces of an arena ---- */

void pw_arena_add_table(struct pw_arena *arena, struct pw_table *table)
{
	pthread_mutex_lock(&arena->tables_lock);
	table->next = arena->tables;
	table->back = &arena->tables;
	if (table->next)
		table->next->back = &table->next;
	arena->tables = table;
	pthread_mutex_unlock(&arena->tables_lock);
}

void pw_arena_remove_table(struct pw_arena *arena, struct pw_table *table)
{
	pthread_mutex_lock(&arena->tables_lock);
	*table->back = table->next;
	if (table->next)
		table->next->back = table->back;
	pthread_mutex_unlock(&arena->tables_lock);
}

/* Is this thread inside a section of one of them? With tables_lock held. */
static bool inside(struct pw_arena *arena)
{
	for (struct pw_table *table = arena->tables; table; table = table->next)
		if (table->sync.ops->inside(&table->sync) && !pw_mutant(PW_MUTANT_AWAIT_INSIDE))
			return true;
	return false;
}

/* False, and nobody is waited for: this thread must not. */
static bool drain_all(struct pw_arena *arena)
{
	struct pw_table *table;
	bool may;

	pthread_mutex_lock(&arena->tables_lock);
	may = !inside(arena);
	for (table = arena->tables; may && table; table = table->next)
		if (!pw_mutant(PW_MUTANT_OWN_GATHER))
			pw_gather_finish(table);
	/* Some spaces are waited for all at once. */
	for (table = arena->tables; may && table && pw_leaving_any(pw_arena_leaving(arena));
	     table = table->next) {
		table->sync.ops->drain(&table->sync);
		may = !pw_mutant(PW_MUTANT_DRAIN_FIRST);
	}
	pthread_mutex_unlock(&arena->tables_lock);
	return may;
}

bool pw_arena_await(struct pw_arena *arena, uint64_t before)
{
	const uint64_t after = pw_mutant(PW_MUTANT_LEAVING_BEFORE) ? before
								   : pw_arena_leaving(arena);

	if (before == after && !pw_leaving_any(after))
		return false;
	if (!drain_all(arena))
		return false;
	/* Others may be on their way from one place to the next, or freeing a table as a whole. */
	sched_yield();
	return true;
}

void pw_arena_drain(struct pw_arena *arena)
{
	bool drained = !pw_arena_mine(arena) || drain_all(arena);

	/* Who is inside would wait for itself. */
	assert(drained);
	(void)drained;
}
