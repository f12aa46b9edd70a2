/* SPDX-License-Identifier: MIT */
/* pagewalk read: bytes of virtual memory, through the walk. */
#include <errno.h>
#include <string.h>

#include "live.h"
#include "output.h"
#include "print.h"
#include "remark.h"
#include "usage.h"

enum {
	OPTION_RAW = 0x200,
	ROW = 16,
	CHUNK = 4096, /* a multiple of ROW */
};

static const struct argp_option options[] = {
	{ NULL, 0, NULL, 0, "How to write the bytes:", 3 },
	{ "raw", OPTION_RAW, NULL, 0, "As they are, not as a hex dump", 3 },
	{ "output", 'o', "FILE", 0, "As they are, to FILE", 3 },
	{ 0 },
};

struct arguments {
	struct tool_options options;
	const char *source, *output;
	pw_va va;
	uint64_t length;
	unsigned given;
	bool raw;
};

static error_t parse(int key, char *text, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = state->child_inputs[1] = &arguments->options;
		return 0;
	case OPTION_RAW:
		arguments->raw = true;
		return 0;
	case 'o':
		arguments->output = text;
		arguments->raw = true;
		return 0;
	case ARGP_KEY_ARG:
		arguments->given++;
		if (state->arg_num == 0)
			arguments->source = text;
		else if (state->arg_num == 1)
			arguments->va = tool_number(state, text);
		else if (state->arg_num == 2)
			arguments->length = tool_number(state, text);
		else
			usage_error(state, "'%s' is one argument too many", text);
		return 0;
	case ARGP_KEY_END:
		if (arguments->given < 3)
			usage_error(state, "give a SOURCE, an address and a length");
		if (arguments->length == 0)
			usage_error(state, "a length of 0 leaves nothing to read; give at least 1");
		if (arguments->length - 1 > UINT64_MAX - arguments->va)
			usage_error(
				state,
				"0x%llx bytes from 0x%llx on go beyond 2^64; give a shorter length",
				(unsigned long long)arguments->length,
				(unsigned long long)arguments->va);
		if (arguments->raw && arguments->options.json)
			usage_error(
				state,
				"--json excludes raw bytes; leave out --json, or --raw and --output");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* Prints up to ROW bytes at @va. Rows begin at multiples of ROW, but @va may be any address. */
static void print_row(const struct pw_regime *regime, pw_va va, const unsigned char *bytes,
		      size_t count)
{
	size_t before = va % ROW;
	char text[ROW + 1];

	printf("0x%0*llx ", print_va_digits(regime), (unsigned long long)(va - before));
	for (size_t i = 0; i < ROW; i++) {
		bool here = i >= before && i < before + count;

		if (i % 8 == 0)
			putchar(' ');
		if (here)
			printf("%02x ", bytes[i - before]);
		else
			fputs("   ", stdout);
		text[i] = ' ';
		if (here)
			text[i] = (char)(bytes[i - before] >= ' ' && bytes[i - before] <= '~'
						 ? bytes[i - before]
						 : '.');
	}
	text[before + count] = '\0';
	printf(" %s\n", text);
}

static void print_row_json(pw_va va, pw_pa pa, const unsigned char *bytes, size_t count,
			   const struct live_answer *live)
{
	const struct pw_result done = { .status = PW_OK };

	printf("{\"va\":\"0x%llx\",\"pa\":\"0x%llx\",\"bytes\":\"", (unsigned long long)va,
	       (unsigned long long)pa);
	for (size_t i = 0; i < count; i++)
		printf("%02x", bytes[i]);
	printf("\",\"status\":\"%s\"", pw_status_name(PW_OK));
	live_print_json(live, &done);
	printf("}\n");
}

static void print_bytes(const struct arguments *arguments, const struct pw_regime *regime, pw_va va,
			pw_pa pa, const unsigned char *bytes, size_t count,
			const struct live_answer *live)
{
	while (count > 0) {
		size_t piece = ROW - va % ROW;

		if (piece > count)
			piece = count;
		if (arguments->options.json)
			print_row_json(va, pa, bytes, piece, live);
		else
			print_row(regime, va, bytes, piece);
		va += piece;
		pa += piece;
		bytes += piece;
		count -= piece;
	}
}

/* Says where reading ended and why. */
static int stop(const struct arguments *arguments, pw_va va, const char *reason)
{
	unsigned long long done = va - arguments->va;

	tool_message("0x%llx: %s; %llu of %llu bytes were read", (unsigned long long)va, reason,
		     done, (unsigned long long)arguments->length);
	return TOOL_NOTHING;
}

/* Returns how much of @rest can be read in one piece: up to the end of the page and of the chunk. */
static size_t piece_at(const struct pw_result *result, uint64_t rest)
{
	uint64_t size = pw_result_size(result);
	uint64_t page = size ? size - (result->va & (size - 1)) : UINT64_MAX;
	size_t piece = CHUNK - (size_t)(result->va % CHUNK);

	if (page < piece)
		piece = (size_t)page;
	return rest < piece ? (size_t)rest : piece;
}

/*
 * Reads up to the end of the page and of the chunk. Returns 0, or the exit status after a message.
 */
static int take_piece(const struct arguments *arguments, const struct tool_input *input, pw_va va,
		      uint64_t rest, unsigned char *bytes, size_t *piece_ret, pw_pa *pa_ret,
		      struct live_answer *live)
{
	char reason[PRINT_TEXT];
	struct pw_result result;
	size_t piece;
	int status;

	if (tool_stopped())
		return stop(arguments, va, "stopped");
	if (pw_translate(input->memory, &input->regime, va, &result) != PW_OK)
		return stop(arguments, va,
			    pw_result_reason(input->memory, &input->regime, &result, reason,
					     sizeof(reason)));
	piece = piece_at(&result, rest);
	status = live_read(input, va, bytes, piece, &result, live);
	/* The memory may end inside a page: the part that exists is read byte by byte. */
	for (; status == -ENODATA && piece > 1; piece--)
		status = live_read(input, va, bytes, piece - 1, &result, live);
	if (status == 0 && result.status == PW_UNSTABLE)
		return stop(arguments, va,
			    "unstable: its entries changed each time (--tries, --stop)");
	/* Meanwhile another page, of another size, or none: the next turn says which. */
	if (status == -EINVAL || (status == 0 && result.status != PW_OK)) {
		*piece_ret = 0;
		return 0;
	}
	if (status == -ENODATA) {
		snprintf(reason, sizeof(reason),
			 "its page at 0x%llx is not in the memory that the source has",
			 (unsigned long long)result.pa);
		return stop(arguments, va, reason);
	}
	if (status)
		return tool_check_memory(input)
			       ? TOOL_FAILED
			       : tool_fail("reading 0x%llx: %s", (unsigned long long)result.pa,
					   strerror(-status));
	*piece_ret = piece;
	*pa_ret = result.pa;
	return 0;
}

static int copy(const struct arguments *arguments, const struct tool_input *input, FILE *file)
{
	pw_va va = arguments->va;
	unsigned changes = 0;

	for (uint64_t rest = arguments->length; rest > 0 && !ferror(file);) {
		unsigned char bytes[CHUNK];
		struct live_answer live;
		size_t piece = 0;
		pw_pa pa = 0;
		int status = take_piece(arguments, input, va, rest, bytes, &piece, &pa, &live);

		if (status)
			return status;
		changes += live.changes;
		if (piece == 0 && ++changes > 100000)
			return stop(arguments, va,
				    "unstable: its page is another one each time (--stop)");
		if (arguments->raw)
			fwrite(bytes, piece, 1, file);
		else
			print_bytes(arguments, &input->regime, va, pa, bytes, piece, &live);
		va += piece;
		rest -= piece;
	}
	if (changes > 0)
		tool_message("changed %u time%s: pages were read again until their entries stayed",
			     changes, changes == 1 ? "" : "s");
	return TOOL_DONE;
}

static int copy_to_file(const struct arguments *arguments, const struct tool_input *input)
{
	struct output output;
	int status;

	if (output_open(&output, arguments->output, input))
		return TOOL_FAILED;
	status = copy(arguments, input, output.stream);
	if (status == TOOL_NOTHING && output.file.stream)
		tool_message("%s was not written, because not all bytes could be read",
			     arguments->output);
	return output_close(&output, status);
}

static const char description[] =
	"Read LENGTH bytes of virtual memory, across pages, and print them as a hex dump."
	"\v"
	"Reading stops, with a message, at the first address that is not mapped or whose page the "
	"source does not have. Exit status: 0 all was read, 1 not all of it, 2 wrong usage or "
	"input.";

int tool_read(int argc, char **argv)
{
	static const struct argp_child children[] = { { &tool_walk_argp, 0, NULL, 0 },
						      { &tool_tries_argp, 0, NULL, 0 },
						      { 0 } };
	static const struct argp argp = { options, parse, "SOURCE VA LENGTH", description, children,
					  NULL,    NULL };
	struct arguments arguments = { 0 };
	struct tool_input input;
	bool told = false;
	int status;

	tool_parse(&argp, "read", argc, argv, &arguments.options, &arguments);
	if (tool_open(&arguments.options, arguments.source, true, &input))
		return TOOL_FAILED;
	tool_catch_interrupts();
	remark_address(&input, arguments.va, &told);
	if (arguments.output)
		status = copy_to_file(&arguments, &input);
	else
		status = copy(&arguments, &input, stdout);
	tool_close(&input);
	return tool_finish(status);
}
