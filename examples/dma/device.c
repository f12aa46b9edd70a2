/* SPDX-License-Identifier: MIT */
/* The device; see dma.h. */
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "dma.h"

/* A page request: the driver maps the missing page, or refuses. */
static bool ask_driver(struct queue *q, pw_va iova, bool write)
{
	bool granted;

	pthread_mutex_lock(&q->lock);
	q->request.iova = iova;
	q->request.write = write;
	q->request.open = true;
	pthread_cond_broadcast(&q->bell);
	while (q->request.open)
		pthread_cond_wait(&q->bell, &q->lock);
	granted = q->request.granted;
	pthread_mutex_unlock(&q->lock);
	return granted;
}

/* The page at @iova did not come. Is it worth trying again? */
static bool try_again(struct queue *q, enum pw_stop why, pw_va iova, bool write)
{
	switch (why) {
	case PW_STOP_CHANGED: /* the tables were being changed; they have a new state by now */
	case PW_STOP_GONE:
	case PW_STOP_FORK:
		sched_yield();
		return true;
	case PW_STOP_NONE: /* only the owner of the tables knows what this means */
	case PW_STOP_PROT_NONE:
	case PW_STOP_ACCESS:
		return ask_driver(q, iova, write);
	default: /* these do not change: not guest memory, not an address, secret memory */
		return false;
	}
}

/* Copies between guest memory at @iova and the device's own buffer; false if the device may not. */
static bool transfer(struct queue *q, struct pw_reader *reader, pw_va iova, char *buffer,
		     uint64_t bytes, bool write)
{
	const unsigned flags = write ? PW_PIN_WRITE : 0;

	while (bytes > 0) {
		struct iovec part[ROOM];
		enum pw_stop why;
		uint64_t came;
		long parts = pw_pin_fast_iovec(reader, iova, bytes, flags, part, ROOM, &came, &why);

		/* Maybe only a part came. Its pages stay until the unpin, even if they are unmapped now. */
		for (long i = 0; i < parts; i++) {
			if (write)
				memcpy(part[i].iov_base, buffer, part[i].iov_len);
			else
				memcpy(buffer, part[i].iov_base, part[i].iov_len);
			buffer += part[i].iov_len;
			sched_yield(); /* a device takes its time */
		}
		if (parts < 0)
			return false; /* not a page's address: a guest may write anything */
		pw_unpin_iovec(reader, part, (size_t)parts, flags, write);
		/* If only a part came, the call for the rest reports the reason again if it still holds. */
		if (parts == 0 && !try_again(q, why, iova, write))
			return false;
		iova += came;
		bytes -= came;
	}
	return true;
}

void *device_run(void *queue)
{
	/* The device uses the ring all its life, so this is a long pin, which shared memory allows. */
	const unsigned long_flags = PW_PIN_WRITE | PW_PIN_LONGTERM;
	struct queue *q = queue;
	const size_t most = MOST_PAGES * (size_t)q->page;
	char *buffer = malloc(most);
	struct pw_reader *reader;
	struct descriptor *ring;
	pw_pa page;

	must(buffer, "no memory for a device");
	must(pw_reader_create(q->space, &reader) == 0, "the device cannot join the readers");
	must(pw_pin_fast(reader, q->ring_iova, 1, long_flags, &page, NULL) == 1, "no ring");
	ring = pw_arena_host(q->arena, page, q->page);
	for (uint64_t n = 0; n < q->jobs; n++) {
		struct descriptor d;
		bool good;

		pthread_mutex_lock(&q->lock);
		while (n == q->posted)
			pthread_cond_wait(&q->bell, &q->lock);
		d = ring[n % SLOTS]; /* a copy, so that the checked values are the ones in use */
		pthread_mutex_unlock(&q->lock);
		good = d.bytes <= most && transfer(q, reader, d.source, buffer, d.bytes, false) &&
		       transfer(q, reader, d.target, buffer, d.bytes, true);
		pthread_mutex_lock(&q->lock);
		ring[n % SLOTS].status = good ? DONE : FAILED;
		pthread_cond_broadcast(&q->bell);
		pthread_mutex_unlock(&q->lock);
	}
	pw_unpin_pages(reader, &page, 1, long_flags, true);
	pw_reader_stops(reader, q->stops);
	pw_reader_destroy(reader);
	free(buffer);
	return NULL;
}
