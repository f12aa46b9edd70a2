/* SPDX-License-Identifier: MIT */
/*
 * Runs of entries compared several at a time: every way that this processor has gives what a loop over single entries
 * gives, and reads nothing behind the entries.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <endian.h>
#include <stdio.h>
#include <string.h>

#include "access/run.h"
#include "guarded.h"
#include "mutants/choose.h"
#include "random.h"

enum { ENTRIES = 600, TURNS = 4000 };

/* Entries that end where no memory is. */
struct entries {
	unsigned char *end;
	size_t count;
	unsigned entry_lg2;
	bool swapped;
	uint64_t first, stride;
	size_t alike; /* as many of them are the run */
};

static void put(const struct entries *entries, size_t number, uint64_t value)
{
	unsigned char *at = entries->end - ((entries->count - number) << entries->entry_lg2);
	uint32_t half = (uint32_t)value;

	if (entries->swapped) {
		value = __builtin_bswap64(value);
		half = __builtin_bswap32(half);
	}
	if (entries->entry_lg2 == 2)
		memcpy(at, &half, sizeof(half));
	else
		memcpy(at, &value, sizeof(value));
}

static void fill(struct entries *entries, uint64_t *random)
{
	entries->count = (size_t)random_below(random, ENTRIES);
	entries->entry_lg2 = random_below(random, 2) ? 2 : 3;
	entries->swapped = random_below(random, 2);
	entries->first = random_next(random);
	entries->stride = random_below(random, 4) ? UINT64_C(1) << random_below(random, 31) : 0;
	entries->alike = entries->count;
	if (random_below(random, 3))
		entries->alike = (size_t)random_below(random, entries->count + 1);
	for (size_t i = 0; i < entries->count; i++)
		put(entries, i, entries->first + i * entries->stride);
	/* One bit of one entry, and what is behind it may be of the run again. */
	if (entries->alike < entries->count)
		put(entries, entries->alike,
		    (entries->first + entries->alike * entries->stride) ^
			    UINT64_C(1) << random_below(random, entries->entry_lg2 == 2 ? 32 : 64));
}

static unsigned char *start_of(const struct entries *entries)
{
	return entries->end - (entries->count << entries->entry_lg2);
}

static void test_ways(void **state)
{
	struct entries entries = { .end = end_of_memory() };
	const struct pw_run_way *way;
	uint64_t random = 1;
	unsigned tried = 0;

	(void)state;
	for (unsigned turn = 0; turn < TURNS; turn++) {
		fill(&entries, &random);
		for (size_t i = 0; (way = pw_run_way_at(i)); i++) {
			size_t length;

			if (!way->is_here())
				continue;
			length = (entries.entry_lg2 == 2 ? way->four : way->eight)(
				start_of(&entries), entries.count, entries.swapped, entries.first,
				entries.stride);
			assert_true(length <= entries.alike);
			/* No more is left to the caller than a block of four vectors. */
			assert_true(entries.alike - length < 4u * 64 >> entries.entry_lg2);
			if (entries.alike == entries.count)
				assert_true(entries.count - length < 64u >> entries.entry_lg2);
			tried++;
		}
	}
	printf("%u runs, by these ways:", tried);
	for (size_t i = 0; (way = pw_run_way_at(i)); i++)
		printf(" %s%s", way->name, way->is_here() ? "" : " (not here)");
	putchar('\n');
}

static void test_length(void **state)
{
	struct entries entries = { .end = end_of_memory() };
	uint64_t random = 2;

	(void)state;
	for (unsigned turn = 0; turn < TURNS; turn++) {
		fill(&entries, &random);
		assert_true(pw_run_length(start_of(&entries), entries.count, entries.entry_lg2,
					  entries.swapped != (__BYTE_ORDER == __BIG_ENDIAN),
					  entries.first, entries.stride) <= entries.alike);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ways),
		cmocka_unit_test(test_length),
	};

	mutant_choose(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
