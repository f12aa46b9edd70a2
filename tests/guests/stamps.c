/* SPDX-License-Identifier: MIT */
/*
 * Reads the pages of stamps_guest.c while it remaps them. Half of the time with a second look at the entries,
 * half without; prints how often each led to a page with the stamp of another slot.
 * usage: stamps SOURCE SECONDS
 */
#include "stamps.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <pagewalk/pagewalk.h>

struct count {
	unsigned long long reads, stable, changed, walks, unstable, wrong;
};

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void fail(const char *what, const char *why)
{
	fprintf(stderr, "stamps: %s: %s\n", what, why);
	exit(2);
}

static bool is_wrong(const uint32_t *stamp, uint32_t slot)
{
	for (unsigned i = 0; i < WORDS; i++)
		if (stamp[i] != slot)
			return true;
	return false;
}

static void read_twice_looked(const struct pw_memory *memory, const struct pw_regime *regime,
			      uint32_t slot, struct count *count)
{
	uint32_t stamp[WORDS];
	struct pw_result result;
	unsigned changes;

	if (pw_read_stable(memory, regime, FIRST_VA + slot * 4096ull, stamp, sizeof(stamp), 0,
			   &result, &changes))
		fail("pw_read_stable", "failed");
	count->walks += changes;
	if (result.status == PW_UNSTABLE) {
		count->unstable++;
		return;
	}
	count->stable += changes == 0;
	count->changed += changes > 0;
	count->wrong += result.status != PW_OK || is_wrong(stamp, slot);
}

static void read_once_looked(const struct pw_memory *memory, const struct pw_regime *regime,
			     uint32_t slot, struct count *count)
{
	uint32_t stamp[WORDS];
	struct pw_result result;

	if (pw_translate(memory, regime, FIRST_VA + slot * 4096ull, &result) != PW_OK ||
	    pw_memory_read(memory, result.pa, stamp, sizeof(stamp)))
		fail("pw_translate", "failed");
	count->wrong += is_wrong(stamp, slot);
}

/* Waits until every slot has its first page. */
static void wait_for_guest(const struct pw_memory *memory, const struct pw_regime *regime)
{
	const double deadline = now() + 60;
	struct pw_result result;

	while (pw_translate(memory, regime, FIRST_VA + (SLOTS - 1) * 4096ull, &result) != PW_OK)
		if (now() > deadline)
			fail("the guest", "has not mapped its pages in 60 seconds");
}

/* Opens the source, again and again until the guest has paging on. */
static struct pw_memory *open_guest(const char *source, const struct pw_cpu **cpu_ret)
{
	const double deadline = now() + 60;
	struct pw_memory *memory;
	struct pw_error error;

	for (;;) {
		if (pw_memory_open(source, &memory, &error))
			fail(source, error.text);
		if (pw_memory_cpus(memory, cpu_ret) > 0 && (*cpu_ret)->format)
			return memory;
		if (now() > deadline)
			fail(source, "no CPU has paging on");
		pw_memory_close(memory);
	}
}

int main(int argc, char **argv)
{
	struct count count[2] = { { 0 }, { 0 } };
	const struct pw_cpu *cpu;
	struct pw_memory *memory;
	struct pw_regime regime;
	struct pw_error error;
	uint32_t random = 12345;
	double end;

	if (argc != 3)
		fail("usage", "stamps SOURCE SECONDS");
	memory = open_guest(argv[1], &cpu);
	if (pw_regime_init(&regime, pw_format_find(cpu->format), cpu->root, cpu->roots, NULL,
			   &error))
		fail(argv[1], error.text);
	wait_for_guest(memory, &regime);
	end = now() + atof(argv[2]);
	for (bool twice = false; now() < end; twice = !twice)
		for (unsigned i = 0; i < 100000; i++) {
			random = random * 1664525 + 1013904223;
			(twice ? read_twice_looked : read_once_looked)(
				memory, &regime, (random >> 8) % SLOTS, &count[twice]);
			count[twice].reads++;
		}
	if (pw_memory_check(memory, &error))
		fail(argv[1], error.text);
	printf("{\"once\": {\"reads\": %llu, \"wrong\": %llu}, \"twice\": {\"reads\": %llu, \"stable\": "
	       "%llu, \"changed\": %llu, \"unstable\": %llu, \"wrong\": %llu}}\n",
	       count[0].reads, count[0].wrong, count[1].reads, count[1].stable, count[1].changed,
	       count[1].unstable, count[1].wrong);
	pw_memory_close(memory);
	return 0;
}
