/* SPDX-License-Identifier: MIT */
/* Ratios first: they are what carries over to another machine. */
#include "report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const bench_rivals[] = { "libaddrxlat",  "mincore",     "pagemap",
					    "pagemap_scan", "full_answer", "last_loads" };
enum { BENCH_RIVALS = sizeof(bench_rivals) / sizeof(bench_rivals[0]) };

static FILE *bench_json;
static const char *bench_separator = "";

void bench_report_begin(const char *path)
{
	if (path) {
		bench_json = fopen(path, "w");
		if (!bench_json) {
			fprintf(stderr, "bench: %s: %s\n", path, strerror(errno));
			exit(2);
		}
		fputs("[\n", bench_json);
	}
	printf("%-29s %8s %7s", "", "to the", "goal");
	printf("   times as long as pagewalk:                    ns\n");
	printf("%-29s %8s %7s", "case", "floor", "");
	for (size_t k = 0; k < BENCH_RIVALS; k++)
		printf(" %12s", bench_rivals[k]);
	printf(" %9s %8s  per\n", "pagewalk", "floor");
}

void bench_report_line(const struct bench_line *line)
{
	const struct bench_case *c = line->c;
	const char *separator = "";
	char text[32] = "";

	if (c->goal > 0)
		snprintf(text, sizeof(text), "<= %.2f", c->goal);
	printf("%-29s %8.2f %7s", c->name, line->ratio[1], text);
	for (size_t k = 0; k < BENCH_RIVALS; k++) {
		text[0] = '\0';
		for (size_t i = 2; i < c->contenders; i++)
			if (strcmp(c->contender[i].name, bench_rivals[k]) == 0)
				snprintf(text, sizeof(text), "%.1f", line->ratio[i]);
		printf(" %12s", text);
	}
	printf(" %9.2f %8.2f  %s\n", line->ns[0], line->ns[1], c->unit);
	fflush(stdout);
	if (!bench_json)
		return;
	fprintf(bench_json, "%s{\"name\":\"%s\",\"ns\":%.4f,\"floor_ns\":%.4f,", bench_separator,
		c->name, line->ns[0], line->ns[1]);
	fprintf(bench_json, "\"unit\":\"%s\",\"ratio\":%.4f,", c->unit, line->ratio[1]);
	if (c->goal > 0)
		fprintf(bench_json, "\"goal\":%.2f,", c->goal);
	fputs("\"rivals\":{", bench_json);
	for (size_t i = 2; i < c->contenders; i++) {
		fprintf(bench_json, "%s\"%s\":%.4f", separator, c->contender[i].name, line->ns[i]);
		separator = ",";
	}
	fputs("}}", bench_json);
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
