/* SPDX-License-Identifier: MIT */
/*
 * Reclaim: the same tests for every back end. Threads are puppets: each does one thing when it is told
 * to, so that the order of events is the test's.
 *
 * That somebody is still waiting cannot be seen at one moment; it is looked at for a short time. A
 * right back end never fails for it, whatever the machine does meanwhile; only a wrong one might pass.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <errno.h>
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <urcu/urcu-memb.h>

#include "space/sync.h"

enum { GLANCE_MS = 20, DEADLOCK_S = 240 };

static const struct pw_sync_ops *const back_ends[] = {
	&pw_sync_rcu, &pw_sync_ipi, &pw_sync_ipi_fence, &pw_sync_rcu_wait, &pw_sync_rcu_wait_fence,
};

static unsigned rounds(unsigned usual)
{
	return getenv("PW_TEST_QUICK") ? usual / 16 : usual;
}

/* False where this machine does not have what the back end needs. */
static bool open_sync(struct pw_sync *sync, const struct pw_sync_ops *ops)
{
	int code = pw_sync_init_ops(sync, ops);

	if (code == -ENOSYS)
		print_message("%s: no membarrier here\n", ops->name);
	else
		assert_int_equal(code, 0);
	return code == 0;
}

static bool has_marks(const struct pw_sync *sync)
{
	return sync->ops != &pw_sync_rcu;
}

/* ---- something to free ---- */

enum { LIVE = 0x11fe, POISON = 0xdead };

struct item {
	struct pw_later later;
	unsigned value; /* plain: ThreadSanitizer judges who may touch it */
	unsigned freed; /* atomic */
};

static void free_item(struct pw_later *later)
{
	struct item *item = (struct item *)((char *)later - offsetof(struct item, later));

	item->value = POISON;
	__atomic_fetch_add(&item->freed, 1, __ATOMIC_RELEASE);
}

static unsigned freed(const struct item *item)
{
	return __atomic_load_n(&item->freed, __ATOMIC_ACQUIRE);
}

/* ---- puppets ---- */

enum command {
	JOIN,
	QUIT,
	ENTER,
	LEAVE,
	WAIT,
	DRAIN,
	LATER,
	/* of the application, without pagewalk */
	RCU_REGISTER,
	RCU_UNREGISTER,
	RCU_LOCK,
	RCU_UNLOCK,
	END,
};

struct puppet {
	pthread_t thread;
	sem_t told, done;
	enum command command;
	struct pw_sync *sync;
	struct item *item;
	struct pw_reader *reader; /* which one, of: */
	struct pw_reader readers[2];
	int code;
};

static void act(struct puppet *puppet)
{
	const struct pw_sync_ops *ops = puppet->sync->ops;

	switch (puppet->command) {
	case JOIN:
		puppet->code = pw_reader_join(puppet->reader, puppet->sync);
		break;
	case QUIT:
		pw_reader_quit(puppet->reader);
		break;
	case ENTER:
		pw_reader_enter(puppet->reader);
		break;
	case LEAVE:
		pw_reader_leave(puppet->reader);
		break;
	case WAIT:
		ops->wait(puppet->sync);
		break;
	case DRAIN:
		ops->drain(puppet->sync);
		break;
	case LATER:
		ops->later(puppet->sync, &puppet->item->later, free_item);
		break;
	case RCU_REGISTER:
		urcu_memb_register_thread();
		break;
	case RCU_UNREGISTER:
		urcu_memb_unregister_thread();
		break;
	case RCU_LOCK:
		urcu_memb_read_lock();
		break;
	case RCU_UNLOCK:
		urcu_memb_read_unlock();
		break;
	case END:
		break;
	}
}

static void *puppet_main(void *context)
{
	struct puppet *puppet = context;
	enum command command;

	do {
		while (sem_wait(&puppet->told) != 0)
			;
		command = puppet->command;
		act(puppet);
		sem_post(&puppet->done);
	} while (command != END);
	return NULL;
}

static void puppet_start(struct puppet *puppet, struct pw_sync *sync)
{
	memset(puppet, 0, sizeof(*puppet));
	puppet->sync = sync;
	puppet->reader = &puppet->readers[0];
	sem_init(&puppet->told, 0, 0);
	sem_init(&puppet->done, 0, 0);
	assert_int_equal(pthread_create(&puppet->thread, NULL, puppet_main, puppet), 0);
}

static void tell(struct puppet *puppet, enum command command)
{
	puppet->command = command;
	sem_post(&puppet->told);
}

static void await(struct puppet *puppet)
{
	while (sem_wait(&puppet->done) != 0)
		;
}

static void make(struct puppet *puppet, enum command command)
{
	tell(puppet, command);
	await(puppet);
	assert_int_equal(puppet->code, 0);
}

/* Is it still at what it was told to do? If not, it has been awaited. */
static bool busy(struct puppet *puppet)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += GLANCE_MS * 1000000L;
	until.tv_sec += until.tv_nsec / 1000000000L;
	until.tv_nsec %= 1000000000L;
	return sem_timedwait(&puppet->done, &until) != 0;
}

static void puppet_end(struct puppet *puppet)
{
	make(puppet, END);
	pthread_join(puppet->thread, NULL);
	sem_destroy(&puppet->told);
	sem_destroy(&puppet->done);
}

/* Until a waiter has looked at this reader and found it inside. For back ends with marks. */
static void until_noted(struct pw_sync *sync, const struct pw_reader *reader)
{
	bool noted;

	do {
		sched_yield();
		pthread_mutex_lock(&sync->lock);
		noted = reader->seen != 0;
		pthread_mutex_unlock(&sync->lock);
	} while (!noted);
}

/* ---- tests ---- */

/* What a reader that is inside could have seen is not freed before it leaves. */
static bool keeps_alive(struct pw_sync *sync)
{
	struct puppet reader, writer;
	struct item item = { .value = LIVE };
	bool kept;

	puppet_start(&reader, sync);
	puppet_start(&writer, sync);
	writer.item = &item;
	make(&reader, JOIN);
	make(&reader, ENTER);
	make(&writer, LATER);
	kept = freed(&item) == 0;
	tell(&writer, DRAIN);
	if (busy(&writer)) {
		kept = kept && freed(&item) == 0;
		make(&reader, LEAVE);
		await(&writer);
	} else {
		kept = false;
		make(&reader, LEAVE);
	}
	make(&reader, QUIT);
	assert_int_equal(freed(&item), 1);
	puppet_end(&writer);
	puppet_end(&reader);
	return kept;
}

static void test_keeps_alive(void **state)
{
	struct pw_sync sync;

	if (!open_sync(&sync, *state))
		return;
	assert_true(keeps_alive(&sync));
	pw_sync_deinit(&sync);
}

/* The test can fail: a back end that frees at once does. */
static void test_immediate(void **state)
{
	struct pw_sync sync;

	(void)state;
	assert_int_equal(pw_sync_init(&sync, PW_SYNC_IMMEDIATE), 0);
	assert_false(keeps_alive(&sync));
	pw_sync_deinit(&sync);
}

static void test_wait(void **state)
{
	struct pw_sync sync;
	struct puppet reader, writer;

	if (!open_sync(&sync, *state))
		return;
	sync.ops->wait(&sync); /* for nobody */
	puppet_start(&reader, &sync);
	puppet_start(&writer, &sync);
	make(&reader, JOIN);
	make(&writer, WAIT); /* for nobody inside */
	make(&reader, ENTER);
	tell(&writer, WAIT);
	assert_true(busy(&writer));
	make(&reader, LEAVE);
	await(&writer);
	make(&reader, QUIT);
	puppet_end(&writer);
	puppet_end(&reader);
	pw_sync_deinit(&sync);
}

/* A waiter lets readers go on that have left and entered again, or entered after it had looked. */
static void test_later_readers(void **state)
{
	struct pw_sync sync;
	struct puppet first, second, third, writer;

	if (!open_sync(&sync, *state))
		return;
	puppet_start(&first, &sync);
	puppet_start(&second, &sync);
	puppet_start(&third, &sync);
	puppet_start(&writer, &sync);
	make(&first, JOIN);
	make(&second, JOIN);
	make(&first, ENTER);
	tell(&writer, WAIT);
	until_noted(&sync, &first.readers[0]);
	make(&second, ENTER);
	make(&third, JOIN);
	make(&third, ENTER);
	assert_true(busy(&writer));
	make(&first, LEAVE);
	make(&first, ENTER);
	await(&writer); /* with all three inside */

	make(&first, LEAVE);
	make(&first, QUIT);
	make(&second, LEAVE);
	make(&second, QUIT);
	make(&third, LEAVE);
	make(&third, QUIT);
	puppet_end(&writer);
	puppet_end(&third);
	puppet_end(&second);
	puppet_end(&first);
	pw_sync_deinit(&sync);
}

/* Who waits does not keep other threads from joining and quitting. */
static void test_join_during_wait(void **state)
{
	struct pw_sync sync;
	struct puppet first, second, writer;

	if (!open_sync(&sync, *state))
		return;
	puppet_start(&first, &sync);
	puppet_start(&second, &sync);
	puppet_start(&writer, &sync);
	make(&first, JOIN);
	make(&first, ENTER);
	make(&second, JOIN);
	make(&second, ENTER);
	tell(&writer, WAIT);
	assert_true(busy(&writer));
	make(&second, LEAVE);
	make(&second, QUIT);
	make(&second, JOIN);
	make(&second, QUIT);
	assert_true(busy(&writer));
	/* A reader that is inside as well. */
	first.reader = &first.readers[1];
	make(&first, JOIN);
	make(&first, QUIT);
	first.reader = &first.readers[0];
	make(&first, LEAVE);
	await(&writer);
	make(&first, QUIT);
	puppet_end(&writer);
	puppet_end(&second);
	puppet_end(&first);
	pw_sync_deinit(&sync);
}

/* Every item of before is freed once, those that another thread is freeing included. */
static void test_drain(void **state)
{
	enum { ITEMS = 200 };
	struct pw_sync sync;
	struct puppet reader, writer;
	struct item *items = calloc(ITEMS, sizeof(*items));

	if (!open_sync(&sync, *state)) {
		free(items);
		return;
	}
	for (unsigned i = 0; i < ITEMS; i++)
		sync.ops->later(&sync, &items[i].later, free_item);
	sync.ops->drain(&sync);
	for (unsigned i = 0; i < ITEMS; i++)
		assert_int_equal(freed(&items[i]), 1);
	sync.ops->drain(&sync); /* of nothing */

	/* One thread drains and is held up; another's drain must not return before. */
	puppet_start(&reader, &sync);
	puppet_start(&writer, &sync);
	make(&reader, JOIN);
	make(&reader, ENTER);
	items[0].freed = 0;
	writer.item = &items[0];
	make(&writer, LATER);
	tell(&writer, DRAIN);
	assert_true(busy(&writer));
	{
		struct puppet other;

		puppet_start(&other, &sync);
		tell(&other, DRAIN);
		assert_true(busy(&other));
		assert_int_equal(freed(&items[0]), 0);
		make(&reader, LEAVE);
		await(&other);
		assert_int_equal(freed(&items[0]), 1);
		puppet_end(&other);
	}
	await(&writer);
	make(&reader, QUIT);
	puppet_end(&writer);
	puppet_end(&reader);

	/* What is left at the end is freed. */
	items[1].freed = 0;
	sync.ops->later(&sync, &items[1].later, free_item);
	pw_sync_deinit(&sync);
	assert_int_equal(freed(&items[1]), 1);
	free(items);
}

static void test_nesting(void **state)
{
	struct pw_sync sync;
	struct puppet reader, writer;

	if (!open_sync(&sync, *state))
		return;
	puppet_start(&reader, &sync);
	puppet_start(&writer, &sync);
	make(&reader, JOIN);
	make(&reader, ENTER);
	make(&reader, ENTER);
	tell(&writer, WAIT);
	assert_true(busy(&writer));
	make(&reader, LEAVE);
	assert_true(busy(&writer));
	make(&reader, ENTER);
	make(&reader, LEAVE);
	assert_true(busy(&writer));
	make(&reader, LEAVE);
	await(&writer);
	make(&reader, QUIT);
	puppet_end(&writer);
	puppet_end(&reader);
	pw_sync_deinit(&sync);
}

/* One thread, two spaces: quitting one leaves the other alone, and with marks so does waiting. */
static void test_two_spaces(void **state)
{
	struct pw_sync a, b;
	struct puppet reader, writer;
	struct item item = { .value = LIVE };

	if (!open_sync(&a, *state))
		return;
	assert_true(open_sync(&b, *state));
	puppet_start(&reader, &a);
	puppet_start(&writer, &b);
	writer.item = &item;
	make(&reader, JOIN);
	make(&reader, ENTER);
	if (has_marks(&b))
		make(&writer, WAIT); /* the reader is inside the other space */
	reader.sync = &b;
	reader.reader = &reader.readers[1];
	make(&reader, JOIN);
	make(&reader, ENTER);
	reader.reader = &reader.readers[0];
	make(&reader, LEAVE);
	make(&reader, QUIT);
	make(&writer, LATER);
	tell(&writer, DRAIN);
	assert_true(busy(&writer));
	assert_int_equal(freed(&item), 0);
	reader.reader = &reader.readers[1];
	make(&reader, LEAVE);
	await(&writer);
	assert_int_equal(freed(&item), 1);
	make(&reader, QUIT);
	puppet_end(&writer);
	puppet_end(&reader);
	pw_sync_deinit(&b);
	pw_sync_deinit(&a);
}

/* A thread that its application has registered with liburcu reads, and stays registered afterwards. */
static void test_registered(void **state)
{
	struct pw_sync sync;
	struct puppet reader, writer;

	if (!open_sync(&sync, *state))
		return;
	puppet_start(&reader, &sync);
	puppet_start(&writer, &sync);
	make(&reader, RCU_REGISTER);
	make(&reader, JOIN);
	make(&reader, ENTER);
	tell(&writer, WAIT);
	assert_true(busy(&writer));
	make(&reader, LEAVE);
	await(&writer);
	make(&reader, QUIT);
	/* Were it not registered, nobody would wait for this. */
	make(&reader, RCU_LOCK);
	if (sync.ops->wait == pw_sync_rcu.wait) {
		tell(&writer, WAIT);
		assert_true(busy(&writer));
		make(&reader, RCU_UNLOCK);
		await(&writer);
	} else {
		make(&reader, RCU_UNLOCK);
	}
	make(&reader, RCU_UNREGISTER); /* the library aborts if it is not */
	/* And one that the application has not registered can be, after it has read. */
	make(&reader, JOIN);
	make(&reader, QUIT);
	make(&reader, RCU_REGISTER);
	make(&reader, RCU_UNREGISTER);
	puppet_end(&writer);
	puppet_end(&reader);
	pw_sync_deinit(&sync);
}

static void *visit(void *context)
{
	struct pw_reader reader;

	if (pw_reader_join(&reader, context) != 0)
		return context;
	for (unsigned i = 0; i < 20; i++) {
		pw_reader_enter(&reader);
		pw_reader_leave(&reader);
	}
	pw_reader_quit(&reader);
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

/* ---- without puppets ---- */

struct stress {
	struct pw_sync sync;
	struct item *now; /* what readers can reach; atomic */
	bool stop; /* atomic */
	unsigned long looks, wrong; /* of all readers, when they are done; atomic */
};

static void *stress_reader(void *context)
{
	struct stress *stress = context;
	struct pw_reader reader;
	unsigned long looks = 0, wrong = 0;

	if (pw_reader_join(&reader, &stress->sync) != 0)
		return context;
	do {
		struct item *item;

		pw_reader_enter(&reader);
		item = __atomic_load_n(&stress->now, __ATOMIC_ACQUIRE);
		for (unsigned i = 0; item && i < 8; i++) {
			wrong += item->value != LIVE;
			__atomic_signal_fence(__ATOMIC_SEQ_CST); /* look again, really */
		}
		pw_reader_leave(&reader);
		looks++;
	} while (!__atomic_load_n(&stress->stop, __ATOMIC_RELAXED));
	pw_reader_quit(&reader);
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
 * The two orders of sync.h, in a tight loop. A reader that found X must be waited for: nothing but the
 * barriers keeps its mark from arriving after its loads.
 *
 *     reader: enter, load reachable; if so, dead must be false until leave
 *     writer: reachable = false, wait, dead = true
 */
struct litmus {
	struct pw_sync sync;
	unsigned rounds;
	_Alignas(PW_SYNC_LINE) unsigned begun; /* all of these are atomic, each in its own line */
	_Alignas(PW_SYNC_LINE) unsigned ended;
	_Alignas(PW_SYNC_LINE) bool reachable;
	_Alignas(PW_SYNC_LINE) bool dead;
	_Alignas(PW_SYNC_LINE) unsigned long wrong, found;
};

static void until_round(const unsigned *counter, unsigned round)
{
	for (unsigned spins = 0; __atomic_load_n(counter, __ATOMIC_ACQUIRE) < round; spins++)
		if (spins > 2000)
			sched_yield();
}

static void *litmus_reader(void *context)
{
	struct litmus *litmus = context;
	struct pw_reader reader;

	if (pw_reader_join(&reader, &litmus->sync) != 0)
		return context;
	for (unsigned round = 1; round <= litmus->rounds; round++) {
		until_round(&litmus->begun, round);
		/* At many moments of the writer's way. */
		for (unsigned delay = round % 128; delay; delay--)
			__atomic_signal_fence(__ATOMIC_SEQ_CST);
		pw_reader_enter(&reader);
		if (__atomic_load_n(&litmus->reachable, __ATOMIC_RELAXED)) {
			litmus->found++;
			for (unsigned i = 0; i < 256; i++)
				litmus->wrong += __atomic_load_n(&litmus->dead, __ATOMIC_RELAXED);
		}
		pw_reader_leave(&reader);
		__atomic_store_n(&litmus->ended, round, __ATOMIC_RELEASE);
	}
	pw_reader_quit(&reader);
	return NULL;
}

static void test_litmus(void **state)
{
	struct litmus litmus = { .rounds = rounds(16000) };
	pthread_t thread;
	void *failed;

	if (!open_sync(&litmus.sync, *state))
		return;
	assert_int_equal(pthread_create(&thread, NULL, litmus_reader, &litmus), 0);
	for (unsigned round = 1; round <= litmus.rounds; round++) {
		__atomic_store_n(&litmus.dead, false, __ATOMIC_RELAXED);
		__atomic_store_n(&litmus.reachable, true, __ATOMIC_RELAXED);
		__atomic_store_n(&litmus.begun, round, __ATOMIC_RELEASE);
		__atomic_store_n(&litmus.reachable, false, __ATOMIC_RELAXED);
		litmus.sync.ops->wait(&litmus.sync);
		__atomic_store_n(&litmus.dead, true, __ATOMIC_RELAXED);
		until_round(&litmus.ended, round);
	}
	pthread_join(thread, &failed);
	assert_null(failed);
	pw_sync_deinit(&litmus.sync);
	assert_int_equal(litmus.wrong, 0);
}

static void test_kinds(void **state)
{
	struct pw_sync sync;

	(void)state;
	assert_int_equal(pw_sync_init(&sync, PW_SYNC_RCU), 0);
	assert_ptr_equal(sync.ops, &pw_sync_rcu);
	pw_sync_deinit(&sync);
	assert_int_equal(pw_sync_init(&sync, PW_SYNC_IPI), 0);
	assert_true(sync.ops == &pw_sync_ipi || sync.ops == &pw_sync_ipi_fence);
	print_message("here: %s\n", sync.ops->name);
	pw_sync_deinit(&sync);
	assert_int_equal(pw_sync_init(&sync, PW_SYNC_RCU_WAIT), 0);
	assert_true(sync.ops == &pw_sync_rcu_wait || sync.ops == &pw_sync_rcu_wait_fence);
	pw_sync_deinit(&sync);
	assert_int_equal(pw_sync_init(&sync, (enum pw_sync_kind)77), -EINVAL);
}

int main(void)
{
	enum { BACK_ENDS = sizeof(back_ends) / sizeof(back_ends[0]) };
	static const struct {
		const char *name;
		CMUnitTestFunction function;
		bool marks; /* only where readers mark themselves: liburcu does not promise it */
	} each[] = {
		{ "keeps alive", test_keeps_alive, false },
		{ "wait", test_wait, false },
		{ "later readers", test_later_readers, true },
		{ "join during wait", test_join_during_wait, false },
		{ "drain", test_drain, false },
		{ "nesting", test_nesting, false },
		{ "two spaces", test_two_spaces, false },
		{ "registered", test_registered, false },
		{ "come and go", test_come_and_go, false },
		{ "stress", test_stress, false },
		{ "litmus", test_litmus, true },
	};
	enum { EACH = sizeof(each) / sizeof(each[0]) };
	static char names[BACK_ENDS * EACH][64];
	static struct CMUnitTest tests[BACK_ENDS * EACH + 2];
	size_t count = 0;

	alarm(DEADLOCK_S); /* a back end that waits for ever ends here */
	for (size_t b = 0; b < BACK_ENDS; b++) {
		for (size_t i = 0; i < EACH; i++) {
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
	tests[count++] = (struct CMUnitTest){ .name = "immediate", .test_func = test_immediate };
	tests[count++] = (struct CMUnitTest){ .name = "kinds", .test_func = test_kinds };
	return _cmocka_run_group_tests("sync", tests, count, NULL, NULL);
}
