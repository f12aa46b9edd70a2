/* SPDX-License-Identifier: MIT */
/*
 * Runs that are reported in pieces: an s390x CPU's prefix moves a part of them, or entries of a group
 * disagree. Every page of a scan must be the page that a translation of its address gives.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <endian.h>

#include <pagewalk/pagewalk.h>

#include "mutants/choose.h"
#include "random.h"

enum { WORDS = 8 * 512 };
static uint64_t words[WORDS] __attribute__((aligned(4096)));
static const pw_pa PREFIX = 0x40000;

static struct pw_memory *wrap(void)
{
	const struct pw_segment segment = { 0, sizeof(words) - 1, words };
	struct pw_memory *memory;

	assert_int_equal(pw_memory_wrap(&segment, 1, &memory, NULL), 0);
	return memory;
}

static struct pw_regime regime(const char *format, uint64_t root, pw_pa prefix)
{
	const struct pw_regime_options options = {
		.registers = { .known = PW_REGISTER_PREFIX, .prefix = prefix },
	};
	struct pw_regime r;

	assert_int_equal(pw_regime_init(&r, pw_format_find(format), &root, 1, &options, NULL), 0);
	return r;
}

/* s390x: a segment table at 0x4000, a page table of 256 pages at 0x1000, a page of 1 MiB at @large. */
static void build_s390(const uint8_t *frame, pw_pa large)
{
	memset(words, 0, sizeof(words));
	for (unsigned i = 0; i < 2048; i++)
		words[2048 + i] = htobe64(0x20);
	words[2048] = htobe64(0x1000);
	words[2049] = htobe64(large | 0x400);
	for (unsigned i = 0; i < 256; i++)
		words[512 + i] = htobe64(frame[i] == 0xff ? 0x400 : (uint64_t)frame[i] << 12);
}

/* Compares a scan of first..last, with @room ranges at a time, with translations of each address. */
static size_t compare(const struct pw_memory *memory, const struct pw_regime *r, pw_va last,
		      size_t room)
{
	struct pw_range range[16];
	struct pw_scan *scan;
	size_t count = 0;
	pw_va next = 0;

	assert_int_equal(pw_scan_create(memory, r, 0, last, NULL, &scan, NULL), 0);
	pw_scan_holes(scan, true);
	for (size_t n; (n = pw_scan_next(scan, range, room)) > 0; count += n)
		for (size_t i = 0; i < n; i++) {
			assert_int_equal(range[i].first, next);
			for (pw_va va = range[i].first; va < range[i].last; va += 4096) {
				struct pw_result one;

				pw_translate(memory, r, va, &one);
				assert_int_equal(one.status, range[i].status);
				if (one.status == PW_OK)
					assert_int_equal(one.pa,
							 range[i].pa + (va - range[i].first));
			}
			next = range[i].last + 1;
		}
	assert_int_equal(next, last + 1);
	pw_scan_destroy(scan);
	return count;
}

static void test_prefix(void **state)
{
	const struct pw_regime r = regime("s390x", 0x4000, PREFIX);
	struct pw_memory *memory = wrap();
	uint8_t frame[256];
	uint64_t seed = 1;
	struct pw_result one;

	(void)state;
	for (unsigned i = 0; i < 256; i++)
		frame[i] = (uint8_t)(i == 255 ? 0xfe : i);
	build_s390(frame, 0);
	assert_int_equal(pw_translate(memory, &r, 0x1234, &one), PW_OK);
	assert_int_equal(one.pa, PREFIX + 0x1234);
	assert_int_equal(pw_translate(memory, &r, PREFIX + 8, &one), PW_OK);
	assert_int_equal(one.pa, 8);
	for (unsigned round = 0; round < 200; round++) {
		const pw_pa large = random_one_in(&seed, 2) ? 0 : 0x100000;

		/* Makes runs of frames, mostly around both areas, and some holes. */
		for (unsigned i = 0; i < 256; i++) {
			frame[i] = (uint8_t)random_below(&seed, 80);
			if (i && !random_one_in(&seed, 4))
				frame[i] = (uint8_t)(frame[i - 1] + 1);
			if (random_one_in(&seed, 20))
				frame[i] = 0xff;
		}
		build_s390(frame, large);
		assert_int_equal(compare(memory, &r, 0x1fffff, 1),
				 compare(memory, &r, 0x1fffff, 16));
		compare(memory, &r, 0x1fffff, 3);
	}
	pw_memory_close(memory);
}

struct walked {
	const struct pw_memory *memory;
	const struct pw_regime *regime;
	unsigned leaves;
};

static int see_leaf(struct pw_walk *walk, const struct pw_entry *entry)
{
	struct walked *walked = walk->private_data;
	struct pw_result one;

	pw_translate(walked->memory, walked->regime, entry->first, &one);
	assert_int_equal(entry->pa, one.pa);
	walked->leaves++;
	return 0;
}

/* Callbacks, and translations of many addresses at once, give the same. */
static void test_everywhere(void **state)
{
	static const struct pw_walk_ops ops = { .leaf = see_leaf };
	const struct pw_regime r = regime("s390x", 0x4000, PREFIX);
	struct pw_memory *memory = wrap();
	struct walked walked = { .memory = memory, .regime = &r };
	struct pw_result many[256];
	uint8_t frame[256];
	pw_va va[256];

	(void)state;
	for (unsigned i = 0; i < 256; i++) {
		frame[i] = (uint8_t)(i < 0xff ? i : 0);
		va[i] = (pw_va)i << 12 | 8;
	}
	build_s390(frame, 0);
	assert_int_equal(pw_walk_range(memory, &r, 0, 0x1fffff, &ops, &walked), 0);
	assert_int_equal(walked.leaves, 257);
	assert_int_equal(pw_translate_many(memory, &r, va, 256, many), 256);
	assert_int_equal(many[1].pa, PREFIX + 0x1008);
	assert_int_equal(many[0x41].pa, 0x1008);
	assert_int_equal(many[2].pa, 0x2008);
	pw_memory_close(memory);
}

/* Pieces of two runs that touch are one range. */
static void test_joined(void **state)
{
	const struct pw_regime r = regime("s390x", 0x4000, PREFIX);
	struct pw_memory *memory = wrap();
	struct pw_range range[4];
	struct pw_scan *scan;
	uint8_t frame[256];

	(void)state;
	memset(frame, 0xff, sizeof(frame));
	/* Real 0x3f000, 0 and 0x1000: absolute 0x3f000, 0x40000 and 0x41000. */
	frame[4] = 0x3f;
	frame[5] = 0;
	frame[6] = 1;
	build_s390(frame, 0x100000);
	assert_int_equal(pw_scan_create(memory, &r, 0, 0xfffff, NULL, &scan, NULL), 0);
	assert_int_equal(pw_scan_next(scan, range, 4), 1);
	assert_int_equal(range[0].first, 0x4000);
	assert_int_equal(range[0].last, 0x6fff);
	assert_int_equal(range[0].pa, 0x3f000);
	pw_scan_destroy(scan);
	pw_memory_close(memory);
}

/* arm64: two groups of sixteen entries; @mask says which entries are there. */
static size_t scan_group(uint32_t mask, pw_va first, pw_va last, struct pw_range *range,
			 size_t room)
{
	const struct pw_regime r = regime("arm64", 0x1000, 0);
	struct pw_memory *memory;
	struct pw_scan *scan;
	size_t count;

	memset(words, 0, sizeof(words));
	words[512] = htole64(0x2003);
	words[1024] = htole64(0x3003);
	words[1536] = htole64(0x4003);
	for (unsigned i = 0; i < 32; i++)
		if (mask >> i & 1)
			words[2048 + i] = htole64(UINT64_C(0x0070000000040703) | i << 12);
	memory = wrap();
	assert_int_equal(pw_scan_create(memory, &r, first, last, NULL, &scan, NULL), 0);
	count = pw_scan_next(scan, range, room);
	pw_scan_destroy(scan);
	pw_memory_close(memory);
	return count;
}

static void test_groups(void **state)
{
	struct pw_range range[4];

	(void)state;
	/* Two complete groups are one run. */
	assert_int_equal(scan_group(0xffffffff, 0, 0xfffff, range, 4), 1);
	assert_int_equal(range[0].size_lg2, 16);
	/* A complete group, and a part of one. */
	assert_int_equal(scan_group(0x1fffff, 0, 0xfffff, range, 4), 2);
	assert_int_equal(range[0].size_lg2, 16);
	assert_int_equal(range[0].last, 0xffff);
	assert_int_equal(range[1].size_lg2, 12);
	assert_int_equal(range[1].last, 0x14fff);
	assert_true(range[1].attr & PW_CONTIGUOUS);
	/* A part of a group, and a complete one; also in a buffer of one range. */
	assert_int_equal(scan_group(0xffff8000, 0, 0xfffff, range, 4), 2);
	assert_int_equal(range[0].size_lg2, 12);
	assert_int_equal(range[1].size_lg2, 16);
	assert_int_equal(scan_group(0xffff8000, 0, 0xfffff, range, 1), 1);
	assert_int_equal(range[0].last, 0xffff);
	/* A group counts as complete even if only a part of it is requested. */
	assert_int_equal(scan_group(0xffffffff, 0x3000, 0x4fff, range, 4), 1);
	assert_int_equal(range[0].size_lg2, 16);
	assert_int_equal(scan_group(0xfffffff7, 0x4000, 0xfffff, range, 4), 1);
	assert_int_equal(scan_group(0xffffffef, 0x3000, 0xfffff, range, 4), 3);
	assert_int_equal(range[0].size_lg2, 12);
	assert_int_equal(range[1].size_lg2, 12);
	assert_int_equal(range[2].size_lg2, 16);
}

/* arm64 with 48-bit physical addresses: an entry with more bits is malformed; the bits are not dropped. */
static void test_high_bits(void **state)
{
	const struct pw_regime r = regime("arm64", 0x1000, 0);
	struct pw_memory *memory;
	struct pw_result one;

	(void)state;
	memset(words, 0, sizeof(words));
	words[512] = htole64(0x2003);
	words[1024] = htole64(0x3003);
	words[1536] = htole64(0x4003);
	words[2048] = htole64(UINT64_C(0x0061000000040703));
	memory = wrap();
	assert_int_equal(pw_translate(memory, &r, 0, &one), PW_MALFORMED);
	pw_memory_close(memory);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_prefix),    cmocka_unit_test(test_everywhere),
		cmocka_unit_test(test_joined),    cmocka_unit_test(test_groups),
		cmocka_unit_test(test_high_bits),
	};

	mutant_choose(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
