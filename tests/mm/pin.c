/* SPDX-License-Identifier: MIT */
/* Pins that may fault: each rule, each error, on every format. */
#include "pin_test.h"

#include "mutants/choose.h"

#include <pthread.h>
#include <signal.h>

/* ---- what the two paths do together ---- */

static void check_faults_in(struct mm_world *world)
{
	const pw_va va = map_anon(world, 4, RW_PROT);
	struct pw_pin_result result;
	pw_pa page[4];

	store(world, va, 7);
	assert_int_equal(pw_pin(world->cpu, va, 4, PW_PIN_WRITE, page, &result), 4);
	assert_int_equal(result.error, 0);
	assert_int_equal(result.fast_pages + result.slow_pages, 4);
	assert_true(result.slow_pages >= 3);
	assert_true(result.faults >= 3);
	assert_int_equal(*byte_at(world, page[0]), 7);
	/* The owner sees what the holder writes, and the holder what the owner writes. */
	*byte_at(world, page[3]) = 9;
	store(world, va + 2 * world->page, 8);
	assert_int_equal(*byte_at(world, page[2]), 8);
	unpin(world, page, 4, PW_PIN_WRITE);
	assert_int_equal(pw_pin(world->cpu, va, 4, PW_PIN_WRITE, page, &result), 4);
	assert_int_equal(*byte_at(world, page[3]), 9);
	unpin(world, page, 4, PW_PIN_WRITE);
	assert_int_equal(pw_munmap(world->mm, va, 4 * world->page), 0);
}

static void test_faults_in(void **state)
{
	for_each_mm(check_faults_in);
}

static void check_partial(struct mm_world *world)
{
	const pw_va va = map_anon(world, 4, RW_PROT);
	struct pw_pin_result result;
	pw_pa page[4];

	assert_int_equal(pw_munmap(world->mm, va + 2 * world->page, world->page), 0);
	assert_int_equal(pw_pin(world->cpu, va, 4, PW_PIN_WRITE, page, &result), 2);
	assert_int_equal(result.error, -EFAULT);
	assert_int_equal(result.va, va + 2 * world->page);
	assert_int_equal(result.fault.kind, PW_FAULT_MAPERR);
	assert_int_equal(result.fault.signal, SIGSEGV);
	unpin(world, page, 2, PW_PIN_WRITE);
	/* The pages of the fast path stay, too. */
	assert_int_equal(pw_pin(world->cpu, va, 4, PW_PIN_WRITE, page, &result), 2);
	unpin(world, page, 2, PW_PIN_WRITE);
	assert_int_equal(pw_pin(world->cpu, va + 2 * world->page, 1, 0, page, &result), -EFAULT);
	assert_int_equal(result.va, va + 2 * world->page);
	assert_int_equal(pw_munmap(world->mm, va, 4 * world->page), 0);
}

static void test_partial(void **state)
{
	for_each_mm(check_partial);
}

/* ---- flags ---- */

/* Are these flags valid for pins (@get: for references)? Written out on its own, as a table of exclusions. */
static bool valid_flags(unsigned flags, bool get)
{
	static const unsigned exclude[][2] = {
		{ PW_PIN_FAST_ONLY, PW_PIN_DUMP },
		{ PW_PIN_FAST_ONLY, PW_PIN_ANON },
		{ PW_PIN_FAST_ONLY, PW_PIN_SPLIT },
	};

	if (get ? flags & PW_PIN_LONGTERM : flags & PW_PIN_GET)
		return false;
	for (size_t i = 0; i < sizeof(exclude) / sizeof(exclude[0]); i++)
		if (flags & exclude[i][0] && flags & exclude[i][1])
			return false;
	return true;
}

static void check_flags(struct mm_world *world)
{
	static const unsigned flag[] = { PW_PIN_WRITE,     PW_PIN_LONGTERM, PW_PIN_GET,
					 PW_PIN_FORCE,     PW_PIN_NOFAULT,  PW_PIN_NOWAIT,
					 PW_PIN_DUMP,      PW_PIN_HWPOISON, PW_PIN_ANON,
					 PW_PIN_SPLIT,     PW_PIN_NUMA,     PW_PIN_FAST_ONLY,
					 PW_PIN_UNLOCKABLE };
	const unsigned flags = sizeof(flag) / sizeof(flag[0]);
	const pw_va va = map_anon(world, 1, RW_PROT);
	pw_pa page;

	store(world, va, 1);
	for (unsigned set = 0; set < 1u << flags; set++) {
		unsigned all = 0;

		for (unsigned i = 0; i < flags; i++)
			all |= set >> i & 1 ? flag[i] : 0;
		for (unsigned get = 0; get < 2; get++) {
			long count = get ? pw_get(world->cpu, va, 1, all, &page, NULL)
					 : pw_pin(world->cpu, va, 1, all, &page, NULL);

			/* The page is there and exclusive: each valid combination gets it. */
			if (count != (valid_flags(all, get) ? 1 : -EINVAL))
				fail_msg("%s: flags %#x, get %u: %ld", world->format->name, all,
					 get, count);
			if (count > 0)
				unpin(world, &page, count, all | (get ? PW_PIN_GET : 0u));
		}
	}
	for (unsigned bit = 0; bit < 32; bit++) {
		bool known = bit <= 2 || (bit >= 8 && bit <= 17);

		if (!known)
			assert_int_equal(pw_pin(world->cpu, va, 1, 1u << bit, &page, NULL),
					 -EINVAL);
	}
	assert_int_equal(pw_munmap(world->mm, va, world->page), 0);
}

static void test_flags(void **state)
{
	for_each_mm(check_flags);
}

static void check_arguments(struct mm_world *world)
{
	const pw_va va = map_anon(world, 1, RW_PROT);
	struct pw_pin_result result;
	pw_pa page;

	assert_int_equal(pw_pin(NULL, va, 1, 0, &page, NULL), -EINVAL);
	assert_int_equal(pw_pin(world->cpu, va, 1, 0, NULL, NULL), -EINVAL);
	assert_int_equal(pw_pin(world->cpu, va, 0, 0, NULL, NULL), 0);
	assert_int_equal(pw_pin(world->cpu, ~(pw_va)0, 2, 0, &page, &result), -EOVERFLOW);
	assert_int_equal(result.error, -EOVERFLOW);
	/* An address within a page stands for the page. */
	assert_int_equal(pw_pin(world->cpu, va + 5, 1, PW_PIN_WRITE, &page, NULL), 1);
	assert_int_equal(page & (world->page - 1), 0);
	unpin(world, &page, 1, PW_PIN_WRITE);
	assert_int_equal(pw_pin_remote(world->cpu, world->mm, va, 1, PW_PIN_FAST_ONLY, &page, NULL),
			 -EINVAL);
	assert_int_equal(pw_munmap(world->mm, va, world->page), 0);
}

static void test_arguments(void **state)
{
	for_each_mm(check_arguments);
}

static void check_no_fault(struct mm_world *world)
{
	const pw_va va = map_anon(world, 2, RW_PROT);
	struct pw_pin_result result;
	pw_pa page[2];

	assert_int_equal(pw_pin(world->cpu, va, 1, PW_PIN_NOFAULT, page, &result), -EFAULT);
	assert_int_equal(result.faults, 0);
	assert_int_equal(pw_pin(world->cpu, va, 1, PW_PIN_FAST_ONLY, page, &result), 0);
	assert_int_equal(result.error, 0);
	assert_int_equal(result.va, va);
	store(world, va, 1);
	assert_int_equal(pw_pin(world->cpu, va, 2, PW_PIN_NOFAULT, page, &result), 1);
	unpin(world, page, 1, 0);
	assert_int_equal(pw_pin(world->cpu, va, 2, PW_PIN_FAST_ONLY, page, &result), 1);
	unpin(world, page, 1, 0);
	assert_int_equal(pw_munmap(world->mm, va, 2 * world->page), 0);
}

static void test_no_fault(void **state)
{
	for_each_mm(check_no_fault);
}

/* ---- the VMA ---- */

static void check_protection(struct mm_world *world)
{
	const pw_va none = map_anon(world, 1, PROT_NONE), ro = map_anon(world, 1, PROT_READ);
	uint8_t value;
	pw_pa page;
	long came;

	assert_int_equal(try_pin(world, none, 0), -EFAULT);
	assert_int_equal(try_pin(world, none, PW_PIN_WRITE), -EFAULT);
	assert_int_equal(try_pin(world, ro, 0), 1);
	assert_int_equal(try_pin(world, ro, PW_PIN_WRITE), -EFAULT);
	/* A debugger may write a private copy. */
	assert_int_equal(try_pin(world, ro, PW_PIN_WRITE | PW_PIN_FORCE), 1);
	/* In memory that nobody may access, too, if the format can keep a page there. */
	came = pw_pin(world->cpu, none, 1, PW_PIN_WRITE | PW_PIN_FORCE, &page, NULL);
	if (came == 1) {
		*byte_at(world, page) = 6;
		unpin(world, &page, 1, PW_PIN_WRITE);
		assert_false(pw_load_u8(world->cpu, none, &value));
		assert_int_equal(pw_mprotect(world->mm, none, world->page, PROT_READ), 0);
		assert_true(pw_load_u8(world->cpu, none, &value));
		assert_int_equal(value, 6);
	} else {
		assert_string_equal(world->format->name, "arm");
		assert_int_equal(came, -EFAULT);
	}
	assert_int_equal(pw_munmap(world->mm, none, world->page), 0);
	assert_int_equal(pw_munmap(world->mm, ro, world->page), 0);
}

static void test_protection(void **state)
{
	for_each_mm(check_protection);
}

static void check_anonymous_only(struct mm_world *world)
{
	const pw_va va = map_anon(world, 1, RW_PROT);

	/* A dump takes neither holes nor zeros. */
	assert_int_equal(try_pin(world, va, PW_PIN_DUMP), -EFAULT);
	assert_int_equal(try_pin(world, va, 0), 1);
	assert_int_equal(try_pin(world, va, PW_PIN_DUMP), -EFAULT);
	store(world, va, 1);
	assert_int_equal(try_pin(world, va, PW_PIN_DUMP), 1);
	assert_int_equal(try_pin(world, va, PW_PIN_ANON), 1);
	assert_int_equal(pw_munmap(world->mm, va, world->page), 0);
}

static void test_anonymous_only(void **state)
{
	for_each_mm(check_anonymous_only);
}

/* Device memory has no counts: nobody takes it, whatever the flags. */
static void check_device(struct mm_world *world)
{
	struct pw_device *device;
	pw_sva va;

	assert_int_equal(
		pw_device_create(world->machine, 0x40000000, 4 * world->page, 0, &device, NULL), 0);
	va = pw_mmap_device(world->mm, 0, world->page, RW_PROT, MAP_SHARED, device, 0);
	assert_false(pw_is_error(va));
	assert_int_equal(try_pin(world, (pw_va)va, 0), -EFAULT);
	assert_int_equal(try_pin(world, (pw_va)va, PW_PIN_WRITE), -EFAULT);
	assert_int_equal(try_pin(world, (pw_va)va, PW_PIN_FORCE), -EFAULT);
	assert_int_equal(try_pin(world, (pw_va)va, PW_PIN_HWPOISON), -EFAULT);
	assert_int_equal(pw_munmap(world->mm, (pw_va)va, world->page), 0);
	pw_device_put(device);
}

static void test_device(void **state)
{
	for_each_mm(check_device);
}

/* Shared memory is not a debugger's to write to, nor anonymous. */
static void check_shared(struct mm_world *world)
{
	struct pw_file *file;
	pw_va ro, rw;

	assert_int_equal(pw_shmem_create(world->machine, world->page, &file, NULL), 0);
	ro = map_file(world, file, 1, PROT_READ, MAP_SHARED);
	rw = map_file(world, file, 1, RW_PROT, MAP_SHARED);
	assert_int_equal(try_pin(world, ro, PW_PIN_WRITE | PW_PIN_FORCE), -EFAULT);
	assert_int_equal(try_pin(world, ro, PW_PIN_FORCE), 1);
	assert_int_equal(try_pin(world, rw, PW_PIN_WRITE), 1);
	assert_int_equal(try_pin(world, rw, PW_PIN_ANON), -EFAULT);
	/* A dump fills the holes of a file. */
	assert_int_equal(try_pin(world, rw, PW_PIN_DUMP), 1);
	assert_int_equal(pw_munmap(world->mm, ro, world->page), 0);
	assert_int_equal(pw_munmap(world->mm, rw, world->page), 0);
	pw_file_put(file);
}

static void test_shared(void **state)
{
	for_each_mm(check_shared);
}

/* A guard is refused; what lies before it comes. */
static void check_guard(struct mm_world *world)
{
	const pw_va va = map_anon(world, 2, RW_PROT);
	const int guard_install = 102; /* MADV_GUARD_INSTALL, which not all hosts name */
	struct pw_pin_result result;
	pw_pa page[2];

	assert_int_equal(pw_madvise(world->mm, va + world->page, world->page, guard_install), 0);
	assert_int_equal(pw_pin(world->cpu, va, 2, PW_PIN_WRITE, page, &result), 1);
	assert_int_equal(result.error, -EFAULT);
	assert_int_equal(result.fault.kind, PW_FAULT_MAPERR);
	unpin(world, page, 1, PW_PIN_WRITE);
	assert_int_equal(pw_munmap(world->mm, va, 2 * world->page), 0);
}

static void test_guard(void **state)
{
	for_each_mm(check_guard);
}

/* A long pin for reading must see what the owner writes later: the page of zeros is replaced first. */
static void check_zero_page(struct mm_world *world)
{
	const pw_va va = map_anon(world, 1, RW_PROT);
	const pw_pa zero = pw_arena_zero_page(pw_machine_arena(world->machine));
	pw_pa page;

	assert_int_equal(pw_pin(world->cpu, va, 1, 0, &page, NULL), 1);
	assert_int_equal(page, zero);
	unpin(world, &page, 1, 0);
	assert_int_equal(pw_pin(world->cpu, va, 1, PW_PIN_LONGTERM, &page, NULL), 1);
	assert_int_not_equal(page, zero);
	store(world, va, 5);
	assert_int_equal(*byte_at(world, page), 5);
	unpin(world, &page, 1, PW_PIN_LONGTERM);
	assert_int_equal(pw_munmap(world->mm, va, world->page), 0);
}

static void test_zero_page(void **state)
{
	for_each_mm(check_zero_page);
}

/* ---- copy on write ---- */

/*
 * A child reads its page by a pin and gives its mapping back. What the parent writes then must not be seen
 * through the pin (CVE-2020-29374). And what the child itself writes must be seen.
 */
static void check_unshare(struct mm_world *world)
{
	const pw_va va = map_anon(world, 1, RW_PROT);
	struct pw_vcpu *cpu;
	struct pw_mm *child;
	pw_pa page;

	store(world, va, 1);
	assert_int_equal(pw_mm_fork(world->mm, &child, NULL), 0);
	assert_int_equal(pw_cpu_create(child, &cpu), 0);
	assert_int_equal(pw_pin(cpu, va, 1, 0, &page, NULL), 1);
	store(world, va, 2);
	assert_int_equal(*byte_at(world, page), 1);
	assert_true(pw_store_u8(cpu, va, 3));
	assert_int_equal(*byte_at(world, page), 3);
	assert_int_equal(pw_munmap(child, va, world->page), 0);
	assert_int_equal(*byte_at(world, page), 3);
	unpin(world, &page, 1, 0);
	pw_cpu_destroy(cpu);
	pw_mm_destroy(child);
	assert_int_equal(pw_munmap(world->mm, va, world->page), 0);
}

static void test_unshare(void **state)
{
	for_each_mm(check_unshare);
}

/* A pinned page stays with the parent, whoever writes first. */
static void check_fork_pinned(struct mm_world *world)
{
	const pw_va va = map_anon(world, 1, RW_PROT);
	struct pw_mm *child;
	pw_pa page;

	store(world, va, 1);
	assert_int_equal(pw_pin(world->cpu, va, 1, PW_PIN_WRITE, &page, NULL), 1);
	assert_int_equal(pw_mm_fork(world->mm, &child, NULL), 0);
	store(world, va, 2);
	assert_int_equal(*byte_at(world, page), 2);
	unpin(world, &page, 1, PW_PIN_WRITE);
	pw_mm_destroy(child);
	assert_int_equal(pw_munmap(world->mm, va, world->page), 0);
}

static void test_fork_pinned(void **state)
{
	for_each_mm(check_fork_pinned);
}

struct forker {
	struct pw_mm *mm;
	bool stop; /* atomic */
};

static void *fork_often(void *context)
{
	struct forker *forker = context;

	while (!__atomic_load_n(&forker->stop, __ATOMIC_RELAXED)) {
		struct pw_mm *child;

		assert_int_equal(pw_mm_fork(forker->mm, &child, NULL), 0);
		pw_mm_destroy(child);
	}
	return NULL;
}

/* While another thread forks: what is written through a pin, its owner sees, and the other way round. */
static void check_fork_race(struct mm_world *world)
{
	const pw_va va = map_anon(world, 2, RW_PROT);
	struct forker forker = { .mm = world->mm };
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, fork_often, &forker), 0);
	for (unsigned i = 0; i < 100; i++) {
		const unsigned flags = i % 2 ? PW_PIN_WRITE : 0;
		uint8_t value = 0;
		pw_pa page[2];

		store(world, va, (uint8_t)i);
		store(world, va + world->page, (uint8_t)i);
		assert_int_equal(pw_pin(world->cpu, va, 2, flags, page, NULL), 2);
		assert_int_equal(*byte_at(world, page[0]), (uint8_t)i);
		store(world, va, (uint8_t)(i + 1));
		assert_int_equal(*byte_at(world, page[0]), (uint8_t)(i + 1));
		if (flags) {
			*byte_at(world, page[1]) = (uint8_t)(i + 2);
			assert_true(pw_load_u8(world->cpu, va + world->page, &value));
			assert_int_equal(value, (uint8_t)(i + 2));
		}
		unpin(world, page, 2, flags);
	}
	__atomic_store_n(&forker.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	assert_int_equal(pw_munmap(world->mm, va, 2 * world->page), 0);
}

static void test_fork_race(void **state)
{
	for_each_mm(check_fork_race);
}

/* A debugger's write to a read-only page that a child has, too, reaches the parent's copy alone. */
static void check_force(struct mm_world *world)
{
	const pw_va va = map_anon(world, 1, RW_PROT);
	const unsigned flags = PW_PIN_WRITE | PW_PIN_FORCE;
	struct pw_vcpu *cpu;
	struct pw_mm *child;
	uint8_t value;
	pw_pa page;

	store(world, va, 1);
	assert_int_equal(pw_mm_fork(world->mm, &child, NULL), 0);
	assert_int_equal(pw_cpu_create(child, &cpu), 0);
	assert_int_equal(pw_mprotect(world->mm, va, world->page, PROT_READ), 0);
	assert_int_equal(pw_pin(world->cpu, va, 1, flags, &page, NULL), 1);
	*byte_at(world, page) = 9;
	unpin(world, &page, 1, flags);
	assert_true(pw_load_u8(world->cpu, va, &value));
	assert_int_equal(value, 9);
	assert_true(pw_load_u8(cpu, va, &value));
	assert_int_equal(value, 1);
	/* The owner itself still must not write. */
	assert_false(pw_store_u8(world->cpu, va, 4));
	pw_cpu_destroy(cpu);
	pw_mm_destroy(child);
	assert_int_equal(pw_munmap(world->mm, va, world->page), 0);
}

static void test_force(void **state)
{
	for_each_mm(check_force);
}

/* ---- other mms, interruption, hints ---- */

static void check_remote(struct mm_world *world)
{
	struct pw_pin_result result;
	struct pw_mm *other;
	pw_pa page[2];
	pw_sva va;

	assert_int_equal(pw_mm_create(world->machine, &other, NULL), 0);
	va = pw_mmap(other, 0, 2 * world->page, RW_PROT, MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0);
	assert_false(pw_is_error(va));
	assert_int_equal(
		pw_pin_remote(world->cpu, other, (pw_va)va, 2, PW_PIN_WRITE, page, &result), 2);
	assert_int_equal(result.fast_pages, 0);
	assert_int_equal(result.slow_pages, 2);
	unpin(world, page, 2, PW_PIN_WRITE);
	assert_int_equal(pw_get_remote(NULL, other, (pw_va)va, 1, 0, page, NULL), 1);
	unpin(world, page, 1, PW_PIN_GET);
	assert_int_equal(pw_pin_remote(world->cpu, other, 0, 1, 0, page, NULL), -EFAULT);
	pw_mm_destroy(other);
}

static void test_remote(void **state)
{
	for_each_mm(check_remote);
}

static void check_interrupt(struct mm_world *world)
{
	const pw_va va = map_anon(world, 2, RW_PROT);
	struct pw_pin_result result;
	pw_pa page[2];

	pw_cpu_interrupt(world->cpu);
	assert_int_equal(pw_pin(world->cpu, va, 1, 0, page, &result), -EINTR);
	/* That used it up. */
	store(world, va, 1);
	pw_cpu_interrupt(world->cpu);
	assert_int_equal(pw_pin(world->cpu, va, 2, PW_PIN_WRITE, page, &result), 1);
	assert_int_equal(result.error, -EINTR);
	unpin(world, page, 1, PW_PIN_WRITE);
	assert_int_equal(pw_pin(world->cpu, va, 2, PW_PIN_WRITE, page, &result), 2);
	unpin(world, page, 2, PW_PIN_WRITE);
	assert_int_equal(pw_munmap(world->mm, va, 2 * world->page), 0);
}

static void test_interrupt(void **state)
{
	for_each_mm(check_interrupt);
}

static void check_hints(struct mm_world *world)
{
	const pw_va va = map_anon(world, 2, RW_PROT);
	struct pw_pin_result result;
	uint64_t bytes;
	pw_pa page;

	store(world, va, 1);
	store(world, va + world->page, 2);
	bytes = pw_numa_hint(world->mm, va, 2 * world->page);
	if (bytes > 0) {
		assert_int_equal(bytes, 2 * world->page);
		/* A pin goes through the hint; one that honours it faults. */
		assert_int_equal(pw_pin(world->cpu, va, 1, PW_PIN_NOFAULT, &page, &result), 1);
		/* Some formats keep the page in a leaf that permits nothing. */
		assert_true(result.fast == PW_STOP_PROT_NONE || result.fast == PW_STOP_ACCESS);
		unpin(world, &page, 1, 0);
		assert_int_equal(
			pw_pin(world->cpu, va, 1, PW_PIN_NOFAULT | PW_PIN_NUMA, &page, NULL),
			-EFAULT);
		assert_int_equal(pw_pin(world->cpu, va, 1, PW_PIN_NUMA, &page, &result), 1);
		assert_int_equal(result.faults, 1);
		unpin(world, &page, 1, 0);
	}
	store(world, va, 3);
	store(world, va + world->page, 4);
	assert_int_equal(pw_munmap(world->mm, va, 2 * world->page), 0);
}

static void test_hints(void **state)
{
	for_each_mm(check_hints);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_faults_in),      cmocka_unit_test(test_partial),
		cmocka_unit_test(test_flags),          cmocka_unit_test(test_arguments),
		cmocka_unit_test(test_no_fault),       cmocka_unit_test(test_protection),
		cmocka_unit_test(test_anonymous_only), cmocka_unit_test(test_zero_page),
		cmocka_unit_test(test_device),         cmocka_unit_test(test_shared),
		cmocka_unit_test(test_guard),          cmocka_unit_test(test_unshare),
		cmocka_unit_test(test_fork_pinned),    cmocka_unit_test(test_force),
		cmocka_unit_test(test_fork_race),      cmocka_unit_test(test_remote),
		cmocka_unit_test(test_interrupt),      cmocka_unit_test(test_hints),
	};

	mutant_choose(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
