/* SPDX-License-Identifier: MIT */
/* The device; see dma.h. */
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "dma.h"

/* Copies between the process's memory at @va and the device's own buffer; false if the device may not. */
static bool transfer(struct queue *q, struct pw_vcpu *cpu, pw_va va, char *buffer, uint64_t bytes,
		     bool write)
{
	struct pw_arena *arena = pw_machine_arena(q->machine);
	const unsigned flags = write ? PW_PIN_WRITE : 0;

	for (uint64_t left = bytes / q->page; left > 0;) {
		struct pw_pin_result result;
		pw_pa page[ROOM];
		/* If only a part comes, the call for the rest says why, if it still holds. */
		long count = pw_pin(cpu, va, left < ROOM ? (size_t)left : ROOM, flags, page,
				    &result);

		q->stops[result.fast]++;
		if (count <= 0)
			return false; /* not an address, or read-only: a process may write anything */
		q->fast_pages += result.fast_pages;
		q->slow_pages += result.slow_pages;
		/* The pages stay until the unpin, even if they are unmapped now. */
		for (long i = 0; i < count; i++, buffer += q->page) {
			void *host = pw_arena_host(arena, page[i], q->page);

			if (write)
				memcpy(host, buffer, (size_t)q->page);
			else
				memcpy(buffer, host, (size_t)q->page);
			sched_yield(); /* a device takes its time */
		}
		pw_unpin_pages(pw_cpu_reader(cpu), page, (size_t)count, flags, write);
		va += (pw_va)count * q->page;
		left -= (uint64_t)count;
	}
	return true;
}

void *device_run(void *queue)
{
	struct queue *q = queue;
	const size_t most = MOST_PAGES * (size_t)q->page;
	char *buffer = malloc(most);
	struct descriptor *ring;
	struct pw_vcpu *cpu;
	pw_pa page;

	must(buffer, "no memory for a device");
	must(pw_cpu_create(q->mm, &cpu) == 0, "the device cannot join the process");
	ring = pin_ring(q, cpu, &page);
	for (uint64_t n = 0; n < q->jobs; n++) {
		struct descriptor d;
		bool good;

		pthread_mutex_lock(&q->lock);
		while (n == q->posted)
			pthread_cond_wait(&q->bell, &q->lock);
		d = ring[n % SLOTS]; /* a copy, so that the checked values are the ones in use */
		pthread_mutex_unlock(&q->lock);
		good = d.bytes <= most && transfer(q, cpu, d.source, buffer, d.bytes, false) &&
		       transfer(q, cpu, d.target, buffer, d.bytes, true);
		pthread_mutex_lock(&q->lock);
		ring[n % SLOTS].status = good ? DONE : FAILED;
		pthread_cond_broadcast(&q->bell);
		pthread_mutex_unlock(&q->lock);
	}
	unpin_ring(cpu, page);
	pw_cpu_destroy(cpu);
	free(buffer);
	return NULL;
}
