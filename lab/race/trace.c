/* SPDX-License-Identifier: MIT */
/* A run as text: what each step does, to what, and where in the source. */
#include <inttypes.h>
#include <string.h>

#include "lab/race/real.h"
#include "lab/race/trace.h"

struct race_words race_words;

/* ---- names ---- */

enum { NAMES = 256 };
static struct {
	uintptr_t at;
	size_t bytes;
	char name[48];
} known[NAMES];
static unsigned known_count;

void pw_lab_name(const void *at, size_t bytes, const char *name)
{
	if (known_count == NAMES)
		return;
	known[known_count].at = (uintptr_t)at;
	known[known_count].bytes = bytes;
	snprintf(known[known_count++].name, sizeof(known->name), "%s", name);
}

static void tell_name(uintptr_t at, size_t bytes, char *text, size_t size)
{
	if (race_words.name && race_words.name(at, bytes, text, size))
		return;
	/* The last name is the most special one. */
	for (unsigned i = known_count; i-- > 0;) {
		size_t offset = at - known[i].at;

		if (offset >= known[i].bytes)
			continue;
		if (offset)
			snprintf(text, size, "%s+%zu", known[i].name, offset);
		else
			snprintf(text, size, "%s", known[i].name);
		return;
	}
	if (race_symbol((const void *)at, text, size))
		return;
	snprintf(text, size, "%#" PRIxPTR, at);
}

void race_tell_name(const struct race_op *op, char *text, size_t size)
{
	*text = '\0';
	if (op->bytes)
		tell_name(op->at, op->bytes, text, size);
}

static bool is_lock(const struct race_op *op)
{
	return op->kind == RACE_LOCK || op->kind == RACE_UNLOCK;
}

void race_tell_value(const struct race_op *op, uint64_t value, char *text, size_t size)
{
	if (op->bytes == 0 || op->bytes > 8) {
		*text = '\0';
		return;
	}
	if (race_words.value && race_words.value(op->at, op->bytes, value, text, size))
		return;
	if (is_lock(op) && value == 0)
		snprintf(text, size, "free");
	else if (is_lock(op) && value <= race.threads)
		snprintf(text, size, "held by %s", race.scenario->thread[value - 1].name);
	else
		snprintf(text, size, value < 1000 ? "%" PRIu64 : "%#" PRIx64, value);
}

static const char *verb_of(const struct race_event *event)
{
	static const char *const verbs[RACE_KINDS] = {
		[RACE_LOAD] = "load",   [RACE_STORE] = "store", [RACE_RMW] = "update",
		[RACE_FENCE] = "fence", [RACE_LOCK] = "lock",   [RACE_UNLOCK] = "unlock",
		[RACE_WAIT] = "wait",   [RACE_YIELD] = "yield", [RACE_ENTER] = "enter",
		[RACE_LEAVE] = "leave", [RACE_FREE] = "free",   [RACE_FLUSH] = "~ flush",
	};

	if (event->older)
		return "load, old";
	if (event->forwarded)
		return "load, own";
	return verbs[event->op.kind];
}

void race_tell(unsigned i, struct race_step_text *text)
{
	const struct race_event *event = &race_event[i];
	const struct race_op *op = &event->op;
	const unsigned last = i ? event[-1].lane : event->lane;

	__real_memset(text, 0, sizeof(*text));
	text->number = i + 1;
	text->thread = event->lane % RACE_THREADS;
	text->event = event;
	text->verb = verb_of(event);
	race_tell_name(op, text->name, sizeof(text->name));
	race_tell_value(op, event->before, text->before, sizeof(text->before));
	race_tell_value(op, event->after, text->after, sizeof(text->after));
	text->changes = op->writes && event->before != event->after;
	text->switched = last != event->lane && event->enabled & 1u << last;
	if (!race_line(op->pc, text->file, sizeof(text->file), &text->line, text->function,
		       sizeof(text->function)))
		text->file[0] = '\0';
}
