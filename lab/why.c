/* SPDX-License-Identifier: MIT */
/* A paragraph for people that says why a range and a style make the strategies differ, or not. */
#include <stdio.h>

#include "lab/kernel.h"

enum { ROOM = 800 };

/* Does the range need more than one entry of the real top? */
static bool crosses(const struct fold_input *input, const struct fold_result *result)
{
	return (result->first ^ result->last) >> input->format->shift[result->top] != 0;
}

static void by_value(const struct fold_input *input, const struct fold_result *result, char *text)
{
	const char *top = pw_level_name(input->format, result->top);
	unsigned shift = input->format->shift[result->top];

	if (result->top == FOLD_PGD)
		snprintf(text, ROOM,
			 "With five tables nothing is folded: every pointer leads into the table "
			 "behind a value, the loop that crops is the one whose table it is, and no "
			 "copy is ever moved on from.");
	else if (!crosses(input, result))
		snprintf(
			text, ROOM,
			"This range lies behind one %s entry (2^%u bytes), so no loop takes a "
			"second turn through folded levels, and a copy of that entry is as good as "
			"the entry. Cross a multiple of 2^%u to see the difference.",
			top, shift, shift);
	else
		snprintf(
			text, ROOM,
			"The range crosses a multiple of 2^%u, what one %s entry covers, and "
			"pgd_offset() leads to such an entry already. With static ends the loops "
			"above %s crop at more than that and have one turn each; %s is the first "
			"that crops and so the one that iterates, over whatever its pointer points "
			"into: the table in d and e, a copy on the stack in a, where the second "
			"turn "
			"reads the word beside it. In b and c the pgd loop crops at 2^%u, by "
			"value, "
			"and iterates over the table; the copies below get one turn.",
			shift, top, fold_level_name(result->top), fold_level_name(result->top),
			shift);
}

static void re_indexed(const struct fold_input *input, const struct fold_result *result, char *text)
{
	const char *level = fold_level_name(result->top);

	if (result->top == FOLD_PGD)
		snprintf(text, ROOM, "All five levels are there, so none is folded.");
	else
		snprintf(
			text, ROOM,
			"%s_offset() takes its pointer down to the start of the page it is in, and "
			"adds an index of its own. Of a copy on the stack that makes a pointer "
			"into "
			"a page of the stack, for one address as for many. Nothing in the entry's "
			"value says so, so ends that look at values (b, c) change nothing. It "
			"takes "
			"the real pointer, at every level above: d, since 2024; d as of 2020 made "
			"a "
			"copy where p4d is folded statically.",
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
	snprintf(
		text, ROOM,
		"Stack copies do no harm here: pgd_addr_end() crops at 2^%u, exactly what one "
		"entry "
		"of the real top covers, so the pgd loop iterates, over the real table; what it "
		"hands down never needs a second entry of it. The folded loops below get %s and "
		"take one turn, and a copy that is read once and never moved on from is as good as "
		"the entry.",
		shift,
		input->style->how == FOLD_MODE ? "a range no longer than their own size"
					       : "an end that they return as it is");
}

static void by_pointer(const struct fold_input *input, const struct fold_result *result, char *text)
{
	bool moved = input->style->how == FOLD_VALUE && result->top != FOLD_PGD &&
		     crosses(input, result);

	if (moved)
		snprintf(
			text, ROOM,
			"pagewalk passes pointers to real tables, so both ways are right. Before "
			"(a, b, d): pgd_addr_end() uses the static 2^53 and the folded levels pass "
			"the range on as it is, until %s_addr_end() crops it at 2^%u and iterates, "
			"on a pointer that pgd_offset() made. After (c): pgd_addr_end() sees by "
			"the "
			"value that the entry covers 2^%u, crops, and iterates at the top, over "
			"the "
			"same entries; each turn goes down through the folded levels again.",
			fold_level_name(result->top), input->format->shift[result->top],
			input->format->shift[result->top]);
	else
		snprintf(text, ROOM,
			 "pagewalk passes pointers to real tables, never to copies, so every "
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
