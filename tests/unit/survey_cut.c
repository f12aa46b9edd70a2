/* SPDX-License-Identifier: MIT */
/* Images of tables alone: every walk ends as on the original memory, and the image holds nothing else. */
#include <unistd.h>

#include "survey_build.h"

#include "mutants/choose.h"

struct image {
	char path[64];
	struct pw_memory *memory;
};

static void image_name(struct image *image)
{
	const char *folder = getenv("TMPDIR");

	snprintf(image->path, sizeof(image->path), "%.40s/pw-cut-%ld", folder ? folder : "/tmp",
		 (long)getpid());
	unlink(image->path);
}

static void image_open(struct image *image)
{
	struct pw_error error;

	if (pw_memory_open(image->path, &image->memory, &error))
		fail_msg("%s", error.text);
}

static void image_close(struct image *image)
{
	pw_memory_close(image->memory);
	unlink(image->path);
}

static void cut(const struct space *space, const pw_va (*ranges)[2], size_t range_count,
		struct image *image)
{
	static const char *const labels[] = { "as the test says" };
	struct pw_cut what = {
		.memory = space->memory,
		.regimes = &space->regime,
		.regime_count = 1,
		.ranges = ranges,
		.range_count = range_count,
		.labels = labels,
	};
	struct pw_error error;

	image_name(image);
	if (pw_cut_write(&what, image->path, NULL, &error))
		fail_msg("%s: %s", space->format->name, error.text);
	image_open(image);
}

static void compare(const struct space *space, const struct image *image, pw_va va)
{
	struct pw_regime regime = space->regime;

	for (int view = PW_VIEW_HARDWARE; view <= PW_VIEW_LINUX; view++) {
		struct pw_result expected, result;

		regime.view = (enum pw_view)view;
		pw_translate(space->memory, &regime, va, &expected);
		pw_translate(image->memory, &regime, va, &result);
		assert_memory_equal(&result, &expected, sizeof(result));
	}
}

/* All bytes of the image belong to built tables. Only without garbage, which leads anywhere. */
static void check_bytes(const struct space *space, const struct image *image)
{
	const struct pw_segment *segments;
	size_t count = pw_memory_segments(image->memory, &segments);

	for (size_t i = 0; i < count; i++)
		for (pw_pa pa = segments[i].first; pa <= segments[i].last; pa += 4) {
			/* In the Linux view, arm's tables are in the other half of the page. */
			pw_pa other = strcmp(space->format->name, "arm") == 0 ? pa + 2048 : pa;
			bool known = false;

			for (unsigned n = 0; n < space->tables && !known; n++)
				known = (pa >= space->table[n].first &&
					 pa <= space->table[n].last) ||
					(other >= space->table[n].first &&
					 other <= space->table[n].last);
			assert_true(known);
		}
}

static void check_roots(const struct space *space, const struct image *image)
{
	const struct pw_cpu *cpus;

	assert_int_equal(pw_memory_cpus(image->memory, &cpus), 1);
	assert_string_equal(cpus[0].format, space->format->name);
	assert_int_equal(cpus[0].roots, 1);
	assert_int_equal(cpus[0].root[0], space->regime.root[0]);
	assert_string_equal(cpus[0].origin, "as the test says");
}

/* Addresses at and beside all ranges, including holes, and random addresses. */
static unsigned compare_all(struct space *space, const struct image *image, pw_va first, pw_va last)
{
	static struct pw_range range[1 << 14];
	struct pw_scan *scan;
	size_t count;
	unsigned compared = 0;

	assert_int_equal(
		pw_scan_create(space->memory, &space->regime, first, last, NULL, &scan, NULL), 0);
	pw_scan_holes(scan, true);
	count = pw_scan_next(scan, range, sizeof(range) / sizeof(range[0]));
	pw_scan_destroy(scan);
	for (size_t i = 0; i < count; i++) {
		compare(space, image, range[i].first);
		compare(space, image, range[i].last);
		compared += 2;
	}
	for (unsigned i = 0; i < test_amount(2000, 100); i++) {
		pw_va va = random_next(&space->random) >> random_below(&space->random, 40);

		va = first + (last - first == UINT64_MAX ? va : va % (last - first + 1));
		compare(space, image, va);
		compared++;
	}
	return compared;
}

static void test_everywhere(void **state)
{
	(void)state;
	for (unsigned turn = 0; pw_format_at(turn / 2); turn++) {
		const struct pw_format *format = pw_format_at(turn / 2);
		struct space space;
		struct image image;

		space_init(&space, format, random_seed(format->name, turn & 1), turn & 1);
		cut(&space, NULL, 0, &image);
		check_roots(&space, &image);
		if (!(turn & 1))
			check_bytes(&space, &image);
		compare_all(&space, &image, 0, UINT64_MAX);
		image_close(&image);
		space_deinit(&space);
	}
}

static void test_ranges(void **state)
{
	unsigned smaller = 0;

	(void)state;
	for (unsigned turn = 0; pw_format_at(turn); turn++) {
		struct space space;
		struct image image;
		pw_va ranges[2][2];
		struct pw_cut_result all, part;
		struct pw_cut what = { .ranges = NULL };
		const struct pw_span *span;

		space_init(&space, pw_format_at(turn), random_seed(pw_format_at(turn)->name, 2),
			   true);
		span = &space.regime.span[0];
		for (unsigned i = 0; i < 2; i++) {
			pw_va va = span->first +
				   random_next(&space.random) % (span->last - span->first);

			ranges[i][0] = va;
			ranges[i][1] = va + random_below(&space.random, span->last - va + 1);
		}
		cut(&space, (const pw_va(*)[2])ranges, 2, &image);
		compare_all(&space, &image, ranges[0][0], ranges[0][1]);
		compare_all(&space, &image, ranges[1][0], ranges[1][1]);
		image_close(&image);
		/* One address needs at most one table of each level. */
		what.memory = space.memory;
		what.regimes = &space.regime;
		what.regime_count = 1;
		assert_int_equal(pw_cut_write(&what, image.path, &all, NULL), 0);
		ranges[0][1] = ranges[0][0];
		what.ranges = (const pw_va(*)[2])ranges;
		what.range_count = 1;
		/* This replaces the file from before. */
		assert_int_equal(pw_cut_write(&what, image.path, &part, NULL), 0);
		assert_true(part.bytes <= all.bytes);
		smaller += part.bytes < all.bytes;
		unlink(image.path);
		space_deinit(&space);
	}
	assert_true(smaller > 10);
}

/*
 * The number of segments of so many address spaces does not fit into the ELF header. PAE's top tables have
 * 32 bytes.
 */
static void test_many(void **state)
{
	enum { SPACES = 70000, STRIDE = 64 };
	size_t bytes = (size_t)SPACES * STRIDE;
	unsigned char *tables = calloc(1, bytes);
	struct pw_segment segment = { .first = 0, .last = bytes - 1, .host = tables };
	struct pw_regime *regimes = calloc(SPACES, sizeof(*regimes));
	struct pw_cut what = { .regimes = regimes, .regime_count = SPACES };
	struct pw_cut_result result;
	struct pw_memory *memory;
	const struct pw_cpu *cpus;
	struct image image;

	(void)state;
	assert_non_null(tables);
	assert_non_null(regimes);
	assert_int_equal(pw_memory_wrap(&segment, 1, &memory, NULL), 0);
	for (uint64_t i = 0; i < SPACES; i++) {
		uint64_t root = i * STRIDE, entry = htole64((i << 12 | 1) + (UINT64_C(1) << 32));

		memcpy(tables + root + 8, &entry, sizeof(entry));
		assert_int_equal(pw_regime_init(&regimes[i], pw_format_find("i386_pae"), &root, 1,
						NULL, NULL),
				 0);
	}
	what.memory = memory;
	image_name(&image);
	assert_int_equal(pw_cut_write(&what, image.path, &result, NULL), 0);
	assert_int_equal(result.segments, SPACES);
	assert_int_equal(result.bytes, SPACES * 32);
	image_open(&image);
	assert_int_equal(pw_memory_cpus(image.memory, &cpus), SPACES);
	for (unsigned i = 0; i < SPACES; i += 999)
		for (pw_va va = 0; va < UINT64_C(1) << 32; va += 1 << 29) {
			struct pw_result expected, found;

			assert_int_equal(cpus[i].root[0], regimes[i].root[0]);
			pw_translate(memory, &regimes[i], va, &expected);
			pw_translate(image.memory, &regimes[i], va, &found);
			assert_memory_equal(&found, &expected, sizeof(found));
		}
	image_close(&image);
	pw_memory_close(memory);
	free(regimes);
	free(tables);
}

/* The kernel's version decides what software bits mean, so an image keeps it. */
static void test_kernel(void **state)
{
	static const struct pw_kernel told = { .release = "7.2.13+deb14-arm64", .version = 0x0702 };
	struct pw_kernel kernel;
	struct space space;
	struct image image;
	struct pw_error error;
	struct pw_cut what = { .regime_count = 1 };

	(void)state;
	space_init(&space, pw_format_find("arm64_4k_48"), 1, false);
	cut(&space, NULL, 0, &image);
	assert_int_equal(pw_memory_kernel(image.memory, UINT64_MAX, &kernel), -ENODATA);
	image_close(&image);
	what.memory = space.memory;
	what.regimes = &space.regime;
	what.kernel = &told;
	image_name(&image);
	if (pw_cut_write(&what, image.path, NULL, &error))
		fail_msg("%s", error.text);
	image_open(&image);
	assert_int_equal(pw_memory_kernel(image.memory, 0, &kernel), 0);
	assert_string_equal(kernel.release, told.release);
	assert_int_equal(kernel.version, told.version);
	image_close(&image);
	space_deinit(&space);
}

static void test_refusals(void **state)
{
	static const pw_va backward[1][2] = { { 2, 1 } };
	static const bool stopped = true;
	struct pw_error error = { "" };
	struct pw_cut what = { .regime_count = 1 };
	struct pw_regime elsewhere;
	struct space space;
	struct image image;
	uint64_t root = 0x7000000;

	(void)state;
	space_init(&space, pw_format_find("x86_64"), 1, false);
	image_name(&image);
	what.memory = space.memory;
	what.regimes = &space.regime;
	what.ranges = backward;
	what.range_count = 1;
	assert_int_equal(pw_cut_write(&what, image.path, NULL, &error), -EINVAL);
	assert_non_null(strstr(error.text, "0x2-0x1"));
	what.range_count = 0;
	what.cancel = &stopped;
	assert_int_equal(pw_cut_write(&what, image.path, NULL, &error), -ECANCELED);
	what.cancel = NULL;
	assert_int_equal(pw_cut_write(&what, "/nowhere/at/all", NULL, &error), -ENOENT);
	assert_int_equal(pw_cut_write(&what, "/dev/null", NULL, &error), -EEXIST);
	what.regime_count = 0;
	assert_int_equal(pw_cut_write(&what, image.path, NULL, &error), -EINVAL);
	assert_int_equal(pw_regime_init(&elsewhere, space.format, &root, 1, NULL, NULL), 0);
	what.regimes = &elsewhere;
	what.regime_count = 1;
	assert_int_equal(pw_cut_write(&what, image.path, NULL, &error), -ENODATA);
	assert_non_null(strstr(error.text, "0x7000000"));
	/* None of these calls left a file. */
	assert_int_equal(access(image.path, F_OK), -1);
	space_deinit(&space);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_everywhere), cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_many),       cmocka_unit_test(test_kernel),
		cmocka_unit_test(test_refusals),
	};

	mutant_choose(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
