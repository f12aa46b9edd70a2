/* SPDX-License-Identifier: MIT */
/* pagewalk(1): runs the subcommand. */
#include <argp.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "terminal.h"
#include "tool.h"

struct subcommand {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *arguments, *what;
};

/* In the order in which a newcomer needs them. */
static const struct subcommand subcommands[] = {
	{ "info", tool_info, "SOURCE", "what the source is: its memory, its CPUs and their roots" },
	{ "roots", tool_roots, "SOURCE", "every address space in it, found without symbols" },
	{ "map", tool_map, "SOURCE [FIRST-LAST]", "what is mapped, as merged ranges" },
	{ "translate", tool_translate, "SOURCE VA...", "the page behind each address" },
	{ "explain", tool_explain, "SOURCE VA[-LAST]", "a walk, drawn step by step" },
	{ "read", tool_read, "SOURCE VA LENGTH", "memory through the walk" },
	{ "find", tool_find, "SOURCE PA...", "every virtual address of a physical one" },
	{ "check", tool_check, "SOURCE", "what looks wrong or dangerous" },
	{ "cut", tool_cut, "SOURCE OUTPUT", "the tables alone, as an image to share" },
	{ "watch", tool_watch, "SOURCE [FIRST-LAST]", "what changes while a machine runs" },
	{ "diff", tool_diff, "A [B]", "what differs between two maps" },
	{ "lab", tool_lab, "COMMAND...", "watch walks, and every interleaving of them" },
	{ "sim", tool_sim, "SCRIPT", "run a script of mmap, fork, pin, ... on address spaces" },
	{ "formats", tool_formats, "", "every format with its geometry" },
};

enum {
	SUBCOMMANDS = sizeof(subcommands) / sizeof(subcommands[0]),
	WIDEST = 80, /* of the usage */
	NARROW = 60,
	WHAT = 33, /* the column where it says what a subcommand does */
	INDENT = 6, /* of what goes on below */
};

/* A line of the list of subcommands; where @width has no room for columns, what it does stands below its name. */
static void print_subcommand(FILE *file, unsigned width, const struct subcommand *subcommand)
{
	const unsigned column = width < NARROW ? INDENT : WHAT;

	if (width < NARROW)
		fprintf(file, "  %s %s\n%*s", subcommand->name, subcommand->arguments, INDENT, "");
	else
		fprintf(file, "  %-9s %-20s ", subcommand->name, subcommand->arguments);
	terminal_words_to(file, width, subcommand->what, column, column);
	fputc('\n', file);
}

static void usage(FILE *file)
{
	const unsigned columns = terminal_width(fileno(file));
	const unsigned width = columns && columns < WIDEST ? columns : WIDEST;

	terminal_words_to(file, width,
			  "Usage: pagewalk SUBCOMMAND [OPTION...] SOURCE [ARGUMENT...]", 0, INDENT);
	fputc('\n', file);
	terminal_words_to(file, width,
			  "Walk the page tables in a dump or an image of a machine's memory.", 0,
			  0);
	fputs("\n\n", file);
	for (size_t i = 0; i < SUBCOMMANDS; i++)
		print_subcommand(file, width, &subcommands[i]);
	fputc('\n', file);
	terminal_words_to(
		file, width,
		"A SOURCE is an ELF core or a kdump (FILE), flat memory (raw:FILE@BASE), a running "
		"QEMU (qemu:SOCKET), or one of the images that come with pagewalk (sample:NAME). "
		"For more, see `pagewalk help SUBCOMMAND' and pagewalk(1).",
		0, 0);
	fputs("\n\n      --help     print this\n      --version  print the version\n", file);
}

static bool is_source(const char *word)
{
	return strchr(word, ':') || access(word, F_OK) == 0;
}

static int refuse(const char *name)
{
	const char *names[SUBCOMMANDS];
	const char *nearest;

	if (is_source(name))
		return tool_fail("the subcommand comes first, as in `pagewalk map %s'; "
				 "`pagewalk --help' lists the subcommands",
				 name);
	for (size_t i = 0; i < SUBCOMMANDS; i++)
		names[i] = subcommands[i].name;
	nearest = tool_nearest(name, names, SUBCOMMANDS);
	if (nearest)
		return tool_fail("there is no subcommand '%s'; did you mean %s?", name, nearest);
	return tool_fail("there is no subcommand '%s'; `pagewalk --help' lists them", name);
}

/* The subcommand of this name, or of the name that crash(8) has for it; NULL: there is none. */
static const struct subcommand *find(const char *name)
{
	static const char *const crash[][2] = {
		{ "vtop", "translate" },
		{ "ptov", "find" },
		{ "rd", "read" },
	};

	for (size_t i = 0; i < sizeof(crash) / sizeof(crash[0]); i++)
		if (strcmp(name, crash[i][0]) == 0)
			name = crash[i][1];
	for (size_t i = 0; i < SUBCOMMANDS; i++)
		if (strcmp(name, subcommands[i].name) == 0)
			return &subcommands[i];
	return NULL;
}

static int run(int argc, char **argv)
{
	const struct subcommand *subcommand = find(argv[0]);

	return subcommand ? subcommand->run(argc, argv) : refuse(argv[0]);
}

static void version(void)
{
	const struct terminal terminal = terminal_plain(false);
	const char *kind = pw_memory_kind(0);
	unsigned column = 8;

	printf("pagewalk %s\nsources:", pw_version());
	for (size_t i = 1; kind; i++) {
		const char *next = pw_memory_kind(i);
		char text[80];

		snprintf(text, sizeof(text), " %s%s", kind, next ? "," : "");
		column = terminal_words(&terminal, text, column, 2);
		kind = next;
	}
	putchar('\n');
}

static bool is_help(const char *word)
{
	static const char *const all[] = { "--help", "-h", "-?", "--usage", "help" };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (strcmp(word, all[i]) == 0)
			return true;
	return false;
}

/* Room for the longest help text, so that the first write that fails is one whose reason can be told. */
static char output[1 << 16];

/*
 * Takes the places of standard streams that are closed: else a file, a socket or shared memory that is opened later would
 * be standard output, and get the results. Writes to the place of standard output fail.
 */
static void hold_streams(void)
{
	for (int file = 0; file <= STDERR_FILENO; file++)
		if (fcntl(file, F_GETFD) < 0 &&
		    open("/dev/null", file == STDERR_FILENO ? O_WRONLY : O_RDONLY) < 0)
			return;
}

int main(int argc, char **argv)
{
	static char help[] = "--help";

	hold_streams();
	if (!isatty(STDOUT_FILENO))
		setvbuf(stdout, output, _IOFBF, sizeof(output));
	/* If a file exceeds the size limit, report this like any other write error. */
	signal(SIGXFSZ, SIG_IGN);
	argp_err_exit_status = TOOL_FAILED;
	terminal_fit_help();
	if (argc < 2) {
		usage(stderr);
		return TOOL_FAILED;
	}
	if (is_help(argv[1])) {
		/* `pagewalk help map` is `pagewalk map --help`; so for `lab run`. */
		if (argc > 3 && strcmp(argv[2], "lab") == 0 && argv[3][0] != '-')
			return run(3, (char *[]){ argv[2], argv[3], help, NULL });
		if (argc > 2 && argv[2][0] != '-')
			return run(2, (char *[]){ argv[2], help, NULL });
		usage(stdout);
		return tool_finish(TOOL_DONE);
	}
	if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
		version();
		return tool_finish(TOOL_DONE);
	}
	if (argv[1][0] == '-')
		return tool_fail("%s: the subcommand comes first, as in `pagewalk map SOURCE'; "
				 "`pagewalk --help' lists the subcommands",
				 argv[1]);
	return run(argc - 1, argv + 1);
}
