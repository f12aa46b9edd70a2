/* SPDX-License-Identifier: MIT */
/* Handlers of user faults: what they are asked, what they can answer, and what pins make of it. */
#include "mm_test.h"

#include "mutants/choose.h"

static const int RW_PROT = PROT_READ | PROT_WRITE;

/* A handler that answers as it is told, and remembers what it was asked. */
struct handler {
	enum answer {
		COPY,
		COPY_PROTECTED,
		ZERO,
		UNPROTECT,
		CONTINUE,
		POISON,
		REFUSE,
		NOTHING
	} answer;
	unsigned calls;
	pw_va va;
	enum pw_user_fault what;
	bool write;
	unsigned char page[1 << 16];
};

static int answer(void *context, struct pw_mm *mm, pw_va va, enum pw_user_fault what, bool write)
{
	struct handler *handler = context;
	const uint64_t bytes = pw_page_bytes(mm->machine);

	handler->calls++;
	handler->va = va;
	handler->what = what;
	handler->write = write;
	switch (handler->answer) {
	case COPY:
		return pw_user_copy(mm, va, handler->page, bytes, false);
	case COPY_PROTECTED:
		return what == PW_USER_WRITE_PROTECT
			       ? pw_user_protect(mm, va, bytes, false)
			       : pw_user_copy(mm, va, handler->page, bytes, true);
	case ZERO:
		return pw_user_zero(mm, va, bytes);
	case UNPROTECT:
		return pw_user_protect(mm, va, bytes, false);
	case CONTINUE:
		return pw_user_continue(mm, va, bytes);
	case POISON:
		return pw_user_poison(mm, va, bytes);
	case REFUSE:
		return -EIO;
	case NOTHING:
		break;
	}
	return 0;
}

static void store(struct mm_world *world, pw_va va, uint8_t value)
{
	assert_true(pw_store_u8(world->cpu, va, value));
}

static uint8_t load(struct mm_world *world, pw_va va)
{
	uint8_t value = 0;

	assert_true(pw_load_u8(world->cpu, va, &value));
	return value;
}

static struct handler *new_handler(enum answer what)
{
	struct handler *handler = calloc(1, sizeof(*handler));

	assert_non_null(handler);
	handler->answer = what;
	memset(handler->page, 0x42, sizeof(handler->page));
	return handler;
}

/* ---- registering ---- */

static void check_register(struct mm_world *world)
{
	const uint64_t page = world->page;
	const pw_va va = map_anon(world, 4, RW_PROT);
	struct handler *one = new_handler(COPY), *two = new_handler(COPY);
	struct pw_mm *mm = world->mm;
	struct pw_mm_info info;

	assert_int_equal(pw_user_register(mm, va, page, 0, answer, one), -EINVAL);
	assert_int_equal(pw_user_register(mm, va, page, 8, answer, one), -EINVAL);
	assert_int_equal(pw_user_register(mm, va, page, PW_USER_MISSING, NULL, one), -EINVAL);
	assert_int_equal(pw_user_register(mm, va + 1, page, PW_USER_MISSING, answer, one), -EINVAL);
	assert_int_equal(pw_user_register(mm, va, page + 1, PW_USER_MISSING, answer, one), -EINVAL);
	assert_int_equal(pw_user_register(mm, va, 0, PW_USER_MISSING, answer, one), -EINVAL);
	assert_int_equal(pw_user_register(mm, va, page, PW_USER_MINOR, answer, one), -EINVAL);
	/* A part of a VMA: it is split. */
	assert_int_equal(pw_user_register(mm, va + page, page, PW_USER_MISSING, answer, one), 0);
	pw_mm_info(mm, &info);
	assert_int_equal(info.vmas, 3);
	assert_int_equal(pw_user_register(mm, va, 4 * page, PW_USER_MISSING, answer, two), -EBUSY);
	assert_int_equal(pw_user_copy(mm, va, one->page, page, false), -ENOENT);
	assert_int_equal(pw_user_copy(mm, va + page, one->page, page, true), -EINVAL);
	assert_int_equal(pw_user_protect(mm, va + page, page, true), -ENOENT);
	assert_int_equal(pw_user_unregister(mm, va, 4 * page), 0);
	pw_mm_info(mm, &info);
	assert_int_equal(info.vmas, 1);
	store(world, va + page, 1);
	assert_int_equal(one->calls, 0);
	assert_int_equal(pw_munmap(mm, va, 4 * page), 0);
	assert_int_equal(pw_user_register(mm, va, page, PW_USER_MISSING, answer, one), -EINVAL);
	free(one);
	free(two);
}

static void test_register(void **state)
{
	for_each_mm(check_register);
}

/* ---- missing pages ---- */

static void check_missing(struct mm_world *world)
{
	const uint64_t page = world->page;
	const pw_va va = map_anon(world, 4, RW_PROT);
	struct handler *handler = new_handler(COPY);
	struct pw_mm *mm = world->mm;

	assert_int_equal(pw_user_register(mm, va, 4 * page, PW_USER_MISSING, answer, handler), 0);
	assert_int_equal(load(world, va + 3), 0x42);
	assert_int_equal(handler->calls, 1);
	assert_int_equal(handler->va, va);
	assert_int_equal(handler->what, PW_USER_MISSING);
	assert_false(handler->write);
	store(world, va, 5);
	assert_int_equal(handler->calls, 1);
	assert_int_equal(pw_user_copy(mm, va, handler->page, page, false), -EEXIST);
	assert_int_equal(load(world, va), 5);
	handler->answer = ZERO;
	store(world, va + page, 6);
	assert_true(handler->write);
	assert_int_equal(load(world, va + page + 1), 0);
	assert_int_equal(pw_user_zero(mm, va + page, page), -EEXIST);
	handler->answer = POISON;
	assert_false(pw_store_u8(world->cpu, va + 2 * page, 1));
	assert_int_equal(pw_cpu_fault(world->cpu)->kind, PW_FAULT_POISON);
	assert_int_equal(pw_user_poison(mm, va, page), -EEXIST);
	handler->answer = REFUSE;
	assert_false(pw_store_u8(world->cpu, va + 3 * page, 1));
	assert_int_equal(pw_cpu_fault(world->cpu)->kind, PW_FAULT_ADRERR);
	assert_int_equal(pw_user_continue(mm, va + 3 * page, page), -EINVAL);
	assert_int_equal(pw_munmap(mm, va, 4 * page), 0);
	free(handler);
}

static void test_missing(void **state)
{
	for_each_mm(check_missing);
}

/* A pin asks the handler, too, with no lock held; without faults, or without waiting, it does not. */
static void check_pins(struct mm_world *world)
{
	const uint64_t page = world->page;
	const pw_va va = map_anon(world, 4, RW_PROT);
	struct handler *handler = new_handler(COPY);
	struct pw_pin_result result;
	pw_pa pa[2];

	assert_int_equal(
		pw_user_register(world->mm, va, 4 * page, PW_USER_MISSING, answer, handler), 0);
	assert_int_equal(pw_pin(world->cpu, va, 1, PW_PIN_NOFAULT, pa, &result), -EFAULT);
	assert_int_equal(pw_pin(world->cpu, va, 1, PW_PIN_NOWAIT, pa, &result), -EAGAIN);
	assert_int_equal(handler->calls, 0);
	assert_int_equal(pw_pin(world->cpu, va, 2, PW_PIN_WRITE, pa, &result), 2);
	assert_int_equal(handler->calls, 2);
	assert_int_equal(*byte_at(world, pa[1]), 0x42);
	pw_unpin_pages(pw_cpu_reader(world->cpu), pa, 2, PW_PIN_WRITE, true);
	handler->answer = REFUSE;
	assert_int_equal(pw_pin(world->cpu, va + page, 2, 0, pa, &result), 1);
	assert_int_equal(result.error, -EFAULT);
	assert_int_equal(result.fault.kind, PW_FAULT_ADRERR);
	pw_unpin_pages(pw_cpu_reader(world->cpu), pa, 1, 0, false);
	/* A handler that does nothing is asked for a bounded number of times. */
	handler->answer = NOTHING;
	handler->calls = 0;
	assert_int_equal(pw_pin(world->cpu, va + 2 * page, 1, 0, pa, &result), -EBUSY);
	assert_int_equal(handler->calls, 256);
	handler->answer = POISON;
	assert_int_equal(pw_pin(world->cpu, va + 2 * page, 1, 0, pa, &result), -EFAULT);
	assert_int_equal(pw_pin(world->cpu, va + 2 * page, 1, PW_PIN_HWPOISON, pa, &result),
			 -EHWPOISON);
	assert_int_equal(pw_munmap(world->mm, va, 4 * page), 0);
	free(handler);
}

static void test_pins(void **state)
{
	for_each_mm(check_pins);
}

/* ---- write protection ---- */

static void check_protect(struct mm_world *world)
{
	const uint64_t page = world->page;
	const pw_va va = map_anon(world, 3, RW_PROT);
	struct handler *handler = new_handler(UNPROTECT);
	struct pw_mm *mm = world->mm;

	assert_int_equal(pw_user_register(mm, va, 3 * page, PW_USER_WRITE_PROTECT, answer, handler),
			 0);
	store(world, va, 1);
	assert_int_equal(handler->calls, 0);
	assert_int_equal(pw_user_protect(mm, va, 2 * page, true), 0);
	/* Reads are not asked about, whether a page is there or not. */
	assert_int_equal(load(world, va), 1);
	assert_int_equal(load(world, va + page), 0);
	assert_int_equal(handler->calls, 0);
	store(world, va, 2);
	assert_int_equal(handler->calls, 1);
	assert_int_equal(handler->what, PW_USER_WRITE_PROTECT);
	assert_true(handler->write);
	store(world, va, 3);
	assert_int_equal(handler->calls, 1);
	store(world, va + page, 4);
	assert_int_equal(handler->calls, 2);
	store(world, va + 2 * page, 5);
	assert_int_equal(handler->calls, 2);
	assert_int_equal(load(world, va), 3);
	assert_int_equal(load(world, va + page), 4);
	/* An unpopulated page that is written first. */
	assert_int_equal(pw_madvise(mm, va, page, MADV_DONTNEED), 0);
	assert_int_equal(pw_user_protect(mm, va, page, true), 0);
	store(world, va, 6);
	assert_int_equal(handler->calls, 3);
	assert_int_equal(load(world, va), 6);
	assert_int_equal(pw_munmap(mm, va, 3 * page), 0);
	free(handler);
}

static void test_protect(void **state)
{
	for_each_mm(check_protect);
}

/* A debugger's write does not get around the protection, nor does a pin for writing. */
static void check_protect_pins(struct mm_world *world)
{
	const uint64_t page = world->page;
	const pw_va va = map_anon(world, 2, RW_PROT);
	struct handler *handler = new_handler(REFUSE);
	struct pw_mm *mm = world->mm;
	pw_pa pa;

	store(world, va, 1);
	assert_int_equal(pw_user_register(mm, va, 2 * page, PW_USER_WRITE_PROTECT, answer, handler),
			 0);
	assert_int_equal(pw_user_protect(mm, va, page, true), 0);
	assert_int_equal(pw_pin(world->cpu, va, 1, PW_PIN_WRITE, &pa, NULL), -EFAULT);
	assert_int_equal(handler->calls, 1);
	assert_int_equal(pw_pin(world->cpu, va, 1, 0, &pa, NULL), 1);
	pw_unpin_pages(pw_cpu_reader(world->cpu), &pa, 1, 0, false);
	assert_int_equal(pw_mprotect(mm, va, 2 * page, PROT_READ), 0);
	assert_int_equal(pw_pin(world->cpu, va, 1, PW_PIN_WRITE | PW_PIN_FORCE, &pa, NULL),
			 -EFAULT);
	assert_int_equal(handler->calls, 2);
	/* With the handler goes the protection. */
	assert_int_equal(pw_mprotect(mm, va, 2 * page, RW_PROT), 0);
	assert_int_equal(pw_user_unregister(mm, va, 2 * page), 0);
	store(world, va, 2);
	assert_int_equal(handler->calls, 2);
	assert_int_equal(pw_munmap(mm, va, 2 * page), 0);
	free(handler);
}

static void test_protect_pins(void **state)
{
	for_each_mm(check_protect_pins);
}

static void check_copy_protected(struct mm_world *world)
{
	const uint64_t page = world->page;
	const pw_va va = map_anon(world, 1, RW_PROT);
	struct handler *handler = new_handler(COPY_PROTECTED);

	assert_int_equal(pw_user_register(world->mm, va, page,
					  PW_USER_MISSING | PW_USER_WRITE_PROTECT, answer, handler),
			 0);
	/* First the page comes, protected; then the write is asked about. */
	store(world, va, 1);
	assert_int_equal(handler->calls, 2);
	assert_int_equal(handler->what, PW_USER_WRITE_PROTECT);
	assert_int_equal(load(world, va), 1);
	assert_int_equal(load(world, va + 1), 0x42);
	assert_int_equal(pw_munmap(world->mm, va, page), 0);
	free(handler);
}

static void test_copy_protected(void **state)
{
	for_each_mm(check_copy_protected);
}

/* ---- shared memory ---- */

static void check_minor(struct mm_world *world)
{
	const uint64_t page = world->page;
	struct handler *handler = new_handler(CONTINUE);
	struct pw_file *file;
	const char byte = 0x33;
	pw_va va, other;

	assert_int_equal(pw_shmem_create(world->machine, 3 * page, &file, NULL), 0);
	va = map_file(world, file, 3, RW_PROT, MAP_SHARED);
	other = map_file(world, file, 3, RW_PROT, MAP_SHARED);
	assert_int_equal(pw_file_write(file, 0, &byte, 1), 1);
	assert_int_equal(pw_user_register(world->mm, va, 3 * page, PW_USER_MISSING | PW_USER_MINOR,
					  answer, handler),
			 0);
	assert_int_equal(load(world, va), 0x33);
	assert_int_equal(handler->calls, 1);
	assert_int_equal(handler->what, PW_USER_MINOR);
	assert_int_equal(pw_user_continue(world->mm, va, page), -EEXIST);
	/* There is no page to go on with. */
	assert_int_equal(pw_user_continue(world->mm, va + page, page), -EFAULT);
	handler->answer = COPY;
	assert_int_equal(load(world, va + page), 0x42);
	assert_int_equal(handler->what, PW_USER_MISSING);
	/* It is the file's page: everybody sees it. */
	assert_int_equal(load(world, other + page), 0x42);
	store(world, va + page, 0x55);
	assert_int_equal(load(world, other + page), 0x55);
	assert_int_equal(pw_munmap(world->mm, va, 3 * page), 0);
	assert_int_equal(pw_munmap(world->mm, other, 3 * page), 0);
	pw_file_put(file);
	free(handler);
}

static void test_minor(void **state)
{
	for_each_mm(check_minor);
}

/* ---- the mm ---- */

/* A child has no handler, and no protection. */
static void check_fork(struct mm_world *world)
{
	const uint64_t page = world->page;
	const pw_va va = map_anon(world, 2, RW_PROT);
	struct handler *handler = new_handler(REFUSE);
	struct pw_vcpu *cpu;
	struct pw_mm *child;

	store(world, va, 1);
	assert_int_equal(pw_user_register(world->mm, va, 2 * page,
					  PW_USER_MISSING | PW_USER_WRITE_PROTECT, answer, handler),
			 0);
	assert_int_equal(pw_user_protect(world->mm, va, 2 * page, true), 0);
	assert_int_equal(pw_mm_fork(world->mm, &child, NULL), 0);
	assert_int_equal(pw_cpu_create(child, &cpu), 0);
	assert_true(pw_store_u8(cpu, va, 2));
	assert_true(pw_store_u8(cpu, va + page, 2));
	assert_int_equal(handler->calls, 0);
	assert_false(pw_store_u8(world->cpu, va, 3));
	assert_int_equal(handler->calls, 1);
	assert_int_equal(load(world, va), 1);
	pw_cpu_destroy(cpu);
	pw_mm_destroy(child);
	assert_int_equal(pw_munmap(world->mm, va, 2 * page), 0);
	free(handler);
}

static void test_fork(void **state)
{
	for_each_mm(check_fork);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_register),     cmocka_unit_test(test_missing),
		cmocka_unit_test(test_pins),         cmocka_unit_test(test_protect),
		cmocka_unit_test(test_protect_pins), cmocka_unit_test(test_copy_protected),
		cmocka_unit_test(test_minor),        cmocka_unit_test(test_fork),
	};

	mutant_choose(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
