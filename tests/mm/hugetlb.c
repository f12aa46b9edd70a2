/* SPDX-License-Identifier: MIT */
/* hugetlb pages: the pool, promises, shared and private mappings. On every format that has huge pages. */
#include "hugetlb_test.h"
#include "mutants/choose.h"

static void shared(struct huge_world *world)
{
	struct pw_file *file = new_file(world, 2);
	pw_va one = map_all(world, file, 2, SHARED), two = map_all(world, file, 2, SHARED);
	struct pw_result result;

	put(&world->mm, one + world->size / 2, 0x71);
	assert_int_equal(get(&world->mm, two + world->size / 2), 0x71);
	assert_int_equal(get(&world->mm, two + world->size / 2 + 1), 0);
	assert_int_equal(mapped(&world->mm, one, &result), PW_OK);
	assert_int_equal(result.level, world->level);
	assert_int_equal(folio_at(&world->mm, one).kind, PW_FOLIO_HUGETLB);
	assert_int_equal(file_byte(file, world->size / 2), 0x71);
	assert_int_equal(file_byte(file, world->size), 0);
	/* Truncation gives pages back to the pool. */
	put(&world->mm, one + world->size, 0x72);
	assert_int_equal(pw_file_truncate(file, world->size + 1), -EINVAL);
	assert_int_equal(pw_file_truncate(file, world->size), 0);
	refused(&world->mm, two + world->size, PW_ACCESS_READ, PW_FAULT_ADRERR);
	assert_int_equal(get(&world->mm, two + world->size / 2), 0x71);
	assert_int_equal(pw_file_punch(file, 0, world->size), 0);
	assert_int_equal(get(&world->mm, two + world->size / 2), 0);
	unmap(&world->mm, one, 2 * world->size);
	unmap(&world->mm, two, 2 * world->size);
	pw_file_put(file);
}

static void test_shared(void **state)
{
	(void)state;
	for_each_huge(shared);
}

/* Writes to a private mapping copy; a page that nobody else has is used again. */
static void private_copies(struct huge_world *world)
{
	struct pw_file *file = new_file(world, 1);
	pw_va all = map_all(world, file, 1, SHARED), mine;

	put(&world->mm, all + 5, 0x73);
	mine = map_all(world, file, 1, PRIVATE);
	assert_int_equal(get(&world->mm, mine + 5), 0x73);
	put(&world->mm, mine + 6, 0x74);
	assert_int_equal(get(&world->mm, mine + 5), 0x73);
	assert_int_equal(get(&world->mm, mine + 6), 0x74);
	assert_int_equal(get(&world->mm, all + 6), 0);
	assert_int_equal(folio_at(&world->mm, mine).kind, PW_FOLIO_ANONYMOUS);
	assert_true(folio_at(&world->mm, mine + world->size / 2).exclusive);
	unmap(&world->mm, mine, world->size);
	unmap(&world->mm, all, world->size);
	pw_file_put(file);
}

static void test_private(void **state)
{
	(void)state;
	for_each_huge(private_copies);
}

/* A mapping is promised its pages, or refused; without promises an empty pool is SIGBUS. */
static void promises(struct huge_world *world)
{
	struct pw_file *file = new_file(world, 2), *large = new_file(world, 4);
	pw_va promised = map_all(world, file, 2, SHARED), one, lazy;
	struct pw_file *again = new_file(world, 2);

	assert_int_equal(map(world, large, 4, SHARED), -ENOMEM);
	assert_int_equal(map(world, again, 2, SHARED), -ENOMEM);
	assert_int_equal(map(world, again, 2, PRIVATE), -ENOMEM);
	one = map_all(world, again, 1, PRIVATE);
	/* The same file again needs no more. */
	unmap(&world->mm, map_all(world, file, 2, SHARED), 2 * world->size);
	lazy = map_all(world, large, 4, SHARED | MAP_NORESERVE);
	refused(&world->mm, lazy, PW_ACCESS_WRITE, PW_FAULT_ADRERR);
	put(&world->mm, promised, 1);
	put(&world->mm, promised + world->size, 2);
	put(&world->mm, one, 3);
	refused(&world->mm, lazy, PW_ACCESS_WRITE, PW_FAULT_ADRERR);
	/* A private mapping gives its page back. */
	unmap(&world->mm, one, world->size);
	put(&world->mm, lazy + world->size, 4);
	unmap(&world->mm, promised, 2 * world->size);
	unmap(&world->mm, lazy, 4 * world->size);
	/* A promise that was not used ends with its mapping. */
	pw_file_put(file);
	pw_file_put(large);
	unmap(&world->mm, map_all(world, again, 2, PRIVATE), 2 * world->size);
	unmap(&world->mm, map_all(world, again, 2, PRIVATE), 2 * world->size);
	pw_file_put(again);
}

static void test_promises(void **state)
{
	(void)state;
	for_each_huge(promises);
}

/* A page that was pinned when its file gave it up is not handed out again before the pin goes. */
static void pinned(struct huge_world *world)
{
	struct pw_file *file = new_file(world, 1), *other = new_file(world, 3);
	struct pw_reader *reader = pw_cpu_reader(world->mm.cpu);
	pw_va va = map_all(world, file, 1, SHARED), lazy;
	enum pw_stop why;
	pw_pa pin;

	put(&world->mm, va, 0x75);
	assert_int_equal(pw_pin_fast(reader, va, 1, PW_PIN_WRITE, &pin, &why), 1);
	unmap(&world->mm, va, world->size);
	pw_file_put(file);
	assert_int_equal(map(world, other, 3, SHARED), -ENOMEM);
	lazy = map_all(world, other, 3, SHARED | MAP_NORESERVE);
	put(&world->mm, lazy, 1);
	put(&world->mm, lazy + world->size, 2);
	refused(&world->mm, lazy + 2 * world->size, PW_ACCESS_WRITE, PW_FAULT_ADRERR);
	assert_int_equal(*byte_at(&world->mm, pin), 0x75);
	pw_unpin_pages(reader, &pin, 1, PW_PIN_WRITE, true);
	put(&world->mm, lazy + 2 * world->size, 3);
	unmap(&world->mm, lazy, 3 * world->size);
	pw_file_put(other);
}

static void test_pinned(void **state)
{
	(void)state;
	for_each_huge(pinned);
}

/* A child of fork sees what was there; a page that may be pinned is copied at once, and stays the parent's. */
static void forked(struct huge_world *world, bool pin)
{
	struct pw_file *file = new_file(world, 1);
	struct pw_reader *reader = pw_cpu_reader(world->mm.cpu);
	pw_va va = map_all(world, file, 1, PRIVATE);
	struct mm_world child = world->mm;
	struct pw_result result, of_child;
	enum pw_stop why;
	pw_pa pa = 0;

	put(&world->mm, va + 7, 0x76);
	if (pin)
		assert_int_equal(pw_pin_fast(reader, va, 1, PW_PIN_WRITE, &pa, &why), 1);
	assert_int_equal(pw_mm_fork(world->mm.mm, &child.mm, NULL), 0);
	assert_int_equal(pw_cpu_create(child.mm, &child.cpu), 0);
	assert_int_equal(mapped(&world->mm, va, &result), PW_OK);
	assert_int_equal(mapped(&child, va, &of_child), PW_OK);
	assert_int_equal(of_child.level, world->level);
	assert_true(pin == (result.pa != of_child.pa));
	assert_true(pin == folio_at(&world->mm, va).exclusive);
	put(&world->mm, va + 7, 0x77);
	assert_int_equal(get(&child, va + 7), 0x76);
	put(&child, va + 8, 0x78);
	assert_int_equal(get(&world->mm, va + 7), 0x77);
	assert_int_equal(get(&world->mm, va + 8), 0);
	if (pin) {
		assert_int_equal(*byte_at(&world->mm, pa + 7), 0x77);
		pw_unpin_pages(reader, &pa, 1, PW_PIN_WRITE, true);
	}
	pw_cpu_destroy(child.cpu);
	pw_mm_destroy(child.mm);
	unmap(&world->mm, va, world->size);
	pw_file_put(file);
}

static void fork_both(struct huge_world *world)
{
	forked(world, false);
	forked(world, true);
}

static void test_fork(void **state)
{
	(void)state;
	for_each_huge(fork_both);
}

/* MAP_ANONYMOUS with MAP_HUGETLB: the length is rounded up. A part cannot be unmapped. */
static void anonymous(struct huge_world *world)
{
	const int flags[] = { MAP_PRIVATE, MAP_SHARED };
	struct pw_machine_info info;

	for (unsigned i = 0; i < 2; i++) {
		pw_sva va = pw_mmap(world->mm.mm, 0, world->size + 1, RW,
				    flags[i] | MAP_ANONYMOUS | MAP_HUGETLB, NULL, 0);

		assert_false(pw_is_error(va));
		put(&world->mm, (pw_va)va + 2 * world->size - 1, 0x79);
		pw_machine_info(world->mm.machine, &info);
		assert_int_equal(info.shared, world->size);
		assert_int_equal(info.anonymous, 0);
		refused(&world->mm, (pw_va)va + 2 * world->size, PW_ACCESS_READ, PW_FAULT_MAPERR);
		assert_int_equal(pw_munmap(world->mm.mm, (pw_va)va, world->size + 1), -EINVAL);
		unmap(&world->mm, (pw_va)va, 2 * world->size);
		pw_machine_info(world->mm.machine, &info);
		assert_int_equal(info.shared, 0);
		assert_int_equal(info.anonymous, 0);
	}
	assert_int_equal(
		pw_mmap(world->mm.mm, 0, 0, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, NULL, 0),
		-EINVAL);
	assert_int_equal(pw_mmap(world->mm.mm, 0, UINT64_MAX, RW,
				 MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, NULL, 0),
			 -EINVAL);
}

static void test_anonymous(void **state)
{
	(void)state;
	for_each_huge(anonymous);
}

static void test_refusals(void **state)
{
	const struct pw_format *format = pw_format_find("x86_64-4level");
	struct pw_machine_options options = { .bytes = 16 << 20 };
	struct mm_world world;
	struct pw_error error;
	struct pw_file *file;

	(void)state;
	format = format ? format : pw_format_at(0);
	world = open_mm(format, &options);
	assert_int_equal(pw_hugetlb_create(world.machine, 1, 0, &file, &error), -EINVAL);
	assert_int_equal(pw_hugetlb_create(world.machine, 0, 13, &file, &error), -EINVAL);
	assert_int_equal(pw_hugetlb_create(NULL, 0, 0, &file, &error), -EINVAL);
	close_mm(&world);
	options.format = format;
	options.hugetlb_bytes = 4096;
	assert_int_equal(pw_machine_create(&options, &world.machine, &error), -EINVAL);
	options.hugetlb_bytes = 32 << 20;
	assert_int_equal(pw_machine_create(&options, &world.machine, &error), -ENOMEM);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shared),   cmocka_unit_test(test_private),
		cmocka_unit_test(test_promises), cmocka_unit_test(test_pinned),
		cmocka_unit_test(test_fork),     cmocka_unit_test(test_anonymous),
		cmocka_unit_test(test_refusals),
	};

	mutant_choose(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
