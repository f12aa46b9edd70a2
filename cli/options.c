/* SPDX-License-Identifier: MIT */
/* The options that subcommands share. choose.c has the source, format and root that they lead to. */
#include "options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/processors.h"
#include "machine.h"
#include "number.h"
#include "remark.h"
#include "usage.h"
#include "word.h"

enum {
	OPTION_FORMAT = 0x100,
	OPTION_ROOT,
	OPTION_PID,
	OPTION_ALL,
	OPTION_CPU,
	OPTION_VIEW,
	OPTION_KERNEL,
	OPTION_ENCRYPTION,
	OPTION_PREFIX,
	OPTION_CR4,
	OPTION_PAT,
	OPTION_MAIR,
	OPTION_TCR,
	OPTION_TRIES,
	OPTION_JOBS,
	OPTION_STOP,
	OPTION_JSON,
};

/* Walks of an address whose entries keep changing, unless --tries gives another number. */
enum { TRIES = 16, MOST_TRIES = 1000000 };

/* The largest number that Linux can be told to give to a process. */
enum { PID_MAX = 1 << 22 };

static const struct argp_option json_options[] = {
	{ "json", OPTION_JSON, NULL, 0, "Print one JSON object per line", 0 },
	{ 0 },
};

static const struct argp_option walk_options[] = {
	{ NULL, 0, NULL, 0, "Which page tables, and how to read them:", 1 },
	{ "format", OPTION_FORMAT, "NAME", 0,
	  "Format of the tables: a name of `pagewalk formats', or a file that describes one", 1 },
	{ "root", OPTION_ROOT, "WORD", 0,
	  "The root, as the hardware's own word (CR3, TTBR, ASCE, satp, ...); give it twice for "
	  "TTBR0 and TTBR1. Or a name of `pagewalk roots': kernel, a number, a program. Default: the "
	  "first root that the source knows, else the kernel's, which is searched for",
	  1 },
	{ "pid", OPTION_PID, "N", 0,
	  "The root of process N, which is searched for in the memory of a Linux", 1 },
	{ "cpu", OPTION_CPU, "N|kernel", 0,
	  "Use the root and the registers on line N of `pagewalk info', or the kernel's own root "
	  "from VMCOREINFO; with --root, use only the registers",
	  1 },
	{ "view", OPTION_VIEW, "VIEW", 0,
	  "hardware: what the MMU would do (default); linux: what the kernel means", 1 },
	{ "kernel", OPTION_KERNEL, "VERSION[,CONFIG...]", 0,
	  "The version of Linux whose software bits the Linux view assumes, and its configuration: "
	  "[no-]device-private, [no-]memory-failure, ... Default: the source's version, else 6.1, "
	  "as Debian builds it",
	  1 },
	{ "encryption-bit", OPTION_ENCRYPTION, "N", 0,
	  "x86: bit N of an entry marks encrypted memory (SME, SEV) and is not part of the address",
	  1 },
	{ NULL, 0, NULL, 0, "Registers beside the root, if the source does not have them:", 2 },
	{ "prefix", OPTION_PREFIX, "WORD", 0,
	  "s390x: the CPU's prefix, where real addresses 0 to 0x1fff are", 2 },
	{ "cr4", OPTION_CR4, "WORD", 0, "i386: CR4; its PSE allows pages of 4 MiB", 2 },
	{ "pat", OPTION_PAT, "WORD", 0, "x86: IA32_PAT, for memory types", 2 },
	{ "mair", OPTION_MAIR, "WORD", 0,
	  "arm64, arm_lpae: MAIR_EL1, or MAIR1 and MAIR0 as one number, for memory types", 2 },
	{ "tcr", OPTION_TCR, "WORD", 0,
	  "arm64: TCR_EL1; arm, arm_lpae: TTBCR; it says what each root translates", 2 },
	{ NULL, 0, NULL, 0, "Machines that run:", 6 },
	{ "stop", OPTION_STOP, NULL, 0, "Stop the machine meanwhile", 6 },
	{ NULL, 0, NULL, 0, "Results:", 7 },
	{ "json", OPTION_JSON, NULL, 0, "Print one JSON object per line", 7 },
	{ 0 },
};

static const struct argp_option tries_options[] = {
	{ "tries", OPTION_TRIES, "N", 0,
	  "Walk an address up to N times, until its entries are the same before and after "
	  "(default 16); 0: do not look again",
	  6 },
	{ 0 },
};

static const struct argp_option jobs_options[] = {
	{ NULL, 0, NULL, 0, "Large inputs:", 10 },
	{ "jobs", OPTION_JOBS, "N", 0,
	  "Work in N threads (default: as many as there are processors); the output is the same",
	  10 },
	{ 0 },
};

static const struct argp_option all_options[] = {
	{ "all", OPTION_ALL, NULL, 0, "All address spaces that `pagewalk roots' finds", 1 },
	{ 0 },
};

/* The numbers that `pagewalk roots' gives to roots. A root word that small is not a table's address. */
enum { NUMBER_DIGITS = 4 };

/* Is it a name of `pagewalk roots', and not a root word? */
static bool is_name(const char *text)
{
	size_t digits = strspn(text, "0123456789");

	if (digits > 0 && text[digits] == '\0')
		return digits < NUMBER_DIGITS && text[0] != '0';
	return digits == 0 && text[0] != '\0' && text[0] != '-' && text[0] != '+';
}

static void parse_root(const struct argp_state *state, const char *text,
		       struct tool_options *options)
{
	if (options->roots == PW_MAX_ROOTS)
		usage_error(state, "--root can be given at most twice: an address space has "
				   "one root or two (TTBR0 and TTBR1)");
	if (is_name(text)) {
		options->name = text;
		return;
	}
	options->root[options->roots++] = tool_number(state, text);
}

uint64_t tool_number(const struct argp_state *state, const char *text)
{
	uint64_t number = 0;
	const char *wrong = number_parse(text, &number);

	if (wrong && access(text, F_OK) == 0)
		usage_error(state, "'%s' %s. If that is the source, name it before the numbers",
			    text, wrong);
	if (wrong)
		usage_error(state, "'%s' %s", text, wrong);
	return number;
}

void tool_range(const struct argp_state *state, const char *text, bool single, uint64_t *first_ret,
		uint64_t *last_ret)
{
	const char *wrong = number_parse_range(text, single, first_ret, last_ret);

	if (wrong)
		usage_error(state, "'%s' %s", text, wrong);
	if (number_looks_hexadecimal(text))
		tool_message("%s is taken for decimal: 0x%llx-0x%llx; put 0x before hexadecimal "
			     "numbers",
			     text, (unsigned long long)*first_ret, (unsigned long long)*last_ret);
}

static void parse_kernel(const struct argp_state *state, const char *text,
			 struct pw_regime_options *options)
{
	const char *wrong = word_parse_kernel_options(text, options);

	if (wrong)
		usage_error(state, "'%s' %s", text, wrong);
}

/* A register beside the root. False: @key is another option. */
static bool parse_register(int key, const char *text, const struct argp_state *state,
			   struct pw_registers *registers)
{
	static const struct {
		int key;
		uint32_t known;
		size_t offset;
	} all[] = {
		{ OPTION_PREFIX, PW_REGISTER_PREFIX, offsetof(struct pw_registers, prefix) },
		{ OPTION_CR4, PW_REGISTER_CR4, offsetof(struct pw_registers, cr4) },
		{ OPTION_PAT, PW_REGISTER_PAT, offsetof(struct pw_registers, pat) },
		{ OPTION_MAIR, PW_REGISTER_MAIR, offsetof(struct pw_registers, mair) },
		{ OPTION_TCR, PW_REGISTER_TCR, offsetof(struct pw_registers, tcr) },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		uint64_t number;

		if (all[i].key != key)
			continue;
		number = tool_number(state, text);
		memcpy((char *)registers + all[i].offset, &number, sizeof(number));
		registers->known |= all[i].known;
		return true;
	}
	return false;
}

static long parse_cpu(const struct argp_state *state, const char *text)
{
	uint64_t number;

	if (strcmp(text, "kernel") == 0)
		return TOOL_CPU_KERNEL;
	number = tool_number(state, text);
	if (number > INT32_MAX)
		usage_error(state,
			    "--cpu %s: no source has so many CPUs; `pagewalk info' lists them",
			    text);
	return (long)number;
}

static unsigned parse_jobs(const struct argp_state *state, const char *text)
{
	uint64_t jobs = tool_number(state, text);

	if (jobs == 0)
		usage_error(state, "--jobs is at least 1");
	return jobs < PW_THREADS_MAX ? (unsigned)jobs : PW_THREADS_MAX;
}

static error_t parse_option(int key, char *text, struct argp_state *state)
{
	struct tool_options *options = state->input;
	uint64_t number;

	switch (key) {
	case OPTION_JSON:
		options->json = true;
		return 0;
	case OPTION_FORMAT:
		options->format = text;
		return 0;
	case OPTION_ROOT:
		parse_root(state, text, options);
		return 0;
	case OPTION_PID:
		number = tool_number(state, text);
		if (number == 0 || number > PID_MAX)
			usage_error(state, "--pid %s: Linux numbers processes from 1 to %d", text,
				    PID_MAX);
		options->pid = (long)number;
		return 0;
	case OPTION_ALL:
		options->all = true;
		return 0;
	case OPTION_CPU:
		options->cpu = parse_cpu(state, text);
		return 0;
	case OPTION_VIEW:
		if (strcmp(text, "hardware") == 0)
			options->regime.view = PW_VIEW_HARDWARE;
		else if (strcmp(text, "linux") == 0)
			options->regime.view = PW_VIEW_LINUX;
		else
			usage_error(state, "'%s' is not a view; give hardware or linux", text);
		return 0;
	case OPTION_KERNEL:
		parse_kernel(state, text, &options->regime);
		return 0;
	case OPTION_ENCRYPTION:
		number = tool_number(state, text);
		if (number < 12 || number > 62)
			usage_error(state,
				    "'%s' is not the number of an address bit of an x86 "
				    "entry; give 12 to 62",
				    text);
		options->regime.encryption = UINT64_C(1) << number;
		return 0;
	case OPTION_TRIES:
		number = tool_number(state, text);
		if (number > MOST_TRIES)
			usage_error(state, "--tries %s: give 0 to %d", text, MOST_TRIES);
		options->tries = (unsigned)number;
		return 0;
	case OPTION_JOBS:
		options->jobs = parse_jobs(state, text);
		return 0;
	case OPTION_STOP:
		options->stop = true;
		return 0;
	default:
		return parse_register(key, text, state, &options->regime.registers)
			       ? 0
			       : ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option search_options[] = {
	{ "format", OPTION_FORMAT, "NAME", 0,
	  "Search for tables of this format; any: of every format. Default: the formats of the "
	  "source's machine, and of them the one that explains most tables",
	  1 },
	{ "encryption-bit", OPTION_ENCRYPTION, "N", 0,
	  "x86: bit N of an entry marks encrypted memory (SME, SEV) and is not part of the address",
	  1 },
	{ "json", OPTION_JSON, NULL, 0, "Print one JSON object per line", 6 },
	{ 0 },
};

const struct argp tool_all_argp = { .options = all_options, .parser = parse_option };
const struct argp tool_jobs_argp = { .options = jobs_options, .parser = parse_option };
const struct argp tool_tries_argp = { .options = tries_options, .parser = parse_option };
const struct argp tool_search_argp = { .options = search_options, .parser = parse_option };
const struct argp tool_json_argp = { .options = json_options, .parser = parse_option };
const struct argp tool_walk_argp = { .options = walk_options, .parser = parse_option };

void tool_parse(const struct argp *argp, const char *name, int argc, char **argv,
		struct tool_options *options, void *input)
{
	char title[64];

	*options = (struct tool_options){
		.cpu = TOOL_CPU_ANY, .pid = TOOL_PID_ANY, .tries = TRIES, .jobs = pw_processors()
	};
	snprintf(title, sizeof(title), "pagewalk %s", name);
	argv[0] = title;
	usage_check(argp, title, argc, argv);
	argp_parse(argp, argc, argv, 0, NULL, input);
}
