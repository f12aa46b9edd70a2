/* SPDX-License-Identifier: MIT */
/* dma [FORMAT [JOBS]]: see dma.h. Exit status 0: no word came from a wrong page, and nothing leaked. */
#include <stdio.h>
#include <stdlib.h>

#include "dma.h"

void must(bool good, const char *what)
{
	if (!good) {
		fprintf(stderr, "dma: %s\n", what);
		exit(2);
	}
}

static void start(struct queue *q, pthread_t thread[2])
{
	pw_pa ring;

	must(pw_folio_alloc(q->arena, 0, PW_FOLIO_SHARED, q->number, 0, &ring) == 0, "no memory");
	q->ring = pw_arena_host(q->arena, ring, q->page);
	q->ring_iova = (1 + q->number) * q->page;
	q->slots_iova = (1 + q->number * SLOTS) * q->slot_bytes;
	q->random = q->number;
	driver_map(q, q->ring_iova, q->ring_iova + q->page - 1, ring, MAY_WRITE);
	pthread_mutex_init(&q->lock, NULL);
	pthread_cond_init(&q->bell, NULL);
	must(!pthread_create(&thread[0], NULL, device_run, q) &&
		     !pthread_create(&thread[1], NULL, driver_run, q),
	     "no threads");
}

static void stop(struct queue *q, pthread_t thread[2])
{
	pthread_join(thread[0], NULL);
	pthread_join(thread[1], NULL);
	driver_unmap(q, q->ring_iova, q->ring_iova + q->page - 1, true);
	pthread_cond_destroy(&q->bell);
	pthread_mutex_destroy(&q->lock);
	printf("queue %d: %llu jobs, %llu MiB copied, %llu refused\n"
	       "  page requests: %llu; folios moved: %llu, left because pinned: %llu\n"
	       "  pins stopped:",
	       (int)q->number, (unsigned long long)q->jobs, (unsigned long long)q->copied >> 20,
	       (unsigned long long)q->refused, (unsigned long long)q->requests,
	       (unsigned long long)q->moved, (unsigned long long)q->pinned);
	for (unsigned why = 0; why < PW_STOP_REASONS; why++)
		if (q->stops[why] > 0)
			printf(" %s %llu", pw_stop_name(why), (unsigned long long)q->stops[why]);
	printf("\n");
}

int main(int argc, char **argv)
{
	const struct pw_format *format = pw_format_find(argc > 1 ? argv[1] : "amdv1");
	/* With this, drivers wait for the devices, but get the memory of their tables back at once. */
	const struct pw_space_options space_options = { .sync = PW_SYNC_IPI };
	struct pw_arena_options options = { .poison = true };
	struct queue queue[QUEUES] = { 0 };
	struct pw_arena_faults faults;
	struct pw_geometry geometry;
	pthread_t thread[QUEUES][2];
	struct pw_arena *arena;
	struct pw_space *space;
	struct pw_error error;
	uint64_t wrong = 0, leaked;

	must(argc <= 3 && format && pw_format_can_edit(format), "usage: dma [FORMAT [JOBS]]");
	pw_format_geometry(format, &geometry);
	options.page_lg2 = geometry.shift[0];
	options.bytes = (uint64_t)FRAMES << options.page_lg2;
	must(pw_arena_create(&options, &arena, &error) == 0, error.text);
	must(pw_space_create(arena, format, &space_options, &space, &error) == 0, error.text);
	for (unsigned i = 0; i < QUEUES; i++) {
		queue[i].arena = arena;
		queue[i].space = space;
		queue[i].page = UINT64_C(1) << options.page_lg2;
		/* Enough bytes for a slot to have page tables of its own. */
		queue[i].slot_bytes = UINT64_C(1) << (geometry.shift[0] + geometry.bits[0]);
		if (queue[i].slot_bytes < 2 * MOST_PAGES * queue[i].page)
			queue[i].slot_bytes = 2 * MOST_PAGES * queue[i].page;
		queue[i].jobs = argc > 2 ? strtoull(argv[2], NULL, 0) : 5000;
		queue[i].number = i;
		start(&queue[i], thread[i]);
	}
	for (unsigned i = 0; i < QUEUES; i++) {
		stop(&queue[i], thread[i]);
		wrong += queue[i].wrong;
	}
	pw_space_destroy(space);
	pw_arena_faults(arena, &faults);
	leaked = pw_arena_bytes(arena) - pw_arena_free_bytes(arena);
	pw_arena_destroy(arena);
	wrong += faults.underflows + faults.written_after_free;
	printf("%s: wrong words: %llu, leaked bytes: %llu\n", geometry.name,
	       (unsigned long long)wrong, (unsigned long long)leaked);
	return wrong || leaked ? 1 : 0;
}
