/* SPDX-License-Identifier: MIT */
/* What the tests of pages that go and move share: a machine with swap, entries, patterns. */
#ifndef TESTS_MM_SWAP_TEST_H
#define TESTS_MM_SWAP_TEST_H

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "mm/rmap/rmap.h"
#include "mm/soft.h"
#include "mm/swap/reclaim.h"
#include "mm/swap/swap.h"
#include "mm_test.h"
#include "mutants/choose.h"

static const int RW_PROT = PROT_READ | PROT_WRITE;

/* As close_mm, when @frames frames are broken and gone. */
static inline void close_broken(struct mm_world *world, uint64_t frames)
{
	struct pw_arena *arena = pw_machine_arena(world->machine);
	struct pw_arena_faults faults;

	pw_cpu_destroy(world->cpu);
	pw_mm_destroy(world->mm);
	pw_arena_faults(arena, &faults);
	assert_int_equal(faults.underflows, 0);
	assert_int_equal(pw_arena_free_bytes(arena), pw_arena_bytes(arena) - frames * world->page);
	pw_machine_destroy(world->machine);
}

static inline struct pw_machine_info info_of(const struct mm_world *world)
{
	struct pw_machine_info info;

	pw_machine_info(world->machine, &info);
	return info;
}

static inline struct pw_slot slot_at(const struct mm_world *world, struct pw_mm *mm, pw_va va)
{
	struct pw_slot slot;

	(void)world;
	pw_slot_find(pw_mm_space(mm), va, &slot);
	return slot;
}

static inline bool is_swapped(const struct mm_world *world, pw_va va)
{
	struct pw_slot slot = slot_at(world, world->mm, va);

	return pw_slot_is_soft(pw_mm_space(world->mm), &slot, PW_SOFT_SWAP);
}

static inline bool is_present(const struct mm_world *world, pw_va va)
{
	return slot_at(world, world->mm, va).kind == PW_SLOT_PAGE;
}

/* The frame that is mapped at @va. */
static inline uint32_t frame_at(const struct mm_world *world, pw_va va)
{
	struct pw_slot slot = slot_at(world, world->mm, va);

	assert_int_equal(slot.kind, PW_SLOT_PAGE);
	return pw_arena_frame(pw_machine_arena(world->machine), slot.pa);
}

static inline void store_at(struct mm_world *world, pw_va va, uint64_t value)
{
	if (!pw_store_u64(world->cpu, va, value))
		fail_msg("%s: store at 0x%llx: %s", world->format->name, (unsigned long long)va,
			 pw_fault_name(pw_cpu_fault(world->cpu)->kind));
}

static inline uint64_t load_at(struct mm_world *world, pw_va va)
{
	uint64_t value = 0;

	if (!pw_load_u64(world->cpu, va, &value))
		fail_msg("%s: load at 0x%llx: %s", world->format->name, (unsigned long long)va,
			 pw_fault_name(pw_cpu_fault(world->cpu)->kind));
	return value;
}

/* The word of page @i; each page has another one. */
static inline uint64_t pattern(uint64_t i)
{
	return (i + 1) * UINT64_C(0x9e3779b97f4a7c15);
}

static inline void store_pattern(struct mm_world *world, pw_va va, uint64_t pages)
{
	for (uint64_t i = 0; i < pages; i++) {
		store_at(world, va + i * world->page, pattern(i));
		store_at(world, va + (i + 1) * world->page - 8, ~pattern(i));
	}
}

static inline void check_pattern(struct mm_world *world, pw_va va, uint64_t pages)
{
	for (uint64_t i = 0; i < pages; i++) {
		assert_int_equal(load_at(world, va + i * world->page), pattern(i));
		assert_int_equal(load_at(world, va + (i + 1) * world->page - 8), ~pattern(i));
	}
}

static inline void unmap_all(struct mm_world *world, pw_va va, uint64_t pages)
{
	assert_int_equal(pw_munmap(world->mm, va, pages * world->page), 0);
}

/* Reclaims all that can be reclaimed. */
static inline uint64_t reclaim_all(struct mm_world *world)
{
	return pw_reclaim(world->machine, UINT64_MAX);
}

/* All slots are free again. */
static inline void check_slots(const struct mm_world *world)
{
	struct pw_machine_info info = info_of(world);

	assert_int_equal(info.swap_free_bytes, info.swap_bytes);
}

#endif
