/* SPDX-License-Identifier: MIT */
/*
 * Scattered pages in vectors: every way that this processor has writes the ranges that a loop over single entries writes,
 * reads nothing behind the entries, writes nothing behind the places for ranges, and stops for no other reason than those
 * that it may have.
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

enum { ENTRIES = 300, RANGES = 80, TURNS = 6000, BLOCK = 8, LONG = 16 };

struct scene {
	struct pw_scatter scatter;
	unsigned char *end; /* of the entries; no memory follows */
	uint64_t entry[ENTRIES];
	size_t count, ranges;
};

static uint64_t pa_of(const struct scene *scene, const struct pw_scatter_kind *kind, uint64_t entry)
{
	return kind->base + ((entry & scene->scatter.page) << scene->scatter.move);
}

static const struct pw_scatter_kind *kind_of(const struct scene *scene, uint64_t entry)
{
	for (unsigned i = 0; i < scene->scatter.kinds; i++)
		if ((entry & ~scene->scatter.page) == scene->scatter.kind[i].rest)
			return &scene->scatter.kind[i];
	return NULL;
}

static bool is_hole(const struct scene *scene, uint64_t entry)
{
	return scene->scatter.any_hole && entry == scene->scatter.hole;
}

static unsigned char *start_of(const struct scene *scene)
{
	return scene->end - (scene->count << scene->scatter.entry_lg2);
}

static void fill_kinds(struct scene *scene, uint64_t *random)
{
	struct pw_scatter *scatter = &scene->scatter;
	const unsigned top = scatter->entry_lg2 == 2 ? 31 : 43;

	scatter->page = (UINT64_C(2) << top) - (UINT64_C(1) << (scatter->shift - scatter->move));
	scatter->kinds = (uint8_t)(1 + random_below(random, PW_SCATTER_KINDS));
	for (unsigned i = 0; i < scatter->kinds; i++)
		scatter->kind[i] = (struct pw_scatter_kind){
			.rest = 2 * i + 1,
			.base = random_one_in(random, 3) ? (uint64_t)i << 50 : 0,
			/* Kinds may be alike in what matters to runs, and differ in the lowest bits. */
			.tail = UINT64_C(0x0c00000000000000) | random_below(random, 2) << 32 |
				random_below(random, 4),
		};
	scatter->like = ~UINT64_C(3);
	scatter->any_hole = random_below(random, 2);
	scatter->hole = 2 * random_below(random, 100);
}

static void put(const struct scene *scene, size_t number)
{
	unsigned char *at = start_of(scene) + (number << scene->scatter.entry_lg2);
	uint64_t entry = scene->entry[number];
	uint32_t half = (uint32_t)entry;

	if (scene->scatter.big_endian) {
		entry = htobe64(entry);
		half = htobe32(half);
	} else {
		entry = htole64(entry);
		half = htole32(half);
	}
	if (scene->scatter.entry_lg2 == 2)
		memcpy(at, &half, sizeof(half));
	else
		memcpy(at, &entry, sizeof(entry));
}

/* Pages in order or not, holes by themselves or many, and now and then an entry that is of no kind. */
static void fill(struct scene *scene, uint64_t *random)
{
	struct pw_scatter *scatter = &scene->scatter;
	const uint64_t order = 1 + random_below(random, 40), odd = 2 + random_below(random, 400);
	const uint64_t holes = 1 + random_below(random, 30);
	uint64_t frame = 0;

	scatter->entry_lg2 = random_below(random, 2) ? 2 : 3;
	scatter->big_endian = random_below(random, 2);
	scatter->shift = (uint8_t)(12 + random_below(random, 3));
	scatter->move = random_below(random, 2) ? 2 : 0;
	fill_kinds(scene, random);
	scene->count = (size_t)random_below(random, ENTRIES);
	scene->ranges = 1 + (size_t)random_below(random, RANGES - 1);
	for (size_t i = 0; i < scene->count; i++) {
		const struct pw_scatter_kind *kind =
			&scatter->kind[random_one_in(random, 3)
					       ? random_below(random, scatter->kinds)
					       : 0];

		frame = random_one_in(random, order) ? random_next(random) : frame + 1;
		scene->entry[i] = kind->rest |
				  (frame << (scatter->shift - scatter->move) & scatter->page);
		if (random_one_in(random, holes))
			scene->entry[i] = scatter->hole;
		if (random_one_in(random, odd))
			scene->entry[i] = random_next(random);
		if (scatter->entry_lg2 == 2)
			scene->entry[i] = (uint32_t)scene->entry[i];
		put(scene, i);
	}
}

/* What a loop over single entries does with the first @taken. */
static void expect(const struct scene *scene, size_t taken, struct pw_scatter_at *at)
{
	const struct pw_scatter *scatter = &scene->scatter;
	const pw_va bytes = UINT64_C(1) << scatter->shift;
	uint64_t tail;

	for (size_t i = 0; i < taken; i++, at->va += bytes) {
		const struct pw_scatter_kind *kind = kind_of(scene, scene->entry[i]);
		uint64_t pa;

		if (!kind) {
			assert_true(is_hole(scene, scene->entry[i]));
			at->open = false;
			continue;
		}
		pa = pa_of(scene, kind, scene->entry[i]);
		memcpy(&tail, &at->run->attr, sizeof(tail));
		if (!at->open || ((tail ^ kind->tail) & scatter->like) ||
		    pa - at->va != at->run->pa - at->run->first) {
			assert_true(at->run < at->end);
			*++at->run = (struct pw_range){
				.first = at->va,
				.pa = pa,
				.entry = scene->entry[i],
			};
			memcpy(&at->run->attr, &kind->tail, sizeof(kind->tail));
		}
		at->run->last = at->va + (bytes - 1);
		at->open = true;
	}
}

/* May vectors stop behind @taken entries? @open: a page was before them. */
static bool may_stop(const struct scene *scene, size_t taken, bool open,
		     const struct pw_scatter_at *at)
{
	const uint64_t next = taken < scene->count ? scene->entry[taken] : 0;
	size_t holes = 0;

	if (scene->count - taken < BLOCK || at->end - at->run < BLOCK)
		return true;
	if (!kind_of(scene, next) && !is_hole(scene, next))
		return true;
	while (holes < taken && !kind_of(scene, scene->entry[taken - 1 - holes]))
		holes++;
	holes += holes == taken && !open;
	return holes > BLOCK / 2 ||
	       (at->run->last - at->run->first) >> scene->scatter.shift >= LONG;
}

static void compare(const struct scene *scene, const struct pw_run_way *way, size_t *taken_all)
{
	struct pw_range range[RANGES + 1], wanted[RANGES + 1];
	struct pw_scatter_at at = {
		.va = UINT64_C(0x7000) << scene->scatter.shift,
		.run = range,
		.end = range + scene->ranges - 1,
		.open = scene->count % 2,
	};
	struct pw_scatter_at ref = at;
	size_t taken;

	memset(range, 0xa5, sizeof(range));
	range[0] = (struct pw_range){
		.first = at.va - (UINT64_C(1) << scene->scatter.shift),
		.last = at.va - 1,
	};
	memcpy(&range[0].attr, &scene->scatter.kind[0].tail, sizeof(uint64_t));
	memcpy(wanted, range, sizeof(range));
	ref.run = wanted;
	ref.end = wanted + scene->ranges - 1;
	taken = way->scatter(&scene->scatter, start_of(scene), scene->count, &at);
	assert_true(taken <= scene->count);
	expect(scene, taken, &ref);
	assert_int_equal(at.va, ref.va);
	assert_int_equal(at.open, ref.open);
	assert_int_equal(at.run - range, ref.run - wanted);
	assert_memory_equal(range, wanted, sizeof(range[0]) * (size_t)(at.run - range + 1));
	/* Places behind the last range may have been written, but none behind the last place. */
	for (size_t i = scene->ranges; i <= RANGES; i++)
		assert_int_equal(range[i].status, 0xa5);
	assert_true(may_stop(scene, taken, scene->count % 2, &at));
	*taken_all += taken;
}

static void test_ways(void **state)
{
	static struct scene scene;
	const struct pw_run_way *way;
	uint64_t random = 3;
	size_t taken = 0;
	bool any = false;

	(void)state;
	scene.end = end_of_memory();
	for (unsigned turn = 0; turn < TURNS; turn++) {
		fill(&scene, &random);
		for (size_t i = 0; (way = pw_run_way_at(i)); i++) {
			if (!way->scatter || !way->is_here())
				continue;
			compare(&scene, way, &taken);
			any = true;
		}
	}
	printf("%zu entries in vectors\n", taken);
	assert_true(!any || taken > TURNS * 10);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_ways) };

	mutant_choose(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
