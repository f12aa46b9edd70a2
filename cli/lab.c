/* SPDX-License-Identifier: MIT */
/* pagewalk lab: `lab fold` compares folding strategies on one range; `lab linux` is a script of its own. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lab/fold/fold.h"
#include "laboratory.h"
#include "output.h"
#include "terminal.h"
#include "usage.h"

enum {
	OPTION_LEVELS = 0x200,
	OPTION_STRATEGY,
	OPTION_STYLE,
	OPTION_NEIGHBOUR,
	OPTION_WALK,
	OPTION_SOURCE,
	OPTION_ROWS,
	OPTION_SVG,
	OPTION_HTML,
	DEFAULT_ROWS = 16,
	LAB_BROKEN = 3, /* the exit status of `lab run' for wrong arguments; 2 means not finished */
};

static const struct argp_option options[] = {
	{ NULL, 0, NULL, 0, "What to compare, and on what:", 3 },
	{ "strategy", OPTION_STRATEGY, "LIST", 0,
	  "Some of a, b, c, d, e, with commas (default: all five); d2020 is d before its arm64 fix",
	  3 },
	{ "walk", OPTION_WALK, "KIND", 0,
	  "fast: get_user_pages_fast (default); pagewalk: mm/pagewalk.c", 3 },
	{ "levels", OPTION_LEVELS, "N", 0, "s390x: depth of the tables, 2 to 5", 3 },
	{ "style", OPTION_STYLE, "NAME", 0,
	  "How the kernel folds: static, mode, value, reindex. Default: the format's usual way",
	  3 },
	{ "neighbour", OPTION_NEIGHBOUR, "WHAT", 0,
	  "What stands beside a stack copy: entry (the caller's copy of the same entry; default) or "
	  "none",
	  3 },
	{ "source", OPTION_SOURCE, "SOURCE", 0,
	  "Walk the tables of an image instead of tables made for the purpose", 3 },
	{ "rows", OPTION_ROWS, "N", 0,
	  "List at most N turns and N pages of each strategy (default 16)", 3 },
	{ "svg", OPTION_SVG, "FILE", 0, "Also draw the strategies side by side into FILE", 3 },
	{ "html", OPTION_HTML, "FILE", 0,
	  "Also write FILE, a web page that steps through the walks", 3 },
	{ 0 },
};

struct arguments {
	struct tool_options options;
	const char *source, *style, *svg, *html;
	unsigned levels, rows;
	bool chosen[FOLD_STRATEGIES];
	enum fold_walk_kind walk;
	enum fold_neighbour neighbour;
	pw_va first, last;
	bool have_range;
};

static void parse_strategies(const struct argp_state *state, const char *text, bool *chosen)
{
	memset(chosen, 0, FOLD_STRATEGIES * sizeof(*chosen));
	while (*text) {
		size_t length = strcspn(text, ",");
		unsigned i = 0;

		for (; i < FOLD_STRATEGIES; i++) {
			const char *name = fold_strategy_name((enum fold_strategy)i);

			if (strlen(name) == length && strncmp(name, text, length) == 0)
				break;
		}
		if (i == FOLD_STRATEGIES)
			usage_error(
				state,
				"'%.*s' is not a strategy; the strategies are a, b, c, d, e and "
				"d2020: write a list like a,d",
				(int)length, text);
		chosen[i] = true;
		text += length;
		text += *text == ',';
	}
}

/* Returns which of two words the argument is. */
static bool parse_second(const struct argp_state *state, const char *option, const char *text,
			 const char *first, const char *second)
{
	if (strcmp(text, first) != 0 && strcmp(text, second) != 0)
		usage_error(state, "--%s is %s or %s, not '%s'", option, first, second, text);
	return strcmp(text, second) == 0;
}

static unsigned parse_small(const struct argp_state *state, const char *option, const char *text)
{
	uint64_t number = tool_number(state, text);

	if (number > 1000000)
		usage_error(state, "--%s %s is too large; give at most 1000000", option, text);
	return (unsigned)number;
}

static void parse_end(const struct arguments *arguments, const struct argp_state *state)
{
	if (!arguments->have_range)
		usage_error(state, "give a range FIRST-LAST of virtual addresses");
	if (!arguments->source && !arguments->options.format)
		usage_error(state,
			    "give --format NAME for tables made for the purpose, or --source "
			    "SOURCE for those of an image");
	if (!arguments->source && arguments->options.roots > 0)
		usage_error(state, "--root works only with --source: tables made for the purpose "
				   "have a root of their own");
	if (!arguments->source && arguments->options.pid != TOOL_PID_ANY)
		usage_error(state, "--pid works only with --source");
	if (arguments->svg && arguments->html && strcmp(arguments->svg, arguments->html) == 0)
		usage_error(state, "--svg and --html would write to the same file, '%s'",
			    arguments->svg);
	if (arguments->source && arguments->levels > 0)
		usage_error(state, "--levels does not work with --source: the root word says how "
				   "many levels there are; leave --levels out");
}

static error_t parse(int key, char *text, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &arguments->options;
		/* These are the kernel's own walks. */
		arguments->options.regime.view = PW_VIEW_LINUX;
		return 0;
	case OPTION_STRATEGY:
		parse_strategies(state, text, arguments->chosen);
		return 0;
	case OPTION_WALK:
		arguments->walk = parse_second(state, "walk", text, "fast", "pagewalk")
					  ? FOLD_PAGEWALK
					  : FOLD_FAST;
		return 0;
	case OPTION_NEIGHBOUR:
		arguments->neighbour = parse_second(state, "neighbour", text, "entry", "none")
					       ? FOLD_NEIGHBOUR_NONE
					       : FOLD_NEIGHBOUR_ENTRY;
		return 0;
	case OPTION_LEVELS:
		arguments->levels = parse_small(state, "levels", text);
		if (arguments->levels == 0)
			usage_error(state, "--levels 0: there is at least one level");
		return 0;
	case OPTION_ROWS:
		arguments->rows = parse_small(state, "rows", text);
		return 0;
	case OPTION_STYLE:
		arguments->style = text;
		return 0;
	case OPTION_SOURCE:
		arguments->source = text;
		return 0;
	case OPTION_SVG:
		arguments->svg = text;
		return 0;
	case OPTION_HTML:
		arguments->html = text;
		return 0;
	case ARGP_KEY_ARG:
		if (arguments->have_range)
			usage_error(state, "'%s' is one argument too many", text);
		tool_range(state, text, true, &arguments->first, &arguments->last);
		arguments->have_range = true;
		return 0;
	case ARGP_KEY_END:
		parse_end(arguments, state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int find_style(const struct arguments *arguments, const struct pw_format *format,
		      const struct fold_style **style_ret)
{
	struct pw_geometry geometry;

	pw_format_geometry(format, &geometry);
	*style_ret = fold_style_find(format, arguments->style);
	if (*style_ret)
		return 0;
	if (!fold_style_find(format, NULL))
		return tool_fail("%s has no levels that Linux folds, so there is nothing to "
				 "compare; choose another format",
				 geometry.name);
	return tool_fail("no kernel folds %s in the style '%s'; its usual one is '%s'",
			 geometry.name, arguments->style, fold_style_find(format, NULL)->name);
}

typedef int draw_fn(FILE *stream, const struct fold_input *input,
		    struct fold_result *const *results, size_t count);

static int draw(const struct tool_input *source, const struct fold_input *input,
		struct fold_result *const *results, size_t count, const char *path, draw_fn *fn)
{
	struct output output;
	int status = TOOL_DONE;

	if (output_open(&output, path, source))
		return TOOL_FAILED;
	/* Write errors are reported when the file is closed. */
	if (fn(output.stream, input, results, count) == -ENOMEM)
		status = tool_fail("no memory for a picture");
	return output_close(&output, status);
}

static int draw_all(const struct arguments *arguments, const struct tool_input *source,
		    const struct fold_input *input, struct fold_result *const *results,
		    size_t count)
{
	int status = 0;

	if (output_is_same(arguments->svg, arguments->html))
		return tool_fail("--svg and --html would write to the same file, %s",
				 arguments->svg);
	if (arguments->svg)
		status = draw(source, input, results, count, arguments->svg, fold_draw_svg);
	if (!status && arguments->html)
		status = draw(source, input, results, count, arguments->html, fold_draw_html);
	return status;
}

static void print_text(FILE *stream, unsigned width, const struct fold_input *input,
		       struct fold_result *const *results, size_t count, unsigned rows)
{
	fold_print_head(stream, input, results[0]);
	for (size_t i = 0; i < count; i++)
		fold_print(stream, width, input, results[i], rows);
	fold_print_summary(stream, width, input, results, count);
}

/* On a terminal, its lines take no more columns than there are. */
static void print_lines(const struct fold_input *input, struct fold_result *const *results,
			size_t count, unsigned rows)
{
	const struct terminal terminal = terminal_plain(false);
	char *text = NULL;
	size_t size;
	FILE *stream = terminal.width ? open_memstream(&text, &size) : NULL;

	print_text(stream ? stream : stdout, terminal.width, input, results, count, rows);
	if (stream && fclose(stream) == 0)
		terminal_lines(&terminal, text);
	free(text);
}

static void print(const struct arguments *arguments, const struct fold_input *input,
		  struct fold_result *const *results, size_t count, bool standard)
{
	/* A drawing on standard output must not be mixed with text. */
	if (standard)
		return;
	if (arguments->options.json) {
		for (size_t i = 0; i < count; i++)
			fold_print_json(stdout, input, results[i]);
		return;
	}
	print_lines(input, results, count, arguments->rows);
}

/* Walks by each chosen strategy, then prints the results. */
static int compare(const struct arguments *arguments, const struct tool_input *source,
		   struct fold_input *input)
{
	bool standard = output_is_standard(arguments->svg) || output_is_standard(arguments->html);
	struct fold_result *results[FOLD_STRATEGIES];
	struct pw_error error;
	size_t count = 0;
	int status = TOOL_DONE;

	input->walk = arguments->walk;
	input->neighbour = arguments->neighbour;
	for (unsigned i = 0; i < FOLD_STRATEGIES && status == TOOL_DONE; i++) {
		if (!arguments->chosen[i])
			continue;
		if (fold_run(input, (enum fold_strategy)i, &results[count], &error))
			status = tool_fail("%s", error.text);
		else
			count++;
	}
	if (status == TOOL_DONE && count > 0)
		status = draw_all(arguments, source, input, results, count);
	if (status == TOOL_DONE && count > 0)
		print(arguments, input, results, count, standard);
	for (size_t i = 0; i < count; i++)
		fold_result_destroy(results[i]);
	return status;
}

static int compare_made(const struct arguments *arguments)
{
	const struct pw_format *format = pw_format_find(arguments->options.format);
	const struct fold_style *style;
	struct fold_tables *tables;
	struct fold_input input = { 0 };
	struct pw_error error;
	int status;

	if (!format)
		return tool_fail("there is no format '%s'; `pagewalk formats' lists them all",
				 arguments->options.format);
	if (find_style(arguments, format, &style))
		return TOOL_FAILED;
	if (fold_tables_create(format, style, arguments->levels, &arguments->options.regime,
			       arguments->first, arguments->last, &tables, &error))
		return tool_fail("%s", error.text);
	fold_tables_input(tables, &input);
	status = compare(arguments, NULL, &input);
	fold_tables_destroy(tables);
	return status;
}

static int compare_image(const struct arguments *arguments)
{
	struct tool_input source;
	struct fold_input input = { 0 };
	struct fold_image image;
	struct pw_geometry geometry;
	pw_va offset;
	int status;

	if (tool_open(&arguments->options, arguments->source, true, &source))
		return TOOL_FAILED;
	pw_format_geometry(source.format, &geometry);
	offset = ((pw_va)1 << geometry.shift[0]) - 1;
	fold_image_init(&image, source.memory, &source.regime);
	input = (struct fold_input){
		.memory = source.memory,
		.format = source.format,
		.root = source.regime.root,
		.roots = source.regime.roots,
		.options = arguments->options.regime,
		.first = arguments->first & ~offset,
		.last = arguments->last | offset,
		.oracle = &image.oracle,
	};
	status = find_style(arguments, source.format, &input.style);
	if (!status)
		status = compare(arguments, &source, &input);
	if (!status)
		status = tool_check_memory(&source);
	tool_close(&source);
	return status;
}

static const char description[] =
	"Walk FIRST-LAST with five levels, as Linux does. Each strategy deals in its own way with "
	"levels that the machine does not have; all walk the same tables. Show the turns of each "
	"loop, the pages found beside the right ones, and where a pointer left its table."
	"\v"
	"Strategies: a, static ends and stack copies (the regression of 5.2); b, separate "
	"folded-end helpers; c, value-aware ends; d, pointer and value passed together (Linux "
	"adopted this); e, pagewalk's own walker. Tables made for the purpose map every page of the "
	"range, and every page to which a stale copy would lead. The view is Linux's unless --view says "
	"otherwise.\n\n"
	"pagewalk lab fold --format s390x --levels 3 0x1007ffff000-0x10080000fff\n"
	"pagewalk lab fold --format arm64_16k_47 0x123456788000\n\n"
	"FILE may be -, for standard output. "
	"Exit status: 0 done, whatever was found; 2 wrong usage or input.";

static int lab_fold(int argc, char **argv)
{
	static const struct argp_child children[] = { { &tool_walk_argp, 0, NULL, 0 }, { 0 } };
	static const struct argp argp = { options,  parse, "FIRST-LAST", description,
					  children, NULL,  NULL };
	struct arguments arguments = {
		.rows = DEFAULT_ROWS,
		.chosen = { [FOLD_A] = true,
			    [FOLD_B] = true,
			    [FOLD_C] = true,
			    [FOLD_D] = true,
			    [FOLD_E] = true },
	};

	tool_parse(&argp, "lab fold", argc, argv, &arguments.options, &arguments);
	return arguments.source ? compare_image(&arguments) : compare_made(&arguments);
}

static void print_help(FILE *stream)
{
	fprintf(stream,
		"Usage: pagewalk lab COMMAND [OPTION...]\n"
		"Laboratory: watch walks of page tables, and every interleaving of them.\n\n"
		"  fold   compare folding strategies on one range\n"
		"  list   the scenarios in which threads pin, walk and edit\n"
		"  run    run scenarios in every interleaving: proved, or the failing schedule\n"
		"  linux  every interleaving of Linux's own fast path, from a tree of it\n\n"
		"`pagewalk lab COMMAND --help' says more.\n");
}

static bool is_help(const char *word)
{
	return strcmp(word, "--help") == 0 || strcmp(word, "--usage") == 0 ||
	       strcmp(word, "-h") == 0 || strcmp(word, "-?") == 0 || strcmp(word, "help") == 0;
}

static int refuse_command(const char *name)
{
	static const char *const names[] = { "fold", "list", "run", "linux" };
	const char *nearest = tool_nearest(name, names, sizeof(names) / sizeof(names[0]));

	if (nearest)
		return tool_fail("there is no laboratory command '%s'; did you mean %s?", name,
				 nearest);
	return tool_fail("there is no laboratory command '%s'; `pagewalk lab --help' lists them",
			 name);
}

int tool_lab(int argc, char **argv)
{
	if (argc >= 2 && strcmp(argv[1], "fold") == 0)
		return tool_finish(lab_fold(argc - 1, argv + 1));
	if (argc >= 2 && strcmp(argv[1], "linux") == 0)
		return tool_laboratory("lab-linux", argv + 1);
	if (argc >= 2 && (strcmp(argv[1], "list") == 0 || strcmp(argv[1], "run") == 0))
		return tool_laboratory("pagewalk-lab", argv) ? LAB_BROKEN : TOOL_DONE;
	if (argc >= 2 && is_help(argv[1])) {
		print_help(stdout);
		return tool_finish(TOOL_DONE);
	}
	if (argc < 2) {
		print_help(stderr);
		return TOOL_FAILED;
	}
	return refuse_command(argv[1]);
}
