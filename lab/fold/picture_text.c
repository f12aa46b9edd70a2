/* SPDX-License-Identifier: MIT */
/* The texts of pictures of folding. They hold names and numbers, which only the drawing has to escape. */
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "lab/fold/picture.h"

/* Appends to @text, which has room for FOLD_PICTURE_TEXT. */
static __attribute__((format(printf, 2, 3))) void append(char *text, const char *format, ...)
{
	size_t used = strlen(text);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text + used, FOLD_PICTURE_TEXT - used, format, arguments);
	va_end(arguments);
}

/* ---- heads ---- */

char *fold_picture_title(const struct fold_picture *picture, char text[200])
{
	const struct fold_result *result = picture->panel[0].result;
	uint64_t pages = ((picture->last - picture->first) >> picture->input->format->shift[0]) + 1;

	snprintf(text, 200,
		 "%s, %u levels of tables: 0x%" PRIx64 "-0x%" PRIx64 ", %" PRIu64 " page%s",
		 picture->input->style->format, result->top + 1u, picture->first, picture->last,
		 pages, pages > 1 ? "s" : "");
	return text;
}

char *fold_picture_subtitle(const struct fold_picture *picture, char text[200])
{
	const struct fold_input *input = picture->input;

	if (input->walk == FOLD_PAGEWALK)
		snprintf(text, 200, "Kernel: %s. Walk: walk_page_range (mm/pagewalk.c).",
			 input->style->built);
	else
		snprintf(text, 200,
			 "Kernel: %s. Walk: get_user_pages_fast. Beside a stack copy stands %s.",
			 input->style->built,
			 input->neighbour == FOLD_NEIGHBOUR_ENTRY
				 ? "the caller's copy of the same entry"
				 : "an empty entry");
	return text;
}

const char *fold_result_word(const struct fold_result *result, bool *alarm)
{
	*alarm = true;
	if (!result->right && result->missing > 0 && result->departures == 0)
		return "INCOMPLETE";
	if (!result->right)
		return "WRONG PAGE";
	if (result->departures > 0)
		return "RIGHT BY LUCK";
	*alarm = false;
	return result->stopped ? "right, up to a hole" : "right";
}

char *fold_step_name(const struct fold_panel *panel, const struct fold_step *step, char text[40])
{
	const struct fold_turn *turn = fold_step_turn(panel, step);

	if (step->turns == 1)
		snprintf(text, 40, "%s, turn %" PRIu32, fold_level_name(turn->level),
			 turn->iteration + 1);
	else
		snprintf(text, 40, "%s, %" PRIu32 " turns", fold_level_name(turn->level),
			 step->turns);
	return text;
}

const char *fold_panel_title(const struct fold_panel *panel)
{
	if (panel->result->walk == FOLD_FAST || panel->result->strategy == FOLD_E)
		return fold_strategy_title(panel->result->strategy);
	if (panel->result->strategy == FOLD_C)
		return "after: ends by the entry's value, pointers to tables";
	return "before: static ends, pointers to tables";
}

bool fold_level_word(const struct fold_picture *picture, const struct fold_panel *panel,
		     unsigned level, char text[40])
{
	const struct fold_result *result = panel->result;
	enum fold_how how = picture->input->style->how;

	if (result->strategy == FOLD_E || result->top == FOLD_PGD)
		return false;
	if (how == FOLD_VALUE ? level <= result->top : level == FOLD_PGD || level < result->top)
		return false;
	if (how == FOLD_VALUE)
		snprintf(text, 40, "folded, not a table");
	else if (how == FOLD_REINDEX && level == result->top)
		snprintf(text, 40, "folded by index");
	else
		snprintf(text, 40, "folded into the pgd");
	return true;
}

/* ---- places ---- */

char *fold_place_short(const struct fold_input *input, const struct fold_place *place,
		       unsigned variant, char text[96])
{
	const char *level = pw_level_name(input->format, place->level);

	if (variant == 0)
		return fold_place_text(input, place, text);
	if (place->where == FOLD_IN_TABLE)
		snprintf(text, 96, "%s[%" PRIu32 "]", variant == 1 ? level : "", place->index);
	else if (place->where == FOLD_STRAY)
		snprintf(text, 96, "stack page[%" PRIu32 "]", place->index);
	else if (place->index > 0 && variant == 1)
		snprintf(text, 96, "beside the copy of %s", fold_level_name(place->copy));
	else if (place->index > 0)
		snprintf(text, 96, "beside it");
	else if (variant == 1)
		snprintf(text, 96, "copy of %s", fold_level_name(place->copy));
	else
		snprintf(text, 96, "copy");
	return text;
}

/* ---- sentences ---- */

static bool is_by_value(const struct fold_picture *picture, const struct fold_panel *panel)
{
	const struct fold_result *result = panel->result;

	return picture->input->style->how == FOLD_VALUE &&
	       (result->strategy == FOLD_C ||
		(result->strategy == FOLD_B && result->walk == FOLD_FAST));
}

char *fold_crop_text(const struct fold_picture *picture, const struct fold_panel *panel,
		     const struct fold_turn *turn, char text[32])
{
	unsigned crop = fold_turn_crop(picture->input, panel->result, turn);

	if (crop == FOLD_NO_CROP)
		snprintf(text, 32, "no crop");
	else if (is_by_value(picture, panel) && turn->level > 0)
		snprintf(text, 32, "2^%u by value", crop);
	else
		snprintf(text, 32, "crop 2^%u", crop);
	return text;
}

/* The end of the range of @turn's loop. */
static pw_va end_of_loop(const struct fold_panel *panel, const struct fold_turn *turn)
{
	return turn->parent == FOLD_NO_TURN ? panel->result->last
					    : panel->result->turn[turn->parent].last;
}

static void say_crop(const struct fold_picture *picture, const struct fold_panel *panel,
		     const struct fold_turn *turn, char *text)
{
	const char *level = fold_level_name(turn->level);
	unsigned crop = fold_turn_crop(picture->input, panel->result, turn);
	bool cropped = turn->last != end_of_loop(panel, turn);
	bool rest = turn->iteration > 0 && !cropped;

	if (panel->result->strategy == FOLD_E) {
		append(text,
		       " The entry covers 2^%u, so the range here is 0x%" PRIx64 "-0x%" PRIx64,
		       crop, turn->first, turn->last);
		append(text, cropped ? ", and another entry follows." : ".");
		return;
	}
	if (crop == FOLD_NO_CROP) {
		append(text, " %s_addr_end() returns the end that it is given: one turn.", level);
		return;
	}
	append(text, " %s_addr_end() crops at multiples of 2^%u", level, crop);
	if (is_by_value(picture, panel) && turn->level > 0)
		append(text, ", the size that the entry's value gives");
	if (cropped)
		append(text,
		       ": this turn has 0x%" PRIx64 "-0x%" PRIx64 ", and the loop iterates here.",
		       turn->first, turn->last);
	else if (rest)
		append(text, ": the rest is 0x%" PRIx64 "-0x%" PRIx64 ".", turn->first, turn->last);
	else
		append(text,
		       ". The range 0x%" PRIx64 "-0x%" PRIx64 " crosses none, so it stays whole.",
		       turn->first, turn->last);
}

static void say_pages(const struct fold_panel *panel, const struct fold_step *step, char *text)
{
	const struct fold_page *page;

	if (step->pages == 0)
		return;
	page = &panel->result->page[step->page];
	if (step->pages > 1)
		append(text, " It finds %" PRIu32 " pages. ", step->pages);
	if (step->pages > 1 && step->wrong == 0) {
		append(text, "The oracle has the same.");
		return;
	}
	if (step->pages > 1)
		append(text, "%" PRIu32 " of them are WRONG. The first:", step->wrong);
	if (step->wrong == 0) {
		append(text, " It finds the page 0x%" PRIx64 ". The oracle has the same.",
		       page->pa);
		return;
	}
	append(text, " For 0x%" PRIx64 " it takes the page 0x%" PRIx64, page->va, page->pa);
	if (page->mapped)
		append(text, ", which belongs to 0x%" PRIx64, page->mapped_at);
	else
		append(text, ", which no address maps");
	if (page->expected)
		append(text, ". WRONG: the oracle has 0x%" PRIx64 ".", page->expected_pa);
	else
		append(text, ". WRONG: the oracle has no page there.");
}

/* Says what the entry means, unless the steps below it do. */
static void say_entry(const struct fold_picture *picture, const struct fold_panel *panel,
		      const struct fold_step *step, char *text)
{
	const struct fold_turn *turn = fold_step_turn(panel, step);
	char place[96], folded[40];

	if (turn->departed) {
		append(text,
		       " There is NO TABLE: the pointer has left the table that it was made for.");
		if (turn->expected.entries > 0)
			append(text, " This address selects the %s.",
			       fold_place_text(picture->input, &turn->expected, place));
	} else if (turn->broken) {
		append(text,
		       " This is the WRONG ENTRY: an entry that was read beside a table led here.");
		if (turn->expected.entries > 0)
			append(text, " This address selects the %s.",
			       fold_place_text(picture->input, &turn->expected, place));
	}
	if (turn->outside)
		append(text, " The memory has no such address.");
	if (fold_level_word(picture, panel, turn->level, folded))
		append(text, " This level is %s", folded);
	if (turn->folded)
		append(text, fold_level_word(picture, panel, turn->level, folded)
				     ? ": the entry is passed on."
				     : " The levels below are folded into this table: the entry is "
				       "passed on.");
	else if (fold_level_word(picture, panel, turn->level, folded))
		append(text, ".");
}

char *fold_step_text(const struct fold_picture *picture, const struct fold_panel *panel,
		     const struct fold_step *step, char text[FOLD_PICTURE_TEXT])
{
	const struct fold_turn *turn = fold_step_turn(panel, step);
	const struct fold_result *result = panel->result;
	char place[96];

	fold_step_name(panel, step, text);
	fold_place_text(picture->input, &turn->place, place);
	if (step->turns > 1) {
		append(text,
		       " for 0x%" PRIx64 "-0x%" PRIx64 ". The first reads the %s = 0x%" PRIx64 ".",
		       step->first, step->last, place, turn->value);
		say_entry(picture, panel, step, text);
	} else {
		append(text, ": reads the %s = 0x%" PRIx64 ".", place, turn->value);
		say_entry(picture, panel, step, text);
		if (turn->level > 0)
			say_crop(picture, panel, turn, text);
	}
	say_pages(panel, step, text);
	if (result->stopped && step->turn + step->turns >= result->turns && step->pages == 0)
		append(text, " The entry looks empty, so the fast walk gives up.");
	return text;
}
