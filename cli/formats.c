/* SPDX-License-Identifier: MIT */
/* pagewalk formats: every format with its geometry. */
#include <string.h>

#include "options.h"
#include "print.h"
#include "table.h"
#include "terminal.h"
#include "usage.h"

struct arguments {
	struct tool_options options;
	struct terminal terminal;
};

static error_t parse(int key, char *text, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &arguments->options;
		state->child_inputs[1] = &arguments->terminal;
		return 0;
	case ARGP_KEY_ARG:
		usage_error(state, "formats takes no arguments; leave '%s' out", text);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* "9 9 9 9 | 12": the index bits of each level, from the top, and the offset bits. */
static void describe_levels(const struct pw_geometry *geometry, char text[PRINT_TEXT])
{
	int used = 0;

	for (unsigned level = geometry->levels; level-- > 0;)
		used += snprintf(text + used, (size_t)(PRINT_TEXT - used), "%u ",
				 geometry->bits[level]);
	snprintf(text + used, (size_t)(PRINT_TEXT - used), "| %u", geometry->shift[0]);
}

/* "4K 2M 1G" */
static void describe_pages(const struct pw_geometry *geometry, char text[PRINT_TEXT])
{
	static const char units[] = "BKMGTPE";
	int used = 0;

	for (unsigned level = 0; level < geometry->levels; level++)
		if (geometry->leaf_levels & (1u << level))
			used += snprintf(text + used, (size_t)(PRINT_TEXT - used), "%s%u%c",
					 used ? " " : "", 1u << geometry->shift[level] % 10,
					 units[geometry->shift[level] / 10]);
}

static bool print_text(void)
{
	static const char *const columns[] = { "NAME", ">ADDRESS BITS", "PAGES", "ENTRY",
					       "ROOT", "WHAT",          NULL };
	struct libscols_table *table = table_new(columns);
	const struct pw_format *format;

	for (size_t i = 0; (format = pw_format_at(i)); i++) {
		char levels[PRINT_TEXT], pages[PRINT_TEXT];
		struct pw_geometry geometry;

		pw_format_geometry(format, &geometry);
		describe_levels(&geometry, levels);
		describe_pages(&geometry, pages);
		table_row(table, "%s\t%s\t%s\t%u %s\t%s\t%s", geometry.name, levels, pages,
			  geometry.entry_bytes, geometry.big_endian ? "BE" : "LE",
			  geometry.root_name, geometry.title);
	}
	return table_print(table);
}

enum { TABLE_WIDTH = 150, INDENT = 4 };

/* For terminals that are narrower than the table: a paragraph for each format. */
static void print_paragraphs(const struct terminal *terminal)
{
	const struct pw_format *format;

	for (size_t i = 0; (format = pw_format_at(i)); i++) {
		char levels[PRINT_TEXT], pages[PRINT_TEXT], text[4 * PRINT_TEXT];
		struct pw_geometry geometry;
		unsigned column;

		pw_format_geometry(format, &geometry);
		describe_levels(&geometry, levels);
		describe_pages(&geometry, pages);
		terminal_colour(terminal, TERMINAL_BOLD);
		column = terminal_words(terminal, geometry.name, 0, 0);
		terminal_colour(terminal, TERMINAL_PLAIN);
		snprintf(text, sizeof(text), "  %s", geometry.title);
		terminal_words(terminal, text, column, INDENT);
		snprintf(text, sizeof(text), "%s; pages %s; entries of %u bytes, %s; root %s",
			 levels, pages, geometry.entry_bytes, geometry.big_endian ? "BE" : "LE",
			 geometry.root_name);
		printf("\n%*s", INDENT, "");
		terminal_words(terminal, text, INDENT, INDENT);
		putchar('\n');
	}
}

static void print_json(void)
{
	const struct pw_format *format;

	for (size_t i = 0; (format = pw_format_at(i)); i++) {
		struct pw_geometry geometry;

		pw_format_geometry(format, &geometry);
		printf("{\"name\":");
		print_json_string(geometry.name);
		printf(",\"title\":");
		print_json_string(geometry.title);
		printf(",\"root\":");
		print_json_string(geometry.root_name);
		printf(",\"roots\":%u,\"entry_bytes\":%u,\"big_endian\":%s,\"levels\":[",
		       geometry.max_roots, geometry.entry_bytes,
		       geometry.big_endian ? "true" : "false");
		for (unsigned level = geometry.levels; level-- > 0;)
			printf("{\"level\":\"%s\",\"shift\":%u,\"bits\":%u,\"leaf\":%s}%s",
			       geometry.level_name[level], geometry.shift[level],
			       geometry.bits[level],
			       geometry.leaf_levels & (1u << level) ? "true" : "false",
			       level ? "," : "");
		printf("],\"status\":\"ok\"}\n");
	}
}

static const char description[] =
	"List every format: how it cuts an address (index bits of each level from the top, | offset "
	"bits), its page sizes, the bytes and byte order of an entry, and its root word."
	"\v"
	"Exit status: 0 done, 2 wrong usage.";

int tool_formats(int argc, char **argv)
{
	static const struct argp_child children[] = { { &tool_json_argp, 0, NULL, 0 },
						      { &terminal_argp, 0, NULL, 0 },
						      { 0 } };
	static const struct argp argp = { NULL, parse, NULL, description, children, NULL, NULL };
	struct arguments arguments = { 0 };

	tool_parse(&argp, "formats", argc, argv, &arguments.options, &arguments);
	terminal_look(&arguments.terminal, arguments.options.json);
	terminal_page(&arguments.terminal);
	if (arguments.options.json)
		print_json();
	else if (arguments.terminal.width > 0 && arguments.terminal.width < TABLE_WIDTH)
		print_paragraphs(&arguments.terminal);
	else if (!print_text())
		return tool_fail("out of memory");
	return tool_finish(TOOL_DONE);
}
