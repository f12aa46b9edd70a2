/* SPDX-License-Identifier: MIT */
/*
 * Total store order. A store of the code under test goes into its thread's buffer; it becomes visible to others
 * when the buffer gives it up, oldest first, which is a step of a lane of its own. The thread itself loads each
 * byte from its newest store of that byte, as long as it is in the buffer, otherwise from memory: so a load that
 * is wider than the store, or beside it, may see a state that no other thread sees. Manuals do not promise more.
 * Stores that are sequentially consistent, locked operations, fences, locks and sections wait until the buffer is
 * empty (Owens, Sarkar, Sewell: x86-TSO, 2009). Waiting for others does not empty it.
 *
 * A plain store, and a free, is in memory at once: its call-out comes before it, and cannot hold it back. Nobody can
 * tell that it overtook earlier stores: a thread that sees it without having acquired a later store or locked
 * operation of this thread is in a data race, which is reported; and the later one leaves the buffer last. A plain
 * access goes to the memory, so it waits until what the thread itself has stored there atomically has left the buffer,
 * with all that was stored before: that an earlier store is later than that is not seen. In a scenario that may have
 * data races, a plain store and a free empty the buffer first.
 */
#include "lab/race/race.h"
#include "lab/race/real.h"
#include "lab/race/record.h"

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
	if (race_recording)
		race_record_store(op, value);
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

/* Bytes of @op that @store has: bit i is byte i. For the first 64 bytes. */
static uint64_t common_bytes(const struct race_op *op, const struct race_op *store)
{
	uint64_t bytes = 0;

	for (unsigned i = 0; i < store->bytes; i++)
		if (store->at + i - op->at < op->bytes && store->at + i - op->at < 64)
			bytes |= UINT64_C(1) << (store->at + i - op->at);
	return bytes;
}

enum race_forward race_buffer_forward(unsigned thread, const struct race_op *op)
{
	struct buffer *b = &buffer[thread];
	const uint64_t whole = op->bytes < 64 ? (UINT64_C(1) << op->bytes) - 1 : ~UINT64_C(0);
	uint64_t bytes = 0;
	bool any = false;

	for (unsigned i = 0; i < b->count; i++) {
		any |= race_overlap(&at(b, i)->op, op);
		bytes |= common_bytes(op, &at(b, i)->op);
	}
	if (!any)
		return RACE_FORWARD_NONE;
	return bytes == whole && op->bytes <= 64 ? RACE_FORWARD_ALL : RACE_FORWARD_PART;
}

uint64_t race_buffer_view(unsigned thread, const struct race_op *op)
{
	struct buffer *b = &buffer[thread];
	const uint64_t memory = race_value(op);
	struct race_op view = *op;
	uint8_t value[8], stored[8];

	if (b->count == 0 || op->bytes > sizeof(value) || race_mutant(RACE_MUTANT_NO_FORWARD))
		return memory;
	__real_memcpy(value, (const void *)op->at, op->bytes);
	for (unsigned i = 0; i < b->count; i++) {
		const struct race_buffered *store = at(
			b, race_mutant(RACE_MUTANT_FORWARD_OLDEST) ? b->count - 1 - i : i);

		if (race_mutant(RACE_MUTANT_FORWARD_WHOLE) &&
		    (store->op.at != op->at || store->op.bytes != op->bytes))
			continue;
		race_put((uintptr_t)stored, store->value, store->op.bytes);
		for (unsigned k = 0; k < store->op.bytes; k++)
			if (store->op.at + k - op->at < op->bytes)
				value[store->op.at + k - op->at] = stored[k];
	}
	view.at = (uintptr_t)value;
	return race_value(&view);
}
