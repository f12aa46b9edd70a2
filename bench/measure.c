/* SPDX-License-Identifier: MIT */
/*
 * Measures: in every round each contender runs once, in turn, so that other work on the machine hits all of
 * them. Reports the median times, and the median of the ratios within a round.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "report.h"

/* A shorter run is repeated until it takes this long. */
static const uint64_t BENCH_SAMPLE_NS = 2000000;

uint64_t bench_thread_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static uint64_t now_ns(const struct bench_case *c)
{
	return c->clock ? c->clock() : bench_thread_ns();
}

static int compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return left < right ? -1 : left > right;
}

static double median(const double *value, size_t count)
{
	double sorted[BENCH_ROUNDS];

	memcpy(sorted, value, count * sizeof(*value));
	qsort(sorted, count, sizeof(*sorted), compare);
	return (sorted[(count - 1) / 2] + sorted[count / 2]) / 2;
}

static void check(const struct bench_case *c, const struct bench_contender *contender, uint64_t sum,
		  uint64_t expected)
{
	if (sum == expected)
		return;
	fprintf(stderr, "bench: %s: %s found %#" PRIx64 ", not %#" PRIx64 "\n", c->name,
		contender->name, sum, expected);
	exit(1);
}

/* With a clock around each run, for contenders that need preparation. */
static uint64_t run_prepared(const struct bench_case *c, const struct bench_contender *contender,
			     const struct bench_work *work, uint64_t repeat)
{
	uint64_t took = 0;

	for (uint64_t n = 0; n < repeat; n++) {
		uint64_t started, sum;

		if (contender->before)
			contender->before(work);
		started = now_ns(c);
		sum = contender->run(work);
		took += now_ns(c) - started;
		check(c, contender, sum, contender->expected * work->passes);
		if (contender->after)
			contender->after(work);
	}
	return took;
}

static uint64_t run_checked(const struct bench_case *c, size_t i, unsigned window, uint64_t repeat)
{
	const struct bench_contender *contender = &c->contender[i];
	const struct bench_list *list = c->work.list;
	uint64_t expected = list ? contender->expected_in[window] : contender->expected;
	struct bench_work work = c->work;
	uint64_t started;

	work.window = window;
	work.passes = contender->passes ? contender->passes : 1;
	if (contender->before || contender->after)
		return run_prepared(c, contender, &work, repeat);
	started = now_ns(c);
	for (uint64_t n = 0; n < repeat; n++) {
		uint64_t sum = contender->run(&work);

		/* A page that the host is moving is not there for a moment. */
		for (unsigned again = 0; sum < expected && contender->moving && again < 100;
		     again++)
			sum = contender->run(&work);
		check(c, contender, sum, expected);
	}
	return now_ns(c) - started;
}

/* One sample of contender @i, in nanoseconds per unit. */
static double sample(const struct bench_case *c, size_t i, unsigned round, uint64_t repeat)
{
	/* Far from the window that the previous contender has brought into the cache. */
	unsigned window = (round + 5 * (unsigned)i) % BENCH_WINDOWS;
	uint64_t units = c->units * (c->contender[i].passes ? c->contender[i].passes : 1);

	/* A run that is short enough to be repeated should work in the cache. */
	if (repeat > 1)
		run_checked(c, i, window, 1);
	return (double)run_checked(c, i, window, repeat) / (double)(repeat * units);
}

void bench_case_run(const struct bench_case *c)
{
	static double ns[BENCH_CONTENDERS][BENCH_ROUNDS];
	struct bench_line line = { .c = c };
	uint64_t enough = c->sample_ns ? c->sample_ns : BENCH_SAMPLE_NS;
	uint64_t repeat[BENCH_CONTENDERS];

	for (size_t i = 0; i < c->contenders; i++) {
		uint64_t once = c->contender[i].absent ? enough : run_checked(c, i, 0, 1);

		repeat[i] = once < enough ? enough / (once + 1) + 1 : 1;
	}
	for (unsigned round = 0; round < BENCH_ROUNDS; round++)
		for (size_t i = 0; i < c->contenders; i++)
			if (!c->contender[i].absent)
				ns[i][round] = sample(c, i, round, repeat[i]);
	for (size_t i = 0; i < c->contenders; i++) {
		double ratio[BENCH_ROUNDS];

		if (c->contender[i].absent)
			continue;
		for (unsigned round = 0; round < BENCH_ROUNDS; round++)
			ratio[round] = i == 1 ? ns[0][round] / ns[1][round]
					      : ns[i][round] / ns[0][round];
		line.ns[i] = median(ns[i], BENCH_ROUNDS);
		line.ratio[i] = median(ratio, BENCH_ROUNDS);
	}
	bench_report_line(&line);
}
