/* SPDX-License-Identifier: MIT */
/*
 * Plain accesses: one that races with an atomic store, with and without leave to race; one through a null pointer.
 * And a word of the heap, which begins each run as the setup left it.
 */
#include <stddef.h>
#include <stdlib.h>

#include <pagewalk/lab.h>

static int word, other;
static volatile int seen;
static int *pointer = &other;

static void store(void)
{
	__atomic_store_n(&word, 1, __ATOMIC_RELAXED);
}

static void load(void)
{
	seen = word;
}

static void clear(void)
{
	__atomic_store_n(&pointer, NULL, __ATOMIC_RELAXED);
}

static void follow(void)
{
	seen = *__atomic_load_n(&pointer, __ATOMIC_RELAXED);
}

static int *heap;

static void allocate(void)
{
	heap = calloc(1, sizeof(*heap));
}

static void count(void)
{
	__atomic_fetch_add(heap, 1, __ATOMIC_RELAXED);
}

static void check_count(void)
{
	pw_lab_check(*heap == 2, "the word was not put back before the run");
}

static const struct pw_lab_scenario scenarios[] = {
	{ .name = "race", .thread = { { "store", store, false }, { "load", load, false } } },
	{ .name = "racy",
	  .thread = { { "store", store, false }, { "load", load, false } },
	  .racy = true },
	{ .name = "heap",
	  .setup = allocate,
	  .thread = { { "count", count, false }, { "count too", count, false } },
	  .check = check_count },
	{ .name = "null", .thread = { { "clear", clear, false }, { "follow", follow, false } } },
};

int main(int argc, char **argv)
{
	return pw_lab_main(argc, argv, scenarios, sizeof(scenarios) / sizeof(*scenarios));
}
