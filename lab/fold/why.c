/* SPDX-License-Identifier: MIT */
/* A paragraph for people that says why a range and a style make the strategies differ, or not. */
#include <stdio.h>

#include "lab/fold/kernel.h"

enum { ROOM = 800 };

/* Does the range need more than one entry of the real top? */
static bool crosses(const struct fold_input *input, const struct fold_result *result)
{
	return (result->first ^ result->last) >> input->format->shift[result->top] != 0;
}

static void by_value(const struct fold_input *input, const struct fold_result *result, char *text)
{
	const char *top = pw_level_name(input->format, result->top);
	const char *loop = fold_level_name(result->top);
	unsigned shift = input->format->shift[result->top];

	if (result->top == FOLD_PGD)
		snprintf(text, ROOM,
			 "With five tables no level is folded. Every pointer leads into the table "
			 "behind an entry's value. Each loop crops at the size of its own table's "
			 "entries, and no loop steps a copy.");
	else if (!crosses(input, result))
		snprintf(text, ROOM,
			 "This range lies behind one %s entry (2^%u bytes). So no loop takes a "
			 "second turn through folded levels, and a copy of that entry is as good "
			 "as the entry. To see the difference, cross a multiple of 2^%u.",
			 top, shift, shift);
	else
		snprintf(text, ROOM,
			 "The range crosses a multiple of 2^%u. One %s entry covers that much, and "
			 "pgd_offset() leads to such an entry already. With static ends, the loops "
			 "above %s crop at more than that, so each takes one turn. The %s loop is "
			 "the first that crops, so it iterates. In d and e it steps through the "
			 "table. In a it steps a copy on the stack, and its second turn reads the "
			 "word beside that copy. In b and c the pgd loop crops at 2^%u, by value, "
			 "and iterates over the table; the folded loops below it get copies and "
			 "take one turn.",
			 shift, top, loop, loop, shift);
}

static void re_indexed(const struct fold_input *input, const struct fold_result *result, char *text)
{
	const char *level = fold_level_name(result->top);

	if (result->top == FOLD_PGD)
		snprintf(text, ROOM, "All five levels are there, so none is folded.");
	else
		snprintf(text, ROOM,
			 "%s_offset() rounds its pointer down to the start of the page that it "
			 "points into, and adds an index of its own. If the pointer points to a "
			 "copy on the stack, the result points into a page of the stack, even for "
			 "a single address. No entry's value says so, so ends that look at values "
			 "(b, c) change nothing. The cure is to pass the real pointer through "
			 "every level above. d does so since 2024; d as of 2020 made a copy where "
			 "p4d is folded statically.",
			 level);
	(void)input;
}

static void same_slot(const struct fold_input *input, const struct fold_result *result, char *text)
{
	unsigned shift = input->format->shift[result->top];

	if (result->top == FOLD_PGD) {
		snprintf(text, ROOM, "All five levels are there, so none is folded.");
		return;
	}
	snprintf(text, ROOM,
		 "Stack copies do no harm here. pgd_addr_end() crops at 2^%u, and one entry of the "
		 "real top covers exactly that. So the pgd loop iterates, over the real table, and "
		 "a range that it hands down never needs a second entry of that table. The folded "
		 "loops below get %s and take one turn. They read a copy once and never step it, "
		 "so the copy is as good as the entry.",
		 shift,
		 input->style->how == FOLD_MODE ? "a range no longer than their own size"
						: "an end that they return unchanged");
}

static void by_pointer(const struct fold_input *input, const struct fold_result *result, char *text)
{
	bool moved = input->style->how == FOLD_VALUE && result->top != FOLD_PGD &&
		     crosses(input, result);
	unsigned shift = input->format->shift[result->top];

	if (moved)
		snprintf(text, ROOM,
			 "mm/pagewalk.c passes pointers to real tables, so both ways are right. "
			 "Before (a, b, d): pgd_addr_end() uses the static 2^53, and the folded "
			 "levels pass the range on unchanged. Then %s_addr_end() crops it at "
			 "2^%u, and that loop iterates, on a pointer that pgd_offset() made. After "
			 "(c): pgd_addr_end() sees from the value that the entry covers 2^%u, and "
			 "crops there. The pgd loop iterates over the same entries, and each turn "
			 "goes down through the folded levels again.",
			 fold_level_name(result->top), shift, shift);
	else
		snprintf(text, ROOM,
			 "mm/pagewalk.c passes pointers to real tables, never to copies, so every "
			 "strategy reads the right entries.");
}

char *fold_why(const struct fold_input *input, const struct fold_result *result, char text[ROOM])
{
	if (result->walk == FOLD_PAGEWALK)
		by_pointer(input, result, text);
	else if (input->style->how == FOLD_VALUE)
		by_value(input, result, text);
	else if (input->style->how == FOLD_REINDEX)
		re_indexed(input, result, text);
	else
		same_slot(input, result, text);
	return text;
}
