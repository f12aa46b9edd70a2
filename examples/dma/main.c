/* SPDX-License-Identifier: MIT */
/* dma [FORMAT [JOBS]]: see dma.h. Exit status 0: no word came from a wrong page, and nothing leaked. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "dma.h"

/* The ring is in use as long as the device is: a long pin. */
static const unsigned RING_FLAGS = PW_PIN_WRITE | PW_PIN_LONGTERM;

void must(bool good, const char *what)
{
	if (!good) {
		fprintf(stderr, "dma: %s\n", what);
		exit(2);
	}
}

struct descriptor *pin_ring(const struct queue *q, struct pw_vcpu *cpu, pw_pa *page_ret)
{
	must(pw_pin(cpu, q->ring_va, 1, RING_FLAGS, page_ret, NULL) == 1, "no ring");
	return pw_arena_host(pw_machine_arena(q->machine), *page_ret, q->page);
}

void unpin_ring(struct pw_vcpu *cpu, pw_pa page)
{
	pw_unpin_pages(pw_cpu_reader(cpu), &page, 1, RING_FLAGS, true);
}

static void start(struct queue *q, pthread_t thread[2])
{
	pw_sva ring = pw_mmap(q->mm, 0, q->page, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0);

	must(!pw_is_error(ring), "no room for a ring");
	q->ring_va = (pw_va)ring;
	q->random = q->number;
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
	pthread_cond_destroy(&q->bell);
	pthread_mutex_destroy(&q->lock);
	printf("queue %d: %llu jobs, %llu MiB copied, %llu refused\n"
	       "  pages pinned by the fast path: %llu, by the slow path: %llu\n"
	       "  pages moved: %llu, left because in use: %llu\n"
	       "  the fast path stopped:",
	       (int)q->number, (unsigned long long)q->jobs, (unsigned long long)q->copied >> 20,
	       (unsigned long long)q->refused, (unsigned long long)q->fast_pages,
	       (unsigned long long)q->slow_pages, (unsigned long long)q->moved,
	       (unsigned long long)q->pinned);
	for (unsigned why = 0; why < PW_STOP_REASONS; why++)
		if (q->stops[why] > 0)
			printf(" %s %llu", pw_stop_name(why), (unsigned long long)q->stops[why]);
	printf("\n");
}

int main(int argc, char **argv)
{
	const struct pw_format *format = pw_format_find(argc > 1 ? argv[1] : "amdv1");
	/* With this, writers wait for readers, but get the memory of tables back at once. */
	struct pw_machine_options options = { .sync = PW_SYNC_IPI, .poison = true };
	struct queue queue[QUEUES] = { 0 };
	struct pw_arena_faults faults;
	struct pw_geometry geometry;
	pthread_t thread[QUEUES][2];
	struct pw_machine *machine;
	struct pw_error error;
	struct pw_mm *mm;
	uint64_t wrong = 0, leaked;

	must(argc <= 3 && format && pw_format_can_edit(format), "usage: dma [FORMAT [JOBS]]");
	pw_format_geometry(format, &geometry);
	options.format = format;
	options.bytes = (uint64_t)FRAMES << geometry.shift[0];
	must(pw_machine_create(&options, &machine, &error) == 0, error.text);
	must(pw_mm_create(machine, &mm, &error) == 0, error.text);
	for (unsigned i = 0; i < QUEUES; i++) {
		queue[i].machine = machine;
		queue[i].mm = mm;
		queue[i].page = UINT64_C(1) << geometry.shift[0];
		queue[i].jobs = argc > 2 ? strtoull(argv[2], NULL, 0) : 5000;
		queue[i].number = i;
		start(&queue[i], thread[i]);
	}
	for (unsigned i = 0; i < QUEUES; i++) {
		stop(&queue[i], thread[i]);
		wrong += queue[i].wrong;
	}
	pw_mm_destroy(mm);
	pw_arena_faults(pw_machine_arena(machine), &faults);
	leaked = pw_arena_bytes(pw_machine_arena(machine)) -
		 pw_arena_free_bytes(pw_machine_arena(machine));
	pw_machine_destroy(machine);
	wrong += faults.underflows + faults.written_after_free;
	printf("%s: wrong words: %llu, leaked bytes: %llu\n", geometry.name,
	       (unsigned long long)wrong, (unsigned long long)leaked);
	return wrong || leaked ? 1 : 0;
}
