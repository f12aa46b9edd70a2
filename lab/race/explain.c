/* SPDX-License-Identifier: MIT */
/* A finding in sentences: the verdict with its parties, what each step does, and which step decides. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lab/race/picture.h"

const char *race_model_name(enum pw_lab_model model)
{
	static const char *const names[] = {
		[PW_LAB_SC] = "SC", [PW_LAB_TSO] = "TSO", [PW_LAB_WEAK] = "weak"
	};

	return names[model];
}

static const char *name_of(const struct race_picture *picture, unsigned thread)
{
	return picture->scenario->thread[thread].name;
}

__attribute__((format(printf, 3, 4))) static void add(char *text, size_t size, const char *format,
						      ...)
{
	size_t used = strlen(text);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text + used, size - used, format, arguments);
	va_end(arguments);
}

void race_step_words(const struct race_step_text *step, char *text, size_t size)
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

/* ---- the sentence of a step ---- */

static void explain_load(const struct race_picture *picture, const struct race_step_text *step,
			 const char *who, char *text, size_t size)
{
	const int from = step->event->from;

	snprintf(text, size, "%s loads %s", who, step->name);
	if (!*step->after)
		add(text, size, ".");
	else if (step->event->forwarded)
		add(text, size,
		    " and gets %s from its own store buffer. No other thread sees that value yet.",
		    step->after);
	else if (step->event->older && from < 0)
		add(text, size,
		    " and gets %s, which was there from the start: the stores since then have not reached "
		    "it.",
		    step->after);
	else if (step->event->older)
		add(text, size,
		    " and gets %s, which %s wrote in step %d: the stores since then have not reached it.",
		    step->after, name_of(picture, picture->step[from].thread), from + 1);
	else if (from < 0)
		add(text, size, " and gets %s, which was there from the start.", step->after);
	else if (picture->step[from].thread == step->thread)
		add(text, size, " and gets %s, which it wrote itself in step %d.", step->after,
		    from + 1);
	else
		add(text, size, " and gets %s, which %s wrote in step %d.", step->after,
		    name_of(picture, picture->step[from].thread), from + 1);
}

static void explain_write(const struct race_step_text *step, const char *who, char *text,
			  size_t size)
{
	const bool update = step->event->op.kind == RACE_RMW;

	if (!*step->before)
		snprintf(text, size, "%s writes %s.", who, step->name);
	else if (step->changes)
		snprintf(text, size, "%s %s %s: %s becomes %s.", who,
			 update ? "reads and writes, as one step," : "stores to", step->name,
			 step->before, step->after);
	else if (update)
		snprintf(text, size,
			 "%s reads %s, and would write it in the same step; it stays %s.", who,
			 step->name, step->after);
	else
		snprintf(text, size, "%s stores to %s, which stays %s.", who, step->name,
			 step->after);
}

static void explain_flush(const struct race_step_text *step, const char *who, bool joined,
			  char *text, size_t size)
{
	if (joined)
		snprintf(text, size,
			 "%s stores to %s, and the store leaves its buffer at once: ", who,
			 step->name);
	else
		snprintf(text, size, "%s's store to %s leaves the store buffer: ", who, step->name);
	if (step->changes)
		add(text, size, "%s becomes %s, for every thread.", step->before, step->after);
	else
		add(text, size, "it stays %s.", step->after);
}

static void explain_step(const struct race_picture *picture, const struct race_step_text *step,
			 bool joined, char *text, size_t size)
{
	const char *who = name_of(picture, step->thread);

	switch ((enum race_kind)step->event->op.kind) {
	case RACE_LOAD:
		explain_load(picture, step, who, text, size);
		break;
	case RACE_FENCE:
		snprintf(text, size, "%s has waited until its store buffer is empty.", who);
		break;
	case RACE_LOCK:
		snprintf(text, size, "%s takes the lock %s.", who, step->name);
		break;
	case RACE_UNLOCK:
		snprintf(text, size, "%s gives the lock %s back.", who, step->name);
		break;
	case RACE_WAIT:
		snprintf(text, size, "%s has waited for %s to change: it is %s.", who, step->name,
			 step->after);
		break;
	case RACE_YIELD:
		snprintf(text, size, "%s has waited until another thread wrote anything.", who);
		break;
	case RACE_ENTER:
		snprintf(text, size, "%s begins to read: it enters its section, %s.", who,
			 step->name);
		break;
	case RACE_LEAVE:
		snprintf(text, size, "%s has read: it leaves its section, %s.", who, step->name);
		break;
	case RACE_FREE:
		snprintf(text, size, "%s frees %s.", who, step->name);
		break;
	case RACE_FLUSH:
		explain_flush(step, who, joined, text, size);
		break;
	default:
		explain_write(step, who, text, size);
	}
}

static void explain_wait(const struct race_picture *picture, const struct race_row *row, char *text,
			 size_t size)
{
	const struct race_op *op = &picture->pending[row->thread];
	char name[64];
	uint64_t owner = 0;

	race_tell_name(op, name, sizeof(name));
	for (unsigned i = 0; i < picture->words; i++)
		if (picture->word[i].op.at == op->at)
			owner = race_word_at(picture, i, picture->depth);
	snprintf(text, size, "%s waits ", name_of(picture, row->thread));
	if (op->kind == RACE_YIELD)
		add(text, size, "for another thread to write anything.");
	else if (op->kind == RACE_WAIT)
		add(text, size, "for %s to change.", name);
	else if (owner > 0 && owner <= picture->threads)
		add(text, size, "for the lock %s, which %s holds.", name,
		    name_of(picture, (unsigned)owner - 1));
	else
		add(text, size, "for the lock %s.", name);
}

static void explain_store(const struct race_picture *picture, const struct race_row *row,
			  char *text, size_t size)
{
	const char *who = name_of(picture, row->thread);

	snprintf(text, size,
		 "%s stores %s to %s. The value is in %s's store buffer: no other thread sees it ",
		 who, row->stored, row->name, who);
	if (row->partner >= 0)
		add(text, size, "before step %u.", picture->row[row->partner].first + 1);
	else
		add(text, size, "in this run.");
}

static void explain_row(const struct race_picture *picture, struct race_row *row)
{
	char *text = row->sentence;
	const size_t size = sizeof(row->sentence);

	switch (row->kind) {
	case RACE_ROW_STEP:
		explain_step(picture, &picture->step[row->first], row->joined, text, size);
		if (row->first + 1 == picture->depth && picture->finding == PW_LAB_DATA_RACE)
			add(text, size, " The run ends before that: it is a data race.");
		break;
	case RACE_ROW_BUFFERED:
		explain_store(picture, row, text, size);
		break;
	case RACE_ROW_FOLDED:
		snprintf(
			text, size,
			"%u step%s of %s that no step of another thread in this run conflicts with.",
			row->count, row->count > 1 ? "s" : "", name_of(picture, row->thread));
		break;
	case RACE_ROW_WAITS:
		explain_wait(picture, row, text, size);
		break;
	}
	if (row->interrupted >= 0)
		add(text, size, " %s could have gone on here, and did not.",
		    name_of(picture, (unsigned)row->interrupted));
}

/* ---- the verdict ---- */

/* The earlier event that the last one is in a conflict with: a free, or the other side of a data race; or -1. */
static int other_party(const struct race_picture *picture)
{
	const struct race_event *last = &picture->event[picture->depth - 1];
	const unsigned thread = picture->step[picture->depth - 1].thread;

	for (unsigned i = picture->depth - 1; i-- > 0;) {
		const struct race_event *other = &picture->event[i];
		const unsigned its = picture->step[i].thread;

		if (!race_overlap(&other->op, &last->op))
			continue;
		if (picture->finding != PW_LAB_DATA_RACE && other->op.kind == RACE_FREE)
			return (int)i;
		if (picture->finding == PW_LAB_DATA_RACE && its != thread &&
		    (other->op.writes || last->op.writes) &&
		    !(other->op.atomic && last->op.atomic) && last->hb.at[its] < other->hb.at[its])
			return (int)i;
	}
	return -1;
}

static void add_step(const struct race_picture *picture, unsigned i, char *text, size_t size)
{
	const struct race_step_text *step = &picture->step[i];
	char words[128];

	race_step_words(step, words, sizeof(words));
	add(text, size, "step %u (%s: %s", i + 1, name_of(picture, step->thread), words);
	if (*step->file)
		add(text, size, ", %s:%d", step->file, step->line);
	add(text, size, ")");
}

/* Which threads take part, as bits; and their steps in words. */
static unsigned find_parties(struct race_picture *picture)
{
	char *text = picture->details;
	const size_t size = sizeof(picture->details);
	unsigned parties = 0;
	int other = -1;

	if (picture->depth > 0 &&
	    (picture->finding == PW_LAB_DATA_RACE || picture->finding == PW_LAB_USE_AFTER_FREE ||
	     picture->finding == PW_LAB_DOUBLE_FREE))
		other = other_party(picture);
	if (other >= 0) {
		add(text, size,
		    picture->finding == PW_LAB_DATA_RACE ? "Nothing orders "
							 : "The memory is freed in ");
		add_step(picture, (unsigned)other, text, size);
		add(text, size, picture->finding == PW_LAB_DATA_RACE ? " and " : ", and used in ");
		add_step(picture, picture->depth - 1, text, size);
		add(text, size, ".");
		return 1u << picture->step[other].thread |
		       1u << picture->step[picture->depth - 1].thread;
	}
	for (unsigned i = 0; i < picture->rows; i++) {
		const struct race_row *row = &picture->row[i];

		if (row->kind != RACE_ROW_FOLDED)
			parties |= 1u << row->thread;
		if (row->kind == RACE_ROW_WAITS)
			add(text, size, "%s%s", *text ? " " : "", row->sentence);
	}
	return parties;
}

static void explain_verdict(struct race_picture *picture)
{
	const unsigned parties = find_parties(picture);
	char *text = picture->title;
	const size_t size = sizeof(picture->title);
	unsigned left = (unsigned)__builtin_popcount(parties);
	const bool two = left == 2;

	snprintf(text, size, "%s under %s", picture->scenario->name,
		 race_model_name(picture->model));
	for (unsigned i = 0; i < picture->threads; i++) {
		if (!(parties & 1u << i))
			continue;
		add(text, size, "%s%s",
		    left == (unsigned)__builtin_popcount(parties) ? ", "
		    : two                                         ? " against "
		    : left == 1                                   ? " and "
								  : ", ",
		    name_of(picture, i));
		left--;
	}
	add(text, size, ": %s", picture->failure);
}

/* ---- the decisive step ---- */

static void explain_alternative(const struct race_picture *picture, char *text, size_t size)
{
	const struct race_decision *decision = &picture->decision;
	const unsigned thread = decision->lane % RACE_THREADS;

	if (!decision->alternative)
		return;
	add(text, size, " If %s's step comes before it (%s), the run can end well.",
	    name_of(picture, thread), decision->words);
}

static void explain_decision(struct race_picture *picture)
{
	const struct race_decision *decision = &picture->decision;
	char *text = picture->decided;
	const size_t size = sizeof(picture->decided);
	const unsigned step = decision->steps;

	if (!decision->known && step == 0)
		return;
	if (!decision->known) {
		snprintf(
			text, size,
			"Which step decides is not known: the search for it ended after %llu runs. "
			"After step %u every continuation fails.",
			(unsigned long long)decision->runs, step);
		return;
	}
	if (step == 0) {
		snprintf(text, size,
			 "No step decides: the run fails in every order (%llu, all tried).",
			 (unsigned long long)decision->failing);
		return;
	}
	snprintf(text, size, "Decided by ");
	add_step(picture, step - 1, text, size);
	if (step == picture->depth)
		add(text, size, ", the last one: until then the run could have ended well.");
	else if (decision->failing > 1)
		add(text, size,
		    ": after it each of the %llu continuations fails; before it, not all.",
		    (unsigned long long)decision->failing);
	else
		add(text, size, ": after it the only continuation fails; before it, not all fail.");
	explain_alternative(picture, text, size);
}

/* ---- how to see it again ---- */

static void set_command(struct race_picture *picture, const char *command)
{
	char *text = picture->command;
	const size_t size = sizeof(picture->command);

	if (command)
		snprintf(text, size, "%s", command);
	else
		snprintf(text, size, "%s %s", program_invocation_name, picture->scenario->name);
	add(text, size, " --model %s",
	    picture->model == PW_LAB_WEAK  ? "weak"
	    : picture->model == PW_LAB_TSO ? "tso"
					   : "sc");
	if (*picture->schedule)
		add(text, size, " --replay %s", picture->schedule);
	else
		add(text, size, " (the schedule is too long to be written)");
}

void race_explain(struct race_picture *picture, const char *command)
{
	*picture->title = *picture->details = *picture->decided = '\0';
	for (unsigned i = 0; i < picture->rows; i++)
		explain_row(picture, &picture->row[i]);
	explain_verdict(picture);
	if (picture->failed)
		explain_decision(picture);
	set_command(picture, command);
}
