/* SPDX-License-Identifier: MIT */
/*
 * Translations that look twice, over memory whose function changes the tables at a chosen fetch: between the
 * loads of a walk, between the walk and the bytes, between the bytes and the second look.
 */
#include <endian.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <pagewalk/pagewalk.h>

enum { PAGE = 4096, PAGES = 8, TABLE = 0x67, VA = 0x5008 };

/* x86-64: tables in pages 0 to 3; the entry of VA leads to page 4, and in the other state to page 5. */
struct world {
	uint64_t words[PAGES * PAGE / 8];
	unsigned fetches;
	unsigned entry; /* the one that changes, as an index into words */
	uint64_t difference;
	unsigned change_at; /* the fetch before which it becomes the other one; 0: never */
	bool always; /* before each fetch from then on */
};

static const unsigned leaf = 3 * PAGE / 8 + 5;

static void flip(struct world *world)
{
	world->words[world->entry] ^= world->difference;
}

static int fetch(void *context, pw_pa pa, void *buffer, size_t bytes)
{
	struct world *world = context;

	world->fetches++;
	if (world->change_at && (world->fetches == world->change_at ||
				 (world->always && world->fetches > world->change_at)))
		flip(world);
	memcpy(buffer, (const char *)world->words + pa, bytes);
	return 0;
}

static void begin(struct world *world, struct pw_memory **memory, struct pw_regime *regime)
{
	const struct pw_segment segment = { 0, PAGES * PAGE - 1, NULL };
	const uint64_t root = 0;

	memset(world, 0, sizeof(*world));
	world->entry = leaf;
	world->difference = htole64(4 * PAGE ^ 5 * PAGE);
	for (unsigned i = 0; i < 3; i++)
		world->words[i * PAGE / 8] = htole64((i + 1) * PAGE | TABLE);
	world->words[leaf] = htole64(4 * PAGE | TABLE);
	world->words[4 * PAGE / 8 + 1] = 44;
	world->words[5 * PAGE / 8 + 1] = 55;
	assert_int_equal(pw_memory_create(fetch, world, &segment, 1, memory, NULL), 0);
	assert_int_equal(pw_regime_init(regime, pw_format_find("x86_64"), &root, 1, NULL, NULL), 0);
}

/* Nothing changes: one walk, and a second look at its four entries. */
static void test_still(void **state)
{
	struct world world;
	struct pw_memory *memory;
	struct pw_regime regime;
	struct pw_result result;
	unsigned changes = 7;
	uint64_t bytes;

	(void)state;
	begin(&world, &memory, &regime);
	assert_int_equal(pw_translate_stable(memory, &regime, VA, 0, &result, &changes), PW_OK);
	assert_int_equal(result.pa, 4 * PAGE + 8);
	assert_int_equal(changes, 0);
	assert_int_equal(world.fetches, 8);
	assert_int_equal(pw_read_stable(memory, &regime, VA, &bytes, 8, 0, &result, NULL), 0);
	assert_int_equal(bytes, 44);
	assert_int_equal(pw_read_stable(memory, &regime, VA, &bytes, PAGE, 0, &result, NULL),
			 -EINVAL);
	/* A hole is looked at twice, too. */
	world.fetches = 0;
	assert_int_equal(pw_translate_stable(memory, &regime, 0x6000, 0, &result, NULL), PW_NONE);
	assert_int_equal(world.fetches, 8);
	pw_memory_close(memory);
}

/* The leaf changes once, at every moment in turn: the bytes are always those of the page in the answer. */
static void test_every_moment(void **state)
{
	unsigned noticed = 0;

	(void)state;
	for (unsigned at = 1; at <= 9; at++) {
		struct world world;
		struct pw_memory *memory;
		struct pw_regime regime;
		struct pw_result result;
		unsigned changes;
		uint64_t bytes;

		begin(&world, &memory, &regime);
		world.change_at = at;
		assert_int_equal(
			pw_read_stable(memory, &regime, VA, &bytes, 8, 0, &result, &changes), 0);
		assert_int_equal(result.status, PW_OK);
		assert_int_equal(bytes, result.pa == 4 * PAGE + 8 ? 44 : 55);
		/* Before the walk loads the leaf (fetch 4), it is no change; afterwards it is. */
		assert_int_equal(changes, at > 4);
		assert_int_equal(result.pa, 5 * PAGE + 8);
		noticed += changes;
		pw_memory_close(memory);
	}
	assert_int_equal(noticed, 5);
}

/*
 * The leaf changes before each fetch. A read has five of them from the walk's load of the leaf to the second:
 * there is never an answer. A translation has four: the leaf is what it was, and nobody can notice (A-B-A).
 */
static void test_never_still(void **state)
{
	struct world world;
	struct pw_memory *memory;
	struct pw_regime regime;
	struct pw_result result;
	unsigned changes;
	uint64_t bytes;

	(void)state;
	for (unsigned tries = 1; tries < 5; tries++) {
		begin(&world, &memory, &regime);
		world.change_at = 1;
		world.always = true;
		assert_int_equal(
			pw_read_stable(memory, &regime, VA, &bytes, 8, tries, &result, &changes),
			0);
		assert_int_equal(result.status, PW_UNSTABLE);
		assert_int_equal(result.level, 0);
		assert_int_equal(result.pa, 0);
		assert_int_equal(changes, tries);
		assert_int_equal(world.fetches, 9 * tries);
		assert_int_equal(pw_translate_stable(memory, &regime, VA, tries, &result, &changes),
				 PW_OK);
		assert_int_equal(changes, 0);
		pw_memory_close(memory);
	}
}

/* An entry above the leaf leads to another table, with the same content, after the walk. */
static void test_upper_level(void **state)
{
	struct world world;
	struct pw_memory *memory;
	struct pw_regime regime;
	struct pw_result result;
	unsigned changes;

	(void)state;
	begin(&world, &memory, &regime);
	memcpy(&world.words[6 * PAGE / 8], &world.words[2 * PAGE / 8], PAGE);
	world.entry = 1 * PAGE / 8;
	world.difference = htole64(2 * PAGE ^ 6 * PAGE);
	world.change_at = 6;
	assert_int_equal(pw_translate_stable(memory, &regime, VA, 1, &result, &changes),
			 PW_UNSTABLE);
	assert_int_equal(result.level, 2);
	assert_int_equal(changes, 1);
	assert_int_equal(pw_translate_stable(memory, &regime, VA, 1, &result, &changes), PW_OK);
	assert_int_equal(result.pa, 4 * PAGE + 8);
	pw_memory_close(memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_still),
		cmocka_unit_test(test_every_moment),
		cmocka_unit_test(test_never_still),
		cmocka_unit_test(test_upper_level),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
