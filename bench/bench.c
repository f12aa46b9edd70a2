/* SPDX-License-Identifier: MIT */
/* Prints one table from one run. Ends with 1 if any two ways of reading the tables disagree. */
#include <argp.h>
#include <stdio.h>
#include <string.h>

#include "cases.h"
#include "report.h"

struct options {
	const char *json, *only;
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case 'j':
		options->json = argument;
		return 0;
	case 'o':
		options->only = argument;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option bench_options[] = {
	{ "json", 'j', "FILE", 0, "Also write the table to FILE, as an array of objects", 0 },
	{ "only", 'o', "TEXT", 0, "Only groups of cases whose name contains TEXT", 0 },
	{ 0 },
};
static const struct argp bench_argp = {
	.options = bench_options,
	.parser = parse,
	.doc = "Measures pagewalk beside a plain loop over the same tables, libaddrxlat, and the "
	       "host kernel's walkers.",
};

static bool wanted(const struct options *options, const char *group)
{
	return !options->only || strstr(group, options->only);
}

int main(int argc, char **argv)
{
	struct options options = { 0 };
	struct bench_kernel kernel;
	bool has_arm64 = pw_format_find("arm64") != NULL;
	bool has_kernel;

	argp_parse(&bench_argp, argc, argv, 0, NULL, &options);
	bench_report_begin(options.json);
	if (wanted(&options, "iterate-dense")) {
		has_kernel = bench_kernel_create(&kernel, (size_t)1 << 30, BENCH_DENSE);
		bench_iterate_dense("iterate-dense", "x86_64", false, 0.35,
				    has_kernel ? &kernel : NULL);
		bench_iterate_dense("iterate-dense-scattered", "x86_64", true, 3,
				    has_kernel ? &kernel : NULL);
		if (has_kernel)
			bench_kernel_destroy(&kernel);
		if (has_arm64)
			bench_iterate_dense("iterate-dense-arm64", "arm64", false, 0.35, NULL);
		bench_iterate_dense("iterate-dense-s390x", "s390x", false, 0.35, NULL);
	}
	if (wanted(&options, "iterate-sparse")) {
		has_kernel = bench_kernel_create(&kernel, (size_t)16 << 30, BENCH_SPARSE);
		bench_iterate_sparse("iterate-sparse", "x86_64", has_kernel ? &kernel : NULL);
		if (has_kernel)
			bench_kernel_destroy(&kernel);
	}
	if (wanted(&options, "iterate-mix")) {
		has_kernel = bench_kernel_create(&kernel, (size_t)1 << 30, BENCH_MIX);
		bench_iterate_mix("iterate-mix", "x86_64", has_kernel ? &kernel : NULL);
		if (has_kernel)
			bench_kernel_destroy(&kernel);
	}
	if (wanted(&options, "map-image")) {
		has_kernel = bench_kernel_create(&kernel, (size_t)1 << 30, BENCH_DENSE);
		bench_map_image("map-image", has_kernel ? &kernel : NULL);
		if (has_kernel)
			bench_kernel_destroy(&kernel);
	}
	if (wanted(&options, "translate-hot")) {
		bench_translate_hot("translate-hot", "translate-lean", "translate-hot-bulk",
				    "translate-hot-chained", "x86_64");
		if (has_arm64)
			bench_translate_hot("translate-hot-arm64", "translate-lean-arm64", NULL,
					    NULL, "arm64");
		bench_translate_hot("translate-hot-s390x", "translate-lean-s390x", NULL, NULL,
				    "s390x");
	}
	if (wanted(&options, "translate-random")) {
		bench_translate_random("translate-random", "translate-random-bulk", NULL, "x86_64",
				       false);
		bench_translate_random("translate-random-huge", "translate-random-bulk-huge",
				       "translate-random-chained-huge", "x86_64", true);
	}
	if (wanted(&options, "pin"))
		bench_pin();
	if (wanted(&options, "readers"))
		bench_readers();
	if (wanted(&options, "cpu"))
		bench_tlb();
	if (wanted(&options, "spaces"))
		bench_spaces();
	if (wanted(&options, "edit"))
		bench_edit();
	if (wanted(&options, "memory"))
		bench_memory();
	bench_report_end();
	return 0;
}
