/* SPDX-License-Identifier: MIT */
/* The driver, a thread of the process; see dma.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "dma.h"

static uint64_t draw(struct queue *q, uint64_t below)
{
	q->random = q->random * 6364136223846793005u + 1442695040888963407u;
	return (q->random >> 33) % below;
}

/* The word at @at of a buffer of this job. */
static uint64_t word(const struct queue *q, uint64_t job, uint64_t at)
{
	return (job * QUEUES + q->number) << 32 | at;
}

static pw_va map(struct queue *q, uint64_t bytes, int prot)
{
	pw_sva va = pw_mmap(q->mm, 0, bytes, prot, MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0);

	must(!pw_is_error(va), "no room for a buffer");
	return (pw_va)va;
}

/* Every eighth job has to fail, because its target is read-only. */
static bool may_succeed(uint64_t job)
{
	return job % 8 != 0;
}

static void post(struct queue *q, struct pw_vcpu *cpu, struct descriptor *ring, uint64_t job,
		 uint64_t *words)
{
	struct descriptor d = { .status = POSTED, .bytes = (1 + draw(q, MOST_PAGES)) * q->page };
	const int prot = may_succeed(job) ? PROT_READ | PROT_WRITE : PROT_READ;

	d.source = map(q, d.bytes, PROT_READ | PROT_WRITE);
	d.target = map(q, d.bytes, prot);
	for (uint64_t i = 0; i < d.bytes / 8; i++)
		words[i] = word(q, job, i);
	must(pw_copy_to(cpu, d.source, words, (size_t)d.bytes) == d.bytes, "no memory");
	pthread_mutex_lock(&q->lock);
	ring[job % SLOTS] = d;
	q->posted = job + 1;
	pthread_cond_broadcast(&q->bell);
	pthread_mutex_unlock(&q->lock);
}

/* Moves a page of this job, like a kernel that makes room. A page that the device holds stays. */
static void move(struct queue *q, struct pw_vcpu *cpu, const struct descriptor *d)
{
	const pw_va buffer = draw(q, 2) ? d->source : d->target;
	struct pw_result found;
	int error;

	if (pw_space_translate(pw_cpu_reader(cpu), buffer + draw(q, d->bytes / q->page) * q->page,
			       &found) != PW_OK)
		return;
	error = pw_migrate(q->machine, found.pa);
	must(error == 0 || error == -EBUSY, "a page cannot be moved");
	q->moved += error == 0;
	q->pinned += error == -EBUSY;
}

static struct descriptor wait_for(struct queue *q, const struct descriptor *slot)
{
	struct descriptor d;

	pthread_mutex_lock(&q->lock);
	while (slot->status == POSTED)
		pthread_cond_wait(&q->bell, &q->lock);
	d = *slot;
	pthread_mutex_unlock(&q->lock);
	return d;
}

/* Counts wrong words. What nobody wrote is zero. */
static void check(struct queue *q, struct pw_vcpu *cpu, uint64_t job, pw_va va, uint64_t bytes,
		  bool filled, uint64_t *words)
{
	must(pw_copy_from(cpu, words, va, (size_t)bytes) == bytes, "a buffer cannot be read");
	for (uint64_t i = 0; i < bytes / 8; i++)
		q->wrong += words[i] != (filled ? word(q, job, i) : 0);
}

static void finish(struct queue *q, struct pw_vcpu *cpu, uint64_t job, const struct descriptor *d,
		   uint64_t *words)
{
	const bool may = may_succeed(job);

	check(q, cpu, job, d->source, d->bytes, true, words);
	check(q, cpu, job, d->target, d->bytes, may, words);
	q->wrong += d->status != (may ? DONE : FAILED);
	q->refused += d->status == FAILED;
	q->copied += may ? d->bytes : 0;
	must(pw_munmap(q->mm, d->source, d->bytes) == 0 &&
		     pw_munmap(q->mm, d->target, d->bytes) == 0,
	     "a buffer cannot be unmapped");
}

void *driver_run(void *queue)
{
	struct queue *q = queue;
	uint64_t *words = malloc(MOST_PAGES * (size_t)q->page);
	struct descriptor *ring;
	struct pw_vcpu *cpu = NULL;
	pw_pa page;

	must(words && pw_cpu_create(q->mm, &cpu) == 0, "no memory for a driver");
	ring = pin_ring(q, cpu, &page);
	for (uint64_t finished = 0, posted = 0; finished < q->jobs; finished++) {
		struct descriptor d;

		for (; posted < q->jobs && posted - finished < SLOTS; posted++)
			post(q, cpu, ring, posted, words);
		pthread_mutex_lock(&q->lock);
		d = ring[finished % SLOTS];
		pthread_mutex_unlock(&q->lock);
		for (unsigned i = 0; i < MOVES; i++)
			move(q, cpu, &d);
		d = wait_for(q, &ring[finished % SLOTS]);
		finish(q, cpu, finished, &d, words);
	}
	unpin_ring(cpu, page);
	pw_cpu_destroy(cpu);
	free(words);
	return NULL;
}
