/* SPDX-License-Identifier: MIT */
/* Pins and their release, for the tests of pins. */
#ifndef TESTS_MM_PIN_TEST_H
#define TESTS_MM_PIN_TEST_H

#include "mm_test.h"

static const int RW_PROT = PROT_READ | PROT_WRITE;

static inline void unpin(struct mm_world *world, const pw_pa *page, long count, unsigned flags)
{
	assert_true(count >= 0);
	pw_unpin_pages(pw_cpu_reader(world->cpu), page, (size_t)count, flags, flags & PW_PIN_WRITE);
}

/* Pins one page and gives it back; the result of pw_pin. */
static inline long try_pin(struct mm_world *world, pw_va va, unsigned flags)
{
	pw_pa page;
	long count = pw_pin(world->cpu, va, 1, flags, &page, NULL);

	if (count > 0)
		unpin(world, &page, count, flags);
	return count;
}

static inline void store(struct mm_world *world, pw_va va, uint8_t value)
{
	assert_true(pw_store_u8(world->cpu, va, value));
}

#endif
