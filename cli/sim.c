/* SPDX-License-Identifier: MIT */
/* pagewalk sim: a script of mmap, touch, fork, pin, ... on address spaces of any format. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/folder.h"
#include "cli/sim/sim.h"
#include "output.h"
#include "places.h"
#include "terminal.h"
#include "tool.h"
#include "usage.h"

enum {
	OPTION_HTML = 0x300,
	OPTION_SVG,
	OPTION_STEP,
	OPTION_LIST,
	OPTION_VERBS,
	OPTION_PATH = 4096
};

static const struct argp_option options[] = {
	{ NULL, 0, NULL, 0, "What to show:", 1 },
	{ "html", OPTION_HTML, "FILE", 0,
	  "Also write a page that draws tables, VMAs and folios after each step, to step through",
	  1 },
	{ "svg", OPTION_SVG, "FILE", 0,
	  "Also draw what is there after the last step, or after --step", 1 },
	{ "step", OPTION_STEP, "N", 0, "The step that --svg draws, counted from 1", 1 },
	{ "list", OPTION_LIST, NULL, 0, "List the scripts that come with pagewalk", 1 },
	{ "verbs", OPTION_VERBS, NULL, 0, "List what a script can say", 1 },
	{ 0 },
};

struct arguments {
	struct tool_options options;
	const char *script, *html, *svg;
	uint64_t step;
	bool list, verbs;
};

static error_t parse(int key, char *text, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case OPTION_HTML:
		arguments->html = text;
		return 0;
	case OPTION_SVG:
		arguments->svg = text;
		return 0;
	case OPTION_STEP:
		arguments->step = tool_number(state, text);
		if (arguments->step == 0)
			usage_error(state, "--step counts from 1");
		return 0;
	case OPTION_LIST:
		arguments->list = true;
		return 0;
	case OPTION_VERBS:
		arguments->verbs = true;
		return 0;
	case ARGP_KEY_ARG:
		if (arguments->script)
			usage_error(state, "'%s' is one argument too many", text);
		arguments->script = text;
		return 0;
	case ARGP_KEY_END:
		if (!arguments->script && !arguments->list && !arguments->verbs)
			usage_error(
				state,
				"give a SCRIPT, or --list to see those that come with pagewalk");
		if (arguments->step && !arguments->svg)
			usage_error(state,
				    "--step says which step --svg draws: give --svg FILE, too");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "SCRIPT",
	.doc = "Run a script of mmap, touch, fork, pin, truncate, ... on address spaces of any format, and "
	       "say what happened.\vSCRIPT is a file (- is standard input), or the name of a script that "
	       "comes with pagewalk. An `expect' that is not met ends the run with status 1. "
	       "pagewalk-sim(5) has the language.",
};

/* ---- scripts that come with pagewalk ---- */

enum { FOLDERS = 2 };

/* The folders that may have them: that of an installation that was moved as a whole, or of a build; the installation's. */
static const char *folder_at(unsigned number, char beside[PW_FOLDER_PATH])
{
	static const char rest[] = "/../share/pagewalk/sim";

	if (number > 0 || !pw_own_folder(beside, PW_FOLDER_PATH - sizeof(rest)))
		return PW_SIM_DIR;
	return strcat(beside, rest);
}

/* Opens a shipped script. NULL: there is none. @path has room for OPTION_PATH. */
static FILE *open_shipped(const char *name, char *path)
{
	char beside[PW_FOLDER_PATH];

	if (strchr(name, '/'))
		return NULL;
	for (unsigned i = 0; i < FOLDERS; i++) {
		FILE *stream;

		snprintf(path, OPTION_PATH, "%s/%s.sim", folder_at(i, beside), name);
		stream = fopen(path, "r");
		if (stream)
			return stream;
	}
	return NULL;
}

static int compare(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_script(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');

	return dot && strcmp(dot, ".sim") == 0;
}

enum {
	NAME = 28, /* columns of a name and the blanks after it */
	NARROW = 60, /* columns in which a name and its sentence have no room beside each other */
	INDENT = 2, /* of a sentence below its name */
};

/* Prints a script's name, and its first comment. */
static void print_script(const struct terminal *terminal, const char *folder, const char *file)
{
	char path[OPTION_PATH], line[SIM_TEXT] = "";
	const int letters = (int)(strlen(file) - strlen(".sim"));
	const char *sentence;
	FILE *stream;

	snprintf(path, sizeof(path), "%s/%s", folder, file);
	stream = fopen(path, "r");
	if (stream) {
		if (!fgets(line, sizeof(line), stream))
			line[0] = '\0';
		fclose(stream);
	}
	line[strcspn(line, "\n")] = '\0';
	sentence = line[0] == '#' ? line + 1 + strspn(line + 1, " ") : "";
	if (terminal->width > 0 && terminal->width < NARROW) {
		printf("%.*s\n%*s", letters, file, INDENT, "");
		terminal_words(terminal, sentence, INDENT, INDENT);
	} else {
		printf("%-*.*s", NAME, letters, file);
		terminal_words(terminal, sentence, NAME, NAME);
	}
	putchar('\n');
}

static int list_scripts(void)
{
	const struct terminal terminal = terminal_plain(false);
	struct dirent **entry;
	char beside[PW_FOLDER_PATH];

	for (unsigned i = 0; i < FOLDERS; i++) {
		const char *folder = folder_at(i, beside);
		int count = scandir(folder, &entry, is_script, compare);

		if (count <= 0)
			continue;
		for (int n = 0; n < count; n++) {
			print_script(&terminal, folder, entry[n]->d_name);
			free(entry[n]);
		}
		free(entry);
		return tool_finish(TOOL_DONE);
	}
	return tool_fail("the scripts are not there: they should be in %s", PW_SIM_DIR);
}

static int list_verbs(void)
{
	puts("format NAME\nmemory|swap|movable|pool|groups LENGTH\nhuge always|madvise|never");
	for (unsigned i = 0; i < SIM_VERBS; i++)
		puts(sim_verbs[i].usage);
	return tool_finish(TOOL_DONE);
}

/* ---- the run ---- */

/* A step and an `expect` that follows it. False: it was not met. */
static bool expected(const struct sim_script *script, const struct sim_statement *s,
		     const struct sim_outcome *outcome)
{
	if (strcmp(s->text, outcome->word) == 0)
		return true;
	tool_message("%s: line %u, column %u: expected %s, but the step before gave %s: %s",
		     script->path, s->line, s->column, s->text, outcome->word, outcome->text);
	return false;
}

/* What is written beside the text. */
struct results {
	FILE *page; /* or NULL */
	const struct arguments *arguments;
	bool drawn;
	bool stopped; /* before the end of the script */
};

static int draw(struct results *results, const struct sim_run *run, const struct sim_state *state,
		unsigned number)
{
	struct output output;

	results->drawn = true;
	if (output_open(&output, results->arguments->svg, NULL))
		return TOOL_FAILED;
	sim_draw(output.stream, run, state, number, true);
	return output_close(&output, TOOL_DONE);
}

static int steps(struct sim_run *run, struct results *results)
{
	const struct sim_script *script = run->script;
	const struct arguments *arguments = results->arguments;
	struct sim_state *state = calloc(2, sizeof(*state));
	struct sim_outcome outcome = { 0 };
	unsigned number = 0, now = 0;
	int status = TOOL_DONE;

	if (!state)
		return tool_fail("no memory for the pictures");
	for (size_t i = 0; i < script->count && status == TOOL_DONE; i++) {
		const struct sim_statement *s = &script->statement[i];

		if (tool_stopped()) {
			tool_message(
				"%s: stopped before line %u; what it says from there on was not "
				"done",
				script->path, s->line);
			results->stopped = true;
			status = TOOL_NOTHING;
			break;
		}
		if (s->verb == SIM_EXPECT) {
			status = expected(script, s, &outcome) ? TOOL_DONE : TOOL_NOTHING;
			continue;
		}
		now = !now;
		number++;
		sim_do(run, s, &outcome);
		sim_look(run, &state[now]);
		if (results->page != stdout)
			sim_text_step(run, s, &outcome, &state[!now], &state[now]);
		if (results->page)
			sim_page_step(results->page, run, number, s, &outcome, &state[now]);
		if (arguments->svg && number == arguments->step)
			status = draw(results, run, &state[now], number);
	}
	if (status == TOOL_DONE && arguments->svg && !results->drawn && arguments->step == 0)
		status = draw(results, run, &state[now], number);
	free(state);
	if (status == TOOL_DONE && arguments->svg && !results->drawn)
		return tool_fail("the script has %u steps: --step %llu is not one of them", number,
				 (unsigned long long)arguments->step);
	return status;
}

/* Runs it with the page, if one is asked for. */
static int run_with_page(struct sim_run *run, const struct arguments *arguments)
{
	struct results results = { .arguments = arguments };
	struct output output;
	int status;

	if (!arguments->html)
		return steps(run, &results);
	if (output_open(&output, arguments->html, NULL))
		return TOOL_FAILED;
	results.page = output.stream;
	sim_page_begin(output.stream, run->script);
	status = steps(run, &results);
	sim_page_end(output.stream);
	/* A page of a script whose expectation was not met shows what happened instead. One that was stopped has no page. */
	if (results.stopped || status == TOOL_FAILED) {
		output_close(&output, TOOL_FAILED);
		return status;
	}
	return output_close(&output, TOOL_DONE) ? TOOL_FAILED : status;
}

static int run_script(const struct sim_script *script, const struct arguments *arguments)
{
	struct sim_run run;
	int status = sim_run_init(&run, script);

	if (status)
		return status;
	status = run_with_page(&run, arguments);
	sim_run_deinit(&run);
	return status;
}

/* Are the results not written over the script at @path, nor over each other? 0, or TOOL_FAILED after a message. */
static int check_outputs(const struct arguments *arguments, const char *path)
{
	const char *const output[] = { arguments->html, arguments->svg };

	/* Standard input may be a file, too. */
	if (strcmp(path, "-") == 0)
		path = "/dev/fd/0";
	for (unsigned i = 0; i < 2; i++)
		if (output[i] && output_is_same(path, output[i]))
			return tool_fail(
				"%s is the script, and is not overwritten: name another file to write",
				output[i]);
	if (output_is_same(arguments->svg, arguments->html))
		return tool_fail("--svg and --html would write to the same file, %s",
				 arguments->svg);
	return TOOL_DONE;
}

int tool_sim(int argc, char **argv)
{
	struct arguments arguments = { 0 };
	struct sim_script script;
	char path[OPTION_PATH];
	FILE *stream;
	int status;

	tool_parse(&argp, "sim", argc, argv, &arguments.options, &arguments);
	if (arguments.list)
		return list_scripts();
	if (arguments.verbs)
		return list_verbs();
	snprintf(path, sizeof(path), "%s", arguments.script);
	stream = strcmp(path, "-") == 0 ? stdin : fopen(arguments.script, "r");
	if (!stream && errno == ENOENT)
		stream = open_shipped(arguments.script, path);
	if (!stream)
		return tool_fail(
			"%s: %s; `pagewalk sim --list' shows the scripts that come with pagewalk",
			arguments.script, strerror(errno));
	script = (struct sim_script){ 0 };
	status = check_outputs(&arguments, path);
	/* A script that comes with pagewalk is known by its name, wherever it is. */
	if (status == TOOL_DONE)
		status = sim_parse(arguments.script, stream, &script);
	if (stream != stdin)
		fclose(stream);
	if (status == TOOL_DONE) {
		tool_catch_interrupts();
		status = run_script(&script, &arguments);
	}
	sim_script_free(&script);
	return tool_finish(status);
}
