/* SPDX-License-Identifier: MIT */
/* pagewalk roots: every address space in a source, found from the bytes of its tables. */
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "machine.h"
#include "print.h"
#include "search.h"
#include "table.h"
#include "terminal.h"
#include "usage.h"

struct arguments {
	struct tool_options options;
	const char *source;
};

static error_t parse(int key, char *text, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = state->child_inputs[1] = &arguments->options;
		return 0;
	case ARGP_KEY_ARG:
		if (arguments->source)
			usage_error(state, "'%s' is one argument too many", text);
		arguments->source = text;
		return 0;
	case ARGP_KEY_END:
		if (!arguments->source)
			usage_error(state, "give a SOURCE");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* "kernel", "process 1 init (/sbin/init)", "process, in user mode". */
static void describe(const struct pw_memory *memory, const struct pw_root *root, char text[200])
{
	static const char *const words[] = { "kernel", "process", "process", "no process" };
	const struct pw_cpu *cpus;
	char program[PRINT_TEXT];
	size_t used, count = pw_memory_cpus(memory, &cpus);

	used = (size_t)snprintf(text, 200, "%s", words[root->owner]);
	if (root->pid >= 0)
		used += (size_t)snprintf(text + used, 200 - used, " %ld %s", root->pid,
					 print_safe(root->command, program));
	if (root->program[0])
		used += (size_t)snprintf(text + used, 200 - used, " (%s)",
					 print_safe(root->program, program));
	if (root->owner == PW_ROOT_USER_HALF)
		used += (size_t)snprintf(text + used, 200 - used, ", in user mode");
	if (root->cpu < 0 || (size_t)root->cpu >= count || cpus[root->cpu].kernel)
		return;
	/* Images of `pagewalk cut' have labels in place of CPUs. */
	if (strncmp(pw_memory_title(memory), "page tables alone", 17) == 0)
		snprintf(text + used, 200 - used, ": %s", cpus[root->cpu].origin);
	else
		snprintf(text + used, 200 - used, ", CPU %u now", cpus[root->cpu].id);
}

static const char *size_or_none(uint64_t bytes, char text[PW_SIZE_TEXT])
{
	return bytes ? pw_size_text(bytes - 1, text) : "-";
}

/* A root in words. */
struct fields {
	char name[24], words[64], who[200], user[PW_SIZE_TEXT], kernel[PW_SIZE_TEXT], sure[48];
};

/* "named", "named, IDT", "thin, no IDT". */
static void say_sure(const struct pw_root *root, char text[48])
{
	const char *proof = pw_root_proof_name(root->proof);

	if (root->vectors)
		snprintf(text, 48, "%s, %s%s", proof, root->vectors_mapped ? "" : "no ",
			 root->vectors);
	else
		snprintf(text, 48, "%s", proof);
}

static void fill(const struct pw_memory *memory, const struct search *search, size_t i,
		 struct fields *fields)
{
	const struct pw_root *root = &search->root[i];
	char size[PW_SIZE_TEXT];

	search_name(search, i, fields->name);
	search_words(root, fields->words);
	describe(memory, root, fields->who);
	say_sure(root, fields->sure);
	snprintf(fields->user, sizeof(fields->user), "%s", size_or_none(root->user, size));
	snprintf(fields->kernel, sizeof(fields->kernel), "%s", size_or_none(root->kernel, size));
}

static struct libscols_table *make_table(const struct pw_memory *memory,
					 const struct search *search)
{
	static const char *const columns[] = { ">NAME",   "ROOT", "FORMAT", ">LEVELS", ">USER",
					       ">KERNEL", "WHO",  "SURE",   NULL };
	struct libscols_table *table = table_new(columns);
	struct fields f;

	for (size_t i = 0; i < search->count; i++) {
		fill(memory, search, i, &f);
		table_row(table, "%s\t%s\t%s\t%u\t%s\t%s\t%s\t%s", f.name, f.words,
			  search->root[i].format, search->root[i].levels, f.user, f.kernel, f.who,
			  f.sure);
	}
	return table;
}

/* Where the terminal is narrower than the table, each root is a line of words. */
static bool print_text(const struct pw_memory *memory, const struct search *search)
{
	const struct terminal terminal = terminal_plain(false);
	struct libscols_table *table = make_table(memory, search);
	struct fields f;

	if (table_fits(table, terminal.width))
		return table_print(table);
	scols_unref_table(table);
	for (size_t i = 0; i < search->count; i++) {
		fill(memory, search, i, &f);
		terminal_line(&terminal, "%s %s %s, %u levels, user %s, kernel %s, %s, %s", f.name,
			      f.words, search->root[i].format, search->root[i].levels, f.user,
			      f.kernel, f.who, f.sure);
	}
	return true;
}

static void print_vectors(const struct pw_root *root)
{
	if (!root->vectors) {
		printf(",\"vectors\":null");
		return;
	}
	printf(",\"vectors\":{\"name\":\"%s\",\"va\":\"0x%llx\",\"mapped\":%s}", root->vectors,
	       (unsigned long long)root->vectors_at, root->vectors_mapped ? "true" : "false");
}

static void print_json(const struct pw_memory *memory, const struct search *search)
{
	const struct pw_cpu *cpus;

	(void)pw_memory_cpus(memory, &cpus);
	for (size_t i = 0; i < search->count; i++) {
		const struct pw_root *root = &search->root[i];
		char name[24];

		search_name(search, i, name);
		printf("{\"name\":\"%s\",\"format\":", name);
		print_json_string(root->format);
		printf(",\"roots\":[");
		for (unsigned n = 0; n < root->roots; n++)
			if (root->root[n] == PW_ROOT_ABSENT)
				printf("%snull", n ? "," : "");
			else
				printf("%s\"0x%llx\"", n ? "," : "",
				       (unsigned long long)root->root[n]);
		printf("],\"table\":\"0x%llx\",\"levels\":%u", (unsigned long long)root->table,
		       root->levels);
		pw_json_number(stdout, "user", root->user);
		pw_json_number(stdout, "kernel", root->kernel);
		printf(",\"owner\":\"%s\",\"sure\":\"%s\",\"cpu\":",
		       pw_root_owner_name(root->owner), pw_root_proof_name(root->proof));
		if (root->cpu >= 0 && !cpus[root->cpu].kernel)
			printf("%u", cpus[root->cpu].id);
		else
			printf("null");
		if (root->pid >= 0)
			printf(",\"pid\":%ld", root->pid);
		else
			printf(",\"pid\":null");
		printf(",\"command\":");
		if (root->command[0])
			print_json_string(root->command);
		else
			printf("null");
		printf(",\"program\":");
		if (root->program[0])
			print_json_string(root->program);
		else
			printf("null");
		print_vectors(root);
		printf(",\"status\":\"ok\"}\n");
	}
}

static int roots(const struct arguments *arguments, const struct tool_input *input, bool every)
{
	struct search search;
	int status;

	if (search_roots(input->memory, input->format, every, &input->regime_options,
			 arguments->options.jobs, &search))
		return tool_stopped() ? TOOL_NOTHING : TOOL_FAILED;
	status = search.count > 0 ? TOOL_DONE : TOOL_NOTHING;
	if (arguments->options.json)
		print_json(input->memory, &search);
	else if (search.count > 0 && !print_text(input->memory, &search))
		status = tool_fail("out of memory");
	if (search.count == 0 && machine_is_unpaged(input->memory))
		tool_message(
			"no root was found in %s: its CPUs run without page tables, as firmware "
			"does and a machine that has not started. Ask again when its system runs",
			input->source);
	else if (search.count == 0)
		tool_message(
			"no root was found in %s: is all of the machine's memory there, at the "
			"right addresses? --format NAME searches for one format, --format any "
			"for all",
			input->source);
	else if (search.copies > 0)
		tool_message(
			"%zu more table%s map a part of the kernel and no process, as those of "
			"processes that have ended do; they are left out",
			search.copies, search.copies == 1 ? "" : "s");
	free(search.root);
	return status;
}

static const char description[] =
	"Find every address space in a source, from the bytes of its page tables: no symbols, no "
	"registers and no help from the guest are needed."
	"\v"
	"--format NAME searches for one format, --format any for all. A name of the first column can "
	"be given to other subcommands: --root kernel, --root 3. Exit status: 0 done, 1 nothing was "
	"found, 2 wrong usage or input.";

int tool_roots(int argc, char **argv)
{
	static const struct argp_child children[] = { { &tool_search_argp, 0, NULL, 0 },
						      { &tool_jobs_argp, 0, NULL, 0 },
						      { 0 } };
	static const struct argp argp = {
		NULL, parse, "SOURCE", description, children, NULL, NULL
	};
	struct arguments arguments = { 0 };
	struct tool_input input = { 0 };
	bool every;
	int status;

	tool_parse(&argp, "roots", argc, argv, &arguments.options, &arguments);
	every = arguments.options.format && strcmp(arguments.options.format, "any") == 0;
	if (every)
		arguments.options.format = NULL;
	if (tool_open_search(&arguments.options, arguments.source, &input))
		return TOOL_FAILED;
	tool_catch_interrupts();
	status = roots(&arguments, &input, every);
	tool_close(&input);
	return tool_finish(status);
}
