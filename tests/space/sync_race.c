/* SPDX-License-Identifier: MIT */
/* Reclaim with threads that run freely: freed items are poisoned, and readers must not see that. */
#include <sched.h>

#include "sync_test.h"

static void *visit(void *context)
{
	struct pw_sync_reader reader;

	if (pw_sync_join(&reader, context) != 0)
		return context;
	for (unsigned i = 0; i < 20; i++) {
		pw_sync_enter(&reader);
		pw_sync_leave(&reader);
	}
	pw_sync_quit(&reader);
	return NULL;
}

static void test_come_and_go(void **state)
{
	enum { THREADS = 4 };
	struct pw_sync sync;
	struct item *items = calloc(rounds(320), sizeof(*items));

	if (!open_sync(&sync, *state)) {
		free(items);
		return;
	}
	for (unsigned i = 0; i < rounds(320); i += THREADS) {
		pthread_t threads[THREADS];
		void *failed;

		for (unsigned k = 0; k < THREADS; k++)
			assert_int_equal(pthread_create(&threads[k], NULL, visit, &sync), 0);
		for (unsigned k = 0; k < THREADS; k++)
			sync.ops->later(&sync, &items[i + k].later, free_item);
		sync.ops->wait(&sync);
		for (unsigned k = 0; k < THREADS; k++) {
			pthread_join(threads[k], &failed);
			assert_null(failed);
		}
	}
	sync.ops->drain(&sync);
	for (unsigned i = 0; i < rounds(320); i++)
		assert_int_equal(freed(&items[i]), 1);
	pw_sync_deinit(&sync);
	free(items);
}

struct stress {
	struct pw_sync sync;
	struct item *now; /* the item that readers can reach; atomic */
	bool stop; /* atomic */
	unsigned long looks, wrong; /* of all readers, when they are done; atomic */
};

static void *stress_reader(void *context)
{
	struct stress *stress = context;
	struct pw_sync_reader reader;
	unsigned long looks = 0, wrong = 0;

	if (pw_sync_join(&reader, &stress->sync) != 0)
		return context;
	do {
		struct item *item;

		pw_sync_enter(&reader);
		item = __atomic_load_n(&stress->now, __ATOMIC_ACQUIRE);
		for (unsigned i = 0; item && i < 8; i++) {
			wrong += item->value != LIVE;
			__atomic_signal_fence(__ATOMIC_SEQ_CST); /* makes each turn load again */
		}
		pw_sync_leave(&reader);
		looks++;
	} while (!__atomic_load_n(&stress->stop, __ATOMIC_RELAXED));
	pw_sync_quit(&reader);
	__atomic_fetch_add(&stress->looks, looks, __ATOMIC_RELAXED);
	__atomic_fetch_add(&stress->wrong, wrong, __ATOMIC_RELAXED);
	return NULL;
}

static void test_stress(void **state)
{
	enum { READERS = 2 };
	struct stress stress = { .stop = false };
	const unsigned count = rounds(16000);
	struct item *items = calloc(count, sizeof(*items));
	pthread_t threads[READERS];

	if (!open_sync(&stress.sync, *state)) {
		free(items);
		return;
	}
	for (unsigned i = 0; i < READERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, stress_reader, &stress), 0);
	for (unsigned i = 0; i < count; i++) {
		struct item *old;

		items[i].value = LIVE;
		old = __atomic_exchange_n(&stress.now, &items[i], __ATOMIC_ACQ_REL);
		if (!old)
			continue;
		if (i % 64 == 63) {
			stress.sync.ops->wait(&stress.sync);
			free_item(&old->later);
		} else {
			stress.sync.ops->later(&stress.sync, &old->later, free_item);
		}
	}
	__atomic_store_n(&stress.stop, true, __ATOMIC_RELAXED);
	for (unsigned i = 0; i < READERS; i++) {
		void *failed;

		pthread_join(threads[i], &failed);
		assert_null(failed);
	}
	pw_sync_deinit(&stress.sync);
	assert_true(stress.looks >= READERS);
	assert_int_equal(stress.wrong, 0);
	for (unsigned i = 0; i + 1 < count; i++)
		assert_int_equal(freed(&items[i]), 1);
	free(items);
}

/*
 * The two orders of sync.h, in a tight loop. The writer must wait for a reader that found X: only the
 * barriers keep the reader's mark from arriving after its loads.
 *
 *     reader: enter, load reachable; if so, dead must be false until leave
 *     writer: reachable = false, wait, dead = true
 *
 * A round shows something only if the reader meets X, which takes two processors at the same time. So the
 * test goes on until that has happened often enough, within limits. Without the barriers, one meeting in some
 * ten thousand goes wrong.
 */
static unsigned long litmus_meetings(void)
{
	return pw_mutant(PW_MUTANT_NO_BARRIER) ? 200000 : rounds(2048);
}

struct litmus {
	struct pw_sync sync;
	bool stop; /* set before the next round begins */
	_Alignas(PW_SYNC_LINE) unsigned begun; /* these are atomic, each in its own line */
	_Alignas(PW_SYNC_LINE) unsigned ended;
	_Alignas(PW_SYNC_LINE) bool reachable;
	_Alignas(PW_SYNC_LINE) bool dead;
	_Alignas(PW_SYNC_LINE) unsigned long wrong; /* written by the reader, from begun to ended */
	unsigned long met;
};

/* Binds this thread to the first or the last processor, so that the two threads have one each. */
static void settle(bool first)
{
	cpu_set_t all, one;

	CPU_ZERO(&one);
	if (sched_getaffinity(0, sizeof(all), &all) != 0)
		return;
	for (size_t i = 0; i < CPU_SETSIZE; i++) {
		size_t cpu = first ? i : CPU_SETSIZE - 1 - i;

		if (!CPU_ISSET(cpu, &all))
			continue;
		CPU_SET(cpu, &one);
		break;
	}
	sched_setaffinity(0, sizeof(one), &one);
}

static void until_round(const unsigned *counter, unsigned round)
{
	for (unsigned spins = 0; __atomic_load_n(counter, __ATOMIC_ACQUIRE) < round; spins++)
		if (spins > 2000)
			sched_yield();
}

static void *litmus_reader(void *context)
{
	struct litmus *litmus = context;
	struct pw_sync_reader reader;

	settle(true);
	if (pw_sync_join(&reader, &litmus->sync) != 0)
		return context;
	for (unsigned round = 1;; round++) {
		until_round(&litmus->begun, round);
		if (litmus->stop)
			break;
		pw_sync_enter(&reader);
		if (__atomic_load_n(&litmus->reachable, __ATOMIC_RELAXED)) {
			litmus->met++;
			for (unsigned i = 0; i < 256; i++)
				litmus->wrong += __atomic_load_n(&litmus->dead, __ATOMIC_RELAXED);
		}
		pw_sync_leave(&reader);
		__atomic_store_n(&litmus->ended, round, __ATOMIC_RELEASE);
	}
	pw_sync_quit(&reader);
	return NULL;
}

static void test_litmus(void **state)
{
	struct litmus litmus = { .stop = false };
	const unsigned long enough = litmus_meetings(), limit = 8 * enough;
	pthread_t thread;
	cpu_set_t before;
	void *failed;
	unsigned round;

	if (!open_sync(&litmus.sync, *state))
		return;
	assert_int_equal(pthread_create(&thread, NULL, litmus_reader, &litmus), 0);
	sched_getaffinity(0, sizeof(before), &before);
	settle(false);
	for (round = 1; round <= limit && litmus.met < enough; round++) {
		__atomic_store_n(&litmus.dead, false, __ATOMIC_RELAXED);
		__atomic_store_n(&litmus.reachable, true, __ATOMIC_RELAXED);
		__atomic_store_n(&litmus.begun, round, __ATOMIC_RELEASE);
		/* The reader is running; the delay makes the two meet at many places. */
		for (unsigned delay = round % 2048; delay; delay--)
			__asm__ volatile("" : : : "memory"); /* the compiler keeps this turn */
		__atomic_store_n(&litmus.reachable, false, __ATOMIC_RELAXED);
		litmus.sync.ops->wait(&litmus.sync);
		__atomic_store_n(&litmus.dead, true, __ATOMIC_RELAXED);
		until_round(&litmus.ended, round);
	}
	litmus.stop = true;
	__atomic_store_n(&litmus.begun, round, __ATOMIC_RELEASE);
	sched_setaffinity(0, sizeof(before), &before);
	pthread_join(thread, &failed);
	assert_null(failed);
	pw_sync_deinit(&litmus.sync);
	print_message("met %lu times in %u rounds\n", litmus.met, round - 1);
	assert_int_equal(litmus.wrong, 0);
}

int main(int argc, char **argv)
{
	static const struct sync_test each[] = {
		{ "come and go", test_come_and_go, false },
		{ "stress", test_stress, false },
		{ "litmus", test_litmus, true },
	};

	return run_sync_tests(argc, argv, each, sizeof(each) / sizeof(each[0]), NULL, 0);
}
