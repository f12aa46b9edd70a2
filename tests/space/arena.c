/* SPDX-License-Identifier: MIT */
/* Memory with folios: allocated and free frames, compared with an array of the frames' owners. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <cmocka.h>

#include <errno.h>

#include "folio/folio.h"

static struct pw_arena *open_arena(uint64_t frames, pw_pa base, unsigned page_lg2, bool poison)
{
	struct pw_arena_options options = {
		.bytes = frames << page_lg2, .base = base, .page_lg2 = page_lg2, .poison = poison
	};
	struct pw_arena *arena;
	struct pw_error error = { 0 };

	if (pw_arena_create(&options, &arena, &error) != 0)
		fail_msg("%s", error.text);
	return arena;
}

static void assert_refused(struct pw_arena_options options)
{
	struct pw_arena *arena = NULL;
	struct pw_error error = { 0 };

	assert_int_equal(pw_arena_create(&options, &arena, &error), -EINVAL);
	assert_null(arena);
	assert_true(strlen(error.text) > 0);
}

static void test_what_cannot_be(void **state)
{
	(void)state;
	assert_refused((struct pw_arena_options){ .bytes = 0 });
	assert_refused((struct pw_arena_options){ .bytes = 4096 });
	assert_refused((struct pw_arena_options){ .bytes = 8192 + 1 });
	assert_refused((struct pw_arena_options){ .bytes = 8192, .base = 1 });
	assert_refused((struct pw_arena_options){ .bytes = 8192, .page_lg2 = 11 });
	assert_refused((struct pw_arena_options){ .bytes = 8192, .page_lg2 = 17 });
	assert_refused((struct pw_arena_options){ .bytes = 8192, .page_lg2 = 13 });
	assert_refused((struct pw_arena_options){ .bytes = 8192, .base = UINT64_MAX - 4095 });
	assert_refused((struct pw_arena_options){ .bytes = UINT64_C(1) << 44 });
	assert_refused((struct pw_arena_options){ .bytes = UINT64_MAX - 4095 });
}

/* Only used parts of an arena cost memory: neither its memory nor its frames are written before that. */
static void test_lazy(void **state)
{
	/* Large, but within the address space of the host, which may be emulated. */
	const bool large = sizeof(size_t) > 4 && !getenv("PW_TEST_QUICK");
	struct pw_arena_options options = { .bytes = UINT64_C(1) << (large ? 36 : 29) };
	struct pw_arena *arena;
	struct rusage before, after;
	pw_pa pa, last;

	(void)state;
	getrusage(RUSAGE_SELF, &before);
	arena = open_arena(options.bytes >> 12, 0, 12, false);
	getrusage(RUSAGE_SELF, &after);
	assert_true(after.ru_maxrss - before.ru_maxrss < 16 << 10);
	/* A frame that was never used belongs to no folio: not to the zero page's either. */
	last = options.bytes - 4096;
	assert_int_equal(pw_folio_head(arena, pw_arena_frame(arena, last)),
			 pw_arena_frame(arena, last));
	assert_false(pw_folio_get(arena, last, 1));
	assert_int_equal(pw_folio_alloc(arena, 9, PW_FOLIO_FILE, 1, 0, &pa), 0);
	assert_true(pw_folio_get(arena, pa + 0x5000, 1));
	pw_folio_put(arena, pa, 1);
	pw_folio_put(arena, pa, 1);
	assert_int_equal(pw_arena_free_bytes(arena), pw_arena_bytes(arena));
	pw_arena_destroy(arena);
	/* More than this host may have: it is given or refused, but at once. */
	options.bytes = UINT64_C(1) << 40;
	if (pw_arena_create(&options, &arena, NULL) == 0)
		pw_arena_destroy(arena);
	getrusage(RUSAGE_SELF, &after);
	/* An emulator keeps books on the addresses that it gives away, in the same process. */
	assert_true(!large || after.ru_maxrss - before.ru_maxrss < 32 << 10);
}

static void test_bytes(void **state)
{
	const pw_pa base = UINT64_MAX - 0xffff; /* the last 64 KiB of the 2^64 space */
	struct pw_arena *arena = open_arena(16, base, 12, false);
	unsigned char *host = pw_arena_host(arena, base, 0x10000), *other, byte = 0;

	(void)state;
	assert_non_null(host);
	assert_ptr_equal(pw_arena_host(arena, UINT64_MAX, 1), host + 0xffff);
	assert_null(pw_arena_host(arena, UINT64_MAX, 2));
	assert_null(pw_arena_host(arena, base - 1, 1));
	assert_null(pw_arena_host(arena, base, 0x10001));
	assert_null(pw_arena_host(arena, 0, 1));
	/* The walker's memory, and another mapping, are the same bytes. */
	host[0x5001] = 0x5a;
	assert_int_equal(pw_memory_read(pw_arena_memory(arena), base + 0x5001, &byte, 1), 0);
	assert_int_equal(byte, 0x5a);
	other = mmap(NULL, 0x10000, PROT_READ | PROT_WRITE, MAP_SHARED, pw_arena_fd(arena), 0);
	assert_true(other != MAP_FAILED);
	assert_int_equal(other[0x5001], 0x5a);
	other[0xffff] = 0xa5;
	assert_int_equal(host[0xffff], 0xa5);
	munmap(other, 0x10000);
	pw_arena_destroy(arena);
	pw_arena_destroy(NULL);
}

static void test_huge(void **state)
{
	struct pw_arena_options options = { .bytes = 4 << 20, .huge = true };
	struct pw_arena *arena;
	unsigned char *host;

	(void)state;
	/* The host may have no huge pages; the arena works in any case. */
	assert_int_equal(pw_arena_create(&options, &arena, NULL), 0);
	print_message("huge pages: %s\n", pw_arena_is_huge(arena) ? "yes" : "no");
	host = pw_arena_host(arena, 0, 4 << 20);
	memset(host, 0x11, 4 << 20);
	pw_arena_destroy(arena);
	/* Not a whole number of huge pages: it gets others. */
	options.bytes = (4 << 20) + 4096;
	assert_int_equal(pw_arena_create(&options, &arena, NULL), 0);
	assert_false(pw_arena_is_huge(arena));
	pw_arena_destroy(arena);
}

static void test_zero_page(void **state)
{
	struct pw_arena *arena = open_arena(8, 0x1000, 12, true);
	const unsigned char *zero = pw_arena_host(arena, pw_arena_zero_page(arena), 4096);
	pw_pa pa;

	(void)state;
	assert_non_null(zero);
	assert_int_equal(pw_arena_bytes(arena), 7 << 12);
	assert_int_equal(pw_arena_free_bytes(arena), 7 << 12);
	for (unsigned i = 0; i < 7; i++) {
		assert_int_equal(pw_folio_alloc(arena, 0, PW_FOLIO_SHARED, 1, i, &pa), 0);
		assert_int_not_equal(pa, pw_arena_zero_page(arena));
		memset(pw_arena_host(arena, pa, 4096), 0xff, 4096);
	}
	assert_int_equal(pw_folio_alloc(arena, 0, PW_FOLIO_SHARED, 1, 0, &pa), -ENOMEM);
	for (unsigned i = 0; i < 4096; i++)
		assert_int_equal(zero[i], 0);
	pw_arena_destroy(arena);
}

static void test_bad_folios(void **state)
{
	struct pw_arena *arena = open_arena(8, 0, 12, false);
	pw_pa pa;

	(void)state;
	assert_int_equal(pw_folio_alloc(arena, PW_ORDERS, PW_FOLIO_SHARED, 0, 0, &pa), -EINVAL);
	assert_int_equal(pw_folio_alloc(arena, 0, (enum pw_folio_kind)6, 0, 0, &pa), -EINVAL);
	assert_int_equal(pw_folio_alloc(arena, 0, PW_FOLIO_FILE, UINT64_C(1) << 61, 0, &pa),
			 -EINVAL);
	assert_int_equal(pw_folio_alloc(arena, PW_ORDERS - 1, PW_FOLIO_FILE, 0, 0, &pa), -ENOMEM);
	assert_int_equal(pw_folio_alloc(arena, 0, PW_FOLIO_FILE, (UINT64_C(1) << 61) - 1, 0, &pa),
			 0);
	pw_arena_destroy(arena);
}

/* ---- against an array ---- */

enum { FRAMES = 3000, FOLIOS = 400, STEPS = 20000 };

struct model {
	struct pw_arena *arena;
	uint64_t random;
	uint32_t owner[FRAMES]; /* 0 is nobody */
	struct {
		pw_pa pa;
		unsigned order;
	} folio[FOLIOS + 1];
	uint64_t used;
	unsigned refused;
};

static uint32_t below(struct model *model, uint32_t limit)
{
	model->random = model->random * UINT64_C(6364136223846793005) +
			UINT64_C(1442695040888963407);
	return (uint32_t)((model->random >> 33) % limit);
}

/* Is a whole block of that order free, aligned by its physical address? */
static bool has_free(const struct model *model, unsigned order)
{
	const struct pw_arena *arena = model->arena;
	const uint64_t frames = UINT64_C(1) << order;
	uint64_t first = -(arena->base >> arena->page_lg2) & (frames - 1), used;

	for (; first + frames <= FRAMES; first += frames) {
		for (used = 0; used < frames && !model->owner[first + used]; used++)
			;
		if (used == frames)
			return true;
	}
	return false;
}

static void take(struct model *model, uint32_t id, unsigned order)
{
	struct pw_arena *arena = model->arena;
	struct pw_folio_info info;
	uint64_t first;
	pw_pa pa;

	if (pw_folio_alloc(arena, order, PW_FOLIO_ANONYMOUS, id, 7, &pa) != 0) {
		assert_false(has_free(model, order));
		model->refused++;
		return;
	}
	/* Aligned whatever the arena's first address is, so that a huge page can map it. */
	assert_int_equal(pa & (((pw_pa)1 << (order + arena->page_lg2)) - 1), 0);
	first = (pa - arena->base) >> arena->page_lg2;
	for (uint64_t i = 0; i < UINT64_C(1) << order; i++) {
		assert_true(first + i < FRAMES);
		assert_int_equal(model->owner[first + i], 0);
		model->owner[first + i] = id;
		assert_true(pw_folio_info(arena, pa + (i << arena->page_lg2), &info));
		assert_int_equal(info.pa, pa);
		assert_int_equal(info.order, order);
		assert_int_equal(info.references, 1);
		assert_int_equal(info.pins, 0);
		assert_int_equal(info.owner, id);
		assert_int_equal(info.index, 7 + i);
		assert_true(info.exclusive);
		assert_false(info.dirty);
		*(uint32_t *)pw_arena_host(arena, pa + (i << arena->page_lg2), 4) = id;
	}
	model->folio[id].pa = pa;
	model->folio[id].order = order;
	model->used += UINT64_C(1) << order;
}

static void give_back(struct model *model, uint32_t id)
{
	struct pw_arena *arena = model->arena;
	pw_pa pa = model->folio[id].pa;
	uint64_t first = (pa - arena->base) >> arena->page_lg2;
	struct pw_folio_info info;

	for (uint64_t i = 0; i < UINT64_C(1) << model->folio[id].order; i++) {
		assert_int_equal(model->owner[first + i], id);
		assert_int_equal(*(uint32_t *)pw_arena_host(arena, pa + (i << arena->page_lg2), 4),
				 id);
		model->owner[first + i] = 0;
	}
	pw_folio_put(arena,
		     pa + ((pw_pa)below(model, 1U << model->folio[id].order) << arena->page_lg2),
		     1);
	assert_false(pw_folio_info(arena, pa, &info));
	model->used -= UINT64_C(1) << model->folio[id].order;
	model->folio[id].pa = 0;
}

static void assert_merged_list(struct pw_arena *arena, unsigned zone, unsigned order)
{
	const uint64_t first = arena->base >> arena->page_lg2, end = first + arena->frames;

	for (uint32_t i = arena->free[zone][order]; i != PW_NO_FRAME;
	     i = (uint32_t)arena->frame[i].mapping) {
		uint64_t buddy = (first + i) ^ UINT64_C(1) << order;

		assert_int_equal((first + i) & ((UINT64_C(1) << order) - 1), 0);
		/* Its buddy is not wholly in the arena, or has the zero page. */
		assert_true(order == PW_ORDERS - 1 || buddy < first ||
			    buddy + (UINT64_C(1) << order) > end ||
			    (arena->zero + first) >> order == buddy >> order);
	}
}

/* When all frames are free, no two blocks are left that could be one. */
static void assert_merged(struct pw_arena *arena)
{
	for (unsigned zone = 0; zone < PW_ZONES; zone++)
		for (unsigned order = 0; order < PW_ORDERS; order++)
			assert_merged_list(arena, zone, order);
}

static void check_model(pw_pa base, unsigned page_lg2)
{
	const unsigned steps = getenv("PW_TEST_QUICK") ? STEPS / 8 : STEPS;
	struct model *model = calloc(1, sizeof(*model));
	uint64_t all;

	assert_non_null(model);
	model->arena = open_arena(FRAMES, base, page_lg2, page_lg2 == 12);
	model->owner[model->arena->zero] = UINT32_MAX;
	all = pw_arena_bytes(model->arena);
	for (unsigned step = 0; step < steps; step++) {
		uint32_t id = 1 + below(model, FOLIOS);

		if (model->folio[id].pa)
			give_back(model, id);
		else
			take(model, id, below(model, 4) ? below(model, 3) : below(model, 10));
		assert_int_equal(pw_arena_free_bytes(model->arena),
				 all - (model->used << page_lg2));
	}
	assert_true(model->refused > 0);
	for (uint32_t id = 1; id <= FOLIOS; id++) {
		if (model->folio[id].pa)
			give_back(model, id);
	}
	assert_int_equal(pw_arena_free_bytes(model->arena), all);
	assert_merged(model->arena);
	pw_arena_destroy(model->arena);
	free(model);
}

static void test_random(void **state)
{
	(void)state;
	check_model(0x200000, 12);
	check_model(0x7ffff000, 12);
	check_model(UINT64_C(0xfffff00000005000), 12);
	check_model(0x30000, 16);
}

static void test_1g(void **state)
{
	/* One aligned GiB, and a page before and after it. No page is touched. */
	struct pw_arena_options options = { .bytes = (UINT64_C(1) << 30) + 8192,
					    .base = (UINT64_C(1) << 40) - 4096 };
	struct pw_arena *arena;
	pw_pa pa;

	(void)state;
	if (pw_arena_create(&options, &arena, NULL) == -ENOMEM)
		skip();
	/* The zero page must not be in it. */
	assert_int_equal(pw_folio_alloc(arena, 18, PW_FOLIO_HUGETLB, 1, 0, &pa), 0);
	assert_int_equal(pa, UINT64_C(1) << 40);
	assert_int_equal(pw_arena_free_bytes(arena), 4096);
	pw_folio_put(arena, pa + 0x3ffff000, 1);
	assert_int_equal(pw_arena_free_bytes(arena), pw_arena_bytes(arena));
	pw_arena_destroy(arena);
}

/* ---- poison ---- */

static uint64_t written_after_free(const struct pw_arena *arena)
{
	struct pw_arena_faults faults;

	pw_arena_faults(arena, &faults);
	assert_int_equal(faults.underflows, 0);
	return faults.written_after_free;
}

static void test_poison(void **state)
{
	struct pw_arena *arena = open_arena(17, 0, 12, true);
	unsigned char *host;
	pw_pa pa;

	(void)state;
	assert_int_equal(pw_folio_alloc(arena, 3, PW_FOLIO_SHARED, 1, 0, &pa), 0);
	host = pw_arena_host(arena, pa, 8 << 12);
	memset(host, 1, 8 << 12);
	pw_folio_put(arena, pa, 1);
	for (unsigned i = 0; i < 8 << 12; i++)
		assert_int_equal(host[i], PW_POISON);
	/* Untouched: no fault. They are single pages of a folio that was freed as one. */
	for (unsigned i = 0; i < 16; i++)
		assert_int_equal(pw_folio_alloc(arena, 0, PW_FOLIO_SHARED, 1, i, &pa), 0);
	assert_int_equal(written_after_free(arena), 0);
	/* One byte: the last byte of two pages. */
	for (unsigned i = 0; i < 17; i++) {
		if ((pw_pa)i << 12 != pw_arena_zero_page(arena))
			pw_folio_put(arena, (pw_pa)i << 12, 1);
	}
	assert_int_equal(pw_folio_alloc(arena, 1, PW_FOLIO_SHARED, 1, 0, &pa), 0);
	host = pw_arena_host(arena, pa, 2 << 12);
	pw_folio_put(arena, pa, 1);
	host[(2 << 12) - 1] ^= 1;
	for (unsigned i = 0; i < 16; i++)
		assert_int_equal(pw_folio_alloc(arena, 0, PW_FOLIO_SHARED, 1, i, &pa), 0);
	assert_int_equal(written_after_free(arena), 1);
	pw_arena_destroy(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_cannot_be), cmocka_unit_test(test_lazy),
		cmocka_unit_test(test_bytes),          cmocka_unit_test(test_huge),
		cmocka_unit_test(test_zero_page),      cmocka_unit_test(test_bad_folios),
		cmocka_unit_test(test_random),         cmocka_unit_test(test_1g),
		cmocka_unit_test(test_poison),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
