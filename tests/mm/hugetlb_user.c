/* SPDX-License-Identifier: MIT */
/* Handlers of user faults in hugetlb: missing, minor, write protection. On every format that has huge pages. */
#include "hugetlb_test.h"
#include "mm/soft.h"
#include "mutants/choose.h"

/* What the handler does, and what it was asked. */
struct handler {
	struct huge_world *world;
	unsigned char *content; /* of a hugetlb page */
	unsigned calls;
	enum pw_user_fault what;
	pw_va va;
	bool write, protect;
	int result;
};

static int handle(void *context, struct pw_mm *mm, pw_va va, enum pw_user_fault what, bool write)
{
	struct handler *handler = context;
	const uint64_t size = handler->world->size;

	handler->calls++;
	handler->what = what;
	handler->va = va;
	handler->write = write;
	switch (what) {
	case PW_USER_MISSING:
		handler->result = pw_user_copy(mm, va, handler->content, size, handler->protect);
		break;
	case PW_USER_MINOR:
		handler->result = pw_user_continue(mm, va, size);
		break;
	case PW_USER_WRITE_PROTECT:
		handler->result = pw_user_protect(mm, va, size, false);
		break;
	}
	return handler->result;
}

static struct handler new_handler(struct huge_world *world)
{
	struct handler handler = { .world = world, .content = malloc((size_t)world->size) };

	assert_non_null(handler.content);
	for (uint64_t i = 0; i < world->size; i++)
		handler.content[i] = pattern(i);
	return handler;
}

static void missing(struct huge_world *world, int flags)
{
	const uint64_t size = world->size;
	struct handler handler = new_handler(world);
	struct pw_file *file = new_file(world, 2);
	struct pw_mm *mm = world->mm.mm;
	pw_va va = map_all(world, file, 2, flags);

	/* Whole hugetlb pages. */
	assert_int_equal(
		pw_user_register(mm, va, size - world->mm.page, PW_USER_MISSING, handle, &handler),
		-EINVAL);
	assert_int_equal(pw_user_register(mm, va, 2 * size, PW_USER_MISSING, handle, &handler), 0);
	assert_int_equal(get(&world->mm, va + size / 2 + 3), pattern(size / 2 + 3));
	assert_int_equal(handler.calls, 1);
	assert_int_equal(handler.what, PW_USER_MISSING);
	assert_int_equal(handler.va, va);
	assert_false(handler.write);
	put(&world->mm, va + 5, 0x71);
	assert_int_equal(get(&world->mm, va + 5), 0x71);
	assert_int_equal(handler.calls, 1);
	assert_int_equal(pw_user_copy(mm, va, handler.content, size, false), -EEXIST);
	assert_int_equal(pw_user_copy(mm, va + size, handler.content, world->mm.page, false),
			 -EINVAL);
	assert_int_equal(pw_user_zero(mm, va + size, size), -EINVAL);
	put(&world->mm, va + size, 0x72);
	assert_int_equal(handler.calls, 2);
	assert_true(handler.write);
	assert_int_equal(get(&world->mm, va + size + 1), pattern(1));
	assert_int_equal(pw_user_unregister(mm, va, 2 * size), 0);
	unmap(&world->mm, va, 2 * size);
	pw_file_put(file);
	free(handler.content);
}

static void missing_both(struct huge_world *world)
{
	missing(world, SHARED);
	missing(world, PRIVATE);
}

static void test_missing(void **state)
{
	(void)state;
	for_each_huge(missing_both);
}

/* Pages that the file has are asked for as minor faults; poison is an entry of its own. */
static void minor(struct huge_world *world)
{
	const uint64_t size = world->size;
	struct handler handler = new_handler(world);
	struct pw_file *file = new_file(world, 2);
	struct pw_mm *mm = world->mm.mm;
	pw_va va = map_all(world, file, 2, SHARED), other = map_all(world, file, 2, SHARED);
	int error;

	put(&world->mm, other + 9, 0x71);
	assert_int_equal(pw_user_register(mm, va, 2 * size, PW_USER_MINOR, handle, &handler), 0);
	assert_int_equal(get(&world->mm, va + 9), 0x71);
	assert_int_equal(handler.calls, 1);
	assert_int_equal(handler.what, PW_USER_MINOR);
	assert_int_equal(pw_user_continue(mm, va, size), -EEXIST);
	/* There is no page to go on with. */
	assert_int_equal(pw_user_continue(mm, va + size, size), -EFAULT);
	error = pw_user_poison(mm, va + size, size);
	assert_int_equal(error, pw_soft_levels(mm->space) >> world->level & 1 ? 0 : -EINVAL);
	if (!error)
		refused(&world->mm, va + size, PW_ACCESS_READ, PW_FAULT_POISON);
	unmap(&world->mm, va, 2 * size);
	unmap(&world->mm, other, 2 * size);
	pw_file_put(file);
	free(handler.content);
}

static void test_minor(void **state)
{
	(void)state;
	for_each_huge(minor);
}

/* The first write to a page after it was protected asks the handler; a move keeps the protection. */
static void protect(struct huge_world *world, int flags)
{
	const uint64_t size = world->size;
	struct handler handler = new_handler(world);
	struct pw_file *file = new_file(world, 2);
	struct pw_mm *mm = world->mm.mm;
	pw_va va = map_all(world, file, 2, flags);
	struct pw_result result;

	put(&world->mm, va, 0x71);
	assert_int_equal(pw_user_register(mm, va, 2 * size, PW_USER_MISSING | PW_USER_WRITE_PROTECT,
					  handle, &handler),
			 0);
	assert_int_equal(pw_user_protect(mm, va, world->mm.page, true), -EINVAL);
	assert_int_equal(pw_user_protect(mm, va, size, true), 0);
	assert_int_equal(get(&world->mm, va), 0x71);
	assert_int_equal(mapped(&world->mm, va, &result), PW_OK);
	(void)pw_migrate(world->mm.machine, result.pa);
	assert_int_equal(handler.calls, 0);
	put(&world->mm, va + size / 2, 0x72);
	assert_int_equal(handler.calls, 1);
	assert_int_equal(handler.what, PW_USER_WRITE_PROTECT);
	assert_int_equal(handler.va, va);
	put(&world->mm, va, 0x73);
	assert_int_equal(handler.calls, 1);
	assert_int_equal(get(&world->mm, va + size / 2), 0x72);
	/* A page that comes protected. */
	handler.protect = true;
	assert_int_equal(get(&world->mm, va + size + 4), pattern(4));
	assert_int_equal(handler.calls, 2);
	put(&world->mm, va + size + 4, 0x74);
	assert_int_equal(handler.calls, 3);
	assert_int_equal(handler.what, PW_USER_WRITE_PROTECT);
	assert_int_equal(get(&world->mm, va + size + 4), 0x74);
	assert_int_equal(pw_user_unregister(mm, va, 2 * size), 0);
	unmap(&world->mm, va, 2 * size);
	pw_file_put(file);
	free(handler.content);
}

static void protect_both(struct huge_world *world)
{
	protect(world, SHARED);
	protect(world, PRIVATE);
}

static void test_protect(void **state)
{
	(void)state;
	for_each_huge(protect_both);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_minor),
		cmocka_unit_test(test_protect),
	};

	mutant_choose(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
