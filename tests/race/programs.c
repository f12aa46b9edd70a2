/* SPDX-License-Identifier: MIT */
/*
 * The laboratory checks code; this checks the laboratory. Thousands of small random programs run under every
 * search it has. All searches must visit the same classes, and come to the outcomes that an abstract machine
 * comes to (machine.c), under sequential consistency and under total store order.
 *
 * PW_RACE_PROGRAMS says how many programs, PW_RACE_FIRST where to begin, and
 * PW_RACE_ALL_RUNS how many runs the search without reduction may take before it is left out.
 */
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lab/race/race.h"
#include "random.h"

/* What the compiler calls at each access of instrumented code. */
uint32_t __tsan_atomic32_load(const volatile uint32_t *p, int order);
uint64_t __tsan_atomic64_load(const volatile uint64_t *p, int order);
void __tsan_atomic32_store(volatile uint32_t *p, uint32_t value, int order);
void __tsan_atomic64_store(volatile uint64_t *p, uint64_t value, int order);
uint32_t __tsan_atomic32_fetch_add(volatile uint32_t *p, uint32_t value, int order);
uint64_t __tsan_atomic64_fetch_add(volatile uint64_t *p, uint64_t value, int order);
uint32_t __tsan_atomic32_exchange(volatile uint32_t *p, uint32_t value, int order);
uint64_t __tsan_atomic64_exchange(volatile uint64_t *p, uint64_t value, int order);
int __tsan_atomic32_compare_exchange_strong(volatile uint32_t *p, uint32_t *expected,
					    uint32_t value, int order, int failed);
int __tsan_atomic64_compare_exchange_strong(volatile uint64_t *p, uint64_t *expected,
					    uint64_t value, int order, int failed);
void __tsan_atomic_thread_fence(int order);
void __tsan_read4(void *p);
void __tsan_read8(void *p);
void __tsan_write4(void *p);
void __tsan_write8(void *p);

static uint64_t memory[WORDS];
static pthread_mutex_t mutex[MUTEXES];
static struct program program;
static struct outcome now; /* of the run; not part of the memory that the laboratory puts back */

static struct outcomes *collected;
static struct pw_lab_result result;
static uint64_t restarts, wrong_beginnings;
static unsigned shortest_run; /* steps */
static const uint8_t *beginning; /* of the runs, if it is given: two lanes */

/* ---- a program as threads of the laboratory ---- */

static uint64_t load(const struct instruction *step)
{
	void *p = (char *)memory + step->at;

	return step->bytes == 8 ? __tsan_atomic64_load(p, step->order)
				: __tsan_atomic32_load(p, step->order);
}

static void store(const struct instruction *step, uint64_t value)
{
	void *p = (char *)memory + step->at;

	if (step->bytes == 8)
		__tsan_atomic64_store(p, value, step->order);
	else
		__tsan_atomic32_store(p, (uint32_t)value, step->order);
}

static uint64_t change(const struct instruction *step)
{
	void *p = (char *)memory + step->at;
	const uint32_t half = (uint32_t)step->value;

	if (step->operation == ADD)
		return step->bytes == 8 ? __tsan_atomic64_fetch_add(p, step->value, step->order)
					: __tsan_atomic32_fetch_add(p, half, step->order);
	return step->bytes == 8 ? __tsan_atomic64_exchange(p, step->value, step->order)
				: __tsan_atomic32_exchange(p, half, step->order);
}

/* Returns the old value. */
static uint64_t swap(const struct instruction *step)
{
	void *p = (char *)memory + step->at;
	uint64_t whole = step->expected;
	uint32_t half = (uint32_t)step->expected;

	if (step->bytes == 8) {
		__tsan_atomic64_compare_exchange_strong(p, &whole, step->value, step->order,
							__ATOMIC_RELAXED);
		return whole;
	}
	__tsan_atomic32_compare_exchange_strong(p, &half, (uint32_t)step->value, step->order,
						__ATOMIC_RELAXED);
	return half;
}

static uint64_t plain_load(const struct instruction *step)
{
	void *p = (char *)memory + step->at;

	if (step->bytes == 8) {
		__tsan_read8(p);
		return *(volatile uint64_t *)p;
	}
	__tsan_read4(p);
	return *(volatile uint32_t *)p;
}

static void plain_store(const struct instruction *step)
{
	void *p = (char *)memory + step->at;

	if (step->bytes == 8) {
		__tsan_write8(p);
		*(volatile uint64_t *)p = step->value;
	} else {
		__tsan_write4(p);
		*(volatile uint32_t *)p = (uint32_t)step->value;
	}
}

static uint64_t read_value(unsigned thread, uint64_t value)
{
	now.read[thread] = mix_in(now.read[thread], value);
	return value;
}

/* Returns how many of the following steps are left out. */
static unsigned execute(unsigned thread, const struct instruction *step, uint64_t *last)
{
	switch (step->operation) {
	case LOAD:
		*last = read_value(thread, load(step));
		return 0;
	case STORE:
		store(step, step->value);
		return 0;
	case STORE_LAST:
		store(step, *last + step->value);
		return 0;
	case ADD:
	case EXCHANGE:
		*last = read_value(thread, change(step));
		return 0;
	case SWAP:
		*last = read_value(thread, swap(step));
		return *last != step->expected;
	case SKIP_ODD:
		return *last & 1;
	case FENCE:
		__tsan_atomic_thread_fence(step->order);
		return 0;
	case LOCK:
		pthread_mutex_lock(&mutex[step->at]);
		return 0;
	case UNLOCK:
		pthread_mutex_unlock(&mutex[step->at]);
		return 0;
	case WAIT:
		pw_lab_wait((char *)memory + step->at, step->bytes, step->value);
		return 0;
	case YIELD:
		sched_yield();
		return 0;
	case PLAIN_LOAD:
		*last = read_value(thread, plain_load(step));
		return 0;
	case PLAIN_STORE:
		plain_store(step);
		return 0;
	case FAIL_IF:
		pw_lab_check(*last != step->value, "the value is %" PRIu64, *last);
		return 0;
	}
	return 0;
}

static void run(unsigned thread)
{
	uint64_t last = 0;

	now.read[thread] = 0;
	now.step[thread] = 0;
	while (now.step[thread] < program.count[thread]) {
		unsigned step = now.step[thread];

		now.step[thread] = step + 1 + execute(thread, &program.step[thread][step], &last);
	}
}

static void run_a(void)
{
	run(0);
}

static void run_b(void)
{
	run(1);
}

static void run_c(void)
{
	run(2);
}

/* ---- one search ---- */

static void collect(void)
{
	struct outcome outcome = now;

	if (race.depth < shortest_run)
		shortest_run = race.depth;
	if (beginning && race.depth >= 2 &&
	    (race_event[0].lane != beginning[0] || race_event[1].lane != beginning[1]))
		wrong_beginnings++;
	/* What was collected before a restart does not count. */
	if (result.restarted != restarts) {
		outcomes_clear(collected);
		restarts = result.restarted;
	}
	memcpy(outcome.memory, memory, sizeof(memory));
	for (unsigned i = 0; i < program.threads; i++)
		outcome.step[i] = now.step[i];
	outcomes_add_outcome(collected, &outcome);
}

/* The last finding of a search, in the order of its class that a person would be shown. */
static struct {
	uint8_t order[RACE_EVENTS];
	unsigned steps;
	uint64_t hash;
} shown;

static void shorten_finding(void)
{
	shown.steps = race.depth;
	shown.hash = race.depth ? race_event[race.depth - 1].hash : 0;
	race_shorten(shown.order);
}

static void collect_finding(void *context)
{
	(void)context;
	/* A beginning that was given may not be possible. */
	if (beginning && race.finding == PW_LAB_BROKEN && race.depth < 2)
		return;
	if (result.findings <= 3)
		shorten_finding();
	collect();
	if (race.finding == PW_LAB_CHECK || race.finding == PW_LAB_DATA_RACE)
		collected->failed = true;
	if (race.finding == PW_LAB_BROKEN) {
		printf("the laboratory says: %s\n", race.failure);
		exit(1);
	}
}

/* A thread that yields is woken by shared words alone; the machine makes no such difference. */
static void share_all(void)
{
	for (race.thread = 0; race.thread < 2; race.thread++) {
		race_touch((uintptr_t)memory, sizeof(memory), true);
		for (unsigned i = 0; i < MUTEXES; i++)
			race_touch((uintptr_t)&mutex[i], 8, true);
	}
	race.thread = -1;
	race_words_grew();
}

struct seen {
	struct outcomes outcomes;
	struct pw_lab_result result;
};

/* @how says which search; the outcomes are added to those that are there. */
static void search_more(struct race_search how, enum pw_lab_model model, struct seen *seen)
{
	const struct pw_lab_scenario scenario = {
		.name = "random",
		.thread = { { "a", run_a, false },
			    { "b", run_b, false },
			    { "c", program.threads == 3 ? run_c : NULL, false } },
		.check = collect,
	};

	how.found = collect_finding;
	memset(&now, 0, sizeof(now));
	collected = &seen->outcomes;
	restarts = 0;
	shortest_run = RACE_EVENTS;
	race_explore(&scenario, model, &how, &result);
	seen->result = result;
}

static void search(enum race_mode mode, enum pw_lab_model model, uint64_t limit, struct seen *seen)
{
	race_words_forget();
	if (program.yields)
		share_all();
	outcomes_clear(&seen->outcomes);
	search_more((struct race_search){ .mode = mode, .limit = limit, .bound = 1000 }, model,
		    seen);
}

/* ---- comparisons ---- */

static const char *const model_names[] = { "SC", "TSO" };

static struct {
	unsigned programs, all, machine, beginnings, stuck, failing, wrong;
	uint64_t runs[3], classes, outcomes;
} counts;

static void complain(uint64_t seed, enum pw_lab_model model, const char *what, uint64_t a,
		     uint64_t b)
{
	printf("program %" PRIu64 ", %s: %s: %" PRIu64 " and %" PRIu64 "\n", seed,
	       model_names[model], what, a, b);
	print_program(&program);
	counts.wrong++;
}

static void compare(uint64_t seed, enum pw_lab_model model, const char *what, const struct seen *a,
		    const struct seen *b)
{
	char text[96];

	snprintf(text, sizeof(text), "%s: findings", what);
	if (a->outcomes.failed != b->outcomes.failed)
		complain(seed, model, text, a->outcomes.failed, b->outcomes.failed);
	/* A run that fails ends early: where it is then, and its class, depend on the order of others. */
	if (a->outcomes.failed || b->outcomes.failed)
		return;
	snprintf(text, sizeof(text), "%s: outcomes", what);
	if (a->outcomes.sum != b->outcomes.sum)
		complain(seed, model, text, a->outcomes.count, b->outcomes.count);
	snprintf(text, sizeof(text), "%s: classes", what);
	if (a->result.hash != b->result.hash && a->result.hash && b->result.hash)
		complain(seed, model, text, a->result.classes, b->result.classes);
}

/*
 * A finding comes again when its shortest order is replayed, and is of the same class; but a run that fails before
 * its threads end may do so sooner.
 */
static void check_shortest(uint64_t seed, enum pw_lab_model model)
{
	static struct seen again;
	const unsigned steps = shown.steps;
	const uint64_t hash = shown.hash;
	static uint8_t order[RACE_EVENTS];

	outcomes_clear(&again.outcomes);
	memcpy(order, shown.order, sizeof(order));
	search_more(
		(struct race_search){ .mode = RACE_REPLAY, .schedule = order, .scheduled = steps },
		model, &again);
	if (again.result.findings != 1 || again.result.runs != 1)
		complain(seed, model, "findings when one is replayed", again.result.findings, 1);
	else if (!again.outcomes.failed && (steps != shown.steps || hash != shown.hash))
		complain(seed, model, "another class when one is replayed", hash, shown.hash);
}

/* Searches from every beginning of two steps, together, come to what one search comes to. */
static void check_beginnings(uint64_t seed, enum pw_lab_model model, const struct seen *source)
{
	static struct seen all;
	const unsigned lanes = model == PW_LAB_TSO ? 2 * program.threads : program.threads;

	outcomes_clear(&all.outcomes);
	wrong_beginnings = 0;
	for (unsigned i = 0; i < lanes * lanes; i++) {
		uint8_t schedule[2] = { (uint8_t)(i % lanes), (uint8_t)(i / lanes) };

		for (unsigned k = 0; k < 2; k++)
			if (schedule[k] >= program.threads)
				schedule[k] = (uint8_t)(schedule[k] - program.threads +
							RACE_THREADS);
		beginning = schedule;
		search_more((struct race_search){ .mode = RACE_SOURCE,
						  .schedule = schedule,
						  .scheduled = 2 },
			    model, &all);
	}
	beginning = NULL;
	if (wrong_beginnings)
		complain(seed, model, "runs with another beginning", wrong_beginnings, 0);
	all.result.hash = 0;
	counts.beginnings++;
	compare(seed, model, "all beginnings and source sets", &all, source);
}

static void check_program(uint64_t seed, enum pw_lab_model model, uint64_t all_runs)
{
	static struct seen machine, all, bounded, sleep, source;
	const unsigned wrong = counts.wrong;
	unsigned shortest;

	search(RACE_SOURCE, model, 200000, &source);
	shortest = shortest_run;
	if (source.result.findings > 0)
		check_shortest(seed, model);
	if (source.result.runs < 100 && shortest >= 2)
		check_beginnings(seed, model, &source);
	search(RACE_SLEEP, model, 200000, &sleep);
	counts.runs[2] += source.result.runs;
	counts.classes += source.result.classes;
	counts.outcomes += source.outcomes.count;
	counts.stuck += source.result.findings > 0;
	counts.failing += source.outcomes.failed;
	if (!source.result.complete)
		complain(seed, model, "source sets do not finish", source.result.runs, 0);
	/* The machine knows no data races. */
	if (!(program.plain && source.outcomes.failed) &&
	    machine_outcomes(&program, model == PW_LAB_TSO, &machine.outcomes)) {
		counts.machine++;
		compare(seed, model, "machine and source sets", &machine, &source);
	}
	if (sleep.result.complete) {
		counts.runs[1] += sleep.result.runs;
		compare(seed, model, "sleep sets and source sets", &sleep, &source);
	}
	if (counts.wrong == wrong && sleep.result.runs > all_runs)
		return;
	search(RACE_ALL, model, all_runs, &all);
	if (!all.result.complete)
		return;
	counts.all++;
	counts.runs[0] += all.result.runs;
	compare(seed, model, "all orders and sleep sets", &all, &sleep);
	search(RACE_BOUNDED, model, all_runs + 1, &bounded);
	compare(seed, model, "a bound that is never met and all orders", &bounded, &all);
}

static uint64_t number(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text && *text ? strtoull(text, NULL, 10) : otherwise;
}

int main(void)
{
	const uint64_t first = number("PW_RACE_FIRST", 1), many = number("PW_RACE_PROGRAMS", 300),
		       all_runs = number("PW_RACE_ALL_RUNS", 2000);

	for (uint64_t seed = first; seed < first + many && counts.wrong < 4; seed++) {
		random_program(&program, seed);
		counts.programs++;
		check_program(seed, PW_LAB_SC, all_runs);
		check_program(seed, PW_LAB_TSO, all_runs);
	}
	printf("%u programs, each under SC and TSO: %" PRIu64 " classes, %" PRIu64
	       " outcomes; %u of them stuck, %u failing\n",
	       counts.programs, counts.classes, counts.outcomes, counts.stuck, counts.failing);
	printf("machine: %u; beginnings: %u; all orders: %u, %" PRIu64 " runs; sleep sets: %" PRIu64
	       " runs; source sets: %" PRIu64 " runs\n",
	       counts.machine, counts.beginnings, counts.all, counts.runs[0], counts.runs[1],
	       counts.runs[2]);
	return counts.wrong > 0;
}
