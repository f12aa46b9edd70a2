/* SPDX-License-Identifier: MIT */
/*
 * One strategy's panel: a row for each level, in it an arrow for each turn of its loop over the range
 * as cropped, below that the entry which the turn read, and at the bottom the pages beside the oracle's.
 *
 *   pud        =turn 1=======>   =turn 2=======>
 *   crop 2^31  [511|512|513]     (copy| +1 )  !
 *   2 turns    copy of p4d       NO TABLE
 */
#include <inttypes.h>
#include <string.h>

#include "lab/fold/picture.h"

static const double SIDE = 92, HEAD = 52, AXIS = 40, ROW = 94, ROW_EMPTY = 34, PAGES = 66;
static const double BAR = 20, CHIP = 20, CHIP_TOP = 29, LEADING = 17, POINT = 7;
/* Widths of characters at the sizes of svg.c, for fonts that are rather wide. */
static const double MONO_11 = 6.7, SANS_11 = 6.3, BOLD_11 = 7.3, BOLD_13 = 8.3;

/* ---- helpers ---- */

static double text_width(const char *text, double character)
{
	return (double)strlen(text) * character;
}

static double x_of(const struct fold_picture *picture, pw_va va, double width)
{
	double step = (width - SIDE) / picture->columns, part;
	unsigned column = picture->columns - 1;
	pw_va end;

	while (column > 0 && picture->start[column] > va)
		column--;
	end = column + 1 < picture->columns ? picture->start[column + 1] - 1 : picture->last;
	part = (double)(va - picture->start[column]) / ((double)(end - picture->start[column]) + 1);
	return SIDE + step * (column + part);
}

static double x_behind(const struct fold_picture *picture, pw_va last, double width)
{
	return last == picture->last ? width : x_of(picture, last + 1, width);
}

static double row_height(const struct fold_picture *picture, unsigned level)
{
	return picture->visited[level] ? ROW : ROW_EMPTY;
}

static double row_y(const struct fold_picture *picture, unsigned level)
{
	double y = HEAD + AXIS;

	for (unsigned above = FOLD_PGD; above > level; above--)
		y += row_height(picture, above);
	return y;
}

static double pages_y(const struct fold_picture *picture)
{
	return row_y(picture, 0) + row_height(picture, 0);
}

static unsigned columns_of_verdict(double width)
{
	return (unsigned)(width / BOLD_13);
}

double fold_panel_height(const struct fold_picture *picture, double width)
{
	unsigned lines = 1;

	for (size_t i = 0; i < picture->panels; i++) {
		unsigned more = pw_svg_lines(columns_of_verdict(width),
					     picture->panel[i].result->verdict);

		lines = more > lines ? more : lines;
	}
	return pages_y(picture) + PAGES + LEADING * (lines + 2);
}

/* A tick, or a triangle with an exclamation mark: for those who do not see colours. */
static void draw_mark(struct svg *svg, bool alarm, double x, double y)
{
	if (!alarm) {
		fprintf(svg->stream, "<path class=\"tick\" d=\"M%.1f %.1fl4 5l8-11\"/>\n", x, y);
		return;
	}
	fprintf(svg->stream, "<path class=\"warning\" d=\"M%.1f %.1fl7-13l7 13z\"/>\n", x - 1,
		y + 5);
	fprintf(svg->stream, "<path class=\"exclamation\" d=\"M%.1f %.1fv5m0 2v1.6\"/>\n", x + 6,
		y - 4);
}

/* ---- head and axis ---- */

static void draw_head(struct svg *svg, const struct fold_panel *panel)
{
	bool alarm;
	const char *word = fold_result_word(panel->result, &alarm);
	const char *name = fold_strategy_name(panel->result->strategy);

	pw_svg_text(svg, "h1", "start", 0, 20, "%s", name);
	pw_svg_text(svg, "dim", "start", 0, 40, "%s", fold_panel_title(panel));
	pw_svg_step_begin(svg, panel->steps + 1, "");
	draw_mark(svg, alarm, 76, 15);
	pw_svg_text(svg, alarm ? "bad" : "good", "start", 97, 20, "%s", word);
	pw_svg_group_end(svg);
}

/* Does a new entry of the real top begin at column @at, which is not the first? */
static bool is_crossing(const struct fold_picture *picture, unsigned at)
{
	unsigned shift = picture->input->format->shift[picture->panel[0].result->top];

	return (picture->start[at] >> shift) != ((picture->start[at] - 1) >> shift);
}

/* Labels the range's ends and its crossings into another entry of the real top, while there is room. */
static void draw_axis(struct svg *svg, const struct fold_picture *picture, double width)
{
	unsigned shift = picture->input->format->shift[picture->panel[0].result->top];
	double top = HEAD + AXIS, free_from, bottom = pages_y(picture) + PAGES - 8;
	char text[64];

	snprintf(text, sizeof(text), "0x%" PRIx64, picture->first);
	pw_svg_text(svg, "m s", "start", SIDE, top - 8, "%s", text);
	pw_svg_line(svg, "edge", SIDE, top - 5, SIDE, bottom);
	free_from = SIDE;
	snprintf(text, sizeof(text), "0x%" PRIx64, picture->last);
	pw_svg_text(svg, "m s", "end", width, top - 8, "%s", text);
	pw_svg_line(svg, "edge", width, top - 5, width, bottom);
	for (unsigned i = 1; i < picture->columns; i++) {
		double x = x_of(picture, picture->start[i], width), half;

		if (!is_crossing(picture, i)) {
			pw_svg_line(svg, "edge", x, top - 5, x, bottom);
			continue;
		}
		pw_svg_line(svg, "boundary", x, top - 20, x, bottom);
		snprintf(text, sizeof(text), "0x%" PRIx64 " (2^%u)", picture->start[i], shift);
		half = text_width(text, MONO_11) / 2;
		if (x - half < free_from || x + half > width)
			snprintf(text, sizeof(text), "0x%" PRIx64, picture->start[i]);
		half = text_width(text, MONO_11) / 2;
		if (x - half < free_from || x + half > width)
			continue;
		pw_svg_text(svg, "m s name", "middle", x, top - 24, "%s", text);
		free_from = x + half + 8;
	}
}

/* ---- rows ---- */

static const struct fold_step *first_of_level(const struct fold_panel *panel, unsigned level)
{
	for (uint32_t i = 0; i < panel->steps; i++)
		if (fold_step_turn(panel, &panel->step[i])->level == level)
			return &panel->step[i];
	return NULL;
}

/* The label at the left of a row, and the text in a row without turns. */
static void draw_row(struct svg *svg, const struct fold_picture *picture,
		     const struct fold_panel *panel, unsigned level, double width)
{
	const struct fold_step *step = first_of_level(panel, level);
	double y = row_y(picture, level), height = row_height(picture, level);
	bool folded, absent = !step && level > panel->result->top;
	uint64_t turns = panel->result->turns_of[level];
	char crop[32], word[40], *comma;

	folded = fold_level_word(picture, panel, level, word);
	if (folded || absent)
		pw_svg_rect(svg, "foldedrow", 0, y - 2, width, height - 4);
	pw_svg_text(svg, folded || absent ? "name dim" : "name", "start", 6, y + 17, "%s",
		    fold_level_name(level));
	if (!step) {
		pw_svg_text(svg, "s dim", "start", SIDE + 10, y + 17, "%s",
			    absent ? "not visited: this walk begins below" : "not reached");
		return;
	}
	fold_crop_text(picture, panel, fold_step_turn(panel, step), crop);
	pw_svg_text(svg, "s dim", "start", 6, y + 33, "%s", crop);
	pw_svg_text(svg, "s dim", "start", 6, y + 47, "%" PRIu64 " turn%s", turns,
		    turns == 1 ? "" : "s");
	if (!folded)
		return;
	/* Two lines at most; the words for s390 break better at their comma. */
	comma = strchr(word, ',');
	if (comma)
		pw_svg_paragraph(svg, "s dim", 6, y + 77, 13, 14, comma + 2);
	if (comma)
		*comma = '\0';
	pw_svg_paragraph(svg, "s dim", 6, y + 64, 13, 14, word);
}

static const char *class_of(const struct fold_turn *turn, const struct fold_step *step, bool folded)
{
	if (turn->departed)
		return "alarm";
	if (turn->broken)
		return "suspect";
	if (folded && !step->iterates)
		return "foldedbar";
	return step->iterates ? "hit" : "cell";
}

/* The arrow of a turn, as long as the range after cropping. */
static void draw_bar(struct svg *svg, const struct fold_picture *picture,
		     const struct fold_panel *panel, const struct fold_step *step, double width)
{
	const struct fold_turn *turn = fold_step_turn(panel, step);
	double x = x_of(picture, step->first, width) + 3, y = row_y(picture, turn->level) + 4;
	double end = x_behind(picture, step->last, width) - 3, point = POINT;
	char label[48], full[96];

	if (end - x < 2 * POINT)
		point = (end - x) / 2;
	fprintf(svg->stream,
		"<path class=\"bar %s\" d=\"M%.1f %.1fH%.1fl%.1f %.1fl%.1f %.1fH%.1fz\"/>\n",
		class_of(turn, step, fold_level_word(picture, panel, turn->level, full)), x, y,
		end - point, point, BAR / 2, -point, BAR / 2, x);
	if (step->turns == 1)
		snprintf(label, sizeof(label), "turn %" PRIu32, turn->iteration + 1);
	else
		snprintf(label, sizeof(label), "%" PRIu32 " turns", step->turns);
	if (text_width(label, SANS_11) + 8 > end - x)
		return;
	snprintf(full, sizeof(full), "%s%s", label,
		 turn->departed ? ": NO TABLE"
		 : turn->broken ? ": wrong entry"
				: "");
	if (text_width(full, BOLD_11) + 8 > end - x - point)
		memcpy(full, label, sizeof(label));
	pw_svg_text(svg, turn->departed || turn->broken ? "s bad" : "s", "start", x + 6, y + 14,
		    "%s", full);
}

/* The step from one turn of a loop to the next: pXdp++. */
static void draw_hop(struct svg *svg, const struct fold_picture *picture,
		     const struct fold_panel *panel, const struct fold_step *step, double width)
{
	const struct fold_turn *turn = fold_step_turn(panel, step);
	double x = x_of(picture, step->first, width), y = row_y(picture, turn->level) + 3;
	bool alarm = turn->departed;

	if (turn->iteration == 0)
		return;
	fprintf(svg->stream, "<path class=\"%s\" d=\"M%.1f %.1fc2-11 18-11 22-5\"/>\n",
		alarm ? "hop hopbad" : "hop", x - 10, y);
	fprintf(svg->stream, "<path class=\"%s\" d=\"M%.1f %.1fl-6.5-4l6-3.5z\"/>\n",
		alarm ? "fillbad" : "head", x + 14, y + 1);
}

/* From the entry that called this loop, straight down, when it is the loop's first turn. */
static void draw_call(struct svg *svg, const struct fold_picture *picture,
		      const struct fold_panel *panel, const struct fold_step *step, double width)
{
	const struct fold_turn *turn = fold_step_turn(panel, step);
	double x = x_of(picture, step->first, width) + 10, y = row_y(picture, turn->level) + 3;
	double top = row_y(picture, turn->level + 1u) + 4 + BAR;
	bool alarm = turn->broken && !turn->departed;

	if (turn->iteration > 0 || step->parent == FOLD_NO_TURN)
		return;
	pw_svg_line(svg, alarm ? "call hopbad" : "call", x, top, x, y - 5);
	fprintf(svg->stream, "<path class=\"%s\" d=\"M%.1f %.1fl-4-8h8z\"/>\n",
		alarm ? "fillbad" : "head", x, y);
}

static void draw_chip(struct svg *svg, const char *class, double x, double y, double width,
		      const char *text)
{
	pw_svg_rect(svg, class, x, y, width, CHIP);
	if (*text)
		pw_svg_text(svg, strcmp(class, "ghost") == 0 ? "m s dim" : "m s", "middle",
			    x + width / 2, y + 14, "%s", text);
}

/* The table around the entry that was read. */
static double draw_table_chips(struct svg *svg, const struct fold_turn *turn, const char *class,
			       double x, double y, double room)
{
	const struct fold_place *place = &turn->place;
	double width = 42;
	uint32_t first = place->index, last = place->index;
	char text[32];

	if (room >= 3 * width) {
		first -= first > 0;
		last += last + 1 < place->entries;
	}
	for (uint32_t i = first; i <= last; i++) {
		snprintf(text, sizeof(text), "%" PRIu32, i);
		draw_chip(svg, i == place->index ? class : "ghost", x, y, width, text);
		x += width;
	}
	return x;
}

/* A copy on the stack, and the words beside it. */
static double draw_stack_chips(struct svg *svg, const struct fold_turn *turn, const char *class,
			       double x, double y, double room)
{
	const struct fold_place *place = &turn->place;
	char text[32];

	if (room >= 100 || place->index == 0) {
		draw_chip(svg, place->index == 0 && place->where == FOLD_ON_STACK ? class : "stack",
			  x, y, 42, "copy");
		x += 42;
	}
	if (place->where == FOLD_STRAY)
		snprintf(text, sizeof(text), "[%" PRIu32 "]", place->index);
	else
		snprintf(text, sizeof(text), "+%" PRIu32,
			 place->index ? place->index : place->index + 1);
	if (place->where == FOLD_STRAY)
		x += room >= 100 ? 10 : 0;
	if (place->index > 0 || place->where == FOLD_STRAY || room >= 100) {
		draw_chip(svg, place->index || place->where == FOLD_STRAY ? class : "ghost", x, y,
			  42, text);
		x += 42;
	}
	return x;
}

/* The entry that a turn read: boxes, and below them words and the value. */
static void draw_place(struct svg *svg, const struct fold_picture *picture,
		       const struct fold_panel *panel, const struct fold_step *step, double width)
{
	const struct fold_turn *turn = fold_step_turn(panel, step);
	const struct fold_place *place = &turn->place;
	double x = x_of(picture, step->first, width) + 20, y = row_y(picture, turn->level);
	double room = x_behind(picture, step->last, width) - x - 4, end;
	const char *class = turn->departed ? "alarm" : turn->broken ? "suspect" : "hit";
	char text[96], value[64];
	double sans = turn->broken ? BOLD_11 : SANS_11;

	if (room < 44)
		return;
	if (step->turns > 1) {
		pw_svg_text(svg, "s dim", "start", x, y + CHIP_TOP + 14,
			    room > 60 ? "one by one" : "");
		return;
	}
	if (place->where == FOLD_IN_TABLE)
		end = draw_table_chips(svg, turn, class, x, y + CHIP_TOP, room);
	else
		end = draw_stack_chips(svg, turn, class, x, y + CHIP_TOP, room);
	if (turn->departed && end + 24 < x + room)
		draw_mark(svg, true, end + 8, y + CHIP_TOP + 12);
	for (unsigned variant = 0; variant < 3; variant++) {
		fold_place_short(picture->input, place, variant, text);
		if (text_width(text, sans) <= room)
			break;
	}
	if (text_width(text, sans) <= room)
		pw_svg_text(svg, turn->departed ? "s bad halo" : "s halo", "start", x,
			    y + CHIP_TOP + 33, "%s", text);
	snprintf(value, sizeof(value), "= 0x%" PRIx64, turn->value);
	if (turn->broken && turn->expected.entries > 0)
		snprintf(value, sizeof(value), "should be 0x%" PRIx64 "[%" PRIu32 "]",
			 turn->expected.table, turn->expected.index);
	if (text_width(value, turn->broken ? BOLD_11 : MONO_11) <= room)
		pw_svg_text(svg, turn->broken ? "s bad halo" : "m s dim halo", "start", x,
			    y + CHIP_TOP + 47, "%s", value);
}

/* ---- pages ---- */

static void draw_page(struct svg *svg, const struct fold_picture *picture,
		      const struct fold_panel *panel, const struct fold_step *step, double width)
{
	const struct fold_page *page = &panel->result->page[step->page];
	double x = x_of(picture, step->first, width) + 3, y = pages_y(picture);
	double end = x_behind(picture, step->last, width) - 3, room = end - x - 26;
	bool wrong = step->wrong > 0;
	char text[4][64];

	pw_svg_rect(svg, wrong ? "alarm" : "page", x, y, end - x, PAGES - 14);
	if (end - x > 24)
		draw_mark(svg, wrong, x + 6, y + 13);
	if (step->pages > 1 && wrong)
		snprintf(text[0], 64, "%" PRIu32 " of %" PRIu32 " WRONG", step->wrong, step->pages);
	else if (step->pages > 1)
		snprintf(text[0], 64, "%" PRIu32 " pages, all the oracle's", step->pages);
	else if (wrong && page->mapped)
		snprintf(text[0], 64, "WRONG: 0x%" PRIx64 "'s", page->mapped_at);
	else
		snprintf(text[0], 64, wrong ? "WRONG: unmapped" : "the oracle's");
	if (text_width(text[0], BOLD_11) > room && wrong && page->mapped && step->pages == 1)
		snprintf(text[0], 64, "0x%" PRIx64 "'s", page->mapped_at);
	if (text_width(text[0], BOLD_11) > room)
		snprintf(text[0], 64, wrong ? "WRONG" : "right");
	if (text_width(text[0], BOLD_11) <= room)
		pw_svg_text(svg, wrong ? "s bad" : "s good", "start", x + 24, y + 17, "%s",
			    text[0]);
	snprintf(text[1], 64, "found 0x%" PRIx64, page->pa);
	if (page->expected)
		snprintf(text[2], 64, "oracle 0x%" PRIx64, page->expected_pa);
	else
		snprintf(text[2], 64, "oracle none");
	if (step->pages > 1)
		snprintf(text[1], 64, "%" PRIu32 " pages", step->pages);
	for (unsigned i = 1; i < (step->pages == 1 ? 3u : 2u); i++)
		if (text_width(text[i], MONO_11) <= room + 14)
			pw_svg_text(svg, "m s", "start", x + 8, y + 17 + 14 * i, "%s", text[i]);
}

static void draw_stop(struct svg *svg, const struct fold_picture *picture,
		      const struct fold_panel *panel, double width)
{
	const struct fold_result *result = panel->result;
	double x = x_of(picture, result->stopped_at, width) + 3, y = pages_y(picture);
	double room = width - 3 - x;

	pw_svg_rect(svg, "hole", x, y, room, PAGES - 14);
	if (room > 60)
		pw_svg_text(svg, "s bad", "start", x + 8, y + 17, "gave up");
	if (room > 150)
		pw_svg_text(svg, "s dim", "start", x + 8, y + 33, "the slow walk goes on here");
}

/* ---- all ---- */

static void draw_step(struct svg *svg, const struct fold_picture *picture,
		      const struct fold_panel *panel, uint32_t number, double width)
{
	const struct fold_step *step = &panel->step[number];
	const struct fold_turn *turn = fold_step_turn(panel, step);
	char text[FOLD_PICTURE_TEXT];

	pw_svg_step_begin(svg, number + 1, turn->departed ? "departed" : "");
	fputs("<title>", svg->stream);
	pw_escape_xml(svg->stream, fold_step_text(picture, panel, step, text));
	fputs("</title>\n", svg->stream);
	draw_bar(svg, picture, panel, step, width);
	draw_call(svg, picture, panel, step, width);
	draw_hop(svg, picture, panel, step, width);
	draw_place(svg, picture, panel, step, width);
	if (step->pages > 0)
		draw_page(svg, picture, panel, step, width);
	pw_svg_group_end(svg);
}

void fold_panel_draw(struct svg *svg, const struct fold_picture *picture,
		     const struct fold_panel *panel, double width)
{
	const struct fold_result *result = panel->result;
	double y = pages_y(picture);
	bool alarm;

	draw_head(svg, panel);
	for (unsigned level = FOLD_LEVELS; level-- > 0;)
		draw_row(svg, picture, panel, level, width);
	draw_axis(svg, picture, width);
	pw_svg_text(svg, "name", "start", 6, y + 17, "page");
	pw_svg_text(svg, "s dim", "start", 6, y + 34, "beside the");
	pw_svg_text(svg, "s dim", "start", 6, y + 47, "oracle's");
	for (uint32_t i = 0; i < panel->steps; i++)
		draw_step(svg, picture, panel, i, width);
	fold_result_word(result, &alarm);
	pw_svg_step_begin(svg, panel->steps + 1, "");
	if (result->stopped)
		draw_stop(svg, picture, panel, width);
	y = pw_svg_paragraph(svg, alarm ? "bad" : "good", 0, y + PAGES + 8, LEADING,
			     columns_of_verdict(width), result->verdict);
	pw_svg_text(svg, "dim", "start", 0, y,
		    "%" PRIu64 " loads from tables, %" PRIu64 " from the stack; %" PRIu64
		    " turn%s table",
		    result->loads, result->stack_loads, result->departures,
		    result->departures == 1 ? " left its" : "s left their");
	pw_svg_group_end(svg);
}
