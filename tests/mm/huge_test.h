/* SPDX-License-Identifier: MIT */
/* Machines whose memory holds huge pages, and looks at how pages are mapped. */
#ifndef TESTS_MM_HUGE_TEST_H
#define TESTS_MM_HUGE_TEST_H

#include "mm/huge/huge.h"
#include "mm_test.h"

enum {
	HUGE_PAGES = 20, /* huge pages that the memory holds; the huge zero page needs 16 */
	LARGEST_LG2 = 21, /* larger ones would take too long to fill */
};

static const int RW = PROT_READ | PROT_WRITE;

/* log2 of a huge page of level 1; 0: the format has none, or too large ones. */
static inline unsigned huge_lg2_of(const struct pw_format *format)
{
	if (format->levels < 2 || !(format->leaf_levels & 2) || format->shift[1] > LARGEST_LG2 ||
	    format->shift[1] - format->shift[0] >= PW_ORDERS)
		return 0;
	return format->shift[1];
}

/* Runs @test in a machine of every format with huge pages, with these options. */
static inline void for_each_huge(const struct pw_machine_options *options,
				 void (*test)(struct mm_world *world))
{
	const struct pw_format *format;
	unsigned formats = 0;

	for (size_t i = 0; (format = pw_format_at(i)); i++) {
		struct pw_machine_options all = *options;
		struct mm_world world;

		if (!pw_format_can_edit(format) || huge_lg2_of(format) == 0)
			continue;
		all.bytes = (uint64_t)HUGE_PAGES << huge_lg2_of(format);
		world = open_mm(format, &all);
		test(&world);
		close_mm(&world);
		formats++;
	}
	assert_true(formats > 5);
}

static inline uint64_t huge_bytes(const struct mm_world *world)
{
	return UINT64_C(1) << world->format->shift[1];
}

static inline uint32_t huge_pages(const struct mm_world *world)
{
	return (uint32_t)(huge_bytes(world) / world->page);
}

/* Maps @count huge pages of private memory, aligned to their size. */
static inline pw_va map_huge(struct mm_world *world, unsigned count)
{
	const uint64_t huge = huge_bytes(world), bytes = (count + 1) * huge;
	pw_sva va = pw_mmap(world->mm, 0, bytes, RW, MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0);
	pw_va first;

	assert_false(pw_is_error(va));
	first = ((pw_va)va + huge - 1) & ~(huge - 1);
	if (first > (pw_va)va)
		assert_int_equal(pw_munmap(world->mm, (pw_va)va, first - (pw_va)va), 0);
	if (first + count * huge < (pw_va)va + bytes)
		assert_int_equal(pw_munmap(world->mm, first + count * huge,
					   (pw_va)va + bytes - first - count * huge),
				 0);
	return first;
}

static inline void unmap_huge(struct mm_world *world, pw_va va, unsigned count)
{
	assert_int_equal(pw_munmap(world->mm, va, count * huge_bytes(world)), 0);
}

/* Marks the VMA at @va as madvise(MADV_HUGEPAGE) does. */
static inline void advise_huge(struct mm_world *world, pw_va va)
{
	pw_mm_write_lock(world->mm);
	pw_vma_find(world->mm, va)->flags |= PW_VM_HUGEPAGE;
	pw_mm_write_unlock(world->mm);
}

static inline struct pw_slot slot_at(const struct pw_mm *mm, pw_va va)
{
	struct pw_slot slot;

	pw_slot_find(mm->space, va, &slot);
	return slot;
}

static inline uint32_t frame_at(const struct mm_world *world, pw_va va)
{
	struct pw_slot slot = slot_at(world->mm, va);

	assert_int_equal(slot.kind, PW_SLOT_PAGE);
	return pw_arena_frame(world->machine->arena, slot.pa) +
	       (uint32_t)((va & pw_mask(world->format->shift[slot.level])) / world->page);
}

static inline unsigned order_at(const struct mm_world *world, pw_va va)
{
	return pw_link_order(pw_frame_link(world->machine->arena, frame_at(world, va)));
}

static inline void put(struct mm_world *world, pw_va va, uint8_t value)
{
	assert_true(pw_store_u8(world->cpu, va, value));
}

static inline uint8_t get(struct mm_world *world, pw_va va)
{
	uint8_t value = 0;

	assert_true(pw_load_u8(world->cpu, va, &value));
	return value;
}

/* A value for page @i: not 0. */
static inline uint8_t value_of(uint32_t i)
{
	return (uint8_t)(i * 7 % 255 + 1);
}

/* Writes to every @step-th page of a huge page. */
static inline void fill(struct mm_world *world, pw_va va, uint32_t step)
{
	for (uint32_t i = 0; i < huge_pages(world); i += step)
		put(world, va + i * world->page + i % 64, value_of(i));
}

/* Checks what fill() wrote, and zeros between. */
static inline void check_fill(struct mm_world *world, pw_va va, uint32_t step)
{
	for (uint32_t i = 0; i < huge_pages(world); i++)
		assert_int_equal(get(world, va + i * world->page + i % 64),
				 i % step == 0 ? value_of(i) : 0);
}

/* All references of the folio at @va are those of entries. */
static inline void check_counts(const struct mm_world *world, pw_va va, uint32_t entries)
{
	uint32_t head = pw_folio_head(world->machine->arena, frame_at(world, va));

	assert_int_equal(pw_page_references(world->machine, head), entries);
	assert_int_equal(pw_page_of(world->machine, head)->mapped, entries);
}

#endif
