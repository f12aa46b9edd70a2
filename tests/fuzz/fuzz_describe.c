/* SPDX-License-Identifier: MIT */
/*
 * Descriptions of a format. The input is the text of the file. A text is refused with a sentence that names
 * the file, or accepted as a format that can be walked: its geometry is within bounds, and every kind of walk
 * gives the same answers on random memory.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <pagewalk/pagewalk.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MEMORY = 1 << 14 };

static void require(bool right)
{
	if (!right)
		abort();
}

static void check_geometry(const struct pw_geometry *geometry)
{
	unsigned end = geometry->shift[0];

	require(geometry->levels >= 1 && geometry->levels <= PW_MAX_LEVELS);
	require(geometry->name[0] && geometry->max_roots >= 1 &&
		geometry->max_roots <= PW_MAX_ROOTS);
	require(geometry->entry_bytes == 4 || geometry->entry_bytes == 8);
	for (unsigned level = 0; level < geometry->levels; level++) {
		require(geometry->shift[level] == end && geometry->level_name[level][0]);
		end += geometry->bits[level];
	}
	require(end <= 64 && geometry->leaf_levels >> geometry->levels == 0);
}

static void check_walk(const struct pw_memory *memory, const struct pw_regime *regime, pw_va va)
{
	struct pw_result one, traced, many;
	struct pw_trace trace;
	const struct pw_scan_limits limits = { .entries = 1 << 12, .repeats = 1 << 8 };
	struct pw_scan *scan;
	struct pw_range range;

	pw_translate(memory, regime, va, &one);
	pw_translate_trace(memory, regime, va, &traced, &trace);
	pw_translate_many(memory, regime, &va, 1, &many);
	require(memcmp(&one, &traced, sizeof(one)) == 0 && memcmp(&one, &many, sizeof(one)) == 0);
	require(trace.steps <= PW_MAX_LEVELS && one.status < PW_SHARED);
	require(one.status == PW_NOT_CANONICAL || trace.steps > 0 || one.status == PW_LENGTH);
	require(pw_scan_create(memory, regime, va, va, &limits, &scan, NULL) == 0);
	pw_scan_holes(scan, true);
	if (pw_scan_next(scan, &range, 1) == 1 && range.status != PW_SHARED)
		require(range.first == va && range.status == one.status &&
			(one.status != PW_OK || range.pa == one.pa));
	pw_scan_destroy(scan);
}

static void use(const struct pw_format *format)
{
	static unsigned char bytes[MEMORY] __attribute__((aligned(4096)));
	const struct pw_segment segment = { 0, MEMORY - 1, bytes };
	struct pw_geometry geometry;
	struct pw_regime regime;
	struct pw_memory *memory;
	uint64_t root[PW_MAX_ROOTS] = { 0x1000, 0x2000 }, random = 1;

	pw_format_geometry(format, &geometry);
	check_geometry(&geometry);
	for (size_t i = 0; i < MEMORY; i++) {
		random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
		bytes[i] = (unsigned char)(random >> 60 ? random >> 56 : 0);
	}
	require(pw_memory_wrap(&segment, 1, &memory, NULL) == 0);
	for (unsigned i = 0; i < 16; i++) {
		const struct pw_regime_options options = {
			.view = i & 1 ? PW_VIEW_LINUX : PW_VIEW_HARDWARE,
			.kernel = i & 2 ? 0x0700 : 0,
		};

		if (pw_regime_init(&regime, format, root, i & 4 ? geometry.max_roots : 1, &options,
				   NULL) == 0) {
			for (unsigned n = 0; n < regime.spans; n++) {
				check_walk(memory, &regime, regime.span[n].first);
				check_walk(memory, &regime, regime.span[n].last);
			}
			check_walk(memory, &regime, random);
		}
		root[0] = random = random * UINT64_C(6364136223846793005) + 1;
	}
	pw_memory_close(memory);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int file = -1;
	static char path[64];
	struct pw_error error = { .text = "" };
	const struct pw_format *format = NULL;
	int status;

	if (file < 0) {
		file = memfd_create("format", 0);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
		require(file >= 0);
	}
	require(ftruncate(file, 0) == 0 && pwrite(file, data, size, 0) == (ssize_t)size);
	status = pw_format_load(path, &format, &error);
	require((status != 0) == (error.text[0] != '\0') && (status == 0) == (format != NULL));
	if (status)
		require(strncmp(error.text, path, strlen(path)) == 0);
	else
		use(format);
	pw_format_unload(format);
	return 0;
}
