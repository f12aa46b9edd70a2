/* SPDX-License-Identifier: MIT */
/*
 * Where the next run differs from the last one; and the search on several processors.
 *
 * With several jobs, the tree of runs is split: a state near its root, from which another lane is still to be tried,
 * gives that lane's subtree to a process of its own (fork: it has the memory as it is). Meanwhile this process goes on.
 * Before it leaves the state upwards it waits for the other, and takes over what that has counted, and the lanes that
 * races in the subtree have added to states above it. Sleep sets make the subtrees disjoint: a class is in one of them.
 *
 *     state k: lanes a (this process, now), c (given away), d (later)
 *     in the subtree of c, a is taken for done: its classes are visited, here
 *
 * If the other process has found a new shared word, or a finding, the search begins anew, with one process: it knows
 * the word, or looks for the shortest schedule of all. Both are rare after the first runs.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lab/race/race.h"
#include "lab/race/real.h"
#include "lab/race/search.h"

enum {
	OTHERS = 15, /* processes beside this one */
	PAUSE = 256, /* runs before the next subtree is given away: a fork costs as much as some runs */
};

/* What a process reports of its subtree, followed by the lanes to try in the states above it. */
struct report {
	struct pw_lab_result result;
	uint64_t classes, hash;
};

struct other {
	pid_t process;
	int pipe;
	unsigned at; /* the state where its subtree begins */
};

static struct {
	struct other other[OTHERS];
	unsigned count;
	unsigned floor; /* in another process: the states below this number are not its own */
	int report; /* in another process: where it reports to; -1 in the first one */
	uint64_t runs; /* when the last subtree was given away */
	uint64_t classes, hash; /* of the other processes that have reported */
	bool again, alone, incomplete;
} split = { .report = -1 };

static void end_of(struct other *other)
{
	int status;

	close(other->pipe);
	while (waitpid(other->process, &status, 0) < 0 && errno == EINTR)
		;
	*other = split.other[--split.count];
}

void race_split_clear(bool everything)
{
	while (split.count > 0) {
		kill(split.other[0].process, SIGKILL);
		end_of(&split.other[0]);
	}
	split.runs = split.classes = split.hash = 0;
	split.again = split.incomplete = false;
	if (everything)
		split.alone = false;
}

bool race_split_is_other(void)
{
	return split.report >= 0;
}

static bool read_all(int from, void *data, size_t size)
{
	unsigned char *at = data;

	while (size > 0) {
		ssize_t got = read(from, at, size);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		at += got;
		size -= (size_t)got;
	}
	return true;
}

static void write_all(int to, const void *data, size_t size)
{
	const unsigned char *at = data;

	while (size > 0) {
		ssize_t put = write(to, at, size);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			_exit(1);
		at += put;
		size -= (size_t)put;
	}
}

/* Waits for a process and takes its report over. */
static void join(struct other *other, struct pw_lab_result *result)
{
	static struct report report;
	static uint16_t lanes[RACE_EVENTS + 1];
	const unsigned at = other->at;
	const bool whole = read_all(other->pipe, &report, sizeof(report)) &&
			   read_all(other->pipe, lanes, (at + 1) * sizeof(*lanes));

	end_of(other);
	if (whole && (report.result.restarted || report.result.findings)) {
		split.again = split.alone = true;
		return;
	}
	/* A process that ended without a report was killed: by whom is not known. */
	if (!whole || !report.result.complete) {
		split.incomplete = true;
		return;
	}
	for (unsigned i = 0; i <= at; i++)
		race_event[i].backtrack |= lanes[i];
	result->runs += report.result.runs;
	result->ended += report.result.ended;
	result->blocked += report.result.blocked;
	result->cut += report.result.cut;
	result->events += report.result.events;
	if (report.result.deepest > result->deepest)
		result->deepest = report.result.deepest;
	split.classes += report.classes;
	split.hash += report.hash;
}

void race_split_report(const struct pw_lab_result *result)
{
	static struct report report;
	static uint16_t lanes[RACE_EVENTS + 1];

	report.result = *result;
	report.classes = race_classes_count();
	report.hash = race_classes_hash();
	for (unsigned i = 0; i < split.floor; i++)
		lanes[i] = race_event[i].backtrack;
	write_all(split.report, &report, sizeof(report));
	write_all(split.report, lanes, split.floor * sizeof(*lanes));
	_exit(0);
}

uint64_t race_split_classes(uint64_t *hash_ret)
{
	*hash_ret = split.hash;
	return split.classes;
}

bool race_split_incomplete(void)
{
	return split.incomplete || split.count > 0;
}

bool race_split_again(void)
{
	return split.again;
}

/* Lanes that are still to be tried in a state, besides the one that is being tried. */
static unsigned to_do(const struct race_event *event)
{
	return event->backtrack & event->enabled & ~event->done & ~event->sleep;
}

/* This is the other process, from now on: the subtree of @lane from the state @at is its own. */
static void become_other(unsigned at, unsigned lane, int report, unsigned *prefix,
			 struct pw_lab_result *result)
{
	struct race_event *event = &race_event[at];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGINT, SIG_IGN); /* the first process hears of it, and ends this one */
	for (unsigned i = 0; i < split.count; i++)
		close(split.other[i].pipe);
	split.count = 0;
	split.report = report;
	split.floor = at + 1;
	event->done |= (uint16_t)(1u << event->lane);
	event->lane = (uint8_t)lane;
	*prefix = at + 1;
	*result = (struct pw_lab_result){ 0 };
	race_classes_clear();
}

/* Gives the subtree nearest to the root away, if there is one. */
static void give_away(unsigned depth, unsigned *prefix, struct pw_lab_result *result)
{
	unsigned at = race.fixed, lane;
	int ends[2];
	pid_t process;

	while (at < depth && !(to_do(&race_event[at]) & ~(1u << race_event[at].lane)))
		at++;
	if (at == depth || pipe(ends) != 0)
		return;
	lane = (unsigned)__builtin_ctz(to_do(&race_event[at]) & ~(1u << race_event[at].lane));
	process = fork();
	if (process == 0) {
		close(ends[0]);
		become_other(at, lane, ends[1], prefix, result);
		return;
	}
	close(ends[1]);
	if (process < 0) {
		close(ends[0]);
		return;
	}
	race_event[at].done |= (uint16_t)(1u << lane);
	split.other[split.count++] = (struct other){ process, ends[0], at };
	split.runs = result->runs;
}

/* May a subtree be given away? Only in a search that has to see all of it, and that nobody counts the runs of. */
static bool may_split(const struct race_search *how, const struct pw_lab_result *result)
{
	return how->jobs > 1 && how->mode == RACE_SOURCE && !how->limit && !how->resume &&
	       !how->words && !how->stop_at_finding && !how->stop_at_success &&
	       !race_split_is_other() && !split.alone && split.count < OTHERS &&
	       split.count + 1 < how->jobs && result->runs - result->restarted > PAUSE &&
	       result->runs - split.runs > PAUSE;
}

/* Waits for those whose subtrees begin at @state or below: this process is going to leave that state. */
static void wait_for_others(unsigned state, struct pw_lab_result *result)
{
	for (unsigned i = 0; i < split.count;)
		if (split.other[i].at >= state)
			join(&split.other[i], result);
		else
			i++;
}

bool race_backtrack(const struct race_search *how, struct pw_lab_result *result, unsigned *prefix)
{
	const unsigned bottom = split.floor > race.fixed ? split.floor : race.fixed;

	if (how->mode > RACE_BOUNDED)
		return how->mode != RACE_REPLAY;
	for (unsigned i = race.depth; i-- > bottom;) {
		struct race_event *event = &race_event[i];
		unsigned todo;

		wait_for_others(i, result);
		if (split.again)
			return true;
		event->done |= (uint16_t)(1u << event->lane);
		todo = to_do(event);
		if (how->mode == RACE_BOUNDED && i > 0 && event->preemptions >= how->bound &&
		    event->enabled & 1u << event[-1].lane)
			todo &= 1u << event[-1].lane;
		if (todo) {
			event->lane = (uint8_t)__builtin_ctz(todo);
			*prefix = i + 1;
			if (may_split(how, result))
				give_away(i + 1, prefix, result);
			return true;
		}
	}
	return false;
}
