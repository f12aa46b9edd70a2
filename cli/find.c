/* SPDX-License-Identifier: MIT */
/* pagewalk find: every virtual address of a physical one, or all memory that has several. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "number.h"
#include "options.h"
#include "print.h"
#include "row.h"
#include "usage.h"

enum {
	OPTION_ALIASES = 0x200,
	OPTION_LIMIT,
	DEFAULT_LIMIT = 20,
	DEFAULT_JSON_LIMIT = 1000,
	NARROW = 60, /* terminals that have no room for more than the addresses */
};

static const struct argp_option options[] = {
	{ NULL, 0, NULL, 0, "Aliases:", 3 },
	{ "aliases", OPTION_ALIASES, NULL, 0,
	  "Print all physical memory that is mapped more than once; if addresses are given, only "
	  "theirs",
	  3 },
	{ "limit", OPTION_LIMIT, "N", 0,
	  "For each run of such memory, print at most N mappings; 0 for all (default 20; with "
	  "--json, 1000)",
	  3 },
	{ 0 },
};

struct arguments {
	struct tool_options options;
	const char *source;
	pw_pa (*wanted)[2]; /* pairs, inclusive */
	size_t count;
	uint64_t limit;
	bool aliases, limited;
};

static error_t parse(int key, char *text, struct argp_state *state)
{
	struct arguments *arguments = state->input;
	pw_pa *wanted;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = state->child_inputs[1] = state->child_inputs[2] =
			&arguments->options;
		return 0;
	case OPTION_ALIASES:
		arguments->aliases = true;
		return 0;
	case OPTION_LIMIT:
		arguments->limit = tool_number(state, text);
		arguments->limited = true;
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num == 0) {
			arguments->source = text;
			return 0;
		}
		wanted = arguments->wanted[arguments->count++];
		tool_range(state, text, true, &wanted[0], &wanted[1]);
		return 0;
	case ARGP_KEY_END:
		if (!arguments->source)
			usage_error(state, "give a SOURCE and a physical address");
		if (arguments->count == 0 && !arguments->aliases)
			usage_error(state, "give a physical address, or --aliases");
		if (arguments->limited && !arguments->aliases)
			usage_error(state, "--limit works only with --aliases; give both");
		if (!arguments->limited)
			arguments->limit = arguments->options.json ? DEFAULT_JSON_LIMIT
								   : DEFAULT_LIMIT;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* ---- addresses ---- */

/* Prints one address, if the user asked for one and not for a range. */
static void print_address(const struct terminal *terminal, const struct pw_regime *regime,
			  const struct pw_range *range)
{
	char page[PRINT_TEXT], flags[PRINT_TEXT], prot[5];

	terminal_line(terminal, "0x%0*llx -> 0x%016llx  %8s  %s%s", print_va_digits(regime),
		      (unsigned long long)range->first, (unsigned long long)range->pa,
		      pw_size_lg2_text(range->size_lg2, page),
		      range->status == PW_OK ? pw_prot_string(range->attr, prot) : "prot-none",
		      print_flags(0, range->memtype, flags));
}

/* Answers to one of the addresses. */
struct answers {
	struct pw_range *ranges;
	size_t count, room, told;
};

struct finding {
	const struct arguments *arguments;
	const struct tool_input *input;
	struct answers *answers; /* one for each address */
	struct terminal terminal;
	bool headed; /* the head of a table of ranges was printed */
};

static void print_answer(struct finding *finding, size_t which, const struct pw_range *range)
{
	const pw_pa *wanted = finding->arguments->wanted[which];
	const struct pw_regime *regime = &finding->input->regime;

	if (finding->arguments->options.json) {
		print_range_json(regime, range, NULL);
		return;
	}
	if (wanted[0] == wanted[1] && range->status != PW_SHARED) {
		print_address(&finding->terminal, regime, range);
		return;
	}
	if (!finding->headed)
		row_head(&finding->terminal, regime);
	finding->headed = true;
	row_print(&finding->terminal, regime, range, 0);
}

static int remember(struct answers *answers, const struct pw_range *range)
{
	if (answers->count == answers->room) {
		size_t room = answers->room ? 2 * answers->room : 16;
		struct pw_range *ranges = reallocarray(answers->ranges, room, sizeof(*ranges));

		if (!ranges)
			return -ENOMEM;
		answers->ranges = ranges;
		answers->room = room;
	}
	answers->ranges[answers->count++] = *range;
	return 0;
}

/* Answers to the first address are printed at once; the other answers wait until these are complete. */
static int take(void *context, size_t which, const struct pw_range *range)
{
	struct finding *finding = context;

	if (ferror(stdout) || tool_stopped())
		return 1;
	if (which > 0)
		return remember(&finding->answers[which], range);
	finding->answers[which].told++;
	print_answer(finding, which, range);
	return 0;
}

/* Prints the remembered answers. Returns whether every address has one. */
static bool print_answers(struct finding *finding, bool complete)
{
	bool all = true;

	for (size_t i = 0; i < finding->arguments->count; i++) {
		struct answers *answers = &finding->answers[i];
		const pw_pa *wanted = finding->arguments->wanted[i];

		for (size_t n = 0; n < answers->count && !ferror(stdout) && !tool_stopped(); n++)
			print_answer(finding, i, &answers->ranges[n]);
		if (answers->count + answers->told > 0)
			continue;
		all = false;
		/* After an interrupted search we do not know which addresses are not mapped. */
		if (!complete)
			continue;
		if (wanted[0] == wanted[1])
			tool_message("nothing maps 0x%llx", (unsigned long long)wanted[0]);
		else
			tool_message("nothing maps 0x%llx-0x%llx", (unsigned long long)wanted[0],
				     (unsigned long long)wanted[1]);
	}
	return all;
}

static int find(const struct arguments *arguments, const struct tool_input *input,
		struct pw_scan *scan, struct tool_progress *progress)
{
	struct finding finding = { .arguments = arguments,
				   .input = input,
				   .terminal = terminal_plain(arguments->options.json) };
	struct pw_scan_state state;
	struct pw_error error;
	bool all = false;
	int status;

	finding.answers = calloc(arguments->count, sizeof(*finding.answers));
	if (!finding.answers)
		return tool_fail("out of memory");
	status = pw_find(scan, (const pw_pa(*)[2])arguments->wanted, arguments->count, take,
			 &finding, &error);
	tool_progress_end(progress);
	pw_scan_state(scan, &state);
	if (status == -ENOMEM)
		status = tool_fail("out of memory");
	else if (tool_check_memory(input))
		status = TOOL_FAILED;
	else
		all = print_answers(&finding, !state.stopped && !tool_stopped());
	for (size_t i = 0; i < arguments->count; i++)
		free(finding.answers[i].ranges);
	free(finding.answers);
	if (status < 0 || status == TOOL_FAILED)
		return TOOL_FAILED;
	if (tool_stopped() && !state.stopped)
		state.stopped = -ECANCELED;
	if (tool_scan_stopped(state.stopped, state.next, "the answer", NULL) || !all)
		return TOOL_NOTHING;
	return TOOL_DONE;
}

/* ---- aliases ---- */

struct aliases {
	const struct arguments *arguments;
	const struct tool_input *input;
	struct terminal terminal;
	struct tool_progress *progress;
	bool begun, shrunk, any;
};

static void print_alias(const struct terminal *terminal, const struct pw_regime *regime,
			const struct pw_alias *alias)
{
	const int indent = terminal->width && terminal->width < NARROW ? 2 : 4;
	int digits = print_va_digits(regime);
	char length[PRINT_TEXT], page[PRINT_TEXT], prot[5];

	terminal_line(terminal, "0x%016llx-0x%016llx  %s, mapped %zu times",
		      (unsigned long long)alias->first, (unsigned long long)alias->last,
		      pw_size_text(alias->last - alias->first, length), alias->count);
	for (size_t i = 0; i < alias->told; i++) {
		const struct pw_range *range = &alias->ranges[i];

		terminal_line(
			terminal, "%*s0x%0*llx-0x%0*llx  %8s  %s", indent, "", digits,
			(unsigned long long)range->first, digits, (unsigned long long)range->last,
			pw_size_lg2_text(range->size_lg2, page),
			range->status == PW_OK ? pw_prot_string(range->attr, prot) : "prot-none");
	}
	if (alias->told < alias->count)
		printf("    ... and %zu more (--limit N prints N)\n", alias->count - alias->told);
}

static void print_alias_json(const struct pw_alias *alias)
{
	printf("{\"pa\":\"0x%llx\"", (unsigned long long)alias->first);
	print_json_length(alias->first, alias->last);
	pw_json_number(stdout, "count", alias->count);
	printf(",\"mappings\":[");
	for (size_t i = 0; i < alias->told; i++) {
		const struct pw_range *range = &alias->ranges[i];

		printf("%s{\"va\":\"0x%llx\"", i ? "," : "", (unsigned long long)range->first);
		if (range->status == PW_OK)
			print_json_page(range->size_lg2, range->attr, range->memtype,
					PRINT_RANGE_FLAGS);
		else
			print_json_page_size(range->size_lg2);
		printf(",\"status\":\"%s\"}", pw_status_name((enum pw_status)range->status));
	}
	printf("],\"status\":\"ok\"}\n");
}

/* The scan is complete. False: do not trust it. */
static bool begin_aliases(struct aliases *aliases)
{
	if (!aliases->begun) {
		aliases->begun = true;
		tool_progress_end(aliases->progress);
		aliases->shrunk = tool_check_memory(aliases->input);
	}
	return !aliases->shrunk;
}

static int take_alias(void *context, const struct pw_alias *alias)
{
	struct aliases *aliases = context;

	if (!begin_aliases(aliases))
		return 1;
	if (ferror(stdout) || tool_stopped())
		return 1;
	aliases->any = true;
	if (aliases->arguments->options.json)
		print_alias_json(alias);
	else
		print_alias(&aliases->terminal, &aliases->input->regime, alias);
	return 0;
}

static int find_aliases(const struct arguments *arguments, const struct tool_input *input,
			struct pw_scan *scan, struct tool_progress *progress)
{
	struct aliases aliases = { .arguments = arguments,
				   .input = input,
				   .terminal = terminal_plain(arguments->options.json),
				   .progress = progress };
	struct pw_alias_options which = {
		.wanted = (const pw_pa(*)[2])arguments->wanted,
		.wanted_count = arguments->count,
		.most = arguments->limit < SIZE_MAX ? (size_t)arguments->limit : 0,
	};
	struct pw_scan_state state;
	int status = pw_scan_aliases(scan, &which, take_alias, &aliases);

	pw_scan_state(scan, &state);
	/* The memory may have been read again since. */
	if (aliases.begun && !aliases.shrunk)
		aliases.shrunk = tool_check_memory(input);
	if (!begin_aliases(&aliases) && status == 0)
		status = 1;
	if (tool_stopped() && !state.stopped)
		state.stopped = -ECANCELED;
	if (status == -ENOMEM)
		tool_message("out of memory for a list of all mappings; give physical addresses, "
			     "which needs little memory");
	if (status && !tool_stopped())
		return TOOL_FAILED;
	if (tool_scan_stopped(state.stopped, state.next, "the answer", NULL))
		return TOOL_NOTHING;
	if (!aliases.any)
		tool_message("no physical memory there is mapped more than once");
	return aliases.any ? TOOL_DONE : TOOL_NOTHING;
}

/* ---- both ---- */

static int run(void *context, const struct tool_input *input)
{
	const struct arguments *arguments = context;
	/* The scan does not walk a table again; it refers to the table's earlier use (PW_SHARED). */
	struct pw_scan_limits limits = { .repeats = 1 << 20, .threads = arguments->options.jobs };
	struct tool_progress progress;
	struct pw_error error;
	struct pw_scan *scan;
	int status;

	tool_progress_start(&progress, false, &limits);
	if (pw_scan_create(input->memory, &input->regime, 0, input->limit, &limits, &scan, &error))
		return tool_fail("%s", error.text);
	status = arguments->aliases ? find_aliases(arguments, input, scan, &progress)
				    : find(arguments, input, scan, &progress);
	pw_scan_destroy(scan);
	return status;
}

static const char description[] =
	"Find every virtual address that maps a physical address, or any address of a range."
	"\v"
	"The whole address space is scanned once, for any number of addresses. Exit status: 0 each "
	"of them is mapped, 1 at least one is not, 2 wrong usage or input.";

int tool_find(int argc, char **argv)
{
	static const struct argp_child children[] = { { &tool_walk_argp, 0, NULL, 0 },
						      { &tool_all_argp, 0, NULL, 0 },
						      { &tool_jobs_argp, 0, NULL, 0 },
						      { 0 } };
	static const struct argp argp = { options,     parse,    "SOURCE [PA[-LAST]...]",
					  description, children, NULL,
					  NULL };
	struct arguments arguments = { 0 };
	int status;

	arguments.wanted = calloc((size_t)argc, sizeof(*arguments.wanted));
	if (!arguments.wanted)
		return tool_fail("out of memory");
	tool_parse(&argp, "find", argc, argv, &arguments.options, &arguments);
	status = tool_each(&arguments.options, arguments.source, true, run, &arguments);
	free(arguments.wanted);
	return tool_finish(status);
}
