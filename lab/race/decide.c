/* SPDX-License-Identifier: MIT */
/*
 * The decisive step: the first of a run that fails after which every continuation fails. If a beginning of the run
 * always fails, so does a longer one. So the shortest is looked for from the end, in steps that double, and then by
 * halves. A beginning from which a run ends well is known by that one run.
 */
#include <stdio.h>

#include "lab/race/picture.h"
#include "lab/race/real.h"

enum answer { FAILS, MAY_END_WELL, NOT_KNOWN };

/*
 * The last run has ended well, and begins with the first @steps steps. If the next step always leads to a failure,
 * then in this run a step that depends on it came first: otherwise the two runs would be of one class.
 */
static void keep_alternative(struct race_picture *picture, unsigned steps)
{
	struct race_decision *decision = &picture->decision;
	const struct race_event *decisive = &picture->event[steps];

	decision->alternative = false;
	for (unsigned i = steps; i < race.depth && race_event[i].lane != decisive->lane; i++) {
		struct race_step_text step;

		if (!race_dependent(&race_event[i].op, &decisive->op))
			continue;
		race_tell(i, &step);
		race_step_words(&step, decision->words, sizeof(decision->words));
		decision->lane = race_event[i].lane;
		decision->alternative = true;
		return;
	}
}

/* Do all runs that begin with the first @steps steps fail? */
static enum answer ask(struct race_picture *picture, unsigned steps, uint64_t limit)
{
	struct race_decision *decision = &picture->decision;
	const struct race_search how = { .mode = RACE_SOURCE,
					 .schedule = picture->lane,
					 .scheduled = steps,
					 .limit = limit - decision->runs,
					 .stop_at_success = true };
	struct pw_lab_result result;

	if (limit <= decision->runs)
		return NOT_KNOWN;
	race_explore(picture->scenario, picture->model, &how, &result);
	decision->runs += result.runs;
	/* New words mean new steps: the order of the run does not fit any more. */
	if (result.finding == PW_LAB_BROKEN || result.restarted > 0)
		return NOT_KNOWN;
	if (result.findings < result.ended) {
		keep_alternative(picture, steps);
		return MAY_END_WELL;
	}
	if (!result.complete)
		return NOT_KNOWN;
	decision->failing = result.classes;
	return FAILS;
}

void race_decide(struct race_picture *picture, uint64_t limit)
{
	struct race_decision *decision = &picture->decision;
	unsigned fails = picture->depth, distance = 1;
	/* From fewer steps than this a run may end well: all of `fails` if it is not known. */
	int ends_well = -1;

	*decision = (struct race_decision){ .steps = fails };
	/* Weaker processors are sampled: nothing is known of all continuations. */
	if (picture->model == PW_LAB_WEAK)
		return;
	while ((int)fails > ends_well + 1) {
		unsigned steps;
		enum answer answer;

		if (ends_well >= 0)
			steps = ((unsigned)ends_well + fails) / 2;
		else
			steps = fails > distance ? fails - distance : 0;
		answer = ask(picture, steps, limit);
		if (answer == NOT_KNOWN) {
			decision->steps = fails;
			return;
		}
		if (answer == FAILS)
			fails = steps;
		else
			ends_well = (int)steps;
		distance *= 2;
	}
	decision->steps = fails;
	decision->known = true;
}
