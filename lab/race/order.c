/* SPDX-License-Identifier: MIT */
/*
 * Two orders of a run's events, as vector clocks.
 *
 * Dependence: an event comes after every earlier one that it depends on, and after its thread's own. Runs with
 * the same order behave alike; the search reverses pairs of dependent events that are next to each other in it.
 *
 * Happens-before, by the C language: an event comes after its thread's own, and after what it acquires. Two
 * accesses of the same bytes, one of them a write and one of them plain, must be ordered by it: otherwise they
 * are a data race, and the compiler may have assumed that they are not there.
 */
#include "lab/race/race.h"
#include "lab/race/real.h"

void race_join(struct race_clock *into, const struct race_clock *from)
{
	for (unsigned i = 0; i < RACE_LANES; i++)
		into->at[i] = into->at[i] > from->at[i] ? into->at[i] : from->at[i];
}

void race_order_reset(void)
{
	__real_memset(race.clock, 0, sizeof(race.clock));
	__real_memset(race.hb, 0, sizeof(race.hb));
	__real_memset(race.released, 0, sizeof(race.released));
	__real_memset(race.acquirable, 0, sizeof(race.acquirable));
	__real_memset(race.stored, 0, sizeof(race.stored));
	__real_memset(&race.consistent, 0, sizeof(race.consistent));
}

static bool acquires(int order)
{
	if (race_mutant(RACE_MUTANT_ACQUIRE_NOTHING) && order == __ATOMIC_ACQUIRE)
		return false;
	if (race_mutant(RACE_MUTANT_ACQUIRE_RELAXED) && order == __ATOMIC_RELAXED)
		return true;
	return order == __ATOMIC_ACQUIRE || order == __ATOMIC_CONSUME || order >= __ATOMIC_ACQ_REL;
}

static bool releases(int order)
{
	return order >= __ATOMIC_RELEASE || race_mutant(RACE_MUTANT_RELEASE_RELAXED);
}

static bool reads(const struct race_op *op)
{
	return op->kind != RACE_STORE && op->kind != RACE_UNLOCK && op->kind != RACE_FREE &&
	       op->kind != RACE_FLUSH && op->kind != RACE_FENCE;
}

void race_order_fence(unsigned thread, int order)
{
	if (acquires(order) && !race_mutant(RACE_MUTANT_FENCE_ACQUIRES_NOTHING))
		race_join(&race.hb[thread], &race.acquirable[thread]);
	/* Of two such fences, what comes before the first is seen after the second. */
	if (race.model == PW_LAB_WEAK && order == __ATOMIC_SEQ_CST) {
		race_join(&race.hb[thread], &race.consistent);
		race.consistent = race.hb[thread];
	}
	if (releases(order) && !race_mutant(RACE_MUTANT_FENCE_RELEASES_NOTHING))
		race.released[thread] = race.hb[thread];
}

/* The thread of an event: who executed the store, if it is a flush. */
static unsigned thread_of(const struct race_event *event)
{
	return event->lane % RACE_THREADS;
}

static void report_race(const struct race_event *event, const struct race_event *other)
{
	const bool freed = event->op.kind == RACE_FREE || other->op.kind == RACE_FREE;

	race_note(PW_LAB_DATA_RACE,
		  "%s: threads %s and %s, the first %s, and nothing orders the two",
		  freed ? "memory is freed beside an access" : "data race",
		  race.scenario->thread[thread_of(other)].name,
		  race.scenario->thread[thread_of(event)].name,
		  freed              ? "may still be there"
		  : other->op.writes ? "writes"
				     : "reads");
}

/* Is an earlier event of another thread in conflict with this one, and not before it? */
static void look_for_race(const struct race_event *event, const struct race_clock *hb)
{
	/* Atomic accesses alone are no data race. */
	if (event->plain == 0 || race.scenario->racy || race_mutant(RACE_MUTANT_RACES_UNSEEN))
		return;
	for (unsigned i = race.depth; i-- > 0;) {
		const struct race_event *other = &race_event[i];

		if (other->op.atomic && event->op.atomic)
			continue;
		if (thread_of(other) == thread_of(event) || !race_dependent(&other->op, &event->op))
			continue;
		if (other->op.kind == RACE_YIELD || event->op.kind == RACE_YIELD)
			continue;
		if (hb->at[thread_of(other)] >= other->hb.at[thread_of(other)])
			continue;
		report_race(event, other);
		return;
	}
}

/* The event whose write this one reads: the last one to its bytes; -1 if nobody wrote them in this run. */
static int16_t last_write(const struct race_op *op)
{
	for (unsigned i = race.depth; i-- > 0;) {
		const struct race_op *other = &race_event[i].op;

		if (other->writes && race_overlap(other, op))
			return (int16_t)i;
	}
	return -1;
}

/* May this step return an older value than the newest? */
static bool may_be_old(const struct race_event *event)
{
	return race.model == PW_LAB_WEAK && event->op.kind == RACE_LOAD && event->op.atomic;
}

/* The store that a load of a weak processor returns. */
static int16_t read_from(struct race_event *event, const struct race_clock *hb)
{
	struct race_clock known = *hb;
	int16_t from[16];
	unsigned count;

	if (!may_be_old(event))
		return last_write(&event->op);
	if (event->op.order == __ATOMIC_SEQ_CST)
		race_join(&known, &race.consistent);
	count = race_weak_candidates(&event->op, &known, from);
	if (count == 0)
		return -1;
	event->older = (uint8_t)race_weak_choose(count);
	event->before = event->after = race_weak_value(&event->op, from[event->older]);
	return from[event->older];
}

/* Happens-before of a thread's own event. */
static void order_by_language(struct race_event *event, unsigned thread)
{
	const struct race_op *op = &event->op;
	struct race_clock *hb = &race.hb[thread];

	event->from = reads(op) && op->bytes && !event->forwarded ? read_from(event, hb) : -1;
	if (event->from >= 0 && op->atomic)
		race_join(acquires(op->order) ? hb : &race.acquirable[thread],
			  &race_event[event->from].sync);
	hb->at[thread]++;
	if (op->writes) {
		event->sync = releases(op->order) ? *hb : race.released[thread];
		/* A read-modify-write passes on what the write before it released. */
		if (event->from >= 0 && (op->kind == RACE_RMW || op->kind == RACE_LOCK) &&
		    !race_mutant(RACE_MUTANT_SEQUENCE_ENDS))
			race_join(&event->sync, &race_event[event->from].sync);
	}
	event->hb = *hb;
	if (op->writes && op->order == __ATOMIC_SEQ_CST)
		race_join(&race.consistent, hb);
	look_for_race(event, hb);
}

void race_order_dependence(const struct race_op *op, struct race_clock *clock)
{
	for (unsigned i = race.depth; i-- > 0;) {
		const struct race_event *other = &race_event[i];

		if (!race_dependent(&other->op, op))
			continue;
		race_join(clock, &other->clock);
		if (race_covers(&other->op, op))
			break;
	}
}

void race_order_program(unsigned lane, const struct race_op *op, struct race_clock *clock)
{
	/* A flush comes after what its thread had done when it stored. */
	if (lane >= RACE_THREADS && !race_mutant(RACE_MUTANT_FLUSH_UNORDERED))
		race_join(clock, &race_buffer_oldest(lane % RACE_THREADS)->clock);
	/* The buffer is empty now, and what it gave up came before. */
	if (lane < RACE_THREADS && op->drains && !race_mutant(RACE_MUTANT_DRAIN_UNORDERED))
		race_join(clock, &race.clock[lane + RACE_THREADS]);
}

void race_order_event(struct race_event *event)
{
	const unsigned lane = event->lane, thread = lane % RACE_THREADS;
	struct race_clock *clock = &race.clock[lane];

	event->plain = (int16_t)((race.depth ? event[-1].plain : 0) + !event->op.atomic);
	if (lane >= RACE_THREADS) {
		const struct race_buffered *store = race_buffer_oldest(thread);

		event->hb = store->hb;
		event->sync = store->sync;
		event->from = -1;
		look_for_race(event, &store->hb);
	} else {
		order_by_language(event, thread);
	}
	race_order_dependence(&event->op, clock);
	event->index = ++clock->at[lane];
	event->clock = *clock;
}

void race_order_replay(const struct race_event *event)
{
	race.clock[event->lane] = event->clock;
	if (event->lane >= RACE_THREADS)
		return;
	/* Fences and buffered stores between events change the clock as they did before. */
	race.hb[event->lane] = event->hb;
	if (event->from >= 0 && event->op.atomic && !acquires(event->op.order))
		race_join(&race.acquirable[event->lane], &race_event[event->from].sync);
}
