/* SPDX-License-Identifier: MIT */
/*
 * Weaker processors (arm, riscv, powerpc), sampled: a load may return an older value than the newest one, as if a
 * store were late or the load early. It may return what any store has written, unless
 *
 *   - a later store to the word happens before the load (write-read coherence), or
 *   - a load that happens before this one has returned a later one (read-read coherence).
 *
 * Read-modify-writes return the newest value. A load that is sequentially consistent also respects what such
 * stores and fences of other threads have ordered; a little more than C11 asks for. Dependent loads are acquires
 * (base/tsan.h). What is left out: a store is never seen before the stores that were executed earlier,
 * by one thread or another, to the same word (so 2+2W), and no load sees a store that is executed later (LB). So
 * this finds; it proves nothing.
 */
#include "lab/race/race.h"

enum { CANDIDATES = 16 }; /* a schedule has room for that */

static bool same_bytes(const struct race_op *a, const struct race_op *b)
{
	return a->at == b->at && a->bytes == b->bytes;
}

static bool happened(const struct race_event *event, const struct race_clock *hb)
{
	return hb->at[event->lane % RACE_THREADS] >= event->hb.at[event->lane % RACE_THREADS];
}

/* The newest store that a load which happens before this one has returned; -2 if there is no such load. */
static int newest_read(const struct race_op *op, const struct race_clock *hb)
{
	int newest = -2;

	for (unsigned i = 0; i < race.depth; i++) {
		const struct race_event *other = &race_event[i];

		if (!other->op.writes && same_bytes(&other->op, op) && happened(other, hb) &&
		    other->from > newest)
			newest = other->from;
	}
	return newest;
}

unsigned race_weak_candidates(const struct race_op *op, const struct race_clock *hb, int16_t *from)
{
	const int floor = newest_read(op, hb);
	unsigned count = 0;

	for (unsigned i = race.depth; i-- > 0 && count < CANDIDATES;) {
		const struct race_event *other = &race_event[i];

		if (!other->op.writes || !race_overlap(&other->op, op))
			continue;
		if ((int)i < floor)
			return count;
		/* Of other sizes, only the newest is known as a value: it is in memory. */
		if (!same_bytes(&other->op, op)) {
			if (count == 0)
				from[count++] = (int16_t)i;
			return count;
		}
		from[count++] = (int16_t)i;
		if (happened(other, hb))
			return count;
	}
	if (count < CANDIDATES && floor < 0)
		from[count++] = -1;
	return count;
}

uint64_t race_weak_value(const struct race_op *op, int16_t from)
{
	if (from >= 0)
		return same_bytes(&race_event[from].op, op) ? race_event[from].after
							    : race_value(op);
	/* What was there before the first store of the run. */
	for (unsigned i = 0; i < race.depth; i++)
		if (race_event[i].op.writes && race_overlap(&race_event[i].op, op))
			return same_bytes(&race_event[i].op, op) ? race_event[i].before
								 : race_value(op);
	return race_value(op);
}
