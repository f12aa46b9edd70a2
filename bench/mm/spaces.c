/* SPDX-License-Identifier: MIT */
/* The machine, mm and cpu that the cases of address spaces share, and the host's memory beside them. */
#include "spaces.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../cases.h"

static const pw_va SPACE_VA = UINT64_C(0x400000000000);
static const uint64_t MACHINE_BYTES = UINT64_C(3) << 30, SMALL_BYTES = UINT64_C(768) << 20;

void bench_must(bool done, const char *what)
{
	if (done)
		return;
	fprintf(stderr, "bench: spaces: %s\n", what);
	exit(1);
}

/*
 * A fork of this process would write-protect the arrays that describe pages; then pagewalk would be measured with
 * the host's faults. The arena's memory is no part of a child anyway.
 */
static void keep_from_fork(const void *array, size_t bytes)
{
	const uintptr_t page = 4096, first = ((uintptr_t)array + page - 1) & ~(page - 1);

	madvise((void *)first, ((uintptr_t)array + bytes - first) & ~(page - 1), MADV_DONTFORK);
}

static void make_ready(const struct pw_machine *machine)
{
	const struct pw_arena *arena = machine->arena;

	keep_from_fork(arena->frame, arena->frames * sizeof(*arena->frame));
	keep_from_fork(machine->page, arena->frames * sizeof(*machine->page));
	madvise(arena->host, (size_t)arena->bytes, MADV_POPULATE_WRITE);
}

void bench_rig_open(struct bench_rig *rig, uint64_t bytes, bool ready)
{
	const struct pw_machine_options options = { .format = pw_format_find("x86_64"),
						    .bytes = bytes };
	struct pw_error error = { 0 };

	*rig = (struct bench_rig){ .va = SPACE_VA, .fd = -1, .step = 1 };
	bench_must(pw_machine_create(&options, &rig->machine, &error) == 0, error.text);
	bench_must(pw_mm_create(rig->machine, &rig->mm, &error) == 0, error.text);
	bench_must(pw_cpu_create(rig->mm, &rig->cpu) == 0, "no cpu");
	if (ready)
		make_ready(rig->machine);
}

void bench_rig_close(struct bench_rig *rig)
{
	pw_cpu_destroy(rig->cpu);
	pw_mm_destroy(rig->mm);
	pw_machine_destroy(rig->machine);
}

/* ---- mappings ---- */

static int protection(const struct bench_rig *rig)
{
	return rig->flags & MAP_ANONYMOUS || !rig->file || rig->flags & MAP_SHARED
		       ? PROT_READ | PROT_WRITE
		       : PROT_READ;
}

void bench_map_ours(const struct bench_work *work)
{
	struct bench_rig *rig = bench_rig_of(work);
	pw_sva va = pw_mmap(rig->mm, rig->va, rig->pages << 12, protection(rig),
			    rig->flags | MAP_FIXED, rig->file, 0);

	bench_must(va == (pw_sva)rig->va, "a mapping of pagewalk failed");
	if (rig->advice)
		bench_must(pw_madvise(rig->mm, rig->va, rig->pages << 12, rig->advice) == 0,
			   "pw_madvise failed");
}

void bench_unmap_ours(const struct bench_work *work)
{
	struct bench_rig *rig = bench_rig_of(work);

	bench_must(pw_munmap(rig->mm, rig->va, rig->pages << 12) == 0, "pw_munmap failed");
}

/* At a multiple of 2 MiB, like pagewalk's. */
void bench_map_host(const struct bench_work *work)
{
	struct bench_rig *rig = bench_rig_of(work);
	const size_t huge = (size_t)2 << 20, bytes = rig->pages << 12;
	unsigned char *place = mmap(NULL, bytes + huge, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
				    0);

	bench_must(place != MAP_FAILED, "no room for a mapping");
	munmap(place, bytes + huge);
	place += huge - (uintptr_t)place % huge;
	rig->host = mmap(place, bytes, protection(rig), rig->flags | MAP_FIXED, rig->fd, 0);
	bench_must(rig->host != MAP_FAILED, "a mapping failed");
	madvise(rig->host, bytes, rig->advice ? rig->advice : MADV_NOHUGEPAGE);
}

void bench_unmap_host(const struct bench_work *work)
{
	munmap(bench_rig_of(work)->host, bench_rig_of(work)->pages << 12);
}

/* ---- accesses ---- */

uint64_t bench_write_ours(const struct bench_work *work)
{
	const struct bench_rig *rig = bench_rig_of(work);
	uint64_t done = 0;

	for (size_t i = 0; i < rig->pages; i += rig->step)
		done += pw_store_u8(rig->cpu, rig->va + (i << 12), 1);
	return done;
}

uint64_t bench_write_host(const struct bench_work *work)
{
	const struct bench_rig *rig = bench_rig_of(work);
	uint64_t done = 0;

	for (size_t i = 0; i < rig->pages; i += rig->step, done++)
		__atomic_store_n(&rig->host[i << 12], 1, __ATOMIC_RELAXED);
	return done;
}

uint64_t bench_read_ours(const struct bench_work *work)
{
	const struct bench_rig *rig = bench_rig_of(work);
	uint64_t done = 0;
	uint8_t byte;

	for (size_t i = 0; i < rig->pages; i += rig->step)
		if (pw_load_u8(rig->cpu, rig->va + (i << 12), &byte))
			done += byte;
	return done;
}

uint64_t bench_read_host(const struct bench_work *work)
{
	const struct bench_rig *rig = bench_rig_of(work);
	uint64_t done = 0;

	for (size_t i = 0; i < rig->pages; i += rig->step)
		done += __atomic_load_n(&rig->host[i << 12], __ATOMIC_RELAXED);
	return done;
}

/* ---- cases ---- */

void bench_space_case(const char *name, const char *unit, uint64_t units, struct bench_rig *rig,
		      struct bench_case *c)
{
	static const struct bench_columns columns = {
		.title = "address spaces",
		.floor = "kernel",
	};

	*c = (struct bench_case){
		.name = name,
		.unit = unit,
		.columns = &columns,
		.goal = 1,
		.units = units,
		.work = { .own = rig },
	};
}

void bench_spaces(void)
{
	const uint64_t free_bytes = (uint64_t)sysconf(_SC_AVPHYS_PAGES) << 12;
	static struct bench_rig rig;

	bench_rig_open(&rig, free_bytes > 3 * MACHINE_BYTES ? MACHINE_BYTES : SMALL_BYTES, true);
	bench_space_faults(&rig);
	bench_space_ranges(&rig);
	bench_space_pairs(&rig);
	bench_rig_close(&rig);
	bench_space_memory();
}
