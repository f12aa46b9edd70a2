/* SPDX-License-Identifier: MIT */
/* pagewalk-lab: what `pagewalk lab list` and `pagewalk lab run` call. */
#include <argp.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mutant.h"
#include "lab/race/options.h"
#include "lab/race/progress.h"
#include "lab/race/report.h"
#include "lab/race/scene/list.h"
#include "lab/race/scene/mutants.h"
#include "lab/race/scene/scene.h"

enum {
	OPTION_MUTANT = RACE_OPTION_OWN,
	OPTION_FORMAT,
	OPTION_SAMPLE,
	OPTION_ALL,
	OPTION_MUTANTS,
	FILES = 256,
	LARGEST = 64 << 10, /* bytes of a scenario */
	QUOTED = 4 * sizeof(((struct scene *)NULL)->path) + 3,
};

static const struct argp_option options[] = {
	{ "all", OPTION_ALL, NULL, 0,
	  "Run every installed scenario, each search up to its first finding, and print a table",
	  0 },
	{ "mutants", OPTION_MUTANTS, NULL, 0,
	  "Also run each scenario with each mutant that it names: something must be found", 0 },
	{ "mutant", OPTION_MUTANT, "NAME", 0, "Break this rule of the library", 0 },
	{ "format", OPTION_FORMAT, "NAME", 0, "Tables of this format, in place of the scenario's",
	  0 },
	{ "model", RACE_OPTION_MODEL, "MODEL", 0,
	  "sc: no reordering; tso: stores may be late; both (default); weak: loads may also be "
	  "early, with --sample",
	  0 },
	{ "replay", RACE_OPTION_REPLAY, "SCHEDULE", 0, "Run this one schedule, and show it", 0 },
	{ "resume", RACE_OPTION_RESUME, "FILE", 0,
	  "Go on with the search that was stopped and kept in FILE; keep it there if it is stopped",
	  0 },
	{ "sample", OPTION_SAMPLE, "N", 0, "N random runs in place of the search; proves nothing",
	  0 },
	{ "seed", RACE_OPTION_SEED, "N", 0, "With --sample: another N gives other runs", 0 },
	{ "jobs", RACE_OPTION_JOBS, "N", 0,
	  "Search with N processes; the number of runs may then differ", 0 },
	{ "bound", RACE_OPTION_BOUND, "N", 0,
	  "Every interleaving of at most N preemptions, without reduction; proves nothing", 0 },
	{ "seconds", RACE_OPTION_SECONDS, "N", 0, "Stop each search after N seconds", 0 },
	{ "runs", RACE_OPTION_RUNS, "N", 0, "Stop each search after N runs", 0 },
	{ "stacks", RACE_OPTION_STACKS, NULL, 0, "Show the call stack of each step of a finding",
	  0 },
	{ "svg", RACE_OPTION_SVG, "FILE", 0,
	  "Draw the last finding as SVG; - is the standard output", 0 },
	{ "html", RACE_OPTION_HTML, "FILE", 0,
	  "Write a page that steps through the last finding; - is the standard output", 0 },
	{ "json", RACE_OPTION_JSON, NULL, 0, "One JSON object for each search", 0 },
	{ 0 },
};

struct arguments {
	struct race_ask ask;
	bool all, mutants, list;
	bool wanted[RACE_MODELS];
	const char *mutant, *format;
	const char *file[FILES];
	unsigned files;
};

/*
 * The folder of installed scenarios: PAGEWALK_SCENARIOS; or that of the installation, which may have been moved as a
 * whole. A program in a build folder takes those of its sources, whatever is installed.
 */
static const char *folder(void)
{
	static char beside[512];
	const char *set = getenv("PAGEWALK_SCENARIOS");
	ssize_t length;

	if (set && *set)
		return set;
	length = readlink("/proc/self/exe", beside, sizeof(beside) - 64);
	if (length > 0) {
		beside[length] = '\0';
		*strrchr(beside, '/') = '\0';
		strcat(beside, "/../../share/pagewalk/scenarios");
		if (access(beside, R_OK) == 0)
			return beside;
	}
	return access(PW_SOURCE_SCENARIOS, R_OK) == 0 ? PW_SOURCE_SCENARIOS : PW_SCENARIO_DIR;
}

/* ---- arguments ---- */

static void check_words(struct arguments *arguments, struct argp_state *state)
{
	if (arguments->wanted[PW_LAB_WEAK] && arguments->ask.search.mode != RACE_RANDOM &&
	    !arguments->ask.replay)
		argp_error(state, "weak processors are sampled: give --sample N");
	if (arguments->mutant && scene_mutant(arguments->mutant) == PW_MUTANT_NONE)
		argp_error(state,
			   "no mutant is called '%s'; --mutants runs all that a scenario names",
			   arguments->mutant);
	if (arguments->format && (!pw_format_find(arguments->format) ||
				  !pw_format_can_edit(pw_format_find(arguments->format))))
		argp_error(state,
			   "'%s' is not a format whose tables can be built; 'pagewalk formats' "
			   "lists them",
			   arguments->format);
	if (arguments->ask.resume &&
	    (arguments->files != 1 || arguments->all || arguments->mutants ||
	     arguments->wanted[PW_LAB_SC] == arguments->wanted[PW_LAB_TSO] ||
	     arguments->ask.search.mode != RACE_SOURCE || arguments->ask.replay))
		argp_error(state, "--resume keeps one search: give one scenario, and --model sc or "
				  "--model tso");
	if (!arguments->files && !arguments->all && !arguments->list)
		argp_error(state,
			   "give a scenario by its name or file, or --all; 'pagewalk lab list' "
			   "lists them");
}

static error_t parse(int key, char *text, struct argp_state *state)
{
	struct arguments *arguments = state->input;
	struct race_search *search = &arguments->ask.search;

	switch (key) {
	case OPTION_SAMPLE:
		search->mode = RACE_RANDOM;
		search->limit = race_option_number(state, "sample", text);
		return 0;
	case OPTION_MUTANT:
		arguments->mutant = text;
		return 0;
	case OPTION_FORMAT:
		arguments->format = text;
		return 0;
	case OPTION_ALL:
		arguments->all = arguments->ask.brief = search->stop_at_finding = true;
		return 0;
	case OPTION_MUTANTS:
		arguments->mutants = true;
		return 0;
	case ARGP_KEY_ARG:
		if (arguments->files == FILES)
			argp_error(state, "too many scenarios: at most %d", FILES);
		arguments->file[arguments->files++] = text;
		return 0;
	case ARGP_KEY_END:
		check_words(arguments, state);
		return 0;
	default:
		return race_option(key, text, state, &arguments->ask, arguments->wanted);
	}
}

/* ---- scenarios in files ---- */

static bool read_file(const char *path, char *text, size_t size)
{
	FILE *file = fopen(path, "r");
	size_t length;

	if (!file) {
		fprintf(stderr, "pagewalk lab: %s: %s\n", path, strerror(errno));
		return false;
	}
	length = fread(text, 1, size - 1, file);
	if (ferror(file) || !feof(file) || memchr(text, '\0', length)) {
		fprintf(stderr, "pagewalk lab: %s is not a scenario: text of less than %d bytes\n",
			path, LARGEST);
		fclose(file);
		return false;
	}
	fclose(file);
	text[length] = '\0';
	return true;
}

/* Reads a scenario by its file, or by the name of an installed one. */
static bool load(const char *name, struct scene *scene)
{
	static char text[LARGEST];
	char path[512];
	const char *base;
	struct pw_error error;

	snprintf(path, sizeof(path), "%s", name);
	if (!strchr(name, '/') && access(path, F_OK) != 0) {
		snprintf(path, sizeof(path), "%s/%s.scene", folder(), name);
		if (access(path, F_OK) != 0) {
			fprintf(stderr,
				"pagewalk lab: there is no scenario '%s'; 'pagewalk lab list' lists "
				"those that are installed\n",
				name);
			return false;
		}
	}
	if (!read_file(path, text, sizeof(text)))
		return false;
	if (!scene_parse(scene, path, text, &error)) {
		fprintf(stderr, "%s\n", error.text);
		return false;
	}
	base = strrchr(path, '/');
	base = base ? base + 1 : path;
	snprintf(scene->name, sizeof(scene->name), "%.*s", (int)strcspn(base, "."), base);
	return true;
}

static int is_scene(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');

	return dot && strcmp(dot, ".scene") == 0;
}

/* Calls @what for each installed scenario, in the order of their names. Returns the worst status. */
static int for_all(int (*what)(const char *path, const struct arguments *arguments),
		   const struct arguments *arguments)
{
	struct dirent **list;
	int count = scandir(folder(), &list, is_scene, alphasort), worst = 0;

	if (count <= 0) {
		fprintf(stderr,
			"pagewalk lab: there are no scenarios in %s: set PAGEWALK_SCENARIOS to "
			"their folder\n",
			folder());
		return RACE_BROKEN;
	}
	for (int i = 0; i < count; i++) {
		char path[512];

		snprintf(path, sizeof(path), "%s/%s", folder(), list[i]->d_name);
		worst = race_worse(worst, what(path, arguments));
		free(list[i]);
	}
	free(list);
	return worst;
}

static int list_one(const char *path, const struct arguments *arguments)
{
	static struct scene scene;
	char sentence[sizeof(scene.about) + sizeof(scene.source) + 4];

	(void)arguments;
	if (!load(path, &scene))
		return RACE_BROKEN;
	snprintf(sentence, sizeof(sentence), "%s%s%s%s", scene.about, *scene.source ? " (" : "",
		 scene.source, *scene.source ? ")" : "");
	list_entry(scene.name, sentence, list_width());
	return 0;
}

/* The rules that scenarios do not break, and why: a file beside them. A folder of others need not have it. */
static void list_elsewhere(void)
{
	const unsigned width = list_width();
	char path[512], line[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/elsewhere.txt", folder());
	file = fopen(path, "r");
	if (!file)
		return;
	printf("\n");
	while (fgets(line, sizeof(line), file)) {
		const size_t name = strcspn(line, " \n");

		if (*line == '#') {
			list_words(line + strspn(line, "# "), width);
		} else if (width == 0 || line[name] == '\0') {
			fputs(line, stdout);
		} else {
			line[name] = '\0';
			list_entry(line, line + name + 1, width);
		}
	}
	fclose(file);
}

static int list(int argc, char **argv, const struct arguments *arguments)
{
	static const struct argp argp = { NULL, NULL, "",  "Lists the installed scenarios.",
					  NULL, NULL, NULL };
	int status;

	argv[0] = (char *)"pagewalk lab list";
	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	status = for_all(list_one, arguments);
	list_elsewhere();
	return race_flush(status);
}

/* ---- searches ---- */

static struct {
	unsigned proved, found, unfinished, wrong;
} total;

/* The scenario as an argument of a shell: the name of an installed one, or its file. */
static const char *argument_of(const struct scene *scene, char quoted[QUOTED])
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "_./-";
	const char *path = scene->path;
	const size_t length = strlen(folder());
	size_t at = 0;

	if (strncmp(path, folder(), length) == 0 && path[length] == '/')
		return scene->name;
	if (path[strspn(path, plain)] == '\0')
		return path;
	quoted[at++] = '\'';
	for (; *path; path++) {
		if (*path == '\'') {
			memcpy(quoted + at, "'\\'", 3);
			at += 3;
		}
		quoted[at++] = *path;
	}
	quoted[at++] = '\'';
	quoted[at] = '\0';
	return quoted;
}

/* One search, in a process of its own: what it leaves behind does not reach the next one. */
static int search_apart(const struct scene *scene, const char *format, enum pw_lab_model model,
			const char *mutant, const struct arguments *arguments)
{
	struct pw_lab_scenario scenario;
	struct race_ask ask = arguments->ask;
	char shown[SCENE_NAME * 3 + 8], quoted[QUOTED], command[SCENE_NAME * 2 + QUOTED + 64];
	int status;
	pid_t child;

	child = race_fork();
	if (child < 0) {
		fprintf(stderr, "pagewalk lab: no process for the search: %s\n", strerror(errno));
		return RACE_BROKEN;
	}
	if (child == 0) {
		world.scene = scene;
		world.format = pw_format_find(format);
		pw_mutant_chosen = mutant ? scene_mutant(mutant) : PW_MUTANT_NONE;
		scene_words_init();
		scene_scenario(scene, &scenario);
		snprintf(shown, sizeof(shown), "%s, %s%s%s", scene->name, format,
			 mutant ? ", without " : "", mutant ? mutant : "");
		scenario.name = shown;
		snprintf(command, sizeof(command), "pagewalk lab run %s --format %s%s%s",
			 argument_of(scene, quoted), format, mutant ? " --mutant " : "",
			 mutant ? mutant : "");
		ask.command = command;
		race_prepare(&scenario);
		_exit(race_flush(race_run_scenario(&scenario, model, &ask)));
	}
	if (!race_wait(child, &status))
		return RACE_BROKEN;
	return race_child_status(status, scene->name);
}

static void count(int status, bool wanted)
{
	total.proved += status == RACE_PROVED && wanted;
	total.found += status == RACE_FOUND && wanted;
	total.unfinished += status == RACE_NOT_FINISHED;
	total.wrong += status == RACE_BROKEN || (status != RACE_NOT_FINISHED && !wanted);
}

/* Searches one scenario under one model. With --all, an expected finding is a success. */
static int search(const struct scene *scene, const char *format, enum pw_lab_model model,
		  const char *mutant, bool finding, const struct arguments *arguments)
{
	int status;
	bool wanted;

	if (race_interrupted())
		return RACE_NOT_FINISHED;
	status = search_apart(scene, format, model, mutant, arguments);
	wanted = status == (finding ? RACE_FOUND : RACE_PROVED);
	if (!arguments->all)
		return status;
	count(status, wanted);
	if (status == RACE_NOT_FINISHED || status == RACE_BROKEN)
		return status;
	if (!wanted)
		fprintf(arguments->ask.json ? stderr : stdout,
			"  NOT as expected: something should %sbe found\n", finding ? "" : "not ");
	return wanted ? RACE_PROVED : RACE_FOUND;
}

static int search_models(const struct scene *scene, const char *format, const char *mutant,
			 bool finding, bool tso_only, const struct arguments *arguments)
{
	int worst = 0;

	for (int model = PW_LAB_SC; model <= PW_LAB_WEAK; model++) {
		bool here = finding && (!tso_only || model == PW_LAB_TSO);

		if (!arguments->wanted[model])
			continue;
		worst = race_worse(worst, search(scene, format, (enum pw_lab_model)model, mutant,
						 here, arguments));
	}
	return worst;
}

static int run_one(const char *name, const struct arguments *arguments)
{
	static struct scene scene;
	int worst = 0;

	if (!load(name, &scene)) {
		total.wrong++;
		return RACE_BROKEN;
	}
	for (unsigned i = 0; i < scene.formats; i++) {
		const char *format = arguments->format ? arguments->format : scene.format[i];

		worst = race_worse(worst, search_models(&scene, format, arguments->mutant,
							arguments->mutant || scene.expect_finding,
							scene.expect_tso_only, arguments));
		for (unsigned m = 0; arguments->mutants && m < scene.mutants; m++)
			worst = race_worse(worst,
					   search_models(&scene, format, scene.mutant[m].name, true,
							 scene.mutant[m].tso_only, arguments));
		if (arguments->format || !arguments->all)
			break;
	}
	return worst;
}

static void print_total(const struct arguments *arguments)
{
	if (arguments->ask.json) {
		printf("{\"proved\": %u, \"found\": %u, \"unfinished\": %u, \"unexpected\": %u}\n",
		       total.proved, total.found, total.unfinished, total.wrong);
		return;
	}
	printf("%u proved, %u found, %u not finished", total.proved, total.found, total.unfinished);
	printf(total.wrong ? ", %u not as expected\n" : "\n", total.wrong);
}

static const char explanation[] =
	"Runs a scenario of page tables, pins and editors under every interleaving.\v"
	"A scenario is the name of an installed one, or a file; pagewalk-lab(5) describes the language.\n\n"
	"Exit status: 0 proved, 1 something was found, 2 a search did not finish, 3 wrong arguments, a "
	"wrong scenario, or results that cannot be written. With --all: 0 everything came out as the scenarios expect, 1 something did not.";

int main(int argc, char **argv)
{
	static const struct argp argp = { options, parse, "[SCENARIO...]", explanation, NULL,
					  NULL,    NULL };
	struct arguments arguments = { .ask.search.mode = RACE_SOURCE,
				       .wanted = { [PW_LAB_SC] = true, [PW_LAB_TSO] = true } };
	int worst = 0;

	race_hold_streams();
	if (!race_can_show(argc, argv))
		return RACE_BROKEN;
	argp_err_exit_status = RACE_BROKEN;
	if (argc > 1 && strcmp(argv[1], "list") == 0)
		return list(argc - 1, argv + 1, &arguments);
	if (argc > 1 && strcmp(argv[1], "run") == 0) {
		argv[1] = (char *)"pagewalk lab run";
		argc--;
		argv++;
	}
	argp_parse(&argp, argc, argv, 0, NULL, &arguments);
	race_watch_interrupts();
	if (arguments.all)
		worst = for_all(run_one, &arguments);
	for (unsigned i = 0; i < arguments.files; i++)
		worst = race_worse(worst, run_one(arguments.file[i], &arguments));
	if (arguments.all)
		print_total(&arguments);
	if (race_interrupted())
		fprintf(stderr,
			"pagewalk lab: interrupted: searches that had not begun are left out\n");
	return race_flush(worst);
}
