/* SPDX-License-Identifier: MIT */
/* pagewalk translate: the page behind each address, or why there is none. */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "live.h"
#include "number.h"
#include "options.h"
#include "print.h"
#include "remark.h"
#include "terminal.h"
#include "usage.h"
#include "word.h"

struct arguments {
	struct tool_options options;
	const char *source;
	char **va; /* as typed */
	size_t count;
	bool input; /* one of them is "-" */
};

static error_t parse(int key, char *text, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = state->child_inputs[1] = &arguments->options;
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num == 0) {
			arguments->source = text;
			return 0;
		}
		if (strcmp(text, "-") != 0)
			tool_number(state,
				    text); /* refuses what is none, before the source is opened */
		else if (arguments->input)
			usage_error(state, "give - only once: there is one standard input");
		else
			arguments->input = true;
		arguments->va[arguments->count++] = text;
		return 0;
	case ARGP_KEY_END:
		if (arguments->count == 0)
			usage_error(state, "give a SOURCE and at least one address, or - for "
					   "addresses from standard input");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* The reason comes from one more walk, which may find something else: then the status alone is true. */
static const char *reason_of(const struct tool_input *input, const struct pw_result *result,
			     char text[PRINT_TEXT])
{
	char name[PRINT_TEXT];

	if (result->status != PW_UNSTABLE)
		return pw_result_reason(input->memory, &input->regime, result, text, PRINT_TEXT);
	snprintf(text, PRINT_TEXT, "%s changed in each of %u walks (--tries, --stop)",
		 print_entry_name(input->format, result->level, name), input->tries);
	return text;
}

static void print_text(const struct terminal *terminal, const struct tool_input *input,
		       const struct pw_result *result, const struct live_answer *live)
{
	const int digits = print_va_digits(&input->regime);
	const unsigned long long va = result->va;
	char size[PRINT_TEXT], text[PRINT_TEXT], prot[5], looked[40];

	live_text(live, result, looked);
	print_flags(result->attr, result->memtype, text);
	if (result->status == PW_OK)
		terminal_line(terminal, "0x%0*llx -> 0x%016llx  %8s %s  %s%s%s%s%s", digits, va,
			      (unsigned long long)result->pa,
			      pw_size_lg2_text(result->size_lg2, size),
			      pw_level_name(input->format, result->level),
			      pw_prot_string(result->attr, prot), text[0] ? " " : "", text,
			      looked[0] ? "  " : "", looked);
	else
		terminal_line(terminal, "0x%0*llx -> %s: %s%s%s", digits, va,
			      pw_status_name((enum pw_status)result->status),
			      reason_of(input, result, text), looked[0] ? "  " : "", looked);
}

static void print_json(const struct tool_input *input, const struct pw_result *result,
		       const struct live_answer *live)
{
	char reason[PRINT_TEXT];

	printf("{\"va\":\"0x%llx\"", (unsigned long long)result->va);
	if (result->status == PW_OK || result->status == PW_PROT_NONE)
		printf(",\"pa\":\"0x%llx\"", (unsigned long long)result->pa);
	if (result->status == PW_OK)
		print_json_page(result->size_lg2, result->attr, result->memtype, UINT_MAX);
	else if (result->status == PW_PROT_NONE)
		print_json_page_size(result->size_lg2);
	printf(",\"status\":\"%s\"", pw_status_name((enum pw_status)result->status));
	/* No entry was read for an address that no root covers. */
	if (result->status != PW_NOT_CANONICAL)
		printf(",\"level\":\"%s\",\"entry\":\"0x%llx\"",
		       pw_level_name(input->format, result->level),
		       (unsigned long long)result->entry);
	if (result->status != PW_OK) {
		printf(",\"why\":");
		print_json_string(reason_of(input, result, reason));
	}
	live_print_json(live, result);
	printf("}\n");
}

enum { BATCH = 1024 };

/* Translates and prints addresses; returns whether all were mapped. */
static bool answer(const struct tool_options *options, const struct tool_input *input,
		   const pw_va *va, size_t count)
{
	struct pw_result result[BATCH];
	struct live_answer live[BATCH];
	struct terminal terminal = terminal_plain(options->json);
	bool told = false;
	size_t found = live_translate(input, va, count, result, live);

	for (size_t i = 0; i < count; i++)
		if (options->json)
			print_json(input, &result[i], &live[i]);
		else
			print_text(&terminal, input, &result[i], &live[i]);
	for (size_t i = 0; i < count; i++)
		remark_address(input, va[i], &told);
	return found == count;
}

/* Addresses on their way from text to answers. */
struct stream {
	const struct tool_options *options;
	const struct tool_input *input;
	pw_va va[BATCH];
	size_t count;
	bool mapped; /* all so far were */
	unsigned long line;
};

static void flush(struct stream *stream)
{
	if (stream->count > 0 && !answer(stream->options, stream->input, stream->va, stream->count))
		stream->mapped = false;
	stream->count = 0;
}

/* One line: an address, nothing, or a comment. 0, or TOOL_FAILED after a message. */
static int take_line(struct stream *stream, const char *line)
{
	bool any;
	const char *wrong = word_parse_line(line, &any, &stream->va[stream->count]);

	stream->line++;
	if (wrong) {
		flush(stream);
		return tool_fail("standard input, line %lu: '%.80s' %s", stream->line,
				 line + strspn(line, " \t\r"), wrong);
	}
	if (!any)
		return 0;
	if (++stream->count == BATCH)
		flush(stream);
	return 0;
}

/* Waits for more input. False: a signal that is caught (--stop) says that this must end. */
static bool wait_for_input(void)
{
	struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };

	/* A signal may come just before the wait, so no wait is long. */
	while (!tool_stopped() && poll(&input, 1, 200) == 0)
		;
	return !tool_stopped();
}

/*
 * Answers all addresses at hand before it waits for more, so that another program can ask for one
 * address at a time over a pair of pipes.
 */
static int take_input(struct stream *stream)
{
	char buffer[64 << 10];
	size_t kept = 0;

	for (;;) {
		char *line = buffer, *end;
		ssize_t bytes;

		if (!wait_for_input())
			return tool_fail("stopped; later addresses are not answered");
		bytes = read(STDIN_FILENO, buffer + kept, sizeof(buffer) - 1 - kept);
		if (bytes < 0 && errno == EINTR)
			continue;
		if (bytes < 0)
			return tool_fail("standard input: %s", strerror(errno));
		kept += (size_t)bytes;
		/* The last line may lack its newline. */
		if (bytes == 0 && kept > 0)
			buffer[kept++] = '\n';
		while ((end = memchr(line, '\n', kept - (size_t)(line - buffer)))) {
			*end = '\0';
			if (strlen(line) != (size_t)(end - line)) {
				flush(stream);
				return tool_fail("standard input, line %lu has a NUL byte; give "
						 "addresses as text, one on a line",
						 stream->line + 1);
			}
			if (take_line(stream, line))
				return TOOL_FAILED;
			line = end + 1;
		}
		kept -= (size_t)(line - buffer);
		memmove(buffer, line, kept);
		if (kept == sizeof(buffer) - 1)
			return tool_fail(
				"standard input, line %lu is too long for an address; give one on a line",
				stream->line + 1);
		flush(stream);
		if (!tool_flush() || bytes == 0)
			return 0;
	}
}

static const char description[] =
	"Translate virtual addresses: print the physical address, page size, level and permissions "
	"of each, or why nothing is mapped there."
	"\v"
	"VA may be -, for addresses from standard input, one on a line. Numbers are decimal, or "
	"hexadecimal with 0x; K, M, G or T may follow. Exit status: 0 all are mapped, 1 some are "
	"not, 2 wrong usage or input.";

int tool_translate(int argc, char **argv)
{
	static const struct argp_child children[] = { { &tool_walk_argp, 0, NULL, 0 },
						      { &tool_tries_argp, 0, NULL, 0 },
						      { 0 } };
	static const struct argp argp = { NULL, parse, "SOURCE VA...", description, children,
					  NULL, NULL };
	struct arguments arguments = { 0 };
	struct tool_input input;
	struct stream stream = { .mapped = true };
	int status = 0;

	arguments.va = calloc((size_t)argc, sizeof(*arguments.va));
	if (!arguments.va)
		return tool_fail("out of memory");
	tool_parse(&argp, "translate", argc, argv, &arguments.options, &arguments);
	if (tool_open(&arguments.options, arguments.source, true, &input)) {
		free(arguments.va);
		return TOOL_FAILED;
	}
	stream.options = &arguments.options;
	stream.input = &input;
	for (size_t i = 0; i < arguments.count && status == 0; i++) {
		if (strcmp(arguments.va[i], "-") == 0) {
			flush(&stream);
			status = take_input(&stream);
			continue;
		}
		number_parse(arguments.va[i], &stream.va[stream.count++]);
		if (stream.count == BATCH)
			flush(&stream);
	}
	if (status == 0)
		flush(&stream);
	if (status == 0)
		status = tool_check_memory(&input);
	tool_close(&input);
	free(arguments.va);
	if (status == 0 && !stream.mapped)
		status = TOOL_NOTHING;
	return tool_finish(status);
}
