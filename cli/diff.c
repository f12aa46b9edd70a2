/* SPDX-License-Identifier: MIT */
/* pagewalk diff: what differs between the maps of two sources, or of two roots in one. */
#include "change.h"
#include "usage.h"

#include <stdlib.h>
#include <string.h>

#include "print.h"

enum { OPTION_OTHER_ROOT = 0x200 };

static const struct argp_option options[] = {
	{ NULL, 0, NULL, 0, "What to compare:", 3 },
	{ "other-root", OPTION_OTHER_ROOT, "WORD", 0,
	  "The root in B, or a second one in A if B is left out", 3 },
	{ 0 },
};

struct arguments {
	struct tool_options options;
	const char *source[2];
	unsigned sources;
	uint64_t other;
	bool has_other;
};

static error_t parse(int key, char *text, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &arguments->options;
		return 0;
	case OPTION_OTHER_ROOT:
		arguments->other = tool_number(state, text);
		arguments->has_other = true;
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num > 1)
			usage_error(state, "'%s' is one argument too many", text);
		arguments->source[state->arg_num] = text;
		arguments->sources = state->arg_num + 1;
		return 0;
	case ARGP_KEY_END:
		if (arguments->sources == 0 || (arguments->sources == 1 && !arguments->has_other))
			usage_error(state, "give two SOURCES, or one and --other-root WORD");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

struct printer {
	const struct pw_regime *regime;
	bool json;
	struct terminal terminal;
};

static void print(void *context, const struct change *change)
{
	const struct printer *printer = context;

	if (printer->json) {
		putchar('{');
		change_print_json(change);
		printf("}\n");
	} else {
		change_print(&printer->terminal, "", printer->regime, change);
	}
}

static int read_one(const struct tool_options *given, const char *source, struct tool_input *input,
		    struct map_list *list)
{
	int status = tool_open(given, source, true, input) ? TOOL_FAILED : TOOL_DONE;

	if (status)
		return status;
	status = change_read(input, 0, UINT64_MAX, list, NULL);
	/* Not 1, which says that nothing differs. */
	if (status == TOOL_NOTHING) {
		tool_message("stopped; nothing was compared");
		status = TOOL_FAILED;
	}
	if (status)
		tool_close(input);
	return status;
}

/* Leaves what formats have in common: an index into MAIR means nothing to x86, and few have a contiguous bit. */
static void keep_common(struct map_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		struct pw_range *range = &list->range[i];

		range->attr &= ~(uint32_t)PRINT_RANGE_FLAGS;
		if (range->memtype == PW_MEM_INDEXED || range->memtype >= PW_MEM_INDEX_0)
			range->memtype = PW_MEM_NORMAL;
	}
}

static size_t compare(const struct tool_input *a, struct map_list *before,
		      const struct tool_input *b, struct map_list *after, bool json)
{
	const struct pw_regime *wider = print_va_digits(&a->regime) > print_va_digits(&b->regime)
						? &a->regime
						: &b->regime;
	struct printer printer = { wider, json, terminal_plain(json) };
	struct pw_geometry one, other;

	pw_format_geometry(a->format, &one);
	pw_format_geometry(b->format, &other);
	if (strcmp(one.name, other.name) != 0) {
		tool_message("A is %s, and B is %s: pages are compared with their sizes, "
			     "permissions and known memory types, without bits that only one "
			     "format has",
			     one.name, other.name);
		keep_common(before);
		keep_common(after);
	}
	return change_find(before, after, print, &printer);
}

static const char description[] =
	"Print what differs between the maps of A and B: what is mapped in B only, in A only, "
	"elsewhere, with other permissions, or by pages of another size."
	"\v"
	"Exit status: 0 something differs, 1 nothing does, 2 wrong usage or input.";

int tool_diff(int argc, char **argv)
{
	static const struct argp_child children[] = { { &tool_walk_argp, 0, NULL, 0 }, { 0 } };
	static const struct argp argp = {
		options, parse, "A [B]", description, children, NULL, NULL
	};
	struct arguments arguments = { 0 };
	struct map_list before = { 0 }, after = { 0 };
	struct tool_options other;
	struct tool_input a, b;
	int status;

	tool_parse(&argp, "diff", argc, argv, &arguments.options, &arguments);
	tool_catch_interrupts();
	status = read_one(&arguments.options, arguments.source[0], &a, &before);
	if (status == TOOL_DONE) {
		other = arguments.options;
		if (arguments.has_other) {
			other.root[0] = arguments.other;
			other.roots = 1;
		}
		status = read_one(&other, arguments.source[arguments.sources - 1], &b, &after);
		if (status == TOOL_DONE) {
			if (compare(&a, &before, &b, &after, arguments.options.json) == 0) {
				tool_message("nothing differs");
				status = TOOL_NOTHING;
			}
			tool_close(&b);
		}
		tool_close(&a);
	}
	free(before.range);
	free(after.range);
	return tool_finish(status);
}
