/* SPDX-License-Identifier: MIT */
/* pagewalk(1): runs the subcommand. */
#include <argp.h>
#include <signal.h>
#include <string.h>

#include "tool.h"

struct subcommand {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *arguments, *what;
};

/* In the order in which a newcomer needs them. */
static const struct subcommand subcommands[] = {
	{ "info", tool_info, "SOURCE", "what the source is: its memory, its CPUs and their roots" },
	{ "map", tool_map, "SOURCE [FIRST-LAST]", "what is mapped, as merged ranges" },
	{ "translate", tool_translate, "SOURCE VA...", "the page behind each address" },
	{ "explain", tool_explain, "SOURCE VA[-LAST]", "a walk, drawn step by step" },
	{ "read", tool_read, "SOURCE VA LENGTH", "memory through the walk" },
	{ "find", tool_find, "SOURCE PA...", "every virtual address of a physical one" },
	{ "check", tool_check, "SOURCE", "what looks wrong or dangerous" },
	{ "cut", tool_cut, "SOURCE OUTPUT", "the tables alone, as an image to share" },
	{ "lab", tool_lab, "COMMAND...", "watch walks, and every interleaving of them" },
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
		"\nA SOURCE is an ELF core or a kdump (FILE), flat memory (raw:FILE@BASE), or one of "
		"the\nimages that come with pagewalk (sample:NAME). For more, see "
		"`pagewalk SUBCOMMAND --help'\nand pagewalk(1).\n\n"
		"      --help     print this\n"
		"      --version  print the version\n");
}

static int refuse(const char *name)
{
	const char *names[SUBCOMMANDS];
	const char *nearest;

	for (size_t i = 0; i < SUBCOMMANDS; i++)
		names[i] = subcommands[i].name;
	nearest = tool_nearest(name, names, SUBCOMMANDS);
	if (nearest)
		return tool_fail("there is no subcommand '%s'; did you mean %s?", name, nearest);
	return tool_fail("there is no subcommand '%s'; `pagewalk --help' lists them", name);
}

int main(int argc, char **argv)
{
	/* If a file exceeds the size limit, report this like any other write error. */
	signal(SIGXFSZ, SIG_IGN);
	argp_err_exit_status = TOOL_FAILED;
	if (argc < 2) {
		usage(stderr);
		return TOOL_FAILED;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
	    strcmp(argv[1], "-?") == 0 || strcmp(argv[1], "--usage") == 0 ||
	    strcmp(argv[1], "help") == 0) {
		usage(stdout);
		return tool_finish(TOOL_DONE);
	}
	if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
		printf("pagewalk %s\n", pw_version());
		return tool_finish(TOOL_DONE);
	}
	for (size_t i = 0; i < SUBCOMMANDS; i++)
		if (strcmp(argv[1], subcommands[i].name) == 0)
			return subcommands[i].run(argc - 1, argv + 1);
	if (argv[1][0] == '-')
		return tool_fail("%s: the subcommand comes first, as in `pagewalk map SOURCE'; "
				 "`pagewalk --help' lists the subcommands",
				 argv[1]);
	return refuse(argv[1]);
}
