/* SPDX-License-Identifier: MIT */
/*
 * Litmus tests: small programs whose outcomes are known for each memory model, by name (Alglave, Maranget, Tautschnig:
 * Herding cats, 2014; Owens, Sarkar, Sewell: x86-TSO, 2009). The set of outcomes has to be exactly the known one.
 * An outcome is one digit for each value that a thread has read, and then for each that memory holds at the end.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lab/race/race.h"

enum { VALUES = 4, OUTCOMES = 24 };

static uint64_t x, y, z;
static uint64_t r[VALUES]; /* what was read */
static uint64_t plain;
static uint64_t own[2]; /* words that one thread has for itself */

static inline void put(uint64_t *p, uint64_t value)
{
	__atomic_store_n(p, value, __ATOMIC_RELEASE);
}

static inline uint64_t get(const uint64_t *p)
{
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

static inline uint32_t *half(uint64_t *p, unsigned which)
{
	return (uint32_t *)p + which;
}

static inline void put_half(uint64_t *p, unsigned which, uint32_t value)
{
	__atomic_store_n(half(p, which), value, __ATOMIC_RELEASE);
}

static inline uint32_t get_half(const uint64_t *p, unsigned which)
{
	return __atomic_load_n((const uint32_t *)p + which, __ATOMIC_ACQUIRE);
}

/* Both halves of a word, as two digits: the first one in memory comes first. */
static inline void get_both(const uint64_t *p, unsigned first)
{
	const uint64_t whole = get(p);
	uint32_t halves[2];

	__builtin_memcpy(halves, &whole, sizeof(halves));
	r[first] = halves[0];
	r[first + 1] = halves[1];
}

static inline void put_both(uint64_t *p, uint32_t value)
{
	put(p, value | (uint64_t)value << 32);
}

static inline void fence(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* ---- store buffering ---- */

static void put_x_get_y(void)
{
	put(&x, 1);
	r[0] = get(&y);
}

static void put_y_get_x(void)
{
	put(&y, 1);
	r[1] = get(&x);
}

static void put_x_fence_get_y(void)
{
	put(&x, 1);
	fence();
	r[0] = get(&y);
}

static void put_y_fence_get_x(void)
{
	put(&y, 1);
	fence();
	r[1] = get(&x);
}

static void exchange_x_get_y(void)
{
	__atomic_exchange_n(&x, 1, __ATOMIC_ACQ_REL);
	r[0] = get(&y);
}

static void exchange_y_get_x(void)
{
	__atomic_exchange_n(&y, 1, __ATOMIC_ACQ_REL);
	r[1] = get(&x);
}

static void put_x_own_get_y(void)
{
	put(&x, 1);
	__atomic_fetch_add(&own[0], 1, __ATOMIC_RELAXED);
	r[0] = get(&y);
}

static void put_y_own_get_x(void)
{
	put(&y, 1);
	__atomic_fetch_add(&own[1], 1, __ATOMIC_RELAXED);
	r[1] = get(&x);
}

static void put_x_sc_get_y(void)
{
	__atomic_store_n(&x, 1, __ATOMIC_SEQ_CST);
	r[0] = get(&y);
}

static void put_y_sc_get_x(void)
{
	__atomic_store_n(&y, 1, __ATOMIC_SEQ_CST);
	r[1] = get(&x);
}

/* Its own store is seen before others see it. */
static void put_x_get_x_get_y(void)
{
	put(&x, 1);
	r[0] = get(&x);
	r[1] = get(&y);
}

static void put_y_get_y_get_x(void)
{
	put(&y, 1);
	r[2] = get(&y);
	r[3] = get(&x);
}

/* A plain store does not empty the store buffer. */
static void put_x_plain_get_y_put_z(void)
{
	put(&x, 1);
	plain = 1;
	r[0] = get(&y);
	put(&z, 1);
}

static void put_y_fence_get_x_get_z_plain(void)
{
	put(&y, 1);
	fence();
	r[1] = get(&x);
	if (get(&z))
		r[2] = plain;
}

/* A loop that waits does not empty the store buffer. */
static void put_x_wait_get_z(void)
{
	put(&x, 1);
	pw_lab_wait(&y, 8, 0);
	r[0] = get(&z);
}

static void put_y_put_z_fence_get_x(void)
{
	put(&y, 1);
	put(&z, 1);
	fence();
	r[1] = get(&x);
}

static void put_x_yield_get_z(void)
{
	put(&x, 1);
	while (get(&y) == 0)
		pw_lab_pause();
	r[0] = get(&z);
}

static void put_x_plain_get_x(void)
{
	put(&x, 1);
	r[0] = x;
}

static void get_x_1(void)
{
	r[1] = get(&x);
}

/* ---- messages ---- */

static void put_x_put_y(void)
{
	put(&x, 1);
	put(&y, 1);
}

static void get_y_get_x(void)
{
	r[0] = get(&y);
	r[1] = get(&x);
}

static void get_x_put_y(void)
{
	r[0] = get(&x);
	put(&y, 1);
}

static void get_y_put_x(void)
{
	r[1] = get(&y);
	put(&x, 1);
}

static void put_x(void)
{
	put(&x, 1);
}

static void put_y(void)
{
	put(&y, 1);
}

static void get_x_get_y_0(void)
{
	r[0] = get(&x);
	r[1] = get(&y);
}

static void get_y_get_x_2(void)
{
	r[2] = get(&y);
	r[3] = get(&x);
}

static void get_y_get_x_1(void)
{
	r[1] = get(&y);
	r[2] = get(&x);
}

/* ---- two stores to a word ---- */

static void put_x_1_put_y_2(void)
{
	put(&x, 1);
	put(&y, 2);
}

static void put_y_1_put_x_2(void)
{
	put(&y, 1);
	put(&x, 2);
}

static void final_x_y(void)
{
	r[0] = x;
	r[1] = y;
}

static void put_x_1_put_x_2(void)
{
	put(&x, 1);
	put(&x, 2);
}

static void get_x_twice(void)
{
	r[0] = get(&x);
	r[1] = get(&x);
}

static void put_x_2_put_y_1(void)
{
	put(&x, 2);
	put(&y, 1);
}

static void get_y_0_put_x_1(void)
{
	r[0] = get(&y);
	put(&x, 1);
}

static void final_x(void)
{
	r[1] = x;
}

static void put_y_2_get_x(void)
{
	put(&y, 2);
	r[0] = get(&x);
}

static void final_y(void)
{
	r[1] = y;
}

static void put_y_2_put_x_2(void)
{
	put(&y, 2);
	put(&x, 2);
}

static void final_x_2(void)
{
	r[2] = x;
}

static void put_x_1_get_x(void)
{
	put(&x, 1);
	r[0] = get(&x);
}

static void put_x_2_get_x(void)
{
	put(&x, 2);
	r[1] = get(&x);
}

/* ---- a word and its halves ---- */

static void put_halves(void)
{
	put_half(&x, 0, 1);
	put_half(&x, 1, 1);
}

static void get_whole(void)
{
	get_both(&x, 0);
}

static void put_whole(void)
{
	put_both(&x, 1);
}

static void get_halves(void)
{
	r[0] = get_half(&x, 0);
	r[1] = get_half(&x, 1);
}

static void put_first_get_whole(void)
{
	put_half(&x, 0, 1);
	get_both(&x, 0);
}

static void put_second_get_whole(void)
{
	put_half(&x, 1, 1);
	get_both(&x, 2);
}

static void put_whole_get_half_get_y(void)
{
	put_both(&x, 1);
	r[0] = get_half(&x, 1);
	r[1] = get(&y);
}

static void put_y_get_half(void)
{
	put(&y, 1);
	r[2] = get_half(&x, 0);
}

static void whole_over_half(void)
{
	put_half(&x, 0, 1);
	put_both(&x, 2);
}

static void half_over_whole(void)
{
	put_both(&x, 2);
	put_half(&x, 1, 1);
	get_both(&x, 2);
}

/* ---- the tests ---- */

struct litmus {
	const char *name;
	void (*thread[4])(void);
	void (*final)(void); /* reads what memory holds; or NULL */
	unsigned values;
	const char *sc;
	const char *tso; /* NULL: the same */
};

static const struct litmus tests[] = {
	{ "SB", { put_x_get_y, put_y_get_x }, NULL, 2, "01 10 11", "00 01 10 11" },
	{ "SB+fences", { put_x_fence_get_y, put_y_fence_get_x }, NULL, 2, "01 10 11", NULL },
	{ "SB+fence", { put_x_fence_get_y, put_y_get_x }, NULL, 2, "01 10 11", "00 01 10 11" },
	{ "SB+xchgs", { exchange_x_get_y, exchange_y_get_x }, NULL, 2, "01 10 11", NULL },
	{ "SB+own", { put_x_own_get_y, put_y_own_get_x }, NULL, 2, "01 10 11", NULL },
	{ "SB+sc", { put_x_sc_get_y, put_y_sc_get_x }, NULL, 2, "01 10 11", NULL },
	{ "SB+rfi",
	  { put_x_get_x_get_y, put_y_get_y_get_x },
	  NULL,
	  4,
	  "1011 1110 1111",
	  "1010 1011 1110 1111" },
	{ "SB+plain",
	  { put_x_plain_get_y_put_z, put_y_fence_get_x_get_z_plain },
	  NULL,
	  3,
	  "010 011 100 101 110 111",
	  "000 001 010 011 100 101 110 111" },
	{ "own store, plain load", { put_x_plain_get_x, get_x_1 }, NULL, 2, "10 11", NULL },
	{ "SB+wait",
	  { put_x_wait_get_z, put_y_put_z_fence_get_x },
	  NULL,
	  2,
	  "01 10 11",
	  "00 01 10 11" },
	{ "SB+yield",
	  { put_x_yield_get_z, put_y_put_z_fence_get_x },
	  NULL,
	  2,
	  "01 10 11",
	  "00 01 10 11" },
	{ "MP", { put_x_put_y, get_y_get_x }, NULL, 2, "00 01 11", NULL },
	{ "LB", { get_x_put_y, get_y_put_x }, NULL, 2, "00 01 10", NULL },
	{ "IRIW",
	  { put_x, put_y, get_x_get_y_0, get_y_get_x_2 },
	  NULL,
	  4,
	  "0000 0001 0010 0011 0100 0101 0110 0111 1000 1001 1011 1100 1101 1110 1111",
	  NULL },
	{ "WRC",
	  { put_x, get_x_put_y, get_y_get_x_1 },
	  NULL,
	  3,
	  "000 001 010 011 100 101 111",
	  NULL },
	{ "2+2W", { put_x_1_put_y_2, put_y_1_put_x_2 }, final_x_y, 2, "12 21 22", NULL },
	{ "CoRR", { put_x_1_put_x_2, get_x_twice }, NULL, 2, "00 01 02 11 12 22", NULL },
	{ "CoRW", { put_x_1_get_x, put_x_2_get_x }, NULL, 2, "11 12 22", NULL },
	{ "S", { put_x_2_put_y_1, get_y_0_put_x_1 }, final_x, 2, "01 02 11", NULL },
	{ "R", { put_x_put_y, put_y_2_get_x }, final_y, 2, "01 11 12", "01 02 11 12" },
	{ "n6",
	  { put_x_get_x_get_y, put_y_2_put_x_2 },
	  final_x_2,
	  3,
	  "102 121 122 222",
	  "101 102 121 122 222" },
	{ "halves, whole load", { put_halves, get_whole }, NULL, 2, "00 10 11", NULL },
	{ "whole store, halves", { put_whole, get_halves }, NULL, 2, "00 01 11", NULL },
	{ "SB of halves",
	  { put_first_get_whole, put_second_get_whole },
	  NULL,
	  4,
	  "1011 1101 1111",
	  "1001 1011 1101 1111" },
	{ "SB+rfi of a half",
	  { put_whole_get_half_get_y, put_y_get_half },
	  NULL,
	  3,
	  "101 110 111",
	  "100 101 110 111" },
	{ "whole over half", { whole_over_half, get_whole }, NULL, 2, "00 10 22", NULL },
	{ "half over whole", { half_over_whole, get_whole }, NULL, 4, "0021 2121 2221", NULL },
};

static const struct litmus *test;
static char seen[OUTCOMES][VALUES + 1];
static unsigned seen_count;

/* Not instrumented: the laboratory would put back what it writes. */
__attribute__((no_sanitize("thread"))) static void collect(void)
{
	char outcome[VALUES + 1] = "";
	unsigned i;

	if (test->final)
		test->final();
	for (i = 0; i < test->values; i++)
		outcome[i] = (char)('0' + r[i] % 10);
	for (i = 0; i < seen_count && strcmp(seen[i], outcome) < 0; i++)
		;
	if (i < seen_count && strcmp(seen[i], outcome) == 0)
		return;
	if (seen_count == OUTCOMES)
		abort();
	for (unsigned k = seen_count++; k > i; k--)
		strcpy(seen[k], seen[k - 1]);
	strcpy(seen[i], outcome);
}

static bool check(enum pw_lab_model model, enum race_mode mode)
{
	struct pw_lab_scenario scenario = { .name = test->name, .check = collect };
	const struct race_search how = { .mode = mode };
	const char *expected = model == PW_LAB_TSO && test->tso ? test->tso : test->sc;
	struct pw_lab_result result;
	char all[OUTCOMES * (VALUES + 1)] = "";

	for (unsigned i = 0; i < 4; i++)
		scenario.thread[i] = (struct pw_lab_thread){ "thread", test->thread[i], false };
	seen_count = 0;
	race_words_forget();
	race_explore(&scenario, model, &how, &result);
	for (unsigned i = 0; i < seen_count; i++)
		strcat(strcat(all, i ? " " : ""), seen[i]);
	if (result.complete && result.findings == 0 && strcmp(all, expected) == 0)
		return true;
	printf("%s, %s, search %d: '%s' instead of '%s'%s%s\n", test->name,
	       model == PW_LAB_TSO ? "TSO" : "SC", mode, all, expected,
	       result.complete ? "" : ", not complete", result.sentence);
	return false;
}

int main(void)
{
	bool right = true;

	for (size_t i = 0; i < sizeof(tests) / sizeof(*tests); i++) {
		test = &tests[i];
		for (int mode = RACE_ALL; mode <= RACE_SOURCE; mode++) {
			right &= check(PW_LAB_SC, (enum race_mode)mode);
			right &= check(PW_LAB_TSO, (enum race_mode)mode);
		}
	}
	return right ? 0 : 1;
}
