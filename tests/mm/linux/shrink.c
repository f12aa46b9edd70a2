/* SPDX-License-Identifier: MIT */
/*
 * Makes a script that differs as small as it gets: first calls are left out, in ever smaller runs (delta
 * debugging), then files, then arguments become plainer. What remains must differ in the same way: the same kind
 * of difference, at the same kind of call.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "check.h"

struct shrink {
	const struct pairing *pairing;
	struct script *script;
	struct verdict *verdict;
	enum difference_kind kind;
	enum call_kind call;
	unsigned tries, most;
	time_t until;
};

/* Tries end after this time, too: a hang takes long, and so does a busy machine. */
enum { TRIES_MOST = 1500, TRIES_OF_HANGS = 12, SECONDS_MOST = 40 };

/* Takes @candidate if it still differs. */
static bool try_script(struct shrink *s, const struct script *candidate)
{
	struct verdict *verdict = malloc(sizeof *verdict);
	bool same;

	if (time(NULL) > s->until) {
		s->tries = s->most;
		free(verdict);
		return false;
	}
	for (unsigned i = 0; i < candidate->calls; i++) {
		if (!call_is_safe(&candidate->call[i], &s->pairing->can)) {
			free(verdict);
			return false;
		}
	}
	s->tries++;
	script_run(candidate, s->pairing, verdict);
	same = verdict->difference.kind == s->kind &&
	       verdict->difference.call.kind == (uint8_t)s->call;
	if (same) {
		*s->script = *candidate;
		*s->verdict = *verdict;
	}
	free(verdict);
	return same;
}

static void without_calls(struct script *script, unsigned first, unsigned count)
{
	memmove(&script->call[first], &script->call[first + count],
		(script->calls - first - count) * sizeof *script->call);
	script->calls -= count;
}

static bool fewer_calls(struct shrink *s)
{
	bool fewer = false;

	for (unsigned count = s->script->calls / 2; count > 0; count /= 2) {
		for (unsigned first = s->script->calls; first > 0 && s->tries < s->most;) {
			struct script candidate = *s->script;
			const unsigned some = count < first ? count : first;

			first -= some;
			without_calls(&candidate, first, some);
			fewer |= try_script(s, &candidate);
		}
	}
	return fewer;
}

/* The last call is the one that differs. */
static void cut_after(struct shrink *s)
{
	struct script candidate = *s->script;

	if (s->verdict->difference.step + 1 >= candidate.calls)
		return;
	candidate.calls = s->verdict->difference.step + 1;
	try_script(s, &candidate);
}

static bool argument_is(struct shrink *s, unsigned call, unsigned arg, uint64_t value)
{
	struct script candidate = *s->script;

	if (candidate.call[call].arg[arg] == value || s->tries >= s->most)
		return false;
	candidate.call[call].arg[arg] = value;
	return try_script(s, &candidate);
}

static bool plainer_flags(struct shrink *s, unsigned call, unsigned arg)
{
	bool plainer = false;

	for (unsigned bit = 0; bit < 32; bit++) {
		const uint64_t value = s->script->call[call].arg[arg];

		if (value >> bit & 1)
			plainer |= argument_is(s, call, arg, value & ~(UINT64_C(1) << bit));
	}
	return plainer;
}

static bool plainer_number(struct shrink *s, unsigned call, unsigned arg, enum argument kind)
{
	const uint64_t page = s->pairing->can.page, value = s->script->call[call].arg[arg];
	const uint64_t rounded = value & ~(page - 1);

	if (kind == ARG_VA && value < WINDOW)
		return false;
	if (value != rounded && argument_is(s, call, arg, rounded))
		return true;
	if (kind == ARG_VA)
		return false;
	if (value > page && (argument_is(s, call, arg, page) ||
			     argument_is(s, call, arg, rounded / 2 & ~(page - 1)) ||
			     argument_is(s, call, arg, rounded - page)))
		return true;
	return kind != ARG_BYTES && value > 0 && value != NO_FILE &&
	       argument_is(s, call, arg, value == 1 || value == page ? 0 : value / 2);
}

static bool plainer_arguments(struct shrink *s)
{
	bool plainer = false;

	for (unsigned call = 0; call < s->script->calls; call++) {
		const struct call_info *info = &CALL_INFO[s->script->call[call].kind];

		for (unsigned arg = 0; arg < MAX_ARGS && info->arg[arg]; arg++) {
			switch (info->arg[arg]) {
			case ARG_MAP:
			case ARG_REMAP:
			case ARG_SYNC:
			case ARG_LOCKALL:
			case ARG_LOCK2:
				plainer |= plainer_flags(s, call, arg);
				break;
			case ARG_PROT:
				plainer |= argument_is(s, call, arg, 3) ||
					   plainer_flags(s, call, arg);
				break;
			case ARG_VA:
			case ARG_BYTES:
			case ARG_OFFSET:
			case ARG_COUNT:
				plainer |= plainer_number(s, call, arg, info->arg[arg]);
				break;
			default:
				break;
			}
		}
	}
	return plainer;
}

/* Moves all addresses of the script from one page to another, so that they become small. */
static bool nearer(struct shrink *s)
{
	const uint64_t page = s->pairing->can.page;
	uint64_t lowest = WINDOW_END;
	struct script candidate = *s->script;

	for (unsigned pass = 0; pass < 2; pass++) {
		for (unsigned i = 0; i < candidate.calls; i++) {
			struct call *call = &candidate.call[i];

			for (unsigned n = 0; n < MAX_ARGS && CALL_INFO[call->kind].arg[n]; n++) {
				uint64_t *va = &call->arg[n];

				if (CALL_INFO[call->kind].arg[n] != ARG_VA || *va < WINDOW ||
				    *va > WINDOW_END)
					continue;
				if (pass == 1)
					*va -= lowest - WINDOW;
				else if (*va < lowest)
					lowest = *va & ~(page - 1);
			}
		}
		if (lowest <= WINDOW || lowest == WINDOW_END)
			return false;
	}
	return try_script(s, &candidate);
}

static bool fewer_files(struct shrink *s)
{
	bool fewer = false;

	while (s->script->files > 0 && s->tries < s->most) {
		struct script candidate = *s->script;
		const unsigned last = --candidate.files;

		for (unsigned i = 0; i < candidate.calls; i++) {
			const struct call *call = &candidate.call[i];

			for (unsigned n = 0; n < MAX_ARGS && CALL_INFO[call->kind].arg[n]; n++)
				if (CALL_INFO[call->kind].arg[n] == ARG_FILE &&
				    call->arg[n] == last)
					return fewer;
		}
		if (!try_script(s, &candidate))
			return fewer;
		fewer = true;
	}
	return fewer;
}

void script_shrink(struct script *script, const struct pairing *pairing, struct verdict *verdict)
{
	struct shrink s = { .pairing = pairing,
			    .script = script,
			    .verdict = verdict,
			    .kind = verdict->difference.kind,
			    .until = time(NULL) + SECONDS_MOST,
			    .most = verdict->difference.kind == HUNG ? TRIES_OF_HANGS : TRIES_MOST,
			    .call = (enum call_kind)verdict->difference.call.kind };
	bool again = true;

	cut_after(&s);
	while (again && s.tries < s.most) {
		again = fewer_calls(&s);
		again |= fewer_files(&s);
		again |= plainer_arguments(&s);
		again |= nearer(&s);
	}
}
