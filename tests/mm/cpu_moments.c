/* SPDX-License-Identifier: MIT */
/*
 * What another thread may do just before a fault fills the TLB: it takes the page away, as soon as it can get the table
 * lock. Only built with the moments (src/base/mutant.h).
 */
#include <sys/mman.h>

#include "mm_test.h"
#include "mutants/choose.h"

/* The page to take away; 0: none. */
static struct mm_world *world_of;
static pw_va page_at;

static bool any_table_locked(struct pw_mm *mm)
{
	for (unsigned i = 0; i <= PW_TABLE_LOCKS; i++) {
		if (pthread_mutex_trylock(&mm->table_lock[i].mutex))
			return true;
		pthread_mutex_unlock(&mm->table_lock[i].mutex);
	}
	return false;
}

static void take_away(void)
{
	const pw_va va = page_at;

	page_at = 0;
	assert_int_equal(pw_madvise(world_of->mm, va, world_of->page, MADV_DONTNEED), 0);
}

static void on_moment(enum pw_moment moment)
{
	/* Here the other thread would wait for the lock. */
	if (moment != PW_MOMENT_LEAF_LOADED || !page_at || any_table_locked(world_of->mm))
		return;
	take_away();
}

/* Whenever the page goes, the TLB does not have it afterwards. */
static void taken_meanwhile(struct mm_world *world)
{
	const pw_va va = map_anon(world, 1, PROT_READ | PROT_WRITE);
	uint8_t value = 1;

	world_of = world;
	page_at = va;
	pw_moment_hook = on_moment;
	assert_true(pw_store_u8(world->cpu, va, 7));
	pw_moment_hook = NULL;
	if (page_at)
		take_away();
	assert_true(pw_load_u8(world->cpu, va, &value));
	/* The store may have been made after the page went, by a fault of its own. */
	assert_int_equal(value, pw_mm_anonymous(world->mm) ? 7 : 0);
}

static void test_taken_meanwhile(void **state)
{
	(void)state;
	for_each_mm(taken_meanwhile);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_taken_meanwhile),
	};

	mutant_choose(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
