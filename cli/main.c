/* SPDX-License-Identifier: MIT */
/* pagewalk(1): runs the subcommand. */
#include <argp.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

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

enum { SUBCOMMANDS = sizeof(subcommands) / sizeof(subcommands[0]) };

static void usage(FILE *file)
{
	fprintf(file, "Usage: pagewalk SUBCOMMAND [OPTION...] SOURCE [ARGUMENT...]\n"
		      "Walk the page tables in a dump or an image of a machine's memory.\n\n");
	for (size_t i = 0; i < SUBCOMMANDS; i++)
		fprintf(file, "  %-9s %-20s %s\n", subcommands[i].name, subcommands[i].arguments,
			subcommands[i].what);
	fprintf(file,
		"\nA SOURCE is an ELF core or a kdump (FILE), flat memory (raw:FILE@BASE), a running "
		"QEMU\n(qemu:SOCKET), or one of the images that come with pagewalk (sample:NAME). For "
		"more, see\n`pagewalk help SUBCOMMAND' and pagewalk(1).\n\n"
		"      --help     print this\n"
		"      --version  print the version\n");
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
	const char *kind;

	printf("pagewalk %s\nsources:", pw_version());
	for (size_t i = 0; (kind = pw_memory_kind(i)); i++)
		printf("%s %s", i ? "," : "", kind);
	printf("\n");
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

int main(int argc, char **argv)
{
	static char help[] = "--help";

	if (!isatty(STDOUT_FILENO))
		setvbuf(stdout, output, _IOFBF, sizeof(output));
	/* If a file exceeds the size limit, report this like any other write error. */
	signal(SIGXFSZ, SIG_IGN);
	argp_err_exit_status = TOOL_FAILED;
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
