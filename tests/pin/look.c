/* SPDX-License-Identifier: MIT */
/* The fast path over memory without counts: it takes nothing. */
#include <errno.h>
#include <string.h>

#include "every_format_test.h"

static void look(struct world *world)
{
	const struct pw_memory *memory = pw_arena_memory(world->arena);
	const struct pw_regime *r = pw_space_now(world->space);
	const pw_va va = across_tables(world, 4), bad = va + 2 * world->page;
	pw_pa mapped[2], got[3];
	enum pw_stop why;

	for (unsigned i = 0; i < 2; i++)
		mapped[i] = map_new(world, va + i * world->page, PW_FOLIO_SECRET, RW);
	assert_int_equal(pw_look_fast(memory, r, va, 3, PW_PIN_WRITE, got, &why), 2);
	assert_int_equal(why, PW_STOP_NONE);
	assert_memory_equal(got, mapped, sizeof(mapped));
	assert_int_equal(references(world, mapped[0]), 1);
	map_pages(world, bad, 1, mapped[0], RO);
	assert_int_equal(pw_look_fast(memory, r, va, 3, PW_PIN_WRITE, got, &why), 2);
	assert_int_equal(why, PW_STOP_ACCESS);
	assert_int_equal(pw_look_fast(memory, r, va, 3, 0, got, NULL), 3);
	assert_int_equal(pw_look_fast(memory, r, va, 1, PW_PIN_LONGTERM, got, &why), -EINVAL);
	assert_int_equal(pw_look_fast(memory, r, va + 1, 1, 0, got, &why), -EINVAL);
	assert_int_equal(pw_look_fast(memory, r, ~(world->page - 1), 2, 0, got, &why), 0);
	unmap_pages(world, va, 3);
	for (unsigned i = 0; i < 2; i++)
		pw_folio_put(world->arena, mapped[i], 1);
}

static void test_look(void **state)
{
	(void)state;
	for_each_format(look);
}

/* Fetched memory in which one word has another value from its second load on. */
struct restless {
	struct pw_arena *arena;
	pw_pa at;
	unsigned loads;
};

static int fetch(void *context, pw_pa pa, void *buffer, size_t bytes)
{
	struct restless *restless = context;
	const void *host = pw_arena_host(restless->arena, pa, bytes);

	if (!host)
		return -ENODATA;
	memcpy(buffer, host, bytes);
	if (restless->at - pa < bytes && restless->loads++ > 0)
		((unsigned char *)buffer)[restless->at - pa] ^= 0x20;
	return 0;
}

static void test_look_unstable(void **state)
{
	struct world world = open_world(pw_format_find("x86_64"), 0, FRAMES);
	struct restless restless = { .arena = world.arena };
	const struct pw_regime *r = pw_space_now(world.space);
	const pw_va va = 0x7f0000001000;
	pw_pa pa = map_new(&world, va, PW_FOLIO_SHARED, RW), got;
	const struct pw_segment *segment;
	struct pw_memory *memory;
	struct pw_trace trace;
	struct pw_result result;
	enum pw_stop why;

	(void)state;
	pw_translate_trace(pw_arena_memory(world.arena), r, va, &result, &trace);
	assert_int_equal(trace.steps, 4);
	pw_memory_segments(pw_arena_memory(world.arena), &segment);
	assert_int_equal(pw_memory_create(fetch, &restless, segment, 1, &memory, NULL), 0);
	/* First a word outside the tables; then the accessed bit of each entry on the way, leaf included. */
	restless.at = ~UINT64_C(0);
	assert_int_equal(pw_look_fast(memory, r, va, 1, 0, &got, &why), 1);
	assert_int_equal(got, pa);
	for (unsigned i = 0; i < trace.steps; i++) {
		restless.at = trace.step[i].at;
		restless.loads = 0;
		assert_int_equal(pw_look_fast(memory, r, va, 1, 0, &got, &why), 0);
		assert_int_equal(why, PW_STOP_CHANGED);
	}
	pw_memory_close(memory);
	unmap_pages(&world, va, 1);
	pw_folio_put(world.arena, pa, 1);
	close_world(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_look),
		cmocka_unit_test(test_look_unstable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
