/* SPDX-License-Identifier: MIT */
/* pagewalk info: describes a source. */
#include "base/escape.h"

#include <string.h>

#include "options.h"
#include "print.h"
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
		state->child_inputs[0] = &arguments->options;
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num > 0)
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

/* The format's name for its root: "CR3". */
static const char *root_name(const char *format_name)
{
	const struct pw_format *format = pw_format_find(format_name);
	struct pw_geometry geometry;

	if (!format)
		return "root";
	pw_format_geometry(format, &geometry);
	return geometry.root_name;
}

/* Registers to mention beside a root of this format. */
static uint32_t registers_of(const char *format_name)
{
	const struct pw_format *format = pw_format_find(format_name);
	struct pw_geometry geometry;

	if (!format)
		return PW_REGISTERS_ALL;
	pw_format_geometry(format, &geometry);
	return geometry.registers;
}

static uint64_t total(const struct pw_segment *segments, size_t count)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < count; i++)
		bytes += segments[i].last - segments[i].first + 1;
	return bytes;
}

/* ---- text ---- */

/* Returns how many lines of a list to print: an image that was cut out of another can have thousands. */
static size_t shown_of(size_t count)
{
	return count > 40 ? 20 : count;
}

static bool print_segments(const struct terminal *terminal, const struct pw_segment *segments,
			   size_t count)
{
	static const char *const columns[] = { "  ", ">FIRST", ">LAST", ">SIZE", NULL };
	struct libscols_table *table = table_new(columns);
	char size[PRINT_TEXT];
	size_t shown = shown_of(count);

	for (size_t i = 0; i < shown; i++)
		table_row(table, "\t0x%llx\t0x%llx\t%s", (unsigned long long)segments[i].first,
			  (unsigned long long)segments[i].last,
			  pw_size_text(segments[i].last - segments[i].first, size));
	if (!table_print(table))
		return false;
	if (shown < count)
		terminal_line(terminal, "     ... and %zu more, up to 0x%llx (--json has them all)",
			      count - shown, (unsigned long long)segments[count - 1].last);
	return true;
}

/* "0x1000", "0x1000, 0x2000", "none, 0x2000", "not known". */
static void roots_text(const struct pw_cpu *cpu, char text[64])
{
	size_t used = 0;

	snprintf(text, 64, "not known");
	for (unsigned i = 0; i < cpu->roots; i++)
		used += (size_t)(cpu->root[i] == PW_ROOT_ABSENT
					 ? snprintf(text + used, 64 - used, "%snone", i ? ", " : "")
					 : snprintf(text + used, 64 - used, "%s0x%llx",
						    i ? ", " : "",
						    (unsigned long long)cpu->root[i]));
}

/* Registers beside the root. */
static const struct {
	const char *name;
	uint32_t known;
	size_t offset;
} registers[] = {
	{ "prefix", PW_REGISTER_PREFIX, offsetof(struct pw_registers, prefix) },
	{ "CR4", PW_REGISTER_CR4, offsetof(struct pw_registers, cr4) },
	{ "PAT", PW_REGISTER_PAT, offsetof(struct pw_registers, pat) },
	{ "MAIR", PW_REGISTER_MAIR, offsetof(struct pw_registers, mair) },
	{ "TCR", PW_REGISTER_TCR, offsetof(struct pw_registers, tcr) },
};

/* Prints the known registers, as text that follows other text, or as members of a JSON object. */
static char *list_registers(const struct pw_cpu *cpu, bool json, char *text, size_t room)
{
	const uint32_t worth = json ? PW_REGISTERS_ALL : registers_of(cpu->format);
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < sizeof(registers) / sizeof(registers[0]) && used < room; i++) {
		unsigned long long number;
		uint64_t value;

		if (!(cpu->registers.known & worth & registers[i].known))
			continue;
		memcpy(&value, (const char *)&cpu->registers + registers[i].offset, sizeof(value));
		number = value;
		if (json)
			used += (size_t)snprintf(text + used, room - used, "%s\"%s\":\"0x%llx\"",
						 used ? "," : "", registers[i].name, number);
		else
			used += (size_t)snprintf(text + used, room - used, "; %s 0x%llx",
						 registers[i].name, number);
	}
	return text;
}

static bool print_cpus(const struct pw_cpu *cpus, size_t count)
{
	static const char *const columns[] = { "  ",    ">LINE", ">CPU", "FORMAT",
					       "ROOTS", "FROM",  NULL };
	struct libscols_table *table = table_new(columns);
	char format[PRINT_TEXT], origin[PRINT_TEXT];
	size_t shown = shown_of(count);

	for (size_t i = 0; i < shown; i++) {
		char roots[64], number[16], more[200];

		roots_text(&cpus[i], roots);
		snprintf(number, sizeof(number), cpus[i].kernel ? "-" : "%u", cpus[i].id);
		table_row(table, "\t%zu\t%s\t%s\t%s\t%s%s", i, number,
			  print_safe(cpus[i].format ? cpus[i].format : "not known", format), roots,
			  print_safe(cpus[i].origin, origin),
			  list_registers(&cpus[i], false, more, sizeof(more)));
	}
	if (!table_print(table))
		return false;
	if (shown < count)
		printf("     ... and %zu more (--json has them all)\n", count - shown);
	return true;
}

static bool print_text(const char *source, const struct pw_memory *memory)
{
	const struct pw_segment *segments;
	const struct pw_cpu *cpus;
	size_t segment_count = pw_memory_segments(memory, &segments);
	size_t cpu_count = pw_memory_cpus(memory, &cpus);
	struct terminal terminal = terminal_plain(false);
	struct pw_kernel kernel;
	const size_t room = 4 * strlen(source) + 1;
	char *safe = malloc(room);
	const char *remark;
	bool rooted = false;

	if (!safe)
		return false;
	terminal_line(&terminal, "%s: %s", pw_escape_text(source, safe, room),
		      pw_memory_title(memory));
	free(safe);
	if (tool_find_kernel(memory, true, &kernel))
		terminal_line(&terminal, "kernel: Linux %s (by %s)", kernel.release, kernel.origin);
	printf("\nmemory:\n");
	if (!print_segments(&terminal, segments, segment_count))
		return false;
	if (cpu_count > 0) {
		printf("\nCPUs, or address spaces:\n");
		if (!print_cpus(cpus, cpu_count))
			return false;
	}
	for (size_t i = 0; i < cpu_count; i++)
		rooted |= cpus[i].roots > 0;
	if (!rooted)
		printf("\nThe source does not say where page tables begin: give --format and "
		       "--root to look at them.\n");
	for (size_t i = 0; (remark = pw_memory_remark(memory, i)); i++)
		terminal_line(&terminal, "%sremark: %s", i ? "" : "\n", remark);
	return true;
}

/* ---- JSON: one object for the source, one for the kernel, each segment, CPU and remark ---- */

static void print_json(const char *source, const struct pw_memory *memory)
{
	const struct pw_segment *segments;
	const struct pw_cpu *cpus;
	size_t segment_count = pw_memory_segments(memory, &segments);
	size_t cpu_count = pw_memory_cpus(memory, &cpus);
	struct pw_kernel kernel;
	const char *remark;
	char more[300];

	printf("{\"source\":");
	print_json_string(source);
	printf(",\"title\":");
	print_json_string(pw_memory_title(memory));
	pw_json_number(stdout, "bytes", total(segments, segment_count));
	printf(",\"segments\":%zu,\"cpus\":%zu,\"status\":\"ok\"}\n", segment_count, cpu_count);
	if (tool_find_kernel(memory, true, &kernel)) {
		printf("{\"kernel\":");
		print_json_string(kernel.release);
		printf(",\"version\":\"%u.%u\",\"origin\":", kernel.version / 256u,
		       kernel.version % 256u);
		print_json_string(kernel.origin);
		printf(",\"status\":\"ok\"}\n");
	}
	for (size_t i = 0; i < segment_count; i++) {
		printf("{\"segment\":%zu,\"pa\":\"0x%llx\"", i,
		       (unsigned long long)segments[i].first);
		print_json_length(segments[i].first, segments[i].last);
		printf(",\"status\":\"ok\"}\n");
	}
	for (size_t i = 0; i < cpu_count; i++) {
		printf("{\"line\":%zu,\"cpu\":", i);
		if (cpus[i].kernel)
			printf("null");
		else
			printf("%u", cpus[i].id);
		printf(",\"format\":");
		if (cpus[i].format)
			print_json_string(cpus[i].format);
		else
			printf("null");
		printf(",\"root_name\":");
		print_json_string(root_name(cpus[i].format));
		printf(",\"roots\":[");
		for (unsigned n = 0; n < cpus[i].roots; n++)
			if (cpus[i].root[n] == PW_ROOT_ABSENT)
				printf("%snull", n ? "," : "");
			else
				printf("%s\"0x%llx\"", n ? "," : "",
				       (unsigned long long)cpus[i].root[n]);
		printf("],\"origin\":");
		print_json_string(cpus[i].origin);
		printf(",\"registers\":{%s},\"status\":\"ok\"}\n",
		       list_registers(&cpus[i], true, more, sizeof(more)));
	}
	for (size_t i = 0; (remark = pw_memory_remark(memory, i)); i++) {
		printf("{\"remark\":");
		print_json_string(remark);
		printf(",\"status\":\"ok\"}\n");
	}
}

static const char description[] =
	"Describe a source: its memory, its CPUs with their roots, and the origin of each root."
	"\v"
	"Exit status: 0 done, 2 wrong usage or input.";

int tool_info(int argc, char **argv)
{
	static const struct argp_child children[] = { { &tool_json_argp, 0, NULL, 0 }, { 0 } };
	static const struct argp argp = {
		NULL, parse, "SOURCE", description, children, NULL, NULL
	};
	struct arguments arguments = { 0 };
	struct pw_memory *memory;
	struct pw_error error;
	int status = TOOL_DONE;

	tool_parse(&argp, "info", argc, argv, &arguments.options, &arguments);
	if (pw_memory_open(arguments.source, &memory, &error))
		return tool_fail("%s", error.text);
	/* A memory may lack VMCOREINFO. */
	pw_memory_find_vmcoreinfo(memory, TOOL_KERNEL_SEARCH, NULL);
	if (arguments.options.json)
		print_json(arguments.source, memory);
	else if (!print_text(arguments.source, memory))
		status = tool_fail("out of memory");
	pw_memory_close(memory);
	return tool_finish(status);
}
