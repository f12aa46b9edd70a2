/* SPDX-License-Identifier: MIT */
/* Ratios come first, because they hold on another machine, too. */
#include "report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct bench_columns bench_walks = {
	.title = "walks",
	.floor = "floor",
	.rival = { "libaddrxlat", "mincore", "pagemap", "pagemap_scan", "full_answer",
		   "last_loads" },
};

static FILE *bench_json;
static const char *bench_separator = "";
static const struct bench_columns *bench_open; /* the part whose lines are being printed */

void bench_report_begin(const char *path)
{
	if (!path)
		return;
	bench_json = fopen(path, "w");
	if (!bench_json) {
		fprintf(stderr, "bench: %s: %s\n", path, strerror(errno));
		exit(2);
	}
	fputs("[\n", bench_json);
}

static void begin_part(const struct bench_columns *columns)
{
	printf("%s%-29s %8s %9s", bench_open ? "\n" : "", columns->title, "to the", "goal");
	printf("   times as long as pagewalk:                    ns\n");
	printf("%-29s %8s %9s", "case", columns->floor, "");
	for (size_t k = 0; k < BENCH_CONTENDERS && columns->rival[k]; k++)
		printf(" %12s", columns->rival[k]);
	printf(" %9s %8s  per\n", "pagewalk", columns->floor);
	bench_open = columns;
}

static void print_line(const struct bench_line *line)
{
	const struct bench_case *c = line->c;
	char text[32] = "";

	if (c->goal > 0)
		snprintf(text, sizeof(text), "<= %.2f", c->goal);
	if (c->goal_ns > 0)
		snprintf(text, sizeof(text), "<=%.4g ns", c->goal_ns);
	printf("%-29s %8.2f %9s", c->name, line->ratio[1], text);
	for (size_t k = 0; k < BENCH_CONTENDERS && bench_open->rival[k]; k++) {
		text[0] = '\0';
		for (size_t i = 2; i < c->contenders; i++) {
			if (strcmp(c->contender[i].name, bench_open->rival[k]) != 0)
				continue;
			if (c->contender[i].absent)
				snprintf(text, sizeof(text), "%s", c->contender[i].absent);
			else
				snprintf(text, sizeof(text), "%.1f", line->ratio[i]);
		}
		printf(" %12s", text);
	}
	printf(" %9.2f %8.2f  %s\n", line->ns[0], line->ns[1], c->unit);
	fflush(stdout);
}

static void write_record(const struct bench_line *line)
{
	const struct bench_case *c = line->c;
	const char *separator = "";

	fprintf(bench_json,
		"%s{\"name\":\"%s\",\"part\":\"%s\",\"ns\":%.4f,\"floor\":\"%s\",\"floor_ns\":%.4f,",
		bench_separator, c->name, bench_open->title, line->ns[0], bench_open->floor,
		line->ns[1]);
	fprintf(bench_json, "\"unit\":\"%s\",\"ratio\":%.4f,", c->unit, line->ratio[1]);
	if (c->goal > 0)
		fprintf(bench_json, "\"goal\":%.2f,", c->goal);
	if (c->goal_ns > 0)
		fprintf(bench_json, "\"goal_ns\":%.4g,", c->goal_ns);
	fputs("\"rivals\":{", bench_json);
	for (size_t i = 2; i < c->contenders; i++) {
		fprintf(bench_json, "%s\"%s\":", separator, c->contender[i].name);
		if (c->contender[i].absent)
			fprintf(bench_json, "\"%s\"", c->contender[i].absent);
		else
			fprintf(bench_json, "%.4f", line->ns[i]);
		separator = ",";
	}
	fputs("}}", bench_json);
	bench_separator = ",\n";
}

void bench_report_line(const struct bench_line *line)
{
	const struct bench_columns *columns = line->c->columns ? line->c->columns : &bench_walks;

	if (columns != bench_open)
		begin_part(columns);
	print_line(line);
	if (bench_json)
		write_record(line);
}

void bench_report_writer(const char *name, double ns, double rwlock_ns)
{
	printf("  the writer's edits: %.0f ns each, with the lock %.0f ns\n", ns, rwlock_ns);
	if (!bench_json)
		return;
	fprintf(bench_json, "%s{\"name\":\"%s-edit\",\"ns\":%.1f,\"rivals\":{\"rwlock\":%.1f}}",
		bench_separator, name, ns, rwlock_ns);
}

void bench_report_period(const char *name, double ns)
{
	printf("  one membarrier in %.1f us\n", ns / 1000);
	if (!bench_json)
		return;
	fprintf(bench_json, "%s{\"name\":\"%s-period\",\"ns\":%.1f}", bench_separator, name, ns);
}

void bench_report_bytes(const char *name, uint64_t bytes, uint64_t floor, uint64_t folios)
{
	static const struct bench_columns memory = { .title = "memory" };
	const double kib = 1 << 10;

	if (bench_open != &memory)
		printf("\n%-29s %8s %9s %13s %13s\n", "memory per mapped GiB", "to the", "tables",
		       "least tables", "folios");
	bench_open = &memory;
	printf("%-29s %8.2f %5.0f KiB %9.0f KiB %9.0f KiB\n", name, (double)bytes / (double)floor,
	       (double)bytes / kib, (double)floor / kib, (double)folios / kib);
	if (!bench_json)
		return;
	fprintf(bench_json,
		"%s{\"name\":\"%s\",\"bytes\":%" PRIu64 ",\"floor_bytes\":%" PRIu64
		",\"folio_bytes\":%" PRIu64 "}",
		bench_separator, name, bytes, floor, folios);
	bench_separator = ",\n";
}

void bench_report_overhead(const char *name, double bytes, double goal)
{
	printf("%-29s %8.2f bytes per page beside its own; goal <= %.2f\n", name, bytes, goal);
	if (!bench_json)
		return;
	fprintf(bench_json, "%s{\"name\":\"%s\",\"bytes_per_page\":%.3f,\"goal\":%.2f}",
		bench_separator, name, bytes, goal);
	bench_separator = ",\n";
}

void bench_report_end(void)
{
	if (!bench_json)
		return;
	fputs("\n]\n", bench_json);
	if (fclose(bench_json)) {
		perror("bench: writing the JSON");
		exit(2);
	}
	bench_json = NULL;
}
