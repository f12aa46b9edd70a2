/* SPDX-License-Identifier: MIT */
/*
 * The search: stateless, depth first, with source sets and sleep sets (Abdulla, Aronis, Jonsson, Sagonas:
 * Optimal Dynamic Partial Order Reduction, POPL 2014, the source-DPOR of section 4).
 *
 * A run is repeated up to the last state where another lane is still to be tried; there it goes on with that
 * lane, and then as it comes. When an event turns out to be in a race with an earlier one (dependent, and next
 * to each other in the order), the state before the earlier one must also be left by a lane that leads to the
 * reversed order: it goes into `backtrack` there. A lane sleeps in a state if all that it leads to was seen: it
 * wakes up when somebody does a step that its next step depends on.
 *
 * Invariant, before each run: for every state i of the run so far, all classes that begin with events 0..i-1 and
 * go on with a lane of done[i] or sleep[i] were visited, or will be from a lane in backtrack[i].
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lab/race/race.h"
#include "lab/race/real.h"
#include "lab/race/record.h"
#include "lab/race/resume.h"
#include "lab/race/search.h"

struct race_state race;
struct race_event race_event[RACE_EVENTS + 1];
bool race_on;

/* What the search keeps from run to run. */
static struct {
	const struct race_search *how;
	struct pw_lab_result *result;
	unsigned prefix; /* events that are repeated */
	int last; /* the lane of the last event, or -1 */
	unsigned preemptions;
	bool starting; /* threads run to their first step */
	bool unfinished; /* the run was given up: every lane that can go on sleeps */
	bool cut;
	unsigned alive; /* threads that have not ended */
	uint64_t changed[RACE_THREADS]; /* how many changes others had made when it last yielded */
	uint64_t changes, own_changes[RACE_THREADS];
} search;

/* ---- one run ---- */

static bool can_go_on(unsigned lane)
{
	const struct race_op *op = &race.pending[lane];

	if (lane >= RACE_THREADS)
		return true;
	if (race.lanes > race.threads && race_buffer_any(lane) &&
	    (op->drains || (!op->atomic && !race_mutant(RACE_MUTANT_PLAIN_AT_ONCE) &&
			    race_buffer_forward(lane, op) != RACE_FORWARD_NONE)))
		return false;
	switch (op->kind) {
	case RACE_LOCK:
		return race_value(op) == 0;
	case RACE_WAIT:
		return race_buffer_view(lane, op) != op->value;
	case RACE_YIELD:
		return search.changes - search.own_changes[lane] > search.changed[lane];
	default:
		return true;
	}
}

static void look_around(unsigned *live_ret, unsigned *enabled_ret)
{
	unsigned live = search.alive, enabled = 0;

	if (race.lanes > race.threads)
		for (unsigned i = 0; i < race.threads; i++)
			if (race_buffer_any(i)) {
				live |= 1u << (i + RACE_THREADS);
				race.pending[i + RACE_THREADS] = race_buffer_oldest(i)->op;
			}
	for (unsigned left = live; left; left &= left - 1) {
		unsigned lane = (unsigned)__builtin_ctz(left);

		if (can_go_on(lane))
			enabled |= 1u << lane;
	}
	*live_ret = live;
	*enabled_ret = enabled;
}

/* Nobody can go on. Has the run ended as it should? */
static void end_of_run(unsigned live)
{
	unsigned waiting = 0, yielding = 0;
	char names[128] = "";

	if (race.depth < search.how->scheduled) {
		race_note(PW_LAB_BROKEN, "the run ends after %u steps, but the schedule has %u",
			  race.depth, search.how->scheduled);
		return;
	}

	for (unsigned i = 0; i < race.threads; i++) {
		if (!(live & 1u << i) || race.scenario->thread[i].daemon)
			continue;
		waiting++;
		yielding += race.pending[i].kind == RACE_YIELD;
		snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s%s",
			 waiting > 1 ? ", " : "", race.scenario->thread[i].name);
	}
	if (!waiting)
		return;
	if (yielding == waiting)
		race_note(PW_LAB_NO_PROGRESS,
			  "no progress: %s wait%s in a loop, and nobody is left "
			  "to write anything",
			  names, waiting > 1 ? "" : "s");
	else
		race_note(PW_LAB_DEADLOCK, "deadlock: %s wait%s, and nobody is left to end it",
			  names, waiting > 1 ? "" : "s");
}

unsigned race_weak_choose(unsigned count)
{
	if (race.depth < search.how->scheduled) {
		unsigned older = search.how->schedule[race.depth] >> RACE_LANE_BITS;

		return older < count ? older : count - 1;
	}
	return search.how->mode == RACE_REPLAY ? 0 : race_pick_value(count);
}

static unsigned pick(unsigned may, unsigned enabled)
{
	switch (search.how->mode) {
	case RACE_RANDOM:
		return race_pick_random(enabled);
	case RACE_PCT:
		return race_pick_priority(enabled, search.how->bound);
	default:
		if (search.last >= 0 && may & 1u << search.last)
			return (unsigned)search.last;
		return (unsigned)__builtin_ctz(may);
	}
}

/* A state that no run has been in: which lane goes on? False if every lane sleeps. */
static bool new_state(struct race_event *event, unsigned live, unsigned enabled)
{
	unsigned sleep = 0, may;

	if (race.depth > race.fixed && search.how->mode <= RACE_SOURCE &&
	    search.how->mode != RACE_ALL) {
		const struct race_event *last = event - 1;
		unsigned asleep = (last->sleep | last->done) & ~(1u << last->lane) & live;

		if (race_mutant(RACE_MUTANT_SLEEP_OWN))
			asleep |= 1u << last->lane & live;
		for (; asleep; asleep &= asleep - 1) {
			unsigned lane = (unsigned)__builtin_ctz(asleep);

			if (!race_dependent(&race.pending[lane], &last->op) ||
			    race_mutant(RACE_MUTANT_SLEEP_KEEPS) ||
			    (race_mutant(RACE_MUTANT_SLEEP_BUFFERS) && lane >= RACE_THREADS))
				sleep |= 1u << lane;
		}
		if (race_mutant(RACE_MUTANT_SLEEP_NEVER))
			sleep = 0;
	}
	may = enabled & ~sleep;
	event->live = (uint16_t)live;
	event->enabled = (uint16_t)enabled;
	event->sleep = (uint16_t)sleep;
	event->done = 0;
	event->preemptions = (uint8_t)search.preemptions;
	if (!may)
		return false;
	if (race.depth < search.how->scheduled) {
		unsigned lane = search.how->schedule[race.depth] & (RACE_LANES - 1);

		if (!(enabled & 1u << lane)) {
			race_note(PW_LAB_BROKEN,
				  "step %u of the schedule belongs to %s, which cannot "
				  "go on there",
				  race.depth + 1,
				  lane < race.threads ? race.scenario->thread[lane].name
						      : "an empty store buffer");
			return false;
		}
		event->lane = (uint8_t)lane;
	} else {
		if (search.how->mode == RACE_BOUNDED && search.preemptions >= search.how->bound &&
		    search.last >= 0 && enabled & 1u << search.last)
			may = 1u << search.last;
		event->lane = (uint8_t)pick(may, enabled);
	}
	event->backtrack = (uint16_t)(search.how->mode == RACE_SOURCE ? 1u << event->lane
								      : enabled);
	return true;
}

static void not_repeated(void)
{
	race_note(
		PW_LAB_BROKEN,
		"step %u is another one although the schedule is the same: the code under test depends "
		"on something else, as time, random numbers, or memory that is not set",
		race.depth + 1);
}

/* Is the step that @event repeats the one that its lane is about to do? Its thread may have ended instead. */
static bool repeats(const struct race_event *event)
{
	const unsigned lane = event->lane;
	const struct race_op *op = &race.pending[lane];

	if (lane >= RACE_THREADS) {
		if (!race_buffer_any(lane - RACE_THREADS))
			return false;
		race.pending[lane] = race_buffer_oldest(lane - RACE_THREADS)->op;
	} else if (!(search.alive & 1u << lane)) {
		return false;
	}
	if (race_mutant(RACE_MUTANT_OTHER_STEPS))
		return true;
	return op->at == event->op.at && op->bytes == event->op.bytes &&
	       op->kind == event->op.kind && can_go_on(lane);
}

static void begin_event(struct race_event *event)
{
	const unsigned lane = event->lane;

	event->op = race.pending[lane];
	race_order_program(lane, &event->op, &race.clock[lane]);
	if (race_mutant(RACE_MUTANT_LOCK_ORDERED) && event->op.kind == RACE_LOCK)
		race_order_dependence(&event->op, &race.clock[lane]);
	if (search.last >= 0 && (int)lane != search.last && event->enabled & 1u << search.last)
		search.preemptions++;
	if (search.how->mode == RACE_SOURCE)
		race_find_races(race.depth, lane, &event->op, &race.clock[lane]);
	event->before = lane < RACE_THREADS ? race_buffer_view(lane, &event->op)
					    : race_value(&event->op);
	event->forwarded = lane < RACE_THREADS && event->op.bytes > 0 && !event->op.writes &&
			   race_buffer_forward(lane, &event->op) == RACE_FORWARD_ALL;
	event->after = event->before;
	event->older = 0;
	race_order_event(event);
	event->hash = (race.depth ? event[-1].hash : 0) + race_event_hash(event);
}

/* A write that changes nothing (a failed exchange) does not wake those who yield: two of them could go on forever. */
static void event_has_written(struct race_event *event)
{
	const unsigned bytes = event->op.bytes;

	event->after = race_value(&event->op);
	if (event->after == event->before && bytes <= 8 && !(bytes & (bytes - 1)) &&
	    !race_mutant(RACE_MUTANT_YIELD_ANY))
		return;
	search.changes++;
	search.own_changes[event->lane % RACE_THREADS]++;
}

/*
 * Chooses the lane of the next event. Returns the thread that is to run; or -1 if the run has ended. Flushes
 * happen in here.
 */
static int next_thread(void)
{
	for (;;) {
		struct race_event *event = &race_event[race.depth];
		unsigned live, enabled;

		if (race.depth > 0 && event[-1].op.writes)
			event_has_written(&event[-1]);
		if (race_recording)
			race_record_moment();
		if (race.failure)
			return -1;
		if (race.depth == RACE_EVENTS) {
			search.cut = true;
			return -1;
		}
		if (race.depth + 1 < search.prefix) {
			/* The same step as in the run before. */
			if (!repeats(event)) {
				not_repeated();
				return -1;
			}
			if (search.last >= 0 && event->lane != search.last &&
			    event->enabled & 1u << search.last)
				search.preemptions++;
			race_order_replay(event);
		} else {
			look_around(&live, &enabled);
			if (race.depth < search.prefix && !(enabled & 1u << event->lane)) {
				not_repeated();
				return -1;
			}
			if (!enabled) {
				end_of_run(live);
				return -1;
			}
			if (race.depth >= search.prefix && !new_state(event, live, enabled)) {
				search.unfinished = true;
				return -1;
			}
			begin_event(event);
			if (race.failure) {
				race.depth++;
				return -1;
			}
		}
		race.depth++;
		search.last = event->lane;
		if (event->op.drains)
			race.stored[event->lane] = 0;
		if (event->op.kind == RACE_YIELD)
			search.changed[event->lane] = search.changes -
						      search.own_changes[event->lane];
		if (event->lane < RACE_THREADS)
			return event->lane;
		race_buffer_flush(event->lane % RACE_THREADS);
	}
}

static void go_on_with(int thread)
{
	int from = race.thread;

	if (thread == from) {
		race_on = true;
		return;
	}
	race.thread = thread;
	race_on = thread >= 0;
	race_fiber_switch(from, thread);
	/* Back again: the thread that switched here has set `race.thread` and `race_on`. */
}

void race_step(const struct race_op *op)
{
	race_on = false;
	race.pending[race.thread] = *op;
	if (race_recording)
		race_record_step();
	go_on_with(search.starting ? -1 : next_thread());
}

unsigned race_alive(void)
{
	return search.alive;
}

static void thread_main(void)
{
	int thread = race.thread;

	race.scenario->thread[thread].run();
	race_on = false;
	search.alive &= ~(1u << thread);
	go_on_with(search.starting ? -1 : next_thread());
	abort();
}

static void run_once(void)
{
	int thread;

	race_restore();
	race_heap_restore();
	race_buffers_clear();
	race_order_reset();
	race.run++;
	race.depth = 0;
	race.failure = NULL;
	race.finding = PW_LAB_NONE;
	search.last = -1;
	search.preemptions = 0;
	search.unfinished = search.cut = false;
	__real_memset(race.trusted, 0, sizeof(race.trusted));
	search.changes = 0;
	__real_memset(search.changed, 0, sizeof(search.changed));
	__real_memset(search.own_changes, 0, sizeof(search.own_changes));
	search.alive = (1u << race.threads) - 1;
	search.starting = true;
	race.thread = -1;
	for (unsigned i = 0; i < race.threads && !race.failure; i++) {
		race_fiber_start(i, thread_main);
		go_on_with((int)i);
		race_on = false;
		race.thread = -1;
	}
	search.starting = false;
	if (race.failure)
		return;
	thread = next_thread();
	if (thread >= 0)
		go_on_with(thread);
	race_on = false;
	race.thread = -1;
}

/* ---- all runs ---- */

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void check_end(void)
{
	if (race.failure)
		return;
	/* What the check writes is put back, too: the next run begins as this one did. */
	race.checking = true;
	if (race.scenario->check)
		race.scenario->check();
	race.checking = false;
	if (!race.failure && race.scenario->leaks && !race_mutant(RACE_MUTANT_LEAKS_UNSEEN) &&
	    race_heap_leaked() > 0)
		race_note(PW_LAB_LEAK, "%zu bytes are allocated and not freed", race_heap_leaked());
}

static void remember_finding(void)
{
	struct pw_lab_result *result = search.result;

	result->findings++;
	if (result->findings == 1) {
		result->finding = race.finding;
		snprintf(result->sentence, sizeof(result->sentence), "%s", race.failure);
	}
	if (search.how->found)
		search.how->found(search.how->context);
}

/* The search begins anew: none of the runs so far counts. */
static void forget_runs(void)
{
	struct pw_lab_result *result = search.result;

	result->restarted = result->runs;
	result->findings = result->events = result->ended = 0;
	result->blocked = result->cut = result->deepest = 0;
	result->finding = PW_LAB_NONE;
	race_classes_clear();
	race_split_clear(false);
}

/* The run has ended: counts it. False if the search is to stop. */
static bool count_run(void)
{
	struct pw_lab_result *result = search.result;

	result->runs++;
	/* Steps of a given schedule may be missing, as long as not all shared words are known. */
	if (race_words_grew() && !race_mutant(RACE_MUTANT_NO_RESTART) &&
	    (race.finding != PW_LAB_BROKEN || search.how->scheduled)) {
		/* In a part of the search, another process has to hear of it. */
		if (race_split_is_other()) {
			result->restarted = 1;
			return false;
		}
		forget_runs();
		return !search.how->words || race_words_shared() < search.how->words;
	}
	result->events += race.depth;
	if (race.depth > result->deepest)
		result->deepest = race.depth;
	if (race.finding == PW_LAB_BROKEN) {
		remember_finding();
		return false;
	}
	if (search.unfinished) {
		result->blocked++;
		if (search.how->mode == RACE_SOURCE && !race_mutant(RACE_MUTANT_GIVEN_UP_IGNORED))
			race_find_pending(~(unsigned)race_event[race.depth].enabled, search.alive);
		return true;
	}
	if (search.cut) {
		result->cut++;
		return true;
	}
	result->ended++;
	if (search.how->mode == RACE_SOURCE)
		race_find_pending(~0u, search.alive);
	check_end();
	race_classes_add(
		race_mix(race.depth ? race_event[race.depth - 1].hash : 0, race.failure ? 77 : 0));
	if (race.failure)
		remember_finding();
	else if (search.how->mode == RACE_REPLAY && search.how->found)
		search.how->found(search.how->context);
	return race.failure ? !search.how->stop_at_finding : !search.how->stop_at_success;
}

static bool within_limits(double start)
{
	const struct race_search *how = search.how;
	struct pw_lab_result *result = search.result;

	if (how->limit && result->runs >= how->limit)
		return false;
	if (result->runs & 255)
		return true;
	result->seconds = now() - start;
	if (how->seconds > 0 && result->seconds > how->seconds)
		return false;
	if (race_split_is_other())
		return true;
	result->classes = race_classes_count();
	result->estimate = race_estimate();
	return !how->progress || how->progress(how->context, result);
}

/* The last run of a search that was stopped is done: the search goes on from there. */
static bool go_on(struct pw_lab_result *result)
{
	static struct race_search how;

	how = *search.how;
	how.scheduled = 0;
	search.how = &how;
	return race_resume_apply(how.resume, result);
}

static void finish(struct pw_lab_result *result, bool complete, double start)
{
	uint64_t hash;

	race_restore();
	race_heap_restore();
	result->complete = complete && !result->cut;
	if (race_split_is_other())
		race_split_report(result);
	result->estimate = result->complete ? 0 : race_estimate();
	result->classes = race_classes_count() + race_split_classes(&hash);
	result->hash = race_classes_hash() + hash;
	result->words = race_words_shared();
	result->seconds = now() - start;
	race_split_clear(true);
}

void race_explore(const struct pw_lab_scenario *scenario, enum pw_lab_model model,
		  const struct race_search *how, struct pw_lab_result *result)
{
	const double start = now();
	bool complete = false;

	memset(result, 0, sizeof(*result));
	if (how->resume && !how->resume->count)
		*result = how->resume->result;
	race_baseline(__builtin_frame_address(0));
	race_heap_baseline();
	search.how = how;
	search.result = result;
	search.prefix = 0;
	race.fixed = how->mode == RACE_REPLAY || how->resume ||
				     race_mutant(RACE_MUTANT_FIXED_CHANGED)
			     ? 0
			     : how->scheduled;
	race_seed(how->seed);
	race.scenario = scenario;
	race.model = model;
	for (race.threads = 0; race.threads < RACE_THREADS && scenario->thread[race.threads].run;)
		race.threads++;
	race.lanes = model == PW_LAB_TSO ? 2 * race.threads : race.threads;
	race_classes_clear();
	race_split_clear(true);
	for (bool first = true;; first = false) {
		uint64_t restarted = result->restarted;

		if (how->mode == RACE_RANDOM || how->mode == RACE_PCT) {
			search.prefix = 0;
			race_pick_prepare(result->deepest);
		}
		run_once();
		if (first && how->resume && how->resume->count) {
			if (!go_on(result))
				break;
		} else if (!count_run() || !within_limits(start)) {
			break;
		} else if (result->restarted != restarted) { /* every state is a new one */
			search.prefix = 0;
			continue;
		}
		if (!race_backtrack(how, result, &search.prefix)) {
			complete = how->mode <= RACE_SOURCE && !race_split_incomplete();
			break;
		}
		if (race_split_again()) {
			forget_runs();
			search.prefix = 0;
		}
	}
	finish(result, complete, start);
}
