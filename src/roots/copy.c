/* SPDX-License-Identifier: MIT */
/*
 * A search in a source that is slow and does not say where memory is: a gdb stub. What the CPUs' own tables map is
 * where memory can be; a kernel's map all of it. This is copied once, and the copy is searched at full speed.
 *
 * Bounds: at most COPY_MOST bytes are copied, of which pages of zeros cost nothing. A run whose bytes the source refuses
 * ends there, so that addresses without memory cost one question each run.
 */
#include <stdlib.h>

#include "base/join.h"
#include "base/mutant.h"
#include "format/words.h"
#include "roots/roots.h"

enum { PIECE = 64 << 10 };

static const uint64_t COPY_MOST = UINT64_C(16) << 30;

/* Physical memory that tables map: { first, last }. */
struct runs {
	pw_pa (*run)[2];
	size_t count;
};

static int add_run(struct runs *runs, pw_pa first, pw_pa last)
{
	pw_pa(*grown)[2] = pw_memory_grow(runs->run, runs->count, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	runs->run = grown;
	grown[runs->count][0] = first;
	grown[runs->count++][1] = last;
	return 0;
}

/* Is this memory, and not the registers of a device, which must not be read? */
static bool is_memory(const struct pw_words *words, const struct pw_range *range)
{
	return range->status == PW_OK &&
	       (pw_mutant(PW_MUTANT_DEVICES_READ) || words->memory_types >> range->memtype & 1);
}

/* Adds the memory that the tables of @cpu map, if they tell memory from devices. */
static int add_mapped(const struct pw_memory *memory, const struct pw_cpu *cpu,
		      const struct pw_roots_options *options, struct runs *runs)
{
	struct pw_scan_limits limits = { .uses = 1, .cancel = options->cancel };
	struct pw_regime_options more = { .registers = cpu->registers };
	const struct pw_format *format = cpu->format ? pw_format_find(cpu->format) : NULL;
	struct pw_range range[64];
	struct pw_regime regime;
	struct pw_scan *scan;
	int status = 0;

	if (cpu->roots == 0 || !format || !format->words || format->words->memory_types == 0 ||
	    pw_regime_init(&regime, format, cpu->root, cpu->roots, &more, NULL))
		return 0;
	if (pw_scan_create(memory, &regime, 0, UINT64_MAX, &limits, &scan, NULL))
		return -ENOMEM;
	for (size_t n; status == 0 && (n = pw_scan_next(scan, range, 64)) > 0;)
		for (size_t i = 0; i < n && status == 0; i++)
			if (is_memory(format->words, &range[i]))
				status = add_run(runs, range[i].pa,
						 range[i].pa + (range[i].last - range[i].first));
	pw_scan_destroy(scan);
	return pw_cancelled(options->cancel) ? -ECANCELED : status;
}

/* Joins the runs. Returns their bytes. */
static uint64_t join(struct runs *runs)
{
	uint64_t bytes = 0;

	runs->count = pw_join(runs->run, runs->count);
	for (size_t i = 0; i < runs->count; i++)
		bytes += runs->run[i][1] - runs->run[i][0] + 1;
	return bytes;
}

static bool is_zero(const unsigned char *bytes, size_t count)
{
	return bytes[0] == 0 && memcmp(bytes, bytes + 1, count - 1) == 0;
}

/* How far the copying has come. */
struct progress {
	const struct pw_roots_options *options;
	uint64_t bytes, of;
	unsigned char piece[PIECE];
};

/* Copies a run, up to the first byte that the source does not have. */
static int copy_run(const struct pw_memory *memory, struct pw_memory *copy, const pw_pa run[2],
		    struct progress *progress, struct pw_error *error)
{
	const struct pw_roots_options *options = progress->options;
	uint64_t bytes = run[1] - run[0] + 1, done = 0;
	unsigned char *host;
	int status;

	/* Most runs that are no memory are refused at their first byte. */
	if (pw_memory_read(memory, run[0], progress->piece, 1))
		return pw_memory_check(memory, error);
	status = pw_memory_map_anonymous(copy, bytes, &host, error);
	while (status == 0 && done < bytes) {
		size_t piece = bytes - done < PIECE ? (size_t)(bytes - done) : PIECE;

		if (pw_cancelled(options->cancel))
			return pw_fail(error, ECANCELED, "the search for roots was cancelled");
		if (pw_memory_read(memory, run[0] + done, progress->piece, piece))
			break;
		if (!is_zero(progress->piece, piece))
			memcpy(host + done, progress->piece, piece);
		done += piece;
		if (options->progress)
			options->progress(options->progress_context, progress->bytes + done,
					  progress->of);
	}
	if (status == 0)
		status = pw_memory_check(memory, error);
	if (status == 0 && done > 0)
		status = pw_memory_add_segment(copy, run[0], run[0] + (done - 1), host, error);
	return status;
}

static int copy_cpus(const struct pw_memory *memory, struct pw_memory *copy, struct pw_error *error)
{
	for (size_t i = 0; i < memory->cpu_count; i++) {
		struct pw_cpu *cpu = pw_memory_add_cpu(copy);

		if (!cpu)
			return pw_fail(error, ENOMEM, "out of memory");
		*cpu = memory->cpus[i];
	}
	copy->machine = memory->machine;
	copy->wide = memory->wide;
	/* The tables are not all that is there. */
	copy->is_live = true;
	return 0;
}

static int copy_runs(const struct pw_memory *memory, struct pw_memory *copy,
		     const struct runs *runs, uint64_t bytes,
		     const struct pw_roots_options *options, struct pw_error *error)
{
	struct progress *progress = calloc(1, sizeof(*progress));
	int status = progress ? copy_cpus(memory, copy, error)
			      : pw_fail(error, ENOMEM, "out of memory");

	for (size_t i = 0; i < runs->count && status == 0; i++) {
		progress->options = options;
		progress->of = bytes;
		status = copy_run(memory, copy, runs->run[i], progress, error);
		progress->bytes += runs->run[i][1] - runs->run[i][0] + 1;
	}
	free(progress);
	return status ? status : pw_memory_seal(copy, error);
}

static int find_runs(const struct pw_memory *memory, const struct pw_roots_options *options,
		     struct runs *runs, uint64_t *bytes_ret, struct pw_error *error)
{
	int status = 0;

	for (size_t i = 0; i < memory->cpu_count && status == 0; i++)
		status = add_mapped(memory, &memory->cpus[i], options, runs);
	if (status == -ECANCELED)
		return pw_fail(error, ECANCELED, "the search for roots was cancelled");
	if (status)
		return pw_fail(error, ENOMEM, "out of memory");
	*bytes_ret = join(runs);
	if (runs->count == 0)
		return pw_fail(
			error, ENOTSUP,
			"%s: this source does not say where memory is, and no CPU has tables "
			"that do, so it is not searched for roots; give --format and --root",
			memory->title);
	if (*bytes_ret > COPY_MOST)
		return pw_fail(
			error, ENOTSUP,
			"%s: this source is too slow to be searched for roots in the 0x%llx "
			"bytes that its CPUs map; give --format and --root, or use qemu:SOCKET",
			memory->title, (unsigned long long)*bytes_ret);
	return 0;
}

int pw_roots_copy(const struct pw_memory *memory, const struct pw_roots_options *options,
		  struct pw_memory **copy_ret, struct pw_error *error)
{
	struct pw_memory *copy = pw_memory_new(error);
	struct runs runs = { .count = 0 };
	uint64_t bytes = 0;
	int status;

	if (!copy)
		return -ENOMEM;
	status = find_runs(memory, options, &runs, &bytes, error);
	if (status == 0)
		status = copy_runs(memory, copy, &runs, bytes, options, error);
	free(runs.run);
	if (status)
		pw_memory_close(copy);
	else
		*copy_ret = copy;
	return status;
}
