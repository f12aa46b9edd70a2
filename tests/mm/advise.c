/* SPDX-License-Identifier: MIT */
/* madvise: what pages and VMAs become, and what is refused; maps and pagemap. */
#include <stdio.h>

#include "mm/vma_test.h"

enum {
	GUARD_INSTALL = 102,
	GUARD_REMOVE = 103,
	REMOVE = 9,
	POPULATE_READ = 22,
	POPULATE_WRITE = 23
};

static int advise(struct mm_world *w, pw_va va, uint64_t pages, int what)
{
	return pw_madvise(w->mm, va, pages * w->page, what);
}

static void drop(struct mm_world *w)
{
	pw_va va = room(w, 16);
	struct pw_mm_info info;

	map_at(w, va, 4, RW, ANON);
	map_at(w, va + 6 * w->page, 2, RW, ANON);
	for (unsigned i = 0; i < 4; i++)
		write_byte(w->mm, va + i * w->page, 1);
	write_byte(w->mm, va + 6 * w->page, 2);
	assert_int_equal(advise(w, va, 2, MADV_DONTNEED), 0);
	assert_int_equal(read_byte(w->mm, va), 0);
	assert_int_equal(read_byte(w->mm, va + 2 * w->page), 1);
	/* A hole is told of at the end: what lies behind it is gone as well. */
	assert_int_equal(advise(w, va, 8, MADV_DONTNEED), -ENOMEM);
	pw_mm_info(w->mm, &info);
	assert_int_equal(info.anonymous, 0);
	assert_int_equal(read_byte(w->mm, va + 6 * w->page), 0);
	assert_int_equal(pw_mlock(w->mm, va, w->page, 0), 0);
	assert_int_equal(advise(w, va, 2, MADV_DONTNEED), -EINVAL);
	assert_int_equal(advise(w, va, 2, 24), 0); /* MADV_DONTNEED_LOCKED */
}

static void test_drop(void **state)
{
	(void)state;
	for_each_mm(drop);
}

static void guard(struct mm_world *w)
{
	pw_va va = room(w, 16);
	struct pw_fault fault;
	uint64_t word;

	map_at(w, va, 8, RW, ANON);
	write_byte(w->mm, va + w->page, 1);
	if (advise(w, va + w->page, 2, GUARD_INSTALL) == -EINVAL) /* no markers in this format */
		return;
	assert_int_equal(pw_mm_fault(w->mm, va + w->page, PW_ACCESS_READ, &fault), PW_FAULT_MAPERR);
	assert_int_equal(fault.code, SEGV_MAPERR);
	assert_int_equal(pw_mm_fault(w->mm, va, PW_ACCESS_READ, NULL), PW_FAULT_DONE);
	assert_int_equal(pw_mm_pagemap(w->mm, va + 2 * w->page, 1, &word), 0);
	assert_true(word >> 58 & 1);
	/* Guards stay when pages go, and move with them. */
	assert_int_equal(advise(w, va, 8, MADV_DONTNEED), 0);
	assert_int_equal(pw_mm_fault(w->mm, va + 2 * w->page, PW_ACCESS_WRITE, NULL),
			 PW_FAULT_MAPERR);
	assert_int_equal(advise(w, va, 8, GUARD_REMOVE), 0);
	assert_int_equal(read_byte(w->mm, va + w->page), 0);
	assert_int_equal(pw_mlock(w->mm, va, w->page, 0), 0);
	assert_int_equal(advise(w, va, 1, GUARD_INSTALL), -EINVAL);
	assert_int_equal(advise(w, va, 1, GUARD_REMOVE), 0);
}

/* A child has the guards of its parent, also of a VMA that took in a part without guards. */
static void guard_forked(struct mm_world *w)
{
	const pw_va va = room(w, 8);
	struct pw_file *file;
	struct pw_mm *child;
	uint64_t word;

	assert_int_equal(pw_shmem_create(w->machine, 4 * w->page, &file, NULL), 0);
	assert_int_equal(pw_mmap(w->mm, va, 4 * w->page, RW, MAP_SHARED | MAP_FIXED, file, 0), va);
	assert_int_equal(pw_mprotect(w->mm, va, w->page, PROT_READ), 0);
	if (advise(w, va + 2 * w->page, 1, GUARD_INSTALL) == 0) {
		assert_int_equal(pw_mprotect(w->mm, va, w->page, RW), 0);
		assert_int_equal(pw_mm_fork(w->mm, &child, NULL), 0);
		assert_int_equal(pw_mm_pagemap(child, va + 2 * w->page, 1, &word), 0);
		assert_true(word >> 58 & 1);
		pw_mm_destroy(child);
	}
	assert_int_equal(pw_munmap(w->mm, va, 4 * w->page), 0);
	pw_file_put(file);
}

static void test_guard_forked(void **state)
{
	(void)state;
	for_each_mm(guard_forked);
}

static void test_guard(void **state)
{
	(void)state;
	for_each_mm(guard);
}

static void forks(struct mm_world *w)
{
	pw_va va = room(w, 16);
	struct pw_mm *child;

	map_at(w, va, 6, RW, ANON);
	for (unsigned i = 0; i < 6; i++)
		write_byte(w->mm, va + i * w->page, 1);
	assert_int_equal(advise(w, va, 2, MADV_DONTFORK), 0);
	assert_int_equal(advise(w, va + 2 * w->page, 2, MADV_WIPEONFORK), 0);
	assert_vmas(w, va, "0+2 rw-p, 2+2 rw-p, 4+2 rw-p");
	assert_int_equal(pw_mm_fork(w->mm, &child, NULL), 0);
	assert_vmas_of(w, child, va, "2+2 rw-p, 4+2 rw-p");
	assert_int_equal(read_byte(child, va + 2 * w->page), 0);
	assert_int_equal(read_byte(child, va + 4 * w->page), 1);
	assert_int_equal(read_byte(w->mm, va + 2 * w->page), 1);
	pw_mm_destroy(child);
	assert_int_equal(advise(w, va, 6, MADV_DOFORK), 0);
	assert_int_equal(advise(w, va, 6, MADV_KEEPONFORK), 0);
	assert_vmas(w, va, "0+6 rw-p");
}

static void test_forks(void **state)
{
	(void)state;
	for_each_mm(forks);
}

static void populate(struct mm_world *w)
{
	pw_va va = room(w, 16);
	unsigned char present[4];

	map_at(w, va, 2, RW, ANON);
	map_at(w, va + 2 * w->page, 2, PROT_READ, ANON);
	assert_int_equal(advise(w, va, 2, POPULATE_WRITE), 0);
	assert_int_equal(pw_mincore(w->mm, va, 4 * w->page, present), 0);
	assert_memory_equal(present, "\1\1\0\0", 4);
	assert_int_equal(advise(w, va, 4, POPULATE_WRITE), -EINVAL);
	assert_int_equal(advise(w, va, 4, POPULATE_READ), 0);
	assert_int_equal(pw_mincore(w->mm, va, 4 * w->page, present), 0);
	assert_memory_equal(present, "\1\1\1\1", 4);
	assert_int_equal(advise(w, va, 5, POPULATE_READ), -ENOMEM);
}

static void test_populate(void **state)
{
	(void)state;
	for_each_mm(populate);
}

static void errors(struct mm_world *w)
{
	pw_va va = room(w, 16);

	map_at(w, va, 2, RW, ANON);
	map_at(w, va + 2 * w->page, 2, RW, MAP_SHARED | MAP_ANONYMOUS);
	map_at(w, va + 4 * w->page, 2, PROT_READ, MAP_SHARED | MAP_ANONYMOUS);
	assert_int_equal(advise(w, va, 1, 77), -EINVAL);
	assert_int_equal(advise(w, va + 1, 1, MADV_DONTNEED), -EINVAL);
	assert_int_equal(pw_madvise(w->mm, va, ~UINT64_C(0), MADV_DONTNEED), -EINVAL);
	assert_int_equal(pw_madvise(w->mm, va, 0, MADV_DONTNEED), 0);
	assert_int_equal(pw_madvise(w->mm, va, 0, 77), -EINVAL);
	assert_int_equal(advise(w, va, 1, REMOVE), -EINVAL);
	write_byte(w->mm, va + 2 * w->page, 3);
	assert_int_equal(advise(w, va + 2 * w->page, 2, REMOVE), 0);
	assert_int_equal(read_byte(w->mm, va + 2 * w->page), 0);
	assert_int_equal(advise(w, va + 2 * w->page, 2, MADV_WIPEONFORK), -EINVAL);
	assert_int_equal(advise(w, va + 2 * w->page, 2, 8), -EINVAL); /* MADV_FREE */
	assert_int_equal(advise(w, va + 6 * w->page, 2, MADV_DONTNEED), -ENOMEM);
}

static void test_errors(void **state)
{
	(void)state;
	for_each_mm(errors);
}

static void test_maps(void **state)
{
	struct mm_world w = open_mm(pw_format_find("x86_64"), NULL);
	const pw_va va = 0x7f0000000000;
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	(void)state;
	map_at(&w, va, 2, PROT_READ | PROT_EXEC, ANON);
	map_at(&w, va + 3 * w.page, 1, RW, MAP_SHARED | MAP_ANONYMOUS);
	pw_mm_maps(w.mm, out);
	fclose(out);
	assert_string_equal(text, "7f0000000000-7f0000002000 r-xp 00000000 00:00 0 \n"
				  "7f0000003000-7f0000004000 rw-s 00000000 00:01 0"
				  "                          /dev/zero (deleted)\n");
	free(text);
	close_mm(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_drop),         cmocka_unit_test(test_guard),
		cmocka_unit_test(test_guard_forked), cmocka_unit_test(test_forks),
		cmocka_unit_test(test_populate),     cmocka_unit_test(test_errors),
		cmocka_unit_test(test_maps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
