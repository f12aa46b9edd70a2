/* SPDX-License-Identifier: MIT */
/*
 * What a run works on: an arena, an address space in it, readers; and how the laboratory knows when tables may be
 * freed. Readers say when they are inside, by an operation of the laboratory. Reclaim by RCU is a thread of its
 * own: it waits for the readers that are inside, and frees; it runs when it may, as callbacks of call_rcu do. By
 * IPI, the writer waits itself.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "lab/race/scene/scene.h"
#include "lab/race/trace.h"
#include "lab/race/wrap.h"
#include "space/edit.h"
#include "space/space.h"
#include "sync/parts.h"
#include "sync/sync.h"

struct scene_world world;

/* ---- reclaim ---- */

/* Items that wait for a grace period: a list, and a word that changes with it. Only instrumented code and
 * operations of the laboratory touch them in a run. */
static struct {
	uint64_t given, freed; /* items, ever */
	struct pw_later *first;
} grace;

/* Sections nest: only the outer one is a step. */
static void enter(struct pw_sync_reader *reader)
{
	race_write((uintptr_t)&reader->depth, reader->depth + 1, sizeof(reader->depth));
	if (reader->depth == 1)
		race_section(&reader->mark, reader->mark + 1, true);
}

static void leave(struct pw_sync_reader *reader)
{
	race_write((uintptr_t)&reader->depth, reader->depth - 1, sizeof(reader->depth));
	if (reader->depth == 0)
		race_section(&reader->mark, reader->mark + 1, false);
}

/* Waits for those that are inside now: each look is a step, and so is each wait. NULL: of all spaces. */
static void wait_for_readers(struct pw_sync *sync)
{
	for (unsigned i = 0; i < RACE_THREADS; i++) {
		uint64_t mark;

		if (!world.reader[i] || (sync && world.reader[i]->sync.sync != sync))
			continue;
		mark = race_look(&world.reader[i]->sync.mark);
		if (mark & 1)
			pw_lab_wait(&world.reader[i]->sync.mark, 8, mark);
	}
}

static void free_later(struct pw_sync *sync, struct pw_later *item, pw_later_fn *free)
{
	(void)sync;
	item->free = free;
	if (world.scene->reclaim == SCENE_IPI)
		wait_for_readers(sync);
	if (world.scene->reclaim != SCENE_RCU || !race_running()) {
		free(item);
		return;
	}
	race_count(&grace.given);
	race_write((uintptr_t)&item->next, (uintptr_t)grace.first, 8);
	race_write((uintptr_t)&grace.first, (uintptr_t)item, 8);
}

/* The thread of grace periods. How many items it has freed matters to nobody but drain(). */
static void grace_periods(void)
{
	uint64_t seen = 0;

	for (;;) {
		struct pw_later *item;

		pw_lab_wait(&grace.given, 8, seen);
		seen = race_look(&grace.given);
		item = grace.first;
		race_write((uintptr_t)&grace.first, 0, 8);
		wait_for_readers(NULL);
		while (item) {
			struct pw_later *next = item->next;

			item->free(item);
			race_count(&grace.freed);
			item = next;
		}
	}
}

/* Waits until all that was given so far is free. */
static void drain(struct pw_sync *sync)
{
	uint64_t given, freed;

	(void)sync;
	if (!race_running())
		return;
	given = race_look(&grace.given);
	for (freed = race_look(&grace.freed); freed < given; freed = race_look(&grace.freed))
		pw_lab_wait(&grace.freed, 8, freed);
}

/* The thread that asks is the one that runs. */
static bool inside(struct pw_sync *sync)
{
	const struct pw_reader *reader = race.thread >= 0 ? world.reader[race.thread] : NULL;

	(void)sync;
	return reader && reader->sync.depth > 0;
}

const struct pw_sync_ops scene_sync = {
	.name = "laboratory",
	.init = pw_sync_no_init,
	.deinit = pw_sync_no_deinit,
	.join = pw_sync_no_join,
	.quit = pw_sync_no_quit,
	.enter = enter,
	.leave = leave,
	.wait = wait_for_readers,
	.later = free_later,
	.drain = drain,
	.inside = inside,
};

/* ---- setup and threads ---- */

void scene_give_up(const char *what)
{
	fprintf(stderr, "%s: %s\n", world.scene->path, what);
	exit(3);
}

static void make_readers(void)
{
	for (unsigned i = 0; i < world.scene->threads; i++) {
		struct pw_sync_reader *reader;

		struct pw_space *space = world.space;

		if (!world.scene->thread[i].reads)
			continue;
		if (world.scene->thread[i].mm != SCENE_NONE)
			space = pw_mm_space(world.mm[world.scene->thread[i].mm]);
		if (pw_reader_create(space, &world.reader[i]) != 0)
			scene_give_up("there is no memory for a reader");
		reader = &world.reader[i]->sync;
		reader->ops = &scene_sync;
		reader->sync = &space->sync;
		reader->mark = 0;
	}
}

/*
 * A search with several jobs forks, and each process works on memory of its own. The arena's is a file that is not
 * mapped in children; here a private copy takes its place, at the same address.
 */
void scene_make_private(struct pw_arena *arena)
{
	const size_t bytes = (size_t)arena->bytes;
	void *copy = malloc(bytes);

	if (!copy)
		scene_give_up("there is no memory for a copy of the arena");
	memcpy(copy, arena->host, bytes);
	if (mmap(arena->host, bytes, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
		scene_give_up("there is no memory of its own for each process");
	memcpy(arena->host, copy, bytes);
	free(copy);
	(void)madvise(arena->mine, 1, MADV_KEEPONFORK);
	(void)madvise(arena->mine, 1, MADV_DOFORK);
}

/* One space, without an owner that decides about faults. */
static void setup_space(void)
{
	const struct scene *scene = world.scene;
	struct pw_arena_options memory = { .page_lg2 = world.format->shift[0] };
	struct pw_space_options options = { .levels = scene->levels };
	struct pw_error error;

	memory.bytes = scene->frames << memory.page_lg2;
	if (options.levels > world.format->levels)
		options.levels = world.format->levels;
	if (!world.format->dynamic_top)
		options.levels = 0;
	if (pw_arena_create(&memory, &world.arena, &error) != 0 ||
	    pw_space_create(world.arena, world.format, &options, &world.space, &error) != 0)
		scene_give_up(error.text);
	scene_make_private(world.arena);
	world.space->sync.ops = &scene_sync;
}

void scene_setup(void)
{
	const struct scene *scene = world.scene;

	for (unsigned i = 0; i < SCENE_FOLIOS; i++)
		world.folio[i] = ~UINT64_C(0);
	if (scene->mms > 0)
		scene_setup_mms();
	else
		setup_space();
	make_readers();
	for (unsigned i = 0; i < scene->ops; i++)
		if (scene->op[i].thread == SCENE_SETUP)
			scene_execute(&scene->op[i]);
	scene_prepare_pokes();
	if (scene->mms > 0)
		scene_prepare_mms();
}

void scene_thread(void)
{
	const struct scene *scene = world.scene;
	const int thread = race.thread;

	/* What only this thread writes begins anew in each run. */
	for (unsigned i = 0; i < scene->folios; i++)
		if (scene->folio[i].thread == thread)
			world.folio[i] = ~UINT64_C(0);
	for (unsigned i = 0; i < scene->ops; i++) {
		if (scene->op[i].thread != thread)
			continue;
		world.holds[i] = 0;
		world.walked[i] = ~UINT64_C(0);
		if (scene->op[i].flag != SCENE_NONE)
			world.flag[scene->op[i].flag] = false;
	}
	for (unsigned i = 0; i < scene->ops; i++)
		if (scene->op[i].thread == thread)
			scene_execute(&scene->op[i]);
}

void scene_scenario(const struct scene *scene, struct pw_lab_scenario *scenario)
{
	memset(scenario, 0, sizeof(*scenario));
	scenario->name = scene->name;
	scenario->about = scene->about;
	scenario->setup = scene_setup;
	scenario->check = scene_check;
	for (unsigned i = 0; i < scene->threads; i++) {
		scenario->thread[i].name = scene->thread[i].name;
		scenario->thread[i].run = scene_thread;
	}
	if (scene->reclaim == SCENE_RCU && scene->threads < RACE_THREADS) {
		scenario->thread[scene->threads].name = "grace period";
		scenario->thread[scene->threads].run = grace_periods;
		scenario->thread[scene->threads].daemon = true;
	}
}
