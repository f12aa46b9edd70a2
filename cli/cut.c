/* SPDX-License-Identifier: MIT */
/* pagewalk cut: the page tables alone, as an ELF core to share or to keep as a test. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/escape.h"
#include "output.h"
#include "print.h"
#include "search.h"
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
		state->child_inputs[0] = state->child_inputs[1] = state->child_inputs[2] =
			&arguments->options;
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
		if (strcmp(arguments->output, "-") == 0 && arguments->options.json)
			usage_error(state, "standard output takes the image or --json, not both; "
					   "name a file to write");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* The source's own root is used unless spaces are given instead. */
static bool has_common_root(const struct arguments *arguments)
{
	return arguments->options.roots > 0 || arguments->options.name ||
	       arguments->options.pid != TOOL_PID_ANY || arguments->options.cpu >= 0 ||
	       arguments->space_count == 0;
}

/* Nothing goes to stdout before the image is complete: until then it is in a file of its own, which no signal leaves behind. */
static int cut_to_stdout(const struct pw_cut *what)
{
	char name[OUTPUT_NAME], buffer[65536];
	struct pw_error error;
	ssize_t n = 0;
	int status, file;

	if (isatty(STDOUT_FILENO))
		return tool_fail("an image is not for a terminal; send it to a file or a pipe");
	tool_hold_interrupts(true);
	file = output_temporary("the image", name);
	if (file < 0) {
		tool_hold_interrupts(false);
		return TOOL_FAILED;
	}
	status = pw_cut_write(what, name, NULL, &error);
	close(file);
	/* The image has replaced the file that was made. */
	file = status ? -1 : open(name, O_RDONLY | O_CLOEXEC);
	if (status == 0 && file < 0)
		snprintf(error.text, sizeof(error.text), "the image cannot be read back: %s",
			 strerror(errno));
	unlink(name);
	tool_hold_interrupts(false);
	if (file < 0)
		return tool_fail("%s", error.text);
	while ((n = read(file, buffer, sizeof(buffer))) > 0 &&
	       fwrite(buffer, 1, (size_t)n, stdout) == (size_t)n)
		;
	if (n < 0)
		tool_message("%s: %s", name, strerror(errno));
	close(file);
	return n < 0 ? TOOL_FAILED : TOOL_DONE;
}

/*
 * Which Linux the image is to tell: the user's, else the source's, whose banner the image will not have. False: not known.
 * Of a slow source, the banner is not searched for.
 */
static bool know_kernel(const struct arguments *arguments, const struct tool_input *input,
			struct pw_kernel *kernel)
{
	const struct pw_regime_options *decided = &input->regime_options;
	const unsigned asked = arguments->options.regime.kernel;

	if (!tool_find_kernel(input->memory, asked == 0, kernel) && asked == 0)
		return false;
	if (asked) {
		kernel->version = (uint16_t)asked;
		snprintf(kernel->release, sizeof(kernel->release), "%u.%u", asked >> 8,
			 asked & 255);
	}
	kernel->config = (uint8_t)((kernel->config & ~decided->config_told) | decided->config);
	kernel->config_told |= decided->config_told;
	kernel->encryption = decided->encryption ? decided->encryption : kernel->encryption;
	return true;
}

/* Writes the image of the address spaces that @spaces names, and says so. */
static int write_image(const struct arguments *arguments, const struct tool_input *input,
		       const struct pw_cut *spaces)
{
	struct pw_cut what = *spaces;
	struct pw_cut_result result;
	struct pw_kernel kernel;
	struct pw_error error;
	char size[PRINT_TEXT];

	if (know_kernel(arguments, input, &kernel))
		what.kernel = &kernel;
	what.memory = input->memory;
	what.ranges = (const pw_va(*)[2])arguments->ranges;
	what.range_count = arguments->range_count;
	what.cancel = tool_stop_flag();
	if (output_check(arguments->output, input))
		return TOOL_FAILED;
	if (strcmp(arguments->output, "-") == 0)
		return cut_to_stdout(&what);
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
	printf(",\"segments\":%zu,\"spaces\":%zu,\"status\":\"ok\"}\n", result.segments,
	       what.regime_count);
	return TOOL_DONE;
}

static int cut(const struct arguments *arguments, const struct tool_input *input,
	       struct pw_regime *regimes, const char **labels)
{
	struct pw_cut what = { .regimes = regimes, .labels = labels };

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
	return write_image(arguments, input, &what);
}

/* ---- --all ---- */

enum { LABEL_ROOM = WORD_LABEL_LENGTH + 1 };

/* "kernel", "3 /sbin/init" */
static void make_label(const struct search *found, size_t number, char label[LABEL_ROOM])
{
	const char *program = found->root[number].program;
	char name[24];

	search_name(found, number, name);
	snprintf(label, LABEL_ROOM, "%s%s%.12s", name, program[0] ? " " : "", program);
}

static int cut_found(const struct arguments *arguments, const struct tool_input *input,
		     const struct search *found)
{
	struct pw_regime *regimes = calloc(found->count + 1, sizeof(*regimes));
	const char **labels = calloc(found->count + 1, sizeof(*labels));
	char(*texts)[LABEL_ROOM] = calloc(found->count + 1, sizeof(*texts));
	struct pw_cut what = { .regimes = regimes, .labels = labels };
	int status = TOOL_DONE;

	if (!regimes || !labels || !texts)
		status = tool_fail("out of memory");
	for (size_t i = 0; i < found->count && status == TOOL_DONE; i++) {
		const struct pw_root *root = &found->root[i];

		make_label(found, i, texts[i]);
		labels[i] = texts[i];
		status = tool_regime(&input->regime_options, pw_format_find(root->format),
				     root->root, root->roots, NULL, &regimes[what.regime_count++]);
	}
	if (status == TOOL_DONE && found->count == 0)
		status = tool_fail("--all: no root was found in %s", input->source);
	if (status == TOOL_DONE)
		status = write_image(arguments, input, &what);
	free(regimes);
	free(labels);
	free(texts);
	return status;
}

static int cut_all(const struct arguments *arguments)
{
	struct tool_input input;
	struct search found;
	int status;

	if (arguments->space_count > 0 || arguments->options.roots > 0 || arguments->options.name ||
	    arguments->options.pid != TOOL_PID_ANY)
		return tool_fail("--all means every root: leave out --root and --space");
	if (tool_open_search(&arguments->options, arguments->source, &input))
		return TOOL_FAILED;
	tool_catch_interrupts();
	status = search_roots(input.memory, input.format, false, &input.regime_options,
			      arguments->options.jobs, &found);
	if (status == 0) {
		status = cut_found(arguments, &input, &found);
		free(found.root);
	}
	tool_close(&input);
	return status;
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
	static const struct argp_child children[] = { { &tool_walk_argp, 0, NULL, 0 },
						      { &tool_all_argp, 0, NULL, 0 },
						      { &tool_jobs_argp, 0, NULL, 0 },
						      { 0 } };
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
	if (arguments.options.all) {
		status = cut_all(&arguments);
		goto out;
	}
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
