/* SPDX-License-Identifier: MIT */
/*
 * The ring under every interleaving of its producer and its consumer: what a project can have among its tests.
 *
 *     cc -c lab.c $(pkg-config --cflags pagewalk-lab)
 *     cc lab.o -o lab $(pkg-config --libs pagewalk-lab)
 *     ./lab
 *
 * With -DRING_RELEASE=__ATOMIC_RELAXED for the compiler, something is found.
 */
#include <pagewalk/lab.h>

#include "ring.h"

enum { VALUES = RING_SIZE + 1 }; /* so that a slot is used again */

static struct ring ring;

static void setup(void)
{
	pw_lab_name(&ring.put, sizeof(ring.put), "put");
	pw_lab_name(&ring.taken, sizeof(ring.taken), "taken");
	pw_lab_name(ring.slot, sizeof(ring.slot), "slots");
}

static void producer(void)
{
	for (int value = 1; value <= VALUES; value++)
		while (!ring_put(&ring, value))
			pw_lab_pause();
}

static void consumer(void)
{
	for (int value = 1; value <= VALUES; value++) {
		int taken;

		while (!ring_take(&ring, &taken))
			pw_lab_pause();
		pw_lab_check(taken == value, "%d was taken in place of %d", taken, value);
	}
}

static const struct pw_lab_scenario scenario = {
	.name = "ring",
	.about = "a producer and a consumer, and one value more than there are slots",
	.setup = setup,
	.thread = { { .name = "producer", .run = producer },
		    { .name = "consumer", .run = consumer } },
};

int main(int argc, char **argv)
{
	return pw_lab_main(argc, argv, &scenario, 1);
}
