/* SPDX-License-Identifier: MIT */
/*
 * An abstract machine with memory, threads and, for total store order, a queue of stores for each thread (Owens,
 * Sarkar, Sewell: x86-TSO, 2009). It goes through all states that can be reached, each of them once: no
 * reduction, no order of events, nothing in common with the laboratory.
 *
 * Each byte of a load comes from the thread's newest store of that byte that is still in its queue, otherwise from
 * memory. A yield waits until another thread has changed the memory since the last yield. A plain store is late like
 * any other; a plain access waits until what the thread has stored there atomically has left the queue, as the
 * laboratory has it (buffer.c).
 */
#include <stdlib.h>
#include <string.h>

#include "random.h"

enum { QUEUE = STEPS, STATES = 400000 };

struct store {
	uint32_t at, bytes;
	bool plain;
	uint64_t value;
};

struct machine {
	unsigned char memory[8 * WORDS];
	unsigned owner[MUTEXES]; /* 0: free; else the thread's number and one */
	struct outcome outcome; /* its memory is filled at the end */
	uint64_t last[THREADS];
	bool news[THREADS]; /* somebody else has changed the memory since its last yield */
	unsigned queued[THREADS];
	struct store queue[THREADS][QUEUE];
};

static const struct program *program;
static bool tso;
static struct outcomes *found, visited;

static uint64_t view(const struct machine *m, unsigned thread, unsigned at, unsigned bytes)
{
	unsigned char all[8 * WORDS];
	uint64_t whole = 0;
	uint32_t half;

	memcpy(all, m->memory, sizeof(all));
	for (unsigned i = 0; i < m->queued[thread]; i++) {
		const struct store *store = &m->queue[thread][i];

		half = (uint32_t)store->value;
		if (store->bytes == 8)
			memcpy(all + store->at, &store->value, 8);
		else
			memcpy(all + store->at, &half, 4);
	}
	if (bytes == 8) {
		memcpy(&whole, all + at, 8);
		return whole;
	}
	memcpy(&half, all + at, 4);
	return half;
}

static void write(struct machine *m, unsigned thread, const struct store *store)
{
	unsigned char before[8 * WORDS];
	uint32_t half = (uint32_t)store->value;

	memcpy(before, m->memory, sizeof(before));
	if (store->bytes == 8)
		memcpy(m->memory + store->at, &store->value, 8);
	else
		memcpy(m->memory + store->at, &half, 4);
	if (memcmp(before, m->memory, sizeof(before)) == 0)
		return;
	for (unsigned i = 0; i < THREADS; i++)
		m->news[i] |= i != thread;
}

static void tell_others(struct machine *m, unsigned thread)
{
	for (unsigned i = 0; i < THREADS; i++)
		m->news[i] |= i != thread;
}

static bool drained(const struct instruction *step)
{
	switch (step->operation) {
	case STORE:
	case STORE_LAST:
		return step->order == __ATOMIC_SEQ_CST;
	case ADD:
	case EXCHANGE:
	case SWAP:
	case FENCE:
	case LOCK:
	case UNLOCK:
		return true;
	default:
		return false;
	}
}

/* Has the thread stored there atomically? */
static bool overlaps(const struct instruction *step, const struct store *store)
{
	return !store->plain && step->at < store->at + store->bytes &&
	       store->at < step->at + step->bytes;
}

static bool can_go_on(const struct machine *m, unsigned thread)
{
	const struct instruction *step = &program->step[thread][m->outcome.step[thread]];

	if (m->outcome.step[thread] >= program->count[thread])
		return false;
	if (drained(step) && m->queued[thread] > 0)
		return false;
	switch (step->operation) {
	case LOCK:
		return m->owner[step->at] == 0;
	case WAIT:
		return view(m, thread, step->at, step->bytes) != step->value;
	case YIELD:
		return m->news[thread];
	case PLAIN_LOAD:
	case PLAIN_STORE:
		for (unsigned i = 0; i < m->queued[thread]; i++)
			if (overlaps(step, &m->queue[thread][i]))
				return false;
		return true;
	default:
		return true;
	}
}

static void read_value(struct machine *m, unsigned thread, uint64_t value)
{
	m->last[thread] = value;
	m->outcome.read[thread] = mix_in(m->outcome.read[thread], value);
}

static void store_value(struct machine *m, unsigned thread, const struct instruction *step,
			uint64_t value)
{
	struct store store = { step->at, step->bytes, step->operation == PLAIN_STORE, value };

	if (step->bytes == 4)
		store.value = (uint32_t)value;
	if (tso && !drained(step))
		m->queue[thread][m->queued[thread]++] = store;
	else
		write(m, thread, &store);
}

static void execute(struct machine *m, unsigned thread)
{
	const struct instruction *step = &program->step[thread][m->outcome.step[thread]++];
	const uint64_t old = step->operation == LOCK || step->operation == UNLOCK
				     ? 0
				     : view(m, thread, step->at, step->bytes);

	switch (step->operation) {
	case LOAD:
	case PLAIN_LOAD:
		read_value(m, thread, old);
		break;
	case STORE:
	case PLAIN_STORE:
		store_value(m, thread, step, step->value);
		break;
	case STORE_LAST:
		store_value(m, thread, step, m->last[thread] + step->value);
		break;
	case ADD:
	case EXCHANGE:
		store_value(m, thread, step, step->value + (step->operation == ADD ? old : 0));
		read_value(m, thread, old);
		break;
	case SWAP:
		if (old == step->expected)
			store_value(m, thread, step, step->value);
		else
			m->outcome.step[thread]++;
		read_value(m, thread, old);
		break;
	case SKIP_ODD:
		m->outcome.step[thread] += m->last[thread] & 1;
		break;
	case LOCK:
	case UNLOCK:
		m->owner[step->at] = step->operation == LOCK ? thread + 1 : 0;
		tell_others(m, thread);
		break;
	case FAIL_IF:
		found->failed |= m->last[thread] == step->value;
		break;
	case YIELD:
		m->news[thread] = false;
		break;
	case FENCE:
	case WAIT:
		break;
	}
}

static uint64_t hash_of(const struct machine *m)
{
	uint64_t hash = 1, word;

	for (unsigned i = 0; i < WORDS; i++) {
		memcpy(&word, m->memory + 8 * i, 8);
		hash = mix_in(hash, word);
	}
	for (unsigned i = 0; i < MUTEXES; i++)
		hash = mix_in(hash, m->owner[i]);
	for (unsigned i = 0; i < THREADS; i++) {
		hash = mix_in(mix_in(hash, m->outcome.read[i]), m->outcome.step[i]);
		hash = mix_in(mix_in(hash, m->last[i]), m->news[i]);
		hash = mix_in(hash, m->queued[i]);
		for (unsigned k = 0; k < m->queued[i]; k++) {
			hash = mix_in(mix_in(hash, m->queue[i][k].at), m->queue[i][k].bytes);
			hash = mix_in(hash, m->queue[i][k].value);
		}
	}
	return hash;
}

/* All that can follow on this state. */
static void visit(const struct machine *m)
{
	bool any = false;
	struct machine next;

	if (visited.count > STATES || !outcomes_add(&visited, hash_of(m)))
		return;
	for (unsigned i = 0; i < program->threads; i++) {
		if (can_go_on(m, i)) {
			next = *m;
			execute(&next, i);
			visit(&next);
			any = true;
		}
		if (m->queued[i] > 0) {
			next = *m;
			write(&next, i, &next.queue[i][0]);
			next.queued[i]--;
			memmove(&next.queue[i][0], &next.queue[i][1],
				next.queued[i] * sizeof(next.queue[i][0]));
			visit(&next);
			any = true;
		}
	}
	if (any)
		return;
	next = *m;
	memcpy(next.outcome.memory, m->memory, sizeof(next.outcome.memory));
	outcomes_add_outcome(found, &next.outcome);
}

bool machine_outcomes(const struct program *which, bool buffers, struct outcomes *set)
{
	static const struct machine start;
	bool complete;

	program = which;
	tso = buffers;
	found = set;
	outcomes_clear(set);
	visit(&start);
	complete = visited.count <= STATES;
	outcomes_clear(&visited);
	return complete;
}
