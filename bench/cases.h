/* SPDX-License-Identifier: MIT */
/* The cases. @kernel may be NULL: without the host kernel's walkers. */
#ifndef BENCH_CASES_H
#define BENCH_CASES_H

#include "bench.h"

void bench_iterate_dense(const char *name, const char *format, bool scattered, double goal_ns,
			 const struct bench_kernel *kernel);
void bench_iterate_sparse(const char *name, const char *format, const struct bench_kernel *kernel);
void bench_iterate_mix(const char *name, const char *format, const struct bench_kernel *kernel);
/* If @bulk_name or @chained_name is NULL, that case is left out. */
void bench_translate_hot(const char *name, const char *lean_name, const char *bulk_name,
			 const char *chained_name, const char *format);
void bench_translate_random(const char *name, const char *bulk_name, const char *chained_name,
			    const char *format, bool huge);
/* Uses, and then restores, a dense @kernel. */
void bench_map_image(const char *name, struct bench_kernel *kernel);

/* Pins and their release, in calls of 1 to 65536 pages. */
void bench_pin(void);
/* One and two readers, with and without a writer, for each back end of reclaim. */
void bench_readers(void);
/* Loads and stores of a cpu: hits and misses of its TLB. */
void bench_tlb(void);
/* Address spaces, beside the host's own: faults, fork, unmapping, pins, and the memory they take. */
void bench_spaces(void);
/* map, unmap and protect, and the memory that tables take. */
void bench_edit(void);
void bench_memory(void);

#endif
