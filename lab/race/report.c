/* SPDX-License-Identifier: MIT */
/*
 * From a search to its result. A finding is reported once it was seen twice: the shortest order of its class is
 * replayed, and must fail again.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lab/race/markup.h"
#include "lab/race/picture.h"
#include "lab/race/progress.h"
#include "lab/race/real.h"
#include "lab/race/report.h"
#include "lab/race/resume.h"
#include "lab/race/wrap.h"

int race_worse(int a, int b)
{
	static const int rank[] = {
		[RACE_PROVED] = 0, [RACE_FOUND] = 2, [RACE_NOT_FINISHED] = 1, [RACE_BROKEN] = 3
	};

	if (a < 0 || a > RACE_BROKEN || b < 0 || b > RACE_BROKEN)
		return RACE_BROKEN;
	return rank[a] >= rank[b] ? a : b;
}

int race_flush(int status)
{
	errno = 0;
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	if (errno != EPIPE)
		fprintf(stderr, "pagewalk-lab: the results cannot be written: %s\n",
			errno ? strerror(errno) : "an earlier write failed");
	return RACE_BROKEN;
}

int race_child_status(int waited, const char *scenario)
{
	if (WIFEXITED(waited))
		return WEXITSTATUS(waited);
	if (WTERMSIG(waited) == SIGPIPE) {
		signal(SIGPIPE, SIG_DFL);
		raise(SIGPIPE);
	}
	fprintf(stderr,
		"pagewalk-lab: the search of %s ended by signal %d: a fault of its code, or of the "
		"laboratory\n",
		scenario, WTERMSIG(waited));
	return RACE_BROKEN;
}

void race_prepare(const struct pw_lab_scenario *scenario)
{
	race.thread = -1;
	race_setting_up = true;
	if (scenario->setup)
		scenario->setup();
	race_setting_up = false;
}

/* ---- the shortest schedule ---- */

struct shortest {
	uint8_t order[RACE_EVENTS];
	unsigned steps;
	int switches; /* -1: not known */
	unsigned words; /* that were known to be shared: they make the steps */
};

/* The best of all findings so far: fewest switches, then fewest steps. */
static void keep_shortest(void *context)
{
	static uint8_t order[RACE_EVENTS];
	struct shortest *best = context;
	int switches = race_shorten(order);
	bool better;

	/* Schedules of before the search began anew have other steps. */
	if (best->words != race_words_shared())
		best->steps = 0;
	best->words = race_words_shared();
	if (best->steps == 0)
		better = true;
	else if (switches < 0)
		better = best->switches < 0 && race.depth < best->steps;
	else
		better = best->switches < 0 || switches < best->switches ||
			 (switches == best->switches && race.depth < best->steps);
	if (!better)
		return;
	best->switches = switches;
	best->steps = race.depth;
	__real_memcpy(best->order, order, race.depth);
}

struct replayed {
	void (*call)(void *context);
	void *context;
	struct pw_lab_result *result;
};

static void on_replay(void *context)
{
	struct replayed *replayed = context;

	race_schedule_write(replayed->result->schedule, sizeof(replayed->result->schedule));
	if (replayed->call)
		replayed->call(replayed->context);
}

int race_search_scenario(const struct pw_lab_scenario *scenario, enum pw_lab_model model,
			 const struct race_search *search, struct pw_lab_result *result,
			 void (*call)(void *context), void *context)
{
	static struct shortest best;
	struct replayed replayed = { call, context, result };
	struct race_search how = *search;
	struct pw_lab_result again;

	best.steps = 0;
	if (how.resume && how.resume->words) {
		struct race_search learn = { .mode = RACE_SOURCE, .words = how.resume->words };

		race_explore(scenario, model, &learn, result);
	}
	if (how.mode != RACE_REPLAY) {
		how.found = keep_shortest;
		how.context = &best;
		race_explore(scenario, model, &how, result);
	} else {
		struct race_search learn = { .mode = RACE_SOURCE, .words = how.words };

		/* The search is deterministic: it finds the same shared words again, and so the same steps. */
		race_explore(scenario, model, &learn, result);
		how.found = on_replay;
		how.context = &replayed;
		race_explore(scenario, model, &how, result);
	}
	if (result->finding == PW_LAB_BROKEN)
		return RACE_BROKEN;
	if (result->findings == 0)
		return result->complete ? RACE_PROVED : RACE_NOT_FINISHED;
	if (how.mode == RACE_REPLAY)
		return RACE_FOUND;
	how = (struct race_search){ .mode = RACE_REPLAY,
				    .schedule = best.order,
				    .scheduled = best.steps,
				    .found = on_replay,
				    .context = &replayed };
	race_explore(scenario, model, &how, &again);
	if (again.findings == 0 || again.finding == PW_LAB_BROKEN) {
		result->finding = PW_LAB_BROKEN;
		snprintf(result->sentence, sizeof(result->sentence),
			 "the finding did not come again when its schedule was repeated: %.120s",
			 again.sentence);
		return RACE_BROKEN;
	}
	result->finding = again.finding;
	memcpy(result->sentence, again.sentence, sizeof(result->sentence));
	return RACE_FOUND;
}

/* ---- for people ---- */

enum { WIDTH_UNKNOWN = 100, WIDTH_LEAST = 20 };

/* Columns of the terminal; 0: it is none, or does not say. */
static unsigned terminal_width(void)
{
	struct winsize size;

	if (isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 &&
	    size.ws_col >= WIDTH_LEAST)
		return size.ws_col;
	return 0;
}

/* Prints a line, which goes on below where the terminal has no more columns. */
static void print_line(const char *text)
{
	const unsigned columns = terminal_width();
	unsigned left = columns;

	while (columns && strlen(text) > left) {
		size_t skip, length = race_line_break(text, left, &skip);

		printf("%.*s\n  ", (int)length, text);
		text += length + skip;
		left = columns - 2;
	}
	printf("%s\n", text);
}

static const char *verdict_of(int status, const struct race_search *search)
{
	switch (status) {
	case RACE_PROVED:
		return "proved";
	case RACE_FOUND:
		return "found";
	case RACE_NOT_FINISHED:
		return search->mode == RACE_RANDOM || search->mode == RACE_PCT ? "sampled"
		       : search->mode == RACE_BOUNDED ? "nothing within the bound"
						      : "not finished";
	default:
		return "broken";
	}
}

static void tell_counts(const char *verdict, const char *name, enum pw_lab_model model,
			const struct pw_lab_result *r, char *text, size_t size)
{
	snprintf(text, size,
		 "%s %s %s: %" PRIu64 " classes in %" PRIu64 " runs (%" PRIu64 " blocked, %" PRIu64
		 " cut, %" PRIu64 " restarted), %" PRIu64
		 " findings, deepest %u steps, %u shared words, "
		 "%s",
		 verdict, name, race_model_name(model), r->classes, r->runs, r->blocked, r->cut,
		 r->restarted, r->findings, r->deepest, r->words,
		 r->complete ? "complete" : "not complete");
}

static void print_counts(const char *verdict, const char *name, enum pw_lab_model model,
			 const struct pw_lab_result *r)
{
	char text[512];

	tell_counts(verdict, name, model, r, text, sizeof(text));
	print_line(text);
	/* A search that ended at its finding needs no more. */
	if (r->findings == 0 && r->estimate > (double)r->runs)
		printf("  about %.2g runs would be needed\n", r->estimate);
}

/* ---- for programs ---- */

static void print_json_text(const char *text)
{
	putchar('"');
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			printf("\\%c", c);
		else if (c < 0x20)
			printf("\\u%04x", c);
		else
			putchar(c);
	}
	putchar('"');
}

static void print_json(const char *verdict, const char *name, enum pw_lab_model model,
		       const struct pw_lab_result *r)
{
	printf("{\"scenario\": ");
	print_json_text(name);
	printf(", \"model\": \"%s\", \"verdict\": \"%s\", \"classes\": %" PRIu64
	       ", \"runs\": %" PRIu64 ", \"ended\": %" PRIu64 ", \"blocked\": %" PRIu64
	       ", \"cut\": %" PRIu64 ", \"restarted\": %" PRIu64 ", \"findings\": %" PRIu64
	       ", \"events\": %" PRIu64
	       ", \"deepest\": %u, \"words\": %u, \"complete\": %s, \"seconds\": %.3f",
	       race_model_name(model), verdict, r->classes, r->runs, r->ended, r->blocked, r->cut,
	       r->restarted, r->findings, r->events, r->deepest, r->words,
	       r->complete ? "true" : "false", r->seconds);
	if (*r->sentence) {
		printf(", \"sentence\": ");
		print_json_text(r->sentence);
	}
	if (*r->schedule)
		printf(", \"schedule\": \"%s\"", r->schedule);
	printf("}\n");
}

/* ---- the picture of a finding ---- */

/* Continuations that are tried at most to find the step that decides. */
static const uint64_t DECIDE_RUNS = 20000;

static bool write_picture(const char *name, const struct race_picture *picture,
			  void (*draw)(FILE *file, const struct race_picture *picture))
{
	FILE *file = strcmp(name, "-") == 0 ? stdout : fopen(name, "w");
	bool written;

	if (!file) {
		fprintf(stderr, "pagewalk-lab: the picture cannot be written to %s: %s\n", name,
			strerror(errno));
		return false;
	}
	draw(file, picture);
	written = file == stdout ? fflush(file) == 0 : !ferror(file) && fclose(file) == 0;
	if (!written)
		fprintf(stderr, "pagewalk-lab: the picture could not be written to %s\n", name);
	return written;
}

/* Does the picture take the place of the text? */
static bool draws_to_stdout(const struct race_ask *ask)
{
	return (ask->svg && strcmp(ask->svg, "-") == 0) ||
	       (ask->html && strcmp(ask->html, "-") == 0);
}

/* Columns of the picture of a finding. */
static unsigned picture_width(const struct race_ask *ask)
{
	const unsigned columns = ask->width ? ask->width : terminal_width();

	return columns ? columns : WIDTH_UNKNOWN;
}

/* Draws what was watched, if that is wanted: a finding, or a schedule. Returns false if it failed. */
static bool draw(struct race_picture *picture, const struct pw_lab_scenario *scenario,
		 enum pw_lab_model model, const struct race_ask *ask, int status,
		 const struct pw_lab_result *result)
{
	const bool text = !ask->json && !ask->brief && !draws_to_stdout(ask);
	bool done = true;

	if (status != RACE_FOUND && (!ask->replay || status == RACE_BROKEN))
		return true;
	if (!text && !ask->svg && !ask->html)
		return true;
	if (!race_picture_make(picture, scenario, model)) {
		fprintf(stderr,
			"pagewalk-lab: the run was another one when it was repeated for its "
			"picture\n");
		return false;
	}
	if (status == RACE_FOUND) {
		race_decide(picture, DECIDE_RUNS);
		tell_counts("found", scenario->name, model, result, picture->counts,
			    sizeof(picture->counts));
	}
	race_picture_finish(picture, ask->command);
	if (text)
		race_picture_text(stdout, picture, picture_width(ask), ask->stacks);
	if (ask->svg)
		done = write_picture(ask->svg, picture, race_picture_svg);
	if (ask->html)
		done = write_picture(ask->html, picture, race_picture_html) && done;
	return done;
}

static void watch(void *picture)
{
	race_picture_watch(picture);
}

/* Is there a search to go on with? False after a message: the file is not of this search. */
static bool begin_resume(const struct pw_lab_scenario *scenario, enum pw_lab_model model,
			 const char *path, struct race_search *search)
{
	static struct race_resume resume;

	switch (race_resume_read(path, scenario, model, &resume)) {
	case RACE_RESUME_NEW:
		return true;
	case RACE_RESUME_READ:
		search->resume = &resume;
		search->schedule = resume.lane;
		search->scheduled = resume.count;
		return true;
	default:
		fprintf(stderr,
			"pagewalk-lab: %s is not a search of this scenario and model that was stopped: "
			"remove it, or give another file\n",
			path);
		return false;
	}
}

/* Keeps a search that has not finished, and removes the file of one that has. */
static void end_resume(const char *path, int status, const struct pw_lab_result *result)
{
	if (status == RACE_PROVED || status == RACE_FOUND)
		remove(path);
	else if (status == RACE_NOT_FINISHED && !race_resume_write(path, result))
		fprintf(stderr, "pagewalk-lab: the search cannot be kept in %s: %s\n", path,
			strerror(errno));
}

int race_run_scenario(const struct pw_lab_scenario *scenario, enum pw_lab_model model,
		      const struct race_ask *ask)
{
	static struct race_schedule schedule;
	static struct race_picture picture;
	struct race_search search = ask->search;
	struct pw_lab_result result;
	const char *verdict, *wrong;
	int status;

	if (ask->replay) {
		if (!race_schedule_read(ask->replay, &schedule, &wrong)) {
			fprintf(stderr,
				"pagewalk-lab: the schedule is wrong at '%s': it is a number, letters "
				"of threads with numbers of steps, and a check, as 9a3b17c15.5e1f\n",
				wrong);
			return RACE_BROKEN;
		}
		search.mode = RACE_REPLAY;
		search.schedule = schedule.lane;
		search.scheduled = schedule.count;
		search.words = schedule.words;
	}
	if (ask->resume && !begin_resume(scenario, model, ask->resume, &search))
		return RACE_BROKEN;
	search.progress = race_progress;
	race_progress_begin();
	status = race_search_scenario(scenario, model, &search, &result, watch, &picture);
	race_progress_end();
	if (ask->resume)
		end_resume(ask->resume, status, &result);
	if (ask->replay && status != RACE_BROKEN && schedule.check &&
	    race_steps_hash(schedule.count) != schedule.check) {
		fprintf(stderr,
			"pagewalk-lab: the schedule was made for other code, or another scenario: its "
			"steps are of other kinds here\n");
		return RACE_BROKEN;
	}
	if (!draw(&picture, scenario, model, ask, status, &result))
		status = RACE_BROKEN;
	race_picture_free(&picture);
	if (draws_to_stdout(ask))
		return status;
	verdict = verdict_of(status, &search);
	if (ask->json) {
		print_json(verdict, scenario->name, model, &result);
		return status;
	}
	if (status == RACE_BROKEN)
		fprintf(stderr, "pagewalk-lab: %s\n", result.sentence);
	if (ask->replay && status == RACE_NOT_FINISHED)
		printf("%s %s: the schedule ends without a finding\n", scenario->name,
		       race_model_name(model));
	else
		print_counts(verdict, scenario->name, model, &result);
	return status;
}
