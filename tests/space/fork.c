/* SPDX-License-Identifier: MIT */
/*
 * A child of fork(2) can call everything on its parent's spaces: the parent notices nothing of it, and every
 * call returns.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mutants/choose.h"
#include "pin/space_test.h"

enum { FRAMES = 64, LONGEST_S = 10 };

static const enum pw_sync_kind kinds[] = { PW_SYNC_RCU, PW_SYNC_IPI, PW_SYNC_RCU_WAIT };
static const pw_va VA = 0x40000;

/* An assertion for children, where cmocka does not work. */
#define EXPECT(condition)                                                                  \
	do {                                                                               \
		if (!(condition)) {                                                        \
			fprintf(stderr, "child: line %d: not %s\n", __LINE__, #condition); \
			_exit(1);                                                          \
		}                                                                          \
	} while (0)

struct family {
	struct pw_arena *arena;
	struct pw_space *space;
	struct pw_reader *reader;
	pw_pa pa;
};

static struct family open_family(enum pw_sync_kind kind)
{
	const struct pw_arena_options options = { .bytes = FRAMES * 4096, .poison = true };
	const struct pw_space_options space_options = { .sync = kind };
	struct family family;

	assert_int_equal(pw_arena_create(&options, &family.arena, NULL), 0);
	assert_int_equal(pw_space_create(family.arena, pw_format_find("x86_64"), &space_options,
					 &family.space, NULL),
			 0);
	assert_int_equal(pw_reader_create(family.space, &family.reader), 0);
	assert_int_equal(pw_folio_alloc(family.arena, 0, PW_FOLIO_ANONYMOUS, 1, 0, &family.pa), 0);
	strcpy(pw_arena_host(family.arena, family.pa, 16), "the parent's");
	assert_int_equal(pw_space_map(family.space, VA, VA + 4095, family.pa, RW, NULL), 0);
	/* Tables that are on their way to be freed. */
	assert_int_equal(
		pw_space_map(family.space, VA << 20, (VA << 20) + 4095, family.pa, RW, NULL), 0);
	assert_int_equal(pw_space_unmap(family.space, VA << 20, (VA << 21) - 1, NULL, NULL, NULL),
			 0);
	return family;
}

/* Checks that everything is as it was and works, and closes it. */
static void close_family(struct family *family)
{
	struct pw_arena_faults faults;
	struct pw_folio_info info;
	struct pw_result result;
	enum pw_stop why;
	pw_pa page;

	assert_int_equal(pw_space_translate(family->reader, VA, &result), PW_OK);
	assert_int_equal(result.pa, family->pa);
	assert_string_equal(pw_arena_host(family->arena, family->pa, 16), "the parent's");
	assert_int_equal(pw_pin_fast(family->reader, VA, 1, PW_PIN_WRITE, &page, &why), 1);
	assert_true(pw_folio_info(family->arena, page, &info));
	assert_int_equal(info.references, 1025);
	pw_unpin_pages(family->reader, &page, 1, PW_PIN_WRITE, false);
	assert_int_equal(pw_space_unmap(family->space, 0, ~UINT64_C(0), NULL, NULL, NULL), 0);
	pw_folio_put(family->arena, family->pa, 1);
	pw_reader_destroy(family->reader);
	pw_space_destroy(family->space);
	assert_int_equal(pw_arena_free_bytes(family->arena), pw_arena_bytes(family->arena));
	pw_arena_faults(family->arena, &faults);
	assert_int_equal(faults.underflows, 0);
	pw_arena_destroy(family->arena);
}

/* Runs @child in a child process and returns how that ends. A child that hangs is killed. */
static int status_of(void (*child)(struct family *family), struct family *family)
{
	int status = 0;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		alarm(LONGEST_S);
		child(family);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

/* Does MADV_WIPEONFORK work here? Emulators of other processors may not implement it. */
static bool forks_are_noticed(void)
{
	char *page = mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			  0);
	int status = 0;
	pid_t pid;

	assert_true(page != MAP_FAILED);
	*page = 1;
	if (madvise(page, 1 << 16, MADV_WIPEONFORK) != 0)
		return false;
	pid = fork();
	if (pid == 0)
		_exit(*page);
	waitpid(pid, &status, 0);
	munmap(page, 1 << 16);
	if (status != 0)
		print_message("MADV_WIPEONFORK does not work here\n");
	return status == 0;
}

static void for_each_kind(void (*child)(struct family *family))
{
	if (!forks_are_noticed())
		return;
	for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct family family = open_family(kinds[i]);

		assert_int_equal(status_of(child, &family), 0);
		close_family(&family);
	}
}

/* ---- what children do ---- */

static void edits(struct family *family)
{
	struct pw_space *space = family->space;
	struct pw_error error;
	struct pw_reader *reader;

	EXPECT(pw_space_unmap(space, VA, VA + 4095, NULL, NULL, &error) == -EPERM);
	EXPECT(strstr(error.text, "fork"));
	EXPECT(pw_space_map(space, 0, 4095, family->pa, RW, NULL) == -EPERM);
	EXPECT(pw_space_protect(space, VA, VA + 4095, PW_READ, NULL) == -EPERM);
	EXPECT(pw_space_split(space, VA, VA + 4095, 12, NULL) == -EPERM);
	EXPECT(pw_space_collapse(space, VA, VA + 4095, 64, NULL, NULL) == -EPERM);
	EXPECT(pw_space_create(family->arena, pw_format_find("x86_64"), NULL, &space, &error) ==
	       -EPERM);
	EXPECT(pw_reader_create(family->space, &reader) == -EPERM);
	pw_space_copy_begin(family->space);
	pw_space_copy_end(family->space);
	pw_space_wait(family->space);
	pw_arena_drain(family->arena);
}

static void reads(struct family *family)
{
	struct pw_reader *reader = family->reader;
	const struct pw_regime *regime;
	struct pw_pinned range;
	struct pw_result result;
	struct iovec iovec;
	enum pw_stop why;
	pw_pa page = family->pa;

	EXPECT(pw_pin_fast(reader, VA, 1, 0, &page, &why) == -EPERM);
	EXPECT(pw_get_fast(reader, VA, 1, 0, &page, &why) == -EPERM);
	EXPECT(pw_pin_fast_ranges(reader, VA, 4096, 0, &range, 1, NULL, &why) == -EPERM);
	EXPECT(pw_pin_fast_iovec(reader, VA, 4096, 0, &iovec, 1, NULL, &why) == -EPERM);
	pw_unpin_pages(reader, &page, 1, 0, true);
	EXPECT(pw_space_translate(reader, VA, &result) != PW_OK);
	regime = pw_reader_enter(reader);
	EXPECT(pw_translate(pw_arena_memory(family->arena), regime, VA, &result) ==
	       PW_NOT_CANONICAL);
	EXPECT(pw_translate(pw_arena_memory(family->arena), regime, 0, &result) ==
	       PW_NOT_CANONICAL);
	pw_reader_leave(reader);
	EXPECT(!pw_arena_host(family->arena, family->pa, 1));
}

static void counts(struct family *family)
{
	struct pw_arena *arena = family->arena;
	struct pw_folio_info info;
	pw_pa pa = family->pa;

	EXPECT(pw_folio_alloc(arena, 0, PW_FOLIO_SHARED, 0, 0, &pa) == -EPERM);
	EXPECT(!pw_folio_get(arena, pa, 1));
	EXPECT(!pw_folio_pin(arena, pa, 1));
	pw_folio_put(arena, pa, 1);
	pw_folio_unpin(arena, pa, 1);
	EXPECT(!pw_folio_info(arena, pa, &info));
	pw_folio_truncate(arena, pa);
	pw_folio_dirty(arena, pa);
	EXPECT(!pw_folio_clean(arena, pa));
	EXPECT(!pw_folio_try_share(arena, pa));
	pw_folio_own(arena, pa);
	EXPECT(!pw_folio_split(arena, pa, 1));
	EXPECT(pw_arena_free_bytes(arena) == 0);
}

static void cleans_up(struct family *family)
{
	pw_reader_destroy(family->reader);
	pw_space_destroy(family->space);
	pw_arena_destroy(family->arena);
}

/* The child maps the file, as any other process may that was given it. */
static void maps_the_file(struct family *family)
{
	char *memory = mmap(NULL, FRAMES * 4096, PROT_READ, MAP_SHARED, pw_arena_fd(family->arena),
			    0);

	EXPECT(memory != MAP_FAILED);
	EXPECT(strcmp(memory + family->pa, "the parent's") == 0);
}

/* The child makes a space of its own, without liburcu, whose threads are the parent's. */
static void has_its_own(struct family *family)
{
	const struct pw_arena_options options = { .bytes = FRAMES * 4096 };
	const struct pw_space_options space_options = { .sync = PW_SYNC_IPI };
	struct pw_reader *reader;
	struct pw_arena *arena;
	struct pw_space *space;
	struct pw_error error;
	enum pw_stop why;
	pw_pa pa, page;

	cleans_up(family);
	EXPECT(pw_arena_create(&options, &arena, &error) == 0);
	EXPECT(pw_space_create(arena, pw_format_find("s390x"), &space_options, &space, &error) ==
	       0);
	EXPECT(pw_reader_create(space, &reader) == 0);
	EXPECT(pw_folio_alloc(arena, 0, PW_FOLIO_ANONYMOUS, 1, 0, &pa) == 0);
	EXPECT(pw_space_map(space, VA, VA + 4095, pa, RW, &error) == 0);
	EXPECT(pw_pin_fast(reader, VA, 1, PW_PIN_WRITE, &page, &why) == 1);
	pw_unpin_pages(reader, &page, 1, PW_PIN_WRITE, false);
	EXPECT(pw_space_unmap(space, 0, VA + 4095, NULL, NULL, &error) == 0);
	pw_folio_put(arena, pa, 1);
	pw_reader_destroy(reader);
	pw_space_destroy(space);
	EXPECT(pw_arena_free_bytes(arena) == pw_arena_bytes(arena));
	pw_arena_destroy(arena);
}

static void test_edits(void **state)
{
	(void)state;
	for_each_kind(edits);
}

static void test_reads(void **state)
{
	(void)state;
	for_each_kind(reads);
}

static void test_counts(void **state)
{
	(void)state;
	for_each_kind(counts);
}

static void test_cleans_up(void **state)
{
	(void)state;
	for_each_kind(cleans_up);
}

static void test_file(void **state)
{
	(void)state;
	for_each_kind(maps_the_file);
}

static void test_its_own(void **state)
{
	(void)state;
	for_each_kind(has_its_own);
}

/* ---- the memory ---- */

static char *kept; /* the page's address in the parent */

static void writes(struct family *family)
{
	(void)family;
	signal(SIGSEGV, SIG_DFL);
	strcpy(kept, "the child's");
}

static void test_memory(void **state)
{
	struct family family;
	int status;

	(void)state;
	if (!forks_are_noticed())
		return;
	family = open_family(PW_SYNC_IPI);
	kept = pw_arena_host(family.arena, family.pa, 16);
	status = status_of(writes, &family);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	close_family(&family);
}

/* ---- a fork in the middle of something ---- */

/* The thread that forks is inside a section; the child has no section to leave. */
static void leaves(struct family *family)
{
	pw_reader_leave(family->reader);
	cleans_up(family);
}

static void test_inside(void **state)
{
	(void)state;
	if (!forks_are_noticed())
		return;
	for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct family family = open_family(kinds[i]);

		pw_reader_enter(family.reader);
		assert_int_equal(status_of(leaves, &family), 0);
		pw_reader_leave(family.reader);
		close_family(&family);
	}
}

struct busy {
	struct family *family;
	bool stop; /* atomic */
};

/* Holds one lock or another most of the time. */
static void *be_busy(void *context)
{
	struct busy *busy = context;
	struct family *family = busy->family;

	while (!__atomic_load_n(&busy->stop, __ATOMIC_RELAXED)) {
		const pw_va va = VA << 20;
		pw_pa pa;

		if (pw_folio_alloc(family->arena, 0, PW_FOLIO_SHARED, 0, 0, &pa) == 0)
			pw_folio_put(family->arena, pa, 1);
		pw_space_map(family->space, va, va + 4095, family->pa, RW, NULL);
		pw_space_unmap(family->space, va, 2 * va - 1, NULL, NULL, NULL);
	}
	return NULL;
}

static void does_everything(struct family *family)
{
	edits(family);
	reads(family);
	counts(family);
	cleans_up(family);
}

static void test_busy(void **state)
{
	(void)state;
	if (!forks_are_noticed())
		return;
	for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct family family = open_family(kinds[i]);
		struct busy busy = { .family = &family };
		pthread_t thread;

		assert_int_equal(pthread_create(&thread, NULL, be_busy, &busy), 0);
		for (unsigned forks = 0; forks < 20; forks++)
			assert_int_equal(status_of(does_everything, &family), 0);
		__atomic_store_n(&busy.stop, true, __ATOMIC_RELAXED);
		pthread_join(thread, NULL);
		close_family(&family);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_edits),  cmocka_unit_test(test_reads),
		cmocka_unit_test(test_counts), cmocka_unit_test(test_cleans_up),
		cmocka_unit_test(test_file),   cmocka_unit_test(test_its_own),
		cmocka_unit_test(test_memory), cmocka_unit_test(test_inside),
		cmocka_unit_test(test_busy),
	};

	mutant_choose(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
