/* SPDX-License-Identifier: MIT */
/* pagewalk check: what looks wrong in an address space. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "options.h"
#include "print.h"
#include "row.h"
#include "usage.h"

enum { OPTION_LIMIT = 0x200, DEFAULT_LIMIT = 20 };

static const struct argp_option options[] = {
	{ NULL, 0, NULL, 0, "How much to print:", 3 },
	{ "limit", OPTION_LIMIT, "N", 0,
	  "Print at most N findings of each kind; 0 for all (default 20; with --json, all)", 3 },
	{ 0 },
};

struct arguments {
	struct tool_options options;
	const char *source;
	pw_va first, last;
	uint64_t limit;
	bool limited; /* the limit was given */
};

/* Findings of one kind: how many, and the first of them. */
struct group {
	uint64_t count, bytes;
	struct pw_finding *kept;
	size_t kept_count, room;
};

struct report {
	const struct arguments *arguments;
	const struct tool_input *input;
	struct terminal terminal;
	struct group groups[PW_FINDING_KINDS];
};

static error_t parse(int key, char *text, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = state->child_inputs[1] = state->child_inputs[2] =
			&arguments->options;
		return 0;
	case OPTION_LIMIT:
		arguments->limit = tool_number(state, text);
		arguments->limited = true;
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num == 0)
			arguments->source = text;
		else if (state->arg_num == 1)
			tool_range(state, text, false, &arguments->first, &arguments->last);
		else
			usage_error(state, "'%s' is one argument too many", text);
		return 0;
	case ARGP_KEY_END:
		if (!arguments->source)
			usage_error(state, "give a SOURCE");
		if (!arguments->limited)
			arguments->limit = arguments->options.json ? 0 : DEFAULT_LIMIT;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* ---- JSON: at once ---- */

static const char *json_key(enum pw_finding_kind kind)
{
	return pw_finding_is_note(kind) ? "note" : "finding";
}

/* What stands behind the addresses of a finding; a table that is met again is like a range that `map' prints once. */
static const char *json_status(enum pw_finding_kind kind)
{
	static const enum pw_status statuses[PW_FINDING_KINDS] = {
		[PW_FINDING_WRITABLE_EXECUTABLE] = PW_OK,
		[PW_FINDING_MALFORMED] = PW_MALFORMED,
		[PW_FINDING_GROUP] = PW_OK,
		[PW_FINDING_OUTSIDE] = PW_OUTSIDE,
		[PW_FINDING_SHARED] = PW_SHARED,
		[PW_FINDING_LEVELS] = PW_SHARED,
		[PW_FINDING_CYCLIC] = PW_SHARED,
	};

	return pw_status_name(statuses[kind]);
}

static void print_json_leaf(const struct pw_range *range)
{
	printf(",\"pa\":\"0x%llx\"", (unsigned long long)range->pa);
	print_json_page(range->size_lg2, range->attr, range->memtype, PRINT_RANGE_FLAGS);
}

static void print_json(const struct pw_format *format, const struct pw_finding *finding)
{
	const struct pw_range *range = &finding->range;

	printf("{\"%s\":\"%s\",\"va\":\"0x%llx\"", json_key(finding->kind),
	       pw_finding_name(finding->kind), (unsigned long long)range->first);
	print_json_length(range->first, range->last);
	printf(",\"status\":\"%s\"", json_status(finding->kind));
	if (finding->kind == PW_FINDING_WRITABLE_EXECUTABLE || finding->kind == PW_FINDING_GROUP)
		print_json_leaf(range);
	if (finding->kind == PW_FINDING_WRITABLE_EXECUTABLE)
		printf("}\n");
	else if (finding->kind < PW_FINDING_OUTSIDE)
		printf(",\"level\":\"%s\",\"entry\":\"0x%llx\"}\n",
		       pw_level_name(format, range->level), (unsigned long long)range->entry);
	else
		printf(",\"table\":\"0x%llx\",\"level\":\"%s\",\"entry\":\"0x%llx\"",
		       (unsigned long long)finding->table, pw_level_name(format, finding->level),
		       (unsigned long long)finding->entry);
	if (finding->kind == PW_FINDING_OUTSIDE)
		printf("}\n");
	else if (finding->kind > PW_FINDING_OUTSIDE)
		printf(",\"other_va\":\"0x%llx\",\"other_level\":\"%s\"}\n",
		       (unsigned long long)finding->other,
		       pw_level_name(format, finding->other_level));
}

static void print_json_more(enum pw_finding_kind kind, uint64_t count)
{
	printf("{\"%s\":\"%s\"", json_key(kind), pw_finding_name(kind));
	pw_json_number(stdout, "more", count);
	printf(",\"status\":\"%s\"}\n", json_status(kind));
}

/* ---- text: at the end, by kind ---- */

static const char *title(enum pw_finding_kind kind)
{
	static const char *const titles[PW_FINDING_KINDS] = {
		[PW_FINDING_WRITABLE_EXECUTABLE] = "writable and executable",
		[PW_FINDING_MALFORMED] = "malformed entries (reserved bits, or of the wrong type)",
		[PW_FINDING_GROUP] = "groups of entries that disagree about their larger page",
		[PW_FINDING_OUTSIDE] = "tables outside the memory that we have",
		[PW_FINDING_SHARED] = "tables that are used more than once",
		[PW_FINDING_LEVELS] = "tables that are used at two levels",
		[PW_FINDING_CYCLIC] = "cyclic tables, which can be reached from themselves",
	};

	return titles[kind];
}

/* What else is known of a table: its other place. */
static void place_text(const struct pw_format *format, int digits, const struct pw_finding *finding,
		       char text[PRINT_TEXT])
{
	const char *name = pw_level_name(format, finding->other_level);

	text[0] = '\0';
	if (finding->kind == PW_FINDING_SHARED)
		snprintf(text, PRINT_TEXT, ", the same as at 0x%0*llx", digits,
			 (unsigned long long)finding->other);
	else if (finding->kind == PW_FINDING_LEVELS)
		snprintf(text, PRINT_TEXT, ", which is the %s table at 0x%0*llx", name, digits,
			 (unsigned long long)finding->other);
	else if (finding->kind == PW_FINDING_CYCLIC)
		snprintf(text, PRINT_TEXT, ", which is also the %s table above it", name);
}

static void print_table(const struct report *report, const struct pw_finding *finding)
{
	const struct pw_regime *regime = &report->input->regime;
	char place[PRINT_TEXT], entry[40] = "";
	int digits = print_va_digits(regime);

	place_text(regime->format, digits, finding, place);
	if (finding->entry)
		snprintf(entry, sizeof(entry), " (entry 0x%llx)",
			 (unsigned long long)finding->entry);
	terminal_line(&report->terminal, "  0x%0*llx-0x%0*llx  %s table at 0x%llx%s%s", digits,
		      (unsigned long long)finding->range.first, digits,
		      (unsigned long long)finding->range.last,
		      pw_level_name(regime->format, finding->level),
		      (unsigned long long)finding->table, place, entry);
}

static void print_finding(const struct report *report, const struct pw_finding *finding)
{
	if (finding->kind < PW_FINDING_OUTSIDE)
		row_print(&report->terminal, &report->input->regime, &finding->range, 2);
	else
		print_table(report, finding);
}

static void print_group(const struct report *report, enum pw_finding_kind kind)
{
	const struct group *group = &report->groups[kind];
	char size[PW_SIZE_TEXT], bytes[PW_SIZE_TEXT + 16] = "";

	if (kind == PW_FINDING_WRITABLE_EXECUTABLE)
		snprintf(bytes, sizeof(bytes), " range%s, %s", group->count == 1 ? "" : "s",
			 pw_size_text(group->bytes - 1, size));
	terminal_line(&report->terminal, "%s%s: %llu%s", pw_finding_is_note(kind) ? "note: " : "",
		      title(kind), (unsigned long long)group->count, bytes);
	for (size_t i = 0; i < group->kept_count && !tool_stopped(); i++)
		print_finding(report, &group->kept[i]);
	if (group->count > group->kept_count)
		printf("  ... and %llu more\n",
		       (unsigned long long)(group->count - group->kept_count));
}

/* ---- both ---- */

static int remember(struct group *group, const struct pw_finding *finding)
{
	if (group->kept_count == group->room) {
		size_t room = group->room ? 2 * group->room : 16;
		struct pw_finding *kept = reallocarray(group->kept, room, sizeof(*kept));

		if (!kept)
			return -ENOMEM;
		group->kept = kept;
		group->room = room;
	}
	group->kept[group->kept_count++] = *finding;
	return 0;
}

static int take(void *context, const struct pw_finding *finding)
{
	struct report *report = context;
	struct group *group = &report->groups[finding->kind];
	uint64_t limit = report->arguments->limit;

	if (ferror(stdout))
		return 1;
	group->count++;
	group->bytes += finding->range.last - finding->range.first + 1;
	if (limit > 0 && group->count > limit)
		return 0;
	if (!report->arguments->options.json)
		return remember(group, finding);
	group->kept_count++;
	print_json(report->input->format, finding);
	return 0;
}

/* Prints the groups that are notes, or the others. Returns whether there are any. */
static bool print_groups(const struct report *report, bool notes)
{
	bool any = false;

	for (enum pw_finding_kind kind = 0; kind < PW_FINDING_KINDS; kind++) {
		const struct group *group = &report->groups[kind];

		if (group->count == 0 || pw_finding_is_note(kind) != notes)
			continue;
		any = true;
		if (!report->arguments->options.json)
			print_group(report, kind);
		else if (group->count > group->kept_count)
			print_json_more(kind, group->count - group->kept_count);
	}
	return any;
}

static int check(void *context, const struct tool_input *input)
{
	const struct arguments *arguments = context;
	struct report report = { .arguments = arguments,
				 .input = input,
				 .terminal = terminal_plain(arguments->options.json) };
	struct pw_scan_limits limits = { 0 };
	struct tool_progress progress;
	struct pw_error error = { "" };
	int status;
	bool any;

	if (arguments->first > input->limit)
		return TOOL_DONE;
	tool_progress_start(&progress, arguments->options.json, &limits);
	status = pw_check(input->memory, &input->regime, arguments->first,
			  arguments->last < input->limit ? arguments->last : input->limit, &limits,
			  take, &report, &error);
	tool_progress_end(&progress);
	any = print_groups(&report, false);
	if (!any && status == 0 && !arguments->options.json)
		printf("nothing looks wrong\n");
	print_groups(&report, true);
	for (unsigned kind = 0; kind < PW_FINDING_KINDS; kind++)
		free(report.groups[kind].kept);
	if (status == -ECANCELED || status == -E2BIG) {
		tool_message("%s; the check is not complete%s", error.text,
			     status == -E2BIG ? ": so many are probably not page tables. Are the "
						"format and the root right?"
					      : "");
		return TOOL_NOTHING;
	}
	if (status < 0)
		return tool_fail("%s", error.text[0] ? error.text : strerror(-status));
	return any ? TOOL_NOTHING : TOOL_DONE;
}

static const char description[] =
	"Look for what is wrong or dangerous: memory that is writable and executable, malformed "
	"entries, entries of a group that disagree, tables outside the memory, and tables that are "
	"cyclic or used at two levels. Notes say which tables are used more than once."
	"\v"
	"Each table is read once, even if it is used often. Exit status: 0 check found nothing, or "
	"only notes; 1 it found something; 2 wrong usage or input.";

int tool_check(int argc, char **argv)
{
	static const struct argp_child children[] = { { &tool_walk_argp, 0, NULL, 0 },
						      { &tool_all_argp, 0, NULL, 0 },
						      { &tool_jobs_argp, 0, NULL, 0 },
						      { 0 } };
	static const struct argp argp = { options,     parse,    "SOURCE [FIRST-LAST]",
					  description, children, NULL,
					  NULL };
	struct arguments arguments = { .last = UINT64_MAX };

	tool_parse(&argp, "check", argc, argv, &arguments.options, &arguments);
	return tool_finish(
		tool_each(&arguments.options, arguments.source, false, check, &arguments));
}
