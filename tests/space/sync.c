/* SPDX-License-Identifier: MIT */
/*
 * Reclaim: the same tests for every back end. Threads are puppets: each does one thing when it is told
 * to, so that the test determines the order of events.
 *
 * A test cannot see at one moment that a thread is still waiting, so it watches it for a short time. A right
 * back end never fails because of that, however slow the machine is; a wrong one might pass.
 */
#include <sched.h>
#include <semaphore.h>
#include <time.h>

#include <urcu/urcu-memb.h>

#include "sync_test.h"

enum { GLANCE_MS = 20 };

/* ---- puppets ---- */

enum command {
	JOIN,
	QUIT,
	ENTER,
	LEAVE,
	WAIT,
	DRAIN,
	LATER,
	/* what the application does, without pagewalk */
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
	struct pw_sync_reader *reader; /* the one of readers[] that acts */
	struct pw_sync_reader readers[2];
	int code;
};

static void act(struct puppet *puppet)
{
	const struct pw_sync_ops *ops = puppet->sync->ops;

	switch (puppet->command) {
	case JOIN:
		puppet->code = pw_sync_join(puppet->reader, puppet->sync);
		break;
	case QUIT:
		pw_sync_quit(puppet->reader);
		break;
	case ENTER:
		pw_sync_enter(puppet->reader);
		break;
	case LEAVE:
		pw_sync_leave(puppet->reader);
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

/* Is it still doing what it was told? If not, it has been awaited. */
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

/* Waits until a waiter has looked at this reader and found it inside. For back ends with marks. */
static void until_noted(struct pw_sync *sync, const struct pw_sync_reader *reader)
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

/* An item that a reader inside could have seen is not freed before the reader leaves. */
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

/* The test above can fail: with a back end that frees at once, it does. */
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
	sync.ops->wait(&sync); /* there is no reader */
	puppet_start(&reader, &sync);
	puppet_start(&writer, &sync);
	make(&reader, JOIN);
	make(&writer, WAIT); /* no reader is inside */
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

/* A waiter does not wait for readers that left and entered again, or entered after its look. */
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
	await(&writer); /* although all three are inside */

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

/* A waiter does not keep other threads from joining and quitting. */
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
	/* A thread with a reader inside can join and quit with another one. */
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

/* Every earlier item is freed once, including those that another thread is freeing. */
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
	sync.ops->drain(&sync); /* there are no items */

	/* One thread drains and is held up; the drain of another must not return before it. */
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

	/* Items that are left at the end are freed. */
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

/* One thread reads two spaces: quitting one does not affect the other, nor, with marks, does waiting. */
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
	/* If it were no longer registered, nobody would wait for this. */
	make(&reader, RCU_LOCK);
	if (sync.ops->wait == pw_sync_rcu.wait) {
		tell(&writer, WAIT);
		assert_true(busy(&writer));
		make(&reader, RCU_UNLOCK);
		await(&writer);
	} else {
		make(&reader, RCU_UNLOCK);
	}
	make(&reader, RCU_UNREGISTER); /* the library aborts if the thread is not registered */
	/* The application can register a thread itself after that thread has read. */
	make(&reader, JOIN);
	make(&reader, QUIT);
	make(&reader, RCU_REGISTER);
	make(&reader, RCU_UNREGISTER);
	puppet_end(&writer);
	puppet_end(&reader);
	pw_sync_deinit(&sync);
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

int main(int argc, char **argv)
{
	static const struct sync_test each[] = {
		{ "keeps alive", test_keeps_alive, false },
		{ "wait", test_wait, false },
		{ "later readers", test_later_readers, true },
		{ "join during wait", test_join_during_wait, false },
		{ "drain", test_drain, false },
		{ "nesting", test_nesting, false },
		{ "two spaces", test_two_spaces, false },
		{ "registered", test_registered, false },
	};
	static const struct CMUnitTest single[] = {
		{ .name = "immediate", .test_func = test_immediate },
		{ .name = "kinds", .test_func = test_kinds },
	};

	return run_sync_tests(argc, argv, each, sizeof(each) / sizeof(each[0]), single,
			      sizeof(single) / sizeof(single[0]));
}
