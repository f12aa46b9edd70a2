/* SPDX-License-Identifier: MIT */
/* What a script's verbs do to pins, and why one was refused. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sys/mman.h>

#include "cli/sim/sim.h"

/* Why the fast path stopped, in a sentence's words. */
static const char *stop_words(enum pw_stop stop)
{
	static const char *const words[PW_STOP_REASONS] = {
		[PW_STOP_DONE] = "took all pages",
		[PW_STOP_NONE] = "stopped where nothing is mapped yet",
		[PW_STOP_PROT_NONE] = "stopped at an entry that nobody may access",
		[PW_STOP_ACCESS] = "stopped at an entry that does not permit the access",
		[PW_STOP_SPECIAL] = "stopped at a page without a reference count",
		[PW_STOP_OUTSIDE] = "stopped at a page outside the memory",
		[PW_STOP_GONE] = "stopped at a page that was being freed",
		[PW_STOP_CHANGED] = "stopped because an entry changed meanwhile",
		[PW_STOP_TRUNCATED] =
			"stopped at a page that has no mapping: it may have been a file's",
		[PW_STOP_LONGTERM] =
			"stopped at a file's page: a long pin would write behind the file system's back",
		[PW_STOP_SECRET] = "stopped at secret memory",
		[PW_STOP_UNSHARE] =
			"stopped at a page that is copied on write: it must become exclusive first",
		[PW_STOP_FORK] = "stopped because of a fork",
		[PW_STOP_RANGE] = "stopped beyond what the tables translate",
		[PW_STOP_ROOM] = "stopped without room",
	};

	return words[stop];
}

/* ---- why the slow path refused, as far as the VMA tells ---- */

struct question {
	pw_va va;
	bool found;
	struct pw_vma_info vma;
};

static int look(void *context, const struct pw_vma_info *vma)
{
	struct question *question = context;

	if (question->va < vma->first || question->va > vma->last)
		return 0;
	question->found = true;
	question->vma = *vma;
	return 1;
}

/* The rule of check_vma_flags that refuses, in its order. */
static const char *refusal(struct pw_mm *mm, pw_va va, unsigned flags)
{
	struct question question = { .va = va };
	const struct pw_vma_info *vma = &question.vma;

	pw_mm_vmas(mm, look, &question);
	if (!question.found)
		return "no VMA is there";
	if (vma->io)
		return "a device's memory has no pages to pin";
	if (vma->secret)
		return "secret memory is for its owner alone";
	if ((flags & PW_PIN_WRITE) && (flags & PW_PIN_LONGTERM) && vma->shared && vma->file &&
	    !vma->hugetlb)
		return "a long pin would write to a file's page behind the back of its dirty tracking";
	if ((flags & PW_PIN_WRITE) && !(vma->prot & PROT_WRITE))
		return flags & PW_PIN_FORCE ? "force writes only to private memory"
					    : "the VMA is not writable";
	if (!(vma->prot & PROT_READ) && !(flags & PW_PIN_FORCE))
		return "the VMA is not readable";
	return NULL;
}

static void answer_pin(const struct sim_statement *s, struct sim_object *who, long got,
		       size_t count, const struct pw_pin_result *result,
		       struct sim_outcome *outcome)
{
	const char *why = NULL;
	int error = got < 0 ? (int)got : result->error;

	if (got == (long)count) {
		sim_answer(outcome, 0, "%ld page%s: the fast path %s%s", got, got == 1 ? "" : "s",
			   stop_words(result->fast),
			   result->slow_pages ? "; the slow path took the rest" : "");
		if (result->migrated)
			snprintf(outcome->text + strlen(outcome->text),
				 sizeof(outcome->text) - strlen(outcome->text),
				 "; %lu moved before, to memory that may be held for long",
				 result->migrated);
		return;
	}
	if (!(s->pin & PW_PIN_FAST_ONLY) && error == -EFAULT)
		why = refusal(who->mm, result->va, s->pin);
	snprintf(outcome->word, sizeof(outcome->word), "%s",
		 error ? sim_errno_name(error) : "partial");
	snprintf(outcome->text, sizeof(outcome->text), "%ld of %zu pages: the fast path %s%s%s%s%s",
		 got < 0 ? 0 : got, count, stop_words(result->fast),
		 error ? "; the slow path refused (" : "", error ? sim_errno_name(error) : "",
		 error ? ")" : "", why ? ": " : "");
	if (why)
		strncat(outcome->text, why, sizeof(outcome->text) - strlen(outcome->text) - 1);
}

static void new_pin(struct sim_run *run, const struct sim_statement *s, struct sim_object *who,
		    struct sim_outcome *outcome)
{
	struct sim_object *object = sim_add(run, s->name, SIM_IS_PIN);
	struct sim_pin *pin = calloc(1, sizeof(*pin));
	size_t count = (size_t)((s->bytes + run->page - 1) / run->page);
	struct pw_pin_result result = { 0 };
	long got;

	if (!pin) {
		object->kind = SIM_NOTHING;
		object->gone = "could not be made";
		sim_answer(outcome, -ENOMEM, "%s", "");
		return;
	}
	pin->mm = who;
	pin->reader = pw_cpu_reader(who->cpu);
	pin->flags = s->pin & (PW_PIN_WRITE | PW_PIN_LONGTERM | PW_PIN_GET);
	if (s->pin & PW_PIN_GET)
		got = pw_get(who->cpu, s->va, count, s->pin & ~(unsigned)PW_PIN_GET, pin->page,
			     &result);
	else
		got = pw_pin(who->cpu, s->va, count, s->pin, pin->page, &result);
	pin->count = got > 0 ? (size_t)got : 0;
	object->pin = pin;
	answer_pin(s, who, got, count, &result, outcome);
}

/* Copies between a text and the pinned pages, as a device does. Returns how many bytes there were. */
static size_t copy(struct sim_run *run, struct sim_pin *pin, uint64_t offset, char *text,
		   size_t bytes, bool store)
{
	size_t done = 0;

	for (; done < bytes; done++, offset++) {
		char *at;

		if (offset / run->page >= pin->count)
			break;
		at = pw_arena_host(pw_machine_arena(run->machine),
				   pin->page[offset / run->page] + offset % run->page, 1);
		if (store)
			*at = text[done];
		else
			text[done] = *at;
	}
	return done;
}

void sim_do_pin(struct sim_run *run, const struct sim_statement *s, struct sim_object *who,
		struct sim_outcome *outcome)
{
	char text[SIM_TEXT];
	size_t bytes;

	switch (s->verb) {
	case SIM_PIN:
		new_pin(run, s, who, outcome);
		break;
	case SIM_UNPIN:
		pw_unpin_pages(who->pin->reader, who->pin->page, who->pin->count, who->pin->flags,
			       who->pin->flags & PW_PIN_WRITE);
		sim_answer(outcome, 0, "%zu page%s given back", who->pin->count,
			   who->pin->count == 1 ? "" : "s");
		free(who->pin);
		who->pin = NULL;
		who->kind = SIM_NOTHING;
		who->gone = "was given back";
		break;
	case SIM_PUT:
		bytes = strlen(s->text);
		memcpy(text, s->text, bytes);
		sim_answer(outcome, 0, "the device stored %zu bytes through the pin",
			   copy(run, who->pin, s->offset, text, bytes, true));
		break;
	default:
		bytes = copy(run, who->pin, s->offset, text,
			     s->bytes < SIM_TEXT - 3 ? (size_t)s->bytes : SIM_TEXT - 3, false);
		sim_answer_text(outcome, text, bytes);
	}
}
