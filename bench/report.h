/* SPDX-License-Identifier: MIT */
/* The table on the terminal, and the same as JSON. */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include "bench.h"

/* One line: times per unit, and ratios: [1] pagewalk to the floor, others rival to pagewalk. */
struct bench_line {
	const struct bench_case *c;
	double ns[BENCH_CONTENDERS], ratio[BENCH_CONTENDERS];
};

/* @path: where the JSON goes, or NULL. Exits if it cannot be written. */
void bench_report_begin(const char *path);
void bench_report_line(const struct bench_line *line);
/* Of a mapped GiB: what its tables take, the least they could, and what its folios take. */
void bench_report_bytes(const char *name, uint64_t bytes, uint64_t floor, uint64_t folios);
/* What the writer beside the readers of case @name took for an edit, on average of all runs. */
void bench_report_writer(const char *name, double ns, double rwlock_ns);
void bench_report_end(void);

#endif
