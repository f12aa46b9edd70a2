/* SPDX-License-Identifier: MIT */
/*
 * Stacks of threads and the switches between them, on every processor that lab/race/fiber.c has code for: each
 * thread keeps its own registers, integer and floating point, across switches from deep inside calls.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lab/race/race.h"

enum { ROUNDS = 200, MAIN = -1 };

static int running = MAIN, next_of[RACE_THREADS];
static unsigned rounds[RACE_THREADS], wrong;

static void go(int to)
{
	int from = running;

	running = to;
	race_fiber_switch(from, to);
}

/* More values than there are registers that a call keeps, alive across the switch. */
__attribute__((noinline)) static uint64_t switch_with_values(uint64_t seed, double factor)
{
	volatile uint64_t source = seed;
	volatile double fraction = factor;
	uint64_t a = source + 1, b = source + 2, c = source + 3, d = source + 4, e = source + 5,
		 f = source + 6, g = source + 7, h = source + 8, i = source + 9, j = source + 10,
		 k = source + 11, l = source + 12, m = source + 13;
	double p = fraction + 1, q = fraction + 2, r = fraction + 3, s = fraction + 4,
	       t = fraction + 5, u = fraction + 6, v = fraction + 7, w = fraction + 8,
	       x = fraction + 9, y = fraction + 10, z = fraction + 11, o = fraction + 12;

	go(next_of[running]);
	a += 2 * b + 3 * c + 5 * d + 7 * e + 11 * f + 13 * g + 17 * h + 19 * i + 23 * j + 29 * k +
	     31 * l + 37 * m;
	p += 2 * q + 3 * r + 5 * s + 7 * t + 11 * u + 13 * v + 17 * w + 19 * x + 23 * y + 29 * z +
	     31 * o;
	return a + (uint64_t)(p * 1000);
}

/* The same sums without a switch in between. */
static uint64_t expected(uint64_t seed, double factor)
{
	static const unsigned prime[] = { 1, 2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37 };
	uint64_t whole = 0;
	double fraction = 0;

	for (unsigned i = 0; i < 13; i++)
		whole += prime[i] * (seed + i + 1);
	for (unsigned i = 0; i < 12; i++)
		fraction += prime[i] * (factor + i + 1);
	return whole + (uint64_t)(fraction * 1000);
}

__attribute__((noinline)) static void dive(unsigned depth, int me)
{
	volatile char room[100];

	memset((char *)room, me + 1, sizeof(room));
	if (depth > 0) {
		dive(depth - 1, me);
	} else {
		uint64_t seed = (uint64_t)(me + 1) * 1000003 + rounds[me];

		if (switch_with_values(seed, (double)(me + 1) / 4) !=
		    expected(seed, (double)(me + 1) / 4))
			wrong++;
	}
	for (unsigned i = 0; i < sizeof(room); i++)
		wrong += room[i] != me + 1;
}

static void fiber(void)
{
	const int me = running;
	_Alignas(16) char aligned[16];

	if ((uintptr_t)aligned % 16 || !race_on_stack((uintptr_t)aligned))
		wrong++;
	while (rounds[me] < ROUNDS) {
		dive(rounds[me] % 7, me);
		rounds[me]++;
	}
	for (;;)
		go(next_of[me]);
}

/* All threads in a ring with the search; and again, on the same stacks. */
int main(void)
{
	for (unsigned again = 0; again < 3; again++) {
		memset(rounds, 0, sizeof(rounds));
		for (unsigned i = 0; i < RACE_THREADS; i++) {
			next_of[i] = i + 1 < RACE_THREADS ? (int)i + 1 : MAIN;
			race_fiber_start(i, fiber);
		}
		for (unsigned i = 0; i <= ROUNDS; i++)
			go(0);
		for (unsigned i = 0; i < RACE_THREADS; i++)
			wrong += rounds[i] != ROUNDS;
	}
	if (wrong)
		printf("%u values are wrong after switches\n", wrong);
	return wrong > 0;
}
