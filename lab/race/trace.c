/* SPDX-License-Identifier: MIT */
/* A run as text: what each step does, to what, and where in the source; in columns, one for each thread. */
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

static void tell_value(const struct race_op *op, uint64_t value, char *text, size_t size)
{
	if (op->bytes == 0 || op->bytes > 8) {
		*text = '\0';
		return;
	}
	if (race_words.value && race_words.value(op->at, op->bytes, value, text, size))
		return;
	snprintf(text, size, value < 10 ? "%" PRIu64 : "%#" PRIx64, value);
}

static const char *verb_of(const struct race_event *event)
{
	static const char *const verbs[RACE_KINDS] = {
		[RACE_LOAD] = "load",   [RACE_STORE] = "store", [RACE_RMW] = "update",
		[RACE_FENCE] = "fence", [RACE_LOCK] = "lock",   [RACE_UNLOCK] = "unlock",
		[RACE_WAIT] = "wait",   [RACE_YIELD] = "yield", [RACE_ENTER] = "enter",
		[RACE_LEAVE] = "leave", [RACE_FREE] = "free",   [RACE_FLUSH] = "~ flush",
	};

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
	if (op->bytes)
		tell_name(op->at, op->bytes, text->name, sizeof(text->name));
	tell_value(op, event->before, text->before, sizeof(text->before));
	tell_value(op, event->after, text->after, sizeof(text->after));
	text->changes = op->writes && event->before != event->after;
	text->switched = last != event->lane && event->enabled & 1u << last;
	if (!race_line(op->pc, text->file, sizeof(text->file), &text->line, text->function,
		       sizeof(text->function)))
		text->file[0] = '\0';
}

/* ---- columns ---- */

static unsigned column_width(unsigned width)
{
	unsigned each = (width - 5) / (race.threads ? race.threads : 1);

	return each > 48 ? 48 : each < 18 ? 18 : each;
}

static void step_words(const struct race_step_text *step, char *text, size_t size)
{
	const enum race_kind kind = (enum race_kind)step->event->op.kind;

	if (kind == RACE_FENCE || kind == RACE_YIELD)
		snprintf(text, size, "%s", step->verb);
	else if (!*step->before || kind == RACE_LOCK || kind == RACE_UNLOCK || kind == RACE_ENTER ||
		 kind == RACE_LEAVE || kind == RACE_FREE)
		snprintf(text, size, "%s %s", step->verb, step->name);
	else if (step->changes)
		snprintf(text, size, "%s %s: %s -> %s", step->verb, step->name, step->before,
			 step->after);
	else
		snprintf(text, size, "%s %s: %s", step->verb, step->name, step->after);
}

/* Writes @text from column @indent on, in lines of @width. */
static void print_wrapped(FILE *file, const char *text, unsigned indent, unsigned width)
{
	bool first = true;

	while (*text) {
		size_t length = strlen(text), rest = width - (first ? 0 : 2);

		if (length > rest) {
			length = rest;
			while (length > 1 && text[length] != ' ')
				length--;
			if (length == 1)
				length = rest;
		}
		if (!first)
			fprintf(file, "%*s", (int)indent + 2, "");
		fprintf(file, "%.*s\n", (int)length, text);
		text += length;
		text += strspn(text, " ");
		first = false;
	}
}

void race_print_trace(FILE *file, const char *verdict, unsigned width)
{
	const unsigned column = column_width(width);
	struct race_step_text step;
	char words[256];

	fprintf(file, "     ");
	for (unsigned i = 0; i < race.threads; i++)
		fprintf(file, "%-*.*s", (int)column, (int)column - 1,
			race.scenario->thread[i].name);
	fputc('\n', file);
	for (unsigned i = 0; i < race.depth; i++) {
		race_tell(i, &step);
		step_words(&step, words, sizeof(words));
		fprintf(file, "%4u %*s", step.number, (int)(step.thread * column), "");
		print_wrapped(file, words, 5 + step.thread * column, column - 1);
	}
	fprintf(file, "  => %s\n", verdict);
}
