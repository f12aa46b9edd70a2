/* SPDX-License-Identifier: MIT */
/*
 * The reader of format descriptions. Every format has a description, every mistake is reported with its line,
 * and no text crashes the reader.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "described/described.h"
#include "random.h"

static const char *directory;

/* Loads @text as a file; returns the result of pw_format_load. */
static int load(const char *text, size_t bytes, const struct pw_format **format,
		struct pw_error *error)
{
	char path[] = "/tmp/pagewalk-describe-XXXXXX";
	int descriptor = mkstemp(path), status;

	assert_true(descriptor >= 0);
	assert_int_equal(write(descriptor, text, bytes), (ssize_t)bytes);
	close(descriptor);
	status = pw_format_load(path, format, error);
	unlink(path);
	return status;
}

static void test_all_described(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; pw_format_at(i); i++) {
		const struct pw_format *format;
		struct pw_error error;
		char path[512];

		snprintf(path, sizeof(path), "%s/%s.pwf", directory, pw_format_at(i)->name);
		if (pw_format_load(path, &format, &error))
			fail_msg("%s has no description: %s", pw_format_at(i)->name, error.text);
		assert_string_equal(format->name, pw_format_at(i)->name);
		pw_format_unload(format);
	}
	assert_true(i >= 30);
	/* Constants are not freed. */
	pw_format_unload(pw_format_at(0));
	pw_format_unload(NULL);
}

static const char small[] = "format tiny\n" /* 1 */
			    "entry 8 little\n" /* 2 */
			    "level dir 21 9\n" /* 3 */
			    "level page 12 9\n" /* 4 */
			    "span 0 0x3fffffff at 51:12\n" /* 5 */
			    "refuse if 63 because it is negative\n" /* 6 */
			    "entries dir\n" /* 7 */
			    "table at 51:12 if 0\n" /* 8 */
			    "none\n" /* 9 */
			    "entries page\n" /* 10 */
			    "leaf at 51:12 if 0\n" /* 11 */
			    "none\n" /* 12 */
			    "entries all\n" /* 13 */
			    "read\n" /* 14 */
			    "deny write if !1\n"; /* 15 */

static void test_small(void **state)
{
	static uint64_t memory[2 * 512] __attribute__((aligned(4096)));
	const struct pw_segment segment = { 0x1000, 0x2fff, memory };
	const struct pw_format *format;
	struct pw_geometry geometry;
	struct pw_memory *source;
	struct pw_regime regime;
	struct pw_result result;
	struct pw_error error;
	uint64_t root = 0x1000;

	(void)state;
	assert_int_equal(load(small, sizeof(small) - 1, &format, &error), 0);
	pw_format_geometry(format, &geometry);
	assert_string_equal(geometry.title, "tiny");
	assert_int_equal(geometry.levels, 2);
	assert_int_equal(geometry.leaf_levels, 1);
	assert_string_equal(pw_level_name(format, 1), "dir");
	memory[1] = htole64(0x2003);
	memory[512 + 2] = htole64(0x456001);
	assert_int_equal(pw_memory_wrap(&segment, 1, &source, NULL), 0);
	assert_int_equal(pw_regime_init(&regime, format, &root, 1, NULL, NULL), 0);
	assert_int_equal(pw_translate(source, &regime, 0x202345, &result), PW_OK);
	assert_true(result.pa == 0x456345);
	assert_int_equal(result.attr, PW_READ);
	assert_int_equal(pw_translate(source, &regime, 0x40000000, &result), PW_NOT_CANONICAL);
	root = UINT64_C(1) << 63;
	assert_int_equal(pw_regime_init(&regime, format, &root, 1, NULL, &error), -EINVAL);
	assert_non_null(strstr(error.text, "it is negative"));
	pw_memory_close(source);
	pw_format_unload(format);
}

/* An alias without another span: scans list what it maps. */
static void test_first_alias(void **state)
{
	static const char text[] = "format tiny\nentry 8 little\nlevel page 12 9\n"
				   "span 0 0x1fffff alias at 51:12\n"
				   "entries page\nleaf at 51:12 if 0\nnone\n";
	static uint64_t memory[512] __attribute__((aligned(4096)));
	const struct pw_segment segment = { 0x1000, 0x1fff, memory };
	const struct pw_format *format;
	struct pw_memory *source;
	struct pw_regime regime;
	struct pw_range range;
	struct pw_scan *scan;
	const uint64_t root = 0x1000;

	(void)state;
	memory[3] = htole64(0x456001);
	assert_int_equal(load(text, sizeof(text) - 1, &format, NULL), 0);
	assert_int_equal(pw_memory_wrap(&segment, 1, &source, NULL), 0);
	assert_int_equal(pw_regime_init(&regime, format, &root, 1, NULL, NULL), 0);
	assert_int_equal(pw_scan_create(source, &regime, 0, UINT64_MAX, NULL, &scan, NULL), 0);
	assert_int_equal(pw_scan_next(scan, &range, 1), 1);
	assert_int_equal(range.first, 0x3000);
	assert_int_equal(range.pa, 0x456000);
	pw_scan_destroy(scan);
	pw_memory_close(source);
	pw_format_unload(format);
}

/* @text in the place of line @line of the small description is wrong; the message has @says. */
static void assert_wrong(unsigned line, const char *text, unsigned blamed, const char *says)
{
	const struct pw_format *format;
	struct pw_error error;
	char changed[2048] = "", number[16];
	const char *from = small;

	for (unsigned i = 1; *from; i++) {
		size_t length = strcspn(from, "\n") + 1;

		if (i == line)
			strcat(strcat(changed, text), "\n");
		else
			strncat(changed, from, length);
		from += length;
	}
	snprintf(number, sizeof(number), ":%u: ", blamed);
	if (!load(changed, strlen(changed), &format, &error))
		fail_msg("'%s' is accepted", text);
	if (!strstr(error.text, number) || !strstr(error.text, says))
		fail_msg("'%s' is answered with: %s", text, error.text);
}

static void test_mistakes(void **state)
{
	static const struct {
		unsigned line;
		const char *text;
		unsigned blamed;
		const char *says;
	} mistakes[] = {
		{ 1, "", 15, "format NAME" },
		{ 1, "format", 1, "missing" },
		{ 1, "form tiny", 1, "'form' is not expected" },
		{ 2, "entry 16 little", 2, "0x10 is too large" },
		{ 2, "entry 010 little", 2, "0xa is too large" },
		{ 2, "entry 6 little", 2, "4 or 8 bytes" },
		{ 2, "entry 8 middle", 2, "byte order" },
		{ 2, "", 15, "entry BYTES" },
		{ 3, "level dir 22 9", 4, "begins at 22" },
		{ 3, "level dir 21", 3, "index bits" },
		{ 3, "level dir 60 9", 3, "at most 64" },
		{ 4, "level page 12 9 extra", 4, "'extra'" },
		{ 5, "span 5 4 at 51:12", 5, "ends before" },
		{ 5, "span 0 0x3fffffff", 5, "does not say where the top table is" },
		{ 5, "span 0 0x3fffffff top root at 51:12", 5, "no level 'root'" },
		{ 5, "span 0 0x3fffffff bits 10 at 51:12", 5, "too large" },
		{ 5, "span 0 0x3fffffff at 12:51", 5, "not a field" },
		{ 5, "span 0 0x3fffffff word 2 at 51:12", 5, "too large" },
		{ 5, "", 15, "span FIRST LAST" },
		{ 6, "refuse because I say so", 6, "because" },
		{ 6, "refuse if 63", 6, "reason" },
		{ 7, "entries directory", 7, "no level 'directory'" },
		{ 7, "", 8, "an entries line must come first" },
		{ 8, "table at 51:12 to page if 64", 8, "'64' is not a condition" },
		{ 8, "table at 51:12 to dir if 0", 8, "cannot lead" },
		{ 8, "table if 0", 8, "needs 'at'" },
		{ 8, "table at 51:12 if", 8, "has no condition" },
		{ 8, "table at 51:12 when 0", 8, "'when' is not expected" },
		{ 8, "table at 51:12@60 if 0", 8, "not a field" },
		{ 8, "table at 53:52@0xffffffffffffffff if 0", 8, "not a field" },
		{ 8, "table at 51:12 if 3:0=16", 8, "not a condition" },
		{ 8, "table at 51:12 if 3:0=5..4", 8, "not a condition" },
		{ 8, "table at 51:12 if 3:0", 8, "not a condition" },
		{ 8, "table at 51:12 if kernel>6", 8, "not a condition" },
		{ 8, "table length 7:6 1 at 51:12 if 0", 8, "same number of bits" },
		{ 9, "none at 51:12", 9, "no 'at'" },
		{ 9, "none if 1", 9, "must have no condition" },
		{ 11, "table at 51:12 if 0", 11, "lowest" },
		{ 11, "leaf at 51:12 47:46 45:44 43:42 41:40 if 0", 11, "more than 4 fields" },
		{ 4, "config cma", 4, "not 'cma'" },
		{ 11, "leaf at 51:12 if 0 1 2 3 4 5 6 7 8 9 10", 11, "more than 10 conditions" },
		{ 14, "memory warm", 14, "'memory' needs" },
		{ 14, "size ones x", 14, "needs bits" },
		{ 14, "size 64", 14, "too large" },
		{ 15, "deny dirty if 1", 15, "'deny' needs" },
		{ 15, "forbid write", 15, "not a word of the grammar" },
		{ 15, "level more 3 9", 15, "before the first" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++)
		assert_wrong(mistakes[i].line, mistakes[i].text, mistakes[i].blamed,
			     mistakes[i].says);
}

static void test_files(void **state)
{
	const struct pw_format *format;
	struct pw_error error;

	(void)state;
	assert_int_equal(pw_format_load("/nonexistent/x.pwf", &format, &error), -ENOENT);
	assert_non_null(strstr(error.text, "/nonexistent/x.pwf"));
	assert_int_equal(pw_format_load("/tmp", &format, &error), -EISDIR);
	assert_int_equal(load("", 0, &format, &error), -EINVAL);
	assert_int_equal(load("format a\0b\n", 11, &format, &error), -EINVAL);
	assert_non_null(strstr(error.text, "NUL"));
}

/* Random damage to the real descriptions: the result is refused or usable. */
static void test_damage(void **state)
{
	static char text[16384], damaged[16384];
	static uint64_t words[1024] __attribute__((aligned(4096)));
	const struct pw_segment segment = { 0, sizeof(words) - 1, words };
	const unsigned rounds = test_amount(200, 20);
	struct pw_memory *memory;
	uint64_t seed = 7;
	unsigned usable = 0;

	(void)state;
	for (size_t i = 0; i < 1024; i++)
		words[i] = random_next(&seed);
	assert_int_equal(pw_memory_wrap(&segment, 1, &memory, NULL), 0);
	for (size_t i = 0; pw_format_at(i); i++) {
		char path[512];
		FILE *file;
		size_t bytes;

		seed = random_seed(pw_format_at(i)->name, 0);
		snprintf(path, sizeof(path), "%s/%s.pwf", directory, pw_format_at(i)->name);
		file = fopen(path, "r");
		assert_non_null(file);
		bytes = fread(text, 1, sizeof(text), file);
		assert_true(bytes < sizeof(text));
		fclose(file);
		for (unsigned n = 0; n < rounds; n++) {
			const struct pw_format *format;
			struct pw_error error;
			uint64_t root[2] = { random_next(&seed), random_next(&seed) };
			struct pw_regime regime;

			memcpy(damaged, text, bytes);
			for (uint64_t hits = 1 + random_below(&seed, 4); hits > 0; hits--)
				damaged[random_below(&seed, bytes)] =
					"0123456789:=!@~.\n #abcx"[random_below(&seed, 23)];
			if (load(damaged, bytes, &format, &error)) {
				assert_true(strlen(error.text) > 10);
				continue;
			}
			usable++;
			for (unsigned r = 0; r < 20; r++) {
				struct pw_result result;

				root[0] = random_next(&seed) >> random_below(&seed, 64);
				if (pw_regime_init(&regime, format, root, 1, NULL, NULL))
					continue;
				pw_translate(memory, &regime,
					     random_next(&seed) >> random_below(&seed, 64),
					     &result);
				assert_true(result.status < PW_SHARED);
			}
			pw_format_unload(format);
		}
	}
	assert_true(usable > rounds);
	pw_memory_close(memory);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_described), cmocka_unit_test(test_small),
		cmocka_unit_test(test_mistakes),      cmocka_unit_test(test_files),
		cmocka_unit_test(test_damage),        cmocka_unit_test(test_first_alias),
	};

	if (argc != 2) {
		fprintf(stderr, "usage: describe DESCRIPTIONS\n");
		return 2;
	}
	directory = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
