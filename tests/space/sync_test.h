/* SPDX-License-Identifier: MIT */
/*
 * The parts that the tests of reclaim share: the list of back ends, items to free, and a main function that
 * runs each test on each back end, or with a mutant.
 */
#ifndef TESTS_SPACE_SYNC_TEST_H
#define TESTS_SPACE_SYNC_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mutant.h"
#include "mutants/choose.h"
#include "sync/sync.h"

/* After this time a thread is taken to wait for ever: in a whole program, in one test with a mutant. */
enum { DEADLOCK_S = 240, MUTANT_DEADLOCK_S = 20 };

static const struct pw_sync_ops *const back_ends[] = {
	&pw_sync_rcu, &pw_sync_ipi, &pw_sync_ipi_fence, &pw_sync_rcu_wait, &pw_sync_rcu_wait_fence,
};

static inline unsigned rounds(unsigned usual)
{
	return getenv("PW_TEST_QUICK") ? usual / 16 : usual;
}

/* False if this machine lacks what the back end needs. */
static inline bool open_sync(struct pw_sync *sync, const struct pw_sync_ops *ops)
{
	int code = pw_sync_init_ops(sync, ops);

	if (code == -ENOSYS)
		print_message("%s: no membarrier here\n", ops->name);
	else
		assert_int_equal(code, 0);
	return code == 0;
}

static inline bool has_marks(const struct pw_sync *sync)
{
	return sync->ops != &pw_sync_rcu;
}

/* ---- items to free ---- */

enum { LIVE = 0x11fe, POISON = 0xdead };

struct item {
	struct pw_later later;
	unsigned value; /* plain, so that ThreadSanitizer checks each access */
	unsigned freed; /* atomic */
};

static inline void free_item(struct pw_later *later)
{
	struct item *item = (struct item *)((char *)later - offsetof(struct item, later));

	item->value = POISON;
	__atomic_fetch_add(&item->freed, 1, __ATOMIC_RELEASE);
}

static inline unsigned freed(const struct item *item)
{
	return __atomic_load_n(&item->freed, __ATOMIC_ACQUIRE);
}

/* ---- the main function ---- */

struct sync_test {
	const char *name;
	CMUnitTestFunction function;
	bool marks; /* only for back ends with marks: liburcu does not promise it */
};

static inline void deadlock(int signal)
{
	static const char message[] = "a thread waits for ever\n";

	(void)signal;
	_exit(write(STDERR_FILENO, message, sizeof(message) - 1) < 0 ? 2 : 1);
}

/*
 * Runs each[] on every back end, then single[]. With an argument (tests/mutants) it stops at the first test
 * that fails.
 */
static inline int run_sync_tests(int argc, char **argv, const struct sync_test *each,
				 size_t each_count, const struct CMUnitTest *single,
				 size_t single_count)
{
	enum { BACK_ENDS = sizeof(back_ends) / sizeof(back_ends[0]), ROOM = BACK_ENDS * 16 };
	static char names[ROOM][64];
	static struct CMUnitTest tests[ROOM];
	size_t count = 0;

	signal(SIGALRM, deadlock);
	mutant_choose(argc, argv);
	for (size_t b = 0; b < BACK_ENDS; b++) {
		for (size_t i = 0; i < each_count; i++) {
			if (each[i].marks && back_ends[b] == &pw_sync_rcu)
				continue;
			snprintf(names[count], sizeof(names[count]), "%s: %s", back_ends[b]->name,
				 each[i].name);
			tests[count] = (struct CMUnitTest){
				.name = names[count],
				.test_func = each[i].function,
				.initial_state = (void *)(uintptr_t)back_ends[b],
			};
			count++;
		}
	}
	for (size_t i = 0; i < single_count; i++)
		tests[count++] = single[i];
	if (argc <= 1) {
		alarm(DEADLOCK_S);
		return _cmocka_run_group_tests("sync", tests, count, NULL, NULL);
	}
	/* Stops at the first failure, which leaves threads behind. */
	for (size_t i = 0; i < count; i++) {
		alarm(MUTANT_DEADLOCK_S);
		if (_cmocka_run_group_tests(tests[i].name, &tests[i], 1, NULL, NULL) != 0)
			_exit(1);
	}
	return 0;
}

#endif
