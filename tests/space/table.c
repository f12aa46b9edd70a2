/* SPDX-License-Identifier: MIT */
/*
 * Operations that spaces must refuse, operations at the ends of the addresses, and editors of neighbouring
 * pages at the same time: on every format that can be edited. edit.c tests ordinary operations.
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "mutants/choose.h"
#include "pin/space_test.h"
#include "walk/instance.h"

enum { FRAMES = 128 };

static void for_each_format(uint64_t frames, void (*test)(struct world *world))
{
	const struct pw_format *format;

	for (size_t i = 0; (format = pw_format_at(i)); i++) {
		struct world world;

		if (!pw_format_can_edit(format))
			continue;
		world = open_world(format, 0, frames);
		test(&world);
		close_world(&world);
	}
}

static enum pw_status status_at(struct world *world, pw_va va)
{
	struct pw_result result;

	return pw_space_translate(world->reader, va, &result);
}

static unsigned size_at(struct world *world, pw_va va)
{
	struct pw_result result;

	assert_int_equal(pw_space_translate(world->reader, va, &result), PW_OK);
	return result.size_lg2;
}

/* ---- refused operations ---- */

static void refusals(struct world *world)
{
	const pw_va page = world->page, last = page - 1;
	const pw_pa pa = 0x10000000;
	struct pw_error error;

	assert_int_equal(pw_space_map(world->space, 1, last, pa, RW, &error), -EINVAL);
	assert_int_equal(pw_space_map(world->space, 0, page, pa, RW, &error), -EINVAL);
	assert_int_equal(pw_space_map(world->space, page, last, pa, RW, &error), -EINVAL);
	assert_int_equal(pw_space_map(world->space, 0, last, pa + 1, RW, &error), -EINVAL);
	/* Entries of s390 hold any address; other formats refuse it with a sentence. */
	if (pw_space_map(world->space, 0, last, ~last, RW, &error)) {
		assert_non_null(strstr(error.text, world->format->name));
	} else {
		struct pw_result result;

		assert_int_equal(pw_space_translate(world->reader, 0, &result), PW_OK);
		assert_int_equal(result.pa, ~last);
		unmap_pages(world, 0, 1);
	}
	assert_int_equal(pw_space_unmap(world->space, 1, last, NULL, NULL, NULL), -EINVAL);
	assert_int_equal(pw_space_protect(world->space, 0, last - 1, PW_READ, NULL), -EINVAL);
	assert_int_equal(pw_space_split(world->space, page, last, 12, NULL), -EINVAL);
	assert_int_equal(pw_space_collapse(world->space, page, last, 64, NULL, NULL), -EINVAL);
	assert_int_equal(status_at(world, 0), PW_NONE);

	/* The last page of the range is mapped already: it stays, and nothing else is mapped. */
	map_pages(world, 3 * page, 1, pa, RW);
	assert_int_equal(pw_space_map(world->space, 0, 4 * page - 1, pa, RW, &error), -EEXIST);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(status_at(world, i * page), PW_NONE);
	assert_int_equal(status_at(world, 3 * page), PW_OK);
	unmap_pages(world, 0, 4);
	assert_int_equal(status_at(world, 3 * page), PW_NONE);
}

static void test_refusals(void **state)
{
	(void)state;
	for_each_format(FRAMES, refusals);
}

static void test_create(void **state)
{
	const struct pw_arena_options options = { .bytes = 64 * 4096 };
	struct pw_space_options space_options = { .levels = 3 };
	struct pw_space *space;
	struct pw_arena *arena;
	struct pw_error error;

	(void)state;
	assert_int_equal(pw_arena_create(&options, &arena, NULL), 0);
	assert_int_equal(
		pw_space_create(arena, pw_format_find("arm64_64k_48"), NULL, &space, &error),
		-EINVAL);
	assert_non_null(strstr(error.text, "page_lg2 = 16"));
	assert_int_equal(
		pw_space_create(arena, pw_format_find("x86_64"), &space_options, &space, &error),
		-EINVAL);
	space_options.levels = 6;
	assert_int_equal(
		pw_space_create(arena, pw_format_find("s390x"), &space_options, &space, &error),
		-EINVAL);
	space_options.levels = 0;
	space_options.sync = (enum pw_sync_kind)77;
	assert_int_equal(
		pw_space_create(arena, pw_format_find("x86_64"), &space_options, &space, &error),
		-EINVAL);
	assert_int_equal(pw_arena_free_bytes(arena), pw_arena_bytes(arena));
	pw_arena_destroy(arena);
}

/* ---- no memory ---- */

/* Base pages in more tables than there is memory for: after an error none of them stays mapped. */
static void no_memory(struct world *world)
{
	const struct pw_format *f = world->format;
	const pw_va reach = (pw_va)1 << f->shift[1];
	const struct pw_span *span = &pw_space_now(world->space)->span[0];
	/* A page in each of many tables. A small space may end before the memory does. */
	pw_va last = span->last, va = reach;
	unsigned mapped = 0;
	int code = 0;

	for (; va < last && code == 0 && mapped < 4 * FRAMES; va += reach) {
		code = pw_space_map(world->space, va, va + (world->page - 1), 0x10000000, RW, NULL);
		mapped += code == 0;
	}
	if (code) {
		struct pw_error error;
		pw_va failed = va - reach;

		assert_int_equal(code, -ENOMEM);
		assert_int_equal(status_at(world, failed), PW_NONE);
		assert_int_equal(status_at(world, failed - reach), PW_OK);
		/* The same for a range that begins in a table and goes on where there is none. */
		if (failed + 2 * reach < last) {
			pw_va first = failed - reach + world->page;

			assert_int_equal(pw_space_map(world->space, first, failed + (reach - 1),
						      0x10000000 + 2 * world->page, RW, &error),
					 -ENOMEM);
			assert_non_null(strstr(error.text, "no memory"));
			assert_int_equal(status_at(world, first), PW_NONE);
			assert_int_equal(status_at(world, failed - world->page), PW_NONE);
		}
	}
	assert_int_equal(pw_space_unmap(world->space, 0, last, NULL, NULL, NULL), 0);
	assert_int_equal(status_at(world, reach), PW_NONE);
}

static void test_no_memory(void **state)
{
	(void)state;
	for_each_format(FRAMES, no_memory);
}

/* A part of a large page is unmapped without memory for the table: the large page stays whole. */
static void no_memory_to_split(struct world *world)
{
	const struct pw_format *f = world->format;
	const pw_va va = (pw_va)1 << f->shift[1], reach = va;
	pw_pa pa[FRAMES + 1];
	struct pw_error error;
	unsigned taken = 0;

	if (!(f->leaf_levels & 2))
		return;
	assert_int_equal(pw_space_map(world->space, va, va + (reach - 1), reach, RW, NULL), 0);
	while (pw_folio_alloc(world->arena, 0, PW_FOLIO_SHARED, 0, 0, &pa[taken]) == 0)
		taken++;
	/* If tables are pieces of a frame, some pieces may be free. */
	for (pw_va at = va; at < va + reach; at += world->page) {
		int code = pw_space_unmap(world->space, at, at + (world->page - 1), NULL, NULL,
					  &error);

		assert_true(code == 0 || code == -ENOMEM);
		if (code == 0)
			break;
		assert_non_null(strstr(error.text, "no memory"));
		assert_int_equal(status_at(world, at), PW_OK);
		assert_true(size_at(world, at) >= f->shift[1]);
	}
	while (taken-- > 0)
		pw_folio_put(world->arena, pa[taken], 1);
	assert_int_equal(pw_space_unmap(world->space, va, va + (reach - 1), NULL, NULL, NULL), 0);
	assert_int_equal(status_at(world, va), PW_NONE);
}

static void test_no_memory_to_split(void **state)
{
	(void)state;
	for_each_format(FRAMES, no_memory_to_split);
}

/* Tables that were taken out, and whose readers left long ago, count as memory, too. */
static void test_no_memory_but_freed(void **state)
{
	static const enum pw_sync_kind kinds[] = { PW_SYNC_RCU, PW_SYNC_IPI, PW_SYNC_RCU_WAIT };
	const struct pw_arena_options options = { .bytes = 16 * 4096, .poison = true };

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const struct pw_space_options space_options = { .sync = kinds[i] };
		struct pw_space *space;
		struct pw_arena *arena;

		assert_int_equal(pw_arena_create(&options, &arena, NULL), 0);
		assert_int_equal(pw_space_create(arena, pw_format_find("x86_64"), &space_options,
						 &space, NULL),
				 0);
		for (unsigned turn = 0; turn < FRAMES; turn++) {
			assert_int_equal(pw_space_map(space, 0, 0xfff, 0x1000, RW, NULL), 0);
			assert_int_equal(pw_space_unmap(space, 0, pw_mask(47), NULL, NULL, NULL),
					 0);
		}
		pw_space_destroy(space);
		assert_int_equal(pw_arena_free_bytes(arena), pw_arena_bytes(arena));
		pw_arena_destroy(arena);
	}
}

/* ---- the ends ---- */

struct seen {
	pw_va next;
	uint64_t bytes;
	unsigned runs;
	bool ordered;
};

static void see(void *context, pw_va first, pw_va last, pw_pa pa)
{
	struct seen *seen = context;

	(void)pa;
	seen->ordered &= seen->runs == 0 || first >= seen->next;
	seen->next = last;
	seen->bytes += last - first + 1;
	seen->runs++;
}

/* Maps the first and the last page of each span, and unmaps everything by one call: 0 to 2^64 - 1. */
static void ends(struct world *world)
{
	const struct pw_regime *r = pw_space_now(world->space);
	struct seen seen = { .ordered = true };

	for (unsigned i = 0; i < r->spans; i++) {
		map_pages(world, r->span[i].first, 1, 0x10000000, RW);
		map_pages(world, r->span[i].last - (world->page - 1), 1, 0x10000000 + world->page,
			  RW);
		assert_int_equal(status_at(world, r->span[i].last), PW_OK);
	}
	assert_int_equal(pw_space_unmap(world->space, 0, ~UINT64_C(0), see, &seen, NULL), 0);
	assert_true(seen.ordered);
	assert_int_equal(seen.bytes, 2 * r->spans * world->page);
	for (unsigned i = 0; i < r->spans; i++) {
		assert_int_equal(status_at(world, r->span[i].first), PW_NONE);
		assert_int_equal(status_at(world, r->span[i].last), PW_NONE);
	}
}

static void test_ends(void **state)
{
	(void)state;
	for_each_format(FRAMES, ends);
}

/* ---- collapse ---- */

static uint64_t collapse(struct world *world, pw_va va, unsigned size_lg2)
{
	const pw_va reach = (pw_va)1 << world->format->shift[1];
	uint64_t bytes;

	assert_int_equal(
		pw_space_collapse(world->space, va, va + (reach - 1), size_lg2, &bytes, NULL), 0);
	return bytes;
}

static void collapses(struct world *world)
{
	const struct pw_format *f = world->format;
	const pw_va reach = (pw_va)1 << f->shift[1], va = reach;
	const pw_va middle = va + 3 * world->page;

	if (!(f->leaf_levels & 2))
		return;
	assert_int_equal(pw_space_map(world->space, va, va + (reach - 1), reach, RW, NULL), 0);
	assert_int_equal(pw_space_split(world->space, va, va + (reach - 1), f->shift[0], NULL), 0);
	assert_int_equal(size_at(world, middle), f->shift[0]);
	/* None of these collapses: too large a page, a hole, other permissions, another page, a part. */
	assert_int_equal(collapse(world, va, f->shift[1] - 1u), 0);
	unmap_pages(world, middle, 1);
	assert_int_equal(collapse(world, va, 64), 0);
	map_pages(world, middle, 1, reach + 3 * world->page, RO);
	assert_int_equal(collapse(world, va, 64), 0);
	unmap_pages(world, middle, 1);
	map_pages(world, middle, 1, reach + 4 * world->page, RW);
	assert_int_equal(collapse(world, va, 64), 0);
	unmap_pages(world, middle, 1);
	map_pages(world, middle, 1, reach + 3 * world->page, RW);
	assert_int_equal(
		pw_space_collapse(world->space, va, middle + (world->page - 1), 64, NULL, NULL), 0);
	assert_int_equal(size_at(world, middle), f->shift[0]);
	assert_int_equal(collapse(world, va, 64), reach);
	assert_int_equal(size_at(world, middle), f->shift[1]);
	assert_int_equal(pw_space_unmap(world->space, va, va + (reach - 1), NULL, NULL, NULL), 0);
}

static void test_collapse(void **state)
{
	(void)state;
	for_each_format(FRAMES, collapses);
}

/* A collapse over several levels counts each byte once, not once per level. */
static void collapses_twice(struct world *world)
{
	const struct pw_format *f = world->format;
	const pw_va reach = (pw_va)1 << f->shift[2], va = reach;
	uint64_t bytes;

	if (!(f->leaf_levels & 4))
		return;
	assert_int_equal(pw_space_map(world->space, va, va + (reach - 1), reach, RW, NULL), 0);
	unmap_pages(world, va, 1);
	map_pages(world, va, 1, reach, RW);
	assert_int_equal(size_at(world, va), f->shift[0]);
	assert_int_equal(pw_space_collapse(world->space, va, va + (reach - 1), 64, &bytes, NULL),
			 0);
	assert_int_equal(size_at(world, va), f->shift[2]);
	assert_int_equal(bytes, reach);
	assert_int_equal(pw_space_unmap(world->space, va, va + (reach - 1), NULL, NULL, NULL), 0);
}

static void test_collapse_twice(void **state)
{
	(void)state;
	for_each_format(FRAMES, collapses_twice);
}

/*
 * A range ends within a group of entries, at its right or its left end: the group is broken up, and the rest
 * of it becomes single pages, whether there is a callback for unmapped pages or not.
 */
static void group_cut(struct world *world, unsigned lg2, bool left, bool asked)
{
	const pw_va bytes = world->page << lg2, va = 4 * bytes, last = va + (bytes - 1);
	const pw_va first = left ? va + (bytes - world->page) : va - world->page;
	const pw_pa pa = 0x10000000;
	struct seen seen = { .ordered = true };

	assert_int_equal(pw_space_map(world->space, va, last, pa, RW, NULL), 0);
	assert_int_equal(size_at(world, va), world->format->shift[0] + lg2);
	assert_int_equal(pw_space_unmap(world->space, first, first + (2 * world->page - 1),
					asked ? see : NULL, &seen, NULL),
			 0);
	assert_int_equal(seen.bytes, asked ? world->page : 0);
	for (pw_va at = va; at < last; at += world->page) {
		const bool gone = left ? at == first : at == va;
		struct pw_result result;

		assert_int_equal(pw_space_translate(world->reader, at, &result),
				 gone ? PW_NONE : PW_OK);
		if (gone)
			continue;
		assert_int_equal(result.pa, pa + (at - va));
		assert_int_equal(result.size_lg2, world->format->shift[0]);
	}
	assert_int_equal(pw_space_unmap(world->space, 0, ~UINT64_C(0), NULL, NULL, NULL), 0);
}

static void groups_cut(struct world *world)
{
	for (unsigned lg2 = 1; lg2 < 32; lg2++)
		for (unsigned i = 0; i < 4 && (world->format->groups[0] >> lg2 & 1); i++)
			group_cut(world, lg2, i & 1, i & 2);
}

static void test_groups_cut(void **state)
{
	(void)state;
	for_each_format(FRAMES, groups_cut);
}

/* Special pages stay special, so that they are not pinned, whatever is done to their entries. */
static void special(struct world *world)
{
	const struct pw_format *f = world->format;
	const pw_va reach = (pw_va)1 << f->shift[1], va = reach, last = va + (reach - 1);
	struct pw_result result;

	if (!(f->leaf_levels & 2) ||
	    pw_space_map(world->space, va, last, reach, RW | PW_SPECIAL, NULL) == -ERANGE)
		return;
	assert_int_equal(pw_space_split(world->space, va, last, f->shift[0], NULL), 0);
	assert_int_equal(pw_space_translate(world->reader, va, &result), PW_OK);
	assert_true(result.attr & PW_SPECIAL);
	assert_int_equal(pw_space_collapse(world->space, va, last, 64, NULL, NULL), 0);
	assert_int_equal(pw_space_translate(world->reader, va, &result), PW_OK);
	assert_true(result.attr & PW_SPECIAL);
	assert_int_equal(pw_space_protect(world->space, va, last, PW_READ | PW_USER, NULL), 0);
	assert_int_equal(pw_space_translate(world->reader, va, &result), PW_OK);
	assert_true(result.attr & PW_SPECIAL);
	assert_int_equal(pw_space_unmap(world->space, va, last, NULL, NULL, NULL), 0);
}

static void test_special(void **state)
{
	(void)state;
	for_each_format(FRAMES, special);
}

/* ---- neighbours ---- */

enum { EDITORS = 3, TURNS = 400, UNITS = 48 };

struct editor {
	struct world *world;
	unsigned number;
	uint64_t random;
	bool mapped[UNITS];
	unsigned wrong;
	pthread_t thread;
};

static uint32_t below(struct editor *editor, uint32_t limit)
{
	editor->random = editor->random * UINT64_C(6364136223846793005) +
			 UINT64_C(1442695040888963407);
	return (uint32_t)((editor->random >> 33) % limit);
}

/* Every EDITORS'th page belongs to this editor. They reach beyond the first table of level 0. */
static pw_va unit_va(const struct editor *editor, unsigned unit)
{
	const struct world *world = editor->world;
	pw_va pages = (pw_va)unit * EDITORS + editor->number;

	return pages * world->page;
}

static pw_pa unit_pa(const struct editor *editor, unsigned unit)
{
	return 0x10000000 + (unit % 16) * editor->world->page;
}

/*
 * Maps, unmaps and protects pages between those of the other editors, without a lock. Now and then it maps a
 * page that is alone under an entry of level 1, so that tables come and go between the others', too.
 */
static void *edit(void *argument)
{
	struct editor *editor = argument;
	struct world *world = editor->world;
	const pw_va reach = (pw_va)1 << world->format->shift[1];
	const pw_va shared = UNITS * EDITORS * world->page;
	const pw_va alone = (shared / reach + 1 + editor->number) * reach;
	struct pw_reader *reader;
	struct pw_result result;

	editor->wrong += pw_reader_create(world->space, &reader) != 0;
	for (unsigned turn = 0; turn < TURNS && !editor->wrong; turn++) {
		unsigned unit = below(editor, UNITS);
		pw_va va = unit_va(editor, unit), last = va + (world->page - 1);
		bool *mapped = &editor->mapped[unit];
		int code = 0;

		if (below(editor, 8) == 0) {
			code |= pw_space_map(world->space, alone, alone + (world->page - 1),
					     0x10000000, RW, NULL);
			code |= pw_space_unmap(world->space, alone, alone + (reach - 1), NULL, NULL,
					       NULL);
		}
		if (!*mapped)
			code |= pw_space_map(world->space, va, last, unit_pa(editor, unit), RW,
					     NULL);
		else if (below(editor, 3) == 0)
			code |= pw_space_protect(world->space, va, last, PW_READ | PW_USER, NULL);
		else
			code |= pw_space_unmap(world->space, va, last, NULL, NULL, NULL);
		*mapped = !*mapped || pw_space_translate(reader, va, &result) == PW_OK;
		editor->wrong += code != 0;
		if (*mapped && (pw_space_translate(reader, va, &result) != PW_OK ||
				result.pa != unit_pa(editor, unit)))
			editor->wrong++;
	}
	pw_reader_destroy(reader);
	return NULL;
}

static void neighbours(struct world *world)
{
	struct editor editor[EDITORS];

	memset(editor, 0, sizeof(editor));
	for (unsigned i = 0; i < EDITORS; i++) {
		editor[i].world = world;
		editor[i].number = i;
		editor[i].random = i + 1;
		assert_int_equal(pthread_create(&editor[i].thread, NULL, edit, &editor[i]), 0);
	}
	for (unsigned i = 0; i < EDITORS; i++)
		pthread_join(editor[i].thread, NULL);
	for (unsigned i = 0; i < EDITORS; i++) {
		assert_int_equal(editor[i].wrong, 0);
		for (unsigned unit = 0; unit < UNITS; unit++)
			assert_int_equal(status_at(world, unit_va(&editor[i], unit)),
					 editor[i].mapped[unit] ? PW_OK : PW_NONE);
	}
	assert_int_equal(pw_space_unmap(world->space, 0, ~UINT64_C(0), NULL, NULL, NULL), 0);
}

static void test_neighbours(void **state)
{
	(void)state;
	for_each_format(4 * FRAMES, neighbours);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_create),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_no_memory_to_split),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_collapse),
		cmocka_unit_test(test_no_memory_but_freed),
		cmocka_unit_test(test_collapse_twice),
		cmocka_unit_test(test_groups_cut),
		cmocka_unit_test(test_special),
		cmocka_unit_test(test_neighbours),
	};

	mutant_choose(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
