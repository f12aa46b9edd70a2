/* SPDX-License-Identifier: MIT */
/* pagewalk find: every virtual address of a physical one, from an index that one scan builds. */
#include <stdlib.h>
#include <string.h>

#include "number.h"
#include "options.h"
#include "print.h"

enum { OPTION_ALIASES = 0x200 };

static const struct argp_option options[] = {
	{ NULL, 0, NULL, 0, "Aliases:", 3 },
	{ "aliases", OPTION_ALIASES, NULL, 0,
	  "Print all physical memory (of the given addresses, if any) that is mapped more than "
	  "once",
	  3 },
	{ 0 },
};

struct span {
	pw_pa first, last;
};

struct arguments {
	struct tool_options options;
	const char *source;
	struct span *spans;
	size_t count;
	bool aliases;
};

static error_t parse(int key, char *text, struct argp_state *state)
{
	struct arguments *arguments = state->input;
	struct span *span;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &arguments->options;
		return 0;
	case OPTION_ALIASES:
		arguments->aliases = true;
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num == 0) {
			arguments->source = text;
			return 0;
		}
		span = &arguments->spans[arguments->count++];
		tool_range(state, text, true, &span->first, &span->last);
		return 0;
	case ARGP_KEY_END:
		if (!arguments->source)
			argp_error(state, "give a SOURCE and a physical address");
		if (arguments->count == 0 && !arguments->aliases)
			argp_error(state, "give a physical address, or --aliases");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* ---- addresses ---- */

/* One address, where one was asked for. */
static void print_address(const struct pw_regime *regime, const struct pw_range *range)
{
	char page[PRINT_TEXT], flags[PRINT_TEXT], prot[5];

	printf("0x%0*llx -> 0x%016llx  %8s  %s%s\n", print_va_digits(regime),
	       (unsigned long long)range->first, (unsigned long long)range->pa,
	       print_page_size(range->size_lg2, page),
	       range->status == PW_OK ? pw_prot_string(range->attr, prot) : "prot-none",
	       print_flags(0, range->memtype, flags));
}

static int find(const struct arguments *arguments, const struct tool_input *input,
		const struct pw_index *index, const struct span *span, bool *head)
{
	struct pw_range *ranges;
	size_t count;

	if (pw_index_find(index, span->first, span->last, &ranges, &count))
		return tool_fail("out of memory");
	if (count == 0 && span->first == span->last)
		tool_message("nothing maps 0x%llx", (unsigned long long)span->first);
	else if (count == 0)
		tool_message("nothing maps 0x%llx-0x%llx", (unsigned long long)span->first,
			     (unsigned long long)span->last);
	for (size_t i = 0; i < count; i++) {
		if (arguments->options.json) {
			print_range_json(&input->regime, &ranges[i]);
			continue;
		}
		if (span->first == span->last && ranges[i].status != PW_SHARED) {
			print_address(&input->regime, &ranges[i]);
			continue;
		}
		if (*head)
			print_range_head(&input->regime);
		*head = false;
		print_range(&input->regime, &ranges[i]);
	}
	free(ranges);
	return count > 0 ? TOOL_DONE : TOOL_NOTHING;
}

static int find_all(const struct arguments *arguments, const struct tool_input *input,
		    const struct pw_index *index)
{
	int status = TOOL_DONE;
	bool head = true;

	for (size_t i = 0; i < arguments->count && status != TOOL_FAILED; i++) {
		int one = find(arguments, input, index, &arguments->spans[i], &head);

		status = one > status ? one : status;
	}
	return status;
}

/* ---- aliases ---- */

struct aliases {
	const struct arguments *arguments;
	const struct tool_input *input;
	bool any;
};

static void print_alias(const struct pw_regime *regime, pw_pa first, pw_pa last,
			const struct pw_range *ranges, size_t count)
{
	int digits = print_va_digits(regime);
	char length[PRINT_TEXT], page[PRINT_TEXT], prot[5];

	printf("0x%016llx-0x%016llx  %s, mapped %zu times\n", (unsigned long long)first,
	       (unsigned long long)last, print_size(last - first, length), count);
	for (size_t i = 0; i < count; i++)
		printf("    0x%0*llx-0x%0*llx  %8s  %s\n", digits,
		       (unsigned long long)ranges[i].first, digits,
		       (unsigned long long)ranges[i].last,
		       print_page_size(ranges[i].size_lg2, page),
		       ranges[i].status == PW_OK ? pw_prot_string(ranges[i].attr, prot)
						 : "prot-none");
}

static void print_alias_json(pw_pa first, pw_pa last, const struct pw_range *ranges, size_t count)
{
	char prot[5];

	printf("{\"pa\":\"0x%llx\"", (unsigned long long)first);
	print_json_length(first, last);
	printf(",\"mappings\":[");
	for (size_t i = 0; i < count; i++) {
		printf("%s{\"va\":\"0x%llx\",\"size\":%llu", i ? "," : "",
		       (unsigned long long)ranges[i].first, 1ull << ranges[i].size_lg2);
		if (ranges[i].status == PW_OK)
			printf(",\"prot\":\"%s\"}", pw_prot_string(ranges[i].attr, prot));
		else
			printf(",\"status\":\"prot-none\"}");
	}
	printf("]}\n");
}

static bool asked_for(const struct arguments *arguments, pw_pa first, pw_pa last)
{
	for (size_t i = 0; i < arguments->count; i++)
		if (first <= arguments->spans[i].last && last >= arguments->spans[i].first)
			return true;
	return arguments->count == 0;
}

static int take_alias(void *context, pw_pa first, pw_pa last, const struct pw_range *ranges,
		      size_t count)
{
	struct aliases *aliases = context;

	if (ferror(stdout) || __atomic_load_n(tool_stopped(), __ATOMIC_RELAXED))
		return 1;
	if (!asked_for(aliases->arguments, first, last))
		return 0;
	aliases->any = true;
	if (aliases->arguments->options.json)
		print_alias_json(first, last, ranges, count);
	else
		print_alias(&aliases->input->regime, first, last, ranges, count);
	return 0;
}

static int find_aliases(const struct arguments *arguments, const struct tool_input *input,
			const struct pw_index *index)
{
	struct aliases aliases = { .arguments = arguments, .input = input };

	if (pw_index_aliases(index, take_alias, &aliases) < 0)
		return tool_fail("out of memory");
	if (!aliases.any)
		tool_message("no physical memory there is mapped more than once");
	return aliases.any ? TOOL_DONE : TOOL_NOTHING;
}

/* ---- both ---- */

static int run(const struct arguments *arguments, const struct tool_input *input)
{
	/* Tables met again are answered for by where they were met before (PW_SHARED). */
	struct pw_scan_limits limits = { .repeats = 1 << 20 };
	struct tool_progress progress;
	struct pw_scan_state state;
	struct pw_index *index;
	struct pw_error error;
	struct pw_scan *scan;
	int status;

	tool_progress_start(&progress, false, &limits);
	if (pw_scan_create(input->memory, &input->regime, 0, UINT64_MAX, &limits, &scan, &error))
		return tool_fail("%s", error.text);
	status = pw_index_create(scan, &index, &error);
	tool_progress_end(&progress);
	pw_scan_state(scan, &state);
	pw_scan_destroy(scan);
	if (status)
		return tool_fail("%s", error.text);
	if (tool_check_memory(input)) {
		pw_index_destroy(index);
		return TOOL_FAILED;
	}
	status = arguments->aliases ? find_aliases(arguments, input, index)
				    : find_all(arguments, input, index);
	pw_index_destroy(index);
	if (tool_scan_stopped(state.stopped, state.next, "the answer") && status == TOOL_DONE)
		status = TOOL_NOTHING;
	return status;
}

static const char description[] =
	"Find every virtual address that maps a physical one (or any of a range)."
	"\v"
	"The whole address space is scanned once, however many addresses are asked for. Exit "
	"status: "
	"0 each of them is mapped, 1 one of them is not, 2 wrong usage or input.";

int tool_find(int argc, char **argv)
{
	static const struct argp_child children[] = { { &tool_walk_argp, 0, NULL, 0 }, { 0 } };
	static const struct argp argp = { options,     parse,    "SOURCE [PA[-LAST]...]",
					  description, children, NULL,
					  NULL };
	struct arguments arguments = { 0 };
	struct tool_input input;
	int status;

	arguments.spans = calloc((size_t)argc, sizeof(*arguments.spans));
	if (!arguments.spans)
		return tool_fail("out of memory");
	tool_parse(&argp, "find", argc, argv, &arguments.options, &arguments);
	status = tool_open(&arguments.options, arguments.source, true, &input);
	if (status == 0) {
		tool_catch_interrupts();
		status = run(&arguments, &input);
		tool_close(&input);
	}
	free(arguments.spans);
	return tool_finish(status);
}
