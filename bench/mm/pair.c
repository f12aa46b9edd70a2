/* SPDX-License-Identifier: MIT */
/* Faults of two threads at once, each in a VMA of its own; and the memory that a mapped page takes. */
#include "spaces.h"

#include <stdio.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "../report.h"

enum { PAGES = 8192, THREADS = 2 };

/* ---- two threads ---- */

/* One thread, its VMA, and its part of the host's memory. */
struct worker {
	struct bench_rig rig;
	pthread_barrier_t *start;
	pthread_t thread;
	uint64_t (*run)(const struct bench_work *work);
	uint64_t done;
};

static uint64_t wall_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* Of all threads. It does not depend on how many processors the others on this machine leave. */
static uint64_t process_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void *work_on(void *argument)
{
	struct worker *worker = argument;
	const struct bench_work work = { .own = &worker->rig };

	bench_must(pw_cpu_create(worker->rig.mm, &worker->rig.cpu) == 0, "no cpu");
	pthread_barrier_wait(worker->start);
	worker->done = worker->run(&work);
	pthread_barrier_wait(worker->start);
	pw_cpu_destroy(worker->rig.cpu);
	return NULL;
}

static struct worker workers[THREADS];
static pthread_barrier_t barrier;

/* As many threads as the contender has passes. */
static void prepare(const struct bench_work *work, bool ours)
{
	bench_must(pthread_barrier_init(&barrier, NULL, work->passes + 1) == 0, "no barrier");
	for (unsigned i = 0; i < work->passes; i++) {
		struct worker *worker = &workers[i];
		struct bench_work own = { .own = &worker->rig };

		worker->rig = *bench_rig_of(work);
		worker->rig.va += (pw_va)i << 32;
		worker->start = &barrier;
		worker->run = ours ? bench_write_ours : bench_write_host;
		(ours ? bench_map_ours : bench_map_host)(&own);
		bench_must(pthread_create(&worker->thread, NULL, work_on, worker) == 0,
			   "no thread");
	}
}

static void finish(const struct bench_work *work, bool ours)
{
	for (unsigned i = 0; i < work->passes; i++) {
		struct bench_work own = { .own = &workers[i].rig };

		pthread_join(workers[i].thread, NULL);
		(ours ? bench_unmap_ours : bench_unmap_host)(&own);
	}
	pthread_barrier_destroy(&barrier);
}

static void prepare_ours(const struct bench_work *work)
{
	prepare(work, true);
}

static void prepare_host(const struct bench_work *work)
{
	prepare(work, false);
}

static void finish_ours(const struct bench_work *work)
{
	finish(work, true);
}

static void finish_host(const struct bench_work *work)
{
	finish(work, false);
}

/* From one barrier to the next. */
static uint64_t run_all(const struct bench_work *work)
{
	uint64_t done = 0;

	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	for (unsigned i = 0; i < work->passes; i++)
		done += workers[i].done;
	return done;
}

static void add(struct bench_case *c, const char *name, unsigned threads, bool ours)
{
	struct bench_contender *contender = bench_case_add(c, name, run_all, PAGES);

	contender->passes = threads;
	contender->before = ours ? prepare_ours : prepare_host;
	contender->after = ours ? finish_ours : finish_host;
}

static void pair(struct bench_rig *rig, const char *name, uint64_t (*clock)(void), double goal)
{
	static const struct bench_columns columns = {
		.title = "faults of two threads",
		.floor = "one",
		.rival = { "kernel", "kernel_one" },
	};
	struct bench_case c;

	bench_space_case(name, "page", PAGES, rig, &c);
	c.columns = &columns;
	c.goal = goal;
	c.clock = clock;
	add(&c, "pagewalk", THREADS, true);
	add(&c, "one", 1, true);
	add(&c, "kernel", THREADS, false);
	add(&c, "kernel_one", 1, false);
	bench_case_run(&c);
}

void bench_space_pairs(struct bench_rig *rig)
{
	rig->pages = PAGES;
	rig->flags = MAP_PRIVATE | MAP_ANONYMOUS;
	pair(rig, "space-two-threads", wall_ns, 1 / 1.8);
	/* Two threads that take no longer than one for the same page are twice as fast, if they never wait. */
	pair(rig, "space-two-threads-cpu", process_ns, 2 / 1.8);
}

/* ---- memory ---- */

static uint64_t resident_bytes(void)
{
	FILE *statm = fopen("/proc/self/statm", "r");
	unsigned long pages = 0;

	bench_must(statm && fscanf(statm, "%*u %lu", &pages) == 1, "/proc/self/statm");
	fclose(statm);
	return (uint64_t)pages << 12;
}

/* All that this process gets from its host for pages that are mapped and written: tables, descriptions, heap. */
void bench_space_memory(void)
{
	static struct bench_rig rig;
	const struct bench_work work = { .own = &rig };
	uint64_t before, bytes;

	bench_rig_open(&rig, UINT64_C(512) << 20, false);
	rig.pages = (size_t)1 << 16;
	rig.flags = MAP_PRIVATE | MAP_ANONYMOUS;
	before = resident_bytes();
	bench_map_ours(&work);
	bench_must(bench_write_ours(&work) == rig.pages, "a fault failed");
	bytes = resident_bytes() - before - ((uint64_t)rig.pages << 12);
	/* An entry; 1/512 of an entry, ...; and what Linux has for a page: 64 bytes. */
	bench_report_overhead("space-memory", (double)bytes / (double)rig.pages,
			      64 + 8.0 * 512 / 511 + 1);
	bench_unmap_ours(&work);
	bench_rig_close(&rig);
}
