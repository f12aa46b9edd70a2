/* SPDX-License-Identifier: MIT */
/* The driver of the device; see dma.h. */
#include <string.h>

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

void driver_map(struct queue *q, pw_va first, pw_va last, pw_pa pa, uint32_t attr)
{
	struct pw_error error;

	must(pw_space_map(q->space, first, last, pa, attr, &error) == 0, error.text);
}

/* Called for unmapped pages: gives the driver's reference back, folio by folio. Pins keep their pages. */
static void give_back(void *queue, pw_va first, pw_va last, pw_pa pa)
{
	struct queue *q = queue;
	struct pw_folio_info folio;

	for (pw_pa end = pa + (last - first); pa < end; pa += q->page << folio.order) {
		pw_folio_info(q->arena, pa, &folio);
		pw_folio_put(q->arena, pa, 1);
	}
}

void driver_unmap(struct queue *q, pw_va first, pw_va last, bool release)
{
	pw_unmapped_fn *unmapped = release ? give_back : NULL;
	struct pw_error error;

	must(pw_space_unmap(q->space, first, last, unmapped, q, &error) == 0, error.text);
}

/* Maps a buffer of folios of one, two and four pages. A source is filled, a target is all ones. */
static void make(struct queue *q, uint64_t job, pw_va iova, uint64_t bytes, bool source,
		 uint32_t attr)
{
	for (uint64_t at = 0, size; at < bytes; at += size) {
		unsigned order = (unsigned)draw(q, 3);
		uint64_t *host;
		pw_pa pa;

		while ((size = q->page << order) > bytes - at)
			order--;
		must(pw_folio_alloc(q->arena, order, PW_FOLIO_ANONYMOUS, job, 0, &pa) == 0,
		     "no guest memory");
		host = pw_arena_host(q->arena, pa, size);
		for (uint64_t i = 0; i < size / 8; i++)
			host[i] = source ? word(q, job, at / 8 + i) : UINT64_MAX;
		driver_map(q, iova + at, iova + at + size - 1, pa, attr);
	}
}

/* The first address of this job: its source, and then its target. */
static pw_va slot_iova(const struct queue *q, uint64_t job)
{
	return q->slots_iova + job % SLOTS * q->slot_bytes;
}

/* Every eighth job has to fail, because its target is read-only. */
static void post(struct queue *q, uint64_t job)
{
	struct descriptor d = { .status = POSTED, .bytes = (1 + draw(q, MOST_PAGES)) * q->page };

	d.source = slot_iova(q, job);
	d.target = d.source + MOST_PAGES * q->page;
	make(q, job, d.source, d.bytes, true, MAY_READ);
	make(q, job, d.target, d.bytes, false, job % 8 == 0 ? MAY_READ : MAY_WRITE);
	pthread_mutex_lock(&q->lock);
	q->ring[job % SLOTS] = d;
	q->posted = job + 1;
	pthread_cond_broadcast(&q->bell);
	pthread_mutex_unlock(&q->lock);
}

static void bring_back(struct queue *q)
{
	if (q->away.attr)
		driver_map(q, q->away.first, q->away.last, q->away.pa, q->away.attr);
	q->away.attr = 0;
}

/* Moves the folio behind @iova to other pages, like a kernel that makes room. */
static void move(struct queue *q, struct pw_reader *reader, uint64_t job)
{
	pw_va iova = slot_iova(q, job) + draw(q, 2 * MOST_PAGES) * q->page;
	struct pw_folio_info old;
	struct pw_result found;
	uint64_t bytes;
	pw_pa pa;

	bring_back(q);
	if (pw_space_translate(reader, iova, &found) != PW_OK)
		return;
	pw_folio_info(q->arena, found.pa, &old);
	bytes = q->page << old.order;
	q->away.first = iova - (found.pa - old.pa);
	q->away.last = q->away.first + bytes - 1;
	q->away.pa = old.pa;
	q->away.attr = found.attr & PW_WRITE ? MAY_WRITE : MAY_READ;
	driver_unmap(q, q->away.first, q->away.last, false);
	/*
	 * Now no walk finds the folio, and a walk that found it before will notice when it looks again.
	 * So either its pin is visible here, or it gives the folio back.
	 */
	if (!pw_folio_try_share(q->arena, old.pa)) {
		q->pinned++;
		return;
	}
	must(pw_folio_alloc(q->arena, old.order, old.kind, old.owner, 0, &pa) == 0,
	     "no guest memory");
	memcpy(pw_arena_host(q->arena, pa, bytes), pw_arena_host(q->arena, old.pa, bytes),
	       (size_t)bytes);
	pw_folio_put(q->arena, old.pa, 1);
	q->away.pa = pa;
	q->moved++;
}

/* Waits until the device has done job @n or has a request, and grants that or refuses it. */
static struct descriptor wait_for(struct queue *q, struct pw_reader *reader, uint64_t n)
{
	const struct descriptor *slot = &q->ring[n % SLOTS];
	struct descriptor d;
	struct pw_result found;

	pthread_mutex_lock(&q->lock);
	while (!q->request.open && slot->status == POSTED)
		pthread_cond_wait(&q->bell, &q->lock);
	if (q->request.open) {
		bring_back(q);
		q->request.granted = pw_space_translate(reader, q->request.iova, &found) == PW_OK &&
				     (!q->request.write || found.attr & PW_WRITE);
		q->request.open = false;
		q->requests++;
		pthread_cond_broadcast(&q->bell);
	}
	d = *slot;
	pthread_mutex_unlock(&q->lock);
	return d;
}

/* Counts wrong words. */
static void check(struct queue *q, struct pw_reader *reader, uint64_t job, pw_va iova,
		  uint64_t bytes, bool filled)
{
	for (uint64_t at = 0; at < bytes; at += q->page) {
		struct pw_result found = { 0 };
		const uint64_t *host;

		pw_space_translate(reader, iova + at, &found);
		host = pw_arena_host(q->arena, found.pa, q->page);
		for (uint64_t i = 0; i < q->page / 8; i++)
			q->wrong += host[i] != (filled ? word(q, job, at / 8 + i) : UINT64_MAX);
	}
}

static void finish(struct queue *q, struct pw_reader *reader, uint64_t job,
		   const struct descriptor *d)
{
	bool may = job % 8 != 0;

	bring_back(q);
	check(q, reader, job, d->source, d->bytes, true);
	check(q, reader, job, d->target, d->bytes, may);
	q->wrong += d->status != (may ? DONE : FAILED);
	q->refused += d->status == FAILED;
	q->copied += may ? d->bytes : 0;
	/* Unmaps the whole slot, and frees its tables. */
	driver_unmap(q, slot_iova(q, job), slot_iova(q, job) + q->slot_bytes - 1, true);
}

void *driver_run(void *queue)
{
	struct queue *q = queue;
	struct pw_reader *reader;

	must(pw_reader_create(q->space, &reader) == 0, "no memory for a driver");
	for (uint64_t finished = 0, posted = 0; finished < q->jobs;) {
		struct descriptor d;

		while (posted < q->jobs && posted - finished < SLOTS)
			post(q, posted++);
		for (unsigned i = 0; i < MOVES; i++)
			move(q, reader, finished);
		d = wait_for(q, reader, finished);
		if (d.status != POSTED)
			finish(q, reader, finished++, &d);
	}
	pw_reader_destroy(reader);
	return NULL;
}
