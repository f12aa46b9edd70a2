/* SPDX-License-Identifier: MIT */
/*
 * Edits of x86-64 tables, beside a plain loop that stores the same entries into the same tables, which
 * all exist already. After each run, every entry is compared with the right value, bit by bit.
 * Also measures the memory that tables take.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <pagewalk/space.h>

#include "cases.h"
#include "folio/arena.h"
#include "report.h"

enum { PLACES = 256 }; /* the ranges that a run edits, one call each */

static const pw_va EDIT_VA = UINT64_C(0x400000000000);
/* Not in the arena, because nothing is pinned here. Aligned for the largest leaf, and no further. */
static const pw_pa EDIT_PA = UINT64_C(0x200000200000);
static const uint32_t EDIT_ATTR = PW_READ | PW_WRITE | PW_USER | PW_ACCESSED | PW_DIRTY;

struct edits {
	struct pw_arena *arena;
	struct pw_space *space;
	uint64_t root;
	unsigned shift; /* shift of the leaves: 12 or 21 */
	uint64_t leaves; /* the number of leaves in one call */
	pw_va stride; /* the distance of two ranges */
	uint64_t bits; /* the bits of a writable leaf */
};

static struct edits *edits_of(const struct bench_work *work)
{
	return work->own;
}

static void must(bool done, const char *what)
{
	if (done)
		return;
	fprintf(stderr, "bench: edits: %s\n", what);
	exit(1);
}

static pw_va place_va(const struct edits *edits, unsigned place)
{
	return EDIT_VA + place * edits->stride;
}

/* ---- by hand ---- */

static const uint64_t X86_FRAME = 0x000ffffffffff000;
static const uint64_t X86_WRITABLE = 2;

static uint64_t *below(const struct edits *edits, uint64_t space, uint64_t index)
{
	return (uint64_t *)(void *)pw_arena_at(edits->arena, space & X86_FRAME) + (index & 511);
}

static uint64_t load(const uint64_t *entry)
{
	return __atomic_load_n(entry, __ATOMIC_RELAXED);
}

/* The place of the first leaf of @va; its table exists. */
static uint64_t *first_leaf(const struct edits *edits, pw_va va)
{
	uint64_t e = load(below(edits, edits->root, va >> 39));

	e = load(below(edits, e, va >> 30));
	if (edits->shift == 21)
		return below(edits, e, va >> 21);
	return below(edits, load(below(edits, e, va >> 21)), va >> 12);
}

static uint64_t plain_map(const struct bench_work *work)
{
	const struct edits *edits = edits_of(work);

	for (unsigned place = 0; place < PLACES; place++) {
		uint64_t *entry = first_leaf(edits, place_va(edits, place));
		uint64_t e = EDIT_PA | edits->bits;

		for (uint64_t i = 0; i < edits->leaves; i++, e += UINT64_C(1) << edits->shift)
			__atomic_store_n(entry + i, e, __ATOMIC_RELEASE);
	}
	return PLACES;
}

static uint64_t plain_unmap(const struct bench_work *work)
{
	const struct edits *edits = edits_of(work);

	for (unsigned place = 0; place < PLACES; place++) {
		uint64_t *entry = first_leaf(edits, place_va(edits, place));

		for (uint64_t i = 0; i < edits->leaves; i++)
			__atomic_store_n(entry + i, 0, __ATOMIC_RELEASE);
	}
	return PLACES;
}

static uint64_t plain_protect(const struct bench_work *work)
{
	const struct edits *edits = edits_of(work);

	for (unsigned place = 0; place < PLACES; place++) {
		uint64_t *entry = first_leaf(edits, place_va(edits, place));

		for (uint64_t i = 0; i < edits->leaves; i++)
			__atomic_store_n(entry + i, load(entry + i) & ~X86_WRITABLE,
					 __ATOMIC_RELEASE);
	}
	return PLACES;
}

/* ---- pagewalk's ---- */

static pw_va last_of(const struct edits *edits, pw_va va)
{
	return va + (edits->leaves << edits->shift) - 1;
}

static uint64_t ours_map(const struct bench_work *work)
{
	const struct edits *edits = edits_of(work);
	uint64_t done = 0;

	for (unsigned place = 0; place < PLACES; place++) {
		pw_va va = place_va(edits, place);

		done += pw_space_map(edits->space, va, last_of(edits, va), EDIT_PA, EDIT_ATTR,
				     NULL) == 0;
	}
	return done;
}

static uint64_t ours_unmap(const struct bench_work *work)
{
	const struct edits *edits = edits_of(work);
	uint64_t done = 0;

	for (unsigned place = 0; place < PLACES; place++) {
		pw_va va = place_va(edits, place);

		done += pw_space_unmap(edits->space, va, last_of(edits, va), NULL, NULL, NULL) == 0;
	}
	return done;
}

static uint64_t ours_protect(const struct bench_work *work)
{
	const struct edits *edits = edits_of(work);
	uint64_t done = 0;

	for (unsigned place = 0; place < PLACES; place++) {
		pw_va va = place_va(edits, place);

		done += pw_space_protect(edits->space, va, last_of(edits, va), PW_READ | PW_USER,
					 NULL) == 0;
	}
	return done;
}

/* ---- around a run ---- */

/* Checks every leaf: pages from EDIT_PA on with these bits; without bits, empty entries. */
static void check(const struct edits *edits, uint64_t bits)
{
	for (unsigned place = 0; place < PLACES; place++) {
		const uint64_t *entry = first_leaf(edits, place_va(edits, place));

		for (uint64_t i = 0; i < edits->leaves; i++) {
			uint64_t expected = bits ? (EDIT_PA + (i << edits->shift)) | bits : 0;

			if (load(entry + i) == expected)
				continue;
			fprintf(stderr,
				"bench: edits: entry %" PRIu64 " is %#" PRIx64 ", not %#" PRIx64
				"\n",
				i, load(entry + i), expected);
			exit(1);
		}
	}
}

static void map_untimed(const struct bench_work *work)
{
	must(ours_map(work) == PLACES, "mapping failed");
}

static void check_mapped(const struct bench_work *work)
{
	check(edits_of(work), edits_of(work)->bits);
	must(ours_unmap(work) == PLACES, "unmapping failed");
}

static void check_unmapped(const struct bench_work *work)
{
	check(edits_of(work), 0);
}

static void check_protected(const struct bench_work *work)
{
	check(edits_of(work), edits_of(work)->bits & ~X86_WRITABLE);
	must(ours_unmap(work) == PLACES, "unmapping failed");
}

/* ---- cases ---- */

static void create(struct edits *edits, uint64_t arena_bytes)
{
	const struct pw_arena_options options = { .bytes = arena_bytes, .huge = true };
	uint64_t root[PW_MAX_ROOTS];

	must(pw_arena_create(&options, &edits->arena, NULL) == 0 &&
		     pw_space_create(edits->arena, pw_format_find("x86_64"), NULL, &edits->space,
				     NULL) == 0,
	     "no tables");
	pw_space_root(edits->space, root);
	edits->root = root[0];
}

static void destroy(struct edits *edits)
{
	pw_space_destroy(edits->space);
	pw_arena_destroy(edits->arena);
}

struct edit_kind {
	const char *name;
	uint64_t (*ours)(const struct bench_work *work);
	uint64_t (*plain)(const struct bench_work *work);
	void (*before)(const struct bench_work *work);
	void (*after)(const struct bench_work *work);
};

static void edit_cases(const char *what, unsigned shift, uint64_t leaves, double map_goal_ns,
		       double unmap_goal_ns)
{
	static const struct bench_columns columns = {
		.title = "edits, ranges to a call",
		.floor = "plain",
	};
	static const struct edit_kind kinds[] = {
		{ "map", ours_map, plain_map, NULL, check_mapped },
		{ "unmap", ours_unmap, plain_unmap, map_untimed, check_unmapped },
		{ "protect", ours_protect, plain_protect, map_untimed, check_protected },
	};
	struct edits edits = {
		.shift = shift,
		.leaves = leaves,
		/* Each call has half of a table, so that no call takes a table out. */
		.stride = leaves == 1 ? UINT64_C(1) << shift : (2 * leaves) << shift,
		.bits = UINT64_C(1) << 63 | 0x67 | (shift == 21 ? 0x80 : 0),
	};
	const struct bench_work work = { .own = &edits };

	create(&edits, UINT64_C(64) << 20);
	/* Makes the tables. */
	map_untimed(&work);
	check_mapped(&work);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const struct edit_kind *kind = &kinds[i];
		char name[64];
		struct bench_case c = {
			.name = name,
			.unit = "call",
			.columns = &columns,
			.goal_ns = kind->ours == ours_map     ? map_goal_ns
				   : kind->ours == ours_unmap ? unmap_goal_ns
							      : 0,
			.units = PLACES,
			.work = work,
		};

		snprintf(name, sizeof(name), "%s-%s", kind->name, what);
		bench_case_add(&c, "pagewalk", kind->ours, PLACES);
		bench_case_add(&c, "floor", kind->plain, PLACES);
		for (unsigned n = 0; n < 2; n++) {
			c.contender[n].before = kind->before;
			c.contender[n].after = kind->after;
		}
		bench_case_run(&c);
	}
	destroy(&edits);
}

void bench_edit(void)
{
	edit_cases("1x4k", 12, 1, 0, 0);
	/* The times of Linux's generic_pt on its author's machine: AMDv1; AMDv2, which has x86-64's entries. */
	edit_cases("256x4k", 12, 256, 386, 228);
	edit_cases("256x2m", 21, 256, 0, 0);
}

/* Maps one GiB in a space of its own. The alignment of @pa limits the size of its pages. */
static void memory_of(const char *name, pw_pa pa, uint64_t least)
{
	const uint64_t gib = UINT64_C(1) << 30;
	struct edits edits = { 0 };
	uint64_t folios;

	create(&edits, UINT64_C(64) << 20);
	must(pw_space_map(edits.space, EDIT_VA, EDIT_VA + (gib - 1), pa, EDIT_ATTR, NULL) == 0,
	     "mapping a GiB failed");
	folios = (gib >> edits.arena->page_lg2) * sizeof(*edits.arena->frame);
	bench_report_bytes(name, pw_space_bytes(edits.space), least, folios);
	destroy(&edits);
}

void bench_memory(void)
{
	/* The least possible memory is that of the leaves' entries alone. */
	memory_of("memory-4k", EDIT_PA + 4096, (UINT64_C(1) << 30 >> 12) * 8);
	memory_of("memory-2m", EDIT_PA, (UINT64_C(1) << 30 >> 21) * 8);
}
