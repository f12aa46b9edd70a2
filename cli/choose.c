/* SPDX-License-Identifier: MIT */
/* The source, format and root that a subcommand works on: by options, by the source, or by a search. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "infer.h"
#include "live.h"
#include "machine.h"
#include "options.h"
#include "remark.h"
#include "search.h"
#include "terminal.h"

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

/* A short name is taken for one of several formats, which should be said. */
static void say_alias(const char *name, const struct pw_format *format)
{
	struct pw_geometry geometry;

	pw_format_geometry(format, &geometry);
	if (strcmp(name, geometry.name) != 0)
		tool_message("'%s' is taken for %s (%s); `pagewalk formats' lists the others", name,
			     geometry.name, geometry.title);
}

static int find_format(const char *name, struct tool_input *input)
{
	const char *names[64];
	const char *nearest;
	size_t count = 0;
	struct pw_error error;

	input->format = pw_format_find(name);
	if (input->format) {
		say_alias(name, input->format);
		return 0;
	}
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

/* A register that the format does not have would be given in vain: it is a mistake of the user. */
static int refuse_registers(const struct tool_options *options, const struct pw_format *format)
{
	static const struct {
		uint32_t known;
		const char *option;
	} all[] = {
		{ PW_REGISTER_PREFIX, "--prefix" }, { PW_REGISTER_CR4, "--cr4" },
		{ PW_REGISTER_PAT, "--pat" },       { PW_REGISTER_MAIR, "--mair" },
		{ PW_REGISTER_TCR, "--tcr" },
	};
	const struct pw_registers *given = &options->regime.registers;
	struct pw_geometry geometry;

	pw_format_geometry(format, &geometry);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (given->known & ~geometry.registers & all[i].known)
			return tool_fail("%s: %s tables do not depend on such a register; leave it "
					 "out, or give another --format",
					 all[i].option, geometry.name);
	return 0;
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
		return tool_fail(
			"--cpu kernel: %s has no VMCOREINFO, nor does its memory, that says where "
			"the kernel's own page tables are; give --root WORD, or --cpu N from `pagewalk "
			"info %s'",
			input->source, input->source);
	return tool_fail("--cpu %ld: %s describes %zu CPU%s or address space%s; `pagewalk info %s' "
			 "lists them, from line 0 on",
			 options->cpu, input->source, count, count == 1 ? "" : "s",
			 count == 1 ? "" : "s", input->source);
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
	snprintf(input->chosen, sizeof(input->chosen), "%s, %s (%s)", geometry.name, words, from);
	tool_message("using %s, %s (%s%s)", geometry.name, words, from, others);
	return 0;
}

/* ---- a search for roots ---- */

/* Uses a root that was found. 0, or TOOL_FAILED after a message. */
static int use_root(const struct pw_root *root, struct tool_input *input)
{
	const struct pw_cpu *cpus;
	size_t count = pw_memory_cpus(input->memory, &cpus);
	const struct pw_cpu *cpu = root->cpu >= 0 && (size_t)root->cpu < count ? &cpus[root->cpu]
									       : NULL;

	input->format = pw_format_find(root->format);
	return tool_regime(&input->regime_options, input->format, root->root, root->roots, cpu,
			   &input->regime);
}

/* Says that the search found nothing, and what to give. */
static int refuse_unfound(const struct tool_input *input)
{
	const char *title = pw_memory_title(input->memory);
	struct pw_geometry geometry;

	if (machine_is_unpaged(input->memory))
		return tool_fail(
			"%s (%s) has no page tables now: its CPUs run without them, as firmware "
			"does and a machine that has not started, and none were found in its "
			"memory. Ask again when its system runs; or give --format and --root",
			input->source, title);
	if (!input->format)
		return tool_fail("%s (%s) does not say where its page tables begin, and none were "
				 "found in it: give --format NAME and --root WORD; `pagewalk "
				 "formats' lists the names and what their roots are",
				 input->source, title);
	pw_format_geometry(input->format, &geometry);
	return tool_fail("%s (%s) does not say where its page tables begin, and none of format %s "
			 "were found in it: give --root WORD (%s), or another --format",
			 input->source, title, geometry.name, geometry.root_name);
}

/* Says that the process has no root that is known, and what to give. */
static int refuse_process(const struct tool_input *input, const struct search *found, long pid)
{
	if (search_knows_processes(found))
		return tool_fail("--pid %ld: no root of such a process was found in %s; `pagewalk "
				 "roots %s' lists those that were. Threads of the kernel have "
				 "none, threads of a process share the process's",
				 pid, input->source, input->source);
	return tool_fail(
		"--pid %ld: %s does not show which process has which root: a Linux "
		"kernel's list of processes was not found in it. `pagewalk roots %s' lists "
		"the roots, --root N chooses one",
		pid, input->source, input->source);
}

/*
 * The root that the options name; without a name: the kernel's, or the first that there is. While no CPU has page tables,
 * few good tables are more likely to be none, or left from before a reset.
 */
static const struct pw_root *choose_root(const struct tool_options *options,
					 const struct pw_memory *memory, const struct search *found)
{
	if (options->pid != TOOL_PID_ANY)
		return search_process(found, options->pid);
	if (options->name)
		return search_find(found, options->name);
	if (found->count == 0 ||
	    (found->root[0].proof == PW_ROOT_THIN && machine_is_unpaged(memory)))
		return NULL;
	return &found->root[0];
}

/* Searches for the root that the options name. */
static int search(const struct tool_options *options, struct tool_input *input)
{
	const char *name = options->name;
	const struct pw_root *root;
	struct search found;
	char words[64], owner[120];
	int status;

	if (search_roots(input->memory, input->format, false, &input->regime_options, options->jobs,
			 &found))
		return TOOL_FAILED;
	root = choose_root(options, input->memory, &found);
	if (!root && options->pid != TOOL_PID_ANY && found.count > 0) {
		status = refuse_process(input, &found, options->pid);
		free(found.root);
		return status;
	}
	if (!root) {
		free(found.root);
		if (name && found.count > 0)
			return tool_fail(
				"--root %s: %s has no such root; `pagewalk roots %s' lists "
				"the %zu that it has",
				name, input->source, input->source, found.count);
		return refuse_unfound(input);
	}
	search_words(root, words);
	search_owner(root, owner);
	snprintf(input->chosen, sizeof(input->chosen), "%s, root %s (%s)", root->format, words,
		 owner);
	tool_message(
		"using %s, root %s (%s, found by its tables; `pagewalk roots' lists %zu, --root "
		"chooses)",
		root->format, words, owner, found.count);
	status = use_root(root, input);
	free(found.root);
	return status;
}

/* Must roots be searched for, because neither the options nor the source have one? */
static bool must_search(const struct tool_options *options, const struct pw_cpu *cpu,
			bool need_root)
{
	if (options->name || options->pid != TOOL_PID_ANY)
		return true;
	return need_root && options->roots == 0 && options->cpu == TOOL_CPU_ANY &&
	       (!cpu || cpu->roots == 0 || (!options->format && !cpu->format));
}

/*
 * Looks for VMCOREINFO in memory where the kernel's root is wanted and the source does not have one. Without it,
 * roots are searched for.
 */
static void find_vmcoreinfo(const struct tool_options *options, struct tool_input *input,
			    bool need_root)
{
	const struct pw_cpu *cpu = choose_cpu(options, input);

	if (options->cpu == TOOL_CPU_KERNEL ? !cpu : must_search(options, cpu, need_root))
		pw_memory_find_vmcoreinfo(input->memory, UINT64_MAX, NULL);
}

static int decide(const struct tool_options *options, bool need_root, struct tool_input *input)
{
	const struct pw_cpu *cpu;

	find_vmcoreinfo(options, input, need_root);
	cpu = choose_cpu(options, input);
	if (options->pid != TOOL_PID_ANY &&
	    (options->roots > 0 || options->name || options->cpu != TOOL_CPU_ANY))
		return tool_fail("--pid says which root: leave out --root and --cpu");
	if (options->cpu != TOOL_CPU_ANY && !cpu)
		return refuse_cpu(options, input);
	if (options->format && find_format(options->format, input))
		return TOOL_FAILED;
	if (must_search(options, cpu, need_root)) {
		tool_decide_kernel(options, input);
		return search(options, input);
	}
	if (!options->format && options->roots > 0) {
		if (infer_format(options, cpu ? cpu->format : NULL, input))
			return TOOL_FAILED;
	} else if (!options->format) {
		if (!cpu || !cpu->format)
			return infer_refuse(input);
		input->format = pw_format_find(cpu->format);
		if (!input->format)
			return tool_fail("%s names the format '%s', which this pagewalk does not "
					 "know; if it is a description of your own, give its file: "
					 "--format FILE",
					 input->source, cpu->format);
	}
	if (refuse_registers(options, input->format))
		return TOOL_FAILED;
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
		"%s %s of format %s? `pagewalk info' lists the memory, and the roots that "
		"the source knows of",
		(unsigned long long)regime->root[0],
		pw_level_name(input->format, regime->span[0].top),
		(unsigned long long)regime->span[0].table, input->source,
		strchr("AEIO", geometry.root_name[0]) ? "an" : "a", geometry.root_name,
		geometry.name);
}

/* Remarks on assumptions that the answers depend on. */
static void say_assumptions(const struct tool_input *input)
{
	char text[40];
	const char *machine = machine_of(input->memory, text, sizeof(text));
	struct pw_geometry geometry;

	pw_format_geometry(input->format, &geometry);
	if (!machine_fits(machine, geometry.machines))
		tool_message(
			"%s is from a machine (%s) that does not use format %s, so these are probably not its page tables; give another --format",
			input->source, machine, geometry.name);
	remark_regime(input);
}

int tool_open_search(const struct tool_options *options, const char *source,
		     struct tool_input *input)
{
	*input = (struct tool_input){ .source = source,
				      .tries = options->tries,
				      .limit = UINT64_MAX };
	if (tool_open_memory(source, &input->memory))
		return TOOL_FAILED;
	if (live_stop(options, input) || (options->format && find_format(options->format, input))) {
		tool_close(input);
		return TOOL_FAILED;
	}
	/* VMCOREINFO tells which root is the kernel's. The search goes on without it, too. */
	pw_memory_find_vmcoreinfo(input->memory, UINT64_MAX, NULL);
	tool_decide_kernel(options, input);
	return 0;
}

int tool_open(const struct tool_options *options, const char *source, bool need_root,
	      struct tool_input *input)
{
	*input = (struct tool_input){ .source = source,
				      .tries = options->tries,
				      .limit = UINT64_MAX };
	if (tool_open_memory(source, &input->memory))
		return TOOL_FAILED;
	if (live_stop(options, input) == 0 && decide(options, need_root, input) == 0 &&
	    check_roots(input) == 0) {
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

	switch (pw_memory_check(input->memory, &error)) {
	case 0:
		return 0;
	case -ESTALE:
		return tool_fail("%s. Start again when its system runs", error.text);
	default:
		return tool_fail("%s", error.text);
	}
}

/* ---- every root ---- */

static void print_heading(const struct search *found, size_t number, bool json)
{
	const struct terminal terminal = terminal_plain(json);
	const struct pw_root *root = &found->root[number];
	char name[24], words[64], owner[120];

	search_name(found, number, name);
	search_words(root, words);
	search_owner(root, owner);
	if (json)
		printf("{\"space\":\"%s\",\"format\":\"%s\",\"table\":\"0x%llx\",\"status\":\"ok\"}\n",
		       name, root->format, (unsigned long long)root->table);
	else
		terminal_line(&terminal, "%s%s: %s, root %s (%s)", number ? "\n" : "", name,
			      root->format, words, owner);
}

/* A process's own half ends where the kernel's begins, if all share that. */
static pw_va limit_of(const struct search *found, const struct tool_input *input, size_t number)
{
	const struct pw_regime *regime = &input->regime;

	if (found->root[0].owner != PW_ROOT_KERNEL || number == 0 || regime->spans < 2)
		return UINT64_MAX;
	return regime->span[0].last;
}

static int each(const struct tool_options *options, struct tool_input *input, bool any,
		tool_one_fn *one, void *context)
{
	int status = any ? TOOL_NOTHING : TOOL_DONE;
	struct search found;

	if (search_roots(input->memory, input->format, false, &input->regime_options, options->jobs,
			 &found))
		return TOOL_FAILED;
	for (size_t i = 0; i < found.count && status != TOOL_FAILED && !tool_stopped(); i++) {
		int result;

		if (use_root(&found.root[i], input)) {
			status = TOOL_FAILED;
			break;
		}
		input->limit = limit_of(&found, input, i);
		print_heading(&found, i, options->json);
		result = one(context, input);
		if (result == TOOL_FAILED || (any ? result < status : result > status))
			status = result;
	}
	if (found.count == 0)
		status = tool_fail("--all: no root was found in %s; `pagewalk roots' says more",
				   input->source);
	free(found.root);
	return status;
}

int tool_each(const struct tool_options *options, const char *source, bool any, tool_one_fn *one,
	      void *context)
{
	struct tool_input input;
	int status;

	if (options->all && (options->roots > 0 || options->name || options->pid != TOOL_PID_ANY ||
			     options->cpu != TOOL_CPU_ANY))
		return tool_fail("--all means every root: leave out --root, --pid and --cpu");
	if (options->all ? tool_open_search(options, source, &input)
			 : tool_open(options, source, true, &input))
		return TOOL_FAILED;
	tool_catch_interrupts();
	status = options->all ? each(options, &input, any, one, context) : one(context, &input);
	tool_close(&input);
	return status;
}
