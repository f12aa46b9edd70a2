/* SPDX-License-Identifier: MIT */
/* What the tests of single entries share: a world of one format, and what is expected of a slot. */
#ifndef TESTS_SPACE_SLOT_TEST_H
#define TESTS_SPACE_SLOT_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "space/edit.h"
#include "space/slot.h"
#include "walk/instance.h"

enum { SLOT_FRAMES = 512 };

struct world {
	const struct pw_format *format;
	struct pw_arena *arena;
	struct pw_space *space;
	pw_va page; /* bytes of a base page */
	pw_pa pa; /* the arena's first address */
};

static const uint32_t RW = PW_READ | PW_WRITE | PW_USER | PW_ACCESSED | PW_DIRTY;
static const uint32_t RO = PW_READ | PW_USER | PW_ACCESSED | PW_DIRTY;

/* Is @level below the top, so that the tests can have a few entries of it, and has it leaves? */
static inline bool is_leaf_level(const struct world *world, unsigned level)
{
	return (world->format->leaf_levels >> level & 1) &&
	       level <= pw_space_now(world->space)->span[0].top &&
	       world->format->shift[level] + 1u < 63;
}

/* The attributes that a leaf gives back if it is made with @attr. */
static inline uint32_t as_made(const struct world *world, unsigned level, uint32_t attr)
{
	const struct pw_format *f = world->format;
	const struct pw_regime *r = pw_space_now(world->space);
	uint64_t e = f->make_leaf(f, r, level, 0, attr);
	uint32_t got = pw_attr_settle(f->attr(f, r, level, e), PW_KEEP_ALL) &
		       ~(uint32_t)(PW_MEMTYPE_MASK | PW_CONTIGUOUS);

	return got | (f->linux_twin ? PW_ACCESSED | (got & PW_WRITE ? PW_DIRTY : 0) : 0);
}

/* arm's hardware has no such entries, and an IOMMU has leaves that permit nothing. */
static inline bool has_prot_none(const struct world *world)
{
	return world->format->make_prot_none && !world->format->linux_twin;
}

static inline void check_slot(const struct world *world, const struct pw_slot *slot, unsigned level,
			      enum pw_slot_kind kind)
{
	if (slot->kind != kind || slot->level != level || !slot->at)
		fail_msg("%s: the slot is of level %u and kind %u (entry 0x%llx), should be %u, %u",
			 world->format->name, slot->level, slot->kind,
			 (unsigned long long)slot->entry, level, kind);
}

/* The slot is what another look finds. */
static inline void check_same(const struct world *world, pw_va va, const struct pw_slot *slot)
{
	struct pw_slot now = *slot, found;

	pw_slot_again(world->space, va, &now);
	pw_slot_find(world->space, va, &found);
	assert_ptr_equal(now.at, found.at);
	assert_int_equal(now.entry, found.entry);
	assert_int_equal(slot->entry, found.entry);
	assert_int_equal(slot->kind, found.kind);
	assert_int_equal(slot->pa, found.pa);
	assert_int_equal(slot->attr, found.attr);
	assert_int_equal(slot->lg2, found.lg2);
}

/* Puts @value in the entry of @level for @va. */
static inline void store(const struct world *world, pw_va va, unsigned level, uint64_t value)
{
	struct pw_slot slot;

	assert_int_equal(pw_slot_reach(world->space, va, level, &slot), 0);
	assert_true(pw_slot_swap(world->space, va, &slot, value));
}

/* Runs @test on a new space of every format. No memory may be left when the space is gone. */
static inline void run_every(void (*test)(struct world *world))
{
	const struct pw_format *f;

	for (size_t i = 0; (f = pw_format_at(i)); i++) {
		const struct pw_arena_options options = {
			.bytes = (uint64_t)SLOT_FRAMES << f->shift[0],
			.base = 0x10000000,
			.page_lg2 = f->shift[0],
			.poison = true,
		};
		struct world world = { .format = f,
				       .page = (pw_va)1 << f->shift[0],
				       .pa = options.base };

		if (!pw_format_can_edit(f))
			continue;
		assert_int_equal(pw_arena_create(&options, &world.arena, NULL), 0);
		assert_int_equal(pw_space_create(world.arena, f, NULL, &world.space, NULL), 0);
		test(&world);
		pw_space_destroy(world.space);
		assert_int_equal(pw_arena_free_bytes(world.arena), pw_arena_bytes(world.arena));
		pw_arena_destroy(world.arena);
	}
}

#define ON_EVERY_FORMAT(test)                  \
	static void every_##test(void **state) \
	{                                      \
		(void)state;                   \
		run_every(test);               \
	}

#endif
