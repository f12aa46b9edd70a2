/* SPDX-License-Identifier: MIT */
/*
 * Tables that are leaving: an operation has taken them out, and readers may still be in them.
 *
 *     taken out ---> gathered           in a batch of the space, which operations fill together
 *                      |
 *                      | the batch is full, an operation ends, or memory is short
 *                      v
 *                    handed over        to the space's back end for reclaim (sync.h)
 *                      |
 *                      v
 *                    free
 *
 * arena->leaving counts them all, from when they are taken out until they are free. A thread that lacks
 * memory for a table or a folio does not know at which of these stations the tables are. So it hurries
 * all of them, in all spaces of the arena, including those that an operation under way has gathered: no
 * operation touches a gathered table again.
 */
#include <assert.h>
#include <sched.h>
#include <stdlib.h>

#include "space/edit.h"

/* A batch: tables of one or more operations, of any level, that are freed together. */
enum { PW_GATHERED = 60 };
struct pw_gathered {
	struct pw_later later;
	struct pw_space *space;
	unsigned count;
	struct {
		pw_pa pa;
		unsigned level;
	} item[PW_GATHERED];
};

/* ---- the gather ---- */

/* Release: a thread that sees none leaving finds their memory free. Partner: pw_arena_leaving. */
static void gone(struct pw_space *space, unsigned count)
{
	__atomic_fetch_sub(&space->arena->leaving, count, __ATOMIC_RELEASE);
}

static void free_gathered(struct pw_later *later)
{
	struct pw_gathered *batch = (struct pw_gathered *)((char *)later -
							   offsetof(struct pw_gathered, later));

	for (unsigned i = 0; i < batch->count; i++)
		pw_table_free(batch->space, batch->item[i].level, batch->item[i].pa);
	gone(batch->space, batch->count);
	free(batch);
}

/*
 * Gives the batch to the back end. gather_lock is held until the back end has it, so that a thread that
 * takes the lock next, in order to drain, finds it there.
 */
static void hand_over(struct pw_space *space)
{
	struct pw_gathered *batch = space->gathered;

	__atomic_store_n(&space->gathered, NULL, __ATOMIC_RELAXED);
	if (pw_mutant(PW_MUTANT_GATHER_AT_ONCE))
		free_gathered(&batch->later);
	else
		space->sync.ops->later(&space->sync, &batch->later, free_gathered);
}

/* Adds a table to the space's batch. False if there is no memory for a batch. */
static bool gather(struct pw_space *space, unsigned level, pw_pa pa)
{
	struct pw_gathered *batch = space->gathered;

	if (!batch) {
		batch = malloc(sizeof(*batch));
		if (!batch)
			return false;
		batch->space = space;
		batch->count = 0;
		__atomic_store_n(&space->gathered, batch, __ATOMIC_RELAXED);
	}
	batch->item[batch->count].pa = pa;
	batch->item[batch->count].level = level;
	if (++batch->count == PW_GATHERED)
		hand_over(space);
	return true;
}

void pw_gather_add(struct pw_space *space, unsigned level, pw_pa pa)
{
	bool gathered;

	__atomic_fetch_add(&space->arena->leaving, PW_LEAVING_BEGAN | 1, __ATOMIC_RELAXED);
	pthread_mutex_lock(&space->gather_lock);
	gathered = gather(space, level, pa);
	pthread_mutex_unlock(&space->gather_lock);
	if (gathered)
		return;
	/* No memory to remember the table: wait for its readers here. */
	space->sync.ops->wait(&space->sync);
	pw_table_free(space, level, pa);
	gone(space, 1);
}

void pw_gather_hand_over(struct pw_space *space)
{
	pthread_mutex_lock(&space->gather_lock);
	if (space->gathered)
		hand_over(space);
	pthread_mutex_unlock(&space->gather_lock);
}

/* ---- whole tables: rare enough for a format behind a pointer ---- */

static void gather_below(struct pw_space *space, const struct pw_regime *r, unsigned level,
			 pw_pa pa)
{
	const struct pw_format *f = space->format;
	const unsigned char *entry = pw_table_host(space, pa);

	for (uint32_t i = 0; i <= pw_mask(f->bits[level]); i++, entry += pw_entry_bytes(f)) {
		uint64_t e = pw_edit_load(f, entry);

		if (f->kind(f, r, level, e) == PW_TABLE)
			pw_gather_tree(space, r, level - 1, f->table(f, r, level, e));
	}
}

void pw_gather_tree(struct pw_space *space, const struct pw_regime *r, unsigned level, pw_pa pa)
{
	/* Tables of level 0 have none below them. They are the most, and need not be read. */
	if (level > 0)
		gather_below(space, r, level, pa);
	pw_gather_add(space, level, pa);
}

/* ---- all spaces of an arena ---- */

void pw_arena_add_space(struct pw_arena *arena, struct pw_space *space)
{
	pthread_mutex_lock(&arena->spaces_lock);
	space->next = arena->spaces;
	space->back = &arena->spaces;
	if (space->next)
		space->next->back = &space->next;
	arena->spaces = space;
	pthread_mutex_unlock(&arena->spaces_lock);
}

void pw_arena_remove_space(struct pw_arena *arena, struct pw_space *space)
{
	pthread_mutex_lock(&arena->spaces_lock);
	*space->back = space->next;
	if (space->next)
		space->next->back = space->back;
	pthread_mutex_unlock(&arena->spaces_lock);
}

/* Is this thread inside a section of any of the arena's spaces? The caller holds spaces_lock. */
static bool inside(struct pw_arena *arena)
{
	for (struct pw_space *space = arena->spaces; space; space = space->next)
		if (space->sync.ops->inside(&space->sync) && !pw_mutant(PW_MUTANT_AWAIT_INSIDE))
			return true;
	return false;
}

/* Drains all spaces of the arena. False, without a wait, if this thread is inside a section. */
static bool drain_all(struct pw_arena *arena)
{
	struct pw_space *space;
	bool may;

	pthread_mutex_lock(&arena->spaces_lock);
	may = !inside(arena);
	for (space = arena->spaces; may && space; space = space->next)
		if (!pw_mutant(PW_MUTANT_OWN_GATHER))
			pw_gather_finish(space);
	/* One grace period can serve several spaces; so stop as soon as no table is leaving. */
	for (space = arena->spaces; may && space && pw_leaving_any(pw_arena_leaving(arena));
	     space = space->next) {
		space->sync.ops->drain(&space->sync);
		may = !pw_mutant(PW_MUTANT_DRAIN_FIRST);
	}
	pthread_mutex_unlock(&arena->spaces_lock);
	return may;
}

bool pw_arena_await(struct pw_arena *arena, uint64_t before)
{
	const uint64_t after = pw_mutant(PW_MUTANT_LEAVING_BEFORE) ? before
								   : pw_arena_leaving(arena);

	if (!pw_leaving_any(after))
		return before != after;
	if (!drain_all(arena))
		return false;
	/* Let other threads go on that are just handing tables over or freeing them. */
	sched_yield();
	return true;
}

void pw_arena_drain(struct pw_arena *arena)
{
	bool drained = !pw_arena_mine(arena) || drain_all(arena);

	/* A thread inside a section would wait for itself. */
	assert(drained);
	(void)drained;
}
