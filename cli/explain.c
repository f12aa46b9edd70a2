/* SPDX-License-Identifier: MIT */
/* pagewalk explain: one walk, drawn as one would by hand. */
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include <pagewalk/view.h>

#include "number.h"
#include "output.h"
#include "remark.h"
#include "terminal.h"
#include "usage.h"

enum {
	OPTION_SVG = 0x200,
	OPTION_HTML,
	OPTION_WIDTH,
	OPTION_ASCII,
	OPTION_ROWS,

	WIDTH_MIN = 30,
	WIDTH_MAIL = 100, /* where output is not a terminal */
	WIDTH_MAX = 400,
};

static const struct argp_option options[] = {
	{ NULL, 0, NULL, 0, "Drawings:", 3 },
	{ "svg", OPTION_SVG, "FILE", 0, "Also draw the walk into FILE, as SVG", 3 },
	{ "html", OPTION_HTML, "FILE", 0, "Also write FILE, a web page that steps through the walk",
	  3 },
	{ "width", OPTION_WIDTH, "COLUMNS", 0,
	  "Columns of the text, 30 to 400 (default: as many as the terminal has, else 100)", 3 },
	{ "ascii", OPTION_ASCII, NULL, 0, "Draw with ASCII characters alone", 3 },
	{ "rows", OPTION_ROWS, "N", 0,
	  "For a range, show at most N different entries (default 200)", 3 },
	{ 0 },
};

struct arguments {
	struct tool_options options;
	struct terminal terminal;
	const char *source, *svg, *html;
	pw_va first, last;
	unsigned width, rows;
	bool has_address, ascii;
};

static unsigned parse_count(const struct argp_state *state, const char *text, const char *option,
			    unsigned least, unsigned most)
{
	uint64_t number = tool_number(state, text);

	if (number < least || number > most)
		usage_error(state, "--%s takes a number from %u to %u, not %s", option, least, most,
			    text);
	return (unsigned)number;
}

static error_t parse(int key, char *text, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &arguments->options;
		state->child_inputs[1] = &arguments->terminal;
		return 0;
	case OPTION_SVG:
		arguments->svg = text;
		return 0;
	case OPTION_HTML:
		arguments->html = text;
		return 0;
	case OPTION_WIDTH:
		arguments->width = parse_count(state, text, "width", WIDTH_MIN, WIDTH_MAX);
		return 0;
	case OPTION_ASCII:
		arguments->ascii = true;
		return 0;
	case OPTION_ROWS:
		arguments->rows = parse_count(state, text, "rows", 1, 10000);
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num == 0) {
			arguments->source = text;
		} else if (state->arg_num == 1) {
			tool_range(state, text, true, &arguments->first, &arguments->last);
			arguments->has_address = true;
		} else {
			usage_error(state, "'%s' is one argument too many", text);
		}
		return 0;
	case ARGP_KEY_END:
		if (!arguments->has_address)
			usage_error(state, "give a SOURCE, and an address or a range of addresses");
		if (arguments->svg && arguments->html &&
		    strcmp(arguments->svg, arguments->html) == 0)
			usage_error(state, "--svg and --html would write to the same file, '%s'",
				    arguments->svg);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* Chooses the width and the characters for standard output. */
static struct pw_text_style text_style(const struct arguments *arguments)
{
	const struct terminal *terminal = &arguments->terminal;
	struct pw_text_style style = { .width = WIDTH_MAIL, .colour = terminal->colour };

	if (terminal->width)
		style.width = terminal->width < WIDTH_MIN   ? (unsigned)WIDTH_MIN
			      : terminal->width > WIDTH_MAX ? (unsigned)WIDTH_MAX
							    : terminal->width;
	if (arguments->width)
		style.width = arguments->width;
	setlocale(LC_CTYPE, "");
	style.utf8 = !arguments->ascii && strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	return style;
}

typedef int draw_fn(const struct pw_picture *picture, FILE *stream);

static int draw_file(const struct tool_input *input, const struct pw_picture *picture,
		     const char *path, draw_fn *draw)
{
	struct output output;

	if (output_open(&output, path, input))
		return TOOL_FAILED;
	/* Write errors are reported when the file is closed. */
	draw(picture, output.stream);
	return output_close(&output, TOOL_DONE);
}

static int draw(const struct arguments *arguments, const struct tool_input *input,
		const struct pw_picture *picture)
{
	struct pw_text_style style = text_style(arguments);
	bool standard = output_is_standard(arguments->svg) || output_is_standard(arguments->html);

	if (output_is_same(arguments->svg, arguments->html))
		return tool_fail("--svg and --html would write to the same file, %s",
				 arguments->svg);
	if (arguments->svg && draw_file(input, picture, arguments->svg, pw_picture_svg))
		return TOOL_FAILED;
	if (arguments->html && draw_file(input, picture, arguments->html, pw_picture_html))
		return TOOL_FAILED;
	/* A drawing on standard output must not be mixed with text. */
	if (standard)
		return 0;
	if (arguments->options.json) {
		pw_picture_json(picture, stdout);
	} else {
		terminal_page(&arguments->terminal);
		pw_picture_text(picture, &style, stdout);
	}
	return 0;
}

/* The name of the source in a picture. People pass pictures on, so a file goes without its folders. */
static const char *source_name(const char *source)
{
	const char *slash = strrchr(source, '/');

	return slash && !strchr(source, ':') ? slash + 1 : source;
}

static const char description[] =
	"Explain a walk: how the bits of an address select an entry in each table, what the "
	"entries say, which levels are folded, and where the walk ends. For a range: where it is "
	"cropped, at which level the walk iterates, and every entry that it visits."
	"\v"
	"FILE may be -, for standard output. Words in capitals are the architecture's; words in "
	"small letters are Linux's use of bits that the hardware ignores. Exit status: 0 mapped (or "
	"part of the range is), 1 not mapped, 2 wrong usage or input.";

int tool_explain(int argc, char **argv)
{
	static const struct argp_child children[] = { { &tool_walk_argp, 0, NULL, 0 },
						      { &terminal_argp, 0, NULL, 0 },
						      { 0 } };
	static const struct argp argp = { options, parse, "SOURCE VA[-LAST]", description, children,
					  NULL,    NULL };
	struct arguments arguments = { 0 };
	struct pw_picture_options what = { 0 };
	struct pw_picture *picture;
	struct tool_input input;
	struct pw_error error;
	bool told = false;
	int status;

	tool_parse(&argp, "explain", argc, argv, &arguments.options, &arguments);
	terminal_look(&arguments.terminal, arguments.options.json);
	if (tool_open(&arguments.options, arguments.source, true, &input))
		return TOOL_FAILED;
	tool_catch_interrupts();
	remark_address(&input, arguments.first, &told);
	what.label = source_name(arguments.source);
	what.rows = arguments.rows;
	what.cancel = tool_stop_flag();
	if (pw_picture_create(input.memory, &input.regime, arguments.first, arguments.last, &what,
			      &picture, &error)) {
		tool_close(&input);
		return tool_fail("%s", error.text);
	}
	status = pw_picture_found(picture) && !tool_stopped() ? TOOL_DONE : TOOL_NOTHING;
	if (tool_check_memory(&input) || draw(&arguments, &input, picture))
		status = TOOL_FAILED;
	pw_picture_destroy(picture);
	tool_close(&input);
	return tool_finish(status);
}
