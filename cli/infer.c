/* SPDX-License-Identifier: MIT */
/* Which formats fit a source, and which of them take the words of its roots. */
#include "infer.h"

#include <string.h>

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

static int decode(const struct tool_options *options, const struct pw_format *format,
		  struct pw_error *error)
{
	struct pw_regime regime;

	return pw_regime_init(&regime, format, options->root, options->roots, &options->regime,
			      error);
}

void infer_names(const struct pw_memory *memory, const struct tool_options *options,
		 struct infer_names *names_ret)
{
	const char *title = pw_memory_title(memory);
	const struct pw_format *format;
	size_t used = 0;

	*names_ret = (struct infer_names){ .count = 0 };
	for (size_t i = 0; (format = pw_format_at(i)); i++) {
		struct pw_geometry geometry;

		pw_format_geometry(format, &geometry);
		if (!fits(title, geometry.machines) || (options && decode(options, format, NULL)) ||
		    used >= sizeof(names_ret->text))
			continue;
		if (names_ret->count++ == 0)
			names_ret->format = format;
		used += (size_t)snprintf(names_ret->text + used, sizeof(names_ret->text) - used,
					 "%s%s", used ? ", " : "", geometry.name);
	}
}

int infer_refuse(const struct tool_input *input)
{
	struct infer_names fitting;

	infer_names(input->memory, NULL, &fitting);
	if (fitting.count > 0)
		return tool_fail("%s (%s) does not say in which format its page tables are: give "
				 "--format NAME and --root WORD. These could fit: %s",
				 input->source, pw_memory_title(input->memory), fitting.text);
	return tool_fail("%s (%s) does not say in which format its page tables are: give --format "
			 "NAME and --root WORD; `pagewalk formats' lists the names and what their "
			 "roots are",
			 input->source, pw_memory_title(input->memory));
}

/* No format of the machine takes the words: what the first of them says. */
static int refuse(const struct tool_options *options, const struct tool_input *input)
{
	struct infer_names all;
	struct pw_error error = { "" };

	infer_names(input->memory, NULL, &all);
	if (all.count == 0)
		return infer_refuse(input);
	decode(options, all.format, &error);
	return tool_fail("--root 0x%llx is not a root of any format of this machine (%s): %s",
			 (unsigned long long)options->root[0], all.text, error.text);
}

int infer_format(const struct tool_options *options, const char *known, struct tool_input *input)
{
	struct infer_names names;
	struct pw_geometry geometry;

	input->format = known ? pw_format_find(known) : NULL;
	if (input->format && decode(options, input->format, NULL) == 0)
		return 0;
	infer_names(input->memory, options, &names);
	if (names.count == 0)
		return refuse(options, input);
	pw_format_geometry(names.format, &geometry);
	if (names.count > 1)
		return tool_fail("%s (%s): the word of %s alone does not tell in which of these "
				 "formats the tables are: %s. Give --format NAME",
				 input->source, pw_memory_title(input->memory), geometry.root_name,
				 names.text);
	input->format = names.format;
	tool_message("root 0x%llx is taken for %s: of the formats of this machine, no other has "
		     "such a %s",
		     (unsigned long long)options->root[0], geometry.name, geometry.root_name);
	return 0;
}
