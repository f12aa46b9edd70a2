/* SPDX-License-Identifier: MIT */
/*
 * Races: pairs of dependent events that are next to each other in the order of a run. The state before the first of
 * them must also be left so that the second one comes first (source sets: search.c says where from).
 */
#include "lab/race/search.h"

static bool before(const struct race_event *a, const struct race_event *b)
{
	return b->clock.at[a->lane] >= a->index;
}

/*
 * Could this step, which waits, not be done where the earlier event was? Then the two cannot change places. With
 * @own, the lane's own buffer had bytes of the word: it did not see the same value there.
 */
static bool waited_for(const struct race_op *op, const struct race_event *earlier, bool own)
{
	if (race_mutant(RACE_MUTANT_ALL_WAITS_RACE))
		return false;
	/* Also by a part of the bytes: a lock of readers has a byte for each. All bytes in common were taken. */
	if (op->kind == RACE_LOCK && earlier->op.kind == RACE_UNLOCK)
		return true;
	if (op->at != earlier->op.at || op->bytes != earlier->op.bytes)
		return false;
	if (race_mutant(RACE_MUTANT_WAIT_OWN))
		own = false;
	if (op->kind == RACE_LOCK)
		return earlier->before != 0;
	return op->kind == RACE_WAIT && earlier->before == op->value && !own;
}

/*
 * The lanes that can begin a run from the state before event @j in which @op of @lane comes before that event:
 * the first events of those after @j that do not depend on it, followed by @op.
 */
static unsigned initials(unsigned j, unsigned depth, unsigned lane, const struct race_op *op,
			 const struct race_clock *clock)
{
	static uint16_t after[RACE_EVENTS];
	const struct race_event *event = &race_event[j];
	unsigned count = 0, seen = 0, first = 0;
	bool alone = true;

	for (unsigned k = j + 1; k < depth; k++) {
		const struct race_event *other = &race_event[k];
		bool minimal = true;

		if (before(event, other))
			continue;
		if (race_mutant(RACE_MUTANT_ANY_INITIAL))
			first |= 1u << other->lane;
		if (!(seen & 1u << other->lane)) {
			for (unsigned x = 0; x < count && minimal; x++)
				minimal = !before(&race_event[after[x]], other);
			if (minimal)
				first |= 1u << other->lane;
			seen |= 1u << other->lane;
		}
		after[count++] = (uint16_t)k;
	}
	if (seen & 1u << lane)
		return first;
	for (unsigned x = 0; x < count && alone; x++) {
		const struct race_event *other = &race_event[after[x]];

		alone = !race_dependent(&other->op, op) && clock->at[other->lane] < other->index;
	}
	return alone ? first | 1u << lane : first;
}

/* The event and @op are in a race: the state before the event is also to be left so that @op comes first. */
static void reverse(unsigned j, unsigned depth, unsigned lane, const struct race_op *op,
		    const struct race_clock *clock)
{
	struct race_event *event = &race_event[j];
	unsigned lanes = initials(j, depth, lane, op, clock), can;

	if (lanes & (event->backtrack | event->sleep))
		return;
	can = race_mutant(RACE_MUTANT_WRONG_INITIAL) ? event->enabled : lanes & event->enabled;
	if (!can && race_mutant(RACE_MUTANT_NO_FALLBACK))
		return;
	if (!can)
		event->backtrack |= event->enabled;
	else
		event->backtrack |= (uint16_t)(can & 1u << lane ? 1u << lane : can & -can);
}

void race_find_races(unsigned depth, unsigned lane, const struct race_op *op,
		     const struct race_clock *clock)
{
	bool own = lane < RACE_THREADS && race_buffer_forward(lane, op) != RACE_FORWARD_NONE;

	for (unsigned j = depth; j-- > race.fixed;) {
		const struct race_event *event = &race_event[j];

		if (!race_dependent(&event->op, op) ||
		    (race_mutant(RACE_MUTANT_LOADS_FORGOTTEN) && !event->op.writes) ||
		    (race_mutant(RACE_MUTANT_STORES_FORGOTTEN) && !op->writes))
			continue;
		if (event->lane == lane + RACE_THREADS) {
			own = true;
			/* A plain access waits for it. */
			if (!op->atomic)
				continue;
		}
		if (event->lane != lane && clock->at[event->lane] < event->index &&
		    !waited_for(op, event, own))
			reverse(j, depth, lane, op, clock);
		/* What came before this write is ordered by it. A step that waits looks further: for its lock. */
		if (race_covers(&event->op, op) &&
		    (!race_blocks(op) || race_mutant(RACE_MUTANT_COVER_LOCK)))
			return;
		if (race_mutant(RACE_MUTANT_LAST_ONLY))
			return;
	}
}

void race_find_pending(unsigned lanes, unsigned alive)
{
	if (race_mutant(RACE_MUTANT_BLOCKED_IGNORED))
		return;
	for (unsigned i = 0; i < race.lanes; i++) {
		/* Lanes of threads, then those of their buffers. */
		unsigned lane = i < race.threads ? i : i - race.threads + RACE_THREADS;
		struct race_clock clock = race.clock[lane];
		struct race_op op;

		if (!(lanes & 1u << lane) ||
		    (lane >= RACE_THREADS ? !race_buffer_any(lane - RACE_THREADS)
					  : !(alive & 1u << lane)))
			continue;
		op = lane >= RACE_THREADS ? race_buffer_oldest(lane - RACE_THREADS)->op
					  : race.pending[lane];
		race_order_program(lane, &op, &clock);
		race_find_races(race.depth, lane, &op, &clock);
	}
}

double race_estimate(void)
{
	double product = 1;

	for (unsigned i = race.fixed; i < race.depth; i++)
		product *= (unsigned)__builtin_popcount(
			race_event[i].backtrack & race_event[i].enabled & ~race_event[i].sleep);
	return product;
}
