/* SPDX-License-Identifier: MIT */
/*
 * Walks with callbacks, which look at the entry again, as callbacks of Linux do with a lock: if it is another one by
 * now, they ask for it again. What must hold: each address is reported once, as a leaf or as a hole, in order.
 */
#include <inttypes.h>

#include "lab/race/race.h"
#include "lab/race/scene/scene.h"
#include "lab/race/wrap.h"
#include "space/edit.h"
#include "space/space.h"

struct visit {
	const struct scene_op *op;
	pw_va next; /* the first address that was not reported yet */
	bool holes;
};

/* Loads the entry that a callback was called for, as one step. */
static uint64_t now_at(const struct pw_entry *entry)
{
	const struct pw_format *f = world.format;
	uint64_t raw = f->entry_lg2 == 3 ? race_look(entry->host) : race_load_half(entry->host);

	/* From the order of the memory's bytes, as to it. */
	return pw_entry_raw(raw, f->entry_lg2, f->big_endian);
}

static int entry_of(struct pw_walk *walk, const struct pw_entry *entry)
{
	if (now_at(entry) != entry->value)
		walk->action = PW_AGAIN;
	return 0;
}

static void report(struct visit *visit, const struct pw_entry *entry)
{
	if (entry->first != visit->next)
		pw_lab_fail("line %u: the walk comes to 0x%" PRIx64 ", and is at 0x%" PRIx64,
			    visit->op->line, entry->first, visit->next);
	visit->next = entry->last + 1;
}

static int leaf_of(struct pw_walk *walk, const struct pw_entry *entry)
{
	struct visit *visit = walk->private_data;

	scene_check_seen(visit->op, entry->first, entry->pa);
	report(visit, entry);
	return 0;
}

static int hole_of(struct pw_walk *walk, const struct pw_entry *entry)
{
	struct visit *visit = walk->private_data;

	visit->holes = true;
	report(visit, entry);
	return 0;
}

void scene_visit(const struct scene_op *op)
{
	struct visit visit = { .op = op, .next = op->va };
	struct pw_walk_ops ops = { .leaf = leaf_of, .hole = hole_of };
	struct pw_reader *reader = world.reader[op->thread];

	for (unsigned level = 0; level < PW_MAX_LEVELS; level++)
		ops.entry[level] = entry_of;
	pw_reader_enter(reader);
	if (pw_walk_range(world.arena->memory, pw_space_now(world.space), op->va, scene_last(op),
			  &ops, &visit) != 0)
		pw_lab_fail("line %u: the walk was refused", op->line);
	pw_reader_leave(reader);
	if (visit.next != scene_last(op) + 1)
		pw_lab_fail("line %u: the walk ends at 0x%" PRIx64, op->line, visit.next);
	scene_done(op, !visit.holes);
}
