/* SPDX-License-Identifier: MIT */
/*
 * pagewalk map: prints the address map as merged ranges, each as soon as it is found. So memory use does
 * not grow with the map, and output begins at once.
 */
#include "lines.h"
#include "options.h"
#include "print.h"
#include "region.h"
#include "remark.h"
#include "row.h"
#include "summary.h"
#include "usage.h"

enum {
	OPTION_WRITABLE = 0x200,
	OPTION_READ_ONLY,
	OPTION_EXECUTABLE,
	OPTION_WX,
	OPTION_USER,
	OPTION_KERNEL_ONLY,
	OPTION_HUGE,
	OPTION_UNCACHED,
	OPTION_HOLES,
	OPTION_EXPAND,
	OPTION_SUMMARY,
	OPTION_REGIONS,
	MANY = 4096, /* lines, before threads are worth their start */
	/* Further uses of a table are one line: Linux on x86-64 has one 2000 times, for ESPFIX. */
	USES = 2,
};

static const struct argp_option options[] = {
	{ NULL, 0, NULL, 0, "Only ranges that are (a range must pass all filters):", 3 },
	{ "writable", OPTION_WRITABLE, NULL, 0, "writable", 3 },
	{ "read-only", OPTION_READ_ONLY, NULL, 0, "not writable", 3 },
	{ "executable", OPTION_EXECUTABLE, NULL, 0, "executable", 3 },
	{ "wx", OPTION_WX, NULL, 0, "writable and executable", 3 },
	{ "user", OPTION_USER, NULL, 0, "accessible in user mode", 3 },
	{ "kernel-only", OPTION_KERNEL_ONLY, NULL, 0, "not accessible in user mode", 3 },
	{ "huge", OPTION_HUGE, NULL, 0, "made of pages larger than the smallest", 3 },
	{ "uncached", OPTION_UNCACHED, NULL, 0,
	  "of a memory type that is known not to be the ordinary one (see --pat, --mair)", 3 },
	{ NULL, 0, NULL, 0, "Holes:", 4 },
	{ "holes", OPTION_HOLES, NULL, 0, "Also print what is not mapped, and why", 4 },
	{ NULL, 0, NULL, 0, "Tables that are used more than twice:", 5 },
	{ "expand", OPTION_EXPAND, NULL, 0,
	  "Print their pages at every use; without it, at two uses, and then `shared'", 5 },
	{ NULL, 0, NULL, 0, "Regions and totals:", 8 },
	{ "regions", OPTION_REGIONS, NULL, 0,
	  "Also where it is not a terminal, name the regions of Linux's address space", 8 },
	{ "summary", OPTION_SUMMARY, NULL, 0,
	  "At the end, also print totals: by permission, by page size, of user and kernel", 8 },
	{ 0 },
};

struct arguments {
	struct tool_options options;
	struct terminal terminal;
	const char *source;
	pw_va first, last;
	uint32_t set, clear; /* attributes that must be set, or must be clear */
	bool huge, uncached, holes, filtered, expand, summary, regions;
};

static void filter(struct arguments *arguments, uint32_t set, uint32_t clear)
{
	arguments->set |= set;
	arguments->clear |= clear;
	arguments->filtered = true;
}

/* Do the arguments agree with each other? */
static void check(const struct arguments *arguments, const struct argp_state *state)
{
	if (!arguments->source)
		usage_error(state, "give a SOURCE");
	if (arguments->set & arguments->clear)
		usage_error(state, "no range can be both of %s",
			    arguments->set & arguments->clear & PW_USER
				    ? "--user and --kernel-only"
				    : "--writable and --read-only");
	if (arguments->holes && arguments->filtered)
		usage_error(state, "--holes and filters exclude each other, because a hole has "
				   "no permissions; leave one out");
}

static error_t parse(int key, char *text, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = state->child_inputs[1] = &arguments->options;
		state->child_inputs[2] = &arguments->options;
		state->child_inputs[3] = &arguments->terminal;
		return 0;
	case OPTION_WRITABLE:
		filter(arguments, PW_WRITE, 0);
		return 0;
	case OPTION_READ_ONLY:
		filter(arguments, 0, PW_WRITE);
		return 0;
	case OPTION_EXECUTABLE:
		filter(arguments, PW_EXEC, 0);
		return 0;
	case OPTION_WX:
		filter(arguments, PW_WRITE | PW_EXEC, 0);
		return 0;
	case OPTION_USER:
		filter(arguments, PW_USER, 0);
		return 0;
	case OPTION_KERNEL_ONLY:
		filter(arguments, 0, PW_USER);
		return 0;
	case OPTION_HUGE:
		filter(arguments, 0, 0);
		arguments->huge = true;
		return 0;
	case OPTION_UNCACHED:
		filter(arguments, 0, 0);
		arguments->uncached = true;
		return 0;
	case OPTION_HOLES:
		arguments->holes = true;
		return 0;
	case OPTION_EXPAND:
		arguments->expand = true;
		return 0;
	case OPTION_REGIONS:
		arguments->regions = true;
		return 0;
	case OPTION_SUMMARY:
		arguments->summary = true;
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
		check(arguments, state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* Is the memory type only an index, so that the entry alone does not say how the memory is cached? */
static bool is_indexed(unsigned memtype)
{
	return memtype == PW_MEM_INDEXED || memtype >= PW_MEM_INDEX_0;
}

static bool wanted(const struct arguments *arguments, unsigned base_lg2,
		   const struct pw_range *range)
{
	/* A page that becomes writable on a write counts as writable. */
	uint32_t attr;

	if (!arguments->filtered)
		return true;
	if (range->status != PW_OK)
		return false;
	attr = range->attr | (range->attr & PW_DBM ? PW_WRITE : 0);
	return (attr & arguments->set) == arguments->set && !(attr & arguments->clear) &&
	       (!arguments->huge || range->size_lg2 > base_lg2) &&
	       (!arguments->uncached ||
		(range->memtype != PW_MEM_NORMAL && !is_indexed(range->memtype)));
}

/* The outcome of a map. */
struct outcome {
	bool printed; /* a line, and so also the head */
	bool any; /* one of the ranges was mapped */
	uint64_t lines;
	bool shared; /* a filter could not judge tables that were not walked again */
	bool indexed; /* --uncached could not judge a memory type that is an index */
	const char *region; /* of the last line */
	struct summary summary;
};

/* As the kernel's own lists of its page tables have it. */
static void print_region(const struct terminal *terminal, const char *name)
{
	terminal_colour(terminal, TERMINAL_BOLD);
	terminal_words(terminal, "---[ ", 0, 0);
	terminal_words(terminal, name, 5, 5);
	printf(" ]---");
	terminal_colour(terminal, TERMINAL_PLAIN);
	putchar('\n');
}

static void print_one(const struct arguments *arguments, const struct pw_regime *regime,
		      const struct regions *regions, const struct pw_range *range,
		      struct outcome *outcome)
{
	const char *region = regions_name(regions, range);

	if (arguments->options.json) {
		print_range_json(regime, range, region);
		return;
	}
	if (!outcome->printed)
		row_head(&arguments->terminal, regime);
	/* Programs that read the lines see no others than they asked for. */
	if (region != outcome->region && (arguments->regions || arguments->terminal.width > 0))
		print_region(&arguments->terminal, region ? region : "elsewhere");
	outcome->printed = true;
	outcome->region = region;
	row_print(&arguments->terminal, regime, range, 0);
}

/* Keeps those of @count ranges that are to be printed, and notes what is to be known of them all. Returns how many. */
static size_t choose(const struct arguments *arguments, unsigned base_lg2, struct pw_range *range,
		     size_t count, struct outcome *outcome)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		outcome->shared |= range[i].status == PW_SHARED && arguments->filtered;
		outcome->indexed |= range[i].status == PW_OK && arguments->uncached &&
				    is_indexed(range[i].memtype);
		if (!wanted(arguments, base_lg2, &range[i]))
			continue;
		outcome->any |= range[i].status == PW_OK || range[i].status == PW_PROT_NONE;
		if (arguments->summary)
			summary_add(&outcome->summary, &range[i]);
		if (kept != i)
			range[kept] = range[i];
		kept++;
	}
	outcome->lines += kept;
	return kept;
}

/* Starts threads for the lines of a long map. NULL: it is not one, or its lines are not all alike. */
static struct lines *start_lines(const struct arguments *arguments, const struct tool_input *input,
				 const struct regions *regions, const struct outcome *outcome)
{
	const struct lines_options how = { .regime = &input->regime,
					   .regions = regions,
					   .json = arguments->options.json,
					   .jobs = arguments->options.jobs };

	if (outcome->lines < MANY || arguments->options.jobs < 2 || arguments->regions ||
	    arguments->terminal.width > 0 || arguments->terminal.colour)
		return NULL;
	return lines_start(&how);
}

/* Prints until the end, a closed output or an interrupt. */
static void print_all(const struct arguments *arguments, const struct tool_input *input,
		      struct pw_scan *scan, struct tool_progress *progress, struct outcome *outcome)
{
	struct pw_range own[LINES_BLOCK], *range = own;
	struct pw_geometry geometry;
	struct regions regions;
	struct lines *lines = NULL;
	/* Few at first, so that the first results are out at once. */
	size_t room = 16, n;

	pw_format_geometry(input->format, &geometry);
	regions_init(&regions, input->memory, &input->regime);
	terminal_page(&arguments->terminal);
	while (tool_flush() && (n = pw_scan_next(scan, range, room)) > 0) {
		n = choose(arguments, geometry.shift[0], range, n, outcome);
		if (lines)
			lines_add(lines, n);
		for (size_t i = 0; !lines && i < n; i++)
			print_one(arguments, &input->regime, &regions, &range[i], outcome);
		if (!lines)
			lines = start_lines(arguments, input, &regions, outcome);
		range = lines ? lines_room(lines) : own;
		room = LINES_BLOCK;
	}
	if (lines)
		lines_end(lines);
	tool_progress_end(progress);
}

/* Messages about facts that the lines do not show. */
static void say_outcome(const struct arguments *arguments, const struct outcome *outcome)
{
	if (outcome->shared)
		tool_message("some tables are used again and again; only the pages of their first "
			     "uses were filtered%s",
			     arguments->expand ? "" : " (--expand: those of all uses)");
	if (outcome->indexed)
		tool_message("some ranges have a memory type that is an index into an unknown "
			     "register, so --uncached leaves them out; --pat or --mair says what "
			     "the indices mean");
	if (outcome->any)
		return;
	if (arguments->filtered)
		tool_message("nothing that is mapped there passes the filters");
	else
		tool_message("nothing is mapped there%s",
			     arguments->holes ? "" : "; --holes says why");
}

static int map(void *context, const struct tool_input *input)
{
	const struct arguments *arguments = context;
	const pw_va last = arguments->last < input->limit ? arguments->last : input->limit;
	struct pw_scan_limits limits = { .uses = arguments->expand ? 0 : USES };
	struct tool_progress progress;
	struct pw_scan_state state;
	struct pw_error error;
	struct pw_scan *scan;
	struct outcome outcome = { 0 };
	bool told = false;

	if (arguments->first > last)
		return TOOL_NOTHING;
	remark_address(input, arguments->first, &told);
	tool_progress_start(&progress, true, &limits);
	if (pw_scan_create(input->memory, &input->regime, arguments->first, last, &limits, &scan,
			   &error))
		return tool_fail("%s", error.text);
	pw_scan_holes(scan, arguments->holes);
	print_all(arguments, input, scan, &progress, &outcome);
	pw_scan_state(scan, &state);
	pw_scan_destroy(scan);
	if (tool_check_memory(input))
		return TOOL_FAILED;
	if (tool_scan_stopped(state.stopped, state.next, "the map",
			      "A range of addresses (FIRST-LAST) limits what is looked at."))
		return TOOL_NOTHING;
	if (arguments->summary && arguments->options.json)
		summary_print_json(&outcome.summary);
	else if (arguments->summary)
		summary_print(&outcome.summary);
	say_outcome(arguments, &outcome);
	return outcome.any ? TOOL_DONE : TOOL_NOTHING;
}

static const char description[] =
	"Print what is mapped, as ranges of pages that are alike: virtual and physical addresses, "
	"length, page size and permissions."
	"\v"
	"FIRST-LAST is inclusive; FIRST+LENGTH is another way to write a range. Exit status: 0 "
	"something is mapped, 1 nothing is (or the scan was stopped), 2 wrong usage or input.";

int tool_map(int argc, char **argv)
{
	static const struct argp_child children[] = { { &tool_walk_argp, 0, NULL, 0 },
						      { &tool_all_argp, 0, NULL, 0 },
						      { &tool_jobs_argp, 0, NULL, 0 },
						      { &terminal_argp, 0, NULL, 0 },
						      { 0 } };
	static const struct argp argp = { options,     parse,    "SOURCE [FIRST-LAST]",
					  description, children, NULL,
					  NULL };
	struct arguments arguments = { .last = UINT64_MAX };

	tool_parse(&argp, "map", argc, argv, &arguments.options, &arguments);
	terminal_look(&arguments.terminal, arguments.options.json);
	return tool_finish(tool_each(&arguments.options, arguments.source, true, map, &arguments));
}
