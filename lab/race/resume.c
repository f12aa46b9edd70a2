/* SPDX-License-Identifier: MIT */
/*
 * A search that was stopped, in a file. It consists of the last run (its lanes, and for each state of it which lanes
 * were tried, are to be tried, and sleep), the classes, and the counts. The search goes on after that run is done again,
 * which fills in everything else. Addresses differ from process to process, so none is in the file.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lab/race/real.h"
#include "lab/race/resume.h"
#include "lab/race/search.h"

struct head {
	char magic[16];
	uint32_t model, words, count, check; /* count: events of the last run */
	uint64_t name; /* a hash of the scenario's name */
	uint64_t sum; /* a hash of the whole file, in which this is 0 */
	struct pw_lab_result result;
};

static const char magic[16] = "pagewalk-lab 1";

static uint64_t name_hash(const char *name)
{
	uint64_t hash = 1;

	for (; *name; name++)
		hash = race_mix(hash, (unsigned char)*name);
	return hash;
}

/* Of the file, whose head was read or is to be written; goes on after the head. */
static uint64_t sum_of(FILE *file, struct head head)
{
	unsigned char bytes[4096];
	uint64_t hash = 1;
	size_t count = sizeof(head);

	head.sum = 0;
	__real_memcpy(bytes, &head, sizeof(head));
	fseek(file, (long)sizeof(head), SEEK_SET);
	do {
		for (size_t i = 0; i < count; i++)
			hash = race_mix(hash, bytes[i]);
		count = fread(bytes, 1, sizeof(bytes), file);
	} while (count > 0);
	fseek(file, (long)sizeof(head), SEEK_SET);
	return hash;
}
_Static_assert(sizeof(struct head) < 4096, "sum_of() has room for it");

static bool write_all(FILE *file, struct head *head)
{
	uint16_t state[4];
	uint64_t hash;
	size_t at = 0;

	if (fwrite(head, sizeof(*head), 1, file) != 1)
		return false;
	for (unsigned i = 0; i < head->count; i++) {
		const struct race_event *event = &race_event[i];

		state[0] = event->lane;
		state[1] = event->backtrack;
		state[2] = event->done;
		state[3] = event->sleep;
		if (fwrite(state, sizeof(state), 1, file) != 1)
			return false;
	}
	while (race_classes_next(&at, &hash))
		if (fwrite(&hash, sizeof(hash), 1, file) != 1)
			return false;
	head->sum = sum_of(file, *head);
	rewind(file);
	return fwrite(head, sizeof(*head), 1, file) == 1;
}

bool race_resume_write(const char *path, const struct pw_lab_result *result)
{
	struct head head;
	char fresh[4096];
	FILE *file;
	bool written;

	__real_memset(&head, 0, sizeof(head));
	__real_memcpy(head.magic, magic, sizeof(magic));
	head.model = race.model;
	head.words = race_words_shared();
	/* If the last run has found a new shared word, the search begins anew, and knows the word. */
	head.count = result->restarted == result->runs ? 0 : race.depth;
	head.check = race_steps_hash(head.count);
	head.name = name_hash(race.scenario->name);
	head.result = *result;
	if ((size_t)snprintf(fresh, sizeof(fresh), "%s.new", path) >= sizeof(fresh))
		return false;
	file = fopen(fresh, "w+");
	if (!file)
		return false;
	written = write_all(file, &head);
	if (fclose(file) != 0 || !written || rename(fresh, path) != 0) {
		remove(fresh);
		return false;
	}
	return true;
}

/* Reads the states. False if they are not those of a run. */
static bool read_states(FILE *file, struct race_resume *resume)
{
	uint16_t state[4];

	for (unsigned i = 0; i < resume->count; i++) {
		if (fread(state, sizeof(state), 1, file) != 1 || state[0] >= RACE_LANES)
			return false;
		resume->lane[i] = (uint8_t)state[0];
		__real_memcpy(resume->state[i], state + 1, sizeof(resume->state[i]));
	}
	return true;
}

static bool read_all(FILE *file, const struct pw_lab_scenario *scenario, enum pw_lab_model model,
		     struct race_resume *resume)
{
	struct head head;

	if (fread(&head, sizeof(head), 1, file) != 1 ||
	    memcmp(head.magic, magic, sizeof(magic)) != 0 || head.model != model ||
	    head.name != name_hash(scenario->name) || head.count > RACE_EVENTS ||
	    head.result.findings != 0 || head.sum != sum_of(file, head))
		return false;
	resume->words = head.words;
	resume->count = head.count;
	resume->check = (uint16_t)head.check;
	resume->result = head.result;
	return read_states(file, resume);
}

enum race_resume_status race_resume_read(const char *path, const struct pw_lab_scenario *scenario,
					 enum pw_lab_model model, struct race_resume *resume)
{
	resume->file = fopen(path, "r");
	if (!resume->file)
		return errno == ENOENT ? RACE_RESUME_NEW : RACE_RESUME_WRONG;
	if (read_all(resume->file, scenario, model, resume))
		return RACE_RESUME_READ;
	fclose(resume->file);
	resume->file = NULL;
	return RACE_RESUME_WRONG;
}

static bool same_run(const struct race_resume *resume)
{
	return race.finding != PW_LAB_BROKEN && race.depth >= resume->count &&
	       race_words_shared() == resume->words &&
	       race_steps_hash(resume->count) == resume->check;
}

static bool refuse(struct pw_lab_result *result)
{
	result->finding = PW_LAB_BROKEN;
	snprintf(result->sentence, sizeof(result->sentence),
		 "the file to go on with is of other code, or damaged: remove it to begin anew");
	return false;
}

bool race_resume_apply(struct race_resume *resume, struct pw_lab_result *result)
{
	uint64_t hash;

	if (!same_run(resume))
		return refuse(result);
	race.depth = resume->count;
	for (unsigned i = 0; i < resume->count; i++) {
		struct race_event *event = &race_event[i];

		event->backtrack = resume->state[i][0];
		event->done = resume->state[i][1];
		event->sleep = resume->state[i][2];
	}
	while (fread(&hash, sizeof(hash), 1, resume->file) == 1)
		race_classes_add(hash);
	fclose(resume->file);
	resume->file = NULL;
	*result = resume->result;
	return race_classes_count() == result->classes || refuse(result);
}
