/* SPDX-License-Identifier: MIT */
/* The table on the terminal, and the same as JSON. */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include "bench.h"

/* One line: times per unit, and ratios: [1] pagewalk to the floor, the others rival to pagewalk. */
struct bench_line {
	const struct bench_case *c;
	double ns[BENCH_CONTENDERS], ratio[BENCH_CONTENDERS];
};

/* Writes the JSON to @path, or nowhere if it is NULL. Exits if it cannot be written. */
void bench_report_begin(const char *path);
void bench_report_line(const struct bench_line *line);
/* For a mapped GiB: the bytes of its tables, the least possible, and the bytes of its folios. */
void bench_report_bytes(const char *name, uint64_t bytes, uint64_t floor, uint64_t folios);
/* For a page that is mapped: the bytes that it takes beside its own memory. */
void bench_report_overhead(const char *name, double bytes, double goal);
/* The writer's time for an edit beside the readers of case @name, as an average over all runs. */
void bench_report_writer(const char *name, double ns, double rwlock_ns);
/* In case @name, something happened beside the reader every @ns nanoseconds. */
void bench_report_period(const char *name, double ns);
void bench_report_end(void);

#endif
