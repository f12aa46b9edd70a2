/* SPDX-License-Identifier: MIT */
/*
 * For measuring address spaces: a machine with an mm and a cpu, and as much memory of this process beside it. Both
 * are used in the same way: the first through pagewalk, the second by accesses and system calls.
 */
#ifndef BENCH_MM_SPACES_H
#define BENCH_MM_SPACES_H

#include <pagewalk/cpu.h>

#include "../bench.h"
#include "mm/mm.h"

struct bench_rig {
	struct pw_machine *machine;
	struct pw_mm *mm, *child;
	struct pw_vcpu *cpu;
	struct pw_file *file;
	int fd; /* of the same file, for the host */
	int flags; /* of mmap, beside the address */
	int advice; /* for madvise */
	size_t pages, step; /* base pages in the mapping; from one access to the next */
	pw_va va;
	unsigned char *host;
	pid_t other; /* the host's child */
	struct bench_uring *uring;
	pw_pa *page;
};

static inline struct bench_rig *bench_rig_of(const struct bench_work *work)
{
	return work->own;
}

/* A case beside the host's kernel, whose goal is to be no slower; without contenders. */
void bench_space_case(const char *name, const char *unit, uint64_t units, struct bench_rig *rig,
		      struct bench_case *c);
/* Ends the program with a sentence if not @done. */
void bench_must(bool done, const char *what);

/* Opens a machine of @bytes, whose memory the host has given already if @ready. */
void bench_rig_open(struct bench_rig *rig, uint64_t bytes, bool ready);
void bench_rig_close(struct bench_rig *rig);
/* Map rig->pages, with rig->flags and rig->advice; and unmap them. */
void bench_map_ours(const struct bench_work *work);
void bench_unmap_ours(const struct bench_work *work);
void bench_map_host(const struct bench_work *work);
void bench_unmap_host(const struct bench_work *work);
/* Write a byte to, or read one from, every rig->step-th page. Return how many. */
uint64_t bench_write_ours(const struct bench_work *work);
uint64_t bench_write_host(const struct bench_work *work);
uint64_t bench_read_ours(const struct bench_work *work);
uint64_t bench_read_host(const struct bench_work *work);

void bench_space_faults(struct bench_rig *rig);
void bench_space_ranges(struct bench_rig *rig);
void bench_space_pairs(struct bench_rig *rig);
void bench_space_memory(void);

#endif
