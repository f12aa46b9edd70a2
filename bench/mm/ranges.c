/* SPDX-License-Identifier: MIT */
/* Operations on whole ranges: fork and exit, munmap, mprotect, and pins that walk with locks. */
#include "spaces.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../pin.h"

enum { TOGGLED = 256, PINNED = 4096, CALL = 512 };

/* ---- fork and exit ---- */

/* Of this thread, and of children that have ended: half of the work is theirs. */
static uint64_t family_ns(void)
{
	struct rusage usage;

	getrusage(RUSAGE_CHILDREN, &usage);
	return bench_thread_ns() +
	       (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000000 +
	       (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000;
}

static uint64_t fork_ours(const struct bench_work *work)
{
	struct bench_rig *rig = bench_rig_of(work);

	bench_must(pw_mm_fork(rig->mm, &rig->child, NULL) == 0, "pw_mm_fork failed");
	pw_mm_destroy(rig->child);
	return 1;
}

static uint64_t fork_host(const struct bench_work *work)
{
	pid_t child = fork();
	int status = 1;

	(void)work;
	bench_must(child >= 0, "fork failed");
	if (child == 0)
		_exit(0);
	waitpid(child, &status, 0);
	return status == 0;
}

static void forks(struct bench_rig *rig)
{
	const uint64_t bytes = pw_arena_bytes(rig->machine->arena);
	struct bench_work work = { .own = rig };
	struct bench_case c;

	/* A third: tables, and the pages, have room. */
	rig->pages = (size_t)(bytes / 3) >> 12;
	rig->flags = MAP_PRIVATE | MAP_ANONYMOUS;
	bench_space_case("space-fork-exit", "page", rig->pages, rig, &c);
	c.clock = family_ns;
	bench_map_ours(&work);
	bench_map_host(&work);
	bench_write_ours(&work);
	bench_write_host(&work);
	bench_case_add(&c, "pagewalk", fork_ours, 1);
	bench_case_add(&c, "kernel", fork_host, 1);
	bench_case_run(&c);
	bench_unmap_ours(&work);
	bench_unmap_host(&work);
}

/* ---- munmap ---- */

static void fill_ours(const struct bench_work *work)
{
	bench_map_ours(work);
	bench_write_ours(work);
}

static void fill_host(const struct bench_work *work)
{
	bench_map_host(work);
	bench_write_host(work);
}

static uint64_t unmap_ours(const struct bench_work *work)
{
	bench_unmap_ours(work);
	return 1;
}

static uint64_t unmap_host(const struct bench_work *work)
{
	bench_unmap_host(work);
	return 1;
}

static void unmaps(struct bench_rig *rig)
{
	struct bench_case c;

	/* Less than fork has: each run maps and writes it first. */
	rig->pages = (size_t)1 << 16;
	bench_space_case("space-munmap", "page", rig->pages, rig, &c);
	bench_case_add(&c, "pagewalk", unmap_ours, 1)->before = fill_ours;
	bench_case_add(&c, "kernel", unmap_host, 1)->before = fill_host;
	bench_case_run(&c);
}

/* ---- mprotect ---- */

static uint64_t toggle_ours(const struct bench_work *work)
{
	const struct bench_rig *rig = bench_rig_of(work);
	const uint64_t bytes = rig->pages << 12;

	return pw_mprotect(rig->mm, rig->va, bytes, PROT_READ) == 0 &&
	       pw_mprotect(rig->mm, rig->va, bytes, PROT_READ | PROT_WRITE) == 0;
}

static uint64_t toggle_host(const struct bench_work *work)
{
	const struct bench_rig *rig = bench_rig_of(work);
	const size_t bytes = rig->pages << 12;

	return mprotect(rig->host, bytes, PROT_READ) == 0 &&
	       mprotect(rig->host, bytes, PROT_READ | PROT_WRITE) == 0;
}

static void toggles(struct bench_rig *rig)
{
	struct bench_work work = { .own = rig };
	struct bench_case c;

	rig->pages = TOGGLED;
	bench_space_case("space-mprotect-1m", "page", (uint64_t)2 * TOGGLED, rig, &c);
	fill_ours(&work);
	fill_host(&work);
	bench_case_add(&c, "pagewalk", toggle_ours, 1);
	bench_case_add(&c, "kernel", toggle_host, 1);
	bench_case_run(&c);
	bench_unmap_ours(&work);
	bench_unmap_host(&work);
}

/* ---- pins ---- */

static uint64_t pin_ours(const struct bench_work *work)
{
	struct bench_rig *rig = bench_rig_of(work);
	uint64_t done = 0;

	for (size_t at = 0; at < rig->pages; at += CALL)
		done += (uint64_t)pw_pin_remote(rig->cpu, rig->mm, rig->va + (at << 12), CALL,
						PW_PIN_WRITE | PW_PIN_LONGTERM, rig->page + at,
						NULL);
	return done;
}

static void unpin_ours(const struct bench_work *work)
{
	struct bench_rig *rig = bench_rig_of(work);

	pw_unpin_pages(pw_cpu_reader(rig->cpu), rig->page, rig->pages, PW_PIN_WRITE, true);
}

static uint64_t pin_host(const struct bench_work *work)
{
	return bench_uring_pin(bench_rig_of(work)->uring);
}

static void unpin_host(const struct bench_work *work)
{
	bench_uring_unpin(bench_rig_of(work)->uring);
}

static void pins(struct bench_rig *rig)
{
	struct bench_work work = { .own = rig };
	const char *absent = NULL;
	struct bench_case c;

	rig->pages = PINNED;
	rig->page = calloc(PINNED, sizeof(*rig->page));
	bench_must(rig->page, "no memory");
	rig->uring = bench_uring_create(PINNED, CALL, false, &absent);
	fill_ours(&work);
	bench_space_case("space-pin-slow-512", "page", PINNED, rig, &c);
	bench_case_add(&c, "pagewalk", pin_ours, PINNED)->after = unpin_ours;
	bench_case_add(&c, "kernel", pin_host, PINNED)->after = unpin_host;
	c.contender[1].absent = absent;
	bench_case_run(&c);
	bench_unmap_ours(&work);
	bench_uring_destroy(rig->uring);
	free(rig->page);
}

void bench_space_ranges(struct bench_rig *rig)
{
	forks(rig);
	unmaps(rig);
	toggles(rig);
	pins(rig);
}
