/* SPDX-License-Identifier: MIT */
/* A step as text: the statement, what became of it, and what it changed. */
#include <string.h>

#include "base/escape.h"
#include "cli/sim/sim.h"
#include "cli/terminal.h"

enum { INDENT = 9 }; /* of what goes on in another line */

static const struct sim_row *row_at(const struct sim_state *state, unsigned mm, pw_va va)
{
	for (unsigned i = 0; i < state->rows; i++)
		if (state->row[i].mm == mm && state->row[i].va == va)
			return &state->row[i];
	return NULL;
}

static bool changed(const struct sim_run *run, const struct sim_state *before,
		    const struct sim_state *after, const struct sim_row *row)
{
	const struct sim_row *old = row_at(before, row->mm, row->va);
	char was[SIM_TEXT] = "none", now[SIM_TEXT];

	if (old)
		sim_row_words(run, before, old, was, sizeof(was));
	sim_row_words(run, after, row, now, sizeof(now));
	return strcmp(was, now) != 0;
}

/* Does @next go on where @row ends, with the same to say of it? */
static bool goes_on(const struct sim_run *run, const struct sim_state *state,
		    const struct sim_row *row, const struct sim_row *next)
{
	const char *page = sim_row_page(run, row), *next_page = sim_row_page(run, next);
	const uint64_t bytes = row->result.size_lg2 < 64 && page ? pw_result_size(&row->result)
								 : run->page;
	char rest[SIM_TEXT], next_rest[SIM_TEXT];

	if (row->mm != next->mm || next->va != row->va + bytes || !page != !next_page)
		return false;
	if (!page)
		return row->result.status == next->result.status;
	sim_row_rest(run, state, row, rest, sizeof(rest));
	sim_row_rest(run, state, next, next_rest, sizeof(next_rest));
	return strcmp(page, next_page) == 0 && next->result.pa == row->result.pa + bytes &&
	       strcmp(rest, next_rest) == 0;
}

/* Prints a line that begins with @first; in a narrow terminal, it goes on below, three columns further in. */
static void print_words(const struct terminal *terminal, const char *first, const char *text)
{
	const unsigned column = (unsigned)strlen(first);

	fputs(first, stdout);
	terminal_words(terminal, text, column, INDENT);
	putchar('\n');
}

/* Entries that are not as they were, in the order of address spaces and addresses; alike neighbours in one line. */
static void print_entries(const struct sim_run *run, const struct terminal *terminal,
			  const struct sim_state *before, const struct sim_state *after)
{
	for (unsigned i = 0; i < after->rows; i++) {
		const struct sim_row *row = &after->row[i];
		char words[SIM_TEXT], line[2 * SIM_TEXT];
		unsigned last = i;

		if (!changed(run, before, after, row))
			continue;
		while (last + 1 < after->rows &&
		       changed(run, before, after, &after->row[last + 1]) &&
		       goes_on(run, after, &after->row[last], &after->row[last + 1]))
			last++;
		sim_row_words(run, after, row, words, sizeof(words));
		snprintf(line, sizeof(line), "%s 0x%-8llx %s", run->object[row->mm].name,
			 (unsigned long long)row->va, words);
		if (last > i)
			snprintf(line + strlen(line), sizeof(line) - strlen(line),
				 " (and %u more like it)", last - i);
		print_words(terminal, "      ", line);
		i = last;
	}
}

void sim_text_step(const struct sim_run *run, const struct sim_statement *statement,
		   const struct sim_outcome *outcome, const struct sim_state *before,
		   const struct sim_state *after)
{
	const struct terminal terminal = terminal_plain(false);
	char number[16], text[4 * SIM_TEXT];

	snprintf(number, sizeof(number), "%4u  ", statement->line);
	print_words(&terminal, number, pw_escape_text(statement->source, text, sizeof(text)));
	print_words(&terminal, "      -> ", pw_escape_text(outcome->text, text, sizeof(text)));
	print_entries(run, &terminal, before, after);
}
