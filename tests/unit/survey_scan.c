/* SPDX-License-Identifier: MIT */
/* Scans of tables that are used more than once: some are read again, some are reported as shared. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <endian.h>

#include <pagewalk/pagewalk.h>

/*
 * x86-64, the table of page n at n * 4096:
 *
 *   pgd 0 --[0]--> pud 1 --[0..3]--> pmd 2 --[0..511]--> pte 4 --[0, 16]--> pages
 *                       '--[4..5]--> pmd 3 --[0..511]--> pte 4
 */
enum { TABLES = 5, TABLE = 0x67, RANGES = 64 };
static uint64_t words[TABLES * 512] __attribute__((aligned(4096)));
static const uint64_t MIB = UINT64_C(1) << 20, GIB = UINT64_C(1) << 30;

static void set(unsigned table, unsigned index, uint64_t entry)
{
	words[table * 512 + index] = htole64(entry);
}

static struct pw_memory *build(struct pw_regime *regime)
{
	const struct pw_segment segment = { 0, sizeof(words) - 1, words };
	const uint64_t root = 0;
	struct pw_memory *memory;

	memset(words, 0, sizeof(words));
	set(0, 0, 0x1000 | TABLE);
	for (unsigned i = 0; i < 6; i++)
		set(1, i, (i < 4 ? 0x2000 : 0x3000) | TABLE);
	for (unsigned i = 0; i < 512; i++) {
		set(2, i, 0x4000 | TABLE);
		set(3, i, 0x4000 | TABLE);
	}
	set(4, 0, 0x700000 | TABLE);
	set(4, 16, 0x700000 | TABLE);
	assert_int_equal(pw_memory_wrap(&segment, 1, &memory, NULL), 0);
	assert_int_equal(pw_regime_init(regime, pw_format_find("x86_64"), &root, 1, NULL, NULL), 0);
	return memory;
}

/* Returns all ranges, @batch at a time. */
static size_t scan_all(const struct pw_scan_limits *limits, size_t batch,
		       struct pw_range range[RANGES])
{
	struct pw_regime regime;
	struct pw_memory *memory = build(&regime);
	struct pw_scan_state state;
	struct pw_scan *scan;
	size_t count = 0, n;

	assert_int_equal(pw_scan_create(memory, &regime, 0, UINT64_MAX, limits, &scan, NULL), 0);
	do {
		n = pw_scan_next(scan, range + count,
				 batch < RANGES - count ? batch : RANGES - count);
		count += n;
	} while (n > 0);
	pw_scan_state(scan, &state);
	assert_int_equal(state.stopped, 0);
	pw_scan_destroy(scan);
	pw_memory_close(memory);
	return count;
}

static void assert_page(const struct pw_range *range, pw_va va)
{
	assert_int_equal(range->status, PW_OK);
	assert_int_equal(range->first, va);
	assert_int_equal(range->last, va + 4095);
}

static void assert_shared(const struct pw_range *range, pw_va first, pw_va last)
{
	assert_int_equal(range->status, PW_SHARED);
	assert_int_equal(range->first, first);
	assert_int_equal(range->last, last);
	assert_int_equal(range->twin, 0);
}

/* Every table is read as often as the limit says, wherever the scan had to pause. */
static void test_uses(void **state)
{
	struct pw_range range[RANGES];

	(void)state;
	/* With one use, pmd 3 is shared from its second use on, as below. */
	for (uint32_t uses = 2; uses < 5; uses++)
		for (size_t batch = 1; batch <= RANGES; batch = 2 * batch + 1) {
			const struct pw_scan_limits limits = { .uses = uses };

			assert_int_equal(scan_all(&limits, batch, range), 2 * uses + 1);
			for (uint32_t i = 0; i < 2 * uses; i++)
				assert_page(&range[i], i / 2 * 2 * MIB + i % 2 * 0x10000);
			assert_shared(&range[2 * uses], uses * 2 * MIB, 6 * GIB - 1);
		}
}

/*
 * When the budget for repeats is spent, pmd 3 holds only tables that are not read again. It is then
 * reported as shared at its second use, too, and not as empty.
 */
static void test_nothing_is_lost(void **state)
{
	const struct pw_scan_limits limits = { .repeats = 1 };
	struct pw_range range[RANGES];

	(void)state;
	assert_int_equal(scan_all(&limits, RANGES, range), 4);
	assert_page(&range[0], 0);
	assert_page(&range[1], 0x10000);
	assert_shared(&range[2], 2 * MIB, 5 * GIB - 1);
	assert_int_equal(range[3].status, PW_SHARED);
	assert_int_equal(range[3].first, 5 * GIB);
	assert_int_equal(range[3].last, 6 * GIB - 1);
	assert_int_equal(range[3].twin, 4 * GIB);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_uses),
		cmocka_unit_test(test_nothing_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
