/* SPDX-License-Identifier: MIT */
/* What the laboratory finds by itself, and what it must not complain about: scenarios.py knows which is which. */
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <time.h>

#include <pagewalk/lab.h>

static pthread_mutex_t first_mutex, second_mutex;
static pthread_cond_t changed;
static uint64_t flag, other_flag, ready, sum;
static uint64_t plain, *object, *shared;

/* ---- locks ---- */

static void first_then_second(void)
{
	pthread_mutex_lock(&first_mutex);
	pthread_mutex_lock(&second_mutex);
	sum++;
	pthread_mutex_unlock(&second_mutex);
	pthread_mutex_unlock(&first_mutex);
}

static void second_then_first(void)
{
	pthread_mutex_lock(&second_mutex);
	pthread_mutex_lock(&first_mutex);
	sum++;
	pthread_mutex_unlock(&first_mutex);
	pthread_mutex_unlock(&second_mutex);
}

static void two_more(void)
{
	pw_lab_check(sum == 2, "one of two increments was lost");
	sum = 0;
}

/* Leaves nothing behind for the next run. */
static void take_sum(void)
{
	pthread_mutex_lock(&first_mutex);
	two_more();
	pthread_mutex_unlock(&first_mutex);
	plain++;
	pw_lab_check(plain == 1, "the check of another run is seen");
}

static void only_lock(void)
{
	pthread_mutex_lock(&first_mutex);
}

static void twice(void)
{
	pthread_mutex_lock(&first_mutex);
	pthread_mutex_lock(&first_mutex);
}

static void only_unlock(void)
{
	pthread_mutex_unlock(&first_mutex);
}

static void spin_and_add(void)
{
	uint64_t nobody = 0;

	while (!__atomic_compare_exchange_n(&flag, &nobody, 1, false, __ATOMIC_ACQUIRE,
					    __ATOMIC_RELAXED)) {
		nobody = 0;
		sched_yield();
	}
	plain++;
	__atomic_store_n(&flag, 0, __ATOMIC_RELEASE);
}

static void try_and_add(void)
{
	if (pthread_mutex_trylock(&first_mutex) != 0)
		return;
	plain++;
	pthread_mutex_unlock(&first_mutex);
}

/* ---- condition variables ---- */

static void wait_ready(void)
{
	pthread_mutex_lock(&first_mutex);
	while (!ready)
		pthread_cond_wait(&changed, &first_mutex);
	pthread_mutex_unlock(&first_mutex);
}

/* Looks before it has the lock: the signal may come in between. */
static void wait_careless(void)
{
	if (__atomic_load_n(&ready, __ATOMIC_ACQUIRE))
		return;
	pthread_mutex_lock(&first_mutex);
	pthread_cond_wait(&changed, &first_mutex);
	pthread_mutex_unlock(&first_mutex);
}

static void make_ready(void)
{
	pthread_mutex_lock(&first_mutex);
	__atomic_store_n(&ready, 1, __ATOMIC_RELEASE);
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&first_mutex);
}

/* ---- waiting in loops ---- */

static void wait_flag(void)
{
	while (!__atomic_load_n(&flag, __ATOMIC_ACQUIRE))
		sched_yield();
	__atomic_store_n(&other_flag, 1, __ATOMIC_RELEASE);
}

static void wait_other_flag(void)
{
	while (!__atomic_load_n(&other_flag, __ATOMIC_ACQUIRE))
		pw_lab_pause();
	__atomic_store_n(&flag, 1, __ATOMIC_RELEASE);
}

static void set_flag(void)
{
	__atomic_store_n(&flag, 1, __ATOMIC_RELEASE);
}

static void serve(void)
{
	for (;;) {
		pw_lab_wait(&flag, sizeof(flag), 0);
		__atomic_store_n(&flag, 0, __ATOMIC_RELEASE);
	}
}

/* ---- memory ---- */

static void set_up_object(void)
{
	object = malloc(sizeof(*object));
	*object = 0;
	shared = object;
}

static void free_object(void)
{
	free(object);
}

static void use_object(void)
{
	__atomic_store_n(object, 1, __ATOMIC_RELAXED);
}

/* Told by the flag that the object is free, and uses it all the same. */
static void free_and_tell(void)
{
	free(object);
	__atomic_store_n(&flag, 1, __ATOMIC_RELEASE);
}

static void use_when_told(void)
{
	if (__atomic_load_n(&flag, __ATOMIC_ACQUIRE))
		__atomic_store_n(object, 1, __ATOMIC_RELAXED);
}

static void free_when_told(void)
{
	if (__atomic_load_n(&flag, __ATOMIC_ACQUIRE))
		free(object);
}

static void take_and_free(void)
{
	uint64_t *mine = __atomic_exchange_n(&shared, NULL, __ATOMIC_ACQ_REL);

	free(mine);
}

static void look_and_free(void)
{
	uint64_t *mine = __atomic_load_n(&shared, __ATOMIC_ACQUIRE);

	__atomic_store_n(&shared, NULL, __ATOMIC_RELEASE);
	free(mine);
}

static void allocate_and_lose(void)
{
	uint64_t *mine = malloc(24);

	*mine = 1;
	mine = __atomic_exchange_n(&shared, mine, __ATOMIC_ACQ_REL);
	free(mine);
}

/* ---- data races ---- */

static void write_plain(void)
{
	plain = 1;
}

static void read_plain(void)
{
	sum = plain;
}

static void read_atomic(void)
{
	__atomic_load_n(&plain, __ATOMIC_ACQUIRE);
}

static inline void publish(int order)
{
	plain = 1;
	__atomic_store_n(&flag, 1, order);
}

static inline void subscribe(int order)
{
	if (__atomic_load_n(&flag, order))
		pw_lab_check(plain == 1, "the message is not there");
}

static void publish_release(void)
{
	publish(__ATOMIC_RELEASE);
}

static void publish_relaxed(void)
{
	publish(__ATOMIC_RELAXED);
}

static void publish_fence(void)
{
	plain = 1;
	__atomic_thread_fence(__ATOMIC_RELEASE);
	__atomic_store_n(&flag, 1, __ATOMIC_RELAXED);
}

static void publish_by_adding(void)
{
	plain = 1;
	__atomic_fetch_add(&flag, 1, __ATOMIC_RELEASE);
}

/* In the middle of a release sequence. */
static void add_relaxed(void)
{
	__atomic_fetch_add(&flag, 1, __ATOMIC_RELAXED);
}

static void subscribe_to_both(void)
{
	if (__atomic_load_n(&flag, __ATOMIC_ACQUIRE) == 2)
		pw_lab_check(plain == 1, "the message is not there");
}

static void subscribe_acquire(void)
{
	subscribe(__ATOMIC_ACQUIRE);
}

static void subscribe_relaxed(void)
{
	subscribe(__ATOMIC_RELAXED);
}

static void subscribe_fence(void)
{
	if (!__atomic_load_n(&flag, __ATOMIC_RELAXED))
		return;
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	pw_lab_check(plain == 1, "the message is not there");
}

/* ---- what is no function of the schedule ---- */

/* The laboratory does not see this counter, so it goes on from run to run. */
__attribute__((no_sanitize("thread"), noinline)) static unsigned count_secretly(void)
{
	static volatile unsigned counter;

	return counter = counter + 1;
}

static void look_at_counter(void)
{
	if (count_secretly() % 5 == 4)
		__atomic_fetch_add(&other_flag, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&flag, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&other_flag, 1, __ATOMIC_RELAXED);
}

static void look_at_time(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	for (unsigned i = 0; i < 6; i++)
		__atomic_fetch_add(now.tv_nsec >> i & 1 ? &flag : &other_flag, 1, __ATOMIC_RELAXED);
}

static void end_by_counter(void)
{
	if (count_secretly() % 5 == 4)
		return;
	__atomic_fetch_add(&flag, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&other_flag, 1, __ATOMIC_RELAXED);
}

static void add_to_both(void)
{
	for (unsigned i = 0; i < 2; i++) {
		__atomic_fetch_add(&flag, 1, __ATOMIC_RELAXED);
		__atomic_fetch_add(&other_flag, 1, __ATOMIC_RELAXED);
	}
}

static void count_by_store(void)
{
	uint64_t old = __atomic_load_n(&flag, __ATOMIC_RELAXED);

	__atomic_store_n(&flag, old + 1, __ATOMIC_RELEASE);
}

static void both_counted(void)
{
	pw_lab_check(flag == 2, "one of two increments was lost");
}

#define TWO(a, b) .thread = { { "left", a, false }, { "right", b, false } }
#define THREE(a, b, c) \
	.thread = { { "left", a, false }, { "right", b, false }, { "third", c, false } }

static const struct pw_lab_scenario scenarios[] = {
	{ .name = "two-locks", TWO(first_then_second, second_then_first), .check = two_more },
	{ .name = "same-order", TWO(first_then_second, first_then_second) },
	{ .name = "check-writes", TWO(first_then_second, first_then_second), .check = take_sum },
	{ .name = "left-locked", TWO(only_lock, set_flag), .check = take_sum },
	{ .name = "self-lock", TWO(twice, set_flag) },
	{ .name = "unlock-unlocked", TWO(only_unlock, set_flag) },
	{ .name = "spinlock", THREE(spin_and_add, spin_and_add, spin_and_add) },
	{ .name = "trylock", THREE(try_and_add, try_and_add, try_and_add) },
	{ .name = "condition", TWO(wait_ready, make_ready) },
	{ .name = "lost-wakeup", TWO(wait_careless, make_ready) },
	{ .name = "no-progress", TWO(wait_flag, wait_other_flag) },
	{ .name = "progress", THREE(wait_flag, wait_other_flag, set_flag) },
	{ .name = "daemon",
	  .thread = { { "server", serve, true }, { "client", set_flag, false } } },
	{ .name = "not-daemon", TWO(serve, set_flag) },
	{ .name = "free-and-use", .setup = set_up_object, TWO(free_object, use_object) },
	{ .name = "use-after-free", .setup = set_up_object, TWO(free_and_tell, use_when_told) },
	{ .name = "freed-once", .setup = set_up_object, TWO(take_and_free, take_and_free) },
	{ .name = "both-free", .setup = set_up_object, TWO(look_and_free, look_and_free) },
	{ .name = "double-free", .setup = set_up_object, TWO(free_and_tell, free_when_told) },
	{ .name = "leak", TWO(allocate_and_lose, take_and_free), .leaks = true },
	{ .name = "plain-plain", TWO(write_plain, read_plain) },
	{ .name = "plain-atomic", TWO(write_plain, read_atomic) },
	{ .name = "release-acquire", TWO(publish_release, subscribe_acquire) },
	{ .name = "release-relaxed", TWO(publish_release, subscribe_relaxed) },
	{ .name = "relaxed-acquire", TWO(publish_relaxed, subscribe_acquire) },
	{ .name = "fences", TWO(publish_fence, subscribe_fence) },
	{ .name = "fence-missing", TWO(publish_fence, subscribe_relaxed) },
	{ .name = "release-sequence", THREE(publish_by_adding, add_relaxed, subscribe_to_both) },
	{ .name = "counter", TWO(look_at_counter, add_to_both) },
	{ .name = "counted-end", TWO(end_by_counter, add_to_both) },
	{ .name = "time", TWO(look_at_time, add_to_both) },
	{ .name = "lost-update", TWO(count_by_store, count_by_store), .check = both_counted },
};

int main(int argc, char **argv)
{
	return pw_lab_main(argc, argv, scenarios, sizeof(scenarios) / sizeof(*scenarios));
}
