/* SPDX-License-Identifier: MIT */
/* pagewalk cut: the page tables alone, as an ELF core to share or to keep as a test. */
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "output.h"
#include "print.h"
#include "usage.h"
#include "word.h"

enum {
	OPTION_SPACE = 0x200,
	OPTION_RANGE,
	OPTION_LABEL,
};

static const struct argp_option options[] = {
	{ NULL, 0, NULL, 0, "What to keep:", 3 },
	{ "space", OPTION_SPACE, "[LABEL=]WORD[,WORD]", 0,
	  "One more address space, by its root or its two roots; may be repeated", 3 },
	{ "range", OPTION_RANGE, "FIRST-LAST", 0,
	  "Only tables that translate these addresses; may be repeated", 3 },
	{ "label", OPTION_LABEL, "TEXT", 0,
	  "The label of each address space without one in --space; `pagewalk info' prints it (up "
	  "to 39 characters)",
	  3 },
	{ 0 },
};

struct arguments {
	struct tool_options options;
	const char *source, *output, *label;
	struct word_space *spaces;
	size_t space_count;
	pw_va (*ranges)[2];
	size_t range_count;
};

static void check_label(const struct argp_state *state, const char *text)
{
	const char *wrong = word_check_label(text, strlen(text));

	if (wrong)
		usage_error(state, "the label %s", wrong);
}

static void parse_space(const struct argp_state *state, char *text, struct word_space *space)
{
	const char *wrong = word_parse_space(text, space);

	if (wrong)
		usage_error(state, "--space: '%s' %s", text, wrong);
	/* The library wants strings for labels. */
	if (space->label)
		text[space->label_length] = '\0';
}

static error_t parse(int key, char *text, struct argp_state *state)
{
	struct arguments *arguments = state->input;
	pw_va *range;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &arguments->options;
		return 0;
	case OPTION_SPACE:
		parse_space(state, text, &arguments->spaces[arguments->space_count++]);
		return 0;
	case OPTION_RANGE:
		range = arguments->ranges[arguments->range_count++];
		tool_range(state, text, true, &range[0], &range[1]);
		return 0;
	case OPTION_LABEL:
		check_label(state, text);
		arguments->label = text;
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num == 0)
			arguments->source = text;
		else if (state->arg_num == 1)
			arguments->output = text;
		else
			usage_error(state, "'%s' is one argument too many", text);
		return 0;
	case ARGP_KEY_END:
		if (!arguments->output)
			usage_error(state, "give a SOURCE and the name of the file to write");
		if (strcmp(arguments->output, "-") == 0)
			usage_error(state, "an image goes to a file, not to standard output; for a "
					   "file called -, write ./-");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* The source's own root is used unless spaces are given instead. */
static bool has_common_root(const struct arguments *arguments)
{
	return arguments->options.roots > 0 || arguments->options.cpu >= 0 ||
	       arguments->space_count == 0;
}

static int cut(const struct arguments *arguments, const struct tool_input *input,
	       struct pw_regime *regimes, const char **labels)
{
	struct pw_cut what = {
		.memory = input->memory,
		.regimes = regimes,
		.ranges = (const pw_va(*)[2])arguments->ranges,
		.range_count = arguments->range_count,
		.labels = labels,
		.cancel = tool_stop_flag(),
	};
	struct pw_cut_result result;
	struct pw_error error;
	char size[PRINT_TEXT];

	if (has_common_root(arguments)) {
		labels[0] = arguments->label;
		regimes[what.regime_count++] = input->regime;
	}
	for (size_t i = 0; i < arguments->space_count; i++) {
		const struct word_space *space = &arguments->spaces[i];

		labels[what.regime_count] = space->label ? space->label : arguments->label;
		if (tool_regime(&input->regime_options, input->format, space->root, space->roots,
				NULL, &regimes[what.regime_count++]))
			return TOOL_FAILED;
	}
	if (output_check(arguments->output, input))
		return TOOL_FAILED;
	tool_hold_interrupts(true);
	if (pw_cut_write(&what, arguments->output, &result, &error))
		return tool_fail("%s", error.text);
	if (!arguments->options.json) {
		pw_escape_print(stdout, arguments->output);
		printf(": %s of tables in %zu segments, %zu address space%s\n",
		       pw_size_text(result.bytes - 1, size), result.segments, what.regime_count,
		       what.regime_count == 1 ? "" : "s");
		return TOOL_DONE;
	}
	printf("{\"output\":");
	print_json_string(arguments->output);
	pw_json_number(stdout, "bytes", result.bytes);
	printf(",\"segments\":%zu,\"spaces\":%zu}\n", result.segments, what.regime_count);
	return TOOL_DONE;
}

static const char description[] =
	"Write an ELF core that holds the page tables alone. It has no byte of the pages, but every "
	"translation gives the same result as on SOURCE. It keeps the roots, so it needs neither "
	"--format nor --root."
	"\v"
	"An old file OUTPUT is replaced when the new one is complete. Exit status: 0 done, 2 wrong "
	"usage or input, or nothing to write.";

int tool_cut(int argc, char **argv)
{
	static const struct argp_child children[] = { { &tool_walk_argp, 0, NULL, 0 }, { 0 } };
	static const struct argp argp = { options, parse, "SOURCE OUTPUT", description, children,
					  NULL,    NULL };
	struct arguments arguments = { 0 };
	struct tool_input input;
	struct pw_regime *regimes = calloc((size_t)argc, sizeof(*regimes));
	const char **labels = calloc((size_t)argc, sizeof(*labels));
	int status = TOOL_FAILED;

	arguments.spaces = calloc((size_t)argc, sizeof(*arguments.spaces));
	arguments.ranges = calloc((size_t)argc, sizeof(*arguments.ranges));
	if (!regimes || !labels || !arguments.spaces || !arguments.ranges) {
		tool_message("out of memory");
		goto out;
	}
	tool_parse(&argp, "cut", argc, argv, &arguments.options, &arguments);
	if (tool_open(&arguments.options, arguments.source, has_common_root(&arguments), &input))
		goto out;
	tool_catch_interrupts();
	status = cut(&arguments, &input, regimes, labels);
	tool_close(&input);
out:
	free(regimes);
	free(labels);
	free(arguments.spaces);
	free(arguments.ranges);
	return tool_finish(status);
}
