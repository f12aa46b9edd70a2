/* SPDX-License-Identifier: MIT */
/* mmap, munmap and mprotect: which VMAs there are afterwards, and what is refused. */
#include "mm/vma_test.h"
#include "mutants/choose.h"

static void merge(struct mm_world *w)
{
	pw_va va = room(w, 16);

	map_at(w, va, 2, RW, ANON);
	map_at(w, va + 4 * w->page, 2, RW, ANON);
	assert_vmas(w, va, "0+2 rw-p, 4+2 rw-p");
	map_at(w, va + 2 * w->page, 2, RW, ANON);
	assert_vmas(w, va, "0+6 rw-p");
	/* Other permissions, another kind: no merge. */
	map_at(w, va + 6 * w->page, 2, PROT_READ, ANON);
	map_at(w, va + 8 * w->page, 1, RW, MAP_SHARED | MAP_ANONYMOUS);
	map_at(w, va + 9 * w->page, 1, RW, MAP_SHARED | MAP_ANONYMOUS);
	assert_vmas(w, va, "0+6 rw-p, 6+2 r--p, 8+1 rw-s, 9+1 rw-s");
}

static void test_merge(void **state)
{
	(void)state;
	for_each_mm(merge);
}

static void split(struct mm_world *w)
{
	pw_va va = room(w, 16);

	map_at(w, va, 8, RW, ANON);
	assert_int_equal(pw_munmap(w->mm, va + 2 * w->page, w->page), 0);
	assert_vmas(w, va, "0+2 rw-p, 3+5 rw-p");
	assert_int_equal(pw_mprotect(w->mm, va + 4 * w->page, w->page, PROT_READ), 0);
	assert_vmas(w, va, "0+2 rw-p, 3+1 rw-p, 4+1 r--p, 5+3 rw-p");
	/* The border moves: the neighbour takes in what became like it. */
	assert_int_equal(pw_mprotect(w->mm, va + 5 * w->page, w->page, PROT_READ), 0);
	assert_vmas(w, va, "0+2 rw-p, 3+1 rw-p, 4+2 r--p, 6+2 rw-p");
	assert_int_equal(pw_mprotect(w->mm, va + 4 * w->page, 2 * w->page, RW), 0);
	assert_vmas(w, va, "0+2 rw-p, 3+5 rw-p");
}

static void test_split(void **state)
{
	(void)state;
	for_each_mm(split);
}

/* Two VMAs that have pages of their own know them by different anons. */
static void anons(struct mm_world *w)
{
	pw_va va = room(w, 16);

	map_at(w, va, 2, RW, ANON);
	map_at(w, va + 4 * w->page, 2, RW, ANON);
	write_byte(w->mm, va, 1);
	write_byte(w->mm, va + 4 * w->page, 2);
	map_at(w, va + 2 * w->page, 2, RW, ANON);
	assert_vmas(w, va, "0+4 rw-p, 4+2 rw-p");
	/* A neighbour with the same permissions is asked for its anon first: so these two can merge again. */
	map_at(w, va + 8 * w->page, 4, RW, ANON);
	assert_int_equal(pw_mprotect(w->mm, va + 10 * w->page, 2 * w->page, PROT_READ), 0);
	write_byte(w->mm, va + 8 * w->page, 3);
	assert_int_equal(pw_mm_fault(w->mm, va + 10 * w->page, PW_ACCESS_READ, NULL),
			 PW_FAULT_DONE);
	assert_int_equal(pw_mprotect(w->mm, va + 10 * w->page, 2 * w->page, RW), 0);
	assert_vmas(w, va, "0+4 rw-p, 4+2 rw-p, 8+4 rw-p");
	assert_int_equal(read_byte(w->mm, va), 1);
	assert_int_equal(read_byte(w->mm, va + 4 * w->page), 2);
	assert_int_equal(read_byte(w->mm, va + 8 * w->page), 3);
}

static void test_anons(void **state)
{
	(void)state;
	for_each_mm(anons);
}

/* A VMA that fork made does not merge with one that has no pages yet; its parent's does. */
static void forked(struct mm_world *w)
{
	pw_va va = room(w, 16);
	struct pw_mm *child, *parent = w->mm;

	map_at(w, va, 2, RW, ANON);
	write_byte(w->mm, va, 1);
	assert_int_equal(pw_mm_fork(w->mm, &child, NULL), 0);
	w->mm = child;
	map_at(w, va + 2 * w->page, 2, RW, ANON);
	w->mm = parent;
	map_at(w, va + 2 * w->page, 2, RW, ANON);
	assert_vmas_of(w, child, va, "0+2 rw-p, 2+2 rw-p");
	assert_vmas_of(w, parent, va, "0+4 rw-p");
	pw_mm_destroy(child);
}

static void test_forked(void **state)
{
	(void)state;
	for_each_mm(forked);
}

/* A page that a child shares stays read-only, whatever mprotect says: the next write copies it. */
static void protect_shared(struct mm_world *w)
{
	pw_va va = map_anon(w, 2, RW);
	struct pw_mm *child;

	write_byte(w->mm, va, 1);
	assert_int_equal(pw_mm_fork(w->mm, &child, NULL), 0);
	assert_int_equal(pw_mprotect(child, va, w->page, PROT_READ), 0);
	assert_int_equal(pw_mm_fault(child, va, PW_ACCESS_WRITE, NULL), PW_FAULT_ACCERR);
	assert_int_equal(pw_mprotect(child, va, w->page, RW), 0);
	write_byte(child, va, 2);
	assert_int_equal(read_byte(w->mm, va), 1);
	assert_int_equal(read_byte(child, va), 2);
	pw_mm_destroy(child);
}

static void test_protect_shared(void **state)
{
	(void)state;
	for_each_mm(protect_shared);
}

/* PROT_NONE keeps the page. */
static void protect_none(struct mm_world *w)
{
	pw_va va = map_anon(w, 2, RW);

	write_byte(w->mm, va, 7);
	assert_int_equal(pw_mprotect(w->mm, va, 2 * w->page, PROT_NONE), 0);
	assert_int_equal(pw_mm_fault(w->mm, va, PW_ACCESS_READ, NULL), PW_FAULT_ACCERR);
	assert_int_equal(pw_mprotect(w->mm, va, 2 * w->page, RW), 0);
	assert_int_equal(read_byte(w->mm, va), 7);
	write_byte(w->mm, va, 8);
	assert_int_equal(read_byte(w->mm, va), 8);
}

static void test_protect_none(void **state)
{
	(void)state;
	for_each_mm(protect_none);
}

static void errors(struct mm_world *w)
{
	pw_va va = room(w, 16), last = w->mm->user_last;

	map_at(w, va, 2, RW, ANON);
	map_at(w, va + 4 * w->page, 2, RW, ANON);
	assert_int_equal(pw_mmap(w->mm, 0, 0, RW, ANON, NULL, 0), -EINVAL);
	assert_int_equal(pw_mmap(w->mm, 0, ~UINT64_C(0), RW, ANON, NULL, 0), -ENOMEM);
	assert_int_equal(pw_mmap(w->mm, 0, w->page, RW, ANON, NULL, 1), -EINVAL);
	assert_int_equal(pw_mmap(w->mm, 0, w->page, RW, MAP_ANONYMOUS, NULL, 0), -EINVAL);
	assert_int_equal(pw_mmap(w->mm, 0, w->page, RW, MAP_PRIVATE, NULL, 0), -EBADF);
	assert_int_equal(pw_mmap(w->mm, va + 1, w->page, RW, ANON | MAP_FIXED, NULL, 0), -EINVAL);
	assert_int_equal(
		pw_mmap(w->mm, last + 1 - w->page, 2 * w->page, RW, ANON | MAP_FIXED, NULL, 0),
		-ENOMEM);
	assert_int_equal(
		pw_mmap(w->mm, va + w->page, 2 * w->page, RW, ANON | MAP_FIXED_NOREPLACE, NULL, 0),
		-EEXIST);
	assert_int_equal(pw_munmap(w->mm, va, 0), -EINVAL);
	assert_int_equal(pw_munmap(w->mm, va + 1, w->page), -EINVAL);
	assert_int_equal(pw_munmap(w->mm, last + 1 - w->page, 2 * w->page), -EINVAL);
	assert_int_equal(pw_munmap(w->mm, va + 2 * w->page, 2 * w->page), 0);
	assert_int_equal(pw_mprotect(w->mm, va + 1, w->page, RW), -EINVAL);
	assert_int_equal(pw_mprotect(w->mm, va, 0, RW), 0);
	assert_int_equal(pw_mprotect(w->mm, va, w->page, 0x1000), -EINVAL);
	assert_int_equal(pw_mprotect(w->mm, va + 2 * w->page, w->page, RW), -ENOMEM);
	assert_int_equal(pw_mprotect(w->mm, va, w->page, RW | PROT_GROWSDOWN), -EINVAL);
	/* What lies before a hole is changed. */
	assert_int_equal(pw_mprotect(w->mm, va, 6 * w->page, PROT_READ), -ENOMEM);
	assert_vmas(w, va, "0+2 r--p, 4+2 rw-p");
}

/* A fixed address that looks like an error is taken for one. */
static void high_address(struct mm_world *w)
{
	const pw_va TOP = pw_mask(63);
	const int fixed = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;

	assert_int_equal(pw_mmap(w->mm, UINT64_MAX, w->page, RW, fixed, NULL, 0), -1);
	assert_int_equal(pw_mmap(w->mm, UINT64_MAX - 4094, w->page, RW, fixed, NULL, 0), -4095);
	assert_int_equal(pw_mincore(w->mm, 0, 0, NULL), 0);
	if (w->mm->user_last < TOP)
		assert_int_equal(pw_mincore(w->mm, TOP + 1, 0, NULL), -ENOMEM);
}

static void test_errors(void **state)
{
	(void)state;
	for_each_mm(high_address);
	for_each_mm(errors);
}

static void placement(struct mm_world *w)
{
	pw_va first = map_anon(w, 4, RW), second = map_anon(w, 3, PROT_READ), hint;
	pw_sva va;

	/* Top-down, one below the other. */
	assert_int_equal(second, first - 3 * w->page);
	hint = second - 64 * w->page;
	va = pw_mmap(w->mm, hint, w->page, RW, ANON, NULL, 0);
	assert_int_equal(va, hint);
	/* A hint where something is: a free place instead. */
	va = pw_mmap(w->mm, hint, w->page, PROT_READ, ANON, NULL, 0);
	assert_int_equal(va, second - w->page);
}

static void test_placement(void **state)
{
	(void)state;
	for_each_mm(placement);
}

static void stack(struct mm_world *w)
{
	pw_va va = room(w, 500) + 450 * w->page;

	map_at(w, va, 2, RW, ANON | MAP_GROWSDOWN);
	write_byte(w->mm, va - 3 * w->page, 5);
	assert_vmas(w, va, "-3+5 rw-p");
	/* 256 pages stay free above another mapping. */
	map_at(w, va - 300 * w->page, 1, RW, ANON);
	assert_int_equal(pw_mm_fault(w->mm, va - 44 * w->page, PW_ACCESS_WRITE, NULL),
			 PW_FAULT_MAPERR);
	assert_int_equal(pw_mm_fault(w->mm, va - 43 * w->page, PW_ACCESS_WRITE, NULL),
			 PW_FAULT_DONE);
	assert_vmas(w, va, "-300+1 rw-p, -43+45 rw-p");
	assert_int_equal(read_byte(w->mm, va - 3 * w->page), 5);
}

static void test_stack(void **state)
{
	(void)state;
	for_each_mm(stack);
}

/* Tables go with the last mapping that they serve. */
static void tables(struct mm_world *w)
{
	struct pw_mm_info before, after;
	pw_va va = room(w, 16);

	/* Some formats get a higher top for a high address, and keep it. */
	map_at(w, va, 1, RW, ANON);
	write_byte(w->mm, va, 1);
	assert_int_equal(pw_munmap(w->mm, va, w->page), 0);
	pw_arena_drain(pw_machine_arena(w->machine));
	pw_mm_info(w->mm, &before);
	map_at(w, va, 8, RW, ANON);
	write_byte(w->mm, va, 1);
	write_byte(w->mm, va + 7 * w->page, 1);
	pw_mm_info(w->mm, &after);
	assert_true(after.tables > before.tables);
	assert_int_equal(pw_munmap(w->mm, va, 4 * w->page), 0);
	assert_int_equal(read_byte(w->mm, va + 7 * w->page), 1);
	assert_int_equal(pw_munmap(w->mm, va + 4 * w->page, 4 * w->page), 0);
	/* They wait for readers that may be in them. */
	pw_arena_drain(pw_machine_arena(w->machine));
	pw_mm_info(w->mm, &after);
	assert_int_equal(after.tables, before.tables);
	assert_int_equal(after.mapped, 0);
	assert_int_equal(after.anonymous, 0);
}

static void test_tables(void **state)
{
	(void)state;
	for_each_mm(tables);
}

/* With overcommit_never, more is not promised than there is. */
static void test_promises(void **state)
{
	const struct pw_machine_options options = { .overcommit_never = true };
	struct mm_world w = open_mm(pw_format_at(0), &options);
	uint64_t half = MM_FRAMES / 2 * w.page;
	pw_va va = map_anon(&w, MM_FRAMES / 2, RW);

	(void)state;
	map_anon(&w, MM_FRAMES / 2, PROT_READ);
	assert_int_equal(pw_mmap(w.mm, 0, half + w.page, RW, ANON, NULL, 0), -ENOMEM);
	/* What is replaced need not be promised twice. */
	map_at(&w, va, MM_FRAMES / 2, RW, ANON);
	map_at(&w, va, MM_FRAMES / 2, RW, ANON);
	assert_int_equal(pw_mmap(w.mm, 0, half + w.page, RW, ANON, NULL, 0), -ENOMEM);
	assert_int_equal(pw_munmap(w.mm, va, half), 0);
	map_anon(&w, MM_FRAMES, RW);
	close_mm(&w);
}

static void locked(struct mm_world *w)
{
	pw_va va = room(w, 16);
	struct pw_mm_info info;
	unsigned char present[8];

	map_at(w, va, 4, RW, ANON);
	map_at(w, va + 5 * w->page, 1, RW, ANON);
	assert_int_equal(pw_mlock(w->mm, va + w->page, 2 * w->page, 0), 0);
	pw_mm_info(w->mm, &info);
	assert_int_equal(info.locked, 2 * w->page);
	assert_int_equal(pw_mincore(w->mm, va, 4 * w->page, present), 0);
	assert_memory_equal(present, "\0\1\1\0", 4);
	assert_vmas(w, va, "0+1 rw-p, 1+2 rw-p, 3+1 rw-p, 5+1 rw-p");
	/* What lies before the hole is locked. */
	assert_int_equal(pw_mlock(w->mm, va, 6 * w->page, 0), -ENOMEM);
	pw_mm_info(w->mm, &info);
	assert_int_equal(info.locked, 4 * w->page);
	assert_int_equal(pw_mincore(w->mm, va, 6 * w->page, present), -ENOMEM);
	assert_int_equal(pw_munlockall(w->mm), 0);
	assert_vmas(w, va, "0+4 rw-p, 5+1 rw-p");
	assert_int_equal(pw_mlockall(w->mm, MCL_FUTURE), 0);
	map_at(w, va + 8 * w->page, 2, RW, ANON);
	assert_int_equal(pw_mincore(w->mm, va + 8 * w->page, 2 * w->page, present), 0);
	assert_memory_equal(present, "\1\1", 2);
	assert_int_equal(pw_mlockall(w->mm, 0), -EINVAL);
	assert_int_equal(pw_mlock(w->mm, va, w->page, 2), -EINVAL);
}

static void test_locked(void **state)
{
	(void)state;
	for_each_mm(locked);
}

/* mprotect brings locked pages that become writable, and none of those that were writable before. */
static void protect_locked(struct mm_world *w)
{
	pw_va va = room(w, 16);
	unsigned char present[8];

	map_at(w, va, 6, RW, ANON);
	map_at(w, va, 1, PROT_NONE, ANON);
	map_at(w, va + 3 * w->page, 1, PROT_READ, ANON);
	/* All are locked, but none comes, because of the hole behind them. */
	assert_int_equal(pw_mlock(w->mm, va, 7 * w->page, 0), -ENOMEM);
	assert_int_equal(pw_mprotect(w->mm, va, 5 * w->page, RW), 0);
	assert_vmas(w, va, "0+6 rw-p");
	assert_int_equal(pw_mincore(w->mm, va, 6 * w->page, present), 0);
	assert_memory_equal(present, "\1\0\0\1\0\0", 6);
	assert_int_equal(pw_munmap(w->mm, va, 6 * w->page), 0);
}

static void test_protect_locked(void **state)
{
	(void)state;
	for_each_mm(protect_locked);
}

/* Who may lock no more than four pages. */
static void check_limit(struct mm_world *w)
{
	const uint64_t page = w->page;
	pw_va va = room(w, 320), stack = va + 300 * page;
	struct pw_mm_info info;

	map_at(w, va, 8, RW, ANON);
	assert_int_equal(pw_mlock(w->mm, va, 5 * page, 0), -ENOMEM);
	assert_int_equal(pw_mlock(w->mm, va, 3 * page, 0), 0);
	/* What is locked already counts once. */
	assert_int_equal(pw_mlock(w->mm, va + page, 3 * page, 0), 0);
	assert_int_equal(pw_mlock(w->mm, va + 4 * page, page, 0), -ENOMEM);
	/* The limit speaks before a range that is none. */
	assert_int_equal(pw_mlock(w->mm, va, ~UINT64_C(0) - 2 * page, 0), -ENOMEM);
	assert_int_equal(pw_mlock(w->mm, va, 0, 0), 0);
	assert_int_equal(pw_mmap(w->mm, va, page, RW, ANON | MAP_FIXED | MAP_LOCKED, NULL, 0),
			 -EAGAIN);
	assert_int_equal(pw_munmap(w->mm, va + 4 * page, 4 * page), 0);
	assert_int_equal(pw_mremap(w->mm, va, 4 * page, 5 * page, 0, 0), -EAGAIN);
	assert_int_equal(pw_mlockall(w->mm, MCL_CURRENT), 0);
	map_at(w, va + 8 * page, 1, RW, ANON);
	assert_int_equal(pw_mlockall(w->mm, MCL_CURRENT), -ENOMEM);
	assert_int_equal(pw_mlockall(w->mm, MCL_FUTURE), 0);
	assert_int_equal(pw_mmap(w->mm, 0, page, RW, ANON, NULL, 0), -EAGAIN);
	pw_mm_info(w->mm, &info);
	assert_int_equal(info.locked, 4 * page);
	assert_int_equal(pw_munlock(w->mm, va, 2 * page), 0);
	/* A locked stack grows up to the limit. */
	map_at(w, stack, 1, RW, ANON | MAP_GROWSDOWN);
	assert_int_equal(pw_mm_fault(w->mm, stack - page, PW_ACCESS_WRITE, NULL), PW_FAULT_DONE);
	assert_int_equal(pw_mm_fault(w->mm, stack - 2 * page, PW_ACCESS_WRITE, NULL),
			 PW_FAULT_MAPERR);
	assert_int_equal(pw_munlockall(w->mm), 0);
	assert_int_equal(pw_mm_fault(w->mm, stack - 2 * page, PW_ACCESS_WRITE, NULL),
			 PW_FAULT_DONE);
}

/* Who may lock nothing is told so, and not that it is too much. */
static void check_no_locks(struct mm_world *w)
{
	const pw_va va = map_anon(w, 1, RW);

	assert_int_equal(pw_mlock(w->mm, va, w->page, 0), -EPERM);
	assert_int_equal(pw_mlock(w->mm, va, w->page, 2), -EINVAL);
	assert_int_equal(pw_mlockall(w->mm, MCL_FUTURE), -EPERM);
	assert_int_equal(pw_mmap(w->mm, 0, w->page, RW, ANON | MAP_LOCKED, NULL, 0), -EPERM);
	assert_int_equal(pw_munlock(w->mm, va, w->page), 0);
}

static void test_lock_limit(void **state)
{
	const struct pw_format *format;

	(void)state;
	for (size_t i = 0; (format = pw_format_at(i)); i++) {
		struct pw_machine_options options = { .lock_limited = true };

		if (!pw_format_can_edit(format) || skips_format(i))
			continue;
		for (unsigned pages = 0; pages <= 4; pages += 4) {
			struct mm_world world;

			options.lock_bytes = pages ? (pages + 1ull) * (1ull << format->shift[0]) - 1
						   : 0;
			world = open_mm(format, &options);
			if (pages)
				check_limit(&world);
			else
				check_no_locks(&world);
			close_mm(&world);
		}
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_merge),          cmocka_unit_test(test_split),
		cmocka_unit_test(test_anons),          cmocka_unit_test(test_forked),
		cmocka_unit_test(test_protect_shared), cmocka_unit_test(test_protect_none),
		cmocka_unit_test(test_errors),         cmocka_unit_test(test_placement),
		cmocka_unit_test(test_stack),          cmocka_unit_test(test_tables),
		cmocka_unit_test(test_promises),       cmocka_unit_test(test_locked),
		cmocka_unit_test(test_protect_locked), cmocka_unit_test(test_lock_limit),
	};

	mutant_choose(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
