/* SPDX-License-Identifier: MIT */
/* What tests of mmap's family share: the VMAs as text, and bytes at virtual addresses. */
#ifndef TESTS_MM_VMA_TEST_H
#define TESTS_MM_VMA_TEST_H

#include <signal.h>
#include <stdio.h>

#include "mm/mm_test.h"

enum { RW = PROT_READ | PROT_WRITE, ANON = MAP_PRIVATE | MAP_ANONYMOUS };

struct vma_text {
	pw_va base;
	uint64_t page;
	char text[1024];
	size_t length;
};

static inline int add_vma(void *context, const struct pw_vma_info *vma)
{
	struct vma_text *t = context;

	t->length += (size_t)snprintf(
		t->text + t->length, sizeof(t->text) - t->length, "%s%lld+%llu %c%c%c%c",
		t->length ? ", " : "", (long long)(vma->first - t->base) / (long long)t->page,
		(unsigned long long)((vma->last - vma->first + 1) / t->page),
		vma->prot & PROT_READ ? 'r' : '-', vma->prot & PROT_WRITE ? 'w' : '-',
		vma->prot & PROT_EXEC ? 'x' : '-', vma->shared ? 's' : 'p');
	return 0;
}

/* All VMAs of @mm: "page+pages permissions", pages counted from @base. */
static inline void assert_vmas_of(struct mm_world *world, struct pw_mm *mm, pw_va base,
				  const char *expected)
{
	struct vma_text t = { .base = base, .page = world->page };

	assert_int_equal(pw_mm_vmas(mm, add_vma, &t), 0);
	assert_string_equal(t.text, expected);
}

static inline void assert_vmas(struct mm_world *world, pw_va base, const char *expected)
{
	assert_vmas_of(world, world->mm, base, expected);
}

/* Room that tests map into: nothing is mapped there. */
static inline pw_va room(struct mm_world *world, uint64_t pages)
{
	pw_va va = map_anon(world, pages, PROT_NONE);

	assert_int_equal(pw_munmap(world->mm, va, pages * world->page), 0);
	return va;
}

static inline void map_at(struct mm_world *world, pw_va va, uint64_t pages, int prot, int flags)
{
	assert_int_equal(
		pw_mmap(world->mm, va, pages * world->page, prot, flags | MAP_FIXED, NULL, 0),
		(pw_sva)va);
}

static inline void write_byte(struct pw_mm *mm, pw_va va, unsigned char byte)
{
	struct iovec from = { &byte, 1 };
	struct pw_extent to = { va, 1 };

	assert_int_equal(pw_mm_fault(mm, va, PW_ACCESS_WRITE, NULL), PW_FAULT_DONE);
	assert_int_equal(pw_mm_write(mm, &to, 1, &from, 1, false), 1);
}

static inline unsigned char read_byte(struct pw_mm *mm, pw_va va)
{
	unsigned char byte = 0xee;
	struct iovec to = { &byte, 1 };
	struct pw_extent from = { va, 1 };

	assert_int_equal(pw_mm_read(mm, &to, 1, &from, 1, false), 1);
	return byte;
}

/* The physical page at @va, or 0. */
static inline pw_pa page_at(struct pw_mm *mm, pw_va va)
{
	struct pw_slot slot;

	pw_slot_find(mm->space, va, &slot);
	return slot.kind == PW_SLOT_PAGE ? slot.pa : 0;
}

#endif
