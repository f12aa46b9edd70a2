/* SPDX-License-Identifier: MIT */
/*
 * Total store order. A store of the code under test goes into its thread's buffer; it becomes visible to others
 * when the buffer gives it up, oldest first, which is a step of a lane of its own. The thread itself loads its
 * newest store from the buffer. Stores that are sequentially consistent, locked operations, fences, locks and
 * sections wait until the buffer is empty (Owens, Sarkar, Sewell: x86-TSO, 2009).
 *
 * A plain store happens at once, with the buffer empty: its call-out comes before it, and cannot hold it back.
 * If another thread loads the word without order, that is a data race, and is reported as such.
 */
#include "lab/race/race.h"

enum { BUFFERED = 64 };

static struct buffer {
	unsigned first, count;
	struct race_buffered store[BUFFERED];
} buffer[RACE_THREADS];

void race_buffers_clear(void)
{
	for (unsigned i = 0; i < RACE_THREADS; i++)
		buffer[i].first = buffer[i].count = 0;
}

bool race_buffer_any(unsigned thread)
{
	return buffer[thread].count > 0;
}

static struct race_buffered *at(struct buffer *b, unsigned i)
{
	return &b->store[(b->first + i) % BUFFERED];
}

const struct race_buffered *race_buffer_oldest(unsigned thread)
{
	return at(&buffer[thread], 0);
}

bool race_buffer_store(const struct race_op *op, uint64_t value)
{
	unsigned thread = (unsigned)race.thread;
	struct buffer *b = &buffer[thread];
	struct race_buffered *store;

	/* By the number of stores, not of those still in the buffer: what a thread does must not hang on time. */
	if (race.stored[thread] == BUFFERED)
		return false;
	race.stored[thread]++;
	race.hb[thread].at[thread]++;
	store = at(b, b->count++);
	store->op = *op;
	store->op.kind = RACE_FLUSH;
	store->value = value;
	store->clock = race.clock[thread];
	store->hb = race.hb[thread];
	/* A release store passes on what happened before it; a relaxed one, what a fence released. */
	store->sync = op->order >= __ATOMIC_RELEASE ? race.hb[thread] : race.released[thread];
	return true;
}

void race_buffer_flush(unsigned thread)
{
	struct buffer *b = &buffer[thread];
	struct race_buffered *store = at(b, 0);

	race_write(store->op.at, store->value, store->op.bytes);
	b->first = (b->first + 1) % BUFFERED;
	b->count--;
}

enum race_forward race_buffer_forward(unsigned thread, const struct race_op *op,
				      uint64_t *value_ret)
{
	struct buffer *b = &buffer[thread];

	for (unsigned i = b->count; i-- > 0;) {
		const struct race_buffered *store = at(b, i);

		if (!race_overlap(&store->op, op))
			continue;
		if (store->op.at != op->at || store->op.bytes != op->bytes)
			return RACE_FORWARD_PART;
		*value_ret = store->value;
		return RACE_FORWARD_ALL;
	}
	return RACE_FORWARD_NONE;
}
