/* SPDX-License-Identifier: MIT */
/* The options that subcommands share, and the source, format and root that they choose. */
#include "options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "machine.h"
#include "number.h"
#include "remark.h"
#include "usage.h"
#include "word.h"

enum {
	OPTION_FORMAT = 0x100,
	OPTION_ROOT,
	OPTION_CPU,
	OPTION_VIEW,
	OPTION_KERNEL,
	OPTION_ENCRYPTION,
	OPTION_PREFIX,
	OPTION_CR4,
	OPTION_PAT,
	OPTION_MAIR,
	OPTION_TCR,
	OPTION_JSON,
};

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
	  "TTBR0 and TTBR1. Default: the first root that the source knows",
	  1 },
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
	{ NULL, 0, NULL, 0, "Results:", 6 },
	{ "json", OPTION_JSON, NULL, 0, "Print one JSON object per line", 6 },
	{ 0 },
};

uint64_t tool_number(const struct argp_state *state, const char *text)
{
	uint64_t number = 0;
	const char *wrong = number_parse(text, &number);

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
		if (options->roots == PW_MAX_ROOTS)
			usage_error(state,
				    "--root can be given at most twice: an address space has "
				    "one root or two (TTBR0 and TTBR1)");
		options->root[options->roots++] = tool_number(state, text);
		return 0;
	case OPTION_CPU:
		if (strcmp(text, "kernel") == 0) {
			options->cpu = TOOL_CPU_KERNEL;
			return 0;
		}
		number = tool_number(state, text);
		if (number > INT32_MAX)
			usage_error(
				state,
				"--cpu %s: no source has so many CPUs; `pagewalk info' lists them",
				text);
		options->cpu = (long)number;
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
	default:
		return parse_register(key, text, state, &options->regime.registers)
			       ? 0
			       : ARGP_ERR_UNKNOWN;
	}
}

const struct argp tool_json_argp = { .options = json_options, .parser = parse_option };
const struct argp tool_walk_argp = { .options = walk_options, .parser = parse_option };

void tool_parse(const struct argp *argp, const char *name, int argc, char **argv,
		struct tool_options *options, void *input)
{
	char title[64];

	*options = (struct tool_options){ .cpu = TOOL_CPU_ANY };
	snprintf(title, sizeof(title), "pagewalk %s", name);
	argv[0] = title;
	usage_check(argp, title, argc, argv);
	argp_parse(argp, argc, argv, 0, NULL, input);
}

int tool_open_memory(const char *source, struct pw_memory **memory_ret)
{
	struct pw_error error;
	const char *remark;

	if (pw_memory_open(source, memory_ret, &error))
		return tool_fail("%s", error.text);
	for (size_t i = 0; (remark = pw_memory_remark(*memory_ret, i)); i++)
		tool_message("%s: %s", source, remark);
	return 0;
}

/* ---- which format ---- */

static bool is_file_name(const char *name)
{
	size_t length = strlen(name);

	return strchr(name, '/') || (length > 4 && strcmp(name + length - 4, ".pwf") == 0) ||
	       access(name, F_OK) == 0;
}

static int find_format(const char *name, struct tool_input *input)
{
	const char *names[64];
	const char *nearest;
	size_t count = 0;
	struct pw_error error;

	input->format = pw_format_find(name);
	if (input->format)
		return 0;
	if (is_file_name(name)) {
		if (pw_format_load(name, &input->loaded, &error))
			return tool_fail("%s", error.text);
		input->format = input->loaded;
		input->description = name;
		return 0;
	}
	for (const struct pw_format *format; count < 64 && (format = pw_format_at(count));) {
		struct pw_geometry geometry;

		pw_format_geometry(format, &geometry);
		names[count++] = geometry.name;
	}
	nearest = tool_nearest(name, names, count);
	if (nearest)
		return tool_fail("there is no format '%s'; did you mean %s? `pagewalk formats' "
				 "lists them all",
				 name, nearest);
	return tool_fail("there is no format '%s', and no file of that name that describes one; "
			 "`pagewalk formats' lists them all",
			 name);
}

/* Is a word of the title among @machines: "riscv64" among "riscv64 riscv32"? */
static bool fits(const char *title, const char *machines)
{
	static const char between[] = " ,()";

	for (const char *machine = machines; machine && *machine;) {
		size_t length = strcspn(machine, " ");

		for (const char *word = title; *word;) {
			size_t bytes = strcspn(word, between);

			if (bytes == length && strncmp(word, machine, length) == 0)
				return true;
			word += bytes + strspn(word + bytes, between);
		}
		machine += length + strspn(machine + length, " ");
	}
	return false;
}

/* "--format x86_64 or x86_64_la57": those that fit the title of the source, or nothing. */
static void list_fitting(const struct pw_memory *memory, char *text, size_t room)
{
	const char *title = pw_memory_title(memory);
	const struct pw_format *format;
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; (format = pw_format_at(i)); i++) {
		struct pw_geometry geometry;

		pw_format_geometry(format, &geometry);
		if (fits(title, geometry.machines) && used < room)
			used += (size_t)snprintf(text + used, room - used, "%s%s", used ? ", " : "",
						 geometry.name);
	}
}

static int refuse_unknown_format(const struct tool_input *input)
{
	char fitting[300];

	list_fitting(input->memory, fitting, sizeof(fitting));
	if (fitting[0])
		return tool_fail("%s (%s) does not say in which format its page tables are: give "
				 "--format NAME and --root WORD. These could fit: %s",
				 input->source, pw_memory_title(input->memory), fitting);
	return tool_fail("%s (%s) does not say in which format its page tables are: give --format "
			 "NAME and --root WORD; `pagewalk formats' lists the names and what their "
			 "roots are",
			 input->source, pw_memory_title(input->memory));
}

/* ---- which root ---- */

/* The CPU to take roots from: the one asked for, or the first that has any. NULL: none. */
static const struct pw_cpu *choose_cpu(const struct tool_options *options,
				       const struct tool_input *input)
{
	const struct pw_cpu *cpus;
	size_t count = pw_memory_cpus(input->memory, &cpus);

	if (options->cpu >= 0)
		return (size_t)options->cpu < count ? &cpus[options->cpu] : NULL;
	for (size_t i = 0; options->cpu == TOOL_CPU_KERNEL && i < count; i++)
		if (cpus[i].kernel)
			return &cpus[i];
	if (options->cpu == TOOL_CPU_KERNEL)
		return NULL;
	for (size_t i = 0; i < count; i++)
		if (cpus[i].roots > 0)
			return &cpus[i];
	return count > 0 ? &cpus[0] : NULL;
}

static int refuse_cpu(const struct tool_options *options, const struct tool_input *input)
{
	const struct pw_cpu *cpus;
	size_t count = pw_memory_cpus(input->memory, &cpus);

	if (options->cpu == TOOL_CPU_KERNEL)
		return tool_fail("--cpu kernel: %s has no VMCOREINFO that says where the kernel's "
				 "own page tables are; give --root WORD, or --cpu N from `pagewalk "
				 "info %s'",
				 input->source, input->source);
	return tool_fail("--cpu %ld: %s describes %zu CPUs or address spaces; `pagewalk info %s' "
			 "lists them, from line 0 on",
			 options->cpu, input->source, count, input->source);
}

/* The user's values take precedence over the source's. */
static struct pw_registers combine(const struct pw_registers *given, const struct pw_registers *cpu)
{
	struct pw_registers both = *cpu;

	both.known |= given->known;
	both.prefix = given->known & PW_REGISTER_PREFIX ? given->prefix : cpu->prefix;
	both.cr4 = given->known & PW_REGISTER_CR4 ? given->cr4 : cpu->cr4;
	both.pat = given->known & PW_REGISTER_PAT ? given->pat : cpu->pat;
	both.mair = given->known & PW_REGISTER_MAIR ? given->mair : cpu->mair;
	both.tcr = given->known & PW_REGISTER_TCR ? given->tcr : cpu->tcr;
	return both;
}

int tool_regime(const struct pw_regime_options *options, const struct pw_format *format,
		const uint64_t *root, unsigned count, const struct pw_cpu *cpu,
		struct pw_regime *regime)
{
	struct pw_regime_options more = *options;
	struct pw_error error;

	if (cpu)
		more.registers = combine(&options->registers, &cpu->registers);
	if (pw_regime_init(regime, format, root, count, &more, &error))
		return tool_fail("%s", error.text);
	return 0;
}

static int use_cpu(const struct pw_cpu *cpu, struct tool_input *input)
{
	struct pw_geometry geometry;
	const struct pw_cpu *cpus;
	size_t count = pw_memory_cpus(input->memory, &cpus);
	char words[64], others[80] = "", from[80];

	pw_format_geometry(input->format, &geometry);
	if (!cpu)
		return tool_fail("%s (%s) does not say where its page tables begin: give --root "
				 "WORD (for %s: %s)",
				 input->source, pw_memory_title(input->memory), geometry.name,
				 geometry.root_name);
	if (cpu->roots == 0)
		return tool_fail(
			"%s says of CPU %u only \"%s\", and does not say where its page tables "
			"begin: give --root WORD (for %s: %s)",
			input->source, cpu->id, cpu->origin, geometry.name, geometry.root_name);
	if (tool_regime(&input->regime_options, input->format, cpu->root, cpu->roots, cpu,
			&input->regime))
		return TOOL_FAILED;
	if (cpu->kernel)
		snprintf(from, sizeof(from), "%s", cpu->origin);
	else
		snprintf(from, sizeof(from), "CPU %u: %s", cpu->id, cpu->origin);
	if (cpu->roots > 1 && cpu->root[0] == PW_ROOT_ABSENT)
		snprintf(words, sizeof(words), "the second root 0x%llx alone",
			 (unsigned long long)cpu->root[1]);
	else
		snprintf(words, sizeof(words),
			 cpu->roots > 1 ? "roots 0x%llx, 0x%llx" : "root 0x%llx",
			 (unsigned long long)cpu->root[0], (unsigned long long)cpu->root[1]);
	if (count > 1)
		snprintf(others, sizeof(others), "; `pagewalk info' lists %zu, --cpu chooses",
			 count);
	tool_message("using %s, %s (%s%s)", geometry.name, words, from, others);
	return 0;
}

static int decide(const struct tool_options *options, bool need_root, struct tool_input *input)
{
	const struct pw_cpu *cpu = choose_cpu(options, input);

	if (options->cpu != TOOL_CPU_ANY && !cpu)
		return refuse_cpu(options, input);
	if (options->format) {
		if (find_format(options->format, input))
			return TOOL_FAILED;
	} else {
		if (!cpu || !cpu->format)
			return refuse_unknown_format(input);
		input->format = pw_format_find(cpu->format);
		if (!input->format)
			return tool_fail("%s names the format '%s', which this pagewalk does not "
					 "know; if it is a description of your own, give its file: "
					 "--format FILE",
					 input->source, cpu->format);
	}
	tool_decide_kernel(options, input);
	if (options->roots > 0)
		return tool_regime(&input->regime_options, input->format, options->root,
				   options->roots, options->cpu != TOOL_CPU_ANY ? cpu : NULL,
				   &input->regime);
	return need_root ? use_cpu(cpu, input) : 0;
}

static bool is_in_memory(const struct pw_memory *memory, pw_pa first, uint64_t bytes)
{
	const struct pw_segment *segments;
	size_t count = pw_memory_segments(memory, &segments);

	for (size_t i = 0; i < count; i++)
		if (segments[i].last >= first && segments[i].first <= first + (bytes - 1))
			return true;
	return false;
}

/*
 * Refuses an address space if the memory has none of its top tables. One of two may be missing: then the
 * answers say so.
 */
static int check_roots(const struct tool_input *input)
{
	const struct pw_regime *regime = &input->regime;
	struct pw_geometry geometry;

	pw_format_geometry(input->format, &geometry);
	for (unsigned i = 0; i < regime->spans; i++)
		if (is_in_memory(input->memory, regime->span[i].table,
				 (uint64_t)geometry.entry_bytes << regime->span[i].top_bits))
			return 0;
	if (regime->spans == 0)
		return 0;
	return tool_fail(
		"root 0x%llx: the %s table at 0x%llx is not in the memory that %s has. Is it "
		"a %s of format %s? `pagewalk info' lists the memory, and the roots that "
		"the source knows of",
		(unsigned long long)regime->root[0],
		pw_level_name(input->format, regime->span[0].top),
		(unsigned long long)regime->span[0].table, input->source, geometry.root_name,
		geometry.name);
}

/* Remarks on assumptions that the answers depend on. */
static void say_assumptions(const struct tool_input *input)
{
	char machine[40];
	struct pw_geometry geometry;

	pw_format_geometry(input->format, &geometry);
	if (machine_other(pw_memory_title(input->memory), geometry.machines, machine,
			  sizeof(machine)))
		tool_message(
			"%s is from a machine (%s) that does not use format %s, so these are probably not its page tables; give another --format",
			input->source, machine, geometry.name);
	remark_regime(input);
}

int tool_open(const struct tool_options *options, const char *source, bool need_root,
	      struct tool_input *input)
{
	*input = (struct tool_input){ .source = source };
	if (tool_open_memory(source, &input->memory))
		return TOOL_FAILED;
	if (decide(options, need_root, input) == 0 && check_roots(input) == 0) {
		say_assumptions(input);
		return 0;
	}
	tool_close(input);
	return TOOL_FAILED;
}

void tool_close(struct tool_input *input)
{
	if (input->loaded)
		pw_format_unload(input->loaded);
	pw_memory_close(input->memory);
}

int tool_check_memory(const struct tool_input *input)
{
	struct pw_error error;

	return pw_memory_check(input->memory, &error) ? tool_fail("%s", error.text) : 0;
}
