/* SPDX-License-Identifier: MIT */
/*
 * The actions of another thread while a pin or an edit is under way: each happens at one chosen moment, on
 * the same thread, so that every run is the same. For programs that are only built with the moments
 * (src/base/mutant.h), and that run on every format that can be edited.
 */
#ifndef TESTS_PIN_RACE_TEST_H
#define TESTS_PIN_RACE_TEST_H

#include "mutants/choose.h"
#include "space/edit.h"
#include "space_test.h"
#include "walk/instance.h"

enum { FRAMES = 256 };

/* The actions, each of which happens once, and their arguments. */
static struct {
	void (*at[PW_MOMENTS])(void);
	unsigned happened;
	struct world *world;
	pw_va va;
	pw_pa pa, other;
	unsigned order;
} race;

static inline void on_moment(enum pw_moment moment)
{
	void (*happen)(void) = race.at[moment];

	race.at[moment] = NULL;
	if (!happen)
		return;
	race.happened++;
	happen();
}

static inline void prepare(struct world *world, pw_va va, pw_pa pa)
{
	memset(&race, 0, sizeof(race));
	race.world = world;
	race.va = va;
	race.pa = pa;
	pw_moment_hook = on_moment;
}

static inline void over(unsigned happened)
{
	pw_moment_hook = NULL;
	assert_int_equal(race.happened, happened);
}

typedef void race_test(struct world *world);

static inline bool has_huge(const struct pw_format *f)
{
	return f->leaf_levels & 2;
}

static inline bool any(const struct pw_format *f)
{
	(void)f;
	return true;
}

/* Runs @test on every format for which @suits is true. There must be at least one. */
static inline void for_each(bool (*suits)(const struct pw_format *f), race_test *test)
{
	const struct pw_format *format;
	unsigned ran = 0;

	for (size_t i = 0; (format = pw_format_at(i)); i++) {
		unsigned order = (unsigned)format->shift[1] - format->shift[0];
		struct world world;

		if (!pw_format_can_edit(format) || !suits(format))
			continue;
		world = open_world(format, 0, FRAMES + (suits == has_huge ? 2u << order : 0));
		test(&world);
		close_world(&world);
		ran++;
	}
	assert_true(ran > 0);
}

#endif
