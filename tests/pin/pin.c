/* SPDX-License-Identifier: MIT */
/* Pinning while nothing changes, on every format that can be edited: pages, and reasons to stop. */
#include <errno.h>
#include <string.h>

#include "every_format_test.h"
#include "mutants/choose.h"

/* ---- pages that are pinned ---- */

static void pages_come(struct world *world)
{
	enum { PAGES = 8 };
	const pw_va va = across_tables(world, PAGES);
	uint64_t stops[PW_STOP_REASONS];
	pw_pa mapped[PAGES], got[PAGES];
	enum pw_stop why;

	for (unsigned i = 0; i < PAGES; i++)
		mapped[i] = map_new(world, va + i * world->page, PW_FOLIO_ANONYMOUS, RW);
	assert_int_equal(
		pw_pin_fast(world->reader, va, PAGES, PW_PIN_WRITE | PW_PIN_LONGTERM, got, &why),
		PAGES);
	assert_int_equal(why, PW_STOP_DONE);
	assert_memory_equal(got, mapped, sizeof(got));
	for (unsigned i = 0; i < PAGES; i++)
		assert_int_equal(references(world, mapped[i]), 1 + 1024);
	assert_int_equal(pw_get_fast(world->reader, va, PAGES, 0, got, NULL), PAGES);
	for (unsigned i = 0; i < PAGES; i++)
		assert_int_equal(references(world, mapped[i]), 2 + 1024);
	pw_unpin_pages(world->reader, got, PAGES, PW_PIN_GET, false);
	pw_unpin_pages(world->reader, got, PAGES, PW_PIN_WRITE | PW_PIN_LONGTERM, true);
	pw_reader_stops(world->reader, stops);
	assert_int_equal(stops[PW_STOP_DONE], 2);
	for (unsigned i = 0; i < PAGES; i++) {
		struct pw_folio_info info;

		assert_true(pw_folio_info(world->arena, mapped[i], &info));
		assert_int_equal(info.references, 1);
		assert_true(info.dirty);
		assert_false(info.maybe_pinned);
		pw_folio_put(world->arena, mapped[i], 1);
	}
	assert_int_equal(pw_pin_fast(world->reader, va, 0, 0, got, &why), 0);
	assert_int_equal(why, PW_STOP_DONE);
	unmap_pages(world, va, PAGES);
}

static void test_pages(void **state)
{
	(void)state;
	for_each_format(pages_come);
}

/* Pages one by one, in one table, and across tables go different ways: the same comes, and the same stops. */
static void calls_agree(struct world *world)
{
	enum { PAGES = 8 };
	const pw_va va = across_tables(world, PAGES);
	/* By page: mapped for writing, mapped for reading, not mapped. */
	static const char kinds[][PAGES + 1] = { "wwwwwwww", "wwwrwwww", "ww-wwwww",
						 "wwwwwr-w", "rwwwwww-", "-wwwwwrw" };
	static const unsigned flags[] = { 0, PW_PIN_WRITE, PW_PIN_GET };

	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		pw_pa mapped[PAGES], alone[PAGES], got[PAGES];

		for (unsigned i = 0; i < PAGES; i++)
			if (kinds[k][i] != '-')
				mapped[i] = map_new(world, va + i * world->page, PW_FOLIO_SHARED,
						    kinds[k][i] == 'w' ? RW : RO);
		for (unsigned n = 0; n < PAGES * PAGES * 3; n++) {
			const unsigned start = n % PAGES, asked = n / PAGES % (PAGES - start) + 1;
			const unsigned flag = flags[n / PAGES / PAGES];
			enum pw_stop why = PW_STOP_DONE, all;
			unsigned came = 0;

			while (came < asked &&
			       pw_pin_fast(world->reader, va + (start + came) * world->page, 1,
					   flag, &alone[came], &why) == 1)
				came++;
			assert_int_equal(pw_pin_fast(world->reader, va + start * world->page, asked,
						     flag, got, &all),
					 came);
			assert_int_equal(all, why);
			assert_memory_equal(got, &mapped[start], came * sizeof(*got));
			assert_memory_equal(alone, &mapped[start], came * sizeof(*got));
			pw_unpin_pages(world->reader, alone, came, flag, false);
			pw_unpin_pages(world->reader, got, came, flag, false);
			assert_true(came == 0 || references(world, got[0]) == 1);
		}
		unmap_pages(world, va, PAGES);
		for (unsigned i = 0; i < PAGES; i++)
			if (kinds[k][i] != '-')
				pw_folio_put(world->arena, mapped[i], 1);
	}
}

static void test_calls_agree(void **state)
{
	(void)state;
	for_each_format(calls_agree);
}

/*
 * The middle of a large folio and the folio after it are pinned: references and pins are counted by page, and
 * there is one range for each folio.
 */
static void large_folio(struct world *world)
{
	const unsigned order = 4;
	const uint64_t bytes = world->page << order;
	const pw_va va = bytes;
	const pw_pa pa = alloc_folio(world, order, PW_FOLIO_SHARED);
	const pw_pa small = alloc_folio(world, 0, PW_FOLIO_SHARED);
	struct pw_pinned range[3];
	struct iovec iovec[3];
	enum pw_stop why;
	uint64_t came;

	map_pages(world, va, 1u << order, pa, RW);
	map_pages(world, va + bytes, 1, small, RW);
	assert_int_equal(pw_pin_fast_ranges(world->reader, va + 3 * world->page,
					    bytes - 2 * world->page, PW_PIN_WRITE, range, 3, &came,
					    &why),
			 2);
	assert_int_equal(why, PW_STOP_DONE);
	assert_int_equal(came, bytes - 2 * world->page);
	assert_int_equal(range[0].pa, pa + 3 * world->page);
	assert_int_equal(range[0].bytes, bytes - 3 * world->page);
	assert_int_equal(range[1].pa, small);
	assert_int_equal(range[1].bytes, world->page);
	assert_int_equal(pins(world, pa), 13);
	assert_int_equal(references(world, pa), 1 + 13);
	assert_int_equal(pins(world, small), 1);
	pw_unpin_ranges(world->reader, range, 2, PW_PIN_WRITE, false);
	assert_int_equal(references(world, pa), 1);

	/* No room for the second folio: the first stays. */
	assert_int_equal(pw_pin_fast_ranges(world->reader, va, bytes + world->page, 0, range, 1,
					    &came, &why),
			 1);
	assert_int_equal(why, PW_STOP_ROOM);
	assert_int_equal(came, bytes);
	assert_int_equal(references(world, small), 1);
	pw_unpin_ranges(world->reader, range, 1, 0, false);

	/* If the two are adjacent in memory, one iovec covers both. */
	assert_int_equal(
		pw_pin_fast_iovec(world->reader, va, bytes + world->page, 0, iovec, 3, &came, &why),
		small == pa + bytes ? 1 : 2);
	assert_int_equal(came, bytes + world->page);
	assert_ptr_equal(iovec[0].iov_base, pw_arena_host(world->arena, pa, bytes));
	pw_unpin_iovec(world->reader, iovec, small == pa + bytes ? 1 : 2, 0, false);
	assert_int_equal(references(world, pa), 1);
	assert_int_equal(references(world, small), 1);
	unmap_pages(world, va, (1u << order) + 1);
	pw_folio_put(world->arena, pa, 1);
	pw_folio_put(world->arena, small, 1);
}

static void test_large_folio(void **state)
{
	(void)state;
	for_each_format(large_folio);
}

/* Adjacent folios are separate ranges, so that each is given back as it was taken. */
static void two_folios(struct world *world)
{
	const pw_va va = 4 * world->page;
	struct pw_pinned range[4];
	enum pw_stop why;
	pw_pa pa = alloc_folio(world, 2, PW_FOLIO_ANONYMOUS);

	assert_true(pw_folio_get(world->arena, pa, 3));
	assert_true(pw_folio_split(world->arena, pa, 1));
	map_pages(world, va, 4, pa, RW);
	assert_int_equal(pw_pin_fast_ranges(world->reader, va, 4 * world->page, PW_PIN_WRITE, range,
					    4, NULL, &why),
			 4);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(range[i].pa, pa + i * world->page);
		assert_int_equal(range[i].bytes, world->page);
	}
	pw_unpin_ranges(world->reader, range, 4, PW_PIN_WRITE, false);
	unmap_pages(world, va, 4);
	for (unsigned i = 0; i < 4; i++)
		pw_folio_put(world->arena, pa + i * world->page, 1);
}

static void test_two_folios(void **state)
{
	(void)state;
	for_each_format(two_folios);
}

/* One leaf of level 1 over a folio of its size, and then over as many small folios. */
static void huge_leaf(const struct pw_format *format, bool split)
{
	const unsigned order = (unsigned)format->shift[1] - format->shift[0];
	const uint32_t pages = UINT32_C(1) << order;
	struct world world = open_world(format, 0, (UINT64_C(2) << order) + FRAMES);
	const pw_va va = (pw_va)1 << format->shift[1];
	pw_pa pa = alloc_folio(&world, order, PW_FOLIO_ANONYMOUS);
	pw_pa *got = calloc(pages, sizeof(*got));
	struct pw_result result;
	struct iovec iovec[2];
	enum pw_stop why;
	uint64_t came;

	assert_non_null(got);
	map_pages(&world, va, pages, pa, RW);
	assert_int_equal(pw_space_translate(world.reader, va, &result), PW_OK);
	assert_int_equal(result.level, 1);
	if (split) {
		assert_true(pw_folio_get(world.arena, pa, pages - 1));
		assert_true(pw_folio_split(world.arena, pa, 1));
	}
	assert_int_equal(
		pw_pin_fast(world.reader, va + world.page, pages - 1, PW_PIN_WRITE, got, &why),
		pages - 1);
	for (uint32_t i = 0; i < pages - 1; i++)
		assert_int_equal(got[i], pa + (i + 1) * world.page);
	if (split) {
		assert_int_equal(references(&world, pa), 1);
		assert_int_equal(references(&world, pa + world.page), 1025);
	} else {
		assert_int_equal(pins(&world, pa), pages - 1);
	}
	pw_unpin_pages(world.reader, got, pages - 1, PW_PIN_WRITE, false);
	assert_int_equal(pw_pin_fast_iovec(world.reader, va, (uint64_t)pages * world.page, 0, iovec,
					   2, &came, &why),
			 1);
	assert_int_equal(came, (uint64_t)pages * world.page);
	assert_int_equal(iovec[0].iov_len, came);
	pw_unpin_iovec(world.reader, iovec, 1, 0, false);
	/* Read-only, with one page in the middle shared: that page cannot be pinned. */
	assert_true(pw_folio_try_share(world.arena, pa + 5 * world.page));
	assert_int_equal(pw_space_protect(world.space, va, va + (pages * world.page - 1),
					  PW_READ | PW_USER, NULL),
			 0);
	assert_int_equal(pin_one(&world, va + 4 * world.page, 0, pa + 4 * world.page),
			 PW_STOP_DONE);
	assert_int_equal(pin_one(&world, va + 5 * world.page, 0, 0), PW_STOP_UNSHARE);
	assert_int_equal(pw_pin_fast(world.reader, va, pages, 0, got, &why), split ? 5 : 0);
	assert_int_equal(why, PW_STOP_UNSHARE);
	if (split)
		pw_unpin_pages(world.reader, got, 5, 0, false);
	unmap_pages(&world, va, pages);
	for (uint32_t i = 0; i < (split ? pages : 1); i++)
		pw_folio_put(world.arena, pa + i * world.page, 1);
	free(got);
	close_world(&world);
}

static void test_huge_leaf(void **state)
{
	const struct pw_format *format;

	(void)state;
	for (size_t i = 0; (format = pw_format_at(i)); i++) {
		if (!pw_format_can_edit(format) || !(format->leaf_levels & 2))
			continue;
		huge_leaf(format, false);
		huge_leaf(format, true);
	}
}

/* The last page that a span translates: if more pages are asked for, only this one is pinned. */
static void last_page_of(struct world *world, pw_va last)
{
	const pw_va va = last - (world->page - 1);
	pw_pa pa = map_new(world, va, PW_FOLIO_SHARED, RW), got[2];
	struct pw_pinned range[2];
	struct iovec iovec[2];
	enum pw_stop why;
	uint64_t came;

	assert_int_equal(pin_one(world, va, PW_PIN_WRITE, pa), PW_STOP_DONE);
	assert_int_equal(pw_pin_fast(world->reader, va, 2, 0, got, &why), 1);
	assert_int_equal(why, PW_STOP_RANGE);
	assert_int_equal(got[0], pa);
	pw_unpin_pages(world->reader, got, 1, 0, false);
	assert_int_equal(
		pw_pin_fast_ranges(world->reader, va, 2 * world->page, 0, range, 2, &came, &why),
		1);
	assert_int_equal(why, PW_STOP_RANGE);
	assert_int_equal(came, world->page);
	pw_unpin_ranges(world->reader, range, 1, 0, false);
	assert_int_equal(
		pw_pin_fast_iovec(world->reader, va, ~world->page + 1, 0, iovec, 2, &came, &why),
		1);
	assert_int_equal(why, PW_STOP_RANGE);
	assert_int_equal(came, world->page);
	pw_unpin_iovec(world->reader, iovec, 1, 0, false);
	assert_int_equal(references(world, pa), 1);
	unmap_pages(world, va, 1);
	assert_int_equal(pin_one(world, va, 0, 0), PW_STOP_NONE);
	pw_folio_put(world->arena, pa, 1);
}

/* The last page of each span. The last span may end at 2^64 - 1. */
static void last_page(struct world *world)
{
	const struct pw_regime *r = pw_reader_enter(world->reader);
	const unsigned spans = r->spans;
	pw_va last[PW_MAX_ROOTS];

	for (unsigned i = 0; i < spans; i++)
		last[i] = r->span[i].last;
	pw_reader_leave(world->reader);
	for (unsigned i = 0; i < spans; i++)
		if (i + 1 == spans || r->span[i + 1].first != last[i] + 1)
			last_page_of(world, last[i]);
}

static void test_last_page(void **state)
{
	(void)state;
	for_each_format(last_page);
}

static void zero_page(struct world *world)
{
	const pw_pa zero = pw_arena_zero_page(world->arena);
	const pw_va va = world->page * 3;
	uint32_t before = references(world, zero);

	map_pages(world, va, 1, zero, RO);
	assert_int_equal(pin_one(world, va, 0, zero), PW_STOP_DONE);
	assert_int_equal(pin_one(world, va, PW_PIN_GET, zero), PW_STOP_DONE);
	assert_int_equal(pin_one(world, va, PW_PIN_WRITE, zero), PW_STOP_ACCESS);
	/* The next write goes to a page of the space's own, which a long pin would not see. */
	assert_int_equal(pin_one(world, va, PW_PIN_LONGTERM, zero), PW_STOP_UNSHARE);
	assert_int_equal(references(world, zero), before);
	unmap_pages(world, va, 1);
}

static void test_zero_page(void **state)
{
	(void)state;
	for_each_format(zero_page);
}

/* ---- reasons to stop ---- */

/* Pins two pages and then fails at the third. Returns the reason. */
static enum pw_stop third(struct world *world, pw_va va, const pw_pa mapped[2], unsigned flags)
{
	enum pw_stop why;
	pw_pa got[4];
	long came = pw_pin_fast(world->reader, va, 3, flags, got, &why);

	assert_int_equal(came, 2);
	assert_memory_equal(got, mapped, 2 * sizeof(got[0]));
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(references(world, got[i]), 1 + 1024);
	pw_unpin_pages(world->reader, got, 2, flags, false);
	return why;
}

/* Can a leaf of this format express these permissions? */
static bool can_say(struct world *world, uint32_t attr)
{
	const struct pw_format *f = world->format;
	const struct pw_regime *r = pw_space_now(world->space);

	return !((f->attr(f, r, 0, f->make_leaf(f, r, 0, 0, attr)) ^ attr) &
		 (PW_READ | PW_WRITE | PW_USER));
}

static void reasons_at(struct world *world, pw_va va)
{
	const pw_va bad = va + 2 * world->page, last = bad + (world->page - 1);
	const pw_pa outside = 0x10000000 + FRAMES * world->page;
	pw_pa mapped[2], pa;
	int code;

	for (unsigned i = 0; i < 2; i++)
		mapped[i] = map_new(world, va + i * world->page, PW_FOLIO_SHARED, RW);
	assert_int_equal(third(world, va, mapped, 0), PW_STOP_NONE);

	pa = map_new(world, bad, PW_FOLIO_SHARED, RW);
	code = pw_space_protect(world->space, bad, last, 0, NULL);
	if (code == 0) {
		enum pw_stop why = third(world, va, mapped, 0);

		assert_true(why == PW_STOP_PROT_NONE || why == PW_STOP_ACCESS);
		assert_int_equal(pw_space_protect(world->space, bad, last, RW, NULL), 0);
	} else {
		assert_int_equal(code, -ERANGE);
	}
	assert_int_equal(pin_one(world, bad, PW_PIN_WRITE, pa), PW_STOP_DONE);
	assert_int_equal(pw_space_protect(world->space, bad, last, PW_READ | PW_USER, NULL), 0);
	assert_true(can_say(world, RO));
	assert_int_equal(third(world, va, mapped, PW_PIN_WRITE), PW_STOP_ACCESS);
	if (can_say(world, PW_READ | PW_WRITE | PW_ACCESSED | PW_DIRTY)) {
		assert_int_equal(
			pw_space_protect(world->space, bad, last, PW_READ | PW_WRITE, NULL), 0);
		assert_int_equal(third(world, va, mapped, 0), PW_STOP_ACCESS);
	}
	assert_int_equal(references(world, pa), 1);
	unmap_pages(world, bad, 1);

	code = pw_space_map(world->space, bad, last, pa, RW | PW_SPECIAL, NULL);
	if (code == 0) {
		assert_int_equal(third(world, va, mapped, 0), PW_STOP_SPECIAL);
		unmap_pages(world, bad, 1);
	} else {
		assert_int_equal(code, -ERANGE);
	}

	map_pages(world, bad, 1, outside, RW);
	assert_int_equal(third(world, va, mapped, 0), PW_STOP_OUTSIDE);
	unmap_pages(world, bad, 1);

	/* Mapped, but free already: as if an unmap had not reached this entry yet. */
	map_pages(world, bad, 1, pa, RW);
	pw_folio_put(world->arena, pa, 1);
	assert_int_equal(third(world, va, mapped, 0), PW_STOP_GONE);
	unmap_pages(world, bad, 1);

	pw_space_copy_begin(world->space);
	assert_int_equal(pin_one(world, va, 0, mapped[0]), PW_STOP_FORK);
	assert_int_equal(pin_one(world, va, PW_PIN_GET, mapped[0]), PW_STOP_DONE);
	pw_space_copy_end(world->space);
	assert_int_equal(pin_one(world, va, 0, mapped[0]), PW_STOP_DONE);

	unmap_pages(world, va, 2);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(references(world, mapped[i]), 1);
		pw_folio_put(world->arena, mapped[i], 1);
	}
}

/* First in one table, where leaves that are alike share their rights; then the third is in another table. */
static void reasons(struct world *world)
{
	reasons_at(world, across_tables(world, 8));
	reasons_at(world, across_tables(world, 4));
}

static void test_reasons(void **state)
{
	(void)state;
	for_each_format(reasons);
}

/*
 * Kinds of folios, and the results of pinning a writable and a read-only page of each. Columns: read, write,
 * long term, long term and write, a reference.
 */
enum made { AS_IS, SHARED, TRUNCATED };

static const struct {
	enum pw_folio_kind kind;
	enum made made; /* SHARED: an anonymous one that is not exclusive */
	enum pw_stop writable[5], readonly[5];
} RULES[] = {
	{ PW_FOLIO_ANONYMOUS, AS_IS, { 0 }, { 0, PW_STOP_ACCESS, 0, PW_STOP_ACCESS, 0 } },
	{ PW_FOLIO_ANONYMOUS,
	  SHARED,
	  { 0 },
	  { PW_STOP_UNSHARE, PW_STOP_ACCESS, PW_STOP_UNSHARE, PW_STOP_ACCESS, 0 } },
	{ PW_FOLIO_SHARED,
	  AS_IS,
	  { 0 },
	  { 0, PW_STOP_ACCESS, PW_STOP_UNSHARE, PW_STOP_ACCESS, 0 } },
	{ PW_FOLIO_HUGETLB,
	  AS_IS,
	  { 0 },
	  { 0, PW_STOP_ACCESS, PW_STOP_UNSHARE, PW_STOP_ACCESS, 0 } },
	{ PW_FOLIO_FILE,
	  AS_IS,
	  { 0, 0, 0, PW_STOP_LONGTERM, 0 },
	  { 0, PW_STOP_ACCESS, PW_STOP_UNSHARE, PW_STOP_ACCESS, 0 } },
	{ PW_FOLIO_SECRET,
	  AS_IS,
	  { PW_STOP_SECRET, PW_STOP_SECRET, PW_STOP_SECRET, PW_STOP_SECRET, PW_STOP_SECRET },
	  { PW_STOP_SECRET, PW_STOP_ACCESS, PW_STOP_SECRET, PW_STOP_ACCESS, PW_STOP_SECRET } },
	{ PW_FOLIO_SECRET,
	  TRUNCATED,
	  { PW_STOP_SECRET, PW_STOP_SECRET, PW_STOP_SECRET, PW_STOP_SECRET, PW_STOP_SECRET },
	  { PW_STOP_SECRET, PW_STOP_ACCESS, PW_STOP_SECRET, PW_STOP_ACCESS, PW_STOP_SECRET } },
	{ PW_FOLIO_FILE,
	  TRUNCATED,
	  { 0, 0, 0, PW_STOP_TRUNCATED, 0 },
	  { 0, PW_STOP_ACCESS, PW_STOP_UNSHARE, PW_STOP_ACCESS, 0 } },
	/* It never had a mapping. */
	{ PW_FOLIO_NONE,
	  AS_IS,
	  { 0, 0, 0, PW_STOP_TRUNCATED, 0 },
	  { 0, PW_STOP_ACCESS, PW_STOP_UNSHARE, PW_STOP_ACCESS, 0 } },
};

static const unsigned COLUMNS[] = { 0, PW_PIN_WRITE, PW_PIN_LONGTERM,
				    PW_PIN_LONGTERM | PW_PIN_WRITE, PW_PIN_GET };

static void kinds(struct world *world)
{
	const pw_va va = across_tables(world, 2);

	for (size_t i = 0; i < sizeof(RULES) / sizeof(RULES[0]); i++) {
		pw_pa pa = map_new(world, va, RULES[i].kind, RW);

		if (RULES[i].made == TRUNCATED)
			pw_folio_truncate(world->arena, pa);
		if (RULES[i].made == SHARED)
			assert_true(pw_folio_try_share(world->arena, pa));
		for (unsigned column = 0; column < 5; column++)
			assert_int_equal(pin_one(world, va, COLUMNS[column], pa),
					 RULES[i].writable[column]);
		assert_int_equal(pw_space_protect(world->space, va, va + (world->page - 1),
						  PW_READ | PW_USER, NULL),
				 0);
		for (unsigned column = 0; column < 5; column++)
			assert_int_equal(pin_one(world, va, COLUMNS[column], pa),
					 RULES[i].readonly[column]);
		if (RULES[i].made == SHARED) {
			pw_folio_own(world->arena, pa);
			assert_int_equal(pin_one(world, va, 0, pa), PW_STOP_DONE);
		}
		assert_int_equal(references(world, pa), 1);
		unmap_pages(world, va, 1);
		pw_folio_put(world->arena, pa, 1);
	}
}

static void test_kinds(void **state)
{
	(void)state;
	for_each_format(kinds);
}

/* Releasing is refused for pages that were never pinned, or are not in the arena. */
static void test_unpin_refused(void **state)
{
	struct world world = open_world(pw_format_find("x86_64"), 0, FRAMES);
	const pw_pa pa = alloc_folio(&world, 0, PW_FOLIO_SHARED);
	const pw_pa outside[] = { 0, 0x10000000 - world.page, 0x10000000 + FRAMES * world.page,
				  ~UINT64_C(0) << 12 };
	const struct pw_pinned beyond = { pa, FRAMES * world.page };
	struct pw_arena_faults faults;
	struct iovec nowhere = { &faults, (size_t)world.page };
	/* The rest of a partial transfer of one page. */
	char *host = pw_arena_host(world.arena, pa, world.page);
	struct iovec trimmed[] = { { host + 100, (size_t)world.page - 100 }, { host, 100 } };

	(void)state;
	pw_unpin_iovec(world.reader, trimmed, 2, 0, true);
	pw_unpin_pages(world.reader, outside, 4, 0, true);
	pw_unpin_ranges(world.reader, &beyond, 1, PW_PIN_GET, true);
	pw_unpin_iovec(world.reader, &nowhere, 1, 0, true);
	pw_unpin_pages(world.reader, &pa, 1, 0, false);
	pw_arena_faults(world.arena, &faults);
	assert_int_equal(faults.underflows, 9);
	assert_int_equal(references(&world, pa), 1);
	pw_reader_destroy(world.reader);
	pw_space_destroy(world.space);
	pw_arena_destroy(world.arena);
}

static void test_arguments(void **state)
{
	struct world world = open_world(pw_format_find("x86_64"), 0, FRAMES);
	struct pw_pinned range;
	struct iovec iovec;
	pw_pa got;

	(void)state;
	assert_int_equal(pw_pin_fast(world.reader, 0x1001, 1, 0, &got, NULL), -EINVAL);
	assert_int_equal(pw_pin_fast(world.reader, 0x1000, 1, 8, &got, NULL), -EINVAL);
	assert_int_equal(pw_get_fast(world.reader, 0x1000, 1, PW_PIN_LONGTERM, &got, NULL),
			 -EINVAL);
	assert_int_equal(pw_pin_fast_ranges(world.reader, 0, 0x1800, 0, &range, 1, NULL, NULL),
			 -EINVAL);
	assert_int_equal(pw_pin_fast_iovec(world.reader, 0x800, 0x1000, 0, &iovec, 1, NULL, NULL),
			 -EINVAL);
	for (unsigned stop = 0; stop < PW_STOP_REASONS; stop++)
		assert_string_not_equal(pw_stop_name((enum pw_stop)stop), "?");
	assert_string_equal(pw_stop_name(PW_STOP_REASONS), "?");
	close_world(&world);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pages),       cmocka_unit_test(test_calls_agree),
		cmocka_unit_test(test_large_folio), cmocka_unit_test(test_huge_leaf),
		cmocka_unit_test(test_last_page),   cmocka_unit_test(test_zero_page),
		cmocka_unit_test(test_reasons),     cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_arguments),   cmocka_unit_test(test_unpin_refused),
		cmocka_unit_test(test_two_folios),
	};

	mutant_choose(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
