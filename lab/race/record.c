/* SPDX-License-Identifier: MIT */
/* Records one run for its picture. */
#include <stdarg.h>
#include <stdio.h>

#include "lab/race/real.h"
#include "lab/race/record.h"
#include "lab/race/trace.h"

bool race_recording;

static struct race_record *record;

/* Calls that have not returned. A deeper stack than there is room for is counted, not kept. */
static struct {
	unsigned depth;
	const void *pc[RACE_FRAMES];
} shadow[RACE_THREADS];

/* Makes room for one more element. False if there is no memory: then the picture lacks it. */
static bool grow(void **array, unsigned *room, unsigned count, size_t bytes)
{
	unsigned more = *room ? 2 * *room : 64;
	void *larger;

	if (count < *room)
		return true;
	larger = __real_realloc(*array, more * bytes);
	if (!larger)
		return false;
	*array = larger;
	*room = more;
	return true;
}

bool race_record_begin(struct race_record *into, const struct race_op *watched, unsigned count,
		       unsigned events)
{
	__real_memset(into, 0, sizeof(*into));
	__real_memset(shadow, 0, sizeof(shadow));
	into->watched = watched;
	into->watched_count = count;
	into->moment = __real_calloc(events + 1, sizeof(*into->moment));
	if (!into->moment)
		return false;
	into->moments = events + 1;
	record = into;
	race_recording = true;
	return true;
}

void race_record_end(void)
{
	race_recording = false;
	record = NULL;
}

void race_record_free(struct race_record *old)
{
	for (unsigned i = 0; i < old->moments; i++) {
		__real_free(old->moment[i].value);
		__real_free(old->moment[i].facts.fact);
	}
	for (unsigned i = 0; i < RACE_THREADS; i++)
		__real_free(old->stack[i]);
	__real_free(old->moment);
	__real_free(old->store);
	__real_memset(old, 0, sizeof(*old));
}

/* ---- call stacks ---- */

void race_record_enter(const void *pc)
{
	unsigned depth;

	if (race.thread < 0)
		return;
	depth = shadow[race.thread].depth++;
	if (depth < RACE_FRAMES)
		shadow[race.thread].pc[depth] = pc;
}

void race_record_leave(void)
{
	if (race.thread >= 0 && shadow[race.thread].depth > 0)
		shadow[race.thread].depth--;
}

/* The outermost call is the laboratory's own. */
static void copy_stack(struct race_stack *stack)
{
	unsigned depth = shadow[race.thread].depth;

	stack->count = 0;
	if (depth > RACE_FRAMES)
		depth = RACE_FRAMES;
	while (depth-- > 1)
		stack->pc[stack->count++] = shadow[race.thread].pc[depth];
}

void race_record_step(void)
{
	const unsigned thread = (unsigned)race.thread;

	if (!grow((void **)&record->stack[thread], &record->step_room[thread],
		  record->steps[thread], sizeof(struct race_stack)))
		return;
	copy_stack(&record->stack[thread][record->steps[thread]++]);
}

void race_record_store(const struct race_op *op, uint64_t value)
{
	struct race_stored *store;

	if (!grow((void **)&record->store, &record->store_room, record->stores, sizeof(*store)))
		return;
	store = &record->store[record->stores++];
	store->op = *op;
	store->value = value;
	store->thread = (unsigned)race.thread;
	store->depth = race.depth;
	copy_stack(&store->stack);
}

/* ---- moments ---- */

void race_fact(struct race_facts *facts, const char *name, const char *format, ...)
{
	struct race_fact *fact;
	va_list arguments;

	if (!grow((void **)&facts->fact, &facts->room, facts->count, sizeof(*fact)))
		return;
	fact = &facts->fact[facts->count++];
	snprintf(fact->name, sizeof(fact->name), "%s", name);
	va_start(arguments, format);
	vsnprintf(fact->value, sizeof(fact->value), format, arguments);
	va_end(arguments);
}

void race_record_moment(void)
{
	struct race_moment *moment;

	if (race.depth >= record->moments || record->moment[race.depth].taken)
		return;
	moment = &record->moment[race.depth];
	moment->value = __real_calloc(record->watched_count + 1, sizeof(*moment->value));
	if (!moment->value)
		return;
	moment->taken = true;
	for (unsigned i = 0; i < record->watched_count; i++)
		moment->value[i] = race_value(&record->watched[i]);
	if (race_words.state)
		race_words.state(&moment->facts);
}
