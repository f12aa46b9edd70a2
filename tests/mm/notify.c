/* SPDX-License-Identifier: MIT */
/* Notifiers, watched intervals, and snapshots. */
#include <pthread.h>
#include <sched.h>

#include "mm_test.h"
#include "mutants/choose.h"

/* ---- notifiers ---- */

struct heard {
	struct pw_notifier notifier;
	unsigned begins, ends, open, most_open;
	pw_va first, last; /* of all that was begun */
};

static void hear_begin(struct pw_notifier *notifier, pw_va first, pw_va last)
{
	struct heard *heard = (struct heard *)notifier;

	heard->begins++;
	heard->open++;
	heard->first = first < heard->first ? first : heard->first;
	heard->last = last > heard->last ? last : heard->last;
	if (heard->most_open < heard->open)
		heard->most_open = heard->open;
}

static void hear_end(struct pw_notifier *notifier, pw_va first, pw_va last)
{
	struct heard *heard = (struct heard *)notifier;

	assert_true(first >= heard->first && last <= heard->last);
	assert_true(heard->open > 0);
	heard->ends++;
	heard->open--;
}

static struct heard listener(void)
{
	return (struct heard){
		.notifier = { .begin = hear_begin, .end = hear_end },
		.first = ~UINT64_C(0),
	};
}

static void pairs(struct mm_world *world)
{
	struct heard heard = listener();
	pw_va va = map_anon(world, 4, PROT_READ | PROT_WRITE);

	for (unsigned i = 0; i < 4; i++)
		assert_true(pw_store_u8(world->cpu, va + i * world->page, 1));
	assert_int_equal(pw_notifier_add(world->mm, &heard.notifier), 0);
	assert_int_equal(pw_munmap(world->mm, va + world->page, 2 * world->page), 0);
	assert_true(heard.begins > 0);
	assert_int_equal(heard.begins, heard.ends);
	assert_true(heard.first <= va + world->page);
	assert_true(heard.last >= va + 3 * world->page - 1);
	pw_notifier_remove(&heard.notifier);
	heard.begins = 0;
	assert_int_equal(pw_munmap(world->mm, va, world->page), 0);
	assert_int_equal(heard.begins, 0);
	assert_int_equal(pw_notifier_add(NULL, &heard.notifier), -EINVAL);
	assert_int_equal(pw_notifier_add(world->mm, NULL), -EINVAL);
}

static void test_pairs(void **state)
{
	for_each_mm(pairs);
}

/* ---- intervals ---- */

struct watch {
	struct pw_interval interval;
	unsigned calls;
	pw_va first, last;
};

static void invalidate(struct pw_interval *interval, pw_va first, pw_va last)
{
	struct watch *watch = (struct watch *)interval;

	watch->calls++;
	watch->first = first;
	watch->last = last;
}

static uint64_t sequence_of(struct pw_interval *interval)
{
	uint64_t sequence = 0;

	assert_int_equal(pw_interval_begin(interval, &sequence), 0);
	return sequence;
}

static void intervals(struct mm_world *world)
{
	struct watch watch = { .interval = { .invalidate = invalidate } };
	pw_va va = map_anon(world, 4, PROT_READ | PROT_WRITE), second = va + world->page;
	uint64_t sequence;

	for (unsigned i = 0; i < 4; i++)
		assert_true(pw_store_u8(world->cpu, va + i * world->page, 1));
	assert_int_equal(
		pw_interval_add(world->mm, second, second + 2 * world->page - 1, &watch.interval),
		0);
	sequence = sequence_of(&watch.interval);
	assert_false(pw_interval_retry(&watch.interval, sequence));
	/* Beside it. */
	assert_int_equal(pw_munmap(world->mm, va, world->page), 0);
	assert_int_equal(watch.calls, 0);
	assert_false(pw_interval_retry(&watch.interval, sequence));
	/* In it. */
	assert_int_equal(pw_munmap(world->mm, va + 2 * world->page, 2 * world->page), 0);
	assert_true(watch.calls > 0);
	assert_true(watch.first <= va + 2 * world->page);
	assert_true(watch.last >= va + 3 * world->page - 1);
	assert_true(pw_interval_retry(&watch.interval, sequence));
	sequence = sequence_of(&watch.interval);
	assert_false(pw_interval_retry(&watch.interval, sequence));
	pw_interval_remove(&watch.interval);
	watch.calls = 0;
	assert_int_equal(pw_munmap(world->mm, second, world->page), 0);
	assert_int_equal(watch.calls, 0);
	assert_int_equal(pw_interval_add(world->mm, va + 1, va, &watch.interval), -EINVAL);
}

static void test_intervals(void **state)
{
	for_each_mm(intervals);
}

/* An invalidation that is over leaves another sequence; so do two that overlap, in any order of their ends. */
static void sequences(struct mm_world *world)
{
	const pw_va va = 16 * world->page, last = va + world->page - 1;
	struct watch watch = { .interval = { .invalidate = invalidate } };
	uint64_t sequence;

	assert_int_equal(pw_interval_add(world->mm, va, last, &watch.interval), 0);
	sequence = sequence_of(&watch.interval);
	pw_notify_begin(world->mm, va, last);
	assert_true(pw_interval_retry(&watch.interval, sequence));
	pw_notify_end(world->mm, va, last);
	assert_true(pw_interval_retry(&watch.interval, sequence));
	sequence = sequence_of(&watch.interval);
	pw_notify_begin(world->mm, 0, last);
	pw_notify_begin(world->mm, last, ~UINT64_C(0));
	assert_int_equal(watch.calls, 3);
	pw_notify_end(world->mm, 0, last);
	assert_true(pw_interval_retry(&watch.interval, sequence));
	pw_notify_end(world->mm, last, ~UINT64_C(0));
	assert_true(pw_interval_retry(&watch.interval, sequence));
	/* Ranges that end just before, and begin just after. */
	sequence = sequence_of(&watch.interval);
	pw_notify_begin(world->mm, 0, va - 1);
	pw_notify_begin(world->mm, last + 1, ~UINT64_C(0));
	assert_false(pw_interval_retry(&watch.interval, sequence));
	pw_notify_end(world->mm, 0, va - 1);
	pw_notify_end(world->mm, last + 1, ~UINT64_C(0));
	assert_int_equal(watch.calls, 3);
	pw_interval_remove(&watch.interval);
}

static void test_sequences(void **state)
{
	for_each_mm(sequences);
}

/* ---- who waits ---- */

struct waiter {
	struct pw_mm *mm;
	struct watch *watch;
	pw_va va;
	bool started, done; /* atomic */
	uint64_t sequence;
};

static void *read_sequence(void *argument)
{
	struct waiter *waiter = argument;

	__atomic_store_n(&waiter->started, true, __ATOMIC_SEQ_CST);
	waiter->sequence = sequence_of(&waiter->watch->interval);
	__atomic_store_n(&waiter->done, true, __ATOMIC_SEQ_CST);
	return NULL;
}

static void *add_interval(void *argument)
{
	struct waiter *waiter = argument;

	__atomic_store_n(&waiter->started, true, __ATOMIC_SEQ_CST);
	assert_int_equal(
		pw_interval_add(waiter->mm, waiter->va, waiter->va, &waiter->watch->interval), 0);
	__atomic_store_n(&waiter->done, true, __ATOMIC_SEQ_CST);
	return NULL;
}

/* Starts @run during an invalidation, gives it time to go on if it does not wait, and ends the invalidation. */
static void during(struct waiter *waiter, void *(*run)(void *waiter))
{
	pthread_t thread;

	pw_notify_begin(waiter->mm, waiter->va, waiter->va);
	assert_int_equal(pthread_create(&thread, NULL, run, waiter), 0);
	for (unsigned i = 0; i < 300 || !__atomic_load_n(&waiter->started, __ATOMIC_SEQ_CST); i++)
		sched_yield();
	assert_false(__atomic_load_n(&waiter->done, __ATOMIC_SEQ_CST));
	pw_notify_end(waiter->mm, waiter->va, waiter->va);
	pthread_join(thread, NULL);
}

/* A sequence is not given out while an invalidation is under way. */
static void busy(struct mm_world *world)
{
	struct watch watch = { .interval = { .invalidate = invalidate } };
	struct waiter waiter = { .mm = world->mm, .watch = &watch, .va = 16 * world->page };

	assert_int_equal(pw_interval_add(world->mm, 0, ~UINT64_C(0), &watch.interval), 0);
	during(&waiter, read_sequence);
	assert_false(pw_interval_retry(&watch.interval, waiter.sequence));
	pw_interval_remove(&watch.interval);
}

static void test_busy(void **state)
{
	for_each_mm(busy);
}

/* An interval that is added during an invalidation does not hear half of it. */
static void added_meanwhile(struct mm_world *world)
{
	struct watch watch = { .interval = { .invalidate = invalidate } };
	struct waiter waiter = { .mm = world->mm, .watch = &watch, .va = 16 * world->page };
	uint64_t sequence;

	during(&waiter, add_interval);
	assert_int_equal(watch.calls, 0);
	sequence = sequence_of(&watch.interval);
	pw_notify_begin(world->mm, waiter.va, waiter.va);
	pw_notify_end(world->mm, waiter.va, waiter.va);
	assert_int_equal(watch.calls, 1);
	assert_true(pw_interval_retry(&watch.interval, sequence));
	pw_interval_remove(&watch.interval);
}

static void test_added_meanwhile(void **state)
{
	for_each_mm(added_meanwhile);
}

/* ---- snapshots ---- */

static void snapshots(struct mm_world *world)
{
	const pw_va va = map_anon(world, 4, PROT_READ | PROT_WRITE);
	struct pw_snapshot page[4];

	assert_true(pw_store_u8(world->cpu, va + 5, 77));
	assert_int_equal(pw_mm_snapshot(world->mm, va, 4, false, false, page), 0);
	assert_true(page[0].valid && page[0].writable);
	assert_int_equal(*byte_at(world, page[0].pa + 5), 77);
	for (unsigned i = 1; i < 4; i++)
		assert_false(page[i].valid);
	assert_int_equal(pw_mm_snapshot(world->mm, va, 4, true, false, page), 0);
	for (unsigned i = 1; i < 4; i++)
		assert_true(page[i].valid);
	assert_int_equal(pw_mm_snapshot(world->mm, va, 4, true, true, page), 0);
	for (unsigned i = 0; i < 4; i++) {
		assert_true(page[i].valid && page[i].writable);
		assert_true(pw_store_u8(world->cpu, va + i * world->page + 1, (uint8_t)(i + 1)));
		assert_int_equal(*byte_at(world, page[i].pa + 1), i + 1);
	}
	assert_int_equal(pw_munmap(world->mm, va + 2 * world->page, world->page), 0);
	assert_int_equal(pw_mm_snapshot(world->mm, va, 4, false, false, page), 0);
	assert_true(page[1].valid && !page[2].valid && page[3].valid);
	assert_int_equal(pw_mm_snapshot(world->mm, va, 4, true, false, page), -EFAULT);
	assert_int_equal(pw_mprotect(world->mm, va, world->page, PROT_READ), 0);
	assert_int_equal(pw_mm_snapshot(world->mm, va, 1, true, true, page), -EPERM);
	assert_int_equal(pw_mm_snapshot(world->mm, va, 1, true, false, page), 0);
	assert_true(page[0].valid && !page[0].writable);
	assert_int_equal(pw_mm_snapshot(world->mm, va + 1, 1, false, false, page), -EINVAL);
	assert_int_equal(pw_mm_snapshot(world->mm, va, SIZE_MAX, false, false, page), -EINVAL);
	assert_int_equal(pw_mm_snapshot(world->mm, va, 0, false, false, NULL), 0);
}

static void test_snapshots(void **state)
{
	for_each_mm(snapshots);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pairs),           cmocka_unit_test(test_intervals),
		cmocka_unit_test(test_sequences),       cmocka_unit_test(test_busy),
		cmocka_unit_test(test_added_meanwhile), cmocka_unit_test(test_snapshots),
	};

	mutant_choose(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
