/* SPDX-License-Identifier: MIT */
/* Copies between address spaces, and where they end. */
#include "mm_test.h"

static const int RW_PROT = PROT_READ | PROT_WRITE;

static struct pw_extent there(pw_va va, uint64_t bytes)
{
	return (struct pw_extent){ va, bytes };
}

static unsigned char *pattern(size_t bytes)
{
	unsigned char *buffer = malloc(bytes);

	assert_non_null(buffer);
	for (size_t i = 0; i < bytes; i++)
		buffer[i] = (unsigned char)(i * 7 + i / 251);
	return buffer;
}

/* Pieces of all sizes and offsets, written and read again by other pieces. */
static void check_pieces(struct mm_world *world)
{
	const size_t page = (size_t)world->page, bytes = 3 * page;
	const pw_va va = map_anon(world, 4, RW_PROT);
	unsigned char *from = pattern(bytes), *to = calloc(1, bytes);
	struct iovec own[3] = { { from, 1 }, { from + 1, 0 }, { from + 1, bytes - 1 } };
	struct pw_extent theirs[2] = { there(va + 5, page), there(va + 5 + page, 2 * page) };
	struct iovec back[2] = { { to, page + 9 }, { to + page + 9, bytes - page - 9 } };
	struct pw_extent again[2] = { there(va + 5, 2 * page - 3),
				      there(va + 2 + 2 * page, page + 3) };

	assert_non_null(to);
	assert_int_equal(pw_mm_write(world->mm, theirs, 2, own, 3, false), (long)bytes);
	assert_int_equal(pw_mm_read(world->mm, back, 2, again, 2, false), (long)bytes);
	assert_memory_equal(from, to, bytes);
	free(from);
	free(to);
	assert_int_equal(pw_munmap(world->mm, va, 4 * page), 0);
}

static void test_pieces(void **state)
{
	for_each_mm(check_pieces);
}

/*
 * What was copied before a page that cannot be had counts, as on Linux 6.18: also a part of an iovec. (The
 * manual promises whole iovecs.)
 */
static void check_ends(struct mm_world *world)
{
	const size_t page = (size_t)world->page;
	const pw_va va = map_anon(world, 4, RW_PROT);
	unsigned char *buffer = pattern(4 * page);
	struct iovec own = { buffer, 4 * page };
	struct pw_extent all = there(va, 4 * page), hole = there(va + 2 * page, page);
	struct pw_extent inside = there(va + 100, 3 * page);
	struct pw_extent two[2] = { there(va, page), there(va + page, 3 * page) };

	assert_int_equal(pw_munmap(world->mm, va + 2 * page, page), 0);
	assert_int_equal(pw_mm_read(world->mm, &own, 1, &all, 1, false), (long)(2 * page));
	assert_int_equal(pw_mm_read(world->mm, &own, 1, two, 2, false), (long)(2 * page));
	assert_int_equal(pw_mm_read(world->mm, &own, 1, &inside, 1, false), (long)(2 * page - 100));
	assert_int_equal(pw_mm_read(world->mm, &own, 1, &hole, 1, false), -EFAULT);
	assert_int_equal(pw_mm_read(world->mm, &own, 1, &hole, 1, true), -EIO);
	/* The caller's room ends first. */
	own.iov_len = 10;
	assert_int_equal(pw_mm_read(world->mm, &own, 1, &all, 1, false), 10);
	free(buffer);
	assert_int_equal(pw_munmap(world->mm, va, 4 * page), 0);
}

static void test_ends(void **state)
{
	for_each_mm(check_ends);
}

static void check_force(struct mm_world *world)
{
	const pw_va ro = map_anon(world, 1, PROT_READ), none = map_anon(world, 1, PROT_NONE);
	unsigned char out = 7, in = 0;
	struct iovec own = { &out, 1 }, back = { &in, 1 };
	struct pw_extent at = there(ro, 1), hidden = there(none, 1);

	assert_int_equal(pw_mm_write(world->mm, &at, 1, &own, 1, false), -EFAULT);
	assert_int_equal(pw_mm_write(world->mm, &at, 1, &own, 1, true), 1);
	assert_int_equal(pw_mm_read(world->mm, &back, 1, &at, 1, false), 1);
	assert_int_equal(in, 7);
	assert_int_equal(pw_mm_read(world->mm, &back, 1, &hidden, 1, false), -EFAULT);
	assert_int_equal(pw_munmap(world->mm, ro, world->page), 0);
	assert_int_equal(pw_munmap(world->mm, none, world->page), 0);
}

static void test_force(void **state)
{
	for_each_mm(check_force);
}

static void check_arguments(struct mm_world *world)
{
	static struct iovec many[1025];
	static struct pw_extent many_extents[1025];
	const pw_va va = map_anon(world, 1, RW_PROT);
	unsigned char byte = 0;
	struct iovec own = { &byte, 1 }, long_own = { &byte, SIZE_MAX };
	struct pw_extent at = there(va, 1), long_one = there(va, UINT64_MAX);

	assert_int_equal(pw_mm_read(world->mm, NULL, 0, &at, 1, false), 0);
	assert_int_equal(pw_mm_read(world->mm, &own, 1, NULL, 0, false), 0);
	assert_int_equal(pw_mm_read(world->mm, many, 1025, &at, 1, false), -EINVAL);
	assert_int_equal(pw_mm_read(world->mm, &own, 1, many_extents, 1025, false), -EINVAL);
	assert_int_equal(pw_mm_read(world->mm, &own, 1, &long_one, 1, false), -EINVAL);
	assert_int_equal(pw_mm_read(world->mm, &long_own, 1, &at, 1, false), -EINVAL);
	assert_int_equal(pw_mm_read(world->mm, NULL, 1, &at, 1, false), -EFAULT);
	assert_int_equal(pw_mm_read(NULL, &own, 1, &at, 1, false), -EINVAL);
	assert_int_equal(pw_munmap(world->mm, va, world->page), 0);
}

static void test_arguments(void **state)
{
	for_each_mm(check_arguments);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_force),
		cmocka_unit_test(test_arguments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
