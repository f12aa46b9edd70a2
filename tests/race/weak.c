/* SPDX-License-Identifier: MIT */
/*
 * Litmus tests on sampled weaker processors. An outcome that the C language allows and the sample is built to show
 * must come up; one that it forbids must not, in any of the runs.
 */
#include <stdio.h>
#include <string.h>

#include "lab/race/race.h"

enum { RUNS = 20000 };

static int x, y, r[4];
static bool seen;

/* ---- message passing ---- */

static void send_relaxed(void)
{
	__atomic_store_n(&x, 1, __ATOMIC_RELAXED);
	__atomic_store_n(&y, 1, __ATOMIC_RELAXED);
}

static void send_release(void)
{
	__atomic_store_n(&x, 1, __ATOMIC_RELAXED);
	__atomic_store_n(&y, 1, __ATOMIC_RELEASE);
}

static void send_fence(void)
{
	__atomic_store_n(&x, 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	__atomic_store_n(&y, 1, __ATOMIC_RELAXED);
}

static void receive_relaxed(void)
{
	r[0] = __atomic_load_n(&y, __ATOMIC_RELAXED);
	r[1] = __atomic_load_n(&x, __ATOMIC_RELAXED);
}

static void receive_acquire(void)
{
	r[0] = __atomic_load_n(&y, __ATOMIC_ACQUIRE);
	r[1] = __atomic_load_n(&x, __ATOMIC_RELAXED);
}

static void receive_fence(void)
{
	r[0] = __atomic_load_n(&y, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	r[1] = __atomic_load_n(&x, __ATOMIC_RELAXED);
}

static bool flag_without_message(void)
{
	return r[0] == 1 && r[1] == 0;
}

/* ---- store buffering ---- */

static void left_release(void)
{
	__atomic_store_n(&x, 1, __ATOMIC_RELEASE);
	r[0] = __atomic_load_n(&y, __ATOMIC_ACQUIRE);
}

static void right_release(void)
{
	__atomic_store_n(&y, 1, __ATOMIC_RELEASE);
	r[1] = __atomic_load_n(&x, __ATOMIC_ACQUIRE);
}

static void left_fence(void)
{
	__atomic_store_n(&x, 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	r[0] = __atomic_load_n(&y, __ATOMIC_RELAXED);
}

static void right_fence(void)
{
	__atomic_store_n(&y, 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	r[1] = __atomic_load_n(&x, __ATOMIC_RELAXED);
}

static void left_consistent(void)
{
	__atomic_store_n(&x, 1, __ATOMIC_SEQ_CST);
	r[0] = __atomic_load_n(&y, __ATOMIC_SEQ_CST);
}

static void right_consistent(void)
{
	__atomic_store_n(&y, 1, __ATOMIC_SEQ_CST);
	r[1] = __atomic_load_n(&x, __ATOMIC_SEQ_CST);
}

static bool both_missed(void)
{
	return r[0] == 0 && r[1] == 0;
}

/* ---- two writers, two readers ---- */

static void write_x(void)
{
	__atomic_store_n(&x, 1, __ATOMIC_RELEASE);
}

static void write_y(void)
{
	__atomic_store_n(&y, 1, __ATOMIC_RELEASE);
}

static void read_x_y(void)
{
	r[0] = __atomic_load_n(&x, __ATOMIC_ACQUIRE);
	r[1] = __atomic_load_n(&y, __ATOMIC_ACQUIRE);
}

static void read_y_x(void)
{
	r[2] = __atomic_load_n(&y, __ATOMIC_ACQUIRE);
	r[3] = __atomic_load_n(&x, __ATOMIC_ACQUIRE);
}

static bool readers_disagree(void)
{
	return r[0] == 1 && r[1] == 0 && r[2] == 1 && r[3] == 0;
}

/* ---- one word ---- */

static void write_twice(void)
{
	__atomic_store_n(&x, 1, __ATOMIC_RELAXED);
	__atomic_store_n(&x, 2, __ATOMIC_RELAXED);
}

static void read_twice(void)
{
	r[0] = __atomic_load_n(&x, __ATOMIC_RELAXED);
	r[1] = __atomic_load_n(&x, __ATOMIC_RELAXED);
}

static void count(void)
{
	__atomic_fetch_add(&x, 1, __ATOMIC_RELAXED);
}

static bool went_back(void)
{
	return r[1] < r[0];
}

static bool lost_update(void)
{
	return x != 2;
}

/* ---- through a third thread ---- */

static void pass_on(void)
{
	r[2] = __atomic_load_n(&x, __ATOMIC_ACQUIRE);
	if (r[2])
		__atomic_store_n(&y, 1, __ATOMIC_RELEASE);
}

static const struct {
	const char *name;
	void (*thread[4])(void);
	bool (*outcome)(void);
	bool allowed;
} tests[] = {
	{ "MP", { send_relaxed, receive_relaxed }, flag_without_message, true },
	{ "MP, release alone", { send_release, receive_relaxed }, flag_without_message, true },
	{ "MP, acquire alone", { send_relaxed, receive_acquire }, flag_without_message, true },
	{ "MP, release and acquire",
	  { send_release, receive_acquire },
	  flag_without_message,
	  false },
	{ "MP, fences", { send_fence, receive_fence }, flag_without_message, false },
	{ "SB, release and acquire", { left_release, right_release }, both_missed, true },
	{ "SB, fences", { left_fence, right_fence }, both_missed, false },
	{ "SB, consistent", { left_consistent, right_consistent }, both_missed, false },
	{ "IRIW", { write_x, write_y, read_x_y, read_y_x }, readers_disagree, true },
	{ "WRC", { write_x, pass_on, receive_acquire }, flag_without_message, false },
	{ "CoRR", { write_twice, read_twice }, went_back, false },
	{ "counter", { count, count }, lost_update, false },
};

static bool (*outcome)(void);

/* What a check writes is put back before the next run, unless it is not instrumented. */
__attribute__((no_sanitize("thread"))) static void look(void)
{
	seen |= outcome();
}

int main(void)
{
	bool right = true;

	for (size_t i = 0; i < sizeof(tests) / sizeof(*tests); i++) {
		struct pw_lab_scenario scenario = { .name = tests[i].name, .check = look };
		const struct race_search how = { .mode = RACE_RANDOM, .limit = RUNS, .seed = 1 };
		struct pw_lab_result result;

		for (unsigned t = 0; t < 4; t++)
			scenario.thread[t] = (struct pw_lab_thread){ "thread", tests[i].thread[t],
								     false };
		outcome = tests[i].outcome;
		seen = false;
		race_words_forget();
		race_explore(&scenario, PW_LAB_WEAK, &how, &result);
		if (seen == tests[i].allowed && result.findings == 0 && !result.complete)
			continue;
		printf("%s: the outcome %s; %s\n", tests[i].name,
		       seen ? "was seen, and is forbidden" : "was not seen, and is allowed",
		       result.sentence);
		right = false;
	}
	return right ? 0 : 1;
}
